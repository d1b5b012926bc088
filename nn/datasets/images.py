"""Images with their labels, as every reader of them returns them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..data import scale_to_unit

__all__ = ["Samples", "shaped"]


class Samples(NamedTuple):
    """Inputs x, a row for each sample, and their targets y, or None where a file has none."""

    x: Any
    y: Any


def shaped(name: str, pixels: np.ndarray, *, flat: bool, unit: bool, high: float = 255) -> np.ndarray:
    """Images as asked for: (n, height, width), or (n, pixels) if flat; in [0, 1] if unit.

    pixels: (n, height, width), or (n, pixels) of square images. name: for the message.
    high: the value of a full pixel.
    """
    size = math.prod(pixels.shape[1:])
    if flat:
        pixels = pixels.reshape(len(pixels), size)
    elif pixels.ndim == 2:
        side = math.isqrt(size)
        if side * side != size:
            raise ValueError(f"{name}: {size} pixels are not a square image; read them with flat=True")
        pixels = pixels.reshape(len(pixels), side, side)
    return scale_to_unit(pixels, high) if unit else pixels
