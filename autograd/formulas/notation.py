"""How numbers, formulas and derivatives are put on paper: Unicode, ASCII in Python's notation, LaTeX, MathML.

A Writer is one notation together with a function that writes names. What a formula is made of, and
how it is simplified, is the business of `expression`; the order of terms and factors on paper, the
signs, fractions and parentheses are decided here.
"""

from __future__ import annotations

import copy
import functools
import html
import itertools
import math
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from fractions import Fraction
from typing import Any, ClassVar, Protocol, Self, TypeVar, cast

from ..op import Operation, table
from ..operands import Operand
from ..ops.elementwise import log, power
from . import names
from .lines import fitted

__all__ = ["Ascii", "Latex", "Mathml", "Text", "Writer", "as_printable", "format_number", "is_short", "is_written"]


class Atom(Protocol):
    """What a notation asks of an atom: a symbol, a function of formulas, a sum in parentheses."""

    label: str
    is_symbol: bool

    @property
    def key(self) -> str: ...
    @property
    def op(self) -> Operation | None: ...
    @property
    def terms(self) -> tuple[tuple[float, tuple[tuple[Any, float], ...]], ...]: ...
    def write(self, writer: Any) -> str: ...
    def opposite(self) -> Self: ...


class Call(Protocol):
    """What it asks of a function of formulas."""

    args: tuple[Operand, ...]

    @property
    def op(self) -> Operation: ...
    def flat(self) -> list[Operand]: ...


class Formula(Protocol):
    """What it asks of a formula: its terms, each a number and atoms with their exponents."""

    value: float

    @property
    def terms(self) -> tuple[tuple[float, tuple[tuple[Any, float], ...]], ...]: ...
    def function(self) -> Operation | None: ...
    def is_symbol(self) -> bool: ...
    def is_number(self) -> bool: ...


A = TypeVar("A", bound=Atom)
T = TypeVar("T")


def format_number(x: float, digits: int = 4) -> str:
    """A number as people read it: rounded to 4 significant digits, 2 instead of 2.0, 12346, 1e-05."""
    text = f"{x:.{digits}g}"
    if "e+" in text and abs(x) < 1e7:
        return f"{x:.0f}"
    return "0" if text == "-0" else text


def as_printable(text: Callable[..., str]) -> str:
    """`text()` if the standard output can show all of its characters, else `text(ascii=True)`."""
    written = text()
    try:
        written.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return text(ascii=True)
    return written


# Numbers in formulas are written in full if that takes so many digits, as 0.044715 does; inside functions
# and exponents, where a small difference becomes a large one, all are written with more.
WRITTEN, INSIDE = 7, 10


def is_short(x: float) -> bool:
    """True if the number is written in full with 4 significant digits: 0.25, but not 1/3."""
    return not math.isfinite(x) or float(format_number(x)) == x


def is_written(x: float) -> bool:
    """True if a formula has the number in full: 0.044715, but not 1/3."""
    return _is_near(x, float(f"{x:.{WRITTEN}g}"))


def shown(arguments: Sequence[T]) -> Sequence[T]:
    """Which arguments of a function are written: of more than four the first two and the last."""
    return arguments if len(arguments) <= 4 else [*arguments[:2], arguments[-1]]


