"""What the explorer's page knows: nodes, and the graphs on which it follows paths.

All of it is plain data for JSON. Names are pieces of text and formulas are MathML in which {12}
stands for node 12, so that the page can put names or numbers there. Counting and listing paths is
left to the page, which does it for whatever is clicked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from autograd import Value
from autograd.formulas import names
from autograd.formulas.expression import Expression
from autograd.formulas.notation import Mathml
from autograd.graph import depending_on, topological_order
from autograd.paths.path_graph import Edge, PathGraph
from autograd.signatures import Json
from autograd.used import Used
from autograd.value import NO_GRADIENT

from ..graphs.rounding import Rounding
from ..graphs.units import Constant
from ..style import cut

__all__ = ["Nodes", "Row", "edges_among", "encoded", "graph_data", "is_given"]

OtherPieces = Callable[[PathGraph, Sequence[Value]], Iterable[tuple[Value, str, list[Expression]]]]  # see `pieces`

LONGEST = 200  # characters of a name; deep links go by as many


class Row(NamedTuple):
    """What the page knows of a node or a constant.

    name: base, what stands above and below. link: how a link calls it, if not by its name on one line.
    """

    name: tuple[str, str, str]
    kind: str
    data: float
    symbol: str = ""
    grad: float | None = None
    link: str | None = None


class Nodes:
    """Nodes and constants as the page numbers them: in the order in which they are first asked for.

    graphs: those that the nodes are from; a node's name is that in the first that has it.
    cut: nodes some of whose operands the page does not have.
    What is numbered is a Value or a Constant, or was added with its row, as whole arrays are.
    """

    def __init__(self, target: Any) -> None:
        self._target = target
        self.used, self.rounding = Used(target), Rounding(target)
        self._numbers: dict[Hashable, int] = {}
        self._rows: dict[Hashable, Row] = {}
        self.graphs: list[PathGraph] = []
        self.cut: set[Value] = set()

    def has(self, *things: Hashable) -> bool:
        """Whether all of them have numbers."""
        return all(thing in self._numbers for thing in things)

    @property
    def things(self) -> list[Any]:
        """All that was asked for, in the order of their numbers."""
        return list(self._numbers)

    def number(self, thing: Hashable) -> int:
        return self._numbers.setdefault(thing, len(self._numbers))

    def add(self, thing: Hashable, row: Row) -> int:
        """Number something that is no node of the graph, with what is known of it."""
        self._rows[thing] = row
        return self.number(thing)

    def row(self, thing: Hashable) -> Row:
        if thing not in self._rows:
            self._rows[thing] = self._read(thing)
        return self._rows[thing]

    def _read(self, thing: Any) -> Row:
        if isinstance(thing, Constant):
            return Row(("", "", ""), "constant", thing.data)
        graph = next(graph for graph in self.graphs if thing in graph.labels)
        base, above, below = graph.names.pieces(graph.labels[thing])
        kind = "target" if thing is self._target else "leaf" if thing.is_leaf else "result"
        if thing.label is None:
            kind += " unnamed"
        elif is_given(thing):
            kind += " given"
        link: str | None = graph.names.ascii(graph.labels[thing])[:LONGEST]
        if link == base + above + (below and f"_{below}"):
            link = None
        return Row(
            (cut(base, LONGEST), above, below),
            kind + " cut" * (thing in self.cut),
            self.used.number(thing),
            "" if thing.op is None else thing.op.symbol,
            None if thing.grad is NO_GRADIENT else thing.grad,
            link,
        )

    def columns(self) -> Json:
        """The rows of all that was asked for, a list for each column; numbers that JSON does not have as text."""
        rows = [self.row(thing) for thing in self._numbers]
        kinds = list(dict.fromkeys(row.kind for row in rows))
        return {
            "name": [row.name for row in rows],
            "link": {i: row.link for i, row in enumerate(rows) if row.link is not None},
            "kinds": kinds,
            "kind": [kinds.index(row.kind) for row in rows],
            "symbol": [row.symbol for row in rows],
            "data": [encoded(row.data) for row in rows],
            "grad": [encoded(row.grad) for row in rows],
            "bracketed": [i for i, thing in enumerate(self._numbers) if self._is_expression(thing)],
        }

    def _is_expression(self, thing: object) -> bool:
        """Whether a name stands in parentheses where it is part of a formula: e+c."""
        if not isinstance(thing, Value):
            return False
        return not names.is_word(next(graph for graph in self.graphs if thing in graph.labels).labels[thing])


def is_given(v: Value) -> bool:
    """Whether a leaf is named as data are: x, y or t."""
    name = None if v.label is None else names.parse(v.label)
    return v.is_leaf and name is not None and name.base in ("x", "y", "t")


def encoded(x: float | None) -> float | int | str | None:
    """A number for JSON: whole ones short, nan and infinities as text."""
    if x is None or not math.isfinite(x):
        return x if x is None else str(x)
    return int(x) if x == int(x) and abs(x) < 1e15 and (x or math.copysign(1, x) > 0) else x


def edges_among(graph: PathGraph, shown: Sequence[Value]) -> list[Edge]:
    """The edges of a graph between the nodes that are shown; those into a node are together."""
    among = set(shown)
    return [e for v in shown for e in graph.edges_of(v) if e.operand in among]


def graph_data(
    graph: PathGraph,
    shown: Sequence[Value],
    nodes: Nodes,
    *,
    with_via: bool,
    spelled: Container[Value] | None = None,
    kinks: OtherPieces | None = None,
) -> Json:
    """The nodes shown of a graph and the edges among them, as the page numbers them.

    spelled: formulas are written for edges between these only; without it for all.
    kinks: by which the formulas of other pieces are found.

    Edges are columns: result, operand, derivative, formula; those into a node are together.
    definition: how each node came about. pieces: for some nodes, by which pieces hold, the formulas of the edges
    into them. via: the symbols of what an edge was contracted from, with_via
    only; else the page finds it in the graph of every operation.
    """
    node_of = {label: v for v, label in graph.labels.items()}

    def name(label: str) -> str:
        if label in node_of:
            return f"{{{nodes.number(node_of[label])}}}"
        return names.mathml(label).replace("{", "&#123;")  # a name that only the formula has

    def written(formula: Expression) -> str:
        formula = graph.spelled_out(formula)
        return writer.sum(formula)

    writer = Mathml(name)
    numbers = [nodes.number(v) for v in shown]
    edges = edges_among(graph, shown)
    spelled_out = [k for k, e in enumerate(edges) if spelled is None or (e.result in spelled and e.operand in spelled)]
    formulas = [""] * len(edges)
    for k in spelled_out:
        formulas[k] = written(graph.formula(edges[k]))
    pieces: dict[int, dict[str, list[str]]] = {}
    for v, code, others in kinks(graph, [v for v in shown if spelled is None or v in spelled]) if kinks else ():
        among = [x for x, e in zip(others, graph.edges_of(v), strict=True) if e.operand in set(shown)]
        pieces.setdefault(nodes.number(v), {})[code] = list(map(written, among))
    via = _between([edges[k] for k in spelled_out], graph.labels) if with_via and graph.level == "named" else ()
    return {
        "nodes": numbers,
        "definition": ["" if v.op is None else written(graph.definition(v)) for v in shown],
        "result": [nodes.number(e.result) for e in edges],
        "operand": [nodes.number(e.operand) for e in edges],
        "derivative": [encoded(e.derivative) for e in edges],
        "formula": formulas,
        "pieces": pieces,
        "via": dict(zip(spelled_out, map(" ".join, via), strict=False)),
    }


def _between(edges: Sequence[Edge], labels: Container[Value]) -> Iterator[list[str]]:
    """For each edge the symbols of the operations on the ways from operand to result, the first to be applied first.

    Edges into one node come one after another, so that what lies below it is read once.
    """
    v, inner = None, []
    for e in edges:
        if e.result is not v:
            v = e.result
            inner = [w for w in topological_order(v, stop=lambda w: w in labels) if w is v or w not in labels]
        on_the_way = depending_on(inner, [e.operand])
        yield [w.op.symbol for w in inner if id(w) in on_the_way and w.op is not None]
