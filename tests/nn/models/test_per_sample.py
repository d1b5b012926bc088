"""Per-sample gradients: what each sample alone would give, found together."""

import numpy as np
import pytest

from autograd import Tensor, gradients, tanh
from autograd.ops.sums import array_mean
from nn import Activation, BatchLayer, Dense, Dropout, Flatten, Sequential
from nn.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from nn.models.per_sample import _one_by_one, per_sample_gradients
from nn.training.loop import training_mode
from nn.training.objective import Objective
from nn.training.samples import checked_samples

M = 6


def data(outputs, kind="numbers", features=3):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(M, features))
    if kind == "labels":
        return x, rng.integers(0, outputs, M)
    if kind == "zeros and ones":
        return x, (rng.random((M, outputs)) > 0.5).astype(float)
    return x, rng.normal(size=(M, outputs))


def net(outputs=2, last="linear", **options):
    layers = [Dense(4, "tanh", input_shape=(3,)), Dense(3, "relu", **options), Dense(outputs, last)]
    return Sequential(layers, dtype="float64", rng=1)


def gradient(model, x, y):
    """The gradient of the batch, by the reverse pass."""
    samples = checked_samples("test", model, x, y)
    _, loss = Objective(model).forward(*samples.xs, samples.y, 1.0 / samples.samples)
    return gradients(loss, model.parameters())


LOSSES = [
    (MeanSquaredError(), "linear", "numbers"),
    (MeanSquaredError(half=True), "sigmoid", "numbers"),
    (MeanAbsoluteError(), "linear", "numbers"),
    (Huber(0.3), "linear", "numbers"),
    (BinaryCrossentropy(), "sigmoid", "zeros and ones"),
    (BinaryCrossentropy(from_logits=True), "linear", "zeros and ones"),
    (CategoricalCrossentropy(), "softmax", "labels"),
    (SparseCategoricalCrossentropy(from_logits=True), "linear", "labels"),
    (CategoricalCrossentropy(), "sigmoid", "labels"),
]


@pytest.mark.parametrize(("loss", "last", "kind"), LOSSES, ids=lambda part: str(part))
def test_the_mean_is_the_gradient_and_each_is_that_of_the_sample_alone(loss, last, kind):
    model = net(last=last)
    model.compile("sgd", loss)
    x, y = data(2, kind)
    found = per_sample_gradients(model, x, y)
    assert [g.shape for g in found] == [(M, *p.shape) for p in model.parameters()]
    for mine, whole in zip(found, gradient(model, x, y), strict=True):
        np.testing.assert_allclose(mine.mean(0), whole, rtol=0, atol=1e-12)
    for i in range(M):
        for mine, alone in zip(found, gradient(model, x[i : i + 1], y[i : i + 1]), strict=True):
            np.testing.assert_allclose(mine[i], alone, rtol=0, atol=1e-12)


def test_by_hand():
    """One weight: the loss ½ (w x - y)² has the derivative (w x - y) x."""
    model = Sequential([Dense(1, use_bias=False, input_shape=(1,))], dtype="float64")
    model.set_weights([[[2.0]]])
    (found,) = per_sample_gradients(model, [[1.0], [3.0]], [1.0, 4.0], loss=MeanSquaredError(half=True))
    assert found.tolist() == [[[1.0]], [[6.0]]]


def test_a_finite_difference_of_one_sample_agrees():
    model = net()
    x, y = data(2)
    found = per_sample_gradients(model, x, y, loss="mse")
    weights = model.get_weights()

    def loss_of(i, w):
        model.set_weights([w, *weights[1:]])
        return float(((model.predict(x[i : i + 1]) - y[i : i + 1]) ** 2).mean())

    step = np.zeros_like(weights[0])
    step[1, 2] = 1e-6
    for i in range(M):
        slope = (loss_of(i, weights[0] + step) - loss_of(i, weights[0] - step)) / 2e-6
        assert found[0][i, 2, 1] == pytest.approx(slope, abs=1e-8)


