"""Callback: what a training calls where it begins, at every batch and epoch, and where it ends."""

from __future__ import annotations

import difflib
import warnings
from typing import Any

__all__ = ["Callback"]

Logs = dict[str, float]


class Callback:
    """The base of all callbacks. One of your own defines the methods that it needs::

        class StopAt(Callback):
            def __init__(self, accuracy):
                self.accuracy = accuracy

            def on_epoch_end(self, epoch, logs=None):
                if logs["accuracy"] >= self.accuracy:
                    self.model.stop_training = True

    model     what is being trained; where `stop_training` becomes True in a batch the epoch ends with it, as in Keras,
              and the training with the epoch
    params    "epochs", the number of the last one; "steps", batches in an epoch; "metrics", the names of all
              that is measured

    epoch and batch count from 0. logs are the numbers measured so far, by name: in a batch the loss, at the
    end of an epoch what its History keeps. What is written to them then is kept too, and seen by the
    callbacks that follow.
    """

    model: Any = None
    params: dict[str, Any] = {}  # noqa: RUF012 (replaced, never changed)

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        known = [name for name in vars(Callback) if name.startswith("on_")]
        for name in vars(cls):
            if name.startswith("on_") and name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                suggestion = f"did you mean {near[0]}? " if near else ""
                warnings.warn(
                    f"{cls.__name__}.{name} is never called; {suggestion}known: {', '.join(known)}", stacklevel=2
                )

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, with its logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before the first batch of an epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After the last batch of an epoch and the validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After the step that a batch led to."""
