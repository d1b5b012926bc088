"""Operations one after another, each on the result of the one before, run without recording a graph.

Where layers follow one another the way back is known, and needs no nodes. The operations and the ways
their gradients go back are those of a recorded computation, so the numbers are the same to the last bit.
The same holds for `Passes`, the programs of such runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .loss_ops import Softmax
from .op import Operation
from .replay import Program, recorded
from .sweep import add_to_leaf
from .tensor import Tensor, stand_in

__all__ = ["Link", "Passes", "Tape", "pull_back", "result", "run"]

# An operation, and what it takes after the result of the link before: parameters, arrays, shapes.
Link = tuple[Operation, tuple[Any, ...]]
# Of each link: its operation, what it gave, its operands as arrays, and its parameters.
Tape = list[tuple[Operation, np.ndarray, list[Any], tuple[Any, ...]]]


def run(links: Sequence[Link], x: np.ndarray) -> tuple[np.ndarray, Tape]:
    """The result for x, and what `pull_back` needs.

    x: float32 or float64 as the parameters are. Nothing is checked; call it inside `quietly`.
    """
    tape: Tape = []
    for op, others in links:
        data = [x, *[u._data if u.__class__ is Tensor else u for u in others]] if others else [x]
        x = op.forward(*data)
        tape.append((op, x, data, others))
    return x, tape


def result(links: Sequence[Link], x: np.ndarray) -> np.ndarray:
    """The result for x alone. It may share its numbers with x."""
    for op, others in links:
        x = op.forward(x, *[u._data if u.__class__ is Tensor else u for u in others]) if others else op.forward(x)
    return x


def pull_back(tape: Tape, g: np.ndarray) -> None:
    """Add the gradients of all parameters; g is that of the result. Call it inside `quietly`."""
    first = tape[0]
    for link in reversed(tape):
        op, z, data, others = link
        for i, u in enumerate(others, 1):
            if u.__class__ is Tensor:
                add_to_leaf(u, op, i, g, z, data)
        if link is first:
            return
        pull = op.pulls[0]
        assert pull is not None
        g = pull(g, z, *data) if others else pull(g, z, data[0])


class Passes:
    """The passes forward and back over links with a loss at their end, as programs for the shapes that come again.

    parameters: all Tensors of the links, whose gradients are written into arrays that exist (see
    `autograd.flat`). seed: the gradient of the loss.
    """

    def __init__(self, parameters: Sequence[Tensor], seed: np.ndarray) -> None:
        self.parameters, self.seed = list(parameters), seed
        self._links: Sequence[Link] = ()
        self._arrays: list[tuple[Tensor, np.ndarray]] = []
        # For each shape how often it was seen, or then the program, `_no_program` if there is none.
        self._programs: dict[Any, Any] = {}
        self._given_up = 0

    def run(self, links: Sequence[Link], last: Link, x: np.ndarray) -> tuple[Any, np.ndarray] | None:
        """The loss and what it took, for a shape seen before; None if `run` and `pull_back` are to be called.

        last: the loss, which takes a target and a weight. The gradients are in the buffers of the parameters,
        in the place of those that were there. Call it inside `quietly`.
        """
        if links is not self._links:
            if links != self._links:
                self._forget()
            self._links = links
        op, others = last
        if len(others) < 2:
            return None
        target, weight = others[:2]
        key = op, len(x), weight if weight.__class__ is float else None
        program = self._programs.get(key, 0)
        if program.__class__ is int:
            return self._first(key, program + 1, last, x)
        for p, array in self._arrays:
            if p._data is not array:
                self._forget()
                return None
        found = program(x, target) if key[2] is not None else program(x, target, weight)
        if found is None and program is not _no_program:
            self._given_up += 1
            if self._given_up > PATIENCE:  # it saves nothing if the data often ask for other operations
                self._programs[key] = _no_program
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        # A copied program would write into the arrays of the original.
        return Passes, (self.parameters, self.seed)

    def _forget(self) -> None:
        self._programs.clear()
        self._given_up = 0

    def _first(self, key: Any, times: int, last: Link, x: np.ndarray) -> tuple[Any, np.ndarray] | None:
        """Count a shape, or write its program when it has come often enough to be worth it."""
        if len(self._programs) > SHAPES:
            self._forget()
        self._programs[key] = times
        if times < REPEATED:
            return None
        found = self._recorded(last, x)
        if found is None:
            self._programs[key] = _no_program
            return None
        results, self._programs[key] = found
        return results

    def _recorded(self, last: Link, x: np.ndarray) -> tuple[Any, Program] | None:
        """The results for x, and the program; None if there is none."""
        op, (target, weight, *rest) = last
        used = [u for _, others in self._links for u in others if u.__class__ is Tensor]
        if (
            {id(p) for p in self.parameters} != {id(u) for u in used}
            or any(p._buffer is None for p in self.parameters)
            or not all(map(_is_ours, [op, *(op for op, _ in self._links)]))
            or any(u.__class__ is not Softmax for u in rest)
        ):
            return None
        self._arrays = [(p, p._data) for p in self.parameters]
        changing = [x, target] if weight.__class__ is float else [x, target, weight]
        lasting: list[Any] = [a for p, data in self._arrays for a in (data, p._buffer)]

        def passes(*arrays: Any) -> tuple[Any, Any]:
            x, target, *more = arrays[: len(changing)]
            rest_of_arrays = iter(arrays[len(changing) :])
            stands_for = {id(p): stand_in(next(rest_of_arrays), next(rest_of_arrays)) for p in self.parameters}
            links = [(op, tuple(stands_for.get(id(u), u) for u in others)) for op, others in self._links]
            loss, tape = run([*links, (op, (target, *(more or [weight]), *rest))], x)
            pull_back(tape, self.seed)
            return loss, tape[-1][2][0]

        return recorded(passes, changing, lasting)


# How often a shape is seen until its program is written, which takes as long as some twenty small steps; how
# many shapes are kept in mind; and how often programs may give up.
REPEATED, SHAPES, PATIENCE = 3, 8, 10


def _no_program(*inputs: np.ndarray) -> None:
    """Gives up."""


def _is_ours(op: Operation) -> bool:
    """True for an operation of this package: what it computes depends on its operands alone."""
    return op.forward.__module__.partition(".")[0] == __name__.partition(".")[0]
