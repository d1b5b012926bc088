"""Images in rows: samples, reconstructions beside what they are of, feature maps, what a net has drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.arguments import positive_integer
from autograd.operands import Operand, describe

from ..style import current, cut
from .base import MATH, Look, color_bar, diverging, finite, matplotlib, minuses, panels, styled

__all__ = ["plot_images"]

MOST = 100  # images in one plot


@styled
def plot_images(
    images: object,
    *,
    labels: Sequence[object] | None = None,
    rows: Sequence[str] | None = None,
    columns: int | None = None,
    max_images: int = MOST,
    ax: object = None,
) -> np.ndarray:
    """Images beside each other: samples, reconstructions below what they are of, feature maps.

    images      (n, height, width); (n, height, width, channels): gray with one channel, in colours with three from
                0 to 1 (or whole numbers to 255), else a row of maps for each sample, one for each channel, as a
                layer gives them; or a list of such arrays with equal n, one row below the other
    labels      a word above each image (of the first row)
    rows        a word before each row
    columns     images in a row, where there is one array; 10 at most by default
    max_images  so many are drawn

    All share one scale: from paper at the smallest to ink at the largest number; where some are negative, orange to
    blue about 0. Returns an array of Axes, one for each image.

    TypeError for what is no image; ValueError for other shapes, and for labels or rows in another number.
    """
    where = "plot_images"
    given = list(images) if isinstance(images, list | tuple) and np.ndim(_numbers(images[0])) > 2 else [images]
    table = [row for each in given for row in _rows(where, each)]
    most = positive_integer(where, "max_images", max_images)
    if len(table) == 1:
        across = min(len(table[0]), 10) if columns is None else positive_integer(where, "columns", columns)
        shown = table[0][:most]
    else:
        if len({len(row) for row in table}) > 1:
            raise ValueError(f"{where}: expected rows of equal length, got {', '.join(str(len(r)) for r in table)}")
        across = len(table[0])
        shown = [image for row in table[: max(1, most // across)] for image in row]
    lines = math.ceil(len(shown) / across)
    _check_words(where, "labels", labels, min(len(shown), across) if len(table) > 1 else len(shown))
    _check_words(where, "rows", rows, lines)

    numbers = finite(np.concatenate([image.ravel() for image in shown]))
    low, high = float(numbers.min(initial=0.0)), float(numbers.max(initial=0.0))
    is_signed = low < 0
    most_seen = max(-low, high) or 1.0
    scale: Look = {"vmin": -most_seen if is_signed else 0.0, "vmax": most_seen}
    height, width = shown[0].shape[:2]
    side = max(0.62, min(1.3, 9.0 / across))
    size = (side * max(1.0, width / height), side * max(1.0, height / width) + 0.22 * (labels is not None))
    found = panels(where, ax, len(shown), columns=across, size=size)
    drawn = None
    for i, (panel, image) in enumerate(zip(found, shown, strict=False)):
        is_colored = image.ndim == 3
        drawn = panel.imshow(image, cmap=None if is_colored else diverging() if is_signed else _ink(), **scale)
        if is_signed and not is_colored:
            minuses(panel, image, most_seen)
        panel.set(xticks=[], yticks=[])
        panel.grid(False)
        panel.spines[:].set(visible=True, color=current().line, linewidth=0.8)
        if labels is not None and i < len(labels):
            panel.set_title(cut(str(labels[i]), 14), loc="center", fontsize=8.5, weight="normal", pad=3)
        if rows is not None and i % across == 0:
            panel.set_ylabel(rows[i // across], rotation=0, ha="right", va="center", fontsize=MATH - 3)
    if is_signed and drawn is not None and shown[0].ndim == 2:
        bar = color_bar(drawn, found, shrink=0.9, pad=0.02, aspect=max(20, 12 * lines))
        bar.ax.tick_params(labelsize=8.5)
    return np.array(found, dtype=object)


def _numbers(images: Operand) -> Operand:
    return images.numpy() if isinstance(images, Tensor) else images


def _rows(where: str, images: Operand) -> list[list[np.ndarray]]:
    """The images of an array, in rows: one, or for maps of several channels one for each sample."""
    try:
        array = np.asarray(_numbers(images))
        is_whole = array.dtype.kind in "iu"
        array = array.astype(float)
    except (TypeError, ValueError):
        raise TypeError(f"{where}: expected an array of images, got {describe(images)}") from None
    if array.ndim == 2:
        array = array[None]
    if array.ndim not in (3, 4) or not array.size:
        raise ValueError(
            f"{where}: expected images (n, height, width) or (n, height, width, channels), got shape {array.shape}; "
            "rows of pixels become images by x.reshape(-1, height, width)"
        )
    if array.ndim == 3:
        return [list(array)]
    if array.shape[-1] == 1:
        return [list(array[..., 0])]
    top = 255.0 if is_whole else 1.0
    if array.shape[-1] == 3 and array.min() >= 0 and array.max() <= top:
        return [list(array / top)]
    return [list(np.moveaxis(sample, -1, 0)) for sample in array]


def _check_words(where: str, what: str, words: Sequence[object] | None, count: int) -> None:
    if words is not None and len(words) < count:
        raise ValueError(f"{where}: expected {what} for {count} of them, got {len(words)}")


def _ink() -> Any:
    """From paper at the smallest number to ink at the largest."""
    colors = matplotlib("colors")
    return colors.LinearSegmentedColormap.from_list("gradpath_ink", [current().paper, current().ink])
