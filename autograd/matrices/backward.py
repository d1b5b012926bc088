"""The backward lines: the pulls of the operations read on names, from one named node to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..formulas.expression import Expression
from ..graph import depending_on, topological_order
from ..ieee import quietly
from ..op import Operation
from ..ops.shapes import sum_to
from .atoms import Applied, formula_of
from .expression import MatrixExpression, matrix, named
from .forward import Count, Forward, divisor, rounded
from .roles import Node, is_data_name, is_tensor
from .steps import Step

__all__ = ["Backward", "share_of"]


class Backward:
    """The derivatives of the target by the named nodes, each in terms of those before it.

    is_scaled    the derivatives by what has a row per sample stand without the 1/m of the mean
    """

    def __init__(self, forward: Forward, target: Node, source: Node) -> None:
        self.forward, self.target, self.source = forward, target, source
        self.order, self.labels = forward.order, forward.naming.labels
        self.samples = forward.roles.samples
        self.is_scaled = False

    def all_steps(self) -> list[Step]:
        """The derivation; where the target is a mean over samples with its 1/m in the derivatives by parameters."""
        steps = list(self.steps())
        if self._is_mean(steps):
            self.is_scaled = True
            steps = list(self.steps())
        return steps

    def _is_mean(self, steps: Sequence[Step]) -> bool:
        """True if the first derivative by what has a row per sample gets shorter without 1/m."""
        m = self.samples
        if m is None or m < 2:
            return False
        first = next((s for s in steps if s.label in self.forward.batch), None)
        if first is None or not first.formula.terms:
            return False
        return all(divisor(c * m) < divisor(c) for c, _ in first.formula.terms)

    def steps(self) -> Iterator[Step]:
        """The derivatives by the named nodes, from the target down to the source."""
        way = depending_on(self.order, [self.source])
        if id(self.target) not in way or self.target is self.source:
            return
        beside = [u for u in self._parameters(way) if u is not self.source]
        wanted = way | {i for u in beside for i in depending_on(self.order, [u])}
        chain = [v for v in reversed(self.order) if v in self.labels and id(v) in way and v.op is not None]
        waiting = {u: sum(u in self.region(v) for v in chain) for u in beside}
        terms: dict[Node, MatrixExpression] = {}
        for v in chain:
            if v is self.source:
                break
            if v is self.target:
                g = matrix(1.0)
                g = MatrixExpression(g.formula, np.ones(v.shape))
            elif v in terms:
                step = self.step(v, terms[v])
                yield step
                g = named(step.label, step.value, is_gradient=True)
            else:
                continue
            self.sweep(v, g, wanted, terms)
            for u in beside:
                waiting[u] -= u in self.region(v)
                if not waiting[u] and u in terms:
                    yield self.step(u, terms.pop(u))
        yield self.step(self.source, terms[self.source])

    def _parameters(self, way: set[int]) -> list[Node]:
        """Named leaves beside the way, that are not data and whose derivative needs nothing off the way."""
        chain = [v for v in self.order if v in self.labels and id(v) in way and v.op is not None]
        found: dict[Node, None] = {}
        for v in chain:
            for u in self.region(v):
                if u.op is None and u.label is not None and not is_data_name(u.label):
                    found[u] = None
        on_way = {id(v) for v in chain}
        return [u for u in found if self._interior(u) <= on_way]

    def _interior(self, u: Node) -> set[int]:
        above = depending_on(self.order, [u])
        return {id(v) for v in self.order if id(v) in above and v in self.labels and v.op is not None}

    def region(self, v: Node) -> list[Node]:
        """What v was computed from, down to named nodes."""
        return topological_order(v, stop=self.labels.__contains__)

    def sweep(self, v: Node, g: MatrixExpression, wanted: set[int], terms: dict[Node, MatrixExpression]) -> None:
        """Pass g on from v through unnamed nodes, and add up what arrives at named ones."""
        arrived: dict[Node, MatrixExpression] = {v: g}
        for w in reversed(self.region(v)):
            if w is not v and (w in self.labels or w not in arrived):
                continue
            g = arrived.pop(w)
            operands, z = self.forward.operands(w), self.forward.known[w]
            for i, u in enumerate(w.operands):
                if not is_tensor(u) or id(u) not in wanted:
                    continue
                term = share_of(w, i, g, z, operands, u)
                into = terms if u in self.labels else arrived
                if u in self.labels:
                    term = self._scaled(term, v, u)
                into[u] = into[u] + term if u in into else term

    def _is_without_mean(self, u: Node) -> bool:
        return self.is_scaled and u.op is not None and self.labels[u] in self.forward.batch

    def _scaled(self, term: MatrixExpression, v: Node, u: Node) -> MatrixExpression:
        """What arrives at u from v, where the one or the other stands without the 1/m of the mean."""
        m = self.samples
        if self._is_without_mean(v) == self._is_without_mean(u) or m is None:
            return term
        if self._is_without_mean(u):
            return MatrixExpression((term.formula * float(m)), term.value * m)
        return MatrixExpression(formula_of(Count("m")) ** -1.0 * term.formula, term.value / m)

    def step(self, u: Node, arrived: MatrixExpression) -> Step:
        """What has arrived at a node as a line."""
        formula = self.forward.named(_tidy(arrived.formula)).simplified()
        formula = MatrixExpression(_tidy(formula), np.broadcast_to(arrived.value, u.shape)).spelled_out()
        factor = self.samples if self._is_without_mean(u) else 1
        return Step(u, self.labels[u], formula, arrived.value, factor or 1, self.forward.roles.sample_axis)


def share_of(
    w: Node, i: int, g: MatrixExpression, z: MatrixExpression, operands: tuple[object, ...], u: Node
) -> MatrixExpression:
    """The i-th operand's share of the gradient g, with the operand's shape."""
    assert w.op is not None
    pull = w.op.pulls[i]
    assert pull is not None
    try:
        term = matrix(quietly(pull, g, z, *operands))
    except (AttributeError, IndexError, TypeError, ValueError):  # a pull that asks for more than names have
        term = _unread(w.op, i, (g, z, *operands))
    if term.shape == u.shape:
        return term
    found = sum_to(term, u.shape)
    assert isinstance(found, MatrixExpression)
    return found


def _unread(op: Operation, i: int, everything: tuple[object, ...]) -> MatrixExpression:
    """A share whose pull cannot be read on names: as its name applied to what it was given."""
    pull = op.pulls[i]
    assert pull is not None

    def named_pull(*arguments: object) -> object:
        return pull(*arguments)

    named_pull.__name__ = f"{op.name}_pull_{i}"
    numbers = (x.value if isinstance(x, MatrixExpression) else x for x in everything)
    value = np.asarray(quietly(pull, *numbers))
    arguments = (x.spelled_out() if isinstance(x, MatrixExpression) else x for x in everything)
    return MatrixExpression(formula_of(Applied(Operation(named_pull, ()), arguments, value.shape)), value)


def _tidy(x: Expression) -> Expression:
    return Expression(((rounded(c), f) for c, f in x.terms), x.value)
