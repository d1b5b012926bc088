"""Switches that change how operations are recorded: `no_grad` and `detect_anomaly`.

Both are context managers and both hold for the current thread only. The list `active` is empty
unless some thread is inside one of them, so that recording pays for a single truth test.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ContextDecorator, contextmanager

active: list[str] = []
_here = threading.local()


def is_recording() -> bool:
    """True unless the current thread is inside `no_grad()`."""
    return not getattr(_here, "no_grad", 0)


def is_detecting_anomalies() -> bool:
    """True while the current thread is inside `detect_anomaly()`."""
    return bool(getattr(_here, "detect_anomaly", 0))


@contextmanager
def recording() -> Iterator[None]:
    """Record in the current thread even inside `no_grad()`: for derivatives that are asked for there."""
    outer = getattr(_here, "no_grad", 0)
    _here.no_grad = 0
    try:
        yield
    finally:
        _here.no_grad = outer


class _Mode(ContextDecorator):
    """A switch that is on inside a `with`. (A class takes a third of the time of a generator.)"""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        here, name = _here.__dict__, self.name
        here[name] = here.get(name, 0) + 1
        active.append(name)

    def __exit__(self, *raised: object) -> None:
        active.remove(self.name)
        _here.__dict__[self.name] -= 1


def no_grad() -> _Mode:
    """Compute without recording: results inside the block are leaves.

    Use it for evaluation and for updates that should not become part of a graph::

        with no_grad():
            prediction = model(x)
    """
    return _Mode("no_grad")


def detect_anomaly() -> _Mode:
    """Raise where the first nan or infinity is born instead of letting it travel.

    Inside the block every recorded operation whose result or local derivative is not finite
    raises ArithmeticError naming the operation, its operands and the line that recorded it::

        with detect_anomaly():
            loss = log(x - x)
    """
    return _Mode("detect_anomaly")
