"""How the plain numbers in a program follow from those that a function was given.

Several recordings of one structure are compared: a number that differs is that of one input, or starts
somewhere and goes so many steps on for each 1 of an input, as the row of an embedding does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .recording import From, Taken

__all__ = ["Ambiguous", "Entries", "explained"]


class Ambiguous(Exception):
    """Several inputs explain a number: more recordings are needed."""


class Entries:
    """Numbers of a program of which some follow from inputs.

    start, step   number = start + step · input
    place         which input; -1 where the number stays as it is
    shape         of the array of these numbers
    width         of rows of zeros with a one, of which the numbers are the places; 0 for plain numbers
    """

    def __init__(
        self, start: np.ndarray, step: np.ndarray, place: np.ndarray, shape: tuple[int, ...], width: int = 0
    ) -> None:
        self.start, self.step, self.place, self.shape, self.width = start, step, place, shape, width
        self.moving = moving = np.flatnonzero(place >= 0)
        inputs = place[moving]
        is_row = moving.size and np.array_equal(inputs, np.arange(inputs[0], inputs[0] + inputs.size))
        # Which inputs, as a slice where they stand in a row, and what is done with them; None for nothing.
        self._inputs = slice(int(inputs[0]), int(inputs[0]) + inputs.size) if is_row else inputs
        self._step = None if (step[moving] == 1).all() else step[moving]
        self._start = None if not start[moving].any() else start[moving]
        is_plain = is_row and moving.size == place.size and not width and self._step is None and self._start is None
        # The first of the inputs that all numbers are, one after the other; None where it is not that simple.
        self.first = int(inputs[0]) if is_plain else None

    def write(self, array: np.ndarray, inputs: np.ndarray) -> None:
        """Write the numbers that follow from these inputs; along a first axis if inputs has one for samples."""
        lead = inputs.shape[:-1]
        found = inputs[..., self._inputs]
        if self._step is not None:
            found = found * self._step
        if self._start is not None:
            found = found + self._start
        if self.width:
            hot = np.rint(found).astype(np.int64)
            whole = np.broadcast_to(np.rint(self.start).astype(np.int64), (*lead, self.start.size)).copy()
            whole[..., self.moving] = hot
            rows = array.reshape(*lead, self.start.size, self.width)
            rows[...] = whole[..., None] == np.arange(self.width)
            return
        if array.dtype.kind == "i":
            found = np.rint(found)
        flat = array if array.shape == found.shape else array.reshape(*lead, -1)
        if self.moving.size == self.place.size:
            flat[...] = found
        else:
            flat[..., self.moving] = found


def explained(each: Sequence[Any], shape: tuple[int, ...], inputs: np.ndarray, *, whole: bool) -> Entries | None:
    """How numbers follow from inputs; None if some that differ do not.

    each: the numbers in each recording. inputs: (recordings, inputs). whole: numbers are integers.
    Raises Ambiguous if several inputs explain one.
    """
    sources = [getattr(u, "source", None) for u in each[0]] if not whole else []
    numbers = np.array([np.asarray(us, np.float64).ravel() for us in each])
    n = numbers.shape[1]
    start, step, place = numbers[0].copy(), np.zeros(n), np.full(n, -1, np.int64)
    known = np.array([source.__class__ is Taken for source in sources] or [False] * n, bool)
    for i, source in enumerate(sources):
        if source.__class__ is From and all(getattr(us[i], "source", None) == source for us in each):
            known[i] = True
            place[i], start[i], step[i] = source.place, source.start, source.step
    differs = (numbers != numbers[0]).any(0) & ~known & ~np.isnan(numbers).all(0)
    if differs.any():
        found = _followed(numbers[:, differs], inputs)
        if found is None:
            return None if whole or len(shape) != 2 or known.any() else _hot(numbers, shape, inputs)
        start[differs], step[differs], place[differs] = found
    return Entries(start, step, place, shape)


def _followed(numbers: np.ndarray, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Start, step and input of numbers that differ from recording to recording; None if one follows from none."""
    by_pattern: dict[object, list[int]] = {}
    for j in range(inputs.shape[1]):
        pattern = _pattern(inputs[:, j])
        if pattern is not None:
            by_pattern.setdefault(pattern, []).append(j)
    n = numbers.shape[1]
    start, step, place = np.empty(n), np.empty(n), np.empty(n, np.int64)
    for i in range(n):
        column = numbers[:, i]
        candidates = by_pattern.get(_pattern(column), [])
        if not candidates:
            return None
        exact = [j for j in candidates if np.array_equal(inputs[:, j], column)]
        if len(exact) == 1 and len(candidates) > 1:
            candidates = exact
        if len(candidates) > 1:
            raise Ambiguous
        j = candidates[0]
        r = int(np.argmax(column != column[0]))
        step[i] = (column[r] - column[0]) / (inputs[r, j] - inputs[0, j])
        start[i] = column[0] - step[i] * inputs[0, j]
        place[i] = j
        if len(column) < 3 or (len(set(column.tolist())) < 3 and not float(step[i]).is_integer()):
            raise Ambiguous
    return start, step, place


def _pattern(column: np.ndarray) -> tuple[float, ...] | None:
    """What is the same for all numbers that go in steps of one another; None if it does not change."""
    changed = np.flatnonzero(column != column[0])
    if not changed.size:
        return None
    return tuple(np.round((column - column[0]) / (column[changed[0]] - column[0]), 9).tolist())


def _hot(numbers: np.ndarray, shape: tuple[int, ...], inputs: np.ndarray) -> Entries | None:
    """Rows of zeros with a one at a place that follows from an input, such as a label."""
    rows = numbers.reshape(len(numbers), *shape)
    if not (((rows == 0) | (rows == 1)).all() and (rows.sum(-1) == 1).all()):
        return None
    places = rows.argmax(-1).astype(np.float64)
    n = places.shape[1]
    start, step, place = places[0].copy(), np.zeros(n), np.full(n, -1, np.int64)
    differs = (places != places[0]).any(0)
    found = _followed(places[:, differs], inputs)
    if found is None:
        return None
    start[differs], step[differs], place[differs] = found
    return Entries(start, step, place, shape, width=shape[-1])
