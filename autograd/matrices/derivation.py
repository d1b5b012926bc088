"""Derivations on Tensors: the chain rule for one gradient in matrices, as lecture notes write it.

The recorded graph is read backwards on formulas, from one named node to the next: the same pulls that
compute the gradients give dZ[2] = A[2] − Y and dW[2] = (1/m) dZ[2]ᵀ A[1].
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..formulas import names
from ..formulas.expression import Atom, Expression
from ..formulas.notation import as_printable
from ..graph import topological_order
from ..passes.gradients import gradients
from .atoms import Matrix, atoms, replaced, transposed, turned_shape
from .backward import Backward
from .forward import Forward
from .naming import Naming
from .notation import CLOSE, MIDDLE, OPEN, MatrixAscii, MatrixLatex, MatrixText, MatrixWriter
from .roles import Node, Roles
from .steps import Definition, Step

__all__ = ["MatrixDerivation", "Step"]

# Arrays are shown with their numbers up to so many rows and columns.
SHOWN = 6


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

    Where the target is a mean over samples, the derivatives by what has a row per sample stand without
    its 1/m, as in the lectures: it is in those by the parameters.
    """

    def __init__(self, target: Node, source: Node, form: str = "rows") -> None:
        if form not in ("rows", "columns"):
            raise ValueError(f"derive: expected form to be 'rows' or 'columns'; got {form!r}")
        self.target, self.source, self.form = target, source, form
        self.value: np.ndarray = gradients(target, source)
        order = topological_order(target)
        naming = Naming(order, target, source)
        roles = Roles(order, naming.labels)
        forward = Forward(order, naming, roles)
        backward = Backward(forward, target, source)
        steps = backward.all_steps()
        definitions = forward.definitions(steps, target, is_scaled=backward.is_scaled)
        turned = forward.turned() if form == "columns" else frozenset()
        self.samples = roles.samples
        self.steps = tuple(_turned_step(s, turned) for s in steps)
        self.definitions = tuple(_turned_definition(d, turned) for d in definitions)
        known = naming.quantities() | {d.label: d.value for d in definitions}
        self.quantities = {label: _turned_value(x, label, turned) for label, x in known.items()}
        formulas = [d.formula for d in definitions] + [step.formula for step in steps]
        used = [a.label for f in formulas for a in atoms(f) if isinstance(a, Matrix)]
        nameless = set(naming.nameless())
        self.given = {label: self.quantities[label] for label in used if label in nameless}
        self._sample_axis = roles.sample_axis
        self._names = names.Names(known)
        self._label = naming.labels[source]
        self._target_label = naming.labels[target]
        self._is_scaled = backward.is_scaled

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __repr__(self) -> str:
        to = self._ascii()
        ratio = to.ratio(to.name(self._target_label), to.name(self._label))
        return f"<derivation of {ratio}: {len(self.steps)} steps, an array of shape {self.value.shape}>"

    # ------------------------------------------------------------ text

    def __str__(self) -> str:
        return as_printable(self.text)

    def _ascii(self, **options: Any) -> MatrixAscii:
        return MatrixAscii(self._names.ascii, sample_axis=self._sample_axis, **options)

    def text(self, *, ascii: bool = False) -> str:
        """The derivation as text: how the quantities were computed, then step by step, with shapes and numbers."""
        to: MatrixWriter
        if ascii:
            to = self._ascii(with_shapes=True)
        else:
            to = MatrixText(self._names.text, sample_axis=self._sample_axis, with_shapes=True)
        source = to.name(self._label)
        ratio = to.ratio(to.name(self._target_label), source)
        if not self.steps:
            independent = f"0: {to.name(self._target_label)} does not depend on {source}"
            return f"{ratio} = {1 if self.target is self.source else independent}"
        lines = [f"{ratio}{self._setting()}"]
        if self._is_scaled:
            lines.append(self._convention(to))
        lines.append("")
        for label, x in self.given.items():
            lines += [*_laid_out(f"  {to._marked(to.name(label), x.shape)}"), *_numbers(to, x), ""]
        for d in self.definitions:
            lines += _block(to, d.label, "", d.value, d.formula)
        for s in self.steps:
            lines += _block(to, s.label, "d", s.value, s.formula)
        return "\n".join([*lines, f"{source}.grad   ({self._verdict()})"])

    def _setting(self) -> str:
        if self.samples is None:
            return ""
        where = "columns" if self.form == "columns" or self._sample_axis == 1 else "rows"
        return f", samples in {where}, m = {self.samples}"

    def _convention(self, to: MatrixWriter) -> str:
        scaled = [f"d{to.name(s.label)}" for s in self.steps if s.factor != 1]
        listed = ", ".join(scaled if len(scaled) < 5 else [*scaled[:3], to.ellipsis, scaled[-1]])
        return f"{listed} without the 1/m of the mean, which stands in the derivatives by the parameters"

    def _verdict(self) -> str:
        """How source.grad compares with the gradient derived here."""
        grad = self.source.grad
        if grad is None:
            return "no backward pass yet" if self.target.grad is None else "cleared since the last backward pass"
        scale = float(np.abs(self.value).max(initial=0.0))
        accuracy = 1e-5 if grad.dtype == np.float32 else 1e-9
        if np.allclose(grad, self.value, rtol=0.0, atol=accuracy * scale, equal_nan=True):
            return "equal"
        return "not equal: it adds up over backward passes, or belongs to another target"

    # ------------------------------------------------------------ LaTeX

    def latex(self, *, shapes: bool = True) -> str:
        r"""The steps as a LaTeX `aligned` environment, to be put in math mode.

        shapes: write its shape under every factor.
        """
        has_samples = self.samples is not None
        to = MatrixLatex(self._names.latex, sample_axis=self._sample_axis, has_samples=has_samples, with_shapes=shapes)
        if not self.steps:
            ratio = to.ratio(to.name(self._target_label), to.name(self._label))
            return f"{ratio} = {int(self.target is self.source)}"
        rows = [f"m &= {self.samples}"] if has_samples else []
        shown = ((to._marked(to.name(label), x.shape), x) for label, x in self.given.items() if _is_shown(x))
        rows += [f"{name} &= {to.block(x)[0]}" for name, x in shown]
        rows += [_row(to, d.label, "", d.value, d.formula) for d in self.definitions]
        for s in self.steps:
            row = _row(to, s.label, "d", s.value, s.formula)
            rows.append(row + (f" = {to.block(s.value)[0]}" if _is_shown(s.value) else ""))
        joined = " \\\\\n".join(rows)
        return f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"


