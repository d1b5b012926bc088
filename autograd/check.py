"""Checking derivatives from outside: the complex step, central differences, and where a nan was born.

Nothing here looks at a rule. A derivative is compared with what the function itself does when its
argument moves a little.
"""

from __future__ import annotations

import inspect
import math
import numbers
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .functional import TracedCall, is_sequence, leaves, map_leaves, value_and_gradient
from .graph import Node, is_node, topological_order
from .lending import plain
from .modes import no_grad
from .op import operation_of
from .operands import Operand, describe, real, real_array
from .tensor import Tensor
from .value import Value

__all__ = ["GradientCheck", "central_difference", "check_gradients", "complex_step", "find_nan"]

ROUNDING = sys.float_info.epsilon


def complex_step(f: Callable[..., Operand], x: float, h: float = 2.0**-66) -> float:
    """f'(x) as Im f(x + ih) / h: exact to rounding, because nothing is subtracted.

    f: an analytic function of one number, written with operators and NumPy functions; or an
    operation such as `tanh`, whose forward function is taken. x: any real. h: so small that h² is
    nothing beside 1, and a power of 2, so that the division is exact.
    ValueError if f loses the imaginary part, as abs, max, float() and comparisons may.
    Source: Squire and Trapp, SIAM Review 40 (1998) 110.
    """
    f = op.forward if (op := operation_of(f)) else f
    with np.errstate(all="ignore"):
        z = f(complex(real(x, "complex_step"), h))
    if not isinstance(z, complex | np.complexfloating):
        raise ValueError(
            f"complex_step: expected a complex result for a complex argument, got {z!r}; "
            "f is not analytic there: use central_difference"
        )
    return float(z.imag) / h


def central_difference(f: Callable[[float], float], x: float) -> float:
    """f'(x) from (f(x + h) - f(x - h)) / 2h, extrapolated to h = 0.

    f: a smooth function of one number. The steps fall from a quarter of |x| (or of 1) by factors
    of 4, and the extrapolation that changes least is taken: about 12 digits for a function of
    order one. Steps that leave the domain of f (nan, ArithmeticError, ValueError) are skipped; nan
    if all of them do. At a kink it gives the mean of the two slopes.
    Source: Ridders, Advances in Engineering Software 4 (1982) 75.
    """
    return _ridders(f, real(x, "central_difference"))[0]


def _ridders(f: Callable[[float], float], x: float) -> tuple[float, float, float]:
    """f'(x), how far it may be off, and how much of that is rounding."""
    derivative, error, rounding = math.nan, math.inf, math.inf
    coarser: list[float] = []
    h = max(abs(x), 1.0) / 4
    for _ in range(20):
        above, below = x + h, x - h
        up, down = _attempt(f, above), _attempt(f, below)
        h /= 4
        if not math.isfinite(up - down):
            coarser = []
            continue
        noise = ROUNDING * (abs(up) + abs(down)) / (above - below)
        row = [(up - down) / (above - below)]
        for k, previous in enumerate(coarser[:4], 1):
            # the error of a central difference is a series in h²; each column removes one term
            row.append(row[-1] + (row[-1] - previous) / (16**k - 1))
            off = max(abs(row[-1] - row[-2]), abs(row[-1] - previous)) + noise
            if off < error:
                derivative, error, rounding = row[-1], off, noise
        if error <= 1e-13 * abs(derivative):
            break
        coarser = row
    return derivative, error, rounding


def _attempt(f: Callable[[float], float], x: float) -> float:
    try:
        with np.errstate(all="ignore"):
            return f(x)
    except (ArithmeticError, ValueError):
        return math.nan


@dataclass(frozen=True, repr=False)
class GradientCheck:
    """What `check_gradients` compared, number by number.

    names      "args[0]", "args[1][2]": which number of which argument.
    gradient   what the engine gives. numeric: what central differences give.
    """

    names: tuple[str, ...]
    gradient: tuple[float, ...]
    numeric: tuple[float, ...]

    @property
    def largest_difference(self) -> float:
        """The largest |gradient - numeric|, relative to the larger of the two where that is above 1."""
        pairs = zip(self.gradient, self.numeric, strict=True)
        return max((abs(g - n) / max(abs(g), abs(n), 1.0) for g, n in pairs), default=0.0)

    def __repr__(self) -> str:
        return f"<GradientCheck: {len(self.names)} derivatives agree, largest difference {self.largest_difference:.1g}>"


def _check_call(f: Callable[..., Operand], args: Sequence[Operand], tolerance: object) -> None:
    """TypeError where arguments of f were given one by one: f needs more of them, or the tolerance is one."""
    advice = "all arguments of f go into one list: check_gradients(f, [x, y])"
    if isinstance(tolerance, bool) or not isinstance(tolerance, numbers.Real) or not tolerance >= 0:
        expected = "check_gradients: expected tolerance to be a number, at least 0"
        raise TypeError(f"{expected}; got {describe(tolerance)}; {advice}")
    try:
        inspect.signature(f).bind(*args)
    except ValueError:  # what is written in C does not always say what it takes
        return
    except TypeError as slip:
        count = f"{len(args)} argument{'s' * (len(args) != 1)}"
        raise TypeError(f"check_gradients: f is called with {count}, and that does not fit: {slip}; {advice}") from None


