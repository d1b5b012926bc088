"""Operations along the axes of an array: sums, means, extremes, softmax.

They are the array form of what `reductions` does with sequences, and have the same names. `axis` is
an axis, a tuple of them, or None for all; `keepdims` keeps each as an axis of size 1. Axis errors
are NumPy's AxisError.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import array_forms, structural
from .softmaxes import array_log_softmax, array_logsumexp, array_softmax
from .sums import array_mean, array_prod, array_sum, kept, not_empty_along, numbers

__all__ = ["argmax", "argmin", "max", "min"]


# ---------------------------------------------------------------- extremes


@structural(lambda g, z, x, axis, keepdims: kept(g, x.shape, axis) * _shares(x, z, axis), None, None)
def max(x, axis=None, keepdims=False):
    """The largest number over axes. Equal ones share the gradient evenly.

    x: array or Tensor; ValueError if there is no number. Returns x's shape without the axes; nan where
    there is one. Derivative: 1 for the number that was taken, 0 for the others, as PyTorch's amax.
    """
    _check_axis("max", axis)
    not_empty_along("max", x, axis)
    return x.max(axis, keepdims=keepdims)


@structural(lambda g, z, x, axis, keepdims: kept(g, x.shape, axis) * _shares(x, z, axis), None, None)
def min(x, axis=None, keepdims=False):
    """The smallest number over axes. Equal ones share the gradient evenly.

    x: array or Tensor; ValueError if there is no number. Returns x's shape without the axes; nan where
    there is one. Derivative: 1 for the number that was taken, 0 for the others, as PyTorch's amin.
    """
    _check_axis("min", axis)
    not_empty_along("min", x, axis)
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


array_forms.update(
    sum=array_sum,
    mean=array_mean,
    prod=array_prod,
    logsumexp=array_logsumexp,
    softmax=array_softmax,
    log_softmax=array_log_softmax,
)
