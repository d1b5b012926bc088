"""What an operation is: a function with its local derivatives written on it.

A rule such as `lambda z, x: z * (1 - z)` is ordinary arithmetic. Read on floats it gives a number,
on arrays the diagonal of a Jacobian, on graph nodes a differentiable graph, on formulas a formula.
This module knows none of the engines: a class that wants to take part offers `_record(op, *operands)`.
"""

from __future__ import annotations

import functools
import inspect
import numbers
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar, copy_context
from decimal import Decimal
from typing import Any

import numpy as np

from .straight import straightened

Rule = Callable[..., Any] | float


class Operation:
    """A forward function, one derivative rule per operand, and how it is written.

    name      "tanh"; forward takes floats (or arrays) and returns the result z.
    rules     one per operand: `rule(z, *operands)` is ∂z/∂operand, or a plain number where the
              derivative is constant, or None for an operand that is not differentiated.
    shown     the name under which users know it, for messages: "sum" for `array_sum`; by default the name.
    symbol    how formulas and pictures write it: "+", "σ"; by default that name.
    reduces   False: operands are single numbers. True: operands may be sequences, the result is
              one number and a rule gives a derivative for each member.
    expands   formulas show the forward arithmetic itself instead of `name(...)`.
    slope     the first rule, as a function also where it is constant.
    linear    linear in each operand, so that a finite result has finite local derivatives.
    pulls     one per operand, for arrays: `pull(g, z, *operands)` is the operand's gradient, where g
              is the gradient of the result; None for an operand that is not differentiated. An
              elementwise operation has them from its rules. One that moves whole arrays (a matrix
              product, an index) has only them, and no rules.
    writes    which pulls can write their result into an array given as a last argument
    """

    __slots__ = (
        "expands",
        "forward",
        "linear",
        "name",
        "pulls",
        "reduces",
        "rules",
        "shown",
        "slope",
        "symbol",
        "writes",
    )

    def __init__(
        self,
        forward: Callable[..., Any],
        rules: tuple[Rule | None, ...],
        symbol: str | None = None,
        *,
        reduces: bool = False,
        expands: bool = False,
        linear: bool = False,
        pulls: tuple[Callable[..., Any] | None, ...] | None = None,
        shown: str | None = None,
    ) -> None:
        self.name: str = forward.__name__
        self.shown = shown or self.name
        self.forward = forward
        self.rules: tuple[Any, ...] = tuple(float(r) if isinstance(r, int) else r for r in rules)
        self.pulls = tuple(_pull(r, reduces) for r in self.rules) if pulls is None else pulls
        self.writes: tuple[int, ...] = ()
        first = self.rules[0] if self.rules else None
        self.slope: Callable[..., Any] = first if callable(first) else lambda z, *operands: first
        self.symbol = symbol or self.shown
        self.reduces = reduces
        self.expands = expands
        self.linear = linear

    def __repr__(self) -> str:
        return f"<operation {self.shown}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return find, (self.name,)

    def bind(self, operands: Sequence[Any], named: dict[str, Any]) -> tuple[Any, ...]:
        """The operands in order, with keywords and defaults filled in as in the forward function."""
        bound = inspect.signature(self.forward).bind(*operands, **named)
        bound.apply_defaults()
        return bound.args

    def derivative(self, i: int, z: Any, operands: Sequence[Any]) -> Any:
        """∂z/∂operands[i], read on whatever the operands are."""
        rule = self.rules[i]
        return rule(z, *operands) if callable(rule) else rule


def _pull(rule: Any, reduces: bool) -> Callable[..., Any] | None:
    """How a gradient passes through an operation on arrays: times the local derivative, element by element.

    The result of a reduction has one number for each row of its operands.
    """
    if rule is None:
        return None
    if reduces:
        return lambda g, z, *operands: g[..., None] * (rule(z, *operands) if callable(rule) else rule)
    if callable(rule):
        plain = lambda g, z, *operands: g * rule(z, *operands)  # noqa: E731
        return straightened(rule, plain) if rule.__code__.co_argcount == 2 else plain
    return (lambda g, z, *operands: g) if rule == 1.0 else (lambda g, z, *operands: g * rule)


