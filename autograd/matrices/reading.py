"""Reading a recorded graph of Tensors on formulas, forwards and backwards.

From one named node to the next the pulls of the operations are read on names: what comes out is the
derivative by that node, in terms of the derivatives before it. How it is told is left to `matrix_derivation`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ..formulas import names
from ..formulas.expression import Atom, Expression, Symbol
from ..graph import depending_on, is_node, topological_order
from ..ieee import quietly
from ..op import Operation
from ..ops.shapes import sum_to
from ..paths.labels import unique_labels
from .atoms import (
    Applied,
    Data,
    Matrix,
    Shape,
    atoms,
    data_key,
    formula_of,
    only_atom,
    operation_of,
    replaced,
    transposed,
)
from .expression import MatrixExpression, matrix, named, operands_of, read
from .notation import MatrixAscii, MatrixLatex, MatrixText, MatrixWriter

__all__ = ["Definition", "MatrixReading", "Step"]

# The result of an operation without a name gets one if its formula is longer than this, or than that
# if it is used more than once; a single number may be longer.
LONGEST_UNNAMED = 9
LONGEST_SHARED = 3
LONGEST_NUMBER = 40
ACTIVATIONS = ("sigmoid", "array_softmax")


class Step(NamedTuple):
    """One line of a derivation: the derivative of the target by one named node.

    node     the Tensor
    label    its name: "W[1]" for dW[1]
    formula  what the derivative is, in terms of the steps before
    value    its numbers
    factor   value / gradient: m for what has a row per sample and stands without the 1/m of the mean, else 1
    sample_axis  the axis along which samples lie, as the computation ran
    """

    node: Any
    label: str
    formula: Expression
    value: np.ndarray
    factor: int
    sample_axis: int = 0

    @property
    def name(self) -> str:
        """dW[1]."""
        return f"d{self.label}"

    @property
    def shape(self) -> Shape:
        """The shape of the derivative, as the form has it."""
        return self.value.shape

    def text(self, *, ascii: bool = False) -> str:
        """dW[1] = (1/m) dZ[1] Xᵀ."""
        to: MatrixWriter = (MatrixAscii if ascii else MatrixText)(sample_axis=self.sample_axis)
        return f"d{to.name(self.label)} = {to.sum(self.formula)}"

    def latex(self) -> str:
        r"""dW^{[1]} = \frac{1}{m}\, dZ^{[1]}\, X^{T}."""
        to = MatrixLatex(sample_axis=self.sample_axis)
        return f"d{to.name(self.label)} = {to.sum(self.formula)}"

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<{self.text(ascii=True)}, an array of shape {self.shape}>"


class Definition(NamedTuple):
    """A named node and the formula by which it was computed: Z[1] = X W[1]ᵀ + b[1]."""

    label: str
    formula: Expression
    value: np.ndarray

    def __repr__(self) -> str:
        to = MatrixAscii()
        return f"<{to.name(self.label)} = {to.sum(self.formula)}, an array of shape {self.value.shape}>"


class MatrixReading:
    """The graph below a target, read on formulas from one named node to the next.

    labels       the name of every named node. The result of an operation gets one if its formula
                 would be long, a leaf gets one from its place: the input X, the target of a loss Y.
    samples      m, along sample_axis; None if the graph shows none
    is_scaled    the derivatives by what has a row per sample stand without the 1/m of the mean
    """

    def __init__(self, target: Any, source: Any) -> None:
        self.target, self.source = target, source
        self.order = topological_order(target)
        kept = [u for u in self.order if u.label is not None or u is target]
        self.labels: dict[Any, str] = unique_labels(kept, target)
        self.labels.setdefault(source, source.label or "v")
        self.is_scaled = False
        self._uses = Counter(u for v in self.order for u in v.operands if is_node(u))
        self._data: dict[str, tuple[str, np.ndarray]] = {}
        self._known: dict[Any, MatrixExpression] = {}
        self._symbols: dict[str, str] = {}  # what formulas are known by a name
        self._turned_symbols: set[str] = set()  # those of them that are its transpose
        self._introduced: dict[str, tuple[str, Definition]] = {}  # with the name of what it is an activation of
        self._definitions: dict[Any, Definition] = {}
        self._name_leaves()
        self.samples, self.sample_axis = self._find_samples()
        self.batch: set[str] = set()
        for u in self.order:
            self._read(u)
        self.batch |= self._find_batch()

    # ------------------------------------------------------------ names

    def _fresh(self, base: str, count: int) -> list[str]:
        """So many names that nothing has yet: X, or X_1, X_2."""
        used = {*self.labels.values(), *(label for label, _ in self._data.values())}
        if count == 1 and base not in used:
            return [base]
        numbered = (f"{base}_{i}" for i in range(1, count + len(used) + 1))
        return [label for label in numbered if label not in used][:count]

    def _name_leaves(self) -> None:
        """Names for constants and leaves without one, by where they are used."""
        found: dict[str, dict[Any, Any]] = defaultdict(dict)
        for v in self.order:
            for i, u in enumerate(v.operands):
                if is_node(u):
                    if u.op is None and u not in self.labels and u.ndim:
                        role = _role(v, i)
                        found[role if role == "Y" or (role == "X" and i == 0) else "V"].setdefault(u, u)
                elif isinstance(u, np.ndarray) and u.ndim and v.op.pulls[i] is not None:
                    found[_role(v, i)].setdefault(data_key(u), u)
        taken: set[Any] = set()
        for base in sorted(found, key="YXVC".index):
            members = {k: u for k, u in found[base].items() if k not in taken}
            taken |= members.keys()
            for (key, u), label in zip(members.items(), self._fresh(base, len(members)), strict=True):
                if is_node(u):
                    self.labels[u] = label
                else:
                    self._data[key] = label, u

    def nameless(self) -> list[str]:
        """The names that constants and leaves got here."""
        leaves = (label for u, label in self.labels.items() if u.op is None and u.label is None)
        return [*(label for label, _ in self._data.values()), *leaves]

    def quantities(self) -> dict[str, np.ndarray]:
        """The numbers of everything that has a name."""
        return {label: u.numpy() for u, label in self.labels.items()} | dict(self._data.values())

    # ------------------------------------------------------------ samples

    def _find_samples(self) -> tuple[int | None, int]:
        """How many samples there are and along which axis, from the operations that know."""
        for v in reversed(self.order):
            name = v.op.name if v.op is not None else ""
            if name == "affine" or (v.op is not None and v.op.loss is not None):
                x = v.operands[0]
                return (x.shape[0], 0) if x.ndim == 2 else (None, 0)
            if name == "matmul":
                x, y = v.operands
                if x.ndim == y.ndim == 2 and self._is_data(x):
                    return x.shape[0], 0
                if x.ndim == y.ndim == 2 and self._is_data(y):
                    return y.shape[1], 1
        return None, 0

    def _is_data(self, u: Any) -> bool:
        if not is_node(u):
            return isinstance(u, np.ndarray) and u.ndim > 0
        return u.op is None and _is_data_name(self.labels.get(u, ""))

    def _find_batch(self) -> set[str]:
        """The names of what has a row (or column) per sample."""
        from_data: set[Any] = set()
        found = {label for label, u in self._data.values() if self._fits(u.shape)}
        for v in self.order:
            if v.op is None:
                is_batch = self._is_data(v)
            else:
                is_batch = any(u in from_data if is_node(u) else self._is_data(u) for u in v.operands)
            if is_batch:
                from_data.add(v)
                if v in self.labels and self._fits(v.shape):
                    found.add(self.labels[v])
        return found

    def _fits(self, shape: Shape) -> bool:
        return len(shape) == 2 and shape[self.sample_axis] == self.samples

    def turned(self) -> frozenset[str]:
        """The names that stand for transposes in the lectures' form."""
        if self.sample_axis == 1 or self.samples is None:
            return frozenset()
        vectors = {label for label, x in self.quantities().items() if x.ndim == 1}
        products = [v for v in self.order if v.op is not None and v.op.name == "matmul"]
        if any(1 in (x.ndim, y.ndim) for x, y in (v.operands for v in products)):
            vectors = set()
        return frozenset(self.batch | vectors)

    def is_mean(self, steps: Sequence[Step]) -> bool:
        """True if the first derivative by what has a row per sample gets shorter without 1/m."""
        m = self.samples
        if m is None or m < 2:
            return False
        first = next((s for s in steps if s.label in self.batch), None)
        if first is None or not first.formula.terms:
            return False
        return all(_divisor(c * m) < _divisor(c) for c, _ in first.formula.terms)

    # ------------------------------------------------------------ forward

    def _read(self, u: Any) -> None:
        """The formula of a node; its name, if it has one or needs one."""
        if u.op is None:
            if not u.ndim and u not in self.labels:
                self._known[u] = matrix(u.item())
                return
            self._known[u] = named(self.labels[u], u.numpy(), is_leaf=True)
            return
        formula = self._computed(u)
        longest = LONGEST_SHARED if self._uses[u] > 1 else LONGEST_UNNAMED if u.ndim else LONGEST_NUMBER
        if u not in self.labels and formula.formula.size <= longest:
            self._known[u] = formula
            return
        if u not in self.labels:
            self.labels[u] = self._fresh("V" if u.ndim else "v", 2)[0]
        label = self.labels[u]
        written = self._named(formula.formula)
        self._definitions[u] = Definition(label, written, u.numpy())
        if only_atom(written) is not None:
            self._symbols.setdefault(only_atom(written).key, label)  # type: ignore[union-attr]
        self._known[u] = named(label, u.numpy())

    def _operands(self, v: Any) -> tuple[Any, ...]:
        held = (self._known[u] if is_node(u) else u for u in v.operands)
        return operands_of(v.op, tuple(held))

    def _computed(self, v: Any) -> MatrixExpression:
        return read(v.op, self._operands(v), v.numpy())

    def definitions(self, steps: Sequence[Step]) -> list[Definition]:
        """How what the steps and the target mention was computed, in the order of computation; the target last."""
        wanted = {s.label for s in steps} | {self.labels[self.target]}
        formulas = [s.formula for s in steps]
        if self.target in self._definitions:  # it may mention what no step does, such as the cost beside a penalty
            formulas.append(self._definitions[self.target].formula)
        wanted |= {a.label for f in formulas for a in atoms(f) if isinstance(a, Matrix)}
        computed = {d.label for d in self._definitions.values()}
        known = [a for z, a in self._introduced.values() if z not in computed]  # the activation of a leaf
        for d in self._definitions.values():
            known += [d, *(a for z, a in self._introduced.values() if z == d.label)]
        mentioned = {a.label for d in known if d.label in wanted for a in atoms(d.formula) if isinstance(a, Matrix)}
        wanted |= mentioned & self._introduced.keys()
        found = {d.label: d for d in known if d.label in wanted}
        if self.target in self._definitions:
            target = found.pop(self.labels[self.target])
            found[target.label] = target._replace(formula=self._with_count(target.formula))
        return list(found.values())

    def _with_count(self, x: Expression) -> Expression:
        """A mean with its 1/m written out."""
        m = self.samples
        if not self.is_scaled or m is None:
            return x
        terms = []
        for c, factors in x.terms:
            inside = atoms(Expression([(1.0, factors)], x.value))
            is_mean = any(isinstance(a, Matrix) and a.label in self.batch for a in inside)
            if is_mean and _divisor(c * m) < _divisor(c):
                c, factors = _rounded(c * m), ((_Count("m"), -1.0), *factors)
            terms.append((c, factors))
        return Expression(terms, x.value)

    # ------------------------------------------------------------ backward

    def steps(self) -> Iterator[Step]:
        """The derivatives by the named nodes, from the target down to the source."""
        way = depending_on(self.order, [self.source])
        if id(self.target) not in way or self.target is self.source:
            return
        beside = [u for u in self._parameters(way) if u is not self.source]
        wanted = way | {i for u in beside for i in depending_on(self.order, [u])}
        chain = [v for v in reversed(self.order) if v in self.labels and id(v) in way and v.op is not None]
        waiting = {u: sum(u in self._region(v) for v in chain) for u in beside}
        terms: dict[Any, MatrixExpression] = {}
        for v in chain:
            if v is self.source:
                break
            if v is self.target:
                g = matrix(1.0)
                g = MatrixExpression(g.formula, np.ones(v.shape))
            elif v in terms:
                step = self._step(v, terms[v])
                yield step
                g = named(step.label, step.value, is_gradient=True)
            else:
                continue
            self._sweep(v, g, wanted, terms)
            for u in beside:
                waiting[u] -= u in self._region(v)
                if not waiting[u] and u in terms:
                    yield self._step(u, terms.pop(u))
        yield self._step(self.source, terms[self.source])

    def _parameters(self, way: set[int]) -> list[Any]:
        """Named leaves beside the way, that are not data and whose derivative needs nothing off the way."""
        chain = [v for v in self.order if v in self.labels and id(v) in way and v.op is not None]
        found: dict[Any, None] = {}
        for v in chain:
            for u in self._region(v):
                if u.op is None and u.label is not None and not _is_data_name(u.label):
                    found[u] = None
        on_way = {id(v) for v in chain}
        return [u for u in found if self._interior(u) <= on_way]

    def _interior(self, u: Any) -> set[int]:
        above = depending_on(self.order, [u])
        return {id(v) for v in self.order if id(v) in above and v in self.labels and v.op is not None}

    def _region(self, v: Any) -> list[Any]:
        return topological_order(v, stop=self.labels.__contains__)

    def _sweep(self, v: Any, g: MatrixExpression, wanted: set[int], terms: dict[Any, MatrixExpression]) -> None:
        """Pass g on from v through unnamed nodes, and add up what arrives at named ones."""
        region = self._region(v)
        arrived: dict[Any, MatrixExpression] = {v: g}
        for w in reversed(region):
            if w is not v and (w in self.labels or w not in arrived):
                continue
            g = arrived.pop(w)
            operands = self._operands(w)
            z = self._known[w]
            for i, u in enumerate(w.operands):
                if not is_node(u) or id(u) not in wanted:
                    continue
                term = share_of(w, i, g, z, operands, u)
                into = terms if u in self.labels else arrived
                if u in self.labels:
                    term = self._scaled(term, v, u)
                into[u] = into[u] + term if u in into else term

    def _is_without_mean(self, u: Any) -> bool:
        return self.is_scaled and u.op is not None and self.labels[u] in self.batch

    def _scaled(self, term: MatrixExpression, v: Any, u: Any) -> MatrixExpression:
        """What arrives at u from v, where the one or the other stands without the 1/m of the mean."""
        m = self.samples
        if self._is_without_mean(v) == self._is_without_mean(u) or m is None:
            return term
        if self._is_without_mean(u):
            return MatrixExpression((term.formula * float(m)), term.value * m)
        return MatrixExpression(formula_of(_Count("m")) ** -1.0 * term.formula, term.value / m)

    def _step(self, u: Any, arrived: MatrixExpression) -> Step:
        formula = self._named(_tidy(arrived.formula)).simplified()
        formula = MatrixExpression(_tidy(formula), np.broadcast_to(arrived.value, u.shape)).spelled_out()
        factor = self.samples if self._is_without_mean(u) else 1
        return Step(u, self.labels[u], formula, arrived.value, factor or 1, self.sample_axis)

    # ------------------------------------------------------------ what formulas are called

    def _named(self, x: Expression) -> Expression:
        """A formula with names for what has one: σ(Z[2]) is A[2]."""
        return replaced(x, self._name_of)

    def _name_of(self, a: Atom) -> Atom | None:
        label = self._symbols.get(a.key)
        if label is not None:
            return Matrix(label, self._shape_of(label), is_turned=a.key in self._turned_symbols)
        if isinstance(a, Data):
            if a.key not in self._data:
                self._data[a.key] = self._fresh("C", 2)[0], a.data
            return Matrix(self._data[a.key][0], a.shape, is_leaf=True)
        return self._introduce(a)

    def _shape_of(self, label: str) -> Shape:
        if label in self._introduced:
            return self._introduced[label][1].value.shape
        return next(u.shape for u, name in self.labels.items() if name == label)

    def _introduce(self, a: Atom) -> Atom | None:
        """A[2] for σ(Z[2]), which a loss from Z[2] did not name."""
        op, inside = operation_of(a)
        atom = only_atom(inside[0]) if op is not None and op.name in ACTIVATIONS else None
        parsed = names.parse(atom.label) if isinstance(atom, Matrix) else None
        if op is None or not isinstance(atom, Matrix) or parsed is None or parsed.base not in ("Z", "z"):
            return None
        label = names.sibling(atom.label, "A" if parsed.base == "Z" else "a")
        if label is None or label in self.labels.values() or label in self._introduced:
            return None
        z = next(u for u, name in self.labels.items() if name == atom.label).numpy()
        z = z.T if atom.is_turned else z
        value = quietly(op.forward, z) if op.name == "sigmoid" else quietly(op.forward, z, -1)
        formula = formula_of(a)
        if atom.is_turned:  # a loss of rows takes the transpose of a net written in columns; A stands as Z does
            formula, value = transposed(formula), value.T
            self._turned_symbols.add(a.key)
            self._symbols[only_atom(formula).key] = label  # type: ignore[union-attr]
        self._introduced[label] = atom.label, Definition(label, formula, value)
        self.batch |= {label} if self._fits(value.shape) else set()
        self._symbols[a.key] = label
        return Matrix(label, value.shape, is_turned=atom.is_turned)


