"""What the page needs to run the computation again: which operation makes each result from what.

Each operation that occurs, at each shape, is written as script once; the rest is plain data.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from autograd import Value
from autograd.graph import is_node
from autograd.op import Operation
from autograd.operands import Operand, describe, members
from autograd.signatures import Json
from autograd.used import Used

from ..graphs.units import Constant
from .model import encoded, is_given
from .samples import sample_rows
from .script import Unreadable, as_script

__all__ = ["MAX_STEPS", "NO_OPERATIONS", "Program", "shape_of"]

NO_OPERATIONS = "const OPERATIONS=[];\n"

MAX_STEPS = 20_000  # edges between scalars; with more the numbers of the page stay as they were recorded


class Program:
    """What a page computes: numbers stand in slots, those of leaves and constants first, then the result of each step.

    order: all nodes, operands before results. Unreadable if there are more than MAX_STEPS edges.
    """

    def __init__(self, order: Sequence[Value]) -> None:
        edges = sum(len(v.operands) for v in order)
        if edges > MAX_STEPS:
            raise Unreadable(f"{edges:,} edges between scalars are too many to be computed again at once")
        self.leaves = [v for v in order if v.is_leaf]
        self.constants = list(dict.fromkeys(repr(float(x)) for v in order for x in v.operands if not is_node(x)))
        self.results = [v for v in order if not v.is_leaf]
        everything: list[Value | str] = [*self.leaves, *self.constants, *self.results]
        self.slots = {thing: i for i, thing in enumerate(everything)}

    def data(
        self, used: Used, on_page: Sequence[Value | Constant], parameters: Operand = None, samples: Operand = None
    ) -> tuple[Json, str]:
        """As data for the page's Program, and its operations as JavaScript.

        on_page: what the page shows, in its order. Unreadable if an operation cannot be written as script.
        """
        slots = self.slots
        operations: dict[tuple[Hashable, ...], int] = {}
        written: list[str] = []
        steps, operands = [], []
        for v in self.results:
            assert v.op is not None
            key = shape_of(v.op, v.operand_groups)
            if key not in operations:
                operations[key] = len(written)
                written.append(as_script(v.op, v.operand_groups))
            steps.append(operations[key])
            for group, rule in zip(v.operand_groups, v.op.rules, strict=True):
                if rule is not None:
                    operands += [slots[u if is_node(u) else repr(float(u))] for u in members(group)]
        shown = [repr(float(thing.data)) if isinstance(thing, Constant) else thing for thing in on_page]
        others = [(slots[u], used.number(u)) for u in self.leaves if u not in set(shown)]
        others += [(slots[x], float(x)) for x in self.constants if x not in set(shown)]
        data = {
            "first": len(self.leaves) + len(self.constants),
            "leaves": len(self.leaves),
            "parameters": [slots[u] for u in self._parameters(parameters, samples)],
            "others": [[slot, encoded(x)] for slot, x in others],
            "steps": steps,
            "operands": operands,
            "slot": [slots.get(thing, -1) for thing in shown],
        }
        return data, f"const OPERATIONS=[{','.join(written)}];\n"

    def samples(self, samples: Operand) -> Json:
        """The samples as data for the page: which slots take which numbers, and which two span a plane."""
        leaves, rows = sample_rows(samples, self.leaves)
        first = len(sample_rows({key: samples[key] for key in list(samples)[:1]}, self.leaves)[0])
        names = [(self.slots[u], u.label) for u in self.leaves if u.label is not None and u not in leaves]
        slots = [self.slots[u] for u in leaves]
        return {"slots": slots, "rows": rows, "plane": slots[:2] if first == 2 else None, "labels": names}

    def _parameters(self, asked: Operand, samples: Operand) -> Sequence[Value]:
        """What gradient descent moves: leaves that are no data (called x, y or t); all, if there are no others."""
        if asked is not None:
            found = list(asked)
            for u in found:
                if not any(u is leaf for leaf in self.leaves):
                    raise ValueError(f"explore: expected parameters to be leaves of the graph, got {describe(u)}")
            return found
        given = set() if samples is None else set(sample_rows(samples, self.leaves)[0])
        return [u for u in self.leaves if not is_given(u) and u not in given] or self.leaves


def shape_of(op: Operation, groups: Sequence[Operand]) -> tuple[Hashable, ...]:
    """Nodes of one operation with equal shapes share what is written; plain operands are written into it."""
    pairs = zip(groups, op.rules, strict=True)
    return (op, *(repr(group) if rule is None else len(members(group)) for group, rule in pairs))
