"""Without what only makes things faster everything works, and gives the same numbers but for rounding.

Each computation is made twice: as it is, and with all fast roads closed, so that neurons are two nodes, parameters
stay where they are, and every step of a training records a graph.
"""

import numpy as np
import pytest

import nn
from autograd import Tensor, Value, derive, no_grad, squared_error
from autograd.fast import roads
from autograd.ops.matrices import dot
from nn.losses import MeanSquaredError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 4))
Y = np.eye(3)[RNG.integers(0, 3, 23)]
OPTIMIZERS = {
    "sgd": lambda: nn.SGD(0.1),
    "momentum": lambda: nn.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: nn.RMSprop(0.01, centered=True, momentum=0.5),
    "adam": lambda: nn.Adam(0.01),
    "adamw": lambda: nn.AdamW(0.01, weight_decay=0.1),
    "adagrad": lambda: nn.Adagrad(0.1),
    "clipped": lambda: nn.SGD(0.1, global_clipnorm=0.1),
    "each clipped": lambda: nn.Adam(0.01, clipnorm=0.05),
}


@pytest.fixture
def both(monkeypatch):
    """The numbers of a computation on the fast roads and off them."""

    def both(compute):
        fast = compute()
        with monkeypatch.context() as closed:
            closed.setattr(roads, "are_open", lambda: False)
            slow = compute()
        return fast, slow

    return both


def same(fast, slow):
    assert len(fast) == len(slow) > 0
    for a, b in zip(fast, slow, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-9, atol=1e-12)


def sequential(optimizer="adam", loss="categorical_crossentropy"):
    model = nn.Sequential([nn.Dense(6, "tanh", input_shape=(4,)), nn.Dense(3, "softmax")], dtype="float64", rng=1)
    model.compile(optimizer, loss, ["accuracy"])
    return model


def test_closed_roads_are_not_taken(both):
    def traces():
        model, net = sequential(), nn.MLP(2, [3, 1], rng=0)
        model.fit(X, Y, 8, 2, verbose=0)
        node = net([0.5, 1.0])
        return (
            any(shape.written is not None for shape in model.objective._programs._shapes.values()),
            all(p._buffer is not None and p._data.base is not None for p in model.parameters()),
            hasattr(node, "_dy"),
        )

    assert both(traces) == ((True,) * 3, (False,) * 3)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nets_of_values_learn_the_same(both, name):
    def learned():
        net = nn.MLP(2, [4, 3, 1], ["tanh", lambda z: z * z], "sigmoid", rng=0)
        optimizer = OPTIMIZERS[name]()
        optimizer.bind(net.parameters())
        for k in range(20):
            optimizer.zero_grad()
            loss = squared_error(net([Value(0.1 * k), 1.0]), 0.5)
            loss.backward()
            optimizer.step()
        return [p.data for p in net.parameters()] + [p.grad for p in net.parameters()]

    same(*both(learned))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nets_of_tensors_learn_the_same(both, name):
    def learned():
        model = sequential(OPTIMIZERS[name]())
        history = model.fit(X, Y, 5, 4, validation_split=0.2, verbose=0).history
        return [*history.values(), *model.get_weights(), model.predict(X)]

    same(*both(learned))


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", MeanSquaredError(half=True), "categorical_crossentropy"])
@pytest.mark.parametrize("rows", [23, 5000])
def test_every_loss_and_size_of_batch_comes_to_the_same(both, loss, rows):
    def learned():
        model = sequential("sgd", loss)
        x, y = np.resize(X, (rows, 4)), np.resize(Y, (rows, 3))
        model.train_on_batch(x, y)
        return [*model.get_weights(), model.evaluate(x, y, return_dict=True)["loss"]]

    same(*both(learned))


def test_a_training_is_saved_and_goes_on(both, tmp_path):
    def resumed():
        model = sequential()
        model.fit(X, Y, 5, 2, verbose=0)
        model.save(tmp_path / "model.npz")
        model = nn.load_model(tmp_path / "model.npz")
        model.fit(X, Y, 5, 4, initial_epoch=2, verbose=0)
        return model.get_weights()

    fast, slow = both(resumed)
    same(fast, slow)
    whole = sequential()
    whole.fit(X, Y, 5, 4, verbose=0)
    same(fast, whole.get_weights())


def test_a_training_begun_on_the_fast_roads_goes_on_off_them(both, tmp_path):
    path = tmp_path / "model.npz"
    begun = sequential()
    begun.fit(X, Y, 5, 2, verbose=0)
    begun.save(path)

    def rest():
        model = nn.load_model(path)
        model.fit(X, Y, 5, 4, initial_epoch=2, verbose=0)
        return model.get_weights()

    same(*both(rest))


def test_derivations_have_the_same_paths(both):
    def paths():
        net = nn.MLP(2, [3, 2], "sigmoid", "tanh", rng=0)
        loss = squared_error(net(nn.inputs([0.5, -1.0])), [0.1, 0.2])
        derived = derive(loss, net.layers[0].neurons[0].w[0])
        return [derived.value, derived.count, *(path.value for path in derived.paths)], str(derived)

    (fast, text), (slow, other) = both(paths)
    assert fast[1] == 2
    same(fast, slow)
    assert text == other


def test_neurons_as_two_nodes_are_an_activation_of_a_weighted_sum(both):
    def operations():
        a = nn.Neuron(2, "tanh", rng=0)([1.0, 2.0])
        return a.op.name, a.operands[0].op.name, a.operands[0].label, a.data

    fast, slow = both(operations)
    assert fast[:3] == slow[:3] == ("tanh", dot.op.name, "z")
    assert fast[3] == pytest.approx(slow[3])


def test_gradients_of_each_sample_are_the_same(both):
    def each():
        return nn.per_sample_gradients(sequential(), X, Y)

    same(*both(each))


def test_what_is_given_is_given_back(both):
    def outputs():
        model = sequential()
        with no_grad():
            z = model(Tensor(X))
        return [z.numpy(), model.predict(X), model.loss_of(X, Y).item()], z.label

    (fast, label), (slow, other) = both(outputs)
    same(fast, slow)
    assert label == other == "A[2]"


def test_a_copy_trains_by_itself(both):
    import copy

    def copies():
        model = sequential()
        model.train_on_batch(X, Y)
        twin = copy.deepcopy(model)
        twin.train_on_batch(X, Y)
        return [*model.get_weights(), *twin.get_weights()]

    same(*both(copies))
