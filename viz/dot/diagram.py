"""Nodes and edges as DOT text: what of them is written, how they look, and that they stay in place.

What they stand for, and which there are, is decided elsewhere.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from autograd import Tensor, Value
from autograd.formulas.names import dot_text

from ..options import Asked
from ..scenes.typeset import length
from ..style import LIGHT, current, sign_style, width
from .columns import chains, column_of, in_order, passed_leaves, users_of
from .drawing import Drawing

__all__ = ["ANY_HEIGHT", "Arrow", "Node", "diagram", "pale_arrow", "pale_node"]


def pale_node() -> dict[str, object]:
    """The look of a node that is not the point."""
    return {"color": current().pale, "fontcolor": current().grey, "fillcolor": current().paper, "fontsize": 10}


def pale_arrow() -> dict[str, object]:
    """The look of an edge that is not the point."""
    return {"color": current().pale, "penwidth": 0.8}


class Arrow(NamedTuple):
    """An edge into a node, as it is drawn."""

    operand: int  # the place of the node it comes from
    derivative: float | None = None  # None for what is not differentiated; sign and size are its look
    tooltip: str | None = None
    lines: tuple[str, ...] | None = None  # what is written on it if not the derivative
    look: Mapping[str, object] | None = None  # how it looks if not as its derivative tells
    of: tuple[Value | Tensor, ...] = ()  # the nodes of the graph that it stands for, such as a weight
    share: float | None = None  # how wide it is, from 0 to 1; None as the derivative tells


class Node(NamedTuple):
    """A quantity in a computation, or several that are drawn as one."""

    kind: str  # "leaf", "result", "target", "constant"
    data: str = ""  # as it is written; nothing is left out
    grad: str = ""
    name: str | None = None
    box: str | None = None  # the caption of the box it stands in
    symbol: str | None = None  # of the operation
    edges: tuple[Arrow, ...] = ()
    lines: tuple[str, ...] | None = None  # what is written in it if not name, data and grad
    is_left: bool = False  # its lines begin below each other
    look: Mapping[str, object] = {}  # what differs from the look of its kind
    of: tuple[Value | Tensor, ...] = ()  # the nodes of the graph that it stands for


def diagram(
    nodes: Sequence[Node],
    look: Asked,
    *,
    level: str,
    legend: Sequence[tuple[str, str]] = (),
) -> Drawing:
    """The picture of a computation; operands come before results, the target is last.

    look: what was asked for. legend: lines of text below the target, each with its colour.
    ValueError for something to be highlighted that is not drawn.
    """
    drawing = Drawing("computation", level=level)
    drawing.like = look.like
    now, font = current(), current().font
    drawing.graph_attr.update(rankdir=look.direction, fontname=font, fontsize="11", nodesep="0.12", ranksep="0.35")
    drawing.node_attr.update(fontname=font, fontsize="12", fontcolor=now.ink, color=now.line, height="0", width="0")
    drawing.node_attr.update(shape="box", style="rounded,filled", fillcolor=now.result, margin="0.09,0.05")
    drawing.edge_attr.update(fontname=font, fontsize="10", arrowsize="0.6")
    if now.paper != LIGHT.paper:
        drawing.graph_attr.update(bgcolor=now.paper)
    if look.title is not None:
        drawing.graph_attr.update(label=_label(look.title), labelloc="t", fontsize="15", fontcolor=current().ink)
    if look.width is not None:
        drawing.graph_attr.update(size=f"{look.width:.5g},{ANY_HEIGHT}")
    order = _Order(nodes)
    if look.width is not None and look.direction in ("LR", "RL"):
        look = look._replace(is_narrow=_across(nodes, order.columns, look) > CROWDED * 72 * look.width)
    if look.is_narrow:
        drawing.graph_attr.update(ranksep="0.2")
        drawing.node_attr.update(margin="0.05,0.04")
        if legend and look.title is None:  # below the picture: beside the target it would be the widest
            drawing.graph_attr.update(label=_as_html(legend), labelloc="b", labeljust="l")
            legend = ()
    lines = [e.lines for node in nodes for e in node.edges]
    if look.edges is not None and not look.is_narrow and any(len(line or ()) > 1 for line in lines):
        drawing.graph_attr.update(ranksep="0.6")
    elif lines and all(line == () for line in lines):
        # There are too many edges to write on each.
        drawing.graph_attr.update(ranksep="2.5", splines="line")
        out, into = _SIDES[look.direction]
        drawing.edge_attr.update(tailport=out, headport=into, arrowsize="0.4")
    if any(node.box is not None for node in nodes):
        drawing.graph_attr.update(newrank="true", nodesep="0.2")  # columns go through boxes
    drawing.body += _statements(nodes, order, look, legend)
    drawing.ids = {v: order.ids[i] for i, node in enumerate(nodes) for v in node.of}
    return drawing


def _as_html(lines: Sequence[tuple[str, str]]) -> str:
    """Lines of text, each with its colour, as a label."""
    told = (f'<FONT COLOR="{color}">{html.escape(text)}</FONT><BR ALIGN="LEFT"/>' for text, color in lines)
    return f"<{''.join(told)}>"


def _across(nodes: Sequence[Node], columns: Sequence[Sequence[int]], look: Asked) -> float:
    """About how many points a drawing takes from left to right."""

    def longest(lines: Sequence[str | None]) -> float:
        return max((length(line) for line in lines if line), default=0.0)

    def on_edges(u: int) -> float:
        return max((longest(e.lines if e.lines is not None else ("−0.1234",)) for e in nodes[u].edges), default=0.0)

    texts = [[longest(nodes[u].lines or _lines(nodes[u], look)) for u in us] for us in columns]
    between = [max(map(on_edges, us), default=0.0) if look.edges is not None else 0.0 for us in columns]
    return sum(12 * max(column) + 14 for column in texts) + sum(10 * text + 34 for text in between)


def _boxes(nodes: Sequence[Node], operands: list[list[int]], column: list[int]) -> list[str | None]:
    """The box in which each node stands.

    Results know theirs, unnamed ones have it from what uses them. A leaf is in the box only if it
    stands beside results that are.
    """
    boxes = [node.box if node.edges else None for node in nodes]
    users = users_of(operands)

    def of_users(u: int) -> str | None:
        around = {boxes[v] for v in users[u]}
        return around.pop() if len(around) == 1 else None

    for u, node in reversed(list(enumerate(nodes))):
        if node.edges and node.name is None:
            boxes[u] = of_users(u)
    first: dict[str | None, int] = {}
    for box, c in zip(boxes, column, strict=True):
        first[box] = min(c, first.get(box, c))
    for u, node in enumerate(nodes):
        if not node.edges and (box := of_users(u)) is not None and column[u] >= first[box]:
            boxes[u] = box
    return boxes


LONG, NARROW, ROW = 24, 3, 12  # a picture of so many columns of at most so many nodes is folded, to about so many
_SHORTER = re.compile(r" (?==)|(?<=grad) ")  # where a line may be broken
NARROW_SPACE = "\xa0"  # that Graphviz keeps
ANY_HEIGHT = 1000  # inches, more than that of any picture
CROWDED = 1.25  # times the width: what takes more has shorter lines
FEW_COLUMNS = 8  # of a narrow graph in a picture that is not as wide as it
_SIDES = {"LR": ("e", "w"), "RL": ("w", "e"), "TB": ("s", "n"), "BT": ("n", "s")}
# Graphviz puts the text to the right of an edge that goes up or down, without a gap.
_MARGIN = {"LR": "", "RL": "", "TB": " ", "BT": " "}


def _look_of(kind: str) -> dict[str, object]:
    """How a node of a kind differs from a result."""
    now = current()
    looks: dict[str, dict[str, object]] = {
        "result": {},
        "leaf": {"style": "filled", "fillcolor": now.leaf},
        "target": {"fillcolor": now.target, "color": now.ink, "penwidth": 2},
        "constant": {"shape": "plaintext", "style": "", "fontcolor": now.grey, "fontsize": 10, "margin": "0.03,0.02"},
    }
    return looks[kind]


class _Order:
    """In which order nodes are written, and what they are called.

    The target is n0 and comes first, then column by column: where Graphviz has a choice, as within
    a box, it keeps the order that it finds in this way only.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.operands = [[e.operand for e in node.edges] for node in nodes]
        column = column_of(self.operands)
        self.boxes = _boxes(nodes, self.operands, column)
        self.columns = in_order(self.operands, column, self.boxes)
        self.places = [u for us in reversed(self.columns) for u in us]
        self.ids = {u: f"n{i}" for i, u in enumerate(self.places)}


