"""A model as an ONNX graph, which other programs run: browsers, phones, servers. Needs the package onnx."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.ops.convolutions import pads_of

from ..layers.base import BatchLayer, Shape
from ..models.model import find_model
from .flat import Step, Variable, activation_of, check_kind, flat

__all__ = ["to_onnx"]

WHERE = "to_onnx"
OPSET = 20
OUT_OF_SIGHT = -1e9
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.01}),
    "randomized_leaky_relu": ("LeakyRelu", {}),  # with the mean of its slopes
    "elu": ("Elu", {}),
    "selu": ("Selu", {}),
    "gelu": ("Gelu", {}),
    "silu": ("", {}),  # of which ONNX has the parts
    "mish": ("Mish", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
}
# What the steps of a recurrent layer may apply there, with alpha and beta of those that have them.
OF_STEPS: dict[str, tuple[str, list[float], list[float]]] = {
    "linear": ("Affine", [1.0], [0.0]),
    "sigmoid": ("Sigmoid", [], []),
    "tanh": ("Tanh", [], []),
    "relu": ("Relu", [], []),
    "leaky_relu": ("LeakyRelu", [0.01], []),
    "elu": ("Elu", [1.0], []),
    "softplus": ("Softplus", [], []),
    "softsign": ("Softsign", [], []),
    "hard_sigmoid": ("HardSigmoid", [1 / 6], [0.5]),
}


def to_onnx(model: Any) -> Any:
    """The net with its weights, as after `eval()`, as an ONNX model: `onnx.save(to_onnx(model), "net.onnx")`.

    model: a Sequential or another Model that is built, of layers of this library. Inputs and outputs are as here:
    samples in rows, channels last, and they have the names of the model's inputs if these have
    any; the numbers are those of `predict` to rounding, and of the model's dtype: programs that run nets know many
    operations in float32 only (onnxruntime has no convolution and no LSTM of float64). ValueError for a layer or an
    activation of your own, for a recurrent layer whose activation ONNX has not, and for a call with training=True;
    ImportError without the package onnx.
    """
    try:
        import onnx
    except ImportError:
        raise ImportError(f"{WHERE} needs the package onnx: pip install onnx") from None
    model = find_model(WHERE, model)
    net = flat(model)
    graph = _Graph(onnx, model.dtype)
    for step in net.steps:
        check_kind(WHERE, "ONNX", step.layer, WRITERS)
        if step.training:
            raise ValueError(
                f"{WHERE}: {step.layer} is called with training=True, and the net is written as it predicts: make a "
                "model that is called without it"
            )
        sums = WRITERS[type(step.layer).__name__](graph, step.layer, step)
        graph.activation(step.layer, sums, step.result)
    numbers = onnx.helper.np_dtype_to_tensor_dtype(model.dtype)

    def ends(names: Sequence[str], shapes: Sequence[Shape]) -> list[Any]:
        told = zip(names, shapes, strict=True)
        return [onnx.helper.make_tensor_value_info(name, numbers, ["batch", *shape]) for name, shape in told]

    outer = ends(net.inputs, model.input_shapes or ()), ends([net.output], [model.output_shape])
    made = onnx.helper.make_graph(graph.nodes, model.name, *outer, graph.constants)
    opset = [onnx.helper.make_opsetid("", OPSET)]
    whole = onnx.helper.make_model(made, opset_imports=opset, producer_name="gradpath", ir_version=9)
    onnx.checker.check_model(whole)
    return whole


class _Graph:
    """The nodes and the constants of a graph while it is written."""

    def __init__(self, onnx: Any, dtype: np.dtype) -> None:
        self.onnx, self.dtype = onnx, dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, inputs: list[str], result: str | None = None, **options: Any) -> str:
        """A node; the name of its result."""
        result = result or f"t{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [result], **options))
        return result

    def constant(self, numbers: Any, dtype: Any = None) -> str:
        """An array; its name."""
        name = f"c{len(self.constants)}"
        array = np.ascontiguousarray(numbers, dtype or self.dtype)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def ints(self, *numbers: int) -> str:
        """Whole numbers, such as a shape or axes; their name."""
        return self.constant(numbers, np.int64)

    def activation(self, layer: Any, z: str, result: str) -> str:
        """What a layer ends with, of its sums z."""
        name = None if hasattr(layer, "recurrent_weight") else activation_of(WHERE, layer, ACTIVATIONS)
        if name is None:
            return self.node("Identity", [z], result)
        if name == "silu":
            return self.node("Mul", [z, self.node("Sigmoid", [z])], result)
        kind, options = ACTIVATIONS[name]
        if name == "randomized_leaky_relu":
            options = {"alpha": (layer.activation.lower + layer.activation.upper) / 2}
        return self.node(kind, [z], result, **options)

    def channels_first(self, kind: str, x: str, axes: int, others: Sequence[str] = (), **options: Any) -> str:
        """A node of images, between two that bring the channels to where ONNX has them and back."""
        turned = self.node("Transpose", [x], perm=[0, axes + 1, *range(1, axes + 1)])
        z = self.node(kind, [turned, *others], **options)
        return self.node("Transpose", [z], perm=[0, *range(2, axes + 2), 1])


def _dense(graph: _Graph, layer: Any, step: Step) -> str:
    return _weighed(graph, step.given[0], layer.weight, layer.bias)


def _weighed(graph: _Graph, x: str, weight: Any, bias: Any) -> str:
    """X Wᵀ + b."""
    z = graph.node("MatMul", [x, graph.constant(weight.numpy().T)])
    return z if bias is None else graph.node("Add", [z, graph.constant(bias.numpy())])


def _window(layer: BatchLayer, size: Any) -> dict[str, Any]:
    """Where windows lie, as ONNX says it: all that is padded before, then all behind."""
    told: Any = layer
    pads = pads_of(str(layer), told.padding, told.built_for[:-1], size, told.strides)
    before, behind = zip(*pads, strict=True)
    return {"kernel_shape": list(size), "strides": list(told.strides), "pads": [*before, *behind]}


def _conv(graph: _Graph, layer: Any, step: Step) -> str:
    weights = [graph.constant(np.moveaxis(layer.weight.numpy(), -1, 1))]
    weights += [] if layer.bias is None else [graph.constant(layer.bias.numpy())]
    return graph.channels_first("Conv", step.given[0], layer.axes, weights, **_window(layer, layer.kernel_size))


def _pool(graph: _Graph, layer: Any, step: Step) -> str:
    kind = "MaxPool" if type(layer).__name__.startswith("Max") else "AveragePool"
    return graph.channels_first(kind, step.given[0], layer.axes, **_window(layer, layer.pool_size))


def _global(graph: _Graph, layer: Any, step: Step) -> str:
    kind = "ReduceMax" if "Max" in type(layer).__name__ else "ReduceMean"
    return graph.node(kind, [step.given[0], graph.ints(*range(1, layer.axes + 1))], keepdims=0)


def _reshape(graph: _Graph, layer: Any, step: Step) -> str:
    return graph.node("Reshape", [step.given[0], graph.ints(0, *step.shape)])


def _up(graph: _Graph, layer: Any, step: Step) -> str:
    scales = graph.constant([1, *layer.size, 1], np.float32)
    how = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    return graph.node("Resize", [step.given[0], "", scales], **how)


def _recurrent(graph: _Graph, layer: Any, step: Step) -> str:
    kind = {"SimpleRNN": "RNN"}.get(type(layer).__name__, type(layer).__name__)
    functions = {"RNN": [layer.activation], "GRU": [layer.activation], "LSTM": [layer.activation] * 2}[kind]
    functions = functions if kind == "RNN" else [layer.recurrent_activation, *functions]
    told = [OF_STEPS[activation_of(WHERE, layer, OF_STEPS, function) or "linear"] for function in functions]
    n, rows = layer.units, np.arange(layer.gates * layer.units)
    if kind == "LSTM":  # whose gates are i, o, f and c there
        rows = rows.reshape(4, n)[[0, 3, 1, 2]].ravel()
    weights = [graph.constant(w.numpy()[rows][None]) for w in (layer.weight, layer.recurrent_weight)]
    if layer.bias is not None:  # two, of the inputs and of the state
        bias = layer.bias.numpy()
        of_input, of_state = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
        weights.append(graph.constant(np.concatenate([of_input[rows], of_state[rows]])[None]))
    options = {"hidden_size": n, "activations": [name for name, _, _ in told]}
    for part, numbers in (("alpha", [x for _, a, _ in told for x in a]), ("beta", [x for *_, b in told for x in b])):
        options |= {f"activation_{part}": numbers} if numbers else {}
    if kind == "GRU":
        options["linear_before_reset"] = 1
    steps_first = graph.node("Transpose", [step.given[0]], perm=[1, 0, 2])
    every, last = f"{step.result}_steps", f"{step.result}_last"
    graph.nodes.append(graph.onnx.helper.make_node(kind, [steps_first, *weights], [every, last], **options))
    if not layer.return_sequences:
        return graph.node("Squeeze", [last, graph.ints(0)])
    return graph.node("Transpose", [graph.node("Squeeze", [every, graph.ints(1)])], perm=[1, 0, 2])


def _attention(graph: _Graph, layer: Any, step: Step) -> str:
    query, value, key = (*step.given, *step.given[-1:] * 2)[:3]
    q, k, v = (_in_heads(graph, layer, part, x) for part, x in (("query", query), ("key", key), ("value", value)))
    q = graph.node("Mul", [q, graph.constant(1 / np.sqrt(layer.key_dim))])
    s = graph.node("MatMul", [q, graph.node("Transpose", [k], perm=[0, 1, 3, 2])])
    for mask in _masks(graph, step):
        s = graph.node("Add", [s, mask])
    o = graph.node("MatMul", [graph.node("Softmax", [s], axis=-1), v])
    side_by_side = graph.node("Transpose", [o], perm=[0, 2, 1, 3])
    o = graph.node("Reshape", [side_by_side, graph.ints(0, 0, layer.output_weight.shape[1])])
    return _projected(graph, layer, "output", o)


def _projected(graph: _Graph, layer: Any, part: str, x: str) -> str:
    return _weighed(graph, x, getattr(layer, f"{part}_weight"), getattr(layer, f"{part}_bias"))


def _in_heads(graph: _Graph, layer: Any, part: str, x: str) -> str:
    """Of query, key or value: (batch, heads, steps, numbers in a head)."""
    n = getattr(layer, f"{part}_weight").shape[0] // layer.num_heads
    heads = graph.node("Reshape", [_projected(graph, layer, part, x), graph.ints(0, 0, layer.num_heads, n)])
    return graph.node("Transpose", [heads], perm=[0, 2, 1, 3])


def _masks(graph: _Graph, step: Step) -> list[str]:
    """What is added to the scores of all heads: 0 where a step may look, else a number far below all of them."""
    (t, *_), (s, *_) = step.shapes[0], step.shapes[-1]
    found = []
    if step.options.get("use_causal_mask"):
        found.append(graph.constant(np.where(np.tri(t, s) > 0, 0, OUT_OF_SIGHT)))
    mask = step.options.get("attention_mask")
    if isinstance(mask, Variable):
        seen = graph.node("Cast", [graph.node("Unsqueeze", [mask, graph.ints(1)])], to=int(graph.onnx.TensorProto.BOOL))
        found.append(graph.node("Where", [seen, graph.constant(0), graph.constant(OUT_OF_SIGHT)]))
    elif mask is not None:
        found.append(graph.constant(np.where(np.asarray(mask) != 0, 0, OUT_OF_SIGHT)))
    return found


def _layer_norm(graph: _Graph, layer: Any, step: Step) -> str:
    scale, shift = (graph.constant(p.numpy()) for p in (layer.gamma, layer.beta))
    return graph.node("LayerNormalization", [step.given[0], scale, shift], axis=-1, epsilon=float(layer.epsilon))


def _batch_norm(graph: _Graph, layer: Any, step: Step) -> str:
    scale = layer.gamma.numpy() / np.sqrt(layer.moving_variance + layer.epsilon)
    shift = layer.beta.numpy() - layer.moving_mean * scale
    return graph.node("Add", [graph.node("Mul", [step.given[0], graph.constant(scale)]), graph.constant(shift)])


def _embedding(graph: _Graph, layer: Any, step: Step) -> str:
    numbers = graph.node("Cast", [step.given[0]], to=int(graph.onnx.TensorProto.INT64))
    return graph.node("Gather", [graph.constant(layer.weight.numpy()), numbers])


def _permute(graph: _Graph, layer: Any, step: Step) -> str:
    return graph.node("Transpose", [step.given[0]], perm=[0, *layer.dims])


def _concatenate(graph: _Graph, layer: Any, step: Step) -> str:
    return graph.node("Concat", step.given, axis=layer.axis)


def _itself(graph: _Graph, layer: object, step: Step) -> str:
    return step.given[0]


WRITERS: dict[str, Callable[[_Graph, Any, Step], str]] = {
    "Dense": _dense,
    **dict.fromkeys(("Conv1D", "Conv2D"), _conv),
    **{f"{kind}Pooling{n}D": _pool for kind in ("Max", "Average") for n in (1, 2)},
    **{f"Global{kind}Pooling{n}D": _global for kind in ("Max", "Average") for n in (1, 2)},
    **{f"UpSampling{n}D": _up for n in (1, 2)},
    **dict.fromkeys(("Flatten", "Reshape"), _reshape),
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), _recurrent),
    "MultiHeadAttention": _attention,
    "LayerNormalization": _layer_norm,
    "BatchNormalization": _batch_norm,
    "Embedding": _embedding,
    "Permute": _permute,
    "Concatenate": _concatenate,
    "Add": lambda graph, layer, step: graph.node("Sum", step.given),
    **dict.fromkeys(("Activation", "Dropout"), _itself),
}
