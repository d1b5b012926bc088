"""Matrix products and weighted sums: what the layers of a network consist of."""

from __future__ import annotations

import builtins
import functools
import operator

import numpy as np
from numpy.typing import DTypeLike

from ..op import reduction, structural
from ..operands import Operand, as_array, describe
from . import elementwise

__all__ = ["affine", "dot", "linear", "matmul", "outer"]


# ---------------------------------------------------------------- products


# How many rows of a tall matrix are multiplied at a time, while they are in the processor's cache.
ROWS = 1024
TALL = 4 * ROWS


def _product(x: Operand, y: Operand) -> Operand:
    """x.dot(y) of plain arrays.

    The rows of more than two axes are multiplied as one matrix, for NumPy has no fast product of them; pieces
    of a tall x take two thirds of the time where y is narrow, and no more where it is not.
    """
    if x.ndim > 2 and y.ndim == 2:
        return _product(_rows(x), y).reshape((*x.shape[:-1], y.shape[1]))
    if x.ndim != 2 or y.ndim != 2 or len(x) < TALL:
        return x.dot(y)
    z = np.empty((len(x), y.shape[1]), np.result_type(x, y))
    for i in range(0, len(x), ROWS):
        x[i : i + ROWS].dot(y, z[i : i + ROWS])
    return z


def _transposed(x: Operand) -> Operand:
    return x.T if x.ndim == 2 else x.swapaxes(-1, -2)


def _to_left(g: Operand, z: Operand, x: Operand, y: Operand) -> Operand:
    if y.ndim == 1:
        return g[..., None] * y
    if x.ndim == 1:
        return (g[..., None, :] @ _transposed(y))[..., 0, :]
    return _product(g, y.T) if g.__class__ is np.ndarray and y.ndim == 2 else g @ _transposed(y)


def _to_right(g: Operand, z: Operand, x: Operand, y: Operand) -> Operand:
    if x.ndim == 1:
        return x[:, None] * g[..., None, :] if y.ndim > 1 else x * g
    if y.ndim == 1:
        return (_transposed(x) @ g[..., None])[..., 0]
    if y.ndim == 2 and g.__class__ is np.ndarray:
        g, x = _rows(g), _rows(x)
        is_turned = y.flags.f_contiguous and not y.flags.c_contiguous  # as Wᵀ is; so is its gradient then
        return g.T.dot(x).T if is_turned else x.T.dot(g)
    if x.ndim > 2 and y.ndim == 2:
        return _rows(x).T.dot(_rows(g))
    return _transposed(x) @ g


@structural(_to_left, _to_right, symbol="@")
def matmul(x: Operand, y: Operand) -> Operand:
    """Matrix product x @ y.

    x, y: (n,) or (..., m, n) and (n,) or (..., n, k); leading axes are broadcast. Returns (..., m, k),
    without the axes that a vector does not have. Gradients: g yᵀ and xᵀ g.
    ValueError if the inner sizes differ.
    """
    if not x.ndim or not y.ndim:
        raise ValueError(f"matmul: expected at least one axis, got shapes {x.shape} and {y.shape}; use *")
    if x.shape[-1] != (y.shape[0] if y.ndim == 1 else y.shape[-2]):
        raise ValueError(f"matmul: the inner sizes differ: {x.shape} @ {y.shape}")
    return _product(x, y) if y.ndim < 3 else x @ y


def outer(x: Operand, y: Operand) -> Operand:
    """All products of a number of x with one of y.

    x: (m,); y: (n,). Returns (m, n). Other shapes count as rows of numbers, as in NumPy.
    """
    x, y = as_array(x, "outer"), as_array(y, "outer")
    return elementwise.mul(x.reshape((-1, 1)), y.reshape((1, -1)))


# ---------------------------------------------------------------- weighted sums


def array_dot(x: Operand, y: Operand, bias: Operand = None) -> Operand:
    """x @ y, plus the bias if there is one."""
    z = matmul(x, y)
    return z if bias is None or (isinstance(bias, float) and bias == 0) else z + bias


@reduction(
    lambda z, x, y, bias: y,
    lambda z, x, y, bias: x,
    1,
    symbol="Σ",
    expands=True,
    instead=array_dot,
)
def dot(x: Operand, y: Operand, bias: Operand = 0.0) -> Operand:
    """Weighted sum x₁y₁ + ... + xₙyₙ + bias as one node.

    x, y: sequences of any real numbers; bias: one number. Returns one number, the z of a neuron. For
    Tensors, or arrays of several dimensions, it is x @ y + bias, see matmul.
    Derivative: y for x, x for y, 1 for the bias.
    """
    try:
        if len(x) == len(y):
            return builtins.sum((*map(operator.mul, x, y), bias))
    except TypeError:
        raise TypeError(f"dot: expected two sequences; got {describe(x)} and {describe(y)}") from None
    raise ValueError(f"dot: expected sequences of equal length; got {len(x)} and {len(y)} members")


