"""Exercises in backpropagation: sheets with numbers for a hand, their keys, and the marking of what comes back."""

from __future__ import annotations

import dataclasses
import html
import itertools
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd import derive
from autograd.arguments import lookup, positive_integer, whole_number
from autograd.formulas import names
from autograd.graph import Node, topological_order
from autograd.marking.marking import Checker, Marking
from autograd.marking.results import Finding, Verdict
from autograd.operands import Operand, describe
from autograd.signatures import Json

from ..activations import activation_name, find_activation
from ..files.whole import write_whole
from . import writing
from .handed_in import HandedIn, Unread, is_near, number_of, word
from .problems import (
    DIGITS,
    NUMBERS,
    Problem,
    any_numbers,
    best,
    checked_layers,
    convolution,
    matrices,
    net,
    neuron,
    recurrent,
    shared,
)
from .writing import Blank, Block, Heading, Math, Numbers, Paragraph, Verbatim, gradient, symbol, written

__all__ = ["Exercise", "Marked", "Part", "Sheet", "exercise", "worksheets"]

FORMS = {".txt": "text", ".md": "markdown", ".tex": "latex", ".html": "html"}


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


# ---------------------------------------------------------------- kinds


def _blanks_forward(problem: Problem, wanted: Sequence[str]) -> tuple[Blank, ...]:
    return tuple(Blank(n, symbol(n), _shape(problem.nodes[n]), _number(problem.nodes[n].data)) for n in wanted)


def _blanks_backward(problem: Problem, wanted: Sequence[str]) -> tuple[Blank, ...]:
    target, right = problem.loss.label, problem.derivatives
    found = []
    for name in wanted:
        u = problem.nodes[name]
        if problem.is_array:
            s = symbol(name)
            shown, key = Math(f"d{s.text}", f"d{s.latex}"), f"d{name}"
        else:
            shown, key = gradient(target, name), f"d{target}/d{name}"
        found.append(Blank(key, shown, _shape(u), _number(right[name])))
    return tuple(found)


def _shape(u: Operand) -> tuple[int, ...]:
    return tuple(np.shape(u.data))


def _number(x: Operand) -> Operand:
    return np.array(x, dtype=np.float64) if np.ndim(x) else float(x)


def _plain_parts(problem: Problem, level: int) -> tuple[list[Part], list[Block]]:
    """Forward, back to the last layer, back to the first: how much of it depends on the level."""
    nodes = problem.nodes
    inner = [name for name in problem.gradients if nodes[name].op is not None]
    leaves = [name for name in problem.gradients if nodes[name].op is None]
    forward = Part(("Compute forward, in this order:",), _blanks_forward(problem, problem.forward))
    says = " (without the 1/m of the mean; with it they are right too)" if problem.is_array else ""
    back = Part((f"Go back from the loss{says}:",), _blanks_backward(problem, inner))
    last = Part(("The gradients by weights and biases:",), _blanks_backward(problem, leaves))
    if level == 1:
        known = Numbers(tuple((symbol(n), nodes[n].data) for n in problem.forward))
        return [back, last], [Paragraph(("Forward this gives",)), known]
    return ([forward, back, last], []) if level == 2 else ([forward, last], [])


def _made_plain(problem: Problem, options: Json, rng: np.random.Generator) -> Exercise:
    parts, notes = _plain_parts(problem, options["level"])
    return Exercise(options, problem, parts, notes)


