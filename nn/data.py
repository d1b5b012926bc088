"""Samples made ready for a net: scaled, encoded, split, and handed out in batches.

Rows are samples everywhere. Nothing here changes the arrays it is given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from autograd import one_hot as rows_of_labels
from autograd.arguments import Rng, checked_fraction, float_type, generator, positive_integer
from autograd.foreign import finder
from autograd.operands import describe

from .foreign import NAMES
from .samples import (
    check_finite,
    check_same_length,
    checked_features,
    checked_pair,
    checked_weights,
    plain_array,
    whole_labels,
)

__all__ = ["Batches", "Standardizer", "batches", "one_hot", "scale_to_unit", "split_validation", "train_test_split"]

# How many numbers of x are gathered at a time: few enough to stay in the processor's cache, and so
# many that small batches are slices, which cost a sixth of gathering each batch by itself.
NUMBERS = 1 << 16


class Batches:
    """The samples in batches; each `for` over it is one epoch, with a fresh shuffle.

    Made by `batches`. len() is the number of batches in an epoch.
    fixed: shuffled batches cannot be written to, so that Tensors need no copy of them.
    """

    def __init__(
        self,
        arrays: tuple[np.ndarray, ...],
        batch_size: int,
        rng: np.random.Generator | None,
        *,
        fixed: bool = False,
    ) -> None:
        self.arrays, self.batch_size, self.rng, self.fixed = arrays, batch_size, rng, fixed

    def __len__(self) -> int:
        return -(-len(self.arrays[0]) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        arrays, size, n = self.arrays, self.batch_size, len(self.arrays[0])
        if self.rng is None:
            yield from _slices(arrays, n, size)
            return
        order = self.rng.permutation(n)
        step = size * max(1, NUMBERS // max(1, size * (arrays[0].size // n)))
        for start in range(0, n, step):
            chosen = order[start : start + step]
            gathered = tuple([a.take(chosen, axis=0) for a in arrays])
            if self.fixed:
                for a in gathered:
                    a.setflags(write=False)
            if step == size:
                yield gathered
            else:
                yield from _slices(gathered, len(chosen), size)
            del gathered  # the next are written to the same place, which is in the cache, if nobody keeps them

    def __repr__(self) -> str:
        shuffled = "in order" if self.rng is None else "shuffled"
        return f"Batches({len(self.arrays[0])} samples, {len(self)} batches of {self.batch_size}, {shuffled})"


def batches(
    x: ArrayLike,
    y: ArrayLike,
    batch_size: int = 32,
    *,
    sample_weight: ArrayLike | None = None,
    shuffle: bool = True,
    rng: Rng = None,
) -> Batches:
    """(x, y) in batches of `batch_size` samples; the last may be shorter and is kept.

    x: (samples, ...), y: (samples, ...). sample_weight: (samples,); with it a batch is (x, y, weights).
    shuffle: in a new random order in each epoch, else as they are. rng: an int seed, a numpy
    Generator or None. A loop of one's own::

        training = batches(x, y, 32, rng=0)
        for epoch in range(10):
            for x_batch, y_batch in training:
                ...

    Batches may be views of the data; write into a copy. TypeError and ValueError for what is not
    samples with their targets, and for a batch size that is not a positive integer.
    """
    batch_size = positive_integer("batches", "batch_size", batch_size)
    arrays: tuple[np.ndarray, ...] = checked_pair("batches", x, y)
    if sample_weight is not None:
        arrays += (checked_weights("batches", sample_weight, len(arrays[0])),)
    return Batches(arrays, batch_size, generator(rng) if shuffle else None)


def train_test_split(
    x: ArrayLike, y: ArrayLike, test_size: float | int = 0.25, *, rng: Rng = None, stratify: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x_train, x_test, y_train, y_test: the samples in random order, a part held out for the test.

    test_size: a share above 0 and below 1, rounded up to whole samples, or a number of samples.
    stratify: labels, (samples,), usually y; each keeps its share in both parts, to within a sample.
    rng: an int seed, a numpy Generator or None. ValueError if a part would be empty.
    """
    x, y = (plain_array("train_test_split", name, data) for name, data in (("x", x), ("y", y)))
    if not x.ndim or len(x) < 2:
        raise ValueError(f"train_test_split: expected at least two samples, got x of shape {x.shape}")
    check_same_length("train_test_split", x=x, y=y)
    held_out = _test_samples(test_size, len(x))
    rng = generator(rng)
    order = rng.permutation(len(x))
    if stratify is not None:
        order = _stratified(np.asarray(stratify), held_out, order)
    test, train = order[:held_out], order[held_out:]
    return x[train], x[test], y[train], y[test]


