"""MatrixGraph: the graph of named Tensors, with a formula on every edge that says how the gradient goes back.

What `paths` is to Values: whatever operations stand between two named nodes are contracted. The
formulas are read by the same pulls that compute the gradients; how they look is left to
`matrix_notation`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..formulas import names
from ..formulas.expression import Atom, Expression, omitted
from ..graph import is_node
from .atoms import data_key
from .expression import MatrixExpression, matrix, named
from .notation import MatrixText
from .reading import MatrixReading, share_of

__all__ = ["MatrixEdge", "MatrixGraph"]

# A formula through more operations than this is not read.
MAX_CONTRACTED = 30
# What stands for unnamed nodes in a formula is written out up to this size.
MAX_PART = 60


class MatrixEdge(NamedTuple):
    """One way on which a gradient goes back.

    operand  a Tensor; for a constant the array
    label    its name, None for a constant number
    formula  the operand's share of the gradient of the result; None for a constant
    """

    result: Any
    operand: Any
    label: str | None
    formula: Expression | None

    @property
    def is_constant(self) -> bool:
        """True for what is not differentiated."""
        return self.formula is None


class MatrixGraph:
    """The graph below a Tensor, with what goes back on its edges.

    target: the Tensor. level: "named" keeps the named nodes and contracts what lies between; "op"
    keeps every node, gives names to those that have none and keeps parallel edges apart.

    nodes    operands before results; the target is last
    labels   `labels[node]`: every node's name in this graph. Leaves and constant arrays get one from
             their place: the input X, the target of a loss Y.
    samples  how many there are; None if the graph shows none
    names    how labels are written, see `names.Names`

    The gradient of a single number is 1, that of a target of several numbers is called d and its name.
    """

    def __init__(self, target: Any, *, level: str = "named") -> None:
        if level not in ("named", "op"):
            raise ValueError(f"level: expected 'named' or 'op'; got {level!r}")
        self.target, self.level = target, level
        self._reading = _Names(target, level)
        self.labels: dict[Any, str] = self._reading.labels
        self.nodes: list[Any] = [u for u in self._reading.order if u in self.labels]
        self.samples: int | None = self._reading.samples
        self.names = names.Names([*self.labels.values(), *self._reading.constants()])
        self._writer = MatrixText(self.names.text, sample_axis=self._reading.sample_axis)

    def edges_of(self, v: Any) -> list[MatrixEdge]:
        """The edges into a node, in the order of its operations; none for a leaf."""
        formulas = self._reading.formulas(v)
        edges: list[MatrixEdge] = []
        seen: set[Any] = set()
        for w, i, u in self._reading.arguments(v):
            key = (w, i) if self.level == "op" else u if is_node(u) else data_key(u)
            if key in seen:
                continue
            seen.add(key)
            if is_node(u):
                edges.append(MatrixEdge(v, u, self.labels[u], formulas[i if self.level == "op" else u]))
            elif u.ndim or self.level == "op":
                edges.append(MatrixEdge(v, u, self._reading.constant_name(u), None))
        return edges

    def text(self, edge: MatrixEdge) -> str:
        """The formula on an edge: dZ[1]ᵀ X. A factor of the gradient, number by number, alone: ⊙ A[1] ⊙ (1 − A[1])."""
        if edge.formula is None:
            return ""
        text = self._writer.sum(edge.formula)
        arriving = f"d{self.names.text(self.labels[edge.result])}"
        is_factor = len(edge.formula.terms) == 1 and text.startswith(f"{arriving} ⊙ ")
        return text.removeprefix(f"{arriving} ") if is_factor else text


class _Names(MatrixReading):
    """The reading in which exactly the named nodes have names or, at level "op", all nodes."""

    def __init__(self, target: Any, level: str) -> None:
        self.level = level
        self._depth: dict[Any, int] = {}  # how many unnamed operations a formula spells out
        super().__init__(target, target)

    def constants(self) -> list[str]:
        """The names of constant arrays."""
        return [label for label, _ in self._data.values()]

    def constant_name(self, array: np.ndarray) -> str | None:
        """The name of a constant array; None for a number."""
        return self._data[data_key(array)][0] if array.ndim else None

    def arguments(self, v: Any) -> Iterator[tuple[Any, int, Any]]:
        """The named Tensors and constant arrays that v is computed from: operation, place and which, left to right."""
        waiting = [(v, i, u) for i, u in enumerate(v.operands)][::-1]
        entered = {v}
        while waiting:
            w, i, u = waiting.pop()
            if u in self.labels if is_node(u) else isinstance(u, np.ndarray) and w.op.pulls[i] is not None:
                yield w, i, u
            elif is_node(u) and u not in entered:
                entered.add(u)
                waiting += [(u, j, x) for j, x in enumerate(u.operands)][::-1]

    def formulas(self, v: Any) -> dict[Any, Expression]:
        """For every named operand of v (at level "op" for every place of one) its share of the gradient of v."""
        region = [] if self.level == "op" else [w for w in self._region(v) if w is v or w not in self.labels]
        if len(region) > MAX_CONTRACTED:
            return {u: omitted() for w in region for u in w.operands if is_node(u)}
        g = matrix(1.0) if v is self.target and v.size == 1 else named(self.labels[v], v.numpy(), is_gradient=True)
        g = MatrixExpression(g.formula, np.ones(v.shape))  # with zeros, pieces of a formula would fall away
        found: dict[Any, MatrixExpression] = {}
        if self.level == "op":
            found = dict(self._pulls(v, g))
        else:
            self._sweep(v, g, {id(u) for w in region for u in w.operands}, found)
        shares = {}
        for key, term in found.items():
            u = v.operands[key] if self.level == "op" else key
            shares[key] = self._step(u, term).formula
            if v is self.target and v.size == 1:
                self.is_scaled = True
                shares[key] = self._with_count(shares[key])
                self.is_scaled = False
        return shares

    def _pulls(self, v: Any, g: MatrixExpression) -> Iterator[tuple[int, MatrixExpression]]:
        operands = self._operands(v) if v.op is not None else ()
        for i, u in enumerate(v.operands):
            if is_node(u):
                yield i, share_of(v, i, g, self._known[v], operands, u)

    def _read(self, u: Any) -> None:
        """The formula of a node: its name, or what stands for an unnamed one."""
        if u not in self.labels and self.level == "op":
            self.labels[u] = self._fresh("V" if u.ndim else "v", 2)[0]
            self._known[u] = named(self.labels[u], u.numpy(), is_leaf=u.op is None)
        elif u in self.labels or u.op is None:
            super()._read(u)
        else:
            self._depth[u] = 1 + sum(self._depth.get(x, 0) for x in u.operands if is_node(x))
            read = self._computed(u) if self._depth[u] <= MAX_CONTRACTED else None
            short = read is not None and read.formula.size <= MAX_PART
            self._known[u] = read if read is not None and short else MatrixExpression(omitted(), u.numpy())

    def _introduce(self, a: Atom) -> Atom | None:
        """Nothing gets a name that no node has."""
        return None
