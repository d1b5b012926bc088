"""Layers of a Sequential: each takes a batch, rows are samples, and gives a batch.

A layer makes its parameters when it learns how many numbers a sample has: at the latest when it
sees the first data. A layer of one's own derives from BatchLayer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from autograd import Tensor, linear
from autograd.arguments import Rng, checked_fraction, float_type, generator, positive_integer
from autograd.formulas.names import Name
from autograd.operands import describe, drawn
from autograd.ops.matrices import affine, matmul
from autograd.ops.shapes import reshape

from ..activations import Function, RandomizedLeakyReLU, activation_name, check_units, find_activation
from ..attributes import Check, flag
from ..initializers import Initializer, find_initializer
from ..module import Module, is_parameter, numbers_of, refuse_own_call, state_of, write_numbers
from ..regularizers import Regularizer, find_regularizer

__all__ = ["Activation", "BatchLayer", "Dense", "Dropout", "Flatten", "Input"]

Shape = tuple[int, ...]
ShapeLike = int | Sequence[int]

# A function, what it takes behind the batch, and what its result is called, if it is called anything.
Step = tuple[Callable[..., Any], tuple[Any, ...], str | None]


class Input:
    """What the samples look like: the first entry of a Sequential, if its first layer does not say.

    shape: of one sample, without the batch: (10,), (28, 28).
    """

    def __init__(self, shape: ShapeLike, name: str | None = None) -> None:
        self.shape = sample_shape("Input", "shape", shape)
        self.name = name

    def __repr__(self) -> str:
        return f"Input(shape={self.shape})"


class BatchLayer(Module):
    """The base of all layers of a Sequential.

    input_shape: of one sample, without the batch; needed at most in the first layer.
    name: unique in its model; made from the class if None.

    A layer of one's own has `forward` (or `steps`), and if it has parameters or another shape than its input::

        class Scale(BatchLayer):
            def make_parameters(self, input_shape, dtype, rng):
                self.scale = Tensor(np.ones(input_shape), dtype=dtype)

            def forward(self, x):
                return x * self.scale

    built_for  the shape of one sample, once it is known; None before
    """

    activation: Any = None
    checks: ClassVar[Mapping[str, Check]] = {"activation": lambda where, what, value: _named_activation(value)}
    settled: tuple[str, ...] = ("input_shape",)
    built_for: Shape | None

    def __init__(self, *, input_shape: ShapeLike | None = None, name: str | None = None) -> None:
        if name is not None and not (isinstance(name, str) and name):
            raise TypeError(f"{type(self).__name__}: expected name to be a string, got {describe(name)}")
        self.name = name
        self.input_shape = None if input_shape is None else sample_shape(str(self), "input_shape", input_shape)
        self.built_for = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_own_call(cls, "forward(self, x)")

    def is_settled(self) -> bool:
        """True once the parameters are made."""
        return getattr(self, "built_for", None) is not None

    @property
    def trainable(self) -> bool:
        """True: training moves all parameters. ValueError if it is set to False."""
        return True

    @trainable.setter
    def trainable(self, trainable: Any) -> None:
        if not trainable:
            raise ValueError(
                f"{self}: expected trainable to stay True, for `fit` moves all parameters; to move some of them write "
                "the loop: optimizer = Adam(model.layers[-1].parameters()), and for each batch model.zero_grad(), "
                "model.loss_of(x, y).backward(), optimizer.step()"
            )

    def build(self, input_shape: ShapeLike, *, dtype: DTypeLike = "float32", rng: Rng = None) -> None:
        """Make the parameters for samples of this shape, unless they are there already.

        ValueError if the layer cannot take this shape.
        """
        shape = sample_shape(str(self), "input_shape", input_shape)
        if self.built_for is None:
            self.output_shape(shape)
            self.make_parameters(shape, float_type(str(self), dtype), generator(rng))
            self.built_for = shape
        elif shape != self.built_for:
            raise ValueError(self._other_shape(shape))

    def make_parameters(self, input_shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> None:
        """Set the parameters as attributes; `rng` is the model's own generator. By default there are none."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """What becomes of the shape of one sample. By default it stays."""
        return input_shape

    def steps(self) -> list[Step]:
        """What `forward` computes: functions one after another, the first on the batch."""
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(self, x)")

    def forward(self, x: Any) -> Any:
        """The output for a batch, a Tensor or an array with a row for each sample. Checks nothing."""
        return self._follow(self.steps(), x)

    def before_activation(self, x: Any) -> Any:
        """What the last step, an activation, is applied to: the weighted sums that a loss from logits takes."""
        return self._follow(self.steps()[:-1], x)

    def _follow(self, steps: list[Step], x: Any) -> Any:
        for function, others, label in steps:
            z = function(x, *others)
            if z.__class__ is not Tensor and x.__class__ is Tensor:
                raise TypeError(f"{self}: expected a Tensor from the activation, got {describe(z)}")
            if label is not None and z.__class__ is Tensor:
                z._label = label
            x = z
        return x

    @property
    def last_activation(self) -> Function | None:
        """The function that the layer ends with; None if that is not known."""
        return self.activation if is_told_in_steps(self) else None

    def penalties(self) -> list[Any]:
        """What the regularizers of the layer add to the loss, one Tensor for each."""
        return []

    def name_nodes(self, layer: int) -> None:
        """Label parameters, and results made from now on, as those of this layer of a net. By default nothing."""

    def __call__(self, x: Any) -> Any:
        """The output for a batch as a Tensor; builds the layer if it is not. ValueError if shapes do not fit."""
        if isinstance(x, Input | Module | type):
            raise TypeError(
                f"{self}: expected a batch of numbers, got {describe(x)}; layers are put in a row by "
                f"Sequential([Input(...), {self}])"
            )
        if not isinstance(x, Tensor):
            x = Tensor(x)
        if not x.ndim:
            raise ValueError(f"{self}: expected a batch, rows are samples; got a single number")
        if self.built_for is None:
            self.build(x.shape[1:], dtype=x.dtype)
        elif x.shape[1:] != self.built_for:
            raise ValueError(self._other_shape(x.shape[1:]))
        z = self.forward(x)
        if not isinstance(z, Tensor):
            raise TypeError(
                f"{self}: expected a Tensor from its forward pass, got {describe(z)}; compute it with autograd"
            )
        return z

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the parameters, then of the buffers, in Keras' layout: a kernel is (in, out)."""
        return read_weights([self])

    def set_weights(self, weights: Iterable[ArrayLike]) -> None:
        """Set parameters and buffers, in the layout of `get_weights`. ValueError if numbers or shapes do not fit."""
        write_weights(str(self), [self], weights)

    def count_params(self) -> int:
        """How many numbers there are, trained or not."""
        return count_numbers(self)

    def _other_shape(self, shape: Shape) -> str:
        assert self.built_for is not None
        wanted, got = batch_shape(self.built_for), batch_shape(shape)
        who = f"{self}" if self.name is None else f"{self} ({self.name!r})"
        return f"{who}: expected inputs of shape {wanted}, as built; got {got}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


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
    kernels: ClassVar[tuple[str, ...]] = ("weight",)  # what Keras keeps with the units last
    weight: Any  # a Tensor, as is the bias, once the number of inputs is known
    bias: Any
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
            value = _named_activation(value)
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

    def penalties(self) -> list[Any]:
        both = ((self.kernel_regularizer, self.weight), (self.bias_regularizer, self.bias))
        return [regularizer(p) for regularizer, p in both if regularizer is not None and p is not None]

    def name_nodes(self, layer: int) -> None:
        names = (Name(base, str(layer)).label() for base in "WbZA")
        self.weight.label, bias, self._z, self._a = names
        if self.bias is not None:
            self.bias.label = bias

    def described(self, *arguments: Any) -> str:
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

    def output_shape(self, input_shape: Shape) -> Shape:
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

    def output_shape(self, input_shape: Shape) -> Shape:
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

    def output_shape(self, input_shape: Shape) -> Shape:
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

    def _drop(self, x: Any) -> Any:
        assert self.rng is not None
        # float32 draws for both types, so that a net of either drops the same numbers
        kept = drawn(x, self.rng.random, x.shape, np.float32) >= self.rate
        mask = kept.astype(x.dtype)
        mask *= 1 / (1 - self.rate)
        mask.flags.writeable = False
        return x * mask

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"


