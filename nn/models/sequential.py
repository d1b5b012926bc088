"""Sequential: layers in a row, each fed by the one before, and their training as Keras writes it."""

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
from autograd.operands import describe
from autograd.tensor import leaf

from ..activations import Function
from ..attributes import Check, advised, changed
from ..callbacks.base import Callback
from ..callbacks.standard import History
from ..diagnosis import Diagnosis, diagnose
from ..files.arrays import check_suffix
from ..layers.basic import (
    BatchLayer,
    Input,
    Shape,
    ShapeLike,
    batch_shape,
    count_numbers,
    output_of,
    read_weights,
    sample_shape,
    write_weights,
)
from ..losses import Loss, find_loss
from ..metrics import Metric, find_metric
from ..module import Module, mode_inside, refuse_own_call
from ..optimizers import Optimizer, find_optimizer
from ..training import loop as loop
from ..training.loop import training_mode
from ..training.objective import Objective
from ..training.plan import Plan
from ..training.samples import (
    checked_inputs,
    checked_samples,
    training_data,
)
from .saving import check_savable, checked_metadata, read_model, write_model
from .summary import Summary

__all__ = ["Sequential", "load_model"]

# The metrics of one output that ask on which side of a threshold it is.
OF_SIDES = ("accuracy", "acc", "binary_accuracy", "precision", "recall")


# What is measured: the loss, the loss and the metrics, or these by name.
Scores = float | list[float] | dict[str, float]


