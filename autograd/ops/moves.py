"""Operations that put numbers of an array in another order, repeat them or pick a diagonal; arguments are NumPy's.

What moves numbers is an index, and its gradient goes back by the same index; where a name of its own reads
better in a derivation it is an operation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..op import structural
from ..operands import Operand, as_array
from .shapes import broadcast_to, concatenate, getitem, reshape, scatter, take, transpose
from .sums import array_sum, numbers

__all__ = [
    "column_stack",
    "cumprod",
    "cumsum",
    "diag",
    "diagonal",
    "flip",
    "moveaxis",
    "repeat",
    "roll",
    "sort",
    "tile",
    "trace",
]

Axes = int | tuple[int, ...] | None


def _other(axis: Axes) -> Axes:
    """The same axes of the transpose of a matrix."""
    return None if axis is None else 1 - axis % 2 if isinstance(axis, int) else tuple(1 - a % 2 for a in axis)


@structural(lambda g, z, x, axis: flip(g, axis), None, linear=(0,), turned=lambda axis: (_other(axis),), moves=True)
def flip(x: Operand, axis: Axes = None) -> Operand:
    """x in reverse along an axis, several, or all. Gradient: in reverse too."""
    return np.flip(x, axis)


@structural(
    lambda g, z, x, shift, axis: roll(g, np.negative(shift).tolist(), axis),
    None,
    None,
    linear=(0,),
    turned=lambda shift, axis: None if axis is None else (shift, _other(axis)),
    moves=True,
)
def roll(x: Operand, shift: int | Sequence[int], axis: Axes = None) -> Operand:
    """x moved on by so many places along an axis; what falls off the end comes in at the beginning.

    shift, axis: several of both go together; axis None moves all numbers in a row. Gradient: rolled back.
    """
    return np.roll(x, shift, axis)


def moveaxis(x: Operand, source: int | Sequence[int], destination: int | Sequence[int]) -> Operand:
    """x with these axes at other places, the others in their order. AxisError if there is none; see `transpose`."""
    x = as_array(x, "moveaxis")
    places = np.moveaxis(np.empty((1,) * x.ndim), source, destination).ndim
    source, destination = normalize_axis_tuple(source, places), normalize_axis_tuple(destination, places)
    order = [a for a in range(places) if a not in source]
    for to, a in sorted(zip(destination, source, strict=True)):
        order.insert(to, a)
    return transpose(x, tuple(order))


def sort(x: Operand, axis: int | None = -1) -> Operand:
    """x from the smallest to the largest along an axis; all numbers in a row if axis is None; nan last.

    Gradient: each number keeps its own. Equal ones keep their order.
    """
    x = as_array(x, "sort")
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    axis = normalize_axis_index(axis, x.ndim)
    index: list[Operand] = list(np.ogrid[tuple(map(slice, x.shape))])
    index[axis] = np.argsort(numbers(x), axis, kind="stable")
    return getitem(x, tuple(index))


def repeat(x: Operand, repeats: int | Sequence[int], axis: int | None = None) -> Operand:
    """Each member of an axis so many times; of all numbers in a row if axis is None.

    repeats: one number, or one for each member (ValueError otherwise). Gradient: summed over the repetitions.
    """
    x = as_array(x, "repeat")
    n = x.size if axis is None else x.shape[normalize_axis_index(axis, x.ndim)]
    return take(x, np.repeat(np.arange(n), repeats), axis)


def tile(x: Operand, reps: int | Sequence[int]) -> Operand:
    """x so many times side by side along each axis, the last of them first. Gradient: summed over the copies."""
    x = as_array(x, "tile")
    copies = (reps,) if isinstance(reps, int) else tuple(reps)
    ndim = max(x.ndim, len(copies))
    shape, copies = (1,) * (ndim - x.ndim) + x.shape, (1,) * (ndim - len(copies)) + copies
    x = reshape(x, tuple(k for n in shape for k in (1, n)))
    x = broadcast_to(x, tuple(k for r, n in zip(copies, shape, strict=True) for k in (r, n)))
    return reshape(x, tuple(r * n for r, n in zip(copies, shape, strict=True)))


def column_stack(tensors: Sequence[Operand]) -> Operand:
    """Arrays and Tensors side by side, vectors as columns."""
    xs = [as_array(x, "column_stack") for x in tensors]
    return concatenate([reshape(x, (-1, 1)) if x.ndim < 2 else x for x in xs], 1)


# ---------------------------------------------------------------- diagonals


def _on_diagonal(rows: int, columns: int, offset: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the numbers of a diagonal are; offset: above the main one, or below if it is negative."""
    n = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    return np.arange(n) - min(offset, 0), np.arange(n) + max(offset, 0)


