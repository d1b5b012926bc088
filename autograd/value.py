"""Value: one number that remembers how it was computed.

Every operation on Values makes a new node that keeps its operands and the local derivative for
each of them as numbers, so that gradients and paths belong to the forward pass whatever happens
to `.data` later. A node is one flat object without closures and without cycles: it is freed by
reference counting, and a chain of a million nodes needs no recursion anywhere.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, NoReturn, final

import numpy as np

from . import graph, modes, numpy_names
from .foreign import OF_NODES, answer, own_names, unknown_option
from .formulas.expression import symbol
from .ieee import ieee
from .lending import is_free, numbers_in, refuse_to_lend
from .node import BaseNode
from .op import Operation
from .operands import Operand, Traced, Vector, declined, describe, real, refusal
from .ops import elementwise
from .passes.values import Mixed
from .passes.values import backward as _backward
from .signatures import Real

__all__ = ["Value", "format_value"]

# The grad of a node that no backward pass has reached. It is a 0.0 like any other, but an object of
# its own, so that an optimizer can tell "no gradient yet" from "the gradient is 0".
NO_GRADIENT = float("0")

# A new object whenever `.data` of some Value is assigned: numbers taken from Values before are
# still theirs if it is the same.
assigned = [object()]

new = object.__new__
active, traces = modes.active, modes.traces


@final
class Value(BaseNode):
    """A real number in a computation, with a gradient.

    data   the number, a float. int, bool, Fraction, NumPy real scalars and 0-d arrays are
           converted; anything else is a TypeError.
    label  its name in formulas and pictures, such as "w", "yhat" or "w[1]_1,2"; None if unnamed.
    grad   ∂target/∂self after `target.backward()`; 0.0 before. Leaves add up over passes,
           interior nodes show the latest.

    Operators and the functions of `autograd` accept Values and numbers on either side and give
    Values. `==` between nodes is identity (a Value can be a dictionary key) and refused with numbers:
    write v.data == 0. `<` and its kin compare data.

    NumPy does not make arrays of Values, for it would go on without a gradient; except under `no_grad`.
    Keep them in a list, or take their `.data`.

    >>> x = Value(3.0, label="x")
    >>> y = x * x
    >>> y.backward()
    >>> x.grad
    6.0
    """

    # How operands are stored, flat because a node is made for every operation:
    #   one or two operands   _x, _y are the operands and _dx, _dy their local derivatives; a
    #                         constant operand is None and its number stands in _dx or _dy
    #   sequences             _x is a tuple of operands and of tuples of operands, _dx one of their
    #                         derivatives: as many as operands (Mixed if some of these are
    #                         constants), a float that holds for all, or None for constants; _y is None
    #   both at once          an activation of a weighted sum, as `fast.neuron` describes it
    #   a leaf                _op and _x are None, the rest is unset; _x of a constant is UNRECORDED
    __slots__ = ("_data", "_dx", "_dy", "_x", "_y", "grad")

    _operand_slots = ("_x", "_y")

    _data: float
    grad: float
    _x: Operand
    _y: Operand
    _dx: Operand
    _dy: Operand

    def __init__(self, data: Operand, label: str | None = None, _op: object = None, **unknown: object) -> None:
        self._data = data if data.__class__ is float else _leaf_data(data)
        self.grad = NO_GRADIENT
        self._op = self._x = None
        if traces:
            modes.note_birth(self)
        if label is not None or _op is not None or unknown:
            for name in unknown:
                raise unknown_option("Value", name, OF_NODES, ("data", "label"))
            if _op is not None or isinstance(label, tuple | set):
                raise TypeError(
                    "Value(data, label): a result is made by its operation and keeps its operands itself; an operation "
                    "of one's own is one decorated function, see autograd.op.elementwise"
                )
            self.label = label

    def __dir__(self) -> list[str]:
        return own_names(type(self))

    # ------------------------------------------------------------ what a node tells

    def _assign(self, data: Operand) -> None:
        self._data = data if data.__class__ is float else real(data, "data")
        assigned[0] = object()

    if TYPE_CHECKING:

        @property
        def data(self) -> float: ...
        @data.setter
        def data(self, data: Operand) -> None: ...

    else:  # read in C, and written through the check; nodes are made with _data itself
        data = property(attrgetter("_data"), _assign, doc="The number, a float; what is assigned is converted.")

    @property
    def operand_groups(self) -> tuple[Operand, ...]:
        """The operands as the operation's rules see them: sequences as Vectors, constants as floats."""
        op = self._op
        if op is None:
            return ()
        x = self._x
        if x is None:
            x = self._dx
        elif x.__class__ is not Value:
            x = self._in_full_form()
            if x.__class__ is tuple:
                return tuple(Vector(g) if g.__class__ is tuple else g for g in x)
        if len(op.rules) == 1:
            return (x,)
        return x, self._dy if self._y is None else self._y

    @property
    def operands(self) -> tuple[Operand, ...]:
        """All operands in order, Values and floats, each as often as it was used."""
        groups = self.operand_groups
        if self._op is None or self._x.__class__ is not tuple:
            return groups
        return tuple(u for g in groups for u in (g if isinstance(g, Vector) else (g,)))

    @property
    def local_derivatives(self) -> tuple[float | None, ...]:
        """∂self/∂operand for each of `operands` as recorded; None for constants."""
        op = self._op
        if op is None:
            return ()
        x = self._x
        if x is not None and x.__class__ is not Value:
            x = self._in_full_form()
        if x.__class__ is not tuple:
            first = None if x is None else self._dx
            return (first,) if len(op.rules) == 1 else (first, None if self._y is None else self._dy)
        flat: list[float | None] = []
        for us, d in zip(x, self._dx, strict=True):
            if us.__class__ is not tuple:
                flat.append(d)
            elif d.__class__ is float or d is None:
                flat.extend(d if u.__class__ is Value else None for u in us)
            else:
                flat.extend(d)
        return tuple(flat)

    def _in_full_form(self) -> Operand:
        """What _x is once a neuron has the form of other nodes."""
        if self._x.__class__ is not tuple:
            self._x.unfold(self)
        return self._x

    @property
    def _prev(self) -> tuple[Value, ...]:
        """The Values among the operands, each once: what micrograd calls so, for what is written for it."""
        return tuple(dict.fromkeys(u for u in self.operands if u.__class__ is Value))

    def backward(self, **unknown: object) -> None:
        """Add ∂self/∂leaf to the `.grad` of every leaf below, and set that of every node between.

        Interior nodes start anew at each call; leaves accumulate until their grad is set to 0.0.
        """
        for name in unknown:
            raise unknown_option("backward", name, OF_NODES, ())
        _backward(self)

    def item(self) -> float:
        """The number, as a plain float."""
        return self._data

    def numpy(self) -> np.ndarray:
        """The number as an array without axes that cannot be written to."""
        array = np.array(self._data)
        array.flags.writeable = False
        return array

    @property
    def shape(self) -> tuple[()]:
        """(), as of an array without axes."""
        return ()

    def detach(self) -> Value:
        """The same number as a new leaf, a constant: no gradient passes, and a Module does not train it."""
        return _unrecorded(self._data)

    # ------------------------------------------------------------ recording

    @staticmethod
    def _record(op: Operation, *operands: Operand) -> Value:
        """A new node: the result of `op` with its operands and local derivatives."""
        if not op.is_flat:
            return _record_groups(op, operands)
        return operands[0]._unary(op) if len(operands) == 1 else _record_elementwise(op, operands)

    def _unary(self, op: Operation) -> Value:
        """The same for one operand, without detours."""
        xd = self._data
        try:
            zd = op.forward(xd)
            dx = op.slope(zd, xd)
        except (ArithmeticError, ValueError):
            return _record_elementwise(op, (self,))
        if active:
            return _record_elementwise(op, (self,))
        z = new(Value)
        z._data = zd if zd.__class__ is float else float(zd)
        z.grad = NO_GRADIENT
        z._op = op
        z._x = self
        z._y = None
        z._dx = dx if dx.__class__ is float else float(dx)
        return z

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Operand, **kwargs: Operand) -> Operand:
        """NumPy functions and operators with a NumPy number on the left give Values too."""
        function = _COMPARISONS.get(ufunc) or numpy_names.ufunc(ufunc)
        for x in inputs:
            if x.__class__ is not Value and isinstance(x, np.ndarray) and x.ndim:
                raise _meets_array(f"np.{ufunc.__name__}", x)
        if function is not None and method == "__call__" and not kwargs:
            return function(*inputs)
        try:
            inputs, kwargs = numbers_in(inputs), numbers_in(kwargs)
        except TypeError:
            raise TypeError(f"np.{ufunc.__name__} is not defined for Values; use .data for the plain number") from None
        return getattr(ufunc, method)(*inputs, **kwargs)

    def __array_function__(
        self, function: Callable[..., Operand], types: object, args: Sequence[Operand], kwargs: Mapping[str, Operand]
    ) -> Operand:
        if function in (np.where, np.clip):
            found, unknown = numpy_names.array_functions[function].arguments(args, kwargs)
            if not unknown:
                return numpy_names.array_functions[function].function(**found)
        gradless = function in numpy_names.plain_functions
        return function(*numbers_in(args, gradless=gradless), **numbers_in(kwargs, gradless=gradless))

    # ------------------------------------------------------------ operators (+ − × ÷ are compiled below)

    if TYPE_CHECKING:

        def __add__(self, other: Value | Real) -> Value: ...
        def __radd__(self, other: Value | Real) -> Value: ...
        def __sub__(self, other: Value | Real) -> Value: ...
        def __rsub__(self, other: Value | Real) -> Value: ...
        def __mul__(self, other: Value | Real) -> Value: ...
        def __rmul__(self, other: Value | Real) -> Value: ...
        def __truediv__(self, other: Value | Real) -> Value: ...
        def __rtruediv__(self, other: Value | Real) -> Value: ...

    def __pow__(self, other: Value | Real) -> Value:
        return _binary(elementwise.power, self, other)

    def __rpow__(self, other: Value | Real) -> Value:
        return _binary(elementwise.power, other, self)

    def __isub__(self, other: Value | Real) -> Value:
        # `p -= lr * p.grad` would rebind the loop's name and leave the parameter as it was.
        if self._op is None and self.grad is not NO_GRADIENT and other.__class__ is not Value:
            name = "p" if self.label is None else self.label
            raise TypeError(
                f"{name} -= number: this makes a new Value and leaves the parameter {name} unchanged; "
                "to update it in place write p.data -= lr * p.grad"
            )
        return self - other

    def __lt__(self, other: Operand) -> bool:
        try:
            return self._data < _comparable(other)
        except TypeError:
            return declined(other, "__gt__")

    def __le__(self, other: Operand) -> bool:
        try:
            return self._data <= _comparable(other)
        except TypeError:
            return declined(other, "__ge__")

    def __gt__(self, other: Operand) -> bool:
        try:
            return self._data > _comparable(other)
        except TypeError:
            return declined(other, "__lt__")

    def __ge__(self, other: Operand) -> bool:
        try:
            return self._data >= _comparable(other)
        except TypeError:
            return declined(other, "__le__")

    # ------------------------------------------------------------ what a Value is not

    def __len__(self) -> int:
        raise TypeError("a Value is a single number and has no length; keep several in a list")

    def __iter__(self) -> NoReturn:
        raise TypeError("a Value is a single number and cannot be iterated over; keep several in a list")

    def __getitem__(self, index: Operand) -> NoReturn:
        raise TypeError("a Value is a single number and cannot be indexed; keep several in a list")

    def __bool__(self) -> bool:
        raise TypeError("the truth of a Value is ambiguous; compare it (v > 0) or test v.data")

    def __float__(self) -> float:
        if is_free():
            return self.item()
        raise TypeError(
            "float() and the functions of math would cut a Value off from its graph; "
            "use the function of the same name from autograd (exp(v)), or v.data for the plain number"
        )

    def __int__(self) -> int:
        raise TypeError("int() would cut a Value off from its graph; use int(v.data)")

    def __complex__(self) -> complex:
        raise TypeError("a Value is real; complex() is not defined for it")

    def __round__(self, digits: int | None = None) -> NoReturn:
        raise TypeError("round() has no useful derivative; use round(v.data) or format the Value: f'{v:.3f}'")

    if not TYPE_CHECKING:  # for whom a Value is no array: a number on its left gives a Value with it

        def __array__(self, dtype: Operand = None, copy: bool | None = None) -> np.ndarray:
            refuse_to_lend(self, computes=True)  # Values come in lists
            return np.array(self._data, dtype)

    def __repr__(self) -> str:
        name = "" if self.label is None else f", label={self.label!r}"
        return f"Value(data={self._data!r}, grad={self.grad!r}{name})"

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    # ------------------------------------------------------------ copies

    def _contents(self) -> dict[str, Operand]:
        _ = self.operand_groups  # a neuron takes its full form
        contents = {
            name: getattr(self, name) for name in (*BaseNode.__slots__, *Value.__slots__) if hasattr(self, name)
        }
        if self.grad is NO_GRADIENT:  # which is an object, and not a number
            del contents["grad"]
        return contents

    def _restore(self, contents: dict[str, Operand]) -> None:
        self.grad, self._x = NO_GRADIENT, None
        for name, content in contents.items():
            setattr(self, name, content)


