"""How numbers, formulas and derivatives are put on paper: Unicode, ASCII in Python's notation, LaTeX.

A Writer is one notation together with a function that writes names. What a formula is made of, and
how it is simplified, is the business of `expression`; the order of terms and factors on paper, the
signs, fractions and parentheses are decided here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .expression import Atom, Call, Expression, Factors, Group, Term
    from .op import Operation

__all__ = ["Ascii", "Latex", "Text", "Writer", "format_number"]

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def format_number(x: float, digits: int = 4) -> str:
    """A number as people read it: rounded to 4 significant digits, 2 instead of 2.0, 12346, 1e-05."""
    text = f"{x:.{digits}g}"
    if "e+" in text and abs(x) < 1e7:
        return f"{x:.0f}"
    return "0" if text == "-0" else text


class Writer:
    """What the notations have in common; each fills in its signs and what else differs.

    name: how a label is written.
    digits: significant digits of numbers; None writes them in full.
    """

    minus: ClassVar[str]
    times: ClassVar[str]  # between factors
    apart: ClassVar[str]  # between the factors of a chain, which are formulas themselves
    arrow: ClassVar[str]
    ellipsis: ClassVar[str]
    infinity: ClassVar[str]

    def __init__(self, name: Callable[[str], str], digits: int | None = 4) -> None:
        self.name, self.digits = name, digits

    # ------------------------------------------------------------ what notations differ in

    def ratio(self, over: str, under: str) -> str:
        """The derivative of one named quantity by another."""
        raise NotImplementedError

    def fraction(self, top: str, bottom: str, *, compound: bool) -> str:
        """top/bottom. compound: the bottom is a product."""
        raise NotImplementedError

    def raised(self, base: str, exponent: str, *, plain: bool) -> str:
        """A power. plain: the exponent is a single symbol or number."""
        raise NotImplementedError

    def root(self, inner: str, *, plain: bool) -> str:
        """A square root. plain: of a single symbol."""
        raise NotImplementedError

    def call(self, call: Call) -> str:
        """A function of formulas."""
        raise NotImplementedError

    def touches(self, left: str, right: str) -> bool:
        """True if two factors may stand side by side without a sign between them."""
        raise NotImplementedError

    def parenthesized(self, text: str) -> str:
        """In parentheses."""
        return f"({text})"

    # ------------------------------------------------------------ numbers

    def number(self, x: float) -> str:
        """A number with the notation's minus sign."""
        if math.isinf(x):
            return (self.minus if x < 0 else "") + self.infinity
        text = repr(x).removesuffix(".0") if self.digits is None else format_number(x, self.digits)
        return text.replace("-", self.minus)

    # ------------------------------------------------------------ formulas

    def sum(self, x: Expression) -> str:
        """A formula: its terms in the order they came, but not a minus first if that can be avoided.

        −y + ŷ reads ŷ − y. A fraction keeps its place: −y/a + (1 − y)/(1 − a).
        """
        terms = list(x.terms)
        if not terms:
            return "0"
        written = [self.term(t) for t in terms]
        first = next((i for i, (negative, _) in enumerate(written) if not negative), 0)
        if not any(e < 0 for _, e in terms[0][1]):
            written.insert(0, written.pop(first))
        negative, text = written[0]
        text = self.minus + text if negative else text
        return text + "".join(f" {self.minus if negative else '+'} {body}" for negative, body in written[1:])

    def factor(self, x: Expression) -> str:
        """A formula as one factor among others: in parentheses if it is a sum or negative."""
        text = self.sum(x)
        return text if len(x.terms) <= 1 and not text.startswith(self.minus) else self.parenthesized(text)

    def term(self, term: Term) -> tuple[bool, str]:
        """(is negative, what follows the sign)."""
        c, factors = term
        negative = c < 0
        if negative:
            negative, factors = _turned(factors)
        above = [(a, e) for a, e in factors if e > 0]
        below = [(a, -e) for a, e in factors if e < 0]
        c, divisor = _as_fraction(abs(c), below)
        top = self.product(c, above)
        if not below and divisor == 1:
            return negative, top
        bottom = self.product(divisor, below)
        return negative, self.fraction(top, bottom, compound=len(below) + (divisor != 1) > 1)

    def product(self, c: float, factors: Sequence[tuple[Atom, float]]) -> str:
        """A number and powers, none of them negative."""
        parts = [self.power(a, e) for a, e in _in_order(factors)]
        if c != 1 or not parts:
            parts.insert(0, self.number(c))
        text = parts[0]
        for part in parts[1:]:
            text += part if self.touches(text, part) else self.times + part
        return text

    def power(self, atom: Atom, e: float) -> str:
        """An atom, raised to a positive power."""
        inner = atom.write(self)
        if e == 1:
            return self.parenthesized(inner) if atom.is_group else inner
        if e == 0.5:
            return self.root(inner, plain=atom.is_symbol)
        base = inner if atom.is_symbol or atom.is_closed else self.parenthesized(inner)
        p, q = _as_fraction(e)
        exponent = self.number(p) if q == 1 else self.fraction(self.number(p), self.number(q), compound=False)
        return self.raised(base, exponent, plain=q == 1)

    def general_power(self, base: Expression, exponent: Expression) -> str:
        """A power whose exponent is a formula."""
        written = self.sum(base) if base.is_atomic() else self.parenthesized(self.sum(base))
        return self.raised(written, self.sum(exponent), plain=exponent.is_atomic())

    def listed(self, arguments: Iterable[Expression], ellipsis: str | None = None) -> str:
        """Arguments with commas; of more than four the first two and the last."""
        args = [self.sum(a) for a in arguments]
        return ", ".join([*args[:2], ellipsis or self.ellipsis, args[-1]] if len(args) > 4 else args)


