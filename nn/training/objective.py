"""What a training makes small, and one step of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor, modes
from autograd.fast.links import Link, pull_back, run
from autograd.fast.programs import Passes
from autograd.operands import describe
from autograd.passes.tensors import backward

from ..attributes import changed
from ..layers import BatchLayer, batch_shape, output_of
from ..losses import Loss, Weight
from ..module import TrainingMode
from .links import Links

__all__ = ["Objective"]

COMPUTE = "compute it with operators and the functions of autograd"


class Objective:
    """What a model's training makes small, with all that a step needs looked up.

    finish: what makes the outputs of the model of what the loss takes: the activation of the last
    layer where the loss takes its weighted sums, else None. training: the mode that a step is made in. before: what
    it was until something was set; the programs of steps are kept where they hold.
    """

    def __init__(self, model: Any, before: Objective | None = None) -> None:
        self.when = changed[0]  # read first: what changes meanwhile is seen the next time
        loss, last, straight = model.loss, model.layers[-1], model.goes_straight
        found = model.last_activation
        skips = found is not None and found is loss.activation and not loss.from_logits
        self.finish = found if skips else None
        self.from_logits = loss.from_logits or skips
        self.loss = loss
        self.modules = list(model.layers) if straight else [model]
        self.last = last.before_activation if skips else None
        self.penalized = [m for m in model.modules() if isinstance(m, BatchLayer) and m.penalties()]
        self.parameters = model.parameters()
        self.training = TrainingMode(model.modules(), True)
        self.optimizer = model.optimizer
        self._shape = None if straight else model.output_shape
        self.seed = np.ones((), model.dtype)
        self._links = Links(model.layers, model.dtype, not skips)
        is_kept = before is not None and list(map(id, before.parameters)) == list(map(id, self.parameters))
        self._passes: Passes = before._passes if before is not None and is_kept else Passes(self.parameters, self.seed)
        self._may_chain = straight and not self.penalized and _is_an_operation(loss)

    def step(self, x: np.ndarray, y: np.ndarray, weight: Weight) -> tuple[float, np.ndarray]:
        """Train on one batch: its loss before the step, and what the loss took of the net.

        x, y: as in TrainingData, not to be written to. weight: 1/m, or an array with weight/m for each
        sample. With a loss that is not finite no weight is changed, and no parameter has a gradient.
        """
        found = self.links(y, weight)
        if found is not None:
            if len(x) < 2 * PART:
                return self._chained_step(*found, x)
            return self._step_in_parts(found[0], x, y, weight)
        outputs, loss = self.forward(x, y, weight)
        value = loss._data.item()
        for p in self.parameters:
            p._grad = None
        if value - value == 0.0:
            backward(loss, self.seed)
            self.optimizer.step()
        return value, outputs._data

    def _chained_step(self, links: list[Link], last: Link, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The same without a graph, the same numbers in half of the time for small nets."""
        value, outputs = self._passes_of(links, last, x)
        if value - value == 0.0:
            self.optimizer.step()
        return value, outputs

    def _step_in_parts(
        self, links: list[Link], x: np.ndarray, y: np.ndarray, weight: Weight
    ) -> tuple[float, np.ndarray]:
        """The same, but sums over the batch are sums of sums over parts of it, and rounded as such."""
        value, outputs = 0.0, []
        trained: list[Tensor] = []  # those that have a gradient; a parameter that its layer dropped has none
        sums: list[np.ndarray] = []
        for start in range(0, len(x), PART):
            part = slice(start, start + PART)
            last = self.loss.link(y[part], weight[part] if isinstance(weight, np.ndarray) else weight, self.from_logits)
            loss, found = self._passes_of(links, last, x[part])
            value += loss
            outputs.append(found)
            if value - value == 0.0:
                trained = trained or [p for p in self.parameters if p._grad is not None]
                gradients: list[Any] = [p._grad for p in trained]
                sums = list(map(np.add, sums, gradients)) if sums else list(map(np.array, gradients))
        for p in self.parameters:
            p._grad = None
        if value - value == 0.0:
            for p, g in zip(trained, sums, strict=True):
                p._grad = g
            self.optimizer.step()
        return value, np.concatenate(outputs)

    def _passes_of(self, links: list[Link], last: Link, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Forward and back: the loss and what it took; the gradients of the parameters, if the loss is finite."""
        for p in self.parameters:
            p._grad = None  # first, so that nobody sees half of one if the step is interrupted
        found = self._passes.run(links, last, x)
        if found is not None:
            value, outputs = float(found[0]), found[1]
            if value - value == 0.0:
                for p in self.parameters:
                    p._grad = p._buffer
            return value, outputs
        loss, tape = run([*links, last], x)
        value = float(loss)
        if value - value == 0.0:
            pull_back(tape, self.seed)
        return value, tape[-1][2][0]

    def links(self, y: np.ndarray, weight: Weight) -> tuple[list[Link], Link] | None:
        """The operations of `forward` one after another and the loss; None if it is more, or somebody watches."""
        links = self._links.get()
        if links is None or not self._may_chain or modes.active:
            return None
        last = self.loss.link(y, weight, self.from_logits)
        return None if last is None else (links, last)

    def forward(self, x: np.ndarray, y: np.ndarray, weight: Weight) -> tuple[Tensor, Tensor]:
        """What the loss takes of the net, and the loss, as Tensors."""
        a: Any = x
        for module in self.modules if self.last is None else self.modules[:-1]:
            a = output_of(module, a)
        if self.last is not None:
            a = self.last(a)
        if self._shape is not None and a.shape[1:] != self._shape:
            raise ValueError(
                f"expected {batch_shape(self._shape)} from a forward of one's own, as the layers give; got {a.shape}. "
                "Where it gives another shape say so in a property output_shape"
            )
        loss = self.loss.of_batch(a, y, weight, self.from_logits)
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


def _is_an_operation(loss: Loss) -> bool:
    """True unless `of_batch` was written anew, in a class below that of `link` or in the loss itself."""
    places = {name: i for i, c in reversed([*enumerate(type(loss).__mro__)]) for name in vars(c)}
    return places["link"] <= places["of_batch"] and "of_batch" not in vars(loss)


# How many samples of a large batch are computed together, forward and backward, while they are in the
# processor's cache: 41,000 images are read from memory once instead of twice. What that buys depends on the
# machine: from nothing to an eighth of the time.
PART = 1024