def output_of(module: Any, x: Any) -> Any:
    """What `forward` gives. TypeError if that cuts the graph: an array from a layer or a model that has parameters."""
    z = module.forward(x)
    if z.__class__ is Tensor or z is x:
        return z
    if isinstance(z, np.ndarray) and x.__class__ is not Tensor and not module.parameters():  # prepares the data
        return z
    who = module if isinstance(module, BatchLayer) else type(module).__name__
    raise TypeError(
        f"{who}: expected a Tensor from its forward pass, got {describe(z)}, through which no gradient comes; "
        "compute it with operators and the functions of autograd"
    )


def is_told_in_steps(layer: BatchLayer) -> bool:
    """True if `forward` and `before_activation` are those of the base, in the class and in the layer itself."""
    forward, before = layer.forward, layer.before_activation
    return (
        getattr(forward, "__func__", None) is BatchLayer.forward
        and getattr(before, "__func__", None) is BatchLayer.before_activation
    )


def sample_shape(where: str, what: str, shape: Any) -> Shape:
    """The shape of one sample as a tuple; an int is a number of features."""
    if isinstance(shape, int | np.integer) and not isinstance(shape, bool):
        shape = (shape,)
    if not isinstance(shape, list | tuple):
        raise TypeError(f"{where}: expected {what} to be a tuple such as (10,), got {describe(shape)}")
    if not shape or None in shape:
        raise ValueError(f"{where}: expected {what} to be that of one sample, such as (10,); got {tuple(shape)}")
    return tuple(positive_integer(where, what, n) for n in shape)


