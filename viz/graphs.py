"""draw_graph: a recorded computation as a picture, every operation or the named quantities only.

This module decides what is shown and says it in DOT; `columns` decides where, `style` how it looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from autograd import Value
from autograd.graph import is_node, topological_order
from autograd.names import dot_text, parse
from autograd.op import describe
from autograd.paths import PathGraph
from nn.arguments import lookup, positive_integer

from .columns import chains, column_of, in_order, users_of
from .drawing import Drawing
from .style import FONT, GREY, INK, LEAF, LINE, RESULT, TARGET, number, sign_style, width

__all__ = ["MAX_NODES", "draw_graph"]

MAX_NODES = 500  # more than that fits no page
COMFORTABLE = 60  # up to so many nodes "auto" shows every operation if only leaves have names
LONGEST = 40  # characters of a name

_LEVELS = dict.fromkeys(("auto", "op", "named"))
_SHOW = {"both": (True, True), "data": (True, False), "grad": (False, True)}
_DIRECTIONS = dict.fromkeys(("LR", "TB", "RL", "BT"))
_CLUSTERS = dict.fromkeys(("layer",))


def draw_graph(
    root: Any,
    *,
    level: str = "auto",
    show: str = "both",
    direction: str = "LR",
    cluster: str | None = None,
    max_nodes: int = MAX_NODES,
) -> Drawing:
    """The computation that leads to `root`, with local derivatives on its edges.

    level      "op": every operation is a node, with its symbol; constants are small and grey, and
               x * x has two edges. "named": only nodes with a name, and the edge from u to v carries
               ∂v/∂u, whatever operations stand between. "auto": "named" if an intermediate result
               has a name or the picture would be too large otherwise; the Drawing's `level` says it.
    show       "data", "grad" or "both" on the nodes, with four significant digits.
    direction  "LR" from left to right, "TB" from top to bottom, "RL", "BT".
    cluster    "layer" draws a box around the results of each layer, as names such as z[1]_1 tell it.
    max_nodes  a larger graph is refused.

    An edge is blue and solid for a positive derivative, orange and dashed for a negative one, grey
    and dotted for zero; its width grows with the size. Leaves have corners, results are round, the
    target has a thick outline. Nodes stand in the order in which the computation names them.

    TypeError if root is not a Value; ValueError for an unknown option or a graph that is too large.
    """
    if not isinstance(root, Value):
        raise TypeError(f"draw_graph: expected a Value such as the loss, got {describe(root)}")
    lookup("level", level, _LEVELS)
    lookup("direction", direction, _DIRECTIONS)
    if cluster is not None:
        lookup("cluster", cluster, _CLUSTERS)
    shows = lookup("show", show, _SHOW)
    level = _chosen_level(root, level, positive_integer("draw_graph", "max_nodes", max_nodes))
    nodes = _every_operation(root) if level == "op" else _named_nodes(root)

    drawing = Drawing("computation", level=level)
    drawing.graph_attr.update(rankdir=direction, fontname=FONT, fontsize="11", nodesep="0.12", ranksep="0.35")
    drawing.node_attr.update(fontname=FONT, fontsize="12", fontcolor=INK, color=LINE, height="0", width="0")
    drawing.node_attr.update(shape="box", style="rounded,filled", fillcolor=RESULT, margin="0.09,0.05")
    drawing.edge_attr.update(fontname=FONT, fontsize="10", arrowsize="0.6")
    if cluster:
        drawing.graph_attr.update(newrank="true", nodesep="0.2")  # columns go through boxes
    drawing.body += _statements(nodes, shows, boxed=cluster is not None)
    return drawing


# ---------------------------------------------------------------- what is shown


class _Edge(NamedTuple):
    """An edge of the picture into a node."""

    operand: int  # its place in the list of nodes
    derivative: float | None = None  # None for what is not differentiated
    tooltip: str | None = None


class _Node(NamedTuple):
    """A node of the picture. Operands come before results; the target is last."""

    kind: str  # "leaf", "result", "target", "constant"
    data: float
    grad: float = 0.0
    name: str | None = None
    layer: str | None = None
    symbol: str | None = None  # of the operation
    edges: tuple[_Edge, ...] = ()


def _chosen_level(root: Value, level: str, max_nodes: int) -> str:
    """The level to draw, "op" or "named"; ValueError if that has more than max_nodes."""
    nodes = topological_order(root)
    constants = sum(not is_node(u) for v in nodes for u in v.operands)
    names = sum(u.label is not None for u in nodes)
    size = {"op": len(nodes) + constants, "named": names + (root.label is None)}
    if level == "auto":
        between = any(u.label is not None for u in nodes[:-1] if not u.is_leaf)
        level = "named" if between or (names and size["op"] > min(COMFORTABLE, max_nodes)) else "op"
    if size[level] <= max_nodes:
        return level
    if level == "named":
        advice = "name fewer nodes, draw an earlier result, or raise max_nodes"
    elif names and size["named"] <= max_nodes:
        advice = 'use level="named" or raise max_nodes'
    else:
        advice = 'name the nodes that matter (v.label = "z") and use level="named", or raise max_nodes'
    among = f" ({constants} of them constants)" if level == "op" and constants else ""
    raise ValueError(f"graph has {size[level]} nodes{among}; drawing is limited to {max_nodes} at this level: {advice}")


def _every_operation(root: Value) -> list[_Node]:
    graph = PathGraph(root, level="op")
    nodes: list[_Node] = []
    place: dict[Value, int] = {}
    for v in graph.nodes:
        edges = []
        for u, d in zip(v.operands, v.local_derivatives, strict=True):
            if is_node(u):
                has_names = v.label is not None and u.label is not None
                edges.append(_Edge(place[u], d, _ratio(graph, v, u, d) if has_names and d is not None else None))
            else:
                edges.append(_Edge(len(nodes)))
                nodes.append(_Node("constant", u))
        place[v] = len(nodes)
        nodes.append(_node(graph, v, tuple(edges), has_name=v.label is not None, is_single=True))
    return nodes


def _named_nodes(root: Value) -> list[_Node]:
    graph = PathGraph(root, level="named")
    place = {v: i for i, v in enumerate(graph.nodes)}
    nodes = []
    for v in graph.nodes:
        edges = tuple(
            _Edge(place[e.operand], e.derivative, _ratio(graph, v, e.operand, e.derivative)) for e in graph.edges[v]
        )
        is_single = all(u in place for u in v.operands if is_node(u))
        nodes.append(_node(graph, v, edges, has_name=True, is_single=is_single))
    return nodes


def _node(graph: PathGraph, v: Value, edges: tuple[_Edge, ...], *, has_name: bool, is_single: bool) -> _Node:
    """has_name: its name is shown. is_single: what leads to it from its neighbours is one operation."""
    parsed = None if v.label is None else parse(v.label)
    return _Node(
        kind="target" if v is graph.target else "leaf" if v.is_leaf else "result",
        data=v.data,
        grad=v.grad,
        name=_name(graph, v) if has_name else None,
        layer=None if parsed is None else parsed.layer,
        symbol=v.op.symbol if v.op is not None and is_single else None,
        edges=edges,
    )


def _name(graph: PathGraph, v: Value) -> str:
    name = graph.names.text(graph.labels[v])
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _ratio(graph: PathGraph, v: Value, u: Value, d: float) -> str:
    return f"∂{_name(graph, v)}/∂{_name(graph, u)} = {number(d)}"


def _boxes(nodes: list[_Node], operands: list[list[int]], column: list[int]) -> list[str | None]:
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


# ---------------------------------------------------------------- as DOT text

_LOOK: dict[str, dict[str, Any]] = {
    "result": {},
    "leaf": {"style": "filled", "fillcolor": LEAF},
    "target": {"fillcolor": TARGET, "color": INK, "penwidth": 2},
    "constant": {"shape": "plaintext", "style": "", "fontcolor": GREY, "fontsize": 10, "margin": "0.03,0.02"},
}


def _statements(nodes: list[_Node], shows: tuple[bool, bool], boxed: bool) -> Iterator[str]:
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


def _node_label(node: _Node, shows: tuple[bool, bool]) -> str:
    data, grad = shows
    if node.kind == "constant":
        return _label(number(node.data))
    named = [node.name or "", number(node.data) if data else ""]
    return _label(node.symbol, " = ".join(filter(None, named)), f"grad {number(node.grad)}" if grad else None)


def _edge_look(e: _Edge) -> dict[str, Any]:
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