def _made_factor(problem: Problem, options: Json, rng: np.random.Generator) -> Exercise:
    """Derivations with a factor left out of each; at level 1 all else stands there."""
    nodes = problem.nodes
    leaves = [name for name in problem.gradients if nodes[name].op is None and nodes[name].grad and name[0] != "b"]
    derivations = [derive(problem.loss, nodes[name]) for name in leaves]
    chains = [(d, path) for d in derivations for path in d.paths if path.value]
    order = rng.permutation(len(chains))[: 2 + options["level"]]
    parts: list[Part] = []
    factors: dict[str, tuple[str, float, float]] = {}
    for place, i in enumerate(order):
        d, path = chains[i]
        missing = _missing(path, place, set(factors))
        labels = [d.graph.labels[v] for v in path.nodes]
        ratios = [gradient(a, b) for a, b in itertools.pairwise(labels)]
        name = f"d{labels[missing]}/d{labels[missing + 1]}"
        right = float(path.factors[missing])
        shown = [writing.GAP if k == missing else written(f) for k, f in enumerate(path.factors)]
        others = float(np.prod([f for k, f in enumerate(path.factors) if k != missing]))
        factors[name] = (labels[-1], others, float(nodes[labels[-1]].grad) - float(path.value))
        end = f" = {written(path.value)}" if options["level"] == 1 else ""
        line = Math(
            f"{' · '.join(r.text for r in ratios)} = {' · '.join(_in_brackets(s) for s in shown)}{end}",
            rf"{' '.join(r.latex for r in ratios)} = {_latex_product(shown)}{end}".replace("−", "-"),
        )
        chain = Math(" → ".join(map(names.text, labels)), r" \to ".join(map(names.latex, labels)))
        words: tuple[str | Math, ...] = ("The path ", chain, ": ", line, ". Which number is missing?")
        parts.append(Part(words, (Blank(name, ratios[missing], (), right),)))
    known = Numbers(tuple((symbol(n), nodes[n].data) for n in problem.forward))
    return Exercise({**options, "factors": factors}, problem, parts, [Paragraph(("Forward this gives",)), known])


def _missing(path: Any, place: int, taken: set[str]) -> int:
    """Which factor of a path is left out: another one each time, none that was left out already."""
    for k in [*range(1, len(path.factors)), 0]:
        i = 1 + (k + place) % (len(path.factors) - 1) if len(path.factors) > 1 else 0
        name = f"d{path.nodes[i].label}/d{path.nodes[i + 1].label}"
        if name not in taken:
            return i
    return 0


def _in_brackets(s: str) -> str:
    return f"({s})" if s.startswith("−") else s


def _latex_product(shown: Sequence[str]) -> str:
    return r" \cdot ".join(r"\underline{\hspace{3em}}" if s == writing.GAP else _in_brackets(s) for s in shown)


def _made_find(problem: Problem, options: Json, rng: np.random.Generator) -> Exercise:
    """A worked solution with one slip in it, planted by the table that finds it."""
    checker = Checker(problem.loss)
    nodes, right, wanted = problem.nodes, checker.c.right, list(problem.gradients)
    steps = dict(zip(wanted, _blanks_backward(problem, wanted), strict=True))
    predicted = [found for _, found in checker.slipped()]
    kinds = ("often", "regularly", "once")
    # one mistake is one slip in one place: what else is wrong follows from it
    alone = [i for i, v in enumerate(checker.variants) if len(v.edges) == 1]
    fixed = [i for i in alone if not checker.variants[i].slip.fits and checker.variants[i].slip.seen in kinds]
    planted: Any = None
    for i in sorted(rng.permutation(fixed), key=lambda i: kinds.index(checker.variants[i].slip.seen)):
        found = predicted[i]
        if found is None:
            continue
        numbers = {n: np.asarray(found.get(nodes[n], 0.0)) for n in wanted}
        wrong = [n for n in wanted if not np.allclose(found.get(nodes[n], 0.0), right.get(nodes[n], 0.0))]
        if not wrong or any(x.shape != _shape(nodes[n]) or np.abs(x).max() > 999 for n, x in numbers.items()):
            continue
        if not {nodes[n] for n in wrong} <= set(topological_order(nodes[wrong[0]])):
            continue
        marking = checker.check({steps[n].name: numbers[n] for n in wanted})
        is_one = len(marking.findings) == 1 and len(marking.findings[0].wrong) == 1
        if is_one and marking[steps[wrong[0]].name].kind == "wrong":
            planted = planted or (numbers, wrong, marking.findings[0])
            if not marking.findings[0].alternatives:
                planted = numbers, wrong, marking.findings[0]
                break
    if planted is None:
        raise RuntimeError("exercise: no mistake can be planted in this computation; take another seed")
    numbers, wrong, finding = planted
    first = steps[wrong[0]]
    blanks = (
        Blank("wrong", Math("the first wrong one", r"\text{the first wrong one}"), (), first.shown.text),
        Blank("right value", Math("its right value", r"\text{its right value}"), first.shape, first.right),
    )
    notes: list[Block] = [
        Paragraph(("Forward this gives, rightly,",)),
        Numbers(tuple((symbol(n), nodes[n].data) for n in problem.forward)),
        Paragraph(("Somebody went on, in this order, and made one mistake, with which the rest was computed:",)),
        Numbers(tuple((steps[n].shown, _number(numbers[n])) for n in wanted)),
    ]
    explained: list[Block] = [Paragraph(("The mistake: ", first.shown, f", {finding.slip}."))]
    for there, line in zip(finding.wrong, finding.right, strict=True):
        explained.append(Paragraph(("There ", Math(*there), ", right is ", Math(*line), ".")))
    words = ("Which is the first one that is wrong, and what should it be?",)
    worked = [steps[n].shown for n in wanted]
    return Exercise({**options, "explained": explained, "worked": worked}, problem, [Part(words, blanks)], notes)


