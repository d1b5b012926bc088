"""The gradient of each sample's own loss, of which the gradient of the batch is the mean.

It shows which samples pull a weight which way, how much they disagree, and which one is an outlier.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd import Tensor, gradients
from autograd.graph import topological_order
from autograd.op import operation_of
from autograd.operands import Operand
from autograd.ops.matrices import affine, matmul

from ..activations import RandomizedLeakyReLU, is_of_one_number, is_over_layer, leaky_relu
from ..layers.base import BatchLayer, is_told_in_steps
from ..layers.basic import Activation, Dense, Dropout, Flatten
from ..losses import LossFunction, find_loss
from ..training.loop import training_mode
from ..training.objective import Objective
from ..training.samples import TrainingData, checked_samples
from .model import find_model
from .sequential import Sequential

__all__ = ["per_sample_gradients"]


def per_sample_gradients(model: Any, x: ArrayLike, y: ArrayLike, *, loss: Any = None) -> list[np.ndarray]:
    """The gradients of the loss of each sample, for each of `model.parameters()` in turn.

    model: a Sequential or another Model that is built; as after `eval()`, no dropout. x: (m, ...), rows are samples;
    y: as `fit` takes it. loss: a name or an object of `nn.losses`; None for the one it is compiled with.
    Returns a list of arrays of shape (m, *parameter.shape); the mean over the first axis is the
    gradient of the loss of the batch, with what regularizers add.

    For layers of this library one reverse pass gives all of them: of Z = X Wᵀ + b, sample i has
    dW = dzᵢ xᵢᵀ and db = dzᵢ. Layers and functions of one's own are taken sample by sample.
    They need m times the memory of the parameters: give large sets in pieces.

    TypeError if it is no Model, RuntimeError if it is not built, or not compiled and there
    is no `loss`; ValueError for data that do not fit, as in `fit`.
    """
    where = "per_sample_gradients"
    model = find_model(where, model)
    if loss is None:
        model._check_compiled(where)
    else:
        model = copy.copy(model)
        vars(model)["loss"] = find_loss(loss)
    model.loss.check_output(model)
    samples = checked_samples(where, model, x, y).fixed()
    objective = Objective(model)
    with training_mode(model, False):
        apart = isinstance(model, Sequential) and model.goes_straight and all(map(_keeps_samples_apart, model.layers))
        if apart and not isinstance(model.loss, LossFunction):
            return _at_once(objective, samples)
        return _one_by_one(objective, samples)


def _keeps_samples_apart(layer: BatchLayer) -> bool:
    """True for a layer of which it is known that no sample looks at another."""
    if not is_told_in_steps(layer):
        return False
    if type(layer) is Dense and len(layer.built_for or ()) != 1:
        return False  # a weight has a share from every step of a sample
    if type(layer) in (Dense, Activation):
        g = layer.activation
        return (
            isinstance(g, RandomizedLeakyReLU)
            or is_over_layer(g)
            or g is leaky_relu
            or is_of_one_number(operation_of(g))
        )
    return type(layer) in (Flatten, Dropout)


def _one_by_one(objective: Objective, samples: TrainingData) -> list[np.ndarray]:
    found: list[list[np.ndarray]] = []
    for i in range(samples.samples):
        one = samples.rows(i, i + 1)
        _, loss = objective.forward(*one.xs, one.y, 1.0)
        found.append(gradients(loss, objective.parameters))
    return [np.stack(arrays) for arrays in zip(*found, strict=True)]


def _at_once(objective: Objective, samples: TrainingData) -> list[np.ndarray]:
    """By outer products: what arrives at each layer's weighted sums, times what went in."""
    parameters, penalized = objective.parameters, objective.penalized
    objective.penalized = []
    # the sum over samples, so that what arrives in row i belongs to the loss of sample i
    _, loss = objective.forward(*samples.xs, samples.y, 1.0)
    sums = [v for v in topological_order(loss) if v.label is not None and _weight_of(v) is not None]
    arriving = gradients(loss, sums)
    found: dict[Operand, np.ndarray] = {}
    for v, g in zip(sums, arriving, strict=True):
        inputs = v.operands[0]
        numbers = inputs.numpy() if isinstance(inputs, Tensor) else inputs
        found[_weight_of(v)] = g[:, :, None] * numbers[:, None, :]
        if v.op is affine.op:
            found[v.operands[2]] = g
    penalties = [penalty for layer in penalized for penalty in layer.penalties()]
    for p in parameters:
        for penalty in penalties:
            found[p] = found[p] + gradients(penalty, p)
    return [found[p] for p in parameters]


def _weight_of(v: Tensor) -> Operand:
    """The W of weighted sums X Wᵀ, with or without a bias; None for other nodes."""
    if v.op not in (affine.op, matmul.op):
        return None
    weight = v.operands[1]
    return weight if v.op is affine.op else weight.operands[0]
