"""Formulas: what an operation and its rule give when they are read on symbols.

An Expression is a sum of terms, a term a coefficient times powers of atoms, and an atom a symbol, a
function of expressions, or a sum in parentheses. Building one collects like terms and cancels
factors; `simplified()` also multiplies out and takes out common factors where that is shorter, so
that it reads as a person would have written it: `ŷ − y`, `a(1 − a)`, `1 − a²`. This is no algebra
system; it knows as much as reading derivatives needs. How formulas look is left to `notation`.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar, cast

import numpy as np

from ..ieee import ieee
from ..numpy_names import on_formulas, ufunc
from ..op import Operation
from ..operands import Operand, Vector, members, real
from ..ops import elementwise
from . import names
from .notation import Ascii, Latex, Text, Writer, is_short, named_factors, shown

__all__ = ["Expression", "constant", "divided", "expression", "has_omissions", "merged", "omitted", "symbol"]

# A longer or more deeply nested formula helps nobody: it is written as an ellipsis.
MAX_SIZE = 120
MAX_DEPTH = 10
# Multiplying out stops at so many terms.
MAX_EXPANDED_TERMS = 40


# ---------------------------------------------------------------- atoms


class Atom(ABC):
    """What terms are made of. Atoms of one key are equal, up to their sign if they are sums.

    size, depth: how long and how deeply nested it is on paper.
    """

    __slots__ = ("depth", "key", "size")

    key: str
    size: int
    depth: int
    # What only some atoms have: a name, the operation of a function, the terms of a sum in
    # parentheses, and whether that sum or its opposite is the one that the key stands for.
    is_symbol: bool = False
    label: str = ""
    op: Operation | None = None
    terms: tuple[Term, ...] = ()
    orientation: int = 1

    @abstractmethod
    def write(self, writer: Writer) -> str:
        """The atom on paper, without parentheses around it."""

    def opposite(self) -> Atom:
        """The sum with all its signs changed."""
        raise TypeError("only a sum has an opposite that is an atom")

    def contents(self) -> Iterable[Expression]:
        """The formulas that it is made of."""
        return ()

    def replaced(self, instead: Callable[[Atom], Atom | None]) -> Atom:
        """The atom with others in its parts, see `Expression.replaced`."""
        return self


class Symbol(Atom):
    """A named quantity."""

    __slots__ = ("label",)
    is_symbol = True

    def __init__(self, label: str) -> None:
        self.label = label
        self.key = repr(label)
        self.size, self.depth = 1, 1

    def write(self, writer: Writer) -> str:
        return writer.symbol(self.label)


class Omitted(Atom):
    """A part too long to be written. No two are known to be equal."""

    __slots__ = ()
    _serial = itertools.count()

    def __init__(self) -> None:
        self.key = f"…{next(self._serial)}"
        self.size, self.depth = 1, 1

    def write(self, writer: Writer) -> str:
        return writer.ellipsis


class Call(Atom):
    """An operation applied to formulas, as in σ(z)."""

    __slots__ = ("args", "op")

    op: Operation

    def __init__(self, op: Operation, args: tuple[Operand, ...]) -> None:
        self.op, self.args = op, args
        keys, sizes, depths = zip(*map(_measured, args), strict=True)
        self.key = f"{op.name}({','.join(keys)})"
        self.size, self.depth = 1 + sum(sizes), 1 + max(depths)

    def flat(self) -> list[Expression]:
        """The arguments, sequences opened."""
        return [u for a in self.args for u in members(a)]

    contents = flat

    def replaced(self, instead: Callable[[Atom], Atom | None]) -> Atom:
        def within(u: Expression) -> Expression:
            return u.replaced(instead)

        return Call(self.op, tuple(a.map(within) if isinstance(a, Vector) else within(a) for a in self.args))

    def write(self, writer: Writer) -> str:
        return writer.call(self)


def _measured(argument: Operand) -> tuple[str, int, int]:
    """Key, size and depth of an argument of a function."""
    return (
        _measured_sequence(argument) if isinstance(argument, Vector) else (argument.key, argument.size, argument.depth)
    )


@functools.lru_cache(maxsize=8)
def _measured_sequence(x: Vector) -> tuple[str, int, int]:
    return ",".join(u.key for u in x), sum(u.size for u in shown(x)), max((u.depth for u in x), default=0)


class Group(Atom):
    """A sum in parentheses.

    (y − x) and (x − y) have one key and opposite orientations, so that they cancel, while each is
    written the way it came.
    """

    __slots__ = ("expression", "orientation", "terms")

    def __init__(self, inner: Expression) -> None:
        self.expression, self.terms = inner, inner.terms
        keys = inner.key, _key(inner.terms, -1)
        self.orientation = 1 if keys[0] <= keys[1] else -1
        self.key = f"({min(keys)})"
        self.size, self.depth = inner.size, 1 + inner.depth

    def write(self, writer: Writer) -> str:
        return writer.sum(self.expression)

    def opposite(self) -> Group:
        return Group(-self.expression)

    def contents(self) -> Iterable[Expression]:
        return (self.expression,)

    def replaced(self, instead: Callable[[Atom], Atom | None]) -> Atom:
        return Group(self.expression.replaced(instead))


Factors = tuple[tuple[Atom, float], ...]
Term = tuple[float, Factors]


# ---------------------------------------------------------------- expressions


T = TypeVar("T")


def _operator(method: Callable[[Expression, Expression], T]) -> Callable[[Expression, Operand], T]:
    """The other operand may be a number; a Vector has the operator applied to each member instead."""

    @functools.wraps(method)
    def applied(self: Operand, other: Operand) -> Operand:
        return NotImplemented if isinstance(other, Vector) else method(self, expression(other))

    return applied


def _from_the_right(apply: Callable[[Operand, Operand], Operand]) -> Callable[[Expression, Operand], Operand]:
    return _operator(lambda self, other: apply(other, self))


def _of_values(compare: Callable[[float, float], bool]) -> Callable[[Expression, Operand], bool]:
    return _operator(lambda self, other: compare(self.value, other.value))


class Expression:
    """A formula together with its value at the point where it was read.

    Arithmetic and the functions of `autograd` build larger formulas. Comparisons compare values,
    so a piecewise rule gives the piece that holds at the point.
    """

    __slots__ = ("depth", "key", "size", "terms", "value")

    def __init__(self, terms: Iterable[Term], value: float) -> None:
        self.terms: tuple[Term, ...] = tuple(terms)
        self.value = value
        self.size: int = sum(map(_term_size, self.terms)) or 1
        self.depth: int = max((a.depth for _, factors in self.terms for a, _ in factors), default=0)
        self.key: str = _key(self.terms)

    # ------------------------------------------------------------ arithmetic

    @_operator
    def __add__(self, other: Expression) -> Expression:
        value = self.value + other.value
        if self.is_omitted() or other.is_omitted():
            return omitted(value)
        return _limited(Expression(_collected((*self.terms, *other.terms)), value))

    def __neg__(self) -> Expression:
        if self.is_omitted():
            return omitted(-self.value)
        return Expression(((-c, f) for c, f in self.terms), -self.value)

    def __pos__(self) -> Expression:
        return self

    def __abs__(self) -> Expression:
        return elementwise.abs(self)

    @_operator
    def __sub__(self, other: Expression) -> Expression:
        return self + -other

    @_operator
    def __mul__(self, other: Expression) -> Expression:
        if (self.is_omitted() and other.is_number()) or (self.is_number() and other.is_omitted()):
            return omitted(self.value * other.value)
        (c, f), (d, g) = _as_term(self), _as_term(other)
        if c != c or d != d:
            return constant(math.nan)
        sign, factors = merged(f, g)
        return _limited(_from_term(sign * c * d, factors, self.value * other.value))

    @_operator
    def __truediv__(self, other: Expression) -> Expression:
        return self * other**-1.0

    @_operator
    def __pow__(self, other: Expression) -> Expression:
        value = _power(self.value, other.value)
        n = other.value
        if not (other.is_number() and math.isfinite(n)):
            is_one = self.is_number() and self.value == 1.0
            return constant(1.0) if is_one else _call(elementwise.power.op, (self, other), value)
        if self.is_number() or n == 0.0:
            return constant(value)
        c, factors = _as_term(self)
        if n.is_integer():
            return _limited(_from_term(*_raised((c, factors), n), value))
        if c == 1.0 and len(factors) == 1 and factors[0][1] == 1.0:
            return Expression(((1.0, ((factors[0][0], n),)),), value)
        return _limited(Expression(((1.0, ((Group(self), n),)),), value))

    __radd__, __rsub__, __rmul__, __rtruediv__, __rpow__ = map(
        _from_the_right, (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)
    )
    __lt__, __le__, __gt__, __ge__ = map(_of_values, (operator.lt, operator.le, operator.gt, operator.ge))

    __array_ufunc__ = on_formulas("formulas", lambda x: expression(x), ufunc)

    def __array_function__(
        self,
        function: Callable[..., Operand],
        types: object,
        operands: Sequence[Operand],
        options: Mapping[str, Operand],
    ) -> Operand:
        if function is not np.where:
            raise TypeError(f"np.{function.__name__} is not defined for formulas")
        condition, x, y = operands
        return x if condition else y

    def __float__(self) -> float:
        raise TypeError("a formula is no number; write exp(x) and not math.exp(x)")

    @staticmethod
    def _record(op: Operation, *operands: Operand) -> Expression:
        """Apply an operation: spelled out if it is arithmetic, `name(...)` otherwise."""
        args = tuple(_as_formulas(x)[0] if isinstance(x, Vector) else expression(x) for x in operands)
        if op.formula is not None:
            return op.formula(*args)
        values: list[Operand] = [_as_formulas(a)[1] if isinstance(a, Vector) else a.value for a in args]
        if op.picks is not None:
            return _call(op, args, float(_all_members(op, *values[:-1])[int(values[-1])]))
        return _call(op, args, float(ieee(op.forward, *values)))

    # ------------------------------------------------------------ what it is

    def is_number(self) -> bool:
        """True if no symbol is left."""
        return not self.terms or (len(self.terms) == 1 and not self.terms[0][1])

    def label(self) -> str:
        """The name of a named quantity alone; "" for everything else."""
        atom = self._only_atom()
        return atom.label if isinstance(atom, Symbol) else ""

    def is_symbol(self) -> bool:
        """True for a named quantity alone."""
        return isinstance(self._only_atom(), Symbol)

    def function(self) -> Operation | None:
        """The operation of a function alone, as in σ(z); None for everything else."""
        atom = self._only_atom()
        return None if atom is None else atom.op

    def is_omitted(self) -> bool:
        """True for an ellipsis alone."""
        return isinstance(self._only_atom(), Omitted)

    def _only_atom(self) -> Atom | None:
        match self.terms:
            case ((1.0, ((atom, 1.0),)),):
                return atom
        return None

    def atoms(self) -> Iterator[Atom]:
        """All atoms in it, also those within functions and parentheses."""
        for _, factors in self.terms:
            for a, _ in factors:
                yield a
                for part in a.contents():
                    yield from part.atoms()

    def replaced(self, instead: Callable[[Atom], Atom | None]) -> Expression:
        """The formula with other atoms where `instead` gives one, which has the same value."""
        terms = []
        for c, factors in self.terms:
            done: Factors = ()
            for atom, e in factors:
                other = instead(atom)
                part: Term = 1.0, ((other or atom.replaced(instead), e),)
                if other is None and atom.terms and e.is_integer():  # the sum may have become a single term
                    part = _raised(_as_term(Expression(atom.terms, math.nan).replaced(instead)), e)
                sign, done = merged(done, part[1])
                c *= part[0] * sign
            terms.append((c, done))
        return Expression(_collected(terms), self.value)

    # ------------------------------------------------------------ simplification

    def simplified(self) -> Expression:
        """The shortest of several equal forms: as it is, multiplied out, common factors taken out.

        It ends, because (size, depth) falls with every call from within: what stands in parentheses is
        a part of the formula, or the whole one level up, and what is left over when a common factor is
        taken out is simplified further only if it is shorter than the formula. Between two calls,
        multiplying out replaces a sum by what is in it, and pairing two sums shortens a product.
        """
        start = _paired(_with_simplified_sums(self))
        cancelled = _expanded(start, fractions_only=True)
        expanded = _expanded(cancelled)
        added = _added(expanded, self.size)
        forms = [_factored(form, self.size) for form in (start, cancelled, expanded)]
        forms = [start, *forms[:2], cancelled, forms[2], expanded]
        forms += [_grouped(form, self.size) for form in (start, expanded)]
        if added is not expanded:  # 1/(p(1 − p)) is as long as 1/p + 1/(1 − p), and preferred
            forms.insert(0, added)
        best = min(forms, key=lambda e: e.size)
        return _from_term(*best.terms[0], self.value) if len(best.terms) == 1 else best

    def factored(self) -> Expression:
        """What all terms have in common put before a pair of parentheses: a(1 − a) for a − a²."""
        return _factored(self, self.size)

    # ------------------------------------------------------------ writing

    def text(self, name: Callable[[str], str] = names.text) -> str:
        """Unicode: `a(1 − a)`, `−y/a + (1 − y)/(1 − a)`."""
        return Text(name).sum(self)

    def ascii(self, name: Callable[[str], str] = names.ascii_name) -> str:
        """ASCII that Python can evaluate with the functions of `autograd`: `a*(1 - a)`. Numbers have all digits."""
        return Ascii(name, digits=None).sum(self)

    def latex(self, name: Callable[[str], str] = names.latex) -> str:
        r"""LaTeX for math mode: `a(1 - a)`, `-\frac{y}{a} + \frac{1 - y}{1 - a}`."""
        return Latex(name).sum(self)

    __str__ = text

    def __repr__(self) -> str:
        return f"<formula {self.ascii()}>"


def expression(x: Operand) -> Expression:
    """A formula from a formula or a number."""
    return x if isinstance(x, Expression) else constant(real(x, "Expression"))


@functools.lru_cache(maxsize=8)
def _all_members(op: Operation, *values: Vector) -> Vector:
    """The numbers of all members of a softmax; read once, and not for each of them anew."""
    assert op.picks is not None
    return ieee(op.picks, *values)


@functools.lru_cache(maxsize=8)
def _as_formulas(x: Vector) -> tuple[Vector, Vector]:
    """A sequence as formulas and as numbers; read once for all members of a softmax."""
    formulas = x.map(expression)
    return formulas, formulas.map(lambda u: u.value)


def constant(c: float) -> Expression:
    """A number as a formula."""
    return Expression(((c, ()),) if c != 0.0 else (), c)


def symbol(label: str, value: float = math.nan) -> Expression:
    """A named quantity with its value at the point in question."""
    return _from_atom(Symbol(label), value)


def omitted(value: float = math.nan) -> Expression:
    """An ellipsis in place of a formula with this value."""
    return _from_atom(Omitted(), value)


def has_omissions(x: Expression) -> bool:
    """True if a part of the formula is left out because it is too long."""
    return any(isinstance(a, Omitted) for a in x.atoms())


def _limited(x: Expression) -> Expression:
    return omitted(x.value) if x.size > MAX_SIZE or x.depth > MAX_DEPTH else x


def _power(x: float, n: float) -> float:
    return float(ieee(elementwise.power.op.forward, x, n))


def _call(op: Operation, args: tuple[Operand, ...], value: float) -> Expression:
    return _limited(_from_atom(Call(op, args), value))


# ---------------------------------------------------------------- terms


def _term_size(term: Term) -> int:
    c, factors = term
    number = 0 if factors and c in (1.0, -1.0) else _number_size(abs(c))
    return number + sum(a.size + (e != 1.0) for a, e in factors)


@functools.lru_cache(maxsize=4096)
def _number_size(c: float) -> int:
    """How long a number is: 1 if it is short, 2 if not, and √(2/π) as much wherever it stands among others."""
    if is_short(c):
        return 1
    p, above, q, below = named_factors(c) or (c, (), 1, ())
    return 2 * max(1, len(above) + len(below)) + ((p != 1) + (not is_short(p)) + (q != 1) if above or below else 0)


def _key(terms: Iterable[Term], sign: int = 1) -> str:
    return "+".join(sorted(f"{c * sign * _orientation(f)!r}*{_factors_key(f)}" for c, f in terms))


def _factors_key(factors: Factors) -> str:
    return "*".join(sorted(f"{_base_key(a, e)}^{e!r}" for a, e in factors))


def _base_key(atom: Atom, e: float) -> str:
    """(y − x)² is (x − y)², but √(y − x) is not √(x − y)."""
    return atom.key if e.is_integer() or atom.orientation > 0 else f"-{atom.key}"


def _orientation(factors: Factors) -> int:
    """The sign by which the product differs from the one its key stands for."""
    return math.prod(a.orientation for a, e in factors if e % 2 == 1)


def _collected(terms: Iterable[Term]) -> list[Term]:
    """Like terms added up, in order of first appearance, but what is subtracted again and again behind it: x + y − 2m.

    What cancels is left out.
    """
    found: dict[str, Term] = {}
    for c, factors in _opened(terms):
        key = _factors_key(factors)
        if key in found:
            total, first = found[key]
            added = total + c * _orientation(factors) * _orientation(first)
            if added < total < 0.0:
                del found[key]
            found[key] = (added, first)
        else:
            found[key] = (c, factors)
    return [(c, f) for c, f in found.values() if c != 0.0]


def merged(f: Factors, g: Factors) -> tuple[int, Factors]:
    """f times g, powers of equal atoms merged and what cancels left out: a sign and the factors.

    A sum and its opposite merge if one of the two powers is integral: that one is turned round, so
    that a root keeps the orientation in which it was recorded.
    """
    found: dict[str, dict[int, tuple[Atom, float]]] = {}  # by key, then by orientation
    for atom, e in (*f, *g):
        sides = found.setdefault(atom.key, {})
        first, power = sides.get(atom.orientation, (atom, 0.0))
        sides[atom.orientation] = first, power + e
    sign = 1
    for sides in found.values():
        whole = next((side for side in reversed(sides) if sides[side][1].is_integer()), None)
        if len(sides) == 2 and whole is not None:
            _, n = sides.pop(whole)
            first, power = sides[-whole]
            sides[-whole] = first, power + n
            sign *= -1 if n % 2 == 1 else 1
    return sign, tuple((a, e) for sides in found.values() for a, e in sides.values() if e != 0.0)


def divided(factors: Factors, product: Factors) -> Factors | None:
    """What is left of the factors when a product is taken out of them; None if it is not in them."""
    left = {(a.key, a.orientation): (a, e) for a, e in factors}
    for a, e in product:
        same, power = left.get((a.key, a.orientation), (a, 0.0))
        if power * e <= 0 or abs(power) < abs(e):
            return None
        left[a.key, a.orientation] = same, power - e
    return tuple((a, e) for a, e in left.values() if e != 0.0)


def _as_term(x: Expression) -> Term:
    """x as a single term: a sum goes in parentheses, a minus that all its terms have before them."""
    if len(x.terms) == 1:
        return x.terms[0]
    if not x.terms:
        return 0.0, ()
    if all(c < 0 for c, _ in x.terms):
        return -1.0, ((Group(-x), 1.0),)
    return 1.0, ((Group(x), 1.0),)


def _raised(term: Term, n: float) -> Term:
    """A term to a power: an integral one, or any power of a number."""
    c, factors = term
    return _power(c, n), tuple((a, e * n) for a, e in factors)


def _from_term(c: float, factors: Factors, value: float) -> Expression:
    """The formula of a single term, a sum alone without parentheses."""
    return Expression(_opened([(c, factors)]) if c != 0.0 else (), value)


def _opened(terms: Iterable[Term]) -> Iterator[Term]:
    """The terms, those of a sum in parentheses in its place if nothing but a sign stands before it."""
    for c, factors in terms:
        match factors:
            case ((atom, 1.0),) if atom.terms and c in (1.0, -1.0):
                yield from ((c * d, f) for d, f in atom.terms)
            case _:
                yield c, factors


def _from_atom(atom: Atom, value: float) -> Expression:
    return Expression(((1.0, ((atom, 1.0),)),), value)


# ---------------------------------------------------------------- equal forms


def _with_simplified_sums(x: Expression) -> Expression:
    """What is in parentheses or under a root simplified first."""
    terms = []
    for c, factors in x.terms:
        done: Factors = ()
        for atom, e in factors:
            part: Term = 1.0, ((atom, e),)
            if atom.terms:
                inner = Expression(atom.terms, math.nan).simplified()
                if e.is_integer() or inner.is_number():
                    part = _raised(_as_term(inner), e)
                elif inner.size < atom.size:
                    part = (inner**e).terms[0]
            d, new = part
            sign, done = merged(done, new)
            c *= sign * d
        terms.append((c, _fused(done)))
    return Expression(_collected(terms), x.value)


def _fused(factors: Factors) -> Factors:
    """x·x^(y − 1) as x^y and u·sign(u) as |u|, as operations say, where the product becomes shorter."""
    for a, e in factors:
        times = a.op.writing.get("times") if isinstance(a, Call) and e == 1.0 else None
        if times is None:
            continue
        base, *others = cast(Call, a).flat()
        for b, n in factors:
            if b is a or not n.is_integer() or not _is_atom(base, b):
                continue
            fused = times(n, base, *others)
            if fused is not None and fused.size < Expression(((1.0, ((a, e), (b, n))),), math.nan).size:
                (c, instead), rest = _as_term(fused), tuple(f for f in factors if f[0] is not a and f[0] is not b)
                if c == 1.0:
                    return _fused(merged(rest, instead)[1])
    return factors


def _is_atom(x: Expression, atom: Atom) -> bool:
    """Whether a formula is this atom, a sum the one in these parentheses."""
    match _as_term(x):
        case (1.0, ((inner, 1.0),)):
            return (inner.key, inner.orientation) == (atom.key, atom.orientation)
    return False


def _added(x: Expression, limit: int) -> Expression:
    """Fractions over a common denominator, if all have the same factors below or only a number comes out above."""
    if len(x.terms) < 2 or not all(any(e < 0 for _, e in f) for _, f in x.terms):
        return x
    below: dict[str, tuple[Atom, float]] = {}
    for _, f in x.terms:
        for a, e in f:
            if e < 0:
                key = _base_key(a, e)
                below[key] = (a, max(-e, below.get(key, (a, 0.0))[1]))
    over = tuple(below.values())
    terms = []
    for c, f in x.terms:
        sign, factors = merged(f, over)
        terms.append((c * sign, factors))
    above = _expanded(Expression(_collected(terms), math.nan))
    kinds = {frozenset(_base_key(a, e) for a, e in f if e < 0) for _, f in x.terms}
    if len(kinds) > 1 and not above.is_number():
        return x
    c, group = _as_term(_factored(above, limit))
    sign, factors = merged(group, tuple((a, -e) for a, e in over))
    return Expression(((c * sign, factors),) if c else (), x.value)


def _expanded(x: Expression, *, fractions_only: bool = False) -> Expression:
    """Sums multiplied out; with `fractions_only`, just those sums that contain a quotient."""
    todo: list[Term] = list(x.terms)
    done: list[Term] = []
    while todo:
        if len(todo) + len(done) > MAX_EXPANDED_TERMS:
            return x
        c, factors = todo.pop(0)
        for i, (atom, e) in enumerate(factors):
            if atom.terms and e.is_integer() and e > 0:
                if fractions_only and not any(p < 0 for _, f in atom.terms for _, p in f):
                    continue
                rest = factors[:i] + factors[i + 1 :] + (((atom, e - 1.0),) if e > 1.0 else ())
                parts = [(d, *merged(rest, f)) for d, f in atom.terms]
                todo[:0] = [(c * d * sign, product) for d, sign, product in parts]
                break
        else:
            done.append((c, factors))
    return Expression(_collected(done), x.value)


def _paired(x: Expression) -> Expression:
    """Two sums multiplied out where that is shorter: (1 − a)(1 + a) is 1 − a²."""
    terms = []
    for c, factors in x.terms:
        while found := _shorter_product(factors):
            d, factors = found
            c *= d
        terms.append((c, factors))
    return Expression(_collected(terms), x.value)


def _shorter_product(factors: Factors) -> Term | None:
    sums = [a for a, e in factors if a.terms and e == 1.0]
    for p, q in itertools.combinations(sums, 2):
        product = _expanded(Expression(((1.0, ((p, 1.0), (q, 1.0))),), math.nan))
        if product.size < p.size + q.size:
            c, new = _as_term(product)
            sign, left = merged(tuple((a, e) for a, e in factors if a is not p and a is not q), new)
            return c * sign, left
    return None


def _factored(x: Expression, limit: int) -> Expression:
    """What all terms have in common put before a pair of parentheses; in these it is simplified if below the limit."""
    if len(x.terms) < 2:
        return x
    common = _common_powers([factors for _, factors in x.terms])
    c = _common_coefficient([c for c, _ in x.terms])
    if not common and c == 1.0:
        return x
    inverse = tuple((a, -e) for a, e in common)
    terms = []
    for d, f in x.terms:
        sign, factors = merged(f, inverse)
        terms.append((sign * (d if c == 1.0 else float(f"{d / c:.6g}")), factors))
    rest = Expression(_collected(terms), math.nan)
    d, group = _as_term(rest.simplified() if rest.size < limit else rest)
    sign, factors = merged(common, group)
    return Expression(((c * d * sign, factors),), x.value)


def _grouped(x: Expression, limit: int) -> Expression:
    """What only some terms have in common put before parentheses: a(y + t) − y, x²(1 − t²) + c(1 − t²) + t."""
    terms = list(x.terms)
    while len(terms) > 2:
        users: dict[tuple[str, int], list[int]] = {}
        gains: dict[tuple[str, int], int] = {}
        for i, (c, factors) in enumerate(terms):
            is_plain = c in (1.0, -1.0) and len(factors) > 1 and all(a.is_symbol and e == 1.0 for a, e in factors)
            for a, e in factors:
                if is_plain or (a.terms and e == 1.0):
                    users.setdefault((a.key, a.orientation), []).append(i)
                    gains[a.key, a.orientation] = a.size * (len(users[a.key, a.orientation]) - 1)
        places = users[max(gains, key=gains.__getitem__)] if gains else []
        if not 1 < len(places) < len(terms):
            break
        part = _factored(Expression((terms[i] for i in places), math.nan), limit)
        terms[places[0]] = _as_term(part)
        terms = [t for i, t in enumerate(terms) if i not in places[1:]]
    return _factored(Expression(terms, x.value), limit)


def _common_powers(products: list[Factors]) -> Factors:
    """The powers that divide all products; of a sum and its opposite in the orientation of their roots, if any."""
    common = []
    for atom, _ in products[0]:
        same = [[(a, e) for a, e in factors if a.key == atom.key] for factors in products]
        rooted = [a for powers in same for a, e in powers if not e.is_integer()]
        if len({a.orientation for a in rooted}) > 1:
            continue
        exponents = {sum(e for _, e in powers) for powers in same}
        if min(exponents) > 0 or len(exponents) == 1:
            common.append((rooted[0] if rooted else atom, min(exponents)))
    return tuple(common)


def _common_coefficient(coefficients: list[float]) -> float:
    """What divides all of them: their size if it is the same, 1/3 of 1/3 and 2/3, √2 of √2 and 0.1√2; else 1."""
    smallest = min(map(abs, coefficients))
    if not 0 < smallest < math.inf:
        return 1.0
    if all(abs(d) == smallest for d in coefficients):
        return smallest
    if is_short(smallest):
        return 1.0
    multiples = [d / smallest for d in coefficients]
    if all(abs(m) <= 100 and abs(m - round(m)) <= 1e-12 for m in multiples):
        return smallest
    for c in map(abs, coefficients):
        if named_factors(c) and all(abs(d / c - float(f"{d / c:.6g}")) <= 1e-15 * abs(d / c) for d in coefficients):
            return c
    return 1.0