def _row(to: MatrixWriter, label: str, d: str, value: np.ndarray, formula: Expression) -> str:
    return f"{to._marked(d + to.name(label), value.shape)} &= {to.sum(formula)}"


def _block(to: MatrixWriter, label: str, d: str, value: np.ndarray, formula: Expression) -> list[str]:
    """An equation, the shapes below it, its numbers if they are few, and an empty line."""
    equation = f"  {to._marked(d + to.name(label), value.shape)} = {to.sum(formula)}"
    return [*_laid_out(equation), *_numbers(to, value), ""]


def _laid_out(marked: str) -> list[str]:
    """A line with names, and below it their shapes."""
    above = below = ""
    for piece in re.split(f"({OPEN}.*?{CLOSE})", marked):
        name, middle, shape = piece.strip(OPEN + CLOSE).partition(MIDDLE)
        width = max(len(name), len(shape)) if middle else len(piece)
        above += name.ljust(width)
        below += shape.ljust(width)
    return [above.rstrip(), below.rstrip()] if below.strip() else [above.rstrip()]


def _is_shown(x: np.ndarray) -> bool:
    return x.ndim <= 2 and max(x.shape, default=1) <= SHOWN


def _numbers(to: MatrixWriter, x: np.ndarray) -> list[str]:
    """Small arrays as numbers."""
    if not _is_shown(x):
        return []
    if not x.ndim:
        return [f"    = {to.number(float(x))}"]
    return [("    = " if i == 0 else "      ") + row for i, row in enumerate(to.block(x))]


# ---------------------------------------------------------------- the lectures' form


def _turned(formula: Expression, label: str, turned: frozenset[str]) -> Expression:
    """A formula in which the names that are turned stand for their transposes, for a result of this label."""

    def change(a: Atom) -> Atom | None:
        return a.as_column() if isinstance(a, Matrix) and a.label in turned else None

    formula = replaced(formula, change)
    return transposed(formula) if label in turned else formula


def _turned_value(x: np.ndarray, label: str, turned: frozenset[str]) -> np.ndarray:
    return x.reshape(turned_shape(x.shape)) if x.ndim == 1 and label in turned else x.T if label in turned else x


def _turned_step(s: Step, turned: frozenset[str]) -> Step:
    formula, value = _turned(s.formula, s.label, turned), _turned_value(s.value, s.label, turned)
    return s._replace(formula=formula, value=value)


def _turned_definition(d: Definition, turned: frozenset[str]) -> Definition:
    return Definition(d.label, _turned(d.formula, d.label, turned), _turned_value(d.value, d.label, turned))
