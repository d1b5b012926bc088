"""Formulas of recorded nodes, in the named ones: how a node was computed, and its local derivatives.

Names are put in where a lecturer would: for the members of a softmax, and for what is a named quotient of
exponentials, as a softmax or a sigmoid written by hand is.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias, TypeVar

from ..formulas import names
from ..formulas.expression import (
    Atom,
    Call,
    Expression,
    Factors,
    Group,
    Symbol,
    constant,
    divided,
    expression,
    merged,
    omitted,
    symbol,
)
from ..graph import Node, is_node, topological_order
from ..op import Operation
from ..operands import Operand, Vector, members
from ..ops.elementwise import add, div, exp
from ..used import Used
from ..value import Value

__all__ = ["MAX_CONTRACTED", "Formulas", "Quotients", "SoftmaxMembers"]

# A formula through more unnamed operations than this is not written out.
MAX_CONTRACTED = 2000

# What a rule says: one formula or number for all members of an operand, or a formula for each.
Slope: TypeAlias = Expression | float | Vector
N = TypeVar("N", Expression, float, Expression | float)


class Formulas:
    """The formulas of nodes and of their local derivatives, in the named nodes of a graph.

    What is between named nodes is read only when a rule asks for it, and only once.
    """

    def __init__(self, target: Value, labels: dict[Node, str], members: SoftmaxMembers, longest: int) -> None:
        """longest: the formula of an unnamed node may have so many symbols, else it is an ellipsis."""
        self._target, self._labels, self._members, self._longest = target, labels, members, longest
        self._known: dict[Value, Expression] = {}
        self._slopes: dict[tuple[Value, int], Slope] = {}
        self._used: Used | None = None  # looked up where today's numbers do not give what was recorded

    def of(self, u: Node) -> Expression:
        """The formula of a node or a number."""
        if not is_node(u):
            return expression(u)
        if u not in self._known:
            unread = [u] if u in self._labels else topological_order(u, stop=self._is_settled)
            if len(unread) > MAX_CONTRACTED:
                self._known[u] = omitted(u.data)
            else:
                for node in unread:
                    if node not in self._known:
                        self._known[node] = self._read(node)
        return self._known[u]

    def definition(self, v: Value) -> Expression:
        """The formula of the operation that made v."""
        return self.of(v) if v.op is None else Expression._record(v.op, *self.operands(v))

    def result(self, v: Value) -> Expression:
        """v as a rule of its operation sees it: its name, but arithmetic by its own operands, as in (x/y)' by y."""
        op = made_by(v)
        return self.definition(v) if op.expands and not op.reduces else self.of(v)

    def _is_settled(self, u: Value) -> bool:
        return u in self._known or u in self._labels

    def _read(self, u: Value) -> Expression:
        number = u.data if self._used is None or u.op is not None else self._used.number(u)
        if u in self._labels:
            return symbol(self._labels[u], number)
        if u.op is None:
            return constant(number)
        formula = _with_names(Expression._record(u.op, *self.operands(u)), self._members.named(self))
        # The number is the recorded one: where .data of a leaf has moved since, another piece would be read.
        return Expression(formula.terms, u.data) if formula.size <= self._longest else omitted(u.data)

    def operands(self, v: Value) -> list[Operand]:
        """The operands as the operation's rules see them; what is not differentiated stays a number."""
        return [
            us if rule is None else us.map(self.of) if isinstance(us, Vector) else self.of(us)
            for us, rule in zip(v.operand_groups, made_by(v).rules, strict=True)
        ]

    def _slope(self, v: Value, i: int) -> Slope:
        """What rule i says: a Vector of formulas for a sequence, or one formula or number for all."""
        if (v, i) not in self._slopes:
            self._slopes[v, i] = made_by(v).derivative(i, self.result(v), self.operands(v))
        return self._slopes[v, i]

    def _slope_at(self, v: Value, i: int, j: int, recorded: float) -> Expression | float:
        """The slope by one operand, of the piece that the forward pass took also where .data has moved since.

        The recorded number, where no record tells what was used.
        """
        slope = self._slope(v, i)
        slope = slope[j] if isinstance(slope, tuple) else slope
        now = slope.value if isinstance(slope, Expression) else slope
        if now != now or math.isclose(now, recorded, rel_tol=1e-9, abs_tol=1e-300):
            return slope
        if self._used is not None:
            # at a bound, as of a probability of 0, the formula is what is meant
            return recorded if self._used.changed else slope
        self._used = Used(self._target)
        self._known.clear()
        self._slopes.clear()
        return self._slope_at(v, i, j, recorded)

    def derivatives(self, v: Value, wanted: set[int]) -> list[Expression | None]:
        """∂v/∂operand for each operand of v, None for those whose id is not wanted."""
        found: list[Expression | None] = []
        recorded = iter(v.local_derivatives)
        are_numbers = all(u.data == u.data for u in v.operands if is_node(u))
        for i, us in enumerate(v.operand_groups):
            for j, u in enumerate(members(us)):
                d = next(recorded)
                if d is None or id(u) not in wanted:
                    found.append(None)
                    continue
                slope = self._slope_at(v, i, j, d)
                slope = _with_names(slope, self._members.named(self))
                # Where an operation is not defined, as log below 0, no formula stands for its slope.
                is_undefined = d != d and are_numbers
                found.append(
                    constant(d) if not isinstance(slope, Expression) or slope.is_number() or is_undefined else slope
                )
        return found


