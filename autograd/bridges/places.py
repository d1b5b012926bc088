"""Places: where members of a class are taken from, in rows and columns of integers, and what is regular in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "Distinct",
    "Terms",
    "are_rows",
    "components",
    "distinct",
    "factored",
    "flat_shape",
    "rows_taken",
    "steps_along",
    "taken",
    "within",
]


class Terms:
    """The terms of one kind in sums: which sum each belongs to, and where in their arrays its factors are."""

    def __init__(self, c: int, d: int | None, rows: np.ndarray, x: Any, y: Any, n: int) -> None:
        self.c, self.d, self.rows, self.x, self.y, self.n = c, d, rows, x, y, n
        self.counts = np.bincount(rows, minlength=n)
        self.is_regular = bool((self.counts == self.counts[0]).all())
        self.length = int(self.counts[0]) if self.is_regular else 0
        self.is_everywhere = bool(self.counts.all())
        self.bias: Any = None

    def first(self, n: int) -> Any:
        """The first term of each sum."""
        return self.x.reshape(n, self.length)[:, 0]

    def padded(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The factors as rows of equal length. Rows that are beginnings of others are made these, and the
        factors that the others then have too many are missing, -1; None if there are no such rows."""
        ends = np.cumsum(self.counts)
        column = np.arange(len(self.rows)) - (ends - self.counts)[self.rows]
        k = int(self.counts.max())
        boxes = []
        for us in (self.x, self.y):
            box = np.full((self.n, k), -1, np.int64)
            box[self.rows, column] = us
            boxes.append(box)
        longest = [_extended(box, self.counts) for box in boxes]
        for i in (0, 1):
            found = longest[i]
            if found is not None:
                boxes[i] = found
                return boxes[0], boxes[1]
        return None


def _extended(box: np.ndarray, counts: np.ndarray) -> np.ndarray | None:
    """Rows made the longest one that begins like them; None if some are not as long as all then."""
    k = box.shape[1]
    whole: dict[int, int] = {}
    for i in np.flatnonzero(counts == k).tolist():
        whole.setdefault(int(box[i, 0]), i)
    try:
        found = box[[whole[first] for first in box[:, 0].tolist()]]
    except KeyError:
        return None
    return found if ((box == found) | (box < 0)).all() else None


class Distinct(NamedTuple):
    """The different rows of a matrix: where each comes first, and which of them each row is."""

    first: np.ndarray
    which: np.ndarray


def distinct(rows: np.ndarray) -> Distinct:
    """The different rows of a matrix, in the order of their numbers."""
    _, first, which = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return Distinct(first, which.reshape(-1))


def components(i: np.ndarray, j: np.ndarray, left: int, right: int) -> np.ndarray:
    """For every pair the number of the group of rows that it connects."""
    a, b = np.arange(left), np.full(right, left)
    while True:
        np.minimum.at(b, j, a[i])
        before = a.copy()
        np.minimum.at(a, i, b[j])
        if np.array_equal(a, before):
            break
    return np.unique(a[i], return_inverse=True)[1].reshape(-1)


def within(group: np.ndarray) -> np.ndarray:
    """The place of everything within its group."""
    order = np.argsort(group, kind="stable")
    place = np.empty(len(group), np.int64)
    counts = np.bincount(group)
    place[order] = np.arange(len(group)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place


def factored(columns: Sequence[np.ndarray]) -> tuple[tuple[int, ...], list[tuple[int, ...]]] | None:
    """Axes along which all columns go on in equal steps: their sizes, and for every column its steps."""
    if not columns:
        return None
    n = len(columns[0])
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in columns]
    current = list(columns)
    while n > 1:
        run = n
        for column in current:
            differs = np.flatnonzero(np.diff(column[:run]) != column[1] - column[0])
            if differs.size:
                run = int(differs[0]) + 1
        if run == 1 or n % run:
            return None
        for column, found in zip(current, steps, strict=True):
            step = int(column[1] - column[0])
            rows = column.reshape(-1, run)
            if not (rows == rows[:, :1] + step * np.arange(run)).all():
                return None
            found.insert(0, step)
        sizes.insert(0, run)
        current = [column[::run] for column in current]
        n //= run
    return tuple(sizes), [tuple(found) for found in steps]


def steps_along(places: np.ndarray) -> tuple[int, ...] | None:
    """How far places are from one another along each axis; None if that changes."""
    dims = places.shape
    origin = (0,) * len(dims)
    expected = np.full(dims, places[origin])
    steps = []
    for axis, size in enumerate(dims):
        step = int(places[(*origin[:axis], 1, *origin[axis + 1 :])] - places[origin]) if size > 1 else 0
        steps.append(step)
        expected = expected + step * np.arange(size).reshape([-1 if a == axis else 1 for a in range(len(dims))])
    return tuple(steps) if np.array_equal(expected, places) else None


def are_rows(places: np.ndarray) -> bool:
    """True if each row of places is a whole row of a matrix that is as wide."""
    width = places.shape[-1]
    return bool((places == places[..., :1] + np.arange(width)).all() and not (places[..., 0] % width).any())


def flat_shape(n: int) -> tuple[int, ...]:
    """The shape of n numbers in a row; one is a number."""
    return (n,) if n > 1 else ()


def taken(column: Any, order: np.ndarray) -> Any:
    """Members of a column in this order."""
    return [column[i] for i in order.tolist()] if isinstance(column, list) else column[order]


def rows_taken(column: Any, order: np.ndarray, k: int) -> Any:
    """Rows of k in this order; numbers in one list."""
    if isinstance(column, list):
        return [u for i in order.tolist() for u in column[i * k : i * k + k]]
    return column.reshape(-1, k)[order]
