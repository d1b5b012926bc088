"""The pages of the repository, and what stands in them: blocks, links, headings, quotations."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "autograd", "nn", "viz", "examples", "benchmarks", "tests")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])


NOTEBOOK_CELL = "{code-cell} ipython3"  # the language of a cell, in notebooks kept as text


class Block(NamedTuple):
    """A fenced block: its language or {directive}, its text, the line on which it opens, the line before."""

    language: str
    text: str
    line: int
    before: str


class Link(NamedTuple):
    """A link or a picture: what it is called, and where it leads."""

    text: str
    target: str
    line: int


def name_of(page: Path) -> str:
    """The page as messages call it."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    fence, start, before, language = "", 0, "", ""
    inside: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        opened = re.match(r"(```+)(\w*|\{[\w-]+\}.*)\s*$", line)
        if fence and line.rstrip() == fence:
            found.append(Block(language, "".join(f"{text}\n" for text in inside), start, before))
            fence, before = "", "```"
        elif fence:
            inside.append(line)
        elif opened:
            (fence, language), start, inside = opened.groups(), number, []
        elif line.strip():
            before = line
    assert not fence, f"{name_of(page)}, line {start}: the block does not end"
    return found


def prose(page: Path) -> list[str]:
    """The lines of a page, those in fenced blocks empty."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for block in blocks(page):
        for i in range(block.line - 1, block.line + len(block.text.splitlines()) + 1):
            lines[i] = ""
    return lines


def links(page: Path) -> list[Link]:
    """All links and pictures of a page."""
    text = "\n".join(prose(page))
    found = re.finditer(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)", text)
    return [Link(match[1], match[2], text.count("\n", 0, match.start()) + 1) for match in found]


def anchors(page: Path) -> set[str]:
    """What a link may have after #: the headings, in small letters with hyphens."""
    headings = (line.lstrip("#").strip() for line in prose(page) if re.match(r"#+ ", line))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(block: Block) -> list[str]:
    """The commands of a shell block, without comments."""
    lines = (re.sub(r"\s+#.*", "", line).strip() for line in block.text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def followed(page: Path) -> list[tuple[Block, str | None]]:
    """Each block with the output that stands below it: an unmarked block with nothing between."""
    pairs = itertools.pairwise([*blocks(page), Block("end", "", 0, "")])
    return [(a, b.text if b.language == "" and b.before == "```" else None) for a, b in pairs]
