"""What all layers share: the batch that goes in and comes out, shapes, parameters, and places in a net of one's own.

A layer takes a batch, rows are samples, and gives a batch; some take several. It makes its parameters when it learns
what a sample looks like: at the latest when it sees the first data. A layer of one's own derives from BatchLayer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from autograd import Tensor, linear
from autograd.arguments import Rng, float_type, generator, positive_integer
from autograd.foreign import unknown_option
from autograd.operands import Operand, describe

from ..activations import Function, RandomizedLeakyReLU, find_activation
from ..attributes import Check, flag
from ..foreign import OF_INPUTS, OPTIONS
from ..initializers import Initializer
from ..module import (
    Found,
    Module,
    Parameter,
    TrainingMode,
    is_parameter,
    numbers_of,
    refuse_own_call,
    state_of,
    write_numbers,
)

__all__ = ["Add", "BatchLayer", "Input", "Place"]

Shape = tuple[int, ...]
Shapes = Shape | tuple[Shape, ...]  # of a sample: one shape, or one for each input of a layer that has several
ShapeLike = int | Sequence[int]

# A function, what it takes behind the batch, and what its result is called, if it is called anything.
Step = tuple[Callable[..., Operand], tuple[Operand, ...], str | None]


class Place:
    """Where in a net numbers will pass: what a layer gives that was called with another place.

    shape    of one sample
    layer    what computes it; None for an Input
    sources  the places that it is computed from
    options  what else the layer is called with; a place among them, such as a mask, is a source too

    `p + q` is Add()([p, q]). Places hold no numbers; a Model takes them.
    """

    __slots__ = ("layer", "name", "options", "shape", "sources")

    shape: Shape
    layer: Any
    sources: tuple[Place, ...]
    options: Mapping[str, Operand]
    name: str | None

    def __init__(self, shape: Shape, layer: Any, sources: tuple[Place, ...], options: Mapping[str, Operand]) -> None:
        for slot, x in (("shape", shape), ("layer", layer), ("sources", sources), ("options", options)):
            object.__setattr__(self, slot, x)  # what a Model has looked at stays: no circle can be made
        object.__setattr__(self, "name", None)

    @property
    def named(self) -> dict[str, Place]:
        """The places among the options."""
        return {name: x for name, x in self.options.items() if isinstance(x, Place)}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{self}: it cannot be changed; call a layer with it for another one")

    def __setstate__(self, state: tuple[None, dict[str, object]]) -> None:
        for slot, x in state[1].items():
            object.__setattr__(self, slot, x)

    def __add__(self, other: Place) -> Place:
        if not isinstance(other, Place):
            raise TypeError(f"{self}: expected another place to add, got {describe(other)}; numbers are a layer's")
        added: Place = Add()([self, other])
        return added

    __radd__ = __add__

    def _computed(self, *others: object) -> NoReturn:
        """What operators say that there is no layer for."""
        raise TypeError(
            f"{self}: it holds no numbers yet; between places there is +, Add and Concatenate. What else is computed "
            "is a layer's: Activation(function), or a layer of your own with forward(self, x)"
        )

    __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __matmul__ = __rmatmul__ = _computed
    __pow__ = __neg__ = __getitem__ = _computed

    def __array_ufunc__(self, function: np.ufunc, method: str, *operands: Any, **options: object) -> Place:
        if function is np.add:
            other: Any = next((x for x in operands if x is not self), None)
            return self + other
        self._computed()

    @classmethod
    def __torch_function__(cls, *arguments: object) -> NoReturn:
        raise TypeError(
            f"expected a layer of this library on {cls.__name__}(...), got one of torch: Dense for Linear, Conv2D for "
            "Conv2d; weights are taken along by set_weights"
        )

    def __array__(self, *args: object, **kwargs: Operand) -> Operand:
        raise TypeError(f"{self}: it holds no numbers yet; make a Model of it, and call that with an array")

    def __repr__(self) -> str:
        who = type(self).__name__ if self.layer is None else f"output of {self.layer}"
        return f"<{who}, {batch_shape(self.shape)}>"


class Input(Place):
    """What the samples look like: a place from which a Model starts, or the first entry of a Sequential.

    shape: of one sample, without the batch: (10,), (28, 28). name: of the input, in messages and summaries.
    """

    __slots__ = ()

    def __init__(self, shape: ShapeLike | None = None, name: str | None = None, **options: object) -> None:
        for option in options:
            raise unknown_option("Input", option, OF_INPUTS, ("shape", "name"))
        if shape is None:
            raise TypeError("Input: expected the shape of one sample, such as (10,)")
        super().__init__(sample_shape("Input", "shape", shape), None, (), {})
        object.__setattr__(self, "name", checked_name("Input", name))

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

    built_for   the shape of one sample, once it is known, or of one for each of several inputs; None before
    trainable   whether training moves its parameters; `compile` looks, and what is set later waits for the next one

    Called with a batch it gives the output; called with an Input, or another place in a net, it gives a place, of
    which a `Model` is made.
    """

    activation: Any = None
    takes_several: bool = False  # whether a list is several inputs, and not a batch
    call_options: ClassVar[tuple[str, ...]] = ()  # what `forward` takes besides the inputs
    regularized: ClassVar[Mapping[str, str]] = {}  # the options that hold the regularizers of parameters
    trainable: bool = True
    _automatic: str | None = None  # the name that a model gave it, if nobody else did
    checks: ClassVar[Mapping[str, Check]] = {
        "activation": lambda where, what, value: named_activation(value),
        "trainable": flag,
    }
    settled: tuple[str, ...] = ("input_shape",)
    built_for: Any

    def __init__(self, *, input_shape: ShapeLike | None = None, name: str | None = None) -> None:
        self.name = checked_name(type(self).__name__, name)
        self.input_shape = None if input_shape is None else sample_shape(str(self), "input_shape", input_shape)
        self.built_for = None

    def __init_subclass__(cls, **kwargs: Operand) -> None:
        super().__init_subclass__(**kwargs)
        refuse_own_call(cls, "forward(self, x)")
        if "call" in vars(cls):
            raise TypeError(
                f"{cls.__name__}: call would not be used: what it computes of a batch is in forward(self, x), which "
                "may ask self.training"
            )
        if "build" in vars(cls) and "rng" not in inspect.signature(vars(cls)["build"]).parameters:
            raise TypeError(
                f"{cls.__name__}: parameters are made by make_parameters(self, input_shape, dtype, rng), which sets "
                "Tensors as attributes; input_shape is that of one sample. Rename build"
            )
        if callable(vars(cls).get("output_shape")):
            raise TypeError(
                f"{cls.__name__}: what becomes of a shape is told by compute_output_shape(self, input_shape), as in "
                "Keras; output_shape is that of a model: rename it"
            )

    def is_settled(self) -> bool:
        """True once the parameters are made."""
        return getattr(self, "built_for", None) is not None

    def trainable_parameters(self) -> list[Any]:
        """The parameters but those of layers whose `trainable` is False, with all that these hold."""
        return without_frozen(self, frozen_in(self))

    def build(self, input_shape: ShapeLike, *more: ShapeLike, dtype: DTypeLike = "float32", rng: Rng = None) -> None:
        """Make the parameters for samples of this shape, unless they are there already.

        more: the shapes of the other inputs of a layer that has several. ValueError if the layer cannot take them.
        """
        shapes = tuple(sample_shape(str(self), "input_shape", shape) for shape in (input_shape, *more))
        wanted = self.kept(shapes)
        if self.built_for is None:
            self.compute_output_shape(wanted)
            self.make_parameters(wanted, float_type(str(self), dtype), generator(rng))
            self.built_for = wanted
        elif wanted != self.built_for:
            raise ValueError(self._other_shape(wanted))

    def make_parameters(self, input_shape: Any, dtype: np.dtype, rng: np.random.Generator) -> None:
        """Set the parameters as attributes; `rng` is the model's own generator. By default there are none.

        input_shape: that of a sample; of a layer that was given several inputs the shapes of all.
        """

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """What becomes of the shape of one sample, or of the shapes of all inputs. By default it stays."""
        return tuple(input_shape)

    def steps(self) -> list[Step]:
        """What `forward` computes: functions one after another, the first on the batch."""
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(self, x)")

    def forward(self, *xs: Operand, **options: Operand) -> Operand:
        """The output for a batch, a Tensor or an array with a row for each sample. Checks nothing."""
        (x,) = xs
        return self._follow(self.steps(), x)

    def before_activation(self, *xs: Operand, **options: Operand) -> Operand:
        """What the last step, an activation, is applied to: the weighted sums that a loss from logits takes."""
        (x,) = xs
        return self._follow(self.steps()[:-1], x)

    def _follow(self, steps: list[Step], x: Operand) -> Operand:
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

    def penalties(self) -> list[Tensor]:
        """What the regularizers of the layer add to the loss, one Tensor for each."""
        both = ((getattr(self, option), getattr(self, name)) for name, option in self.regularized.items())
        return [regularizer(p) for regularizer, p in both if regularizer is not None and p is not None]

    def name_nodes(self, layer: int) -> None:
        """Label parameters, and results made from now on, as those of this layer of a net. By default nothing."""

    @property
    def numbered(self) -> int:
        """How many numbers of layers its names take: 1 if it has parameters."""
        return int(bool(self.parameters()))

    def __call__(self, x: Operand, *more: Any, training: bool | None = None, **options: Operand) -> Operand:
        """The output for a batch as a Tensor; builds the layer if it is not. Of places (`Input`) a place.

        x: of a layer with several inputs a list of them, or each by itself. training: True or False for this call,
        and all calls of a Model that has the place; None for what `train()` and `eval()` have set, or `fit` and
        `predict`. ValueError if shapes do not fit.
        """
        inputs = self.inputs_of(x, more)
        for name in options:
            if name not in self.call_options:
                raise unknown_option(f"{self}, called", name, OPTIONS, ("training", *self.call_options))
        if any(isinstance(x, Place) for x in (*inputs, *options.values())):
            return self._placed(inputs, training, options)
        if training is None or training is self.training:
            return self.outputs_of(inputs, options)
        with TrainingMode(self.modules(), training):
            return self.outputs_of(inputs, options)

    def inputs_of(self, x: Operand, more: tuple[Operand, ...]) -> tuple[Operand, ...]:
        """What a call was given as a tuple of batches, or of places."""
        several = isinstance(x, list | tuple) and not more
        if several and (self.takes_several or any(isinstance(one, Place) for one in x)):
            return tuple(x)
        for one in (x, *more):
            if isinstance(one, Module | type):
                raise TypeError(
                    f"{self}: expected a batch of numbers or a place in a net, got {describe(one)}; layers are put in "
                    f"a row by Sequential([Input(...), {self}]), or {self}(Input(...))"
                )
        return (x, *more)

    def _placed(self, places: tuple[Operand, ...], training: bool | None, options: Mapping[str, Operand]) -> Place:
        """The place that the layer makes of other places."""
        for place in places:
            if not isinstance(place, Place):
                raise TypeError(f"{self}: expected places in a net only, got {describe(place)} among them")
        if training is not None:
            options = {**options, "training": flag(f"{self}, called", "training", training)}
        shapes = tuple(place.shape for place in places)
        wanted = self.built_for or self.input_shape
        if wanted not in (None, self.kept(shapes)):
            raise ValueError(self._other_shape(one_or_all(shapes)))
        shape = self._shape_behind(shapes)
        self.check_options(one_or_all(shapes), {name: x for name, x in options.items() if name != "training"})
        return Place(shape, self, places, options)

    def check_options(self, input_shape: Any, options: Mapping[str, Operand]) -> None:
        """TypeError or ValueError for options of a call on places that do not fit; those known are `call_options`."""

    def kept(self, shapes: tuple[Shape, ...]) -> Shapes:
        """The shapes of the inputs of a call as they stand in `built_for`."""
        return one_or_all(shapes)

    def _shape_behind(self, shapes: tuple[Shape, ...]) -> Shape:
        if len(shapes) > 1 and not self.takes_several:
            raise TypeError(f"{self}: expected one input, got {len(shapes)}; see Add and Concatenate")
        return self.compute_output_shape(one_or_all(shapes))

    def outputs_of(self, inputs: tuple[Operand, ...], options: Mapping[str, object]) -> Tensor:
        """The output for batches, which are checked, as a Tensor."""
        xs = tuple(x if isinstance(x, Tensor) else Tensor(x) for x in inputs)
        for x in xs:
            if not x.ndim:
                raise ValueError(f"{self}: expected a batch, rows are samples; got a single number")
        shapes = tuple(x.shape[1:] for x in xs)
        lengths = [len(x) for x in xs]
        if len(set(lengths)) > 1:
            raise ValueError(f"{self}: expected as many samples in each input, got {', '.join(map(str, lengths))}")
        if self.built_for is None:
            self._shape_behind(shapes)
            self.build(*shapes, dtype=xs[0].dtype)
        elif self.kept(shapes) != self.built_for:
            raise ValueError(self._other_shape(one_or_all(shapes)))
        z = self.forward(*xs, **options)
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

    def keras_shape(self, name: str, shape: Shape) -> Shape:
        """The shape in which Keras keeps the parameter of this name, which has this shape once its units come last."""
        return shape

    def count_params(self) -> int:
        """How many numbers there are, trained or not."""
        return count_numbers(self)

    def _other_shape(self, shapes: Shapes) -> str:
        wanted, got = (batch_shape(x) for x in (self.built_for or self.input_shape or (), shapes))
        who = f"{self}" if self.name is None else f"{self} ({self.name!r})"
        return f"{who}: expected inputs of shape {wanted}, as built; got {got}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Add(BatchLayer):
    """The sum of several inputs of one shape, as in a residual connection: `Add()([x, f(x)])`, or `x + f(x)`.

    ValueError for inputs of different shapes.
    """

    takes_several = True

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = several_shapes(str(self), input_shape)
        if len(set(shapes)) > 1:
            raise ValueError(f"{self}: expected inputs of one shape, got {batch_shape(shapes)}")
        return shapes[0]

    def forward(self, *xs: Operand, **options: Operand) -> Operand:
        total = xs[0]
        for x in xs[1:]:
            total = total + x
        return total


