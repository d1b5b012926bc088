"""Where the boxes of the explorer's picture stand, and how edges get around what is between.

`columns` says which column a box is in and in which order; here this becomes coordinates. A box
wants to be level with its neighbours; within a column boxes keep their order and do not overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..dot.columns import column_of, in_order
from ..scenes.placing import lanes_of, levelled

__all__ = ["Layout", "layout"]

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
    lanes = lanes_of(operands, column)
    heights = [h for _, h in sizes] + [LANE] * (len(lanes.column) - len(sizes))
    columns = in_order(lanes.operands, lanes.column, [None] * len(lanes.column))
    centre = levelled(columns, lanes.operands, heights, gap)
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
