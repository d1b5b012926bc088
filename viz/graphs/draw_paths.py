"""draw_paths: a derivation as a picture, each of its paths in a colour, with the factors on its edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import Derivation, Edge, MatrixDerivation, Value, derive
from autograd.arguments import lookup, positive_integer
from autograd.matrices.graph import MatrixGraph
from autograd.operands import describe
from autograd.paths.path_graph import Path, PathGraph

from ..dot.diagram import Arrow, Node, diagram, pale_arrow, pale_node
from ..dot.drawing import Drawing, drawing_of
from ..explorer.stage import scene
from ..explorer.views import net_of
from ..options import Asked, drawing
from ..picture import Picture
from ..scenes.scene import Glow, Lit, Note, stage
from ..style import counted, current, cut
from . import parts
from .captions import Texts, drawn_of, formula_of, highlighted, kind_of, ratio, shortened, symbol_of, too_large
from .draw_graph import COMFORTABLE, MAX_NODES
from .tensors import Tensors
from .units import find_units

__all__ = ["draw_paths"]

FEW = 40  # a net of more nodes is drawn by its units
_LEVELS = dict.fromkeys(("auto", "named", "op", "neurons"))

LONGEST_FORMULA = 24  # characters; a longer formula is left to the tooltip
LONGEST_CHAIN = 90  # characters of a path in the legend


@drawing
def draw_paths(
    derivation: Any,
    source: Value | str | None = None,
    *,
    level: str = "auto",
    path: object = None,
    show: Any = "data",
    direction: str = "LR",
    others: bool | None = None,
    until: Any = (),
    around: Any = None,
    max_nodes: int = MAX_NODES,
    digits: int = 4,
    edges: str | None = "auto",
    highlight: Any = (),
    title: str | None = None,
    legend: bool = True,
    width: Any = None,
    like: object = None,
    look: object = None,
) -> Drawing | Picture:
    """The paths that a derivation lists, strongest first, in the graph that they go through.

    derivation  as `derive(L, w)` gives it; with `top=3` it lists the strongest three. Several of one target, as
                in `[derive(L, w), derive(L, v)]`, are drawn in one picture, each in one colour. For Tensors,
                the way of the gradient back to the source, with a formula on every edge of it, as
                in `draw_graph`. `draw_paths(L, w)` draws derive(L, w).
    level       "neurons": the paths on the units of the net, with weights on its lines, as a Picture. Otherwise
                the level of the derivation, as a Drawing: "auto" where it has at most 40 nodes or names tell of no
                units, "named" or "op" always.
    path        1 draws the strongest alone, (1, 3) the first and the third; they keep their colours.
    show        what the nodes of the paths show, as for draw_graph.
    direction   "LR" from left to right, "TB" from top to bottom, "RL", "BT".
    others      draw also what is on no listed path, pale; False leaves it out. None: what is next to a path,
                where the graph has more than 60 nodes.
    max_nodes   a larger graph is refused.
    edges       what edges on paths carry: "auto" formula and number, "number", "formula" or None.
    like        another picture of this graph, whose places this one takes: a Drawing, or at level "neurons" a Picture.
    legend      whether there is one. until, around, digits, highlight, title, width, look: as for draw_graph; a part
                of a graph is drawn as a Drawing.

    The first six paths have a colour and a number each, which the legend explains with the product and
    the share of the path; an edge that several of them take has all their colours. The other paths
    listed are dark. Every edge on a path carries its factor: the formula, if it is short, and the
    number; negative ones are dashed.

    TypeError for what is no Derivation; ValueError for one without paths, derivations of different targets, an
    unknown option or a graph that is too large.
    """
    if source is not None:
        derivation = derive(derivation, source)
    found = list(derivation) if isinstance(derivation, list | tuple) else [derivation]
    for each in found or [derivation]:
        if not isinstance(each, Derivation | MatrixDerivation):
            raise TypeError(f"draw_paths: expected a Derivation such as derive(L, w), got {describe(each)}")
        if not (each.paths if isinstance(each, Derivation) else each.steps):
            raise ValueError(f"draw_paths: there is no path to draw: {each}")
    lookup("level", level, _LEVELS)
    limit = positive_integer("draw_paths", "max_nodes", max_nodes)
    asked = Asked(show, digits, edges, direction, title, legend, width, highlight, like)
    texts = Texts(found[0].target, asked)
    is_part = bool(until) or around is not None
    if is_part and level == "neurons":
        raise ValueError("draw_paths: until and around are for the nodes of a graph; use level='auto' or 'named'")
    drawn: _Paths | _Way
    if isinstance(found[0], Derivation):
        drawn = _Paths(_of_one_target(found), _chosen(found, path), texts)
        if level not in ("auto", "neurons", drawn.graph.level):
            raise ValueError(f"draw_paths: the derivation is at level {drawn.graph.level!r}, not {level!r}")
        if level == "neurons" or (level == "auto" and not is_part and _is_large_net(drawn.graph)):
            return drawn.on_units(asked)
    elif len(found) > 1 or path is not None or level == "neurons":
        raise ValueError("draw_paths: of Tensors one derivation is drawn, whole, and not at level 'neurons'")
    elif edges == "number":
        raise ValueError("draw_paths: edges of Tensors carry formulas; use edges='formula' or None")
    else:
        drawn = _Way(found[0], texts)
    if is_part:
        nodes = drawn.nodes(others=others is not False)
        nodes = parts.part_of(nodes, drawn.graph, until, around, "draw_paths")
        if len(nodes) > limit:
            raise too_large(len(nodes), "", limit, "draw a smaller part, or raise max_nodes")
    else:
        nodes = _shown(drawn, others, limit)
    asked = asked._replace(like=drawing_of(like, "draw_paths"))
    asked = highlighted(drawn.graph, asked, "draw_paths", drawn_of(nodes))
    return diagram(nodes, asked, level=drawn.graph.level, legend=[*(drawn.legend() if legend else ()), *texts.notes()])


def _shown(drawn: _Paths | _Way, others: bool | None, limit: int) -> list[Node]:
    """The nodes that are drawn; ValueError if they are too many."""
    size, alone = len(drawn.graph.nodes), len(drawn.on_paths)
    if others is None and size > min(COMFORTABLE, limit):
        near = parts.around(drawn.nodes(others=True), set(drawn.on_paths), 1)
        if len(near) <= limit:
            return near
        others = False
    if (size if others is not False else alone) > limit:
        advice = "use others=False to draw the paths alone, or " if others and alone <= limit else drawn.advice
        raise too_large(size if others else alone, "", limit, f"{advice}raise max_nodes")
    return drawn.nodes(others=others is not False)


def _of_one_target(found: Sequence[Any]) -> Sequence[Derivation]:
    """These derivations; ValueError if they are not of one target at one level."""
    first = found[0]
    for each in found:
        if not isinstance(each, Derivation) or each.target is not first.target or each.graph.level != first.graph.level:
            raise ValueError("draw_paths: several derivations are to have one target and one level")
        if each.source not in first.graph.labels:
            raise ValueError("draw_paths: several derivations are of nodes with names; give each a label")
    return found


def _chosen(found: Sequence[Derivation], path: object) -> list[tuple[int, ...]]:
    """The places of the paths of each derivation that are drawn, from 0."""
    asked = None if path is None else path if isinstance(path, tuple | list) else (path,)
    chosen = []
    for each in found:
        count = len(each.paths)
        ranks = range(1, count + 1) if asked is None else [positive_integer("draw_paths", "path", k) for k in asked]
        if any(k > count for k in ranks):
            raise ValueError(f"draw_paths: path {max(ranks)}: the derivation lists {counted(count, 'path')}")
        chosen.append(tuple(k - 1 for k in ranks))
    return chosen


def _is_large_net(graph: PathGraph) -> bool:
    """Whether a graph is better drawn by its units."""
    return graph.level == "named" and len(graph.nodes) > FEW and bool(find_units(graph).units)


class _Way:
    """The way of the gradient through a graph of Tensors, from the target back to the source."""

    advice = ""

    def __init__(self, derivation: MatrixDerivation, texts: Texts) -> None:
        self.derivation, self.graph = derivation, MatrixGraph(derivation.target)
        if derivation.source not in self.graph.labels:
            raise ValueError('draw_paths: the source has no name; give it one, such as t.label = "V"')
        self.tensors = Tensors(self.graph, texts)
        self.on_paths = self.tensors.way_from(derivation.source)

    def nodes(self, *, others: bool) -> list[Node]:
        return self.tensors.nodes(way=self.on_paths, others=others)

    def legend(self) -> list[tuple[str, str]]:
        """The way, if it does not fork, and what arrives at its end."""
        way, name, value = self.on_paths, self.tensors.name, self.derivation.value
        forks = any(sum(not e.is_constant and e.operand in way for e in self.graph.edges_of(v)) > 1 for v in way)
        chain = " → ".join(map(name, reversed(way)))
        lines = [(chain, current().paths[0])] if not forks and len(chain) <= LONGEST_CHAIN else []
        norm = self.tensors.look.number(float(np.linalg.norm(value.ravel())))
        return [*lines, (f"d{name(self.derivation.source)}: shape {value.shape}, norm {norm}", current().ink)]


def _key(e: Edge) -> tuple[Value, Value, int]:
    """What an edge is known by, in the graphs of several derivations."""
    return e.result, e.operand, e.position


class _Group(NamedTuple):
    """Paths of one colour, and what the legend says of them."""

    paths: tuple[Path, ...]
    color: str
    number: int
    line: str


class _Paths:
    """The paths of derivations in the graph of their Values."""

    advice = "list fewer paths with derive(..., top=), or "

    def __init__(self, found: Sequence[Derivation], chosen: Sequence[tuple[int, ...]], texts: Texts) -> None:
        self.derivations, self.texts, self.look = found, texts, texts.look
        self.graph, self.sources = found[0].graph, {each.source for each in found}
        self.is_partly = any(len(ranks) < len(each.paths) for each, ranks in zip(found, chosen, strict=True))
        self.groups = self._groups(chosen)
        drawn = [each.paths[k] for each, ranks in zip(found, chosen, strict=True) for k in ranks]
        self.taken: dict[tuple[Value, Value, int], list[int]] = {}  # for every edge on a path the groups that take it
        for path in drawn:
            for e in path.edges:
                self.taken.setdefault(_key(e), [])
        for i, group in enumerate(self.groups):
            for pair in dict.fromkeys(_key(e) for path in group.paths for e in path.edges):
                self.taken[pair].append(i)
        self.on_paths = {found[0].target, *self.sources, *(u for key in self.taken for u in key[:2])}

    def _groups(self, chosen: Sequence[tuple[int, ...]]) -> list[_Group]:
        """Each path by itself, the first of them; of several derivations all paths of one together."""
        hues = current().paths
        if len(self.derivations) > 1:
            return [
                _Group(tuple(d.paths[k] for k in ranks), hues[i % len(hues)], i + 1, f"{i + 1}.  {self._sum(d)}")
                for i, (d, ranks) in enumerate(zip(self.derivations, chosen, strict=True))
            ]
        (derivation,), (ranks,) = self.derivations, chosen
        shares = derivation.shares()
        found = []
        for k in [k for k in ranks if k < len(hues)]:
            path, share = derivation.paths[k], shares[k]
            chain = " → ".join(shortened(self.graph, v) for v in path.nodes or (derivation.source,))
            part = f"   ({share:.1%})" if share == share else ""
            line = f"{k + 1}.  {cut(chain, LONGEST_CHAIN)}   {self.look.number(path.value)}{part}"
            found.append(_Group((path,), hues[k], k + 1, line))
        return found

    def _sum(self, derivation: Derivation) -> str:
        paths = f"   ({counted(derivation.count, 'path')})" if len(self.derivations) > 1 else ""
        slope = ratio(self.graph, derivation.target, derivation.source)
        return f"{slope} = {self.look.number(derivation.value)}{paths}"

    def nodes(self, *, others: bool) -> list[Node]:
        shown = [v for v in self.graph.nodes if others or v in self.on_paths]
        place = {v: i for i, v in enumerate(shown)}
        nodes = []
        for v in shown:
            edges = [e for e in self.graph.edges_of(v) if _key(e) in self.taken or (others and e.operand in place)]
            nodes.append(self._node(v, tuple(self._arrow(place[e.operand], e) for e in edges)))
        return nodes

    def _node(self, v: Value, arrows: tuple[Arrow, ...]) -> Node:
        graph, kind, name = self.graph, kind_of(self.graph, v), shortened(self.graph, v)
        if v not in self.on_paths:
            return Node(kind, name=name, edges=arrows, lines=(self.look.name(name),), look=pale_node(), of=(v,))
        look = {"penwidth": 2, "color": current().ink} if v in self.sources else {"color": current().ink}
        data, grad = self.texts.data(v), self.texts.grad(v)
        return Node(kind, data, grad, name, symbol=symbol_of(graph, v), edges=arrows, look=look, of=(v,))

    def _arrow(self, operand: int, e: Edge) -> Arrow:
        value, slope = self.look.number(e.derivative), ratio(self.graph, e.result, e.operand)
        if _key(e) not in self.taken:
            return Arrow(operand, e.derivative, f"{slope} = {value}", (), pale_arrow())
        formula = formula_of(self.graph, e)
        groups = [self.groups[i] for i in self.taken[_key(e)]]
        hues = [group.color for group in groups] or [current().ink]
        look: dict[str, object] = {
            "color": ":".join(hues),
            "penwidth": 1.8 if len(hues) < 3 else 1.1,  # of each colour
            "fontcolor": hues[0] if len(hues) == 1 else current().ink,
        }
        if e.derivative < 0:
            look["style"] = "dashed"
        lines = [self._factor(formula, value)]
        if groups and (self.is_several or self.is_partly):
            what = "path " if len(groups) == 1 else "paths "
            lines.append(what * (len(self.derivations) == 1) + ", ".join(str(group.number) for group in groups))
        lines.append(" ")  # the edge would touch the text
        return Arrow(operand, e.derivative, f"{slope} = {formula} = {value}", tuple(lines), look)

    @property
    def is_several(self) -> bool:
        """Whether there is more than one path or derivation to be told apart."""
        return len(self.derivations) > 1 or len(self.derivations[0]) > 1

    def _factor(self, formula: str, value: str) -> str:
        is_short = value != formula and len(formula) <= LONGEST_FORMULA
        if self.look.edges == "auto":
            return f"{formula} = {value}" if is_short else value
        return formula if self.look.edges == "formula" and is_short else value

    def legend(self) -> list[tuple[str, str]]:
        """A line for each path that has a colour, one for the others, and one for the sum; or one a derivation."""
        lines = [(group.line, group.color) for group in self.groups]
        if len(self.derivations) > 1:
            return lines
        (derivation,), ink = self.derivations, current().ink
        if (rest := derivation.count - len(lines)) > 0:
            value = derivation.value - math.fsum(path.value for group in self.groups for path in group.paths)
            lines.append((f"the other {'path' if rest == 1 else f'{rest} paths'}   {self.look.number(value)}", ink))
        return [*lines, (self._sum(derivation), ink)]

    # ------------------------------------------------------------ on the units of a net

    def on_units(self, asked: Asked) -> Picture:
        """The same paths on the units of the net: a path through a unit is a line into its circle."""
        drawn, nodes = net_of(self.derivations[0].target, keep=self.derivations[0].source)
        lines = {}
        for i, line in enumerate(drawn.lines):
            edges = [e for k in line.edges if _key(e := drawn.edges[k]) in self.taken]
            if not edges:
                continue
            groups = dict.fromkeys(g for e in edges for g in self.taken[_key(e)])
            told = edges[-1].derivative if line.weight is None else nodes.row(line.weight).data
            hues = tuple(self.groups[g].color for g in groups) or (current().ink,)
            ranks = ", ".join(str(self.groups[g].number) for g in groups) if self.is_several else ""
            text = "" if asked.edges is None else self.look.number(told) + (f" ({ranks})" if ranks else "")
            lines[i] = Glow(0.35 + 0.2 * min(len(hues), 3), told, text, hues)
        marked = highlighted(drawn.graph, asked, "draw_paths", drawn.nodes())
        texts = {i: glow.text for i, glow in lines.items()}
        if isinstance(asked.like, Drawing):
            raise TypeError("draw_paths: like: at level 'neurons' expected a Picture, as draw_paths gives it there")
        picture = scene(drawn, nodes, size=stage(asked.width), look=marked, texts=texts, like=asked.like)
        on = frozenset(nodes.number(v) for v in self.on_paths if nodes.has(v))
        ends = frozenset(nodes.number(v) for v in self.sources if nodes.has(v))
        below = [[Note(text, color)] for text, color in (self.legend() if asked.legend else [])]
        what = " and ".join(self._sum(d) for d in self.derivations)
        svg = picture.svg(
            asked.title or what, lit=Lit(on, lines, ends), caption=asked.title, width=asked.width, below=below
        )
        return Picture(svg, picture.placement)
