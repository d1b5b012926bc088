"""The reverse pass through Tensors, on plain arrays.

Results come in the opposite order of computation, so that each has its whole gradient when its turn
comes. A chain needs no bookkeeping; where the graph branches, results wait on a heap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from .array_ops import cast, sum_to

__all__ = ["backward", "pulled"]

_summed = sum_to.op.forward


def backward(root: Any, g: np.ndarray) -> None:
    """Add the gradients of the leaves below `root`, whose own gradient is g."""
    node = root.__class__
    if root._op is None:
        _deliver(root, g, g)
        return
    waiting: dict[int, list[Any]] = {}
    heap: list[int] = []
    v = root
    while True:
        if v._label is not None:
            v._grad = g
        op = v._op
        operands = v._operands
        z = v._data
        serial = v._serial
        data = [u._data if u.__class__ is node else u for u in operands]
        for i, u in enumerate(operands):
            if u.__class__ is not node:
                continue
            if u._op is None:
                if u._serial > serial or u._seen is not None:
                    _check_unchanged(u, v)
                if u._grad is None and u._buffer is not None and i in op.writes:
                    u._grad = _fitting(op.pulls[i](g, z, *data, out=u._buffer), u._data, u._buffer)
                else:
                    _deliver(u, op.pulls[i](g, z, *data), g)
                continue
            term = op.pulls[i](g, z, *data)
            if term.shape != u._data.shape:
                term = _summed(term, u._data.shape)
            if term.dtype is not u._data.dtype:
                term = term.astype(u._data.dtype)
            key = -u._serial
            if key in waiting:
                other = waiting[key]
                other[1] = other[1] + term
            else:
                waiting[key] = [u, term]
                heappush(heap, key)
        if not heap:
            return
        v, g = waiting.pop(heappop(heap))


def pulled(v: Any, g: Any, wanted: Sequence[bool]) -> Iterator[tuple[Any, Any]]:
    """The operands of v that are wanted, each with its share of the gradient g of v.

    If g is a Tensor the shares are too, computed from v and its operands as nodes.
    RuntimeError if the data of an operand was changed since.
    """
    operands, op = v._operands, v._op
    read = v.__class__ is g.__class__
    z = v if read else v._data
    data = operands if read else [u._data if u.__class__ is v.__class__ else u for u in operands]
    for u in operands:
        if u.__class__ is v.__class__ and u._op is None:
            _check_unchanged(u, v)
    for i, u in enumerate(operands):
        if wanted[i]:
            term = op.pulls[i](g, z, *data)
            if term.shape != u.shape:
                term = sum_to(term, u.shape)
            yield u, cast(term, u.dtype) if term.dtype != u.dtype else term


def _check_unchanged(u: Any, v: Any) -> None:
    if u._serial > v._serial or (u._seen is not None and u._stamp() > v._serial):
        raise changed(u, v._op)


def _fitting(written: np.ndarray, data: np.ndarray, buffer: np.ndarray) -> np.ndarray:
    """What a pull wrote into the buffer; copied there if it could not write itself."""
    if written is not buffer:
        buffer[...] = written if written.shape == data.shape else _summed(written, data.shape)
    return buffer


def _deliver(u: Any, term: np.ndarray, g: np.ndarray) -> None:
    """Add a gradient to a leaf, in an array of its own."""
    data = u._data
    if term.shape != data.shape:
        term = _summed(term, data.shape)
    if u._grad is not None:
        u._grad = u._grad + term if u._grad is not u._buffer else np.add(u._grad, term, out=u._buffer)
    elif u._buffer is not None:
        u._buffer[...] = term
        u._grad = u._buffer
    elif term.__class__ is np.ndarray and term.base is None and term is not g and term.dtype is data.dtype:
        u._grad = term
    else:
        u._grad = np.array(term, data.dtype)


def changed(u: Any, op: Any) -> RuntimeError:
    """The refusal of a gradient through numbers that are no longer those of the forward pass."""
    name = f"{u._label!r}" if u._label else f"a leaf of shape {u.shape}"
    return RuntimeError(
        f"{op.name}: the data of {name} was changed after the forward pass used it; "
        "run the forward pass again before backward()"
    )
