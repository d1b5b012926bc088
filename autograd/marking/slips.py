"""What students do wrong, as a table: each slip is the rule of an operation, read wrongly.

A slip says on which edges it can be made (`on`), what it can be made with (`tries`), and what is read there instead of
the share. It is read on numbers, which predicts what the student has, and on names, which writes the student's line.
One of your own::

    @slip("the slope of {op} left out", seen="often", on=slopes)
    def slope_left_out(s):
        return s.g
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

import numpy as np

from ..formulas import names
from ..graph import Node, is_node
from ..op import Operation
from ..operands import Operand
from ..ops.elementwise import sigmoid, tanh
from ..passes.replay import shaped
from .computation import Computation, Edge
from .share import Share, weight_below

__all__ = ["Slip", "slip", "slips"]


class Slip(NamedTuple):
    """A mistake. name: what one does. seen: "often", "regularly", "once" or "tried", as it was met when it was asked
    for. on: True for the edges on which it can be made. tries: with what, each with a key under which the same is done
    on other edges. fits: there is a factor in it that only the student knows. alone: nothing else arrives. by_itself:
    False for what is made only where it is made with other things on other edges too, since alone it is another slip.
    is_forward: `read` takes a Result, of the forward pass (missteps.py), and no Share.
    """

    name: str
    read: Callable[..., Operand]
    seen: str
    on: Callable[[Edge], bool]
    tries: Callable[[Edge], Iterable[tuple[Hashable, object]]]
    spreads: bool
    fits: bool
    alone: bool
    by_itself: Callable[[Any], bool]
    is_forward: bool = False

    def __repr__(self) -> str:
        return f"<slip: {self.name}>"


slips: list[Slip] = []


def once(edge: Edge) -> list[tuple[Hashable, object]]:
    """There is one way of it."""
    return [("", None)]


def always(option: object) -> bool:
    """With anything."""
    return True


def slip(
    name: str,
    *,
    on: Callable[[Edge], bool],
    seen: str = "once",
    tries: Callable[[Edge], Iterable[tuple[Hashable, object]]] = once,
    spreads: bool = True,
    fits: bool = False,
    alone: bool = False,
    by_itself: Callable[[Any], bool] = always,
    table: list[Slip] | None = None,
) -> Callable[[Callable[..., Operand]], Callable[..., Operand]]:
    """Enter the decorated function into the table. See Slip; the order of the table is that of preference."""

    def decorate(read: Callable[..., Operand]) -> Callable[..., Operand]:
        made = Slip(name, read, seen, on, tries, spreads, fits, alone, by_itself, is_forward=table is not None)
        (slips if table is None else table).append(made)
        return read

    return decorate


# ---------------------------------------------------------------- where


def enters(edge: Edge) -> bool:
    """Into a named node."""
    return edge.enters is not None


def behind_the_loss(edge: Edge) -> bool:
    """Into a named node, of several samples; not the loss, whose 1/m is the home that one chose."""
    return means(edge) and not (edge.is_loss and edge.of.per_sample(edge.operand))


def slopes(edge: Edge) -> bool:
    """Of an activation."""
    return edge.is_slope


def slopes_and_softmax(edge: Edge) -> bool:
    return edge.is_slope or (edge.is_along_axis and edge.node in edge.of.labels)


def products(edge: Edge) -> bool:
    return edge.partner is not None and edge.result is not edge.of.target


def weights(edge: Edge) -> bool:
    return products(edge) and edge.of.is_parameter(weight_below(edge.operand))


def biases(edge: Edge) -> bool:
    return edge.is_bias and edge.of.is_array


def penalties(edge: Edge) -> bool:
    return edge.is_penalty


def means(edge: Edge) -> bool:
    return enters(edge) and (edge.of.samples or 1) > 1


def weights_read(edge: Edge) -> bool:
    """Of what is multiplied by weights."""
    if not products(edge) or edge.is_parameter or weights(edge):
        return False
    factor = edge.read_by_product
    return is_node(factor) and edge.of.is_parameter(weight_below(factor))


def errors(edge: Edge) -> bool:
    """A multiple of ŷ − y."""
    return edge.error is not None


def single_errors(edge: Edge) -> bool:
    """A multiple of ŷ − y, of several samples with one output each."""
    return errors(edge) and edge.of.is_array and edge.operand.ndim == 2 and 1 in edge.operand.shape and means(edge)


def deltas(edge: Edge) -> bool:
    """The ŷ − y of a cross-entropy and its activation, which cancelled."""
    error = edge.error
    return error is not None and (error.activation is not None or error.prediction is edge.node)


def mistaken_deltas(edge: Edge) -> bool:
    """Of the output's activation, below a loss whose derivative is ŷ − y already."""
    return edge.of.is_array and slopes_and_softmax(edge) and edge.loss_error is not None