# The operations on single numbers and sequences, which have rules, and those on whole arrays only.
table: dict[str, Operation] = {}
array_table: dict[str, Operation] = {}
# What does the same as the function of this name on whole arrays.
array_forms: dict[str, Any] = {}


def find(name: str) -> Operation:
    """The operation called `name`; KeyError if there is none."""
    return table[name] if name in table else array_table[name]


def register(op: Operation) -> Operation:
    """Enter an operation into its table. ValueError if there is one of that name already."""
    if op.name in table or op.name in array_table:
        raise ValueError(f"there is an operation called {op.name!r} already; choose another name")
    (table if op.rules else array_table)[op.name] = op
    return op


def ieee(function: Callable[..., Any], *args: Any) -> Any:
    """`function(*args)` on floats with IEEE results: 1/0 is inf, log(-1) is nan, no exception.

    Python's float arithmetic and `math` raise where NumPy gives inf or nan. The fast path is
    plain Python; only what raised is computed again on np.float64.
    """
    try:
        return function(*args)
    except (ArithmeticError, ValueError):
        with np.errstate(all="ignore"):
            try:
                return function(*(_as_float64(a) for a in args))
            except ValueError as refused:  # not arithmetic: the function itself said no
                raise refused from None


def _as_float64(a: Any) -> Any:
    if a.__class__ is float:
        return np.float64(a)
    if isinstance(a, list | tuple):
        return type(a)(_as_float64(b) for b in a)
    return a


def real(x: Any, where: str = "Value") -> float:
    """`x` as a float. int, float, bool, Fraction, NumPy real scalars and 0-d arrays are real numbers.

    TypeError for anything else; OverflowError for an integer too large for a float.
    """
    if x.__class__ is float:
        return x
    if isinstance(x, float | int | numbers.Real | np.bool_):
        try:
            return float(x)
        except OverflowError:
            raise OverflowError(f"{where}: the integer is too large for a float (above 1.8e308)") from None
    if isinstance(x, np.ndarray) and x.ndim == 0 and x.dtype.kind in "fiub":
        return float(x)
    raise TypeError(f"{where} needs a real number, got {describe(x)}{_advice(x)}")


def _advice(x: Any) -> str:
    if isinstance(x, str | bytes | Decimal):
        return "; convert it with float()"
    if isinstance(x, list | tuple | np.ndarray):
        return "; take its members one by one"
    if getattr(x.__class__, "_is_array", False):
        return "; a Value does not go with a Tensor: make the number a Tensor too"
    return "; take its .real or .imag" if isinstance(x, numbers.Complex) else ""


def describe(x: Any) -> str:
    """What `x` is, in the words of an error message: 'str', 'an array of shape (2,)'."""
    if isinstance(x, np.ndarray):
        return f"an array of shape {x.shape}" + ("" if x.dtype.kind in "fiub" else f" and dtype {x.dtype}")
    return type(x).__name__


def elementwise(*rules: Rule, symbol: str | None = None, expands: bool = False, linear: bool = False):
    """Make an operation on single numbers (read on arrays: element by element).

    `rules` give the local derivative for each operand in turn, as functions of the result and the
    operands, in operators and other operations only, or as a constant::

        @elementwise(lambda z, x: cos(x))
        def sin(x):
            ...

    The decorated body is the forward function for floats and arrays. The name it leaves behind
    accepts numbers, arrays, graph nodes and formulas. TypeError for anything else.
    """

    def decorate(forward: Callable[..., Any]) -> Callable[..., Any]:
        op = register(Operation(forward, rules, symbol, expands=expands, linear=linear))

        def unary(x, /):
            if x.__class__ is float:
                try:
                    return forward(x)
                except (ArithmeticError, ValueError):
                    return float(ieee(forward, x))
            if x.__class__ is np.ndarray and x.ndim and x.dtype.kind == "f":  # as rules call it on the way back
                return quietly(forward, x)
            record = getattr(x.__class__, "_record", None)
            return _compute(op, x) if record is None else record(op, x)

        def several(*operands, **named):
            if named or len(operands) != len(rules):
                operands = op.bind(operands, named)
            for x in operands:
                record = getattr(x.__class__, "_record", None)
                if record is not None:
                    return record(op, *operands)
            return _compute(op, *operands)

        return _public(unary if len(rules) == 1 else several, forward, op)

    return decorate


