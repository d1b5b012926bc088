"""Steps of a training: with programs the numbers are those of the graph, to the last bit."""

import copy

import numpy as np
import pytest
from sizes import slow
from trained import compiled, data, programs, recorded, same_bits

import nn
from autograd import Tensor, detect_anomaly, exp, log, mean, no_grad, sigmoid, tanh, where
from autograd.ops.matrices import affine
from nn import Input, Model, Sequential
from nn.layers import (
    GRU,
    LSTM,
    Activation,
    AveragePooling2D,
    BatchLayer,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling2D,
    LayerNormalization,
    MaxPooling2D,
    MultiHeadAttention,
    SimpleRNN,
    UpSampling2D,
)
from nn.losses import MeanSquaredError
from nn.regularizers import L2

MODELS = {
    "sigmoid": ([(6, "sigmoid"), (3, "sigmoid")], MeanSquaredError(half=True)),
    "mse": ([(6, "tanh"), (3, None)], "mse"),
    "softmax": ([(6, "relu"), (3, "softmax")], "categorical_crossentropy"),
    "binary": ([(6, "softplus"), (3, "sigmoid")], "binary_crossentropy"),
    "logits": ([(6, "relu"), (3, None)], nn.losses.CategoricalCrossentropy(from_logits=True)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_training_by_programs_gives_the_same_history(name, weighted, dtype):
    layers, loss = MODELS[name]
    x, y = data()
    weights = np.linspace(0.5, 2, len(x)) if weighted else None
    one, other = (compiled([Dense(*layer) for layer in layers], loss, dtype) for _ in range(2))
    histories = [m.fit(x, y, 5, 3, sample_weight=weights, verbose=0).history for m in (one, recorded(other))]
    assert histories[0] == histories[1]
    same_bits(one, other)
    assert programs(one) == 2  # one for the last batch, which is shorter
    assert programs(other) == 0


def test_programs_do_not_take_weights_of_samples_for_targets_of_the_same_shape():
    rng = np.random.default_rng(3)
    x, y, weights = rng.normal(size=(30, 1)), rng.normal(size=(30, 1)), rng.uniform(0.5, 2.0, 30)
    w = np.float64(0.7)
    model = nn.Sequential([nn.Dense(1, use_bias=False, input_dim=1)], dtype="float64")
    model.compile(nn.SGD(0.05), "mse")
    model.set_weights([[[w]]])
    model.fit(x, y, 5, 4, shuffle=False, sample_weight=weights, verbose=0)
    for _ in range(4):
        for i in range(0, 30, 5):
            xi, yi, vi = x[i : i + 5, 0], y[i : i + 5, 0], weights[i : i + 5]
            w = w - 0.05 * np.mean(vi * 2 * (w * xi - yi) * xi)
    assert programs(model) == 1
    assert model.get_weights()[0].item() == pytest.approx(w, rel=1e-12)


def test_all_layers_agree_with_their_graph():
    def make():
        model = nn.Sequential(
            [nn.Input((2, 2)), Flatten(), Dense(5), Activation("tanh"), Dropout(0.0), Dense(3, "softmax")], rng=1
        )
        model.compile("sgd", "categorical_crossentropy")
        return model

    x, y = data()
    one, other = make(), recorded(make())
    histories = [m.fit(x.reshape(-1, 2, 2), y, 5, 3, verbose=0).history for m in (one, other)]
    assert histories[0] == histories[1]
    same_bits(one, other)


@pytest.mark.parametrize("dtype", ["float32", *slow("float64")])
@pytest.mark.parametrize("ordered", [np.asfortranarray, lambda x: np.repeat(x, 2, axis=1)[:, ::2], lambda x: x[::-1]])
def test_data_in_another_order_in_memory_give_the_same_history(ordered, dtype):
    rng = np.random.default_rng(0)
    for features in (3, 7, 13, 21, 37, 41):
        x = ordered(rng.normal(size=(21, features)).astype(dtype))
        y = rng.normal(size=(21, 1)).astype(dtype)
        histories = []
        for change in (lambda m: m, recorded):
            model = nn.Sequential([nn.Input((features,)), Dense(1)], dtype=dtype, rng=1)
            model.compile("sgd", "mse")
            change(model)
            losses = [model.train_on_batch(x[i:], y[i:]) for i in (0, 16, 20)]
            histories.append((losses, model.fit(x, y, 4, 4, shuffle=False, verbose=0).history))
        assert histories[0] == histories[1]


class WithoutItsBias(Dense):
    def steps(self):
        return [(affine, (self.weight, Tensor(np.full(self.units, 0.5), dtype=self.weight.dtype)), None)]


def test_a_parameter_that_its_layer_does_not_use_is_left_alone():
    x, y = data(3000)
    one, other = (compiled([WithoutItsBias(6), Dense(3)], dtype="float64", optimizer="sgd") for _ in "12")
    recorded(other)
    for model in (one, other):
        unused = model.layers[0].bias
        before = unused.data.copy()
        model.train_on_batch(x, y)
        assert unused.grad is None
        assert np.array_equal(unused.data, before)
    for v, u in zip(one.get_weights(), other.get_weights(), strict=True):
        assert v == pytest.approx(u, rel=1e-10, abs=1e-14)


def test_a_large_batch_without_a_finite_loss_changes_no_weight():
    x, y = data(3000)
    model = compiled([Dense(3)], dtype="float32", optimizer="sgd")
    before = model.get_weights()
    x[-1] = 1e30
    with pytest.raises(ArithmeticError, match="no weight was changed"):
        model.fit(x, y, len(x), 1, verbose=0)
    assert all(np.array_equal(v, w) for v, w in zip(before, model.get_weights(), strict=True))


class Doubled(Dense):
    def forward(self, x):
        return super().forward(x) * 2.0


class Half(MeanSquaredError):
    def of_batch(self, y_pred, target, weight, from_logits):
        return super().of_batch(y_pred, target, weight, from_logits) * 0.5


class Twice(BatchLayer):
    def forward(self, x):
        return x * 2.0


class Scale(BatchLayer):
    def make_parameters(self, input_shape, dtype, rng):
        self.scale = Tensor(np.full(input_shape, 0.7), dtype=dtype)

    def forward(self, x):
        return x * self.scale


class Gate(BatchLayer):
    slope = 0.2

    def forward(self, x):
        return where(x > 0, x, self.slope * tanh(x))


def normalized(z):
    d = z - z.mean(1, keepdims=True)
    return d / (mean(d * d, 1, True) + 1e-3) ** 0.5


def cosh_error(y_true, y_pred):
    d = y_pred - y_true
    return log(exp(d) + exp(-d)).mean(axis=1)


OWN = {
    "twice": [Dense(6), Twice(), Dense(3)],
    "own, with a parent's forward": [Doubled(6, "tanh"), Dense(3)],
    "own, with parameters": [Scale(), Dense(6, "tanh"), Scale(), Dense(3)],
    "own, choosing by its numbers": [Gate(), Dense(6), Gate(), Dense(3)],
    "regularizers": [Dense(6, "relu", kernel_regularizer="l1_l2"), Dense(3, bias_regularizer=L2(0.1))],
    "a regularizer of one's own": [Dense(6, kernel_regularizer=lambda w: (w**4).sum()), Dense(3)],
    "dropout": [Dropout(0.3), Dense(6, "relu"), Dropout(0.5), Dense(3)],
    "leaky": [Dense(6, "leaky_relu"), Dense(3)],
    "slopes drawn": [Dense(6, "randomized_leaky_relu"), Dense(3)],
    "no bias": [Dense(6, "sigmoid", use_bias=False), Dense(3, use_bias=False)],
    "a function": [Dense(6, lambda z: sigmoid(z) * z), Dense(3)],
    "a normalisation": [Dense(6, normalized), Dense(3)],
    "softmax inside": [Dense(6, "softmax"), Dense(3, "log_softmax")],
    "of two types": [Dense(6, "tanh", dtype="float64"), Dense(3)],
}


LOSSES = {"mse": "mse", "mae": "mae", "huber": "huber", "one's own": Half(), "a function": cosh_error}


@pytest.mark.parametrize("loss", ["mse", "one's own", *slow("mae", "huber", "a function")])
@pytest.mark.parametrize("name", OWN)
def test_every_net_of_known_operations_trains_by_programs(name, loss):
    x, y = data()
    one, other = (compiled(copy.deepcopy(OWN[name]), LOSSES[loss]) for _ in "12")
    histories = [m.fit(x, y, 5, 3, verbose=0).history for m in (one, recorded(other))]
    assert histories[0] == histories[1]
    same_bits(one, other)
    assert programs(one) == 2


def test_dropout_goes_on_with_the_numbers_of_the_graph_where_a_program_gives_up():
    x, y = data(30)
    x[7] *= 1e4  # for this sample e^-z overflows, and a program gives up after it has drawn
    one, other = (compiled([Dropout(0.3), Dense(6, "sigmoid"), Dense(3)]) for _ in "12")
    histories = [m.fit(x, y, 5, 3, verbose=0).history for m in (one, recorded(other))]
    assert histories[0] == histories[1]
    assert one.rng.random() == other.rng.random()


def test_a_model_in_which_somebody_watches_records_a_graph():
    x, y = data(5)
    with detect_anomaly():
        model = compiled([Dense(3)])
        for _ in range(5):
            model.train_on_batch(x, y)
    assert programs(model) == 0


def test_a_forward_set_in_one_layer_alone_counts():
    x, _ = data()
    layer = Dense(3)
    model = compiled([layer])
    layer.forward = lambda x: Tensor(np.zeros((len(x), 3)))
    with no_grad():
        for _ in range(5):
            assert not model(x).numpy().any()


def test_a_layer_changed_in_the_middle_of_training_counts_at_once():
    x, y = data()

    class Change(nn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            self.model.layers[0].activation = "tanh" if batch % 2 else "relu"

    one, other = (compiled([Dense(6, "relu"), Dense(3)]) for _ in range(2))
    histories = [m.fit(x, y, 5, 3, callbacks=[Change()], verbose=0).history for m in (one, recorded(other))]
    assert histories[0] == histories[1]
    same_bits(one, other)


def test_inference_without_a_graph_gives_the_same_bits_and_label():
    x, _ = data()
    model = compiled([Dense(6, "tanh"), Dense(3, "sigmoid")])
    graph = model(x)
    with no_grad():
        z = model(x)
    assert z.is_leaf
    assert z.label == graph.label == "A[2]"
    assert z.numpy().tobytes() == graph.numpy().tobytes() == model.predict(x).tobytes()
    model.layers[0].activation = tanh
    model.layers[1].activation = "linear"
    with no_grad():
        assert model(x).numpy().tobytes() == model(x).numpy().tobytes()
        assert model(x).label == "Z[2]"
    with no_grad():
        changed = model(x).numpy()
    assert changed.tobytes() == model(x).numpy().tobytes()


def test_a_net_that_changes_nothing_gives_numbers_of_its_own():
    x = Tensor(np.ones((2, 4)), dtype="float32")
    for layer in (Activation("linear"), Flatten()):
        model = nn.Sequential([nn.Input((4,)), layer])
        with no_grad():
            z = model(x)
        z.data[...] = 5.0
        assert (x.numpy() == 1.0).all()


def test_metrics_and_losses_of_ones_own_receive_targets_and_outputs_of_the_batch():
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    seen = {"loss": [], "metric": []}

    def my_loss(y_true, y_pred):
        seen["loss"].append((y_true, y_pred))
        return mean((y_pred - y_true) ** 2)

    def my_metric(y_true, y_pred):
        seen["metric"].append((y_true, y_pred))
        return np.abs(y_true - y_pred).reshape(len(y_true), -1).mean(axis=1)

    model = nn.Sequential([Dense(1, "sigmoid", input_dim=2)], dtype="float64", rng=0)
    model.compile(nn.SGD(0.0), my_loss, [my_metric])
    outputs = model.predict(x)
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    for (y_true, y_pred), rows in zip(seen["loss"], (slice(0, 4), slice(4, 6)), strict=True):
        assert type(y_true) is np.ndarray
        assert (y_true.shape, y_true.dtype) == ((rows.stop - rows.start, 1), np.float64)
        assert y_true[:, 0].tolist() == y[rows].tolist()
        np.testing.assert_allclose(y_pred.numpy(), outputs[rows], rtol=1e-14)
    given = [np.concatenate([np.reshape(pair[i], -1) for pair in seen["metric"]]) for i in (0, 1)]
    assert given[0].tolist() == y.tolist()
    np.testing.assert_allclose(given[1], outputs[:, 0], rtol=1e-14)


def test_metrics_receive_probabilities_where_the_loss_takes_weighted_sums():
    x, labels = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 3
    seen = []

    def largest(y_true, y_pred):
        seen.append(np.array(y_pred))
        return y_pred.max(axis=1)

    model = nn.Sequential([Dense(3, "softmax", input_dim=3)], dtype="float64", rng=0)
    model.compile(nn.SGD(0.0), "sparse_categorical_crossentropy", [largest])
    model.fit(x, labels, batch_size=20, shuffle=False, verbose=0)
    np.testing.assert_allclose(seen[0], model.predict(x), rtol=1e-14)
    np.testing.assert_allclose(seen[0].sum(axis=1), 1.0, rtol=1e-14)


def pictures():
    layers = [Conv2D(3, 3, padding="same", activation="relu", input_shape=(6, 6, 2)), MaxPooling2D()]
    return Sequential([*layers, Conv2D(2, 2, strides=2), AveragePooling2D(1), Flatten(), Dense(3, "softmax")], rng=0)


def enlarged():
    layers = [UpSampling2D(2, input_shape=(3, 3, 1)), Conv2D(2, 3, padding="same"), MaxPooling2D(2, 1)]
    return Sequential([*layers, GlobalAveragePooling2D(), Dense(3, "softmax")], rng=0)


def recurrent():
    layers = [LSTM(4, return_sequences=True, input_shape=(5, 3)), GRU(3, return_sequences=True), SimpleRNN(3)]
    return Sequential([*layers, Dense(3, "softmax")], rng=0)


def attending():
    signs, places = Input((5,)), Input((5,))
    h = Embedding(3, 4)(signs) + Embedding(5, 4)(places)
    n = LayerNormalization()(h)
    h = h + MultiHeadAttention(2, 2, dropout=0.2)(n, n, use_causal_mask=True)
    return Model([signs, places], Dense(3, "softmax")(Flatten()(h)), rng=0)


@pytest.mark.parametrize("make", [pictures, enlarged, recurrent, attending])
def test_nets_of_all_kinds_train_by_programs(make):
    one, other = make(), make()
    rng = np.random.default_rng(0)
    batches = [([rng.integers(0, 3, (5, *shape)) for shape in one.input_shapes], np.arange(5) % 3) for _ in range(6)]
    for model in (one, other):
        model.compile("adam", "sparse_categorical_crossentropy")
    losses = [[m.train_on_batch(x if len(x) > 1 else x[0], y) for x, y in batches] for m in (one, recorded(other))]
    assert losses[0] == losses[1]
    same_bits(one, other)
    assert (programs(one), programs(other)) == (1, 0)
