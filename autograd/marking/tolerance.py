"""How far numbers may lie from the right ones when somebody rounded on the way."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from ..graph import Node
from ..operands import Operand
from ..passes.replay import Point, Pull
from .computation import Computation
from .share import Share
from .slips import deltas
from .written import FULL, rounded_at_random

__all__ = ["Tolerance"]

REPLAYS = 24
# So many of Values with more nodes than this, of which one pass takes long.
FEWER, MANY = 8, 3_000
TIMES = 3.5
# Nobody carries fewer digits than this on the way, nor fewer after the point.
FEWEST, FEWEST_DECIMALS = 3, 2
# What two machines may differ by, of the largest number of an array.
MACHINE = 1e-9


class Tolerance:
    """How far values and gradients move when every named number is rounded, forward and back.

    Found by replaying both passes with numbers that are rounded at random: right also where a − y cancels. There a
    hand has ŷ − y of the ŷ it wrote down, also where the graph has a loss of logits and no node for ŷ, and where ŷ
    has rounded to 1 and the derivative by it is lost.
    """

    def __init__(self, c: Computation) -> None:
        self._c = c
        self._spread = functools.lru_cache(maxsize=32)(self._spread_of)
        self._points = functools.lru_cache(maxsize=32)(self._points_of)
        self._replays = REPLAYS if c.is_array or len(c.order) <= MANY else FEWER
        self._deltas = [edge for edge in c.edges if deltas(edge)]

    def of(self, u: Node, is_value: bool, digits: int, decimals: int) -> np.ndarray:
        """For each number of a node, or of the gradient by it, beside the rounding of the last digit itself."""
        right = np.asarray(self._c.point.of(u) if is_value else self._c.right.get(u, 0.0))
        machine = MACHINE * np.max(np.abs(right), initial=0.0)
        if digits >= FULL:
            return np.full(right.shape, machine)
        values, gradients = self._spread(max(digits, FEWEST), max(decimals, FEWEST_DECIMALS))
        seen = np.asarray((values if is_value else gradients).get(u, 0.0))
        # more than was seen, but where a difference may turn its sign not many times the number itself
        return seen + np.minimum((TIMES - 1) * seen, np.max(np.abs(right), initial=0.0)) + machine

    def points(self, digits: int, decimals: int) -> list[Point]:
        """The forward pass with every named number rounded at random."""
        return self._points(max(digits, FEWEST), max(decimals, FEWEST_DECIMALS))

    def _points_of(self, digits: int, decimals: int) -> list[Point]:
        rng = np.random.default_rng(0)
        rounding, count = self._rounding(digits, decimals, rng), self._c.samples or 1
        return [Point(self._c.order, rounding, count) for _ in range(self._replays)]

    def _rounding(self, digits: int, decimals: int, rng: np.random.Generator) -> Callable[[Node, Operand], Operand]:
        named = set(self._c.named)

        def rounded(u: Node, x: Operand) -> Operand:
            if u not in named or u.op is None:
                return x
            r = rounded_at_random(np.asarray(x, float), digits, decimals, rng)
            return r if self._c.is_array else float(r)

        return rounded

    def _spread_of(self, digits: int, decimals: int) -> tuple[dict[Node, np.ndarray], dict[Node, np.ndarray]]:
        c, rng = self._c, np.random.default_rng(1)
        rounded = self._rounding(digits, decimals, rng)
        values: dict[Node, np.ndarray] = {}
        gradients: dict[Node, np.ndarray] = {}
        for point in self.points(digits, decimals):
            _widen(values, {u: np.asarray(point.of(u)) - np.asarray(c.point.of(u)) for u in c.named})
            errors = {e.key: self._error_of(Share(e, None, point, {}), digits, decimals, rng) for e in self._deltas}
            found = c.replay(point, errors, passing=rounded)
            _widen(gradients, {u: np.asarray(g) - np.asarray(c.right[u]) for u, g in found.items() if u in c.right})
        return values, gradients

    def _error_of(self, s: Share, digits: int, decimals: int, rng: np.random.Generator) -> Pull:
        """ŷ − y, of the ŷ that a hand has, in place of what the loss and the activation give in two steps."""
        written = s.prediction
        if not s.is_written:
            written = rounded_at_random(np.asarray(written, float), digits, decimals, rng)
        share = s.scale * (written - s.target)
        return lambda g: share if self._c.is_array else float(share)


def _widen(widths: dict[Node, np.ndarray], moved: dict[Node, np.ndarray]) -> None:
    for u, d in moved.items():
        size = np.where(np.isfinite(d), np.abs(d), np.inf)
        widths[u] = np.maximum(widths[u], size) if u in widths else size