def output_of(module: Any, *xs: Operand, **options: Operand) -> Operand:
    """What `forward` gives. TypeError if that cuts the graph: an array from a layer or a model that has parameters."""
    z = module.forward(*xs, **options)
    if z.__class__ is Tensor or z is xs[0]:
        return z
    is_of_data = all(x.__class__ is not Tensor for x in xs)
    if isinstance(z, np.ndarray) and is_of_data and not module.parameters():  # prepares the data
        return z
    who = module if isinstance(module, BatchLayer) else type(module).__name__
    raise TypeError(
        f"{who}: expected a Tensor from its forward pass, got {describe(z)}, through which no gradient comes; "
        "compute it with operators and the functions of autograd"
    )


def mode_of_call(layer: BatchLayer, training: bool) -> TrainingMode:
    """What a call on places with `training` computes in; the running numbers of what is frozen stay, as in Keras."""
    resting = [m for m in frozen_in(layer) if m.buffers()] if training else []
    return TrainingMode(layer.modules(), training, resting)


def frozen_in(module: Module) -> list[BatchLayer]:
    """The layers inside, or the module itself, that are not to be trained."""
    return [m for m in module.modules() if isinstance(m, BatchLayer) and not m.trainable]


def without_frozen(module: Module, frozen: Iterable[Module]) -> list[Parameter]:
    """The parameters of a module but for what the frozen ones hold."""
    held = {id(p) for m in frozen for p in m.parameters()}
    return [p for p in module.parameters() if id(p) not in held]