class Writer(ABC):
    """What the notations have in common; each fills in its signs and what else differs.

    name: how a label is written.
    digits: significant digits of numbers; None writes them in full.
    """

    minus: ClassVar[str]  # between two terms
    times: ClassVar[str]  # between the factors of a product
    apart: ClassVar[str]  # between the factors of a chain, which are formulas themselves
    arrow: ClassVar[str]
    ellipsis: ClassVar[str]
    infinity: ClassVar[str]
    plus: ClassVar[str] = "+"
    comma: ClassVar[str] = ", "
    has_bars: ClassVar[bool] = False  # fractions have bars, which hold a sum together without parentheses
    dot: ClassVar[str]  # a visible sign between factors
    half: ClassVar[str | None] = None  # before other factors
    errors_first: bool = False  # (ŷ − y)·x, as lectures end a derivation; else x(ŷ − y)
    pi: ClassVar[str | None] = None
    typed: Collection[float] = ()  # long numbers as somebody wrote them: 3·0.044715 instead of 0.134145

    def __init__(self, name: Callable[[str], str], digits: int | None = 4) -> None:
        self.name, self.digits = name, digits

    # ------------------------------------------------------------ what notations differ in

    @abstractmethod
    def ratio(self, over: str, under: str) -> str:
        """The derivative of one named quantity by another."""

    @abstractmethod
    def fraction(self, top: str, bottom: str, *, compound: bool) -> str:
        """top/bottom. compound: the bottom is a product."""

    @abstractmethod
    def raised(self, base: str, exponent: str, *, plain: bool) -> str:
        """A power. plain: the exponent is a single symbol or number."""

    @abstractmethod
    def root(self, inner: str, *, plain: bool) -> str:
        """A square root. plain: of a single symbol."""

    @abstractmethod
    def pattern(self, op: Operation) -> str | None:
        """How the operation says that it is written: a name, or # in the place of its operands; None if it does not."""

    @abstractmethod
    def function(self, op: Operation, inner: str) -> str:
        """The function that an operation is, and in parentheses what it is applied to."""

    @abstractmethod
    def component(self, whole: str, place: int) -> str:
        """A member of a sequence. place: from 0."""

    @abstractmethod
    def joint(self, left: str, right: str) -> str:
        """What stands between two factors: nothing, or a sign."""

    def logarithm(self, number: str) -> str:
        """The natural logarithm of a plain number."""
        return f"ln {number}"

    def parenthesized(self, text: str) -> str:
        """In parentheses."""
        return f"({text})"

    def symbol_to_raise(self, text: str) -> str:
        """A symbol that gets an exponent."""
        return text

    def is_numeral(self, text: str) -> bool:
        """Whether this is how a positive number without power of ten is written."""
        return _is_numeral(text)

    # ------------------------------------------------------------ numbers

    @property
    def negative(self) -> str:
        """The minus sign before what is negative, where no term stands to its left."""
        return self.minus

    def number(self, x: float) -> str:
        """A number with the notation's minus sign."""
        if math.isinf(x):
            return (self.negative if x < 0 else "") + self.infinity
        text = repr(float(x)).removesuffix(".0") if self.digits is None else format_number(x, self.digits)
        return text.replace("-", self.minus)

    def constant(self, x: float) -> str:
        """A number in a formula, as it was written if that is short: 0.044715, but 0.3333."""
        if self.digits is None or not math.isfinite(x):
            return self.number(x)
        digits = INSIDE if float(x).is_integer() else WRITTEN
        rounded = float(f"{x:.{digits}g}")
        return self.with_digits(digits).number(rounded) if _is_near(x, rounded) else self.number(x)

    def with_digits(self, digits: int) -> Writer:
        """The same notation with as many digits, or more if it has more."""
        if self.digits is None or self.digits >= digits:
            return self
        other = copy.copy(self)
        other.digits = digits
        return other

    @property
    def inside(self) -> Writer:
        """The notation inside functions and exponents."""
        return self.with_digits(INSIDE)

    def named_number(self, name: str) -> str:
        """π, √2, √(2π) or ln 10, as NAMED calls them."""
        if name.startswith("√"):
            number, has_pi = name[1:].strip("()").removesuffix("π"), name.endswith(("π", "π)"))
            parts = [self.number(float(number.rstrip("/")))] if number else []
            parts += [self.pi or ""] * has_pi
            inner = self.fraction(*parts, compound=False) if "/" in name else "".join(parts)
            return self.root(inner, plain=len(name) == 2)
        return self.logarithm(self.number(float(name[3:]))) if name.startswith("ln") else self.pi or ""

    # ------------------------------------------------------------ formulas

    def symbol(self, label: str) -> str:
        """A name inside a formula: in parentheses if it is an expression itself, as e+c is."""
        return self.name(label) if names.is_word(label) else self.parenthesized(self.name(label))

    def sum(self, x: Formula) -> str:
        """A formula: its terms in the order they came, but not a minus first if that can be avoided.

        −y + ŷ reads ŷ − y. A fraction keeps its place, −y/a + (1 − y)/(1 − a), but beside a name: σ − 1/σ.
        """
        if not x.terms:
            return self.number(0.0)
        written = [self.term(c, factors) for c, factors in x.terms]
        if written[0][0]:
            are_whole = [all(e > 0 for _, e in factors) for _, factors in x.terms]
            if not are_whole[0] and not (len(written) == 2 and _is_in_symbols(x)):
                are_whole = [False] * len(written)
            leading = (i for i, (negative, _) in enumerate(written) if not negative and (are_whole[0] or are_whole[i]))
            written.insert(0, written.pop(next(leading, 0)))
        negative, text = written[0]
        signed = (f" {self.minus if negative else self.plus} {body}" for negative, body in written[1:])
        return (self.negative if negative else "") + text + "".join(signed)

    def factor(self, x: Formula) -> str:
        """A formula as one factor among others: in parentheses if it is a sum or negative."""
        text = self.sum(x)
        return text if len(x.terms) <= 1 and not text.startswith(self.negative) else self.parenthesized(text)

    def term(self, c: float, factors: tuple[tuple[Any, float], ...]) -> tuple[bool, str]:
        """(is negative, what follows the sign)."""
        negative = c < 0
        if negative:
            negative, factors = turned_sign(factors)
        above = [(a, e) for a, e in factors if e > 0]
        below = [(a, -e) for a, e in factors if e < 0]
        c, over, divisor, under = self._number_of(abs(c), in_fraction=bool(below))
        if not below and divisor == 1 and not under:
            return negative, self.product(c, above, named=over)
        top = self.product(c, above, bare=self.has_bars, named=over)
        bottom = self.product(divisor, below, bare=self.has_bars, named=under, is_below=True)
        return negative, self.fraction(top, bottom, compound=len(below) + (divisor != 1) + len(under) > 1)

    def _number_of(self, c: float, *, in_fraction: bool) -> tuple[float, tuple[str, ...], float, tuple[str, ...]]:
        """A coefficient as p·√2/(q·π), say: the number and the named ones above, and those below."""
        p, q = as_fraction(c, in_fraction=in_fraction)
        if q != 1 or self.pi is None or self.digits is None or _is_near(c, float(f"{c:.{WRITTEN}g}")):
            return p, (), q, ()
        return named_factors(c) or (p, (), q, ())

    def product(
        self,
        c: float,
        factors: Sequence[tuple[Atom, float]],
        *,
        bare: bool = False,
        named: Sequence[str] = (),
        is_below: bool = False,
    ) -> str:
        """A number, numbers with a name, and positive powers.

        bare: a sum alone needs no parentheses. is_below: it is what a fraction divides by.
        """
        if bare and c == 1 and not named and len(factors) == 1 and factors[0][1] == 1:
            return factors[0][0].write(self)
        ordered = _in_order(factors, errors_first=self.errors_first)
        if self.pi is not None:  # 2^x·ln 2, as ln 2·2^x would be read in two ways
            ordered.sort(key=lambda factor: _is_logarithm_of_number(factor[0]))
        parts: list[tuple[Atom | None, str]] = [(a, self.power(a, e)) for a, e in ordered]
        for name in reversed(named):  # π·x, but x·ln 10, and below a bar σ·√(2π)
            is_last = name.startswith("ln") or (is_below and name.startswith("√"))
            parts.insert(len(parts) if is_last else 0, (None, self.named_number(name)))
        if c == 0.5 and parts and self.half is not None:
            parts.insert(0, (None, self.half))
        elif c != 1 or not parts:
            parts[:0] = [(None, self.constant(x)) for x in self._as_typed(c)]
        text = parts[0][1]
        for (before, _), (_, part) in itertools.pairwise(parts):
            is_name = before is not None and not before.terms
            is_called = (is_name and part.startswith(_TWICE_OPENING)) or (
                part.startswith(_OPENING) and _is_function_name(before)
            )
            text += (self.dot if is_called else self.joint(text, part)) + part
        return text

    def _as_typed(self, c: float) -> Sequence[float]:
        """A number, or a small multiple of one that was written so."""
        for number in () if is_short(c) else self.typed:
            times = round(c / number)
            if 1 < times < 10 and _is_near(c, float(f"{times * number:.{WRITTEN}g}")):
                return times, number
        return (c,)

    def power(self, atom: Atom, e: float) -> str:
        """An atom, raised to a positive power."""
        inner = atom.write(self)
        if e == 1:
            return self.parenthesized(inner) if atom.terms else inner
        if e == 0.5:
            return self.root(inner, plain=atom.is_symbol)
        p, q = as_fraction(e, in_fraction=True)
        to = self.inside
        exponent = to.exponent(p) if q == 1 else self.fraction(to.number(p), to.number(q), compound=False)
        if atom.is_symbol:
            base = self.symbol_to_raise(inner)
        else:
            is_called = atom.op is not None and not self.is_power(atom.op) and not _is_logarithm_of_number(atom)
            base = inner if is_called else self.parenthesized(inner)
        return self.raised(base, exponent, plain=q == 1 and self.minus not in exponent)

    def exponent(self, e: float) -> str:
        """A positive exponent that is no fraction: 3, π, or π − 1, as the derivative of x^π has it."""
        for n in (0, 1, 2) if self.pi is not None and not is_short(e) else ():
            p, above, q, below = named_factors(e + n) or (e, (), 1, ())
            if p == q == 1 and len(above) == 1 and not below:
                return self.named_number(above[0]) + (f" {self.minus} {self.number(n)}" if n else "")
        return self.constant(e)

    def general_power(self, base: Formula, exponent: Formula) -> str:
        """A power whose exponent is a formula."""
        below, above = self.sum(base), self.inside.sum(exponent)
        function = base.function()
        if base.is_symbol():
            below = self.symbol_to_raise(below)
        elif not self.is_numeral(below) and (function is None or self.is_power(function)):
            below = self.parenthesized(below)
        return self.raised(below, above, plain=exponent.is_symbol() or exponent.is_number())

    def call(self, call: Call) -> str:
        """A function of formulas, as its operation says; a power as powers are written."""
        if call.op is power.op:
            return self.general_power(*call.flat())
        if self.pi is not None and _is_logarithm_of_number(call):
            return self.logarithm(self.number(call.flat()[0].value))
        if call.op.picks:
            *whole, place = call.args
            return self.component(self.function(call.op, self.arguments(call.op, whole)), int(place.value))
        inner, pattern = self.arguments(call.op, call.args), self.pattern(call.op)
        return self.function(call.op, inner) if pattern is None or "#" not in pattern else pattern.replace("#", inner)

    def is_power(self, op: Operation) -> bool:
        """True for what is written as a power, which takes parentheses to be raised."""
        pattern = self.pattern(op) or ""
        return op is power.op or "^" in pattern or "<msup>" in pattern

    def arguments(self, op: Operation, operands: Sequence[Operand]) -> str:
        """What a function is applied to; of several operands each sequence in parentheses of its own.

        Logits of a loss are written as the probabilities that it makes of them.
        """
        to = self.inside
        written = [to.listed(a) if isinstance(a, tuple) else to.sum(a) for a in operands]
        for i, a in enumerate(operands):
            if i == 0 and op.activation is not None:
                written[0] = self.function(op.activation, written[0])
            elif isinstance(a, tuple) and len(operands) > 1:
                written[i] = self.parenthesized(written[i])
        return self.comma.join(written)

    def listed(self, arguments: Iterable[Formula]) -> str:
        """Arguments with commas; of more than four the first two and the last."""
        items = list(arguments)
        args = [self.sum(a) for a in shown(items)]
        return self.comma.join([*args[:2], self.ellipsis, args[-1]] if len(items) > len(args) else args)


