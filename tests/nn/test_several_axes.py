"""Outputs at several places of a sample, the steps of a sequence or the pixels of an image: layers, losses, metrics."""

import numpy as np
import pytest

from autograd import Tensor, gradients
from nn import LSTM, Dense, Flatten, Sequential, load_model, losses, per_sample_gradients, to_mlp
from nn.data import one_hot

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(12, 5, 4)), RNG.integers(0, 3, (12, 5))


def test_a_dense_looks_at_each_step_alone():
    layer = Dense(2, activation="tanh")
    layer.build((5, 4), dtype="float64", rng=0)
    assert layer.compute_output_shape((5, 4)) == (5, 2)
    z = layer(X)
    for t in range(5):
        assert z.data[:, t] == pytest.approx(layer.activation(X[:, t] @ layer.weight.numpy().T), rel=1e-12)


CASES = [
    (losses.MeanSquaredError(), one_hot(LABELS.ravel(), 3).reshape(12, 5, 3)),
    (losses.MeanSquaredError(half=True), one_hot(LABELS.ravel(), 3).reshape(12, 5, 3)),
    (losses.MeanAbsoluteError(), RNG.normal(size=(12, 5, 3))),
    (losses.Huber(), RNG.normal(size=(12, 5, 3))),
    (losses.BinaryCrossentropy(from_logits=True), (RNG.random((12, 5, 3)) > 0.5) * 1.0),
    (losses.SparseCategoricalCrossentropy(from_logits=True), LABELS),
    (losses.CategoricalCrossentropy(from_logits=True), one_hot(LABELS.ravel(), 3).reshape(12, 5, 3)),
]


@pytest.mark.parametrize(("loss", "y"), CASES)
@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 2.0, 12)])
def test_places_count_as_samples_of_their_own(loss, y, weights):
    z = Tensor(RNG.normal(size=(12, 5, 3)))
    rows = Tensor(z.data.reshape(60, 3))
    flat = y.reshape(60) if y.ndim == 2 else y.reshape(60, 3)
    one = loss(y, z, weights)
    other = loss(flat, rows, None if weights is None else np.repeat(weights, 5))
    assert one.item() == pytest.approx(other.item(), rel=1e-12)
    assert gradients(one, z).reshape(60, 3) == pytest.approx(gradients(other, rows), rel=1e-12, abs=1e-15)


def test_the_loss_of_classes_at_places_is_pytorchs():
    torch = pytest.importorskip("torch")
    z = RNG.normal(size=(12, 5, 3))
    right = torch.nn.functional.cross_entropy(torch.tensor(z).permute(0, 2, 1), torch.tensor(LABELS)).item()
    assert losses.sparse_categorical_crossentropy.name == "sparse_categorical_crossentropy"
    assert losses.SparseCategoricalCrossentropy(from_logits=True)(LABELS, z) == pytest.approx(right, rel=1e-12)


def test_a_net_learns_a_label_for_every_step(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(80, 6, 1))
    y = (np.cumsum(x[:, :, 0], axis=1) > 0).astype(int)  # whether the sum so far is positive
    model = Sequential(
        [LSTM(8, return_sequences=True, input_shape=(6, 1)), Dense(2, activation="softmax")], rng=0, dtype="float64"
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    history = model.fit(x, y, epochs=25, batch_size=20, verbose=0).history
    assert history["accuracy"][-1] > 0.8
    loss, accuracy = model.evaluate(x, y, verbose=0)
    p = model.predict(x)
    assert p.shape == (80, 6, 2)
    assert accuracy == pytest.approx((p.argmax(-1) == y).mean(), rel=1e-12)
    assert loss == pytest.approx(-np.log(np.take_along_axis(p, y[..., None], -1)).mean(), rel=1e-9)
    model.save(tmp_path / "net.npz")
    assert np.array_equal(load_model(tmp_path / "net.npz").predict(x), p)
    each = per_sample_gradients(model, x[:3], y[:3])
    for p, g in zip(model.parameters(), each, strict=True):
        p.grad = None
        assert g.shape == (3, *p.shape)
    model.loss_of(x[:3], y[:3]).backward()
    for p, g in zip(model.parameters(), each, strict=True):
        assert g.mean(axis=0) == pytest.approx(p.grad, rel=1e-9, abs=1e-12)


def test_one_output_a_step_takes_targets_with_or_without_the_axis():
    model = Sequential([Dense(1, input_shape=(5, 4))], rng=0)
    model.compile(loss="mse", metrics=["mae"])
    y = RNG.normal(size=(12, 5))
    assert model.evaluate(X, y, verbose=0) == model.evaluate(X, y[..., None], verbose=0)
    assert model.fit(X, y, epochs=1, verbose=0).history["loss"][0] > 0


@pytest.mark.parametrize("y", [np.zeros(12, int), np.zeros((12, 4), int), np.zeros((12, 5, 2))])
def test_targets_that_do_not_fit_are_refused_with_the_way_out(y):
    model = Sequential([Dense(3, activation="softmax", input_shape=(5, 4))], rng=0)
    model.compile(loss="sparse_categorical_crossentropy")
    with pytest.raises(
        ValueError, match=r"fit.*sparse_categorical_crossentropy|sparse_categorical_crossentropy"
    ) as said:
        model.fit(X, y, verbose=0)
    if y.ndim == 1:
        assert "(samples, 5, 3) or (samples, 5)" in str(said.value)
        assert "add a Flatten()" in str(said.value)


def test_what_knows_one_axis_only_says_so():
    model = Sequential([Dense(3, input_shape=(5, 4)), Flatten(), Dense(2)], rng=0)
    with pytest.raises(ValueError, match=r"to_mlp: expected samples with one axis, got \(5, 4\)"):
        to_mlp(model)
