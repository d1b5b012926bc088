"""A loss over one or two of the weights it depends on, and how gradient descent goes down on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.arguments import not_negative, positive_integer
from autograd.operands import Operand

from ..style import current
from .base import (
    MARKERS,
    MATH,
    Axes,
    Look,
    at_least_two,
    color_bar,
    finite,
    math_name,
    matplotlib,
    number,
    panels,
    styled,
    tick_text,
)
from .landscape import Landscape, chosen_weights, loss_of, points_of, ranges_of, restored

__all__ = ["plot_loss_surface"]

_TEXT: Look = {"textcoords": "offset points", "weight": "bold", "fontsize": 9.5, "zorder": 6}


@styled
def plot_loss_surface(
    loss: Callable[..., object],
    weights: object,
    *,
    model: Any = None,
    starts: Sequence[Operand] | None = None,
    path: object = None,
    learning_rate: float = 0.1,
    steps: int = 50,
    span: object = None,
    resolution: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A loss over one or two chosen weights, and how gradient descent goes down on it.

    loss           a function without arguments, or of the model if one is given, that computes the
                   loss from the weights as they are now
    weights        one or two numbers that the loss depends on: Values, or pairs of a Tensor and an
                   index, (W, (0, 1)); or labels such as "w[1]_1,1" if the model is given
    starts         where descents begin: a list of numbers for one weight, of pairs for two; by
                   default the weights as they are
    path           where the weights went in a training of your own, one row for each step, instead
                   of descents from `starts`
    learning_rate  and steps: of the descents w = w - learning_rate · ∂L/∂w, in which only the chosen
                   weights move
    span           the range to draw, (low, high), or one such pair for each weight; by default it
                   holds all paths with room around them
    resolution     points along each axis, by default 400 for one weight and 41 for two

    ax             two-dimensional, or for two weights of projection "3d", on which the loss is a surface

    One weight gives a curve on which every start rolls down into its minimum; two give contours, on a
    log scale if the loss is positive throughout. The weights have their numbers back when the
    function ends, however it ends; `.grad` is not touched. Returns the Axes.

    TypeError and ValueError for weights that are no leaves, for a loss that is no single number, and
    for starts, paths and spans of another shape.
    """
    where = "plot_loss_surface"
    chosen = chosen_weights(weights, model)
    count = len(chosen)
    landscape = Landscape(loss_of(loss, model), chosen)
    with restored([*(w.node for w in chosen), *(model.parameters() if model is not None else [])]):
        if path is not None:
            paths = [points_of("path", path, count)]
        else:
            rate = not_negative(where, "learning_rate", learning_rate)
            steps = positive_integer(where, "steps", steps)
            begin = [[w.read() for w in chosen]] if starts is None else points_of("starts", starts, count)
            paths = [landscape.descent(start, rate, steps) for start in begin]
        resolution = at_least_two(
            where, "resolution", (400 if count == 1 else 41) if resolution is None else resolution
        )
        axes = [np.linspace(low, high, resolution) for low, high in ranges_of(span, np.concatenate(paths))]
        heights = landscape.heights(np.stack(np.meshgrid(*axes), axis=-1))
        along = [landscape.heights(p) for p in paths]
    if not finite(heights).size:
        raise ValueError(f"{where}: the loss is nan or infinite on all of the range; choose another span")

    names = [math_name(w.label or f"w_{i}") for i, w in enumerate(chosen, 1)]
    (ax,) = panels(where, ax, 1, size=(5.6, 3.8) if count == 1 else (5.8, 4.6))
    if ax.name == "3d":
        if count == 1:
            raise ValueError(f"{where}: Axes of projection '3d' are for two weights, got one")
        _draw_surface(ax, axes, heights, paths, along)
        ax.set_ylabel(names[1], size=MATH)
    elif count == 1:
        _draw_valley(ax, axes[0], heights, [p[:, 0] for p in paths], along, names[0])
    else:
        _draw_contours(ax, axes, heights, paths)
        ax.set_ylabel(names[1], size=MATH)
    ax.set_xlabel(names[0], size=MATH)
    ax.set(xlim=axes[0][[0, -1]])
    return ax


