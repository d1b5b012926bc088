"""What derivations know of each operation that moves or combines whole arrays, a class each.

How the result is written, and its transpose, one step of it, where its samples lie. What its decorator says
(`formula`, `text`, `how`, `turned`, `linear` ...) stands there; here is what takes more than that.
"""

from __future__ import annotations

import math

import numpy as np

from ..formulas.expression import Atom, Call, Expression, Group, constant
from ..op import Operation
from ..ops.choosing import choose
from ..ops.matrices import matmul
from ..ops.norms import euclidean_norm
from ..ops.shapes import broadcast_to, concatenate, getitem, reshape, scatter, transpose
from ..ops.sums import array_mean, array_sum
from .atoms import (
    Applied,
    ArrayAtom,
    Count,
    Data,
    Form,
    Matrix,
    Ones,
    Product,
    Shape,
    Total,
    applied,
    atom_shape,
    distribution,
    form_of,
    formula_of,
    natural_shape,
    only_atom,
    parted,
    split,
    transposed,
    turned_axes,
    turned_shape,
)
from .expression import Condition, MatrixExpression, Operands, as_condition
from .indices import samples_of
from .notation import Lectures, MatrixWriter, Piece
from .sequences import Stack, added_over_time, one_axis_of, one_of, placed, rows_contracted, scattered, taken

__all__ = ["heads_of"]

# ---------------------------------------------------------------- products and sums


class _Matmul(Form, of=matmul):
    def built(self, operands: Operands, shape: Shape) -> Expression | None:
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


class _Sum(Form, of=array_sum):
    def built(self, operands: Operands, shape: Shape) -> Expression | None:
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


class _Mean(Form, of=array_mean):
    def built(self, operands: Operands, shape: Shape) -> Expression | None:
        x: MatrixExpression
        x, axis, keepdims = operands
        total = x.sum(axis, keepdims)
        axes = range(x.ndim) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)
        samples = samples_of(x.formula)
        if samples is None or x.ndim + samples not in axes or x.shape[samples] < 2:
            return total.formula * (total.size / x.size)
        return total.formula * (total.size * x.shape[samples] / x.size) / formula_of(Count())


class _Norm(Form, of=euclidean_norm):
    def piece(self, to: Lectures, a: Applied) -> Piece | None:
        return to.length(to.sum(a.parts[0])) if a.arguments[1] is None and not a.arguments[2] else None


class _Choose(Form, of=choose):
    """x ⊙ [condition] + y ⊙ [not condition]; the piece alone if it holds everywhere or the other one is 0."""

    def built(self, operands: Operands, shape: Shape) -> Expression | None:
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
            return formula_of(Applied(choose.op, (condition.formula, x.as_operand(), y.as_operand()), shape))
        parts = []
        if first[holds].any():
            parts.append(x.formula * condition.formula)
        if second[~holds].any():
            parts.append(y.formula * (~condition).formula)
        return sum(parts, constant(0.0))


# ---------------------------------------------------------------- shapes


class _Transpose(Form, of=transpose):
    def built(self, operands: Operands, shape: Shape) -> Expression | None:
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

    def step(self, a: Applied, axis: int, t: int) -> Expression | None:
        ndim = len(a.shape)
        if a.arguments[1] is None:
            return None
        order = [i % ndim for i in a.arguments[1]]
        rest = [i - (i > order[axis]) for i in order if i != order[axis]]
        return taken(a.parts[0], ndim, order[axis], t) if rest == sorted(rest) else None

    def piece(self, to: Lectures, a: Applied) -> Piece | None:
        return _heads(to, a)


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


