"""Picture: a finished SVG that a notebook shows and a file takes; no renderer is needed for it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograd.arguments import lookup
from nn.files.whole import check_folder, write_whole

from .files import picture_file
from .render import to_png

__all__ = ["Picture"]

_FORMATS = dict.fromkeys(("svg", "png"))


class Picture:
    """A picture as SVG text; a notebook shows it.

    svg  the text, complete and of its own
    """

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def pipe(self, format: str = "svg", *, encoding: str | None = None, dpi: float = 96.0) -> Any:
        """The picture as bytes, or as text if an encoding is given.

        format: "svg" or "png". dpi: resolution of a PNG in pixels per inch.
        ValueError for another format; RendererMissing if a PNG needs packages that are not
        installed (it names the pip command).
        """
        if format == "pdf":
            raise ValueError('a Picture makes "svg" and "png" only, got "pdf": open the SVG and print it to PDF')
        lookup("format", format, _FORMATS)
        if not 0 < dpi < math.inf:
            raise ValueError(f"pipe: dpi is positive, got {dpi=}")
        picture = self.svg.encode()
        if format == "png":
            picture = to_png(picture, dpi)
        return picture if encoding is None else picture.decode(encoding)

    def save(self, filename: str | os.PathLike[str], *, format: str | None = None, dpi: float = 96.0) -> str:
        """Write the picture to a file and return its path.

        "net.svg" and "net.png" are those files; a name without an ending gets the one of the format, "svg" if
        none is given. A file of that name is replaced. If anything fails, there is what was there before and
        never part of a picture.

        FileNotFoundError if the folder does not exist; the errors of `pipe`, such as ValueError for "net.gif".
        """
        path, format = picture_file("save", Path(filename), format, "svg")
        check_folder(path)
        write_whole(path, self.pipe(format, dpi=dpi))
        return str(path)

    render = save

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: Any
    ) -> dict[str, Any]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Picture, {len(self.svg):,} characters of SVG>"
