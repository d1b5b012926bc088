"""vectorize: a function or a graph of single numbers as a program over whole arrays."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import modes
from ..graph import is_node, topological_order
from ..operands import describe, real_array
from ..ops import shapes, sums
from ..tensor import Tensor, leaf
from ..value import Value
from .finding import Held, held, in_pieces
from .inputs import Ambiguous, Entries, explained
from .leaves import NAMELESS, Block, Piece, in_blocks, nameless_block
from .programs import Numbers, Program, as_node, equations, given_kinds, without_collector
from .reading import Reading
from .recording import Comparison, From, NotRecordable, Recording, Taken, find_fresh, flattened, record
from .regroup import Regrouping
from .tape import Tape

__all__ = ["Vectorized", "vectorize"]

# How many recordings of one structure a program is made of, and how many calls of one shape are recorded at most
# while there is none.
ENOUGH, MOST = 3, 12
# For how many numbers of samples a program is kept at a time.
BATCHES = 8
# How many shapes of arguments are kept in mind.
SHAPES = 32
# A program and the function are to agree to this, relative to the largest number.
TOLERANCE = 1e-11
# A program is compared with its function again after so many calls, and each time after four times as many.
FIRST_AUDIT = 16
ARGUMENT = "argument"


def vectorize(function: Any = None, *, parameters: Mapping[str, Any] | None = None) -> Any:
    """A function of Values that computes with whole arrays, or a recorded graph as a program.

    function: a function that returns a Value, unchanged; also as a decorator. Its first calls with
    arguments of one shape run as they are and are recorded; then a program of matrix products and
    operations on arrays gives the same number, and its `backward()` the same gradients::

        w = Value(0.5)
        loss_of = vectorize(lambda x, y: (w * x - y) ** 2)
        for x, y in [(1.0, 2.0), (2.0, 3.9), (3.0, 6.1), (4.0, 8.2)]:
            loss_of(x, y).backward()

    The plain numbers it is given may change from call to call; they are followed to where they are
    used. Programs are compared with the function when they are made, and now and then after.
    Where a function cannot be recorded (it branches on numbers in ways that matter, draws random
    numbers, takes `.data` of a Value as a weight, depends on how often it was called), it goes on as
    it is, and one warning says why. What it does beside returning a Value, such as printing, is not done by
    a program. `each.mean(X, Y)` and `each.all(X, Y)` run a function of one sample for all samples, see there.

    A Value instead of a function: its graph as a `Program`, which runs again on the numbers that its
    leaves have then.

    parameters: named lists and matrices of leaves, which programs keep as arrays of these names.
    By default they are found among what the function uses, and named by their labels.
    TypeError for anything else; ValueError for a graph in which nothing repeats.
    """
    if function is None:
        return functools.partial(vectorize, parameters=parameters)
    if function.__class__ is Value:
        return Program(function, parameters)
    if not callable(function):
        raise TypeError(f"vectorize: expected a function or a Value that was computed; got {describe(function)}")
    return Vectorized(function, parameters)


class Vectorized:
    """A function of Values that runs as programs where it can; made by `vectorize`.

    is_plain  the reason why it runs as it is from now on; None if it need not
    """

    def __init__(self, function: Callable[..., Any], parameters: Mapping[str, Any] | None = None) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.is_plain: str | None = None
        self._given = parameters
        self._held: Held | None = None
        self._changes = 0
        self._known: dict[Value, None] = {}
        self._numbers: Numbers | None = None
        self._kinds: dict[Value, Hashable] = {}
        self._shapes: OrderedDict[Any, _Shape] = OrderedDict()
        self._last: _Program | _Batch | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Value:
        """The function's result for these arguments."""
        if self.is_plain is not None or modes.is_detecting_anomalies():
            return self.function(*args, **kwargs)
        reason = self._notice_changes()
        if reason is not None:
            return self._goes_on(self.function(*args, **kwargs), reason)
        numbers: list[Any] = []
        values: list[Value] = []
        try:
            structure = [flattened(x, numbers, values) for x in args]
            structure += [(name, flattened(x, numbers, values)) for name, x in sorted(kwargs.items())]
            key = (tuple(structure), self._roles(values))
            shape = self._shape(key)
        except TypeError as error:
            return self._goes_on(self.function(*args, **kwargs), f"its arguments cannot be compared: {error}")
        t = np.array([float(x) for x in numbers])
        for program in shape.programs:
            found = program.run(t, values)
            if found is None:
                continue
            self._last = program
            program.calls += 1
            if program.calls != program.audit:
                return found
            program.audit *= 4
            return self._audited(shape, program, found, args, kwargs)
        return self._recorded(shape, args, kwargs)

    def mean(self, *arrays: Any) -> Value:
        """The mean over samples of a function of one sample, as one Value.

        arrays: one for each argument, samples along the first axis; all have as many (ValueError). The function
        gets of each sample a number, or nested lists of them; it is called for a few, and the rest is one
        program for all. `backward()` gives the gradients of the mean.
        """
        return self._over_samples("mean", arrays)

    def all(self, *arrays: Any) -> np.ndarray:
        """What the function gives for each sample, as an array (m,), without gradients. arrays: see `mean`."""
        return self._over_samples("all", arrays)

    def _over_samples(self, what: str, arrays: Sequence[Any]) -> Any:
        arrays = [
            real_array(x, what) if not isinstance(x, np.ndarray) or x.dtype.kind not in "iu" else x for x in arrays
        ]
        sizes = {x.shape[:1] for x in arrays}
        if len(sizes) != 1 or () in sizes or (0,) in sizes:
            raise ValueError(
                f"{what}: expected arrays with one sample or more along the first axis, as many in each; "
                f"got shapes {', '.join(str(x.shape) for x in arrays) or 'none'}"
            )
        m = len(arrays[0])

        def sample(i: int) -> tuple[Any, ...]:
            return tuple(x[i].tolist() for x in arrays)

        if self.is_plain is None and not modes.is_detecting_anomalies():
            found = self._by_program(what, arrays, sample)
            if found is not None:
                return found
        if what == "all":
            with modes.no_grad():
                return np.array([self.function(*sample(i)).data for i in range(m)])
        return sums.mean([self.function(*sample(i)) for i in range(m)])

    def _by_program(self, what: str, arrays: Sequence[Any], sample: Callable[[int], tuple[Any, ...]]) -> Any:
        """What a program gives for all samples; None if there is none, or none any more."""
        reason = self._notice_changes()
        if reason is not None:
            return self._goes_on(None, reason)
        m = len(arrays[0])
        numbers: list[Any] = []
        key = "sample", tuple(flattened(x, numbers, []) for x in sample(0))
        shape = self._shape(key)
        t = np.concatenate([np.asarray(x, np.float64).reshape(m, -1) for x in arrays], 1)
        waiting = iter(np.unique(np.linspace(0, m - 1, MOST).astype(int)).tolist())
        while self.is_plain is None:
            odd = None
            if shape.programs:
                program = shape.programs[-1]
                found = program.run_all(what, t)
                if found.__class__ is not int:
                    self._last = program.batch(m)
                    program.calls += 1
                    if program.calls == program.audit:
                        program.audit *= 4
                        self._audited(shape, program, found, sample(program.calls % m), {})
                    return None if self.is_plain is not None else found
                odd = found
            i = next(waiting, None) if odd is None or odd < 0 else odd
            if i is None or (odd is not None and odd < 0):
                return None
            with modes.recording():
                self._recorded(shape, sample(i), {})
        return None

    def _roles(self, values: Sequence[Value]) -> tuple[Any, ...]:
        """Which of the Values that were given are parameters, and which are the same."""
        first: dict[Value, int] = {}
        return tuple(v if v in self._known else first.setdefault(v, i) for i, v in enumerate(values))

    def _shape(self, key: Any) -> _Shape:
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = _Shape(self)
            if len(self._shapes) > SHAPES:
                self._shapes.popitem(last=False)
        else:
            self._shapes.move_to_end(key)
        return shape

    def _goes_on(self, result: Any, reason: str) -> Any:
        """Run as it is from now on."""
        self.is_plain = reason
        self._shapes.clear()
        self._last = None
        name = getattr(self.function, "__name__", "function")
        warnings.warn(f"vectorize({name}): it goes on as it is: {reason}", RuntimeWarning, stacklevel=4)
        return result

    def _notice_changes(self) -> str | None:
        """Forget all programs if a variable of the function is another number; the reason to give up if too often."""
        changed = None if self._held is None else self._held.changed()
        if changed is None:
            return None
        self._held = None
        self._numbers = None
        self._shapes.clear()
        self._changes += 1
        if self._changes > MOST:
            return f"its variable {changed} changes from call to call; make it an argument"
        return None

    def _recorded(self, shape: _Shape, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function, and make a program of this and earlier calls if they suffice."""
        if not modes.is_recording():
            return self.function(*args, **kwargs)
        recording = None
        try:
            with without_collector():
                recording = record(self.function, args, kwargs)
                self._look_for_leaves(recording)
                shape.add(recording)
        except NotRecordable as refusal:
            result = recording.loss if recording is not None else refusal.result
            return self._goes_on(result, refusal.reason)
        return recording.loss

    def _audited(self, shape: _Shape, program: _Program, found: Value, args: Any, kwargs: Any) -> Any:
        """The result of the function itself, and whether the program gives the same."""
        if not modes.is_recording():
            return found
        try:
            recording = record(self.function, args, kwargs)
            self._look_for_leaves(recording)
        except NotRecordable as refusal:
            return self._goes_on(refusal.result, refusal.reason)
        if not program.agrees(recording):
            return self._goes_on(
                recording.loss, "its results depend on more than its arguments and parameters: a later call differs"
            )
        return recording.loss

    # ------------------------------------------------------------ parameters

    def _look_for_leaves(self, recording: Recording) -> None:
        """Find the parameters: what the function reaches, and leaves that somebody holds."""
        if self._held is None:
            self._held = held(self.function)
            self._kinds, pieces = given_kinds(self._given)
            given = dict.fromkeys(self._kinds)
            rest = {v: None for v in self._held.values if v not in given}
            self._pieces = pieces | in_pieces(self._held.matrices, rest)
            self._known = given | rest
        find_fresh(recording, self._known)  # type: ignore[arg-type]
        new = [v for v in recording.leaves if v not in self._known]
        if new:  # others may hold more of its kind than this call has shown
            self._known |= dict.fromkeys(new)
            nameless = self._pieces.get(NAMELESS, [])
            values = [v for piece in nameless for v in piece.values]
            self._pieces[NAMELESS] = [Piece([*values, *new], (len(values) + len(new),), None)]
            self._numbers = None
            for shape in self._shapes.values():
                shape.programs.clear()
        if self._numbers is None or new:
            self._use(self._pieces)

    def _use(self, pieces: Mapping[Hashable, Sequence[Piece]]) -> None:
        self._numbers = Numbers(pieces)
        self._kinds = {v: kind for kind, found in pieces.items() for piece in found for v in piece.values}

    def lay_out(self, wishes: Sequence[np.ndarray]) -> bool:
        """Put leaves without names into arrays as they are wanted; False if they are already."""
        nameless = self._pieces.get(NAMELESS, [])
        if len(nameless) != 1 or nameless[0].label is not None:
            return False
        self._pieces[NAMELESS] = nameless_block(nameless[0].values, wishes)
        self._use(self._pieces)
        return True

    # ------------------------------------------------------------ for the curious

    @property
    def parameters(self) -> list[Value]:
        """The leaves that the function uses, as far as its calls have shown them."""
        return list(self._known)

    def tensors(self) -> Tensor:
        """The computation of the latest call of a program as a graph of Tensors, see `Program.tensors`.

        RuntimeError if no program has run yet.
        """
        if self._last is None:
            raise RuntimeError(
                f"vectorize: no program has run yet; call the function {ENOUGH + 1} times"
                + ("" if self.is_plain is None else f". It runs as it is: {self.is_plain}")
            )
        return self._last.tensors()

    def text(self, *, form: str = "rows") -> str:
        """The equations of the latest call of a program, see `Program.text`."""
        return equations(self.tensors(), form)

    def __repr__(self) -> str:
        return f"<vectorized {getattr(self.function, '__name__', 'function')}>"


class _Shape:
    """Calls with arguments of one shape: recordings, and programs of those of one structure."""

    def __init__(self, owner: Vectorized) -> None:
        self.owner = owner
        self.recordings: list[Recording] = []
        self.programs: list[_Program] = []
        self.taken = 0

    def add(self, recording: Recording) -> None:
        """One more call. NotRecordable if these calls show that there is no program for them."""
        self.recordings.append(recording)
        self.taken += 1
        if len(self.recordings) < ENOUGH:
            return
        try:
            program = self._program()
        except _NotYet as error:
            if len(self.recordings) >= MOST:
                raise NotRecordable(recording.loss, str(error)) from None
            return
        self.programs = [program]
        if self.taken > 2 * MOST:
            raise NotRecordable(recording.loss, "what it compares comes out differently too often")
        del self.recordings[: -(ENOUGH - 1)]

    def _program(self) -> _Program:
        """A program of the latest recordings that have one structure."""
        numbers = self.owner._numbers
        assert numbers is not None
        reasons = _NotYet("its structure is another in each call" + _at(self.recordings))
        for strict in (False, True):
            read = [_Read(self.owner, r, strict) for r in self.recordings]
            if NAMELESS in read[0].wishes and self.owner.lay_out(read[0].wishes[NAMELESS]):
                return self._program()
            alike = [r for r in read if r.structure == read[-1].structure]
            if len(alike) < ENOUGH:
                continue
            return _Program(self.owner, alike, strict)
        raise reasons


class _NotYet(Exception):
    """There is no program of these recordings; why not."""


def _at(recordings: Sequence[Recording]) -> str:
    lines = {c.line for r in recordings for c in r.comparisons}
    return f" (it compares numbers {_place(min(lines))})" if lines else ""


def _place(line: tuple[str, int]) -> str:
    return f"in {line[0]}, line {line[1]}"


class _Read:
    """A recording as Tensors, and what makes its structure."""

    def __init__(self, owner: Vectorized, recording: Recording, strict: bool) -> None:
        self.recording = recording
        arguments = dict.fromkeys(v for v in recording.values if v not in owner._kinds)
        self.arguments = list(arguments)
        self.reading = Reading(
            recording.loss,
            lambda v: owner._kinds.get(v, ARGUMENT),
            stops=recording.values,
            constants=recording.fresh,
        )
        numbers = owner._numbers
        assert numbers is not None
        _, _, blocks = in_blocks({ARGUMENT: [Piece(self.arguments, (len(self.arguments),), None)]})
        self.blocks: dict[Hashable, Block] = {**numbers.blocks, **blocks}
        self.regrouping = Regrouping(self.reading, self.blocks, strict=strict)
        self.wishes = self.regrouping.wishes
        self.structure = _structure(self.regrouping.root)


def _structure(root: Tensor) -> tuple[Any, ...]:
    """What a graph of Tensors has in common with another that differs in its numbers only."""
    order = topological_order(root)
    number = {v: i for i, v in enumerate(order)}
    found: list[Any] = []
    for v in order:
        operands = [number[u] if is_node(u) else _frozen(u) for u in v.operands]
        found.append((None if v.op is None else v.op.name, v.shape, *operands))
    return tuple(found)


def _frozen(u: Any) -> Any:
    if isinstance(u, np.ndarray):
        return "array", u.shape
    if isinstance(u, tuple | list):
        return tuple(map(_frozen, u))
    return (u.start, u.stop, u.step) if isinstance(u, slice) else (u,)


class _Guard(NamedTuple):
    """Comparisons that must come out as they did: where the numbers are that are compared."""

    comparisons: list[Comparison]
    left: list[Any]
    right: list[Any]


class _Program:
    """What a function computes for arguments of one shape, as far as its structure stays as it is.

    run it with its numbers; None if the function has to be asked again.
    """

    def __init__(self, owner: Vectorized, read: Sequence[_Read], strict: bool) -> None:
        self.owner = owner
        self.calls, self.audit = 0, FIRST_AUDIT
        self.read = read[0]
        self.inputs = np.array([r.recording.numbers for r in read])
        constants, indices, unexplained = self._entries(read)
        used = [e.place for e in (*constants, *indices) if e is not None]
        followed = set(np.concatenate(used).tolist()) if used else set()
        stays = (self.inputs == self.inputs[0]).all(0)
        self._fixed = np.array([j for j in np.flatnonzero(stays).tolist() if j not in followed], np.int64)
        self._constants, self._indices = constants, indices
        self._strict = strict
        self._batches: dict[int, _Batch] = {}
        self._build()
        self._guards = self._guarded(read)
        self._check_taken()
        for r in read:
            if not self.agrees(r.recording):
                raise _NotYet(
                    "some numbers that it computes with change from call to call, and not with its arguments"
                    f"{_named(unexplained)}" + _at([r.recording for r in read])
                )

    def _entries(self, read: Sequence[_Read]) -> tuple[list[Entries | None], list[Entries | None], int]:
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
            raise _NotYet(
                "several of its arguments are equal in all calls, so that it is not clear which of them is used where"
            ) from None
        unexplained = sum(e is None for e in (*constants, *indices))
        return constants, indices, unexplained

    def _check_taken(self) -> None:
        """NotRecordable unless numbers taken from `.data` are such that any others would do as well."""
        given: dict[tuple[str, int], tuple[Any, bool]] = {}
        moved: dict[Any, float] = {}
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
        numbers = self._numbers.tensors
        results = []
        for overridden in ({}, given):
            root = Regrouping(self.read.reading, self.read.blocks, given=overridden, strict=self._strict).root
            tape = Tape(root, numbers)
            results.append((float(tape.run()[0]), tape.gradient))
        (data, g), (other, h) = results
        scale = max(float(np.abs(g).max(initial=0.0)), 1e-3)
        if not (abs(data - other) <= 1e-9 * max(abs(data), 1.0) and (np.abs(g - h) <= 1e-9 * scale).all()):
            raise NotRecordable(
                None, f"it computes with .data of a Value, which passes no gradient, {_place(min(lines))}"
            )

    def _build(self) -> None:
        self._argument = np.zeros(len(self.read.arguments))
        tensor = _leaf_of(self._argument)
        blocks = {**self.read.blocks, ARGUMENT: Block([tensor], self.read.blocks[ARGUMENT].places)}
        numbers = self.owner._numbers
        assert numbers is not None
        self._numbers = numbers
        self._regrouping, self._arrays = self.regrouped(blocks, None)
        self._tape = Tape(self._regrouping.root, [*numbers.tensors, tensor])

    def regrouped(
        self, blocks: dict[Hashable, Block], samples: int | None
    ) -> tuple[Regrouping, list[tuple[Entries, np.ndarray]]]:
        """The computation as Tensors, of one sample or of so many, and the arrays that follow from inputs."""
        regrouping = self.read.regrouping
        lead = () if samples is None else (samples,)
        given: dict[tuple[str, int], tuple[Any, bool]] = {}
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
        return Regrouping(self.read.reading, blocks, samples, given=given, strict=self._strict), arrays

    # ------------------------------------------------------------ what was compared

    def _guarded(self, read: Sequence[_Read]) -> list[_Guard]:
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
        left: list[Any] = []
        right: list[Any] = []
        kept: list[Comparison] = []
        for c in first:
            if c.line in changing:
                continue
            places = self._place_of(c.left), self._place_of(c.right)
            if None in places:
                raise _NotYet(f"it compares a number that is not part of its result, {_place(c.line)}")
            kept.append(c)
            left.append(places[0])
            right.append(places[1])
        return [_Guard(kept, left, right)] if kept else []

    def _place_of(self, operand: Any) -> Any:
        """Where a number is found when the program has run."""
        if operand.__class__ is Taken:
            return None
        if operand.__class__ is not Value:
            return operand
        reading = self.read.reading
        place = reading.place_of(operand)
        if place is None:
            if operand in self.owner._kinds:
                numbers = self._numbers
                return "parameter", numbers.values.index(operand)
            return None
        return self._regrouping.found(place, self._tape)

    @property
    def guards(self) -> list[_Guard]:
        """The comparisons that are to come out as they did."""
        return self._guards

    def _holds(self, values: Sequence[Any], t: np.ndarray) -> bool:
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
                return self._numbers.vector[where[1]]
            return values[where[0]].flat[where[1]]
        return where

    # ------------------------------------------------------------ running

    def run(self, t: np.ndarray, values: Sequence[Value]) -> Value | None:
        """The result for these inputs, or None."""
        fixed = self._fixed
        if fixed.size and not np.array_equal(t[fixed], self.inputs[0][fixed]):
            return None
        self._numbers.update()
        arguments = self._arguments(values)
        found = self._computed(t, [v._data for v in arguments], modes.is_recording())
        if found is None:
            return None
        data, gradient = found
        if gradient is None:
            return Value(data)
        return as_node(data, [*self._numbers.values, *arguments], gradient.tolist())

    def _arguments(self, values: Sequence[Value]) -> list[Value]:
        return list(dict.fromkeys(v for v in values if v not in self.owner._kinds))

    def _computed(self, t: np.ndarray, arguments: Sequence[float], with_gradient: bool) -> Any:
        for entries, array in self._arrays:
            entries.write(array, t)
        if arguments:
            self._argument[...] = arguments
        try:
            values = self._tape.run(with_gradient)
        except (IndexError, ValueError):  # which the function will raise itself
            return None
        data = float(values[0])
        if data - data != 0.0 or not self._holds(values, t):
            return None
        return data, self._tape.gradient if with_gradient else None

    def run_all(self, what: str, t: np.ndarray) -> Any:
        """The mean over samples as a Value, or what each gives; the number of a sample for which the
        function has to be asked, or -1 if that does not help."""
        fixed = self._fixed
        if fixed.size:
            odd = np.flatnonzero((t[:, fixed] != self.inputs[0][fixed]).any(1))
            if odd.size:
                return int(odd[0])
        batch = self._batches.get(len(t))
        if batch is None:
            if len(self._batches) == BATCHES:
                self._batches.pop(next(iter(self._batches)))
            batch = self._batches[len(t)] = _Batch(self, len(t))
        self._numbers.update()
        return batch.run(what, t)

    def batch(self, m: int) -> _Batch:
        """The program for so many samples, which has run."""
        return self._batches[m]

    def agrees(self, recording: Recording) -> bool:
        """True if the program gives the numbers of a recording."""
        numbers = self._numbers
        vector = numbers.vector.copy()
        arguments = self._arguments(recording.values)
        guards, self._guards = getattr(self, "_guards", []), []
        try:
            numbers.vector[...] = [recording.data.get(v, x) for v, x in zip(numbers.values, vector, strict=True)]
            t = np.array(recording.numbers)
            found = self._computed(t, [recording.data[v] for v in arguments], True)
        finally:
            numbers.vector[...] = vector
            self._guards = guards
        if found is None:
            return recording.loss._data - recording.loss._data != 0.0
        data, gradient = found
        expected = recording.gradients()
        g = np.array([expected.get(v, 0.0) for v in (*numbers.values, *arguments)])
        scale = max(float(np.abs(g).max(initial=0.0)), 1e-3)
        close = abs(data - recording.loss._data) <= TOLERANCE * max(abs(data), 1.0)
        return close and bool((np.abs(g - gradient) <= TOLERANCE * scale).all())

    def tensors(self) -> Tensor:
        """The latest run as a graph of Tensors."""
        self._numbers.update()
        return self._tape.tensors()


class _Batch:
    """A program of one sample, for so many samples at once."""

    def __init__(self, program: _Program, m: int) -> None:
        self.program, self.m = program, m
        numbers = program.owner._numbers
        assert numbers is not None
        self._numbers = numbers
        blocks = {**program.read.blocks}
        regrouping, self._arrays = program.regrouped(blocks, m)
        each = regrouping.root
        if each.op is shapes.reshape.op and each.operands[0].size == m:
            each = each.operands[0]
        elif each.size != m:
            each = shapes.broadcast_to(each, (m,))
        self._tape = Tape(sums.mean(each), numbers.tensors)
        self._each = self._tape.watch(each)
        self._guards = [
            (c, *(self._where(u, regrouping) for u in (c.left, c.right))) for g in program.guards for c in g.comparisons
        ]

    def _where(self, operand: Any, regrouping: Regrouping) -> Any:
        if operand.__class__ is not Value:
            return operand
        place = self.program.read.reading.place_of(operand)
        if place is None:
            return "parameter", self._numbers.values.index(operand)
        return regrouping.found(place, self._tape)

    def _numbers_of(self, where: Any, values: Sequence[Any], t: np.ndarray) -> Any:
        if where.__class__ is From:
            return where.start + where.step * t[:, where.place]
        if where.__class__ is not tuple:
            return where
        if where[0] == "parameter":
            return self._numbers.vector[where[1]]
        number, place, varies = where
        return values[number].reshape(self.m, -1)[:, place] if varies else values[number].flat[place]

    def run(self, what: str, t: np.ndarray) -> Any:
        """See `_Program.run_all`."""
        for entries, array in self._arrays:
            entries.write(array, t)
        try:
            values = self._tape.run(what == "mean" and modes.is_recording())
        except (IndexError, ValueError):
            return -1
        data = float(values[0])
        if data - data != 0.0:
            return -1
        for c, left, right in self._guards:
            x, y = (self._numbers_of(u, values, t) for u in (left, right))
            as_it_was = np.broadcast_to(_COMPARE[c.sign](x, y) == c.outcome, (self.m,))
            if not as_it_was.all():
                return int(np.argmin(as_it_was))
        if what == "all":
            return values[self._each or 0].reshape(self.m).copy()
        if not modes.is_recording():
            return Value(data)
        return as_node(data, self._numbers.values, self._tape.gradient.tolist())

    def tensors(self) -> Tensor:
        """The latest run as a graph of Tensors."""
        self._numbers.update()
        return self._tape.tensors()


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
