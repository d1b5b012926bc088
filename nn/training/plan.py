"""How a model is to be trained, apart from the data: what `fit` is told, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograd.arguments import positive_integer, whole_number
from autograd.operands import describe

from ..callbacks.base import Callback
from ..callbacks.shown import progress

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """The arguments of `Sequential.fit` under their names.

    shown: the callbacks that `verbose` stands for.
    TypeError and ValueError that name the argument.
    """

    batch_size: int
    epochs: int
    verbose: int | str | None
    callbacks: Any
    shuffle: bool
    initial_epoch: int
    validation_batch_size: int | None
    validation_freq: int
    shown: Sequence[Callback] = ()

    def __post_init__(self) -> None:
        found = vars(self)  # as a frozen class lets itself be filled in
        found["batch_size"] = positive_integer("fit", "batch_size", self.batch_size)
        if self.validation_batch_size is not None:
            size = positive_integer("fit", "validation_batch_size", self.validation_batch_size)
            found["validation_batch_size"] = size
        found["epochs"] = positive_integer("fit", "epochs", self.epochs)
        found["initial_epoch"] = whole_number("fit", "initial_epoch", self.initial_epoch)
        found["validation_freq"] = positive_integer("fit", "validation_freq", self.validation_freq)
        found["callbacks"] = _as_list(self.callbacks)
        found["shown"] = [shown for shown in [progress(self.verbose)] if shown is not None]
        if self.initial_epoch >= self.epochs:
            raise ValueError(
                f"fit: initial_epoch={self.initial_epoch} leaves nothing to train; epochs={self.epochs} is the number "
                "of the last epoch, not how many more to train"
            )

    def params(self, samples: int | None, names: Sequence[str], *, validates: bool) -> dict[str, Any]:
        """What callbacks are told: these numbers, and the names of all that is measured.

        samples: how many there are; None where batches are given, and nobody knows.
        """
        return {
            "epochs": self.epochs,
            "steps": None if samples is None else -(-samples // self.batch_size),
            "samples": samples,
            "batch_size": None if samples is None else self.batch_size,
            "verbose": self.verbose,
            "validation_freq": self.validation_freq,
            "metrics": [*names, *(f"val_{name}" for name in names if validates)],
        }

    def validates(self, epoch: int) -> bool:
        """True after those epochs, from 0, after which it is time to validate."""
        return (epoch + 1) % self.validation_freq == 0


def _as_list(callbacks: object) -> list[Any]:
    found = [] if callbacks is None else list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    for callback in found:
        if isinstance(callback, type):
            raise TypeError(
                f"fit: expected callbacks, got the class {callback.__name__}; write {callback.__name__}(...)"
            )
        if not any(hasattr(callback, name) for name in ("on_epoch_end", "on_train_batch_end", "on_train_begin")):
            raise TypeError(f"fit: expected callbacks, got {describe(callback)}; derive it from nn.callbacks.Callback")
    return found
