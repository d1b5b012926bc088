"""Gradient paths: which ways lead from a result back to a weight, and what each contributes.

`derive(L, w)` writes the chain rule out as lecture notes do. It looks at the graph of *named*
nodes: whatever elementary operations stand between two of them are contracted into one factor
∂v/∂u, with the other named nodes held fixed. The products along all paths add up to the gradient.
"""

from __future__ import annotations

import heapq
import math
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from . import names
from .backward import gradients
from .expression import Expression, constant, expression, format_number, symbol
from .graph import is_node, topological_order
from .op import Vector, describe

__all__ = ["Derivation", "Edge", "Path", "PathGraph", "derive"]

# Formulas through more unnamed operations than this are not written out.
MAX_CONTRACTED = 2000


class Edge(NamedTuple):
    """One factor of the chain rule: ∂result/∂operand and its number.

    position: the place among the result's operands at level "op", where parallel edges stay
    apart; -1 at level "named", where they are merged.
    """

    result: Any
    operand: Any
    derivative: float
    position: int = -1


class Path(NamedTuple):
    """A way from the target to the source: its edges in this order, and their product."""

    edges: tuple[Edge, ...]
    value: float

    @property
    def factors(self) -> tuple[float, ...]:
        """The local derivatives along the path."""
        return tuple(e.derivative for e in self.edges)

    @property
    def nodes(self) -> tuple[Any, ...]:
        """The nodes from the target to the source (empty if they are the same node)."""
        return tuple(e.result for e in self.edges) + ((self.edges[-1].operand,) if self.edges else ())


