"""Which classes a net takes for which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd.arguments import shaped_array
from autograd.operands import Operand
from nn.metrics import confusion_matrix

from ..style import current, number
from .base import OUTSIDE, Axes, Look, matplotlib, panels, readable_on, styled, title_with_line

__all__ = ["plot_confusion_matrix"]


@styled
def plot_confusion_matrix(
    truth: Operand,
    predicted: Operand = None,
    *,
    classes: Sequence[object] | None = None,
    threshold: float = 0.5,
    ax: Axes | None = None,
) -> Axes:
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
    where = "plot_confusion_matrix"
    counts, labels = _counts(where, truth, predicted, threshold)
    labels = labels if classes is None else [str(c) for c in classes]
    n = len(counts)
    if len(labels) != n:
        raise ValueError(f"{where}: expected {n} classes; got {len(labels)}")
    totals, total = counts.sum(axis=1), counts.sum()
    shares = counts / np.maximum(totals, 1)[:, None]
    colors = _colors(shares)

    side = max(3.6, 0.46 * n + 1.4)
    (ax,) = panels(where, ax, 1, size=(side + 0.6, side))
    ax.imshow(colors, interpolation="nearest", aspect="equal")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    for (i, j), count in np.ndenumerate(counts):
        look: Look = {
            "color": readable_on(colors[i, j]) if count else current().line,
            "weight": "bold" if i == j else "normal",
        }
        ax.text(j, i, number(count) if count else "·", ha="center", va="center", fontsize=min(10.0, 130 / n), **look)
    beside: Look = {"xytext": (0, 0), "color": current().grey, "fontsize": 8.5, **OUTSIDE}
    ax.annotate("right", (n - 0.42, -0.6), va="bottom", **beside)
    for i in range(n):
        ax.add_patch(
            matplotlib("patches").Rectangle(
                (i - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=current().ink, linewidth=0.8
            )
        )
        ax.annotate(f"{shares[i, i]:.0%}" if totals[i] else "–", (n - 0.42, i), va="center", **beside)
    slanted: Look = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, labels)) > 4 else {}
    ax.set_xticks(range(n), labels, **slanted)
    ax.set_yticks(range(n), labels)
    ax.tick_params(length=0)
    ax.set(xlabel="predicted", ylabel="true")
    right = f"{np.trace(counts) / total:.1%} right of {number(total)}" if total else "no samples"
    title_with_line(ax, "Confusion matrix", right)
    return ax


def _colors(shares: np.ndarray) -> np.ndarray:
    """Blue on the diagonal and orange beside it; the darker the larger the share of the row."""
    is_right = np.eye(len(shares), dtype=bool)
    strength = np.where(is_right, shares, np.sqrt(shares))  # the root lets a confusion of a few percent be seen
    full = np.where(is_right[..., None], *map(matplotlib("colors").to_rgb, (current().positive, current().negative)))
    paper = np.array(matplotlib("colors").to_rgb(current().paper))
    return paper + strength[..., None] * (full - paper)


def _counts(where: str, truth: Operand, predicted: Operand, threshold: float) -> tuple[np.ndarray, list[str]]:
    """The counts, and what the classes are called."""
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
