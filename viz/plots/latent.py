"""The plane of codes: where an encoder puts the samples of each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd import Tensor
from autograd.arguments import shaped_array

from ..style import current, number
from .base import MARKERS, Axes, Look, class_tint, panels, styled, title_with_line

__all__ = ["plot_latent"]


@styled
def plot_latent(
    codes: object, labels: object = None, *, classes: Sequence[object] | None = None, ax: Axes | None = None
) -> Axes:
    """Codes as points of a plane, a colour and a marker for each class, whose name stands at its middle.

    codes    (n, k), a row for each sample, as an encoder gives them; of more than two numbers the plane in which they
             differ most is shown (their two principal axes)
    labels   the class of each, whole numbers from 0 or words; None for points without classes
    classes  what the classes are called; by default their labels

    Returns the Axes. ValueError for codes of one number, and for labels in another number.
    """
    where = "plot_latent"
    codes = shaped_array(f"{where}: codes", codes.numpy() if isinstance(codes, Tensor) else codes, (None, None))
    n, k = codes.shape
    if k < 2 or not n:
        raise ValueError(f"{where}: expected codes of two numbers or more for at least one sample, got {codes.shape}")
    names, places = _classes(where, labels, n, classes)
    codes, line = (codes, "") if k == 2 else _on_principal_axes(codes)

    (ax,) = panels(where, ax, 1, size=(5.2, 4.6))
    size = max(10.0, min(30.0, 6000.0 / n))
    colors, markers = current().classes, MARKERS
    for c, name in enumerate(names):
        x, y = codes[places == c].T
        color, marker = colors[c % len(colors)], markers[c % len(markers)]
        ax.scatter(x, y, s=size, color=color, marker=marker, alpha=0.75, linewidths=0, label=name)
    for c, name in enumerate(names if len(names) > 1 else []):
        middle = np.median(codes[places == c], axis=0)
        box: Look = {"boxstyle": "round,pad=0.25", "facecolor": class_tint(c % len(colors)), "edgecolor": "none"}
        look: Look = {"ha": "center", "va": "center", "fontsize": 9.5, "weight": "bold", "color": current().ink}
        ax.annotate(name, middle, bbox={**box, "alpha": 0.9}, **look)
    of = "code" if k == 2 else "principal axis"
    ax.set(xlabel=f"{of} 1", ylabel=f"{of} 2")
    title_with_line(ax, f"Codes of {n:,} samples", line)
    return ax


def _classes(where: str, labels: object, n: int, classes: Sequence[object] | None) -> tuple[list[str], np.ndarray]:
    """The names of the classes, and which each sample has."""
    if labels is None:
        return ["samples"], np.zeros(n, dtype=int)
    labels = np.asarray(labels)
    if labels.shape != (n,):
        raise ValueError(f"{where}: expected a label for each of {n} samples, got an array of shape {labels.shape}")
    found, places = np.unique(labels, return_inverse=True)
    names = [f"{c:g}" if isinstance(c, float | np.floating) else str(c) for c in found]
    if classes is not None:
        if len(classes) < len(found):
            raise ValueError(f"{where}: expected names for {len(found)} classes, got {len(classes)}")
        whole = labels.dtype.kind in "iuf" and (found == found.astype(int)).all()
        if whole and found.min() >= 0 and found.max() < len(classes):
            names = [str(classes[int(c)]) for c in found]
        else:
            names = [str(c) for c in classes[: len(found)]]
    return names, places


def _on_principal_axes(codes: np.ndarray) -> tuple[np.ndarray, str]:
    away = codes - codes.mean(axis=0)
    _, sizes, axes = np.linalg.svd(away, full_matrices=False)
    share = float((sizes[:2] ** 2).sum() / max((sizes**2).sum(), np.finfo(float).tiny))
    return away @ axes[:2].T, f"two principal axes of {codes.shape[1]}, {number(100 * share, 3)} % of the variance"