def check_gradients(f: Callable[..., Operand], args: Sequence[Operand], tolerance: float = 1e-6) -> GradientCheck:
    """Compare the engine's gradient of f with central differences, for every number in `args`.

    f: a function of numbers, arrays and (nested) lists of them that returns one number, as for `grad`.
    args: its positional arguments as a list or tuple, or a single number or array; of nodes their numbers
    are taken. float32 arrays are compared in float64, as differences need it.
    tolerance: how far the two may be apart, relative to the larger; rounding of f is allowed for.
    AssertionError that names the first argument that disagrees, both numbers and the likely cause.
    TypeError if f does not return a number.

    >>> check_gradients(lambda x, w: x * w[0] + w[1], (3.0, [2.0, 1.0])).gradient
    (2.0, 3.0, 1.0)
    """
    if not callable(f):
        raise TypeError(
            f"check_gradients: expected a function that computes the loss anew, got {describe(f)}; "
            "write check_gradients(lambda w: ..., [w.data])"
        )
    args = map_leaves(args if isinstance(args, list | tuple) else [args], plain)
    _check_call(f, args, tolerance)
    names = tuple(name for i, x in enumerate(args) for name in _names(f"args[{i}]", x))
    point = [u for x in leaves(args) for u in _numbers(x)]

    def moved(i: int) -> Callable[[float], float]:
        return lambda t: _evaluate(f, args, [*point[:i], t, *point[i + 1 :]])

    with no_grad():  # the gradient as plain numbers, also where f uses other nodes
        traced = TracedCall("check_gradients", f, tuple(range(len(args))), map_leaves(args, _in_float64), {})
        _, gradients = value_and_gradient(traced)
    gradient = tuple(float(u) for g in leaves(gradients) for u in np.ravel(g))
    numeric = []
    for i, (name, x, g) in enumerate(zip(names, point, gradient, strict=True)):
        n, error, rounding = _ridders(moved(i), x)
        numeric.append(n)
        allowed = tolerance * max(abs(g), abs(n)) + 8 * rounding
        if not abs(g - n) <= allowed:
            raise AssertionError(
                f"check_gradients: the derivative by {name} at {x!r} is {g!r}, central differences give {n!r}; "
                + _cause(moved(i), x, g, n, error > allowed)
            )
    return GradientCheck(names, gradient, tuple(numeric))


def _cause(f: Callable[[float], float], x: float, g: float, n: float, unsettled: bool) -> str:
    """The likely reason why the gradient g and the numeric n differ, and what to do."""
    here, h = f(x), 1e-6 * max(abs(x), 1.0)
    if f(x) != here and here == here:
        return "f gives different results for the same arguments: fix its random numbers"
    if not math.isfinite(here) or not math.isfinite(g) or not math.isfinite(n):
        return f"f is {here!r} here, at or near a singular point: move away from it, or see find_nan"
    right, left = (_attempt(f, x + h) - here) / h, (here - _attempt(f, x - h)) / h
    if abs(_attempt(f, x + h / 16) - _attempt(f, x - h / 16)) > h / 4 * max(abs(left), abs(right)):
        return f"f jumps there, from {_attempt(f, x - h):g} to {_attempt(f, x + h):g}: move away from it"
    if not abs(right - left) <= 0.01 * max(abs(right), abs(left), abs(g)):
        return f"f has a kink there: its slope is {left:g} on the left and {right:g} on the right, so move away from it"
    if unsettled:
        return "the differences do not settle, as f is rough or noisy here: raise the tolerance or move away"
    if g == 0.0:
        return "the dependence is not in the graph: look for .data, item() or a number that was computed outside"
    wrong = f"a local derivative is wrong (the ratio is {g / n:.6g})" if n else "a local derivative is wrong"
    return wrong + ", or part of the dependence is not in the graph (.data, item())"


def _evaluate(f: Callable[..., Operand], args: Sequence[Operand], numbers: list[float]) -> float:
    """f with the numbers of `args` replaced: as Values and Tensors, so that their methods work."""
    values = iter(numbers)
    node = Tensor if any(map(_has_axes, leaves(args))) else Value

    def with_numbers(x: Operand) -> Operand:
        if not _has_axes(x):
            return node(next(values))
        return Tensor(np.reshape([next(values) for _ in range(x.size)], x.shape))

    z = f(*map_leaves(args, with_numbers))
    return z.item() if is_node(z) else real(z, "check_gradients: the result of f")


def _in_float64(x: Operand) -> Operand:
    return np.asarray(real_array(x, "check_gradients"), np.float64) if _has_axes(x) else x


def _has_axes(x: Operand) -> bool:
    return isinstance(x, np.ndarray) and x.ndim > 0


def _numbers(x: Operand) -> list[float]:
    if _has_axes(x):
        return [float(u) for u in real_array(x, "check_gradients").ravel()]
    return [real(x, "check_gradients")]


def _names(name: str, x: Operand) -> Iterator[str]:
    if is_sequence(x):
        for i, u in enumerate(x):
            yield from _names(f"{name}[{i}]", u)
    elif _has_axes(x):
        yield from (f"{name}[{', '.join(map(str, index))}]" for index in np.ndindex(x.shape))
    else:
        yield name


def find_nan(root: Node) -> Node | None:
    """The first node below `root` that is nan or infinite although its operands are finite.

    First in the order of computation: where a nan or an infinity was born, not where it travelled.
    A leaf that was given such a number counts, as does a node with such a constant. None if every
    number is finite. TypeError if `root` is not a node.

    >>> x = Value(0.0, label="x")
    >>> find_nan(x.log() * x).op
    <operation log>
    """
    if not is_node(root):
        raise TypeError(f"find_nan: expected a Value or a Tensor, got {describe(root)}")
    for node in topological_order(root):
        if not _is_finite(node) and all(_is_finite(u) for u in node.operands if is_node(u)):
            return node
    return None


def _is_finite(node: Node) -> bool:
    return bool(np.isfinite(node.numpy()).all()) if node.__class__ is Tensor else math.isfinite(node.data)
