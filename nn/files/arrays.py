"""Arrays by name and settings beside them in one file: .npz, which NumPy reads too, or .safetensors.

Neither kind can hold code, and nothing is unpickled. What a file says is in it can be compared with what is
expected before any of it is read, and what is read with its checksum. Knows no nets; `nn.models.saving` does.
"""

from __future__ import annotations

import io
import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd.operands import Operand, describe
from autograd.signatures import Json

from .whole import open_file, read_most, write_whole

__all__ = ["ArrayFile", "check_suffix", "load_arrays", "open_arrays", "save_arrays"]

SETTINGS = "settings.json"  # a member of the .npz, as text
CHECKSUMS = "checksums"  # among the settings; older files have none
MOST_HEADER = 10_012  # bytes in front of the numbers of an .npy, as NumPy
SMALL = 1 << 20  # bytes that settings may have in any file, however small

KINDS = ("F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL")  # of a .safetensors

Shape = tuple[int, ...]


def save_arrays(path: str | os.PathLike[str], arrays: Mapping[str, object], settings: Mapping[str, object]) -> None:
    """Make or replace the file `path`, which is afterwards complete or, whatever happens, as it was before.

    path: its name ends in .npz or .safetensors (`pip install safetensors`).
    arrays: real numbers of any shape, by name. settings: what JSON can hold.
    The same contents give the same bytes.
    """
    write = _writers[check_suffix(path)]
    found = {name: _plain(path, name, array) for name, array in arrays.items()}
    checksums = [_checksum_of_settings(settings), *(_checksum(name, found[name]) for name in sorted(found))]
    write_whole(Path(path), write(found, json.dumps({**settings, CHECKSUMS: checksums}, allow_nan=False)))


def load_arrays(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], Json]:
    """The arrays and the settings in a file that `save_arrays` wrote, or another .npz or .safetensors.

    The errors are those of `open_arrays` and `ArrayFile.read`.
    """
    with open_arrays(path) as file:
        return file.read(), file.settings


class Member(NamedTuple):
    """An array in a file: its shape as it is declared, and the function that reads it."""

    shape: Shape
    read: Callable[[], np.ndarray]


class ArrayFile(NamedTuple):
    """An open file of arrays: what is in it, and the way to read it. The settings are empty in one from elsewhere."""

    path: str
    settings: Json
    members: dict[str, Member]
    checksums: dict[str, int] | None

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shapes of the arrays, by name."""
        return {name: member.shape for name, member in self.members.items()}

    def read(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """The arrays of these names, by default all. ValueError for what is truncated or damaged."""
        found = {}
        for name in self.members if names is None else names:
            array = found[name] = self.members[name].read()
            if self.checksums is not None and _checksum(name, array) != self.checksums[name]:
                raise ValueError(f"{self.path}: {name!r} does not have the numbers that were saved; {_DAMAGED}")
        return found


@contextmanager
def open_arrays(path: str | os.PathLike[str]) -> Iterator[ArrayFile]:
    """Open a file that `save_arrays` wrote, or another .npz or .safetensors; of the arrays nothing is read yet.

    ValueError for what is truncated or damaged, for arrays of anything but real numbers, and for Python
    objects, which are never unpickled.
    """
    suffix = check_suffix(path)
    with (
        open_file(path, f"a file of arrays ({suffix})") as file,
        _openers[suffix](str(path), file) as (members, text),
    ):
        settings, checksums = _settings_in(str(path), text, members)
        yield ArrayFile(str(path), settings, members, checksums)


def check_suffix(path: object) -> str:
    """How the name ends, which says the format. ValueError if it is none of those there are."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"expected the path of a file, got {describe(path)}")
    suffix = Path(path).suffix
    if suffix not in _writers:
        raise ValueError(f"{path}: expected a name that ends in {' or '.join(_writers)}")
    return suffix


_DAMAGED = "the file was changed or damaged"


def _plain(path: object, name: str, array: Operand) -> np.ndarray:
    """The array in C order and in the byte order of all usual machines."""
    found = np.asarray(array)
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{path}: expected {name!r} to be real numbers, got {describe(found)}")
    return found.astype(found.dtype.newbyteorder("<"), order="C", copy=False)


def _checksum(name: str, array: np.ndarray) -> int:
    """CRC-32 of an array in C order with its name, type and shape."""
    numbers = array.astype(array.dtype.newbyteorder("<"), copy=False)
    start = zlib.crc32(f"{name} {numbers.dtype.str} {numbers.shape}".encode(errors="surrogatepass"))
    return zlib.crc32(numbers.reshape(-1).view(np.uint8).data, start)


def _checksum_of_settings(settings: Mapping[str, object]) -> int:
    return zlib.crc32(json.dumps(settings).encode())


def _settings_in(path: str, text: str, names: Iterable[str]) -> tuple[Json, dict[str, int] | None]:
    """The settings in a text, and the checksums of the arrays, which are in alphabetical order."""
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError, MemoryError):
        settings = None
    if not isinstance(settings, dict):
        raise ValueError(f"{path}: expected the settings as JSON, got {text[:40]!r}; {_DAMAGED}")
    if CHECKSUMS not in settings:
        return settings, None
    names, checksums = sorted(names), settings.pop(CHECKSUMS)
    if isinstance(checksums, list) and len(checksums) == 1 + len(names):
        with suppress(RecursionError):
            if checksums[0] == _checksum_of_settings(settings):
                return settings, dict(zip(names, checksums[1:], strict=True))
    raise ValueError(f"{path}: the settings or the names are not those that were saved; {_DAMAGED}")


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


