"""A net as blocks: a box for each layer, the shape of what it gives, and arrows that may branch and join.

What there is to draw is a list of Blocks, operands before results; how to read one off a model is in `blocks_of`.
Boxes stand in rows by the longest way from an input; an arrow that passes over rows runs in a lane beside them.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from nn import Model
from nn.layers.base import BatchLayer

from .options import Asked
from .picture import Picture
from .scenes.typeset import document, element, length, words
from .style import counted, current, cut

__all__ = ["Block", "blocks_of", "picture_of"]

WIDTH, HEIGHT = 240.0, 46.0  # of a box
APART, BETWEEN = 26.0, 40.0  # boxes of a row, and rows
GLYPH = 46.0  # the room for the picture of a shape
LANE = 16.0  # between arrows that run beside the boxes
MARGIN = 18.0
TITLE = 34.0
STACKED = 5  # sheets that stand for channels, at most


class Block(NamedTuple):
    """A layer, or an input, as it is drawn.

    name     as the model calls it. kind: "Conv2D", of a model its name. words: what it was made with, "8, 3×3, relu"
    shape    of one sample behind it, None if it is not known
    numbers  how many numbers it has that are trained or kept
    sources  the places of the blocks that feed it
    """

    name: str
    kind: str
    words: str
    shape: tuple[int, ...] | None
    numbers: int
    sources: tuple[int, ...] = ()


def blocks_of(model: Model) -> list[Block]:
    """The blocks of a model that is built, its inputs first."""
    wiring, shapes = model.wiring, model.wiring.shapes(model.input_shapes or ())
    alone = "input" if len(wiring.inputs) == 1 else None
    found = [Block(p.name or alone or f"input {i}", "input", "", p.shape, 0) for i, p in enumerate(model.inputs, 1)]
    used: list[object] = []
    for call, shape in zip(wiring.calls, shapes[len(found) :], strict=True):
        words = [option if value is True else f"{option}={value}" for option, value in call.told.items()]
        found.append(_block(call.layer, shape, call.sources, words, call.layer in used))
        used.append(call.layer)
    return found


def _block(
    layer: BatchLayer, shape: tuple[int, ...], sources: tuple[int, ...], options: Sequence[str], is_again: bool
) -> Block:
    kind = type(layer).__name__
    made = re.fullmatch(rf"{kind}\((.*)\)", str(layer), re.DOTALL)
    said = "" if made is None else made[1].replace("'", "")
    said = re.sub(r"\((\d+(?:, \d+)+),?\)", lambda found: found[1].replace(", ", "×"), said)
    strides = getattr(layer, "strides", None)
    if isinstance(strides, tuple) and any(n != 1 for n in strides) and strides != getattr(layer, "pool_size", None):
        said += f", strides {'×'.join(map(str, strides))}"
    if getattr(layer, "padding", None) == "same":
        said += ", same"
    if isinstance(layer, Model):
        said = counted(len(layer.layers), "layer")
    said = ", ".join(filter(None, [said, *options, "the same again" if is_again else ""]))
    is_called = isinstance(layer, Model) and layer.name not in (None, layer._automatic)
    return Block(
        layer.name or kind,
        str(layer.name) if is_called else kind,
        said,
        shape,
        0 if is_again else layer.count_params(),
        sources,
    )


# ---------------------------------------------------------------- where everything stands


class _Places(NamedTuple):
    """The middles of the boxes, the lanes of arrows that need one, and the size of it all."""

    at: list[tuple[float, float]]
    lanes: dict[tuple[int, int], float]
    width: float
    height: float


def _placed(blocks: Sequence[Block]) -> _Places:
    depth: list[int] = []
    for block in blocks:
        depth.append(1 + max((depth[s] for s in block.sources), default=-1))
    rows: list[list[int]] = [[] for _ in range(1 + max(depth))]
    for i, d in enumerate(depth):
        rows[d].append(i)
    step = WIDTH + GLYPH + APART
    middle: dict[int, float] = {}
    for row in rows:  # each as near as may be to what feeds it
        wanted = {
            i: sum(middle[s] for s in blocks[i].sources) / len(blocks[i].sources) if blocks[i].sources else 0.0
            for i in row
        }
        row.sort(key=lambda i: (wanted[i], i))
        centre = sum(wanted.values()) / len(row)
        for k, i in enumerate(row):
            middle[i] = centre + (k - (len(row) - 1) / 2) * step
    left = min(middle.values()) - WIDTH / 2
    over = [(s, i) for i, b in enumerate(blocks) for s in b.sources if depth[i] - depth[s] > 1]
    over.sort(key=lambda edge: depth[edge[1]] - depth[edge[0]])
    taken: list[list[tuple[int, int]]] = []  # the rows that each lane is used in
    lanes: dict[tuple[int, int], int] = {}
    for s, i in over:
        span = (depth[s], depth[i])
        lane = next((k for k, spans in enumerate(taken) if all(b <= span[0] or span[1] <= a for a, b in spans)), None)
        if lane is None:
            lane = len(taken)
            taken.append([])
        taken[lane].append(span)
        lanes[s, i] = lane
    right = max(middle.values()) + WIDTH / 2 + GLYPH + 12
    at = [(MARGIN + middle[i] - left, MARGIN + HEIGHT / 2 + depth[i] * (HEIGHT + BETWEEN)) for i in range(len(blocks))]
    beside = {edge: MARGIN + right - left + LANE * (k + 0.5) for edge, k in lanes.items()}
    width = 2 * MARGIN + right - left + LANE * len(taken)
    return _Places(at, beside, width, 2 * MARGIN + len(rows) * HEIGHT + (len(rows) - 1) * BETWEEN)


# ---------------------------------------------------------------- as SVG


def picture_of(blocks: Sequence[Block], asked: Asked, marked: Sequence[str] = ()) -> Picture:
    """The blocks as a picture. marked: names of layers whose boxes are highlighted."""
    places = _placed(blocks)
    top = 0.0 if asked.title is None else TITLE
    scale = 0.75 if asked.width is None else 72 * asked.width / places.width
    title = asked.title or " → ".join(f"{b.kind} {_shape_text(b.shape)}".strip() for b in blocks)
    height = places.height + top
    parts = []
    if asked.title is not None:
        size = min(17.0, (places.width - 16) / max(0.1, length(asked.title)))
        parts.append(words(asked.title, places.width / 2, 2 - top / 2, size, fill=current().ink))
    for i, block in enumerate(blocks):
        parts += [_arrow(places, s, i, blocks) for s in block.sources]
    parts += [_box(block, *places.at[i], is_marked=block.name in marked) for i, block in enumerate(blocks)]
    return Picture(document(title, (0.0, -top, places.width, height), scale, parts))


def _box(block: Block, x: float, y: float, *, is_marked: bool) -> str:
    is_input = block.kind == "input"
    fill = current().highlight if is_marked else current().leaf if is_input else current().target
    fill = fill if is_input or is_marked or block.numbers else current().result
    edge: dict[str, object] = {"fill": fill, "stroke": current().line, "stroke_width": 1.2}
    left, wide = x - WIDTH / 2, WIDTH
    told = [block.words, counted(block.numbers, "number") if block.numbers else ""]
    tip = f"{block.name}: {_shape_text(block.shape)}" + (f", {told[1]}" if told[1] else "")
    parts = [element("title", html.escape(tip))]
    parts.append(element("rect", x=left, y=y - HEIGHT / 2, width=wide, height=HEIGHT, rx=7, **edge))
    below = " · ".join(filter(None, told))
    up = 9.0 if below else 0.0
    parts.append(_fitting(block.name if is_input else block.kind, x, y - up, 14.0, current().ink, weight="bold"))
    if below:
        parts.append(_fitting(below, x, y + 10.0, 11.5, current().grey))
    if block.shape is not None:
        parts.append(_glyph(block.shape, x + WIDTH / 2 + 8 + GLYPH / 2, y))
    return element("g", "".join(parts), class_="block")


def _fitting(text: str, x: float, y: float, size: float, color: str, *, weight: str | None = None) -> str:
    shown = cut(text, 56)
    size = min(size, (WIDTH - 14) / max(0.1, length(shown)))
    return words(shown, x, y, size, fill=color, font_weight=weight)


def _glyph(shape: tuple[int, ...], x: float, y: float) -> str:
    """What a sample looks like: sheets for the channels of an image, a table for a sequence, a bar for numbers."""
    look: dict[str, object] = {"fill": current().paper, "stroke": current().ink, "stroke_width": 0.9}
    parts = []
    if len(shape) == 3:
        high, wide = (_side(n) for n in shape[:2])
        sheets = min(STACKED, max(1, math.ceil(math.log2(shape[2] + 1))))
        for k in reversed(range(sheets)):
            off = 3.0 * (k - (sheets - 1) / 2)
            parts.append(element("rect", x=x - wide / 2 + off, y=y - high / 2 - off, width=wide, height=high, **look))
    elif len(shape) == 2:
        high, wide = _side(shape[0]), _side(shape[1])
        parts.append(element("rect", x=x - wide / 2, y=y - high / 2, width=wide, height=high, **look))
        rows = min(shape[0], int(high // 4))
        for k in range(1, rows):
            at = y - high / 2 + high * k / rows
            parts.append(
                element("path", d=f"M{x - wide / 2:.1f} {at:.1f}h{wide:.1f}", stroke=current().ink, stroke_width=0.5)
            )
    elif len(shape) == 1:
        high = _side(shape[0])
        parts.append(element("rect", x=x - 3.5, y=y - high / 2, width=7, height=high, **look))
    return "".join(parts)


def _side(n: int) -> float:
    """How long a side of so many numbers is drawn: more is longer, and nothing is too long."""
    return 6.0 + min(1.0, math.log2(1 + n) / 10.0) * (GLYPH - 18.0)


def _arrow(places: _Places, start: int, end: int, blocks: Sequence[Block]) -> str:
    (x, y), (u, v) = places.at[start], places.at[end]
    y, v = y + HEIGHT / 2, v - HEIGHT / 2
    inputs = sorted(blocks[end].sources, key=lambda s: ((s, end) in places.lanes, places.at[s][0]))
    place = inputs.index(start) - (len(inputs) - 1) / 2
    u += 26 * place
    lane = places.lanes.get((start, end))
    middle = ((x + u) / 2, (y + v) / 2)
    line: dict[str, object] = {"fill": "none", "stroke": current().ink, "stroke_width": 1.4}
    if lane is None:
        bend = 0.5 * (v - y)
        way = f"M{x:.1f} {y:.1f}C{x:.1f} {y + bend:.1f} {u:.1f} {v - bend:.1f} {u:.1f} {v - 5:.1f}"
    else:
        way = _round((x, y), (u, v - 5), lane)
    head = f"M{u - 4:.1f} {v - 7:.1f}L{u:.1f} {v:.1f}L{u + 4:.1f} {v - 7:.1f}Z"
    parts = [element("path", d=way, **line), element("path", d=head, fill=current().ink)]
    shape = blocks[start].shape
    if lane is None and shape is not None:
        crowded = any(edge[0] == start or edge[1] == end for edge in places.lanes) or u > x  # lines on the right
        side, anchor = (-9, "end") if crowded else (9, "start")
        at = middle if abs(u - x) < 40 else (x, y + 11)
        parts.append(words(_shape_text(shape), at[0] + side, at[1], 11.5, anchor=anchor, fill=current().grey))
    return element("g", "".join(parts), class_="arrow")


def _round(start: tuple[float, float], end: tuple[float, float], lane: float, turn: float = 9.0) -> str:
    """Down, out to the lane, along it, and back in: the way beside the boxes, with round corners."""
    (x, y), (u, v) = start, end
    out, back = y + 0.3 * BETWEEN, v - 0.4 * BETWEEN
    return (
        f"M{x:.1f} {y:.1f}V{out - turn:.1f}q0 {turn:g} {turn:g} {turn:g}H{lane - turn:.1f}q{turn:g} 0 {turn:g} {turn:g}"
        f"V{back - turn:.1f}q0 {turn:g} {-turn:g} {turn:g}H{u + turn:.1f}q{-turn:g} 0 {-turn:g} {turn:g}V{v:.1f}"
    )


def _shape_text(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else "×".join(f"{n:,}" for n in shape)
