"""What a derivation in matrices consists of: how quantities were computed, and the derivatives by them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..formulas.expression import Expression
from .atoms import Shape
from .notation import MatrixAscii, MatrixLatex, MatrixText, MatrixWriter
from .roles import Node

__all__ = ["Definition", "Step"]


class Step(NamedTuple):
    """One line of a derivation: the derivative of the target by one named node.

    node     the Tensor
    label    its name: "W[1]" for dW[1]
    formula  what the derivative is, in terms of the steps before
    value    its numbers
    factor   value / gradient: m for what has a row per sample and stands without the 1/m of the mean, else 1
    sample_axis  the axis along which samples lie, as the computation ran
    """

    node: Node
    label: str
    formula: Expression
    value: np.ndarray
    factor: int
    sample_axis: int = 0

    @property
    def name(self) -> str:
        """dW[1]."""
        return f"d{self.label}"

    @property
    def shape(self) -> Shape:
        """The shape of the derivative, as the form has it."""
        return self.value.shape

    def text(self, *, ascii: bool = False) -> str:
        """dW[1] = (1/m) dZ[1] Xᵀ."""
        return self._written((MatrixAscii if ascii else MatrixText)(sample_axis=self.sample_axis))

    def latex(self) -> str:
        r"""dW^{[1]} = \frac{1}{m}\, dZ^{[1]}\, X^{T}."""
        return self._written(MatrixLatex(sample_axis=self.sample_axis))

    def _written(self, to: MatrixWriter) -> str:
        return f"d{to.name(self.label)} = {to.sum(self.formula)}"

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<{self.text(ascii=True)}, an array of shape {self.shape}>"


class Definition(NamedTuple):
    """A named node and the formula by which it was computed: Z[1] = X W[1]ᵀ + b[1]."""

    label: str
    formula: Expression
    value: np.ndarray

    def __repr__(self) -> str:
        to = MatrixAscii()
        return f"<{to.name(self.label)} = {to.sum(self.formula)}, an array of shape {self.value.shape}>"
