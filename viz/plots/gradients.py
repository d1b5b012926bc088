"""The sizes of gradients, layer by layer, over a training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.arguments import lookup, shaped_array
from autograd.operands import describe
from autograd.value import NO_GRADIENT
from nn.callbacks.base import Callback

from ..style import LINE, NEGATIVE, POSITIVE, number
from .base import MARKERS, End, count_axis, dress, log_axis, matplotlib, name_lines, panels, styled, title_with_line

__all__ = ["GradientNorms", "plot_gradients"]


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
    norms = {str(name): shaped_array(f"plot_gradients: {name}", v, (None,)) for name, v in given.items()}
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


_EACH = dict.fromkeys(("step", "epoch"))
