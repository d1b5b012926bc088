"""How formulas of whole arrays are put on paper: Unicode, ASCII that NumPy can evaluate, LaTeX.

The notations of `notation` with what arrays need besides: ⊙ between what is multiplied number by
number, nothing between the factors of a matrix product, a T for a transpose, shapes under the names.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..formulas import names
from ..formulas.expression import Atom, Expression, Factors
from ..formulas.notation import Ascii, Latex, Text, Writer, as_fraction, turned_sign
from .atoms import (
    ALONG_AN_AXIS,
    Applied,
    ArrayAtom,
    Indicator,
    Matrix,
    Ones,
    Product,
    Total,
    Turned,
    natural_shape,
    only_atom,
    transposed,
    turns,
)

__all__ = ["MatrixAscii", "MatrixLatex", "MatrixText", "MatrixWriter"]

# Arrays of more numbers are not written out as an index.
SHORT = 8
# Between these marks stands a name, and after the middle one its shape, until both are laid out.
OPEN, MIDDLE, CLOSE = "\ue000", "\ue001", "\ue002"


def is_single(a: Atom) -> bool:
    """True for the name of one number: it stands before a product."""
    return a.is_symbol and getattr(a, "shape", None) == ()


class MatrixWriter(Writer):
    """What notations of arrays have in common.

    sample_axis: along which axis the samples lie, as the computation ran; they are counted by i, what
    lies along the other axis by j. has_samples: their number is m. with_shapes: mark names with their
    shapes.
    """

    hadamard: str
    matmul: str
    close: str  # between a number and what it multiplies
    beside: str  # between numbers and names of numbers

    def __init__(
        self,
        name: Callable[[str], str] | None = None,
        digits: int | None = 4,
        *,
        sample_axis: int = 0,
        has_samples: bool = True,
        with_shapes: bool = False,
    ) -> None:
        super().__init__(name or self.plain_name, digits)
        self.sample_axis, self.has_samples, self.with_shapes = sample_axis, has_samples, with_shapes

    # ------------------------------------------------------------ what notations differ in

    @staticmethod
    def plain_name(label: str) -> str:
        """How a label is written without the others of its graph."""
        raise NotImplementedError

    def turned(self, written: str, a: Any) -> str:
        """A transpose. a: what is transposed."""
        raise NotImplementedError

    def total(self, a: Total) -> str:
        """A sum over axes."""
        raise NotImplementedError

    def applied(self, a: Applied) -> str:
        """An operation's name applied to its operands."""
        raise NotImplementedError

    def indicator(self, a: Indicator) -> str:
        """1 where a comparison holds."""
        raise NotImplementedError

    def ones(self, a: ArrayAtom) -> str:
        """An array of ones."""
        raise NotImplementedError

    def block(self, array: np.ndarray) -> list[str]:
        """A small array, row by row."""
        cells = [[self.number(float(x)) for x in row] for row in np.atleast_2d(array)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        rows = ("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
        return [f"[ {row} ]" for row in rows]

    # ------------------------------------------------------------ atoms

    def array(self, a: Any) -> str:
        """An atom that has a shape."""
        if isinstance(a, Matrix):
            return self._marked(self.matrix(a), a.shape)
        if isinstance(a, Product):
            return self.matmul.join(map(self.factor, a.parts))
        if isinstance(a, Total):
            return self.total(a)
        if isinstance(a, Indicator):
            return self.indicator(a)
        if isinstance(a, Ones):
            return self._marked(self.ones(a), a.shape)
        if isinstance(a, Turned):
            return self.turned(self._tight(a.inner), a.inner)
        return self.applied(a) if isinstance(a, Applied) else "data"

    def matrix(self, a: Matrix) -> str:
        """A name, d before it for the derivative, T after it for the transpose."""
        name = ("d" if a.is_gradient else "") + self.name(a.label)
        return self.turned(name, a) if a.is_turned else name

    def _marked(self, text: str, shape: tuple[int, ...]) -> str:
        return f"{OPEN}{text}{MIDDLE}{self.shape(shape)}{CLOSE}" if self.with_shapes and shape else text

    def shape(self, shape: tuple[int, ...]) -> str:
        """4×3, or the length of a vector."""
        return "×".join(map(str, shape))

    def _tight(self, a: Any) -> str:
        """An atom to which something may be attached."""
        text = a.write(self)
        return text if a.is_symbol or isinstance(a, Applied | Indicator) else self.parenthesized(text)

    def _tight_sum(self, x: Expression) -> str:
        """A formula to which something may be attached."""
        text = self.sum(x)
        return text if len(x.terms) == 1 and x.size == 1 else self.parenthesized(text)

    # ------------------------------------------------------------ terms

    def sum(self, x: Expression) -> str:
        atom = only_atom(x)
        if atom is not None and atom.terms:
            return self.sum(atom.expression)  # type: ignore[attr-defined]
        if isinstance(atom, Applied) and not isinstance(self, Ascii) and _is_row(atom):
            return self.sum(atom.parts[0])
        return super().sum(x)

    def factor(self, x: Expression) -> str:
        """A formula as one factor of a matrix product."""
        if len(x.terms) == 1:
            ((c, factors),) = x.terms
            if c == 1.0 and len(factors) == 1 and factors[0][1] == 1.0:
                a = factors[0][0]
                return self.power(a, 1.0) if not isinstance(a, Total) else self.parenthesized(a.write(self))
        turned = transposed(x)
        if turns(turned) < turns(x):
            return self.turned(self.parenthesized(self.sum(turned)), Ones(natural_shape(turned) or ()))
        return self.parenthesized(self.sum(x))

    def term(self, c: float, factors: Factors) -> tuple[bool, str]:
        negative = c < 0
        if negative:
            negative, factors = turned_sign(factors)
        factors = sorted(factors, key=lambda f: not _is_gradient(f[0]))  # type: ignore[assignment]
        single = [(a, e) for a, e in factors if is_single(a)]
        above = [(a, e) for a, e in factors if e > 0 and not is_single(a)]
        below = [(a, -e) for a, e in factors if e < 0 and not is_single(a)]
        before = self._before(abs(c), single, is_alone=not above)
        if not above and not below:
            return negative, before
        body = self._times(above, alone=not before and not below) if above else before
        if below:
            top = self._times(above, alone=self.has_bars) if above else before
            bottom = self._times(below, alone=self.has_bars)
            body = self.fraction(top, bottom, compound=len(below) > 1)
        return negative, before + self.close + body if before and above else body

    def _before(self, c: float, single: Sequence[tuple[Atom, float]], *, is_alone: bool) -> str:
        """The number and the quantities without axes that stand before a product: 2, (1/m); nothing for 1."""
        p, q = as_fraction(c, in_fraction=any(e < 0 for _, e in single))
        top = [self.power(a, e) for a, e in single if e > 0]
        bottom = [self.power(a, -e) for a, e in single if e < 0]
        if p != 1 or not top:
            top.insert(0, self.number(p))
        if q != 1:
            bottom.insert(0, self.number(q))
        if not bottom:
            return "" if top == ["1"] and not is_alone else self.beside.join(top)
        text = self.fraction(self.beside.join(top), self.beside.join(bottom), compound=len(bottom) > 1)
        return text if is_alone or self.has_bars else self.parenthesized(text)

    def _times(self, factors: Sequence[tuple[Atom, float]], *, alone: bool) -> str:
        """Powers multiplied number by number. alone: nothing else is, so that a product needs no parentheses."""
        if len(factors) == 1 and factors[0][1] == 1:
            a = factors[0][0]
            if isinstance(a, Product) or (alone and a.terms):
                return a.write(self)
        return self.hadamard.join(self._in_product(a, e) for a, e in factors)

    def _in_product(self, a: Atom, e: float) -> str:
        if e == 1 and isinstance(a, Product):
            return self.parenthesized(a.write(self))
        return self.power(a, e)

    def power(self, atom: Atom, e: float) -> str:
        if e == 1:
            return super().power(atom, e)
        inner = atom.write(self)
        if e == 0.5:
            return self.root(inner, plain=atom.is_symbol)
        inner = inner if atom.is_symbol or atom.op is not None else self.parenthesized(inner)
        if getattr(atom, "shape", None) == ():
            return self.raised(inner, self.number(e), plain=True)
        if e == 2 and atom.is_symbol:
            return self.square(inner)
        return self.elementwise_power(inner, self.number(e))

    def square(self, base: str) -> str:
        """A product of something with itself, number by number."""
        return base + self.hadamard + base

    def elementwise_power(self, base: str, exponent: str) -> str:
        """A power of every number."""
        return f"{base}^∘{exponent}" if exponent.isdigit() else f"{base}^∘({exponent})"

    # ------------------------------------------------------------ sums

    def _letters(self, a: Total) -> str:
        """What a sum counts: i for samples, j for the other axis."""
        return "".join(sorted("i" if axis == self.sample_axis else "j" for axis in a.counted))

    def _each(self, a: Total, letters: str) -> str:
        """What is summed: of a name the sample i."""
        atom = only_atom(a.parts[0])
        if letters == "i" and isinstance(atom, Matrix):
            return self._marked(
                ("d" if atom.is_gradient else "") + self.name(names.with_sample(atom.label, "i")), atom.shape
            )
        text = self.sum(a.parts[0])
        return text if isinstance(atom, Matrix) and isinstance(self, Latex) else self.parenthesized(text)


def _is_gradient(a: Any) -> bool:
    if isinstance(a, Product):
        return any(_is_gradient(only_atom(p)) for p in a.parts)
    return bool(getattr(a, "is_gradient", False))


class MatrixText(MatrixWriter, Text):
    """Unicode on one line: `(1/m) dZ[2]ᵀ A[1]`, `dA[1] ⊙ [Z[1] > 0]`."""

    hadamard, matmul, close, beside = " ⊙ ", " ", " ", ""
    RELATIONS = {">": ">", ">=": "≥", "<": "<", "<=": "≤"}  # noqa: RUF012 (a table, never written to)

    plain_name = staticmethod(names.text)

    def turned(self, written: str, a: Any) -> str:
        return written + "ᵀ"

    def ones(self, a: ArrayAtom) -> str:
        return "𝟏"

    def indicator(self, a: Indicator) -> str:
        left, right = map(self.sum, a.parts)
        return f"[{left} {self.RELATIONS[a.relation]} {right}]"

    def total(self, a: Total) -> str:
        letters = self._letters(a)
        if len(letters) == 2 or len(a.axes) > 1 or not a.counted:
            axes = "" if len(a.axes) == len(_inside(a)) else " over axis " + ", ".join(map(str, a.axes))
            return f"Σ({self.sum(a.parts[0])}{axes})"
        sign = {"i": "Σᵢ", "j": "Σⱼ"}[letters]
        each = self._each(a, letters)
        return f"{sign}{each}" if each.startswith("(") else f"{sign} {each}"

    def applied(self, a: Applied) -> str:
        return _application(self, a, function=_function(a))


class MatrixAscii(MatrixWriter, Ascii):
    """ASCII that NumPy evaluates, with functions of the operations' names: `(1/m) * dZ[2].T @ A[1]`."""

    hadamard, matmul, close, beside = " * ", " @ ", " * ", "*"

    plain_name = staticmethod(names.ascii_name)

    def turned(self, written: str, a: Any) -> str:
        plain = getattr(a, "plain_shape", a.shape)
        if len(plain) == 1:
            return f"{written}[:, None]"
        return f"{written}.T" if len(plain) == 2 else f"{written}.swapaxes(-1, -2)"

    def shape(self, shape: tuple[int, ...]) -> str:
        return "x".join(map(str, shape))

    def ones(self, a: ArrayAtom) -> str:
        return f"ones({a.shape})"

    def square(self, base: str) -> str:
        return f"{base}**2"

    def elementwise_power(self, base: str, exponent: str) -> str:
        return f"{base}**{exponent}"

    def indicator(self, a: Indicator) -> str:
        left, right = map(self.sum, a.parts)
        return f"({left} {a.relation} {right})"

    def total(self, a: Total) -> str:
        inner = self.sum(a.parts[0])
        if not isinstance(only_atom(a.parts[0]), Matrix):
            inner = self.parenthesized(inner)
        axis = "" if len(a.axes) == len(_inside(a)) else f"{a.axes[0] if len(a.axes) == 1 else a.axes}"
        options = [axis] if axis else []
        return f"{inner}.sum({', '.join(options + ['keepdims=True'] * a.keepdims)})"

    def applied(self, a: Applied) -> str:
        return _application(self, a, function=a.op.shown)


class MatrixLatex(MatrixWriter, Latex):
    r"""LaTeX for math mode: `\frac{1}{m} dZ^{[2]} A^{[1]T}`, `\odot`."""

    hadamard, matmul, close, beside = r" \odot ", r"\, ", r"\, ", ""
    RELATIONS = {">": ">", ">=": r"\geq", "<": "<", "<=": r"\leq"}  # noqa: RUF012 (a table, never written to)

    plain_name = staticmethod(names.latex)

    def turned(self, written: str, a: Any) -> str:
        if getattr(a, "is_turned", False) and "^{[" in written:
            return re.sub(r"\^\{(\[[^{}]*)\}", r"^{\1T}", written, count=1)
        return f"{written}^{{T}}" if "^" not in written else f"{{{written}}}^{{T}}"

    def shape(self, shape: tuple[int, ...]) -> str:
        return r" \times ".join(map(str, shape))

    def _marked(self, text: str, shape: tuple[int, ...]) -> str:
        return rf"\underset{{{self.shape(shape)}}}{{{text}}}" if self.with_shapes and shape else text

    def ones(self, a: ArrayAtom) -> str:
        return r"\mathbf{1}"

    def elementwise_power(self, base: str, exponent: str) -> str:
        return f"{{{base}}}^{{\\circ {exponent}}}"

    def indicator(self, a: Indicator) -> str:
        left, right = map(self.sum, a.parts)
        return f"[{left} {self.RELATIONS[a.relation]} {right}]"

    def total(self, a: Total) -> str:
        letters = self._letters(a)
        if len(letters) == 1 and len(a.axes) == 1:
            upper = _inside(a)[a.axes[0]]
            limit = "m" if letters == "i" and self.has_samples else str(upper)
            return rf"\sum_{{{letters}=1}}^{{{limit}}} {self._each(a, letters)}"
        axes = "" if len(a.axes) == len(_inside(a)) else f"_{{{', '.join(map(str, a.axes))}}}"
        return rf"\sum{axes} {self._each(a, '')}"

    def applied(self, a: Applied) -> str:
        return _application(self, a, function=rf"\operatorname{{{_function(a)}}}".replace("_", r"\_"))

    def block(self, array: np.ndarray) -> list[str]:
        rows = (" & ".join(self.number(float(x)) for x in row) for row in np.atleast_2d(array))
        return [r"\begin{bmatrix} " + r" \\ ".join(rows) + r" \end{bmatrix}"]


def _inside(a: Total) -> tuple[int, ...]:
    return natural_shape(a.parts[0]) or ()


def _function(a: Applied) -> str:
    return a.op.symbol if a.op.symbol.isalpha() else a.op.shown


def _application(to: MatrixWriter, a: Applied, *, function: str) -> str:
    """name(operands), and what is not differentiated by its name where it is not the usual."""
    if a.op.name == "concatenate":
        return f"{function}([{', '.join(map(to.sum, a.parts))}], {_plain(to, a.arguments[0])})"
    if a.op.name == "getitem":
        return f"{to._tight_sum(a.parts[0])}[{_plain(to, a.arguments[1])}]"
    if not isinstance(to, Ascii) and _is_row(a):
        return to._tight_sum(a.parts[0])
    written = []
    parameters = list(inspect.signature(a.op.forward).parameters.values())
    for i, x in enumerate(a.arguments):
        parameter = parameters[min(i, len(parameters) - 1)]
        if isinstance(x, Expression):
            written.append(to.sum(x))
        elif parameter.kind is parameter.VAR_POSITIONAL:
            written.append(_plain(to, x))
        elif x is not parameter.default and (a.op.name not in ALONG_AN_AXIS or isinstance(to, Ascii)):
            index = parameter.name == "index"
            text = f"{'s_' if isinstance(to, Ascii) else ''}[{_plain(to, x)}]" if index else _plain(to, x)
            written.append(f"{_plain(to, parameter.name)}={text}")
    return f"{function}({', '.join(written)})"


def _is_row(a: Applied) -> bool:
    """True if a vector became a row or a row a vector: broadcasting does not tell them apart."""
    before = natural_shape(a.parts[0]) if a.op.name == "reshape" else None
    return before is not None and (before == (1, *a.shape) or a.shape == (1, *before))


def _plain(to: MatrixWriter, x: Any) -> str:
    """An axis, a shape, an index, as Python writes it."""
    if isinstance(x, np.ndarray):
        x = x.tolist() if x.size <= SHORT or isinstance(to, Ascii) else ...
    if isinstance(x, tuple) and any(isinstance(i, slice | np.ndarray) or i is Ellipsis or i is None for i in x):
        text = ", ".join(_plain_index(i) for i in x)
    else:
        text = x if isinstance(x, str) else _plain_index(x)
    return rf"\mathtt{{{text}}}".replace("_", r"\_") if isinstance(to, Latex) else text


def _plain_index(i: Any) -> str:
    if isinstance(i, slice):
        ends = ["" if end is None else str(end) for end in (i.start, i.stop, i.step)]
        return ":".join(ends if ends[2] else ends[:2])
    if isinstance(i, np.ndarray):
        return repr(i.tolist())
    return "..." if i is Ellipsis else repr(i)
