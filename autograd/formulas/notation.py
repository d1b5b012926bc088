"""How numbers, formulas and derivatives are put on paper: Unicode, ASCII in Python's notation, LaTeX, MathML.

A Writer is one notation together with a function that writes names. What a formula is made of, and
how it is simplified, is the business of `expression`; the order of terms and factors on paper, the
signs, fractions and parentheses are decided here.
"""

from __future__ import annotations

import html
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .expression import Atom, Call, Expression, Factors

__all__ = ["Ascii", "Latex", "Mathml", "Text", "Writer", "as_printable", "format_number", "is_short"]


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


def is_short(x: float) -> bool:
    """True if the number is written in full with 4 significant digits: 0.25, but not 1/3."""
    return not math.isfinite(x) or float(format_number(x)) == x


class Writer(ABC):
    """What the notations have in common; each fills in its signs and what else differs.

    name: how a label is written.
    digits: significant digits of numbers; None writes them in full.
    """

    minus: ClassVar[str]
    times: ClassVar[str]  # between the factors of a product
    apart: ClassVar[str]  # between the factors of a chain, which are formulas themselves
    arrow: ClassVar[str]
    ellipsis: ClassVar[str]
    infinity: ClassVar[str]
    plus: ClassVar[str] = "+"
    comma: ClassVar[str] = ", "
    has_bars: ClassVar[bool] = False  # fractions have bars, which hold a sum together without parentheses
    powers: ClassVar[tuple[str, ...]] = ("power",)  # operations written as powers; to raise them takes parentheses

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
    def call(self, call: Call) -> str:
        """A function of formulas."""

    @abstractmethod
    def joint(self, left: str, right: str) -> str:
        """What stands between two factors: nothing, or a sign."""

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

    def number(self, x: float) -> str:
        """A number with the notation's minus sign."""
        if math.isinf(x):
            return (self.minus if x < 0 else "") + self.infinity
        text = repr(float(x)).removesuffix(".0") if self.digits is None else format_number(x, self.digits)
        return text.replace("-", self.minus)

    # ------------------------------------------------------------ formulas

    def sum(self, x: Expression) -> str:
        """A formula: its terms in the order they came, but not a minus first if that can be avoided.

        −y + ŷ reads ŷ − y. A fraction keeps its place: −y/a + (1 − y)/(1 − a).
        """
        if not x.terms:
            return "0"
        written = [self.term(c, factors) for c, factors in x.terms]
        if all(e > 0 for _, e in x.terms[0][1]):
            first = next((i for i, (negative, _) in enumerate(written) if not negative), 0)
            written.insert(0, written.pop(first))
        negative, text = written[0]
        signed = (f" {self.minus if negative else self.plus} {body}" for negative, body in written[1:])
        return (self.minus if negative else "") + text + "".join(signed)

    def factor(self, x: Expression) -> str:
        """A formula as one factor among others: in parentheses if it is a sum or negative."""
        text = self.sum(x)
        return text if len(x.terms) <= 1 and not text.startswith(self.minus) else self.parenthesized(text)

    def term(self, c: float, factors: Factors) -> tuple[bool, str]:
        """(is negative, what follows the sign)."""
        negative = c < 0
        if negative:
            negative, factors = turned_sign(factors)
        above = [(a, e) for a, e in factors if e > 0]
        below = [(a, -e) for a, e in factors if e < 0]
        c, divisor = as_fraction(abs(c), in_fraction=bool(below))
        if not below and divisor == 1:
            return negative, self.product(c, above)
        top = self.product(c, above, bare=self.has_bars)
        bottom = self.product(divisor, below, bare=self.has_bars)
        return negative, self.fraction(top, bottom, compound=len(below) + (divisor != 1) > 1)

    def product(self, c: float, factors: Sequence[tuple[Atom, float]], *, bare: bool = False) -> str:
        """A number and positive powers. bare: a sum alone needs no parentheses."""
        if bare and c == 1 and len(factors) == 1 and factors[0][1] == 1:
            return factors[0][0].write(self)
        parts = [self.power(a, e) for a, e in _in_order(factors)]
        if c != 1 or not parts:
            parts.insert(0, self.number(c))
        text = parts[0]
        for part in parts[1:]:
            text += self.joint(text, part) + part
        return text

    def power(self, atom: Atom, e: float) -> str:
        """An atom, raised to a positive power."""
        inner = atom.write(self)
        if e == 1:
            return self.parenthesized(inner) if atom.terms else inner
        if e == 0.5:
            return self.root(inner, plain=atom.is_symbol)
        p, q = as_fraction(e)
        exponent = self.number(p) if q == 1 else self.fraction(self.number(p), self.number(q), compound=False)
        if atom.is_symbol:
            base = self.symbol_to_raise(inner)
        else:
            is_function = atom.op is not None and atom.op.name not in self.powers
            base = inner if is_function else self.parenthesized(inner)
        return self.raised(base, exponent, plain=q == 1)

    def general_power(self, base: Expression, exponent: Expression) -> str:
        """A power whose exponent is a formula."""
        below, above = self.sum(base), self.sum(exponent)
        if base.is_symbol():
            below = self.symbol_to_raise(below)
        elif not self.is_numeral(below):
            below = self.parenthesized(below)
        return self.raised(below, above, plain=exponent.is_symbol() or exponent.is_number())

    def listed(self, arguments: Iterable[Expression]) -> str:
        """Arguments with commas; of more than four the first two and the last."""
        args = [self.sum(a) for a in arguments]
        return self.comma.join([*args[:2], self.ellipsis, args[-1]] if len(args) > 4 else args)


