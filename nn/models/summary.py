"""The table of a model's layers, as Keras prints it: text, and HTML for notebooks."""

from __future__ import annotations

import html
from typing import Any

__all__ = ["Summary"]

TITLES = ("Layer (type)", "Output Shape", "Param #")


class Summary:
    """The layers of a model as a table, taken when it was made. `str()` is the text.

    rows    one (layer, output shape, number of parameters) for each layer
    total   the number of parameters of all layers
    text    the table in columns
    """

    def __init__(self, model: Any) -> None:
        self.name: str = model.name
        self.rows: list[tuple[str, str, int]] = []
        shape = model.input_shape
        for layer in model.layers:
            shape = layer.output_shape(shape)
            written = f"({', '.join(('None', *map(str, shape)))})"
            self.rows.append((f"{layer.name} ({type(layer).__name__})", written, layer.count_params()))
        self.total = sum(n for _, _, n in self.rows)
        self.bytes = sum(p._data.nbytes for p in model.parameters())

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
        return f"Total params: {self.total:,} ({_size(self.bytes)})"

    def _repr_html_(self) -> str:
        numeric = ' style="text-align: right"'
        head = "".join(f"<th{numeric if title == TITLES[-1] else ''}>{title}</th>" for title in TITLES)
        rows = "".join(
            f"<tr><td>{html.escape(layer)}</td><td>{html.escape(shape)}</td><td{numeric}>{n:,}</td></tr>"
            for layer, shape, n in self.rows
        )
        return (
            f"<table><caption>Model: {html.escape(self.name)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table><p>{self._totals()}</p>"
        )

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def _size(n: float) -> str:
    """A number of bytes as Keras writes it: 5.63 KB."""
    for unit in ("B", "KB", "MB", "GB"):
        if n < 1024 or unit == "GB":
            break
        n /= 1024
    return f"{n:.2f} {unit}"
