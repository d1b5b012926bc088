"""A net as a list of steps, those inside of models too: what is called with which variables, and what that gives.

From it programs of other libraries are written. It knows none of them.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from autograd import linear
from autograd.operands import describe

from .. import layers
from ..activations import RandomizedLeakyReLU, activation_name, activations
from ..layers.base import BatchLayer, Shape
from ..losses import Loss
from ..models.model import Model
from ..regularizers import L1, L1L2, L2

__all__ = ["Flat", "Step", "Variable", "activation_of", "check_kind", "draws", "flat", "loss_name", "penalties_of"]

# What a variable or an attribute of a program is not to be called, for it is something else there.
TAKEN = {*keyword.kwlist, "F", "keras", "layers", "loss", "model", "nn", "np", "optimizer", "step", "torch", "x", "y"}
TAKEN |= {"apply", "buffers", "cpu", "cuda", "double", "eval", "float", "forward", "half", "modules", "parameters"}
TAKEN |= {"name", "to", "train", "training", "type"}
OPTIONS = {  # of optimizers: ours, in both libraries by Keras' names
    "SGD": ("momentum", "nesterov"),
    "RMSprop": ("rho", "momentum", "epsilon", "centered"),
    "Adam": ("beta_1", "beta_2", "epsilon"),
    "AdamW": ("beta_1", "beta_2", "epsilon", "weight_decay"),
    "Adagrad": ("initial_accumulator_value", "epsilon"),
}
CLIPPING = "clipnorm", "clipvalue", "global_clipnorm"
LOSSES = (
    *("MeanSquaredError", "MeanAbsoluteError", "Huber"),
    *("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"),
)


class Variable(str):
    """The name of a variable, which stands in a program as it is."""

    __slots__ = ()
    __repr__ = str.__str__


class Step(NamedTuple):
    """One call of a layer.

    name: of the layer, the same where it is called again. given: the variables that are its inputs. shapes: of a
    sample of each of them. result: the variable of what it gives; shape: of a sample. options: what else it is called
    with, among them the Variable of a mask. training: how it computes, whatever the net does; None for as the net does.
    """

    layer: Any
    name: str
    given: list[str]
    shapes: list[Shape]
    result: str
    shape: Shape
    options: Mapping[str, Any]
    training: bool | None


class Flat(NamedTuple):
    """inputs: the variables of the inputs; steps: in their order; output: the variable of the output."""

    inputs: list[str]
    steps: list[Step]
    output: str

    @property
    def layers(self) -> dict[str, Any]:
        """The layers by name, in the order of their first call."""
        return {step.name: step.layer for step in self.steps}


def flat(model: Model) -> Flat:
    """The steps of a model that is built."""
    assert model.input_shapes is not None
    inputs: list[str] = []
    for i, place in enumerate(model.inputs):
        usual = f"x_{i}" if model.takes_several else "x"
        inputs.append(place.name if place.name is not None and _is_free(place.name, inputs) else usual)
    steps: list[Step] = []
    output = _follow(model, inputs, list(model.input_shapes), dict(enumerate(inputs)), steps)
    return Flat(inputs, steps, output)


def _follow(
    model: Model,
    given: list[str],
    shapes: list[Shape],
    names: dict[int, str],
    steps: list[Step],
    training: bool | None = None,
) -> str:
    places = list(zip(given, model.wiring.shapes(shapes), strict=False))
    for call, shape in zip(model.wiring.calls, model.wiring.shapes(shapes)[len(given) :], strict=True):
        inputs, options = call.divided([places[i] for i in call.sources])
        options = {name: Variable(x[0]) if name in call.named else x for name, x in options.items()}
        variables, sizes = [x for x, _ in inputs], [size for _, size in inputs]
        mode = training if call.training is None else call.training
        if isinstance(call.layer, Model):
            result = _follow(call.layer, variables, sizes, names, steps, mode)
        else:
            result = f"x{len(steps) + 1}"
            name = _named(call.layer, names)
            mode = mode if draws(call.layer) or isinstance(call.layer, layers.BatchNormalization) else None
            steps.append(Step(call.layer, name, variables, sizes, result, shape, options, mode))
        places.append((result, shape))
    return places[-1][0]


def draws(layer: Any) -> bool:
    """True for a layer that draws random numbers in training."""
    return bool(getattr(layer, "rate", 0) or getattr(layer, "dropout", 0)) or isinstance(
        layer.activation, RandomizedLeakyReLU
    )


def _named(layer: BatchLayer, names: dict[int, str]) -> str:
    """What the layer is called in a program: by its own name, made to be one."""
    if id(layer) not in names:
        known = names.values()
        base = re.sub(r"\W", "_", layer.name or type(layer).__name__.lower())
        base = base if _is_free(base) else f"layer_{base}"
        names[id(layer)] = next(n for n in (base, *(f"{base}_{i}" for i in range(len(names) + 1))) if n not in known)
    return names[id(layer)]


def _is_free(name: str, known: Iterable[str] = ()) -> bool:
    """True for what a variable or an attribute can be called; x1, x2, ... are the results."""
    return name.isidentifier() and name not in (*TAKEN, *known) and not re.fullmatch(r"x_?\d*", name)


def check_kind(where: str, language: str, layer: Any, known: Mapping[str, Any]) -> None:
    """ValueError for a layer that is none of those that are known by name, such as one of a user's own."""
    name = type(layer).__name__
    if name not in known or getattr(layers, name, None) is not type(layer):
        raise ValueError(f"{where}: {layer} is not known in {language}; known: {', '.join(sorted(known))}")


