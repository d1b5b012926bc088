"""The forward lines: the formula by which each named quantity was computed."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import numpy as np

from ..formulas import names
from ..formulas.expression import Atom, Expression, Factors, Group, divided, merged
from ..ieee import quietly
from ..op import Operation, array_table
from ..ops.elementwise import div, mul
from ..ops.shapes import getitem
from ..ops.softmaxes import array_softmax
from ..tensor import Tensor
from .atoms import (
    Applied,
    Causal,
    Count,
    Data,
    Matrix,
    Places,
    Total,
    atoms,
    data_key,
    formula_of,
    natural_shape,
    only_atom,
    operation_of,
    replaced,
    transposed,
)
from .expression import MatrixExpression, matrix, named, operands_as_written, operands_of, read
from .indices import samples_of
from .naming import Naming
from .roles import Roles, is_tensor, is_turned, whole_of_rows
from .sequences import Stack, Step, one_axis_of
from .steps import Definition

__all__ = ["Forward", "labels_in", "tidy"]

# The result of an operation without a name gets one if its formula is longer than this, or than that
# if it is used more than once; a single number may be longer.
LONGEST_UNNAMED = 9
LONGEST_SHARED = 3
LONGEST_NUMBER = 40
# An index of more places gets a name.
LONGEST_INDEX = 8


class Forward:
    """The graph read forwards: every node as a formula of named ones.

    naming   the name of every named node: the result of an operation gets one if its formula would be long
    samples  label -> the axis along which it has samples, from the end; None for what has none
    values   label -> its numbers
    """

    def __init__(self, order: Sequence[Tensor], naming: Naming, roles: Roles) -> None:
        self.order, self.naming, self.roles = order, naming, roles
        self.known: dict[Tensor, MatrixExpression] = {}
        self.samples: dict[str, int | None] = {}
        self.values: dict[str, np.ndarray] = {}
        self._constants: dict[str, MatrixExpression] = {}
        self._uses = Counter(u for v in order for u in v.operands if is_tensor(u))
        self._whole = {u for v in order if not _takes_one(v) for u in v.operands if is_tensor(u)}
        self.from_data = roles.computed_from_data()
        self.per_sample = roles.states(self.from_data)
        self._symbols: dict[str, str] = {}  # what formulas are known by a name
        self._sums: dict[str, str] = {}  # what sums are known by a name
        self._products: list[tuple[str, Factors]] = []  # products that are known by a name
        self._turned_symbols: set[str] = set()  # those of them that are its transpose
        self._introduced: dict[str, list[Definition]] = {}  # the activations of what has this name
        self._definitions: dict[object, Definition] = {}
        self._labelled = {  # what needs no name from here
            (v.op, u.label) for v in order if v.label and v.op is not None for u in v.operands[:1] if is_tensor(u)
        }
        for u in order:
            self.read(u)

    # ------------------------------------------------------------ formulas

    def read(self, u: Tensor) -> None:
        """The formula of a node; its name, if it has one or needs one."""
        labels = self.naming.labels
        if u.op is None:
            if not u.ndim and u not in labels:
                self.known[u] = matrix(u.item())
            else:
                is_given = self.roles.is_data(u)
                is_per_sample = is_given or u in self.per_sample
                samples = self.roles.samples_in(u.shape, is_data=is_given) if is_per_sample else None
                self.known[u] = self.as_named(labels[u], u.numpy(), samples, is_given=is_given)
            return
        formula = self.computed(u)
        if u not in labels and (formula.formula.size <= self._longest(u) or self._is_of_steps(u, formula.formula)):
            self.known[u] = formula
            return
        label = self.naming.name(u, self._called_for(u))
        if u.op.parts:
            formula = self.of_parts(u, label)
        written = self.named(tidy(formula.formula)) if formula.formula.terms else formula.formula
        self._definitions[u] = Definition(label, MatrixExpression(written, u.numpy()).spelled_out(), u.numpy())
        atom = only_atom(written)
        if atom is not None:
            if natural_shape(written) == u.shape:  # a vector that became a row is another beside a matrix
                self._symbols.setdefault(atom.key, label)
        elif len(written.terms) == 1 and written.terms[0][0] == 1.0 and natural_shape(written) == u.shape:
            product = written.terms[0][1]
            if product:  # in which not everything cancelled, or it would be found everywhere
                self._products += [(label, product), (label, tuple((_as_row(a), e) for a, e in product))]
        elif len(written.terms) > 1 and natural_shape(written) == u.shape:
            self._sums.setdefault(_key_of_sum(written), label)
        self.known[u] = self.as_named(label, u.numpy(), self._samples_of_result(u, formula.formula))

    def _longest(self, u: Tensor) -> int:
        """How long the formula of a result without a name may be."""
        assert u.op is not None
        if u.op.parts:
            return 0
        if self._uses[u] > 1 or u.op.along_axis:  # whose gradient mentions it again, twice
            return LONGEST_SHARED
        return LONGEST_UNNAMED if u.ndim else LONGEST_NUMBER

    def _called_for(self, u: Tensor) -> str | None:
        """What a result without a name is called for what it is: Ẑ[1] for the standardized Z[1]."""
        assert u.op is not None
        if u.op is array_softmax.op:
            return "P"
        before = u.operands[0]
        label = self.naming.labels.get(before, "") if u.op.parts and is_tensor(before) else ""
        name = names.parse(label)
        return None if name is None or len(name.base) > 1 else names.sibling(label, f"{name.base}hat")

    def of_parts(self, u: Tensor, label: str) -> MatrixExpression:
        """The formula of a result in terms of its parts, such as a mean, which get names beside its own."""
        assert u.op is not None
        assert u.op.formula is not None
        operands = self.operands(u)
        parts: list[MatrixExpression] = []
        for base, op, function in u.op.parts:
            part = matrix(quietly(function, *operands, *parts))
            called = next(filter(self.naming.reserve, self._beside(label, base)))
            written = self.named(tidy(part.formula))
            self._definitions[u, base] = Definition(called, written, part.value)
            if op is not None:
                key = only_atom(formula_of(Applied(op.op, operands_as_written(operands), part.shape))).key  # type: ignore[union-attr]
                self._symbols[key] = called
            parts.append(self.as_named(called, part.value, samples_of(part.formula)))
        return matrix(quietly(u.op.formula, *operands, *parts))

    def _beside(self, label: str, base: str) -> Iterator[str]:
        """Names with this base for what belongs to a label: μ[2], or μ, μ_1, ..."""
        name = names.parse(label)
        if name is not None:
            yield names.Name(base, name.layer, time=name.time).label()
        yield base
        yield from (f"{base}_{i}" for i in itertools.count(1))

    def _is_of_steps(self, u: Tensor, formula: Expression) -> bool:
        """True for an array of steps that is only taken apart again, or was put together from them."""
        if u.ndim < 3 or formula.size > LONGEST_NUMBER:
            return False
        return u not in self._whole or isinstance(only_atom(formula), Stack)

    def as_named(
        self, label: str, value: np.ndarray, samples: int | None, *, is_given: bool = False
    ) -> MatrixExpression:
        """An array by its name, which is remembered with its numbers and samples."""
        self.samples[label], self.values[label] = samples, value
        return named(label, value, samples, is_given=is_given)

    def _samples_of_result(self, u: Tensor, formula: Expression) -> int | None:
        samples = samples_of(formula)
        if samples is not None:
            return samples if u.ndim >= -samples and u.shape[samples] == self.roles.samples else None
        is_unclear = any(isinstance(a, Applied) or a.op is not None for a in atoms(formula))
        return self.roles.samples_in(u.shape) if is_unclear and u in self.from_data else None

    def operands(self, v: Tensor) -> tuple[object, ...]:
        """The operands of an operation as formulas, what is not differentiated as it is."""
        assert v.op is not None
        held = list(v.operands)
        for i, u in enumerate(held):
            if is_tensor(u):
                held[i] = self.known[u]
            elif isinstance(u, np.ndarray) and u.ndim and v.op.pulls[i] is not None:
                held[i] = self.constant(u.T).T if is_turned(v, i) else self.constant(u)
        whole = whole_of_rows(v)
        if whole is not None:
            held[:2] = self.known[whole], self.constant(np.reshape(v.operands[1], whole.shape))
        return operands_of(v.op, tuple(self._with_count(v.op, held)))

    def constant(self, data: np.ndarray) -> MatrixExpression:
        """A constant array by its name, or as 1 minus another."""
        key = data_key(data)
        if key not in self._constants:
            self._constants[key] = self._named_constant(data)
        return self._constants[key]

    def _named_constant(self, data: np.ndarray) -> MatrixExpression:
        causal = None if self.naming.is_named(data) else Causal.of(data)
        if causal is not None:
            return MatrixExpression(formula_of(causal[1]) * causal[0], data)
        other = self.naming.complement(data)
        if other is not None:
            known = named(other, 1.0 - data, self.roles.samples_in(data.shape, is_data=True), is_given=True)
            return 1.0 - known
        label = self.naming.constant(data)
        is_target = label.startswith(("X", "Y"))
        return self.as_named(label, data, self.roles.samples_in(data.shape, is_data=is_target), is_given=True)

    def _with_count(self, op: Operation, operands: list[object]) -> Iterable[object]:
        """A number that is the 1/m of a mean, or the m by which a sum over samples is divided, as such."""
        m = self.roles.samples
        if m is None or m < 2:
            return operands
        count = MatrixExpression(formula_of(Count()), np.asarray(float(m)))
        if op.loss is not None and isinstance(operands[2], float) and operands[2] > 0:
            n = rounded(operands[2] * m)  # 2 of a mean square, which is twice the ½ of the loss; 2/3 over three steps
            if rounded(2.0 / n).is_integer():
                operands[2] = n / count
        for i in {div.op: (1,), mul.op: (0, 1)}.get(op, ()):
            c, x = operands[i], operands[1 - i]
            if isinstance(c, int | float | np.ndarray) and not np.ndim(c) and c and _counts_samples(x):
                n = rounded(float(c) if op is div.op else 1.0 / float(c))
                if abs(n / m) in (1.0, 2.0) and not n == m == 2:  # that may be the ½ of a square
                    operands[i] = count * (n / m) if op is div.op else m / n / count
        return operands

    def computed(self, v: Tensor) -> MatrixExpression:
        """The formula of an operation's result, whatever its name is."""
        assert v.op is not None
        return read(v.op, self.operands(v), v.numpy())

    # ------------------------------------------------------------ what formulas are called

    def named(self, x: Expression) -> Expression:
        """A formula with names for what has one: σ(Z[2]) is A[2]."""
        return replaced(x, self._name_of, self._with_products, self._sum_name)

    def _sum_name(self, x: Expression) -> Atom | None:
        """The name of a sum that has one: Z − μ is V₁."""
        label = self._sums.get(_key_of_sum(x))
        return None if label is None else Matrix(label, self.values[label].shape, self.samples[label])

    def _with_products(self, factors: Factors) -> Factors:
        """A product in which those that have a name are known by it: exp(Z)/Σⱼ exp(Zⱼ) is A."""
        for label, product in self._products if len(factors) > 1 else ():
            while (rest := divided(factors, product)) is not None:
                name: Factors = ((Matrix(label, self.values[label].shape, self.samples[label]), 1.0),)
                sign, found = merged(name, rest)
                if sign < 0:
                    break
                factors = found
        return factors

    def _name_of(self, a: Atom) -> Atom | None:
        label = self._symbols.get(a.key)
        if label is not None:
            is_turned = a.key in self._turned_symbols
            return Matrix(label, self.values[label].shape, self.samples[label], is_turned=is_turned)
        if isinstance(a, Data):
            x = self.constant(a.data).formula
            return only_atom(x) or Group(x)
        if isinstance(a, Applied) and any(_is_long(x) for x in a.arguments):
            return replaced(formula_of(self._with_places(a)), self._name_of).terms[0][1][0][0]
        return self.introduce(a)

    def _with_places(self, a: Applied) -> Applied:
        """A long index by a name."""

        table = only_atom(a.parts[0]) if a.op is getitem.op else None
        is_data = isinstance(table, Matrix) and len(table.shape) == 2  # whose rows are looked up

        def short(x: object) -> object:
            if isinstance(x, tuple):
                return tuple(map(short, x))
            if not _is_long(x):
                return x
            places = np.asarray(x)
            label = self.naming.constant(places, "X" if is_data else None)
            self.as_named(label, places, None, is_given=True)
            return Places(label, places)

        return Applied(a.op, map(short, a.arguments), a.shape)

    def introduce(self, a: Atom) -> Atom | None:
        """A[2] for σ(Z[2]), which a loss from Z[2] did not name."""
        op, inside = operation_of(a)
        atom = only_atom(inside[0]) if op is not None and _is_activation(op) else None
        parsed = names.parse(atom.label) if isinstance(atom, Matrix) and not atom.is_gradient else None
        if op is None or not isinstance(atom, Matrix) or parsed is None or parsed.base not in ("Z", "z"):
            return None
        label = names.sibling(atom.label, "A" if parsed.base == "Z" else "a")
        if label is None or (op, atom.label) in self._labelled or not self.naming.reserve(label):
            return None
        z = self.values[atom.label].T if atom.is_turned else self.values[atom.label]
        rest = a.arguments[1:] if isinstance(a, Applied) else ()
        value, formula = quietly(op.forward, z, *rest), formula_of(a)
        if atom.is_turned:  # a loss of rows takes the transpose of a net written in columns; A stands as Z does
            formula, value = transposed(formula), value.T
            self._turned_symbols.add(a.key)
            self._symbols[only_atom(formula).key] = label  # type: ignore[union-attr]
        self._introduced.setdefault(atom.label, []).append(Definition(label, formula, value))
        self.as_named(label, value, atom.samples)
        self._symbols[a.key] = label
        return Matrix(label, value.shape, atom.samples, is_turned=atom.is_turned)

    # ------------------------------------------------------------ the lines

    def definitions(self, formulas: Iterable[Expression], target: Tensor) -> list[Definition]:
        """How what the formulas and the target mention was computed, each line after what it mentions."""
        known = [d for u in self.order if u.op is None for d in self._introduced.get(self.naming.labels.get(u, ""), ())]
        for d in self._definitions.values():
            known += [d, *self._introduced.get(d.label, ())]
        wanted = {label for x in formulas for label in labels_in(x)} | {self.naming.labels[target]}
        for d in reversed(known):
            if d.label in wanted:
                wanted.update(labels_in(d.formula))
        return [d for d in known if d.label in wanted]


