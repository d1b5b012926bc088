"""The losses of `reductions` for a whole batch: each row is a sample, and the result is their mean.

The derivatives are those of the table, read on arrays. A weight per sample replaces the 1/m of the
mean. What a single sample is, a vector, is a batch of one row.
"""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from ..ieee import quietly
from ..op import Operation, array_forms, reduction, structural
from ..operands import Vector, as_array, as_operand, describe, is_array, members, real_array
from .choosing import where
from .elementwise import log, relu, sigmoid, softplus
from .matrices import row_of_ones
from .softmaxes import array_softmax, logsumexp, logsumexp_of, softmax_of, unit_vector
from .sums import not_empty, numbers, sequence, size

__all__ = [
    "batch_losses",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "one_hot",
    "softmax_cross_entropy",
    "squared_error",
]

# Probabilities are kept this far from 0 and 1 inside a logarithm, as Keras does.
EPSILON = 1e-7


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
    not_empty("binary_cross_entropy", probability)
    total = 0.0
    for p, y in zip(members(probability), members(target), strict=True):
        if not (0 <= p <= 1 or p != p):
            raise ValueError(
                f"binary_cross_entropy: probabilities must lie in [0, 1], got {float(p)!r}: "
                "pass logits to binary_cross_entropy_with_logits"
            )
        _check_target("binary_cross_entropy", y)
        q = kept_inside(p)
        total -= (y * log.op.forward(q) if y else 0.0) + ((1 - y) * log.op.forward(1 - q) if y != 1 else 0.0)
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
    not_empty("binary_cross_entropy_with_logits", logit)
    total = 0.0
    for z, y in zip(members(logit), members(target), strict=True):
        _check_target("binary_cross_entropy_with_logits", y)
        total += (z if z > 0 else 0.0) - z * y + softplus.op.forward(-builtins.abs(z))
    return shared(total, logit)


