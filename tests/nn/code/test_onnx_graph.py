"""`to_onnx`: onnxruntime, which shares no code with ours, comes to the numbers of `predict`."""

import sys

import numpy as np
import pytest
from nets import NETS, given, made, samples
from sizes import mostly_slow

import nn
from nn import Dense, Input, Model, Sequential, SimpleRNN, to_onnx
from nn.activations import activations

RNG = np.random.default_rng(0)


def row(*layers):
    return Sequential(list(layers), rng=0)


def runs(model):
    """What onnxruntime computes of the model, as a function of its inputs."""
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(to_onnx(model).SerializeToString(), providers=["CPUExecutionProvider"])
    names = [place.name for place in session.get_inputs()]
    return lambda xs: session.run(None, dict(zip(names, (x.astype(np.float32) for x in xs), strict=True)))[0]


@pytest.mark.parametrize("name", mostly_slow(NETS, "transformer", "gru of gru", "masked", "nested"))
def test_another_runtime_comes_to_the_same_numbers(name):
    model, loss = made(name, "float32")
    model.compile("sgd", loss)
    xs, _ = samples(model, 6, RNG)
    run = runs(model)
    for rows in (6, 1):  # of no samples onnxruntime's recurrent layers abort
        some = [x[:rows] for x in xs]
        np.testing.assert_allclose(run(some), model.predict(given(model, some)), rtol=1e-5, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in activations if name != "linear"])
def test_it_has_every_activation_of_the_library(name):
    model, x = row(Dense(4, name, input_shape=(3,))), 3 * RNG.normal(size=(20, 3))
    np.testing.assert_allclose(runs(model)([x]), model.predict(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["linear", "relu", "leaky_relu", "elu", "softplus", "softsign", "hard_sigmoid"])
@pytest.mark.slow
@pytest.mark.parametrize("kind", [nn.SimpleRNN, nn.LSTM, nn.GRU])
def test_steps_of_recurrent_layers_apply_what_onnx_has(kind, name):
    model, x = row(kind(4, name, input_shape=(5, 3))), RNG.normal(size=(7, 5, 3))
    np.testing.assert_allclose(runs(model)([x]), model.predict(x), rtol=1e-4, atol=1e-5)


def test_inputs_have_the_names_of_the_model():
    onnx = pytest.importorskip("onnx")
    image, other = Input((3,), name="image"), Input((3,))
    graph = to_onnx(Model([image, other], Dense(2)(image + other), rng=0)).graph
    assert [place.name for place in graph.input] == ["image", "x_1"]
    assert onnx.helper.tensor_dtype_to_np_dtype(graph.input[0].type.tensor_type.elem_type) == np.float32


class Mine(nn.BatchLayer):
    def forward(self, x):
        return x * 2


def test_what_onnx_has_not_is_refused():
    pytest.importorskip("onnx")
    for make, error, message in (
        (lambda: row(Mine(input_shape=(4,))), ValueError, r"Mine\(\) is not known in ONNX; known: Activation, Add"),
        (
            lambda: row(SimpleRNN(3, "silu", input_shape=(4, 2))),
            ValueError,
            "is known there, got 'silu'; known: linear, sig",
        ),
        (lambda: row(Dense(3, lambda x: x * 2, input_shape=(4,))), ValueError, "an activation that is known there"),
        (lambda: Dense(3), TypeError, "expected a Sequential or another Model"),
        (lambda: Sequential([Dense(3)]), RuntimeError, "parameters are not made yet"),
    ):
        with pytest.raises(error, match=message):
            to_onnx(make())


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="pip install onnx"):
        to_onnx(row(Dense(3, input_shape=(4,))))