def _takes_one(v: Tensor) -> bool:
    """True for what takes one step out of an array."""
    return v.op is getitem.op and one_axis_of(v.operands[1], np.shape(v.operands[0])) is not None


def labels_in(x: Expression) -> list[str]:
    """The names that a formula mentions, but for derivatives."""
    found = []
    for a in atoms(x):
        if isinstance(a, Step):
            a = a.of
        if isinstance(a, Matrix) and not a.is_gradient:
            found.append(a.label)
        elif isinstance(a, Applied):
            found += [i.label for i in _flat(a.arguments) if isinstance(i, Places)]
    return found


def _flat(x: Iterable[object]) -> Iterator[object]:
    for u in x:
        if isinstance(u, tuple):
            yield from _flat(u)
        else:
            yield u


def _key_of_sum(x: Expression) -> str:
    """What equal sums have in common, whether a mean that is taken off keeps its axis or not."""
    return Expression(((c, tuple((_as_row(a), e) for a, e in factors)) for c, factors in x.terms), x.value).key


def _as_row(a: Atom) -> Atom:
    """A sum over the rows of a matrix with its axis kept: beside a matrix the same."""
    is_vector = isinstance(a, Total) and a.axes == (0,) and not a.keepdims and len(a.inside) == 2
    return Total(a.parts[0], (1, *a.shape), a.axes, True) if isinstance(a, Total) and is_vector else a


