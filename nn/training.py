"""How a Sequential is trained and measured: the step, the epoch, and the loop around them.

Data are checked once, before the loop. In it there is no more for each batch than its slice, the
forward pass, one node for the loss, the reverse pass and the optimizer's step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from autograd import Tensor, chain, modes, no_grad
from autograd.op import describe, quietly, real
from autograd.sweep import backward

from .arguments import (
    checked_features,
    checked_fraction,
    checked_targets,
    checked_weights,
    plain_array,
    positive_integer,
)
from .callbacks import History
from .data import Batches, split_validation
from .hooks import Callback
from .layers import Links, tells
from .losses import are_labels
from .metrics import Running
from .progress import progress

__all__ = ["Objective", "Samples", "evaluate", "fit", "outputs_of", "train_on_batch"]

# How many samples are looked at together where no weight is changed between them, and how many wait
# until their metrics are taken: looking at a few costs as much as at many.
GATHERED = 1024

# How many samples of a large batch are computed together, forward and backward, while they are in the
# processor's cache: 41,000 images are read from memory once instead of twice, in four fifths of the time.
PART = 1024


class Objective:
    """What a model's training makes small, with all that a step needs looked up.

    finish: what makes the outputs of the model of what the loss takes: the activation of the last
    layer where the loss takes its weighted sums, else None.
    """

    def __init__(self, model: Any) -> None:
        loss, last = model.loss, model.layers[-1]
        skips = loss.activation is not None and not loss.from_logits and last.last_activation is loss.activation
        self.finish = last.last_activation if skips else None
        self.from_logits = loss.from_logits or skips
        self.loss = loss
        before = [layer.forward for layer in model.layers[:-1]]
        self.forwards = [*before, last.before_activation if skips else last.forward]
        self.penalized = [layer for layer in model.layers if layer.penalties()]
        self.parameters = model.parameters()
        self.optimizer = model.optimizer
        self.seed = np.ones((), model.dtype)
        self._links = Links(model.layers, model.dtype, not skips)
        self._passes = chain.Passes(self.parameters, self.seed)
        self._may_chain = not self.penalized and tells(loss, "link", "of_batch")

    def step(self, x: np.ndarray, y: np.ndarray, weight: Any) -> tuple[float, np.ndarray]:
        """Train on one batch: its loss before the step, and what the loss took of the net.

        x, y: as in Samples, not to be written to. weight: 1/m, or an array with weight/m for each
        sample. With a loss that is not finite no weight is changed, and no parameter has a gradient.
        """
        found = self.links(y, weight)
        if found is not None:
            if len(x) < 2 * PART:
                return self._chained_step(*found, x)
            return self._step_in_parts(found[0], x, y, weight)
        outputs, loss = self.forward(x, y, weight)
        value = loss._data.item()
        for p in self.parameters:
            p._grad = None
        if value - value == 0.0:
            backward(loss, self.seed)
            self.optimizer.step()
        return value, outputs._data

    def _chained_step(self, links: list[chain.Link], last: chain.Link, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The same without a graph, the same numbers in half of the time for small nets."""
        value, outputs = self._passes_of(links, last, x)
        if value - value == 0.0:
            self.optimizer.step()
        return value, outputs

    def _step_in_parts(
        self, links: list[chain.Link], x: np.ndarray, y: np.ndarray, weight: Any
    ) -> tuple[float, np.ndarray]:
        """The same, but sums over the batch are sums of sums over parts of it, and rounded as such."""
        value, outputs = 0.0, []
        trained: list[Any] = []  # those that have a gradient; a parameter that its layer dropped has none
        sums: list[Any] = []
        for start in range(0, len(x), PART):
            part = slice(start, start + PART)
            last = self.loss.link(y[part], weight[part] if isinstance(weight, np.ndarray) else weight, self.from_logits)
            loss, found = self._passes_of(links, last, x[part])
            value += loss
            outputs.append(found)
            if value - value == 0.0:
                trained = trained or [p for p in self.parameters if p._grad is not None]
                gradients = [p._grad for p in trained]
                sums = list(map(np.add, sums, gradients)) if sums else list(map(np.array, gradients))
        for p in self.parameters:
            p._grad = None
        if value - value == 0.0:
            for p, g in zip(trained, sums, strict=True):
                p._grad = g
            self.optimizer.step()
        return value, np.concatenate(outputs)

    def _passes_of(self, links: list[chain.Link], last: chain.Link, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Forward and back: the loss and what it took; the gradients of the parameters, if the loss is finite."""
        for p in self.parameters:
            p._grad = None  # first, so that nobody sees half of one if the step is interrupted
        found = self._passes.run(links, last, x)
        if found is not None:
            value, outputs = float(found[0]), found[1]
            if value - value == 0.0:
                for p in self.parameters:
                    p._grad = p._buffer
            return value, outputs
        loss, tape = chain.run([*links, last], x)
        value = float(loss)
        if value - value == 0.0:
            chain.pull_back(tape, self.seed)
        return value, tape[-1][2][0]

    def links(self, y: np.ndarray, weight: Any) -> tuple[list[chain.Link], chain.Link] | None:
        """The operations of `forward` one after another and the loss; None if it is more, or somebody watches."""
        links = self._links.get()
        if links is None or not self._may_chain or modes.active:
            return None
        last = self.loss.link(y, weight, self.from_logits)
        return None if last is None else (links, last)

    def forward(self, x: np.ndarray, y: np.ndarray, weight: Any) -> tuple[Any, Any]:
        """What the loss takes of the net, and the loss, as Tensors."""
        a: Any = x
        for forward in self.forwards:
            a = forward(a)
        loss = self.loss.of_batch(a, y, weight, self.from_logits)
        for layer in self.penalized:
            for penalty in layer.penalties():
                loss = loss + penalty
        loss._label = "L"
        return a, loss


class Samples(NamedTuple):
    """Checked data in the dtype of the model, with a row for each sample.

    y: what the loss takes; shown: what the metrics take, labels where labels were given.
    weights: one for each sample, or None.
    """

    x: np.ndarray
    y: np.ndarray
    shown: np.ndarray
    weights: np.ndarray | None

    def fixed(self) -> Samples:
        """The same samples in arrays that nobody can write to, copied unless they are such already."""
        return self._map(_fixed_copy)

    def rows(self, start: int, end: int) -> Samples:
        """Those of the samples that have these places; views."""
        return self._map(lambda array: array[start:end])

    @property
    def shares(self) -> Any:
        """What the loss of each sample counts in their mean: 1/m, or an array with weight/m for each."""
        share = 1.0 / len(self.x)
        return share if self.weights is None else self.weights * self.x.dtype.type(share)

    def _map(self, f: Callable[[np.ndarray], np.ndarray]) -> Samples:
        y = f(self.y)
        shown = y if self.shown is self.y else f(self.shown)
        return Samples(f(self.x), y, shown, None if self.weights is None else f(self.weights))

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """x and y, shown where it is another array, and the weights if there are any."""
        shown = () if self.shown is self.y else (self.shown,)
        return (self.x, self.y, *shown, *(() if self.weights is None else (self.weights,)))

    def parts(self, batch: tuple[np.ndarray, ...]) -> Samples:
        """A batch of `arrays` as Samples again."""
        x, y = batch[:2]
        shown = y if self.shown is self.y else batch[2]
        return Samples(x, y, shown, None if self.weights is None else batch[-1])


def _fixed_copy(array: np.ndarray) -> np.ndarray:
    if array.flags.writeable or array.base is not None:
        array = array.copy()
        array.flags.writeable = False
    return array


class Measures:
    """The loss and the metrics of the batches of an epoch, each the mean over samples."""

    def __init__(self, metrics: Iterable[Any], finish: Callable[..., Any] | None) -> None:
        self.running = [Running(metric) for metric in metrics]
        self.finish = finish
        self.total, self.samples = 0.0, 0
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._samples_waiting = 0
        self._limit = 1 if any(r.metric.by_batch for r in self.running) else GATHERED

    def add(self, loss: float, shown: np.ndarray, outputs: np.ndarray) -> None:
        """Count a batch. The arrays are looked at later and must stay as they are."""
        m = len(outputs)
        self.total += loss * m
        self.samples += m
        if self.running:
            self._waiting.append((shown, outputs))
            self._samples_waiting += m
            if self._samples_waiting >= self._limit:
                self._count()

    def _count(self) -> None:
        if self._waiting:
            shown, outputs = map(np.concatenate, zip(*self._waiting, strict=True))
            self._waiting, self._samples_waiting = [], 0
            if self.finish is not None:
                outputs = finished(self.finish, outputs)
            for running in self.running:
                running.update(shown, outputs)

    def logs(self) -> dict[str, float]:
        """The means so far, by the names of a History."""
        self._count()
        return {"loss": self.total / self.samples, **{r.name: r.result() for r in self.running}}


def finished(activation: Callable[..., Any], outputs: np.ndarray) -> np.ndarray:
    """The activation of weighted sums, without recording."""
    with no_grad():
        return activation(Tensor(outputs)).numpy()


# ---------------------------------------------------------------- data at the door


def checked_inputs(where: str, model: Any, x: Any, *, empty: bool = False) -> np.ndarray:
    """The samples in the dtype of the model, which is built for them if it is not yet built."""
    return _for_model(where, model, _features(where, model, x, empty))


def _features(where: str, model: Any, x: Any, empty: bool = False) -> np.ndarray:
    array = plain_array(where, "x", x)
    if array.dtype.kind in "iub":
        return checked_features(where, array.astype(model.dtype), empty=empty)
    return converted(where, "x", checked_features(where, array, empty=empty), model.dtype)


def _for_model(where: str, model: Any, array: np.ndarray) -> np.ndarray:
    """The features if they have the shape that the model was built for, or after it was built for them."""
    if array.ndim == 1 and (model.input_shape in (None, (1,))):
        array = array[:, None]
    if model.input_shape is None:
        model.build(array.shape[1:])
    elif array.shape[1:] != model.input_shape:
        raise ValueError(f"{where}: {model.wrong_inputs(array.shape)}")
    return array


def converted(where: str, what: str, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Finite numbers as `dtype`. ValueError if one is too large for it."""
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore"):
        narrow = array.astype(dtype)
    if narrow.itemsize < array.itemsize and not np.isfinite(narrow).all():
        raise ValueError(
            f"{where}: {what} has numbers up to {np.abs(array).max():g}, too large for {dtype}: "
            "scale it, or make the model with dtype='float64'"
        )
    return narrow


def checked_samples(where: str, model: Any, x: Any, y: Any, sample_weight: Any = None) -> Samples:
    """x, y and weights, checked once and for all; the model is built if it is not.

    y of shape (n,) becomes (n, 1) where the model has one output, as in Keras.
    """
    if y is None:
        raise TypeError(f"{where}: expected targets y, got None")
    features = _features(where, model, x)
    targets = checked_targets(where, features, y)
    if targets.dtype.kind == "f":
        targets = converted(where, "y", targets, model.dtype)
    features = _for_model(where, model, features)
    outputs = model.output_shape
    if targets.ndim == 1 and outputs == (1,):
        targets = targets[:, None]
    prepared = model.loss.prepare(where, targets, outputs, model.dtype)
    labels = len(outputs) == 1 and outputs[0] > 1 and are_labels(targets)
    shown = targets.reshape(-1) if labels and prepared.shape != targets.shape else prepared
    weights = None
    if sample_weight is not None:
        weights = checked_weights(where, sample_weight, len(features)).astype(model.dtype)
    features = np.ascontiguousarray(features)  # the copies that a graph makes are, and products round as the order is
    return Samples(features, prepared, shown, weights)


def weights_of_classes(where: str, class_weight: Any, samples: Samples) -> np.ndarray:
    """The weight of each sample's class; 1 for a class that has none, as in Keras."""
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"{where}: expected class_weight as a dict such as {{0: 1.0, 1: 5.0}}, got {describe(class_weight)}"
        )
    y = samples.shown
    labels = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    weights = np.ones(len(labels), samples.x.dtype)
    for label, weight in class_weight.items():
        real(label, f"{where}: a label of class_weight")
        weight = real(weight, f"{where}: class_weight[{label!r}]")
        if samples.y.ndim == 2 and (classes := samples.y.shape[1]) > 1 and label not in range(classes):
            raise ValueError(
                f"{where}: class {label} of class_weight is out of range for {classes} classes (0..{classes - 1}): "
                "labels count from 0"
            )
        if not 0 <= weight < math.inf:
            raise ValueError(f"{where}: expected class weights of at least 0, got {weight} for class {label!r}")
        weights[labels == label] = weight
    return weights


