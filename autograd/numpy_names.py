"""What NumPy calls the operations, so that its functions work on nodes and formulas.

An operation of the table that bears the name of a NumPy function is found under it, a user's own too.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .graph import EQUALITY
from .op import named
from .operands import Operand, as_array
from .ops import choosing, einsums, extremes, functions, matrices, moves, norms, shapes, sums
from .ops.elementwise import abs, div, mul, neg, power, sub

# Where the two names differ.
_OTHERWISE: dict[np.ufunc, Callable[..., Operand]] = {
    np.subtract: sub,
    np.multiply: mul,
    np.divide: div,
    np.float_power: power,
    np.negative: neg,
    np.positive: lambda x: x,
    np.absolute: abs,
    np.fabs: abs,
}


def ufunc(asked: np.ufunc) -> Callable[..., Operand] | None:
    """The operation on numbers, element by element, that this function of NumPy is; None if there is none."""
    name = asked.__name__
    if asked in _OTHERWISE:
        return _OTHERWISE[asked]
    if getattr(np, name, None) is asked and (op := named(name)) is not None and not op.reduces:
        return op.function
    return None


comparisons: dict[np.ufunc, Callable[[Operand, Operand], Operand]] = {
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
}


def on_formulas(
    what: str, read: Callable[[Operand], Operand], find: Callable[[np.ufunc], Callable[..., Operand] | None]
) -> Callable[..., Operand]:
    """The `__array_ufunc__` of formulas. what: they are called; read: one of an operand; find: the operation."""

    def __array_ufunc__(self: object, ufunc: np.ufunc, method: str, *operands: Operand, **options: Operand) -> Operand:
        if ufunc in comparisons:
            return comparisons[ufunc](*map(read, operands))
        function = find(ufunc)
        if function is None or method != "__call__" or options:
            raise TypeError(f"np.{ufunc.__name__} is not defined for {what}")
        return function(*operands)

    return __array_ufunc__


# ---------------------------------------------------------------- for arrays


def array_ufunc(asked: np.ufunc) -> Callable[..., Operand] | None:
    """The same for Tensors."""
    return _ARRAY_UFUNCS.get(asked) or ufunc(asked)


def refuse_equality(x: Operand, y: Operand) -> Operand:
    """`np.equal`, which NumPy calls for `array == node` too: no other convention from the left than from the right."""
    raise TypeError(EQUALITY)


# ---------------------------------------------------------------- NumPy's functions of arrays


class NumpyFunction:
    """One of our functions, called with the arguments of NumPy's function of that name.

    names: NumPy's parameters in order, as they may be called. Those without a leading "-" are ours one by one;
    the others must be left out, or be None.
    """

    __slots__ = ("_known", "_names", "function")

    def __init__(self, function: Callable[..., Operand], names: str) -> None:
        self.function = function
        self._names = [name.lstrip("-") for name in names.split()]
        ours = [name for name in names.split() if not name.startswith("-")]
        self._known = dict(zip(ours, inspect.signature(function).parameters, strict=True))

    def arguments(self, args: Sequence[Operand], kwargs: Mapping[str, Operand]) -> tuple[dict[str, Operand], list[str]]:
        """The arguments by our names, and NumPy's names of those that are not known here."""
        given = [*zip(self._names, args, strict=False), *kwargs.items()]
        found = {self._known[name]: x for name, x in given if name in self._known}
        unknown = [name for name, x in given if name not in self._known and (x is not None or name not in self._names)]
        return found, unknown if len(args) <= len(self._names) else [f"{len(args)} arguments"]

    def __str__(self) -> str:
        return ", ".join(self._known)


class SeveralOperands(NumpyFunction):
    """The same for a function of any number of operands. passing: what may be given and changes no number."""

    __slots__ = ()

    def __init__(self, function: Callable[..., Operand], passing: str) -> None:
        super().__init__(lambda operands: function(*operands), "operands")
        self._names += passing.split()

    def arguments(self, args: Sequence[Operand], kwargs: Mapping[str, Operand]) -> tuple[dict[str, Operand], list[str]]:
        """All that has no name as one."""
        return {"operands": args}, [name for name, x in kwargs.items() if x is not None and name not in self._names]


