"""The mode of a step is that of the step: threads, callbacks and Ctrl-C do not reach into a running training."""

import signal
import threading

import numpy as np
import pytest
from sizes import slow

from nn.callbacks import Callback, LambdaCallback
from nn.layers import BatchLayer, Dense, Dropout, Input
from nn.models.sequential import Sequential
from nn.optimizers import SGD, Adam

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(40, 4)), RNG.normal(size=(40, 1))


def compiled(*layers, optimizer="sgd"):
    model = Sequential([Input((4,)), Dense(8, "tanh"), *layers, Dense(1)], dtype="float64", rng=0)
    model.compile(optimizer, "mse")
    return model


def history(model, **options):
    return model.fit(X, Y, batch_size=8, epochs=3, verbose=0, **options).history["loss"]


class Watching(BatchLayer):
    """Writes down in which mode it computes, and lets a test come in between."""

    def __init__(self):
        super().__init__()
        self.modes, self.meanwhile = [], None

    def forward(self, x):
        if self.meanwhile is not None:
            self.meanwhile()
        self.modes.append(self.training)
        return x


def test_eval_in_a_callback_leaves_dropout_on_in_the_steps():
    model = compiled(Dropout(0.5))
    expected = history(compiled(Dropout(0.5)))
    assert history(model, callbacks=LambdaCallback(on_train_batch_end=lambda batch, logs: model.eval())) == expected
    assert not model.training  # what the callback set holds where nobody says otherwise
    assert np.array_equal(model(X).numpy(), model.predict(X))


def test_predict_and_evaluate_in_a_callback_leave_dropout_on_in_the_steps():
    model = compiled(Dropout(0.5))

    def look(batch, logs):
        assert np.array_equal(model.predict(X), model.predict(X))
        model.evaluate(X, Y)

    assert history(model, callbacks=LambdaCallback(on_train_batch_begin=look)) == history(compiled(Dropout(0.5)))


def test_another_thread_that_predicts_in_the_middle_of_a_step_does_not_change_it():
    layer = Watching()
    model = compiled(Dropout(0.5), layer)
    inside = []

    def predict():
        before, layer.meanwhile = layer.meanwhile, None
        inside.append(model.predict(X[:3]))
        layer.meanwhile = before

    def meanwhile():
        thread = threading.Thread(target=predict)
        thread.start()
        thread.join()

    layer.meanwhile = meanwhile
    model.fit(X, Y, batch_size=8, verbose=0)
    assert len(inside) == 5
    assert layer.modes == [False, True] * 5


def test_another_thread_in_the_middle_of_predict_leaves_it_without_dropout():
    layer = Watching()
    model = compiled(Dropout(0.5), layer)
    expected = model.predict(X)

    def meanwhile():
        layer.meanwhile = None
        thread = threading.Thread(target=model.train)
        thread.start()
        thread.join()

    layer.meanwhile = meanwhile
    assert np.array_equal(model.predict(X), expected)
    assert layer.modes == [False, False]


@pytest.mark.parametrize("epochs", [2, *slow(20)])
def test_many_threads_that_predict_beside_a_training_leave_its_history_alone(epochs):
    model = compiled(Dropout(0.5))
    done = threading.Event()

    def predict():
        while not done.is_set():
            model.predict(X)

    threads = [threading.Thread(target=predict) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        found = model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0).history["loss"]
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert found == compiled(Dropout(0.5)).fit(X, Y, batch_size=8, epochs=epochs, verbose=0).history["loss"]


def test_a_net_in_eval_mode_is_in_training_mode_while_it_is_trained_and_not_after():
    layer = Watching()
    model = compiled(layer).eval()
    model.fit(X, Y, batch_size=20, verbose=0)
    assert layer.modes == [True, True]
    assert not model.training
    model.train_on_batch(X, Y)
    assert layer.modes == [True, True, True]
    model(X)
    model(X, training=True)
    assert layer.modes[3:] == [False, True]


def test_a_call_inside_predict_in_another_model_keeps_the_mode_of_that_model():
    inner = Watching()
    other = Sequential([Input((1,)), inner], dtype="float64")

    class Asking(BatchLayer):
        def forward(self, x):
            other(np.ones((1, 1)))
            return x

    compiled(Asking()).predict(X)
    assert inner.modes == [True]


# ---------------------------------------------------------------- Ctrl-C


@pytest.fixture
def keyboard():
    """Ctrl-C as in a program of one's own: what is started in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupted(Adam):
    """Ctrl-C comes in the middle of its third step, when the means are new and the weights are not."""

    def rule(self, w, g, free, c, state):
        before = w.copy()
        super().rule(w, g, free, c, state)
        if self.iterations == 2:
            after, w[...] = w.copy(), before
            signal.raise_signal(signal.SIGINT)
            w[...] = after


@pytest.mark.usefixtures("keyboard")
def test_ctrl_c_in_the_middle_of_a_step_comes_after_it():
    model, other = compiled(optimizer=Interrupted(0.1)), compiled(optimizer=Adam(0.1))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    for i in range(3):
        other.train_on_batch(X[8 * i : 8 * i + 8], Y[8 * i : 8 * i + 8])
    ours, theirs = model.optimizer.state_dict(), other.optimizer.state_dict()
    assert ours["iterations"] == theirs["iterations"] == 3
    for name in ("m.float64", "v.float64"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-12, abs=1e-18)
    for v, w in zip(model.get_weights(), other.get_weights(), strict=True):
        assert v == pytest.approx(w, rel=1e-12, abs=1e-15)


@pytest.mark.usefixtures("keyboard")
def test_ctrl_c_between_two_steps_comes_at_once():
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                signal.raise_signal(signal.SIGINT)
                raise AssertionError("it came too late")

    model = compiled()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=Stop())
    assert model.optimizer.iterations == 2


@pytest.mark.usefixtures("keyboard")
def test_a_second_ctrl_c_does_not_wait_for_a_step_that_hangs():
    class Hanging(BatchLayer):
        def forward(self, x):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("it hangs")

    with pytest.raises(KeyboardInterrupt):
        compiled(Hanging()).fit(X, Y, verbose=0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_program_stays_in_its_place():
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        model = compiled(optimizer=Interrupted(0.1))
        model.fit(X, Y, batch_size=8, verbose=0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
    assert model.optimizer.iterations == 5


def test_a_training_in_a_thread_sets_no_handler():
    model = compiled(optimizer=SGD(0.1))
    thread = threading.Thread(target=lambda: model.fit(X, Y, batch_size=8, verbose=0))
    thread.start()
    thread.join()
    assert model.optimizer.iterations == 5
