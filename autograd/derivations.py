"""derive: the door to the derivations of Values by path and of Tensors in matrices."""

from __future__ import annotations

import itertools
from typing import Any, Literal, cast, overload

from .graph import Node, is_node, topological_order
from .matrices.derivation import MatrixDerivation
from .operands import Operand, describe, is_array_node
from .passes.gradients import gradients
from .paths.derivation import Derivation, counted, positive
from .paths.labels import node_called
from .paths.path_graph import PathGraph
from .tensor import Tensor
from .value import Value

__all__ = ["derive"]

# More paths than this are listed only if asked for.
LIMIT = 10_000


Level = Literal["named", "op"]
Form = Literal["rows", "columns"]


@overload
def derive(
    target: Value, source: Value | str, *, level: Level = "named", top: int | None = None, limit: int = LIMIT
) -> Derivation: ...
@overload
def derive(target: Tensor, source: Tensor | str, *, form: Form = "rows") -> MatrixDerivation: ...
def derive(
    target: Node,
    source: Node | str,
    *,
    level: str = "named",
    top: int | None = None,
    limit: int = LIMIT,
    form: str = "rows",
) -> Any:
    """∂target/∂source, derived path by path for Values and in matrices for Tensors.

    target, source: Values, or Tensors and the target of one element; the source needs a label (among
    Values at level "op" every node gets a name), and may be given by it: derive(L, "w[1]_1,1").
    level: "named" (chains of named nodes, as lecture notes write them) or "op" (every operation).
    top: list only that many paths, strongest first. limit: more paths than this are refused
    unless `top` is given. These three are for Values.
    form: for Tensors, "rows" (samples are rows, as the computation ran) or "columns" (samples are
    columns, as the lectures write it).

    Returns a Derivation, or a MatrixDerivation for Tensors: print it, or take `.latex()`. A source that
    the target does not depend on gives one with no paths or steps and the value 0, which says so.

    TypeError for what is not a node, or a Value with a Tensor; ValueError for an unnamed source, an
    unknown level or form, a top or limit that is not a positive integer, or more paths than `limit`
    (says how many).
    """
    if isinstance(source, str) and is_node(target):
        source = node_called("derive", source, topological_order(target))
    for role, node in (("target", target), ("source", source)):
        if not is_node(node):
            advice = f"; derive by each {role} in turn" if isinstance(node, list | tuple) else ""
            raise TypeError(f"derive: expected the {role} to be a Value or a Tensor, got {describe(node)}{advice}")
    source = cast(Node, source)
    if target.__class__ is not source.__class__:
        kinds = f"{type(target).__name__} and {type(source).__name__}"
        raise TypeError(f"derive: expected target and source to be both Values or both Tensors, got {kinds}")
    if is_array_node(target):
        return _matrix_derivation(target, source, form, is_named=level == "named" and top is None and limit == LIMIT)
    if form != "rows":
        raise ValueError("derive: form is for Tensors, Values have neither rows nor columns; leave it out")
    top = None if top is None else positive("derive", "top", top, "a positive integer or None")
    limit = positive("derive", "limit", limit, "a positive integer")
    if level == "named" and source.label is None and source is not target:
        raise ValueError(
            "derive: the source has no name to write formulas with. Give it one (w.label = 'w'), "
            "or use level='op', where every node has a name"
        )
    graph = PathGraph(target, level=level, keep=(source,))
    count = graph.count(source)
    if top is None and count > limit:
        fewer = "name fewer nodes" if level == "named" else "use level='named'"
        raise ValueError(f"{counted(count)}: more than limit={limit}; ask for top=, or {fewer}")
    paths = tuple(itertools.islice(graph.paths(source), top))
    value: Operand = gradients(target, source)
    return Derivation(graph, source, paths, count, value)


def _matrix_derivation(target: Node, source: Node, form: str, *, is_named: bool) -> Any:
    if not is_named:
        raise ValueError("derive: level, top and limit are for Values, whose paths are listed; leave them out")
    if source.label is None and source is not target:
        raise ValueError("derive: the source has no name to write formulas with. Give it one (w.label = 'W[1]')")
    if target.data.size != 1:
        raise ValueError(
            f"derive: expected a target of one number, such as a loss; got a Tensor of shape {target.data.shape}. "
            "Derive a sum or one number of it: derive(target.sum(), source), or see jacobian for all numbers"
        )
    return MatrixDerivation(target, source, form)
