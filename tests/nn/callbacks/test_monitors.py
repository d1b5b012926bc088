"""Callbacks that watch one number: what each does, given the numbers of the epochs."""

import math

import numpy as np
import pytest
from epochs import train

from nn import Dense, Input, Sequential
from nn.callbacks import (
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    progress,
)


def stops_after(losses, monitor="loss", **options):
    return train([EarlyStopping(monitor, **options)], [{monitor: x} for x in losses])[1]


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