class Sequential(Module):
    """A net of layers in a row. Rows of its input are samples::

        model = Sequential([Dense(32, activation="relu", input_shape=(10,)), Dense(1, activation="sigmoid")])
        model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, batch_size=32, epochs=100, validation_split=0.2)

    layers: layers, an Input first if none of them says what a sample looks like; more by `add`.
    dtype: of parameters and data, float32 or float64. rng: an int seed, a numpy Generator or None;
    weights, shuffling and dropout draw from this generator of the model, `rng`, and from no other.

    Parameters are made as soon as the shape of a sample is known, at the latest in `fit`. Those of
    the l-th layer that has any are labelled W[l] and b[l], its results Z[l] and A[l].
    """

    def __init__(
        self,
        layers: Iterable[Any] | None = None,
        *more: Any,
        name: str = "sequential",
        dtype: DTypeLike = "float32",
        rng: Rng = None,
    ) -> None:
        self.name = name
        self.dtype = float_type("Sequential", dtype)
        self.rng = generator(rng)
        self.history = None
        self.stop_training = False
        self.metadata = {}
        # An Optimizer, as the loss is a Loss, once it is compiled.
        vars(self).update(layers=[], input_shape=None, optimizer=None, loss=None, metrics=[])
        self._arranged: list[BatchLayer] = []  # the layers that are named and, if the shape is known, built
        self._shape: Shape | None = None
        self._objective: Objective | None = None
        self._programs: Programs | None = None
        if more or isinstance(layers, BatchLayer | Input):
            written = ", ".join(map(repr, (layers, *more)))
            raise TypeError(f"Sequential: expected one list of layers; write Sequential([{written}])")
        for layer in layers or ():
            self.add(layer)

    trainable = BatchLayer.trainable
    checks: ClassVar[Mapping[str, Check]] = {
        "dtype": lambda where, what, dtype: float_type(where, dtype),
        "rng": lambda where, what, rng: generator(rng),
    }
    settled: tuple[str, ...] = ("dtype", "input_shape")
    _reads = "layers", "training"  # what its outputs depend on
    dtype: np.dtype
    rng: np.random.Generator
    input_shape: Shape | None
    optimizer: Any
    loss: Any
    metrics: list[Metric]
    history: History | None
    stop_training: bool
    metadata: dict[str, Any]
    _is_fitting = False

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("optimizer", "loss", "metrics"):
            raise AttributeError(
                f"Sequential: optimizer, loss and metrics belong together; set {name} by compile(optimizer=..., "
                "loss=..., metrics=...). Options of the optimizer may be set: model.optimizer.learning_rate = 0.001"
            )
        before = vars(self).get("rng")
        super().__setattr__(name, value)
        if name == "rng" and before is not None:  # those who drew from the old one draw from the new one
            for module in self.modules():
                if vars(module).get("rng") is before:
                    module.rng = self.rng

    def is_settled(self) -> bool:
        """True once there are layers."""
        return bool(vars(self).get("_arranged"))

    @property
    def layers(self) -> list[BatchLayer]:
        """The layers in their order. The list may be changed: what is new in it is checked, named and built.

        After a change that brings or takes parameters, `compile` again: the optimizer has the others.
        """
        self._arrange()
        return vars(self)["layers"]

    @layers.setter
    def layers(self, layers: Iterable[BatchLayer]) -> None:
        found = list(layers)
        self._arrange(found)
        vars(self)["layers"] = found

    def parameters(self) -> list[Any]:
        self._arrange()
        return super().parameters()

    def named_parameters(self) -> list[tuple[str, Any]]:
        self._arrange()
        return super().named_parameters()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_own_call(cls, "forward(self, x)")

    # ------------------------------------------------------------ structure

    def add(self, layer: Any) -> None:
        """Put a layer behind the others. ValueError if it cannot take what they give."""
        if isinstance(layer, Input):
            if self.layers or self.input_shape is not None:
                raise ValueError(f"Sequential.add: {layer} must come first, before {len(self.layers)} layers")
            vars(self).update(input_shape=layer.shape, _shape=layer.shape)
            return
        found = [*self.layers, layer]
        self._arrange(found)
        vars(self)["layers"] = found

    def build(self, input_shape: ShapeLike) -> None:
        """Make the parameters for samples of this shape, given without the batch: (10,) or 10."""
        shape = sample_shape("Sequential.build", "input_shape", input_shape)
        if not self.layers:
            raise ValueError("Sequential: it has no layers; add one first, such as Dense(1)")
        if self.input_shape is not None:
            if shape != self.input_shape:
                raise ValueError(f"Sequential.build: {self.wrong_inputs((None, *shape))}")
            return
        self._arrange(self.layers, shape)

    def _arrange(self, layers: list[Any] | None = None, shape: Shape | None = None) -> None:
        """Name and build what is new in the list of layers, if it has changed. ValueError if they do not fit.

        layers: in the place of those that there are. shape: that of a sample, if it is only known now.
        """
        kept = vars(self)
        layers = kept["layers"] if layers is None else layers
        if layers == self._arranged and shape is None:
            return
        shape = first = shape or self.input_shape
        number, taken = 0, [layer.name for layer in layers if isinstance(layer, BatchLayer)]
        for i, layer in enumerate(layers):
            _check_layer(layer, layers[:i])
            if layer.name is None:
                layer.name = _free_name(_snake_case(type(layer).__name__), taken)
                taken.append(layer.name)
            given = layer.input_shape or layer.built_for
            if not i and shape is None:
                shape = first = given
            elif shape is not None and layer.input_shape not in (None, shape):
                raise ValueError(
                    f"Sequential.add: {layer} has input_shape={layer.input_shape}, what comes before gives {shape}; "
                    "leave input_shape out"
                )
            if shape is not None:
                layer.build(shape, dtype=self.dtype, rng=self.rng)
                number += bool(layer.parameters())
                if number and not self._is_in_place(i, layers):
                    layer.name_nodes(number)
                shape = layer.output_shape(shape)
        kept.update(input_shape=first, _shape=shape, _arranged=list(layers), _objective=None)

    def _is_in_place(self, i: int, layers: list[BatchLayer]) -> bool:
        """True for a layer with the same ones before it as until now: it has its labels, or those a user gave it."""
        return self._shape is not None and layers[: i + 1] == self._arranged[: i + 1]

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
        return read_weights([*self.layers, self])

    def set_weights(self, weights: Iterable[ArrayLike]) -> None:
        """Set all that `get_weights` gives, in its layout. ValueError if one does not fit; then none is changed."""
        self._check_built("set_weights")
        write_weights("Sequential.set_weights", [*self.layers, self], weights)

    def check_state(self, shapes: Mapping[str, Shape]) -> None:
        self._check_built("load_state_dict")
        super().check_state(shapes)

    def save(self, path: str | os.PathLike[str], *, metadata: Mapping[str, Any] | None = None) -> None:
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
        if getattr(type(self), name) is getattr(Sequential, name):
            check_suffix(path)
            if not weights_only:
                check_savable(self)

    @classmethod
    def load(cls, path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None) -> Any:
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
                f"Sequential.{what}: the parameters are not made yet; {remedy if self.layers else 'add layers'} first"
            )

    def wrong_inputs(self, shape: tuple[int | None, ...]) -> str:
        """What to say of inputs with another shape than the model was built for."""
        assert self.input_shape is not None
        first = f"{self.layers[0]} ({self.layers[0].name!r})" if self.layers else "the first layer"
        advice = "; for one sample write x[None], or [x] if it is a list" if tuple(shape) == self.input_shape else ""
        if len(shape) > 1 and shape[0] is not None and (shape[0],) == self.input_shape:
            advice = "; rows are samples: transpose x"
        got = batch_shape(tuple(n for n in shape[1:] if n is not None)) if shape[0] is None else shape
        return f"{first} expects inputs of shape {batch_shape(self.input_shape)}, as built; got {got}{advice}"

    # ------------------------------------------------------------ forward

    def __call__(self, x: ArrayLike | Tensor, training: bool | None = None) -> Tensor:
        """The outputs for a batch, an array or a Tensor with a row for each sample, as a Tensor.

        training: True or False for this call; None for what `train()` and `eval()` have set.
        ValueError if the number of features is not that of the first layer.
        """
        if not isinstance(x, Tensor):
            x = checked_inputs("Sequential", self, x, empty=True)
        elif not x.ndim:
            raise ValueError(f"Sequential: expected a batch, rows are samples; got the number {x.item()}")
        elif self.input_shape is None:
            self.build(x.shape[1:])
        elif x.shape[1:] != self.input_shape:
            raise ValueError(f"Sequential: {self.wrong_inputs(x.shape)}")
        if training is None or training == self.training:
            return _as_tensor(output_of(self, x))
        with training_mode(self, training):
            return _as_tensor(output_of(self, x))

    def forward(self, x: Any) -> Any:
        """The outputs for a batch of the right shape and dtype. Checks nothing."""
        if modes.active and not modes.is_recording():
            array = x._data if x.__class__ is Tensor else x
            known = self._programs  # which another thread may replace meanwhile
            if known is None or known.reads != self.layers:
                known = vars(self)["_programs"] = Programs(self.layers)
            z, label = quietly(known.run, self._named, array, mode_inside(self))
            return leaf(z.copy() if z is array else z, label)
        return self._through(x)

    def _named(self, x: np.ndarray, mode: bool | None) -> tuple[Any, str | None]:
        z = self._through(x)
        return z, z._label if isinstance(z, Tensor) else None

    def _through(self, x: Any) -> Any:
        for layer in self.layers:
            x = output_of(layer, x)
        return x

    @property
    def goes_straight(self) -> bool:
        """True if `forward` goes through the layers in their order, False if a subclass has another."""
        return getattr(self.forward, "__func__", None) is Sequential.forward

    @property
    def last_activation(self) -> Function | None:
        """The function that the model ends with; None if that is not known."""
        return self.layers[-1].last_activation if self.goes_straight else None

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
        self, optimizer: str | Optimizer = "rmsprop", loss: str | Loss | Function | None = None, metrics: Any = None
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
        names = [metric.name for metric in found_metrics]
        for name in names:
            if names.count(name) > 1 or name == "loss":
                raise ValueError(f"compile: two metrics would be called {name!r}; rename one with .named('...')")
        if self.built:
            found_optimizer.bind(self.parameters())
        vars(self).update(optimizer=found_optimizer, loss=found_loss, metrics=found_metrics, _objective=None)

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
            self.optimizer.bind(self.parameters())
            found = vars(self)["_objective"] = Objective(self, found)
        return found

    def _check_compiled(self, where: str) -> None:
        if self.loss is None:
            raise RuntimeError(
                f"{where}: the model is not compiled; call compile(optimizer='adam', loss=...) first, "
                "such as loss='mse' for numbers or 'sparse_categorical_crossentropy' for labels"
            )
        if not self.layers:
            raise ValueError(f"{where}: the model has no layers; add one first, such as Dense(1)")

    @advised
    def fit(
        self,
        x: ArrayLike | Iterable[Any],
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str | None = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Sequence[Any] | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: ArrayLike | None = None,
        initial_epoch: int = 0,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        steps_per_epoch: int | None = None,
    ) -> History:
        """Train on x, (samples, ...), and y, and give the History: `history.history["loss"]`, one number an epoch.

        y: (samples, outputs); or labels, (samples,), for a cross-entropy of classes; for one output
        (samples,) becomes (samples, 1). batch_size: 32 if None; the last batch may be shorter.
        epochs: the number of the last epoch; initial_epoch: how many are done already.
        verbose: 0 prints nothing; None prints in a terminal only; else see `nn.callbacks.progress`.
        callbacks: objects of `nn.callbacks`. validation_split: the share of the samples, the last
        ones before shuffling, that is not trained on; validation_data: (x, y) or (x, y, weights) instead.
        shuffle: a new order in each epoch. class_weight: a dict from label to weight; sample_weight:
        (samples,); both multiply the loss, which is still divided by the number of samples.
        validation_batch_size: how many samples at a time; validation_freq: after every so many epochs.
        x and y are not copied unless they must be: nobody is to write to them while the training lasts. An x in a
        file (np.memmap) stays there: samples are read, and become numbers of the model's dtype, batch by batch.

        Without y, x gives the batches, (x, y) or (x, y, sample_weight), an epoch each time it is gone through: a list
        of them, `nn.data.batches(x, y)`, an object with __iter__; of an iterator, which is gone through once,
        steps_per_epoch batches are an epoch. Then batch_size, shuffle, validation_split and weights are its business.

        The numbers are means over the samples of the epoch, while the weights moved; with "val_"
        after it. The loss contains what regularizers add.
        RuntimeError before `compile`; TypeError and ValueError for data that do not fit;
        ArithmeticError with epoch and batch if the loss becomes nan or infinite.
        """
        self._check_compiled("fit")
        size = 32 if batch_size is None else batch_size
        plan = Plan(size, epochs, verbose, callbacks, shuffle, initial_epoch, validation_batch_size, validation_freq)
        weights = sample_weight, class_weight
        data = training_data(self, x, y, *weights, validation_split, validation_data, batch_size, steps_per_epoch)
        return loop.fit(self, *data, plan)

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
        inputs: Any = samples.x
        if isinstance(x, Tensor):  # itself where it can be, so that the graph and its pictures stay plain
            inputs = x if x.shape == inputs.shape else x.reshape(inputs.shape)
            inputs = inputs if inputs.dtype == self.dtype else inputs.astype(self.dtype)
        _, loss = self.objective.forward(inputs, samples.y, samples.shares)
        return loss

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
        return self.evaluate(x, y, len(np.asarray(x)) or None, 0, sample_weight, return_dict)

    def diagnose(self, x: ArrayLike, y: ArrayLike, *, batch_size: int = 32, steps: int = 30, rng: Rng = 0) -> Diagnosis:
        """Say why this net does not learn: faults and hints, causes first; see `nn.diagnose`. Nothing is changed."""
        return diagnose(self, x, y, batch_size=batch_size, steps=steps, rng=rng)

    def _copy_to_diagnose(self) -> Sequential:
        self._check_compiled("diagnose")
        return copy.deepcopy(self)

    def _shown(self, logs: dict[str, float], as_dict: bool) -> Scores:
        return logs if as_dict else logs["loss"] if len(logs) == 1 else list(logs.values())

    def __repr__(self) -> str:
        return f"Sequential([{', '.join(map(repr, self.layers))}])"


