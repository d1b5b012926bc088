"""Derivations on Tensors: the chain rule for one gradient in matrices, as lecture notes write it.

The recorded graph is read backwards on formulas, from one named node to the next: the same pulls that
compute the gradients give dZ[2] = A[2] − Y and dW[2] = (1/m) dZ[2]ᵀ A[1].
"""

from __future__ import annotations

import itertools
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from ..formulas import lines as layout
from ..formulas.expression import MAX_SIZE, Expression, has_omissions
from ..graph import topological_order
from ..passes.gradients import gradients
from ..paths.derivation import check_environment, checked_width, positive, printed_width, set_digits
from ..tensor import Tensor, kept_gradient
from .atoms import Applied, atoms
from .backward import Backward
from .columns import turned, turned_names, turned_value
from .forms import heads_of
from .forward import Forward, labels_in
from .mathml import MatrixMathml
from .naming import WEIGHTS, Naming
from .notation import CLOSE, MIDDLE, OPEN, MatrixLatex, MatrixWriter
from .roles import Roles, hides, is_mask
from .sequences import Step as TimeStep
from .steps import Definition, Formula, Notations, Step

__all__ = ["MatrixDerivation", "Step"]

# Arrays are shown with their numbers up to so many rows and columns.
SHOWN = 6
# A name with its shape below it, and before what a formula goes on in the next line: the rarer the sooner.
MARKED = f"{OPEN}.*?{CLOSE}"
SIGN = re.compile(r"(?= [-+−⊙*@·|;] )")
SIGNS = "|;", "-+−", "⊙*@·"
# Beside a formula up to so many columns; more begin a line of their own.
BESIDE = 3
# So many definitions and so many steps are written unless all are asked for: two screens.
MOST = 30
OMISSION = f"in a formula: more than {MAX_SIZE} symbols; label what lies between"
# Letters in a line of what the signs mean, where nothing else breaks it.
REMARK = 64
# What is said of steps of sequences, in text and in LaTeX.
STEP = ("X⟨t⟩ = X[:, t − 1] is step t of X, samples in rows", r"X^{\langle t\rangle} = \text{step } t \text{ of } X")
HEADS = (
    "heads(Q, n): the last axis of Q in n parts, one for each head; concat puts those of a step side by side",
    r"\operatorname{heads}_{n}(Q):\ \text{the last axis in } n \text{ parts; concat puts them side by side}",
)
MASK = ("{}: a mask, 0 where a number is dropped", r"{}:\ \text{{a mask, }} 0 \text{{ where a number is dropped}}")
HIDDEN = (
    "{}: a mask, 0 where a step may look; what is hidden is so far below that its softmax is 0",
    r"{}:\ \text{{a mask, }} 0 \text{{ where a step may look; what is hidden has softmax }} 0",
)
KEPT = (
    "{}: as training left them, constants, and not those of this batch",
    r"{}:\ \text{{as training left them, constants, and not those of this batch}}",
)
WEIGHED = (
    "{}: how much each sample counts, divided by how many there are",
    r"{}:\ \text{{how much each sample counts, divided by how many there are}}",
)
STEP_IN_COLUMNS = ("X⟨t⟩ = X[:, t − 1]ᵀ is step t of X, samples in columns", STEP[1])

T = TypeVar("T", Definition, Step)


