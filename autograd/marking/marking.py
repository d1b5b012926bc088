"""check_work: a sheet of numbers beside the recorded computation; mistakes are found by replaying them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..graph import Node, check_recorded, is_node, topological_order
from ..operands import Operand, describe
from ..passes.replay import Place, Point, Pull
from ..used import Used
from .answers import Answer
from .computation import Computation
from .own_code import handed_in
from .paths import marked_paths, split
from .results import Alternative, Finding, Marking, Verdict, more_digits
from .sheet import Item, Sheet, Unread, read_sheet
from .slips import slips
from .tolerance import Tolerance
from .variants import Variant, variants
from .written import NotANumber

__all__ = ["Checker", "Marking", "check_work"]

# One is sure of a mistake if numbers like these would fit some mistake or other by chance less often than this.
CHANCE = 0.01
# Nothing is named if numbers like these would fit some mistake as simple in every other case.
LIKELY = 0.5
# Mistakes that are met more often come first.
SEEN = ("often", "regularly", "once", "tried")
# So many mistakes on one sheet are looked for, and so many readings of one are named.
MOST = 8
NAMED = 3
# What needs a factor that only the student knows is asked only of so many numbers that are not 0.
FITTED = 3


def check_work(
    target: Node, sheet: Sheet | Callable[..., Operand], *, reveal: bool = True, **arguments: Operand
) -> Marking:
    """Whether gradients worked out by hand are right, and which mistake explains them if they are not.

    target: the loss, a Value, or a Tensor of one element.
    sheet: names and numbers, as a dictionary, pairs, or lines of text, "dW[1] = ...". Names are those of the
    computation as lectures write them: "dW[1]", "db1", "dZ[2]", "dL/dw[1]_1,1" for gradients, "a[1]_1" for a value of
    the forward pass; a node stands for the gradient by it. Numbers may be strings, "0.0820", which keep their digits.
    Of a Value a list of paths is taken too, each a list of factors or a string, "0.7414 * 0.1868 * 0.5933 = 0.0821".
    Or a function: your own backward pass in NumPy, which is called with the recorded arrays by its parameters' names
    (Z1 is Z[1]; `arguments` for others) and whose local dZ2, dW2, ... are read as it returns.
    reveal: False keeps what is right to itself: "wrong: you have 0.7414", and of a mistake its name and not its lines.

    Returns a Marking: print it. A number is right, right to fewer digits than were written, right given your earlier
    numbers, wrong, or not a number; 0,0820 is read as 0.0820. TypeError and ValueError for names that are not in the
    computation (they say which are); ValueError if the computation itself gives nan or infinity.
    """
    marking = Checker(target).check(sheet, **arguments)
    marking.reveals = reveal
    return marking


class Checker:
    """What checks sheets against one computation; the mistakes are replayed once for all of them."""

    def __init__(self, target: Node) -> None:
        if not is_node(target):
            raise TypeError(f"check_work: expected the target to be a Value or a Tensor, got {describe(target)}")
        check_recorded("check_work", target)
        if getattr(target, "size", 1) != 1:
            raise ValueError(f"check_work: expected a target of one element, got shape {target.shape}; reduce it")
        _check_unchanged(target)
        self.c = Computation(target)
        for u in self.c.named:
            for x in (self.c.point.of(u), self.c.right.get(u, 0.0)):
                if not np.all(np.isfinite(x)):
                    raise ValueError(
                        f"check_work: the computation gives nan or infinity at {self.c.name(u)}; "
                        "there is no right number"
                    )
        self.tolerance = Tolerance(self.c)

    @functools.cached_property
    def variants(self) -> list[Variant]:
        """All mistakes that can be made in it; of those with a factor also what it is without."""
        return list(variants(self.c))

    def check(self, sheet: Sheet | Callable[..., Operand], **arguments: Operand) -> Marking:
        """The sheet, marked; see check_work."""
        if callable(sheet):
            sheet = handed_in(self.c, sheet, arguments)
        elif arguments:
            raise TypeError(f"check_work: {', '.join(arguments)} would be for a function, got {describe(sheet)}")
        numbers, paths = split(self.c, sheet)
        items, unread = read_sheet(self.c, numbers) if numbers or not paths else ([], [])
        point, verdicts = self._values([i for i in items if i.is_value])
        gradients = [i for i in items if not i.is_value]
        findings: list[Finding] = []
        if gradients:
            wrong = [v.node for v in verdicts if v.kind == "wrong"]
            read = (Backward(self, gradients, point, wrong, home).marked() for home in self._homes(gradients))
            more, findings = min(read, key=lambda marked: _losses(*marked))
            verdicts += more
        for node, written in paths:
            try:
                more, found = marked_paths(self.c, self.tolerance, self.variants, node, written)
            except NotANumber as error:
                unread.append(Unread(self.c.key(node), node, False, error.written))
                continue
            verdicts += more
            findings += found
        verdicts += [self._not_a_number(u) for u in unread]
        return Marking(self.c, verdicts, findings)

    def _not_a_number(self, unread: Unread) -> Verdict:
        u = unread.node
        right = np.asarray(self.c.point.of(u) if unread.is_value else self.c.right.get(u, 0.0), float)
        note = repr(unread.said)
        return Verdict(unread.key, "not a number", None, (), u, np.asarray(np.nan), right, None, note)

    def answer(self, item: Item, right: Operand, scale: float = 1.0) -> Answer:
        """The numbers of an item beside the right ones."""
        written = item.written
        moved = self.tolerance.of(item.node, item.is_value, *written.carried)
        return Answer(written, right, moved * scale, is_exact=item.is_value)

    # ------------------------------------------------------------ forward

    def _values(self, items: Sequence[Item]) -> tuple[Point, list[Verdict]]:
        """The verdicts on numbers of the forward pass, and the numbers with which it goes on."""
        put_in: dict[Node, Operand] = {}
        point, verdicts = self.c.point, []
        for item in items:
            answer = self.answer(item, self.c.point.of(item.node))
            given = tuple(self.c.labels[u] for u in put_in if u in topological_order(item.node))
            if answer.is_right or not (given and answer.fits(point.of(item.node))):
                verdicts.append(verdict(item, answer))
            else:
                verdicts.append(verdict(item, answer, given=given))
            is_usable = item.numbers.shape == answer.right.shape and np.all(np.isfinite(item.numbers))
            if not answer.is_right and is_usable:
                put_in[item.node] = item.numbers if self.c.is_array else float(item.numbers)
                point = Point(self.c.order, lambda u, z: put_in.get(u, z), self.c.samples or 1)
        return point, verdicts

    # ------------------------------------------------------------ backward

    def _homes(self, items: Sequence[Item]) -> list[float]:
        """Where the 1/m of a mean may be: in the derivatives by parameters alone, as in the lectures, or in all."""
        m = self.c.samples or 1
        is_asked = m > 1 and any(self.c.per_sample(i.node) for i in items)
        return [float(m), 1.0] if is_asked and self.c.is_mean else [1.0]

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
    ) -> list[tuple[Variant, dict[Node, Operand] | None, dict[Node, Operand] | None]]:
        """Every mistake, what it predicts, and if it has a factor what it predicts with 0 for it."""
        if not (before or given) and point is self.c.point:
            return self._alone
        return self._all(point, before, given)

    @functools.cached_property
    def _alone(self) -> list[tuple[Variant, dict[Node, Operand] | None, dict[Node, Operand] | None]]:
        return self._all(self.c.point, {}, {})

    def _all(
        self, point: Point, before: dict[Place, Pull], given: Mapping[Node, Operand]
    ) -> list[tuple[Variant, dict[Node, Operand] | None, dict[Node, Operand] | None]]:
        found = []
        for v in self.variants:
            zero = self.predicted(v._replace(factor=0.0), point, before, given) if v.slip.fits else None
            found.append((v, self.predicted(v, point, before, given), zero))
        return found


class Backward:
    """The gradients of one sheet, read with one home of the 1/m.

    items: from the target down. point: the numbers of the forward pass. wrong: the nodes that have wrong ones there.
    home: what the gradients of what has a row per sample are multiplied by.
    """

    def __init__(
        self, checker: Checker, items: Sequence[Item], point: Point, wrong: Sequence[Node], home: float
    ) -> None:
        self.checker, self.items, self.point, self.c, self.wrong = checker, items, point, checker.c, wrong
        self.scale = {i.key: home if self.c.per_sample(i.node) else 1.0 for i in items}
        self.answers: dict[str, Answer] = {}
        self.given: dict[Node, Operand] = {}
        for i in items:
            scale = self.scale[i.key]
            right = np.asarray(self.c.right.get(i.node, np.zeros(np.shape(self.c.point.of(i.node))))) * scale
            answer = self.answers[i.key] = checker.answer(i, right, scale)
            if not answer.is_right:
                self._go_on_from(i)
        base = self.c.replay(point, None, self.given)
        # what is right below what is wrong was not made of it: nothing has to give it, and the rest goes on from it
        self.apart = {i.key for i in items if self.answers[i.key].is_right and not self.fits(i, base)}
        for i in items:
            if i.key in self.apart:
                self._go_on_from(i)

    def _go_on_from(self, item: Item) -> None:
        """Later numbers are those that the numbers of this item lead to."""
        scale = self.scale[item.key]
        if item.node.op is not None and item.numbers.shape == self.answers[item.key].right.shape:
            self.given[item.node] = item.numbers / scale if self.c.is_array else float(item.numbers / scale)

    def fits(self, item: Item, found: Mapping[Node, Operand]) -> bool:
        """True if these are the numbers handed in."""
        x = np.asarray(found.get(item.node, 0.0)) * self.scale[item.key]
        return self.answers[item.key].fits(x)

    def marked(self) -> tuple[list[Verdict], list[Finding]]:
        """The verdicts, and the mistakes, the nearest to the target first."""
        base = self.c.replay(self.point, None, self.given)
        fine = {i.key for i in self.items if self.answers[i.key].is_near or self.fits(i, base)}
        explained: dict[str, Finding] = {}
        findings: list[Finding] = []
        before: dict[Place, Pull] = {}
        hopeless: set[str] = set()
        untold: set[str] = set()
        while len(findings) < MOST:
            wrong = [i for i in self.items if i.key not in fine and i.key not in explained and i.key not in hopeless]
            if not wrong:
                break
            kept = [i for i in self.items if i.key in fine - self.apart or i.key in explained]
            found = self._finding(wrong, kept, before, self.given)
            if found is None and self.apart:  # a slip of its own, made of what is right
                found = self._finding(wrong[:1], [], {}, {})
            if found is None or found.chance >= LIKELY:
                hopeless.add(wrong[0].key)
                untold |= {wrong[0].key} if found is not None else set()
                continue
            findings.append(found)
            explained |= dict.fromkeys(found.explains, found)
            before = found.variants[0].change(self.point, before)
        findings = _merged(findings)
        of_key = {key: f for f in findings for key in f.explains}
        wrongly = {i.node for i in self.items if i.key not in fine and i.node in self.given}
        verdicts = []
        for i in self.items:
            answer = self.answers[i.key]
            given = () if answer.is_near or i.key not in fine else self._nearest(i.node, wrongly)
            said = verdict(i, answer, given=given, finding=of_key.get(i.key))
            is_open = i.key in untold and said.kind == "wrong" and not said.note
            verdicts.append(said._replace(note=more_digits(self.c)) if is_open else said)
        return verdicts, findings

    def _finding(
        self, wrong: Sequence[Item], fine: Sequence[Item], before: dict[Place, Pull], given: Mapping[Node, Operand]
    ) -> Finding | None:
        """The mistake that explains the first wrong number, and most of the others, and spoils none that is right."""
        first, shape = wrong[0], np.squeeze(wrong[0].numbers).shape
        best: list[tuple[tuple[Any, ...], Variant, tuple[str, ...]]] = []
        best_rank = (0, False)
        everything = self.checker.all_predicted(self.point, before, given)
        for made, predicted, zero in everything:
            variant, found = made, predicted
            if found is not None and variant.slip.fits:
                variant, found = self._fitted(variant, found, zero, first, before, given)
            if found is None or not self.fits(first, found) or not all(self.fits(i, found) for i in fine):
                continue
            keys = tuple(i.key for i in wrong if self.fits(i, found))
            rank = len(keys), np.squeeze(found.get(first.node, 0.0)).shape == shape
            if rank > best_rank:
                best, best_rank = [], rank
            if rank == best_rank:
                far = max(self._far(i, found) for i in wrong if i.key in keys)
                order = far, *self._simplicity(variant), slips.index(variant.slip), len(variant.made)
                best.append((order, variant, keys))
        if not best:
            return None
        best.sort(key=lambda x: (x[1].slip.fits, x[0]))
        order, variant, keys = best[0]
        # a fitted factor stands back, and what fits less well
        rest = [v for o, v, _ in best[1:] if v.slip.fits == variant.slip.fits and o[0] == order[0]]
        # the same in other places too, which these numbers do not tell apart
        rest = [v for v in rest if v.slip is not variant.slip or v.key != variant.key or not self._covers(v, variant)]
        said, *others = dict.fromkeys(self._said(v, keys) for v in [variant, *rest])
        explained = [i for i in wrong if i.key in keys]
        alike = [v for v, p, _ in everything if p is not None and all(_alike(i, p.get(i.node)) for i in explained)]
        as_simple = sum(self._simplicity(v) <= self._simplicity(variant) for v in alike)
        odds = float(np.prod([self.answers[i.key].odds() for i in explained]))
        if variant.slip.fits:  # one number went into the factor
            odds *= max(1.0, 1 / max(self.answers[first.key].odds() ** (1 / max(first.numbers.size, 1)), 1e-300))
        chance, is_sure = min(1.0, odds * as_simple), odds * len(alike) < CHANCE
        return Finding(*said, keys, is_sure, chance, tuple(others[: NAMED - 1]), (variant,), self.c)

    def _fitted(
        self,
        variant: Variant,
        at_one: Mapping[Node, Operand],
        at_zero: Mapping[Node, Operand] | None,
        first: Item,
        before: dict[Place, Pull],
        given: Mapping[Node, Operand],
    ) -> tuple[Variant, dict[Node, Operand] | None]:
        """The mistake with the factor that fits the first wrong number, and what it predicts; None if none fits."""
        if at_zero is None or np.count_nonzero(first.numbers) < FITTED:
            return variant, None
        scale = self.scale[first.key]
        zero, one = (np.asarray(x.get(first.node, 0.0)) * scale for x in (at_zero, at_one))
        x, d = first.numbers, one - zero
        size = float((d * d).sum()) if d.shape == x.shape else 0.0
        if not size or not np.isfinite(size):
            return variant, None
        factor = float(((x - zero) * d).sum()) / size
        if not self.answers[first.key].fits(zero + factor * d):
            return variant, None
        fitted = variant._replace(factor=factor)
        return fitted, self.checker.predicted(fitted, self.point, before, given)

    def _covers(self, other: Variant, variant: Variant) -> bool:
        """True if a mistake is the same one in other places, or in more."""
        return self.c.is_array or set(variant.edges) < set(other.edges)

    def _far(self, item: Item, found: Mapping[Node, Operand]) -> int:
        """How far what a mistake gives is from what was written, in steps of what rounding on the way comes to."""
        return self.answers[item.key].far(np.asarray(found.get(item.node, 0.0)) * self.scale[item.key])

    def _simplicity(self, variant: Variant) -> tuple[bool, int]:
        """The less, the sooner it is believed: made in one place, and met often."""
        return len(self.c.places(variant.edges)) > 1, SEEN.index(variant.slip.seen)

    def _said(self, variant: Variant, explained: Sequence[str]) -> Alternative:
        """A mistake, and where it was made: of what was handed in only where it explains what is wrong."""
        places = [self.c.key(u) for u in self.c.places(variant.edges)]
        where = tuple(key for key in places if key in explained)
        where = where or tuple(key for key in places if key not in self.answers) or tuple(places)
        return Alternative(variant.slip.read.__name__, variant.words(), where)

    def _nearest(self, u: Node, wrong: set[Node]) -> tuple[str, ...]:
        """The keys of the wrong numbers that the gradient of a node was made of, the nearest on each way."""
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


def _check_unchanged(target: Node) -> None:
    """RuntimeError if the numbers are no longer those of the forward pass."""
    if Used(target).changed:
        raise RuntimeError(
            "check_work: the data of a node was changed after the forward pass used it; run the forward pass again"
        )


def verdict(item: Item, answer: Answer, *, given: tuple[str, ...] = (), finding: Finding | None = None) -> Verdict:
    """What is said of an item. given: the keys of wrong earlier numbers, given which it is right."""
    near = 0 if answer.is_right or given or finding else answer.near()
    if answer.is_untold:
        kind, digits = "untold", None
    elif answer.is_right:
        kind, digits = "right", answer.digits
    elif given:
        kind, digits = "right given", answer.digits
    else:
        kind, digits = ("right to digits", near) if near else ("wrong", None)
    note = "" if kind == "right given" else _shape_note(answer)
    return Verdict(item.key, kind, digits, given, item.node, item.numbers, answer.right, finding, note)


def _shape_note(answer: Answer) -> str:
    """What a shape tells."""
    x, right = answer.numbers, answer.right
    if x.shape == right.shape or (answer.is_right and not right.ndim):
        return ""
    is_turned = x.ndim == 2 and x.T.shape == right.shape and answer.fits_turned()
    said = "it is transposed: " if is_turned else "the numbers are, " if answer.is_right else ""
    return f"{said}expected shape {right.shape}, got {x.shape}"


def _alike(item: Item, x: Operand) -> bool:
    """True if numbers of this shape may be what was handed in."""
    return x is not None and np.squeeze(x).shape in ((), np.squeeze(item.numbers).shape)


def _merged(findings: Sequence[Finding]) -> list[Finding]:
    """The same mistake in several places as one finding."""
    found: dict[str, Finding] = {}
    for f in findings:
        other = found.get(f.slip)
        found[f.slip] = (
            f
            if other is None
            else replace(
                other,
                where=tuple(dict.fromkeys(other.where + f.where)),
                explains=other.explains + f.explains,
                is_sure=other.is_sure or f.is_sure,
                chance=min(other.chance, f.chance),
                alternatives=tuple(a for a in other.alternatives if a.slip in {x.slip for x in f.alternatives}),
                variants=other.variants + f.variants,
            )
        )
    return list(found.values())


def _losses(verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> tuple[int, int, int]:
    """How much is wrong and not explained, how many mistakes there are, and how much is not right."""
    wrong = [v for v in verdicts if v.kind == "wrong"]
    return sum(v.finding is None for v in wrong), len(findings), sum(v.kind != "right" for v in verdicts)
