"""The types of what users call: a Value gives a Value, a Tensor a Tensor, a number a float, an array an array.

Operations know nodes by what these have, so their types do too. What has no single answer is Any, so that a
program that is checked is not told of what is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar, cast, overload

import numpy as np

from .operands import Axis, Operand

__all__ = [
    "A",
    "Array",
    "Both",
    "First",
    "Joining",
    "Json",
    "N",
    "OfArray",
    "OfScores",
    "Pairs",
    "Plain",
    "Real",
    "Reduced",
    "Sequences",
    "first",
    "joining",
    "of_array",
    "of_scores",
]


class Recorded(Protocol):
    """A node: a Value or a Tensor."""

    @staticmethod
    def _record(op: Any, *operands: Any) -> Any: ...


class RecordedArray(Recorded, Protocol):
    """A Tensor."""

    @property
    def T(self) -> Any: ...


N = TypeVar("N", bound=Recorded)
A = TypeVar("A", bound=RecordedArray)
P = ParamSpec("P")
Real: TypeAlias = float | Fraction | np.floating[Any] | np.integer[Any] | np.bool_
Array: TypeAlias = np.ndarray[Any, Any]
# What JSON holds, by names: text, numbers, truth values, lists and mappings of these.
Json: TypeAlias = dict[str, Any]
Plain: TypeAlias = Real | Array | list[Any] | tuple[Any, ...]


class Called(Protocol):
    """What a decorator leaves behind knows its operation."""

    __name__: str
    op: Any


class First(Called, Protocol[P]):
    """A function whose first operand is differentiated; the rest are plain."""

    @overload
    def __call__(self, x: N, /, *rest: P.args, **named: P.kwargs) -> N: ...
    @overload
    def __call__(self, x: Real, /, *rest: P.args, **named: P.kwargs) -> float: ...
    @overload
    def __call__(self, x: Array, /, *rest: P.args, **named: P.kwargs) -> Array: ...


class OfArray(Called, Protocol[P]):
    """A function of a whole array; the rest is plain."""

    @overload
    def __call__(self, x: A, /, *rest: P.args, **named: P.kwargs) -> A: ...
    @overload
    def __call__(self, x: Plain, /, *rest: P.args, **named: P.kwargs) -> Any: ...


class OfScores(Protocol[P]):
    """A function of scores: of a sequence, which gives a list, or of an array."""

    @overload
    def __call__(self, x: A, /, *rest: P.args, **named: P.kwargs) -> A: ...
    @overload
    def __call__(self, x: Array, /, *rest: P.args, **named: P.kwargs) -> Any: ...
    @overload
    def __call__(self, x: Iterable[N], /, *rest: P.args, **named: P.kwargs) -> list[N]: ...
    @overload
    def __call__(self, x: Iterable[object], /, *rest: P.args, **named: P.kwargs) -> list[Any]: ...


class Joining(Called, Protocol):
    """A function of several arrays."""

    @overload
    def __call__(self, tensors: Sequence[A], axis: int | None = 0) -> A: ...
    @overload
    def __call__(self, tensors: Sequence[object], axis: int | None = 0) -> Any: ...


def first(function: Callable[Concatenate[Operand, P], Operand]) -> First[P]:
    """The function itself, typed as an operation whose first operand is differentiated."""
    return cast(First[P], function)


def of_array(function: Callable[Concatenate[Operand, P], Operand]) -> OfArray[P]:
    """The function itself, typed: of a Tensor it gives a Tensor."""
    return cast(OfArray[P], function)


def of_scores(function: Callable[Concatenate[Operand, P], Operand]) -> OfScores[P]:
    """The function itself, typed: of a Tensor it gives a Tensor, of a sequence a list."""
    return cast(OfScores[P], function)


def joining(function: Callable[..., Operand]) -> Joining:
    """The function itself, typed: of several Tensors it gives one."""
    return cast(Joining, function)


class Both(Called, Protocol[P]):
    """A function of two operands that are differentiated."""

    @overload
    def __call__(self, x: N, /, *rest: P.args, **named: P.kwargs) -> N: ...
    @overload
    def __call__(self, x: Plain, y: N) -> N: ...
    @overload
    def __call__(self, x: Real, y: Real = ..., /) -> float: ...
    @overload
    def __call__(self, x: Plain, /, *rest: P.args, **named: P.kwargs) -> Any: ...


class Sequences(Called, Protocol):
    """A function of sequences, the first two differentiated."""

    on_arrays: Callable[[Callable[..., Operand]], Any]

    @overload
    def __call__(self, x: A, y: A | Plain, *rest: object, **named: object) -> A: ...
    @overload
    def __call__(self, x: Plain, y: A, *rest: object, **named: object) -> A: ...
    @overload
    def __call__(self, x: Sequence[N], y: Iterable[object], *rest: object, **named: object) -> N: ...
    @overload
    def __call__(self, x: Iterable[Real], y: Sequence[N], *rest: object, **named: object) -> N: ...
    @overload
    def __call__(self, x: Any, y: Any, *rest: object, **named: object) -> Any: ...


class Pairs(Called, Protocol):
    """A loss: of a prediction and a target, of sequences of them, or of batches."""

    @overload
    def __call__(self, prediction: N, target: N | Plain, weight: object = None, **named: object) -> N: ...
    @overload
    def __call__(self, prediction: Plain, target: N, weight: object = None, **named: object) -> N: ...
    @overload
    def __call__(self, prediction: Real, target: Real, weight: object = None, **named: object) -> float: ...
    @overload
    def __call__(self, prediction: Sequence[N], target: Plain | Sequence[object], **named: object) -> N: ...
    @overload
    def __call__(self, prediction: Plain, target: Plain, weight: object = None, **named: object) -> Any: ...


class Reduced(Called, Protocol[P]):
    """A function of one sequence, or of an array along axes."""

    on_arrays: Callable[[Callable[..., Operand]], Any]

    @overload
    def __call__(self, x: A, *rest: P.args, **named: P.kwargs) -> A: ...
    @overload
    def __call__(self, x: A, axis: Axis = None, keepdims: bool = False) -> A: ...
    @overload
    def __call__(self, x: Array, *rest: object, **named: object) -> Any: ...
    @overload
    def __call__(self, x: Iterable[N], *rest: P.args, **named: P.kwargs) -> N: ...
    @overload
    def __call__(self, x: Iterable[object], *rest: object, **named: object) -> Any: ...
