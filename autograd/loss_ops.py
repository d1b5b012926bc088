"""The losses of `reductions` for a whole batch: each row is a sample, and the result is their mean.

The derivatives are those of the table, read on arrays. A weight per sample replaces the 1/m of the
mean. What a single sample is, a vector, is a batch of one row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import reductions
from .axis_ops import array_softmax, numbers
from .matrix_ops import row_of_ones
from .op import Operation, array_forms, as_array, quietly, real_array, structural
from .ops import relu

__all__ = ["batch_losses", "one_hot"]


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
        reductions.label(given.flat[0] if given.size else given, classes or 2)
    found = quietly(given.astype, np.int64)
    n = max(int(found.max(initial=0)) + 1, 2) if classes is None else classes
    wrong = (found != given) | (found < 0) | (found >= n)
    if wrong.any():
        reductions.label(given[wrong].flat[0].item(), n)
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


@structural(*_rule(reductions.squared_error), None, symbol="½(ŷ−y)²", shown="squared_error")
def squared_errors(prediction, target, weight):
    """Σ weight ½ Σ (prediction - target)² over samples. All (m, n); weight: a number, or (m,)."""
    d = prediction - target
    if isinstance(weight, np.ndarray):
        return 0.5 * _total(d * d, weight)
    d = d.ravel()
    return d.dot(d) * (0.5 * weight)


@structural(*_rule(reductions.binary_cross_entropy), None, symbol="BCE", shown="binary_cross_entropy")
def binary_cross_entropies(probability, target, weight):
    """The weighted sum over samples of binary_cross_entropy. All (m, n); weight: a number, or (m,)."""
    q = reductions.kept_inside(probability)
    log, other = np.log(q), np.log(1 - q)
    rows = np.where(target == 0, 0.0, target * log) + np.where(target == 1, 0.0, (1 - target) * other)
    return reductions.shared(-_total(rows, weight), probability)


@structural(
    *_rule(reductions.binary_cross_entropy_with_logits), None, symbol="BCE", shown="binary_cross_entropy_with_logits"
)
def binary_cross_entropies_with_logits(logit, target, weight):
    """The same from logits, in one operation that is exact in both tails."""
    rows = np.abs(logit)
    np.negative(rows, out=rows)
    np.exp(rows, out=rows)
    np.log1p(rows, out=rows)
    rows += relu.op.forward(logit)
    rows -= logit * target
    return reductions.shared(_total(rows, weight), logit)


class Softmax:
    """What the loss of a softmax computes on the way: the probabilities, which are its derivative too."""

    probabilities: np.ndarray


def _to_logits(g: Any, z: Any, logits: Any, target: Any, weight: Any, on_the_way: Softmax) -> Any:
    p = on_the_way.probabilities if logits.__class__ is np.ndarray else array_softmax(logits)
    return _scaled(g, weight) * reductions.softmax_slope(p, target)


@structural(
    _to_logits,
    _slope(reductions.cross_entropy_of_softmax.op, 1),
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
