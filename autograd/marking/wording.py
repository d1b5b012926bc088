"""The lines of a mistake: what one wrote, and what is right, in the notation of the computation."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import numpy as np

from ..formulas.expression import Expression, constant, expression, symbol
from ..formulas.notation import Latex, Text
from ..graph import Node, is_node, through, topological_order, walk
from ..matrices.atoms import Count, formula_of
from ..matrices.backward import Backward, share_of
from ..matrices.expression import MatrixExpression, matrix, named, read
from ..matrices.forward import Forward, tidy
from ..matrices.naming import Naming
from ..matrices.roles import Roles
from ..matrices.steps import Formula, Notations, Step
from ..operands import Operand, Vector
from ..passes.gradients import adjoints
from ..passes.replay import member_of
from ..paths.path_graph import MAX_WRITTEN
from ..paths.reading import Formulas, SoftmaxMembers
from .computation import Computation
from .variants import Variant

__all__ = ["Line", "lines"]


class Line(NamedTuple):
    """A formula as text and as LaTeX: dZ[2] = A[2] − Y."""

    text: str
    latex: str

    def __str__(self) -> str:
        return self.text


def lines(c: Computation, variant: Variant, u: Node) -> tuple[Line, Line] | None:
    """What one wrote who made this mistake on the way to a named node, and what is right; None if nothing says it."""
    reader = _reader(c)
    wrong: Line | None
    right: Line | None
    try:
        if variant.slip.is_forward:
            wrong, right = reader.definition(u, variant), reader.definition(u, None)
        else:
            wrong, right = reader.line(u, variant), reader.line(u, None, variant.made[0][0].result)
    except (ArithmeticError, AttributeError, IndexError, StopIteration, TypeError, ValueError):
        return None
    return None if wrong is None or right is None or wrong.text == right.text else (wrong, right)


@functools.lru_cache(maxsize=8)
def _reader(c: Computation) -> _Matrices | _Factors:
    return _Matrices(c) if c.is_array else _Factors(c)


class _Matrices:
    """A computation of Tensors read on names."""

    def __init__(self, c: Computation) -> None:
        self.c = c
        naming = Naming(c.order, c.target, c.target)
        self.forward = Forward(c.order, naming, Roles(c.order, naming.labels))
        labels = {*self.forward.values, *naming.labels.values()}
        self.notations = Notations(labels, naming.count(), columns=c.roles.sample_axis == 1)
        self.keeps_mean = c.is_mean
        self.count = MatrixExpression(formula_of(Count()), np.asarray(float(c.samples or 1)))

    def step(self, u: Node, variant: Variant | None) -> Step | None:
        """The gradient by u: the last step of its derivation."""
        change = {} if variant is None else variant.change(self, {})
        steps = Backward(self.forward, self.c.target, u, change).steps()
        if not steps:
            return None
        last: Step = steps[-1]
        is_shorter = last.simplified is not None and last.simplified.key != last.formula.key
        return last._replace(
            formula=Formula(last.formula, self.notations),
            simplified=Formula(last.simplified, self.notations) if is_shorter and last.simplified is not None else None,
        )

    def line(self, u: Node, variant: Variant | None, result: Node | None = None) -> Line | None:
        """The same, written."""
        step = self.step(u, variant)
        return None if step is None else Line(step.text(), step.latex())

    def definition(self, u: Node, variant: Variant | None) -> Line:
        """How a named node was computed, or is by somebody who makes a mistake of the forward pass."""
        reader = copy.copy(self)
        reader.forward = copy.copy(self.forward)
        reader.forward.known = dict(self.forward.known)
        made = {} if variant is None else {edge.node: (edge, option) for edge, option in variant.made}
        formula: Operand = None
        for v in self._between(u):
            formula = reader.computed(v, reader.operands(v)) if v not in made else variant.result(*made[v], reader)  # type: ignore[union-attr]
            formula = MatrixExpression(matrix(formula).formula, v.numpy())
            reader.forward.known[v] = formula
        written = tidy(formula.formula)
        label, found = self.c.labels[u], MatrixExpression(written, u.numpy()).spelled_out()
        text, latex = self.notations.text(), self.notations.latex()
        return Line(*(f"{to.symbol(label)} = {to.sum(found)}" for to in (text, latex)))

    def _between(self, u: Node) -> list[Node]:
        """What is computed on the way to a named node from named ones, operands before results."""
        found = topological_order(u, stop=lambda x: x is not u and x in self.c.labels)
        return [v for v in found if v is u or (v.op is not None and v not in self.c.labels)]

    def computed(self, v: Node, operands: Sequence[Operand]) -> MatrixExpression:
        """The result of an operation as a formula."""
        return read(v.op, tuple(operands), v.numpy())

    # ------------------------------------------------------------ what a Share asks

    def gradient(self, u: Node) -> Operand:
        """dW[2], also of its transpose."""
        w = u if u in self.c.labels else u.operands[0]
        found = named(self.c.labels[w], self.c.right[w], self.forward.samples.get(self.c.labels[w]), is_gradient=True)
        return found if w is u else found.T

    def of(self, x: Operand) -> Operand:
        """The name of a node or of a constant array."""
        return self.forward.known[x] if is_node(x) else self.forward.constant(x)

    def operands(self, v: Node) -> Sequence[Operand]:
        """The operands of a node as formulas."""
        return self.forward.operands(v)

    def share(self, v: Node, i: int, g: Operand, z: Operand, operands: Sequence[Operand]) -> MatrixExpression:
        """What operand i of v gets of g."""
        return share_of(v, i, g, z, tuple(operands), v.operands[i])


class _Factors:
    """A computation of Values read on names: what stands in a chain for one factor."""

    def __init__(self, c: Computation) -> None:
        self.c = c
        self.formulas = Formulas(c.target, c.labels, SoftmaxMembers(c.labels), MAX_WRITTEN)
        self.count = constant(float(c.samples or 1))
        self.keeps_mean = False

    def line(self, u: Node, variant: Variant | None, result: Node | None = None) -> Line | None:
        """The factor of u in the named node that it helps to compute."""
        change = {} if variant is None else variant.change(self, {})
        v = result if variant is None else variant.made[0][0].result
        assert v is not None
        nodes, relevant = through(walk(v, stop=lambda x: x is not v and x in self.c.labels), [u])

        def shares(
            w: Node, operands: tuple[Operand, ...], g: Operand, wanted: AbstractSet[Node]
        ) -> Iterator[tuple[Node, Operand]]:
            for i, x in enumerate(operands):
                if is_node(x) and x in wanted:
                    instead = change.get((w, i))
                    yield x, self.share(w, i, g, self.of(w), self.operands(w)) if instead is None else instead(g)

        found = adjoints(v, constant(1.0), nodes, relevant, {u}, shares)
        if u not in found:
            return None
        formula = expression(found[u]).simplified()
        c = self.c
        text = Text(lambda label: c.shown.get(label) or c.names.text(label))  # also of ∂L/∂w
        latex = Latex(lambda label: c.latex.get(label) or c.names.latex(label))
        return Line(
            *(f"{to.ratio(to.name(c.labels[v]), to.name(c.labels[u]))} = {to.sum(formula)}" for to in (text, latex))
        )

    def definition(self, u: Node, variant: Variant | None) -> Line:
        """How a named node was computed, or is by somebody who makes a mistake of the forward pass."""
        made = {} if variant is None else {edge.node: (edge, option) for edge, option in variant.made}
        reader = _Written(self)
        formula = expression(0.0)
        for v in topological_order(u, stop=lambda x: x is not u and x in self.c.labels):
            if v.op is not None and (v is u or v not in self.c.labels):
                read_so = variant.result(*made[v], reader) if v in made else reader.computed(v, reader.operands(v))  # type: ignore[union-attr]
                formula = reader.known[v] = expression(read_so)
        c, written = self.c, formula.simplified()
        text, latex = Text(c.names.text), Latex(c.names.latex)
        return Line(*(f"{to.name(c.labels[u])} = {to.sum(written)}" for to in (text, latex)))

    # ------------------------------------------------------------ what a Share asks

    def gradient(self, u: Node) -> Operand:
        """∂L/∂w."""
        return symbol(self.c.key(u))

    def of(self, x: Operand) -> Operand:
        """The name of a node, or a number."""
        return self.formulas.result(x) if is_node(x) and x.op is not None else self.formulas.of(x)

    def operands(self, v: Node) -> Sequence[Operand]:
        """The operands of a node as formulas."""
        return self.formulas.operands(v)

    def share(self, v: Node, i: int, g: Operand, z: Operand, operands: Sequence[Operand]) -> Operand:
        """What operand i of v gets of g."""
        group, member = member_of(v, i)
        d = v.op.derivative(group, z, operands)
        return g * (d[member] if isinstance(d, tuple) else d)


class _Written:
    """How a named node was computed from named ones, some of it wrongly: what a Result asks."""

    def __init__(self, factors: _Factors) -> None:
        self.known: dict[Node, Expression] = {}
        self._formulas, self.count = factors.formulas, factors.count

    def of(self, x: Operand) -> Operand:
        """The formula of a node or a number."""
        return self.known[x] if is_node(x) and x in self.known else self._formulas.of(x)

    def operands(self, v: Node) -> list[Operand]:
        """The operands of a node as formulas; what is not differentiated stays a number."""
        return [
            us if rule is None else us.map(self.of) if isinstance(us, Vector) else self.of(us)
            for us, rule in zip(v.operand_groups, v.op.rules, strict=True)
        ]

    def computed(self, v: Node, operands: Sequence[Operand]) -> Expression:
        """The result of an operation as a formula."""
        return Expression._record(v.op, *operands)