def _leaf_data(data: Operand) -> float:
    if isinstance(data, float):  # np.float64 is one
        return data if isinstance(data, Traced) else float(data)
    if isinstance(data, Value):
        raise TypeError("Value needs a real number, got a Value; it is one already, or take its .data")
    if isinstance(data, np.ndarray) and data.ndim:
        raise TypeError(f"Value is a scalar, got {describe(data)}; use Tensor")
    if isinstance(data, list | tuple):
        came = f"a {type(data).__name__} of {len(data)}"
        raise TypeError(f"Value is a scalar, got {came}; make a list of Values or a Tensor")
    return real(data)


def _comparable(x: Operand) -> float:
    return x._data if x.__class__ is Value else real(x, "comparing a Value")


def _constant(x: Operand, op: Operation) -> float:
    if x.__class__ is float:
        return x
    if getattr(x, "ndim", 0) and hasattr(x.__class__, "__array__") and not graph.is_node(x):  # pandas' too
        raise _meets_array(op.shown, x)
    return real(x, op.shown)


class NumberMeetsArray(TypeError):
    """An operation of a Value and an array; what differentiates a function then takes Tensors for numbers."""


def _meets_array(where: str, x: Operand) -> NumberMeetsArray:
    return NumberMeetsArray(
        f"{where}: a Value is one number and does not go with {describe(x)}; "
        "write [x * v for x in array], or keep arrays in a Tensor"
    )


