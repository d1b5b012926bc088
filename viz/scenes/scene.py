"""A picture as marks and lines, and as SVG: circles for results, rounded squares for leaves, numbers on lines.

The SVG is complete by itself, for files and print; a page styles it by its classes and finds in it
`m3` mark 3, `n12` the number and `g12` the gradient of node 12, `e5` line 5 and `l5` the number on it.
"""

from __future__ import annotations

import hashlib
import html
import itertools
import math
import re
from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from ..style import current, number, sign_style, tint, width
from .placing import FONTS, PAD, SMALLEST, Line, Placement, Point, caption_at, placed
from .typeset import document, element, length, name_text, typeset, words, written

__all__ = ["Cell", "Glow", "Lit", "Mark", "Note", "Scene", "Squares", "Stroke", "stage"]

# Where these stand in a mark, in radii: both numbers, one of them, or the name alone.
ROWS: dict[str, dict[str, float]] = {
    "both": {"name": -0.5, "data": 0.04, "grad": 0.5},
    "one": {"name": -0.28, "data": 0.32, "grad": 0.32},
    "none": {"name": 0.0},
}
CHORDS = {"name": 1.25, "data": 1.7, "grad": 1.45}  # and how long they may be
STANDARD = 24.0  # the radius at which lines are as wide as in other pictures
PALER = 0.55  # than a tint on which only ink is read
FOOT = 20.0  # the height of a line below a column
NOTE = 24.0  # the height of a line of words below
IMAGE = 4.4  # the side of an image in radii; it ends where a mark ends, and begins farther to the left
FEW = 60  # with more lines than that each is thinner
HEAT = 0.5  # how strongly the largest number tints its square; ink is read on it
LEAST_TEXT = 8.0  # a smaller number is not written into its square
HALO = {"stroke_linejoin": "round", "paint_order": "stroke"}


class Cell(NamedTuple):
    """A node as it is written: its number in the page, name in pieces, number and gradient as texts."""

    n: int
    name: tuple[str, str, str] = ("", "", "")
    data: str = ""
    grad: str = ""
    value: float = 0.0
    slope: float = 0.0  # the gradient, for its sign
    title: str = ""


class Squares(NamedTuple):
    """An array as squares tinted by their numbers, which stand in them where there is room.

    rows: of Cells; n is -1 where there is no node. words: below. side: of a square.
    """

    rows: tuple[tuple[Cell, ...], ...]
    words: str = ""
    side: float = 1.0

    @property
    def size(self) -> Point:
        """Width and height."""
        return self.side * len(self.rows[0]), self.side * len(self.rows)


class Mark(NamedTuple):
    """A circle or a rounded square with a node in it; what is left out is words alone.

    kind          "result", "leaf", "target", "constant"
    above, below  what stands there in small: a unit's weighted sum and its bias
    share         how strong its tint is, from −1 to 1; None for what its number tells by itself
    pixels        rows of numbers from 0 to 1, drawn in its place
    grid          an array drawn in its place, main's name above it
    """

    main: Cell | None
    kind: str = "result"
    above: Cell | None = None
    below: Cell | None = None
    words: str = ""
    share: float | None = None
    pixels: tuple[tuple[float, ...], ...] = ()
    grid: Squares | None = None

    @property
    def cells(self) -> list[Cell]:
        """All that is written at this mark."""
        squares = [] if self.grid is None else [cell for row in self.grid.rows for cell in row]
        return squares + [cell for cell in (self.above, self.main, self.below) if cell is not None]


class Stroke(NamedTuple):
    """A line; its colour, dashes and width tell a number, which stands on it as text, if there is one.

    weight: the node whose number it is; None for a local derivative.
    share: how large it is among its like, from 0 to 1, told by width and strength; None for what the number tells.
    is_plain: it stands for many and tells no number.
    """

    start: int
    end: int
    value: float
    text: str = ""
    weight: Cell | None = None
    title: str = ""
    share: float | None = None
    is_plain: bool = False


class Note(NamedTuple):
    """Words below a picture, in a colour of their own or behind a sample of the line that they explain."""

    text: str
    color: str | None = None
    sample: float | None = None  # a number with the sign of the line


