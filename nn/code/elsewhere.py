"""The same net as a program in PyTorch or in Keras, layer by layer, for those who go on there.

Places of a net become variables. In PyTorch channels are brought to where it has them and back, so that weights and
numbers are those of the model; `docs/coming-from.md` says how to take the weights along.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd import linear
from autograd.operands import describe

from .. import layers
from ..activations import activation_name
from ..layers.base import Add, BatchLayer, Shape
from ..layers.basic import Concatenate
from ..losses import Loss
from ..models.model import Model
from ..models.wiring import Call

__all__ = ["Flat", "activation_of", "calls_of", "input_names", "keras_code", "torch_code"]

WHERE = "to_code"
MASK = "to_code: {}: a mask that was given as an array is not written; take use_causal_mask"
Flat = list[tuple[BatchLayer, list[str], str, Shape, dict[str, object]]]


def calls_of(model: Model, inputs: list[str], names: dict[int, str], found: Flat) -> str:
    """All calls of layers in their order, those inside of models too; the name of the output's place."""
    places = list(inputs)
    assert model.input_shapes is not None
    shapes = model.wiring.shapes(model.input_shapes)
    for call, shape in zip(model.wiring.calls, shapes[len(inputs) :], strict=True):
        places.append(_called(call, [places[i] for i in call.sources], shape, names, found))
    return places[-1]


def _called(call: Call, given: list[str], shape: Shape, names: dict[int, str], found: Flat) -> str:
    if isinstance(call.layer, Model):
        return calls_of(call.layer, given, names, found)
    if id(call.layer) not in names:
        taken = names.values()
        base = call.layer.name or type(call.layer).__name__.lower()
        names[id(call.layer)] = next(n for n in (base, *(f"{base}_{i}" for i in range(99))) if n not in taken)
    result = f"x{len(found) + 1}"
    found.append((call.layer, given, result, shape, call.options))
    return result


def input_names(model: Model) -> list[str]:
    """A variable for each input, x if there is one."""
    return ["x"] if not model.takes_several else [f"x_{i}" for i in range(len(model.input_names))]


def activation_of(layer: BatchLayer) -> str | None:
    """The name of its activation; None for none. ValueError for a function of one's own."""
    if layer.activation is None or layer.activation is linear:
        return None
    name = activation_name(layer.activation)
    if name not in TORCH_ACTIVATIONS:
        raise ValueError(f"{WHERE}: {layer}: expected an activation that both libraries have, got {name!r}")
    return name


def _unknown(layer: BatchLayer, library: str) -> ValueError:
    return ValueError(f"{WHERE}: {layer} is not known in {library} code; known: {', '.join(sorted(_TORCH))}")


# ---------------------------------------------------------------- Keras

# The arguments that a layer of Keras is written with, where they are not its defaults.
_KERAS = {
    "Dense": ("units", "activation", "use_bias"),
    "Activation": ("activation",),
    "Dropout": ("rate",),
    "Conv1D": ("filters", "kernel_size", "strides", "padding", "activation", "use_bias"),
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "activation", "use_bias"),
    **{f"{kind}Pooling{n}D": ("pool_size", "strides", "padding") for kind in ("Max", "Average") for n in (1, 2)},
    **{f"UpSampling{n}D": ("size",) for n in (1, 2)},
    "Reshape": ("target_shape",),
    "Permute": ("dims",),
    "Embedding": ("input_dim", "output_dim"),
    "SimpleRNN": ("units", "activation", "use_bias", "return_sequences"),
    "LSTM": ("units", "activation", "recurrent_activation", "use_bias", "return_sequences"),
    "GRU": ("units", "activation", "recurrent_activation", "use_bias", "return_sequences"),
    "LayerNormalization": ("epsilon",),
    "BatchNormalization": ("momentum", "epsilon"),
    "MultiHeadAttention": ("num_heads", "key_dim", "value_dim", "dropout", "use_bias"),
    "Concatenate": ("axis",),
    **{f"Global{kind}Pooling{n}D": () for kind in ("Max", "Average") for n in (1, 2)},
    **dict.fromkeys(("Flatten", "Add"), ()),
}
_USUAL: dict[str, object] = {"use_bias": True, "padding": "valid", "return_sequences": False, "axis": -1}
_USUAL |= {"value_dim": None, "dropout": 0.0, "recurrent_activation": "sigmoid"}


