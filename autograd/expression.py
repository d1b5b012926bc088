"""Formulas: what an operation and its rule give when they are read on symbols.

An Expression is a sum of terms, a term a coefficient times powers of atoms, and an atom a symbol,
a function of expressions, or a sum in parentheses. Building one already collects like terms and
cancels factors; `simplified()` also multiplies out where that makes it shorter, so that a person
would have written the result: `ŷ − y`, `a(1 − a)`, `1 − a²`. This is no algebra system; it knows
as much as reading derivatives needs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

from . import names as _names
from .op import Operation, Vector, as_operand, ieee, members, real

# A longer formula helps nobody: beyond this it is written as an ellipsis.
MAX_SIZE = 120
MAX_DEPTH = 12
MAX_EXPANDED_TERMS = 40


class Symbol:
    """A named quantity."""

    __slots__ = ("depth", "key", "label", "size")

    def __init__(self, label: str) -> None:
        self.label = label
        self.key = label
        self.size, self.depth = 1, 1


class Call:
    """An operation applied to formulas, as in σ(z)."""

    __slots__ = ("args", "depth", "key", "op", "size")

    def __init__(self, op: Operation, args: tuple[Any, ...]) -> None:
        self.op, self.args = op, args
        flat = self.flat()
        self.key = f"{op.name}({','.join(a.key for a in flat)})"
        self.size = 1 + sum(a.size for a in flat)
        self.depth = 1 + max((a.depth for a in flat), default=0)

    def flat(self) -> list[Expression]:
        """The arguments, sequences opened."""
        return [u for a in self.args for u in members(a)]


class Group:
    """A sum in parentheses, used as a factor.

    (y − x) and (x − y) have one key and opposite orientation, so that they cancel, while each is
    written the way it came.
    """

    __slots__ = ("depth", "expression", "key", "orientation", "size")

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        opposite = -expression
        self.orientation = 1 if expression.key <= opposite.key else -1
        self.key = f"({min(expression.key, opposite.key)})"
        self.size, self.depth = expression.size, 1 + expression.depth


Atom = Symbol | Call | Group
Factors = tuple[tuple[Atom, float], ...]
Term = tuple[float, Factors]

_serial = itertools.count()


class Expression:
    """A formula together with its value at the point where it was read.

    Arithmetic and the functions of `autograd` build larger formulas. Comparisons compare values,
    so a piecewise rule gives the piece that holds at the point.
    """

    __slots__ = ("depth", "key", "size", "terms", "value")
    __array_ufunc__ = None

    def __init__(self, terms: Iterable[Term], value: float) -> None:
        self.terms: tuple[Term, ...] = tuple(terms)
        self.value = value
        self.size = sum(_term_size(t) for t in self.terms) or 1
        self.depth = max((a.depth for _, factors in self.terms for a, _ in factors), default=0)
        if self.size > MAX_SIZE or self.depth > MAX_DEPTH:
            hidden = Symbol("…")
            hidden.key = f"…{next(_serial)}"  # two omitted parts are not known to be equal
            self.terms, self.size, self.depth = ((1.0, ((hidden, 1.0),)),), 1, 1
        self.key = "+".join(sorted(f"{c!r}{_factors_key(f)}" for c, f in self.terms))

    # ------------------------------------------------------------ arithmetic

    def __add__(self, other: Any) -> Expression:
        if isinstance(other, Vector):
            return NotImplemented
        other = expression(other)
        return Expression(_collect((*self.terms, *other.terms)), self.value + other.value)

    __radd__ = __add__

    def __neg__(self) -> Expression:
        return Expression(((-c, f) for c, f in self.terms), -self.value)

    def __sub__(self, other: Any) -> Expression:
        if isinstance(other, Vector):
            return NotImplemented
        return self + (-expression(other))

    def __rsub__(self, other: Any) -> Expression:
        return expression(other) + (-self)

    def __mul__(self, other: Any) -> Expression:
        if isinstance(other, Vector):
            return NotImplemented
        other = expression(other)
        value = self.value * other.value
        for number, rest in ((self, other), (other, self)):
            if number.is_number() and (number.value in (1.0, -1.0) or len(rest.terms) <= 1):
                return Expression(_collect((c * number.value, f) for c, f in rest.terms), value)
        (c, f), (d, g) = _as_term(self), _as_term(other)
        sign, factors = _merge(f, g)
        return _from_term(c * d * sign, factors, value)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Expression:
        return self * expression(other) ** -1.0

    def __rtruediv__(self, other: Any) -> Expression:
        return expression(other) * self**-1.0

    def __pow__(self, other: Any) -> Expression:
        other = expression(other)
        value = ieee(_power().forward, self.value, other.value)
        if not other.is_number():
            return Expression(((1.0, ((Call(_power(), (self, other)), 1.0),)),), value)
        n = other.value
        if self.is_number() or n == 0.0:
            return constant(value)
        c, f = _as_term(self)
        if n.is_integer():
            return _from_term(ieee(_power().forward, c, n), tuple((a, e * n) for a, e in f), value)
        if c == 1.0 and len(f) == 1 and f[0][1] == 1.0:
            return Expression(((1.0, ((f[0][0], n),)),), value)
        return Expression(((1.0, ((Group(self), n),)),), value)

    def __rpow__(self, other: Any) -> Expression:
        return expression(other) ** self

    def __lt__(self, other: Any) -> bool:
        return self.value < expression(other).value

    def __le__(self, other: Any) -> bool:
        return self.value <= expression(other).value

    def __gt__(self, other: Any) -> bool:
        return self.value > expression(other).value

    def __ge__(self, other: Any) -> bool:
        return self.value >= expression(other).value

    def is_number(self) -> bool:
        """True if no symbol is left."""
        return not self.terms or (len(self.terms) == 1 and not self.terms[0][1])

    @staticmethod
    def _record(op: Operation, *operands: Any) -> Any:
        """Apply an operation: spelled out if it is arithmetic, `name(...)` otherwise."""
        args = tuple(x.map(expression) if isinstance(x, Vector) else expression(x) for x in operands)
        if op.expands:
            return op.forward(*args)
        value = ieee(op.forward, *(a.map(lambda u: u.value) if isinstance(a, Vector) else a.value for a in args))
        atom: Atom = Call(op, args)
        if op.name == "softmax_component":
            label = _softmax_label(atom)
            atom = atom if label is None else Symbol(label)
        return Expression(((1.0, ((atom, 1.0),)),), float(value))

    # ------------------------------------------------------------ simplification

    def simplified(self) -> Expression:
        """The shortest of several equal forms: as it is, multiplied out, common factors taken out."""
        start = _paired(self)
        cancelled = _expanded(start, fractions_only=True)
        expanded = _expanded(cancelled)
        forms = (start, _factored(start), _factored(cancelled), cancelled, _factored(expanded), expanded)
        best = min(forms, key=lambda e: e.size)
        return _from_term(*best.terms[0], best.value) if len(best.terms) == 1 else best

    # ------------------------------------------------------------ writing

    def text(self, name: Callable[[str], str] = _names.text) -> str:
        """Unicode: `a(1 − a)`, `−y/a + (1 − y)/(1 − a)`."""
        return _Text(name).sum(self)

    def ascii(self, name: Callable[[str], str] = _names.ascii_name) -> str:
        """ASCII in Python's notation: `a*(1 - a)`."""
        return _Ascii(name).sum(self)

    def latex(self, name: Callable[[str], str] = _names.latex) -> str:
        r"""LaTeX without dollar signs: `a\,(1 - a)`."""
        return _Latex(name).sum(self)

    __str__ = text

    def __repr__(self) -> str:
        return f"<formula {self.ascii()}>"


