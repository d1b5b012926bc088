"""Parameters side by side in one flat array, so that an update of all of them is a single operation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .tensor import Tensor, next_serial

__all__ = ["FlatParameters"]


class FlatParameters:
    """Leaf Tensors of one dtype as one vector of numbers and one of gradients.

    tensors: the parameters; each is used once. Their arrays move into one block. An array that
    somebody outside may write to stays where it is, and so does one that lies in a block already;
    what is written to `data` is then copied there.

    data      all numbers in a row, in the order of the parameters; write to it between `begin` and `end`
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self.tensors = list(tensors)
        dtype = self.tensors[0]._data.dtype
        ends = np.cumsum([t.size for t in self.tensors]).tolist()
        self.places = [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]
        self.data = np.empty(ends[-1], dtype)
        self._gradient = np.zeros(ends[-1], dtype)
        self._views: list[tuple[Tensor, np.ndarray, np.ndarray]] = []
        self._others: list[tuple[Tensor, np.ndarray]] = []
        for t, place in zip(self.tensors, self.places, strict=True):
            numbers = self.data[place].reshape(t.shape)
            numbers[...] = t._data
            gradient = self._gradient[place].reshape(t.shape)
            if t._seen is None and t._data.base is None:
                t._data = numbers
                t._buffer = gradient
                if t._grad is not None:
                    gradient[...] = t._grad
            else:
                self._others.append((t, numbers))
            self._views.append((t, numbers, gradient))

    def gradient(self) -> np.ndarray | None:
        """All gradients in a row, 0 where a parameter has none; None if none has one. It is the caller's to change."""
        missing = 0
        for t, _, gradient in self._views:
            g = t._grad
            if g is not gradient:
                if g is None:
                    missing += 1
                    gradient[...] = 0
                else:
                    gradient[...] = g
        return None if missing == len(self._views) else self._gradient

    def begin(self) -> np.ndarray:
        """`data`, as the parameters are now."""
        for t, numbers in self._others:
            numbers[...] = t._data
        return self.data

    def end(self) -> None:
        """Make what was written to `data` the numbers of the parameters."""
        for t, numbers in self._others:
            t._data[...] = numbers
            if t._seen is not None:
                t._seen = t._data.tobytes()
        serial = next_serial()
        for t in self.tensors:
            t._serial = serial
