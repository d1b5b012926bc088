"""A graph of Tensors in the page: whole arrays as heat maps, their chain in matrices, and behind each number its paths.

Which numbers the arrays consist of says `autograd.unroll`; what is known of these is known by the other views. A
graph that is too large to be read number by number keeps its arrays and the chain.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from autograd import Tensor, Value, derive
from autograd.bridges.unroll import unrolled
from autograd.formulas import names
from autograd.graph import topological_order
from autograd.matrices.graph import MatrixEdge, MatrixGraph
from autograd.matrices.mathml import MatrixMathml
from autograd.operands import Operand
from autograd.signatures import Json
from autograd.tensor import kept_gradient
from autograd.used import Used

from ..graphs.tensors import gradients_of
from ..scenes.placing import PAD, Line, Placement, placed
from ..scenes.scene import Glow, Lit
from ..style import cut
from .model import LONGEST, Nodes, Row

__all__ = ["Arrays", "Grid"]

MOST = 16  # squares on a side; each of a larger array stands for a block of numbers
MOST_NUMBERS = 20_000  # products, sums and results of a graph that is read number by number
FEW = 40  # nodes of a graph without names of which each is drawn
MOST_CHAINS = 40  # leaves whose derivation is written
SIDE = 52.0  # of the square of a single number; less where there are many
SMALLEST = 44.0  # half of the side of an array
WORDS = 52.0  # the height of a name above and a shape below


class Grid(NamedTuple):
    """An array as squares.

    array   what the page calls the whole
    rows    of the things in the squares: Values, or where the graph is too large plain numbers with their gradients
    words   its shape
    block   how many numbers, downwards and across, a square stands for
    """

    array: Tensor | Value
    rows: tuple[tuple[Operand, ...], ...]
    words: str
    block: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class ArrayConstant:
    """An array that is not differentiated; of one name there is one."""

    label: str
    array: Tensor | Value = field(compare=False)


class Arrays:
    """The named arrays below a Tensor.

    root     the Value that the target is; None if its graph cannot be read number by number
    refused  why not
    members  of each array, as nested lists, if there is a root
    """

    def __init__(self, target: Tensor) -> None:
        order = topological_order(target)
        self.graph = MatrixGraph(target)
        self.level = "named"
        if not any(v.op is not None for v in self.graph.nodes[:-1]) and len(order) <= FEW:
            self.level = "op"  # no result between has a name
            self.graph = MatrixGraph(target, level="op")
        self.target = target
        self.root: Value | None = None
        self.refused = ""
        self.members: dict[Tensor, Operand] = {}
        try:
            if target.size != 1:
                raise ValueError(f"the target has shape {target.shape}, and paths lead from a single number")
            self.root, *found = unrolled(order, self.graph.nodes, self.graph.labels, MOST_NUMBERS)
            self.members = dict(zip(self.graph.nodes, found, strict=True))
        except (ValueError, RuntimeError) as refused:
            self.refused = str(refused).removeprefix("unroll: ")
        self._reached = set() if self.root is None else set(topological_order(self.root))
        self.gradients = gradients_of(self.graph)
        self.is_backward = any(kept_gradient(v) is not None for v in self.graph.nodes)
        if self.is_backward:
            self._give_gradients()
        self.used = Used(target)
        self.edges = [[e for e in self.graph.edges_of(v) if np.ndim(e.operand) or e.label] for v in self.graph.nodes]
        self.things: list[Operand] = []  # what is drawn, operands before results
        for v, edges in zip(self.graph.nodes, self.edges, strict=True):
            self.things += dict.fromkeys(u for u in map(_thing, edges) if u not in set(self.things))
            self.things += [] if v in set(self.things) else [v]

    def _give_gradients(self) -> None:
        """Every Value has in .grad what its Tensor has; where that is none, nothing."""
        for v, found in self.members.items():
            g = self.gradients.get(v)
            if g is not None:
                for u, x in zip(_flat(found), np.ravel(g).tolist(), strict=True):
                    if isinstance(u, Value):
                        u.grad = x

    def parameters(self, asked: Sequence[Any] | None) -> list[Value] | None:
        """The members of these leaves."""
        if asked is None:
            return None
        for t in asked:
            if t not in self.members or not t.is_leaf:
                raise ValueError("explore: expected parameters to be leaves of the graph, such as W")
        return [u for t in asked for u in self.numbers(t)]

    def numbers(self, t: Tensor) -> list[Value]:
        """The Values that an array consists of."""
        return [u for u in _flat(self.members[t]) if isinstance(u, Value) and u in self._reached]

    def value(self, thing: Operand) -> Value:
        """The single number that an array is."""
        (found,) = self.numbers(thing)
        return found

    # ------------------------------------------------------------ as the page's nodes and graph

    def add(self, nodes: Nodes) -> None:
        """Number the arrays among the nodes of the page."""
        for thing in self.things:
            nodes.add(thing, self._row(thing))

    def _row(self, thing: Operand) -> Row:
        label = thing.label if isinstance(thing, ArrayConstant) else self.graph.labels[thing]
        kind = "constant" if isinstance(thing, ArrayConstant) else "leaf" if thing.is_leaf else "result"
        data = self._numbers(thing)
        base, above, below = self.graph.names.pieces(label)
        single = float(data.ravel()[0]) if data.size == 1 else math.nan
        grad = self.gradients.get(thing)
        slope = float(np.ravel(grad)[0]) if grad is not None and data.size == 1 else None
        link = self.graph.names.ascii(label)[:LONGEST]
        return Row((cut(base, LONGEST), above, below), f"{kind} array", single, grad=slope, link=link)

    def called(self, node: object) -> Operand:
        """The array that is meant, by itself or by its name."""
        if isinstance(node, Tensor):
            return node if node in self.graph.labels else None
        meant = names.text(node) if isinstance(node, str) else None
        return next((v for v, label in self.graph.labels.items() if names.text(label) == meant), None)

    def lit(self, drawn: Any, nodes: Nodes, thing: Tensor) -> Lit:
        """The arrays and lines from one to the target."""
        way = {thing}
        for v, edges in zip(self.graph.nodes, self.edges, strict=True):
            if any(not e.is_constant and e.operand in way for e in edges):
                way.add(v)
        lines = [u in way and v in way for u, v, _ in self.pairs]
        first = len(drawn.lines) - len(lines)
        glow = Glow(0.3, math.nan, "")
        shown = frozenset(nodes.number(v) for v in way) | {nodes.number(u) for v in way for u in self._values(v)}
        selected = frozenset({nodes.number(thing)})
        return Lit(shown, {first + i: glow for i, is_lit in enumerate(lines) if is_lit}, selected)

    def _values(self, v: Tensor) -> list[Value]:
        return self.numbers(v) if v in self.members and v.size == 1 else []

    def _numbers(self, thing: Operand) -> np.ndarray:
        return np.asarray(thing.array if isinstance(thing, ArrayConstant) else self.used.array(thing))

    def data(self, nodes: Nodes) -> tuple[Json, dict[int, Json]]:
        """The graph of arrays, and what is written of each: shape, how it was computed, the derivative by it."""
        edges = [e for found in self.edges for e in found if not e.is_constant]
        writer = self._writer()
        graph = {
            "nodes": [nodes.number(v) for v in self.graph.nodes],
            "definition": [""] * len(self.graph.nodes),
            "result": [nodes.number(e.result) for e in edges],
            "operand": [nodes.number(e.operand) for e in edges],
            "derivative": [1] * len(edges),
            "formula": [writer.sum(e.formula) for e in edges if e.formula is not None],
            "via": {},
        }
        written: dict[int, Json] = {
            nodes.number(thing): {"shape": _shape(self._numbers(thing).shape) or "number"} for thing in self.things
        }
        for v, what, formula in self._formulas():
            written[nodes.number(v)].setdefault(what, formula)
        return graph, written

    def _writer(self) -> MatrixMathml:
        return self.graph.notations.mathml(with_shapes=True)

    def _formulas(self) -> Iterator[tuple[Tensor, str, str]]:
        """How each array was computed, and the derivative by it, as the derivations of the leaves have them."""
        by_label = {label: v for v, label in self.graph.labels.items()}
        leaves = [v for v in self.graph.nodes if v.is_leaf]
        done: set[Tensor] = set()
        for v in leaves[:MOST_CHAINS] if self.target.size == 1 else ():
            if v in done or v.label is None:
                continue
            found = derive(self.target, v)
            writer = found.notations.mathml(with_shapes=True)
            for d in found.definitions:
                if d.label in by_label:
                    yield by_label[d.label], "definition", writer.sum(d.formula)
            for s in found.steps:
                if s.label in by_label:
                    done.add(by_label[s.label])
                    yield by_label[s.label], "step", "<mo>=</mo>".join(map(writer.sum, s.formulas))
                    if s.factor != 1:
                        yield by_label[s.label], "factor", str(s.factor)

    # ------------------------------------------------------------ as squares

    def grid(self, thing: Operand) -> Grid | None:
        """An array as squares; None for a single number that is a Value, which is drawn as one."""
        data = self._numbers(thing)
        if data.size == 1 and len(self.numbers(thing) if thing in self.members else ()) == 1:
            return None
        flat: list[Operand] = list(_flat(self.members[thing])) if thing in self.members else data.ravel().tolist()
        if not data.size:
            return Grid(thing, (((math.nan, None),),), _shape(data.shape))
        plain = data.reshape(-1, data.shape[-1]) if data.ndim else data.reshape(1, 1)
        places = np.arange(data.size).reshape(plain.shape)
        block = tuple(math.ceil(n / MOST) for n in plain.shape)
        grad = self.gradients.get(thing)
        slopes = None if grad is None or thing in self.members else np.ravel(grad).tolist()

        def square(i: int, j: int) -> object:
            """The largest number of a block stands for it."""
            part = places[i : i + block[0], j : j + block[1]].ravel()
            sizes = np.abs(plain.ravel()[part])
            at = int(part[int(np.argmax(np.where(np.isfinite(sizes), sizes, np.inf)))])
            one = flat[at]
            if isinstance(one, Value):
                return one if one in self._reached else (one.data, 0.0)  # nothing of the target hangs on it
            return one, None if slopes is None else slopes[at]

        rows = tuple(
            tuple(square(i, j) for j in range(0, plain.shape[1], block[1])) for i in range(0, plain.shape[0], block[0])
        )
        return Grid(thing, rows, _shape(data.shape), block)  # type: ignore[arg-type]

    @property
    def has_blocks(self) -> bool:
        """Whether squares stand for more than one number."""
        return any(grid is not None and grid.block != (1, 1) for grid in map(self.grid, self.things))

    @property
    def pairs(self) -> list[tuple[Operand, Operand, int | None]]:
        """From which array to which lines are drawn, and the edge of the graph that each is."""
        found = []
        k = 0
        for e in (e for edges in self.edges for e in edges):
            found.append((_thing(e), e.result, None if e.is_constant else k))
            k += not e.is_constant
        return found

    def placement(self, size: tuple[float, float]) -> tuple[Placement, list[float]]:
        """Where the arrays stand, and how long a side of their squares is."""
        place = {thing: i for i, thing in enumerate(self.things)}
        pairs = [(place[u], place[v]) for u, v, _ in self.pairs]
        operands: list[list[int]] = [[] for _ in self.things]
        for u, v in pairs:
            operands[v].append(u)
        lines = [Line(u, v) for u, v in pairs]
        every = [True] * len(self.things)
        found = placed(operands, lines, size=size, captions=(every, every), smallest=SMALLEST)
        shapes = [
            (1, 1) if grid is None else (len(grid.rows), len(grid.rows[0])) for grid in map(self.grid, self.things)
        ]
        room = _room(found)
        sides = [min(SIDE, w / columns, h / rows) for (rows, columns), (w, h) in zip(shapes, room, strict=True)]
        halves = [max(found.radius, side * columns / 2) for side, (_, columns) in zip(sides, shapes, strict=True)]
        return _within(found, halves), sides


def _room(found: Placement) -> list[tuple[float, float]]:
    """The width and height that each mark may take, so that names and shapes have their place."""
    xs = sorted({x for x, _ in found.centres})
    gap = min((b - a for a, b in pairwise(xs)), default=found.size[0])
    room = []
    for x, y in found.centres:
        others = [abs(v - y) for u, v in found.centres if u == x and v != y]
        apart = min([*others, 2 * min(y, found.size[1] - y)])
        room.append((0.72 * gap, max(apart - WORDS, 0.4 * apart)))
    return room


def _within(found: Placement, halves: Sequence[float]) -> Placement:
    """Moved together from left to right, so that what is as wide as that stays inside."""
    low = min(x - half for (x, _), half in zip(found.centres, halves, strict=True)) - PAD
    high = max(x + half for (x, _), half in zip(found.centres, halves, strict=True)) + PAD
    width = found.size[0]

    def moved(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        return [((x - low) * width / (high - low), y) for x, y in points]

    if low >= 0 and high <= width:
        return found
    return found._replace(centres=moved(found.centres), ways=[moved(way) for way in found.ways])


def _thing(e: MatrixEdge) -> Operand:
    return ArrayConstant(e.label or "", e.operand) if e.is_constant else e.operand


def _flat(found: Operand) -> Iterator[Operand]:
    if isinstance(found, list):
        for part in found:
            yield from _flat(part)
    else:
        yield found


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
