"""What the nodes and the constant arrays of a recorded graph are called, each by a name of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ..paths.labels import unique_labels
from .atoms import data_key
from .roles import Node, constants_of, is_tensor, role

__all__ = ["Naming"]


class Naming:
    """The names in a graph: those it came with, and those that leaves and constants get from their place.

    labels   node -> its name, for the nodes that have one
    """

    def __init__(self, order: Sequence[Node], target: Node, source: Node) -> None:
        kept = [u for u in order if u.label is not None or u is target]
        self.labels: dict[Node, str] = unique_labels(kept, target)
        self.labels.setdefault(source, source.label or "v")
        self._constants: dict[str, tuple[str, np.ndarray]] = {}  # by what equal ones have in common
        self._name_leaves(order)

    def _name_leaves(self, order: Sequence[Node]) -> None:
        """Names for constants and leaves without one, by where they are used."""
        found: dict[str, dict[object, Node | np.ndarray]] = defaultdict(dict)
        for v in order:
            for i, u in enumerate(v.operands):
                if is_tensor(u) and u.op is None and u not in self.labels and u.ndim:
                    base = role(v, i)
                    found[base if base == "Y" or (base == "X" and i == 0) else "V"].setdefault(u, u)
            for i, x in constants_of(v):
                found[role(v, i)].setdefault(data_key(x), x)
        taken: set[object] = set()
        for base in sorted(found, key="YXVC".index):
            members = {k: u for k, u in found[base].items() if k not in taken}
            taken |= members.keys()
            for (key, array), label in zip(members.items(), self.fresh(base, len(members)), strict=True):
                if isinstance(key, str):
                    self._constants[key] = label, np.asarray(array)
                else:
                    self.labels[array] = label  # type: ignore[index]

    def fresh(self, base: str, count: int = 2) -> list[str]:
        """So many names that nothing has yet: X, or X_1, X_2."""
        used = {*self.labels.values(), *self.constants()}
        if count == 1 and base not in used:
            return [base]
        numbered = (f"{base}_{i}" for i in range(1, count + len(used) + 1))
        return [label for label in numbered if label not in used][:count]

    def name(self, u: Node) -> str:
        """The name of a node, a new one if it has none."""
        if u not in self.labels:
            self.labels[u] = self.fresh("V" if u.ndim else "v")[0]
        return self.labels[u]

    def constant(self, data: np.ndarray) -> str:
        """The name of a constant array, a new one if it has none."""
        key = data_key(data)
        if key not in self._constants:
            self._constants[key] = self.fresh("C")[0], data
        return self._constants[key][0]

    def constants(self) -> dict[str, np.ndarray]:
        """The constant arrays by name."""
        return dict(self._constants.values())

    def nameless(self) -> list[str]:
        """The names that constants and leaves got here."""
        leaves = (label for u, label in self.labels.items() if u.op is None and u.label is None)
        return [*self.constants(), *leaves]

    def node(self, label: str) -> Node:
        """The node of a name."""
        return next(u for u, name in self.labels.items() if name == label)

    def quantities(self) -> dict[str, np.ndarray]:
        """The numbers of everything that has a name."""
        return {label: u.numpy() for u, label in self.labels.items()} | self.constants()
