"""IDX, the format of the MNIST files: a header that says type and shape, then the numbers.

Source of the format: LeCun, Cortes and Burges, The MNIST database, section "file formats".
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from io import BufferedIOBase

import numpy as np

from ..files.whole import open_data, read_most

__all__ = ["load_idx", "read_idx"]

# The third byte of a file -> the numbers in it, most significant byte first.
TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 64  # as NumPy

Shape = tuple[int, ...]


def load_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in an IDX file, plain or gzip: its shape and type as the file has them.

    ValueError if the file is something else, is truncated or holds more than its header promises.
    """
    return read_idx(path, lambda shape, dtype: None)


def read_idx(path: str | os.PathLike[str], check: Callable[[Shape, np.dtype], None]) -> np.ndarray:
    """The array in an IDX file. check: is given shape and type before the numbers are read, and may refuse them."""
    with open_data(path, "an IDX file") as file:
        shape, dtype = _header(file, path)
        check(shape, dtype)
        promised = math.prod(shape) * dtype.itemsize
        data = read_most(file, promised + 1)  # one byte beyond what is promised, to notice more
    if len(data) != promised:
        found = f"{len(data)}" if len(data) < promised else "more"
        raise ValueError(f"{path}: header promises {promised} bytes of data, the file has {found}")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _header(file: BufferedIOBase, path: str | os.PathLike[str]) -> tuple[Shape, np.dtype]:
    magic = read_most(file, 4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not 1 <= magic[3] <= MOST_DIMENSIONS:
        raise ValueError(
            f"{path}: expected an IDX file, which starts with the bytes 00 00, a type from 08 to 0e and the "
            f"number of dimensions; got {magic.hex(' ')}"
        )
    header = read_most(file, 4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise ValueError(f"{path}: expected a header of {4 + 4 * magic[3]} bytes, the file has {4 + len(header)}")
    shape = tuple(np.frombuffer(header, ">u4").tolist())
    dtype = np.dtype(TYPES[magic[2]])
    if 0 in shape and math.prod(n or 1 for n in shape) * dtype.itemsize >= 1 << 62:  # no bytes, and too large for NumPy
        raise ValueError(f"{path}: expected the shape of an array, the header has {shape}")
    return shape, dtype
