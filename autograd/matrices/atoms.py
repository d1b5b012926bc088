"""What formulas of arrays consist of, besides numbers, functions and sums: names, products, sums over an axis.

Each atom knows its shape and its transpose. Below stands what rewrites whole formulas: transposing,
and replacing atoms by others. How they look is left to `notation`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

import numpy as np

from ..formulas.expression import Atom, Call, Expression, Factors, Group, constant
from ..formulas.notation import Formula, Writer
from ..op import Function, Operation
from ..operands import Operand, members

__all__ = [
    "Applied",
    "ArrayAtom",
    "Causal",
    "Compound",
    "Count",
    "Data",
    "Form",
    "Indicator",
    "Matrix",
    "Member",
    "Ones",
    "Places",
    "Product",
    "Shape",
    "Total",
    "Turned",
    "Zeros",
    "applied",
    "atoms",
    "distribution",
    "flipped",
    "form_of",
    "formula_of",
    "natural_shape",
    "only_atom",
    "parted",
    "replaced",
    "split",
    "transposed",
    "turned_axes",
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

    def contents(self) -> Iterable[Expression]:
        return self.parts

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        """The same with other formulas inside."""
        return self

    def transposed(self) -> Atom:
        """The transpose: a product turns around, and what has no better form stands under a T."""
        return Turned(self) if self.shape else self

    def write(self, writer: Writer) -> str:
        written: str = writer.array(self)  # type: ignore[attr-defined]
        return written


class Matrix(ArrayAtom):
    """A named array, or the derivative of the target by it (dW[1]), as it is or transposed.

    samples: the axis along which samples lie, from the end (-2 for rows, -1 for columns), None if none do;
    of the array as its name has it. sums_to_1: the axes from the end along which its numbers always do, as
    those of one-hot targets.
    A vector counts as a row, as it does in broadcasting, so that its transpose is a column.
    """

    __slots__ = ("is_gradient", "is_turned", "label", "plain_shape", "samples", "sums_to_1")
    is_symbol = True

    def __init__(
        self,
        label: str,
        shape: Shape,
        samples: int | None = None,
        *,
        sums_to_1: tuple[int, ...] = (),
        is_gradient: bool = False,
        is_turned: bool = False,
    ) -> None:
        self.label, self.plain_shape, self.samples, self.sums_to_1 = label, shape, samples, sums_to_1
        self.is_gradient, self.is_turned = is_gradient, is_turned
        self.shape = turned_shape(shape) if is_turned else shape
        self.key = f"{'d' * is_gradient}{label!r}{'T' * is_turned}"
        self.size, self.depth = 1, 1

    def transposed(self) -> Atom:
        if not self.plain_shape:
            return self
        return self._turned(self.plain_shape, self.samples, self.sums_to_1)

    def as_column(self) -> Atom:
        """The array as it is, of a name that from now on stands for its transpose."""
        return self._turned(turned_shape(self.plain_shape), flipped(self.samples), turned_axes(self.sums_to_1))

    def _turned(self, shape: Shape, samples: int | None, sums_to_1: tuple[int, ...]) -> Matrix:
        is_turned = not self.is_turned
        return Matrix(
            self.label, shape, samples, sums_to_1=sums_to_1, is_gradient=self.is_gradient, is_turned=is_turned
        )


class Count(ArrayAtom):
    """How many samples there are: m."""

    __slots__ = ()
    is_symbol = True

    def __init__(self) -> None:
        self.shape = ()
        self.key, self.size, self.depth = "m", 1, 1


class Member(ArrayAtom):
    """One row or column of a named array, or one number of a vector: the sample X(i), the feature X_j.

    letter: i or j. is_turned: a row where the name has a column.
    """

    __slots__ = ("is_turned", "letter", "of")
    is_symbol = True

    def __init__(self, of: Matrix, letter: str, shape: Shape, *, is_turned: bool = False) -> None:
        self.of, self.letter, self.shape, self.is_turned = of, letter, shape, is_turned
        self.key = f"{of.key}({letter}){'T' * is_turned}"
        self.size, self.depth = 1, 1


class Data(ArrayAtom):
    """A constant array that has no name yet. Equal ones have one key."""

    __slots__ = ("data",)
    is_symbol = True

    def __init__(self, data: np.ndarray) -> None:
        self.data, self.shape = data, data.shape
        self.key = data_key(data)
        self.size, self.depth = 1, 1


class Places:
    """A long index that has a name."""

    def __init__(self, label: str, places: np.ndarray) -> None:
        self.label, self.places = label, places

    def __repr__(self) -> str:
        return self.label


class Ones(ArrayAtom):
    """An array of ones, where broadcasting has to be spelled out."""

    __slots__ = ()
    is_symbol = True
    digit = "1"

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.key = f"{self.digit}{shape}"
        self.size, self.depth = 1, 1

    def transposed(self) -> Atom:
        return self.__class__(turned_shape(self.shape))


class Zeros(Ones):
    """An array of zeros that an operation is applied to."""

    __slots__ = ()
    digit = "0"


class Causal(ArrayAtom):
    """1 where a place may look, 0 elsewhere: [row ≥ column], the causal mask; transposed [row ≤ column]."""

    __slots__ = ("relation",)
    is_symbol = True

    def __init__(self, relation: str, shape: Shape) -> None:
        self.relation, self.shape = relation, shape
        self.key = f"row{relation}column{shape}"
        self.size, self.depth = 1, 1

    @classmethod
    def of(cls, data: np.ndarray) -> tuple[float, Causal] | None:
        """A constant array as a number times such a mask of three steps or more; None if it is no triangle."""
        if data.ndim < 2 or data.shape[-1] != data.shape[-2] or data.size < 9 or data.size != data.shape[-1] ** 2:
            return None
        below = np.tri(*data.shape[-2:]).reshape(data.shape)
        number = float(data.flat[0] or data.flat[data.shape[-1] - 1])  # the corners on the left and on the right
        if not np.isfinite(number) or not number:
            return None
        for relation, mask in ((">=", below), ("<", 1 - below)):
            if np.array_equal(data, number * mask):
                return number, cls(relation, data.shape)
        return None

    def transposed(self) -> Atom:
        flipped = {">=": "<=", "<=": ">=", "<": ">", ">": "<"}[self.relation]
        return Causal(flipped, turned_shape(self.shape))


class Compound(ArrayAtom):
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


class Product(Compound):
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


class Total(Compound):
    """A sum over axes of the formula inside."""

    __slots__ = ("axes", "keepdims")

    def __init__(self, inner: Expression, shape: Shape, axes: tuple[int, ...], keepdims: bool) -> None:
        super().__init__(f"sum{axes}{keepdims}", [inner], shape)
        self.axes, self.keepdims = axes, keepdims

    @property
    def inside(self) -> Shape:
        """The shape of what is summed."""
        return natural_shape(self.parts[0]) or ()

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        (inner,) = parts
        axes, shape = self.axes, self.shape
        if len(self.inside) == 1 and len(natural_shape(inner) or ()) == 2:  # a vector that became a column
            axes, shape = (0, 1), (1, 1) if self.keepdims else ()
        total = Total(inner, shape, axes, self.keepdims)
        return total.upright() if len(total.inside) == 2 else total

    def upright(self) -> Atom:
        """The same sum of the transpose, where fewer names stand transposed in it."""
        inner = transposed(self.parts[0])
        if turns(inner) >= turns(self.parts[0]):
            return self
        shape = turned_shape(self.shape) if self.keepdims else self.shape
        total = Total(inner, shape, self._turned_axes, self.keepdims)
        return Turned(total) if self.keepdims else total

    def transposed(self) -> Atom:
        if len(self.inside) != 2 or not self.shape:
            return super().transposed()
        if self.axes == (1,) and not self.keepdims:  # what is left of the rows, as a column
            return Total(self.parts[0], turned_shape(self.shape), self.axes, True)
        return Total(transposed(self.parts[0]), turned_shape(self.shape), self._turned_axes, True)

    @property
    def _turned_axes(self) -> tuple[int, ...]:
        return tuple(sorted(1 - a for a in self.axes))


_forms: dict[Operation, Form] = {}


class Form:
    """What derivations know of an operation that its decorator does not say; see forms.py, where each has a class.

    A method gives None where the operation is treated as any other. of: the function by which users call it.
    """

    def __init_subclass__(cls, of: Function) -> None:
        _forms[of.op] = cls()

    def built(self, operands: tuple[Operand, ...], shape: Shape) -> Expression | None:
        """The formula of the result, of this shape. operands: formulas, and what is not differentiated as it is."""
        return None

    def turned(self, a: Applied) -> Atom | None:
        """The transpose."""
        return None

    def step(self, a: Applied, axis: int, t: int) -> Expression | None:
        """What stands at one place of an axis."""
        return None

    def samples(self, a: Applied) -> int | None:
        """The axis along which samples lie, from the end."""
        return None

    def piece(self, to: Operand, a: Applied) -> Operand:
        """How it is written for people. to: a `Lectures`, whose `Piece` it gives."""
        return None

    def call(self, to: Operand, a: Applied, function: str) -> Operand:
        """How a call of it is written, as NumPy reads it too. to: a `MatrixWriter`."""
        return None


_ANY = Form()


def form_of(op: Operation) -> Form:
    """What derivations know of an operation."""
    return _forms.get(op, _ANY)


class Applied(Compound):
    """An operation on whole arrays without a notation of its own: its name, its operands and the rest.

    arguments: in order, each a formula or what is not differentiated (an axis, a shape, an index).
    """

    __slots__ = ("arguments", "op")

    op: Operation

    def __init__(self, op: Operation, arguments: Iterable[Operand], shape: Shape) -> None:
        self.op, self.arguments = op, tuple(arguments)
        rest = [_key_of(a) for a in self.arguments if not isinstance(a, Expression)]
        super().__init__(f"{op.name}{rest}", (a for a in self.arguments if isinstance(a, Expression)), shape)

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        given = iter(parts)
        arguments: list[Operand] = [next(given) if isinstance(a, Expression) else a for a in self.arguments]
        shape = self.shape
        if self.op.along_axis and len(shape) == 1:  # a vector that became a column has another shape
            shape = natural_shape(arguments[0]) or shape
            arguments[1] = len(shape) - 1
        applied = Applied(self.op, arguments, shape)
        if applied._is_reduced_matrix() and turns(transposed(arguments[0])) < turns(arguments[0]):
            x, axis, keepdims, *rest = arguments
            flipped = Applied(self.op, (transposed(x), 1 - axis % 2, keepdims, *rest), shape)
            return Turned(flipped._with_shape(turned_shape(shape))) if keepdims else flipped
        return applied

    def transposed(self) -> Atom:
        if self.op.along_axis and len(self.shape) == 2:
            x, axis = self.arguments
            return Applied(self.op, (transposed(x), 1 - axis % 2), turned_shape(self.shape))
        if self._is_reduced_matrix():
            x, axis, keepdims, *rest = self.arguments
            if axis % 2 == 1 and not keepdims:  # what is left of the rows, as a column
                return Applied(self.op, (x, axis, True, *rest), turned_shape(self.shape))
            return Applied(self.op, (transposed(x), 1 - axis % 2, True, *rest), turned_shape(self.shape))
        return form_of(self.op).turned(self) or self._turned_inside() or super().transposed()

    @property
    def plain(self) -> list[Operand]:
        """What is not differentiated: an axis, a shape, an index."""
        return [x for x in self.arguments if not isinstance(x, Expression)]

    def _turned_inside(self) -> Applied | None:
        """The operation applied to the transposes, if it says how."""
        turned = self.op.writing.get("turned")
        if turned is None or len(self.shape) != 2 or any(len(natural_shape(p) or ()) not in (0, 2) for p in self.parts):
            return None
        plain = turned(*self.plain)
        if plain is None:
            return None
        given = iter(plain)
        arguments = (transposed(x) if isinstance(x, Expression) else next(given) for x in self.arguments)
        return Applied(self.op, arguments, turned_shape(self.shape))

    def _is_reduced_matrix(self) -> bool:
        """True for a matrix of which one axis is left out."""
        is_reduced = self.op.over_axes and isinstance(self.arguments[1], int)
        return is_reduced and len(natural_shape(self.parts[0]) or ()) == 2

    def _with_shape(self, shape: Shape) -> Applied:
        return Applied(self.op, self.arguments, shape)


def applied(a: Atom | None, *functions: Function) -> Applied | None:
    """The atom if it is one of these operations, applied to whatever; None for any other."""
    return a if isinstance(a, Applied) and any(a.op is f.op for f in functions) else None


class Turned(Compound):
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


class Indicator(Compound):
    """1 where a comparison holds and 0 elsewhere: [z > 0]."""

    __slots__ = ("relation",)

    OPPOSITE: ClassVar[dict[str, str]] = {">": "<=", "<=": ">", "<": ">=", ">=": "<"}

    def __init__(self, left: Expression, relation: str, right: Expression, shape: Shape) -> None:
        super().__init__(relation, [left, right], shape)
        self.relation = relation

    def rebuilt(self, parts: Sequence[Expression]) -> Atom:
        inside = [natural_shape(p) or () for p in parts]
        return Indicator(parts[0], self.relation, parts[1], np.broadcast_shapes(self.shape, *inside))

    def transposed(self) -> Atom:
        left, right = map(transposed, self.parts)
        return Indicator(left, self.relation, right, turned_shape(self.shape))

    def opposite_relation(self) -> Indicator:
        """[z ≤ 0] for [z > 0]."""
        return Indicator(self.parts[0], self.OPPOSITE[self.relation], self.parts[1], self.shape)


# ---------------------------------------------------------------- whole formulas


def flipped(axis: int | None) -> int | None:
    """The other axis of a matrix, counted from the end; the axes before these two stay."""
    return axis if axis is None or axis < -2 else -3 - axis


def _key_of(argument: object) -> str:
    """What equal arguments that are not differentiated have in common."""
    if isinstance(argument, np.ndarray):
        return data_key(argument)
    if isinstance(argument, tuple):
        return f"({','.join(map(_key_of, argument))})"
    return repr(argument)


def turned_axes(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of a matrix, from the end, in its transpose."""
    return tuple(-3 - axis for axis in axes)


