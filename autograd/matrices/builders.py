"""How matrix notation writes each operation that moves or combines whole arrays."""

from __future__ import annotations

import math

import numpy as np

from ..formulas.expression import Atom, Call, Expression, Group, constant
from ..op import Operation, find
from .atoms import (
    Applied,
    ArrayAtom,
    Count,
    Data,
    Matrix,
    Product,
    Shape,
    Total,
    atom_shape,
    distribution,
    formula_of,
    natural_shape,
    only_atom,
    parted,
    split,
    transposed,
    turned_axes,
)
from .expression import Condition, MatrixExpression, Operands, as_condition, writes
from .indices import samples_of
from .sequences import Stack, added_over_time, one_axis_of, one_of, placed, rows_contracted, scattered, taken

# ---------------------------------------------------------------- operations that have a notation


@writes("matmul")
def _matmul(op: Operation, operands: Operands, shape: Shape) -> Expression:
    before = constant(1.0)
    factors: list[Expression] = []
    for x in operands:
        if not x.formula.terms:
            return constant(0.0)
    x, y = operands
    if x.ndim > 2 and y.ndim == 2 and (stepwise := _steps_times(x, y, shape)) is not None:
        return stepwise
    for x in operands:
        number, rest = split(x.spelled_out())
        before = before * number
        atom = only_atom(rest)
        factors += atom.parts if isinstance(atom, Product) and x.ndim == 2 else [rest]
    summed = rows_contracted(factors[0], factors[1], shape) if len(factors) == 2 else None
    return before * (formula_of(Product(factors, shape)) if summed is None else summed)


def _steps_times(x: MatrixExpression, y: MatrixExpression, shape: Shape) -> Expression | None:
    """A product of what has its steps one by one with a matrix: that of every step."""
    terms = placed(x.formula)
    if terms is not None and all(p.axis < x.ndim - 1 for p in terms):
        each = (scattered(p, (_one(p.inner) @ y).formula, p.axis, shape) for p in terms)
        return sum(each, constant(0.0))
    return None


@writes("affine")
def _affine(op: Operation, operands: Operands, shape: Shape) -> Expression:
    x: MatrixExpression
    weight: MatrixExpression
    x, weight, bias = operands
    z = x @ weight.T
    z = z if bias is None else z + bias
    return z.formula


@writes("transpose")
def _transpose(op: Operation, operands: Operands, shape: Shape) -> Expression | None:
    x: MatrixExpression
    x, axes = operands
    order = tuple(range(x.ndim))[::-1] if axes is None else tuple(a % x.ndim for a in axes)
    natural = natural_shape(x.formula)
    if x.ndim > 2 and (moved := _steps_moved(x, order, shape)) is not None:
        return moved
    if order == tuple(range(x.ndim)) or natural == ():
        return x.formula
    if order == (1, 0) and natural is not None and len(natural) <= 2:
        return transposed(x.formula)
    if order == (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2):
        atom = only_atom(x.formula)
        if isinstance(atom, ArrayAtom):
            return formula_of(atom.transposed())
    return None


def _steps_moved(x: MatrixExpression, order: tuple[int, ...], shape: Shape) -> Expression | None:
    """What has its steps one by one along another axis, if the rest stays as it is."""

    def is_all(axis: int) -> bool:
        rest = [a for a in order if a != axis]
        return rest == sorted(rest)

    terms = placed(x.formula)
    if terms is not None and all(is_all(p.axis) for p in terms):
        return sum((scattered(p, p.inner, order.index(p.axis), shape) for p in terms), constant(0.0))
    number, rest = split(x.formula)
    stack = only_atom(rest)
    if isinstance(stack, Stack) and is_all(stack.axis):
        return number * formula_of(Stack(stack.parts, order.index(stack.axis)))
    return None


