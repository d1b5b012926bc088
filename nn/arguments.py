"""Arguments as users give them, checked once at the public door: names, sizes, rates, seeds, arrays."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from autograd.op import describe, real

T = TypeVar("T")


def lookup(kind: str, name: Any, table: Mapping[str, T]) -> T:
    """`table[name]`; a ValueError that suggests the nearest name if there is none.

    kind: what the table holds, for the message ("activation").
    """
    if not isinstance(name, str):
        expected = "a name or a function" if any(map(callable, table.values())) else f"one of {', '.join(table)}"
        raise TypeError(f"{kind}: expected {expected}, got {describe(name)}")
    if name not in table:
        near = difflib.get_close_matches(name.lower(), table, n=1)
        suggestion = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown {kind} {name!r}; {suggestion}known: {', '.join(table)}")
    return table[name]


def positive_integer(where: str, what: str, n: Any) -> int:
    """`n` as an int of at least 1; True and 3.0 are not integers here."""
    if isinstance(n, bool | np.bool_) or not isinstance(n, int | np.integer):
        raise TypeError(f"{where}: expected {what} to be a positive integer, got {describe(n)} {n!r}")
    if n < 1:
        raise ValueError(f"{where}: expected {what} to be a positive integer, got {n}")
    return int(n)


def not_negative(where: str, what: str, x: Any) -> float:
    """`x` as a finite float of at least 0."""
    x = real(x, f"{where}: {what}")
    if not 0 <= x < math.inf:
        raise ValueError(f"{where}: expected {what} to be a finite number of at least 0, got {x!r}")
    return x


def generator(rng: Any) -> np.random.Generator:
    """The random generator for `rng`: a Generator itself, one seeded by an int, a fresh one for None."""
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is not None and (isinstance(rng, bool | np.bool_) or not isinstance(rng, int | np.integer)):
        raise TypeError(f"rng: expected an integer seed, a numpy.random.Generator or None, got {describe(rng)}")
    if rng is not None and rng < 0:
        raise ValueError(f"rng: expected a seed of at least 0, got {rng}")
    return np.random.default_rng(rng)


def real_array(where: str, data: Any, shape: tuple[int | None, ...]) -> np.ndarray:
    """`data` as a new float64 array of this shape, in which None fits any size."""
    sizes = ", ".join("any" if n is None else str(n) for n in shape)
    expected = f"{where}: expected shape ({sizes}{',' * (len(shape) == 1)})"
    try:
        array = np.array(data)
    except ValueError:
        raise ValueError(f"{expected}, got rows of different lengths") from None
    except TypeError:  # Values refuse to become an array
        raise TypeError(f"{where}: expected plain numbers, got Values; take the .data of each") from None
    if array.ndim != len(shape) or any(n is not None and n != m for n, m in zip(shape, array.shape, strict=True)):
        raise ValueError(f"{expected}, got {array.shape}")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{where}: expected plain numbers, got {describe(array)}")
    return array.astype(np.float64)


def checked_fraction(where: str, what: str, x: Any) -> float:
    """`x` as a float of at least 0 and below 1."""
    x = real(x, f"{where}: {what}")
    if not 0 <= x < 1:
        raise ValueError(f"{where}: expected {what} to be at least 0 and below 1, got {x!r}")
    return x


def float_type(where: str, dtype: Any) -> np.dtype:
    """`dtype` as np.dtype, one of float32 and float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if dtype is None or found not in (np.float32, np.float64):
        raise TypeError(f"{where}: expected dtype to be float32 or float64, got {dtype!r}")
    return found


def plain_array(where: str, what: str, data: Any) -> np.ndarray:
    """`data` as an array of real numbers, not copied if it is one; never an array of objects.

    where, what: for the message ("fit", "x").
    """
    if isinstance(data, np.ma.MaskedArray) and np.ma.is_masked(data):
        raise TypeError(f"{where}: expected plain numbers in {what}, got masked ones; fill or drop them first")
    try:
        array = np.asarray(data)
    except ValueError:
        raise ValueError(f"{where}: expected {what} to be an array, got rows of different lengths") from None
    except TypeError:  # Values refuse to become an array
        raise TypeError(f"{where}: expected plain numbers in {what}, got Values; take the .data of each") from None
    if array.dtype.kind not in "fiub":
        got = describe(array if array.ndim else data)
        raise TypeError(f"{where}: expected plain numbers in {what}, got {got}{_remedy(what, data, array)}")
    return array


def _remedy(what: str, data: Any, array: np.ndarray) -> str:
    if not array.ndim:  # NumPy takes what it does not know for a single object
        return f"; write {what}.toarray()" if hasattr(data, "toarray") else ""
    if array.dtype.kind not in "OUS":
        return ""
    if array.dtype.kind in "US" or any(isinstance(member, str) for member in array.flat):  # as pandas keeps text
        if what in ("y", "y_true"):
            return f"; number the classes: np.unique({what}, return_inverse=True)[1]"
        if not _are_numbers(array):
            return "; write text as numbers, such as a column of 0 and 1 for each category"
    return f"; convert it with np.asarray({what}, dtype=float)"


