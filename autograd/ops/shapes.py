"""Operations that move the numbers of an array without changing them: shapes, indices, joining.

Each carries the way its gradient goes back, which moves it again; so every one of them can be
differentiated to any order. Arguments are NumPy's.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.typing import DTypeLike

from ..ieee import quietly
from ..op import Operation, Pull, register, structural
from ..operands import Index, Operand, as_array, describe, real_array, zeros
from ..signatures import joining, of_array
from .choosing import check_plain
from .matrices import has_short_rows, row_of_ones

__all__ = [
    "broadcast_to",
    "concatenate",
    "expand_dims",
    "pad",
    "reshape",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "take",
    "transpose",
]


# ---------------------------------------------------------------- broadcasting and shapes


@structural(lambda g, z, x, shape: sum_to(g, x.shape), None, symbol="repeat", formula=lambda x, shape: x, moves=True)
def broadcast_to(x: Operand, shape: tuple[int, ...]) -> Operand:
    """x repeated along new axes and axes of size 1 until it has this shape. ValueError if it cannot.

    Gradient: summed over the repetitions.
    """
    return np.broadcast_to(x, shape)


def _sum_to(x: Operand, shape: tuple[int, ...]) -> Operand:
    """x summed over the axes along which `shape` would be broadcast to that of x."""
    if has_short_rows(x) and len(shape) == 2 and shape == (x.shape[0], 1):
        return x.dot(row_of_ones(x.shape[1], x.dtype)).reshape(shape)
    ahead = x.ndim - len(shape)
    x = x.sum(tuple(range(ahead))) if ahead else x
    stretched = tuple(i for i, (n, m) in enumerate(zip(x.shape, shape, strict=True)) if n != m)
    return x.sum(stretched, keepdims=True) if stretched else x


_sum_to.__name__ = "sum_to"
sum_to = structural(lambda g, z, x, shape: broadcast_to(g, x.shape), None, symbol="Σ", formula=_sum_to)(_sum_to)


@structural(lambda g, z, x, shape: g.reshape(x.shape), None, linear=(0,), moves=True)
def reshape(x: Operand, shape: int | tuple[int, ...]) -> Operand:
    """The same numbers in another shape, row by row; one size may be -1, which takes what is left.

    ValueError if the number of numbers differs.
    """
    return x.reshape(shape)


def _turned_back(g: Operand, z: Operand, x: Operand, axes: Operand) -> Operand:
    return transpose(g, None if axes is None else _inverse(axes, x.ndim))


@structural(_turned_back, None, symbol="T", linear=(0,), moves=True)
def transpose(x: Operand, axes: Operand = None) -> Operand:
    """Axes in another order; reversed by default.

    axes: a permutation of 0..ndim-1. ValueError if it is none.
    """
    return x.transpose(axes)


def _inverse(axes: Sequence[int], ndim: int) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argsort([a % ndim for a in axes]))


@of_array
def swapaxes(x: Operand, axis1: int, axis2: int) -> Operand:
    """Two axes exchanged; negative ones count from the end. AxisError if there is no such axis."""
    x = as_array(x, "swapaxes")
    axes = list(range(x.ndim))
    i, j = (normalize_axis_index(a, x.ndim) for a in (axis1, axis2))
    axes[i], axes[j] = axes[j], axes[i]
    return transpose(x, tuple(axes))


@of_array
def squeeze(x: Operand, axis: int | tuple[int, ...] | None = None) -> Operand:
    """Without axes of size 1: all of them, or those given. ValueError if one is longer."""
    x = as_array(x, "squeeze")
    return reshape(x, np.empty(x.shape, dtype=bool).squeeze(axis).shape)


@of_array
def expand_dims(x: Operand, axis: int | tuple[int, ...]) -> Operand:
    """With new axes of size 1 at these places of the result.

    axis: one place or a tuple of them. AxisError if the result has no such place.
    """
    x = as_array(x, "expand_dims")
    axes = normalize_axis_tuple(axis, x.ndim + np.size(axis))
    rest = iter(x.shape)
    return reshape(x, tuple(1 if i in axes else next(rest) for i in range(x.ndim + len(axes))))


@structural(lambda g, z, x, dtype: cast(g, x.dtype), None, shown="astype", formula=lambda x, dtype: x, moves=True)
def cast(x: Operand, dtype: DTypeLike) -> Operand:
    """The same numbers as float32 or float64."""
    return x.astype(dtype)


# ---------------------------------------------------------------- indices


def _turned_block(index: Operand) -> tuple[Operand] | None:
    """The index of a block of a matrix in its transpose; None for others."""
    parts = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(i, slice) for i in parts):
        return None
    first, second = (*parts, slice(None)) if len(parts) == 1 else parts
    return (second if first == slice(None) else (second, first),)


def _put_back(g: Operand, z: Operand, x: Operand, index: Operand) -> Operand:
    return scatter(g, index, x.shape)


@structural(_put_back, None, symbol="[ ]", shown="indexing", turned=_turned_block, moves=True)
def getitem(x: Operand, index: Operand) -> Operand:
    """x[index], whatever NumPy takes as an index; a number picked twice collects both gradients."""
    return x[index]


def _turned_place(index: Operand, shape: tuple[int, ...]) -> tuple[Operand, ...] | None:
    turned = _turned_block(index)
    return None if turned is None else (*turned, shape[::-1])


@structural(lambda g, z, x, index, shape: getitem(g, index), None, None, turned=_turned_place)
def scatter(x: Operand, index: Operand, shape: tuple[int, ...]) -> Operand:
    """Zeros of this shape with x added at the index: the reverse of `getitem`."""
    size = math.prod(shape)
    if not is_basic(index) and size < 2 * x.size:
        # a half of the time of add.at, unless few numbers of many are meant; adds in float64
        places = np.arange(size).reshape(shape)[index]
        return np.bincount(places.ravel(), x.ravel(), size).reshape(shape).astype(x.dtype, copy=False)
    z = zeros(shape, x)
    if is_basic(index):
        z[index] = x
    else:
        np.add.at(z, index, x)
    return z


def is_basic(index: Index) -> bool:
    """True for an index of ints and slices, which shows a part of an array and names no number twice."""
    return not any(isinstance(i, np.ndarray | list) for i in (index if isinstance(index, tuple) else (index,)))


def _add_part(total: np.ndarray, g: np.ndarray, x: np.ndarray, index: Index) -> bool:
    if not is_basic(index):
        return False
    total[index] += g
    return True


getitem.op.adds = _add_part


def fixed_index(index: Index) -> Operand:
    """An index that does not change with the lists and arrays it was made of."""
    return tuple(map(_fixed_places, index)) if isinstance(index, tuple) else _fixed_places(index)


def _fixed_places(index: Index) -> Operand:
    """What stands for one axis; several places along it, which may repeat, as an array."""
    if isinstance(index, tuple | list | range | np.ndarray):
        index = index.copy() if index.__class__ is np.ndarray else np.array(index)
        index = index if index.size else index.astype(bool if index.dtype == bool else np.intp)
        index.flags.writeable = False
    return index


@of_array
def take(x: Operand, indices: Operand, axis: int | None = None) -> Operand:
    """The members at `indices` along an axis; of all numbers in a row if axis is None.

    indices: integers in any shape, which takes the place of the axis; IndexError if one is out of range.
    Gradient: a member that is taken several times collects all of theirs.
    """
    x, indices = as_array(x, "take"), _fixed_places(indices)
    if axis is None:
        return getitem(reshape(x, (-1,)), indices)
    return getitem(x, (slice(None),) * normalize_axis_index(axis, x.ndim) + (indices,))


def split(x: Operand, indices_or_sections: Operand, axis: int = 0) -> Operand:
    """Pieces along an axis, as a list: that many equal ones, or cut at the places given.

    ValueError if there are no equal ones.
    """
    x = as_array(x, "split")
    axis = normalize_axis_index(axis, x.ndim)
    n, pieces = x.shape[axis], indices_or_sections
    if isinstance(pieces, int | np.integer):
        if pieces < 1 or n % pieces:
            raise ValueError(
                f"split: expected an equal division of axis {axis}, of size {n}; got {pieces} pieces. "
                "Give the places to cut at instead"
            )
        pieces = range(n // pieces, n, n // pieces) if n else [0] * (pieces - 1)
    cuts = zip([0, *pieces], [*pieces, None], strict=True)
    return [getitem(x, (slice(None),) * axis + (slice(a, b),)) for a, b in cuts]


def _pad(x: Operand, widths: Operand, value: Operand) -> Operand:
    return np.pad(x, widths, constant_values=value) if widths else x.copy()


def _inside(widths: Sequence[tuple[int, int]], x: Operand) -> tuple[slice, ...]:
    return tuple(slice(before, before + n) for (before, _), n in zip(widths, x.shape, strict=True))


_pad.__name__ = "pad"
bordered = structural(lambda g, z, x, widths, value: getitem(g, _inside(widths, x)), None, None)(_pad)


@of_array
def pad(x: Operand, width: Operand, value: Operand = 0.0) -> Operand:
    """x with a border of `value`, a plain number.

    width: as numpy.pad takes it: n, (before, after), or a pair for each axis; at least 0 (ValueError).
    """
    x = as_array(x, "pad")
    check_plain("pad: width and value", value)
    return bordered(x, tuple(map(tuple, np.broadcast_to(width, (x.ndim, 2)).tolist())), value)


# ---------------------------------------------------------------- joining


class _Each:
    """See `each_of`."""

    def __init__(self, pull: Callable[..., Operand]) -> None:
        self.pull = pull

    def __getitem__(self, i: int) -> Operand:
        return None if i == 0 else functools.partial(self.pull, i - 1)

    def __iter__(self) -> Iterator[Operand]:
        return iter((None,))  # of the plain one; how many arrays there are each call says anew


def each_of(pull: Callable[..., Operand]) -> Sequence[Pull | None]:
    """The pulls of an operation on any number of operands after a plain one: `pull(i, g, z, plain, *operands)`."""
    return _Each(pull)  # type: ignore[return-value]


def _piece(i: int, g: Operand, z: Operand, axis: int, *xs: Operand) -> Operand:
    """What of g belongs to the i-th of the arrays that were joined."""
    start = sum(x.shape[axis] for x in xs[:i])
    return getitem(g, (slice(None),) * (axis % g.ndim) + (slice(start, start + xs[i].shape[axis]),))


def _concatenate(axis: int, *xs: Operand) -> Operand:
    return np.concatenate(xs, axis)


_concatenate.__name__ = "concatenate"
_join = register(
    Operation(_concatenate, (), pulls=each_of(_piece), moves=True, writing={"turned": lambda axis: (1 - axis % 2,)})
)


@joining
def concatenate(tensors: Operand, axis: int | None = 0) -> Operand:
    """Arrays and Tensors joined along an axis that they have; all their numbers in a row if axis is None.

    tensors: a sequence of at least one. ValueError if their shapes differ elsewhere.
    """
    xs = _several("concatenate", tensors)
    if axis is None:
        xs, axis = [reshape(as_array(x, "concatenate"), (-1,)) for x in xs], 0
    for x in xs:
        record = getattr(x.__class__, "_record", None)
        if record is not None:
            if not hasattr(x, "ndim"):
                raise TypeError(f"concatenate: expected arrays or Tensors, got a {type(x).__name__}")
            return record(_join, normalize_axis_index(axis, x.ndim), *xs)
    return quietly(_concatenate, axis, *(real_array(x, "concatenate") for x in xs))


concatenate.op = _join


@joining
def stack(tensors: Operand, axis: int = 0) -> Operand:
    """Arrays and Tensors of one shape along a new axis.

    tensors: a sequence of at least one; axis: the place of the new axis in the result. ValueError if
    their shapes differ.
    """
    xs = [x if hasattr(x, "ndim") else np.asarray(x) for x in _several("stack", tensors)]
    if len({x.shape for x in xs}) > 1:
        raise ValueError(f"stack: expected arrays of one shape, got {', '.join(str(x.shape) for x in xs)}")
    return concatenate([expand_dims(x, axis) for x in xs], axis)


def _several(where_: str, tensors: Operand) -> list[Operand]:
    if hasattr(tensors, "ndim") or not isinstance(tensors, Sequence):
        raise TypeError(f"{where_}: expected a list of arrays or Tensors, got {describe(tensors)}")
    if not tensors:
        raise ValueError(f"{where_}: expected at least one array or Tensor, got none")
    return list(tensors)
