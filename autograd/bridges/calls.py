"""Programs of a function: what several calls with arguments of one shape have in common, as operations on arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import modes
from ..graph import is_node, topological_order
from ..ops import shapes, sums
from ..tensor import Tensor, leaf
from ..value import Value
from .inputs import Ambiguous, Entries, explained
from .layout import Layout
from .leaves import Block, Piece, in_blocks
from .programs import as_node
from .reach import Reach
from .reading import Reading
from .recording import Comparison, From, NotRecordable, Recording, Taken
from .regroup import Regrouping
from .tape import Tape

__all__ = ["ENOUGH", "MOST", "BatchProgram", "CallProgram", "Calls", "Samples", "looks_of"]

# How many recordings of one structure a program is made of, and how many calls of one shape are recorded at most
# while there is none.
ENOUGH, MOST = 3, 12
# For how many numbers of samples a program is kept at a time.
BATCHES = 8
# A program and the function are to agree to this, relative to the largest number.
TOLERANCE = 1e-11
# A program is compared with its function again after so many calls, and each time after four times as many.
FIRST_AUDIT = 16
ARGUMENT = "argument"


class Calls:
    """Calls with arguments of one shape: recordings, and programs of those of one structure."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.recordings: list[Recording] = []
        self.programs: list[CallProgram] = []
        self.taken = 0

    def add(self, recording: Recording) -> None:
        """One more call. NotRecordable if these calls show that there is no program for them."""
        self.recordings.append(recording)
        self.taken += 1
        if len(self.recordings) < ENOUGH:
            return
        try:
            program = self._program()
        except NotYet as error:
            if len(self.recordings) >= MOST:
                raise NotRecordable(recording.loss, str(error)) from None
            return
        self.programs = [program]
        for r in self.recordings:
            r.walk = None  # which is as large as half of its graph
        if self.taken > 2 * MOST:
            raise NotRecordable(recording.loss, "what it compares comes out differently too often")
        del self.recordings[: -(ENOUGH - 1)]

    def _program(self) -> CallProgram:
        """A program of the latest recordings that have one structure."""
        reasons = NotYet("its structure is another in each call" + _at(self.recordings))
        for strict in (False, True):
            read = [Read(self._layout, r, strict) for r in self.recordings]
            if self._layout.lay_out(read[0].wishes):
                return self._program()
            alike = [r for r in read if r.structure == read[-1].structure]
            if len(alike) < ENOUGH:
                continue
            return CallProgram(self._layout, alike, strict)
        raise reasons


class NotYet(Exception):
    """There is no program of these recordings; why not."""


def _at(recordings: Sequence[Recording]) -> str:
    lines = {c.line for r in recordings for c in r.comparisons}
    return f" (it compares numbers {place_text(min(lines))})" if lines else ""


def place_text(line: tuple[str, int]) -> str:
    return f"in {line[0]}, line {line[1]}"


class Read:
    """A recording as Tensors, and what makes its structure."""

    def __init__(self, layout: Layout, recording: Recording, strict: bool) -> None:
        self.recording = recording
        arguments = dict.fromkeys(v for v in recording.values if v not in layout.kinds)
        self.arguments = list(arguments)
        self.reading = Reading(
            recording.loss,
            lambda v: layout.kinds.get(v, ARGUMENT),
            stops=recording.values,
            constants=recording.fresh,
            walk=recording.walk,
        )
        numbers = layout.numbers
        self.given = in_blocks({ARGUMENT: [Piece(self.arguments, (len(self.arguments),), None)]})
        self.blocks: dict[Hashable, Block] = {**numbers.blocks, **self.given.blocks}
        self.regrouping = Regrouping(self.reading, self.blocks, strict=strict)
        self.wishes = self.regrouping.wishes
        self.structure = _structure(self.regrouping.root)


def _structure(root: Tensor) -> tuple[Any, ...]:
    """What a graph of Tensors has in common with another that differs in its numbers only."""
    order = topological_order(root)
    number = {v: i for i, v in enumerate(order)}
    found: list[object] = []
    for v in order:
        operands = [number[u] if is_node(u) else _frozen(u) for u in v.operands]
        found.append((v.op, v.shape, *operands))
    return tuple(found)


