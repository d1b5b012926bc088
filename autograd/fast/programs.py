"""Training steps in the same shape, written down once and run again.

A step is a function of arrays that gives Tensors, the first of which is the loss, and the reverse pass from there.
It is run as it is until its arrays have come in one shape a few times. Then it runs on stand-ins, which writes its
NumPy calls down, those of the reverse pass among them; and what was written down is run and compared with the graph,
bit by bit, before it takes its place.
"""

from __future__ import annotations

import functools
import operator
import pickle
import threading
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from .. import modes
from ..graph import through, topological_order
from ..ieee import quietly
from ..op import Operation
from ..passes.tensors import backward
from ..tensor import Tensor, next_serial
from . import roads
from .recorder import Recorder, TooLarge, called, kept
from .surroundings import Surroundings, Unclear

__all__ = ["Programs", "Written", "written_down"]

# How often a shape comes until its program is written, which takes as long as some twenty small steps; how many
# shapes are kept in mind; and how often a program may give up, after which it would save nothing.
REPEATED, SHAPES, PATIENCE = 3, 8, 10


class Programs:
    """Runs of a function of arrays, as a program for each shape that comes again.

    reads: the objects that the function computes with, see `Surroundings`. wanted: the leaves whose gradients are
    wanted of the first result; none if it runs without gradients. others: leaves that get none though the result
    depends on them. lasts: see `written_down`.
    """

    def __init__(
        self, reads: Iterable[Any], wanted: Sequence[Tensor] = (), others: Sequence[Tensor] = (), *, lasts: bool = False
    ) -> None:
        self.reads, self.wanted, self.others, self.lasts = list(reads), list(wanted), list(others), lasts
        self._shapes: dict[Any, _Shape] = {}
        self._latest: _Shape | None = None
        self._are_open = roads.are_open()

    def is_like(self, other: Programs) -> bool:
        """True for programs of the same leaves and objects."""
        ours, theirs = ((*p.reads, None, *p.wanted, None, *p.others) for p in (self, other))
        return len(ours) == len(theirs) and all(map(operator.is_, ours, theirs))

    def run(self, function: Callable[..., Sequence[Any]], *arguments: object) -> Sequence[Any]:
        """What the function gives, as arrays; each wanted leaf has its gradient, or None if the first is not finite.

        function: always the same; takes arrays and plain numbers, gives Tensors, arrays and strings. The arguments
        are not to be written to. Call it inside `quietly`.
        """
        if modes.active and (self.wanted or modes.is_detecting_anomalies()):
            return self._by_graph(function, arguments)
        shape = self._latest
        if shape is None or (written := shape.written) is None or not written.fits(*arguments):
            shape = self._latest = self._shape_of(arguments)
            written = shape.written
            if written is None:
                shape.seen += 1
                if shape.seen != REPEATED or not self._are_open:
                    return self._by_graph(function, arguments)
                results, shape.written = self._written_down(function, arguments)
                return results
            if not written.fits(*arguments):
                shape.note(None)
                return self._by_graph(function, arguments)
        if not written.is_running.acquire(blocking=False):  # in another thread
            return self._by_graph(function, arguments)
        try:
            if not written.is_current():
                shape.forget()
                return self._by_graph(function, arguments)
            if not shape.is_trusted:  # it is compared once more, for numbers of the first run that stayed in it
                states = _states(written.generators)
                results = self._by_graph(function, arguments)
                answer = written.gives(results, self.wanted, arguments, states)
                shape.note(answer)
                return results
            for p in self.wanted:
                p._grad = None  # first, so that nobody sees half of one if the step is interrupted
            found = written.run(arguments)
        finally:
            written.is_running.release()
        if found is not None:
            return found
        shape.note(None)
        return self._by_graph(function, arguments)

    def _shape_of(self, arguments: Sequence[Any]) -> _Shape:
        try:
            key = tuple([a.shape if a.__class__ is np.ndarray else kept(a) for a in arguments])
        except TypeError:
            return _Shape()
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) == SHAPES:
                self._shapes.clear()
            shape = self._shapes[key] = _Shape()
        return shape

    def _by_graph(self, function: Callable[..., Sequence[Any]], arguments: Sequence[Any]) -> Sequence[Any]:
        """The same by a recorded graph."""
        results = function(*arguments)
        if self.wanted:
            if self.others:
                _cut(topological_order(results[0]), self.wanted)
            _give_gradients(results[0], self.wanted)
        return [r._data if r.__class__ is Tensor else r for r in results]

    def _written_down(
        self, function: Callable[..., Sequence[object]], arguments: Sequence[object]
    ) -> tuple[Sequence[Any], Written | None]:
        """What the graph gives, and a program that gives the same bits; None if there is none."""
        try:
            surroundings = Surroundings(self.reads)
        except Unclear:
            return self._by_graph(function, arguments), None
        by_graph = functools.partial(self._by_graph, function)
        others, lasts = self.others, self.lasts
        return written_down(function, arguments, self.wanted, surroundings, by_graph, others=others, lasts=lasts)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copied program would write into the arrays of the original.
        return functools.partial(Programs, lasts=self.lasts), (self.reads, self.wanted, self.others)


