"""The table of a model's layers, as Keras prints it: text, and HTML for notebooks."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from ..callbacks.display import say
from ..callbacks.notebook import notebook_display
from ..layers.base import Shape, count_numbers
from ..module import numbers_of

__all__ = ["Summary"]

TITLES = ("Layer (type)", "Output Shape", "Param #", "Connected to")


class Summary:
    """The layers of a model as a table, taken when it was made.

    rows        one (layer, output shape, how many numbers) for each layer; what it shares counts where it is first
    connections what each row is given, by name; None where each layer is given what the one before gives
    total       how many numbers there are; trainable: those of them that training moves
    text        the table in columns; html: for a page
    """

    def __init__(self, model: Any) -> None:
        self.name: str = model.name
        self.rows: list[tuple[str, str, int]] = []
        self.connections: list[str] | None = None
        wiring, shapes = model.wiring, model.wiring.shapes(model.input_shapes)
        seen: list[object] = []
        places = [f"{place.name or f'input_{i}'}" for i, place in enumerate(model.inputs, 1)]
        connections = [""] * len(places)
        if not wiring.is_row:
            self.rows += [(f"{name} (Input)", _written(shape), 0) for name, shape in zip(places, shapes, strict=False)]
            self.connections = connections
        for call, shape in zip(wiring.calls, shapes[len(wiring.inputs) :], strict=True):
            layer = call.layer
            self.rows.append((f"{layer.name} ({type(layer).__name__})", _written(shape), count_numbers(layer, seen)))
            connections.append(", ".join(places[source] for source in call.sources))
            places.append(layer.name)
            seen += [*layer.parameters(), *layer.buffers()]
        state = model.state_dict().values()
        self.total, self.bytes = sum(x.size for x in state), sum(x.nbytes for x in state)
        self.trainable: int = sum(np.size(numbers_of(p)) for p in model.trainable_parameters())

    def _cells(self) -> list[tuple[str, ...]]:
        """Titles and rows as text."""
        cells = [TITLES, *((layer, shape, f"{n:,}") for layer, shape, n in self.rows)]
        if self.connections is None:
            return [row[:3] for row in cells]
        return [TITLES, *((*row, sources) for row, sources in zip(cells[1:], self.connections, strict=True))]

    @property
    def text(self) -> str:
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        widths[0] = max(widths[0], 24)
        columns = list(zip(widths, "<<><", strict=False))  # numbers to the right
        lines = [
            " " + "  ".join(f"{x:{side}{width}}" for x, (width, side) in zip(row, columns, strict=True)).rstrip()
            for row in cells
        ]
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
        head, *rows = (
            "".join(f"<{tag}{numeric if i == 2 else ''}>{html.escape(x)}</{tag}>" for i, x in enumerate(row))
            for tag, row in zip(("th", *["td"] * len(self.rows)), self._cells(), strict=True)
        )
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return (
            f"<table><caption>Model: {html.escape(self.name)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table><p>{self._totals().replace(chr(10), '<br>')}</p>"
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


def _written(shape: Shape) -> str:
    return f"({', '.join(('None', *map(str, shape)))})"


def _size(n: float) -> str:
    """A number of bytes as Keras writes it: 5.63 KB."""
    for unit in ("B", "KB", "MB", "GB"):
        if n < 1024 or unit == "GB":
            break
        n /= 1024
    return f"{n:.2f} {unit}"