def _check_layer(layer: Any, before: list[BatchLayer]) -> None:
    """What becomes a layer has to be one, and no other one."""
    if not isinstance(layer, BatchLayer):
        got = f"the class {layer.__name__}; write {layer.__name__}(...)" if isinstance(layer, type) else describe(layer)
        raise TypeError(f"Sequential.add: expected a layer such as Dense(32), got {got}")
    if any(layer is other for other in before):
        raise ValueError(f"Sequential.add: {layer} is in this model already; make a new one, each has its own weights")
    if layer.name is not None and layer.name in [other.name for other in before]:
        raise ValueError(f"Sequential.add: there is a layer called {layer.name!r} already; give {layer} another name")


def _free_name(base: str, taken: list[str | None]) -> str:
    names = [base, *(f"{base}_{i}" for i in range(1, len(taken) + 1))]
    return next(name for name in names if name not in taken)


def _as_tensor(a: ArrayLike | Tensor) -> Tensor:
    return a if isinstance(a, Tensor) else Tensor(a)  # a net without parameters computes with arrays


def load_model(path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None) -> Sequential:
    """The Sequential that its `save` wrote to `path`, as by `Sequential.load`."""
    return Sequential.load(path, custom_objects)


def find_sequential(where: str, model: object) -> Sequential:
    """`model` if it is a Sequential that is built, else TypeError or RuntimeError."""
    if not isinstance(model, Sequential):
        raise TypeError(f"{where}: expected a Sequential, got {describe(model)}")
    model._check_built(where)
    return model


def _snake_case(name: str) -> str:
    """MaxPooling2D as max_pooling2d: how Keras names layers."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()
