"""The forward lines: the formula by which each named quantity was computed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from ..formulas import names
from ..formulas.expression import Atom, Expression, Symbol
from ..ieee import quietly
from .atoms import Data, Matrix, Shape, atoms, formula_of, only_atom, operation_of, replaced, transposed
from .expression import MatrixExpression, matrix, named, operands_of, read
from .naming import Naming
from .roles import Node, Roles, is_tensor
from .steps import Definition, Step

__all__ = ["Count", "Forward", "divisor", "rounded"]

# The result of an operation without a name gets one if its formula is longer than this, or than that
# if it is used more than once; a single number may be longer.
LONGEST_UNNAMED = 9
LONGEST_SHARED = 3
LONGEST_NUMBER = 40
# What stands beside a Z[2] is an A[2], which a loss from logits did not name.
ACTIVATIONS = ("sigmoid", "array_softmax")


class Count(Symbol):
    """A number with a name: m."""

    __slots__ = ()
    shape = ()


class Forward:
    """The graph read forwards: every node as a formula of named ones.

    naming   the name of every named node: the result of an operation gets one if its formula would be long
    batch    the names of what has a row (or column) per sample
    """

    def __init__(self, order: Sequence[Node], naming: Naming, roles: Roles) -> None:
        self.order, self.naming, self.roles = order, naming, roles
        self._uses = Counter(u for v in order for u in v.operands if is_tensor(u))
        self.known: dict[Node, MatrixExpression] = {}
        self._symbols: dict[str, str] = {}  # what formulas are known by a name
        self._turned_symbols: set[str] = set()  # those of them that are its transpose
        self._introduced: dict[str, tuple[str, Definition]] = {}  # with the name of what it is an activation of
        self._definitions: dict[Node, Definition] = {}
        self.batch: set[str] = set()
        for u in order:
            self.read(u)
        self.batch |= {label for label, x in naming.constants().items() if roles.fits(x.shape)}
        self.batch |= {naming.labels[u] for u in roles.computed_from_data() if u in naming.labels}

    # ------------------------------------------------------------ formulas

    def read(self, u: Node) -> None:
        """The formula of a node; its name, if it has one or needs one."""
        labels = self.naming.labels
        if u.op is None:
            is_number = not u.ndim and u not in labels
            self.known[u] = matrix(u.item()) if is_number else named(labels[u], u.numpy(), is_leaf=True)
            return
        formula = self.computed(u)
        longest = LONGEST_SHARED if self._uses[u] > 1 else LONGEST_UNNAMED if u.ndim else LONGEST_NUMBER
        if u not in labels and formula.formula.size <= longest:
            self.known[u] = formula
            return
        label = self.naming.name(u)
        written = self.named(formula.formula)
        self._definitions[u] = Definition(label, written, u.numpy())
        atom = only_atom(written)
        if atom is not None:
            self._symbols.setdefault(atom.key, label)
        self.known[u] = named(label, u.numpy())

    def operands(self, v: Node) -> tuple[object, ...]:
        """The operands of an operation as formulas, what is not differentiated as it is."""
        assert v.op is not None
        return operands_of(v.op, tuple(self.known[u] if is_tensor(u) else u for u in v.operands))

    def computed(self, v: Node) -> MatrixExpression:
        """The formula of an operation's result, whatever its name is."""
        assert v.op is not None
        return read(v.op, self.operands(v), v.numpy())

    # ------------------------------------------------------------ what formulas are called

    def named(self, x: Expression) -> Expression:
        """A formula with names for what has one: σ(Z[2]) is A[2]."""
        return replaced(x, self._name_of)

    def _name_of(self, a: Atom) -> Atom | None:
        label = self._symbols.get(a.key)
        if label is not None:
            return Matrix(label, self._shape_of(label), is_turned=a.key in self._turned_symbols)
        if isinstance(a, Data):
            return Matrix(self.naming.constant(a.data), a.shape, is_leaf=True)
        return self.introduce(a)

    def _shape_of(self, label: str) -> Shape:
        known = self._introduced.get(label)
        return self.naming.node(label).shape if known is None else known[1].value.shape

    def introduce(self, a: Atom) -> Atom | None:
        """A[2] for σ(Z[2]), which a loss from Z[2] did not name."""
        op, inside = operation_of(a)
        atom = only_atom(inside[0]) if op is not None and op.name in ACTIVATIONS else None
        parsed = names.parse(atom.label) if isinstance(atom, Matrix) else None
        if op is None or not isinstance(atom, Matrix) or parsed is None or parsed.base not in ("Z", "z"):
            return None
        label = names.sibling(atom.label, "A" if parsed.base == "Z" else "a")
        if label is None or label in self.naming.labels.values() or label in self._introduced:
            return None
        z = self.naming.node(atom.label).numpy()
        z = z.T if atom.is_turned else z
        value = quietly(op.forward, z) if op.name == "sigmoid" else quietly(op.forward, z, -1)
        formula = formula_of(a)
        if atom.is_turned:  # a loss of rows takes the transpose of a net written in columns; A stands as Z does
            formula, value = transposed(formula), value.T
            self._turned_symbols.add(a.key)
            self._symbols[only_atom(formula).key] = label  # type: ignore[union-attr]
        self._introduced[label] = atom.label, Definition(label, formula, value)
        self.batch |= {label} if self.roles.fits(value.shape) else set()
        self._symbols[a.key] = label
        return Matrix(label, value.shape, is_turned=atom.is_turned)

    # ------------------------------------------------------------ the lines

    def definitions(self, steps: Sequence[Step], target: Node, *, is_scaled: bool) -> list[Definition]:
        """How what the steps and the target mention was computed, in the order of computation; the target last."""
        wanted = {s.label for s in steps} | {self.naming.labels[target]}
        formulas = [s.formula for s in steps]
        if target in self._definitions:  # it may mention what no step does, such as the cost beside a penalty
            formulas.append(self._definitions[target].formula)
        wanted |= {a.label for f in formulas for a in atoms(f) if isinstance(a, Matrix)}
        computed = {d.label for d in self._definitions.values()}
        known = [a for z, a in self._introduced.values() if z not in computed]  # the activation of a leaf
        for d in self._definitions.values():
            known += [d, *(a for z, a in self._introduced.values() if z == d.label)]
        mentioned = {a.label for d in known if d.label in wanted for a in atoms(d.formula) if isinstance(a, Matrix)}
        wanted |= mentioned & self._introduced.keys()
        found = {d.label: d for d in known if d.label in wanted}
        if target in self._definitions:
            last = found.pop(self.naming.labels[target])
            found[last.label] = last._replace(formula=self.with_count(last.formula) if is_scaled else last.formula)
        return list(found.values())

    def with_count(self, x: Expression) -> Expression:
        """A mean with its 1/m written out."""
        m = self.roles.samples
        if m is None:
            return x
        terms = []
        for c, factors in x.terms:
            inside = atoms(Expression([(1.0, factors)], x.value))
            is_mean = any(isinstance(a, Matrix) and a.label in self.batch for a in inside)
            if is_mean and divisor(c * m) < divisor(c):
                c, factors = rounded(c * m), ((Count("m"), -1.0), *factors)
            terms.append((c, factors))
        return Expression(terms, x.value)

    def turned(self) -> frozenset[str]:
        """The names that stand for transposes in the lectures' form."""
        if self.roles.sample_axis == 1 or self.roles.samples is None:
            return frozenset()
        vectors = {label for label, x in self.naming.quantities().items() if x.ndim == 1}
        products = [v.operands for v in self.order if v.op is not None and v.op.name == "matmul"]
        if any(u.ndim == 1 for pair in products for u in pair):
            vectors = set()
        return frozenset(self.batch | vectors)


def divisor(c: float) -> int:
    """The denominator of a number that is near a simple fraction."""
    return Fraction(c).limit_denominator(1_000_000).denominator if math.isfinite(c) else 0


def rounded(c: float) -> float:
    """A number that rounding has moved off a fraction: 4 · (1/4), 49 · (1/49)."""
    if not math.isfinite(c):
        return c
    near = float(Fraction(c).limit_denominator(1_000_000))
    return near if abs(near - c) <= 1e-15 * abs(c) else c
