"""The base and the callbacks that keep, write and set: what each does, given the numbers of the epochs."""

import csv
import math

import pytest
from epochs import Model, train
from named_pipes import Pipe, posix

from nn.callbacks import (
    Callback,
    CSVLogger,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from nn.files.whole import is_special
from nn.schedules import StepDecay

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


# ---------------------------------------------------------------- CSVLogger


def rows(path, **options):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file, **options))


EPOCHS = [{"loss": 2.0, "accuracy": 0.5}, {"loss": 0.1 + 0.2, "accuracy": 0.75}]


def test_the_log_has_a_line_for_every_epoch(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("what was there before", encoding="utf-8")
    train([CSVLogger(path)], EPOCHS)
    assert rows(path) == [
        ["epoch", "loss", "accuracy"],
        ["0", "2.0", "0.5"],
        ["1", "0.30000000000000004", "0.75"],
    ]
    assert path.read_text(encoding="utf-8").endswith("0.75\n")


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
