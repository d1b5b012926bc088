"""A loss over one or two of the weights it depends on, and how gradient descent goes down on it."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from autograd import Tensor, gradients, no_grad
from autograd.arguments import lookup, not_negative, positive_integer
from autograd.formulas.names import parse
from autograd.graph import is_node
from autograd.operands import describe, real

from ..style import GREY, INK, LINE, NEGATIVE, number
from .base import (
    CLASS_COLORS,
    MARKERS,
    at_least_two,
    beside,
    dress,
    finite,
    math_name,
    matplotlib,
    panels,
    styled,
    tick_text,
)

__all__ = ["plot_loss_surface"]


@styled
def plot_loss_surface(
    loss: Callable[..., Any],
    weights: Any,
    *,
    model: Any = None,
    starts: Sequence[Any] | None = None,
    path: Any = None,
    learning_rate: float = 0.1,
    steps: int = 50,
    span: Any = None,
    resolution: int | None = None,
    ax: Any = None,
) -> Any:
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

    One weight gives a curve on which every start rolls down into its minimum; two give contours, on a
    log scale if the loss is positive throughout. The weights have their numbers back when the
    function ends, however it ends; `.grad` is not touched. Returns the Axes.

    TypeError and ValueError for weights that are no leaves, for a loss that is no single number, and
    for starts, paths and spans of another shape.
    """
    chosen = _chosen("plot_loss_surface", weights, model)
    if resolution is None:
        resolution = 400 if len(chosen) == 1 else 41
    landscape = _Landscape(_of_model(loss, model), chosen)
    with _restored([*(w.node for w in chosen), *(model.parameters() if model is not None else [])]):
        if path is not None:
            paths = [_points("path", path, len(chosen))]
        else:
            rate = not_negative("plot_loss_surface", "learning_rate", learning_rate)
            count = positive_integer("plot_loss_surface", "steps", steps)
            here = [[w.read() for w in chosen]]
            begin = here if starts is None else _points("starts", starts, len(chosen))
            paths = [landscape.descent(start, rate, count) for start in begin]
        ranges = _ranges(span, np.concatenate(paths))
        count = at_least_two("plot_loss_surface", "resolution", resolution)
        axes = [np.linspace(low, high, count) for low, high in ranges]
        heights = landscape.heights(np.stack(np.meshgrid(*axes), axis=-1))
        along = [landscape.heights(p) for p in paths] if len(chosen) == 1 else []

    if not finite(heights).size:
        raise ValueError("plot_loss_surface: the loss is nan or infinite on all of the range; choose another span")
    (ax,) = panels("plot_loss_surface", ax, 1, size=(5.6, 3.8) if len(chosen) == 1 else (5.8, 4.6))
    names = [math_name(w.label or f"w_{i}") for i, w in enumerate(chosen, 1)]
    if len(chosen) == 1:
        _draw_valley(ax, axes[0], heights, [p[:, 0] for p in paths], along, names[0])
    else:
        _draw_contours(ax, axes, heights, paths, names)
    return ax


class _Weight(NamedTuple):
    """One number that a loss depends on: a Value, or an element of a Tensor."""

    node: Any
    place: tuple[int, ...] | None = None  # in the Tensor

    @property
    def label(self) -> str | None:
        if self.place is None or self.node.label is None:
            return self.node.label
        return f"{self.node.label}_{','.join(str(i + 1) for i in self.place)}"

    def read(self) -> float:
        return float(self.of(_numbers(self.node)))

    def write(self, x: float) -> None:
        if self.place is None:
            self.node.data = x
        else:
            data = _numbers(self.node).copy()
            data[self.place] = x
            self.node.data = data

    def of(self, array: Any) -> Any:
        """The element of an array of the node's shape that belongs to this weight."""
        return array if self.place is None else array[self.place]


