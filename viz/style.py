"""How numbers, signs and kinds of nodes look, the same in every picture.

Blue and solid is positive, orange and dashed is negative, grey and dotted is zero, and the number
beside it carries its sign: nothing is told by colour alone. Text has a contrast of at least 4.5 to
1 on every ground it is put on here.
"""

from __future__ import annotations

import math

from autograd.notation import format_number

__all__ = [
    "FONT",
    "GREY",
    "INK",
    "LEAF",
    "LINE",
    "NEGATIVE",
    "POSITIVE",
    "RESULT",
    "TARGET",
    "number",
    "sign_style",
    "width",
]

FONT = "Arial"  # the one whose widths every renderer knows

INK = "#0f172a"
GREY = "#5b6472"  # what matters less: constants, zero, captions
LINE = "#94a3b8"  # outlines
POSITIVE = "#1560bd"
NEGATIVE = "#b84a00"

# The grounds of nodes.
LEAF = "#f4f1e8"
RESULT = "#ffffff"
TARGET = "#dfe7f3"


def number(x: float) -> str:
    """Four significant digits, with a real minus sign."""
    return format_number(x).replace("-", "−")


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