def batch_shape(shape: Shape) -> str:
    """How messages write the shape of a batch of such samples."""
    return f"({', '.join(('batch', *map(str, shape)))})" if shape else "(batch,)"


def count_numbers(module: Module, seen: Iterable[Any] = ()) -> int:
    """How many numbers the parameters and buffers of a module are; those that were `seen` are left out."""
    return sum(np.size(numbers_of(places[0][2])) for places in state_of(module, seen).values())


def read_weights(modules: Iterable[Module]) -> list[np.ndarray]:
    """Copies of parameters and buffers, each once, in Keras' layout: for each module in turn, what is trained first."""
    return [
        np.array(np.moveaxis(numbers, 0, -1) if turned else numbers, order="C")
        for _, places, turned in _in_keras_order(modules)
        for numbers in [np.asarray(numbers_of(places[0][2]))]
    ]


def write_weights(where: str, modules: Iterable[Module], weights: Iterable[ArrayLike]) -> None:
    """Set what `read_weights` gives to these arrays, all of them or none."""
    kept, given = _in_keras_order(modules), list(weights)
    if len(given) != len(kept):
        raise ValueError(f"{where}: expected {len(kept)} arrays, kernel and bias of each layer; got {len(given)}")
    arrays = {}
    for (what, places, turned), array in zip(kept, given, strict=True):
        numbers = np.asarray(numbers_of(places[0][2]))
        array = np.asarray(array, dtype=numbers.dtype)
        expected = (*numbers.shape[1:], numbers.shape[0]) if turned else numbers.shape
        if array.shape != expected:
            remedy = (
                "; transpose it, for Keras' kernels are (in, out)" if turned and array.shape == numbers.shape else ""
            )
            raise ValueError(f"{where}: {what}: expected shape {expected}, got {array.shape}{remedy}")
        arrays[what] = np.moveaxis(array, -1, 0) if turned else array
    write_numbers(where, {what: places for what, places, _ in kept}, arrays)


def _in_keras_order(modules: Iterable[Module]) -> list[tuple[str, Any, bool]]:
    """Parameters and buffers, each once: its name, where it is kept, and if Keras keeps it with the units last."""
    found: list[tuple[str, Any, bool]] = []
    for module in modules:
        held = state_of(module, [places[0][2] for _, places, _ in found])
        called = getattr(module, "name", None)
        where = f"{called}: " if called else ""
        for name, places in sorted(held.items(), key=lambda kept: not is_parameter(kept[1][0][2])):
            turned = any(places[0][2] is getattr(module, kernel) for kernel in getattr(module, "kernels", ()))
            found.append((f"{where}{name.replace('weight', 'kernel') if turned else name}", places, turned))
    return found


def _named_activation(activation: str | Function | None) -> Function:
    """The function; one that was asked for by name takes random numbers from the model's generator."""
    if activation is None:
        return linear
    found = find_activation(activation)
    if isinstance(found, RandomizedLeakyReLU) and isinstance(activation, str):
        found.rng = None  # type: ignore[assignment]
    return found


def _without_bias(x: Any, weight: Tensor) -> Tensor:
    return matmul(x, weight.T)


def _share_generator(activation: Function, rng: np.random.Generator) -> None:
    if isinstance(activation, RandomizedLeakyReLU) and activation.rng is None:
        activation.rng = rng


def initial(where: str, initializer: Initializer, shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> Tensor:
    numbers = np.asarray(initializer(shape, rng=rng))
    if numbers.shape != shape:
        raise ValueError(f"{where}: expected an array of shape {shape} from the initializer, got {numbers.shape}")
    return Tensor(numbers, dtype=dtype)