class PathGraph:
    """The graph below a target on which paths are counted, listed and weighed.

    target: the node to derive. level: "named" keeps the named nodes and contracts what lies
    between; "op" keeps every node and every edge of every operation. keep: nodes that stay even
    if they have no name.

    nodes   operands before results; the target is last
    edges   `edges[node]`: its edges to operands, in the order of the operation
    labels  `labels[node]`: every node's name in this graph. Unnamed nodes of level "op" are called
            v_1, v_2, ...; several nodes of one name get sample numbers: a[1](1)_2, a[1](2)_2.
    """

    def __init__(self, target: Any, *, level: str = "named", keep: Sequence[Any] = ()) -> None:
        if level not in ("named", "op"):
            raise ValueError(f"level: expected 'named' or 'op'; got {level!r}")
        self.target, self.level = target, level
        kept = {id(u) for u in (target, *keep)}
        self._is_kept = (lambda u: True) if level == "op" else (lambda u: u.label is not None or id(u) in kept)
        everything = topological_order(target)
        self.nodes: list[Any] = [u for u in everything if self._is_kept(u)]
        self.edges: dict[Any, list[Edge]] = {v: self._edges_of(v) for v in self.nodes}
        self.labels: dict[Any, str] = _labels(self.nodes, target)
        self.names = names.Names(self.labels.values())
        self._formulas: dict[Edge, Expression] = {}

    def _edges_of(self, v: Any) -> list[Edge]:
        if self.level == "op":
            pairs = enumerate(zip(v.operands, v.local_derivatives, strict=True))
            return [Edge(v, u, d, i) for i, (u, d) in pairs if d is not None]
        # a reverse sweep through unnamed nodes that stops at named ones
        totals: dict[Any, float] = {v: 1.0}
        found: dict[Any, None] = {}
        for node in reversed(self._region(v)):
            if node is not v and self._is_kept(node):
                found[node] = None
            elif node in totals:
                g = totals[node]
                for u, d in zip(node.operands, node.local_derivatives, strict=True):
                    if d is not None:
                        totals[u] = totals[u] + g * d if u in totals else g * d
        order = [u for u in self._region(v) if u in found and u in totals]
        return [Edge(v, u, totals[u]) for u in order]

    def _region(self, v: Any) -> list[Any]:
        return topological_order(v, stop=self._is_kept)

    # ------------------------------------------------------------ counting and weighing

    def count(self, source: Any) -> int:
        """The exact number of paths from the target to `source`, without listing them."""
        return self._fold(source, 1, 0, lambda edges, below: sum(below[e.operand] for e in edges))[self.target]

    def gradient(self, source: Any) -> dict[Any, float]:
        """∂node/∂source for every node, summed over paths."""
        return self._fold(source, 1.0, 0.0, lambda edges, below: _dot((e.derivative, below[e.operand]) for e in edges))

    def flow(self, source: Any) -> dict[Edge, float]:
        """How much of ∂target/∂source passes through each edge; 0 for edges off every path.

        The flows over the edges that leave the target, or enter the source, or cross any cut
        between, add up to the gradient. Linear in the number of edges, however many paths.
        """
        below = self.gradient(source)
        above: dict[Any, float] = dict.fromkeys(self.nodes, 0.0)
        above[self.target] = 1.0
        flows: dict[Edge, float] = {}
        reaches = self._fold(source, True, False, lambda edges, ok: any(ok[e.operand] for e in edges))
        for v in reversed(self.nodes):
            for e in () if v is source else self.edges[v]:
                above[e.operand] += above[v] * e.derivative
                flows[e] = above[v] * e.derivative * below[e.operand] if reaches[e.operand] else 0.0
        return flows

    def _fold(self, source: Any, at_source: Any, elsewhere: Any, combine: Any) -> dict[Any, Any]:
        """A value for every node from those of its operands, starting at the source."""
        result: dict[Any, Any] = {}
        for v in self.nodes:
            edges = self.edges[v]
            result[v] = at_source if v is source else combine(edges, result) if edges else elsewhere
        return result

    def paths(self, source: Any) -> Iterator[Path]:
        """All paths from the target to `source`, lazily, the largest |product| first.

        Best-first search: a prefix is as promising as its product times the largest product that
        any continuation can reach, so each path found costs its length, not the size of the graph.
        Ties keep the order of the operands.
        """
        if source not in self.edges:
            return
        absent = -1.0
        best = self._fold(
            source,
            1.0,
            absent,
            lambda edges, below: max(
                (_size(e.derivative * below[e.operand]) for e in edges if below[e.operand] != absent), default=absent
            ),
        )
        if best[self.target] == absent:
            return
        serial = 0
        heap: list[Any] = [(-best[self.target], serial, self.target, 1.0, None)]
        while heap:
            _, _, v, product, trail = heapq.heappop(heap)
            if v is source:
                yield Path(_unrolled(trail), product)
                continue
            for e in self.edges[v]:
                if best[e.operand] != absent:
                    serial += 1
                    so_far = product * e.derivative
                    bound = _size(so_far * best[e.operand])
                    heapq.heappush(heap, (-bound, serial, e.operand, so_far, (e, trail)))

    # ------------------------------------------------------------ formulas

    def formula(self, edge: Edge) -> Expression:
        """∂result/∂operand as a formula in the named nodes, simplified."""
        if edge not in self._formulas:
            self._formulas[edge] = self._formula(edge).simplified()
        return self._formulas[edge]

    def _formula(self, edge: Edge) -> Expression:
        v, operand = edge.result, edge.operand
        if self.level == "op":
            return _local_formulas(v, self._symbols(v, *v.operands))[edge.position]
        region = self._region(v)
        if len(region) > MAX_CONTRACTED:
            return symbol("…", edge.derivative)
        relevant = {operand}
        for node in region:
            if node is v or not self._is_kept(node):
                if any(u in relevant for u in node.operands if is_node(u)):
                    relevant.add(node)
        read = self._symbols(*(u for u in region if self._is_kept(u)))
        for node in region:
            if node not in read:
                read[node] = _read(node, read)
        totals: dict[Any, Expression] = {v: constant(1.0)}
        for node in reversed(region):
            if node not in totals or node not in relevant or (node is not v and self._is_kept(node)):
                continue
            g = totals[node]
            for u, d in zip(node.operands, _local_formulas(node, read), strict=True):
                if d is not None and u in relevant:
                    totals[u] = totals[u] + g * d if u in totals else g * d
        return totals[operand]

    def _symbols(self, *nodes: Any) -> dict[Any, Expression]:
        return {u: symbol(self.labels[u], u.data) for u in nodes if is_node(u)}