class Text(Writer):
    """Unicode on one line: `a(1 − a)`, `−y/a + (1 − y)/(1 − a)`, `∂L/∂w`."""

    minus, times, apart, arrow, ellipsis, infinity = "−", "·", " · ", " → ", "…", "∞"

    def ratio(self, over: str, under: str) -> str:
        return f"∂{over}/∂{under}"

    def fraction(self, top: str, bottom: str, *, compound: bool) -> str:
        return f"{top}/({bottom})" if compound else f"{top}/{bottom}"

    def raised(self, base: str, exponent: str, *, plain: bool) -> str:
        if exponent.isdigit():
            return base + exponent.translate(SUPERSCRIPTS)
        return f"{base}^{exponent}" if plain else f"{base}^({exponent})"

    def root(self, inner: str, *, plain: bool) -> str:
        return f"√{inner}" if plain else f"√({inner})"

    def call(self, call: Call) -> str:
        x = call.flat()
        match call.op.name:
            case "power":
                return self.general_power(*x)
            case "sqrt":
                return self.root(self.sum(x[0]), plain=x[0].is_symbol())
            case "step":
                return f"[{self.sum(x[0])} > 0]"
            case "abs":
                return f"|{self.sum(x[0])}|"
            case "softmax_component":
                return f"softmax({self.listed(x[:-1])})" + str(int(x[-1].value) + 1).translate(SUBSCRIPTS)
        return f"{call.op.symbol}({self.listed(x)})"

    def touches(self, left: str, right: str) -> bool:
        return right.startswith("(") or (_is_numeral(left) and not right[0].isdigit())


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
        match call.op.name:
            case "power":
                return self.general_power(*call.args)
            case "step":
                return f"({self.sum(call.args[0])} > 0)"
            case "softmax_component":
                return f"softmax([{self.listed(call.args[0])}])[{int(call.args[1].value)}]"
        args = (f"[{self.listed(a)}]" if isinstance(a, tuple) else self.sum(a) for a in call.args)
        return f"{call.op.name}({', '.join(args)})"

    def listed(self, arguments: Iterable[Expression], ellipsis: str | None = None) -> str:
        if self.digits is None:
            return ", ".join(map(self.sum, arguments))
        return super().listed(arguments, ellipsis)

    def touches(self, left: str, right: str) -> bool:
        return False


