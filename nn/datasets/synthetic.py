"""Small data sets made by a formula and noise: two classes in a plane, functions of one number.

Rows come in random order, so that the last part of them is a fair sample. Each takes `rng`, an int
seed, a numpy Generator or None, and `noise`, the standard deviation of what is added to each
coordinate. x: (samples, features) float64; y: (samples,) int64 labels, or (samples, 1) float64.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from autograd.arguments import Rng, checked_fraction, generator, lookup, not_negative, positive_integer

from .images import Samples

__all__ = ["circles", "curve", "moons", "spirals", "xor"]

CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "line": lambda x: 2 * x + 1,
    "parabola": lambda x: x * x,
    "cubic": lambda x: x * x * x - x,
    "abs": np.abs,
    "step": lambda x: np.where(x < 0, 0.0, 1.0),
    "sine": np.sin,
    "sinc": np.sinc,
    "bump": lambda x: np.exp(-x * x),
}


def xor(samples: int = 4, noise: float = 0.0, *, rng: Rng = None) -> Samples:
    """The corners of the unit square; y is 1 where exactly one coordinate is.

    As many of each corner as of the others, to within one.
    """
    corner = np.arange(positive_integer("xor", "samples", samples)) % 4
    x = np.stack([corner // 2, corner % 2], axis=1).astype(np.float64)
    return _shuffled("xor", x, (corner // 2) ^ (corner % 2), noise, rng)


def moons(samples: int = 100, noise: float = 0.1, *, rng: Rng = None) -> Samples:
    """Two half circles of radius 1 that reach into each other; half of the samples on each.

    Without noise the points of scikit-learn's make_moons.
    """
    upper, lower = _halves("moons", samples)
    s, t = np.linspace(0, np.pi, upper), np.linspace(0, np.pi, lower)
    x = np.concatenate([np.stack([np.cos(s), np.sin(s)], 1), np.stack([1 - np.cos(t), 0.5 - np.sin(t)], 1)])
    return _shuffled("moons", x, np.repeat([0, 1], [upper, lower]), noise, rng)


def circles(samples: int = 100, noise: float = 0.05, *, factor: float = 0.5, rng: Rng = None) -> Samples:
    """A circle of radius 1 (label 0) around one of radius `factor` (label 1); half of the samples on each.

    Without noise the points of scikit-learn's make_circles.
    """
    factor = checked_fraction("circles", "factor", factor)
    outer, inner = _halves("circles", samples)
    s, t = (np.linspace(0, 2 * np.pi, n, endpoint=False) for n in (outer, inner))
    x = np.concatenate([np.stack([np.cos(s), np.sin(s)], 1), factor * np.stack([np.cos(t), np.sin(t)], 1)])
    return _shuffled("circles", x, np.repeat([0, 1], [outer, inner]), noise, rng)


def spirals(
    samples: int = 200, noise: float = 0.02, *, classes: int = 2, turns: float = 1.0, rng: Rng = None
) -> Samples:
    """Arms that wind out from the origin to radius 1, one for each class, at equal angles.

    turns: how often an arm goes round. As many samples on each arm, to within one.
    """
    classes = positive_integer("spirals", "classes", classes)
    y = np.arange(positive_integer("spirals", "samples", samples)) % classes
    radius = np.empty(len(y))
    for arm in range(classes):
        n = int(np.count_nonzero(y == arm))
        radius[y == arm] = np.arange(1, n + 1) / max(n, 1)
    angle = 2 * np.pi * (not_negative("spirals", "turns", turns) * radius + y / classes)
    return _shuffled("spirals", np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), y, noise, rng)


def curve(
    f: str | Callable[[np.ndarray], ArrayLike] = "sine",
    samples: int = 100,
    noise: float = 0.0,
    *,
    low: float = -3.0,
    high: float = 3.0,
    rng: Rng = None,
) -> Samples:
    """y = f(x) + noise at places x drawn evenly from [low, high]; both of shape (samples, 1).

    f: "line" (2x + 1), "parabola" (x²), "cubic" (x³ - x), "abs", "step" (0 below 0, else 1), "sine",
    "sinc" (sin πx / πx), "bump" (e^-x²), or a function of an array.
    """
    f = f if callable(f) else lookup("curve", f, CURVES)
    samples = positive_integer("curve", "samples", samples)
    if not -np.inf < low < high < np.inf:
        raise ValueError(f"curve: expected low < high, got low={low!r}, high={high!r}")
    rng = generator(rng)
    x = rng.uniform(low, high, (samples, 1))
    y = np.asarray(f(x), dtype=np.float64)
    if y.shape != x.shape:
        raise ValueError(f"curve: expected f to return shape {x.shape}, as it was given; got {y.shape}")
    return Samples(x, y + rng.normal(0.0, not_negative("curve", "noise", noise), y.shape))


def _halves(where: str, samples: object) -> tuple[int, int]:
    samples = positive_integer(where, "samples", samples)
    return samples // 2, samples - samples // 2


def _shuffled(where: str, x: np.ndarray, y: np.ndarray, noise: float, rng: Rng) -> Samples:
    rng = generator(rng)
    x = x + rng.normal(0.0, not_negative(where, "noise", noise), x.shape)
    order = rng.permutation(len(x))
    return Samples(x[order], y[order].astype(np.int64))
