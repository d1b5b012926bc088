"""An activation and its derivative, read from the table of operations; where the slope jumps is shown."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autograd import Value, gradients
from autograd.arguments import lookup
from autograd.graph import is_node
from autograd.op import Operation, table
from autograd.operands import real
from nn.activations import RandomizedLeakyReLU, activation_name, activations, find_activation, is_over_layer

from ..style import INK, LINE, POSITIVE, number
from .base import End, dress, finite, name_lines, panels, styled

__all__ = ["plot_activation"]


@styled
def plot_activation(activation: Any, *, low: float = -4.0, high: float = 4.0, ax: Any = None) -> Any:
    """An activation and its derivative, from the table of operations.

    activation  a name ("sigmoid"), an operation of one operand (autograd.tanh, autograd.sin), any
                function of one Value, or a list of these, each of which gets a panel
    low, high   the range of z

    The derivative is dashed. Where it jumps its ends are open circles, and a full one is the value
    that the table takes there. Returns the Axes, or an array of them for a list.

    ValueError for an unknown name (suggests the nearest) or an empty range; TypeError for an operation
    on several operands.
    """
    where = "plot_activation"
    low, high = real(low, f"{where}: low"), real(high, f"{where}: high")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{where}: expected low < high, both finite; got low={low:g}, high={high:g}")
    several = isinstance(activation, list | tuple)
    curves = [_curve(where, each) for each in (activation if several else [activation])]
    if not curves:
        raise ValueError(f"{where}: expected at least one activation, got an empty list")
    found = panels(where, ax, len(curves), columns=3, size=(3.9, 3.1))
    for panel, curve in zip(found, curves, strict=True):
        _draw_activation(panel, curve, low, high)
    return np.array(found, dtype=object) if several else found[0]


class _Curve(NamedTuple):
    """A function and its derivative on arrays, and what they are called."""

    title: str
    symbol: str
    function: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]


def _curve(where: str, activation: Any) -> _Curve:
    if isinstance(activation, Operation):
        op: Any = activation
    else:
        if isinstance(activation, str) and activation not in activations and activation in table:
            activation = table[activation]
        else:
            if not callable(activation):
                lookup("activation", activation, {**activations, **table})
            activation = find_activation(activation)
        op = getattr(activation, "op", activation if isinstance(activation, Operation) else None)
    if op is None:
        if is_over_layer(activation):
            raise TypeError(f"{where}: {activation.__name__} looks at a whole layer, not at one number")
        if isinstance(activation, RandomizedLeakyReLU):
            activation = RandomizedLeakyReLU(activation.lower, activation.upper).eval()
        name = activation_name(activation)
        name = name if name.isidentifier() else "f"  # a lambda calls itself <lambda>
        return _Curve(name, name, *_of_values(activation))
    rest = _defaults(op)
    if op.reduces or rest is None:
        raise TypeError(f"{where}: expected an operation on one number; {op.name} takes {_signature(op)}")
    return _Curve(op.name, op.symbol, *_of_table(op, rest))


def _defaults(op: Any) -> tuple[Any, ...] | None:
    """The operands after the first, as the forward function sets them; None if it does not."""
    rest = list(inspect.signature(op.forward).parameters.values())[1:]
    return None if any(p.default is p.empty for p in rest) else tuple(p.default for p in rest)


def _signature(op: Any) -> str:
    return str(inspect.signature(op.forward))


def _of_table(op: Any, rest: tuple[Any, ...]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def function(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return op.forward(x, *rest)

    def derivative(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.broadcast_to(op.derivative(0, op.forward(x, *rest), (x, *rest)), x.shape).astype(float)

    return function, derivative


def _of_values(f: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def at(x: float) -> tuple[float, float]:
        v = Value(x)
        z = f(v)
        return (z.data, gradients(z, v)) if is_node(z) else (float(z), 0.0)

    return lambda x: np.array([at(u)[0] for u in x.tolist()]), lambda x: np.array([at(u)[1] for u in x.tolist()])


def _draw_activation(ax: Any, curve: _Curve, low: float, high: float) -> None:
    ends, heights = [], []
    for f, text, color, line, width in (
        (curve.function, f"{curve.symbol}(z)", INK, "-", 2.2),
        (curve.derivative, f"{curve.symbol}′(z)", POSITIVE, "--", 2.0),
    ):
        jumps = _jumps(f, low, high)
        x, y = _pieces(f, low, high, jumps)
        ax.plot(x, y, color=color, linestyle=line, linewidth=width, dash_capstyle="round", zorder=3)
        for jump in jumps:
            _draw_jump(ax, f, jump, color)
        bulk = finite(y)
        # Next to a pole only the bulk of the curve counts.
        outer = 0 if np.isfinite(f(np.linspace(low, high, 401))).all() else 8
        heights.append(np.percentile(bulk, (outer, 100 - outer)) if bulk.size else (0.0, 1.0))
        ends.append(End(high, y[-1], text, color))
        if f is curve.derivative and not jumps:
            _mark_peak(ax, x, y, color)
    bottom, top = min(h[0] for h in heights), max(h[1] for h in heights)
    margin = 0.12 * (top - bottom) or 1.0
    ax.set_ylim(bottom - margin, top + margin)
    ax.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    dress(ax, curve.title, xlabel="$z$")
    ax.axhline(0, color=LINE, linewidth=0.9, zorder=1)
    ax.axvline(0, color=LINE, linewidth=0.9, zorder=1)
    name_lines(ax, ends)


def _jumps(f: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> list[float]:
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


def _pieces(
    f: Callable[[np.ndarray], np.ndarray], low: float, high: float, jumps: list[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Points of the curve, with a gap at every jump."""
    edges = [low, *jumps, high]
    xs: list[Any] = []
    ys: list[Any] = []
    for a, b in itertools.pairwise(edges):
        step = 1e-9 * max(1.0, abs(a), abs(b))
        x = np.linspace(a + step * (a in jumps), b - step * (b in jumps), 401)
        xs += [x, [x[-1]]]
        ys += [f(x), [np.nan]]
    return np.concatenate(xs)[:-1], np.concatenate(ys)[:-1]


def _draw_jump(ax: Any, f: Callable[[np.ndarray], np.ndarray], jump: float, color: str) -> None:
    step = 1e-9 * max(1.0, abs(jump))
    left, at, right = f(np.array([jump - step, jump, jump + step]))
    limits = [y for y in (left, right) if math.isfinite(y)]
    taken = [y for y in limits if abs(y - at) < 1e-6] or [at]
    look = {"marker": "o", "markersize": 6, "markeredgecolor": color, "markeredgewidth": 1.5, "linestyle": "none"}
    ax.plot([jump] * len(limits), limits, markerfacecolor="white", zorder=4, **look)
    if math.isfinite(at):
        ax.plot([jump], taken[:1], markerfacecolor=color, zorder=5, **look)


def _mark_peak(ax: Any, x: np.ndarray, y: np.ndarray, color: str) -> None:
    """The largest slope, if it is in between: 0.25 for the sigmoid is why gradients vanish."""
    if not np.isfinite(y).all() or y.max() <= max(y[0], y[-1]) + 1e-6:
        return
    top = np.flatnonzero(y >= y.max() - 1e-9)
    if np.ptp(x[top]) > 0.1 * np.ptp(x):
        return
    at = top[len(top) // 2]
    ax.annotate(
        f"max {number(y[at])}", (x[at], y[at]), (6, 6), textcoords="offset points", color=color, fontsize=9, zorder=5
    )
