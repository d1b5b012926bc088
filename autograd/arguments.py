"""Arguments as users give them, checked once at the public door: names, sizes, rates, seeds."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import DTypeLike

from .operands import describe, real

T = TypeVar("T")

# Where random numbers come from: a generator, a seed for one, or None for a fresh one.
Rng = np.random.Generator | int | None


def call_of(function: Callable[..., object]) -> str:
    """What a function is called with, in the words of a message: `(x, y, bias=0.0)`, without types."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))


def lookup(kind: str, name: object, table: Mapping[str, T]) -> T:
    """`table[name]`; a ValueError that suggests the nearest name if there is none.

    kind: what the table holds, for the message ("activation").
    """
    if not isinstance(name, str):
        expected = "a name or a function" if any(map(callable, table.values())) else f"one of {', '.join(table)}"
        got = f"a class; write {name.__name__}()" if isinstance(name, type) else describe(name)
        raise TypeError(f"{kind}: expected {expected}, got {got}")
    if name not in table:
        near = difflib.get_close_matches(name.lower(), table, n=1)
        suggestion = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown {kind} {name!r}; {suggestion}known: {', '.join(table)}")
    return table[name]


def positive_integer(where: str, what: str, n: object) -> int:
    """`n` as an int of at least 1; True and 3.0 are not integers here."""
    if isinstance(n, bool | np.bool_) or not isinstance(n, int | np.integer):
        raise TypeError(f"{where}: expected {what} to be a positive integer, got {describe(n)} {n!r}")
    if n < 1:
        raise ValueError(f"{where}: expected {what} to be a positive integer, got {n}")
    return int(n)


def whole_number(where: str, what: str, n: object) -> int:
    """`n` as an int of at least 0."""
    if isinstance(n, bool | np.bool_) or not isinstance(n, int | np.integer) or n < 0:
        raise ValueError(f"{where}: expected {what} to be an integer of at least 0, got {n!r}")
    return int(n)


def not_negative(where: str, what: str, x: object) -> float:
    """`x` as a finite float of at least 0."""
    x = real(x, f"{where}: {what}")
    if not 0 <= x < math.inf:
        raise ValueError(f"{where}: expected {what} to be a finite number of at least 0, got {x!r}")
    return x


def generator(rng: Rng) -> np.random.Generator:
    """The random generator for `rng`: a Generator itself, one seeded by an int, a fresh one for None."""
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is not None and (isinstance(rng, bool | np.bool_) or not isinstance(rng, int | np.integer)):
        raise TypeError(f"rng: expected an integer seed, a numpy.random.Generator or None, got {describe(rng)}")
    if rng is not None and rng < 0:
        raise ValueError(f"rng: expected a seed of at least 0, got {rng}")
    return np.random.default_rng(rng)


def shaped_array(where: str, data: object, shape: tuple[int | None, ...]) -> np.ndarray:
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


def checked_fraction(where: str, what: str, x: object) -> float:
    """`x` as a float of at least 0 and below 1."""
    x = real(x, f"{where}: {what}")
    if not 0 <= x < 1:
        raise ValueError(f"{where}: expected {what} to be at least 0 and below 1, got {x!r}")
    return x


def float_type(where: str, dtype: DTypeLike) -> np.dtype:
    """`dtype` as np.dtype, one of float32 and float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if dtype is None or found not in (np.float32, np.float64):
        raise TypeError(f"{where}: expected dtype to be float32 or float64, got {dtype!r}")
    return found
