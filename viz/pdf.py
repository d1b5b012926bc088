"""The SVG of a picture as a PDF page, by matplotlib: the same lines and letters, these as outlines.

It knows what pictures of this package and of Graphviz consist of: shapes, paths, texts, groups that are moved.
"""

from __future__ import annotations

import importlib.resources
import io
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from autograd.operands import Operand

from .render import RendererMissing

__all__ = ["to_pdf"]

_SVG = "{http://www.w3.org/2000/svg}"
# What an element has of those around it.
_INHERITED = (
    *("fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-style", "font-weight"),
    *("text-anchor", "paint-order", "fill-opacity", "stroke-opacity", "opacity"),
)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_COMMAND = re.compile(r"([MLHVCZmlhvcz])([^A-Za-z]*)")
_TRANSFORM = re.compile(r"(translate|scale|rotate)\(([^)]*)\)")
_SERIFS = ("serif", "Times", "STIX")
_UNHINTED = "LOAD_NO_HINTING"
_UNITS = 100  # the size at which outlines are read


def to_pdf(svg: str) -> bytes:
    """A picture as a page of its size. The same bytes from run to run: there is no date in it.

    RendererMissing without matplotlib.
    """
    try:
        from matplotlib.backends.backend_pdf import FigureCanvasPdf
        from matplotlib.figure import Figure
        from matplotlib.transforms import Affine2D
    except ImportError as error:
        raise RendererMissing(f"a PDF of a picture needs matplotlib ({error}). Run: pip install matplotlib") from error
    root = ElementTree.fromstring(svg)
    left, top, width, height = _numbers(root.get("viewBox", "0 0 100 100"))
    across, down = (_numbers(root.get(name, "100"))[0] for name in ("width", "height"))
    scale = min(across / width, down / height)
    figure = Figure(figsize=(across / 72, down / 72), dpi=72)
    figure.patch.set_alpha(0)
    to_page = Affine2D().translate(-left, -top).scale(scale, -scale).translate(0, down)
    _Page(figure).draw(root, {}, to_page)
    made = io.BytesIO()
    FigureCanvasPdf(figure).print_pdf(made, metadata={"CreationDate": None, "Creator": None})
    return made.getvalue()


class _Page:
    """A figure on which elements are drawn in their order."""

    def __init__(self, figure: Any) -> None:
        self.figure, self.order = figure, 0

    def draw(self, element: Element, around: Mapping[str, str], to_page: Any) -> None:
        tag = element.tag.removeprefix(_SVG) if isinstance(element.tag, str) else ""
        look = {**around, **_said(element)}
        for what, inside in _TRANSFORM.findall(element.get("transform", "")):
            to_page = _moved(what, _numbers(inside)) + to_page
        if tag == "text":
            self._text(element, look, to_page)
        elif tag in ("svg", "g", "a"):
            for inner in element:
                self.draw(inner, look, to_page)
        elif (path := _path_of(tag, element)) is not None:
            self._paint(path, look, to_page)

    def _paint(self, path: Any, look: Mapping[str, str], to_page: Any) -> None:
        from matplotlib.patches import PathPatch

        scale = abs(to_page.get_matrix()[1, 1])
        fill = _color(look, "fill", "black")
        stroke = _color(look, "stroke", "none")
        broad = float(look.get("stroke-width", 1)) * scale
        dashes = look.get("stroke-dasharray", "none")
        style: Any = "solid" if dashes == "none" else (0, [scale * x for x in _numbers(dashes)])
        join = {"joinstyle": "round"} if look.get("paint-order") else {"joinstyle": "miter"}
        is_text = look.get("paint-order") == "stroke"
        layers = [("none", stroke), (fill, "none")] if is_text else [(fill, stroke)]
        for face, edge in layers:
            if face == edge == "none":
                continue
            self.order += 1
            self.figure.add_artist(
                PathPatch(
                    path,
                    transform=to_page,
                    facecolor=face,
                    edgecolor=edge,
                    linewidth=broad if edge != "none" else 0,
                    linestyle=style,
                    capstyle="butt",
                    zorder=self.order,
                    clip_on=False,
                    **join,
                )
            )

    def _text(self, element: Element, look: dict[str, str], to_page: object) -> None:
        """A text, whose pieces may be raised, lowered and moved sideways."""
        x, y = (float(element.get(name, 0)) for name in ("x", "y"))
        at, drawn = x, []
        for words, own, dx, dy in _runs(element, look):
            at, y = at + dx, y + dy
            verts, codes, at = _outlines(words, own, at, y)
            drawn.append((verts, codes, own))
        back = {"middle": 0.5, "end": 1.0}.get(look.get("text-anchor", "start"), 0.0) * (at - x)
        from matplotlib.path import Path

        for verts, codes, own in drawn:
            if verts:
                self._paint(Path([(u - back, v) for u, v in verts], codes), own, to_page)


