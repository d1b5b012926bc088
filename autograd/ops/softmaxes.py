"""Scores made probabilities, and the smooth maximum: of sequences and along the axes of arrays."""

from __future__ import annotations

import builtins
import functools
import math

import numpy as np

from ..op import reduction, structural
from ..operands import Axis, Operand, Vector, as_operand, is_array, is_plain, members
from ..rows import Rows
from ..samples import are_in_columns
from ..signatures import of_scores
from .choosing import where
from .elementwise import exp, log, maximum
from .matrices import row_of_ones
from .sums import array_sum, not_empty, sequence

__all__ = ["log_softmax", "logsumexp", "softmax"]


# ---------------------------------------------------------------- the smooth maximum


@reduction(lambda z, x: softmax(x))
def logsumexp(x: Operand) -> Operand:
    """Smooth maximum log(e^x₁ + ... + e^xₙ).

    x: sequence of any real numbers; ValueError if it is empty. Returns one number, at least max(x). For
    a Tensor, or an array of several dimensions, logsumexp(x, axis=None, keepdims=False) runs over axes.
    Derivative: softmax(x).
    The largest member is taken out first, so it overflows only where the result does. If the largest is
    ±inf, so is the result, and the slopes are nan.
    Source: Blanchard, Higham and Higham, IMA J. Numer. Anal. 41 (2021).
    """
    not_empty("logsumexp", sequence("logsumexp", x))
    largest = _largest(x)
    largest = where((largest > -math.inf) & (largest < math.inf), largest, 0.0)
    return largest + log.op.forward(builtins.sum(exp.op.forward(u - largest) for u in members(x)))


def _largest(x: Operand) -> Operand:
    """The largest member, nan if there is one: asked of two at a time, which every reader can answer."""
    return functools.reduce(maximum.op.forward, members(x))


@logsumexp.on_arrays
def array_logsumexp(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """log Σ e^x over axes."""
    not_empty("logsumexp", x, axis)
    m = x.max(axis, keepdims=True)
    if not np.isfinite(m).all():
        m = np.where(np.isfinite(m), m, 0.0).astype(x.dtype)
    z = np.log(np.exp(x - m).sum(axis, keepdims=True)) + m
    return z if keepdims else z.sum(axis)


# ---------------------------------------------------------------- softmax


def largest_along(x: np.ndarray, axis: Axis) -> np.ndarray:
    """The largest numbers along an axis, which is kept.

    Along a short axis NumPy's max takes three to nine times as long as on a copy of the transpose.
    """
    if x.ndim == 2 and axis in (1, -1) and x.shape[1] <= 64:
        return x.T.copy().max(0)[:, None]
    return x.max(axis, keepdims=True)


def summed_along(x: np.ndarray, axis: Axis) -> np.ndarray:
    """The sums along an axis, which is kept: of rows as a product with ones, at a quarter of the cost."""
    if x.ndim == 2 and axis in (1, -1):
        return x.dot(row_of_ones(x.shape[1], x.dtype))[:, None]
    return x.sum(axis, keepdims=True)


class _Last(int):
    """The last axis, where no axis was named."""


LAST = _Last(-1)


def _axis(where: str, x: Operand, axis: Axis, samples: str | None) -> Axis:
    """The axis of the outputs of a sample."""
    if samples is None and axis is not LAST:
        return axis
    if axis is not LAST:
        raise TypeError(f"{where}: axis={axis} and samples={samples!r} both say it; leave one of them out")
    return 0 if are_in_columns(where, samples, x) else -1


@reduction(lambda z, x, j: (unit_vector(j, len(x)) - softmax(x)) * z, None, picks=lambda x: softmax(x), shown="softmax")
def softmax_component(x: Operand, j: Operand) -> Operand:
    """Member j of softmax(x) as a node of its own.

    x: sequence of any real numbers; j: 0 to n - 1, not differentiated. Returns one number, 0 to 1.
    Derivative: z (δⱼₖ - softmax(x)ₖ) for member k.
    """
    return softmax(x)[int(j)]


@structural(lambda g, z, x, axis: z * (g - array_sum(g * z, axis, True)), None, along_axis=True, shown="softmax")
def array_softmax(x: Operand, axis: Axis = -1) -> Operand:
    """e^x over its sum along an axis. Gradient: z (g - Σ g z)."""
    not_empty("softmax", x, axis)
    e = np.exp(x - largest_along(x, axis))
    e /= summed_along(e, axis)
    return e


@of_scores
def softmax(x: Operand, axis: Axis = LAST, *, samples: str | None = None) -> Operand:
    """e^xⱼ / (e^x₁ + ... + e^xₙ) for every j: scores made probabilities.

    x: sequence of any real numbers. Returns a list of n numbers from 0 to 1 whose sum is 1. For a Tensor,
    or an array of several dimensions, they run along `axis`, by default the last, and the result has the same
    shape; samples="columns" runs them along the first, the units of (units, samples). ValueError if neither was
    said and the graph shows samples in columns.
    Derivative: aⱼ (δⱼₖ - aₖ) of member aⱼ for xₖ.
    The largest member is taken out first: softmax([1e308, 1e308]) is [½, ½]. If the largest is ±inf,
    all members are nan.
    Source: Bridle, in Neurocomputing, NATO ASI Series F68 (1990).
    """
    if is_array(x):
        return array_softmax(x, _axis("softmax", x, axis, samples))
    if isinstance(x, Rows):
        return Rows(array_softmax(x.array))
    if isinstance(x, Vector):  # in a rule
        return _numbers(x) if all(map(is_plain, x)) else Vector(_components(x))
    return _components(sequence("softmax", as_operand(x)))


def _components(x: Operand) -> list[Operand]:
    return [softmax_component(x, j) for j in range(len(x))]


def _numbers(x: Vector) -> Vector:
    """softmax of plain numbers, all members at once."""
    largest = _largest(x)
    e = x.map(lambda u: exp.op.forward(u - largest))
    return e / builtins.sum(e)


def unit_vector(j: float, n: int) -> Vector:
    """n numbers, 1 at place j and 0 elsewhere."""
    return Vector(1.0 if k == j else 0.0 for k in range(n))


# ---------------------------------------------------------------- its logarithm


@structural(lambda g, z, x, axis: g - exp(z) * array_sum(g, axis, True), None, along_axis=True, shown="log_softmax")
def array_log_softmax(x: Operand, axis: Axis = -1) -> Operand:
    """The logarithm of softmax, x - logsumexp(x), so that none of them underflows."""
    not_empty("log_softmax", x, axis)
    shifted = x - largest_along(x, axis)
    return shifted - np.log(summed_along(np.exp(shifted), axis))


@of_scores
def log_softmax(x: Operand, axis: Axis = LAST, *, samples: str | None = None) -> Operand:
    """The logarithms of softmax(x), as xⱼ - logsumexp(x), so that none of them underflows.

    x: sequence of any real numbers. Returns a list of n numbers, never positive. For a Tensor, or an
    array of several dimensions, they run along `axis`, and the result has the same shape; see `softmax` for
    samples="columns".
    Derivative: δⱼₖ - softmax(x)ₖ of member j for xₖ. If the largest is ±inf, its own
    logarithm is nan.
    """
    if is_array(x):
        return array_log_softmax(x, _axis("log_softmax", x, axis, samples))
    if isinstance(x, Rows):
        return Rows(array_log_softmax(x.array))
    x = as_operand(x)
    total = logsumexp(x)
    return [u - total for u in members(x)]
