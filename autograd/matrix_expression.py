"""Formulas of whole arrays: what an operation and its pulls give when they are read on names.

Number by number, arrays follow the algebra of `expression`: a MatrixExpression is such an Expression
whose atoms are arrays, with a shape and the numbers at the point where it was read. What is not done
number by number (matrix products, transposes, sums over an axis) is an atom of its own, see
`matrix_atoms`; an operation without a notation is written as its name applied to its operands.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .axis_ops import array_softmax
from .expression import Call, Expression, constant
from .matrix_atoms import (
    Applied,
    ArrayAtom,
    Data,
    Indicator,
    Matrix,
    Ones,
    Product,
    Shape,
    Total,
    atom_shape,
    data_key,
    formula_of,
    natural_shape,
    only_atom,
    transposed,
)
from .op import Operation, Vector, array_forms, find, quietly
from .ops import log, sigmoid

__all__ = ["MatrixExpression", "data_key", "matrix", "named", "operands_of", "read"]


def _operator(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The other operand may be a number or an array."""

    @functools.wraps(method)
    def operator(self: Any, other: Any) -> Any:
        return NotImplemented if isinstance(other, Vector) else method(self, matrix(other))

    return operator


class MatrixExpression:
    """A formula of arrays with its shape and its numbers.

    It has what the pulls of operations ask of an array. Comparisons give boolean arrays that remember
    what was compared, so that a piecewise rule reads [z > 0], or the piece that holds everywhere.
    """

    __slots__ = ("formula", "shape", "value")
    __array_ufunc__ = None
    _is_array = True

    def __init__(self, formula: Expression, value: Any) -> None:
        self.formula = formula
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
        return MatrixExpression._record(find("transpose"), self, None)

    def __len__(self) -> int:
        return len(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError("a formula is no array; use .value for its numbers")

    def is_number(self) -> bool:
        """True if no name is left."""
        return self.formula.is_number()

    # ------------------------------------------------------------ arithmetic

    @_operator
    def __add__(self, other: Any) -> Any:
        return _combined(self, other, lambda x, y: x + y)

    @_operator
    def __radd__(self, other: Any) -> Any:
        return other + self

    @_operator
    def __sub__(self, other: Any) -> Any:
        return _combined(self, other, lambda x, y: x - y)

    @_operator
    def __rsub__(self, other: Any) -> Any:
        return other - self

    @_operator
    def __mul__(self, other: Any) -> Any:
        return _combined(self, other, lambda x, y: x * y)

    @_operator
    def __rmul__(self, other: Any) -> Any:
        return other * self

    @_operator
    def __truediv__(self, other: Any) -> Any:
        return _combined(self, other, lambda x, y: x / y)

    @_operator
    def __rtruediv__(self, other: Any) -> Any:
        return other / self

    @_operator
    def __pow__(self, other: Any) -> Any:
        return _combined(self, other, lambda x, y: x**y)

    @_operator
    def __rpow__(self, other: Any) -> Any:
        return other**self

    def __neg__(self) -> MatrixExpression:
        return MatrixExpression(-self.formula, -self.value)

    def __matmul__(self, other: Any) -> MatrixExpression:
        return MatrixExpression._record(find("matmul"), self, matrix(other))

    def __rmatmul__(self, other: Any) -> MatrixExpression:
        return matrix(other) @ self

    dot = __matmul__

    @_operator
    def __lt__(self, other: Any) -> Any:
        return _compared(self, "<", other, self.value < other.value)

    @_operator
    def __le__(self, other: Any) -> Any:
        return _compared(self, "<=", other, self.value <= other.value)

    @_operator
    def __gt__(self, other: Any) -> Any:
        return _compared(self, ">", other, self.value > other.value)

    @_operator
    def __ge__(self, other: Any) -> Any:
        return _compared(self, ">=", other, self.value >= other.value)

    # ------------------------------------------------------------ methods that pulls use

    def sum(self, axis: Any = None, keepdims: bool = False) -> MatrixExpression:
        """Sum over axes."""
        return MatrixExpression._record(find("array_sum"), self, axis, keepdims)

    def reshape(self, *shape: Any) -> MatrixExpression:
        """The same numbers in another shape."""
        return MatrixExpression._record(find("reshape"), self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> MatrixExpression:
        """Axes in another order."""
        order = axes[0] if len(axes) == 1 else axes or None
        return MatrixExpression._record(find("transpose"), self, order)

    def swapaxes(self, first: int, second: int) -> MatrixExpression:
        """Two axes exchanged."""
        order = list(range(self.ndim))
        order[first], order[second] = order[second], order[first]
        return self.transpose(order)

    def __getitem__(self, index: Any) -> MatrixExpression:
        return MatrixExpression._record(find("getitem"), self, index)

    # ------------------------------------------------------------ reading

    @staticmethod
    def _record(op: Operation, *operands: Any) -> MatrixExpression:
        """Apply an operation: as notation writes it, or as its name applied to the operands."""
        if op.reduces and op.name in array_forms:
            return array_forms[op.name](*operands)
        held = operands_of(op, operands)
        return read(op, held, quietly(op.forward, *map(_plain, held)))

    def spelled_out(self) -> Expression:
        """The formula, with ones where it has this shape by broadcasting only."""
        natural = natural_shape(self.formula)
        if natural is None or natural == self.shape or not self.formula.terms:
            return self.formula
        if math.prod(natural) == self.size and self.size != 1:
            return formula_of(Applied(find("reshape"), (self.formula, self.shape), self.shape))
        return self.formula * formula_of(Ones(self.shape))

    def __repr__(self) -> str:
        from .matrix_notation import MatrixAscii

        return f"<formula {MatrixAscii().sum(self.formula)} of shape {self.shape}>"


def matrix(x: Any) -> MatrixExpression:
    """A formula from a formula, a number or a constant array."""
    if isinstance(x, MatrixExpression):
        return x
    if isinstance(x, Condition):
        return MatrixExpression(x.formula, np.asarray(x, float))
    array = np.asarray(x, None if isinstance(x, np.ndarray) and x.dtype.kind == "f" else float)
    return MatrixExpression(constant(float(array)) if not array.ndim else formula_of(Data(array)), array)


def named(label: str, value: Any, *, is_gradient: bool = False, is_leaf: bool = False) -> MatrixExpression:
    """An array with a name, or the derivative by it."""
    atom = Matrix(label, np.shape(value), is_gradient=is_gradient, is_leaf=is_leaf)
    return MatrixExpression(formula_of(atom), value)


def read(op: Operation, operands: Sequence[Any], value: Any) -> MatrixExpression:
    """The formula of an operation's result. operands: formulas, and what is not differentiated as it is."""
    value = np.asarray(value)
    build = _BUILDERS.get(op.name)
    formula = None if build is None else build(op, operands, value.shape)
    if formula is None and op.rules:
        formula = Expression._record(op, *(x.formula for x in operands))
    elif formula is None:
        arguments = (x.spelled_out() if isinstance(x, MatrixExpression) else x for x in operands)
        formula = formula_of(Applied(op, arguments, value.shape))
    return MatrixExpression(formula, value)


def operands_of(op: Operation, operands: Sequence[Any]) -> tuple[Any, ...]:
    """The operands as formulas, those that are not differentiated as they are."""
    return tuple(x if x is None or op.pulls[i] is None else matrix(x) for i, x in enumerate(operands))


def _plain(x: Any) -> Any:
    if isinstance(x, MatrixExpression):
        return x.value
    return x.view(np.ndarray) if isinstance(x, Condition) else x


def _combined(x: MatrixExpression, y: MatrixExpression, f: Callable[[Any, Any], Any]) -> MatrixExpression:
    return MatrixExpression(f(x.formula, y.formula), quietly(f, x.value, y.value))


# ---------------------------------------------------------------- comparisons


class Condition(np.ndarray):
    """A boolean array that remembers what was compared, as a formula that is 1 where it holds and 0 elsewhere."""

    formula: Expression

    def __and__(self, other: Any) -> Any:
        if not isinstance(other, Condition):
            return self if other else other
        return _condition(np.asarray(self) & np.asarray(other), self.formula * other.formula)

    __rand__ = __and__

    def __invert__(self) -> Any:
        atom = only_atom(self.formula)
        opposite = formula_of(atom.opposite_relation()) if isinstance(atom, Indicator) else 1.0 - self.formula
        return _condition(~np.asarray(self), opposite)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.where:
            return MatrixExpression._record(find("choose"), *args)
        return function(*(np.asarray(a) if isinstance(a, Condition) else a for a in args), **kwargs)


def _condition(holds: Any, formula: Expression) -> Condition:
    found = np.asarray(holds).view(Condition)
    found.formula = formula
    return found


def _compared(x: MatrixExpression, relation: str, y: MatrixExpression, holds: Any) -> Any:
    if x.is_number() and y.is_number():
        return bool(np.all(holds))
    holds = np.asarray(holds)
    return _condition(holds, formula_of(Indicator(x.formula, relation, y.formula, holds.shape)))


def _chosen(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
    """x ⊙ [condition] + y ⊙ [not condition]; the piece alone if it holds everywhere or the other one is 0."""
    condition, x, y = operands
    if not isinstance(condition, Condition):
        condition = _condition(np.asarray(condition), formula_of(Data(np.asarray(condition, float))))
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


def _affine(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
    x, weight, bias = operands
    z = x @ weight.T
    return z.formula if bias is None else (z + bias).formula


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


def _mean(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
    x, axis, keepdims = operands
    total = x.sum(axis, keepdims)
    return total.formula * (total.size / x.size)


def _sum_to(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
    x, _ = operands
    ahead = x.ndim - len(shape)
    x = x.sum(tuple(range(ahead))) if ahead else x
    stretched = tuple(i for i, (n, m) in enumerate(zip(x.shape, shape, strict=True)) if n != m)
    return x.sum(stretched, True).formula if stretched else x.formula


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
    if shape == (1, *x.shape):  # what broadcasting does too
        return x.formula
    if x.ndim == 1 and shape == (len(x), 1):
        return transposed(x.formula)
    if shape == x.shape[:1] and x.shape[1:] == (1,) and natural_shape(transposed(x.formula)) == shape:
        return transposed(x.formula)
    return None


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


def _as_it_is(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
    return operands[0].formula


def _clip(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression | None:
    x, *bounds = operands
    if any(np.ndim(b) for b in bounds):
        return None
    return formula_of(Call(find("clip"), (x.formula, *(constant(float(b)) for b in bounds))))


def _loss(of_rows: Callable[[Any, Any], Any]) -> Callable[[Operation, Sequence[Any], Shape], Expression]:
    """A loss as the weighted sum over samples of what `of_rows` gives for predictions and targets."""

    def build(op: Operation, operands: Sequence[Any], shape: Shape) -> Expression:
        prediction, target, weight = operands[:3]
        rows = of_rows(prediction, target)
        if isinstance(weight, np.ndarray) and weight.ndim:
            return (weight[:, None] * rows).sum().formula
        return (rows.sum() * float(weight)).formula

    return build


def _binary(p: Any, y: Any) -> Any:
    return -(y * log(p) + (1 - y) * log(1 - p)) / p.shape[-1]


_BUILDERS: dict[str, Callable[[Operation, Sequence[Any], Shape], Expression | None]] = {
    "affine": _affine,
    "array_mean": _mean,
    "array_sum": _sum,
    "broadcast_to": _as_it_is,
    "binary_cross_entropies": _loss(_binary),
    "binary_cross_entropies_with_logits": _loss(lambda z, y: _binary(sigmoid(z), y)),
    "cast": _as_it_is,
    "choose": _chosen,
    "clip_between": _clip,
    "getitem": _getitem,
    "matmul": _matmul,
    "reshape": _reshape,
    "softmax_cross_entropies": _loss(lambda z, y: -(y * log(array_softmax(z)))),
    "squared_errors": _loss(lambda x, y: 0.5 * (x - y) ** 2),
    "sum_to": _sum_to,
    "transpose": _transpose,
}
