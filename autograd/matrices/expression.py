"""Formulas of whole arrays: what an operation and its pulls give when they are read on names.

Number by number, arrays follow the algebra of `expression`: a MatrixExpression is such an Expression
whose atoms are arrays, with a shape and the numbers at the point where it was read. What is not done
number by number (matrix products, transposes, sums over an axis) is an atom of its own, see
`atoms`; an operation without a notation is written as its name applied to its operands.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from ..formulas.expression import Expression, constant
from ..ieee import quietly
from ..numpy_names import array_functions, array_ufunc, on_formulas
from ..op import Operation
from ..operands import Operand, Vector
from ..ops import elementwise
from ..ops.choosing import choose
from ..ops.matrices import matmul
from ..ops.shapes import broadcast_to, getitem, reshape, transpose
from ..ops.sums import array_sum
from .atoms import (
    Applied,
    Data,
    Indicator,
    Matrix,
    Ones,
    Shape,
    Zeros,
    applied,
    data_key,
    distribution,
    form_of,
    formula_of,
    natural_shape,
    only_atom,
    split,
)

__all__ = ["MatrixExpression", "Operands", "data_key", "matrix", "named", "operands_as_written", "operands_of", "read"]


T = TypeVar("T")
# What an operation is applied to: formulas, and what is not differentiated as it is (an axis, a shape, an index).
Operands = tuple[Operand, ...]
Axes = int | tuple[int, ...] | None


def _operator(
    method: Callable[[MatrixExpression, MatrixExpression], T],
) -> Callable[[MatrixExpression, object], T]:
    """The other operand may be a number or an array."""

    @functools.wraps(method)
    def operated(self: MatrixExpression, other: Operand) -> Operand:
        return NotImplemented if isinstance(other, Vector) else method(self, matrix(other))

    return operated


_ARITHMETIC = operator.add, operator.sub, operator.mul, operator.truediv, operator.pow
_COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def _number_by_number(apply: Callable[[Operand, Operand], Operand]) -> Callable[[MatrixExpression, object], Operand]:
    def combined(x: MatrixExpression, y: MatrixExpression) -> MatrixExpression:
        return MatrixExpression(apply(x.formula, y.formula), quietly(apply, x.value, y.value))

    return _operator(combined)


def _from_the_right(apply: Callable[[Operand, Operand], Operand]) -> Callable[[MatrixExpression, object], Operand]:
    return _operator(lambda self, other: apply(other, self))


def _compared(relation: str) -> Callable[[MatrixExpression, object], Operand]:
    def compared(x: MatrixExpression, y: MatrixExpression) -> Condition | bool:
        holds = np.asarray(_COMPARISONS[relation](x.value, y.value))
        if x.is_number() and y.is_number():
            return bool(np.all(holds))
        return as_condition(holds, formula_of(Indicator(x.formula, relation, y.formula, holds.shape)))

    return _operator(compared)


class MatrixExpression:
    """A formula of arrays with its shape and its numbers.

    It has what the pulls of operations ask of an array. Comparisons give boolean arrays that remember
    what was compared, so that a piecewise rule reads [z > 0], or the piece that holds everywhere.
    """

    __slots__ = ("formula", "shape", "value")
    _is_array = True

    def __init__(self, formula: Expression, value: np.ndarray | float) -> None:
        self.formula = constant(_number(formula)) if formula.is_number() else formula
        self.value: np.ndarray = np.asarray(value)
        self.shape: Shape = self.value.shape

    # ------------------------------------------------------------ what an array tells

    @property
    def _data(self) -> np.ndarray:
        return self.value

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.value.size

    @property
    def dtype(self) -> np.dtype:
        """The type of the numbers."""
        return self.value.dtype

    @property
    def T(self) -> MatrixExpression:
        """The transpose."""
        return transpose(self)

    def __len__(self) -> int:
        return len(self.value)

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError("a formula is no array; use .value for its numbers")

    def __float__(self) -> float:
        raise TypeError("a formula is no number; write exp(x) and not math.exp(x)")

    def is_number(self) -> bool:
        """True if no name is left."""
        return self.formula.is_number()

    # ------------------------------------------------------------ arithmetic

    __add__, __sub__, __mul__, __truediv__, __pow__ = map(_number_by_number, _ARITHMETIC)
    __radd__, __rsub__, __rmul__, __rtruediv__, __rpow__ = map(_from_the_right, _ARITHMETIC)
    __lt__, __le__, __gt__, __ge__ = map(_compared, ("<", "<=", ">", ">="))

    def __neg__(self) -> MatrixExpression:
        return MatrixExpression(-self.formula, -self.value)

    def __pos__(self) -> MatrixExpression:
        return self

    def __abs__(self) -> MatrixExpression:
        return elementwise.abs(self)

    def __matmul__(self, other: object) -> MatrixExpression:
        return matmul(self, matrix(other))

    def __rmatmul__(self, other: object) -> MatrixExpression:
        return matrix(other) @ self

    dot = __matmul__

    # ------------------------------------------------------------ methods that pulls use

    def sum(self, axis: Axes = None, keepdims: bool = False) -> MatrixExpression:
        """Sum over axes."""
        return array_sum(self, axis, keepdims)

    def reshape(self, *shape: int | Shape) -> MatrixExpression:
        """The same numbers in another shape."""
        return reshape(self, shape[0] if len(shape) == 1 else shape)  # type: ignore[arg-type]

    def transpose(self, *axes: int | Sequence[int]) -> MatrixExpression:
        """Axes in another order."""
        order = axes[0] if len(axes) == 1 else axes or None
        return transpose(self, order)

    def swapaxes(self, first: int, second: int) -> MatrixExpression:
        """Two axes exchanged."""
        order = list(range(self.ndim))
        order[first], order[second] = order[second], order[first]
        return self.transpose(order)

    def __getitem__(self, index: object) -> MatrixExpression:
        return getitem(self, index)

    # ------------------------------------------------------------ reading

    __array_ufunc__ = on_formulas("formulas of arrays", lambda x: matrix(x), array_ufunc)

    def __array_function__(
        self,
        function: Callable[..., Operand],
        types: object,
        operands: Sequence[Operand],
        options: Mapping[str, Operand],
    ) -> Operand:
        known = array_functions.get(function)
        found, unknown = ({}, []) if known is None else known.arguments(operands, options)
        if known is None or unknown:
            raise TypeError(f"np.{function.__name__} is not defined for formulas of arrays")
        return known.function(**found)

    @staticmethod
    def _record(op: Operation, *operands: object) -> MatrixExpression:
        """Apply an operation: as notation writes it, or as its name applied to the operands."""
        held = operands_of(op, operands)
        return read(op, held, quietly(op.forward, *map(_plain, held)))

    def spelled_out(self) -> Expression:
        """The formula, with ones where it has this shape by broadcasting only."""
        natural = natural_shape(self.formula)
        if natural is None or natural == self.shape or not self.formula.terms:
            return self.formula
        if len(self.shape) > 2 and (repeated := _repeated(self.formula, self.shape)) is not None:
            return repeated
        if math.prod(natural) == self.size and self.size != 1:
            return formula_of(Applied(reshape.op, (self.formula, self.shape), self.shape))
        return self.formula * formula_of(Ones(self.shape))

    def as_operand(self) -> Expression:
        """The formula, spelled out also where all are zeros."""
        is_zero = not self.formula.terms and self.shape
        return formula_of(Zeros(self.shape)) if is_zero else self.spelled_out()

    def __repr__(self) -> str:
        from .notation import MatrixAscii

        return f"<formula {MatrixAscii().sum(self.formula)} of shape {self.shape}>"


def _repeated(x: Expression, shape: Shape) -> Expression | None:
    """A product in which what got axes of size 1 is repeated along them; None if there is no such factor."""
    if len(x.terms) != 1:
        return None
    ((c, factors),) = x.terms
    for k, (a, e) in enumerate(factors):
        if (repeated := applied(a, reshape)) is not None and len(repeated.shape) == len(shape):
            whole = formula_of(Applied(broadcast_to.op, (formula_of(a), shape), shape))
            return Expression(((c, (*factors[:k], (only_atom(whole), e), *factors[k + 1 :])),), x.value)  # type: ignore[arg-type]
    return None


def _number(x: Expression) -> float:
    """The number that a formula without names is, which is known also where the numbers of its arrays are not."""
    return x.terms[0][0] if x.terms else 0.0


def matrix(x: object) -> MatrixExpression:
    """A formula from a formula, a number or a constant array."""
    if isinstance(x, MatrixExpression):
        return x
    if isinstance(x, Condition):
        return MatrixExpression(x.formula, np.asarray(x, float))
    array = np.asarray(x, None if isinstance(x, np.ndarray) and x.dtype.kind == "f" else float)
    return MatrixExpression(constant(float(array)) if not array.ndim else formula_of(Data(array)), array)


def named(
    label: str, value: np.ndarray, samples: int | None = None, *, is_gradient: bool = False, is_given: bool = False
) -> MatrixExpression:
    """An array with a name, or the derivative by it.

    samples: the axis along which samples lie, see `Matrix`. is_given: data, which no training changes.
    """
    value = np.asarray(value)
    along = distribution(value) if is_given else ()
    return MatrixExpression(
        formula_of(Matrix(label, value.shape, samples, sums_to_1=along, is_gradient=is_gradient)), value
    )


def read(op: Operation, operands: Operands, value: np.ndarray | float) -> MatrixExpression:
    """The formula of an operation's result. operands: formulas, and what is not differentiated as it is."""
    value = np.asarray(value)
    formula = form_of(op).built(operands, value.shape) if op.loss is None else _loss(op, operands)
    if formula is None and op.rules:
        formula = Expression._record(op, *(matrix(x).formula for x in operands))
    elif formula is None and op.formula is not None and not op.parts:
        spelled_out = quietly(op.formula, *operands)
        formula = None if spelled_out is None else matrix(spelled_out).formula
    if formula is None:
        before, written = constant(1.0), operands_as_written(operands)
        for i in op.linear:
            number, written[i] = split(written[i])
            before = before * number
        formula = before * formula_of(Applied(op, written, value.shape))
    return MatrixExpression(formula, value)