class Glow(NamedTuple):
    """How a line is lit: its share of the whole, from 0 to 1, the number whose sign it has, and what stands on it.

    colors: several lines beside each other, one of each; without them the colour is that of the sign.
    """

    share: float
    value: float
    text: str
    colors: tuple[str, ...] = ()


class Lit(NamedTuple):
    """What is lit while all else is dim: nodes by number, and lines by place.

    selected: the nodes from whose point of view it is.
    """

    nodes: frozenset[int]
    lines: Mapping[int, Glow]
    selected: frozenset[int] = frozenset()


def stage(width: float | None) -> tuple[float, float]:
    """The size to be filled by a picture of so many inches, 96 units each; text of a narrow one is no smaller."""
    across = 1000.0 if width is None else min(1000.0, max(240.0, 96 * width))
    return across, 0.7 * across


class Scene:
    """Marks, lines between them, and where all of it stands.

    marks    operands before results, the target last
    strokes  lines from earlier marks to later ones
    pulls    the lines that the placement goes by, also those to what is left out; by default the strokes
    size     that is filled, width and height; even, smallest: see `placed`
    highlight  nodes by number that are marked as with a pen
    like     the placement of another scene of the same graph, which this one takes; ValueError for another graph
    """

    def __init__(
        self,
        marks: Sequence[Mark],
        strokes: Sequence[Stroke],
        *,
        size: tuple[float, float],
        even: bool = False,
        pulls: Sequence[tuple[int, int]] | None = None,
        highlight: Container[int] = (),
        like: Placement | None = None,
        smallest: float = SMALLEST,
    ) -> None:
        self.highlight = highlight
        self.marks, self.strokes = list(marks), list(strokes)
        self.placement: Placement
        self.thin = max(0.35, min(1.0, (FEW / max(1, len(strokes))) ** 0.5))
        operands: list[list[int]] = [[] for _ in marks]
        for start, end in [(s.start, s.end) for s in strokes] if pulls is None else pulls:
            operands[end].append(start)
        if like is not None:
            if (len(like.centres), len(like.ways)) != (len(self.marks), len(self.strokes)):
                raise ValueError(
                    f"like: that picture has {len(like.centres)} nodes and {len(like.ways)} lines, this one "
                    f"{len(self.marks)} and {len(self.strokes)}; the same places are for the same graph"
                )
            self.placement = like
            return
        lines = [Line(s.start, s.end, length(s.text), 0.95 if "[" in s.text else 0.6) for s in strokes]
        captions = [m.above is not None for m in marks], [m.below is not None for m in marks]
        self.placement = placed(operands, lines, size=size, even=even, captions=captions, smallest=smallest)

    # ------------------------------------------------------------ as SVG

    def svg(
        self,
        title: str,
        *,
        lit: Lit | None = None,
        caption: str | None = None,
        width: float | None = None,
        below: Sequence[Sequence[Note]] = (),
        feet: Sequence[tuple[float, Sequence[str]]] = (),
    ) -> str:
        """The picture as the text of a file.

        caption  above it. width: in inches; without it a unit is a pixel
        below    lines of words below it. feet: words below columns, each with the x that they are about

        All ids begin with a mark of the picture's own.
        """
        across, down = self.placement.size
        left = min([0.0, *(x + (1 - IMAGE) * self.placement.radius - PAD for x in self._images())])  # of what is wider
        foot = FOOT * max((len(lines) for _, lines in feet), default=0) + 6 * bool(feet)
        top, bottom = 0.0 if caption is None else 36.0, foot + NOTE * len(below) + 6 * bool(below)
        across -= left
        scale = 0.75 if width is None else 72 * width / across
        height, middle = top + down + bottom, left + across / 2
        parts = []
        if caption is not None:
            size = min(19.0, max(13.0, 0.027 * across), (across - 16) / max(0.1, length(caption)))
            parts.append(words(caption, middle, 2 - top / 2, size, fill=current().ink))
        parts += self.layers(lit)
        for x, lines in feet:
            sizes = [(15.0, current().ink), *[(13.0, current().grey)] * len(lines)]
            for i, (line, (size, color)) in enumerate(zip(lines, sizes, strict=False)):
                parts.append(words(line, x, down + FOOT * (i + 0.5), size, fill=color, class_="foot"))
        parts += [_notes(line, middle, down + foot + NOTE * (i + 0.5) - 4, across) for i, line in enumerate(below)]
        text = document(title, (left, -top, across, height), scale, parts)
        mark = hashlib.sha256(text.encode()).hexdigest()[:8]  # several pictures may stand in one page
        return typeset(_with_ids(text, f"p{mark}-"))

    def _images(self) -> list[float]:
        """The middles of the columns that are images."""
        return [x for mark, (x, _) in zip(self.marks, self.placement.centres, strict=True) if mark.pixels]

    def layers(self, lit: Lit | None = None) -> list[str]:
        """Lines, the numbers on them, and marks, whose edges no halo covers, each a group."""
        order: Sequence[int] = range(len(self.strokes))
        if lit is not None:
            order = sorted(order, key=lambda i: lit.lines[i].share if i in lit.lines else -1.0)
        return [
            _group("lines", [self._line(i, lit) for i in order]),
            _group("labels", [self._label(i, lit) for i in order]),
            _group("marks", [self._mark(i, lit) for i in range(len(self.marks))]),
        ]

    def _line(self, i: int, lit: Lit | None) -> str:
        stroke, way = self.strokes[i], self.placement.ways[i]
        value, is_dim = stroke.value, lit is not None and i not in lit.lines
        scale = self.placement.radius / STANDARD
        broad = width(value) * scale * self.thin
        opacity = None
        if stroke.share is not None:
            broad = (0.4 + 3.2 * stroke.share) * scale * self.thin
            opacity = f"{0.15 + 0.85 * stroke.share:.2f}"
        hues: tuple[str, ...] = ()
        if lit is not None and not is_dim:
            share, value, _, hues = lit.lines[i]
            broad = (0.8 + 4.2 * share) * scale
        color, line = (current().grey, "solid") if stroke.is_plain and value != value else sign_style(value)
        dash = {"dashed": (3.0 + 1.2 * broad, 2.0 + 0.6 * broad), "dotted": (1.5, 4.0)}.get(line)
        if is_dim:
            color, broad, dash = current().pale, 0.6 * scale, None
        state = "dim" if is_dim else "idle" if lit is None else "lit"
        pen = ""
        if stroke.weight is not None and stroke.weight.n in self.highlight:
            pen = element(
                "path",
                class_="pen",
                d=_path(way),
                fill="none",
                stroke=current().highlight,
                stroke_width=broad + 8 * scale,
            )
        look: dict[str, object] = {
            "class_": "line dim" if is_dim else f"line {state} {_signed(value)}",
            "fill": "none",
            "stroke_dasharray": None if dash is None else f"{dash[0]:.1f} {dash[1]:.1f}",
            "stroke_opacity": opacity if lit is None else None,
        }
        title = element("title", html.escape(stroke.title)) if stroke.title else ""
        (x, y), (u, v) = way[0], way[-1]
        shown = pen
        for k, hue in enumerate(hues or (color,)):  # beside each other, along the normal of the line
            each = broad / len(hues or (color,))
            off = (k - (len(hues) - 1) / 2) * 1.15 * each / math.hypot(u - x, v - y) if hues else 0.0
            aside = [(a + off * (y - v), b + off * (u - x)) for a, b in way]
            name = f"e{i}" if k == 0 else None
            shown += element("path", title, id=name, d=_path(aside), stroke=hue, stroke_width=each, **look)
        return shown

    def _mark(self, i: int, lit: Lit | None) -> str:
        mark, radius, (x, y) = self.marks[i], self.placement.radius, self.placement.centres[i]
        at = f"translate({x:.1f} {y:.1f})"
        if mark.main is None:
            look = {"fill": current().grey, "font_style": "italic", "class_": "rest"}
            size, lines = FONTS.line * radius, mark.words.rsplit(" ", 1)
            rest = [words(line, 0, (i - 0.5) * 1.2 * size, size, **look) for i, line in enumerate(lines)]
            return element("g", "".join(rest), id=f"m{i}", class_="mark words", transform=at)
        shown = [cell.n for cell in mark.cells]
        is_dim = lit is not None and lit.nodes.isdisjoint(shown)
        is_selected = lit is not None and not lit.selected.isdisjoint(shown)
        ink = current().grey if is_dim else current().ink
        ground = {
            "class_": "ground",
            "fill": current().result if is_dim else _ground(mark),
            "stroke": current().pale
            if is_dim
            else current().ink
            if lit is not None or mark.kind == "target"
            else current().line,
            "stroke_width": radius / 24 * (3.0 if is_selected else 1.8 if mark.kind == "target" else 1.2),
        }
        title = "\n".join(cell.title for cell in mark.cells if cell.title)
        if mark.grid is not None:
            squares = _squares(mark.main, mark.grid, lit, self.highlight)
            return element("g", squares, id=f"m{i}", class_="mark array", transform=at)
        if mark.pixels:
            return element("g", _image(mark.pixels, radius), id=f"m{i}", class_="mark image", transform=at)
        inside = [element("title", html.escape(title))] if title else []
        if any(n in self.highlight for n in shown):
            inside.append(_shape(mark, 1.12 * radius, {"class_": "pen", "fill": current().highlight}))
        inside += [_shape(mark, radius, ground), *_inside(mark.main, mark.kind, radius, ink, is_dim)]
        for cell, side in ((mark.above, -1), (mark.below, 1)):
            if cell is not None:
                inside.append(_caption(cell, side * caption_at(radius), FONTS.small * radius))
        state = " dim" if is_dim else " selected lit" if is_selected else " lit" if lit is not None else ""
        return element("g", "".join(inside), id=f"m{i}", class_=f"mark {mark.kind}{state}", transform=at)

    def _label(self, i: int, lit: Lit | None) -> str:
        stroke, place = self.strokes[i], self.placement.labels[i]
        if place is None or (lit is not None and i not in lit.lines):
            return ""
        text = stroke.text if lit is None else lit.lines[i].text
        size = FONTS.line * self.placement.radius
        node = None if stroke.weight is None else stroke.weight.n
        inside = _number(text, 0, size, current().ink, node, halo=True)
        return element("g", inside, id=f"l{i}", class_="label", transform=f"translate({place[0]:.1f} {place[1]:.1f})")