def _data(operand: Operand, op: Operation) -> Operand:
    if isinstance(operand, tuple):
        return Vector([u._data if u.__class__ is Value else _constant(u, op) for u in operand])
    return operand._data if operand.__class__ is Value else _constant(operand, op)


def _record_elementwise(op: Operation, operands: tuple[Operand, ...]) -> Value:
    data = [u._data if u.__class__ is Value else _constant(u, op) for u in operands]
    try:
        zd = op.forward(*data)
    except (ArithmeticError, ValueError):
        zd = ieee(op.forward, *data)
    if active and not modes.is_recording():
        return _unrecorded(float(zd))
    z = new(Value)
    z._data = zd = zd if zd.__class__ is float else float(zd)
    z.grad = NO_GRADIENT
    z._op = op
    x = operands[0]
    if x.__class__ is Value:
        z._x, z._dx = x, _derivative(op, 0, zd, data)
    else:
        z._x, z._dx = None, data[0]
    z._y = None
    if len(operands) == 2:
        y = operands[1]
        if y.__class__ is Value:
            z._y, z._dy = y, _derivative(op, 1, zd, data)
        else:
            z._dy = data[1]
    if active and modes.is_detecting_anomalies():
        _check_finite(z)
    return z


def _unrecorded(data: float) -> Value:
    """A leaf that knows that it is a result."""
    v = Value(data)
    v._x = graph.UNRECORDED
    return v


