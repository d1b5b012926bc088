"""MLP.fit: nets of Values trained as a Sequential is, by programs or one number after the other."""

import copy
import pickle

import numpy as np
import pytest

from nn import MLP, SGD, losses, to_sequential
from nn.callbacks import EarlyStopping

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
