"""Outputs at several places of a sample, the steps of a sequence or the pixels of an image: layers, losses, metrics."""

import numpy as np
import pytest

import nn
from autograd import Tensor, gradients
from nn import LSTM, Dense, Flatten, Sequential, load_model, losses, per_sample_gradients, to_mlp
from nn.data import one_hot
from nn.losses import SparseCategoricalCrossentropy

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


@pytest.mark.slow
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


# ---------------------------------------------------------------- places that do not count


def sequences():
    rng = np.random.default_rng(4)
    return rng.normal(size=(6, 5, 3)), rng.integers(0, 4, (6, 5)), rng.random((6, 5)) < 0.4


@pytest.mark.parametrize("logits", [True, False])
@pytest.mark.parametrize("ignored", [-1, 2])
def test_the_loss_is_the_mean_over_the_places_that_count(logits, ignored):
    _, labels, left_out = sequences()
    labels[labels == ignored] = 0
    z = np.random.default_rng(0).normal(size=(6, 5, 4))
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    each = -np.log(np.take_along_axis(p, labels[..., None], -1))[..., 0]
    loss = SparseCategoricalCrossentropy(from_logits=logits, ignore_class=ignored)
    masked = np.where(left_out, ignored, labels)
    assert loss(masked, z if logits else p) == pytest.approx(each[~left_out].mean())
    weights = np.arange(1.0, 7.0)
    expected = (each * weights[:, None])[~left_out].sum() / (~left_out).sum()
    assert loss(masked, z if logits else p, sample_weight=weights) == pytest.approx(expected)


def test_it_is_pytorchs_ignore_index():
    torch = pytest.importorskip("torch")
    _, labels, left_out = sequences()
    masked = np.where(left_out, -1, labels)
    z = np.random.default_rng(0).normal(size=(6, 5, 4))
    ours, theirs = Tensor(z), torch.tensor(z, requires_grad=True)
    SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)(masked, ours).backward()
    torch.nn.functional.cross_entropy(
        theirs.reshape(-1, 4), torch.tensor(masked.reshape(-1)), ignore_index=-1
    ).backward()
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-10, atol=1e-15)


def test_what_is_ignored_has_no_part_in_training_metrics_and_files(tmp_path):
    x, labels, left_out = sequences()

    def trained(y):
        model = nn.Sequential([Dense(4, "softmax", input_shape=(5, 3))], dtype="float64", rng=0)
        model.compile("sgd", SparseCategoricalCrossentropy(ignore_class=-1), ["accuracy"])
        history = model.fit(x, y, batch_size=2, epochs=6, verbose=0, shuffle=False)
        return model, history.history

    model, history = trained(np.where(left_out, -1, labels))
    right = (model.predict(x).argmax(-1) == labels)[~left_out]
    assert model.evaluate(x, np.where(left_out, -1, labels))[1] == pytest.approx(right.mean())
    model.save(tmp_path / "m.npz")
    again = nn.load_model(tmp_path / "m.npz")
    assert repr(again.loss) == "SparseCategoricalCrossentropy(ignore_class=-1)"
    assert again.evaluate(x, np.where(left_out, -1, labels)) == model.evaluate(x, np.where(left_out, -1, labels))
    x[left_out] = 7.0  # what stands there does not matter
    other, others = trained(np.where(left_out, -1, labels))
    assert np.array_equal(other.get_weights()[0], model.get_weights()[0])
    assert others == history


def test_where_nothing_counts_the_loss_is_0_and_nothing_moves():
    x, *_ = sequences()
    model = nn.Sequential([Dense(4, "softmax", input_shape=(5, 3))], rng=0)
    model.compile("sgd", SparseCategoricalCrossentropy(ignore_class=-1), ["accuracy"])
    before = model.get_weights()
    assert model.train_on_batch(x, np.full((6, 5), -1)) == [0.0, 0.0]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_metrics_leave_out_a_class_when_they_are_told():
    y, p = np.array([0, 1, -1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]])
    assert nn.metrics.accuracy(y, p, ignore_class=-1) == pytest.approx(2 / 3)
    assert nn.metrics.recall.using(ignore_class=-1)(y, p) == pytest.approx(1 / 2)
    with pytest.raises(ValueError, match="out of range"):
        nn.metrics.accuracy(y, p)
    with pytest.raises(ValueError, match="ignore_class is for labels"):
        nn.metrics.accuracy(np.eye(2)[[0, 1, 1, 1]], p, ignore_class=0)


def test_what_ignore_class_cannot_be_is_refused():
    with pytest.raises(TypeError, match="expected ignore_class to be a label"):
        SparseCategoricalCrossentropy(ignore_class="pad")
    with pytest.raises(ValueError, match="ignore_class is for labels, got rows"):
        SparseCategoricalCrossentropy(ignore_class=-1)(np.eye(3), np.eye(3))
