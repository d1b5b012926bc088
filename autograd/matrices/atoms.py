"""What formulas of arrays consist of, besides numbers, functions and sums: names, products, sums over an axis.

Each atom knows its shape and its transpose. Below stands what rewrites whole formulas: transposing,
and replacing atoms by others. How they look is left to `matrix_notation`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..formulas.expression import Atom, Call, Expression, Group
from ..formulas.notation import Writer
from ..op import Operation
from ..operands import members

__all__ = [
    "Applied",
    "ArrayAtom",
    "Data",
    "Indicator",
    "Matrix",
    "Ones",
    "Product",
    "Shape",
    "Total",
    "Turned",
    "atoms",
    "formula_of",
    "natural_shape",
    "only_atom",
    "replaced",
    "transposed",
    "turned_shape",
]

Shape = tuple[int, ...]


class ArrayAtom(Atom):
    """What formulas of arrays are made of besides functions and sums in parentheses; it has a shape."""

    __slots__ = ("shape",)

    shape: Shape

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The formulas inside."""
        return ()

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        """The same with other formulas inside."""
        return self

    def transposed(self) -> Atom:
        """The transpose: a product turns around, and what has no better form stands under a T."""
        return Turned(self) if self.shape else self

    def write(self, writer: Writer) -> str:
        return writer.array(self)  # type: ignore[attr-defined]


class Matrix(ArrayAtom):
    """A named array, or the derivative of the target by it (dW[1]), as it is or transposed.

    A vector counts as a row, as it does in broadcasting, so that its transpose is a column.
    """

    __slots__ = ("is_gradient", "is_leaf", "is_turned", "label", "plain_shape")
    is_symbol = True

    def __init__(
        self, label: str, shape: Shape, *, is_gradient: bool = False, is_leaf: bool = False, is_turned: bool = False
    ) -> None:
        self.label, self.plain_shape = label, shape
        self.is_gradient, self.is_leaf, self.is_turned = is_gradient, is_leaf, is_turned
        self.shape = turned_shape(shape) if is_turned else shape
        self.key = f"{'d' * is_gradient}{label!r}{'T' * is_turned}"
        self.size, self.depth = 1, 1

    def transposed(self) -> Atom:
        return self if not self.plain_shape else self._like(self.plain_shape, not self.is_turned)

    def as_column(self) -> Atom:
        """The array as it is, of a name that from now on stands for its transpose."""
        if self.is_turned:
            return self._like(self.shape, False)
        return self._like(turned_shape(self.plain_shape), True)

    def _like(self, shape: Shape, is_turned: bool) -> Matrix:
        return Matrix(self.label, shape, is_gradient=self.is_gradient, is_leaf=self.is_leaf, is_turned=is_turned)


class Data(ArrayAtom):
    """A constant array that has no name yet. Equal ones have one key."""

    __slots__ = ("data",)
    is_symbol = True

    def __init__(self, data: np.ndarray) -> None:
        self.data, self.shape = data, data.shape
        self.key = data_key(data)
        self.size, self.depth = 1, 1


class Ones(ArrayAtom):
    """An array of ones, where broadcasting has to be spelled out."""

    __slots__ = ()
    is_symbol = True

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.key = f"1{shape}"
        self.size, self.depth = 1, 1

    def transposed(self) -> Atom:
        return Ones(turned_shape(self.shape))


class _Compound(ArrayAtom):
    """An atom with formulas inside."""

    __slots__ = ("_parts",)

    def __init__(self, name: str, parts: Iterable[Expression], shape: Shape) -> None:
        self._parts = tuple(parts)
        self.shape = shape
        self.key = f"{name}({','.join(p.key for p in self._parts)})"
        self.size = 1 + sum(p.size for p in self._parts)
        self.depth = 1 + max((p.depth for p in self._parts), default=0)

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self._parts


