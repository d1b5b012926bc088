"""Callbacks and progress: what each does at the joints of a training, given the numbers of its epochs."""

import csv
import io
import math
import re
import sys
import threading
import types
import warnings

import numpy as np
import pytest
from named_pipes import Pipe, posix

from nn import Dense, Input, Sequential
from nn.callbacks.base import Callback
from nn.callbacks.display import Bar, Lines, progress
from nn.callbacks.standard import (
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from nn.files.whole import is_special
from nn.optimizers import SGD
from nn.schedules import StepDecay


class Model:
    """What a callback sees of a model; its one weight counts the epochs."""

    def __init__(self, rate=1.0):
        self.optimizer = SGD(rate)
        self.stop_training = False
        self.weight = np.array([0.0])
        self.saved = []

    def get_weights(self):
        return [self.weight]

    def set_weights(self, weights):
        self.weight = weights[0]

    def save(self, path):
        self.saved.append(("all", path))

    def save_weights(self, path):
        self.saved.append(("weights", path))


def train(callbacks, epochs, model=None, batches=(), metrics=(), first=0):
    """A training whose epochs end with the given logs; returns its model and how many epochs it took."""
    model = model or Model()
    model.stop_training = False
    params = {"epochs": first + len(epochs), "steps": len(batches), "metrics": list(metrics)}
    for callback in callbacks:
        callback.model, callback.params = model, params
    taken = 0

    def call(name, *args):
        for callback in callbacks:
            getattr(callback, name)(*args)

    call("on_train_begin", {})
    for epoch, logs in enumerate(epochs, first):
        call("on_epoch_begin", epoch, {})
        for batch, loss in enumerate(batches):
            call("on_train_batch_begin", batch, {})
            call("on_train_batch_end", batch, {"loss": loss})
        model.weight += 1
        taken += 1
        logs = logs if isinstance(logs, dict) else {"loss": logs}
        call("on_epoch_end", epoch, logs)
        if model.stop_training:
            break
    call("on_train_end", logs)
    return model, taken


def stops_after(losses, monitor="loss", **options):
    return train([EarlyStopping(monitor, **options)], [{monitor: x} for x in losses])[1]


# ---------------------------------------------------------------- the base and History


def test_a_callback_of_ones_own_is_called_at_every_joint():
    calls = []

    class Recorder(Callback):
        def __getattribute__(self, name):
            if name.startswith("on_"):
                return lambda *args: calls.append((name, *args[:-1]))
            return super().__getattribute__(name)

    train([Recorder()], [1.0], batches=[1.0])
    assert calls == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0),
        ("on_epoch_end", 0),
        ("on_train_end",),
    ]


def test_a_method_that_is_never_called_is_warned_of():
    with pytest.warns(UserWarning, match="Typo.on_epoch_ends is never called; did you mean on_epoch_end"):

        class Typo(Callback):
            def on_epoch_ends(self, epoch, logs=None):
                pass


def test_history_keeps_every_epoch():
    history = History()
    train([history], [{"loss": 2.0, "val_loss": 3.0}, {"loss": 1.0, "val_loss": 2.5}], first=4)
    assert history.history == {"loss": [2.0, 1.0], "val_loss": [3.0, 2.5]}
    assert history.epoch == [4, 5]
    assert history.params["epochs"] == 6
    assert repr(history) == "<History: 2 epochs of loss, val_loss>"


# ---------------------------------------------------------------- EarlyStopping


def test_it_stops_when_patience_has_run_out():
    assert stops_after([3.0, 2.0, 2.5, 2.1, 1.0], patience=2) == 4
    assert stops_after([3.0, 2.0, 2.5, 1.9, 1.8], patience=2) == 5


def test_without_patience_the_first_epoch_without_gain_ends_it():
    assert stops_after([3.0, 2.0, 2.0, 1.0]) == 3


def test_the_example_in_the_documentation_of_keras():
    assert stops_after([1.0] * 10, patience=3) == 4


