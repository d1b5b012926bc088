"""Coarser views of a graph: a unit of a network as one node, or a whole layer of them.

What makes up a unit is decided in `units`; here units, inputs and what else there is become the
nodes and edges of a diagram, with the weights on the edges.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from autograd.graph import is_node
from autograd.matrix_graph import MatrixGraph
from autograd.names import parse
from autograd.notation import Text
from autograd.paths import PathGraph

from .diagram import Edge, Node
from .style import GREY, LINE, cut, number
from .units import Constant, Unit, find_units

__all__ = [
    "LABELLED",
    "CoarseGraph",
    "counted",
    "layers",
    "neurons",
    "ratio",
    "samples",
    "shortened",
    "symbol_of",
    "too_large",
]

LABELLED = 60  # with more edges than that no weights are written on them


class Arrival(NamedTuple):
    """An edge into an item: from which, through which weight (or none), and the local derivative if there is one."""

    item: Any  # its place; the thing itself before things have places
    weight: Any
    derivative: float | None


@dataclass(eq=False, slots=True)
class Item:
    """A unit, a Constant or any other node, with what arrives; arrivals come from earlier items."""

    thing: Any
    arrivals: list[Arrival] = field(default_factory=list)
    depth: int = 0


class CoarseGraph:
    """The graph below a target with its units each as one item; the target's item is the last.

    graph, units, items: the named graph, what makes up its units, and units and the rest in order.
    """

    def __init__(self, target: Any) -> None:
        self.graph = PathGraph(target, level="named")
        self.units = find_units(self.graph)
        self.items = _in_order(_arrivals(self.graph, self.units.of, [*self.units.units, *self.units.outside]))

    @property
    def connections(self) -> int:
        """How many edges there are."""
        return sum(len(item.arrivals) for item in self.items)


def _arrivals(graph: PathGraph, of: dict[Any, Unit], things: Sequence[Any]) -> dict[Any, list[Arrival]]:
    """What arrives at each thing; the item of an arrival is still the thing it comes from.

    Within a layer, a softmax joins every z with every a; these edges are left out, since the
    activations of a layer stand for all of it.
    """
    arriving: dict[Any, list[Any]] = {}
    for thing in things:
        arrivals = []
        if isinstance(thing, Unit):
            for c in thing.connections:
                source = of.get(c.source, c.source)
                if isinstance(source, Constant):
                    arriving.setdefault(source, [])
                arrivals.append(Arrival(source, c.weight, None if c.edge is None else c.edge.derivative))
            beside = () if thing.a is None or thing.z is None else graph.edges_of(thing.a)
            for e in beside:
                unit = of[e.operand]
                if unit is not thing and unit.a is None:
                    arrivals.append(Arrival(unit, None, e.derivative))
        else:
            arrivals = [Arrival(of.get(e.operand, e.operand), None, e.derivative) for e in graph.edges_of(thing)]
        arriving[thing] = arrivals
    return arriving


def _in_order(arriving: dict[Any, list[Any]]) -> list[Item]:
    """The items, each after what arrives at it, otherwise as they were found; constants where first used."""
    things = list(arriving)
    place = {thing: i for i, thing in enumerate(things)}
    waiting = {thing: len({a.item for a in arrivals}) for thing, arrivals in arriving.items()}
    users: dict[Any, dict[Any, None]] = {thing: {} for thing in things}
    for thing, arrivals in arriving.items():
        for a in arrivals:
            users[a.item][thing] = None
    ready = [place[thing] for thing in things if not waiting[thing]]
    heapq.heapify(ready)
    at: dict[Any, int] = {}
    items: list[Item] = []
    while ready:
        thing = things[heapq.heappop(ready)]
        arrivals = [a._replace(item=at[a.item]) for a in arriving[thing]]
        depth = max((1 + items[a.item].depth for a in arrivals), default=0)
        at[thing] = len(items)
        items.append(Item(thing, arrivals, depth))
        for user in users[thing]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, place[user])
    if len(items) < len(things):
        raise ValueError('units that depend on each other cannot be drawn as one node each: use level="named"')
    return items


# ---------------------------------------------------------------- a unit is a node


def neurons(coarse: CoarseGraph, *, data: bool, grad: bool, boxed: bool = False) -> list[Node]:
    """A node for each unit, with its z, a and b; the weight stands on the edge, with its gradient.

    data, grad: what is shown; with grad alone the edges look as the gradients of the weights tell.
    boxed: units stand in the box of their layer.
    """
    is_labelled = coarse.connections <= LABELLED
    nodes = []
    for item in coarse.items:
        edges = tuple(_neuron_edge(coarse.graph, a, (data, grad), is_labelled) for a in item.arrivals)
        nodes.append(_neuron(coarse.graph, item.thing, edges, (data, grad), boxed))
    return nodes


def _neuron(graph: PathGraph, thing: Any, edges: tuple[Edge, ...], shows: tuple[bool, bool], boxed: bool) -> Node:
    if isinstance(thing, Constant):
        return Node("constant", thing.data)
    is_target = thing.output is graph.target if isinstance(thing, Unit) else thing is graph.target
    if not isinstance(thing, Unit):
        kind = "target" if is_target else "leaf" if thing.is_leaf else "result"
        return Node(kind, thing.data, thing.grad, shortened(graph, thing), symbol=symbol_of(graph, thing), edges=edges)
    parts = [v for v in (*thing.nodes, thing.bias) if v is not None]
    lines = tuple(_line(graph, v, shows) for v in parts)
    box = f"layer {thing.layer}" if boxed and thing.layer is not None else None
    name = shortened(graph, thing.output)
    return Node("target" if is_target else "result", name=name, box=box, edges=edges, lines=lines, is_left=True)


def _line(graph: PathGraph, v: Any, shows: tuple[bool, bool]) -> str:
    """What is written of one node of a unit: σ  a[1]₁ = 0.5933   grad 0.03635."""
    data, grad = shows
    symbol = "+" if v.is_leaf else symbol_of(graph, v)
    written = shortened(graph, v) if symbol is None else f"{symbol}  {shortened(graph, v)}"
    return written + f" = {number(v.data)}" * data + f"   grad {number(v.grad)}" * grad


def _neuron_edge(graph: PathGraph, a: Arrival, shows: tuple[bool, bool], is_labelled: bool) -> Edge:
    w = a.weight
    if w is None:
        return Edge(a.item, a.derivative, lines=None if is_labelled else ())
    data, grad = shows
    name = shortened(graph, w)
    lines = [number(w.data)] * data + [f"grad {number(w.grad)}"] * grad
    tooltip = f"{name} = {number(w.data)}, grad {number(w.grad)}"
    return Edge(a.item, w.data if data else w.grad, tooltip, tuple(lines) if is_labelled else ())


# ---------------------------------------------------------------- a layer is a node


def layers(coarse: CoarseGraph, *, data: bool, grad: bool) -> list[Node]:
    """A node for each layer with its units, activation and biases; the weights are counted on the edge.

    data, grad: whether the edge tells the norm of the weights, and of their gradient. The samples
    of a layer are one node; inputs are one node, and so are targets.
    """
    groups: dict[tuple[Any, ...], list[Item]] = {}
    for item in coarse.items:
        groups.setdefault(_group_key(coarse.graph, item), []).append(item)
    ordered = sorted(groups.values(), key=lambda items: items[0].depth)
    place = {id(item): i for i, items in enumerate(ordered) for item in items}
    nodes = []
    for items in ordered:
        arrivals: dict[int, list[Arrival]] = {}
        for a in (a for item in items for a in item.arrivals):
            arrivals.setdefault(place[id(coarse.items[a.item])], []).append(a)
        edges = tuple(_layer_edge(coarse.graph, i, found, (data, grad)) for i, found in arrivals.items())
        nodes.append(_layer(coarse.graph, [item.thing for item in items], edges, (data, grad)))
    return nodes


def _group_key(graph: PathGraph, item: Item) -> tuple[Any, ...]:
    """Items with equal keys are drawn as one. They have the same depth, so no two groups need each other."""
    thing = item.thing
    if isinstance(thing, Constant):
        return ("constant",)
    if isinstance(thing, Unit):
        bias = None if thing.bias is None else parse(graph.labels[thing.bias])
        return "unit", thing.layer, None if bias is None else bias.sample, item.depth
    name = parse(graph.labels[thing])
    if thing is graph.target or name is None:
        return "node", thing
    return "nodes", name.base, name.layer, thing.is_leaf, item.depth


def _layer(graph: PathGraph, things: list[Any], edges: tuple[Edge, ...], shows: tuple[bool, bool]) -> Node:
    first = things[0]
    if isinstance(first, Constant):
        inputs = len({c.index for c in things})
        return Node("leaf", lines=("input", counted(inputs, "number"), *samples(len(things) // inputs)))
    if not isinstance(first, Unit):
        if len(things) == 1:
            return _neuron(graph, first, edges, shows, False)
        ends = f"{shortened(graph, first)} … {shortened(graph, things[-1])}"
        return Node("leaf" if first.is_leaf else "result", lines=(ends, counted(len(things), "value")), edges=edges)
    is_target = any(u.output is graph.target for u in things)
    return Node("target" if is_target else "result", lines=_layer_lines(graph, things), edges=edges)


def _layer_lines(graph: PathGraph, units: list[Unit]) -> tuple[str, ...]:
    size = len({u.index for u in units})
    symbols = {"linear" if u.a is None else symbol_of(graph, u.a) or "…" for u in units}
    title = "layer" if units[0].layer is None else f"layer {units[0].layer}"
    biases = len({u.bias for u in units if u.bias is not None})
    return (
        title,
        f"{counted(size, 'unit')}, {symbols.pop() if len(symbols) == 1 else 'several activations'}",
        *((counted(biases, "bias", "biases"),) if biases else ()),
        *samples(len(units) // size),
    )


def _layer_edge(graph: PathGraph, start: int, arrivals: list[Arrival], shows: tuple[bool, bool]) -> Edge:
    weights = list(dict.fromkeys(a.weight for a in arrivals if a.weight is not None))
    look = {"color": LINE, "penwidth": round(1 + 0.5 * math.log10(len(arrivals)), 2), "fontcolor": GREY}
    if not weights:
        if len(arrivals) == 1:
            return Edge(start, arrivals[0].derivative)
        return Edge(start, lines=(counted(len(arrivals), "edge"),), look=look)
    names = [n for w in weights if (n := parse(graph.labels[w])) is not None]
    rows, columns = ({n.index[i] for n in names if len(n.index) == 2} for i in (0, 1))
    lines = [counted(len(weights), "weight")]
    if len(weights) == len(rows) * len(columns):
        lines[0] = f"{len(rows)} × {len(columns)} weights"
    data, grad = shows
    if data:
        lines.append(f"‖w‖ {number(math.hypot(*(w.data for w in weights)))}")
    if grad:
        lines.append(f"‖grad‖ {number(math.hypot(*(w.grad for w in weights)))}")
    return Edge(start, None, lines=tuple(lines), look=look)


def samples(n: int) -> tuple[str, ...]:
    """How many samples there are, as a line; none for a single one."""
    return () if n == 1 else (counted(n, "sample"),)


def counted(n: int, what: str, several: str | None = None) -> str:
    """1 unit, 2 units."""
    return f"{n} {what}" if n == 1 else f"{n} {several or what + 's'}"


# ---------------------------------------------------------------- names and symbols


def shortened(graph: PathGraph | MatrixGraph, v: Any) -> str:
    """The name of a node as it is drawn."""
    return cut(graph.names.text(graph.labels[v]))


def ratio(graph: PathGraph, v: Any, u: Any) -> str:
    """∂v/∂u with the names as they are drawn."""
    to = Text(lambda label: cut(graph.names.text(label)))
    return to.ratio(to.symbol(graph.labels[v]), to.symbol(graph.labels[u]))


def symbol_of(graph: PathGraph, v: Any) -> str | None:
    """The symbol of the operation whose result v is, if that is all there is between v and its neighbours."""
    is_single = all(u in graph.labels for u in v.operands if is_node(u))
    return v.op.symbol if v.op is not None and is_single else None


def too_large(size: int, among: str, max_nodes: int, advice: str) -> ValueError:
    """The refusal of a graph with more nodes than a page holds."""
    return ValueError(f"graph has {size} nodes{among}; drawing is limited to {max_nodes} at this level: {advice}")
