"""The weights of a layer as pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.arguments import positive_integer, shaped_array
from autograd.operands import describe
from nn import Module

from ..style import current
from .base import Look, color_bar, diverging, finite, minuses, panels, styled

__all__ = ["plot_weights"]

MOST_UNITS = 64


@styled
def plot_weights(
    model: object,
    *,
    shape: tuple[int, int] | None = None,
    max_units: int = MOST_UNITS,
    columns: int = 4,
    ax: object = None,
) -> np.ndarray:
    """The weights into the first layer as images, one for each unit: the pixel patterns it picks up.

    model      an MLP or another net with `.layers`, one of its layers, or an array of shape (units, inputs). The
               weights of a convolution, (units, height, width, channels), are their windows, one for each channel
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
    units, channels = len(weights), weights.shape[-1] if weights.ndim > 2 else 1
    if weights.ndim > 2:
        height, width = weights.shape[1:-1] if weights.ndim == 4 else (1, weights.shape[1])
        weights = np.moveaxis(weights, -1, 1).reshape(units * channels, -1)
    else:
        height, width = _image_shape(where, weights.shape[1], shape)
    units_shown = min(units, positive_integer(where, "max_units", max_units))
    shown = units_shown * channels
    scale = float(np.abs(finite(weights)).max(initial=0.0)) or 1.0
    columns = min(positive_integer(where, "columns", columns), shown)

    side = max(1.25, 5.0 / columns / max(1.0, width / height))
    size = (side * max(1.0, width / height) + 0.8 / columns, side * max(1.0, height / width) + 0.22)
    found = panels(where, ax, shown, columns=columns, size=size)
    for i, (panel, row) in enumerate(zip(found, weights, strict=False)):
        image = row.reshape(height, width)
        drawn = panel.imshow(image, cmap=diverging(), vmin=-scale, vmax=scale)
        panel.set(xticks=[], yticks=[])
        panel.grid(False)
        panel.spines[:].set(visible=True, color=current().line, linewidth=0.8)
        unit = str(i + 1) if channels == 1 else f"{i // channels + 1}, channel {i % channels + 1}"
        panel.set_title(unit, loc="center", fontsize=8.5, weight="normal", color=current().grey, pad=3)
        if np.abs(row).max() < 1e-3 * scale:
            look: Look = {"ha": "center", "va": "center", "color": current().grey, "fontsize": 8}
            panel.text((width - 1) / 2, (height - 1) / 2, "all near 0", **look)
        else:
            minuses(panel, image, scale)
    bar = color_bar(drawn, found, shrink=0.9, pad=0.02, aspect=max(30, 15 * math.ceil(shown / columns)))
    bar.ax.tick_params(labelsize=8.5)
    if ax is None:
        of = f"{units_shown} of {units} units" if units_shown < units else f"{units} units"
        which = "Weights" if hasattr(model, "weight") else "First-layer weights"
        title = f"{which} ({of}, {height}×{width}, shared scale)"
        found[0].figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=11.5)
    return np.array(found, dtype=object)


def _first_weights(where: str, model: Any) -> np.ndarray:
    layers = [model] if hasattr(model, "weight") else getattr(model, "layers", None)
    if not isinstance(layers, list | tuple):
        if isinstance(model, Module | str) or callable(model):
            expected = "a model with layers, or an array (units, inputs)"
            raise TypeError(f"{where}: expected {expected}; got {describe(model)}")
        if np.ndim(model) in (3, 4):
            return np.asarray(model, dtype=float)
        weights = shaped_array(f"{where}: weights", model, (None, None))
        if not weights.size:
            raise ValueError(f"{where}: expected at least one unit and one input, got shape {weights.shape}")
        return weights
    for layer in layers:
        if hasattr(layer, "get_weights") and hasattr(layer, "neurons"):
            return np.asarray(layer.get_weights()[0])
        weight = getattr(layer, "weight", None)
        weight = np.asarray(weight.numpy() if isinstance(weight, Tensor) else getattr(weight, "data", None))
        if weight.ndim in (3, 4):  # the windows of a convolution
            return np.asarray(weight, dtype=float)
        if weight.ndim == 2:
            return shaped_array(where, weight, (None, None))
        if weight.ndim > 2:
            expected = "weights of shape (units, inputs), or of a convolution of one or two axes"
            raise ValueError(f"{where}: expected {expected}; got {weight.shape}. Give an array of rows instead")
    raise ValueError(f"{where}: {model!r} has no layer with weights of shape (units, inputs); build it first")


def _image_shape(where: str, inputs: int, shape: tuple[int, int] | None) -> tuple[int, int]:
    if shape is None:
        height = next(n for n in range(math.isqrt(inputs), 0, -1) if inputs % n == 0)
        if height * height == inputs:
            return height, height
        example = f"shape=({height}, {inputs // height})"
        raise ValueError(f"{where}: {inputs} inputs are no square image; say which, as in {example}")
    if not isinstance(shape, Sequence) or len(shape) != 2:
        raise TypeError(f"{where}: expected shape to be (height, width), got {shape!r}")
    height, width = (positive_integer(where, "shape", n) for n in shape)
    if height * width != inputs:
        raise ValueError(f"{where}: expected a shape for {inputs} inputs; got {height}×{width} = {height * width}")
    return height, width
