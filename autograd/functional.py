"""Derivatives of functions: what is given as numbers comes back as numbers.

A function is traced once on nodes, Values for numbers and Tensors for arrays, and differentiated by
`gradients`. Inside another derivative the result is a graph again, so that they can be nested.
"""

from __future__ import annotations

import functools
import operator
import sys
import warnings
from collections.abc import Callable, Iterator

import numpy as np

from .graph import is_node, walk
from .modes import Trace, is_recording, recording
from .operands import Operand, describe, is_array_node, real
from .ops.elementwise import identity, mul
from .ops.shapes import reshape, stack
from .ops.sums import sum as total
from .passes.gradients import gradients, zero_gradient
from .tensor import Tensor
from .value import NumberMeetsArray, Value

__all__ = ["grad", "hessian", "hessian_vector_product", "jacobian", "value_and_grad"]


def grad(f: Callable[..., Operand], argnums: int | tuple[int, ...] = 0) -> Callable[..., Operand]:
    """The derivative of f as a function: `grad(f)(x)` is ∂f/∂x at x.

    f: a function of numbers, arrays and lists of them that returns one number, written with operators
    and the functions of `autograd`; it sees Values for numbers and Tensors for arrays. argnums: which
    positional arguments to differentiate by; a tuple gives a tuple. The result has the shape of the
    argument: a float for a number, an array for an array, a list for a list. It is differentiable
    itself: `grad(grad(f))` is the second derivative, and where f uses Values or Tensors from outside, or is
    given some, the result is a node that depends on them (a number under `no_grad`). Numbers are Tensors
    without axes where arrays take part.

    UserWarning if the result does not depend on an argument.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    """
    with_value = value_and_grad(f, argnums)
    return lambda *args, **kwargs: with_value(*args, **kwargs)[1]


def value_and_grad(
    f: Callable[..., Operand], argnums: int | tuple[int, ...] = 0
) -> Callable[..., tuple[Operand, Operand]]:
    """Like `grad`, but gives the pair (value, gradient) from one pass."""

    def differentiated(*args: Operand, **kwargs: Operand) -> Operand:
        traced = TracedCall("grad", f, argnums, args, kwargs)
        pair = value_and_gradient(traced)
        traced.tell_of_independence()
        return pair

    return differentiated


def value_and_gradient(traced: TracedCall) -> tuple[Operand, Operand]:
    """The number that a traced function returned, and its gradient."""
    target = _one_number(traced)
    found = iter(_gradients(target, traced.sources, traced.nested))
    gradient = traced.by_position(lambda x: map_leaves(x, lambda u: _like(u, next(found))))
    return target if traced.nested or not is_node(target) else target.item(), gradient


def jacobian(f: Callable[..., Operand], argnums: int | tuple[int, ...] = 0) -> Callable[..., Operand]:
    """All derivatives of all results: `jacobian(f)(x)` is ∂fᵢ/∂xⱼ.

    f: a function that returns an array, a number or a list of them; argnums as for `grad`. For arrays the
    result has the shape of f(x) followed by that of x; where f returns a list it is a list of rows, one for
    each result. One reverse pass per number of f(x); where these are many times as many as the numbers in x,
    one per number of x.

    >>> jacobian(lambda x: x * x)(np.array([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """

    def matrix(*args: Operand, **kwargs: Operand) -> Operand:
        traced = TracedCall("jacobian", f, argnums, args, kwargs)
        traced.tell_of_independence()
        if is_sequence(traced.results):
            return [_row(z, traced) for z in traced.results]
        return _row(traced.results, traced)

    return matrix


def hessian(f: Callable[..., Operand], argnums: int | tuple[int, ...] = 0) -> Callable[..., Operand]:
    """The matrix of second derivatives: `hessian(f)(x)` is ∂²f/∂xᵢ∂xⱼ in row i, column j.

    f: a function that returns one number. argnums: which positional arguments, numbers, arrays or lists of
    them, to differentiate by. For an array the result has its shape twice, for a list it is a list of rows;
    for a number x the second derivative itself comes back. A tuple of positions gives a tuple of tuples, of
    which [i][j] is differentiated by argument i and then by argument j.
    """

    def matrix(*args: Operand, **kwargs: Operand) -> Operand:
        traced = TracedCall("hessian", f, argnums, args, kwargs)
        first = iter(_gradients(_one_number(traced), traced.sources, True))
        traced.tell_of_independence()

        def rows(x: Operand) -> Operand:
            found = [_row(next(first), traced) for _ in leaves(x)]
            if not is_sequence(x):
                return found[0]
            return tuple(list(row) for row in zip(*found, strict=True)) if traced.several else found

        return traced.by_position(rows)

    return matrix