def _with_ids(svg: str, mark: str) -> str:
    """The ids with a mark in front; what is there again, such as a weight on the lines of two samples, has none."""
    seen: set[str] = set()

    def marked(found: re.Match[str]) -> str:
        is_new = found[1] not in seen
        seen.add(found[1])
        return f' id="{mark}{found[1]}"' if is_new else ""

    return re.sub(r' id="([^"]*)"', marked, svg)


def _notes(line: Sequence[Note], x: float, y: float, room: float) -> str:
    """Words in one line about x, no longer than there is room."""
    sample, gap = 30.0, 28.0
    free = room - sum(gap + (0.0 if note.sample is None else sample + 8) for note in line)
    size = min(14.0, free / max(0.1, sum(length(note.text) for note in line)))
    widths = [size * length(note.text) + (0 if note.sample is None else sample + 8) for note in line]
    x -= (sum(widths) + gap * (len(widths) - 1)) / 2
    parts = []
    for note, taken in zip(line, widths, strict=True):
        start = x
        if note.sample is not None:
            color, style = sign_style(note.sample)
            dash = {"dashed": "7 4", "dotted": "1.5 4"}.get(style)
            at = f"M{x:.1f} {y:.1f}h{sample:g}"
            parts.append(element("path", d=at, stroke=color, stroke_width=3.0, stroke_dasharray=dash))
            start += sample + 8
        parts.append(words(note.text, start, y, size, anchor="start", fill=note.color or current().grey))
        x += taken + gap
    return _group("key", parts)


