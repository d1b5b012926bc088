"""Arrays by name and settings beside them in one file: .npz, which NumPy reads too, or .safetensors.

Neither kind can hold code, and nothing is unpickled. Knows no nets; `nn.models.saving` does.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograd.operands import describe

from .whole import open_data, write_whole

__all__ = ["check_suffix", "load_arrays", "save_arrays"]

SETTINGS = "settings.json"  # a member of the .npz, as text


def save_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Make or replace the file `path`, which is afterwards complete or, whatever happens, as it was before.

    path: its name ends in .npz or .safetensors (`pip install "gradpath[safetensors]"`).
    arrays: real numbers of any shape, by name. settings: what JSON can hold.
    The same contents give the same bytes.
    """
    write = _writers[check_suffix(path)]
    found = {name: _plain(path, name, array) for name, array in arrays.items()}
    write_whole(Path(path), write(found, json.dumps(settings, allow_nan=False)))


def load_arrays(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the settings in a file that `save_arrays` wrote, or another .npz or .safetensors.

    The settings are empty in a file from elsewhere. ValueError for what is truncated, for arrays of
    anything but real numbers, and for Python objects, which are never unpickled.
    """
    suffix = check_suffix(path)
    with open_data(path, f"a file of arrays ({suffix})") as file:
        data = file.read()
    arrays, text = _readers[suffix](str(path), data)
    try:
        settings = json.loads(text)
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise ValueError(f"{path}: expected the settings as JSON, got {text[:40]!r}; the file was changed or damaged")
    return arrays, settings


def check_suffix(path: Any) -> str:
    """How the name ends, which says the format. ValueError if it is none of those there are."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"expected the path of a file, got {describe(path)}")
    suffix = Path(path).suffix
    if suffix not in _writers:
        raise ValueError(f"{path}: expected a name that ends in {' or '.join(_writers)}")
    return suffix


def _plain(path: Any, name: str, array: Any) -> np.ndarray:
    """The array in C order and in the byte order of all usual machines."""
    found = np.asarray(array)
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{path}: expected {name!r} to be real numbers, got {describe(found)}")
    return found.astype(found.dtype.newbyteorder("<"), order="C", copy=False)


# ---------------------------------------------------------------- .npz


def _to_npz(arrays: Mapping[str, np.ndarray], settings: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        # A ZipInfo without a date: all files made of the same numbers are equal.
        archive.writestr(zipfile.ZipInfo(SETTINGS), settings)
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getbuffer())
    return file.getvalue()


def _from_npz(path: str, data: bytes) -> tuple[dict[str, np.ndarray], str]:
    if not data.startswith(b"PK"):
        raise ValueError(f"{path}: expected an .npz file, which starts with the bytes 50 4b; got {data[:2].hex(' ')}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise ValueError(f"{path}: the .npz file is truncated or damaged") from None
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed in a way of its own
        raise ValueError(f"{path}: expected an .npz file as NumPy writes it ({error})") from None
    settings = members.pop(SETTINGS, b"{}").decode("utf-8", "replace")
    return {
        name.removesuffix(".npy"): _from_npy(f"{path}: member {name.removesuffix('.npy')!r}", member)
        for name, member in members.items()
    }, settings


def _from_npy(where: str, data: bytes) -> np.ndarray:
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read(file)
    except ValueError:
        raise ValueError(f"{where} is no array in NumPy's format") from None
    if dtype.hasobject:
        raise ValueError(f"{where} holds Python objects; refusing to unpickle")
    if dtype.kind not in "fiub":
        raise ValueError(f"{where}: expected real numbers, got {dtype}")
    numbers = data[file.tell() :]
    promised = math.prod(shape) * dtype.itemsize
    if len(numbers) != promised:
        raise ValueError(f"{where}: header promises {promised} bytes of data, the file has {len(numbers)}")
    array = np.frombuffer(numbers, dtype).reshape(shape, order="F" if by_columns else "C")
    return array.astype(dtype.newbyteorder("="), order="C")


# ---------------------------------------------------------------- .safetensors


def _to_safetensors(arrays: Mapping[str, np.ndarray], settings: str) -> bytes:
    return _safetensors().save(dict(arrays), {"settings": settings})


def _from_safetensors(path: str, data: bytes) -> tuple[dict[str, np.ndarray], str]:
    library = _safetensors()
    try:
        arrays = library.load(data)
        # The library gives the metadata of files only, not of bytes; they are in the header, which it has checked.
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except Exception as error:  # its own class, KeyError for a type that NumPy lacks, ValueError
        raise ValueError(f"{path}: expected a .safetensors file of NumPy's types, complete ({error})") from None
    return arrays, header.get("__metadata__", {}).get("settings", "{}")


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError('.safetensors files need a library: pip install "gradpath[safetensors]"') from None
    return safetensors.numpy


_writers = {".npz": _to_npz, ".safetensors": _to_safetensors}
_readers = {".npz": _from_npz, ".safetensors": _from_safetensors}
