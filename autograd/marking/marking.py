"""check_work: a sheet of numbers beside the recorded computation; mistakes are found by replaying them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

import numpy as np

from ..graph import Node, check_recorded, is_node, topological_order
from ..operands import Operand, describe
from ..passes.replay import Place, Point, Pull
from .computation import Computation
from .sheet import Item, read_sheet, which
from .slips import slips
from .tolerance import Tolerance
from .variants import Variant, variants
from .wording import Line, lines
from .written import FULL

__all__ = ["Checker", "Finding", "Marking", "Verdict", "check_work"]

# One is sure of a mistake if numbers like these would fit some mistake or other by chance less often than this.
CHANCE = 0.01
# A wrong number fits one of V readings of relative width t by chance with about V t / SPREAD.
SPREAD = 7.0
# So many mistakes on one sheet are looked for, and so many readings of one are named.
MOST = 8
ALTERNATIVES = 3
# What needs a factor that only the student knows is asked only of so many numbers that are not 0.
FITTED = 3


class Verdict(NamedTuple):
    """What is said of one quantity.

    key     what it is called: dW[1], ∂L/∂w[1]₁₁, a[1]₂
    kind    "right", "right given" (earlier numbers of the sheet that are wrong), "wrong", or "untold" (too few digits)
    digits  to how many digits it is right; None where it is wrong
    given   the names of those earlier quantities
    node    the node
    numbers, right   what was handed in, and what is right
    finding the mistake that explains it; None if it is right, and if no mistake explains it
    note    what else is to be said, such as a shape; "" for nothing
    """

    key: str
    kind: str
    digits: int | None
    given: tuple[str, ...]
    node: Node
    numbers: np.ndarray
    right: np.ndarray
    finding: Finding | None
    note: str

    def __bool__(self) -> bool:
        return self.kind == "right"


class Finding(NamedTuple):
    """A mistake that was found.

    slip          what was done
    where         on the way to what: dZ[2], dW[1]
    explains      the names of the numbers that it explains
    is_sure       False if numbers like these would fit some mistake by chance
    chance        how likely that is, about
    alternatives  other mistakes that give the same numbers here, in the same words
    wrong, right  the lines of somebody who does it, and those that are right, each a Line: text and LaTeX
    variants      what was read wrongly
    """

    slip: str
    where: tuple[str, ...]
    explains: tuple[str, ...]
    is_sure: bool
    chance: float
    alternatives: tuple[str, ...]
    wrong: tuple[Line, ...]
    right: tuple[Line, ...]
    variants: tuple[Variant, ...]


class Marking:
    """A sheet, marked. True if all of it is right.

    verdicts  name -> Verdict, in the order of the computation
    findings  the mistakes, each a Finding
    points    one for each quantity that is right, also given earlier numbers; `possible` for all
    """

    def __init__(self, computation: Computation, verdicts: Iterable[Verdict], findings: Iterable[Finding]) -> None:
        self.computation = computation
        self.verdicts: dict[str, Verdict] = {v.key: v for v in verdicts}
        self.findings: tuple[Finding, ...] = tuple(findings)

    @property
    def points(self) -> int:
        """One for each quantity that is right, also given earlier numbers that are not."""
        return sum(v.kind in ("right", "right given") for v in self.verdicts.values())

    @property
    def possible(self) -> int:
        """The points there are."""
        return len(self.verdicts)

    def __bool__(self) -> bool:
        return all(self.verdicts.values())

    def __repr__(self) -> str:
        return f"<marking: {self.points} of {self.possible} right, {len(self.findings)} slips>"

    def text(self) -> str:
        """The verdicts and the mistakes, line by line."""
        shown = self.computation.shown
        width = max(len(shown[key]) for key in self.verdicts)
        written = [f"{shown[key].ljust(width)}   {self._said(v)}" for key, v in self.verdicts.items()]
        for f in self.findings:
            written += ["", *self._explained(f)]
        return "\n".join([*written, "", f"{self.points} of {self.possible} points"])

    def _said(self, v: Verdict) -> str:
        """A verdict in words."""
        if v.kind == "right":
            few = v.digits is not None and v.digits < FULL
            said = f"right to {v.digits} digit{'s' * (v.digits != 1)}" if few else "right"
        elif v.kind == "right given":
            said = f"right given your {' and '.join(self.computation.shown[key] for key in v.given)}"
        else:
            said = "too few digits to tell" if v.kind == "untold" else "wrong"
        return f"{said}; {v.note}" if v.note else said

    def _explained(self, f: Finding) -> list[str]:
        """A mistake in words, with its lines."""
        where = ", ".join(self.computation.shown[key] for key in f.where)
        said = [f"{where}: {'' if f.is_sure else 'perhaps '}{f.slip}"]
        for wrong, right in zip(f.wrong, f.right, strict=True):
            said += [f"  yours   {wrong}", f"  right   {right}"]
        return [*said, *(f"  or {a}: here it gives the same numbers" for a in f.alternatives)]

    def __getitem__(self, name: Any) -> Verdict:
        """The verdict on what a name means, however it is written, or on the gradient by a node."""
        node, is_value = which(self.computation, name)
        return self.verdicts[self.computation.labels[node] if is_value else self.computation.key(node)]

    def __str__(self) -> str:
        return self.text()


def check_work(target: Node, sheet: Any) -> Marking:
    """Whether gradients worked out by hand are right, and which mistake explains them if they are not.

    target: the loss, a Value, or a Tensor of one element. sheet: a dictionary from names to numbers. Names are those
    of the computation, as lectures write them: "dW[1]", "db1", "dZ[2]", "dL/dw[1]_1,1" for gradients, "a[1]_1" for a
    value of the forward pass; or the nodes, for the gradients by them. Numbers may be strings, "0.0820", which keep
    their digits.

    Returns a Marking: print it. TypeError and ValueError for names that are not in the computation (says which are),
    and for what is no number; ValueError if the computation itself gives nan or infinity.
    """
    return Checker(target).check(sheet)


class Checker:
    """What checks sheets against one computation; the mistakes are replayed once for all of them."""

    def __init__(self, target: Node) -> None:
        if not is_node(target):
            raise TypeError(f"check_work: expected the target to be a Value or a Tensor, got {describe(target)}")
        check_recorded("check_work", target)
        if getattr(target, "size", 1) != 1:
            raise ValueError(f"check_work: expected a target of one element, got shape {target.shape}; reduce it")
        self.c = Computation(target)
        for u in self.c.named:
            for x in (self.c.point.of(u), self.c.right.get(u, 0.0)):
                if not np.all(np.isfinite(x)):
                    raise ValueError(
                        f"check_work: the computation gives nan or infinity at {self.c.name(u)}; "
                        "there is no right number"
                    )
        self.tolerance = Tolerance(self.c)
        self._variants: list[Variant] | None = None
        self._alone: list[dict[Node, Operand] | None] | None = None

    @property
    def variants(self) -> list[Variant]:
        """All mistakes that can be made in it."""
        if self._variants is None:
            self._variants = list(variants(self.c))
        return self._variants

    def check(self, sheet: Any) -> Marking:
        """The sheet, marked; see check_work."""
        items = read_sheet(self.c, sheet)
        point, verdicts = self._values([i for i in items if i.is_value])
        gradients = [i for i in items if not i.is_value]
        findings: list[Finding] = []
        if gradients:
            wrong = {v.node for v in verdicts if v.kind == "wrong"}
            read = (_Backward(self, gradients, point, wrong, home).marked() for home in self._homes(gradients))
            more, findings = min(read, key=lambda marked: _losses(marked[0]))
            verdicts += more
        return Marking(self.c, verdicts, findings)

    # ------------------------------------------------------------ forward

    def _values(self, items: Sequence[Item]) -> tuple[Point, list[Verdict]]:
        """The verdicts on numbers of the forward pass, and the numbers with which it goes on."""
        put_in: dict[Node, Operand] = {}
        point, verdicts = self.c.point, []
        for item in items:
            right, own = np.asarray(self.c.point.of(item.node)), np.asarray(point.of(item.node))
            if self.fits(item, right):
                verdicts.append(self.verdict(item, right, "right"))
                continue
            if put_in and self.fits(item, own):
                given = tuple(self.c.labels[u] for u in put_in if self._leads(u, item.node))
                verdicts.append(self.verdict(item, right, "right given", given))
            else:
                verdicts.append(self.verdict(item, right, "wrong"))
            if item.numbers.shape == right.shape and np.all(np.isfinite(item.numbers)):
                x = item.numbers
                put_in[item.node] = x if self.c.is_array else float(x)
                point = Point(self.c.order, lambda u, z: put_in.get(u, z), self.c.samples or 1)
        return point, verdicts

    def _leads(self, u: Node, v: Node) -> bool:
        return u in _below(v)

    # ------------------------------------------------------------ comparing

    def fits(self, item: Item, x: Operand, scale: float = 1.0) -> bool:
        """True if the numbers handed in are these, as far as their digits tell."""
        x = np.asarray(x) * scale
        given = item.numbers
        if x.shape != given.shape:
            x, given = np.squeeze(x), np.squeeze(given)
            if x.shape != given.shape and (x.ndim or item.is_value):
                return False
        return bool(np.all(np.abs(x - given) <= self.width(item, x, scale)))

    def width(self, item: Item, x: Operand, scale: float = 1.0) -> np.ndarray:
        """How far each number may lie from x."""
        written = item.written
        own = self.tolerance.of(item.node, item.is_value, written.digits, written.decimals) * scale
        right = np.asarray(self.c.point.of(item.node) if item.is_value else self.c.right.get(item.node, 0.0)) * scale
        size, largest = np.max(np.abs(right), initial=0.0), np.max(np.abs(x), initial=0.0)
        grown = max(1.0, largest / size) if size else 1.0
        x = np.asarray(x)
        if x.shape == own.shape and x.size:
            own = own * grown
        else:
            own = np.asarray(np.max(own, initial=0.0) * grown)
        units = written.unit
        rounding = units if units.shape == x.shape else np.asarray(np.max(units, initial=0.0))
        found: np.ndarray = 0.51 * rounding + own
        return found

    def verdict(
        self,
        item: Item,
        right: np.ndarray,
        kind: str,
        given: tuple[str, ...] = (),
        finding: Finding | None = None,
        note: str = "",
    ) -> Verdict:
        """A verdict on an item."""
        digits = item.written.digits if kind in ("right", "right given") else None
        return Verdict(item.key, kind, digits, given, item.node, item.numbers, right, finding, note)

    # ------------------------------------------------------------ gradients

    def _homes(self, items: Sequence[Item]) -> list[float]:
        """Where the 1/m of a mean may be: in the derivatives by parameters alone, as in the lectures, or in all."""
        m = self.c.samples or 1
        if m > 1 and self.c.is_mean and any(self.c.per_sample(i.node) for i in items):
            return [float(m), 1.0]
        return [1.0]

    def predicted(
        self, variant: Variant, point: Point, before: dict[Place, Pull], given: Mapping[Node, Operand]
    ) -> dict[Node, Operand] | None:
        """The gradients of somebody who makes this mistake, None where it cannot be made."""
        try:
            return self.c.replay(point, variant.change(point, before), given)
        except (ValueError, IndexError, TypeError, StopIteration, ArithmeticError):
            return None

    def all_predicted(
        self, point: Point, before: dict[Place, Pull], given: Mapping[Node, Operand]
    ) -> list[dict[Node, Operand] | None]:
        """Those of every mistake."""
        if before or given or point is not self.c.point:
            return [self.predicted(v, point, before, given) for v in self.variants]
        if self._alone is None:
            self._alone = [self.predicted(v, point, before, given) for v in self.variants]
        return self._alone


class _Backward:
    """The gradients of one sheet, read with one home of the 1/m."""

    def __init__(
        self, checker: Checker, items: Sequence[Item], point: Point, wrong: AbstractSet[Node], home: float
    ) -> None:
        """point: the numbers of the forward pass. wrong: the nodes that have wrong ones there."""
        self.checker, self.items, self.point, self.c, self.wrong = checker, items, point, checker.c, wrong
        self.scale = {i.key: home if self.c.per_sample(i.node) else 1.0 for i in items}
        self.right = {i.key: np.asarray(self.c.right.get(i.node, 0.0)) * self.scale[i.key] for i in items}
        self.is_right = {i.key for i in items if self.fits(i, self.c.right)}
        self.given: dict[Node, Operand] = {}
        for i in items:
            if i.key not in self.is_right and i.node.op is not None and i.numbers.shape == np.shape(self.right[i.key]):
                x = i.numbers / self.scale[i.key]
                self.given[i.node] = x if self.c.is_array else float(x)

    def fits(self, item: Item, found: Mapping[Node, Operand]) -> bool:
        return self.checker.fits(item, found.get(item.node, 0.0), self.scale[item.key])

    def marked(self) -> tuple[list[Verdict], list[Finding]]:
        base = self.c.replay(self.point, None, self.given)
        fine = self.is_right | {i.key for i in self.items if self.fits(i, base)}
        explained: dict[str, Finding] = {}
        findings: list[Finding] = []
        before: dict[Place, Pull] = {}
        unexplained: set[str] = set()
        while len(findings) < MOST:
            wrong = [i for i in self.items if i.key not in fine and i.key not in explained and i.key not in unexplained]
            if not wrong:
                break
            found = self._finding(wrong, [i for i in self.items if i.key in fine or i.key in explained], before)
            if found is None:
                unexplained.add(wrong[0].key)
                continue
            findings.append(found)
            explained |= dict.fromkeys(found.explains, found)
            before = found.variants[0].change(self.point, before)
        wrongly = {i.node for i in self.items if i.key not in fine and i.node in self.given}
        verdicts = []
        for i in self.items:
            if i.key in self.is_right:
                verdicts.append(self.checker.verdict(i, self.right[i.key], "right"))
            elif i.key in fine:
                verdicts.append(
                    self.checker.verdict(i, self.right[i.key], "right given", self._nearest(i.node, wrongly))
                )
            else:
                verdicts.append(
                    self.checker.verdict(i, self.right[i.key], "wrong", (), explained.get(i.key), self._note(i))
                )
        return verdicts, _merged(findings)

    def _finding(self, wrong: Sequence[Item], fine: Sequence[Item], before: dict[Place, Pull]) -> Finding | None:
        """The mistake that explains the first wrong number, and most of the others, and spoils none that is right."""
        best: list[tuple[Variant, tuple[str, ...]]] = []
        predicted = self.checker.all_predicted(self.point, before, self.given)
        for variant, found in zip(self.checker.variants, predicted, strict=True):
            if found is None or not self.fits(wrong[0], found):
                continue
            if not all(self.fits(i, found) for i in fine):
                continue
            keys = tuple(i.key for i in wrong if self.fits(i, found))
            if not best or len(keys) > len(best[0][1]):
                best = []
            if not best or len(keys) == len(best[0][1]):
                best.append((variant, keys))
        if not best:
            return None
        best.sort(key=lambda x: len(x[0].made))  # of one slip that which is made in fewest places
        best.sort(key=lambda x: slips.index(x[0].slip))
        variant, keys = best[0]
        best = [x for x in best if x[0].slip is not variant.slip or not set(variant.edges) < set(x[0].edges)]
        explained = [i for i in wrong if i.key in keys]
        tried = sum(p is not None and all(_alike(i, p.get(i.node)) for i in explained) for p in predicted)
        chance = self._chance(explained, tried)
        said = [self._said(v) for v, _ in best]
        alternatives = tuple(dict.fromkeys(s for s in said[1:] if s != said[0]))[: ALTERNATIVES - 1]
        nodes = dict.fromkeys(_named_below(e.operand, self.c) for e in variant.edges)
        written = [x for x in (lines(self.c, variant, u) for u in nodes) if x is not None]
        wrong_lines, right_lines = zip(*written, strict=True) if written else ((), ())
        return Finding(
            _words(variant),
            self._where(variant),
            keys,
            chance < CHANCE,
            chance,
            alternatives,
            wrong_lines,
            right_lines,
            (variant,),
        )

    def _chance(self, items: Sequence[Item], tried: int) -> float:
        """How likely it is that numbers like these fit one of the mistakes that were tried."""
        chance = float(tried)
        for i in items:
            x = i.numbers.reshape(-1)
            width = self.checker.width(i, self.right[i.key])
            width = width if width.shape in ((), i.numbers.shape) else np.asarray(np.max(width))
            widths = np.broadcast_to(width, i.numbers.shape).reshape(-1)
            right = np.abs(self.right[i.key].reshape(-1))
            size = np.maximum(np.abs(x), right if right.shape == x.shape else np.max(right, initial=0.0))
            for k in np.unique(x, return_index=True)[1][:50]:
                if size[k]:
                    chance *= min(1.0, 2 * float(widths[k] / size[k]) / SPREAD)
        return min(1.0, chance)

    def _said(self, variant: Variant) -> str:
        where = ", ".join(self.c.shown[key] for key in self._where(variant))
        return f"{where}: {_words(variant)}"

    def _where(self, variant: Variant) -> tuple[str, ...]:
        """The names of what the mistake was made on the way to, from the target down."""
        found = [self.c.key(_named_below(e.operand, self.c)) for e in variant.edges]
        return tuple(dict.fromkeys(found))

    def _nearest(self, u: Node, wrong: set[Node]) -> tuple[str, ...]:
        """The names of the wrong numbers that the gradient of a node was made of, the nearest on each way."""
        users: dict[Node, list[Node]] = {}
        for v in self.c.order:
            for x in v.operands:
                if is_node(x):
                    users.setdefault(x, []).append(v)
        found, waiting, seen = [], list(users.get(u, ())), set()
        while waiting:
            v = waiting.pop(0)
            if v in seen:
                continue
            seen.add(v)
            if v in wrong:
                found.append(v)
            else:
                waiting += users.get(v, ())
        forward = tuple(self.c.labels[v] for v in self.c.named if v in self.wrong)
        return tuple(self.c.key(v) for v in self.c.named if v in found) or forward

    def _note(self, item: Item) -> str:
        """What a shape tells."""
        right, x = self.right[item.key], item.numbers
        if x.shape == right.shape:
            return ""
        if x.ndim == 2 and x.T.shape == right.shape and self.checker.fits(item._replace(), right.T):
            return f"it is transposed: expected shape {right.shape}, got {x.shape}"
        return f"expected shape {right.shape}, got {x.shape}"


def _alike(item: Item, x: Operand) -> bool:
    """True if numbers of this shape may be what was handed in."""
    return x is not None and np.squeeze(x).shape in ((), np.squeeze(item.numbers).shape)


def _merged(findings: Sequence[Finding]) -> list[Finding]:
    """The same mistake in several places as one finding."""
    found: dict[str, Finding] = {}
    for f in findings:
        if f.slip in found:
            other = found[f.slip]
            f = other._replace(
                where=tuple(dict.fromkeys(other.where + f.where)),
                explains=other.explains + f.explains,
                is_sure=other.is_sure or f.is_sure,
                chance=min(other.chance, f.chance),
                alternatives=tuple(a for a in other.alternatives if a in f.alternatives),
                wrong=other.wrong + f.wrong,
                right=other.right + f.right,
                variants=other.variants + f.variants,
            )
        found[f.slip] = f
    return list(found.values())


def _words(variant: Variant) -> str:
    """What one did, in words."""
    edge, option = variant.made[0]
    names = {"key": variant.key, "other": "", "right": ""}
    if edge.partner is not None and isinstance(option, tuple):
        names |= {"other": edge.of.called(option[0]), "right": edge.of.called(_core(edge.read_by_product, edge.of))}
    return variant.slip.name.format(**names)


def _core(u: Operand, c: Computation) -> Operand:
    return _named_below(u, c) if is_node(u) else u


def _named_below(u: Node, c: Computation) -> Node:
    """The node itself if it has a name, else the first below it that has."""
    waiting = [u]
    while waiting:
        v = waiting.pop(0)
        if v in c.labels:
            return v
        waiting += [x for x in v.operands if is_node(x)]
    return u


def _below(v: Node) -> set[Node]:
    return set(topological_order(v))


def _losses(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    """How much is not right, and how much is so only given other numbers."""
    return sum(v.kind == "wrong" for v in verdicts), sum(v.kind != "right" for v in verdicts)
