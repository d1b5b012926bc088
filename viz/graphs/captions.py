"""What pictures of graphs say in words: counts, kinds, symbols, what is too large."""

from __future__ import annotations

from autograd import Tensor, Value
from autograd.formulas.notation import Text
from autograd.graph import is_node
from autograd.matrices.graph import MatrixGraph
from autograd.paths.path_graph import PathGraph

from ..style import counted, cut

__all__ = ["kind_of", "ratio", "samples_line", "shortened", "symbol_of", "too_large"]


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
