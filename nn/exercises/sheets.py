"""Sheets of exercises: what they ask, their keys, and the marking of what comes back."""

from __future__ import annotations

import html
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd import derive
from autograd.graph import Node
from autograd.marking.marking import Checker, Marking
from autograd.marking.results import Finding, Verdict
from autograd.operands import Operand, describe
from autograd.signatures import Json

from ..files.whole import write_whole
from . import writing
from .handed_in import HandedIn, Unread, is_near, number_of, word
from .problems import (
    Problem,
)
from .writing import Blank, Block, Heading, Math, Numbers, Paragraph, Verbatim, written

__all__ = ["Exercise", "Marked", "Part", "Sheet"]

FORMS = {".txt": "text", ".md": "markdown", ".tex": "latex", ".html": "html"}
TITLES = {
    "neuron": "one neuron",
    "chain": "a chain of neurons",
    "paths": "the paths of a net",
    "shared": "a weight that is used twice",
    "factor": "the missing factor",
    "find": "find the mistake",
    "update": "one training step",
    "convolution": "one convolution",
    "recurrent": "two steps of a recurrent unit",
    "matrices": "gradients in matrices",
    "shapes": "shapes of matrices",
}
NAME = Paragraph(("Name: ", Math("_" * 30, r"\underline{\hspace{18em}}")))
FIXED = ("shared", "convolution", "recurrent")  # these have no layers to choose


class Part(NamedTuple):
    """A question. words: what is asked. blanks: what is to be filled in. gaps: how the sheet shows them, if not one by
    one."""

    words: tuple[str | Math, ...]
    blanks: tuple[Blank, ...]
    gaps: tuple[Numbers, ...] = ()