def test_layers_without_bias_regularizers_dropout_and_flatten():
    layers = [
        Flatten(input_shape=(3, 2)),
        Dense(4, "linear", use_bias=False, kernel_regularizer="l2"),
        Activation("softplus"),
        Dropout(0.5),
        Dense(2, "softmax", bias_regularizer="l1"),
    ]
    model = Sequential(layers, dtype="float64", rng=2)
    model.compile("sgd", "categorical_crossentropy")
    model.layers[-1].set_weights([model.layers[-1].get_weights()[0], np.array([0.3, -0.2])])
    x = np.random.default_rng(0).normal(size=(M, 3, 2))
    y = [0, 1, 1, 0, 1, 0]
    found = per_sample_gradients(model, x, y)
    assert model.training
    with training_mode(model, False):
        whole = gradient(model, x, y)
    for mine, expected in zip(found, whole, strict=True):
        np.testing.assert_allclose(mine.mean(0), expected, rtol=0, atol=1e-12)


def test_both_ways_give_the_same():
    model = net(last="sigmoid", kernel_regularizer="l2")
    model.compile("sgd", "binary_crossentropy")
    x, y = data(2, "zeros and ones")
    samples = checked_samples("test", model, x, y)
    for mine, other in zip(per_sample_gradients(model, x, y), _one_by_one(Objective(model), samples), strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-12)


class Scale(BatchLayer):
    def make_parameters(self, input_shape, dtype, rng):
        self.scale = Tensor(np.full(input_shape, 1.5), dtype=dtype)

    def forward(self, x):
        return x * self.scale


def test_layers_activations_and_losses_of_ones_own_are_taken_sample_by_sample():
    x, y = data(2)
    for layer, loss in (
        (Scale(), "mse"),
        (Activation(lambda a: tanh(a * 2)), "mse"),
        (Activation("tanh"), lambda true, prediction: array_mean((prediction - true) ** 2)),
    ):
        model = Sequential([Dense(3, input_shape=(3,)), layer, Dense(2)], dtype="float64", rng=0)
        model.compile("sgd", loss)
        found = per_sample_gradients(model, x, y)
        assert len(found) == len(model.parameters())
        for mine, whole in zip(found, gradient(model, x, y), strict=True):
            np.testing.assert_allclose(mine.mean(0), whole, rtol=0, atol=1e-12)


def test_nothing_of_the_model_changes():
    model = net()
    model.compile("sgd", "mse")
    x, y = data(2)
    before, loss = model.get_weights(), model.loss
    per_sample_gradients(model, x, y, loss="mae")
    assert model.loss is loss
    assert all(p.grad is None for p in model.parameters())
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_float32_stays():
    model = Sequential([Dense(2, input_shape=(3,))])
    found = per_sample_gradients(model, *data(2), loss="mse")
    assert {g.dtype for g in found} == {np.dtype("float32")}


def test_what_is_refused():
    x, y = data(2)
    with pytest.raises(TypeError, match="per_sample_gradients: expected a Sequential or another Model, got Dense"):
        per_sample_gradients(Dense(2), x, y)
    with pytest.raises(RuntimeError, match=r"Sequential.per_sample_gradients: the parameters are not made yet"):
        per_sample_gradients(Sequential([Dense(2)]), x, y, loss="mse")
    with pytest.raises(RuntimeError, match="per_sample_gradients: the model is not compiled"):
        per_sample_gradients(net(), x, y)
    with pytest.raises(ValueError, match="unknown loss 'msee'; did you mean 'mse'"):
        per_sample_gradients(net(), x, y, loss="msee")
    with pytest.raises(ValueError, match="expects inputs of shape"):
        per_sample_gradients(net(), x[:, :2], y, loss="mse")
    with pytest.raises(ValueError, match="gives any number"):
        per_sample_gradients(net(), x, np.ones((M, 2)), loss="binary_crossentropy")
