"""More functions of single numbers: logarithms and powers with other bases, circles, hyperbolas, what mends nan.

Conventions are those of `elementwise`: z is the result, x and y are the operands.
"""

from __future__ import annotations

import math

import numpy as np

from ..op import elementwise
from ..operands import Operand, as_array, real
from .choosing import check_plain, where
from .elementwise import exp, one_from, power, sigmoid

__all__ = [
    "arccos",
    "arcsin",
    "arctan",
    "cosh",
    "exp2",
    "expm1",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "nan_to_num",
    "reciprocal",
    "sinh",
    "square",
    "tan",
]

LN2, LN10 = math.log(2), math.log(10)


# ---------------------------------------------------------------- powers


@elementwise(lambda z, x: -z * z, expands=True)
def reciprocal(x: Operand) -> Operand:
    """1 / x.

    x: any real, any shape. Returns the same shape. Derivative: -z². At 0 the result is inf, the slope -inf.
    """
    return 1.0 / x


@elementwise(lambda z, x: 2 * x, expands=True)
def square(x: Operand) -> Operand:
    """x².

    x: any real, any shape. Returns the same shape, never negative. Derivative: 2x.
    """
    return x * x


# ---------------------------------------------------------------- exponentials and logarithms


@elementwise(lambda z, x: exp(x))
def expm1(x: Operand) -> Operand:
    """e^x - 1, with all digits where x is small.

    x: any real, any shape. Returns the same shape, at least -1. Derivative: e^x.
    """
    return math.expm1(x) if type(x) is float else np.expm1(x)


@elementwise(lambda z, x: LN2 * z, latex="2^{#}", mathml="<msup><mn>2</mn><mrow>#</mrow></msup>")
def exp2(x: Operand) -> Operand:
    """2^x.

    x: any real, any shape. Returns the same shape, never negative. Derivative: z log 2.
    """
    return math.exp2(x) if type(x) is float else np.exp2(x)


@elementwise(lambda z, x: one_from(-1, x) / (1 + x))
def log1p(x: Operand) -> Operand:
    """log(1 + x), with all digits where x is small.

    x: above -1, any shape. Returns the same shape. Derivative: 1/(1 + x).
    At -1 the result is -inf with slope inf; below both are nan.
    """
    return math.log1p(x) if type(x) is float else np.log1p(x)


@elementwise(lambda z, x: one_from(0, x) / (LN2 * x), text="log₂", latex=r"\log_{2}", ascii="log2")
def log2(x: Operand) -> Operand:
    """Logarithm to base 2.

    x: positive, any shape. Returns the same shape. Derivative: 1/(x log 2). At 0 and below as `log`.
    """
    return math.log2(x) if type(x) is float else np.log2(x)


@elementwise(lambda z, x: one_from(0, x) / (LN10 * x), text="log₁₀", latex=r"\log_{10}", ascii="log10")
def log10(x: Operand) -> Operand:
    """Logarithm to base 10.

    x: positive, any shape. Returns the same shape. Derivative: 1/(x log 10). At 0 and below as `log`.
    """
    return math.log10(x) if type(x) is float else np.log10(x)


@elementwise(lambda z, x, y: sigmoid(x - y), lambda z, x, y: sigmoid(y - x))
def logaddexp(x: Operand, y: Operand) -> Operand:
    """log(e^x + e^y), the smooth maximum of two.

    x, y: any real, any shapes that broadcast. Returns their common shape; it overflows only where x or y does.
    Derivative: sigmoid(x - y) and sigmoid(y - x). Of more numbers see `logsumexp`.
    """
    if type(x) is float and type(y) is float:
        return x + LN2 if x == y else max(x, y) + math.log1p(math.exp(-abs(x - y)))
    return np.logaddexp(x, y)


# ---------------------------------------------------------------- circles and hyperbolas


@elementwise(lambda z, x: 1 + z * z)
def tan(x: Operand) -> Operand:
    """Tangent.

    x: radians, any real, any shape. Returns the same shape. Derivative: 1 + z². At ±inf both are nan.
    """
    return math.tan(x) if type(x) is float else np.tan(x)


@elementwise(lambda z, x: power((1 - x) * (1 + x), -0.5))
def arcsin(x: Operand) -> Operand:
    """The angle whose sine is x.

    x: -1 to 1, any shape. Returns radians, -π/2 to π/2. Derivative: 1/√(1 - x²), inf at ±1; outside both are nan.
    """
    return math.asin(x) if type(x) is float else np.arcsin(x)


@elementwise(lambda z, x: -power((1 - x) * (1 + x), -0.5))
def arccos(x: Operand) -> Operand:
    """The angle whose cosine is x.

    x: -1 to 1, any shape. Returns radians, 0 to π. Derivative: -1/√(1 - x²), -inf at ±1; outside both are nan.
    """
    return math.acos(x) if type(x) is float else np.arccos(x)


@elementwise(lambda z, x: 1 / (1 + x * x))
def arctan(x: Operand) -> Operand:
    """The angle whose tangent is x.

    x: any real, any shape. Returns radians, -π/2 to π/2. Derivative: 1/(1 + x²).
    """
    return math.atan(x) if type(x) is float else np.arctan(x)


@elementwise(lambda z, x: cosh(x))
def sinh(x: Operand) -> Operand:
    """Hyperbolic sine, (e^x - e^-x)/2.

    x: any real, any shape. Returns the same shape. Derivative: cosh(x).
    """
    return math.sinh(x) if type(x) is float else np.sinh(x)


@elementwise(lambda z, x: sinh(x))
def cosh(x: Operand) -> Operand:
    """Hyperbolic cosine, (e^x + e^-x)/2.

    x: any real, any shape. Returns the same shape, at least 1. Derivative: sinh(x).
    """
    return math.cosh(x) if type(x) is float else np.cosh(x)


# ---------------------------------------------------------------- nan


def nan_to_num(x: Operand, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Operand:
    """x with numbers in the place of nan and the infinities.

    x: any shape. nan, posinf, neginf: what stands for them, plain numbers; by default 0 and the largest numbers
    of the precision. Derivative: 1 where x is finite, else 0.
    """
    check_plain("nan_to_num: the replacements", nan, posinf, neginf)
    x = x if hasattr(x.__class__, "_record") else as_array(x, "nan_to_num") if np.ndim(x) else real(x, "nan_to_num")
    largest = float(np.finfo(getattr(x, "dtype", np.float64)).max)
    high, low = largest if posinf is None else posinf, -largest if neginf is None else neginf
    finite = where((x > -math.inf) & (x < math.inf), x, nan)
    return where(x >= math.inf, high, where(x <= -math.inf, low, finite))
