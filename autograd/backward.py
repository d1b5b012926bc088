"""The reverse pass: `backward` for one class of nodes at full speed, `gradients` in its pure form.

Both walk the graph once to order it and once from the target to the leaves, adding
(local derivative) × (what arrived) to every operand. Neither recurses.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .graph import is_node, topological_order
from .modes import recording
from .op import Vector, describe, ieee, real

__all__ = ["grad", "gradients", "hessian", "value_and_grad"]


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


def gradients(target: Any, sources: Any, create_graph: bool = False) -> Any:
    """∂target/∂source for one source or a sequence of them, without touching any `.grad`.

    target: a Value. sources: a Value, or a list or tuple of Values, leaves or not.
    Returns a float for a single source, a list of floats for several; with `create_graph` Values
    that are part of a graph themselves, so that they can be differentiated again, to any order.
    A source that the target does not depend on has gradient 0.
    TypeError for anything that is not a node; RuntimeError if, with `create_graph`, `.data` was
    changed since the forward pass, as the derivatives would belong to another point.
    """
    single = not isinstance(sources, list | tuple)
    wanted = [sources] if single else list(sources)
    for x in (target, *wanted):
        if not is_node(x):
            raise TypeError(f"gradients: expected Values, got {describe(x)}; make it one before computing with it")
    with recording():
        results = _adjoints(target, wanted, create_graph)
    found = [results.get(id(x), 0.0) for x in wanted]
    if create_graph:
        found = [g if is_node(g) else target.__class__(g) for g in found]
    return found[0] if single else found


def _adjoints(target: Any, sources: Sequence[Any], create_graph: bool) -> dict[int, Any]:
    """∂target/∂source by the id of the source, for the sources that the target depends on."""
    order = topological_order(target)
    relevant = depending_on(order, sources)
    adjoints: dict[int, Any] = {id(target): target.__class__(1.0) if create_graph else 1.0}
    results: dict[int, Any] = {}
    wanted = {id(x) for x in sources}
    for v in reversed(order):
        g = adjoints.pop(id(v), None)
        if g is None:
            continue
        if id(v) in wanted:
            results[id(v)] = g
        if id(v) not in relevant or v.op is None:
            continue
        derivatives = _differentiable(v) if create_graph else v.local_derivatives
        for u, d in zip(v.operands, derivatives, strict=True):
            if d is None or id(u) not in relevant:
                continue
            # multiplying by a constant 1 would only lengthen the graph of the derivative
            term = g if d.__class__ is float and d == 1.0 else d * g
            adjoints[id(u)] = adjoints[id(u)] + term if id(u) in adjoints else term
    return results


def depending_on(order: Sequence[Any], sources: Sequence[Any]) -> set[int]:
    """Ids of the nodes through which the gradient of some source passes."""
    relevant = {id(x) for x in sources}
    for v in order:
        if id(v) not in relevant and any(id(u) in relevant for u in v.operands if is_node(u)):
            relevant.add(id(v))
    return relevant


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
        f"{v.op.name}: .data of an operand was changed after the forward pass (its {what} was {recorded!r} "
        f"and would now be {now!r}); run the forward pass again before differentiating twice"
    )


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The derivative of f as a function: `grad(f)(x)` is ∂f/∂x at x.

    f: a function of numbers (and lists of numbers) that returns one number, written with operators
    and the functions of `autograd`. argnums: which positional arguments to differentiate by; a
    tuple gives a tuple. The result has the shape of the argument: a float for a number, a list for
    a list. It is differentiable itself: `grad(grad(f))` is the second derivative.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    """
    with_value = value_and_grad(f, argnums)
    return lambda *args, **kwargs: with_value(*args, **kwargs)[1]


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Like `grad`, but gives the pair (value, gradient) from one pass."""
    several = isinstance(argnums, tuple)
    positions = argnums if isinstance(argnums, tuple) else (argnums,)

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        for i in positions:
            if not -len(args) <= i < len(args):
                raise ValueError(f"grad: expected a positional argument number {i}, got {len(args)} of them")
        nested = _is_nested(*args, *kwargs.values())
        inputs = list(args)
        for i in positions:
            inputs[i] = map_leaves(args[i], _fresh)
        target = _traced(f, *inputs, **kwargs)
        sources = [u for i in positions for u in leaves(inputs[i])]
        found = gradients(target, sources, create_graph=nested) if is_node(target) else [0.0] * len(sources)
        by_source = iter(found)
        result = tuple(map_leaves(args[i], lambda _: next(by_source)) for i in positions)
        value = target if nested or not is_node(target) else target.data
        return value, result if several else result[0]

    return differentiated


def hessian(f: Callable[..., Any]) -> Callable[..., Any]:
    """The matrix of second derivatives: `hessian(f)(x)` is a list of rows for a list x.

    f: a function of one number or of one list of numbers that returns one number. For a number x
    the second derivative itself comes back. Row i, column j is ∂²f/∂xᵢ∂xⱼ.
    """

    def matrix(x: Any) -> Any:
        nested = _is_nested(x)
        point = map_leaves(x, _fresh)
        sources = list(leaves(point))
        target = _traced(f, point)
        if is_node(target):
            first = gradients(target, sources, create_graph=True)
            rows = [gradients(g, sources, create_graph=nested) for g in first]
        else:
            rows = [[0.0] * len(sources) for _ in sources]
        return rows if is_sequence(x) else rows[0][0]

    return matrix


# How many functions the current thread is differentiating, one inside the other. A derivative taken
# inside must be differentiable even if its arguments are plain numbers: its function may have caught
# a variable of the outer one.
_here = threading.local()


def _is_nested(*args: Any) -> bool:
    return getattr(_here, "depth", 0) > 0 or any(is_node(u) for a in args for u in leaves(a))


def _traced(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """f of nodes, recorded also inside `no_grad`: a node, or a plain number on which nothing depends."""
    _here.depth = getattr(_here, "depth", 0) + 1
    try:
        with recording():
            target = f(*args, **kwargs)
    finally:
        _here.depth -= 1
    if not is_node(target):
        try:
            real(target)
        except TypeError:
            came = describe(target)
            raise TypeError(f"grad: expected a function that returns one number, it returned {came}") from None
    return target


def _fresh(x: Any) -> Any:
    """A new node for a number; for a node a new node that depends on it, so that nested derivatives
    by two variables that hold the same node are not confused."""
    from .ops import linear
    from .value import Value

    return linear(x) if is_node(x) else Value(x)


def is_sequence(x: Any) -> bool:
    """True for a list, a tuple or an array of one dimension or more."""
    return isinstance(x, list | tuple) or (isinstance(x, np.ndarray) and x.ndim > 0)


def leaves(x: Any) -> Iterator[Any]:
    """The numbers in nested sequences, from left to right; a single number alone."""
    if is_sequence(x):
        for u in x:
            yield from leaves(u)
    else:
        yield x


def map_leaves(x: Any, f: Callable[[Any], Any]) -> Any:
    """Nested lists of the same form with f applied to every number."""
    if is_sequence(x):
        return [map_leaves(u, f) for u in x]
    return f(x)