class _Count(Symbol):
    """A number with a name: m."""

    __slots__ = ()
    shape = ()


def share_of(w: Any, i: int, g: Any, z: Any, operands: tuple[Any, ...], u: Any) -> MatrixExpression:
    """The i-th operand's share of the gradient g, with the operand's shape."""
    try:
        term = matrix(quietly(w.op.pulls[i], g, z, *operands))
    except (AttributeError, IndexError, TypeError, ValueError):  # a pull that asks for more than names have
        term = _unread(w.op, i, g, z, operands)
    return term if term.shape == u.shape else sum_to(term, u.shape)


def _unread(op: Operation, i: int, g: Any, z: Any, operands: tuple[Any, ...]) -> MatrixExpression:
    """A share whose pull cannot be read on names: as its name applied to what it was given."""
    pull = op.pulls[i]
    assert pull is not None

    def named_pull(*arguments: Any) -> Any:
        return pull(*arguments)

    named_pull.__name__ = f"{op.name}_pull_{i}"
    everything = (g, z, *operands)
    numbers = (x.value if isinstance(x, MatrixExpression) else x for x in everything)
    value = np.asarray(quietly(pull, *numbers))
    arguments = (x.spelled_out() if isinstance(x, MatrixExpression) else x for x in everything)
    return MatrixExpression(formula_of(Applied(Operation(named_pull, ()), arguments, value.shape)), value)


def _role(v: Any, i: int) -> str:
    """What a constant at this place is called: the target of a loss Y, what weights multiply X, else C."""
    if v.op.loss is not None or v.op.name == "sub":
        return "Y"
    return "X" if v.op.name in ("matmul", "affine") and (i == 0 or v.op.name == "matmul") else "C"


def _is_data_name(label: str) -> bool:
    name = names.parse(label)
    return name is not None and name.base in ("x", "X", "y", "Y")


def _divisor(c: float) -> int:
    return Fraction(c).limit_denominator(1_000_000).denominator if math.isfinite(c) else 0


def _tidy(x: Expression) -> Expression:
    """Numbers that rounding has moved off a fraction: 4 · (1/4), 49 · (1/49)."""
    return Expression(((_rounded(c), f) for c, f in x.terms), x.value)


def _rounded(c: float) -> float:
    if not math.isfinite(c):
        return c
    near = float(Fraction(c).limit_denominator(1_000_000))
    return near if abs(near - c) <= 1e-15 * abs(c) else c