def _frozen(u: object) -> Any:
    if isinstance(u, np.ndarray):
        return "array", u.shape
    if isinstance(u, tuple | list):
        return tuple(map(_frozen, u))
    return (u.start, u.stop, u.step) if isinstance(u, slice) else (u,)


class Guard(NamedTuple):
    """Comparisons that must come out as they did: where the numbers are that are compared."""

    comparisons: list[Comparison]
    left: list[Any]
    right: list[Any]


class CallProgram:
    """What a function computes for arguments of one shape, as far as its structure stays as it is.

    run it with its numbers; None if the function has to be asked again.
    """

    def __init__(self, layout: Layout, read: Sequence[Read], strict: bool) -> None:
        self._layout = layout
        self.calls, self.audit = 0, FIRST_AUDIT
        self.read = read[0]
        self.inputs = np.array([r.recording.numbers for r in read])
        constants, indices, unexplained = self._entries(read)
        used = [e.place for e in (*constants, *indices) if e is not None]
        followed = set(np.concatenate(used).tolist()) if used else set()
        stays = (self.inputs == self.inputs[0]).all(0)
        self._fixed = np.array([j for j in np.flatnonzero(stays).tolist() if j not in followed], np.int64)
        self._kept = self.inputs[0][self._fixed]
        self._constants, self._indices = constants, indices
        self._strict = strict
        self._batches: dict[int, BatchProgram] = {}
        self._are_alike: bool | None = None  # whether samples together give what they give one by one
        self._build()
        self._guards = self._guarded(read)
        self._check_taken()
        for r in read:
            if not self.agrees(r.recording):
                raise NotYet(
                    "some numbers that it computes with change from call to call, and not with its arguments"
                    f"{_named(unexplained)}" + _at([r.recording for r in read])
                )

    def _entries(self, read: Sequence[Read]) -> tuple[list[Entries | None], list[Entries | None], int]:
        unexplained = 0
        first = read[0].regrouping
        try:
            constants = [
                explained([r.regrouping.constants[k][0] for r in read], shape, self.inputs, whole=False)
                for k, (_, shape) in enumerate(first.constants)
            ]
            indices = [
                explained([r.regrouping.indices[k] for r in read], index.shape, self.inputs, whole=True)
                for k, index in enumerate(first.indices)
            ]
        except Ambiguous:
            raise NotYet(
                "several of its arguments are equal in all calls, so that it is not clear which of them is used where"
            ) from None
        unexplained = sum(e is None for e in (*constants, *indices))
        return constants, indices, unexplained

    def _check_taken(self) -> None:
        """NotRecordable unless numbers taken from `.data` are such that any others would do as well."""
        given: dict[tuple[str, int], tuple[object, bool]] = {}
        moved: dict[object, float] = {}
        lines = set()
        for k, (us, shape) in enumerate(self.read.regrouping.constants):
            sources = [getattr(u, "source", None) for u in us]
            if not any(source.__class__ is Taken for source in sources):
                continue
            array = np.array(us, np.float64)
            for i, source in enumerate(sources):
                if source.__class__ is Taken:
                    lines.add(source.line)
                    key = source if source.value is None else source.value
                    array[i] += moved.setdefault(key, 0.1 + 0.07 * (len(moved) % 7))
            given["constant", k] = _leaf_of(array.reshape(shape)), False
        if not given:
            return
        results = []
        for overridden in ({}, given):
            root = Regrouping(self.read.reading, self.read.blocks, given=overridden, strict=self._strict).root
            data = float(self.numbers.run(Tape(root, self.numbers.tensors))[0])
            results.append((data, self.numbers.gradients().copy()))
        (data, g), (other, h) = results
        scale = max(float(np.abs(g).max(initial=0.0)), 1e-3)
        if not (abs(data - other) <= 1e-9 * max(abs(data), 1.0) and (np.abs(g - h) <= 1e-9 * scale).all()):
            raise NotRecordable(
                None, f"it computes with .data of a Value, which passes no gradient, {place_text(min(lines))}"
            )

    def _build(self) -> None:
        self._given = self.read.given
        self.numbers = numbers = self._layout.numbers
        self._regrouping, self._arrays = self.regrouped(None)
        root, wanted = self._regrouping.root, numbers.tensors
        moving = [array for _, array in self._arrays]
        self._tape = Tape(root, [*wanted, *self.read.blocks[ARGUMENT].tensors], moving)
        self._reached = Reach(root, wanted, moving)

    def regrouped(self, samples: int | None) -> tuple[Regrouping, list[tuple[Entries, np.ndarray]]]:
        """The computation as Tensors, of one sample or of so many, and the arrays that follow from inputs."""
        regrouping = self.read.regrouping
        lead = () if samples is None else (samples,)
        given: dict[tuple[str, int], tuple[object, bool]] = {}
        arrays: list[tuple[Entries, np.ndarray]] = []
        for k, (entries, (us, shape)) in enumerate(zip(self._constants, regrouping.constants, strict=True)):
            if entries is not None and entries.moving.size:
                array = np.broadcast_to(np.array(us, np.float64).reshape(shape), (*lead, *shape)).copy()
                given["constant", k] = _leaf_of(array), bool(lead)
                arrays.append((entries, array))
        for k, (entries, index) in enumerate(zip(self._indices, regrouping.indices, strict=True)):
            if entries is not None and entries.moving.size:
                array = np.broadcast_to(index, (*lead, *index.shape)).copy()
                given["index", k] = array.view(), bool(lead)
                arrays.append((entries, array))
        return Regrouping(self.read.reading, self.read.blocks, samples, given=given, strict=self._strict), arrays

    # ------------------------------------------------------------ what was compared

    def _guarded(self, read: Sequence[Read]) -> list[Guard]:
        """The comparisons that have always come out alike. What came out differently did not matter."""
        recordings = [r.recording for r in read]
        first = recordings[0].comparisons
        changing: set[tuple[str, int]] = set()
        for r in recordings[1:]:
            if len(r.comparisons) != len(first):
                changing |= {c.line for c in (*first, *r.comparisons)}
                continue
            for a, b in zip(first, r.comparisons, strict=True):
                if a.outcome != b.outcome or a.line != b.line:
                    changing |= {a.line, b.line}
        left: list[object] = []
        right: list[object] = []
        kept: list[Comparison] = []
        for c in first:
            if c.line in changing:
                continue
            places = self._place_of(c.left), self._place_of(c.right)
            if None in places:
                raise NotYet(f"it compares a number that is not part of its result, {place_text(c.line)}")
            kept.append(c)
            left.append(places[0])
            right.append(places[1])
        return [Guard(kept, left, right)] if kept else []

    def _place_of(self, operand: object) -> Any:
        """Where a number is found when the program has run."""
        if operand.__class__ is Taken:
            return None
        if operand.__class__ is not Value:
            return operand
        reading = self.read.reading
        place = reading.place_of(operand)
        if place is None:
            if operand in self._layout.kinds:
                numbers = self.numbers
                return "parameter", numbers.values.index(operand)
            return None
        return self._regrouping.found(place, self._tape)

    @property
    def guards(self) -> list[Guard]:
        """The comparisons that are to come out as they did."""
        return self._guards

    def _holds(self, values: Sequence[object], t: np.ndarray) -> bool:
        for comparisons, left, right in self._guards:
            for c, a, b in zip(comparisons, left, right, strict=True):
                x, y = self._number(a, values, t), self._number(b, values, t)
                if _COMPARE[c.sign](x, y) != c.outcome:
                    return False
        return True

    def _number(self, where: Any, values: Sequence[Any], t: np.ndarray) -> Any:
        if where.__class__ is From:
            return where.start + where.step * t[where.place]
        if where.__class__ is tuple:
            if where[0] == "parameter":
                return self.numbers.vector[where[1]]
            return values[where[0]].flat[where[1]]
        return where

    # ------------------------------------------------------------ running

    def run(self, t: np.ndarray, values: Sequence[Value]) -> Value | None:
        """The result for these inputs, or None."""
        fixed = self._fixed
        if fixed.size and np.count_nonzero(t[fixed] != self._kept):
            return None
        self.numbers.begin()
        arguments = self._arguments(values)
        is_recording = modes.is_recording()
        data = self._computed(t, [v._data for v in arguments], is_recording)
        if data is None:
            return None
        if not is_recording:
            return Value(data)
        slopes = self._slopes() if arguments else ()
        return as_node(data, self.numbers.row(self._reached), arguments, slopes)

    def _arguments(self, values: Sequence[Value]) -> list[Value]:
        return list(dict.fromkeys([v for v in values if v not in self._layout.kinds])) if values else []

    def _slopes(self) -> list[float]:
        """The gradients of the Values among the arguments."""
        g = self.read.blocks[ARGUMENT].tensors[0]._grad
        return [0.0] * len(self.read.arguments) if g is None else g.tolist()

    def _computed(self, t: np.ndarray, arguments: Sequence[float], with_gradient: bool) -> float | None:
        """The number; None if the function has to be asked."""
        for entries, array in self._arrays:
            entries.write(array, t)
        if arguments:
            self._given.vector[...] = arguments
        try:
            values = self.numbers.run(self._tape, with_gradient)
        except (IndexError, ValueError):  # which the function will raise itself
            return None
        data = float(values[0])
        return None if data - data != 0.0 or not self._holds(values, t) else data

    def run_all(self, what: str, samples: Samples) -> Any:
        """See `BatchProgram.run`; or the number of a sample for which the function has to be asked, -1 if that does
        not help, -2 if it never will."""
        fixed = self._fixed
        if fixed.size:
            odd = np.flatnonzero((samples.inputs[:, fixed] != self._kept).any(1))
            if odd.size:
                return int(odd[0])
        if self._are_alike is None:
            self._are_alike = self._compared()
        if not self._are_alike:
            return -2
        m = samples.m
        batch = self._batches.get(m)
        if batch is None:
            if len(self._batches) == BATCHES:
                self._batches.pop(next(iter(self._batches)))
            batch = self._batches[m] = BatchProgram(self, m)
        self.numbers.begin()
        return batch.run(what, samples)

    def batch(self, m: int) -> BatchProgram:
        """The program for so many samples, which has run."""
        return self._batches[m]

    def _compared(self) -> bool:
        """True if the recorded samples together give what they give one by one."""
        batch = BatchProgram(self, len(self.inputs))
        self.numbers.begin()
        one_by_one = [found for t in self.inputs if (found := self._alone(t)) is not None]
        samples = Samples([self.inputs])
        each = batch.run("all", samples)
        if len(one_by_one) < len(self.inputs) or each.__class__ is int:
            return False
        batch.run("mean", samples)
        gradient = self.numbers.gradients()
        expected = np.mean([g for _, g in one_by_one], 0)
        scale = max(float(np.abs(expected).max(initial=0.0)), 1e-3)
        losses = np.array([data for data, _ in one_by_one])
        close = np.abs(each - losses) <= TOLERANCE * np.maximum(np.abs(losses), 1.0)
        return bool(close.all() and (np.abs(gradient - expected) <= TOLERANCE * scale).all())

    def _alone(self, t: np.ndarray) -> tuple[float, np.ndarray] | None:
        guards, self._guards = self._guards, []
        data = self._computed(t, [], True)
        self._guards = guards
        return None if data is None else (data, self.numbers.gradients().copy())

    def agrees(self, recording: Recording) -> bool:
        """True if the program gives the numbers of a recording."""
        numbers = self.numbers
        vector = numbers.vector.copy()
        arguments = self._arguments(recording.values)
        guards, self._guards = getattr(self, "_guards", []), []
        try:
            numbers.vector[...] = [recording.data.get(v, x) for v, x in zip(numbers.values, vector, strict=True)]
            t = np.array(recording.numbers)
            data = self._computed(t, [recording.data[v] for v in arguments], True)
        finally:
            numbers.vector[...] = vector
            self._guards = guards
        if data is None:
            return recording.loss._data - recording.loss._data != 0.0
        gradient = np.concatenate([numbers.gradients(), self._slopes()])
        expected = recording.gradients()
        g = np.array([expected.get(v, 0.0) for v in (*numbers.values, *arguments)])
        scale = max(float(np.abs(g).max(initial=0.0)), 1e-3)
        close = abs(data - recording.loss._data) <= TOLERANCE * max(abs(data), 1.0)
        return close and bool((np.abs(g - gradient) <= TOLERANCE * scale).all())

    def tensors(self) -> Tensor:
        """The latest run as a graph of Tensors."""
        self.numbers.begin()
        return self._tape.tensors()


