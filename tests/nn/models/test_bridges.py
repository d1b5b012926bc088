"""A net of Values and a Sequential of Tensors: the same weights, outputs and gradients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
from autograd import Value, softmax_cross_entropy, squared_error
from nn import (
    MLP,
    Activation,
    BatchLayer,
    Dense,
    Dropout,
    Flatten,
    Layer,
    RandomizedLeakyReLU,
    Sequential,
    to_mlp,
    to_sequential,
)
from nn.activations import activations

UNITWISE = sorted(set(activations) - {"softmax", "log_softmax", "randomized_leaky_relu"})


def value_gradients(mlp, x, y):
    """The outputs for all rows, and the gradient of the mean squared error, weights and biases by layer."""
    outputs, losses = [], []
    for row, target in zip(x.tolist(), y.tolist(), strict=True):
        a = mlp(row)
        a = a if isinstance(a, list) else [a]
        outputs.append([u.data for u in a])
        losses.append(squared_error(a, target))
    loss = autograd.mean(losses)
    mlp.zero_grad()
    loss.backward()
    weights = [np.array([[w.grad for w in n.w] for n in layer.neurons]) for layer in mlp.layers]
    biases = [np.array([n.b.grad for n in layer.neurons]) for layer in mlp.layers]
    return np.array(outputs), weights, biases


def tensor_gradients(model, x, y):
    outputs = model(x)
    model.zero_grad()
    squared_error(outputs, y).backward()
    denses = [layer for layer in model.layers if isinstance(layer, Dense)]
    return outputs.numpy(), [d.weight.grad for d in denses], [d.bias.grad for d in denses]


def assert_equal(one, other):
    assert one[0] == pytest.approx(other[0], rel=1e-12, abs=1e-12)
    for i in (1, 2):
        for a, b in zip(one[i], other[i], strict=True):
            assert a == pytest.approx(b, rel=1e-12, abs=1e-12)


sizes = st.lists(st.integers(1, 5), min_size=1, max_size=3)


@given(
    nin=st.integers(1, 5), nouts=sizes, hidden=st.sampled_from(UNITWISE), output=st.data(), seed=st.integers(0, 10**6)
)
def test_both_forms_give_the_same_outputs_and_gradients(nin, nouts, hidden, output, seed):
    over_layer = ["softmax", "log_softmax"] if nouts[-1] > 1 else []
    last = output.draw(st.sampled_from(UNITWISE + over_layer))
    mlp = MLP(nin, nouts, hidden, last, rng=seed)
    rng = np.random.default_rng(seed)
    mlp.set_weights(*([rng.normal(size=np.shape(a)) for a in part] for part in mlp.get_weights()))
    x, y = rng.normal(size=(3, nin)), rng.normal(size=(3, nouts[-1]))
    model = to_sequential(mlp)
    assert_equal(value_gradients(mlp, x, y), tensor_gradients(model, x, y))
    again = to_mlp(model)
    assert_equal(value_gradients(again, x, y), tensor_gradients(model, x, y))
    for ours, theirs in zip(again.get_weights(), mlp.get_weights(), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_no_activation_is_left_out():
    assert {*UNITWISE, "softmax", "log_softmax", "randomized_leaky_relu"} == set(activations)


def test_both_forms_have_the_same_cross_entropy():
    mlp = MLP(3, [4, 3], "tanh", "linear", rng=2)
    x, labels = np.random.default_rng(0).normal(size=(6, 3)), [0, 1, 2, 2, 1, 0]
    loss = autograd.mean([softmax_cross_entropy(mlp(row), j) for row, j in zip(x.tolist(), labels, strict=True)])
    loss.backward()
    model = to_sequential(mlp)
    other = softmax_cross_entropy(model(x), np.array(labels))
    other.backward()
    assert other.item() == pytest.approx(loss.data, rel=1e-12)
    first = np.array([[w.grad for w in n.w] for n in mlp.layers[0].neurons])
    assert model.layers[0].weight.grad == pytest.approx(first, rel=1e-12, abs=1e-14)


def test_labels_are_kept_each_in_its_form():
    mlp = MLP(2, [2, 1], rng=0)
    model = to_sequential(mlp)
    assert [p.label for p in model.parameters()] == ["W[1]", "b[1]", "W[2]", "b[2]"]
    assert mlp.layers[0].neurons[1].w[0].label == "w[1]_2,1"
    assert model.layers[0].weight.numpy()[1, 0] == mlp.layers[0].neurons[1].w[0].data
    assert to_mlp(model).layers[1].neurons[0].w[1].label == "w[2]_1,2"


def test_the_two_share_no_memory():
    mlp = MLP(2, [2, 1], rng=0)
    model = to_sequential(mlp)
    before = mlp.get_weights()[0][0].copy()
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    assert np.array_equal(mlp.get_weights()[0][0], before)


def test_a_net_moves_to_float32_rounded():
    mlp = MLP(2, [3, 1], rng=0)
    model = to_sequential(mlp, dtype="float32")
    assert np.array_equal(model.layers[0].weight.numpy(), mlp.get_weights()[0][0].astype(np.float32))


def test_a_single_layer_becomes_a_model():
    layer = Layer(3, 2, "sigmoid", rng=1)
    assert to_sequential(layer).predict([[1.0, -1.0, 0.5]])[0] == pytest.approx(
        [a.data for a in layer([1.0, -1.0, 0.5])]
    )


def test_an_activation_layer_joins_its_dense_and_dropout_falls_away():
    model = Sequential([Dense(3, input_dim=2), Activation("tanh"), Dropout(0.5), Dense(1, use_bias=False)], rng=0)
    mlp = to_mlp(model)
    x = np.array([[0.3, -0.7]])
    assert mlp(x[0]).data == pytest.approx(model.predict(x)[0, 0], rel=1e-6)
    assert repr(mlp) == "MLP(2, [3, 1], 'tanh', 'linear')"


def test_an_activation_that_draws_is_shared():
    slope = RandomizedLeakyReLU(rng=0)
    mlp = MLP(2, [2, 1], slope, rng=0)
    assert to_sequential(mlp).layers[0].activation is slope


def test_a_function_of_ones_own_serves_both():
    mlp = MLP(2, [2, 1], lambda z: z * autograd.sigmoid(z), rng=0)
    x = [0.4, -1.2]
    assert to_sequential(mlp).predict([x])[0, 0] == pytest.approx(mlp(x).data)


def test_what_has_no_other_form_is_refused():
    class Twice(BatchLayer):
        def forward(self, x):
            return x * 2

    for layer in (Flatten(), Twice()):
        with pytest.raises(ValueError, match=r"to_mlp: .*(Flatten|Twice)\(\)"):
            to_mlp(Sequential([Dense(2, input_dim=2), layer]))
    with pytest.raises(ValueError, match=r"to_mlp: .*Activation\('relu'\)"):
        to_mlp(Sequential([Dense(2, "tanh", input_dim=2), Activation("relu")]))
    with pytest.raises(ValueError, match="expected at least one Dense layer"):
        to_mlp(Sequential([Dropout(0.5, input_shape=(2,))]))
    with pytest.raises(RuntimeError, match="the parameters are not made yet"):
        to_mlp(Sequential([Dense(2)]))
    with pytest.raises(TypeError, match="expected a Sequential, got Value"):
        to_mlp(Value(1.0))
    with pytest.raises(TypeError, match="expected an MLP or a Layer, got Sequential"):
        to_sequential(Sequential())


def test_units_with_different_activations_have_no_tensor_form():
    mlp = MLP(2, [2, 1], "relu", rng=0)
    mlp.layers[0].neurons[1].activation = "tanh"
    with pytest.raises(ValueError, match=r"one activation for all units of Layer\(2, 2, 'relu'\), got relu, tanh"):
        to_sequential(mlp)