class Text(Writer):
    """Unicode on one line: `a(1 − a)`, `−y/a + (1 − y)/(1 − a)`, `∂L/∂w`."""

    minus, times, apart, arrow, ellipsis, infinity = "−", "·", " · ", " → ", "…", "∞"
    dot, half, pi = "·", "½", "π"

    def ratio(self, over: str, under: str) -> str:
        return f"∂{over}/∂{under}"

    def fraction(self, top: str, bottom: str, *, compound: bool) -> str:
        if _LOGARITHM_LAST.search(top):  # ln 2/x would be the logarithm of a quotient
            top = self.parenthesized(top)
        return f"{top}/({bottom})" if compound else f"{top}/{bottom}"

    def raised(self, base: str, exponent: str, *, plain: bool) -> str:
        if exponent.isdecimal():
            return base + exponent.translate(_SUPERSCRIPTS)
        is_delimited = exponent.startswith("(") and exponent.endswith(")")
        is_plain = plain and (is_delimited or not any(c in exponent for c in "^(["))
        return f"{base}^{exponent}" if is_plain else f"{base}^({exponent})"

    def symbol_to_raise(self, text: str) -> str:
        return self.parenthesized(text) if "^" in text and not text.startswith("(") else text

    def root(self, inner: str, *, plain: bool) -> str:
        return f"√{inner}" if plain else f"√({inner})"

    def pattern(self, op: Operation) -> str | None:
        return op.writing.get("text")

    def function(self, op: Operation, inner: str) -> str:
        return f"{self.pattern(op) or op.symbol}({inner})"

    def component(self, whole: str, place: int) -> str:
        return whole + str(place + 1).translate(_SUBSCRIPTS)

    def constant(self, x: float) -> str:
        mantissa, e, exponent = super().constant(x).partition("e")
        if not e:
            return mantissa
        power = "10" + exponent.replace(self.minus, "-").lstrip("+").translate(_SUPERSCRIPTS).replace("⁻⁰", "⁻").lstrip(
            "⁰"
        )
        return power if mantissa == "1" else f"{mantissa}·{power}"

    def joint(self, left: str, right: str) -> str:
        if right.startswith("("):  # q^n(x − 1) would be a power of q
            return self.times if _OPEN_POWER.search(left) else ""
        return "" if (_is_numeral(left) or left == self.half) and not right[0].isdigit() else self.times