# ---------------------------------------------------------------- one batch


def train_on_batch(model: Any, samples: Samples) -> dict[str, float]:
    """One training step; the loss before it and the metrics, by name."""
    objective = model.objective
    step = objective.step
    if not model.training or modes.active:
        with training_mode(model, True), modes.recording():
            value, outputs = quietly(step, samples.x, samples.y, samples.shares)
    else:
        value, outputs = quietly(step, samples.x, samples.y, samples.shares)
    if value - value != 0.0:
        raise ArithmeticError(f"train_on_batch: {_not_finite(value)}")
    if not model.metrics:
        return {"loss": value}
    measures = Measures(model.metrics, objective.finish)
    measures.add(value, samples.shown, outputs)
    return measures.logs()


def _not_finite(value: float) -> str:
    return (
        f"the loss is {value}; no weight was changed by this batch. Lower the learning rate, clip gradients "
        "(clipnorm=1.0), scale x, or look for log and division in a loss of your own"
    )


# ---------------------------------------------------------------- without training


@contextmanager
def training_mode(model: Any, mode: bool) -> Iterator[None]:
    """Modules behave as in training or as in prediction; afterwards as before."""
    before = [(module, module.training) for module in model.modules()]
    for module, _ in before:
        module.training = mode
    try:
        yield
    finally:
        for module, was in before:
            module.training = was


