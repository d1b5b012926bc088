"""The reverse pass read again: with other numbers, with numbers put in, with a share read wrongly.

It is the loop of `gradients`; what differs is what a node passes on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from ..graph import Node, is_node, through, walk
from ..ieee import ieee, quietly
from ..operands import Operand, Vector, is_array_node
from ..ops.shapes import sum_to
from .gradients import adjoints

__all__ = ["Point", "Replay", "flat_place", "member_of", "shaped"]

# An operand of a node, by its place among the operands.
Place = tuple[Node, int]
# What an operand gets of the gradient that arrived at the result.
Pull = Callable[[Operand], Operand]


class Point:
    """The numbers of a recorded computation: of its forward pass, or those that follow from others put in.

    order: nodes, operands before results. instead: called with each node and its number, gives the number
    with which the computation goes on; without it everything is as recorded. count: how many samples there are.
    """

    def __init__(
        self, order: Sequence[Node], instead: Callable[[Node, Operand], Operand] | None = None, count: int = 1
    ) -> None:
        self.count = float(count)
        self._z: dict[Node, Operand] = {}
        self._operands: dict[Node, tuple[Operand, ...]] = {}
        self.is_recorded = instead is None
        if instead is not None:
            for v in order:
                z = _number(v) if v.op is None else self._computed(v)
                self._z[v] = instead(v, z)

    def _computed(self, v: Node) -> Operand:
        operands = self._operands[v] = tuple(
            x.map(self.of) if isinstance(x, Vector) else self.of(x) if is_node(x) else _own(x) for x in _groups(v)
        )
        return (
            np.asarray(quietly(v.op.forward, *operands)) if is_array_node(v) else float(ieee(v.op.forward, *operands))
        )

    def of(self, x: Operand) -> Operand:
        """The number of a node; a constant as it is."""
        return (self._z[x] if x in self._z else _number(x)) if is_node(x) else x

    def operands(self, v: Node) -> tuple[Operand, ...]:
        """The operands of a node as its rules and pulls take them."""
        if v not in self._operands:
            self._operands[v] = tuple(x.map(self.of) if isinstance(x, Vector) else self.of(x) for x in _groups(v))
        return self._operands[v]

    def share(self, v: Node, i: int, g: Operand, z: Operand, operands: Sequence[Operand]) -> Operand:
        """What operand i of v gets of g, read on these numbers."""
        if is_array_node(v):
            return quietly(v.op.pulls[i], g, z, *operands)
        group, member = member_of(v, i)
        d = ieee(v.op.derivative, group, z, operands)
        return (d[member] if isinstance(d, tuple) else d) * g

    def passed_on(self, v: Node, i: int, g: Operand) -> Operand:
        """What operand i of v gets of g, in its own shape."""
        if self.is_recorded and not is_array_node(v):
            return v.local_derivatives[i] * g
        return shaped(self.share(v, i, g, self.of(v), self.operands(v)), v.operands[i])

    keeps_mean = False

    def gradient(self, u: Node) -> None:
        """Numbers have no name."""


class Replay:
    """The reverse pass from a target to some of its nodes, as often as it is asked for.

    stop: nodes below which it does not go, see `walk`.
    """

    def __init__(self, target: Node, sources: Collection[Node], stop: Callable[[Node], bool] | None = None) -> None:
        self.target, self.sources = target, frozenset(sources)
        self._nodes, self._relevant = through(walk(target, stop), sources)

    def __call__(
        self,
        point: Point,
        change: Mapping[Place, Pull] | None = None,
        given: Mapping[Node, Operand] | None = None,
        passing: Callable[[Node, Operand], Operand] | None = None,
    ) -> dict[Node, Operand]:
        """∂target/∂source for every source that the target depends on.

        point: at which numbers. change: what an operand gets instead of its share. given: what a node passes on
        instead of what arrived at it, which still is what is returned for it. passing: called with every node and what
        arrived at it, gives what it passes on: rounded, say.
        """
        changes, passed = change or {}, given or {}

        def shares(
            v: Node, operands: tuple[Operand, ...], g: Operand, wanted: AbstractSet[Node]
        ) -> Iterator[tuple[Node, Operand]]:
            g = passed.get(v, g) if passing is None else passing(v, g)
            for i, u in enumerate(operands):
                if is_node(u) and u in wanted:
                    instead = changes.get((v, i))
                    yield u, point.passed_on(v, i, g) if instead is None else instead(g)

        one = np.ones(self.target.shape) if is_array_node(self.target) else 1.0
        return quietly(adjoints, self.target, one, self._nodes, self._relevant, self.sources, shares)


def shaped(term: Operand, u: Node) -> Operand:
    """A share in the shape of its operand, where broadcasting was undone by nobody yet."""
    return sum_to(term, u.shape) if is_array_node(u) and term.shape != u.shape else term


def member_of(v: Node, i: int) -> tuple[int, int]:
    """Where operand i of a Value stands: the group of the operation's operands, and the place in it."""
    for group, us in enumerate(v.operand_groups):
        n = len(us) if isinstance(us, Vector) else 1
        if i < n:
            return group, i
        i -= n
    raise IndexError(f"{v.op.shown} has no operand {i}")


def flat_place(v: Node, place: tuple[int, int]) -> int:
    """The operand of a Value that stands there: the opposite of `member_of`."""
    groups = v.operand_groups[: place[0]]
    return sum(len(us) if isinstance(us, Vector) else 1 for us in groups) + place[1]


def _groups(v: Node) -> Sequence[Operand]:
    return v.operands if is_array_node(v) else v.operand_groups


def _number(x: Node) -> Operand:
    return x.numpy() if is_array_node(x) else x.data


def _own(x: Operand) -> Operand:
    """A constant operand; of what an operation keeps on the way (its softmax) a copy, as it writes into it."""
    return x if x is None or isinstance(x, int | float | np.ndarray | tuple | str | list) else copy.copy(x)
