"""All the ways in which one slip can be made in a computation: on one edge, on all of a layer, in all layers."""

from __future__ import annotations

import functools
import itertools
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

from ..formulas import names
from ..graph import Node, is_node
from ..operands import Operand
from ..passes.replay import Place, Point, Pull
from .computation import Computation, Edge
from .missteps import Reading as ForwardReading
from .missteps import Result
from .share import Reading, Share
from .slips import Slip

__all__ = ["Variant", "variants"]


class Variant(NamedTuple):
    """A slip made on these edges, each with what it is made with there.

    key: what is the same on all of them. factor: what only the student knows.
    """

    slip: Slip
    key: Hashable
    made: tuple[tuple[Edge, object], ...]
    factor: float = 1.0

    @property
    def edges(self) -> tuple[Edge, ...]:
        return tuple(edge for edge, _ in self.made)

    def words(self) -> str:
        """What one did, in words."""
        edge, option = self.made[0]
        factor = f"{self.factor:.3g}".replace("-", "−")
        such = ", such as a learning rate" if self.factor > 0 else ""
        names = {"key": self.key, "factor": factor, "such": such, "op": edge.node.op.shown, "other": "", "right": ""}
        error = edge.error or edge.loss_error
        if error is not None:
            names |= {"prediction": edge.of.called(error.prediction), "target": edge.of.called(error.target)}
        if edge.partner is not None and isinstance(option, tuple):
            right = edge.read_by_product
            core = edge.of.below(right) if is_node(right) else right
            names |= {"other": edge.of.called(option[0]), "right": edge.of.called(core)}
        return self.slip.name.format(**names)

    def change(self, reading: Reading, before: dict[Place, Pull]) -> dict[Place, Pull]:
        """What the edges' operands get instead, on top of what was changed before."""
        changes = dict(before)
        for edge, option in () if self.slip.is_forward else self.made:
            changes[edge.key] = self.pull(edge, option, reading, before)
            for other in edge.of.beside(edge) if self.slip.alone else ():
                changes[other.key] = _nothing
        return changes

    def point(self, point: Point) -> Point:
        """The numbers of the forward pass of somebody who makes this mistake on top of what they are."""
        if not self.slip.is_forward:
            return point
        order = self.made[0][0].of.order
        wrongly = {edge.node: functools.partial(self.result, edge, option) for edge, option in self.made}
        return Point(order, point.instead, int(point.count), {**point.misread, **wrongly})

    def result(self, edge: Edge, option: object, reading: ForwardReading) -> Operand:
        """What the operation of one edge gives instead."""
        return self.slip.read(Result(edge, reading), *(() if option is None else (option,)))

    def places(self, toward: Collection[Node] = ()) -> list[tuple[Node, str]]:
        """The named nodes on the way to which it is made, each with the key of its gradient, or of its value.

        toward: of several named ones below an unnamed one that which is on the way to these is meant.
        """
        c = self.made[0][0].of
        if self.slip.is_forward:
            return list(dict.fromkeys((e.result, c.labels[e.result]) for e in self.edges))
        return [(u, c.key(u)) for u in c.places(self.edges, toward)]

    def pull(self, edge: Edge, option: object, reading: Reading, before: dict[Place, Pull]) -> Pull:
        """What the operand of one edge gets instead."""
        more = () if option is None else (option,)
        more = (*more, self.factor) if self.slip.fits else more

        def instead(g: Operand) -> Operand:
            return self.slip.read(Share(edge, g, reading, before), *more)

        return instead


def _nothing(g: Operand) -> Operand:
    """What an operand gets beside a share that stands alone."""
    return 0.0


def variants(computation: Computation, table: Sequence[Slip]) -> Iterator[Variant]:
    """Every slip of a table, on every edge alone and on those that are made alike."""
    for slip in table:
        alike: dict[Hashable, list[tuple[Edge, Any]]] = defaultdict(list)
        for edge in computation.edges:
            if slip.on(edge):
                for key, option in slip.tries(edge):
                    alike[key].append((edge, option))
        for key, made in alike.items():
            for group in _groups(made) if slip.spreads else [(x,) for x in made]:
                if any(slip.by_itself(option) for _, option in group):
                    yield Variant(slip, key, group)


def _groups(made: list[tuple[Edge, object]]) -> Iterator[tuple[tuple[Edge, object], ...]]:
    """Each alone; those of one kind, those into parameters of one layer, those into all parameters, and all."""
    seen: set[tuple[int, ...]] = set()
    units: dict[Hashable, list[tuple[Edge, Any]]] = defaultdict(list)
    by_kind, by_layer, by_name, by_operand = (defaultdict(list) for _ in range(4))
    for x in made:
        units[x[0].operand if x[0].is_penalty else x[0].key].append(x)  # W·W is one penalty, of two shares
        by_kind[_kind(x[0])].append(x)
        if not x[0].of.is_array:  # the units of a layer, and all samples, are Values of their own
            by_name[_kind(x[0]), _layer_of(x[0])].append(x)
            by_operand[x[0].operand].append(x)
        if x[0].is_parameter and not x[0].is_penalty:
            by_layer[x[0].result].append(x)
    parameters = [x for x in made if x[0].is_weight or x[0].is_bias]
    penalized = [x for x in made if x[0].is_parameter]
    found = [by.values() for by in (units, by_operand, by_name, by_layer, by_kind)]
    for group in [*itertools.chain.from_iterable(found), parameters, penalized, made]:
        edges = tuple(sorted(id(e) for e, _ in group))
        if group and edges not in seen:
            seen.add(edges)
            yield tuple(group)


def _layer_of(edge: Edge) -> tuple[str, str | None]:
    """The letter and the layer of what a share is of: a[1] of a[1](2)_3."""
    name = names.parse(edge.of.labels[edge.result])
    return ("", None) if name is None else (name.base, name.layer)


def _kind(edge: Edge) -> str:
    kinds = ("is_loss", "is_penalty", "is_bias", "is_weight", "is_slope")
    return next((k for k in kinds if getattr(edge, k)), "other")
