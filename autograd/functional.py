"""Derivatives of functions: what is given as numbers comes back as numbers.

A function is traced once on nodes, Values for numbers and Tensors for arrays, and differentiated by
`gradients`. Inside another derivative the result is a graph again, so that they can be nested.
"""

from __future__ import annotations

import functools
import operator
import threading
from collections.abc import Callable, Iterator

import numpy as np

from .graph import is_node
from .modes import recording
from .operands import Operand, describe, is_array_node, real
from .ops.elementwise import identity, mul
from .ops.shapes import reshape, stack
from .ops.sums import sum as total
from .passes.gradients import gradients, zero_gradient
from .tensor import Tensor
from .value import Value

__all__ = ["grad", "hessian", "hessian_vector_product", "jacobian", "value_and_grad"]


def grad(f: Callable[..., Operand], argnums: int | tuple[int, ...] = 0) -> Callable[..., Operand]:
    """The derivative of f as a function: `grad(f)(x)` is ∂f/∂x at x.

    f: a function of numbers, arrays and lists of them that returns one number, written with operators
    and the functions of `autograd`; it sees Values for numbers and Tensors for arrays. argnums: which
    positional arguments to differentiate by; a tuple gives a tuple. The result has the shape of the
    argument: a float for a number, an array for an array, a list for a list. It is differentiable
    itself: `grad(grad(f))` is the second derivative.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    """
    with_value = value_and_grad(f, argnums)
    return lambda *args, **kwargs: with_value(*args, **kwargs)[1]


def value_and_grad(f: Callable[..., Operand], argnums: int | tuple[int, ...] = 0) -> Callable[..., Operand]:
    """Like `grad`, but gives the pair (value, gradient) from one pass."""
    several = isinstance(argnums, tuple | list)
    positions = tuple(argnums) if isinstance(argnums, tuple | list) else (argnums,)

    def differentiated(*args: Operand, **kwargs: Operand) -> Operand:
        for i in positions:
            if not -len(args) <= i < len(args):
                raise ValueError(f"grad: expected a positional argument number {i}, got {len(args)} of them")
        nested = _is_nested(*args, *kwargs.values())
        inputs = list(args)
        fresh = _freshly(*args)
        for i in positions:
            inputs[i] = map_leaves(args[i], fresh)
        target = _one_number("grad", _traced(f, *inputs, **kwargs))
        sources = [u for i in positions for u in leaves(inputs[i])]
        found = _gradients(target, sources, nested)
        by_source = iter(found)
        result = tuple(map_leaves(args[i], lambda x: _like(x, next(by_source))) for i in positions)
        value = target if nested or not is_node(target) else target.item()
        return value, result if several else result[0]

    return differentiated


def jacobian(f: Callable[..., Operand]) -> Callable[..., Operand]:
    """All derivatives of all results: `jacobian(f)(x)` is ∂fᵢ/∂xⱼ.

    f: a function of one array that returns an array, or of one list of numbers that returns a list. For
    arrays the result has the shape of f(x) followed by that of x; for lists it is a list of rows, one
    for each result. One reverse pass per number of f(x).

    >>> jacobian(lambda x: x * x)(np.array([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """

    def matrix(x: Operand) -> Operand:
        nested = _is_nested(x)
        point = map_leaves(x, _freshly(x))
        sources = list(leaves(point))
        results = _traced(f, point)
        if isinstance(results, list | tuple):
            return [_row(z, sources, x, nested) for z in results]
        return _row(results, sources, x, nested)

    return matrix


def hessian(f: Callable[..., Operand]) -> Callable[..., Operand]:
    """The matrix of second derivatives: `hessian(f)(x)` is ∂²f/∂xᵢ∂xⱼ in row i, column j.

    f: a function of one number, one array or one list of numbers that returns one number. For an array
    the result has its shape twice, for a list it is a list of rows; for a number x the second
    derivative itself comes back.
    """

    def matrix(x: Operand) -> Operand:
        nested = _is_nested(x)
        point = map_leaves(x, _freshly(x))
        sources = list(leaves(point))
        target = _one_number("hessian", _traced(f, point))
        first = _gradients(target, sources, True)
        rows = [_row(g, sources, x, nested) for g in first]
        return rows if is_sequence(x) else rows[0]

    return matrix


def hessian_vector_product(f: Callable[..., Operand], x: Operand, v: Operand) -> Operand:
    """The product of the Hessian of f at x with v, without the matrix: the gradient of Σ v ∂f/∂x.

    f: a function of one array or one list of numbers that returns one number. v: an array or a list like
    x. Returns the same. Two reverse passes, whatever the size. ValueError if v has another shape.
    Source: Pearlmutter, Neural Computation 6 (1994) 147.
    """
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


def _row(z: Operand, sources: list[Operand], x: Operand, create_graph: bool) -> Operand:
    """∂z/∂sources in the form of x. An array z gives an array, its own axes first."""
    if not is_node(z):
        zero = iter([np.zeros(np.shape(z) + u.shape) if is_array_node(u) else 0.0 for u in sources])
        return map_leaves(x, lambda _: next(zero))
    if not is_array_node(z):
        found = iter(gradients(z, sources, create_graph))
        return map_leaves(x, lambda _: next(found))
    seeds = np.eye(z.size, dtype=z.dtype).reshape(z.size, *z.shape)
    each = [gradients(z, sources, create_graph, seed=seed) for seed in seeds]
    if not each:
        return map_leaves(x, lambda u: np.zeros(z.shape + np.shape(u), z.dtype))
    joined = iter([_joined(rows, z.shape) for rows in zip(*each, strict=True)])
    return map_leaves(x, lambda u: _like(u, next(joined)))


def _joined(rows: Operand, shape: tuple[int, ...]) -> Operand:
    first = rows[0]
    if not hasattr(first, "shape"):
        return np.array(rows).reshape(shape)
    return reshape(stack(list(rows)), shape + first.shape)


# ---------------------------------------------------------------- tracing

# How many functions the current thread is differentiating, one inside the other. A derivative taken
# inside must be differentiable even if its arguments are plain numbers: its function may have caught
# a variable of the outer one.
_here = threading.local()


def _is_nested(*args: Operand) -> bool:
    return getattr(_here, "depth", 0) > 0 or any(is_node(u) for a in args for u in leaves(a))


def _traced(f: Callable[..., Operand], *args: Operand, **kwargs: Operand) -> Operand:
    """f of nodes, recorded also inside `no_grad`."""
    _here.depth = getattr(_here, "depth", 0) + 1
    try:
        with recording():
            return f(*args, **kwargs)
    finally:
        _here.depth -= 1


def _one_number(where: str, target: Operand) -> Operand:
    """A node of one element, or a plain number on which nothing depends."""
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


def _freshly(*args: Operand) -> Callable[[Operand], Operand]:
    """What makes new nodes of these arguments."""
    return _fresh_array if _has_array(*args) else _fresh


def _has_array(*args: Operand) -> bool:
    return any(is_array_node(u) or (isinstance(u, np.ndarray) and u.ndim) for a in args for u in leaves(a))


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