def reduction(
    *rules: Rule | None,
    symbol: str | None = None,
    expands: bool = False,
    linear: bool = False,
    shown: str | None = None,
):
    """Make an operation that takes whole sequences to one number, such as a dot product.

    A rule sees sequences as `Vector`, which adds and multiplies member by member, and returns a
    Vector (one derivative per member) or one number that holds for all. The forward function gets
    the same. The decorated name is called with sequences of numbers, graph nodes or formulas.
    shown: what messages call it, if users call another function.
    """

    def decorate(forward: Callable[..., Any]) -> Callable[..., Any]:
        op = register(Operation(forward, rules, symbol, reduces=True, expands=expands, linear=linear, shown=shown))

        def function(*operands, **named):
            if op.name in array_forms and (any(map(is_array, operands)) or "axis" in named or "keepdims" in named):
                return array_forms[op.name](*operands, **named)
            if named or len(operands) != len(rules):
                operands = op.bind(operands, named)
            operands = tuple(map(as_operand, operands))
            for x in operands:
                for u in members(x):
                    record = getattr(u.__class__, "_record", None)
                    if record is not None:
                        return record(op, *operands)
            return float(ieee(op.forward, *(numbers_of(x, op.shown) for x in operands)))

        return _public(function, forward, op)

    return decorate


def structural(*pulls: Callable[..., Any] | None, symbol: str | None = None, shown: str | None = None):
    """Make an operation on whole arrays, such as a matrix product or an index.

    `pulls` give, for each operand in turn, its gradient from the gradient g of the result:
    `pull(g, z, *operands)`, with the shape of the operand (or one that broadcasting made of it). They
    are written in operators, methods that arrays and Tensors share, and other operations, so that
    they can be differentiated too. None stands for what is not differentiated: an axis, a shape.

    The name it leaves behind takes arrays (and gives an array) and Tensors (and gives a Tensor).
    shown: what messages call it, if users call another function.
    """

    def decorate(forward: Callable[..., Any]) -> Callable[..., Any]:
        op = register(Operation(forward, (), symbol, pulls=pulls, shown=shown))

        def function(*operands, **named):
            if named or len(operands) != len(pulls):
                operands = op.bind(operands, named)
            for x in operands:
                record = getattr(x.__class__, "_record", None)
                if record is not None:
                    return record(op, *operands)
            given = zip(operands, pulls, strict=True)
            return quietly(forward, *(x if pull is None else real_array(x, op.shown) for x, pull in given))

        return _public(function, forward, op)

    return decorate


FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def real_array(x: Any, where: str) -> np.ndarray:
    """`x` as an array of float32 or float64, itself if it is one; integers and booleans become float64.

    TypeError for what is not numbers and for lists of nodes, ValueError for rows of different lengths.
    """
    if isinstance(x, list | tuple) and holds_nodes(x):
        raise TypeError(
            f"{where}: expected numbers, got a list of nodes; join Tensors with stack(), or take their .data"
        )
    try:
        array = np.asarray(x)
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


def as_array(x: Any, where: str) -> Any:
    """An array or a Tensor as it is, lists and numbers as an array."""
    return x if hasattr(x, "ndim") else real_array(x, where)


def holds_nodes(items: Any) -> bool:
    """True if there is a node in nested lists."""
    return any(holds_nodes(u) if isinstance(u, list | tuple) else hasattr(u.__class__, "_record") for u in items)


