"""Reductions read on rows: many sequences of one length at once, as the last axis of an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ieee import ieee
from ..op import Operation, array_forms
from ..operands import Vector
from ..ops import elementwise, losses, softmaxes, sums
from ..tensor import Tensor

__all__ = ["along_rows"]


def _squared_error(x: Any, y: Any) -> Any:
    d = elementwise.sub(x, y)
    return elementwise.mul(0.5, sums.sum(elementwise.mul(d, d), axis=-1))


def _entropy_of_logits(x: Any, y: Any) -> Any:
    return sums.mean(elementwise.sub(elementwise.softplus(x), elementwise.mul(x, y)), axis=-1)


def _entropy_of_softmax(x: Any, y: Any) -> Any:
    total = softmaxes.logsumexp(x, axis=-1, keepdims=True)
    return sums.sum(elementwise.mul(y, elementwise.sub(total, x)), axis=-1)


# Losses of a sequence, spelled out; those of a batch are means over samples.
_SPELLED_OUT = {
    losses.squared_error.op.name: _squared_error,
    losses.binary_cross_entropy_with_logits.op.name: _entropy_of_logits,
    "cross_entropy_of_softmax": _entropy_of_softmax,
}


def along_rows(op: Operation, operands: Sequence[Any], is_sequence: Sequence[bool]) -> Any:
    """The reduction of every row. operands: (..., n, k) for sequences of k, (..., n) for single numbers."""
    xs = [Tensor(x) if x.__class__ is not Tensor and op.rules[i] is not None else x for i, x in enumerate(operands)]
    if not all(is_sequence[i] for i, rule in enumerate(op.rules) if rule is not None):
        if op.name == "clip":
            return array_forms["clip"](*xs)
        if op.name in _SPELLED_OUT:  # single numbers are sequences of one
            xs = [x.reshape((*x.shape, 1)) for x in xs]
            return _SPELLED_OUT[op.name](*xs)
        raise NotImplementedError(f"{op.shown} of single numbers")
    if op.name in _SPELLED_OUT:
        return _SPELLED_OUT[op.name](*xs)
    if op.name in array_forms and len(xs) == 1:
        return array_forms[op.name](*xs, axis=-1)
    return Tensor._record(_row_by_row(op), *xs)


def _row_by_row(op: Operation) -> Operation:
    """A reduction that knows sequences only, as an operation on arrays; its gradients are those of its rules."""

    def forward(*operands: Any) -> Any:
        shape = operands[0].shape
        rows = [x.reshape(-1, shape[-1]).tolist() for x in operands]
        each = [float(ieee(op.forward, *map(Vector, row))) for row in zip(*rows, strict=True)]
        return np.array(each).reshape(shape[:-1])

    forward.__name__ = op.name
    return Operation(forward, (), pulls=op.pulls, symbol=op.symbol, shown=op.shown)