def _flat(a: Operand) -> Operand:
    return shapes.reshape(a, (-1,))


def _as_row(x: Operand) -> Operand:
    """A number or a vector as one row, as numpy.vstack takes it."""
    return shapes.reshape(x, (1, -1)) if np.ndim(x) < 2 else x


def _hstack(tup: Operand) -> Operand:
    """numpy.hstack for Tensors: side by side, numbers and vectors in one row."""
    xs = [_flat(x) if np.ndim(x) == 0 else x for x in tup]
    return shapes.concatenate(xs, 0 if np.ndim(xs[0]) == 1 else 1)


def _padded(array: Operand, pad_width: Operand, mode: str = "constant", constant_values: Operand = 0.0) -> Operand:
    """numpy.pad for Tensors; with constants only."""
    if mode != "constant":
        raise TypeError(f"np.pad: expected mode='constant' for Tensors, got {mode!r}; join slices with concatenate")
    return shapes.pad(array, pad_width, constant_values)


def _clipped(
    a: Operand, a_min: Operand = None, a_max: Operand = None, min: Operand = None, max: Operand = None
) -> Operand:
    """numpy.clip for Tensors, with both of its names for the bounds."""
    return choosing.clip(a, a_min if min is None else min, a_max if max is None else max)


def dot(a: Operand, b: Operand) -> Operand:
    """numpy.dot for Tensors: the sum over the last axis of a and the last but one of b.

    a, b: any shapes; (..., n) and (..., n, k) give (..., ..., k), all axes of a before those of b. A single
    number multiplies; with up to two axes it is a @ b. ValueError if the sizes n differ.
    """
    a, b = as_array(a, "dot"), as_array(b, "dot")
    if not a.ndim or not b.ndim:
        return mul(a, b)
    if b.ndim <= 2:
        return matrices.matmul(a, b)
    others = (*b.shape[:-2], b.shape[-1])
    rows = shapes.transpose(b, (b.ndim - 2, *range(b.ndim - 2), b.ndim - 1))
    z = matrices.matmul(a, shapes.reshape(rows, (b.shape[-2], math.prod(others))))
    return shapes.reshape(z, (*a.shape[:-1], *others))


def _size(a: Operand, axis: int | None = None) -> int:
    return a.size if axis is None else a.shape[axis]


def _compared(compare: np.ufunc) -> Callable[..., Operand]:
    return lambda x, y: compare(sums.comparable(x), sums.comparable(y))


_ARRAY_UFUNCS: dict[np.ufunc, Callable[..., Operand]] = {
    **{compare: _compared(compare) for compare in (np.less, np.less_equal, np.greater, np.greater_equal)},
    np.equal: refuse_equality,
    np.not_equal: refuse_equality,
    np.matmul: matrices.matmul,
    np.isnan: lambda x: np.isnan(sums.comparable(x)),
    np.isfinite: lambda x: np.isfinite(sums.comparable(x)),
    np.isinf: lambda x: np.isinf(sums.comparable(x)),
}

_SPREAD = "a axis -dtype -out ddof keepdims"

