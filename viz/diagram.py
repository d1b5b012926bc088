"""Nodes and edges as DOT text: what of them is written, how they look, and that they stay in place.

What they stand for, and which there are, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from autograd.names import dot_text

from .columns import chains, column_of, in_order, passed_leaves, users_of
from .drawing import Drawing
from .style import FONT, GREY, INK, LEAF, LINE, RESULT, TARGET, number, sign_style, width

__all__ = ["Edge", "Node", "diagram"]


class Edge(NamedTuple):
    """An edge into a node."""

    operand: int  # the place of the node it comes from
    derivative: float | None = None  # None for what is not differentiated
    tooltip: str | None = None


class Node(NamedTuple):
    """A quantity in a computation."""

    kind: str  # "leaf", "result", "target", "constant"
    data: float
    grad: float = 0.0
    name: str | None = None
    layer: str | None = None
    symbol: str | None = None  # of the operation
    edges: tuple[Edge, ...] = ()


def diagram(
    nodes: Sequence[Node], *, level: str, direction: str, data: bool = True, grad: bool = True, boxed: bool = False
) -> Drawing:
    """The picture of a computation; operands come before results, the target is last.

    direction: the rankdir of Graphviz. data, grad: whether nodes show them. boxed: draw a box around
    the results of each layer.
    """
    drawing = Drawing("computation", level=level)
    drawing.graph_attr.update(rankdir=direction, fontname=FONT, fontsize="11", nodesep="0.12", ranksep="0.35")
    drawing.node_attr.update(fontname=FONT, fontsize="12", fontcolor=INK, color=LINE, height="0", width="0")
    drawing.node_attr.update(shape="box", style="rounded,filled", fillcolor=RESULT, margin="0.09,0.05")
    drawing.edge_attr.update(fontname=FONT, fontsize="10", arrowsize="0.6")
    if boxed:
        drawing.graph_attr.update(newrank="true", nodesep="0.2")  # columns go through boxes
    drawing.body += _statements(nodes, (data, grad), boxed)
    return drawing


def _boxes(nodes: Sequence[Node], operands: list[list[int]], column: list[int]) -> list[str | None]:
    """The layer in whose box each node stands.

    Results have it from their name, unnamed ones from what uses them. A leaf is in the box only if
    it stands beside results that are.
    """
    layers = [node.layer if node.edges else None for node in nodes]
    users = users_of(operands)

    def of_users(u: int) -> str | None:
        around = {layers[v] for v in users[u]}
        return around.pop() if len(around) == 1 else None

    for u, node in reversed(list(enumerate(nodes))):
        if node.edges and node.name is None:
            layers[u] = of_users(u)
    first: dict[str | None, int] = {}
    for layer, c in zip(layers, column, strict=True):
        first[layer] = min(c, first.get(layer, c))
    for u, node in enumerate(nodes):
        if not node.edges and (layer := of_users(u)) is not None and column[u] >= first[layer]:
            layers[u] = layer
    return layers


_LOOK: dict[str, dict[str, Any]] = {
    "result": {},
    "leaf": {"style": "filled", "fillcolor": LEAF},
    "target": {"fillcolor": TARGET, "color": INK, "penwidth": 2},
    "constant": {"shape": "plaintext", "style": "", "fontcolor": GREY, "fontsize": 10, "margin": "0.03,0.02"},
}


def _statements(nodes: Sequence[Node], shows: tuple[bool, bool], boxed: bool) -> Iterator[str]:
    """The lines between the braces.

    The target is n0 and comes first, then column by column: where Graphviz has a choice, as within
    a box, it keeps the order that it finds in this way only.
    """
    operands = [[e.operand for e in node.edges] for node in nodes]
    users = users_of(operands)
    column = column_of(operands)
    nowhere: list[str | None] = [None] * len(nodes)
    layers = _boxes(nodes, operands, column) if boxed else nowhere
    columns = in_order(operands, column, layers)
    order = [u for us in reversed(columns) for u in us]
    ids = {u: f"n{i}" for i, u in enumerate(order)}
    chain = chains(operands)
    for u in order:
        start = chain[u]
        group = {} if start is None else {"group": ids[start]}  # a group stands in a straight line
        yield _line(ids[u], label=_node_label(nodes[u], shows), **_LOOK[nodes[u].kind], **group)
    for i, layer in enumerate(dict.fromkeys(layers[u] for u in order if layers[u] is not None)):
        yield f"\tsubgraph cluster_{i} {{\n"
        look = {"labeljust": "r", "style": "rounded", "color": LINE, "fontcolor": GREY}
        yield "\t" + _line("graph", label=_label(f"layer {layer}"), **look)
        yield from (f"\t\t{ids[u]}\n" for u in order if layers[u] == layer)
        yield "\t}\n"
    for us in reversed(columns):
        yield from _pins(us, ids, users, layers)
    for u, v in passed_leaves(operands, columns):
        # Graphviz swaps nodes across one that nothing leads to, against the pins.
        yield _line(f"{ids[u]} -> {ids[v]}", style="invis", weight=0)
    for u in order:
        for e in nodes[u].edges:
            yield _line(f"{ids[e.operand]} -> {ids[u]}", **_edge_look(e))


def _pins(column: list[int], ids: dict[int, str], users: list[list[int]], layers: list[str | None]) -> Iterator[str]:
    """Invisible edges down a column, which hold its order; the gap is wider where another unit begins.

    Within a box there are none: there Graphviz lets them turn the order round.
    """
    if len(column) > 1:
        yield "\t{ rank=same\n"
        yield from (f"\t\t{ids[u]}\n" for u in column if layers[u] is not None)
        for u, v in pairwise(column):
            if layers[u] is None or layers[u] != layers[v]:
                gap = 1 if users[u] == users[v] else 2
                yield "\t" + _line(f"{ids[u]} -> {ids[v]}", style="invis", minlen=gap)
        yield "\t}\n"


def _node_label(node: Node, shows: tuple[bool, bool]) -> str:
    data, grad = shows
    if node.kind == "constant":
        return _label(number(node.data))
    named = [node.name or "", number(node.data) if data else ""]
    return _label(node.symbol, " = ".join(filter(None, named)), f"grad {number(node.grad)}" if grad else None)


def _edge_look(e: Edge) -> dict[str, Any]:
    if e.derivative is None:
        return {"color": GREY, "penwidth": 0.7}
    color, style = sign_style(e.derivative)
    look = {"label": _label(number(e.derivative)), "color": color, "fontcolor": color, "penwidth": width(e.derivative)}
    if style != "solid":
        look["style"] = style
    if e.tooltip is not None:
        look["tooltip"] = _label(e.tooltip)
    return look


def _label(*lines: str | None) -> str:
    """Lines of any text, ready to stand in a quoted DOT string."""
    return "\\n".join(dot_text(line) for line in lines if line)


def _line(statement: str, **attributes: Any) -> str:
    quoted = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"\t{statement} [{quoted}]\n"
