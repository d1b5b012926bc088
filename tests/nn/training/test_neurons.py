"""MLP.fit: nets of Values trained as a Sequential is, by programs or one number after the other."""

import copy
import pickle

import numpy as np
import pytest

from autograd import Value, vectorize
from nn import MLP, SGD, Adam, losses, to_sequential
from nn.callbacks import Callback, EarlyStopping

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
TARGETS = {
    "mse": ("linear", X[:, :2] ** 2),
    "mae": ("tanh", X[:, :2]),
    "huber": ("linear", 3 * X[:, :2]),
    "binary_crossentropy": ("sigmoid", (X[:, :2] > 0).astype(float)),
    "categorical_crossentropy": ("softmax", np.eye(2)[(X[:, 0] > 0).astype(int)]),
    "sparse_categorical_crossentropy": ("softmax", (X[:, 1] > 0).astype(int)),
}


def net_for(output):
    return MLP(3, [5, 2], activation="tanh", output_activation=output, rng=1)


def sequential_of(net, loss):
    model = to_sequential(net, rng=7)
    model.compile(SGD(learning_rate=0.1), loss)
    return model


def weights_of(net):
    return np.concatenate([w.ravel() for pair in net.get_weights() for w in pair])


@pytest.mark.parametrize("vectorize", [True, False])
@pytest.mark.parametrize("loss", TARGETS)
def test_it_has_the_history_and_the_weights_of_the_same_sequential(loss, vectorize):
    output, y = TARGETS[loss]
    net = net_for(output)
    model = sequential_of(net, loss)
    net.compile(SGD(learning_rate=0.1), loss)
    found = net.fit(X, y, batch_size=10, epochs=3, shuffle=False, verbose=0, vectorize=vectorize)
    expected = model.fit(X, y, batch_size=10, epochs=3, shuffle=False, verbose=0)
    assert found.history["loss"] == pytest.approx(expected.history["loss"], rel=1e-9)
    assert np.allclose(weights_of(net), weights_of_sequential(model), rtol=1e-9, atol=1e-12)
    assert net.evaluate(X, y)["loss"] == pytest.approx(model.evaluate(X, y, return_dict=True)["loss"], rel=1e-6)


def weights_of_sequential(model):
    arrays = model.get_weights()
    return np.concatenate([w.T.ravel() for w in arrays[::2]] + [b.ravel() for b in arrays[1::2]])


def test_weights_of_samples_and_classes_count_as_in_a_sequential():
    net = net_for("softmax")
    model = sequential_of(net, "sparse_categorical_crossentropy")
    net.compile(SGD(learning_rate=0.1), "sparse_categorical_crossentropy")
    y = (X[:, 1] > 0).astype(int)
    options = {"sample_weight": np.linspace(0.5, 2, 30), "class_weight": {1: 3.0}, "shuffle": False, "verbose": 0}
    found = net.fit(X, y, batch_size=10, epochs=2, **options)
    expected = model.fit(X, y, batch_size=10, epochs=2, **options)
    assert found.history["loss"] == pytest.approx(expected.history["loss"], rel=1e-9)


def test_metrics_validation_and_callbacks_work_as_in_a_sequential():
    net = net_for("softmax")
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    y = (X[:, 1] > 0).astype(int)
    stopping = EarlyStopping(monitor="val_loss", patience=1, min_delta=10.0, restore_best_weights=True)
    history = net.fit(X, y, epochs=9, validation_split=0.2, callbacks=stopping, verbose=0)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(history.history["loss"]) == 2