def _said(element: Element) -> dict[str, str]:
    """What an element says of its own look."""
    own = ((name, element.get(name)) for name in _INHERITED)
    return {name: told for name, told in own if told is not None}


def _runs(element: Element, look: dict[str, str]) -> Iterator[tuple[str, dict[str, str], float, float]]:
    """The pieces of a text, each with its look, and how far it is moved before it."""
    if element.text:
        yield element.text, look, 0.0, 0.0
    for inner in element:
        if inner.tag == f"{_SVG}tspan":
            own = {**look, **_said(inner)}
            moved = [float(inner.get(name, 0)) for name in ("dx", "dy")]
            for k, (words, its, dx, dy) in enumerate(_runs(inner, own)):
                yield words, its, dx + moved[0] * (k == 0), dy + moved[1] * (k == 0)
        if inner.tail:
            yield inner.tail, look, 0.0, 0.0


def _outlines(words: str, look: Mapping[str, str], x: float, y: float) -> tuple[list[Any], list[int], float]:
    """The outlines of letters from a point on, and where they end."""
    from matplotlib import ft2font

    size = float(re.match(r"[\d.]+", look.get("font-size", "12"))[0])  # type: ignore[index]
    family, scale = look.get("font-family", "sans-serif"), size / _UNITS
    is_bold = look.get("font-weight", "400") in ("bold", "600", "700")
    fonts = _fonts(any(name in family for name in _SERIFS), look.get("font-style") == "italic", is_bold)
    # Before matplotlib 3.10 it was a number of the module.
    unhinted: object = ft2font.LoadFlags.NO_HINTING if hasattr(ft2font, "LoadFlags") else getattr(ft2font, _UNHINTED)
    verts: list[object] = []
    codes: list[int] = []
    for c in words.replace("\n", " "):
        if c in "\u200b\u2061":
            continue
        font = next((font for font in fonts if font.get_char_index(ord(c))), fonts[-1])
        glyph = font.load_char(ord(c), flags=unhinted)
        found, kinds = font.get_path()
        verts += [(x + scale * u, y - scale * v) for u, v in found]
        codes += list(kinds)
        x += scale * glyph.linearHoriAdvance / 65536
    return verts, codes, x