def expression(x: Any) -> Expression:
    """A formula from a formula or a number."""
    return x if isinstance(x, Expression) else constant(real(x, "Expression"))


def constant(c: float) -> Expression:
    """A number as a formula."""
    return Expression(((c, ()),) if c != 0.0 else (), c)


def symbol(label: str, value: float = math.nan) -> Expression:
    """A named quantity with its value at the point in question."""
    return Expression(((1.0, ((Symbol(label), 1.0),)),), value)


def _power() -> Operation:
    from .op import find

    return find("power")


def _term_size(term: Term) -> int:
    c, factors = term
    return (not factors or c not in (1.0, -1.0)) + sum(a.size + (e != 1.0) for a, e in factors)


def _factors_key(factors: Factors) -> str:
    return "*".join(sorted(f"{a.key}^{e!r}" for a, e in factors))


def _orientation(factors: Factors) -> int:
    """The sign by which the product differs from the one its key stands for."""
    sign = 1
    for a, e in factors:
        if isinstance(a, Group) and e % 2 == 1:
            sign *= a.orientation
    return sign


def _collect(terms: Iterable[Term]) -> list[Term]:
    """Like terms added up, in order of first appearance; what cancels is left out."""
    found: dict[str, Term] = {}
    for c, factors in terms:
        key = _factors_key(factors)
        if key in found:
            sum_, first = found[key]
            found[key] = (sum_ + c * _orientation(factors) * _orientation(first), first)
        else:
            found[key] = (c, factors)
    return [(c, f) for c, f in found.values() if c != 0.0]


