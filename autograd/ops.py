"""The table of elementwise operations: each a function with its local derivatives above it.

z is the result, x and y are the operands. Every function takes numbers (and gives a float), NumPy
arrays (an array of their shape), Values (a Value) and formulas (a formula), and raises a TypeError
that says what it got for anything else. Results follow IEEE arithmetic (log(0) is -inf) without
exception or warning. At kinks the slope is the one PyTorch takes; each docstring says which.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from .op import elementwise, reduction

__all__ = [
    "abs",
    "add",
    "clip",
    "cos",
    "div",
    "exp",
    "leaky_relu",
    "linear",
    "log",
    "maximum",
    "minimum",
    "mul",
    "neg",
    "power",
    "randomized_leaky_relu",
    "relu",
    "sigmoid",
    "sign",
    "sin",
    "softplus",
    "sqrt",
    "step",
    "sub",
    "tanh",
    "where",
]


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y.

    condition: bool or boolean array. For a single condition the operand itself is returned, so
    the branch not taken is not part of the graph; but an expression computed before the choice is
    still computed: keep its operands inside their domain (`log(where(x > 0, x, 1.0))`).
    """
    return np.where(condition, x, y) if isinstance(condition, np.ndarray) else x if condition else y


def is_zero(x: Any) -> Any:
    """True where x is 0. (`==` on nodes is identity, so rules ask with inequalities.)"""
    return (x >= 0) & (x <= 0)


# ---------------------------------------------------------------- arithmetic


@elementwise(1, 1, symbol="+", expands=True, linear=True)
def add(x, y):
    """Sum x + y. Derivatives: 1 and 1."""
    return x + y


@elementwise(1, -1, symbol="−", expands=True, linear=True)
def sub(x, y):
    """Difference x - y. Derivatives: 1 and -1."""
    return x - y


@elementwise(lambda z, x, y: y, lambda z, x, y: x, symbol="×", expands=True, linear=True)
def mul(x, y):
    """Product x * y. Derivatives: y and x."""
    return x * y


@elementwise(lambda z, x, y: 1 / y, lambda z, x, y: -z / y, symbol="÷", expands=True)
def div(x, y):
    """Quotient x / y. Derivatives: 1/y and -z/y. x/0 is ±inf, 0/0 is nan."""
    return x / y


@elementwise(-1, symbol="−", expands=True, linear=True)
def neg(x):
    """Negative -x. Derivative: -1."""
    return -x


@elementwise(
    lambda z, x, y: where(is_zero(x) & is_zero(y), 0, y * power(x, y - 1)),
    lambda z, x, y: where(is_zero(x) & (y >= 0), 0, z * log(x)),
    symbol="^",
    expands=True,
)
def power(x, y):
    """Power x ** y. Derivatives: y x^(y-1) and z log(x).

    Never complex: a negative base with a fractional exponent gives nan. 0 ** 0 is 1 with slopes
    0 and 0; at x = 0 the slope for y is 0 for y >= 0; for x < 0 the slope for y is nan.
    """
    if type(x) is float and type(y) is float:
        return math.pow(x, y)
    return np.power(x, y) if isinstance(x, np.generic | np.ndarray) or isinstance(y, np.generic | np.ndarray) else x**y


# ---------------------------------------------------------------- exponentials, roots, circles


@elementwise(lambda z, x: z)
def exp(x):
    """Exponential e^x. Derivative: the result itself. exp(1000) is inf."""
    return math.exp(x) if type(x) is float else np.exp(x)


@elementwise(lambda z, x: where(x < 0, z, 1 / x))
def log(x):
    """Natural logarithm. Derivative: 1/x. log(0) is -inf with slope inf; below 0 both are nan."""
    return math.log(x) if type(x) is float else np.log(x)


@elementwise(lambda z, x: 1 / (2 * z))
def sqrt(x):
    """Square root. Derivative: 1/(2z). sqrt(0) has slope inf; below 0 the result is nan."""
    return math.sqrt(x) if type(x) is float else np.sqrt(x)


@elementwise(lambda z, x: cos(x))
def sin(x):
    """Sine of x radians. Derivative: cos(x)."""
    return math.sin(x) if type(x) is float else np.sin(x)


@elementwise(lambda z, x: -sin(x))
def cos(x):
    """Cosine of x radians. Derivative: -sin(x)."""
    return math.cos(x) if type(x) is float else np.cos(x)


# ---------------------------------------------------------------- activations


@elementwise(lambda z, x: (1 - z) * (1 + z))
def tanh(x):
    """Hyperbolic tangent, between -1 and 1. Derivative: 1 - z², computed as (1 - z)(1 + z)."""
    return math.tanh(x) if type(x) is float else np.tanh(x)


@elementwise(lambda z, x: z * (1 - z), symbol="σ")
def sigmoid(x):
    """Logistic function 1 / (1 + e^-x), between 0 and 1. Derivative: z (1 - z).

    Exact in both tails: sigmoid(-745) is 5e-324, sigmoid(1000) is 1.
    """
    if type(x) is float:
        if x < 0:
            e = math.exp(x)
            return e / (1 + e)
        return 1 / (1 + math.exp(-x))
    e = np.exp(np.where(np.real(x) < 0, x, -x))
    return np.where(np.real(x) < 0, e, 1) / (1 + e)


