"""Samples in formulas: along which axis they lie, and what a sum over them counts, sample by sample."""

from __future__ import annotations

from collections.abc import Iterable

from ..formulas import names
from ..formulas.expression import Atom, Call, Expression, Group
from .atoms import (
    ALONG_AN_AXIS,
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
    natural_shape,
)

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
    if isinstance(a, Indicator):
        return _first(map(samples_of, a.parts))
    if isinstance(a, Turned):
        return flipped(_samples_of_atom(a.inner))
    if isinstance(a, Product):
        return _samples_of_product(a)
    if isinstance(a, Total):
        return _left_by(a.axes, samples_of(a.parts[0]), len(a.inside), a.keepdims)
    if isinstance(a, Applied) and a.op.name in ALONG_AN_AXIS:
        return samples_of(a.parts[0])
    if isinstance(a, Applied) and a.op.name == "reshape" and len(a.shape) == len(natural_shape(a.parts[0]) or ()) + 1:
        return samples_of(a.parts[0]) if a.shape[0] == 1 else None
    return None


def _samples_of_product(a: Product) -> int | None:
    first, last = a.parts[0], a.parts[-1]
    left, right = len(natural_shape(first) or ()), len(natural_shape(last) or ())
    if samples_of(first) == -2 and left == 2:
        return -2 if right == 2 else -1
    return -1 if samples_of(last) == -1 and right == 2 else None


def _left_by(axes: tuple[int, ...], samples: int | None, ndim: int, keepdims: bool) -> int | None:
    """Where the samples lie after a sum over axes."""
    if samples is None or ndim + samples in axes:
        return None
    return samples if keepdims else samples + sum(a > ndim + samples for a in axes)


def letter_of(a: Total) -> str:
    """What a sum over one axis of a matrix counts: i for samples, j for what lies along the other axis, or nothing."""
    samples = samples_of(a.parts[0])
    if len(a.axes) != 1 or len(a.inside) != 2 or samples is None:
        return ""
    return "i" if a.axes[0] == 2 + samples else "j"


def at_index(a: Total, letter: str, taken: frozenset[str]) -> Expression | None:
    """What the sum adds up, with the index on the names: dA(i) ⊙ A(i) for dA ⊙ A.

    taken: the labels that are in use. None where the index has no place on the names.
    """
    try:
        return _indexed(a.parts[0], a.axes[0], letter, taken)
    except _NoPlaceError:
        return None


class _NoPlaceError(Exception):
    pass


def _indexed(x: Expression, axis: int, letter: str, taken: frozenset[str]) -> Expression:
    def change(a: Atom) -> Atom:
        return _indexed_atom(a, axis, letter, taken)

    return Expression(((c, tuple((change(a), e) for a, e in factors)) for c, factors in x.terms), x.value)


def _indexed_atom(a: Atom, axis: int, letter: str, taken: frozenset[str]) -> Atom:
    shape = atom_shape(a)
    if shape == () or (axis == 0 and len(shape or ()) == 1):  # the same for all
        return a
    if isinstance(a, Group):
        return Group(_indexed(a.expression, axis, letter, taken))
    if isinstance(a, Call):
        return Call(a.op, tuple(_indexed(u, axis, letter, taken) for u in a.flat()))
    if not isinstance(a, ArrayAtom):
        raise _NoPlaceError
    counted = axis - 2 if letter == "i" else -1 - axis  # where samples lie if it is what the letter counts
    if isinstance(a, Matrix) and (len(a.shape) == 1 or _samples_of_atom(a) == counted):
        if _with_index(a.label, letter) in {None, *taken}:
            raise _NoPlaceError
        return Member(a, letter, _member_shape(a.shape, axis), is_turned=a.is_turned)
    if a.shape[axis - 2 if len(a.shape) == 2 else 0] == 1:  # the same for all
        return a
    if isinstance(a, Ones):
        return Ones(_member_shape(a.shape, axis))
    if isinstance(a, Indicator):
        left, right = (_indexed(p, axis, letter, taken) for p in a.parts)
        return Indicator(left, a.relation, right, _member_shape(a.shape, axis))
    if isinstance(a, Product) and all(len(natural_shape(p) or ()) == 2 for p in a.parts):
        parts = list(a.parts)
        parts[-axis] = _indexed(parts[-axis], axis, letter, taken)
        return Product(parts, _member_shape(a.shape, axis))
    raise _NoPlaceError


def _member_shape(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    if len(shape) == 1:
        return ()
    return (1, shape[1]) if axis == 0 else (shape[0], 1)


def _with_index(label: str, letter: str) -> str | None:
    name = names.parse(label)
    if name is None or name.attached or name.sample is not None or (letter != "i" and name.index):
        return None
    return names.with_sample(label, letter) if letter == "i" else f"{label}_{letter}"