def branches(edge: Edge) -> bool:
    """Into what is used more than once, for other than a penalty."""
    return _paths(edge) > 1


def many_branches(edge: Edge) -> bool:
    """Into what is used more than twice: of two paths, one alone is the other forgotten."""
    return _paths(edge) > 2


def _paths(edge: Edge) -> int:
    """How many edges lead to the same named node, but for penalties."""
    if not enters(edge) or edge.is_penalty:
        return 0
    return len(edge.of.into[edge.operand])


def parameters(edge: Edge) -> bool:
    """Into weights and biases, not of a penalty."""
    return edge.is_parameter and not edge.is_penalty


def rates(edge: Edge) -> bool:
    """Where a learning rate may have slipped in."""
    return edge.is_loss or edge.is_parameter


def is_square(x: Operand) -> bool:
    """True for a matrix of as many rows as columns."""
    shape: tuple[int, ...] = getattr(x, "shape", ())
    return len(shape) == 2 and shape[0] == shape[1]


def _penalty(edge: Edge) -> float:
    """λ, where the penalty of the weights of this layer is λ times these; else 0."""
    weight = edge if edge.is_penalty else next((e for e in edge.siblings if e.is_weight), None)
    if weight is None or not edge.of.is_array:
        return 0.0
    found: list[Edge] = [e for e in edge.of.into[weight.operand] if e.is_penalty]
    w = weight.operand.numpy() if found else np.zeros(1)
    share = sum(shaped(e.read(e.arrived), e.operand) for e in found)
    size = float((w * w).sum())
    rate = float((w * share).sum()) / size if size else 0.0
    return rate if np.allclose(share, rate * w, rtol=1e-9, atol=0) else 0.0


# ---------------------------------------------------------------- with what


# Of so many Values only those with nearly the same name are taken for each other.
MANY = 24


def near(c: Computation, right: Operand) -> list[Operand]:
    """What may be taken for a quantity: all of its kind, of many Values those whose name differs in one number by one,
    or in its letter."""
    found = list(c.quantities(right))
    if c.is_array or len(found) <= MANY or not is_node(right) or right not in c.labels:
        return found
    name = names.parse(c.labels[right])
    return [u for u in found if name is not None and u in c.labels and _is_near(name, names.parse(c.labels[u]))]


def _is_near(a: names.Name, b: names.Name | None) -> bool:
    if b is None or len(a.index) != len(b.index):
        return False
    pairs = [
        (a.base, b.base),
        (a.layer or "", b.layer or ""),
        (a.sample or "", b.sample or ""),
        *zip(a.index, b.index, strict=True),
    ]
    apart = [(x, y) for x, y in pairs if x != y]
    if len(apart) != 1:
        return False
    x, y = apart[0]
    return not (x.isdigit() and y.isdigit()) or abs(int(x) - int(y)) == 1


def relation(edge: Edge, other: Operand, right: Operand) -> Hashable:
    """What one thing is beside another: a letter, so many layers on; the same is tried in other layers."""
    labels = edge.of.labels
    a, b = (names.parse(labels[u]) if is_node(u) and u in labels else None for u in (other, right))
    if a is None or b is None:
        return ("", id(other))
    m, n = _layer(a), _layer(b)
    if m is None or n is None or (a.index and a.layer):  # one unit of many: it is what it is
        return ("", other)
    return (a.base, b.base, m - n)


def _layer(name: names.Name) -> int | None:
    """The layer that a name says, also where it is written W1."""
    said: str = name.layer or (name.index[0] if len(name.index) == 1 else "")
    return int(said) if said.isdigit() else None


def factor_below(edge: Edge) -> tuple[Operand, bool]:
    """What a product multiplies by, or what that is the transpose of, which the second says."""
    right = edge.read_by_product
    core = weight_below(right) if is_node(right) else right
    return core, core is not right and edge.of.is_array


