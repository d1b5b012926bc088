"""The reverse pass through Tensors, on plain arrays.

Results come in the opposite order of computation, so that each has its whole gradient when its turn
comes. A chain needs no bookkeeping; where the graph branches, results wait on a heap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from heapq import heappop, heappush

import numpy as np

from ..graph import Node, check_recorded
from ..op import Operation
from ..operands import Operand
from ..ops.shapes import cast, sum_to

__all__ = ["backward", "is_changed", "pulled"]

_summed = sum_to.op.forward

# A node that waits for its turn, the gradient that has arrived at it, and whether that array is the pass's own.
Arrived = list[Operand]


def backward(root: Node, g: np.ndarray) -> None:
    """Add the gradients of the leaves below `root`, whose own gradient is g."""
    node = root.__class__
    if root._op is None:
        check_recorded("backward", root)
        _deliver(root, g, g)
        return
    waiting: dict[int, Arrived] = {}
    heap: list[int] = []
    data: Sequence[Operand]
    v = root
    while True:
        if v._label is not None:
            v._grad = g
        op = v._op
        operands = v._operands
        z = v._data
        ahead = None
        data = []
        for u in operands:
            data.append(u._data if u.__class__ is node else u)
        if op.delivers is not None:
            op.delivers(v, g)
            operands = ()
        i = -1
        for u in operands:
            i += 1
            if u.__class__ is not node:
                continue
            if u._op is None:
                if u._serial > v._serial or u._seen is not None:
                    check_unchanged(u, v)
                buffer = u._buffer
                if buffer is not None and u._grad is None and i in op.writes:
                    written = op.pulls[i](g, z, *data, buffer)
                    if written is not buffer:
                        buffer[...] = written if written.shape == buffer.shape else _summed(written, buffer.shape)
                    u._grad = buffer
                else:
                    _deliver(u, op.pulls[i](g, z, *data), g)
                continue
            if op.adds is not None and _added(waiting.get(-u._serial), op, g, data):
                continue
            term = op.pulls[i](g, z, *data)
            if term.shape != u._data.shape:
                term = _summed(term, u._data.shape)
            if ahead is None:
                ahead, arriving = u, term
            else:
                _wait(waiting, heap, u, term)
        if heap:
            if ahead is not None:
                _wait(waiting, heap, ahead, arriving)
            v, g, _ = waiting.pop(heappop(heap))
        elif ahead is None:
            return
        else:
            v, g = ahead, arriving
        if g.dtype is not v._data.dtype:
            g = g.astype(v._data.dtype)


def _wait(waiting: dict[int, Arrived], heap: list[int], u: Node, term: Operand) -> None:
    """Add to the gradient with which u waits for its turn."""
    key = -u._serial
    if key not in waiting:
        waiting[key] = [u, term, False]
        heappush(heap, key)
        return
    entry = waiting[key]
    if entry[2] and term.dtype == entry[1].dtype:
        entry[1] += term
    else:
        entry[1] = entry[1] + term


def _added(entry: Arrived | None, op: Operation, g: np.ndarray, data: Sequence[Operand]) -> bool:
    """True if the share of an operand of which op takes a part could be added where it waits.

    A loop over the parts of an array then costs what the parts cost, not an array of zeros for each.
    """
    if entry is None:
        return False
    if not entry[2]:
        entry[1] = entry[1].copy()
        entry[2] = True
    return op.adds is not None and op.adds(entry[1], g, *data)


def pulled(
    v: Node, operands: Sequence[Operand], g: Operand, wanted: AbstractSet[Node]
) -> Iterator[tuple[Node, Operand]]:
    """The operands of v that are wanted, each with its share of the gradient g of v.

    If g is a Tensor the shares are too, computed from v and its operands as nodes.
    RuntimeError if the data of an operand was changed since.
    """
    node, op = v.__class__, v._op
    read = node is g.__class__
    z = v if read else v._data
    data = operands if read else [u._data if u.__class__ is node else u for u in operands]
    for u in operands:
        if u.__class__ is node:
            leaf = u if u._op is None else _shown(u)
            if leaf._op is None and (leaf._serial > v._serial or leaf._seen is not None):
                check_unchanged(leaf, v)
    for i, u in enumerate(operands):
        if u.__class__ is node and u in wanted:
            term = op.pulls[i](g, z, *data)
            if term.shape != u._data.shape:
                term = sum_to(term, u._data.shape)
            yield u, cast(term, u.dtype) if term.dtype != u._data.dtype else term


def _shown(u: Node) -> Operand:
    """The node whose numbers u shows, if it is a view of another such as a reshaped leaf; u itself otherwise."""
    while u._op is not None:
        for x in u._operands:
            if x.__class__ is u.__class__ and np.may_share_memory(x._data, u._data):
                u = x
                break
        else:
            return u
    return u


def is_changed(u: Node, v: Node) -> bool:
    """True if the data of the leaf u was changed after v was computed from it."""
    return u._serial > v._serial or (u._seen is not None and u._stamp() > v._serial)


def check_unchanged(u: Node, v: Node) -> None:
    if is_changed(u, v):
        raise changed(u, v._op)


def _deliver(u: Node, term: np.ndarray, g: np.ndarray) -> None:
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


def changed(u: Node, op: Operation) -> RuntimeError:
    """The refusal of a gradient through numbers that are no longer those of the forward pass."""
    name = f"{u._label!r}" if u._label else f"a leaf of shape {u.shape}"
    return RuntimeError(
        f"{op.shown}: the data of {name} was changed after the forward pass used it; "
        "run the forward pass again before backward()"
    )
