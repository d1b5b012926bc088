"""A model as an ONNX graph, which other programs run: browsers, phones, servers. Needs the package onnx."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd.operands import Operand
from autograd.ops.convolutions import pads_of

from .. import layers
from ..activations import activation_name
from ..layers.base import BatchLayer, Shape
from ..models.model import find_model
from .elsewhere import Flat, activation_of, calls_of, input_names

__all__ = ["to_onnx"]

WHERE = "to_onnx"
OPSET = 20
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.01}),
    "elu": ("Elu", {}),
    "selu": ("Selu", {}),
    "gelu": ("Gelu", {}),
    "softplus": ("Softplus", {}),
}


def to_onnx(model: object) -> Any:
    """The net with its weights, as after `eval()`, as an ONNX model: `onnx.save(to_onnx(model), "net.onnx")`.

    model: a Sequential or another Model that is built, of the layers of dense and convolutional nets, embeddings and
    normalizations. Inputs and outputs are as here: samples in rows, any number of them, channels last; the numbers are
    those of `predict` to rounding. ValueError for another layer, ImportError without the package onnx.
    """
    try:
        import onnx
    except ImportError:
        raise ImportError(f"{WHERE} needs the package onnx: pip install onnx") from None
    model = find_model(WHERE, model)
    names: dict[int, str] = {}
    found: Flat = []
    inputs = input_names(model)
    last = calls_of(model, inputs, names, found)
    graph = _Graph(onnx, model.dtype)
    for layer, given, result, shape, _ in found:
        write = WRITERS.get(type(layer).__name__)
        if write is None or getattr(layers, type(layer).__name__, None) is not type(layer):
            raise ValueError(f"{WHERE}: {layer} is not known; known: {', '.join(sorted(WRITERS))}")
        sums = write(graph, layer, given, shape)
        name = activation_of(layer)
        if name is not None and name not in ACTIVATIONS:
            raise ValueError(f"{WHERE}: {layer}: ONNX has no {activation_name(layer.activation)!r}")
        kind, options = ("Identity", {}) if name is None else ACTIVATIONS[name]
        graph.node(kind, [sums], result, **options)
    numbers = onnx.helper.np_dtype_to_tensor_dtype(model.dtype)

    def ends(names: Sequence[str], shapes: Sequence[Shape]) -> list[Any]:
        told = zip(names, shapes, strict=True)
        return [onnx.helper.make_tensor_value_info(name, numbers, ["batch", *shape]) for name, shape in told]

    outer = ends(inputs, model.input_shapes or ()), ends([last], [model.output_shape])
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

    def node(self, kind: str, inputs: list[str], result: str | None = None, **options: Operand) -> str:
        """A node; the name of its result."""
        result = result or f"t{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [result], **options))
        return result

    def constant(self, numbers: Operand, dtype: DTypeLike | None = None) -> str:
        """An array; its name."""
        name = f"c{len(self.constants)}"
        array = np.ascontiguousarray(numbers, dtype or self.dtype)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def channels_first(self, kind: str, x: str, axes: int, others: Sequence[str] = (), **options: Operand) -> str:
        """A node of images, between two that bring the channels to where ONNX has them and back."""
        turned = self.node("Transpose", [x], perm=[0, axes + 1, *range(1, axes + 1)])
        z = self.node(kind, [turned, *others], **options)
        return self.node("Transpose", [z], perm=[0, *range(2, axes + 2), 1])


def _dense(graph: _Graph, layer: layers.Dense, given: list[str], shape: Shape) -> str:
    z = graph.node("MatMul", [given[0], graph.constant(layer.weight.numpy().T)])
    return z if layer.bias is None else graph.node("Add", [z, graph.constant(layer.bias.numpy())])


def _window(layer: BatchLayer, size: Shape) -> dict[str, Any]:
    """Where windows lie, as ONNX says it: all that is padded before, then all behind."""
    told: Any = layer
    pads = pads_of(str(layer), told.padding, told.built_for[:-1], size, told.strides)
    before, behind = zip(*pads, strict=True)
    return {"kernel_shape": list(size), "strides": list(told.strides), "pads": [*before, *behind]}


def _conv(graph: _Graph, layer: layers.Conv1D | layers.Conv2D, given: list[str], shape: Shape) -> str:
    weights = [graph.constant(np.moveaxis(layer.weight.numpy(), -1, 1))]
    weights += [] if layer.bias is None else [graph.constant(layer.bias.numpy())]
    return graph.channels_first("Conv", given[0], layer.axes, weights, **_window(layer, layer.kernel_size))


def _pool(graph: _Graph, layer: Any, given: list[str], shape: Shape) -> str:
    kind = "MaxPool" if type(layer).__name__.startswith("Max") else "AveragePool"
    return graph.channels_first(kind, given[0], layer.axes, **_window(layer, layer.pool_size))


def _global(graph: _Graph, layer: Any, given: list[str], shape: Shape) -> str:
    kind = "ReduceMax" if "Max" in type(layer).__name__ else "ReduceMean"
    axes = graph.constant(range(1, layer.axes + 1), np.int64)
    return graph.node(kind, [given[0], axes], keepdims=0)


def _reshape(graph: _Graph, layer: BatchLayer, given: list[str], shape: Shape) -> str:
    return graph.node("Reshape", [given[0], graph.constant([-1, *shape], np.int64)])


def _layer_norm(graph: _Graph, layer: layers.LayerNormalization, given: list[str], shape: Shape) -> str:
    scale, shift = (graph.constant(p.numpy()) for p in (layer.gamma, layer.beta))
    return graph.node("LayerNormalization", [given[0], scale, shift], axis=-1, epsilon=float(layer.epsilon))


def _batch_norm(graph: _Graph, layer: layers.BatchNormalization, given: list[str], shape: Shape) -> str:
    scale = layer.gamma.numpy() / np.sqrt(layer.moving_variance + layer.epsilon)
    shift = layer.beta.numpy() - layer.moving_mean * scale
    return graph.node("Add", [graph.node("Mul", [given[0], graph.constant(scale)]), graph.constant(shift)])


def _embedding(graph: _Graph, layer: layers.Embedding, given: list[str], shape: Shape) -> str:
    numbers = graph.node("Cast", [given[0]], to=int(graph.onnx.TensorProto.INT64))
    return graph.node("Gather", [graph.constant(layer.weight.numpy()), numbers])


def _permute(graph: _Graph, layer: layers.Permute, given: list[str], shape: Shape) -> str:
    return graph.node("Transpose", [given[0]], perm=[0, *layer.dims])


def _concatenate(graph: _Graph, layer: layers.Concatenate, given: list[str], shape: Shape) -> str:
    return graph.node("Concat", given, axis=layer.axis)


def _itself(graph: _Graph, layer: BatchLayer, given: list[str], shape: Shape) -> str:
    return given[0]


WRITERS: dict[str, Callable[[_Graph, Any, list[str], Shape], str]] = {
    "Dense": _dense,
    **dict.fromkeys(("Conv1D", "Conv2D"), _conv),
    **{f"{kind}Pooling{n}D": _pool for kind in ("Max", "Average") for n in (1, 2)},
    **{f"Global{kind}Pooling{n}D": _global for kind in ("Max", "Average") for n in (1, 2)},
    **dict.fromkeys(("Flatten", "Reshape"), _reshape),
    "LayerNormalization": _layer_norm,
    "BatchNormalization": _batch_norm,
    "Embedding": _embedding,
    "Permute": _permute,
    "Concatenate": _concatenate,
    "Add": lambda graph, layer, given, shape: graph.node("Sum", given),
    **dict.fromkeys(("Activation", "Dropout"), _itself),
}
