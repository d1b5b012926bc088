"""The explorer's picture of a view as a scene: the marks and lines that the page shows, for files too."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from autograd import Edge, Value
from autograd.graph import depending_on, topological_order
from autograd.operands import Operand

from ..graphs.captions import ratio
from ..graphs.units import Constant
from ..options import Asked
from ..scenes.placing import Placement
from ..scenes.scene import Cell, Glow, Lit, Mark, Scene, Squares, Stroke
from ..style import cut, number
from .arrays import Arrays, Grid
from .model import Nodes

__all__ = ["Box", "Drawn", "Way", "has_room", "lit", "paths_to", "scene"]

LABELLED = 60  # with more lines than that numbers are written on lit ones only
LONGEST = 8  # characters of a name in a mark
BELOW = 0.5  # of the height that arrays take beside other marks


class Box(NamedTuple):
    """What is drawn as one mark: nodes from left to right, of which the last is its result; or words; or an array."""

    cells: tuple[Value | Constant, ...] = ()
    words: str = ""
    grid: Grid | None = None


class Way(NamedTuple):
    """A line from box to box, and which edges of the graph it stands for; between units its weight.

    arrow: between arrays, which edge of their graph it is; -1 from a constant; else None.
    """

    edges: tuple[int, ...]
    start: int
    end: int
    weight: Value | None = None
    arrow: int | None = None


class Drawn(NamedTuple):
    """What a view draws.

    graph, edges  the PathGraph on which it follows paths, and its edges as lines number them; the MatrixGraph
                  where arrays are not known number by number
    pulls         the lines that the layout goes by
    is_net        whether boxes are units in layers
    arrays        those that are drawn, below what else there is, which is `beside` them
    """

    graph: Any
    edges: Sequence[Edge]
    boxes: Sequence[Box]
    lines: Sequence[Way]
    pulls: Sequence[Way]
    is_net: bool = False
    arrays: Arrays | None = None
    beside: Drawn | None = None

    def nodes(self) -> set[Value]:
        """The nodes of the graph that are drawn as marks, in them, or as weights of lines."""
        cells = {v for box in self.boxes for v in box.cells if not isinstance(v, Constant)}
        squares = (v for box in self.boxes if box.grid is not None for row in box.grid.rows for v in row)
        cells |= {v for v in squares if isinstance(v, Value)}
        return cells | {line.weight for line in self.lines if line.weight is not None}


def scene(
    drawn: Drawn,
    nodes: Nodes,
    *,
    size: tuple[float, float],
    look: Asked,
    color: str = "weight",
    like: Any = None,
    texts: Any = None,
) -> Scene:
    """The marks and lines of a view with the numbers as recorded.

    look: digits, and what stands on the lines of a small graph. color: "weight" or "grad", of the lines of a net.
    like: the placement of another picture of this graph.
    texts: what stands on some lines, by place, while nothing does on the others.
    """
    marks = [_mark(box, nodes, look.digits) for box in drawn.boxes]
    if drawn.arrays is not None:
        like, sides = _with_arrays(drawn, drawn.arrays, nodes, size, look)
        marks[len(marks) - len(sides) :] = [
            mark if mark.grid is None else mark._replace(grid=mark.grid._replace(side=side))
            for mark, side in zip(marks[len(marks) - len(sides) :], sides, strict=True)
        ]
    if len(drawn.lines) > LABELLED:
        look = look._replace(edges=None)
    strokes = [_stroke(line, drawn, nodes, look, color) for line in drawn.lines]
    if texts is not None:
        strokes = [stroke._replace(text=texts.get(i, "")) for i, stroke in enumerate(strokes)]
    pulls = [(line.start, line.end) for line in drawn.pulls]
    return Scene(
        marks,
        strokes,
        size=size,
        even=drawn.is_net,
        pulls=pulls,
        highlight=set(_numbers(cast(tuple[Value, ...], look.highlight), nodes)),
        like=like,
    )


def has_room(drawn: Drawn, nodes: Nodes, size: tuple[float, float]) -> bool:
    """Whether this can stand above arrays without making the picture larger."""
    height = (1 - BELOW) * size[1]
    across, down = scene(drawn, nodes, size=(size[0], height), look=Asked()).placement.size
    return across <= size[0] and down <= height


def _with_arrays(
    drawn: Drawn, arrays: Arrays, nodes: Nodes, size: tuple[float, float], look: Asked
) -> tuple[Placement, list[float]]:
    """The places of arrays, below those of what stands beside them, and the sides of their squares."""
    if drawn.beside is None:
        return arrays.placement(size)
    above = scene(drawn.beside, nodes, size=(size[0], (1 - BELOW) * size[1]), look=look).placement
    below, sides = arrays.placement((above.size[0], BELOW * size[1]))
    down = above.size[1]
    size = max(above.size[0], below.size[0]), down + below.size[1]
    moved = [(x, y + down) for x, y in below.centres]
    ways = [[(x, y + down) for x, y in way] for way in below.ways]
    labels = [*above.labels, *[None] * len(ways)]
    return Placement(size, above.radius, [*above.centres, *moved], [*above.ways, *ways], labels), sides


def _mark(box: Box, nodes: Nodes, digits: int) -> Mark:
    if box.words:
        return Mark(None, words=box.words)
    if box.grid is not None:
        rows = tuple(tuple(_square(thing, nodes, digits) for thing in row) for row in box.grid.rows)
        row = nodes.row(box.grid.array)
        whole = Cell(nodes.number(box.grid.array), row.name)
        return Mark(whole, row.kind.split()[0], grid=Squares(rows, box.grid.words))
    main, *others = (_cell(thing, nodes, digits) for thing in reversed(box.cells))
    kind = nodes.row(box.cells[-1]).kind.split()[0]
    below = next((c for c, thing in zip(others, box.cells[-2::-1], strict=True) if _is_leaf(thing)), None)
    above = next((c for c in others if c is not below), None)
    return Mark(main, kind, above, below)


def _square(thing: Operand, nodes: Nodes, digits: int) -> Cell:
    if isinstance(thing, Value):
        return _cell(thing, nodes, digits)
    data, grad = thing
    return Cell(-1, data=number(data, digits), value=data, slope=math.nan if grad is None else grad)


def _is_leaf(thing: Value | Constant) -> bool:
    return isinstance(thing, Constant) or thing.is_leaf


def _cell(thing: Value | Constant, nodes: Nodes, digits: int) -> Cell:
    row = nodes.row(thing)
    if isinstance(thing, Constant):
        return Cell(nodes.number(thing), data=number(row.data, digits), value=row.data)
    data = number(nodes.rounding.data(thing, row.data), digits)
    grad = "" if row.grad is None else number(nodes.rounding.grad(thing), digits)
    base, above, below = row.name
    if row.kind.split()[:2] == ["result", "unnamed"]:
        base, above, below = row.symbol, "", ""
    title = f"{''.join(row.name)} = {data}" + (grad and f", gradient {grad}")
    return Cell(
        nodes.number(thing), (cut(base, LONGEST), above, below), data, grad, row.data, row.grad or 0.0, cut(title, 200)
    )


def _stroke(line: Way, drawn: Drawn, nodes: Nodes, look: Asked, color: str) -> Stroke:
    if line.weight is not None:
        cell = _cell(line.weight, nodes, look.digits)
        told, text = (cell.value, cell.data) if color == "weight" else (cell.slope, cell.grad)
        name = drawn.graph.names.text(drawn.graph.labels[line.weight])
        return Stroke(line.start, line.end, told, _written(look, text, name), cell, cell.title)
    if line.arrow is not None:
        return Stroke(line.start, line.end, math.nan, share=0.25, is_plain=True)
    if not line.edges:
        return Stroke(line.start, line.end, 0.0)
    edge = drawn.edges[line.edges[-1]]
    text = number(edge.derivative, look.digits)
    title = f"{ratio(drawn.graph, edge.result, edge.operand)} = {text}"
    return Stroke(line.start, line.end, edge.derivative, _written(look, text, text), title=title)


def _written(look: Asked, number: str, formula: str) -> str:
    return "" if look.edges is None else formula if look.edges == "formula" else number


# ---------------------------------------------------------------- what is lit


def paths_to(drawn: Drawn, source: Value) -> dict[Edge, float]:
    """The edges on paths to a node, each with what flows through it of the gradient."""
    leading = depending_on(topological_order(drawn.graph.target), [source])
    return {e: flow for e, flow in drawn.graph.flow(source).items() if id(e.operand) in leading}


def lit(drawn: Drawn, nodes: Nodes, source: Value, taken: Mapping[Edge, float], digits: int) -> Lit:
    """The nodes and lines on paths to a node.

    taken: the edges that are on them, each with what it carries; the sign is told by the colour.
    """
    most = max((abs(x) for x in taken.values() if math.isfinite(x)), default=0.0)
    on_paths = {v for e in taken for v in (e.result, e.operand)} | {source, drawn.graph.target}
    lines = {}
    for i, line in enumerate(drawn.lines):
        edges = [drawn.edges[k] for k in line.edges if drawn.edges[k] in taken]
        if edges:
            strongest = max(edges, key=lambda e: abs(taken[e]))
            carried = taken[strongest]
            share = abs(carried) / (most or 1.0) if math.isfinite(carried) else 1.0
            told = strongest.derivative if line.weight is None else nodes.row(line.weight).data
            lines[i] = Glow(share, carried, number(told, digits))
    return Lit(frozenset(_numbers(on_paths, nodes)), lines, frozenset({nodes.number(source)}))


def _numbers(found: Iterable[Value], nodes: Nodes) -> list[int]:
    return [nodes.number(v) for v in found if nodes.has(v)]
