"""What the explorer's page knows: nodes, and the graphs on which it follows paths.

All of it is plain data for JSON. Names are pieces of text and formulas are MathML in which {12}
stands for node 12, so that the page can put names or numbers there. Counting and listing paths is
left to the page, which does it for whatever is clicked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Sequence
from typing import Any

from autograd.formulas import names
from autograd.formulas.expression import Expression
from autograd.formulas.notation import Mathml
from autograd.graph import depending_on, is_node, topological_order
from autograd.paths.path_graph import PathGraph
from autograd.value import NO_GRADIENT

__all__ = ["HEIGHT", "Nodes", "encoded", "graph_data"]

LONGEST = 200  # characters of a name; deep links go by as many

# Sizes of what is drawn, in pixels at scale 1.
HEIGHT, NUMBERS, PADDING, CONSTANT = 40.0, 82.0, 21.0, 58.0


class Nodes:
    """The nodes the page knows, numbered as they are first asked for; every graph speaks of them so.

    known: the number of a node. Its name is that of the graph which was the first to ask.
    """

    def __init__(self, root: Any) -> None:
        self.root = root
        self.known: dict[Any, int] = {}
        self._names: list[tuple[str, str, str]] = []
        self._links: dict[int, str] = {}
        self._kinds: list[str] = []
        self._symbols: list[str] = []
        self._data: list[float] = []
        self._grad: list[float | None] = []

    def add(self, graph: PathGraph, v: Any) -> int:
        """The number of a node of this graph."""
        if v not in self.known:
            label = graph.labels[v]
            pieces = graph.names.pieces(label)
            i = self._append(pieces, v.data, "target" if v is self.root else "leaf" if v.is_leaf else "result")
            self.known[v] = i
            self._symbols[i] = "" if v.op is None else v.op.symbol
            self._grad[i] = None if v.grad is NO_GRADIENT else v.grad
            if v.label is None:
                self._kinds[i] += " unnamed"
            elif v.is_leaf and pieces[0] in ("x", "y", "t"):
                self._kinds[i] += " given"
            link = graph.names.ascii(label)[:LONGEST]
            if link != pieces[0] + pieces[1] + (pieces[2] and f"_{pieces[2]}"):
                self._links[i] = link
        return self.known[v]

    def add_constant(self, data: float) -> int:
        """The number of a plain number that is an operand."""
        return self._append(("", "", ""), data, "constant")

    def _append(self, pieces: tuple[str, str, str], data: float, kind: str) -> int:
        base, above, below = pieces
        self._names.append((base if len(base) <= LONGEST else base[: LONGEST - 1] + "…", above, below))
        self._kinds.append(kind)
        self._symbols.append("")
        self._data.append(data)
        self._grad.append(None)
        return len(self._names) - 1

    def mark(self, v: Any, kind: str) -> None:
        """Say more about what kind of node it is."""
        self._kinds[self.known[v]] += f" {kind}"

    def width(self, i: int) -> float:
        """How wide its cell is."""
        if self._kinds[i] == "constant":
            return CONSTANT
        base, above, below = self._names[i]
        name = 9.5 * min(len(base), 22) + 6.5 * min(max(len(above), len(below)), 14)
        return round(PADDING + max(22.0, name) + NUMBERS)

    def height(self, i: int) -> float:
        """How high its cell is."""
        return 24.0 if self._kinds[i] == "constant" else HEIGHT

    def columns(self) -> dict[str, Any]:
        """The table, a list for each column; numbers that JSON does not have as text."""
        kinds = list(dict.fromkeys(self._kinds))
        return {
            "name": self._names,
            "link": self._links,
            "kinds": kinds,
            "kind": [kinds.index(k) for k in self._kinds],
            "symbol": self._symbols,
            "data": [encoded(x) for x in self._data],
            "grad": [encoded(x) for x in self._grad],
        }


def encoded(x: float | None) -> float | int | str | None:
    """A number for JSON: whole ones short, nan and infinities as text."""
    if x is None or not math.isfinite(x):
        return x if x is None else str(x)
    return int(x) if x == int(x) and abs(x) < 1e15 and (x or math.copysign(1, x) > 0) else x


def graph_data(graph: PathGraph, nodes: Sequence[Any], table: Nodes, *, with_via: bool) -> dict[str, Any]:
    """The nodes shown of a graph and the edges among them.

    Edges are columns: result, operand, derivative, formula; those into a node are together.
    definition: how each node came about. via: the symbols of what an edge was contracted from, with_via
    only; else the page finds it in the graph of every operation. constants: [number, its user].
    """
    shown = set(nodes)
    node_of = {label: v for v, label in graph.labels.items()}

    def name(label: str) -> str:
        if label in node_of:
            return f"{{{table.add(graph, node_of[label])}}}"
        return names.mathml(label).replace("{", "&#123;")  # a name that only the formula has

    writer = Mathml(name)
    for v in nodes:
        table.add(graph, v)
    result: list[int] = []
    operand: list[int] = []
    derivative: list[Any] = []
    formula: list[str] = []
    via: list[str] = []
    for v in nodes:
        for e in graph.edges_of(v):
            if e.operand in shown:
                result.append(table.known[v])
                operand.append(table.known[e.operand])
                derivative.append(encoded(e.derivative))
                formula.append(_written(writer, graph.formula(e)))
                if with_via and graph.level == "named":
                    via.append(" ".join(_between(v, e.operand, graph.labels)))
    constants = []
    if graph.level == "op":
        for v in nodes:
            constants += [[table.add_constant(u), table.known[v]] for u in v.operands if not is_node(u)]
    return {
        "nodes": [table.known[v] for v in nodes],
        "definition": ["" if v.op is None else _written(writer, graph.definition(v)) for v in nodes],
        "result": result,
        "operand": operand,
        "derivative": derivative,
        "formula": formula,
        "via": via,
        "constants": constants,
    }


def _written(writer: Mathml, formula: Expression) -> str:
    return re.sub(r"(?<=[>}]) (?=[<{])", "", writer.sum(formula))  # between elements space has no meaning


def _between(v: Any, u: Any, labels: Container[Any]) -> list[str]:
    """The symbols of the operations on the ways from u to v, the first to be applied first."""
    region = topological_order(v, stop=lambda w: w in labels)
    on_the_way = depending_on([w for w in region if w is v or w not in labels], [u])
    return [w.op.symbol for w in region if id(w) in on_the_way and w is not u and w.op is not None]
