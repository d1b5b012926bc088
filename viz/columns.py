"""Where the nodes of a graph stand: which column, and in which order within it.

Graphviz minimizes crossings and shuffles what belongs together. Here every node keeps the place
that reading the computation suggests: inputs and weights just before the unit that uses them, in
the order in which they were declared, and units of one layer below each other.

Nodes are numbers here. `operands[v]` lists the operands of v, all smaller than v; the last node is
the target, and all others lead to it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

__all__ = ["column_of", "in_order", "users_of"]


def users_of(operands: Sequence[Sequence[int]]) -> list[list[int]]:
    """The nodes that use each node, in ascending order, each once."""
    users: list[list[int]] = [[] for _ in operands]
    for v, us in enumerate(operands):
        for u in dict.fromkeys(us):
            users[u].append(v)
    return users


def column_of(operands: Sequence[Sequence[int]]) -> list[int]:
    """The column of every node, from 0; operands stand left of their results.

    What depends on an input with several users stands as far left as it can, so that units which
    see the same inputs share a column. The rest stands just left of what uses it.
    """
    users = users_of(operands)
    shared = [not us and len(users[u]) > 1 for u, us in enumerate(operands)]
    column = [0] * len(operands)
    for v, us in enumerate(operands):
        anchors = [u for u in us if shared[u]]
        if anchors:
            shared[v] = True
            column[v] = 1 + max(column[u] for u in anchors)
    for u in reversed(range(len(operands) - 1)):
        if not (shared[u] and operands[u]):
            column[u] = min(column[v] for v in users[u]) - 1
    first = min(column)
    return [c - first for c in column]


def in_order(
    operands: Sequence[Sequence[int]], column: Sequence[int], block: Sequence[Hashable | None]
) -> list[list[int]]:
    """The columns, left to right, each from top to bottom.

    A node stands at the middle of what uses it; nodes with the same middle keep the order in which
    the operations name them. Nodes of one block (None is no block) stay together.
    """
    users = users_of(operands)
    columns: list[list[int]] = [[] for _ in range(max(column) + 1)]
    for u, c in enumerate(column):
        columns[c].append(u)
    height = [0.0] * len(operands)
    for nodes in reversed(columns):
        middle = {u: _mean([height[v] for v in users[u]]) for u in nodes}
        readers = sorted({v for u in nodes for v in users[u]}, key=lambda v: (height[v], v))
        named = {u: i for i, u in enumerate(dict.fromkeys(u for v in readers for u in operands[v]))}
        together = {b: _mean([middle[u] for u in nodes if block[u] == b]) for b in {block[u] for u in nodes}}

        def place(u: int) -> tuple[float, int, float, int]:
            alone = block[u] is None
            whole = middle[u] if alone else together[block[u]]
            return round(whole, 6), 0 if alone else 1, round(middle[u], 6), named.get(u, 0)

        nodes.sort(key=place)
        top = _mean(list(middle.values())) - (len(nodes) - 1) / 2
        for i, u in enumerate(nodes):
            height[u] = top + i
    return columns


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
