"""The reverse pass: `backward` for one class of nodes at full speed, `gradients` in its pure form.

Both walk the graph once to order it and once from the target to the leaves, adding
(local derivative) × (what arrived) to every operand. Neither recurses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, overload

import numpy as np

from ..graph import Node, Visit, check_recorded, is_node, through, walk
from ..ieee import ieee, quietly
from ..modes import recording
from ..operands import Operand, Vector, describe, is_array_node, made_array
from ..signatures import A, Array, N, Recorded
from .tensors import pulled

__all__ = ["adjoints", "gradients"]


@overload
def gradients(  # type: ignore[overload-overlap]  # a Tensor is a node, too
    target: Recorded, sources: A, create_graph: Literal[False] = False, *, seed: Operand = None
) -> Array: ...
@overload
def gradients(target: Recorded, sources: Recorded, create_graph: Literal[False] = False) -> float: ...
@overload
def gradients(target: Recorded, sources: N, create_graph: Literal[True], *, seed: Operand = None) -> N: ...
@overload
def gradients(  # type: ignore[overload-overlap]
    target: Recorded, sources: Sequence[A], create_graph: Literal[False] = False, *, seed: Operand = None
) -> list[Array]: ...
@overload
def gradients(target: Recorded, sources: Sequence[N], create_graph: Literal[False] = False) -> list[float]: ...
@overload
def gradients(
    target: Recorded, sources: Sequence[N], create_graph: Literal[True], *, seed: Operand = None
) -> list[N]: ...
@overload
def gradients(target: Node, sources: Node, create_graph: bool = False, *, seed: Operand = None) -> Operand: ...
def gradients(
    target: Node, sources: Node | Sequence[Node], create_graph: bool = False, *, seed: Operand = None
) -> Operand:
    """∂target/∂source for one source or a sequence of them, without touching any `.grad`.

    target: a Value, or a Tensor of one element. sources: a node, or a list or tuple of nodes, leaves or
    not. seed: for a Tensor, the gradient that arrives at it, an array of its shape; then the result is
    Σ seed ∂target/∂source, and the target may have any shape.
    Returns a float for a Value, an array of its shape for a Tensor, a list of them for several
    sources; with `create_graph` Values and Tensors that are part of a graph themselves, so that they can
    be differentiated again, to any order. A source that the target does not depend on has gradient 0.
    TypeError for anything that is not a node; ValueError for a target of more than one element without
    a seed. RuntimeError for a target that was computed under `no_grad`; and if the derivatives would belong to
    another point, because `.data` was changed since the forward pass (for Values: with `create_graph` only,
    otherwise they are on record).
    """
    single = not isinstance(sources, list | tuple)
    wanted: list[Node] = [sources] if single else list(sources)
    if not is_node(target):
        raise TypeError(
            f"gradients: expected a node to differentiate, got {describe(target)}, which depends on nothing; if it "
            "is a derivative, take it with create_graph=True"
        )
    for x in wanted:
        if not is_node(x):
            raise TypeError(
                f"gradients: expected nodes to differentiate by, got {describe(x)}; "
                "make it a Value or a Tensor before you compute with it"
            )
    if target not in wanted:
        check_recorded("gradients", target)
    with recording():
        if is_array_node(target):
            g = target.seed(seed, "gradients")
            found = quietly(_adjoints, target, target.__class__(g) if create_graph else g, wanted, pulled)
        elif seed is not None:
            raise TypeError("gradients: a Value is one number and takes no seed; multiply it")
        elif create_graph:
            found = _adjoints(target, target.__class__(1.0), wanted, _differentiated)
        else:
            found = _adjoints(target, 1.0, wanted, _recorded)
    result = [found[x] if x in found else zero_gradient(x) for x in wanted]
    if create_graph:
        result = [g if is_node(g) else x.__class__(g) for g, x in zip(result, wanted, strict=True)]
    elif is_array_node(target):
        result = [made_array(g).copy() if is_array_node(x) else g for g, x in zip(result, wanted, strict=True)]
    return result[0] if single else result


def zero_gradient(x: Operand) -> Operand:
    """The gradient of a node on which nothing depends."""
    return np.zeros(x.shape, x.dtype) if is_array_node(x) else 0.0


# What a node passes on: its operands that are wanted, each with its share of the gradient that arrived.
Shares = Callable[[Node, tuple[Operand, ...], Operand, AbstractSet[Node]], Iterator[tuple[Node, Operand]]]


def _adjoints(target: Node, g: Operand, sources: Sequence[Operand], shares: Shares) -> dict[Node, Operand]:
    """∂target/∂source for the sources that the target depends on, and no others. g: the gradient of the target."""
    nodes, relevant = through(walk(target), sources)
    return adjoints(target, g, nodes, relevant, set(sources), shares)


def adjoints(
    target: Node,
    g: Operand,
    nodes: Sequence[Visit],
    relevant: AbstractSet[Node],
    wanted: AbstractSet[Node],
    shares: Shares,
) -> dict[Node, Operand]:
    """The pure loop: results before operands, each passes on what arrived at it. See `graph.through`.

    What a node passes on is up to `shares`: recorded numbers, rules read on nodes, or a rule read wrongly, as
    `replay` does.
    """
    found: dict[Node, Operand] = {target: g}
    for v, operands in reversed(nodes):
        g = found.get(v) if v in wanted else found.pop(v, None)
        if g is None:
            continue
        for u, term in shares(v, operands, g, relevant):
            found[u] = found[u] + term if u in found else term
    return found


def _recorded(
    v: Node, operands: tuple[Operand, ...], g: Operand, wanted: AbstractSet[Node]
) -> Iterator[tuple[Node, Operand]]:
    """The shares of the operands of a Value as numbers: times the local derivatives that it recorded."""
    return _times(v.local_derivatives, operands, g, wanted)


def _differentiated(
    v: Node, operands: tuple[Operand, ...], g: Operand, wanted: AbstractSet[Node]
) -> Iterator[tuple[Node, Operand]]:
    """The same as Values: times the rules, read on nodes."""
    return _times(_differentiable(v), operands, g, wanted)


def _times(
    derivatives: Sequence[Operand], operands: tuple[Operand, ...], g: Operand, wanted: AbstractSet[Node]
) -> Iterator[tuple[Node, Operand]]:
    for u, d in zip(operands, derivatives, strict=True):
        if d is not None and is_node(u) and u in wanted:
            # multiplying by a constant 1 would only lengthen the graph of the derivative
            yield u, g if d.__class__ is float and d == 1.0 else d * g


def _differentiable(v: Node) -> list[Node]:
    """The local derivatives of v read on nodes, None for constants."""
    groups = v.operand_groups
    flat: list[Node] = []
    for i, us in enumerate(groups):
        several = isinstance(us, Vector)
        if not any(is_node(u) for u in (us if several else (us,))):
            flat.extend([None] * (len(us) if several else 1))
            continue
        d = v.op.derivative(i, v, groups)
        flat.extend((d if isinstance(d, tuple) else [d] * len(us)) if several else [d])
    numbers = [g.map(_number) if isinstance(g, Vector) else _number(g) for g in groups]
    _check_unchanged(v, "result", v.data, float(ieee(v.op.forward, *numbers)))
    for d, recorded in zip(flat, v.local_derivatives, strict=True):
        if recorded is not None:
            _check_unchanged(v, "local derivative", recorded, _number(d))
    return flat


def _number(u: Node) -> Operand:
    return u.data if is_node(u) else u


def _check_unchanged(v: Node, what: str, recorded: float, now: float) -> None:
    if now == recorded or (now != now and recorded != recorded) or abs(now - recorded) <= 1e-12 * abs(recorded):
        return
    raise RuntimeError(
        f"{v.op.shown}: .data of an operand was changed after the forward pass (its {what} was {recorded!r} "
        f"and would now be {now!r}); run the forward pass again before differentiating twice"
    )
