"""Where the boxes of the explorer's picture stand, and how edges get around what is between.

`columns` says which column a box is in and in which order; here this becomes coordinates. A box
wants to be level with its neighbours; within a column boxes keep their order and do not overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..dot.columns import column_of, in_order, users_of

__all__ = ["Layout", "layout"]

ROUNDS = 6  # of moving boxes towards their neighbours, there and back
LANE = 14.0  # the height that an edge takes where it passes a column
NARROW, WIDE = 72.0, 200.0  # the space between columns; it grows with the edges that cross it


class Layout(NamedTuple):
    """Where everything stands; y grows downwards.

    corners  the left upper corner of every box
    ways     for an edge (operand, result) that passes columns: the points it goes through
    """

    corners: list[tuple[float, float]]
    ways: dict[tuple[int, int], list[tuple[float, float]]]


def layout(sizes: Sequence[tuple[float, float]], operands: Sequence[Sequence[int]], gap: float) -> Layout:
    """Places for boxes.

    sizes     width and height of each
    operands  for each the boxes it has edges from, all earlier; the last is the target
    gap       the space between two boxes of a column
    """
    column = column_of(operands)
    lanes = _Lanes(operands, column)
    heights = [h for _, h in sizes] + [LANE] * (len(lanes.column) - len(sizes))
    columns = in_order(lanes.operands, lanes.column, [None] * len(lanes.column))
    centre = _levelled(columns, lanes.operands, heights, gap)
    left, right = _across(columns, lanes.operands, [w for w, _ in sizes])
    corners = [
        (left[c] + (right[c] - left[c] - w) / 2, centre[i] - h / 2)
        for i, (c, (w, h)) in enumerate(zip(column, sizes, strict=True))
    ]
    ways = {
        edge: [
            point
            for lane in found
            for point in ((left[lanes.column[lane]], centre[lane]), (right[lanes.column[lane]], centre[lane]))
        ]
        for edge, found in lanes.of.items()
    }
    return Layout(corners, ways)


class _Lanes:
    """The boxes with a lane added wherever an edge passes a column; edges from one box share lanes.

    operands, column  of boxes and lanes
    of                the lanes of an edge (operand, result), from left to right
    """

    def __init__(self, operands: Sequence[Sequence[int]], column: Sequence[int]) -> None:
        self.column = list(column)
        self.operands: list[list[int]] = [[] for _ in column]
        self.of: dict[tuple[int, int], list[int]] = {}
        known: dict[tuple[int, int], int] = {}
        for v, us in enumerate(operands):
            for u in us:
                found: list[int] = []
                for c in range(column[u] + 1, column[v]):
                    if (u, c) not in known:
                        known[u, c] = len(self.column)
                        self.column.append(c)
                        self.operands.append([found[-1] if found else u])
                    found.append(known[u, c])
                if found:
                    self.of[u, v] = found
                self.operands[v].append(found[-1] if found else u)


def _levelled(
    columns: Sequence[Sequence[int]], operands: Sequence[Sequence[int]], heights: Sequence[float], gap: float
) -> list[float]:
    """The middle of every box, as level with its neighbours as its column lets it be."""
    users = users_of(operands)
    around = [[*dict.fromkeys(us), *vs] for us, vs in zip(operands, users, strict=True)]
    centre = [0.0] * len(operands)
    for nodes in reversed(columns):
        _settle(nodes, [_mean([centre[v] for v in users[u]]) for u in nodes], heights, gap, centre)
    for _ in range(ROUNDS):
        for nodes in (*columns, *reversed(columns)):
            _settle(nodes, [_mean([centre[v] for v in around[u]]) for u in nodes], heights, gap, centre)
    return centre


def _settle(
    nodes: Sequence[int], wanted: Sequence[float], heights: Sequence[float], gap: float, centre: list[float]
) -> None:
    """Put the boxes of a column where they want to be, or as near as order and heights allow.

    The sum of squared distances is least: boxes that would overlap are pooled and stand together
    around the mean of what they want.
    """
    offset = 0.0
    offsets: list[float] = []
    pools: list[tuple[float, int]] = []  # mean place, how many
    for i, (u, y) in enumerate(zip(nodes, wanted, strict=True)):
        if i:
            offset += (heights[nodes[i - 1]] + heights[u]) / 2 + gap
        offsets.append(offset)
        place, size = y - offset, 1
        while pools and pools[-1][0] > place:
            other, n = pools.pop()
            place, size = (place * size + other * n) / (size + n), size + n
        pools.append((place, size))
    i = 0
    for place, size in pools:
        for u, shift in zip(nodes[i : i + size], offsets[i : i + size], strict=True):
            centre[u] = place + shift
        i += size


def _across(
    columns: Sequence[Sequence[int]], operands: Sequence[Sequence[int]], widths: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Where each column begins and ends."""
    left: list[float] = []
    right: list[float] = []
    x = 0.0
    for nodes in columns:
        if left:
            crossing = sum(len(operands[v]) for v in nodes)
            x += min(WIDE, NARROW + 0.9 * crossing)
        left.append(x)
        x += max((widths[u] for u in nodes if u < len(widths)), default=0.0)
        right.append(x)
    return left, right


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
