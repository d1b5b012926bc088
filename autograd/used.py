"""Which numbers a recorded computation used, where `.data` was changed since, as an optimizer does.

Results, local derivatives and gradients belong to the numbers of the forward pass. A picture that put
today's weight beside them would be false, so it shows the number that was used; and a formula of a piecewise
operation is that of the piece that was taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .graph import Node, is_node, topological_order
from .ieee import ieee
from .modes import no_grad
from .operands import Operand, Vector, members
from .passes.tensors import is_changed
from .tensor import Tensor, numbers_before
from .value import Value

__all__ = ["Used"]

_TOLERANCE = 1e-12  # of the terms; a weighted sum may have been added up in another order
_ROUNDS = 40  # of Newton's method, which finds a number to rounding in far fewer


class Used:
    """The numbers that the graph below `root` used.

    changed: the nodes whose number is another now, each with the one that was used (of a Tensor the array);
    None where that is not on record, as of a Tensor that was changed more than once.
    """

    def __init__(self, root: Value | Tensor) -> None:
        self.changed: Mapping[Node, Operand] = (
            _changed_tensors(topological_order(root))
            if isinstance(root, Tensor)
            else _changed_values(topological_order(root))
        )

    def array(self, t: Tensor) -> np.ndarray:
        """The numbers of t that were used, or that it has now if no record tells."""
        used = self.changed.get(t)
        return t.numpy() if used is None else used

    def number(self, v: Value) -> float:
        """The number of v that was used, or that it has now if no record tells."""
        used = self.changed.get(v)
        return v.data if used is None else used

    @property
    def notes(self) -> tuple[str, ...]:
        """What a picture says of it, in short lines; nothing if nothing was changed."""
        return ("now: changed since the forward pass,", "to which all other numbers belong") if self.changed else ()


def _changed_tensors(order: Sequence[Tensor]) -> dict[Tensor, np.ndarray | None]:
    uses = [(u, v) for v in order for u in v.operands if is_node(u) and u.is_leaf and is_changed(u, v)]
    return {u: numbers_before(u, [v for w, v in uses if w is u]) for u, _ in uses}


def _changed_values(order: Sequence[Value]) -> dict[Value, float | None]:
    stale = [v for v in order if v.op is not None and not _is_explained(v, {})]
    if not stale:
        return {}
    used = _on_record(stale)
    waiting = stale
    while waiting:  # a number that is found at one operation may be the missing one of another
        left = [v for v in waiting if not _solved(v, used)]
        if len(left) == len(waiting):
            break
        waiting = left
    for v in stale:  # of a piecewise operation the rule that holds today was read, perhaps not that of the record
        if all(u in used for u in _leaves(v)) and not _is_explained(v, used):
            for u in _leaves(v):
                del used[u]
    asked = {u: used.get(u) for v in stale for u in _leaves(v)}
    return {u: x for u, x in asked.items() if x is None or not _same(x, u.data, abs(x))}


def _leaves(v: Value) -> list[Value]:
    return [u for u in dict.fromkeys(v.operands) if is_node(u) and u.is_leaf]


def _on_record(stale: Sequence[Value]) -> dict[Value, float]:
    """What local derivatives tell: where a rule says that one is an operand, as of a product, it is its number."""
    used = {}
    for v in stale:
        operands = {u for u in v.operands if is_node(u)}
        with no_grad():
            for read, recorded in zip(_derivatives(v, v, v.operand_groups), v.local_derivatives, strict=True):
                if recorded is not None and is_node(read) and read in operands:
                    used[read] = recorded
    return used


def _solved(v: Value, used: dict[Value, float]) -> bool:
    """Whether all numbers of v are known, if need be by solving its forward function for the last one."""
    unknown = [u for u in _leaves(v) if u not in used]
    if len(unknown) != 1:
        return not unknown
    (u,) = unknown
    slope = math.fsum(d for x, d in zip(v.operands, v.local_derivatives, strict=True) if x is u and d is not None)
    if not slope or not math.isfinite(slope):
        return False
    x = u.data
    for _ in range(_ROUNDS):
        step = (_result(v, {**used, u: x}) - v.data) / slope
        if not math.isfinite(step):
            return False
        x -= step
        if abs(step) <= 1e-15 * abs(x):
            break
    if not _is_explained(v, {**used, u: x}):
        return False
    used[u] = x
    return True


# ---------------------------------------------------------------- what is on record, and what numbers give


def _is_explained(v: Value, used: dict[Value, float]) -> bool:
    """Whether these numbers, and today's for all other operands, give the recorded result and local derivatives."""
    groups = _numbers(v, used)
    recorded, now = v.local_derivatives, list(_derivatives(v, v.data, groups))
    flat = [x for group in groups for x in members(group)]
    scale = sum(abs(d * x) for d, x in zip(recorded, flat, strict=True) if d is not None and math.isfinite(d * x))
    return _same(_result(v, used), v.data, scale) and all(
        d is None or _same(float(e), d, abs(d)) for d, e in zip(recorded, now, strict=True)
    )


def _result(v: Value, used: dict[Value, float]) -> float:
    """The result that these numbers give; nan for numbers that the operation refuses."""
    assert v.op is not None
    try:
        return float(ieee(v.op.forward, *_numbers(v, used)))
    except (TypeError, ValueError):  # a forward function that checks, such as for a probability
        return math.nan


def _numbers(v: Value, used: dict[Value, float]) -> list[Operand]:
    def number(u: Operand) -> Operand:
        return used.get(u, u.data) if is_node(u) else u

    return [g.map(number) if isinstance(g, Vector) else number(g) for g in v.operand_groups]


def _derivatives(v: Value, z: Operand, groups: Sequence[Operand]) -> Iterator[Operand]:
    """The local derivatives of v, read on whatever the operands are."""
    assert v.op is not None
    for i, group in enumerate(groups):
        d = ieee(v.op.derivative, i, z, groups)
        yield from d if isinstance(d, tuple) else [d] * len(list(members(group)))


def _same(x: float, y: float, scale: float) -> bool:
    return x == y or (x != x and y != y) or abs(x - y) <= _TOLERANCE * max(abs(y), scale)
