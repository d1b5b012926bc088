"""Sums, means and products of sequences and along the axes of arrays, and what is made of them.

Sequences are lists, tuples, iterators or 1-d arrays, of numbers, Values or formulas; the result is one
node with an exact local derivative for each member. Of a Tensor, or an array of several dimensions,
`axis` is an axis, a tuple of them, or None for all; `keepdims` keeps each as an axis of size 1. Axis
errors are NumPy's AxisError.
"""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable, Iterator
from typing import TypeVar, cast

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..arguments import not_negative
from ..ieee import quietly
from ..op import Forward, reduction, structural
from ..operands import Axis, Operand, Vector, as_array, describe, is_array_node, members, real_array
from ..signatures import of_array
from . import elementwise
from .choosing import where
from .elementwise import is_zero, maximum, sqrt
from .matrices import SHORT, has_short_rows, row_of_ones

T = TypeVar("T")

__all__ = ["average", "mean", "prod", "standardize", "std", "sum", "var"]


# ---------------------------------------------------------------- sums


@reduction(1, symbol="Σ", expands=True)
def sum(x: Operand) -> Operand:
    """Sum x₁ + ... + xₙ.

    x: sequence of any real numbers. Returns one number, 0 for an empty sequence. For a Tensor, or an
    array of several dimensions, sum(x, axis=None, keepdims=False) is as in NumPy; sum(x, ()) sums nothing.
    Derivative: 1 for every member.
    """
    return builtins.sum(members(x))


