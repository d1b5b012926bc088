"""A recorded graph of Tensors, to be computed again for the numbers that its leaves have then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..fast.effects import give_gradients
from ..fast.programs import Programs
from ..graph import is_node, topological_order
from ..ieee import quietly
from ..op import Operation
from ..passes.tensors import backward
from ..tensor import Tensor, stand_in

__all__ = ["Tape"]


class _Node(NamedTuple):
    """The result at a place of the tape. is_plain: no gradient goes further, and its numbers are enough."""

    place: int
    is_plain: bool


class _Given(NamedTuple):
    """One of the arrays that are given, in this shape."""

    number: int
    shape: tuple[int, ...]


class Tape:
    """The graph below `root`, to be recorded again, or to run as the program of that, as steps of a training do.

    wanted: leaves whose gradients are computed if root is one number; each has its own, or None, after a run with
    gradients. indices: index arrays, of which those in the graph are views. They and the arrays of the leaves may be
    written to between runs.
    """

    def __init__(self, root: Tensor, wanted: Sequence[Tensor] = (), indices: Sequence[np.ndarray] = ()) -> None:
        self._order = topological_order(root)
        self._places = {v: i for i, v in enumerate(self._order)}
        self._watched: list[int] = []
        self._indices = [a for a in indices if a.dtype.kind == "i"]
        leads = set(wanted)  # to a leaf whose gradient is wanted
        # Of every node the operation and its operands, or the leaf.
        self._steps: list[tuple[Operation, list[Any]] | Tensor] = []
        leaves: list[Tensor] = []
        for v in self._order:
            if v.op is None:
                self._steps.append(v)
                leaves.append(v)
                continue
            if any(is_node(u) and u in leads for u in v.operands):
                leads.add(v)
            operands: list[Any] = []
            for i, u in enumerate(v.operands):
                if is_node(u):
                    operands.append(_Node(self._places[u], v in leads and u not in leads))
                elif (
                    isinstance(u, np.ndarray) and u.ndim and v.op.pulls[i] is not None
                ):  # an array that the program knows as one
                    leaves.append(stand_in(u, None))
                    operands.append(leaves[-1])
                else:
                    operands.append(self._index(u) if isinstance(u, tuple) else u)
            self._steps.append((v.op, operands))
        self._size = sum(v.op is not None for v in self._order)
        self._wanted = list(wanted)
        self._both = Programs(leaves, trains=True, lasts=True)
        self._forward = Programs(leaves, lasts=True)

    def _index(self, parts: tuple[object, ...]) -> tuple[Any, ...]:
        """An index with arrays that are given marked as such."""
        found = []
        for u in parts:
            if isinstance(u, np.ndarray):
                for number, a in enumerate(self._indices):
                    if np.may_share_memory(u, a):
                        u = _Given(number, u.shape)
                        break
            found.append(u)
        return tuple(found)

    def __len__(self) -> int:
        return self._size

    def watch(self, v: Tensor) -> int | None:
        """Give what v is with each run: its number among what is given, None if it is not below the root."""
        place = self._places.get(v)
        if place is None:
            return None
        if place not in self._watched:
            self._watched.append(place)
        return self._watched.index(place) + 1

    def run(self, with_gradient: bool = True) -> Sequence[Any]:
        """The result, and what is watched. The gradients are those of the result."""
        if with_gradient:
            found = quietly(self._both.run, self._results_and_gradients, *self._indices)
        else:
            found = quietly(self._forward.run, self._results, *self._indices)
        if with_gradient and (z := found[0].item()) - z != 0.0:  # for which a training has no use
            quietly(self._go_back)
        return found

    def _go_back(self) -> None:
        root = self._results(*self._indices)[0]
        for t in self._wanted:
            t._grad = None
        backward(root, np.ones(root.shape))

    def _results_and_gradients(self, *indices: Any) -> list[Tensor]:
        found = self._results(*indices)
        give_gradients(found[0], self._wanted)
        return found

    def _results(self, *indices: Any) -> list[Tensor]:
        """The graph recorded again."""
        values: list[Tensor] = []

        def operand(u: Any) -> Any:
            if u.__class__ is _Node:
                v = values[u.place]
                return v._data if u.is_plain else v
            if u.__class__ is Tensor:
                return u._data
            if u.__class__ is tuple:
                return tuple([indices[i.number].reshape(i.shape) if i.__class__ is _Given else i for i in u])
            return u

        for step in self._steps:
            values.append(step if isinstance(step, Tensor) else Tensor._record(step[0], *map(operand, step[1])))
        return [values[-1], *(values[place] for place in self._watched)]

    def tensors(self) -> Tensor:
        """The graph as it would be recorded now, with leaves of its own."""
        nodes: dict[Tensor, Tensor] = {}
        for v in self._order:
            if v.op is None:
                nodes[v] = Tensor(v._data, v.label)
            else:
                nodes[v] = Tensor._record(v.op, *(nodes[u] if is_node(u) else u for u in v.operands))
                nodes[v].label = v.label
        return nodes[self._order[-1]]