class Product(_Compound):
    """A matrix product of two or more factors."""

    __slots__ = ()

    def __init__(self, factors: Iterable[Expression], shape: Shape) -> None:
        super().__init__("@", factors, shape)

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        return Product(parts, self.shape)

    def transposed(self) -> Atom:
        if any(len(natural_shape(p) or ()) != 2 for p in self.parts):
            return super().transposed()
        return Product([transposed(p) for p in reversed(self.parts)], turned_shape(self.shape))


class Total(_Compound):
    """A sum over axes.

    axes: those of the formula inside. counted: what is counted, 0 for rows as the computation ran and
    1 for columns; it stays when the formula is transposed.
    """

    __slots__ = ("axes", "counted", "keepdims")

    def __init__(
        self, inner: Expression, shape: Shape, axes: tuple[int, ...], keepdims: bool, counted: tuple[int, ...]
    ) -> None:
        super().__init__(f"sum{axes}{keepdims}", [inner], shape)
        self.axes, self.keepdims, self.counted = axes, keepdims, counted

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        (inner,) = parts
        if len(self.axes) == len(natural_shape(inner) or ()) == 2:  # whichever way it stands, its sum is the same
            inner = min(inner, transposed(inner), key=turns)
        return Total(inner, self.shape, self.axes, self.keepdims, self.counted)

    def transposed(self) -> Atom:
        (inner,) = self.parts
        if len(natural_shape(inner) or ()) != 2 or not (self.keepdims or self.axes == (0,)):
            return super().transposed()
        shape = turned_shape(self.shape)
        return Total(transposed(inner), shape, tuple(1 - a for a in self.axes), True, self.counted)


class Applied(_Compound):
    """An operation on whole arrays without a notation of its own: its name, its operands and the rest.

    arguments: in order, each a formula or what is not differentiated (an axis, a shape, an index).
    """

    __slots__ = ("arguments", "op")

    op: Operation

    def __init__(self, op: Operation, arguments: Iterable[Any], shape: Shape) -> None:
        self.op, self.arguments = op, tuple(arguments)
        rest = [repr(a) for a in self.arguments if not isinstance(a, Expression)]
        super().__init__(f"{op.name}{rest}", (a for a in self.arguments if isinstance(a, Expression)), shape)

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        given = iter(parts)
        arguments = (next(given) if isinstance(a, Expression) else a for a in self.arguments)
        return Applied(self.op, arguments, self.shape)

    def transposed(self) -> Atom:
        if self.op.name in ALONG_AN_AXIS and len(self.shape) == 2:
            x, axis = self.arguments
            return Applied(self.op, (transposed(x), 1 - axis % 2), turned_shape(self.shape))
        if self.op.name == "reshape" and turned_shape(natural_shape(self.parts[0]) or ()) == turned_shape(self.shape):
            return Group(transposed(self.parts[0]))
        return super().transposed()


class Turned(_Compound):
    """The transpose of what has no better form."""

    __slots__ = ("inner",)

    def __init__(self, inner: ArrayAtom) -> None:
        super().__init__("T", [formula_of(inner)], turned_shape(inner.shape))
        self.inner = inner

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        ((_, ((atom, _),)),) = parts[0].terms
        return atom.transposed() if isinstance(atom, ArrayAtom) else self

    def transposed(self) -> Atom:
        return self.inner


class Indicator(_Compound):
    """1 where a comparison holds and 0 elsewhere: [z > 0]."""

    __slots__ = ("relation",)

    OPPOSITE = {">": "<=", "<=": ">", "<": ">=", ">=": "<"}  # noqa: RUF012 (a table, never written to)

    def __init__(self, left: Expression, relation: str, right: Expression, shape: Shape) -> None:
        super().__init__(relation, [left, right], shape)
        self.relation = relation

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        return Indicator(parts[0], self.relation, parts[1], self.shape)

    def transposed(self) -> Atom:
        left, right = map(transposed, self.parts)
        return Indicator(left, self.relation, right, turned_shape(self.shape))

    def opposite_relation(self) -> Indicator:
        """[z ≤ 0] for [z > 0]."""
        return Indicator(self.parts[0], self.OPPOSITE[self.relation], self.parts[1], self.shape)


