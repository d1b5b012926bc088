"""The reverse pass over Values, in place and at full speed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import compress

from ..graph import Node, check_recorded, is_node
from ..operands import Operand, describe


class Mixed(tuple[float | None, ...]):
    """The local derivatives for a sequence of nodes and constants, None for the constants."""

    __slots__ = ()


class Row:
    """The local derivatives for many leaves as one array, which whoever keeps their gradients apart takes as a whole.

    flat: `add(g, where)` takes gradients for all of them, or is False if they go to the leaves. where: a mask of those
    on which the result depends, None for all; the others get no gradient, as if they were not there.
    """

    __slots__ = ("__weakref__", "array", "flat", "where")

    def __init__(self, array: Operand, flat: Operand, where: Operand = None) -> None:
        self.array, self.flat, self.where = array, flat, where

    def give(self, leaves: Iterable[Node], g: float) -> None:
        """Add to the gradients of the leaves, that of the result being g."""
        gradient = self.array if g == 1.0 else self.array * g
        where = self.where
        if self.flat.add(gradient, where):
            return
        if where is not None:
            leaves, gradient = compress(leaves, where), gradient[where]
        for u, e in zip(leaves, gradient.tolist(), strict=True):
            u.grad += e

    def __iter__(self) -> Iterator[float]:
        return iter(self.array.tolist())

    def __reduce__(self) -> Operand:
        return tuple, (tuple(self),)


def backward(root: Node) -> None:
    """Accumulate ∂root/∂leaf on the leaves below `root` and set it on the nodes between."""
    if not is_node(root):
        raise TypeError(f"backward: expected a Value, got {describe(root)}; compute the loss with Values")
    if root._op is None:
        check_recorded("backward", root)
        root.grad += 1.0
        return
    # A fresh 0.0 marks the nodes this pass has reached, and is where their gradients start.
    zero = float("0")
    node = root.__class__
    if root._x.__class__ is tuple and len(root._x) == 1 and root._dx[0].__class__ is Row:  # of leaves alone
        order = [root]
    else:
        order = _order(root, zero)
        order.reverse()
    root.grad = 1.0
    try:
        _sweep(order, node, zero)
    except TypeError as error:
        raise TypeError(
            f"backward: some .grad is not a number ({error}); set p.grad = 0.0, or call zero_grad(), before"
        ) from None


def _sweep(order: list[Node], node: Node, zero: float) -> None:
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


def _spread(v: Node, g: float) -> None:
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
        elif d.__class__ is Row:
            d.give(us, g)
        elif d is not None:
            for u, e in zip(us, d, strict=True):
                u.grad += e * g


def _order(root: Node, zero: float) -> list[Node]:
    """The interior nodes below `root`, operands before results, each with its grad set to `zero`.

    Depth first along first operands. On the stack wait nodes whose first operand is done, and,
    each on top of its node, iterators over the members of sequence operands.
    """
    node = root.__class__
    order: list[Node] = []
    stack: list[Node] = [None]
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
                if len(x) == 1 and v._dx[0].__class__ is Row:  # of leaves alone
                    emit(v)
                    v = pop()
                else:
                    push(v)
                    v = _unreached(x, zero, emit, node)
            elif x.reached is zero and v._y.reached is zero:
                emit(v)
                v = pop()
            else:
                push(v)
                v = _unreached((x.nodes, v._y), zero, emit, node)
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


def _unreached(groups: Iterable[Operand], zero: float, emit: Callable[[Node], None], node: Node) -> Iterator[Node]:
    """The interior nodes in groups of operands that the pass has not reached; now it has.

    Neurons whose operands have been reached are emitted on the spot: all of a layer but the first.
    """
    for us in groups:
        for u in us if isinstance(us, tuple) else (us,):
            if u.__class__ is node and u._op is not None and u.grad is not zero:
                u.grad = zero
                x = u._x
                if getattr(x, "reached", None) is zero and u._y.reached is zero:
                    emit(u)
                else:
                    yield u