class Latex(Writer):
    r"""LaTeX for math mode: `a(1 - a)`, `\frac{\partial L}{\partial w}`."""

    minus, times, apart, arrow, ellipsis, infinity = "-", r"\,", r" \cdot ", r" \to ", r"\cdots", r"\infty"

    FUNCTIONS: ClassVar[dict[str, str]] = {"sigmoid": r"\sigma", "maximum": r"\max", "minimum": r"\min"} | {
        name: f"\\{name}" for name in ("log", "sin", "cos", "tanh")
    }

    def number(self, x: float) -> str:
        mantissa, e, exponent = super().number(x).partition("e")
        if not e:
            return mantissa if mantissa != "nan" else r"\mathrm{nan}"
        power = f"10^{{{int(exponent)}}}"
        return power if mantissa == "1" else rf"{mantissa} \times {power}"

    def ratio(self, over: str, under: str) -> str:
        return rf"\frac{{\partial {over}}}{{\partial {under}}}"

    def fraction(self, top: str, bottom: str, *, compound: bool) -> str:
        return rf"\frac{{{_bare(top)}}}{{{_bare(bottom)}}}"

    def raised(self, base: str, exponent: str, *, plain: bool) -> str:
        base = self.parenthesized(base) if "^" in base and not _is_enclosed(base) else base
        return f"{base}^{{{exponent}}}"

    def root(self, inner: str, *, plain: bool) -> str:
        return rf"\sqrt{{{inner}}}"

    def call(self, call: Call) -> str:
        x = call.flat()
        match call.op.name:
            case "power":
                return self.general_power(*x)
            case "sqrt":
                return self.root(self.sum(x[0]), plain=True)
            case "exp":
                return f"e^{{{self.sum(x[0])}}}"
            case "step":
                return f"[{self.sum(x[0])} > 0]"
            case "abs":
                return rf"\left|{self.sum(x[0])}\right|"
            case "softmax_component":
                j = int(x[-1].value) + 1
                return rf"\operatorname{{softmax}}{self.parenthesized(self.listed(x[:-1]))}_{{{j}}}"
        return self.function(call.op) + self.parenthesized(self.listed(x))

    def function(self, op: Operation) -> str:
        return self.FUNCTIONS.get(op.name) or rf"\operatorname{{{op.symbol}}}".replace("_", r"\_")

    def listed(self, arguments: Iterable[Expression], ellipsis: str | None = None) -> str:
        return super().listed(arguments, r"\ldots")

    def touches(self, left: str, right: str) -> bool:
        return right.startswith(("(", r"\left(")) or (_is_numeral(left) and not right[0].isdigit())

    def parenthesized(self, text: str) -> str:
        return rf"\left({text}\right)" if r"\frac" in text or r"\left" in text else f"({text})"


# ---------------------------------------------------------------- order, signs, fractions


def _turned(factors: Factors) -> tuple[bool, Factors]:
    """What follows a minus sign, which a difference may swallow: −(y − x)·w reads better as (x − y)·w.

    But −a(1 − a) stays as it is.
    """
    for i, (atom, e) in enumerate(factors):
        if atom.is_group and e % 2 == 1 and _is_difference(atom):  # type: ignore[arg-type]
            return False, (*factors[:i], (atom.opposite(), e), *factors[i + 1 :])  # type: ignore[attr-defined]
    return True, factors


def _is_difference(group: Group) -> bool:
    signs = [c < 0 for c, _ in group.expression.terms]
    return 2 * sum(signs) >= len(signs) and all(f or c < 0 for c, f in group.expression.terms)


def _in_order(factors: Iterable[tuple[Atom, float]]) -> list[tuple[Atom, float]]:
    """Symbols, then functions, then sums; but a sum in `a` alone stays with a: a(1 − a)·x."""
    units: list[list[tuple[Atom, float]]] = []
    for atom, e in factors:
        if units and atom.is_group and _is_in(atom, units[-1][0][0]):  # type: ignore[arg-type]
            units[-1].append((atom, e))
        else:
            units.append([(atom, e)])
    units.sort(key=lambda unit: (unit[0][0].is_group, not unit[0][0].is_symbol))
    return [factor for unit in units for factor in unit]


def _is_in(group: Group, atom: Atom) -> bool:
    """True for 1 − a and 1 − a², if the atom is a."""
    return all(a.key == atom.key for _, factors in group.expression.terms for a, _ in factors)


def _as_fraction(c: float, below: Sequence[object] = ()) -> tuple[float, float]:
    """(p, q) where p/q reads better than the number c: x/3, 2x/3, 3/(2√x), but 0.5x; else (c, 1)."""
    if not 0 < c < math.inf or c.is_integer():
        return c, 1
    p, q = Fraction(c).limit_denominator(1_000_000).as_integer_ratio()
    is_short = float(format_number(c)) == c
    if abs(c - p / q) <= 1e-15 * c and p <= 100 and (q < 10 if below else not is_short or q > 10_000):
        return p, q
    if abs(c - p / q) <= 1e-15 * c and p <= 100 and not is_short:
        return p, q
    return c, 1


def _is_numeral(text: str) -> bool:
    return all(ch.isdigit() or ch == "." for ch in text)


def _is_enclosed(text: str) -> bool:
    """True if one pair of parentheses holds the whole text."""
    if not text.endswith(")") or not text.startswith(("(", r"\left(")):
        return False
    depth = 0
    for i, ch in enumerate(text):
        depth += (ch == "(") - (ch == ")")
        if ch == ")" and depth == 0:
            return i == len(text) - 1
    return False


def _bare(text: str) -> str:
    """Without the pair of parentheses that holds the whole text."""
    if not _is_enclosed(text):
        return text
    left, right = (r"\left(", r"\right)") if text.startswith(r"\left(") else ("(", ")")
    return text.removeprefix(left).removesuffix(right)
