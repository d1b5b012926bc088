"""The backward lines: the pulls of the operations read on names, from one named node to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..formulas.expression import Atom, Expression, Term, has_omissions
from ..graph import depending_on, topological_order
from ..ieee import quietly
from ..op import Operation, Unreadable
from ..operands import Operand
from ..ops.shapes import sum_to
from ..passes.replay import Place, Pull
from ..samples import is_data_name
from ..tensor import Tensor
from .atoms import Applied, Count, Matrix, Shape, atoms, formula_of
from .expression import MatrixExpression, matrix, named
from .forward import Forward, tidy
from .indices import samples_of
from .roles import is_tensor
from .sequences import added_over_time, joined, with_few_spelled_out
from .simplifying import simplified
from .steps import Step

__all__ = ["Arrived", "Backward", "share_of"]

# Formulas at the head of a chain up to this length are tried in place of the derivatives that they are.
LONGEST_HEAD = 30


class Backward:
    """The derivatives of the target by the named nodes, each in terms of those before it.

    change       what an operand of an operation gets instead of its share: a rule read wrongly, see `marking`
    is_scaled    the derivatives by what has a row per sample stand without the 1/m of the mean
    """

    def __init__(
        self, forward: Forward, target: Tensor, source: Tensor, change: Mapping[Place, Pull] | None = None
    ) -> None:
        self.forward, self.target, self.source, self.change = forward, target, source, change or {}
        self.order, self.labels = forward.order, forward.naming.labels
        self.samples = forward.roles.samples
        self.is_scaled = False
        self._regions: dict[Tensor, list[Tensor]] = {}

    def steps(self) -> list[Step]:
        """From the target down to the source; where the target is a mean, its 1/m stands in those by parameters."""
        first = next((s for s in self._steps() if self._has_samples(s.label)), None)
        self.is_scaled = first is not None and bool(first.formula.terms) and all(map(_is_mean, first.formula.terms))
        return list(self._steps())

    def _has_samples(self, label: str) -> bool:
        return self.forward.samples.get(label) is not None

    # ------------------------------------------------------------ the way

    def _steps(self) -> Iterator[Step]:
        way = depending_on(self.order, [self.source])
        if id(self.target) not in way or self.target is self.source:
            return
        chain = [v for v in reversed(self.order) if v in self.labels and id(v) in way and v.op is not None]
        beside = self._parameters(chain)
        waiting = Counter(u for us in beside.values() for u in us)  # on how many derivatives each is waiting
        wanted = way | depending_on(self.order, waiting)
        arrived: dict[Tensor, Arrived] = {}
        g = MatrixExpression(matrix(1.0).formula, np.ones(self.target.shape))
        spelled_out: MatrixExpression | None = None
        for v in chain:
            if v is self.source:
                break
            if v is not self.target:
                if v not in arrived:
                    continue
                reached = arrived.pop(v)
                step = self.step(v, reached)
                yield step
                g = named(step.label, step.value, self.forward.samples.get(step.label), is_gradient=True)
                simple = self._formula(reached.simple, v.shape) if reached.differ else step.formula
                is_head = simple.size <= LONGEST_HEAD and not any(map(_is_derivative, atoms(simple)))
                spelled_out = MatrixExpression(simple, step.value) if is_head else None
            self._pass_on(v, g, spelled_out, wanted, arrived)
            for u in beside.get(v, ()):
                waiting[u] -= 1
                if not waiting[u] and u in arrived:
                    yield self.step(u, arrived.pop(u))
        yield self.step(self.source, arrived[self.source])

    def _parameters(self, chain: Sequence[Tensor]) -> dict[Tensor, list[Tensor]]:
        """For every node of the chain the named leaves that it was computed from, but for data and the source.

        Those are left out whose derivative needs nodes off the chain.
        """
        on_way = set(chain)
        off: set[Tensor] = set()  # what named nodes off the chain are computed from
        for v in reversed(self.order):
            if v in off or (v in self.labels and v not in on_way):
                off.update(u for u in v.operands if is_tensor(u))

        def is_beside(u: Tensor) -> bool:
            is_parameter = u.op is None and u.label is not None and not is_data_name(u.label)
            return is_parameter and u is not self.source and u not in off

        return {v: [u for u in self.region(v) if is_beside(u)] for v in chain}

    def region(self, v: Tensor) -> list[Tensor]:
        """What v was computed from, down to named nodes."""
        if v not in self._regions:
            self._regions[v] = topological_order(v, stop=self.labels.__contains__)
        return self._regions[v]

    # ------------------------------------------------------------ what arrives

    def _pass_on(
        self,
        v: Tensor,
        g: MatrixExpression,
        spelled_out: MatrixExpression | None,
        wanted: set[int],
        arrived: dict[Tensor, Arrived],
    ) -> None:
        """What goes on from v, in terms of its derivative, and in those of the formula that this is."""
        terms = self.sweep(v, g, wanted)
        simple = terms if spelled_out is None else self.sweep(v, spelled_out, wanted)
        for u, term in terms.items():
            if u in arrived:
                before = arrived[u]
                arrived[u] = Arrived(_added(before.term, term), _added(before.simple, simple[u]), before.differ)
            else:
                arrived[u] = Arrived(term, simple[u], False)
            if simple is not terms:
                arrived[u] = arrived[u]._replace(differ=True)

    def sweep(self, v: Tensor, g: MatrixExpression, wanted: set[int]) -> dict[Tensor, MatrixExpression]:
        """Pass g on from v through unnamed nodes: what arrives at named ones."""
        found: dict[Tensor, MatrixExpression] = {}
        waiting: dict[Tensor, MatrixExpression] = {v: g}
        for w in reversed(self.region(v)):
            if w is not v and (w in self.labels or w not in waiting):
                continue
            g = waiting.pop(w)
            operands, z = self.forward.operands(w), self.forward.known[w]
            for i, u in enumerate(w.operands):
                if not is_tensor(u) or id(u) not in wanted:
                    continue
                instead = self.change.get((w, i))
                term = share_of(w, i, g, z, operands, u) if instead is None else matrix(instead(g))
                into = found if u in self.labels else waiting
                if u in self.labels:
                    term = self._scaled(term, v, u)
                into[u] = term + into[u] if u in into else term  # as the computation has them
        return found

    def _is_without_mean(self, u: Tensor) -> bool:
        return self.is_scaled and u.op is not None and self._has_samples(self.labels[u])

    def _scaled(self, term: MatrixExpression, v: Tensor, u: Tensor) -> MatrixExpression:
        """What arrives at u from v, where the one or the other stands without the 1/m of the mean."""
        if self._is_without_mean(v) == self._is_without_mean(u) or self.samples is None:
            return term
        count = MatrixExpression(formula_of(Count()), np.asarray(self.samples, term.dtype))
        return term * count if self._is_without_mean(u) else term / count

    def step(self, u: Tensor, arrived: Arrived) -> Step:
        """What has arrived at a node as a line."""
        formula = self._formula(arrived.term, u.shape)
        simple = self._formula(arrived.simple, u.shape) if arrived.differ else formula
        is_shorter = arrived.differ and simple.size <= formula.size and not has_omissions(simple)
        factor = (self.is_scaled and self._is_without_mean(u) and self.samples) or 1
        value = self._in_shape(arrived.term.value, u.shape)
        return Step(u, self.labels[u], formula, value, factor, simple if is_shorter else None)

    def _formula(self, term: MatrixExpression, shape: Shape) -> Expression:
        formula = simplified(self.forward.named(tidy(joined(with_few_spelled_out(term.formula), shape))))
        again = self.forward.named(formula)  # what is left when a factor was taken out may have a name
        formula = tidy(formula if again is formula else simplified(again))
        return MatrixExpression(formula, self._in_shape(term.value, shape)).spelled_out()

    def _in_shape(self, value: np.ndarray, shape: Shape) -> np.ndarray:
        """A derivative in the shape of what it is by; what was read wrongly keeps its own."""
        return value if self.change else np.broadcast_to(value, shape)


class Arrived(NamedTuple):
    """What has arrived at a node, in terms of derivatives and without those at the head of the chain."""

    term: MatrixExpression
    simple: MatrixExpression
    differ: bool


def _added(x: MatrixExpression, y: MatrixExpression) -> MatrixExpression:
    """The sum of what has arrived; from several steps of a sequence as a sum over time."""
    total = x + y
    return MatrixExpression(added_over_time(total.formula), total.value)


def _is_derivative(a: Atom) -> bool:
    return isinstance(a, Matrix) and a.is_gradient


def _is_mean(term: Term) -> bool:
    """True for a term with 1/m."""
    return any(isinstance(a, Count) and e == -1.0 for a, e in term[1])


def share_of(
    w: Tensor, i: int, g: MatrixExpression, z: MatrixExpression, operands: tuple[object, ...], u: Tensor
) -> MatrixExpression:
    """The i-th operand's share of the gradient g, with the operand's shape."""
    assert w.op is not None
    pull = w.op.pulls[i]
    assert pull is not None
    try:
        term = matrix(quietly(pull, g, z, *operands))
    except Unreadable:  # a rule, which says what to write instead
        raise
    except (AttributeError, IndexError, TypeError, ValueError):  # a pull that asks for more than names have
        term = _unread(w.op, i, (g, z, *operands))
    is_whole = term.shape == u.shape or (w.op.loss is not None and term.size == u.size)  # or it stands for its rows
    found = term if is_whole else sum_to(term, u.shape)
    assert isinstance(found, MatrixExpression)
    averages = w.op.writing.get("averages")
    return _with_count(found, operands) if averages is not None and averages(*operands) else found


def _with_count(term: MatrixExpression, operands: tuple[Operand, ...]) -> MatrixExpression:
    """A share that has the 1/m of a mean over samples as a number, with the 1/m as such."""
    x, axis = operands[:2]
    samples = samples_of(x.formula)
    axes = range(x.ndim) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)
    if samples is None or x.ndim + samples not in axes or x.shape[samples] < 2:
        return term
    m = float(x.shape[samples])
    return MatrixExpression(tidy(term.formula * m) / formula_of(Count()), term.value)


def _unread(op: Operation, i: int, everything: tuple[object, ...]) -> MatrixExpression:
    """A share whose pull cannot be read on names: as its name applied to what it was given."""
    pull = op.pulls[i]
    assert pull is not None

    def named_pull(*arguments: object) -> object:
        return pull(*arguments)

    named_pull.__name__ = f"{op.forward.__name__}_pull_{i}"
    numbers = (x.value if isinstance(x, MatrixExpression) else x for x in everything)
    value = np.asarray(quietly(pull, *numbers))
    arguments = (x.as_operand() if isinstance(x, MatrixExpression) else x for x in everything)
    return MatrixExpression(formula_of(Applied(Operation(named_pull, ()), arguments, value.shape)), value)
