"""check_work: a sheet of numbers beside the recorded computation; mistakes are found by replaying them."""

from __future__ import annotations

import collections
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..graph import Node, check_recorded, is_node, topological_order
from ..ieee import quietly
from ..operands import Operand, describe
from ..passes.replay import Place, Point, Pull
from ..used import Used
from .answers import Answer
from .computation import Computation
from .missteps import missteps
from .own_code import handed_in
from .paths import marked_paths, split
from .results import Alternative, Finding, Marking, Verdict, more_digits
from .sheet import Item, Sheet, Unread, read_sheet
from .slips import slips, updated_weights
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
# Mistakes of the forward pass are tried on gradients while that computes not more numbers than this.
BUDGET = 40_000
# In Values with more operands mistakes are not looked for: each may be read wrongly in many ways.
LARGEST = 1_000
# So many mistakes on one sheet are looked for, and so many readings of one are named.
MOST = 8
NAMED = 3
# Two mistakes that only together give what is wrong are looked for while all pairs take so many steps of the graph.
PAIRED = 120_000
# What needs a factor that only the student knows, or two mistakes at once, is asked only of so many numbers that are
# not 0, and the factor is none if it is so near to 1.
FITTED = 3
NOTHING = 1e-3


# A mistake, the gradients of whoever makes it, and if it has a factor also with 0 for it.
Predicted = tuple[Variant, Mapping[Node, Operand] | None, Mapping[Node, Operand] | None]


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
        return list(variants(self.c, slips))

    @functools.cached_property
    def missteps(self) -> list[Variant]:
        """All mistakes that can be made on the way forward."""
        return list(variants(self.c, missteps))

    def check(self, sheet: Sheet | Callable[..., Operand], **arguments: Operand) -> Marking:
        """The sheet, marked; see check_work."""
        if callable(sheet):
            sheet = handed_in(self.c, sheet, arguments)
        elif arguments:
            raise TypeError(f"check_work: {', '.join(arguments)} would be for a function, got {describe(sheet)}")
        numbers, paths = split(self.c, sheet)
        items, unread = read_sheet(self.c, numbers) if numbers or not paths else ([], [])
        point, verdicts, findings = self._values([i for i in items if i.is_value])
        gradients = [i for i in items if not i.is_value]
        if gradients:
            wrong = [v.node for v in verdicts if v.kind == "wrong"]
            read = (Backward(self, gradients, point, wrong, home).marked() for home in self._homes(gradients))
            more, found = min(read, key=lambda marked: _losses(*marked))
            verdicts += more
            findings += found
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

    def _values(self, items: Sequence[Item]) -> tuple[Point, list[Verdict], list[Finding]]:
        """The verdicts on numbers of the forward pass, the numbers with which it goes on, and the mistakes."""
        put_in: dict[Node, Operand] = {}
        point, verdicts = self.c.point, []
        answers = {i.node: self.answer(i, self.c.point.of(i.node)) for i in items}
        explanations: list[Explanation] = []
        for item in items:
            answer = answers[item.node]
            given = tuple(self.c.labels[u] for u in put_in if u in topological_order(item.node))
            if answer.is_right or not (given and answer.fits(point.of(item.node))):
                verdicts.append(verdict(item, answer))
            else:
                verdicts.append(verdict(item, answer, given=given))
            kind = verdicts[-1].kind
            if kind in ("wrong", "right to digits") and not answer.is_near and self.is_searched:
                found = self._misstep(item, answers, point)
                is_told = found is not None and (found.chance < CHANCE if kind != "wrong" else found.as_likely < LIKELY)
                if found is not None and is_told:
                    explanations.append(found)
                    verdicts[-1] = verdicts[-1]._replace(kind="wrong", digits=None)
                elif found is not None and kind == "wrong":
                    verdicts[-1] = verdicts[-1]._replace(note=verdicts[-1].note or more_digits(self.c))
            elif kind == "wrong" and not self.is_searched:
                verdicts[-1] = verdicts[-1]._replace(note=verdicts[-1].note or self.too_large())
            is_usable = item.numbers.shape == answer.right.shape and np.all(np.isfinite(item.numbers))
            if not answer.is_right and is_usable:
                put_in[item.node] = item.numbers if self.c.is_array else float(item.numbers)
                point = Point(self.c.order, lambda u, z: put_in.get(u, z), self.c.samples or 1)
        findings = [e.finding(self.c) for e in _merged(explanations)]
        of_key = {key: f for f in findings for key in f.explains}
        return point, [v._replace(finding=of_key.get(v.key)) for v in verdicts], findings

    def _misstep(self, item: Item, answers: Mapping[Node, Answer], point: Point) -> Explanation | None:
        """The mistake of the forward pass that explains a wrong number, and spoils none that is right."""
        answer = answers[item.node]
        above = set(topological_order(item.node))
        open_to = {item.node} | (above - answers.keys())
        kept = [(u, a) for u, a in answers.items() if a.is_right and item.node not in topological_order(u)]
        numbers: dict[tuple[bytes, ...], tuple[bool, int]] = {}
        best: list[tuple[tuple[Any, ...], Variant]] = []
        for variant in self.missteps:
            if not open_to.issuperset(e.result for e in variant.edges):
                continue
            try:
                made = variant.point(point)
            except (ValueError, IndexError, TypeError, StopIteration, ArithmeticError):
                continue
            x = np.asarray(made.of(item.node))
            if answer.is_close_to_right(x) or not all(a.fits(made.of(u)) for u, a in kept):
                continue
            key = (rounded(x).tobytes(),)
            numbers[key] = min(self.simplicity(variant), numbers.get(key, (True, len(SEEN))))
            if answer.fits(x):
                order = answer.far(x), *self.simplicity(variant), missteps.index(variant.slip), len(variant.made)
                best.append((order, variant))
        if not best:
            return None
        best.sort(key=lambda x: x[0])
        readings: dict[str, Reading] = {}
        for order, variant in best:
            if order[0] <= best[0][0][0] + 1:
                places = tuple(key for _, key in variant.places())
                said = Alternative(variant.slip.read.__name__, variant.words(), places)
                readings.setdefault(said.slip, Reading(said, variant))
        as_simple = sum(simplicity <= self.simplicity(best[0][1]) for simplicity in numbers.values())
        odds = answer.odds()
        chance, as_likely = min(1.0, odds * len(numbers)), min(1.0, odds * as_simple)
        return Explanation((item.key,), chance, as_likely, tuple(readings.values()))

    def simplicity(self, variant: Variant) -> tuple[bool, int]:
        """The less, the sooner it is believed: made in one place, and met often."""
        return len(variant.places()) > 1, SEEN.index(variant.slip.seen)

    # ------------------------------------------------------------ backward

    def _homes(self, items: Sequence[Item]) -> list[float]:
        """Where the 1/m of a mean may be: in the derivatives by parameters alone, as in the lectures, or in all."""
        m = self.c.samples or 1
        is_asked = m > 1 and any(self.c.per_sample(i.node) for i in items)
        return [float(m), 1.0] if is_asked and self.c.is_mean else [1.0]

    def predicted(
        self,
        variant: Variant,
        point: Point,
        before: Sequence[Variant],
        given: Mapping[Node, Operand],
        base: dict[Node, Operand] | None = None,
    ) -> Mapping[Node, Operand] | None:
        """The gradients of somebody who makes this mistake besides those before, None where it cannot be made.

        point: the numbers of the forward pass, those before made already. base: of Values, the gradients without it.
        """
        try:
            read_at = variant.point(point)
            made = made_so(before, read_at)
            change = variant.change(read_at, made)
            if base is None or read_at is not point:
                return self.c.replay(read_at, change, given, later=self.c.leaves)
            last = {place: pull for place, pull in change.items() if made.get(place) is not pull}
            return collections.ChainMap(quietly(self.c.replay.moved, point, base, made, last, given), base)
        except (ValueError, IndexError, TypeError, StopIteration, ArithmeticError):
            return None

    def all_predicted(self, point: Point, before: Sequence[Variant], given: Mapping[Node, Operand]) -> list[Predicted]:
        """Every mistake, what it predicts, and if it has a factor what it predicts with 0 for it.

        Mistakes of the forward pass only where its numbers were not handed in: there they are found by themselves.
        """
        if not (before or given) and point is self.c.point:
            return self._alone + self._alone_forward
        forward = self._affordable if point.instead is None else []
        return self._all([*self.variants, *forward], point, before, given)

    @functools.cached_property
    def _alone(self) -> list[Predicted]:
        return self._all(self.variants, self.c.point, (), {})

    @functools.cached_property
    def _alone_forward(self) -> list[Predicted]:
        return self._all(self._affordable, self.c.point, (), {})

    @functools.cached_property
    def _affordable(self) -> list[Variant]:
        """The mistakes of the forward pass that gradients are asked for: in a large net those in whole layers."""
        most = BUDGET // len(self.c.order)
        whole = [v for v in self.missteps if len(v.made) > 1]
        return self.missteps if len(self.missteps) <= most else whole[:most]

    @property
    def is_searched(self) -> bool:
        """True if mistakes are looked for; in more Values than this they are not."""
        return self.c.is_array or len(self.c.edges) <= LARGEST

    def too_large(self) -> str:
        """What is said where none are looked for."""
        return (
            f"{len(self.c.edges):,} steps are too many to say why (at most {LARGEST:,}); take a smaller net, or Tensors"
        )

    def slipped(self) -> list[tuple[Variant, Mapping[Node, Operand] | None]]:
        """Every slip on the way back made alone, and what it predicts; None where it cannot be made."""
        return [(variant, found) for variant, found, _ in self._alone]

    def _all(
        self, made: Sequence[Variant], point: Point, before: Sequence[Variant], given: Mapping[Node, Operand]
    ) -> list[Predicted]:
        for v in before:
            point = v.point(point)
        base = None if self.c.is_array else dict(self.c.replay(point, made_so(before, point), given))
        found = []
        for v in made:
            zero = self.predicted(v._replace(factor=0.0), point, before, given, base) if v.slip.fits else None
            found.append((v, self.predicted(v, point, before, given, base), zero))
        return found