@cache
def _fonts(is_serif: bool, is_italic: bool, is_bold: bool) -> list[Any]:
    """Fonts of the kind, the first of which has most letters; the last has nearly all."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    families = ["STIXGeneral"] if is_serif else ["Arial", "Liberation Sans"]
    style: Any = "italic" if is_italic else "normal"
    weight = "bold" if is_bold else "normal"
    paths: list[Any] = []
    for family in [*families, "DejaVu Serif" if is_serif else "DejaVu Sans", "DejaVu Sans"]:
        try:
            wanted = FontProperties(family=[family], style=style, weight=weight)
            paths.append(findfont(wanted, fallback_to_default=False))
        except ValueError:
            continue
    if not is_serif and (arimo := _arimo(is_italic, is_bold)):
        paths.insert(0, arimo)
    fonts = [get_font([path]) for path in dict.fromkeys(paths)]
    for font in fonts:
        font.set_size(_UNITS, 72)
    return fonts


def _arimo(is_italic: bool, is_bold: bool) -> str | None:
    """The font with the widths of Arial, by which texts are placed, if its package is installed."""
    try:
        folder = importlib.resources.files("fontpkg_arimo")
    except ImportError:
        return None
    found = [str(file) for file in folder.iterdir() if file.name.endswith(".ttf")]
    style = ("Bold" if is_bold else "") + ("Italic" if is_italic else "") or "Regular"
    return next((file for file in sorted(found) if file.endswith(f"-{style}.ttf")), None)


# ---------------------------------------------------------------- shapes


def _path_of(tag: str, element: Element) -> Any:
    """The outline of an element, None for what is not drawn."""
    from matplotlib.path import Path

    def of(*names: str) -> list[float]:
        return [float(element.get(name, 0)) for name in names]

    if tag == "rect":
        x, y, w, h, r = of("x", "y", "width", "height", "rx")
        return _rectangle(x, y, w, h, min(r, w / 2, h / 2))
    if tag in ("circle", "ellipse"):
        x, y = of("cx", "cy")
        a, b = of("r", "r") if tag == "circle" else of("rx", "ry")
        whole: Any = Path.unit_circle()
        return Path([(x + a * u, y + b * v) for u, v in whole.vertices], whole.codes)
    if tag in ("polygon", "polyline"):
        flat = _numbers(element.get("points", ""))
        points = list(zip(flat[::2], flat[1::2], strict=True))
        if not points:
            return None
        return Path([*points, points[0]], closed=True) if tag == "polygon" else Path(points)
    return _curve(element.get("d", "")) if tag == "path" else None


def _rectangle(x: float, y: float, w: float, h: float, r: float) -> Any:
    """With round corners, each a quarter of a circle as one curve."""
    from matplotlib.path import Path

    near = (1 - 0.5523) * r
    corners = (
        ((x + w, y), (-1, 0), (0, 1)),
        ((x + w, y + h), (0, -1), (-1, 0)),
        ((x, y + h), (1, 0), (0, -1)),
        ((x, y), (0, 1), (1, 0)),
    )
    points = [(x + r, y)]
    for (u, v), back, on in corners:
        for far, (a, b) in ((r, back), (near, back), (near, on), (r, on)):
            points.append((u + far * a, v + far * b))
    codes = [Path.MOVETO, *[Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4] * 4, Path.CLOSEPOLY]
    return Path([*points, points[0]], codes)


def _curve(d: str) -> Any:
    """The path of a `d`: moves, lines and Bézier's curves."""
    from matplotlib.path import Path

    points: list[tuple[float, float]] = []
    codes: list[Operand] = []
    start = x, y = 0.0, 0.0
    for command, inside in _COMMAND.findall(d):
        numbers = _numbers(inside)
        if command in "Zz":
            points.append(start)
            codes.append(Path.CLOSEPOLY)
            x, y = start
            continue
        from_x, from_y = (x, y) if command.islower() else (0.0, 0.0)
        if command in "HhVv":
            pairs = [(from_x + n, y) if command in "Hh" else (x, from_y + n) for n in numbers]
        else:
            pairs = [(from_x + u, from_y + v) for u, v in zip(numbers[::2], numbers[1::2], strict=True)]
        kinds = {"M": Path.MOVETO, "C": Path.CURVE4}
        kind = kinds.get(command.upper(), Path.LINETO)
        points += pairs
        codes += [kind, *[Path.LINETO if kind == Path.MOVETO else kind] * (len(pairs) - 1)]
        x, y = pairs[-1]
        if command in "Mm":
            start = pairs[0]
    return Path(points, codes) if points else None


# ---------------------------------------------------------------- numbers and colours


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def _moved(what: str, numbers: list[float]) -> Any:
    from matplotlib.transforms import Affine2D

    if what == "rotate":
        angle, x, y = (*numbers, 0.0, 0.0)[:3]
        return Affine2D().rotate_deg_around(x, y, angle)
    x, y = (numbers * 2)[:2] if what == "scale" else (*numbers, 0.0)[:2]
    return Affine2D().scale(x, y) if what == "scale" else Affine2D().translate(x, y)


def _color(look: Mapping[str, str], what: str, otherwise: str) -> Any:
    """A colour with its opacity, or "none"."""
    from matplotlib.colors import to_rgba

    color = look.get(what, otherwise)
    if color in ("none", "transparent"):
        return "none"
    share = math.prod(float(look.get(name, 1)) for name in (f"{what}-opacity", "opacity"))
    if re.fullmatch("#[0-9a-fA-F]{8}", color):
        return to_rgba(color)
    return to_rgba(color, share)
