"""Small IDX files, made byte by byte."""

import gzip
import struct

import numpy as np

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 3, 4), dtype=np.uint8)
DIGITS = np.array([3, 1, 4, 1, 5], np.uint8)


def idx(array, code=0x08, shape=None):
    """The bytes of an IDX file. shape: what its header says, if that is not the truth."""
    shape = array.shape if shape is None else shape
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def pack(data):
    """The bytes as gzip, without the time."""
    return gzip.compress(data, mtime=0)


def put(path, data):
    """Write the file; returns its path."""
    path.write_bytes(data)
    return path