class Reading(NamedTuple):
    """One mistake that explains numbers: in words, and on the computation."""

    said: Alternative
    variant: Variant


class Explanation(NamedTuple):
    """What explains the numbers of these keys: the readings, the likeliest first. variants: the first in all places.

    chance     how likely it is that numbers like these fit some mistake or other
    as_likely  the same of mistakes that are as simple, and met as often
    """

    keys: tuple[str, ...]
    chance: float
    as_likely: float
    readings: tuple[Reading, ...]
    variants: tuple[Variant, ...] = ()

    def reading(self, words: str) -> Reading | None:
        """The reading that is called so."""
        return next((r for r in self.readings if r.said.slip == words), None)

    def finding(self, c: Computation) -> Finding:
        """The same as it is told."""
        first, *others = self.readings
        told = tuple(r.said for r in others[: NAMED - 1])
        variants = self.variants or (first.variant,)
        return Finding(*first.said, self.keys, self.chance < CHANCE, self.chance, told, variants, c)


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
        self._known: dict[tuple[int, bool], list[Predicted]] = {}
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
        return self.answers[item.key].fits(quietly(np.multiply, found.get(item.node, 0.0), self.scale[item.key]))

    def marked(self) -> tuple[list[Verdict], list[Finding]]:
        """The verdicts, and the mistakes, the nearest to the target first."""
        base = self.c.replay(self.point, None, self.given)
        fine = {i.key for i in self.items if self.answers[i.key].is_near or self.fits(i, base)}
        explained: set[str] = set()
        findings: list[Explanation] = []
        before: tuple[Variant, ...] = ()
        hopeless: set[str] = set()
        untold: set[str] = set()
        while len(findings) < MOST:
            left = [i for i in self.items if i.key not in fine and i.key not in explained]
            if not left or not self.checker.is_searched:
                break
            wrong = [i for i in left if i.key not in hopeless]
            kept = [i for i in self.items if i.key in fine - self.apart or i.key in explained]
            kept.sort(key=lambda i: i.numbers.size)  # the gradients of large weights are not needed where others differ
            if wrong:
                found = self._finding(wrong, kept, before, self.given)
                if found is None and self.apart:  # a slip of its own, made of what is right
                    found = self._finding(wrong[:1], [], (), {})
                if found is None or found.as_likely >= LIKELY:
                    hopeless.add(wrong[0].key)
                    untold |= {wrong[0].key} if found is not None else set()
                    continue
                new = [found]
            else:
                new = self._pair(left, kept, before)
                if not new:
                    break
            findings += new
            explained |= {key for f in new for key in f.keys}
            before = (*before, *(f.readings[0].variant for f in new))
            hopeless.clear()  # on top of what is known now it may be one mistake
        merged = [f.finding(self.c) for f in _merged(findings)]
        of_key = {key: f for f in merged for key in f.explains}
        wrongly = {i.node for i in self.items if i.key not in fine and i.node in self.given}
        verdicts = []
        for i in self.items:
            answer = self.answers[i.key]
            given = () if answer.is_near or i.key not in fine else self._nearest(i.node, wrongly)
            said = verdict(i, answer, given=given, finding=of_key.get(i.key))
            if said.kind == "wrong" and not said.note and not self.checker.is_searched:
                said = said._replace(note=self.checker.too_large())
            is_open = i.key in untold - explained and said.kind == "wrong" and not said.note
            verdicts.append(said._replace(note=more_digits(self.c)) if is_open else said)
        return verdicts, merged

    def _finding(
        self, wrong: Sequence[Item], fine: Sequence[Item], before: Sequence[Variant], given: Mapping[Node, Operand]
    ) -> Explanation | None:
        """The mistake that explains the first wrong number, and most of the others, and spoils none that is right."""
        first, shape = wrong[0], np.squeeze(wrong[0].numbers).shape
        best: list[tuple[tuple[Any, ...], Variant, tuple[str, ...]]] = []
        best_rank = (0, False)
        everything = self._predicted(before, given)
        told = sorted([first, *fine], key=lambda i: i.numbers.size)
        for made, predicted, zero in everything:
            variant, found = made, predicted
            if found is not None and variant.slip.fits:
                variant, found = self._fitted(variant, found, zero, first, before, given)
            if found is None or not all(self.fits(i, found) for i in told):
                continue
            keys = tuple(i.key for i in wrong if self.fits(i, found))
            if all(self._is_close_to_right(i, found) for i in wrong if i.key in keys):
                continue
            if variant.slip.fits and sum(np.count_nonzero(i.numbers) for i in wrong if i.key in keys) < FITTED:
                continue
            rank = len(keys), np.squeeze(found.get(first.node, 0.0)).shape == shape
            if rank > best_rank:
                best, best_rank = [], rank
            if rank == best_rank:
                far = max(self._far(i, found) for i in wrong if i.key in keys)
                best.append(((far, *self._preferred(variant)), variant, keys))
        if not best:
            return None
        best.sort(key=lambda x: (x[1].slip.fits, x[1].slip.fits and not is_simple(x[1].factor), x[0]))
        order, variant, keys = best[0]
        # a fitted factor stands back, and what fits less well
        rest = [v for o, v, _ in best[1:] if v.slip.fits == variant.slip.fits and o[0] <= order[0] + 1]
        # the same in other places too, which these numbers do not tell apart
        rest = [v for v in rest if v.slip is not variant.slip or v.key != variant.key or not self._covers(v, variant)]
        explained = [i for i in wrong if i.key in keys]
        alike = self._numbers_of(everything, explained, fine)
        as_simple = sum(simplicity <= self.checker.simplicity(variant) for simplicity in alike.values())
        odds = float(np.prod([self.answers[i.key].odds() for i in explained]))
        if variant.slip.fits:  # one number went into the factor
            odds *= max(1.0, 1 / max(self.answers[first.key].odds() ** (1 / max(first.numbers.size, 1)), 1e-300))
        chance, as_likely = min(1.0, odds * len(alike)), min(1.0, odds * as_simple)
        readings = {v.words(): Reading(self._said(v, keys), v) for v in reversed([variant, *rest])}
        return Explanation(keys, chance, as_likely, tuple(reversed(readings.values())))

    def _pair(self, wrong: Sequence[Item], fine: Sequence[Item], before: Sequence[Variant]) -> list[Explanation]:
        """Two mistakes that only together explain the first wrong number, and most of the others.

        Each is made in one place, moves that number and spoils none that is right. They are named only if one is sure.
        """
        first, point = wrong[0], self.point
        for v in before:
            point = v.point(point)
        base = self.c.replay(point, made_so(before, point), self.given)
        ones = []
        for v, made, _ in self._predicted(before, self.given):
            is_one = not (v.slip.fits or v.slip.is_forward or self.checker.simplicity(v)[0])
            if made is None or not is_one or not all(self.fits(i, made) for i in fine):
                continue
            x, y = (np.asarray(u.get(first.node, 0.0)) for u in (made, base))
            if x.shape != y.shape or not np.allclose(x, y, rtol=1e-9, atol=0):
                ones.append(v)
        ones.sort(key=self._preferred)
        count = len(ones) * (len(ones) - 1) // 2
        if count * len(self.c.order) > PAIRED:
            return []
        best: list[tuple[int, Variant, Variant, tuple[str, ...]]] = []
        for a, b in itertools.combinations(ones, 2):
            if set(a.edges) & set(b.edges):
                continue
            both = self.checker.predicted(b, point, (*before, a), self.given)
            if both is not None and self.fits(first, both) and all(self.fits(i, both) for i in fine):
                best.append((self._far(first, both), a, b, tuple(i.key for i in wrong if self.fits(i, both))))
        if not best:
            return []
        most = max(len(keys) for *_, keys in best)
        _, one, other, keys = min((x for x in best if len(x[3]) == most), key=lambda x: x[0])
        explained = [i for i in wrong if i.key in keys]
        chance = min(1.0, count * float(np.prod([self.answers[i.key].odds() for i in explained])))
        if chance >= CHANCE or sum(np.count_nonzero(i.numbers) for i in explained) < FITTED:
            return []
        as_well = [(a, b) for _, a, b, fit in best if fit == keys]
        found = []
        for v, beside in ((one, other), (other, one)):
            twins = [a if b is beside else b for a, b in as_well if beside in (a, b)]
            readings = {u.words(): Reading(self._said(u, keys), u) for u in reversed([v, *twins])}
            found.append(Explanation(keys, chance, chance, tuple(reversed(readings.values()))))
        return found

    def _preferred(self, variant: Variant) -> tuple[bool, int, bool, int, int]:
        """Which of several mistakes that fit as well is named first: the least."""
        table = missteps if variant.slip.is_forward else slips
        place = table.index(variant.slip)
        return *self.checker.simplicity(variant), variant.slip.is_forward, place, len(variant.made)

    def _predicted(self, before: Sequence[Variant], given: Mapping[Node, Operand]) -> list[Predicted]:
        """What every mistake predicts on top of those before; `before` only grows."""
        key = len(before), bool(given)
        if key not in self._known:
            self._known[key] = self.checker.all_predicted(self.point, before, given)
        return self._known[key]

    def _numbers_of(
        self,
        everything: Sequence[tuple[Variant, Mapping[Node, Operand] | None, object]],
        explained: Sequence[Item],
        fine: Sequence[Item],
    ) -> dict[tuple[bytes, ...], tuple[bool, int]]:
        """The different wrong numbers that mistakes give for what one explains, each with the simplest that gives it.

        What would spoil a number that is right explains nothing, and what gives the same numbers counts once.
        """
        found: dict[tuple[bytes, ...], tuple[bool, int]] = {}
        for variant, predicted, _ in everything:
            if predicted is None or not all(_alike(i, predicted.get(i.node)) for i in explained):
                continue
            numbers = [np.asarray(predicted.get(i.node, 0.0)) * self.scale[i.key] for i in explained]
            if all(self.answers[i.key].is_close_to_right(x) for i, x in zip(explained, numbers, strict=True)):
                continue
            if not all(self.fits(i, predicted) for i in fine):
                continue
            key = tuple(rounded(x).tobytes() for x in numbers)
            found[key] = min(self.checker.simplicity(variant), found.get(key, (True, len(SEEN))))
        return found

    def _fitted(
        self,
        variant: Variant,
        at_one: Mapping[Node, Operand],
        at_zero: Mapping[Node, Operand] | None,
        first: Item,
        before: Sequence[Variant],
        given: Mapping[Node, Operand],
    ) -> tuple[Variant, Mapping[Node, Operand] | None]:
        """The mistake with the factor that fits the first wrong number, and what it predicts; None if none fits."""
        if at_zero is None or not np.any(first.numbers):
            return variant, None
        scale = self.scale[first.key]
        zero, one = (np.asarray(x.get(first.node, 0.0)) * scale for x in (at_zero, at_one))
        x, d = first.numbers, one - zero
        size = float((d * d).sum()) if d.shape == x.shape else 0.0
        if not size or not np.isfinite(size):
            return variant, None
        factor = float(((x - zero) * d).sum()) / size
        is_none = abs(factor - 1) < NOTHING or (factor < 0 and variant.slip.read is updated_weights)
        if is_none or not self.answers[first.key].fits(zero + factor * d):
            return variant, None
        fitted = variant._replace(factor=factor)
        return fitted, self.checker.predicted(fitted, self.point, before, given)

    def _is_close_to_right(self, item: Item, found: Mapping[Node, Operand]) -> bool:
        """True if what a mistake gives is right as far as the digits tell: it explains nothing."""
        x = np.asarray(found.get(item.node, 0.0)) * self.scale[item.key]
        return self.answers[item.key].is_close_to_right(x)

    def _covers(self, other: Variant, variant: Variant) -> bool:
        """True if a mistake is the same one in other places, or in more."""
        return self.c.is_array or set(variant.edges) < set(other.edges)

    def _far(self, item: Item, found: Mapping[Node, Operand]) -> int:
        """How far what a mistake gives is from what was written, in steps of what rounding on the way comes to."""
        return self.answers[item.key].far(np.asarray(found.get(item.node, 0.0)) * self.scale[item.key])

    def _said(self, variant: Variant, explained: Sequence[str]) -> Alternative:
        """A mistake, and where it was made: of what was handed in only where it explains what is wrong."""
        places = [key for _, key in variant.places({i.node for i in self.items if i.key in explained})]
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