class Sheet:
    """A sheet, or a key, in four forms: text, Markdown, LaTeX and HTML."""

    def __init__(self, blocks: Sequence[Block], digits: int) -> None:
        self._blocks, self._digits = tuple(blocks), digits

    def text(self) -> str:
        """For a terminal or a plain file."""
        return writing.as_text(self._blocks, self._digits)

    def markdown(self) -> str:
        """With LaTeX between dollars."""
        return writing.as_markdown(self._blocks, self._digits)

    def latex(self) -> str:
        """A whole document for pdflatex."""
        return writing.as_latex(self._blocks, self._digits)

    def html(self) -> str:
        """A piece of a page, with its style."""
        return writing.as_html(self._blocks, self._digits)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it in the form that the name says: .txt, .md, .tex or .html. Returns the path."""
        path = Path(path)
        if path.suffix not in FORMS:
            raise ValueError(f"save: expected a name that ends in {', '.join(FORMS)}; got {str(path)!r}")
        write_whole(path, getattr(self, FORMS[path.suffix])().encode())
        return path

    def __str__(self) -> str:
        return self.text().rstrip("\n")

    def _repr_html_(self) -> str:
        return self.html()


class Exercise(Sheet):
    """A sheet of exercises. Print it, save it, and give `check` what was filled in.

    seed, kind, level, layers, activation, form   what it was made of; the same again make the same sheet
    loss     the recorded loss that it is about, for `derive`, `check_work` and `viz.explore`
    blanks   what is to be filled in, each with what is right
    key      a Sheet with the answers
    blank    a text file to be filled in: `name = ____`, line by line
    points   how many there are, one for each blank
    """

    def __init__(self, options: Json, problem: Problem, parts: Sequence[Part], notes: Sequence[Block]) -> None:
        self._options, self._problem, self._parts, self._notes = options, problem, tuple(parts), tuple(notes)
        self.seed: int = options["seed"]
        self.kind: str = options["kind"]
        self.level: int = options["level"]
        self.layers: tuple[int, ...] = options["layers"]
        self.activation: str = options["activation"]
        self.form: str = options["form"]
        self.loss = problem.loss
        self.blanks = tuple(b for part in self._parts for b in part.blanks)
        super().__init__(self._asked(), options["digits"] + 2)

    def __repr__(self) -> str:
        return f"<exercise {self.seed}: {self.kind}, level {self.level}, {self.points} points>"

    @property
    def points(self) -> int:
        """One for each blank."""
        return len(self.blanks)

    @property
    def command(self) -> str:
        """What makes it again in a shell."""
        o = self._options
        said = f"gradpath exercise --seed {o['seed']} --kind {o['kind']} --level {o['level']}"
        if self.kind not in FIXED:
            said += f" --layers {','.join(map(str, o['layers']))}"
        said += f" --activation {o['activation']} --digits {o['digits']}"
        return said + (f" --form {o['form']}" if o["form"] != "rows" else "")

    @property
    def title(self) -> str:
        """Its number and what it is about."""
        return f"Exercise {self.seed}: {TITLES[self.kind]}"

    @property
    def equations(self) -> tuple[Math, ...]:
        """What is computed, each as text and LaTeX."""
        return self._problem.equations

    @property
    def nodes(self) -> dict[str, Node]:
        """The named nodes of its computation."""
        return self._problem.nodes

    @property
    def is_exact(self) -> bool:
        """Whether all numbers are short, so that nobody rounds."""
        return bool(self._options["is_exact"])

    def _setting(self) -> list[Block]:
        parts: list[str | Math] = []
        for i, equation in enumerate(self._problem.equations):
            parts += ["; " if i else "", equation]
        found: list[Block] = [Paragraph(tuple(parts))] if parts else []
        return [*found, *([Numbers(self._problem.given)] if self._problem.given else [])]

    def _asked(self) -> list[Block]:
        said = f"Level {self.level}, {self.points} points. Made by: {self.command}"
        blocks: list[Block] = [Heading(self.title), NAME, Paragraph((said,)), *self._setting(), *self._notes]
        for number, part in enumerate(self._parts, 1):
            blocks.append(Paragraph(part.words, number))
            blocks += part.gaps or [Numbers(tuple((b.shown, _gaps(b.shape)) for b in part.blanks))]
        return blocks

    @property
    def key(self) -> Sheet:
        """The answers, with the derivations of the gradients by weights."""
        blocks: list[Block] = [Heading(f"{self.title}: key"), Paragraph((f"{self.points} points",)), *self._setting()]
        for number, part in enumerate(self._parts, 1):
            blocks.append(Paragraph(part.words, number))
            blocks.append(Numbers(tuple((b.shown, b.right) for b in part.blanks)))
        return Sheet([*blocks, *self._explained()], self._digits)

    def _explained(self) -> list[Block]:
        extra: list[Block] = list(self._options.get("explained", ()))
        if self.kind == "shapes":
            return extra
        nodes = self._problem.nodes
        sources = [name for name in self._problem.gradients if nodes[name].op is None]
        shown = sources[-2:-1] if self._problem.is_array else _worth_deriving(self._problem, sources)
        for name in shown:
            options: Any = {"form": self.form} if self._problem.is_array else {}
            d: Any = derive(self.loss, nodes[name], **options)
            extra.append(Verbatim(d.text(), d.latex()))
        return extra

    @property
    def blank(self) -> str:
        """A text file to be filled in; `check` takes its path; `gradpath check` makes the exercise again."""
        lines = [
            f"# {self.command}",
            "# Name: ",
            "#",
            f"# {self.title}. Fill in the numbers; what stays ____ is not marked.",
            "# The first line without its #, typed in a shell, prints the sheet; with --latex or --html for paper.",
            "#",
            *(f"# {line}".rstrip() for line in self._given_text().splitlines()),
        ]
        for number, part in enumerate(self._parts, 1):
            said = "".join(p if isinstance(p, str) else p.text for p in part.words)
            lines += ["", f"# {number}. {said}", *(f"{b.name} = {_typed_gaps(b.shape)}" for b in part.blanks)]
        return "\n".join(lines) + "\n"

    def _given_text(self) -> str:
        return writing.as_text([*self._setting(), *self._notes], self._digits)

    # ------------------------------------------------------------ marking

    def check(self, answers: object, *, reveal: bool = False) -> Marked:
        """What was filled in, marked, with points.

        answers: names and numbers, as {"dL/dw[1]_1,1": "-18"}, or the path of a text file such as `blank`, filled in,
        or its text. Numbers as people write them: 3.5 and 3,5, 1/3, 50 %. Of two answers to one question none counts.
        reveal: True says what is right too; without it a sheet can be handed back, and tried once more.

        ValueError for names in a dictionary that are not asked for; lines of a file that are not are listed.
        """
        handed = self._read(answers)
        given = handed.answers
        verdicts: dict[str, tuple[bool, str]] = {}
        numbers = {
            b.name: self._as_handed_in(given[b.name])
            for b in self.blanks
            if b.name in self._checkable and not isinstance(given.get(b.name, Unread("")), Unread)
        }
        marking = self.checker.check(numbers) if numbers else None
        if marking is not None:
            marking.reveals = reveal
        for b in self.blanks:
            x = given.get(b.name)
            if x is None:
                verdicts[b.name] = (False, "left empty")
            elif isinstance(x, Unread):
                verdicts[b.name] = (False, x.said)
            elif marking is not None and b.name in numbers:
                verdict = marking[b.name]
                verdicts[b.name] = (verdict.has_point, _said(marking, verdict))
            else:
                counts, said, it_is = self._compared(b, given)
                verdicts[b.name] = (counts, f"{said}; it is {it_is}" if it_is and reveal else said)
        return Marked(self, verdicts, marking, given, handed.ignored)

    def _as_handed_in(self, x: Operand) -> Operand:
        """Where all numbers are short nobody rounds, and 3 means 3.000000000000."""
        if not self._options["is_exact"]:
            return x
        if isinstance(x, list | tuple | np.ndarray):
            return [self._as_handed_in(u) for u in x]
        found = number_of(x)
        return x if math.isnan(found) else f"{found:.12f}"

    def mistakes(self) -> dict[str, list[tuple[float, str]]]:
        """For each blank that takes one number the numbers that mistakes give there, and what `check` says of them.

        What was asked for before is taken to be right, so that the mistake is behind it.
        """
        found: dict[str, list[tuple[float, str]]] = {}
        before: dict[str, Any] = {}
        for b in self.blanks:
            if b.shape or isinstance(b.right, str):
                continue
            found[b.name] = []
            for x in sorted({round(float(u), 9) for u in self._mistaken(b)} - {round(float(b.right), 9)}):
                marked = self.check({**before, b.name: x})
                said = marked.verdicts[b.name][1]
                if marked.findings:
                    first = marked.findings[0]
                    found[b.name].append((x, first.slip if first.is_sure else f"perhaps {first.slip}"))
                elif said.startswith("wrong: ") and not said.startswith("wrong: you have"):
                    found[b.name].append((x, said.removeprefix("wrong: ")))
            if b.name.startswith("dL/d"):
                before[b.name] = b.right
        return found

    def _mistaken(self, b: Blank) -> list[float]:
        """Numbers that mistakes give in a blank."""
        predicted = [x for _, x in self.checker.slipped() if x is not None]
        if b.name.startswith("new "):
            return [x for _, x in self._wrong_steps(b)]
        if b.name in self._options.get("factors", {}):
            source, others, rest = self._options["factors"][b.name]
            node = self._problem.nodes[source]
            return [(float(x.get(node, 0.0)) - rest) / others for x in predicted if others]
        if b.name in self._checkable and b.name.startswith("d"):
            node = self._problem.nodes[b.name.partition("/d")[2]]
            return [float(x.get(node, 0.0)) for x in predicted]
        return []

    def _wrong_steps(self, b: Blank) -> list[tuple[str, float]]:
        u, rate = self._problem.nodes[b.name.removeprefix("new ")], self._options["rate"]
        return [
            ("added, where the step goes against the gradient", u.data + rate * u.grad),
            ("the learning rate left out", u.data - u.grad),
            ("only the step, not where it leads", -rate * u.grad),
            ("the gradient itself", u.grad),
        ]

    @property
    def questions(self) -> tuple[Part, ...]:
        """What is asked, each with its blanks."""
        return self._parts

    @property
    def notes(self) -> str:
        """What stands above the questions beside the given numbers, as text; "" for nothing."""
        return writing.as_text(self._notes, self._digits).rstrip("\n") if self._notes else ""

    @property
    def worked(self) -> tuple[Math, ...]:
        """The steps of a worked solution in which a mistake is to be found; none in other kinds."""
        return tuple(self._options.get("worked", ()))

    @property
    def rate(self) -> float:
        """The learning rate of a training step; nan if there is none."""
        return float(self._options.get("rate", math.nan))

    @property
    def checker(self) -> Checker:
        """What `check_work` checks the numbers with."""
        if "_checks" not in vars(self):
            vars(self)["_checks"] = Checker(self.loss)
        found: Checker = vars(self)["_checks"]
        return found

    @property
    def _checkable(self) -> set[str]:
        """The blanks that are quantities of the computation."""
        if self.kind in ("shapes", "factor"):
            return set()
        return {b.name for b in self.blanks if not b.name.startswith(("new ", "wrong", "right "))}

    def _read(self, answers: object) -> HandedIn:
        if isinstance(answers, os.PathLike) or (isinstance(answers, str) and not re.search("[=\n]", answers)):
            answers = Path(answers).read_text(encoding="utf-8-sig")
        handed = HandedIn(self.blanks)
        if isinstance(answers, str):
            return handed.take_lines(answers)
        if isinstance(answers, Mapping):
            return handed.take(answers)
        raise TypeError(f"check: expected names and numbers, or a file; got {describe(answers)}")

    def _compared(self, b: Blank, given: Mapping[str, Operand]) -> tuple[bool, str, str]:
        """What is no quantity of the computation: a shape, a name, a factor, a number after a step.

        Whether it counts, what is said, and what is right where it is not.
        """
        x = given[b.name]
        if isinstance(b.right, str):
            wanted, got = word(b.right), word(x)
            if got == wanted:
                return True, "right", ""
            turned = got != wanted and got.split("x")[::-1] == wanted.split("x")
            return False, "wrong: transposed" if turned else "wrong", b.right
        if b.shape:
            given_so = np.asarray(x, dtype=object).ravel()
            right = np.asarray(b.right).ravel()
            if len(given_so) == len(right) and all(is_near(u, v) for u, v in zip(given_so, right, strict=True)):
                return True, "right", ""
            return False, "wrong", _on_one_line(np.asarray(b.right))
        if is_near(x, b.right):
            return True, "right", ""
        carried = self._carried(b, given)
        if carried is not None and is_near(x, carried):
            return True, "right given your gradient", ""
        return False, f"wrong{self._guessed(b, x)}", written(b.right)

    def _carried(self, b: Blank, given: Mapping[str, object]) -> float | None:
        """A weight after a step by the gradient that was handed in."""
        if not b.name.startswith("new "):
            return None
        name = b.name.removeprefix("new ")
        g = number_of(given.get(f"dL/d{name}", ""))
        return float(self._problem.nodes[name].data - self._options["rate"] * g)

    def _guessed(self, b: Blank, x: Operand) -> str:
        """Which slip gives this number, if one does."""
        if b.name.startswith("new "):
            for said, y in self._wrong_steps(b):
                if is_near(x, y):
                    return f": {said}"
        factors = self._options.get("factors", {})
        if b.name in factors:
            source, others, rest = factors[b.name]
            found = self.checker.check({f"dL/d{source}": number_of(x) * others + rest}).findings
            if found:
                return f": {found[0].slip}"
        return ""


class Marked:
    """A sheet that was handed in, marked. True if all of it is right.

    verdicts   name -> (whether it counts, what is said)
    points, possible   one for each blank
    marking    what `check_work` says of the numbers, with the mistakes that explain them; None if it was not asked
    given, ignored   what was read, and the lines of a file that nobody asked for
    """

    def __init__(
        self,
        sheet: Exercise,
        verdicts: dict[str, tuple[bool, str]],
        marking: Marking | None,
        given: Mapping[str, Operand],
        ignored: Sequence[str] = (),
    ) -> None:
        self.exercise, self.verdicts, self.marking, self.given = sheet, verdicts, marking, dict(given)
        self.ignored = tuple(ignored)

    @property
    def points(self) -> int:
        """How many blanks are right, also given earlier numbers that are not."""
        return sum(counts for counts, _ in self.verdicts.values())

    @property
    def possible(self) -> int:
        """How many there are."""
        return len(self.verdicts)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The mistakes that explain the numbers, as `check_work` names them."""
        return () if self.marking is None else self.marking.findings

    def __bool__(self) -> bool:
        return all(said == "right" or said.startswith("right to") for _, said in self.verdicts.values())

    def text(self) -> str:
        """Line by line what is said, and the mistakes."""
        shown = {b.name: b.shown.text for b in self.exercise.blanks}
        width = max(map(len, shown.values()))
        lines = [f"{shown[name].ljust(width)}   {said}" for name, (_, said) in self.verdicts.items()]
        if self.findings and self.marking is not None:  # what stands between its verdicts and its points
            lines += ["", *self.marking.text().partition("\n\n")[2].rpartition("\n\n")[0].splitlines()]
        lines += ["", *(f"not asked for, and not marked: {line}" for line in self.ignored)] if self.ignored else []
        return "\n".join([f"{self.exercise.title}", "", *lines, "", f"{self.points} of {self.possible} points"])

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<marked: {self.points} of {self.possible} points>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text())}</pre>"


