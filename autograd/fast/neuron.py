"""An activation of a weighted sum, g(w₁x₁ + ... + wₙxₙ + b), recorded as one node.

It is what nets consist of, so it is worth a form of its own: one node instead of two, the inputs
shared by all that look at them. The weighted sum z between becomes a node as soon as anybody looks
at the operands of the activation; until then nobody can tell the difference.

Such a node keeps in _x the Inputs, in _y the Weights, in _dx the derivative of g, and in _dy the
numbers that the weights and the bias had.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import mul
from typing import Any

from ..modes import active
from ..op import Operation
from ..operands import Vector, real
from ..ops import matrices
from ..value import NO_GRADIENT, Value, assigned, group_derivative, new
from . import roads

__all__ = ["Inputs", "Weights", "record", "recorder", "spelled_out"]


class Weights(tuple):
    """The parameters of a neuron, w₁ ... wₙ and b.

    sum_label   what the weighted sum is called
    label       what the result is called
    reached     the reverse pass that has reached all members
    """

    sum_label: str | None = None
    label: str | None = None
    reached: object = None
    known: tuple[object, list[float]] = (None, [])

    def data(self) -> list[float]:
        """The numbers, collected once and again after the `.data` of some Value was assigned."""
        when = assigned[0]  # read first, and kept with the numbers: another thread may assign meanwhile
        numbers = [u._data for u in self]
        self.known = when, numbers
        return numbers


class Inputs:
    """What all neurons of a layer look at: Values or numbers, as many as each has weights.

    values    all of them
    nodes     the same if they are Values, nothing if they are numbers
    data      the numbers, and a 1 for the bias; None if some are Values and some are not
    reached   the reverse pass that has reached all members
    """

    __slots__ = ("data", "nodes", "reached", "values")

    def __init__(self, x: tuple[Any, ...]) -> None:
        classes = set(map(type, x))
        self.values = x
        self.nodes = x if Value in classes else ()
        self.reached: object = None
        self.data: list[float] | None = None
        if not self.nodes:
            self.data = [real(u, "an input") for u in x]
        elif len(classes) == 1:
            self.data = [u._data for u in x]
        if self.data is not None:
            self.data.append(1.0)

    def unfold(self, v: Value) -> None:
        """Give a neuron the form of other nodes: an activation of z, and z a weighted sum."""
        dot = matrices.dot.op
        x, weights, slope, w_data = v._x, v._y, v._dx, v._dy
        z = v if v._op is dot else new(Value)
        z._data = sum(map(mul, w_data, x.data))
        data = [Vector(w_data[:-1]), Vector(x.data[:-1]), w_data[-1]]
        d = [group_derivative(dot, i, z._data, data) for i in range(3)]
        del v._dy
        if z is not v:
            v._x, v._y, v._dx = z, None, float(slope)
            z._op = dot
            z._label = weights.sum_label
            z.grad = NO_GRADIENT if v.grad is NO_GRADIENT else v.grad * v._dx
        z._x = weights[:-1], x.nodes or tuple(x.data[:-1]), weights[-1]
        z._y = None
        z._dx = d[0], d[1] if x.nodes else None, d[2]


def record(op: Operation | None, weights: Weights, x: Inputs) -> Value:
    """`g(dot(w, x, b))` as one node. op: the operation of g, for one operand; None for the sum itself."""
    if x.data is not None and not active:
        when, data = weights.known
        if when is not assigned[0]:
            data = weights.data()
        zd: float = sum(map(mul, data, x.data))
        try:
            if op is None:
                ad, slope = zd, 1.0
            else:
                ad = op.forward(zd)
                slope = op.slope(ad, zd)
            if zd - zd == 0.0:  # finite, and then so are the parts of the sum
                v = new(Value)
                v._data = ad
                v.grad = NO_GRADIENT
                v._op = op or matrices.dot.op
                v._x = x
                v._y = weights
                v._dx = slope
                v._dy = data
                v._label = weights.label
                return v
        except (ArithmeticError, ValueError):
            pass
    return spelled_out(op, weights, x)


def spelled_out(op: Operation | None, weights: Weights, x: Inputs) -> Value:
    """The same as the nodes that it stands for: the weighted sum, and the activation of it."""
    z = matrices.dot(weights[:-1], x.values, weights[-1])
    z.label = weights.label if op is None else weights.sum_label
    if op is None:
        return z
    a = Value._record(op, z)
    a.label = weights.label
    return a


def recorder() -> Callable[[Operation | None, Weights, Inputs], Value]:
    """How neurons are recorded: as one node, or as two."""
    return record if roads.are_open() else spelled_out
