"""The reverse pass: `backward` for one class of nodes at full speed, `gradients` in its pure form.

Both walk the graph once to order it and once from the target to the leaves, adding
(local derivative) × (what arrived) to every operand. Neither recurses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from .graph import is_node, topological_order
from .op import Vector, describe

__all__ = ["grad", "gradients", "hessian", "value_and_grad"]


def backward(root: Any) -> None:
    """Accumulate ∂root/∂leaf on the leaves below `root` and set it on the nodes between."""
    # A fresh 0.0 marks the nodes this pass has reached, and is where their gradients start.
    zero = float("0")
    if root._op is None:
        root.grad += 1.0
        return
    order = _order(root, zero)
    node = root.__class__
    root.grad = 1.0
    for v in reversed(order):
        g = v.grad
        x = v._x
        if x.__class__ is node:
            x.grad += v._dx * g
        elif x.__class__ is tuple:
            _spread(v, g, node)
            continue
        y = v._y
        if y is not None:
            y.grad += v._dy * g


def _spread(v: Any, g: float, node: type) -> None:
    """Pass g on from a node over sequences."""
    # Where the result is finite, a linear operation's local derivatives are too: 0 times them is 0.
    if g == 0.0 and v._op.linear and v.data - v.data == 0.0:
        return
    for us, d in zip(v._x, v._dx, strict=True):
        if d is None:
            continue
        if us.__class__ is not tuple:
            us.grad += d * g
        elif d.__class__ is tuple:
            for u, e in zip(us, d):  # noqa: B905 (checked when recorded)
                u.grad += e * g
        elif d.__class__ is float:
            dg = d * g
            for u in us:
                u.grad += dg
        else:
            for u, e in zip(us, d, strict=True):
                if e is not None:
                    u.grad += e * g


def _order(root: Any, zero: float) -> list[Any]:
    """The interior nodes below `root`, operands before results, each with its grad set to `zero`."""
    node = root.__class__
    order: list[Any] = []
    stack: list[Any] = []
    emit, push, pop = order.append, stack.append, stack.pop
    sequences: dict[Any, Iterator[Any]] = {}
    done: set[int] = set()  # groups of operands, which the neurons of a layer share
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
        elif x.__class__ is tuple:
            rest = sequences.get(v)
            if rest is None:
                rest = sequences[v] = _nodes_among(x, v._dx, done)
            for u in rest:
                if u.grad is not zero and u._op is not None:
                    u.grad = zero
                    push(v)
                    v = u
                    break
            else:
                done.update(map(id, x))
                emit(v)
                if not stack:
                    return order
                v = pop()
            continue
        y = v._y
        if y is not None and y.grad is not zero and y._op is not None:
            y.grad = zero
            push(v)
            v = y
            continue
        emit(v)
        if not stack:
            return order
        v = pop()


def _nodes_among(groups: tuple[Any, ...], derivatives: tuple[Any, ...], done: set[int]) -> Iterator[Any]:
    found: list[Any] = []
    for us, d in zip(groups, derivatives, strict=True):
        if d is None:
            continue
        if us.__class__ is not tuple:
            found.append((us,))
        elif id(us) not in done:
            found.append([u for u, e in zip(us, d, strict=True) if e is not None] if d.__class__ is list else us)
    return chain.from_iterable(found)


# ---------------------------------------------------------------- the pure form


def gradients(target: Any, sources: Any, *, create_graph: bool = False) -> Any:
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
            raise TypeError(f"gradients: expected Values, got {describe(x)}; wrap numbers in Value(...) before computing")
    order = topological_order(target)
    relevant = _depending_on(order, wanted)
    node = target.__class__
    adjoints: dict[int, Any] = {id(target): node(1.0) if create_graph else 1.0}
    results: dict[int, Any] = {}
    ids = {id(x) for x in wanted}
    for v in reversed(order):
        g = adjoints.pop(id(v), None)
        if g is None:
            continue
        if id(v) in ids:
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
    found = [results.get(id(x), 0.0) for x in wanted]
    if create_graph:
        found = [g if is_node(g) else node(g) for g in found]
    return found[0] if single else found


def _depending_on(order: Sequence[Any], sources: Sequence[Any]) -> set[int]:
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
    for d, recorded in zip(flat, v.local_derivatives, strict=True):
        now = d.data if is_node(d) else d
        if recorded is not None and now != recorded and not (now != now and recorded != recorded):
            if abs(now - recorded) > 1e-12 * abs(recorded):
                raise RuntimeError(
                    f"{v.op.name}: .data of an operand was changed after the forward pass (its local derivative was "
                    f"{recorded!r} and would now be {now!r}); run the forward pass again before differentiating twice"
                )
    return flat


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
                raise ValueError(f"grad: expected a positional argument number {i}, got {len(args)} positional arguments")
        nested = any(is_node(u) for a in (*args, *kwargs.values()) for u in _leaves(a))
        inputs = list(args)
        for i in positions:
            inputs[i] = _map(args[i], _fresh)
        target = f(*inputs, **kwargs)
        sources = [u for i in positions for u in _leaves(inputs[i])]
        if not is_node(target):
            _check_result(target)
            found: list[Any] = [0.0] * len(sources)
        else:
            found = gradients(target, sources, create_graph=nested)
        by_source = iter(found)
        result = tuple(_map(args[i], lambda _: next(by_source)) for i in positions)
        value = target if nested or not is_node(target) else target.data
        return value, result if several else result[0]

    return differentiated


def hessian(f: Callable[..., Any]) -> Callable[..., Any]:
    """The matrix of second derivatives: `hessian(f)(x)` is a list of rows for a list x.

    f: a function of one number or of one list of numbers that returns one number. For a number x
    the second derivative itself comes back. Row i, column j is ∂²f/∂xᵢ∂xⱼ.
    """

    def matrix(x: Any) -> Any:
        point = _map(x, _fresh)
        sources = list(_leaves(point))
        target = f(point)
        if not is_node(target):
            _check_result(target)
            rows = [[0.0] * len(sources) for _ in sources]
        else:
            first = gradients(target, sources, create_graph=True)
            rows = [gradients(g, sources) for g in first]
        return rows if isinstance(x, list | tuple | np.ndarray) else rows[0][0]

    return matrix


def _fresh(x: Any) -> Any:
    """A new node for a number; for a node a new node that depends on it, so that nested derivatives
    by two variables that hold the same node are not confused."""
    from .ops import linear
    from .value import Value

    return linear(x) if is_node(x) else Value(x)


def _leaves(x: Any) -> Iterator[Any]:
    if isinstance(x, list | tuple | np.ndarray) and not (isinstance(x, np.ndarray) and x.ndim == 0):
        for u in x:
            yield from _leaves(u)
    else:
        yield x


def _map(x: Any, f: Callable[[Any], Any]) -> Any:
    if isinstance(x, list | tuple | np.ndarray) and not (isinstance(x, np.ndarray) and x.ndim == 0):
        return [_map(u, f) for u in x]
    return f(x)


def _check_result(target: Any) -> None:
    if isinstance(target, list | tuple | np.ndarray | str) or target is None:
        raise TypeError(f"grad: expected a function that returns one number, it returned {describe(target)}")
