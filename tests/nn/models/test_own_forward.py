"""A forward of one's own: calls, predict, evaluate, fit, files and all else use it, or say that they cannot."""

import numpy as np
import pytest

import nn
from autograd import Tensor, concatenate, no_grad, sigmoid
from nn.layers import Activation, BatchLayer, Dense, Dropout, Flatten
from nn.losses import Loss, MeanSquaredError
from viz import draw_network

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = RNG.normal(size=(40, 3))


class Residual(nn.Sequential):
    """What goes in is added to what comes out."""

    def forward(self, x):
        return super().forward(x) + x


class Doubled(Dense):
    def forward(self, x):
        return super().forward(x) * 2.0


def residual(loss="mse", activation="tanh", **options):
    model = Residual([Dense(3, activation, input_shape=(3,)), Dense(3, **options)], dtype="float64", rng=1)
    model.compile(nn.SGD(0.05), loss)
    return model


def by_hand(model, x):
    w, b, v, c = model.get_weights()
    return np.tanh(x @ w + b) @ v + c + x


def test_calls_predictions_and_measures_use_it():
    model = residual()
    expected = by_hand(model, X)
    with no_grad():
        np.testing.assert_allclose(model(X).numpy(), expected)
    np.testing.assert_allclose(model(Tensor(X)).numpy(), expected)
    np.testing.assert_allclose(model.predict(X, 7), expected)
    error = ((expected - Y) ** 2).mean()
    assert model.evaluate(X, Y) == pytest.approx(error)
    assert model.loss_of(X, Y).item() == pytest.approx(error)
    assert model.test_on_batch(X, Y) == pytest.approx(error)
    assert model.train_on_batch(X, Y) == pytest.approx(error)
    assert model.evaluate(X, Y) < error


def test_fit_takes_the_steps_of_a_loop_by_hand():
    model, other = residual(), residual()
    history = model.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"]
    optimizer = nn.SGD(other.parameters(), 0.05)
    for _ in range(3):
        for i in range(0, 40, 8):
            optimizer.zero_grad()
            d = other(Tensor(X[i : i + 8])) - Y[i : i + 8]
            (d * d).mean().backward()
            optimizer.step()
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    assert history[0] > history[-1]


def test_the_gradients_of_the_samples_are_those_of_it():
    model = residual()
    model.zero_grad()
    model.loss_of(X, Y).backward()
    for each, p in zip(nn.per_sample_gradients(model, X, Y), model.parameters(), strict=True):
        np.testing.assert_allclose(each.mean(axis=0), p.grad, rtol=1e-10, atol=1e-14)


def test_a_file_says_whose_forward_it_needs(tmp_path):
    model, path = residual(), tmp_path / "m.npz"
    model.fit(X, Y, epochs=1, verbose=0)
    model.save(path)
    with pytest.raises(ValueError, match=r"the model uses Residual, .* custom_objects={'Residual': Residual}"):
        nn.load_model(path)
    for again in (Residual.load(path), nn.load_model(path, {"Residual": Residual})):
        assert type(again) is Residual
        assert again.predict(X).tobytes() == model.predict(X).tobytes()


def test_what_has_no_place_for_it_refuses():
    with pytest.raises(ValueError, match="to_mlp: expected layers in a row; Residual has a forward of its own"):
        nn.to_mlp(residual())
    with pytest.raises(ValueError, match="draw_network: expected layers in a row; Residual has a forward of its own"):
        draw_network(residual())


def test_another_shape_than_the_layers_give_is_refused_unless_it_is_said():
    class Sum(nn.Sequential):
        def forward(self, x):
            return super().forward(x).sum(axis=1, keepdims=True)

    class Said(Sum):
        output_shape = (1,)

    for kind in (Sum, Said):
        model = kind([Dense(3, input_shape=(3,))], dtype="float64", rng=0)
        model.compile("sgd", "mse")
        if kind is Sum:
            with pytest.raises(ValueError, match=r"expected \(batch, 3\) from a forward of one's own, .*\(40, 1\)"):
                model.evaluate(X, Y)
        else:
            assert model.evaluate(X, Y[:, :1]) == pytest.approx(((model.predict(X) - Y[:, :1]) ** 2).mean())


