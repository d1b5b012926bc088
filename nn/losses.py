"""What training makes small: the loss of a batch, from what the net gives and what it should give.

Names and definitions are Keras': a loss is the mean over the samples, and for regression over the
outputs of a sample too. Two are the lectures' own: `MeanSquaredError(half=True)` is (1/m) Σ ½ Σ
(ŷ - y)², and a cross-entropy is one operation on the weighted sums Z, so that dZ = A - Y.

A loss is called with (y_true, y_pred) in Keras' order; rows are samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from autograd import (
    Tensor,
    Value,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    clip,
    cross_entropy,
    mean,
    no_grad,
    one_hot,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    squared_error,
    sum,
)
from autograd.arguments import lookup, not_negative
from autograd.foreign import finder
from autograd.operands import Operand, describe, real
from autograd.ops.losses import Softmax, batch_losses, refuse_activated, unrounded
from autograd.ops.sums import array_sum
from autograd.samples import shown_axis

from .activations import activation_name, activations
from .attributes import Attributes, Check, flag
from .foreign import NAMES
from .module import refuse_own_call
from .samples import by_names, check_finite, checked_weights, plain_array, whole_labels

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Huber",
    "Loss",
    "LossFunction",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "find_loss",
    "huber",
    "losses",
    "mae",
    "mse",
    "sparse_categorical_crossentropy",
]

squared_errors, binary_from_logits, binary_from_probabilities, cross_entropies, softmax_cross_entropies = (
    batch_losses[name]
    for name in (
        "squared_error",
        "binary_cross_entropy_with_logits",
        "binary_cross_entropy",
        "cross_entropy",
        "softmax_cross_entropy",
    )
)


# What each sample counts: 1/m, or an array with its weight/m for each of m samples.
Weight = float | np.ndarray


def _above_zero(where: str, what: str, delta: object) -> float:
    found = not_negative(where, what, delta)
    if not found:
        raise ValueError(f"{where}: expected {what} to be above 0, got 0; all losses would be 0")
    return found


def _label(where: str, what: str, label: Operand) -> int | None:
    if label is not None and (isinstance(label, bool) or not isinstance(label, int | np.integer)):
        raise TypeError(f"{where}: expected {what} to be a label, such as -1, or None; got {describe(label)}")
    return None if label is None else int(label)


class Loss(Attributes):
    """The base of all losses.

    name         its name in messages
    from_logits  True if it takes weighted sums Z and applies the output activation itself
    activation   that activation; None for a loss that has no form from logits
    """

    name = "loss"
    activation: Callable[..., Operand] | None = None
    from_logits = False
    checks: ClassVar[Mapping[str, Check]] = {"from_logits": flag}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        refuse_own_call(cls, "of_batch(self, y_pred, target, weight, from_logits)")

    def __call__(
        self,
        y_true: ArrayLike | Tensor | None = None,
        y_pred: ArrayLike | Tensor | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        target: ArrayLike | Tensor | None = None,
        prediction: ArrayLike | Tensor | None = None,
    ) -> Operand:
        """The loss of a batch: a Tensor if y_pred is one, else a float.

        The order is that of Keras; by name the two are also `target` and `prediction`, as in `autograd`.

        y_pred: (samples, outputs), or (samples,) for one output, or (samples, *places, outputs), whose places count
        alike; y_true: its shape, or labels for a cross-entropy of classes. sample_weight: (samples,).
        ValueError for other shapes, (n,) against (n, 1) among them, and what the loss cannot take.
        """
        y_true, y_pred = by_names(self.name, y_true, y_pred, target, prediction)
        if not isinstance(y_pred, Tensor):
            with no_grad():
                return self(y_true, Tensor(plain_array(self.name, "y_pred", y_pred)), sample_weight).item()
        if not y_pred.ndim or not len(y_pred):
            raise ValueError(f"{self.name}: expected at least one sample, got y_pred of shape {y_pred.shape}")
        if y_pred.size > 1 and shown_axis(y_pred) == 1:
            raise ValueError(
                f"{self.name}: expected samples in rows, and the graph shows them in columns, with the weights on the "
                "left of the data: pass y_true.T and y_pred.T"
            )
        if self.from_logits and self.activation is not None:
            refuse_activated(self.name, y_pred, self.activation)
        y_true = plain_array(self.name, "y_true", y_true.numpy() if isinstance(y_true, Tensor) else y_true)
        if y_pred.ndim == 1:
            if y_true.shape != y_pred.shape:
                raise ValueError(_shapes(self.name, y_pred.shape, y_true.shape))
            y_true, y_pred = y_true.reshape((-1, 1)), y_pred.reshape((-1, 1))
        target = self.targets(self.name, y_true, y_pred.shape[1:], y_pred.dtype)
        if len(target) != len(y_pred):
            raise ValueError(_shapes(self.name, y_pred.shape, y_true.shape))
        weight: Operand = 1.0 / len(y_pred)
        if sample_weight is not None:
            weight = checked_weights(self.name, sample_weight, len(y_pred)).astype(y_pred.dtype) * y_pred.dtype.type(
                weight
            )
        return self.of_outputs(y_pred, target, weight, self.from_logits)

    def targets(self, where: str, y: np.ndarray, outputs: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """What `prepare` makes of the targets; also where a sample has several places, (m, *places, outputs).

        Each place is then a row, as the steps of a sequence are: labels are (m, *places).
        """
        places, last = outputs[:-1], outputs[-1:]
        if not places:
            return self.prepare(where, y, outputs, dtype)
        if y.shape[1:] == places:  # a label, or the only output, of each place
            rows = y.reshape((-1, 1))
        elif y.shape[1:-1] == places:
            rows = y.reshape((-1, y.shape[-1]))
        else:
            raise ValueError(self._misfit(where, y, outputs))
        found = self.prepare(where, rows, last, dtype)
        return found.reshape((len(y), *places, -1))

    def of_outputs(self, y_pred: Tensor, target: np.ndarray, weight: Weight, from_logits: bool) -> Tensor:
        """`of_batch` of outputs with any number of axes, (m, *places, outputs): the places of a sample count alike."""
        if y_pred.ndim > 2:
            n = math.prod(y_pred.shape[1:-1])
            y_pred = y_pred.reshape((-1, y_pred.shape[-1]))
            target = target.reshape((-1, target.shape[-1]))
            weight = np.repeat(weight / n, n) if isinstance(weight, np.ndarray) else weight / n
        return self.of_batch(y_pred, target, weight, from_logits)

    def prepare(self, where: str, y: np.ndarray, outputs: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """The targets in the form that `of_batch` takes, checked once for the whole training.

        outputs: the shape of what the net gives for one sample. By default y must have it too.
        """
        if y.shape[1:] != outputs or len(outputs) != 1:
            raise ValueError(self._misfit(where, y, outputs))
        check_finite(f"{where}: y", y)
        return y.astype(dtype, copy=False)

    def of_batch(self, y_pred: Tensor, target: np.ndarray, weight: Weight, from_logits: bool) -> Tensor:
        """The loss as a Tensor, of targets that `prepare` gave; checks nothing.

        weight: 1/m, or an array with weight/m for each sample. from_logits: y_pred are weighted sums.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method of_batch")

    def of_sample(self, outputs: Sequence[Value], target: Sequence[float], from_logits: bool) -> Value:
        """The loss of one sample as a Value, from what a net of Values gives and a row of what `prepare` gave.

        from_logits: the outputs are weighted sums. NotImplementedError for a loss of arrays only.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method of_sample")

    def check_output(self, model: Any) -> None:
        """ValueError if the last layer of a net gives what the loss cannot take, with the remedies."""
        layer, found = model.last_layer, model.last_activation
        if self.activation is None or found is None:
            return
        name = activation_name(found)
        if self.from_logits and found in (sigmoid, softmax):
            raise ValueError(
                f"compile: {layer} ends with {name!r} and {self} applies {activation_name(self.activation)!r} again: "
                f"give the last layer no activation, or the loss from_logits=False"
            )
        if not self.from_logits and found not in (sigmoid, softmax) and name in activations:
            raise ValueError(
                f"compile: {self} expects probabilities, {layer} ends with {name!r}, which gives any number: "
                f"give the last layer activation={activation_name(self.activation)!r}, or the loss from_logits=True"
            )

    def _from(self, where: str) -> str:
        return self.name if where == self.name else f"{where}: {self.name}"

    def _misfit(self, where: str, y: np.ndarray, outputs: tuple[int, ...]) -> str:
        who = self._from(where)
        if len(outputs) != 1:
            wanted = " or ".join(f"(samples, {', '.join(map(str, axes))})" for axes in (outputs, outputs[:-1]))
            return (
                f"{who} expects targets of shape {wanted}, for the net gives {outputs} for each sample; got y of shape "
                f"{y.shape}. If a sample has one target, add a Flatten() or a pooling layer before the last one"
            )
        (n,) = outputs
        wanted = f"{who} expects targets of shape (samples, {n}), one for each output; got y of shape {y.shape}"
        if n > 1 and (y.ndim == 1 or y.shape[1:] == (1,)):
            return (
                f"{wanted}. If these are labels, write them one-hot with nn.data.one_hot(y, {n}), "
                "or use loss='sparse_categorical_crossentropy' with a softmax output"
            )
        if y.ndim == 1:
            return f"{wanted}. Reshape it: y[:, None]"
        return f"{wanted}. Give the last layer {y.shape[1]} units, or reshape y"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'from_logits=True' if self.from_logits else ''})"


class MeanSquaredError(Loss):
    """The mean of (ŷ - y)² over outputs and samples, as Keras' "mse".

    y_true, y_pred: (samples, outputs). half: the lectures' cost instead, ½ Σ (ŷ - y)² summed over the
    outputs, its mean over samples.
    Derivative for m samples of n outputs: 2 (ŷ - y) / mn; with half, (ŷ - y) / m.
    """

    name = "mse"
    checks: ClassVar[Mapping[str, Check]] = {"half": flag}

    def __init__(self, half: bool = False) -> None:
        self.half = half

    def of_batch(self, y_pred: Tensor, target: np.ndarray, weight: Weight, from_logits: bool) -> Tensor:
        return squared_errors(y_pred, target, weight if self.half else weight * (2.0 / target.shape[1]))

    def of_sample(self, outputs: Sequence[Value], target: Sequence[float], from_logits: bool) -> Value:
        loss = squared_error(outputs, target)
        return loss if self.half else loss * (2.0 / len(outputs))

    def __repr__(self) -> str:
        return f"MeanSquaredError({'half=True' if self.half else ''})"


class MeanAbsoluteError(Loss):
    """The mean of |ŷ - y| over outputs and samples, as Keras' "mae".

    y_true, y_pred: (samples, outputs). Derivative for m samples of n outputs: sign(ŷ - y) / mn, 0 where
    they are equal.
    """

    name = "mae"

    def of_batch(self, y_pred: Tensor, target: np.ndarray, weight: Weight, from_logits: bool) -> Tensor:
        return _weighted_mean(abs(y_pred - target), weight)

    def of_sample(self, outputs: Sequence[Value], target: Sequence[float], from_logits: bool) -> Value:
        return mean([abs(a - y) for a, y in zip(outputs, target, strict=True)])


class Huber(Loss):
    """½ d² for |d| up to delta, and from there on straight: delta |d| - ½ delta², with d = ŷ - y.

    The mean over outputs and samples. y_true, y_pred: (samples, outputs). delta: above 0.
    Derivative for m samples of n outputs: d, kept between -delta and delta, over mn.
    Source: Huber, Annals of Mathematical Statistics 35 (1964).
    """

    name = "huber"
    checks: ClassVar[Mapping[str, Check]] = {"delta": _above_zero}

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def of_batch(self, y_pred: Tensor, target: np.ndarray, weight: Weight, from_logits: bool) -> Tensor:
        return _weighted_mean(self._of(y_pred - target), weight)

    def of_sample(self, outputs: Sequence[Value], target: Sequence[float], from_logits: bool) -> Value:
        return mean([self._of(a - y) for a, y in zip(outputs, target, strict=True)])

    def _of(self, d: Operand) -> Operand:
        near = clip(d, -self.delta, self.delta)
        return near * (d - 0.5 * near)

    def __repr__(self) -> str:
        return f"Huber({self.delta:g})"


class BinaryCrossentropy(Loss):
    """-y log p - (1 - y) log(1 - p), the mean over outputs and samples.

    from_logits: the net gives z with p = sigmoid(z). After a sigmoid output layer that form is used
    inside, whatever it says here. Targets: from 0 to 1.
    """

    name = "binary_crossentropy"
    activation = staticmethod(sigmoid)

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits

    def prepare(self, where: str, y: np.ndarray, outputs: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        target = super().prepare(where, y, outputs, dtype)
        outside = (target < 0) | (target > 1)
        if outside.any():
            wrong = float(target[outside][0])
            advice = "(y + 1) / 2 maps -1 and 1 there" if wrong == -1 else "scale y"
            raise ValueError(
                f"{where}: label {wrong:g} is out of range for binary_crossentropy (0..1): {advice}, or for several "
                "classes use a softmax output with loss='sparse_categorical_crossentropy'"
            )
        return target

    def of_batch(self, y_pred: Tensor, target: np.ndarray, weight: Weight, from_logits: bool) -> Tensor:
        if from_logits:
            return binary_from_logits(y_pred, target, weight)
        _check_probabilities(self.name, y_pred)
        logits = unrounded(y_pred, binary_from_logits.op)
        if logits is not None:
            return binary_from_logits(logits, target, weight)
        return binary_from_probabilities(y_pred, target, weight)

    def of_sample(self, outputs: Sequence[Value], target: Sequence[float], from_logits: bool) -> Value:
        return (binary_cross_entropy_with_logits if from_logits else binary_cross_entropy)(outputs, target)


class CategoricalCrossentropy(Loss):
    """-Σ y log p over the classes, the mean over samples.

    y_true: labels 0, 1, ..., (samples,), or one-hot rows or other probabilities, (samples, classes).
    from_logits: the net gives z with p = softmax(z). After a softmax output layer that form is used
    inside, whatever it says here; other outputs are divided by their sum, as Keras does.
    """

    name = "categorical_crossentropy"
    activation = staticmethod(softmax)

    def __init__(self, from_logits: bool = False) -> None:
        self.from_logits = from_logits

    def prepare(self, where: str, y: np.ndarray, outputs: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        (classes,) = outputs
        if classes == 1:
            raise ValueError(
                f"{self._from(where)} expects an output for each class, the net gives one: use a softmax layer with "
                "a unit for each class, or activation='sigmoid' with loss='binary_crossentropy'"
            )
        if has_one_number_each(y):
            labels = self._labels(where, y, classes)
            return one_hot(labels, classes, dtype=dtype)
        if y.shape[1:] != outputs:
            raise ValueError(
                f"{self._from(where)}: the net gives {classes} classes, y has shape {y.shape}: expected labels "
                f"(samples,) or rows (samples, {classes}); change the units of the last layer, or y"
            )
        target = super().prepare(where, y, outputs, dtype)
        self._check_rows(where, target)
        return target

    def _labels(self, where: str, y: np.ndarray, classes: int) -> np.ndarray:
        try:
            return whole_labels(where, y.reshape(-1), classes)
        except ValueError as error:
            raise ValueError(
                f"{error}. {self.name} takes labels 0..{classes - 1} or one-hot rows (samples, {classes}); "
                "for numbers that are no classes use loss='mse'"
            ) from None

    def _check_rows(self, where: str, target: np.ndarray) -> None:
        wrong = np.abs(target.sum(axis=1) - 1) > 1e-6 * target.shape[1]
        wrong |= (target < 0).any(axis=1)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"{self._from(where)}: row {row} of y is {np.array2string(target[row], threshold=10)}, expected "
                "probabilities with sum 1: give labels, or one-hot rows as nn.data.one_hot makes them; "
                "for several classes at once use loss='binary_crossentropy' with a sigmoid output"
            )

    def of_batch(self, y_pred: Tensor, target: np.ndarray, weight: Weight, from_logits: bool) -> Tensor:
        if from_logits:
            return softmax_cross_entropies(y_pred, target, weight, Softmax())
        _check_probabilities(self.name, y_pred)
        logits = unrounded(y_pred, softmax_cross_entropies.op)
        if logits is not None:
            return softmax_cross_entropies(logits, target, weight, Softmax())
        return cross_entropies(y_pred / array_sum(y_pred, 1, True), target, weight)

    def of_sample(self, outputs: Sequence[Value], target: Sequence[float], from_logits: bool) -> Value:
        if from_logits:
            return softmax_cross_entropy(outputs, target)
        total = sum(outputs)
        return cross_entropy([a / total for a in outputs], target)


class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """-log p of the right class: CategoricalCrossentropy under its name for labels.

    Both take both: labels, (samples,), or rows of probabilities, (samples, classes).
    ignore_class: a label, often -1, of samples and places that do not count, such as those behind the end of a
    sequence; the mean is over the others in the batch. Metrics asked for by name in `compile` leave them out too.
    """

    name = "sparse_categorical_crossentropy"
    checks: ClassVar[Mapping[str, Check]] = {"ignore_class": _label}

    def __init__(self, from_logits: bool = False, ignore_class: int | None = None) -> None:
        super().__init__(from_logits)
        self.ignore_class: Any = ignore_class

    def prepare(self, where: str, y: np.ndarray, outputs: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        if self.ignore_class is None:
            return super().prepare(where, y, outputs, dtype)
        if not has_one_number_each(y):
            raise ValueError(f"{self._from(where)}: ignore_class is for labels, got rows of shape {y.shape}")
        counts = y != self.ignore_class
        rows = super().prepare(where, np.where(counts, y, 0), outputs, dtype)
        rows[~counts.reshape(-1)] = 0
        return rows

    def of_batch(self, y_pred: Tensor, target: np.ndarray, weight: Weight, from_logits: bool) -> Tensor:
        if self.ignore_class is not None:
            counts = target.sum(axis=1)  # 1, or 0 for what is left out, which the others make up for
            weight = counts * (len(counts) / np.maximum(counts.sum(), 1)) * weight
        return super().of_batch(y_pred, target, weight, from_logits)

    def of_sample(self, outputs: Sequence[Value], target: Sequence[float], from_logits: bool) -> Value:
        if self.ignore_class is not None:
            raise ValueError(f"{self.name}: ignore_class is for losses of Tensors; leave the sample out")
        return super().of_sample(outputs, target, from_logits)

    def __repr__(self) -> str:
        if self.ignore_class is None:
            return super().__repr__()
        logits = "from_logits=True, " if self.from_logits else ""
        return f"{type(self).__name__}({logits}ignore_class={self.ignore_class})"


class LossFunction(Loss):
    """A function of one's own, (y_true, y_pred) -> Tensor: one number for the batch, or one per sample or output.

    y_true: an array of y_pred's dtype if it has its shape; y_pred: a Tensor.
    """

    def __init__(self, function: Callable[[Operand, Operand], Operand]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)

    def targets(self, where: str, y: np.ndarray, outputs: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return self.prepare(where, y, outputs, dtype)

    def prepare(self, where: str, y: np.ndarray, outputs: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        return y.astype(dtype, copy=False) if y.shape[1:] == outputs or y.dtype.kind == "f" else y

    def of_outputs(self, y_pred: Tensor, target: np.ndarray, weight: Weight, from_logits: bool) -> Tensor:
        return self.of_batch(y_pred, target, weight, from_logits)

    def of_batch(self, y_pred: Tensor, target: np.ndarray, weight: Weight, from_logits: bool) -> Tensor:
        loss = self.function(target, y_pred)
        if not isinstance(loss, Tensor):
            raise TypeError(
                f"{self.name}: expected the loss as a Tensor, got {describe(loss)}; compute it with autograd"
            )
        if loss.ndim:
            if len(loss) != len(y_pred):
                raise ValueError(f"{self.name}: expected one number, or one per sample; got shape {loss.shape}")
            return _weighted_mean(loss.reshape((len(loss), -1)), weight)
        if isinstance(weight, np.ndarray):
            raise ValueError(f"{self.name}: weights need a loss for each sample, and it gives one number for the batch")
        return loss

    def __repr__(self) -> str:
        return f"LossFunction({self.name})"


losses: dict[str, type[Loss]] = {
    "mse": MeanSquaredError,
    "mean_squared_error": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mean_absolute_error": MeanAbsoluteError,
    "huber": Huber,
    "binary_crossentropy": BinaryCrossentropy,
    "binary_cross_entropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "categorical_cross_entropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "sparse_categorical_cross_entropy": SparseCategoricalCrossentropy,
}

mse = MeanSquaredError()
mae = MeanAbsoluteError()
huber = Huber()
binary_crossentropy = BinaryCrossentropy()
categorical_crossentropy = CategoricalCrossentropy()
sparse_categorical_crossentropy = SparseCategoricalCrossentropy()


def find_loss(loss: Operand) -> Loss:
    """The Loss for a name or a function; a Loss is returned as it is.

    ValueError for an unknown name (suggests the nearest), TypeError for what is none of these.
    """
    if isinstance(loss, Loss):
        return loss
    is_function = callable(loss) and not isinstance(loss, type)
    return LossFunction(loss) if is_function else lookup("loss", loss, losses)()


def has_one_number_each(y: np.ndarray) -> bool:
    """True for targets with one number for each sample, as labels are."""
    return y.ndim == 1 or y.shape[1:] == (1,)


def _weighted_mean(rows: Tensor, weight: Weight) -> Tensor:
    """The mean over the outputs of each sample, weighted and summed over samples."""
    if isinstance(weight, np.ndarray):
        return array_sum(rows * weight[:, None]) * (1.0 / rows.shape[1])
    return array_sum(rows) * (real(weight) / rows.shape[1])


def _check_probabilities(where: str, y_pred: Tensor) -> None:
    p = y_pred.numpy()
    if p.min() < 0 or p.max() > 1:
        wrong = p[(p < 0) | (p > 1)][0]
        raise ValueError(f"{where}: probabilities must lie in [0, 1], got {wrong:g}: give it from_logits=True")


def _shapes(where: str, prediction: tuple[int, ...], target: tuple[int, ...]) -> str:
    return f"{where}: prediction has shape {prediction}, target has shape {target}: reshape one of them"


__getattr__ = finder(__name__, __all__, NAMES)
