"""`to_onnx`: onnxruntime, which shares no code with ours, comes to the numbers of `predict`."""

import sys

import numpy as np
import pytest

import nn
from nn import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    Input,
    LayerNormalization,
    MaxPooling1D,
    MaxPooling2D,
    Model,
    Permute,
    Reshape,
    Sequential,
    to_onnx,
)

RNG = np.random.default_rng(0)


def row(*layers):
    return Sequential(list(layers), rng=0)


def branching():
    a, b = Input((6,)), Input((2,))
    h = Dense(5, "tanh")(a)
    h = h + Dense(5, "leaky_relu")(h)
    inner = Sequential([Dense(4, "elu", input_shape=(7,)), Dense(3)], name="inner")
    return Model([a, b], Activation("softmax")(inner(Concatenate()([h, b]))), rng=0)


NETS = {
    "dense": lambda: row(Dense(5, "relu", input_shape=(6,)), Dropout(0.5), Dense(3, "softmax")),
    "convolution": lambda: row(
        Conv2D(4, 3, strides=2, padding="same", activation="relu", input_shape=(8, 7, 2)),
        BatchNormalization(),
        MaxPooling2D(padding="same"),
        Conv2D(3, 2, use_bias=False),
        Flatten(),
        Dense(2, "gelu"),
    ),
    "averages": lambda: row(
        Conv2D(4, 3, input_shape=(8, 8, 1)), AveragePooling2D(padding="same"), GlobalAveragePooling2D()
    ),
    "sequence": lambda: row(Conv1D(4, 2, padding="same", input_shape=(7, 3)), MaxPooling1D(), GlobalMaxPooling1D()),
    "symbols": lambda: row(
        Embedding(5, 3, input_shape=(4,)), LayerNormalization(), Permute((2, 1)), Reshape((2, 6)), Dense(2, "sigmoid")
    ),
    "branching": branching,
}


@pytest.mark.parametrize("name", NETS)
def test_another_runtime_comes_to_the_same_numbers(name):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    model = NETS[name]()
    for layer in model.layers:
        if isinstance(layer, BatchNormalization):
            layer.moving_mean, layer.moving_variance = RNG.random((2, 4), np.float32) + 0.5
    xs = [RNG.integers(0, 5, (6, *s)) if name == "symbols" else RNG.normal(size=(6, *s)) for s in model.input_shapes]
    xs = [x.astype(np.float32) for x in xs]
    session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"])
    for rows in (6, 1):
        given = [x[:rows] for x in xs]
        names = [place.name for place in session.get_inputs()]
        (found,) = session.run(None, dict(zip(names, given, strict=True)))
        expected = model.predict(given if model.takes_several else given[0])
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_what_onnx_has_not_is_refused():
    pytest.importorskip("onnx")
    for make, error, message in (
        (lambda: row(nn.LSTM(3, input_shape=(4, 2))), ValueError, r"LSTM\(3\) is not known; known: Activation, Add"),
        (lambda: row(Dense(3, "silu", input_shape=(4,))), ValueError, "ONNX has no 'silu'"),
        (lambda: row(Dense(3, lambda x: x * 2, input_shape=(4,))), ValueError, "an activation that both"),
        (lambda: Dense(3), TypeError, "expected a Sequential or another Model"),
        (lambda: Sequential([Dense(3)]), RuntimeError, "parameters are not made yet"),
    ):
        with pytest.raises(error, match=message):
            to_onnx(make())


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="pip install onnx"):
        to_onnx(row(Dense(3, input_shape=(4,))))
