"""The callbacks that keep, write, set the rate, or call what they are given."""

from __future__ import annotations

import csv
import inspect
import math
import os
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TextIO

from autograd.arguments import not_negative
from autograd.operands import describe

from ..files.whole import check_folder, is_special
from .base import Callback, Logs
from .display import say

__all__ = ["CSVLogger", "History", "LambdaCallback", "LearningRateScheduler", "TerminateOnNaN"]


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
        optimizer = optimizer_to_set(self)
        rate = self.schedule(epoch, optimizer.learning_rate) if self._takes_rate else self.schedule(epoch)
        optimizer.learning_rate = not_negative("LearningRateScheduler", "the learning rate", rate)
        if self.verbose:
            say(f"Epoch {epoch + 1}: the learning rate is {rate:.4g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the rate."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


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

    def __init__(self, **functions: Callable[..., object]) -> None:
        for name, function in functions.items():
            if name not in vars(Callback) or not name.startswith("on_"):
                known = ", ".join(known for known in vars(Callback) if known.startswith("on_"))
                raise TypeError(f"LambdaCallback: there is no {name}; known: {known}")
            if not callable(function):
                raise TypeError(f"LambdaCallback: expected {name} to be a function, got {describe(function)}")
            setattr(self, name, function)


def optimizer_to_set(callback: Callback) -> Any:
    """The optimizer of the model, whose rate the callback may set."""
    optimizer = callback.model.optimizer
    if optimizer.schedule is not None:
        raise ValueError(
            f"{type(callback).__name__}: the optimizer has a schedule already, {optimizer.schedule!r}; "
            "use one of the two"
        )
    return optimizer


def _takes_two(function: Callable[..., object]) -> bool:
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a function of C that does not tell
        pass
    return True
