"""Units of a network, as the names in a graph tell them: which nodes make up unit j of layer l.

A unit is a weighted sum `z[l]_j` with what enters it, each through its weight `w[l]_j,k`, the bias
`b[l]_j` and the activation `a[l]_j` (or `yhat_j`). What belongs to no unit, such as inputs, targets
and the loss, is outside. How units look is decided elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from autograd import Value
from autograd.formulas.names import Name, ascii_name, parse
from autograd.paths.path_graph import Edge, PathGraph

__all__ = ["NO_UNITS", "Connection", "Constant", "Unit", "Units", "find_units"]

NO_UNITS = "no units of a network: name their weighted sums z[1]_1, weights w[1]_1,2 and activations a[1]_1"

_ACTIVATIONS = ("a", "h", "o", "y", "yhat")


@dataclass(frozen=True, slots=True)
class Constant:
    """A plain number that enters units through weights: an input that is no node."""

    sample: str | None
    index: str  # the k of its weights w[1]_j,k
    data: float


class Connection(NamedTuple):
    """What enters a unit through one weight.

    source  the node (the z or a of another unit, an input, ...) or a Constant
    weight  the node of the weight; None if what enters has none with a name
    edge    the edge from the source into the unit, ∂z/∂source; None from a Constant
    """

    source: Value | Constant
    weight: Value | None
    edge: Edge | None


@dataclass(eq=False, slots=True)
class Unit:
    """Unit `index` of a layer at one sample; both are None where names do not tell them.

    z            the weighted sum, None if only the activation has a name
    a            the activation, None if the unit is linear or it has no name
    bias         its node, None if there is none with a name
    connections  what enters, in the order of the operation
    """

    layer: str | None
    sample: str | None
    index: tuple[str, ...]
    z: Value | None = None
    a: Value | None = None
    bias: Value | None = None
    connections: tuple[Connection, ...] = ()

    @property
    def entry(self) -> Value:
        """The node that weights lead to."""
        return self.nodes[0]

    @property
    def output(self) -> Value:
        """The node that others use."""
        return self.nodes[-1]

    @property
    def nodes(self) -> tuple[Value, ...]:
        """Its z and its a, as far as they have names."""
        return tuple(v for v in (self.z, self.a) if v is not None)


@dataclass(eq=False, slots=True)
class Units:
    """The units in a graph.

    units    what enters before what it enters; empty if names tell of none, see NO_UNITS
    of       the unit of every z and a
    outside  all other nodes, operands before results; parameters of units only if something else uses them too
    """

    units: list[Unit] = field(default_factory=list)
    of: dict[Value, Unit] = field(default_factory=dict)
    outside: list[Value] = field(default_factory=list)


def find_units(graph: PathGraph) -> Units:
    """The units among the nodes of a graph at level "named".

    Names need not be complete. A weight whose source cannot be told from names stays outside, and so does
    every node outside the grammar of names, but what one operation makes of a unit's z alone: its activation.
    """
    name = {v: parse(label) for v, label in graph.labels.items()}
    found = Units()
    inside: set[Value | None] = set()
    for v in graph.nodes:
        if v.is_leaf or (unit := _unit(graph, v, name, found)) is None:
            continue
        found.of[v] = unit
        if unit.entry is v:
            found.units.append(unit)
            inside.update(c.weight for c in unit.connections)
            inside.add(unit.bias)
    for v in graph.nodes:
        z = None if v in found.of else _sum_below(v)
        unit = None if z is None else found.of.get(z)
        if unit is not None and unit.z is z and unit.a is None:  # an activation, whatever it is called
            unit.a, found.of[v] = v, unit
    # A penalty looks at weights too: they are on the edges of units, and stand outside as its operands.
    inside -= _used_outside(graph, found)
    found.outside = [v for v in graph.nodes if v not in found.of and v not in inside]
    return found


def _used_outside(graph: PathGraph, found: Units) -> set[Value | Constant]:
    """The nodes that something other than a unit looks at, or a unit as at an input."""
    sources = {c.source for unit in found.units for c in unit.connections}
    return sources.union(e.operand for v in graph.nodes if v not in found.of for e in graph.edges_of(v))


def _unit(graph: PathGraph, v: Value, name: dict[Value, Name | None], found: Units) -> Unit | None:
    """The unit that the result v belongs to: a new one, that of its weighted sum, or none."""
    mine = name[v]
    if mine is None or (base := ascii_name(mine.base)) not in ("z", *_ACTIVATIONS):
        return None
    edges = graph.edges_of(v)
    if base != "z" and (unit := _activated(v, mine, edges, found)) is not None:
        unit.a = v
        return unit
    mine = mine if base == "z" else _in_layer(mine, edges, name)
    weights, biases, others = _sorted_out(mine, edges, name)
    if base != "z" and not weights:
        return None
    unit = Unit(mine.layer, mine.sample, mine.index)
    unit.z, unit.a = (v, None) if base == "z" else (None, v)
    unit.bias = biases[0].operand if biases else None
    unit.connections = tuple(_connections(unit, weights, others, name))
    return unit


def _in_layer(mine: Name, edges: Sequence[Edge], name: dict[Value, Name | None]) -> Name:
    """The name of an output, such as yhat_1 or yhat, with the layer and the index that its weights w[2]_1,k say."""
    known = (name[e.operand] for e in edges if e.operand.is_leaf)
    weights = [u for u in known if u is not None and u.base == "w" and u.index]
    layers = {u.layer for u in weights}
    if mine.layer is not None or len(layers) != 1 or None in layers:
        return mine
    units = {u.index[0] if len(u.index) > 1 else u.index[0][:1] for u in weights}
    return replace(mine, layer=layers.pop(), index=mine.index or (tuple(units) if len(units) == 1 else ()))


def _activated(v: Value, mine: Name, edges: Sequence[Edge], found: Units) -> Unit | None:
    """The unit whose activation v is: its z leads to v, and has the same index.

    A softmax looks at every z of its layer; the loss looks at other things too.
    """
    units = [found.of.get(e.operand) for e in edges]
    if not all(u is not None and u.z is e.operand for u, e in zip(units, edges, strict=True)):
        return None
    fitting = [u for u in units if u is not None and u.index == mine.index and mine.layer in (None, u.layer)]
    return fitting[0] if len(fitting) == 1 else None


def _sum_below(v: Value) -> Value | None:
    """The one node that v is a function of by one operation that is no arithmetic; of a softmax its own logit."""
    if v.op is None or v.op.formula is not None:
        return None
    if v.op.picks is not None:
        whole, place = v.operand_groups
        below = [whole[int(place)]]
    else:
        below = [] if v.op.reduces else list(v.operands)
    nodes = [u for u in below if isinstance(u, Value)]
    return nodes[0] if len(nodes) == 1 else None


def _sorted_out(
    mine: Name, edges: Sequence[Edge], name: dict[Value, Name | None]
) -> tuple[list[Edge], list[Edge], list[Edge]]:
    """The edges into a weighted sum: from its weights, from its bias, and from all else.

    The weights of unit j are w_j,k, or all are w_k,j, as some lectures write them.
    """
    of_layer = [u for e in edges if e.operand.is_leaf and (u := name[e.operand]) is not None and u.layer == mine.layer]
    j, indices = _flat(mine.index), [_flat(u.index) for u in of_layer if u.base == "w"]
    is_turned = not all(i.startswith(j) for i in indices) and all(i.endswith(j) for i in indices)
    weights: list[Edge] = []
    biases: list[Edge] = []
    others: list[Edge] = []
    for e in edges:
        u = name[e.operand] if e.operand.is_leaf else None
        if u is None or u.layer != mine.layer:
            others.append(e)
        elif u.base == "w" and (_flat(u.index).endswith(j) if is_turned else _flat(u.index).startswith(j)):
            weights.append(e)
        elif u.base == "b" and u.index in ((), mine.index):
            biases.append(e)
        else:
            others.append(e)
    return weights, biases, others


def _connections(
    unit: Unit, weights: Sequence[Edge], others: Sequence[Edge], name: dict[Value, Name | None]
) -> list[Connection]:
    """Each weight with the source it is multiplied with, then the sources that have none.

    Where every source has found its weight, a weight that is left belongs to a plain number, which
    is ∂z/∂w.
    """
    source = _sources(unit, weights, others, name)
    taken = set(source.values())
    left = [e for e in others if e not in taken]
    connections = []
    for w in weights:
        if w in source:
            connections.append(Connection(source[w].operand, w.operand, source[w]))
        elif not left and unit.z is not None:
            connections.append(Connection(Constant(unit.sample, _k(unit, w, name), w.derivative), w.operand, None))
        else:
            connections.append(Connection(w.operand, None, w))
    return connections + [Connection(e.operand, None, e) for e in left]


def _sources(
    unit: Unit, weights: Sequence[Edge], others: Sequence[Edge], name: dict[Value, Name | None]
) -> dict[Edge, Edge]:
    """The edge from the source of each weight, as far as names or numbers tell.

    First the sources of the index k that a weight w_j,k names, if they can be multiplied with it.
    Then those whose numbers fit, whatever their index: a recurrent unit enters again as another
    input. At last results of the index, because between a z that has a name and the unit there may
    be an activation that has none.
    """
    by_index: dict[str, list[Edge]] = {}
    by_numbers: dict[tuple[float, float], list[Edge]] = {}
    for e in others:
        u = name[e.operand]
        if u is not None:
            by_index.setdefault(_flat(u.index), []).append(e)
        by_numbers.setdefault((e.operand.data, e.derivative), []).append(e)
    is_product = unit.z is not None
    found: dict[Edge, Edge] = {}
    taken: set[Edge] = set()

    def join(w: Edge, candidates: Iterable[Edge]) -> None:
        e = next((e for e in candidates if e not in taken), None)
        if e is not None:
            found[w] = e
            taken.add(e)

    for w in weights:
        join(w, (e for e in by_index.get(_k(unit, w, name), ()) if _fits(e, w, is_product)))
    for w in weights:
        if is_product and w not in found:
            join(w, by_numbers.get((w.derivative, w.operand.data), ()))
    for w in weights:
        if w not in found:
            join(w, (e for e in by_index.get(_k(unit, w, name), ()) if not e.operand.is_leaf))
    return found


def _fits(source: Edge, weight: Edge, is_product: bool) -> bool:
    """Whether the weight is multiplied with the source: ∂z/∂w is the source itself, w · ∂a/∂w is x · ∂a/∂x."""
    data, d = source.operand.data, weight.derivative
    if not is_product:
        data, d = data * source.derivative, d * weight.operand.data
    return math.isclose(data, d, rel_tol=1e-9) or (data != data and d != d)


def _k(unit: Unit, weight: Edge, name: dict[Value, Name | None]) -> str:
    """The index k of a weight w_j,k, or w_k,j, of unit j."""
    w, j = name[weight.operand], _flat(unit.index)
    index = "" if w is None else _flat(w.index)
    return index.removeprefix(j) if index.startswith(j) else index.removesuffix(j)


def _flat(index: tuple[str, ...]) -> str:
    """An index without separators: the 12 of w[1]_12 stands for unit 1 and source 2, as 1,2 does."""
    return "".join(index)