def split_validation(
    x: ArrayLike, y: ArrayLike, fraction: float, sample_weight: ArrayLike | None = None
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """((x, y), (x, y)): all but the last part for training, the last for validation, not shuffled.

    fraction: at least 0 and below 1; the training part is its complement rounded down, as in Keras.
    sample_weight: (samples,); with it the parts are (x, y, weights). The parts are views.
    ValueError if the samples are too few for a fraction above 0.
    """
    where, what = "split_validation", "validation_split"
    fraction = checked_fraction(where, what, fraction)
    arrays = [plain_array(where, "x", x), plain_array(where, "y", y)]
    if sample_weight is not None:
        arrays.append(plain_array(where, "sample_weight", sample_weight))
    n = len(arrays[0])
    for array in arrays[1:]:
        check_same_length(where, x=arrays[0], y=array)
    start = math.floor(n * (1 - fraction))
    if fraction and not 0 < start < n:
        raise ValueError(
            f"{where}: {what}={fraction:g} of {n} samples leaves {start} to train and {n - start} to validate"
        )
    return tuple(a[:start] for a in arrays), tuple(a[start:] for a in arrays)


def one_hot(labels: ArrayLike, classes: int | None = None, *, dtype: DTypeLike = np.float64) -> np.ndarray:
    """A row for each label, 1 at its class and 0 elsewhere: (samples,) -> (samples, classes).

    classes: one more than the largest label, unless given. ValueError for a label out of range or
    not whole.
    """
    if classes is not None:
        classes = positive_integer("one_hot", "classes", classes)
    labels = whole_labels("one_hot", labels, classes)
    return rows_of_labels(labels, classes, dtype=float_type("one_hot", dtype))


def scale_to_unit(
    x: ArrayLike, high: float | None = None, low: float = 0.0, *, dtype: DTypeLike = np.float64
) -> np.ndarray:
    """(x - low) / (high - low): the range [low, high] brought to [0, 1], the shape kept.

    high: needed unless x is uint8, as images are: 255 there. It is asked for and not taken from
    the data, since training and test data must be scaled alike. ValueError for x outside the range.
    """
    array = plain_array("scale_to_unit", "x", x)
    if high is None:
        if array.dtype != np.uint8:
            raise ValueError(
                f"scale_to_unit: expected images of uint8, got {array.dtype}; give high=, the largest value"
            )
        high = 255
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"scale_to_unit: expected low < high, got low={low!r}, high={high!r}")
    check_finite("scale_to_unit: x", array)
    if array.size and not low <= (least := array.min()) <= (most := array.max()) <= high:
        wrong = most if least >= low else least
        raise ValueError(f"scale_to_unit: x must lie in [{low:g}, {high:g}], got {wrong:g}")
    # Converted first: in uint8, 3 - 5 is 254.
    scaled = array.astype(float_type("scale_to_unit", dtype))
    if low:
        scaled -= low
    scaled /= high - low
    return scaled


class Standardizer:
    """Brings each feature of the training data to mean 0 and variance 1, and other data likewise.

    x: (samples, ...), numbers without nan; each place in a row is a feature. A feature that is the
    same in all samples becomes 0. float32 and float64 are kept, all else becomes float64::

        scaled = Standardizer(x_train)
        x_train, x_test = scaled(x_train), scaled(x_test)

    mean, std: of the features, in float64; std is 1 where a feature is constant.
    """

    def __init__(self, x: ArrayLike) -> None:
        x = checked_features("Standardizer", x)
        self.mean = x.mean(axis=0, dtype=np.float64)
        # Not by std == 0: the mean of equal numbers is rounded, and leaves a std of about 1e-17.
        constant = x.max(axis=0) == x.min(axis=0)
        self.std = np.where(constant, 1.0, x.std(axis=0, dtype=np.float64))
        self.mean = np.where(constant, x[0], self.mean)

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """(x - mean) / std."""
        x = self._same_features(x)
        return ((x - self.mean) / self.std).astype(x.dtype, copy=False)

    def inverse(self, z: ArrayLike) -> np.ndarray:
        """z · std + mean, which undoes it."""
        z = self._same_features(z)
        return (z * self.std + self.mean).astype(z.dtype, copy=False)

    def _same_features(self, x: ArrayLike) -> np.ndarray:
        x = checked_features("Standardizer", x, empty=True)
        if x.shape[1:] != self.mean.shape:
            wanted = ", ".join(("samples", *map(str, self.mean.shape)))
            raise ValueError(f"Standardizer: expected x of shape ({wanted}), as it was made with; got {x.shape}")
        return x

    def __repr__(self) -> str:
        return f"Standardizer({self.mean.size} features)"


def _slices(arrays: tuple[np.ndarray, ...], n: int, size: int) -> Iterator[tuple[np.ndarray, ...]]:
    if len(arrays) == 2:  # spelt out, for this is what runs beside each step of a training
        x, y = arrays
        for start in range(0, n, size):
            yield x[start : start + size], y[start : start + size]
    else:
        for start in range(0, n, size):
            yield tuple(a[start : start + size] for a in arrays)


def _test_samples(test_size: object, n: int) -> int:
    """How many of n samples are held out."""
    if isinstance(test_size, int | np.integer) and not isinstance(test_size, bool):
        held_out = int(test_size)
    elif isinstance(test_size, float | np.floating):
        held_out = math.ceil(n * checked_fraction("train_test_split", "test_size", test_size))
    else:
        raise TypeError(f"train_test_split: expected test_size to be a share or a number, got {describe(test_size)}")
    if not 0 < held_out < n:
        raise ValueError(f"train_test_split: test_size={test_size!r} of {n} samples leaves {n - held_out} to train")
    return held_out


def _stratified(labels: np.ndarray, held_out: int, order: np.ndarray) -> np.ndarray:
    """`order` rearranged so that its first `held_out` samples hold each label in its share."""
    if labels.shape != order.shape:
        raise ValueError(f"train_test_split: expected stratify of shape {order.shape}, got {labels.shape}")
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    # Each class gets its share rounded down, and the largest remainders the samples that are left.
    share = counts * held_out / len(order)
    quota = np.floor(share).astype(int)
    quota[np.argsort(quota - share, kind="stable")[: held_out - quota.sum()]] += 1
    ranks = np.empty(len(order), int)
    for c, count in enumerate(counts):
        ranks[classes[order] == c] = np.arange(count)
    chosen = ranks < quota[classes[order]]
    return np.concatenate([order[chosen], order[~chosen]])


__getattr__ = finder(__name__, __all__, NAMES)
