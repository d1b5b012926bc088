"""Parameters side by side in one flat vector, so that an update of all of them is a few operations on arrays.

`blocks` cuts any parameters into such vectors. What an optimizer does with a vector is its own
business; that the parameters, their gradients and the graphs recorded from them stay true is ours.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from ..tensor import Tensor, next_serial
from ..value import NO_GRADIENT, Value, assigned
from . import roads

__all__ = ["Block", "FlatParameters", "FlatValues", "aligned", "blocks"]


class Block(Protocol):
    """What an optimizer moves: parameters as one vector, and where in it each is."""

    places: list[slice]

    def gradient(self) -> tuple[np.ndarray, np.ndarray | None]:
        """All gradients in a row, not to be written to, and a mask of those that there are; None for all."""

    def begin(self) -> np.ndarray:
        """The numbers of all parameters in a row, to be changed in place; then `end` is to be called."""

    def end(self) -> None:
        """Make what `begin` gave, as it is now, the numbers of the parameters."""

    def move(self, rule: Callable[..., object], *more: Any) -> bool:
        """`rule(numbers, gradients, *more)` as a step, if each parameter has a gradient where they lie in a row.

        False, and nothing done, if not: then it takes `gradient`, `begin` and `end`.
        """

    def clear(self) -> None:
        """Forget all gradients."""


def aligned(n: int, dtype: Any = np.float64) -> np.ndarray:
    """n zeros that begin where a line of the cache does, so that operations on several take up to a sixth less."""
    line = 64
    held = np.zeros(n + line // np.dtype(dtype).itemsize, dtype)
    start = -held.ctypes.data % line // held.itemsize
    return held[start : start + n]


class Steps:
    """What a vector of parameters was before the last step: the numbers `before`, at the latest `since` and `until`."""

    __slots__ = ("before", "since", "until")

    def __init__(self, before: np.ndarray, until: int) -> None:
        self.before, self.since, self.until = before, until, until

    def begin(self, numbers: np.ndarray) -> None:
        """Keep the numbers; until the step has ended they are nothing that was before it."""
        np.copyto(self.before, numbers)
        if self.until != NEVER:
            self.since, self.until = self.until, NEVER


NEVER = -1


class FlatParameters:
    """Leaf Tensors of one dtype as one vector of numbers and one of gradients.

    tensors: the parameters, each once. Their arrays move into one block, and their gradients are
    written into another from now on. An array that somebody outside may hold stays where it is, and so
    does one that lies in the block of another optimizer; their numbers are copied here and back. If
    all lie in such a block one after another, that block is used.

    places    where in the vector each parameter is
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self.tensors = list(tensors)
        ends = np.cumsum([t.size for t in self.tensors]).tolist()
        self.places = [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]
        self._others: list[tuple[Tensor, np.ndarray]] = []  # parameters that do not lie in our block, and their copies
        found = _common_block(self.tensors)
        if found is not None:
            self._data, self._gradient = found
        else:
            dtype = self.tensors[0].dtype
            self._data, self._gradient = aligned(ends[-1], dtype), aligned(ends[-1], dtype)
        self._gradients: list[tuple[Tensor, Any]] = []
        self._steps = Steps(aligned(ends[-1], self._data.dtype), max(t._serial for t in self.tensors))
        for t, place in zip(self.tensors, self.places, strict=True):
            t._steps = self._steps, place
        for t, place in zip(self.tensors, self.places, strict=True):
            if found is None:
                self._take_in(t, self._data[place].reshape(t.shape), self._gradient[place].reshape(t.shape))
            else:
                self._gradients.append((t, t._buffer))
        self.move = self._written()

    def _written(self) -> Callable[..., bool]:
        """What `move` is: the loops over the parameters in `gradient` and `end` written out, which take three times
        as long as the step of a small net."""
        scope: dict[str, Any] = {"next_serial": next_serial, "steps": self._steps, "NEVER": NEVER}
        scope |= {"numbers": self._data, "gradients": self._gradient}
        for i, (t, g) in enumerate(self._gradients):
            scope |= {f"t{i}": t, f"g{i}": g}
        count = 0 if self._others else len(self._gradients)
        lines = [
            f"if not ({' and '.join(f't{i}._grad is g{i}' for i in range(count))}): return False",
            "now = next_serial()",
            "if now == steps.until + 1: steps.since, steps.until = now, NEVER",  # see `begin`
            "else: steps.begin(numbers)",
            "rule(numbers, gradients, *more)",
            f"{''.join(f't{i}._serial = ' for i in range(count))}steps.until = next_serial()",
            "return True",
        ]
        body = "\n    ".join(lines if count else ["return False"])
        exec(compile(f"def move(rule, *more):\n    {body}\n", "<flat parameters>", "exec"), scope)
        return scope.pop("move")

    def _take_in(self, t: Tensor, numbers: np.ndarray, gradient: np.ndarray) -> None:
        numbers[...] = t._data
        is_free = roads.are_open()
        if is_free and t._buffer is None:
            t._buffer = gradient
        if is_free and t._seen is None and t._data.base is None:
            t._data = numbers
        else:
            self._others.append((t, numbers))
        self._gradients.append((t, gradient))

    def gradient(self) -> tuple[np.ndarray, np.ndarray | None]:
        """All gradients in a row, not to be written to, and a mask of those that there are; None for all.

        The gradient counts as it is now, also where the caller put another array in its place or wrote into the one
        that `.grad` gave him.
        """
        complete = True
        for t, gradient in self._gradients:
            g = t._grad
            if g is not gradient:
                if g is None:
                    complete = False
                else:
                    gradient[...] = g
        if complete:
            return self._gradient, None
        there = np.zeros(self._gradient.size, bool)
        for t, place in zip(self.tensors, self.places, strict=True):
            there[place] = t._grad is not None
        return self._gradient, there

    def begin(self) -> np.ndarray:
        """The numbers of all parameters in a row, to be changed in place; then `end` is to be called."""
        for t, numbers in self._others:
            numbers[...] = t._data
        steps, now = self._steps, next_serial()
        if now == steps.until + 1:  # nothing was recorded since the last step, as when a program runs
            steps.since, steps.until = now, NEVER
        else:
            steps.begin(self._data)
        return self._data

    def end(self) -> None:
        """Make what `begin` gave, as it is now, the numbers of the parameters.

        A gradient through graphs recorded before is refused from now on; pictures of them show what they used.
        """
        for t, numbers in self._others:
            t._data[...] = numbers
            if t._seen is not None:
                t._seen = t._data.tobytes()
        self._steps.until = serial = next_serial()
        for t in self.tensors:
            t._serial = serial

    def clear(self) -> None:
        """Forget all gradients."""
        for t in self.tensors:
            t._grad = None

    def __reduce__(self) -> tuple[Any, ...]:
        # A copied view would be an array of its own, so a copy is built from the copied parameters.
        return FlatParameters, (self.tensors,)