class Ascii(Writer):
    """ASCII in Python's notation: `a*(1 - a)`, `dL/dw`.

    Functions are called as in `autograd`, so that with all digits a formula can be evaluated.
    """

    minus, times, apart, arrow, ellipsis, infinity = "-", "*", " * ", " -> ", "...", "inf"
    dot = "*"

    def ratio(self, over: str, under: str) -> str:
        return f"d{over}/d{under}"

    def fraction(self, top: str, bottom: str, *, compound: bool) -> str:
        return f"{top}/({bottom})" if compound else f"{top}/{bottom}"

    def raised(self, base: str, exponent: str, *, plain: bool) -> str:
        return f"{base}**{exponent}" if plain else f"{base}**({exponent})"

    def root(self, inner: str, *, plain: bool) -> str:
        return f"sqrt({inner})"

    def pattern(self, op: Operation) -> str | None:
        return op.writing.get("ascii")

    def arguments(self, op: Operation, operands: Sequence[Operand]) -> str:
        to = self.inside
        return ", ".join(f"[{to.listed(a)}]" if isinstance(a, tuple) else to.sum(a) for a in operands)

    def function(self, op: Operation, inner: str) -> str:
        return f"{self.pattern(op) or op.shown}({inner})"

    def component(self, whole: str, place: int) -> str:
        return f"{whole}[{place}]"

    def listed(self, arguments: Iterable[Formula]) -> str:
        return ", ".join(map(self.sum, arguments)) if self.digits is None else super().listed(arguments)

    def joint(self, left: str, right: str) -> str:
        return self.times


