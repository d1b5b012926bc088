"""The CSV files of Kaggle's Digit Recognizer: its images in, a submission out.

A line is an image of pixels 0 to 255, with its label in front in train.csv. Source: the page "Data"
of the competition (kaggle.com/competitions/digit-recognizer).
"""

from __future__ import annotations

import itertools
import os
import re
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ..files.whole import open_data, write_whole
from ..samples import whole_labels
from .images import Samples, shaped

__all__ = ["load_kaggle", "save_submission"]

LONGEST_HEADER = 1 << 20  # bytes


def load_kaggle(path: str | os.PathLike[str], *, flat: bool = False, unit: bool = False) -> Samples:
    """The images x and labels y of a CSV file, plain or gzip; y is None in a file without labels.

    x: (n, 28, 28), or (n, 784) with `flat`; uint8, or float64 in [0, 1] with `unit`. y: (n,) int64.

    ValueError, with the line, for a ragged line and for what is no whole number from 0 to 255.
    """
    name = str(path)
    with open_data(path, "a CSV file") as file:
        columns = _columns(file.readline(LONGEST_HEADER), name)
        table = _table(file, len(columns))
    if table is None:
        _reject(path, name, len(columns))
    labelled = columns[0] == "label"
    y = table[:, 0].astype(np.int64) if labelled else None
    return Samples(shaped(name, table[:, labelled:], flat=flat, unit=unit), y)


def save_submission(path: str | os.PathLike[str], labels: Any) -> None:
    """Write predicted labels as the competition wants them: ImageId,Label, counted from 1.

    labels: (n,), whole numbers, as `predict_classes` gives them. The file is replaced whole or not
    at all.
    """
    digits = whole_labels("save_submission", labels)
    lines = ["ImageId,Label", *(f"{i},{digit}" for i, digit in enumerate(digits.tolist(), 1))]
    write_whole(Path(path), ("\n".join(lines) + "\n").encode())


def _columns(line: bytes, name: str) -> list[str]:
    """The names of the columns, which must be label, pixel0, ... or pixel0, ..."""
    columns = [cell.strip(' "') for cell in line.decode("utf-8-sig", "replace").strip().split(",")]
    pixels = columns[columns[0] == "label" :]
    if not pixels or any(not pixel.startswith("pixel") for pixel in pixels):
        shown = ",".join(columns)
        shown = shown if len(shown) <= 40 else shown[:40] + "..."
        raise ValueError(
            f"{name}: line 1: expected the names of the columns, label,pixel0,... or pixel0,...; got {shown!r}"
        )
    return columns


def _table(file: BufferedIOBase, columns: int) -> np.ndarray | None:
    """The lines after the first as a table of uint8; None if something is wrong with one of them."""
    lines = (line for line in file if line.strip())
    first = next(lines, None)
    if first is None:  # of which loadtxt would warn
        return np.empty((0, columns), np.uint8)
    try:
        table = np.loadtxt(
            itertools.chain([first], lines), np.uint8, comments=None, delimiter=",", quotechar='"', ndmin=2
        )
    except ValueError:  # it says what is wrong, but not always where
        return None
    return table if table.shape[1] == columns else None


def _reject(path: str | os.PathLike[str], name: str, columns: int) -> NoReturn:
    """Say which line is the first that is wrong, and why."""
    with open_data(path, "a CSV file") as file:
        for number, line in enumerate(file, 1):
            cells = [cell.decode("utf-8", "replace") for cell in line.strip(b"\r\n").split(b",")]
            if number == 1 or not line.strip():
                continue
            if len(cells) != columns:
                many = "s" * (len(cells) != 1)
                raise ValueError(f"{name}: line {number} has {len(cells)} column{many}, expected {columns}")
            for column, cell in enumerate(cells, 1):
                digits = re.fullmatch('[ "]*([0-9]{1,9})[ "]*', cell)
                if not digits or int(digits[1]) > 255:
                    where = f"{name}: line {number}, column {column}"
                    raise ValueError(f"{where}: expected a whole number from 0 to 255, got {cell[:40]!r}")
    raise ValueError(f"{name}: expected lines of {columns} whole numbers from 0 to 255, with commas between them")
