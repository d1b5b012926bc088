"""Files: read whole with a clear refusal of what is no file, and written whole or not at all."""

from __future__ import annotations

import gzip
import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any

__all__ = ["check_folder", "open_data", "write_whole"]


def check_folder(path: Path) -> None:
    """FileNotFoundError if the folder that is to hold the file `path` does not exist."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into; make it first")


def write_whole(path: Path, data: bytes) -> None:
    """Make or replace the file `path`.

    At every moment it is either what it was before or complete, whatever interrupts the writing.
    An OSError, such as PermissionError, says which file cannot be written where, and why.
    """
    check_folder(path)
    target = Path(os.path.realpath(path))
    unfinished = target.with_name(f".unfinished-{os.getpid()}-{threading.get_ident()}")
    try:
        unfinished.write_bytes(data)
        os.replace(unfinished, target)
    except OSError as error:
        where = f"cannot write {path.name!r} into the folder {str(path.parent)!r}"
        raise type(error)(f"{where}: {error.strerror or error}; choose another name or folder") from error
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def open_data(path: str | os.PathLike[str], kind: str) -> Iterator[BufferedIOBase]:
    """The bytes of the file `path`, unpacked if it is gzip, whatever its name.

    kind: what the file should be, for the message ("an IDX file"). FileNotFoundError,
    IsADirectoryError, ValueError for an empty file or a broken gzip stream.
    """
    path = _as_path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: expected {kind}, got a folder")
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected {kind}, there is no such file")
    with path.open("rb") as raw:
        start = raw.read(2)
        if not start:
            raise ValueError(f"{path}: expected {kind}, the file is empty")
        raw.seek(0)
        if start != b"\x1f\x8b":
            yield raw
            return
        try:
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield unpacked
        except EOFError:
            raise ValueError(f"{path}: the gzip stream ends early; the file is truncated") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: the gzip stream is broken ({error})") from None


def _as_path(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"expected the path of a file, got {type(path).__name__}")
    return Path(path)