def others(edge: Edge) -> list[tuple[Hashable, object]]:
    """What could be taken for the other factor of a product."""
    core, is_turned = factor_below(edge)
    found: list[tuple[Hashable, object]] = [(relation(edge, u, core), (u, is_turned)) for u in near(edge.of, core)]
    if edge.is_weight and getattr(core, "shape", ()) == getattr(edge.operand, "shape", ()):
        found.append(("the weights", (edge.operand, is_turned)))
    return found


def other_slopes(edge: Edge) -> list[tuple[Hashable, object]]:
    """The slopes of other layers of the same size."""
    found = [
        e for e in edge.of.activations if e.node is not edge.node and getattr(e.node, "shape", ()) == edge_shape(edge)
    ]
    return [(relation(edge, e.node, edge.node), e) for e in found]


def edge_shape(edge: Edge) -> tuple[int, ...]:
    return getattr(edge.node, "shape", ())


def other_functions(edge: Edge) -> list[tuple[Hashable, object]]:
    """The activations that a hidden layer may have."""
    return [(op.shown, op) for op in (sigmoid.op, tanh.op) if op is not edge.node.op]


def other_targets(edge: Edge) -> list[tuple[Hashable, object]]:
    """What other units should give."""
    error = edge.error
    if error is None:
        return []
    if edge.of.is_array:
        y = np.asarray(edge.of.point.of(error.target))
        axis = 0 if edge.of.roles.sample_axis == 1 else y.ndim - 1
        return [(k, np.roll(y, k, axis)) for k in range(1, y.shape[axis] if y.ndim == 2 else 1)]
    return [("", y) for y in edge.of.targets if is_node(y) and y is not error.target]


def factors_of_two(edge: Edge) -> list[tuple[Hashable, object]]:
    """2, as of a square; and ½."""
    return [("a factor 2 too much", 2.0), ("a factor 2 left out", 0.5)]


