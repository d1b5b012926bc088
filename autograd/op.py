"""What an operation is: a function with its local derivatives written on it.

A rule such as `lambda z, x: z * (1 - z)` is ordinary arithmetic. Read on floats it gives a number,
on arrays the diagonal of a Jacobian, on graph nodes a differentiable graph, on formulas a formula.
This module knows none of the engines: a class that wants to take part offers `_record(op, *operands)`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .ieee import ieee, quietly
from .operands import Vector, as_operand, describe, float_array, is_array, members, numbers_of, real, real_array

__all__ = [
    "Operation",
    "Vector",
    "describe",
    "elementwise",
    "find",
    "ieee",
    "quietly",
    "real",
    "real_array",
    "reduction",
    "register",
    "structural",
    "table",
]

Rule = Callable[..., Any] | float


class Operation:
    """A forward function, one derivative rule per operand, and how it is written.

    name      "tanh"; forward takes floats (or arrays) and returns the result z.
    rules     one per operand: `rule(z, *operands)` is ∂z/∂operand, or a plain number where the
              derivative is constant, or None for an operand that is not differentiated.
    function  what users call: the name that the decorator leaves behind.
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
        "function",
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
        self.function: Callable[..., Any] = forward
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
        return lambda g, z, *operands: g * rule(z, *operands)
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


def _public(function: Callable[..., Any], forward: Callable[..., Any], op: Operation) -> Callable[..., Any]:
    functools.update_wrapper(function, forward)
    op.function = function
    function.op = op  # type: ignore[attr-defined]
    return function


def _compute(op: Operation, *operands: Any) -> Any:
    """The forward function on plain numbers (a float comes back) or arrays (an array does)."""
    if any(isinstance(x, np.ndarray) and x.ndim for x in operands):
        return quietly(op.forward, *(float_array(x, op.shown) for x in operands))
    return float(ieee(op.forward, *(real(x, op.shown) for x in operands)))
