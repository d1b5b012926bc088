"""Recurrent layers and embeddings: PyTorch's numbers with the same weights, hand-worked steps, training, files."""

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Tensor, gradients
from nn import GRU, LSTM, Conv1D, Dense, Embedding, GlobalAveragePooling1D, Sequential, SimpleRNN, load_model
from nn.regularizers import L2

RECURRENT = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}


def theirs(torch, name, layer, features):
    """PyTorch's layer with the weights of ours; GRU has its gates in another order."""
    kind = {"SimpleRNN": torch.nn.RNN, "LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}[name]
    other = kind(features, layer.units, batch_first=True, bias=layer.use_bias, dtype=torch.float64)
    order = np.arange(layer.gates * layer.units)
    if name == "GRU":
        n = layer.units
        order = np.concatenate([order[n : 2 * n], order[:n], order[2 * n :]])
    with torch.no_grad():
        other.weight_ih_l0.copy_(torch.tensor(layer.weight.numpy()[order]))
        other.weight_hh_l0.copy_(torch.tensor(layer.recurrent_weight.numpy()[order]))
        if layer.use_bias:
            b = layer.bias.numpy()
            both = b if b.ndim == 2 else np.stack([b, np.zeros_like(b)])
            other.bias_ih_l0.copy_(torch.tensor(both[0][order]))
            other.bias_hh_l0.copy_(torch.tensor(both[1][order]))
    return other, np.argsort(order)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("name", RECURRENT)
def test_a_recurrent_layer_is_pytorchs_with_the_same_weights(name, sequences, use_bias):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6, 3))
    layer = RECURRENT[name](5, return_sequences=sequences, use_bias=use_bias)
    layer.build((6, 3), dtype="float64", rng=1)
    if use_bias:
        layer.bias.data = rng.normal(size=layer.bias.shape)
    leaf = Tensor(x)
    h = layer(leaf)
    assert h.shape == (4, *layer.compute_output_shape((6, 3)))

    other, back = theirs(torch, name, layer, 3)
    tx = torch.tensor(x, requires_grad=True)
    th = other(tx)[0] if sequences else other(tx)[0][:, -1]
    assert h.data == pytest.approx(th.detach().numpy(), rel=1e-9, abs=1e-12)
    g = rng.normal(size=h.shape)
    ours = gradients((h * g).sum(), [leaf, layer.weight, layer.recurrent_weight])
    right = torch.autograd.grad((th * torch.tensor(g)).sum(), [tx, other.weight_ih_l0, other.weight_hh_l0])
    assert ours[0] == pytest.approx(right[0].numpy(), rel=1e-9, abs=1e-12)
    for mine, its in zip(ours[1:], right[1:], strict=True):
        assert mine == pytest.approx(its.numpy()[back], rel=1e-9, abs=1e-12)


def test_two_steps_of_one_unit_worked_by_hand():
    layer = SimpleRNN(1, "linear")
    layer.build((2, 1), dtype="float64")
    layer.set_weights([[[2.0]], [[0.5]], [1.0]])
    # h1 = 2·3 + 1 = 7, h2 = 2·4 + ½·7 + 1 = 12.5; dh2/dW_x = x2 + ½ x1, dh2/dW_h = h1, dh2/db = 1 + ½
    h = layer(np.array([[[3.0], [4.0]]]))
    assert h.tolist() == [[12.5]]
    h.backward()
    assert layer.weight.grad.tolist() == [[5.5]]
    assert layer.recurrent_weight.grad.tolist() == [[7.0]]
    assert layer.bias.grad.tolist() == [1.5]


def test_a_derivation_shows_backpropagation_through_time():
    rng = np.random.default_rng(2)
    model = Sequential([SimpleRNN(2, input_shape=(3, 2)), Dense(1)], dtype="float64", rng=0)
    model.compile(loss="mse")
    loss = model.loss_of(rng.normal(size=(4, 3, 2)), rng.normal(size=(4, 1)))
    loss.backward()
    across = model.layers[0].recurrent_weight
    found = ag.derive(loss, across)
    assert found.value == pytest.approx(across.grad, rel=1e-12)
    steps = {s.label: s.text() for s in found}
    assert steps["Z[1]<2>"] == "dZ[1]⟨2⟩ = dH[1]⟨2⟩ ⊙ (1 − H[1]⟨2⟩ ⊙ H[1]⟨2⟩)"
    assert steps["W[1]_h"] == "dW[1]ₕ = (1/m) (dZ[1]⟨3⟩ᵀ H[1]⟨2⟩ + dZ[1]⟨2⟩ᵀ H[1]⟨1⟩)"
    assert [str(d.formula) for d in found.definitions][:2] == ["X⟨1⟩ W[1]ₓᵀ + b[1]", "tanh(Z[1]⟨1⟩)"]


def test_first_weights_are_keras():
    layer = LSTM(3)
    layer.build((4, 2), dtype="float64", rng=0)
    kernel, recurrent, bias = layer.get_weights()
    assert (kernel.shape, recurrent.shape) == ((2, 12), (3, 12))
    assert bias.tolist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6
    assert layer.recurrent_weight.data.T @ layer.recurrent_weight.data == pytest.approx(np.eye(3), abs=1e-12)
    gru = GRU(3)
    gru.build((4, 2))
    assert [w.shape for w in gru.get_weights()] == [(2, 9), (3, 9), (2, 9)]


