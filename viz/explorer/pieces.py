"""The formulas of the other pieces: what ∂a/∂z is on the other side of a kink.

A formula is that of the piece that held when it was recorded. Which pieces there are besides is found by trying
numbers; for each that occurs the computation between the named nodes is recorded once more, with such numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from autograd import Value
from autograd.formulas.expression import Expression
from autograd.graph import is_node, topological_order
from autograd.operands import Operand, Vector, members
from autograd.paths.path_graph import Edge, PathGraph

from .program import shape_of
from .script import Pieces, Unreadable

__all__ = ["Kinks"]

TRIED = 256  # settings of the numbers
MOST = 8  # other pieces of one node
MOST_OPERATIONS = 30  # between a node and those it is computed from
MOST_NODES = 300  # of a graph whose other pieces are written


class Kinks:
    """What the formulas of a graph are where other pieces of its operations hold.

    order: the place of every node among all, operands before results.
    """

    def __init__(self, order: Mapping[Value, int]) -> None:
        self.order = order
        self._read: dict[tuple[object, ...], Pieces | None] = {}

    def of(self, graph: PathGraph, nodes: Sequence[Value]) -> Iterator[tuple[Value, str, list[Expression]]]:
        """For each node and each other piece that can hold, its code and the formulas of the edges into the node."""
        found = [v for v in nodes if v.op is not None and self._has_pieces(graph, v)]
        for v in found[:MOST_NODES]:
            yield from self._of(graph, v)

    def _inner(self, graph: PathGraph, v: Value) -> list[Value]:
        """The results between v and the named nodes below it, in order."""
        region = topological_order(v, stop=lambda w: w in graph.labels and w is not v)
        inner = [w for w in region if w.op is not None and (w is v or w not in graph.labels)]
        return sorted(inner, key=self.order.__getitem__)

    def _pieces(self, v: Value) -> Pieces | None:
        assert v.op is not None
        key = shape_of(v.op, v.operand_groups)
        if key not in self._read:
            try:
                self._read[key] = Pieces(v.op, v.operand_groups)
            except Unreadable:
                self._read[key] = None
        return self._read[key]

    def _has_pieces(self, graph: PathGraph, v: Value) -> bool:
        inner = self._inner(graph, v)
        read = [self._pieces(w) for w in inner[:MOST_OPERATIONS]]
        return len(inner) <= MOST_OPERATIONS and None not in read and any(p and p.is_piecewise for p in read)

    def _of(self, graph: PathGraph, v: Value) -> Iterator[tuple[Value, str, list[Expression]]]:
        inner = self._inner(graph, v)
        among = set(inner)
        ends = list(dict.fromkeys(u for w in inner for u in w.operands if is_node(u) and u not in among))
        named = [u for u in ends if u in graph.labels]
        tried = _settings([u.data for u in named], np.random.default_rng(len(named)))
        numbers: dict[Value, np.ndarray] = dict(zip(named, tried, strict=True))
        numbers.update((u, np.full(TRIED, u.data)) for u in ends if u not in numbers)
        codes = []
        for w in inner:
            pieces = self._pieces(w)
            assert pieces is not None
            operands = [numbers[u] if is_node(u) else np.full(TRIED, float(u)) for u in _differentiated(w)]
            numbers[w], code = pieces(operands)
            codes += [code] if pieces.is_piecewise else []
        seen = {tuple(int(code[0]) for code in codes)}
        edges = graph.edges_of(v)
        for i in range(1, TRIED):
            key = tuple(int(code[i]) for code in codes)
            if key in seen or len(seen) > MOST:
                continue
            seen.add(key)
            formulas = _recorded(graph, v, inner, {u: float(numbers[u][i]) for u in ends}, edges)
            if formulas is not None:
                yield v, " ".join(map(str, key)), formulas


def _settings(now: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Numbers to try, those of now first: others of their size, zeros, and equal ones, for these are kinks too."""
    base = np.nan_to_num(np.asarray(now, float)[:, None])
    tried: np.ndarray = base + 2 * (1 + np.abs(base)) * rng.normal(size=(len(now), TRIED))
    tried[:, 0] = now
    tried[:, 1] = -base[:, 0]
    tried[:, 2] = 0.0
    tried[:, 3:8] = tried[:1, 3:8]
    kept = rng.random(tried.shape) < 0.3
    kept[:, :8] = False
    return np.where(kept, base, tried)


def _differentiated(w: Value) -> list[Operand]:
    assert w.op is not None
    groups = zip(w.operand_groups, w.op.rules, strict=True)
    return [u for group, rule in groups if rule is not None for u in members(group)]


def _recorded(
    graph: PathGraph, v: Value, inner: Sequence[Value], numbers: Mapping[Value, float], edges: Sequence[Edge]
) -> list[Expression] | None:
    """The formulas of the edges into v, computed once more from these numbers; None if it comes out otherwise."""
    made: dict[Value, Value] = {u: Value(x, graph.labels.get(u)) for u, x in numbers.items()}
    for w in inner:
        assert w.op is not None
        try:
            again = w.op.function(*(_replaced(group, made) for group in w.operand_groups))
        except (ValueError, ArithmeticError):  # these numbers are not in its domain
            return None
        if not isinstance(again, Value) or again.op is not w.op or len(again.operands) != len(w.operands):
            return None
        made[w] = again
    made[v].label = graph.labels[v]
    shadow = PathGraph(made[v], level=graph.level)
    if any(shadow.labels.get(u, label) != label for w, label in graph.labels.items() if (u := made.get(w)) is not None):
        return None
    found = {(e.operand, e.position): e for e in shadow.edges_of(made[v])}
    keys = [(made[e.operand], e.position) for e in edges]
    return [shadow.formula(found[key]) for key in keys] if all(key in found for key in keys) else None


def _replaced(group: Operand, made: Mapping[Value, Value]) -> Operand:
    if isinstance(group, Vector):
        return Vector(made[u] if is_node(u) else u for u in group)
    return made[group] if is_node(group) else group
