"""The largest and the smallest number along the axes of an array, and where they are.

`axis` is an axis, a tuple of them, or None for all; `keepdims` keeps each as an axis of size 1. Axis
errors are NumPy's AxisError. Of two operands, element by element, see `maximum` and `minimum`.
"""

from __future__ import annotations

import numpy as np

from ..op import Decorator, structural
from ..operands import Axis, Operand
from .choosing import where
from .sums import kept, not_empty, numbers

__all__ = ["argmax", "argmin", "max", "min"]


def _extreme(name: str, of_two: str) -> Decorator:
    """Makes an operation of a function that takes one of the numbers along axes."""

    def door(x: Operand, axis: Operand = None, keepdims: bool = False) -> tuple[Operand, ...]:
        if hasattr(axis, "shape"):
            raise TypeError(
                f"{name}: expected an axis, a tuple of them or None, got an array of shape {axis.shape}; "
                f"of two arrays {name}imum(x, y) takes the {of_two} element by element"
            )
        return x, axis, keepdims

    def pull(g: Operand, z: Operand, x: Operand, axis: Axis, keepdims: bool) -> Operand:
        z = kept(z, x.shape, axis)
        taken = x >= z if name == "max" else x <= z
        several = where(taken, x.dtype.type(1), 0.0).sum(axis, keepdims=True)
        share = kept(g, x.shape, axis)
        return where(taken, share / several if (numbers(several) > 1).any() else share, 0.0)

    return structural(pull, None, None, door=door)


@_extreme("max", "larger")
def max(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """The largest number over axes. Equal ones share the gradient evenly.

    x: array or Tensor; ValueError if there is no number. Returns x's shape without the axes; nan where
    there is one. Derivative: 1 for the number that was taken, 0 for the others, as PyTorch's amax.
    """
    not_empty("max", x, axis)
    return x.max(axis, keepdims=keepdims)


@_extreme("min", "smaller")
def min(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """The smallest number over axes. Equal ones share the gradient evenly.

    x: array or Tensor; ValueError if there is no number. Returns x's shape without the axes; nan where
    there is one. Derivative: 1 for the number that was taken, 0 for the others, as PyTorch's amin.
    """
    not_empty("min", x, axis)
    return x.min(axis, keepdims=keepdims)


def argmax(x: Operand, axis: int | None = None) -> Operand:
    """Where the largest number is, as integers; see numpy.argmax. It has no gradient.

    x: array or Tensor, or a list of Values.
    """
    return np.argmax(_numbers_in(x), axis)


def argmin(x: Operand, axis: int | None = None) -> Operand:
    """Where the smallest number is, as integers; see numpy.argmin. It has no gradient.

    x: array or Tensor, or a list of Values.
    """
    return np.argmin(_numbers_in(x), axis)


def _numbers_in(x: Operand) -> Operand:
    return (
        [getattr(u, "data", u) if hasattr(u.__class__, "_record") else u for u in x]
        if isinstance(x, list | tuple)
        else numbers(x)
    )