def _derivative(op: Operation, i: int, z: float, data: list[float]) -> float:
    try:
        d = op.derivative(i, z, data)
    except (ArithmeticError, ValueError):
        d = ieee(op.derivative, i, z, data)
    return d if d.__class__ is float else float(d)


def _record_groups(op: Operation, operands: tuple[Operand, ...]) -> Value:
    """A node over sequences (Vectors) and single operands, of any number."""
    if not op.rules:
        raise TypeError(f"{op.shown}: expected an array or a Tensor, got a Value; keep the numbers in one Tensor")
    data = [_data(g, op) for g in operands]
    zd = float(ieee(op.forward, *data))
    if active and not modes.is_recording():
        return _unrecorded(zd)
    groups: list[Operand] = []
    derivatives: list[Operand] = []
    for i, (us, numbers) in enumerate(zip(operands, data, strict=True)):
        several = isinstance(us, tuple)
        nodes = [u.__class__ is Value for u in (us if several else (us,))]
        d = group_derivative(op, i, zd, data) if any(nodes) else None
        if not several:
            groups.append(us if d is not None else numbers)
        elif d is None:
            groups.append(tuple(numbers))
        elif all(nodes):
            groups.append(tuple(us))
        else:
            groups.append(tuple(u if node else n for u, n, node in zip(us, numbers, nodes, strict=True)))
            each = (d,) * len(us) if d.__class__ is float else d
            d = Mixed(e if node else None for e, node in zip(each, nodes, strict=True))
        derivatives.append(d)
    z = new(Value)
    z._data, z.grad, z._op = zd, NO_GRADIENT, op
    z._x, z._y, z._dx = tuple(groups), None, tuple(derivatives)
    if active and modes.is_detecting_anomalies():
        _check_finite(z)
    return z