class _Shape:
    """Arguments of one shape.

    seen: how often they came without a program. given_up: how often the program could not answer. is_trusted: it was
    compared with the graph for other numbers than those of its first run.
    """

    __slots__ = ("given_up", "is_trusted", "seen", "written")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self.seen = self.given_up = 0
        self.is_trusted = False
        self.written: Written | None = None

    def note(self, answer: bool | None) -> None:
        """Whether the program gave what the graph gave; None if it gave up."""
        if answer:
            self.is_trusted = True
            return
        self.given_up += 1
        if answer is False or self.given_up == PATIENCE:
            self.written = None


class Written:
    """A program of a function, with all that has to stay as it is.

    passes      gives results, and goes on to the gradients; see `Recorder.program`
    fits        says whether arguments are such as it was written down for
    is_current  says whether the program is still what the function would do
    reached     the Tensors that get a gradient
    is_loss     whether they get it only if the first result, a single number, is finite
    """

    def __init__(
        self,
        recorder: Recorder,
        leaves: Sequence[Tensor],
        reached: Sequence[Tensor],
        surroundings: Surroundings,
        *,
        is_loss: bool,
    ) -> None:
        self.passes, self.fits, self.reached, self.is_loss = recorder.program(), recorder.fits(), reached, is_loss
        arrays = [(t, name, getattr(t, name)) for t in leaves for name in ("_data", "_buffer")]
        self.is_current = recorder.condition(arrays, surroundings.are_the_same)
        self.generators = list(surroundings.generators)
        self.is_running = threading.Lock()  # its arrays are those of one run at a time

    def run(self, arguments: Sequence[Any]) -> Sequence[np.ndarray] | None:
        """The results, and the gradients, of a loss if it is finite; None if the function is to be asked."""
        generators = self.generators
        states = _states(generators) if generators else ()
        passes = self.passes(*arguments)
        try:
            found = next(passes, None)
            if found is not None:
                if not self.reached or (self.is_loss and (loss := found[0].item()) - loss != 0.0):
                    return found
                if next(passes, None) is not None:
                    for p in self.reached:
                        p._grad = p._buffer
                    return found
        except (IndexError, ValueError):  # which the function will raise itself
            pass
        if states:
            _rewind(generators, states)
        return None

    def gives(
        self, results: Sequence[Any], wanted: Sequence[Tensor], arguments: Sequence[Any], before: Sequence[Any]
    ) -> bool | None:
        """True if it gives the bits of these results of a graph and of the leaves' gradients; None if it gives up.

        before: the states of the generators when the graph was recorded. They and the leaves stay as they are.
        """
        generators = self.generators
        after, expected = _states(generators), _bits(results, wanted)
        gradients = [None if t._grad is None else t._grad.copy() for t in wanted]
        for t in wanted:
            t._grad = None
        _rewind(generators, before)
        found = quietly(self.run, arguments)
        if found is not None and _bits(found, wanted) == expected and _same(_states(generators), after):
            return True
        for t, g in zip(wanted, gradients, strict=True):
            t._grad = g
        _rewind(generators, after)
        return None if found is None else False


def written_down(
    function: Callable[..., Sequence[object]],
    arguments: Sequence[object],
    wanted: Sequence[Tensor],
    surroundings: Surroundings,
    by_graph: Callable[[Sequence[Any]], Sequence[np.ndarray]],
    seed: np.ndarray | None = None,
    *,
    others: Sequence[Tensor] = (),
    lasts: bool = False,
) -> tuple[Sequence[np.ndarray], Written | None]:
    """What `by_graph` gives for the arguments, and a program that gave the same bits; None if there is none.

    wanted, others: as for `Programs`. A function that changes what it reads has no program. seed: the gradient of the
    result, an array at which the program looks anew in each run. lasts: it is always given these very arguments, whose
    numbers change.
    """
    for t in wanted:
        if t._buffer is None:
            t._buffer = np.empty(t.shape, t.dtype)
    before = _states(surroundings.generators)
    results = by_graph(arguments)
    if not surroundings.are_the_same():
        return results, None
    after = _states(surroundings.generators)
    _rewind(surroundings.generators, before)
    written = _on_stand_ins(function, arguments, wanted, surroundings, seed, others, lasts)
    _rewind(surroundings.generators, after)
    if written is None or not written.gives(results, wanted, arguments, before):
        return results, None
    return results, written


