"""What an operation is given: real numbers, arrays, sequences; how they are told apart and described."""

from __future__ import annotations

import itertools
import numbers
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np

from .ieee import quietly

# What arithmetic is read on: a number, an array, a node, a formula, a sequence of these. Each has operators that give
# its own kind again, and no class or protocol names them all; what one of them lacks shows when it is read.
Operand: TypeAlias = Any
# Along which axes; None for all.
Axis: TypeAlias = int | Sequence[int] | None
# What NumPy takes between brackets.
Index: TypeAlias = Any


class Traced(float):
    """A number that knows where it comes from. Nodes keep it as it is among their constants.

    source: whatever whoever made it wants to find again.
    """

    __slots__ = ("source",)

    source: Any


def real(x: Operand, where: str = "Value") -> float:
    """`x` as a float. int, float, bool, Fraction, NumPy real scalars and 0-d arrays are real numbers.

    TypeError for anything else; OverflowError for an integer too large for a float.
    """
    if x.__class__ is float or isinstance(x, Traced):
        return x
    if isinstance(x, float | int | numbers.Real | np.bool_):
        try:
            return float(x)
        except OverflowError:
            raise OverflowError(f"{where}: the integer is too large for a float (above 1.8e308)") from None
    if isinstance(x, np.ndarray) and x.ndim == 0 and x.dtype.kind in "fiub":
        return float(x)
    raise TypeError(f"{where} needs a real number, got {describe(x)}{_advice(x)}")


def _advice(x: Operand) -> str:
    if isinstance(x, str | bytes | Decimal):
        return "; convert it with float()"
    if isinstance(x, list | tuple | np.ndarray):
        return "; take its members one by one"
    if is_array_node(x):
        return "; a Value does not go with a Tensor: make the number a Tensor too"
    return "; take its .real or .imag" if isinstance(x, numbers.Complex) else ""


def describe(x: Operand) -> str:
    """What `x` is, in the words of an error message: 'str', 'an array of shape (2,)'."""
    if isinstance(x, np.ndarray):
        return f"an array of shape {x.shape}" + ("" if x.dtype.kind in "fiub" else f" and dtype {x.dtype}")
    return type(x).__name__


_KNOWN = (numbers.Number, Decimal, np.ndarray, str, bytes, list, tuple, dict, set, frozenset)


def declined(x: object, operator: str) -> Operand:
    """In an `except TypeError` of an operator: NotImplemented, if x is somebody's own kind of number with an
    operator for it; the error again otherwise, which says what came."""
    own = getattr(x.__class__, operator, None)
    is_builtin = (
        x.__class__.__module__ == "builtins"
    )  # some get operators with a new Python: None is ordered since 3.12
    is_foreign = not (is_builtin or isinstance(x, _KNOWN) or hasattr(x.__class__, "_record"))
    if is_foreign and own is not None and own is not getattr(object, operator, None):
        return NotImplemented
    raise


def refusal(operator: str, message: str) -> Callable[..., Operand]:
    """What stands for an operator that nodes do not have: TypeError, unless somebody's own kind of number has it."""

    def refused(node: object, *others: Operand) -> Operand:
        try:
            raise TypeError(message)
        except TypeError:
            if len(others) != 1 or operator.startswith("r"):
                raise
            return declined(others[0], f"__r{operator}__")

    return refused


FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def real_array(x: Operand, where: str) -> np.ndarray:
    """`x` as an array of float32 or float64, itself if it is one; integers and booleans become float64.

    TypeError for what is not numbers and for lists of nodes, ValueError for rows of different lengths.
    """
    if x.__class__ is np.ndarray and (x.dtype is FLOAT64 or x.dtype is FLOAT32):
        return x
    if isinstance(x, list | tuple) and holds_nodes(x):
        raise TypeError(
            f"{where}: expected numbers, got a list of nodes; join Tensors with stack(), or take their .data"
        )
    try:
        array = x if x.__class__ is np.ndarray else made_array(x)
    except ValueError:
        raise ValueError(f"{where}: expected an array of numbers, got rows of different lengths") from None
    dtype = array.dtype
    if dtype is FLOAT64 or dtype is FLOAT32:
        if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
            raise TypeError(f"{where}: expected numbers, got an array with masked ones; fill them first: x.filled(0.0)")
        return array
    if dtype.kind in "fiub":
        return quietly(array.astype, FLOAT32 if dtype.kind == "f" and dtype.itemsize <= 4 else FLOAT64)
    if not array.ndim:
        return np.asarray(real(x, where))
    if dtype.kind == "O" and isinstance(x, list | tuple):  # among them Fractions, integers of any size, or None
        return np.array([real(u, where) for u in array.flat]).reshape(array.shape)
    raise TypeError(f"{where}: expected real numbers, got {describe(array)}")


def is_fixed(array: Operand) -> bool:
    """True if nobody can write to an array, nor to another of which it is a view."""
    while array.__class__ is np.ndarray:
        if array.flags.writeable:
            return False
        array = array.base
    return array is None


def made_array(x: Operand) -> np.ndarray:
    """A number, or lists of them, as an array."""
    written = getattr(x, "written_as_array", None)  # a number of a program, see fast.recorder
    return np.asarray(x) if written is None else written()


def zeros(shape: tuple[int, ...], like: Operand) -> Operand:
    """An array of zeros of the dtype of another, to be written to."""
    make = getattr(like, "zeros", None)  # an array of a program, see fast.recorder
    return np.zeros(shape, like.dtype) if make is None else make(shape)