def _with_names(x: N, instead: Callable[[Atom], Atom | None]) -> N:
    return x.replaced(instead) if isinstance(x, Expression) else x


def made_by(v: Value) -> Operation:
    """The operation of a node that is no leaf."""
    assert v.op is not None
    return v.op


class SoftmaxMembers:
    """What the members of a softmax are called in formulas.

    A member that is a named node has its name, and the others are named in its manner: beside a_2 there
    is a_1. Of named logits z_1, z_2, ... lectures call the members a_1, a_2, ... Such a name is introduced
    only if nothing else has it; `introduced` says what it stands for.
    """

    def __init__(self, labels: dict[Node, str]) -> None:
        self._labels = labels
        self._known: dict[str, Symbol | None] = {}
        self._models: dict[str, str] = {}  # for the logits of a softmax the name of its first member
        self._taken: set[str] = set()
        self._is_read = False
        self.introduced: dict[str, Expression] = {}

    def named(self, formulas: Formulas) -> Callable[[Atom], Atom | None]:
        """The name of an atom that is a member of a softmax, None for others."""

        def instead(atom: Atom) -> Atom | None:
            if not isinstance(atom, Call) or not atom.op.picks:
                return None
            if not self._is_read:
                self._is_read = True
                self._read(formulas)
            if atom.key not in self._known:
                self._known[atom.key] = self._introduced(atom)
            return self._known[atom.key] or atom

        return instead

    def _read(self, formulas: Formulas) -> None:
        """Note which members are nodes with a name, and which names are taken."""
        self._taken.update(map(names.text, self._labels.values()))
        logits_of: dict[tuple[int, ...], str] = {}
        for v, label in self._labels.items():
            if v.op is None or not v.op.picks:
                continue
            logits, j = v.operand_groups
            group = tuple(map(id, logits))
            if group not in logits_of:
                logits_of[group] = ",".join(formulas.of(u).key for u in logits)
            self._known[f"{v.op.name}({logits_of[group]},{expression(j).key})"] = Symbol(label)
            name = names.parse(label)
            if v.label is not None and name is not None and name.index and name.index[-1] == str(int(j) + 1):
                first = replace(name, index=(*name.index[:-1], "1"))
                self._models.setdefault(logits_of[group], first.label())

    def _introduced(self, atom: Call) -> Symbol | None:
        *logits, j = atom.flat()
        model = self._models.get(",".join(u.key for u in logits))
        label = _indexed(model, int(j.value)) if model else _activation([u.label() for u in logits], int(j.value))
        if label is None or names.text(label) in self._taken:
            return None
        self._taken.add(names.text(label))
        self.introduced[label] = Expression(((1.0, ((atom, 1.0),)),), math.nan)
        return Symbol(label)


def _indexed(first: str, j: int) -> str | None:
    """The name of member j, where the first is called a_1."""
    name = names.parse(first)
    return None if name is None else replace(name, index=(*name.index[:-1], str(j + 1))).label()


def _activation(labels: list[str], j: int) -> str | None:
    """a[2]_1 for the logit z[2]_1, if all logits have such names and no two the same; else None."""
    parsed = [names.parse(label) for label in labels]
    if len(set(labels)) < len(labels) or not all(p is not None and p.base == "z" and p.index for p in parsed):
        return None
    return names.sibling(labels[j], "a")


class Product(NamedTuple):
    """A number times factors, and what stands in its place."""

    number: float
    factors: Factors
    instead: Factors


