"""The sizes of gradients, layer by layer, over a training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from autograd.arguments import shaped_array

from ..style import current, number
from .base import (
    MARKERS,
    Axes,
    End,
    Look,
    count_axis,
    finite,
    log_axis,
    matplotlib,
    name_lines,
    panels,
    styled,
    title_with_line,
)
from .gradient_norms import GradientNorms

__all__ = ["plot_gradients"]


@styled
def plot_gradients(gradients: object, *, ax: Axes | None = None) -> Axes:
    """The norm of each layer's gradient over the training, on a log axis: gradients that vanish or explode.

    gradients: a GradientNorms; or a mapping from the names of layers, the first layer first, to one
    number for each step; or a sequence of such mappings, one for each step, from names to single
    numbers; or a model after its backward pass.

    One step alone is drawn as a profile over the layers. The line below the title compares the first
    layer with the last, by the median over the steps. Zeros have no place on a log axis: they are
    left out, and a layer that has only zeros is listed as such. Returns the Axes.
    """
    norms = _norms(gradients)
    positive = {name: np.where(np.isfinite(v) & (v > 0), v, np.nan) for name, v in norms.items()}
    sizes = np.array(list(positive.values()))  # (layers, steps)
    layers, steps = sizes.shape
    shades = (
        "gradpath_depth",
        (current().negative, "#9b4a8a", "#5a55b0", current().positive),
    )  # first layer to last, all can be read
    ramp = matplotlib("colors").LinearSegmentedColormap.from_list(*shades)
    colors = [ramp(share) for share in np.linspace(0, 1, layers)]

    (ax,) = panels("plot_gradients", ax, 1, size=(5.6, 3.7))
    if steps == 1:
        x = range(1, layers + 1)
        ax.plot(x, sizes[:, 0], color=current().line, zorder=1)
        ax.scatter(x, sizes[:, 0], color=colors, s=60, zorder=3)
        ax.set_xticks(x, list(norms))
    else:
        every = max(1, steps // 8)
        for y, color, i in zip(sizes, colors, range(layers), strict=True):
            marker: Look = {"marker": MARKERS[i % len(MARKERS)], "markevery": every, "markersize": 5}
            ax.plot(range(1, steps + 1), y, color=color, linewidth=1.6, **marker)
        count_axis(ax, 1, steps)
        ax.set_xlabel(getattr(gradients, "each", "step"))
    ax.set_ylabel("norm of the gradient")
    if not np.isnan(sizes).all():
        log_axis(ax, np.nanmin(sizes), np.nanmax(sizes))
    title_with_line(ax, "Gradients by layer (log scale)", _comparison(norms))
    if steps > 1:
        last = {name: v[~np.isnan(v)][-1:] for name, v in positive.items()}
        name_lines(ax, [End(steps, y[0], name, c) for (name, y), c in zip(last.items(), colors, strict=True) if y.size])
    return ax


def _comparison(norms: dict[str, np.ndarray]) -> str:
    """What a reader should see: how the first layer fares against the last."""
    dead = [name for name, v in norms.items() if not (v > 0).any()]
    if dead:
        return f"no gradient at all in {', '.join(dead)}"
    first, last = next(iter(norms)), list(norms)[-1]
    with np.errstate(all="ignore"):
        ratios = finite(norms[last] / norms[first])
    ratio = float(np.median(ratios)) if ratios.size else 0.0
    if first == last or not ratio:
        return ""
    if 0.5 < ratio < 2:
        return f"about equal in {first} and {last}"
    if ratio > 1:
        return f"{first} gets 1/{number(float(f'{ratio:.2g}'))} of the gradient of {last}"
    return f"{first} gets {number(float(f'{1 / ratio:.2g}'))} times the gradient of {last}"


def _norms(gradients: object) -> dict[str, np.ndarray]:
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
