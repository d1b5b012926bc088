"""A trial: a copy of a model that is trained for a few steps, to see what becomes of it; the model stays as it is."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from autograd import Tensor, modes, no_grad, sigmoid, softmax
from autograd.ieee import quietly

from ..data import Batches
from ..initializers import find_initializer
from ..layers.basic import WeightedLayer
from ..optimizers import Optimizer
from .loop import outputs_of, training_mode
from .objective import Objective
from .samples import TrainingData

__all__ = ["Trial", "are_alike", "begun", "constant_guess", "equal_rows", "renew"]


class Trial:
    """A copy of a compiled Sequential, with its optimizer's state, to be trained on some samples.

    factor: what the learning rate is multiplied by. is_new: with weights drawn anew and an optimizer that begins.
    with_penalties: False leaves out what regularizers add. order: the seed of the order of samples.

    penalized       the layers whose regularizers add to the loss
    before, after   the loss of all samples, as in training but without penalties, before the first step and now;
                    nan or infinite as soon as a step's is
    """

    def __init__(
        self,
        model: Any,
        samples: TrainingData,
        batch_size: int,
        *,
        factor: float = 1.0,
        is_new: bool = False,
        with_penalties: bool = True,
        order: int = 0,
    ) -> None:
        self.model = model = copy.deepcopy(model)
        self.samples = samples
        if is_new:
            renew(model)
        optimizer = model.optimizer
        if factor != 1.0:
            rate = optimizer.schedule
            if rate is None:
                optimizer.learning_rate = optimizer.learning_rate * factor
            else:
                optimizer.learning_rate = lambda step: rate(step) * factor
        optimizer.bind(model.parameters())
        self.objective = Objective(model)
        self.penalized = self.objective.penalized if with_penalties else []
        size = min(batch_size, len(samples.x))
        self._batches = Batches(samples.arrays, size, np.random.default_rng(order))
        self.before = self.after = self.loss()

    def loss(self) -> float:
        """That of all samples now, without penalties."""
        return self.recorded()[1].item()

    def recorded(self) -> tuple[Tensor, Tensor]:
        """What the loss takes of the net, and the loss without penalties, with their graph."""
        self.objective.penalized = []
        with self.objective.training, modes.recording():
            return quietly(self.objective.forward, self.samples.x, self.samples.y, 1.0 / len(self.samples.x))

    def train(self, steps: int) -> Trial:
        """Go on for so many steps; a loss that is not finite ends it."""
        if not np.isfinite(self.after):
            return self
        self.objective.penalized = self.penalized
        done = 0
        with self.objective.training, modes.recording():
            while done < steps:
                for x, y, *_ in self._batches:
                    value, _ = quietly(self.objective.step, x, y, 1.0 / len(x))
                    done += 1
                    if not np.isfinite(value):
                        self.after = value
                        return self
                    if done == steps:
                        break
        self.after = self.loss()
        return self

    def outputs(self) -> np.ndarray:
        """What the net predicts, a row for each sample and place of it."""
        found = outputs_of(self.model, self.samples.xs, None)
        return found.reshape((-1, found.shape[-1]))


def renew(model: Any) -> None:
    """Draw the weights of all layers anew and let the optimizer begin; the shapes stay.

    Where an initializer makes all units equal and they were not, as in a net that was given its weights, the
    usual one draws.
    """
    shape = model.input_shape
    layer: Any
    for layer in model.layers:
        if layer.parameters():
            before = layer.weight.numpy() if isinstance(layer, WeightedLayer) else None
            layer.built_for = None
            layer.build(shape, dtype=model.dtype, rng=model.rng)
            if before is not None and len(before) > 1 and are_equal(layer.weight.numpy()) and not are_alike(before):
                weights = find_initializer("glorot_uniform")(before.shape, rng=model.rng)
                layer.weight.data = weights.astype(before.dtype)
        shape = layer.compute_output_shape(shape)
    vars(model).update(optimizer=begun(model.optimizer), _objective=None)


def equal_rows(weights: np.ndarray, tolerance: float = 1e-6) -> int:
    """How many rows are the same as another one, to a part of the largest number in the row, or of a usual weight."""
    rows = weights.reshape(len(weights), -1).astype(np.float64)
    near = tolerance * np.maximum(np.abs(rows).max(axis=1), 0.1 / np.sqrt(rows.shape[1]))
    apart = np.abs(rows[:, None] - rows).max(axis=2)
    return int(((apart <= near[:, None]).sum(axis=1) > 1).sum())


def are_equal(weights: np.ndarray) -> bool:
    """True if half of the rows, or more, are the same as another one."""
    return 2 * equal_rows(weights) >= len(weights)


def are_alike(weights: np.ndarray) -> bool:
    """The same to five parts in a hundred: adaptive optimizers make much of roundings, and part what was equal."""
    return 2 * equal_rows(weights, 0.05) >= len(weights)


def begun(optimizer: Optimizer) -> Optimizer:
    """An optimizer with the same options that has no parameters yet."""
    new = copy.copy(optimizer)
    vars(new).update(parameters=(), _blocks=(), _groups=(), iterations=0)
    return new


def constant_guess(trial: Trial) -> float:
    """The least loss of outputs that are the same for all samples: means, shares of the classes, or medians.

    nan where all targets are equal, and where they have another form than outputs, as a loss of one's own may take.
    """
    objective, y = trial.objective, trial.samples.y
    outputs = outputs_of(trial.model, trial.samples.rows(0, 1).xs, None)
    if y.shape[1:] != outputs.shape[1:] or y.dtype.kind != "f" or (y == y[:1]).all():
        return float("nan")
    rows = y.reshape((-1, y.shape[-1])).astype(np.float64)
    guesses = [rows.mean(axis=0), np.median(rows, axis=0)]
    activation = objective.loss.activation
    if activation is not None:
        p = np.clip(guesses[0], 1e-6, 1 - 1e-6)
        logits = {sigmoid: np.log(p / (1 - p)), softmax: np.log(p)}.get(activation)
        guesses = [p] if not objective.from_logits or logits is None else [logits]
    losses = []
    with no_grad(), training_mode(trial.model, True):
        for guess in guesses:
            given = np.broadcast_to(guess.astype(y.dtype), y.shape)
            losses.append(quietly(objective.loss.of_outputs, Tensor(given), y, 1.0 / len(y), objective.from_logits))
    return min(loss.item() for loss in losses)
