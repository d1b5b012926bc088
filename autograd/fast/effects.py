"""What a function that is written down does besides computing: gradients that it gives, numbers that it moves.

While it runs on stand-ins (see `recorder`), every leaf has one for its numbers, one for the array in which its
gradient is written, and one for the gradient that it has so far. What becomes of them is read from the leaves.
"""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable, Iterable, Sequence
from threading import get_ident
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from ..graph import through, topological_order
from ..op import Operation
from ..operands import describe, real_array
from ..passes.tensors import backward
from ..tensor import Tensor, next_serial
from .recorder import NotRecorded, Recorded, Recorder, called, whole
from .surroundings import Surroundings, Unclear

__all__ = ["Effects", "State", "give_gradients", "is_writing"]

# The threads in which something is written down now.
_writing: set[int] = set()


def is_writing() -> bool:
    """True while a function is written down: those that it calls are part of it, and write nothing down."""
    return get_ident() in _writing


class Effects:
    """The leaves that a function reads, with stand-ins inside a `with`, and what is done to them.

    without: those that are taken to have no gradient at first. Of a function that only computes nothing but the numbers
    of the leaves has a stand-in: another thread may train them meanwhile.

    reached     the leaves that are given a gradient
    """

    def __init__(self, recorder: Recorder, found: Surroundings, without: Iterable[Tensor]) -> None:
        self.recorder, self._found, self._only_computes = recorder, found, found.only_computes
        self.leaves, self.without = list(found.tensors), set(without)
        self.reached: dict[Tensor, None] = {}
        self._goes_back = False
        self._data: dict[str, Tensor] = {}
        self._buffers: dict[Tensor, Recorded] = {}
        self._first: dict[Tensor, Recorded | None] = {}
        self._latest: dict[Tensor, Recorded | None] = {}
        self._shown: dict[Tensor, Recorded] = {}  # what is the gradient of a leaf, and the caller's if it is a result

    def __enter__(self) -> Effects:
        recorder = self.recorder
        _writing.add(recorder.thread)
        self._before = [(t, t._data, t._buffer, t._grad, t._seen, t._serial) for t in self.leaves]
        self._start = next_serial()
        recorder.effects = self
        if self._only_computes:
            for t, *_ in self._before:
                t._data, t._seen = recorder.lasting(t._data), None  # type: ignore[assignment]
            return self
        for t in self.leaves:
            buffer = np.empty(t.shape, t.dtype) if t._buffer is None else t._buffer
            data = recorder.lasting(t._data)
            recorder.outside.add(whole(t._data))
            self._data[data.name] = t
            self._buffers[t] = recorder.lasting(buffer)
            self._first[t] = None if t in self.without else recorder.lasting(buffer[...])
            t._data, t._buffer, t._seen = data, self._buffers[t], None  # type: ignore[assignment]
            t._grad = self._latest[t] = self._first[t]  # type: ignore[assignment]
        return self

    def __exit__(self, *raised: object) -> None:
        self.recorder.effects = None
        _writing.discard(self.recorder.thread)
        for t, data, buffer, gradient, seen, serial in self._before:
            if self._only_computes:
                if type(t._data) is Recorded:  # else somebody has put another there
                    t._data = data
                if seen is not None and t._seen is None:
                    t._seen = t._data.tobytes()
                continue
            if buffer is None and t in self.reached:
                buffer = self._buffers[t].value
            t._data, t._buffer, t._grad, t._seen, t._serial = data, buffer, gradient, seen, serial

    @property
    def depends_on(self) -> list[Tensor]:
        """The leaves whose gradient at first matters."""
        names = self.recorder.names()
        return [t for t in self.leaves if (first := self._first[t]) is not None and first.name in names]

    def guard(self, leaves: Iterable[Tensor]) -> None:
        """Let the program be for these leaves as they were taken to be: with a gradient, or without."""
        recorder, names = self.recorder, self.recorder.names()
        for t in leaves:
            name, first = recorder.constant(t), self._first[t]
            recorder.fitting.append(f"{name}._grad is {'' if first is None else 'not '}None")
            if first is not None and first.name in names:
                copy = f"{recorder.function(np.copyto)}({first.name}, {name}._grad)"
                recorder.lines.insert(0, f"if {name}._grad is not {self._buffers[t].name}: {copy}")

    def finish(self, z: Any, results: Sequence[Any], *, waits: bool) -> np.ndarray | None:
        """Let the program give these results.

        waits: if the function has not gone back itself, the program does when it is told to, from the gradient of its
        result z in the array that is returned. Unclear if it looks at gradients that it does not give.
        """
        if self._only_computes:
            if self._found.looks is not None:
                raise Unclear(f"{self._found.looks} reads a gradient; pass it in")
            self.recorder.give(results, "return")
            return None
        self.settle()
        is_done = self._goes_back or self.recorder.has_moved
        if self._found.looks is not None and not is_done:
            raise Unclear(f"{self._found.looks} reads a gradient; pass it in")
        if is_done or not waits:
            known = {id(g): f"{self.recorder.constant(t)}.grad" for t, g in self._shown.items()}
            self.recorder.give(results, "return", known)
            return None
        if self._found.generators:
            raise Unclear("it draws random numbers; draw them outside and pass them in")
        if z.__class__ is not Tensor or z._op is None:
            raise Unclear(f"expected a Tensor that it computes, got {describe(z)}")
        self.recorder.give(results)
        seed = np.ones(z.shape, z.dtype)
        for t in self.leaves:
            t._grad = None
        self._go_back(z, self.recorder.lasting(seed))
        self.reached = {t: None for t in self.leaves if t._grad is not None}
        self.recorder.give([])
        return seed

    # ------------------------------------------------------------ what the function does

    def pull_back(self, root: Tensor, g: Any) -> None:
        """The reverse pass from a Tensor computed on stand-ins, whose gradient is g."""
        if self._only_computes:
            raise NotRecorded()
        self._goes_back = True
        self._shown.clear()
        place = len(self.recorder.lines)
        self.recorder.lines.append("pass")
        empty = [t for t in self.leaves if t._grad is None]
        self._go_back(root, g)
        # first, so that nobody sees half of a gradient if the step is interrupted
        given = [t for t in empty if t._grad is not None]
        self._latest.update(dict.fromkeys(given))
        if given:
            names = [f"{self.recorder.constant(t)}._grad" for t in given]
            self.recorder.lines[place] = f"{' = '.join(names)} = None"

    def _go_back(self, root: Tensor, g: Any) -> None:
        order = topological_order(root)
        known = set(self.leaves)
        for v in order:
            if v._op is None:
                if v not in known and v._serial < self._start:
                    raise LookupError("a gradient of which nobody knows")
            elif v._op.__class__ is not SimpleNamespace:
                if self._found.looks is None:  # what the function makes itself is gone with the step
                    v._operands = tuple(
                        u._data if u.__class__ is Tensor and u._op is None and u not in known else u
                        for u in v._operands
                    )
                op = v._op
                v._op = cast(
                    Operation, SimpleNamespace(pulls=_Pulls(op), writes=op.writes, adds=op.adds, delivers=None)
                )
        backward(root, g)

    def step(self, mover: object, step: Callable[[], object], parameters: Sequence[Any]) -> None:
        """An optimizer moves these parameters."""
        if not any(mover is known for known in self._found.movers) or not all(t in self._buffers for t in parameters):
            raise NotRecorded()
        self.settle()
        self.recorder.moved()
        names = [u.name for t in parameters for u in (t._data, self._buffers[t])]
        self.recorder.lines.append(f"{self.recorder.constant(step)}()  # {' '.join(names)}")
        for t in parameters:
            t._serial = next_serial()

    def draw(self, generator: np.random.Generator) -> None:
        """Random numbers are drawn, which is for those that can be taken back."""
        if generator not in self._found.generators:
            raise NotRecorded()

    def lend(self, data: Recorded) -> None:
        """The numbers of a leaf are given to somebody who may write to them: from now on they are looked at."""
        if data.name not in self._data:  # as none is of a function that only computes
            raise NotRecorded()
        name = self.recorder.constant(self._data[data.name])
        line = f"if {name}._seen is None: {name}._seen = {name}._data.tobytes()"
        if line not in self.recorder.lines:
            self.recorder.lines.append(line)

    def assign(self, data: Recorded, given: Any) -> None:
        """Other numbers for a leaf."""
        self.lend(data)
        if given is not data:
            array = real_array(given, "data")
            if array.shape != data.shape:
                raise NotRecorded()
            data.receive(array)

    def settle(self) -> None:
        """Let the leaves have the gradients in a run that they have now."""
        recorder = self.recorder
        for t in self.leaves:
            g: Any = t._grad
            if g is self._latest[t]:
                continue
            name, buffer = recorder.constant(t), self._buffers[t]
            self._shown.pop(t, None)
            if g is None:
                recorder.lines.append(f"{name}._grad = None")
            elif type(g) is Recorded and g.shape == buffer.shape and g.dtype == buffer.dtype:
                if g is not buffer and g is not self._first[t]:
                    buffer.receive(g)
                recorder.lines.append(f"{name}._grad = {buffer.name}")
                self.reached[t] = None
                self._shown[t] = g
                t._grad = buffer  # type: ignore[assignment]
            else:
                raise NotRecorded()
            self._latest[t] = t._grad  # type: ignore[assignment]


