"""A marked sheet: verdicts, mistakes, points, and how they are written."""

from __future__ import annotations

import functools
import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..formulas.notation import format_number
from ..graph import Node
from .computation import Computation
from .sheet import which
from .variants import Variant
from .wording import Line, lines
from .written import FULL

__all__ = ["Alternative", "Finding", "Marking", "Verdict"]

# A mistake made in many places is shown in the first of them.
SHOWN = 3
# Of so many places where a mistake was made each is told, of more how many there are.
MOST = 6


class Verdict(NamedTuple):
    """What is said of one quantity.

    key     what it is called: "dW[1]", "dL/dw[1]_1,1", "a[1]_2"
    kind    "right"; "right to digits", fewer than were written; "right given" earlier numbers of the sheet that are
            wrong; "wrong"; "not a number"; "untold", where so few digits do not tell
    digits  to how many digits it is right; None where it is wrong
    given   the keys of those earlier quantities
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
        return self.kind in ("right", "right to digits")

    @property
    def has_point(self) -> bool:
        """True but for what is wrong, and for what is no number."""
        return self.kind not in ("wrong", "not a number")


class Alternative(NamedTuple):
    """Another mistake that gives the same numbers here. kind, slip, where: see Finding."""

    kind: str
    slip: str
    where: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """A mistake that was found.

    kind          which it is, as the table of slips calls it: "slope_left_out"
    slip          what was done, in words
    where         on the way to what: dZ[2], dW[1]
    explains      the keys of the numbers that it explains
    is_sure       False if numbers like these would fit some mistake by chance
    chance        how likely that is, about
    alternatives  other mistakes that give the same numbers here
    variants      what was read wrongly, on the computation
    """

    kind: str
    slip: str
    where: tuple[str, ...]
    explains: tuple[str, ...]
    is_sure: bool
    chance: float
    alternatives: tuple[Alternative, ...]
    variants: tuple[Variant, ...]
    computation: Computation

    @functools.cached_property
    def lines(self) -> tuple[tuple[Line, Line], ...]:
        """What somebody writes who does it, and what is right, each a Line: text and LaTeX."""
        toward = {u for u in self.computation.named if self.computation.key(u) in self.where}
        places = [(v, u, key) for v in self.variants for u, key in v.places(toward)]
        named = [x for x in places if x[2] in self.where]
        found = [lines(self.computation, variant, u) for variant, u, _ in (named or places)[:SHOWN]]
        return tuple(x for x in found if x is not None)

    @property
    def wrong(self) -> tuple[Line, ...]:
        """The lines of somebody who does it."""
        return tuple(wrong for wrong, _ in self.lines)

    @property
    def right(self) -> tuple[Line, ...]:
        """The lines that are right."""
        return tuple(right for _, right in self.lines)


class Marking:
    """A sheet, marked. True if all of it is right.

    verdicts  key -> Verdict, in the order of the computation; `marking["dW1"]` takes any way to write a name
    findings  the mistakes, each a Finding
    points    one for each quantity that is not wrong; `possible` for all
    reveals   False if what is written keeps the right numbers and lines to itself; the verdicts hold them all the same
    """

    reveals = True

    def __init__(self, computation: Computation, verdicts: Iterable[Verdict], findings: Iterable[Finding]) -> None:
        self.computation = computation
        self.verdicts: dict[str, Verdict] = {v.key: v for v in verdicts}
        self.findings: tuple[Finding, ...] = tuple(findings)

    @property
    def points(self) -> int:
        """One for each quantity that is not wrong: what is right given earlier numbers has its point."""
        return sum(v.has_point for v in self.verdicts.values())

    @property
    def possible(self) -> int:
        """The points there are."""
        return len(self.verdicts)

    def __bool__(self) -> bool:
        return all(self.verdicts.values())

    def __getitem__(self, name: object) -> Verdict:
        """The verdict on what a name means, however it is written, or on the gradient by a node."""
        if isinstance(name, str) and name in self.verdicts:
            return self.verdicts[name]
        node, is_value = which(self.computation, name)
        key = self.computation.labels[node] if is_value else self.computation.key(node)
        if key not in self.verdicts:
            raise KeyError(f"{key} was not handed in; the sheet has {', '.join(self.verdicts)}")
        return self.verdicts[key]

    def __repr__(self) -> str:
        return f"<marking: {self.points} of {self.possible} points, {len(self.findings)} slips>"

    # ------------------------------------------------------------ words

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """The verdicts, then the mistakes, each with what was written and what is right."""
        shown = self.computation.shown
        width = max(len(shown.get(key, key)) for key in self.verdicts)
        written = [f"{shown.get(key, key).ljust(width)}   {self.said(v)}" for key, v in self.verdicts.items()]
        for f in self.findings:
            written += ["", f"{self._places(f.where)}: {_named(f)}"]
            for wrong, right in self._lines(f):
                written += [f"  yours   {wrong.text}", f"  right   {right.text}"]
            written += [f"  {x}" for x in self._also(f)]
        return "\n".join([*written, "", self._total()])

    def said(self, v: Verdict) -> str:
        """A verdict in words."""
        if v.kind == "right":
            few = v.digits is not None and v.digits < FULL
            said = f"right to {_counted(v.digits or 0)}" if few else "right"
        elif v.kind == "right to digits":
            said = f"right to {_counted(v.digits or 0)}, rounded on the way"
        elif v.kind == "right given":
            said = f"right given your {' and '.join(text for text, _ in self.computation.listed(v.given))}"
        elif v.kind == "not a number":
            said = "not a number"
        elif v.kind == "untold":
            said = "too few digits to tell: write more of them"
        else:
            is_shown = v.note in ("", more_digits(self.computation)) and not v.right.ndim
            it_is = f", and it is {_number(v.right)}" if self.reveals else ""
            said = f"wrong: you have {_number(v.numbers)}{it_is}" if is_shown else "wrong"
        return f"{said}{':' if v.kind == 'not a number' else ';'} {v.note}" if v.note else said

    def _places(self, where: Iterable[str]) -> str:
        texts = [text for text, _ in self.computation.listed(where)]
        return ", ".join(texts) if len(texts) <= MOST else f"{', '.join(texts[:MOST])} and {len(texts) - MOST} more"

    def _lines(self, f: Finding) -> tuple[tuple[Line, Line], ...]:
        return f.lines if self.reveals else ()

    def _also(self, f: Finding) -> list[str]:
        """Other mistakes that give these numbers, and what would tell them apart."""
        others = dict.fromkeys(f"or {self._places(a.where)}: {a.slip}" for a in f.alternatives)
        others.pop(f"or {self._places(f.where)}: {f.slip}", None)
        found = [*others, f"{'all' if len(others) > 1 else 'both'} fit these numbers"] if others else []
        if not f.is_sure:
            told = f"by chance a number fits some mistake in {_share(f.chance)} cases"
            found.append(f"Sure? With so few digits, {told}; {_advice(self.computation)} would tell")
        return found

    def _total(self) -> str:
        kinds = [v.kind for v in self.verdicts.values()]
        given, slips = kinds.count("right given"), len(self.findings)
        more = [f"{slips} slip{'s' * (slips != 1)}"] if slips else []
        more += [f"{given} right given yours"] if given else []
        return f"{self.points} of {self.possible} points" + (f": {', '.join(more)}" if more else "")

    # ------------------------------------------------------------ LaTeX and HTML

    def latex(self) -> str:
        r"""The same as a LaTeX `aligned` environment, to be put in math mode."""
        c = self.computation
        rows = []
        for key, v in self.verdicts.items():
            said = _words(self.said(v._replace(given=())))
            if v.kind == "right given":
                said = r"\text{right given your } " + r",\, ".join(latex for _, latex in c.listed(v.given))
            rows.append(f"{c.latex.get(key, _words(key))} &\\quad {said}")
        for f in self.findings:
            places = [latex for _, latex in c.listed(f.where)]
            more = [rf"\text{{and {len(places) - MOST} more}}"] if len(places) > MOST else []
            where = r",\; ".join([*places[:MOST], *more])
            rows.append(f"{where} &\\quad {_words(_named(f))}")
            for wrong, right in self._lines(f):
                rows += [f"\\text{{yours}} &\\quad {wrong.latex}", f"\\text{{right}} &\\quad {right.latex}"]
            rows += [f"&\\quad {_words(x)}" for x in self._also(f)]
        joined = " \\\\\n".join([*rows, f"&\\quad {_words(self._total())}"])
        return f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"

    def html(self) -> str:
        """The same as an HTML fragment: a table of verdicts, and a list of mistakes with their formulas."""
        colors = {"right": "#2a7d2a", "right to digits": "#2a7d2a", "right given": "#8a6d00", "wrong": "#b00020"}
        colors["not a number"] = colors["wrong"]
        shown = self.computation.shown

        def row(key: str, v: Verdict) -> str:
            color = colors.get(v.kind, "#555")
            name, said = html.escape(shown.get(key, key)), html.escape(self.said(v))
            return f'<tr><td>{name}</td><td style="color:{color}">{said}</td></tr>'

        table = "".join(row(key, v) for key, v in self.verdicts.items())
        found = []
        for f in self.findings:
            said = "".join(
                f"<div><small>{whose}</small> {html.escape(line.text)}</div>"
                for pair in self._lines(f)
                for whose, line in zip(("yours", "right"), pair, strict=True)
            )
            also = "".join(f"<div><small>{html.escape(x)}</small></div>" for x in self._also(f))
            found.append(f"<li>{html.escape(self._places(f.where))}: {html.escape(_named(f))}{said}{also}</li>")
        listed = f"<ul>{''.join(found)}</ul>" if found else ""
        return f"<div><table>{table}</table>{listed}<div>{html.escape(self._total())}</div></div>"

    def _repr_html_(self) -> str:
        return self.html()


def _named(f: Finding) -> str:
    return f.slip if f.is_sure else f"perhaps {f.slip}"


def _counted(digits: int) -> str:
    return f"{digits} digit{'s' * (digits != 1)}"


def _number(x: np.ndarray) -> str:
    return format_number(x.item()).replace("-", "−") if x.size == 1 else f"an array of shape {x.shape}"


def more_digits(c: Computation) -> str:
    """What is said where the numbers fit many mistakes."""
    return f"too few digits to say why: {_advice(c)} would tell"


def _advice(c: Computation) -> str:
    return "more digits" if c.is_array else "more digits, or the factors along the path,"


def _share(chance: float) -> str:
    return f"1 of {max(2, round(1 / chance))}"


_SPECIAL = str.maketrans({c: f"\\{c}" for c in "{}$&#_%"} | {"^": r"\textasciicircum{}", "~": r"\textasciitilde{}"})
_MATH = {
    "⊙": r"$\odot$",
    "λ": r"$\lambda$",
    "ŷ": r"$\hat{y}$",
    "−": "--",
    "′": "'",
    "·": r"$\cdot$",
    "∂": r"$\partial$",
}


def _words(said: str) -> str:
    """Words in math mode."""
    text = said.translate(_SPECIAL)
    for sign, latex in _MATH.items():
        text = text.replace(sign, latex)
    return rf"\text{{{text}}}"