class _Reshape(Form, of=reshape):
    def built(self, operands: Operands, shape: Shape) -> Expression | None:
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
        part = applied(atom, getitem)
        if part is not None:  # one step that was taken out with its axis
            whole = natural_shape(part.parts[0]) or ()
            one = one_of(part.arguments[1], whole)
            if one is not None and shape == (*whole[: one[0]], *whole[one[0] + 1 :]):
                step = taken(part.parts[0], len(whole), *one)
                return None if step is None else number * step
        if shape == (1, *x.shape):  # what broadcasting does too
            return x.formula
        if x.ndim == 1 and shape == (len(x), 1):
            return transposed(x.formula)
        if shape == x.shape[:1] and x.shape[1:] == (1,) and natural_shape(transposed(x.formula)) == shape:
            return transposed(x.formula)
        return None

    def turned(self, a: Applied) -> Atom | None:
        before = natural_shape(a.parts[0]) or ()
        return Group(transposed(a.parts[0])) if turned_shape(before) == turned_shape(a.shape) else None

    def step(self, a: Applied, axis: int, t: int) -> Expression | None:
        before = natural_shape(a.parts[0]) or ()
        return a.parts[0] if a.shape[axis] == 1 and before == (*a.shape[:axis], *a.shape[axis + 1 :]) else None

    def samples(self, a: Applied) -> int | None:
        has_axis_before = len(a.shape) == len(natural_shape(a.parts[0]) or ()) + 1 and a.shape[0] == 1
        return samples_of(a.parts[0]) if has_axis_before else None

    def piece(self, to: Lectures, a: Applied) -> Piece | None:
        (inner,) = a.parts
        before = natural_shape(inner)
        if before is not None and (before == (1, *a.shape) or a.shape == (1, *before)):
            return to.whole(inner)  # a vector and a row: broadcasting does not tell them apart
        if (found := _heads(to, a)) is not None:
            return found
        if before and len(a.shape) == 2 < len(before) and a.shape[0] == before[0]:
            return to.shaped(to.operator("flatten"), to.sum(inner), "")
        return _repeated(to, inner, a.shape) or to.shaped(to.operator("reshape"), to.sum(inner), to.shape(a.shape))


def _reshaped_back(x: Expression, shape: Shape) -> Expression | None:
    """A formula of reshaped arrays in the shape that they had before, if it is one number by number."""

    def before(a: Atom) -> Expression:
        reshaped = applied(a, reshape)
        if reshaped is not None and natural_shape(reshaped.parts[0]) == shape:
            return reshaped.parts[0]
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


def heads_of(a: Applied) -> tuple[str, Expression, str] | None:
    """The last axis taken apart for several heads, which come before the steps, or put together again.

    Which of both it is, of what, and how many heads; None for others.
    """
    inner = applied(only_atom(a.parts[0]), transpose, reshape) if applied(a, transpose, reshape) else None
    turn = a if a.op is transpose.op else inner
    if inner is None or turn is None or inner.op is a.op or turn.arguments[1] != (0, 2, 1, 3):
        return None
    x = inner.parts[0]
    whole = natural_shape(x) or ()
    if turn is a and len(whole) == 3 and (whole[0], whole[1]) == inner.shape[:2]:
        return "heads", x, str(inner.shape[2])
    if turn is inner and len(whole) == 4 and a.shape == (whole[0], whole[2], whole[1] * whole[3]):
        return "concat", x, ""
    return None


def _heads(to: Lectures, a: Applied) -> Piece | None:
    found = heads_of(a)
    return None if found is None else to.shaped(to.operator(found[0]), to.sum(found[1]), found[2])


class _Broadcast(Form, of=broadcast_to):
    def piece(self, to: Lectures, a: Applied) -> Piece | None:
        with_axes = natural_shape(a.parts[0]) or ()
        kept = applied(only_atom(a.parts[0]), reshape)
        return _repeated(to, a.parts[0] if kept is None else kept.parts[0], with_axes)


def _repeated(to: Lectures, x: Expression, with_axes: Shape) -> Piece | None:
    """What is repeated along new axes, those of size 1, with these said; None if it had such axes itself."""
    axes, before = [i for i, n in enumerate(with_axes) if n == 1], [*(natural_shape(x) or ())]
    if not axes or 1 in before or [n for n in with_axes if n != 1] != before:
        return None
    return to.along(to.operator("repeat"), to.sum(x), f"axis {', '.join(map(str, axes))}")


