"""Where everything of a picture stands: marks in columns, lines between them, the numbers on the lines.

`dot.columns` says which column a mark is in and in which order; here this becomes coordinates. The
placement of one size can be stretched to another: places by (kx, ky), radius and texts by the smaller
of the two. Texts that are apart stay so, since distances grow at least as much as what stands there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..dot.columns import column_of, in_order, users_of

__all__ = ["SMALLEST", "Fonts", "Line", "Placement", "lanes_of", "levelled", "placed"]

Point = tuple[float, float]

SMALLEST = 30.0  # the radius of a mark; where it would be less, the picture grows
LANE = 0.35  # the height that a line takes where it passes a column, in rows
PAD = 8.0  # around everything
ROUNDS = 6  # of moving marks towards their neighbours, there and back
MOST_LABELS = 60  # between two columns; of more none are written
SHARES = [i / 40 for i in range(6, 35)]  # of a line, where its number may stand
FROM_MIDDLE = sorted(SHARES, key=lambda share: abs(share - 0.5))
ROOM = 0.5  # between texts that is as good as any, in heights of one


class Fonts(NamedTuple):
    """Sizes of texts, as shares of the radius of a mark."""

    name: float = 0.44
    data: float = 0.4
    grad: float = 0.33
    line: float = 0.34
    small: float = 0.32  # above and below a mark


FONTS = Fonts()
CAPTION = 1.04  # radii from the middle of a mark to where a text above or below it begins


class Line(NamedTuple):
    """A line from mark to mark, and how long the text on it is, in heights of the text; 0 for none.

    half: of the height that the text takes; a name has parts above and below.
    """

    start: int
    end: int
    label: float = 0.0
    half: float = 0.6


class Placement(NamedTuple):
    """Where everything stands; y grows downwards.

    size     width and height of the whole
    radius   of a mark: half its width and height
    centres  of the marks
    ways     for every line the points of its Bézier curve, from centre to centre: two, or 3n + 1
    labels   for every line the middle of its number, None where there is no room
    """

    size: Point
    radius: float
    centres: list[Point]
    ways: list[list[Point]]
    labels: list[Point | None]


def placed(
    operands: Sequence[Sequence[int]],
    lines: Sequence[Line],
    *,
    size: Point,
    even: bool = False,
    captions: tuple[Sequence[bool], Sequence[bool]] | None = None,
    smallest: float = SMALLEST,
) -> Placement:
    """Places for marks.

    operands  for each mark those it is computed from, all earlier; the last mark is the target
    size      width and height that are to be filled; a graph that has no room there takes more
    even      whether the marks of a column share its height, as the units of a layer do; else each is as
              level with its neighbours as its column lets it be
    captions  which marks have a text above, and which below
    smallest  the least radius of a mark
    """
    column = column_of(operands)
    lanes = lanes_of(operands, column)
    heights = [1.0] * len(operands) + [LANE] * (len(lanes.column) - len(operands))
    columns = in_order(lanes.operands, lanes.column, [None] * len(lanes.column))
    above, below = captions or ([False] * len(operands), [False] * len(operands))
    rows = _shared(columns) if even and not lanes.of else _stretched(levelled(columns, lanes.operands, heights, 0.0))
    pitch = _pitch(columns, rows, len(operands))
    gaps = _gaps(columns, lanes.operands)
    width, height, radius = _fitting(size, pitch, len(columns), (any(above), any(below)), smallest, is_even=even)
    top = PAD + radius * (1.0 if even and not lanes.of else 1.45 if any(above) else 1.05)
    low = PAD + radius * (1.0 if even and not lanes.of else 1.45 if any(below) else 1.05)
    if even and not lanes.of:
        y = [PAD + row * (height - 2 * PAD) for row in rows]
    else:
        y = [top + row * (height - top - low) for row in rows]
    x = _across(gaps, width, radius)
    centres = [(x[c], y[i]) for i, c in enumerate(lanes.column)]
    ways = [_way([centres[i] for i in (line.start, *lanes.of.get(line[:2], ()), line.end)]) for line in lines]
    marks = centres[: len(operands)]
    labels = _labels(lines, ways, column, FONTS.line * radius, _boxes(marks, radius, (above, below)))
    return Placement((width, height), radius, marks, ways, labels)


# ---------------------------------------------------------------- lines that pass columns


class Lanes(NamedTuple):
    """The marks with a lane added wherever a line passes a column; lines from one mark share lanes.

    operands, column  of marks and lanes
    of                the lanes of a line (operand, result), from left to right
    """

    operands: list[list[int]]
    column: list[int]
    of: dict[tuple[int, int], list[int]]


def lanes_of(operands: Sequence[Sequence[int]], column: Sequence[int]) -> Lanes:
    """The lanes that lines need where they pass a column."""
    lanes = Lanes([[] for _ in column], list(column), {})
    known: dict[tuple[int, int], int] = {}
    for v, us in enumerate(operands):
        for u in us:
            found: list[int] = []
            for c in range(column[u] + 1, column[v]):
                if (u, c) not in known:
                    known[u, c] = len(lanes.column)
                    lanes.column.append(c)
                    lanes.operands.append([found[-1] if found else u])
                found.append(known[u, c])
            if found:
                lanes.of[u, v] = found
            lanes.operands[v].append(found[-1] if found else u)
    return lanes


# ---------------------------------------------------------------- from top to bottom


def levelled(
    columns: Sequence[Sequence[int]], operands: Sequence[Sequence[int]], heights: Sequence[float], gap: float
) -> list[float]:
    """The middle of every mark, as level with its neighbours as its column lets it be."""
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
    """Put the marks of a column where they want to be, or as near as order and heights allow.

    The sum of squared distances is least: marks that would overlap are pooled and stand together
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


