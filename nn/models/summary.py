"""The table of a model's layers, as Keras prints it: text, and HTML for notebooks."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from ..callbacks.display import say
from ..callbacks.notebook import notebook_display
from ..layers.basic import count_numbers
from ..module import numbers_of

__all__ = ["Summary"]

TITLES = ("Layer (type)", "Output Shape", "Param #")


class Summary:
    """The layers of a model as a table, taken when it was made.

    rows        one (layer, output shape, how many numbers) for each layer; what it shares counts where it is first
    total       how many numbers there are; trainable: those of them that training moves
    text        the table in columns; html: for a page
    """

    def __init__(self, model: Any) -> None:
        self.name: str = model.name
        self.rows: list[tuple[str, str, int]] = []
        shape = model.input_shape
        seen: list[Any] = []
        for layer in model.layers:
            shape = layer.output_shape(shape)
            written = f"({', '.join(('None', *map(str, shape)))})"
            self.rows.append((f"{layer.name} ({type(layer).__name__})", written, count_numbers(layer, seen)))
            seen += [*layer.parameters(), *layer.buffers()]
        state = model.state_dict().values()
        self.total, self.bytes = sum(x.size for x in state), sum(x.nbytes for x in state)
        self.trainable: int = sum(np.size(numbers_of(p)) for p in model.parameters())

    @property
    def text(self) -> str:
        cells = [TITLES, *((layer, shape, f"{n:,}") for layer, shape, n in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        widths[0] = max(widths[0], 24)
        lines = [f" {layer:<{widths[0]}}  {shape:<{widths[1]}}  {n:>{widths[2]}}" for layer, shape, n in cells]
        width = max(map(len, lines)) + 1
        return "\n".join(
            [
                f'Model: "{self.name}"',
                "─" * width,
                lines[0],
                "═" * width,
                *lines[1:],
                "─" * width,
                self._totals(),
            ]
        )

    def _totals(self) -> str:
        total = f"Total params: {self.total:,} ({_size(self.bytes)})"
        if self.trainable == self.total:
            return total
        rest = self.total - self.trainable
        return f"{total}\nTrainable params: {self.trainable:,}\nNon-trainable params: {rest:,}"

    @property
    def html(self) -> str:
        """The table for a page."""
        numeric = ' style="text-align: right"'
        head = "".join(f"<th{numeric if title == TITLES[-1] else ''}>{title}</th>" for title in TITLES)
        rows = "".join(
            f"<tr><td>{html.escape(layer)}</td><td>{html.escape(shape)}</td><td{numeric}>{n:,}</td></tr>"
            for layer, shape, n in self.rows
        )
        return (
            f"<table><caption>Model: {html.escape(self.name)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table><p>{self._totals().replace(chr(10), '<br>')}</p>"
        )

    def show(self) -> None:
        """Print the table; in a notebook show it as one."""
        display = notebook_display()
        if display is None:
            say(self.text)
        else:
            display({"text/html": self.html, "text/plain": self.text}, raw=True)

    def __repr__(self) -> str:
        return f"<summary of {self.name!r}: {len(self.rows)} layers, {self.total:,} numbers>"


def _size(n: float) -> str:
    """A number of bytes as Keras writes it: 5.63 KB."""
    for unit in ("B", "KB", "MB", "GB"):
        if n < 1024 or unit == "GB":
            break
        n /= 1024
    return f"{n:.2f} {unit}"
