"""What a model has learned: where it decides, which patterns its weights pick up, what its loss reacts to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import Tensor, no_grad
from autograd.arguments import shaped_array
from autograd.operands import describe
from nn import MLP, Module
from nn.activations import is_over_layer

from ..style import INK, number
from .base import CLASS_COLORS, CLASS_TINTS, MARKERS, at_least_two, dress, matplotlib, panels, styled

__all__ = ["plot_decision_boundary"]

MOST_CLASSES = len(MARKERS)


# ---------------------------------------------------------------- decision boundary


@styled
def plot_decision_boundary(
    model: Any,
    x: Any,
    y: Any,
    *,
    threshold: float | None = None,
    classes: Sequence[Any] | None = None,
    resolution: int = 160,
    ax: Any = None,
) -> Any:
    """How a model divides the plane, with the samples on it.

    model       anything with `.predict(x)` (or `.predict_proba(x)`), or a function, of x of shape (n, 2);
                an MLP or another Module of Values, called with one sample at a time; or a Module of
                Tensors, called with a Tensor of shape (n, 2)
    x, y        the samples: (n, 2), and their labels (n,), or one-hot (n, classes).
    threshold   where the two classes part if the model gives one number for each sample. By default
                0.5 if all its numbers lie between 0 and 1, as probabilities do, and else 0.
    classes     what the classes are called; by default the labels in order.
    resolution  how many points the model is asked for along each axis.

    One number for each sample, (n,) or (n, 1), is a score for the second class; the dashed lines
    are then the probabilities 0.1 and 0.9. Several are scores for the classes, of which the largest
    counts. A model that answers with labels is taken at its word. Returns the Axes.

    ValueError for x without two columns, for nan and infinity, and if labels and answers do not fit.
    """
    where = "plot_decision_boundary"
    points, labels = _samples(where, x, y)
    found, index = np.unique(labels, return_inverse=True)
    resolution = at_least_two(where, "resolution", resolution)
    axis = [_axis(points[:, k], resolution) for k in (0, 1)]
    grid = np.stack(np.meshgrid(*axis), axis=-1)
    answer = _Answer.of(where, _ask(where, model, grid.reshape(-1, 2)), found, threshold)
    names = [str(c) for c in (answer.classes if classes is None else classes)]
    if len(names) != len(answer.classes):
        raise ValueError(f"{where}: expected {len(answer.classes)} classes; got {len(names)}")
    index = np.searchsorted(answer.classes, found)[index]

    (ax,) = panels(where, ax, 1, size=(5.4, 4.4))
    if answer.scores is not None and answer.scores.ndim == 1:
        _draw_scores(ax, axis, answer.scores.reshape(resolution, resolution), answer)
    else:
        _draw_regions(ax, axis, answer)
    for c, name in enumerate(names):
        at = points[index == c]
        look = {"marker": MARKERS[c], "color": CLASS_COLORS[c], "edgecolor": "white", "linewidth": 0.7}
        ax.scatter(at[:, 0], at[:, 1], s=30, zorder=3, label=name if classes else f"class {name}", **look)
    dress(ax, "Decision boundary", xlabel="$x_1$", ylabel="$x_2$", grid=False)
    ax.set_xlim(axis[0][0], axis[0][-1])
    ax.set_ylim(axis[1][0], axis[1][-1])
    ax.legend(loc="best", handletextpad=0.2, borderpad=0.4)
    return ax


class _Answer(NamedTuple):
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
    def of(cls, where: str, raw: np.ndarray, labels: np.ndarray, threshold: float | None) -> _Answer:
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
    if len(classes) > MOST_CLASSES:
        raise ValueError(f"{where}: at most {MOST_CLASSES} classes can be told apart; got {len(classes)}")
    return classes


def _samples(where: str, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
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


def _axis(values: np.ndarray, count: int) -> np.ndarray:
    margin = 0.12 * float(np.ptp(values)) or 1.0
    return np.linspace(values.min() - margin, values.max() + margin, count)


def _ask(where: str, model: Any, x: np.ndarray) -> np.ndarray:
    """The model's answer for every row of x, of shape (rows,) or (rows, k)."""
    if not getattr(model, "built", True):
        raise ValueError(f"{where}: the model is not built, so that it has no weights yet; fit it first")
    ask = getattr(model, "predict_proba", None) or getattr(model, "predict", None)
    if ask is None and isinstance(model, Module):
        answer = _ask_neurons(where, model, x)
    elif ask is None and not callable(model):
        raise TypeError(f"{where}: expected a model that can be called or has .predict; got {describe(model)}")
    else:
        answer = (ask or model)(x)
        answer = np.asarray(answer.data if hasattr(answer, "_record") else answer)
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
            return model(Tensor(x)).data
        answers = [model(row) for row in x.tolist()]
    return np.array([[u.data for u in a] if isinstance(a, list | tuple) else a.data for a in answers])


def _is_on_arrays(layer: Any) -> bool:
    op = getattr(layer.activation, "op", None)
    return is_over_layer(layer.activation) or (op is not None and not op.reduces)


def _draw_regions(ax: Any, axis: list[np.ndarray], answer: _Answer) -> None:
    """Every class's part of the plane in its tint; the border is where its score equals the best other."""
    shape = [len(axis[1]), len(axis[0])]
    winners = answer.winners.reshape(shape)
    present = np.unique(winners)
    ax.contourf(
        *axis, winners, levels=np.arange(len(answer.classes) + 1) - 0.5, colors=CLASS_TINTS[: len(answer.classes)]
    )
    for c in present:
        lead = (winners == c) - 0.5
        if answer.scores is not None and len(answer.classes) > 1:
            lead = (answer.scores[:, c] - np.delete(answer.scores, c, axis=1).max(axis=1)).reshape(shape)
        ax.contourf(*axis, lead, levels=[0, np.inf], colors=[CLASS_TINTS[c]])
        if c != present[0]:  # its borders are those of the others
            ax.contour(*axis, lead, levels=[0], colors=INK, linewidths=1.3)


def _draw_scores(ax: Any, axis: list[np.ndarray], scores: np.ndarray, answer: _Answer) -> None:
    tints = matplotlib("colors").LinearSegmentedColormap.from_list(
        "gradpath_tints", ("#f1c4a3", "#fae2d1", "#ffffff", "#dbe8f8", "#b0cbef")
    )
    reach = float(np.abs(scores - answer.threshold).max()) or 1.0
    if answer.is_probability:
        reach = max(answer.threshold, 1 - answer.threshold)
    levels = np.linspace(answer.threshold - reach, answer.threshold + reach, 41)
    ax.contourf(*axis, scores, levels=levels, cmap=tints, extend="both")
    if answer.is_probability:
        sides = [p for p in (0.1, 0.9) if scores.min() < p < scores.max()]
        if sides:
            _label_lines(ax, ax.contour(*axis, scores, levels=sides, colors=INK, linewidths=0.8, linestyles="--"))
    if scores.min() < answer.threshold < scores.max():
        _label_lines(ax, ax.contour(*axis, scores, levels=[answer.threshold], colors=INK, linewidths=2.2))


def _label_lines(ax: Any, lines: Any) -> None:
    ax.clabel(lines, fmt=number, fontsize=8, inline=True, inline_spacing=3)