def _merge(f: Factors, g: Factors) -> Term:
    """Powers of equal atoms multiplied, what cancels left out: a sign and the factors."""
    found: dict[str, tuple[Atom, float]] = {}
    sign = 1.0
    for atom, e in (*f, *g):
        if atom.key not in found:
            found[atom.key] = (atom, e)
            continue
        first, power = found[atom.key]
        if isinstance(atom, Group) and isinstance(first, Group) and atom.orientation != first.orientation:
            sign *= -1.0 if e % 2 == 1 else 1.0
        found[atom.key] = (first, power + e)
    return sign, tuple((a, e) for a, e in found.values() if e != 0.0)


def _as_term(x: Expression) -> Term:
    """A sum put in parentheses."""
    if len(x.terms) == 1:
        return x.terms[0]
    return (1.0, ((Group(x), 1.0),)) if x.terms else (0.0, ())


def _from_term(c: float, factors: Factors, value: float) -> Expression:
    if c == 0.0:
        return constant(0.0)
    if len(factors) == 1 and factors[0][1] == 1.0 and isinstance(factors[0][0], Group) and c in (1.0, -1.0):
        inner = factors[0][0].expression
        return inner if c == 1.0 else -inner
    return Expression(((c, factors),), value)


def _expanded(x: Expression, *, fractions_only: bool = False) -> Expression:
    """Sums multiplied out; with `fractions_only`, just those sums that contain a quotient."""
    todo, done = list(x.terms), []
    while todo:
        if len(todo) + len(done) > MAX_EXPANDED_TERMS:
            return x
        c, factors = todo.pop(0)
        for i, (atom, e) in enumerate(factors):
            if isinstance(atom, Group) and e.is_integer() and e > 0:
                inner = atom.expression.terms
                if fractions_only and not any(p < 0 for _, f in inner for _, p in f):
                    continue
                rest = factors[:i] + factors[i + 1 :] + (((atom, e - 1.0),) if e > 1.0 else ())
                parts = [(d, *_merge(rest, f)) for d, f in inner]
                todo[:0] = [(c * d * sign, merged) for d, sign, merged in parts]
                break
        else:
            done.append((c, factors))
    return Expression(_collect(done), x.value)


