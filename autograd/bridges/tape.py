"""A recorded graph of Tensors, to be computed again for the numbers that its leaves have then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..fast.programs import Programs
from ..graph import is_node, topological_order
from ..ieee import quietly
from ..tensor import Tensor

__all__ = ["Tape"]


class Tape:
    """The graph below `root`, to be recorded again, or to run as the program of that, as steps of a training do.

    wanted: leaves whose gradients are computed if root is one number; each has its own, or None, after a run with
    gradients. The index arrays in its operands and the arrays of its leaves may be written to between runs.
    """

    def __init__(self, root: Tensor, wanted: Sequence[Tensor] = ()) -> None:
        self._order = topological_order(root)
        self._places = {v: i for i, v in enumerate(self._order)}
        self._watched: list[int] = []
        self._leads: set[Tensor] = set(wanted)  # to a leaf whose gradient is wanted
        for v in self._order:
            if any(is_node(u) and u in self._leads for u in v.operands):
                self._leads.add(v)
        leaves = [v for v in self._order if v.op is None]
        self._size = len(self._order) - len(leaves)
        self._both = Programs(leaves, wanted, seed=np.ones(root.shape))
        self._forward = Programs(leaves)

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
        """The result, and what is watched. The gradients are those of the result, if it is finite."""
        return quietly((self._both if with_gradient else self._forward).run, self._results)

    def _results(self) -> list[Tensor]:
        values: list[Tensor] = []
        for v in self._order:
            if v.op is not None:
                v = Tensor._record(v.op, *(self._operand(v, u, values) for u in v.operands))
            values.append(v)
        return [values[-1], *(values[place] for place in self._watched)]

    def _operand(self, v: Tensor, u: Any, values: Sequence[Tensor]) -> Any:
        """What v is computed from in the place of u: plain numbers, where no gradient is to go further."""
        if not is_node(u):
            return u
        now = values[self._places[u]]
        return now._data if v in self._leads and u not in self._leads else now

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