def _labels(nodes: Sequence[Any], target: Any) -> dict[Any, str]:
    users: dict[str, list[Any]] = {}
    for u in nodes:
        if u.label is not None:
            users.setdefault(u.label, []).append(u)
    fresh = (label for i in range(1, len(nodes) + len(users) + 2) if (label := f"v_{i}") not in users)
    labels: dict[Any, str] = {}
    for u in nodes:
        if u.label is None:
            labels[u] = "L" if u is target and "L" not in users else next(fresh)
        elif len(users[u.label]) == 1:
            labels[u] = u.label
        else:
            labels[u] = names.with_sample(u.label, users[u.label].index(u) + 1)
    return labels


def _read(node: Any, read: dict[Any, Expression]) -> Expression:
    """The formula of an unnamed node."""
    if node.op is None:
        return constant(node.data)
    return Expression._record(node.op, *_formula_groups(node, read))


def _formula_groups(node: Any, read: dict[Any, Expression]) -> list[Any]:
    def one(u: Any) -> Expression:
        return read[u] if is_node(u) else expression(u)

    return [g.map(one) if isinstance(g, Vector) else one(g) for g in node.operand_groups]


def _local_formulas(node: Any, read: dict[Any, Expression]) -> list[Expression | None]:
    """∂node/∂operand as a formula for each operand, None for constants."""
    z = read[node] if node in read else _read(node, read)
    groups = _formula_groups(node, read)
    flat: list[Expression | None] = []
    for i, us in enumerate(node.operand_groups):
        several = isinstance(us, Vector)
        operands = us if several else (us,)
        if not any(is_node(u) for u in operands):
            flat.extend([None] * len(operands))
            continue
        d = node.op.derivative(i, z, groups)
        each = d if isinstance(d, tuple) else (d,) * len(operands)
        flat.extend(expression(e) if is_node(u) else None for u, e in zip(operands, each, strict=True))
    return flat


def _dot(pairs: Iterator[tuple[float, float]]) -> float:
    total = 0.0
    for x, y in pairs:
        total += x * y
    return total


def _size(x: float) -> float:
    """|x|, with nan counted as infinite so that it comes first and is seen."""
    return math.inf if x != x else abs(x)


def _unrolled(trail: Any) -> tuple[Edge, ...]:
    edges = []
    while trail is not None:
        edge, trail = trail
        edges.append(edge)
    return tuple(reversed(edges))


# ---------------------------------------------------------------- derivations


def derive(target: Any, source: Any, *, level: str = "named", top: int | None = None, limit: int = 10_000) -> Derivation:
    """∂target/∂source, derived path by path.

    target, source: Values; the source needs a label (at level "op" every node gets a name).
    level: "named" (chains of named nodes, as lecture notes write them) or "op" (every operation).
    top: list only that many paths, strongest first. limit: more paths than this are refused
    unless `top` is given.

    Returns a Derivation: print it, or take `.latex()`. A source that the target does not depend
    on gives a Derivation with no paths and the value 0, which says so.

    TypeError for what is not a node; ValueError for an unnamed source, an unknown level, or more
    paths than `limit` (says how many).
    """
    for role, node in (("target", target), ("source", source)):
        if not is_node(node):
            raise TypeError(f"derive: expected the {role} to be a Value, got {describe(node)}")
    if top is not None and (not isinstance(top, int) or top < 1):
        raise ValueError(f"derive: expected top to be a positive integer or None; got {top!r}")
    if level == "named" and source.label is None and source is not target:
        raise ValueError(
            "derive: the source has no name to write formulas with. Give it one (w.label = 'w'), "
            "or use level='op', where every node has a name"
        )
    graph = PathGraph(target, level=level, keep=(source,))
    count = graph.count(source) if source in graph.edges else 0
    if top is None and count > limit:
        raise ValueError(f"{count} paths: more than limit={limit}; ask for top=, or name fewer nodes")
    listed = []
    for path in graph.paths(source):
        listed.append(path)
        if len(listed) == top:
            break
    return Derivation(graph, source, tuple(listed), count, gradients(target, source))