class _Landscape:
    """The loss as a function of the chosen weights alone; it moves them."""

    def __init__(self, loss: Callable[[], Any], weights: list[_Weight]) -> None:
        self._loss, self._weights = loss, weights

    def heights(self, points: np.ndarray) -> np.ndarray:
        """The loss at every point, of shape (..., weights)."""
        found = []
        with no_grad():
            for point in points.reshape(-1, len(self._weights)):
                self._go_to(point)
                found.append(_as_number(self._loss()))
        return np.array(found).reshape(points.shape[:-1])

    def descent(self, start: Any, learning_rate: float, steps: int) -> np.ndarray:
        """The points from the start on, shape (points, weights); it ends early where it runs to infinity."""
        points = [np.array(start, dtype=float)]
        for _ in range(steps):
            self._go_to(points[-1])
            loss = self._loss()
            if not is_node(loss):
                _as_number(loss)
                raise TypeError("plot_loss_surface: expected the loss to be a node, to follow its gradient; give path=")
            found = gradients(loss, [w.node for w in self._weights])
            slope = np.array([w.of(g) for w, g in zip(self._weights, found, strict=True)])
            point = points[-1] - learning_rate * slope
            if not np.isfinite(point).all() or np.abs(point).max() > 1e6:
                break
            points.append(point)
        return np.array(points)

    def _go_to(self, point: Any) -> None:
        for w, data in zip(self._weights, point, strict=True):
            w.write(float(data))


def _as_number(loss: Any) -> float:
    try:
        return real(loss.data if is_node(loss) else loss)
    except TypeError:
        expected = "expected the loss to be a single number"
        raise TypeError(f"plot_loss_surface: {expected}, got {describe(loss)}") from None


@contextlib.contextmanager
def _restored(parameters: Sequence[Any]) -> Iterator[None]:
    """Whatever happens inside, the parameters have their numbers back afterwards."""
    before = [np.copy(x) if isinstance(x := _numbers(p), np.ndarray) else x for p in parameters]
    try:
        yield
    finally:
        for p, data in zip(parameters, before, strict=True):
            if not np.array_equal(_numbers(p), data, equal_nan=True):
                p.data = data


def _numbers(node: Any) -> Any:
    """What a node holds, only to be read: a Tensor watches an array that it has given away."""
    return node.numpy() if isinstance(node, Tensor) else node.data


def _of_model(loss: Any, model: Any) -> Callable[[], Any]:
    if not callable(loss):
        advice = "; write lambda: ... around it, so that it can be computed anew" if is_node(loss) else ""
        raise TypeError(f"plot_loss_surface: expected the loss to be a function, got {describe(loss)}{advice}")
    if model is None:
        return loss
    required = [p for p in inspect.signature(loss).parameters.values() if p.default is p.empty]
    return (lambda: loss(model)) if required else loss


def _chosen(where: str, weights: Any, model: Any) -> list[_Weight]:
    is_pair = isinstance(weights, tuple) and len(weights) == 2 and isinstance(weights[1], int | tuple)
    given = list(weights) if isinstance(weights, list | tuple) and not is_pair else [weights]
    if len(given) not in (1, 2):
        raise ValueError(f"{where}: expected one or two weights, got {len(given)}")
    found = [_labelled(where, w, model) if isinstance(w, str) else _weight(where, w) for w in given]
    if len(found) == 2 and found[0].node is found[1].node and found[0].place == found[1].place:
        raise ValueError(f"{where}: expected two different weights, got {found[0].node!r} twice")
    return found


def _weight(where: str, given: Any) -> _Weight:
    node, index = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    if not is_node(node):
        raise TypeError(f"{where}: expected weights to be Values, (Tensor, index) or labels, got {describe(node)}")
    if not node.is_leaf:
        raise ValueError(f"{where}: {node!r} is the result of an operation; choose a weight, which can be set")
    if index is None and np.ndim(_numbers(node)) == 0:
        return _Weight(node)
    shape = np.shape(_numbers(node))
    index = tuple(index) if isinstance(index, tuple) else (index,)
    is_inside = len(index) == len(shape) and all(
        isinstance(i, int) and 0 <= i < n for i, n in zip(index, shape, strict=True)
    )
    if not is_inside:
        raise ValueError(
            f"{where}: expected an index into shape {shape}, such as (W, {tuple(0 for _ in shape)}); got {index}"
        )
    return _Weight(node, index)


def _labelled(where: str, label: str, model: Any) -> _Weight:
    """The Value of this label, or the element of the Tensor that carries it without the index."""
    if model is None:
        raise ValueError(f"{where}: to find weights by their labels give model=, or give the nodes themselves")
    by_label = {p.label: p for p in model.parameters() if p.label}
    name = parse(label)
    if label not in by_label and name is not None and all(i.isdigit() for i in name.index):
        whole = replace(name, index=(), attached=False).label()
        if whole in by_label:
            return _weight(where, (by_label[whole], tuple(int(i) - 1 for i in name.index)))
    return _weight(where, lookup("weight", label, by_label))