def _made_update(problem: Problem, options: Json, rng: np.random.Generator) -> Exercise:
    """The gradients, and where a step of gradient descent leads."""
    rate = float(rng.choice([0.1, 0.5] if options["level"] > 1 else [0.5, 1.0, 2.0]))
    if rate == 1.0:
        rate = 0.5
    options = {**options, "rate": rate}
    nodes = problem.nodes
    leaves = [name for name in problem.gradients if nodes[name].op is None]
    parts, notes = _plain_parts(problem, options["level"])
    step = tuple(
        Blank(
            f"new {n}",
            Math(f"{symbol(n).text} new", rf"{symbol(n).latex}\,\text{{new}}"),
            (),
            float(nodes[n].data - rate * nodes[n].grad),
        )
        for n in leaves
    )
    words = ("One step of gradient descent with learning rate ", Math(f"η = {rate:g}", rf"\eta = {rate:g}"), ":")
    return Exercise(options, problem, [*parts, Part(words, step)], notes)


def _made_shapes(options: Json, rng: np.random.Generator) -> Exercise:
    """No numbers: the shapes of all arrays of a net, forward and back."""
    layers, form = options["layers"], options["form"]
    sizes = rng.permutation(np.arange(2, 10))[: len(layers) + 1]
    samples, units = int(sizes[0]), tuple(int(n) for n in sizes[1:])
    problem = matrices(lambda shape: np.ones(shape), units, options["activation"], form, samples)
    problem.loss.backward()
    nodes = problem.nodes
    setting = f"{samples} samples in {form}, layers of {', '.join(map(str, units))} (inputs first)."

    def each(wanted: Sequence[str], d: str) -> tuple[Blank, ...]:
        return tuple(
            Blank(f"{d}{n}", Math(f"{d}{symbol(n).text}", f"{d}{symbol(n).latex}"), (), _written_shape(nodes[n].shape))
            for n in wanted
        )

    leaves = [n for n in nodes if nodes[n].op is None]
    forward = [n for n in problem.forward if n != "J"]
    parts = [
        Part(("The shapes of what is given and computed, rows first, as (3, 2):",), each([*leaves, *forward], "")),
        Part(("The shapes of the gradients:",), each(problem.gradients, "d")),
    ]
    return Exercise(options, dataclasses.replace(problem, given=()), parts, [Paragraph((setting,))])


