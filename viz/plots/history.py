"""How a training went: its loss and metrics over the epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.arguments import shaped_array
from autograd.operands import describe

from ..style import current
from .base import Axes, End, Look, count_axis, finite, log_axis, name_lines, number, panels, styled

__all__ = ["plot_history"]

_VALIDATION = "val_"
_MARK = "_gradpath_history"  # what Axes are known by that hold a history
_LOOKS = {"": ("train", "positive", "-", "o"), _VALIDATION: ("validation", "negative", "--", "s")}


@styled
def plot_history(history: object, *, ax: object = None) -> Any:
    """Loss and metrics over the epochs, of the training and of the validation data.

    history: a mapping such as {"loss": [...], "val_loss": [...], "accuracy": [...]}, an object with such
    a `.history` as `fit` returns it, the model itself, or the result of Perceptron.fit. `val_` marks the
    validation data.

    What was validated after every k-th epoch only, as `fit(validation_freq=k)` does, stands at these.

    The first panel shows the loss on a log axis (linear if some loss is not positive), with the epoch
    of the least loss marked: of the validation loss if there is one. Each metric has a panel beside
    it, with the same epoch marked. Returns the Axes, or an array of them if there are metrics.

    Drawn again on Axes that it has drawn on, as in an animation, it takes the place of what was there.

    TypeError for what is no history; ValueError if it has no loss or its lists differ in length.
    """
    curves = _curves(history)
    metrics = [name for name in curves if name != "loss" and not name.startswith(_VALIDATION)]
    best = _best_epoch(curves.get("val_loss", curves["loss"]))
    for each in np.ravel(np.array(ax, dtype=object)):
        if each is not None and getattr(each, _MARK, False):
            each.clear()
    found = panels("plot_history", ax, 1 + len(metrics))
    for panel in found:
        setattr(panel, _MARK, True)
    for panel, name in zip(found, ["loss", *metrics], strict=True):
        shown = {prefix: curves[prefix + name] for prefix in _LOOKS if prefix + name in curves}
        _draw(panel, name, shown, best)
    return found[0] if len(found) == 1 else np.array(found, dtype=object)


def _draw(ax: Axes, name: str, shown: dict[str, np.ndarray], best: int | None) -> None:
    """The curves of one quantity, of the training and perhaps of the validation data."""
    ends = []
    for prefix, curve in shown.items():
        text, part, line, marker = _LOOKS[prefix]
        color = getattr(current(), part)
        measured = ~np.ma.getmaskarray(curve)
        x, y = 1 + np.flatnonzero(measured), np.asarray(curve[measured])
        ax.plot(x, y, color=color, linestyle=line, marker=marker if len(x) < 3 else None)
        if (lone := _lone(y)).any():
            ax.plot(x[lone], y[lone], color=color, linestyle="none", marker=marker)
        ends += [End(x[i], y[i], text, color) for i in np.flatnonzero(np.isfinite(y))[-1:]]  # a diverged one ends early
    numbers = np.concatenate([finite(np.ma.filled(curve, np.nan)) for curve in shown.values()])
    is_log = name == "loss" and numbers.size > 0 and bool(numbers.min() > 0)
    count_axis(ax, 1, len(curve))
    if is_log:
        log_axis(ax, numbers.min(), numbers.max())
    if not numbers.size:
        ax.text(0.5, 0.5, "no finite number", transform=ax.transAxes, ha="center", va="center", color=current().grey)
    ax.set(title=f"{name.replace('_', ' ').capitalize()}{' (log scale)' * is_log}", xlabel="epoch")
    if best is not None:
        _mark_best(ax, best, np.ma.filled(curve, np.nan), color, is_least=name == "loss")
    if len(shown) > 1:
        name_lines(ax, ends)


def _mark_best(ax: Axes, best: int, curve: np.ndarray, color: str, *, is_least: bool) -> None:
    value = curve[best - 1]
    if not math.isfinite(value):
        return
    ax.axvline(best, color=current().line, linewidth=0.9, linestyle=":", zorder=1)
    ax.plot(
        [best], [value], "o", markersize=8, markerfacecolor=current().paper, markeredgecolor=color, markeredgewidth=2
    )
    # A loss comes down from the top left and a metric goes up, so the text stands in the other corner.
    y, up = (1, -7) if is_least else (0, 7)
    side, align = (-5, "right") if best > 0.5 * len(curve) else (5, "left")
    text = f"{'best ' * is_least}{number(value)} @ epoch {best}"
    look: Look = {"textcoords": "offset points", "ha": align, "va": "center", "color": current().grey, "fontsize": 9}
    ax.annotate(text, (best, y), (side, up), xycoords=("data", "axes fraction"), **look).set_in_layout(False)


def _best_epoch(losses: np.ndarray) -> int | None:
    """The epoch of the least loss, counted from 1; None if no loss is a number."""
    numbers = np.ma.filled(losses, np.nan)
    return None if np.isnan(numbers).all() else int(np.nanargmin(numbers)) + 1


def _lone(curve: np.ndarray) -> np.ndarray:
    """Which numbers stand between two that are none: no line would show them."""
    is_number = np.concatenate([[False], np.isfinite(curve), [False]])
    before, here, after = is_number[:-2], is_number[1:-1], is_number[2:]
    return np.logical_and(here, ~(before | after))


def _curves(history: object) -> dict[str, np.ndarray]:
    given, every = history, 1
    while not isinstance(given, Mapping) and hasattr(given, "history"):  # a model has a History, which has one
        every = getattr(given, "params", {}).get("validation_freq", 1)
        given = given.history
    if hasattr(given, "losses"):
        given = {"loss": given.losses}
    if not isinstance(given, Mapping):
        expected = 'a mapping such as {"loss": [...], "val_loss": [...]} or an object with such a .history'
        raise TypeError(f"plot_history: expected {expected}; got {describe(history)}")
    curves = {str(k): shaped_array(f"plot_history: {k}", v, (None,)) for k, v in given.items()}
    if every > 1 and "loss" in curves:
        curves = {
            k: _spread(v, every, len(curves["loss"])) if k.startswith(_VALIDATION) else v for k, v in curves.items()
        }
    if "loss" not in curves:
        raise ValueError(f"plot_history: expected a key 'loss'; got {', '.join(curves) or 'no keys'}")
    lengths = {name: len(curve) for name, curve in curves.items()}
    if len(set(lengths.values())) > 1:
        each = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"plot_history: expected one number for each epoch in every list; got {each}")
    if not lengths["loss"]:
        raise ValueError("plot_history: the history has no epochs yet; train first")
    return curves


def _spread(curve: np.ndarray, every: int, epochs: int) -> np.ndarray:
    """What was measured after every k-th epoch, at these; the others are masked, and nan."""
    if len(curve) != epochs // every:
        return curve
    found, is_masked = np.full(epochs, np.nan), np.ones(epochs, dtype=bool)
    found[every - 1 :: every], is_masked[every - 1 :: every] = curve, False
    return np.ma.MaskedArray(found, is_masked)
