"""The leaves of a computation of Values in arrays: w[1]_1,1, w[1]_1,2, ... as one matrix W[1].

What has no name lies where the products of matrices want it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..fast.flat_parameters import aligned
from ..formulas import names
from ..tensor import Tensor, stand_in
from ..value import Value

__all__ = [
    "NAMELESS",
    "Block",
    "Blocks",
    "Piece",
    "in_blocks",
    "kind_of",
    "matrix_label",
    "named_blocks",
    "nameless_block",
]

# The kind of leaves whose names say nothing.
NAMELESS = "nameless"


class Piece(NamedTuple):
    """Leaves as one array: in which order they lie in it, its shape and its name."""

    values: list[Any]
    shape: tuple[int, ...]
    label: str | None


class Block(NamedTuple):
    """Leaves of one kind: their arrays, and where each leaf is if these lie in one row."""

    tensors: list[Tensor]
    places: Mapping[Any, int]


def kind_of(v: Value) -> Hashable:
    """What leaves that belong into one matrix have in common: that of w[1]_1,1 is w[1] with two axes."""
    name = None if v.label is None else names.parse(v.label)
    if name is None or not all(i.isdigit() for i in _index(name)):
        return NAMELESS
    return name.base, name.layer, len(_index(name))


def _index(name: names.Name) -> tuple[str, ...]:
    return name.index if name.sample is None else (name.sample, *name.index)


def named_blocks(kind: Hashable, values: Sequence[Value]) -> Piece:
    """The leaves of one kind as one array, if their names fill it; else one after the other."""
    if not isinstance(kind, tuple):
        return Piece(list(values), (len(values),), None)
    base, layer, ndim = kind
    label = matrix_label(names.Name(base, layer).label(), ndim)
    found: dict[tuple[int, ...], list[Value]] = {}
    for v in values:
        name = names.parse(v.label or "")
        assert name is not None
        found.setdefault(tuple(map(int, _index(name))), []).append(v)
    places = np.array(sorted(found), np.int64).reshape(len(found), ndim)
    shape = tuple((places.max(0) - places.min(0) + 1).tolist())
    times = {len(same) for same in found.values()}
    if math.prod(shape) != len(found) or len(times) > 1:
        return Piece(list(values), (len(values),), label)
    ordered = [found[place] for place in sorted(found)]
    n = times.pop()
    if n == 1:
        return Piece([same[0] for same in ordered], shape, label)
    # Inputs of several samples that have the same names: one row for each sample.
    return Piece([same[i] for i in range(n) for same in ordered], (n, *shape), matrix_label(label, 2))


def matrix_label(label: str, ndim: int = 2) -> str:
    """What the array of the numbers of this name is called: W[1] for w[1], b[1] for b[1] with one axis."""
    is_letter = len(label.partition("[")[0]) == 1
    return label[:1].upper() + label[1:] if is_letter and ndim > 1 else label


def nameless_block(values: Sequence[Value], wishes: Iterable[np.ndarray]) -> list[Piece]:
    """Leaves without names in arrays as they are wanted: wishes are places in one row, in the wanted shape."""
    free = np.ones(len(values), bool)
    pieces: list[Piece] = []
    for places in wishes:
        flat = places.ravel()
        if free[flat].all() and len(np.unique(flat)) == flat.size:
            free[flat] = False
            pieces.append(Piece([values[i] for i in flat.tolist()], places.shape, f"V_{len(pieces) + 1}"))
    rest = np.flatnonzero(free)
    if rest.size:
        pieces.append(Piece([values[i] for i in rest.tolist()], (rest.size,), f"V_{len(pieces) + 1}"))
    return pieces


class Blocks(NamedTuple):
    """Leaves in arrays: the leaves, their numbers and their gradients as vectors, and what are views of these."""

    values: list[Value]
    vector: np.ndarray
    gradient: np.ndarray
    blocks: dict[Hashable, Block]


def in_blocks(pieces: Mapping[Hashable, Sequence[Piece]]) -> Blocks:
    """All numbers in one vector, and the blocks, whose Tensors are views of it."""
    values = [v for found in pieces.values() for piece in found for v in piece.values]
    numbers, gradient = aligned(len(values)), aligned(len(values))
    numbers[:] = [v.data for v in values]
    blocks: dict[Hashable, Block] = {}
    start = 0
    for kind, found in pieces.items():
        places: dict[object, int] = {}
        tensors = []
        for piece in found:
            stop = start + len(piece.values)
            t = stand_in(numbers[start:stop].reshape(piece.shape), gradient[start:stop].reshape(piece.shape))
            t._label = piece.label
            tensors.append(t)
            places |= dict(zip(piece.values, range(len(places), len(places) + len(piece.values)), strict=True))
            start = stop
        blocks[kind] = Block(tensors, places)
    return Blocks(values, numbers, gradient, blocks)


def shape_of(x: object) -> tuple[int, ...] | None:
    """The shape of nested lists of leaves; None if they have none."""
    if x.__class__ is Value:
        return () if x._op is None else None
    if not isinstance(x, list | tuple) or not x:
        return None
    shapes = {shape_of(u) for u in x}
    inner = shapes.pop()
    return None if shapes or inner is None else (len(x), *inner)


def leaves_of(x: Any) -> Iterator[Value]:
    """The Values of nested lists, in order."""
    if x.__class__ is Value:
        yield x
    else:
        for u in x:
            yield from leaves_of(u)
