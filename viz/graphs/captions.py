"""What pictures of graphs say in words: counts, kinds, symbols, what is too large."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence, Set

from autograd import Tensor, Value
from autograd.formulas.names import text
from autograd.formulas.notation import Text
from autograd.graph import is_node
from autograd.matrices.graph import MatrixGraph
from autograd.paths.path_graph import Edge, PathGraph
from autograd.used import Used
from autograd.value import NO_GRADIENT

from ..dot.diagram import Node
from ..options import Asked
from ..style import counted, current, cut
from .rounding import Rounding

__all__ = [
    "NO_NAMES",
    "Texts",
    "drawn_of",
    "formula_of",
    "highlighted",
    "kind_of",
    "meant",
    "ratio",
    "samples_line",
    "shortened",
    "symbol_of",
    "too_large",
]


NO_NAMES = 'no names; set v.label = "w" on the nodes to be shown, or use level="op"'


class Texts:
    """What is written on a picture of a graph: the numbers that it used, as was asked for."""

    def __init__(self, root: Value | Tensor, look: Asked) -> None:
        self.look, self.used = look, Used(root)
        self.rounding = Rounding(root) if isinstance(root, Value) else None

    def data(self, v: Value) -> str:
        """The number of a node, and what it is now if it was changed since: "3, now 0.6"."""
        rounding = self.rounding
        return self._with_now([v], lambda x: x[0] if rounding is None else rounding.data(v, x[0]))

    def norm(self, vs: Sequence[Value]) -> str:
        """The length of the vector of these numbers, and what it is now if one was changed since."""
        return self._with_now(vs, lambda x: math.hypot(*x))

    def _with_now(self, vs: Sequence[Value], of: Callable[[list[float]], float]) -> str:
        now = self.look.number(of([v.data for v in vs]))
        changed = [self.used.changed[v] for v in vs if v in self.used.changed]
        if not changed:
            return now
        before = "" if None in changed else f"{self.look.number(of([self.used.number(v) for v in vs]))}, "
        return f"{before}now {now}"

    def grad(self, v: Value) -> str:
        """The gradient of a node; nothing if no backward pass has come to it."""
        if v.grad is NO_GRADIENT:
            return ""
        return self.look.number(v.grad if self.rounding is None else self.rounding.grad(v))

    def notes(self) -> list[tuple[str, str]]:
        """What stands below the picture, each line with its colour."""
        return [(line, current().ink) for line in self.used.notes]


def drawn_of(nodes: Sequence[Node]) -> set[Value | Tensor]:
    """The nodes of a graph that these nodes of a diagram, and their edges, are drawn of."""
    return {v for node in nodes for v in (*node.of, *(w for e in node.edges for w in e.of))}


def highlighted(graph: PathGraph | MatrixGraph, look: Asked, where: str, drawn: Set[Value | Tensor]) -> Asked:
    """The look with the nodes that are to be highlighted in place of names. ValueError for what is not drawn."""
    return look._replace(highlight=tuple(meant(graph, look.highlight, f"{where}: highlight", drawn)))


def meant(
    graph: PathGraph | MatrixGraph, several: Sequence[object], where: str, drawn: Set[Value | Tensor]
) -> list[Value | Tensor]:
    """The nodes that were asked for, by themselves or by their names. ValueError for what is not drawn."""
    found: list[Value | Tensor] = []
    for asked in several:
        these = {v for v in drawn if _is_called(graph, v, asked)} if isinstance(asked, str) else drawn & {asked}
        if not these:
            called = asked if isinstance(asked, str) else getattr(asked, "label", None) or asked
            known = ", ".join(graph.names.ascii(label) for v, label in graph.labels.items() if v in drawn)
            raise ValueError(f"{where}: {called!r} is not in this picture; there are {cut(known, 300)}")
        found += these
    return found


def _is_called(graph: PathGraph | MatrixGraph, v: Value | Tensor, asked: str) -> bool:
    label = graph.labels[v]
    return asked in (label, graph.names.ascii(label)) or text(asked) == graph.names.text(label)


def formula_of(graph: PathGraph, e: Edge) -> str:
    """The formula of a local derivative, with the names as they are written in text."""
    return Text(graph.names.text).sum(graph.spelled_out(graph.formula(e)))


def samples_line(n: int) -> tuple[str, ...]:
    """How many samples there are, as a line; none for a single one."""
    return () if n == 1 else (counted(n, "sample"),)


def kind_of(graph: PathGraph | MatrixGraph, v: Value | Tensor) -> str:
    """What a node is in a graph, as its look tells."""
    return "target" if v is graph.target else "leaf" if v.is_leaf else "result"


def shortened(graph: PathGraph | MatrixGraph, v: Value | Tensor) -> str:
    """The name of a node as it is drawn."""
    return cut(graph.names.text(graph.labels[v]))


def ratio(graph: PathGraph | MatrixGraph, v: Value | Tensor, u: Value | Tensor) -> str:
    """∂v/∂u with the names as they are drawn."""
    to = Text(lambda label: cut(graph.names.text(label)))
    return to.ratio(to.symbol(graph.labels[v]), to.symbol(graph.labels[u]))


def symbol_of(graph: PathGraph, v: Value) -> str | None:
    """The symbol of the operation whose result v is, if that is all there is between v and its neighbours."""
    is_single = all(u in graph.labels for u in v.operands if is_node(u))
    return v.op.symbol if v.op is not None and is_single else None


def too_large(size: int, among: str, max_nodes: int, advice: str) -> ValueError:
    """The refusal of a graph with more nodes than a page holds."""
    return ValueError(f"graph has {size} nodes{among}; drawing is limited to {max_nodes} at this level: {advice}")