class Text(Writer):
    """Unicode on one line: `a(1 − a)`, `−y/a + (1 − y)/(1 − a)`, `∂L/∂w`."""

    minus, times, apart, arrow, ellipsis, infinity = "−", "·", " · ", " → ", "…", "∞"

    def ratio(self, over: str, under: str) -> str:
        return f"∂{over}/∂{under}"

    def fraction(self, top: str, bottom: str, *, compound: bool) -> str:
        return f"{top}/({bottom})" if compound else f"{top}/{bottom}"

    def raised(self, base: str, exponent: str, *, plain: bool) -> str:
        if exponent.isdecimal():
            return base + exponent.translate(_SUPERSCRIPTS)
        return f"{base}^{exponent}" if plain else f"{base}^({exponent})"

    def root(self, inner: str, *, plain: bool) -> str:
        return f"√{inner}" if plain else f"√({inner})"

    def call(self, call: Call) -> str:
        x = call.flat()
        match call.op.name:
            case "power":
                return self.general_power(*x)
            case "step":
                return f"[{self.sum(x[0])} > 0]"
            case "abs":
                return f"|{self.sum(x[0])}|"
            case "softmax_component":
                return f"softmax({self.listed(x[:-1])})" + str(int(x[-1].value) + 1).translate(_SUBSCRIPTS)
        return f"{call.op.symbol}({self.listed(x)})"

    def joint(self, left: str, right: str) -> str:
        return "" if right.startswith("(") or (_is_numeral(left) and not right[0].isdigit()) else self.times


