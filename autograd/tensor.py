"""Tensor: an array of numbers that remembers how it was computed.

It is to whole arrays what Value is to one number: the same operations with the same rules, read on
arrays. A node keeps its operands; the rules are read when a gradient comes back.
"""

from __future__ import annotations

import itertools
import operator
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias, final

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike, DTypeLike

from . import modes
from .foreign import OF_NODES, answer, own_names, unknown_option
from .graph import UNRECORDED
from .ieee import quietly, restore, silence
from .lending import is_free, numbers_in, refuse_to_lend
from .node import BaseNode
from .numpy_names import array_functions, array_ufunc, plain_functions
from .numpy_names import dot as numpy_dot
from .op import Operation, refused_arrays
from .operands import FLOAT64, Axis, Index, Operand, declined, in_a_call, is_fixed, made_array, real_array, refusal
from .ops import elementwise, extremes, matrices, moves, shapes, softmaxes, sums
from .passes.tensors import backward, is_changed

__all__ = ["Tensor"]

# Numbers the results of operations in the order of computation, and counts on when the data of a
# leaf is changed: what is older than a result has not changed since.
next_serial = itertools.count(1).__next__

new = object.__new__
active, traces, innermost = modes.active, modes.traces, modes.no_grad.blocks.get
EXACT = 2**53  # integers below it are floats
LARGEST = 3e38  # numbers below it are numbers of float32 too

# What goes with a Tensor.
Other: TypeAlias = "Tensor | ArrayLike | Fraction"


