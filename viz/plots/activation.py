"""An activation and its derivative, read from the table of operations; where the slope jumps is shown."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.operands import real

from ..style import current
from .base import MATH, Axes, End, Look, finite, name_lines, number, panels, styled
from .curves import Curve, Function, curve_of, jumps, pieces

__all__ = ["plot_activation"]


@styled
def plot_activation(activation: Any, *, low: float = -4.0, high: float = 4.0, ax: object = None) -> Any:
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
    curves = [curve_of(where, each) for each in (activation if several else [activation])]
    if not curves:
        raise ValueError(f"{where}: expected at least one activation, got an empty list")
    found = panels(where, ax, len(curves), columns=3, size=(3.9, 3.1))
    for panel, curve in zip(found, curves, strict=True):
        _draw(panel, curve, low, high)
    return np.array(found, dtype=object) if several else found[0]


def _draw(ax: Axes, curve: Curve, low: float, high: float) -> None:
    ends: list[End] = []
    extremes: list[float] = []
    for f, text, color, line, width in (
        (curve.function, f"{curve.symbol}(z)", current().ink, "-", 2.2),
        (curve.derivative, f"{curve.symbol}′(z)", current().positive, "--", 2.0),
    ):
        gaps = jumps(f, low, high)
        x, y = pieces(f, low, high, gaps)
        ax.plot(x, y, color=color, linestyle=line, linewidth=width, dash_capstyle="round", zorder=3)
        for jump in gaps:
            _mark_jump(ax, f, jump, color)
        if f is curve.derivative and not gaps:
            _mark_peak(ax, x, y, color)
        # Next to a pole only the bulk of the curve counts.
        outer = 0 if np.isfinite(f(np.linspace(low, high, 401))).all() else 8
        extremes += list(np.percentile(finite(y), (outer, 100 - outer))) if finite(y).size else [0.0, 1.0]
        ends.append(End(high, y[-1], text, color))
    margin = 0.12 * (max(extremes) - min(extremes)) or 1.0
    ax.set_ylim(min(extremes) - margin, max(extremes) + margin)
    ax.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    ax.axhline(0, color=current().line, linewidth=0.9, zorder=1)
    ax.axvline(0, color=current().line, linewidth=0.9, zorder=1)
    ax.set_title(curve.title)
    ax.set_xlabel("$z$", size=MATH)
    name_lines(ax, ends)


def _mark_jump(ax: Axes, f: Function, jump: float, color: str) -> None:
    """Open circles where the curve breaks off, a full one at the value that it takes."""
    step = 1e-9 * max(1.0, abs(jump))
    left, at, right = f(np.array([jump - step, jump, jump + step]))
    limits = [y for y in (left, right) if math.isfinite(y)]
    look: Look = {"marker": "o", "markersize": 6, "markeredgecolor": color, "markeredgewidth": 1.5, "linestyle": "none"}
    ax.plot([jump] * len(limits), limits, markerfacecolor=current().paper, zorder=4, **look)
    if math.isfinite(at):
        taken = next((y for y in limits if abs(y - at) < 1e-6), at)
        ax.plot([jump], [taken], markerfacecolor=color, zorder=5, **look)


def _mark_peak(ax: Axes, x: np.ndarray, y: np.ndarray, color: str) -> None:
    """The largest slope, if it is in between: 0.25 for the sigmoid is why gradients vanish."""
    if not np.isfinite(y).all() or y.max() <= max(y[0], y[-1]) + 1e-6:
        return
    top = np.flatnonzero(y >= y.max() - 1e-9)
    if np.ptp(x[top]) <= 0.1 * np.ptp(x):
        at = (x[top[len(top) // 2]], y.max())
        ax.annotate(f"max {number(y.max())}", at, (6, 6), textcoords="offset points", color=color, fontsize=9)