class Ascii(Writer):
    """ASCII in Python's notation: `a*(1 - a)`, `dL/dw`.

    Functions are called as in `autograd`, so that with all digits a formula can be evaluated.
    """

    minus, times, apart, arrow, ellipsis, infinity = "-", "*", " * ", " -> ", "...", "inf"

    def ratio(self, over: str, under: str) -> str:
        return f"d{over}/d{under}"

    def fraction(self, top: str, bottom: str, *, compound: bool) -> str:
        return f"{top}/({bottom})" if compound else f"{top}/{bottom}"

    def raised(self, base: str, exponent: str, *, plain: bool) -> str:
        return f"{base}**{exponent}" if plain else f"{base}**({exponent})"

    def root(self, inner: str, *, plain: bool) -> str:
        return f"sqrt({inner})"

    def call(self, call: Call) -> str:
        x = call.args
        match call.op.name:
            case "power":
                return self.general_power(*x)
            case "step":
                return f"({self.sum(x[0])} > 0)"
            case "softmax_component":
                return f"softmax([{self.listed(x[0])}])[{int(x[1].value)}]"
        args = (f"[{self.listed(a)}]" if isinstance(a, tuple) else self.sum(a) for a in x)
        return f"{call.op.name}({', '.join(args)})"

    def listed(self, arguments: Iterable[Expression]) -> str:
        return ", ".join(map(self.sum, arguments)) if self.digits is None else super().listed(arguments)

    def joint(self, left: str, right: str) -> str:
        return self.times


class Latex(Writer):
    r"""LaTeX for math mode: `a(1 - a)`, `\frac{\partial L}{\partial w}`."""

    minus, times, apart, arrow, ellipsis, infinity = "-", r"\,", r" \cdot ", r" \to ", r"\ldots", r"\infty"
    has_bars = True
    powers: ClassVar[tuple[str, ...]] = ("power", "exp")

    FUNCTIONS: ClassVar[dict[str, str]] = {"sigmoid": r"\sigma", "maximum": r"\max", "minimum": r"\min"} | {
        name: f"\\{name}" for name in ("log", "sin", "cos", "tanh")
    }

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

    def root(self, inner: str, *, plain: bool) -> str:
        return rf"\sqrt{{{inner}}}"

    def call(self, call: Call) -> str:
        x = call.flat()
        match call.op.name:
            case "power":
                return self.general_power(*x)
            case "exp":
                return f"e^{{{self.sum(x[0])}}}"
            case "step":
                return f"[{self.sum(x[0])} > 0]"
            case "abs":
                return rf"\left|{self.sum(x[0])}\right|"
            case "softmax_component":
                softmax = r"\operatorname{softmax}" + self.parenthesized(self.listed(x[:-1]))
                return f"{softmax}_{{{int(x[-1].value) + 1}}}"
        symbol = call.op.symbol.replace("_", r"\_")
        function = self.FUNCTIONS.get(call.op.name) or rf"\operatorname{{{symbol}}}"
        return function + self.parenthesized(self.listed(x))

    def joint(self, left: str, right: str) -> str:
        if _is_numeral(left):
            return self.apart if right[0].isdigit() else ""
        return "" if right.startswith(("(", r"\left(")) else self.times

    def parenthesized(self, text: str) -> str:
        return rf"\left({text}\right)" if r"\frac" in text else f"({text})"

    def symbol_to_raise(self, text: str) -> str:
        return f"({text})" if "^" in text else text


