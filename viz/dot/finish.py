"""What becomes of Graphviz's SVG: ids of its own, names set as mathematics, numbers that no line strikes through.

And the places of another drawing of the same graph, for pictures that follow each other.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Sequence

from ..scenes.typeset import length, typeset

__all__ = ["finished", "placed_like"]

_PIECES = re.compile(r'(?=<g id="[^"]*" class="(?:node|edge|cluster)">)')
_TEXT = re.compile(r"<text\b[^>]*>.*?</text>\n?", re.DOTALL)
_SHAPE = re.compile(r"<(?:path|polygon|polyline|ellipse)\b[^>]*?/>")
_PLACES = re.compile(r' (?:d|points|cx|cy|rx|ry)="[^"]*"')
_AT = re.compile(r' (x|y)="([-\d.]+)"')
_NUMBER = re.compile(r"-?\d+\.?\d*")
_ROOT = re.compile(
    r'(<svg width=")([\d.]+)pt("( height="[\d.]+pt"\s*))viewBox="([-\d.]+) ([-\d.]+) ([\d.]+)', re.DOTALL
)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_HALO = ' stroke="{paper}" stroke-width="{width:g}" stroke-linejoin="round" paint-order="stroke"'
_SIZE = re.compile(r'font-size="([\d.]+)"')


def finished(svg: str, mark: str, width: float | None = None) -> str:
    """An SVG of Graphviz as a picture is shown. mark: what its ids begin with. width: in inches, or its own."""
    return typeset(_with_own_ids(_lifted(svg if width is None else _as_wide(svg, 72 * width)), mark))


def _as_wide(svg: str, width: float) -> str:
    """With paper on both sides of what is narrower: text that is larger than elsewhere helps nobody."""
    size = _ROOT.search(svg)
    if size is None or float(size[2]) >= width - 0.5:
        return svg
    across, left, whole = float(size[2]), float(size[5]), float(size[7])
    more = (width / across - 1) * whole
    head = f'{size[1]}{width:.2f}pt{size[3]}viewBox="{left - more / 2:.2f} {size[6]} {whole + more:.2f}'
    svg = svg[: size.start()] + head + svg[size.end() :]
    paper = re.search(r'<polygon fill="([^"]*)"[^>]*points="([^"]*)"', svg)
    if paper is None:
        return svg
    points = [tuple(map(float, point.split(","))) for point in paper[2].split()]
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    scale = (high - low) / whole if whole else 1.0
    wider = " ".join(f"{x + (more * scale / 2) * (1 if x == high else -1):.2f},{y:g}" for x, y in points)
    return svg.replace(paper[2], wider, 1)


def _with_own_ids(svg: str, mark: str) -> str:
    """Ids that begin with a mark of the drawing's own: node4, which is called n3, becomes g1a2b3c4-n3."""
    named = re.sub(r'id="node\d+"( class="node">\s*<title>)([\w.-]+)(?=</title>)', r'id="\2"\1\2', svg)
    return re.sub(r'(<[^<>]*? id=")', rf"\g<1>{mark}-", named)


def _lifted(svg: str) -> str:
    """The texts on edges over all lines, each with a halo of the paper's colour."""
    start, *pieces = _PIECES.split(svg)
    found = re.search(r'<polygon fill="([^"]*)"', start)
    paper = "white" if found is None or found[1] == "transparent" else found[1]
    lifted: list[str] = []
    for i, piece in enumerate(pieces):
        if ' class="edge">' not in piece[: piece.index(">") + 1]:
            continue
        texts = [text for text in _TEXT.findall(piece) if re.sub("<[^>]*>", "", text).strip(" \n\xa0")]
        if texts:
            title = _TITLE.search(piece)
            haloed = "".join(_haloed(text, paper) for text in texts)
            lifted.append(f'<g class="label">\n{title[0] if title else ""}\n{haloed}</g>\n')
        pieces[i] = _TEXT.sub("", piece)
    if not lifted:
        return svg
    pieces[-1], end, rest = pieces[-1].rpartition("</g>")
    return "".join([start, *pieces, *lifted, end, rest])


