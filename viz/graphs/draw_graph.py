"""draw_graph: a recorded computation as a picture, from every operation to one node per layer.

This module decides what is shown; `grouped` makes one node of many, `dot.diagram` writes it as DOT,
`dot.columns` places it, `style` is its look.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from autograd import Tensor, Value
from autograd.arguments import lookup, positive_integer
from autograd.formulas.names import parse
from autograd.graph import is_node, topological_order
from autograd.matrices.graph import MatrixGraph
from autograd.operands import describe
from autograd.paths.path_graph import Edge, PathGraph

from ..dot.diagram import Arrow, Node, diagram
from ..dot.drawing import Drawing, drawing_of
from ..options import Asked, drawing
from ..style import LIGHT, current
from . import parts
from .captions import (
    NO_NAMES,
    Texts,
    drawn_of,
    formula_of,
    highlighted,
    kind_of,
    ratio,
    shortened,
    symbol_of,
    too_large,
)
from .grouped import CoarseGraph, layers, neurons
from .tensors import nodes_and_level
from .units import NO_UNITS, Unit, find_units

__all__ = ["MAX_NODES", "draw_graph", "named_nodes"]

MAX_NODES = 500  # more than that fits no page
COMFORTABLE = 60  # more nodes than that are too many for "auto" if there is a coarser level
TANGLED = 8  # weights of one layer: from so many on "auto" draws units
MANY_EDGES = 400  # more weights than that are too many for "auto" to draw each
MOST_PART = 50_000  # nodes of a graph of which a part is drawn
MOST_RESULTS = 20_000  # with more named results than that units are not looked for, which takes seconds

_LEVELS = dict.fromkeys(("auto", "op", "named", "neurons", "layers"))
_CLUSTERS = dict.fromkeys(("neuron", "layer"))


@drawing
def draw_graph(
    root: Value | Tensor,
    *,
    level: Literal["auto", "op", "named", "neurons", "layers"] = "auto",
    show: Any = "both",
    direction: Literal["LR", "TB", "RL", "BT"] = "LR",
    cluster: Literal["neuron", "layer"] | None = None,
    max_nodes: int = MAX_NODES,
    digits: int = 4,
    edges: str | None = "auto",
    widths: str = "derivative",
    until: Any = (),
    around: Any = None,
    highlight: Any = (),
    title: str | None = None,
    legend: bool = False,
    width: Any = None,
    like: object = None,
    look: object = None,
) -> Drawing:
    """The computation that leads to `root`, a Value or a Tensor, with local derivatives on its edges.

    level      "op": every recorded operation is a node, with its symbol; constants are small and grey,
               and x * x has two edges. A neuron's weighted sum is one operation, Σ; a net made with
               elementary=True shows each × and +. "named": only nodes with a name, and the edge from u to v carries
               ∂v/∂u, whatever operations stand between. "neurons": each unit of a network is a node
               with its z, a and b, and the weight with its gradient stands on the edge (in a dense
               net colour and width alone tell it). "layers": each layer is a node, its weights are
               counted. "auto": "named" if an intermediate result has a name or the picture would be
               too large otherwise; in a net with a layer of 8 weights or more "neurons", and where that is
               too large "layers". The Drawing's `level` says it.
    show       what nodes show: "both" numbers and gradients with the names, "data", "grad", "names" alone,
               None; or exactly which of them, as in ("data",). No gradient is shown before a backward pass.
    direction  "LR" from left to right, "TB" from top to bottom, "RL", "BT" (the rankdir of Graphviz).
    cluster    "layer" draws a box around the results of each layer, "neuron" around those of each
               unit, as names such as z[1]_1 tell it.
    max_nodes  a larger graph is refused.
    digits     significant digits of the numbers.
    edges      what edges carry: "number" the local derivative (between units the weight), "formula" how it
               is written (the weight's name), None nothing; "auto" the number, of Tensors the formula.
    widths     what the width of an edge from u to v tells: "derivative" the size of ∂v/∂u, "gradient" how much of
               its gradient u gets through it, of all that flows in the picture (levels "op" and "named" of Values).
    until      a node, or several, behind which nothing is drawn: `until=[a1, a2]`. Names do as well, here and below.
    around     (w, 2): what is at most two edges away from w; w alone: its neighbours. Nodes that lost operands by
               either are dashed.
    highlight  nodes, or their names, to be marked as with a pen.
    title      above the picture. legend: what the colours mean, below it.
    width      of the picture in inches (3.4), or as "8.6cm"; text is scaled with it.
    like       another drawing of this graph, as of before a step: nodes and edges stand where they do there.
    look       its colours and font: "light", "dark", "print" (black on white), "color-blind", or a Look such as
               `viz.DARK.but(font="Times New Roman")`; by default that of the `with viz.look(...)` around it.

    Numbers are those of the forward pass: where `.data` was changed since, as an optimizer does, a node
    shows both, "3, now 0.6", or "now 0.6" if the first is not on record, and a line below says so.

    An edge is blue and solid for a positive derivative (or weight), orange and dashed for a negative
    one, grey and dotted for zero; its width grows with the size. Leaves have corners, results are
    round, the target has a thick outline. Nodes stand in the order in which the computation names
    them.

    Of Tensors nodes show name and shape, small arrays their numbers, other gradients their norm (the
    gradients that nodes keep, else those of a root of one element). An edge from U to V carries what
    U gets of the gradient dV, as a formula: "dZ[1]ᵀ X", or what dV is multiplied by number by number,
    "⊙ A[1] ⊙ (1 − A[1])". The root's own gradient is 1, and m is the number of samples. Constant arrays
    are small and grey. There is no level "neurons" and no cluster "neuron".

    TypeError if root is neither; ValueError for a root without a graph, an unknown option, a graph
    that is too large, or a level or cluster that needs units where names tell of none.
    """
    if not isinstance(root, Value | Tensor):
        raise TypeError(f"draw_graph: expected a Value or a Tensor such as the loss, got {describe(root)}")
    if root.is_leaf:
        name = "it" if root.label is None else repr(root.label)
        raise ValueError(
            f"draw_graph: expected the result of a computation; {name} is a leaf, or was computed under no_grad, "
            "and has no graph"
        )
    lookup("level", level, _LEVELS)
    if cluster is not None:
        lookup("cluster", cluster, _CLUSTERS)
    if (cluster, level) in (("neuron", "neurons"), ("neuron", "layers"), ("layer", "layers")):
        raise ValueError(f"cluster {cluster!r}: at level {level!r} each is one node already; use level='named'")
    max_nodes = positive_integer("draw_graph", "max_nodes", max_nodes)
    most = MOST_PART if until or around is not None else max_nodes
    asked = Asked(show, digits, edges, direction, title, legend, width, highlight, drawing_of(like, "draw_graph"))
    texts = Texts(root, asked)
    graph: PathGraph | MatrixGraph
    if isinstance(root, Tensor):
        if edges == "number":
            raise ValueError("draw_graph: edges of Tensors carry formulas; use edges='formula' or None")
        box = _boxes(root, cluster)
        nodes, found, graph = nodes_and_level(root, level, texts, box=box, max_nodes=most)
    else:
        nodes, found, graph = _of_values(root, level, texts, cluster, most)
    if widths == "gradient":
        nodes = _weighed(nodes, found)
    nodes = parts.part_of(nodes, graph, until, around, "draw_graph")
    if len(nodes) > max_nodes:
        raise too_large(len(nodes), "", max_nodes, "draw a smaller part, or raise max_nodes")
    asked = highlighted(graph, asked, "draw_graph", drawn_of(nodes))
    lines = [*(_signs() if legend else ()), *texts.notes()]
    return diagram(nodes, asked, level=found, legend=lines)


def _weighed(nodes: list[Node], level: str) -> list[Node]:
    """The same nodes, with edges as wide as what flows back through them of the target's gradient."""
    if level not in ("op", "named") or any(e.derivative is None and e.lines for node in nodes for e in node.edges):
        raise ValueError("draw_graph: widths='gradient' is for levels 'op' and 'named' of a graph of Values")
    arrived = [0.0] * (len(nodes) - 1) + [1.0]
    flows: dict[tuple[int, int], float] = {}
    for i in reversed(range(len(nodes))):
        for k, e in enumerate(nodes[i].edges):
            flows[i, k] = arrived[i] * (e.derivative or 0.0)
            arrived[e.operand] += flows[i, k]
    most = max((abs(x) for x in flows.values() if math.isfinite(x)), default=0.0) or 1.0
    return [
        node._replace(
            edges=tuple(e._replace(share=min(1.0, abs(flows[i, k]) / most)) for k, e in enumerate(node.edges))
        )
        for i, node in enumerate(nodes)
    ]


def _signs() -> tuple[tuple[str, str], ...]:
    """What the colours of edges mean, in words; of a look of one's own they are not named."""
    now, words = current(), ("blue, ", "orange, ") if current().positive == LIGHT.positive else ("", "")
    return (f"{words[0]}solid: positive", now.positive), (f"{words[1]}dashed: negative", now.negative)


def _of_values(
    root: Value, level: str, texts: Texts, cluster: str | None, max_nodes: int
) -> tuple[list[Node], str, PathGraph]:
    """What is drawn of the graph below a Value, at which level if "auto" is asked for, and the graph that it is of."""
    everything = topological_order(root)
    sizes = _sizes(everything)
    if level == "auto":
        level, coarse = _comfortable_level(everything, sizes, cluster, max_nodes)
    else:
        coarse = _with_units(everything, level) if level in ("neurons", "layers") else None
    if coarse is not None:
        return _coarse_nodes(coarse, level, texts, cluster is not None, max_nodes), level, coarse.graph
    _check_size(everything, sizes, level, max_nodes)
    if level == "named" and sizes["names"] == (root.label is not None):
        raise ValueError(f"draw_graph: level 'named' finds {NO_NAMES}")
    box = _boxes(root, cluster)
    graph = PathGraph(root, level=level)
    return (_every_operation if level == "op" else named_nodes)(graph, texts, box), level, graph


# ---------------------------------------------------------------- which level


def _sizes(everything: list[Value]) -> dict[str, int]:
    """How many nodes there are to draw at levels "op" and "named", and how many constants among the first."""
    constants = sum(not is_node(u) for v in everything for u in v.operands)
    names = sum(u.label is not None for u in everything)
    return {
        "op": len(everything) + constants,
        "named": names + (everything[-1].label is None),
        "constants": constants,
        "names": names,
    }


def _comfortable_level(
    everything: list[Value], sizes: dict[str, int], cluster: str | None, max_nodes: int
) -> tuple[str, CoarseGraph | None]:
    """What "auto" draws; with its units if it is one of the coarser levels."""
    between = any(u.label is not None for u in everything[:-1] if not u.is_leaf)
    net = _tangled_net(everything) if between and cluster is None else None
    if net is not None and len(net.items) <= min(COMFORTABLE, max_nodes) and net.connections <= MANY_EDGES:
        return "neurons", net
    if not between and not (sizes["names"] and sizes["op"] > min(COMFORTABLE, max_nodes)):
        return "op", None
    if sizes["named"] > min(COMFORTABLE, max_nodes) and cluster != "neuron":
        try:
            coarse = _with_units(everything, "neurons")
        except ValueError:  # there are none
            return "named", None
        fits = len(coarse.items) <= min(COMFORTABLE, max_nodes) and coarse.connections <= MANY_EDGES
        return ("neurons" if fits or cluster is not None else "layers"), coarse
    return "named", None


def _tangled_net(everything: list[Value]) -> CoarseGraph | None:
    """The units of a net with a layer of so many weights that a node for each weight makes a tangle; or None."""
    weights = Counter(n.layer for u in everything if u.is_leaf and u.label and (n := parse(u.label)) and n.base == "w")
    if max(weights.values(), default=0) < TANGLED or len(_named_results(everything)) > MOST_RESULTS:
        return None
    try:
        return _with_units(everything, "neurons")
    except ValueError:
        return None


def _named_results(everything: list[Value]) -> list[Value]:
    return [u for u in everything if u.label and not u.is_leaf]


def _may_have_units(everything: list[Value]) -> bool:
    """False if no result is called as a unit is: a quick look at the labels."""
    results, leaves = ({u.label[0] for u in everything if u.label and u.is_leaf is leaf} for leaf in (False, True))
    return "z" in results or ("w" in leaves and not results.isdisjoint("ahoyŷ"))


def _with_units(everything: list[Value], level: str) -> CoarseGraph:
    """The graph of units; ValueError if there are none to draw, or too many results to look for them."""
    if (size := len(_named_results(everything))) > MOST_RESULTS:
        raise too_large(size, " with names", MOST_RESULTS, "draw an earlier result, or name fewer nodes")
    if _may_have_units(everything) and (coarse := CoarseGraph(everything[-1])).units.units:
        return coarse
    raise ValueError(f"draw_graph: level {level!r} finds {NO_UNITS}, or use level='named'")


def _coarse_nodes(coarse: CoarseGraph, level: str, texts: Texts, boxed: bool, max_nodes: int) -> list[Node]:
    if level == "neurons" and len(coarse.items) > max_nodes:
        raise too_large(len(coarse.items), "", max_nodes, 'use level="layers" or raise max_nodes')
    if level == "neurons":
        return neurons(coarse, texts, boxed=boxed)
    nodes = layers(coarse, texts)
    if len(nodes) > max_nodes:
        raise too_large(len(nodes), "", max_nodes, "draw an earlier result, or raise max_nodes")
    return nodes


def _check_size(everything: list[Value], sizes: dict[str, int], level: str, max_nodes: int) -> None:
    """ValueError if there are more than max_nodes to draw at level "op" or "named"."""
    if sizes[level] <= max_nodes:
        return
    if level == "op" and sizes["names"] and sizes["named"] <= max_nodes:
        advice = 'use level="named" or raise max_nodes'
    elif _may_have_units(everything) and len(_named_results(everything)) <= MOST_RESULTS:
        advice = 'use level="neurons" or "layers", draw an earlier result, or raise max_nodes'
    elif level == "named":
        advice = "name fewer nodes, draw an earlier result, or raise max_nodes"
    else:
        advice = 'name the nodes that matter (v.label = "z") and use level="named", or raise max_nodes'
    constants = sizes["constants"]
    among = f" ({constants} of them constants)" if level == "op" and constants else ""
    raise too_large(sizes[level], among, max_nodes, advice)


# ---------------------------------------------------------------- every node


def _boxes(root: Value | Tensor, cluster: str | None) -> dict[Value | Tensor, str]:
    """The caption of the box that a result stands in."""
    if cluster is None:
        return {}
    if cluster == "layer":
        named = {v: parse(v.label) for v in topological_order(root) if v.label is not None}
        found: dict[Value | Tensor, str] = {
            v: f"layer {n.layer}" for v, n in named.items() if n is not None and n.layer is not None
        }
        units = find_units(PathGraph(root)).of if isinstance(root, Value) else {}
        found.update(
            (v, f"layer {unit.layer}") for v, unit in units.items() if unit.layer is not None and not v.is_leaf
        )
        return found
    if isinstance(root, Tensor):
        raise ValueError("draw_graph: cluster 'neuron' is for graphs of Values; use cluster='layer'")
    neurons_of = find_units(PathGraph(root))
    if not neurons_of.units:
        raise ValueError(f"draw_graph: cluster 'neuron' finds {NO_UNITS}, or use cluster=None")
    return {v: _caption(unit) for v, unit in neurons_of.of.items()}


def _caption(unit: Unit) -> str:
    parts = [
        "unit",
        ",".join(unit.index),
        "" if unit.layer is None else f"of layer {unit.layer}",
        "" if unit.sample is None else f"({unit.sample})",
    ]
    return " ".join(filter(None, parts))


def _every_operation(graph: PathGraph, texts: Texts, box: Mapping[Value | Tensor, str]) -> list[Node]:
    nodes: list[Node] = []
    place: dict[Value, int] = {}
    all_named = texts.look.edges == "formula"  # a formula mentions results by names that then have to be seen
    for v in graph.nodes:
        edges = []
        recorded = iter(graph.edges_of(v))
        for u, d in zip(v.operands, v.local_derivatives, strict=True):
            if not is_node(u):
                edges.append(Arrow(len(nodes)))
                nodes.append(Node("constant", texts.look.number(u)))
            elif d is None:
                edges.append(Arrow(place[u]))
            else:
                has_names = all_named or (v.label is not None and u.label is not None)
                edges.append(_arrow(graph, next(recorded), place[u], texts, has_names=has_names))
        place[v] = len(nodes)
        name = shortened(graph, v) if all_named or v.label is not None else None
        nodes.append(_node(graph, v, texts, tuple(edges), name, box.get(v)))
    return nodes


def named_nodes(graph: PathGraph, texts: Texts, box: Mapping[Value | Tensor, str]) -> list[Node]:
    """The nodes of a graph at level "named", in its order. box: the captions of the boxes they stand in."""
    place = {v: i for i, v in enumerate(graph.nodes)}
    nodes = []
    for v in graph.nodes:
        edges = tuple(_arrow(graph, e, place[e.operand], texts) for e in graph.edges_of(v))
        nodes.append(_node(graph, v, texts, edges, shortened(graph, v), box.get(v)))
    return nodes


def _node(
    graph: PathGraph, v: Value, texts: Texts, edges: tuple[Arrow, ...], name: str | None, box: str | None
) -> Node:
    return Node(kind_of(graph, v), texts.data(v), texts.grad(v), name, box, symbol_of(graph, v), edges, of=(v,))


def _arrow(graph: PathGraph, e: Edge, operand: int, texts: Texts, *, has_names: bool = True) -> Arrow:
    tooltip = f"{ratio(graph, e.result, e.operand)} = {texts.look.number(e.derivative)}" if has_names else None
    lines = (formula_of(graph, e),) if texts.look.edges == "formula" else None
    return Arrow(operand, e.derivative, tooltip, lines)
