"""A sheet as text, Markdown, LaTeX and HTML: the same blocks, written four times."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from autograd.formulas import names
from autograd.operands import Operand

__all__ = ["Blank", "Block", "Heading", "Math", "Numbers", "Paragraph", "Verbatim", "gradient", "symbol", "written"]

GAP = "____"


class Math(NamedTuple):
    """A formula as text and as LaTeX."""

    text: str
    latex: str


class Blank(NamedTuple):
    """What is to be filled in.

    name   what it is called in a file: dL/dw[1]_1,1
    shown  how it is written
    shape  of its numbers, () for one
    right  what is right: numbers, or a word
    """

    name: str
    shown: Math
    shape: tuple[int, ...]
    right: Operand


class Heading(NamedTuple):
    """The title of a sheet, or (level 2) of a part of it."""

    words: str
    level: int = 1


class Paragraph(NamedTuple):
    """Words and formulas. number: that of a question, else 0."""

    parts: tuple[str | Math, ...]
    number: int = 0


class Numbers(NamedTuple):
    """Quantities side by side, each with its numbers; None stands for a gap. each: (name, numbers or gaps)."""

    each: tuple[tuple[Math, Operand], ...]


class Verbatim(NamedTuple):
    """A derivation, as text and as LaTeX in math mode."""

    text: str
    latex: str


Block = Heading | Paragraph | Numbers | Verbatim


def symbol(label: str) -> Math:
    """A name of the computation."""
    return Math(names.text(label), names.latex(label))


def gradient(over: str, under: str) -> Math:
    """∂L/∂w."""
    top, bottom = symbol(over), symbol(under)
    return Math(f"∂{top.text}/∂{bottom.text}", rf"\frac{{\partial {top.latex}}}{{\partial {bottom.latex}}}")


def written(x: Operand, digits: int = 6) -> str:
    """A number as one writes it by hand; words as they are."""
    if isinstance(x, str):
        return x
    return f"{float(x) + 0.0:.{digits}g}".replace("-", "−")


def _rows(x: Operand, gap: str, digits: int) -> list[list[str]]:
    """The numbers of a matrix as they are written, a vector as one row, None as a gap."""
    array = np.asarray(x, dtype=object)
    rows = array.reshape(1, -1) if array.ndim < 2 else array
    return [[gap if u is None else written(u, digits) for u in row] for row in rows]


# ---------------------------------------------------------------- text


def as_text(blocks: Sequence[Block], digits: int) -> str:
    """For a terminal, or a plain file."""
    found: list[str] = []
    for block in blocks:
        if isinstance(block, Heading):
            found.append(block.words if block.level > 1 else f"{block.words}\n{'─' * len(block.words)}")
        elif isinstance(block, Paragraph):
            said = "".join(p if isinstance(p, str) else p.text for p in block.parts)
            found.append(f"{block.number}.  {said}" if block.number else said)
        elif isinstance(block, Numbers):
            found.append(_beside([_matrix_text(name.text, x, digits) for name, x in block.each]))
        else:
            found.append(block.text)
    return "\n\n".join(found) + "\n"


def _matrix_text(name: str, x: object, digits: int) -> list[str]:
    rows = _rows(x, GAP, digits)
    if np.ndim(np.asarray(x, dtype=object)) == 0:
        return [f"{name} = {rows[0][0]}"]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    if len(lines) == 1:
        bracketed = [f"[{lines[0]}]"]
    else:
        left, right = ["⎡", *"⎢" * (len(lines) - 2), "⎣"], ["⎤", *"⎥" * (len(lines) - 2), "⎦"]
        bracketed = [f"{a}{line}{b}" for a, line, b in zip(left, lines, right, strict=True)]
    start = f"{name} = "
    return [(start if i == 0 else " " * len(start)) + line for i, line in enumerate(bracketed)]


def _beside(pieces: Sequence[list[str]], width: int = 92) -> str:
    """Pieces next to each other, as many as fit into a line."""
    found: list[str] = []
    line: list[list[str]] = []
    for piece in pieces:
        if line and sum(len(p[0]) + 4 for p in line) + len(piece[0]) > width:
            found.append(_one_line(line))
            line = []
        line.append(piece)
    return "\n".join([*found, _one_line(line)])


def _one_line(pieces: Sequence[list[str]]) -> str:
    height = max(map(len, pieces))
    widths = [max(map(len, p)) for p in pieces]
    rows = [[p[i] if i < len(p) else "" for p in pieces] for i in range(height)]
    return "\n".join("    ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)


# ---------------------------------------------------------------- LaTeX and Markdown


def _matrix_latex(name: Math, x: object, digits: int, gap: str) -> str:
    rows = [[c.replace("−", "-") for c in row] for row in _rows(x, gap, digits)]
    if np.ndim(np.asarray(x, dtype=object)) == 0:
        cell = rows[0][0]
        is_number = cell == gap or re.fullmatch(r"[-\d.e]+", cell)
        return f"{name.latex} = {cell}" if is_number else rf"{name.latex} = \text{{{latex_words(cell)}}}"
    inside = r" \\ ".join(" & ".join(row) for row in rows)
    return rf"{name.latex} = \begin{{pmatrix}} {inside} \end{{pmatrix}}"


def as_markdown(blocks: Sequence[Block], digits: int) -> str:
    """With LaTeX between dollars, as notebooks and GitHub show it."""
    found: list[str] = []
    for block in blocks:
        if isinstance(block, Heading):
            found.append(f"{'#' * block.level} {block.words}")
        elif isinstance(block, Paragraph):
            said = "".join(p if isinstance(p, str) else f"${p.latex}$" for p in block.parts)
            found.append(f"{block.number}. {said}" if block.number else said)
        elif isinstance(block, Numbers):
            gap = r"\underline{\quad\quad}"
            found.append("$" + r"$, $".join(_matrix_latex(n, x, digits, gap) for n, x in block.each) + "$")
        else:
            found.append(f"$$\n{block.latex}\n$$")
    return "\n\n".join(found) + "\n"


_PREAMBLE = r"""\documentclass[a4paper,11pt]{article}
\usepackage[margin=2.2cm]{geometry}
\usepackage{amsmath,amssymb}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.7em}
\raggedright
\allowdisplaybreaks
\begin{document}
\setlength{\lineskip}{1em}\setlength{\lineskiplimit}{0.5em}
\renewcommand{\arraystretch}{1.3}

