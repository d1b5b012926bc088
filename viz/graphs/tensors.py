"""Graphs of Tensors: shapes on the nodes, and on every edge how the gradient goes back, as a formula.

Which nodes there are is decided here, and what is written on them; what the formulas are in
`autograd.matrices.graph`.
"""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Callable, Container, Hashable, Iterator, Mapping

import numpy as np

from autograd import Tensor, Value, gradients
from autograd.formulas.names import parse
from autograd.graph import is_node, topological_order
from autograd.matrices.graph import MatrixEdge, MatrixGraph
from autograd.tensor import kept_gradient

from ..dot.diagram import Arrow, Node, pale_arrow, pale_node
from ..options import Asked
from ..style import counted, current, cut
from .captions import NO_NAMES, Texts, kind_of, samples_line, shortened, too_large

__all__ = ["Tensors", "gradients_of", "nodes_and_level"]

COMFORTABLE = 40  # more nodes than that are too many for "auto" if there are layers
SMALL, LONGEST_SIDE = 9, 4  # an array of up to so many numbers, with sides up to that, is shown with them
LONGEST_TOOLTIP = 400
LINE_LENGTH, MOST_LINES = 30, 3  # of a formula on an edge; a longer one is left to the tooltip

_Source = Hashable  # what has one node in a diagram: a Tensor, the name of a layer or of a constant array, a number


def nodes_and_level(
    root: Tensor, level: str, texts: Texts, *, box: Mapping[Value | Tensor, str], max_nodes: int
) -> tuple[list[Node], str, MatrixGraph]:
    """What is drawn of the graph below a Tensor, at which level if "auto" is asked for, and the graph that it is of.

    box: the captions of the boxes in which results stand. ValueError for a level that there is not,
    and for a graph that is too large.
    """
    if level == "neurons":
        raise ValueError(
            "draw_graph: level 'neurons' is for graphs of Values, where each unit is a node; use level='layers', "
            "or nn.to_mlp(model) to have the same net in Values"
        )
    everything = topological_order(root)
    sizes = _sizes(everything)
    if level == "auto":
        level = _comfortable_level(everything, sizes, min(COMFORTABLE, max_nodes), bool(box))
    if level == "layers" and not any(_layer_of(u.label) for u in everything if u.op is not None):
        raise ValueError(
            "draw_graph: level 'layers' finds no layers: name their results Z[1], A[1], Z[2], ... and their "
            "parameters W[1], b[1], as a Sequential does, or use level='named'"
        )
    if sizes[level] > max_nodes:
        raise too_large(sizes[level], "", max_nodes, _advice(level, everything, sizes, max_nodes))
    graph = MatrixGraph(root, level="op" if level == "op" else "named")
    if len(graph.nodes) == 1:
        raise ValueError(f"draw_graph: level {level!r} finds {NO_NAMES}")
    tensors = Tensors(graph, texts)
    return tensors.layers() if level == "layers" else tensors.nodes(box), level, graph


def _sizes(everything: list[Tensor]) -> dict[str, int]:
    """How many nodes there are to draw at each level, with constants, and leaves that get a name."""
    constants = [u for v in everything for u in v.operands if u.__class__ is np.ndarray]
    arrays = len({id(u) for u in constants if u.ndim})
    labels = [u.label for u in everything if u.label is not None]
    leaves = sum(u.label is None and u.op is None and u.ndim > 0 for u in everything)
    between = arrays + leaves + (everything[-1].label is None)
    layers = [_layer_of(label) for label in labels]
    return {
        "op": len(everything) + len(constants),
        "named": len(labels) + between,
        "layers": layers.count(None) + len({*layers} - {None}) + between,
    }


def _comfortable_level(everything: list[Tensor], sizes: dict[str, int], most: int, boxed: bool) -> str:
    between = any(u.label for u in everything[:-1] if u.op is not None)
    if not between and sizes["op"] <= most:
        return "op"
    if sizes["named"] > most and not boxed and any(_layer_of(u.label) for u in everything if u.op is not None):
        return "layers"
    return "named" if between or any(u.label for u in everything) else "op"


