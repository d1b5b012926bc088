"""How a training went: the history of its loss, the gradients of its layers, what it confuses in the end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.op import describe
from autograd.value import NO_GRADIENT
from nn.arguments import lookup, real_array
from nn.callbacks import Callback
from nn.metrics import confusion_matrix

from .plotting import (
    MARKERS,
    End,
    beside,
    count_axis,
    dress,
    log_axis,
    matplotlib,
    name_lines,
    panels,
    readable_on,
    styled,
    title_with_line,
)
from .style import GREY, INK, LINE, NEGATIVE, POSITIVE, number

__all__ = ["GradientNorms", "plot_confusion_matrix", "plot_gradients", "plot_history"]

_VALIDATION = "val_"
_EACH = dict.fromkeys(("step", "epoch"))


# ---------------------------------------------------------------- history


@styled
def plot_history(history: Any, *, ax: Any = None) -> Any:
    """Loss and metrics over the epochs, of the training and of the validation data.

    history: a mapping such as {"loss": [...], "val_loss": [...], "accuracy": [...]}, an object with such
    a `.history` as `fit` returns it, the model itself, or the result of Perceptron.fit. `val_` marks the
    validation data.

    What was validated after every k-th epoch only, as `fit(validation_freq=k)` does, stands at these.

    The first panel shows the loss on a log axis (linear if some loss is not positive), with the epoch
    of the least loss marked: of the validation loss if there is one. Each metric has a panel beside
    it, with the same epoch marked. Returns the Axes, or an array of them if there are metrics.

    TypeError for what is no history; ValueError if it has no loss or its lists differ in length.
    """
    curves = _curves(history)
    metrics = [name for name in curves if name != "loss" and not name.startswith(_VALIDATION)]
    epochs = np.arange(1, len(curves["loss"]) + 1)
    best = _best_epoch(curves.get("val_loss", curves["loss"]))
    found = panels("plot_history", ax, 1 + len(metrics))
    for panel, name in zip(found, ["loss", *metrics], strict=True):
        _history_panel(panel, name, epochs, curves, best)
    return found[0] if len(found) == 1 else np.array(found, dtype=object)


def _curves(history: Any) -> dict[str, np.ndarray]:
    given, every = history, 1
    while not isinstance(given, Mapping) and hasattr(given, "history"):  # a model has a History, which has one
        every = getattr(given, "params", {}).get("validation_freq", 1)
        given = given.history
    if hasattr(given, "losses"):
        given = {"loss": given.losses}
    if not isinstance(given, Mapping):
        expected = 'a mapping such as {"loss": [...], "val_loss": [...]} or an object with such a .history'
        raise TypeError(f"plot_history: expected {expected}; got {describe(history)}")
    curves = {str(k): real_array(f"plot_history: {k}", v, (None,)) for k, v in given.items()}
    if every > 1 and "loss" in curves:
        curves = {
            k: _spread(v, every, len(curves["loss"])) if k.startswith(_VALIDATION) else v for k, v in curves.items()
        }
    if "loss" not in curves:
        raise ValueError(f"plot_history: expected a key 'loss'; got {', '.join(curves) or 'no keys'}")
    lengths = {name: len(curve) for name, curve in curves.items()}
    if len(set(lengths.values())) > 1:
        each = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"plot_history: expected one number for each epoch in every list; got {each}")
    if not lengths["loss"]:
        raise ValueError("plot_history: the history has no epochs yet; train first")
    return curves


def _spread(curve: np.ndarray, every: int, epochs: int) -> np.ndarray:
    """What was measured after every k-th epoch, at these; the others are masked, and nan."""
    if len(curve) != epochs // every:
        return curve
    found = np.ma.masked_all(epochs)
    found.data[:] = np.nan
    found[every - 1 :: every] = curve
    return found


def _best_epoch(losses: np.ndarray) -> int | None:
    """The epoch of the least loss, counted from 1; None if no loss is a number."""
    numbers = np.ma.filled(losses, np.nan)
    return None if np.isnan(numbers).all() else int(np.nanargmin(numbers)) + 1


def _history_panel(ax: Any, name: str, epochs: np.ndarray, curves: dict[str, np.ndarray], best: int | None) -> None:
    shown: list[tuple[np.ndarray, np.ndarray, str, str]] = []
    looks = ((name, "train", POSITIVE, "-", "o"), (_VALIDATION + name, "validation", NEGATIVE, "--", "s"))
    for key, text, color, line, marker in looks:
        if key in curves:
            measured = ~np.ma.getmaskarray(curves[key])
            at, curve = epochs[measured], np.asarray(curves[key][measured])
            shown.append((at, curve, text, color))
            ax.plot(at, curve, color=color, linestyle=line, marker=marker if len(at) < 3 else None)
            if (lone := _lone(curve)).any():
                ax.plot(at[lone], curve[lone], color=color, linestyle="none", marker=marker)
    finite = np.concatenate([curve[np.isfinite(curve)] for _, curve, *_ in shown])
    if not finite.size:
        ax.text(0.5, 0.5, "no finite number", transform=ax.transAxes, ha="center", va="center", color=GREY)
    is_log = name == "loss" and finite.size > 0 and bool(finite.min() > 0)
    count_axis(ax, 1, len(epochs))
    if is_log:
        log_axis(ax, finite.min(), finite.max())
    dress(ax, f"{name.replace('_', ' ').capitalize()}{' (log scale)' * is_log}", xlabel="epoch")
    if best is not None:
        curve = curves[_VALIDATION + name if _VALIDATION + name in curves else name]
        _mark_best(ax, best, curve, shown[-1][-1], is_least=name == "loss")
    if len(shown) > 1:
        name_lines(ax, [_end(*line) for line in shown if np.isfinite(line[1]).any()])


def _end(at: np.ndarray, curve: np.ndarray, text: str, color: str) -> End:
    """The last number of a line, which a training that diverged has before its end."""
    last = np.flatnonzero(np.isfinite(curve))[-1]
    return End(at[last], curve[last], text, color)


def _lone(curve: np.ndarray) -> np.ndarray:
    """Which numbers stand between two that are none: no line would show them."""
    is_number = np.concatenate([[False], np.isfinite(curve), [False]])
    return is_number[1:-1] & ~is_number[:-2] & ~is_number[2:]


def _mark_best(ax: Any, best: int, curve: np.ndarray, color: str, *, is_least: bool) -> None:
    value = float(np.ma.filled(curve, np.nan)[best - 1])
    if not math.isfinite(value):
        return
    ax.axvline(best, color=LINE, linewidth=0.9, linestyle=":", zorder=1)
    ax.plot([best], [value], "o", markersize=8, markerfacecolor="white", markeredgecolor=color, markeredgewidth=2)
    # A loss comes down from the top left and a metric goes up, so the text stands in the other corner.
    is_late = best > 0.5 * len(curve)
    text = ax.annotate(
        f"{'best ' * is_least}{number(value)} @ epoch {best}",
        (best, 1.0 if is_least else 0.0),
        (-5 if is_late else 5, -7 if is_least else 7),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if is_late else "left",
        va="center",
        color=GREY,
        fontsize=9,
    )
    text.set_in_layout(False)  # it needs no room of its own


# ---------------------------------------------------------------- gradients


class GradientNorms(Callback):
    """The norm of every layer's gradient, noted at each step of a training::

        norms = GradientNorms()
        model.fit(x, y, callbacks=[norms])
        plot_gradients(norms)

    or, in a loop of your own with `GradientNorms(net)`, by `norms.record()` between `loss.backward()`
    and `optimizer.step()`.

    model: anything with `.layers` that have parameters, or any other Module, whose attributes then
    stand for layers; None for the one that is fitted. Layers without parameters are left out.
    each: "step", or "epoch" for the mean over the steps of each epoch.

    norms  a list of norms for each layer, by its name: "layer 1", "layer 2", ...
    """

    def __init__(self, model: Any = None, *, each: str = "step") -> None:
        lookup("each", each, _EACH)
        self.each = each
        self.norms: dict[str, list[float]] = {}
        self._parameters: dict[str, list[Any]] = {}
        self._epoch: list[dict[str, float]] = []
        self._watched: Any = None
        if model is not None:
            self._watch(model)

    def _watch(self, model: Any) -> None:
        self.model = self._watched = model
        self._parameters = _by_layer(model)
        self.norms = {name: self.norms.get(name, []) for name in self._parameters}

    def record(self) -> None:
        """Note the norms of the gradients that are there now.

        RuntimeError if no backward pass has reached the model.
        """
        if not self._parameters:
            raise RuntimeError("GradientNorms: there is no model; write GradientNorms(model), or give it to fit")
        for name, norm in self._now().items():
            self.norms[name].append(norm)

    def _now(self) -> dict[str, float]:
        gradients = {name: [_gradient(p) for p in ps] for name, ps in self._parameters.items()}
        if all(g is None for gs in gradients.values() for g in gs):
            raise RuntimeError(
                "GradientNorms: the model has no gradient; call record() between loss.backward() and step()"
            )
        flat = {name: [np.ravel(g) for g in gs if g is not None] for name, gs in gradients.items()}
        return {name: float(np.linalg.norm(np.concatenate(gs))) if gs else 0.0 for name, gs in flat.items()}

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Look at the model that is fitted; what was noted before stays if it is the same."""
        if self.model is not self._watched:
            self.norms = {}
        self._epoch = []
        self._watch(self.model)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Note the norms of a step, which are still those of the backward pass."""
        if self.each == "step":
            self.record()
        else:
            self._epoch.append(self._now())

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the mean over an epoch, if that is asked for."""
        if self._epoch:
            for name, norms in self.norms.items():
                norms.append(float(np.mean([step[name] for step in self._epoch])))
            self._epoch = []

    def __len__(self) -> int:
        return len(next(iter(self.norms.values()), ()))

    def __repr__(self) -> str:
        return f"<GradientNorms of {len(self.norms)} layers over {len(self)} {self.each}s>"