def _states(generators: Iterable[np.random.Generator]) -> list[Any]:
    return [g.bit_generator.state for g in generators]


def _rewind(generators: Iterable[np.random.Generator], states: Sequence[Any]) -> None:
    for g, state in zip(generators, states, strict=True):
        g.bit_generator.state = state


def _same(states: Sequence[object], others: Sequence[object]) -> bool:
    return pickle.dumps(states) == pickle.dumps(others)  # some contain arrays


def _bits(results: Sequence[np.ndarray], wanted: Sequence[Tensor]) -> list[Any]:
    found = [*results, *(t._grad for t in wanted)]
    return [u if u is None or u.__class__ is str else (np.shape(u), np.asarray(u).tobytes()) for u in found]


def _on_stand_ins(
    function: Callable[..., Sequence[Any]],
    arguments: Sequence[Any],
    wanted: Sequence[Tensor],
    surroundings: Surroundings,
    seed: np.ndarray | None,
    others: Sequence[Tensor],
    lasts: bool,
) -> Written | None:
    """A program of what the function does with arguments like these; None if it does what cannot be written down.

    While it runs all Tensors that it may come across have stand-ins for their arrays.
    """
    leaves = list(dict.fromkeys([*wanted, *surroundings.tensors]))
    before = [(t, t._data, t._buffer, t._grad, t._seen) for t in leaves]
    recorder, start = Recorder(), next_serial()
    try:
        for t in leaves:
            t._data, t._grad, t._seen = recorder.lasting(t._data), None, None  # type: ignore[assignment]
        for t in wanted:
            t._buffer = recorder.lasting(t._buffer)  # type: ignore[assignment, arg-type]
        given = [recorder.input(a, lasts=lasts) for a in arguments]
        with np.errstate(all="ignore"):  # and not `quietly`, where operations do not ask what to do instead
            results = function(*given)
            recorder.give([r._data if r.__class__ is Tensor else r for r in results])
            if wanted:
                loss = results[0]
                g = np.ones(loss.shape, loss.dtype) if seed is None else recorder.lasting(seed)
                _pull_back(loss, g, set(wanted), set(others), start)
                recorder.give([])
        reached = [t for t in wanted if t._grad is not None]
    except Exception:  # if it is the fault of the function, it comes again when that is called without them
        return None
    finally:
        for t, data, buffer, gradient, seen in before:
            t._data, t._buffer, t._grad, t._seen = data, buffer, gradient, seen
    try:
        return Written(recorder, leaves, reached, surroundings, is_loss=seed is None)
    except TooLarge:
        return None


def _pull_back(loss: Tensor, g: Any, wanted: set[Tensor], others: set[Tensor], start: int) -> None:
    """The reverse pass from a loss computed on stand-ins, whose gradient is g, to the leaves that are wanted.

    Leaves that are neither wanted nor among the others must be younger than `start`, and gone with the step.
    """
    order = topological_order(loss)
    if others:
        _cut(order, wanted)
    for v in order:
        if v._op is None:
            if v not in wanted and v not in others and v._serial < start:
                raise LookupError("a gradient of which nobody knows")
        else:
            v._operands = tuple(
                u._data if u.__class__ is Tensor and u._op is None and u not in wanted else u for u in v._operands
            )
            v._op = cast(
                Operation, SimpleNamespace(pulls=_Pulls(v._op), writes=v._op.writes, adds=v._op.adds, delivers=None)
            )
    backward(loss, g)


def _cut(order: Iterable[Tensor], wanted: Iterable[Tensor]) -> None:
    """Let the reverse pass go only where a wanted leaf is: other operands become arrays."""
    _, leading = through(((v, v._operands) for v in order), wanted)
    for v in order:
        if v._op is not None:
            v._operands = tuple(u._data if u.__class__ is Tensor and u not in leading else u for u in v._operands)


class _Pulls:
    """The pulls of an operation, each written down as a call where it cannot be read."""

    def __init__(self, op: Operation) -> None:
        self._pulls: Any = op.pulls

    def __getitem__(self, i: int) -> Callable[..., Any]:
        return functools.partial(called, self._pulls[i])


def _give_gradients(loss: Tensor, wanted: Iterable[Tensor]) -> None:
    """Give the leaves the gradients of a loss in place of those they had, if it is finite; else none."""
    for p in wanted:
        p._grad = None
    value = loss._data.item()
    if value - value == 0.0:
        backward(loss, np.ones(loss.shape, loss.dtype))