def _written_shape(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


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
LAYERS: dict[str, tuple[int, ...]] = {
    "paths": (2, 2, 2),  # with two outputs paths add up
    "neuron": (2, 1),
    "chain": (1, 1, 1),
    "shared": (1, 1),
    "convolution": (4, 3),
    "recurrent": (2, 1),
    "shapes": (3, 4, 2),
}
MAKERS: dict[str, Callable[..., Exercise]] = {"factor": _made_factor, "find": _made_find, "update": _made_update}
NAME = Paragraph(("Name: ", Math("_" * 30, r"\underline{\hspace{18em}}")))
FIXED = ("shared", "convolution", "recurrent")  # these have no layers to choose


def exercise(
    seed: int = 0,
    kind: str = "paths",
    layers: Sequence[int] | None = None,
    *,
    level: int = 1,
    digits: int | None = None,
    activation: str = "relu",
    form: str = "rows",
) -> Exercise:
    """A sheet of exercises with pleasant numbers, its key, and a marking that names mistakes::

        sheet = exercise(7, "paths", [2, 2, 1])
        print(sheet)                                      # .markdown(), .latex(), .html(), .save("sheet.tex")
        print(sheet.key)
        print(sheet.check({"dL/dyhat": "9", "dL/dw[2]_1,1": "-18"}))

    seed: the same makes the same sheet. kind: "neuron", "chain", "paths", "shared" (a weight used twice), "factor" (the
    missing one), "find" (the mistake in a worked solution), "update" (a training step), "convolution", "recurrent",
    "matrices", "shapes". layers: inputs, units, outputs; by default [2, 2, 1], in "paths" [2, 2, 2]. level: 1 with
    whole numbers and the forward pass given; 2 with halves, all of it asked; 3 with tenths (in matrices halves), and
    only the last gradients asked.
    digits: how many significant ones a number may have; None for 2 at level 1, else 3. activation: with one such as
    sigmoid, which gives no short numbers, these are rounded to digits + 2. form: "rows" or "columns", of samples in
    matrices.

    Of several draws the one is taken in which most of the mistakes that `check_work` knows give numbers of their own.
    ValueError for a kind, level or layers that there are not; RuntimeError if no pleasant numbers are found.
    """
    seed, level = whole_number("exercise", "seed", seed), positive_integer("exercise", "level", level)
    lookup("kind of exercise", kind, TITLES)
    if level not in NUMBERS:
        raise ValueError(f"exercise: expected level 1, 2 or 3; got {level}")
    if form not in ("rows", "columns"):
        raise ValueError(f"exercise: expected form 'rows' or 'columns', got {form!r}")
    digits = DIGITS[level] if digits is None else positive_integer("exercise", "digits", digits)
    activation = activation_name(find_activation(activation))
    sizes = checked_layers(kind, layers, LAYERS.get(kind, (2, 2, 1)))
    _check_shape(kind, layers, sizes)
    options = {
        "seed": seed,
        "kind": kind,
        "level": level,
        "layers": sizes,
        "activation": activation,
        "form": form,
        "digits": digits,
        "is_exact": activation in ("relu", "linear", "leaky_relu"),
    }
    rng = np.random.default_rng([seed, sorted(TITLES).index(kind), level, *sizes])
    if kind == "shapes":
        return _made_shapes(options, rng)
    makes: dict[str, Callable[..., Problem]] = {
        "neuron": lambda draw: neuron(draw, sizes[0], activation),
        "shared": lambda draw: shared(draw, activation),
        "convolution": convolution,
        "recurrent": lambda draw: recurrent(draw, activation),
        "matrices": lambda draw: matrices(draw, sizes, activation, form, 2),
    }
    make = makes.get(kind, lambda draw: net(draw, sizes, activation))
    if options["is_exact"]:
        # tenths of a whole batch are hardly ever short
        problem = best(make, rng, min(level, 2) if kind == "matrices" else level, digits, lambda p: p.gradients)
    else:
        problem = any_numbers(make, rng, level, lambda p: p.gradients)
    problem.loss.backward()
    return MAKERS.get(kind, _made_plain)(problem, options, rng)


def _check_shape(kind: str, given: object, sizes: tuple[int, ...]) -> None:
    if given is None:
        return
    if kind in FIXED:
        raise ValueError(f"exercise: {kind!r} has no layers to choose; leave layers out")
    if kind == "neuron" and (len(sizes) != 2 or sizes[1] != 1):
        raise ValueError(f"exercise: 'neuron' has layers [inputs, 1]; got {list(sizes)}")
    if kind == "chain" and set(sizes) != {1}:
        raise ValueError(f"exercise: 'chain' has one unit in each layer, as [1, 1, 1]; got {list(sizes)}")


def worksheets(count: int, seed: int = 0, kind: str = "paths", *args: Operand, **options: Operand) -> list[Exercise]:
    """So many different sheets for a class, by one seed; see `exercise`. Each has a seed of its own, printed on it."""
    count, seed = positive_integer("worksheets", "count", count), whole_number("worksheets", "seed", seed)
    found: list[Exercise] = []
    seen: set[str] = set()
    number = 1000 * seed
    while len(found) < count:
        number += 1
        sheet = exercise(number, kind, *args, **options)
        given = writing.as_text(sheet._setting() + list(sheet._notes), 6)
        if given not in seen:
            seen.add(given)
            found.append(sheet)
        elif number > 1000 * seed + 50 * count:
            raise RuntimeError(f"worksheets: there are only {len(found)} different ones of this kind; ask for fewer")
    return found