def _by_layer(model: Any) -> dict[str, list[Any]]:
    layers = getattr(model, "layers", None)
    found: dict[str, list[Any]] = {}
    if isinstance(layers, list | tuple):
        each = [layer.parameters() for layer in layers if hasattr(layer, "parameters")]
        for i, parameters in enumerate(filter(None, each), 1):
            found[f"layer {i}"] = list(parameters)
    elif hasattr(model, "named_parameters"):
        for name, parameter in model.named_parameters():
            found.setdefault(name.partition(".")[0], []).append(parameter)
    else:
        raise TypeError(f"GradientNorms: expected a model with layers or parameters, got {describe(model)}")
    if not found:
        raise ValueError(f"GradientNorms: {model} has no parameters; build it first")
    return found


def _gradient(parameter: Any) -> Any:
    return None if parameter.grad is NO_GRADIENT else parameter.grad


@styled
def plot_gradients(gradients: Any, *, ax: Any = None) -> Any:
    """The norm of each layer's gradient over the training, on a log axis: gradients that vanish or explode.

    gradients: a GradientNorms; or a mapping from the names of layers, the first layer first, to one
    number for each step; or a sequence of such mappings, one for each step, from names to single
    numbers; or a model after its backward pass.

    One step alone is drawn as a profile over the layers. The line below the title compares the first
    layer with the last, by the median over the steps. Zeros have no place on a log axis: they are
    left out, and a layer that has only zeros is listed as such. Returns the Axes.
    """
    norms = _norms(gradients)
    names, steps = list(norms), len(next(iter(norms.values())))
    (ax,) = panels("plot_gradients", ax, 1, size=(5.6, 3.7))
    colors = _depth_colors(len(names))
    positive = np.concatenate([v[np.isfinite(v) & (v > 0)] for v in norms.values()])
    if steps == 1:
        heights = np.array([v[0] if v[0] > 0 else np.nan for v in norms.values()])
        ax.plot(range(1, len(names) + 1), heights, color=LINE, zorder=1)
        ax.scatter(range(1, len(names) + 1), heights, color=colors, s=60, zorder=3)
        ax.set_xticks(range(1, len(names) + 1), names)
    else:
        for i, (v, color) in enumerate(zip(norms.values(), colors, strict=True)):
            shown = np.where(v > 0, v, np.nan)
            marker = {"marker": MARKERS[i % len(MARKERS)], "markevery": max(1, steps // 8), "markersize": 5}
            ax.plot(range(1, steps + 1), shown, color=color, linewidth=1.6, **marker)
        count_axis(ax, 1, steps)
    if positive.size:
        log_axis(ax, positive.min(), positive.max())
    dress(ax, "", xlabel="" if steps == 1 else getattr(gradients, "each", "step"), ylabel="norm of the gradient")
    title_with_line(ax, "Gradients by layer (log scale)", _comparison(norms))
    if steps > 1:
        ends = zip(norms.items(), colors, strict=True)
        name_lines(ax, [End(steps, _last_positive(v), name, color) for (name, v), color in ends if (v > 0).any()])
    return ax


def _norms(gradients: Any) -> dict[str, np.ndarray]:
    if not isinstance(gradients, GradientNorms | Mapping | list | tuple):
        gradients = GradientNorms(gradients)
        gradients.record()
    given = gradients.norms if isinstance(gradients, GradientNorms) else gradients
    if not isinstance(given, Mapping):
        steps = list(given)
        if not steps or not all(isinstance(step, Mapping) and list(step) == list(steps[0]) for step in steps):
            expected = (
                "a GradientNorms, a mapping from layers to norms, or mappings with the same layers for every step"
            )
            raise ValueError(f"plot_gradients: expected {expected}; got {len(steps)} steps that are none")
        given = {name: [step[name] for step in steps] for name in steps[0]}
    norms = {str(name): real_array(f"plot_gradients: {name}", v, (None,)) for name, v in given.items()}
    lengths = {len(v) for v in norms.values()}
    if len(lengths) != 1 or lengths == {0}:
        came = f"lists of {sorted(lengths)}"
        if lengths <= {0}:
            came = f"no {'steps' if norms else 'layers'}; record some steps first"
        raise ValueError(f"plot_gradients: expected one norm for each step in every layer; got {came}")
    if any((v < 0).any() for v in norms.values()):
        raise ValueError("plot_gradients: expected norms, which are at least 0; got a negative number")
    return norms


def _depth_colors(count: int) -> list[Any]:
    """From orange at the first layer to blue at the last, dark enough to be read."""
    ramp = matplotlib("colors").LinearSegmentedColormap.from_list(
        "gradpath_depth", (NEGATIVE, "#9b4a8a", "#5a55b0", POSITIVE)
    )
    return [ramp(i / max(1, count - 1)) for i in range(count)]


def _last_positive(v: np.ndarray) -> float:
    return float(v[v > 0][-1])


def _comparison(norms: dict[str, np.ndarray]) -> str:
    """What a reader should see: how the first layer fares against the last."""
    dead = [name for name, v in norms.items() if not (v > 0).any()]
    if dead:
        return f"no gradient at all in {', '.join(dead)}"
    (first, *_, last) = norms if len(norms) > 1 else (*norms, *norms)
    with np.errstate(all="ignore"):
        ratio = float(np.nanmedian(norms[last] / norms[first]))
    if not (math.isfinite(ratio) and ratio > 0) or 0.5 < ratio < 2:
        return f"about equal in {first} and {last}" if math.isfinite(ratio) and len(norms) > 1 else ""
    if ratio > 1:
        return f"{first} gets 1/{number(_rounded(ratio))} of the gradient of {last}"
    return f"{first} gets {number(_rounded(1 / ratio))} times the gradient of {last}"


def _rounded(x: float) -> float:
    """Two digits are enough for a comparison."""
    return float(f"{x:.2g}")


# ---------------------------------------------------------------- confusion


@styled
def plot_confusion_matrix(
    truth: Any,
    predicted: Any = None,
    *,
    classes: Sequence[Any] | None = None,
    threshold: float = 0.5,
    ax: Any = None,
) -> Any:
    """How often each true class (a row) was predicted as which (a column).

    truth, predicted  labels, one for each sample; or one-hot rows and outputs, as `nn.metrics` takes
                      them. Or only `truth`: the matrix of counts itself.
    classes           what the rows and columns are called; by default the labels in order.
    threshold         for a single output: above it is class 1

    The diagonal is blue and what was confused orange, by the share of the row, with the count in
    every cell and the share of each row that is right beside it. Returns the Axes.

    ValueError if the two differ in length, for a matrix that is not square or has negative counts,
    and for another number of classes.
    """
    counts, labels = _confusion(truth, predicted, threshold)
    if classes is not None:
        labels = [str(c) for c in classes]
    if len(labels) != len(counts):
        raise ValueError(f"plot_confusion_matrix: expected {len(counts)} classes; got {len(labels)}")
    side = max(3.6, 0.46 * len(counts) + 1.4)
    (ax,) = panels("plot_confusion_matrix", ax, 1, size=(side + 0.6, side))
    totals = counts.sum(axis=1)
    with np.errstate(all="ignore"):
        shares = np.nan_to_num(counts / totals[:, None])
    colors = _confusion_colors(shares)
    ax.imshow(colors, interpolation="nearest", aspect="equal")
    _write_counts(ax, counts, colors)
    right, total = np.trace(counts), counts.sum()
    dress(ax, "", xlabel="predicted", ylabel="true", grid=False)
    share = f"{right / total:.1%} right" if total else "no samples"
    title_with_line(ax, "Confusion matrix", f"{share} of {number(total)}" if total else share)
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, labels)) > 4 else {}
    ax.set_xticks(range(len(labels)), labels, **slanted)
    ax.set_yticks(range(len(labels)), labels)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    edge = len(labels) - 0.42
    look = {"color": beside(ax, GREY), "fontsize": 8.5, "annotation_clip": False}
    ax.annotate("right", (edge, -0.6), va="bottom", **look)
    for i, (row, n) in enumerate(zip(shares, totals, strict=True)):
        text = f"{row[i]:.0%}" if n else "–"
        ax.annotate(text, (edge, i), va="center", **look)
    return ax


