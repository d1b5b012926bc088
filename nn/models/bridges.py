"""The same net in the other form: an MLP of Values as a Sequential of Tensors, and back.

Weights, outputs and gradients are equal; labels too, each form in its own: w[1]_2,3 is the number
W[1][1, 2]. The two share no memory: what is trained is one of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from autograd import linear
from autograd.arguments import Rng
from autograd.operands import describe

from ..activations import Function
from ..layers.base import is_told_in_steps
from ..layers.basic import Activation, Dense, Dropout
from ..neurons import MLP, Layer
from .of_neurons import sequential_of
from .sequential import Sequential, find_sequential

__all__ = ["to_mlp", "to_sequential"]


def to_sequential(mlp: MLP | Layer, *, dtype: DTypeLike = "float64", rng: Rng = None) -> Sequential:
    """A net of Values as a Sequential with one Dense for each layer.

    mlp: an MLP, or one Layer. dtype: float64 keeps every number as it is. rng: the generator of the
    new model, for shuffling. Activations of one's own must work on Tensors too; those that are
    Modules are shared by both nets.
    """
    if not isinstance(mlp, MLP | Layer):
        raise TypeError(f"to_sequential: expected an MLP or a Layer, got {describe(mlp)}")
    return sequential_of(mlp.layers if isinstance(mlp, MLP) else [mlp], dtype=dtype, rng=rng)


def to_mlp(model: Sequential, *, elementary: bool = False) -> MLP:
    """A Sequential of Dense layers as a net of Values, one Layer for each Dense.

    An Activation after a Dense without one becomes its activation, Dropout falls away, and a Dense
    without bias gets biases of 0. elementary: as for Neuron.
    ValueError for other layers.
    """
    find_sequential("to_mlp", model)
    if not model.goes_straight:
        raise ValueError(f"to_mlp: expected layers in a row; {type(model).__name__} has a forward of its own")
    if len(model.input_shape or ()) > 1:
        raise ValueError(f"to_mlp: expected samples with one axis, got {model.input_shape}")
    denses: list[Dense] = []
    activations: list[str | Function] = []
    for layer in model.layers:
        is_known = is_told_in_steps(layer) and type(layer).steps in (Dense.steps, Activation.steps, Dropout.steps)
        if is_known and isinstance(layer, Dense):
            denses.append(layer)
            activations.append(layer.activation)
        elif is_known and isinstance(layer, Activation) and denses and activations[-1] is linear:
            activations[-1] = layer.activation
        elif not (is_known and isinstance(layer, Dropout)):
            raise ValueError(
                f"to_mlp: a net of Values has one activation after each Dense and nothing else; got {layer}"
            )
    if not denses:
        raise ValueError("to_mlp: expected at least one Dense layer, got none")
    weights = [np.asarray(dense.weight.numpy(), np.float64) for dense in denses]
    biases = [
        np.zeros(dense.units) if dense.bias is None else np.asarray(dense.bias.numpy(), np.float64) for dense in denses
    ]
    *hidden, output = activations
    return MLP.from_weights(weights, biases, hidden, output, elementary=elementary)