def distribution(x: np.ndarray) -> tuple[int, ...]:
    """The axes along which all sums are 1, from the end: those of a matrix, and the last of more."""
    if x.ndim < 2 or not x.size:
        return ()
    return tuple(axis for axis in ((-1, -2) if x.ndim == 2 else (-1,)) if np.all(np.abs(x.sum(axis) - 1) <= 1e-12))


def data_key(data: np.ndarray) -> str:
    """What equal arrays have in common."""
    return f"data{data.shape}{data.dtype}{zlib.crc32(np.ascontiguousarray(data).data)}{float(data.sum())!r}"


def turned_shape(shape: Shape) -> Shape:
    """The shape of the transpose; of a vector, which counts as a row, that of a column."""
    return (*shape, 1) if len(shape) == 1 else (*shape[:-2], *shape[:-3:-1])


def formula_of(atom: Atom) -> Expression:
    """An atom as a formula."""
    return Expression(((1.0, ((atom, 1.0),)),), math.nan)


def only_atom(x: Formula) -> Atom | None:
    """The atom that the formula consists of, if it is one alone."""
    match x.terms:
        case ((1.0, ((atom, 1.0),)),):
            return atom
    return None


def split(x: Expression) -> tuple[Expression, Expression]:
    """A formula as a number times the rest: what has no axes stands before a product or a sum of others."""
    if len(x.terms) != 1:
        sizes = {abs(c) for c, _ in x.terms}
        size = sizes.pop() if len(sizes) == 1 else 1.0
        size = -size if all(c < 0 for c, _ in x.terms) else size
        return constant(size), Expression(((c / size, f) for c, f in x.terms), x.value)
    return parted(x, lambda a: atom_shape(a) == ())