def evaluate(model: Any, samples: Samples, batch_size: int | None) -> dict[str, float]:
    """Loss and metrics over all samples, by the names of a History."""
    objective = model.objective
    measures = Measures(model.metrics, objective.finish)
    with training_mode(model, False), no_grad():
        for batch in Batches(samples.arrays, batch_size or GATHERED, None):
            part = samples.parts(batch)
            outputs, loss = quietly(objective.forward, part.x, part.y, part.shares)
            measures.add(loss.item(), part.shown, outputs.numpy())
    return measures.logs()


def outputs_of(model: Any, x: np.ndarray, batch_size: int | None) -> np.ndarray:
    """What the model gives for all samples; for none an array of the right shape with no rows."""
    size = batch_size or GATHERED
    with training_mode(model, False), no_grad():
        parts = [quietly(model.forward, x[i : i + size]) for i in range(0, len(x), size)]
    if not parts:
        return np.empty((0, *model.output_shape), model.dtype)
    return np.concatenate([part.numpy() if isinstance(part, Tensor) else part for part in parts])


# ---------------------------------------------------------------- the loop


class Listeners:
    """The callbacks of a training, and which of them listen to what."""

    def __init__(self, callbacks: Iterable[Any], model: Any, params: dict[str, Any]) -> None:
        found = list(callbacks)
        for callback in found:
            callback.model, callback.params = model, params
        names = [name for name in vars(Callback) if name.startswith("on_")]
        self._methods = {name: [m for c in found if (m := _own_method(c, name))] for name in names}

    def of(self, name: str) -> list[Callable[..., Any]]:
        """The methods of this name, of those callbacks that have one of their own."""
        return self._methods[name]

    def call(self, name: str, *args: Any) -> None:
        """Call the methods of this name in order."""
        for method in self._methods[name]:
            method(*args)


