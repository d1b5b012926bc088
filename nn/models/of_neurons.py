"""Layers of neurons as layers of a Sequential."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import DTypeLike

from autograd.arguments import Rng

from ..activations import activation_name, is_over_layer
from ..layers.basic import Dense
from .sequential import Sequential

__all__ = ["sequential_of"]


def sequential_of(layers: Iterable[Any], *, dtype: DTypeLike = "float64", rng: Rng = None) -> Sequential:
    """A Sequential with one Dense for each Layer; see `nn.to_sequential`."""
    model = Sequential(dtype=dtype, rng=rng)
    for layer in layers:
        dense = Dense(layer.nout, _activation_of(layer), kernel_initializer="zeros", input_shape=(layer.nin,))
        model.add(dense)
        weights, biases = layer.get_weights()
        dense.set_weights([weights.T, biases])
    return model


def _activation_of(layer: Any) -> Any:
    """The activation of all units. ValueError if a unit was given another one."""
    if is_over_layer(layer.activation):
        return layer.activation
    own = {id(neuron.activation) for neuron in layer.neurons}
    if own != {id(layer.activation)}:
        found = sorted({activation_name(neuron.activation) for neuron in layer.neurons})
        raise ValueError(f"to_sequential: expected one activation for all units of {layer}, got {', '.join(found)}")
    return layer.activation