@pytest.mark.slow
def test_an_activation_of_ones_own_is_computed_sample_by_sample_where_arrays_do_not_do():
    net = MLP(3, [4, 1], activation=lambda z: z * z if z.data > 0 else z * 0.1, rng=0)
    net.compile(SGD(learning_rate=0.01), "mse")
    y = X[:, :1]
    with pytest.warns(RuntimeWarning, match="goes on as it is"):
        history = net.fit(X, y, epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_copies_and_pickles_of_a_compiled_net_train_on_their_own():
    net = net_for("linear")
    net.compile(SGD(learning_rate=0.1), "mse")
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        before = weights_of(net)
        other.fit(X, X[:, :2], epochs=1, verbose=0)
        assert np.array_equal(weights_of(net), before)
        assert not np.allclose(weights_of(other), before)


def test_what_is_missing_or_unknown_is_said():
    net = net_for("linear")
    for call in (lambda: net.fit(X, X), lambda: net.evaluate(X, X)):
        with pytest.raises(RuntimeError, match="not compiled"):
            call()
    with pytest.raises(ValueError, match="expected a loss"):
        net.compile("sgd")
    with pytest.raises(TypeError, match="knows no loss 'own' of one sample"):
        net.compile("sgd", losses.LossFunction(own))
    net.compile("sgd", "mse")
    with pytest.raises(ValueError, match="takes samples of 3 numbers"):
        net.fit(X[:, :2], X[:, :2])


def own(y_true, y_pred):
    return (y_true - y_pred).sum()


# ---------------------------------------------------------------- what the Values show


class Watching(Callback):
    """Reads a weight after every epoch."""

    def __init__(self, w):
        self.w, self.seen = w, []

    def on_epoch_end(self, epoch, logs):
        self.seen.append(self.w.data)


class WatchingBatches(Watching):
    def on_train_batch_end(self, batch, logs):
        self.seen.append(self.w.data)


def train(watch, *, vectorize, optimizer=Adam):
    """What `watch`, given a weight, has seen of it in a training, and the net."""
    net = net_for("linear")
    w = net.layers[0].neurons[0].w[1]
    seen, options, compiled = watch(w)
    net.compile(optimizer(compiled.pop("rate", 0.05)), "mse", **compiled)
    net.fit(X, X[:, :2], batch_size=10, epochs=4, verbose=0, shuffle=False, vectorize=vectorize, **options)
    return [*seen, w.data, w.grad], net


def by_callback(kind):
    def watch(w):
        callback = kind(w)
        return callback.seen, {"callbacks": [callback]}, {}

    return watch


def by_metric(w):
    seen = []

    def metric(y_true, y_pred):
        seen.append(w.data)
        return 0.0

    return seen, {}, {"metrics": [metric]}


def by_rate(w):
    seen = []

    def rate(step):
        seen.append(w.data)
        return 0.05

    return seen, {}, {"rate": rate}


@pytest.mark.parametrize("watch", [by_callback(Watching), by_callback(WatchingBatches), by_metric, by_rate])
def test_whoever_looks_during_a_training_sees_the_numbers_of_that_moment(watch):
    found, net = train(watch, vectorize=True)
    expected, other = train(watch, vectorize=False)
    assert len(found) == len(expected) > 3
    assert len(set(found)) > 3
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(
        [p.grad for p in net.parameters()], [p.grad for p in other.parameters()], rtol=1e-6, atol=1e-12
    )


def test_a_training_that_is_interrupted_leaves_the_numbers_that_it_came_to():
    class Interrupting(SGD):
        pass

    nets = []
    for kind in (SGD, Interrupting):  # one from vector to vector, and one that takes the long way
        net = net_for("linear")
        net.compile(kind(0.05), "mse")
        y = X[:, :2].copy()
        net.fit(X, y, batch_size=10, epochs=4, verbose=0, shuffle=False)
        y[25] = 1e200  # whose square is inf
        with pytest.raises(ArithmeticError, match="batch 3"):
            net.fit(X, y, batch_size=10, epochs=4, verbose=0, shuffle=False)
        nets.append([p.data for p in net.parameters()])
        before = net.get_weights()[0][0][0, 0]
        net.layers[0].neurons[0].w[0].data = 0.25
        assert before != 0.25
        net.fit(X, X[:, :2], batch_size=30, epochs=1, verbose=0)
        assert abs(net.layers[0].neurons[0].w[0].data - 0.25) < 0.2
    np.testing.assert_allclose(nets[0], nets[1], rtol=1e-9)


def test_a_step_over_samples_is_the_mean_and_its_backward():
    w = [Value(0.3), Value(-0.2)]
    each = vectorize(lambda x, y: ((w[0] * x[0] + w[1] * x[1]).tanh() - y) ** 2)
    x, y = X[:, :2], X[:, 2]
    for rows in (slice(0, 30), slice(0, 30), slice(0, 7)):
        for p in w:
            p.grad = 0.0
        loss = each.mean(x[rows], y[rows])
        loss.backward()
        expected = [loss.data, *(p.grad for p in w)]
        for p in w:
            p.grad = 0.0
        assert [each.step(x[rows], y[rows]), *(p.grad for p in w)] == expected
    z = np.tanh(x @ [0.3, -0.2])
    slope = (2 * (z - y) * (1 - z * z)) @ x / 30
    for p in w:
        p.grad = 0.0
    each.step(x, y)
    assert [p.grad for p in w] == pytest.approx(slope)


def test_a_net_of_tensors_refuses_to_be_trained_number_by_number():
    model = to_sequential(net_for("linear"))
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="vectorize=False is for nets of Values"):
        model.fit(X, X[:, :2], verbose=0, vectorize=False)
