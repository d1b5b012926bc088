"""Formulas of arrays in their shortest form, also within matrix products and sums."""

from __future__ import annotations

import math

from ..formulas.expression import Expression, Factors, constant
from .atoms import Applied, Ones, Product, Total, atom_shape, natural_shape, split
from .sequences import OverTime, Stack

__all__ = ["simplified"]


def simplified(x: Expression) -> Expression:
    """The shortest form; a product without sums has no other."""
    x = _without_ones(_with_simplified_parts(x))
    has_sums = len(x.terms) > 1 or any(a.terms for _, factors in x.terms for a, _ in factors)
    return x.simplified() if has_sums else x


def _with_simplified_parts(x: Expression) -> Expression:
    """What stands in matrix products and sums simplified first; a number that comes out of it stands before."""
    terms = []
    is_same = True
    for c, factors in x.terms:
        done: Factors = ()
        for a, e in factors:
            if isinstance(a, Product | Total) and e == 1.0:
                number, parts = 1.0, []
                for p in a.parts:
                    before, rest = split(_of_one_shape(simplified(p), p))
                    is_plain = before.is_number()
                    number *= before.value if is_plain else 1.0
                    parts.append(rest if is_plain else before * rest)
                if any(p.key != q.key for p, q in zip(parts, a.parts, strict=True)):
                    is_same = False
                    c, a = c * number, a.rebuilt(parts)
            elif isinstance(a, Stack | OverTime) or (isinstance(a, Applied) and a.op.moves):
                simple = [_of_one_shape(simplified(p), p) for p in a.parts]
                if any(p.key != q.key for p, q in zip(simple, a.parts, strict=True)):
                    is_same, a = False, a.rebuilt(simple)
            done = (*done, (a, e))
        terms.append((c, done))
    return x if is_same else sum((Expression((t,), math.nan) for t in terms), constant(0.0))


def _of_one_shape(new: Expression, old: Expression) -> Expression:
    """The simpler formula, unless something that gave the other its shape went with it."""
    return new if new.terms and natural_shape(new) == natural_shape(old) else old


def _without_ones(x: Expression) -> Expression:
    """Without ones beside what has their shape already: 𝟏 ⊙ C is C."""
    terms = []
    for c, factors in x.terms:
        for a, _ in factors:
            rest = tuple(f for f in factors if f[0] is not a)
            is_one = isinstance(a, Ones) and a.digit == "1"
            if is_one and natural_shape(Expression(((1.0, rest),), math.nan)) == atom_shape(a):
                factors = rest
        terms.append((c, factors))
    return x if all(t[1] is f for t, (_, f) in zip(terms, x.terms, strict=True)) else Expression(terms, x.value)
