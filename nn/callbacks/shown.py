"""Which callback shows a training, where it runs."""

from __future__ import annotations

import sys

from .base import Callback
from .display import Bar, Lines, bar_class
from .notebook import Live, notebook_display

__all__ = ["progress"]


def progress(verbose: object = None) -> Callback | None:
    """The callback that shows a training; None if nothing is to be shown.

    verbose: 0 shows nothing. 2 prints a line for each epoch::

        Epoch  3/20 - 41ms - loss: 0.3412 - accuracy: 0.8750 - val_loss: 0.3610 - val_accuracy: 0.8600

    1 does too and has a bar below them, if standard output is a terminal and tqdm is installed
    (`pip install tqdm`). In a notebook 1 is one picture that grows instead: a bar, the line of the last
    epoch, and the curves of the losses. None, or "auto", is 1 in a terminal and in a notebook, and 0 elsewhere.
    """
    display = notebook_display()
    terminal = bool(getattr(sys.stdout, "isatty", bool)())
    if verbose is None or verbose == "auto":
        verbose = 1 if terminal or display is not None else 0
    if isinstance(verbose, str) or verbose not in (0, 1, 2):
        raise ValueError(f"verbose: expected 0, 1, 2 or None, got {verbose!r}")
    if not verbose:
        return None
    if verbose == 1 and display is not None:
        return Live(display)
    bar = bar_class() if verbose == 1 and terminal else None
    return Lines() if bar is None else Bar(bar)