# ---------------------------------------------------------------- parts, and putting together


class _Concatenate(Form, of=concatenate):
    def built(self, operands: Operands, shape: Shape) -> Expression | None:
        axis, *xs = operands
        # arrays along an axis that each of them got for it: steps put together
        steps = [taken(x.formula, x.ndim, axis, 0) if x.shape[axis] == 1 and x.ndim > 2 else None for x in xs]
        if any(s is None or natural_shape(s) != (*shape[:axis], *shape[axis + 1 :]) for s in steps):
            return None
        return formula_of(Stack([s for s in steps if s is not None], axis))

    def piece(self, to: Lectures, a: Applied) -> Piece | None:
        if len(a.shape) == 1 and (numbers := _numbers_in(a)):
            return Piece(f"[{to.comma.join(map(to.sum, numbers))}]")
        if len(a.shape) < 3:  # a vector counts as a row
            return to.blocks([to.sum(p) for p in a.parts], a.arguments[0] if len(a.shape) == 2 else 1)
        return None

    def call(self, to: MatrixWriter, a: Applied, function: str) -> Piece:
        return Piece(f"{function}([{', '.join(map(to.sum, a.parts))}], {to.plain(a.arguments[0])})")


def _numbers_in(a: Applied) -> list[Expression]:
    """The numbers that a vector is put together from; none if it is from vectors."""
    found = []
    for p in a.parts:
        match p.terms:
            case ((c, factors),):
                rest = tuple(f for f in factors if not isinstance(f[0], Ones))
                number = Expression(((c, rest),), p.value)
                if len(rest) == len(factors) or natural_shape(number) != () or natural_shape(p) != (1,):
                    return []
                found.append(number)
            case _:
                return []
    return found


class _Getitem(Form, of=getitem):
    def built(self, operands: Operands, shape: Shape) -> Expression | None:
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
            found = form_of(reshape.op).built((x, shape), shape)
            return formula_of(Applied(reshape.op, (x.formula, shape), shape)) if found is None else found
        if parts[0] is Ellipsis and type(parts[1]) is int and x.shape[-len(parts) + 1] == 1:
            return _with_vector(x.formula, shape, -1 if len(parts) == 2 else 0)
        return None

    def call(self, to: MatrixWriter, a: Applied, function: str) -> Piece:
        return Piece(f"{to.to_index(a.parts[0], a.arguments[1])}[{to.plain(a.arguments[1])}]")


class _Scatter(Form, of=scatter):
    def built(self, operands: Operands, shape: Shape) -> Expression | None:
        x: MatrixExpression
        x, index, _ = operands
        if x.formula.terms and _is_diagonal(index, shape):
            number, rest = split(x.spelled_out())
            return number * formula_of(Applied(_DIAG, (rest,), shape))
        return None if x.formula.terms else x.formula

    def step(self, a: Applied, axis: int, t: int) -> Expression | None:
        found = one_axis_of(a.arguments[1], a.shape)
        if found is None or found[0] != axis:
            return None
        return a.parts[0] if found[1] == t else constant(0.0)

    def piece(self, to: Lectures, a: Applied) -> Piece:
        x, index, _ = a.arguments
        at = f"{to.sum(x)}{to.words(' at ')}[{to.plain(index)}]"
        return Piece(f"[{at}{to.words(' in ')}{to.filled('0', a.shape)}]")


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
    end = applied(only_atom(factors[place]), reshape)
    if place == 0 and end is not None:
        factors[0] = end.parts[0]
    elif place == -1:
        factors[-1] = transposed(factors[-1])
    if len(natural_shape(factors[place]) or ()) != 1:
        return None
    before, factors[place] = split(factors[place])
    return number * before * formula_of(Product(factors, shape))