def activation_of(where: str, layer: Any, known: Mapping[str, Any], function: Any = None) -> str | None:
    """The name of a layer's activation, or of this one; None for none. ValueError for one that is not known there."""
    function = layer.activation if function is None else function
    if function is None or function is linear:
        return None
    name = activation_name(function)
    if name not in known or (function is not activations[name] and not isinstance(function, RandomizedLeakyReLU)):
        raise ValueError(
            f"{where}: {layer}: expected an activation that is known there, got {name!r}; known: {', '.join(known)}"
        )
    return name


def loss_name(where: str, loss: Loss) -> str:
    """The class of a loss, which both libraries have. ValueError for another."""
    name = type(loss).__name__
    if name not in LOSSES or getattr(loss, "half", False):
        raise ValueError(f"{where}: {describe(loss)} is not known elsewhere; known: {', '.join(LOSSES)}")
    return name


def options_of(where: str, optimizer: Any) -> dict[str, Any]:
    """The options of an optimizer by Keras' names, what clips among them. ValueError for what is not written."""
    if optimizer.schedule is not None:
        raise ValueError(f"{where}: a schedule of the learning rate is not written; compile with a number")
    if any(options for options, _ in optimizer._groups):
        raise ValueError(f"{where}: groups of parameters are not written; compile with an optimizer without")
    name = type(optimizer).__name__
    if name not in OPTIONS:
        raise ValueError(f"{where}: {describe(optimizer)} is not known elsewhere; known: {', '.join(OPTIONS)}")
    clipping = {kind: x for kind in CLIPPING if (x := getattr(optimizer, kind)) is not None}
    return {option: getattr(optimizer, option) for option in OPTIONS[name]} | clipping


def penalties_of(where: str, layer: BatchLayer) -> dict[str, tuple[str, float, float]]:
    """For each parameter that a regularizer keeps small: which option says so, and its l1 and l2."""
    found = {}
    for name, option in layer.regularized.items():
        regularizer = getattr(layer, option)
        if regularizer is None or getattr(layer, name) is None:
            continue
        if type(regularizer) not in (L1, L2, L1L2):
            raise ValueError(f"{where}: {layer}: expected L1, L2 or L1L2 as {option}, got {describe(regularizer)}")
        found[name] = (option, getattr(regularizer, "l1", 0.0), getattr(regularizer, "l2", 0.0))
    return found


def array_code(x: object) -> str:
    """A mask of truth values as it stands in a program."""
    return np.array2string(np.asarray(x) != 0, separator=", ", threshold=10**6).replace("\n", "")
