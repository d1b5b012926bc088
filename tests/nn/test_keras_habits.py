"""Code as Keras' tutorials write it, with only its imports changed."""

import re

import numpy as np
import pytest

import nn
from nn import Sequential, activations, layers, losses, optimizers, regularizers
from nn.callbacks import EarlyStopping
from nn.data import one_hot
from nn.foreign import OPTIONS
from nn.layers import Activation, Dense, Dropout, Flatten, Input

RNG = np.random.default_rng(1)


def points(n, features=10):
    x = RNG.normal(size=(n, features))
    return x, (x.sum(axis=1) > 0).astype(int)


@pytest.mark.slow
def test_the_last_two_slides_of_the_lecture(capsys):
    X_train, Y_train = points(200)
    X_val, Y_val = points(50)
    X_test, Y_test = points(50)

    # built model
    model = Sequential([
        Dense(32, activation='relu', input_shape=(10,)),
        Dense(32, activation='relu'),
        Dense(1, activation='sigmoid'),
    ])  # fmt: skip
    # compile your model
    model.compile(optimizer='sgd',
                  loss='binary_crossentropy',
                  metrics=['accuracy'])  # fmt: skip
    # now train your model using fit
    hist = model.fit(X_train, Y_train,
                     batch_size=32, epochs=100,
                     validation_data=(X_val, Y_val))  # fmt: skip
    # evaluate your model using model.evaluate
    model.evaluate(X_test, Y_test)

    assert set(hist.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(hist.history["loss"]) == 100
    assert hist.history["loss"][-1] < hist.history["loss"][0]
    assert model.evaluate(X_test, Y_test)[1] > 0.7  # its weights are drawn anew in each run
    assert model.count_params() == 10 * 32 + 32 + 32 * 32 + 32 + 32 + 1


def test_images_by_add_with_sparse_labels():
    x_train = RNG.integers(0, 256, (60, 8, 8)).astype("uint8")
    y_train = (x_train.mean(axis=(1, 2)) > 127).astype(int)
    x_train = x_train / 255.0

    model = Sequential()
    model.add(Input(shape=(8, 8)))
    model.add(Flatten())
    model.add(Dense(16, activation="relu", kernel_initializer="he_normal", kernel_regularizer="l2"))
    model.add(Dropout(0.2))
    model.add(Dense(2))
    model.add(Activation("softmax"))
    model.compile(optimizer=optimizers.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    history = model.fit(x_train, y_train, epochs=5, batch_size=16, validation_split=0.2, verbose=0)
    test_loss, test_acc = model.evaluate(x_train, y_train, verbose=0)
    probabilities = model.predict(x_train)
    classes = np.argmax(probabilities, axis=1)

    assert history.epoch == [0, 1, 2, 3, 4]
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(60), abs=1e-6)
    assert test_acc == pytest.approx((classes == y_train).mean())
    assert test_loss > 0


def test_one_hot_targets_with_objects_everywhere():
    x, y = points(90, 4)
    model = Sequential([layers.Input(shape=(4,)), layers.Dense(8, activation="tanh"), layers.Dense(2)])
    model.compile(
        optimizer=optimizers.SGD(learning_rate=0.1, momentum=0.9, nesterov=True),
        loss=losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(
        x,
        one_hot(y, 2),
        epochs=20,
        verbose=0,
        validation_split=0.25,
        shuffle=True,
        callbacks=[EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)],
        class_weight={0: 1.0, 1: 2.0},
    )
    assert history.history["accuracy"][-1] > 0.8


def test_regression_with_input_dim_and_metrics():
    x = np.linspace(-1, 1, 40)
    y = 3 * x + 1
    model = Sequential([Dense(1, input_dim=1)])
    model.compile(loss="mean_squared_error", optimizer=optimizers.SGD(learning_rate=0.1), metrics=["mae"])
    history = model.fit(x, y, epochs=60, verbose=0)
    kernel, bias = model.get_weights()
    assert kernel == pytest.approx(3.0, abs=0.05)
    assert bias == pytest.approx(1.0, abs=0.05)
    assert set(history.history) == {"loss", "mae"}
    assert model.predict(np.array([0.5])) == pytest.approx(2.5, abs=0.1)


def test_activations_and_regularizers_as_functions_of_their_modules():
    x, y = points(40, 3)
    dense = Dense(4, activation=activations.relu, kernel_regularizer=regularizers.l2(0.01))
    model = Sequential([dense, Dense(1, activation=activations.sigmoid, bias_regularizer=regularizers.l1_l2(0.1, 0.2))])
    model.compile("sgd", "binary_crossentropy")
    model.fit(x, y, verbose=0)
    kernel, _, _, bias = model.get_weights()
    plain = Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(1, activation="sigmoid")])
    plain.compile("sgd", "binary_crossentropy")
    plain.set_weights(model.get_weights())
    penalty = 0.01 * (kernel**2).sum() + 0.1 * abs(bias).sum() + 0.2 * (bias**2).sum()
    assert model.evaluate(x, y) - plain.evaluate(x, y) == pytest.approx(penalty, rel=1e-4)


