"""Drawing: a graphviz.Digraph that needs no `dot` on the system to become a picture.

What is drawn is decided elsewhere; how DOT text becomes bytes is the business of `render`.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import graphviz

from autograd.arguments import lookup
from autograd.operands import real
from autograd.signatures import Json
from nn.files.whole import check_folder, write_whole

from ..files import opened, picture_file
from ..pdf import to_pdf
from ..picture import fitted
from ..render import RendererMissing, render, to_png
from .finish import finished, placed_like
from .mermaid import mermaid

__all__ = ["Drawing", "drawing_of"]

_WIDTH = re.compile(r'size="([\d.]+),1000"')  # as `diagram` writes what was asked for
_TEXT = ("gv", "dot")  # endings of DOT text
_TEXT_OR_SVG = dict.fromkeys(("dot", "svg"))


class Drawing(graphviz.Digraph):
    """A picture as DOT text; a notebook shows it.

    Everything of graphviz.Digraph is here: `source` is the text, `save` writes what the name ends in, text
    or picture, `pipe` returns the picture, `view` opens it, `node`, `edge` and `attr` add to it. Pictures are
    made as by `viz.render.render`: with the system's Graphviz, else with the one that pip installs.

    level  which view of a computation it is ("op", "named", "neurons", "layers"), None for other drawings

    It departs from graphviz.Digraph where that would surprise: the format is "svg" unless you say
    otherwise, `save("net.png")` writes a PNG, `render` writes the file you name and none beside it, no
    folder is made, and `renderer` means "auto", "dot" or "pure".

    A notebook without a renderer gets Mermaid text instead, which some draw themselves.
    """

    filename: str
    directory: str

    def __init__(self, name: str | None = None, *args: str | None, level: str | None = None, **kwargs: Any) -> None:
        kwargs["format"] = kwargs.get("format") or "svg"
        super().__init__(name, *args, **kwargs)
        self.level = level
        self.ids: dict[object, str] = {}
        self.like: Drawing | None = None  # whose places this one takes in pictures

    def _copy_kwargs(self, **kwargs: object) -> Json:
        return {**super()._copy_kwargs(**kwargs), "level": self.level}

    def copy(self) -> Drawing:
        """The same drawing again, to be added to."""
        made: Drawing = super().copy()
        made.ids, made.like = dict(self.ids), self.like
        return made

    def id_of(self, v: object, format: str = "dot") -> str:
        """What the node is called that v is drawn as: "n3" in `source`, and with format="svg" its id in that picture.

        v: a Value or a Tensor. At a coarser level it is the unit or the layer that v is in. Ids of an SVG begin with
        a mark of the drawing's own, so that several can stand in one page.
        KeyError if v is not drawn as a node, or part of one.
        """
        lookup("format", format, _TEXT_OR_SVG)
        if v not in self.ids:
            raise KeyError(f"id_of: this drawing has no node for {v!r}; at a coarser level weights are on edges")
        return self.ids[v] if format == "dot" else f"{_mark(self.source)}-{self.ids[v]}"

    def save(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        *,
        skip_existing: bool | None = False,
        format: str | None = None,
        renderer: str | None = None,
        dpi: float = 96.0,
        timeout: float = 60.0,
    ) -> str:
        """Write what the name ends in to a file and return its path: "net.svg" the picture, "net.gv" the DOT text.

        filename: ends in .gv or .dot for the text, or in a format that `pipe` knows; a name without an ending
        gets that of the format, by default `self.format`. If none is given it is `self.filename`, as in
        graphviz (for draw_graph computation.gv). directory: the folder, by default the current one.
        The rest is as for `pipe`. A file of that name is replaced as a whole, or left as it is with
        skip_existing. If anything fails or is interrupted, there is what was there before.

        FileNotFoundError if the folder does not exist, ValueError for an ending that says no format or
        another than `format`; the errors of `viz.render.render`.
        """
        named = Path(directory or self.directory, filename or self.filename)
        path, format = picture_file("save", named, format, self.format)
        check_folder(path)
        if format in _TEXT:
            self.filename, self.directory = path.name, str(path.parent)  # where the next `save()` goes
        if skip_existing and path.exists():
            return str(path)
        write_whole(path, self._text() if format in _TEXT else self.pipe(format, renderer, dpi=dpi, timeout=timeout))
        return str(path)

    def _text(self) -> bytes:
        return self.source.encode(self.encoding)

    def pipe(
        self,
        format: str | None = None,
        renderer: str | None = None,
        *,
        quiet: bool = False,
        engine: str | None = None,
        encoding: str | None = None,
        dpi: float = 96.0,
        timeout: float = 60.0,
    ) -> Any:
        """The picture as bytes, or as text if an encoding is given.

        format: "svg", "png", "pdf", or the layout as "dot", "json", "plain", "xdot". A PNG is made of the SVG by
        resvg_py, a PDF, whose letters are outlines, by matplotlib; without these by the system's Graphviz.
        renderer, dpi, timeout: as for `viz.render.render`, whose errors are raised.
        quiet changes nothing, because nothing is ever printed. The only engine is "dot".
        """
        if (engine or self.engine) != "dot":
            raise ValueError(
                f"a Drawing is laid out by 'dot' only, got engine {engine or self.engine!r}; "
                "for others give its text to Graphviz: graphviz.Source(drawing.source, engine=...)"
            )
        format = format or self.format
        by: Json = {"renderer": renderer or "auto", "timeout": timeout}
        if format == "svg" or (format in ("png", "pdf") and self._is_converted(format)):
            width = _WIDTH.search(self.source)
            svg = finished(self._placed(**by), _mark(self.source), None if width is None else float(width[1]))
            picture = svg.encode()
            if format != "svg":
                real(dpi, "pipe: dpi")
                picture = (
                    to_png(picture, dpi, self.graph_attr.get("bgcolor", "white")) if format == "png" else to_pdf(svg)
                )
        else:
            picture = render(self.source, format, dpi=dpi, **by)
        return picture if encoding is None else picture.decode(encoding)

    def _is_converted(self, format: str) -> bool:
        """Whether a PNG or a PDF is made of the SVG, with its names and halos, and not by Graphviz."""
        try:
            importlib.import_module("resvg_py" if format == "png" else "matplotlib")
            return format == "pdf" or importlib.util.find_spec("fontpkg_arimo") is not None
        except ImportError:
            return self.like is not None  # to_png and to_pdf say what to install

    def _placed(self, **by: Any) -> str:
        """The SVG of Graphviz, with the places of the drawing that this one is like."""
        svg: str = render(self.source, "svg", **by).decode()
        return svg if self.like is None else placed_like(svg, self.like._placed(**by))

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = True,
        format: str | None = None,
        renderer: str | None = None,
        *,
        outfile: str | os.PathLike[str] | None = None,
        quiet: bool = False,
        quiet_view: bool = False,
        engine: str | None = None,
        raise_if_result_exists: bool = False,
        dpi: float = 96.0,
        timeout: float = 60.0,
    ) -> str:
        """Write the picture to a file and return its path; `save` under the name that graphviz has for it.

        filename: "net.svg" is that file, and its ending is the format. A name with another ending, or none,
        gets one, as in graphviz: "net" is the file net.svg, "net.gv" is net.gv.svg, and with format="png"
        net.gv.png. If none is given it is `self.filename` (for draw_graph computation.gv.svg).
        directory: the folder, by default the current one. outfile: another word for filename.
        view: open it with the program of the system. cleanup: False writes the DOT text too, as
        graphviz does by default (net.gv beside net.svg, or the name as given if it had no ending).
        The rest is as for `pipe`.

        A file of that name is replaced, or graphviz.FileExistsError with raise_if_result_exists. If
        anything fails or is interrupted, there is what was there before and never part of a picture.

        FileNotFoundError if the folder does not exist, ValueError for an unknown format or one that
        the ending contradicts; the errors of `viz.render.render`.
        """
        if filename is not None and outfile is not None:
            raise ValueError(f"render: give filename or outfile, got both: {filename!r} and {outfile!r}")
        named = Path(directory or self.directory, filename or outfile or self.filename)
        is_picture = not named.suffix or named.suffix[1:].lower() in graphviz.FORMATS - {"gv"}
        wanted = named if is_picture else named.with_name(f"{named.name}.{format or self.format}")
        path, format = picture_file("render", wanted, format, self.format)
        check_folder(path)
        if raise_if_result_exists and path.exists():
            raise graphviz.FileExistsError(f"render: there is a file {str(path)!r} already")
        write_whole(path, self.pipe(format, renderer, engine=engine, dpi=dpi, timeout=timeout))
        if not cleanup:
            write_whole(path.with_suffix(".gv") if path == named else named, self._text())
        if view or quiet_view:
            self._view(str(path), format=format, quiet=quiet_view)
        return str(path)

    def view(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        cleanup: bool = True,
        quiet: bool = False,
        quiet_view: bool = False,
    ) -> str:
        """`render` the picture and open it with the program of the system; returns its path."""
        return self.render(filename, directory, view=True, cleanup=cleanup, quiet_view=quiet_view)

    def show(self) -> str:
        """Open the picture in the browser; returns the path of the temporary file that is made for it."""
        return opened(self.pipe("svg"), "picture.svg")

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: object
    ) -> Json:
        try:
            bundle = super()._repr_mimebundle_(include, exclude)
            return {kind: fitted(made) if kind == "image/svg+xml" else made for kind, made in bundle.items()}
        except RendererMissing as missing:  # a notebook shows what to do, not a traceback
            text = self.mermaid()  # which some notebooks draw themselves
            advice = f"{self!r}: {missing}. Or paste this where Mermaid is drawn:\n\n{text}"
            return {"text/vnd.mermaid": text, "text/plain": advice}

    def subgraph(self, graph: object = None, *args: object, **kwargs: object) -> Any:
        """As in graphviz; ValueError for a drawing of a computation in another, since their ids are the same."""
        if isinstance(graph, Drawing) and graph.ids and self.ids:
            raise ValueError(
                "subgraph: both drawings have nodes n0, n1, ..., which would become one; "
                "viz.beside(a, b, titles=[...]) puts them side by side"
            )
        return super().subgraph(graph, *args, **kwargs)

    def mermaid(self) -> str:
        """The same nodes and edges as a Mermaid flowchart, for where nothing else draws them."""
        return mermaid(self.source)

    def __repr__(self) -> str:
        return f"<Drawing at level {self.level!r}>" if self.level else "<Drawing>"


def drawing_of(like: object, where: str) -> Drawing | None:
    """The Drawing that another is to be like; TypeError for a Picture, which others have placed."""
    if like is None or isinstance(like, Drawing):
        return like
    raise TypeError(
        f"{where}: like: expected a Drawing of the same graph, as {where} gives it; got the places of a Picture"
    )


def _mark(source: str) -> str:
    return f"g{hashlib.sha256(source.encode()).hexdigest()[:8]}"
