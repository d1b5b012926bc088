"""Derivations: the chain rule for one gradient, written out path by path as lecture notes do."""

from __future__ import annotations

import copy
import itertools
import math
import numbers
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from ..formulas import lines as layout
from ..formulas.expression import Expression, has_omissions
from ..formulas.notation import Ascii, Latex, Mathml, Text, Writer
from ..graph import topological_order
from ..value import Value
from .path_graph import MAX_WAY, MAX_WRITTEN, Edge, Path, PathGraph

__all__ = ["Derivation"]
# Of a path with more factors than their sum, so many are written at its beginning and its end.
BEGINNING, END = 16, 8
# So many paths are written out unless more are asked for: a screen or two.
SHOWN = 20
# In a notebook so many paths are shown, and so many products stand in one line of LaTeX.
SHOWN_IN_NOTEBOOK = 8
PRODUCTS_IN_A_LINE = 6
# And so many factors of one: a line of A4.
FACTORS_IN_A_LINE = 6
# Columns of what is printed where no terminal says how many it has.
WIDE = 120
# The gradient as one formula is written if it has no more symbols than this.
LONGEST_WHOLE = 30


def positive(where: str, name: str, n: object, expected: str) -> int:
    if isinstance(n, bool) or not isinstance(n, numbers.Integral) or n < 1:
        raise ValueError(f"{where}: expected {name} to be {expected}; got {n!r}")
    return int(n)