class Mathml(Writer):
    """Presentation MathML, to be put in `<math>`: `<mi>a</mi>…`, `<mfrac>…</mfrac>`.

    A product has the invisible sign for times (U+2062) between its factors, so that one who puts
    numbers in place of names can make it visible.
    """

    minus, times, apart, arrow = "<mo>−</mo>", "<mo>\u2062</mo>", "<mo>·</mo>", "<mo>→</mo>"
    plus, comma = "<mo>+</mo>", "<mo>,</mo>"
    ellipsis, infinity = "<mi>…</mi>", "<mi>∞</mi>"
    has_bars = True
    powers = "power", "exp"

    def number(self, x: float) -> str:
        if not math.isfinite(x):
            return super().number(x) if math.isinf(x) else "<mi>nan</mi>"
        text = repr(float(x)).removesuffix(".0") if self.digits is None else format_number(x, self.digits)
        mantissa, e, exponent = text.removeprefix("-").partition("e")
        sign = self.minus if text.startswith("-") else ""
        if not e:
            return f"{sign}<mn>{mantissa}</mn>"
        below = self.minus if int(exponent) < 0 else ""
        power = f"<msup><mn>10</mn><mrow>{below}<mn>{abs(int(exponent))}</mn></mrow></msup>"
        return sign + (power if mantissa == "1" else f"<mn>{mantissa}</mn><mo>×</mo>{power}")

    def ratio(self, over: str, under: str) -> str:
        return f"<mfrac><mrow><mo>∂</mo>{over}</mrow><mrow><mo>∂</mo>{under}</mrow></mfrac>"

    def fraction(self, top: str, bottom: str, *, compound: bool) -> str:
        return f"<mfrac><mrow>{top}</mrow><mrow>{bottom}</mrow></mfrac>"

    def raised(self, base: str, exponent: str, *, plain: bool) -> str:
        return f"<msup><mrow>{base}</mrow><mrow>{exponent}</mrow></msup>"

    def root(self, inner: str, *, plain: bool) -> str:
        return f"<msqrt>{inner}</msqrt>"

    def call(self, call: Call) -> str:
        x = call.flat()
        match call.op.name:
            case "power":
                return self.general_power(*x)
            case "exp":
                return f"<msup><mi>e</mi><mrow>{self.sum(x[0])}</mrow></msup>"
            case "step":
                return f"<mrow><mo>[</mo>{self.sum(x[0])}<mo>&gt;</mo><mn>0</mn><mo>]</mo></mrow>"
            case "abs":
                return f"<mrow><mo>|</mo>{self.sum(x[0])}<mo>|</mo></mrow>"
            case "softmax_component":
                softmax = "<mi>softmax</mi>" + self.parenthesized(self.listed(x[:-1]))
                return f"<msub><mrow>{softmax}</mrow><mn>{int(x[-1].value) + 1}</mn></msub>"
        function = f"<mi>{html.escape(call.op.symbol)}</mi><mo>\u2061</mo>"
        return function + self.parenthesized(self.listed(x))

    def joint(self, left: str, right: str) -> str:
        return self.apart if self.is_numeral(left) and right.startswith("<mn>") else self.times

    def parenthesized(self, text: str) -> str:
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"

    def symbol_to_raise(self, text: str) -> str:
        return self.parenthesized(text) if text.startswith(("<msup", "<msubsup")) else text

    def is_numeral(self, text: str) -> bool:
        return text.startswith("<mn>") and text.endswith("</mn>") and text.count("<") == 2


# ---------------------------------------------------------------- order, signs, fractions

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def turned_sign(factors: Factors) -> tuple[bool, Factors]:
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


def _in_order(factors: Iterable[tuple[Atom, float]]) -> list[tuple[Atom, float]]:
    """Symbols, then functions, then sums; but a sum in `a` alone stays with a: a(1 − a)·x."""
    units: list[list[tuple[Atom, float]]] = []
    for atom, e in factors:
        if units and atom.terms and _is_sum_in(units[-1][0][0], atom):
            units[-1].append((atom, e))
        else:
            units.append([(atom, e)])
    units.sort(key=lambda unit: (bool(unit[0][0].terms), not unit[0][0].is_symbol))
    return [factor for unit in units for factor in unit]


def _is_sum_in(a: Atom, group: Atom) -> bool:
    return all(b.key == a.key for _, factors in group.terms for b, _ in factors)


def as_fraction(c: float, *, in_fraction: bool = False) -> tuple[float, float]:
    """(p, q) where p/q reads better than the number c, else (c, 1).

    x/3 and 2x/3 instead of 0.6667x, but 0.5x; inside a fraction 1/(2√x), but 0.1/x.
    """
    if not 0 < c < math.inf or c.is_integer():
        return c, 1
    if is_short(c) and not in_fraction:
        return c, 1
    p, q = Fraction(c).limit_denominator(1_000_000).as_integer_ratio()
    is_simple = p <= 100 and (q < 10 or not is_short(c))
    return (p, q) if is_simple and abs(c - p / q) <= 1e-15 * c else (c, 1)


def _is_numeral(text: str) -> bool:
    return all(ch.isdecimal() or ch == "." for ch in text)