class Samples:
    """Arrays with samples along their first axis, which are the inputs of a function of one sample.

    m  how many samples there are
    """

    __slots__ = ("_arrays", "_inputs", "m")

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self.m = len(arrays[0])
        self._arrays = arrays
        self._inputs: np.ndarray | None = None

    @property
    def key(self) -> Any:
        """What those have in common of which each sample has as many numbers in the same places."""
        return ("sample", *[(x.shape[1:], x.dtype.kind == "f") for x in self._arrays])

    def one(self, i: int) -> tuple[Any, ...]:
        """The arguments for a sample: numbers, or nested lists of them."""
        return tuple(x[i].tolist() for x in self._arrays)

    @property
    def inputs(self) -> np.ndarray:
        """All numbers of each sample in a row, (m, inputs)."""
        if self._inputs is None:
            self._inputs = np.concatenate([np.asarray(x, np.float64).reshape(self.m, -1) for x in self._arrays], 1)
        return self._inputs

    def write(self, entries: Entries, array: np.ndarray) -> None:
        """Write what follows from the inputs into an array."""
        way = self.way(entries, array)
        if way is None:
            entries.write(array, self.inputs)
        else:
            target, i, part = way
            target[...] = self._arrays[i] if part is None else self._arrays[i][part]

    def way(self, entries: Entries, array: np.ndarray) -> tuple[np.ndarray, int, Any] | None:
        """Where to copy which part (None for all) of which array for what follows from the inputs, if that is all."""
        first = entries.first
        if first is not None and array.dtype.kind == "f":
            size = entries.place.size
            for i, x in enumerate(self._arrays):
                width = x.size // self.m
                if 0 <= first <= width - size:
                    if width == size:
                        return array.reshape(x.shape), i, None
                    part = slice(None), slice(first, first + size)
                    return (array.reshape((self.m, size)), i, part) if x.ndim == 2 else None
                first -= width
        return None

    @property
    def looks(self) -> Sequence[Any]:
        """What arrays like these have in common."""
        return looks_of(self._arrays)


