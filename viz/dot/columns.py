"""Where the nodes of a graph stand: which column, and in which order within it.

Graphviz minimizes crossings and shuffles what belongs together. Here every node keeps the place
that reading the computation suggests: inputs and weights just before the unit that uses them, in
the order in which they were declared, and the units of a layer below each other.

Nodes are numbers here. `operands[v]` lists the operands of v, all smaller than v; the last node is
the target, and all others lead to it, or in part of a graph to another that nothing uses.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

__all__ = ["chains", "column_of", "in_order", "passed_leaves", "users_of"]


def users_of(operands: Sequence[Sequence[int]]) -> list[list[int]]:
    """The nodes that use each node, in ascending order, each once."""
    users: list[list[int]] = [[] for _ in operands]
    for v, us in enumerate(operands):
        for u in dict.fromkeys(us):
            users[u].append(v)
    return users


def column_of(operands: Sequence[Sequence[int]]) -> list[int]:
    """The column of every node, from 0; operands stand left of their results.

    Nodes stand just left of what uses them. But results of results that go back to a shared leaf
    stand as far left as they can, so that units which see the same inputs share their columns.
    """
    users = users_of(operands)
    is_anchored = [not us and len(users[u]) > 1 for u, us in enumerate(operands)]
    column = [0] * len(operands)
    for v, us in enumerate(operands):
        anchors = [column[u] for u in us if is_anchored[u]]
        if anchors:
            is_anchored[v] = True
            column[v] = 1 + max(anchors)
    for u in reversed(range(len(operands) - 1)):
        if not (is_anchored[u] and any(operands[w] for w in operands[u])):
            column[u] = min((column[v] for v in users[u]), default=column[-1] + 1) - 1
    first = min(column)
    return [c - first for c in column]


def in_order(
    operands: Sequence[Sequence[int]], column: Sequence[int], box: Sequence[Hashable | None]
) -> list[list[int]]:
    """The columns, left to right, each from top to bottom.

    A node stands at the middle of what uses it; nodes with the same middle keep the order in which
    the operations name them. Within a column the nodes of a box stay together (None is no box).
    """
    users = users_of(operands)
    columns: list[list[int]] = [[] for _ in range(max(column) + 1)]
    for u, c in enumerate(column):
        columns[c].append(u)
    height = [0.0] * len(operands)
    for nodes in reversed(columns):
        middle = {u: round(_mean([height[v] for v in users[u]]), 6) for u in nodes}
        readers = sorted({v for u in nodes for v in users[u]}, key=lambda v: (height[v], v))
        asked = {u: i for i, u in enumerate(dict.fromkeys(u for v in readers for u in operands[v]))}
        mates: dict[Hashable, list[int]] = {}
        for u in nodes:
            mates.setdefault((u,) if box[u] is None else box[u], []).append(u)
        key: dict[int, tuple[float, int, float, int]] = {}
        for us in mates.values():
            first = min(asked.get(u, 0) for u in us)
            whole = round(_mean([middle[u] for u in us]), 6)
            key.update((u, (whole, first, middle[u], asked.get(u, 0))) for u in us)
        nodes.sort(key=key.__getitem__)
        top = _mean(list(middle.values())) - (len(nodes) - 1) / 2
        for i, u in enumerate(nodes):
            height[u] = top + i
    return columns


def passed_leaves(operands: Sequence[Sequence[int]], columns: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """The leaves that an edge passes by, each with a node beside it in the column to the left.

    columns: as `in_order` gives them.
    """
    column = {u: i for i, us in enumerate(columns) for u in us}
    passed = {i for v, us in enumerate(operands) for u in us for i in range(column[u] + 1, column[v])}
    pairs = []
    for i in sorted(passed):
        left, here = columns[i - 1], columns[i]
        scale = (len(left) - 1) / max(1, len(here) - 1)
        pairs += [(left[round(j * scale)], u) for j, u in enumerate(here) if not operands[u]]
    return pairs


def chains(operands: Sequence[Sequence[int]]) -> list[int | None]:
    """Which straight line each node stands on, as the number of its first node; None if on none.

    A line goes on from a result to its only user, if that has no other result among its operands.
    """
    users = users_of(operands)
    chain: list[int | None] = [None] * len(operands)
    for v, us in enumerate(operands):
        results = {u for u in us if operands[u]}
        if len(results) == 1 and users[u := results.pop()] == [v]:
            if chain[u] is None:
                chain[u] = u
            chain[v] = chain[u]
    return chain


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