def keras_code(model: Model) -> str:
    """The program, as text."""
    names: dict[int, str] = {}
    found: Flat = []
    inputs = input_names(model)
    last = calls_of(model, inputs, names, found)
    lines = ["import keras", "from keras import layers", ""]
    lines += [f"{x} = keras.Input({shape})" for x, shape in zip(inputs, model.input_shapes or (), strict=True)]
    made: set[int] = set()
    for layer, given, result, _, options in found:
        name = names[id(layer)]
        if id(layer) not in made:
            made.add(id(layer))
            lines.append(f"{name} = layers.{type(layer).__name__}({_keras_arguments(layer)})")
        several = isinstance(layer, Add | Concatenate)
        arguments = f"[{', '.join(given)}]" if several else _keras_call(layer, given, options)
        lines.append(f"{result} = {name}({arguments})")
    joined = f"[{', '.join(inputs)}]" if len(inputs) > 1 else inputs[0]
    lines += [f"model = keras.Model({joined}, {last})", *_keras_training(model)]
    return "\n".join(lines) + "\n"


def _keras_call(layer: BatchLayer, given: list[str], options: dict[str, object]) -> str:
    if isinstance(layer, layers.MultiHeadAttention) and len(given) == 1:
        given = given * 2
    if "attention_mask" in options:
        raise ValueError(MASK.format(layer))
    return ", ".join([*given, *(f"{name}={x!r}" for name, x in options.items())])


def _keras_arguments(layer: BatchLayer) -> str:
    known = _KERAS.get(type(layer).__name__)
    if known is None or getattr(layers, type(layer).__name__, None) is not type(layer):
        raise _unknown(layer, "Keras")
    written = []
    for option in known:
        value = getattr(layer, option)
        if option == "activation":
            usual = "tanh" if hasattr(layer, "recurrent_weight") else None
            value = activation_of(layer)
            if value == usual:
                continue
            if value == "leaky_relu":  # whose slope is 0.2 there, where it is asked for by name
                written.append("activation=layers.LeakyReLU(0.01)")
                continue
            value = "linear" if value is None else value
        elif option == "recurrent_activation":
            value = activation_name(value)
        if option not in _USUAL or value != _USUAL[option]:
            written.append(f"{option}={value!r}")
    return ", ".join(written)


def _keras_training(model: Model) -> list[str]:
    if model.loss is None:
        return []
    name = type(model.optimizer).__name__
    logits = "from_logits=True" if model.loss.from_logits else ""
    loss = f"keras.losses.{_loss_name(model.loss)}({logits})"
    if model.optimizer.schedule is not None:
        raise ValueError(f"{WHERE}: a schedule of the learning rate is not written; compile with a number")
    metrics = [metric.known_as or metric.name for metric in model.metrics]
    rate = f"keras.optimizers.{name}({model.optimizer.learning_rate:g})"
    return [f"model.compile({rate}, {loss}, {metrics!r})"]


def _loss_name(loss: Loss) -> str:
    name = type(loss).__name__
    if name not in _TORCH_LOSSES or getattr(loss, "half", False):
        raise ValueError(f"{WHERE}: {describe(loss)} is not known elsewhere; known: {', '.join(_TORCH_LOSSES)}")
    return name


# ---------------------------------------------------------------- PyTorch

TORCH_ACTIVATIONS = {
    "relu": "torch.relu({})",
    "sigmoid": "torch.sigmoid({})",
    "tanh": "torch.tanh({})",
    "softmax": "torch.softmax({}, -1)",
    "log_softmax": "torch.log_softmax({}, -1)",
    "leaky_relu": "F.leaky_relu({}, 0.01)",
    "elu": "F.elu({})",
    "selu": "F.selu({})",
    "gelu": "F.gelu({})",
    "silu": "F.silu({})",
    "softplus": "F.softplus({})",
}
_TORCH_LOSSES = {
    "MeanSquaredError": "F.mse_loss",
    "MeanAbsoluteError": "F.l1_loss",
    "BinaryCrossentropy": "F.binary_cross_entropy",
    "CategoricalCrossentropy": "F.cross_entropy",
    "SparseCategoricalCrossentropy": "F.cross_entropy",
}
FIRST, LAST = {1: "0, 2, 1", 2: "0, 3, 1, 2"}, {1: "0, 2, 1", 2: "0, 2, 3, 1"}


def _channels_first(axes: int, what: str) -> str:
    """A call with channels where PyTorch has them, and the result with channels last again."""
    return f"{what.format(f'{{}}.permute({FIRST[axes]})')}.permute({LAST[axes]})"


def _torch_dense(layer: layers.Dense, name: str) -> tuple[str, str]:
    bias = "" if layer.use_bias else ", bias=False"
    return f"nn.Linear({layer.built_for[-1]}, {layer.units}{bias})", f"self.{name}({{}})"


