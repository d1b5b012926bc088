"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

__all__ = ["check_folder", "write_whole"]


def check_folder(path: Path) -> None:
    """FileNotFoundError if the folder that is to hold the file `path` does not exist."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into; make it first")


def write_whole(path: Path, data: bytes) -> None:
    """Make or replace the file `path`.

    At every moment it is either what it was before or complete, whatever interrupts the writing.
    """
    check_folder(path)
    target = Path(os.path.realpath(path))
    unfinished = target.with_name(f".unfinished-{os.getpid()}-{threading.get_ident()}")
    try:
        unfinished.write_bytes(data)
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)
