"""One quantity that was handed in beside what is right: whether the numbers are these, as far as their digits tell."""

from __future__ import annotations

import numpy as np

from ..operands import Operand
from .written import FULL, Written, agreed

__all__ = ["Answer"]

# Of a unit of the last digit: where a number rounds to what was written.
ROUNDING = 0.51
# What cannot be told from nothing: numbers that rounding on the way moves by half of the largest of them.
UNTOLD = 0.5
# A number that agrees to so many digits was rounded on the way.
NEAR = 2
# What fits is told apart in so many steps from near to far.
STEPS = 3
# What a mistake makes larger by more is not rounded in proportion.
MOST = 1e6
# With so many digits right but for the last it is not worth asking for a mistake.
SURE = 3


class Answer:
    """Numbers as they were written, and the right ones.

    written   what was handed in
    right     the right numbers, as the reading of the sheet has them
    moved     how far each of these moves when somebody rounds on the way
    is_exact  the shape has to be the same
    """

    def __init__(self, written: Written, right: Operand, moved: Operand, *, is_exact: bool = False) -> None:
        self.written, self.right, self.is_exact = written, np.asarray(right, float), is_exact
        self.numbers = written.numbers
        self._moved = np.asarray(moved, float)
        self._size = float(np.max(np.abs(self.right), initial=0.0))
        self._rounding = ROUNDING * written.unit
        self.is_right = self.fits(self.right)
        self.is_near = self.is_right or self.near() >= max(written.digits - 1, SURE)
        self.is_untold = self.is_right and self._is_untold()

    def fits(self, x: Operand) -> bool:
        """True if the numbers handed in are these."""
        x, given = np.asarray(x), self.numbers
        if not np.all(np.isfinite(x)):
            return False
        if x.shape != given.shape:
            x, given = np.squeeze(x), np.squeeze(given)
            if x.shape != given.shape and (x.ndim or self.is_exact):
                return False
        return bool(np.all(np.abs(x - given) <= self.width(x)))

    def is_close_to_right(self, x: np.ndarray) -> bool:
        """True if x is right, as far as the digits tell."""
        if x.shape != self.right.shape:
            return False
        return bool(np.all(np.abs(x - self.right) <= self.width()))

    def far(self, x: Operand) -> int:
        """How far x, which fits, is from the numbers handed in, in steps of what rounding on the way comes to."""
        distance = np.abs(np.squeeze(x) - np.squeeze(self.numbers))
        width = np.squeeze(self.width(np.asarray(x)))
        steps = np.divide(STEPS * distance, width, out=np.zeros(np.broadcast(distance, width).shape), where=width > 0)
        return int(np.nan_to_num(np.max(steps, initial=0.0)) - 1e-6)

    def fits_turned(self) -> bool:
        """True if the numbers are the transpose of the right ones."""
        turned = self.right.T
        return bool(np.all(np.abs(turned - self.numbers) <= self.width(turned)))

    def width(self, x: np.ndarray | None = None) -> np.ndarray:
        """How far each number may lie from x, by default from the right ones."""
        x = self.right if x is None else x
        grown = max(1.0, float(np.max(np.abs(x), initial=0.0)) / self._size) if self._size else 1.0
        grown = min(grown, MOST)
        moved = self._moved if self._moved.shape == x.shape else np.max(self._moved, initial=0.0)
        rounding = self._rounding if self._rounding.shape == x.shape else np.max(self._rounding, initial=0.0)
        found: np.ndarray = np.asarray(rounding + moved * grown)
        return found

    def _is_untold(self) -> bool:
        return bool(self._size and np.max(self._moved, initial=0.0) >= UNTOLD * self._size)

    @property
    def digits(self) -> int:
        """How many digits were written; all of them where the number itself was."""
        is_same = self.numbers.shape == self.right.shape and np.allclose(self.numbers, self.right, rtol=1e-12, atol=0)
        return FULL if is_same else self.written.digits

    def near(self) -> int:
        """To how many digits the numbers are right, fewer than were written; 0 if they are not near."""
        if self.numbers.shape != self.right.shape:
            return 0
        digits = agreed(self.numbers, self.right)
        return digits if NEAR <= digits < min(self.digits, FULL) else 0

    def odds(self) -> float:
        """How likely it is, about, that numbers like these are as close to others as their digits tell, by chance."""
        width = self.width()
        x, right = self.numbers.reshape(-1), np.abs(self.right.reshape(-1))
        widths = np.broadcast_to(width.reshape(-1) if width.size == x.size else np.max(width), x.shape)
        size = np.maximum(np.abs(x), right if right.shape == x.shape else self._size)
        met = np.minimum(1.0, 2 * np.divide(widths, size, out=np.full(x.shape, SPREAD), where=size > 0) / SPREAD)
        # equal numbers count once, as they are not met independently: the one that tells the most
        return float(np.prod([np.min(met[x == u]) for u in np.unique(x)[:50]]))


# A number of relative width t is met by chance with about t / SPREAD: numbers of a net spread over so many e-folds.
SPREAD = 7.0
