"""Layers that look through windows: PyTorch's numbers with the same weights, shapes, training, files, errors."""

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, gradients
from nn import (
    AveragePooling1D,
    AveragePooling2D,
    Conv1D,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
    Permute,
    Reshape,
    Sequential,
    UpSampling1D,
    UpSampling2D,
    load_model,
)

# a layer, the shape of a sample, and PyTorch's function of a batch (channels first) and of kernel and bias
LAYERS = [
    (lambda: Conv2D(4, 3), (6, 7, 2), lambda F, x, w, b: F.conv2d(x, w, b)),
    (lambda: Conv2D(3, (2, 3), strides=2), (6, 7, 1), lambda F, x, w, b: F.conv2d(x, w, b, stride=2)),
    (lambda: Conv2D(3, 3, padding="same"), (4, 5, 2), lambda F, x, w, b: F.conv2d(x, w, b, padding=1)),
    (lambda: Conv2D(3, 3, use_bias=False, activation="relu"), (4, 5, 2), lambda F, x, w, b: F.relu(F.conv2d(x, w))),
    # "same" with an even window pads one more behind
    (lambda: Conv2D(2, 4, padding="same"), (5, 5, 1), lambda F, x, w, b: F.conv2d(F.pad(x, (1, 2, 1, 2)), w, b)),
    (lambda: Conv1D(5, 3, activation="tanh"), (8, 2), lambda F, x, w, b: F.conv1d(x, w, b).tanh()),
    (lambda: MaxPooling2D(), (6, 7, 2), lambda F, x, w, b: F.max_pool2d(x, 2)),
    (lambda: MaxPooling2D(3, strides=1), (6, 7, 2), lambda F, x, w, b: F.max_pool2d(x, 3, stride=1)),
    (lambda: MaxPooling1D(3), (8, 2), lambda F, x, w, b: F.max_pool1d(x, 3)),
    (lambda: AveragePooling2D((2, 3)), (6, 7, 2), lambda F, x, w, b: F.avg_pool2d(x, (2, 3))),
    (lambda: AveragePooling1D(2), (8, 2), lambda F, x, w, b: F.avg_pool1d(x, 2)),
    (lambda: GlobalAveragePooling2D(), (4, 5, 3), lambda F, x, w, b: x.mean((2, 3))),
    (lambda: GlobalAveragePooling1D(), (5, 3), lambda F, x, w, b: x.mean(2)),
    (lambda: GlobalMaxPooling2D(), (4, 5, 3), lambda F, x, w, b: x.amax((2, 3))),
    (lambda: GlobalMaxPooling1D(), (5, 3), lambda F, x, w, b: x.amax(2)),
    (lambda: UpSampling2D((2, 3)), (3, 2, 2), lambda F, x, w, b: F.interpolate(x, scale_factor=(2, 3))),
    (lambda: UpSampling1D(2), (3, 2), lambda F, x, w, b: F.interpolate(x, scale_factor=2)),
    (lambda: Reshape((-1, 2)), (3, 4), lambda F, x, w, b: x.permute(0, 2, 1).reshape(len(x), 6, 2).permute(0, 2, 1)),
    (lambda: Permute((2, 1)), (3, 4), lambda F, x, w, b: x.permute(0, 2, 1)),
]


@pytest.mark.parametrize(("make", "shape", "theirs"), LAYERS)
def test_a_layer_is_pytorchs_with_the_same_weights(make, shape, theirs):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, *shape))
    layer = make()
    layer.build(shape, dtype="float64", rng=0)
    if layer.parameters() and layer.use_bias:
        layer.bias.data = rng.normal(size=layer.bias.shape)
    leaf = Tensor(x)
    z = layer(leaf)
    assert z.shape == (3, *layer.compute_output_shape(shape))

    tx = torch.tensor(x, requires_grad=True)
    weights = [torch.tensor(w, requires_grad=True) for w in layer.get_weights()]  # Keras' layout: units last
    if weights:
        n = weights[0].ndim
        first = [weights[0].permute(n - 1, n - 2, *range(n - 2)), *weights[1:], None][:2]
    else:
        first = [None, None]
    tz = theirs(torch.nn.functional, tx.movedim(-1, 1), *first)
    tz = tz.movedim(1, -1) if tz.ndim > 2 else tz
    assert z.data == pytest.approx(tz.detach().numpy(), rel=1e-9, abs=1e-12)
    g = rng.normal(size=z.shape)
    ours = gradients((z * g).sum(), [leaf, *layer.parameters()])
    right = torch.autograd.grad((tz * torch.tensor(g)).sum(), [tx, *weights])
    assert ours[0] == pytest.approx(right[0].numpy(), rel=1e-9, abs=1e-12)
    for mine, its in zip(ours[1:], right[1:], strict=True):
        assert np.moveaxis(mine, 0, -1) == pytest.approx(its.numpy(), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("make", "shape", "theirs"), LAYERS)
def test_a_layer_takes_any_number_of_samples_and_says_the_shape_before(make, shape, theirs):
    layer = make()
    layer.build(shape, rng=0)
    for n in (0, 1, 5):
        assert layer(np.ones((n, *shape))).shape == (n, *layer.compute_output_shape(shape))


