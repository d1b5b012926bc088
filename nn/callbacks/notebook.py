"""A training as a notebook shows it: a bar, the numbers of the last epoch, and curves of the losses that grow."""

from __future__ import annotations

import html
import importlib
import math
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from .base import Logs
from .display import Lines

__all__ = ["Live", "notebook_display"]

SECONDS = 0.2  # between two pictures: more often nobody can look
WIDTH, HEIGHT, LEFT, BOTTOM = 480, 200, 56, 24  # of the curves, and the room for numbers beside and below them
POINTS = 400  # of a curve; of more epochs every other one is drawn, or fewer
COLORS = {"loss": "#1f77b4", "val_loss": "#d95f02"}


def notebook_display() -> Callable[..., object] | None:
    """IPython's own `display`, if it is running here as the kernel of a notebook; else None."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:
        return None
    found: Callable[..., object] = importlib.import_module("IPython.display").display
    return found


class Live(Lines):
    """One picture that is replaced while the training goes on.

    display: as IPython's. Each picture is HTML with an SVG in it, and as plain text the line of the epoch.
    """

    def __init__(self, display: Callable[..., object]) -> None:
        self._display = display
        self._handle: Any = None
        self._line = ""
        self._done = self._shown_at = 0.0
        self._first = self._epoch = 0
        self._curves: dict[str, list[tuple[int, float]]] = {}

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the clock, and show an empty bar before the first epoch."""
        super().on_epoch_begin(epoch, logs)
        self._epoch = epoch
        if self._handle is None:
            self._first = epoch
            self._show()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar on, if it is time."""
        epochs, steps = self.params.get("epochs", 1) - self._first, self.params.get("steps", 1)
        self._done = (self._epoch - self._first + (batch + 1) / steps) / epochs
        if time.perf_counter() - self._shown_at >= SECONDS:
            self._show()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the numbers of the epoch."""
        self._line = self.line(epoch, logs or {})
        for name in COLORS:
            if name in (logs or {}):
                self._curves.setdefault(name, []).append((epoch + 1, (logs or {})[name]))
        if time.perf_counter() - self._shown_at >= SECONDS:
            self._show()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Show how it ended, without the bar."""
        if self._handle is not None:
            self._show(is_over=True)
            self._handle = None

    def _show(self, is_over: bool = False) -> None:
        bar = "" if is_over else f'<progress max="1" value="{self._done:.4f}" style="width: {WIDTH}px"></progress>'
        line = f'<div style="font-family: monospace">{html.escape(self._line)}</div>'
        picture = {"text/html": f"<div>{bar}{line}{curves(self._curves)}</div>", "text/plain": self._line}
        if self._handle is None:
            self._handle = self._display(picture, raw=True, display_id=True)
        else:
            self._handle.update(picture, raw=True)
        self._shown_at = time.perf_counter()


def curves(numbers: dict[str, list[tuple[int, float]]]) -> str:
    """An SVG with a curve for each name, of (epoch, number); nothing until there are two epochs.

    Numbers that are not finite are left out. The numbers at the axis are the largest and the smallest.
    """
    finite = {name: [(e, y) for e, y in points if math.isfinite(y)] for name, points in numbers.items()}
    drawn = {name: points for name, points in finite.items() if len(points) > 1}
    if not drawn:
        return ""
    xs = [e for points in drawn.values() for e, _ in points]
    ys = [y for points in drawn.values() for _, y in points]
    x = _scale(min(xs), max(xs), LEFT, WIDTH - 8)
    y = _scale(max(ys), min(ys), 8, HEIGHT - BOTTOM)
    parts = [
        f'<path d="M{LEFT} 4V{HEIGHT - BOTTOM + 4}H{WIDTH}" fill="none" stroke="currentColor" stroke-opacity="0.4"/>'
    ]
    for name, points in drawn.items():
        path = " ".join(f"{x(e):.1f},{y(v):.1f}" for e, v in _thinned(points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLORS[name]}" stroke-width="1.5"/>')
    for number in sorted({min(ys), max(ys)}):
        parts.append(_text(LEFT - 4, y(number) + 4, "end", f"{number:.3g}"))
    for epoch in sorted({min(xs), max(xs)}):
        parts.append(_text(x(epoch), HEIGHT - 4, "middle" if epoch < max(xs) else "end", f"{epoch}"))
    for i, name in enumerate(drawn):
        parts.append(_text(WIDTH - 8, 20 + 16 * i, "end", name, COLORS[name]))
    return (
        f'<svg role="img" aria-label="{" and ".join(drawn)} by epoch" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">{"".join(parts)}</svg>'
    )


def _scale(first: float, last: float, start: float, end: float) -> Callable[[float], float]:
    """A straight map of numbers to places; all in the middle if there is one number."""
    length = last - first
    return lambda x: start + (end - start) * ((x - first) / length if length and math.isfinite(length) else 0.5)


def _thinned(points: Sequence[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    step = -(-len(points) // POINTS)
    return [*points[:-1:step], points[-1]]


def _text(x: float, y: float, anchor: str, text: str, color: str = "currentColor") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{html.escape(text)}</text>'
