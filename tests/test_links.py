"""Layers told as operations one after another: the numbers are those of the graph, to the last bit."""

import copy
import pickle

import numpy as np
import pytest

import nn
from autograd import Tensor, detect_anomaly, no_grad, sigmoid, tanh
from autograd.chain import SHAPES, _no_program
from autograd.op import elementwise
from nn.layers import Activation, BatchLayer, Dense, Dropout, Flatten
from nn.losses import MeanSquaredError
from nn.training import PART

MODELS = {
    "sigmoid": ([(6, "sigmoid"), (3, "sigmoid")], MeanSquaredError(half=True)),
    "mse": ([(6, "tanh"), (3, None)], "mse"),
    "softmax": ([(6, "relu"), (3, "softmax")], "categorical_crossentropy"),
    "binary": ([(6, "softplus"), (3, "sigmoid")], "binary_crossentropy"),
    "logits": ([(6, "relu"), (3, None)], nn.losses.CategoricalCrossentropy(from_logits=True)),
}


def compiled(layers, loss="mse", dtype="float32", optimizer="adam"):
    model = nn.Sequential([nn.Input((4,)), *layers], dtype=dtype, rng=1)
    model.compile(optimizer, loss, ["mae"])
    return model


def data(rows=23):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)), np.eye(3)[rng.integers(0, 3, rows)]


def recorded(model):
    """The same model, made to record a graph in each step."""
    model.objective._may_chain = False
    return model


def programs(model):
    """How many programs the training wrote."""
    return sum(
        p.__class__ is type(same_bits) and p is not _no_program for p in model.objective._passes._programs.values()
    )


def same_bits(one, other):
    for v, w in zip(one.get_weights(), other.get_weights(), strict=True):
        assert v.tobytes() == w.tobytes()


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


# ---------------------------------------------------------------- programs of the steps


class Every(nn.callbacks.Callback):
    """Does something to the model before some of the batches."""

    def __init__(self, batch, change):
        self.batch, self.change = batch, change

    def on_train_batch_begin(self, batch, logs):
        if batch == self.batch:
            self.change(self.model)


def set_weights(model):
    model.set_weights([w * 0.5 for w in model.get_weights()])


def assign(model):
    model.layers[0].weight.data = model.layers[0].weight.data * 2.0


def write(model):
    model.layers[0].bias.data += 0.25


def another_activation(model):
    model.layers[0].activation = "tanh" if model.layers[0].activation is not tanh else "sigmoid"


def another_loss(model):
    model.loss.half = not model.loss.half


def slower(model):
    model.optimizer.learning_rate *= 0.5


def another_optimizer(model):
    nn.SGD(model.parameters(), 0.0)


def look(model):
    for p in model.parameters():
        if p.grad is not None:
            p.grad[...] = 7.0


@pytest.mark.parametrize(
    "change", [set_weights, assign, write, another_activation, another_loss, slower, another_optimizer, look]
)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_what_is_changed_between_steps_counts_in_a_program_too(change, optimizer):
    x, y = data(30)
    models = [compiled([Dense(6, "relu"), Dense(3)], MeanSquaredError(), optimizer=optimizer) for _ in "12"]
    histories = [
        m.fit(x, y, 5, 4, callbacks=[Every(1, change)], verbose=0).history for m in (models[0], recorded(models[1]))
    ]
    assert programs(models[0]) >= 1
    assert histories[0] == histories[1]
    same_bits(*models)


def test_sigmoids_in_their_tails_are_computed_as_ever():
    x, y = data(30)
    x[7] *= 1e4  # for this sample e^-z overflows, and a program gives up
    models = [compiled([Dense(6, "sigmoid"), Dense(3)]) for _ in "12"]
    histories = [m.fit(x, y, 5, 20, verbose=0).history for m in (models[0], recorded(models[1]))]
    assert programs(models[0]) == 0  # it gave up too often
    assert histories[0] == histories[1]
    same_bits(*models)


def test_a_loss_that_is_not_finite_changes_no_weight_in_a_program_either():
    x, y = data(5)
    model = compiled([Dense(6, "relu"), Dense(3)])
    for _ in range(4):
        model.train_on_batch(x, y)
    assert programs(model) == 1
    before = model.get_weights()
    with pytest.raises(ArithmeticError, match="no weight was changed"):
        model.train_on_batch(x * 1e30, y)
    assert all(np.array_equal(v, w) for v, w in zip(before, model.get_weights(), strict=True))
    assert all(p.grad is None for p in model.parameters())
    model.train_on_batch(x, y)
    assert all(np.isfinite(p.grad).all() for p in model.parameters())


def test_gradients_after_a_program_are_those_of_the_batch():
    x, y = data(5)
    model = compiled([Dense(6, "tanh"), Dense(3, "sigmoid")], optimizer=nn.SGD(0.0), dtype="float64")
    for _ in range(4):
        model.train_on_batch(x, y)
    assert programs(model) == 1
    found = [p.grad for p in model.parameters()]
    for p in model.parameters():
        p.grad = None
    model.loss_of(x, y).backward()
    for p, g in zip(model.parameters(), found, strict=True):
        assert g == pytest.approx(p.grad, rel=1e-12)


def test_an_operation_of_ones_own_is_not_written_down():
    rate = [1.0]

    @elementwise(lambda z, x: rate[0])
    def scaled_for_this_test(x):
        return x * rate[0]

    def change(model):
        rate[0] = 0.5

    x, y = data(30)
    models = [compiled([Dense(6, scaled_for_this_test), Dense(3)]) for _ in "12"]
    histories = []
    for m in (models[0], recorded(models[1])):
        rate[0] = 1.0
        histories.append(m.fit(x, y, 5, 4, callbacks=[Every(1, change)], verbose=0).history)
    assert models[0].objective.links(y, 0.1) is not None
    assert programs(models[0]) == 0
    assert histories[0] == histories[1]


def test_weights_that_two_layers_share_get_both_gradients():
    models = []
    for _ in "12":
        model = nn.Sequential([nn.Input((4,)), Dense(4, "tanh"), Dense(4, "tanh"), Dense(3)], rng=1)
        model.layers[1].weight = model.layers[0].weight
        model.compile("adam", "mse", ["mae"])
        models.append(model)
    x, y = data(30)
    histories = [m.fit(x, y, 5, 4, verbose=0).history for m in (models[0], recorded(models[1]))]
    assert programs(models[0]) == 1
    assert histories[0] == histories[1]
    same_bits(*models)


def test_a_model_is_copied_without_its_programs():
    x, y = data(30)
    model = compiled([Dense(6, "relu"), Dense(3)])
    model.fit(x, y, 5, 2, verbose=0)
    assert programs(model) == 1
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        histories = [m.fit(x, y, 5, 2, shuffle=False, verbose=0).history for m in (copy.deepcopy(model), other)]
        assert histories[0] == histories[1]


def test_batches_of_many_sizes_do_not_fill_the_memory():
    model = compiled([Dense(6, "relu"), Dense(3)])
    for rows in range(1, 40):
        for _ in range(4):
            model.train_on_batch(*data(rows))
    assert 0 < programs(model) <= SHAPES + 1
