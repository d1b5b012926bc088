"""Operations that take whole sequences to one number: sums, weighted sums, softmax and the losses.

Sequences are lists, tuples, iterators or 1-d arrays, of numbers, Values or formulas; two of them have equal
length (ValueError otherwise). Every result is a single node with an exact local derivative for each
member: a neuron's weighted sum is one node, the z of lecture notes. Rules are written as on arrays.
"""

from __future__ import annotations

import builtins
import math
import operator
from typing import Any

import numpy as np

from .op import Vector, array_forms, as_operand, describe, is_array, members, reduction
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
    """Sum x₁ + ... + xₙ.

    x: sequence of any real numbers. Returns one number, 0 for an empty sequence. For a Tensor, or an
    array of several dimensions, sum(x, axis=None, keepdims=False) is as in NumPy.
    Derivative: 1 for every member.
    """
    return builtins.sum(members(x))


@reduction(lambda z, x: 1 / size(x), expands=True, linear=True)
def mean(x):
    """Mean (x₁ + ... + xₙ) / n.

    x: sequence of any real numbers; ValueError if it is empty. Returns one number. For a Tensor, or an
    array of several dimensions, mean(x, axis=None, keepdims=False) is as in NumPy.
    Derivative: 1/n for every member.
    """
    _not_empty("mean", x)
    return builtins.sum(members(x)) / size(x)


@reduction(lambda z, x: _products_of_the_others(x), symbol="Π", expands=True)
def prod(x):
    """Product x₁ · ... · xₙ.

    x: sequence of any real numbers. Returns one number, 1 for an empty sequence. For a Tensor, or an
    array of several dimensions, prod(x, axis=None, keepdims=False) is as in NumPy.
    Derivative: the product of the other members, from products to the left and to the right of each,
    never by division: exact with zeros too.
    """
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


@reduction(lambda z, x: _softmax(x))
def logsumexp(x):
    """Smooth maximum log(e^x₁ + ... + e^xₙ).

    x: sequence of any real numbers; ValueError if it is empty. Returns one number, at least max(x). For
    a Tensor, or an array of several dimensions, logsumexp(x, axis=None, keepdims=False) runs over axes.
    Derivative: softmax(x).
    The largest member is taken out first, so it overflows only where the result does. If the largest is
    ±inf, so is the result, and the slopes are nan.
    Source: Blanchard, Higham and Higham, IMA J. Numer. Anal. 41 (2021).
    """
    _not_empty("logsumexp", _sequence("logsumexp", x))
    if any(u != u for u in members(x)):
        return math.nan
    largest = max(members(x))
    if largest == math.inf or largest == -math.inf:
        return largest
    return largest + _log(builtins.sum(_exp(u - largest) for u in members(x)))


@reduction(lambda z, x, j: z * (one_hot(j, size(x)) - _softmax(x)), None, shown="softmax")
def softmax_component(x, j):
    """Member j of softmax(x) as a node of its own.

    x: sequence of any real numbers; j: 0 to n - 1, not differentiated. Returns one number, 0 to 1.
    Derivative: z (δⱼₖ - softmax(x)ₖ) for member k.
    """
    return _softmax(x)[int(j)]


def softmax(x, axis=-1):
    """e^xⱼ / (e^x₁ + ... + e^xₙ) for every j: scores made probabilities.

    x: sequence of any real numbers. Returns a list of n numbers from 0 to 1 whose sum is 1. For a Tensor,
    or an array of several dimensions, they run along `axis`, and the result has the same shape.
    Derivative: aⱼ (δⱼₖ - aₖ) of member aⱼ for xₖ.
    The largest member is taken out first: softmax([1e308, 1e308]) is [½, ½]. If the largest is ±inf,
    all members are nan.
    Source: Bridle, in Neurocomputing, NATO ASI Series F68 (1990).
    """
    if is_array(x):
        return array_forms["softmax"](x, axis)
    x = _sequence("softmax", as_operand(x))
    return [softmax_component(x, j) for j in range(len(x))]


def log_softmax(x, axis=-1):
    """The logarithms of softmax(x), as xⱼ - logsumexp(x), so that none of them underflows.

    x: sequence of any real numbers. Returns a list of n numbers, never positive. For a Tensor, or an
    array of several dimensions, they run along `axis`, and the result has the same shape.
    Derivative: δⱼₖ - softmax(x)ₖ of member j for xₖ. If the largest is ±inf, its own
    logarithm is nan.
    """
    if is_array(x):
        return array_forms["log_softmax"](x, axis)
    x = as_operand(x)
    total = logsumexp(x)
    return [u - total for u in members(x)]


