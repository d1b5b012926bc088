"""What an operand gets of the gradient, read on numbers or on names: what slips read wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ..graph import Node, is_node
from ..op import Operation
from ..operands import Operand
from ..passes.replay import Place, Pull, flat_place, member_of, shaped
from .computation import Edge, Error, at, with_at

__all__ = ["Reading", "Share", "weight_below"]


class Reading(Protocol):
    """On what a share is read: numbers, or names.

    count: the number of samples, m. keeps_mean: the 1/m of the loss is in the derivatives by parameters alone.
    """

    count: Operand
    keeps_mean: bool

    def of(self, x: Operand) -> Operand:
        """What stands for a node or a constant."""

    def operands(self, v: Node) -> Sequence[Operand]:
        """What stands for the operands of a node."""

    def share(self, v: Node, i: int, g: Operand, z: Operand, operands: Sequence[Operand]) -> Operand:
        """What operand i of v gets of g."""

    def gradient(self, u: Node) -> Operand:
        """The name of the gradient by a node; None where numbers are read."""


class Share:
    """What an operand gets of the gradient, about to be read wrongly.

    edge      whose share it is
    g         the gradient that has arrived at the result
    z         the result
    operands  the operands of the operation
    right     the share as it should be
    """

    def __init__(self, edge: Edge, g: Operand, reading: Reading, before: dict[Place, Pull]) -> None:
        self.edge, self.g, self._reading, self._before = edge, g, reading, before

    @property
    def z(self) -> Operand:
        return self._reading.of(self.edge.node)

    @property
    def operands(self) -> Sequence[Operand]:
        return self._reading.operands(self.edge.node)

    @property
    def right(self) -> Operand:
        known = self._before.get(self.edge.key)
        if known is not None:
            return known(self.g)
        return shaped(self.read(), self.edge.operand)

    def read(self, z: Operand | None = None, operands: Sequence[Operand] | None = None) -> Operand:
        """The rule, on another result or other operands; not summed to the operand's shape."""
        z = self.z if z is None else z
        return self._reading.share(
            self.edge.node, self.edge.place, self.g, z, self.operands if operands is None else operands
        )

    def of(self, x: Operand) -> Operand:
        """What stands for a node or a constant."""
        return self._reading.of(x)

    def with_other(self, other: Operand) -> Operand:
        """A product with something else in the place of what it multiplies by."""
        operands = with_at(self.operands, self.edge.partner, other)
        return shaped(self.read(operands=operands), self.edge.operand)

    def again(self, g: Operand) -> Operand:
        """The share of another gradient."""
        return shaped(Share(self.edge, g, self._reading, {}).read(), self.edge.operand)

    def sibling(self, u: Node) -> Operand:
        """The gradient that another operand of the same layer gets of the same one."""
        return self._down(self.edge.node, self.g, u)

    def _down(self, v: Node, g: Operand, u: Node) -> Operand:
        total: Operand = 0.0
        for e in self.edge.of.edges:
            if e.node is v and (e.operand is u or (e.enters is None and e.result is self.edge.result)):
                share = Share(e, g, self._reading, {})
                term = shaped(share.read(), e.operand)
                total = total + (term if e.operand is u else self._down(e.operand, term, u))
        return total

    @property
    def factor(self) -> Operand:
        """What a product multiplies by."""
        return at(self.operands, self.edge.partner)

    @property
    def gradient_of_factor(self) -> Operand:
        """The gradient by what a product multiplies by, as far as it is known when this share is read."""
        u = self.edge.read_by_product
        named = self._reading.gradient(u)
        if named is not None:
            return named
        node, place = self.edge.node, self.edge.partner
        i = place if not isinstance(place, tuple) else flat_place(node, place)
        d = shaped(self._reading.share(node, i, self.g, self.z, self.operands), u)
        w = weight_below(u)
        rest: Operand = sum(shaped(e.read(e.arrived), w) for e in self.edge.of.into.get(w, ()) if e.is_penalty)
        return d + (rest.T if w is not u and np.ndim(rest) == 2 else rest)

    def through(self, op: Operation, x: Operand) -> Operand:
        """The gradient through another function of one number."""
        z, pull = op.function(x), op.pulls[0]
        assert pull is not None
        return pull(self.g, z, x) if self.edge.of.is_array else self.g * op.derivative(0, z, (x,))

    @property
    def prediction(self) -> Operand:
        """ŷ, where the share is a multiple of ŷ − y."""
        error = self._error
        if error.activation is None:
            return self.of(error.prediction)
        if error.activation.picks is not None:
            return error.activation.picks(self.operands[0])[member_of(self.edge.node, self.edge.place)[1]]
        return error.activation.function(self.of(error.prediction), *error.axis)

    @property
    def is_written(self) -> bool:
        """True if ŷ is a node of the computation, and not inside a loss of logits."""
        return self._error.activation is None

    @property
    def target(self) -> Operand:
        """y, where the share is a multiple of ŷ − y."""
        return self.of(self._error.target)

    @property
    def scale(self) -> Operand:
        """How many times ŷ − y the share is; 1/m of a mean as such."""
        scale, m = self._error.scale, self.edge.of.samples or 1
        near = round(scale * m)
        is_whole = abs(near - scale * m) < 1e-9
        if self._reading.keeps_mean and self.edge.result is not self.edge.of.target:
            return float(near) if is_whole else scale * m
        return near / self.m if m > 1 and is_whole else scale

    @property
    def _error(self) -> Error:
        error = self.edge.error or self.edge.loss_error
        assert error is not None
        return error

    @property
    def zero(self) -> Operand:
        return 0.0 * self.right

    @property
    def m(self) -> Operand:
        """How many samples there are."""
        return self._reading.count


def weight_below(u: Node) -> Node:
    """The parameter that an operand is the transpose of, or is."""
    while is_node(u) and u.op is not None and u.label is None and len([x for x in u.operands if is_node(x)]) == 1:
        u = next(x for x in u.operands if is_node(x))
    return u