class Derivation:
    """The chain rule for ∂target/∂source, written out.

    target, source  the two nodes
    paths           the paths listed, strongest first, each with `.edges`, `.factors`, `.value`
    count           how many paths there are (exact, also if fewer are listed)
    value           the gradient, from the reverse pass
    graph           the PathGraph: formulas, flow, names

    Iterating gives the paths listed, `len` their number. `str()` gives text, `latex()` LaTeX; notebooks
    show the latter. For a terminal without Unicode print `text(ascii=True)`. Of very many paths that nobody
    asked for with `top`, text and LaTeX write the strongest and say how to get the others.
    """

    def __init__(self, graph: PathGraph, source: Value, paths: tuple[Path, ...], count: int, value: float) -> None:
        self.graph, self.target, self.source = graph, graph.target, source
        self.paths, self.count, self.value = paths, count, value

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Path]:
        return iter(self.paths)

    def __repr__(self) -> str:
        return f"<derivation of {self._ratio(self._ascii())}: {counted(self.count)}, {self.value!r}>"

    @property
    def sum(self) -> float:
        """The sum of the products of the listed paths."""
        return _total(self.paths)

    @property
    def remainder(self) -> float:
        """value - sum: what the paths that are not listed contribute; rounding error if all are listed."""
        return self.value - self.sum

    def shares(self) -> tuple[float, ...]:
        """|product| of each listed path over the sum of |product| over all paths, listed or not.

        nan where that sum is no finite number.
        """
        total = self.graph.strength(self.source)
        if not math.isfinite(total):
            return (math.nan,) * len(self.paths)
        return tuple(abs(p.value) / total if total else 0.0 for p in self.paths)

    def flow(self) -> dict[Edge, float]:
        """How much of the gradient passes through each edge; see PathGraph.flow."""
        return self.graph.flow(self.source)

    def formulas(self, path: Path) -> tuple[Expression, ...]:
        """The factors of a path as formulas."""
        return tuple(self.graph.formula(e) for e in path.edges)

    # ------------------------------------------------------------ text

    def __str__(self) -> str:
        return self.text(width=printed_width())

    def text(
        self, *, ascii: bool = False, most: int | None = None, digits: int | None = None, width: int | None = None
    ) -> str:
        """The derivation as text: chains, formulas, numbers, products, the sum and source.grad.

        most: write only that many of the listed paths; by default 20, or as many as `top` asked for.
        digits: significant digits of numbers, 4 unless given. width: columns; factors that do not fit go on in
        further lines. `print` takes those of the terminal, and 120 elsewhere. ValueError if one is no positive integer.
        """
        to = self._ascii() if ascii else Text(self.graph.names.text)
        set_digits("Derivation.text", to, digits)
        to.typed = self.graph.typed
        ratio = self._ratio(to)
        if not self.count:
            target, source = self._name(to, self.target), self._name(to, self.source)
            said = f"{ratio} = 0: {target} does not depend on {source}"
            is_turned = any(u is self.target for u in topological_order(self.source))
            return f"{said}; {source} depends on {target}: derive takes the target first" if is_turned else said
        paths = self._written("Derivation.text", most)
        lines = [f"{ratio} = {to.number(self.value)}   ({counted(self.count)})"]
        columns = checked_width("Derivation.text", width)
        blocks = [self._block(to, i, *p, columns) for i, p in enumerate(zip(paths, self.shares(), strict=False), 1)]
        lines += self._introduced(to, paths)
        for block in blocks:
            lines += ["", *block]
        notes = self._notes(paths)
        if len(paths) < len(self.paths):
            notes.append(f"{len(self.paths) - len(paths)} more: text(most={len(self.paths)})")
        if notes:
            lines += ["", *(f"{to.ellipsis}  {note}" for note in notes)]
        whole = self._whole(to)
        result = [f"{ratio} = {whole} = {to.number(self.value)}", ""] if whole else []
        return "\n".join([*lines, "", *result, *self._summary(to, paths)])

    def _written(self, where: str, most: int | None) -> tuple[Path, ...]:
        """The paths that are written out."""
        if most is None:
            return self.paths if len(self.paths) < self.count else self.paths[:SHOWN]
        return self.paths[: positive(where, "most", most, "a positive integer or None")]

    def formula(self) -> Expression:
        """The gradient as one formula: the products along all paths added up and simplified; or an ellipsis."""
        return self.graph.whole(self.source)

    def _whole(self, to: Writer) -> str:
        """The gradient as one formula, if that is shorter than the products; else ""."""
        if self.count > min(len(self.paths), MAX_WAY) or all(len(p.edges) < 2 for p in self.paths):
            return ""
        formula = self.formula()
        if formula.is_omitted() or formula.is_number():
            return ""
        if formula.size > LONGEST_WHOLE or formula.size >= sum(f.size for p in self.paths for f in self.formulas(p)):
            return ""
        to = copy.copy(to)
        to.errors_first = True
        return to.sum(formula)

    def _introduced(self, to: Writer, paths: Iterable[Path]) -> list[str]:
        """What the names stand for that only the formulas of these paths have."""
        introduced = self.graph.introduced
        edges = [e for e in dict.fromkeys(e for p in paths for e in _abridged(p.edges)) if e is not None]
        shown = {a.label for e in edges for a in self.graph.formula(e).atoms()} if introduced else set()
        ordered = sorted(introduced, key=lambda label: (introduced[label].key, len(label), label))
        said = [f"{to.symbol(label)} = {to.sum(introduced[label])}" for label in ordered if label in shown]
        return [f"where {to.comma.join(said)}"] if said else []

    def _notes(self, paths: Iterable[Path]) -> list[str]:
        """What an ellipsis in these paths stands for, and how to get it."""
        notes = []
        edges = list(dict.fromkeys(e for p in paths for e in _abridged(p.edges)))
        if None in edges:
            notes.append("in a chain: all its nodes and factors are in .paths[0].nodes and .paths[0].factors")
        if any(has_omissions(self.graph.formula(e)) for e in edges if e is not None):
            way = "label what lies between" + (", or ask for level='op'" if self.graph.level == "named" else "")
            notes.append(f"in a formula: more than {MAX_WRITTEN} symbols; {way}")
        return notes

    def _ascii(self) -> Ascii:
        return Ascii(self.graph.names.ascii)

    def _block(self, to: Writer, i: int, path: Path, share: float, columns: float) -> list[str]:
        nodes = _abridged(path.nodes or (self.source,), 1)
        head = f"{i}.  " + to.arrow.join(to.ellipsis if u is None else self._name(to, u) for u in nodes)
        if self.count > 1 and share == share:
            head += f"   ({share:.1%})"
        product = [] if len(path.edges) == 1 else [f"  = {to.number(path.value)}"]
        return [*_wrapped(head, to.arrow, columns), *self._table(to, path, columns), *product]

    def _table(self, to: Writer, path: Path, columns: float) -> list[str]:
        """The factors of a path, each in a column; as many beside each other as fit."""
        if not path.edges:
            return []
        rows = self._chain(to, path)
        if rows[1] == rows[2]:
            del rows[1]
        widths = [max(map(layout.columns, column)) for column in zip(*rows, strict=True)]
        lines = []
        start = 0
        while start < len(widths):
            end = start + 1
            while end < len(widths) and 6 + sum(widths[start : end + 1]) + (end - start) * len(to.apart) <= columns:
                end += 1
            more = "" if end == len(widths) else to.apart.rstrip()
            for lead, row in zip(("    ", "  = ", "  = ") if not start else ("    ",) * 3, rows, strict=False):
                taken = zip(row[start:end], widths[start:end], strict=True)
                cells = (cell + " " * (width - layout.columns(cell)) for cell, width in taken)
                lines.append((lead + to.apart.join(cells) + more).rstrip())
            start = end
        return lines

    def _chain(self, to: Writer, path: Path) -> list[list[str]]:
        """The factors of a path three times: as ratios, as formulas and as numbers."""
        edges = _abridged(path.edges)
        several = len(path.edges) > 1
        rows: list[list[str]] = [[], [], []]
        for e in edges:
            if e is None:
                written = to.ellipsis, to.ellipsis, to.ellipsis
            else:
                formula, number = self.graph.formula(e), to.number(e.derivative)
                written = (
                    self._ratio(to, e.result, e.operand),
                    to.factor(formula) if several else to.sum(formula),
                    to.parenthesized(number) if several and number.startswith(to.negative) else number,
                )
            for row, cell in zip(rows, written, strict=True):
                row.append(cell)
        return rows

    def _summary(self, to: Writer, paths: Sequence[Path]) -> list[str]:
        written = len(paths)
        rows = []
        if written < self.count:
            total = _total(paths)
            rows.append(("the strongest path" if written == 1 else f"sum of the {written} strongest", total))
            rest = self.count - written
            rows.append(("the other path" if rest == 1 else f"the other {counted(rest)}", self.value - total))
        elif self.count > 1:
            rows.append((f"sum of {written} paths", self.sum))
        rows.append((f"{to.symbol(self._label(self.source))}.grad", self.source.grad))
        width = max(layout.columns(name) for name, _ in rows)
        lines = [f"{name}{' ' * (width - layout.columns(name))}   {to.number(x)}" for name, x in rows]
        return [*lines[:-1], f"{lines[-1]}   ({self._verdict(to)})"]

    def _verdict(self, to: Writer) -> str:
        """How source.grad compares with the gradient derived here."""
        from ..value import NO_GRADIENT

        grad, value = self.source.grad, self.value
        if grad is NO_GRADIENT:
            return "no backward pass yet" if self.target.grad is NO_GRADIENT else "cleared since the last backward pass"
        strength = self.graph.strength(self.source)
        rounding = 1e-9 * strength if math.isfinite(strength) else 0.0
        if math.isclose(grad, value, abs_tol=rounding) or (grad != grad and value != value):
            return "equal"
        why = layout.of_another_pass(to.symbol(self._label(self.target)), self.target.grad is not NO_GRADIENT)
        return f"not {to.number(value)}: {why}"

    # ------------------------------------------------------------ LaTeX and MathML

    def latex(
        self,
        *,
        most: int | None = None,
        path: int | None = None,
        digits: int | None = None,
        environment: str = "aligned",
    ) -> str:
        r"""The derivation as a LaTeX `aligned` environment, to be put in math mode.

        A product of more than six factors goes on in a further line. most: write only that many of the listed
        paths, and an ellipsis for the rest; by default 20, or as many as `top` asked for. path: 1 writes the first
        of them alone, for a slide. digits: significant digits of numbers, 4 unless given. environment="align*" is
        a display of its own, outside of math mode, which may go on on the next page. ValueError if a number is no
        positive integer, or there is no such path or environment.
        """
        check_environment("Derivation.latex", environment)
        to = Latex(self.graph.names.latex)
        return to.aligned(self._equations("Derivation.latex", to, most, path, digits), environment)

    def mathml(self, *, most: int | None = None, path: int | None = None, digits: int | None = None) -> str:
        """The derivation as a `<math>` element, which browsers show without a script or a font; see `latex`."""
        to = Mathml(self.graph.names.mathml)
        return to.aligned(self._equations("Derivation.mathml", to, most, path, digits))

    def _equations(
        self, where: str, to: Latex | Mathml, most: int | None, path: int | None, digits: int | None
    ) -> list[str]:
        set_digits(where, to, digits)
        to.typed = self.graph.typed
        if path is not None:
            return self._path_alone(where, to, path)
        paths = self._written(where, most)
        ratio = self._ratio(to)
        if not self.count:
            return [to.equation(ratio, to.number(0.0))]
        chains = [self._chain(to, p) for p in paths]
        joints = to.times, to.apart, to.apart
        steps = [[_product(rows[i], joint) for rows in chains] for i, joint in enumerate(joints)]
        if len(paths) < self.count:
            steps = [[*terms, [to.more]] for terms in steps]
        rows: list[str] = []
        for before, step in itertools.pairwise([[[ratio]], *steps]):
            if step != before:
                rows += _sum(to, "" if rows else ratio, step)
        value = to.number(self.value)
        if self.count > 1:
            rows += self._products(to, paths)
        elif steps[-1] != [[value]]:
            rows.append(to.equation("", value))
        if len(paths) == len(self.paths) and (whole := self._whole(to)):
            rows.append(to.equation(ratio, f"{to.boxed(whole)}{to.equals}{value}"))
        rows += [to.remark(f"… {note}") for note in self._notes(paths)]
        rows += [to.remark("where ", line.removeprefix("where ")) for line in self._introduced(to, paths)]
        return rows

    def _path_alone(self, where: str, to: Latex | Mathml, number: int) -> list[str]:
        """One path: its chain, its formulas, its numbers and their product."""
        i = positive(where, "path", number, "a positive integer or None")
        if i > len(self.paths):
            raise ValueError(f"{where}: expected path to be at most {len(self.paths)}, got {number}")
        path = self.paths[i - 1]
        joints = to.times, to.apart, to.apart
        steps = [_product(row, joint) for row, joint in zip(self._chain(to, path), joints, strict=True)]
        steps = [step for before, step in itertools.pairwise([[], *steps]) if step != before]
        value = to.number(path.value)
        steps += [[value]] if steps[-1] != [value] else []
        (first, *more), *others = steps
        rows = [to.alone(first), *(to.goes_on(to.signed(to.dot, line), further=True) for line in more)]
        return rows + [row for step in others for row in _sum(to, "", [step])]

    def _products(self, to: Latex | Mathml, paths: Sequence[Path]) -> list[str]:
        """The sum of the products, what they leave over if some are not written, and the gradient."""
        values = [p.value for p in paths]
        if len(paths) < self.count:
            values.append(self.value - sum(values))
        first, *others = map(to.number, values)
        terms = [first, *(_signed(to, term) for term in others)]
        lines = [to.space.join(terms[i : i + PRODUCTS_IN_A_LINE]) for i in range(0, len(terms), PRODUCTS_IN_A_LINE)]
        rows = [to.equation("", lines[0]), *map(to.goes_on, lines[1:])]
        return [*rows, to.equation("", to.number(self.value))]

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex(most=SHOWN_IN_NOTEBOOK)}\n$$"

    # ------------------------------------------------------------ names

    def _name(self, to: Writer, node: Value) -> str:
        return to.name(self._label(node))

    def _label(self, node: Value) -> str:
        return self.graph.labels.get(node) or node.label or "v"

    def _ratio(self, to: Writer, result: Value | None = None, operand: Value | None = None) -> str:
        result, operand = self.target if result is None else result, self.source if operand is None else operand
        return to.ratio(to.symbol(self._label(result)), to.symbol(self._label(operand)))