@writes("array_sum")
def _sum(op: Operation, operands: Operands, shape: Shape) -> Expression | None:
    x: MatrixExpression
    x, axis, keepdims = operands
    axes = tuple(range(x.ndim)) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)
    if not axes:
        return x.formula
    natural = natural_shape(x.formula)
    if natural == () or not x.formula.terms:  # the same number everywhere
        return x.formula * float(math.prod(x.shape[a] for a in axes))
    if x.ndim > 2 and not keepdims and (stepwise := _steps_summed(x, tuple(axes))) is not None:
        return stepwise
    number, rest = split(x.spelled_out())
    if len(axes) == 1 and len(rest.terms) == 1 and natural_shape(rest) == x.shape:
        outside, inside = parted(rest, lambda a: _is_constant_along(axes[0], atom_shape(a), keepdims))
        if natural_shape(inside) == x.shape:
            number, rest = number * outside, inside
    atom = only_atom(rest)
    if isinstance(atom, Applied) and atom.op is _DIAG and shape == ():
        return number * formula_of(Applied(_TRACE, atom.parts, shape))
    is_one = any(axes == (x.ndim + along,) for along in _sums_to_1(atom))
    if is_one and natural_shape(rest) == x.shape:  # rows of probabilities
        return number
    total = Total(rest, shape, tuple(axes), bool(keepdims))
    return number * formula_of(total.upright() if shape == () and len(total.inside) == 2 else total)


def _steps_summed(x: MatrixExpression, axes: tuple[int, ...]) -> Expression | None:
    """The sum over the steps, and over other axes at each step, of what has its steps one by one."""
    terms = placed(x.formula)
    if terms is not None and all(p.stop is None and p.axis in axes for p in terms):
        left = [tuple(a - (a > p.axis) for a in axes if a != p.axis) for p in terms]
        each = (p.number * _one(p.inner).sum(others).formula for p, others in zip(terms, left, strict=True))
        return added_over_time(sum(each, constant(0.0)))
    return None


def _one(x: Expression) -> MatrixExpression:
    """A formula on its own, whose numbers are not asked for."""
    return MatrixExpression(x, np.zeros(natural_shape(x) or ()))


def _sums_to_1(a: Atom | None) -> tuple[int, ...]:
    """The axes along which given numbers sum to 1, from the end."""
    if isinstance(a, Data):
        return distribution(a.data)
    if not isinstance(a, Matrix):
        return ()
    return turned_axes(a.sums_to_1) if a.is_turned else a.sums_to_1


def _is_constant_along(axis: int, shape: Shape | None, keepdims: bool) -> bool:
    """True for a factor that a sum over the axis of a matrix need not enter."""
    if shape is None or len(shape) > 2:
        return False
    return axis == 0 if len(shape) == 1 else keepdims and len(shape) == 2 and shape[axis] == 1


@writes("array_mean")
def _mean(op: Operation, operands: Operands, shape: Shape) -> Expression:
    x: MatrixExpression
    x, axis, keepdims = operands
    total = x.sum(axis, keepdims)
    axes = range(x.ndim) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)
    samples = samples_of(x.formula)
    if samples is None or x.ndim + samples not in axes or x.shape[samples] < 2:
        return total.formula * (total.size / x.size)
    return total.formula * (total.size * x.shape[samples] / x.size) / formula_of(Count())


@writes("sum_to")
def _sum_to(op: Operation, operands: Operands, shape: Shape) -> Expression:
    x: MatrixExpression
    x, _ = operands
    ahead = x.ndim - len(shape)
    x = x.sum(tuple(range(ahead))) if ahead else x
    stretched = tuple(i for i, (n, m) in enumerate(zip(x.shape, shape, strict=True)) if n != m)
    return x.sum(stretched, True).formula if stretched else x.formula


@writes("reshape")
def _reshape(op: Operation, operands: Operands, shape: Shape) -> Expression | None:
    x: MatrixExpression = operands[0]
    if natural_shape(x.formula) in ((), shape):
        return x.formula
    atom, bare = None, [n for n in shape if n != 1]
    number, rest = split(x.formula)
    atom = only_atom(rest)
    if isinstance(atom, Total) and not atom.keepdims and bare == [n for n in atom.shape if n != 1]:
        (inner,) = atom.parts
        inside = natural_shape(inner) or ()
        if shape == tuple(1 if i in atom.axes else n for i, n in enumerate(inside)):
            return number * formula_of(Total(inner, shape, atom.axes, True))
    if isinstance(atom, Total) and atom.keepdims:
        left = tuple(n for i, n in enumerate(atom.inside) if i not in atom.axes)
        if shape == left:
            return number * formula_of(Total(atom.parts[0], shape, atom.axes, False))
    if (back := _reshaped_back(x.formula, shape)) is not None:
        return back
    if isinstance(atom, Applied) and atom.op.name == "getitem":  # one step that was taken out with its axis
        whole = natural_shape(atom.parts[0]) or ()
        one = one_of(atom.arguments[1], whole)
        if one is not None and shape == (*whole[: one[0]], *whole[one[0] + 1 :]):
            step = taken(atom.parts[0], len(whole), *one)
            return None if step is None else number * step
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


