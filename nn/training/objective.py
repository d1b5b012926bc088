"""What a training makes small, and one step of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np

from autograd import Tensor
from autograd.fast.effects import give_gradients
from autograd.fast.programs import Programs
from autograd.operands import Operand, describe

from ..attributes import changed
from ..layers.base import BatchLayer, batch_shape, output_of
from ..metrics import Metric
from ..module import Module, TrainingMode
from ..optimizers import Optimizer

__all__ = ["Objective"]

COMPUTE = "compute it with operators and the functions of autograd"


class Wired(Protocol):
    """A net whose layers compute in a row, or as they are connected."""

    def run(self, *xs: Operand, to_sums: bool = False) -> Operand: ...


class Layered(Protocol):
    """What a training step asks of its model; models stand above it, and it knows them by this alone."""

    optimizer: Any
    loss: Any
    metrics: list[Metric]

    @property
    def output_shape(self) -> tuple[int, ...]: ...
    @property
    def wiring(self) -> Wired: ...
    @property
    def goes_straight(self) -> bool: ...
    @property
    def last_activation(self) -> Callable[..., Operand] | None: ...
    @property
    def read(self) -> Sequence[object]: ...
    def parameters(self) -> list[Any]: ...
    def modules(self) -> list[Module]: ...


class Objective:
    """What a model's training makes small, with all that a step needs looked up.

    trained: the parameters that it moves, all if None. frozen: layers that are not trained; their running numbers stay.

    finish: what makes the outputs of the model of what the loss takes: the activation of the last
    layer where the loss takes its weighted sums, else None. training: the mode that a step is made in. before: what
    it was until something was set; the programs of steps are kept where they hold.
    """

    def __init__(
        self,
        model: Layered,
        trained: list[Tensor] | None = None,
        frozen: Sequence[BatchLayer] = (),
        before: Objective | None = None,
    ) -> None:
        self.when = changed[0]  # read first: what changes meanwhile is seen the next time
        loss = model.loss
        found = model.last_activation
        skips = found is not None and found is loss.activation and not loss.from_logits
        self.finish = found if skips else None
        self.from_logits = loss.from_logits or skips
        self.loss = loss
        if model.goes_straight:  # without the model, so that it is freed when it is dropped
            self._outputs = functools.partial(model.wiring.run, to_sums=skips)
        else:
            self._outputs = functools.partial(output_of, model)
        self.penalized = [m for m in model.modules() if isinstance(m, BatchLayer) and m.penalties()]
        self.parameters = trained = model.parameters() if trained is None else trained
        kept = set(map(id, trained))
        self._resting = [p for p in model.parameters() if id(p) not in kept]
        self.training = TrainingMode(model.modules(), True, [m for m in frozen if m.buffers()])
        self.optimizer = model.optimizer
        self._metrics = model.metrics
        self._shape = None if model.goes_straight else model.output_shape
        # One of somebody's own takes its step beside the program, whatever else it may do.
        self._is_ours = type(self.optimizer).__module__ == Optimizer.__module__
        reads = [loss, *model.read, self.optimizer if self._is_ours else None, *trained, None, *self._resting]
        self._programs = Programs(reads, trains=True)
        if before is not None and before._programs.is_like(self._programs):
            self._programs = before._programs

    def apart(self) -> AbstractContextManager[None]:
        """Inside, nobody but the training looks at the parameters; see `NeuronTraining.apart`."""
        return nullcontext()

    def step(self, *batch: Operand) -> tuple[float, np.ndarray]:
        """Train on one batch: its loss before the step, and what the loss took of the net if there are metrics.

        batch: the inputs, y and the weight. Inputs and y are as in TrainingData, not to be written to; the weight is
        1/m, or an array with weight/m for each sample. With a loss that is not finite no weight is changed, and no
        parameter has a gradient.
        """
        found = self._programs.run(self._step, *batch, bool(self._metrics))
        value = found[0]
        if not self._is_ours and value - value == 0.0:
            self.optimizer.step()
        return value, found[1] if len(found) > 1 else batch[-2]

    def _step(self, *batch: Operand) -> tuple[Operand, ...]:
        *data, with_outputs = batch
        outputs, loss = self.forward(*data)
        if give_gradients(loss, self.parameters, self._resting) and self._is_ours:
            self.optimizer.step()
        value = loss._data.item()
        return (value, outputs) if with_outputs else (value,)

    def forward(self, *batch: Operand) -> tuple[Tensor, Tensor]:
        """What the loss takes of the net, and the loss, as Tensors; batch: as in `step`."""
        *xs, y, weight = batch
        a: Operand = self._outputs(*xs)
        if self._shape is not None and a.shape[1:] != self._shape:
            raise ValueError(
                f"expected {batch_shape(self._shape)} from a forward of one's own, as the layers give; got {a.shape}. "
                "Where it gives another shape say so in a property output_shape"
            )
        loss = self.loss.of_outputs(a, y, weight, self.from_logits)
        if loss.__class__ is not Tensor:
            raise TypeError(f"{self.loss.name}: expected the loss as a Tensor, got {describe(loss)}; {COMPUTE}")
        for layer in self.penalized:
            for penalty in layer.penalties():
                if penalty.__class__ is not Tensor:
                    got = describe(penalty)
                    raise TypeError(f"{layer}: expected what its regularizers add as a Tensor, got {got}; {COMPUTE}")
                loss = loss + penalty
        loss._label = "L"
        return a, loss
