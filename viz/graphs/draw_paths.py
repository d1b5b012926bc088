"""draw_paths: a derivation as a picture, each of its paths in a colour, with the factors on its edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd import Derivation, Edge, MatrixDerivation, Value
from autograd.arguments import positive_integer
from autograd.matrices.graph import MatrixGraph
from autograd.operands import describe

from ..dot.diagram import Arrow, Node, diagram, pale_arrow, pale_node
from ..dot.drawing import Drawing
from ..options import Asked, drawing
from ..style import current, cut
from .captions import Texts, drawn_of, formula_of, highlighted, kind_of, ratio, shortened, symbol_of, too_large
from .draw_graph import MAX_NODES
from .tensors import Tensors

__all__ = ["draw_paths"]

LONGEST_FORMULA = 24  # characters; a longer formula is left to the tooltip
LONGEST_CHAIN = 90  # characters of a path in the legend


@drawing
def draw_paths(
    derivation: Any,
    *,
    show: Any = "data",
    direction: str = "LR",
    others: bool = True,
    max_nodes: int = MAX_NODES,
    digits: int = 4,
    edges: str | None = "auto",
    highlight: Any = (),
    title: str | None = None,
    legend: bool = True,
    width: Any = None,
    look: Any = None,
) -> Drawing:
    """The paths that a derivation lists, strongest first, in the graph that they go through.

    derivation  as `derive(L, w)` gives it; with `top=3` it lists the strongest three. For Tensors,
                the way of the gradient back to the source, with a formula on every edge of it, as
                in `draw_graph`.
    show        what the nodes of the paths show, as for draw_graph.
    direction   "LR" from left to right, "TB" from top to bottom, "RL", "BT".
    others      draw also what is on no listed path, pale; False leaves it out.
    max_nodes   a larger graph is refused.
    edges       what edges on paths carry: "auto" formula and number, "number", "formula" or None.
    legend      whether there is one. digits, highlight, title, width, look: as for draw_graph.

    The first six paths have a colour and a number each, which the legend explains with the product and
    the share of the path; an edge that several of them take has all their colours. The other paths
    listed are dark. Every edge on a path carries its factor: the formula, if it is short, and the
    number; negative ones are dashed. `level` is that of the derivation.

    TypeError for what is no Derivation; ValueError for one without paths, an unknown option or a
    graph that is too large.
    """
    if not isinstance(derivation, Derivation | MatrixDerivation):
        raise TypeError(f"draw_paths: expected a Derivation such as derive(L, w), got {describe(derivation)}")
    if not (derivation.paths if isinstance(derivation, Derivation) else derivation.steps):
        raise ValueError(f"draw_paths: there is no path to draw: {derivation}")
    limit = positive_integer("draw_paths", "max_nodes", max_nodes)
    asked = Asked(show, digits, edges, direction, title, legend, width, highlight)
    texts = Texts(derivation.target, asked)
    drawn: _Paths | _Way
    if isinstance(derivation, Derivation):
        drawn = _Paths(derivation, texts)
    elif edges == "number":
        raise ValueError("draw_paths: edges of Tensors carry formulas; use edges='formula' or None")
    else:
        drawn = _Way(derivation, texts)
    size, alone = len(drawn.graph.nodes), len(drawn.on_paths)
    if (size if others else alone) > limit:
        advice = "use others=False to draw the paths alone, or " if others and alone <= limit else drawn.advice
        raise too_large(size if others else alone, "", limit, f"{advice}raise max_nodes")
    nodes, level = drawn.nodes(others=others), drawn.graph.level
    asked = highlighted(drawn.graph, asked, "draw_paths", drawn_of(nodes))
    return diagram(nodes, asked, level=level, legend=[*(drawn.legend() if legend else ()), *texts.notes()])


class _Way:
    """The way of the gradient through a graph of Tensors, from the target back to the source."""

    advice = ""

    def __init__(self, derivation: MatrixDerivation, texts: Texts) -> None:
        self.derivation, self.graph = derivation, MatrixGraph(derivation.target)
        if derivation.source not in self.graph.labels:
            raise ValueError('draw_paths: the source has no name; give it one, such as t.label = "V"')
        self.tensors = Tensors(self.graph, texts)
        self.on_paths = self.tensors.way_from(derivation.source)

    def nodes(self, *, others: bool) -> list[Node]:
        return self.tensors.nodes(way=self.on_paths, others=others)

    def legend(self) -> list[tuple[str, str]]:
        """The way, if it does not fork, and what arrives at its end."""
        way, name, value = self.on_paths, self.tensors.name, self.derivation.value
        forks = any(sum(not e.is_constant and e.operand in way for e in self.graph.edges_of(v)) > 1 for v in way)
        chain = " → ".join(map(name, reversed(way)))
        lines = [(chain, current().paths[0])] if not forks and len(chain) <= LONGEST_CHAIN else []
        norm = self.tensors.look.number(float(np.linalg.norm(value.ravel())))
        return [*lines, (f"d{name(self.derivation.source)}: shape {value.shape}, norm {norm}", current().ink)]


class _Paths:
    """The paths of a derivation in the graph of its Values."""

    advice = "list fewer paths with derive(..., top=), or "

    def __init__(self, derivation: Derivation, texts: Texts) -> None:
        self.derivation, self.graph, self.texts, self.look = derivation, derivation.graph, texts, texts.look
        self.taken: dict[Edge, list[int]] = {}  # for every edge on a path the places of the paths that take it
        for i, path in enumerate(derivation.paths):
            for e in path.edges:
                self.taken.setdefault(e, []).append(i)
        self.on_paths = {derivation.target, *(u for e in self.taken for u in (e.result, e.operand))}

    def nodes(self, *, others: bool) -> list[Node]:
        shown = [v for v in self.graph.nodes if others or v in self.on_paths]
        place = {v: i for i, v in enumerate(shown)}
        nodes = []
        for v in shown:
            edges = [e for e in self.graph.edges_of(v) if e in self.taken or (others and e.operand in place)]
            nodes.append(self._node(v, tuple(self._arrow(place[e.operand], e) for e in edges)))
        return nodes

    def _node(self, v: Value, arrows: tuple[Arrow, ...]) -> Node:
        graph, kind, name = self.graph, kind_of(self.graph, v), shortened(self.graph, v)
        if v not in self.on_paths:
            return Node(kind, name=name, edges=arrows, lines=(self.look.name(name),), look=pale_node(), of=(v,))
        look = {"penwidth": 2, "color": current().ink} if v is self.derivation.source else {"color": current().ink}
        data, grad = self.texts.data(v), self.texts.grad(v)
        return Node(kind, data, grad, name, symbol=symbol_of(graph, v), edges=arrows, look=look, of=(v,))

    def _arrow(self, operand: int, e: Edge) -> Arrow:
        value, slope = self.look.number(e.derivative), ratio(self.graph, e.result, e.operand)
        if e not in self.taken:
            return Arrow(operand, e.derivative, f"{slope} = {value}", (), pale_arrow())
        formula = formula_of(self.graph, e)
        coloured = [i for i in self.taken[e] if i < len(current().paths)]
        colors = [current().paths[i] for i in coloured] or [current().ink]
        look: dict[str, Any] = {
            "color": ":".join(colors),
            "penwidth": 1.8 if len(colors) < 3 else 1.1,  # of each colour
            "fontcolor": colors[0] if len(colors) == 1 else current().ink,
        }
        if e.derivative < 0:
            look["style"] = "dashed"
        lines = [self._factor(formula, value)]
        if coloured and len(self.derivation) > 1:
            lines.append(("path " if len(coloured) == 1 else "paths ") + ", ".join(str(i + 1) for i in coloured))
        lines.append(" ")  # the edge would touch the text
        return Arrow(operand, e.derivative, f"{slope} = {formula} = {value}", tuple(lines), look)

    def _factor(self, formula: str, value: str) -> str:
        is_short = value != formula and len(formula) <= LONGEST_FORMULA
        if self.look.edges == "auto":
            return f"{formula} = {value}" if is_short else value
        return formula if self.look.edges == "formula" and is_short else value

    def legend(self) -> list[tuple[str, str]]:
        """A line for each path that has a colour, one for the others, and one for the sum."""
        derivation, ink, hues = self.derivation, current().ink, current().paths
        lines = []
        for i, (path, share, color) in enumerate(zip(derivation.paths, derivation.shares(), hues, strict=False), 1):
            chain = " → ".join(shortened(self.graph, v) for v in path.nodes or (derivation.source,))
            part = f"   ({share:.1%})" if share == share else ""
            lines.append((f"{i}.  {cut(chain, LONGEST_CHAIN)}   {self.look.number(path.value)}{part}", color))
        if (rest := derivation.count - len(lines)) > 0:
            value = derivation.value - math.fsum(path.value for path in derivation.paths[: len(hues)])
            words = "the other path" if rest == 1 else f"the other {rest} paths"
            lines.append((f"{words}   {self.look.number(value)}", ink))
        slope = ratio(self.graph, derivation.target, derivation.source)
        return [*lines, (f"{slope} = {self.look.number(derivation.value)}", ink)]
