"""The samples of a training, checked once before the loop."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from autograd.arguments import checked_fraction, positive_integer
from autograd.operands import Operand, describe, real

from ..data import split_validation
from ..losses import BinaryCrossentropy, CategoricalCrossentropy, Loss, Weight
from ..samples import (
    check_finite,
    check_same_length,
    checked_features,
    checked_targets,
    checked_weights,
    plain_array,
)

__all__ = ["TrainingData", "checked_inputs", "checked_samples", "training_data"]


class Fed(Protocol):
    """What samples are checked against: what a model takes and gives."""

    dtype: np.dtype
    loss: Any

    @property
    def input_names(self) -> tuple[str, ...]: ...
    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...] | None: ...
    @property
    def output_shape(self) -> tuple[int, ...]: ...
    def wrong_inputs(self, shape: tuple[int, ...], place: int = 0, /) -> str: ...


class TrainingData(NamedTuple):
    """Checked data in the dtype of the model, with a row for each sample.

    xs: the inputs of the model, one for most. y: what the loss takes; shown: what the metrics take, labels where labels
    were given. weights: one for each sample, or None.
    """

    xs: tuple[np.ndarray, ...]
    y: np.ndarray
    shown: np.ndarray
    weights: np.ndarray | None

    def fixed(self) -> TrainingData:
        """The same samples in arrays that nobody can write to, copied unless they are such already."""
        return self._map(_fixed_copy)

    def rows(self, start: int, end: int) -> TrainingData:
        """Those of the samples that have these places; views."""
        return self._map(lambda a: a.part(start, end) if isinstance(a, Mapped) else a[start:end])

    @property
    def x(self) -> np.ndarray:
        """The inputs of a model that takes one array. ValueError for another."""
        if len(self.xs) > 1:
            raise ValueError(f"expected a model with one input, got one with {len(self.xs)}")
        return self.xs[0]

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(self.y)

    @property
    def shares(self) -> Weight:
        """What the loss of each sample counts in their mean: 1/m, or an array with weight/m for each."""
        share = 1.0 / len(self.y)
        return share if self.weights is None else self.weights * self.xs[0].dtype.type(share)

    def _map(self, f: Callable[[np.ndarray], np.ndarray]) -> TrainingData:
        y = f(self.y)
        shown = y if self.shown is self.y else f(self.shown)
        return TrainingData(tuple(map(f, self.xs)), y, shown, None if self.weights is None else f(self.weights))

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """The inputs and y, shown where it is another array, and the weights if there are any."""
        shown = () if self.shown is self.y else (self.shown,)
        return (*self.xs, self.y, *shown, *(() if self.weights is None else (self.weights,)))

    def parts(self, batch: tuple[np.ndarray, ...]) -> TrainingData:
        """A batch of `arrays` as TrainingData again."""
        n = len(self.xs)
        y = batch[n]
        shown = y if self.shown is self.y else batch[n + 1]
        return TrainingData(batch[:n], y, shown, None if self.weights is None else batch[-1])


def _fixed_copy(array: np.ndarray) -> np.ndarray:
    if isinstance(array, Mapped):
        return array
    if array.flags.writeable or array.base is not None:
        array = array.copy()
        array.flags.writeable = False
    return array


class Mapped:
    """Samples in a file (np.memmap), of which no more are read than are taken, and these in the dtype of the model.

    It has what a training asks of an array: shape, slices of rows, and rows by number.
    """

    def __init__(self, where: str, array: np.ndarray, dtype: np.dtype) -> None:
        self._where, self._array, self.dtype = where, array, np.dtype(dtype)
        self.shape, self.ndim, self.size = array.shape, array.ndim, array.size

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, rows: slice) -> np.ndarray:
        found = converted(self._where, "x", np.array(self._array[rows]), self.dtype)
        found.flags.writeable = False
        return found

    def take(self, rows: np.ndarray, axis: int = 0) -> np.ndarray:
        """The samples with these numbers."""
        return converted(self._where, "x", self._array.take(rows, axis=axis), self.dtype)

    def part(self, start: int, end: int) -> Mapped:
        """Those of the samples that have these places, still in the file."""
        return Mapped(self._where, self._array[start:end], self.dtype)


class Stream:
    """Batches that somebody else makes, checked one by one; each `for` over it is one epoch.

    source: gives (x, y) or (x, y, sample_weight). steps: how many are an epoch; None for all of them.
    first: the first batch, of which the others have the parts.
    """

    def __init__(self, model: Fed, source: Iterable[object], steps: int | None) -> None:
        self._model, self._source = model, source
        self._running = iter(source)
        self._goes_on = self._running is source  # an iterator, which cannot start again
        self.steps: int | None = steps or (len(source) if isinstance(source, Sized) else None)
        try:
            first = next(self._running)
        except StopIteration:
            raise ValueError("fit: expected batches (x, y), got none") from None
        self.first = self._checked(first)
        self._waiting: Iterator[object] | None = itertools.chain([first], self._running)

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        found, self._waiting = self._waiting, self._running if self._goes_on else None
        number = 0
        for number, batch in enumerate(itertools.islice(iter(self._source) if found is None else found, self.steps), 1):
            data = self._checked(batch)
            if len(data.arrays) != len(self.first.arrays):
                raise ValueError(
                    f"fit: batch {number} has other parts than the first: (x, y), or (x, y, weights) in all"
                )
            yield data.arrays
        if not number:
            raise ValueError(
                "fit: no batch is left, for an iterator can be gone through once: give what can be gone through again "
                "(a list, nn.data.batches(x, y), an object with __iter__), or steps_per_epoch="
            )

    def _checked(self, batch: object) -> TrainingData:
        if not isinstance(batch, list | tuple) or len(batch) not in (2, 3):
            raise TypeError(f"fit: expected batches (x, y) or (x, y, sample_weight), got {describe(batch)}")
        return checked_samples("fit", self._model, *batch).fixed()  # who made them may write to them again


def are_batches(x: object) -> bool:
    """True for what gives batches (x, y), False for samples."""
    if isinstance(x, list | tuple):
        return bool(x) and all(isinstance(batch, tuple) and len(batch) in (2, 3) for batch in x)
    return isinstance(x, Iterable) and not hasattr(x, "__array__") and not isinstance(x, str | bytes | Mapping)


def is_mapped(array: np.ndarray) -> bool:
    """True for an array whose numbers are in a file."""
    base: object = array
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return False


# ---------------------------------------------------------------- data at the door


def checked_inputs(
    where: str, model: Fed, x: Operand, *, empty: bool = False, in_parts: bool = False
) -> tuple[np.ndarray, ...]:
    """The samples in the dtype of the model, which is built for them if it is not yet built: an array for each input.

    in_parts: they are taken part by part, so that those in a file may stay there.
    """
    return _for_model(where, model, _features(where, model, x, empty, in_parts))


def _features(
    where: str, model: Fed, x: Operand, empty: bool = False, in_parts: bool = False
) -> tuple[np.ndarray, ...]:
    names = model.input_names
    if len(names) == 1:
        return (_feature(where, "x", model, x, empty, in_parts),)
    if isinstance(x, Mapping):
        if set(x) != set(names):
            raise ValueError(f"{where}: expected an array for each input, {', '.join(names)}; got {', '.join(x)}")
        x = [x[name] for name in names]
    if not isinstance(x, list | tuple) or len(x) != len(names):
        got = f"{len(x)} of them" if isinstance(x, list | tuple) else describe(x)
        raise ValueError(f"{where}: expected a list of {len(names)} arrays, {', '.join(names)}; got {got}")
    arrays = tuple(_feature(where, name, model, array, empty, in_parts) for name, array in zip(names, x, strict=True))
    check_same_length(where, **dict(zip(names, arrays, strict=True)))
    return arrays


def _feature(where: str, name: str, model: Fed, x: ArrayLike, empty: bool, in_parts: bool) -> np.ndarray:
    """One input. name: what it is called in messages."""
    array = plain_array(where, name, x)
    if in_parts and is_mapped(array) and array.ndim > 1 and array.size:
        check_finite(f"{where}: {name}", array)
        return cast(np.ndarray, Mapped(where, array, model.dtype))
    if array.dtype.kind in "iub":
        return checked_features(where, array.astype(model.dtype), empty=empty, name=name)
    return converted(where, name, checked_features(where, array, empty=empty, name=name), model.dtype)


def _for_model(where: str, model: Fed, arrays: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """The features if they have the shapes that the model was built for, or after it was built for them."""
    shapes = model.input_shapes
    if shapes is None:
        arrays = tuple(array[:, None] if array.ndim == 1 else array for array in arrays)
        cast(Any, model).build(arrays[0].shape[1:])
        return arrays
    found = []
    for i, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        if array.ndim == 1 and shape == (1,):
            array = array[:, None]
        if array.shape[1:] != shape:
            raise ValueError(f"{where}: {model.wrong_inputs(array.shape, i)}")
        found.append(array)
    return tuple(found)


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


def checked_samples(
    where: str,
    model: Fed,
    x: Operand,
    y: ArrayLike | None,
    sample_weight: ArrayLike | None = None,
    *,
    in_parts: bool = False,
) -> TrainingData:
    """x, y and weights, checked once and for all; the model is built if it is not.

    y of shape (n,) becomes (n, 1) where the model has one output, as in Keras.
    """
    if y is None:
        raise TypeError(f"{where}: expected targets y, got None")
    features = _features(where, model, x, in_parts=in_parts)
    targets = checked_targets(where, features[0], y)
    if targets.dtype.kind == "f":
        targets = converted(where, "y", targets, model.dtype)
    features = _for_model(where, model, features)
    outputs = model.output_shape
    if targets.ndim == 1 and outputs == (1,):
        targets = targets[:, None]
    prepared = model.loss.targets(where, targets, outputs, model.dtype)
    labels = outputs[-1] > 1 and targets.shape[1:] in (outputs[:-1], (*outputs[:-1], 1))
    shown = targets.reshape(targets.shape[: len(outputs)]) if labels and prepared.shape != targets.shape else prepared
    weights = None
    if sample_weight is not None:
        weights = checked_weights(where, sample_weight, len(prepared)).astype(model.dtype)
    # the copies that a graph makes lie in order, and products round as the order is
    xs = tuple(x if isinstance(x, Mapped) else np.ascontiguousarray(x) for x in features)
    return TrainingData(xs, prepared, shown, weights)


def training_data(
    model: Fed,
    x: Operand,
    y: ArrayLike | None,
    sample_weight: ArrayLike | None,
    class_weight: Mapping[int, float] | None,
    validation_split: float,
    validation_data: Sequence[ArrayLike] | None,
    batch_size: int | None,
    steps_per_epoch: int | None,
) -> tuple[TrainingData | Stream, TrainingData | None]:
    """What to train on, and the samples to validate on if there are any, from the arguments of `fit`.

    TypeError for an option that only arrays have, or only batches.
    """
    if y is None and are_batches(x):
        theirs = {"batch_size": batch_size, "validation_split": validation_split or None}
        for name, option in {**theirs, "class_weight": class_weight, "sample_weight": sample_weight}.items():
            if option is not None:
                raise TypeError(f"fit: {name} is for arrays x and y; make the batches with it, or without")
        steps = None if steps_per_epoch is None else positive_integer("fit", "steps_per_epoch", steps_per_epoch)
        return Stream(model, x, steps), checked_validation(model, validation_data)
    if steps_per_epoch is not None:
        raise TypeError("fit: steps_per_epoch is for batches; of arrays x and y an epoch is all samples")
    samples = checked_samples("fit", model, x, y, sample_weight, in_parts=True)
    validation = checked_validation(model, validation_data)
    if validation is None and checked_fraction("fit", "validation_split", validation_split):
        kept = len(split_validation(samples.y, samples.y, validation_split)[0][0])
        samples, validation = samples.rows(0, kept), samples.rows(kept, samples.samples)
    if class_weight is not None:
        weights = _weights_of_classes("fit", class_weight, samples, model.loss)
        samples = samples._replace(weights=weights if samples.weights is None else weights * samples.weights)
    return samples, validation


def checked_validation(model: Fed, data: object) -> TrainingData | None:
    """The samples to validate on that `fit` was given, None if it was given none."""
    if data is None:
        return None
    if not isinstance(data, list | tuple) or len(data) not in (2, 3):
        raise TypeError(f"fit: expected validation_data as (x, y) or (x, y, sample_weight), got {describe(data)}")
    return checked_samples("fit: validation_data", model, *data, in_parts=True)


def _weights_of_classes(where: str, class_weight: Mapping[int, float], samples: TrainingData, loss: Loss) -> np.ndarray:
    """The weight of each sample's class; 1 for a class that has none, as in Keras."""
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"{where}: expected class_weight as a dict such as {{0: 1.0, 1: 5.0}}, got {describe(class_weight)}"
        )
    y = samples.shown
    are_rows = y.ndim == 2 and y.shape[1] > 1
    if are_rows and not isinstance(loss, CategoricalCrossentropy) and not _are_one_hot(y):
        raise ValueError(
            f"{where}: class_weight needs one class for each sample, and rows of y have several labels, or others; "
            "give the weight of each sample as sample_weight"
        )
    labels = y.argmax(axis=1) if are_rows else y.reshape(-1)
    weights = np.ones(len(labels), samples.xs[0].dtype)
    known = {0.0, 1.0} if isinstance(loss, BinaryCrossentropy) else set(np.unique(labels).tolist())
    for label, weight in class_weight.items():
        real(label, f"{where}: a label of class_weight")
        weight = real(weight, f"{where}: class_weight[{label!r}]")
        if samples.y.ndim == 2 and (classes := samples.y.shape[1]) > 1 and label not in range(classes):
            raise ValueError(
                f"{where}: class {label} of class_weight is out of range for {classes} classes (0..{classes - 1}): "
                "labels count from 0"
            )
        if not are_rows and label not in known and not isinstance(loss, CategoricalCrossentropy):
            found = ", ".join(f"{x:g}" for x in sorted(known)[:10])
            raise ValueError(f"{where}: class {label} of class_weight is no label of y; its labels are {found}")
        if not 0 <= weight < math.inf:
            raise ValueError(f"{where}: expected class weights of at least 0, got {weight} for class {label!r}")
        weights[labels == label] = weight
    return weights


def _are_one_hot(rows: np.ndarray) -> bool:
    return bool((np.isin(rows, (0, 1)).all(axis=1) & (rows.sum(axis=1) == 1)).all())
