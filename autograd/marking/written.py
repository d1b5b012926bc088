"""Numbers as they were written: with how many digits, and what may lie between them and the right ones."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import numpy as np

from ..operands import Operand, describe

__all__ = ["DECIMAL_COMMA", "FULL", "NotANumber", "Written", "plain", "rounded_at_random"]

# 0,3775: a number as many countries write it; 1,234.5 and 1,2,3 are none.
DECIMAL_COMMA = re.compile(r"\s*[-+−–]?\s*\d*,\d+(?:[eE][-+]?\d+)?\s*")

# From so many digits on a number was computed by a machine.
FULL = 12


class NotANumber(ValueError):
    """What was written is no number. written: what it was."""

    def __init__(self, where: str, written: str) -> None:
        super().__init__(f"{where}: expected a number such as '0.0820', got {written!r}")
        self.written = written


def plain(text: str) -> str:
    """A number as Python reads it, of one with a typographic minus or a decimal comma."""
    if DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    return text.replace("−", "-").replace("–", "-").replace(" ", "")


class Written:
    """An array of numbers, or one, as somebody wrote it.

    numbers   float64
    digits    significant digits, the most found in it, since trailing zeros are lost; FULL for a machine's
    decimals  digits after the point, the most found in it
    carried   the digits and decimals with which somebody computed: the most found on the sheet
    """

    def __init__(self, where: str, x: Operand) -> None:
        written: list[tuple[float, int, int]] = []
        try:
            array = np.asarray(x)
        except ValueError:
            raise ValueError(f"{where}: expected an array of numbers, got rows of different lengths") from None
        single = array.dtype == np.float32
        if array.dtype.kind in "fiub":
            self.numbers = array.astype(float)
            flat = array.reshape(-1)
            sample = flat[:64].tolist() if not single else flat[:64]
            written = [_written(where, u) for u in sample]
            if len(flat) > 64 and max(s for _, s, _ in written) < FULL:
                written = [_written(where, u) for u in flat]
        else:
            each = np.asarray(x, dtype=object)
            written = [_written(where, u) for u in each.flat]
            self.numbers = np.array([n for n, _, _ in written], float).reshape(each.shape)
        self.digits = max((s for n, s, _ in written if n), default=0)
        self.decimals = max((d for _, _, d in written), default=0)
        if single and self.digits > 6:
            self.digits, self.decimals = 6, 100
        self.carried = self.digits, self.decimals

    @property
    def unit(self) -> np.ndarray:
        """One unit of the last digit of each number."""
        return unit(self.numbers, self.digits, self.decimals)


# Where there is nothing but zeros, they count as written with so many decimals.
ZEROS = 4


def carried_on_the_way(sheet: Iterable[Written]) -> None:
    """Note with which digits somebody computed; zeros, which have none, count as written with these."""
    written = list(sheet)
    short = [w for w in written if 0 < w.digits < FULL]
    carried = max((w.digits for w in short), default=FULL), max((w.decimals for w in short), default=100)
    if not any(w.digits for w in written):  # nothing but zeros, which do not show how they were rounded
        carried = ZEROS, ZEROS
    for w in written:
        if not w.digits:
            w.digits, w.decimals = carried[0], w.decimals or carried[1]
        w.carried = carried if w.digits < FULL else (FULL, 100)


def unit(x: np.ndarray, digits: int, decimals: int) -> np.ndarray:
    """One unit of the last digit, of numbers with so many digits, or so many after the point if that is coarser."""
    if digits >= FULL:
        return np.zeros(np.shape(x))
    size = np.abs(x)
    exponent = np.floor(np.log10(np.where((size > 0) & np.isfinite(size), size, 1.0)))
    relative = np.where(size > 0, 10.0 ** (exponent - max(digits, 1) + 1), 0.0)
    return np.maximum(relative, 10.0**-decimals)


def rounded_at_random(x: np.ndarray, digits: int, decimals: int, rng: np.random.Generator) -> np.ndarray:
    """The numbers with so many digits, each rounded up or down, more often to the nearer."""
    step = unit(x, digits, decimals)
    step = np.where(step > 0, step, 1.0)
    ratio = np.asarray(x) / step
    near = np.round(ratio)
    exact = np.abs(ratio - near) <= 1e-9 * np.maximum(1.0, np.abs(ratio))
    either = np.where(exact, near, np.floor(ratio + rng.random(np.shape(x))))  # 1 − 1e-10 is written as 1
    found: np.ndarray = np.where(np.isfinite(ratio), either * step, x)
    return found


def _written(where: str, x: Operand) -> tuple[float, int, int]:
    """A number, its significant digits, and those after the point."""
    if isinstance(x, Fraction):
        return float(x), FULL, 100
    if isinstance(x, str):
        text = plain(x.strip())
        if "/" in text:
            try:
                return float(Fraction(text)), FULL, 100
            except (ValueError, ZeroDivisionError):
                raise NotANumber(where, x) from None
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise NotANumber(where, x) from None
        is_written = True
    else:
        try:
            number = Decimal(str(x) if isinstance(x, np.floating) else repr(float(x)))
        except (TypeError, ValueError, InvalidOperation):
            raise TypeError(f"{where}: expected numbers, got {describe(x)}") from None
        is_written = False
    if not number.is_finite():
        return float(number), 0, 0
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    if not is_written:  # what is left of a float: 18.0 has no digits after the point, 0.5 has one
        while exponent < 0 and digits[-1:] == (0,):
            digits, exponent = digits[:-1], exponent + 1
    count = len("".join(map(str, digits)).lstrip("0"))
    if exponent > 0:
        count += exponent
    return float(number), count, max(0, -exponent)


def agreed(x: np.ndarray, right: np.ndarray) -> int:
    """To how many digits the numbers agree with the right ones, the worst of them; 0 if not even to one."""
    scale = np.abs(right)
    wrong = np.abs(x - right)
    where = wrong > 0
    if not where.any():
        return FULL
    if not np.all(np.isfinite(x)) or (scale[where] == 0).any():
        return 0
    first = 10.0 ** np.floor(np.log10(scale[where]))
    return max(0, math.floor(float(np.min(-np.log10(wrong[where] / first / 0.5000001)) + 1)))