def _switch() -> tuple[ContextVar[Any], Any]:
    """The context variable in which NumPy keeps what it does about errors, and its value for "nothing"."""
    with np.errstate(all="raise"):
        before = copy_context()
    with np.errstate(all="ignore"):
        return next((var, value) for var, value in copy_context().items() if before.get(var) is not value)


_errors, _ignored = _switch()


def quietly(function: Callable[..., Any], *args: Any) -> Any:
    """`function(*args)` on arrays with IEEE results: no warning where NumPy gives inf or nan.

    It does what `np.errstate(all="ignore")` does, in 0.3 µs instead of 1.
    """
    if _errors.get(None) is _ignored:
        return function(*args)
    before = _errors.set(_ignored)
    try:
        return function(*args)
    finally:
        _errors.reset(before)


def is_quiet() -> bool:
    """True inside `quietly`."""
    return _errors.get(None) is _ignored


def _public(function: Callable[..., Any], forward: Callable[..., Any], op: Operation) -> Callable[..., Any]:
    functools.update_wrapper(function, forward)
    function.op = op  # type: ignore[attr-defined]
    return function


def _compute(op: Operation, *operands: Any) -> Any:
    """The forward function on plain numbers (a float comes back) or arrays (an array does)."""
    if any(isinstance(x, np.ndarray) and x.ndim for x in operands):
        return quietly(op.forward, *(_float_array(x, op.shown) for x in operands))
    return float(ieee(op.forward, *(real(x, op.shown) for x in operands)))


def _float_array(x: Any, where: str) -> Any:
    if not isinstance(x, np.ndarray):
        return real(x, where)
    if x.dtype.kind in "iub":
        return x.astype(np.float64)
    if x.dtype.kind != "f":
        raise TypeError(f"{where} needs real numbers, got {describe(x)}")
    return x


def as_operand(x: Any) -> Any:
    """What a reduction takes as one operand: lists, tuples, iterators and 1-d arrays become a Vector."""
    if isinstance(x, np.ndarray) and x.ndim == 1:
        return Vector(x.tolist())
    if isinstance(x, list | tuple | Iterator):
        return Vector(x)
    return x


def is_array(x: Any) -> bool:
    """True for a Tensor, and for an array of two dimensions or more; one of one dimension is a sequence too."""
    return getattr(x.__class__, "_is_array", False) or (isinstance(x, np.ndarray) and x.ndim > 1)


def numbers_of(x: Any, where: str) -> Any:
    """A Vector of floats from a Vector of numbers; a float from a single number."""
    return x.map(lambda u: real(u, where)) if isinstance(x, Vector) else real(x, where)


class Vector(tuple):
    """A sequence of numbers, nodes or formulas whose arithmetic works member by member.

    It lets the rule of a reduction be written as on an array: `softmax(x) - y`. Two Vectors must
    have the same length (ValueError); a single number goes with every member.
    """

    __slots__ = ()

    def _with(self, other: Any, f: Callable[[Any, Any], Any]) -> Vector:
        if isinstance(other, tuple):
            if len(self) != len(other):
                raise ValueError(f"expected sequences of equal length, got {len(self)} and {len(other)}")
            return Vector(map(f, self, other))
        return Vector(f(u, other) for u in self)

    def __add__(self, other: Any) -> Vector:
        return self._with(other, lambda u, v: u + v)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Vector:
        return self._with(other, lambda u, v: u - v)

    def __rsub__(self, other: Any) -> Vector:
        return self._with(other, lambda u, v: v - u)

    def __mul__(self, other: Any) -> Vector:
        return self._with(other, lambda u, v: u * v)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Vector:
        return self._with(other, lambda u, v: u / v)

    def __rtruediv__(self, other: Any) -> Vector:
        return self._with(other, lambda u, v: v / u)

    def __neg__(self) -> Vector:
        return Vector(-u for u in self)

    def map(self, f: Callable[[Any], Any]) -> Vector:
        """`f` applied to every member."""
        return Vector(map(f, self))


def members(x: Any) -> tuple[Any, ...]:
    """The members of a sequence operand; a single operand alone."""
    return x if isinstance(x, tuple) else (x,)
