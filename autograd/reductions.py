"""Operations that take whole sequences to one number: sums, weighted sums, softmax and the losses.

Sequences are lists, tuples or iterators of numbers, Values or formulas. Rules see them as Vectors
and are written as on arrays. Every result is a single node with an exact local derivative per
member: a neuron's weighted sum is one node, the z of lecture notes.
"""

from __future__ import annotations

import builtins
import math
import operator
from typing import Any

import numpy as np

from .op import Vector, as_operand, describe, members, reduction
from .ops import exp, log, sigmoid, softplus, where

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "dot",
    "log_softmax",
    "logsumexp",
    "mean",
    "prod",
    "softmax",
    "softmax_cross_entropy",
    "squared_error",
    "sum",
]

# Probabilities are kept this far from 0 and 1 inside a logarithm, as Keras does.
EPSILON = 1e-7

_exp, _log = exp.op.forward, log.op.forward


@reduction(1, symbol="Σ", expands=True, linear=True)
def sum(x):
    """Sum of a sequence. Derivative: 1 for every member. The sum of nothing is 0."""
    return builtins.sum(members(x))


@reduction(lambda z, x: 1 / size(x), expands=True, linear=True)
def mean(x):
    """Mean of a sequence of n members. Derivative: 1/n for every member. ValueError if empty."""
    if not size(x):
        raise ValueError("mean: expected at least one member, got an empty sequence")
    return builtins.sum(members(x)) / size(x)


@reduction(lambda z, x: _products_of_the_others(x), symbol="Π", expands=True)
def prod(x):
    """Product of a sequence. Derivative: the product of the other members, exact with zeros too."""
    return math.prod(_sequence("prod", x))


@reduction(
    lambda z, x, y, bias: y,
    lambda z, x, y, bias: x,
    1,
    symbol="Σ",
    expands=True,
    linear=True,
)
def dot(x, y, bias=0.0):
    """Weighted sum x₁y₁ + ... + xₙyₙ + bias as one node. Derivatives: y, x and 1.

    x, y: sequences of equal length (ValueError otherwise); bias: one number.
    """
    try:
        if len(x) == len(y):
            return builtins.sum((*map(operator.mul, x, y), bias))
    except TypeError:
        raise TypeError(f"dot: expected two sequences; got {describe(x)} and {describe(y)}") from None
    raise ValueError(f"dot: expected sequences of equal length; got {len(x)} and {len(y)} members")


@reduction(lambda z, x: _softmax(x))
def logsumexp(x):
    """log(e^x₁ + ... + e^xₙ), the smooth maximum. Derivative: softmax(x).

    The largest member is taken out first, so it overflows only where the result does.
    """
    if not _sequence("logsumexp", x):
        raise ValueError("logsumexp: expected at least one member, got an empty sequence")
    if any(u != u for u in members(x)):
        return math.nan
    largest = max(members(x))
    if largest == math.inf or largest == -math.inf:
        return largest
    return largest + _log(builtins.sum(_exp(u - largest) for u in members(x)))


@reduction(lambda z, x, j: z * (one_hot(j, size(x)) - _softmax(x)), None, symbol="softmax")
def softmax_component(x, j):
    """Member j of softmax(x). Derivative for member k: z (δ_jk - softmax(x)_k)."""
    return _softmax(x)[int(j)]


def softmax(x):
    """e^xⱼ / (e^x₁ + ... + e^xₙ) for every j: a list of n positive numbers whose sum is 1.

    x: sequence of n numbers or Values. Derivative of member j for xₖ: aⱼ (δⱼₖ - aₖ).
    Never overflows: softmax([1e308, 1e308]) is [½, ½].
    """
    x = _sequence("softmax", as_operand(x))
    return [softmax_component(x, j) for j in range(len(x))]


def log_softmax(x):
    """The logarithms of softmax(x), computed as xⱼ - logsumexp(x) so that none of them underflows."""
    x = as_operand(x)
    total = logsumexp(x)
    return [u - total for u in members(x)]


# ---------------------------------------------------------------- losses


@reduction(lambda z, x, y: x - y, lambda z, x, y: y - x, symbol="½(ŷ−y)²", expands=True)
def squared_error(prediction, target):
    """½ Σ (prediction - target)², the lectures' ½(y - ŷ)². Derivative: prediction - target.

    prediction, target: two numbers, or two sequences of equal length.
    """
    _same_size("squared_error", prediction, target)
    return 0.5 * builtins.sum((u - v) ** 2 for u, v in zip(members(prediction), members(target), strict=True))


@reduction(
    lambda z, p, y: (-y / _inside(p) + (1 - y) / (1 - _inside(p))) / size(p),
    lambda z, p, y: _each(lambda q: log(1 - q) - log(q), _inside(p)) / size(p),
    symbol="BCE",
)
def binary_cross_entropy(probability, target):
    """-y log p - (1 - y) log(1 - p), averaged over a sequence. Derivative: -y/p + (1 - y)/(1 - p).

    probability, target: two numbers in [0, 1], or two sequences of them of equal length.
    0 log 0 is 0. p is kept 1e-7 away from 0 and 1 (as Keras does) with a live slope, so that a
    saturated unit can recover. ValueError outside [0, 1].
    """
    _same_size("binary_cross_entropy", probability, target)
    total = 0.0
    for p, y in zip(members(probability), members(target), strict=True):
        if not (0 <= p <= 1 or p != p):
            raise ValueError(
                f"binary_cross_entropy: probabilities must lie in [0, 1], got {float(p)!r}: "
                "pass logits to binary_cross_entropy_with_logits"
            )
        _check_target("binary_cross_entropy", y)
        q = _inside(p)
        total -= (y * _log(q) if y else 0.0) + ((1 - y) * _log(1 - q) if y != 1 else 0.0)
    return total / size(probability)


