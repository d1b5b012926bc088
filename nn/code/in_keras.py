"""The same net as a program for Keras 3, layer by layer, for those who go on there.

Weights need no work: `get_weights()` of each layer is what Keras' `set_weights` takes.
"""

from __future__ import annotations

from typing import Any

from ..activations import activation_name, activations
from ..layers import Add, BatchLayer, Concatenate, MultiHeadAttention
from ..models.model import Model
from .flat import Flat, Step, Variable, activation_of, array_code, check_kind, flat, loss_name, options_of, penalties_of

__all__ = ["keras_code"]

WHERE = "to_code"
RECURRENT = ("units", "activation", "recurrent_activation", "use_bias", "return_sequences")
CONVOLUTION = ("filters", "kernel_size", "strides", "padding", "activation", "use_bias")
# The arguments that a layer of Keras is written with, where they are not its defaults.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "Dense": ("units", "activation", "use_bias"),
    "Activation": ("activation",),
    "Dropout": ("rate",),
    **dict.fromkeys(("Conv1D", "Conv2D"), CONVOLUTION),
    **{f"{kind}Pooling{n}D": ("pool_size", "strides", "padding") for kind in ("Max", "Average") for n in (1, 2)},
    **{f"Global{kind}Pooling{n}D": () for kind in ("Max", "Average") for n in (1, 2)},
    **{f"UpSampling{n}D": ("size",) for n in (1, 2)},
    "Reshape": ("target_shape",),
    "Permute": ("dims",),
    "Embedding": ("input_dim", "output_dim"),
    "SimpleRNN": tuple(name for name in RECURRENT if name != "recurrent_activation"),
    **dict.fromkeys(("LSTM", "GRU"), RECURRENT),
    "LayerNormalization": ("epsilon",),
    "BatchNormalization": ("momentum", "epsilon"),
    "MultiHeadAttention": ("num_heads", "key_dim", "value_dim", "dropout", "use_bias"),
    "Concatenate": ("axis",),
    **dict.fromkeys(("Flatten", "Add"), ()),
}
USUAL: dict[str, Any] = {"use_bias": True, "padding": "valid", "return_sequences": False, "axis": -1}
USUAL |= {"value_dim": None, "dropout": 0.0, "recurrent_activation": "sigmoid"}
KNOWN = {name: name for name in activations if name != "randomized_leaky_relu"}


def keras_code(model: Model) -> str:
    """The program, as text."""
    net = flat(model)
    lines = []
    for x, place in zip(net.inputs, model.inputs, strict=True):
        name = "" if place.name is None else f", name={place.name!r}"
        lines.append(f"{x} = keras.Input({place.shape}{name})")
    made: set[str] = set()
    frozen = {id(layer) for layer in model.modules() if not getattr(layer, "trainable", True)}
    for step in net.steps:
        if step.name not in made:
            made.add(step.name)
            lines.append(f"{step.name} = layers.{type(step.layer).__name__}({_arguments(step.layer)})")
            if id(step.layer) in frozen:
                lines.append(f"{step.name}.trainable = False")
        lines.append(f"{step.result} = {step.name}({_called(step)})")
    joined = f"[{', '.join(net.inputs)}]" if len(net.inputs) > 1 else net.inputs[0]
    lines += [f"model = keras.Model({joined}, {net.output})", *_training(model, net)]
    arrays = ["import numpy as np"] if any("np.array" in line for line in lines) else []
    return "\n".join(["import keras", *arrays, "from keras import layers", "", *lines]) + "\n"


def _called(step: Step) -> str:
    if isinstance(step.layer, Add | Concatenate):
        return f"[{', '.join(step.given)}]"
    given = step.given * 2 if isinstance(step.layer, MultiHeadAttention) and len(step.given) == 1 else step.given
    options = {**step.options, "training": step.training}
    if options.get("attention_mask") is not None and not isinstance(options["attention_mask"], Variable):
        options["attention_mask"] = Variable(f"np.array([{array_code(options['attention_mask'])}])")
    return ", ".join([*given, *(f"{name}={x!r}" for name, x in options.items() if x is not None)])


def _arguments(layer: BatchLayer) -> str:
    check_kind(WHERE, "Keras code", layer, ARGUMENTS)
    written = []
    for option in ARGUMENTS[type(layer).__name__]:
        value = getattr(layer, option)
        if option == "size" and len(value) == 1:
            (value,) = value
        elif option == "activation":
            value = activation_of(WHERE, layer, KNOWN)
            if value == ("tanh" if hasattr(layer, "recurrent_weight") else None):
                continue
            if value == "leaky_relu":  # whose slope is 0.2 there, where it is asked for by name
                written.append("activation=layers.LeakyReLU(0.01)")
                continue
            value = "linear" if value is None else value
        elif option == "recurrent_activation":
            value = activation_of(WHERE, layer, KNOWN, value) or activation_name(value)
            if value == "leaky_relu":
                value = Variable("layers.LeakyReLU(0.01)")
        if option not in USUAL or value != USUAL[option]:
            written.append(f"{option}={value!r}")
    kept = {option: (first, second) for option, first, second in penalties_of(WHERE, layer).values()}
    for option, (first, second) in kept.items():
        factors = [f"{name}={x:g}" for name, x in (("l1", first), ("l2", second)) if x]
        written.append(f"{option}=keras.regularizers.L1L2({', '.join(factors)})")
    return ", ".join(written)


def _training(model: Model, net: Flat) -> list[str]:
    if model.loss is None:
        return []
    options = {"from_logits": model.loss.from_logits} if model.loss.from_logits else {}
    for name, usual in (("ignore_class", None), ("delta", 1.0)):
        if getattr(model.loss, name, usual) != usual:
            options[name] = getattr(model.loss, name)
    loss = f"keras.losses.{loss_name(WHERE, model.loss)}({', '.join(f'{name}={x!r}' for name, x in options.items())})"
    told = options_of(WHERE, model.optimizer)
    arguments = [f"{model.optimizer.learning_rate:g}", *(f"{name}={x!r}" for name, x in told.items() if x)]
    metrics = [metric.known_as or metric.name for metric in model.metrics]
    optimizer = f"keras.optimizers.{type(model.optimizer).__name__}({', '.join(arguments)})"
    return [f"model.compile({optimizer}, {loss}{f', metrics={metrics!r}' if metrics else ''})"]
