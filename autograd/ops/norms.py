"""Lengths of vectors and matrices, along the axes of arrays."""

from __future__ import annotations

import builtins
import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..op import structural
from ..operands import Axis, Operand, as_array
from . import elementwise, extremes
from .sums import array_sum, kept, norm_of_values, of_sequences_too, zero_at_zero

__all__ = ["norm"]


def _euclidean(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """The root of the sum of squares over axes. Derivative: x / z, and 0 where all x are 0."""
    largest = np.abs(x).max(axis, keepdims=True, initial=0.0)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1)  # so that no square overflows
    z = np.sqrt(((x / scale) ** 2).sum(axis, keepdims=True)) * scale
    return z if keepdims else z.sum(axis)


_euclidean.__name__ = "norm"
euclidean_norm = structural(
    lambda g, z, x, axis, keepdims: kept(g, x.shape, axis) * zero_at_zero(x, kept(z, x.shape, axis)), None, None
)(_euclidean)


@of_sequences_too(norm_of_values)
def norm(x: Operand, axis: Axis = None, keepdims: bool = False, *, ord: float | str | None = None) -> Operand:
    """Length over axes: Euclidean, the root of the sum of squares, or another as numpy.linalg.norm has them.

    x: array or Tensor, or a list of Values for the Euclidean one. Returns x's shape without the axes, never
    negative; the Euclidean one overflows only where the length does. ord: of a vector (one axis) 1 for the sum of
    |x|, inf and -inf for the largest and the smallest, another p for (Σ |x|^p)^(1/p); of a matrix (two axes) 1 and
    -1 for the largest and the smallest sum of a column, inf and -inf for those of a row, "fro" for the Euclidean.
    ValueError for what is none of these.
    Derivative of the Euclidean: x / z, and 0 where all x are 0; of the others that of abs, sum and max.
    """
    x = as_array(x, "norm")
    if ord is None:
        return euclidean_norm(x, axis, keepdims)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if len(axes) == 1 and not isinstance(ord, str) and ord == ord and ord != 0:
        return _vector_norm(x, axes[0], keepdims, ord)
    if len(axes) == 2 and (ord == "fro" or (not isinstance(ord, str) and builtins.abs(ord) in (1, math.inf))):
        return euclidean_norm(x, axes, keepdims) if isinstance(ord, str) else _matrix_norm(x, axes, keepdims, ord)
    raise ValueError(
        f"norm: expected for one axis ord 1, 2, inf, -inf or another number but 0, for two axes 'fro', 1, -1, inf or "
        f"-inf; got ord={ord!r} and {len(axes)} axes"
    )


def _vector_norm(x: Operand, axis: int, keepdims: bool, ord: float) -> Operand:
    size = elementwise.abs(x)
    if builtins.abs(ord) == math.inf:
        return (extremes.max if ord > 0 else extremes.min)(size, axis, keepdims)
    if ord == 2:
        return euclidean_norm(x, axis, keepdims)
    return array_sum(size, axis, keepdims) if ord == 1 else array_sum(size**ord, axis, keepdims) ** (1 / ord)


def _matrix_norm(x: Operand, axes: tuple[int, ...], keepdims: bool, ord: float) -> Operand:
    over, along = axes if builtins.abs(ord) == 1 else axes[::-1]
    sums = array_sum(elementwise.abs(x), over, True)
    largest = (extremes.max if ord > 0 else extremes.min)(sums, along, True)
    return largest if keepdims else largest.reshape(tuple(n for a, n in enumerate(x.shape) if a not in axes))


def norm_as_numpy(x: Operand, ord: float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Operand:
    """numpy.linalg.norm for Tensors."""
    if axis is not None:
        normalize_axis_tuple(axis, x.ndim)  # NumPy knows no axis of a single number here
    return norm(x, axis, keepdims, ord=ord)


norm.op = euclidean_norm.op  # type: ignore[attr-defined]
