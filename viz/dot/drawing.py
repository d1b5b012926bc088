"""Drawing: a graphviz.Digraph that needs no `dot` on the system to become a picture.

What is drawn is decided elsewhere; how DOT text becomes bytes is the business of `render`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import graphviz

from nn.files.whole import check_folder, write_whole

from ..files import picture_file
from ..render import RendererMissing, render
from .mermaid import mermaid

__all__ = ["Drawing"]


class Drawing(graphviz.Digraph):
    """A picture as DOT text; a notebook shows it.

    Everything of graphviz.Digraph is here: `source` is the text, `save` writes it, `render` writes
    the picture, `pipe` returns it, `view` opens it, `node`, `edge` and `attr` add to it. Pictures are
    made as by `viz.render.render`: with the system's Graphviz, else with the one that pip installs.

    level  which view of a computation it is ("op", "named", "neurons", "layers"), None for other drawings

    It departs from graphviz.Digraph where that would surprise: the format is "svg" unless you say
    otherwise, `render` writes the file you name and none beside it, no folder is made, and `renderer`
    means "auto", "dot" or "pure".

    A notebook without a renderer gets Mermaid text instead, which some draw themselves.
    """

    def __init__(self, name: str | None = None, *args: Any, level: str | None = None, **kwargs: Any) -> None:
        kwargs["format"] = kwargs.get("format") or "svg"
        super().__init__(name, *args, **kwargs)
        self.level = level

    def _copy_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return {**super()._copy_kwargs(**kwargs), "level": self.level}

    def save(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        *,
        skip_existing: bool | None = False,
    ) -> str:
        """Write the DOT text to a file and return its path, as graphviz does, but make no folder.

        A file of that name is replaced as a whole, or left as it is with skip_existing.
        FileNotFoundError if the folder does not exist.
        """
        if filename is not None:
            self.filename = filename
        if directory is not None:
            self.directory = directory
        path = Path(self.filepath)
        if not (skip_existing and path.exists()):
            write_whole(path, self.source.encode(self.encoding))
        return str(path)

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
        picture = render(self.source, format or self.format, renderer=renderer or "auto", dpi=dpi, timeout=timeout)
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
        """Write the picture to a file and return its path.

        filename: "net.svg" is that file, and its ending is the format. A name without such an
        ending gets one, as in graphviz: "net" is the file net.svg, and with format="png" net.png. If
        none is given it is `self.filename`, as in graphviz (for draw_graph computation.gv.svg).
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
        path, format = picture_file("render", named, format, self.format)
        check_folder(path)
        if raise_if_result_exists and path.exists():
            raise graphviz.FileExistsError(f"render: there is a file {str(path)!r} already")
        write_whole(path, self.pipe(format, renderer, engine=engine, dpi=dpi, timeout=timeout))
        if not cleanup:
            write_whole(path.with_suffix(".gv") if path == named else named, self.source.encode(self.encoding))
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

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: Any
    ) -> dict[str, Any]:
        try:
            return super()._repr_mimebundle_(include, exclude)
        except RendererMissing as missing:  # a notebook shows what to do, not a traceback
            text = self.mermaid()  # which some notebooks draw themselves
            advice = f"{self!r}: {missing}. Or paste this where Mermaid is drawn:\n\n{text}"
            return {"text/vnd.mermaid": text, "text/plain": advice}

    def mermaid(self) -> str:
        """The same nodes and edges as a Mermaid flowchart, for where nothing else draws them."""
        return mermaid(self.source)

    def __repr__(self) -> str:
        return f"<Drawing at level {self.level!r}>" if self.level else "<Drawing>"
