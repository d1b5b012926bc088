"""How a Sequential is trained and measured: the step, the epoch, and the loop around them.

Data are checked once, before the loop. In it there is no more for each batch than its slice, the
forward pass, one node for the loss, the reverse pass and the optimizer's step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ParamSpec, Protocol, TypeVar

import numpy as np

from autograd import Tensor, modes, no_grad
from autograd.ieee import quietly
from autograd.operands import Operand

from ..callbacks.base import Callback
from ..callbacks.standard import History
from ..data import Batches
from ..losses import Weight
from ..metrics import Metric
from ..module import Module, TrainingMode
from .interrupts import Interrupts
from .measures import SAMPLES, Measures
from .plan import Plan
from .samples import Fed, Stream, TrainingData

__all__ = ["evaluate", "fit", "outputs_of", "train_on_batch"]


# ---------------------------------------------------------------- one batch


P = ParamSpec("P")
R = TypeVar("R")


class Mode(Protocol):
    """The mode that a step is made in, inside a `with`."""

    def __enter__(self) -> None: ...
    def __exit__(self, *raised: Any) -> None: ...
    def around(self, function: Callable[P, R], /) -> Callable[P, R]: ...


class Stepped(Protocol):
    """What makes the steps of a training, see `nn.training.objective` and `nn.training.neurons`."""

    @property
    def finish(self) -> Callable[..., Operand] | None: ...
    @property
    def training(self) -> Mode: ...
    def apart(self) -> AbstractContextManager[None]: ...
    def step(self, *batch: Operand) -> tuple[float, np.ndarray]: ...
    def forward(self, *batch: Operand) -> tuple[Tensor, Tensor]: ...


class Computing(Protocol):
    """What predicts: a model."""

    dtype: np.dtype

    @property
    def output_shape(self) -> tuple[int, ...]: ...
    def modules(self) -> list[Module]: ...
    def computed(self, *xs: Operand) -> Operand: ...


class Trained(Fed, Protocol):
    """What is trained, as the loop and callbacks see it: a model, or a net of Values."""

    rng: np.random.Generator
    optimizer: Any
    stop_training: bool

    @property
    def metrics(self) -> Sequence[Metric]: ...
    @property
    def metrics_names(self) -> Sequence[str]: ...
    @property
    def objective(self) -> Stepped: ...
    def modules(self) -> list[Module]: ...


def train_on_batch(model: Trained, samples: TrainingData) -> dict[str, float]:
    """One training step; the loss before it and the metrics, by name."""
    objective = model.objective
    step = objective.step
    with objective.training:
        if modes.active:
            with modes.recording():
                value, outputs = quietly(step, *samples.xs, samples.y, samples.shares)
        else:
            value, outputs = quietly(step, *samples.xs, samples.y, samples.shares)
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


def training_mode(model: Trained | Computing | Module, mode: bool) -> TrainingMode:
    """All modules of the model behave as in training or as in prediction, inside a `with`."""
    return TrainingMode(model.modules(), mode)


def evaluate(model: Trained, samples: TrainingData, batch_size: int | None) -> dict[str, float]:
    """Loss and metrics over all samples, by the names of a History."""
    objective = model.objective
    measures = Measures(model.metrics, objective.finish)
    with training_mode(model, False), no_grad():
        for batch in Batches(samples.arrays, batch_size or SAMPLES, None):
            part = samples.parts(batch)
            outputs, loss = quietly(objective.forward, *part.xs, part.y, part.shares)
            measures.add(loss.item(), part.shown, outputs.numpy())
    return measures.logs()


def outputs_of(model: Computing, xs: tuple[np.ndarray, ...], batch_size: int | None) -> np.ndarray:
    """What the model gives for all samples; for none an array of the right shape with no rows."""
    size = batch_size or SAMPLES
    with training_mode(model, False), no_grad():
        parts = [quietly(model.computed, *(x[i : i + size] for x in xs)) for i in range(0, len(xs[0]), size)]
    if not parts:
        return np.empty((0, *model.output_shape), model.dtype)
    return np.concatenate([part.numpy() if isinstance(part, Tensor) else part for part in parts])


# ---------------------------------------------------------------- the loop


class Listeners:
    """The callbacks of a training, and which of them listen to what."""

    def __init__(self, callbacks: Iterable[Callback], model: Trained, params: dict[str, object]) -> None:
        found = list(callbacks)
        for callback in found:
            callback.model, callback.params = model, params
        names = [name for name in vars(Callback) if name.startswith("on_")]
        self._methods = {name: [m for c in found if (m := _own_method(c, name))] for name in names}

    def of(self, name: str) -> list[Callable[..., object]]:
        """The methods of this name, of those callbacks that have one of their own."""
        return self._methods[name]

    def call(self, name: str, *args: object) -> None:
        """Call the methods of this name in order."""
        for method in self._methods[name]:
            method(*args)


def _own_method(callback: object, name: str) -> Callable[..., object] | None:
    """A method that does something; None for one of the base class."""
    method = getattr(callback, name, None)
    return None if getattr(method, "__func__", method) is getattr(Callback, name) else method


class _Fitting:
    """A model is being trained inside the `with`; see `check_not_fitting`."""

    def __init__(self, model: Trained) -> None:
        self.model = model

    def __enter__(self) -> None:
        self._before = getattr(self.model, "_is_fitting", False)
        vars(self.model)["_is_fitting"] = True

    def __exit__(self, *raised: object) -> None:
        vars(self.model)["_is_fitting"] = self._before


def check_not_fitting(model: Trained) -> None:
    """RuntimeError if somebody, such as a callback, compiles a model while it is being trained."""
    if getattr(model, "_is_fitting", False):
        raise RuntimeError(
            "compile: the model is being trained, and the training goes on as it was compiled; end it first "
            "(model.stop_training = True) and call fit again after compile. Options of the optimizer may be set at any "
            "time: model.optimizer.learning_rate = 0.001"
        )


def fit(model: Trained, samples: TrainingData | Stream, validation: TrainingData | None, plan: Plan) -> History:
    """The training that `Sequential.fit` describes."""
    objective = model.objective
    batches: Iterable[tuple[np.ndarray, ...]]
    if isinstance(samples, Stream):
        batches, steps, samples = samples, samples.steps, samples.first
        params = plan.params(None, model.metrics_names, validates=validation is not None) | {"steps": steps}
    else:
        shuffles = plan.shuffle and samples.samples > plan.batch_size
        if not shuffles:
            samples = samples.fixed()  # a graph copies what can change, and would at every step
        batches = Batches(samples.arrays, plan.batch_size, model.rng if shuffles else None, fixed=True)
        params = plan.params(samples.samples, model.metrics_names, validates=validation is not None)
    history = History()
    vars(model).update(history=history, stop_training=False)  # nothing that the objective was made of
    hooks = Listeners([*plan.callbacks, history, *plan.shown], model, params)
    logs: dict[str, float] = {}
    try:
        apart = nullcontext() if plan.callbacks else objective.apart()
        with modes.recording(), _Fitting(model), Interrupts(type(objective).step) as interrupts, apart:
            hooks.call("on_train_begin", {})
            for epoch in range(plan.initial_epoch, plan.epochs):
                hooks.call("on_epoch_begin", epoch, {})
                logs = _epoch(model, samples, batches, hooks, epoch, interrupts)
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
    model: Trained,
    samples: TrainingData,
    batches: Iterable[tuple[np.ndarray, ...]],
    hooks: Listeners,
    epoch: int,
    interrupts: Interrupts,
) -> dict[str, float]:
    """Train on all batches once; the means over the samples, by name.

    A loss that is not finite is an error, unless a callback stops the training because of it.
    """
    objective = (
        model.objective
    )  # anew in each epoch, and for each batch of which a callback hears: it may change the net
    measures = Measures(model.metrics, objective.finish)
    begin, end = hooks.of("on_train_batch_begin"), hooks.of("on_train_batch_end")
    step, add, hears = objective.step, measures.add, bool(begin or end)
    inputs = len(samples.xs)
    has_weights, is_plain = samples.weights is not None, len(samples.arrays) == inputs + 1
    scale = samples.xs[0].dtype.type
    number = 0  # not by enumerate, which holds a batch while the next is gathered: see Batches
    # Callbacks are called in the mode that the user has set, so that it cannot be entered once for all batches.
    with nullcontext() if hears else objective.training:
        for batch in batches:
            if hears:
                for hook in begin:
                    hook(number, {})
                if model.objective is not objective:
                    objective = model.objective
                    measures.use(objective.finish)
                step = objective.training.around(objective.step)
            y = batch[inputs]
            weight: Weight = 1.0 / len(y)
            if has_weights:
                weight = batch[-1] * scale(weight)
            value, outputs = quietly(step, *(batch if is_plain else batch[: inputs + 1]), weight)
            if interrupts.is_asked:
                raise KeyboardInterrupt
            add(value, y if is_plain else samples.parts(batch).shown, outputs)
            for hook in end:
                hook(number, {"loss": measures.total / measures.samples})
            number += 1
            if value - value != 0.0:
                if model.stop_training:
                    return dict.fromkeys(model.metrics_names, value)
                raise ArithmeticError(f"fit: epoch {epoch + 1}, batch {number}: {_not_finite(value)}")
            del batch
            if hears and model.stop_training:
                break
    return measures.logs()
