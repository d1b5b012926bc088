"""Callbacks that watch one number: to stop early, to save the best weights, to cut the learning rate."""

from __future__ import annotations

import difflib
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from autograd.arguments import whole_number
from autograd.operands import describe

from ..files.whole import check_folder
from ..schedules import ReduceOnPlateau
from .base import Callback, Logs
from .display import say
from .standard import optimizer_to_set

__all__ = ["EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau"]

# What is better when larger, and when smaller, by parts of the name.
_LARGER = ("acc", "precision", "recall", "auc", "f1", "r2")
_SMALLER = ("loss", "error", "mse", "mae", "entropy", "huber", "hinge")


class _Monitor(Callback):
    """The base: what is monitored, and whether its large values are better (sign 1) or its small ones (-1)."""

    def __init__(self, monitor: Any, mode: str, verbose: int) -> None:
        where = type(self).__name__
        if not isinstance(monitor, str):
            raise TypeError(f"{where}: expected monitor to be a name such as 'val_loss', got {describe(monitor)}")
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"{where}: expected mode to be 'auto', 'min' or 'max', got {mode!r}")
        self.monitor, self.verbose = monitor, verbose
        if mode != "auto":
            self.sign = 1 if mode == "max" else -1
        elif any(part in monitor for part in _SMALLER):
            self.sign = -1
        elif any(part in monitor for part in _LARGER):
            self.sign = 1
        else:
            raise ValueError(
                f"{where}: the name {monitor!r} does not tell what is better; pass mode='min' or mode='max'"
            )

    def monitored(self, logs: Logs | None) -> float | None:
        """The number monitored; None if it is measured in other epochs only. ValueError if it never is."""
        name, logs = self.monitor, logs or {}
        if name in logs:
            return logs[name]
        if name in self.params.get("metrics", ()):
            return None
        near = difflib.get_close_matches(name, logs, n=1, cutoff=0.5)
        if name.startswith("val_") and not any(measured.startswith("val_") for measured in logs):
            remedy = "; pass validation_data or validation_split to fit"
        else:
            remedy = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"{type(self).__name__}: expected to monitor {name!r}, "
            f"measured are {', '.join(logs) or 'no numbers'}{remedy}"
        )


class EarlyStopping(_Monitor):
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
        super().__init__(monitor, mode, verbose)
        self.min_delta = abs(min_delta)
        self.patience = whole_number("EarlyStopping", "patience", patience)
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
        current = self.monitored(logs)
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


class ModelCheckpoint(_Monitor):
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
        super().__init__(monitor, mode if save_best_only else "max", verbose)
        self.filepath = os.fspath(filepath)
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
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
            current = self.monitored(logs)
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


class ReduceLROnPlateau(_Monitor):
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
        super().__init__(monitor, mode, verbose)
        self.options: dict[str, Any] = {
            "factor": factor,
            "patience": patience,
            "mode": "min" if self.sign < 0 else "max",
            "min_delta": min_delta,
            "cooldown": cooldown,
            "min_learning_rate": min_lr,
        }
        self.rule = ReduceOnPlateau(0.0, **self.options)  # checks the options, before the training begins

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start anew from the optimizer's rate."""
        self.rule = ReduceOnPlateau(optimizer_to_set(self).learning_rate, **self.options)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Cut the rate, if it is time to."""
        optimizer = optimizer_to_set(self)
        before = optimizer.learning_rate
        current = self.monitored(logs)
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


def _weights(model: Any) -> list[np.ndarray]:
    return [np.array(w) for w in model.get_weights()]
