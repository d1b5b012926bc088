"""A recorded graph of Tensors as a tape: the operations one after another, to be run again on new numbers.

The arrays of its leaves stay where they are and are looked at anew in each run. The operations and the ways
their gradients go back are those of the graph, so that its numbers are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import is_node, topological_order
from ..op import Operation
from ..ops.shapes import sum_to
from ..tensor import Tensor

__all__ = ["Tape"]

_summed = sum_to.op.forward


class _Place(int):
    """Where on the tape an operand is computed."""

    __slots__ = ()


class Tape:
    """The graph below `root`, to be run again. wanted: leaves whose gradients are computed."""

    def __init__(self, root: Tensor, wanted: Sequence[Tensor]) -> None:
        order = topological_order(root)
        place = {v: _Place(i) for i, v in enumerate(order)}
        self._order = order
        self.leaves = [v._data if v.op is None else None for v in order]
        self.steps: list[tuple[int, Operation, tuple[Any, ...], tuple[int, ...]]] = []
        needed = set(wanted)
        for v in order:
            if v.op is None:
                continue
            towards = tuple(i for i, u in enumerate(v.operands) if is_node(u) and u in needed)
            if towards:
                needed.add(v)
            operands = tuple(place[u] if is_node(u) else u for u in v.operands)
            self.steps.append((place[v], v.op, operands, towards))
        self.wanted = [place.get(w) for w in wanted]
        self.zeros = [np.zeros(w.shape) for w in wanted]

    def place_of(self, v: Any) -> int | None:
        """The place of a node; None if it is not below the root."""
        for i, u in enumerate(self._order):
            if u is v:
                return i
        return None

    def forward(self) -> list[Any]:
        """Everything that is computed; the result is last. To be called inside `quietly`."""
        return self._forward(self.leaves)

    def _forward(self, leaves: Sequence[Any]) -> list[Any]:
        values = list(leaves)
        for place, op, operands, _ in self.steps:
            z = op.forward(*[values[u] if u.__class__ is _Place else u for u in operands])
            values[place] = z if isinstance(z, np.ndarray) else np.asarray(z)
        return values

    def backward(self, values: Sequence[Any], seed: Any) -> list[Any]:
        """The gradients of the wanted leaves; None for those on which nothing depends."""
        gradients: list[Any] = [None] * len(values)
        gradients[-1] = seed
        for place, op, operands, towards in reversed(self.steps):
            g = gradients[place]
            if g is None or not towards:
                continue
            data = [values[u] if u.__class__ is _Place else u for u in operands]
            z = values[place]
            for i in towards:
                term = op.pulls[i](g, z, *data)
                u = operands[i]
                shape = values[u].shape
                if term.shape != shape:
                    term = _summed(term, shape)
                gradients[u] = term if gradients[u] is None else gradients[u] + term
        return [None if place is None else gradients[place] for place in self.wanted]

    def tensors(self, leaves: dict[Tensor, Tensor]) -> Tensor:
        """The graph as it would be recorded now. leaves: what stands for its leaves; the others are copied."""
        nodes: dict[Any, Tensor] = {}
        for v in self._order:
            if v.op is None:
                nodes[v] = leaves[v] if v in leaves else Tensor(v._data, v.label)
            else:
                nodes[v] = Tensor._record(v.op, *(nodes[u] if is_node(u) else u for u in v.operands))
                nodes[v].label = v.label
        return nodes[self._order[-1]]