def group_derivative(op: Operation, i: int, z: float, data: list[Operand]) -> Operand:
    """∂z/∂(operand i) as a float, or as a tuple of floats for a sequence."""
    rule = op.rules[i]
    if rule is None:
        raise TypeError(f"{op.shown}: operand {i + 1} is not differentiated and must be a plain number, got a Value")
    if not callable(rule):
        return rule
    try:
        d = rule(z, *data)
    except (ArithmeticError, ValueError):
        d = ieee(rule, z, *data)
    return tuple(map(float, d)) if isinstance(d, tuple) else float(d)


def _check_finite(z: Value) -> None:
    if math.isfinite(z._data) and all(d is None or math.isfinite(d) for d in z.local_derivatives):
        return
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in ("autograd", "nn"):
        frame = frame.f_back
    operands = ", ".join(format_value(u) for u in z.operands)
    name = z._op.shown if z._op is not None else "leaf"
    raise ArithmeticError(
        f"{name}({operands}) = {z.data} with local derivatives {z.local_derivatives}, "
        f"recorded at {frame.f_code.co_filename}, line {frame.f_lineno}"
    )


def format_value(u: Operand) -> str:
    """'w=0.5' for a named node, '0.5' for an unnamed one or a number."""
    if u.__class__ is not Value:
        return f"{u:g}"
    return f"{u._data:g}" if u.label is None else f"{u.label}={u._data:g}"


def _binary(function: Operand, x: Operand, y: Operand) -> Operand:
    """An operator, with the refusal that Python words for operands of foreign classes."""
    other = y if x.__class__ is Value else x
    if other.__class__ is not Value and (isinstance(other, Vector) or hasattr(other.__class__, "_record")):
        return NotImplemented
    try:
        return Value._record(function.op, x, y)
    except NumberMeetsArray:
        raise
    except TypeError:
        if other is x:
            raise
        return declined(y, _REFLECTED[function.op.name])


_REFLECTED = {"add": "__radd__", "sub": "__rsub__", "mul": "__rmul__", "div": "__rtruediv__", "power": "__rpow__"}


