"""The lectures' form: samples in columns, vectors as columns; what the computation had in rows stands transposed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ..formulas.expression import Atom, Call, Expression, Group
from .atoms import Applied, ArrayAtom, Matrix, Product, atoms, replaced, transposed, turned_shape
from .sequences import Step

__all__ = ["turned", "turned_names", "turned_value"]


def turned_names(
    values: Mapping[str, np.ndarray], samples: Mapping[str, int | None], formulas: Iterable[Expression]
) -> frozenset[str]:
    """The names that stand for transposes: what has a row per sample, and what is added to or multiplies such rows.

    values, samples: of everything that has a name. formulas: in which a vector that is part of a matrix
    product, or of an operation on whole arrays, stays as it is, and all other vectors with it.
    """
    rows = {label for label, axis in samples.items() if axis == -2 and values[label].ndim == 2}
    if not rows:
        return frozenset()
    vectors = {label for label, x in values.items() if x.ndim == 1 and samples.get(label) is None}
    flat = {label for label, x in values.items() if x.ndim == 2 and len(x) == 1 and samples.get(label) is None}
    for x in formulas:
        everything = atoms(x)
        if any(isinstance(a, ArrayAtom) and len(a.shape) > 2 for a in everything):  # of whose last axis a vector says
            vectors -= {a.label for a in everything if isinstance(a, Matrix)}
        inside = _inside_of_products(x)
        if any(a.plain_shape and len(a.plain_shape) == 1 for a in inside):
            vectors = set()
        flat -= {a.label for a in inside}
    return frozenset(rows | vectors | flat)


def _inside_of_products(x: Expression) -> list[Matrix]:
    """The names in matrix products and in operations on whole arrays, which know rows from columns."""
    found: list[Matrix] = []

    def look(x: Expression, is_inside: bool) -> None:
        for _, factors in x.terms:
            for a, _ in factors:
                enter(a, is_inside)

    def enter(a: Atom, is_inside: bool) -> None:
        if isinstance(a, Matrix):
            if is_inside:
                found.append(a)
        elif isinstance(a, Group):
            look(a.expression, is_inside)
        elif isinstance(a, Call):
            for u in a.flat():
                look(u, is_inside)
        elif isinstance(a, ArrayAtom):
            is_whole = isinstance(a, Product) or (isinstance(a, Applied) and not a.op.along_axis)
            for p in a.parts:
                look(p, is_inside or is_whole)

    look(x, False)
    return found


def turned(formula: Expression, label: str, names: frozenset[str]) -> Expression:
    """A formula in which the names that are turned stand for their transposes, for a result of this label."""

    def change(a: Atom) -> Atom | None:
        if isinstance(a, Step):  # of a sequence, whose other axes stay
            return a.as_column() if names and a.samples is not None else None
        return a.as_column() if isinstance(a, Matrix) and a.label in names else None

    formula = replaced(formula, change)
    return transposed(formula) if label in names else formula


def turned_value(x: np.ndarray, label: str, names: frozenset[str]) -> np.ndarray:
    """The numbers of what has this name."""
    if label not in names:
        return x
    return x.reshape(turned_shape(x.shape)) if x.ndim == 1 else x.T