"""
_SIGNS = {
    "−": "-",
    "·": r"\cdot",
    "½": r"\tfrac12",
    "×": r"\times",
    "→": r"\to",
    "η": r"\eta",
    "∂": r"\partial",
    "′": "'",
    "⊙": r"\odot",
    "Σ": r"\Sigma",
    "σ": r"\sigma",
    "ᵀ": r"^{\top}",
    "ŷ": r"\hat{y}",
    **{c: f"_{i}" for i, c in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{c: f"^{i}" for i, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{c: f"_{k}" for c, k in zip("ᵢⱼₖₜ", "ijkt", strict=True)},
}


def as_latex(blocks: Sequence[Block], digits: int) -> str:
    """A document of its own, for pdflatex; what stands between begin and end goes into another one."""
    found: list[str] = []
    for block in blocks:
        if isinstance(block, Heading):
            size = r"\Large" if block.level == 1 else r"\large"
            found.append(rf"{{{size}\bfseries {latex_words(block.words)}\par}}")
        elif isinstance(block, Paragraph):
            said = "".join(latex_words(p) if isinstance(p, str) else f"${p.latex}$" for p in block.parts)
            found.append(rf"\textbf{{{block.number}.}} {said}" if block.number else said)
        elif isinstance(block, Numbers):
            gap = r"\underline{\hspace{3em}}"
            found.append(
                r"$\displaystyle "
                + r"$\qquad $\displaystyle ".join(_matrix_latex(n, x, digits, gap) for n, x in block.each)
                + "$"
            )
        else:
            found.append(f"\\[\n{block.latex}\n\\]")
    return _PREAMBLE + "\n\n".join(found) + "\n\\end{document}\n"


def latex_words(words: str) -> str:
    """Words with what is special in LaTeX escaped, and signs that a plain font lacks in math mode."""
    escaped = re.sub(r"([&%$#_{}])", r"\\\1", words.replace("\\", r"\textbackslash{}"))
    spaced = escaped.replace("--", "-{}-")  # else a dash
    return "".join(f"${_SIGNS[c]}$" if c in _SIGNS else c if ord(c) < 256 else "?" for c in spaced)


# ---------------------------------------------------------------- HTML

_STYLE = """\
<style>
.gradpath-sheet { font: 16px/1.5 Georgia, serif; max-width: 46em; }
.gradpath-sheet table { position: relative; display: inline-table; vertical-align: middle; border: 0;
  border-collapse: collapse; margin: 0.2em 1.2em 0.2em 0.2em; }
.gradpath-sheet table::before, .gradpath-sheet table::after { content: ""; position: absolute; inset: 0 auto 0 0;
  width: 0.35em; border: solid currentcolor; border-width: 1.5px 0 1.5px 1.5px; pointer-events: none; }
.gradpath-sheet table::after { inset: 0 0 0 auto; border-width: 1.5px 1.5px 1.5px 0; }
.gradpath-sheet td { padding: 0.05em 0.5em; text-align: right; border: 0; min-width: 1em; }
.gradpath-sheet .one { margin-right: 1.4em; white-space: nowrap; }
.gradpath-sheet .gap { display: inline-block; min-width: 3em; border-bottom: 1px solid; }
.gradpath-sheet pre { font: 14px/1.4 monospace; overflow-x: auto; }
</style>
"""


def as_html(blocks: Sequence[Block], digits: int) -> str:
    """A piece of a page, with its style."""
    found: list[str] = []
    for block in blocks:
        if isinstance(block, Heading):
            tag = f"h{block.level + 1}"
            found.append(f"<{tag}>{html.escape(block.words)}</{tag}>")
        elif isinstance(block, Paragraph):
            said = "".join(
                html.escape(p) if isinstance(p, str) else f"<i>{html.escape(p.text)}</i>" for p in block.parts
            )
            found.append(f"<p>{f'<b>{block.number}.</b> ' if block.number else ''}{said}</p>")
        elif isinstance(block, Numbers):
            found.append(f"<p>{' '.join(_matrix_html(n, x, digits) for n, x in block.each)}</p>")
        else:
            found.append(f"<pre>{html.escape(block.text)}</pre>")
    return f'{_STYLE}<div class="gradpath-sheet">\n' + "\n".join(found) + "\n</div>\n"


def _matrix_html(name: Math, x: object, digits: int) -> str:
    gap = "\0"
    rows = [
        ["<span class='gap'>&nbsp;</span>" if c == gap else html.escape(c) for c in row]
        for row in _rows(x, gap, digits)
    ]
    shown = f"<i>{html.escape(name.text)}</i> = "
    if np.ndim(np.asarray(x, dtype=object)) == 0:
        return f'<span class="one">{shown}{rows[0][0]}</span>'
    cells = "".join(f"<tr>{''.join(f'<td>{c}</td>' for c in row)}</tr>" for row in rows)
    return f'<span class="one">{shown}<table>{cells}</table></span>'