@reduction(
    lambda z, x, y: softmax_slope(softmax_of(x), y),
    lambda z, x, y: logsumexp_of(x) - x,
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
    sequence("softmax_cross_entropy", logits)
    if not isinstance(target, Vector):
        target = unit_vector(label(target, len(logits)), len(logits))
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


def shared(total: Any, x: Any) -> Any:
    """What is for all members of x together, for each of them."""
    return total if size(x) == 1 else total / size(x)


def softmax_slope(p: Any, y: Any) -> Any:
    """The derivative of a cross-entropy by the logits, from p = softmax(logits)."""
    return p * _sum_of_targets(y) - y


def _each(f: Any, x: Any) -> Any:
    return x.map(f) if isinstance(x, Vector) else f(x)


def kept_inside(p: Any) -> Any:
    """Probabilities kept EPSILON away from 0 and 1."""
    return _each(lambda q: where(q < EPSILON, EPSILON, where(q > 1 - EPSILON, 1 - EPSILON, q)), p)


def _sum_of_targets(y: Any) -> Any:
    """The sum of target probabilities; formulas write the 1 that it is."""
    if y.__class__ is np.ndarray:  # a product with ones takes a quarter of the time
        return y.dot(np.ones(y.shape[-1:], y.dtype))[..., None]
    if is_array(y):
        return y.sum(-1, keepdims=True)
    return 1.0 if any(hasattr(u, "terms") for u in y) else builtins.sum(y)


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


def one_hot(labels, classes=None, *, dtype=np.float64):
    """Rows of zeros with a 1 at the label.

    labels: integers 0..classes-1, any shape; integral floats count. classes: by default the largest label
    plus one. Returns shape (..., classes). ValueError for a label out of range or not integral.
    """
    labels = class_labels(labels, classes)
    if classes is None:
        classes = int(labels.max(initial=-1)) + 1
    z = np.zeros((labels.size, classes), dtype)
    z[np.arange(labels.size), labels.ravel()] = 1
    return z.reshape((*labels.shape, classes))


def class_labels(labels: Any, classes: int | None) -> np.ndarray:
    """Class labels as an array of integers; the errors of `reductions.label` for the first that is none."""
    given = np.asarray(numbers(labels))
    if given.dtype.kind not in "fiu":
        label(given.flat[0] if given.size else given, classes or 2)
    found = quietly(given.astype, np.int64)
    n = max(int(found.max(initial=0)) + 1, 2) if classes is None else classes
    wrong = (found != given) | (found < 0) | (found >= n)
    if wrong.any():
        label(given[wrong].flat[0].item(), n)
    return found


# ---------------------------------------------------------------- one operation for each


def _scaled(g: Any, weight: Any) -> Any:
    """What arrives at the loss of each sample, ready to multiply rows."""
    return g * (weight[:, None] if isinstance(weight, np.ndarray) else weight)


def _slope(op: Operation, i: int) -> Any:
    rule = op.rules[i]

    def pull(g: Any, z: Any, prediction: Any, target: Any, weight: Any, *_: Any) -> Any:
        return _scaled(g, weight) * rule(z, prediction, target)

    return pull


def _rule(function: Any) -> tuple[Any, Any]:
    return _slope(function.op, 0), _slope(function.op, 1)


def _total(rows: np.ndarray, weight: Any) -> Any:
    """The weighted sum over samples of what each row adds up to."""
    each = rows.ravel() if rows.shape[1] == 1 else rows.dot(row_of_ones(rows.shape[1], rows.dtype))
    return weight.dot(each) if isinstance(weight, np.ndarray) else each.dot(row_of_ones(len(each), rows.dtype)) * weight


@structural(*_rule(squared_error), None, symbol="½(ŷ−y)²", shown="squared_error")
def squared_errors(prediction, target, weight):
    """Σ weight ½ Σ (prediction - target)² over samples. All (m, n); weight: a number, or (m,)."""
    d = prediction - target
    if isinstance(weight, np.ndarray):
        return 0.5 * _total(d * d, weight)
    d = d.ravel()
    return d.dot(d) * (0.5 * weight)


@structural(*_rule(binary_cross_entropy), None, symbol="BCE", shown="binary_cross_entropy")
def binary_cross_entropies(probability, target, weight):
    """The weighted sum over samples of binary_cross_entropy. All (m, n); weight: a number, or (m,)."""
    q = kept_inside(probability)
    log, other = np.log(q), np.log(1 - q)
    rows = np.where(target == 0, 0.0, target * log) + np.where(target == 1, 0.0, (1 - target) * other)
    return shared(-_total(rows, weight), probability)


@structural(*_rule(binary_cross_entropy_with_logits), None, symbol="BCE", shown="binary_cross_entropy_with_logits")
def binary_cross_entropies_with_logits(logit, target, weight):
    """The same from logits, in one operation that is exact in both tails."""
    rows = np.abs(logit)
    np.negative(rows, out=rows)
    np.exp(rows, out=rows)
    np.log1p(rows, out=rows)
    rows += relu.op.forward(logit)
    rows -= logit * target
    return shared(_total(rows, weight), logit)


class Softmax:
    """What the loss of a softmax computes on the way: the probabilities, which are its derivative too."""

    probabilities: np.ndarray


def _to_logits(g: Any, z: Any, logits: Any, target: Any, weight: Any, on_the_way: Softmax) -> Any:
    p = on_the_way.probabilities if logits.__class__ is np.ndarray else array_softmax(logits)
    return _scaled(g, weight) * softmax_slope(p, target)


@structural(
    _to_logits,
    _slope(cross_entropy_of_softmax.op, 1),
    None,
    None,
    symbol="CE",
    shown="softmax_cross_entropy",
)
def softmax_cross_entropies(logits, target, weight, on_the_way):
    """The weighted sum over samples of -Σ target log softmax(logits). All (m, n); on_the_way keeps the softmax."""
    # Along a short axis NumPy's max takes three to nine times as long as on a copy of the transpose.
    m = logits.T.copy().max(0)[:, None] if logits.shape[1] <= 64 else logits.max(1, keepdims=True)
    shifted = logits - m
    e = np.exp(shifted)
    total = e.dot(row_of_ones(e.shape[1], e.dtype))[:, None]
    on_the_way.probabilities = e / total
    shifted -= np.log(total)
    shifted *= target
    z = -_total(shifted, weight)
    if z != z:  # 0 log 0 is 0
        shifted[target == 0] = 0
        z = -_total(shifted, weight)
    return z


# ---------------------------------------------------------------- as the functions of the table take them


def _rows(where: str, prediction: Any, target: Any) -> tuple[Any, Any]:
    """Both as rows of samples: of one shape, a vector as one row, a number as one row of one."""
    prediction = as_array(prediction, where)
    if not hasattr(target, "ndim") or getattr(target, "dtype", None) not in (np.float32, np.float64):
        target = real_array(target, where).astype(prediction.dtype)  # and not the prediction to float64
    if prediction.shape != target.shape:
        raise ValueError(
            f"{where}: prediction has shape {prediction.shape}, target has shape {target.shape}: reshape one of them"
        )
    if prediction.ndim == 2:
        return prediction, target
    shape = (1, -1) if prediction.ndim < 2 else (len(prediction), -1)
    return prediction.reshape(shape), target.reshape(shape)


def sample_weight(where: str, weight: Any, prediction: Any) -> Any:
    """What each sample's loss is multiplied by: 1/m, or its weight / m. prediction: one row per sample."""
    samples = len(prediction)
    if not samples:
        raise ValueError(f"{where}: expected at least one sample, got none")
    if weight is None:
        return 1.0 / samples
    if hasattr(weight.__class__, "_record"):
        raise TypeError(f"{where}: the weights of samples are not differentiated; pass their .data")
    weight = real_array(weight, f"{where}: weight")
    if weight.shape != (samples,):
        raise ValueError(f"{where}: expected a weight for each of {samples} samples, got shape {weight.shape}")
    return (weight / samples).astype(prediction.dtype)


def _in_range(where: str, what: str, x: Any, advice: str = "") -> None:
    outside = ~((x >= 0) & (x <= 1) | np.isnan(x))
    if outside.any():
        raise ValueError(f"{where}: {what} must lie in [0, 1], got {float(x[outside].flat[0])!r}{advice}")


def batch_squared_error(prediction, target, weight=None):
    """The mean over samples of ½ Σ (prediction - target)². weight: one per sample."""
    prediction, target = _rows("squared_error", prediction, target)
    return squared_errors(prediction, target, sample_weight("squared_error", weight, prediction))


def batch_binary_cross_entropy(probability, target, weight=None):
    """The mean over samples of the binary cross-entropy. weight: one per sample."""
    where = "binary_cross_entropy"
    probability, target = _rows(where, probability, target)
    _in_range(where, "probabilities", numbers(probability), ": pass logits to binary_cross_entropy_with_logits")
    _in_range(where, "targets", numbers(target))
    return binary_cross_entropies(probability, target, sample_weight(where, weight, probability))


def batch_binary_cross_entropy_with_logits(logit, target, weight=None):
    """The mean over samples of the binary cross-entropy of sigmoid(logit). weight: one per sample."""
    where = "binary_cross_entropy_with_logits"
    logit, target = _rows(where, logit, target)
    _in_range(where, "targets", numbers(target))
    return binary_cross_entropies_with_logits(logit, target, sample_weight(where, weight, logit))


def batch_softmax_cross_entropy(logits, target, weight=None):
    """The mean over samples of -log softmax(logits)ⱼ.

    logits: (..., n), a row for each sample. target: labels (m,), or probabilities (m, n). weight: one per sample.
    """
    where = "softmax_cross_entropy"
    logits = as_array(logits, where)
    if not logits.ndim:
        raise ValueError(f"{where}: expected logits of shape (samples, classes), got a single number")
    given = numbers(target) if hasattr(target, "shape") else np.asarray(target)
    if given.ndim == logits.ndim - 1:
        if given.shape != logits.shape[:-1]:
            raise ValueError(
                f"{where}: expected {logits.shape[:-1]} labels for logits {logits.shape}, got {given.shape}"
            )
        target = one_hot(given, logits.shape[-1], dtype=logits.dtype)
    rows = (-1, logits.shape[-1])  # further axes are samples too
    if logits.ndim > 2 and np.shape(target) == logits.shape:
        logits, target = logits.reshape(rows), as_array(target, where).reshape(rows)
    logits, target = _rows(where, logits, target)
    check_probabilities(where, numbers(target))
    return softmax_cross_entropies(logits, target, sample_weight(where, weight, logits), Softmax())


def check_probabilities(where: str, target: np.ndarray) -> None:
    """ValueError unless every row of the target is a distribution over the classes."""
    _in_range(where, "targets", target)
    total = target.sum(-1)
    if not (np.abs(total - 1) <= 1e-6 * max(1, target.shape[-1])).all():
        worst = total.flat[int(np.argmax(np.abs(total - 1)))]
        raise ValueError(
            f"{where}: target probabilities must sum to 1, got {worst:g}; "
            "pass the class as an integer or a one-hot sequence"
        )


# The operations themselves, which check nothing: for callers that have checked their data once.
batch_losses = {
    "squared_error": squared_errors,
    "binary_cross_entropy": binary_cross_entropies,
    "binary_cross_entropy_with_logits": binary_cross_entropies_with_logits,
    "softmax_cross_entropy": softmax_cross_entropies,
}

array_forms.update(
    squared_error=batch_squared_error,
    binary_cross_entropy=batch_binary_cross_entropy,
    binary_cross_entropy_with_logits=batch_binary_cross_entropy_with_logits,
    softmax_cross_entropy=batch_softmax_cross_entropy,
)
