"""Walking a recorded computation without recursion: order, copies, pickles.

A node is anything with `operands`, `local_derivatives`, `op` and `label`; operands that are not
nodes (plain numbers) are constants.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["is_node", "topological_order"]


def is_node(x: Any) -> bool:
    """True for a Value (or another recorded node), False for a constant."""
    return hasattr(x.__class__, "_record")


def topological_order(root: Any, stop: Callable[[Any], bool] | None = None) -> list[Any]:
    """Every node that `root` depends on and `root` itself, operands before results.

    The order follows the operands from left to right, so it is the same in every run.
    stop: a node for which it is true is listed, but not what lies below it (root excepted).
    """
    order: list[Any] = []
    seen = {id(root)}
    stack = [(root, iter(root.operands))]
    while stack:
        node, rest = stack[-1]
        for u in rest:
            if is_node(u) and id(u) not in seen:
                seen.add(id(u))
                stack.append((u, iter(() if stop is not None and stop(u) else u.operands)))
                break
        else:
            stack.pop()
            order.append(node)
    return order


def copy_node(node: Any, operand: Callable[[Any], Any]) -> Any:
    """A new node with the same contents, each operand replaced by `operand(operand)`."""
    new = object.__new__(node.__class__)
    for name, content in _contents(node).items():
        setattr(new, name, _with_operands(content, operand) if name in ("_x", "_y") else content)
    return new


def deepcopy(root: Any, memo: dict[int, Any]) -> Any:
    """copy.deepcopy for nodes: the whole graph below, shared nodes once."""
    for node in topological_order(root, stop=lambda u: id(u) in memo):
        if id(node) not in memo:
            memo[id(node)] = copy_node(node, lambda u: memo[id(u)])
    return memo[id(root)]


def _contents(node: Any) -> dict[str, Any]:
    return {name: getattr(node, name) for name in node.__class__.__slots__ if hasattr(node, name)}


def _with_operands(content: Any, operand: Callable[[Any], Any]) -> Any:
    if content.__class__ is tuple:
        return tuple(_with_operands(u, operand) for u in content)
    return operand(content) if is_node(content) else content


# ---------------------------------------------------------------- pickling
#
# Pickle saves a node by saving its operands first, which would recurse as deep as the graph is.
# So the first node that is asked for its state lists all nodes below it, operands first; while
# that list is being written every node in it finds its operands in pickle's memo already. The
# list is framed by two marks, which pickle asks for their state when it comes to them.

_listing = threading.local()


class _Mark:
    def __init__(self, step: int) -> None:
        self.step = step

    def __reduce__(self) -> tuple[Any, ...]:
        _listing.depth = max(0, getattr(_listing, "depth", 0) + self.step)
        return int, (0,)


def reduce(node: Any) -> tuple[Any, ...]:
    """What pickle needs to rebuild the node."""
    state = _contents(node)
    if state["grad"].__class__ is float and _is_untouched(node):
        del state["grad"]
    below: Iterable[Any] = ()
    if not getattr(_listing, "depth", 0) and node.op is not None:
        below = topological_order(node)[:-1]
    return _rebuild, (node.__class__,), (_Mark(1), list(below), _Mark(-1), state), None, None, _restore


def _is_untouched(node: Any) -> bool:
    from .value import NO_GRADIENT

    return node.grad is NO_GRADIENT


def _rebuild(cls: type) -> Any:
    return object.__new__(cls)


def _restore(node: Any, state: tuple[Any, ...]) -> None:
    from .value import NO_GRADIENT

    contents = {"grad": NO_GRADIENT, **state[-1]}
    for name, content in contents.items():
        setattr(node, name, content)
