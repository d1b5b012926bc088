"""What a derivation in matrices consists of: how quantities were computed, and the derivatives by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypedDict

import numpy as np

from ..formulas.expression import Expression
from ..formulas.names import Names
from .atoms import Shape
from .mathml import MatrixMathml
from .notation import MatrixAscii, MatrixLatex, MatrixText, MatrixWriter

__all__ = ["Definition", "Formula", "Notations", "Step"]


class Options(TypedDict):
    """What all notations of a derivation have in common."""

    columns: bool
    count: str
    taken: frozenset[str]
    with_shapes: bool


class Notations:
    """The ways of writing the formulas of one derivation.

    labels: all names in it. count: what the number of samples is called. columns: samples are columns.
    """

    def __init__(self, labels: Iterable[str] = (), count: str = "m", *, columns: bool = False) -> None:
        self.labels, self.count, self.columns = frozenset(labels), count, columns
        self.names = Names(self.labels)

    def _options(self, with_shapes: bool) -> Options:
        return {"columns": self.columns, "count": self.count, "taken": self.labels, "with_shapes": with_shapes}

    def text(self, *, with_shapes: bool = False) -> MatrixText:
        """Unicode."""
        return MatrixText(self.names.text, **self._options(with_shapes))

    def ascii(self, *, with_shapes: bool = False, digits: int | None = 4) -> MatrixAscii:
        """ASCII that NumPy evaluates."""
        return MatrixAscii(self.names.ascii, digits, **self._options(with_shapes))

    def latex(self, *, with_shapes: bool = False) -> MatrixLatex:
        """LaTeX."""
        return MatrixLatex(self.names.latex, **self._options(with_shapes))

    def mathml(self, *, with_shapes: bool = False) -> MatrixMathml:
        """MathML."""
        return MatrixMathml(self.names.mathml, **self._options(with_shapes))


class Formula(Expression):
    """A formula of arrays, as the derivation that it belongs to writes it."""

    __slots__ = ("notations",)

    def __init__(self, x: Expression, notations: Notations) -> None:
        super().__init__(x.terms, x.value)
        self.notations = notations

    def text(self, name: Callable[[str], str] | None = None) -> str:
        """Unicode: `(1/m) dZ[1] Xᵀ`."""
        return self._written(self.notations.text(), name)

    def ascii(self, name: Callable[[str], str] | None = None) -> str:
        """ASCII that NumPy can evaluate: `(1/m) * dZ[1] @ X.T`. Numbers have all digits."""
        return self._written(self.notations.ascii(digits=None), name)

    def latex(self, name: Callable[[str], str] | None = None) -> str:
        r"""LaTeX for math mode: `\\frac{1}{m}\\, dZ^{[1]}\\, X^{T}`."""
        return self._written(self.notations.latex(), name)

    def _written(self, to: MatrixWriter, name: Callable[[str], str] | None) -> str:
        to.name = to.name if name is None else name
        return to.sum(self)

    __str__ = text


class Definition(NamedTuple):
    """A named node and the formula by which it was computed: Z[1] = X W[1]ᵀ + b[1]."""

    label: str
    formula: Expression
    value: np.ndarray

    def __repr__(self) -> str:
        to = _notations(self.formula).ascii()
        return f"<{to.symbol(self.label)} = {to.sum(self.formula)}, an array of shape {self.value.shape}>"


class Step(NamedTuple):
    """One line of a derivation: the derivative of the target by one named node.

    node     the Tensor
    label    its name: "W[1]" for dW[1]
    formula  what the derivative is, in terms of the steps before
    value    its numbers
    factor   value / gradient: m for what has a row per sample and stands without the 1/m of the mean, else 1
    simplified  the same without the step before, where that is shorter: A[2] − Y; None where it is not
    """

    node: object
    label: str
    formula: Expression
    value: np.ndarray
    factor: int = 1
    simplified: Expression | None = None

    @property
    def name(self) -> str:
        """dW[1]."""
        return f"d{self.label}"

    @property
    def shape(self) -> Shape:
        """The shape of the derivative, as the form has it."""
        return self.value.shape

    @property
    def formulas(self) -> tuple[Expression, ...]:
        """The formula, and the simplified one if there is one."""
        return (self.formula,) if self.simplified is None else (self.formula, self.simplified)

    def text(self, *, ascii: bool = False) -> str:
        """dW[1] = (1/m) dZ[1] Xᵀ."""
        notations = _notations(self.formula)
        return self._written(notations.ascii() if ascii else notations.text())

    def latex(self) -> str:
        r"""dW^{[1]} = \frac{1}{m}\, dZ^{[1]}\, X^{T}."""
        return self._written(_notations(self.formula).latex())

    def _written(self, to: MatrixWriter) -> str:
        return " = ".join([to.derivative(to.symbol(self.label)), *map(to.sum, self.formulas)])

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<{self.text(ascii=True)}, an array of shape {self.shape}>"


def _notations(x: Expression) -> Notations:
    return x.notations if isinstance(x, Formula) else Notations()
