"""Ctrl-C in a training: it comes between two steps, so that weights and the state of the optimizer belong together."""

from __future__ import annotations

import signal
import threading
from typing import Any

__all__ = ["Interrupts"]


class Interrupts:
    """Inside its `with` Ctrl-C ends the training after the step in which it came; a second one at once.

    `step` is entered around each step. A program that handles the signal itself, and a training outside of the
    main thread, go on as they would without.
    """

    def __init__(self) -> None:
        self.step = _Step()
        self._is_ours = False

    def __enter__(self) -> Interrupts:
        self._is_ours = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._is_ours:
            signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _interrupted(self, number: int, frame: Any) -> None:
        if self.step.is_open and not self.step.is_interrupted:
            self.step.is_interrupted = True
        else:
            raise KeyboardInterrupt


class _Step:
    """A step that is not to be left half done."""

    __slots__ = ("is_interrupted", "is_open")

    def __init__(self) -> None:
        self.is_open = self.is_interrupted = False

    def __enter__(self) -> None:
        self.is_open = True

    def __exit__(self, *raised: object) -> None:
        self.is_open = False
        if self.is_interrupted:
            raise KeyboardInterrupt