def parted(x: Expression, is_outside: Callable[[Atom], bool]) -> tuple[Expression, Expression]:
    """A product as that of the number and the factors that are outside, and that of the others."""
    ((c, factors),) = x.terms
    outside = tuple((a, e) for a, e in factors if is_outside(a))
    inside = tuple((a, e) for a, e in factors if not is_outside(a))
    return Expression(((c, outside),), c if not outside else math.nan), Expression(((1.0, inside),), math.nan)


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


def mapped(
    x: Expression,
    change: Callable[[Atom], Atom],
    change_factors: Callable[[Factors], Factors] | None = None,
    change_sum: Callable[[Expression], Atom | None] | None = None,
) -> Expression:
    """The formula with `change` applied to each of its atoms, and then others to products and to sums.

    Parentheses are entered. The formula itself, if nothing changes.
    """

    def changed(a: Atom) -> Atom:
        if not isinstance(a, Group):
            return change(a)
        inner = mapped(a.expression, change, change_factors, change_sum)
        return a if inner is a.expression else only_atom(inner) or Group(inner)

    is_same = True
    terms = []
    for c, factors in x.terms:
        new: Factors = tuple((changed(a), e) for a, e in factors)
        if all(a is b for (a, _), (b, _) in zip(new, factors, strict=True)):
            new = factors
        if change_factors is not None:
            new = change_factors(new)
        is_same = is_same and new is factors
        terms.append((c, new))
    found = x if is_same else Expression(terms, x.value)
    atom = change_sum(found) if change_sum is not None and len(terms) > 1 else None
    return found if atom is None else formula_of(atom)


