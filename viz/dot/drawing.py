"""Drawing: a graphviz.Digraph that needs no `dot` on the system to become a picture.

What is drawn is decided elsewhere; how DOT text becomes bytes is the business of `render`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import graphviz

from autograd.arguments import lookup
from nn.files.whole import check_folder, write_whole

from ..files import opened, picture_file
from ..picture import fitted
from ..render import RendererMissing, render
from ..scenes.typeset import typeset
from .mermaid import mermaid

__all__ = ["Drawing"]

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

    def __init__(self, name: str | None = None, *args: Any, level: str | None = None, **kwargs: Any) -> None:
        kwargs["format"] = kwargs.get("format") or "svg"
        super().__init__(name, *args, **kwargs)
        self.level = level
        self.ids: dict[Any, str] = {}

    def _copy_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return {**super()._copy_kwargs(**kwargs), "level": self.level}

    def copy(self) -> Drawing:
        """The same drawing again, to be added to."""
        made: Drawing = super().copy()
        made.ids = dict(self.ids)
        return made

    def id_of(self, v: Any, format: str = "dot") -> str:
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

        format: "svg", "png", "pdf" (system's Graphviz only), or the layout as "dot", "json",
        "plain", "xdot". renderer, dpi, timeout: as for `viz.render.render`, whose errors are raised.
        quiet changes nothing, because nothing is ever printed. The only engine is "dot".
        """
        if (engine or self.engine) != "dot":
            raise ValueError(
                f"a Drawing is laid out by 'dot' only, got engine {engine or self.engine!r}; "
                "for others give its text to Graphviz: graphviz.Source(drawing.source, engine=...)"
            )
        format = format or self.format
        picture = render(self.source, format, renderer=renderer or "auto", dpi=dpi, timeout=timeout)
        if format == "svg":
            picture = typeset(_with_own_ids(picture, self.source).decode()).encode()
        return picture if encoding is None else picture.decode(encoding)

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
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: Any
    ) -> dict[str, Any]:
        try:
            bundle = super()._repr_mimebundle_(include, exclude)
            return {kind: fitted(made) if kind == "image/svg+xml" else made for kind, made in bundle.items()}
        except RendererMissing as missing:  # a notebook shows what to do, not a traceback
            text = self.mermaid()  # which some notebooks draw themselves
            advice = f"{self!r}: {missing}. Or paste this where Mermaid is drawn:\n\n{text}"
            return {"text/vnd.mermaid": text, "text/plain": advice}

    def subgraph(self, graph: Any = None, *args: Any, **kwargs: Any) -> Any:
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


def _mark(source: str) -> str:
    return f"g{hashlib.sha256(source.encode()).hexdigest()[:8]}"


def _with_own_ids(svg: bytes, source: str) -> bytes:
    """An SVG whose ids begin with a mark of its own: node4, which is called n3, becomes g1a2b3c4-n3."""
    named = re.sub(rb'id="node\d+"( class="node">\s*<title>)([\w.-]+)(?=</title>)', rb'id="\2"\1\2', svg)
    return re.sub(rb'(<[^<>]*? id=")', rb"\g<1>" + f"{_mark(source)}-".encode(), named)