def _group(name: str, parts: Sequence[str]) -> str:
    return f'<g class="{name}">\n' + "\n".join(filter(None, parts)) + "\n</g>"


def _path(way: Sequence[Point]) -> str:
    points = [f"{x:.1f} {y:.1f}" for x, y in way]
    if len(points) == 2:
        return f"M{points[0]}L{points[1]}"
    return f"M{points[0]}C{' '.join(points[1:])}"


def _shape(mark: Mark, radius: float, look: dict[str, object]) -> str:
    if mark.kind == "constant":
        return element("circle", r=0.5 * radius, **{**look, "fill": current().paper, "stroke": current().paper})
    if mark.kind == "leaf":
        side = 2 * radius
        return element("rect", x=-radius, y=-radius, width=side, height=side, rx=0.24 * radius, **look)
    return element("circle", r=radius, **look)


def _image(pixels: Sequence[Sequence[float]], radius: float) -> str:
    """Rows of numbers as squares, from paper at 0 to ink at 1; a run of equal ones is one piece."""
    side = IMAGE * radius / max(len(pixels), len(pixels[0]))
    left, top = radius - side * len(pixels[0]), -side * len(pixels) / 2
    frame: dict[str, object] = {"fill": current().paper, "stroke": current().line, "stroke_width": radius / 24}
    whole: dict[str, object] = {"x": left, "y": top, "width": side * len(pixels[0]), "height": side * len(pixels)}
    parts = [element("rect", class_="ground", **whole, **frame)]
    for i, row in enumerate(pixels):
        k = 0
        for shade, run in itertools.groupby(round(31 * x) for x in row):
            size = len(list(run))
            if shade:
                color = current().mixed(current().ink, shade / 31)
                at: dict[str, object] = {
                    "x": left + k * side,
                    "y": top + i * side,
                    "width": size * side,
                    "height": side,
                }
                parts.append(element("rect", fill=color, shape_rendering="crispEdges", **at))
            k += size
    return "".join(parts)