def is_told_in_steps(layer: BatchLayer) -> bool:
    """True if `forward` and `before_activation` are those of the base, in the class and in the layer itself."""
    forward, before = layer.forward, layer.before_activation
    return (
        getattr(forward, "__func__", None) is BatchLayer.forward
        and getattr(before, "__func__", None) is BatchLayer.before_activation
    )


def sample_shape(where: str, what: str, shape: object) -> Shape:
    """The shape of one sample as a tuple; an int is a number of features."""
    if isinstance(shape, int | np.integer) and not isinstance(shape, bool):
        shape = (shape,)
    if not isinstance(shape, list | tuple):
        raise TypeError(f"{where}: expected {what} to be a tuple such as (10,), got {describe(shape)}")
    if None in shape:
        raise ValueError(
            f"{where}: expected {what} to be that of one sample, such as (10,); got {tuple(shape)}. All sequences have "
            "one length: fill up the shorter ones, and leave their ends out by ignore_class= of a loss, or a mask"
        )
    if 0 in shape:
        raise ValueError(
            f"{where}: expected {what} to be without an empty axis, such as a sequence of no steps; got {tuple(shape)}"
        )
    if not shape:
        raise ValueError(f"{where}: expected {what} to be that of one sample, such as (10,); got {tuple(shape)}")
    return tuple(positive_integer(where, what, n) for n in shape)