def _are_numbers(texts: np.ndarray) -> bool:
    try:
        texts.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def check_finite(what: str, array: np.ndarray) -> None:
    """ValueError that says where the first nan or infinity is, if there is one."""
    # One pass without a temporary: a sum, or one of squares, which is twice as fast where memory lies in order,
    # is finite if all members are. It may overflow, so look closer then.
    if array.dtype.kind != "f":
        return
    with np.errstate(all="ignore"):
        total = array.ravel().dot(array.ravel()) if array.flags.c_contiguous else array.sum()
        if np.isfinite(total):
            return
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        axes = ("row", "column") if array.ndim <= 2 else ("sample", *(f"axis {i}" for i in range(1, array.ndim)))
        place = ", ".join(f"{axis} {i}" for axis, i in zip(axes, wrong[0], strict=False))
        raise ValueError(f"{what} contains nan or infinity (first at {place})")


def checked_features(where: str, x: Any, *, empty: bool = False) -> np.ndarray:
    """The samples `x` as an array of float32 or float64: these are kept, all else becomes float64.

    x: (samples, ...), at least one sample unless `empty`. Not copied where it is such an array.
    TypeError for what is not plain numbers; ValueError for no samples, no features, nan or infinity.
    """
    array = plain_array(where, "x", x)
    if not array.ndim:
        raise ValueError(f"{where}: expected x of shape (samples, features), got the number {array[()]}")
    if not len(array) and not empty:
        raise ValueError(f"{where}: expected at least one sample, got none: x has shape {array.shape}")
    if len(array) and not array.size:
        raise ValueError(f"{where}: expected at least one feature, got none: x has shape {array.shape}")
    check_finite(f"{where}: x", array)
    # Also brings numbers in foreign byte order, as files hold them, into the machine's own.
    narrow = array.dtype.kind == "f" and array.itemsize == 4
    return array.astype(np.float32 if narrow else np.float64, copy=False)


def checked_pair(where: str, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """The samples `x` as by `checked_features`, and the targets `y`, one for each sample.

    y: (samples,) or (samples, ...). Integers stay integers, so that a loss can tell labels from
    numbers; False and True become 0 and 1. TypeError and ValueError as for x, and for another
    number of targets than of samples.
    """
    features = checked_features(where, x)
    return features, checked_targets(where, features, y)


def checked_targets(where: str, features: np.ndarray, y: Any) -> np.ndarray:
    """The targets `y`, one for each of these samples, as by `checked_pair`."""
    targets = plain_array(where, "y", y)
    check_same_length(where, x=features, y=targets)
    check_finite(f"{where}: y", targets)
    if targets.dtype.kind == "b":
        return targets.astype(np.int64)
    return targets if targets.dtype.isnative else targets.astype(targets.dtype.newbyteorder("="))


def checked_weights(where: str, weights: Any, samples: int) -> np.ndarray:
    """`weights` as float64: (samples,), finite, none negative, not all zero."""
    array = plain_array(where, "sample_weight", weights)
    if array.shape != (samples,):
        raise ValueError(
            f"{where}: expected sample_weight of shape ({samples},), one for each sample; got {array.shape}"
        )
    check_finite(f"{where}: sample_weight", array)
    if (array < 0).any() or not array.any():
        raise ValueError(f"{where}: expected weights of at least 0, one of them above, in sample_weight")
    return array.astype(np.float64)


def check_same_length(where: str, **arrays: np.ndarray) -> None:
    """ValueError that names both if two of the arrays do not have the same number of rows."""
    (first, rows), *others = ((name, len(array) if array.ndim else None) for name, array in arrays.items())
    for name, n in others:
        if n is None:
            raise ValueError(f"{where}: expected {name} to have a row for each sample, got the number {arrays[name]}")
        if n != rows:
            raise ValueError(f"{where}: {first} has {rows} samples, {name} has {n}: give one for each sample")


def whole_labels(where: str, labels: Any, classes: int | None = None) -> np.ndarray:
    """`labels` as int64, (samples,): whole numbers 0, 1, ..., below `classes` if that is given.

    2.0 is a label, 2.5 and -1 are not (ValueError).
    """
    array = plain_array(where, "y", labels)
    if array.ndim != 1:
        advice = "; reshape it with y.ravel()" if array.size == len(np.atleast_1d(array)) else ""
        raise ValueError(f"{where}: expected labels of shape (samples,), got {array.shape}{advice}")
    if array.dtype.kind == "f" and not (array == np.floor(array)).all():
        wrong = array[array != np.floor(array)][0]
        raise ValueError(f"{where}: expected whole numbers as labels, got {wrong}")
    if array.size and (array.min() < 0 or (classes is not None and array.max() >= classes)):
        wrong = array.min() if array.min() < 0 else array.max()
        span = "" if classes is None else f" for {classes} classes (0..{classes - 1})"
        raise ValueError(f"{where}: label {wrong:.0f} is out of range{span or '; labels count from 0'}")
    return array.astype(np.int64, copy=False)