def test_a_gain_below_min_delta_is_none():
    assert stops_after([1.0, 0.95, 0.91, 0.5], patience=2, min_delta=0.1) == 3
    assert stops_after([1.0, 0.95, 0.89, 0.5], patience=2, min_delta=0.1) == 4


@pytest.mark.parametrize("monitor", ["accuracy", "val_accuracy", "binary_accuracy", "precision", "val_recall", "acc"])
def test_the_name_tells_that_larger_is_better(monitor):
    assert stops_after([0.5, 0.6, 0.7, 0.6], monitor) == 4
    assert stops_after([0.7, 0.6, 0.5], monitor) == 2


@pytest.mark.parametrize("monitor", ["loss", "val_loss", "mse", "val_mae", "binary_crossentropy", "mean_squared_error"])
def test_the_name_tells_that_smaller_is_better(monitor):
    assert stops_after([0.7, 0.6, 0.5], monitor) == 3
    assert stops_after([0.5, 0.6, 0.7], monitor) == 2


def test_mode_says_it_where_the_name_does_not():
    with pytest.raises(ValueError, match=r"EarlyStopping: the name 'luck' does not tell .* pass mode='min' or mode='m"):
        EarlyStopping("luck")
    assert stops_after([0.7, 0.6, 0.5], "luck", mode="min") == 3
    assert stops_after([0.7, 0.6, 0.5], "luck", mode="max") == 2
    assert stops_after([0.7, 0.6, 0.5], "loss", mode="max") == 2


def test_a_baseline_is_to_be_beaten_within_patience():
    assert stops_after([5.0, 4.0, 3.0, 2.0], patience=3, baseline=1.0) == 3
    assert stops_after([5.0, 0.9, 0.8, 0.7], patience=3, baseline=1.0) == 4


def test_epochs_before_the_first_do_not_count():
    assert stops_after([1.0, 2.0, 3.0, 4.0, 5.0], patience=1, start_from_epoch=3) == 5


def test_nan_is_no_gain():
    assert stops_after([math.nan, 2.0, 1.0, math.nan, math.nan, 1.0], patience=2) == 5


def test_the_best_weights_come_back_also_where_nothing_was_stopped():
    for losses, epochs, best in [([3.0, 1.0, 2.0, 2.0, 2.0], 4, 2), ([3.0, 1.0, 2.0], 3, 2)]:
        stopping = EarlyStopping("loss", patience=2, restore_best_weights=True)
        model, taken = train([stopping], losses)
        assert (taken, model.weight[0], stopping.best_epoch) == (epochs, best, best - 1)
        assert stopping.best == 1.0


def test_without_a_gain_the_first_weights_are_the_best():
    stopping = EarlyStopping("loss", patience=2, restore_best_weights=True)
    assert train([stopping], [math.nan] * 5)[0].weight[0] == 1


def test_otherwise_the_last_weights_stay():
    assert train([EarlyStopping("loss", patience=1)], [1.0, 2.0, 2.0])[0].weight[0] == 2


def test_it_starts_anew_with_every_training():
    stopping = EarlyStopping("loss", patience=2)
    assert train([stopping], [1.0, 2.0, 2.0, 2.0])[1] == 3
    assert stopping.stopped_epoch == 2
    assert train([stopping], [9.0, 8.0, 7.0, 6.0])[1] == 4
    assert stopping.stopped_epoch == 0


@pytest.mark.parametrize(
    "callback",
    [EarlyStopping(), ModelCheckpoint("net.npz", save_best_only=True), ReduceLROnPlateau()],
)
def test_what_is_not_measured_cannot_be_monitored(callback):
    name = type(callback).__name__
    message = (
        f"{name}: expected to monitor 'val_loss', measured are loss, accuracy; pass validation_data or validation_s"
    )
    with pytest.raises(ValueError, match=message):
        train([callback], [{"loss": 1.0, "accuracy": 0.5}])


