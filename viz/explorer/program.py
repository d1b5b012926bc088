"""What the page needs to run the computation again: which operation makes each result from what.

Each operation that occurs, at each shape, is written as script once; the rest is plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd import Value
from autograd.graph import is_node
from autograd.op import Operation
from autograd.operands import members
from autograd.used import Used

from ..graphs.units import Constant
from .model import encoded, is_given
from .script import Unreadable, as_script

__all__ = ["MAX_STEPS", "NO_OPERATIONS", "program_data"]

NO_OPERATIONS = "const OPERATIONS=[];\n"

MAX_STEPS = 20_000  # edges between scalars; with more the numbers of the page stay as they were recorded


def program_data(order: Sequence[Value], used: Used, on_page: Sequence[Value | Constant]) -> tuple[dict[str, Any], str]:
    """The computation as data for the page's Program, and its operations as JavaScript.

    order: all nodes, operands before results. on_page: what the page shows, in its order. Numbers stand in
    slots (-1 for what was not computed with): those of leaves and constants first, then the result of each step.

    Unreadable if there is too much of it, or an operation cannot be written as script.
    """
    edges = sum(len(v.operands) for v in order)
    if edges > MAX_STEPS:
        raise Unreadable(f"{edges:,} edges between scalars are too many to be computed again at once")
    leaves = [v for v in order if v.is_leaf]
    constants = dict.fromkeys(repr(float(x)) for v in order for x in v.operands if not is_node(x))
    results = [v for v in order if not v.is_leaf]
    first = len(leaves) + len(constants)
    everything: list[Value | str] = [*leaves, *constants, *results]
    slots = {thing: i for i, thing in enumerate(everything)}
    operations: dict[tuple[Any, ...], int] = {}
    written: list[str] = []
    steps, operands = [], []
    for v in results:
        assert v.op is not None
        key = _shape(v.op, v.operand_groups)
        if key not in operations:
            operations[key] = len(written)
            written.append(as_script(v.op, v.operand_groups))
        steps.append(operations[key])
        for group, rule in zip(v.operand_groups, v.op.rules, strict=True):
            if rule is not None:
                operands += [slots[u if is_node(u) else repr(float(u))] for u in members(group)]
    shown = {thing if isinstance(thing, Value) else repr(float(thing.data)) for thing in on_page}
    others = [(slots[u], used.number(u)) for u in leaves if u not in shown]
    others += [(slots[x], float(x)) for x in constants if x not in shown]
    data = {
        "first": first,
        "leaves": len(leaves),
        "parameters": [slots[u] for u in _parameters(leaves)],
        "others": [[slot, encoded(x)] for slot, x in others],
        "steps": steps,
        "operands": operands,
        "slot": [slots.get(thing if isinstance(thing, Value) else repr(float(thing.data)), -1) for thing in on_page],
    }
    return data, f"const OPERATIONS=[{','.join(written)}];\n"


def _parameters(leaves: Sequence[Value]) -> Sequence[Value]:
    """What gradient descent moves: leaves that are not called x, y or t, as data are; all, if there are no others."""
    return [u for u in leaves if not is_given(u)] or leaves


def _shape(op: Operation, groups: Sequence[Any]) -> tuple[Any, ...]:
    """Nodes of one operation with equal shapes share what is written; plain operands are written into it."""
    pairs = zip(groups, op.rules, strict=True)
    return (op, *(repr(group) if rule is None else len(members(group)) for group, rule in pairs))