def _statements(nodes: Sequence[Node], o: _Order, look: Asked, legend: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The lines between the braces."""
    ids, order, boxes = o.ids, o.places, o.boxes
    users, chain = users_of(o.operands), chains(o.operands)
    row = _rows(o.columns, look) if look.direction in ("LR", "RL") else {}
    for u in reversed(order) if row else order:
        start = chain[u]
        group = {} if start is None else {"group": ids[start]}  # a group stands in a straight line
        yield _line(ids[u], **_node_look(nodes[u], look), **group)
    yield from _legend(ids[order[0]], legend, look.direction)
    for i, box in enumerate(dict.fromkeys(boxes[u] for u in order if boxes[u] is not None)):
        yield f"\tsubgraph cluster_{i} {{\n"
        frame = {"labeljust": "r", "style": "rounded", "color": current().line, "fontcolor": current().grey}
        yield "\t" + _line("graph", label=_label(box), **frame)
        yield from (f"\t\t{ids[u]}\n" for u in order if boxes[u] == box)
        yield "\t}\n"
    for us in reversed(o.columns):
        yield from _pins(us, ids, users, boxes)
    for u, v in passed_leaves(o.operands, o.columns):
        # Graphviz swaps nodes across one that nothing leads to, against the pins.
        yield _line(f"{ids[u]} -> {ids[v]}", style="invis", weight=0)
    for last, first in pairwise(o.columns):
        if row and row[last[0]] != row[first[0]]:  # the next row begins below the end of this one
            yield f"\t{{ rank=same {ids[last[0]]} {ids[first[0]]} }}\n"
    for u in order:
        for e in nodes[u].edges:
            yield _arrow(ids[e.operand], ids[u], _edge_look(e, look), row.get(e.operand, 0), row.get(u, 0))


def _arrow(start: str, end: str, look: dict[str, object], before: int, row: int) -> str:
    """An edge; in every second row of a folded picture it goes back, and between rows it moves nothing."""
    if before != row:
        if "label" in look:  # beside the edge, which goes down
            look["label"] = f"{NARROW_SPACE * 14}{look['label']}"
        return _line(f"{start} -> {end}", **look, constraint="false")
    return _line(f"{end} -> {start}", **look, dir="back") if row % 2 else _line(f"{start} -> {end}", **look)


def _rows(columns: Sequence[Sequence[int]], look: Asked) -> dict[int, int]:
    """In which row each node stands where a long and narrow picture is folded; nothing where it is not."""
    is_long = len(columns) >= (FEW_COLUMNS if look.is_narrow else LONG)
    if not is_long or max(map(len, columns)) > NARROW:
        return {}
    rows = math.ceil(len(columns) / (FEW_COLUMNS // 2 if look.is_narrow else ROW))
    return {u: c * rows // len(columns) for c, us in enumerate(columns) for u in us}


def _legend(target: str, lines: Sequence[tuple[str, str]], direction: str) -> Iterator[str]:
    """Lines of text in the column of the target; where columns are rows, in one node beside it."""
    plain = {"shape": "plaintext", "style": "", "margin": "0,0", "fontsize": 11}
    if direction in ("TB", "BT"):
        texts = ["".join(_label(text) + r"\l" for text, _ in lines)] if lines else []
        colors = [current().ink]
    else:
        texts, colors = [_label(text) + r"\l" for text, _ in lines], [color for _, color in lines]
        plain["width"] = round(0.085 * max((len(text) for text, _ in lines), default=0), 2)  # all the same
    ids = [f"legend{i}" for i in range(1, len(texts) + 1)]
    for name, text, color in zip(ids, texts, colors, strict=False):
        yield _line(name, label=text, fontcolor=color, **plain)
    if ids:
        yield "\t{ rank=same\n"
        for above, below in pairwise([target, *ids]):
            yield "\t" + _line(f"{above} -> {below}", style="invis", minlen=2 if above == target else 0)
        yield "\t}\n"


def _pins(column: list[int], ids: dict[int, str], users: list[list[int]], boxes: list[str | None]) -> Iterator[str]:
    """Invisible edges down a column, which hold its order; the gap is wider where another unit begins.

    Within a box there are none: there Graphviz lets them turn the order round.
    """
    if len(column) > 1:
        yield "\t{ rank=same\n"
        yield from (f"\t\t{ids[u]}\n" for u in column if boxes[u] is not None)
        for u, v in pairwise(column):
            if boxes[u] is None or boxes[u] != boxes[v]:
                gap = 1 if users[u] == users[v] else 2
                yield "\t" + _line(f"{ids[u]} -> {ids[v]}", style="invis", minlen=gap)
        yield "\t}\n"


def _node_look(node: Node, asked: Asked) -> dict[str, object]:
    lines = _lines(node, asked) if node.lines is None else node.lines
    label = _label(*(_short(lines, is_left=node.is_left) if asked.is_narrow else lines))
    look = {**_look_of(node.kind), **node.look}
    if node.is_left:  # what a font takes more than Graphviz thinks is all missing on the right
        label = label.replace(r"\n", r"\l") + r"\l"
        look["margin"] = "0.14,0.05"
    if any(v in asked.highlight for v in node.of):
        look |= {"fillcolor": current().highlight, "color": current().ink, "fontcolor": current().ink, "penwidth": 3}
    if not label:
        look |= {"width": 0.2, "height": 0.2}
    return {"label": label, **look}


def _short(lines: Sequence[str | None], *, is_left: bool) -> list[str]:
    """The same in more and shorter lines: a number below its name; of a unit a gradient below what it is by."""
    pieces = [piece.strip() for line in lines if line for piece in ([line] if line[0] == "[" else line.split("   "))]
    return pieces if is_left else [part for piece in pieces for part in _SHORTER.split(piece)]


def _lines(node: Node, look: Asked) -> tuple[str | None, ...]:
    if node.kind == "constant":
        return (node.data,)
    named = [look.name(node.name or ""), node.data if look.show.data else ""]
    return node.symbol, " = ".join(filter(None, named)), f"grad {node.grad}" if look.show.grad and node.grad else None


def _edge_look(e: Arrow, asked: Asked) -> dict[str, object]:
    """How an edge is drawn."""
    if e.look is not None:
        look = dict(e.look)
    elif e.derivative is None:
        look = {"color": current().grey, "penwidth": 0.7}
    else:
        color, style = sign_style(e.derivative)
        look = {"color": color, "fontcolor": color, "penwidth": width(e.derivative)}
        if e.share is not None:
            look["penwidth"] = round(0.6 + 4 * e.share, 2) if e.share == e.share else 0.6
        if style != "solid":
            look["style"] = style
    lines = e.lines
    if lines is None:
        lines = () if e.derivative is None else (asked.number(e.derivative),)
    elif e.look is None and len(lines) > 1:
        look["fontcolor"] = current().ink  # several numbers have not all the sign that the colour tells
    if any(v in asked.highlight for v in e.of):
        look |= {"penwidth": 4, "fontcolor": current().ink, "fontsize": 13}
    if lines and asked.edges is not None:
        margin = _MARGIN[asked.direction]
        look = {"label": _label(*(f"{margin}{line}{margin}" for line in lines)), **look}
    if e.tooltip is not None:
        look["tooltip"] = _label(e.tooltip)
    return look


def _label(*lines: str | None) -> str:
    """Lines of any text, ready to stand in a quoted DOT string."""
    return "\\n".join(dot_text(line) for line in lines if line)


def _line(statement: str, **attributes: object) -> str:
    quoted = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"\t{statement} [{quoted}]\n"
