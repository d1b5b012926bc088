"""Reductions of many sequences of one length at once, which are the rows of an array."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from ..op import Operation
from ..rows import Rows, share_along_axes
from ..tensor import Tensor

__all__ = ["along_rows"]


def along_rows(op: Operation, operands: Sequence[Any], is_sequence: Sequence[bool]) -> Any:
    """The reduction of every row. operands: (..., n, k) for sequences of k, (..., n) for single numbers."""
    xs = [x if x.__class__ is Tensor or op.rules[i] is None else Tensor(x) for i, x in enumerate(operands)]
    if not any(is_sequence):  # single numbers are sequences of one
        xs = [x.reshape((*x.shape, 1)) for x in xs]
    assert op.array is not None
    if op.array.loss is None:
        return op.array.function(*xs, axis=-1)
    return Tensor._record(_each_row(op), *xs)


@functools.cache
def _each_row(op: Operation) -> Operation:
    """A loss of every row, whose form for batches is that of all rows together."""

    def forward(*operands: Any) -> Any:
        z = op.forward(*map(Rows, operands)).array
        return z[..., 0] if z.shape[-1] == 1 else z.sum(-1)

    def pull(i: int, g: object, z: object, *operands: object) -> Any:
        return share_along_axes(op, i, g, z, operands, -1)

    forward.__name__ = op.name
    pulls = [None if rule is None else functools.partial(pull, i) for i, rule in enumerate(op.rules)]
    return Operation(forward, pulls=pulls, writing={"shown": op.shown, "symbol": op.symbol})
