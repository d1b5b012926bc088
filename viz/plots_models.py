"""What a model has learned: where it decides, which patterns its weights pick up, what its loss reacts to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import Tensor, no_grad
from autograd.graph import is_node
from autograd.names import Names, parse
from autograd.op import describe
from autograd.value import NO_GRADIENT
from nn import MLP, Module
from nn.activations import is_over_layer
from nn.arguments import positive_integer, real_array

from .plotting import (
    CLASS_COLORS,
    CLASS_TINTS,
    MARKERS,
    at_least_two,
    beside,
    diverging,
    dress,
    math_name,
    matplotlib,
    panels,
    styled,
    title_with_line,
)
from .style import GREY, INK, LINE, NEGATIVE, POSITIVE, number

__all__ = ["plot_decision_boundary", "plot_sensitivity", "plot_weights"]

MOST_CLASSES = len(MARKERS)
MOST_UNITS = 64


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
    points = real_array(f"{where}: x", x, (None, 2))
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


# ---------------------------------------------------------------- weights


@styled
def plot_weights(
    model: Any, *, shape: tuple[int, int] | None = None, max_units: int = MOST_UNITS, columns: int = 4, ax: Any = None
) -> Any:
    """The weights into the first layer as images, one for each unit: the pixel patterns it picks up.

    model      an MLP or another net with `.layers`, or an array of shape (units, inputs)
    shape      height and width of the image; by default a square
    max_units  only so many units are drawn; how many there are stands in the title
    columns    images in a row

    All images share one scale, symmetric about zero: blue is positive and orange negative, and on
    images of up to 16 pixels a side negative ones also carry a minus. Returns an array of Axes, one
    for each unit.

    TypeError for a model without weights; ValueError if the inputs do not fill the shape.
    """
    where = "plot_weights"
    weights = _first_weights(where, model)
    units, inputs = weights.shape
    height, width = _image_shape(where, inputs, shape)
    shown = min(units, positive_integer(where, "max_units", max_units))
    finite = np.abs(weights[np.isfinite(weights)])
    scale = float(finite.max()) if finite.size and finite.max() > 0 else 1.0

    columns = min(positive_integer(where, "columns", columns), shown)
    side = max(1.25, 5.0 / columns / max(1.0, width / height))
    size = (side * max(1.0, width / height) + 0.8 / columns, side * max(1.0, height / width) + 0.22)
    found = panels(where, ax, shown, columns=columns, size=size)
    for unit, (panel, row) in enumerate(zip(found, weights, strict=False), 1):
        image = panel.imshow(row.reshape(height, width), cmap=diverging(), vmin=-scale, vmax=scale)
        panel.set_xticks([])
        panel.set_yticks([])
        panel.spines[:].set(color=LINE, linewidth=0.8)
        panel.set_title(str(unit), loc="center", fontsize=8.5, weight="normal", color=beside(panel, GREY), pad=3)
        if np.abs(row).max() < 1e-3 * scale:
            panel.text(
                (width - 1) / 2, (height - 1) / 2, "all near 0", ha="center", va="center", color=GREY, fontsize=8
            )
        elif max(height, width) <= 16:
            _mark_negative(panel, row.reshape(height, width), scale)
    figure = found[0].figure
    bar = figure.colorbar(image, ax=found, shrink=0.9, pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(color=LINE, labelcolor=beside(found[0], GREY), labelsize=8.5)
    if ax is None:
        of = f"{shown} of {units} units" if shown < units else f"{units} units"
        title = f"First-layer weights ({of}, {height}×{width}, shared scale)"
        figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=11.5)
    return np.array(found, dtype=object)


def _first_weights(where: str, model: Any) -> np.ndarray:
    layers = getattr(model, "layers", None)
    if isinstance(layers, list | tuple):
        for layer in layers:
            if hasattr(layer, "get_weights") and hasattr(layer, "neurons"):
                return layer.get_weights()[0]
            weight = getattr(layer, "weight", None)
            weight = np.asarray(weight.numpy() if isinstance(weight, Tensor) else getattr(weight, "data", None))
            if weight.ndim == 2:
                return real_array(where, weight, (None, None))
            if weight.ndim > 2:
                expected = "weights of shape (units, inputs) in the first layer"
                raise ValueError(f"{where}: expected {expected}; got {weight.shape}. Give an array of rows instead")
        raise ValueError(f"{where}: {model!r} has no layer with weights of shape (units, inputs); build it first")
    if isinstance(model, Module | str) or callable(model):
        raise TypeError(f"{where}: expected a model with layers, or an array (units, inputs); got {describe(model)}")
    weights = real_array(f"{where}: weights", model, (None, None))
    if not weights.size:
        raise ValueError(f"{where}: expected at least one unit and one input, got shape {weights.shape}")
    return weights


def _image_shape(where: str, inputs: int, shape: tuple[int, int] | None) -> tuple[int, int]:
    if shape is not None:
        if not isinstance(shape, Sequence) or len(shape) != 2:
            raise TypeError(f"{where}: expected shape to be (height, width), got {shape!r}")
        height, width = (positive_integer(where, "shape", n) for n in shape)
        if height * width != inputs:
            raise ValueError(f"{where}: expected a shape for {inputs} inputs; got {height}×{width} = {height * width}")
        return height, width
    side = math.isqrt(inputs)
    if side * side == inputs:
        return side, side
    height = next(n for n in range(side, 0, -1) if inputs % n == 0)
    raise ValueError(
        f"{where}: {inputs} inputs are no square image; say which, as in shape=({height}, {inputs // height})"
    )


def _mark_negative(ax: Any, image: np.ndarray, scale: float) -> None:
    """A minus on every negative pixel that can be seen: sign is not told by colour alone."""
    rows, columns = np.nonzero(image < -0.08 * scale)
    colors = ["white" if image[r, c] < -0.4 * scale else NEGATIVE for r, c in zip(rows, columns, strict=True)]
    ax.hlines(rows, columns - 0.22, columns + 0.22, colors=colors, linewidth=0.7)


# ---------------------------------------------------------------- sensitivity


@styled
def plot_sensitivity(gradient: Any, *, top: int = 10, ax: Any = None) -> Any:
    """The largest components of a gradient: which weights the loss reacts to most.

    gradient: a model after its backward pass, or weights with gradients, or a mapping from names to
    numbers. top: how many are drawn, the largest first.

    Bars to the right are positive and blue, those to the left negative, orange and hatched. The line
    below the title compares the first bar with the last that is not zero. Returns the Axes.

    ValueError if there is nothing to draw, or no backward pass has reached the nodes.
    """
    where = "plot_sensitivity"
    top = positive_integer(where, "top", top)
    components = _components(where, gradient)
    for name, g in components:
        if not math.isfinite(g):
            raise ValueError(f"{where}: the gradient of {name} is {g}; autograd.find_nan(loss) says where it was born")
    largest = sorted(components, key=lambda each: -abs(each[1]))[:top]
    write = Names(name for name, _ in components)
    names = [math_name(name, write) for name, _ in largest]
    room = 0.14 * max([0, *(len(name) - 8 for name in names if not name.startswith("$"))])  # for words, in inches
    (ax,) = panels(where, ax, 1, size=(5.4 + room, 0.3 * len(largest) + 1.2))
    for i, (_, g) in enumerate(largest):
        color, hatch = (POSITIVE, "") if g >= 0 else (NEGATIVE, "////")
        ax.barh(i, g, height=0.66, facecolor=color if g >= 0 else "#fbe9dc", edgecolor=color, hatch=hatch, linewidth=1)
        side = 1 if g >= 0 else -1
        ax.annotate(
            number(g), (g, i), (4 * side, 0), textcoords="offset points", ha="left" if side > 0 else "right",
            va="center", fontsize=9, color=color,
        )  # fmt: skip
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.margins(x=0.26)  # for the numbers beside the bars
    ax.set_ylim(len(largest) - 0.4, -0.6)
    ax.set_yticks(range(len(largest)), names)
    dress(ax, "", xlabel="gradient of the loss")
    ax.tick_params(axis="y", length=0, labelcolor=beside(ax, INK), labelsize=11)
    ax.grid(False, axis="y")
    hidden = len(components) - len(largest)
    of = f"the largest {len(largest)} of {len(components)}" if hidden else f"{len(components)} components"
    title_with_line(ax, f"Sensitivity of the loss ({of})", _times(largest, write))
    return ax


def _times(largest: list[tuple[str, float]], write: Names) -> str:
    """How many times more sensitive the loss is to the first than to the last that is not zero."""
    others = [each for each in largest if each[1]]
    if len(others) < 2:
        return ""
    (first, most), (last, least) = others[0], others[-1]
    ratio = float(f"{abs(most / least):.2g}")
    return f"{number(ratio)} times more sensitive to {math_name(first, write)} than to {math_name(last, write)}"


def _components(where: str, gradient: Any) -> list[tuple[str, float]]:
    """Every component with its name, in the order of the parameters."""
    if isinstance(gradient, Mapping):
        found = [(str(name), float(g)) for name, g in gradient.items()]
    else:
        if hasattr(gradient, "named_parameters"):
            nodes = list(gradient.named_parameters())
        elif isinstance(gradient, Iterable) and not (is_node(gradient) or isinstance(gradient, str | np.ndarray)):
            nodes = [(f"{i}", node) for i, node in enumerate(gradient, 1)]
        else:
            nodes = [("1", gradient)]
        if not all(hasattr(node, "grad") for _, node in nodes) or (is_node(gradient) and not gradient.is_leaf):
            expected = "a model, weights with gradients, or a mapping from names to numbers"
            raise TypeError(f"{where}: expected {expected}; got {describe(gradient)}")
        found = [each for path, node in nodes for each in _of_node(path, node)]
        if nodes and not found:
            raise ValueError(f"{where}: there is no gradient yet; call loss.backward() first")
    if not found:
        raise ValueError(f"{where}: expected at least one component, got none")
    return found


def _of_node(path: str, node: Any) -> list[tuple[str, float]]:
    grad = node.grad
    if grad is None or grad is NO_GRADIENT:
        return []
    name = getattr(node, "label", None) or path
    if is_node(node) and np.ndim(grad) == 0:
        return [(name, float(grad))]
    parsed = parse(name)
    is_family = parsed is not None and not parsed.index
    return [
        (f"{name}_{','.join(str(k + 1) for k in place)}" if is_family else f"{name}{list(place)}", float(g))
        for place, g in np.ndenumerate(grad)
    ]