def net(**options):
    rows = [
        Conv2D(4, 3, padding="same", activation="relu", input_shape=(6, 6, 1), kernel_regularizer="l2"),
        MaxPooling2D(2),
        Conv2D(3, 2, use_bias=False),
        UpSampling2D(2),
        AveragePooling2D(2, padding="same"),
        Flatten(),
        Reshape((3, 4)),
        Permute((2, 1)),
        Conv1D(2, 2, activation="tanh"),
        GlobalMaxPooling1D(),
        Dense(3, activation="softmax"),
    ]
    return Sequential(rows, rng=0, **options)


def data():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 6, 6, 1))
    return x, (x[:, :3].mean((1, 2, 3)) > 0).astype(int) + (x[:, 3:].mean((1, 2, 3)) > 0)


def test_a_net_of_them_trains_is_saved_and_goes_on_bit_for_bit(tmp_path):
    x, y = data()
    model = net()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=3, batch_size=8, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    model.save(tmp_path / "net.npz")
    again = load_model(tmp_path / "net.npz")
    assert [repr(layer) for layer in again.layers] == [repr(layer) for layer in model.layers]
    assert np.array_equal(again.predict(x), model.predict(x))
    assert model.predict(x) == pytest.approx(model(x.astype(np.float32)).data, rel=1e-5, abs=1e-6)
    assert again.fit(x, y, epochs=2, verbose=0).history == model.fit(x, y, epochs=2, verbose=0).history


def test_its_loss_has_the_gradients_of_differences():
    x, y = data()
    model = net(dtype="float64")
    model.compile(loss="sparse_categorical_crossentropy")
    model.loss_of(x, y).backward()
    rng = np.random.default_rng(2)
    for p in model.parameters():
        grad = p.grad
        for at in rng.permutation(p.size)[:4]:
            numbers = p.data.copy()
            losses = []
            for h in (1e-5, -1e-5):
                moved = numbers.copy()
                moved.flat[at] += h
                p.data = moved
                losses.append(model.loss_of(x, y).item())
            p.data = numbers
            assert grad.flat[at] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-4, abs=1e-8)


def test_names_and_weights_are_keras():
    model = net()
    assert [layer.name for layer in model.layers][:5] == [
        "conv2d",
        "max_pooling2d",
        "conv2d_1",
        "up_sampling2d",
        "average_pooling2d",
    ]
    weights = model.get_weights()
    assert [w.shape for w in weights] == [(3, 3, 1, 4), (4,), (2, 2, 4, 3), (2, 3, 2), (2,), (2, 3), (3,)]
    other = net(dtype="float64")
    other.set_weights(weights)
    assert all(np.array_equal(a, b) for a, b in zip(other.get_weights(), weights, strict=True))
    assert [p.label for p in model.parameters()][:3] == ["W[1]", "b[1]", "W[2]"]


def test_the_weights_of_a_window_are_shared_by_all_its_places():
    # so a picture that is moved has results that are moved
    layer = Conv2D(2, 3, activation="relu")
    x = np.zeros((2, 8, 8, 1))
    spot = np.random.default_rng(3).normal(size=(3, 3))
    x[0, 1:4, 1:4, 0] = x[1, 3:6, 2:5, 0] = spot
    z = layer(x).data
    assert z[1, 2:, 1:] == pytest.approx(z[0, :-2, :-1], rel=1e-6)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (
            lambda: Conv2D(3, 3)(np.ones((2, 8, 8))),
            r"\(height, width, channels\), got \(8, 8\); put a Reshape\(\(8, 8, 1\)\)",
        ),
        (lambda: Conv2D(3, 9)(np.ones((2, 8, 8, 1))), r"Conv2D\(3, \(9, 9\)\): a window of 9×9 does not fit into 8×8"),
        (lambda: Conv2D(0, 3), "filters"),
        (lambda: Conv2D(3, (1, 2, 3)), "Conv2D: expected kernel_size of at least 1, one or 2 of them"),
        (lambda: Conv2D(3, 3, strides=0), "strides of at least 1"),
        (lambda: Conv2D(3, 3, padding="causal"), "padding 'valid' or 'same', got 'causal'"),
        (lambda: MaxPooling2D(9)(np.ones((2, 8, 8, 1))), "a window of 9×9 does not fit into 8×8"),
        (lambda: MaxPooling1D(2)(np.ones((2, 8, 8, 1))), r"expected samples \(steps, channels\), got \(8, 8, 1\)"),
        (lambda: GlobalAveragePooling2D()(np.ones((2, 8))), r"expected samples \(height, width, channels\)"),
        (lambda: Reshape((3, 5))(np.ones((2, 8))), r"expected samples of 3×5 numbers, got \(8,\)"),
        (lambda: Reshape((-1, -1)), "at most one size -1"),
        (lambda: Permute((1, 3)), "each of 1 to 2 once"),
        (lambda: Permute((2, 1))(np.ones((2, 8))), "samples with 2 axes"),
    ],
)
def test_what_does_not_fit_is_said_with_the_layer(wrong, match):
    with pytest.raises(ValueError, match=match):
        wrong()


def test_the_derivation_of_a_net_names_its_layers():
    x, y = data()
    model = Sequential(
        [Conv2D(2, 3, activation="relu", input_shape=(6, 6, 1)), MaxPooling2D(2), Flatten(), Dense(3)], rng=0
    )
    model.compile(loss="mse")
    loss = model.loss_of(x[:2], np.eye(3)[y[:2]])
    loss.backward()
    found = ag.derive(loss, model.layers[0].weight)
    assert found.value == pytest.approx(model.layers[0].weight.grad, rel=1e-5)
    assert "Z[1]" in str(found)
    assert "dW[1]" in str(found)
