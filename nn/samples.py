"""Samples, targets and predictions as users give them, checked once at the public door.

x: (samples, ...). y, y_true: numbers, (samples, ...), or labels, (samples,) or (samples, 1), or one-hot rows.
y_pred: outputs, (samples, classes) or one for each sample, or labels. `where` is for the messages ("fit",
"accuracy"), `what` for what is meant ("x").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from autograd.lending import plain
from autograd.operands import Operand, describe

__all__ = [
    "are_labels",
    "as_labels",
    "check_finite",
    "check_one_class_each",
    "check_same_length",
    "check_same_shape",
    "checked_features",
    "checked_pair",
    "checked_targets",
    "checked_weights",
    "labels_and_outputs",
    "plain_array",
    "sides",
    "whole_labels",
]


# ---------------------------------------------------------------- arrays


def plain_array(where: str, what: str, data: ArrayLike) -> np.ndarray:
    """`data` as an array of real numbers, not copied if it is one; never an array of objects.

    where, what: for the message ("fit", "x").
    """
    if isinstance(data, np.ma.MaskedArray) and np.ma.is_masked(data):
        raise TypeError(f"{where}: expected plain numbers in {what}, got masked ones; fill or drop them first")
    try:
        array = data if data.__class__ is np.ndarray else np.asarray(plain(data))
    except ValueError:
        raise ValueError(f"{where}: expected {what} to be an array, got rows of different lengths") from None
    except TypeError:  # Values refuse to become an array
        raise TypeError(f"{where}: expected plain numbers in {what}, got Values; take the .data of each") from None
    if array.dtype.kind not in "fiub":
        got = describe(array if array.ndim else data)
        raise TypeError(f"{where}: expected plain numbers in {what}, got {got}{_remedy(what, data, array)}")
    return array


def _remedy(what: str, data: ArrayLike, array: np.ndarray) -> str:
    if not array.ndim:  # NumPy takes what it does not know for a single object
        return f"; write {what}.toarray()" if hasattr(data, "toarray") else ""
    if array.dtype.kind not in "OUS":
        return ""
    if array.dtype.kind in "US" or any(isinstance(member, str) for member in array.flat):  # as pandas keeps text
        if what in ("y", "y_true"):
            return f"; number the classes: np.unique({what}, return_inverse=True)[1]"
        if not _are_numbers(array):
            return "; write text as numbers, such as a column of 0 and 1 for each category"
    return f"; convert it with np.asarray({what}, dtype=float)"


def _are_numbers(texts: np.ndarray) -> bool:
    try:
        texts.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def check_finite(what: str, array: np.ndarray) -> None:
    """ValueError that says where the first nan or infinity is, if there is one."""
    # One pass without a temporary: a sum, or one of squares, which is twice as fast where memory lies in order,
    # is finite if all members are. It may overflow, so look closer then.
    if array.dtype.kind != "f":
        return
    with np.errstate(all="ignore"):
        total = array.ravel().dot(array.ravel()) if array.flags.c_contiguous else array.sum()
        if np.isfinite(total):
            return
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        axes = ("row", "column") if array.ndim <= 2 else ("sample", *(f"axis {i}" for i in range(1, array.ndim)))
        place = ", ".join(f"{axis} {i}" for axis, i in zip(axes, wrong[0], strict=False))
        raise ValueError(f"{what} contains nan or infinity (first at {place})")


def check_same_length(where: str, **arrays: np.ndarray) -> None:
    """ValueError that names both if two of the arrays do not have the same number of rows."""
    (first, rows), *others = ((name, len(array) if array.ndim else None) for name, array in arrays.items())
    for name, n in others:
        if n is None:
            raise ValueError(f"{where}: expected {name} to have a row for each sample, got the number {arrays[name]}")
        if n != rows:
            raise ValueError(f"{where}: {first} has {rows} samples, {name} has {n}: give one for each sample")


def check_same_shape(where: str, true: np.ndarray, predicted: np.ndarray) -> None:
    """ValueError, with both shapes, if they differ, and if there are no samples."""
    if true.shape != predicted.shape:
        raise ValueError(
            f"{where}: prediction has shape {predicted.shape}, target has shape {true.shape}: reshape one of them"
        )
    if not true.ndim or not len(true):
        raise ValueError(f"{where}: expected at least one sample, got none")


# ---------------------------------------------------------------- samples and their targets


def checked_features(where: str, x: ArrayLike, *, empty: bool = False, name: str = "x") -> np.ndarray:
    """The samples `x` as an array of float32 or float64: these are kept, all else becomes float64.

    x: (samples, ...), at least one sample unless `empty`. Not copied where it is such an array.
    TypeError for what is not plain numbers; ValueError for no samples, no features, nan or infinity.
    """
    array = plain_array(where, name, x)
    if not array.ndim:
        raise ValueError(f"{where}: expected {name} of shape (samples, features), got the number {array[()]}")
    if not len(array) and not empty:
        raise ValueError(f"{where}: expected at least one sample, got none: {name} has shape {array.shape}")
    if len(array) and not array.size:
        raise ValueError(f"{where}: expected at least one feature, got none: {name} has shape {array.shape}")
    check_finite(f"{where}: {name}", array)
    # Also brings numbers in foreign byte order, as files hold them, into the machine's own.
    narrow = array.dtype.kind == "f" and array.itemsize == 4
    return array.astype(np.float32 if narrow else np.float64, copy=False)


def checked_pair(where: str, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The samples `x` as by `checked_features`, and the targets `y`, one for each sample.

    y: (samples,) or (samples, ...). Integers stay integers, so that a loss can tell labels from
    numbers; False and True become 0 and 1. TypeError and ValueError as for x, and for another
    number of targets than of samples.
    """
    features = checked_features(where, x)
    return features, checked_targets(where, features, y)