def _shared(columns: Sequence[Sequence[int]]) -> list[float]:
    """The height shared evenly by the marks of each column, from 0 to 1."""
    rows = [0.0] * sum(map(len, columns))
    for nodes in columns:
        for i, u in enumerate(nodes):
            rows[u] = (i + 0.5) / len(nodes)
    return rows


def _stretched(rows: Sequence[float]) -> list[float]:
    """Rows from 0 to 1; one half where there is only one."""
    first, last = min(rows), max(rows)
    return [(row - first) / (last - first) if last > first else 0.5 for row in rows]


def _pitch(columns: Sequence[Sequence[int]], rows: Sequence[float], marks: int) -> float:
    """The least distance of two marks of a column, as a share of the height."""
    stacks = [[rows[u] for u in nodes if u < marks] for nodes in columns]
    return min((b - a for stack in stacks for a, b in pairwise(stack)), default=1.0)


# ---------------------------------------------------------------- sizes, and from left to right


def _fitting(
    size: Point, pitch: float, columns: int, captions: tuple[bool, bool], smallest: float, *, is_even: bool
) -> tuple[float, float, float]:
    """Width, height and radius: as large as rows and columns allow, the picture larger if that is too small."""
    width, height = size
    share = 0.37 - 0.03 * sum(captions)  # of the distance of two rows

    def across(w: float) -> float:
        each = w / columns
        return min(0.27 * each, max(0.21 * each, 40.0))

    def down(h: float) -> float:
        if is_even:
            return share * pitch * (h - 2 * PAD)
        return share * pitch * (h - 2 * PAD) / (1 + 2.5 * share * pitch)

    if across(width) < smallest:
        width *= smallest / across(width)
    if down(height) < smallest:
        height = 2 * PAD + (height - 2 * PAD) * smallest / down(height)
        width = max(width, 0.8 * height)  # or its lines were steep
    return width, height, min(across(width), down(height), max(smallest, 0.1 * height))


def _gaps(columns: Sequence[Sequence[int]], operands: Sequence[Sequence[int]]) -> list[float]:
    """How wide the space before each column but the first is, relative to others: more lines need more."""
    return [0.62 + 0.38 * min(1.0, sum(len(operands[v]) for v in nodes) / 6) for nodes in columns[1:]]


def _across(gaps: Sequence[float], width: float, radius: float) -> list[float]:
    """The middle of every column."""
    left, right = PAD + radius, width - PAD - radius
    if not gaps:
        return [width / 2]
    x = [left]
    for gap in gaps:
        x.append(x[-1] + gap * (right - left) / sum(gaps))
    return x


def _way(points: Sequence[Point]) -> list[Point]:
    """A smooth curve through the points, which does not swing beyond them: two points, or 3n + 1 of Bézier's."""
    if len(points) == 2:
        return list(points)
    steps = [(b[1] - a[1]) / (b[0] - a[0]) if b[0] != a[0] else 0.0 for a, b in pairwise(points)]
    slopes = [steps[0], *map(_gentler, steps, steps[1:]), steps[-1]]
    way = [points[0]]
    for (x, y), (u, v), before, after in zip(points, points[1:], slopes, slopes[1:], strict=False):
        third = (u - x) / 3
        way += [(x + third, y + third * before), (u - third, v - third * after), (u, v)]
    return way


def _gentler(before: float, after: float) -> float:
    """The slope of a curve between two pieces: flat where it turns (Fritsch and Butland, 1984)."""
    return 2 * before * after / (before + after) if before * after > 0 else 0.0


# ---------------------------------------------------------------- the numbers on the lines


class _Box(NamedTuple):
    """What a text or a mark takes: its middle, half its width, half its height."""

    x: float
    y: float
    w: float
    h: float

    def apart(self, other: _Box) -> float:
        """How far two are from each other, negative where they overlap."""
        return max(abs(self.x - other.x) - self.w - other.w, abs(self.y - other.y) - self.h - other.h)