def _torch_conv(layer: layers.Conv1D | layers.Conv2D, name: str) -> tuple[str, str]:
    if layer.padding == "same" and set(layer.strides) != {1}:
        raise ValueError(f"{WHERE}: {layer}: PyTorch has no padding 'same' for strides {layer.strides}")
    arguments = (
        f"{layer.built_for[-1]}, {layer.filters}, {layer.kernel_size}, {layer.strides}, padding={layer.padding!r}"
    )
    bias = "" if layer.use_bias else ", bias=False"
    return f"nn.Conv{layer.axes}d({arguments}{bias})", _channels_first(layer.axes, f"self.{name}({{}})")


def _torch_pool(layer: Any, name: str) -> tuple[str, str]:
    if layer.padding == "same" and any(n % k for n, k in zip(layer.built_for, layer.strides, strict=False)):
        raise ValueError(f"{WHERE}: {layer}: PyTorch pads both sides alike; take padding='valid'")
    kind = "max" if type(layer).__name__.startswith("Max") else "avg"
    function = f"F.{kind}_pool{layer.axes}d({{}}, {layer.pool_size}, {layer.strides})"
    return "", _channels_first(layer.axes, function)


def _torch_recurrent(layer: layers.SimpleRNN | layers.LSTM | layers.GRU, name: str) -> tuple[str, str]:
    kind = {"SimpleRNN": "RNN"}.get(type(layer).__name__, type(layer).__name__)
    gates = getattr(layer, "recurrent_activation", None)
    if activation_of(layer) != "tanh" or (gates is not None and activation_name(gates) != "sigmoid"):
        raise ValueError(f"{WHERE}: {layer}: PyTorch's has tanh and sigmoid")
    bias = "" if layer.use_bias else ", bias=False"
    end = "" if layer.return_sequences else "[:, -1]"
    made = f"nn.{kind}({layer.built_for[-1]}, {layer.units}{bias}, batch_first=True)"
    return made, f"self.{name}({{}})[0]{end}"


def _torch_attention(layer: layers.MultiHeadAttention, name: str) -> tuple[str, str]:
    n = layer.built_for[-1]
    if not isinstance(n, int) or layer.num_heads * layer.key_dim != n or layer.value_dim not in (None, layer.key_dim):
        raise ValueError(
            f"{WHERE}: {layer}: PyTorch's heads share the features of one input: key_dim = features / heads"
        )
    bias = "" if layer.use_bias else ", bias=False"
    made = f"nn.MultiheadAttention({n}, {layer.num_heads}, dropout={layer.dropout:g}{bias}, batch_first=True)"
    return made, f"self.{name}({{}}, {{}}, {{}}{{mask}})[0]"


def _torch_norm(layer: layers.LayerNormalization | layers.BatchNormalization, name: str) -> tuple[str, str]:
    n, axes = layer.built_for[-1], len(layer.built_for) - 1
    if isinstance(layer, layers.LayerNormalization):
        return f"nn.LayerNorm({n}, eps={layer.epsilon:g})", f"self.{name}({{}})"
    made = f"nn.BatchNorm{max(axes, 1)}d({n}, eps={layer.epsilon:g}, momentum={1 - layer.momentum:g})"
    call = f"self.{name}({{}})"
    return made, call if not axes else _channels_first(axes, call)


def _torch_global(layer: Any, name: str) -> tuple[str, str]:
    function = "amax" if "Max" in type(layer).__name__ else "mean"
    return "", f"{{}}.{function}({tuple(range(1, layer.axes + 1))})"


def _torch_up(layer: Any, name: str) -> tuple[str, str]:
    repeated = "{}" + "".join(f".repeat_interleave({k}, {i})" for i, k in enumerate(layer.size, 1))
    return "", repeated


def _torch_reshape(layer: layers.Reshape, name: str) -> tuple[str, str]:
    return "", f"{{}}.reshape(-1, {', '.join(map(str, layer.compute_output_shape(layer.built_for)))})"


_TORCH: dict[str, Callable[[Any, str], tuple[str, str]]] = {
    "Dense": _torch_dense,
    "Conv1D": _torch_conv,
    "Conv2D": _torch_conv,
    **{f"{kind}Pooling{n}D": _torch_pool for kind in ("Max", "Average") for n in (1, 2)},
    **{f"Global{kind}Pooling{n}D": _torch_global for kind in ("Max", "Average") for n in (1, 2)},
    **{f"UpSampling{n}D": _torch_up for n in (1, 2)},
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), _torch_recurrent),
    **dict.fromkeys(("LayerNormalization", "BatchNormalization"), _torch_norm),
    "MultiHeadAttention": _torch_attention,
    "Activation": lambda layer, name: ("", "{}"),
    "Dropout": lambda layer, name: (f"nn.Dropout({layer.rate:g})", f"self.{name}({{}})"),
    "Flatten": lambda layer, name: ("", "{}.flatten(1)"),
    "Reshape": lambda layer, name: (
        "",
        f"{{}}.reshape(-1, {', '.join(map(str, layer.compute_output_shape(layer.built_for)))})",
    ),
    "Permute": lambda layer, name: ("", f"{{}}.permute(0, {', '.join(map(str, layer.dims))})"),
    "Embedding": lambda layer, name: (
        f"nn.Embedding({layer.input_dim}, {layer.output_dim})",
        f"self.{name}({{}}.long())",
    ),
    "Add": lambda layer, name: ("", "+"),
    "Concatenate": lambda layer, name: ("", f"torch.cat([{{all}}], {layer.axis})"),
}