@contextmanager
def _open_npz(path: str, file: Any) -> Iterator[tuple[dict[str, Member], str]]:
    if file.peek(2)[:2] != b"PK":
        start = file.peek(2)[:2].hex(" ")
        raise ValueError(f"{path}: expected an .npz file, which starts with the bytes 50 4b; got {start}")
    with _refusing(path):
        archive = zipfile.ZipFile(file)
        size = file.seek(0, os.SEEK_END)
    members: dict[str, Member] = {}
    text = bytearray(b"{}")
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name in members:
            raise ValueError(f"{path}: two members are called {name!r}")
        if info.filename != SETTINGS:
            members[name] = _npy(f"{path}: member {name!r}", path, archive, info)
        elif info.file_size > max(size, SMALL):
            raise ValueError(f"{path}: {SETTINGS} promises {info.file_size} bytes in a file of {size}")
        else:
            text = _start_of(path, archive, info, info.file_size + 1)
    yield members, text.decode("utf-8", "replace")


def _start_of(path: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytearray:
    """The first bytes of a member; its checksum is compared if these are all."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without measure
        raise ValueError(f"{path}: expected an .npz file as NumPy writes it (packed in another way)")
    with _refusing(path), archive.open(info) as member:
        return read_most(member, most)


@contextmanager
def _refusing(path: str) -> Iterator[None]:
    """Say which file it is in which zipfile finds something wrong."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, OSError, ValueError, OverflowError):
        raise ValueError(f"{path}: the .npz file is truncated or damaged") from None
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed in a way of its own
        raise ValueError(f"{path}: expected an .npz file as NumPy writes it ({error})") from None


def _npy(where: str, path: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    """The member of an .npz in NumPy's format; only its header is read."""
    start = io.BytesIO(_start_of(path, archive, info, MOST_HEADER))
    try:
        version = np.lib.format.read_magic(start)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read(start)
        if not _is_shape(shape, dtype.itemsize):
            raise ValueError(f"{shape} is no shape")
    except Exception:  # whatever comes of reading a Python expression: SyntaxError, MemoryError, RecursionError
        raise ValueError(f"{where} is no array in NumPy's format") from None
    if dtype.hasobject:
        raise ValueError(f"{where} holds Python objects; refusing to unpickle")
    if dtype.kind not in "fiub":
        raise ValueError(f"{where}: expected real numbers, got {dtype}")
    first, promised = start.tell(), math.prod(shape) * dtype.itemsize

    def check(there: int) -> None:
        if there != promised:
            raise ValueError(f"{where}: header promises {promised} bytes of data, the file has {there}")

    def numbers() -> np.ndarray:
        data = _start_of(path, archive, info, first + promised + 1)
        check(len(data) - first)
        array = np.frombuffer(data, dtype, offset=first) if promised else np.empty(0, dtype)
        return array.reshape(shape, order="F" if by_columns else "C").astype(dtype.newbyteorder("="), order="C")

    check(info.file_size - first)
    return Member(shape, numbers)


def _is_shape(shape: Shape, itemsize: int) -> bool:
    """Whether NumPy can make an array of it: True is an int too, and any number of nothing takes no bytes."""
    return all(type(n) is int and n >= 0 for n in shape) and math.prod(n or 1 for n in shape) * itemsize < 1 << 62


# ---------------------------------------------------------------- .safetensors


def _to_safetensors(arrays: Mapping[str, np.ndarray], settings: str) -> bytes:
    return _safetensors().numpy.save(dict(arrays), {"settings": settings})


@contextmanager
def _open_safetensors(path: str, file: Any) -> Iterator[tuple[dict[str, Member], str]]:
    library = _safetensors()

    @contextmanager
    def refusing() -> Iterator[None]:
        try:
            yield
        except (library.SafetensorError, ValueError, TypeError, OSError) as error:
            raise ValueError(f"{path}: expected a .safetensors file of NumPy's types, complete ({error})") from None

    with refusing():
        opened = library.safe_open(path, "numpy")
    with opened as found:

        def member(name: str) -> Member:
            with refusing():
                part = found.get_slice(name)
                shape, kind = tuple(part.get_shape()), part.get_dtype()
            if kind not in KINDS:
                raise ValueError(f"{path}: {name!r}: expected real numbers of NumPy's types, got {kind}")

            def numbers() -> np.ndarray:
                with refusing():
                    return found.get_tensor(name)

            return Member(shape, numbers)

        names = list(found.keys())
        yield {name: member(name) for name in names}, (found.metadata() or {}).get("settings", "{}")


def _safetensors() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError:
        raise ImportError(".safetensors files need a library: pip install safetensors") from None
    return safetensors


_writers = {".npz": _to_npz, ".safetensors": _to_safetensors}
_openers = {".npz": _open_npz, ".safetensors": _open_safetensors}
