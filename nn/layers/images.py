"""Layers that look at images and sequences through a window: convolution, pooling, and what changes their sizes.

A sample is (*space, channels), channels last as in Keras: (28, 28, 1) for a gray image, (100, 8) for a sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from autograd.arguments import positive_integer
from autograd.formulas.names import Name
from autograd.operands import Operand
from autograd.ops.convolutions import (
    average_pool,
    correlate,
    correlate_and_add,
    max_pool,
    pads_of,
    places,
    sizes,
    upsample,
)
from autograd.ops.extremes import max as largest
from autograd.ops.shapes import reshape, transpose
from autograd.ops.sums import mean

from ..activations import Function
from ..initializers import Initializer
from ..regularizers import Regularizer
from .base import BatchLayer, Shape, ShapeLike, Step, sample_shape
from .basic import WeightedLayer

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "Conv1D",
    "Conv2D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "MaxPooling1D",
    "MaxPooling2D",
    "Permute",
    "Reshape",
    "UpSampling1D",
    "UpSampling2D",
]

Window = int | Sequence[int]

_SAMPLES = {1: "(steps, channels)", 2: "(height, width, channels)"}


def _padding(where: str, what: str, padding: object) -> str:
    if padding not in ("valid", "same"):
        advice = "; for 'causal' put zeros before the first step, and take 'valid'" if padding == "causal" else ""
        raise ValueError(f"{where}: expected {what} 'valid' or 'same', got {padding!r}{advice}")
    return str(padding)


class _OfSpace(BatchLayer):
    """What the layers share whose samples are (*space, channels). axes: how many of space."""

    axes: ClassVar[int]

    def __init_subclass__(cls, **kwargs: Operand) -> None:
        super().__init_subclass__(**kwargs)
        if "axes" in vars(cls):
            axes = cls.axes
            window = dict.fromkeys(
                ("kernel_size", "pool_size", "strides", "size"), lambda where, what, x: sizes(where, what, x, axes)
            )
            cls.checks = {**window, "padding": _padding, "filters": positive_integer}

    def check_axes(self, shape: Shape) -> None:
        """ValueError for samples with another number of axes."""
        if len(shape) != self.axes + 1:
            advice = ""
            if len(shape) == self.axes:
                advice = f"; put a Reshape({(*shape, 1)}) before it" + (", for one channel" if self.axes == 2 else "")
            raise ValueError(f"{self}: expected samples {_SAMPLES[self.axes]}, got {shape}{advice}")


class _Convolution(_OfSpace, WeightedLayer):
    settled: tuple[str, ...] = (*WeightedLayer.settled, "filters", "kernel_size", "strides", "padding")
    kernel_size: Any  # as tuples, one number for each axis
    strides: Any
    padding: str

    def __init__(
        self,
        filters: int,
        kernel_size: Window,
        strides: Window = 1,
        padding: str = "valid",
        activation: str | Function | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        *,
        input_shape: ShapeLike | None = None,
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self.filters: int = filters
        self.kernel_size, self.strides, self.padding = kernel_size, strides, padding
        super().__init__(
            self.filters,
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
        self.make_weights((self.filters, *self.kernel_size, input_shape[-1]), dtype, rng)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self.check_axes(input_shape)
        space = input_shape[:-1]
        pads = pads_of(str(self), self.padding, space, self.kernel_size, self.strides)
        return (*places(space, self.kernel_size, self.strides, pads), self.filters)

    def weighted_sums(self) -> Step:
        assert self.built_for is not None
        pads = pads_of(str(self), self.padding, self.built_for[:-1], self.kernel_size, self.strides)
        if self.use_bias:
            return correlate_and_add, (self.weight, self.bias, self.strides, pads), self._z
        return correlate, (self.weight, self.strides, pads), self._z

    def __repr__(self) -> str:
        return self.described(self.filters, self.kernel_size)


class Conv2D(_Convolution):
    """A convolution of images: the same small window of weights at every place, Z = X ⋆ W + b, A = g(Z).

    filters: how many units look through each window. kernel_size: of the window, a number or (height, width).
    strides: how far it moves. padding: "valid" for the places where it lies inside, "same" for as many as the
    image has (divided by the stride). The rest is as of `Dense`.

    weight  W, (filters, height, width, channels), labelled W[l]; Keras' kernel is (height, width, channels, filters)
    bias    b, (filters,), labelled b[l]; None without bias

    Samples are (height, width, channels). ValueError if the window does not fit in. See `autograd.conv`.
    """

    axes = 2


class Conv1D(_Convolution):
    """A convolution of sequences, (steps, channels): the same window of weights at every step. See `Conv2D`.

    weight  W, (filters, kernel_size, channels); Keras' kernel is (kernel_size, channels, filters)
    """

    axes = 1


class _Labelled(_OfSpace):
    """A layer of one step without parameters; its result behind layer l is labelled P[l]."""

    _p: str | None = None

    def name_nodes(self, layer: int) -> None:
        self._p = Name("P", str(layer)).label()


class _Pooling(_Labelled):
    settled: tuple[str, ...] = (*BatchLayer.settled, "pool_size", "strides", "padding")
    pool_size: Any
    strides: Any
    padding: str
    pool: Callable[..., Operand]

    def __init__(
        self,
        pool_size: Window = 2,
        strides: Window | None = None,
        padding: str = "valid",
        *,
        input_shape: ShapeLike | None = None,
        name: str | None = None,
    ) -> None:
        self.pool_size, self.padding = pool_size, padding
        self.strides = pool_size if strides is None else strides
        super().__init__(input_shape=input_shape, name=name)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self.check_axes(input_shape)
        space = input_shape[:-1]
        pads = pads_of(str(self), self.padding, space, self.pool_size, self.strides)
        return (*places(space, self.pool_size, self.strides, pads), input_shape[-1])

    def steps(self) -> list[Step]:
        return [(type(self).pool, (self.pool_size, self.strides, self.padding), self._p)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.pool_size})"


class MaxPooling2D(_Pooling):
    """The largest number of each channel in each window of an image.

    pool_size: of the window, a number or (height, width). strides: how far it moves; its own size if None.
    padding: "valid" or "same". Samples are (height, width, channels). See `autograd.max_pool`.
    """

    axes = 2
    pool = staticmethod(max_pool)


class MaxPooling1D(_Pooling):
    """The largest number of each channel in each window of a sequence (steps, channels). See `MaxPooling2D`."""

    axes = 1
    pool = staticmethod(max_pool)


class AveragePooling2D(_Pooling):
    """The mean of each channel in each window of an image. Arguments as of `MaxPooling2D`; see `average_pool`."""

    axes = 2
    pool = staticmethod(average_pool)


class AveragePooling1D(_Pooling):
    """The mean of each channel in each window of a sequence (steps, channels). See `MaxPooling2D`."""

    axes = 1
    pool = staticmethod(average_pool)


class _GlobalPooling(_Labelled):
    over: Callable[..., Operand]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self.check_axes(input_shape)
        return input_shape[-1:]

    def steps(self) -> list[Step]:
        return [(type(self).over, (tuple(range(1, self.axes + 1)),), self._p)]


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel of an image: (height, width, channels) becomes (channels,)."""

    axes = 2
    over = staticmethod(mean)


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each channel of a sequence: (steps, channels) becomes (channels,)."""

    axes = 1
    over = staticmethod(mean)


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest number of each channel of an image: (height, width, channels) becomes (channels,)."""

    axes = 2
    over = staticmethod(largest)


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest number of each channel of a sequence: (steps, channels) becomes (channels,)."""

    axes = 1
    over = staticmethod(largest)


class _UpSampling(_Labelled):
    settled: tuple[str, ...] = (*BatchLayer.settled, "size")
    size: Any

    def __init__(self, size: Window = 2, *, input_shape: ShapeLike | None = None, name: str | None = None) -> None:
        self.size = size
        super().__init__(input_shape=input_shape, name=name)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self.check_axes(input_shape)
        return (*(n * k for n, k in zip(input_shape[:-1], self.size, strict=True)), input_shape[-1])

    def steps(self) -> list[Step]:
        return [(upsample, (self.size,), self._p)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size})"


class UpSampling2D(_UpSampling):
    """Each number of an image repeated in rows and columns: (height, width, c) becomes (height·a, width·b, c).

    size: how often, a number or (a, b). With a convolution behind it, the way from codes back to images.
    """

    axes = 2


class UpSampling1D(_UpSampling):
    """Each step of a sequence repeated: (steps, c) becomes (steps·size, c)."""

    axes = 1


class Reshape(BatchLayer):
    """The numbers of each sample in another shape, row by row.

    target_shape: of one sample, without the batch; one size may be -1, which takes what is left.
    ValueError if the number of numbers differs.
    """

    settled: tuple[str, ...] = (*BatchLayer.settled, "target_shape")

    def __init__(
        self, target_shape: ShapeLike, *, input_shape: ShapeLike | None = None, name: str | None = None
    ) -> None:
        shape = (target_shape,) if isinstance(target_shape, int | np.integer) else tuple(target_shape)
        if shape.count(-1) > 1:
            raise ValueError(f"Reshape: expected at most one size -1, got {shape}")
        sample_shape("Reshape", "target_shape", tuple(1 if n == -1 else n for n in shape))
        self.target_shape = shape
        super().__init__(input_shape=input_shape, name=name)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        try:
            shape = np.empty(input_shape, bool).reshape(self.target_shape).shape
        except ValueError:
            raise ValueError(
                f"{self}: expected samples of {_product(self.target_shape)} numbers, got {input_shape}"
            ) from None
        return tuple(map(int, shape))

    def steps(self) -> list[Step]:
        assert self.built_for is not None
        return [(_reshaped, (self.compute_output_shape(self.built_for),), None)]

    def __repr__(self) -> str:
        return f"Reshape({self.target_shape})"


def _reshaped(x: Operand, shape: Shape) -> Operand:
    return reshape(x, (len(x), *shape))


def _product(shape: Shape) -> str:
    return "×".join("n" if n == -1 else str(n) for n in shape)


class Permute(BatchLayer):
    """The axes of each sample in another order: `Permute((2, 1))` exchanges the first two.

    dims: which axis comes where, counted from 1 as in Keras, for the batch is axis 0.
    """

    settled: tuple[str, ...] = (*BatchLayer.settled, "dims")

    def __init__(self, dims: Sequence[int], *, input_shape: ShapeLike | None = None, name: str | None = None) -> None:
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"Permute: expected each of 1 to {len(self.dims)} once, got {self.dims}")
        super().__init__(input_shape=input_shape, name=name)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != len(self.dims):
            raise ValueError(f"{self}: expected samples with {len(self.dims)} axes, got {input_shape}")
        return tuple(input_shape[i - 1] for i in self.dims)

    def steps(self) -> list[Step]:
        return [(transpose, ((0, *self.dims),), None)]

    def __repr__(self) -> str:
        return f"Permute({self.dims})"