def transposed(x: Expression) -> Expression:
    """The transpose, pushed inwards."""
    return mapped(x, _transposed_atom)


def _transposed_atom(a: Atom) -> Atom:
    if isinstance(a, ArrayAtom):
        return a.transposed()
    return Call(a.op, tuple(map(transposed, a.flat()))) if isinstance(a, Call) else a


def replaced(
    x: Expression,
    change: Callable[[Atom], Atom | None],
    change_factors: Callable[[Factors], Factors] | None = None,
    change_sum: Callable[[Expression], Atom | None] | None = None,
) -> Expression:
    """The formula with atoms replaced, outermost first; where `change` gives None, what is inside is entered.

    change_factors, change_sum: what products and sums are replaced by, once their atoms are.
    """

    def new(a: Atom) -> Atom:
        found = change(a)
        if found is not None:
            return found
        parts = a.flat() if isinstance(a, Call) else a.parts if isinstance(a, ArrayAtom) else ()
        others = [replaced(p, change, change_factors, change_sum) for p in parts]
        if all(p is q for p, q in zip(parts, others, strict=True)):
            return a
        return (
            Call(a.op, tuple(others)) if isinstance(a, Call) else a.rebuilt(others) if isinstance(a, ArrayAtom) else a
        )

    return mapped(x, new, change_factors, change_sum)


def turns(x: Expression) -> int:
    """How many names stand transposed."""
    return sum(isinstance(a, Matrix) and a.is_turned for a in atoms(x))


def atoms(x: Expression) -> list[Atom]:
    """All atoms of a formula but parentheses, also those inside others, in the order in which they stand."""
    return [a for a in x.atoms() if not isinstance(a, Group)]


def operation_of(a: Atom) -> tuple[Operation | None, tuple[Expression, ...]]:
    """The operation that an atom applies to one formula, and that formula."""
    if isinstance(a, Call):
        return a.op, tuple(u for x in a.args for u in members(x))
    if isinstance(a, Applied):
        return a.op, a.parts
    return None, ()