def _points(what: str, given: Any, dimensions: int) -> np.ndarray:
    expected = "a list of numbers" if dimensions == 1 else "a list of pairs"
    points = _floats(what, given, expected)
    if dimensions == 1 and points.ndim == 1:
        points = points[:, None]
    if points.ndim != 2 or points.shape[1] != dimensions or not len(points) or not np.isfinite(points).all():
        came = f"shape {points.shape}" if np.isfinite(points).all() else "nan or infinity"
        raise ValueError(f"plot_loss_surface: expected {what} to be {expected}, finite; got {came}")
    return points


def _floats(what: str, given: Any, expected: str) -> np.ndarray:
    try:
        return np.array(given, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"plot_loss_surface: expected {what} to be {expected}; got {given!r}") from None


def _ranges(span: Any, points: np.ndarray) -> list[tuple[float, float]]:
    dimensions = points.shape[1]
    if span is None:
        low, high = points.min(axis=0), points.max(axis=0)
        margin = np.maximum((0.35 if dimensions == 2 else 0.2) * (high - low), 0.5)
        return list(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))
    expected = "(low, high) with low < high" + ", or such a pair for each weight" * (dimensions == 2)
    pairs = _floats("span", span, expected)
    if pairs.shape == (2,):
        pairs = np.tile(pairs, (dimensions, 1))
    if pairs.shape != (dimensions, 2) or not np.isfinite(pairs).all() or not (pairs[:, 0] < pairs[:, 1]).all():
        raise ValueError(f"plot_loss_surface: expected span to be {expected}; got {span!r}")
    return [(low, high) for low, high in pairs.tolist()]


def _draw_valley(
    ax: Any, x: np.ndarray, heights: np.ndarray, paths: list[np.ndarray], along: list[np.ndarray], name: str
) -> None:
    """The curve of a single weight, every descent on it, and the minima they fall into."""
    ax.plot(x, heights, color=INK, linewidth=2, zorder=2)
    for i, (p, y) in enumerate(zip(paths, along, strict=True)):
        color, marker = CLASS_COLORS[i % len(CLASS_COLORS)], MARKERS[i % len(MARKERS)]
        edge = {"markeredgecolor": "white", "markeredgewidth": 0.5}
        ax.plot(p, y, color=color, marker=marker, markersize=5, linewidth=1.2, zorder=3, **edge)
        ax.plot(p[:1], y[:1], marker=marker, markersize=9, markerfacecolor="white", markeredgecolor=color, zorder=4)
        text = f"start {i + 1}" if len(paths) > 1 else "start"
        _write_outlined(ax, text, (p[0], y[0]), (0, 9), color=color, ha="center")
    _name_minima(ax, _minima(paths, along, x[-1] - x[0]), name, len(paths), x[-1] - x[0])
    curve, visited = finite(heights), finite(np.concatenate(along))
    bottom = min(curve.min(), visited.min(initial=np.inf))
    room = max(visited.max(initial=bottom) - bottom, 0.25 * (curve.max() - bottom)) or 1.0
    ax.set_ylim(bottom - 0.45 * room, bottom + 1.25 * room)
    ax.set_xlim(x[0], x[-1])
    dress(ax, "Loss and gradient descent", xlabel=name, ylabel="loss")


def _name_minima(ax: Any, minima: list[tuple[float, float, list[int]]], name: str, descents: int, span: float) -> None:
    last, drop = -math.inf, 0
    for w, loss, starts in sorted(minima):
        drop = 1 - drop if w - last < 0.2 * span else 0  # neighbours stand at two heights
        last = w
        ax.plot([w], [loss], marker="*", markersize=14, markerfacecolor="white", markeredgecolor=INK, zorder=5)
        text = f"{name} = {number(w)}, $L$ = {number(loss)}"
        if descents > 1:
            text += f"\nfrom start{'s' * (len(starts) > 1)} {', '.join(map(str, starts))}"
        look = {"va": "top", "color": GREY, "fontsize": 8.5, "weight": "normal"}
        _write_outlined(ax, text, (w, loss), (0, -11 - 25 * drop), ha="center", **look)