def checked_targets(where: str, features: np.ndarray, y: ArrayLike) -> np.ndarray:
    """The targets `y`, one for each of these samples, as by `checked_pair`."""
    targets = plain_array(where, "y", y)
    check_same_length(where, x=features, y=targets)
    check_finite(f"{where}: y", targets)
    if targets.dtype.kind == "b":
        return targets.astype(np.int64)
    return targets if targets.dtype.isnative else targets.astype(targets.dtype.newbyteorder("="))


def checked_weights(where: str, weights: ArrayLike, samples: int) -> np.ndarray:
    """`weights` as float64: (samples,), finite, none negative, not all zero."""
    array = plain_array(where, "sample_weight", weights)
    if array.shape != (samples,):
        raise ValueError(
            f"{where}: expected sample_weight of shape ({samples},), one for each sample; got {array.shape}"
        )
    check_finite(f"{where}: sample_weight", array)
    if (array < 0).any() or not array.any():
        raise ValueError(f"{where}: expected weights of at least 0, one of them above, in sample_weight")
    return array.astype(np.float64)


# ---------------------------------------------------------------- labels


def whole_labels(where: str, labels: ArrayLike, classes: int | None = None) -> np.ndarray:
    """`labels` as int64, (samples,): whole numbers 0, 1, ..., below `classes` if that is given.

    2.0 is a label, 2.5 and -1 are not (ValueError).
    """
    array = plain_array(where, "y", labels)
    if array.ndim != 1:
        advice = "; reshape it with y.ravel()" if array.size == len(np.atleast_1d(array)) else ""
        raise ValueError(f"{where}: expected labels of shape (samples,), got {array.shape}{advice}")
    if array.dtype.kind == "f" and not (array == np.floor(array)).all():
        wrong = array[array != np.floor(array)][0]
        raise ValueError(f"{where}: expected whole numbers as labels, got {wrong}")
    if array.size and (array.min() < 0 or (classes is not None and array.max() >= classes)):
        wrong = array.min() if array.min() < 0 else array.max()
        span = "" if classes is None else f" for {classes} classes (0..{classes - 1})"
        raise ValueError(f"{where}: label {wrong:.0f} is out of range{span or '; labels count from 0'}")
    return array.astype(np.int64, copy=False)