def made_so(variants: Sequence[Variant], point: Point) -> dict[Place, Pull]:
    """What operands get of somebody who makes these mistakes."""
    change: dict[Place, Pull] = {}
    for v in variants:
        change = v.change(point, change)
    return change


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


def rounded(x: np.ndarray) -> np.ndarray:
    """To six digits of the largest: what differs by less was computed in another order."""
    size = float(np.max(np.abs(x), initial=0.0))
    return np.round(x / size, 6) * size + 0.0 if size and np.isfinite(size) else x


def is_simple(factor: float) -> bool:
    """True for 2, −3, 0.1: sooner a mistake than what has more digits."""
    return abs(factor - float(f"{factor:.1g}")) <= 0.01 * abs(factor)


def _alike(item: Item, x: Operand) -> bool:
    """True if numbers of this shape may be what was handed in."""
    return x is not None and np.squeeze(x).shape in ((), np.squeeze(item.numbers).shape)


def _merged(explanations: Sequence[Explanation]) -> list[Explanation]:
    """The same mistake in several places as one: of several readings, that which needs the fewest mistakes."""
    found: list[Explanation] = []
    left = list(explanations)
    while left:
        words = max((r.said.slip for r in left[0].readings), key=lambda w: sum(e.reading(w) is not None for e in left))
        same = [e for e in left if e.reading(words) is not None]
        left = [e for e in left if e.reading(words) is None]
        others = [r for r in same[0].readings if r.said.slip != words and all(e.reading(r.said.slip) for e in same)]
        readings = [e.reading(words) for e in same]
        where = dict.fromkeys(key for r in readings if r for key in r.said.where)
        first = readings[0]
        assert first is not None
        found.append(
            Explanation(
                tuple(key for e in same for key in e.keys),
                min(e.chance for e in same),
                min(e.as_likely for e in same),
                (first._replace(said=first.said._replace(where=tuple(where))), *others),
                tuple(r.variant for r in readings if r),
            )
        )
    return found


def _losses(verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> tuple[int, int, int]:
    """How much is wrong and not explained, how many mistakes there are, and how much is not right."""
    wrong = [v for v in verdicts if v.kind == "wrong"]
    return sum(v.finding is None for v in wrong), len(findings), sum(v.kind != "right" for v in verdicts)
