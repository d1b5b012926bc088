"""Functions of arrays, such as training steps, written down once and run again.

A function is run as it is until its arguments have come in one shape a few times. Then it runs on stand-ins, which
writes its NumPy calls down, with what it does to gradients and parameters; and what was written down is run and
compared with the function, bit by bit, before it takes its place.
"""

from __future__ import annotations

import functools
import operator
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from .. import modes
from ..ieee import quietly
from ..passes.tensors import backward
from ..tensor import Tensor
from . import roads
from .effects import Effects, State, is_writing
from .recorder import UNFIT, Recorder, kept
from .surroundings import Surroundings, Unclear

__all__ = ["Programs", "Written"]

# How often a shape comes until its program is written, which takes as long as some twenty small steps; how many
# shapes are kept in mind; and how often a program may give up, after which it would save nothing.
REPEATED, SHAPES, PATIENCE = 3, 8, 10
# Held while something is written down: two threads would take each other's stand-ins for the arrays of a leaf.
_one_at_a_time = threading.Lock()


def arrays_of(results: Any) -> list[Any]:
    """Tensors as arrays, and what else there is as it is."""
    several = results if results.__class__ in (tuple, list) else (results,)
    return [r._data if r.__class__ is Tensor else r for r in several]


class Programs:
    """Runs of a function of arrays, as a program for each shape that comes again.

    reads: the objects that the function computes with, see `Surroundings`. trains: it gives gradients or moves numbers;
    else it only computes, and another thread may train beside it. lasts: it is always given these very arguments,
    whose numbers change.
    """

    trains: bool
    waits: ClassVar[bool] = False  # whether a function without a reverse pass is written down with one that may follow

    def __init__(self, reads: Iterable[Any], *, trains: bool = False, lasts: bool = False) -> None:
        self.reads, self.trains, self.lasts = list(reads), trains, lasts
        self._shapes: dict[Any, Shape] = {}
        self._trusted: Written | None = None  # the latest, if it was compared twice
        self._asked: dict[Tensor, None] = {}  # leaves of which it matters whether they have a gradient
        self._are_open = roads.are_open()

    def is_like(self, other: Programs) -> bool:
        """True for programs of the same objects."""
        return len(self.reads) == len(other.reads) and all(map(operator.is_, self.reads, other.reads))

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What the function gives, as arrays; it does what it does.

        function: always the same; takes arrays and plain numbers, gives a sequence of Tensors, arrays, numbers and
        strings. The arguments are not to be written to. Call it inside `quietly`.
        """
        if modes.active and (self.trains or modes.is_detecting_anomalies()):
            return self.shown(function(*arguments))
        written = self._trusted
        found = UNFIT if written is None else written.program(*arguments)
        if found is not UNFIT and found is not None:
            return found
        return self._slowly(function, arguments, gave_up=found is None)

    def _slowly(self, function: Callable[..., Any], arguments: Sequence[Any], *, gave_up: bool) -> Any:
        """The same where the latest program cannot do it."""
        if is_writing():
            return self.shown(function(*arguments))
        shape = self._shape_of(arguments)
        written = shape.written
        if written is None:
            self._trusted = None
            shape.seen += 1
            if shape.seen == REPEATED and self._are_open:
                if not _one_at_a_time.acquire(blocking=False):
                    shape.seen -= 1
                    return self.shown(function(*arguments))
                try:
                    return self._written_down(shape, function, arguments)
                finally:
                    _one_at_a_time.release()
        elif gave_up:
            self._note(shape, None)
        elif not written.is_current():
            if not _one_at_a_time.locked():  # else its leaves may have stand-ins
                self._trusted = None
                self.forget(shape)
        elif not shape.is_trusted:  # it is compared once more, for numbers of the first run that stayed in it
            results, is_same = written.compared(function, arguments)
            self._note(shape, is_same)
            return self.shown(results)
        elif self._trusted is not written:
            self._trusted = written
            return self.run(function, *arguments)
        return self.shown(function(*arguments))

    # ------------------------------------------------------------ what `replayed` does otherwise

    arrays = staticmethod(arrays_of)  # what a program gives in the place of results

    def shown(self, results: Any) -> Any:
        """What is given where the function was called."""
        return arrays_of(results)

    def roots(self, arguments: Sequence[Any]) -> list[Any]:
        """What is read besides arguments."""
        return self.reads

    def accept(self, results: Any, written: Written) -> None:
        """Raise Unclear for what is no program after all."""

    def refuse(self, reason: str) -> None:
        """There is no program, or none any more, and why."""

    def forget(self, shape: Shape) -> None:
        """Something that the function reads has changed."""
        shape.forget()

    # ------------------------------------------------------------ shapes

    def _shape_of(self, arguments: Sequence[Any]) -> Shape:
        try:
            key = self._key(arguments)
        except TypeError:
            return Shape()
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) == SHAPES:
                del self._shapes[next(iter(self._shapes))]
            shape = self._shapes[key] = Shape()
        return shape

    def _key(self, arguments: Sequence[Any], empty: Iterable[Tensor] | None = None) -> Any:
        ids = list(map(id, arguments))  # a function may ask whether it is given an array twice
        given = [
            (a.shape, a.strides, a.dtype, ids.index(id(a))) if a.__class__ is np.ndarray else kept(a) for a in arguments
        ]
        return *given, *(t._grad is None if empty is None else t in empty for t in self._asked)

    def _note(self, shape: Shape, is_same: bool | None) -> None:
        """Whether the program gave what the function gave; None if it gave up."""
        if is_same:
            shape.is_trusted = True
            return
        shape.given_up += 1
        if is_same is False:
            shape.written = self._trusted = None
            self.refuse("its program gives other numbers than the function itself")
        elif shape.given_up == PATIENCE and not self.waits:
            shape.written = self._trusted = None

    def _written_down(self, shape: Shape, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
        """What the function gives; the shape has a program from now on if there is one that gives the same bits."""
        try:
            found = Surroundings(self.roots(arguments), only_computes=not self.trains)
        except Unclear as unclear:
            self.refuse(str(unclear))
            return self.shown(function(*arguments))
        with found.tried():
            before = State(found)
            empty = {t for t in found.tensors if t._grad is None}
            results = function(*arguments)
            try:
                if not found.are_the_same():
                    raise Unclear("it changes what it reads beside its arguments")
                after = State(found)
                try:
                    written = self._on_stand_ins(function, arguments, found, before)
                finally:
                    after.restore()
                self.accept(results, written)
                if not written.gives(results, arguments, before, after):
                    raise Unclear("its program gives other numbers than the function itself")
            except Unclear as unclear:
                self.refuse(str(unclear))
                return self.shown(results)
        self._shapes = {key: one for key, one in self._shapes.items() if one is not shape}
        self._asked.update(dict.fromkeys(written.asked))
        self._shapes[self._key(arguments, empty)] = shape
        shape.written = written
        return self.shown(results)

    def _on_stand_ins(
        self, function: Callable[..., Any], arguments: Sequence[Any], found: Surroundings, before: State
    ) -> Written:
        """A program of what the function does with arguments like these. Unclear if it cannot be written down."""
        before.restore()
        empty = {t for t in found.tensors if t._grad is None}
        # Leaves are taken to have a gradient at first, which shows where that matters, if the function does not look.
        without = set() if found.looks is None else empty
        while True:
            recorder = Recorder()
            effects = Effects(recorder, found, without)
            try:
                with effects:
                    given = [recorder.input(a, lasts=self.lasts) for a in arguments]
                    with np.errstate(all="ignore"):  # and not `quietly`, where operations do not ask what to do instead
                        results = function(*given)
                        seed = effects.finish(results, self.arrays(results), waits=self.waits)
                if found.only_computes:
                    return Written(recorder, effects, found, (), None, self.arrays)
                asked = [*found.tensors] if found.looks else [*effects.depends_on, *without]
                if empty.intersection(asked) <= without:
                    effects.guard(asked)
                    return Written(recorder, effects, found, asked, seed, self.arrays)
            except Exception as error:  # if it is the fault of the function, it comes again when that is called
                if error.__class__ is Unclear:
                    raise
                raise Unclear(
                    "what it does cannot be written down as NumPy calls that give the same numbers, or takes arrays of "
                    "many megabytes, beside which recording costs next to nothing"
                ) from None
            without = without | empty.intersection(asked)
            before.restore()

    def __reduce__(self) -> tuple[Any, ...]:
        # A copied program would write into the arrays of the original.
        return functools.partial(Programs, trains=self.trains, lasts=self.lasts), (self.reads,)


class Shape:
    """Arguments of one shape.

    seen: how often they came without a program. given_up: how often the program could not answer. is_trusted: it was
    compared with the function for other numbers than those of its first run.
    """

    __slots__ = ("given_up", "is_trusted", "seen", "written")

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self.seen = self.given_up = 0
        self.is_trusted = False
        self.written: Written | None = None


class Written:
    """A program of a function, with all that has to stay as it is.

    program     gives results and does what the function does; see `Recorder.program`
    is_current  says whether the program is still what the function would do
    leaves      the Tensors that the function reads; reached: those that get a gradient
    asked       those of which it matters whether they have one at first
    seed        None; or where a program that waits for it looks for the gradient of its result, see `replayed`
    how         what its owner keeps beside it
    """

    how: Any = None

    def __init__(
        self,
        recorder: Recorder,
        effects: Effects,
        surroundings: Surroundings,
        asked: Sequence[Tensor],
        seed: np.ndarray | None,
        arrays: Callable[[Any], list[Any]],
    ) -> None:
        self._arrays = arrays
        self.seed, self.asked, self.reached = seed, asked, list(effects.reached)
        self._surroundings, self.leaves = surroundings, surroundings.tensors
        looked_at = ("_data",) if surroundings.only_computes else ("_data", "_buffer")
        tests = recorder.conditions((t, name, getattr(t, name)) for t in surroundings.tensors for name in looked_at)
        tests.append(f"{recorder.constant(surroundings.are_the_same)}()")
        self.program, self.is_current = recorder.program(tests), recorder.condition(tests)
        if surroundings.generators:
            self.program = _drawing(self.program, list(surroundings.generators))

    def compared(self, function: Callable[..., Any], arguments: Sequence[Any]) -> tuple[Any, bool | None]:
        """What the function gives, and whether the program gives and does the same; None if it gives up."""
        with self._surroundings.tried():
            before = State(self._surroundings)
            results = function(*arguments)
            return results, self.gives(results, arguments, before, State(self._surroundings))

    def gives(self, results: Any, arguments: Sequence[Any], before: State, after: State) -> bool | None:
        """True if it gives the bits of these results of the function, and changes what was before to what is after."""
        given = _bits(self._arrays(results))
        if self.seed is not None:
            self.seed[...] = 1.0
            for t in self._surroundings.tensors:
                t._grad = None
            quietly(backward, results, self.seed)
            given += _bits([t._grad for t in self.reached])
        before.restore()
        found: Any = quietly(self.program, *arguments)
        if self.seed is not None:
            passes, found = found, quietly(next, found, None)
            if found is not None and found is not UNFIT and quietly(next, passes, None) is None:
                found = None
            passes.close()
        is_same = None
        if found is not None and found is not UNFIT:
            if self.seed is None:
                is_same = _bits(found) == given and after.is_now()
            else:
                is_same = _bits([*found, *(t._buffer for t in self.reached)]) == given
        after.restore()
        return is_same


def _drawing(program: Callable[..., Any], generators: Sequence[np.random.Generator]) -> Callable[..., Any]:
    """A program that draws random numbers, and where it gives up leaves the generators as they were."""

    def drawing(*arguments: Any) -> Any:
        states = [g.bit_generator.state for g in generators]
        found = program(*arguments)
        if found is None or found is UNFIT:
            for g, state in zip(generators, states, strict=True):
                g.bit_generator.state = state
        return found

    return drawing


def _bits(results: Sequence[Any]) -> list[Any]:
    return [u if u is None or u.__class__ is str else (np.shape(u), np.asarray(u).tobytes()) for u in results]