def _is_long(x: object) -> bool:
    """True for an index that would fill the line."""
    if isinstance(x, tuple):
        return any(map(_is_long, x))
    return isinstance(x, np.ndarray) and x.size > LONGEST_INDEX


def _counts_samples(x: object) -> bool:
    """True for a formula with a sum over samples that is no mean yet."""
    inside = atoms(x.formula) if isinstance(x, MatrixExpression) else []
    if any(isinstance(a, Count) for a in inside):
        return False
    totals = (a for a in inside if isinstance(a, Total))
    return any((s := samples_of(a.parts[0])) is not None and len(a.inside) + s in a.axes for a in totals)


def rounded(c: float) -> float:
    """A number that rounding has moved off a fraction: 4 · (1/4), 49 · (1/49)."""
    if not math.isfinite(c) or c.is_integer():
        return c
    near = float(Fraction(c).limit_denominator(1_000_000))
    return near if abs(near - c) <= 1e-15 * abs(c) else c


def tidy(x: Expression) -> Expression:
    """A formula whose numbers are rounded off to the fractions they are."""
    numbers = [rounded(c) for c, _ in x.terms]
    if all(c == n or c != c for (c, _), n in zip(x.terms, numbers, strict=True)):
        return x
    return Expression(((n, f) for n, (_, f) in zip(numbers, x.terms, strict=True)), x.value)


def _is_activation(op: Operation) -> bool:
    """True for what a loss from logits makes of them: beside a Z[2] it is an A[2], which nobody named."""
    return any(known.activation is op for known in array_table.values())