# Functions for which LaTeX has a command of their name.
LATEX_KNOWS = frozenset("arccos arcsin arctan cos cosh coth exp ln log max min sec sin sinh tan tanh".split())  # noqa: SIM905


class Latex(Writer):
    r"""LaTeX for math mode: `a(1 - a)`, `\frac{\partial L}{\partial w}`."""

    minus, times, apart, arrow, ellipsis, infinity = "-", r"\,", r" \cdot ", r" \to ", r"\ldots", r"\infty"
    dot, half, pi = r" \cdot ", r"\frac{1}{2}", r"\pi"
    has_bars = True
    equals, more, space = " = ", r"\cdots", " "

    def number(self, x: float) -> str:
        text = super().number(x)
        if text == "nan":
            return r"\mathrm{nan}"
        mantissa, e, exponent = text.partition("e")
        if not e:
            return text
        power = f"10^{{{int(exponent)}}}"
        return power if mantissa == "1" else rf"{mantissa} \times {power}"

    def ratio(self, over: str, under: str) -> str:
        return rf"\frac{{\partial {over}}}{{\partial {under}}}"

    def fraction(self, top: str, bottom: str, *, compound: bool) -> str:
        return rf"\frac{{{top}}}{{{bottom}}}"

    def raised(self, base: str, exponent: str, *, plain: bool) -> str:
        return f"{base}^{{{exponent}}}"

    def logarithm(self, number: str) -> str:
        return rf"\ln {number}"

    def root(self, inner: str, *, plain: bool) -> str:
        return rf"\sqrt{{{inner}}}"

    def pattern(self, op: Operation) -> str | None:
        return op.writing.get("latex", op.writing.get("text"))

    def function(self, op: Operation, inner: str) -> str:
        symbol = op.symbol.replace("_", r"\_")
        known = f"\\{symbol}" if symbol in LATEX_KNOWS else rf"\operatorname{{{symbol}}}"
        name = self.pattern(op)
        return (known if name is None or "#" in name else name) + self.parenthesized(inner)

    def component(self, whole: str, place: int) -> str:
        return f"{whole}_{{{place + 1}}}"

    def joint(self, left: str, right: str) -> str:
        if right[0].isdigit():
            return self.dot
        if _is_numeral(left) or left == self.half:
            return ""
        return "" if right.startswith(("(", r"\left(")) else self.times

    def parenthesized(self, text: str) -> str:
        return rf"\left({text}\right)" if r"\frac" in text else f"({text})"

    def symbol_to_raise(self, text: str) -> str:
        return f"({text})" if "^" in text or text == "e" else text  # e^{2} is the exponential

    def aligned(self, rows: Iterable[str], environment: str = "aligned") -> str:
        """Rows of equations under each other, at their signs: inside math mode, or in `align*`, which breaks pages."""
        joined = " \\\\\n".join(fitted(list(rows)))
        equations = f"\\begin{{{environment}}}\n{joined}\n\\end{{{environment}}}"
        return equations if environment == "aligned" else f"{{\\allowdisplaybreaks\n{equations}}}"

    def equation(self, left: str, right: str) -> str:
        return f"{left} &= {right}".lstrip()

    def alone(self, left: str) -> str:
        return f"& {left}"

    def signed(self, sign: str, term: str) -> str:
        return f"{sign.strip()} {term}"

    def goes_on(self, terms: str, *, further: bool = False) -> str:
        """The next line of a right-hand side: its next terms, or further in the next factors of one."""
        space = r"\qquad" if further else r"\quad"
        return f"&{space} {{}} {terms}"

    def boxed(self, formula: str) -> str:
        return rf"\boxed{{{formula}}}"

    def remark(self, words: str, formula: str = "") -> str:
        words = words.replace("…", r"\ldots{}").replace("_", r"\_")
        return rf"&\text{{{words}}} {formula}".rstrip()