class Derivation:
    """The chain rule for ∂target/∂source, written out.

    target, source  the two nodes
    paths           the paths listed, strongest first, each with `.edges`, `.factors`, `.value`
    count           how many paths there are (exact, also if fewer are listed)
    value           the gradient, from the reverse pass
    sum             what the listed paths add up to
    remainder       value - sum: what the paths not listed contribute (rounding if all are)
    graph           the PathGraph: formulas, flow, names

    `str()` gives text (ASCII where the terminal has no Unicode), `latex()` LaTeX; notebooks show
    the latter.
    """

    def __init__(self, graph: PathGraph, source: Any, paths: tuple[Path, ...], count: int, value: float) -> None:
        self.graph, self.target, self.source = graph, graph.target, source
        self.paths, self.count, self.value = paths, count, value

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Path]:
        return iter(self.paths)

    def __repr__(self) -> str:
        return f"<derivation of {self._ratio(_ASCII)}: {_counted(self.count)}, {self.value!r}>"

    @property
    def sum(self) -> float:
        """The sum of the products of the listed paths."""
        values = [p.value for p in self.paths]
        return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)

    @property
    def remainder(self) -> float:
        """What the paths that are not listed contribute; rounding error if all are listed."""
        return self.value - self.sum

    def shares(self) -> tuple[float, ...]:
        """|product| of each listed path over the sum of all listed |products|; they add up to 1."""
        sizes = [abs(p.value) for p in self.paths]
        total = math.fsum(sizes) if all(map(math.isfinite, sizes)) else math.nan
        return tuple(s / total if total else 0.0 for s in sizes)

    def flow(self) -> dict[Edge, float]:
        """How much of the gradient passes through each edge; see PathGraph.flow."""
        return self.graph.flow(self.source)

    def formulas(self, path: Path) -> tuple[Expression, ...]:
        """The factors of a path as formulas."""
        return tuple(self.graph.formula(e) for e in path.edges)

    # ------------------------------------------------------------ text

    def __str__(self) -> str:
        text = self.text()
        try:
            text.encode(sys.stdout.encoding or "utf-8")
        except (UnicodeEncodeError, LookupError, AttributeError):
            return self.text(ascii=True)
        return text

    def text(self, *, ascii: bool = False) -> str:
        """The derivation as text: chains, formulas, numbers, products, the sum and source.grad."""
        to = _ASCII if ascii else _UNICODE
        ratio = self._ratio(to)
        if not self.count:
            return f"{ratio} = 0: {self._name(self.target, to)} does not depend on {self._name(self.source, to)}"
        lines = [f"{ratio} = {to.number(self.value)}   ({_counted(self.count)})"]
        for i, (path, share) in enumerate(zip(self.paths, self.shares(), strict=True), 1):
            lines += ["", *self._block(i, path, share, to)]
        return "\n".join([*lines, "", *self._summary(to)])

    def _block(self, i: int, path: Path, share: float, to: _Notation) -> list[str]:
        head = f"{i}.  " + to.arrow.join(self._name(u, to) for u in path.nodes or (self.source,))
        if self.count > 1:
            head += f"   ({share:.1%})"
        several = len(path.edges) > 1
        rows = [
            [self._ratio(to, e.result, e.operand) for e in path.edges],
            [to.formula(self.graph.formula(e), self._namer(to), factor=several) for e in path.edges],
            [to.number(d, factor=several) for d in path.factors],
        ]
        if rows[1] == rows[2]:
            del rows[1]
        widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
        indent = " " * 4
        lines = [head]
        for lead, row in zip((indent, "  = ", "  = "), rows, strict=False):
            cells = [cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)]
            lines.append((lead + to.times.join(cells)).rstrip())
        if len(path.edges) != 1:
            lines.append(f"  = {to.number(path.value)}")
        return lines

    def _summary(self, to: _Notation) -> list[str]:
        listed = len(self.paths)
        rows = []
        if listed < self.count:
            rows.append((f"sum of the {listed} strongest", to.number(self.sum)))
            rows.append((f"the other {self.count - listed}", to.number(self.remainder)))
        elif self.count > 1:
            rows.append((f"sum of {listed} paths", to.number(self.sum)))
        rows.append((f"{self._name(self.source, to)}.grad", f"{to.number(self.source.grad)}   ({self._verdict(to)})"))
        width = max(_width(name) for name, _ in rows)
        return [f"{name}{' ' * (width - _width(name))}   {number}" for name, number in rows]

    def _verdict(self, to: _Notation) -> str:
        """How source.grad compares with the gradient derived here."""
        from .value import NO_GRADIENT

        grad, value = self.source.grad, self.value
        if grad is NO_GRADIENT and self.target.grad is NO_GRADIENT:
            return "no backward pass yet"
        if grad == value or abs(grad - value) <= 1e-9 * abs(value) or (grad != grad and value != value):
            if len(self.paths) < self.count or abs(self.remainder) == 0 or not math.isfinite(self.remainder):
                return "equal to the gradient" if len(self.paths) < self.count else "equal"
            return f"equal; rounding {to.number(self.remainder, digits=1)}"
        return f"not {to.number(value)}: it adds up over backward passes, or belongs to another target"

    # ------------------------------------------------------------ LaTeX

    def latex(self) -> str:
        r"""The derivation as a LaTeX `aligned` environment (to be put in math mode)."""
        to = _LATEX
        ratio = self._ratio(to)
        if not self.count:
            return rf"{ratio} = 0"
        rest = len(self.paths) < self.count
        namer = self._namer(to)
        rows: list[str] = []

        def add(parts: list[str], ending: str = "") -> None:
            body = [("&= " if i == 0 else r"&\quad {} + ") + part for i, part in enumerate(parts)]
            if rest and ending:
                body[-1] += " + " + ending
            rows.extend(body)

        add([r"\,".join(self._ratio(to, e.result, e.operand) for e in p.edges) or "1" for p in self.paths], r"\cdots")
        add(
            [r" \cdot ".join(to.formula(self.graph.formula(e), namer, factor=len(p.edges) > 1) for e in p.edges) or "1" for p in self.paths],
            r"\cdots",
        )
        add([r" \cdot ".join(to.number(d, factor=len(p.factors) > 1) for d in p.factors) or "1" for p in self.paths], r"\cdots")
        if self.count > 1:
            products = [to.number(p.value, factor=i > 0) for i, p in enumerate(self.paths)]
            if rest:
                products.append(to.number(self.remainder, factor=True))
            rows.append("&= " + " + ".join(products))
        rows.append("&= " + to.number(self.value))
        joined = " \\\\\n".join(rows)
        return f"\\begin{{aligned}}\n{ratio} {joined}\n\\end{{aligned}}"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"

    # ------------------------------------------------------------ names

    def _namer(self, to: _Notation) -> Any:
        return getattr(self.graph.names, to.target)

    def _name(self, node: Any, to: _Notation) -> str:
        label = self.graph.labels.get(node) or node.label or "v"
        return self._namer(to)(label)

    def _ratio(self, to: _Notation, result: Any = None, operand: Any = None) -> str:
        over = self._name(self.target if result is None else result, to)
        under = self._name(self.source if operand is None else operand, to)
        return to.ratio.replace("{over}", over).replace("{under}", under)


