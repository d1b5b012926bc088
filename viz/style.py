"""How numbers, signs and kinds of nodes look, the same in every picture.

A Look has the colours and the font. In the usual one blue and solid is positive, orange and dashed is
negative, grey and dotted is zero, and the number beside it carries its sign: nothing is told by colour
alone. Text has a contrast of at least 4.5 to 1 on every ground it is put on here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from autograd.arguments import lookup
from autograd.formulas.notation import format_number
from autograd.operands import describe

__all__ = [
    "COLOR_BLIND",
    "DARK",
    "LIGHT",
    "LOOKS",
    "PRINT",
    "Look",
    "as_look",
    "counted",
    "current",
    "cut",
    "look",
    "number",
    "sign_style",
    "tint",
    "width",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The colours and the font of pictures; `but` gives another that differs in some.

    font        the family of all texts but names; Arial is the one whose widths every renderer knows
    paper       the ground of the picture, ink what is written on it
    grey        what matters less: constants, zero, captions
    line, pale  outlines; lines of what is not the point
    positive, negative            signs of lines and of numbers on paper
    deep_positive, deep_negative  the same for numbers on a tinted ground
    leaf, result, target          grounds of nodes; highlight: as of a marker pen
    paths       the colours of paths, which a number tells apart as well; no signs
    classes     ten colours of what is told apart by a marker too, as classes in plots
    """

    font: str = "Arial"
    paper: str = "#ffffff"
    ink: str = "#0f172a"
    grey: str = "#5b6472"
    line: str = "#94a3b8"
    pale: str = "#d3d9e2"
    positive: str = "#1560bd"
    negative: str = "#b84a00"
    deep_positive: str = "#0f4c9a"
    deep_negative: str = "#8c3800"
    leaf: str = "#f4f1e8"
    result: str = "#ffffff"
    target: str = "#dfe7f3"
    highlight: str = "#ffe27a"
    paths: tuple[str, ...] = ("#0b6b3a", "#8a1c7c", "#7a5200", "#b3123f", "#006a78", "#4b3fb5")

    classes: tuple[str, ...] = (
        *("#b84a00", "#1560bd", "#19734a", "#7b3fa0", "#8a6500"),
        *("#b3245f", "#0f7280", "#5b6472", "#6b4226", "#3b3f9e"),
    )

    @property
    def is_dark(self) -> bool:
        """Whether paper is darker than ink."""
        return sum(_channels(self.paper)) < sum(_channels(self.ink))

    def mixed(self, color: str, strength: float) -> str:
        """A colour as thin paint on paper: paper at 0, the colour at 1."""
        pairs = zip(_channels(self.paper), _channels(color), strict=True)
        return "#" + "".join(f"{round(empty + (full - empty) * strength):02x}" for empty, full in pairs)

    def but(self, **changed: Any) -> Look:
        """This look with some things changed, as in `viz.DARK.but(font="Times New Roman")`.

        TypeError for an unknown part, ValueError for a colour that is not written as "#0f172a".
        """
        for name, value in changed.items():
            lookup("part of a look", name, dict.fromkeys(self.__slots__))
            _check(name, value)
        return replace(self, **changed)


def _check(name: str, value: object) -> None:
    colors = value if name in ("paths", "classes") else (value,)
    if name == "font":
        if not isinstance(value, str) or not value:
            raise TypeError(f"Look: expected the font to be the name of a family, got {describe(value)}")
    elif not isinstance(colors, tuple) or not colors or not all(map(_is_color, colors)):
        raise ValueError(f"Look: expected {name} as in '#0f172a', six digits; got {value!r}")


def _channels(color: str) -> tuple[int, ...]:
    return tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))