def are_labels(y_pred: ArrayLike) -> bool:
    """True for labels: one whole number for each sample."""
    array = np.asarray(plain(y_pred))
    return array.ndim == 1 and array.dtype.kind in "iu"


def as_labels(where: str, y: ArrayLike, classes: int | None = None) -> np.ndarray:
    """Labels as they are, a column of them flat, one-hot rows as the places of their ones."""
    array = plain_array(where, "y_true", y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 2:
        return whole_labels(where, array, classes)
    if classes is not None and array.shape[1] != classes:
        raise ValueError(f"{where}: y_true has {array.shape[1]} classes, y_pred has {classes}")
    return array.argmax(axis=1)


def check_one_class_each(where: str, y_true: ArrayLike) -> None:
    """ValueError for rows of 0 and 1 that are of several classes at once, or of none."""
    rows = plain_array(where, "y_true", y_true)
    if rows.ndim != 2 or rows.shape[1] == 1 or not ((rows == 0) | (rows == 1)).all():
        return
    ones = np.count_nonzero(rows, axis=1)
    if (ones != 1).any():
        row = int(np.argmax(ones != 1))
        raise ValueError(
            f"{where}: row {row} of y_true is of {ones[row]} classes, expected one: for several classes at once "
            "measure 'binary_accuracy', or a column at a time"
        )


# ---------------------------------------------------------------- predictions


def labels_and_outputs(where: str, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The label of each sample, and its outputs, one for each class."""
    true, outputs = plain_array(where, "y_true", y_true), _not_nan(where, y_pred)
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise ValueError(f"{where}: expected y_pred of shape (samples, classes), got {outputs.shape}")
    check_same_length(where, y_pred=outputs, y_true=true)
    if not len(outputs):
        raise ValueError(f"{where}: expected at least one sample, got none")
    return as_labels(where, true, outputs.shape[1]), outputs


def sides(where: str, y_true: ArrayLike, y_pred: ArrayLike, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """On which side of the threshold each output should be, and is; True is above. y_true: 0 and 1."""
    true, outputs = plain_array(where, "y_true", y_true), _not_nan(where, y_pred)
    check_same_shape(where, true, outputs)
    ones = true == 1
    if not (ones | (true == 0)).all():
        wrong = true[~(ones | (true == 0))][0]
        if wrong != np.floor(wrong):
            raise ValueError(f"{where}: {wrong:g} is not a class, 0 or 1; for regression measure 'mae' or 'mse'")
        raise ValueError(
            f"{where}: label {wrong:g} is out of range for 2 classes (0..1); give one output for each class, "
            "or for regression measure 'mae' or 'mse'"
        )
    return ones, outputs > threshold


def _not_nan(where: str, y_pred: ArrayLike) -> np.ndarray:
    outputs = plain_array(where, "y_pred", y_pred)
    if not outputs.ndim:
        raise ValueError(f"{where}: expected y_pred to have a row for each sample, got the number {outputs}")
    if np.isnan(outputs).any():
        raise ValueError(f"{where}: y_pred contains nan (first at row {np.argwhere(np.isnan(outputs))[0][0]})")
    return outputs


def by_names(
    where: str,
    y_true: Operand,
    y_pred: Operand,
    target: Operand,
    prediction: Operand,
) -> tuple[Operand, Operand]:
    """y_true and y_pred, of which each may have come under its name in `autograd`. TypeError for none, or for both."""
    if (y_true is None) == (target is None) or (y_pred is None) == (prediction is None):
        raise TypeError(f"{where}: expected y_true and y_pred, in this order (or target= and prediction=), each once")
    return (target if y_true is None else y_true), (prediction if y_pred is None else y_pred)
