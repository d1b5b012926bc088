"""What is wrong inside the net: units that are equal, dead or saturated, gradients that vanish or explode."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..layers.basic import WeightedLayer
from ..training.trials import are_alike, equal_rows, renew
from .findings import Finding, Found
from .look import Look, helps
from .scales import slopes_on_grid

__all__ = ["dead", "equal_units", "gradient_sizes", "saturated"]


def equal_units(look: Look) -> Found:
    """Units of a layer that have the same weights."""
    new = copy.deepcopy(look.model) if look.is_trained else None
    if new is not None:
        renew(new)
    for i, layer in enumerate(look.model.layers):
        if not isinstance(layer, WeightedLayer) or layer.units < 2 or i == len(look.model.layers) - 1:
            continue  # of outputs each has its own target, so that equal ones part
        rows = _with_bias(layer)
        count, said = equal_rows(rows), "have the weights of another one"
        if 2 * count < layer.units and new is not None and are_alike(rows):
            count, said = equal_rows(_with_bias(new.layers[i])), "begin with the weights of another one"
        if 2 * count >= layer.units:
            yield Finding(
                "equal units",
                "fault",
                layer.weight.label or str(layer),
                f"{count} of {layer.units} units {said}: such units get the same gradient and stay equal.",
                "Draw the weights at random, as kernel_initializer='glorot_uniform' does; biases may be 0.",
            )
            return


def _with_bias(layer: Any) -> np.ndarray:
    rows = layer.weight.numpy().reshape(layer.units, -1)
    return rows if layer.bias is None else np.column_stack([rows, layer.bias.numpy()])


def dead(look: Look) -> Found:
    """Units whose slope is 0 for all samples."""
    for name, op, slopes in look.slopes:
        if slopes_on_grid(op).min() > 0:  # a sigmoid that is far out is called saturated
            continue
        dead = int((slopes == 0).all(axis=0).sum())
        if 2 * dead >= slopes.shape[1]:
            again = ""
            if look.is_trained and not look.learns:
                again = helps(look, look.origin, "drawn anew") if look.has_learned(look.origin) else ""
            yield Finding(
                "dead units",
                "hint",
                name,
                f"{dead} of {slopes.shape[1]} units have slope 0 for all {len(slopes)} rows: no gradient comes "
                f"through, and their weights stay.{again.replace('these', 'all weights')}",
                "Draw new weights (kernel_initializer='he_uniform', biases 0), with a smaller learning rate; or use "
                "leaky_relu.",
            )
            return


def saturated(look: Look) -> Found:
    """Activations far out, where they have hardly any slope."""
    for name, op, slopes in look.slopes:
        grid = slopes_on_grid(op)
        if grid.min() == 0:
            continue
        share = float((np.abs(slopes) < 0.05 * grid.max()).mean())
        if share >= 0.6:
            yield Finding(
                "saturated units",
                "hint",
                name,
                f"{share:.0%} of the slopes of {op.shown} are below 5 % of the largest one: hardly any gradient comes "
                "through.",
                "Make the weighted sums smaller: scale the inputs, draw smaller weights "
                "(kernel_initializer='glorot_uniform').",
            )
            return


def gradient_sizes(look: Look) -> Found:
    """Gradients that vanish or explode on their way to the first layer."""
    sizes = look.gradient_sizes
    if len(sizes) < 2 or not all(np.isfinite(size) for _, size in sizes):
        return
    (first, size), largest = sizes[0], max(sizes[1:], key=lambda s: s[1])
    if largest[1] == 0:
        return
    ratio = size / largest[1]
    said = f"The gradient of {first} has the size {size:.2g}, that of {largest[0]} {largest[1]:.2g}."
    if ratio < 1e-3:
        yield Finding(
            "vanishing gradient",
            "hint",
            first,
            said,
            "Use relu with kernel_initializer='he_normal', fewer layers, or BatchNormalization between them.",
        )
    elif ratio > 1e3:
        yield Finding(
            "exploding gradient",
            "hint",
            first,
            said,
            "Draw smaller weights (kernel_initializer='glorot_uniform'), or clip: an optimizer with clipnorm=1.0.",
        )
