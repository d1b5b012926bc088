"""A recorded graph of Tensors as a tape: the operations one after another, to be run again on new numbers.

The arrays of its leaves stay where they are and are looked at anew in each run. The operations and the ways
their gradients go back are those of the graph, so that its numbers are the same to the last bit. What runs
often is written down as NumPy calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..fast import roads
from ..fast.recorder import called, recorded
from ..graph import is_node, topological_order
from ..ieee import quietly
from ..op import Operation
from ..ops.shapes import sum_to
from ..tensor import Tensor

__all__ = ["Tape"]

_summed = sum_to.op.forward

# In which run the calls are written down, which takes as long as some ten runs; and how often a program may come to
# another decision than when it was written before it is given up.
REPEATED, PATIENCE = 3, 10


class _Place(int):
    """Where on the tape an operand is computed."""

    __slots__ = ()


class Tape:
    """The graph below `root`, a Tensor of one number, to be run again.

    wanted: leaves whose gradients are computed. The index arrays in its operands and the arrays of its leaves may be
    written to between runs.

    gradient  of all wanted leaves, one after the other in one vector, after a run with gradients
    """

    def __init__(self, root: Tensor, wanted: Sequence[Tensor]) -> None:
        self._order = topological_order(root)
        place = {v: _Place(i) for i, v in enumerate(self._order)}
        self._places = {id(v): i for v, i in place.items()}
        self._leaves = [v._data if v.op is None else None for v in self._order]
        self._steps: list[tuple[int, Operation, tuple[Any, ...], tuple[int, ...]]] = []
        needed = set(wanted)
        for v in self._order:
            if v.op is None:
                continue
            towards = tuple(i for i, u in enumerate(v.operands) if is_node(u) and u in needed)
            if towards:
                needed.add(v)
            operands = tuple(place[u] if is_node(u) else u for u in v.operands)
            self._steps.append((place[v], v.op, operands, towards))
        self.gradient = np.zeros(sum(w.size for w in wanted))
        self._parts: list[tuple[int, np.ndarray]] = []  # of the gradient, with the place of the leaf
        start = 0
        for w in wanted:
            if w in place:
                self._parts.append((place[w], self.gradient[start : start + w.size].reshape(w.shape)))
            start += w.size
        # Of the result. An array like the others: what is computed from constants alone would be written down as a
        # constant, also where it goes back through an index that changes.
        self._seed = np.ones(root.shape)
        self._watched: list[int] = []
        self._runs = self._given_up = 0
        self._program: Callable[..., Any] | None = None

    def __len__(self) -> int:
        return len(self._steps)

    def watch(self, v: Tensor) -> int | None:
        """Give what v is with each run: its number among what is given, None if it is not below the root."""
        place = self._places.get(id(v))
        if place is None:
            return None
        if place not in self._watched:
            self._watched.append(place)
        return self._watched.index(place) + 1

    def run(self, with_gradient: bool = True) -> Sequence[Any]:
        """The result, and what is watched; the gradient is that of the result."""
        return quietly(self._run, with_gradient)

    def _run(self, with_gradient: bool) -> Sequence[Any]:
        if not with_gradient:
            return self._given(self._forward(self._leaves))
        self._runs += 1
        if self._runs == REPEATED and roads.are_open():
            return self._written()
        if self._program is not None:
            found = self._program()
            if found is not None:
                return found
            self._given_up += 1
            if self._given_up == PATIENCE:
                self._program = None
        return self._passes(self._seed, self._leaves, self._parts)

    def _written(self) -> Sequence[Any]:
        """A run that writes its calls down."""
        arrays = [x for x in self._leaves if x is not None]

        def passes(*symbols: Any) -> Sequence[Any]:
            rest = iter(symbols)
            leaves = [None if x is None else next(rest) for x in self._leaves]
            return self._passes(next(rest), leaves, [(place, next(rest)) for place, _ in self._parts])

        found = recorded(passes, [], [*arrays, self._seed, *(part for _, part in self._parts)])
        if found is None:
            return self._passes(self._seed, self._leaves, self._parts)
        results, self._program = found
        return results

    def _given(self, values: Sequence[Any]) -> Sequence[Any]:
        return [values[-1], *[values[place] for place in self._watched]]

    def _passes(self, seed: Any, leaves: Sequence[Any], parts: Sequence[tuple[int, Any]]) -> Sequence[Any]:
        values = self._forward(leaves)
        gradients: list[Any] = [None] * len(values)
        gradients[-1] = seed
        for place, op, operands, towards in reversed(self._steps):
            g = gradients[place]
            if g is None or not towards:
                continue
            data = [values[u] if u.__class__ is _Place else u for u in operands]
            for i in towards:
                term = called(op.pulls[i], g, values[place], *data)
                u = operands[i]
                shape = values[u].shape
                if term.shape != shape:
                    term = called(_summed, term, shape)
                gradients[u] = term if gradients[u] is None else gradients[u] + term
        for place, part in parts:
            part[...] = 0.0 if gradients[place] is None else gradients[place]
        return self._given(values)

    def _forward(self, leaves: Sequence[Any]) -> list[Any]:
        values = list(leaves)
        for place, op, operands, _ in self._steps:
            z = called(op.forward, *[values[u] if u.__class__ is _Place else u for u in operands])
            values[place] = z if isinstance(z, np.ndarray) else called(np.asarray, z)
        return values

    def tensors(self) -> Tensor:
        """The graph as it would be recorded now."""
        nodes: dict[Any, Tensor] = {}
        for v in self._order:
            if v.op is None:
                nodes[v] = Tensor(v._data, v.label)
            else:
                nodes[v] = Tensor._record(v.op, *(nodes[u] if is_node(u) else u for u in v.operands))
                nodes[v].label = v.label
        return nodes[self._order[-1]]
