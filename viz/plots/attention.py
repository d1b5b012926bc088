"""Which step looks at which: the weights of attention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd import Tensor
from autograd.operands import describe

from ..style import current, cut, number
from .base import Look, color_bar, finite, matplotlib, panels, readable_on, styled

__all__ = ["plot_attention"]

WRITTEN = 12  # steps up to which the numbers stand in the squares


@styled
def plot_attention(
    weights: object,
    queries: Sequence[object] | None = None,
    keys: Sequence[object] | None = None,
    *,
    columns: int = 4,
    ax: object = None,
) -> np.ndarray:
    """How much each step (a row) looks at each (a column): the weights of attention, a panel for each head.

    weights  P, (T, S), or (heads, T, S), rows that add up to 1; of a batch give one sample, `P[0]`
    queries  a word for each of the T steps, such as the letters of a text; numbers from 1 by default
    keys     a word for each of the S steps; those of the queries if there are as many
    columns  panels in a row

    The darker, the more; squares of 0, as a causal mask leaves them, stay empty. Up to 12 steps have their numbers.
    Returns an array of Axes, one for each head.

    TypeError for what is no array; ValueError for other shapes, for numbers below 0 or above 1, and for words in
    another number.
    """
    where = "plot_attention"
    array = _array(where, weights)
    heads, t, s = array.shape
    rows = _words(where, "queries", queries, t)
    below = _words(where, "keys", rows if keys is None and queries is not None and s == t else keys, s)

    side = max(2.2, min(5.0, 0.34 * max(t, s) + 1.0))
    found = panels(where, ax, heads, columns=columns, size=(side * s / max(t, s) + 0.8, side * t / max(t, s) + 0.7))
    colors = matplotlib("colors")
    ink = colors.LinearSegmentedColormap.from_list("gradpath_weight", [current().paper, current().positive])
    ink = ink.with_extremes(bad=current().mixed(current().grey, 0.4))
    drawn = None
    for head, (panel, p) in enumerate(zip(found, array, strict=False), 1):
        drawn = panel.imshow(p, cmap=ink, vmin=0.0, vmax=1.0, aspect="equal")
        panel.grid(False)
        panel.spines[:].set(visible=True, color=current().line, linewidth=0.8)
        slanted: Look = {"rotation": 90} if max(map(len, below)) > 2 else {}
        panel.set_xticks(range(s), below, **slanted)
        panel.set_yticks(range(t), rows)
        panel.tick_params(length=0, labelsize=max(6.0, min(9.5, 190 / max(t, s))))
        panel.set(xlabel="looked at", ylabel="looking")
        if heads > 1:
            panel.set_title(f"head {head}", loc="center", fontsize=10, weight="normal", pad=4)
        if max(t, s) <= WRITTEN:
            for (i, j), w in np.ndenumerate(p):
                if w > 0.005:
                    look: Look = {"ha": "center", "va": "center", "fontsize": min(8.5, 62 / max(t, s) + 2)}
                    panel.text(j, i, f"{w:.2f}".removeprefix("0"), color=readable_on(ink(w)[:3]), **look)
    if drawn is not None and max(t, s) > WRITTEN:
        color_bar(drawn, found, shrink=0.8, pad=0.02).ax.tick_params(labelsize=8.5)
    if ax is None:
        of = f"{heads} heads, " if heads > 1 else ""
        look = {"x": 0.01, "ha": "left", "weight": "bold", "fontsize": 11.5}
        found[0].figure.suptitle(f"Attention ({of}{number(t)} steps on {number(s)})", **look)
    return np.array(found, dtype=object)


def _array(where: str, weights: object) -> np.ndarray:
    try:
        array = np.asarray(weights.numpy() if isinstance(weights, Tensor) else weights, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{where}: expected an array of weights, got {describe(weights)}") from None
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim not in (2, 3) or not array.size:
        raise ValueError(
            f"{where}: expected weights (steps, steps) or (heads, steps, steps), got shape {array.shape}; "
            "of a batch give one sample, P[0]"
        )
    numbers = finite(array)
    if numbers.size and not (numbers.min() >= 0 and numbers.max() <= 1 + 1e-6):
        raise ValueError(
            f"{where}: expected weights from 0 to 1, got {number(float(numbers.min()))} to "
            f"{number(float(numbers.max()))}: they are softmax(scores), not the scores"
        )
    return array if array.ndim == 3 else array[None]


def _words(where: str, what: str, words: Sequence[object] | None, n: int) -> list[str]:
    if words is None:
        return [str(i) for i in range(1, n + 1)]
    if len(words) != n:
        raise ValueError(f"{where}: expected {what} for {n} steps, got {len(words)}")
    return [cut(str(word), 12) for word in words]