# ---------------------------------------------------------------- losses


@reduction(lambda z, x, y: x - y, lambda z, x, y: y - x, symbol="½(ŷ−y)²", expands=True)
def squared_error(prediction, target):
    """½ Σ (prediction - target)², the lectures' ½(y - ŷ)².

    prediction, target: any real, two numbers or two sequences. Returns one number, never negative. For
    Tensors, or arrays (m, n), rows are samples and the result is their mean, (1/m) Σ ½ Σ (ŷ - y)²; a
    third argument, (m,), weighs the samples. ValueError if the shapes differ.
    Derivative: prediction - target, and target - prediction.
    Source: Rumelhart, Hinton and Williams, Nature 323 (1986).
    """
    _same_size("squared_error", prediction, target)
    return 0.5 * builtins.sum((u - v) ** 2 for u, v in zip(members(prediction), members(target), strict=True))


@reduction(
    lambda z, p, y: shared(-y / kept_inside(p) + (1 - y) / (1 - kept_inside(p)), p),
    lambda z, p, y: shared(_each(lambda q: log(1 - q) - log(q), kept_inside(p)), p),
    symbol="BCE",
)
def binary_cross_entropy(probability, target):
    """-y log p - (1 - y) log(1 - p), averaged over a sequence.

    probability, target: 0 to 1, two numbers or two sequences; ValueError outside. Returns one number,
    never negative. For Tensors, or arrays (m, n), it is the mean over outputs and samples; a third
    argument, (m,), weighs the samples.
    Derivative: -y/p + (1 - y)/(1 - p), and log(1 - p) - log(p), divided by the number of members.
    0 log 0 is 0. p is kept 1e-7 away from 0 and 1, as Keras does, and the slope stays alive there, so
    that a saturated unit can recover.
    Source: Bishop, Pattern Recognition and Machine Learning (2006), 4.3.2.
    """
    _same_size("binary_cross_entropy", probability, target)
    _not_empty("binary_cross_entropy", probability)
    total = 0.0
    for p, y in zip(members(probability), members(target), strict=True):
        if not (0 <= p <= 1 or p != p):
            raise ValueError(
                f"binary_cross_entropy: probabilities must lie in [0, 1], got {float(p)!r}: "
                "pass logits to binary_cross_entropy_with_logits"
            )
        _check_target("binary_cross_entropy", y)
        q = kept_inside(p)
        total -= (y * _log(q) if y else 0.0) + ((1 - y) * _log(1 - q) if y != 1 else 0.0)
    return shared(total, probability)


@reduction(
    lambda z, x, y: shared(_each(sigmoid, x) - y, x),
    lambda z, x, y: shared(-x, x),
    symbol="BCE",
)
def binary_cross_entropy_with_logits(logit, target):
    """Binary cross-entropy of p = sigmoid(logit), averaged over a sequence.

    logit: any real, target: 0 to 1 (ValueError outside), two numbers or two sequences. Returns one
    number, never negative. For Tensors, or arrays (m, n), it is the mean over outputs and samples; a
    third argument, (m,), weighs the samples.
    Derivative: sigmoid(logit) - target, and -logit, divided by the number of members.
    One operation, max(z, 0) - zy + log1p(e^-|z|): exact in both tails for finite logits, and at
    z = 0, y = 1 the slope is exactly -½, where the parts differentiated one by one give -1.
    Source: documentation of TensorFlow's sigmoid_cross_entropy_with_logits.
    """
    _same_size("binary_cross_entropy_with_logits", logit, target)
    _not_empty("binary_cross_entropy_with_logits", logit)
    total = 0.0
    for z, y in zip(members(logit), members(target), strict=True):
        _check_target("binary_cross_entropy_with_logits", y)
        total += (z if z > 0 else 0.0) - z * y + softplus.op.forward(-builtins.abs(z))
    return shared(total, logit)