def _minima(paths: list[np.ndarray], along: list[np.ndarray], span: float) -> list[tuple[float, float, list[int]]]:
    """Where the descents ended: weight, loss, and which of them came there."""
    found: list[tuple[float, float, list[int]]] = []
    for i, (p, y) in enumerate(zip(paths, along, strict=True), 1):
        near = next((m for m in found if abs(m[0] - p[-1]) < 0.03 * span), None)
        if near is None:
            found.append((float(p[-1]), float(y[-1]), [i]))
        else:
            near[2].append(i)
    return found


def _draw_contours(
    ax: Any, axes: list[np.ndarray], heights: np.ndarray, paths: list[np.ndarray], names: list[str]
) -> None:
    ticker, colors = matplotlib("ticker"), matplotlib("colors")
    low, high = float(finite(heights).min()), float(finite(heights).max())
    if low > 0 and high / low > 5:
        levels, norm = np.geomspace(low, high * (1 + 1e-9), 17), colors.LogNorm(low, high)
    else:
        levels, norm = np.linspace(low, high if high > low else low + 1.0, 17), None
    filled = ax.contourf(*axes, np.ma.masked_invalid(heights), levels=levels, cmap="cividis", norm=norm)
    ax.contour(*axes, np.ma.masked_invalid(heights), levels=levels, colors="white", linewidths=0.5, alpha=0.6)
    bar = ax.figure.colorbar(filled, ax=ax, pad=0.03, aspect=28, format=ticker.FuncFormatter(lambda y, _: tick_text(y)))
    bar.set_ticks([t for t in _round_numbers(low, high, is_log=norm is not None) if low <= t <= high])
    bar.minorticks_off()
    bar.outline.set_visible(False)
    bar.ax.tick_params(color=LINE, labelcolor=beside(ax, GREY))
    bar.set_label("loss", color=beside(ax, INK))
    for i, p in enumerate(paths, 1):
        _draw_path(ax, p, f"start {i}" if len(paths) > 1 else "start")
    dress(ax, "Loss surface and gradient descent", xlabel=names[0], ylabel=names[1], grid=False)
    ax.set_xlim(axes[0][0], axes[0][-1])
    ax.set_ylim(axes[1][0], axes[1][-1])


def _round_numbers(low: float, high: float, *, is_log: bool) -> list[float]:
    """Ticks for a scale from low to high."""
    ticker = matplotlib("ticker")
    if not is_log:
        return list(ticker.MaxNLocator(6).tick_values(low, high))
    subs = (1, 2, 5) if high / low < 1000 else (1,)
    return list(ticker.LogLocator(subs=subs, numticks=9).tick_values(low, high))


def _draw_path(ax: Any, p: np.ndarray, name: str) -> None:
    """A descent, readable on light and dark ground: orange on white, ring at the start, star at the end."""
    ax.plot(*p.T, color="white", linewidth=4, zorder=3)
    ax.plot(*p.T, color=NEGATIVE, linewidth=1.8, marker="o", markersize=4, markeredgecolor="white", zorder=4)
    look = {"markerfacecolor": "white", "markeredgecolor": INK, "markeredgewidth": 1.3, "zorder": 5}
    ax.plot(*p[:1].T, marker="o", markersize=9, **look)
    ax.plot(*p[-1:].T, marker="*", markersize=15, **look)
    _write_outlined(ax, name, p[0], (9, 7), color=INK)
    if name == "start":  # of several, two may end at the same place
        start, end = ax.transAxes.inverted().transform(ax.transData.transform(p[[0, -1]]))
        across, up = np.abs(end - start)
        _write_outlined(ax, "end", p[-1], (9, -16) if across < 0.12 and up < 0.06 else (9, 7), color=INK)


def _write_outlined(ax: Any, text: str, at: Any, offset: tuple[float, float], **look: Any) -> None:
    """Text that can be read on any ground."""
    outline = [matplotlib("patheffects").withStroke(linewidth=2.5, foreground="white")]
    look = {"weight": "bold", "fontsize": 9.5, "zorder": 6, "path_effects": outline, **look}
    ax.annotate(text, at, offset, textcoords="offset points", **look)
