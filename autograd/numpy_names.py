"""What NumPy calls the operations, so that its functions work on nodes and formulas.

An operation of the table that bears the name of a NumPy function is found under it, a user's own too.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable

import numpy as np

from .op import table
from .operands import Operand
from .ops import choosing, extremes, matrices, shapes, sums
from .ops.elementwise import abs, div, mul, neg, power, sub

# Where the two names differ.
_OTHERWISE: dict[str, Callable[..., Operand]] = {
    "subtract": sub,
    "multiply": mul,
    "divide": div,
    "true_divide": div,
    "float_power": power,
    "negative": neg,
    "positive": lambda x: x,
    "absolute": abs,
    "fabs": abs,
    "square": lambda x: mul(x, x),
}


def ufunc(name: str) -> Callable[..., Operand] | None:
    """The operation on numbers, element by element, that NumPy calls by this name; None if there is none."""
    if name in table and not table[name].reduces:
        return table[name].function
    return _OTHERWISE.get(name)


comparisons: dict[str, Callable[[Operand, Operand], Operand]] = {
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}


# ---------------------------------------------------------------- for arrays


def array_ufunc(name: str) -> Callable[..., Operand] | None:
    """The same for Tensors."""
    return _ARRAY_UFUNCS.get(name) or ufunc(name)


def _as_rows(x: Operand) -> Operand:
    """A vector as one row, as numpy.vstack takes it."""
    return shapes.reshape(x, (1, -1)) if np.ndim(x) < 2 else x


def _padded(x: Operand, pad_width: Operand, mode: str = "constant", *, constant_values: Operand = 0.0) -> Operand:
    """numpy.pad for Tensors; with constants only."""
    if mode != "constant":
        raise TypeError(f"np.pad: expected mode='constant' for Tensors, got {mode!r}; join slices with concatenate")
    return shapes.pad(x, pad_width, constant_values)


def _clipped(
    a: Operand, a_min: Operand = None, a_max: Operand = None, *, min: Operand = None, max: Operand = None
) -> Operand:
    """numpy.clip for Tensors, with both of its names for the bounds."""
    return choosing.clip(a, a_min if min is None else min, a_max if max is None else max)


@functools.cache
def parameters_of(function: Callable[..., Operand]) -> tuple[str, ...]:
    """What a function of `array_functions` may be called with."""
    return tuple(inspect.signature(function).parameters)


def _compared(name: str) -> Callable[..., Operand]:
    compare = getattr(np, name)
    return lambda x, y: compare(sums.comparable(x), sums.comparable(y))


_ARRAY_UFUNCS: dict[str, Callable[..., Operand]] = {
    **{name: _compared(name) for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")},
    "matmul": matrices.matmul,
    "isnan": lambda x: np.isnan(sums.comparable(x)),
    "isfinite": lambda x: np.isfinite(sums.comparable(x)),
    "isinf": lambda x: np.isinf(sums.comparable(x)),
}

array_functions: dict[str, Callable[..., Operand]] = {
    "sum": sums.array_sum,
    "mean": sums.array_mean,
    "prod": sums.array_prod,
    "max": extremes.max,
    "amax": extremes.max,
    "min": extremes.min,
    "amin": extremes.min,
    "var": sums.var,
    "std": sums.std,
    "norm": sums.norm_as_numpy,
    "argmax": extremes.argmax,
    "argmin": extremes.argmin,
    "reshape": shapes.reshape,
    "ravel": lambda x: shapes.reshape(x, (-1,)),
    "transpose": shapes.transpose,
    "swapaxes": shapes.swapaxes,
    "squeeze": shapes.squeeze,
    "expand_dims": shapes.expand_dims,
    "broadcast_to": shapes.broadcast_to,
    "concatenate": shapes.concatenate,
    "stack": shapes.stack,
    "hstack": lambda xs: shapes.concatenate(xs, 0 if np.ndim(xs[0]) == 1 else 1),
    "vstack": lambda xs: shapes.concatenate([_as_rows(x) for x in xs]),
    "split": shapes.split,
    "take": shapes.take,
    "pad": _padded,
    "where": choosing.where,
    "clip": _clipped,
    "dot": matrices.array_dot,
    "outer": matrices.outer,
    "zeros_like": lambda x, dtype=None: np.zeros_like(sums.comparable(x), dtype),
    "ones_like": lambda x, dtype=None: np.ones_like(sums.comparable(x), dtype),
    "shape": lambda x: x.shape,
    "ndim": lambda x: x.ndim,
    "size": lambda x: x.size,
    "array_equal": lambda x, y: np.array_equal(sums.comparable(x), sums.comparable(y)),
    "allclose": lambda x, y, **options: np.allclose(sums.comparable(x), sums.comparable(y), **options),
}
