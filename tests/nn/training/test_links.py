"""Layers told as operations one after another: the numbers are those of the graph, to the last bit."""

import numpy as np
import pytest
from trained import compiled, data, programs, recorded, same_bits

import nn
from autograd import Tensor, detect_anomaly, no_grad, sigmoid, tanh
from autograd.ops.matrices import affine
from nn.layers import Activation, BatchLayer, Dense, Dropout, Flatten
from nn.losses import MeanSquaredError
from nn.training.objective import PART

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
def test_training_without_a_graph_gives_the_same_history(name, weighted, dtype):
    layers, loss = MODELS[name]
    x, y = data()
    weights = np.linspace(0.5, 2, len(x)) if weighted else None
    one, other = (compiled([Dense(*layer) for layer in layers], loss, dtype) for _ in range(2))
    assert one.objective.links(y, 0.1) is not None
    histories = [m.fit(x, y, 5, 3, sample_weight=weights, verbose=0).history for m in (one, recorded(other))]
    assert histories[0] == histories[1]
    same_bits(one, other)
    assert programs(one) == 2  # one for the last batch, which is shorter
    assert programs(other) == 0


def test_all_layers_that_offer_links_agree_with_their_graph():
    def make():
        model = nn.Sequential(
            [nn.Input((2, 2)), Flatten(), Dense(5), Activation("tanh"), Dropout(0.0), Dense(3, "softmax")], rng=1
        )
        model.compile("sgd", "categorical_crossentropy")
        return model

    x, y = data()
    one, other = make(), recorded(make())
    assert one.objective.links(y, 0.1) is not None
    histories = [m.fit(x.reshape(-1, 2, 2), y, 5, 3, verbose=0).history for m in (one, other)]
    assert histories[0] == histories[1]
    same_bits(one, other)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
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


def test_a_large_batch_in_parts_comes_to_the_same_but_for_rounding():
    x, y = data(2 * PART + 77)
    weights = np.linspace(0.5, 2, len(x))
    for w in (None, weights):
        one, other = (
            compiled([Dense(6, "relu"), Dense(3, "softmax")], *MODELS["softmax"][1:], "float64", "sgd") for _ in "12"
        )
        losses = [m.fit(x, y, len(x), 3, sample_weight=w, verbose=0).history for m in (one, recorded(other))]
        assert losses[0]["loss"] == pytest.approx(losses[1]["loss"], rel=1e-13)
        assert losses[0]["mae"] == pytest.approx(losses[1]["mae"], rel=1e-13)
        for v, u in zip(one.get_weights(), other.get_weights(), strict=True):
            assert v == pytest.approx(u, rel=1e-10, abs=1e-14)


class WithoutItsBias(Dense):
    def steps(self):
        return [(affine, (self.weight, Tensor(np.full(self.units, 0.5), dtype=self.weight.dtype)), None)]


def test_a_large_batch_leaves_a_parameter_alone_that_its_layer_does_not_use():
    x, y = data(2 * PART + 77)
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
    x, y = data(2 * PART)
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


def test_layers_and_losses_of_ones_own_are_recorded():
    x, y = data()
    for layers, loss in (
        ([Doubled(3)], "mse"),
        ([Dense(3), Twice()], "mse"),
        ([Dense(3)], Half()),
        ([Dense(3)], "mae"),
        ([Dense(3, kernel_regularizer="l2")], "mse"),
        ([Dropout(0.5), Dense(3)], "mse"),
        ([Dense(3, "leaky_relu")], "mse"),
        ([Dense(3, lambda z: sigmoid(z) * 2.0)], "mse"),
        ([Dense(3, dtype="float64")], "mse"),
    ):
        assert compiled(layers, loss).objective.links(y, 0.1) is None
    layer = Dense(3)
    model = compiled([layer])
    layer.forward = lambda x: Tensor(np.zeros((len(x), 3)))  # in this layer alone
    with no_grad():
        assert not model(x).numpy().any()
    with detect_anomaly():
        assert compiled([Dense(3)]).objective.links(y, 0.1) is None


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