class Quotients:
    """Named nodes that are quotients: products in formulas that are known by such a name.

    With a_1 = e^(z_1)/(e^(z_1) + e^(z_2)) and f = 1/(1 + e^(-x)), the derivatives are a_1(1 − a_1) and f(1 − f).
    """

    def __init__(self, labels: dict[Node, str], formulas: Formulas) -> None:
        self._labels, self._formulas = labels, formulas

    @functools.cached_property
    def _exponential(self) -> list[Product]:
        """Those that a lecturer writes in their own derivatives."""
        among = (v for v in self._nodes if any(_is_exponential(u, self._labels) for u in v.operands))
        return [product for v in among for product in self._exponentials(v)]

    @functools.cached_property
    def _all(self) -> list[Product]:
        named = ((self.name(v), self._formulas.definition(v).terms) for v in self._nodes)
        found = [Product(*terms[0], name) for name, terms in named if len(terms) == 1 and terms[0][0]]
        return [product for product in found if _is_longer_than_a_name(product.factors)]

    @property
    def _nodes(self) -> Iterator[Value]:
        """Named quotients by what has no name."""
        for v in self._labels:
            if v.op is div.op and is_node(v.operands[1]) and v.operands[1] not in self._labels:
                yield v

    def name(self, v: Value) -> Factors:
        """The name of a node as the factor that it is."""
        return symbol(self._labels[v], v.data).terms[0][1]

    def within(self, x: Expression) -> Expression:
        """The formula with the names of quotients of exponentials: −a_1·a_2, f(1 − f)."""
        found = _replaced(x, self._exponential)
        return x if found is None else found.factored()

    def within_whole(self, x: Expression) -> Expression:
        """The formula of a whole derivative with the names of all quotients, simplified."""
        found = _replaced(x, self._all)
        return x if found is None else found.simplified()

    def _exponentials(self, v: Value) -> list[Product]:
        match self._formulas.definition(v).terms:
            case ((c, factors),) if c:
                above = [(a, e) for a, e in factors if e > 0]
                below = [(a, e) for a, e in factors if e < 0]
            case _:
                return []
        match above, below:
            case [], [(Atom(terms=((1.0, ()), (1.0, ((e, 1.0),)))), -1.0)] if _is_exp(e) and c == 1.0:
                left = 1.0 - symbol(self._labels[v], v.data)  # a sigmoid: e/(1 + e) is what it leaves of 1
                return [
                    Product(1.0, ((e, 1.0), *below), ((Group(left), 1.0),)),
                    Product(1.0, tuple(below), self.name(v)),
                ]
            case [(e, 1.0)], [_, *_] if _is_exp(e):
                inside = {a.key for u in e.contents() for a in u.atoms()}
                outside = set[str]().union(*(_keys_outside_of_exponentials(a) for a, _ in below))
                return [] if inside & outside else [Product(c, factors, self.name(v))]
        return []


def _replaced(x: Expression, products: Sequence[Product]) -> Expression | None:
    """The formula with other factors in place of these products; None if there are none in it.

    It ends, since with every product powers become fewer, or what is no name does.
    """
    if not products:
        return None
    is_same = True
    terms = []
    for c, factors in x.terms:
        for number, product, instead in products:
            while (rest := divided(factors, product)) is not None:
                is_same = False
                sign, factors = merged(rest, instead)
                c = sign * _without_rounding(c / number)
        terms.append(Expression(((c, factors),), math.nan) * 1.0)
    return None if is_same else Expression(sum(terms, constant(0.0)).terms, x.value)


def _is_longer_than_a_name(factors: Factors) -> bool:
    """Whether a formula becomes shorter by a name in place of these factors: not of u/u, which has none."""
    return sum(abs(e) for _, e in factors) > 1.0 or any(not a.is_symbol for a, _ in factors)


def _without_rounding(c: float) -> float:
    """A number that a division has moved off a short one."""
    near = float(f"{c:.6g}")
    return near if math.isclose(c, near, rel_tol=1e-15) else c


def _is_exponential(u: Value, labels: dict[Node, str]) -> bool:
    """True for an unnamed exponential, or an unnamed sum of two with one."""
    if not is_node(u) or u.op is None or u in labels:
        return False
    return _is_exp(u) or (u.op is add.op and any(map(_is_exp, u.operands)))


def _is_exp(u: Node | Atom) -> bool:
    """True for an exponential, be it a node or an atom."""
    return getattr(u, "op", None) is exp.op


def _keys_outside_of_exponentials(a: Atom) -> set[str]:
    if _is_exp(a):
        return set()
    inside = (b for u in a.contents() for _, factors in u.terms for b, _ in factors)
    return {a.key}.union(*map(_keys_outside_of_exponentials, inside))
