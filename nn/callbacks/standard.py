"""The callbacks with the names of Keras: stopping early, saving the best weights, writing what was measured."""

from __future__ import annotations

import csv
import difflib
import inspect
import math
import os
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from autograd.arguments import not_negative, whole_number
from autograd.operands import describe

from ..files.whole import check_folder, is_special
from ..schedules import ReduceOnPlateau
from .base import Callback, Logs
from .display import say

__all__ = [
    "CSVLogger",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]


class History(Callback):
    """What was measured in every epoch; `fit` returns it.

    history   name -> list of numbers, one for each epoch: "loss", "accuracy", "val_loss", ...
    epoch     the numbers of the epochs, from 0
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the logs."""
        self.epoch.append(epoch)
        for name, number in (logs or {}).items():
            self.history.setdefault(name, []).append(number)

    def __repr__(self) -> str:
        return f"<History: {len(self.epoch)} epochs of {', '.join(self.history) or 'nothing'}>"


class EarlyStopping(Callback):
    """Stops the training when what is monitored has not become better for a while.

    monitor: its name in the logs. min_delta: a smaller gain is none. patience: after how many epochs in a
    row without gain to stop. mode: "min" if small is better, "max" if large is, "auto" to go by the name.
    baseline: a value that is to be beaten, else it stops after `patience` epochs, as Keras documents it; the code
    of Keras goes on while every epoch is a gain. restore_best_weights: at the end give the model the weights of
    the best epoch. start_from_epoch: the first epoch that counts. nan is never a gain.
    ValueError at the end of the first epoch if nothing of this name is measured.

    stopped_epoch   the number of the epoch after which it stopped, 0 if it did not
    best, best_epoch, wait   the best value, its epoch, and how many epochs ago there was a gain

    Source: documentation and behaviour of keras.callbacks.EarlyStopping.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        self.monitor = monitor
        self.sign = _sign("EarlyStopping", monitor, mode)
        self.min_delta = abs(min_delta)
        self.patience = whole_number("EarlyStopping", "patience", patience)
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = whole_number("EarlyStopping", "start_from_epoch", start_from_epoch)
        self._start()

    def _start(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = -self.sign * math.inf
        self.best_weights: list[np.ndarray] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget what was before."""
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Count the epoch, and stop if it is one too many."""
        current = _monitored(self, self.monitor, logs)
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self._gains(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = _weights(self.model)
            if self.baseline is None or self._gains(current, self.baseline):
                self.wait = 0
        elif self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = _weights(self.model), epoch
        if self.wait >= max(self.patience, 1) and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Bring the best weights back, if that was asked for."""
        if self.stopped_epoch and self.verbose:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                say(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def _gains(self, value: float, reference: float) -> bool:
        return self.sign * value - self.min_delta > self.sign * reference


class ModelCheckpoint(Callback):
    """Saves the model after every epoch, or after those that are the best so far.

    filepath: where to; names in braces are filled in, as in "net-{epoch:02d}-{val_loss:.2f}.npz", with epochs
    counting from 1. save_best_only: only if `monitor` has a better value than ever before, also in
    an earlier `fit` with this callback; mode is that of EarlyStopping. save_weights_only: the weights without
    the rest. initial_value_threshold: the value to be beaten at first.
    It calls `model.save(path)`, or `model.save_weights(path)`; a file is written whole or not at all.
    What cannot be saved, and a name that is none for a file of weights, is refused before the first epoch.

    Source: documentation of keras.callbacks.ModelCheckpoint.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        initial_value_threshold: float | None = None,
    ) -> None:
        if not isinstance(filepath, str | os.PathLike):
            raise TypeError(f"ModelCheckpoint: expected filepath to be a path, got {describe(filepath)}")
        self.filepath = os.fspath(filepath)
        self.monitor = monitor
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.sign = _sign("ModelCheckpoint", monitor, mode) if save_best_only else 1
        self.best = -self.sign * math.inf if initial_value_threshold is None else initial_value_threshold

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Look whether the model can be saved there, before there is anything to lose."""
        if "{" not in os.path.dirname(self.filepath):
            check_folder(Path(self.filepath))
        check = getattr(self.model, "check_savable", None)
        if check is not None:
            check(self.filepath, weights_only=self.save_weights_only)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, if it is time to."""
        if self.save_best_only:
            current = _monitored(self, self.monitor, logs)
            if current is None or not self.sign * current > self.sign * self.best:
                return
            self.best = current
        path = self._path(epoch, logs or {})
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)
        if self.verbose:
            say(f"Epoch {epoch + 1}: saved {path}")

    def _path(self, epoch: int, logs: Logs) -> str:
        try:
            return self.filepath.format(**{**logs, "epoch": epoch + 1})
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"ModelCheckpoint: cannot fill in filepath {self.filepath!r} ({error}); "
                f"what can stand in braces: {', '.join(['epoch', *logs])}"
            ) from None


class CSVLogger(Callback):
    """Writes a line of numbers for every epoch into a file: the epoch, from 0, and the logs.

    filename: the file; one that exists is emptied first, with append=True continued. The first line has the
    names. A name that is missing in a later epoch is written as NA, a new one is left out. A pipe is written to
    and closed when the training ends.

    Source: documentation of keras.callbacks.CSVLogger.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = filename, separator, append
        self._names: list[str] = []
        self._pipe: TextIO | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Make the file, or read the names in the one that is to be continued."""
        path = Path(self.filename)
        check_folder(path)
        self._names = []
        if is_special(path):
            self._pipe = path.open("w", buffering=1, newline="", encoding="utf-8")
        elif not self.append:
            path.write_text("", encoding="utf-8")
        elif path.exists():
            self._names = self._names_in(path)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a line."""
        with self._opened() as file:
            write = csv.writer(file, delimiter=self.separator, lineterminator="\n").writerow
            if not self._names:
                self._names = ["epoch", *(logs or {})]
                write(self._names)
            row = {**(logs or {}), "epoch": epoch}
            write([row.get(name, "NA") for name in self._names])

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Tell the reader of a pipe that nothing more comes."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def _opened(self) -> AbstractContextManager[TextIO]:
        if self._pipe is not None:
            return nullcontext(self._pipe)
        # A file is opened for each line: whatever ends the training, no line is lost and no file left open.
        return open(self.filename, "a", newline="", encoding="utf-8")

    def _names_in(self, path: Path) -> list[str]:
        try:
            with path.open(newline="", encoding="utf-8") as file:
                return next(csv.reader(file, delimiter=self.separator), [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(
                f"{path}: expected a log of a CSVLogger, to be continued; it is no text ({error})"
            ) from None


class LearningRateScheduler(Callback):
    """Sets the learning rate at the begin of every epoch, to what a function says.

    schedule: (epoch, rate) -> rate or epoch -> rate; a schedule of `nn.schedules` will do. The rate is kept
    in the History as "learning_rate".

    Source: documentation of keras.callbacks.LearningRateScheduler.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule) or isinstance(schedule, type):
            raise TypeError(f"LearningRateScheduler: expected a function of the epoch, got {describe(schedule)}")
        self.schedule, self.verbose = schedule, verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate of the epoch."""
        optimizer = _with_rate(self)
        rate = self.schedule(epoch, optimizer.learning_rate) if self._takes_rate else self.schedule(epoch)
        optimizer.learning_rate = not_negative("LearningRateScheduler", "the learning rate", rate)
        if self.verbose:
            say(f"Epoch {epoch + 1}: the learning rate is {rate:.4g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the rate."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


class ReduceLROnPlateau(Callback):
    """Cuts the learning rate when what is monitored has not become better for a while.

    monitor, mode: as in EarlyStopping. The rest, and the rule, is that of `nn.schedules.ReduceOnPlateau`. The
    rate is kept in the History as "learning_rate".

    Source: documentation of keras.callbacks.ReduceLROnPlateau.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        self.monitor, self.verbose = monitor, verbose
        self.options: dict[str, Any] = {
            "factor": factor,
            "patience": patience,
            "mode": "min" if _sign("ReduceLROnPlateau", monitor, mode) < 0 else "max",
            "min_delta": min_delta,
            "cooldown": cooldown,
            "min_learning_rate": min_lr,
        }
        self.rule = ReduceOnPlateau(0.0, **self.options)  # checks the options, before the training begins

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start anew from the optimizer's rate."""
        self.rule = ReduceOnPlateau(_with_rate(self).learning_rate, **self.options)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Cut the rate, if it is time to."""
        optimizer = _with_rate(self)
        before = optimizer.learning_rate
        current = _monitored(self, self.monitor, logs)
        if logs is not None:
            logs["learning_rate"] = before
        if current is None:
            return
        self.rule.learning_rate = before  # somebody else may have changed it
        after = self.rule.update(current)
        if after != before:
            optimizer.learning_rate = after
            if self.verbose:
                say(f"Epoch {epoch + 1}: the learning rate is reduced to {after:.4g}")


class TerminateOnNaN(Callback):
    """Stops the training, with a warning, as soon as the loss is nan or infinite. `fit` alone raises an error."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            warnings.warn(f"TerminateOnNaN: the loss is {loss} in batch {batch + 1}; training stops", stacklevel=2)
            self.model.stop_training = True


class LambdaCallback(Callback):
    """A callback made of functions, each named as the method whose place it takes.

    >>> stop = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
    ) -> None:
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in given.items():
            if function is not None:
                if not callable(function):
                    raise TypeError(f"LambdaCallback: expected {name} to be a function, got {describe(function)}")
                setattr(self, name, function)


# ---------------------------------------------------------------- what several of them need

# What is better when larger, and when smaller, by parts of the name.
_LARGER = ("acc", "precision", "recall", "auc", "f1", "r2")
_SMALLER = ("loss", "error", "mse", "mae", "entropy", "huber", "hinge")


def _sign(where: str, monitor: Any, mode: str) -> int:
    """1 if a larger value is better, -1 if a smaller one is."""
    if not isinstance(monitor, str):
        raise TypeError(f"{where}: expected monitor to be a name such as 'val_loss', got {describe(monitor)}")
    if mode not in ("auto", "min", "max"):
        raise ValueError(f"{where}: expected mode to be 'auto', 'min' or 'max', got {mode!r}")
    if mode != "auto":
        return 1 if mode == "max" else -1
    if any(part in monitor for part in _SMALLER):
        return -1
    if any(part in monitor for part in _LARGER):
        return 1
    raise ValueError(f"{where}: the name {monitor!r} does not tell what is better; pass mode='min' or mode='max'")


def _monitored(callback: Callback, name: str, logs: Logs | None) -> float | None:
    """The number of this name; None if it is measured in other epochs only. ValueError if it never is."""
    if logs is not None and name in logs:
        return logs[name]
    if name in callback.params.get("metrics", ()):
        return None
    measures_validation = any(measured.startswith("val_") for measured in logs or ())
    near = difflib.get_close_matches(name, logs or (), n=1, cutoff=0.5)
    if name.startswith("val_") and not measures_validation:
        remedy = "; pass validation_data or validation_split to fit"
    else:
        remedy = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"{type(callback).__name__}: expected to monitor {name!r}, "
        f"measured are {', '.join(logs or ()) or 'no numbers'}{remedy}"
    )


def _with_rate(callback: Callback) -> Any:
    """The optimizer of the model, whose rate the callback may set."""
    optimizer = callback.model.optimizer
    if optimizer.schedule is not None:
        raise ValueError(
            f"{type(callback).__name__}: the optimizer has a schedule already, {optimizer.schedule!r}; "
            "use one of the two"
        )
    return optimizer


def _weights(model: Any) -> list[np.ndarray]:
    return [np.array(w) for w in model.get_weights()]


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a function of C that does not tell
        pass
    return True
