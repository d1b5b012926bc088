"""Normalization: PyTorch's numbers and derivatives, moving averages, what is kept and what is trained."""

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, gradients
from nn import BatchNormalization, Conv2D, Dense, Flatten, LayerNormalization, Sequential, load_model


def test_numbers_standardized_by_hand():
    # mean 3, variance 8/3
    assert ag.standardize(np.array([1.0, 3.0, 5.0])) == pytest.approx(np.array([-1.0, 0.0, 1.0]) * np.sqrt(1.5))
    assert ag.standardize(np.array([2.0, 2.0]), epsilon=0.25).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="standardize: expected epsilon"):
        ag.standardize(np.array([2.0]), epsilon=-1)


@pytest.mark.parametrize("axis", [-1, 0, (0, 2), None])
def test_standardizing_has_pytorchs_derivatives_to_second_order(axis):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(3, 4, 5))
    c = np.random.default_rng(1).normal(size=x.shape)
    leaf, tx = Tensor(x), torch.tensor(x, requires_grad=True)
    z = ag.standardize(leaf, axis, 0.01)
    axes = tuple(range(3)) if axis is None else axis
    d = tx - tx.mean(axes, keepdim=True)
    tz = d / (d.square().mean(axes, keepdim=True) + 0.01).sqrt()
    assert z.data == pytest.approx(tz.detach().numpy(), rel=1e-10, abs=1e-12)
    g = gradients((z**3 * c).sum(), leaf, create_graph=True)
    (tg,) = torch.autograd.grad((tz**3 * torch.tensor(c)).sum(), tx, create_graph=True)
    assert g.data == pytest.approx(tg.detach().numpy(), rel=1e-9, abs=1e-11)
    right = torch.autograd.grad(tg.square().sum(), tx)[0].numpy()
    assert gradients((g * g).sum(), leaf) == pytest.approx(right, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("shape", [(4,), (6, 4), (3, 5, 4)])
def test_layer_normalization_is_pytorchs(shape):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    x = rng.normal(size=(5, *shape))
    layer = LayerNormalization(epsilon=0.02)
    layer.build(shape, dtype="float64")
    layer.set_weights([rng.normal(size=4), rng.normal(size=4)])
    tx = torch.tensor(x, requires_grad=True)
    gamma, beta = (torch.tensor(w, requires_grad=True) for w in layer.get_weights())
    tz = torch.nn.functional.layer_norm(tx, (4,), gamma, beta, 0.02)
    leaf = Tensor(x)
    z = layer(leaf)
    assert z.data == pytest.approx(tz.detach().numpy(), rel=1e-9, abs=1e-12)
    g = rng.normal(size=z.shape)
    ours = gradients((z * g).sum(), [leaf, layer.gamma, layer.beta])
    right = torch.autograd.grad((tz * torch.tensor(g)).sum(), [tx, gamma, beta])
    for mine, its in zip(ours, right, strict=True):
        assert mine == pytest.approx(its.numpy(), rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("shape", [(4,), (6, 4), (3, 5, 4)])
def test_batch_normalization_is_pytorchs_in_training_and_after(shape):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    layer = BatchNormalization(momentum=0.8, epsilon=0.02)
    layer.build(shape, dtype="float64")
    gamma, beta = rng.normal(size=4), rng.normal(size=4)
    layer.set_weights([gamma, beta, np.zeros(4), np.ones(4)])
    mean, variance = np.zeros(4), np.ones(4)
    for _ in range(3):
        x = rng.normal(1.0, 2.0, (7, *shape))
        tx = torch.tensor(x, requires_grad=True)
        tz = torch.nn.functional.batch_norm(
            tx.movedim(-1, 1), None, None, torch.tensor(gamma), torch.tensor(beta), True, 0.0, 0.02
        ).movedim(1, -1)
        leaf = Tensor(x)
        z = layer(leaf)
        assert z.data == pytest.approx(tz.detach().numpy(), rel=1e-9, abs=1e-11)
        g = rng.normal(size=z.shape)
        right = torch.autograd.grad((tz * torch.tensor(g)).sum(), tx)[0].numpy()
        assert gradients((z * g).sum(), leaf) == pytest.approx(right, rel=1e-8, abs=1e-11)
        others = tuple(range(x.ndim - 1))
        mean, variance = 0.8 * mean + 0.2 * x.mean(others), 0.8 * variance + 0.2 * x.var(others)
    assert layer.moving_mean == pytest.approx(mean, rel=1e-12)
    assert layer.moving_variance == pytest.approx(variance, rel=1e-12)
    layer.eval()
    x = rng.normal(size=(2, *shape))
    assert layer(x).data == pytest.approx((x - mean) / np.sqrt(variance + 0.02) * gamma + beta, rel=1e-10)
    assert layer.moving_mean == pytest.approx(mean, rel=1e-12)


def test_what_is_not_finite_leaves_the_moving_averages_alone():
    layer = BatchNormalization()
    layer(np.array([[1.0], [np.nan]]))
    assert layer.moving_mean.tolist() == [0.0]
    assert layer.moving_variance.tolist() == [1.0]


def test_training_moves_them_saves_them_and_predicts_with_them(tmp_path):
    rng = np.random.default_rng(4)
    x = rng.normal(3.0, 2.0, (64, 5, 5, 1))
    y = (x.mean((1, 2, 3)) > 3).astype(int)
    rows = [
        Conv2D(3, 3, input_shape=(5, 5, 1), use_bias=False),
        BatchNormalization(momentum=0.5),
        Flatten(),
        LayerNormalization(),
        Dense(2, activation="softmax"),
    ]
    model = Sequential(rows, rng=0)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(x, y, epochs=4, batch_size=16, verbose=0)
    moved = model.layers[1].moving_mean
    assert np.abs(moved).min() > 0.01
    summary = model.summary()
    assert (summary.total, summary.total - summary.trainable) == (27 + 12 + 54 + 56, 6)
    assert [w.shape for w in model.layers[1].get_weights()] == [(3,)] * 4

    model.save(tmp_path / "net.npz")
    again = load_model(tmp_path / "net.npz")
    assert np.array_equal(again.layers[1].moving_mean, moved)
    # a sample is told apart from its batch
    assert again.predict(x[:1]) == pytest.approx(model.predict(x)[:1], rel=1e-5, abs=1e-6)
    assert np.array_equal(model.layers[1].moving_mean, moved)
    assert again.fit(x, y, epochs=2, verbose=0).history == model.fit(x, y, epochs=2, verbose=0).history
    assert not np.array_equal(model.layers[1].moving_mean, moved)
