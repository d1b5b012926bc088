"""Gradient paths: which ways lead from a result back to a weight, and what each contributes.

A PathGraph looks at the graph of *named* nodes: whatever elementary operations stand between two of
them are contracted into one factor ∂v/∂u, with the other named nodes held fixed. The products of
the factors along all paths add up to the gradient. `derivation` writes this out.
"""

from __future__ import annotations

import functools
import heapq
import math
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from ..formulas import names
from ..formulas.expression import Atom, Expression, Group, Omitted, Symbol, constant, has_omissions, omitted, symbol
from ..formulas.notation import format_number, is_short, is_written
from ..graph import Node, depending_on, topological_order
from ..ops.elementwise import div
from ..value import Value
from .labels import unique_labels
from .reading import MAX_CONTRACTED, Formulas, Quotients, SoftmaxMembers

__all__ = ["Edge", "Path", "PathGraph"]

# A formula with more symbols than this is not written out. If it is too long, what stands for unnamed
# nodes in it is left out first.
MAX_WRITTEN = 60
MAX_PART = 12
# One formula for the whole derivative is tried for so many nodes and paths.
MAX_WAY = 64

N = TypeVar("N", int, float)


class Edge(NamedTuple):
    """One factor of the chain rule: ∂result/∂operand and its number.

    position: the place among the result's operands at level "op", where parallel edges stay
    apart; -1 at level "named", where they are merged.
    """

    result: Value
    operand: Value
    derivative: float
    position: int = -1

    def __repr__(self) -> str:
        return f"<∂{_called(self.result)}/∂{_called(self.operand)} = {format_number(self.derivative)}>"


class Path(NamedTuple):
    """A way from the target to the source: its edges in this order, and their product."""

    edges: tuple[Edge, ...]
    value: float

    @property
    def factors(self) -> tuple[float, ...]:
        """The local derivatives along the path."""
        return tuple(e.derivative for e in self.edges)

    @property
    def nodes(self) -> tuple[Value, ...]:
        """The nodes from the target to the source (empty if they are the same node)."""
        return (*(e.result for e in self.edges), self.edges[-1].operand) if self.edges else ()

    def __repr__(self) -> str:
        return f"<{' → '.join(map(_called, self.nodes)) or 'the node itself'}: {format_number(self.value)}>"


def _called(v: Value) -> str:
    """A node outside of its graph: its label, or else its operation or its number."""
    if v.label is not None:
        return v.label
    return format_number(v.data) if v.op is None else f"({v.op.symbol})"


