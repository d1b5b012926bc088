"""How weights start: functions from the shape of a weight to an array of random numbers.

shape: (out, in, ...), so that fan_in = in × ... is how many inputs a unit has; a vector counts as
both. Anything with the signature `initializer(shape, *, rng)` serves as well. Biases start at zero.

Each takes `rng`, an int seed, a numpy Generator or None, and `dtype`, float64 or float32: the same
seed gives the same numbers, rounded. Options come by `functools.partial(uniform, limit=1.0)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd.arguments import Rng, float_type, generator, lookup, not_negative
from autograd.foreign import finder

from .foreign import NAMES

__all__ = [
    "constant",
    "find_initializer",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "initializers",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "scaled_normal",
    "truncated_normal",
    "uniform",
    "zeros",
]

Initializer = Callable[..., Any]

# The right variance for relu, which is the default activation too. On the 8x8 digits (64-16-10 and
# 64-16-16-10, relu and tanh, 12 seeds) it learned as fast as the others or faster at ordinary rates.
DEFAULT_INITIALIZER = "he_uniform"

# The standard deviation of N(0, 1) cut off at ±2: √(1 − 4φ(2) / (Φ(2) − Φ(−2))).
STD_OF_CUT_NORMAL = 0.8796256610342398


def lecun_uniform(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Uniform in ±√(3 / fan_in), so that a weighted sum has the variance of its inputs.

    For linear, tanh and sigmoid units. Source: LeCun, Bottou, Orr and Müller, Efficient BackProp (1998).
    """
    return uniform(shape, math.sqrt(3 / _fans(shape)[0]), rng=rng, dtype=dtype)


def he_uniform(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Uniform in ±√(6 / fan_in): twice that variance, as relu silences half of it.

    For relu and its relatives. Source: He, Zhang, Ren and Sun, ICCV 2015 (arXiv:1502.01852).
    """
    return uniform(shape, math.sqrt(6 / _fans(shape)[0]), rng=rng, dtype=dtype)


def glorot_uniform(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Uniform in ±√(6 / (fan_in + fan_out)), a compromise between forward and backward variance.

    Source: Glorot and Bengio, AISTATS 2010.
    """
    return uniform(shape, math.sqrt(6 / sum(_fans(shape))), rng=rng, dtype=dtype)


def lecun_normal(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Normal with variance 1 / fan_in, without the tails: `truncated_normal`. Sources as lecun_uniform."""
    return truncated_normal(shape, math.sqrt(1 / _fans(shape)[0]), rng=rng, dtype=dtype)


def he_normal(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Normal with variance 2 / fan_in, without the tails: `truncated_normal`. Sources as he_uniform."""
    return truncated_normal(shape, math.sqrt(2 / _fans(shape)[0]), rng=rng, dtype=dtype)


def glorot_normal(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Normal with variance 2 / (fan_in + fan_out), without the tails. Sources as glorot_uniform."""
    return truncated_normal(shape, math.sqrt(2 / sum(_fans(shape))), rng=rng, dtype=dtype)


def uniform(shape: Sequence[int], limit: float = 0.5, *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Uniform in ±limit, whatever the size of the layer.

    limit: 0.5 gives `np.random.rand(out, in) - 0.5`, the habit of textbook code; micrograd's
    range is `functools.partial(uniform, limit=1.0)`. Large layers saturate with either.
    """
    limit = not_negative("uniform", "limit", limit)
    return generator(rng).uniform(-limit, limit, tuple(shape)).astype(float_type("uniform", dtype), copy=False)


def normal(shape: Sequence[int], std: float = 1.0, *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Normal with mean 0 and this standard deviation, whatever the size of the layer.

    std: 1.0 gives `np.random.randn(out, in)`; the units of a large layer saturate with it.
    Source: Nielsen, Neural Networks and Deep Learning (2015), chapter 1.
    """
    std = not_negative("normal", "std", std)
    return generator(rng).normal(0.0, std, tuple(shape)).astype(float_type("normal", dtype), copy=False)


def scaled_normal(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Normal with variance 1 / fan_in and all its tails.

    For sigmoid units. Source: Nielsen, Neural Networks and Deep Learning (2015), chapter 3.
    """
    return normal(shape, math.sqrt(1 / _fans(shape)[0]), rng=rng, dtype=dtype)


def truncated_normal(
    shape: Sequence[int], std: float = 0.05, *, rng: Rng = None, dtype: DTypeLike = np.float64
) -> np.ndarray:
    """Normal without its tails: what lies beyond two deviations is drawn again.

    std: the standard deviation of the numbers returned, as in Keras' VarianceScaling; they are cut
    off at ±2 · std / 0.8796, since the cut makes a normal narrower by that factor.
    Source: documentation of keras.initializers.VarianceScaling.
    """
    rng = generator(rng)
    z = rng.standard_normal(tuple(shape))
    while (tails := np.abs(z) > 2).any():
        z[tails] = rng.standard_normal(np.count_nonzero(tails))
    z *= not_negative("truncated_normal", "std", std) / STD_OF_CUT_NORMAL
    return z.astype(float_type("truncated_normal", dtype), copy=False)


def random_uniform(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Uniform in ±0.05, as Keras means it by this name."""
    return uniform(shape, 0.05, rng=rng, dtype=dtype)


def random_normal(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Normal with standard deviation 0.05, as Keras means it by this name."""
    return normal(shape, 0.05, rng=rng, dtype=dtype)


def constant(shape: Sequence[int], value: float = 0.0, *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """All `value`. For biases; the units of a hidden layer with equal weights stay equal for ever."""
    return np.full(tuple(shape), value, float_type("constant", dtype))


def zeros(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """All zero. Enough for a single unit; the units of a hidden layer would stay equal for ever."""
    return constant(shape, 0.0, dtype=dtype)


def ones(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """All one."""
    return constant(shape, 1.0, dtype=dtype)


def orthogonal(shape: Sequence[int], *, rng: Rng = None, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Rows at right angles to each other and of length 1 (columns, where there are more rows).

    For the weights of a recurrent layer by its own results, which are multiplied at every step: lengths stay. A
    taller shape is one matrix of all axes but the first. Source: Saxe, McClelland and Ganguli, arXiv:1312.6120.
    """
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(generator(rng).standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))  # so that every orthogonal matrix is equally likely
    return (q if rows >= columns else q.T).reshape(tuple(shape)).astype(float_type("orthogonal", dtype), copy=False)


def _fans(shape: Sequence[int]) -> tuple[int, int]:
    """(fan_in, fan_out): how many weights meet in an output and how many leave an input."""
    if len(shape) == 1:
        return shape[0], shape[0]
    units, inputs, *window = shape
    return inputs * math.prod(window), units * math.prod(window)


initializers: dict[str, Initializer] = {
    f.__name__: f
    for f in (
        lecun_uniform,
        he_uniform,
        glorot_uniform,
        lecun_normal,
        he_normal,
        glorot_normal,
        uniform,
        normal,
        scaled_normal,
        truncated_normal,
        random_uniform,
        random_normal,
        constant,
        zeros,
        ones,
        orthogonal,
    )
}


def find_initializer(initializer: str | Initializer) -> Initializer:
    """The function for a name; a function is returned as it is.

    ValueError for an unknown name (suggests the nearest), TypeError for what is neither.
    """
    return initializer if callable(initializer) else lookup("initializer", initializer, initializers)


__getattr__ = finder(__name__, __all__, NAMES)