# ---------------------------------------------------------------- layers


@functools.lru_cache(maxsize=64)
def row_of_ones(n: int, dtype: DTypeLike) -> np.ndarray:
    """n ones that nobody can write to: x.dot(row_of_ones(n)) is a sum at a quarter of its cost."""
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


def rows_summed(g: Operand, out: np.ndarray | None = None) -> Operand:
    """The sum over all axes but the last."""
    return _to_bias(g, None, None, None, None, out)


# Up to which length a row is summed by a product with ones; a longer one is by NumPy, whose sum loses fewer digits.
SHORT = 128


def has_short_rows(x: Operand) -> bool:
    """True for a vector or a matrix whose rows are summed by `x.dot(row_of_ones(...))`, in half of the time."""
    return x.__class__ is np.ndarray and x.ndim in (1, 2) and 0 < x.shape[-1] <= SHORT and x.dtype.kind == "f"


def _rows(x: Operand) -> Operand:
    return x if x.ndim == 2 else x.reshape((-1, x.shape[-1]))


def _to_input(g: Operand, z: Operand, x: Operand, weight: Operand, bias: Operand) -> Operand:
    if g.__class__ is np.ndarray and (g.ndim != 2 or len(g) >= TALL):
        return _product(g, weight)
    return g.dot(weight)


def _to_weight(
    g: Operand, z: Operand, x: Operand, weight: Operand, bias: Operand, out: np.ndarray | None = None
) -> Operand:
    if x.ndim != 2:
        g, x = _rows(g), _rows(x)
    return g.T.dot(x, out) if out is not None else g.T.dot(x)


def _to_bias(
    g: Operand, z: Operand, x: Operand, weight: Operand, bias: Operand, out: np.ndarray | None = None
) -> Operand:
    if g.__class__ is np.ndarray and g.ndim > 1:
        if g.ndim > 2:
            g = _rows(g)
        return g.T.dot(row_of_ones(len(g), g.dtype), out)  # a quarter of what a sum costs
    return g.sum(tuple(range(g.ndim - 1)))


def _in_steps(x: Operand, weight: Operand, bias: Operand) -> Operand:
    return x @ weight.T + bias


@structural(_to_input, _to_weight, _to_bias, symbol="XWᵀ+b", shown="linear", formula=_in_steps, by_sample=True)
def affine(x: Operand, weight: Operand, bias: Operand) -> Operand:
    """x Wᵀ + b as one operation: the weighted sums of a layer for all samples at once.

    x: (..., in), rows are samples; weight: (out, in); bias: (out,). Returns (..., out). Gradients, with
    samples as rows: g W for x, gᵀ x for the weight, Σ g over the samples for the bias.
    ValueError with the shapes if they do not fit.
    """
    try:
        z = x.dot(weight.T) if x.ndim == 2 and len(x) < TALL else _product(x, weight.T)
        if bias.ndim == 1 and weight.ndim == 2 and len(bias) == len(weight):
            return np.add(z, bias, z)
    except ValueError:
        pass
    raise _does_not_fit(x, weight, bias)


def _does_not_fit(x: Operand, weight: Operand, bias: Operand) -> ValueError:
    shapes = f"{x.shape} and {weight.shape}" if bias is None else f"{x.shape}, {weight.shape} and {bias.shape}"
    return ValueError(f"linear: expected x (..., in), weight (out, in) and bias (out,) or None; got {shapes}")


def linear(x: Operand, weight: Operand = None, bias: Operand = None) -> Operand:
    """x Wᵀ + b, the weighted sums of a layer; without weight and bias the identity, the activation of regression.

    x: any operand for the identity. With a weight: array or Tensor of shape (..., in), rows are samples;
    weight: (out, in); bias: (out,) or None for 0. Returns shape (..., out).
    Derivative of the identity: 1; with a weight see `affine`.
    ValueError with the shapes if they do not fit.
    """
    if weight is None:
        if bias is not None:
            raise TypeError("linear: got a bias and no weight; write x + bias")
        return elementwise.identity(x)
    if bias is None:
        x, weight = as_array(x, "linear"), as_array(weight, "linear")
        if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[1]:
            raise _does_not_fit(x, weight, None)
        return matmul(x, weight.T)
    record = getattr(weight.__class__, "_record", None)
    return affine(x, weight, bias) if record is None else record(affine.op, x, weight, bias)


linear.op = elementwise.identity.op  # type: ignore[attr-defined]
affine.op.writes = (1, 2)