def test_a_row_of_an_embedding_collects_the_gradients_of_its_places():
    layer = Embedding(4, 2)
    layer.build((3,), dtype="float64")
    layer.set_weights([np.arange(8.0).reshape(4, 2)])
    z = layer(np.array([[0.0, 3.0, 3.0], [1.0, 3.0, 0.0]]))
    assert z.tolist() == [[[0.0, 1.0], [6.0, 7.0], [6.0, 7.0]], [[2.0, 3.0], [6.0, 7.0], [0.0, 1.0]]]
    z.sum().backward()
    assert layer.weight.grad.tolist() == [[2.0, 2.0], [1.0, 1.0], [0.0, 0.0], [3.0, 3.0]]


@pytest.mark.parametrize("recurrent", [SimpleRNN(8), LSTM(8, return_sequences=True), GRU(8, use_bias=False)])
def test_a_net_of_symbols_trains_is_saved_and_goes_on_bit_for_bit(recurrent, tmp_path):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 5, (60, 7))
    y = (x[:, -1] > 2).astype(int)  # what the last symbol was
    rows = [Embedding(5, 4, input_shape=(7,)), recurrent]
    if recurrent.return_sequences:
        rows += [Conv1D(6, 3, activation="relu"), GlobalAveragePooling1D()]
    model = Sequential([*rows, Dense(2, activation="softmax")], rng=0)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=5, batch_size=20, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    model.save(tmp_path / "net.npz")
    again = load_model(tmp_path / "net.npz")
    assert np.array_equal(again.predict(x), model.predict(x))
    assert model.predict(x[:0]).shape == (0, 2)
    assert model.predict(x) == pytest.approx(model(x).data, rel=1e-4, abs=1e-6)
    assert again.fit(x, y, epochs=2, verbose=0).history == model.fit(x, y, epochs=2, verbose=0).history


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda: SimpleRNN(3)(np.ones((2, 4))), r"\(steps, features\), got \(4,\); put a Reshape\(\(4, 1\)\)"),
        (lambda: LSTM(0), "units"),
        (lambda: Embedding(3, 2)(np.array([[0.0, 3.0]])), "whole numbers from 0 to 2, got 3"),
        (lambda: Embedding(3, 2)(np.array([[0.5]])), "whole numbers from 0 to 2, got 0.5"),
        (lambda: Embedding(3, 2)(np.array([[-1.0]])), "whole numbers from 0 to 2, got -1"),
    ],
)
def test_what_does_not_fit_is_said(wrong, match):
    with pytest.raises(ValueError, match=match):
        wrong()


@pytest.mark.parametrize("name", RECURRENT)
def test_regularizers_of_recurrent_layers_are_in_the_loss(name):
    options = {f"{part}_regularizer": L2(0.1 * i) for i, part in enumerate(("kernel", "recurrent", "bias"), 1)}
    layer = RECURRENT[name](3, **options)
    model = Sequential([layer], dtype="float64", rng=0)
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 4, 2)), rng.normal(size=(2, 3))
    error = float(np.mean((model.predict(x) - y) ** 2))
    parts = (layer.weight, layer.recurrent_weight, layer.bias)
    penalty = sum(0.1 * i * (p.numpy() ** 2).sum() for i, p in enumerate(parts, 1))
    assert model.evaluate(x, y) == pytest.approx(error + penalty)
    plain = RECURRENT[name](3)
    plain.build((4, 2), dtype="float64")
    plain.set_weights(layer.get_weights())
    z = plain(x) - y
    without = gradients((z * z).mean(), plain.recurrent_weight)
    with_it = gradients(model.loss_of(x, y), layer.recurrent_weight)
    np.testing.assert_allclose(with_it - without, 0.4 * layer.recurrent_weight.numpy(), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda: nn.Conv2D(3, 3, dilation_rate=2), "a larger kernel_size"),
        (lambda: nn.Conv2D(3, 3, groups=2), "joined by Concatenate"),
        (lambda: nn.Conv2D(3, 3, data_format="channels_first"), "Permute"),
        (lambda: nn.Conv1D(3, 3, padding="causal"), "put zeros before the first step"),
        (lambda: LSTM(3, stateful=True), "give the whole sequence at once"),
        (lambda: LSTM(3, return_state=True), "return_sequences=True"),
        (lambda: GRU(3, reset_after=False), "it is True, as in Keras"),
        (lambda: SimpleRNN(3, go_backwards=True), "reverse order"),
        (lambda: SimpleRNN(3, recurrent_activation="tanh"), "unknown option 'recurrent_activation'"),
        (lambda: Embedding(3, 2, mask_zero=True), "ignore_class"),
        (lambda: Dense(3, trainable=False), "set it afterwards: layer.trainable = False"),
        (lambda: nn.BatchNormalization(center=False), "beta.data to 0"),
        (lambda: nn.MultiHeadAttention(2, 4, attention_axes=1), "bring the steps to axis 1"),
    ],
)
def test_what_keras_has_and_this_has_not_says_what_to_do(make, advice):
    with pytest.raises((TypeError, ValueError), match=advice):
        make()
