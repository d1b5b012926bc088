"""How matrix notation writes each operation that moves or combines whole arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..formulas.expression import Atom, Call, Expression, Group, constant
from ..op import Operation, find
from .atoms import (
    Applied,
    ArrayAtom,
    Data,
    Matrix,
    Product,
    Shape,
    Total,
    atom_shape,
    formula_of,
    natural_shape,
    only_atom,
    transposed,
)
from .expression import Condition, as_condition, writes

# ---------------------------------------------------------------- operations that have a notation


def _split(x: Expression) -> tuple[Expression, Expression]:
    """A formula as a number times the rest: what has no axes stands before a product or a sum of others."""
    if len(x.terms) != 1:
        sizes = {abs(c) for c, _ in x.terms}
        size = sizes.pop() if len(sizes) == 1 else 1.0
        size = -size if all(c < 0 for c, _ in x.terms) else size
        return constant(size), Expression(((c / size, f) for c, f in x.terms), x.value)
    ((c, factors),) = x.terms
    single = tuple((a, e) for a, e in factors if atom_shape(a) == ())
    rest = tuple((a, e) for a, e in factors if atom_shape(a) != ())
    return Expression(((c, single),), c if not single else math.nan), Expression(((1.0, rest),), math.nan)


@writes("matmul")
def _matmul(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
    before = constant(1.0)
    factors: list[Expression] = []
    for x in operands:
        if not x.formula.terms:
            return constant(0.0)
        number, rest = _split(x.spelled_out())
        before = before * number
        atom = only_atom(rest)
        factors += atom.parts if isinstance(atom, Product) and x.ndim == 2 else [rest]
    return before * formula_of(Product(factors, shape))


@writes("affine")
def _affine(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
    x, weight, bias = operands
    z = x @ weight.T
    return z.formula if bias is None else (z + bias).formula


@writes("transpose")
def _transpose(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression | None:
    x, axes = operands
    order = tuple(range(x.ndim))[::-1] if axes is None else tuple(a % x.ndim for a in axes)
    natural = natural_shape(x.formula)
    if order == tuple(range(x.ndim)) or natural == ():
        return x.formula
    if order == (1, 0) and natural is not None and len(natural) <= 2:
        return transposed(x.formula)
    if order == (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2):
        atom = only_atom(x.formula)
        if isinstance(atom, ArrayAtom):
            return formula_of(atom.transposed())
    return None


@writes("array_sum")
def _sum(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression | None:
    x, axis, keepdims = operands
    axes = tuple(range(x.ndim)) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)
    if not axes:
        return x.formula
    natural = natural_shape(x.formula)
    if natural == () or not x.formula.terms:  # the same number everywhere
        return x.formula * float(math.prod(x.shape[a] for a in axes))
    atom = only_atom(x.formula)
    is_given = isinstance(atom, Data) or (isinstance(atom, Matrix) and atom.is_leaf)
    if is_given and np.all(x.value.sum(axes) == 1.0):  # rows of probabilities
        return constant(1.0)
    number, rest = _split(x.spelled_out())
    counted = axes if x.ndim == 2 else ()
    return number * formula_of(Total(rest, shape, tuple(axes), bool(keepdims), counted))


@writes("array_mean")
def _mean(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
    x, axis, keepdims = operands
    total = x.sum(axis, keepdims)
    return total.formula * (total.size / x.size)


@writes("sum_to")
def _sum_to(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
    x, _ = operands
    ahead = x.ndim - len(shape)
    x = x.sum(tuple(range(ahead))) if ahead else x
    stretched = tuple(i for i, (n, m) in enumerate(zip(x.shape, shape, strict=True)) if n != m)
    return x.sum(stretched, True).formula if stretched else x.formula


@writes("reshape")
def _reshape(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression | None:
    x = operands[0]
    if natural_shape(x.formula) in ((), shape):
        return x.formula
    atom, bare = None, [n for n in shape if n != 1]
    number, rest = _split(x.formula)
    atom = only_atom(rest)
    if isinstance(atom, Total) and not atom.keepdims and bare == [n for n in atom.shape if n != 1]:
        (inner,) = atom.parts
        inside = natural_shape(inner) or ()
        if shape == tuple(1 if i in atom.axes else n for i, n in enumerate(inside)):
            return number * formula_of(Total(inner, shape, atom.axes, True, atom.counted))
    if (back := _reshaped_back(x.formula, shape)) is not None:
        return back
    if shape == (1, *x.shape):  # what broadcasting does too
        return x.formula
    if x.ndim == 1 and shape == (len(x), 1):
        return transposed(x.formula)
    if shape == x.shape[:1] and x.shape[1:] == (1,) and natural_shape(transposed(x.formula)) == shape:
        return transposed(x.formula)
    return None


def _reshaped_back(x: Expression, shape: Shape) -> Expression | None:
    """A formula of reshaped arrays in the shape that they had before, if it is one number by number."""

    def before(a: Atom) -> Expression:
        if isinstance(a, Applied) and a.op.name == "reshape" and natural_shape(a.parts[0]) == shape:
            return a.parts[0]
        if isinstance(a, Group):
            return read(a.expression)
        return formula_of(Call(a.op, tuple(map(read, a.flat())))) if isinstance(a, Call) else formula_of(a)

    def read(x: Expression) -> Expression:
        terms = (math.prod((before(a) ** e for a, e in factors), start=constant(c)) for c, factors in x.terms)
        return sum(terms, constant(0.0))

    try:
        found = read(x)
        return found if natural_shape(found) == shape else None
    except ValueError:  # something else in it has the shape that it has now
        return None


@writes("getitem")
def _getitem(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression | None:
    x, index = operands
    whole = slice(None)
    parts = index if isinstance(index, tuple) else (index,)
    if all(i is None or i is Ellipsis or (isinstance(i, slice) and i == whole) for i in parts):
        found = _reshape(find("reshape"), (x, shape), shape)
        return formula_of(Applied(find("reshape"), (x.formula, shape), shape)) if found is None else found
    if parts[0] is Ellipsis and type(parts[1]) is int and x.shape[-len(parts) + 1] == 1:
        return _with_vector(x.formula, shape, -1 if len(parts) == 2 else 0)
    return None


def _with_vector(x: Expression, shape: Shape, place: int) -> Expression | None:
    """A product whose factor at this end was made a matrix, with that factor as the vector it was."""
    number, rest = _split(x)
    atom = only_atom(rest)
    if not isinstance(atom, Product):
        return None
    factors = list(atom.parts)
    end = only_atom(factors[place])
    if place == 0 and isinstance(end, Applied) and end.op.name == "reshape":
        factors[0] = end.parts[0]
    elif place == -1:
        factors[-1] = transposed(factors[-1])
    if len(natural_shape(factors[place]) or ()) != 1:
        return None
    return number * formula_of(Product(factors, shape))


@writes("broadcast_to")
@writes("cast")
def _as_it_is(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
    return operands[0].formula


@writes("choose")
def _chosen(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
    """x ⊙ [condition] + y ⊙ [not condition]; the piece alone if it holds everywhere or the other one is 0."""
    condition, x, y = operands
    if not isinstance(condition, Condition):
        condition = as_condition(np.asarray(condition), formula_of(Data(np.asarray(condition, float))))
    holds = np.broadcast_to(condition, shape)
    first, second = (np.broadcast_to(u.value, shape) for u in (x, y))
    if holds.all() or not holds.any():
        return (x if holds.all() else y).formula
    parts = []
    if first[holds].any():
        parts.append(x.formula * condition.formula)
    if second[~holds].any():
        parts.append(y.formula * (~condition).formula)
    return sum(parts, constant(0.0))