array_functions: dict[Callable[..., object], NumpyFunction] = {
    np.sum: NumpyFunction(sums.array_sum, "a axis -dtype -out keepdims"),
    np.mean: NumpyFunction(sums.array_mean, "a axis -dtype -out keepdims"),
    np.prod: NumpyFunction(sums.array_prod, "a axis -dtype -out keepdims"),
    np.max: NumpyFunction(extremes.max, "a axis -out keepdims"),
    np.amax: NumpyFunction(extremes.max, "a axis -out keepdims"),
    np.min: NumpyFunction(extremes.min, "a axis -out keepdims"),
    np.amin: NumpyFunction(extremes.min, "a axis -out keepdims"),
    np.var: NumpyFunction(lambda x, axis=None, ddof=0, keepdims=False: sums.var(x, axis, keepdims, ddof), _SPREAD),
    np.std: NumpyFunction(lambda x, axis=None, ddof=0, keepdims=False: sums.std(x, axis, keepdims, ddof), _SPREAD),
    np.linalg.norm: NumpyFunction(norms.norm_as_numpy, "x ord axis keepdims"),
    np.argmax: NumpyFunction(extremes.argmax, "a axis -out"),
    np.argmin: NumpyFunction(extremes.argmin, "a axis -out"),
    np.average: NumpyFunction(sums.average, "a axis weights keepdims"),
    np.cumsum: NumpyFunction(moves.cumsum, "a axis -dtype -out"),
    np.cumprod: NumpyFunction(moves.cumprod, "a axis -dtype -out"),
    np.nan_to_num: NumpyFunction(
        lambda x, copy=True, nan=0.0, posinf=None, neginf=None: functions.nan_to_num(x, nan, posinf, neginf),
        "x copy nan posinf neginf",
    ),
    np.einsum: SeveralOperands(einsums.einsum, "optimize"),
    np.tensordot: NumpyFunction(einsums.tensordot, "a b axes"),
    np.flip: NumpyFunction(moves.flip, "m axis"),
    np.roll: NumpyFunction(moves.roll, "a shift axis"),
    np.moveaxis: NumpyFunction(moves.moveaxis, "a source destination"),
    np.sort: NumpyFunction(moves.sort, "a axis -kind -order -stable"),
    np.repeat: NumpyFunction(moves.repeat, "a repeats axis"),
    np.tile: NumpyFunction(moves.tile, "A reps"),
    np.column_stack: NumpyFunction(moves.column_stack, "tup"),
    np.diag: NumpyFunction(moves.diag, "v k"),
    np.diagonal: NumpyFunction(moves.diagonal, "a offset axis1 axis2"),
    np.trace: NumpyFunction(moves.trace, "a offset axis1 axis2 -dtype -out"),
    np.reshape: NumpyFunction(shapes.reshape, "a shape"),
    np.ravel: NumpyFunction(_flat, "a"),
    np.transpose: NumpyFunction(shapes.transpose, "a axes"),
    np.swapaxes: NumpyFunction(shapes.swapaxes, "a axis1 axis2"),
    np.squeeze: NumpyFunction(shapes.squeeze, "a axis"),
    np.expand_dims: NumpyFunction(shapes.expand_dims, "a axis"),
    np.broadcast_to: NumpyFunction(shapes.broadcast_to, "array shape"),
    np.concatenate: NumpyFunction(shapes.concatenate, "arrays axis -out"),
    np.stack: NumpyFunction(shapes.stack, "arrays axis -out"),
    np.hstack: NumpyFunction(_hstack, "tup"),
    np.vstack: NumpyFunction(lambda tup: shapes.concatenate([_as_row(x) for x in tup]), "tup"),
    np.split: NumpyFunction(shapes.split, "ary indices_or_sections axis"),
    np.take: NumpyFunction(shapes.take, "a indices axis -out"),
    np.pad: NumpyFunction(_padded, "array pad_width mode constant_values"),
    np.where: NumpyFunction(choosing.where, "condition x y"),
    np.clip: NumpyFunction(_clipped, "a a_min a_max -out min max"),
    np.dot: NumpyFunction(dot, "a b -out"),
    np.outer: NumpyFunction(matrices.outer, "a b -out"),
    np.shape: NumpyFunction(lambda a: a.shape, "a"),
    np.ndim: NumpyFunction(lambda a: a.ndim, "a"),
    np.size: NumpyFunction(_size, "a axis"),
}

# What gives no real numbers, so that no gradient could come back through it: it is given those of nodes.
plain_functions = frozenset(
    {
        *(np.zeros_like, np.ones_like, np.empty_like, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj),
        *(
            np.any,
            np.all,
            np.array_equal,
            np.array_equiv,
            np.allclose,
            np.isclose,
            np.may_share_memory,
            np.shares_memory,
        ),
        *(np.argsort, np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero),
        *(np.array2string, np.array_repr, np.array_str, np.save, np.savez, np.savez_compressed, np.savetxt),
    }
)
