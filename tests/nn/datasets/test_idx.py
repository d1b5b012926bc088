"""IDX files: read as they are meant, refused when wrong."""

import re
import tracemalloc

import numpy as np
import pytest
from idx_files import IMAGES, idx, pack, put

from nn.datasets.idx import load_idx


@pytest.mark.parametrize("packed", [bytes, pack])
def test_an_idx_file_is_read_as_it_is(tmp_path, packed):
    array = load_idx(put(tmp_path / "x.idx", packed(idx(IMAGES))))
    assert array.dtype == np.uint8
    assert np.array_equal(array, IMAGES)
    array[0] = 0  # and is the caller's own


@pytest.mark.parametrize(("code", "dtype"), [(9, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")])
def test_every_type_of_number_is_read_in_the_order_of_the_machine(tmp_path, code, dtype):
    given = np.array([[-1, 2, 100], [7, 0, -128]], dtype)
    array = load_idx(put(tmp_path / "x.idx", idx(given, code)))
    assert array.dtype == np.dtype(dtype)
    assert array.dtype.isnative
    assert np.array_equal(array, given)


def test_an_idx_file_of_no_images_is_fine(tmp_path):
    assert load_idx(put(tmp_path / "x.idx", idx(IMAGES[:0]))).shape == (0, 3, 4)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (idx(IMAGES)[:-1], "header promises 60 bytes of data, the file has 59"),
        (idx(IMAGES) + b"?", "header promises 60 bytes of data, the file has more"),
        (idx(IMAGES, shape=(2**32 - 1,) * 3), f"header promises {(2**32 - 1) ** 3} bytes of data, the file has 60"),
        (idx(IMAGES, shape=(1 << 31,)), "header promises 2147483648 bytes of data, the file has 60"),
        (idx(IMAGES[:0], shape=(0, *[2**32 - 1] * 3)), "expected the shape of an array, the header has (0, 4294967295"),
        (idx(IMAGES)[:10], "expected a header of 16 bytes, the file has 10"),
        (b"", "expected an IDX file, the file is empty"),
        (b"\0\0", "expected an IDX file, which starts with the bytes 00 00, a type from 08 to 0e"),
        (b"\x89PNG\r\n\x1a\n", "expected an IDX file, which starts with the bytes 00 00"),
        (b"\0\0\x07\1\0\0\0\1?", "and the number of dimensions; got 00 00 07 01"),
        (b"\0\0\x08\0?", "got 00 00 08 00"),
        (b"\0\0\x08\xff" + b"\0" * 2000, "got 00 00 08 ff"),
        (pack(idx(IMAGES))[:-12], "the gzip stream ends early; the file is truncated"),
        (pack(idx(IMAGES)[:-1]), "header promises 60 bytes of data, the file has 59"),
        (pack(idx(IMAGES))[:-8] + b"\0" * 8, "the gzip stream is broken"),
        (pack(idx(IMAGES))[:10] + b"\7" * 30, "the gzip stream is broken"),
        (pack(b""), "expected an IDX file"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_a_wrong_idx_file_is_refused(tmp_path, data, message):
    path = put(tmp_path / "x.idx", data)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: .*{re.escape(message)}"):
        load_idx(path)


@pytest.mark.parametrize("packed", [bytes, pack])
def test_a_count_that_lies_takes_no_memory(tmp_path, packed):
    path = put(tmp_path / "x.idx", packed(idx(IMAGES, shape=(10**6, 1000, 1000))))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="header promises 1000000000000 bytes of data, the file has 60"):
            load_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_small_file_that_unpacks_without_end_is_given_up(tmp_path):
    path = put(tmp_path / "x.gz", pack(idx(IMAGES) + bytes(50 << 20)))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="the file has more"):
            load_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match="expected an IDX file, got a folder"):
        load_idx(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"none\.idx: expected an IDX file, there is no such file"):
        load_idx(tmp_path / "none.idx")
    with pytest.raises(TypeError, match="expected the path of a file, got int"):
        load_idx(3)
