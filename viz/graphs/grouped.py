"""Coarser views of a graph: a unit of a network as one node, or a whole layer of them.

What makes up a unit is decided in `units`; here units, inputs and what else there is become the
nodes and edges of a diagram, with the weights on the edges.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from autograd import Value
from autograd.formulas.names import parse
from autograd.paths.path_graph import PathGraph

from ..dot.diagram import Arrow, Node
from ..style import counted, current
from .captions import Texts, kind_of, samples_line, shortened, symbol_of
from .units import Constant, Unit, find_units

__all__ = ["LABELLED", "Arrival", "CoarseGraph", "Item", "Thing", "layers", "neurons"]

LABELLED = 60  # with more edges than that no weights are written on them


Thing: TypeAlias = Unit | Constant | Value  # what is drawn as one node


class Arrival(NamedTuple):
    """An edge into an item: from which, through which weight (or none), and the local derivative if there is one."""

    item: int  # its place
    weight: Value | None
    derivative: float | None


@dataclass(eq=False, slots=True)
class Item:
    """A unit, a Constant or any other node, with what arrives; arrivals come from earlier items."""

    thing: Thing
    arrivals: list[Arrival] = field(default_factory=list)
    depth: int = 0


class CoarseGraph:
    """The graph below a target with its units each as one item; the target's item is the last.

    graph, units, items: the named graph, what makes up its units, and units and the rest in order.
    """

    def __init__(self, target: Value) -> None:
        self.graph = PathGraph(target, level="named")
        self.units = find_units(self.graph)
        self.items = _in_order(_arrivals(self.graph, self.units.of, [*self.units.units, *self.units.outside]))

    @property
    def connections(self) -> int:
        """How many edges there are."""
        return sum(len(item.arrivals) for item in self.items)


_Arriving = tuple[Thing, Value | None, float | None]  # an Arrival before things have places


def _arrivals(graph: PathGraph, of: dict[Value, Unit], things: Sequence[Thing]) -> dict[Thing, list[_Arriving]]:
    """What arrives at each thing, and from which.

    Within a layer, a softmax joins every z with every a; these edges are left out, since the
    activations of a layer stand for all of it.
    """

    def home(v: Value | Constant) -> Thing:
        return v if isinstance(v, Constant) else of.get(v, v)

    arriving: dict[Thing, list[_Arriving]] = {}
    for thing in things:
        arrivals: list[_Arriving] = []
        if isinstance(thing, Unit):
            for source, weight, edge in thing.connections:
                if isinstance(source, Constant):
                    arriving.setdefault(source, [])
                arrivals.append((home(source), weight, None if edge is None else edge.derivative))
            beside = () if thing.a is None or thing.z is None else graph.edges_of(thing.a)
            others = [(of[e.operand], e.derivative) for e in beside]
            arrivals += [(unit, None, d) for unit, d in others if unit is not thing and unit.a is None]
        elif isinstance(thing, Value):
            arrivals = [(home(e.operand), None, e.derivative) for e in graph.edges_of(thing)]
        arriving[thing] = arrivals
    return arriving


def _in_order(arriving: dict[Thing, list[_Arriving]]) -> list[Item]:
    """The items, each after what arrives at it, otherwise as they were found; constants where first used."""
    things = list(arriving)
    place = {thing: i for i, thing in enumerate(things)}
    waiting = {thing: len({source for source, *_ in arrivals}) for thing, arrivals in arriving.items()}
    users: dict[Thing, dict[Thing, None]] = {thing: {} for thing in things}
    for thing, found in arriving.items():
        for source, *_ in found:
            users[source][thing] = None
    ready = [place[thing] for thing in things if not waiting[thing]]
    heapq.heapify(ready)
    at: dict[Thing, int] = {}
    items: list[Item] = []
    while ready:
        thing = things[heapq.heappop(ready)]
        arrivals = [Arrival(at[source], weight, d) for source, weight, d in arriving[thing]]
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


def neurons(coarse: CoarseGraph, texts: Texts, *, boxed: bool = False) -> list[Node]:
    """A node for each unit, with its z, a and b; the weight stands on the edge, with its gradient.

    texts: what is written; without data the edges look as the gradients of the weights tell.
    boxed: units stand in the box of their layer.
    """
    is_labelled = coarse.connections <= LABELLED
    nodes = []
    for item in coarse.items:
        edges = tuple(_neuron_edge(coarse.graph, a, texts, is_labelled) for a in item.arrivals)
        nodes.append(_neuron(coarse.graph, item.thing, edges, texts, boxed))
    return nodes


def _neuron(graph: PathGraph, thing: Thing, edges: tuple[Arrow, ...], texts: Texts, boxed: bool) -> Node:
    if isinstance(thing, Constant):
        return Node("constant", texts.look.number(thing.data))
    if not isinstance(thing, Unit):
        return Node(
            kind_of(graph, thing),
            texts.data(thing),
            texts.grad(thing),
            shortened(graph, thing),
            symbol=symbol_of(graph, thing),
            edges=edges,
            of=(thing,),
        )
    parts = [v for v in (*thing.nodes, thing.bias) if v is not None]
    lines = tuple(_line(graph, v, texts) for v in parts)
    box = f"layer {thing.layer}" if boxed and thing.layer is not None else None
    name = shortened(graph, thing.output)
    kind = kind_of(graph, thing.output)
    return Node(kind, name=name, box=box, edges=edges, lines=lines, is_left=True, of=tuple(parts))


def _line(graph: PathGraph, v: Value, texts: Texts) -> str:
    """What is written of one node of a unit: σ  a[1]₁ = 0.5933   grad 0.03635."""
    look = texts.look
    symbol = "+" if v.is_leaf else symbol_of(graph, v)
    named = [look.name(shortened(graph, v)), texts.data(v) if look.show.data else ""]
    grad = texts.grad(v) if look.show.grad else ""
    return "  ".join(filter(None, (symbol, " = ".join(filter(None, named))))) + (grad and f"   grad {grad}")


def _neuron_edge(graph: PathGraph, a: Arrival, texts: Texts, is_labelled: bool) -> Arrow:
    w, look = a.weight, texts.look
    if w is None:
        return Arrow(a.item, a.derivative, lines=None if is_labelled else ())
    name, data, grad = shortened(graph, w), texts.data(w), texts.grad(w)
    if look.edges == "formula":
        lines = [name]
    else:
        lines = [data] * look.show.data + [f"grad {grad}"] * (look.show.grad and grad != "")
    told = texts.used.number(w) if look.show.data or not look.show.grad else w.grad
    tooltip = f"{name} = {data}" + (grad and f", grad {grad}")
    return Arrow(a.item, told, tooltip, tuple(lines) if is_labelled else (), of=(w,))


# ---------------------------------------------------------------- a layer is a node


def layers(coarse: CoarseGraph, texts: Texts) -> list[Node]:
    """A node for each layer with its units, activation and biases; the weights are counted on the edge.

    texts: whether the edge tells the norm of the weights, and of their gradient. The samples
    of a layer are one node; inputs are one node, and so are targets.
    """
    groups: dict[tuple[object, ...], list[Item]] = {}
    for item in coarse.items:
        groups.setdefault(_group_key(coarse.graph, item), []).append(item)
    ordered = sorted(groups.values(), key=lambda items: items[0].depth)
    place = {id(item): i for i, items in enumerate(ordered) for item in items}
    nodes = []
    for items in ordered:
        arrivals: dict[int, list[Arrival]] = {}
        for a in (a for item in items for a in item.arrivals):
            arrivals.setdefault(place[id(coarse.items[a.item])], []).append(a)
        edges = tuple(_layer_edge(coarse.graph, i, found, texts) for i, found in arrivals.items())
        nodes.append(_layer(coarse.graph, [item.thing for item in items], edges, texts))
    return nodes


def _group_key(graph: PathGraph, item: Item) -> tuple[object, ...]:
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


def _layer(graph: PathGraph, things: list[Thing], edges: tuple[Arrow, ...], texts: Texts) -> Node:
    first = things[0]
    units = [thing for thing in things if isinstance(thing, Unit)]
    if units:
        is_target = any(u.output is graph.target for u in units)
        parts = tuple(v for u in units for v in (*u.nodes, u.bias) if v is not None)
        return Node("target" if is_target else "result", lines=_layer_lines(graph, units), edges=edges, of=parts)
    if isinstance(first, Constant):
        inputs = len({c.index for c in things if isinstance(c, Constant)})
        return Node("leaf", lines=("input", counted(inputs, "number"), *samples_line(len(things) // inputs)))
    if len(things) == 1:
        return _neuron(graph, first, edges, texts, False)
    values = [thing for thing in things if isinstance(thing, Value)]
    ends = f"{shortened(graph, values[0])} … {shortened(graph, values[-1])}"
    return Node(kind_of(graph, values[0]), lines=(ends, counted(len(values), "value")), edges=edges, of=tuple(values))


def _layer_lines(graph: PathGraph, units: list[Unit]) -> tuple[str, ...]:
    size = len({u.index for u in units})
    symbols = {"linear" if u.a is None else symbol_of(graph, u.a) or "…" for u in units}
    title = "layer" if units[0].layer is None else f"layer {units[0].layer}"
    biases = len({u.bias for u in units if u.bias is not None})
    return (
        title,
        f"{counted(size, 'unit')}, {symbols.pop() if len(symbols) == 1 else 'several activations'}",
        *((counted(biases, "bias", "biases"),) if biases else ()),
        *samples_line(len(units) // size),
    )


def _layer_edge(graph: PathGraph, start: int, arrivals: list[Arrival], texts: Texts) -> Arrow:
    weights = list(dict.fromkeys(a.weight for a in arrivals if a.weight is not None))
    if not weights:
        if len(arrivals) == 1:
            return Arrow(start, arrivals[0].derivative)
        return Arrow(start, lines=(counted(len(arrivals), "edge"),), look=_counted(arrivals))
    names = [n for w in weights if (n := parse(graph.labels[w])) is not None]
    rows, columns = ({n.index[i] for n in names if len(n.index) == 2} for i in (0, 1))
    lines = [counted(len(weights), "weight")]
    if len(weights) == len(rows) * len(columns):
        lines[0] = f"{len(rows)} × {len(columns)} weights"
    look = texts.look
    if look.show.data:
        lines.append(f"‖w‖ {texts.norm(weights)}")
    if look.show.grad and any(texts.grad(w) for w in weights):
        lines.append(f"‖grad‖ {look.number(math.hypot(*(w.grad for w in weights)))}")
    return Arrow(start, None, lines=tuple(lines), look=_counted(arrivals), of=tuple(weights))


def _counted(arrivals: list[Arrival]) -> dict[str, object]:
    """The look of an edge that stands for many."""
    return {
        "color": current().line,
        "penwidth": round(1 + 0.5 * math.log10(len(arrivals)), 2),
        "fontcolor": current().grey,
    }
