"""How numbers, signs and kinds of nodes look, the same in every picture.

Blue and solid is positive, orange and dashed is negative, grey and dotted is zero, and the number
beside it carries its sign: nothing is told by colour alone. Text has a contrast of at least 4.5 to
1 on every ground it is put on here.
"""

from __future__ import annotations

import math

from autograd.formulas.notation import format_number

__all__ = [
    "DEEP_NEGATIVE",
    "DEEP_POSITIVE",
    "FONT",
    "GREY",
    "HIGHLIGHT",
    "INK",
    "LEAF",
    "LINE",
    "NEGATIVE",
    "PALE",
    "PAPER",
    "PATHS",
    "POSITIVE",
    "RESULT",
    "TARGET",
    "counted",
    "cut",
    "number",
    "sign_style",
    "tint",
    "width",
]

FONT = "Arial"  # the one whose widths every renderer knows

INK = "#0f172a"
GREY = "#5b6472"  # what matters less: constants, zero, captions
LINE = "#94a3b8"  # outlines
POSITIVE = "#1560bd"
NEGATIVE = "#b84a00"

# The same for numbers on a tinted ground.
DEEP_POSITIVE = "#0f4c9a"
DEEP_NEGATIVE = "#8c3800"

PALE = "#d3d9e2"  # lines of what is not the point
# Paths, which a number tells apart as well; no blue or orange, which are signs.
PATHS = ("#0b6b3a", "#8a1c7c", "#7a5200", "#b3123f", "#006a78", "#4b3fb5")

# The grounds of nodes.
PAPER = "#ffffff"
LEAF = "#f4f1e8"
RESULT = "#ffffff"
TARGET = "#dfe7f3"
HIGHLIGHT = "#ffe27a"  # as of a marker pen, with a thick outline


LONGEST = 40  # characters of a name


def cut(text: str, longest: int = LONGEST) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def counted(n: int, what: str, several: str | None = None) -> str:
    """1 unit, 2,000 units."""
    return f"{n:,} {what if n == 1 else several or what + 's'}"


def number(x: float, digits: int = 4) -> str:
    """So many significant digits, with a real minus sign."""
    return format_number(x, digits).replace("-", "−")


def sign_style(x: float) -> tuple[str, str]:
    """The colour and the line style for a number of this sign; nan is drawn as zero is."""
    if x > 0:
        return POSITIVE, "solid"
    return (NEGATIVE, "dashed") if x < 0 else (GREY, "dotted")


def width(x: float) -> float:
    """The width in points of a line that stands for x: 0.7 for 0, about 1.9 for ±1, below 3 for any."""
    size = abs(x)
    share = size / (1 + size) if math.isfinite(size) else 1.0
    return round(0.7 + 2.3 * share, 2)


def tint(share: float) -> str:
    """The ground for a number in a circle: paper for 0, bluish up to 1, orange down to −1; INK can be read on it."""
    share = min(1.0, abs(share)) * (share > 0 or -(share < 0)) if share == share else 0.0
    strength, full = 0.5 * abs(share), POSITIVE if share > 0 else NEGATIVE
    mixed = (round(255 + (int(full[i : i + 2], 16) - 255) * strength) for i in (1, 3, 5))
    return "#" + "".join(f"{c:02x}" for c in mixed)
