"""IDX, the format of the MNIST files: a header that says type and shape, then the numbers.

Source of the format: LeCun, Cortes and Burges, The MNIST database, section "file formats".
"""

from __future__ import annotations

import math
import os
from io import BufferedIOBase

import numpy as np

from ..files.whole import open_data, read_most

__all__ = ["load_idx", "read_idx"]

# The third byte of a file -> the numbers in it, most significant byte first.
TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 64  # as NumPy


def load_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in an IDX file, plain or gzip: its shape and type as the file has them.

    ValueError if the file is something else, is truncated or holds more than its header promises.
    """
    with open_data(path, "an IDX file") as file:
        return read_idx(file, str(path))


def read_idx(file: BufferedIOBase, name: str) -> np.ndarray:
    """The array in an open IDX file. name: for the messages."""
    magic = read_most(file, 4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not 1 <= magic[3] <= MOST_DIMENSIONS:
        raise ValueError(
            f"{name}: expected an IDX file, which starts with the bytes 00 00, a type from 08 to 0e and the "
            f"number of dimensions; got {magic.hex(' ')}"
        )
    header = read_most(file, 4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise ValueError(f"{name}: expected a header of {4 + 4 * magic[3]} bytes, the file has {4 + len(header)}")
    shape = tuple(np.frombuffer(header, ">u4").tolist())
    dtype = np.dtype(TYPES[magic[2]])
    promised = math.prod(shape) * dtype.itemsize
    # One byte beyond what is promised, to notice more; in blocks, so that a count that lies costs no memory.
    data = read_most(file, promised + 1)
    if len(data) != promised:
        found = f"{len(data)}" if len(data) < promised else "more"
        raise ValueError(f"{name}: header promises {promised} bytes of data, the file has {found}")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
