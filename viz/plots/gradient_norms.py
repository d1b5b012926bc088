"""GradientNorms: a callback that notes the sizes of gradients, layer by layer, over a training."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.arguments import lookup
from autograd.operands import Operand, describe
from autograd.value import NO_GRADIENT
from nn.callbacks.base import Callback
from nn.module import Parameter

__all__ = ["GradientNorms"]

_EACH = dict.fromkeys(("step", "epoch"))


class GradientNorms(Callback):
    """The norm of every layer's gradient, noted at each step of a training::

        norms = GradientNorms()
        model.fit(x, y, callbacks=[norms])
        plot_gradients(norms)

    or, in a loop of your own with `GradientNorms(net)`, by `norms.record()` between `loss.backward()`
    and `optimizer.step()`.

    model: anything with `.layers` that have parameters, or any other Module, whose attributes then
    stand for layers; None for the one that is fitted. Layers without parameters are left out.
    each: "step", or "epoch" for the mean over the steps of each epoch.

    norms  a list of norms for each layer, by its name: "layer 1", "layer 2", ...
    """

    def __init__(self, model: Any = None, *, each: str = "step") -> None:
        lookup("each", each, _EACH)
        self.each = each
        self.norms: dict[str, list[float]] = {}
        self._parameters: dict[str, list[Parameter]] = {}
        self._epoch: list[dict[str, float]] = []
        self._watched: Any = None
        if model is not None:
            self._watch(model)

    def _watch(self, model: object) -> None:
        self.model = self._watched = model
        self._parameters = _by_layer(model)
        self.norms = {name: self.norms.get(name, []) for name in self._parameters}

    def record(self) -> None:
        """Note the norms of the gradients that are there now.

        RuntimeError if no backward pass has reached the model.
        """
        if not self._parameters:
            raise RuntimeError("GradientNorms: there is no model; write GradientNorms(model), or give it to fit")
        for name, norm in self._now().items():
            self.norms[name].append(norm)

    def _now(self) -> dict[str, float]:
        gradients = {name: [_gradient(p) for p in ps] for name, ps in self._parameters.items()}
        if all(g is None for gs in gradients.values() for g in gs):
            raise RuntimeError(
                "GradientNorms: the model has no gradient; call record() between loss.backward() and step()"
            )
        flat = {name: [np.ravel(g) for g in gs if g is not None] for name, gs in gradients.items()}
        return {name: float(np.linalg.norm(np.concatenate(gs))) if gs else 0.0 for name, gs in flat.items()}

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Look at the model that is fitted; what was noted before stays if it is the same."""
        if self.model is not self._watched:
            self.norms = {}
        self._epoch = []
        self._watch(self.model)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Note the norms of a step, which are still those of the backward pass."""
        if self.each == "step":
            self.record()
        else:
            self._epoch.append(self._now())

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the mean over an epoch, if that is asked for."""
        if self._epoch:
            for name, norms in self.norms.items():
                norms.append(float(np.mean([step[name] for step in self._epoch])))
            self._epoch = []

    def __len__(self) -> int:
        return len(next(iter(self.norms.values()), ()))

    def __repr__(self) -> str:
        return f"<GradientNorms of {len(self.norms)} layers over {len(self)} {self.each}s>"


def _by_layer(model: object) -> dict[str, list[Parameter]]:
    layers = getattr(model, "layers", None)
    found: dict[str, list[Parameter]] = {}
    if isinstance(layers, list | tuple):
        each = [layer.parameters() for layer in layers if hasattr(layer, "parameters")]
        for i, parameters in enumerate(filter(None, each), 1):
            found[f"layer {i}"] = list(parameters)
    elif hasattr(model, "named_parameters"):
        for name, parameter in model.named_parameters():
            found.setdefault(name.partition(".")[0], []).append(parameter)
    else:
        raise TypeError(f"GradientNorms: expected a model with layers or parameters, got {describe(model)}")
    if not found:
        raise ValueError(f"GradientNorms: {model} has no parameters; build it first")
    return found


def _gradient(parameter: Parameter) -> Operand:
    return None if parameter.grad is NO_GRADIENT else parameter.grad