def operands_as_written(operands: Operands) -> list[Operand]:
    """The operands of an operation that stands by its name: formulas, and what is not differentiated as it is."""
    return [x.as_operand() if isinstance(x, MatrixExpression) else x for x in operands]


def _loss(op: Operation, operands: Operands) -> Expression:
    """A loss as the weighted sum over samples of its formula."""
    prediction, target, weight, *_ = operands
    assert op.loss is not None
    each: MatrixExpression = op.loss(prediction, target)
    if isinstance(weight, np.ndarray) and weight.ndim:
        each = each * weight[:, None]
        return each.sum().formula
    total: MatrixExpression = each.sum() * weight
    return total.formula


def operands_of(op: Operation, operands: Sequence[object]) -> Operands:
    """The operands as formulas, those that are not differentiated as they are."""
    return tuple(x if x is None or op.pulls[i] is None else matrix(x) for i, x in enumerate(operands))


def _plain(x: object) -> object:
    if isinstance(x, MatrixExpression):
        return x.value
    return x.view(np.ndarray) if isinstance(x, Condition) else x


# ---------------------------------------------------------------- comparisons


class Condition(np.ndarray):
    """A boolean array that remembers what was compared, as a formula that is 1 where it holds and 0 elsewhere."""

    formula: Expression

    def __and__(self, other: Operand) -> Operand:
        if not isinstance(other, Condition):
            return self if other else other
        return as_condition(np.asarray(self) & np.asarray(other), self.formula * other.formula)

    __rand__ = __and__

    def __or__(self, other: Operand) -> Operand:
        if not isinstance(other, Condition):
            return other if other else self
        either = self.formula + other.formula - self.formula * other.formula
        return as_condition(np.asarray(self) | np.asarray(other), either)

    __ror__ = __or__

    def __invert__(self) -> Condition:
        atom = only_atom(self.formula)
        opposite = formula_of(atom.opposite_relation()) if isinstance(atom, Indicator) else 1.0 - self.formula
        return as_condition(~np.asarray(self), opposite)

    def __array_function__(
        self, function: Callable[..., Operand], types: object, args: Iterable[Operand], kwargs: Mapping[str, Operand]
    ) -> Operand:
        if function is np.where:
            return MatrixExpression._record(choose.op, *args)
        return function(*(np.asarray(a) if isinstance(a, Condition) else a for a in args), **kwargs)


def as_condition(holds: np.ndarray, formula: Expression) -> Condition:
    found = np.asarray(holds).view(Condition)
    found.formula = formula
    return found
