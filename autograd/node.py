"""What a Value and a Tensor have in common: a name, an operation, and the functions of one operand as methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from . import graph
from .lending import mask_asked_for
from .op import Operation
from .operands import Operand
from .ops import choosing, elementwise

__all__ = ["BaseNode"]


class BaseNode:
    """One step of a recorded computation. `_record(op, *operands)` makes another, `_unary(op)` one of itself alone."""

    __slots__ = ("_label", "_op")

    _operand_slots: tuple[str, ...]
    _held: Operand  # the first of them, by one name for all nodes
    _label: str | None
    _op: Operation | None

    if TYPE_CHECKING:

        @staticmethod
        def _record(op: Operation, *operands: Operand) -> Operand: ...
        def _unary(self, op: Operation) -> Self: ...

    def __init_subclass__(cls, **kwargs: object) -> None:
        for base in cls.__bases__:
            if base is not BaseNode:
                name = base.__name__
                raise TypeError(
                    f"{name} is final and {cls.__name__} cannot be derived from it; keep a {name} as an attribute"
                )
        cls._held = vars(cls)[cls._operand_slots[0]]

    # ------------------------------------------------------------ what a node tells

    @property
    def label(self) -> str | None:
        """The name of the node, None if it has none. Assigning a string names it, None unnames it."""
        try:
            return self._label
        except AttributeError:
            return None

    @label.setter
    def label(self, label: str | None) -> None:
        self._label = graph.checked_label(label)

    @property
    def op(self) -> Operation | None:
        """The operation that made the node; None for a leaf."""
        return self._op

    @property
    def is_leaf(self) -> bool:
        """True if no operation made it: an input, a parameter, a constant."""
        return self._op is None

    @property
    def is_constant(self) -> bool:
        """True for what `detach()` gave or was computed under `no_grad()`: a Module that holds it does not train it."""
        return graph.is_constant(self)

    # ------------------------------------------------------------ operators

    def __neg__(self) -> Self:
        return self._unary(elementwise.neg.op)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._unary(elementwise.abs.op)

    __eq__ = graph.is_same
    __hash__ = object.__hash__

    # ------------------------------------------------------------ functions, as methods

    def exp(self) -> Self:
        """e^self; see `autograd.exp`."""
        return self._unary(elementwise.exp.op)

    def log(self) -> Self:
        """Natural logarithm; see `autograd.log`."""
        return self._unary(elementwise.log.op)

    def sqrt(self) -> Self:
        """Square root; see `autograd.sqrt`."""
        return self._unary(elementwise.sqrt.op)

    def sin(self) -> Self:
        """Sine; see `autograd.sin`."""
        return self._unary(elementwise.sin.op)

    def cos(self) -> Self:
        """Cosine; see `autograd.cos`."""
        return self._unary(elementwise.cos.op)

    def tanh(self) -> Self:
        """Hyperbolic tangent; see `autograd.tanh`."""
        return self._unary(elementwise.tanh.op)

    def sigmoid(self) -> Self:
        """Logistic function; see `autograd.sigmoid`."""
        return self._unary(elementwise.sigmoid.op)

    def relu(self) -> Self:
        """max(0, self); see `autograd.relu`."""
        return self._unary(elementwise.relu.op)

    def leaky_relu(self, alpha: Operand = 0.01) -> Self:
        """self where positive, else alpha self; see `autograd.leaky_relu`."""
        found: Self = self._record(elementwise.leaky_relu.op, self, alpha)
        return found

    def softplus(self) -> Self:
        """log(1 + e^self); see `autograd.softplus`."""
        return self._unary(elementwise.softplus.op)

    def linear(self) -> Self:
        """The identity; see `autograd.linear`."""
        return self._unary(elementwise.identity.op)

    def clip(self, lo: Operand = None, hi: Operand = None) -> Self:
        """At least lo and at most hi; see `autograd.clip`."""
        found: Self = choosing.clip(self, lo, hi)
        return found

    def abs(self) -> Self:
        """Absolute value; see `autograd.abs`."""
        return self._unary(elementwise.abs.op)

    # ------------------------------------------------------------ what others ask

    _mask = property(mask_asked_for, doc="Masked arrays ask for this, and for _data, before they compute with it.")
    __pandas_priority__ = 5000  # above a DataFrame's: what is on its right computes, or refuses

    def __copy__(self) -> Self:
        found: Self = graph.copy_node(self, lambda u: u)
        return found

    def __deepcopy__(self, memo: dict[int, Operand]) -> Self:
        found: Self = graph.deepcopy(self, memo)
        return found

    def __reduce_ex__(self, protocol: object) -> tuple[Operand, ...]:
        return graph.reduce(self)
