"""How good predictions are: functions of (y_true, y_pred) that give a number.

A metric is what is summed over the samples, and how the sums are read. So the value of an epoch is
exact, however the samples are cut into batches: the sums are added, and read once at the end::

    accuracy(y_true, y_pred)                 # 0.93
    measured = Running("accuracy")           # or Running(accuracy), or a function of one's own
    measured.update(y_true, y_pred)          # for each batch
    measured.result()

y_true are labels, (samples,), or one-hot rows; y_pred is what the net gives: probabilities or
logits, (samples, classes), or (samples, 1) where there is one output. Labels in place of y_pred are
labels if their type is an integer. Argument order and names are those of Keras and scikit-learn.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd.arguments import lookup, positive_integer
from autograd.foreign import finder
from autograd.operands import Operand

from .foreign import OF_METRICS
from .samples import (
    are_labels,
    as_labels,
    by_names,
    check_one_class_each,
    check_same_shape,
    labels_and_outputs,
    plain_array,
    sides,
)

__all__ = [
    "Metric",
    "Running",
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "confusion_matrix",
    "find_metric",
    "mae",
    "metrics",
    "mse",
    "precision",
    "precision_of_classes",
    "recall",
    "recall_of_classes",
    "top_k_accuracy",
]


# From labels and predictions, and options, to what is summed up.
Sums = Callable[..., np.ndarray]


class Metric:
    """What is summed over the samples, and how the sums are read.

    sums: (y_true, y_pred, **options) -> array. read: that array, or a sum of such -> float.
    name: its key in a History. by_batch: True if the sums of two batches may differ from those of
    both together, as for a function of one's own that gives one number.
    """

    def __init__(
        self,
        name: str,
        sums: Sums,
        read: Callable[[np.ndarray], float],
        by_batch: bool = False,
        options: Mapping[str, object] | None = None,
    ) -> None:
        functools.update_wrapper(self, sums)
        self.name, self.read, self.by_batch, self.options = name, read, by_batch, dict(options or {})
        self.sums = sums

    def __call__(
        self,
        y_true: ArrayLike | None = None,
        y_pred: ArrayLike | None = None,
        *,
        target: ArrayLike | None = None,
        prediction: ArrayLike | None = None,
        **options: Operand,
    ) -> float:
        """The metric of these samples; by name the two are also `target` and `prediction`, as of losses."""
        return self.read(self.summed(*by_names(self.name, y_true, y_pred, target, prediction), **options))

    def summed(self, y_true: ArrayLike, y_pred: ArrayLike, **options: Operand) -> np.ndarray:
        """The sums over these samples. Outputs at several places, (m, *places, outputs), are as many samples.

        ignore_class: for the metrics of the table, the label of samples and places that do not count.
        """
        options = {**self.options, **options}
        ignored = options.pop("ignore_class", None) if self.known_as is not None else None
        if self.known_as is not None and np.ndim(y_pred) > 2 and np.ndim(y_true) >= np.ndim(y_pred) - 1:
            y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
            y_true = y_true.reshape((-1, *y_true.shape[y_pred.ndim - 1 :]))
            y_pred = y_pred.reshape((-1, y_pred.shape[-1]))
        if ignored is None:
            return self.sums(y_true, y_pred, **options)
        labels = plain_array(self.name, "y_true", y_true)
        if labels.shape[1:] not in ((), (1,)):
            raise ValueError(f"{self.name}: ignore_class is for labels, got y_true of shape {labels.shape}")
        counts = labels.reshape(-1) != ignored
        if not counts.any():
            return 0 * self.sums(np.zeros(1, np.int64), np.asarray(y_pred)[:1], **options)
        return self.sums(labels[counts], np.asarray(y_pred)[counts], **options)

    def using(self, **options: object) -> Metric:
        """The same metric with other options, for `compile`: `precision.using(threshold=0.9)`."""
        return Metric(self.name, self.sums, self.read, self.by_batch, {**self.options, **options})

    def named(self, name: str) -> Metric:
        """The same metric under another name."""
        return Metric(name, self.sums, self.read, self.by_batch, self.options)

    @property
    def known_as(self) -> str | None:
        """Its name in the table `metrics`; None for one of somebody's own."""
        return next((name for name, known in metrics.items() if known.sums is self.sums), None)

    def __reduce__(self) -> tuple[object, ...]:
        # The metric of a name stands where its function did, so the function cannot be found by its own.
        if self.known_as is not None:
            return _again, (self.known_as, self.options, self.name)
        return Metric, (self.name, self.sums, self.read, self.by_batch, self.options)

    def __repr__(self) -> str:
        return f"Metric({self.name!r})"


