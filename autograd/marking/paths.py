"""Paths written factor by factor: each factor is compared with its edge, then the product, then the sum."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..graph import Node
from ..operands import Operand
from ..passes.replay import Place, Point, Pull, Replay
from ..paths.path_graph import Path, PathGraph
from .answers import Answer
from .computation import Computation
from .results import Alternative, Finding, Verdict
from .sheet import Sheet, parsed, which
from .tolerance import TIMES, Tolerance
from .variants import Variant
from .written import FULL, Written

__all__ = ["marked_paths", "split"]

# So many paths of a node are looked at.
MOST = 200
# A factor fits a mistake by chance about so often, of as many as can be made on it.
CHANCE = 0.01

_PRODUCT = re.compile(r"[*·⋅×]")


class WrittenPath(NamedTuple):
    """A path as somebody wrote it: its factors, and their product if it says one."""

    factors: tuple[Operand, ...]
    product: Operand


def split(c: Computation, sheet: Sheet) -> tuple[Sheet, list[tuple[Node, tuple[list[WrittenPath], Operand]]]]:
    """The numbers of a sheet, and the paths: for each node those that were written, and their sum if it is said."""
    if isinstance(sheet, str):
        sheet = parsed(sheet)
    try:
        pairs = [(name, x) for name, x in (sheet.items() if isinstance(sheet, Mapping) else sheet)]
    except (TypeError, ValueError):
        return sheet, []  # who reads numbers says what was expected
    numbers, paths = [], []
    for name, x in pairs:
        written = None if c.is_array else _paths(x)
        if written is None:
            numbers.append((name, x))
        else:
            node, _ = which(c, name)
            paths.append((node, written))
    return numbers, paths


def _paths(x: Operand) -> tuple[list[WrittenPath], Operand] | None:
    """Paths, if that is what was written for a number, and their sum."""
    total = None
    if isinstance(x, Mapping):
        total, x = x.get("sum"), x.get("paths")
    if isinstance(x, str) and _PRODUCT.search(x):
        x = [x]
    if not isinstance(x, list | tuple) or not x:
        return None
    if not all(isinstance(p, list | tuple | str) for p in x):
        x = [x]
    return [_path(p) for p in x], total


def _path(p: Operand) -> WrittenPath:
    if isinstance(p, str):
        factors, _, product = p.partition("=")
        return WrittenPath(tuple(f.strip(" ()") for f in _PRODUCT.split(factors)), product.strip() or None)
    return WrittenPath(tuple(p), None)


def marked_paths(
    c: Computation,
    tolerance: Tolerance,
    variants: Sequence[Variant],
    node: Node,
    handed_in: tuple[list[WrittenPath], object],
) -> tuple[list[Verdict], list[Finding]]:
    """The verdicts on every factor, product and sum, and the mistakes."""
    written, total = handed_in
    graph = PathGraph(c.target, keep=(node,))
    known = list(itertools.islice(graph.paths(node), MOST))
    verdicts: list[Verdict] = []
    findings: list[Finding] = []
    products = 0.0
    by = f"{c.labels[c.target]}/d{c.labels[node]}"
    for i, (path, p) in enumerate(_matched(c, tolerance, known, written), 1):
        name = f"path {i} of d{by}"
        if path is None:
            lengths = sorted({len(k.edges) for k in known})
            expected = f"a path from {c.labels[c.target]} to {c.labels[node]} has {_either(lengths)} factors"
            x = np.array([Written(name, f).numbers for f in p.factors])
            verdicts.append(Verdict(name, "wrong", None, (), node, x, np.zeros(0), None, f"{expected}, not {len(x)}"))
            continue
        product = 1.0
        for edge, factor in zip(path.edges, p.factors, strict=True):
            key = f"path {i}, d{c.labels[edge.result]}/d{c.labels[edge.operand]}"
            answer = _factor(c, tolerance, edge.result, edge.operand, Written(key, factor))
            product *= float(answer.numbers)
            finding = None if answer.is_right else _finding(c, variants, key, edge.result, edge.operand, answer)
            findings += [finding] if finding is not None else []
            verdicts.append(_verdict(key, edge.operand, answer, finding))
        products += product
        if p.product is not None:
            verdicts.append(_multiplied(f"path {i}, product", node, Written(name, p.product), product, "factors"))
            products += float(verdicts[-1].numbers) - product
    missing = f"there are {len(known)} paths, and you have {len(written)}" if len(written) < len(known) else ""
    if total is not None:
        verdict = _multiplied(f"sum of d{by}", node, Written(by, total), products, "paths")
        is_short = missing and verdict.kind != "wrong"
        verdicts.append(verdict._replace(kind="wrong", note=missing) if is_short else verdict)
    elif missing:
        x = np.asarray(float(len(written)))
        verdicts.append(Verdict(f"paths of d{by}", "wrong", None, (), node, x, np.asarray(len(known)), None, missing))
    return verdicts, findings


def _matched(
    c: Computation, tolerance: Tolerance, known: Sequence[Path], written: Sequence[WrittenPath]
) -> Iterator[tuple[Path | None, WrittenPath]]:
    """Each path that was written beside the one that it is: the same length, and most factors right."""
    left = list(known)
    for p in written:
        fitting = [k for k in left if len(k.edges) == len(p.factors)]
        if not fitting:
            yield None, p
            continue
        numbers = [Written("path", f) for f in p.factors]

        def right(k: Path, numbers: Sequence[Written] = numbers) -> int:
            return sum(
                _factor(c, tolerance, e.result, e.operand, w).is_right for e, w in zip(k.edges, numbers, strict=True)
            )

        best = max(fitting, key=right)
        left.remove(best)
        yield best, p


def _factor(c: Computation, tolerance: Tolerance, v: Node, u: Node, written: Written) -> Answer:
    right = local(c, c.point, v, u)
    moved = 0.0
    if written.digits < FULL:
        points = tolerance.points(written.digits, written.decimals)
        moved = TIMES * max((abs(local(c, p, v, u) - right) for p in points), default=0.0)
    return Answer(written, right, moved + 1e-9 * abs(right))


def local(c: Computation, point: Point, v: Node, u: Node, change: Mapping[Place, Pull] | None = None) -> float:
    """∂v/∂u with the other named nodes held fixed, on these numbers; change: see `Replay`."""
    replay = Replay(v, [u], stop=lambda x: x is not v and x in c.labels)
    return float(replay(point, change).get(u, 0.0))


def _finding(c: Computation, variants: Sequence[Variant], key: str, v: Node, u: Node, answer: Answer) -> Finding | None:
    """The mistake made in one factor; the place is known."""
    found: list[tuple[Alternative, Variant]] = []
    tried = 0
    for variant in variants:
        edge, *others = variant.edges
        if others or variant.slip.fits or edge.result is not v:
            continue
        try:
            x = local(c, c.point, v, u, variant.change(c.point, {}))
        except (ArithmeticError, TypeError, ValueError):
            continue
        if x == float(answer.right):
            continue
        tried += 1
        if answer.fits(x):
            found.append((Alternative(variant.slip.read.__name__, variant.words(), (key,)), variant))
    if not found:
        return None
    said, *others_said = dict.fromkeys(said for said, _ in found)
    chance = min(1.0, answer.odds() * tried)
    return Finding(*said, (key,), chance < CHANCE, chance, tuple(others_said[:2]), (found[0][1],), c)


def _verdict(key: str, node: Node, answer: Answer, finding: Finding | None) -> Verdict:
    near = 0 if answer.is_right or finding else answer.near()
    kind = "right" if answer.is_right else "right to digits" if near else "wrong"
    digits = answer.digits if answer.is_right else near or None
    return Verdict(key, kind, digits, (), node, answer.numbers, answer.right, finding, "")


def _multiplied(key: str, node: Node, written: Written, x: float, of: str) -> Verdict:
    """Whether a product or a sum is that of the numbers that were written before it."""
    answer = Answer(written, x, 3 * 0.5 * float(written.unit) + 1e-9 * abs(x))
    note = "" if answer.is_right else f"it is not the {'product' if of == 'factors' else 'sum'} of your {of}"
    return _verdict(key, node, answer, None)._replace(note=note)


def _either(lengths: Sequence[int]) -> str:
    return " or ".join(map(str, lengths))
