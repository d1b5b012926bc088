"""The CSV files of Kaggle's Digit Recognizer, and others of their kind: images in, a submission out.

A line is an image of pixels 0 to 255, with its label in front in train.csv. Source: the page "Data"
of the competition (kaggle.com/competitions/digit-recognizer).
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import re
from collections.abc import Iterable, Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from ..files.whole import is_special, open_data, write_whole
from ..samples import whole_labels
from .images import Samples, shaped

__all__ = ["load_kaggle", "save_submission"]

PIXEL = re.compile("pixel.*|[0-9]+x[0-9]+").fullmatch  # how the columns of pixels are called
NUMBER = re.compile("[0-9]{1,9}").fullmatch

LONGEST_LINE = 1 << 20  # bytes; a longer one is read as several


def load_kaggle(path: str | os.PathLike[str], *, flat: bool = False, unit: bool = False) -> Samples:
    """The images x and labels y of a CSV file, plain or gzip; y is None in a file without labels.

    x: (n, 28, 28), or (n, 784) with `flat`; uint8, or float64 in [0, 1] with `unit`. y: (n,) int64.

    The first line has the names of the columns: label, if there is one, and pixel0,pixel1,... or 1x1,1x2,...
    In a file that begins with numbers instead, as many as the pixels of a square image are one, and with one
    more in front that is the label.

    ValueError, with the line, for other names, a ragged line and what is no whole number from 0 to 255.
    """
    name = str(path)
    with open_data(path, "a CSV file") as file:
        first = file.readline(LONGEST_LINE).removeprefix(b"\xef\xbb\xbf")
        label, columns, is_named = _layout(first, name)
        table = _table(_lines(file) if is_named else itertools.chain([first], _lines(file)), columns)
    if table is None:
        _reject(path, name, columns, is_named)
    if label is None:
        return Samples(shaped(name, table, flat=flat, unit=unit), None)
    y = table[:, label].astype(np.int64)
    return Samples(shaped(name, np.delete(table, label, 1), flat=flat, unit=unit), y)


def save_submission(path: str | os.PathLike[str], labels: ArrayLike) -> None:
    """Write predicted labels as the competition wants them: ImageId,Label, counted from 1.

    path: its name ends in .csv. labels: (n,), whole numbers, as `predict_classes` gives them. The file is
    replaced whole or not at all.
    """
    file = Path(path)
    if file.suffix.lower() != ".csv" and not is_special(file):
        raise ValueError(f"save_submission: expected a name that ends in .csv, got {str(path)!r}")
    digits = whole_labels("save_submission", labels)
    lines = ["ImageId,Label", *(f"{i},{digit}" for i, digit in enumerate(digits.tolist(), 1))]
    write_whole(file, ("\n".join(lines) + "\n").encode())


def _layout(line: bytes, name: str) -> tuple[int | None, int, bool]:
    """What the first line says: the column of the labels, how many columns there are, and if these are their names."""
    cells = [cell.strip(' "') for cell in line.decode("utf-8", "replace").strip().split(",")]
    pixels = [cell for cell in cells if cell != "label"]
    if pixels and len(cells) - len(pixels) <= 1 and all(map(PIXEL, pixels)):
        return cells.index("label") if len(pixels) < len(cells) else None, len(cells), True
    shown = ",".join(cells)
    shown = shown if len(shown) <= 40 else shown[:40] + "..."
    if not all(map(NUMBER, cells)):
        raise ValueError(
            f"{name}: line 1: expected the names of the columns, label,pixel0,... or pixel0,...; got {shown!r}. "
            "Rename the label and the pixels so, and take other columns out"
        )
    squares = [math.isqrt(n) ** 2 == n > 1 for n in (len(cells), len(cells) - 1)]
    if not any(squares):
        raise ValueError(
            f"{name}: line 1: expected the names of the columns, or the pixels of a square image with or without a "
            f"label in front; got {len(cells)} numbers, {shown!r}. Put a line such as label,pixel0,... above it"
        )
    return 0 if squares[1] else None, len(cells), False


def _lines(file: BufferedIOBase) -> Iterator[bytes]:
    """The lines of a file, in bounded memory even if there is no end of a line."""
    return iter(functools.partial(file.readline, LONGEST_LINE), b"")


def _table(lines: Iterable[bytes], columns: int) -> np.ndarray | None:
    """The lines as a table of uint8; None if something is wrong with one of them."""
    lines = (line for line in lines if line.strip())
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


def _reject(path: str | os.PathLike[str], name: str, columns: int, is_named: bool) -> NoReturn:
    """Say which line is the first that is wrong, and why."""
    expected = f"expected lines of {columns} whole numbers from 0 to 255, with commas between them"
    if is_special(Path(path)):  # what came through a pipe does not come again
        raise ValueError(f"{name}: {expected}")
    with open_data(path, "a CSV file") as file:
        for number, line in enumerate(_lines(file), 1):
            cells = [cell.decode("utf-8", "replace") for cell in line.strip(b"\r\n").split(b",")]
            if (number == 1 and is_named) or not line.strip():
                continue
            if len(cells) != columns:
                many = "s" * (len(cells) != 1)
                raise ValueError(f"{name}: line {number} has {len(cells)} column{many}, expected {columns}")
            for column, cell in enumerate(cells, 1):
                digits = re.fullmatch('[ "]*([0-9]{1,9})[ "]*', cell)
                if not digits or int(digits[1]) > 255:
                    where = f"{name}: line {number}, column {column}"
                    raise ValueError(f"{where}: expected a whole number from 0 to 255, got {cell[:40]!r}")
    raise ValueError(f"{name}: {expected}")