def test_going_on_from_an_epoch():
    x, y = points(40, 3)
    model = Sequential([Dense(4, activation="relu"), Dense(1, activation="sigmoid")])
    model.compile("rmsprop", "binary_crossentropy")
    first = model.fit(x, y, epochs=3, verbose=0)
    second = model.fit(x, y, epochs=5, initial_epoch=3, verbose=0, sample_weight=np.ones(40))
    assert (first.epoch, second.epoch) == ([0, 1, 2], [3, 4])
    assert second.history["loss"][0] < first.history["loss"][0]


def test_weights_travel_between_models_by_layer():
    model, other = (Sequential([Dense(4, input_shape=(3,), name="first"), Dense(2)]) for _ in range(2))
    other.get_layer("first").set_weights(model.get_layer("first").get_weights())
    other.layers[1].set_weights(model.layers[-1].get_weights())
    x, _ = points(5, 3)
    assert np.array_equal(other.predict(x), model.predict(x))
    assert other.predict(x, batch_size=2, verbose=0).dtype == np.float32


@pytest.mark.parametrize("make", [nn.MultiHeadAttention, nn.Dense, nn.Dropout, nn.LSTM, nn.Embedding, nn.Adam])
def test_what_an_option_is_said_to_be_called_is_one_that_there_is(make):
    for name in OPTIONS:
        try:
            make(**{name: 1})
        except TypeError as refused:
            told = re.search(r"unknown option .*; it is called (\w+).*known: (.*)", str(refused))
            assert told is None or told[1] in told[2].split(", ")


def test_a_layer_that_draws_nothing_itself_says_who_does():
    with pytest.raises(TypeError, match=r"unknown option 'seed'; the model draws .*Sequential\(layers, rng=0\)"):
        nn.MultiHeadAttention(2, 4, seed=0)
    with pytest.raises(TypeError, match=r"unknown option 'seed'; it is called rng"):
        nn.Dropout(0.5, seed=0)


@pytest.mark.parametrize("name", ["train_step", "call"])
def test_a_model_does_not_pass_over_a_method_that_keras_would_use(name):
    with pytest.raises(TypeError, match=f"VAE: {name} would not be used: .*forward"):
        type("VAE", (nn.Model,), {name: lambda self, x: x})


def test_a_layer_does_not_pass_over_methods_that_keras_would_use():
    with pytest.raises(TypeError, match=r"Mine: call would not be used: .* is in forward\(self, x\)"):
        type("Mine", (nn.BatchLayer,), {"call": lambda self, x: x})
    with pytest.raises(
        TypeError, match=r"Mine: parameters are made by make_parameters\(self, input_shape, dtype, rng\)"
    ):
        type("Mine", (nn.BatchLayer,), {"build": lambda self, input_shape: None})


def test_schedules_are_where_keras_has_them_too():
    assert nn.optimizers.schedules.ExponentialDecay is nn.schedules.ExponentialDecay