def test_a_name_of_older_keras_comes_with_that_of_today():
    with pytest.raises(ValueError, match=r"'val_acc', measured are .*val_accuracy; did you mean 'val_accuracy'"):
        train([EarlyStopping("val_acc")], [{"loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5}])


def test_what_is_measured_in_other_epochs_is_waited_for():
    epochs = [{"loss": 1.0}, {"loss": 1.0, "val_loss": 1.0}] * 4
    assert train([EarlyStopping(patience=2)], epochs, metrics=["loss", "val_loss"])[1] == 6


# ---------------------------------------------------------------- ModelCheckpoint


def test_every_epoch_is_saved_under_its_name():
    model, _ = train([ModelCheckpoint("net-{epoch:02d}-{val_loss:.2f}.npz")], [{"val_loss": 0.5}, {"val_loss": 0.25}])
    assert model.saved == [("all", "net-01-0.50.npz"), ("all", "net-02-0.25.npz")]


def test_only_the_best_epochs_are_saved():
    checkpoint = ModelCheckpoint("{epoch}", "loss", save_best_only=True, save_weights_only=True)
    model, _ = train([checkpoint], [3.0, 4.0, 2.0, math.nan, 2.0, 1.0])
    assert model.saved == [("weights", "1"), ("weights", "3"), ("weights", "6")]
    assert train([checkpoint], [5.0, 0.5])[0].saved == [("weights", "2")]  # the best of both trainings


def test_larger_may_be_better_and_a_threshold_is_to_be_beaten():
    checkpoint = ModelCheckpoint("{epoch}", "val_accuracy", save_best_only=True, initial_value_threshold=0.6)
    model, _ = train([checkpoint], [{"val_accuracy": x} for x in (0.5, 0.7, 0.6, 0.8)])
    assert [path for _, path in model.saved] == ["2", "4"]


def test_a_name_that_cannot_be_filled_in_is_refused():
    with pytest.raises(
        ValueError, match=r"cannot fill in filepath '\{val_acc\}' .* in braces: epoch, loss, val_accuracy"
    ):
        train([ModelCheckpoint("{val_acc}")], [{"loss": 1.0, "val_accuracy": 0.5}])


def test_a_folder_that_is_missing_is_found_out_before_the_training(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        ModelCheckpoint(tmp_path / "none" / "net.npz").on_train_begin()


def compiled(*layers):
    model = Sequential([Input((2,)), *layers])
    model.compile("sgd", "mse")
    return model


def steps_before(error, match, model, checkpoint):
    """How many steps of a training were taken before the checkpoint failed."""
    with pytest.raises(error, match=match):
        model.fit(np.ones((4, 2)), np.ones(4), verbose=0, callbacks=[checkpoint])
    return model.optimizer.iterations


@pytest.mark.parametrize("weights_only", [False, True])
@pytest.mark.parametrize("name", ["best.keras", "best.weights.h5", "best"])
def test_a_name_that_is_none_of_a_file_of_weights_is_found_out_before_the_training(tmp_path, name, weights_only):
    checkpoint = ModelCheckpoint(tmp_path / name, save_weights_only=weights_only)
    assert steps_before(ValueError, r"ends in \.npz or \.safetensors", compiled(Dense(1)), checkpoint) == 0


def test_a_model_that_cannot_be_saved_is_found_out_before_the_training(tmp_path):
    model = compiled(Dense(1, activation=lambda z: z))
    path = tmp_path / "net.npz"
    assert steps_before(TypeError, "code of your own", model, ModelCheckpoint(path)) == 0
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0, callbacks=[ModelCheckpoint(path, save_weights_only=True)])
    assert path.exists()


def test_a_save_of_ones_own_takes_any_name(tmp_path):
    class Noted(Sequential):
        def save(self, path):
            self.saved = str(path)

    model = Noted([Dense(1, activation=lambda z: z, input_shape=(2,))])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0, callbacks=[ModelCheckpoint(tmp_path / "net.mine")])
    assert model.saved == str(tmp_path / "net.mine")


def test_a_checkpoint_needs_a_path():
    with pytest.raises(TypeError, match="ModelCheckpoint: expected filepath to be a path, got NoneType"):
        ModelCheckpoint(None)


# ---------------------------------------------------------------- CSVLogger


def rows(path, **options):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file, **options))