@elementwise(lambda z, x: step(x))
def relu(x):
    """Rectified linear unit max(0, x). Derivative: 1 where x > 0, else 0 (0 at the kink x = 0).

    relu(nan) is nan.
    """
    if type(x) is float:
        return x if x > 0 or x != x else 0.0
    return np.maximum(x, 0.0)


@elementwise(lambda z, x, alpha: where(x > 0, 1, alpha), lambda z, x, alpha: where(x > 0, 0, x))
def leaky_relu(x, alpha=0.01):
    """x where x > 0, else alpha x. Derivative: 1 where x > 0, else alpha (alpha at x = 0).

    alpha: the slope below zero, usually between 0 and 1; a Value makes it trainable.
    Source: Maas, Hannun and Ng, ICML 2013 workshop; trainable alpha: He et al., ICCV 2015.
    """
    if type(x) is float:
        return x if x > 0 else alpha * x
    return np.where(np.real(x) > 0, x, alpha * x)


def randomized_leaky_relu(x, lower=1 / 8, upper=1 / 3, *, training=True, rng=None):
    """leaky_relu whose slope below zero is drawn anew at each call, uniformly from [lower, upper].

    training: False takes the mean slope (lower + upper) / 2, so that the result is deterministic.
    rng: a numpy Generator (pass the same one at each call), an int seed, or None.
    Arrays draw one slope per element. ValueError unless lower <= upper.
    Source: Xu, Wang, Chen and Li, arXiv:1505.00853 (2015), who use 1/8 and 1/3.
    """
    if not lower <= upper:
        raise ValueError(f"randomized_leaky_relu: expected lower <= upper; got lower={lower}, upper={upper}")
    alpha = (lower + upper) / 2
    if training:
        alpha = np.random.default_rng(rng).uniform(lower, upper, np.shape(x) if isinstance(x, np.ndarray) else None)
    return leaky_relu(x, alpha)


@elementwise(1, expands=True, linear=True)
def linear(x):
    """The identity, the activation of regression outputs. Derivative: 1."""
    return x


@elementwise(lambda z, x: sigmoid(x))
def softplus(x):
    """Smooth relu, log(1 + e^x), never negative. Derivative: sigmoid(x).

    Never overflows and needs no threshold: max(x, 0) + log1p(e^-|x|).
    Source: Dugas et al., NIPS 2000.
    """
    if type(x) is float:
        return max(x, 0.0) + math.log1p(math.exp(-builtins.abs(x)))
    return np.where(np.real(x) > 0, x, 0) + np.log1p(np.exp(np.where(np.real(x) > 0, -x, x)))


# ---------------------------------------------------------------- pieces


@elementwise(lambda z, x: sign(x))
def abs(x):
    """Absolute value. Derivative: the sign of x (0 at the kink x = 0)."""
    return builtins.abs(x)


@elementwise(0)
def sign(x):
    """-1, 0 or 1; nan for nan. Derivative: 0 everywhere."""
    if type(x) is float:
        return x if x != x else float((x > 0) - (x < 0))
    return np.sign(x)


@elementwise(0)
def step(x):
    """1 where x > 0, else 0; nan for nan. Derivative: 0 everywhere. It is relu's slope, [x > 0]."""
    if type(x) is float:
        return 1.0 if x > 0 else 0.0 if x == x else x
    return np.heaviside(x, 0.0)


@elementwise(
    lambda z, x, y: where(x > y, 1, where(x < y, 0, 0.5)),
    lambda z, x, y: where(y > x, 1, where(y < x, 0, 0.5)),
    symbol="max",
)
def maximum(x, y):
    """The larger of two. Derivative: 1 for the larger, 0 for the other, ½ each in a tie.

    nan if either is nan.
    """
    if type(x) is float and type(y) is float:
        return x if x > y or x != x else y
    return np.maximum(x, y)


@elementwise(
    lambda z, x, y: where(x < y, 1, where(x > y, 0, 0.5)),
    lambda z, x, y: where(y < x, 1, where(y > x, 0, 0.5)),
    symbol="min",
)
def minimum(x, y):
    """The smaller of two. Derivative: 1 for the smaller, 0 for the other, ½ each in a tie.

    nan if either is nan.
    """
    if type(x) is float and type(y) is float:
        return x if x < y or x != x else y
    return np.minimum(x, y)


@reduction(lambda z, x, lo, hi: where((x >= lo) & (x <= hi), 1, 0), None, None)
def clip(x, lo, hi):
    """x, but at least lo and at most hi. Derivative: 1 inside and on the bounds, 0 outside.

    lo, hi: plain numbers. ValueError if lo > hi. nan stays nan.
    """
    if isinstance(x, tuple):
        raise TypeError(f"clip: expected a single number, got {len(x)} of them; write [clip(u, lo, hi) for u in x]")
    if lo > hi:
        raise ValueError(f"clip: lo={lo} > hi={hi}")
    return lo if x < lo else hi if x > hi else x