def test_a_forward_put_into_one_model_counts_and_is_not_saved(tmp_path):
    model = nn.Sequential([Dense(3, input_shape=(3,))], dtype="float64", rng=0)
    model.compile("sgd", "mse")
    model.forward = lambda x: Tensor(np.zeros((len(x), 3)))
    assert model.evaluate(X, Y) == pytest.approx((Y**2).mean())
    with pytest.raises(TypeError, match="save: the model uses <lambda>, which is code of your own without a name"):
        model.save(tmp_path / "m.npz")


@pytest.mark.parametrize(
    ("loss", "activation"), [("binary_crossentropy", "sigmoid"), ("categorical_crossentropy", "softmax")]
)
def test_a_cross_entropy_does_not_go_around_the_forward_of_the_last_layer(loss, activation):
    class Halved(Dense):
        def forward(self, x):
            return super().forward(x) * 0.5 + 0.5 / 3

    model = nn.Sequential([Halved(3, activation, input_shape=(3,))], dtype="float64", rng=0)
    model.compile("sgd", loss)
    y = np.eye(3)[RNG.integers(0, 3, 40)]
    p = model.predict(X)
    with no_grad():
        np.testing.assert_allclose(model(X).numpy(), p)
    if loss == "binary_crossentropy":
        expected = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
    else:
        expected = -(y * np.log(p / p.sum(axis=1, keepdims=True))).sum(axis=1).mean()
    assert model.evaluate(X, y) == pytest.approx(expected)
    assert model.loss_of(X, y).item() == pytest.approx(expected)


def test_the_forward_of_a_layer_counts_everywhere(tmp_path):
    model = nn.Sequential([Doubled(3, input_shape=(3,)), Dense(3)], dtype="float64", rng=0)
    model.compile("sgd", "mse")
    w, b, v, c = model.get_weights()
    expected = 2 * (X @ w + b) @ v + c
    np.testing.assert_allclose(model.predict(X), expected)
    assert model.evaluate(X, Y) == pytest.approx(((expected - Y) ** 2).mean())
    each = nn.per_sample_gradients(model, X, Y)
    model.zero_grad()
    model.loss_of(X, Y).backward()
    for g, p in zip(each, model.parameters(), strict=True):
        np.testing.assert_allclose(g.mean(axis=0), p.grad, rtol=1e-10, atol=1e-14)
    with pytest.raises(ValueError, match="to_mlp"):
        nn.to_mlp(model)


def test_regularizers_of_layers_inside_a_layer_are_in_the_loss():
    class Branches(BatchLayer):
        def make_parameters(self, input_shape, dtype, rng):
            self.left, self.right = (Dense(2, kernel_regularizer=nn.regularizers.L2(0.1)) for _ in "12")
            for branch in (self.left, self.right):
                branch.build(input_shape, dtype=dtype, rng=rng)

        def compute_output_shape(self, input_shape):
            return (4,)

        def forward(self, x):
            return concatenate([self.left.forward(x), self.right.forward(x)], axis=1)

    model = nn.Sequential([Branches(input_shape=(3,))], dtype="float64", rng=0)
    model.compile("sgd", "mse")
    y = np.ones((40, 4))
    inner = model.layers[0]
    penalty = 0.1 * sum((branch.weight.numpy() ** 2).sum() for branch in (inner.left, inner.right))
    assert model.evaluate(X, y) == pytest.approx(((model.predict(X) - y) ** 2).mean() + penalty)


@pytest.mark.parametrize(
    "base", [nn.Sequential, BatchLayer, Dense, Activation, Flatten, Dropout, Loss, MeanSquaredError]
)
def test_a_call_of_ones_own_is_refused_where_it_is_defined(base):
    with pytest.raises(TypeError, match=r"Mine: expected what it computes in (forward|of_batch)\(self, .* rename it"):
        type("Mine", (base,), {"__call__": lambda self, *operands: sigmoid(operands[0])})


# ---------------------------------------------------------------- what cuts the graph