class _Notation(NamedTuple):
    """How a derivation is put on paper."""

    target: str  # the method of names.Names, and of Expression
    ratio: str
    times: str
    arrow: str
    minus: str

    def number(self, x: float, *, factor: bool = False, digits: int = 4) -> str:
        text = format_number(x, digits).replace("-", self.minus)
        if self.target == "latex":
            mantissa, e, exponent = text.partition("e")
            text = rf"{mantissa} \times 10^{{{int(exponent)}}}" if e else text.replace("inf", r"\infty")
        return f"({text})" if factor and (x < 0) else text

    def formula(self, formula: Expression, name: Any, *, factor: bool) -> str:
        text = getattr(formula, self.target)(name)
        alone = not factor or (len(formula.terms) <= 1 and not text.startswith(self.minus))
        left, right = (r"\left(", r"\right)") if self.target == "latex" else ("(", ")")
        return text if alone else f"{left}{text}{right}"


_UNICODE = _Notation("text", "∂{over}/∂{under}", " · ", " → ", "−")
_ASCII = _Notation("ascii", "d{over}/d{under}", " * ", " -> ", "-")
_LATEX = _Notation("latex", r"\frac{\partial {over}}{\partial {under}}", r" \cdot ", r" \to ", "-")


def _counted(count: int) -> str:
    return "1 path" if count == 1 else f"{count} paths"


def _width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    return sum(not unicodedata.combining(ch) for ch in text)