def _own_method(callback: Any, name: str) -> Any:
    """A method that does something; None for one of the base class."""
    method = getattr(callback, name, None)
    return None if getattr(method, "__func__", method) is getattr(Callback, name) else method


def fit(
    model: Any,
    x: Any,
    y: Any,
    batch_size: int | None,
    epochs: int,
    *,
    verbose: Any,
    callbacks: Any,
    validation_split: float,
    validation_data: Any,
    shuffle: bool,
    class_weight: Any,
    sample_weight: Any,
    initial_epoch: int,
    validation_batch_size: int | None,
    validation_freq: int,
) -> History:
    """The training that `Sequential.fit` describes, with its arguments; the defaults are there."""
    where = "fit"
    batch_size = 32 if batch_size is None else positive_integer(where, "batch_size", batch_size)
    if validation_batch_size is not None:
        validation_batch_size = positive_integer(where, "validation_batch_size", validation_batch_size)
    epochs = positive_integer(where, "epochs", epochs)
    first = _checked_first(initial_epoch, epochs)
    every = positive_integer(where, "validation_freq", validation_freq)
    listeners, shown = _as_list(callbacks), progress(verbose)
    samples = checked_samples(where, model, x, y, sample_weight)
    samples, validation = _validation(model, samples, validation_split, validation_data)
    if class_weight is not None:
        weights = weights_of_classes(where, class_weight, samples)
        samples = samples._replace(weights=weights if samples.weights is None else weights * samples.weights)
    shuffles = shuffle and len(samples.x) > batch_size
    if not shuffles and model.objective.links(samples.y, 1.0) is None:
        samples = samples.fixed()  # a graph copies what can change, and would at every step
    batches = Batches(samples.arrays, batch_size, model.rng if shuffles else None, fixed=True)

    history = model.history = History()
    names = model.metrics_names
    params = {
        "epochs": epochs,
        "steps": len(batches),
        "samples": len(samples.x),
        "batch_size": batch_size,
        "verbose": verbose,
        "validation_freq": every,
        "metrics": names if validation is None else [*names, *(f"val_{name}" for name in names)],
    }
    hooks = Listeners([*listeners, history, *([] if shown is None else [shown])], model, params)

    def validate(epoch: int) -> dict[str, float]:
        if validation is None or (epoch + 1) % every:
            return {}
        return {f"val_{name}": value for name, value in evaluate(model, validation, validation_batch_size).items()}

    try:
        with training_mode(model, True), modes.recording():
            _train(model, samples, batches, range(first, epochs), hooks, validate)
    except BaseException:
        if shown is not None:
            shown.on_train_end({})  # so that no bar is left behind
        raise
    return history