# ---------------------------------------------------------------- whole formulas

# Operations that keep the shape and work along one axis, which turns with the array.
ALONG_AN_AXIS = ("array_softmax", "array_log_softmax")


def data_key(data: np.ndarray) -> str:
    """What equal arrays have in common."""
    return f"data{data.shape}{data.dtype}{zlib.crc32(np.ascontiguousarray(data).data)}{float(data.sum())!r}"


def turned_shape(shape: Shape) -> Shape:
    """The shape of the transpose; of a vector, which counts as a row, that of a column."""
    return (*shape, 1) if len(shape) == 1 else (*shape[:-2], *shape[:-3:-1])


def formula_of(atom: Atom) -> Expression:
    """An atom as a formula."""
    return Expression(((1.0, ((atom, 1.0),)),), math.nan)


def only_atom(x: Expression) -> Atom | None:
    """The atom that the formula consists of, if it is one alone."""
    match x.terms:
        case ((1.0, ((atom, 1.0),)),):
            return atom
    return None


def natural_shape(x: Expression) -> Shape | None:
    """The shape that the formula has on its own, without further broadcasting; None if part of it is left out."""
    shapes = [atom_shape(a) for _, factors in x.terms for a, _ in factors]
    known = [s for s in shapes if s is not None]
    return np.broadcast_shapes(*known) if len(known) == len(shapes) else None


def atom_shape(a: Atom) -> Shape | None:
    """The shape of an atom; None if part of it is left out."""
    if isinstance(a, ArrayAtom):
        return a.shape
    if isinstance(a, Call):
        inside = [natural_shape(u) for u in a.flat()]
        return None if None in inside else np.broadcast_shapes(*inside)  # type: ignore[arg-type]
    if isinstance(a, Group):
        return natural_shape(a.expression)
    return None


def mapped(x: Expression, change: Callable[[Atom], Atom]) -> Expression:
    """The formula with `change` applied to each of its atoms; what is in parentheses is entered."""

    def changed(a: Atom) -> Atom:
        return Group(mapped(a.expression, change)) if isinstance(a, Group) else change(a)

    return Expression(((c, tuple((changed(a), e) for a, e in f)) for c, f in x.terms), x.value)


def transposed(x: Expression) -> Expression:
    """The transpose, pushed inwards."""
    return mapped(x, _transposed_atom)


def _transposed_atom(a: Atom) -> Atom:
    if isinstance(a, ArrayAtom):
        return a.transposed()
    return Call(a.op, tuple(map(transposed, a.flat()))) if isinstance(a, Call) else a


def replaced(x: Expression, change: Callable[[Atom], Atom | None]) -> Expression:
    """The formula with atoms replaced, outermost first; where `change` gives None, what is inside is entered."""

    def new(a: Atom) -> Atom:
        found = change(a)
        if found is not None:
            return found
        if isinstance(a, Call):
            return Call(a.op, tuple(replaced(u, change) for u in a.flat()))
        if isinstance(a, ArrayAtom) and a.parts:
            return a.rebuilt([replaced(p, change) for p in a.parts])
        return a

    return mapped(x, new)


def turns(x: Expression) -> int:
    """How many names stand transposed."""
    return sum(isinstance(a, Matrix) and a.is_turned for a in atoms(x))


def atoms(x: Expression) -> list[Atom]:
    """All atoms of a formula, also those inside others, in the order in which they stand."""
    found: list[Atom] = []

    def look(a: Atom) -> None:
        found.append(a)
        return None

    replaced(x, look)
    return found


def operation_of(a: Atom) -> tuple[Operation | None, tuple[Expression, ...]]:
    """The operation that an atom applies to one formula, and that formula."""
    if isinstance(a, Call):
        return a.op, tuple(u for x in a.args for u in members(x))
    if isinstance(a, Applied):
        return a.op, a.parts
    return None, ()