def torch_code(model: Model) -> str:
    """The program, as text."""
    names: dict[int, str] = {}
    found: Flat = []
    inputs = input_names(model)
    last = calls_of(model, inputs, names, found)
    made: dict[int, str] = {}
    forward = []
    logits = _ends_with_logits(model)
    for layer, given, result, shape, options in found:
        write = _TORCH.get(type(layer).__name__)
        if write is None or getattr(layers, type(layer).__name__, None) is not type(layer):
            raise _unknown(layer, "PyTorch")
        constructor, call = write(layer, names[id(layer)])
        if constructor:
            made[id(layer)] = f"self.{names[id(layer)]} = {constructor}"
        text = _torch_call(layer, call, given, options, shape)
        skips = logits and result == last
        name = None if hasattr(layer, "recurrent_weight") or skips else activation_of(layer)
        forward.append(f"{result} = {text if name is None else TORCH_ACTIVATIONS[name].format(text)}")
    if logits:
        forward[-1] += "  # the weighted sums, which the loss takes"
    lines = ["import torch", "import torch.nn.functional as F", "from torch import nn", "", ""]
    lines += ["class Net(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    lines += [f"        {line}" for line in made.values()]
    lines += ["", f"    def forward(self, {', '.join(inputs)}):", *(f"        {line}" for line in forward)]
    lines += [f"        return {last}", "", "", "model = Net()", *_torch_training(model, inputs)]
    return "\n".join(lines) + "\n"


def _torch_call(layer: BatchLayer, call: str, given: list[str], options: dict[str, object], shape: Shape) -> str:
    if isinstance(layer, Add):
        return " + ".join(given)
    if isinstance(layer, Concatenate):
        return call.replace("{all}", ", ".join(given))
    if isinstance(layer, layers.MultiHeadAttention):
        if "attention_mask" in options:
            raise ValueError(MASK.format(layer))
        causal = (
            f", attn_mask=torch.ones({shape[0]}, {shape[0]}).tril().log().to({given[0]})"
            if options.get("use_causal_mask")
            else ""
        )
        query, value, key = {1: given * 3, 2: [*given, given[1]], 3: given}[len(given)]
        return call.format(query, key, value, mask=causal)
    return call.format(*given)


def _ends_with_logits(model: Model) -> bool:
    """True where PyTorch's loss applies the last activation itself."""
    loss = model.loss
    return (
        loss is not None
        and loss.activation is not None
        and (model.last_activation is loss.activation or (loss.from_logits and model.last_activation is linear))
    )


def _torch_training(model: Model, inputs: list[str]) -> list[str]:
    if model.loss is None:
        return []
    if model.optimizer.schedule is not None:
        raise ValueError(f"{WHERE}: a schedule of the learning rate is not written; compile with a number")
    name, rate = type(model.optimizer).__name__, model.optimizer.learning_rate
    loss = _TORCH_LOSSES[_loss_name(model.loss)]
    if loss == "F.binary_cross_entropy" and _ends_with_logits(model):
        loss += "_with_logits"
    elif loss == "F.cross_entropy" and not _ends_with_logits(model):
        raise ValueError(f"{WHERE}: PyTorch's cross_entropy takes weighted sums; end with a softmax, or with none")
    outputs = f"model({', '.join(inputs)})"
    outputs += ".flatten(0, -2)" * (loss == "F.cross_entropy" and len(model.output_shape) > 1)
    y = "y.flatten()" if loss == "F.cross_entropy" and len(model.output_shape) > 1 else "y"
    momentum = f", momentum={model.optimizer.momentum:g}" if getattr(model.optimizer, "momentum", 0) else ""
    return [
        f"optimizer = torch.optim.{name}(model.parameters(), lr={rate:g}{momentum})",
        "",
        "",
        f"def step({', '.join(inputs)}, y):",
        "    optimizer.zero_grad()",
        f"    loss = {loss}({outputs}, {y})",
        "    loss.backward()",
        "    optimizer.step()",
        "    return loss.item()",
    ]
