"""The page's scripts and style without what only readers of the source need: comments, indentation, spaces."""

from __future__ import annotations

import re

__all__ = ["compact"]

_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\\n])*" | `(?:\\.|[^`\\])*`)
      | (?P<comment>//[^\n]* | /\*.*?\*/)
      | (?P<space>\s+)
      | (?P<code>[^"`/\s]+ | /)""",
    re.VERBOSE | re.DOTALL,
)


def compact(source: str, words: str = "") -> str:
    """The same program in fewer characters.

    source  JavaScript in which every statement ends in a semicolon and none is empty, or CSS; texts
            stand in double quotes or in backticks, these not nested, regular expressions hold no
            quotes and no spaces, and no list leaves out members as [,,] does
    words   characters that must keep the space between them, as letters, digits, _ and $ do; in CSS
            `.a .b` is not `.a.b`

    The last semicolon of a block goes too, and so does the last comma of a list that closes on a line
    of its own.
    """
    made: list[str] = []
    pending = False  # whether there is space not yet written
    for token in _TOKEN.finditer(source):
        if token.lastgroup in ("comment", "space"):
            pending = True
            continue
        if made and pending and _must_part(made[-1][-1], token[0][0], words):
            made.append(" ")
        if made and (token[0][0] + made[-1][-1] in ("};", "},", "],", "),")):
            made[-1] = made[-1][:-1]
        made.append(token[0])
        pending = False
    return "".join(made)


def _must_part(left: str, right: str, words: str) -> bool:
    if left == right and left in "+-/":
        return True
    return all(c.isalnum() or c in "_$" or c in words for c in (left, right))