EPOCHS = [{"loss": 2.0, "accuracy": 0.5}, {"loss": 0.1 + 0.2, "accuracy": 0.75}]


def test_the_log_has_a_line_for_every_epoch(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("what was there before")
    train([CSVLogger(path)], EPOCHS)
    assert rows(path) == [
        ["epoch", "loss", "accuracy"],
        ["0", "2.0", "0.5"],
        ["1", "0.30000000000000004", "0.75"],
    ]
    assert path.read_text().endswith("0.75\n")


def test_a_log_is_continued(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv", append=True)
    train([logger], EPOCHS)
    train([CSVLogger(tmp_path / "log.csv", append=True)], [{"accuracy": 0.9, "new": 1.0}], first=2)
    assert rows(tmp_path / "log.csv")[3:] == [["2", "NA", "0.9"]]
    assert len(rows(tmp_path / "log.csv")) == 4


def test_lines_are_in_the_file_at_once_and_separated_as_asked(tmp_path):
    path, seen = tmp_path / "log.csv", []
    reader = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(len(rows(path, delimiter=";"))))
    train([CSVLogger(path, separator=";"), reader], EPOCHS)
    assert seen == [2, 3]
    assert rows(path, delimiter=";")[0] == ["epoch", "loss", "accuracy"]


def test_a_log_into_no_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        train([CSVLogger(tmp_path / "none" / "log.csv")], EPOCHS)


@posix
@pytest.mark.parametrize("append", [False, True])
def test_a_log_through_a_pipe_comes_whole_and_ends_with_the_training(tmp_path, append):
    pipe = Pipe(tmp_path / "log.csv")
    train([CSVLogger(pipe.path, append=append)], EPOCHS)
    assert pipe.read().decode() == "epoch,loss,accuracy\n0,2.0,0.5\n1,0.30000000000000004,0.75\n"
    assert is_special(pipe.path)


@posix
def test_a_log_that_others_may_not_read_stays_so(tmp_path):
    path = tmp_path / "log.csv"
    path.touch(0o600)
    train([CSVLogger(path)], EPOCHS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(rows(path)) == 3


@pytest.mark.parametrize("data", [bytes(range(128, 256)), b"\xff" * 9])
def test_what_is_no_log_is_not_continued(tmp_path, data):
    path = tmp_path / "log.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"log\.csv: expected a log of a CSVLogger, to be continued; it is no text"):
        train([CSVLogger(path, append=True)], EPOCHS)
    assert path.read_bytes() == data


# ---------------------------------------------------------------- the learning rate


def test_a_scheduler_sets_the_rate_of_every_epoch_and_notes_it():
    history = History()
    train([LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate), history], [1.0, 1.0, 1.0])
    assert history.history["learning_rate"] == [1.0, 0.5, 0.25]


def test_a_scheduler_takes_functions_of_the_epoch_alone():
    history = History()
    train([LearningRateScheduler(StepDecay(0.8, 2, 0.5)), history], [1.0] * 4)
    assert history.history["learning_rate"] == [0.8, 0.8, 0.4, 0.4]


def test_an_error_in_the_users_function_comes_through():
    def faulty(epoch, rate):
        return rate + "1"

    with pytest.raises(TypeError, match="unsupported operand"):
        train([LearningRateScheduler(faulty)], [1.0])


@pytest.mark.parametrize(("rate", "error"), [(-0.1, ValueError), (math.nan, ValueError), ("fast", TypeError)])
def test_a_rate_that_makes_no_sense_is_refused(rate, error):
    with pytest.raises(error, match=r"LearningRateScheduler: .*learning rate"):
        train([LearningRateScheduler(lambda epoch: rate)], [1.0])


def test_what_is_no_schedule_is_refused():
    with pytest.raises(TypeError, match="LearningRateScheduler: expected a function of the epoch, got float"):
        LearningRateScheduler(0.1)


def test_a_plateau_cuts_the_rate():
    history = History()
    model, _ = train([ReduceLROnPlateau("loss", factor=0.5, patience=2), history], [3.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    assert history.history["learning_rate"] == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5]
    assert model.optimizer.learning_rate == 0.25


def test_a_plateau_goes_on_from_a_rate_that_somebody_else_has_set():
    model = Model()

    def slower(epoch, logs):
        if epoch == 0:
            model.optimizer.learning_rate = 0.1

    train([LambdaCallback(on_epoch_end=slower), ReduceLROnPlateau("loss", factor=0.5, patience=1)], [1.0, 1.0], model)
    assert model.optimizer.learning_rate == 0.05


def test_a_plateau_of_accuracy_is_where_it_does_not_grow():
    model, _ = train([ReduceLROnPlateau("acc", 0.5, 1)], [{"acc": x} for x in (0.1, 0.2, 0.3, 0.3)])
    assert model.optimizer.learning_rate == 0.5


@pytest.mark.parametrize("callback", [LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau("loss")])
def test_two_masters_of_the_rate_are_one_too_many(callback):
    with pytest.raises(ValueError, match=f"{type(callback).__name__}: the optimizer has a schedule already, StepDecay"):
        train([callback], [1.0], Model(StepDecay(0.1, 10)))


# ---------------------------------------------------------------- nan, functions


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_training(loss):
    with pytest.warns(UserWarning, match=f"TerminateOnNaN: the loss is {loss} in batch 2; training stops"):
        assert train([TerminateOnNaN()], [1.0, 1.0], batches=[1.0, loss])[1] == 1


def test_a_finite_loss_does_not():
    assert train([TerminateOnNaN()], [1.0, 1.0], batches=[1.0, 1e300])[1] == 2


def test_functions_make_a_callback():
    calls = []
    callback = LambdaCallback(
        on_train_begin=lambda logs: calls.append("begin"),
        on_epoch_end=lambda epoch, logs: calls.append((epoch, logs["loss"])),
        on_train_batch_end=lambda batch, logs: calls.append(batch),
    )
    train([callback], [5.0], batches=[1.0, 1.0])
    assert calls == ["begin", 0, 1, (0, 5.0)]


def test_what_is_no_function_makes_none():
    with pytest.raises(TypeError, match="LambdaCallback: expected on_epoch_end to be a function, got str"):
        LambdaCallback(on_epoch_end="print")
    with pytest.raises(TypeError, match="on_epoch_ends"):
        LambdaCallback(on_epoch_ends=print)


# ---------------------------------------------------------------- other arguments


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping(patience=-1), "EarlyStopping: expected patience to be an integer of at least 0, got -1"),
        (lambda: EarlyStopping(patience=1.5), "EarlyStopping: expected patience to be an integer .* got 1.5"),
        (lambda: EarlyStopping(start_from_epoch=-1), "EarlyStopping: expected start_from_epoch to be an integer"),
        (lambda: EarlyStopping(mode="best"), "EarlyStopping: expected mode to be 'auto', 'min' or 'max', got 'best'"),
        (lambda: ReduceLROnPlateau(factor=1.0), "expected factor to be at least 0 and below 1, got 1.0"),
        (lambda: ReduceLROnPlateau(patience=0), "expected patience to be a positive integer, got 0"),
        (lambda: progress(3), "verbose: expected 0, 1, 2 or None, got 3"),
        (lambda: progress("loud"), "verbose: expected 0, 1, 2 or None, got 'loud'"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_name_is_a_string():
    with pytest.raises(TypeError, match="EarlyStopping: expected monitor to be a name such as 'val_loss', got list"):
        EarlyStopping(["loss"])


def test_callbacks_say_what_they_do_only_when_asked(capsys):
    def all_of_them(verbose):
        return [
            EarlyStopping("loss", patience=1, verbose=verbose, restore_best_weights=True),
            ModelCheckpoint("net.npz", verbose=verbose),
            LearningRateScheduler(lambda epoch: 0.5, verbose=verbose),
            ReduceLROnPlateau("loss", patience=1, verbose=verbose),
        ]

    train(all_of_them(0), [1.0, 2.0])
    assert capsys.readouterr().out == ""
    train(all_of_them(1), [1.0, 2.0])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1: the learning rate is 0.5",
        "Epoch 1: saved net.npz",
        "Epoch 2: the learning rate is 0.5",
        "Epoch 2: saved net.npz",
        "Epoch 2: the learning rate is reduced to 0.05",
        "Epoch 2: early stopping",
        "Restoring model weights from the end of the best epoch: 1.",
    ]


# ---------------------------------------------------------------- progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_nothing_is_shown_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert progress() is None
    assert progress("auto") is None
    assert progress(0) is None
    assert progress(False) is None
    monkeypatch.setattr(sys, "stdout", None)
    assert progress() is None


def test_a_line_for_every_epoch(capsys):
    train([progress(2)], [{"loss": 0.34123, "accuracy": 0.875}] * 9 + [{"loss": 1e-5, "accuracy": 1.0}])
    first, *_, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Epoch  1/10 - \d+ms - loss: 0\.3412 - accuracy: 0\.8750", first)
    assert re.fullmatch(r"Epoch 10/10 - \d+ms - loss: 1\.0000e-05 - accuracy: 1\.0000", last)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0414, "41ms"), (0.9999, "1.0s"), (12.34, "12.3s"), (125.4, "2min 5s")]
)
def test_how_long_an_epoch_took(capsys, monkeypatch, seconds, text):
    clock = iter([10.0, 10.0 + seconds])
    monkeypatch.setattr("nn.callbacks.display.time", types.SimpleNamespace(perf_counter=lambda: next(clock)))
    train([progress(2)], [1.0])
    assert capsys.readouterr().out == f"Epoch 1/1 - {text} - loss: 1.0000\n"