class MatrixDerivation:
    """The chain rule for ∂target/∂source in matrices, written out.

    target, source  the two Tensors
    value           the gradient, an array of the shape of the source, from the reverse pass
    steps           from the target down to the source, each a Step: what the chain needs, and the
                    parameters beside it; the source is last
    given           label -> numbers of the constants that formulas mention, such as X and Y
    definitions     how the quantities in the steps were computed
    quantities      label -> numbers of everything that formulas mention, as the form has it
    form            "rows" (samples are rows, as the computation ran) or "columns" (the lectures' form,
                    in which samples are columns: what has a row per sample stands transposed)
    samples         m, how many there are; None if the graph shows none
    columns         True if samples are columns
    notations       the ways of writing its formulas, see `steps.Notations`

    Where the target is a mean over samples, the derivatives by what has a row per sample stand without
    its 1/m, as in the lectures: it is in those by the parameters.
    """

    def __init__(self, target: Tensor, source: Tensor, form: str = "rows") -> None:
        if form not in ("rows", "columns"):
            raise ValueError(f"derive: expected form to be 'rows' or 'columns'; got {form!r}")
        self.target, self.source, self.form = target, source, form
        self.value: np.ndarray = gradients(target, source)
        order = sorted(topological_order(target), key=_when)
        naming = Naming(order, target, source)
        roles = Roles(order, naming.labels)
        forward = Forward(order, naming, roles)
        backward = Backward(forward, target, source)
        steps = backward.steps()
        definitions = forward.definitions((x for s in steps for x in s.formulas), target)
        formulas = [d.formula for d in definitions] + [x for s in steps for x in s.formulas]
        turning = turned_names(forward.values, forward.samples, formulas) if form == "columns" else frozenset()
        self.samples = roles.samples
        self.quantities = {label: turned_value(x, label, turning) for label, x in forward.values.items()}
        self.columns = roles.samples is not None and (roles.sample_axis == 1 or bool(turning))
        self.notations = Notations(self.quantities, naming.count(), columns=self.columns)

        def as_formed(x: Expression, label: str) -> Formula:
            return Formula(turned(x, label, turning), self.notations)

        self.steps = tuple(
            s._replace(
                formula=as_formed(s.formula, s.label),
                simplified=None if s.simplified is None else as_formed(s.simplified, s.label),
                value=turned_value(s.value, s.label, turning),
            )
            for s in steps
        )
        self.definitions = tuple(
            d._replace(formula=as_formed(d.formula, d.label), value=turned_value(d.value, d.label, turning))
            for d in definitions
        )
        self._kept = naming.kept()
        nameless = {*naming.nameless(), *self._kept}
        used = (label for x in formulas for label in labels_in(x))
        self.given = {label: self.quantities[label] for label in used if label in nameless}
        self._label = naming.labels[source]
        self._target_label = naming.labels[target]
        self._is_scaled = backward.is_scaled

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __repr__(self) -> str:
        ratio = self._ratio(self.notations.ascii())
        return f"<derivation of {ratio}: {len(self.steps)} steps, an array of shape {self.value.shape}>"

    # ------------------------------------------------------------ text

    def __str__(self) -> str:
        return self.text(width=printed_width())

    def text(
        self, *, ascii: bool = False, most: int | None = None, digits: int | None = None, width: int | None = None
    ) -> str:
        """The derivation as text: how the quantities were computed, then step by step, with shapes and numbers.

        most: so many definitions and so many steps are written, those at the beginning and at the end, and how
        many are left out; by default 30. digits: significant digits of numbers, 4 unless given. width: columns;
        formulas that do not fit go on before a sign in further lines. `print` takes those of the terminal, and 120
        elsewhere. ValueError if one is no positive integer.
        """
        most = self._most("MatrixDerivation.text", most)
        write = self.notations.ascii if ascii else self.notations.text
        to: MatrixWriter = write(with_shapes=True)
        set_digits("MatrixDerivation.text", to, digits)
        columns = checked_width("MatrixDerivation.text", width)
        source = to.symbol(self._label)
        if not self.steps:
            return self._without_steps(to)
        lines = [f"{self._ratio(to)}{self._setting(to)}"]
        if self._is_scaled:
            lines += _wrapped(self._convention(to), columns)
        lines.append("")
        for label, x in self.given.items():
            lines += _laid_out(f"  {to._marked(to.symbol(label), x.shape)}")
            lines += [*(_numbers(to, x) if _is_shown(x) else [f"    in .given[{label!r}]"]), ""]
        for d in _abridged(self.definitions, most):
            if isinstance(d, int):
                lines += self._left_out(to, d)
            else:
                lines += _block(to, to.symbol(d.label), d.value, (d.formula,), columns)
        for s in _abridged(self.steps, most):
            if isinstance(s, int):
                lines += self._left_out(to, s)
            else:
                lines += _block(to, to.derivative(to.symbol(s.label)), s.value, s.formulas, columns)
        notes = [line for note in self._notes(0, to) for line in _wrapped(note, columns)]
        lines += [*notes, ""] if notes else []
        if self._has_omissions(most):
            lines += [*_wrapped(f"{to.ellipsis}  {OMISSION}", columns), ""]
        return "\n".join([*lines, f"{source}.grad   ({self._verdict(to)})"])

    def _has_omissions(self, most: int) -> bool:
        """True if an ellipsis stands in a formula that is written."""
        written = [d.formula for d in _abridged(self.definitions, most) if not isinstance(d, int)]
        written += [x for s in _abridged(self.steps, most) if not isinstance(s, int) for x in s.formulas]
        return any(map(has_omissions, written))

    def _notes(self, notation: int, to: MatrixWriter) -> list[str]:
        """What the signs and words in the formulas mean that are not everybody's. notation: 0 text, 1 LaTeX."""
        found: dict[tuple[str, str], None] = {}
        for x in (*(d.formula for d in self.definitions), *(f for s in self.steps for f in s.formulas)):
            for a in atoms(x):
                if isinstance(a, Applied) and "note" in a.op.writing:
                    found[a.op.writing["note"]] = None
                elif isinstance(a, Applied) and heads_of(a) is not None:
                    found[HEADS] = None
                elif isinstance(a, TimeStep):
                    found[STEP_IN_COLUMNS if a.in_columns else STEP] = None
        told = [(label, note) for label, x in self.given.items() if (note := _meaning(label, x)) is not None]
        kept = [to.symbol(x) for x in self._kept if x in self.given and re.match(r"(mu|s)\[\d+\]$", x)]
        said = [KEPT[notation].format(", ".join(kept))] if kept else []
        said += [note[notation].format(to.symbol(label)) for label, note in told]
        return said + [note[notation] for note in found]

    def _most(self, where: str, most: int | None) -> int:
        return MOST if most is None else positive(where, "most", most, "a positive integer or None")

    def _left_out(self, to: MatrixWriter, count: int) -> list[str]:
        everything = max(len(self.definitions), len(self.steps))
        return [f"  {to.ellipsis}  {count} more: text(most={everything})", ""]

    def _ratio(self, to: MatrixWriter) -> str:
        return to.ratio(to.symbol(self._target_label), to.symbol(self._label))

    def _without_steps(self, to: MatrixWriter) -> str:
        if self.target is self.source:
            return f"{self._ratio(to)} = 1"
        target, source = to.symbol(self._target_label), to.symbol(self._label)
        said = f"{self._ratio(to)} = 0: {target} does not depend on {source}"
        is_turned = any(u is self.target for u in topological_order(self.source))
        return f"{said}; {source} depends on {target}: derive takes the target first" if is_turned else said

    def _setting(self, to: MatrixWriter) -> str:
        if self.samples is None:
            return ""
        where = "columns" if self.columns else "rows"
        return f", samples in {where}, {to.name(self.notations.count)} = {self.samples}"

    def _convention(self, to: MatrixWriter) -> str:
        scaled = [to.derivative(to.symbol(s.label)) for s in self.steps if s.factor != 1]
        listed = ", ".join(scaled if len(scaled) < 5 else [*scaled[:3], to.ellipsis, scaled[-1]])
        m = to.name(self.notations.count)
        return f"{listed} without the 1/{m} of the mean, which stands in the derivatives by the parameters"

    def _verdict(self, to: MatrixWriter) -> str:
        """How source.grad compares with the gradient derived here."""
        grad = kept_gradient(self.source)
        if grad is None:
            return (
                "no backward pass yet" if kept_gradient(self.target) is None else "cleared since the last backward pass"
            )
        scale = float(np.abs(self.value).max(initial=0.0))
        accuracy = 1e-5 if grad.dtype == np.float32 else 1e-9
        if np.allclose(grad, self.value, rtol=0.0, atol=accuracy * scale, equal_nan=True):
            return "equal"
        target = to.symbol(self._target_label)
        return f"not equal: {layout.of_another_pass(target, kept_gradient(self.target) is not None)}"

    # ------------------------------------------------------------ LaTeX and MathML

    def latex(
        self, *, shapes: bool = True, most: int | None = None, digits: int | None = None, environment: str = "aligned"
    ) -> str:
        r"""The steps as a LaTeX `aligned` environment, to be put in math mode.

        shapes: write its shape under every factor. most, digits: see `text`. environment="align*" is a display of its
        own, outside of math mode, which may go on on the next page.
        """
        check_environment("MatrixDerivation.latex", environment)
        to = self.notations.latex(with_shapes=shapes)
        rows = self._equations("MatrixDerivation.latex", to, most, digits)
        return to.aligned([*rows, *(f"&{note}" for note in self._notes(1, to))], environment)

    def mathml(self, *, shapes: bool = True, most: int | None = None, digits: int | None = None) -> str:
        """The steps as a `<math>` element, which browsers show without a script or a font; see `latex`."""
        to = self.notations.mathml(with_shapes=shapes)
        rows = self._equations("MatrixDerivation.mathml", to, most, digits)
        notes = self._notes(0, self.notations.text())
        lines = itertools.chain.from_iterable(textwrap.wrap(note, REMARK) for note in notes)
        return to.aligned([*rows, *map(to.remark, lines)])

    def _equations(self, where: str, to: MatrixLatex | MatrixMathml, most: int | None, digits: int | None) -> list[str]:
        most = self._most(where, most)
        set_digits(where, to, digits)
        if not self.steps:
            return [to.equation(self._ratio(to), to.number(float(self.target is self.source)))]
        m = self.notations.count
        rows = [] if self.samples is None else [to.equation(to.name(m), to.constant(float(self.samples)))]
        given = ((label, x) for label, x in self.given.items() if _is_shown(x))
        rows += [to.equation(to._marked(to.symbol(label), x.shape), to.block(x)[0]) for label, x in given]
        for d in _abridged(self.definitions, most):
            rows.append(to.alone(to.gap) if isinstance(d, int) else _row(to, to.symbol(d.label), d.value, (d.formula,)))
        for s in _abridged(self.steps, most):
            if isinstance(s, int):
                rows.append(to.alone(to.gap))
            else:
                numbers = to.block(s.value) if _is_shown(s.value) else []
                is_wide = s.value.ndim > 0 and s.value.shape[-1] > BESIDE
                name = to.derivative(to.symbol(s.label))
                rows.append(_row(to, name, s.value, s.formulas, () if is_wide else numbers))
                rows += [to.equation("", x) for x in numbers if is_wide]
        return [*rows, to.remark(f"… {OMISSION}")] if self._has_omissions(most) else rows

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"