@reduction(
    lambda z, x, y: softmax_slope(_softmax(x), y),
    lambda z, x, y: _logsumexp(x) - x,
    symbol="CE",
    shown="softmax_cross_entropy",
)
def cross_entropy_of_softmax(logits, probabilities):
    """-Σ yⱼ log softmax(logits)ⱼ for targets given as probabilities.

    logits: sequence of any real numbers; probabilities: as many, 0 to 1, with sum 1 (ValueError
    otherwise). Returns one number, never negative. See softmax_cross_entropy, which checks the rest.
    Derivative: softmax(logits) - probabilities, and logsumexp(logits) - logits.
    """
    for y in probabilities:
        _check_target("softmax_cross_entropy", y)
    if not builtins.abs(math.fsum(probabilities) - 1) <= 1e-6:
        raise ValueError(
            f"softmax_cross_entropy: target probabilities must sum to 1, got {math.fsum(probabilities):g}; "
            "pass the class as an integer or a one-hot sequence"
        )
    shift = logsumexp.op.forward(logits)
    return builtins.sum(y * (shift - z) if y else 0.0 for z, y in zip(logits, probabilities, strict=True))


def softmax_cross_entropy(logits, target, weight=None):
    """-Σ yⱼ log softmax(logits)ⱼ for one sample, from logits.

    logits: sequence of n real numbers. target: the class as an integer 0 to n - 1, or n probabilities
    whose sum is 1 (one-hot among them). ValueError for a label out of range or not integral, a wrong
    number of probabilities, or a sum that is not 1. Returns one number, never negative. For a Tensor, or
    an array (m, n), rows are samples, with labels (m,) or probabilities (m, n) as target, and the result
    is their mean; weight: (m,), weighs the samples.
    Derivative: softmax(logits) - target. 0 log 0 is 0.
    Source: Bishop, Pattern Recognition and Machine Learning (2006), 4.3.4.
    """
    if is_array(logits):
        return array_forms["softmax_cross_entropy"](logits, target, weight)
    if weight is not None:
        raise TypeError("softmax_cross_entropy: weights belong to the rows of a batch; this is one sample")
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
    """How many members an operand has; in a batch, each of its rows."""
    return x.shape[-1] if is_array(x) else len(members(x))


def shared(total: Any, x: Any) -> Any:
    """What is for all members of x together, for each of them."""
    return total if size(x) == 1 else total / size(x)


def one_hot(j: Any, n: int) -> Vector:
    """n numbers, 1 at place j and 0 elsewhere."""
    return Vector(1.0 if k == j else 0.0 for k in range(n))


def softmax_slope(p: Any, y: Any) -> Any:
    """The derivative of a cross-entropy by the logits, from p = softmax(logits)."""
    return p * _total(y) - y


def _softmax(x: Any) -> Vector:
    """softmax on whatever the members are: numbers at once, nodes and formulas as operations."""
    if any(hasattr(u.__class__, "_record") for u in x):
        return Vector(softmax(x))
    largest = max(x)
    e = [_exp(u - largest) for u in x]
    total = builtins.sum(e)
    return Vector(u / total for u in e)


def _logsumexp(x: Any) -> Any:
    return logsumexp(x, axis=-1, keepdims=True) if is_array(x) else logsumexp(x)


def _each(f: Any, x: Any) -> Any:
    return x.map(f) if isinstance(x, Vector) else f(x)


def kept_inside(p: Any) -> Any:
    """Probabilities kept EPSILON away from 0 and 1."""
    return _each(lambda q: where(q < EPSILON, EPSILON, where(q > 1 - EPSILON, 1 - EPSILON, q)), p)


def _total(y: Any) -> Any:
    """The sum of target probabilities; formulas write the 1 that it is."""
    if y.__class__ is np.ndarray:  # a product with ones takes a quarter of the time
        return y.dot(np.ones(y.shape[-1:], y.dtype))[..., None]
    if is_array(y):
        return y.sum(-1, keepdims=True)
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


def _not_empty(where_: str, x: Any) -> None:
    if not size(x):
        raise ValueError(f"{where_}: expected at least one member, got an empty sequence")


def _same_size(where_: str, x: Any, y: Any) -> None:
    if size(x) != size(y) or isinstance(x, tuple) != isinstance(y, tuple):
        one = isinstance(x, tuple) != isinstance(y, tuple) and size(x) == size(y)
        advice = "; write both as numbers, or both as sequences" if one else ""
        raise ValueError(
            f"{where_}: expected prediction and target of equal length; got {_size(x)} and {_size(y)}{advice}"
        )


def _size(x: Any) -> str:
    return f"a sequence of {len(x)}" if isinstance(x, tuple) else "a single number"


def _check_target(where_: str, y: Any) -> None:
    if not (0 <= y <= 1 or y != y):
        raise ValueError(f"{where_}: targets must lie in [0, 1], got {float(y)!r}")
