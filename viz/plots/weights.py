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
from .base import Look, color_bar, diverging, finite, panels, styled

__all__ = ["plot_weights"]

MOST_UNITS = 64


@styled
def plot_weights(
    model: Any, *, shape: tuple[int, int] | None = None, max_units: int = MOST_UNITS, columns: int = 4, ax: Any = None
) -> np.ndarray:
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
    scale = float(np.abs(finite(weights)).max(initial=0.0)) or 1.0
    columns = min(positive_integer(where, "columns", columns), shown)

    side = max(1.25, 5.0 / columns / max(1.0, width / height))
    size = (side * max(1.0, width / height) + 0.8 / columns, side * max(1.0, height / width) + 0.22)
    found = panels(where, ax, shown, columns=columns, size=size)
    for unit, (panel, row) in enumerate(zip(found, weights, strict=False), 1):
        image = row.reshape(height, width)
        drawn = panel.imshow(image, cmap=diverging(), vmin=-scale, vmax=scale)
        panel.set(xticks=[], yticks=[])
        panel.grid(False)
        panel.spines[:].set(visible=True, color=current().line, linewidth=0.8)
        panel.set_title(str(unit), loc="center", fontsize=8.5, weight="normal", color=current().grey, pad=3)
        if np.abs(row).max() < 1e-3 * scale:
            look: Look = {"ha": "center", "va": "center", "color": current().grey, "fontsize": 8}
            panel.text((width - 1) / 2, (height - 1) / 2, "all near 0", **look)
        elif max(height, width) <= 16:  # a minus on what is negative: sign is not told by colour alone
            y, x = np.nonzero(image < -0.08 * scale)
            colors = np.where(image[y, x] < -0.4 * scale, "white", current().negative)
            panel.hlines(y, x - 0.22, x + 0.22, colors=list(colors), linewidth=0.7)
    bar = color_bar(drawn, found, shrink=0.9, pad=0.02, aspect=max(30, 15 * math.ceil(shown / columns)))
    bar.ax.tick_params(labelsize=8.5)
    if ax is None:
        of = f"{shown} of {units} units" if shown < units else f"{units} units"
        title = f"First-layer weights ({of}, {height}×{width}, shared scale)"
        found[0].figure.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=11.5)
    return np.array(found, dtype=object)


def _first_weights(where: str, model: Any) -> np.ndarray:
    layers = getattr(model, "layers", None)
    if not isinstance(layers, list | tuple):
        if isinstance(model, Module | str) or callable(model):
            expected = "a model with layers, or an array (units, inputs)"
            raise TypeError(f"{where}: expected {expected}; got {describe(model)}")
        weights = shaped_array(f"{where}: weights", model, (None, None))
        if not weights.size:
            raise ValueError(f"{where}: expected at least one unit and one input, got shape {weights.shape}")
        return weights
    for layer in layers:
        if hasattr(layer, "get_weights") and hasattr(layer, "neurons"):
            return np.asarray(layer.get_weights()[0])
        weight = getattr(layer, "weight", None)
        weight = np.asarray(weight.numpy() if isinstance(weight, Tensor) else getattr(weight, "data", None))
        if weight.ndim == 2:
            return shaped_array(where, weight, (None, None))
        if weight.ndim > 2:
            expected = "weights of shape (units, inputs) in the first layer"
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