def looks_of(arrays: Sequence[object]) -> Sequence[Any]:
    """The shapes and dtypes of arrays; None for what is none."""
    return [(x.shape, x.dtype) if x.__class__ is np.ndarray else None for x in arrays]


class BatchProgram:
    """A program of one sample, for so many samples at once."""

    def __init__(self, program: CallProgram, m: int) -> None:
        self.program, self.m = program, m
        numbers = program.numbers
        self.numbers = numbers
        regrouping, self._arrays = program.regrouped(m)
        each = regrouping.root
        if each.op is shapes.reshape.op and each.operands[0].size == m:
            each = each.operands[0]
        elif each.size != m:
            each = shapes.broadcast_to(each, (m,))
        mean = sums.mean(each)
        moving = [array for _, array in self._arrays]
        self._mean = Tape(mean, numbers.tensors, moving)
        self._tapes = {"mean": self._mean, "all": Tape(each, (), moving)}
        self._reached = Reach(mean, numbers.tensors, moving)
        self._copies: list[Any] | None = None  # where which part of which array goes; [] if that is not all there is
        self._looks: Sequence[Any] = ()
        self._guards = [
            (c, *(self._where(u, regrouping) for u in (c.left, c.right))) for g in program.guards for c in g.comparisons
        ]

    def _where(self, operand: object, regrouping: Regrouping) -> Any:
        if operand.__class__ is not Value:
            return operand
        place = self.program.read.reading.place_of(operand)
        if place is None:
            return "parameter", self.numbers.values.index(operand)
        regrouping.found(place, self._tapes["all"])
        return regrouping.found(place, self._tapes["mean"])

    def _numbers_of(self, where: object, values: Sequence[Any], t: np.ndarray) -> Any:
        if where.__class__ is From:
            return where.start + where.step * t[:, where.place]
        if where.__class__ is not tuple:
            return where
        if where[0] == "parameter":
            return self.numbers.vector[where[1]]
        number, place, varies = where
        return values[number].reshape(self.m, -1)[:, place] if varies else values[number].flat[place]

    def run(self, what: str, samples: Samples) -> Any:
        """ "all": what each sample gives. "mean": the mean as a Value. "step": the mean as a number, its gradients
        added to those of the parameters. A number of a sample, or -1, where that cannot be: see `run_all`."""
        for entries, array in self._arrays:
            samples.write(entries, array)
        with_gradient = what != "all" and (not modes.active or modes.is_recording())
        try:
            values = self.numbers.run(self._tapes["all" if what == "all" else "mean"], with_gradient)
        except (IndexError, ValueError):
            return -1
        data = float(values[0].sum()) if what == "all" else float(values[0])
        if data - data != 0.0:
            return -1
        for c, left, right in self._guards:
            x, y = (self._numbers_of(u, values, samples.inputs) for u in (left, right))
            as_it_was = np.broadcast_to(_COMPARE[c.sign](x, y) == c.outcome, (self.m,))
            if not as_it_was.all():
                return int(np.argmin(as_it_was))
        if what == "all":
            return values[0].reshape(self.m).copy()
        if not with_gradient:
            return Value(data)
        if what == "mean":
            return as_node(data, self.numbers.row(self._reached))
        return self._stepped(data)

    def _stepped(self, data: float) -> float:
        if not self.numbers.add(self.numbers.gradients(), self._reached.mask()):
            self.numbers.row(self._reached).give(self.numbers.values, 1.0)
        return data

    def prepare(self, samples: Samples) -> bool:
        """True if nothing but the numbers of arrays like these goes into the program: then `step` takes them as they
        are."""
        if self._copies is None:
            found = [samples.way(entries, array) for entries, array in self._arrays]
            is_all = not (self._guards or self.program._fixed.size or None in found)
            self._copies = [way for way in found if way is not None] if is_all else []
            self._looks = samples.looks
        return bool(self._copies)

    def step(self, arrays: Sequence[object]) -> float | None:
        """See `run`, for arrays like those that were prepared; None for others, and where it is to be looked at."""
        program = self.program
        if program.calls + 1 == program.audit or len(arrays) != len(self._looks):
            return None
        for array, looks in zip(arrays, self._looks, strict=True):
            x: Any = array
            if x.__class__ is not np.ndarray or x.shape != looks[0] or x.dtype is not looks[1]:
                return None
        self.numbers.begin()
        for target, i, part in self._copies or ():
            x = arrays[i]
            target[...] = x if part is None else x[part]  # half the time of np.copyto
        data = self.numbers.run(self._mean)[0].item()
        if data - data != 0.0:
            return None
        program.calls += 1
        return self._stepped(data)

    def tensors(self) -> Tensor:
        """The latest run as a graph of Tensors."""
        self.numbers.begin()
        return self._tapes["mean"].tensors()


def _named(unexplained: int) -> str:
    return f" ({unexplained} of them)" if unexplained else ""


def _leaf_of(array: np.ndarray) -> Tensor:
    t = leaf(np.empty(0), None)
    t._data = array
    return t


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
}
