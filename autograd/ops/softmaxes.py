"""Scores made probabilities, and the smooth maximum: of sequences and along the axes of arrays."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from ..op import array_forms, reduction, structural
from ..operands import Vector, as_operand, is_array, members
from .elementwise import exp, log
from .sums import array_sum, kept, not_empty, not_empty_along, sequence, size

__all__ = ["log_softmax", "logsumexp", "softmax"]


@reduction(lambda z, x: softmax_of(x))
def logsumexp(x):
    """Smooth maximum log(e^x₁ + ... + e^xₙ).

    x: sequence of any real numbers; ValueError if it is empty. Returns one number, at least max(x). For
    a Tensor, or an array of several dimensions, logsumexp(x, axis=None, keepdims=False) runs over axes.
    Derivative: softmax(x).
    The largest member is taken out first, so it overflows only where the result does. If the largest is
    ±inf, so is the result, and the slopes are nan.
    Source: Blanchard, Higham and Higham, IMA J. Numer. Anal. 41 (2021).
    """
    not_empty("logsumexp", sequence("logsumexp", x))
    if any(u != u for u in members(x)):
        return math.nan
    largest = max(members(x))
    if largest == math.inf or largest == -math.inf:
        return largest
    return largest + log.op.forward(builtins.sum(exp.op.forward(u - largest) for u in members(x)))


@reduction(lambda z, x, j: z * (unit_vector(j, size(x)) - softmax_of(x)), None, shown="softmax")
def softmax_component(x, j):
    """Member j of softmax(x) as a node of its own.

    x: sequence of any real numbers; j: 0 to n - 1, not differentiated. Returns one number, 0 to 1.
    Derivative: z (δⱼₖ - softmax(x)ₖ) for member k.
    """
    return softmax_of(x)[int(j)]


def softmax(x, axis=-1):
    """e^xⱼ / (e^x₁ + ... + e^xₙ) for every j: scores made probabilities.

    x: sequence of any real numbers. Returns a list of n numbers from 0 to 1 whose sum is 1. For a Tensor,
    or an array of several dimensions, they run along `axis`, and the result has the same shape.
    Derivative: aⱼ (δⱼₖ - aₖ) of member aⱼ for xₖ.
    The largest member is taken out first: softmax([1e308, 1e308]) is [½, ½]. If the largest is ±inf,
    all members are nan.
    Source: Bridle, in Neurocomputing, NATO ASI Series F68 (1990).
    """
    if is_array(x):
        return array_forms["softmax"](x, axis)
    x = sequence("softmax", as_operand(x))
    return [softmax_component(x, j) for j in range(len(x))]


def log_softmax(x, axis=-1):
    """The logarithms of softmax(x), as xⱼ - logsumexp(x), so that none of them underflows.

    x: sequence of any real numbers. Returns a list of n numbers, never positive. For a Tensor, or an
    array of several dimensions, they run along `axis`, and the result has the same shape.
    Derivative: δⱼₖ - softmax(x)ₖ of member j for xₖ. If the largest is ±inf, its own
    logarithm is nan.
    """
    if is_array(x):
        return array_forms["log_softmax"](x, axis)
    x = as_operand(x)
    total = logsumexp(x)
    return [u - total for u in members(x)]


def softmax_of(x: Any) -> Vector:
    """softmax on whatever the members are: numbers at once, nodes and formulas as operations."""
    if any(hasattr(u.__class__, "_record") for u in x):
        return Vector(softmax(x))
    largest = max(x)
    e = [exp.op.forward(u - largest) for u in x]
    total = builtins.sum(e)
    return Vector(u / total for u in e)


def logsumexp_of(x: Any) -> Any:
    return logsumexp(x, axis=-1, keepdims=True) if is_array(x) else logsumexp(x)


def unit_vector(j: Any, n: int) -> Vector:
    """n numbers, 1 at place j and 0 elsewhere."""
    return Vector(1.0 if k == j else 0.0 for k in range(n))


# ---------------------------------------------------------------- exponentials


def _shift(x: Any, axis: Any) -> Any:
    """The largest number along the axis, which may be taken out of an exponential; 0 if it is infinite."""
    m = x.max(axis, keepdims=True)
    return np.where(np.isfinite(m), m, 0.0).astype(x.dtype) if not np.isfinite(m).all() else m


@structural(lambda g, z, x, axis: z * (g - array_sum(g * z, axis, True)), None, shown="softmax")
def array_softmax(x, axis=-1):
    """e^x over its sum along an axis. Gradient: z (g - Σ g z)."""
    not_empty_along("softmax", x, axis)
    e = np.exp(x - x.max(axis, keepdims=True))
    e /= e.sum(axis, keepdims=True)
    return e


@structural(lambda g, z, x, axis: g - exp(z) * array_sum(g, axis, True), None, shown="log_softmax")
def array_log_softmax(x, axis=-1):
    """The logarithm of softmax, x - logsumexp(x), so that none of them underflows."""
    not_empty_along("log_softmax", x, axis)
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


@structural(
    lambda g, z, x, axis, keepdims: kept(g, x.shape, axis) * array_softmax(x, axis), None, None, shown="logsumexp"
)
def array_logsumexp(x, axis=None, keepdims=False):
    """log Σ e^x over axes, the smooth maximum. Gradient: softmax(x)."""
    not_empty_along("logsumexp", x, axis)
    m = _shift(x, axis)
    z = np.log(np.exp(x - m).sum(axis, keepdims=True)) + m
    return z if keepdims else z.sum(axis)
