"""What rounding alone keeps from 0: where terms cancel, 5.6e-17 is left, which is no number to be shown."""

from __future__ import annotations

import math
import sys
from functools import cached_property

from autograd import Value
from autograd.graph import is_node, topological_order
from autograd.value import NO_GRADIENT

__all__ = ["Rounding"]

UNIT = sys.float_info.epsilon / 2  # of every number and every operation, relative to it


class Rounding:
    """The numbers and gradients of a graph of Values with 0 for what lies within their error bounds.

    The bounds are those of a running error analysis (Wilkinson, 1963): half a unit in the last place for every
    number, carried on by the local derivatives, forwards for numbers and backwards for gradients.
    """

    def __init__(self, root: Value) -> None:
        self.root = root

    def data(self, v: Value, x: float | None = None) -> float:
        """The number of a node, or the one that it had."""
        x = v.data if x is None else x
        return 0.0 if v.op is not None and abs(x) <= self._of_data.get(v, 0.0) else x

    def grad(self, v: Value) -> float:
        """Its gradient, which it has."""
        return 0.0 if abs(v.grad) <= self._of_grad.get(v, 0.0) else v.grad

    @cached_property
    def _order(self) -> list[Value]:
        return topological_order(self.root)

    @cached_property
    def _of_data(self) -> dict[Value, float]:
        bound: dict[Value, float] = {}
        for v in self._order:
            carried = 0.0
            for u, d in zip(v.operands, v.local_derivatives, strict=True):
                error = bound[u] if is_node(u) else UNIT * abs(float(u))
                carried += 0.0 if d is None else abs(d) * error
            bound[v] = _finite(UNIT * abs(v.data) + carried)
        return bound

    @cached_property
    def _of_grad(self) -> dict[Value, float]:
        bound = dict.fromkeys(self._order, 0.0)
        for v in reversed(self._order):
            if v.op is None or v.grad is NO_GRADIENT:
                continue
            for u, d in zip(v.operands, v.local_derivatives, strict=True):
                if is_node(u) and d is not None:
                    bound[u] += _finite(abs(d) * bound[v] + 2 * UNIT * abs(d * v.grad))
        return bound


def _finite(x: float) -> float:
    return x if math.isfinite(x) else 0.0
