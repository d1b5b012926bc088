"""More activations; the oldest (tanh, sigmoid, relu, leaky_relu, softplus) are with the arithmetic in `elementwise`.

Conventions are those of `elementwise`: z is the result, x is the operand.
"""

from __future__ import annotations

import math

import numpy as np

from ..op import elementwise
from ..operands import Operand
from .choosing import where
from .elementwise import abs, exp, sigmoid, softplus, tanh
from .functions import expm1

__all__ = ["elu", "gelu", "hard_sigmoid", "mish", "normal_cdf", "selu", "silu", "softsign"]


@elementwise(lambda z, x, alpha: where(x > 0, 1, alpha * exp(x)), lambda z, x, alpha: where(x > 0, 0, expm1(x)))
def elu(x: Operand, alpha: Operand = 1.0) -> Operand:
    """x where x > 0, else alpha (e^x - 1): a relu that bends and falls to -alpha.

    x: any real, any shape. Returns the same shape. alpha: a node makes it trainable.
    Derivative: 1 where x > 0, else alpha e^x; for alpha 0 where x > 0, else e^x - 1.
    Source: Clevert, Unterthiner and Hochreiter, ICLR 2016.
    """
    if type(x) is float:
        return x if x > 0 or x != x else alpha * math.expm1(x)
    return np.where(np.real(x) > 0, x, alpha * np.expm1(np.where(np.real(x) > 0, 0, x)))


# With these numbers the outputs of a deep net of selus keep mean 0 and variance 1.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@elementwise(lambda z, x: where(x > 0, SELU_SCALE, SELU_SCALE * SELU_ALPHA * exp(x)))
def selu(x: Operand) -> Operand:
    """1.0507 x where x > 0, else 1.0507 · 1.6733 (e^x - 1): an elu that keeps mean and variance.

    x: any real, any shape. Returns the same shape. Derivative: 1.0507 where x > 0, else 1.7581 e^x.
    Source: Klambauer, Unterthiner, Mayr and Hochreiter, NIPS 2017.
    """
    return SELU_SCALE * elu.op.forward(x, SELU_ALPHA)


@elementwise(lambda z, x: z + sigmoid(x) * (1 - z))
def silu(x: Operand) -> Operand:
    """x sigmoid(x), a relu that bends; also called swish.

    x: any real, any shape. Returns the same shape, at least -0.2785. Derivative: z + sigmoid(x) (1 - z).
    Source: Elfwing, Uchibe and Doya, Neural Networks 107 (2018).
    """
    return x * sigmoid.op.forward(x)


@elementwise(lambda z, x: (1 - abs(z)) * (1 - abs(z)))
def softsign(x: Operand) -> Operand:
    """x / (1 + |x|), an S that reaches -1 and 1 slowly.

    x: any real, any shape. Returns the same shape, -1 to 1. Derivative: 1/(1 + |x|)², computed as (1 - |z|)².
    Source: Turian, Bergstra and Bengio, NAACL 2009.
    """
    if type(x) is float:
        return x / (1 + math.fabs(x))
    return x / (1 + np.where(np.real(x) < 0, -x, x))


@elementwise(
    lambda z, x: tanh(softplus(x)) + x * sigmoid(x) * (1 - tanh(softplus(x))) * (1 + tanh(softplus(x))),
)
def mish(x: Operand) -> Operand:
    """x tanh(softplus(x)), a relu that bends.

    x: any real, any shape. Returns the same shape, at least -0.3088.
    Derivative: t + x sigmoid(x) (1 - t²) with t = tanh(softplus(x)).
    Source: Misra, BMVC 2020.
    """
    return x * tanh.op.forward(softplus.op.forward(x))


@elementwise(lambda z, x: where((x > -3) & (x < 3), 1 / 6, 0))
def hard_sigmoid(x: Operand) -> Operand:
    """x/6 + ½, but at least 0 and at most 1: a sigmoid of straight lines.

    x: any real, any shape. Returns the same shape. Derivative: 1/6 between -3 and 3, else 0.
    Source: Courbariaux, Bengio and David, NIPS 2015; the slope is that of Keras 3 and PyTorch.
    """
    if type(x) is float:
        return 0.0 if x <= -3 else 1.0 if x >= 3 else x / 6 + 0.5
    return np.clip(x / 6 + 0.5, 0, 1)


@elementwise(lambda z, x: exp(-x * x / 2) / math.sqrt(2 * math.pi), symbol="Φ", latex=r"\Phi", ascii="normal_cdf")
def normal_cdf(x: Operand) -> Operand:
    """Φ(x), how likely a standard normal number is below x.

    x: any real, any shape. Returns the same shape, 0 to 1. Derivative: e^(-x²/2)/√(2π).
    Half of erfc(-x/√2), to 2e-16 of it around 0 and 1e-13 in the lower tail.
    Source of its three pieces: Cody, Mathematics of Computation 23 (1969).
    """
    if type(x) is float:
        return 0.5 * math.erfc(-x / math.sqrt(2))
    y = x / -math.sqrt(2)
    size = np.abs(y)
    near = y * _ratio(y * y, _NEAR)
    middle = np.exp(-y * y) * _ratio(size, _MIDDLE)
    inverse = 1 / (y * y)
    far = np.exp(-y * y) * (1 / math.sqrt(math.pi) - inverse * _ratio(inverse, _FAR)) / size
    tail = np.where(size > 4, far, middle)
    return 0.5 * np.where(size <= 0.46875, 1 - near, np.where(y > 0, tail, 2 - tail))


def _ratio(t: Operand, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Operand:
    """One polynomial over another; coefficients: from the highest power of t down, the denominator's begins with 1."""
    above, below = coefficients
    p, q = above[0] * t, t
    for a, b in zip(above[1:-1], below[:-1], strict=True):
        p, q = (p + a) * t, (q + b) * t
    return (p + above[-1]) / (q + below[-1])


_NEAR = (
    (0.185777706184603153, 3.16112374387056560, 113.864154151050156, 377.485237685302021, 3209.37758913846947),
    (23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062),
)
_MIDDLE = (
    (
        *(2.15311535474403846e-8, 0.564188496988670089, 8.88314979438837594, 66.1191906371416295, 298.635138197400131),
        *(881.952221241769090, 1712.04761263407058, 2051.07837782607147, 1230.33935479799725),
    ),
    (
        *(15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019, 3290.79923573345963),
        *(4362.61909014324716, 3439.36767414372164, 1230.33935480374942),
    ),
)
_FAR = (
    (
        *(0.0163153871373020978, 0.305326634961232344, 0.360344899949804439, 0.125781726111229246),
        *(0.0160837851487422766, 0.000658749161529837803),
    ),
    (2.56852019228982242, 1.87295284992346047, 0.527905102951428412, 0.0605183413124413191, 0.00233520497626869185),
)


@elementwise(lambda z, x: normal_cdf(x) + x * exp(-x * x / 2) / math.sqrt(2 * math.pi))
def gelu(x: Operand) -> Operand:
    """x Φ(x) with Φ(x) how likely a standard normal number is below x: the relu of transformers.

    x: any real, any shape. Returns the same shape, at least -0.17. Derivative: Φ(x) + x φ(x).
    Exact; the approximation by tanh is 0.5 * x * (1 + tanh(0.79788456 * (x + 0.044715 * x**3))).
    Source: Hendrycks and Gimpel, arXiv:1606.08415 (2016).
    """
    return x * normal_cdf.op.forward(x)
