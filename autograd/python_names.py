"""sum, max, min and abs: operations whose names are Python's own, and do here what they do there.

`from autograd import *` puts them in the place of Python's. On arrays and Tensors they are NumPy's, along axes;
on everything else, generators and plain numbers among it, they are Python's, and Values are added in one node.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any, overload

from .operands import Axis, Vector, describe
from .ops import elementwise, extremes, sums
from .signatures import A, Array, N, Real

__all__ = ["abs", "max", "min", "sum"]


@overload
def sum(x: A, /, axis: Axis = None, keepdims: bool = False) -> A: ...
@overload
def sum(x: Array, /, axis: Axis = None, keepdims: bool = False) -> Any: ...
@overload
def sum(x: Iterable[N], /, start: object = 0) -> N: ...
@overload
def sum(x: Iterable[Any], /, start: object = 0) -> Any: ...
def sum(x: Any, /, *args: Any, **options: Any) -> Any:
    """Sum x₁ + ... + xₙ.

    x: for a Tensor or an array sum(x, axis=None, keepdims=False), as in NumPy; sum(x, ()) sums nothing. Of other
    things sum(iterable, start=0), as in Python: Values in it give one node, numbers what Python gives.
    Derivative: 1 for every member.
    """
    if _has_axes(x, options) or hasattr(x.__class__, "_record") or isinstance(x, Vector):  # as rules are read
        return sums.sum(x, *args, **options)
    members = list(x)
    if not any(hasattr(u.__class__, "_record") for u in members) or any(hasattr(u, "ndim") for u in members):
        return builtins.sum(members, *args, **options)
    start = builtins.sum((), *args, **options)
    total = sums.sum(members)
    return total if start.__class__ is int and start == 0 else start + total


@overload
def max(x: A, /, axis: Axis = None, keepdims: bool = False) -> A: ...
@overload
def max(x: N, y: N | Real, /, *more: N | Real, key: object = None) -> N: ...
@overload
def max(*args: object, **options: object) -> Any: ...
def max(*args: object, **options: object) -> Any:
    """The largest.

    For a Tensor or an array max(x, axis=None, keepdims=False), as in NumPy; equal ones share the gradient evenly.
    ValueError if there is no number; nan where there is one. Of other things as in Python, max(iterable) or
    max(x, y, ...), with key= and default=: Values compare by their numbers, and the one that is taken comes back.
    Of two arrays, element by element, see `maximum`.
    """
    return _extreme("max", builtins.max, extremes.max, args, options)


@overload
def min(x: A, /, axis: Axis = None, keepdims: bool = False) -> A: ...
@overload
def min(x: N, y: N | Real, /, *more: N | Real, key: object = None) -> N: ...
@overload
def min(*args: object, **options: object) -> Any: ...
def min(*args: Any, **options: Any) -> Any:
    """The smallest; see `max`. Of two arrays, element by element, see `minimum`."""
    return _extreme("min", builtins.min, extremes.min, args, options)


def _extreme(name: str, python: Any, of_array: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    if args and (_has_axes(args[0], options) or (len(args) == 1 and hasattr(args[0].__class__, "_record"))):
        return of_array(*args, **options)
    if len(args) == 1:
        args = (list(args[0]),)
    for u in args[0] if len(args) == 1 else args:
        if getattr(u, "size", 1) != 1 and "key" not in options:
            raise TypeError(
                f"{name}: expected numbers or Values, got {describe(u)} of shape {u.shape} among them; of several "
                f"Tensors {name}imum(x, y) and stack([x, y, ...]).{name}(axis=0) take it element by element"
            )
    return python(*args, **options)


@overload
def abs(x: N, /) -> N: ...
@overload
def abs(x: Real, /) -> float: ...
@overload
def abs(x: Any, /) -> Any: ...
def abs(x: Any, /) -> Any:
    """Absolute value |x|.

    x: any real, any shape. Returns the same shape, never negative; of a plain number what Python gives.
    Derivative: sign(x), which is 0 at the kink x = 0.
    """
    is_ours = hasattr(x.__class__, "_record") or hasattr(x, "ndim")
    return elementwise.abs(x) if is_ours else builtins.abs(x)


def _has_axes(x: object, options: dict[str, Any]) -> bool:
    return "axis" in options or "keepdims" in options or bool(getattr(x, "ndim", 0)) or getattr(x, "_is_array", False)


_function: Any
for _function, _same in ((sum, sums.sum), (max, extremes.max), (min, extremes.min), (abs, elementwise.abs)):
    _function.op = _same.op
