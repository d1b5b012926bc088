"""Layers that look at all numbers of a sample, or at each alone: Dense, Activation, Flatten, Dropout, Concatenate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from autograd import Tensor, linear
from autograd.arguments import Rng, checked_fraction, float_type, generator, positive_integer
from autograd.formulas.names import Name
from autograd.operands import Operand, describe, drawn
from autograd.ops.matrices import affine, matmul
from autograd.ops.shapes import concatenate, reshape

from ..activations import Function, RandomizedLeakyReLU, activation_name, check_units
from ..attributes import Check, flag
from ..initializers import Initializer, find_initializer
from ..regularizers import Regularizer, find_regularizer
from .base import BatchLayer, Shape, ShapeLike, Step, batch_shape, initial, named_activation, several_shapes

__all__ = ["Activation", "Concatenate", "Dense", "Dropout", "Flatten", "WeightedLayer"]


class WeightedLayer(BatchLayer):
    """The base of layers whose units weigh what they look at: Z = weighted sums + b, A = g(Z).

    weight  W, units first, (units, ..., inputs), labelled W[l] in layer l of a net; Keras' kernel has the units last
    bias    b, (units,), labelled b[l]; None without bias

    Both are None until the number of inputs is known. Results are labelled Z[l] and A[l].
    A layer derived from it makes them by `make_weights(shape, ...)` and has `weighted_sums`, a step.
    """

    checks: ClassVar[Mapping[str, Check]] = {
        **dict.fromkeys(("kernel_initializer", "bias_initializer"), lambda where, what, x: find_initializer(x)),
        **dict.fromkeys(("kernel_regularizer", "bias_regularizer"), lambda where, what, x: find_regularizer(x)),
        "units": positive_integer,
        "use_bias": flag,
    }
    settled: tuple[str, ...] = (
        *BatchLayer.settled,
        "units",
        "use_bias",
        "dtype",
        "kernel_initializer",
        "bias_initializer",
    )
    regularized: ClassVar[Mapping[str, str]] = {"weight": "kernel_regularizer", "bias": "bias_regularizer"}
    kernels: ClassVar[tuple[str, ...]] = ("weight",)  # what Keras keeps with the units last
    weight: Operand  # a Tensor, as is the bias, once the number of inputs is known
    bias: Operand
    kernel_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    bias_regularizer: Any

    def __init__(
        self,
        units: int,
        activation: str | Function | None,
        use_bias: bool,
        kernel_initializer: str | Initializer,
        bias_initializer: str | Initializer,
        kernel_regularizer: str | Regularizer | None,
        bias_regularizer: str | Regularizer | None,
        dtype: DTypeLike | None,
        *,
        input_shape: ShapeLike | None = None,
        name: str | None = None,
    ) -> None:
        self.units, self.use_bias = units, use_bias
        self.activation = activation
        super().__init__(input_shape=input_shape, name=name)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.dtype = None if dtype is None else float_type(str(self), dtype)
        self.weight = self.bias = None
        self._z: str | None = None
        self._a: str | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "activation":
            value = named_activation(value)
            check_units(f"{type(self).__name__}(1)", value, self.units)
        elif name in ("weight", "bias") and self.is_settled():
            self._check_parameter(name, value)
        super().__setattr__(name, value)

    def _check_parameter(self, name: str, value: Any) -> None:
        """What is to be a parameter in the place of another has to be one like it."""
        old = getattr(self, name)
        if old is None:
            if value is not None:
                raise ValueError(f"{self}: it has no {name}; make a layer that has, with use_bias=True")
            return
        if not isinstance(value, Tensor):
            got = describe(value)
        elif not value.is_leaf:
            got = f"a result of {value.op and value.op.shown}"
        elif (value.shape, value.dtype) != (old.shape, old.dtype):
            got = f"one of shape {value.shape} and {value.dtype}"
        else:
            return
        raise ValueError(
            f"{self}: expected {name} to be a leaf Tensor of shape {old.shape} and {old.dtype}, got {got}; "
            f"to set its numbers write layer.{name}.data = array"
        )

    def make_weights(self, shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> None:
        """Make W of this shape, units first, and b, in the layer's dtype or else in this one."""
        self.dtype = dtype = self.dtype or dtype
        self.weight = initial(f"{self}: kernel", self.kernel_initializer, shape, dtype, rng)
        if self.use_bias:
            self.bias = initial(f"{self}: bias", self.bias_initializer, shape[:1], dtype, rng)
        _share_generator(self.activation, rng)

    def weighted_sums(self) -> Step:
        """What is computed before the activation."""
        raise NotImplementedError(f"{type(self).__name__} needs a method weighted_sums(self)")

    def steps(self) -> list[Step]:
        sums = self.weighted_sums()
        return [sums] if self.activation is linear else [sums, (self.activation, (), self._a)]

    def name_nodes(self, layer: int) -> None:
        names = (Name(base, str(layer)).label() for base in "WbZA")
        self.weight.label, bias, self._z, self._a = names
        if self.bias is not None:
            self.bias.label = bias

    def described(self, *arguments: object) -> str:
        """`Name(arguments, activation)`, as the layer is called in messages and printed."""
        g = "" if self.activation is linear else f", {activation_name(self.activation)!r}"
        return f"{type(self).__name__}({', '.join(map(str, arguments))}{g})"