@writes("concatenate")
def _concatenate(op: Operation, operands: Operands, shape: Shape) -> Expression | None:
    """Arrays along an axis that each of them got for it: steps put together."""
    axis, *xs = operands
    steps = [taken(x.formula, x.ndim, axis, 0) if x.shape[axis] == 1 and x.ndim > 2 else None for x in xs]
    if any(s is None or natural_shape(s) != (*shape[:axis], *shape[axis + 1 :]) for s in steps):
        return None
    return formula_of(Stack([s for s in steps if s is not None], axis))


@writes("getitem")
def _getitem(op: Operation, operands: Operands, shape: Shape) -> Expression | None:
    x: MatrixExpression
    x, index = operands
    if not x.formula.terms:
        return x.formula
    if _is_diagonal(index, x.shape):
        number, rest = split(x.formula)
        return number * formula_of(Applied(_DIAG, (rest,), shape)) if natural_shape(rest) == x.shape else None
    one = one_axis_of(index, x.shape)
    if one is not None and x.ndim > 2:
        step = taken(x.formula, x.ndim, *one)
        if step is not None:
            return step
    whole = slice(None)
    parts = index if isinstance(index, tuple) else (index,)
    if all(i is None or i is Ellipsis or (isinstance(i, slice) and i == whole) for i in parts):
        found = _reshape(find("reshape"), (x, shape), shape)
        return formula_of(Applied(find("reshape"), (x.formula, shape), shape)) if found is None else found
    if parts[0] is Ellipsis and type(parts[1]) is int and x.shape[-len(parts) + 1] == 1:
        return _with_vector(x.formula, shape, -1 if len(parts) == 2 else 0)
    return None


@writes("scatter")
def _scatter(op: Operation, operands: Operands, shape: Shape) -> Expression | None:
    x: MatrixExpression
    x, index, _ = operands
    if x.formula.terms and _is_diagonal(index, shape):
        number, rest = split(x.spelled_out())
        return number * formula_of(Applied(_DIAG, (rest,), shape))
    return None if x.formula.terms else x.formula


# What has no operation of its own: an index, or its gradient.
_DIAG = Operation(np.diag, ())
_TRACE = Operation(np.trace, (), symbol="tr")


def _is_diagonal(index: object, shape: Shape) -> bool:
    """True for the index that takes the diagonal of a square matrix."""
    if not isinstance(index, tuple) or len(shape) != 2 or shape[0] != shape[1]:
        return False
    places = index[1:] if index[0] is Ellipsis else index
    on = np.arange(shape[0])
    return len(places) == 2 and all(isinstance(i, np.ndarray) and np.array_equal(i, on) for i in places)


def _with_vector(x: Expression, shape: Shape, place: int) -> Expression | None:
    """A product whose factor at this end was made a matrix, with that factor as the vector it was."""
    number, rest = split(x)
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
    before, factors[place] = split(factors[place])
    return number * before * formula_of(Product(factors, shape))


@writes("broadcast_to")
@writes("cast")
def _as_it_is(op: Operation, operands: Operands, shape: Shape) -> Expression:
    x: MatrixExpression = operands[0]
    return x.formula


@writes("choose")
def _chosen(op: Operation, operands: Operands, shape: Shape) -> Expression:
    """x ⊙ [condition] + y ⊙ [not condition]; the piece alone if it holds everywhere or the other one is 0."""
    x: MatrixExpression
    y: MatrixExpression
    condition, x, y = operands
    if not isinstance(condition, Condition):
        condition = as_condition(np.asarray(condition), formula_of(Data(np.asarray(condition, float))))
    holds = np.broadcast_to(condition, shape)
    first, second = (np.broadcast_to(u.value, shape) for u in (x, y))
    if holds.all() or not holds.any():
        return (x if holds.all() else y).formula
    if not (np.isfinite(first[~holds]).all() and np.isfinite(second[holds]).all()):  # 0 times ∞ would be no number
        return formula_of(Applied(op, (condition.formula, x.as_operand(), y.as_operand()), shape))
    parts = []
    if first[holds].any():
        parts.append(x.formula * condition.formula)
    if second[~holds].any():
        parts.append(y.formula * (~condition).formula)
    return sum(parts, constant(0.0))