def _advice(level: str, everything: list[Tensor], sizes: dict[str, int], max_nodes: int) -> str:
    if level == "op" and any(u.label for u in everything) and sizes["named"] <= max_nodes:
        return 'use level="named" or raise max_nodes'
    if level != "layers" and any(_layer_of(u.label) for u in everything if u.op is not None):
        return 'use level="layers", draw an earlier result, or raise max_nodes'
    if level == "op":
        return 'name the nodes that matter (t.label = "Z[1]") and use level="named", or raise max_nodes'
    return "name fewer nodes, draw an earlier result, or raise max_nodes"


# ---------------------------------------------------------------- what is drawn


class Tensors:
    """The nodes and edges of a diagram of a MatrixGraph.

    texts: whether nodes show numbers, and gradients: those that they keep, for the others what the
    reverse pass gives now if the target is one number.
    """

    def __init__(self, graph: MatrixGraph, texts: Texts) -> None:
        self.graph, self.texts, self.look = graph, texts, texts.look
        self.gradients: dict[Tensor, np.ndarray] = gradients_of(graph) if self.look.show.grad else {}

    def nodes(
        self,
        box: Mapping[Value | Tensor, str] | None = None,
        *,
        way: Container[Tensor] | None = None,
        others: bool = True,
    ) -> list[Node]:
        """The nodes in the order of the graph, constants just before the first that uses them.

        box: the captions of the boxes in which results stand. way: nodes to be highlighted; the
        others are pale, or left out.
        """
        nodes: list[Node] = []
        place: dict[_Source, int] = {}
        for v in self.graph.nodes:
            is_pale = way is not None and v not in way
            if is_pale and not others:
                continue
            edges = []
            for e in self.graph.edges_of(v):
                u = _source(e)
                if u not in place:
                    if not others:
                        continue
                    place[u] = len(nodes)
                    nodes.append(self._constant(e))
                look = _plain() if way is None else _on_way() if _is_on(way, e) and not is_pale else None
                edges.append(self._edge(e, place[u], look))
            place[v] = len(nodes)
            nodes.append(self._pale(v, tuple(edges)) if is_pale else self._node(v, tuple(edges), (box or {}).get(v)))
        return nodes

    def way_from(self, source: Tensor) -> list[Tensor]:
        """The nodes through which the gradient of the source passes: from it to the target, operands before results."""
        way = {source}
        for v in self.graph.nodes:
            if any(not e.is_constant and e.operand in way for e in self.graph.edges_of(v)):
                way.add(v)
        return [v for v in self.graph.nodes if v in way]

    def name(self, v: Tensor) -> str:
        """The name of a node as it is drawn."""
        return shortened(self.graph, v)

    # ------------------------------------------------------------ nodes

    def _node(self, v: Tensor, edges: tuple[Arrow, ...], box: str | None = None) -> Node:
        name = None if v.label is None else self.name(v)
        return Node(
            kind_of(self.graph, v), name=name, box=box, edges=edges, lines=tuple(filter(None, self._lines(v))), of=(v,)
        )

    def _pale(self, v: Tensor, edges: tuple[Arrow, ...]) -> Node:
        name = self.name(v)
        return Node(
            kind_of(self.graph, v), name=name, edges=edges, lines=(self.look.name(name),), look=pale_node(), of=(v,)
        )

    def _constant(self, e: MatrixEdge) -> Node:
        if e.label is None:
            return Node("constant", self.look.number(float(e.operand)))
        title = self._title(self.graph.names.text(e.label), e.operand.shape)
        return Node("constant", lines=(title, *(self._block(e.operand) if self.look.show.data else ())))

    def _title(self, name: str, shape: tuple[int, ...]) -> str:
        return "  ".join(filter(None, (self.look.name(name), str(shape))))

    def _lines(self, v: Tensor) -> Iterator[str]:
        """The symbol, the name and the shape, the numbers if they are few, and the gradient or its norm."""
        symbol = self._symbol(v)
        if symbol is not None:
            yield symbol
        shows, numbers = self.look.show.data, self.texts.used.array(v)
        if not v.ndim:
            number = self._with_now(v, lambda x: float(x)) if shows else ""
            yield " = ".join(filter(None, (self.look.name(self.name(v)), number)))
        else:
            block = self._block(numbers) if shows else ()
            is_other_now = block and v in self.texts.used.changed
            is_lost = is_other_now and self.texts.used.changed[v] is None
            yield self._title(self.name(v), v.shape) + "  now" * bool(is_lost)
            yield from block
            if is_other_now and not is_lost:
                yield "now"
                yield from self._block(v.numpy())
        g = self.gradients.get(v)
        if g is None:
            return
        if not v.ndim:
            yield f"grad {self.look.number(float(g))}"
        elif block := self._block(g):
            yield "grad"
            yield from block
        else:
            yield f"‖grad‖ {self.look.number(_norm(g))}"

    def _with_now(self, v: Tensor, of: Callable[[np.ndarray], float]) -> str:
        """A number of the array that was used, and what it is now if that was changed since: "3, now 0.6"."""
        used = self.look.number(of(self.texts.used.array(v)))
        if v not in self.texts.used.changed:
            return used
        now = f"now {self.look.number(of(v.numpy()))}"
        return now if self.texts.used.changed[v] is None else f"{used}, {now}"

    def _block(self, array: np.ndarray) -> tuple[str, ...]:
        return _block(array, self.look)

    def _symbol(self, v: Tensor) -> str | None:
        """The symbol of the operation whose result v is, if that is all there is between v and its neighbours."""
        if v.op is None or not all(u in self.graph.labels for u in v.operands if is_node(u)):
            return None
        return v.op.symbol

    # ------------------------------------------------------------ edges

    def _edge(self, e: MatrixEdge, operand: int, look: Mapping[str, object] | None) -> Arrow:
        """An edge with its formula; without a look it is pale and the formula in the tooltip."""
        if e.is_constant:
            return Arrow(operand)
        formula = self.graph.text(e)
        tooltip = cut(f"d{self.name(e.operand)} from {self.name(e.result)}: {formula}", LONGEST_TOOLTIP)
        if look is None:
            return Arrow(operand, None, tooltip, (), pale_arrow())
        return Arrow(operand, None, tooltip, _wrapped(formula), look)

    # ------------------------------------------------------------ layers

    def layers(self) -> list[Node]:
        """A node for each layer with its units, activation and biases; its weights are counted on the edge into it.

        ValueError if layers depend on each other.
        """
        group = {v: _layer_of(self.graph.labels[v]) or v for v in self.graph.nodes}
        last = {key: i for i, key in enumerate(group.values())}  # where a group can stand: after all it needs
        members: dict[str | Tensor, list[Tensor]] = {key: [] for key in sorted(last, key=last.__getitem__)}
        for v, key in group.items():
            members[key].append(v)
        nodes: list[Node] = []
        place: dict[_Source, int] = {}
        for key, vs in members.items():
            arriving: dict[_Source, list[MatrixEdge]] = {}
            for e in (e for v in vs for e in self.graph.edges_of(v)):
                source = _source(e) if e.is_constant else group[e.operand]
                if source != key:
                    arriving.setdefault(source, []).append(e)
            for source, edges in arriving.items():
                if source not in place and not edges[0].is_constant:
                    raise ValueError(
                        "layers that depend on each other cannot be drawn as one node each: use level='named'"
                    )
                if source not in place:
                    place[source] = len(nodes)
                    nodes.append(self._constant(edges[0]))
            place_of = [(place[source], edges) for source, edges in arriving.items()]
            place[key] = len(nodes)
            nodes.append(self._layer(key, vs, place_of) if isinstance(key, str) else self._alone(key, place_of))
        return nodes

    def _alone(self, v: Tensor, arriving: list[tuple[int, list[MatrixEdge]]]) -> Node:
        return self._node(v, tuple(self._layer_edge(start, edges) for start, edges in arriving))

    def _layer(self, key: str, vs: list[Tensor], arriving: list[tuple[int, list[MatrixEdge]]]) -> Node:
        weights = [u for u in vs if u.is_leaf and u.ndim > 1]
        results = [v for v in vs if not v.is_leaf]
        is_counted = len(weights) == len(arriving) == 1
        counts = self._weights(weights[0]) if is_counted else ()
        lines = [f"layer {key}"]
        if results and (output := results[-1]).ndim:
            is_activated = any(u in results for u in output.operands if is_node(u))
            lines.append(
                f"{counted(output.shape[-1], 'unit')}, {(self._symbol(output) or '…') if is_activated else 'linear'}"
            )
        lines += [counted(u.size, "bias", "biases") for u in vs if u.is_leaf and u.ndim == 1]
        lines += [] if is_counted else [self._title(self.name(w), w.shape) for w in weights]
        if results and results[-1].ndim > 1 and results[-1].shape[0] == self.graph.samples:
            lines += samples_line(results[-1].shape[0])
        edges = tuple(self._layer_edge(start, edges, counts) for start, edges in arriving)
        kind = "target" if self.graph.target in vs else "result"
        return Node(kind, name=f"layer {key}", edges=edges, lines=tuple(lines), of=tuple(vs))

    def _weights(self, w: Tensor) -> tuple[str, ...]:
        lines = [f"{' × '.join(map(str, w.shape))} weights"]
        if self.look.show.data:
            lines.append(f"‖{self.name(w)}‖ {self._with_now(w, _norm)}")
        if w in self.gradients:
            lines.append(f"‖grad‖ {self.look.number(_norm(self.gradients[w]))}")
        return tuple(lines)

    def _layer_edge(self, start: int, edges: list[MatrixEdge], counts: tuple[str, ...] = ()) -> Arrow:
        if counts:
            return Arrow(start, None, lines=counts, look=_counted())
        if len(edges) == 1:
            return self._edge(edges[0], start, _plain())
        return Arrow(start, None, lines=(counted(len(edges), "edge"),), look=_counted())


