"""Part of a picture of a graph: what lies between the target and some nodes, or around one."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

from autograd import Tensor, Value
from autograd.matrices.graph import MatrixGraph
from autograd.paths.path_graph import PathGraph

from ..dot.diagram import Node
from .captions import drawn_of, meant

__all__ = ["around", "kept", "part_of", "until"]


def part_of(
    nodes: list[Node], graph: PathGraph | MatrixGraph, ends: Sequence[object], middle: Any, where: str
) -> list[Node]:
    """The part that was asked for by `until` and `around`, as OPTIONS reads them; all of it if neither was."""
    if ends:
        nodes = until(nodes, set(meant(graph, ends, f"{where}: until", drawn_of(nodes))))
    if middle is not None:
        several, steps = middle
        nodes = around(nodes, set(meant(graph, several, f"{where}: around", drawn_of(nodes))), steps)
    return nodes


def until(nodes: Sequence[Node], ends: Set[Value | Tensor]) -> list[Node]:
    """The nodes from the target back to `ends`, and nothing before these; a node lies before what it leads to."""
    shown, waiting = set(), [len(nodes) - 1]
    while waiting:
        i = waiting.pop()
        if i in shown:
            continue
        shown.add(i)
        if ends.isdisjoint(nodes[i].of):
            waiting += [e.operand for e in nodes[i].edges]
    return kept(nodes, shown)


def around(nodes: Sequence[Node], middle: Set[Value | Tensor], steps: int) -> list[Node]:
    """The nodes that are at most so many edges away from some, in either direction."""
    beside: list[list[int]] = [[] for _ in nodes]
    for i, node in enumerate(nodes):
        for e in node.edges:
            beside[i].append(e.operand)
            beside[e.operand].append(i)
    shown = {i for i, node in enumerate(nodes) if not middle.isdisjoint(node.of)}
    shown |= {end for i, node in enumerate(nodes) for e in node.edges if middle & set(e.of) for end in (i, e.operand)}
    rim = shown
    for _ in range(steps):
        rim = {j for i in rim for j in beside[i]} - shown
        shown = shown | rim
    return kept(nodes, shown)


def kept(nodes: Sequence[Node], shown: Set[int]) -> list[Node]:
    """These nodes alone, with the edges between them; what has lost operands is dashed."""
    place = {old: new for new, old in enumerate(sorted(shown))}
    found = []
    for old in place:
        node = nodes[old]
        edges = tuple(e._replace(operand=place[e.operand]) for e in node.edges if e.operand in place)
        look = node.look if len(edges) == len(node.edges) else {**node.look, "style": "rounded,filled,dashed"}
        found.append(node._replace(edges=edges, look=look))
    return found