def _confusion(truth: Any, predicted: Any, threshold: float) -> tuple[np.ndarray, list[str]]:
    """The counts, and what the classes are called."""
    where = "plot_confusion_matrix"
    if predicted is None:
        counts = real_array(f"{where}: matrix", truth, (None, None))
        if counts.shape[0] != counts.shape[1] or not counts.size:
            raise ValueError(f"{where}: expected a square matrix of counts; got shape {counts.shape}")
        if not (counts >= 0).all():
            raise ValueError(f"{where}: expected counts of at least 0; got {number(counts[~(counts >= 0)][0])}")
        return counts, [str(i) for i in range(len(counts))]
    rows, columns = np.asarray(truth), np.asarray(predicted)
    if not (_are_labels(rows) and _are_labels(columns)):
        counts = confusion_matrix(truth, predicted, threshold=threshold)
        return counts.astype(float), [str(i) for i in range(len(counts))]
    if rows.shape != columns.shape or not rows.size:
        expected = "one prediction for each true label, and at least one"
        raise ValueError(f"{where}: expected {expected}; got {len(columns)} and {len(rows)}")
    classes, codes = np.unique(np.concatenate([rows, columns]), return_inverse=True)
    counts = confusion_matrix(codes[: len(rows)], codes[len(rows) :], len(classes))
    return counts.astype(float), [str(c) for c in classes]