def _is_on(way: Container[Tensor], e: MatrixEdge) -> bool:
    return not e.is_constant and e.operand in way


def _source(e: MatrixEdge) -> _Source:
    """What has one node in a diagram: a Tensor, a constant array of a name, each number for itself."""
    return e.operand if not e.is_constant else object() if e.label is None else ("constant", e.label)


def gradients_of(graph: MatrixGraph) -> dict[Tensor, np.ndarray]:
    """The gradients that nodes keep, for the others what the reverse pass gives now if the target is one number."""
    kept = {v: kept_gradient(v) for v in graph.nodes}
    found = {v: g for v, g in kept.items() if g is not None}
    others = [v for v in graph.nodes if v not in found]
    if graph.target.size == 1 and others:
        # If a weight was changed since the forward pass there is no gradient any more.
        with contextlib.suppress(RuntimeError):
            found.update(zip(others, gradients(graph.target, others), strict=True))
    return found


def _layer_of(label: str | None) -> str | None:
    name = None if label is None else parse(label)
    return None if name is None else name.layer


# ---------------------------------------------------------------- text


def _plain() -> dict[str, object]:
    return {"color": current().grey, "penwidth": 1.0, "fontcolor": current().ink}


def _on_way() -> dict[str, object]:
    return {"color": current().paths[0], "penwidth": 1.8, "fontcolor": current().ink}


