"""Formulas of sequences: one step of an array, arrays that steps were put together to, and sums over time.

A recurrent net computes all inputs at once and takes them apart, step by step; a derivation speaks of the steps.
So what takes one step is pushed inwards to what has a name, (X W)[:, 2] is X⟨3⟩ W, and a gradient that arrives
at one step of a larger array stays one, until all have come. Terms that differ by their step only are one sum,
Σₜ dZ⟨t⟩ᵀ H⟨t−1⟩.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..formulas import names
from ..formulas.expression import Atom, Call, Expression, Group, constant
from ..ops.shapes import concatenate, reshape, scatter
from .atoms import (
    Applied,
    ArrayAtom,
    Compound,
    Matrix,
    Product,
    Shape,
    Total,
    Turned,
    Zeros,
    applied,
    atom_shape,
    atoms,
    form_of,
    formula_of,
    natural_shape,
    only_atom,
    replaced,
    split,
    transposed,
    turned_shape,
)

__all__ = [
    "OverTime",
    "Placed",
    "Stack",
    "Step",
    "added_over_time",
    "at_time",
    "base_time",
    "is_repeated",
    "joined",
    "one_axis_of",
    "placed",
    "rows_contracted",
    "same_but_time",
    "taken",
    "with_few_spelled_out",
]


# ---------------------------------------------------------------- atoms


class Step(ArrayAtom):
    """One step of a named sequence: X⟨3⟩ of X, (samples, steps, features).

    t: from 0. axis: along which the steps lie. is_turned: it stands transposed.
    in_columns: the name stands for the transpose, which has a column for each sample.
    """

    __slots__ = ("axis", "in_columns", "is_turned", "of", "t")
    is_symbol = True

    def __init__(self, of: Matrix, axis: int, t: int, *, is_turned: bool = False, in_columns: bool = False) -> None:
        self.of, self.axis, self.t = of, axis, t
        self.is_turned, self.in_columns = is_turned, in_columns
        shape = tuple(n for i, n in enumerate(of.shape) if i != axis)
        self.shape = turned_shape(shape) if is_turned != in_columns else shape
        self.key = f"{of.key}<{t},{axis}>{'T' * is_turned}"
        self.size, self.depth = 1, 1

    @property
    def samples(self) -> int | None:
        """The axis along which samples lie, from the end."""
        if self.of.samples is None or len(self.shape) != 2:
            return None
        return -1 if self.is_turned != self.in_columns else -2

    @property
    def label(self) -> str:  # type: ignore[override]
        """X<3>."""
        return names.with_time(self.of.label, self.t + 1) or f"{self.of.label}<{self.t + 1}>"

    def transposed(self) -> Atom:
        return Step(self.of, self.axis, self.t, is_turned=not self.is_turned, in_columns=self.in_columns)

    def as_column(self) -> Atom:
        """The step as it is, of a name that from now on stands for its transpose."""
        return Step(self.of, self.axis, self.t, is_turned=not self.is_turned, in_columns=True)


class Stack(Compound):
    """Arrays of one shape along a new axis: the steps of a sequence put together."""

    __slots__ = ("axis",)

    def __init__(self, steps: Iterable[Expression], axis: int) -> None:
        steps = tuple(steps)
        one = natural_shape(steps[0]) or ()
        super().__init__(f"stack{axis}", steps, (*one[:axis], len(steps), *one[axis:]))
        self.axis = axis
        if is_repeated(steps):
            self.size = 1 + steps[0].size

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        return Stack(parts, self.axis)


class OverTime(Compound):
    """A sum of terms that differ by their step only: from step lo to step hi, of which the last is kept."""

    __slots__ = ("hi", "lo")

    def __init__(self, last: Expression, lo: int, hi: int) -> None:
        super().__init__(f"over{lo},{hi}", [last], natural_shape(last) or ())
        self.lo, self.hi = lo, hi

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        return OverTime(parts[0], self.lo, self.hi)

    def transposed(self) -> Atom:
        return OverTime(transposed(self.parts[0]), self.lo, self.hi)

    def spelled_out(self) -> list[Expression]:
        """All terms, the last step first, as they come on the way back."""
        return [at_time(self.parts[0], t - self.hi) for t in range(self.hi, self.lo - 1, -1)]


# ---------------------------------------------------------------- time


def _time_of(a: Atom) -> int | None:
    if isinstance(a, Step):
        return a.t + 1
    if isinstance(a, OverTime):
        return None
    name = names.parse(a.label) if isinstance(a, Matrix) else None
    return int(name.time) if name is not None and name.time is not None and name.time.isdigit() else None


def base_time(x: Expression) -> int | None:
    """The latest step that a formula mentions; None if it mentions none."""
    times = [t for a in atoms(x) if (t := _time_of(a)) is not None]
    return max(times, default=None)


def at_time(x: Expression, later: int) -> Expression:
    """The same formula so many steps later."""

    def moved(a: Atom) -> Atom | None:
        t = _time_of(a)
        if t is None:
            return None
        if isinstance(a, Step):
            return Step(a.of, a.axis, a.t + later, is_turned=a.is_turned, in_columns=a.in_columns)
        assert isinstance(a, Matrix)
        name = names.parse(a.label)
        assert name is not None
        return Matrix(
            replace(name, time=str(t + later)).label(),
            a.plain_shape,
            a.samples,
            sums_to_1=a.sums_to_1,
            is_gradient=a.is_gradient,
            is_turned=a.is_turned,
        )

    return replaced(x, moved) if later else x


def same_but_time(x: Expression, y: Expression) -> bool:
    """True for formulas that differ by their step only."""
    s, t = base_time(x), base_time(y)
    return s is not None and t is not None and at_time(y, s - t).key == x.key


def is_repeated(steps: Sequence[Expression]) -> bool:
    """True for three formulas or more, each the one before a step later."""
    first = base_time(steps[0]) if len(steps) > 2 else None
    if first is None or first < 1:
        return False
    return all(base_time(x) == first + i and same_but_time(steps[0], x) for i, x in enumerate(steps))


def added_over_time(x: Expression) -> Expression:
    """A formula in which terms that differ by their step only are one sum over time."""
    if len(x.terms) < 2:
        return x
    kept: list[Expression] = []
    running: list[tuple[Expression, Expression, int, int]] = []  # number, last, lo, hi
    for term in x.terms:
        number, rest = split(Expression((term,), math.nan))
        atom = only_atom(rest)
        last, lo, hi = rest, base_time(rest), base_time(rest)
        if isinstance(atom, OverTime):
            last, lo, hi = atom.parts[0], atom.lo, atom.hi
        if lo is None or hi is None:
            kept.append(number * rest)
            continue
        for i, (other, its_last, its_lo, its_hi) in enumerate(running):
            touches = hi + 1 == its_lo or its_hi + 1 == lo
            if touches and other.key == number.key and same_but_time(its_last, last):
                running[i] = (other, last if hi > its_hi else its_last, min(lo, its_lo), max(hi, its_hi))
                break
        else:
            running.append((number, last, lo, hi))
    over = [number * (last if lo == hi else formula_of(OverTime(last, lo, hi))) for number, last, lo, hi in running]
    return sum([*over, *kept], constant(0.0))


def with_few_spelled_out(x: Expression) -> Expression:
    """A formula in which sums over fewer than three steps are written as such."""
    terms = []
    for term in x.terms:
        number, rest = split(Expression((term,), math.nan))
        atom = only_atom(rest)
        if isinstance(atom, OverTime) and atom.hi - atom.lo < 2:
            terms += [number * each for each in atom.spelled_out()]
        else:
            terms.append(number * rest)
    return sum(terms, constant(0.0)) if any(isinstance(a, OverTime) for a in atoms(x)) else x


# ---------------------------------------------------------------- one step of a formula


def one_axis_of(index: object, shape: Shape) -> tuple[int, int] | None:
    """The axis and the place of an index that takes one place of one axis, which is left out; None for others."""
    parts = index if isinstance(index, tuple) else (index,)
    axis = len(parts) - 1
    *before, place = parts if parts else (None,)
    if axis >= len(shape) or any(p != slice(None) for p in before if isinstance(p, slice | int)):
        return None
    if not all(isinstance(p, slice) for p in before) or type(place) is not int:
        return None
    return axis, place % shape[axis]


def one_of(index: object, shape: Shape) -> tuple[int, int] | None:
    """The axis and the place of an index that takes one place of one axis, which is kept."""
    parts = index if isinstance(index, tuple) else (index,)
    place = parts[-1] if parts else None
    if not isinstance(place, slice) or place.start is None or place.stop != place.start + 1 or place.step is not None:
        return None
    return one_axis_of((*parts[:-1], place.start), shape)


def taken(x: Expression, ndim: int, axis: int, t: int) -> Expression | None:
    """x[:, ..., t], pushed inwards; None where something inside has another form.

    ndim: the axes of x, some of which it may have by broadcasting only.
    """
    terms = []
    for c, factors in x.terms:
        term = constant(c)
        for a, e in factors:
            found = _taken_atom(a, ndim, axis, t)
            if found is None:
                return None
            term = term * found**e
        terms.append(term)
    return sum(terms, constant(0.0))


def _taken_atom(a: Atom, ndim: int, axis: int, t: int) -> Expression | None:
    shape = atom_shape(a)
    if shape is None:
        return None
    if len(shape) < ndim - axis:  # the same at all steps
        return formula_of(a)
    if len(shape) != ndim or (shape[axis] == 1 and not isinstance(a, Applied)):
        return None
    if isinstance(a, Group):
        return taken(a.expression, ndim, axis, t)
    if isinstance(a, Call):
        inside = [taken(u, ndim, axis, t) for u in a.flat()]
        return None if None in inside else formula_of(Call(a.op, tuple(u for u in inside if u is not None)))
    if isinstance(a, Matrix):
        is_step = ndim == 3 and not a.is_turned and a.samples is not None and axis < 2 and axis != 3 + a.samples
        return formula_of(Step(a, axis, t)) if is_step else None
    if isinstance(a, Stack):
        return a.parts[t] if a.axis == axis else None
    if isinstance(a, Product) and axis < ndim - 1:
        return _taken_product(a, ndim, axis, t)
    return form_of(a.op).step(a, axis, t) if isinstance(a, Applied) else None


def _taken_product(a: Product, ndim: int, axis: int, t: int) -> Expression | None:
    parts: list[Expression] = []
    for i, p in enumerate(a.parts):
        has_axis = len(natural_shape(p) or ()) == ndim and (axis < ndim - 2 or i == 0)
        found = taken(p, ndim, axis, t) if has_axis else p
        if found is None or (i and axis == ndim - 2 and len(natural_shape(p) or ()) > 2):
            return None
        parts.append(found)
    shape = tuple(n for i, n in enumerate(a.shape) if i != axis)
    return _product(parts, shape)


def _product(parts: Iterable[Expression], shape: Shape) -> Expression:
    """A matrix product, with the numbers of its factors before it."""
    before = constant(1.0)
    factors: list[Expression] = []
    for p in parts:
        if not p.terms:
            return constant(0.0)
        number, rest = split(p)
        before = before * number
        atom = only_atom(rest)
        factors += atom.parts if isinstance(atom, Product) else [rest]
    return before * formula_of(Product(factors, shape))


# ---------------------------------------------------------------- what arrives at one step


class Placed(NamedTuple):
    """A term that is 0 but at one step: number · inner there. stop: where a block of several ends, else None."""

    number: Expression
    inner: Expression
    axis: int
    start: int
    stop: int | None


def placed(x: Expression) -> list[Placed] | None:
    """A formula whose terms are 0 but at one step each, or in one block; None for others."""
    found = []
    for term in x.terms:
        number, rest = split(Expression((term,), math.nan))
        atom = applied(only_atom(rest), scatter)
        if atom is None:
            return None
        where = _place(atom.arguments[1], atom.shape)
        if where is None:
            return None
        found.append(Placed(number, atom.parts[0], *where))
    return found or None


def _place(index: object, shape: Shape) -> tuple[int, int, int | None] | None:
    one = one_axis_of(index, shape)
    if one is not None:
        return (*one, None)
    parts = index if isinstance(index, tuple) else (index,)
    axis, block = len(parts) - 1, parts[-1] if parts else None
    is_block = isinstance(block, slice) and block.step is None and all(p == slice(None) for p in parts[:-1])
    if not is_block or axis >= len(shape) or not isinstance(block, slice):
        return None
    start, stop, _ = block.indices(shape[axis])
    return axis, start, stop


def scattered(p: Placed, inner: Expression, axis: int, shape: Shape) -> Expression:
    """The term with something else at its place, in an array of this shape."""
    place: object = p.start if p.stop is None else slice(p.start, p.stop)
    index = (*(slice(None),) * axis, place) if axis else place
    if not inner.terms:
        return constant(0.0)
    number, rest = split(inner)
    return p.number * number * formula_of(Applied(scatter.op, (rest, index, shape), shape))


def joined(x: Expression, shape: Shape) -> Expression:
    """A formula whose terms fill an array together, step by step or block by block, as these side by side."""
    whole = [Expression((term,), math.nan) for term in x.terms]
    others = [term for term in whole if placed(term) is None]
    terms = placed(sum((term for term in whole if placed(term) is not None), constant(0.0)))
    if terms is None or len({p.axis for p in terms}) > 1 or len({p.stop is None for p in terms}) > 1:
        return x
    axis = terms[0].axis
    if terms[0].stop is not None and len(terms) > 1:
        terms = _with_zeros(terms, shape)
    ends = [(p.start, p.start + 1 if p.stop is None else p.stop, p) for p in terms]
    ends.sort(key=lambda e: e[:2])
    edges = [0, *(stop for _, stop, _ in ends)]
    if [start for start, _, _ in ends] != edges[:-1] or edges[-1] != shape[axis]:
        return x
    numbers = {p.number.key for p in terms if not isinstance(only_atom(p.inner), Zeros)}
    has_common = len(numbers) == 1
    common = terms[0].number if has_common else constant(1.0)
    parts = [p.inner if has_common else p.number * p.inner for *_, p in ends]
    if terms[0].stop is None:
        found = formula_of(Stack(parts, axis))
    else:
        found = parts[0] if len(parts) == 1 else formula_of(Applied(concatenate.op, (axis, *parts), shape))
    return sum(others, common * found)


def _with_zeros(blocks: Sequence[Placed], shape: Shape) -> list[Placed]:
    """Blocks along an axis with zeros where none is."""
    axis, found, at = blocks[0].axis, list(blocks), 0
    ends = sorted((p.start, p.stop or 0) for p in blocks)
    for start, stop in [*ends, (shape[axis], shape[axis])]:
        if start > at:
            zeros = formula_of(Zeros((*shape[:axis], start - at, *shape[axis + 1 :])))
            found.append(Placed(constant(1.0), zeros, axis, at, start))
        at = max(at, stop)
    return found


# ---------------------------------------------------------------- sums over samples and steps


def rows_contracted(first: Expression, last: Expression, shape: Shape) -> Expression | None:
    """rows(G)ᵀ rows(U) of arrays with more axes, as the sum of one product for each step or each sample."""
    left, right = only_atom(first), only_atom(last)
    g = _rows_of(left.inner) if isinstance(left, Turned) else None
    u = _rows_of(right)
    before, after = (natural_shape(x) if x is not None else None for x in (g, u))
    if g is None or u is None or before is None or after is None or before[:-1] != after[:-1]:
        return None
    ndim = len(before)
    for x, other in ((g, u), (u, g)):
        terms = placed(x)
        if terms is None or not all(p.stop is None and p.axis < ndim - 1 for p in terms):
            continue
        total = constant(0.0)
        for p in terms:
            step = taken(other, ndim, p.axis, p.start)
            if step is None:
                return None
            factors = (p.inner, step) if x is g else (step, p.inner)
            total = total + p.number * _product([transposed(factors[0]), factors[1]], shape)
        return added_over_time(total)
    sequence = next((a for a in (only_atom(u), only_atom(g)) if isinstance(a, Stack)), None)
    if sequence is not None and ndim == 3:
        axis = sequence.axis
        pairs = [(taken(g, ndim, axis, t), taken(u, ndim, axis, t)) for t in range(before[axis])]
        if all(a is not None and b is not None for a, b in pairs):
            products = [_product([transposed(a), b], shape) for a, b in pairs if a is not None and b is not None]
            return added_over_time(sum(reversed(products), constant(0.0)))
    number, rest = split(g)
    each = _product([transposed(rest), u], (*before[:-2], *shape))
    return number * formula_of(Total(each, shape, tuple(range(ndim - 2)), False))


def rows_of(x: Expression) -> Expression | None:
    """What was made a matrix of rows, of an array with more axes."""
    return _rows_of(only_atom(x))


def _rows_of(a: Atom | None) -> Expression | None:
    a = applied(a, reshape)
    if a is None:
        return None
    inner = natural_shape(a.parts[0]) or ()
    return a.parts[0] if len(inner) > 2 and a.shape == (math.prod(inner[:-1]), inner[-1]) else None
