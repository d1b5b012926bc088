"""Operations one after another, each on the result of the one before, run without recording a graph.

Where layers follow one another the way back is known, and needs no nodes. The operations and the ways
their gradients go back are those of a recorded computation, so the numbers are the same to the last bit.
The same holds for `Passes`, the programs of such runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..op import Operation, operation_of
from ..passes.tensors import add_to_leaf
from ..tensor import Tensor
from . import roads

__all__ = ["Link", "Tape", "links_of", "pull_back", "result", "run"]

# An operation, and what it takes after the result of the link before: parameters, arrays, shapes.
Link = tuple[Operation, tuple[Any, ...]]
# Of each link: its operation, what it gave, its operands as arrays, and its parameters.
Tape = list[tuple[Operation, np.ndarray, list[Any], tuple[Any, ...]]]


def links_of(steps: Iterable[tuple[Callable[..., Any], tuple[Any, ...]]], dtype: np.dtype) -> list[Link] | None:
    """Functions one after another, each with what it takes behind the result of the one before, as links.

    None if one of them is not an operation on this result alone, or a parameter is not of this dtype.
    """
    if not roads.are_open():
        return None
    links: list[Link] = []
    for function, others in steps:
        op = operation_of(function)
        if op is None or op.reduces or len(op.pulls) != 1 + len(others):
            return None
        if any(u.__class__ is Tensor and not (u.is_leaf and u.dtype == dtype) for u in others):
            return None
        links.append((op, others))
    return links


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
