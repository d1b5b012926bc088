"""Walking a recorded computation without recursion: order, copies, pickles.

A node is anything with `operands`, `op` and `label`; operands that are not nodes (plain numbers,
arrays) are constants. To be copied and pickled, `_contents()` gives what a copy of it needs, as a
dictionary in which `_operand_slots` hold its operands, and `_restore(contents)` takes it.
"""

from __future__ import annotations

import numbers
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, TypeVar

from .operands import Operand, describe

__all__ = ["Node", "is_node", "topological_order"]

# A Value or a Tensor: it has `operands`, `op` and `label`. What else it has is between it and who knows its class.
Node: TypeAlias = Any
N = TypeVar("N")


def is_node(x: object) -> bool:
    """True for a Value (or another recorded node), False for a constant."""
    return hasattr(x.__class__, "_record")


class Unrecorded(tuple[()]):
    """The operands of a result that was computed under `no_grad` or detached: there are none on record."""

    __slots__ = ()

    def __reduce__(self) -> str:
        return "UNRECORDED"  # the one there is, known by identity


UNRECORDED = Unrecorded()


def is_constant(node: Node) -> bool:
    """True for a leaf that is a result: what `detach()` gave, or was computed under `no_grad`. It is not trained."""
    return node._op is None and node._held is UNRECORDED


def trainable(nodes: Iterable[Node]) -> list[Node]:
    """Those that training can move: leaves, and no constants."""
    return [x for x in nodes if x._op is None and x._held is not UNRECORDED]


def check_recorded(where: str, root: Node) -> None:
    """RuntimeError for a result of which nothing is on record, so that its gradients would all be 0 in silence."""
    if is_constant(root):
        raise RuntimeError(
            f"{where}: this was computed under no_grad(), or detached, and no gradient leads from it to anything; "
            "compute it outside"
        )


def check_written(order: Iterable[Node]) -> None:
    """ValueError for a result of a program, of which no formula is on record: nothing to derive or draw."""
    if any(v.op is not None and v.op.delivers is not None for v in order):
        raise ValueError(
            "a result of a @replayed function is numbers of a program, without the graph that formulas and pictures "
            "show: compute it without @replayed, as by loss.function(x, y) for loss(x, y)"
        )


def is_same(node: Node, other: object) -> bool:
    """`node == other`: identity between nodes, as for keys of a dictionary; for what is no number here, its answer.

    TypeError for numbers, arrays and lists, of which the identity would be wrong without a word.
    """
    if is_node(other):
        return node is other
    if isinstance(other, numbers.Number | list) or hasattr(other.__class__, "__array__"):
        raise TypeError(EQUALITY)
    return NotImplemented


EQUALITY = "== between nodes is identity; to compare numbers write x.data == ..., or np.array_equal or np.isclose"


def checked_label(label: object) -> str | None:
    """What a node is called: a string, or None for no name, which the empty string means too. TypeError else."""
    if label is not None and not isinstance(label, str):
        raise TypeError(f"a label is a string such as 'w[1]_1,2' or 'W[1]', or None; got {describe(label)}")
    return label or None


def topological_order(root: N, stop: Callable[[N], bool] | None = None) -> list[N]:
    """Every node that `root` depends on and `root` itself, operands before results.

    The order follows the operands from left to right, so it is the same in every run.
    stop: a node for which it is true is listed, but not what lies below it (root excepted).
    """
    return [node for node, _ in walk(root, stop)]


def walk(root: Node, stop: Callable[[Node], bool] | None = None) -> Iterator[Visit]:
    """The nodes of `topological_order`, each with its operands (none below a stop), which are read once."""
    operands = root.operands
    waiting, unread = [(root, operands)], [iter(operands)]
    seen = {root}
    while waiting:
        for u in unread[-1]:
            if is_node(u) and u not in seen:
                seen.add(u)
                operands = u.operands if stop is None or not stop(u) else ()
                waiting.append((u, operands))
                unread.append(iter(operands))
                break
        else:
            unread.pop()
            yield waiting.pop()


def copy_node(node: Node, operand: Callable[[Operand], Operand]) -> Node:
    """A new node with the same contents, what it holds as operands replaced by `operand(what)`."""
    contents = node._contents()
    for name in node._operand_slots:
        if name in contents:
            contents[name] = operand(contents[name])
    new = object.__new__(node.__class__)
    new._restore(contents)
    return new


def deepcopy(root: Node, memo: dict[int, Operand]) -> Node:
    """copy.deepcopy for nodes: the whole graph below, shared nodes and shared groups of nodes once."""
    memo.setdefault(id(memo), []).append(root)  # the ids in memo hold as long as the graph lives
    for node in topological_order(root, stop=lambda u: id(u) in memo):
        if id(node) not in memo:
            memo[id(node)] = copy_node(node, lambda x: _copied(x, memo))
    return memo[id(root)]


def _copied(x: Operand, memo: dict[int, Operand]) -> Operand:
    if x.__class__ is tuple and id(x) not in memo:
        memo[id(x)] = tuple(_copied(u, memo) for u in x)
    return memo.get(id(x), x)


# ---------------------------------------------------------------- pickling
#
# Pickle saves a node by saving its operands first, which would recurse as deep as the graph is.
# So the first node that is asked for its state lists all nodes below it, operands first; while
# that list is being written every node in it finds its operands in pickle's memo already. A mark
# stands at the end of the list. The listing is over when pickle comes to the mark, or when the
# mark is gone because writing failed halfway.

_listing = threading.local()


class _Mark:
    def __reduce__(self) -> tuple[object, ...]:
        _listing.mark = _gone
        return int, ()


def _gone() -> None:
    """In place of a weak reference to a mark: there is none."""


def reduce(node: Node) -> tuple[object, ...]:
    """What pickle needs to rebuild the node."""
    before: tuple[object, ...] = ()
    if node.op is not None and getattr(_listing, "mark", _gone)() is None:
        mark = _Mark()
        _listing.mark = weakref.ref(mark)
        before = topological_order(node)[:-1], mark
    state = node._contents()  # after the walk, which may change how a node holds its operands
    return _rebuild, (node.__class__,), (*before, state), None, None, _restore


def _rebuild(cls: type) -> Node:
    return object.__new__(cls)


def _restore(node: Node, state: tuple[Operand, ...]) -> None:
    node._restore(state[-1])


# A node and its operands.
Visit = tuple[Node, tuple[Operand, ...]]


def depending_on(order: Iterable[Node], sources: Iterable[Node]) -> set[int]:
    """Ids of the sources and of the nodes in `order` through which the gradient of some source passes."""
    _, relevant = through(((v, v.operands) for v in order), sources)
    return {id(v) for v in relevant}


def through(recorded: Iterable[Visit], sources: Iterable[Node]) -> tuple[list[Visit], set[Node]]:
    """The nodes with an operand that is a source or depends on one; and all of these, sources too."""
    relevant = set(sources)
    found = []
    for v, operands in recorded:
        for u in operands:
            if is_node(u) and u in relevant:
                relevant.add(v)
                found.append((v, operands))
                break
    return found, relevant
