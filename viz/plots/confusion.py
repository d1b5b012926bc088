"""Which classes a net takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.arguments import shaped_array
from nn.metrics import confusion_matrix

from ..style import GREY, INK, LINE, NEGATIVE, POSITIVE, number
from .base import beside, dress, matplotlib, panels, readable_on, styled, title_with_line

__all__ = ["plot_confusion_matrix"]


# ---------------------------------------------------------------- confusion


@styled
def plot_confusion_matrix(
    truth: Any,
    predicted: Any = None,
    *,
    classes: Sequence[Any] | None = None,
    threshold: float = 0.5,
    ax: Any = None,
) -> Any:
    """How often each true class (a row) was predicted as which (a column).

    truth, predicted  labels, one for each sample; or one-hot rows and outputs, as `nn.metrics` takes
                      them. Or only `truth`: the matrix of counts itself.
    classes           what the rows and columns are called; by default the labels in order.
    threshold         for a single output: above it is class 1

    The diagonal is blue and what was confused orange, by the share of the row, with the count in
    every cell and the share of each row that is right beside it. Returns the Axes.

    ValueError if the two differ in length, for a matrix that is not square or has negative counts,
    and for another number of classes.
    """
    counts, labels = _confusion(truth, predicted, threshold)
    if classes is not None:
        labels = [str(c) for c in classes]
    if len(labels) != len(counts):
        raise ValueError(f"plot_confusion_matrix: expected {len(counts)} classes; got {len(labels)}")
    side = max(3.6, 0.46 * len(counts) + 1.4)
    (ax,) = panels("plot_confusion_matrix", ax, 1, size=(side + 0.6, side))
    totals = counts.sum(axis=1)
    with np.errstate(all="ignore"):
        shares = np.nan_to_num(counts / totals[:, None])
    colors = _confusion_colors(shares)
    ax.imshow(colors, interpolation="nearest", aspect="equal")
    _write_counts(ax, counts, colors)
    right, total = np.trace(counts), counts.sum()
    dress(ax, "", xlabel="predicted", ylabel="true", grid=False)
    share = f"{right / total:.1%} right" if total else "no samples"
    title_with_line(ax, "Confusion matrix", f"{share} of {number(total)}" if total else share)
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, labels)) > 4 else {}
    ax.set_xticks(range(len(labels)), labels, **slanted)
    ax.set_yticks(range(len(labels)), labels)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    edge = len(labels) - 0.42
    look = {"color": beside(ax, GREY), "fontsize": 8.5, "annotation_clip": False}
    ax.annotate("right", (edge, -0.6), va="bottom", **look)
    for i, (row, n) in enumerate(zip(shares, totals, strict=True)):
        text = f"{row[i]:.0%}" if n else "–"
        ax.annotate(text, (edge, i), va="center", **look)
    return ax


def _confusion(truth: Any, predicted: Any, threshold: float) -> tuple[np.ndarray, list[str]]:
    """The counts, and what the classes are called."""
    where = "plot_confusion_matrix"
    if predicted is None:
        counts = shaped_array(f"{where}: matrix", truth, (None, None))
        if counts.shape[0] != counts.shape[1] or not counts.size:
            raise ValueError(f"{where}: expected a square matrix of counts; got shape {counts.shape}")
        if not (counts >= 0).all():
            raise ValueError(f"{where}: expected counts of at least 0; got {number(counts[~(counts >= 0)][0])}")
        return counts, [str(i) for i in range(len(counts))]
    rows, columns = np.asarray(truth), np.asarray(predicted)
    if not (_are_labels(rows) and _are_labels(columns)):
        counts = confusion_matrix(truth, predicted, threshold=threshold)
        return counts.astype(float), [str(i) for i in range(len(counts))]
    if rows.shape != columns.shape or not rows.size:
        expected = "one prediction for each true label, and at least one"
        raise ValueError(f"{where}: expected {expected}; got {len(columns)} and {len(rows)}")
    classes, codes = np.unique(np.concatenate([rows, columns]), return_inverse=True)
    counts = confusion_matrix(codes[: len(rows)], codes[len(rows) :], len(classes))
    return counts.astype(float), [str(c) for c in classes]


def _are_labels(array: np.ndarray) -> bool:
    return array.ndim == 1 and array.dtype.kind in "iubUS"


def _confusion_colors(shares: np.ndarray) -> np.ndarray:
    """Blue on the diagonal and orange beside it; the darker the larger the share of the row."""
    to_rgb = matplotlib("colors").to_rgb
    colors = np.empty((*shares.shape, 3))
    for is_right, color in ((True, POSITIVE), (False, NEGATIVE)):
        mask = np.eye(len(shares), dtype=bool) == is_right
        # The root lets a confusion of a few percent be seen.
        strength = shares[mask][:, None] ** (1.0 if is_right else 0.5)
        colors[mask] = 1 - strength * (1 - np.array(to_rgb(color)))
    return colors


def _write_counts(ax: Any, counts: np.ndarray, colors: np.ndarray) -> None:
    size = min(10.0, 130 / len(counts))
    for (i, j), n in np.ndenumerate(counts):
        style = {"weight": "bold"} if i == j else {}
        color = readable_on(colors[i, j]) if n else LINE
        ax.text(j, i, number(n) if n else "·", ha="center", va="center", fontsize=size, color=color, **style)
    rectangle = matplotlib("patches").Rectangle
    for i in range(len(counts)):
        ax.add_patch(rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=0.8))