@reduction(
    lambda z, x, y: (_each(sigmoid, x) - y) / size(x),
    lambda z, x, y: -x / size(x),
    symbol="BCE",
)
def binary_cross_entropy_with_logits(logit, target):
    """Binary cross-entropy of sigmoid(logit), averaged over a sequence. Derivative: σ(z) - y.

    logit, target: two numbers, or two sequences of equal length; targets in [0, 1].
    One operation, max(z, 0) - zy + log1p(e^-|z|): exact where composing the parts is not.
    """
    _same_size("binary_cross_entropy_with_logits", logit, target)
    total = 0.0
    for z, y in zip(members(logit), members(target), strict=True):
        _check_target("binary_cross_entropy_with_logits", y)
        total += (z if z > 0 else 0.0) - z * y + softplus.op.forward(-builtins.abs(z))
    return total / size(logit)


@reduction(
    lambda z, x, y: _softmax(x) * _total(y) - y,
    lambda z, x, y: logsumexp(x) - x,
    symbol="CE",
)
def cross_entropy_of_softmax(logits, probabilities):
    """-Σ yⱼ log softmax(logits)ⱼ for targets given as probabilities; see softmax_cross_entropy."""
    for y in probabilities:
        _check_target("softmax_cross_entropy", y)
    if not builtins.abs(math.fsum(probabilities) - 1) <= 1e-6:
        raise ValueError(
            f"softmax_cross_entropy: target probabilities must sum to 1, got {math.fsum(probabilities):g}; "
            "pass the class as an integer or a one-hot sequence"
        )
    shift = logsumexp.op.forward(logits)
    return builtins.sum(y * (shift - z) if y else 0.0 for z, y in zip(logits, probabilities, strict=True))


def softmax_cross_entropy(logits, target):
    """-Σ yⱼ log softmax(logits)ⱼ for one sample, from logits. Derivative: softmax(logits) - y.

    logits: sequence of n numbers or Values. target: the class as an integer 0..n-1, or n
    probabilities whose sum is 1 (one-hot among them). ValueError for a label out of range or not
    integral, a wrong number of probabilities, or a sum that is not 1.
    """
    logits, target = as_operand(logits), as_operand(target)
    _sequence("softmax_cross_entropy", logits)
    if not isinstance(target, Vector):
        target = one_hot(label(target, len(logits)), len(logits))
    _same_size("softmax_cross_entropy", logits, target)
    return cross_entropy_of_softmax(logits, target)


def label(target: Any, classes: int) -> int:
    """A class label as an int in 0..classes-1; ValueError or TypeError that says what came."""
    if isinstance(target, bool | np.bool_) or not isinstance(target, int | float | np.integer | np.floating):
        raise TypeError(f"expected a class label 0..{classes - 1} or {classes} probabilities, got {describe(target)}")
    if not float(target).is_integer():
        raise ValueError(f"label {target} is not integral: expected a class 0..{classes - 1}")
    if not 0 <= target < classes:
        raise ValueError(f"label {int(target)} is out of range for {classes} classes (0..{classes - 1})")
    return int(target)


# ---------------------------------------------------------------- parts of the rules


def size(x: Any) -> int:
    """How many members an operand has."""
    return len(members(x))


def one_hot(j: Any, n: int) -> Vector:
    """n numbers, 1 at place j and 0 elsewhere."""
    return Vector(1.0 if k == j else 0.0 for k in range(n))


def _softmax(x: Any) -> Vector:
    """softmax on whatever the members are: numbers at once, nodes and formulas as operations."""
    if any(hasattr(u.__class__, "_record") for u in x):
        return Vector(softmax(x))
    largest = max(x)
    e = [_exp(u - largest) for u in x]
    total = builtins.sum(e)
    return Vector(u / total for u in e)


def _each(f: Any, x: Any) -> Any:
    return x.map(f) if isinstance(x, Vector) else f(x)


def _inside(p: Any) -> Any:
    return _each(lambda q: where(q < EPSILON, EPSILON, where(q > 1 - EPSILON, 1 - EPSILON, q)), p)


def _total(y: Any) -> Any:
    """The sum of target probabilities; formulas write the 1 that it is."""
    return 1.0 if any(hasattr(u, "terms") for u in y) else builtins.sum(y)


def _products_of_the_others(x: Any) -> Vector:
    left, right = [1.0], [1.0]
    for u in x[:-1]:
        left.append(left[-1] * u)
    for u in x[:0:-1]:
        right.append(right[-1] * u)
    return Vector(a * b for a, b in zip(left, reversed(right), strict=True))


def _sequence(where_: str, x: Any) -> Any:
    if not isinstance(x, tuple):
        raise TypeError(f"{where_}: expected a sequence of numbers, got a single {describe(x)}")
    return x


def _same_size(where_: str, x: Any, y: Any) -> None:
    if size(x) != size(y) or isinstance(x, tuple) != isinstance(y, tuple):
        raise ValueError(f"{where_}: expected prediction and target of equal length; got {_size(x)} and {_size(y)}")


def _size(x: Any) -> str:
    return f"{len(x)} members" if isinstance(x, tuple) else "a single number"


def _check_target(where_: str, y: Any) -> None:
    if not (0 <= y <= 1 or y != y):
        raise ValueError(f"{where_}: targets must lie in [0, 1], got {float(y)!r}")