def batch_shape(shapes: Any) -> str:
    """How messages write the shape of a batch of such samples, or of one for each of several inputs."""
    if shapes and isinstance(shapes[0], tuple):
        return " and ".join(map(batch_shape, shapes))
    return f"({', '.join(('batch', *map(str, shapes)))})" if shapes else "(batch,)"


def one_or_all(shapes: tuple[Shape, ...]) -> Shapes:
    """The shape of the only input, or the shapes of several."""
    return shapes[0] if len(shapes) == 1 else shapes


def several_shapes(where: str, shapes: Any) -> tuple[Shape, ...]:
    """The shapes of the inputs of a layer that needs at least two."""
    if not isinstance(shapes[0], tuple):
        raise ValueError(f"{where}: expected at least two inputs, in a list, got one of shape {batch_shape(shapes)}")
    if len(shapes) < 2:
        raise ValueError(f"{where}: expected at least two inputs, got {len(shapes)}")
    return tuple(shapes)


def checked_name(where: str, name: object) -> str | None:
    """A name, or None. TypeError for another thing."""
    if name is not None and not (isinstance(name, str) and name):
        raise TypeError(f"{where}: expected name to be a string, got {describe(name)}")
    return name


def count_numbers(module: Module, seen: Iterable[object] = ()) -> int:
    """How many numbers the parameters and buffers of a module are; those that were `seen` are left out."""
    return sum(np.size(numbers_of(places[0][2])) for places in state_of(module, seen).values())


