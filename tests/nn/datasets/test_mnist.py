"""MNIST: from a folder in every spelling, and from mirrors that fail in every way."""

import contextlib
import hashlib
import http.server
import os
import re
import socket
import threading
import tracemalloc

import numpy as np
import pytest
from idx_files import DIGITS, IMAGES, idx, pack, put

from nn.datasets import mnist
from nn.datasets.mnist import download_mnist, load_mnist


@pytest.fixture
def folder(tmp_path):
    """A folder with the four files of a small MNIST, in four spellings."""
    put(tmp_path / "train-images-idx3-ubyte", idx(IMAGES))
    put(tmp_path / "train-labels.idx1-ubyte", idx(DIGITS))
    put(tmp_path / "t10k-images-idx3-ubyte.gz", pack(idx(IMAGES[:2])))
    put(tmp_path / "t10k-labels.idx1-ubyte.gz", pack(idx(DIGITS[:2])))
    return tmp_path


def test_a_folder_with_four_files_gives_training_and_test(folder):
    (x_train, y_train), (x_test, y_test) = load_mnist(folder)
    assert np.array_equal(x_train, IMAGES)
    assert np.array_equal(x_test, IMAGES[:2])
    assert y_train.dtype == np.int64
    assert y_train.tolist() == DIGITS.tolist()
    assert y_test.tolist() == [3, 1]


def test_images_may_be_flat_and_in_unit_scale(folder):
    x = load_mnist(str(folder), flat=True, unit=True).train.x
    assert x.shape == (5, 12)
    assert x.dtype == np.float64
    assert np.array_equal(x, IMAGES.reshape(5, 12) / 255)


def test_a_folder_may_hold_one_pair(folder):
    for path in folder.glob("train*"):
        path.unlink()
    found = load_mnist(folder)
    assert found.train is None
    assert len(found.test.x) == 2


def test_a_pair_of_which_one_is_missing_is_refused(folder):
    (folder / "train-labels.idx1-ubyte").unlink()
    message = r"train-images-idx3-ubyte: expected train-labels-idx1-ubyte or train-labels-idx1-ubyte\.gz beside it"
    with pytest.raises(FileNotFoundError, match=message):
        load_mnist(folder)


def test_images_and_labels_that_differ_in_number_are_refused(folder):
    put(folder / "train-labels.idx1-ubyte", idx(DIGITS[:4]))
    with pytest.raises(
        ValueError, match=r"train-images-idx3-ubyte has 5 images, .*train-labels.idx1-ubyte has 4 labels"
    ):
        load_mnist(folder)


def test_images_and_labels_that_are_swapped_are_refused(folder):
    put(folder / "train-labels.idx1-ubyte", idx(IMAGES))
    with pytest.raises(
        ValueError, match=r"expected labels, bytes of shape \(n,\); the file has uint8 of shape \(5, 3, 4\)"
    ):
        load_mnist(folder)
    put(folder / "train-labels.idx1-ubyte", idx(DIGITS))
    put(folder / "train-images-idx3-ubyte", idx(DIGITS))
    with pytest.raises(ValueError, match=r"expected images, bytes of shape \(n, height, width\)"):
        load_mnist(folder)


@pytest.mark.parametrize("below", ["raw", "MNIST/raw"])
def test_the_folder_of_torchvision_is_read_from_above(folder, tmp_path_factory, below):
    above = tmp_path_factory.mktemp("data")
    (above / below).mkdir(parents=True)
    for path in folder.iterdir():
        path.rename(above / below / path.name)
    for place in (above, above / below):
        (x_train, y_train), (x_test, y_test) = load_mnist(place)
        assert np.array_equal(x_train, IMAGES)
        assert np.array_equal(x_test, IMAGES[:2])
        assert (y_train.tolist(), y_test.tolist()) == (DIGITS.tolist(), [3, 1])


def test_files_in_the_folder_itself_come_before_those_below(folder):
    (folder / "MNIST" / "raw").mkdir(parents=True)
    put(folder / "MNIST" / "raw" / "train-images-idx3-ubyte", idx(IMAGES[:1]))
    assert len(load_mnist(folder).train.x) == 5


@pytest.mark.slow
@pytest.mark.parametrize("packed", [bytes, pack])
def test_images_are_not_read_if_they_are_none_or_not_as_many_as_labels(folder, packed):
    for shape, message in (((6, 4096, 4096), "has 6 images, .* has 5 labels"), ((1 << 26,), "expected images, bytes")):
        put(folder / "train-images-idx3-ubyte", packed(idx(np.zeros(1 << 26, np.uint8), shape=shape)))
        tracemalloc.start()
        try:
            with pytest.raises(ValueError, match=message):
                load_mnist(folder)
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()


def test_a_folder_without_mnist_says_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"found none; nn\.datasets\.download_mnist\(folder\) fetches them"):
        load_mnist(tmp_path)
    with pytest.raises(NotADirectoryError, match="expected a folder for the MNIST files, found nothing of that name"):
        load_mnist(tmp_path / "none")
    with pytest.raises(NotADirectoryError, match="found a file"):
        load_mnist(put(tmp_path / "file", b"?"))


