"""How a Sequential is trained and measured: the step, the epoch, and the loop around them.

Data are checked once, before the loop. In it there is no more for each batch than its slice, the
forward pass, one node for the loss, the reverse pass and the optimizer's step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd import Tensor, modes, no_grad
from autograd.ieee import quietly

from ..callbacks.base import Callback
from ..callbacks.standard import History
from ..data import Batches
from ..losses import Weight
from .measures import SAMPLES, Measures
from .objective import Objective
from .plan import Plan
from .samples import TrainingData

__all__ = ["evaluate", "fit", "outputs_of", "train_on_batch"]


# ---------------------------------------------------------------- one batch


def train_on_batch(model: Any, samples: TrainingData) -> dict[str, float]:
    """One training step; the loss before it and the metrics, by name."""
    objective = model.objective
    step = objective.step
    if not model.training or modes.active:
        with training_mode(model, True), modes.recording():
            value, outputs = quietly(step, samples.x, samples.y, samples.shares)
    else:
        value, outputs = quietly(step, samples.x, samples.y, samples.shares)
    if value - value != 0.0:
        raise ArithmeticError(f"train_on_batch: {_not_finite(value)}")
    if not model.metrics:
        return {"loss": value}
    measures = Measures(model.metrics, objective.finish)
    measures.add(value, samples.shown, outputs)
    return measures.logs()


def _not_finite(value: float) -> str:
    return (
        f"the loss is {value}; no weight was changed by this batch. Lower the learning rate, clip gradients "
        "(clipnorm=1.0), scale x, or look for log and division in a loss of your own"
    )


# ---------------------------------------------------------------- without training


@contextmanager
def training_mode(model: Any, mode: bool) -> Iterator[None]:
    """Modules behave as in training or as in prediction; afterwards as before."""
    before = [(module, module.training) for module in model.modules()]
    for module, _ in before:
        module.training = mode
    try:
        yield
    finally:
        for module, was in before:
            module.training = was


def evaluate(model: Any, samples: TrainingData, batch_size: int | None) -> dict[str, float]:
    """Loss and metrics over all samples, by the names of a History."""
    objective = model.objective
    measures = Measures(model.metrics, objective.finish)
    with training_mode(model, False), no_grad():
        for batch in Batches(samples.arrays, batch_size or SAMPLES, None):
            part = samples.parts(batch)
            outputs, loss = quietly(objective.forward, part.x, part.y, part.shares)
            measures.add(loss.item(), part.shown, outputs.numpy())
    return measures.logs()


def outputs_of(model: Any, x: np.ndarray, batch_size: int | None) -> np.ndarray:
    """What the model gives for all samples; for none an array of the right shape with no rows."""
    size = batch_size or SAMPLES
    with training_mode(model, False), no_grad():
        parts = [quietly(model.forward, x[i : i + size]) for i in range(0, len(x), size)]
    if not parts:
        return np.empty((0, *model.output_shape), model.dtype)
    return np.concatenate([part.numpy() if isinstance(part, Tensor) else part for part in parts])


# ---------------------------------------------------------------- the loop


class Listeners:
    """The callbacks of a training, and which of them listen to what."""

    def __init__(self, callbacks: Iterable[Any], model: Any, params: dict[str, Any]) -> None:
        found = list(callbacks)
        for callback in found:
            callback.model, callback.params = model, params
        names = [name for name in vars(Callback) if name.startswith("on_")]
        self._methods = {name: [m for c in found if (m := _own_method(c, name))] for name in names}

    def of(self, name: str) -> list[Callable[..., Any]]:
        """The methods of this name, of those callbacks that have one of their own."""
        return self._methods[name]

    def call(self, name: str, *args: Any) -> None:
        """Call the methods of this name in order."""
        for method in self._methods[name]:
            method(*args)


def _own_method(callback: object, name: str) -> Callable[..., Any] | None:
    """A method that does something; None for one of the base class."""
    method = getattr(callback, name, None)
    return None if getattr(method, "__func__", method) is getattr(Callback, name) else method


def fit(model: Any, samples: TrainingData, validation: TrainingData | None, plan: Plan) -> History:
    """The training that `Sequential.fit` describes."""
    objective = model.objective
    shuffles = plan.shuffle and len(samples.x) > plan.batch_size
    if not shuffles:
        samples = samples.fixed()  # a graph copies what can change, and would at every step
    batches = Batches(samples.arrays, plan.batch_size, model.rng if shuffles else None, fixed=True)
    history = model.history = History()
    params = plan.params(len(samples.x), model.metrics_names, validates=validation is not None)
    hooks = Listeners([*plan.callbacks, history, *plan.shown], model, params)
    logs: dict[str, float] = {}
    model.stop_training = False
    try:
        with training_mode(model, True), modes.recording():
            hooks.call("on_train_begin", {})
            for epoch in range(plan.initial_epoch, plan.epochs):
                hooks.call("on_epoch_begin", epoch, {})
                logs = _epoch(model, objective, samples, batches, hooks, epoch)
                if validation is not None and plan.validates(epoch):
                    measured = evaluate(model, validation, plan.validation_batch_size)
                    logs |= {f"val_{name}": number for name, number in measured.items()}
                hooks.call("on_epoch_end", epoch, logs)
                if model.stop_training:
                    break
            hooks.call("on_train_end", logs)
    except BaseException:
        for callback in plan.shown:
            callback.on_train_end({})  # so that no bar is left behind
        raise
    return history


def _epoch(
    model: Any, objective: Objective, samples: TrainingData, batches: Batches, hooks: Listeners, epoch: int
) -> dict[str, float]:
    """Train on all batches once; the means over the samples, by name.

    A loss that is not finite is an error, unless a callback stops the training because of it.
    """
    measures = Measures(model.metrics, objective.finish)
    begin, end = hooks.of("on_train_batch_begin"), hooks.of("on_train_batch_end")
    step, add = objective.step, measures.add
    has_weights, is_plain = samples.weights is not None, len(samples.arrays) == 2
    scale = samples.x.dtype.type
    number = 0  # not by enumerate, which holds a batch while the next is gathered: see Batches
    for batch in batches:
        for hook in begin:
            hook(number, {})
        x, y = batch[0], batch[1]
        weight: Weight = 1.0 / len(x)
        if has_weights:
            weight = batch[-1] * scale(weight)
        value, outputs = quietly(step, x, y, weight)
        add(value, y if is_plain else samples.parts(batch).shown, outputs)
        for hook in end:
            hook(number, {"loss": measures.total / measures.samples})
        number += 1  # noqa: SIM113
        if value - value != 0.0:
            if model.stop_training:
                return dict.fromkeys(model.metrics_names, value)
            raise ArithmeticError(f"fit: epoch {epoch + 1}, batch {number}: {_not_finite(value)}")
        del batch, x
    return measures.logs()