class PathGraph:
    """The graph below a target on which paths are counted, listed and weighed.

    target: the node to derive. level: "named" keeps the named nodes and contracts what lies
    between; "op" keeps every node and every edge of every operation. keep: nodes that stay even
    if they have no name.

    nodes   operands before results; the target is last
    edges   `edges[node]`: its edges to operands, in the order of the operation
    labels  `labels[node]`: every node's name in this graph. An unnamed target is called L, other
            unnamed nodes v_1, v_2, ...; several nodes of one name get sample numbers: a[1](1)_2.
            No two are written alike.
    names   how labels are written, see `names.Names`
    introduced  names that only formulas have, each with what it stands for: a_1 for softmax(z_1, z_2)_1

    ValueError for an unknown level, and for a source that this graph has contracted.
    """

    def __init__(self, target: Value, *, level: str = "named", keep: Sequence[Value] = ()) -> None:
        if level not in ("named", "op"):
            raise ValueError(f"level: expected 'named' or 'op'; got {level!r}")
        self.target, self.level = target, level
        self._everything = topological_order(target)
        kept = {target, *keep}
        self.nodes: list[Value] = [u for u in self._everything if level == "op" or u.label is not None or u in kept]
        self.labels: dict[Node, str] = unique_labels(self.nodes, target)
        self.names = names.Names(self.labels.values())
        self._edges: dict[Value, list[Edge]] = {}
        self._formulas: dict[Edge, Expression] = {}
        members = SoftmaxMembers(self.labels)
        self.introduced: dict[str, Expression] = members.introduced
        self._whole = Formulas(target, self.labels, members, MAX_WRITTEN)
        self._shortened = Formulas(target, self.labels, members, MAX_PART)
        self._quotients = Quotients(self.labels, self._whole)
        self._asked: tuple[Value | None, list[Value]] = None, []
        self._latest: tuple[Value | None, list[Value]] = None, []
        # By operand: the derivatives of the unnamed nodes above it, which many results may share.
        self._partial: dict[tuple[Value, Formulas], dict[Value, Expression]] = {}

    @functools.cached_property
    def edges(self) -> dict[Value, list[Edge]]:
        return {v: self.edges_of(v) for v in self.nodes}

    def edges_of(self, v: Value) -> list[Edge]:
        """`edges[v]` without computing all the others."""
        if v not in self._edges:
            self._edges[v] = self._recorded_edges(v) if self.level == "op" else self._contracted_edges(v)
        return self._edges[v]

    def _recorded_edges(self, v: Value) -> list[Edge]:
        pairs = enumerate(zip(v.operands, v.local_derivatives, strict=True))
        return [Edge(v, u, d, i) for i, (u, d) in pairs if d is not None]

    def _contracted_edges(self, v: Value) -> list[Edge]:
        region = self._region(v)
        totals = _swept(self._inner(v, region), 1.0, lambda node: node.local_derivatives)
        return [Edge(v, u, totals[u]) for u in region if u is not v and u in totals and u in self.labels]

    def _region(self, v: Value) -> list[Value]:
        """v, what is contracted below it, and the named nodes where that ends; operands first."""
        return topological_order(v, stop=self.labels.__contains__)

    def _inner_below(self, v: Value) -> list[Value]:
        """v and what is contracted below it; kept for the edges into one node, which are asked for in turn."""
        if self._latest[0] is not v:
            self._latest = v, self._inner(v, self._region(v))
        return self._latest[1]

    def _inner(self, v: Value, region: Iterable[Value]) -> list[Value]:
        return [u for u in region if u is v or u not in self.labels]

    # ------------------------------------------------------------ counting and weighing

    def count(self, source: Value) -> int:
        """The exact number of paths from the target to `source`, without listing them."""
        return self._fold(source, 1, lambda d, below: below).get(self.target, 0)

    def strength(self, source: Value) -> float:
        """The sum of |product| over all paths to `source`: the gradient if nothing cancelled."""
        return self._fold(source, 1.0, lambda d, below: abs(d) * below).get(self.target, 0.0)

    def gradient(self, source: Value) -> dict[Value, float]:
        """∂node/∂source for every node, summed over paths."""
        return dict.fromkeys(self.nodes, 0.0) | self._fold(source, 1.0, lambda d, below: d * below)

    def flow(self, source: Value) -> dict[Edge, float]:
        """How much of ∂target/∂source passes through each edge; 0 for edges off every path.

        The flows over the edges that leave the target, or enter the source, or cross any cut
        between, add up to the gradient. Linear in the number of edges, however many paths.
        """
        below = self._fold(source, 1.0, lambda d, below: d * below)
        above = {self.target: 1.0}
        flows = {e: 0.0 for edges in self.edges.values() for e in edges}
        for v in reversed(self._leading_to(source)):
            for e in self._onwards(v, below):
                through = above[v] * e.derivative
                above[e.operand] = above.get(e.operand, 0.0) + through
                flows[e] = through * below[e.operand]
        return flows

    def _fold(self, source: Value, start: N, combine: Callable[[float, N], N]) -> dict[Value, N]:
        """A value for every node that leads to `source`: the sum over its edges of what combine gives."""
        values: dict[Value, N] = {}
        for v in self._leading_to(source):
            edges = self._onwards(v, values)
            values[v] = start if v is source else sum(combine(e.derivative, values[e.operand]) for e in edges)
        return values

    def _leading_to(self, source: Value) -> list[Value]:
        """The nodes on paths from the target to `source`, operands first; none if there is no path."""
        if self._asked[0] is not source:
            on_the_way = depending_on(self._everything, [source])
            if source not in self.labels and id(self.target) in on_the_way:
                raise ValueError("the source has no name: name it, pass keep=(source,), or use level='op'")
            self._asked = source, [u for u in self.nodes if id(u) in on_the_way]
        return self._asked[1]

    def _onwards(self, v: Value, leading: Container[Value]) -> Iterator[Edge]:
        """The edges from v to nodes that lead to the source."""
        return (e for e in self.edges_of(v) if e.operand in leading)

    # ------------------------------------------------------------ listing

    def paths(self, source: Value) -> Iterator[Path]:
        """All paths from the target to `source`, lazily, the largest |product| first; nan counts as infinite.

        Each path costs its length, not the size of the graph, however many there are and however many
        are equally strong. Products are taken from the target on, as in the reverse pass. Ties are
        in the order of the nodes.
        """
        nodes = self._leading_to(source)
        arriving: dict[Value, list[Edge]] = {u: [] for u in reversed(nodes)}
        for v in nodes:
            for e in self._onwards(v, arriving):
                arriving[e.operand].append(e)
        if nodes:
            ranking = _Ranking(arriving)
            yield ranking.path(source)
            while ranking.advance(source):
                yield ranking.path(source)

    # ------------------------------------------------------------ formulas

    def formula(self, edge: Edge) -> Expression:
        """∂result/∂operand as a formula in the named nodes, simplified; an ellipsis where it would be too long.

        The formula of a piecewise operation is that of the piece the forward pass took.
        """
        if edge not in self._formulas:
            formula = self._formula(edge, self._whole)
            if formula.is_omitted():
                formula = self._formula(edge, self._shortened)
            self._formulas[edge] = formula
        return self._formulas[edge]

    def whole(self, source: Value) -> Expression:
        """∂target/∂source as one formula: the products of the factors along all paths, added up and simplified.

        An ellipsis where it would be too long, or where there are too many paths to try.
        """
        way = self._leading_to(source)
        total = omitted()
        if way and len(way) <= MAX_WAY and self.count(source) <= MAX_WAY:
            found: dict[Value, Expression] = {source: constant(1.0)}
            for v in way:
                if v is not source:
                    products = (self.formula(e) * found[e.operand] for e in self._onwards(v, found))
                    found[v] = sum(products, constant(0.0)).simplified()
            total = found[self.target]
        if has_omissions(total):
            return omitted(total.value)
        return min((total, self._with_quotients(total), self._quotients.within_whole(total)), key=lambda x: x.size)

    def _with_quotients(self, x: Expression) -> Expression:
        """x with the tops of named quotients written by these: of a = e/s, e is a·s; a softmax's s then cancels."""
        for v in self.nodes:
            if v.op is not div.op or not all(u in self.labels for u in v.operands):
                continue
            top, bottom = v.operands
            product = Group(symbol(self.labels[v]) * symbol(self.labels[bottom]))
            x = x.replaced(functools.partial(_instead_of, Symbol(self.labels[top]).key, product)).simplified()
        return x

    @functools.cached_property
    def typed(self) -> frozenset[float]:
        """The constants of more than four digits that the computation was written with."""
        constants = {abs(u.data) for u in self._everything if u.op is None and u not in self.labels}
        for v in self._everything:
            constants.update(abs(u) for u in v.operands if isinstance(u, float))
        return frozenset(c for c in constants if not is_short(c) and is_written(c))

    def spelled_out(self, x: Expression) -> Expression:
        """A formula without the names that only formulas have, for who has no room to say what they stand for."""
        stand_for = {Symbol(label).key: formula.terms[0][1][0][0] for label, formula in self.introduced.items()}
        return x.replaced(lambda atom: stand_for.get(atom.key)) if stand_for else x

    def definition(self, v: Value) -> Expression:
        """How v was computed, as a formula in the named nodes that it comes from; of a leaf its own name."""
        if v.op is not None and v.op.expands and len(v.operands) > MAX_WRITTEN:
            return omitted(v.data)  # each of them stands in it
        formula = self._whole.definition(v)
        return formula if formula.size <= MAX_WRITTEN else omitted(v.data)

    def _formula(self, edge: Edge, formulas: Formulas) -> Expression:
        formula = self._quotients.within(self._derivative(edge, formulas)).simplified()
        # Several ellipses in one formula would look equal.
        gaps = len({a.key for a in formula.atoms() if isinstance(a, Omitted)})
        return formula if formula.size <= MAX_WRITTEN and gaps < 2 else omitted(formula.value)

    def _derivative(self, edge: Edge, formulas: Formulas) -> Expression:
        v, operand = edge.result, edge.operand
        if self.level == "op":
            return formulas.derivatives(v, {id(operand)})[edge.position] or constant(edge.derivative)
        inner = self._inner_below(v)
        relevant = depending_on(inner, [operand])
        way = [u for u in inner if id(u) in relevant]
        if len(way) > MAX_CONTRACTED:
            return omitted(edge.derivative)
        found = self._partial.setdefault((operand, formulas), {operand: constant(1.0)})
        for u in way:
            if u in found:
                continue
            pairs = zip(u.operands, formulas.derivatives(u, relevant), strict=True)
            found[u] = sum((d * found[x] for x, d in pairs if d is not None), constant(0.0))
        return found[v]