class Running:
    """The value of a metric over all batches since `reset()`, as if they were one.

    metric: a name, a Metric or a function (y_true, y_pred), as `find_metric` takes them.
    """

    def __init__(self, metric: Any) -> None:
        self.metric = find_metric(metric)
        self.reset()

    @property
    def name(self) -> str:
        """The name of the metric."""
        return self.metric.name

    def reset(self) -> None:
        """Forget all batches."""
        self._sums: np.ndarray | None = None

    def update(self, y_true: ArrayLike, y_pred: ArrayLike) -> None:
        """Count another batch."""
        true, predicted = plain_array(self.name, "y_true", y_true), plain_array(self.name, "y_pred", y_pred)
        if true.shape[:1] != predicted.shape[:1] or not true.ndim:
            check_same_shape(self.name, true, predicted)
        sums = self.metric.summed(true, predicted)
        self._sums = sums if self._sums is None else _added(self._sums, sums)

    def result(self) -> float:
        """The value over all batches so far. RuntimeError if there was none."""
        if self._sums is None:
            raise RuntimeError(
                f"{self.name}: no batch has been counted since reset(); call update(y_true, y_pred) first"
            )
        return self.metric.read(self._sums)

    def __repr__(self) -> str:
        return f"Running({self.name!r})"


def _added(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The sum; matrices of the classes that occurred so far may differ in how many these are."""
    if one.shape == other.shape:
        return one + other
    small, large = sorted((one, other), key=len)
    return large + np.pad(small, (0, len(large) - len(small)))


def _ratio(sums: np.ndarray) -> float:
    part, whole = sums.tolist()
    return part / whole if whole else 0.0


def _mean_over_samples(f: Sums) -> Metric:
    """The metric whose value is the mean of f(y_true, y_pred), one number for each sample."""

    @functools.wraps(f)
    def sums(y_true: ArrayLike, y_pred: ArrayLike, **options: Operand) -> np.ndarray:
        values = f(y_true, y_pred, **options)
        return np.array((values.sum(), len(values)))

    return Metric(f.__name__, sums, _ratio)


def _read_from_confusion(read: Callable[[np.ndarray], np.ndarray]) -> Callable[[Sums], Metric]:
    """The metric read from a confusion matrix: of class 1 if there are two classes, else the mean."""

    def value(matrix: np.ndarray) -> float:
        each = read(matrix)
        occurring = (matrix.sum(axis=0) + matrix.sum(axis=1)) > 0
        return float(each[1] if len(each) == 2 else each[occurring].mean() if occurring.any() else 0.0)

    return lambda f: Metric(f.__name__, f, value)


@_mean_over_samples
def accuracy(y_true: ArrayLike, y_pred: ArrayLike, *, threshold: float = 0.5) -> np.ndarray:
    """The share of the samples that are predicted right.

    The shapes tell which kind it is, as in Keras: one output is `binary_accuracy`, several are
    `categorical_accuracy`, with labels or one-hot rows as y_true; labels are compared with labels.
    threshold: for one output; 0.0 where it is a logit.
    """
    if are_labels(y_pred):
        true, predicted = as_labels("accuracy", y_true), as_labels("accuracy", y_pred)
        check_same_shape("accuracy", true, predicted)
        return true == predicted
    if np.shape(y_pred)[1:] in ((), (1,)):
        return _right_sides("accuracy", y_true, y_pred, threshold)
    return _right_classes("accuracy", y_true, y_pred)


@_mean_over_samples
def binary_accuracy(y_true: ArrayLike, y_pred: ArrayLike, *, threshold: float = 0.5) -> np.ndarray:
    """The share of the outputs on the right side: above the threshold where y_true is 1.

    y_true: 0 and 1, of the shape of y_pred, (samples,) or (samples, outputs).
    threshold: 0.5 for probabilities, 0.0 for logits; an output equal to it counts as 0.
    """
    return _right_sides("binary_accuracy", y_true, y_pred, threshold)


@_mean_over_samples
def categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """The share of the samples whose largest output is that of their class, the first among equals.

    y_true: labels or one-hot rows; y_pred: (samples, classes), probabilities or logits.
    """
    return _right_classes("categorical_accuracy", y_true, y_pred)


@_mean_over_samples
def top_k_accuracy(y_true: ArrayLike, y_pred: ArrayLike, *, k: int = 5) -> np.ndarray:
    """The share of the samples of whose class fewer than k outputs are larger.

    y_true: labels or one-hot rows; y_pred: (samples, classes), probabilities or logits.
    Source: documentation of TensorFlow's in_top_k, on which Keras' metric rests.
    """
    labels, outputs = labels_and_outputs("top_k_accuracy", y_true, y_pred)
    own = np.take_along_axis(outputs, labels[:, None], axis=1)
    return (outputs > own).sum(axis=1) < positive_integer("top_k_accuracy", "k", k)


@_mean_over_samples
def mae(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Mean absolute error, over the outputs of a sample and over the samples. Shapes must be equal."""
    return _mean_of_outputs(np.abs(_error("mae", y_true, y_pred)))


@_mean_over_samples
def mse(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Mean squared error, over the outputs of a sample and over the samples. Shapes must be equal."""
    return _mean_of_outputs(_error("mse", y_true, y_pred) ** 2)


def confusion_matrix(
    y_true: ArrayLike, y_pred: ArrayLike, classes: int | None = None, *, threshold: float = 0.5
) -> np.ndarray:
    """How often each class (row) was taken for each (column): int64, (classes, classes).

    y_true, y_pred: labels, or one-hot rows and outputs. classes: needed only if y_pred are labels
    that do not reach the last class. threshold: for a single output; 0.0 where it is a logit.
    """
    where = "confusion_matrix"
    if classes is not None:
        classes = positive_integer(where, "classes", classes)
    if are_labels(y_pred):
        true, predicted = as_labels(where, y_true, classes), as_labels(where, y_pred, classes)
        classes = classes or max(2, int(max(true.max(initial=0), predicted.max(initial=0))) + 1)
    elif np.shape(y_pred)[1:] in ((), (1,)):
        true, predicted = sides(where, y_true, y_pred, threshold)
        true, predicted, classes = true.ravel().astype(np.int64), predicted.ravel().astype(np.int64), 2
    else:
        check_one_class_each(where, y_true)
        true, outputs = labels_and_outputs(where, y_true, y_pred)
        predicted, classes = outputs.argmax(axis=1), outputs.shape[1]
    check_same_shape(where, true, predicted)
    return np.bincount(true * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def precision_of_classes(matrix: np.ndarray) -> np.ndarray:
    """Of what was taken for each class, the share that is of it; 0 where nothing was.

    matrix: a confusion matrix.
    """
    return _shares(matrix, axis=0)


def recall_of_classes(matrix: np.ndarray) -> np.ndarray:
    """Of what is of each class, the share that was taken for it; 0 where nothing is.

    matrix: a confusion matrix.
    """
    return _shares(matrix, axis=1)


@_read_from_confusion(precision_of_classes)
def precision(
    y_true: ArrayLike, y_pred: ArrayLike, *, classes: int | None = None, threshold: float = 0.5
) -> np.ndarray:
    """Of what was predicted to be of a class, the share that is of it.

    With one output or two classes, that of class 1; with more the mean over the classes that occur
    in y_true or y_pred, as scikit-learn's average="macro". (Keras counts one-hot rows entry by entry.)
    0.0 where nothing was predicted to be of the class, as in Keras.
    """
    return confusion_matrix(y_true, y_pred, classes, threshold=threshold)


@_read_from_confusion(recall_of_classes)
def recall(y_true: ArrayLike, y_pred: ArrayLike, *, classes: int | None = None, threshold: float = 0.5) -> np.ndarray:
    """Of what is of a class, the share that was predicted to be.

    With one output or two classes, that of class 1; with more the mean over the classes that occur
    in y_true or y_pred, as scikit-learn's average="macro". (Keras counts one-hot rows entry by entry.)
    0.0 where nothing is of the class, as in Keras.
    """
    return confusion_matrix(y_true, y_pred, classes, threshold=threshold)


metrics: dict[str, Metric] = {
    "accuracy": accuracy,
    "acc": accuracy,
    "binary_accuracy": binary_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": categorical_accuracy,
    "top_k_accuracy": top_k_accuracy,
    "top_k_categorical_accuracy": top_k_accuracy,
    "sparse_top_k_categorical_accuracy": top_k_accuracy,
    "precision": precision,
    "recall": recall,
    "mae": mae,
    "mean_absolute_error": mae,
    "mse": mse,
    "mean_squared_error": mse,
}


def _again(known: str, options: dict[str, Operand], name: str) -> Metric:
    return metrics[known].using(**options).named(name)


def find_metric(metric: Any) -> Metric:
    """The Metric for a name, called by that name; a Metric is returned as it is.

    metric: also a function of one's own, (y_true, y_pred) -> a number for each sample, or one
    number, which counts for its batch by the number of samples.
    ValueError for an unknown name (suggests the nearest), TypeError for what is none of these.
    """
    if isinstance(metric, Metric):
        return metric
    if not callable(metric) or isinstance(metric, type):
        return lookup("metric", metric, metrics).named(metric)
    name = getattr(metric, "__name__", type(metric).__name__)
    return Metric(name, SumsOf(metric, name), _ratio, by_batch=True)


class SumsOf:
    """What a function of one's own gives for a batch: its mean over the samples, and how many these are."""

    def __init__(self, function: Callable[[np.ndarray, np.ndarray], ArrayLike], name: str) -> None:
        self.function, self.name = function, name

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray, **options: Operand) -> np.ndarray:
        values = plain_array(self.name, "what it gives", self.function(y_true, y_pred, **options))
        if values.ndim and len(values) != len(y_true):
            raise ValueError(
                f"{self.name}: expected one number, or one for each of {len(y_true)} samples; got {values.shape}"
            )
        return np.array((values.mean() * len(y_true), len(y_true)))


def _right_classes(where: str, y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    labels, outputs = labels_and_outputs(where, y_true, y_pred)
    return labels == outputs.argmax(axis=1)


def _right_sides(where: str, y_true: ArrayLike, y_pred: ArrayLike, threshold: float) -> np.ndarray:
    true, predicted = sides(where, y_true, y_pred, threshold)
    return _mean_of_outputs(true == predicted)


def _error(where: str, y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    true, predicted = plain_array(where, "y_true", y_true), plain_array(where, "y_pred", y_pred)
    check_same_shape(where, true, predicted)
    return np.subtract(predicted, true, dtype=np.float64)  # unsigned labels would wrap


def _mean_of_outputs(values: np.ndarray) -> np.ndarray:
    return values if values.ndim == 1 else values.reshape(len(values), -1).mean(axis=1)


def _shares(matrix: ArrayLike, axis: int) -> np.ndarray:
    matrix = np.asarray(matrix)
    hits, all_of_class = np.diag(matrix), matrix.sum(axis=axis)
    return np.divide(hits, all_of_class, out=np.zeros(len(matrix)), where=all_of_class > 0)


__getattr__ = finder(__name__, __all__, OF_METRICS)
