"""The reverse pass: `backward` for one class of nodes at full speed, `gradients` in its pure form.

Both walk the graph once to order it and once from the target to the leaves, adding
(local derivative) × (what arrived) to every operand. Neither recurses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .graph import is_node, walk
from .modes import recording
from .op import Vector, describe, ieee, quietly
from .sweep import pulled

__all__ = ["gradients"]


class Mixed(tuple):
    """The local derivatives for a sequence of nodes and constants, None for the constants."""

    __slots__ = ()


def backward(root: Any) -> None:
    """Accumulate ∂root/∂leaf on the leaves below `root` and set it on the nodes between."""
    if not is_node(root):
        raise TypeError(f"backward: expected a Value, got {describe(root)}; compute the loss with Values")
    if root._op is None:
        root.grad += 1.0
        return
    # A fresh 0.0 marks the nodes this pass has reached, and is where their gradients start.
    zero = float("0")
    node = root.__class__
    order = _order(root, zero)
    order.reverse()
    root.grad = 1.0
    try:
        _sweep(order, node, zero)
    except TypeError as error:
        raise TypeError(
            f"backward: some .grad is not a number ({error}); set p.grad = 0.0, or call zero_grad(), before"
        ) from None


def _sweep(order: list[Any], node: Any, zero: float) -> None:
    """Add (local derivative) × (what arrived) to every operand, results before operands."""
    for v in order:
        g = v.grad
        x = v._x
        y = v._y
        if x is None or x.__class__ is node:
            if x is not None:
                d = v._dx
                x.grad = (g if d == 1.0 else d * g) if x.grad is zero else x.grad + d * g
            if y is not None:
                d = v._dy
                y.grad = (g if d == 1.0 else d * g) if y.grad is zero else y.grad + d * g
        elif x.__class__ is tuple:
            _spread(v, g)
        else:  # a neuron, see `fused`; its weighted sum is finite and so are the parts: 0 times them is 0
            g *= v._dx
            if g != 0.0:
                for u, d in zip(x.nodes, v._dy):  # noqa: B905 (no input belongs to the bias)
                    u.grad += d * g
                for u, d in zip(y, x.data):  # noqa: B905 (hot)
                    u.grad += d * g
            else:
                y[-1].grad += 0.0  # a gradient of 0, and not none at all


def _spread(v: Any, g: float) -> None:
    """Pass g on from a node over sequences."""
    for us, d in zip(v._x, v._dx, strict=True):
        if us.__class__ is not tuple:
            if d is not None:
                us.grad += d * g
        elif d.__class__ is Mixed:
            for u, e in zip(us, d, strict=True):
                if e is not None:
                    u.grad += e * g
        elif d.__class__ is float:
            dg = d * g
            for u in us:
                u.grad += dg
        elif d is not None:
            for u, e in zip(us, d, strict=True):
                u.grad += e * g


def _order(root: Any, zero: float) -> list[Any]:
    """The interior nodes below `root`, operands before results, each with its grad set to `zero`.

    Depth first along first operands. On the stack wait nodes whose first operand is done, and,
    each on top of its node, iterators over the members of sequence operands.
    """
    node = root.__class__
    order: list[Any] = []
    stack: list[Any] = [None]
    emit, push, pop = order.append, stack.append, stack.pop
    v = root
    v.grad = zero
    while True:
        x = v._x
        if x.__class__ is node:
            if x.grad is not zero and x._op is not None:
                x.grad = zero
                push(v)
                v = x
                continue
        elif x is not None:
            if x.__class__ is tuple:
                push(v)
                v = _unreached(x, zero, emit)
            elif x.reached is zero and v._y.reached is zero:
                emit(v)
                v = pop()
            else:
                push(v)
                v = _unreached((x.nodes, v._y), zero, emit)
        while True:
            if v.__class__ is node:
                y = v._y
                if y is not None and y.grad is not zero and y._op is not None:
                    y.grad = zero
                    push(v)
                    v = y
                    break
                emit(v)
            elif v is None:
                return order
            else:
                u = next(v, None)
                if u is not None:
                    push(v)
                    v = u
                    break
                v = pop()
                emit(v)
                if v._y is not None:  # what a neuron looks at its whole layer does, and so do other samples
                    v._x.reached = v._y.reached = zero
            v = pop()


def _unreached(groups: Iterable[Any], zero: float, emit: Callable[[Any], None]) -> Iterator[Any]:
    """The interior nodes in groups of operands that the pass has not reached; now it has.

    Neurons whose operands have been reached are emitted on the spot: all of a layer but the first.
    """
    for us in groups:
        for u in us if isinstance(us, tuple) else (us,):
            if u.__class__ is not float and u._op is not None and u.grad is not zero:
                u.grad = zero
                x = u._x
                if getattr(x, "reached", None) is zero and u._y.reached is zero:
                    emit(u)
                else:
                    yield u


# ---------------------------------------------------------------- the pure form

_Recorded = tuple[Any, tuple[Any, ...]]  # a node and its operands


def gradients(target: Any, sources: Any, create_graph: bool = False, *, seed: Any = None) -> Any:
    """∂target/∂source for one source or a sequence of them, without touching any `.grad`.

    target: a Value, or a Tensor of one element. sources: a node, or a list or tuple of nodes, leaves or
    not. seed: for a Tensor, the gradient that arrives at it, an array of its shape; then the result is
    Σ seed ∂target/∂source, and the target may have any shape.
    Returns a float for a Value, an array of its shape for a Tensor, a list of them for several
    sources; with `create_graph` Values and Tensors that are part of a graph themselves, so that they can
    be differentiated again, to any order. A source that the target does not depend on has gradient 0.
    TypeError for anything that is not a node; ValueError for a target of more than one element without
    a seed; RuntimeError if the derivatives would belong to another point, because `.data` was changed
    since the forward pass (for Values: with `create_graph` only, otherwise they are on record).
    """
    single = not isinstance(sources, list | tuple)
    wanted = [sources] if single else list(sources)
    for x in (target, *wanted):
        if not is_node(x):
            raise TypeError(f"gradients: expected nodes, got {describe(x)}; make it a Value or a Tensor first")
    with recording():
        if _is_array(target):
            g = target.seed(seed, "gradients")
            adjoints = quietly(_array_adjoints, target, target.__class__(g) if create_graph else g, wanted)
        elif seed is not None:
            raise TypeError("gradients: a Value is one number and takes no seed; multiply it")
        else:
            adjoints = _adjoints(target, wanted, create_graph)
    found = [adjoints[x] if x in adjoints else zero_gradient(x) for x in wanted]
    if create_graph:
        found = [g if is_node(g) else x.__class__(g) for g, x in zip(found, wanted, strict=True)]
    elif _is_array(target):
        found = [np.array(g) if _is_array(x) else g for g, x in zip(found, wanted, strict=True)]
    return found[0] if single else found


def zero_gradient(x: Any) -> Any:
    """The gradient of a node on which nothing depends."""
    return np.zeros(x.shape, x.dtype) if _is_array(x) else 0.0


def _is_array(x: Any) -> bool:
    return getattr(x.__class__, "_is_array", False)


def _array_adjoints(target: Any, g: Any, sources: Sequence[Any]) -> dict[Any, Any]:
    """The same through Tensors. g: the gradient of the target, a Tensor if the result is to be a graph."""
    through, relevant = _through(walk(target), sources)
    wanted = set(sources)
    adjoints: dict[Any, Any] = {target: g}
    for v, operands in reversed(through):
        g = adjoints.get(v) if v in wanted else adjoints.pop(v, None)
        if g is None:
            continue
        for u, term in pulled(v, g, [is_node(u) and u in relevant for u in operands]):
            adjoints[u] = adjoints[u] + term if u in adjoints else term
    return adjoints


def _adjoints(target: Any, sources: Sequence[Any], create_graph: bool) -> dict[Any, Any]:
    """∂target/∂source for the sources that the target depends on."""
    through, relevant = _through(walk(target), sources)
    wanted = set(sources)
    adjoints: dict[Any, Any] = {target: target.__class__(1.0) if create_graph else 1.0}
    for v, operands in reversed(through):
        g = adjoints.get(v) if v in wanted else adjoints.pop(v, None)
        if g is None:
            continue
        derivatives = _differentiable(v) if create_graph else v.local_derivatives
        for u, d in zip(operands, derivatives, strict=True):
            if d is not None and u in relevant:
                # multiplying by a constant 1 would only lengthen the graph of the derivative
                term = g if d.__class__ is float and d == 1.0 else d * g
                adjoints[u] = adjoints[u] + term if u in adjoints else term
    return adjoints


def depending_on(order: Iterable[Any], sources: Iterable[Any]) -> set[int]:
    """Ids of the sources and of the nodes in `order` through which the gradient of some source passes."""
    _, relevant = _through(((v, v.operands) for v in order), sources)
    return {id(v) for v in relevant}


def _through(recorded: Iterable[_Recorded], sources: Iterable[Any]) -> tuple[list[_Recorded], set[Any]]:
    """The recorded nodes with an operand that is a source or depends on one; and all of these, sources too."""
    relevant = set(sources)
    through = []
    for v, operands in recorded:
        for u in operands:
            if is_node(u) and u in relevant:
                relevant.add(v)
                through.append((v, operands))
                break
    return through, relevant


def _differentiable(v: Any) -> list[Any]:
    """The local derivatives of v read on nodes, None for constants."""
    groups = v.operand_groups
    flat: list[Any] = []
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


def _number(u: Any) -> Any:
    return u.data if is_node(u) else u


def _check_unchanged(v: Any, what: str, recorded: float, now: float) -> None:
    if now == recorded or (now != now and recorded != recorded) or abs(now - recorded) <= 1e-12 * abs(recorded):
        return
    raise RuntimeError(
        f"{v.op.shown}: .data of an operand was changed after the forward pass (its {what} was {recorded!r} "
        f"and would now be {now!r}); run the forward pass again before differentiating twice"
    )
