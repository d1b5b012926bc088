"""The table of elementwise operations: each a function with its local derivatives above it.

z is the result, x and y are the operands. A number gives a float, an array an array, a Value a Value,
a Tensor a Tensor, a formula a formula; operands of several shapes broadcast as in NumPy. Anything else
is a TypeError that says what came. Results follow IEEE arithmetic without exception or warning, nan in
is nan out unless a docstring says otherwise, and at kinks the slope is the one PyTorch takes.
"""

from __future__ import annotations

import builtins
import functools
import math

import numpy as np

from ..arguments import Rng
from ..op import elementwise
from ..operands import Operand, drawn
from ..signatures import first
from .choosing import where

__all__ = [
    "abs",
    "add",
    "cos",
    "div",
    "exp",
    "leaky_relu",
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
]


# As an operand a 0-d array costs half of what a number costs.
ZERO, ONE = ({np.dtype(t): np.array(n, t) for t in (np.float32, np.float64)} for n in (0, 1))
for _number in (*ZERO.values(), *ONE.values()):
    _number.flags.writeable = False


def is_real_array(x: object) -> bool:
    """True for an array of float32 or float64 with axes, False for single numbers and for complex steps."""
    return x.__class__ is np.ndarray and x.ndim > 0 and x.dtype in ONE


# How many numbers are small, and how many bytes lie in a cache beside others.
SMALL = 1 << 13
NEAR = 1 << 18