def _paired(x: Expression) -> Expression:
    """Two sums multiplied out where that is shorter: (1 − a)(1 + a) is 1 − a²."""
    terms = list(x.terms)
    for i, (c, factors) in enumerate(terms):
        groups = [a for a, e in factors if isinstance(a, Group) and e == 1.0]
        for p, q in itertools.combinations(groups, 2):
            product = _expanded(Expression(((1.0, ((p, 1.0), (q, 1.0))),), math.nan))
            if product.size < p.size + q.size:
                d, f = _as_term(product)
                sign, merged = _merge(tuple((a, e) for a, e in factors if a is not p and a is not q), f)
                terms[i] = (c * d * sign, merged)
                return _paired(Expression(terms, x.value))
    return Expression(_collect(terms), x.value)


def _factored(x: Expression) -> Expression:
    """What all terms have in common put before a pair of parentheses."""
    if len(x.terms) < 2:
        return x
    shared = dict.fromkeys(a.key for a, e in x.terms[0][1] if e > 0)
    powers = {key: min(_exponent(f, key) for _, f in x.terms) for key in shared}
    common = tuple((a, powers[a.key]) for a, _ in x.terms[0][1] if powers.get(a.key, 0) > 0)
    sizes = {abs(c) for c, _ in x.terms}
    c = sizes.pop() if len(sizes) == 1 else 1.0
    if not common and c == 1.0:
        return x
    inverse = tuple((a, -e) for a, e in common)
    rest = []
    for d, f in x.terms:
        sign, factors = _merge(f, inverse)
        rest.append((d * sign / c, factors))
    sign, factors = _merge(common, ((Group(Expression(rest, math.nan)), 1.0),))
    return Expression(((c * sign, factors),), x.value)


def _exponent(factors: Factors, key: str) -> float:
    return next((e for a, e in factors if a.key == key), 0.0)


def _softmax_label(call: Call) -> str | None:
    """a[2]_1 for softmax(z[2]_1, z[2]_2, ...)_1: lecture notes give softmax(z) the name a."""
    logits, j = call.args
    labels = [u.terms[0][1][0][0].label if _is_symbol(u) else "" for u in logits]
    parsed = [_names.parse(label) for label in labels]
    if all(p is not None and p.base == "z" and p.index for p in parsed) and len(set(labels)) == len(labels):
        return _names.sibling(labels[int(j.value)], "a")
    return None


def _is_symbol(x: Expression) -> bool:
    return (
        len(x.terms) == 1
        and x.terms[0][0] == 1.0
        and len(x.terms[0][1]) == 1
        and x.terms[0][1][0][1] == 1.0
        and isinstance(x.terms[0][1][0][0], Symbol)
    )


def format_number(x: float, digits: int = 4) -> str:
    """A number as people read it: 4 significant digits, 2 instead of 2.0, 0.00001 as 1e-05."""
    if x != x or x in (math.inf, -math.inf):
        return repr(x)
    text = f"{x:.{digits}g}"
    if "e" in text and -6 < math.floor(math.log10(abs(x))) < 0:
        text = f"{x:.{digits + 8}f}".rstrip("0")
    elif "e" in text and 1 <= abs(x) < 1e7:
        text = f"{x:.0f}"
    return "0" if text == "-0" else text