class Server:
    """A mirror on this machine: what it has, and what was asked of it."""

    def __init__(self, files):
        server = self
        self.files, self.asked = files, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                data = server.files.get(self.path.rpartition("/")[2])
                self.send_response(404 if data is None else 200)
                # A mirror may break off: it announces more than it sends.
                self.send_header("Content-Length", str(len(data or b"") + server.files.get("missing", 0)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the other side may have enough
                    self.wfile.write(data or b"")

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/mnist/"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def serve():
    servers = []

    def start(files):
        servers.append(Server(files))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def published(monkeypatch):
    """Four small files in place of the published ones, with their sizes and checksums."""
    parts = {"train": (IMAGES, DIGITS), "t10k": (IMAGES[:2], DIGITS[:2])}
    files = {
        f"{part}-{kind}-ubyte.gz": pack(idx(array))
        for part, arrays in parts.items()
        for kind, array in zip(("images-idx3", "labels-idx1"), arrays, strict=True)
    }
    known = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}
    assert set(known) == set(mnist.FILES)
    monkeypatch.setattr(mnist, "FILES", known)
    return files


def test_the_published_files_are_those_that_are_checked_for():
    assert [size for size, _ in mnist.FILES.values()] == [9912422, 28881, 1648877, 4542]
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for _, sha256 in mnist.FILES.values())
    assert len({sha256 for _, sha256 in mnist.FILES.values()}) == 4
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in mnist.MIRRORS)


def test_a_download_brings_the_four_files(tmp_path, serve, published):
    server = serve(published)
    assert download_mnist(tmp_path, mirrors=[server.url]) == tmp_path
    assert sorted(os.listdir(tmp_path)) == sorted(published)
    assert np.array_equal(load_mnist(tmp_path).train.x, IMAGES)


def test_what_a_folder_has_is_not_fetched(folder, serve, published):
    (folder / "t10k-labels.idx1-ubyte.gz").unlink()
    server = serve(published)
    download_mnist(folder, mirrors=server.url)
    assert server.asked == ["/mnist/t10k-labels-idx1-ubyte.gz"]
    download_mnist(folder, mirrors=[])


def test_what_torchvision_fetched_is_not_fetched_again(folder, tmp_path_factory, serve, published):
    above = tmp_path_factory.mktemp("data")
    (above / "MNIST").mkdir()
    (folder / "t10k-labels.idx1-ubyte.gz").unlink()
    folder.rename(above / "MNIST" / "raw")
    server = serve(published)
    assert download_mnist(above, mirrors=server.url) == above
    assert server.asked == ["/mnist/t10k-labels-idx1-ubyte.gz"]
    assert len(load_mnist(above).test.x) == 2


def test_the_next_mirror_is_asked_when_one_has_another_file_or_none(tmp_path, serve, published):
    empty = serve({})
    wrong = serve({name: data[:-1] + b"?" for name, data in published.items()})
    short = serve({name: data[:-3] for name, data in published.items()} | {"missing": 3})
    endless = serve({name: data + bytes(1000) for name, data in published.items()})
    right = serve(published)
    download_mnist(tmp_path, mirrors=[server.url for server in (empty, wrong, short, endless, right)])
    assert all((tmp_path / name).read_bytes() == data for name, data in published.items())


def test_no_file_appears_unless_its_checksum_is_right(tmp_path, serve, published):
    empty = serve({})
    wrong = serve({name: data[:-1] + b"?" for name, data in published.items()})
    short = serve({name: data[:-3] for name, data in published.items()} | {"missing": 3})
    message = (
        r"train-images-idx3-ubyte\.gz: no mirror gave the file\. .*: HTTP Error 404: Not Found; .*: another file, "
        r"by its SHA-256; .*: \d+ bytes of \d+; ftp://x/: expected an address that starts with https:// or http://"
    )
    with pytest.raises(ConnectionError, match=message):
        download_mnist(tmp_path, mirrors=[empty.url, wrong.url, short.url, "ftp://x/"])
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_no_more_is_read_than_the_file_has(tmp_path, serve, published):
    endless = serve({name: data + bytes(1 << 25) for name, data in published.items()})
    tracemalloc.start()
    try:
        with pytest.raises(ConnectionError, match="another file, by its SHA-256"):
            download_mnist(tmp_path, mirrors=[endless.url])
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


def test_a_mirror_that_cannot_be_reached_is_named(tmp_path, published):
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(ConnectionError, match=rf"{re.escape(url)}: .*refused"):
        download_mnist(tmp_path, mirrors=[url], timeout=5)
    with pytest.raises(ConnectionError, match="mirrors is empty"):
        download_mnist(tmp_path, mirrors=[])
    with pytest.raises(NotADirectoryError, match="expected a folder for the MNIST files"):
        download_mnist(tmp_path / "none")