def hessian_vector_product(f: Callable[..., Operand], x: Operand = None, v: Operand = None) -> Operand:
    """The product of the Hessian of f at x with v, without the matrix: the gradient of Σ v ∂f/∂x.

    `hessian_vector_product(f)` is the product as a function, called with x and v, as `hessian(f)` is called with x;
    `hessian_vector_product(f, x, v)` is its result.

    f: a function of one array or one list of numbers that returns one number. v: an array or a list like
    x. Returns the same. Two reverse passes, whatever the size. ValueError if v has another shape.
    Source: Pearlmutter, Neural Computation 6 (1994) 147.
    """
    if x is None and v is None:
        return functools.partial(hessian_vector_product, f)
    shape_of_x, shape_of_v = _shape(x), _shape(v)
    if shape_of_v != shape_of_x:
        raise ValueError(f"hessian_vector_product: x has shape {shape_of_x}, v has shape {shape_of_v}")

    def slope(u: Operand) -> Operand:
        products = [mul(g, w) for g, w in zip(leaves(grad(f)(u)), leaves(v), strict=True)]
        if any(map(is_array_node, products)):
            return functools.reduce(operator.add, map(total, products))
        return total(products)

    return grad(slope)(x)


def _shape(x: Operand) -> Operand:
    """The shape of an array or a list of numbers; those of the members of a list of arrays."""
    if is_sequence(x) and any(np.ndim(u) for u in x):
        return [_shape(u) for u in x]
    return np.shape(x)


def _gradients(target: Operand, sources: list[Operand], create_graph: bool) -> list[Operand]:
    """∂target/∂sources, also where the target is a plain number."""
    return gradients(target, sources, create_graph) if is_node(target) else [zero_gradient(u) for u in sources]


def _row(z: Operand, traced: TracedCall) -> Operand:
    """∂z/∂sources in the form of the arguments. An array z gives an array, its own axes first."""
    if not is_node(z):
        zeros = [
            np.zeros(np.shape(z) + np.shape(u.data)) if is_array_node(u) or np.ndim(z) else 0.0 for u in traced.sources
        ]
        found: Iterator[Operand] = iter(zeros)
    elif not is_array_node(z):
        found = iter(gradients(z, traced.sources, traced.nested))
    elif not z.size:
        found = iter([np.zeros(z.shape + np.shape(u.data), z.dtype) for u in traced.sources])
    else:
        found = iter(_by_columns(z, traced) or _by_rows(z, traced))
    return traced.by_position(lambda x: map_leaves(x, lambda u: _like(u, next(found))))


# So many times as many results as arguments make forward products faster than a reverse pass for each result.
MANY = 8


def _by_columns(z: Tensor, traced: TracedCall) -> list[Operand]:
    """∂z/∂source of a Tensor, a product with each number of the sources; nothing where rows are as good.

    The gradient of Σ v z by the sources is a graph that is linear in v, whose own gradient by v is a column of the
    Jacobian: what a forward pass would carry along, from the same rules.
    Source: Townsend, A new trick for calculating Jacobian vector products (2017).
    """
    sources = traced.sources
    if any(u.__class__ is not Tensor or u.dtype != z.dtype for u in sources):
        return []
    if z.size <= MANY * sum(u.size for u in sources):
        return []
    with recording():
        v = Tensor(np.ones(z.shape, z.dtype))
        try:
            slopes = gradients(total(mul(z, v)), sources, True)
        except TypeError:  # an operation of one's own whose pulls know arrays only
            return []
    found: list[Operand] = []
    for g in slopes:
        columns = [gradients(g, v, traced.nested, seed=seed) for seed in _units(g)]
        found.append(
            reshape(stack(columns, -1), z.shape + g.shape) if columns else np.zeros(z.shape + g.shape, z.dtype)
        )
    return found


def _by_rows(z: Tensor, traced: TracedCall) -> list[Operand]:
    """The same by a reverse pass for each number of z."""
    each = [gradients(z, traced.sources, traced.nested, seed=seed) for seed in _units(z)]
    return [_joined(rows, z.shape) for rows in zip(*each, strict=True)]


def _units(z: Tensor) -> np.ndarray:
    """An array of z's shape for each of its numbers, with a 1 at its place."""
    return np.eye(z.size, dtype=z.dtype).reshape(z.size, *z.shape)


def _joined(rows: Operand, shape: tuple[int, ...]) -> Operand:
    first = rows[0]
    if not isinstance(first, np.ndarray) and not is_array_node(first):
        return np.array(rows).reshape(shape)
    return reshape(stack(list(rows)), shape + first.shape)


# ---------------------------------------------------------------- tracing


