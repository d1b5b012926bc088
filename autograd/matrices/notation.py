"""How formulas of whole arrays are put on paper: Unicode, ASCII that NumPy can evaluate, LaTeX.

The notations of `formulas.notation` with what arrays need besides: ⊙ between what is multiplied number by
number, nothing between the factors of a matrix product, a T for a transpose, shapes under the names.

How tightly a piece of writing holds together decides where parentheses are needed. In this order: a sum; a
product number by number and a quotient, from left to right; a matrix product, and a sum sign with what it
sums; a power, a root, a transpose; a name, a function with its operands, what has parentheses.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, NamedTuple

import numpy as np

from ..formulas import lines, names
from ..formulas.expression import Atom, Call, Expression, Factors, constant
from ..formulas.notation import Ascii, Formula, Latex, Text, Writer, turned_sign
from ..op import Operation
from .atoms import (
    Applied,
    ArrayAtom,
    Causal,
    Count,
    Data,
    Indicator,
    Matrix,
    Member,
    Ones,
    Places,
    Product,
    Shape,
    Total,
    Turned,
    atom_shape,
    form_of,
    natural_shape,
    only_atom,
    transposed,
    turned_shape,
    turns,
)
from .indices import at_index, letter_of, samples_of
from .sequences import OverTime, Stack, Step, base_time, is_repeated

__all__ = ["Lectures", "MatrixAscii", "MatrixLatex", "MatrixText", "MatrixWriter", "Piece"]

# Arrays of more numbers are not written out as an index.
SHORT = 8
# Between these marks stands a name, and after the middle one its shape, until both are laid out.
OPEN, MIDDLE, CLOSE = "\ue000", "\ue001", "\ue002"
# How tightly a piece holds together.
SUM, PRODUCT, MATMUL, POWER, TIGHT = range(5)


class Piece(NamedTuple):
    """Part of a formula on paper, and how tightly it holds together."""

    text: str
    hold: int = TIGHT


def is_single(a: Atom) -> bool:
    """True for one number with a name, or a function that gives one: it stands before a product."""
    is_number = getattr(a, "shape", None) == ()
    return is_number and (a.is_symbol or isinstance(a, Applied))


def is_vector(x: Expression) -> bool:
    """True for a formula of one axis."""
    return len(natural_shape(x) or ()) == 1


class MatrixWriter(Writer):
    """What notations of arrays have in common.

    columns: samples are columns. count: what the number of samples is called. taken: the labels in use.
    with_shapes: mark names with their shapes.
    """

    hadamard: str
    matmul: str
    close: str  # between a number and what it multiplies
    beside: str  # between the names of numbers

    def __init__(
        self,
        name: Callable[[str], str] | None = None,
        digits: int | None = 4,
        *,
        columns: bool = False,
        count: str = "m",
        taken: Iterable[str] = (),
        with_shapes: bool = False,
    ) -> None:
        super().__init__(name or self.plain_name, digits)
        self.columns, self.count, self.taken, self.with_shapes = columns, count, frozenset(taken), with_shapes

    # ------------------------------------------------------------ what notations differ in

    @staticmethod
    def plain_name(label: str) -> str:
        """How a label is written without the others of its graph."""
        raise NotImplementedError

    def turned(self, piece: Piece, shape: Shape) -> Piece:
        """The transpose of something of this shape."""
        raise NotImplementedError

    def total(self, a: Total) -> Piece:
        """A sum over axes."""
        raise NotImplementedError

    def applied(self, a: Applied) -> Piece:
        """An operation's name applied to its operands."""
        raise NotImplementedError

    def indicator(self, a: Indicator) -> str:
        """1 where a comparison holds."""
        raise NotImplementedError

    def causal(self, a: Causal) -> str:
        """1 at places below or above the diagonal."""
        raise NotImplementedError

    def filled(self, digit: str, shape: Shape) -> str:
        """An array of ones or of zeros."""
        raise NotImplementedError

    def block(self, array: np.ndarray) -> list[str]:
        """A small array, row by row."""
        cells = [[self.number(float(x)) for x in row] for row in np.atleast_2d(array)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        rows = ("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
        return [f"[ {row} ]" for row in rows]

    # ------------------------------------------------------------ atoms

    def array(self, a: ArrayAtom) -> str:
        """An atom that has a shape."""
        return self.piece(a).text

    def piece(self, a: Atom) -> Piece:
        """An atom, and how tightly it holds together."""
        if isinstance(a, Matrix):
            return self._named(self.gradient(a, self.symbol(a.label)), a.shape, a.plain_shape if a.is_turned else None)
        if isinstance(a, Member):
            return self._named(self.part(a), a.shape, turned_shape(a.shape) if a.is_turned else None)
        if isinstance(a, Count):
            return Piece(self.symbol(self.count))
        if isinstance(a, Causal):
            return Piece(self.causal(a))
        if isinstance(a, Step):
            return self.step(a)
        if isinstance(a, Stack):
            return self.stack(a)
        if isinstance(a, OverTime):
            return self.over_time(a)
        if isinstance(a, Product):
            return self.matrix_product(a)
        if isinstance(a, Total):
            return self.total(a)
        if isinstance(a, Indicator):
            return Piece(self.indicator(a))
        if isinstance(a, Ones):
            return Piece(self.filled(a.digit, a.shape))
        if isinstance(a, Turned):
            return self.turned(self.piece(a.inner), a.inner.shape)
        if isinstance(a, Applied):
            return self.applied(a)
        if isinstance(a, Data):
            return Piece("data")
        if a.terms:
            return self.whole(Expression(a.terms, 0.0))
        return Piece(a.write(self), POWER if isinstance(a, Call) and self.is_power(a.op) else TIGHT)

    def matrix_product(self, a: Product) -> Piece:
        """Factors side by side."""
        return Piece(self.matmul.join(map(self._factor, a.parts)), MATMUL)

    def derivative(self, name: str) -> str:
        """What the derivative of the target by what has this name is called: dW."""
        return f"d{name}"

    def gradient(self, a: Matrix, name: str) -> str:
        """A name, with a d before it for the derivative."""
        return self.derivative(name) if a.is_gradient else name

    def part(self, a: Member) -> str:
        """X(i) or X_j."""
        label = names.with_sample(a.of.label, "i") if a.letter == "i" else f"{a.of.label}_{a.letter}"
        return self.gradient(a.of, self.symbol(label))

    def step(self, a: Step) -> Piece:
        """One step of a named sequence."""
        name = self.gradient(a.of, self.symbol(a.label))
        return self._named(name, a.shape, turned_shape(a.shape) if a.is_turned else None)

    def stack(self, a: Stack) -> Piece:
        """Steps put together to an array."""
        raise NotImplementedError

    def over_time(self, a: OverTime) -> Piece:
        """A sum over steps."""
        raise NotImplementedError

    def _named(self, name: str, shape: Shape, turned_from: Shape | None) -> Piece:
        written = Piece(name) if turned_from is None else self.turned(Piece(name), turned_from)
        return Piece(self._marked(written.text, shape), written.hold)

    def _marked(self, text: str, shape: Shape) -> str:
        return f"{OPEN}{text}{MIDDLE}{self.shape(shape)}{CLOSE}" if self.with_shapes and shape else text

    def shape(self, shape: Shape) -> str:
        """4×3, or the length of a vector."""
        return "×".join(map(str, shape))

    def holding(self, piece: Piece, least: int) -> str:
        """In parentheses if it does not hold together as tightly as that."""
        return piece.text if piece.hold >= least else self.parenthesized(piece.text)

    # ------------------------------------------------------------ sums and terms

    def whole(self, x: Formula) -> Piece:
        """A formula, and how tightly it holds together."""
        atom = only_atom(x)
        if atom is not None and atom.terms:
            return self.whole(Expression(atom.terms, x.value))
        if len(x.terms) != 1:
            return Piece(super().sum(x), SUM if x.terms else TIGHT)
        negative, piece = self._term(*x.terms[0])
        return Piece(self.negative + piece.text, SUM) if negative else piece

    def sum(self, x: Formula) -> str:
        return self.whole(x).text

    def factor(self, x: Formula) -> str:
        return self.holding(self.whole(x), PRODUCT)

    def _factor(self, x: Expression) -> str:
        """A formula as one factor of a matrix product."""
        turned = transposed(x)
        is_compound = only_atom(x) is None or isinstance(only_atom(x), Call)
        if len(natural_shape(x) or ()) == 2 and is_compound and turns(turned) < turns(x):
            return self.holding(self.turned(self.whole(turned), natural_shape(turned) or ()), POWER)
        return self.holding(self.whole(x), POWER)

    def term(self, c: float, factors: Factors) -> tuple[bool, str]:
        negative, piece = self._term(c, factors)
        return negative, piece.text

    def _term(self, c: float, factors: Factors) -> tuple[bool, Piece]:
        """(is negative, what follows the sign)."""
        negative = c < 0
        if negative:
            negative, factors = turned_sign(factors)
        factors = sorted(factors, key=lambda f: not _is_gradient(f[0]))  # type: ignore[assignment]
        single = [(a, e) for a, e in factors if is_single(a)]
        above = [(a, e) for a, e in factors if e > 0 and not is_single(a)]
        below = [(a, -e) for a, e in factors if e < 0 and not is_single(a)]
        if not above and not below:
            return negative, self._before(abs(c), single)
        before = self._before(abs(c), single, alone=False) if single or abs(c) != 1 else None
        if above and not below:
            body = self._times(above)
            if before is not None:
                return negative, self._beside(before, body)
            return negative, body if body.hold > SUM else Piece(self.parenthesized(body.text))
        bottom = self._times(below)
        if not above:
            return negative, self._quotient(before or Piece(self.number(1.0)), bottom)
        quotient = self._quotient(self._times(above), bottom)
        return negative, quotient if before is None else self._beside(before, quotient)

    def _beside(self, before: Piece, body: Piece) -> Piece:
        """A number, and what it multiplies."""
        least = MATMUL if before.hold == MATMUL else POWER
        return Piece(self.holding(before, least) + self.close + self.holding(body, PRODUCT), min(body.hold, MATMUL))

    def _quotient(self, top: Piece, bottom: Piece) -> Piece:
        if self.has_bars:
            return Piece(self.fraction(top.text, bottom.text, compound=False), POWER)
        above = top.text if top.hold == PRODUCT and "/" not in top.text else self.holding(top, POWER)
        return Piece(f"{above}/{self.holding(bottom, POWER)}", PRODUCT)

    def _before(self, c: float, single: Sequence[tuple[Atom, float]], *, alone: bool = True) -> Piece:
        """A number and quantities without axes: 2, 1/m, 2 L; alone: nothing follows."""
        p, over, q, under = self._number_of(c, in_fraction=any(e < 0 for _, e in single))
        top = [*map(self._named_number, over), *(self._raised(a, e) for a, e in single if e > 0)]
        bottom = [*map(self._named_number, under), *(self._raised(a, -e) for a, e in single if e < 0)]
        if p == 0.5 and q == 1 and self.half is not None and (top or not alone):
            top.insert(0, Piece(self.half))
        elif p != 1 or not top:
            top.insert(0, Piece(self.constant(p)))
        if q != 1:
            bottom.insert(0, Piece(self.constant(q)))
        above = self._listed(top)
        if not bottom:
            return above
        return self._quotient(Piece(above.text), self._listed(bottom))

    def _named_number(self, name: str) -> Piece:
        return Piece(self.named_number(name), SUM if name.startswith("ln") else POWER)

    def _listed(self, pieces: Sequence[Piece]) -> Piece:
        """Numbers that are multiplied."""
        if len(pieces) == 1:
            return pieces[0]
        return Piece(self.beside.join(self.holding(p, POWER) for p in pieces), MATMUL)

    def _times(self, factors: Sequence[tuple[Atom, float]]) -> Piece:
        """Powers multiplied number by number."""
        pieces = [self._raised(a, e) for a, e in factors]
        if len(pieces) == 1:
            return pieces[0]
        return Piece(self.hadamard.join(self.holding(p, POWER) for p in pieces), PRODUCT)

    def _raised(self, atom: Atom, e: float) -> Piece:
        """A positive power of every number."""
        inner = self.piece(atom)
        if e == 1:
            return inner
        if e == 0.5:
            return Piece(self.root(inner.text, plain=inner.hold == TIGHT and atom.is_symbol), POWER)
        is_number = atom_shape(atom) == ()
        if e == 2 and atom.is_symbol and not is_number:
            return self.square(inner)
        number = self.constant(e)
        exponent = Piece(number, TIGHT if number.replace(".", "").isdecimal() else SUM)
        if is_number:
            base = self.symbol_to_raise(self.holding(inner, TIGHT))
            return Piece(self.raised(base, exponent.text, plain=exponent.hold == TIGHT), POWER)
        return self.elementwise_power(inner, exponent)

    def square(self, base: Piece) -> Piece:
        """A product of something with itself, number by number."""
        return Piece(f"{self.holding(base, POWER)}{self.hadamard}{self.holding(base, POWER)}", PRODUCT)

    def elementwise_power(self, base: Piece, exponent: Piece) -> Piece:
        """A power of every number."""
        return Piece(f"{self.holding(base, TIGHT)}^∘{self.holding(exponent, TIGHT)}", POWER)

    def general_power(self, base: Formula, exponent: Formula) -> str:
        return self.elementwise_power(self.whole(base), self.whole(exponent)).text

    # ------------------------------------------------------------ operations by their names

    def application(self, a: Applied, function: str) -> Piece:
        """name(operands), and what is not differentiated by its name where it is not the usual."""
        found: Piece | None = form_of(a.op).call(self, a, function)
        if found is not None:
            return found
        written = []
        parameters = list(inspect.signature(a.op.forward).parameters.values())
        for i, x in enumerate(a.arguments):
            parameter = parameters[min(i, len(parameters) - 1)]
            if isinstance(x, Expression):
                written.append(self.inside.sum(x))
            elif i == 0 and isinstance(x, str):  # the subscripts of an einsum
                written.append(self.plain(repr(x)))
            elif parameter.kind is parameter.VAR_POSITIONAL:
                written.append(self.plain(x))
            elif x is not parameter.default:
                written.append(f"{self.plain(parameter.name)}={self.argument(parameter.name, x)}")
        inner, pattern = ", ".join(written), self.pattern(a.op) or ""
        return Piece(pattern.replace("#", inner) if "#" in pattern else f"{pattern or function}({inner})")

    def argument(self, name: str, x: object) -> str:
        """What is given for a parameter that is not differentiated."""
        return f"[{self.plain(x)}]" if name == "index" else self.plain(x)

    def to_index(self, x: Expression, index: object) -> str:
        """What an index is attached to, in parentheses also where it would read as a layer: (Z)[1], not Z[1]."""
        piece, atom = self.whole(x), only_atom(x)
        is_layer = isinstance(atom, Matrix) and names.parse(f"{atom.label}[{MatrixWriter.plain(self, index)}]")
        return self.parenthesized(piece.text) if is_layer else self.holding(piece, TIGHT)

    def plain(self, x: object) -> str:
        """An axis, a shape, an index, as Python writes it."""
        if isinstance(x, tuple) and not all(isinstance(i, int | tuple) for i in x):
            return ", ".join(map(self._plain_index, x))
        return x if isinstance(x, str) else self._plain_index(x)

    def _plain_index(self, i: object) -> str:
        if isinstance(i, slice):
            ends = ["" if end is None else str(end) for end in (i.start, i.stop, i.step)]
            return ":".join(ends if ends[2] else ends[:2])
        if isinstance(i, Places):
            return self.symbol(i.label)
        if isinstance(i, np.ndarray):
            return repr(i.tolist())
        return "..." if i is Ellipsis else repr(i)


def _is_gradient(a: Atom | None) -> bool:
    if isinstance(a, Product):
        return any(_is_gradient(only_atom(p)) for p in a.parts)
    return isinstance(a, Matrix) and a.is_gradient


def _axes(a: Total) -> str:
    """The axes of a sum that are not all; kept as axes of size 1, which in a matrix goes without saying."""
    if len(a.axes) == len(a.inside):
        return ""
    is_leading = a.axes == tuple(range(len(a.axes)))  # which broadcasting puts back
    if samples_of(a.parts[0]) == -len(a.inside) and len(a.inside) > 2 and (is_leading or not a.keepdims):
        between = "steps" if len(a.inside) == 3 else "places"
        rest = a.axes[1:] if a.axes[0] == 0 else a.axes
        if rest == tuple(range(1, len(a.inside) - 1)):
            return f"samples and {between}" if rest != a.axes else between
    return "axis " + ", ".join(map(str, a.axes)) + (", kept" if a.keepdims and len(a.inside) != 2 else "")


# ---------------------------------------------------------------- what people read


class Lectures(MatrixWriter):
    """What people read: a vector counts as a row, samples are counted by i, what lies along the other axis by j."""

    RELATIONS: ClassVar[dict[str, str]]
    inner: str  # between two vectors

    def indicator(self, a: Indicator) -> str:
        left, right = map(self.sum, a.parts)
        return f"[{left} {self.RELATIONS[a.relation]} {right}]"

    def causal(self, a: Causal) -> str:
        return self._marked(f"[{self.words('row')} {self.RELATIONS[a.relation]} {self.words('column')}]", a.shape)

    def total(self, a: Total) -> Piece:
        letter = letter_of(a)
        letter = "" if letter in self.taken else letter  # i is a quantity here
        along = -1 if self.columns else -2  # what lies otherwise has no samples that an index could count
        if len(a.inside) > 2:
            along = -len(a.inside)
        inner = at_index(a, letter, along, self.taken) if letter else None
        if not letter or (inner is None and samples_of(a.parts[0]) != along):
            return self._as_left(a, self.sum_over(_axes(a), self.whole(a.parts[0])))
        if inner is None:
            piece = self.with_index(Piece(self.parenthesized(self.sum(a.parts[0]))), letter)
        else:
            piece = self.whole(inner)
        return self._as_left(a, self.sum_of(letter, a.inside[a.axes[0]], piece))

    def _as_left(self, a: Total, piece: Piece) -> Piece:
        """A sum along the rows of a matrix is a column; without that axis a vector, which counts as a row."""
        is_vector = len(a.inside) == 2 and a.axes == (1,) and not a.keepdims
        return self.turned(piece, ()) if is_vector else piece

    @property
    def time(self) -> str:
        """The letter that counts steps."""
        return next(letter for letter in "tsk" if letter not in self.taken)

    def at_any_time(self, x: Expression) -> Piece:
        """A formula at step t, whichever step it was written for."""
        base, given = base_time(x), self.name

        def name(label: str) -> str:
            parsed = names.parse(label)
            if parsed is None or parsed.time is None or base is None:
                return given(label)
            later = int(parsed.time) - base
            return given(replace(parsed, time=f"{self.time}{later:+}" if later else self.time).label())

        self.name = name
        piece = self.whole(x)
        self.name = given
        return piece

    def stack(self, a: Stack) -> Piece:
        lo = base_time(a.parts[0])
        if is_repeated(a.parts) and lo is not None:
            return self.steps(self.at_any_time(a.parts[0]).text, lo, lo + len(a.parts) - 1)
        if len(a.shape) == 2 and a.axis == 0:  # vectors, which count as rows
            return self.blocks([self.sum(p) for p in a.parts], 0)
        return Piece(f"{self.operator('steps')}({self.comma.join(map(self.sum, a.parts))})")

    def steps(self, each: str, lo: int, hi: int) -> Piece:
        """Many steps put together."""
        raise NotImplementedError

    def operator(self, word: str) -> str:
        """A word that stands for a function."""
        return word

    def over_time(self, a: OverTime) -> Piece:
        if a.hi - a.lo < 2:
            return Piece(super().sum(sum(a.spelled_out(), constant(0.0))), SUM)
        return self.sum_over_time(a.lo, a.hi, self.at_any_time(a.parts[0]))

    def sum_over_time(self, lo: int, hi: int, piece: Piece) -> Piece:
        """Σₜ with what it sums."""
        raise NotImplementedError

    def sum_of(self, letter: str, count: int, piece: Piece) -> Piece:
        """Σᵢ with what it sums."""
        raise NotImplementedError

    def sum_over(self, axes: str, piece: Piece) -> Piece:
        """Σ over all numbers, or over axes that have no letter."""
        raise NotImplementedError

    def with_index(self, piece: Piece, letter: str) -> Piece:
        """(X Y)(i): the i-th sample of what is in parentheses."""
        raise NotImplementedError

    def called(self, a: Applied) -> str:
        """How an operation is called."""
        return a.op.symbol if a.op.symbol.isalpha() else a.op.shown

    def along(self, function: str, inner: str, axis: str) -> Piece:
        """A function that works along an axis which it has to say."""
        raise NotImplementedError

    def applied(self, a: Applied) -> Piece:
        found: Piece | None = form_of(a.op).piece(self, a)
        if found is not None:
            return found
        pattern = self.pattern(a.op)
        if pattern is not None and "#" in pattern:
            return self.by_pattern(a, pattern)
        if "members" in a.op.writing:
            return self.of_members(a, *a.op.writing["members"](*a.plain))
        if a.op.along_axis:
            axis = a.arguments[1] % len(a.shape)
            unsaid = len(a.shape) - 2 if self.columns and len(a.shape) > 1 else len(a.shape) - 1  # of every sample
            return self.along(self.called(a), self.sum(a.parts[0]), "" if axis == unsaid else f"axis {axis}")
        before = natural_shape(a.parts[0]) or () if a.parts else ()
        if a.op.over_axes and len(before) > 2 and not any(a.arguments[2:]) and isinstance(a.arguments[1], int | tuple):
            over = np.lib.array_utils.normalize_axis_tuple(a.arguments[1], len(before))
            return self.along(self.called(a), self.sum(a.parts[0]), _axes(Total(a.parts[0], a.shape, over, False)))
        return self.application(a, self.called(a))

    def of_members(self, a: Applied, terms: Sequence[str], output: str) -> Piece:
        """A sum of products of numbers with indices, (Σⱼ Aᵢⱼ Bⱼₖ)ᵢₖ: the indices behind are those of the result."""
        summed = "".join(dict.fromkeys(c for term in terms for c in term if c not in output))
        factors = [self._member(x, term) for x, term in zip(a.parts, terms, strict=True)]
        body = self.beside.join(factors)
        if summed:
            body = self.below(self.summation, summed) + self.beside + body
        if not output:
            return Piece(body, MATMUL)
        return Piece(self.below(self.parenthesized(body), output))

    def _member(self, x: Expression, letters: str) -> str:
        """A number of a formula, by its indices."""
        atom = only_atom(x)
        if isinstance(atom, Matrix) and atom.is_turned and len(letters) == 2:
            return self._member(transposed(x), letters[::-1])
        if not letters:
            return self.holding(self.whole(x), POWER)
        if isinstance(atom, Matrix) and not atom.is_turned:
            return self._marked(self.below(self.gradient(atom, self.symbol(atom.label)), letters), atom.shape)
        return self.below(self.holding(self.whole(x), TIGHT), letters)

    summation: str  # the sign

    def below(self, text: str, letters: str) -> str:
        """With an index."""
        raise NotImplementedError

    def by_pattern(self, a: Applied, pattern: str) -> Piece:
        """An operation as it says that it is written, with what is said of how it is done."""
        plain = a.plain
        is_function = pattern.endswith(")")
        told = a.op.writing["how"](a.shape, *plain) if "how" in a.op.writing else []
        words = self.how(told, is_function=is_function)
        for x in a.parts:
            operand = self.inside.sum(x) if is_function else self.holding(self.whole(x), POWER)
            pattern = pattern.replace("#", operand, 1)
        return Piece(pattern.replace("{how}", words), TIGHT if is_function else PRODUCT)

    def how(self, words: Sequence[str], *, is_function: bool) -> str:
        """What is said of how an operation is done: in brackets behind its sign, or behind its operands."""
        raise NotImplementedError

    def blocks(self, parts: Sequence[str], axis: int) -> Piece:
        """Matrices side by side (axis 1) or one below the other."""
        raise NotImplementedError

    def shaped(self, function: str, inner: str, shape: str) -> Piece:
        """The same numbers in another shape."""
        raise NotImplementedError

    def length(self, inner: str) -> Piece:
        """The Euclidean length of what is inside."""
        raise NotImplementedError

    def words(self, text: str) -> str:
        """Words between formulas."""
        return text

    def matrix_product(self, a: Product) -> Piece:
        """Factors side by side; between two vectors a dot."""
        *first, last = a.parts
        if is_vector(last) and is_vector(first[0]):  # x A · x
            return Piece(self.matmul.join(map(self._factor, first)) + self.inner + self._factor(last), MATMUL)
        return super().matrix_product(a)

    def _times(self, factors: Sequence[tuple[Atom, float]]) -> Piece:
        """Powers multiplied number by number; a column by a row, which gives a matrix, side by side."""
        if len(factors) == 2 and all(e == 1 for _, e in factors):
            first, second = (atom_shape(a) or () for a, _ in factors)
            if len(first) == 2 and first[0] > 1 == first[1] and second[:-1] in ((), (1,)) and second[-1:] > (1,):
                return Piece(self.matmul.join(self.holding(self.piece(a), POWER) for a, _ in factors), MATMUL)
        return super()._times(factors)


class MatrixText(Lectures, Text):
    """Unicode on one line: `(1/m) dZ[2]ᵀ A[1]`, `dA[1] ⊙ [Z[1] > 0]`."""

    hadamard, matmul, inner, close, beside = " ⊙ ", " ", " · ", " ", " "
    RELATIONS: ClassVar[dict[str, str]] = {">": ">", ">=": "≥", "<": "<", "<=": "≤", "==": "=", "!=": "≠"}

    plain_name = staticmethod(names.text)

    def part(self, a: Member) -> str:
        name = names.parse(a.of.label)
        if a.letter == "i" and name is not None and name.index:  # sample i of x₁; x(i)₁ is component 1 of sample i
            return f"{self.gradient(a.of, self.symbol(a.of.label))}(i)"
        return super().part(a)

    def turned(self, piece: Piece, shape: Shape) -> Piece:
        return Piece(f"{self.holding(piece, TIGHT)}ᵀ", POWER)

    def filled(self, digit: str, shape: Shape) -> str:
        bold = {"0": "𝟎", "1": "𝟏"}[digit]
        subscript = "ₓ".join(str(n).translate(_SUBSCRIPTS) for n in shape)
        return self._marked(bold, shape) if self.with_shapes else bold + subscript

    def sum_of(self, letter: str, count: int, piece: Piece) -> Piece:
        sign = {"i": "Σᵢ", "j": "Σⱼ"}[letter]
        if piece.hold < MATMUL:
            return Piece(f"{sign}({piece.text})", POWER)
        return Piece(f"{sign} {piece.text}", MATMUL)

    summation = "Σ"

    def below(self, text: str, letters: str) -> str:
        has_index = text.endswith(tuple("₀₁₂₃₄₅₆₇₈₉")) or ("_" in text and not text.endswith(")"))
        return (self.parenthesized(text) if has_index else text) + names.text(f"x_{letters}")[1:]

    def sum_over_time(self, lo: int, hi: int, piece: Piece) -> Piece:
        letter = names.text(f"x_{self.time}")[1:]
        sign = f"Σ{letter}₌{str(lo).translate(_SUBSCRIPTS)}{str(hi).translate(_SUPERSCRIPTS)}"
        return Piece(f"{sign} {self.holding(piece, MATMUL)}", MATMUL)

    def steps(self, each: str, lo: int, hi: int) -> Piece:
        return Piece(f"steps({each} for {self.time} = {lo}…{hi})")

    def sum_over(self, axes: str, piece: Piece) -> Piece:
        return Piece(f"Σ({piece.text}{f' over {axes}' if axes else ''})", POWER)

    def with_index(self, piece: Piece, letter: str) -> Piece:
        return Piece(piece.text + ("(i)" if letter == "i" else "ⱼ"))

    def along(self, function: str, inner: str, axis: str) -> Piece:
        return Piece(f"{function}({inner}{f' over {axis}' if axis else ''})")

    def length(self, inner: str) -> Piece:
        return Piece(f"‖{inner}‖")

    def how(self, words: Sequence[str], *, is_function: bool) -> str:
        told = ", ".join(words)
        return (f", {told}" if is_function else f"({told})") if told else ""

    def blocks(self, parts: Sequence[str], axis: int) -> Piece:
        return Piece(f"[{(' | ' if axis else ' ; ').join(parts)}]")

    def shaped(self, function: str, inner: str, shape: str) -> Piece:
        return Piece(f"{function}({inner}{', ' if shape else ''}{shape})")


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class MatrixLatex(Lectures, Latex):
    r"""LaTeX for math mode: `\frac{1}{m} dZ^{[2]} A^{[1]T}`, `\odot`."""

    hadamard, matmul, inner, close, beside = r" \odot ", r"\, ", r" \cdot ", r"\, ", r"\, "
    RELATIONS: ClassVar[dict[str, str]] = {">": ">", ">=": r"\geq", "<": "<", "<=": r"\leq", "==": "=", "!=": r"\neq"}

    gap = r"\;\,\vdots"  # where lines are left out

    plain_name = staticmethod(names.latex)

    def pattern(self, op: Operation) -> str | None:
        found = super().pattern(op)
        return None if found is not None and "^" in found else found  # e^{Z} would read as that of a matrix

    def turned(self, piece: Piece, shape: Shape) -> Piece:
        text = piece.text
        if re.fullmatch(r"d?\\?[A-Za-z]+\^\{(\[|\\langle )[^{}]*\}(_\{[^{}]*\})?", text):  # W^{[1]T}, as the lectures
            text = re.sub(r"\^\{([^{}]*)\}", r"^{\1T}", text, count=1)
            return Piece(text.replace(r"\rangleT}", r"\rangle T}"), POWER)
        if "^" in text and piece.hold == TIGHT and not text.endswith(")"):
            return Piece(f"{{{text}}}^{{T}}", POWER)
        return Piece(f"{self.holding(piece, TIGHT)}^{{T}}", POWER)

    def shape(self, shape: Shape) -> str:
        return r" \times ".join(map(str, shape))

    def _marked(self, text: str, shape: Shape) -> str:
        return rf"\underset{{{self.shape(shape)}}}{{{text}}}" if self.with_shapes and shape else text

    def filled(self, digit: str, shape: Shape) -> str:
        bold = rf"\mathbf{{{digit}}}"
        return self._marked(bold, shape) if self.with_shapes else f"{bold}_{{{self.shape(shape)}}}"

    def elementwise_power(self, base: Piece, exponent: Piece) -> Piece:
        text = self.holding(base, TIGHT)
        return Piece(
            f"{{{text if text.endswith(')') else self.symbol_to_raise(text)}}}^{{\\circ {exponent.text}}}", POWER
        )

    def sum_of(self, letter: str, count: int, piece: Piece) -> Piece:
        limit = self.name(self.count) if letter == "i" else str(count)
        return Piece(rf"\sum_{{{letter}=1}}^{{{limit}}} {self.holding(piece, MATMUL)}", MATMUL)

    summation = r"\sum"

    def below(self, text: str, letters: str) -> str:
        return f"{{{text}}}_{{{letters}}}" if "_" in text else f"{text}_{{{letters}}}"

    def sum_over_time(self, lo: int, hi: int, piece: Piece) -> Piece:
        return Piece(rf"\sum_{{{self.time}={lo}}}^{{{hi}}} {self.holding(piece, MATMUL)}", MATMUL)

    def steps(self, each: str, lo: int, hi: int) -> Piece:
        return Piece(rf"\operatorname{{steps}}_{{{self.time}={lo}}}^{{{hi}}}({each})")

    def operator(self, word: str) -> str:
        return rf"\operatorname{{{word}}}"

    def sum_over(self, axes: str, piece: Piece) -> Piece:
        below = rf"_{{\text{{{axes}}}}}" if axes else ""
        return Piece(rf"\sum{below} {self.holding(piece, POWER)}", MATMUL)

    def with_index(self, piece: Piece, letter: str) -> Piece:
        return Piece(f"{piece.text}^{{(i)}}" if letter == "i" else f"{piece.text}_{{{letter}}}", POWER)

    def length(self, inner: str) -> Piece:
        return Piece(rf"\lVert {inner} \rVert")

    def how(self, words: Sequence[str], *, is_function: bool) -> str:
        told = r",\,".join(rf"\text{{{w}}}" if " " in w else w for w in words).replace("×", r" \times ")
        return f"_{{{told}}}" if words else ""

    def blocks(self, parts: Sequence[str], axis: int) -> Piece:
        joint = " & " if axis else " \\\\ "
        return Piece(rf"\begin{{bmatrix}} {joint.join(parts)} \end{{bmatrix}}")

    def shaped(self, function: str, inner: str, shape: str) -> Piece:
        return Piece(f"{function}{f'_{{{shape}}}' if shape else ''}({inner})")

    def called(self, a: Applied) -> str:
        return rf"\operatorname{{{super().called(a)}}}".replace("_", r"\_")

    def along(self, function: str, inner: str, axis: str) -> Piece:
        below = rf"_{{\text{{{axis}}}}}" if axis else ""
        return Piece(f"{function}{below}{self.parenthesized(inner)}")

    def words(self, text: str) -> str:
        return rf"\text{{{text}}}"

    def plain(self, x: object) -> str:
        text = super().plain(x)
        return text if "{" in text else rf"\mathtt{{{text}}}".replace("_", r"\_")

    def block(self, array: np.ndarray) -> list[str]:
        return [lines.matrix([self.number(float(x)) for x in row] for row in np.atleast_2d(array))]


# ---------------------------------------------------------------- what NumPy reads


class MatrixAscii(MatrixWriter, Ascii):
    """ASCII that NumPy evaluates, with functions of the operations' names: `(1/m) * dZ[2].T @ A[1]`."""

    hadamard, matmul, close, beside = " * ", " @ ", " * ", "*"

    plain_name = staticmethod(names.ascii_name)

    def turned(self, piece: Piece, shape: Shape) -> Piece:
        text = self.holding(piece, TIGHT)
        if len(shape) == 1:
            return Piece(f"{text}[:, None]")
        return Piece(f"{text}.T" if len(shape) == 2 else f"{text}.swapaxes(-1, -2)")

    def shape(self, shape: Shape) -> str:
        return "x".join(map(str, shape))

    def filled(self, digit: str, shape: Shape) -> str:
        return self._marked(f"{'ones' if digit == '1' else 'zeros'}({shape})", shape)

    def _term(self, c: float, factors: Factors) -> tuple[bool, Piece]:
        negative, piece = super()._term(c, factors)
        if c in (1.0, -1.0) and factors and all(isinstance(a, Indicator) for a, _ in factors):  # no truth, a number
            return negative, Piece(f"1 * {piece.text}", PRODUCT)
        return negative, piece

    def whole(self, x: Formula) -> Piece:
        atom = only_atom(x)
        return self._term(*x.terms[0])[1] if isinstance(atom, Indicator) else super().whole(x)

    def sum(self, x: Formula) -> str:
        return self.whole(x).text if len(x.terms) == 1 else super().sum(x)

    def step(self, a: Step) -> Piece:
        index = f"[:, {a.t}]" if a.axis else f"[{a.t}]"
        text = self.gradient(a.of, self.symbol(a.of.label)) + index
        return Piece(f"{self._marked(text, a.shape)}.T" if a.is_turned != a.in_columns else self._marked(text, a.shape))

    def stack(self, a: Stack) -> Piece:
        return Piece(f"stack([{', '.join(map(self.sum, a.parts))}], {a.axis})")

    def over_time(self, a: OverTime) -> Piece:
        return Piece(super().sum(sum(a.spelled_out(), constant(0.0))), SUM)

    def square(self, base: Piece) -> Piece:
        return Piece(f"{self.holding(base, TIGHT)}**2", POWER)

    def elementwise_power(self, base: Piece, exponent: Piece) -> Piece:
        return Piece(f"{self.holding(base, TIGHT)}**{self.holding(exponent, TIGHT)}", POWER)

    def root(self, inner: str, *, plain: bool) -> str:
        return f"sqrt({inner})"

    def indicator(self, a: Indicator) -> str:
        left, right = map(self.sum, a.parts)
        return f"({left} {a.relation} {right})"

    def causal(self, a: Causal) -> str:
        below = f"tri({', '.join(map(str, a.shape[-2:]))})"
        above = f"tri({', '.join(map(str, a.shape[:-3:-1]))}).T"
        written = {">=": below, "<": f"(1 - {below})", "<=": above, ">": f"(1 - {above})"}[a.relation]
        if len(a.shape) > 2:
            written = f"{written}.reshape({a.shape})"
        return self._marked(written, a.shape)

    def total(self, a: Total) -> Piece:
        options = [] if len(a.axes) == len(a.inside) else [str(a.axes[0] if len(a.axes) == 1 else a.axes)]
        options += ["keepdims=True"] * a.keepdims
        return Piece(f"{self.holding(self.whole(a.parts[0]), TIGHT)}.sum({', '.join(options)})")

    def applied(self, a: Applied) -> Piece:
        return self.application(a, a.op.shown)

    def argument(self, name: str, x: object) -> str:
        return f"s_[{self.plain(x)}]" if name == "index" else self.plain(x)