def sizes(edge: Edge) -> list[tuple[Hashable, Any]]:
    """What may be taken for the number of samples: the units of the layer, its inputs, the features, the outputs."""
    c = edge.of
    found: list[tuple[Hashable, Any]] = []
    if c.is_array and edge.is_parameter and not edge.is_penalty:
        weight: Node = next((e.operand for e in [edge, *edge.siblings] if e.is_weight and e.operand.ndim == 2), None)
        units = edge.result.shape[-2 if c.roles.sample_axis == 1 else -1] if edge.result.ndim == 2 else None
        if units:
            found.append(("units of the layer", units))
        if weight is not None and units and weight.size % units == 0:
            found.append(("inputs of the layer", weight.size // units))
        features = next((x.shape[-2 if c.roles.sample_axis == 1 else -1] for x in _inputs(c) if x.ndim == 2), None)
        if features:
            found.append(("features", features))
    if c.is_array and edge.is_loss and edge.operand.ndim == 2:
        found.append(("outputs", edge.operand.shape[-2 if c.roles.sample_axis == 1 else -1]))
    return [*found]


def is_several(n: int) -> bool:
    """True but for 1: whoever divides by the units of a layer that has one does not divide there."""
    return n > 1


def _inputs(c: Computation) -> list[Node]:
    named = [u for u in c.order if u.op is None and c.is_data(u) and not c.is_target(u)]
    return [*named, *(x for label, x in c.constants.items() if label.startswith("X"))]


# ================================================================ the table
#
# Where two slips give the same numbers, the one that stands first is named first.

# ---------------------------------------------------------------- the mean


@slip("1/m left out", on=lambda e: behind_the_loss(e) and e.of.is_mean, seen="often")
def mean_left_out(s: Share) -> Operand:
    return s.right * s.m


@slip("1/m twice", on=behind_the_loss, seen="often")
def mean_twice(s: Share) -> Operand:
    return s.right / s.m


@slip(
    "divided by the {key} instead of m",
    on=lambda e: means(e) and (e.is_loss or e.is_parameter),
    tries=sizes,
    by_itself=is_several,
)
def divided_by_another_size(s: Share, n: int) -> Operand:
    return s.right * (s.m / n)


@slip(
    "divided by m·n, also by the {key}",
    on=lambda e: means(e) and e.is_loss,
    tries=sizes,
    seen="tried",
    by_itself=is_several,
)
def divided_by_both(s: Share, n: int) -> Operand:
    return s.right / n


# ---------------------------------------------------------------- biases


@slip("summed over all axes: one number for all biases", on=biases, seen="often")
def bias_over_all_axes(s: Share) -> Operand:
    return s.g.sum()


@slip("summed along the other axis", on=lambda e: biases(e) and e.operand.size > 1, seen="often")
def bias_along_the_other_axis(s: Share) -> Operand:
    sizes = list(zip(_kept(s), s.g.shape, strict=True))  # of the bias, of what is summed; one output has one bias
    return s.g.sum(max(range(len(sizes)), key=lambda i: (sizes[i][0], sizes[i][0] == sizes[i][1])))


@slip("not summed over the samples: b grows to a matrix", on=biases, spreads=False)
def bias_not_summed(s: Share) -> Operand:
    return s.g


@slip("taken from dW instead of dZ", on=biases)
def bias_from_weights(s: Share) -> Operand:
    d = s.sibling(next(e.operand for e in s.edge.siblings if e.is_weight))
    if not np.ndim(d):
        raise ValueError("the weight gets nothing of this gradient")
    return d.sum(1 if len(d) == s.edge.operand.size else 0).reshape(s.edge.operand.shape)


@slip("the gradient forgotten", on=lambda e: parameters(e) and e.of.is_array, seen="regularly", alone=True)
def gradient_forgotten(s: Share) -> Operand:
    return s.zero


def _kept(s: Share) -> tuple[int, ...]:
    shape = s.edge.operand.shape
    return (1,) * (s.g.ndim - len(shape)) + tuple(shape)


# ---------------------------------------------------------------- slopes


@slip(
    "{prediction} − {target} is the delta of a cross-entropy, and the loss is another", on=mistaken_deltas, seen="often"
)
def delta_of_cross_entropy(s: Share) -> Operand:
    return s.scale * (s.prediction - s.target)


@slip("the slope of {op} left out", on=lambda e: slopes_and_softmax(e) and not mistaken_deltas(e), seen="often")
def slope_left_out(s: Share) -> Operand:
    return s.g


@slip("the slope of {op} twice", on=lambda e: slopes(e) and not deltas(e), seen="tried")
def slope_twice(s: Share) -> Operand:
    return s.again(s.right)


@slip("the slope of {op} read at a instead of z", on=slopes, seen="often")
def slope_at_a(s: Share) -> Operand:
    op = s.edge.node.op
    return s.read(op.function(s.z, *s.operands[1:]), [s.z, *s.operands[1:]])


@slip("the slope of {op} written with z instead of a", on=slopes, seen="often")
def slope_with_z(s: Share) -> Operand:
    return s.read(s.operands[0])


@slip("z in place of the slope of {op}", on=slopes)
def z_for_slope(s: Share) -> Operand:
    return s.g * s.operands[0]


@slip("a in place of the slope of {op}", on=slopes)
def a_for_slope(s: Share) -> Operand:
    return s.g * s.z


@slip("the slope of another layer", on=slopes, tries=other_slopes, seen="regularly")
def slope_of_another_layer(s: Share, other: Edge) -> Operand:
    z, operands = s.of(other.node), s._reading.operands(other.node)
    return s._reading.share(other.node, other.place, s.g, z, operands)


@slip("softmax's Jacobian as a diagonal", on=lambda e: e.is_along_axis and e.of.is_array, seen="often")
def softmax_diagonal(s: Share) -> Operand:
    return s.g * s.z * (1 - s.z)


@slip("the slope of {key} in place of that of {op}", on=slopes, tries=other_functions, seen="regularly")
def slope_of_another_function(s: Share, op: Operation) -> Operand:
    return s.through(op, s.operands[0])


# ---------------------------------------------------------------- the output


@slip("y left out: ŷ in place of ŷ − y", on=errors, seen="tried")
def prediction_for_error(s: Share) -> Operand:
    return s.scale * s.prediction


@slip("the slope of the output beside a cross-entropy, in which it cancels", on=deltas, seen="often")
def slope_with_cross_entropy(s: Share) -> Operand:
    return s.scale * (s.prediction - s.target) * s.prediction * (1 - s.prediction)


@slip("softmax's Jacobian as a diagonal", on=lambda e: deltas(e) and e.is_loss and e.of.is_array, seen="often")
def diagonal_with_cross_entropy(s: Share) -> Operand:
    return -s.scale * s.target * (1 - s.prediction)


@slip("(m,) against (m, 1): each prediction beside all targets", on=single_errors, seen="regularly")
def each_against_all(s: Share) -> Operand:
    return s.scale * (s.prediction - s.target.T)


@slip("the target of another unit", on=errors, tries=other_targets, seen="tried")
def target_of_another_unit(s: Share, other: Operand) -> Operand:
    return s.scale * (s.prediction - s.of(other))


# ---------------------------------------------------------------- factors


@slip("the sign turned", on=enters, seen="often")
def sign(s: Share) -> Operand:
    return -s.right


@slip("{key}", on=lambda e: e.is_loss or e.is_penalty, tries=factors_of_two, seen="often")
def factor(s: Share, c: float) -> Operand:
    return s.right * c


# ---------------------------------------------------------------- products


@slip("{other} for {right}", on=products, tries=others, seen="regularly")
def another_factor(s: Share, other: tuple[Operand, bool]) -> Operand:
    u, is_turned = other
    return s.with_other(s.of(u).T if is_turned else s.of(u))


@slip("the weights not transposed", on=lambda e: weights_read(e) and is_square(e.read_by_product), seen="often")
def not_transposed(s: Share) -> Operand:
    return s.with_other(s.factor.T)


@slip("the result transposed", on=lambda e: e.is_weight and e.of.is_array and e.operand.ndim == 2, seen="often")
def transposed(s: Share) -> Operand:
    return s.right.T


@slip("⊙ in place of the matrix product", on=lambda e: weights(e) and e.of.is_array, seen="often")
def elementwise_for_matrix_product(s: Share) -> Operand:
    return s.g * s.factor.T


@slip("a matrix product in place of ⊙", on=lambda e: e.is_slope and e.of.is_array, seen="often")
def matrix_product_for_slope(s: Share) -> Operand:
    return s.g @ s.again(1 + 0 * s.g)


@slip("the slope transposed", on=lambda e: e.is_slope and e.of.is_array and is_square(e.node))
def slope_transposed(s: Share) -> Operand:
    return s.g * s.again(1 + 0 * s.g).T


@slip("the gradient of the weights in place of the weights", on=weights_read, seen="regularly")
def gradient_for_weight(s: Share) -> Operand:
    return s.with_other(s.gradient_of_factor)


@slip(
    "the weights were updated already, by {factor} times their gradient",
    on=weights_read,
    seen="regularly",
    fits=True,
)
def updated_weights(s: Share, rate: float) -> Operand:
    return s.with_other(s.factor - rate * s.gradient_of_factor)


# ---------------------------------------------------------------- paths and penalties


@slip("one path of several forgotten", on=branches, seen="regularly", spreads=False)
def path_forgotten(s: Share) -> Operand:
    return s.zero


@slip("only one of several paths taken", on=many_branches, seen="regularly", spreads=False, alone=True)
def one_path_only(s: Share) -> Operand:
    return s.right


@slip("the penalty on the weights forgotten", on=penalties, seen="regularly")
def penalty_forgotten(s: Share) -> Operand:
    return s.zero


@slip("a penalty on the bias, too", on=lambda e: e.is_bias and bool(_penalty(e)), seen="regularly")
def penalty_on_bias(s: Share) -> Operand:
    return s.right + _penalty(s.edge) * s.of(s.edge.operand)


@slip("λ times the sum of all weights added to each", on=lambda e: e.is_penalty and bool(_penalty(e)), alone=True)
def sum_for_weight(s: Share) -> Operand:
    return _penalty(s.edge) * s.of(s.edge.operand).sum()


# ---------------------------------------------------------------- arithmetic


@slip("{key}, in this one alone", on=parameters, tries=factors_of_two, seen="once", spreads=False)
def factor_in_one(s: Share, c: float) -> Operand:
    return s.right * c


# ---------------------------------------------------------------- factors that only the student knows


@slip("times {factor}{such}", on=rates, seen="regularly", fits=True)
def learning_rate(s: Share, rate: float) -> Operand:
    return s.right * rate