def _said(marking: Marking, verdict: Verdict) -> str:
    if verdict.kind == "right" and not np.any(verdict.right):
        return "right"  # of 0 there are no digits
    if verdict.kind == "wrong" and not verdict.note and np.ndim(verdict.right):
        return f"wrong; it is {_on_one_line(verdict.right)}" if marking.reveals else "wrong"
    said: str = marking.said(verdict)
    return said


def _on_one_line(x: Operand) -> str:
    """[[1, 2], [3, 4]] as it is typed."""
    if np.ndim(x):
        return f"[{', '.join(map(_on_one_line, x))}]"
    return written(x)


def _worth_deriving(problem: Problem, sources: Sequence[str]) -> list[str]:
    """The two weights whose paths the key shows: those with most of them, then with the longest."""
    derivations = [derive(problem.loss, problem.nodes[name]) for name in sources]
    alive = [(d, i) for i, d in enumerate(derivations) if d.value] or [(d, i) for i, d in enumerate(derivations)]
    alive.sort(key=lambda found: (-found[0].count, -len(found[0].paths[0].nodes), found[1]))
    return [sources[i] for _, i in alive[:2]]


def _gaps(shape: tuple[int, ...]) -> Operand:
    return np.full(shape, None, dtype=object) if shape else None


def _typed_gaps(shape: tuple[int, ...]) -> str:
    if not shape:
        return writing.GAP
    if len(shape) == 1:
        return f"[{', '.join([writing.GAP] * shape[0])}]"
    return f"[{', '.join(_typed_gaps(shape[1:]) for _ in range(shape[0]))}]"