def diagonal(x: Operand, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Operand:
    """The numbers at equal places of two axes, along a new last axis in their stead; offset: above (or below) them.

    ValueError if there are no two axes. Gradient: back to the diagonal, 0 beside it.
    """
    x = as_array(x, "diagonal")
    if x.ndim < 2:
        raise ValueError(f"diagonal: expected two axes or more, got shape {x.shape}")
    i, j = normalize_axis_index(axis1, x.ndim), normalize_axis_index(axis2, x.ndim)
    if i == j:
        raise ValueError(f"diagonal: expected two different axes, got {axis1} and {axis2}")
    if (i, j) != (x.ndim - 2, x.ndim - 1):
        x = moveaxis(x, (i, j), (-2, -1))
    return getitem(x, (Ellipsis, *_on_diagonal(x.shape[-2], x.shape[-1], offset)))


def diag(x: Operand, k: int = 0) -> Operand:
    """The diagonal of a matrix; of a vector the matrix that has it on its diagonal. k: above it, or below.

    ValueError for other shapes.
    """
    x = as_array(x, "diag")
    if x.ndim == 1:
        n = len(x) + abs(k)
        return scatter(x, _on_diagonal(n, n, k), (n, n))
    if x.ndim != 2:
        raise ValueError(f"diag: expected a vector or a matrix, got shape {x.shape}")
    return diagonal(x, k)


def trace(x: Operand, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Operand:
    """The sum of a diagonal; see `diagonal` for the arguments. Gradient: 1 on it, 0 beside it."""
    return array_sum(diagonal(x, offset, axis1, axis2), -1)


# ---------------------------------------------------------------- running sums and products


@structural(lambda g, z, x, axis: flip(running_sum(flip(g, axis), axis), axis), None, shown="cumsum")
def running_sum(x: Operand, axis: int) -> Operand:
    """x₁, x₁ + x₂, ... along one axis. Gradient: summed from the end."""
    return np.cumsum(x, axis)


def cumsum(x: Operand, axis: int | None = None) -> Operand:
    """x₁, x₁ + x₂, ... along an axis; of all numbers in a row if axis is None.

    Returns x's shape. Gradient: the sum of those of all later results.
    """
    x, axis = _along(x, "cumsum", axis)
    return running_sum(x, axis)


def cumprod(x: Operand, axis: int | None = None) -> Operand:
    """x₁, x₁ x₂, ... along an axis; of all numbers in a row if axis is None.

    Returns x's shape. Made of one product after the other, so that zeros are right, to any order.
    """
    x, axis = _along(x, "cumprod", axis)
    if not hasattr(x.__class__, "_record") or not x.shape[axis]:
        return np.cumprod(x, axis)
    before = (slice(None),) * axis
    products = [getitem(x, (*before, slice(0, 1)))]
    for i in range(1, x.shape[axis]):
        products.append(products[-1] * getitem(x, (*before, slice(i, i + 1))))
    return concatenate(products, axis)


def _along(x: Operand, where: str, axis: int | None) -> tuple[Operand, int]:
    x = as_array(x, where)
    if axis is None:
        return reshape(x, (math.prod(x.shape),)), 0
    return x, normalize_axis_index(axis, x.ndim)
