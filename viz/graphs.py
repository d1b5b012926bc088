"""draw_graph: a recorded computation as a picture, every operation or the named quantities only.

This module decides what is shown; `diagram` writes it as DOT, `columns` places it, `style` is its look.
"""

from __future__ import annotations

from typing import Any

from autograd import Value
from autograd.graph import is_node, topological_order
from autograd.names import parse
from autograd.op import describe
from autograd.paths import PathGraph
from nn.arguments import lookup, positive_integer

from .diagram import Edge, Node, diagram
from .drawing import Drawing
from .style import number

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
    data, grad = lookup("show", show, _SHOW)
    level = _chosen_level(root, level, positive_integer("draw_graph", "max_nodes", max_nodes))
    nodes = _every_operation(root) if level == "op" else _named_nodes(root)

    boxed = cluster is not None
    return diagram(nodes, level=level, direction=direction, data=data, grad=grad, boxed=boxed)


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


def _every_operation(root: Value) -> list[Node]:
    graph = PathGraph(root, level="op")
    nodes: list[Node] = []
    place: dict[Value, int] = {}
    for v in graph.nodes:
        edges = []
        for u, d in zip(v.operands, v.local_derivatives, strict=True):
            if is_node(u):
                has_names = v.label is not None and u.label is not None
                edges.append(Edge(place[u], d, _ratio(graph, v, u, d) if has_names and d is not None else None))
            else:
                edges.append(Edge(len(nodes)))
                nodes.append(Node("constant", u))
        place[v] = len(nodes)
        nodes.append(_node(graph, v, tuple(edges), has_name=v.label is not None, is_single=True))
    return nodes


def _named_nodes(root: Value) -> list[Node]:
    graph = PathGraph(root, level="named")
    place = {v: i for i, v in enumerate(graph.nodes)}
    nodes = []
    for v in graph.nodes:
        edges = tuple(
            Edge(place[e.operand], e.derivative, _ratio(graph, v, e.operand, e.derivative)) for e in graph.edges[v]
        )
        is_single = all(u in place for u in v.operands if is_node(u))
        nodes.append(_node(graph, v, edges, has_name=True, is_single=is_single))
    return nodes


def _node(graph: PathGraph, v: Value, edges: tuple[Edge, ...], *, has_name: bool, is_single: bool) -> Node:
    """has_name: its name is shown. is_single: what leads to it from its neighbours is one operation."""
    parsed = None if v.label is None else parse(v.label)
    return Node(
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