class Dense(WeightedLayer):
    """A layer whose units look at all inputs: Z = X Wᵀ + b, A = g(Z).

    Where a sample has more than one axis, (steps, inputs), the units look at each step alone, with the same weights.

    units: how many. activation: g, a name from `nn.activations`, a function of one Tensor, or None
    for Z itself. use_bias: whether there is a b. kernel_initializer, bias_initializer: names from
    `nn.initializers` or functions. input_dim: the number of inputs, as a short input_shape.
    kernel_regularizer, bias_regularizer: names or objects of `nn.regularizers`.
    dtype: float32 or float64; that of the model if None.

    weight  W, (units, inputs), labelled W[l] in layer l of a net; Keras' kernel is its transpose
    bias    b, (units,), labelled b[l]; None without bias

    Both are None until the number of inputs is known. Results are labelled Z[l] and A[l].
    """

    def __init__(
        self,
        units: int,
        activation: str | Function | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        *,
        input_shape: ShapeLike | None = None,
        input_dim: int | None = None,
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        if input_dim is not None:
            if input_shape is not None:
                raise TypeError(f"Dense({units}): expected input_shape or input_dim, got both")
            input_shape = (positive_integer(f"Dense({units})", "input_dim", input_dim),)
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            dtype,
            input_shape=input_shape,
            name=name,
        )

    def make_parameters(self, input_shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> None:
        self.make_weights((self.units, input_shape[-1]), dtype, rng)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def weighted_sums(self) -> Step:
        if self.use_bias:
            return affine, (self.weight, self.bias), self._z
        return _without_bias, (self.weight,), self._z

    def __repr__(self) -> str:
        return self.described(self.units)


class Activation(BatchLayer):
    """A function of the outputs of the layer before: `Activation("relu")`.

    activation: a name from `nn.activations` or a function of one Tensor.
    """

    def __init__(
        self, activation: str | Function | None, *, input_shape: ShapeLike | None = None, name: str | None = None
    ) -> None:
        self.activation = activation
        super().__init__(input_shape=input_shape, name=name)
        self._a: str | None = None

    def make_parameters(self, input_shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> None:
        _share_generator(self.activation, rng)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        check_units(str(self), self.activation, input_shape[-1])
        return input_shape

    def steps(self) -> list[Step]:
        return [(self.activation, (), self._a)]

    def name_nodes(self, layer: int) -> None:
        self._a = Name("A", str(layer)).label()

    def __repr__(self) -> str:
        return f"Activation({activation_name(self.activation)!r})"


class Flatten(BatchLayer):
    """Each sample as one row of numbers: (batch, 28, 28) becomes (batch, 784). Labelled F[l] behind layer l."""

    _f: str | None = None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def steps(self) -> list[Step]:
        assert self.built_for is not None
        return [(reshape, ((-1, math.prod(self.built_for)),), self._f)]

    def name_nodes(self, layer: int) -> None:
        self._f = Name("F", str(layer)).label()


class Dropout(BatchLayer):
    """In training each number is 0 with probability `rate`, and the others grow by 1 / (1 - rate).

    The mean stays, so that nothing is done after `eval()`, and no random number is drawn.
    rate: at least 0 and below 1. rng: an int seed, a numpy Generator, or None for the generator of
    the model. Source: Srivastava et al., JMLR 15 (2014); the scaling is Keras'.
    """

    checks: ClassVar[Mapping[str, Check]] = {"rate": checked_fraction}

    def __init__(
        self, rate: float, *, rng: Rng = None, input_shape: ShapeLike | None = None, name: str | None = None
    ) -> None:
        self.rate = rate
        super().__init__(input_shape=input_shape, name=name)
        self.rng = None if rng is None else generator(rng)

    def make_parameters(self, input_shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> None:
        if self.rng is None:
            self.rng = rng

    def steps(self) -> list[Step]:
        return [(self._drop, (), None)] if self.training and self.rate else []

    def _drop(self, x: Operand) -> Operand:
        assert self.rng is not None
        # float32 draws for both types, so that a net of either drops the same numbers
        kept = drawn(x, self.rng.random, x.shape, np.float32) >= self.rate
        mask = kept.astype(x.dtype)
        mask *= 1 / (1 - self.rate)
        mask.flags.writeable = False
        return x * mask

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"


class Concatenate(BatchLayer):
    """Several inputs side by side: (a,) and (b,) become (a + b,).

    axis: along which, -1 for the last, or counted from 1 for the axes of a sample, for the batch is axis 0 as in Keras.
    ValueError for inputs that differ in another axis.
    """

    takes_several = True
    settled: tuple[str, ...] = (*BatchLayer.settled, "axis")

    def __init__(self, axis: int = -1, *, input_shape: ShapeLike | None = None, name: str | None = None) -> None:
        if isinstance(axis, bool) or not isinstance(axis, int | np.integer) or not axis:
            raise ValueError(f"Concatenate: expected axis -1, or from 1, for axis 0 is the batch; got {axis!r}")
        self.axis = int(axis)
        super().__init__(input_shape=input_shape, name=name)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = several_shapes(str(self), input_shape)
        axes = len(shapes[0])
        i = self.axis - 1 if self.axis > 0 else axes + self.axis
        others = {(*shape[:i], *shape[i + 1 :]) for shape in shapes}
        if not 0 <= i < axes or len(others) > 1 or any(len(shape) != axes for shape in shapes):
            raise ValueError(
                f"{self}: expected inputs that differ along axis {self.axis} at most, got {batch_shape(shapes)}"
            )
        return (*shapes[0][:i], sum(shape[i] for shape in shapes), *shapes[0][i + 1 :])

    def forward(self, *xs: Operand, **options: Operand) -> Operand:
        return concatenate(xs, self.axis)

    def __repr__(self) -> str:
        return "Concatenate()" if self.axis == -1 else f"Concatenate(axis={self.axis})"


def _without_bias(x: Operand, weight: Tensor) -> Tensor:
    return matmul(x, weight.T)


def _share_generator(activation: Function, rng: np.random.Generator) -> None:
    if isinstance(activation, RandomizedLeakyReLU) and activation.rng is None:
        activation.rng = rng
