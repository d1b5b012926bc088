"""What is measured while batches go by: the loss and the metrics, over the samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from autograd import Tensor, no_grad
from autograd.operands import Operand

from ..metrics import Metric, Running

__all__ = ["SAMPLES", "Measures", "finished"]


# How many samples are looked at together where no weight is changed between them, and how many wait
# until their metrics are taken: looking at a few costs as much as at many.
SAMPLES = 1024


class Measures:
    """The loss and the metrics of the batches of an epoch, each the mean over samples."""

    def __init__(self, metrics: Iterable[Metric], finish: Callable[..., Operand] | None) -> None:
        self.running = [Running(metric) for metric in metrics]
        self.finish = finish
        self.total, self.samples = 0.0, 0
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._samples_waiting = 0
        self._limit = 1 if any(r.metric.by_batch for r in self.running) else SAMPLES

    def add(self, loss: float, shown: np.ndarray, outputs: np.ndarray) -> None:
        """Count a batch. The arrays are looked at later and must stay as they are."""
        m = len(outputs)
        self.total += loss * m
        self.samples += m
        if self.running:
            self._waiting.append((shown, outputs))
            self._samples_waiting += m
            if self._samples_waiting >= self._limit:
                self._count()

    def use(self, finish: Callable[..., Operand] | None) -> None:
        """The net ends otherwise from now on."""
        self._count()
        self.finish = finish

    def _count(self) -> None:
        if self._waiting:
            shown, outputs = map(np.concatenate, zip(*self._waiting, strict=True))
            self._waiting, self._samples_waiting = [], 0
            if self.finish is not None:
                outputs = finished(self.finish, outputs)
            for running in self.running:
                running.update(shown, outputs)

    def logs(self) -> dict[str, float]:
        """The means so far, by the names of a History."""
        self._count()
        return {"loss": self.total / self.samples, **{r.name: r.result() for r in self.running}}


def finished(activation: Callable[..., Operand], outputs: np.ndarray) -> np.ndarray:
    """The activation of weighted sums, without recording."""
    with no_grad():
        return activation(Tensor(outputs)).numpy()
