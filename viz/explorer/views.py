"""The explorer's views of a graph: named nodes, every scalar, neurons; which of them there are and fit.

A view says what is drawn where: boxes with nodes in them, and lines that stand for edges.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any

from autograd import Value
from autograd.arguments import positive_integer
from autograd.formulas import names
from autograd.formulas.lines import of_another_pass
from autograd.graph import is_node, topological_order
from autograd.operands import Operand, describe
from autograd.paths.path_graph import Edge, Path, PathGraph
from autograd.signatures import Json
from autograd.used import Used
from autograd.value import NO_GRADIENT

from ..graphs.grouped import Arrival, CoarseGraph, Thing
from ..graphs.units import NO_UNITS, Constant, Unit
from ..options import Asked
from ..scenes.placing import CAPTION, FONTS
from ..scenes.scene import CHORDS, ROWS, Cell
from ..style import counted, number
from .arrays import Arrays
from .model import Nodes, edges_among, encoded, graph_data
from .pieces import Kinks
from .program import NO_OPERATIONS, Program
from .script import Unreadable
from .stage import Box, Drawn, Way, has_room, lit, paths_to, scene

__all__ = ["ELIDED", "LEVELS", "MAX_EDGES", "Views", "drawn_of", "net_of", "page_data"]

MAX_EDGES = 2000  # more than that are not drawn one by one
PART = 400  # so many edges are drawn of a graph that cannot be collapsed
COMFORTABLE = 12  # with more named nodes neurons are shown first
ELIDED = 16  # layers of more units are shortened, but for the last few of them
LAST = 4
# What is left out of a row, by its kind or by the letter of its names.
SEVERAL = {"unit": "units", "input": "inputs", "x": "inputs", "y": "targets", "w": "weights", "b": "biases"}
SIZE = (1000.0, 700.0)  # of the stage that pictures are placed for

NAMED = 3  # so many are named in a note

LEVELS = dict.fromkeys(("auto", "named", "op", "neurons", "matrices"))


def page_data(root: Value, wrt: Value | None, level: str, digits: int = 4) -> Json:
    """Everything the page shows of the graph below `root`; see `Views` and `Views.data`."""
    return Views(root, wrt, digits).data(level)


def _notes(used: Used) -> list[str]:
    """What a reader must know where `.data` was changed since the forward pass, as by an optimizer."""
    kept = [v for v, x in used.changed.items() if x is not None]
    lost = [v for v, x in used.changed.items() if x is None]
    notes = []
    if kept:
        notes.append(f"{_listed(kept)} changed since the forward pass: the numbers here are those that it used.")
    if lost:
        notes.append(
            f"{_listed(lost)} changed since the forward pass, and the numbers that it used are not on record: "
            "their numbers are those of now, all others belong to the pass."
        )
    return notes


def _listed(nodes: Sequence[Value]) -> str:
    called = [f"{v.label or 'an unnamed leaf'} (now {number(v.data)})" for v in nodes[:NAMED]]
    return ", ".join(called) + (f" and {len(nodes) - NAMED:,} more" if len(nodes) > NAMED else "")


def _called(node: Value) -> str:
    return describe(node) if node.label is None else repr(node.label)


def net_of(root: Value, *, most: int = ELIDED, keep: Value | None = None) -> tuple[Drawn, Nodes]:
    """What is drawn of the net whose loss, or any other result, this is; and its nodes.

    most: units of a layer that are drawn; those that concern `keep` are among them.
    ValueError if names tell of no units.
    """
    coarse = CoarseGraph(root)
    if not coarse.units.units:
        raise ValueError(f"in this graph there are {NO_UNITS}")
    nodes = Nodes(root)
    nodes.graphs.append(coarse.graph)
    return _Neurons(coarse, keep, most).drawn(edges_among(coarse.graph, coarse.graph.nodes)), nodes


def drawn_of(root: Value, level: str) -> tuple[Drawn, Nodes]:
    """What one level draws of the graph below `root`, and its nodes.

    level: "neurons", "named", "op", or "auto" for the first of these that names allow.
    ValueError for a level that the graph does not have, or one with more than MAX_EDGES edges.
    """
    if level in ("auto", "neurons"):
        try:
            return net_of(root)
        except ValueError:
            if level == "neurons":
                raise
    nodes = Nodes(root)
    graph = PathGraph(root, level="op" if level == "op" else "named")
    if level == "auto" and not any(not v.is_leaf for v in graph.nodes[:-1]):
        graph = PathGraph(root, level="op")
    nodes.graphs.append(graph)
    edges = edges_among(graph, graph.nodes)
    if len(edges) > MAX_EDGES:
        raise ValueError(f"{len(edges):,} edges are too many to draw each; name fewer nodes, or look at a part")
    return _drawn_of_all(graph.level, graph, graph.nodes, edges), nodes


class Views:
    """The views that the graph below a target has, with the graphs that they are views of.

    target: a Value; or the Arrays of a Tensor, whose numbers are Values if it has a root.
    wrt: the node selected at first, or None. digits: of numbers.
    missing: why a view is not there. notes: what a reader of the page should know.
    """

    def __init__(self, target: Value | Arrays, wrt: Any, digits: int) -> None:
        self.arrays = target if isinstance(target, Arrays) else None
        self.root = target.root if isinstance(target, Arrays) else target
        self.wrt, self.digits = wrt, digits
        self.nodes = Nodes(target.target if isinstance(target, Arrays) and self.root is None else self.root)
        self.everything: list[Value] = [] if self.root is None else topological_order(self.root)
        if wrt is not None and wrt not in set(self.everything if self.arrays is None else self.arrays.things):
            raise ValueError(
                f"explore: expected wrt to be a node of the graph; the root does not depend on {_called(wrt)}"
            )
        self.kinks = Kinks({v: i for i, v in enumerate(self.everything)}).of
        self.graphs: Json = {}
        self.views: Json = {}
        self.drawn: dict[str, Drawn] = {}
        self.missing: dict[str, str] = {}
        self.notes: list[str] = []
        self.is_whole = True
        if self.root is not None:
            self._add_scalars(self.root)
        if self.arrays is None:
            self.missing["matrices"] = "Each node of this graph is a single number; a graph of Tensors has matrices."
        else:
            self._add_arrays(self.arrays)

    def _add_scalars(self, root: Value) -> None:
        coarse = self._coarse(root)
        self.named = PathGraph(root) if coarse is None else coarse.graph
        op_edges = sum(len(v.operands) for v in self.everything)
        named_edges = sum(len(self.named.edges_of(v)) for v in self.named.nodes)
        self.is_whole = op_edges <= MAX_EDGES
        if self.is_whole:
            every_scalar = PathGraph(root, level="op")
            self._add("op", every_scalar, every_scalar.nodes)
        else:
            self.missing["op"] = f"{op_edges:,} edges between scalars are too many to draw each."
        if len(self.named.nodes) == 1:
            self.missing["named"] = "No node has a name: set v.label to see the chain rule of named quantities."
        elif named_edges <= MAX_EDGES:
            self._add("named", self.named, self.named.nodes)
        else:
            self.missing["named"] = f"{named_edges:,} edges between named nodes are too many to draw each."
        if coarse is not None:
            self._add_neurons(coarse)

    def _add_arrays(self, arrays: Arrays) -> None:
        """The view of whole arrays; their numbers follow the paths of named nodes, or of every scalar."""
        arrays.add(self.nodes)
        graph: Any = arrays.graph
        name, beside, edges = "arrays", None, []
        if self.root is None:
            for missing in ("named", "op", "neurons"):
                self.missing[missing] = f"The numbers of these arrays are not shown one by one: {arrays.refused}."
        else:
            name = "named" if arrays.level == "named" else "op"
            if name not in self.graphs or len(self.graphs[name]["nodes"]) < len(self.named.nodes):
                self.graphs[name] = graph_data(
                    self.named, self.named.nodes, self.nodes, with_via=False, spelled=(), kinks=self.kinks
                )
            graph = self.named if name == "named" else self.drawn["op"].graph
            edges = edges_among(graph, graph.nodes)
            beside = next((d for d in map(self.drawn.get, ("neurons", "named")) if d is not None), None)
            beside = beside if beside is not None and has_room(beside, self.nodes, SIZE) else None
        self.drawn["matrices"] = drawn = arrays_drawn(arrays, graph, edges, beside)
        self.views["matrices"] = _view(name, drawn, self.nodes, self.digits)
        self.graphs["arrays"], self.written = arrays.data(self.nodes)

    def data(self, level: str, samples: Operand = None, parameters: Operand = None) -> Json:
        """Everything the page shows; under "operations" script, the rest plain data.

        level: the view to begin with, one of LEVELS. samples, parameters: see `explore`.
        """
        first = self.first(level)
        self.notes += _notes(self.nodes.used)
        program, operations, rows = None, NO_OPERATIONS, None
        try:
            if self.root is not None:
                found = Program(self.everything)
                program, operations = found.data(self.nodes.used, self.nodes.things, parameters, samples)
                rows = None if samples is None else found.samples(samples)
        except Unreadable as refused:
            self.notes.append(f"The numbers of this page cannot be changed: {refused}.")
        target: Any = self.root
        if self.arrays is not None:
            target = self.arrays.target if self.root is None else self.root
            is_backward = self.arrays.is_backward
        else:
            is_backward = target.grad is not NO_GRADIENT
        selected = self.wrt is not None and self.nodes.has(self.wrt)
        return {
            "nodes": self.nodes.columns(),
            "target": self.nodes.number(target),
            "selected": self.nodes.number(self.wrt) if selected and self.wrt is not None else None,
            "backward": is_backward,
            "unequal": of_another_pass("{target}", is_backward),
            "sizes": {"fonts": FONTS._asdict(), "rows": ROWS, "chords": CHORDS, "caption": CAPTION},
            "graphs": self._graphs(),
            "views": self.views,
            "missing": self.missing,
            "notes": self.notes,
            "first": first,
            "digits": self.digits,
            "program": program,
            "samples": rows,
            "operations": operations,
            "arrays": None if self.arrays is None else self.written,
            "blocks": self.arrays is not None and self.arrays.has_blocks,
        }

    def _graphs(self) -> Json:
        """The graphs; where every node has a name "named" is "op", and only its name is said."""
        is_same = "op" in self.graphs and self.graphs.get("named") == self.graphs["op"]
        return {**self.graphs, "named": "op"} if is_same else self.graphs

    # ------------------------------------------------------------ which comes first

    def first(self, level: str) -> str:
        """The view to begin with; a graph too large for any is shown in part."""
        if level == "matrices" and self.arrays is None:
            raise ValueError("explore: level 'matrices' is for a graph of Tensors; here every node is one number")
        if self.arrays is not None and (level in ("auto", "matrices") or level not in self.views):
            if level not in ("auto", "matrices"):
                self.notes.append(f"Another level than {level!r} is shown. {self.missing.get(level, '')}")
            return "matrices"
        if level == "neurons" and level not in self.views:
            raise ValueError(f"explore: level 'neurons' finds {NO_UNITS}, or use level='named'")
        has_results = any(not v.is_leaf for v in self.named.nodes[:-1])
        if not self.views:
            self._add_part("op" if level == "op" or not has_results else "named")
        if level in self.views:
            return level
        if self.wrt is not None and self.wrt not in self.named.labels and "op" in self.views:
            order = ["op"]
        elif has_results:
            small = len(self.named.nodes) <= COMFORTABLE
            order = ["named", "neurons", "op"] if small else ["neurons", "named", "op"]
        else:
            order = ["op", "named"]
        found = next(name for name in (*order, *self.views) if name in self.views)
        if level != "auto":
            self.notes.append(f"Another level than {level!r} is shown. {self.missing.get(level, '')}")
        elif not self.is_whole and found != "op":
            shown = "neurons" if found == "neurons" else "named nodes"
            self.notes.insert(0, f"{self.missing['op'].rstrip('.')}: {shown} are shown.")
        return found

    # ------------------------------------------------------------ as a picture

    def svg(self, title: str, level: str, node: Any, path: int | None, size: tuple[float, float]) -> str:
        """The picture of a view, with the paths to a node lit, or with one of them; see `Exploration.svg`."""
        if level not in self.drawn:
            raise ValueError(f"svg: level {level!r} is not in this page. {self.missing.get(level, '')}")
        drawn = self.drawn[level]
        picture = scene(drawn, self.nodes, size=size, look=Asked(digits=self.digits))
        if node is None:
            if path is not None:
                raise ValueError("svg: path says which path of a node; give the node too")
            return picture.svg(title)
        array = self.arrays.called(node) if self.arrays is not None and level == "matrices" else None
        if array is not None:
            if path is not None:
                raise ValueError("svg: an array has its chain in matrices; path is for one of its numbers")
            assert self.arrays is not None
            return picture.svg(title, lit=self.arrays.lit(drawn, self.nodes, array))
        source = self._meant(node, drawn.graph, level)
        if path is None:
            taken = paths_to(drawn, source)
        else:
            alone = self._path(drawn.graph, source, path)
            taken = dict.fromkeys(alone.edges, alone.value)
        return picture.svg(title, lit=lit(drawn, self.nodes, source, taken, self.digits))

    def _meant(self, node: Any, graph: PathGraph, level: str) -> Value:
        if not (is_node(node) or isinstance(node, str)):
            raise TypeError(f"svg: expected a Value or its name, got {describe(node)}")
        if node in graph.labels:
            return node
        found = [
            v for v, label in graph.labels.items() if isinstance(node, str) and names.text(label) == names.text(node)
        ]
        if not found:
            raise ValueError(f"svg: {_called(node) if is_node(node) else repr(node)} is not in the graph of {level!r}")
        return found[0]

    def _path(self, graph: PathGraph, source: Value, rank: int) -> Path:
        rank = positive_integer("svg", "path", rank)
        found = next(islice(graph.paths(source), rank - 1, None), None)
        if found is None:
            raise ValueError(
                f"svg: {_called(source)} has {counted(graph.count(source), 'path')}, there is no path {rank}"
            )
        return found

    # ------------------------------------------------------------ views of every node

    def _add(self, name: str, graph: PathGraph, shown: Sequence[Value]) -> None:
        self.nodes.graphs.append(graph)
        self.graphs[name] = graph_data(graph, shown, self.nodes, with_via=not self.is_whole, kinks=self.kinks)
        self.drawn[name] = _drawn_of_all(name, graph, shown, edges_among(graph, shown))
        self.views[name] = _view(name, self.drawn[name], self.nodes, self.digits)

    def _add_part(self, level: str) -> None:
        """The nodes nearest to the target: every path to one of them is among them."""
        graph = self.named if level == "named" else PathGraph(self.named.target, level="op")
        shown = _nearest(graph, PART)
        among = set(shown)
        self.nodes.cut.update(
            v for v in shown if any(is_node(u) for u in v.operands) and not among.issuperset(_operands(graph, v))
        )
        self._add(level, graph, shown)
        self.missing.pop(level)
        before = len(graph.nodes) - len(shown)
        self.notes.append(f"{len(shown):,} nodes nearest to the result are shown; {before:,} lie before them.")
        if self.wrt is not None and self.wrt not in among:
            self.notes.append(f"{_called(self.wrt)} lies before them too; derive(root, wrt) lists its paths.")

    # ------------------------------------------------------------ neurons

    def _coarse(self, root: Value) -> CoarseGraph | None:
        try:
            coarse = CoarseGraph(root)
        except ValueError as refused:
            self.missing["neurons"] = str(refused)
            return None
        if not coarse.units.units:
            self.missing["neurons"] = f"There are {NO_UNITS}."
            return None
        return coarse

    def _add_neurons(self, coarse: CoarseGraph) -> None:
        neurons = _Neurons(coarse, self.wrt)
        if "named" not in self.graphs:
            leaves = set(neurons.leaves())
            shown = [v for v in coarse.graph.nodes if not v.is_leaf or v in leaves]
            self.nodes.graphs.append(coarse.graph)
            drawn = neurons.drawn(edges_among(coarse.graph, shown))
            self.graphs["named"] = graph_data(
                coarse.graph, shown, self.nodes, with_via=not self.is_whole, spelled=drawn.nodes(), kinks=self.kinks
            )
        else:
            drawn = neurons.drawn(edges_among(coarse.graph, coarse.graph.nodes))
        self.drawn["neurons"] = drawn
        self.views["neurons"] = _view("named", self.drawn["neurons"], self.nodes, self.digits)
        if neurons.rest and self.arrays is None:
            self.notes.append(
                f"Layers of more than {ELIDED} units are shortened; paths through units that are not drawn count too."
            )


def _nearest(graph: PathGraph, most: int) -> list[Value]:
    """The nodes at the least distance from the target, with about so many edges; operands first.

    The distance is that of the longest way, so all users of a node are nearer than itself.
    """
    distance = {graph.target: 0}
    arriving: Counter[Value] = Counter()
    for v in reversed(graph.nodes):
        for e in graph.edges_of(v):
            distance[e.operand] = max(distance.get(e.operand, 0), distance[v] + 1)
            arriving[e.operand] += 1
    edges = 0
    found = set()
    for v in sorted(graph.nodes, key=lambda v: distance.get(v, len(graph.nodes))):
        edges += arriving[v]
        if edges > most:
            break
        found.add(v)
    return [v for v in graph.nodes if v in found]


# ---------------------------------------------------------------- boxes and lines


def _drawn_of_all(level: str, graph: PathGraph, shown: Sequence[Value], edges: Sequence[Edge]) -> Drawn:
    """Every node of a graph is a box of its own, as is every constant, and every edge is drawn."""
    constants: dict[Constant, Value] = {}  # and its user
    if level == "op":
        for v in shown:
            for x in v.operands:
                if not is_node(x):
                    constants[Constant(None, str(len(constants)), x)] = v
    drawn: list[Value | Constant] = [*constants, *shown]
    place = {thing: k for k, thing in enumerate(drawn)}
    lines = [Way((), place[c], place[v]) for c, v in constants.items()]
    lines += [Way((k,), place[e.operand], place[e.result]) for k, e in enumerate(edges)]
    return Drawn(graph, edges, [Box((thing,)) for thing in drawn], lines, lines)


def _operands(graph: PathGraph, v: Value) -> list[Value]:
    return [e.operand for e in graph.edges_of(v)]


def _view(graph: str, drawn: Drawn, nodes: Nodes, digits: int) -> Json:
    """The picture as plain data, placed for a stage of SIZE, to be stretched.

    Marks are [x, y, node, node above, node below] (-1 for none) or [x, y, words]; lines are [edges, from, to, node of
    the weight or -1, place of the number or 0, x, y, ... of a curve's points if it is one].
    """
    found = scene(drawn, nodes, size=SIZE, look=Asked(digits=digits))
    places = found.placement
    marks: list[list[object]] = []
    for mark, (x, y) in zip(found.marks, places.centres, strict=True):
        if mark.grid is not None:
            squares = [[_square(cell, digits) for cell in row] for row in mark.grid.rows]
            whole = -1 if mark.main is None else mark.main.n
            marks.append([round(x), round(y), whole, round(mark.grid.side, 1), mark.grid.words, squares])
            continue
        cells = [-1 if cell is None else cell.n for cell in (mark.main, mark.above, mark.below)]
        marks.append([round(x), round(y), *([mark.words] if mark.main is None else cells)])
    lines = []
    for line, stroke, way, label in zip(drawn.lines, found.strokes, places.ways, places.labels, strict=True):
        weight = -1 if stroke.weight is None else stroke.weight.n
        curve = [round(x) for point in way for x in point] if len(way) > 2 else []
        edges = line.edges if line.arrow is None else [line.edges, line.arrow]
        lines.append([edges, line.start, line.end, weight, [*map(round, label)] if label else 0, *curve])
    size = [*map(round, places.size)]
    return {"graph": graph, "size": size, "radius": round(places.radius, 1), "marks": marks, "lines": lines}


def arrays_drawn(arrays: Arrays, graph: Any, edges: Sequence[Edge], beside: Drawn | None) -> Drawn:
    """Arrays, and the lines between them, below the marks that are beside them.

    graph, edges: on which the paths to a number of theirs are followed.
    """
    boxes = [] if beside is None else list(beside.boxes)
    place = {thing: len(boxes) + i for i, thing in enumerate(arrays.things)}
    grids = {thing: arrays.grid(thing) for thing in arrays.things}
    boxes += [Box((arrays.value(thing),)) if grid is None else Box(grid=grid) for thing, grid in grids.items()]
    between: dict[tuple[object, object], list[int]] = {}
    whole = {id(u): t for t in arrays.members for u in arrays.numbers(t)}
    for k, e in enumerate(edges):
        ends = whole.get(id(e.operand)), whole.get(id(e.result))
        between.setdefault(ends, []).append(k)
    lines = [] if beside is None else list(beside.lines)
    lines += [
        Way(tuple(between.get((u, v), ())), place[u], place[v], arrow=-1 if k is None else k)
        for u, v, k in arrays.pairs
    ]
    return Drawn(graph, edges, boxes, lines, lines, arrays=arrays, beside=beside)


def _square(cell: Cell, digits: int) -> object:
    """A square as the page has it: its node; or a number, and its gradient if there is one."""
    if cell.n >= 0:
        return cell.n
    numbers = [float(f"{x:.{digits}g}") for x in (cell.value, cell.slope)]
    return [encoded(x) for x in (numbers if numbers[1] == numbers[1] else numbers[:1])]


# ---------------------------------------------------------------- neurons


class _Neurons:
    """Units, each a box with its bias, its weighted sum and its activation; weights are lines.

    rest: for the first thing left out of a shortened layer, whose place it takes, words for all.
    """

    def __init__(self, coarse: CoarseGraph, wrt: Value | None, most: int = ELIDED) -> None:
        self.coarse, self.wrt, self.most = coarse, wrt, most
        self.rest: dict[int, str] = {}
        kept = [i for layer in self._layers() for i in self._shortened(layer)]
        self._place = {i: k for k, i in enumerate(sorted([*kept, *self.rest]))}

    def _layers(self) -> list[list[int]]:
        """The places of things in groups of the same kind, layer and depth."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for i, item in enumerate(self.coarse.items):
            groups.setdefault((*self._kind(item.thing), item.depth), []).append(i)
        return list(groups.values())

    def _kind(self, thing: Thing) -> tuple[str, str | None, str | None]:
        """What a thing is, the letter of its name, and its layer."""
        if isinstance(thing, Unit):
            return "unit", None, thing.layer
        if isinstance(thing, Constant):
            return "input", None, None
        name = names.parse(self.coarse.graph.labels[thing])
        return ("node", None, None) if name is None else ("node", name.base, name.layer)

    def _shortened(self, layer: list[int]) -> list[int]:
        if len(layer) <= self.most:
            return layer
        last = min(LAST, self.most // 2)
        kept = {
            *layer[: self.most - last],
            *layer[len(layer) - last :],
            *[i for i in layer if self._concerns_wrt(i)][:LAST],
        }
        left_out = [i for i in layer if i not in kept]
        if len(left_out) == 1:  # the words in its place would be no shorter
            return layer
        kind, letter, _ = self._kind(self.coarse.items[layer[0]].thing)
        what = SEVERAL.get(letter or kind, "nodes")
        self.rest[left_out[0]] = f"⋮ {len(left_out):,} more {what}"
        return sorted(kept)

    def _concerns_wrt(self, i: int) -> bool:
        """Whether wrt is in this thing, or is the weight of what enters it or of what it enters."""
        items, wrt = self.coarse.items, self.wrt
        return wrt is not None and (
            wrt in _members(items[i].thing)
            or any(a.weight is wrt for a in items[i].arrivals)
            or any(a.weight is wrt and a.item == i for item in items for a in item.arrivals)
        )

    def _arrivals(self, *, with_rest: bool) -> list[tuple[int, Arrival]]:
        """What arrives at things that are drawn from things that are."""
        drawn = self._place if with_rest else self._place.keys() - self.rest.keys()
        return [(i, a) for i in self._place if i in drawn for a in self.coarse.items[i].arrivals if a.item in drawn]

    def leaves(self) -> list[Value]:
        """The nodes that have a cell or, as weights, a line."""
        cells = [v for i in self._place if i not in self.rest for v in _members(self.coarse.items[i].thing)]
        return cells + [a.weight for _, a in self._arrivals(with_rest=False) if a.weight is not None]

    def drawn(self, found: Sequence[Edge]) -> Drawn:
        """What is drawn, with these edges of the graph of named nodes."""
        k_of = {(e.result, e.operand): k for k, e in enumerate(found)}

        def edges(i: int, arrival: Arrival) -> tuple[int, ...]:
            return tuple(k_of[pair] for pair in self._ends(i, arrival) if pair in k_of)

        place = self._place
        boxes = [self._box(i) for i in place]
        arrivals = self._arrivals(with_rest=False)
        lines = dict.fromkeys(Way(edges(i, a), place[a.item], place[i], a.weight) for i, a in arrivals)
        pulls = [Way((), place[a.item], place[i]) for i, a in self._arrivals(with_rest=True)]
        return Drawn(self.coarse.graph, found, boxes, list(lines), pulls, is_net=True)

    def _box(self, i: int) -> Box:
        thing = self.coarse.items[i].thing
        if i in self.rest:
            return Box(words=self.rest[i])
        return Box((thing,) if isinstance(thing, Constant) else tuple(_members(thing)))

    def _ends(self, i: int, arrival: Arrival) -> list[tuple[Value, Value]]:
        """The edges (result, operand) that a line stands for: from the weight and from the source."""
        thing, source = self.coarse.items[i].thing, self.coarse.items[arrival.item].thing
        into, starts = _nodes(thing), _nodes(source)
        if arrival.weight is not None and isinstance(thing, Unit):
            into, starts = (thing.entry,), (arrival.weight, *starts)
        return [(v, u) for v in into for u in starts]


def _nodes(thing: Thing) -> tuple[Value, ...]:
    return thing.nodes if isinstance(thing, Unit) else () if isinstance(thing, Constant) else (thing,)


def _members(thing: Thing) -> list[Value]:
    """The nodes that have a cell in the box of a thing."""
    bias = [thing.bias] if isinstance(thing, Unit) and thing.bias is not None else []
    return [*bias, *_nodes(thing)]