def _squares(whole: Cell, grid: Squares, lit: Lit | None, highlight: Container[int]) -> str:
    """An array about the middle of its mark: name above, squares, words below; what is lit has a frame."""
    width, height = grid.size
    side, left, top = grid.side, -width / 2, -height / 2
    finite = [abs(c.value) for row in grid.rows for c in row if math.isfinite(c.value)]
    most = max(finite, default=0.0) or 1.0
    texts = [[c.data for c in row] for row in grid.rows]
    size = _square_text(texts, side)
    if size < LEAST_TEXT:
        texts = [[number(c.value, 2) for c in row] for row in grid.rows]
        size = _square_text(texts, side)
    has_texts = size >= LEAST_TEXT
    parts, frames = [], []
    for i, row in enumerate(grid.rows):
        for j, cell in enumerate(row):
            x, y = left + j * side, top + i * side
            at: dict[str, object] = {"x": x, "y": y, "width": side, "height": side}
            share = max(-1.0, min(1.0, cell.value / most)) if cell.value == cell.value else 0.0
            title = element("title", html.escape(cell.title)) if cell.title else ""
            is_alone = lit is not None and cell.n in lit.nodes
            is_lit = lit is None or is_alone or whole.n in lit.nodes
            ground = current().mixed(current().positive if share > 0 else current().negative, HEAT * abs(share))
            faint = {} if is_lit else {"fill_opacity": 0.4}
            parts.append(
                element(
                    "rect", title, fill=ground, stroke=current().paper, stroke_width=0.8, class_="square", **at, **faint
                )
            )
            if has_texts:
                parts.append(
                    words(texts[i][j], x + side / 2, y + side / 2, size, fill=current().ink, class_="data number")
                )
            if cell.n in highlight or is_alone:
                color = current().highlight if lit is None else current().ink
                wide = 3.0 if lit is not None and cell.n in lit.selected else 1.6
                frames.append(element("rect", fill="none", stroke=color, stroke_width=wide, **at))
    is_whole = lit is not None and whole.n in lit.nodes
    edge: dict[str, object] = {"stroke": current().ink if is_whole else current().line, "stroke_width": 1.2}
    if lit is not None and whole.n in lit.selected:
        edge["stroke_width"] = 3.0
    frame = element("rect", x=left, y=top, width=width, height=height, fill="none", **edge)
    name = name_text(whole.name, 0, top - 13, 17.0, fill=current().ink, class_="name")
    below = words(grid.words, 0, top + height + 11, 11.5, fill=current().grey, class_="shape")
    return "".join([*parts, frame, *frames, name, below])


