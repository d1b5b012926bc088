"""All the ways in which one slip can be made in a computation: on one edge, on all of a layer, in all layers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from ..graph import is_node
from ..operands import Operand
from ..passes.replay import Place, Pull
from .computation import Computation, Edge
from .slips import Reading, Share, Slip, slips

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
        names = {"key": self.key, "factor": self.factor, "op": edge.node.op.shown, "other": "", "right": ""}
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
        for edge, option in self.made:
            changes[edge.key] = self.pull(edge, option, reading, before)
            for other in edge.of.beside(edge) if self.slip.alone else ():
                changes[other.key] = _nothing
        return changes

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


def variants(computation: Computation) -> Iterator[Variant]:
    """Every slip of the table, on every edge alone and on those that are made alike."""
    for slip in slips:
        alike: dict[Hashable, list[tuple[Edge, object]]] = defaultdict(list)
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
    units: dict[Hashable, list[tuple[Edge, object]]] = defaultdict(list)
    by_kind, by_layer = defaultdict(list), defaultdict(list)
    for x in made:
        units[x[0].operand if x[0].is_penalty else x[0].key].append(x)  # W·W is one penalty, of two shares
        by_kind[_kind(x[0])].append(x)
        if x[0].is_parameter and not x[0].is_penalty:
            by_layer[x[0].result].append(x)
    parameters = [x for x in made if x[0].is_weight or x[0].is_bias]
    penalized = [x for x in made if x[0].is_parameter]
    for group in [*units.values(), *by_layer.values(), *by_kind.values(), parameters, penalized, made]:
        edges = tuple(sorted(id(e) for e, _ in group))
        if group and edges not in seen:
            seen.add(edges)
            yield tuple(group)


def _kind(edge: Edge) -> str:
    kinds = ("is_loss", "is_penalty", "is_bias", "is_weight", "is_slope")
    return next((k for k in kinds if getattr(edge, k)), "other")
