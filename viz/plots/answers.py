"""What a model answers for points of the plane: scores, probabilities or labels, and the classes they mean."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd import Tensor, no_grad
from autograd.arguments import shaped_array
from autograd.graph import is_node
from autograd.operands import Operand, describe
from nn import MLP, Module
from nn.activations import is_over_layer

from .base import MARKERS

__all__ = ["Answer", "ask", "labelled_points"]


class Answer(NamedTuple):
    """What a model says on the grid.

    classes: the labels of all classes in order. winners: the place of the class at each point.
    scores: for two classes told apart by one number these numbers; for several numbers a column for each
    class; None for a model that answers with labels. threshold: where two classes part.
    is_probability: whether the numbers are.
    """

    classes: np.ndarray
    winners: np.ndarray
    scores: np.ndarray | None = None
    threshold: float = 0.5
    is_probability: bool = False

    @classmethod
    def of(cls, where: str, raw: np.ndarray, labels: np.ndarray, threshold: float | None) -> Answer:
        raw = raw[:, 0] if raw.ndim == 2 and raw.shape[1] == 1 else raw
        if raw.ndim == 2:
            classes = labels if len(labels) == raw.shape[1] else np.arange(raw.shape[1])
            _check_classes(where, labels, classes)
            return cls(classes, raw.argmax(axis=1), raw)
        if threshold is None and np.isin(raw, labels).all():
            classes = _check_classes(where, labels, labels)
            return cls(classes, np.searchsorted(classes, raw))
        if raw.dtype.kind not in "fiub":
            strange = raw[~np.isin(raw, labels)][0]
            raise ValueError(f"{where}: the model answers {strange!r}, which is no label in y")
        raw = raw.astype(float)
        if len(labels) > 2:
            expected = f"{len(labels)} scores for each sample, one for each class in y"
            raise ValueError(f"{where}: expected {expected}; the model gives one number")
        classes = labels if len(labels) == 2 else np.array([0, 1])
        _check_classes(where, labels, classes)
        is_probability = bool((raw >= 0).all() and (raw <= 1).all())
        at = threshold if threshold is not None else 0.5 if is_probability else 0.0
        return cls(classes, (raw > at).astype(int), raw, at, is_probability)


def _check_classes(where: str, labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    if not np.isin(labels, classes).all():
        strange = labels[~np.isin(labels, classes)][0]
        raise ValueError(f"{where}: label {strange} in y is none of the model's {len(classes)} classes")
    if len(classes) > len(MARKERS):
        raise ValueError(f"{where}: at most {len(MARKERS)} classes can be told apart; got {len(classes)}")
    return classes


def labelled_points(where: str, x: Operand, y: Operand) -> tuple[np.ndarray, np.ndarray]:
    """The samples as points (n, 2), and a label for each."""
    points = shaped_array(f"{where}: x", x, (None, 2))
    labels = np.asarray(y)
    if labels.ndim == 2:
        labels = labels.argmax(axis=1) if labels.shape[1] > 1 else labels[:, 0]
    if labels.shape != (len(points),) or not len(points):
        raise ValueError(f"{where}: expected a label for each of {len(points)} samples, got y of shape {np.shape(y)}")
    if labels.dtype.kind not in "fiubUS":
        raise TypeError(f"{where}: expected labels to be numbers or strings, got {describe(labels)}")
    if labels.dtype.kind == "f" and (labels == np.round(labels)).all():
        labels = labels.astype(int)  # 1.0 as a target is class 1
    if not np.isfinite(points).all():
        raise ValueError(
            f"{where}: x contains nan or infinity (first at row {np.argwhere(~np.isfinite(points))[0][0]})"
        )
    return points, labels


def ask(where: str, model: Any, x: np.ndarray) -> np.ndarray:
    """The model's answer for every row of x, of shape (rows,) or (rows, k)."""
    if not getattr(model, "built", True):
        raise ValueError(f"{where}: the model is not built, so that it has no weights yet; fit it first")
    predict = getattr(model, "predict_proba", None) or getattr(model, "predict", None)
    if predict is None and isinstance(model, Module):
        answer = _ask_neurons(where, model, x)
    elif predict is None and not callable(model):
        raise TypeError(f"{where}: expected a model that can be called or has .predict; got {describe(model)}")
    else:
        answer = (predict or model)(x)
        answer = np.asarray(answer.data if is_node(answer) else answer)
    if answer.ndim not in (1, 2) or len(answer) != len(x):
        raise ValueError(f"{where}: expected the model to answer {len(x)} rows with as many; got shape {answer.shape}")
    if answer.dtype.kind == "f" and not np.isfinite(answer).all():
        raise ValueError(f"{where}: the model's answers contain nan or infinity")
    return answer


def _ask_neurons(where: str, model: Any, x: np.ndarray) -> np.ndarray:
    """A model of Values; whole layers of an MLP at once, where the table can read the activation on arrays."""
    if isinstance(model, MLP) and model.layers[0].nin != 2:
        raise ValueError(f"{where}: expected a model of 2 inputs, as x has columns; got {model}")
    if isinstance(model, MLP) and all(map(_is_on_arrays, model.layers)):
        for layer in model.layers:
            weights, biases = layer.get_weights()
            z = x @ weights.T + biases
            over_layer = is_over_layer(layer.activation)
            x = np.array([layer.activation(row) for row in z.tolist()]) if over_layer else layer.activation(z)
        return x
    with no_grad():
        if any(isinstance(p, Tensor) for p in model.parameters()):
            return np.asarray(model(Tensor(x)).data)
        answers = [model(row) for row in x.tolist()]
    return np.array([[u.data for u in a] if isinstance(a, list | tuple) else a.data for a in answers])


def _is_on_arrays(layer: Any) -> bool:
    op = getattr(layer.activation, "op", None)
    return is_over_layer(layer.activation) or (op is not None and not op.reduces)
