"""Who is who in a recorded graph: what is the data, how many samples it has, and what has a row for each."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import TypeGuard

import numpy as np

from ..graph import is_node
from ..ops.elementwise import add, div, log, mul, sub
from ..ops.matrices import matmul
from ..ops.shapes import reshape, transpose
from ..ops.softmaxes import array_log_softmax
from ..samples import axis_of_data, is_data_name, shown_axis
from ..tensor import Tensor
from .atoms import Shape

__all__ = ["Roles", "constants_of", "hides", "is_mask", "is_tensor", "is_turned", "role", "weights_of", "whole_of_rows"]


def is_tensor(x: object) -> TypeGuard[Tensor]:
    """True for a Tensor, False for a constant and for what is no quantity: an axis, a shape."""
    return is_node(x)


def constants_of(v: Tensor) -> Iterator[tuple[int, np.ndarray]]:
    """The constant arrays among the operands, each with its place and as it is called; see `is_turned`."""
    for i, u in enumerate(v.operands):
        if isinstance(u, np.ndarray) and u.ndim and v.op is not None and v.op.pulls[i] is not None:
            whole = whole_of_rows(v) if i == 1 else None
            yield i, u.reshape(whole.shape) if whole is not None else u.T if is_turned(v, i) else u


def whole_of_rows(v: Tensor) -> Tensor | None:
    """The predictions with more axes, such as those at every step, whose rows a loss takes beside rows of targets."""
    if not _is_loss(v) or not _is_flattened(v.operands[0]) or v.operands[0].label is not None:
        return None
    rows, target, weight, *_ = v.operands
    whole: Tensor = rows.operands[0]
    is_alike = isinstance(target, np.ndarray) and target.shape == rows.shape and rows.shape[-1] == whole.shape[-1]
    return whole if is_alike and isinstance(weight, float) else None


def is_turned(v: Tensor, i: int) -> bool:
    """True for the targets of predictions that were turned into rows for a loss: what has a name has columns too."""
    prediction = v.operands[0]
    return i == 1 and _is_loss(v) and is_tensor(prediction) and prediction.op is transpose.op


def role(v: Tensor, i: int) -> str:
    """What a constant at this place is called: the target of a loss Y, what weights multiply X, a mask M, else C."""
    if v.op is add.op and hides(v.operands[i]):
        return "M"
    if _is_loss(v) or v.op is sub.op or (v.op is mul.op and _is_logarithm(v.operands[1 - i])):
        return "Y"
    if i == 0 and (_is_by_sample(v) or v.op is transpose.op):
        return "X"
    if v.op is mul.op and is_mask(v.operands[i]):
        return "M"
    return "X" if v.op is matmul.op else "C"


def is_mask(x: object) -> bool:
    """True for zeros and one other number, as dropout multiplies with."""
    if not isinstance(x, np.ndarray) or x.ndim < 2 or x.size < 2:
        return False
    largest = np.max(x)
    return bool(largest > 0 and np.isin(x, (0.0, largest)).all() and not x.all())


def hides(x: object) -> bool:
    """True for zeros and one other number far below them, as is added to scores that are not to count."""
    if not isinstance(x, np.ndarray) or x.ndim < 2 or x.size < 2:
        return False
    least = np.min(x)
    return bool(least < -1e4 and np.isin(x, (0.0, least)).all())


def weights_of(v: Tensor) -> np.ndarray | None:
    """What a loss multiplies each row of its mean with, a column, if these are several numbers."""
    weight = v.operands[2] if _is_loss(v) and len(v.operands) > 2 else None
    return weight[:, None] if isinstance(weight, np.ndarray) and weight.ndim == 1 else None


def _is_loss(v: Tensor) -> bool:
    return v.op is not None and v.op.loss is not None


def _is_by_sample(v: Tensor) -> bool:
    return v.op is not None and v.op.by_sample


def _is_logarithm(u: object) -> bool:
    return is_tensor(u) and u.op in (log.op, array_log_softmax.op)


def _is_flattened(u: object) -> bool:
    """True for the rows of what has more axes: samples and steps, or samples and places."""
    return is_tensor(u) and u.op is reshape.op and np.ndim(u.operands[0]) > 2


class Roles:
    """How many samples there are, and what has a row (or column) for each.

    samples      m, along sample_axis as the computation ran; None if the graph shows none
    """

    def __init__(self, order: Sequence[Tensor], labels: dict[Tensor, str]) -> None:
        self.order, self.labels = order, labels
        self.samples, self.sample_axis = self._find_samples()

    def _find_samples(self) -> tuple[int | None, int]:
        """How many samples there are and along which axis: as the data meet weights; else as the loss has them."""
        found: tuple[int | None, int] = (None, 0)
        for v in self.order:
            if _is_by_sample(v) or _is_loss(v):
                shape = np.shape(v.operands[0])
                found = (shape[0], 0) if len(shape) == 2 and not _is_flattened(v.operands[0]) else (None, 0)
            elif v.op is matmul.op:
                x, y = v.operands
                axis = axis_of_data(x, y, self.is_data(x), self.is_data(y))
                if axis is not None:
                    found = (y.shape[1], 1) if axis else (x.shape[0], 0)
            if found[0] is not None:
                break
        for v in self.order:
            if found[1] and _is_loss(v) and shown_axis(v.operands[0]) == 1:  # which takes rows for samples all the same
                return len(v.operands[0]), 0
        return found if found[0] is not None else (self._first_of_data(), 0)

    def _first_of_data(self) -> int | None:
        """How many samples data with more axes have: images and sequences, samples first."""
        for v in self.order:
            if v.op is None and v.ndim > 2 and self.is_data(v):
                return len(v)
        for v in self.order:
            if _is_by_sample(v) and isinstance(v.operands[0], np.ndarray):
                return len(v.operands[0])
            if _is_loss(v) and _is_flattened(v.operands[0]):
                return len(v.operands[0].operands[0])
        return None

    def is_data(self, u: object) -> bool:
        """True for a constant array and for a leaf that is named as data are."""
        if not is_tensor(u):
            return isinstance(u, np.ndarray) and u.ndim > 0
        return u.op is None and is_data_name(self.labels.get(u, ""))

    def samples_in(self, shape: Shape, *, is_data: bool = False) -> int | None:
        """The axis along which samples lie in a matrix of this shape (or data in a vector), from the end, or None."""
        if len(shape) > 2 and self.sample_axis == 0 and self.samples is not None:
            if shape[0] == self.samples:
                return -len(shape)
            return 1 - len(shape) if is_data and shape[1] == self.samples else None  # steps first
        if len(shape) == 2 and shape[self.sample_axis] == self.samples:
            return self.sample_axis - 2
        if is_data and len(shape) == 2 and shape[1 - self.sample_axis] == self.samples:  # they lie the other way
            return -1 - self.sample_axis
        return -1 if is_data and shape == (self.samples,) else None

    def states(self, from_data: Container[Tensor]) -> set[Tensor]:
        """Leaves with a row per sample that are not named as data, such as the state before the first step, H_0."""
        found: set[Tensor] = set()
        meeting = matmul.op, add.op, sub.op, mul.op, div.op
        place = self.sample_axis  # of the factor that has the samples, in a matrix product
        for v in self.order:
            for i, u in enumerate(v.operands[:2] if v.op in meeting else ()):
                if not is_tensor(u) or u.op is not None or self.samples_in(u.shape) is None:
                    continue
                other = v.operands[1 - i]
                beside = is_tensor(other) and other in from_data and other.shape == u.shape
                is_input = i == place and is_tensor(other) and other.op is None and not self.is_data(other)
                if is_input if v.op is matmul.op else beside:
                    found.add(u)
        return found

    def computed_from_data(self) -> set[Tensor]:
        """The nodes that were computed from the data."""
        found: set[Tensor] = set()
        for v in self.order:
            inputs = (v,) if v.op is None else v.operands
            if any(u in found if is_tensor(u) and u.op is not None else self.is_data(u) for u in inputs):
                found.add(v)
        return found
