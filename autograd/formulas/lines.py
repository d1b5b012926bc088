r"""Equations in lines that fit a page: how wide LaTeX is, about, and where it and text may be broken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

__all__ = ["Part", "broken", "columns", "fitted", "matrix", "of_another_pass", "width"]

# What fits into a line of A4 at 11 points, in digits of Computer Modern; scripts and small matrices count so much of
# their size.
LINE, SCRIPT, SMALL = 63.0, 0.72, 0.78
# What is in parentheses and no wider than this is broken last of all.
SHORT, DEEP = 25.0, 8
INDENT, CONTINUED = 2.0, r"&\quad {}"
# What stands before one matrix, and its cells, if all are numbers.
OF_NUMBERS = re.compile(
    r"([^&]*)\\begin\{bmatrix\} ((?:[-\d.^{}&\s]|\\\\|\\times|\\infty|\\mathrm\{nan\})*) \\end\{bmatrix\}"
)
TOKENS = re.compile(
    r"\\begin\{(?:b|small)matrix\}.*?\\end\{(?:b|small)matrix\}|\\(?:begin|end)\{aligned\}|\\[a-zA-Z]+|\\.|\s+|.",
    re.DOTALL,
)
OF_GROUPS = {r"\frac": 2, r"\tfrac": 2, r"\underset": 2, r"\sqrt": 1, r"\boxed": 1, r"\text": 1, r"\mathrm": 1}
OF_GROUPS |= {r"\operatorname": 1, r"\mathbf": 1, r"\mathtt": 1, r"\mathcal": 1, r"\hat": 1, r"\overline": 1}
SIGNS = {"+": 2.5, "-": 2.5, "=": 2.5, r"\odot": 2.5, r"\cdot": 1.5}  # a line may begin with one of these
WIDTHS = {
    r"\,": 0.3,
    r"\;": 0.5,
    r"\quad": 2.0,
    r"\qquad": 4.0,
    r"\sum": 2.9,
    r"\prod": 2.6,
    "(": 0.8,
    ")": 0.8,
    "[": 0.6,
    "]": 0.6,
    r"\times": 2.45,
    r"\infty": 2.0,
    "−": 1.55,  # before a number
}
WIDTHS |= {".": 0.6, ",": 0.6} | dict.fromkeys(
    (r"\begin{aligned}", r"\end{aligned}", r"\\", r"\!", r"\left", r"\right", "{", "}", "&"), 0.0
)
FUNCTIONS = re.compile(r"\\(arc|a)?(sin|cos|tan|sinh|cosh|tanh|exp|log|ln|max|min|det|arg)")


class Part(NamedTuple):
    """What stands between two places where a line may end; depth: of the parentheses, -1 before an equals sign."""

    text: str
    width: float
    depth: int


def width(latex: str) -> float:
    """About how wide LaTeX in math mode is, in digits."""
    return sum(part.width for part in _parts(latex))


def columns(text: str) -> int:
    """Columns that the text takes on a terminal."""
    return sum(not unicodedata.combining(ch) for ch in text)


def matrix(rows: Iterable[Iterable[str]]) -> str:
    """A block of numbers in brackets."""
    return rf"\begin{{bmatrix}} {_cells(rows)} \end{{bmatrix}}"


def _cells(rows: Iterable[Iterable[str]]) -> str:
    return r" \\ ".join(map(" & ".join, rows))


def fitted(rows: Sequence[str]) -> Iterator[str]:
    """The rows of an `aligned` in lines that fit a page: broken before signs, outer ones first.

    A matrix that is too wide for a line is set in small type; if it is too wide still, some columns after others.
    """
    halves = [row.partition("&") for row in rows]
    widest = max((width(left) for left, sign, _ in halves if sign), default=0.0)
    room = LINE - min(widest, LINE / 2)  # beside a name that fills the page there is no good place
    for left, sign, right in halves:
        if not sign or width(right) <= room:
            yield left + sign + right
            continue
        first, *others = map(str.rstrip, broken(_parts(_boxed_in_lines(right, room)), room - INDENT, -1))
        yield from _narrowed(f"{left}&", first, room)
        for line in others:
            yield from _narrowed("&" if line.startswith("=") else CONTINUED, line, room)


def _narrowed(start: str, line: str, room: float) -> Iterator[str]:
    """A line; with its matrices in small type if it is too wide, or with one of numbers in parts, of some columns."""
    small = line.replace(r"\begin{bmatrix}", r"\left[\begin{smallmatrix}")
    small = small.replace(r"\end{bmatrix}", r"\end{smallmatrix}\right]")
    found = OF_NUMBERS.fullmatch(line)
    if width(line) <= room or width(small) <= room or not found:
        yield start + (line if width(line) <= room else small)
        return
    before, cells = found.groups()
    columns = list(zip(*(row.split(" & ") for row in cells.split(r" \\ ")), strict=True))
    for count in range(2, len(columns) + 1):
        parts = _columns_apart(columns, -(-len(columns) // count))
        if all(width(part) <= room - INDENT for part in parts):
            break
    else:
        parts = _columns_apart(columns, 1)
    yield start + before + parts[0]
    yield from (CONTINUED + part for part in parts[1:])


def _columns_apart(columns: Sequence[Sequence[str]], most: int) -> list[str]:
    """A matrix of these columns in parts of so many, each with a note; its brackets are around all of them."""
    parts = []
    for first in range(0, len(columns), most):
        last = min(first + most, len(columns))
        cells = _cells(zip(*columns[first:last], strict=True))
        left, right = "." if first else "[", "]" if last == len(columns) else "."
        note = f"columns {first + 1} to {last}" if last > first + 1 else f"column {last}"
        block = rf"\left{left}\begin{{smallmatrix}} {cells} \end{{smallmatrix}}\right{right}"
        parts.append(rf"{block} \quad \text{{{note}}}")
    return parts


def _boxed_in_lines(latex: str, room: float) -> str:
    """With what is in a box that is wider than a line in several lines."""
    tokens = TOKENS.findall(latex)
    for i, token in enumerate(tokens):
        end = _end_of_group(tokens, i + 1)
        if token == r"\boxed" and width("".join(tokens[i:end])) > room:
            first, *others = broken(_parts("".join(tokens[i + 2 : end - 1])), room - 2 * INDENT, 0)
            inside = r" \\ ".join([f"&{first}".rstrip(), *(rf"&\quad {{}}{line}".rstrip() for line in others)])
            box = rf"\boxed{{\begin{{aligned}} {inside} \end{{aligned}}}}"
            return "".join([*tokens[:i], box, *tokens[end:]])
    return latex


def broken(parts: list[Part], room: float, depth: int) -> list[str]:
    """Lines of parts, broken at places of this depth, and deeper where one is still too wide."""
    return ["".join(p.text for p in line) for line in _broken(parts, room, depth)]


def _broken(parts: list[Part], room: float, depth: int) -> list[list[Part]]:
    if sum(p.width for p in parts) <= room or depth > 2 * DEEP:
        return [parts]
    pieces: list[list[Part]] = []
    for p in parts:
        if not pieces or p.depth == depth:
            pieces.append([])
        pieces[-1].append(p)
    lines: list[list[Part]] = []
    free = 0.0
    for piece in pieces:
        wide = sum(p.width for p in piece)
        if wide <= free:
            lines[-1] = lines[-1] + piece
            free -= wide
            continue
        lines += _broken(piece, room, depth + 1)
        free = room - sum(p.width for p in lines[-1])
    return lines


def _parts(latex: str) -> list[Part]:
    """LaTeX in parts before which a line may begin. Inside of what is short and in parentheses it better does not."""
    tokens = TOKENS.findall(latex)
    parts: list[Part] = []
    opened: list[tuple[int, float]] = []  # parentheses: how many parts and how much stood before them
    text, wide, total, at, inside, i = "", 0.0, 0.0, 0, 0, 0
    while i < len(tokens):
        token = tokens[i]
        if token in SIGNS and not inside and text.strip() and not text.rstrip().endswith(("(", "[", *SIGNS)):
            parts.append(Part(text, wide, at))
            text, wide, at = "", 0.0, -1 if token == "=" and not opened else len(opened)
        end, size = _sized(tokens, i)
        text += "".join(tokens[i:end])
        wide += size
        total += size
        i = end
        if token in (r"\left", r"\right"):  # between them no line may end
            inside += 1 if token == r"\left" else -1
        elif token in ("(", "["):
            opened.append((len(parts), total))
        elif token in (")", "]") and opened:
            before, start = opened.pop()
            if total - start < SHORT:
                parts[before + 1 :] = [p._replace(depth=p.depth + DEEP) for p in parts[before + 1 :]]
                at += DEEP * (len(parts) > before)
    return [*parts, Part(text, wide, at)]


def _sized(tokens: list[str], i: int) -> tuple[int, float]:
    """Where what begins at a token ends, and how wide it is."""
    token = tokens[i]
    if token in ("^", "_"):
        end = _end_of_group(tokens, i + 1)
        size = SCRIPT * width("".join(tokens[i + 1 : end]))
        if end < len(tokens) and tokens[end] in ("^", "_") and tokens[end] != token:  # above and below each other
            other, below = _sized(tokens, end)
            return other, max(size, below)
        return end, size
    if token in OF_GROUPS:
        sizes: list[float] = []
        i += 1
        for _ in range(OF_GROUPS[token]):
            end = _end_of_group(tokens, i)
            sizes.append(width("".join(tokens[i:end])))
            i = end
        if token == r"\underset":
            return i, max(SCRIPT * sizes[0], sizes[1])
        return i, max(sizes) + (1.6 if token in (r"\sqrt", r"\boxed") else 0.4 if token.endswith("frac") else 0.0)
    if token == "{":
        end = _end_of_group(tokens, i)
        return end, width("".join(tokens[i + 1 : end - 1]))
    if "matrix" in token:
        numbers = token.replace("-", "−")  # a sign before a number takes no space around it
        if "small" in token:
            numbers = numbers.replace(r"\times", "−")  # nor does this one in small type, and it is as wide
        rows = [row.split("&") for row in numbers[token.index("}") + 1 : token.rindex("\\")].split(r"\\")]
        wide = sum(max(map(width, column)) for column in zip(*rows, strict=True))
        spaces = len(rows[0]) - 1
        return i + 1, SMALL * wide + 0.56 * spaces + 2.2 if "small" in token else wide + 1.83 * spaces + 2.6
    return i + 1, SIGNS.get(token, WIDTHS.get(token, _letters(token)))


def _letters(token: str) -> float:
    if token.isspace():
        return 0.0
    if FUNCTIONS.fullmatch(token):
        return 0.95 * (len(token) - 1) + 0.3
    return 1.35 if token.isupper() else 1.15 if token.startswith("\\") or token.isalpha() else 1.0


def _end_of_group(tokens: list[str], i: int) -> int:
    while i < len(tokens) and tokens[i].isspace():
        i += 1
    if i >= len(tokens) or tokens[i] != "{":
        return i + 1
    depth = 0
    for j in range(i, len(tokens)):
        depth += {"{": 1, "}": -1}.get(tokens[j], 0)
        if not depth:
            return j + 1
    return len(tokens)


def of_another_pass(target: str, is_backward: bool) -> str:
    """Why the `.grad` of a source is another number than the derivative. is_backward: the target has a gradient."""
    if is_backward:
        return "it adds up over backward passes, or belongs to another target"
    return f"of an earlier backward pass, which did not start from {target}"