class Mathml(Writer):
    """Presentation MathML, to be put in `<math>`: `<mi>a</mi>…`, `<mfrac>…</mfrac>`.

    A product has the invisible sign for times (U+2062) between its factors, so that one who puts
    numbers in place of names can make it visible.
    """

    minus, times, apart, arrow = "<mo>−</mo>", "<mo>\u2062</mo>", "<mo>·</mo>", "<mo>→</mo>"
    plus, comma = "<mo>+</mo>", "<mo>,</mo>"
    ellipsis, infinity = "<mi>…</mi>", "<mi>∞</mi>"
    dot, half, pi = apart, "<mfrac><mn>1</mn><mn>2</mn></mfrac>", "<mi>π</mi>"
    has_bars = True
    equals, more, space = "<mo>=</mo>", "<mo>⋯</mo>", ""

    @property
    def negative(self) -> str:
        """The minus sign as what stands before a term: behind a parenthesis it is else set apart as one between two."""
        return '<mo form="prefix">−</mo>'

    def number(self, x: float) -> str:
        if not math.isfinite(x):
            return super().number(x) if math.isinf(x) else "<mi>nan</mi>"
        text = repr(float(x)).removesuffix(".0") if self.digits is None else format_number(x, self.digits)
        mantissa, e, exponent = text.removeprefix("-").partition("e")
        sign = self.negative if text.startswith("-") else ""
        if not e:
            return f"{sign}<mn>{mantissa}</mn>"
        below = self.negative if int(exponent) < 0 else ""
        power = f"<msup><mn>10</mn><mrow>{below}<mn>{abs(int(exponent))}</mn></mrow></msup>"
        return sign + (power if mantissa == "1" else f"<mn>{mantissa}</mn><mo>×</mo>{power}")

    def ratio(self, over: str, under: str) -> str:
        return f"<mfrac><mrow><mo>∂</mo>{over}</mrow><mrow><mo>∂</mo>{under}</mrow></mfrac>"

    def fraction(self, top: str, bottom: str, *, compound: bool) -> str:
        return f"<mfrac><mrow>{top}</mrow><mrow>{bottom}</mrow></mfrac>"

    def raised(self, base: str, exponent: str, *, plain: bool) -> str:
        return f"<msup><mrow>{base}</mrow><mrow>{exponent}</mrow></msup>"

    def logarithm(self, number: str) -> str:
        return f'<mi>ln</mi><mo rspace="0.17em">\u2061</mo>{number}'

    def root(self, inner: str, *, plain: bool) -> str:
        return f"<msqrt>{inner}</msqrt>"

    def pattern(self, op: Operation) -> str | None:
        pattern, text = op.writing.get("mathml"), op.writing.get("text")
        if pattern is not None or text is None or "#" not in text:
            return pattern
        signs = (f"<mo>{html.escape(sign.strip())}</mo>" if sign else "" for sign in text.split("#"))
        return f"<mrow>{'#'.join(signs)}</mrow>"

    def function(self, op: Operation, inner: str) -> str:
        name = self.pattern(op) or f"<mi>{html.escape(op.writing.get('text', op.symbol))}</mi>"
        return f"{name}<mo>\u2061</mo>" + self.parenthesized(inner)

    def component(self, whole: str, place: int) -> str:
        return f"<msub><mrow>{whole}</mrow><mn>{place + 1}</mn></msub>"

    def joint(self, left: str, right: str) -> str:
        return self.dot if re.match("(?:<msup>|<mrow>)*<m(?:n>|i>ln<)", right) else self.times

    def parenthesized(self, text: str) -> str:
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"

    def symbol_to_raise(self, text: str) -> str:
        is_power = text.startswith(("<msup", "<msubsup")) or text == "<mi>e</mi>"
        return self.parenthesized(text) if is_power else text

    def is_numeral(self, text: str) -> bool:
        return text.startswith("<mn>") and text.endswith("</mn>") and text.count("<") == 2

    def aligned(self, rows: Iterable[str]) -> str:
        """Rows of equations under each other, at their signs: a whole `<math>` for a page."""
        return _math(f'<mtable class="aligned" displaystyle="true">{"".join(rows)}</mtable>')

    def equation(self, left: str, right: str) -> str:
        return _row_of(left, f"<mo>=</mo>{right}")

    def alone(self, left: str) -> str:
        return _row_of("", left)

    def signed(self, sign: str, term: str) -> str:
        return f"{sign}{term}"

    def goes_on(self, terms: str, *, further: bool = False) -> str:
        return _row_of("", f'<mspace width="{2 if further else 1}em"/>{terms}')

    def boxed(self, formula: str) -> str:
        return f'<mrow class="boxed" style="border: 1px solid; padding: 0.2em">{formula}</mrow>'

    def remark(self, words: str, formula: str = "") -> str:
        return _row_of("", f"<mtext>{html.escape(words)}</mtext>{formula}")


