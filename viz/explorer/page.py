"""explore: a recorded computation as one page to be explored in a browser.

The page is a single file that loads nothing: its HTML, style and scripts are the files page.html,
page.css and *.js beside this one, its data comes from `views`. Data and scripts are in it deflated; begin.js
unpacks them.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from numpy.typing import ArrayLike

from autograd import Tensor, Value
from autograd.arguments import lookup
from autograd.operands import describe, real
from autograd.signatures import Json

from .. import style
from ..files import opened, picture_file, write_whole
from ..options import drawing
from ..picture import Picture
from .arrays import Arrays
from .script import HELPERS
from .verdicts import exercise_data, marking_data
from .views import LEVELS, Views

__all__ = ["PAGE_MARK", "Exploration", "explore"]

PAGE_MARK = '<meta name="generator" content="gradpath">'  # every page has it

_FORMATS = dict.fromkeys(("html", "htm"))
_PARTS = (
    "paths",
    "write",
    "program",
    "picture",
    "panel",
    "matrices",
    "live",
    "learn",
    "save",
    "samples",
    "check",
    "page",
)

_ONLY_WITH = {
    "samples": "samples",
    "matrices": "arrays",
    "check": "check",
}  # parts that a page has with such data alone


@drawing
def explore(
    root: Value | Tensor,
    wrt: Value | Tensor | None = None,
    *,
    level: Literal["auto", "op", "named", "neurons", "matrices"] = "auto",
    title: str | None = None,
    digits: int = 4,
    look: object = None,
    samples: Mapping[Value | str, ArrayLike] | None = None,
    parameters: Sequence[Value | Tensor] | None = None,
    marking: object = None,
    exercise: object = None,
) -> Exploration:
    """A page that shows every gradient path of a computation.

    root   the result to derive, such as the loss; any Value that was computed, named or not, or a Tensor
    wrt    the node that is selected at first; without it the page begins with all gradients
    level  what the page shows first; the reader can change it. "named": named nodes, with whatever
           lies between contracted. "op": every scalar. "neurons": units with the weights on the edges.
           "auto": "neurons" in a net of more than 12 named nodes, "named" if an intermediate result has a name,
           else "op". "matrices", of a Tensor alone and what it begins with: arrays as heat maps with the chain in
           matrices, beside a small net of their numbers.
    title  of the page
    digits significant digits of its numbers
    look   its colours and font, as for draw_graph; by default the page is light or dark as the reader's system is
    samples     numbers for leaves, sample by sample: {"x": X, "y": Y} with X of shape (n, as many as there are
                leaves x_1, x_2, ...), or (n,) for one. A key is the name of leaves without index, a leaf, or a
                tuple of leaves. The page shows one sample at a time, each sample's gradient and their average,
                and goes downhill on one or on all; for two inputs also a map of what the net answers.
    parameters  the leaves that gradient descent in the page moves; without it those that are not called x, y or t
                and are in no samples, or all leaves if there are no others

    marking     what `check_work(root, sheet)` gives: right and wrong nodes and the edges of mistakes are coloured
    exercise    what `nn.exercise` gives, of which root is the loss: the page hides the numbers that are asked for,
                takes the reader's, and says of them what `check_work` says; a button shows all numbers

    The page computes again whatever depends on a number that is changed in it, with the operations of Python read
    as script; one that cannot be read, or a graph of more than 20,000 edges, keeps the page as it was recorded.

    Where `.data` was changed since the forward pass the page has the numbers that were used, and says so.

    Click a node: all paths from the root to it light up and are written out, strongest first, beside
    its `.grad`. A graph of more than 2,000 edges is shown as neurons, with layers of more than 16
    units shortened, or, where no names tell of units, in part; the page says so.

    Of a Tensor the arrays are read number by number, as `unroll` does: point at a number and what it is computed
    from has a frame, its row and its column; click it and its scalar paths are written out, click a name and the
    chain in matrices is. A graph of more than 20,000 products keeps its arrays and the chain alone.

    Call `root.backward()` before, or the page says that `.grad` is empty.

    TypeError if root or wrt is not a Value; ValueError for a leaf, for a wrt that root does not depend on,
    for an unknown level, for "neurons" where names tell of no units, and for samples that do not fit the leaves.
    """
    if not isinstance(root, Value | Tensor):
        raise TypeError(f"explore: expected a Value or a Tensor such as the loss, got {describe(root)}")
    if root.is_leaf:
        name = "it" if root.label is None else repr(root.label)
        raise ValueError(f"explore: expected the result of a computation; {name} is a leaf, which has no paths")
    if wrt is not None and type(wrt) is not type(root):
        raise TypeError(f"explore: expected wrt to be a {type(root).__name__}, got {describe(wrt)}")
    if samples is not None and isinstance(root, Tensor):
        raise TypeError("explore: a graph of Tensors has its samples in it; samples= is for a graph of Values")
    lookup("level", level, LEVELS)
    if isinstance(root, Tensor) and marking is not None:
        raise TypeError("explore: a marking is shown on a graph of Values; of Tensors print it")
    if isinstance(root, Tensor):
        arrays = Arrays(root)
        views = Views(arrays, wrt, digits)
        data = views.data(level, None, arrays.parameters(parameters))
    else:
        views = Views(root, wrt, digits)
        data = views.data(level, samples, parameters)
    if marking is not None:
        data["marking"] = marking_data(root, views.nodes, marking)
    if exercise is not None:
        data |= {"exercise": exercise_data(root, views.nodes, exercise), "program": None}
    data["check"] = marking is not None or exercise is not None
    title = "Gradient paths" if title is None else title
    return Exploration(_document(title, data), level=data["first"], views=views, title=title)


class Exploration:
    """A page of gradient paths; a notebook shows it.

    html   the whole page: it loads nothing and needs no network
    level  the view that it begins with: "named", "op", "neurons" or "matrices"
    """

    def __init__(self, html: str, *, level: str, views: Views, title: str) -> None:
        self.html, self.level = html, level
        self._views, self._title = views, title

    def svg(
        self,
        node: object = None,
        path: int | None = None,
        level: str | None = None,
        size: tuple[float, float] = (1000, 700),
        look: object = None,
    ) -> Picture:
        """The page's picture as a Picture, to be saved as SVG or PNG: as it is at first, or with paths lit.

        node   a Value, or its name: all its paths are lit, as if it had been clicked
        path   1 lights its strongest path alone, 2 the next
        level  "named", "op", "neurons" or "matrices"; without it the one that the page begins with
        size   width and height in pixels that the picture fills; a large graph takes more
        look   its colours and font, as for draw_graph; without it that of the `with viz.look(...)` around

        ValueError for a level that the graph does not have (it says why), a node that is not in it, a path that
        the node does not have; TypeError for a node that is no Value and no name.
        """
        level = self.level if level is None else level
        lookup("level", level, dict.fromkeys(name for name in LEVELS if name != "auto"))
        with style.look(style.current() if look is None else style.as_look("svg: look", look)):
            return Picture(self._views.svg(self._title, level, node, path, _size(size)))

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write the page to a file and return its path. A file of that name is replaced as a whole.

        path: ends in .html; a name without an ending gets it. ValueError for another ending, FileNotFoundError
        if the folder does not exist.
        """
        file, format = picture_file("save", Path(path), None, "html")
        lookup("format", format, _FORMATS)
        write_whole(file, self.html.encode())
        return str(file)

    def show(self) -> str:
        """Open the page in the browser; returns the path of the temporary file that is made for it."""
        return opened(self.html.encode(), "gradient-paths.html")

    def pipe(self, format: str = "html", *, encoding: str | None = None) -> Any:
        """The page as bytes, or as text if an encoding is given; `svg().pipe(...)` is its picture.

        ValueError for another format than "html".
        """
        lookup("format", format, _FORMATS)
        page = self.html.encode()
        return page if encoding is None else page.decode(encoding)

    def _repr_html_(self) -> str:
        frame = "width: 100%; height: 720px; border: 1px solid #94a3b8; border-radius: 8px"
        allowed = "allow-scripts allow-downloads"
        return f'<iframe sandbox="{allowed}" style="{frame}" srcdoc="{html.escape(self.html)}"></iframe>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None, **_: object) -> Json:
        """The page, and where HTML is dropped its picture."""
        return {"text/html": self._repr_html_(), "image/svg+xml": self.svg()._repr_svg_(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Exploration at level {self.level!r}, {len(self.html):,} characters of HTML>"


def _size(size: object) -> tuple[float, float]:
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise TypeError(f"svg: expected size to be (width, height) in pixels, got {describe(size)}")
    width, height = (real(x, "svg: size") for x in size)
    if not (100 <= width <= 20_000 and 100 <= height <= 20_000):
        raise ValueError(f"svg: expected width and height from 100 to 20,000 pixels, got {size!r}")
    return width, height


def _document(title: str, data: Json) -> str:
    colors, theme = _colors(style.current())
    sheet, begin = _file("page.css") + colors, _file("begin.js")
    scripts = [f"{name}.js" for name in _PARTS if data.get(_ONLY_WITH.get(name, "nodes"))]
    script = '"use strict";\n' + HELPERS + data.pop("operations") + "".join(map(_file, scripts))
    written = json.dumps(data, separators=(",", ":"), allow_nan=False)
    packed = zlib.compress(f"{written}\n{script}".encode(), 9)
    parts = {
        "title": html.escape(_printable(title)),
        "style": sheet,
        "style_hash": _hash(sheet),
        "theme": theme,
        "script_hash": _hash(script),
        "begin": begin,
        "begin_hash": _hash(begin),
        "packed": base64.b64encode(packed).decode(),
    }
    page = re.sub(r"\n\s*(?=<)", "", _file("page.html"))
    return re.sub(r"\{\{(\w+)\}\}", lambda slot: parts[slot[1]], page)


def _colors(look: style.Look) -> tuple[str, str]:
    """A look as the end of the style sheet, and as an attribute of the page: the reader may change light and dark."""
    if look in (style.LIGHT, style.DARK):
        return "", ' data-theme="dark"' if look == style.DARK else ""
    parts = {"paper": look.paper, "stage": look.paper, "raised": look.result, "sunken": look.mixed(look.line, 0.15)}
    parts |= {"ink": look.ink, "grey": look.grey, "outline": look.line, "pale": look.pale, "leaf": look.leaf}
    parts |= {"positive": look.positive, "negative": look.negative, "target": look.ink, "target-ink": look.paper}
    parts |= {f"target-{sign}": look.mixed(getattr(look, sign), 0.45) for sign in ("positive", "negative")}
    font = re.sub(r"[^\w -]", "", look.font)
    told = "".join(f"--{name}: {color}; " for name, color in parts.items())
    scheme = "dark" if look.is_dark else "light"
    return (
        f'\n:root {{ color-scheme: {scheme}; {told}--sans: "{font}", sans-serif; }}\n#theme {{ display: none; }}\n',
        "",
    )


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What the Content-Security-Policy of the page knows a script or style by."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _printable(text: str) -> str:
    """The text without what no file of UTF-8 can hold: half a surrogate pair."""
    return text.encode("utf-8", "replace").decode()