class _Writer:
    """How sums, products, powers and functions are put on paper; the notations differ in details."""

    minus, times, juxtapose = "−", "·", True

    def __init__(self, name: Callable[[str], str]) -> None:
        self.name = name

    def number(self, x: float) -> str:
        return format_number(x).replace("-", self.minus)

    def sum(self, x: Expression) -> str:
        """Positive terms first, so that −y + ŷ reads ŷ − y."""
        if not x.terms:
            return "0"
        signed = [self.term(c, f) for c, f in x.terms]
        ordered = [t for t in signed if not t[0]] + [t for t in signed if t[0]]
        parts = [(self.minus if ordered[0][0] else "") + ordered[0][1]]
        parts += [f" {self.minus if negative else '+'} {body}" for negative, body in ordered[1:]]
        return "".join(parts)

    def term(self, c: float, factors: Factors) -> tuple[bool, str]:
        """(is negative, what follows the sign)."""
        negative = c < 0
        flipped = None
        if negative:  # −(y − x)·w reads better as (x − y)·w, but a(1 − a) stays
            for atom, e in factors:
                if isinstance(atom, Group) and e % 2 == 1 and all(f or d < 0 for d, f in atom.expression.terms):
                    flipped, negative = atom, False
                    break
        c = abs(c)
        above = [(Group(-a.expression) if a is flipped and isinstance(a, Group) else a, e) for a, e in factors if e > 0]
        below = [(Group(-a.expression) if a is flipped and isinstance(a, Group) else a, -e) for a, e in factors if e < 0]
        divisor = 1.0
        if 0.001 <= c < 1 and abs(round(1 / c) * c - 1) < 1e-15 and (below or float(format_number(c)) != c):
            c, divisor = 1.0, float(round(1 / c))  # x/(2√y), (x + y)/3
        top = self.product(c, above)
        if not below and divisor == 1.0:
            return negative, top
        return negative, self.fraction(top, self.product(divisor, below), below, divisor)

    def product(self, c: float, factors: list[tuple[Atom, float]]) -> str:
        if factors and isinstance(factors[0][0], Group):  # x(y − 1), but a(1 − a)·x
            factors = sorted(factors, key=lambda f: isinstance(f[0], Group))
        parts = [self.power(a, e) for a, e in factors]
        if c != 1.0 or not parts:
            parts.insert(0, self.number(c))
        text = parts[0]
        for i, part in enumerate(parts[1:], 1):
            joined = self.juxtapose and (part.startswith("(") or (i == 1 and c != 1.0 and not part[0].isdigit()))
            text += part if joined else self.times + part
        return text

    def power(self, atom: Atom, e: float) -> str:
        if e == 1.0:
            inner = self.atom(atom)
            return f"({inner})" if isinstance(atom, Group) else inner
        if e == 0.5:
            return self.root(self.atom(atom), simple=isinstance(atom, Symbol))
        return self.raised(self.base(atom), self.number(e))

    def base(self, atom: Atom) -> str:
        inner = self.atom(atom)
        return inner if isinstance(atom, Symbol) or inner.startswith(("(", "|")) or self.closed(atom) else f"({inner})"

    def closed(self, atom: Atom) -> bool:
        return isinstance(atom, Call) and atom.op.name not in ("power", "sqrt", "exp")

    def atom(self, atom: Atom) -> str:
        if isinstance(atom, Symbol):
            return "…" if atom.label == "…" else self.name(atom.label)
        if isinstance(atom, Group):
            return self.sum(atom.expression)
        return self.call(atom)

    def call(self, call: Call) -> str:
        name = call.op.name
        args = [self.sum(a) for a in call.flat()]
        if name == "step":
            return f"[{args[0]} > 0]"
        if name == "abs":
            return f"|{args[0]}|"
        if name == "sqrt":
            return self.root(args[0], simple=_is_symbol(call.args[0]))
        if name == "power":
            return self.raised(*(a if _is_atomic(u) else f"({a})" for a, u in zip(args, call.args, strict=True)))
        if name == "softmax_component":
            return self.indexed(f"{self.function(call.op)}({self.listed(args[:-1])})", int(call.args[1].value) + 1)
        return f"{self.function(call.op)}({self.listed(args)})"

    def listed(self, args: list[str]) -> str:
        return ", ".join(args if len(args) <= 4 else [*args[:2], "…", args[-1]])

    def function(self, op: Operation) -> str:
        return op.symbol

    def fraction(self, top: str, bottom: str, below: list[tuple[Atom, float]], divisor: float) -> str:
        top = top if _is_flat(top) else f"({top})"
        compound = len(below) + (divisor != 1.0) > 1
        return f"{top}/({bottom})" if compound else f"{top}/{bottom}"

    def raised(self, base: str, exponent: str) -> str:
        if all(ch in "0123456789−" for ch in exponent):
            return base + exponent.translate(str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
        return f"{base}^{exponent}" if _is_flat(exponent) else f"{base}^({exponent})"

    def root(self, inner: str, *, simple: bool) -> str:
        return f"√{inner}" if simple else f"√({inner})"

    def indexed(self, text: str, i: int) -> str:
        return text + str(i).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


class _Text(_Writer):
    pass


class _Ascii(_Writer):
    minus, times, juxtapose = "-", "*", False

    def atom(self, atom: Atom) -> str:
        return "..." if isinstance(atom, Symbol) and atom.label == "…" else super().atom(atom)

    def call(self, call: Call) -> str:
        if call.op.name == "step":
            return f"({self.sum(call.args[0])} > 0)"
        if call.op.name == "abs":
            return f"abs({self.sum(call.args[0])})"
        return super().call(call)

    def listed(self, args: list[str]) -> str:
        return ", ".join(args if len(args) <= 4 else [*args[:2], "...", args[-1]])

    def function(self, op: Operation) -> str:
        if op.name == "softmax_component":
            return "softmax"
        return op.symbol if op.symbol.isascii() else op.name

    def raised(self, base: str, exponent: str) -> str:
        return f"{base}**{exponent}" if _is_flat(exponent) and "-" not in exponent else f"{base}**({exponent})"

    def root(self, inner: str, *, simple: bool) -> str:
        return f"sqrt({inner})"

    def indexed(self, text: str, i: int) -> str:
        return f"{text}[{i - 1}]"


class _Latex(_Writer):
    minus, times, juxtapose = "-", r"\,", True
    functions = {"sigmoid": r"\sigma", "log": r"\log", "sin": r"\sin", "cos": r"\cos", "tanh": r"\tanh"}

    def atom(self, atom: Atom) -> str:
        return r"\ldots" if isinstance(atom, Symbol) and atom.label == "…" else super().atom(atom)

    def call(self, call: Call) -> str:
        if call.op.name == "exp":
            return f"e^{{{self.sum(call.args[0])}}}"
        if call.op.name == "abs":
            return rf"\left|{self.sum(call.args[0])}\right|"
        return super().call(call)

    def listed(self, args: list[str]) -> str:
        return ", ".join(args if len(args) <= 4 else [*args[:2], r"\ldots", args[-1]])

    def function(self, op: Operation) -> str:
        return self.functions.get(op.name) or rf"\operatorname{{{op.symbol}}}"

    def fraction(self, top: str, bottom: str, below: list[tuple[Atom, float]], divisor: float) -> str:
        if len(below) == 1 and divisor == 1.0 and below[0][1] == 1.0 and isinstance(below[0][0], Group):
            bottom = self.sum(below[0][0].expression)
        return rf"\frac{{{top}}}{{{bottom}}}"

    def raised(self, base: str, exponent: str) -> str:
        return f"{{{base}}}^{{{exponent}}}" if "^" in base else f"{base}^{{{exponent}}}"

    def root(self, inner: str, *, simple: bool) -> str:
        return rf"\sqrt{{{inner}}}"

    def indexed(self, text: str, i: int) -> str:
        return f"{text}_{{{i}}}"


def _is_atomic(x: Expression) -> bool:
    return _is_symbol(x) or (x.is_number() and x.value >= 0)


def _is_flat(text: str) -> bool:
    """True if the text stands as a numerator or exponent without parentheses."""
    depth = 0
    for ch in text:
        depth += (ch in "([{") - (ch in ")]}")
        if ch == " " and depth == 0:
            return False
    return True


__all__ = ["Expression", "as_operand", "constant", "expression", "format_number", "symbol"]
