"""The lessons of examples/: their blocks, what they print and show, and how their numbers are compared."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[2] / "examples"
LESSONS = sorted(FOLDER.glob("[0-9][0-9]_*.py"))
# A number as lessons and derivations print it: 13,002, −0.1104, 2.448e-06, 4.386e−05.
NUMBER = r"[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-−+]?\d+)?"


class Block(NamedTuple):
    """The text above a piece of a lesson, and the piece."""

    prose: str
    code: str


class Shown(NamedTuple):
    """What running a piece gave: the printed text, and how many pictures or formulas."""

    code: str
    printed: str
    pictures: int


def blocks(path: Path) -> list[Block]:
    """The blocks of a lesson as the gallery shows them; the first has the docstring as its text."""
    first, *others = re.split(r"^# %%\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    opening = ast.get_docstring(ast.parse(first))
    found = [Block(opening or "", first.partition('"""\n\n')[2])]
    for part in others:
        lines = part.splitlines()
        length = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
        found.append(Block("\n".join(line[2:] for line in lines[:length]), "\n".join(lines[length:]).strip("\n")))
    return found


@functools.cache
def run(path: Path) -> tuple[list[Shown], dict[str, Any]]:
    """Run a lesson, block by block, as the gallery does: what each shows, and the names there are at the end."""
    scope: dict[str, Any] = {}
    return run_cells([block.code for block in blocks(path)], path.name, scope), scope


def run_cells(cells: Sequence[str], name: str, scope: dict[str, Any] | None = None) -> list[Shown]:
    """Run pieces of a program in one scope. The value of a last line is shown, as in a notebook."""
    scope = {} if scope is None else scope
    scope["__name__"] = "__main__"
    shown = []
    for code in cells:
        tree, last = ast.parse(code, name), None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, name, "exec"), scope)
            value = eval(compile(last, name, "eval"), scope) if last else None
        shown.append(Shown(code, printed.getvalue(), _figures() + _is_picture(value)))
    return shown


def promised(shown: Sequence[Shown]) -> str:
    """What was printed, of the markings of work only the points: how mistakes are told is another test's matter."""
    return "".join(
        "".join(f"{points}\n" for points in re.findall(r"\d+ of \d+ points", part.printed))
        if "check_work(" in part.code
        else part.printed
        for part in shown
    )


def _figures() -> int:
    pyplot = sys.modules.get("matplotlib.pyplot")
    count = len(pyplot.get_fignums()) if pyplot else 0
    if count:
        pyplot.close("all")
    return count


def _is_picture(value: Any) -> bool:
    """Is it something that a notebook shows as more than text?"""
    shows = ("_repr_mimebundle_", "_repr_html_", "_repr_svg_", "_repr_latex_")
    return type(value).__module__.partition(".")[0] in ("autograd", "nn", "viz") and any(
        hasattr(value, name) for name in shows
    )


def number(text: str) -> float:
    """The number that is printed so."""
    return float(text.replace("−", "-").replace(",", ""))


def difference(printed: str, expected: str) -> str | None:
    """None if the texts have the same words and, to one part in 1,000, the same numbers; else the first that differs.

    In the expected text >0.95 and <0.1 stand for any number beyond: what a training comes to is no constant.
    """
    words, wanted = re.split(NUMBER, printed), re.split(f"[<>]?{NUMBER}", expected)
    numbers, bounds = re.findall(NUMBER, printed), re.findall(f"([<>]?)({NUMBER})", expected)
    for i, (word, meant) in enumerate(zip(words, wanted, strict=False)):
        if word != meant:
            return f"{word!r}, expected {meant!r}, behind {numbers[i - 1] if i else 'the beginning'}"
        if i < min(len(numbers), len(bounds)):
            x, (sign, text) = number(numbers[i]), bounds[i]
            bound = number(text)
            right = {"<": x < bound, ">": x > bound, "": abs(x - bound) <= 1e-3 * abs(bound)}[sign]
            if not right:
                return f"{numbers[i]}, expected {sign}{text}, behind {word!r}"
    return None if len(words) == len(wanted) else f"{len(numbers)} numbers, expected {len(bounds)}"


def rounds_to(x: float, text: str) -> bool:
    """Is x, written with as many decimals as the text has, the same number but for its sign?"""
    decimals = len(text.partition(".")[2])
    return f"{abs(x):.{decimals}f}" == f"{abs(number(text)):.{decimals}f}"


def with_bounds(printed: str, expected: str) -> str:
    """The printed text with those lines of the expected one that have bounds, where the printed line keeps them."""
    bounded = [line for line in expected.splitlines() if re.search(f"[<>]{NUMBER}", line)]
    lines = [next((b for b in bounded if difference(line, b) is None), line) for line in printed.splitlines()]
    return "".join(f"{line}\n" for line in lines)
