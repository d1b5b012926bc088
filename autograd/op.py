"""What an operation is: a function with its local derivatives written on it.

A rule such as `lambda z, x: z * (1 - z)` is ordinary arithmetic. Read on floats it gives a number,
on arrays the diagonal of a Jacobian, on graph nodes a differentiable graph, on formulas a formula.
This module knows none of the engines: a class that wants to take part offers `_record(op, *operands)`.

A rule may use, and a forward function too,

    x + y   x - y   x * y   x / y   x ** y   -x   +x   abs(x)
    x < y   x <= y   x > y   x >= y, joined by & and |, inside of where(condition, x, y)
    every operation of the table: exp(x), maximum(x, y), sigmoid(x), your own
    NumPy's names for these: np.exp(x), np.abs(x), np.maximum(x, y), np.where(condition, x, y) ...

and, where operands are sequences, len(x), x[i], iteration, and the reductions: sum(x), mean(x), dot(x, y)
... It may not ask whether a condition is true (`if`, `and`, `or`, `not`, `max`, `min`, `~`), which has
no answer for a whole array, nor leave the numbers it was given (`math.exp`, `float`). A forward
function may do both for floats, where `type(x) is float`; beside that it keeps to the list, so that
arrays and script (the page of `viz.explore`, where it runs again when a number is changed) can read it.
What it refuses, such as a probability of 2, is checked at the public door (`door`, `check`), not in it.
What cannot be read is a TypeError that says so.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, NoReturn, ParamSpec, Protocol, TypedDict, Unpack, cast, overload

import numpy as np
from numpy import ndarray

from .arguments import lookup
from .ieee import SILENT, errors, ieee, quietly
from .operands import (
    Operand,
    Vector,
    as_operand,
    describe,
    float_array,
    in_a_call,
    is_array,
    is_array_node,
    members,
    numbers_of,
    real,
    real_array,
)
from .rows import along_axes, share_along_axes
from .signatures import Both, First, OfArray, Reduced, Sequences

__all__ = [
    "Operation",
    "Vector",
    "describe",
    "elementwise",
    "find",
    "ieee",
    "named",
    "quietly",
    "real",
    "real_array",
    "reduction",
    "register",
    "structural",
    "table",
]

# A forward function, a rule, a pull: each is read on operands of any kind, as many as its operation has.
Forward = Callable[..., Operand]
Rule = Forward | float
Pull = Forward
P = ParamSpec("P")


class Writing(TypedDict, total=False):
    """How an operation is written; everything has a default.

    shown     the name under which users know it, in messages; the function's name
    symbol    in formulas and pictures: "+", "σ"; the shown name
    text, latex, mathml, ascii   in formulas of that notation: a name, which gets the operands in
              parentheses, or with # in the place of the operands all of it: "|#|", "e^{#}"; the symbol.
              Of arrays each # stands for the next operand, and {how} for what `how` says: "# ⋆{how} #"
    how       what is said of what is not differentiated: `how(shape of the result, *plain operands)` gives the
              words, such as ["s=2", "p=1"], and none where all is as usual
    members   of arrays, where `formula` gives None: the letters of each operand's axes and of the result's, as a
              function of the plain operands; it is written as a sum of products of numbers with these indices
    note      what the writing means, said once below a derivation: in text and in LaTeX
    times     in formulas: `times(n, *operands)` is the result, times the first operand to the power n, as one; None
              where it is none. It is written if it is shorter: |x| for sign(x)·x
    turned    of arrays, written in columns: `turned(*plain operands)` gives the plain operands with which the operation
              takes the transposed matrices to the transposed result; None where there are none
    averages  of a mean over axes: whether its gradient has 1/m for m samples, as a function of its operands on arrays
    """

    shown: str
    symbol: str
    text: str
    latex: str
    mathml: str
    ascii: str
    how: Callable[..., list[str]]
    members: Callable[..., tuple[list[str], str]]
    note: tuple[str, str]
    times: Callable[..., Operand]
    turned: Callable[..., tuple[Operand, ...] | None]
    averages: Callable[..., bool]


# See Operation: a name, an operation, a function of the operands.
Parts = tuple[tuple[str, Any, Callable[..., Any]], ...]


class Operation(str):
    """A forward function, one derivative rule per operand, and how it is written.

    It is equal to itself only, and a string as well, its symbol: what is written for micrograd draws `node._op`.

    name      "tanh"; of one's own with its module before it, "__main__.swish", so that it is taken for no other
    forward   takes floats (or arrays) and returns the result z
    rules     one per operand: `rule(z, *operands)` is ∂z/∂operand, or a plain number where the
              derivative is constant, or None for an operand that is not differentiated.
    function  what users call: the name that the decorator leaves behind.
    shown, symbol, writing   see Writing.
    reduces   False: operands are single numbers. True: operands may be sequences, the result is
              one number and a rule gives a derivative for each member.
    array     what a reduction is on arrays, an operation of its own: along axes.
    loss      of a loss of batches, whose operands are predictions, targets and the weights of samples:
              the formula that is summed up.
    formula   what formulas show instead of `name(...)`: a function that spells it out in arithmetic. Of arrays it
              takes `parts` as further arguments, and may give None for operands that it has no such form for
    parts     what a formula of arrays mentions by names of its own: for each its name, the operation that a pull
              computes it by (or None), and a function of the operands and the parts before it
    activation   what a loss applies to its first operand, logits, before anything else.
    picks     the last operand says which member of the result for a whole layer it is, softmax(z)₂: the function
              that gives all members of numbers at once; None for others.
    along_axis   keeps the shape of its first operand and works along one axis, its second.
    over_axes    a reduction on arrays: an axis and keepdims come after its first operand.
    slope     the first rule, as a function also where it is constant.
    pulls     one per operand, for arrays: `pull(g, z, *operands)` is the operand's gradient, where g
              is the gradient of the result; None for an operand that is not differentiated. An
              elementwise operation has them from its rules. One that moves whole arrays (a matrix
              product, an index) has only them, and no rules.
    moves     every number of the result is one of the operands', at a place that an index, a shape ... says
    by_sample   does the same to each sample: the first operand has a row for each, and so has the result
    linear    the places of operands in which it is linear: numbers before these stand before the whole
    writes    which pulls can write their result into an array given as a last argument
    adds      of an operation that picks a part of its first operand: `adds(total, g, *operands)` adds the
              operand's gradient to an array of its shape, and is False where it cannot; else None
    delivers  of an operation on leaves alone that knows all their gradients: `delivers(result, g)` adds them; else None
    plain     the places of operands that are not differentiated
    is_flat   one or two operands, each a single number with a rule
    """

    __slots__ = (
        "activation",
        "adds",
        "along_axis",
        "array",
        "by_sample",
        "delivers",
        "formula",
        "forward",
        "function",
        "is_flat",
        "linear",
        "loss",
        "moves",
        "name",
        "over_axes",
        "parts",
        "picks",
        "plain",
        "pulls",
        "reduces",
        "rules",
        "shown",
        "slope",
        "symbol",
        "writes",
        "writing",
    )

    def __new__(
        cls,
        forward: Forward,
        rules: Operand = (),
        symbol: str | None = None,
        *,
        writing: Writing | None = None,
        **rest: Operand,
    ) -> Operation:
        known: Writing = writing or {}
        return super().__new__(cls, symbol or known.get("symbol") or known.get("shown") or forward.__name__)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return True

    def __init__(
        self,
        forward: Forward,
        rules: Sequence[Rule | None] = (),
        symbol: str | None = None,
        *,
        reduces: bool = False,
        pulls: Sequence[Pull | None] | None = None,
        formula: Forward | None = None,
        picks: Forward | None = None,
        loss: Callable[[Operand, Operand], Operand] | None = None,
        along_axis: bool = False,
        parts: Parts = (),
        linear: tuple[int, ...] = (),
        moves: bool = False,
        by_sample: bool = False,
        writing: Writing | None = None,
    ) -> None:
        self.name: str = _full_name(forward)
        self.writing: Writing = writing or {}
        for option in self.writing:
            lookup(f"option of {forward.__name__}", option, Writing.__annotations__)
        self.shown = self.writing.get("shown") or forward.__name__
        self.symbol = symbol or self.writing.get("symbol") or self.shown
        self.forward = forward
        self.function: Function = cast(Function, forward)  # until a decorator has made another
        self.rules: tuple[Rule | None, ...] = tuple(float(r) if isinstance(r, int) else r for r in rules)
        if pulls is None:
            pulls = () if reduces else tuple(_pull(self, r) for r in self.rules)
        self.pulls: Sequence[Pull | None] = pulls
        self.plain = tuple(i for i, way in enumerate(self.rules or pulls) if way is None)
        self.writes: tuple[int, ...] = ()
        self.adds: Callable[..., bool] | None = None
        self.delivers: Callable[..., None] | None = None
        first = self.rules[0] if self.rules else None
        self.slope: Forward = first if callable(first) else lambda z, *operands: first
        self.reduces = reduces
        self.is_flat = not reduces and not self.plain and len(self.rules) in (1, 2)
        self.array: Operation | None = None
        self.formula = formula
        self.picks = picks
        self.activation: Operation | None = None
        self.along_axis = along_axis
        self.parts = parts
        self.linear = linear
        self.moves = moves
        self.by_sample = by_sample
        self.over_axes = not self.rules and [*inspect.signature(forward).parameters][1:3] == ["axis", "keepdims"]
        self.loss = loss

    @property
    def expands(self) -> bool:
        """True for arithmetic, which formulas show as it is computed."""
        return self.formula is self.forward

    def __repr__(self) -> str:
        return f"<operation {self.shown}>"

    def __reduce__(self) -> tuple[Operand, ...]:
        return find, (self.name,)

    def __deepcopy__(self, memo: object) -> Operation:
        return self  # and not the one that took its name since

    def bind(self, operands: Sequence[Operand], named: dict[str, Operand]) -> tuple[Operand, ...]:
        """The operands in order, with keywords and defaults filled in as in the forward function."""
        return _bound(inspect.signature(self.forward), operands, named)

    def derivative(self, i: int, z: Operand, operands: Sequence[Operand]) -> Operand:
        """∂z/∂operands[i], read on whatever the operands are."""
        rule = self.rules[i]
        if not callable(rule):
            return rule
        try:
            return rule(z, *operands)
        except (AttributeError, TypeError) as error:
            raise _unreadable(self, "rule", z, error) from error


def _pull(op: Operation, rule: Rule | None) -> Pull | None:
    """How a gradient passes through an elementwise operation on arrays: times the local derivative."""
    if rule is None:
        return None
    if not callable(rule):
        return (lambda g, z, *operands: g) if rule == 1.0 else (lambda g, z, *operands: g * rule)

    def pull(g: Operand, z: Operand, *operands: Operand) -> Operand:
        try:
            return g * rule(z, *operands)
        except (AttributeError, TypeError, ValueError) as error:
            _refuse_rule(op, z, error)

    def pull_of_one(g: Operand, z: Operand, x: Operand) -> Operand:  # the commonest, and a third of its own time less
        try:
            return g * rule(z, x)
        except (AttributeError, TypeError, ValueError) as error:
            _refuse_rule(op, z, error)

    return pull_of_one if len(op.rules) == 1 else pull


class Unreadable(TypeError):
    """A rule or a forward function uses what the reader does not know."""


def _unreadable(op: Operation, what: str, on: object, error: Exception) -> Unreadable:
    return Unreadable(
        f"{op.shown}: its {what} cannot be read on {describe(on)} ({error}); write it with operators, abs(x), "
        "where(condition, x, y), maximum(x, y) and other operations, see autograd.op"
    )


def _refuse_rule(op: Operation, on: object, error: Exception) -> NoReturn:
    """Say that a rule cannot be read on this; a ValueError of its own stays as it is."""
    if isinstance(error, ValueError) and "truth value" not in str(error):
        raise error
    raise _unreadable(op, "rule", on, error) from error


# What NumPy says when a function of floats is given an array.
_NO_ARRAYS = "truth value of an array", "converted to Python scalars"


def refused_arrays(op: Operation, operands: Sequence[Operand], error: Exception) -> TypeError | None:
    """What to say when the error comes from a forward function that reads floats only; None if it does not."""
    if any(words in str(error) for words in _NO_ARRAYS):
        return _unreadable(op, "forward function", next(x for x in operands if np.ndim(x)), error)
    return None


# The operations on single numbers and sequences, which have rules, and those on whole arrays only, by their
# full names; in the order in which they were defined.
table: dict[str, Operation] = {}
array_table: dict[str, Operation] = {}


def _full_name(forward: Forward) -> str:
    module = getattr(forward, "__module__", None) or "?"
    return forward.__name__ if module.partition(".")[0] == __package__ else f"{module}.{forward.__name__}"


def find(name: str) -> Operation:
    """The operation of this full name, as a pickled graph asks for it; its module is imported as pickle does.

    LookupError that says which operation of which module is missing.
    """
    module, _, short = name.rpartition(".")
    if module and name not in table and name not in array_table:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    found = table.get(name) or array_table.get(name)
    if found is None:
        where = f"the operation {short!r} of the module {module!r}" if module else f"an operation {short!r} of autograd"
        raise LookupError(f"expected {where}, which is not defined here: import or run what defines it first")
    return found


def named(name: str) -> Operation | None:
    """The operation that a user means by a name: that of the library, else the one defined last; None if none is."""
    if name in table:
        return table[name]
    return next((op for op in reversed(table.values()) if op.forward.__name__ == name), None)


def register(op: Operation) -> Operation:
    """Enter an operation into its table. One of one's own takes the place of an older one of its module and name.

    Graphs that were recorded before keep the older one. ValueError if the library has one of that name already.
    """
    for known in (table, array_table):
        if op.name in known and "." not in op.name:
            raise ValueError(f"there is an operation called {op.name!r} already; choose another name")
        known.pop(op.name, None)
    (table if op.rules else array_table)[op.name] = op
    return op


# ---------------------------------------------------------------- the decorators


class Function(Protocol):
    """What a decorator leaves behind: it is called, and knows its operation. Users see it as one of `signatures`."""

    __name__: str
    op: Operation

    def __call__(self, *operands: Operand, **named: Operand) -> Operand:
        """The result for numbers, arrays, nodes or formulas."""


# A forward function, whose first operand is differentiated.
OfFirst = Callable[Concatenate[Operand, P], Operand]


class Decorator(Protocol):
    """Makes an operation on whole arrays, whose first operand is differentiated, of its forward function."""

    def __call__(self, forward: OfFirst[P], /) -> OfArray[P]:
        """The function that users call."""


# Takes the operands as users give them, checks them, and gives them as the forward function takes them.
Door = Callable[..., tuple[Operand, ...]]


class _Options(Writing, total=False):
    expands: bool
    formula: Forward | None
    door: Door | None


class _Reducing(_Options, total=False):
    picks: Forward | None
    instead: Forward | None


class _Structural(Writing, total=False):
    loss: Callable[[Operand, Operand], Operand] | None
    along_axis: bool
    formula: Forward | None
    parts: Parts
    linear: tuple[int, ...]
    moves: bool
    by_sample: bool
    door: Door | None


@overload
def elementwise(rule: Rule, /, *plain: None, **options: Unpack[_Options]) -> Callable[[OfFirst[P]], First[P]]: ...
@overload
def elementwise(first: Rule, second: Rule, /, **options: Unpack[_Options]) -> Callable[[OfFirst[P]], Both[P]]: ...
@overload
def elementwise(
    first: Rule, second: Rule, third: Rule | None, /, *more: Rule | None, **options: Unpack[_Options]
) -> Callable[[Forward], Function]: ...
@overload
def elementwise(first: None, /, *more: Rule | None, **options: Unpack[_Options]) -> Callable[[Forward], Function]: ...
def elementwise(
    *rules: Rule | None,
    expands: bool = False,
    formula: Forward | None = None,
    door: Door | None = None,
    **writing: Unpack[Writing],
) -> Any:
    """Make an operation on single numbers (read on arrays: element by element).

    `rules` give the local derivative for each operand in turn, as functions of the result and the
    operands, in operators and other operations only, or as a constant; None for an operand that is
    not differentiated and must be a plain number::

        @elementwise(lambda z, x: cos(x))
        def sin(x):
            ...

    The decorated body is the forward function for floats and arrays. The name it leaves behind
    accepts numbers, arrays, graph nodes and formulas. TypeError for anything else.

    expands: formulas show the forward arithmetic itself. formula: they show this instead.
    door: `door(*operands)` checks what the function is called with, and gives it as the forward
    function takes it. The rest is how it is written, see Writing.
    """

    def decorate(forward: Forward) -> Function:
        op = register(Operation(forward, rules, formula=forward if expands else formula, writing=writing))

        def unary(x: Operand, /) -> Operand:
            if x.__class__ is float:
                try:
                    return forward(x)
                except (ArithmeticError, ValueError):
                    return float(ieee(forward, x))
            if x.__class__ is ndarray and x.ndim and x.dtype.kind == "f":  # as rules call it on the way back
                try:
                    return forward(x) if errors() is SILENT else quietly(forward, x)
                except (TypeError, ValueError) as error:
                    raise refused_arrays(op, (x,), error) or error from None
            record = getattr(x.__class__, "_record", None)
            return _compute(op, x) if record is None else record(op, x)

        def several(*operands: Operand, **named: Operand) -> Operand:
            if door is not None:
                operands = door(*operands, **named)
            elif named or len(operands) != len(rules):
                operands = op.bind(operands, named)
            for x in operands:
                record = getattr(x.__class__, "_record", None)
                if record is not None:
                    return record(op, *operands)
            return _compute(op, *operands)

        return named_after(unary if len(rules) == 1 and door is None else several, forward, op)

    return decorate


def _compute(op: Operation, *operands: Operand) -> Operand:
    """The forward function on plain numbers (a float comes back), arrays (an array does) or Vectors (a Vector)."""
    if any(isinstance(x, np.ndarray) and x.ndim for x in operands):
        try:
            return quietly(op.forward, *(float_array(x, op.shown) for x in operands))
        except (TypeError, ValueError) as error:
            raise refused_arrays(op, operands, error) or error from None
    for x in operands:
        if isinstance(x, Vector):
            return Vector(map(op.function, *(u if isinstance(u, Vector) else [u] * len(x) for u in operands)))
    return float(ieee(op.forward, *(real(x, op.shown) for x in operands)))


@overload
def reduction(rule: Rule, /, *plain: None, **options: Unpack[_Reducing]) -> Callable[[OfFirst[P]], Reduced[P]]: ...
@overload
def reduction(
    first: Rule, second: Rule, /, *more: Rule | None, **options: Unpack[_Reducing]
) -> Callable[[Forward], Sequences]: ...
def reduction(
    *rules: Rule | None,
    expands: bool = False,
    formula: Forward | None = None,
    picks: Forward | None = None,
    door: Door | None = None,
    instead: Forward | None = None,
    **writing: Unpack[Writing],
) -> Any:
    """Make an operation that takes whole sequences to one number, such as a weighted sum.

    A rule sees sequences as `Vector`, which adds and multiplies member by member, and returns a
    Vector (one derivative per member) or one number that holds for all. The forward function gets
    the same. The decorated name is called with sequences of numbers, graph nodes or formulas, and
    with arrays and Tensors, where `axis=None` and `keepdims=False` say as in NumPy along which axes
    they are reduced: rules are read on all rows at once, the forward function row by row. One that
    NumPy computes at once may stand below it, and takes the gradients from the same rules::

        @reduction(lambda z, x: 2 * x)
        def energy(x):
            return sum(u * u for u in x)

        @energy.on_arrays
        def array_energy(x, axis=None, keepdims=False):
            return (x * x).sum(axis, keepdims=keepdims)

    instead: what is called instead where an operand is an array, if that is another operation.
    picks: see Operation. The other options are those of `elementwise`.
    """

    def decorate(forward: Forward) -> Any:
        op = register(
            Operation(
                forward, rules, reduces=True, formula=forward if expands else formula, picks=picks, writing=writing
            )
        )
        signature = _with_axes(inspect.signature(forward)) if instead is None else None

        def function(*operands: Operand, **named: Operand) -> Operand:
            if any(map(is_array, operands)) or "axis" in named or "keepdims" in named:
                if signature is None:
                    return instead(*operands, **named)  # type: ignore[misc]
                return op.array.function(*_bound(signature, operands, named))  # type: ignore[union-attr]
            if door is not None:
                operands = door(*operands, **named)
            elif named or len(operands) != len(rules):
                operands = op.bind(operands, named)
            operands = tuple(map(as_operand, operands))
            for x in operands:
                for u in members(x):
                    record = getattr(u.__class__, "_record", None)
                    if record is not None:
                        if is_array_node(u):
                            raise TypeError(
                                f"{op.shown}: expected numbers, got a list of nodes; join Tensors with stack()"
                            )
                        return record(op, *operands)
            return float(ieee(op.forward, *(numbers_of(x, op.shown) for x in operands)))

        def on_arrays(array_forward: Forward) -> Function:
            if op.array is not None and array_table.get(op.array.name) is op.array:
                del array_table[op.array.name]
            pulls = (*(None if rule is None else _along(op, i) for i, rule in enumerate(op.rules)), None, None)
            op.array = register(Operation(array_forward, pulls=pulls, writing={**writing, "shown": op.shown}))
            return _on_arrays(op.array)

        public: Any = named_after(function, forward, op)
        if signature is not None:

            def along(*operands: Operand) -> Operand:
                return along_axes(op, operands[:-2], *operands[-2:])

            along.__name__, along.__module__ = f"{forward.__name__}_along_axes", forward.__module__
            along.__doc__ = f"{op.shown} along axes."
            function.__signature__ = along.__signature__ = signature  # type: ignore[attr-defined]
            on_arrays(along)
            public.on_arrays = on_arrays
        return public

    return decorate


def _with_axes(signature: inspect.Signature) -> inspect.Signature:
    both = inspect.Parameter.POSITIONAL_OR_KEYWORD
    axes = inspect.Parameter("axis", both, default=None), inspect.Parameter("keepdims", both, default=False)
    return signature.replace(parameters=[*signature.parameters.values(), *axes])


def _along(op: Operation, i: int) -> Pull:
    """How a gradient passes to operand i of a reduction along axes: by the rule for its sequences."""

    def pull(g: Operand, z: Operand, *operands: Operand) -> Operand:
        try:
            return share_along_axes(op, i, g, z, operands[:-2], operands[-2])
        except (AttributeError, TypeError, ValueError) as error:
            _refuse_rule(op, operands[i], error)

    return pull


@overload
def structural(pull: Pull, /, *plain: None, **options: Unpack[_Structural]) -> Callable[[OfFirst[P]], OfArray[P]]: ...
@overload
def structural(first: Pull, second: Pull, /, **options: Unpack[_Structural]) -> Callable[[OfFirst[P]], Both[P]]: ...
@overload
def structural(
    first: Pull, second: Pull, third: Pull | None, /, *more: Pull | None, **options: Unpack[_Structural]
) -> Callable[[Forward], Function]: ...
@overload
def structural(first: None, /, *more: Pull | None, **options: Unpack[_Structural]) -> Callable[[Forward], Function]: ...
def structural(*pulls: Pull | None, **options: Unpack[_Structural]) -> Any:
    """Make an operation on whole arrays, such as a matrix product or an index.

    `pulls` give, for each operand in turn, its gradient from the gradient g of the result:
    `pull(g, z, *operands)`, with the shape of the operand (or one that broadcasting made of it). They
    are written in operators, methods that arrays and Tensors share, and other operations, so that
    they can be differentiated too. None stands for what is not differentiated: an axis, a shape.

    The name it leaves behind takes arrays (and gives an array) and Tensors (and gives a Tensor).
    loss, along_axis, formula, parts, linear, moves, by_sample: see Operation. door: as of `elementwise`. The rest is
    how it is written, see Writing.
    """
    for option in options:
        lookup("option of structural", option, _Structural.__annotations__)
    own: dict[str, Operand] = {**options}
    door = own.pop("door", None)
    writing: Any = {name: own.pop(name) for name in options if name in Writing.__annotations__}

    def decorate(forward: Forward) -> Function:
        return _on_arrays(register(Operation(forward, pulls=pulls, writing=writing, **own)), door)

    return decorate


def _on_arrays(op: Operation, door: Door | None = None) -> Function:
    """The function that users call, for an operation on whole arrays."""
    forward, pulls = op.forward, op.pulls

    def function(*operands: Operand, **named: Operand) -> Operand:
        if door is not None:
            operands = door(*operands, **named)
        elif named or len(operands) != len(pulls):
            operands = op.bind(operands, named)
        for x in operands:
            record = getattr(x.__class__, "_record", None)
            if record is not None:
                return record(op, *operands)
        given = [x if pull is None else real_array(x, op.shown) for x, pull in zip(operands, pulls, strict=True)]
        try:
            return quietly(forward, *given)
        except Exception:
            if call := in_a_call(given):
                return call(forward, given)
            raise

    return named_after(function, forward, op)


def _bound(signature: inspect.Signature, operands: Sequence[Operand], named: dict[str, Operand]) -> tuple[Operand, ...]:
    bound = signature.bind(*operands, **named)
    bound.apply_defaults()
    return bound.args


def named_after(function: Forward, forward: Forward, op: Operation) -> Function:
    """The function that users call, with the name and the docstring of its operation's forward function."""
    public = cast(Function, functools.update_wrapper(function, forward))
    op.function, public.op = public, op
    return public


def operation_of(function: object) -> Operation | None:
    """The operation that users call by this function; None for any other, though it wraps one and says so."""
    op: Operation | None = getattr(function, "op", None)
    return op if op is not None and op.function is function else None
