"""Operations that choose: one of two by a condition, what lies between bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import array_forms, reduction, structural

__all__ = ["clip", "where"]


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y.

    condition: bool or boolean array. x, y: any operands. For a single condition the operand itself is
    returned, so the branch not taken is not part of the graph; a number that is taken instead of a Value
    comes as a Value.
    Derivative: that of the operand taken. An expression computed before the choice is still computed:
    keep its operands inside their domain too (`where(x > 0, log(where(x > 0, x, 1.0)), 0.0)`).
    """
    if condition.__class__ is bool or not isinstance(condition, np.ndarray | list | tuple):
        if getattr(condition.__class__, "_is_array", False):
            raise TypeError("where: expected a boolean condition such as t > 0, got a Tensor")
        return _one_of(condition, x, y)
    condition = np.asanyarray(condition)  # what a formula compared stays known
    if condition.dtype != np.bool_:
        raise TypeError(f"where: expected booleans, got an array of dtype {condition.dtype}; write condition != 0")
    for u in (x, y):
        record = getattr(u.__class__, "_record", None)
        if record is not None:
            return record(array_forms["where"], condition, x, y)
    return np.where(condition, x, y)


@reduction(lambda z, x, lo, hi: where((x >= lo) & (x <= hi), 1, 0), None, None)
def clip(x, lo, hi):
    """x, but at least lo and at most hi.

    x: any real. lo, hi: plain numbers; ValueError if lo > hi. Returns lo to hi.
    Derivative: 1 inside and on the bounds, 0 outside; lo and hi are not differentiated.
    nan stays nan, with slope 0.
    """
    if isinstance(x, tuple):
        raise TypeError(f"clip: expected a single number, got {len(x)} of them; write [clip(u, lo, hi) for u in x]")
    if lo > hi:
        raise ValueError(f"clip: lo={lo} > hi={hi}")
    return lo if x < lo else hi if x > hi else x


# ---------------------------------------------------------------- choosing


@structural(
    None,
    lambda g, z, condition, x, y: where(condition, g, 0.0),
    lambda g, z, condition, x, y: where(condition, 0.0, g),
    shown="where",
)
def choose(condition, x, y):
    """x where the condition holds, else y, for boolean arrays; see `autograd.where`."""
    return np.where(condition, x, y)


_NUMBERS = frozenset({float, int})


def _one_of(condition: Any, x: Any, y: Any) -> Any:
    """x or y itself, by a single condition; of arrays in the shape that both of them have together."""
    taken, other = (x, y) if condition else (y, x)
    if taken.__class__ in _NUMBERS and other.__class__ in _NUMBERS:
        return taken
    if getattr(x.__class__, "_is_array", False) or getattr(y.__class__, "_is_array", False):
        shape = np.shape(taken)
        if hasattr(taken.__class__, "_record") and shape == np.broadcast_shapes(shape, np.shape(other)):
            return taken
        return choose(np.array(bool(condition)), x, y)
    if hasattr(other.__class__, "backward") and not hasattr(taken.__class__, "_record"):
        return other.__class__(taken)
    return taken


def array_clip(x, lo, hi):
    """x, but at least lo and at most hi: numbers, arrays or None. Derivative: 1 inside and on the bounds."""
    check_plain("clip: the bounds", lo, hi)
    return clip_between(x, -np.inf if lo is None else lo, np.inf if hi is None else hi)


def check_plain(what: str, *numbers: Any) -> None:
    for n in numbers:
        if hasattr(n.__class__, "_record"):
            raise TypeError(f"{what} are not differentiated and must be plain numbers, got a {type(n).__name__}")


@structural(lambda g, z, x, lo, hi: where(_within(x, lo, hi), g, 0.0), None, None, shown="clip")
def clip_between(x, lo, hi):
    """x, but at least lo and at most hi, numbers or arrays. Derivative: 1 inside and on the bounds, else 0."""
    if np.any(np.asarray(lo) > np.asarray(hi)):
        raise ValueError(f"clip: lo={lo} > hi={hi}")
    return np.clip(x, lo, hi)


def _within(x: Any, lo: Any, hi: Any) -> Any:
    return np.asanyarray((x >= lo) & (x <= hi))
