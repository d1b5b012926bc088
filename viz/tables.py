"""weights_table: every leaf of a computation with its gradient and the strongest path that the gradient takes."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path as File
from typing import Any, NamedTuple

from autograd import Path, Value
from autograd.arguments import lookup
from autograd.formulas.names import parse
from autograd.operands import describe
from autograd.paths.path_graph import PathGraph
from autograd.used import Used

from .explorer.model import encoded
from .files import picture_file, write_whole
from .options import drawing
from .style import cut, number

__all__ = ["Row", "WeightsTable", "weights_table"]

LONGEST = 70  # characters of a path
HEADS = ("name", "number", "gradient", "paths", "strongest path", "its product", "share")
_LEVELS = dict.fromkeys(("named", "op"))
_FORMATS = dict.fromkeys(("txt", "md", "csv", "json", "html"))


class Row(NamedTuple):
    """A leaf: its name, the number that was used, ∂L/∂leaf, how many paths there are and the strongest of them.

    share: of the strongest path's product in the sum of the sizes of all; nan if that is no number.
    """

    name: str
    data: float
    gradient: float
    paths: int
    strongest: Path
    chain: str
    share: float


class WeightsTable(Sequence[Row]):
    """Rows, one for each leaf; as text, Markdown, CSV, JSON or HTML; a notebook shows it."""

    def __init__(self, rows: Iterable[Row], digits: int) -> None:
        self.rows, self.digits = list(rows), digits

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: Any) -> Any:
        return self.rows[i]

    def _cells(self) -> list[tuple[str, ...]]:
        def shown(x: float) -> str:
            return number(x, self.digits)

        return [
            (
                *(row.name, shown(row.data), shown(row.gradient), f"{row.paths:,}", cut(row.chain, LONGEST)),
                *(shown(row.strongest.value), f"{row.share:.0%}" if row.share == row.share else ""),
            )
            for row in self.rows
        ]

    def text(self) -> str:
        """Columns below each other, numbers to the right."""
        cells = [HEADS, *self._cells()]
        widths = [max(len(row[i]) for row in cells) for i in range(len(HEADS))]
        lines = []
        for row in cells:
            sides = [str.ljust if i in (0, 4) else str.rjust for i in range(len(row))]
            lines.append("  ".join(side(cell, w) for side, cell, w in zip(sides, row, widths, strict=True)))
        return "\n".join(line.rstrip() for line in lines)

    def markdown(self) -> str:
        """A table of Markdown."""
        rule = ("---", "---:", "---:", "---:", "---", "---:", "---:")
        rows = [HEADS, rule, *(tuple(cell.replace("|", "\\|") for cell in row) for row in self._cells())]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def csv(self) -> str:
        """Comma-separated values with numbers in full."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADS)
        for r in self.rows:
            writer.writerow([r.name, r.data, r.gradient, r.paths, r.chain, r.strongest.value, r.share])
        return out.getvalue()

    def json(self) -> str:
        """A list of objects with numbers in full; nan and infinities as text."""
        rows = []
        for r in self.rows:
            cells = (r.name, r.data, r.gradient, r.paths, r.chain, r.strongest.value, r.share)
            rows.append({head: encoded(c) if isinstance(c, float) else c for head, c in zip(HEADS, cells, strict=True)})
        return json.dumps(rows, ensure_ascii=False, indent=1)

    def _repr_html_(self) -> str:
        def row(cells: Iterable[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(row(cells, "td") for cells in self._cells())
        return f"<table><thead>{row(HEADS, 'th')}</thead><tbody>{body}</tbody></table>"

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write the table to a file and return its path: .txt, .md, .csv, .json or .html says how.

        ValueError for another ending, FileNotFoundError if the folder does not exist.
        """
        file, format = picture_file("save", File(path), None, "txt")
        lookup("format", format, _FORMATS)
        write_whole(file, self.written(format).encode())
        return str(file)

    def written(self, format: str) -> str:
        """The table as the text of a file: "txt", "md", "csv", "json" or "html". ValueError for another format."""
        lookup("format", format, _FORMATS)
        made = {"txt": self.text, "md": self.markdown, "csv": self.csv, "json": self.json, "html": self._repr_html_}
        return made[format]().rstrip("\n") + "\n"

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<WeightsTable of {len(self.rows)} rows>"


@drawing
def weights_table(root: object, *, level: str = "named", digits: int = 4) -> WeightsTable:
    """Every named leaf below `root`, layer by layer and unit by unit, with its gradient and its strongest path.

    root    the loss, or any other result of Values
    level   "named": paths through named nodes; "op": through every operation
    digits  significant digits of what is shown; CSV and JSON have all

    `print(weights_table(L))` is text; `save("table.csv")` writes .txt, .md, .csv, .json or .html. Gradients are
    those of the paths, also where no backward pass was run.

    TypeError if root is no Value; ValueError for a leaf, an unknown level, and if no leaf has a name.
    """
    if not isinstance(root, Value):
        raise TypeError(f"weights_table: expected a Value such as the loss, got {describe(root)}")
    if root.is_leaf:
        raise ValueError("weights_table: expected the result of a computation; this Value is a leaf, without paths")
    lookup("level", level, _LEVELS)
    graph, used = PathGraph(root, level=level), Used(root)
    leaves = [v for v in graph.nodes if v.is_leaf and v.label is not None]
    if not leaves:
        raise ValueError('weights_table: no leaf has a name; set v.label = "w" on those that are to be listed')
    leaves.sort(key=lambda v: _place(graph.labels[v]))
    return WeightsTable([_row(graph, v, used) for v in leaves], digits)


def _place(label: str) -> tuple[object, ...]:
    """Where a leaf stands: layer by layer, unit by unit, the bias of a unit behind its weights; then all others."""
    name = parse(label)
    if name is None or name.layer is None:
        return (1, "", (), 0)
    index = tuple(int(i) if i.isdecimal() else 0 for i in name.index)
    return (0, name.layer.rjust(9), index[:1], name.base == "b", index)


def _row(graph: PathGraph, v: Value, used: Used) -> Row:
    strongest = next(graph.paths(v))
    strength = graph.strength(v)
    share = abs(strongest.value) / strength if strength and math.isfinite(strength) else math.nan
    chain = " → ".join(graph.names.text(graph.labels[u]) for u in strongest.nodes)
    gradient = graph.gradient(v)[graph.target]
    return Row(graph.names.text(graph.labels[v]), used.number(v), gradient, graph.count(v), strongest, chain, share)
