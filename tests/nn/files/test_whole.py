"""Files are opened with a clear refusal, and written whole or not at all; pipes are written to, not replaced."""

import os
import stat
import threading
from pathlib import Path

import pytest
from idx_files import pack, put
from named_pipes import Pipe, posix

from nn.files.whole import check_folder, is_special, open_data, read_most, write_whole


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


@posix
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


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o604, 0o666, 0o755])
def test_who_may_read_and_write_a_file_stays_when_it_is_replaced(tmp_path, mode):
    path = put(tmp_path / "a", b"old")
    path.chmod(mode)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_at_no_moment_may_more_people_read_it(tmp_path, monkeypatch):
    path = put(tmp_path / "a", b"old")
    path.chmod(0o600)
    seen = []
    os_replace = os.replace

    def replace(unfinished, target):
        seen.append(stat.S_IMODE(os.stat(unfinished).st_mode))
        os_replace(unfinished, target)

    def give(unfinished, *_):
        seen.append(stat.S_IMODE(os.stat(unfinished).st_mode))

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "chown", give)
    write_whole(path, b"new")
    assert seen == [0o600] * 3


@posix
def test_a_group_that_cannot_be_kept_does_not_give_its_rights_to_another(tmp_path, monkeypatch):
    path = put(tmp_path / "a", b"old")
    path.chmod(0o664)

    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(os, "chown", refused)
    write_whole(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@posix
def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_file_that_is_read_only_is_not_replaced(tmp_path, monkeypatch):
    path = put(tmp_path / "a", b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everything
    with pytest.raises(PermissionError, match=r"cannot write 'a' into the folder .*: the file that is there is read"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_folder_into_which_nothing_may_be_written_is_named_and_the_file_stays(tmp_path, monkeypatch):
    path = put(tmp_path / "a", b"old")

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(PermissionError, match=r"cannot write 'a' into the folder '.*': Permission denied; choose"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"


@posix
def test_another_name_of_the_file_keeps_what_it_was(tmp_path):
    path = put(tmp_path / "a", b"old")
    os.link(path, tmp_path / "snapshot")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert (tmp_path / "snapshot").read_bytes() == b"old"


@posix
def test_a_link_to_a_file_that_is_not_there_yet_makes_it(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "a")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"


@posix
@pytest.mark.parametrize("size", [3, 1_000_000])
def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path, size):
    pipe = Pipe(tmp_path / "pipe")
    data = bytes(range(251)) * (size // 251 + 1)
    write_whole(pipe.path, data)
    assert pipe.read() == data
    assert is_special(pipe.path)
    assert os.listdir(tmp_path) == ["pipe"]


@posix
def test_a_link_to_a_pipe_leads_to_it(tmp_path):
    pipe = Pipe(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(pipe.path)
    write_whole(tmp_path / "link", b"through")
    assert pipe.read() == b"through"
    assert is_special(pipe.path)
    assert is_special(tmp_path / "link")


@posix
def test_the_pipe_of_a_process_is_written_to(tmp_path):
    reader, writer = os.pipe()
    try:
        write_whole(_of(writer), b"through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
        os.close(writer)


def _of(descriptor):
    path = next((p for p in (f"/proc/self/fd/{descriptor}", f"/dev/fd/{descriptor}") if os.path.exists(p)), None)
    if path is None:
        pytest.skip("no path leads to an open pipe here")
    return Path(path)


@posix
def test_a_pipe_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(pack(b"through"),), daemon=True)
    writer.start()
    with open_data(tmp_path / "pipe", "a file") as file:
        assert file.read() == b"through"
    writer.join(30)


def test_no_more_is_read_than_is_asked_for_or_there(tmp_path):
    path = put(tmp_path / "a", bytes(range(10)))
    with open_data(path, "a file") as file:
        assert read_most(file, 4) == bytes(range(4))
        assert read_most(file, 10**18) == bytes(range(4, 10))
        assert read_most(file, 1) == b""
