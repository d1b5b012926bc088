"""Operations that take whole sequences to one number: sums, weighted sums, softmax and the losses.

Sequences are lists, tuples, iterators or 1-d arrays, of numbers, Values or formulas; two of them have equal
length (ValueError otherwise). Every result is a single node with an exact local derivative for each
member: a neuron's weighted sum is one node, the z of lecture notes. Rules are written as on arrays.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from ..ieee import quietly
from ..op import reduction, structural
from ..operands import Vector, as_array, describe, is_array, members, real_array
from .choosing import where
from .shapes import broadcast_to, stack

__all__ = ["mean", "norm", "prod", "std", "sum", "var"]


@reduction(1, symbol="Σ", expands=True, linear=True)
def sum(x):
    """Sum x₁ + ... + xₙ.

    x: sequence of any real numbers. Returns one number, 0 for an empty sequence. For a Tensor, or an
    array of several dimensions, sum(x, axis=None, keepdims=False) is as in NumPy.
    Derivative: 1 for every member.
    """
    return builtins.sum(members(x))


@reduction(lambda z, x: 1 / size(x), expands=True, linear=True)
def mean(x):
    """Mean (x₁ + ... + xₙ) / n.

    x: sequence of any real numbers; ValueError if it is empty. Returns one number. For a Tensor, or an
    array of several dimensions, mean(x, axis=None, keepdims=False) is as in NumPy.
    Derivative: 1/n for every member.
    """
    not_empty("mean", x)
    return builtins.sum(members(x)) / size(x)


@reduction(lambda z, x: _products_of_other_members(x), symbol="Π", expands=True)
def prod(x):
    """Product x₁ · ... · xₙ.

    x: sequence of any real numbers. Returns one number, 1 for an empty sequence. For a Tensor, or an
    array of several dimensions, prod(x, axis=None, keepdims=False) is as in NumPy.
    Derivative: the product of the other members, from products to the left and to the right of each,
    never by division: exact with zeros too.
    """
    return math.prod(sequence("prod", x))


# ---------------------------------------------------------------- parts of the rules


def size(x: Any) -> int:
    """How many members an operand has; in a batch, each of its rows."""
    return x.shape[-1] if is_array(x) else len(members(x))


def _products_of_other_members(x: Any) -> Vector:
    left, right = [1.0], [1.0]
    for u in x[:-1]:
        left.append(left[-1] * u)
    for u in x[:0:-1]:
        right.append(right[-1] * u)
    return Vector(a * b for a, b in zip(left, reversed(right), strict=True))


def sequence(where_: str, x: Any) -> Any:
    if not isinstance(x, tuple):
        raise TypeError(f"{where_}: expected a sequence of numbers, got a single {describe(x)}")
    return x


def not_empty(where_: str, x: Any) -> None:
    if not size(x):
        raise ValueError(f"{where_}: expected at least one member, got an empty sequence")


def numbers(x: Any) -> Any:
    """The array of a Tensor, an array as it is: for what is not differentiated."""
    return x._data if getattr(x.__class__, "_is_array", False) else x


def comparable(x: Any) -> Any:
    """The numbers of what a Tensor is compared with: those of a Tensor, an array, a list or a number."""
    return x._data if getattr(x.__class__, "_is_array", False) else real_array(x, "comparing a Tensor")


def kept(x: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """A reduced array with its axes back, each of size 1. shape: that of what was reduced."""
    if axis is None or not shape:
        return x.reshape((1,) * len(shape))
    axes = {a % len(shape) for a in ((axis,) if isinstance(axis, int | np.integer) else axis)}
    return x.reshape(tuple(1 if i in axes else n for i, n in enumerate(shape)))


def count(shape: tuple[int, ...], axis: Any) -> int:
    """How many numbers a reduction takes to one."""
    if axis is None or not shape:
        return math.prod(shape)
    return math.prod(shape[a] for a in ((axis,) if isinstance(axis, int | np.integer) else axis))


def not_empty_along(name: str, x: Any, axis: Any) -> None:
    if not x.size and (axis is None or not count(x.shape, np.lib.array_utils.normalize_axis_tuple(axis, x.ndim))):
        raise ValueError(f"{name}: expected at least one number, got an array of shape {x.shape}, axis={axis}")


# ---------------------------------------------------------------- sums


@structural(
    lambda g, z, x, axis, keepdims: broadcast_to(kept(g, x.shape, axis), x.shape), None, None, symbol="Σ", shown="sum"
)
def array_sum(x, axis=None, keepdims=False):
    """Sum over axes. Each summand gets the gradient of its sum. sum(axis=()) sums nothing."""
    return x.sum(axis, keepdims=keepdims)


@structural(
    lambda g, z, x, axis, keepdims: broadcast_to(kept(g, x.shape, axis) / count(x.shape, axis), x.shape),
    None,
    None,
    shown="mean",
)
def array_mean(x, axis=None, keepdims=False):
    """Mean over axes. Each of n numbers gets 1/n of the gradient. ValueError if there are none."""
    not_empty_along("mean", x, axis)
    return x.mean(axis, keepdims=keepdims)


@structural(
    lambda g, z, x, axis, keepdims: kept(g, x.shape, axis) * _products_of_the_others(x, axis),
    None,
    None,
    symbol="Π",
    shown="prod",
)
def array_prod(x, axis=None, keepdims=False):
    """Product over axes. Derivative: the product of the others, exact with zeros too."""
    return x.prod(axis, keepdims=keepdims)


def _products_of_the_others(x: Any, axis: Any) -> Any:
    """For each number the product of those that are multiplied with it."""
    if count(x.shape, axis) < 2:
        return np.ones(x.shape, x.dtype)
    axes = range(x.ndim) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)
    order = [a for a in range(x.ndim) if a not in axes] + list(axes)
    moved = x.transpose(order)
    rows = moved.reshape((*moved.shape[: x.ndim - len(axes)], count(x.shape, axis)))
    others = [None] * rows.shape[-1]
    left = right = None
    for i in range(len(others)):  # as a row of columns, so that arrays and Tensors are read alike
        others[i] = left
        left = rows[..., i] if left is None else left * rows[..., i]
    for i in reversed(range(len(others))):
        if right is not None:
            others[i] = right if others[i] is None else others[i] * right
        right = rows[..., i] if right is None else right * rows[..., i]
    return stack(others, axis=-1).reshape(moved.shape).transpose(list(np.argsort(order)))


def var(x, axis=None, keepdims=False, ddof=0):
    """Variance over axes: the mean square of what differs from the mean.

    x: array or Tensor; ValueError if there is no number. ddof: divide by n - ddof; 0 as NumPy and Keras,
    1 for the unbiased estimate; nan or inf where that leaves nothing. Returns x's shape without the axes.
    Derivative: 2 (x - mean) / (n - ddof).
    """
    return quietly(_var, as_array(x, "var"), axis, keepdims, ddof)


def _var(x: Any, axis: Any, keepdims: bool, ddof: int) -> Any:
    not_empty_along("var", x, axis)
    d = x - array_mean(x, axis, True)
    return array_sum(d * d, axis, keepdims) / _over(x, axis, ddof)


@structural(
    lambda g, z, x, axis, keepdims, ddof: (
        kept(g, x.shape, axis)
        * _zero_at_zero(x - array_mean(x, axis, True), kept(z, x.shape, axis) * _over(x, axis, ddof))
    ),
    None,
    None,
    None,
)
def std(x, axis=None, keepdims=False, ddof=0):
    """Standard deviation over axes, the root of `var`, with the same arguments.

    Derivative: (x - mean) / ((n - ddof) z), and 0 where z is 0.
    """
    not_empty_along("std", x, axis)
    d = x - x.mean(axis, keepdims=True)
    return np.sqrt((d * d).sum(axis, keepdims=keepdims) / _over(x, axis, ddof))


def _over(x: Any, axis: Any, ddof: int) -> int:
    n = count(x.shape, axis) - ddof
    return n if n > 0 else 0


@structural(
    lambda g, z, x, axis, keepdims: kept(g, x.shape, axis) * _zero_at_zero(x, kept(z, x.shape, axis)), None, None
)
def norm(x, axis=None, keepdims=False):
    """Euclidean length over axes, the root of the sum of squares.

    x: array or Tensor. Returns x's shape without the axes, never negative; it overflows only where the
    length does. Derivative: x / z, and 0 where all x are 0.
    """
    largest = np.abs(x).max(axis, keepdims=True, initial=0.0)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1)  # so that no square overflows
    z = np.sqrt(((x / scale) ** 2).sum(axis, keepdims=True)) * scale
    return z if keepdims else z.sum(axis)


def norm_as_numpy(x, ord=None, axis=None, keepdims=False):
    """numpy.linalg.norm for Tensors; the Euclidean one only."""
    if ord is not None:
        raise TypeError(f"np.linalg.norm: expected ord=None for Tensors, got {ord!r}; write it with abs, sum and max")
    if axis is not None:
        np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)  # NumPy knows no axis of a single number here
    return norm(x, axis, keepdims)


def _zero_at_zero(x: Any, z: Any) -> Any:
    """x / z, and 0 where z is 0."""
    is_zero = numbers(z) == 0
    return where(is_zero, 0.0, x / where(is_zero, 1.0, z))
