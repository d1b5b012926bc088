"""Switches that change how operations are recorded: `no_grad` and `detect_anomaly`; and what is being traced.

All hold for the thread or asyncio task that is inside, and for the tasks that it starts while it is. The
lists `active` and `traces` are empty unless somebody is inside one of them, so that recording pays for a
single truth test.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, TypeVar, cast

from .graph import Node

F = TypeVar("F", bound=Callable[..., object])


class _Block:
    """One entering of a `with`. It is closed when that ends, also for tasks that were started inside."""

    __slots__ = ("is_open", "mode", "outer")

    def __init__(self, mode: _Mode, outer: _Block | None) -> None:
        self.mode, self.outer, self.is_open = mode, outer, True


# The innermost block of a task, which knows those around it.
Blocks = ContextVar[_Block | None]

active: list[Blocks] = []
_no_grad: Blocks = ContextVar("blocks of no_grad", default=None)
_detect_anomaly: Blocks = ContextVar("blocks of detect_anomaly", default=None)


def is_recording() -> bool:
    """True unless the current task is inside `no_grad()`."""
    block = _no_grad.get()
    while block is not None:
        if block.is_open:
            return False
        block = block.outer
    return True


def is_detecting_anomalies() -> bool:
    """True while the current task is inside `detect_anomaly()`."""
    block = _detect_anomaly.get()
    while block is not None and not block.is_open:
        block = block.outer
    return block is not None


@contextmanager
def recording() -> Iterator[None]:
    """Record in the current task even inside `no_grad()`: for derivatives that are asked for there."""
    outer = _no_grad.get()
    if outer is None:
        yield
        return
    _no_grad.set(None)
    try:
        yield
    finally:
        _no_grad.set(outer)


class _Mode:
    """A switch that is on inside a `with`, and while a decorated function runs. (A class takes a third of the
    time of a generator.) Each run enters a mode of its own, so that tasks do not close each other's blocks."""

    __slots__ = ()

    blocks: ClassVar[Blocks]

    def __enter__(self) -> None:
        blocks = self.blocks
        blocks.set(_Block(self, blocks.get()))
        active.append(blocks)

    def __exit__(self, *raised: object) -> None:
        blocks = self.blocks
        active.remove(blocks)
        innermost: Any = blocks.get()
        block = innermost
        while block.mode is not self or not block.is_open:  # another one was entered after it and is not left yet
            block = block.outer
        block.is_open = False
        while innermost is not None and not innermost.is_open:
            innermost = innermost.outer
        blocks.set(innermost)

    def __call__(self, function: F) -> F:
        """The function, run inside; of one that waits or yields, each of its steps."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def waiting(*args: object, **kwargs: object) -> object:
                with type(self)():
                    return await function(*args, **kwargs)

            return cast(F, waiting)
        if inspect.isasyncgenfunction(function):
            name = type(self).__name__
            raise TypeError(
                f"{name}: {function.__name__} is an asynchronous generator; "
                f"write `with {name}():` inside it, around what is computed between two yields"
            )
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def stepping(*args: object, **kwargs: object) -> object:
                return _each_step_inside(type(self), function(*args, **kwargs))

            return cast(F, stepping)

        @functools.wraps(function)
        def inside(*args: object, **kwargs: object) -> object:
            with type(self)():
                return function(*args, **kwargs)

        return cast(F, inside)


def _each_step_inside(
    mode: type[_Mode], generator: Generator[object, object, object]
) -> Generator[object, object, object]:
    """What the generator yields and returns; the mode is on while it computes, and off while it waits."""
    proceed: Callable[..., object] = generator.send
    given: object = None
    try:
        while True:
            with mode():
                try:
                    result = proceed(given)
                except StopIteration as stop:
                    return stop.value
            try:
                given = yield result
                proceed = generator.send
            except GeneratorExit:
                raise
            except BaseException as raised:
                given, proceed = raised, generator.throw
    finally:
        with mode():
            generator.close()


class no_grad(_Mode):
    """Compute without recording: results inside the block are leaves.

    Use it for evaluation and for updates that should not become part of a graph, as a block or on a function::

        with no_grad():
            prediction = model(x)

    It holds for the current thread or asyncio task, and for tasks that are started inside while it lasts.
    """

    __slots__ = ()

    blocks = _no_grad


class detect_anomaly(_Mode):
    """Raise where the first nan or infinity is born instead of letting it travel.

    Inside the block every recorded operation whose result or local derivative is not finite
    raises ArithmeticError naming the operation, its operands and the line that recorded it::

        with detect_anomaly():
            loss = log(x - x)
    """

    __slots__ = ()

    blocks = _detect_anomaly


# ---------------------------------------------------------------- tracing


# Of each thread: what `autograd.bridges.recording` notes down while it watches a function of one sample, whose graph is
# then computed for many.
watch = threading.local()


def is_watched() -> bool:
    """True while a function is read as a program, which is to be right for other numbers than those it sees."""
    return getattr(watch, "comparisons", None) is not None


class Trace:
    """A function is differentiated inside: `with Trace() as trace:`. Its operations are recorded, also in `no_grad`.

    born                   the leaves that were made inside; they are constants, what the function finds is not
    has_inner_derivatives  True if a derivative was taken inside
    """

    __slots__ = ("_outer", "_recorded", "born", "has_inner_derivatives", "is_open")

    def __enter__(self) -> Trace:
        self.born: set[Node] = set()
        self.has_inner_derivatives = False
        self.is_open = True
        self._outer, self._recorded = _own_traces.get(), _no_grad.get()
        for around in self._outer:
            around.has_inner_derivatives = True
        _own_traces.set((*self._outer, self))
        if self._recorded is not None:
            _no_grad.set(None)
        traces.append(self)
        return self

    def __exit__(self, *raised: object) -> None:
        traces.remove(self)
        self.is_open = False
        _own_traces.set(self._outer)
        if self._recorded is not None:
            _no_grad.set(self._recorded)


traces: list[Trace] = []
_own_traces: ContextVar[tuple[Trace, ...]] = ContextVar("functions that are being differentiated", default=())


def own_traces() -> list[Trace]:
    """The functions that the current task is differentiating, one inside the other."""
    return [trace for trace in _own_traces.get() if trace.is_open] if traces else []


def note_birth(leaf: object) -> None:
    """Tell the functions that are being differentiated of a leaf that was made inside them."""
    for trace in own_traces():
        trace.born.add(leaf)
