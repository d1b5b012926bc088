"""MatrixGraph: the graph of named Tensors, with a formula on every edge that says how the gradient goes back.

What `paths` is to Values: whatever operations stand between two named nodes are contracted. The
formulas are read by the same pulls that compute the gradients; how they look is left to
`notation`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..formulas.expression import Atom, Expression, omitted
from ..graph import Node, topological_order
from ..operands import Operand
from ..tensor import Tensor
from .atoms import data_key
from .backward import Arrived, Backward, share_of
from .expression import MatrixExpression, matrix, named
from .forward import Forward
from .naming import Naming
from .roles import Roles, is_tensor
from .steps import Formula, Notations

__all__ = ["MatrixEdge", "MatrixGraph"]

# A formula through more operations than this is not read.
MAX_READ = 30
# What stands for unnamed nodes in a formula is written out up to this size.
MAX_WRITTEN = 60


class MatrixEdge(NamedTuple):
    """One way on which a gradient goes back.

    operand  a Tensor; for a constant the array
    label    its name, None for a constant number
    formula  the operand's share of the gradient of the result; None for a constant
    """

    result: Tensor
    operand: Operand
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
    names    how labels are written, see `names.Names`; notations: and formulas

    The gradient of a single number is 1, that of a target of several numbers is called d and its name.
    """

    def __init__(self, target: Tensor, *, level: str = "named") -> None:
        if level not in ("named", "op"):
            raise ValueError(f"level: expected 'named' or 'op'; got {level!r}")
        self.target, self.level = target, level
        order = topological_order(target)
        self._naming = Naming(order, target, target)
        roles = Roles(order, self._naming.labels)
        self._forward = (_EveryNode if level == "op" else _NamedNodes)(order, self._naming, roles)
        self._backward = Backward(self._forward, target, target)
        self.labels: dict[Node, str] = self._naming.labels
        self.nodes: list[Tensor] = [u for u in order if u in self.labels]
        self.samples: int | None = roles.samples
        labels = {*self.labels.values(), *self._naming.constants()}
        self.notations = Notations(labels, self._naming.count(), columns=roles.sample_axis == 1)
        self.names = self.notations.names
        self._writer = self.notations.text()

    def edges_of(self, v: Tensor) -> list[MatrixEdge]:
        """The edges into a node, in the order of its operations; none for a leaf."""
        if v.op is None:
            return []
        formulas = self._formulas(v)
        edges: list[MatrixEdge] = []
        seen: set[object] = set()
        for w, i, u in self._arguments(v):
            key = (w, i) if self.level == "op" else u if is_tensor(u) else data_key(np.asarray(u))
            if key in seen:
                continue
            seen.add(key)
            if is_tensor(u):
                edges.append(MatrixEdge(v, u, self.labels[u], formulas[i if self.level == "op" else u]))
            elif np.ndim(u):
                edges.append(MatrixEdge(v, u, self._naming.constant(np.asarray(u)), None))
            elif self.level == "op":
                edges.append(MatrixEdge(v, u, None, None))
        return edges

    def text(self, edge: MatrixEdge) -> str:
        """The formula on an edge: dZ[1]ᵀ X. A factor of the gradient, number by number, alone: ⊙ A[1] ⊙ (1 − A[1])."""
        if edge.formula is None:
            return ""
        text = self._writer.sum(edge.formula)
        arriving = f"d{self.names.text(self.labels[edge.result])}"
        is_factor = len(edge.formula.terms) == 1 and text.startswith(f"{arriving} ⊙ ")
        return text.removeprefix(f"{arriving} ") if is_factor else text

    def _arguments(self, v: Tensor) -> Iterator[tuple[Tensor, int, Operand]]:
        """The named Tensors and constant arrays that v is computed from: operation, place and which, left to right."""
        waiting = [(v, i, u) for i, u in enumerate(v.operands)][::-1]
        entered = {v}
        while waiting:
            w, i, u = waiting.pop()
            if not is_tensor(u):
                if isinstance(u, np.ndarray) and w.op is not None and w.op.pulls[i] is not None:
                    yield w, i, u
            elif u in self.labels:
                yield w, i, u
            elif u not in entered:
                entered.add(u)
                waiting += [(u, j, x) for j, x in enumerate(u.operands)][::-1]

    def _formulas(self, v: Tensor) -> dict[object, Expression]:
        """For every named operand of v (at level "op" for every place of one) its share of the gradient of v."""
        region = [] if self.level == "op" else [w for w in self._backward.region(v) if w is v or w not in self.labels]
        if len(region) > MAX_READ:
            return {u: Formula(omitted(), self.notations) for w in region for u in w.operands if is_tensor(u)}
        is_one = v is self.target and v.size == 1
        label = self.labels[v]
        g = matrix(1.0) if is_one else named(label, v.numpy(), self._forward.samples[label], is_gradient=True)
        g = MatrixExpression(g.formula, np.ones(v.shape))  # with zeros, pieces of a formula would fall away
        shares: dict[object, Expression] = {}
        for key, u, term in self._pulls(v, g) if self.level == "op" else self._sweep(v, g, region):
            shares[key] = Formula(self._backward.step(u, Arrived(term, term, False)).formula, self.notations)
        return shares

    def _pulls(self, v: Tensor, g: MatrixExpression) -> Iterator[tuple[object, Tensor, MatrixExpression]]:
        operands = self._forward.operands(v)
        for i, u in enumerate(v.operands):
            if is_tensor(u):
                yield i, u, share_of(v, i, g, self._forward.known[v], operands, u)

    def _sweep(
        self, v: Tensor, g: MatrixExpression, region: list[Tensor]
    ) -> Iterator[tuple[object, Tensor, MatrixExpression]]:
        found = self._backward.sweep(v, g, {id(u) for w in region for u in w.operands})
        return ((u, u, term) for u, term in found.items())


class _NamedNodes(Forward):
    """The reading in which exactly the named nodes have names."""

    def __init__(self, order: list[Tensor], naming: Naming, roles: Roles) -> None:
        self._depth: dict[Tensor, int] = {}  # how many unnamed operations a formula spells out
        super().__init__(order, naming, roles)

    def read(self, u: Tensor) -> None:
        """The formula of a node: its name, or what stands for an unnamed one."""
        if u in self.naming.labels or u.op is None:
            super().read(u)
            return
        self._depth[u] = 1 + sum(self._depth.get(x, 0) for x in u.operands if is_tensor(x))
        read = self.computed(u) if self._depth[u] <= MAX_READ else None
        is_short = read is not None and read.formula.size <= MAX_WRITTEN
        self.known[u] = read if read is not None and is_short else MatrixExpression(omitted(), u.numpy())

    def introduce(self, a: Atom) -> Atom | None:
        """Nothing gets a name that no node has."""
        return None

    def of_parts(self, u: Tensor, label: str) -> MatrixExpression:
        """Nor do the parts of a result."""
        return self.computed(u)


class _EveryNode(_NamedNodes):
    """The reading in which every node has a name."""

    def read(self, u: Tensor) -> None:
        """The name of a node; a number that is a leaf may have none."""
        if u not in self.naming.labels and (u.op is not None or u.ndim):
            samples = self.roles.samples_in(u.shape) if u in self.from_data else None
            self.known[u] = self.as_named(self.naming.name(u), u.numpy(), samples)
        else:
            super().read(u)
