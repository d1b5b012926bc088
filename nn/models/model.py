"""Model: a net of layers between its inputs and its output, and how it is trained, as Keras writes it."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from autograd import Tensor, modes, sigmoid
from autograd.arguments import Rng, float_type, generator, positive_integer
from autograd.fast.programs import Programs
from autograd.ieee import quietly
from autograd.operands import Operand, describe
from autograd.tensor import leaf

from ..activations import Function
from ..attributes import Check, advised, changed
from ..callbacks.standard import History
from ..files.arrays import check_suffix
from ..layers.base import (
    BatchLayer,
    Place,
    Shape,
    ShapeLike,
    Shapes,
    batch_shape,
    count_numbers,
    frozen_in,
    one_or_all,
    output_of,
    read_weights,
    sample_shape,
    without_frozen,
    write_weights,
)
from ..losses import Loss, find_loss
from ..metrics import Metric, find_metric
from ..metrics import metrics as METRICS
from ..module import mode_inside
from ..optimizers import Optimizer, find_optimizer
from ..training import loop as loop
from ..training.objective import Objective
from ..training.samples import (
    checked_inputs,
    checked_samples,
)
from ..training.trained import Trained
from .saving import check_savable, checked_metadata, net, read_model, write_model
from .summary import Summary
from .wiring import Wiring, between, checked_places

__all__ = ["Model"]

# The metrics of one output that ask on which side of a threshold it is.
OF_SIDES = ("accuracy", "acc", "binary_accuracy", "precision", "recall")
# Those of classes, which leave out what the loss leaves out.
OF_CLASSES = tuple(name for name in METRICS if "mean" not in name and name not in ("mae", "mse", "binary_accuracy"))


# What is measured: the loss, the loss and the metrics, or these by name.
Scores = float | list[float] | dict[str, float]


@net
class Model(Trained, BatchLayer):
    """A net of layers that may branch: from its inputs to its output, along the places that layers were called with::

        x = Input((64,))
        a = Dense(32, "relu")(x)
        model = Model(x, Dense(10, "softmax")(a + Dense(32, "relu")(a)))

    inputs: an Input, or a list of several; also places inside of another net, whose layers both then share.
    outputs: the place whose numbers are the output. name, dtype, rng: as of `Sequential`, the model of layers in a
    row, which is trained, saved and shown in the same way. Where there are several inputs, x is a list of arrays.

    A model is a layer: called with a place it becomes a part of another net, with its weights, which keep the dtype
    that it was made with, as in Keras; where float32 and float64 meet, results are float64.
    ValueError for inputs that the output does not depend on, and for an output that needs others; there is one output.
    """

    def __init_subclass__(cls, **kwargs: Operand) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("train_step", "test_step"):
            if name in vars(cls):
                raise TypeError(
                    f"{cls.__name__}: {name} would not be used: a net that computes in a way of its own has "
                    "forward(self, x); a step of one's own is a loop with zero_grad(), loss.backward() and "
                    "optimizer.step()"
                )

    settled: tuple[str, ...] = ("dtype", "input_shape", "activation")
    checks: ClassVar[Mapping[str, Check]] = {
        "dtype": lambda where, what, dtype: float_type(where, dtype),
        "rng": lambda where, what, rng: generator(rng),
    }
    _reads = "layers", "training"  # what its outputs depend on
    name: str
    dtype: np.dtype
    rng: np.random.Generator
    input_shape: Any
    optimizer: Any
    loss: Any
    metrics: list[Metric]
    history: History | None
    stop_training: bool
    metadata: dict[str, object]
    _is_fitting = False
    _wiring: Wiring
    _frozen: Sequence[BatchLayer] = ()  # the layers that are not trained, as `compile` found them

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        *,
        name: str = "model",
        dtype: DTypeLike = "float32",
        rng: Rng = None,
    ) -> None:
        if inputs is None or outputs is None:
            raise TypeError(
                "Model: expected inputs and outputs, such as x = Input((10,)) and Dense(1)(x); a net that computes in "
                "a way of its own derives from Sequential, with a forward(self, x)"
            )
        self._begin(name, dtype, rng)
        places = checked_places("Model", "inputs", inputs)
        outs = checked_places("Model", "outputs", outputs)
        if len(outs) > 1:
            raise ValueError(
                f"Model: expected one output, got {len(outs)}: make a model for each, which share their layers and are "
                "trained one after another, or join them by Concatenate()"
            )
        if len(set(places)) < len(places):
            raise ValueError("Model: an input is given twice; give each once")
        if outs[0] in places:
            raise ValueError("Model: expected layers between input and output, got the input itself")
        wiring = between("Model", places, outs[0])
        layers = wiring.layers
        name_layers("Model", layers)
        shapes = [place.shape for place in places]
        for call in wiring.calls:
            given = [shapes[source] for source in call.inputs]
            call.layer.build(*given, dtype=self.dtype, rng=self.rng)
            shapes.append(call.layer.compute_output_shape(one_or_all(tuple(given))))
        vars(self)["layers"] = tuple(layers)
        self._wire(wiring, tuple(place.shape for place in places), shapes[-1])
        if not self._has_labels():
            self.name_nodes(1)

    def _begin(self, name: str, dtype: DTypeLike, rng: Rng) -> None:
        """What every model has before it has layers."""
        vars(self).update(layers=[], input_shape=None, built_for=None, optimizer=None, loss=None, metrics=[])
        self._shape: Shape | None = None
        self._objective: Objective | None = None
        self._programs: Programs | None = None
        self.name = name
        self._automatic = name if name in ("model", "sequential") else None
        self.dtype = float_type(type(self).__name__, dtype)
        self._brings_rng = rng is not None
        self.rng = generator(rng)
        self.history = None
        self.stop_training = False
        self.metadata = {}

    def _wire(self, wiring: Wiring, shapes: tuple[Shape, ...] | None, output: Shape | None) -> None:
        shape = None if shapes is None else one_or_all(shapes)
        vars(self).update(input_shape=shape, built_for=shape if wiring.calls else None, _shape=output)
        vars(self).update(_wiring=wiring, _objective=None, takes_several=len(wiring.inputs) > 1)

    def _arrange(self) -> None:
        """Look whether the layers are what they were; those between places stay."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("optimizer", "loss", "metrics"):
            raise AttributeError(
                f"{type(self).__name__}: optimizer, loss and metrics belong together; set {name} by "
                "compile(optimizer=..., loss=..., metrics=...). Options of the optimizer may be set: "
                "model.optimizer.learning_rate = 0.001"
            )
        before = vars(self).get("rng")
        super().__setattr__(name, value)
        if name == "rng" and before is not None:  # those who drew from the old one draw from the new one
            for module in self.modules():
                if vars(module).get("rng") is before:
                    module.rng = self.rng
        elif name == "trainable":  # as in Keras, what is inside follows
            for module in self.modules():
                if isinstance(module, BatchLayer):
                    vars(module)["trainable"] = self.trainable

    def is_settled(self) -> bool:
        """True once there are layers."""
        return "_wiring" in vars(self) and bool(self._wiring.calls)

    @property
    def layers(self) -> Any:
        """The layers, each once, in the order of their first use."""
        return vars(self)["layers"]

    @property
    def wiring(self) -> Wiring:
        """Which layer is given what."""
        self._arrange()
        return self._wiring

    @property
    def inputs(self) -> list[Place]:
        """The places from which it starts; none while the shape is not known."""
        return [place for place in self.wiring.inputs if place is not None]

    @property
    def input_names(self) -> tuple[str, ...]:
        """What the inputs are called in messages: "x" if there is one."""
        if not self.takes_several:
            return ("x",)
        return tuple(place.name or f"x[{i}]" for i, place in enumerate(self.inputs))

    @property
    def input_shapes(self) -> tuple[Shape, ...] | None:
        """The shape of a sample of each input; None if it is not known yet."""
        shape: Any = self.input_shape
        return shape if shape is None or self.takes_several else (shape,)

    @property
    def frozen(self) -> list[BatchLayer]:
        """The layers that are not trained, as `compile` found them."""
        return list(self._frozen)

    def parameters(self) -> list[Any]:
        self._arrange()
        return super().parameters()

    def named_parameters(self) -> list[tuple[str, Any]]:
        self._arrange()
        return super().named_parameters()

    # ------------------------------------------------------------ structure

    def build(self, input_shape: ShapeLike, *more: ShapeLike, dtype: DTypeLike | None = None, rng: Rng = None) -> None:
        """Make the parameters for samples of this shape, unless they are there. ValueError for another shape."""
        who = f"{type(self).__name__}.build"
        shapes = tuple(sample_shape(who, "input_shape", shape) for shape in (input_shape, *more))
        if self.input_shape is None:
            self._build(shapes[0], dtype, rng)
        elif shapes != self.input_shapes:
            raise ValueError(f"{who}: {self._other_shape(one_or_all(shapes))}")

    def _build(self, shape: Shape, dtype: DTypeLike | None, rng: Rng) -> None:
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """The shape of what it gives for a sample of this shape, or of these, if it has several inputs."""
        several = bool(input_shape) and isinstance(input_shape[0], tuple)
        shapes = tuple(input_shape) if several else (tuple(input_shape),)
        if self.input_shapes not in (None, shapes):
            raise ValueError(self._other_shape(input_shape))
        return self.wiring.shapes(shapes)[-1]

    @property
    def numbered(self) -> int:
        """How many of the layers have a number in names, those inside of models too."""
        return sum(layer.numbered for layer in self.layers)

    def name_nodes(self, layer: int) -> None:
        """Label parameters and results of all layers; the first of them that has any has this number."""
        number = layer - 1
        for inside in self.layers:
            number = name_next(inside, number)

    def _has_labels(self) -> bool:
        """True if each parameter has a label of its own, from a net that shares the layers."""
        labels = [p.label for p in self.parameters()]
        return None not in labels and len(set(labels)) == len(labels)

    @property
    def built(self) -> bool:
        """True once there are parameters."""
        return self.input_shape is not None and bool(self.layers)

    @property
    def output_shape(self) -> Shape:
        """The shape of what the model gives for one sample. RuntimeError before it is built."""
        self._check_built("output_shape")
        assert self._shape is not None
        return self._shape

    def get_layer(self, name: str | None = None, index: int | None = None) -> BatchLayer:
        """The layer of this name, or at this place. ValueError if there is none."""
        if (name is None) == (index is None):
            raise ValueError("get_layer: expected a name or an index")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"get_layer: index {index} is out of range for {len(self.layers)} layers")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = ", ".join(str(layer.name) for layer in self.layers)
        raise ValueError(f"get_layer: no layer is called {name!r}; known: {known}")

    def summary(self) -> Summary:
        """Print the layers with their output shapes and numbers of parameters, as Keras does, and give the table.

        In a notebook it is shown as a table. RuntimeError before the model is built.
        """
        self._check_built("summary")
        table = Summary(self)
        table.show()
        return table

    def count_params(self) -> int:
        """How many numbers there are, trained or not, shared ones once. RuntimeError before the model is built."""
        self._check_built("count_params")
        return count_numbers(self)

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all parameters and buffers in Keras' layout: kernel (in, out) and bias of each layer in turn.

        What layers share is there once; last comes what the model keeps outside of its layers.
        """
        self._check_built("get_weights")
        return read_weights([*self._parts(), self])

    def set_weights(self, weights: Iterable[ArrayLike]) -> None:
        """Set all that `get_weights` gives, in its layout. ValueError if one does not fit; then none is changed."""
        self._check_built("set_weights")
        write_weights(f"{type(self).__name__}.set_weights", [*self._parts(), self], weights)

    def _parts(self) -> list[BatchLayer]:
        """The layers, and in the place of models those inside."""
        return [part for x in self.layers for part in (x._parts() if isinstance(x, Model) else (x,))]

    def check_state(self, shapes: Mapping[str, Shape]) -> None:
        self._check_built("load_state_dict")
        super().check_state(shapes)

    def save(self, path: str | os.PathLike[str], *, metadata: Mapping[str, object] | None = None) -> None:
        """Save layers, weights, optimizer with its state, loss, metrics and where the random numbers continue.

        path: of a .npz or .safetensors file, which is made whole or stays as it was. A training that
        goes on after `load_model(path)` gives the same numbers as one that was never interrupted.
        The file holds no code: classes and functions of one's own are in it by name, and `load_model` is given
        them, or they are registered by `nn.register`. metadata: what else is to be in the file, as JSON holds it (where
        the data came from, names of classes): it is `model.metadata` from then on, also after loading.
        TypeError for those without a name, and for an object that does not keep its arguments as
        attributes of their names; `save_weights` leaves all these out.
        """
        self._check_built("save")
        if metadata is not None:
            self.metadata = checked_metadata(metadata)
        write_model(path, self)

    def check_savable(self, path: str | os.PathLike[str], *, weights_only: bool = False) -> None:
        """Refuse now what `save(path)`, or `save_weights(path)` if `weights_only`, would refuse after a training.

        ValueError for a suffix that is none of a file of weights; TypeError for parts that have no name. A class
        with a `save` (`save_weights`) of its own may write what it likes.
        """
        name = "save_weights" if weights_only else "save"
        if getattr(type(self), name) is getattr(Model, name):
            check_suffix(path)
            if not weights_only:
                check_savable(self)

    @classmethod
    def load(cls, path: str | os.PathLike[str], custom_objects: Mapping[str, object] | None = None) -> Any:
        """The model that `save` wrote to `path`.

        custom_objects: classes and functions of one's own that it is made of, by name: {"Scale": Scale}, unless they
        are registered. An
        operation of one's own only has to be defined. ValueError for a file that is damaged or holds no
        model, and for what is missing, by its name.
        """
        return read_model(path, cls, custom_objects)

    def _check_built(self, what: str) -> None:
        if not self.built:
            remedy = "give the first layer input_shape=(features,), call build(features), or fit the model"
            raise RuntimeError(
                f"{type(self).__name__}.{what}: the parameters are not made yet; "
                f"{remedy if self.layers else 'add layers'} first"
            )

    def wrong_inputs(self, shape: tuple[int | None, ...], place: int = 0) -> str:
        """What to say of inputs with another shape than the model was built for; place: which of several."""
        assert self.input_shapes is not None
        wanted = self.input_shapes[place]
        if self.takes_several:
            first = f"{self.name}: input {self.input_names[place]!r}"
        else:
            first = f"{self.layers[0]} ({self.layers[0].name!r})" if self.layers else "the first layer"
        advice = "; for one sample write x[None], or [x] if it is a list" if tuple(shape) == wanted else ""
        if len(shape) > 1 and shape[0] is not None and (shape[0],) == wanted:
            advice = "; rows are samples: transpose x"
        got = batch_shape(tuple(n for n in shape[1:] if n is not None)) if shape[0] is None else shape
        return f"{first} expects inputs of shape {batch_shape(wanted)}, as built; got {got}{advice}"

    def _other_shape(self, shapes: Shapes) -> str:
        if self.takes_several or (shapes and isinstance(shapes[0], tuple)):
            return super()._other_shape(shapes)
        return self.wrong_inputs((None, *shapes))

    # ------------------------------------------------------------ forward

    def outputs_of(self, inputs: tuple[object, ...], options: Mapping[str, object]) -> Tensor:
        """The outputs for batches, arrays or Tensors with a row for each sample, as a Tensor."""
        who = type(self).__name__
        if len(inputs) == 1 and isinstance(inputs[0], Tensor):
            x = inputs[0]
            if not x.ndim:
                raise ValueError(f"{who}: expected a batch, rows are samples; got the number {x.item()}")
            if self.input_shape is None:
                self.build(x.shape[1:])
            elif x.shape[1:] != self.input_shape:
                raise ValueError(f"{who}: {self.wrong_inputs(x.shape)}")
        else:
            given = [x.numpy() if isinstance(x, Tensor) else x for x in inputs]
            arrays = checked_inputs(who, self, given if self.takes_several else given[0], empty=True)
            inputs = tuple(x if isinstance(x, Tensor) else a for x, a in zip(inputs, arrays, strict=True))
        return _as_tensor(self.computed(*inputs))

    def forward(self, *xs: Operand, **options: Operand) -> Operand:
        """The outputs for a batch of the right shape and dtype. Checks nothing."""
        return self.wiring.run(*xs)

    def before_activation(self, *xs: Operand, **options: Operand) -> Operand:
        """What the activation of the last layer is applied to."""
        return self.wiring.run(*xs, to_sums=True)

    def computed(self, *xs: Operand) -> Operand:
        """What `forward` gives; where nothing is recorded, by a program of the calls that it made for such a batch."""
        if not modes.active or modes.is_recording():
            return output_of(self, *xs)
        arrays = [x._data if x.__class__ is Tensor else x for x in xs]
        reads = self.read
        known = self._programs  # which another thread may replace meanwhile
        if known is None or known.reads != reads:
            known = vars(self)["_programs"] = Programs(reads)
        z, label = quietly(known.run, self._named, *arrays, mode_inside(self))
        return leaf(z.copy() if z is arrays[0] else z, label)

    def _named(self, *arguments: object) -> tuple[Operand, str | None]:
        z = output_of(self, *arguments[:-1])
        return z, z._label if isinstance(z, Tensor) else None

    @property
    def read(self) -> list[BatchLayer]:
        """What its outputs depend on: its layers, or the model itself if it has a forward of its own."""
        return list(self.layers) if self.goes_straight else [self]

    @property
    def goes_straight(self) -> bool:
        """True if `forward` is that of its layers, False if a subclass has another."""
        return getattr(self.forward, "__func__", None) is Model.forward

    @property
    def last_layer(self) -> BatchLayer:
        """The layer that gives the output."""
        last: BatchLayer = self.wiring.calls[-1].layer
        return last

    @property
    def last_activation(self) -> Function | None:
        """The function that the model ends with; None if that is not known."""
        return self.last_layer.last_activation if self.goes_straight else None

    def predict(self, x: ArrayLike, batch_size: int | None = None, verbose: int | str | None = 0) -> np.ndarray:
        """The outputs as an array, (samples, ...), as after `eval()`: no dropout, no random number drawn.

        x: (samples, ...); none gives an array without rows. batch_size: how many are computed at a
        time. verbose: is taken so that Keras code runs; nothing is printed.
        """
        size = None if batch_size is None else positive_integer("predict", "batch_size", batch_size)
        return loop.outputs_of(self, checked_inputs("predict", self, x, empty=True, in_parts=True), size)

    def predict_classes(self, x: ArrayLike, batch_size: int | None = None) -> np.ndarray:
        """The class of each sample, int64, (samples,): where the largest output is, or 0 and 1 of a single output.

        A single output counts as 1 above 0.5, or above 0 if the loss takes it as a logit.
        """
        outputs = self.predict(x, batch_size)
        if len(self.output_shape) != 1:
            raise ValueError(f"predict_classes: expected one axis of outputs, the model gives {self.output_shape}")
        if outputs.shape[1] > 1:
            return outputs.argmax(axis=1)
        return (outputs[:, 0] > (0.0 if self._takes_one_logit() else 0.5)).astype(np.int64)

    def _takes_one_logit(self) -> bool:
        return self.loss is not None and self.loss.activation is sigmoid and self.loss.from_logits

    # ------------------------------------------------------------ training

    @advised
    def compile(
        self, optimizer: str | Optimizer = "rmsprop", loss: str | Loss | Function | None = None, metrics: object = None
    ) -> None:
        """Say how to train: strings or objects.

        optimizer: a name or an object of `nn.optimizers`. loss: a name or an object of `nn.losses`,
        or a function (y_true, y_pred) -> Tensor. metrics: a list of names, objects of `nn.metrics` or
        functions (y_true, y_pred) -> number; with a loss that takes logits of one output, those
        asked for by name look on which side of 0 it is, not of 0.5.

        After a sigmoid or softmax output, its cross-entropy is computed from the weighted sums.
        Compile again after a layer was added or given another activation.
        ValueError for unknown names (suggests the nearest) and for a loss that does not fit the last layer.
        """
        loop.check_not_fitting(self)
        if loss is None:
            raise ValueError("compile: expected a loss, such as loss='mse' or loss='binary_crossentropy'; got None")
        found_optimizer, found_loss = find_optimizer(optimizer), find_loss(loss)
        if self.layers:
            found_loss.check_output(self)
        given = [] if metrics is None else list(metrics) if isinstance(metrics, list | tuple) else [metrics]
        found_metrics = [find_metric(metric) for metric in given]
        if found_loss.activation is sigmoid and found_loss.from_logits:
            of_sides = [isinstance(metric, str) and metric in OF_SIDES for metric in given]
            found_metrics = [m.using(threshold=0.0) if s else m for m, s in zip(found_metrics, of_sides, strict=True)]
        ignored = getattr(found_loss, "ignore_class", None)
        if ignored is not None:
            by_name = [isinstance(metric, str) and metric in OF_CLASSES for metric in given]
            pairs = zip(found_metrics, by_name, strict=True)
            found_metrics = [m.using(ignore_class=ignored) if named else m for m, named in pairs]
        names = [metric.name for metric in found_metrics]
        for name in names:
            if names.count(name) > 1 or name == "loss":
                raise ValueError(f"compile: two metrics would be called {name!r}; rename one with .named('...')")
        frozen = frozen_in(self)
        if self.built:
            found_optimizer.bind(self._trained(frozen))
        vars(self).update(optimizer=found_optimizer, loss=found_loss, metrics=found_metrics)
        vars(self).update(_frozen=tuple(frozen), _objective=None)

    @property
    def metrics_names(self) -> list[str]:
        """What `evaluate` gives, in this order."""
        return ["loss", *(metric.name for metric in self.metrics)]

    @property
    def objective(self) -> Objective:
        """What a training step needs, looked up again after anything of the model was set."""
        self._arrange()
        found = self._objective
        if found is None or found.when is not changed[0]:
            self._check_compiled("training")
            self._check_built("training")
            self.loss.check_output(self)
            trained = self._trained(self._frozen)
            self.optimizer.bind(trained)
            found = vars(self)["_objective"] = Objective(self, trained, self._frozen, found)
        return found

    def _trained(self, frozen: Sequence[BatchLayer]) -> list[Any]:
        """The parameters that training moves. ValueError if they are all frozen."""
        found = without_frozen(self, frozen)
        if frozen and not found:
            raise ValueError(
                f"compile: nothing is left to train, for trainable is False on {frozen[0]!r}; set it to True before "
                "compile, which looks at it"
            )
        return found

    def _check_compiled(self, where: str) -> None:
        if self.loss is None:
            raise RuntimeError(
                f"{where}: the model is not compiled; call compile(optimizer='adam', loss=...) first, "
                "such as loss='mse' for numbers or 'sparse_categorical_crossentropy' for labels"
            )
        if not self.layers:
            raise ValueError(f"{where}: the model has no layers; add one first, such as Dense(1)")

    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        verbose: int | str | None = 0,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
    ) -> Scores:
        """The loss, or a list of loss and metrics if there are metrics, or a dict of both; as after `eval()`.

        verbose: is taken so that Keras code runs; nothing is printed. The rest is as in `fit`.
        """
        self._check_compiled("evaluate")
        size = None if batch_size is None else positive_integer("evaluate", "batch_size", batch_size)
        samples = checked_samples("evaluate", self, x, y, sample_weight, in_parts=True)
        return self._shown(loop.evaluate(self, samples, size), return_dict)

    def loss_of(self, x: ArrayLike | Tensor, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Tensor:
        """The loss of these samples as a Tensor, labelled L, with the graph of how it was computed::

            model.zero_grad()
            model.loss_of(x, y).backward()                            # what training adds to each .grad
            derive(model.loss_of(x, y), model.layers[0].weight)       # dZ[2] = A[2] - Y, and so on

        It is the loss that `fit` makes small: after a sigmoid or softmax output its cross-entropy is
        computed from the weighted sums, and what regularizers add is in it. Dropout is as `train()` and
        `eval()` have set it.

        x, y, sample_weight: as in `fit`; an x that is a Tensor gets a gradient too.
        RuntimeError before `compile`; TypeError and ValueError for data that do not fit.
        """
        self._check_compiled("loss_of")
        samples = checked_samples("loss_of", self, x, y, sample_weight)
        given: Operand = x if self.takes_several else [x]
        inputs = [self._of_graph(x, array) for x, array in zip(given, samples.xs, strict=True)]
        _, loss = self.objective.forward(*inputs, samples.y, samples.shares)
        return loss

    def _of_graph(self, x: Operand, array: np.ndarray) -> Operand:
        """A Tensor itself where it can be, so that the graph and its pictures stay plain; else the checked array."""
        if not isinstance(x, Tensor):
            return array
        x = x if x.shape == array.shape else x.reshape(array.shape)
        return x if x.dtype == self.dtype else x.astype(self.dtype)

    def train_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
    ) -> Scores:
        """One step on one batch: the loss before it, or a list of loss and metrics, or a dict of both."""
        self._check_compiled("train_on_batch")
        samples = checked_samples("train_on_batch", self, x, y, sample_weight)
        return self._shown(loop.train_on_batch(self, samples), return_dict)

    def test_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
    ) -> Scores:
        """`evaluate` on all samples at once."""
        samples = len(np.asarray(x[0] if self.takes_several else x))  # type: ignore[index]
        return self.evaluate(x, y, samples or None, 0, sample_weight, return_dict)

    def _to_train(self, where: str, *, vectorize: bool) -> Any:
        self._check_compiled(where)
        if not vectorize:
            raise TypeError(f"{where}: vectorize=False is for nets of Values, such as an MLP; leave it out")
        return self

    def _copy_to_diagnose(self) -> Any:
        self._check_compiled("diagnose")
        return copy.deepcopy(self)

    def _shown(self, logs: dict[str, float], as_dict: bool) -> Scores:
        return logs if as_dict else logs["loss"] if len(logs) == 1 else list(logs.values())

    def __repr__(self) -> str:
        inputs = ", ".join(batch_shape(place.shape) for place in self.inputs)
        return f"Model({self.name!r}, {inputs} to {batch_shape(self.output_shape)}, {len(self.layers)} layers)"


def name_layers(where: str, layers: Sequence[BatchLayer]) -> None:
    """Give each layer a name of its own. ValueError if a user gave one twice."""
    taken = [layer.name for layer in layers]
    for i, layer in enumerate(layers):
        if layer.name is None or (layer.name in taken[:i] and layer.name == layer._automatic):
            layer.name = layer._automatic = taken[i] = _free_name(_snake_case(type(layer).__name__), taken)
        elif layer.name in taken[:i]:
            raise ValueError(f"{where}: there is a layer called {layer.name!r} already; give {layer} another name")


def name_next(layer: BatchLayer, number: int) -> int:
    """Label what is in a layer, behind one of this number; the number of the last one inside."""
    count = layer.numbered
    if number + count:
        layer.name_nodes(number + bool(count))
    return number + count


def _snake_case(name: str) -> str:
    """MaxPooling2D as max_pooling2d: how Keras names layers."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _free_name(base: str, taken: Sequence[str | None]) -> str:
    names = [base, *(f"{base}_{i}" for i in range(1, len(taken) + 1))]
    return next(name for name in names if name not in taken)


def _as_tensor(a: ArrayLike | Tensor) -> Tensor:
    return a if isinstance(a, Tensor) else Tensor(a)  # a net without parameters computes with arrays


def find_model(where: str, model: object) -> Model:
    """`model` if it is one that is built, else TypeError or RuntimeError."""
    if not isinstance(model, Model):
        raise TypeError(f"{where}: expected a Sequential or another Model, got {describe(model)}")
    model._check_built(where)
    return model