def test_lines_do_not_listen_to_batches():
    assert Lines.on_train_batch_end is Callback.on_train_batch_end


def test_in_a_file_one_asks_for_lines(capsys):
    assert type(progress(1)) is Lines


def test_without_tqdm_there_are_lines(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert type(progress()) is Lines
    train([progress()], [1.0])
    assert sys.stdout.getvalue().endswith("loss: 1.0000\n")


def test_in_a_terminal_there_is_a_bar_below_the_lines(monkeypatch):
    pytest.importorskip("tqdm")
    threads = threading.active_count()
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    shown = progress()
    assert type(shown) is Bar
    assert type(progress(1)) is Bar
    assert type(progress(2)) is Lines
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train([shown], [{"loss": 0.5}, {"loss": 0.25}], batches=[1.0, 1.0, 1.0])
    text = screen.getvalue()
    assert "Epoch 2/2" in text
    assert "/6 [" in text  # three batches in each of two epochs
    lines = [line.split("\r")[-1] for line in text.split("\n")]
    assert [bool(re.fullmatch(rf"Epoch {i}/2 - \d+ms - loss: 0\.\d+", lines[i - 1])) for i in (1, 2)] == [True, True]
    assert [line.strip() for line in lines[2:]] == [""]  # the bar is gone
    assert threading.active_count() == threads  # and nothing watches it


def test_what_other_callbacks_print_does_not_stand_behind_the_bar(monkeypatch):
    pytest.importorskip("tqdm")
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    talk = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: print("begin", epoch),
        on_epoch_end=lambda epoch, logs: print("end", epoch),
        on_train_end=lambda logs: print("over"),
    )
    train([talk, progress()], [1.0, 1.0], batches=[1.0, 1.0, 1.0])
    lines = [line.split("\r")[-1].rstrip() for line in screen.getvalue().split("\n")]
    shown = [line for line in lines if "loss" not in line]
    assert shown == ["begin 0", "end 0", "begin 1", "end 1", "over", ""]
    assert [line.split(" - ")[0] for line in lines if "loss" in line] == ["Epoch 1/2", "Epoch 2/2"]


def test_a_training_that_goes_on_counts_what_is_left(monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    train([progress()], [1.0, 1.0], batches=[1.0, 1.0], first=8)
    assert "Epoch 9/10" in sys.stdout.getvalue()
    assert "/4 [" in sys.stdout.getvalue()
