"""Scripts and style sheets without what only people read: comments, indentation, space around signs."""

from __future__ import annotations

import functools
import re

__all__ = ["shortened"]

_QUOTED = r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`"""
_COMMENT = r"/\*[\s\S]*?\*/"
# A regular expression stands where a value may begin, a division where one has ended.
_REGEX = r"(?<=[(,=:\[!&|?{;])\s*/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*"
_PARTS = {
    "js": re.compile(rf"(?P<kept>{_QUOTED}|{_REGEX})|(?P<gone>{_COMMENT}|//[^\n]*)"),
    "css": re.compile(rf"(?P<kept>{_QUOTED})|(?P<gone>{_COMMENT})"),
}
# Line ends stay in a script: some of them end a statement.
_TIGHT = {
    "js": re.compile(r"[ \t]*([{}()\[\],;:?=<>*/&|!])[ \t]*|[ \t]+(?=[+-])|(?<=[+-])[ \t]+"),
    "css": re.compile(r"\s*([{};,>])\s*|(?<=:)\s+"),
}


@functools.cache
def shortened(text: str, language: str) -> str:
    """The same script ("js") or style sheet ("css"), shorter. Strings and regular expressions stay as they are.

    What it is given is ours: a plus beside a plus (`a + +b`) it does not expect.
    """
    parts: list[str] = []
    end = 0
    for found in _PARTS[language].finditer(text):
        parts.append(_tight(text[end : found.start()], language))
        if found["kept"]:
            parts.append(found["kept"].strip())
        end = found.end()
    parts.append(_tight(text[end:], language))
    joined = "".join(parts)
    return re.sub(r"\n\s*", "\n", joined).strip() + "\n"


def _tight(text: str, language: str) -> str:
    return _TIGHT[language].sub(lambda found: found[1] or "", re.sub(r"[ \t]*\n\s*", "\n", text))
