"""Picture: a finished SVG that a notebook shows and a file takes, and pictures side by side as one."""

from __future__ import annotations

import html
import math
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from autograd.arguments import lookup
from autograd.operands import describe
from autograd.signatures import Json
from nn.files.whole import check_folder, write_whole

from .files import opened, picture_file
from .options import drawing
from .pdf import to_pdf
from .render import to_png
from .style import current

__all__ = ["Picture", "beside", "fitted"]

GAP, TITLE = 24.0, 26.0  # points between pictures, and for a title above
_SVG = re.compile(r"<svg\b")
_ROOT = re.compile(r'<svg\b([^>]*?)\bwidth="([\d.]+)pt"\s+height="([\d.]+)pt"([^>]*)>(.*)</svg>', re.DOTALL)
_FORMATS = dict.fromkeys(("svg", "png", "pdf"))


def fitted(svg: str) -> str:
    """An SVG for a notebook: no wider than the page, in its proportions."""
    return _SVG.sub('<svg style="max-width: 100%; height: auto"', svg, count=1)


class Picture:
    """A picture as SVG text; a notebook shows it.

    svg     the text, complete and of its own
    places  where everything stands, for another picture that is to be `like` this one; None if others place it
    """

    def __init__(self, svg: str, places: Any = None) -> None:
        self.svg, self.places = svg, places

    def pipe(self, format: str = "svg", *, encoding: str | None = None, dpi: float = 96.0) -> Any:
        """The picture as bytes, or as text if an encoding is given.

        format: "svg", "png" or "pdf", whose letters are outlines. dpi: resolution of a PNG in pixels per inch.
        ValueError for another format; RendererMissing if a PNG or a PDF needs packages that are not
        installed (it names the pip command).
        """
        lookup("format", format, _FORMATS)
        if not 0 < dpi < math.inf:
            raise ValueError(f"pipe: dpi is positive, got {dpi=}")
        picture = self.svg.encode()
        if format == "png":
            picture = to_png(picture, dpi)
        elif format == "pdf":
            picture = to_pdf(self.svg)
        return picture if encoding is None else picture.decode(encoding)

    def save(self, filename: str | os.PathLike[str], *, format: str | None = None, dpi: float = 96.0) -> str:
        """Write the picture to a file and return its path.

        "net.svg", "net.png" and "net.pdf" are those files; a name without an ending gets the one of the format,
        "svg" if none is given. A file of that name is replaced. If anything fails, there is what was there before and
        never part of a picture.

        FileNotFoundError if the folder does not exist; the errors of `pipe`, such as ValueError for "net.gif".
        """
        path, format = picture_file("save", Path(filename), format, "svg")
        check_folder(path)
        write_whole(path, self.pipe(format, dpi=dpi))
        return str(path)

    render = save

    def show(self) -> str:
        """Open the picture in the browser; returns the path of the temporary file that is made for it."""
        return opened(self.svg.encode(), "picture.svg")

    def _repr_svg_(self) -> str:
        return fitted(self.svg)

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: object
    ) -> Json:
        return {"image/svg+xml": fitted(self.svg), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Picture, {len(self.svg):,} characters of SVG>"


@drawing
def beside(
    *pictures: Any, titles: Sequence[str] | None = None, width: float | None = None, look: object = None
) -> Picture:
    """Pictures side by side as one, each as it is: before and after a step, two levels, a graph and its net.

    pictures  Drawings and Pictures, as draw_graph, draw_paths, draw_network and beside give them
    titles    one above each
    width     of the whole in inches (3.4), or as "8.6cm"; text is scaled with it
    look      of titles and paper: "dark", "print" or another, as for draw_graph

    TypeError for what is no picture, ValueError for none or another number of titles; RendererMissing as for
    `pipe("svg")` of each.
    """
    if not pictures:
        raise ValueError("beside: expected pictures, as in beside(draw_graph(a), draw_graph(b)); got none")
    for picture in pictures:
        if not hasattr(picture, "pipe"):
            raise TypeError(f"beside: expected what draw_graph or draw_network returns, got {describe(picture)}")
    if titles is not None and (isinstance(titles, str) or len(titles) != len(pictures)):
        raise ValueError(f"beside: expected a list of {len(pictures)} titles, one for each picture; got {titles!r}")
    parts = [_part(picture.pipe("svg").decode(), i) for i, picture in enumerate(pictures, 1)]
    top = TITLE if titles is not None else 0.0
    height = top + max(h for _, h, _ in parts)
    x, body = 0.0, []
    for i, (w, h, inside) in enumerate(parts):
        if titles is not None:
            body.append(
                f'<text x="{x + w / 2:.2f}" y="17" font-size="14" text-anchor="middle" fill="{current().ink}">'
                f"{html.escape(titles[i])}</text>"
            )
        body.append(f'<svg x="{x:.2f}" y="{top + (height - top - h) / 2:.2f}" {inside}</svg>')
        x += w + GAP
    across = x - GAP
    scale = 1.0 if width is None else 72 * width / across
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {across:.2f} {height:.2f}" width="{scale * across:.1f}pt" height="{scale * height:.1f}pt" '
        f'font-family="{current().font}" role="img">\n'
        f'<rect width="{across:.2f}" height="{height:.2f}" fill="{current().paper}"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _part(svg: str, i: int) -> tuple[float, float, str]:
    """Width and height of an SVG in points, and its text from the attributes on, with ids of its own."""
    found = _ROOT.search(svg)
    if found is None:
        raise ValueError("beside: expected pictures whose SVG has a width and a height in points")
    before, width, height, after, body = found.groups()
    body = re.sub(r'(<[^<>]*? id=")', rf"\g<1>p{i}-", body)
    return float(width), float(height), f'{before}width="{width}" height="{height}"{after}>{body}'
