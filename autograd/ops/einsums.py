"""Sums of products over named axes: `einsum`, and `tensordot`, which is a matrix product of reshaped arrays."""

from __future__ import annotations

import itertools
import math
import string
from collections.abc import Sequence

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..ieee import quietly
from ..op import Operation, named_after, register
from ..operands import Operand, as_array, describe, real_array
from .matrices import matmul
from .moves import diagonal
from .shapes import broadcast_to, each_of, reshape, transpose

__all__ = ["einsum", "tensordot"]


def _pull(i: int, g: Operand, z: Operand, subscripts: str, *xs: Operand) -> Operand:
    """Operand i changes places with the result; an axis that it alone has was summed, and is repeated."""
    terms, output = _letters(subscripts)
    own, others = terms[i], terms[:i] + terms[i + 1 :]
    shared = "".join(c for c in own if any(c in term for term in (output, *others)))
    g = contraction(f"{','.join((output, *others))}->{shared}", g, *xs[:i], *xs[i + 1 :])
    if shared == own:
        return g
    sizes = dict(zip(shared, g.shape, strict=True))
    return broadcast_to(reshape(g, tuple(sizes.get(c, 1) for c in own)), xs[i].shape)


def _forward(subscripts: str, *xs: Operand) -> Operand:
    return np.einsum(subscripts, *xs, optimize=len(xs) > 2)


_forward.__name__ = "einsum"


# ---------------------------------------------------------------- how it is written


def _in_products(subscripts: str, *xs: Operand) -> Operand | None:
    """What the subscripts ask for in matrix products, transposes and sums; None where these do not say it plainly."""
    terms, output = _letters(subscripts)
    sizes: dict[str, int] = {}
    for term, x in zip(terms, xs, strict=True):
        if any(sizes.setdefault(c, n) != n for c, n in zip(term, x.shape, strict=True)):
            return None  # an axis of size 1 that is repeated
    left = list(zip(terms, xs, strict=True))
    while len(left) > 1:
        pairs = sorted(
            itertools.combinations(range(len(left)), 2), key=lambda p: not set(left[p[0]][0]) & set(left[p[1]][0])
        )
        for i, j in pairs:  # those with a common axis first
            (s, x), (t, y) = left[i], left[j]
            kept = "".join(dict.fromkeys(output + "".join(term for k, (term, _) in enumerate(left) if k not in (i, j))))
            both = _of_two(*_summed(s, x, t + kept), *_summed(t, y, s + kept), kept)
            if both is not None:
                left[i : i + 1], left[j : j + 1] = [both], []
                break
        else:
            return None
    term, found = left[0]
    return _ordered(*_summed(term, found, output), output)


def _summed(term: str, x: Operand, kept: str) -> tuple[str, Operand]:
    """An operand without the axes that only it has."""
    axes = tuple(i for i, c in enumerate(term) if c not in kept)
    return "".join(c for c in term if c in kept), x.sum(axes) if axes else x


def _ordered(term: str, x: Operand, order: str) -> Operand | None:
    """With its axes in this order, if it is that or that of a transpose."""
    if term == order:
        return x
    return x.swapaxes(-1, -2) if term[:-2] + term[:-3:-1] == order else None


def _of_two(s: str, x: Operand, t: str, y: Operand, kept: str) -> tuple[str, Operand] | None:
    """The product of two operands with these axes, summed over those that both have and that are not kept."""
    both = [c for c in s if c in t]
    summed = "".join(c for c in both if c not in kept)
    left, right = ("".join(c for c in term if c not in both) for term in (s, t))
    if left and right and kept.index(right[0]) < kept.index(left[0]):  # as the result has them
        s, x, left, t, y, right = t, y, right, s, x, left
    if not summed:
        return _number_by_number(s, x, left, t, y, right)
    if not left and not right:
        found = _number_by_number(s, x, left, t, y, right)
        return ("", x @ y) if s == t == summed and len(s) == 1 else found and _summed(*found, kept)
    batch = "".join(c for c in s if c in both and c not in summed)
    if len(summed) > 1 and not batch and len(left) == len(right) == 1 and s[:-1] == t[:-1] == summed:
        rows = (u.reshape((-1, u.shape[-1])) for u in (x, y))  # a layer's weights, from all samples and steps
        return left + right, next(rows).T @ next(rows)
    if len(summed) > 1 or len(right) > 1 or (batch and not len(left) == len(right) == 1):
        return None
    if len(left) > 1 and (len(t) != 2 or s[-1] != summed):
        return None
    if not right and len(t) == 1 and s[0] == summed and len(s) == 2:  # the vector first
        return left, y @ x
    first = _ordered(s, x, batch + left + summed)
    second = _ordered(t, y, batch + summed + right)
    return None if first is None or second is None else (batch + left + right, first @ second)


def _number_by_number(s: str, x: Operand, left: str, t: str, y: Operand, right: str) -> tuple[str, Operand] | None:
    """A product with broadcasting: of equal axes, of rows or columns with a matrix, of two vectors."""
    if len(left) == len(s) == len(right) == len(t) == 1:
        return s + t, x.reshape((-1, 1)) * y.reshape((1, -1))
    if left and right:
        return None
    (s, x), (t, y) = ((s, x), (t, y)) if not right else ((t, y), (s, x))
    if len(s) == 2 and t == s[:1]:
        return s, x * y.reshape((-1, 1))
    ordered = _ordered(t, y, s[len(s) - len(t) :])
    return None if ordered is None else (s, x * ordered)


def _letters(subscripts: str, *rest: Operand) -> tuple[list[str], str]:
    """The letters of each operand's axes, and those of the result's."""
    inputs, _, output = subscripts.partition("->")
    return inputs.split(","), output


_op = register(Operation(_forward, (), pulls=each_of(_pull), formula=_in_products, writing={"members": _letters}))


def _product(subscripts: str, *xs: Operand) -> Operand:
    for x in xs:
        record = getattr(x.__class__, "_record", None)
        if record is not None:
            return record(_op, subscripts, *xs)
    return quietly(_forward, subscripts, *xs)


contraction = named_after(_product, _forward, _op)


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
    sizes: dict[str, tuple[int, int]] = {}
    for i, (term, x) in enumerate(zip(terms, xs, strict=True)):
        for c, n in zip(term, x.shape, strict=True):
            other, size = sizes.get(c, (i, n))
            if n != size and 1 not in (n, size):
                raise ValueError(
                    f"einsum: axis {c!r} of {subscripts!r} has size {size} in operand {other + 1}, of shape "
                    f"{xs[other].shape}, and {n} in operand {i + 1}, of shape {x.shape}"
                )
            if c not in sizes or size == 1:
                sizes[c] = i, n
    return contraction(
        f"{','.join(terms)}->{output}", *(x if hasattr(x, "op") else real_array(x, "einsum") for x in xs)
    )


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