def _train(
    model: Any,
    samples: Samples,
    batches: Batches,
    epochs: range,
    hooks: Listeners,
    validate: Callable[[int], dict[str, float]],
) -> None:
    """All epochs, or as many as callbacks let pass."""
    objective = model.objective
    logs: dict[str, float] = {}
    model.stop_training = False
    hooks.call("on_train_begin", {})
    for epoch in epochs:
        hooks.call("on_epoch_begin", epoch, {})
        logs = _epoch(model, objective, samples, batches, hooks, epoch)
        logs |= validate(epoch)
        hooks.call("on_epoch_end", epoch, logs)
        if model.stop_training:
            break
    hooks.call("on_train_end", logs)


def _epoch(
    model: Any, objective: Objective, samples: Samples, batches: Batches, hooks: Listeners, epoch: int
) -> dict[str, float]:
    """Train on all batches once; the means over the samples, by name.

    A loss that is not finite is an error, unless a callback stops the training because of it.
    """
    measures = Measures(model.metrics, objective.finish)
    begin, end = hooks.of("on_train_batch_begin"), hooks.of("on_train_batch_end")
    step, add = objective.step, measures.add
    has_weights, is_plain = samples.weights is not None, len(samples.arrays) == 2
    scale = samples.x.dtype.type
    number = 0  # not by enumerate, which holds a batch while the next is gathered: see Batches
    for batch in batches:
        for hook in begin:
            hook(number, {})
        x, y = batch[0], batch[1]
        weight: Any = 1.0 / len(x)
        if has_weights:
            weight = batch[-1] * scale(weight)
        value, outputs = quietly(step, x, y, weight)
        add(value, y if is_plain else samples.parts(batch).shown, outputs)
        for hook in end:
            hook(number, {"loss": measures.total / measures.samples})
        number += 1  # noqa: SIM113
        if value - value != 0.0:
            if model.stop_training:
                return dict.fromkeys(model.metrics_names, value)
            raise ArithmeticError(f"fit: epoch {epoch + 1}, batch {number}: {_not_finite(value)}")
        del batch, x
    return measures.logs()


def _checked_first(initial_epoch: Any, epochs: int) -> int:
    if isinstance(initial_epoch, bool) or not isinstance(initial_epoch, int | np.integer) or initial_epoch < 0:
        raise ValueError(f"fit: expected initial_epoch to be an integer of at least 0, got {initial_epoch!r}")
    if initial_epoch >= epochs:
        raise ValueError(
            f"fit: initial_epoch={initial_epoch} leaves nothing to train; epochs={epochs} is the number of the "
            "last epoch, not how many more to train"
        )
    return int(initial_epoch)


def _validation(model: Any, samples: Samples, split: Any, data: Any) -> tuple[Samples, Samples | None]:
    """The samples to train on, and those to validate on if there are any."""
    if data is not None:
        if not isinstance(data, list | tuple) or len(data) not in (2, 3):
            raise TypeError(f"fit: expected validation_data as (x, y) or (x, y, sample_weight), got {describe(data)}")
        return samples, checked_samples("fit: validation_data", model, *data)
    if not checked_fraction("fit", "validation_split", split):
        return samples, None
    kept = len(split_validation(samples.x, samples.y, split)[0][0])
    return samples.rows(0, kept), samples.rows(kept, len(samples.x))


def _as_list(callbacks: Any) -> list[Any]:
    found = [] if callbacks is None else list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    for callback in found:
        if isinstance(callback, type):
            raise TypeError(
                f"fit: expected callbacks, got the class {callback.__name__}; write {callback.__name__}(...)"
            )
        if not any(hasattr(callback, name) for name in ("on_epoch_end", "on_train_batch_end", "on_train_begin")):
            raise TypeError(f"fit: expected callbacks, got {describe(callback)}; derive it from nn.callbacks.Callback")
    return found
