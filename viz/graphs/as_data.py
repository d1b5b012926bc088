"""graph_data: a recorded computation as plain data, for programs that draw, count or store it themselves."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from autograd import Tensor, Value
from autograd.arguments import lookup
from autograd.formulas.notation import Latex, Text
from autograd.graph import is_node, topological_order
from autograd.matrices.graph import MatrixGraph
from autograd.operands import Operand, describe
from autograd.paths.path_graph import PathGraph
from autograd.signatures import Json
from autograd.tensor import kept_gradient
from autograd.used import Used
from autograd.value import NO_GRADIENT

from .captions import kind_of

__all__ = ["graph_data"]

_LEVELS = dict.fromkeys(("auto", "op", "named"))


def graph_data(root: Value | Tensor, *, level: str = "auto") -> Json:
    """The computation that leads to `root` as dictionaries, lists, strings and numbers of full precision.

    level  "op": every operation and constant. "named": nodes with a name, what is between contracted.
           "auto": "named" if an intermediate result has a name, else "op".

    The form is that of networkx, `networkx.node_link_graph(data, edges="edges")`:

    graph   its level, and the id of the target
    nodes   operands before results: id (its name, in ASCII and unique), label as it was given (or None), kind
            ("leaf", "result", "target", "constant"), operation and symbol (None for leaves), data, grad (None
            before a backward pass) and, for a Tensor, shape. Where `.data` was changed since the forward pass,
            data is the number that was used, or None if that is not on record, and now the present one
    edges   from an operand (source) to its result (target): derivative, the number (None for Tensors and for
            constants), how it is written as formula and (of Values) as latex. key counts parallel edges

    json.dumps writes all of it; nan and infinities are the strings "nan", "inf", "-inf", which float reads.
    TypeError if root is neither a Value nor a Tensor, ValueError for a leaf or an unknown level.
    """
    if not isinstance(root, Value | Tensor):
        raise TypeError(f"graph_data: expected a Value or a Tensor such as the loss, got {describe(root)}")
    if root.is_leaf:
        raise ValueError("graph_data: expected the result of a computation; this is a leaf, which has no graph")
    lookup("level", level, _LEVELS)
    if level == "auto":
        level = "named" if _has_names_between(root) else "op"
    graph = PathGraph(root, level=level) if isinstance(root, Value) else MatrixGraph(root, level=level)
    nodes, edges = _of_values(graph) if isinstance(graph, PathGraph) else _of_tensors(graph)
    known = {"level": level, "target": _id(graph, root)}
    return {"directed": True, "multigraph": True, "graph": known, "nodes": nodes, "edges": _with_keys(edges)}


def _has_names_between(root: Value | Tensor) -> bool:
    return any(v.label is not None and not v.is_leaf for v in topological_order(root)[:-1])


def _id(graph: PathGraph | MatrixGraph, v: Value | Tensor) -> str:
    return graph.names.ascii(graph.labels[v])


def _node(graph: PathGraph | MatrixGraph, v: Value | Tensor) -> Json:
    op = v.op
    return {
        "id": _id(graph, v),
        "label": v.label,
        "kind": kind_of(graph, v),
        "operation": None if op is None else op.shown,
        "symbol": None if op is None else op.symbol,
    }


def _constant(number: str, array: Operand) -> Json:
    made = {"id": number, "label": None, "kind": "constant", "operation": None, "symbol": None}
    return {**made, "data": _plain(array), "grad": None, **({"shape": list(array.shape)} if np.ndim(array) else {})}


def _edge(
    source: str, target: str, derivative: object = None, formula: str | None = None, latex: str | None = None
) -> Json:
    return {"source": source, "target": target, "derivative": derivative, "formula": formula, "latex": latex}


def _of_values(graph: PathGraph) -> tuple[list[Json], list[Json]]:
    nodes: list[Json] = []
    edges: list[Json] = []
    used = Used(graph.target)
    names = _Fresh(graph)
    text, latex = Text(graph.names.text, None), Latex(graph.names.latex, None)
    for v in graph.nodes:
        me = _node(graph, v)
        if graph.level == "op":
            for u in v.operands:
                if not is_node(u):
                    nodes.append(_constant(names.next(), u))
                    edges.append(_edge(nodes[-1]["id"], me["id"]))
        for e in graph.edges_of(v):
            formula = graph.spelled_out(graph.formula(e))
            written = text.sum(formula), latex.sum(formula)
            edges.append(_edge(_id(graph, e.operand), me["id"], _plain(e.derivative), *written))
        data = used.changed.get(v, v.data)
        me |= {"data": None if data is None else _plain(data), "grad": _plain(v.grad)}
        if v.grad is NO_GRADIENT:
            me["grad"] = None
        if v in used.changed:
            me["now"] = _plain(v.data)
        nodes.append(me)
    return nodes, edges


def _of_tensors(graph: MatrixGraph) -> tuple[list[Json], list[Json]]:
    nodes: list[dict[str, object]] = []
    edges: list[dict[str, object]] = []
    used, names = Used(graph.target), _Fresh(graph)
    known: dict[str, str] = {}  # the ids of constant arrays, each of which is one node
    for v in graph.nodes:
        me = _node(graph, v)
        for e in graph.edges_of(v):
            if not e.is_constant:
                edges.append(_edge(_id(graph, e.operand), me["id"], None, graph.text(e)))
                continue
            source = known.get(e.label or "")
            if source is None:
                source = names.next() if e.label is None else graph.names.ascii(e.label)
                nodes.append(_constant(source, e.operand))
                if e.label is not None:
                    known[e.label] = source
            edges.append(_edge(source, me["id"]))
        me |= {
            "data": _plain(used.changed.get(v, v.numpy())),
            "grad": _plain(kept_gradient(v)),
            "shape": list(v.shape),
        }
        if v in used.changed:
            me["now"] = _plain(v.numpy())
        nodes.append(me)
    return nodes, edges


class _Fresh:
    """Ids for constants, c1, c2, ..., that no node has."""

    def __init__(self, graph: PathGraph | MatrixGraph) -> None:
        self._taken = {_id(graph, v) for v in graph.labels}
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return self.next() if f"c{self._count}" in self._taken else f"c{self._count}"


def _with_keys(edges: list[Json]) -> list[Json]:
    """The edges with a number for each among those that run side by side."""
    count: Counter[tuple[str, str]] = Counter()
    for e in edges:
        ends = e["source"], e["target"]
        e["key"] = count[ends]
        count[ends] += 1
    return edges


def _plain(x: Operand) -> Operand:
    """A number, or an array as lists; what JSON has no number for is a string."""
    if isinstance(x, np.ndarray) and x.ndim:
        return [_plain(row) for row in x]
    if x is None:
        return None
    number = float(x)
    return number if math.isfinite(number) else str(number)