class _Pulls:
    """The pulls of an operation, each written down as a call where it cannot be read."""

    def __init__(self, op: Operation) -> None:
        self._pulls: Any = op.pulls

    def __getitem__(self, i: int) -> Callable[..., Any]:
        return functools.partial(called, self._pulls[i])


def _cut(order: Iterable[Tensor], wanted: Iterable[Tensor]) -> None:
    """Let the reverse pass go only where a wanted leaf is: other operands become arrays."""
    _, leading = through(((v, v._operands) for v in order), wanted)
    for v in order:
        if v._op is not None:
            v._operands = tuple(u._data if u.__class__ is Tensor and u not in leading else u for u in v._operands)


def give_gradients(loss: Tensor, wanted: Iterable[Tensor], others: Sequence[Tensor] = ()) -> bool:
    """Give the leaves the gradients of a loss in place of those they had, if it is finite; else none, and False.

    others: leaves that get none though the loss depends on them.
    """
    for p in wanted:
        p._grad = None
    value = loss._data.item()
    if value - value != 0.0:
        return False
    if others:
        _cut(topological_order(loss), wanted)
    g = np.ones(loss.shape, loss.dtype)
    if type(loss._data) is Recorded:
        loss._data.pull_back(loss, g)
    else:
        backward(loss, g)
    return True


