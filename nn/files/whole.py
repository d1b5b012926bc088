"""Files: read with a clear refusal of what is no file, in no more memory than asked for, and written whole or not."""

from __future__ import annotations

import gzip
import os
import secrets
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedIOBase
from pathlib import Path
from typing import Any

__all__ = ["check_folder", "is_special", "open_data", "open_file", "read_most", "write_whole"]

BLOCK = 1 << 20


def check_folder(path: Path) -> None:
    """FileNotFoundError if the folder that is to hold the file `path` does not exist."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into; make it first")


def is_special(path: Path) -> bool:
    """Whether there is something at `path` that is neither a file nor a folder: a pipe, a device, a terminal."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def write_whole(path: Path, data: bytes) -> None:
    """Make or replace the file `path`.

    At every moment it is either what it was before or complete, whatever interrupts the writing. Who may
    read and write it stays as it was; a symbolic link stays one, and its file is replaced. Another name of
    the same file (a hard link, such as a snapshot has) keeps what it was. What is no file, a pipe or a
    device such as /dev/stdout, is written to and stays what it is.
    An OSError, such as PermissionError, says which file cannot be written where, and why.
    """
    check_folder(path)
    try:
        if is_special(path):
            with path.open("wb") as special:
                special.write(data)
        else:
            _replace(Path(os.path.realpath(path)), data)
    except OSError as error:
        where = f"cannot write {path.name!r} into the folder {str(path.parent)!r}"
        raise type(error)(f"{where}: {error.strerror or error}; choose another name or folder") from error


def _replace(target: Path, data: bytes) -> None:
    """Put a file that is complete in the place of `target`, with the same permissions."""
    old = target.stat() if target.exists() else None
    if old is not None and not os.access(target, os.W_OK):
        raise PermissionError("the file that is there is read-only")
    unfinished = target.with_name(f".unfinished-{secrets.token_hex(8)}")
    # At no moment may more people read it than could before: with few permissions first, then with all of the old.
    mode = 0o666 if old is None else 0o600
    try:
        with open(unfinished, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
        if old is not None:
            _take_over(old, unfinished)
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)


def _take_over(old: os.stat_result, path: Path) -> None:
    """Give the file `path` the owner, as far as one may, and the permissions of an old one."""
    mode = stat.S_IMODE(old.st_mode)
    with suppress(OSError, AttributeError):  # only root gives files away, and Windows knows no owners
        os.chown(path, old.st_uid, -1)
    try:
        os.chown(path, -1, old.st_gid)
    except (OSError, AttributeError):
        mode &= ~stat.S_IRWXG  # what one group was allowed is not for another
    os.chmod(path, mode)


@contextmanager
def open_data(path: str | os.PathLike[str], kind: str) -> Iterator[BufferedIOBase]:
    """The bytes of the file `path`, unpacked if it is gzip, whatever its name.

    kind: what the file should be, for the message ("an IDX file"). FileNotFoundError,
    IsADirectoryError, ValueError for an empty file or a broken gzip stream.
    """
    with open_file(path, kind) as raw:
        if raw.peek(2)[:2] != b"\x1f\x8b":
            yield raw
            return
        try:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield unpacked
        except EOFError:
            raise ValueError(f"{path}: the gzip stream ends early; the file is truncated") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: the gzip stream is broken ({error})") from None


@contextmanager
def open_file(path: str | os.PathLike[str], kind: str) -> Iterator[Any]:
    """The bytes of the file `path` as they are. The errors are those of `open_data`."""
    path = _as_path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: expected {kind}, got a folder")
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected {kind}, there is no such file")
    with path.open("rb") as raw:
        if not raw.peek(1):
            raise ValueError(f"{path}: expected {kind}, the file is empty")
        yield raw


def read_most(file: Any, most: int) -> bytearray:
    """The next `most` bytes of the file, or as many as there are.

    In blocks, so that a number of bytes that lies costs no memory.
    """
    data = bytearray()
    while len(data) < most and (block := file.read(min(BLOCK, most - len(data)))):
        data += block
    return data


def _as_path(path: object) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"expected the path of a file, got {type(path).__name__}")
    return Path(path)