def _when(u: Tensor) -> int:
    """When a node was computed, as whoever wrote the computation thought of it; leaves stay in front."""
    return 0 if u.op is None else u._serial


def _abridged(items: Sequence[T], most: int) -> list[T | int]:
    """The items; of more than `most` the first and the last, and between them how many are left out."""
    if len(items) <= most:
        return list(items)
    end = most // 3
    gap: list[T | int] = [len(items) - most]
    return list(items[: most - end]) + gap + list(items[len(items) - end :])


def _row(
    to: MatrixLatex | MatrixMathml,
    name: str,
    value: np.ndarray,
    formulas: Sequence[Expression],
    numbers: Sequence[str] = (),
) -> str:
    first, *simplified = map(to.sum, formulas)
    return to.equation(to._marked(name, value.shape), to.equals.join([first, *map(to.boxed, simplified), *numbers]))


def _block(to: MatrixWriter, name: str, value: np.ndarray, formulas: Sequence[Expression], columns: float) -> list[str]:
    """An equation, the shapes below it, its numbers if they are few, and an empty line."""
    left = f"  {to._marked(name, value.shape)} = "
    indent = _columns(left)
    lines: list[str] = []
    for x in formulas:
        for line in layout.broken(_parts(to.sum(x)), columns - indent, 0):
            lines += _laid_out(left + line.lstrip())
            left = " " * indent
        left = f"{' ' * (indent - 2)}= "
    return [*lines, *_numbers(to, value), ""]


