"""A function of one number and its derivative: from the table of operations or from Values, and where they jump."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from autograd import Value, gradients
from autograd.arguments import call_of, lookup
from autograd.graph import is_node
from autograd.op import Operation, named, table
from autograd.operands import Operand
from nn.activations import RandomizedLeakyReLU, activation_name, activations, find_activation, is_over_layer

__all__ = ["Curve", "curve_of", "jumps", "pieces"]

Function = Callable[[np.ndarray], np.ndarray]


class Curve(NamedTuple):
    """A function and its derivative on arrays, and what they are called."""

    title: str
    symbol: str
    function: Function
    derivative: Function


def curve_of(where: str, activation: Operand) -> Curve:
    """The curve of a name, an operation, or a function of one Value; TypeError for what needs more than one number."""
    if isinstance(activation, str) and activation not in activations:
        activation = named(activation) or activation
    if isinstance(activation, Operation):
        op: Operation | None = activation
    else:
        if not callable(activation):
            lookup("activation", activation, {**activations, **{op.shown: op for op in table.values()}})
        activation = find_activation(activation)
        op = getattr(activation, "op", None)
    if op is not None:
        signature = inspect.signature(op.forward)
        defaults = tuple(p.default for p in signature.parameters.values())[1:]
        if op.reduces or inspect.Parameter.empty in defaults:
            raise TypeError(f"{where}: expected an operation on one number; {op.shown} takes {call_of(op.forward)}")
        return Curve(op.forward.__name__, op.symbol, *_of_table(op, defaults))
    if is_over_layer(activation):
        raise TypeError(f"{where}: {activation.__name__} looks at a whole layer, not at one number")
    if isinstance(activation, RandomizedLeakyReLU):
        activation = RandomizedLeakyReLU(activation.lower, activation.upper).eval()
    name = activation_name(activation)
    name = name if name.isidentifier() else "f"  # a lambda calls itself <lambda>
    return Curve(name, name, *_of_values(activation))


def _of_table(op: Operation, rest: tuple[object, ...]) -> tuple[Function, Function]:
    def function(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.asarray(op.forward(x, *rest))

    def derivative(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            slopes = op.derivative(0, op.forward(x, *rest), (x, *rest))
        return np.broadcast_to(slopes, x.shape).astype(float)

    return function, derivative


def _of_values(f: Callable[[Value], Operand]) -> tuple[Function, Function]:
    def at(x: float) -> tuple[float, float]:
        v = Value(x)
        z = f(v)
        return (z.data, gradients(z, v)) if is_node(z) else (float(z), 0.0)

    return lambda x: np.array([at(u)[0] for u in x.tolist()]), lambda x: np.array([at(u)[1] for u in x.tolist()])


def jumps(f: Function, low: float, high: float) -> list[float]:
    """Where f jumps between low and high: found on a grid, then by halving the interval."""
    x = np.linspace(low, high, 321)
    y = f(x)
    spread = float(np.ptp(y[np.isfinite(y)])) if np.isfinite(y).any() else 0.0
    if not spread:
        return []
    a, b = x[:-1], x[1:]
    with np.errstate(invalid="ignore"):
        for _ in range(60):
            middle = (a + b) / 2
            left, at, right = f(a), f(middle), f(b)
            is_left = np.abs(at - left) >= np.abs(right - at)
            a, b = np.where(is_left, a, middle), np.where(is_left, middle, b)
            # What is continuous rises less and less in ever smaller intervals, and is soon left out.
            stays = np.where(is_left, np.abs(at - left), np.abs(right - at)) > 1e-3 * spread
            a, b = a[stays], b[stays]
            if not a.size:
                return []
    places = sorted(float(f"{place:.9f}") for place in (a + b) / 2)
    return [p for i, p in enumerate(places) if not i or p - places[i - 1] > 1e-6]


def pieces(f: Function, low: float, high: float, gaps: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Points of the curve, with a gap at every jump."""
    xs, ys = [], []
    for a, b in itertools.pairwise([low, *gaps, high]):
        step = 1e-9 * max(1.0, abs(a), abs(b))
        x = np.linspace(a + step * (a in gaps), b - step * (b in gaps), 401)
        xs += [x, x[-1:]]
        ys += [f(x), np.array([np.nan])]
    return np.concatenate(xs)[:-1], np.concatenate(ys)[:-1]
