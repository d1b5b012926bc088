"""draw_paths: a derivation as a picture, each of its paths in a colour, with the factors on its edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import MatrixDerivation
from autograd.derivation import Derivation
from autograd.matrix_graph import MatrixGraph
from autograd.notation import Text
from autograd.op import describe
from autograd.paths import Edge as Factor
from autograd.paths import Path
from nn.arguments import lookup, positive_integer

from .coarse import ratio, shortened, symbol_of
from .diagram import Edge, Node, diagram
from .drawing import Drawing
from .graphs import DIRECTIONS, MAX_NODES, SHOW
from .style import GREY, INK, PALE, PAPER, PATHS, cut, number
from .tensors import Tensors

__all__ = ["draw_paths"]

LONGEST_FORMULA = 24  # characters; a longer formula is left to the tooltip
LONGEST_CHAIN = 90  # characters of a path in the legend


def draw_paths(
    derivation: Any,
    *,
    show: str = "data",
    direction: str = "LR",
    others: bool = True,
    max_nodes: int = MAX_NODES,
) -> Drawing:
    """The paths that a derivation lists, strongest first, in the graph that they go through.

    derivation  as `derive(L, w)` gives it; with `top=3` it lists the strongest three. For Tensors,
                the way of the gradient back to the source, with a formula on every edge of it, as
                in `draw_graph`.
    show        "data", "grad" or "both" on the nodes of the paths.
    direction   "LR" from left to right, "TB" from top to bottom, "RL", "BT".
    others      draw also what is on no listed path, pale; False leaves it out.
    max_nodes   a larger graph is refused.

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
    lookup("direction", direction, DIRECTIONS)
    data, grad = lookup("show", show, SHOW)
    limit = positive_integer("draw_paths", "max_nodes", max_nodes)
    if isinstance(derivation, MatrixDerivation):
        return _way_back(derivation, data, grad, direction, others, limit)
    graph = derivation.graph
    taken = _paths_over(derivation.paths)
    on_paths = {derivation.target, *(u for e in taken for u in (e.result, e.operand))}
    shown = [v for v in graph.nodes if others or v in on_paths]
    if len(shown) > limit:
        advice = "list fewer paths with derive(..., top=), or raise max_nodes"
        if others and len(on_paths) <= limit:
            advice = "use others=False to draw the paths alone, or raise max_nodes"
        raise ValueError(f"graph has {len(shown)} nodes; drawing is limited to {limit}: {advice}")
    place = {v: i for i, v in enumerate(shown)}
    nodes = []
    for v in shown:
        factors = [e for e in graph.edges_of(v) if e in taken or (others and e.operand in place)]
        edges = tuple(_edge(derivation, place[e.operand], e, taken.get(e)) for e in factors)
        nodes.append(_node(derivation, v, edges, v in on_paths))
    return diagram(nodes, level=graph.level, direction=direction, data=data, grad=grad, legend=_legend(derivation))


def _way_back(
    derivation: MatrixDerivation, data: bool, grad: bool, direction: str, others: bool, limit: int
) -> Drawing:
    """The graph of Tensors with the way from the target to the source highlighted."""
    graph = MatrixGraph(derivation.target)
    if derivation.source not in graph.labels:
        raise ValueError('draw_paths: the source has no name; give it one, such as t.label = "V"')
    tensors = Tensors(graph, data=data, grad=grad)
    way = tensors.way_from(derivation.source)
    if (size := len(graph.nodes) if others else len(way)) > limit:
        advice = "use others=False to draw the way alone, or " if len(way) <= limit else ""
        raise ValueError(f"graph has {size} nodes; drawing is limited to {limit}: {advice}raise max_nodes")
    forks = any(sum(not e.is_constant and e.operand in way for e in graph.edges_of(v)) > 1 for v in way)
    chain = " → ".join(map(tensors.name, reversed(way)))
    legend = [(chain, PATHS[0])] if not forks and len(chain) <= LONGEST_CHAIN else []
    norm = number(float(np.linalg.norm(derivation.value.ravel())))
    legend.append((f"d{tensors.name(derivation.source)}: shape {derivation.value.shape}, norm {norm}", INK))
    nodes = tensors.nodes(way=way, others=others)
    return diagram(nodes, level=graph.level, direction=direction, legend=legend)


def _paths_over(paths: Sequence[Path]) -> dict[Factor, list[int]]:
    """For every edge on a path the places of the paths that take it."""
    taken: dict[Factor, list[int]] = {}
    for i, path in enumerate(paths):
        for e in path.edges:
            taken.setdefault(e, []).append(i)
    return taken


def _node(derivation: Derivation, v: Any, edges: tuple[Edge, ...], is_on_path: bool) -> Node:
    graph = derivation.graph
    kind = "target" if v is graph.target else "leaf" if v.is_leaf else "result"
    name = shortened(graph, v)
    if not is_on_path:
        pale = {"color": PALE, "fontcolor": GREY, "fillcolor": PAPER, "fontsize": 10}
        return Node(kind, name=name, edges=edges, lines=(name,), look=pale)
    look = {"penwidth": 2, "color": INK} if v is derivation.source else {"color": INK}
    return Node(kind, v.data, v.grad, name, symbol=symbol_of(graph, v), edges=edges, look=look)


def _edge(derivation: Derivation, operand: int, e: Factor, paths: list[int] | None) -> Edge:
    graph = derivation.graph
    slope = ratio(graph, e.result, e.operand)
    if paths is None:
        return Edge(operand, e.derivative, f"{slope} = {number(e.derivative)}", (), {"color": PALE, "penwidth": 0.8})
    formula, value = Text(graph.names.text).sum(graph.formula(e)), number(e.derivative)
    coloured = [i for i in paths if i < len(PATHS)]
    colors = [PATHS[i] for i in coloured] or [INK]
    penwidth = 1.8 if len(colors) < 3 else 1.1  # of each colour
    look = {"color": ":".join(colors), "penwidth": penwidth, "fontcolor": colors[0] if len(colors) == 1 else INK}
    if e.derivative < 0:
        look["style"] = "dashed"
    lines = [f"{formula} = {value}" if value != formula and len(formula) <= LONGEST_FORMULA else value]
    if coloured and len(derivation) > 1:
        lines.append(("path " if len(coloured) == 1 else "paths ") + ", ".join(str(i + 1) for i in coloured))
    if len(colors) > 1:
        lines.append(" ")  # the broad edge would touch the text
    return Edge(operand, e.derivative, f"{slope} = {formula} = {value}", tuple(lines), look)


def _legend(derivation: Derivation) -> list[tuple[str, str]]:
    """A line for each path that has a colour, one for the others, and one for the sum."""
    graph, count = derivation.graph, derivation.count
    lines = []
    for i, (path, share, color) in enumerate(zip(derivation.paths, derivation.shares(), PATHS, strict=False), 1):
        chain = " → ".join(shortened(graph, v) for v in path.nodes or (derivation.source,))
        part = f"   ({share:.1%})" if share == share else ""
        lines.append((f"{i}.  {cut(chain, LONGEST_CHAIN)}   {number(path.value)}{part}", color))
    if (rest := count - len(lines)) > 0:
        value = derivation.value - math.fsum(path.value for path in derivation.paths[: len(PATHS)])
        lines.append((f"the other {'path' if rest == 1 else f'{rest} paths'}   {number(value)}", INK))
    result = ratio(graph, derivation.target, derivation.source)
    return [*lines, (f"{result} = {number(derivation.value)}", INK)]