def _labels(
    lines: Sequence[Line], ways: Sequence[Sequence[Point]], column: Sequence[int], font: float, taken: list[_Box]
) -> list[Point | None]:
    """The middle of the number on every line. taken: what marks and their texts take.

    The numbers between two columns stand at one share of their lines, the one that keeps them farthest
    apart; which still has no room there stands elsewhere on its line, and nowhere if that has none.
    """
    found: list[Point | None] = [None] * len(lines)
    groups: dict[tuple[int, int], list[int]] = {}
    for i, line in enumerate(lines):
        if line.label:
            groups.setdefault((column[line.start], column[line.end]), []).append(i)
    for group in groups.values():
        if len(group) > MOST_LABELS:
            continue
        among = _Group([lines[i] for i in group], [ways[i] for i in group], font)
        for k, share in enumerate(among.best(list(taken))):
            boxes = (among.box(k, s) for s in (share, *FROM_MIDDLE))
            if (
                free := next((box for box in boxes if all(box.apart(other) >= 0 for other in taken)), None)
            ) is not None:
                taken.append(free)
                found[group[k]] = (free.x, free.y)
    return found


class _Group(NamedTuple):
    """The numbers on the lines between two columns, whose places are found together."""

    lines: Sequence[Line]
    ways: Sequence[Sequence[Point]]
    font: float

    def box(self, k: int, share: float) -> _Box:
        """What the number on a line takes at a share of it."""
        (x, y), line = _point(self.ways[k], share), self.lines[k]
        return _Box(x, y, (line.label * self.font) / 2 + 0.2 * self.font, line.half * self.font)

    def best(self, beside: Sequence[_Box]) -> Sequence[float]:
        """The arrangement with the most room between the numbers, those nearer the middle before others."""
        arrangements = self.arrangements()
        best, most = arrangements[0], -math.inf
        for shares in sorted(arrangements, key=_off_middle):
            penalty = 0.2 * _off_middle(shares)
            if ROOM - penalty <= most:  # what follows is farther off
                break
            room = self.room(shares, beside, (most + penalty) * self.font)
            if min(room / self.font, ROOM) - penalty > most:
                best, most = shares, min(room / self.font, ROOM) - penalty
        return best

    def arrangements(self) -> list[list[float]]:
        """Shares at which the numbers may stand: all the same, or every second mark's a little farther on."""
        found = [[share] * len(self.lines) for share in SHARES]
        if len(self.lines) > 1:
            for side in (0, 1):  # by the marks where lines start, or end
                ends = {end: k for k, end in enumerate(dict.fromkeys(line[side] for line in self.lines))}
                odd = [ends[line[side]] % 2 for line in self.lines]
                found += [[share + 0.1 * o for o in odd] for share in SHARES if share <= max(SHARES) - 0.1]
        return found

    def room(self, shares: Sequence[float], beside: Sequence[_Box], enough: float) -> float:
        """How far the numbers are apart at these shares; any number below `enough` if no farther than that."""
        boxes = [self.box(k, share) for k, share in enumerate(shares)]
        low, high = min(b.x - b.w for b in boxes), max(b.x + b.w for b in boxes)
        near = [b for b in beside if b.x + b.w >= low - self.font and b.x - b.w <= high + self.font]
        boxes.sort(key=lambda b: b.y)
        least = ROOM * self.font
        for k, box in enumerate(boxes):
            for other in boxes[k + 1 :]:
                if other.y - other.h - box.y - box.h > least:
                    break
                least = min(least, box.apart(other))
            for other in near:
                if abs(other.y - box.y) - other.h - box.h < least:
                    least = min(least, box.apart(other))
            if least <= enough:
                return least
        return least


def _off_middle(shares: Sequence[float]) -> float:
    return abs(sum(shares) / len(shares) - 0.5)


def _boxes(marks: Sequence[Point], radius: float, captions: tuple[Sequence[bool], Sequence[bool]]) -> list[_Box]:
    """What marks and the texts above and below them take."""
    font = FONTS.small * radius
    boxes = [_Box(x, y, radius, radius) for x, y in marks]
    for (x, y), has_above, has_below in zip(marks, *captions, strict=True):
        boxes += [_Box(x, y - caption_at(radius), 2.6 * font, 0.6 * font)] * has_above
        boxes += [_Box(x, y + caption_at(radius), 2.6 * font, 0.6 * font)] * has_below
    return boxes


def caption_at(radius: float) -> float:
    """How far from a mark's middle the middle of a text above or below it is."""
    return radius * (CAPTION + 0.6 * FONTS.small)


def _point(way: Sequence[Point], share: float) -> Point:
    """The point of a curve at a share of its pieces."""
    if len(way) == 2:
        (x, y), (u, v) = way
        return x + share * (u - x), y + share * (v - y)
    pieces = (len(way) - 1) // 3
    k = min(int(share * pieces), pieces - 1)
    t = share * pieces - k
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    piece = way[3 * k : 3 * k + 4]
    return (
        sum(weight * p[0] for weight, p in zip(weights, piece, strict=True)),
        sum(weight * p[1] for weight, p in zip(weights, piece, strict=True)),
    )


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