@sum.on_arrays
def array_sum(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """Sum over axes, as NumPy computes it."""
    if not keepdims and (axis is None or axis == -1):
        rows = x.ravel() if axis is None and x.size <= SHORT else x
        if (axis is None) == (rows.ndim == 1) and has_short_rows(rows):
            return rows.dot(row_of_ones(rows.shape[-1], rows.dtype))
    return x.sum(axis, keepdims=keepdims)


@reduction(lambda z, x: 1 / size(x), expands=True, averages=lambda x, axis, keepdims: True)
def mean(x: Operand) -> Operand:
    """Mean (x₁ + ... + xₙ) / n.

    x: sequence of any real numbers; ValueError if it is empty. Returns one number. For a Tensor, or an
    array of several dimensions, mean(x, axis=None, keepdims=False) is as in NumPy.
    Derivative: 1/n for every member.
    """
    not_empty("mean", x)
    return builtins.sum(members(x)) / size(x)


@mean.on_arrays
def array_mean(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """Mean over axes, as NumPy computes it. ValueError if there are no numbers."""
    not_empty("mean", x, axis)
    if not x.ndim:  # of which NumPy sums axis 0, and has no mean
        return x.mean(axis, keepdims=keepdims)
    total = array_sum(x, axis, keepdims)  # half of the time of x.mean
    return total / (x.size // total.size) if total.size else total


@reduction(lambda z, x: _products_of_the_others(x), symbol="Π", expands=True)
def prod(x: Operand) -> Operand:
    """Product x₁ · ... · xₙ.

    x: sequence of any real numbers. Returns one number, 1 for an empty sequence. For a Tensor, or an
    array of several dimensions, prod(x, axis=None, keepdims=False) is as in NumPy.
    Derivative: the product of the other members, from products to the left and to the right of each,
    never by division: exact with zeros too.
    """
    return math.prod(sequence("prod", x))


@prod.on_arrays
def array_prod(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    """Product over axes, as NumPy computes it."""
    return x.prod(axis, keepdims=keepdims)


@structural(lambda g, z, x: 2 * g * x, formula=lambda x: (x * x).sum(), shown="squares")
def squares(x: Operand) -> Operand:
    """The sum of the squares of an array, as one product and not as two in its backward pass."""
    flat = x.ravel()
    return flat.dot(flat)


def _products_of_the_others(x: Operand) -> Vector:
    left, right = [1.0], [1.0]
    for i in range(len(x) - 1):
        left.append(left[-1] * x[i])
        right.append(right[-1] * x[len(x) - 1 - i])
    return Vector(a * b for a, b in zip(left, reversed(right), strict=True)) if len(x) else Vector()


# ---------------------------------------------------------------- what is made of sums, along axes only


def of_sequences_too(of_sequence: Callable[..., Operand]) -> Callable[[T], T]:
    """Let a function of arrays take lists of Values, with its other arguments as they are."""

    def decorate(of_array: Forward) -> Operand:
        @functools.wraps(of_array)
        def function(x: Operand, *others: Operand, **named: Operand) -> Operand:
            if hasattr(x.__class__, "_record") and not is_array_node(x):
                raise TypeError(f"{of_array.__name__}: expected an array or a sequence of Values, got a single one")
            if isinstance(x, Iterator):
                x = list(x)
            if isinstance(x, list | tuple) and any(hasattr(u.__class__, "_record") and not is_array_node(u) for u in x):
                return of_sequence(Vector(x), *others, **named)
            return of_array(x, *others, **named)

        return function

    return cast(Callable[[T], T], decorate)


def _no_axes(where_: str, axis: Axis, keepdims: bool) -> None:
    if axis not in (None, 0, -1) or keepdims:
        raise TypeError(f"{where_}: a list of Values has no axes; leave out axis and keepdims")


@reduction(lambda z, x: _over_zero(x, z), shown="norm")
def norm_of_sequence(x: Operand) -> Operand:
    """Euclidean length √(x₁² + ... + xₙ²) of a sequence.

    x: sequence of any real numbers. Returns one number, never negative, 0 for an empty sequence; it overflows
    only where the length does. Derivative: x / z, and 0 where all x are 0.
    """
    xs = members(sequence("norm", x))
    if not xs:
        return 0.0
    largest = functools.reduce(maximum.op.forward, (maximum.op.forward(u, -u) for u in xs))
    scale = where((largest > 0) & (largest < math.inf), largest, 1.0)  # so that no square overflows
    return sqrt.op.forward(builtins.sum((u / scale) ** 2 for u in xs)) * scale


def norm_of_values(x: Vector, axis: Axis = None, keepdims: bool = False, *, ord: object = None) -> Operand:
    _no_axes("norm", axis, keepdims)
    if ord not in (None, 2):
        raise TypeError(
            f"norm: of a list of Values it is the Euclidean one, got ord={ord!r}; write it with abs and sum"
        )
    return norm_of_sequence(x)


def _std_of_values(x: Vector, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Operand:
    _no_axes("std", axis, keepdims)
    return norm_of_sequence(x - mean(x)) / math.sqrt(max(len(x) - ddof, 0))  # whose slope is 0 where all are equal


def _var_of_values(x: Vector, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Operand:
    _no_axes("var", axis, keepdims)
    d = x - mean(x)
    return sum(d * d) / max(len(x) - ddof, 0)


@of_sequences_too(_var_of_values)
@of_array
def var(x: Operand, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Operand:
    """Variance over axes, or of a sequence: the mean square of what differs from the mean.

    x: array or Tensor, or a list of Values; ValueError if there is no number. ddof: divide by n - ddof; 0 as NumPy
    and Keras, 1 for the unbiased estimate; nan or inf where that leaves nothing. Returns x's shape without the axes.
    Derivative: 2 (x - mean) / (n - ddof).
    """
    return quietly(_var, as_array(x, "var"), axis, keepdims, ddof)


def _var(x: Operand, axis: Axis, keepdims: bool, ddof: int) -> Operand:
    not_empty("var", x, axis)
    d = x - array_mean(x, axis, True)
    return array_sum(d * d, axis, keepdims) / _over(x, axis, ddof)


@of_sequences_too(_std_of_values)
@structural(
    lambda g, z, x, axis, keepdims, ddof: (
        kept(g, x.shape, axis)
        * zero_at_zero(x - array_mean(x, axis, True), kept(z, x.shape, axis) * _over(x, axis, ddof))
    ),
    None,
    None,
    None,
    averages=lambda x, axis, keepdims, ddof: not ddof,
)
def std(x: Operand, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Operand:
    """Standard deviation over axes or of a sequence, the root of `var`, with the same arguments.

    Derivative: (x - mean) / ((n - ddof) z), and 0 where z is 0.
    """
    not_empty("std", x, axis)
    d = x - x.mean(axis, keepdims=True)
    return np.sqrt((d * d).sum(axis, keepdims=keepdims) / _over(x, axis, ddof))


def _standardize_door(x: Operand, axis: Axis = -1, epsilon: float = 0.0) -> tuple[Operand, ...]:
    return as_array(x, "standardize"), axis, not_negative("standardize", "epsilon", epsilon)


@structural(
    lambda g, z, x, axis, epsilon: g * standardize(x, axis, epsilon) / count(x.shape, axis),
    None,
    None,
    text="√(var(#) + ε)",
    latex=r"\sqrt{\operatorname{var}(#) + \epsilon}",
    mathml="<msqrt><mi>var</mi><mo>(</mo>#<mo>)</mo><mo>+</mo><mi>ε</mi></msqrt>",
)
def deviation(x: Operand, axis: Axis, epsilon: float) -> Operand:
    """√(variance + epsilon) over axes, which are kept; by this `standardize` divides. Gradient: standardized x / n."""
    d = x - x.mean(axis, keepdims=True)
    return np.sqrt((d * d).mean(axis, keepdims=True) + d.dtype.type(epsilon))


@structural(
    lambda g, z, x, axis, epsilon: (
        (g - array_mean(g, axis, True) - z * array_mean(g * z, axis, True)) / deviation(x, axis, epsilon)
    ),
    None,
    None,
    door=_standardize_door,
    formula=lambda x, axis, epsilon, mu, s: (x - mu) / s,
    parts=(
        ("mu", None, lambda x, axis, epsilon: array_mean(x, axis, True)),
        ("s", deviation, lambda x, axis, epsilon, mu: sqrt(array_mean((x - mu) ** 2, axis, True) + epsilon)),
    ),
)
def standardize(x: Operand, axis: Axis = -1, epsilon: float = 0.0) -> Operand:
    """(x - mean) / √(variance + epsilon) over axes: mean 0 and variance 1, what normalizations are made of.

    x: array or Tensor; ValueError if there is no number. axis: one, a tuple of them, or None for all. epsilon: at
    least 0, keeps equal numbers from a division by 0. Returns x's shape.
    Gradient: (g - mean g - z mean(g z)) / √(variance + epsilon).
    Source: Ioffe and Szegedy, arXiv:1502.03167, section 3.
    """
    not_empty("standardize", x, axis)
    d = x - x.mean(axis, keepdims=True)
    d /= np.sqrt((d * d).mean(axis, keepdims=True) + d.dtype.type(epsilon))
    return d


def _over(x: Operand, axis: Axis, ddof: int) -> int:
    n = count(x.shape, axis) - ddof
    return n if n > 0 else 0


def average(x: Operand, axis: Axis = None, weights: Operand = None, keepdims: bool = False) -> Operand:
    """Mean over axes in which some numbers count more: Σ w x / Σ w.

    weights: of x's shape, or one for each place of a single axis; a Tensor's are differentiated. Without them it
    is `mean`. ValueError for other shapes.
    """
    x = as_array(x, "average")
    not_empty("average", x)
    if axis is not None:
        normalize_axis_tuple(axis, x.ndim)
    if weights is None:
        return array_mean(x, axis, keepdims)
    weights = as_array(weights, "average")
    if weights.shape != x.shape:
        axes = () if axis is None else normalize_axis_tuple(axis, x.ndim)
        if len(axes) != 1 or weights.shape != (x.shape[axes[0]],):
            raise ValueError(
                f"average: expected weights of shape {x.shape}, or one for each place of a single axis; "
                f"got {weights.shape} and axis={axis}"
            )
        weights = weights.reshape(tuple(n if a == axes[0] else 1 for a, n in enumerate(x.shape)))
        weights = elementwise.mul(weights, np.ones(x.shape))
    total = array_sum(weights, axis, keepdims)
    if (numbers(total) == 0).any():
        raise ValueError("average: the weights sum to 0; there is no mean")
    return elementwise.div(array_sum(elementwise.mul(x, weights), axis, keepdims), total)


def _over_zero(x: Operand, z: Operand) -> Operand:
    """x / z for a single z, and 0 where z is 0."""
    return where(is_zero(z), 0.0, x / where(is_zero(z), 1.0, z))


def zero_at_zero(x: Operand, z: Operand) -> Operand:
    """x / z, and 0 where z is 0."""
    is_none = numbers(z) == 0
    return where(is_none, 0.0, x / where(is_none, 1.0, z))


# ---------------------------------------------------------------- what sequences and axes are asked
#
# The sequences of rules, Vector and Rows, are what has a `map`.


def size(x: Operand) -> int:
    """How many members an operand has; a single number is one."""
    return len(x) if hasattr(x, "map") else 1


def sequence(where_: str, x: Operand) -> Operand:
    """x itself; TypeError if it is a single number."""
    if not hasattr(x, "map"):
        raise TypeError(f"{where_}: expected a sequence of numbers, got a single {describe(x)}")
    return x


def not_empty(where_: str, x: Operand, axis: Axis = None) -> None:
    """ValueError for an empty sequence, and for an array without a number along the axes."""
    if not hasattr(x, "ndim"):
        if not size(x):
            raise ValueError(f"{where_}: expected at least one member, got an empty sequence")
    elif not x.size and (axis is None or not count(x.shape, normalize_axis_tuple(axis, x.ndim))):
        raise ValueError(f"{where_}: expected at least one number, got an array of shape {x.shape}, axis={axis}")


def numbers(x: Operand) -> Operand:
    """The array of a Tensor, an array as it is: for what is not differentiated."""
    return x._data if getattr(x.__class__, "_is_array", False) else x


def comparable(x: Operand) -> Operand:
    """The numbers of what a Tensor is compared with: those of a Tensor, an array, a list or a number."""
    return x._data if is_array_node(x) else real_array(x, "comparing a Tensor")


def kept(x: Operand, shape: tuple[int, ...], axis: Axis) -> Operand:
    """A reduced array with its axes back, each of size 1. shape: that of what was reduced."""
    if axis is None or not shape:
        return x.reshape((1,) * len(shape))
    axes = {a % len(shape) for a in ((axis,) if isinstance(axis, int | np.integer) else axis)}
    return x.reshape(tuple(1 if i in axes else n for i, n in enumerate(shape)))


def count(shape: tuple[int, ...], axis: Axis) -> int:
    """How many numbers a reduction takes to one."""
    if axis is None or not shape:
        return math.prod(shape)
    return math.prod(shape[a] for a in ((axis,) if isinstance(axis, int | np.integer) else axis))