def _math(content: str) -> str:
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{content}</math>'


def _row_of(left: str, right: str) -> str:
    # columnalign is not read by every browser, style is; Chromium moves formulas with -webkit-right only
    style = "text-align: right; text-align: -webkit-right; padding-right: 0.2em"
    return f'<mtr><mtd style="{style}">{left}</mtd><mtd style="text-align: left">{right}</mtd></mtr>'


# ---------------------------------------------------------------- order, signs, fractions

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


_LOGARITHM_LAST = re.compile(r"\bln \d+\Z")
_OPEN_POWER = re.compile(r"\^[^\s()·/]+\Z")
_OPENING = "(", r"\left(", "<mrow><mo>(</mo>"
_TWICE_OPENING = "((", r"\left((", r"\left(\left(", f"{_OPENING[2]}{_OPENING[2]}"


def _is_in_symbols(x: Formula) -> bool:
    """True for a formula of names and numbers."""
    return all(a.is_symbol for _, factors in x.terms for a, _ in factors)


def _is_logarithm_of_number(atom: Atom | Call) -> bool:
    """ln 2, which is written without parentheses."""
    if atom.op is not log.op:
        return False
    (x,) = cast(Call, atom).flat()
    return x.is_number() and x.value > 1 and x.value.is_integer()


def _is_function_name(atom: Atom | None) -> bool:
    """Whether a name before parentheses would be read as a function: σ(1 − σ)."""
    label = getattr(atom, "label", None)
    if label is None:
        return False
    known = {"f", "g", *(name for op in table.values() for name in (op.name, op.shown, op.symbol))}
    return label in known or names.text(label) in known


def turned_sign(factors: tuple[tuple[A, float], ...]) -> tuple[bool, tuple[tuple[A, float], ...]]:
    """What follows a minus sign, which a difference may swallow: −(y − x)·w reads better as (x − y)·w.

    But −a(1 − a) stays as it is.
    """
    for i, (atom, e) in enumerate(factors):
        if e % 2 == 1 and _is_difference(atom):
            return False, (*factors[:i], (atom.opposite(), e), *factors[i + 1 :])
    return True, factors