def _instead_of(key: str, other: Atom, atom: Atom) -> Atom | None:
    return other if atom.key == key else None


def _swept(
    inner: Sequence[Value], one: float, derivatives: Callable[[Value], Iterable[float | None]]
) -> dict[Value, float]:
    """The reverse pass from the last of the inner nodes through all of them: ∂last/∂u for every operand u.

    It takes numbers as well as formulas; what comes from a first operand stands first in a sum.
    """
    totals = {inner[-1]: one}
    for v in reversed(inner):
        g = totals.get(v)
        if g is None:
            continue
        for u, d in reversed(list(zip(v.operands, derivatives(v), strict=True))):
            if d is not None:
                totals[u] = g * d + totals[u] if u in totals else g * d
    return totals


# ---------------------------------------------------------------- the strongest first


class _Way(NamedTuple):
    """A way from the target to a node. Sorted, the strongest comes first."""

    weakness: float  # -|product|
    place: int  # which of the edges that arrive at the node is its last
    rank: int  # which of the ways to that edge's result it continues
    product: float
    edge: Edge | None  # its last edge; None at the target


class _Ranking:
    """The ways from the target to each node, strongest first, found as far as somebody asks.

    The next way to a node is the best not yet taken among those that continue the next way to one
    of its results: multiplying by an edge keeps the order of what it is applied to, also with
    rounding, zeros, infinities and nan.
    """

    def __init__(self, arriving: dict[Value, list[Edge]]) -> None:
        """arriving: for each node the edges that arrive, results before operands; the target first."""
        self.found: dict[Value, list[_Way]] = {}
        self._waiting: dict[Value, list[_Way]] = {}  # heaps: the next way over each edge that arrives
        self._complete: set[Value] = set()  # nodes to which there is no further way
        for u, edges in arriving.items():
            ways = [self._continued(place, e, 0) for place, e in enumerate(edges)]
            heapq.heapify(ways)
            self.found[u] = [heapq.heappop(ways) if ways else _Way(-1.0, 0, 0, 1.0, None)]
            self._waiting[u] = ways

    def _continued(self, place: int, e: Edge, rank: int) -> _Way:
        product = self.found[e.result][rank].product * e.derivative
        size = abs(product) if product == product else math.inf
        return _Way(-size, place, rank, product, e)

    def advance(self, u: Value) -> bool:
        """Find one more way to u; False if there is none."""
        chain = [u]  # before a node can go on, the result that its last way came from must
        while (e := (last := self.found[chain[-1]][-1]).edge) is not None:
            if len(self.found[e.result]) > last.rank + 1 or e.result in self._complete:
                break
            chain.append(e.result)
        for v in reversed(chain):
            last, waiting = self.found[v][-1], self._waiting[v]
            if last.edge is not None and len(self.found[last.edge.result]) > last.rank + 1:
                heapq.heappush(waiting, self._continued(last.place, last.edge, last.rank + 1))
            if waiting:
                self.found[v].append(heapq.heappop(waiting))
            else:
                self._complete.add(v)
        return u not in self._complete

    def path(self, u: Value) -> Path:
        """The way to u that was found last."""
        way = last = self.found[u][-1]
        edges: list[Edge] = []
        while way.edge is not None:
            edges.append(way.edge)
            way = self.found[way.edge.result][way.rank]
        return Path(tuple(reversed(edges)), last.product)
