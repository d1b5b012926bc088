"""Samples in formulas: along which axis they lie, and what a sum over them counts, sample by sample."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from ..formulas import names
from ..formulas.expression import Atom, Call, Expression, Group
from .atoms import (
    Applied,
    ArrayAtom,
    Indicator,
    Matrix,
    Member,
    Ones,
    Product,
    Total,
    Turned,
    atom_shape,
    flipped,
    form_of,
    natural_shape,
)
from .sequences import OverTime, Stack, Step

__all__ = ["at_index", "letter_of", "samples_of"]


def samples_of(x: Expression) -> int | None:
    """The axis of a formula along which samples lie, from the end (-2: rows); None if none do."""
    return _first(_samples_of_atom(a) for _, factors in x.terms for a, _ in factors)


def _first(axes: Iterable[int | None]) -> int | None:
    return next((axis for axis in axes if axis is not None), None)


def _samples_of_atom(a: Atom) -> int | None:
    if isinstance(a, Group):
        return samples_of(a.expression)
    if isinstance(a, Call):
        return _first(map(samples_of, a.flat()))
    if isinstance(a, Matrix):
        return flipped(a.samples) if a.is_turned else a.samples
    if isinstance(a, Step):
        return a.samples
    if isinstance(a, Indicator):
        return _first(map(samples_of, a.parts))
    if isinstance(a, Turned):
        return flipped(_samples_of_atom(a.inner))
    if isinstance(a, Product):
        return _samples_of_product(a)
    if isinstance(a, Total):
        return _left_by(a.axes, samples_of(a.parts[0]), len(a.inside), a.keepdims)
    if isinstance(a, OverTime):
        return samples_of(a.parts[0])
    if isinstance(a, Stack) and samples_of(a.parts[0]) == 1 - len(a.shape):
        return 1 - len(a.shape) - (a.axis > 0)
    if isinstance(a, Applied):
        return samples_of(a.parts[0]) if a.op.along_axis or a.op.by_sample else form_of(a.op).samples(a)
    return None


def _samples_of_product(a: Product) -> int | None:
    first, last = a.parts[0], a.parts[-1]
    left, right = len(natural_shape(first) or ()), len(natural_shape(last) or ())
    if left > 2 and samples_of(first) == -left:
        return -len(a.shape)
    if samples_of(first) == -2 and left == 2:
        return -2 if right == 2 else -1
    return -1 if samples_of(last) == -1 and right == 2 else None


def _left_by(axes: tuple[int, ...], samples: int | None, ndim: int, keepdims: bool) -> int | None:
    """Where the samples lie after a sum over axes."""
    if samples is None or ndim + samples in axes:
        return None
    left = samples if keepdims else samples + sum(a > ndim + samples for a in axes)
    return left if left < 0 else None  # of what has a part left out nobody knows the axes


def letter_of(a: Total) -> str:
    """What a sum over one axis of a matrix counts: i for samples, j for what lies along the other axis, or nothing."""
    samples = samples_of(a.parts[0])
    if len(a.axes) != 1 or len(a.inside) < 2 or samples is None:
        return ""
    if len(a.inside) > 2:
        return "i" if a.axes == (0,) and samples == -len(a.inside) else ""
    if a.axes[0] == 2 + samples:
        return "i"
    return "j" if a.inside[a.axes[0]] > 1 else ""


def at_index(a: Total, letter: str, along: int, taken: Container[str]) -> Expression | None:
    """What the sum adds up, with the index on the names: dA(i) ⊙ A(i) for dA ⊙ A.

    along: the axis of samples in this derivation. taken: the labels that are in use. None where the index has no
    place on the names.
    """
    try:
        return _Indexed(a.axes[0], letter, along, taken, len(a.inside)).formula(a.parts[0])
    except _NoPlaceError:
        return None


class _NoPlaceError(Exception):
    pass


class _Indexed(NamedTuple):
    """Formulas at one index along an axis."""

    axis: int
    letter: str
    along: int
    taken: Container[str]
    ndim: int

    def formula(self, x: Expression) -> Expression:
        """A formula at the index."""
        return Expression(((c, tuple((self.atom(a), e) for a, e in factors)) for c, factors in x.terms), x.value)

    def atom(self, a: Atom) -> Atom:
        """An atom at the index; as it is if it is the same for all."""
        shape = atom_shape(a)
        if shape == () or (self.axis == 0 and len(shape or ()) == 1) or len(shape or ()) < self.ndim - 1:
            return a
        if self.ndim > 2 and len(shape or ()) < self.ndim:  # the same for all samples
            return a
        if isinstance(a, Group):
            return Group(self.formula(a.expression))
        if isinstance(a, Call):
            return Call(a.op, tuple(map(self.formula, a.flat())))
        if not isinstance(a, ArrayAtom):
            raise _NoPlaceError
        is_repeated = len(a.shape) > 1 and a.shape[self.axis - 2 if len(a.shape) == 2 else 0] == 1
        if isinstance(a, Matrix) and self._is_counted(a) and not (is_repeated and self.letter == "j"):
            label = _with_index(a.label, self.letter)
            if label is None or label in self.taken:
                raise _NoPlaceError
            return Member(a, self.letter, _member_shape(a.shape, self.axis), is_turned=a.is_turned)
        if a.shape[self.axis - 2 if len(a.shape) == 2 else 0] == 1:
            return a
        if isinstance(a, Ones):
            return Ones(_member_shape(a.shape, self.axis))
        if isinstance(a, Indicator):
            left, right = map(self.formula, a.parts)
            return Indicator(left, a.relation, right, _member_shape(a.shape, self.axis))
        if isinstance(a, Product) and self.ndim > 2:
            return Product(map(self.formula, a.parts), a.shape[1:])
        if isinstance(a, Product) and all(len(natural_shape(p) or ()) == 2 for p in a.parts):
            parts = list(a.parts)
            parts[-self.axis] = self.formula(parts[-self.axis])
            return Product(parts, _member_shape(a.shape, self.axis))
        raise _NoPlaceError

    def _is_counted(self, a: Matrix) -> bool:
        """True for an array of which the letter counts rows, columns or numbers."""
        if len(a.shape) == 1:
            return True
        if len(a.shape) > 2:
            return a.samples == -len(a.shape)
        where = self.axis - 2 if self.letter == "i" else -1 - self.axis  # samples, if the letter counts this axis
        return len(a.plain_shape) == 2 and a.samples == self.along and _samples_of_atom(a) == where


def _member_shape(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    if len(shape) != 2:
        return shape[1:]
    return (1, shape[1]) if axis == 0 else (shape[0], 1)


def _with_index(label: str, letter: str) -> str | None:
    name = names.parse(label)
    if name is None or name.sample is not None or (letter != "i" and name.index):
        return None
    return names.with_sample(label, letter) if letter == "i" else f"{label}_{letter}"
