"""The samples of a page: which leaves take which numbers, one row for each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd import Value
from autograd.formulas import names
from autograd.graph import is_node
from autograd.operands import describe, real_array

__all__ = ["sample_rows"]

MOST = 5_000  # samples; all of them are computed for every step on the average


def sample_rows(
    samples: Mapping[Value | str, ArrayLike], order: Sequence[Value]
) -> tuple[list[Value], list[list[float]]]:
    """The leaves that samples give numbers to, and for each sample these numbers.

    samples: what a leaf or several are called, or a leaf or a tuple of them, each with an array (n, as many as
    leaves), or (n,) for one. order: the nodes of the graph.
    """
    if not isinstance(samples, Mapping) or not samples:
        raise TypeError(f'explore: expected samples such as {{"x": X, "y": Y}}; got {describe(samples)}')
    leaves: list[Value] = []
    columns: list[np.ndarray] = []
    for key, numbers in samples.items():
        meant = _leaves_of(key, [v for v in order if v.is_leaf])
        array = np.asarray(real_array(numbers, f"samples[{_called(key)}]"), np.float64)
        if array.ndim == 1:
            array = array[:, None]
        if array.ndim != 2 or array.shape[1] != len(meant):
            raise ValueError(
                f"explore: samples[{_called(key)}] is for {len(meant)} leaves: expected shape (samples, {len(meant)}), "
                f"got {np.shape(numbers)}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"explore: samples[{_called(key)}] contains nan or infinity")
        if set(meant) & set(leaves):
            raise ValueError(f"explore: samples[{_called(key)}] names a leaf that another key names too")
        leaves += meant
        columns.append(array)
    sizes = {len(array) for array in columns}
    if len(sizes) > 1:
        raise ValueError(f"explore: expected as many rows for every key of samples; got {sorted(sizes)}")
    if not 1 <= len(columns[0]) <= MOST:
        raise ValueError(f"explore: expected 1 to {MOST:,} samples, got {len(columns[0]):,}")
    return leaves, np.concatenate(columns, axis=1).tolist()


def _called(key: object) -> str:
    return repr(key) if isinstance(key, str) else "a leaf" if is_node(key) else "some leaves"


def _leaves_of(key: Any, leaves: Sequence[Value]) -> list[Value]:
    """The leaves that a key of samples means, in the order of their indices."""
    if not isinstance(key, str):
        meant = [key] if is_node(key) else list(key) if isinstance(key, tuple) else []
        if not meant or not all(u in leaves for u in meant):
            raise ValueError(
                "explore: a key of samples is the name of leaves, or leaves of the graph themselves; "
                f"got {describe(key)}"
            )
        return meant
    parsed = [(v, None if v.label is None else names.parse(v.label)) for v in leaves]
    found = [v for v, name in parsed if name is not None and (name.base == key or v.label == key)]
    if not found:
        raise ValueError(
            f"explore: samples[{key!r}]: no leaf is called so; a plain number in the graph cannot be changed: "
            f"make it a Value first, as in inputs({key}, {key!r})"
        )
    return sorted(found, key=_place)


def _place(v: Value) -> list[tuple[int, str]]:
    name = names.parse(v.label or "")
    return [(int(i), "") if i.isdigit() else (0, i) for i in (name.index if name is not None else ())]
