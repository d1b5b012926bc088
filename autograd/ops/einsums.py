"""Sums of products over named axes: `einsum`, and `tensordot`, which is a matrix product of reshaped arrays."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..ieee import quietly
from ..op import Operation, register
from ..operands import Operand, as_array, describe, real_array
from .matrices import matmul
from .moves import diagonal
from .shapes import broadcast_to, each_of, reshape, transpose

__all__ = ["einsum", "tensordot"]


def _pull(i: int, g: Operand, z: Operand, subscripts: str, *xs: Operand) -> Operand:
    """Operand i changes places with the result; an axis that it alone has was summed, and is repeated."""
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    own, others = terms[i], terms[:i] + terms[i + 1 :]
    shared = "".join(c for c in own if any(c in term for term in (output, *others)))
    g = _product(f"{','.join((output, *others))}->{shared}", g, *xs[:i], *xs[i + 1 :])
    if shared == own:
        return g
    sizes = dict(zip(shared, g.shape, strict=True))
    return broadcast_to(reshape(g, tuple(sizes.get(c, 1) for c in own)), xs[i].shape)


def _forward(subscripts: str, *xs: Operand) -> Operand:
    return np.einsum(subscripts, *xs, optimize=len(xs) > 2)


_forward.__name__ = "einsum"
_op = register(Operation(_forward, (), pulls=each_of(_pull)))


def _product(subscripts: str, *xs: Operand) -> Operand:
    for x in xs:
        record = getattr(x.__class__, "_record", None)
        if record is not None:
            return record(_op, subscripts, *xs)
    return quietly(_forward, subscripts, *xs)


def einsum(subscripts: str, *operands: Operand) -> Operand:
    """Products of the operands' numbers, summed over the axes that the result does not name, as numpy.einsum.

    subscripts: a letter for each axis, "ij,jk->ik"; without an arrow the letters that occur once, in order; "..."
    for any axes; a letter twice in an operand takes its diagonal. operands: arrays and Tensors, as many as terms.
    ValueError for subscripts that do not fit. Gradient: the einsum in which operand and result change places.
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"einsum: expected subscripts such as 'ij,jk->ik', got {describe(subscripts)}")
    terms, output, xs = _spelled_out(subscripts, [as_array(x, "einsum") for x in operands])
    for i, term in enumerate(terms):
        while twice := next((c for c in term if term.count(c) > 1), None):
            a, b = term.index(twice), term.rindex(twice)
            if xs[i].shape[a] != xs[i].shape[b]:
                raise ValueError(f"einsum: axes {twice!r} of shape {xs[i].shape} differ in size")
            xs[i] = diagonal(xs[i], 0, a, b)
            term = term[:a] + term[a + 1 : b] + term[b + 1 :] + twice
        terms[i] = term
    return _product(f"{','.join(terms)}->{output}", *(x if hasattr(x, "op") else real_array(x, "einsum") for x in xs))


def _spelled_out(subscripts: str, xs: list[Operand]) -> tuple[list[str], str, list[Operand]]:
    """The terms and the result with a letter for every axis."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(xs):
        raise ValueError(f"einsum: expected an operand for each of {len(terms)} terms of {subscripts!r}, got {len(xs)}")
    free = [c for c in string.ascii_letters if c not in subscripts]
    most = 0
    for i, (term, x) in enumerate(zip(terms, xs, strict=True)):
        named = len(term.replace("...", ""))
        more = x.ndim - named if "..." in term else 0
        if more < 0 or named + more != x.ndim:
            raise ValueError(f"einsum: {term!r} does not name the axes of an operand of shape {x.shape}")
        most = max(most, more)
        terms[i] = term.replace("...", "\0" * more)
    rest = "".join(free[:most])
    terms = [_filled(term, rest) for term in terms]
    if not arrow:
        letters = "".join(terms)
        return terms, rest + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in rest)), xs
    return terms, output.replace("...", rest), xs


def _filled(term: str, rest: str) -> str:
    more = term.count("\0")
    return term.replace("\0" * more, rest[len(rest) - more :]) if more else term


def tensordot(a: Operand, b: Operand, axes: int | Sequence[int | Sequence[int]] = 2) -> Operand:
    """The sum over axes of a and as many of b; the other axes stay, those of a first.

    axes: that many, the last of a and the first of b; or a pair, which of a and which of b. ValueError if they
    differ in size.
    """
    a, b = as_array(a, "tensordot"), as_array(b, "tensordot")
    if isinstance(axes, int | np.integer):
        of_a, of_b = tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    else:
        of_a, of_b = (normalize_axis_tuple(ours, x.ndim) for ours, x in zip(axes, (a, b), strict=True))
    sizes = [tuple(x.shape[i] for i in ours) for x, ours in ((a, of_a), (b, of_b))]
    if sizes[0] != sizes[1]:
        raise ValueError(f"tensordot: the summed axes differ in size: {sizes[0]} of {a.shape}, {sizes[1]} of {b.shape}")
    left, right = ([i for i in range(x.ndim) if i not in ours] for x, ours in ((a, of_a), (b, of_b)))
    n = math.prod(sizes[0])
    rows, columns = [a.shape[i] for i in left], [b.shape[i] for i in right]
    x = reshape(transpose(a, (*left, *of_a)), (math.prod(rows), n))
    y = reshape(transpose(b, (*of_b, *right)), (n, math.prod(columns)))
    return reshape(matmul(x, y), (*rows, *columns))
