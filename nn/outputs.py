"""Targets and what a net gives for them, in the forms in which metrics take them.

y_true: labels, (samples,) or (samples, 1), or one-hot rows. y_pred: outputs, (samples, classes) or
one for each sample, or labels. `where` is for the messages ("accuracy").
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arguments import check_same_length, plain_array, whole_labels

__all__ = ["are_labels", "as_labels", "check_one_class_each", "check_same_shape", "labels_and_outputs", "sides"]


def labels_and_outputs(where: str, y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """The label of each sample, and its outputs, one for each class."""
    true, outputs = plain_array(where, "y_true", y_true), _not_nan(where, y_pred)
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise ValueError(f"{where}: expected y_pred of shape (samples, classes), got {outputs.shape}")
    check_same_length(where, y_pred=outputs, y_true=true)
    if not len(outputs):
        raise ValueError(f"{where}: expected at least one sample, got none")
    return as_labels(where, true, outputs.shape[1]), outputs


def sides(where: str, y_true: Any, y_pred: Any, threshold: float) -> tuple[np.ndarray, np.ndarray]:
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


def are_labels(y_pred: Any) -> bool:
    """True for labels: one whole number for each sample."""
    array = np.asarray(y_pred)
    return array.ndim == 1 and array.dtype.kind in "iu"


def as_labels(where: str, y: Any, classes: int | None = None) -> np.ndarray:
    """Labels as they are, a column of them flat, one-hot rows as the places of their ones."""
    array = plain_array(where, "y_true", y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 2:
        return whole_labels(where, array, classes)
    if classes is not None and array.shape[1] != classes:
        raise ValueError(f"{where}: y_true has {array.shape[1]} classes, y_pred has {classes}")
    return array.argmax(axis=1)


def check_one_class_each(where: str, y_true: Any) -> None:
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


def check_same_shape(where: str, true: np.ndarray, predicted: np.ndarray) -> None:
    """ValueError, with both shapes, if they differ, and if there are no samples."""
    if true.shape != predicted.shape:
        raise ValueError(
            f"{where}: prediction has shape {predicted.shape}, target has shape {true.shape}: reshape one of them"
        )
    if not true.ndim or not len(true):
        raise ValueError(f"{where}: expected at least one sample, got none")


def _not_nan(where: str, y_pred: Any) -> np.ndarray:
    outputs = plain_array(where, "y_pred", y_pred)
    if not outputs.ndim:
        raise ValueError(f"{where}: expected y_pred to have a row for each sample, got the number {outputs}")
    if np.isnan(outputs).any():
        raise ValueError(f"{where}: y_pred contains nan (first at row {np.argwhere(np.isnan(outputs))[0][0]})")
    return outputs
