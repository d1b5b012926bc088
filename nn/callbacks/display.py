"""What a training prints while it runs: lines, and a bar. With a model's `summary` all that the library prints."""

from __future__ import annotations

import sys
import time
from typing import Any

from .base import Callback, Logs

__all__ = ["Bar", "Lines", "bar_class", "say"]

_PLAIN = str.maketrans("─═", "-=")


def say(text: str) -> None:
    """Print a line at once; where a file or a pipe lacks characters, rules are of - and =, and others are ?."""
    if sys.stdout is None:
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Lines(Callback):
    """One line of text for each epoch, as Keras prints them."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Print the line of the epoch."""
        self.show(self.line(epoch, logs or {}))

    def line(self, epoch: int, logs: Logs) -> str:
        """The line of an epoch: its number, how long it took, and what was measured."""
        epochs = str(self.params.get("epochs", "?"))
        number = f"Epoch {epoch + 1:>{len(epochs)}}/{epochs}"
        seconds = time.perf_counter() - self._start
        return " - ".join([number, _duration(seconds), *(f"{name}: {_number(x)}" for name, x in logs.items())])

    def show(self, line: str) -> None:
        """Print a line."""
        say(line)


class Bar(Lines):
    """The lines of the epochs and below them a bar for the whole training, by tqdm.

    bar: its class. It disappears at the end, the lines stay. Between the epochs, where other callbacks print, it
    is not shown: what they print would stand behind it.
    """

    def __init__(self, bar: Any) -> None:
        self._make = bar
        self._bar: Any = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Name the epoch; before the first one make the bar."""
        super().on_epoch_begin(epoch, logs)
        epochs, steps = self.params.get("epochs", 1), self.params.get("steps", 1)
        if self._bar is None:
            total = None if steps is None else (epochs - epoch) * steps
            self._bar = self._make(total=total, file=sys.stdout, leave=False, unit="batch", dynamic_ncols=True)
        self._bar.set_description(f"Epoch {epoch + 1}/{epochs}")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move on by one batch; after the last one of the epoch make room."""
        self._bar.update()
        if batch + 1 == self.params.get("steps"):
            self._bar.clear()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def show(self, line: str) -> None:
        """Print a line where the bar was."""
        self._bar.clear()
        say(line)


def bar_class() -> Any:
    """The plain bar of tqdm, without the thread that it starts to watch itself; None if it is not installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return type("Bar", (tqdm,), {"monitor_interval": 0})


def _duration(seconds: float) -> str:
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{seconds:.1f}s" if seconds < 60 else f"{minutes:.0f}min {rest:.0f}s"


def _number(x: float) -> str:
    """Four decimals as in Keras; where these would show nothing, a power of ten."""
    return f"{x:.4f}" if x == 0 or abs(x) > 1e-3 else f"{x:.4e}"