def _parts(marked: str) -> list[layout.Part]:
    """A formula in parts before which a line may begin: at its signs, outer ones first."""
    parts: list[layout.Part] = []
    opened = 0
    for text in re.split(SIGN, marked):
        rank = next((i for i, signs in enumerate(SIGNS) if text[1:2] in signs), 0) if parts else 0
        parts.append(layout.Part(text, _columns(text), len(SIGNS) * opened + rank))
        plain = re.sub(MARKED, "", text)
        opened += sum(map(plain.count, "([{")) - sum(map(plain.count, ")]}"))
    return parts


def _pieces(marked: str) -> Iterator[tuple[str, str, int]]:
    """(what stands on the line, what below it, how many columns both take)."""
    for piece in re.split(f"({MARKED})", marked):
        name, _, shape = piece.strip(OPEN + CLOSE).partition(MIDDLE)
        yield name, shape, max(layout.columns(name), len(shape))


def _columns(marked: str) -> int:
    return sum(width for _, _, width in _pieces(marked))


def _laid_out(marked: str) -> list[str]:
    """A line with names, and below it their shapes."""
    above = below = ""
    for name, shape, width in _pieces(marked):
        above += name + " " * (width - layout.columns(name))
        below += shape.ljust(width)
    return [above.rstrip(), below.rstrip()] if below.strip() else [above.rstrip()]


def _wrapped(said: str, columns: float) -> list[str]:
    """Words in lines."""
    return [said] if columns == math.inf else textwrap.wrap(said, int(columns))


def _is_shown(x: np.ndarray) -> bool:
    return x.ndim <= 2 and max(x.shape, default=1) <= SHOWN


def _numbers(to: MatrixWriter, x: np.ndarray) -> list[str]:
    """Small arrays as numbers."""
    if not _is_shown(x):
        return []
    if not x.ndim:
        return [f"    = {to.number(float(x))}"]
    return [("    = " if i == 0 else "      ") + row for i, row in enumerate(to.block(x))]


def _meaning(label: str, x: np.ndarray) -> tuple[str, str] | None:
    """What is said of a constant of this name: of a mask, of the weights of samples."""
    if label.startswith("M") and (hides(x) or is_mask(x)):
        return HIDDEN if hides(x) else MASK
    return WEIGHED if label == WEIGHTS else None
