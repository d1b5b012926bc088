"""The reverse pass read again: with other numbers, with numbers put in, with a share read wrongly.

It is the loop of `gradients`; what differs is what a node passes on.
"""

from __future__ import annotations

import copy
import heapq
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
    misread: what nodes are computed by instead, called with this Point when their operands are known.
    """

    def __init__(
        self,
        order: Sequence[Node],
        instead: Callable[[Node, Operand], Operand] | None = None,
        count: int = 1,
        misread: Mapping[Node, Callable[[Point], Operand]] | None = None,
    ) -> None:
        self.count = float(count)
        self._z: dict[Node, Operand] = {}
        self._operands: dict[Node, tuple[Operand, ...]] = {}
        self.instead, self.misread = instead, misread or {}
        self.is_recorded = instead is None and not misread
        for v in () if self.is_recorded else order:
            if instead is not None:
                self._z[v] = instead(v, _number(v) if v.op is None else self._read(v))
            elif v in self.misread or any(is_node(x) and x in self._z for x in v.operands):  # the rest is as recorded
                self._z[v] = self._read(v)

    def _read(self, v: Node) -> Operand:
        self._operands[v] = tuple(
            x.map(self.of) if isinstance(x, Vector) else self.of(x) if is_node(x) else _own(x) for x in _groups(v)
        )
        if v not in self.misread:
            return self.computed(v, self._operands[v])
        z = quietly(self.misread[v], self)
        if np.shape(z) != np.shape(_number(v)):
            raise ValueError(f"expected shape {np.shape(_number(v))}, got {np.shape(z)}")
        return np.asarray(z, float) if is_array_node(v) else float(z)

    def computed(self, v: Node, operands: Sequence[Operand]) -> Operand:
        """What the operation of a node gives on these operands."""
        if is_array_node(v):
            return np.asarray(quietly(v.op.forward, *operands))
        return float(ieee(v.op.forward, *operands))

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
        self._place = {v: i for i, (v, _) in enumerate(self._nodes)}

    def __call__(
        self,
        point: Point,
        change: Mapping[Place, Pull] | None = None,
        given: Mapping[Node, Operand] | None = None,
        passing: Callable[[Node, Operand], Operand] | None = None,
        later: Mapping[Node, Sequence[Place]] | None = None,
    ) -> Mapping[Node, Operand]:
        """∂target/∂source for every source that the target depends on.

        point: at which numbers. change: what an operand gets instead of its share. given: what a node passes on
        instead of what arrived at it, which still is what is returned for it. passing: called with every node and what
        arrived at it, gives what it passes on: rounded, say. later: nodes whose gradients are computed once they are
        asked for, with the places in which others of these use them.
        """
        changes, passed = change or {}, given or {}
        waiting: dict[Node, list[tuple[Node, int, Operand]]] = {}

        def shares(
            v: Node, operands: tuple[Operand, ...], g: Operand, wanted: AbstractSet[Node]
        ) -> Iterator[tuple[Node, Operand]]:
            g = passed.get(v, g) if passing is None else passing(v, g)
            for i, u in enumerate(operands):
                if is_node(u) and u in wanted:
                    if later and u in later:
                        waiting.setdefault(u, []).append((v, i, g))
                    else:
                        yield u, share(v, i, g)

        def share(v: Node, i: int, g: Operand) -> Operand:
            instead = changes.get((v, i))
            return point.passed_on(v, i, g) if instead is None else instead(g)

        one = np.ones(self.target.shape) if is_array_node(self.target) else 1.0
        found = quietly(adjoints, self.target, one, self._nodes, self._relevant, self.sources, shares)
        return Postponed(found, waiting, later, share) if later else found

    def moved(
        self,
        point: Point,
        base: Mapping[Node, Operand],
        made: Mapping[Place, Pull],
        change: Mapping[Place, Pull],
        given: Mapping[Node, Operand],
    ) -> dict[Node, Operand]:
        """The gradients of Values that are others than in `base` once `change` is made, too.

        base: what a call with the changes made and the given numbers found for all nodes. Only what lies below a
        change is read again: in a large net that is little.
        """
        place = self._place

        def share(v: Node, i: int, g: Operand) -> Operand:
            instead = made.get((v, i))
            return point.passed_on(v, i, g) if instead is None else instead(g)

        moved: dict[Node, Operand] = {}
        waiting = sorted({-place[v] for v, _ in change if v in base})
        known = set(waiting)
        while waiting:
            v, operands = self._nodes[-heapq.heappop(waiting)]
            old = given.get(v, base[v])
            new = given.get(v, base[v] + moved.get(v, 0.0))
            for i, u in enumerate(operands):
                if not is_node(u) or u not in self._relevant:
                    continue
                instead = change.get((v, i))
                if instead is not None:
                    term = instead(new) - share(v, i, old)
                elif new != old:
                    term = share(v, i, new) - share(v, i, old)
                else:
                    continue
                moved[u] = moved.get(u, 0.0) + term
                if u in place and -place[u] not in known:
                    known.add(-place[u])
                    heapq.heappush(waiting, -place[u])
        return {u: base[u] + d for u, d in moved.items()}


class Postponed(Mapping[Node, Operand]):
    """Gradients, of which those of `later` are computed when they are asked for; nan where that is not possible.

    Most of what a reverse pass costs are the gradients of large weights, and few of many passes are asked for them.
    found: the others. waiting: the operands of which nodes get what is later, and of which gradient. share: reads it.
    """

    def __init__(
        self,
        found: dict[Node, Operand],
        waiting: Mapping[Node, Sequence[tuple[Node, int, Operand]]],
        later: Mapping[Node, Sequence[Place]],
        share: Callable[[Node, int, Operand], Operand],
    ) -> None:
        self._found, self._waiting, self._later, self._share = found, waiting, later, share

    def __getitem__(self, u: Node) -> Operand:
        if u not in self._found and u in self._later:
            shares = [*self._waiting.get(u, ()), *((v, i, self[v]) for v, i in self._later[u] if v in self)]
            if shares:
                try:
                    self._found[u] = quietly(self._sum, shares)
                except (ValueError, IndexError, TypeError, StopIteration, ArithmeticError):
                    self._found[u] = np.full(u.shape, np.nan)
        return self._found[u]

    def _sum(self, shares: Sequence[tuple[Node, int, Operand]]) -> Operand:
        first, *others = (self._share(*x) for x in shares)
        return sum(others, first)

    def __iter__(self) -> Iterator[Node]:
        return (u for u in {**self._found, **dict.fromkeys(self._later)} if u in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
