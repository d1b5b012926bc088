"""MNIST: the handwritten digits, from a folder, or into it from the network if one asks for that.

70,000 images of 28 x 28 bytes with their labels, in four IDX files. Source: LeCun, Bottou, Bengio and
Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 86 (1998).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autograd.arguments import not_negative

from ..files.whole import write_whole
from .idx import Shape, read_idx
from .images import Samples, shaped

__all__ = ["MNIST", "download_mnist", "load_mnist"]

# Name -> size in bytes and SHA-256. The files have been the same since 1998; torchvision and
# TensorFlow Datasets check for these very ones (torchvision/datasets/mnist.py by their MD5;
# tensorflow_datasets/url_checksums/mnist.txt).
FILES = {
    "train-images-idx3-ubyte.gz": (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    "train-labels-idx1-ubyte.gz": (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    "t10k-images-idx3-ubyte.gz": (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    "t10k-labels-idx1-ubyte.gz": (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
}

# Of torchvision and of TensorFlow Datasets.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


class MNIST(NamedTuple):
    """The part to learn from and the part to test with; None for the one that a folder lacks."""

    train: Samples | None
    test: Samples | None


def load_mnist(folder: str | os.PathLike[str], *, flat: bool = False, unit: bool = False) -> MNIST:
    """The MNIST files in a folder, as (x_train, y_train), (x_test, y_test).

    The names are those of the original, `train-images-idx3-ubyte` and so on, also with a dot in
    place of the second hyphen, and with `.gz` or without. A folder may hold one of the two pairs; in
    torchvision's folder they are in MNIST/raw, which is found from the folder above as well.

    x: (n, 28, 28), or (n, 784) with `flat`; uint8, or float64 in [0, 1] with `unit`. y: (n,) int64.

    Never goes to the network: `download_mnist` does. FileNotFoundError if there is no pair;
    ValueError for wrong files and for images and labels that differ in number.
    """
    folder = _place(_folder(folder))
    train, test = (_load_pair(folder, part, flat=flat, unit=unit) for part in ("train", "t10k"))
    if train is None and test is None:
        raise FileNotFoundError(
            f"{folder}: expected MNIST files such as t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz, "
            "found none; nn.datasets.download_mnist(folder) fetches them"
        )
    return MNIST(train, test)


def download_mnist(folder: str | os.PathLike[str], *, mirrors: Sequence[str] = MIRRORS, timeout: float = 30.0) -> Path:
    """Fetch those of the four MNIST files that a folder lacks, 11.6 MB in all; returns the folder.

    mirrors: addresses that end in a slash, tried in order. timeout: seconds without an answer.
    A file appears under its name once its SHA-256 is right, and not before. ConnectionError, with
    the reason for each mirror, if none gave the right file.
    """
    folder = _folder(folder)
    timeout = not_negative("download_mnist", "timeout", timeout)
    if isinstance(mirrors, str):
        mirrors = [mirrors]
    place = _place(folder)
    for name in FILES:
        if _find(place, name.removesuffix(".gz")) is None:
            write_whole(place / name, _fetch(name, mirrors, timeout))
    return folder


def _fetch(name: str, mirrors: Sequence[str], timeout: float) -> bytes:
    """The file from the first mirror that has the right one."""
    size, sha256 = FILES[name]
    reasons = []
    for mirror in mirrors:
        try:
            data = _read_url(mirror + name, size + 1, timeout)
        except (OSError, ValueError) as error:
            reasons.append(f"{mirror}: {error}")
            continue
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
        found = f"{len(data)} bytes of {size}" if len(data) < size else "another file, by its SHA-256"
        reasons.append(f"{mirror}: {found}")
    raise ConnectionError(f"{name}: no mirror gave the file. " + "; ".join(reasons or ["mirrors is empty"]))


def _read_url(url: str, most: int, timeout: float) -> bytes:
    # Here, since it takes longer to import than all the rest, and few ask for it.
    import http.client
    import urllib.request

    if not url.startswith(("https://", "http://")):
        raise ValueError("expected an address that starts with https:// or http://")
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.read(most)
    except http.client.HTTPException as error:
        raise OSError(f"the answer was broken off ({error!r})") from None


def _load_pair(folder: Path, part: str, *, flat: bool, unit: bool) -> Samples | None:
    images, labels = (_find(folder, f"{part}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        there, lacking = (labels, "images-idx3") if images is None else (images, "labels-idx1")
        raise FileNotFoundError(f"{there}: expected {part}-{lacking}-ubyte or {part}-{lacking}-ubyte.gz beside it")
    y = _read(labels, 1)
    x = _read(images, 3, of=len(y), labels=labels)
    return Samples(shaped(str(images), x, flat=flat, unit=unit), y.astype(np.int64))


def _read(path: Path, dimensions: int, *, of: int | None = None, labels: Path | None = None) -> np.ndarray:
    """The labels in a file, or the images, of which there are as many as labels; nothing else is read."""

    def check(shape: Shape, dtype: np.dtype) -> None:
        if len(shape) != dimensions or dtype != np.uint8:
            kind = "images, bytes of shape (n, height, width)" if dimensions == 3 else "labels, bytes of shape (n,)"
            raise ValueError(f"{path}: expected {kind}; the file has {dtype} of shape {shape}")
        if of not in (None, shape[0]):
            raise ValueError(f"{path} has {shape[0]} images, {labels} has {of} labels")

    return read_idx(path, check)


def _place(folder: Path) -> Path:
    """Where the files are: in the folder, or below it, where torchvision puts them."""
    places = (folder, folder / "raw", folder / "MNIST" / "raw")
    names = [name.removesuffix(".gz") for name in FILES]
    return next((place for place in places if any(_find(place, name) for name in names)), folder)


def _find(folder: Path, name: str) -> Path | None:
    """The file of this name in one of its spellings, the unpacked one first."""
    dotted = name.replace("-idx", ".idx")
    candidates = (folder / spelling for stem in (name, dotted) for spelling in (stem, stem + ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _folder(folder: str | os.PathLike[str]) -> Path:
    path = Path(folder)
    if not path.is_dir():
        found = "a file" if path.exists() else "nothing of that name"
        raise NotADirectoryError(f"{path}: expected a folder for the MNIST files, found {found}")
    return path