def _are_labels(array: np.ndarray) -> bool:
    return array.ndim == 1 and array.dtype.kind in "iubUS"


def _confusion_colors(shares: np.ndarray) -> np.ndarray:
    """Blue on the diagonal and orange beside it; the darker the larger the share of the row."""
    to_rgb = matplotlib("colors").to_rgb
    colors = np.empty((*shares.shape, 3))
    for is_right, color in ((True, POSITIVE), (False, NEGATIVE)):
        mask = np.eye(len(shares), dtype=bool) == is_right
        # The root lets a confusion of a few percent be seen.
        strength = shares[mask][:, None] ** (1.0 if is_right else 0.5)
        colors[mask] = 1 - strength * (1 - np.array(to_rgb(color)))
    return colors


def _write_counts(ax: Any, counts: np.ndarray, colors: np.ndarray) -> None:
    size = min(10.0, 130 / len(counts))
    for (i, j), n in np.ndenumerate(counts):
        style = {"weight": "bold"} if i == j else {}
        color = readable_on(colors[i, j]) if n else LINE
        ax.text(j, i, number(n) if n else "·", ha="center", va="center", fontsize=size, color=color, **style)
    rectangle = matplotlib("patches").Rectangle
    for i in range(len(counts)):
        ax.add_patch(rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=0.8))
