"""The reverse pass over Values as text: every += that `backward` does, in its order."""

from __future__ import annotations

from collections.abc import Iterator

from ..formulas.notation import Ascii, Text, Writer
from ..operands import describe, is_array_node
from ..value import Value
from .path_graph import PathGraph

__all__ = ["additions", "backward_steps"]

# More lines than this nobody reads.
LIMIT = 2_000


def backward_steps(target: Value, *, digits: int = 4, ascii: bool = False, limit: int = LIMIT) -> str:
    """What `target.backward()` does, a line for each `+=`: local derivative times what arrived, and what it makes.

    target: a Value that was computed. digits: significant digits. ascii: without Unicode. It changes no `.grad`; what
    there was before is not counted. Nodes without a name are called v_1, v_2, ... as by derive(..., level="op").
    TypeError for what is no Value; ValueError for more than `limit` lines.

    >>> from autograd import Value
    >>> x = Value(3.0, "x")
    >>> print(backward_steps(x * x, ascii=True))
    L.grad = 1
    x.grad += x * L.grad = 3 * 1 = 3
    x.grad += x * L.grad = 3 * 1 = 3   (now 6)
    """
    if is_array_node(target) or not hasattr(target.__class__, "_record"):
        remedy = "; of Tensors derive(L, W) writes the matrices" if is_array_node(target) else ""
        raise TypeError(f"backward_steps: expected a Value, got {describe(target)}{remedy}")
    graph = PathGraph(target, level="op")
    count = sum(len(edges) for edges in graph.edges.values())
    if count > limit:
        raise ValueError(
            f"backward_steps: {count} steps are more than limit={limit}; take fewer samples, or a smaller net"
        )
    to: Writer = Ascii(graph.names.ascii, digits) if ascii else Text(graph.names.text, digits)
    to.typed = graph.typed
    first = f"{to.name(graph.labels[target])}.grad = 1"
    return "\n".join([first, *(line for _, lines in additions(graph, to) for line in lines)])


def additions(graph: PathGraph, to: Writer) -> Iterator[tuple[Value, tuple[str, ...]]]:
    """For each result from the target on: the node, and what it adds to the gradients of its operands, in words.

    graph: at level "op" as `backward` does it, at level "named" from named node to named node.
    """
    totals: dict[Value, float] = {graph.target: 1.0}
    for v in reversed(graph.nodes):
        g = totals.get(v)
        if g is None or v.is_leaf:
            continue
        lines = []
        for edge in graph.edges_of(v):
            u = edge.operand
            step = edge.derivative * g
            before = totals.get(u)
            totals[u] = step if before is None else before + step
            local, number, arrived = to.factor(graph.formula(edge)), to.number(edge.derivative), to.number(g)
            factor = to.parenthesized(arrived) if arrived.startswith(to.negative) else arrived
            way = [f"{local}{to.apart}{to.name(graph.labels[v])}.grad", f"{number}{to.apart}{factor}", to.number(step)]
            now = "" if before is None else f"   (now {to.number(totals[u])})"
            lines.append(f"{to.name(graph.labels[u])}.grad += {' = '.join(way)}{now}")
        yield v, tuple(lines)