class Scaled(BatchLayer):
    def __init__(self, result, **options):
        super().__init__(**options)
        self.result = result

    def make_parameters(self, input_shape, dtype, rng):
        self.scale = Tensor(np.full(input_shape, 2.0), dtype=dtype)

    def forward(self, x):
        z = x * self.scale
        return {"array": z.numpy(), "list": z.tolist(), "nothing": None, "itself": x, "Tensor": z}[self.result]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("result", ["array", "list", "nothing"])
def test_a_layer_that_gives_no_tensor_is_refused_everywhere(result, place):
    layers = [Dense(3), Dense(3)]
    layers.insert(place, Scaled(result))
    model = nn.Sequential(layers, dtype="float64", rng=0)
    model.build(3)
    model.compile("sgd", "mse")
    before = model.get_weights()
    for use in (
        lambda: model(X),
        lambda: model.predict(X),
        lambda: model.evaluate(X, Y),
        lambda: model.loss_of(X, Y),
        lambda: model.fit(X, Y, verbose=0),
        lambda: nn.per_sample_gradients(model, X, Y),
    ):
        with pytest.raises(
            TypeError, match=r"Scaled\(\): expected a Tensor from its forward pass, got (an arr|list|None)"
        ):
            use()
    for a, b in zip(model.get_weights(), before, strict=True):
        assert a.tobytes() == b.tobytes()


def test_a_layer_may_give_what_it_was_given_and_one_without_parameters_may_prepare_arrays():
    class Standardized(BatchLayer):
        def forward(self, x):
            return (x - 1.0) / 2.0

    for layer, inputs in ((Scaled("itself"), X), (Standardized(), (X - 1) / 2)):
        layers = [layer, Dense(3)]
        model = nn.Sequential(layers, dtype="float64", rng=0)
        model.build(3)
        model.compile("sgd", "mse")
        kernel, bias = layers[1].get_weights()
        np.testing.assert_allclose(model.predict(X), inputs @ kernel + bias)
        assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"]).all()


def test_a_model_a_loss_and_a_regularizer_that_give_no_tensor_are_refused():
    class Numbers(nn.Sequential):
        def forward(self, x):
            return super().forward(x).numpy()

    class Error(Loss):
        def of_batch(self, y_pred, target, weight, from_logits):
            return ((y_pred.numpy() - target) ** 2).mean()

    def size(w):
        return (w.numpy() ** 2).sum()

    for model, loss, message in (
        (
            Numbers([Dense(3, input_shape=(3,))]),
            "mse",
            r"Numbers\(\[Dense\(3\)\]\): expected a Tensor from its forward pass, got an array",
        ),
        (nn.Sequential([Dense(3, input_shape=(3,))]), Error(), "loss: expected the loss as a Tensor, got float"),
        (
            nn.Sequential([Dense(3, kernel_regularizer=size, input_shape=(3,))]),
            "mse",
            r"Dense\(3\): expected what its regularizers add as a Tensor, got float32",
        ),
    ):
        model.compile("sgd", loss)
        with pytest.raises(TypeError, match=message):
            model.fit(X, Y, verbose=0)


def test_a_metric_may_give_a_tensor_and_not_nothing():
    model = nn.Sequential([Dense(3, input_shape=(3,))], dtype="float64", rng=0)

    def distance(y_true, y_pred):
        return Tensor(np.abs(y_true - y_pred).mean(axis=1))

    model.compile("sgd", "mse", metrics=[distance])
    assert model.evaluate(X, Y)[1] == pytest.approx(np.abs(model.predict(X) - Y).mean())
    model.compile("sgd", "mse", metrics=[lambda y_true, y_pred: None])
    with pytest.raises(TypeError, match="<lambda>: expected plain numbers in what it gives, got NoneType"):
        model.evaluate(X, Y)


def test_a_class_that_could_not_be_made_again_from_its_layers_is_refused_by_save(tmp_path):
    class Doubled(nn.Sequential):
        def __init__(self, hidden=4):
            super().__init__([Dense(hidden, "relu", input_shape=(3,)), Dense(1)])

        def forward(self, x):
            return super().forward(x) * 2

    with pytest.raises(TypeError, match=r"save: a Doubled is made again .* as Doubled\(layers, name=.*save_weights"):
        Doubled().save(tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())