def read_weights(modules: Iterable[Module]) -> list[np.ndarray]:
    """Copies of parameters and buffers, each once, in Keras' layout: for each module in turn, what is trained first."""
    return [
        np.array(np.moveaxis(numbers, 0, -1) if turned else numbers, order="C").reshape(shape)
        for _, places, turned, shape in _in_keras_order(modules)
        for numbers in [np.asarray(numbers_of(places[0][2]))]
    ]


def write_weights(where: str, modules: Iterable[Module], weights: Iterable[ArrayLike]) -> None:
    """Set what `read_weights` gives to these arrays, all of them or none."""
    kept, given = _in_keras_order(modules), list(weights)
    if len(given) != len(kept):
        raise ValueError(f"{where}: expected {len(kept)} arrays, kernel and bias of each layer; got {len(given)}")
    arrays = {}
    for (what, places, turned, expected), array in zip(kept, given, strict=True):
        numbers = np.asarray(numbers_of(places[0][2]))
        array = np.asarray(array, dtype=numbers.dtype)
        if array.shape != expected:
            remedy = (
                "; transpose it, for Keras' kernels are (in, out)" if turned and array.shape == numbers.shape else ""
            )
            raise ValueError(f"{where}: {what}: expected shape {expected}, got {array.shape}{remedy}")
        if turned:
            array = np.moveaxis(array.reshape((*numbers.shape[1:], numbers.shape[0])), -1, 0)
        arrays[what] = array.reshape(numbers.shape)
    write_numbers(where, {what: places for what, places, _, _ in kept}, arrays)


def _in_keras_order(modules: Iterable[Module]) -> list[tuple[str, list[Found], bool, Shape]]:
    """Parameters and buffers, each once: its name, where it is kept, if Keras has its units last, its shape there."""
    found: list[tuple[str, list[Found], bool, Shape]] = []
    for module in modules:
        held = state_of(module, [places[0][2] for _, places, *_ in found])
        called = getattr(module, "name", None)
        where = f"{called}: " if called else ""
        for name, places in sorted(held.items(), key=lambda kept: not is_parameter(kept[1][0][2])):
            x = places[0][2]
            turned = any(x is getattr(module, kernel) for kernel in getattr(module, "kernels", ()))
            shape: Shape = np.shape(numbers_of(x))
            shape = (*shape[1:], shape[0]) if turned else shape
            if isinstance(module, BatchLayer):
                shape = np.empty(shape, bool).reshape(module.keras_shape(name, shape)).shape
            found.append((f"{where}{name.replace('weight', 'kernel') if turned else name}", places, turned, shape))
    return found


def named_activation(activation: str | Function | None) -> Function:
    """The function; one that was asked for by name takes random numbers from the model's generator."""
    if activation is None:
        return linear
    found = find_activation(activation)
    if isinstance(found, RandomizedLeakyReLU) and isinstance(activation, str):
        found.rng = None  # type: ignore[assignment]
    return found


def initial(where: str, initializer: Initializer, shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> Tensor:
    numbers = np.asarray(initializer(shape, rng=rng))
    if numbers.shape != shape:
        raise ValueError(f"{where}: expected an array of shape {shape} from the initializer, got {numbers.shape}")
    return Tensor(numbers, dtype=dtype)