class TracedCall:
    """What a function returned when new nodes stood in the place of the arguments that it is differentiated by.

    results    what it returned. sources: the new nodes, in the order of the numbers and arrays in the arguments.
    nested     True if the derivative is to be a graph again, as it depends on nodes: on those among the
               arguments, or on others that the function found where it was written.
               Constants, such as what `detach()` gives, are not among these.
    several    True if a tuple of positions was asked for.
    """

    def __init__(
        self,
        where: str,
        f: Callable[..., Operand],
        argnums: int | tuple[int, ...],
        args: Operand,
        kwargs: dict[str, Operand],
    ) -> None:
        self.where, self.args = where, args
        self.several = isinstance(argnums, tuple | list)
        self.positions = tuple(argnums) if isinstance(argnums, tuple | list) else (argnums,)
        for i in self.positions:
            if not -len(args) <= i < len(args):
                raise ValueError(f"{where}: expected a positional argument number {i}, got {len(args)} of them")
        given = [u for x in (*args, *kwargs.values()) for u in leaves(x)]
        fresh = _fresh_array if any(map(_is_array_of_numbers, given)) else _fresh
        try:
            trace = self._run(f, kwargs, fresh)
        except NumberMeetsArray:  # an array that f closes over
            if fresh is _fresh_array or any(isinstance(u, Value) for u in given):
                raise
            trace = self._run(f, kwargs, _fresh_array)
        results = self.results if is_sequence(self.results) else (self.results,)
        recorded = [pair for z in leaves(results) if is_node(z) for pair in walk(z)]
        self.reached = {u for u, _ in recorded}
        self.nested = any(map(is_node, given))
        if not self.nested and is_recording():
            known = trace.born.union(self.sources)
            self.nested = any(not operands and u not in known and not u.is_constant for u, operands in recorded)
        self.has_inner_derivatives = trace.has_inner_derivatives

    def _run(self, f: Callable[..., Operand], kwargs: dict[str, Operand], fresh: Callable[[Operand], Operand]) -> Trace:
        inputs = list(self.args)
        for i in self.positions:
            inputs[i] = map_leaves(self.args[i], fresh)
        self.sources = [u for i in self.positions for u in leaves(inputs[i])]
        with Trace() as trace:
            self.results = f(*inputs, **kwargs)
        return trace

    def tell_of_independence(self) -> None:
        """Warn of arguments on which no result depends; not where one is a derivative, which may be constant."""
        sources = iter(self.sources)
        for i in self.positions:
            own = [next(sources) for _ in leaves(self.args[i])]
            if own and self.reached.isdisjoint(own) and not self.has_inner_derivatives:
                frame, level = sys._getframe(), 1
                while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
                    frame, level = frame.f_back, level + 1
                warnings.warn(
                    f"{self.where}: the result does not depend on argument {i}, so its derivative is 0. If it should "
                    "depend on it, look for .data, .item(), .detach(), no_grad() or a plain number on the way",
                    stacklevel=level,
                )

    def by_position(self, f: Callable[[Operand], Operand]) -> Operand:
        """f of the argument that was differentiated by; a tuple of it for several."""
        found = tuple(f(self.args[i]) for i in self.positions)
        return found if self.several else found[0]


def _one_number(traced: TracedCall) -> Operand:
    """The result: a node of one element, or a plain number on which nothing depends."""
    where, target = traced.where, traced.results
    if is_array_node(target):
        if target.size != 1:
            raise ValueError(
                f"{where}: expected a function that returns one number, it returned a Tensor of shape "
                f"{target.shape}; reduce it (for example .sum()), or use jacobian"
            )
    elif not is_node(target):
        try:
            real(target)
        except TypeError:
            came = describe(target)
            raise TypeError(f"{where}: expected a function that returns one number, it returned {came}") from None
    return target


def _fresh(x: Operand) -> Operand:
    """A new node for a number or an array; for a node a new node that depends on it, so that nested
    derivatives by two variables that hold the same node are not confused."""
    if is_node(x):
        return identity(x)
    return Tensor(x) if isinstance(x, np.ndarray) and x.ndim else Value(x)


def _fresh_array(x: Operand) -> Operand:
    """The same where arrays take part: a number is a Tensor without axes, so that it goes with them."""
    return identity(x) if is_node(x) else Tensor(x)


def _is_array_of_numbers(x: Operand) -> bool:
    return is_array_node(x) or (isinstance(x, np.ndarray) and x.ndim > 0)


def _like(x: Operand, g: Operand) -> Operand:
    """The gradient of a plain number as a float."""
    return float(g) if isinstance(g, np.ndarray) and not g.ndim and not isinstance(x, np.ndarray) else g


def is_sequence(x: Operand) -> bool:
    """True for a list or a tuple, which stand for several arguments; an array is a single one."""
    return isinstance(x, list | tuple)


def leaves(x: Operand) -> Iterator[Operand]:
    """The numbers and arrays in nested sequences, from left to right; a single one alone."""
    if is_sequence(x):
        for u in x:
            yield from leaves(u)
    else:
        yield x


def map_leaves(x: Operand, f: Callable[[Operand], Operand]) -> Operand:
    """Nested lists of the same form with f applied to every number and every array."""
    if is_sequence(x):
        return [map_leaves(u, f) for u in x]
    return f(x)