def _draw_valley(
    ax: Axes, x: np.ndarray, heights: np.ndarray, paths: list[np.ndarray], along: list[np.ndarray], name: str
) -> None:
    """The curve of a single weight, every descent on it, and the minima they fall into."""
    ax.plot(x, heights, color=current().ink, linewidth=2, zorder=2)
    for i, (p, y) in enumerate(zip(paths, along, strict=True)):
        color, marker = current().classes[i % len(current().classes)], MARKERS[i % len(MARKERS)]
        look: Look = {"color": color, "marker": marker}
        ax.plot(
            p, y, markersize=5, markeredgecolor=current().paper, markeredgewidth=0.5, linewidth=1.2, zorder=3, **look
        )
        ax.plot(p[:1], y[:1], markersize=9, markerfacecolor=current().paper, zorder=4, **look)
        _write(ax, f"start {i + 1}" if len(paths) > 1 else "start", (p[0], y[0]), (0, 9), color=color, ha="center")

    ends: dict[tuple[float, float], list[str]] = {}  # a minimum, and which descents came there
    span = x[-1] - x[0]
    for i, (p, y) in enumerate(zip(paths, along, strict=True), 1):
        near = next((at for at in ends if abs(at[0] - p[-1]) < 0.03 * span), (p[-1], y[-1]))
        ends.setdefault(near, []).append(str(i))
    last, drop = -math.inf, 0
    for (w, loss), starts in sorted(ends.items()):
        drop = 1 - drop if w - last < 0.2 * span else 0  # neighbours stand at two heights
        last = w
        ax.plot(
            [w],
            [loss],
            marker="*",
            markersize=14,
            markerfacecolor=current().paper,
            markeredgecolor=current().ink,
            zorder=5,
        )
        text = f"{name} = {number(w)}, $L$ = {number(loss)}"
        text += f"\nfrom start{'s' * (len(starts) > 1)} {', '.join(starts)}" if len(paths) > 1 else ""
        look = {"ha": "center", "va": "top", "color": current().grey, "fontsize": 8.5, "weight": "normal"}
        _write(ax, text, (w, loss), (0, -11 - 25 * drop), **look)

    curve, visited = finite(heights), finite(np.concatenate(along))
    bottom = min(curve.min(), visited.min(initial=np.inf))
    room = max(visited.max(initial=bottom) - bottom, 0.25 * (curve.max() - bottom)) or 1.0
    ax.set(title="Loss and gradient descent", ylabel="loss", ylim=(bottom - 0.45 * room, bottom + 1.25 * room))


def _draw_contours(ax: Axes, axes: list[np.ndarray], heights: np.ndarray, paths: list[np.ndarray]) -> None:
    """The loss over two weights in colours, on a log scale if it is positive, with every descent on it."""
    ticker = matplotlib("ticker")
    low, high = float(finite(heights).min()), float(finite(heights).max())
    ticks = ticker.MaxNLocator(6)
    norm, levels = None, np.linspace(low, high if high > low else low + 1.0, 17)
    if low > 0 and high / low > 5:
        norm, levels = matplotlib("colors").LogNorm(low, high), np.geomspace(low, high * (1 + 1e-9), 17)
        ticks = ticker.LogLocator(subs=(1, 2, 5) if high / low < 1000 else (1,), numticks=9)
    heights = np.ma.masked_invalid(heights)
    filled = ax.contourf(*axes, heights, levels=levels, cmap="cividis", norm=norm)
    ax.contour(*axes, heights, levels=levels, colors="white", linewidths=0.5, alpha=0.6)
    bar = color_bar(filled, ax, pad=0.03, aspect=28, format=ticker.FuncFormatter(lambda y, _: tick_text(y)))
    bar.set_ticks([t for t in ticks.tick_values(low, high) if low <= t <= high])
    bar.minorticks_off()
    bar.set_label("loss", color=current().ink)
    for i, p in enumerate(paths, 1):
        _draw_path(ax, p, f"start {i}" if len(paths) > 1 else "start")
    ax.grid(False)
    ax.set(title="Loss surface and gradient descent", ylim=axes[1][[0, -1]])


def _draw_surface(
    ax: Any, axes: list[np.ndarray], heights: np.ndarray, paths: list[np.ndarray], along: list[np.ndarray]
) -> None:
    """The loss over two weights as a surface, with every descent on it."""
    ax.plot_surface(*np.meshgrid(*axes), np.ma.masked_invalid(heights), cmap="cividis", alpha=0.75, linewidth=0)
    look: Look = {"color": current().negative, "zorder": 5}
    for p, z in zip(paths, along, strict=True):
        ax.plot(*p.T, z, marker="o", markersize=3, linewidth=2, **look)
        ax.plot(*p[-1:].T, z[-1:], marker="*", markersize=12, markeredgecolor=current().ink, **look)
    ax.set(title="Loss surface and gradient descent", ylim=axes[1][[0, -1]], zlabel="loss")


def _draw_path(ax: Axes, p: np.ndarray, name: str) -> None:
    """A descent, readable on light and dark ground: orange on white, ring at the start, star at the end."""
    ax.plot(*p.T, color=current().paper, linewidth=4, zorder=3)
    ax.plot(
        *p.T,
        color=current().negative,
        linewidth=1.8,
        marker="o",
        markersize=4,
        markeredgecolor=current().paper,
        zorder=4,
    )
    look: Look = {
        "markerfacecolor": current().paper,
        "markeredgecolor": current().ink,
        "markeredgewidth": 1.3,
        "zorder": 5,
    }
    ax.plot(*p[:1].T, marker="o", markersize=9, **look)
    ax.plot(*p[-1:].T, marker="*", markersize=15, **look)
    _write(ax, name, p[0], (9, 7), color=current().ink)
    if name == "start":  # of several, two may end at the same place
        across, up = np.abs(np.diff(ax.transAxes.inverted().transform(ax.transData.transform(p[[0, -1]])), axis=0)[0])
        _write(ax, "end", p[-1], (9, -16) if across < 0.12 and up < 0.06 else (9, 7), color=current().ink)


def _write(ax: Axes, text: str, at: Operand, offset: tuple[float, float], **look: Any) -> None:
    """Text that can be read on any ground."""
    outline = [matplotlib("patheffects").withStroke(linewidth=2.5, foreground=current().paper)]
    ax.annotate(text, at, offset, **{**_TEXT, "path_effects": outline, **look})
