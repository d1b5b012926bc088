"""What goes wrong on the way forward, as a table: each slip is an operation that is computed wrongly.

It is read like the slips of a gradient (slips.py): on numbers, which predicts z, a and L of whoever makes it, and all
that follows from them; and on names, which writes their line beside the right one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from ..formulas import names
from ..graph import Node, is_node
from ..op import Operation
from ..operands import Operand, Vector
from ..ops.elementwise import abs as absolute
from ..ops.elementwise import add, exp, mul, power, relu, sigmoid, sub, tanh
from ..ops.losses import squared_error
from ..passes.replay import member_of
from .computation import Computation, Edge, at, with_at
from .share import weight_below
from .slips import (
    Slip,
    factor_below,
    factors_of_two,
    is_square,
    near,
    relation,
    slip,
    slopes,
    slopes_and_softmax,
)

__all__ = ["Result", "misstep", "missteps"]


class Reading(Protocol):
    """On what an operation is computed: numbers, or names. count: the number of samples, m."""

    count: Operand

    def of(self, x: Operand) -> Operand:
        """What stands for a node or a constant."""

    def operands(self, v: Node) -> Sequence[Operand]:
        """What stands for the operands of a node."""

    def computed(self, v: Node, operands: Sequence[Operand]) -> Operand:
        """What the operation of a node gives."""


class Result:
    """The result of an operation, about to be computed wrongly.

    edge      the operand that it is about, and the operation: see Edge
    operands  the operands of the operation
    """

    def __init__(self, edge: Edge, reading: Reading) -> None:
        self.edge, self._reading = edge, reading
        self.operands: Sequence[Operand] = reading.operands(edge.node)

    @property
    def op(self) -> Operation:
        """The operation."""
        return self.edge.node.op

    @property
    def z(self) -> Operand:
        """What an activation is applied to."""
        first = self.operands[0]
        return first[member_of(self.edge.node, self.edge.place)[1]] if isinstance(first, Vector) else first

    @property
    def right(self) -> Operand:
        """As it should be."""
        return self._reading.computed(self.edge.node, self.operands)

    @property
    def operand(self) -> Operand:
        """What stands for the operand that the edge is about."""
        return at(self.operands, self._place)

    @property
    def _place(self) -> Any:
        if self.edge.of.is_array:
            return self.edge.place
        group, member = member_of(self.edge.node, self.edge.place)
        return (group, member) if isinstance(self.operands[group], Vector) else group

    def of(self, x: Operand) -> Operand:
        """What stands for a node or a constant."""
        return self._reading.of(x)

    @property
    def m(self) -> Operand:
        """How many samples there are."""
        return self._reading.count

    def with_operand(self, x: Operand) -> Operand:
        """The result with something else in the place of the operand."""
        return self._with(self._place, x)

    def with_other(self, x: Operand) -> Operand:
        """The product with something else in the place of what the operand is multiplied by."""
        return self._with(self.edge.partner, x)

    def with_each(self, of: Callable[[Node], Node]) -> Operand:
        """The result with other nodes in the place of these."""
        groups = zip(self.edge.node.operand_groups, self.operands, strict=True)
        changed: list[Operand] = []
        for us, xs in groups:
            if isinstance(us, Vector):
                changed.append(type(xs)([self.of(of(u)) if is_node(u) else x for u, x in zip(us, xs, strict=True)]))
            else:
                changed.append(self.of(of(us)) if is_node(us) else xs)
        return self._reading.computed(self.edge.node, changed)

    def _with(self, place: Any, x: Operand) -> Operand:
        return self._reading.computed(self.edge.node, with_at(self.operands, place, x))


missteps: list[Slip] = []


def misstep(name: str, **how: Any) -> Callable[[Callable[..., Operand]], Callable[..., Operand]]:
    """Enter the decorated function into the table, as `slip` does; `read` gives the result of `edge.node`."""
    return slip(name, table=missteps, **how)


# ---------------------------------------------------------------- where


def bias_added(edge: Edge) -> bool:
    return edge.is_bias and edge.result is not edge.of.target


def first_of_layer(edge: Edge) -> bool:
    """An activation, of a softmax of Values the operand that belongs to the unit."""
    if not slopes_and_softmax(edge):
        return False
    if edge.node.op.picks is None:
        return True
    return bool(member_of(edge.node, edge.place)[1] == int(edge.node.operand_groups[1]))


def softmaxes(edge: Edge) -> bool:
    return edge.is_along_axis and first_of_layer(edge)


def terms(edge: Edge) -> bool:
    """A product among others, of Values; in the loss what one output or sample adds."""
    if edge.of.is_array:
        return False
    if isinstance(edge.partner, tuple) and edge.result is not edge.of.target:
        return edge.is_weight
    is_added = edge.enters is None and edge.partner is None and edge.node.op is add.op
    if not is_added:
        return False
    if edge.result is edge.of.target:
        return edge.operand.op is not add.op and not penalties(edge)
    below = (e for u in edge.operand.operands if is_node(u) for e in edge.of.into.get(u, ()))
    return any(e.node is edge.operand and e.partner is not None for e in below)


def products_of_weights(edge: Edge) -> bool:
    """A weight times something, on the way to a named quantity."""
    if edge.partner is None or edge.result is edge.of.target:
        return False
    return edge.of.is_parameter(weight_below(edge.operand))


def turned(c: Computation, u: Node) -> Node:
    """w_21 for w_12 among Values, and else the node itself."""
    name = names.parse(c.labels.get(u, ""))
    if name is None or len(name.index) != 2 or not c.is_parameter(u):
        return u
    found = c.called_so.get(replace(name, index=name.index[::-1]).label(), [u])
    return found[0]


def transposable(edge: Edge) -> bool:
    """The first of the weights of Values whose transpose there is, in what they are multiplied in."""
    if edge.of.is_array or not products_of_weights(edge):
        return False
    weights = (u for u in edge.node.operands if is_node(u) and turned(edge.of, u) is not u)
    return next(weights, None) is edge.operand


def squares(edge: Edge) -> bool:
    """A square of a difference of Values, in the loss: d ** 2, or d * d; what has a name is one by its operation."""
    op, is_single = edge.node.op, not edge.of.is_array and edge.result is edge.of.target
    if op is squared_error.op:
        return is_single and the_loss(edge) and len(edge.node.operand_groups) == 2
    first, second = edge.node.operands if op in (power.op, mul.op) else (None, None)
    is_square = second == 2.0 if op is power.op else second is first is not None and edge.place == 0
    return is_single and is_square and (edge.enters is None or edge.operand.op is sub.op)


def the_loss(edge: Edge) -> bool:
    """The loss itself, without a penalty: of its operands the first."""
    return edge.node is edge.of.loss and edge is next(e for e in edge.of.edges if e.node is edge.node)


def mean_losses(edge: Edge) -> bool:
    """The loss of several samples, where it is their mean."""
    return the_loss(edge) and (edge.of.samples or 1) > 1 and edge.of.is_mean


def single_losses(edge: Edge) -> bool:
    """The loss of several samples with one output each."""
    operands = edge.node.operands
    is_loss = mean_losses(edge) and edge.of.is_array and edge.node.op.loss is not None and len(operands) > 2
    return is_loss and isinstance(operands[2], float) and operands[0].ndim == 2 and operands[0].shape[1] == 1


def logarithms(edge: Edge) -> bool:
    """A cross-entropy."""
    return the_loss(edge) and "cross_entropy" in edge.node.op.shown


def penalties(edge: Edge) -> bool:
    """What is added to the loss and knows of parameters alone."""
    return edge.enters is None and edge.node.op is add.op and edge.operand in edge.of.penalties


# ---------------------------------------------------------------- with what


def other_activations(edge: Edge) -> list[tuple[Hashable, Any]]:
    """What a layer may have in its place."""
    return [(op.shown, op) for op in (sigmoid.op, tanh.op, relu.op) if op is not edge.node.op]


def other_factors(edge: Edge) -> list[tuple[Hashable, Any]]:
    """What could be taken for what the weights are multiplied by: known before, and of its shape."""
    core, is_turned = factor_below(edge)
    later = edge.of.place[edge.node]
    known = (u for u in near(edge.of, core) if not is_node(u) or edge.of.place[u] < later)
    return [(relation(edge, u, core), (u, is_turned)) for u in known]


def both_signs(edge: Edge) -> list[tuple[Hashable, float]]:
    """Of ŷ − y, and of y − ŷ."""
    return [("", 1.0), ("y − ŷ", -1.0)]


def factors_of_the_loss(edge: Edge) -> list[tuple[Hashable, Any]]:
    """What may be too much, or missing."""
    outputs = _outputs(edge)
    found: list[tuple[Hashable, Any]] = [*factors_of_two(edge), ("the sign turned", -1.0)]
    return [*found, *([("divided by the number of outputs, too", 1.0 / outputs)] if outputs > 1 else [])]


def _outputs(edge: Edge) -> int:
    """How many numbers are compared in each sample."""
    c = edge.of
    if not c.is_array:
        return len({e.operand for e in c.edges if e.is_loss})
    predictions = [e.operand for e in c.edges if e.is_loss and e.operand.ndim == 2]
    return predictions[0].shape[0 if c.roles.sample_axis == 1 else 1] if predictions else 1


def _takes_alike(edge: Edge) -> bool:
    """True if both factors of a matrix product have one shape."""
    other = edge.read_by_product
    return edge.of.is_array and getattr(other, "shape", None) == edge.operand.shape and is_square(edge.operand)


# ================================================================ the table


@misstep("the bias forgotten", on=bias_added, seen="often")
def bias_left_out(s: Result) -> Operand:
    return s.with_operand(0.0 * s.operand)


@misstep("the bias subtracted", on=bias_added, seen="tried")
def bias_subtracted(s: Result) -> Operand:
    return s.with_operand(-s.operand)


@misstep("{op} left out", on=first_of_layer, seen="often")
def activation_left_out(s: Result) -> Operand:
    return s.z


@misstep("{key} in place of {op}", on=slopes, tries=other_activations, seen="regularly")
def another_activation(s: Result, op: Operation) -> Operand:
    return op.function(s.z)


@misstep("e^z in place of e^−z", on=lambda e: slopes(e) and e.node.op is sigmoid.op, seen="regularly")
def sigmoid_of_minus(s: Result) -> Operand:
    return s.op.function(-s.z)


@misstep("softmax over the samples instead of the units", on=lambda e: softmaxes(e) and e.of.is_array, seen="regularly")
def softmax_over_samples(s: Result) -> Operand:
    return s.op.function(s.z, -1 if s.edge.of.roles.sample_axis == 1 else 0)


@misstep("softmax without its sum: only e^z", on=softmaxes, seen="regularly")
def softmax_without_sum(s: Result) -> Operand:
    return exp(s.z)


@misstep("one term of the sum forgotten", on=terms, seen="regularly", spreads=False)
def term_left_out(s: Result) -> Operand:
    return s.with_operand(0.0 * s.operand)


@misstep("the sign of one term turned", on=terms, seen="regularly", spreads=False)
def term_subtracted(s: Result) -> Operand:
    return s.with_operand(-s.operand)


@misstep("the slope of {op} in its place", on=slopes, seen="once")
def slope_for_activation(s: Result) -> Operand:
    return s.op.derivative(0, s.right, (s.z,))


@misstep("|z| in place of relu", on=lambda e: slopes(e) and e.node.op is relu.op, seen="once")
def size_for_relu(s: Result) -> Operand:
    return absolute(s.z)


@misstep("the square left out", on=squares, tries=both_signs, seen="regularly")
def square_left_out(s: Result, sign: float) -> Operand:
    p, y = s.operands
    if s.op is not squared_error.op:
        return sign * p
    pairs = zip(p, y, strict=True) if isinstance(p, Vector) else [(p, y)]
    return sign / 2 * sum((u - v for u, v in pairs), 0.0)


@misstep("the weights transposed", on=transposable, seen="often")
def weights_of_values_transposed(s: Result) -> Operand:
    return s.with_each(lambda u: turned(s.edge.of, u))


@misstep("{other} for {right}", on=products_of_weights, tries=other_factors, seen="regularly")
def another_input(s: Result, other: tuple[Operand, bool]) -> Operand:
    u, is_turned = other
    return s.with_other(s.of(u).T if is_turned else s.of(u))


@misstep(
    "the weights transposed",
    on=lambda e: products_of_weights(e) and e.of.is_array and is_square(e.operand),
    seen="often",
)
def weights_transposed(s: Result) -> Operand:
    return s.with_operand(s.operand.T)


@misstep("⊙ in place of the matrix product", on=lambda e: products_of_weights(e) and _takes_alike(e), seen="regularly")
def elementwise_product(s: Result) -> Operand:
    return s.operands[0] * s.operands[1]


@misstep("{key}", on=the_loss, tries=factors_of_the_loss, seen="often", spreads=False)
def factor_of_the_loss(s: Result, c: float) -> Operand:
    return s.right * c


@misstep("summed over the samples: 1/m left out", on=mean_losses, seen="often", spreads=False)
def loss_summed(s: Result) -> Operand:
    return s.right * s.m


@misstep("1/m twice", on=mean_losses, spreads=False)
def loss_averaged_twice(s: Result) -> Operand:
    return s.right / s.m


@misstep("(m,) against (m, 1): each prediction beside all targets", on=single_losses, seen="regularly", spreads=False)
def loss_of_all_pairs(s: Result) -> Operand:
    predictions, targets, weight, *rest = s.operands
    m = len(predictions)
    pairs = np.repeat(predictions, m, 0), np.tile(targets, (m, 1)), weight / m
    return s.op.forward(*pairs, *rest)


@misstep("the logarithm to base 10", on=logarithms, seen="regularly")
def logarithm_to_base_10(s: Result) -> Operand:
    return s.right / math.log(10)


@misstep("the penalty left out", on=penalties, seen="regularly", spreads=False)
def penalty_left_out(s: Result) -> Operand:
    return s.with_operand(0.0 * s.operand)