class State:
    """What leaves, generators and optimizers of a function are now, to compare it and to come back to it.

    Nothing of a function that only computes: it changes none of them, and others may meanwhile.
    """

    def __init__(self, found: Surroundings) -> None:
        leaves = {} if found.only_computes else found.tensors
        self._leaves = [
            (t, t._data.copy(), t._grad, None if t._grad is None else t._grad.copy(), t._seen, t._serial)
            for t in leaves
        ]
        self._before = [(t, getattr(t, "_before", None)) for t in leaves]
        steps = {id(t._steps[0]): t._steps[0] for t in leaves if getattr(t, "_steps", None) is not None}
        self._steps = [(s, s.since, s.until) for s in steps.values()]
        self._generators = [(g, g.bit_generator.state) for g in found.generators]
        self._movers = [(m, m._kept()) for m in found.movers]

    def is_now(self) -> bool:
        """True if all numbers are, to the last bit, what they were."""
        for t, numbers, _, copy, *_ in self._leaves:
            if not (_is_same(t._data, numbers) and _is_same(t._grad, copy)):
                return False
        for mover, (taken, vectors) in self._movers:
            now, live = mover._kept()
            if now != taken or not all(map(_is_same, live, vectors)):
                return False
        states = [[state for _, state in self._generators], [g.bit_generator.state for g, _ in self._generators]]
        return pickle.dumps(states[0]) == pickle.dumps(states[1])  # some contain arrays

    def restore(self) -> None:
        """Be as it was."""
        for t, numbers, gradient, copy, seen, serial in self._leaves:
            if t._data.flags.writeable:
                np.copyto(t._data, numbers)
            t._grad, t._seen, t._serial = gradient, seen, serial
            if gradient.__class__ is np.ndarray and gradient.flags.writeable:
                np.copyto(gradient, copy)  # type: ignore[arg-type]
        for t, before in self._before:
            if before is not None:
                t._before = before
        for steps, since, until in self._steps:
            steps.since, steps.until = since, until
        for generator, state in self._generators:
            generator.bit_generator.state = state
        for mover, kept in self._movers:
            mover._come_back(kept)


def _is_same(x: Any, y: Any) -> bool:
    return x is y if x is None or y is None else bool(x.tobytes() == y.tobytes())