class FlatValues:
    """Leaf Values as one vector of float64, gathered before an update and handed back after it.

    To an optimizer it is what FlatParameters is: the methods are the same.

    values   the Values, in the order of the vector
    vector   their numbers; data: where these lie, if not in an array of its own
    """

    def __init__(self, values: Sequence[Value], data: np.ndarray | None = None) -> None:
        self.values = tuple(values)
        self.vector = aligned(len(self.values)) if data is None else data
        self.places = [slice(i, i + 1) for i in range(len(self.values))]
        self._when: object = None  # what `assigned` held when the numbers were gathered
        self.is_apart = False
        # While it is apart: what the Values show, the sum of the gradients, which of them there are (None: all), and
        # whether those that the Values show count too, and are not of before the last `clear`.
        self._shown: np.ndarray | None = None
        self._sum: np.ndarray | None = None
        self._there: np.ndarray | None = None
        self._is_mixed = False

    def gradient(self) -> tuple[np.ndarray, np.ndarray | None]:
        """All gradients in a row, and a mask of those that there are; see FlatParameters."""
        g, there = self._sum, self._there
        if not self.is_apart or (g is None and self._is_mixed):
            return self._gathered()
        if g is None:
            return self.vector, np.zeros(self.vector.size, bool)
        if self._is_mixed:
            more, also = self._gathered()
            g, there = g + more, _either(there, also)
        return g, there

    def _gathered(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The gradients that the Values have, 0 where there is none, and a mask of those that have one; None if all."""
        found = [p.grad for p in self.values]
        if NO_GRADIENT not in found and None not in found:  # by ==, which a gradient of 0 fails too, but in no time
            return np.array(found, np.float64), None
        there = np.array([g is not NO_GRADIENT and g is not None for g in found], bool)
        return np.array([0.0 if g is None else g for g in found], np.float64), None if there.all() else there

    def begin(self) -> np.ndarray:
        """The numbers of all parameters in a row, to be changed in place; then `end` is to be called."""
        when = assigned[0]
        if self._when is not when:
            now = np.array([p._data for p in self.values])
            if self._shown is None:
                self.vector[...] = now
            else:  # what was assigned meanwhile, and no other
                np.copyto(self.vector, now, where=now != self._shown)
                self._shown = now
            self._when = when
        return self.vector

    def end(self) -> None:
        """Make what `begin` gave, as it is now, the numbers of the parameters."""
        if self.is_apart:
            return
        for p, x in zip(self.values, self.vector.tolist(), strict=True):
            p._data = x
        self._when = assigned[0] = object()

    def clear(self) -> None:
        """Forget all gradients."""
        if not self.is_apart or self._is_mixed:
            for p in self.values:
                p.grad = NO_GRADIENT
        self._sum, self._is_mixed = None, False

    def move(self, rule: Callable[..., object], *more: Any) -> bool:
        """`rule(numbers, gradients, *more)` as a step, if it is apart and all have a gradient; see `Block`."""
        if not self.is_apart:
            return False
        g, there = self.gradient()
        if there is None:
            rule(self.begin(), g, *more)
            self.end()
        return there is None

    def __reduce__(self) -> tuple[Any, ...]:
        return FlatValues, (self.values,)

    # ------------------------------------------------------------ apart from the Values

    def add(self, g: np.ndarray, where: np.ndarray | None = None) -> bool:
        """Add to the gradients, if these are kept apart; False if the Values have them.

        where: a mask of those that get one; the others are 0 in g.
        """
        if self.is_apart:
            self._there = where if self._sum is None else _either(self._there, where)
            self._sum = g if self._sum is None else self._sum + g
        return self.is_apart

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Inside, numbers and gradients are in vectors only; at the end the Values have them."""
        if self.is_apart:
            yield
            return
        self._shown, self._is_mixed = self.begin().copy(), True
        self.is_apart = True
        try:
            yield
        finally:
            self.leave()

    def show(self) -> None:
        """Let the Values have the numbers now, for somebody who looks at them and may give them gradients."""
        if self.is_apart:
            self.begin()
            self.is_apart = False
            self.end()
            self._check_alone()
            self._shown, self._is_mixed, self.is_apart = self.vector.copy(), True, True

    def _check_alone(self) -> None:
        """RuntimeWarning if the Values were given gradients where they have neither their numbers nor a say."""
        if self._is_mixed or not any(p.grad for p in self.values):
            return
        warnings.warn(
            "training(): parameters were given gradients by a graph of Values, which does not know their numbers; "
            "they do not count: compute all of the loss in the vectorised function, or leave out training()",
            RuntimeWarning,
            stacklevel=7,  # where the `with` of a vectorised function stands
        )
        for p in self.values:
            p.grad = NO_GRADIENT

    def leave(self) -> None:
        """Be apart no longer: the Values have numbers and gradients."""
        if not self.is_apart:
            return
        self._check_alone()
        numbers = self.begin().tolist()
        if self._is_mixed and self._sum is None:
            gradients = [p.grad for p in self.values]
        else:
            g, there = self.gradient()
            gradients = g.tolist()
            if there is not None:
                gradients = [x if is_in else NO_GRADIENT for x, is_in in zip(gradients, there.tolist(), strict=True)]
        for p, x, y in zip(self.values, numbers, gradients, strict=True):
            p._data = x
            p.grad = y
        self.is_apart, self._shown, self._sum = False, None, None
        self._when = assigned[0] = object()


def blocks(parameters: Iterable[Value | Tensor]) -> list[Block]:
    """The parameters as vectors, in their order: one for all Values, one for the Tensors of each dtype."""
    groups: dict[Any, list[Any]] = {}
    for p in parameters:
        groups.setdefault(p.dtype if p.__class__ is Tensor else Value, []).append(p)
    return [FlatValues(group) if key is Value else FlatParameters(group) for key, group in groups.items()]


def _either(there: np.ndarray | None, also: np.ndarray | None) -> np.ndarray | None:
    """What is in one of two masks, of which None means all."""
    return None if there is None or also is None else there | also


def _common_block(tensors: Sequence[Tensor]) -> tuple[np.ndarray, np.ndarray] | None:
    """The stretches of the block and of its gradients in which the Tensors lie one after another, if they do."""
    data = _stretch([t._data for t in tensors])
    gradient = _stretch([t._buffer for t in tensors])
    return None if data is None or gradient is None else (data, gradient)


def _stretch(arrays: Sequence[Any]) -> np.ndarray | None:
    base = getattr(arrays[0], "base", None)
    if base is None or base.ndim != 1 or any(a is None or a.base is not base for a in arrays):
        return None
    starts = [(a.ctypes.data - base.ctypes.data) // base.itemsize for a in arrays]
    stops = [start + a.size for start, a in zip(starts, arrays, strict=True)]
    return base[starts[0] : stops[-1]] if starts[1:] == stops[:-1] else None