def _total(paths: Sequence[Path]) -> float:
    values = [p.value for p in paths]
    return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)


T = TypeVar("T")


def _abridged(items: Sequence[T], more: int = 0) -> list[T | None]:
    """The items, or the first and the last of too many with None between; more of each for nodes than for edges."""
    if len(items) <= BEGINNING + END + 1 + more:
        return list(items)
    return [*items[: BEGINNING + more], None, *items[len(items) - END - more :]]


def _product(factors: Sequence[str], joint: str) -> list[str]:
    """Factors in lines of about equally many, six at most; 1 if there are none."""
    count = -(-len(factors) // FACTORS_IN_A_LINE)
    ends = [-(-len(factors) * i // count) for i in range(count + 1)] if count else []
    return [joint.join(factors[i:j]) for i, j in itertools.pairwise(ends)] or ["1"]


def _sum(to: Latex | Mathml, left: str, terms: Sequence[Sequence[str]]) -> list[str]:
    """Rows of an equation whose right-hand side is a sum of products, each given in lines."""
    rows: list[str] = []
    for first, *others in terms:
        rows.append(to.goes_on(_signed(to, first)) if rows else to.equation(left, first))
        rows += [to.goes_on(to.signed(to.dot, line), further=True) for line in others]
    return rows


def _wrapped(chain: str, arrow: str, columns: float) -> list[str]:
    """A chain of names in lines that fit."""
    lines: list[str] = []
    for part in chain.split(arrow):
        if lines and layout.columns(lines[-1]) + layout.columns(arrow) + layout.columns(part) <= columns:
            lines[-1] += arrow + part
        else:
            lines.append(f"      {arrow.strip()} {part}" if lines else part)
    return lines


def set_digits(where: str, to: Writer, digits: int | None) -> None:
    """Write numbers with so many significant digits. ValueError for what is no positive integer."""
    if digits is not None:
        to.digits = positive(where, "digits", digits, "a positive integer or None")


def check_environment(where: str, environment: str) -> None:
    """ValueError for an environment that equations are not written in."""
    if environment not in ("aligned", "align*"):
        raise ValueError(f"{where}: expected environment to be 'aligned' or 'align*'; got {environment!r}")


def checked_width(where: str, width: int | None) -> float:
    """The columns of text: as many as it takes if None. ValueError for what is no positive integer."""
    return math.inf if width is None else positive(where, "width", width, "a positive integer or None")


def printed_width() -> int:
    """The columns of what is printed: those of the terminal, elsewhere as many as a page or a cell shows."""
    return shutil.get_terminal_size().columns if is_terminal() else WIDE


def is_terminal() -> bool:
    """True where what is printed is read in a terminal."""
    return bool(getattr(sys.stdout, "isatty", bool)())


def _signed(to: Latex | Mathml, term: str) -> str:
    """A term as it goes on in a sum: `+ x`, `- 3`."""
    if term.startswith(to.negative):
        return to.signed(to.minus, term.removeprefix(to.negative))
    return to.signed(to.plus, term)


def counted(count: int) -> str:
    """How many paths, in words: `1 path`, `160 paths`, `about 10^30103 paths`."""
    if count == 1:
        return "1 path"
    return f"{count} paths" if count < 10**40 else f"about 10^{round(math.log10(count))} paths"
