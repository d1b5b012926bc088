"""Sequences in the rows of an array: what rules of sequences are read on, for all rows at once.

`Rows` is to an array what `Vector` is to a list. Below it stands how a reduction along axes, and its
gradient, come from a forward function and rules that know sequences only.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from .ieee import ieee
from .operands import Axis, Operand, Vector

__all__ = ["Rows", "along_axes", "share_along_axes"]


class Reduced(Protocol):
    """What is asked here of an operation."""

    @property
    def shown(self) -> str: ...
    @property
    def reduces(self) -> bool: ...
    @property
    def forward(self) -> Callable[..., Operand]: ...
    @property
    def function(self) -> Callable[..., Operand]: ...
    @property
    def rules(self) -> Sequence[Callable[..., Operand] | float | None]: ...


def _row_by_row(f: Callable[[Operand, Operand], Operand]) -> tuple[Operand, Operand]:
    """An operator of Rows, and the same from the right."""
    return lambda self, other: Rows(f(self.array, _plain(other))), lambda self, other: Rows(
        f(_plain(other), self.array)
    )


class Rows:
    """The rows of an array, each a sequence of n members, whose arithmetic works member by member.

    array: (..., n), an array, a Tensor or a formula. What there is one of for each row, such as a
    member or the sum, has n = 1 and goes with every member of its row.
    """

    __slots__ = ("array",)

    def __init__(self, array: Operand) -> None:
        self.array = array

    def __len__(self) -> int:
        return self.array.shape[-1]

    def __getitem__(self, place: int | slice) -> Rows:
        if isinstance(place, slice):
            return Rows(self.array[..., place])
        place = range(len(self))[place]
        return Rows(self.array[..., place : place + 1])

    def __iter__(self) -> Iterator[Rows]:
        return (self[i] for i in range(len(self)))

    def map(self, f: Callable[..., Operand], *others: Operand) -> Operand:
        """`f` of every member, which is read on all of them at once."""
        return f(self, *others)

    __add__, _after = _row_by_row(operator.add)
    __sub__, __rsub__ = _row_by_row(operator.sub)
    __mul__, __rmul__ = _row_by_row(operator.mul)
    __truediv__, __rtruediv__ = _row_by_row(operator.truediv)
    __pow__, __rpow__ = _row_by_row(operator.pow)

    def __radd__(self, other: Operand) -> Rows:
        return self if other.__class__ is int and other == 0 else self._after(other)  # 0 is where a sum begins

    def __neg__(self) -> Rows:
        return Rows(-self.array)

    def __pos__(self) -> Rows:
        return self

    def __abs__(self) -> Rows:
        return Rows(abs(self.array))

    # Conditions are arrays, as `where` takes them.

    def __lt__(self, other: Operand) -> Operand:
        return self.array < _plain(other)

    def __le__(self, other: Operand) -> Operand:
        return self.array <= _plain(other)

    def __gt__(self, other: Operand) -> Operand:
        return self.array > _plain(other)

    def __ge__(self, other: Operand) -> Operand:
        return self.array >= _plain(other)

    @staticmethod
    def _record(op: Reduced, *operands: Operand) -> Operand:
        """An operation on rows: member by member, or from each row to one number."""
        axes = {"axis": -1, "keepdims": True} if op.reduces else {}
        return Rows(op.function(*map(_plain, operands), **axes))

    def __array_ufunc__(self, ufunc: Operand, method: str, *operands: Operand, **options: Operand) -> Operand:
        found = getattr(ufunc, method)(*map(_plain, operands), **options)
        return found if found.dtype == bool else Rows(found)

    def __array_function__(self, function: Operand, types: Operand, operands: Operand, options: Operand) -> Operand:
        if function is not np.where:
            raise TypeError(f"np.{function.__name__} cannot be read on rows; use the operation of that name")
        return Rows(np.where(*map(_plain, operands)))


def _plain(x: Operand) -> Operand:
    if isinstance(x, Vector):
        raise TypeError("a list does not go with rows; write it in operators and operations on the operands")
    return x.array if x.__class__ is Rows else x


# ---------------------------------------------------------------- reductions along axes


class Table:
    """The numbers of arrays of one shape as rows, those along the reduced axes in one row.

    shape: of the arrays. axis: one axis, a tuple of them, None for all; AxisError if there is no such axis.
    """

    def __init__(self, shape: tuple[int, ...], axis: Axis) -> None:
        self.shape = shape
        every = tuple(range(len(shape)))
        self.axes = every if axis is None or not shape else normalize_axis_tuple(axis, len(shape))
        others = tuple(a for a in every if a not in self.axes)
        self.outside = tuple(shape[a] for a in others)
        self.kept = tuple(1 if a in self.axes else n for a, n in enumerate(shape))
        self.n = math.prod(shape[a] for a in self.axes)
        self._order = others + self.axes
        self._is_moved = self._order != every

    def rows(self, x: Operand) -> Operand:
        """An array of the shape as (..., n)."""
        x = x.transpose(self._order) if self._is_moved else x
        return x if len(self.axes) == 1 else x.reshape((*self.outside, self.n))

    def is_row(self, x: Operand) -> bool:
        """True for an operand that is sequences; one without axes is a single number, for all of them."""
        return hasattr(x, "ndim") and x.shape == self.shape

    def read(self, x: Operand) -> Operand:
        """An operand as a rule sees it."""
        return Rows(self.rows(x)) if self.is_row(x) else Rows(x) if hasattr(x, "ndim") else x

    def column(self, z: Operand) -> Operand:
        """What there is one of for each row, as (..., 1)."""
        return z.reshape((*self.outside, 1))

    def back(self, rows: Operand) -> Operand:
        """The reverse of `rows`."""
        split = self.outside + tuple(self.shape[a] for a in self.axes)
        x = rows if len(self.axes) == 1 else rows.reshape(split)
        return x.transpose(tuple(map(self._order.index, range(len(self.shape))))) if self._is_moved else x

    def reduced(self, z: Operand, keepdims: bool) -> Operand:
        """What there is one of for each row, in the shape of a result."""
        return z.reshape(self.kept if keepdims else self.outside)


_table = functools.lru_cache(maxsize=256)(Table)


def _table_of(where: str, operands: Sequence[Operand], axis: Axis) -> Table:
    if len(operands) == 1:
        return _table(operands[0].shape, axis)
    shapes = {x.shape for x in operands if getattr(x, "ndim", 0)}
    if len(shapes) > 1:
        raise ValueError(f"{where}: expected arrays of one shape, got {' and '.join(map(str, sorted(shapes)))}")
    return _table(shapes.pop() if shapes else (), axis)


def along_axes(op: Reduced, operands: Sequence[Operand], axis: Axis, keepdims: bool) -> Operand:
    """A reduction of arrays, sequence by sequence, with the forward function that knows sequences.

    operands: of one shape (ValueError otherwise); one without axes is a single number, for all sequences.
    """
    table = _table_of(op.shown, operands, axis)
    rows: list[Operand] = [table.rows(x) if table.is_row(x) else float(x) for x in operands]
    z = np.empty(table.outside, np.result_type(*(x for x in operands if hasattr(x, "dtype"))))
    for place in np.ndindex(z.shape):
        z[place] = ieee(op.forward, *(x if x.__class__ is float else Vector(x[place].tolist()) for x in rows))
    return table.reduced(z, keepdims)


def share_along_axes(op: Reduced, i: int, g: Operand, z: Operand, operands: Sequence[Operand], axis: Axis) -> Operand:
    """What operand i of such a reduction gets of the gradient g of its result z: the rule, read on rows.

    NumPy's functions are called on nodes too, which give nodes.
    """
    table = _table_of(op.shown, operands, axis)
    d = op.rules[i] if table.n else 1.0
    if callable(d):
        d = d(Rows(table.column(z)), *map(table.read, operands))
    if isinstance(d, int | float) and table.is_row(operands[i]):
        g = table.reduced(g, keepdims=True)
        return np.broadcast_to(g if d == 1 else g * d, table.shape)
    term = table.column(g) * (_joined(d, table) if isinstance(d, Vector) else _plain(d))
    if not table.is_row(operands[i]):
        return term
    return table.back(term if term.shape[-1] == table.n else np.broadcast_to(term, (*table.outside, table.n)))


def _joined(columns: Sequence[Operand], table: Table) -> Operand:
    """The derivatives for each member, which a rule gave one by one, as rows."""
    if len(columns) != table.n:
        raise ValueError(f"a rule gave {len(columns)} derivatives for sequences of {table.n}")
    shape = *table.outside, 1
    return np.concatenate([u.array if isinstance(u, Rows) else np.full(shape, u) for u in columns], -1)