@final
class Tensor(BaseNode):
    """An array of real numbers in a computation, with a gradient.

    data   numbers in any shape: an array, nested lists, one number. They are copied. float32 and
           float64 are kept, integers and booleans become float64; dtype chooses one of the two.
    label  its name in formulas and pictures, such as "W[1]"; None if unnamed.

    grad   ∂target/∂self after `target.backward()`, an array of the shape of `data`; None before.
           Leaves add up over passes. Results have one if they have a label, from the latest pass.

    Operators and the functions of `autograd` accept Tensors, arrays and numbers on either side, with
    broadcasting, and so do those of NumPy that have a gradient here. `==` between nodes is identity (a Tensor
    can be a dictionary key) and refused with numbers; `<` and its kin compare numbers and give boolean arrays.

    As an array: a leaf is one for whoever asks (`np.asarray(w)`, `plt.plot(w)`). A result, and every Tensor
    while a function is being differentiated, is not: NumPy would go on without a gradient. That is a
    TypeError, as is an operation that would take a leaf for a constant (`X.dot(w)`, `array[:] = w`, a sparse
    matrix on the left). `.data`, `.numpy()`, `.detach()`, `.tolist()` give the numbers of any Tensor, and under
    `no_grad` NumPy gets them too.

    TypeError for what is not real numbers, ValueError for rows of different lengths.

    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    # _operands  what the operation was given: Tensors, constant arrays, and what is not differentiated
    # _serial    when it was computed or, for a leaf, last changed
    # _seen      the bytes of a leaf whose array somebody outside may write to; None if nobody can
    # _buffer    where a leaf's gradient is written, an array that nobody outside sees; None if new ones are made
    # _before    of a leaf that was changed: from when to when it had other numbers, and these; unset before that
    # _steps     the numbers before the last step of an optimizer, and where in them; unset before that
    __slots__ = ("_before", "_buffer", "_data", "_grad", "_operands", "_seen", "_serial", "_steps")

    _is_array = True
    _operand_slots = ("_operands",)

    _data: np.ndarray
    _grad: np.ndarray | None
    _operands: tuple[Operand, ...]
    _serial: int
    _seen: bytes | None
    _buffer: np.ndarray | None
    _before: tuple[int, int, np.ndarray]
    _steps: tuple[Operand, slice]

    def __init__(
        self, data: Operand, label: str | None = None, *, dtype: DTypeLike | None = None, **unknown: object
    ) -> None:
        for name in unknown:
            raise unknown_option("Tensor", name, OF_NODES, ("data", "label", "dtype"))
        if hasattr(data.__class__, "_record"):
            raise TypeError(
                f"Tensor needs numbers, got a {type(data).__name__}; it is one node already, take its .data"
            )
        array = real_array(data, "Tensor")
        self._data = quietly(array.astype, array.dtype if dtype is None else _float_type(dtype))
        _as_leaf(self)
        if label is not None:
            self.label = label

    def __dir__(self) -> list[str]:
        return own_names(type(self))

    # ------------------------------------------------------------ what a node tells

    @property
    def data(self) -> np.ndarray:
        """The numbers. Those of a leaf can be written to; those of a result cannot.

        What is assigned to a leaf must have its shape and takes its dtype. A gradient that would
        come back through numbers changed since the forward pass is refused, see `backward`.
        """
        if self._op is not None:
            return self.numpy()
        if self._seen is None:
            self._seen = self._data.tobytes()
        return self._data

    @data.setter
    def data(self, data: Operand) -> None:
        if self._op is not None:
            raise TypeError(f"data: this is the result of {self._op.shown}; assign to the leaves it is computed from")
        if assign := in_a_program(self, "assign"):
            return assign(data)
        before = self._data.copy() if self._seen is None else self._seen_numbers()
        if data is not self._data:
            array = real_array(data, "data")
            if array.shape != self.shape:
                raise ValueError(f"data: expected shape {self.shape}, got {array.shape}; make a new Tensor")
            quietly(np.copyto, self._data, array, "same_kind")
        if self._seen is not None:
            self._seen = self._data.tobytes()
        self._before = self._serial, (serial := next_serial()), before
        self._serial = serial

    @property
    def grad(self) -> np.ndarray | None:
        """The gradient after a backward pass, None before. It is the caller's: no later pass writes to it.

        A pass keeps none for a result without a label; asking for it is None with a warning.
        """
        g = kept_gradient(self)
        if g is None and self._op is not None and self._label is None:
            warnings.warn(
                f"grad: this is the result of {self._op.shown} and has no label, and a backward pass keeps the "
                "gradients of leaves and of results with a label only: give it one before (t.label = 't'), or use "
                "gradients(target, t)",
                UserWarning,
                stacklevel=2,
            )
        return g

    @grad.setter
    def grad(self, g: Operand) -> None:
        if g is not None:
            array = real_array(g, "grad")
            g = array if array.dtype is self.dtype else quietly(array.astype, self.dtype)
            if g.shape != self.shape:
                raise ValueError(f"grad: expected shape {self.shape}, got {g.shape}")
        self._grad = g

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What the operation was given, in order: Tensors, constant arrays, axes, shapes, indices."""
        return self._operands

    @property
    def shape(self) -> tuple[int, ...]:
        """The size along each axis."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype:
        """float32 or float64."""
        return self._data.dtype

    @property
    def T(self) -> Tensor:
        """The transpose: axes in reverse order."""
        return _record(shapes.transpose.op, self, None)

    @property
    def _prev(self) -> tuple[Tensor, ...]:
        """The Tensors among the operands, each once: what micrograd calls so."""
        return tuple(dict.fromkeys(u for u in self.operands if u.__class__ is Tensor))

    def backward(self, seed: Operand = None, **unknown: object) -> None:
        """Add ∂self/∂leaf to the `.grad` of every leaf below.

        seed: the gradient of self, an array of its shape; 1 if self is one number.
        ValueError if self is not one number and there is no seed, or if it has another shape;
        RuntimeError if the data of a leaf was changed after it was used (an optimizer's step, an
        assignment to `.data`, writing into it): set the gradients to None, for some leaves may have got
        their part already, and run the forward pass again.
        """
        for name in unknown:
            raise unknown_option("backward", name, OF_NODES, ["seed"])
        z = self._data
        g = self.seed(seed) if z.ndim or seed is not None else elementwise.ONE[z.dtype]
        if type(z) is not ndarray and (pull_back := in_a_program(self, "pull_back")):
            return pull_back(self, g)
        before = silence()
        try:
            (in_a_program(self, "pull_back") or backward)(self, g)
        finally:
            restore(before)

    def seed(self, seed: Operand = None, where: str = "backward") -> np.ndarray:
        """The gradient that arrives at self when it is the target; the checks are those of `backward`."""
        if seed is None:
            if self._data.size != 1:
                raise ValueError(
                    f"{where}() needs one element, shape is {self.shape}: "
                    f"reduce it (for example .sum()) or pass {where}(seed)"
                    + (", or see jacobian" if where == "gradients" else "")
                )
            return elementwise.ONE[self._data.dtype] if not self._data.ndim else np.ones(self.shape, self.dtype)
        seed = quietly(np.array, real_array(seed, f"{where}: seed"), self.dtype)
        if seed.shape != self.shape:
            raise ValueError(f"{where}: expected a seed of shape {self.shape}, got {seed.shape}")
        return seed

    def item(self) -> float:
        """The number, as a plain float. ValueError if there is not exactly one."""
        if self._data.size != 1:
            raise ValueError(f"item() needs one element, shape is {self.shape}; use .data or .tolist()")
        x: float = self._data.item()
        return x

    def numpy(self) -> np.ndarray:
        """The numbers as an array that cannot be written to."""
        view = self._data.view()
        view.flags.writeable = False
        return view

    def tolist(self) -> Operand:
        """The numbers as nested lists; a float if there are no axes."""
        return self._data.tolist()

    def detach(self) -> Tensor:
        """The same numbers as a new leaf, a constant: no gradient passes, and a Module does not train it."""
        t = Tensor(self._data)
        t._operands = UNRECORDED
        return t

    def astype(self, dtype: DTypeLike) -> Tensor:
        """The numbers as float32 or float64."""
        return shapes.cast(self, _float_type(dtype))

    # ------------------------------------------------------------ recording

    if TYPE_CHECKING:

        @staticmethod
        def _record(op: Operation, *operands: Operand) -> Tensor: ...

    def _unary(self, op: Operation) -> Tensor:
        return _record(op, self)

    def _stamp(self) -> int:
        """When the data of this leaf was last changed, as far as anybody can tell now."""
        now = self._data.tobytes()
        if now != self._seen:
            self._before = self._serial, (serial := next_serial()), self._seen_numbers()
            self._seen = now
            self._serial = serial
        return self._serial

    def _seen_numbers(self) -> np.ndarray:
        assert self._seen is not None
        return np.frombuffer(self._seen, self.dtype).reshape(self.shape)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Operand, **kwargs: Operand) -> Operand:
        """NumPy functions and operators with an array on the left give Tensors too."""
        function = array_ufunc(ufunc)
        if function is not None and method == "__call__" and not kwargs:
            return function(*inputs)
        called = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
        options = f" with {', '.join(kwargs)}=" if kwargs else ""
        advice = "; x += t would write into an array: write x = x + t" if "out" in kwargs else ""
        return _on_numbers(getattr(ufunc, method), called + options, advice, inputs, kwargs)

    def __array_function__(
        self, func: Callable[..., Operand], types: object, args: Sequence[Operand], kwargs: Mapping[str, Operand]
    ) -> Operand:
        if func in plain_functions:
            return func(*numbers_in(args, gradless=True), **numbers_in(kwargs, gradless=True))
        called = f"{func.__module__.replace('numpy', 'np', 1)}.{func.__name__}"
        known = array_functions.get(func)
        if known is None:
            return _on_numbers(func, called, "", args, kwargs)
        found, unknown = known.arguments(args, kwargs)
        if unknown:
            called += f" with {', '.join(unknown)}" + ("" if " " in unknown[0] else "=")
            return _on_numbers(func, called, f", which know {known}", args, kwargs)
        return known.function(**found)

    if not TYPE_CHECKING:  # for whom a Tensor is no array: what is on its left gives a Tensor with it

        def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
            refuse_to_lend(self, dtype)
            with np.errstate(all="ignore"):
                return np.array(self.numpy(), dtype, copy=copy)

    def __dlpack__(self, **kwargs: Operand) -> Operand:
        refuse_to_lend(self)
        return self._data.copy().__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Operand:
        return self._data.__dlpack_device__()

    # ------------------------------------------------------------ operators

    # (+ − × ÷ ** @ and their comparisons are made below)

    if TYPE_CHECKING:

        def __add__(self, other: Other) -> Tensor: ...
        def __radd__(self, other: Other) -> Tensor: ...
        def __sub__(self, other: Other) -> Tensor: ...
        def __rsub__(self, other: Other) -> Tensor: ...
        def __mul__(self, other: Other) -> Tensor: ...
        def __rmul__(self, other: Other) -> Tensor: ...
        def __truediv__(self, other: Other) -> Tensor: ...
        def __rtruediv__(self, other: Other) -> Tensor: ...
        def __pow__(self, other: Other) -> Tensor: ...
        def __rpow__(self, other: Other) -> Tensor: ...
        def __matmul__(self, other: Other) -> Tensor: ...
        def __rmatmul__(self, other: Other) -> Tensor: ...
        def __lt__(self, other: Other) -> np.ndarray: ...
        def __le__(self, other: Other) -> np.ndarray: ...
        def __gt__(self, other: Other) -> np.ndarray: ...
        def __ge__(self, other: Other) -> np.ndarray: ...

    def __isub__(self, other: Other) -> Tensor:
        # `p -= lr * p.grad` would rebind the loop's name and leave the parameter as it was.
        if self._op is None and self._grad is not None and other.__class__ is not Tensor:
            name = self._label or "p"
            raise TypeError(
                f"{name} -= array: this makes a new Tensor and leaves the parameter {name} unchanged; "
                "to update it in place write p.data -= lr * p.grad"
            )
        return self - other

    def __getitem__(self, index: Operand) -> Tensor:
        return _record(shapes.getitem.op, self, _checked_index(index))

    def __setitem__(self, index: Index, value: Operand) -> None:
        raise TypeError(
            "a Tensor cannot be written to in place, as gradients belong to what was computed; "
            "use where(mask, value, t), or t.data[index] = ... on a leaf before computing with it"
        )

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("a Tensor without axes is a single number and has no length")
        return len(self._data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    # ------------------------------------------------------------ methods

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Sum over axes; see `autograd.sum`."""
        return _record(sums.array_sum.op, self, axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Mean over axes; see `autograd.mean`."""
        return _record(sums.array_mean.op, self, axis, keepdims)

    def prod(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Product over axes; see `autograd.prod`."""
        return _record(sums.array_prod.op, self, axis, keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """The largest number over axes; see `autograd.max`."""
        return extremes.max(self, axis, keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """The smallest number over axes; see `autograd.min`."""
        return extremes.min(self, axis, keepdims)

    def var(self, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
        """Variance over axes; see `autograd.var`."""
        return sums.var(self, axis, keepdims, ddof)

    def std(self, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
        """Standard deviation over axes; see `autograd.std`."""
        return _record(sums.std.op, self, axis, keepdims, ddof)

    def argmax(self, axis: int | None = None) -> Operand:
        """Where the largest number is, as integers without gradient."""
        return extremes.argmax(self, axis)

    def argmin(self, axis: int | None = None) -> Operand:
        """Where the smallest number is, as integers without gradient."""
        return extremes.argmin(self, axis)

    def softmax(self, axis: int = softmaxes.LAST, *, samples: str | None = None) -> Tensor:
        """e^x over its sum along an axis; see `autograd.softmax`."""
        return softmaxes.softmax(self, axis, samples=samples)

    def log_softmax(self, axis: int = softmaxes.LAST, *, samples: str | None = None) -> Tensor:
        """The logarithm of softmax; see `autograd.log_softmax`."""
        return softmaxes.log_softmax(self, axis, samples=samples)

    def logsumexp(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """log Σ e^self over axes; see `autograd.logsumexp`."""
        return _record(softmaxes.array_logsumexp.op, self, axis, keepdims)

    def reshape(self, *shape: int | tuple[int, ...]) -> Tensor:
        """The same numbers in another shape; see `autograd.reshape`."""
        found: Operand = shape[0] if len(shape) == 1 else shape
        return shapes.reshape(self, found)

    def flatten(self) -> Tensor:
        """The same numbers along one axis."""
        return _record(shapes.reshape.op, self, (-1,))

    ravel = flatten

    def transpose(self, *axes: int | tuple[int, ...] | None) -> Tensor:
        """Axes in another order; see `autograd.transpose`."""
        return shapes.transpose(self, (axes[0] if len(axes) == 1 else axes) or None)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Two axes exchanged."""
        return shapes.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: int | tuple[int, ...] | None = None) -> Tensor:
        """Without axes of size 1; see `autograd.squeeze`."""
        return shapes.squeeze(self, axis)

    def take(self, indices: Operand, axis: int | None = None) -> Tensor:
        """The members at these places; see `autograd.take`."""
        return shapes.take(self, indices, axis)

    def repeat(self, repeats: int | list[int], axis: int | None = None) -> Tensor:
        """Each member so many times; see `autograd.repeat`."""
        return moves.repeat(self, repeats, axis)

    def cumsum(self, axis: int | None = None) -> Tensor:
        """Running sums; see `autograd.cumsum`."""
        return moves.cumsum(self, axis)

    def cumprod(self, axis: int | None = None) -> Tensor:
        """Running products; see `autograd.cumprod`."""
        return moves.cumprod(self, axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The numbers at equal places of two axes; see `autograd.diagonal`."""
        return moves.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The sum of a diagonal; see `autograd.trace`."""
        return moves.trace(self, offset, axis1, axis2)

    def any(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Operand:
        """Whether a number is not 0, without gradient; see numpy.any."""
        return self._data.any(axis, keepdims=keepdims)

    def all(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Operand:
        """Whether no number is 0, without gradient; see numpy.all."""
        return self._data.all(axis, keepdims=keepdims)

    def dot(self, other: Operand) -> Tensor:
        """Matrix product; numpy.dot for what has more than two axes."""
        if self.ndim == 2 and other.__class__ is Tensor and other._data.ndim == 2:
            return _record(matrices.matmul.op, self, other)
        return numpy_dot(self, other)

    # ------------------------------------------------------------ what a Tensor is not

    def __bool__(self) -> bool:
        raise TypeError("the truth of a Tensor is ambiguous; compare its data: (t.data > 0).all()")

    def __float__(self) -> float:
        if is_free():
            return self.item()
        raise TypeError(
            "float() and the functions of math would cut a Tensor off from its graph; "
            "use the function of the same name from autograd (exp(t)), or t.item() for the plain number"
        )

    def __int__(self) -> int:
        raise TypeError("int() would cut a Tensor off from its graph; use int(t.item())")

    def __complex__(self) -> complex:
        raise TypeError("a Tensor is real; complex() is not defined for it")

    def __round__(self, digits: int | None = None) -> Operand:
        raise TypeError("round() has no useful derivative; use t.data.round()")

    def __repr__(self) -> str:
        numbers = np.array2string(self._data, separator=", ", prefix="Tensor(", threshold=100)
        dtype = "" if self.dtype == np.float64 else f", dtype={self.dtype}"
        name = "" if self._label is None else f", label={self._label!r}"
        shape = f", shape={self.shape}" if self.size > 100 or not self.size else ""
        return f"Tensor({numbers}{shape}{dtype}{name})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    # ------------------------------------------------------------ copies

    def _contents(self) -> dict[str, Operand]:
        # The serial is not copied: nodes are restored in the order of computation and get new ones. A result
        # of numbers that have changed since stays older than they are, so that its gradient is still refused.
        stale = any(u.__class__ is Tensor and u._op is None and is_changed(u, self) for u in self._operands)
        return {
            "_data": self._data.copy(),
            "_grad": None if self._grad is None else self._grad.copy(),
            "_label": self._label,
            "_op": self._op,
            "_operands": self._operands,
            "_serial": -1 if stale else 1,
        }

    def _restore(self, contents: dict[str, Operand]) -> None:
        for name, content in contents.items():
            setattr(self, name, content)
        if self._data.base is not None:  # pickle leaves large arrays in the bytes that it read
            self._data = self._data.copy()
        self._seen = self._buffer = None
        self._serial *= next_serial()


def _operators(op: Operation, name: str) -> None:
    """The methods behind an operator: with the Tensor on its left, and with it on its right."""
    reflected = f"__r{name}__"

    def left(self: Tensor, other: Operand) -> Tensor:
        try:
            return _record(op, self, other)
        except TypeError:
            return declined(other, reflected)

    def right(self: Tensor, other: Operand) -> Tensor:
        return _record(op, other, self)

    for method, function in ((f"__{name}__", left), (reflected, right)):
        function.__name__, function.__qualname__ = method, f"Tensor.{method}"
        setattr(Tensor, method, function)


for _function, _name in (
    (elementwise.add, "add"),
    (elementwise.sub, "sub"),
    (elementwise.mul, "mul"),
    (elementwise.div, "truediv"),
    (elementwise.power, "pow"),
    (matrices.matmul, "matmul"),
):
    _operators(_function.op, _name)


def _comparison(compare: Callable[[Operand, Operand], Operand], mirrored: str) -> Operand:
    def compared(self: Tensor, other: Operand) -> Operand:
        try:
            return compare(self._data, sums.comparable(other))
        except TypeError:
            return declined(other, mirrored)

    return compared


Tensor.__lt__ = _comparison(operator.lt, "__gt__")  # type: ignore[method-assign]
Tensor.__le__ = _comparison(operator.le, "__ge__")  # type: ignore[method-assign]
Tensor.__gt__ = _comparison(operator.gt, "__lt__")  # type: ignore[method-assign]
Tensor.__ge__ = _comparison(operator.ge, "__le__")  # type: ignore[method-assign]


def _refuse(names: str, signs: str, advice: str) -> None:
    for name in names.split():
        setattr(Tensor, f"__{name}__", refusal(name, f"{signs} not defined for Tensors: {advice}"))


_refuse("floordiv rfloordiv mod rmod divmod rdivmod", "// and % are", "they jump; use t.data for the plain numbers")
_refuse("and rand or ror xor rxor invert", "&, |, ^ and ~ are", "join masks instead: (t > 0) & (t < 1)")
_refuse("lshift rlshift rshift rrshift", "<< and >> are", "use t * 2**n or t.data")


def _on_numbers(
    function: Callable[..., Operand], called: str, advice: str, args: Sequence[Operand], kwargs: Mapping[str, Operand]
) -> Operand:
    """A function of NumPy's that has no gradient here, on plain numbers where these may be taken."""
    try:
        args, kwargs = numbers_in(args), numbers_in(kwargs)
    except TypeError:
        raise TypeError(
            f"{called} is not defined for Tensors{advice}; use .data for the plain numbers, or no_grad()"
        ) from None
    return function(*args, **kwargs)


def _as_leaf(t: Tensor) -> None:
    t._op = t._label = t._grad = t._seen = t._buffer = None
    t._operands = ()
    t._serial = next_serial()
    if traces:
        modes.note_birth(t)


def numbers_before(t: Tensor, results: Sequence[Tensor]) -> np.ndarray | None:
    """The numbers of a leaf that these results used, if it was changed once since; None if that is not on record."""
    since, until, numbers = getattr(t, "_before", (0, 0, None))
    steps, place = getattr(t, "_steps", (None, None))
    if steps is not None and steps.until == t._serial:
        since, until, numbers = max(steps.since, until), steps.until, steps.before[place].reshape(t.shape).copy()
    return numbers if until == t._serial and all(v._serial > since for v in results) else None


def kept_gradient(t: Tensor) -> np.ndarray | None:
    """What `.grad` is, for those who show what there is: none is no reason for a word."""
    g = t._grad
    if g is None:
        return None
    if t._op is not None:
        return np.array(g)
    if g is t._buffer:
        t._grad = g = g.copy()
    return g


def in_a_program(t: Tensor, what: str) -> Operand:
    """What is done to a Tensor while a function of it is written down, see `fast.effects`; else None."""
    data = t._data
    return None if type(data) is ndarray else getattr(data, what, None)


def leaf(array: ndarray, label: str | None = None) -> Tensor:
    """A leaf of an array that was just computed, without copying it; a view is copied."""
    t = new(Tensor)
    t._data = array if array.base is None else array.copy()
    _as_leaf(t)
    t._label = label
    return t


def stand_in(data: Operand, buffer: Operand) -> Tensor:
    """A leaf of anything that works like an array, with another such thing for its gradient."""
    t = new(Tensor)
    t._data = data
    _as_leaf(t)
    t._buffer = buffer
    return t


def _float_type(dtype: DTypeLike) -> np.dtype:
    found = np.dtype(dtype)
    if found not in (np.float32, np.float64):
        raise ValueError(f"dtype: expected float32 or float64, got {found}")
    return found


def _checked_index(index: Index) -> Operand:
    for i in index if isinstance(index, tuple) else (index,):
        if hasattr(i.__class__, "_record"):
            raise TypeError(f"an index must be integers, slices or a mask such as t > 0; got a {type(i).__name__}")
    return shapes.fixed_index(index)


# ---------------------------------------------------------------- recording


def _record(op: Operation, *operands: Operand) -> Tensor:
    """A node for the result. All operands that take part in arithmetic are made arrays of one dtype first."""
    data: list[Operand] = []
    dtype = None
    for u in operands:
        if u.__class__ is Tensor:
            if u._seen is not None:
                u._stamp()
            u = u._data
        elif u.__class__ is ndarray and not is_fixed(u):
            return _record_prepared(op, operands)
        elif op.pulls[len(data)] is None:
            data.append(u)
            continue
        elif u.__class__ is not ndarray:
            return _record_prepared(op, operands)
        if u.dtype is not dtype:
            if dtype is not None and u.dtype != dtype:
                return _record_prepared(op, operands)
            dtype = u.dtype
        data.append(u)
    if op.plain:
        for i in op.plain:
            if operands[i].__class__ is Tensor:
                raise _not_plain(op, i)
    before = silence()
    try:
        z = op.forward(*data)
    except Exception as error:
        z = _explained(op, data, error)
    finally:
        restore(before)
    if z.__class__ is not ndarray:
        z = made_array(z)
    v = new(Tensor)
    v._label = v._grad = v._seen = None
    v._serial = next_serial()
    if active and (block := innermost()) is not None and (block.is_open or not modes.is_recording()):
        # How it was computed is forgotten. Its array becomes its own: what can be written to shares with nothing.
        is_shared = z.base is not None
        for x in data:
            if x is z:
                is_shared = True
        v._data = z.copy() if is_shared else z
        v._op = v._buffer = None
        v._operands = UNRECORDED
        if traces:
            modes.note_birth(v)
        return v
    v._data = z
    v._op = op
    v._operands = operands
    if active and modes.is_detecting_anomalies():
        _check_finite(v)
    return v


Tensor._record = staticmethod(_record)  # type: ignore[method-assign]


def _explained(op: Operation, data: list[Operand], error: Exception) -> Operand:
    """What a forward function gave that asks for its operands one by one; for all others an error that users read."""
    if call := in_a_call(data):
        return call(op.forward, data)
    if not isinstance(error, TypeError | ValueError):
        raise error
    if refused := refused_arrays(op, data, error):
        raise refused from error
    if not op.rules or "broadcast" not in str(error):
        raise error
    shapes = " and ".join(str(np.shape(x)) for x in data)
    raise ValueError(f"{op.shown}: shapes {shapes} do not go together") from None


def _record_prepared(op: Operation, operands: tuple[Operand, ...]) -> Tensor:
    """The same for operands of several kinds: numbers, arrays that may change, float32 and float64 mixed."""
    if op.is_flat and len(operands) == 2:  # a Tensor and a plain number, the commonest
        x, y = operands
        if x.__class__ is Tensor and (number := _fixed_number(y, x._data.dtype)) is not None:
            return _record(op, x, number)
        if y.__class__ is Tensor and (number := _fixed_number(x, y._data.dtype)) is not None:
            return _record(op, number, y)
    if op.reduces:
        raise TypeError(f"{op.shown}: expected numbers, got a list of nodes; join Tensors with stack()")
    types = set()
    for i, u in enumerate(operands):
        if u.__class__ is Tensor:
            if op.pulls[i] is None:
                raise _not_plain(op, i)
            types.add(u.dtype)
        elif isinstance(u, tuple) and op.pulls[i] is not None:
            raise TypeError(f"{op.shown}: expected numbers or a Tensor, got a list of nodes; join them with stack()")
    held = None if len(types) > 1 else _constants(op, operands, types.pop())
    return _record(op, *(_of_one_type(op, operands) if held is None else held))


def _fixed_number(x: Operand, dtype: np.dtype) -> ndarray | None:
    """A plain number as an array that nobody can write to; None for what has to be looked at more closely."""
    kind = type(x)  # x.__class__ may be that of what it stands for, see fast.recorder
    if kind is float:
        if dtype is not FLOAT64 and not -LARGEST < x < LARGEST:
            return None
    elif kind is not int or not -EXACT < x < EXACT:
        return None
    array = np.array(x, dtype)
    array.flags.writeable = False
    return array


def _not_plain(op: Operation, i: int) -> TypeError:
    return TypeError(f"{op.shown}: operand {i + 1} is not differentiated and must be plain, got a Tensor")


def _constants(op: Operation, operands: tuple[Operand, ...], dtype: DTypeLike) -> tuple[Operand, ...] | None:
    """The operands with those that are not Tensors as arrays of `dtype`; None if one of them has more precision.

    An array that can be written to is copied, so that the result does not change with it.
    """
    held: list[Operand] = []
    for i, u in enumerate(operands):
        if u.__class__ is Tensor:
            held.append(u)
        elif op.pulls[i] is None:
            held.append(_kept(u) if u.__class__ is ndarray else u)
        else:
            array = _constant(u, op)
            if array.dtype != dtype:
                if isinstance(u, ndarray | np.generic) and np.result_type(u, dtype) != dtype:
                    return None
                array = quietly(array.astype, dtype)
            held.append(_kept(array))
    return tuple(held)


def _kept(array: ndarray) -> ndarray:
    """An array that nobody can write to."""
    if not is_fixed(array):
        array = array.copy()
        array.flags.writeable = False
    return array


def _constant(u: Operand, op: Operation) -> np.ndarray:
    if hasattr(u.__class__, "_record"):
        raise TypeError(f"{op.shown}: a Tensor does not go with a {type(u).__name__}; make the number a Tensor too")
    if isinstance(u, np.matrix):  # for which * and ** mean the matrix product
        raise TypeError(f"{op.shown}: a Tensor does not go with a np.matrix; take np.asarray(matrix), and write @")
    return real_array(u, op.shown)


def _of_one_type(op: Operation, operands: tuple[Operand, ...]) -> tuple[Operand, ...]:
    """All operands as float64, where some are and some are not."""
    return tuple(u if op.pulls[i] is None else _wide(u, op) for i, u in enumerate(operands))


def _wide(u: Operand, op: Operation) -> Operand:
    if u.__class__ is not Tensor:
        return _constant(u, op).astype(FLOAT64)
    return u if u.dtype == FLOAT64 else shapes.cast(u, FLOAT64)


def _check_finite(v: Tensor) -> None:
    bad = ~np.isfinite(v._data)
    if not bad.any():
        return
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in ("autograd", "nn"):
        frame = frame.f_back
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    shapes = ", ".join(f"{u._label or 'Tensor'} {u.shape}" for u in v._operands if u.__class__ is Tensor)
    name = v._op.shown if v._op is not None else "leaf"
    raise ArithmeticError(
        f"{name}({shapes}) gave {v._data[place]} at {place}, {int(bad.sum())} of {bad.size} numbers not finite, "
        f"recorded at {frame.f_code.co_filename}, line {frame.f_lineno}"
    )


answer(Tensor, OF_NODES)


class _Called(types.ModuleType):
    """This module, called: autograd.tensor([1.0, 2.0]) is the Tensor that it is in other libraries."""

    def __call__(self, *args: Operand, **named: Operand) -> Tensor:
        return Tensor(*args, **named)


sys.modules[__name__].__class__ = _Called
