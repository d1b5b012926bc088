"""How large numbers are: data, their scale, the range and the slopes of activations."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import Operation, operation_of

from ..activations import is_of_one_number

__all__ = ["SCALE", "columns_of", "range_of", "scale_of", "slopes_of", "slopes_on_grid", "standardized", "width_of"]

SCALE = 30.0  # from which on numbers are called large, and a factor of a learning rate too
WIDE = 10.0  # from which on inputs are scaled for a trial, to see whether it helps


# ---------------------------------------------------------------- activations


def slopes_of(op: Operation, z: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The slope of an activation of single numbers at each x."""
    rule = op.rules[0]
    return np.broadcast_to(np.asarray(rule(z, x) if callable(rule) else rule or 0.0, dtype=np.float64), x.shape)


_GRID = np.linspace(-4.0, 4.0, 801)


def slopes_on_grid(op: Operation) -> np.ndarray:
    """The sizes of its slopes from −4 to 4."""
    return np.abs(slopes_of(op, np.asarray(op.function(_GRID), dtype=np.float64), _GRID))


def range_of(activation: Any) -> tuple[float, float] | None:
    """The least and the largest number that the activation of outputs gives; None if it gives any, or is not known."""
    op = None if activation is None else operation_of(activation)
    if not is_of_one_number(op):
        return None
    far = np.array([-1e6, -1e3, *_GRID, 1e3, 1e6])
    z = np.asarray(op.function(far), dtype=np.float64)
    low, high = float(z.min()), float(z.max())
    bounds = (low if low > -1e3 else -np.inf, high if high < 1e3 else np.inf)
    return None if bounds == (-np.inf, np.inf) else bounds


# ---------------------------------------------------------------- data


def columns_of(x: np.ndarray) -> np.ndarray:
    """(rows, features): a feature is the last axis, all other axes count as rows."""
    return x.reshape((-1, x.shape[-1])) if x.ndim > 1 else x[:, None]


def width_of(name: str, columns: np.ndarray) -> str:
    """That numbers are large or small, and features not scaled already; "" if not."""
    top, deviation = float(np.abs(columns).max()), columns.std(axis=0)
    # outliers of features that are scaled already are no reason
    if not deviation.any() or 0.5 < np.median(deviation[deviation > 0]) < 2:
        return ""
    if top > WIDE:
        return f"Numbers in {name} go up to {top:.4g}."
    return f"No number in {name} is above {top:.4g}." if top < 1 / WIDE else ""


def scale_of(name: str, columns: np.ndarray) -> str:
    """What is wrong with the scale of features; "" if nothing is."""
    top = float(np.abs(columns).max())
    mean, deviation = columns.mean(axis=0), columns.std(axis=0)
    if not deviation.any():
        return ""
    if top > SCALE:
        return f"Numbers in {name} go up to {top:.4g}."
    if top < 1 / SCALE:
        return f"No number in {name} is above {top:.4g}."
    off = np.abs(mean[deviation > 0]) / deviation[deviation > 0]
    if off.min() > 8:
        return f"All features lie far from 0: their means are at least {off.min():.4g} times their deviations."
    # a pixel that is nearly always 0 has a small deviation and is right, so only features that differ are compared
    dense = np.array([np.unique(c, return_counts=True)[1].max() < len(c) / 2 for c in columns.T])
    if dense.sum() > 1 and deviation[dense].max() > SCALE * deviation[dense].min():
        low, high = deviation[dense].min(), deviation[dense].max()
        return f"Features have deviations from {low:.4g} to {high:.4g}."
    return ""


def standardized(x: np.ndarray) -> np.ndarray:
    """With mean 0 and deviation 1 for each feature."""
    columns = columns_of(x).astype(np.float64)
    deviation = columns.std(axis=0)
    scaled = (columns - columns.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return scaled.reshape(x.shape).astype(x.dtype)