def plainly(function: Callable[..., Operand], *operands: Operand) -> Operand:
    """`function(*operands)` of plain arrays, which no graph records; each run of a program of theirs calls it."""
    call = in_a_call(operands)
    return function(*operands) if call is None else call(function, operands)


def in_a_call(operands: Iterable[Operand]) -> Callable[[Callable[..., Operand], Sequence[Operand]], Operand] | None:
    """What has each run of a program call a function, if these are arrays of one, see fast.recorder; else None."""
    return next((call for u in operands if (call := getattr(u, "in_a_call", None)) is not None), None)


def as_array(x: Operand, where: str) -> Operand:
    """An array or a Tensor as it is, lists and numbers as an array."""
    return x if hasattr(x, "ndim") else real_array(x, where)


def holds_nodes(items: Operand) -> bool:
    """True if there is a node in nested lists."""
    return any(holds_nodes(u) if isinstance(u, list | tuple) else hasattr(u.__class__, "_record") for u in items)


def float_array(x: Operand, where: str) -> Operand:
    if not isinstance(x, np.ndarray):
        return real(x, where)
    if x.dtype.kind in "iub":
        return x.astype(np.float64)
    if x.dtype.kind != "f":
        raise TypeError(f"{where} needs real numbers, got {describe(x)}")
    return x


def as_operand(x: Operand) -> Operand:
    """What a reduction takes as one operand: lists, tuples, iterators and 1-d arrays become a Vector."""
    if isinstance(x, np.ndarray) and x.ndim == 1:
        return Vector(x.tolist())
    if isinstance(x, list | tuple | Iterator):
        return Vector(x)
    return x


def drawn(like: Operand, draw: Callable[..., np.ndarray], *arguments: Operand) -> np.ndarray:
    """Random numbers for an array or a Tensor: `draw(*arguments)`, a method of a generator.

    A program in which the array takes part draws them anew in each run, in this order.
    """
    anew = getattr(getattr(like, "_data", like), "drawn", None)
    return draw(*arguments) if anew is None else anew(draw, *arguments)


def is_plain(x: Operand) -> bool:
    """True for a number, and for what stands for one; False for a node or a formula, which keeps what it came from."""
    return not hasattr(x.__class__, "_record") or getattr(x.__class__, "_is_number", False)


def is_array_node(x: Operand) -> bool:
    """True for a Tensor, and for a formula of arrays."""
    return getattr(x.__class__, "_is_array", False)


def is_array(x: Operand) -> bool:
    """True for a Tensor, and for an array of two dimensions or more; one of one dimension is a sequence too."""
    return getattr(x.__class__, "_is_array", False) or (isinstance(x, np.ndarray) and x.ndim > 1)


def numbers_of(x: Operand, where: str) -> Operand:
    """A Vector of floats from a Vector of numbers; a float from a single number."""
    return x.map(lambda u: real(u, where)) if isinstance(x, Vector) else real(x, where)


def _member_by_member(f: Callable[[Operand, Operand], Operand]) -> tuple[Operand, Operand]:
    """An operator of Vectors, and the same from the right."""
    return lambda self, other: self.map(f, other), lambda self, other: self.map(lambda u, v: f(v, u), other)


class Vector(tuple[Operand, ...]):
    """A sequence of numbers, nodes or formulas whose arithmetic works member by member.

    It lets the rule of a reduction be written as on an array: `softmax(x) - y`. Two Vectors must
    have the same length (ValueError); a single number goes with every member. Comparisons give a
    Vector of conditions, for `where`.
    """

    __slots__ = ()

    def map(self, f: Callable[..., Operand], *others: Operand) -> Vector:
        """`f` of every member, and of those of the others at its place; what is no sequence goes with every member."""
        for u in others:
            if isinstance(u, tuple) and len(u) != len(self):
                raise ValueError(f"expected sequences of equal length, got {len(self)} and {len(u)}")
        return Vector(map(f, self, *(u if isinstance(u, tuple) else itertools.repeat(u) for u in others)))

    __add__, __radd__ = _member_by_member(operator.add)
    __sub__, __rsub__ = _member_by_member(operator.sub)
    __mul__, __rmul__ = _member_by_member(operator.mul)
    __truediv__, __rtruediv__ = _member_by_member(operator.truediv)
    __pow__, __rpow__ = _member_by_member(operator.pow)
    __and__, __rand__ = _member_by_member(operator.and_)
    __or__, __ror__ = _member_by_member(operator.or_)
    __lt__, __gt__ = _member_by_member(operator.lt)
    __le__, __ge__ = _member_by_member(operator.le)

    def __neg__(self) -> Vector:
        return self.map(operator.neg)

    def __pos__(self) -> Vector:
        return self

    def __abs__(self) -> Vector:
        return self.map(abs)

    def __array_ufunc__(self, ufunc: Operand, method: str, *operands: Operand, **options: Operand) -> Operand:
        if method != "__call__" or options:
            raise TypeError(f"np.{ufunc.__name__}.{method} is not defined for sequences in a rule")
        return _first_vector(operands).map(lambda _, *us: ufunc(*us), *operands)

    def __array_function__(self, function: Operand, types: Operand, operands: Operand, options: Operand) -> Operand:
        if function is not np.where:
            raise TypeError(f"np.{function.__name__} is not defined for sequences in a rule; use the operation")
        return _first_vector(operands).map(lambda _, *us: np.where(*us), *operands)


def _first_vector(operands: tuple[Operand, ...]) -> Vector:
    return next(u for u in operands if isinstance(u, Vector))


def members(x: Operand) -> tuple[Operand, ...]:
    """The members of a sequence operand; a single operand alone."""
    return x if isinstance(x, tuple) else (x,)