def _square_text(texts: Sequence[Sequence[str]], side: float) -> float:
    """The size in which all of these fit into squares."""
    return min(0.32 * side, 0.84 * side / max(length(text) for row in texts for text in row))


def _ground(mark: Mark) -> str:
    """The ground of a mark: its number tints it, from paper at 0."""
    if mark.kind == "target":
        return current().target
    assert mark.main is not None
    if mark.share is not None:
        return tint(PALER * mark.share)
    x = mark.main.value
    share = x / (1 + abs(x)) if math.isfinite(x) else math.copysign(1.0, x)
    return tint(PALER * share) if x == x and x else current().leaf if mark.kind == "leaf" else current().result


def _inside(cell: Cell, kind: str, radius: float, ink: str, is_dim: bool) -> list[str]:
    """Name, number and gradient of a node, as far as it has them, about the middle of its mark."""
    if kind == "constant":
        return [_number(cell.data, 0, FONTS.data * radius, current().grey, cell.n)]
    at = ROWS["both" if cell.data and cell.grad else "one" if cell.data or cell.grad else "none"]
    parts = [name_text(cell.name, 0, at["name"] * radius, _name_size(cell, radius), fill=ink, class_="name")]
    if cell.data:
        size = _fitting(cell.data, FONTS.data * radius, CHORDS["data"] * radius)
        parts.append(_number(cell.data, at["data"] * radius, size, ink, cell.n))
    if cell.grad:
        deep = (
            current().deep_positive if cell.slope > 0 else current().deep_negative if cell.slope < 0 else current().ink
        )
        color = ink if is_dim else deep
        size = _fitting(cell.grad, FONTS.grad * radius, CHORDS["grad"] * radius)
        parts.append(_number(cell.grad, at["grad"] * radius, size, color, cell.n, slope=cell.slope))
    return parts


def _name_size(cell: Cell, radius: float) -> float:
    base, above, below = cell.name
    long = length(base) + 0.66 * max(length(above), length(below))
    return min(FONTS.name * radius, CHORDS["name"] * radius / max(long, 0.1))


def _fitting(text: str, size: float, room: float) -> float:
    """The size, or as much less as the text needs to stay within its mark."""
    return min(size, room / max(length(text), 0.1))


def _number(
    text: str,
    y: float,
    size: float,
    fill: str,
    node: int | None,
    *,
    slope: float | None = None,
    halo: bool = False,
) -> str:
    what = "data number" if slope is None else f"grad number {_signed(slope)}"
    more: dict[str, object] = {"class_": what, "data_n": node}
    if node is not None:
        more["id"] = f"{'n' if slope is None else 'g'}{node}"
    if halo:
        # so wide that it covers the line above a decimal point, which else read as a colon
        more |= {"stroke": current().paper, "stroke_width": 0.76 * size, **HALO}
    return words(text, 0, y, size, fill=fill, **more)


def _caption(cell: Cell, y: float, size: float) -> str:
    """What stands above or below a mark: a name and its number."""
    look = {"fill": current().grey, "stroke": current().paper, "stroke_width": 0.32 * size, **HALO}
    inside = f'<tspan font-style="italic">{html.escape(cell.name[0])}</tspan> ' + element(
        "tspan", html.escape(cell.data), id=f"n{cell.n}", class_="data number", data_n=cell.n
    )
    at = {"x": 0, "y": y + 0.36 * size, "font_size": size, "text_anchor": "middle", "class_": "caption"}
    return f"<text{written({**at, **look})}>{inside}</text>"


def _signed(x: float) -> str:
    return "positive" if x > 0 else "negative" if x < 0 else "zero"