@functools.lru_cache(maxsize=64)
def _filled(number: float, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A number to go with arrays: in their shape if they are near, which takes two thirds of the time."""
    found = np.full(shape if math.prod(shape) * dtype.itemsize <= NEAR else (), number, dtype)
    found.flags.writeable = False
    return found


def lowest(x: np.ndarray) -> float:
    """The smallest number of an array, nan if there is one; inf if it is empty. A third of the time of x.min()."""
    return x.item(x.argmin()) if x.size else math.inf


def is_zero(x: Operand) -> Operand:
    """True where x is 0. (`==` on nodes is identity, so rules ask with inequalities.)"""
    return (x >= 0) & (x <= 0)


def one_from(bound: float, x: Operand) -> Operand:
    """1 where x is at least the bound, nan below: what the slope of a logarithm starts with."""
    if is_real_array(x) and lowest(x) >= bound:  # so it is in a training, and need not be asked number by number
        return ONE[x.dtype]
    return where(x < bound, math.nan, 1.0)


def _is_not_zero(x: Operand) -> bool:
    """True for a single plain number other than 0, such as the exponent in x**2."""
    return isinstance(x, float | np.ndarray) and not np.ndim(x) and bool(x != 0)


# ---------------------------------------------------------------- arithmetic


@elementwise(1, 1, symbol="+", expands=True)
def add(x: Operand, y: Operand) -> Operand:
    """Sum x + y.

    x, y: any real, any shapes that broadcast. Returns their common shape.
    Derivative: 1 and 1. inf + (-inf) is nan.
    """
    return x + y


@elementwise(1, -1, symbol="−", expands=True)
def sub(x: Operand, y: Operand) -> Operand:
    """Difference x - y.

    x, y: any real, any shapes that broadcast. Returns their common shape.
    Derivative: 1 and -1. inf - inf is nan.
    """
    return x - y


@elementwise(lambda z, x, y: y, lambda z, x, y: x, symbol="×", expands=True)
def mul(x: Operand, y: Operand) -> Operand:
    """Product x * y, number by number.

    x, y: any real, any shapes that broadcast. Returns their common shape.
    Derivative: y and x. 0 * inf is nan.
    """
    return x * y


@elementwise(lambda z, x, y: 1 / y, lambda z, x, y: -z / y, symbol="÷", expands=True)
def div(x: Operand, y: Operand) -> Operand:
    """Quotient x / y.

    x, y: any real, any shapes that broadcast. Returns their common shape.
    Derivative: 1/y and -z/y.
    At y = 0 the result is ±inf, and nan for 0/0; the slope for x is ±inf as well.
    """
    return x / y


@elementwise(-1, symbol="−", expands=True)
def neg(x: Operand) -> Operand:
    """Negative -x.

    x: any real, any shape. Returns the same shape.
    Derivative: -1.
    """
    return -x


@elementwise(
    lambda z, x, y: y * power(x, y - 1) if _is_not_zero(y) else where(is_zero(x) & is_zero(y), 0, y * power(x, y - 1)),
    lambda z, x, y: where(is_zero(x) & (y >= 0), 0, z * log(x)),
    symbol="^",
    expands=True,
    times=lambda n, x, y: power(x, y + n),
)
def power(x: Operand, y: Operand) -> Operand:
    """Power x^y.

    x, y: any real, any shapes that broadcast. Returns their common shape, never complex: a negative base
    with a fractional exponent gives nan, with an integral one the sign that counting factors gives.
    Derivative: y x^(y-1) and z log(x).
    x^0 and 1^y are 1 for nan too. At (0, 0) the slopes are 0 and 0. At x = 0 the slope for y is 0 where
    y >= 0, else -inf; for x < 0 it is nan.
    Source: IEEE 754-2008, 9.2.1, for the results at singular points.
    """
    if type(x) is float and type(y) is float:
        return math.pow(x, y)
    if isinstance(y, np.ndarray) and not y.ndim:
        return _whole_power(x, y.item())
    return np.power(x, y) if isinstance(x, np.generic | np.ndarray) or isinstance(y, np.generic | np.ndarray) else x**y


def _whole_power(x: Operand, n: float) -> Operand:
    """x ** n for one exponent: NumPy squares fast, but takes a hundred times as long for a cube."""
    if n == 3 or n == 4:
        square = x * x
        return square * (x if n == 3 else square)
    return x**n


# ---------------------------------------------------------------- exponentials, roots, circles


@elementwise(lambda z, x: z, latex="e^{#}", mathml="<msup><mi>e</mi><mrow>#</mrow></msup>")
def exp(x: Operand) -> Operand:
    """Exponential e^x.

    x: any real, any shape. Returns the same shape, never negative.
    Derivative: z, the result itself.
    Above 709.78 both are inf.
    """
    return math.exp(x) if type(x) is float else np.exp(x)


@elementwise(lambda z, x: one_from(0, x) / x)
def log(x: Operand) -> Operand:
    """Natural logarithm of x.

    x: positive, any shape. Returns the same shape, any real.
    Derivative: 1/x.
    At 0 the result is -inf with slope inf; below 0 both are nan.
    """
    return math.log(x) if type(x) is float else np.log(x)


@elementwise(lambda z, x: 1 / (2 * z), formula=lambda x: x**0.5)
def sqrt(x: Operand) -> Operand:
    """Square root of x.

    x: not negative, any shape. Returns the same shape, not negative.
    Derivative: 1/(2z).
    At 0 the slope is inf; below 0 result and slope are nan, never complex.
    """
    return math.sqrt(x) if type(x) is float else np.sqrt(x)


@elementwise(lambda z, x: cos(x))
def sin(x: Operand) -> Operand:
    """Sine of x.

    x: radians, any real, any shape. Returns the same shape, -1 to 1.
    Derivative: cos(x). At ±inf both are nan.
    """
    return math.sin(x) if type(x) is float else np.sin(x)


@elementwise(lambda z, x: -sin(x))
def cos(x: Operand) -> Operand:
    """Cosine of x.

    x: radians, any real, any shape. Returns the same shape, -1 to 1.
    Derivative: -sin(x). At ±inf both are nan.
    """
    return math.cos(x) if type(x) is float else np.cos(x)


# ---------------------------------------------------------------- activations


@elementwise(lambda z, x: (1 - z) * (1 + z))
def tanh(x: Operand) -> Operand:
    """Hyperbolic tangent, an S-shaped activation around 0.

    x: any real, any shape. Returns the same shape, -1 to 1.
    Derivative: 1 - z², computed as (1 - z)(1 + z), which keeps its digits where z is near ±1.
    From about |x| = 19 on the result is ±1 to rounding and the slope 0.
    Source: LeCun, Bottou, Orr and Müller, Efficient BackProp (1998), for its use in nets.
    """
    return math.tanh(x) if type(x) is float else np.tanh(x)


@elementwise(lambda z, x: z * (1 - z), symbol="σ", latex=r"\sigma")
def sigmoid(x: Operand) -> Operand:
    """Logistic function 1 / (1 + e^-x), an S-shaped activation.

    x: any real, any shape. Returns the same shape, 0 to 1.
    Derivative: z (1 - z).
    Exact in both tails, as e^x / (1 + e^x) below 0: sigmoid(-745) is 5e-324, sigmoid(1000) is 1.
    Source: Rumelhart, Hinton and Williams, Nature 323 (1986), for its use in nets.
    """
    if type(x) is float:
        if x < 0:
            e = math.exp(x)
            return e / (1 + e)
        return 1 / (1 + math.exp(-x))
    if is_real_array(x):  # above 80 it is 1 to rounding, and e^x would overflow
        e = np.minimum(x, _filled(80, x.shape, x.dtype))
        np.exp(e, e)
        return np.divide(e, np.add(e, ONE[x.dtype]), e)
    e = np.exp(np.where(np.real(x) < 0, x, -x))
    return np.where(np.real(x) < 0, e, 1) / (1 + e)


@elementwise(lambda z, x: step(x))
def relu(x: Operand) -> Operand:
    """Rectified linear unit max(0, x).

    x: any real, any shape. Returns the same shape, never negative.
    Derivative: step(x), 1 where x > 0, else 0 (0 at the kink x = 0).
    Source: Nair and Hinton, ICML 2010.
    """
    if type(x) is float:
        return x if x > 0 or x != x else 0.0
    return np.maximum(x, _filled(0, x.shape, x.dtype) if is_real_array(x) else 0.0)


@elementwise(lambda z, x, alpha: where(x > 0, 1, alpha), lambda z, x, alpha: where(x > 0, 0, x))
def leaky_relu(x: Operand, alpha: Operand = 0.01) -> Operand:
    """x where x > 0, else alpha x: a relu that never stops learning.

    x: any real, any shape. Returns the same shape.
    alpha: the slope below zero, usually between 0 and 1; a node makes it trainable.
    Derivative: 1 where x > 0, else alpha (alpha at the kink x = 0); for alpha 0 where x > 0, else x.
    Source: Maas, Hannun and Ng, ICML 2013 workshop; trainable alpha: He et al., ICCV 2015.
    """
    if type(x) is float:
        return x if x > 0 else alpha * x
    return np.where(np.real(x) > 0, x, alpha * x)


@first
def randomized_leaky_relu(
    x: Operand, lower: float = 1 / 8, upper: float = 1 / 3, *, training: bool = True, rng: Rng = None
) -> Operand:
    """leaky_relu whose slope below zero is drawn anew at each call, uniformly from [lower, upper].

    x: any real, any shape. Returns the same shape; an array draws one slope per element.
    training: False takes the mean slope (lower + upper) / 2, so that the result is deterministic.
    rng: a numpy Generator (pass the same one at each call), an int seed, or None.
    Derivative: as of leaky_relu, with the slope that was drawn. ValueError unless lower <= upper.
    Source: Xu, Wang, Chen and Li, arXiv:1505.00853 (2015), who use 1/8 and 1/3.
    """
    if not lower <= upper:
        raise ValueError(f"randomized_leaky_relu: expected lower <= upper; got lower={lower}, upper={upper}")
    alpha: Operand = (lower + upper) / 2
    if training:
        draw = np.random.default_rng(rng).uniform
        shape = x.shape if getattr(x, "ndim", 0) else None
        is_seed = isinstance(rng, int | np.integer)  # the same numbers in each call
        alpha = draw(lower, upper, shape) if is_seed else drawn(x, draw, lower, upper, shape)
    return leaky_relu(x, alpha)


@elementwise(1, expands=True, shown="linear")
def identity(x: Operand) -> Operand:
    """The identity, the activation of regression outputs.

    x: any real, any shape. Returns the same numbers as a new node.
    Derivative: 1.
    """
    return x


@elementwise(lambda z, x: sigmoid(x))
def softplus(x: Operand) -> Operand:
    """Smooth relu, log(1 + e^x).

    x: any real, any shape. Returns the same shape, never negative.
    Derivative: sigmoid(x).
    Computed as max(x, 0) + log1p(e^-|x|), so it never overflows and needs no threshold.
    Source: Dugas et al., NIPS 2000.
    """
    if type(x) is float:
        return max(x, 0.0) + log1p_exp(-builtins.abs(x))
    return np.where(np.real(x) > 0, x, 0) + log1p_exp(np.where(np.real(x) > 0, -x, x))


def log1p_exp(x: Operand) -> Operand:
    """log(1 + e^x) of numbers and arrays that are not positive: a part of forward functions, without a rule."""
    if type(x) is float:
        return math.log1p(math.exp(x))
    return np.log1p(np.exp(x))


# ---------------------------------------------------------------- pieces


@elementwise(lambda z, x: sign(x), text="|#|", latex=r"\left|#\right|", mathml="<mrow><mo>|</mo>#<mo>|</mo></mrow>")
def abs(x: Operand) -> Operand:
    """Absolute value |x|.

    x: any real, any shape. Returns the same shape, never negative.
    Derivative: sign(x), which is 0 at the kink x = 0.
    """
    return builtins.abs(x)


@elementwise(0, times=lambda n, x: abs(x) * x ** (n - 1) if n >= 1 else None)
def sign(x: Operand) -> Operand:
    """-1, 0 or 1: the sign of x.

    x: any real, any shape. Returns the same shape; nan for nan.
    Derivative: 0 everywhere, also at the jump x = 0 and for nan.
    """
    if type(x) is float:
        return x if x != x else float((x > 0) - (x < 0))
    return np.sign(x)


@elementwise(
    0,
    text="[# > 0]",
    ascii="(# > 0)",
    mathml="<mrow><mo>[</mo>#<mo>&gt;</mo><mn>0</mn><mo>]</mo></mrow>",
)
def step(x: Operand) -> Operand:
    """1 where x > 0, else 0: the slope of relu, [x > 0].

    x: any real, any shape. Returns the same shape; nan for nan.
    Derivative: 0 everywhere, also at the jump x = 0 and for nan.
    """
    if type(x) is float:
        return 1.0 if x > 0 else 0.0 if x == x else x
    if is_real_array(x):  # several times as fast as to ask number by number
        if x.size <= SMALL:  # as numbers from 0 to 1, rounded up; nan stays nan
            z = np.minimum(np.maximum(x, _filled(0, x.shape, x.dtype)), _filled(1, x.shape, x.dtype))
            return np.ceil(z, z)
        if (low := lowest(x)) == low:
            return np.greater(x, ZERO[x.dtype]).astype(x.dtype)
    return np.heaviside(x, 0.0)


# A neuron's slope is read on a float at every forward pass: without what `step` checks, a net of
# relus needs 6 % less for it.
_step = step.op.forward
relu.op.slope = lambda z, x: _step(x)


def _larger(x: Operand, y: Operand) -> Operand:
    """1 where x > y, 0 where x < y, ½ in a tie or beside nan."""
    if is_real_array(x) or is_real_array(y):  # several times as fast as to choose, number by number
        dtype = (x if is_real_array(x) else y).dtype
        return 0.5 + 0.5 * (np.greater(x, y).astype(dtype) - np.less(x, y).astype(dtype))
    return where(x > y, 1, where(x < y, 0, 0.5))


@elementwise(lambda z, x, y: _larger(x, y), lambda z, x, y: _larger(y, x), symbol="max")
def maximum(x: Operand, y: Operand) -> Operand:
    """The larger of two.

    x, y: any real, any shapes that broadcast. Returns their common shape; nan if either is nan.
    Derivative: 1 for the larger, 0 for the other; ½ each in a tie or beside nan.
    """
    if type(x) is float and type(y) is float:
        return x if x > y or x != x else y
    return np.maximum(x, y)


@elementwise(lambda z, x, y: _larger(y, x), lambda z, x, y: _larger(x, y), symbol="min")
def minimum(x: Operand, y: Operand) -> Operand:
    """The smaller of two.

    x, y: any real, any shapes that broadcast. Returns their common shape; nan if either is nan.
    Derivative: 1 for the smaller, 0 for the other; ½ each in a tie or beside nan.
    """
    if type(x) is float and type(y) is float:
        return x if x < y or x != x else y
    return np.minimum(x, y)
