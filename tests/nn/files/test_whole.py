"""Files are opened with a clear refusal, and written whole or not at all."""

import os

import pytest
from idx_files import pack, put

from nn.files.whole import check_folder, open_data, write_whole


@pytest.mark.parametrize("data", [b"plain", b"x", pack(b"plain")])
def test_a_file_is_opened_packed_or_not(tmp_path, data):
    with open_data(put(tmp_path / "file.gz", data), "a file") as file:
        assert file.read() in (b"plain", b"x")


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match="expected a CSV file, got a folder"), open_data(tmp_path, "a CSV file"):
        pass
    with pytest.raises(FileNotFoundError, match="there is no such file"), open_data(tmp_path / "none", "a CSV file"):
        pass
    with pytest.raises(TypeError, match="expected the path of a file, got NoneType"), open_data(None, "a CSV file"):
        pass


def test_a_file_is_written_and_replaced(tmp_path):
    write_whole(tmp_path / "a", b"one")
    write_whole(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = put(tmp_path / "a", b"old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_link_is_followed(tmp_path):
    put(tmp_path / "a", b"old")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .* to write 'a' into; make it first"):
        check_folder(tmp_path / "none" / "a")


def test_a_file_that_cannot_be_written_is_named_with_its_folder(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match=r"cannot write 'a' into the folder '.*': .*; choose another name or folder"):
        write_whole(tmp_path / "a", b"data")
    assert os.listdir(tmp_path) == ["a"]
