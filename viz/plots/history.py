"""How a training went: the history of its loss, the gradients of its layers, what it confuses in the end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.arguments import shaped_array
from autograd.operands import describe

from ..style import GREY, LINE, NEGATIVE, POSITIVE, number
from .base import End, count_axis, dress, log_axis, name_lines, panels, styled

__all__ = ["plot_history"]

_VALIDATION = "val_"


# ---------------------------------------------------------------- history


@styled
def plot_history(history: Any, *, ax: Any = None) -> Any:
    """Loss and metrics over the epochs, of the training and of the validation data.

    history: a mapping such as {"loss": [...], "val_loss": [...], "accuracy": [...]}, an object with such
    a `.history` as `fit` returns it, the model itself, or the result of Perceptron.fit. `val_` marks the
    validation data.

    What was validated after every k-th epoch only, as `fit(validation_freq=k)` does, stands at these.

    The first panel shows the loss on a log axis (linear if some loss is not positive), with the epoch
    of the least loss marked: of the validation loss if there is one. Each metric has a panel beside
    it, with the same epoch marked. Returns the Axes, or an array of them if there are metrics.

    TypeError for what is no history; ValueError if it has no loss or its lists differ in length.
    """
    curves = _curves(history)
    metrics = [name for name in curves if name != "loss" and not name.startswith(_VALIDATION)]
    epochs = np.arange(1, len(curves["loss"]) + 1)
    best = _best_epoch(curves.get("val_loss", curves["loss"]))
    found = panels("plot_history", ax, 1 + len(metrics))
    for panel, name in zip(found, ["loss", *metrics], strict=True):
        _history_panel(panel, name, epochs, curves, best)
    return found[0] if len(found) == 1 else np.array(found, dtype=object)


def _curves(history: Any) -> dict[str, np.ndarray]:
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
    found = np.ma.masked_all(epochs)
    found.data[:] = np.nan
    found[every - 1 :: every] = curve
    return found


def _best_epoch(losses: np.ndarray) -> int | None:
    """The epoch of the least loss, counted from 1; None if no loss is a number."""
    numbers = np.ma.filled(losses, np.nan)
    return None if np.isnan(numbers).all() else int(np.nanargmin(numbers)) + 1


def _history_panel(ax: Any, name: str, epochs: np.ndarray, curves: dict[str, np.ndarray], best: int | None) -> None:
    shown: list[tuple[np.ndarray, np.ndarray, str, str]] = []
    looks = ((name, "train", POSITIVE, "-", "o"), (_VALIDATION + name, "validation", NEGATIVE, "--", "s"))
    for key, text, color, line, marker in looks:
        if key in curves:
            measured = ~np.ma.getmaskarray(curves[key])
            at, curve = epochs[measured], np.asarray(curves[key][measured])
            shown.append((at, curve, text, color))
            ax.plot(at, curve, color=color, linestyle=line, marker=marker if len(at) < 3 else None)
            if (lone := _lone(curve)).any():
                ax.plot(at[lone], curve[lone], color=color, linestyle="none", marker=marker)
    finite = np.concatenate([curve[np.isfinite(curve)] for _, curve, *_ in shown])
    if not finite.size:
        ax.text(0.5, 0.5, "no finite number", transform=ax.transAxes, ha="center", va="center", color=GREY)
    is_log = name == "loss" and finite.size > 0 and bool(finite.min() > 0)
    count_axis(ax, 1, len(epochs))
    if is_log:
        log_axis(ax, finite.min(), finite.max())
    dress(ax, f"{name.replace('_', ' ').capitalize()}{' (log scale)' * is_log}", xlabel="epoch")
    if best is not None:
        curve = curves[_VALIDATION + name if _VALIDATION + name in curves else name]
        _mark_best(ax, best, curve, shown[-1][-1], is_least=name == "loss")
    if len(shown) > 1:
        name_lines(ax, [_end(*line) for line in shown if np.isfinite(line[1]).any()])


def _end(at: np.ndarray, curve: np.ndarray, text: str, color: str) -> End:
    """The last number of a line, which a training that diverged has before its end."""
    last = np.flatnonzero(np.isfinite(curve))[-1]
    return End(at[last], curve[last], text, color)


def _lone(curve: np.ndarray) -> np.ndarray:
    """Which numbers stand between two that are none: no line would show them."""
    is_number = np.concatenate([[False], np.isfinite(curve), [False]])
    return is_number[1:-1] & ~is_number[:-2] & ~is_number[2:]


def _mark_best(ax: Any, best: int, curve: np.ndarray, color: str, *, is_least: bool) -> None:
    value = float(np.ma.filled(curve, np.nan)[best - 1])
    if not math.isfinite(value):
        return
    ax.axvline(best, color=LINE, linewidth=0.9, linestyle=":", zorder=1)
    ax.plot([best], [value], "o", markersize=8, markerfacecolor="white", markeredgecolor=color, markeredgewidth=2)
    # A loss comes down from the top left and a metric goes up, so the text stands in the other corner.
    is_late = best > 0.5 * len(curve)
    text = ax.annotate(
        f"{'best ' * is_least}{number(value)} @ epoch {best}",
        (best, 1.0 if is_least else 0.0),
        (-5 if is_late else 5, -7 if is_least else 7),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if is_late else "left",
        va="center",
        color=GREY,
        fontsize=9,
    )
    text.set_in_layout(False)  # it needs no room of its own
