"""A trial: a copy of a model that is trained for a few steps, to see what becomes of it; the model stays as it is."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import Tensor, modes, no_grad, sigmoid, softmax
from autograd.graph import topological_order
from autograd.ieee import quietly

from ..data import Batches
from ..initializers import find_initializer
from ..layers.base import BatchLayer, without_frozen
from ..layers.basic import WeightedLayer
from ..optimizers import Optimizer
from .loop import outputs_of, training_mode
from .objective import Objective
from .samples import TrainingData

__all__ = ["Trial", "are_alike", "begun", "constant_guess", "equal_rows", "renew", "seconds_of"]

EVERY = 30  # steps after which a trial looks whether it has seen enough


class Trial:
    """A copy of a compiled model, with its optimizer's state, to be trained on some samples.

    factor: what the learning rate is multiplied by. is_new: with weights drawn anew and an optimizer that begins.
    with_penalties: False leaves out what regularizers add. order: the seed of the order of samples.

    penalized       the layers whose regularizers add to the loss
    before, after   the loss of all samples, as in training but without penalties, before the first step and now;
                    nan or infinite as soon as a step's is
    taken           how many steps it was trained
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
        trained = [p for p in without_frozen(model, model.frozen) if isinstance(p, Tensor)]
        optimizer.bind(trained)
        self.objective = Objective(model, trained, model.frozen)
        self.penalized = self.objective.penalized if with_penalties else []
        size = min(batch_size, samples.samples)
        self._batches = Batches(samples.arrays, size, np.random.default_rng(order))
        self.before = self.after = self.loss()
        self.taken = 0

    def loss(self) -> float:
        """That of all samples now, without penalties."""
        return self.recorded()[1].item()

    def recorded(self, samples: TrainingData | None = None) -> tuple[Tensor, Tensor]:
        """What the loss takes of the net, and the loss without penalties, with their graph."""
        samples = samples or self.samples
        self.objective.penalized = []
        with self.objective.training, modes.recording():
            return quietly(self.objective.forward, *samples.xs, samples.y, 1.0 / samples.samples)

    def train(self, steps: int, enough: Callable[[Trial], bool] | None = None) -> Trial:
        """Go on for so many steps; a loss that is not finite ends it, and `enough`, which is asked now and then."""
        end = self.taken + steps
        while self.taken < end and np.isfinite(self.after):
            self._train(end if enough is None else min(end, self.taken + EVERY))
            if enough is not None and enough(self):
                break
        return self

    def _train(self, end: int) -> None:
        self.objective.penalized = self.penalized
        with self.objective.training, modes.recording():
            while self.taken < end:
                for batch in self._batches:
                    part = self.samples.parts(batch)
                    value, _ = quietly(self.objective.step, *part.xs, part.y, 1.0 / part.samples)
                    self.taken += 1
                    if not np.isfinite(value):
                        self.after = value
                        return
                    if self.taken == end:
                        break
        self.after = self.loss()

    def outputs(self) -> np.ndarray:
        """What the net predicts, a row for each sample and place of it."""
        found = outputs_of(self.model, self.samples.xs, None)
        return found.reshape((-1, found.shape[-1]))


def renew(model: Any) -> None:
    """Draw the weights of all layers that are trained anew and let the optimizer begin; the shapes stay.

    Where an initializer makes all units equal and they were not, as in a net that was given its weights, the
    usual one draws.
    """
    _draw_anew(model, set(map(id, model.frozen)), model)
    vars(model).update(optimizer=begun(model.optimizer), _objective=None)


def _draw_anew(net: Any, kept: set[int], model: Any) -> None:
    """Those of the layers of a net, the model or one inside it, that are not to be kept."""
    places = list(net.input_shapes)
    for call in net.wiring.calls:
        shapes, layer = [places[source] for source in call.inputs], call.layer
        places.append(layer.compute_output_shape(net.wiring.shape_for(call, places)))
        if id(layer) in kept or not layer.parameters():
            continue
        kept.add(id(layer))  # a layer may be used twice
        if hasattr(layer, "wiring"):
            _draw_anew(layer, kept, model)
        else:
            _draw_layer(layer, shapes, model)


def _draw_layer(layer: Any, shapes: list[Any], model: Any) -> None:
    before = layer.weight.numpy() if isinstance(layer, WeightedLayer) else None
    for inside in layer.modules():
        if isinstance(inside, BatchLayer):
            inside.built_for = None
    layer.build(*shapes, dtype=model.dtype, rng=model.rng)
    if before is not None and len(before) > 1 and are_equal(layer.weight.numpy()) and not are_alike(before):
        weights = find_initializer("glorot_uniform")(before.shape, rng=model.rng)
        layer.weight.data = weights.astype(before.dtype)


def seconds_of(loss: Tensor, samples: int, of: int) -> float:
    """About how long a step on so many samples takes one core, by the graph of the loss of `of` samples.

    It counts and measures nothing, so that it is the same each time: calls, numbers that are gone over, and products,
    of which a matrix product of shapes (m, k) and (k, n) has m k n, the root of the product of its three sizes.
    """
    nodes = topological_order(loss)
    numbers = sum(v.size for v in nodes if v.op is not None)
    products = 0.0
    for v in nodes:
        sizes = sorted(u.size for u in v.operands if isinstance(u, Tensor))[-2:] if v.op is not None else []
        if len(sizes) == 2 and v.size != sizes[1]:  # what goes number by number is as large as the larger operand
            products += math.sqrt(float(v.size) * sizes[0] * sizes[1])
    weights = sum(v.size for v in nodes if v.op is None)
    return 7e-6 * len(nodes) + 4e-9 * (weights + numbers * samples / of) + 3e-10 * products * samples / of


def equal_rows(weights: np.ndarray, tolerance: float = 1e-6) -> int:
    """How many rows are the same as another one, to a part of the largest number in the row, or of a usual weight."""
    rows = weights.reshape(len(weights), -1).astype(np.float64)
    near = tolerance * np.maximum(np.abs(rows).max(axis=1), 0.1 / np.sqrt(rows.shape[1]))
    some = rows[:, :: 1 + rows.shape[1] // 8]  # only rows that agree in these are compared as a whole
    alike = (np.abs(some[:, None] - some) <= near[:, None, None]).all(axis=2)
    np.fill_diagonal(alike, False)
    return sum(
        any(np.abs(rows[part] - rows[i]).max(axis=1).min() <= near[i] for part in _parts(np.flatnonzero(alike[i])))
        for i in np.flatnonzero(alike.any(axis=1))
    )


def _parts(places: np.ndarray, size: int = 64) -> list[np.ndarray]:
    return [places[i : i + size] for i in range(0, len(places), size)]


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
