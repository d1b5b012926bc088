"""Ctrl-C in a training: it comes between two steps, so that weights and the state of the optimizer belong together."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

__all__ = ["Interrupts"]


class Interrupts:
    """Inside its `with` a Ctrl-C that comes in a step only sets `is_asked`; one more, or elsewhere, raises at once.

    step: the function that makes a step. A program that handles the signal itself, and a training outside of the
    main thread, go on as they would without.
    """

    def __init__(self, step: Callable[..., object]) -> None:
        self.is_asked = False
        self._code = step.__code__
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

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        while frame is not None and frame.f_code is not self._code:
            frame = frame.f_back
        if frame is None or self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True
