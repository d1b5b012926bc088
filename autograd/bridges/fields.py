"""Fields: what Tensors are that may have an axis of samples before their own, and how they are turned and cut."""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from ..ops import elementwise, shapes, sums
from ..tensor import Tensor

__all__ = ["Field", "as_tensor", "broadcast", "cut", "indexed", "reshaped", "squared", "strided", "total", "transposed"]


class Field(NamedTuple):
    """An array for one sample, in a Tensor.

    shape   without the axis of samples
    varies  True if each sample has its own, along a first axis of the Tensor
    """

    t: Any
    shape: tuple[int, ...]
    varies: bool

    @property
    def size(self) -> int:
        """How many numbers there are for a sample."""
        return math.prod(self.shape)


def reshaped(field: Field, shape: tuple[int, ...]) -> Field:
    """A field in another shape; one reshape after the other is the last of them."""
    if field.shape == shape:
        return field
    t = field.t
    if t.__class__ is np.ndarray:
        return Field(t.reshape(shape), shape, False)
    if t._op is shapes.reshape.op and t.label is None:  # one after the other is the last of them
        t = t._operands[0]
        if t.shape == ((*field.t.shape[:1], *shape) if field.varies else shape):
            return Field(t, shape, field.varies)
    return Field(shapes.reshape(t, (-1, *shape) if field.varies else shape), shape, field.varies)


def transposed(field: Field, axes: tuple[int, ...]) -> Field:
    """A field with its axes in another order."""
    if axes == tuple(range(len(axes))):
        return field
    shape = tuple(field.shape[a] for a in axes)
    t = field.t
    lead = len(t.shape) - len(axes) if field.varies else 0
    wanted = (*range(lead), *(a + lead for a in axes))
    if t.__class__ is np.ndarray:
        return Field(t.transpose(wanted), shape, field.varies)
    if t._op is shapes.transpose.op and t.label is None:
        before = t._operands[1]
        inner = tuple(range(t.ndim))[::-1] if before is None else before
        together = tuple(inner[a] for a in wanted)
        if together == tuple(range(t.ndim)):
            return Field(t._operands[0], shape, field.varies)
    is_plain = wanted == tuple(range(len(wanted)))[::-1]
    return Field(shapes.transpose(t, None if is_plain else wanted), shape, field.varies)


def cut(field: Field, cuts: tuple[slice, ...]) -> Field:
    """A part of a field, without what is outside along each axis."""
    shape = tuple(cut.stop - cut.start for cut in cuts)
    if shape == field.shape:
        return field
    cuts = tuple(slice(None) if cut.stop - cut.start == n else cut for cut, n in zip(cuts, field.shape, strict=True))
    index = (slice(None), *cuts) if field.varies else cuts
    return Field(indexed(field.t, index), shape, field.varies)


def broadcast(field: Field, dims: tuple[int, ...]) -> Field:
    """A field repeated along axes of size 1, and new ones."""
    if field.shape == dims:
        return field
    t = field.t
    if t.__class__ is np.ndarray:
        return Field(np.broadcast_to(t, dims), dims, False)
    shape = (len(t), *dims) if field.varies else dims
    if field.varies and len(field.shape) < len(dims):
        t = shapes.reshape(t, (-1, *(1,) * (len(dims) - len(field.shape)), *field.shape))
    return Field(shapes.broadcast_to(t, shape), dims, field.varies)


def total(field: Field, axes: int | None) -> Field:
    """Sums over so many of the last axes; over all for None."""
    ndim = len(field.shape)
    if not ndim:
        return field
    axes = ndim if axes is None else axes
    if field.varies or axes < ndim:
        along: Any = -1 if axes == 1 else tuple(range(-axes, 0))
    else:
        along = None
    return Field(sums.sum(as_tensor(field.t), axis=along), field.shape[: ndim - axes], field.varies)


def squared(field: Field) -> Field:
    """The sum of all squares."""
    if field.varies:
        return total(Field(elementwise.mul(field.t, field.t), field.shape, True), None)
    return Field(sums.squares(as_tensor(field.t)), (), False)


def strided(source: Field, start: int, dims: tuple[int, ...], strides: tuple[int, ...], *, whole: bool) -> Field | None:
    """Members of a field from a start on, along axes, each so many places on; axes with stride 0 have size 1.

    None if reshaping, slicing and transposing do not give them. whole: only if these are all members.
    """
    if whole:
        spread = math.prod(n for n, s in zip(dims, strides, strict=True) if s)
        if spread < source.size:
            return None
    moving = sorted((i for i, s in enumerate(strides) if s), key=lambda i: -strides[i])
    kept = tuple(n if s else 1 for n, s in zip(dims, strides, strict=True))
    if any(strides[i] < 0 for i in moving):
        return None
    if not moving:
        if source.size > 1:
            source = cut(reshaped(source, (source.size,)), (slice(start, start + 1),))
        return reshaped(source, kept)
    steps = [strides[i] for i in moving]
    counts = [dims[i] for i in moving]
    for a, b, count in zip(steps, steps[1:], counts[1:], strict=False):
        if a % b or count * b > a:
            return None
    span = steps[0] * counts[0]
    size = source.size
    radices = [a // b for a, b in itertools.pairwise(steps)]
    width = source.shape[-1] if len(source.shape) == 2 else 0
    is_in_a_row = steps[-1] == 1 and counts[1:] == radices
    if width and is_in_a_row and not start % width and not span % width:  # whole rows of a matrix
        some = slice(start // width, (start + span) // width)
        field = reshaped(cut(source, (some, slice(0, width))), tuple(counts))
    elif start == 0 and span == size and counts[1:] == radices and steps[-1] == 1:
        field = reshaped(source, tuple(counts))
    else:
        flat = reshaped(source, (size,))
        offset = start
        if start + span <= size:
            flat, offset = cut(flat, (slice(start, start + span),)), 0
            rows = counts[0]
        elif size % steps[0] == 0:
            rows = size // steps[0]
        else:
            return None
        shape = (rows, *radices, steps[-1])
        cuts: list[Any] = []
        for step, count, radix in zip(steps, counts, (rows, *radices), strict=True):
            digit = offset // step
            offset -= digit * step
            if digit + count > radix:
                return None
            cuts.append(slice(digit, digit + count))
        field = cut(reshaped(flat, shape), (*cuts, slice(offset, offset + 1)))
        field = reshaped(field, tuple(counts))
    back = tuple(np.argsort(moving).tolist())
    return reshaped(transposed(field, back), kept)


def as_tensor(t: object) -> Any:
    """A Tensor as it is, an array as a leaf."""
    return t if t.__class__ is Tensor else Tensor(t)


def indexed(t: object, index: object) -> Any:
    """A Tensor of the numbers at an index, which is kept as it is."""
    return Tensor._record(shapes.getitem.op, as_tensor(t), index)
