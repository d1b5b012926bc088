"""A pipe with a name, made for one test, with a reader; never a device."""

import os
import threading

import pytest

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions and pipes")


class Pipe:
    """A FIFO with a reader of its own; `read()` is all that came through it."""

    def __init__(self, path):
        self.path, self._came = path, []
        os.mkfifo(path)
        self._reader = threading.Thread(target=lambda: self._came.append(path.read_bytes()), daemon=True)
        self._reader.start()

    def read(self):
        self._reader.join(30)
        (came,) = self._came
        return came
