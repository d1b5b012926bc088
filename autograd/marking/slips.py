"""What students do wrong, as a table: each slip is the rule of an operation, read wrongly.

A slip says on which edges it can be made (`on`), what it can be made with (`tries`), and what is read there instead of
the share. It is read on numbers, which predicts what the student has, and on names, which writes the student's line.
One of your own::

    @slip("the slope left out", seen="often", on=slopes)
    def slope_left_out(s):
        return s.g
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from ..formulas import names
from ..graph import Node, is_node
from ..operands import Operand
from ..passes.replay import Place, Pull, shaped
from .computation import Computation, Edge

__all__ = ["Reading", "Share", "Slip", "slip", "slips"]


class Reading(Protocol):
    """On what a share is read: numbers, or names. count: the number of samples, m."""

    count: Operand

    def of(self, x: Operand) -> Operand:
        """What stands for a node or a constant."""

    def operands(self, v: Node) -> Sequence[Operand]:
        """What stands for the operands of a node."""

    def share(self, v: Node, i: int, g: Operand, z: Operand, operands: Sequence[Operand]) -> Operand:
        """What operand i of v gets of g."""


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

    def with_other(self, other: Operand, place: Any = None) -> Operand:
        """A product with something else in the place of what it multiplies by."""
        place = self.edge.partner if place is None else place
        operands = list(self.operands)
        if isinstance(place, tuple):
            group = list(operands[place[0]])
            group[place[1]] = other
            operands[place[0]] = type(self.operands[place[0]])(group)
        else:
            operands[place] = other
        return shaped(self.read(operands=operands), self.edge.operand)

    def again(self, g: Operand) -> Operand:
        """The share of another gradient."""
        return shaped(Share(self.edge, g, self._reading, {}).read(), self.edge.operand)

    def sibling(self, edge: Edge) -> Operand:
        """The share of another operand of the same layer, of the same gradient."""
        return shaped(Share(edge, self.g, self._reading, {}).read(), edge.operand)

    @property
    def zero(self) -> Operand:
        return 0.0 * self.right

    @property
    def m(self) -> Operand:
        """How many samples there are."""
        return self._reading.count


class Slip(NamedTuple):
    """A mistake. name: what one does. seen: "often", "regularly", "once" or "tried", as it was met when it was asked
    for. on: True for the edges on which it can be made. tries: with what, each with a key under which the same is done
    on other edges. fits: there is a factor in it that only the student knows. alone: nothing else arrives."""

    name: str
    read: Callable[..., Operand]
    seen: str
    on: Callable[[Edge], bool]
    tries: Callable[[Edge], Iterable[tuple[Hashable, Any]]]
    spreads: bool
    fits: bool
    alone: bool

    def __repr__(self) -> str:
        return f"<slip: {self.name}>"


slips: list[Slip] = []


def once(edge: Edge) -> list[tuple[Hashable, Any]]:
    """There is one way of it."""
    return [("", None)]


def slip(
    name: str,
    *,
    on: Callable[[Edge], bool],
    seen: str = "once",
    tries: Callable[[Edge], Iterable[tuple[Hashable, Any]]] = once,
    spreads: bool = True,
    fits: bool = False,
    alone: bool = False,
) -> Callable[[Callable[..., Operand]], Callable[..., Operand]]:
    """Enter the decorated function into the table. See Slip; the order of the table is that of preference."""

    def decorate(read: Callable[..., Operand]) -> Callable[..., Operand]:
        slips.append(Slip(name, read, seen, on, tries, spreads, fits, alone))
        return read

    return decorate


# ---------------------------------------------------------------- where


def enters(edge: Edge) -> bool:
    """Into a named node."""
    return edge.enters is not None


def slopes(edge: Edge) -> bool:
    """Of an activation."""
    return edge.is_slope


def slopes_and_softmax(edge: Edge) -> bool:
    return edge.is_slope or (edge.is_along_axis and edge.node in edge.of.labels)


def products(edge: Edge) -> bool:
    return edge.partner is not None and edge.result is not edge.of.target


def weights(edge: Edge) -> bool:
    return products(edge) and edge.of.is_parameter(_below(edge.operand))


def biases(edge: Edge) -> bool:
    return edge.is_bias and edge.of.is_array


def losses(edge: Edge) -> bool:
    return edge.is_loss


def penalties(edge: Edge) -> bool:
    return edge.is_penalty


def means(edge: Edge) -> bool:
    return enters(edge) and (edge.of.samples or 1) > 1


def _below(u: Node) -> Node:
    """The parameter that an operand is the transpose of, or is."""
    while is_node(u) and u.op is not None and u.label is None and len([x for x in u.operands if is_node(x)]) == 1:
        u = next(x for x in u.operands if is_node(x))
    return u


# ---------------------------------------------------------------- with what


def _relation(edge: Edge, other: Operand, right: Operand) -> Hashable:
    """What one thing is beside another: a letter, so many layers on; the same is tried in other layers."""
    labels = edge.of.labels
    a, b = (names.parse(labels[u]) if is_node(u) and u in labels else None for u in (other, right))
    if a is None or b is None:
        return ("", id(other))
    m, n = _layer(a), _layer(b)
    return (a.base, b.base, (a.index, a.layer) if m is None or n is None else m - n)


def _layer(name: names.Name) -> int | None:
    """The layer that a name says, also where it is written W1."""
    said: str = name.layer or (name.index[0] if len(name.index) == 1 else "")
    return int(said) if said.isdigit() else None


def others(edge: Edge) -> list[tuple[Hashable, Any]]:
    """What could be taken for the other factor of a product."""
    right = edge.read_by_product
    core = _below(right) if is_node(right) else right
    is_turned = core is not right
    return [(_relation(edge, u, core), (u, is_turned)) for u in edge.of.quantities(core)]


def other_slopes(edge: Edge) -> list[tuple[Hashable, Any]]:
    """The slopes of other layers of the same size."""
    found = [
        e for e in edge.of.activations if e.node is not edge.node and getattr(e.node, "shape", ()) == edge_shape(edge)
    ]
    return [(_relation(edge, e.node, edge.node), e) for e in found]


def edge_shape(edge: Edge) -> tuple[int, ...]:
    return getattr(edge.node, "shape", ())


def factors(*numbers: float) -> Callable[[Edge], list[tuple[Hashable, Any]]]:
    return lambda edge: [(c, c) for c in numbers]


def sizes(edge: Edge) -> list[tuple[Hashable, Any]]:
    """What may be taken for the number of samples: the units of the layer, its inputs, the features, the outputs."""
    c = edge.of
    found: list[tuple[Hashable, Any]] = []
    if edge.is_parameter and not edge.is_penalty:
        weight: Node = next((e.operand for e in [edge, *edge.siblings] if e.is_weight and e.operand.ndim == 2), None)
        units = edge.result.shape[-2 if c.roles.sample_axis == 1 else -1] if edge.result.ndim == 2 else None
        if units:
            found.append(("units of the layer", units))
        if weight is not None and units and weight.size % units == 0:
            found.append(("inputs of the layer", weight.size // units))
        features = next((x.shape[-2 if c.roles.sample_axis == 1 else -1] for x in _inputs(c) if x.ndim == 2), None)
        if features:
            found.append(("features", features))
    if edge.is_loss and edge.operand.ndim == 2:
        found.append(("outputs", edge.operand.shape[-2 if c.roles.sample_axis == 1 else -1]))
    return [(key, n) for key, n in found if n > 1]


def _inputs(c: Computation) -> list[Any]:
    named = [u for u in c.order if u.op is None and c.is_data(u) and not c.is_target(u)]
    return [*named, *(x for label, x in c.constants.items() if label.startswith("X"))]


# ================================================================ the table
#
# Where two slips give the same numbers, the one that stands first is named first.

# ---------------------------------------------------------------- the mean


@slip("1/m left out", on=means, seen="often")
def mean_left_out(s: Share) -> Operand:
    return s.right * s.m


@slip("1/m twice", on=means, seen="often")
def mean_twice(s: Share) -> Operand:
    return s.right / s.m


@slip("divided by the {key} instead of m", on=lambda e: means(e) and (e.is_loss or e.is_parameter), tries=sizes)
def divided_by_another_size(s: Share, n: int) -> Operand:
    return s.right * (s.m / n)


@slip(
    "divided by m·n, also by the {key}",
    on=lambda e: means(e) and (e.is_loss or e.is_parameter),
    tries=sizes,
    seen="tried",
)
def divided_by_both(s: Share, n: int) -> Operand:
    return s.right / n


# ---------------------------------------------------------------- biases


@slip("summed over all axes: one number for all biases", on=biases, seen="often")
def bias_over_all_axes(s: Share) -> Operand:
    return s.g.sum()


@slip("summed along the other axis", on=biases, seen="often")
def bias_along_the_other_axis(s: Share) -> Operand:
    axis = next(i for i, (n, k) in enumerate(zip(s.g.shape, _kept(s), strict=True)) if (n == k and n > 1) or k > 1)
    return s.g.sum(axis)


@slip("not summed over the samples: b grows to a matrix", on=biases, spreads=False)
def bias_not_summed(s: Share) -> Operand:
    return s.g


@slip("taken from dW instead of dZ", on=biases)
def bias_from_weights(s: Share) -> Operand:
    weight = next(e for e in s.edge.siblings if e.is_weight)
    d = s.sibling(weight)
    return d.sum(1 if len(d) == s.edge.operand.size else 0).reshape(s.edge.operand.shape)


@slip("the gradient of the bias forgotten", on=biases, seen="regularly")
def bias_forgotten(s: Share) -> Operand:
    return s.zero


def _kept(s: Share) -> tuple[int, ...]:
    shape = s.edge.operand.shape
    return (1,) * (s.g.ndim - len(shape)) + tuple(shape)


# ---------------------------------------------------------------- slopes


@slip("the slope left out", on=slopes_and_softmax, seen="often")
def slope_left_out(s: Share) -> Operand:
    return s.g


@slip("the slope twice", on=slopes, seen="tried")
def slope_twice(s: Share) -> Operand:
    return s.again(s.right)


@slip("the slope read at a instead of z", on=slopes, seen="often")
def slope_at_a(s: Share) -> Operand:
    op = s.edge.node.op
    return s.read(op.function(s.z, *s.operands[1:]), [s.z, *s.operands[1:]])


@slip("the slope written with z instead of a", on=slopes, seen="often")
def slope_with_z(s: Share) -> Operand:
    return s.read(s.operands[0])


@slip("z in place of the slope", on=slopes)
def z_for_slope(s: Share) -> Operand:
    return s.g * s.operands[0]


@slip("a in place of the slope", on=slopes)
def a_for_slope(s: Share) -> Operand:
    return s.g * s.z


@slip("the slope of another layer", on=slopes, tries=other_slopes, seen="regularly")
def slope_of_another_layer(s: Share, other: Edge) -> Operand:
    z, operands = s.of(other.node), s._reading.operands(other.node)
    return s._reading.share(other.node, other.place, s.g, z, operands)


@slip("softmax's Jacobian as a diagonal", on=lambda e: e.is_along_axis and e.of.is_array, seen="often")
def softmax_diagonal(s: Share) -> Operand:
    return s.g * s.z * (1 - s.z)


# ---------------------------------------------------------------- factors


@slip("the sign turned", on=enters, seen="often")
def sign(s: Share) -> Operand:
    return -s.right


@slip("a factor {key} too much", on=lambda e: e.is_loss or e.is_penalty, tries=factors(2, 0.5), seen="often")
def factor(s: Share, c: float) -> Operand:
    return s.right * c


# ---------------------------------------------------------------- products


@slip("{other} for {right}", on=products, tries=others, seen="regularly")
def another_factor(s: Share, other: tuple[Operand, bool]) -> Operand:
    u, is_turned = other
    return s.with_other(s.of(u).T if is_turned else s.of(u))


# ---------------------------------------------------------------- paths


def cuts(edge: Edge) -> bool:
    """Into what is used more than once, and penalties."""
    return enters(edge) and (edge.is_penalty or sum(e.operand is edge.operand for e in edge.of.edges) > 1)


@slip("this path forgotten", on=cuts, seen="regularly", spreads=False)
def path_forgotten(s: Share) -> Operand:
    return s.zero
