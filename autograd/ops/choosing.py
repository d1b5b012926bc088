"""Operations that choose: one of two by a condition, what lies between bounds."""

from __future__ import annotations

from typing import overload

import numpy as np

from ..op import elementwise, structural
from ..operands import Operand, Vector, is_array_node, plainly
from ..signatures import N, Plain, Real

__all__ = ["clip", "where"]

_NUMBERS = frozenset({float, int})


@overload
def where(condition: Operand, x: N, y: N | Plain) -> N: ...
@overload
def where(condition: Operand, x: Plain, y: N) -> N: ...
@overload
def where(condition: bool, x: Real, y: Real) -> float: ...
@overload
def where(condition: Operand, x: Plain, y: Plain) -> Operand: ...
def where(condition: Operand, x: Operand, y: Operand) -> Operand:
    """x where the condition holds, else y.

    condition: bool or boolean array. x, y: any operands. For a single condition the operand itself is
    returned, so the branch not taken is not part of the graph; a number that is taken instead of a Value
    comes as a Value.
    Derivative: that of the operand taken. An expression computed before the choice is still computed:
    keep its operands inside their domain too (`where(x > 0, log(where(x > 0, x, 1.0)), 0.0)`).
    """
    if condition.__class__ is bool and x.__class__ in _NUMBERS and y.__class__ in _NUMBERS:
        return x if condition else y
    if condition.__class__ is bool or not isinstance(condition, np.ndarray | list | tuple):
        if is_array_node(condition):
            raise TypeError("where: expected a boolean condition such as t > 0, got a Tensor")
        return _one_of(condition, x, y)
    if isinstance(condition, Vector):
        return condition.map(where, x, y)
    if condition.__class__ is not np.ndarray:
        condition = np.asanyarray(condition)  # what a formula compared stays known
    if condition.dtype != np.bool_:
        raise TypeError(f"where: expected booleans, got an array of dtype {condition.dtype}; write condition != 0")
    for u in (x, y):
        record = getattr(u.__class__, "_record", None)
        if record is not None:
            return record(choose.op, condition, x, y)
    if condition.__class__ is np.ndarray and x.__class__ in _NUMBERS and y.__class__ in _NUMBERS:
        return plainly(_one_of_two, condition, x, y)
    return np.where(condition, x, y)


def _one_of_two(condition: np.ndarray, x: float, y: float) -> np.ndarray:
    """np.where of two numbers, which it looks up: a third of the time, as no branch is mispredicted."""
    return np.array([y, x]).take(condition.view(np.uint8), mode="clip")


@structural(
    None,
    lambda g, z, condition, x, y: where(condition, g, 0.0),
    lambda g, z, condition, x, y: where(condition, 0.0, g),
    shown="where",
    turned=lambda: (),
)
def choose(condition: Operand, x: Operand, y: Operand) -> Operand:
    """x where the condition holds, else y, for boolean arrays; see `where`."""
    return np.where(condition, x, y)


def _one_of(condition: Operand, x: Operand, y: Operand) -> Operand:
    """x or y itself, by a single condition; of Tensors in the shape that both of them have together."""
    choose_by = getattr(condition.__class__, "_choose", None)
    if choose_by is not None:  # a condition that is not decided yet
        return choose_by(condition, x, y)
    taken, other = (x, y) if condition else (y, x)
    for u in (taken, other):
        if is_array_node(u) and hasattr(u, "backward"):
            shape = np.shape(taken)
            if u is taken and shape == np.broadcast_shapes(shape, np.shape(other)):
                return taken
            return choose(np.array(bool(condition)), x, y)
    if hasattr(other.__class__, "backward") and not hasattr(taken.__class__, "_record"):
        return other.__class__(taken)
    return taken


def _bounds(x: Operand, lo: Operand = None, hi: Operand = None) -> tuple[Operand, Operand, Operand]:
    if isinstance(x, list | tuple) and not isinstance(x, Vector):
        raise TypeError(f"clip: expected a single number, got {len(x)} of them; write [clip(u, lo, hi) for u in x]")
    check_plain("clip: the bounds", lo, hi)
    lo, hi = -np.inf if lo is None else lo, np.inf if hi is None else hi
    if np.any(np.asarray(lo) > np.asarray(hi)):
        raise ValueError(f"clip: lo={lo} > hi={hi}")
    return x, lo, hi


@elementwise(lambda z, x, lo, hi: where((x >= lo) & (x <= hi), 1, 0), None, None, door=_bounds)
def clip(x: Operand, lo: Operand = None, hi: Operand = None) -> Operand:
    """x, but at least lo and at most hi.

    x: any real, any shape. lo, hi: plain numbers, or for arrays also arrays; None for no bound;
    ValueError if lo > hi. Returns lo to hi.
    Derivative: 1 inside and on the bounds, 0 outside; lo and hi are not differentiated.
    nan stays nan, with slope 0.
    """
    if type(x) is float:
        return lo if x < lo else hi if x > hi else x
    return np.clip(x, lo, hi)


def check_plain(what: str, *numbers: Operand) -> None:
    """TypeError if one of them is a node: it would be taken as a number, and its gradient lost."""
    for n in numbers:
        if hasattr(n.__class__, "_record"):
            raise TypeError(f"{what} are not differentiated and must be plain numbers, got a {type(n).__name__}")