# The arithmetic operators are the hot path of every computation, so their rules are read once on
# symbols and written out as code: `mul`'s rule `lambda z, x, y: y` becomes `z._dx = yd`.
_OPERATOR = """
def {name}(x, y):
    if not active:
        try:
            if y.__class__ is Value:
                xd = x._data
                yd = y._data
                z = new(Value)
                z._data = zd = xd {sign} yd
                z.grad = NO_GRADIENT
                z._op = op
                z._x = x
                z._y = y
                z._dx = {dx}
                z._dy = {dy}
                return z
            yd = y if y.__class__ is float else float(y) if y.__class__ is int else None
            if yd is not None:
                xd = x._data
                z = new(Value)
                z._data = zd = xd {sign} yd
                z.grad = NO_GRADIENT
                z._op = op
                z._x = x
                z._y = None
                z._dx = {dx}
                z._dy = yd
                return z
        except ArithmeticError:
            pass
    return binary(function, x, y)

def {reflected}(y, x):
    if (x.__class__ is float or x.__class__ is int) and not active:
        try:
            xd = float(x)
            yd = y._data
            z = new(Value)
            z._data = zd = xd {sign} yd
            z.grad = NO_GRADIENT
            z._op = op
            z._x = None
            z._y = y
            z._dx = xd
            z._dy = {dy}
            return z
        except ArithmeticError:
            pass
    return binary(function, x, y)
"""


def _compile_operator(function: Operand, sign: str) -> None:
    z, x, y = symbol("z", 1.0), symbol("x", 1.0), symbol("y", 1.0)
    dx, dy = (_code(function.op.derivative(i, z, (x, y))) for i in (0, 1))
    name = f"__{ {'-': 'sub', '+': 'add', '*': 'mul', '/': 'truediv'}[sign] }__"
    reflected = "__r" + name[2:]
    source = _OPERATOR.format(name=name, reflected=reflected, sign=sign, dx=dx, dy=dy)
    scope = {
        "Value": Value,
        "NO_GRADIENT": NO_GRADIENT,
        "active": active,
        "new": new,
        "op": function.op,
        "function": function,
        "binary": _binary,
    }
    exec(compile(source, f"<{name} of Value, compiled from the rules of {function.op.name}>", "exec"), scope)
    for method in (name, reflected):
        scope[method].__qualname__ = f"Value.{method}"
        setattr(Value, method, scope[method])


def _code(derivative: Operand) -> str:
    return repr(derivative) if derivative.__class__ is float else derivative.ascii(lambda name: name + "d")


for _function, _sign in (
    (elementwise.add, "+"),
    (elementwise.sub, "-"),
    (elementwise.mul, "*"),
    (elementwise.div, "/"),
):
    _compile_operator(_function, _sign)


def _refuse(names: str, signs: str, advice: str) -> None:
    for name in names.split():
        setattr(Value, f"__{name}__", refusal(name, f"{signs} not defined for Values: {advice}"))


_refuse("floordiv rfloordiv mod rmod divmod rdivmod", "// and % are", "they jump; use v.data for the plain number")
_refuse("matmul rmatmul", "@ is", "a Value is one number; use * or dot(x, y) with two lists")
_refuse("and rand or ror xor rxor invert", "&, |, ^ and ~ are", "join comparisons with `and`, `or`, `not`")
_refuse("lshift rlshift rshift rrshift", "<< and >> are", "use v * 2**n or v.data")

# NumPy's operators with one of its numbers on the left.
_COMPARISONS: dict[np.ufunc, Callable[[Operand, Operand], Operand]] = {
    np.less: lambda x, y: _comparable(x) < _comparable(y),
    np.less_equal: lambda x, y: _comparable(x) <= _comparable(y),
    np.greater: lambda x, y: _comparable(x) > _comparable(y),
    np.greater_equal: lambda x, y: _comparable(x) >= _comparable(y),
    np.equal: numpy_names.refuse_equality,
    np.not_equal: numpy_names.refuse_equality,
}

answer(Value, OF_NODES)