def _haloed(text: str, paper: str) -> str:
    size = _SIZE.search(text)
    halo = _HALO.format(paper=paper, width=0.3 * float(size[1]) if size else 3.0)
    return text.replace("<text", f"<text{halo}", 1)


# ---------------------------------------------------------------- the places of another


def placed_like(svg: str, other: str) -> str:
    """The SVG with every node, edge and the whole where they are in another of the same graph.

    ValueError if they have not the same nodes and edges.
    """
    start, *pieces = _PIECES.split(svg)
    start_there, *there = _PIECES.split(other)
    known: dict[str, list[str]] = defaultdict(list)
    for piece in there:
        known[_called(piece)].append(piece)
    if sorted(map(_called, pieces)) != sorted(map(_called, there)):
        raise ValueError("like: that drawing has other nodes and edges; the same places are for the same graph")
    moved = [_at_places_of(piece, known[_called(piece)].pop(0)) for piece in pieces]
    texts = iter(_TEXT.findall(start))
    head = _TEXT.sub(lambda text: _with_words_of(text[0], next(texts, text[0])), start_there)
    return head + "".join(moved)


def _called(piece: str) -> str:
    title = _TITLE.search(piece)
    return f"{piece[: piece.index('>')].split()[-1]} {title[1] if title else ''}"


def _with_words_of(text: str, other: str) -> str:
    return re.sub(r">.*<", lambda _: re.search(">.*<", other, re.DOTALL)[0], text, flags=re.DOTALL)  # type: ignore[index]


def _at_places_of(piece: str, there: str) -> str:
    """A node or an edge with the outlines of another, and its texts where the other has them."""
    shapes = _SHAPE.findall(there)
    mine = _SHAPE.findall(piece)
    if len(shapes) == len(mine):
        following = iter(shapes)
        piece = _SHAPE.sub(lambda shape: _with_places_of(shape[0], next(following)), piece)
    before = _middle(_TEXT.findall(piece), mine)
    after = _middle(_TEXT.findall(there), shapes)
    by = {axis: b - a for axis, a, b in zip("xy", before, after, strict=True)}

    share = _share_that_fits(piece, shapes)

    def shifted(text: re.Match[str]) -> str:
        smaller = _SIZE.sub(lambda size: f'font-size="{share * float(size[1]):.2f}"', text[0], count=1)
        return _AT.sub(lambda at: f' {at[1]}="{float(at[2]) + by[at[1]]:.2f}"', smaller, count=2)

    return _TEXT.sub(shifted, piece)


def _share_that_fits(piece: str, shapes: Sequence[str]) -> float:
    """How much of their size the texts of a node may have to stay in its outline."""
    if ' class="node">' not in piece[: piece.index(">") + 1] or not shapes:
        return 1.0
    xs = [float(x) for place in _PLACES.findall(shapes[0]) for x in _NUMBER.findall(place)][::2]
    texts = [
        (float(size[1]), re.sub("<[^>]*>", "", text)) for text in _TEXT.findall(piece) if (size := _SIZE.search(text))
    ]
    widest = max((size * length(html.unescape(text)) for size, text in texts), default=0.0)
    room = max(xs) - min(xs) - 5 if "ellipse" not in shapes[0] else widest
    return min(1.0, room / widest) if widest else 1.0


def _with_places_of(shape: str, other: str) -> str:
    bare = _PLACES.sub("", shape)
    return bare.removesuffix("/>") + "".join(_PLACES.findall(other)) + "/>"


def _middle(texts: Sequence[str], shapes: Sequence[str]) -> tuple[float, float]:
    """About where the texts stand: the middle between the first and the last; without any that of the shapes."""
    places = [dict(_AT.findall(text)[:2]) for text in texts]
    if places:
        xs, ys = ([float(place[axis]) for place in places] for axis in "xy")
    else:
        numbers = [float(x) for shape in shapes[:1] for place in _PLACES.findall(shape) for x in _NUMBER.findall(place)]
        xs, ys = numbers[::2] or [0.0], numbers[1::2] or [0.0]
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
