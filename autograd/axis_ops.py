"""Operations along the axes of an array: sums, means, extremes, softmax.

They are the array form of what `reductions` does with sequences, and have the same names. `axis` is
an axis, a tuple of them, or None for all; `keepdims` keeps each as an axis of size 1. Axis errors
are NumPy's AxisError.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .array_ops import broadcast_to, stack
from .op import array_forms, as_array, quietly, structural
from .ops import exp, where

__all__ = ["argmax", "argmin", "max", "min", "norm", "std", "var"]


def numbers(x: Any) -> Any:
    """The array of a Tensor, an array as it is: for what is not differentiated."""
    return x._data if getattr(x.__class__, "_is_array", False) else x


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


def _not_empty(name: str, x: Any, axis: Any) -> None:
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
    _not_empty("mean", x, axis)
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
    _not_empty("var", x, axis)
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
    _not_empty("std", x, axis)
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
    return norm(x, axis, keepdims)


def _zero_at_zero(x: Any, z: Any) -> Any:
    """x / z, and 0 where z is 0."""
    is_zero = numbers(z) == 0
    return where(is_zero, 0.0, x / where(is_zero, 1.0, z))


# ---------------------------------------------------------------- extremes


@structural(lambda g, z, x, axis, keepdims: kept(g, x.shape, axis) * _shares(x, z, axis), None, None)
def max(x, axis=None, keepdims=False):
    """The largest number over axes. Equal ones share the gradient evenly.

    x: array or Tensor; ValueError if there is no number. Returns x's shape without the axes; nan where
    there is one. Derivative: 1 for the number that was taken, 0 for the others, as PyTorch's amax.
    """
    _check_axis("max", axis)
    _not_empty("max", x, axis)
    return x.max(axis, keepdims=keepdims)


@structural(lambda g, z, x, axis, keepdims: kept(g, x.shape, axis) * _shares(x, z, axis), None, None)
def min(x, axis=None, keepdims=False):
    """The smallest number over axes. Equal ones share the gradient evenly.

    x: array or Tensor; ValueError if there is no number. Returns x's shape without the axes; nan where
    there is one. Derivative: 1 for the number that was taken, 0 for the others, as PyTorch's amin.
    """
    _check_axis("min", axis)
    _not_empty("min", x, axis)
    return x.min(axis, keepdims=keepdims)


def _check_axis(name: str, axis: Any) -> None:
    if isinstance(axis, np.ndarray):
        raise TypeError(
            f"{name}: expected an axis, a tuple of them or None, got an array of shape {axis.shape}; "
            f"of two arrays {name}imum(x, y) takes the {'larger' if name == 'max' else 'smaller'} element by element"
        )


def _shares(x: Any, z: Any, axis: Any) -> np.ndarray:
    """1 for the number that was taken, 1/k for each of k equal ones, 0 for the others."""
    x = numbers(x)
    taken = x == kept(numbers(z), x.shape, axis)
    return (taken / taken.sum(axis, keepdims=True)).astype(x.dtype)


def argmax(x, axis=None):
    """Where the largest number is, as integers; see numpy.argmax. It has no gradient."""
    return np.argmax(numbers(x), axis)


def argmin(x, axis=None):
    """Where the smallest number is, as integers; see numpy.argmin. It has no gradient."""
    return np.argmin(numbers(x), axis)


# ---------------------------------------------------------------- exponentials


def _shift(x: Any, axis: Any) -> Any:
    """The largest number along the axis, which may be taken out of an exponential; 0 if it is infinite."""
    m = x.max(axis, keepdims=True)
    return np.where(np.isfinite(m), m, 0.0).astype(x.dtype) if not np.isfinite(m).all() else m


@structural(lambda g, z, x, axis: z * (g - array_sum(g * z, axis, True)), None, shown="softmax")
def array_softmax(x, axis=-1):
    """e^x over its sum along an axis. Gradient: z (g - Σ g z)."""
    _not_empty("softmax", x, axis)
    e = np.exp(x - x.max(axis, keepdims=True))
    e /= e.sum(axis, keepdims=True)
    return e


@structural(lambda g, z, x, axis: g - exp(z) * array_sum(g, axis, True), None, shown="log_softmax")
def array_log_softmax(x, axis=-1):
    """The logarithm of softmax, x - logsumexp(x), so that none of them underflows."""
    _not_empty("log_softmax", x, axis)
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


@structural(
    lambda g, z, x, axis, keepdims: kept(g, x.shape, axis) * array_softmax(x, axis), None, None, shown="logsumexp"
)
def array_logsumexp(x, axis=None, keepdims=False):
    """log Σ e^x over axes, the smooth maximum. Gradient: softmax(x)."""
    _not_empty("logsumexp", x, axis)
    m = _shift(x, axis)
    z = np.log(np.exp(x - m).sum(axis, keepdims=True)) + m
    return z if keepdims else z.sum(axis)


array_forms.update(
    sum=array_sum,
    mean=array_mean,
    prod=array_prod,
    logsumexp=array_logsumexp,
    softmax=array_softmax,
    log_softmax=array_log_softmax,
)