def _is_color(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch("#[0-9a-fA-F]{6}", text) is not None


LIGHT = Look()
DARK = Look(
    paper="#10141a",
    ink="#eef2f8",
    grey="#a3adbb",
    line="#65728a",
    pale="#39424f",
    positive="#7db8ff",
    negative="#ffa869",
    deep_positive="#b4d6ff",
    deep_negative="#ffd0ab",
    leaf="#2a2d2b",
    result="#1a1f27",
    target="#26344a",
    highlight="#6b5710",
    classes=(
        *("#ffa869", "#7db8ff", "#6fdca0", "#d3a4f2", "#e2bd62"),
        *("#ff93ab", "#66d3e0", "#a3adbb", "#d2a58a", "#a9acff"),
    ),
    paths=("#6fdca0", "#e49be0", "#e2bd62", "#ff93ab", "#66d3e0", "#b3a8ff"),
)
# Black on white: lines tell signs by their dashes, paths by their numbers and by greys.
PRINT = Look(
    ink="#000000",
    grey="#4d4d4d",
    line="#808080",
    pale="#c8c8c8",
    positive="#000000",
    negative="#000000",
    deep_positive="#000000",
    deep_negative="#000000",
    leaf="#f2f2f2",
    target="#dcdcdc",
    highlight="#cfcfcf",
    classes=tuple(f"#{g:02x}{g:02x}{g:02x}" for g in (0, 112, 64, 96, 32, 80, 16, 104, 48, 88)),
    paths=("#000000", "#595959", "#303030", "#6e6e6e", "#1a1a1a", "#464646"),
)
# Signs as blue and vermilion, paths as of Paul Tol's "muted" (2021), darker where text has to be read.
COLOR_BLIND = Look(
    positive="#0063a3",
    negative="#b34700",
    deep_positive="#00467a",
    deep_negative="#7d3200",
    paths=("#332288", "#117733", "#882255", "#6b5c00", "#00646e", "#000000"),
)

LOOKS = {"light": LIGHT, "dark": DARK, "print": PRINT, "color-blind": COLOR_BLIND}
_NOW: ContextVar[Look] = ContextVar("gradpath_look", default=LIGHT)


def current() -> Look:
    """The look of what is being drawn."""
    return _NOW.get()


def as_look(where: str, asked: object) -> Look:
    """A look that was asked for, by itself or by its name; TypeError for what is none."""
    if isinstance(asked, Look):
        return asked
    if not isinstance(asked, str):
        names = ", ".join(map(repr, LOOKS))
        raise TypeError(f"{where}: expected a Look such as viz.DARK, or one of {names}; got {describe(asked)}")
    found: Look = lookup("look", asked, LOOKS)
    return found


@contextmanager
def look(asked: object) -> Iterator[Look]:
    """All pictures made in the block have this look, unless they are asked for another.

    asked: `viz.LIGHT`, `viz.DARK`, `viz.PRINT` (black on white), `viz.COLOR_BLIND`, their names "light", "dark",
    "print", "color-blind", or one of your own, as in `viz.PRINT.but(font="Times New Roman")`. It holds for this
    thread or task alone. TypeError or ValueError for what is no look.
    """
    token = _NOW.set(as_look("look", asked))
    try:
        yield _NOW.get()
    finally:
        _NOW.reset(token)


LONGEST = 40  # characters of a name


def cut(text: str, longest: int = LONGEST) -> str:
    """The text, or its beginning and its end with an ellipsis between."""
    if len(text) <= longest:
        return text
    end = (longest - 1) // 3
    return f"{text[: longest - 1 - end]}…{text[len(text) - end :]}"


def counted(n: int, what: str, several: str | None = None) -> str:
    """1 unit, 2,000 units."""
    return f"{n:,} {what if n == 1 else several or what + 's'}"


def number(x: float, digits: int = 4) -> str:
    """So many significant digits, with a real minus sign."""
    return format_number(x, digits).replace("-", "−")


def sign_style(x: float) -> tuple[str, str]:
    """The colour and the line style for a number of this sign; nan is drawn as zero is."""
    if x > 0:
        return current().positive, "solid"
    return (current().negative, "dashed") if x < 0 else (current().grey, "dotted")


def width(x: float) -> float:
    """The width in points of a line that stands for x: 0.7 for 0, about 1.9 for ±1, below 3 for any."""
    size = abs(x)
    share = size / (1 + size) if math.isfinite(size) else 1.0
    return round(0.7 + 2.3 * share, 2)


def tint(share: float) -> str:
    """The ground for a number in a circle: paper for 0, bluish up to 1, orange down to −1; ink can be read on it."""
    share = min(1.0, abs(share)) * (share > 0 or -(share < 0)) if share == share else 0.0
    return current().mixed(current().positive if share > 0 else current().negative, 0.5 * abs(share))