def _is_difference(atom: Atom) -> bool:
    signs = [c < 0 for c, _ in atom.terms]
    return any(signs) and 2 * sum(signs) >= len(signs) and all(factors or c < 0 for c, factors in atom.terms)


def _in_order(factors: Iterable[tuple[Atom, float]], *, errors_first: bool) -> list[tuple[Atom, float]]:
    """Symbols, then functions, then sums; but a sum in `a` alone stays with a: a(1 − a)·x."""
    units: list[list[tuple[Atom, float]]] = []
    for atom, e in factors:
        if units and atom.terms and _is_sum_in(units[-1][0][0], atom):
            units[-1].append((atom, e))
        else:
            units.append([(atom, e)])

    def place(unit: list[tuple[Atom, float]]) -> tuple[bool, bool, bool]:
        atom, e = unit[0]
        is_plain = atom.is_symbol and (e != 0.5)
        return not (errors_first and _is_error(atom)), bool(atom.terms), not is_plain

    return [factor for unit in sorted(units, key=place) for factor in unit]


def _is_error(atom: Atom) -> bool:
    """ŷ − y or a − 1: what a loss leaves of a prediction; or a sum of products each of which has one."""
    if len(atom.terms) > 1 and all(any(a.terms and _is_error(a) for a, _ in f) for _, f in atom.terms):
        return True
    plain = all(not f or (len(f) == 1 and f[0][0].is_symbol and f[0][1] == 1) for _, f in atom.terms)
    signs = sorted(c for c, _ in atom.terms)
    return plain and len(signs) == 2 and signs[0] < 0 and signs[1] == 1 and all(f for c, f in atom.terms if c == 1)


def _is_sum_in(a: Atom, group: Atom) -> bool:
    return all(b.key == a.key for _, factors in group.terms for b, _ in factors)


def as_fraction(c: float, *, in_fraction: bool = False) -> tuple[float, float]:
    """(p, q) where p/q reads better than the number c, else (c, 1).

    x/3 and 2x/3 instead of 0.6667x, but 0.5x; inside a fraction 1/(2√x), but 0.1/x.
    """
    if not 0 < c < math.inf or c.is_integer():
        return c, 1
    written = float(format_number(c))
    c = written if _is_near(c, written) else c  # 0.1 + 0.2
    if is_short(c) and not in_fraction:
        return c, 1
    p, q = Fraction(c).limit_denominator(1_000_000).as_integer_ratio()
    is_simple = p <= 100 and (q < 10 or not is_short(c))
    if not is_simple or abs(c - p / q) > 1e-15 * c:
        return c, 1
    return (1, float(format_number(q / p))) if p % 10 == 0 and is_short(q / p) else (p, q)  # 1/0.07, not 100/7


# Numbers that have a name, in the order in which they are tried.
NAMED = {
    "π": math.pi,
    "√2": math.sqrt(2),
    "√3": math.sqrt(3),
    "√π": math.sqrt(math.pi),
    "√(2π)": math.sqrt(2 * math.pi),
    "√(2/π)": math.sqrt(2 / math.pi),
    "ln 2": math.log(2),
    "ln 10": math.log(10),
}
_Names = tuple[str, ...]
_PRODUCTS: list[tuple[_Names, _Names, float]] = [
    *(((name,), (), x) for name, x in NAMED.items()),
    *(((), (name,), 1 / x) for name, x in NAMED.items()),
]


@functools.lru_cache(maxsize=1024)
def named_factors(c: float) -> tuple[float, tuple[str, ...], float, tuple[str, ...]] | None:
    """A number as p times named ones over q times named ones; None if it is no such product.

    p and q are small or written in full, so that chance makes none of a billion numbers look like one.
    """
    found = []
    for above, below, x in _PRODUCTS:
        r = c / x
        for n in (1, 2, 3, 4, 6, 8):
            p = float(f"{r * n:.6g}")
            if p and _is_near(r * n, p) and (n == 1 or p.is_integer()):
                cost = len(f"{p:g}") * (p != 1) + 3 * (n != 1) + len(above) + 3 * len(below)
                found.append((cost, (p, above, n, below)))
                break
    return min(found)[1] if found else None


def _is_near(x: float, y: float) -> bool:
    return abs(x - y) <= 1e-15 * abs(x)


def _is_numeral(text: str) -> bool:
    return all(ch.isdecimal() or ch == "." for ch in text)
