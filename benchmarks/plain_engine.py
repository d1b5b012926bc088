"""The least that an autograd engine of single numbers needs, in plain Python: what benchmarks compare with.

Each number keeps its operands and its local derivatives, `backward` orders the graph by a recursive walk, and Adam is a
loop over the parameters: the way that small engines for teaching are written, without anything that only makes it fast.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["Adam", "Number"]


class Number:
    """A number, how it was computed, and the gradient of what is differentiated."""

    __slots__ = ("data", "grad", "operands", "slopes")

    def __init__(self, data: float, operands: tuple[Number, ...] = (), slopes: tuple[float, ...] = ()) -> None:
        self.data, self.grad, self.operands, self.slopes = data, 0.0, operands, slopes

    def __add__(self, other: Number | float) -> Number:
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Number | float) -> Number:
        other = other if isinstance(other, Number) else Number(other)
        return Number(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n: float) -> Number:
        return Number(self.data**n, (self,), (n * self.data ** (n - 1),))

    def exp(self) -> Number:
        e = math.exp(self.data)
        return Number(e, (self,), (e,))

    def log(self) -> Number:
        return Number(math.log(self.data), (self,), (1 / self.data,))

    def relu(self) -> Number:
        return Number(max(0.0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self) -> Number:
        return self * -1

    def __sub__(self, other: Number | float) -> Number:
        return self + -other

    def __truediv__(self, other: Number | float) -> Number:
        return self * other**-1

    __radd__, __rmul__ = __add__, __mul__

    def backward(self) -> None:
        """Add the gradients of this number to those of all numbers it was computed from."""
        order: list[Number] = []
        seen: set[Number] = set()

        def visit(v: Number) -> None:
            if v not in seen:
                seen.add(v)
                for u in v.operands:
                    visit(u)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            for u, slope in zip(v.operands, v.slopes, strict=True):
                u.grad += slope * v.grad


class Adam:
    """Kingma and Ba's optimizer, number by number."""

    def __init__(self, parameters: Iterable[Number], learning_rate: float) -> None:
        self.parameters, self.learning_rate, self.steps = list(parameters), learning_rate, 0
        self.first, self.second = [0.0] * len(self.parameters), [0.0] * len(self.parameters)

    def step(self) -> None:
        """Move all parameters, and forget their gradients."""
        self.steps += 1
        t, m, v = self.steps, self.first, self.second
        for i, p in enumerate(self.parameters):
            m[i] = 0.9 * m[i] + 0.1 * p.grad
            v[i] = 0.999 * v[i] + 0.001 * p.grad**2
            p.data -= self.learning_rate * (m[i] / (1 - 0.9**t)) / ((v[i] / (1 - 0.999**t)) ** 0.5 + 1e-8)
            p.grad = 0.0