def _counted() -> dict[str, object]:
    return {"color": current().line, "penwidth": 1.5, "fontcolor": current().grey}


def _wrapped(formula: str) -> tuple[str, ...]:
    """A formula in a few short lines, or an ellipsis for one that needs more."""
    joined = formula.replace("⊙ ", "⊙\N{NO-BREAK SPACE}")
    lines = textwrap.wrap(joined, LINE_LENGTH, break_long_words=False, break_on_hyphens=False)
    return tuple(lines) if len(lines) <= MOST_LINES and max(map(len, lines)) <= 2 * LINE_LENGTH else ("…",)


def _block(array: np.ndarray, look: Asked) -> tuple[str, ...]:
    """A small array row by row, its numbers below each other; nothing for a large one."""
    if not 0 < array.size <= SMALL or array.ndim > 2 or max(array.shape, default=1) > LONGEST_SIDE:
        return ()
    cells = [[look.number(float(x)) for x in row] for row in np.atleast_2d(array)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    padded = ([" " * (n - _width(cell)) + cell for cell, n in zip(row, widths, strict=True)] for row in cells)
    return tuple(f"[ {'   '.join(row)} ]" for row in padded)


def _width(cell: str) -> int:
    """The width in spaces: a digit of the typeface is as wide as two of them, a point as one."""
    return sum(1 if c == "." else 2 for c in cell)


def _norm(array: np.ndarray) -> float:
    return float(np.linalg.norm(array.ravel().astype(np.float64)))
