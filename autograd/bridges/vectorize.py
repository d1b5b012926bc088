"""vectorize: a function or a graph of single numbers as a program over whole arrays."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import modes
from ..derivations import Form
from ..operands import describe, real_array
from ..ops import sums
from ..tensor import Tensor
from ..value import Value
from .calls import ENOUGH, MOST, BatchProgram, CallProgram, Calls, Samples, looks_of
from .layout import Layout
from .programs import Numbers, Parameters, Program, equations, with_names, without_collector
from .recording import NotRecordable, Recording, flattened, record

__all__ = ["Vectorized", "vectorize"]

# How many shapes of arguments are kept in mind.
SHAPES = 32


def vectorize(function: object = None, *, parameters: Mapping[str, Any] | None = None) -> Any:
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
    A parameter on which a call does not depend, such as a row of an embedding that was not picked, gets no gradient.

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
        self._layout = Layout(function, parameters)
        self._changes = 0
        self._shapes: OrderedDict[Any, Calls] = OrderedDict()
        self._last: CallProgram | BatchProgram | None = None
        self._known: Any = None  # shapes and dtypes of the latest batch
        self._at_once: BatchProgram | None = None  # of the latest batch, if the next can run without being looked at

    def __call__(self, *args: object, **kwargs: object) -> Value:
        """The function's result for these arguments."""
        if self.is_plain is not None or modes.is_detecting_anomalies():
            return self._as_it_is(*args, **kwargs)
        reason = self._notice_changes()
        if reason is not None:
            return self._goes_on(self._as_it_is(*args, **kwargs), reason)
        numbers: list[Any] = []
        values: list[Value] = []
        try:
            structure = [flattened(x, numbers, values) for x in args]
            if kwargs:
                structure += [(name, flattened(x, numbers, values)) for name, x in sorted(kwargs.items())]
            key = (tuple(structure), self._roles(values))
            shape = self._shape(key)
        except TypeError as error:
            return self._goes_on(self._as_it_is(*args, **kwargs), f"its arguments cannot be compared: {error}")
        t = np.array(numbers, np.float64)
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

    def _as_it_is(self, *args: object, **kwargs: object) -> Value:
        self._layout.numbers.show()
        return self.function(*args, **kwargs)

    def mean(self, *arrays: object) -> Value:
        """The mean over samples of a function of one sample, as one Value.

        arrays: one for each argument, samples along the first axis; all have as many (ValueError). The function
        gets of each sample a number, or nested lists of them; it is called for a few, and the rest is one
        program for all. `backward()` gives the gradients of the mean.
        """
        return self._over_samples("mean", arrays)

    def step(self, *arrays: object) -> float:
        """The mean over samples as a number, its gradients added to those of the parameters.

        It is what `mean(...)` and its `backward()` do, without a node between them. arrays: see `mean`. For a mean that
        is not finite no gradient is added. RuntimeError under `no_grad()`.
        """
        if modes.active and not modes.is_recording():
            raise RuntimeError("step: there are no gradients under no_grad(); use mean")
        batch = self._at_once
        if batch is not None and self._notice_changes() is None and not modes.active:
            data = batch.step(arrays)
            if data is not None:
                return data
        found = self._over_samples("step", arrays)
        if found.__class__ is not Value:
            return found
        if found.data - found.data == 0.0:
            found.backward()
        return found.data

    def all(self, *arrays: object) -> np.ndarray:
        """What the function gives for each sample, as an array (m,), without gradients. arrays: see `mean`."""
        return self._over_samples("all", arrays)

    def _over_samples(self, what: str, arrays: Sequence[Any]) -> Any:
        if looks_of(arrays) != self._known:  # the checks are those of the batch before
            arrays = [x if x.__class__ is np.ndarray and x.dtype.kind in "iu" else real_array(x, what) for x in arrays]
            sizes = {x.shape[:1] for x in arrays}
            if len(sizes) != 1 or () in sizes or (0,) in sizes:
                raise ValueError(
                    f"{what}: expected arrays with one sample or more along the first axis, as many in each; "
                    f"got shapes {', '.join(str(x.shape) for x in arrays) or 'none'}"
                )
            self._known = looks_of(arrays)
        samples = Samples(arrays)
        if self.is_plain is None and not (modes.active and modes.is_detecting_anomalies()):
            found = self._by_program(what, samples)
            if found is not None:
                return found
        if what == "all":
            with modes.no_grad():
                return np.array([self._as_it_is(*samples.one(i)).data for i in range(samples.m)])
        return sums.mean([self._as_it_is(*samples.one(i)) for i in range(samples.m)])

    def _by_program(self, what: str, samples: Samples) -> Any:
        """What a program gives for all samples; None if there is none, or none any more."""
        reason = self._notice_changes()
        if reason is not None:
            return self._goes_on(None, reason)
        m = samples.m
        shape = self._shape(samples.key)
        waiting: Iterator[int] | None = None
        while self.is_plain is None:
            odd = None
            if shape.programs:
                program = shape.programs[-1]
                is_due = program.calls + 1 == program.audit  # whose result counts only if the function agrees
                found = program.run_all("mean" if what == "step" and is_due else what, samples)
                if found.__class__ is not int:
                    self._last = batch = program.batch(m)
                    self._at_once = batch if batch.prepare(samples) else None
                    program.calls += 1
                    if is_due:
                        program.audit *= 4
                        self._audited(shape, program, found, samples.one(program.calls % m), {})
                    return None if self.is_plain is not None else found
                odd = found
                if odd == -2:
                    return self._goes_on(None, "its samples cannot be computed together")
            if waiting is None:
                waiting = iter(sorted({i * (m - 1) // (MOST - 1) for i in range(MOST)}))
            i = next(waiting, None) if odd is None or odd < 0 else odd
            if i is None or (odd is not None and odd < 0):
                return None
            with modes.recording():
                self._recorded(shape, samples.one(i), {})
        return None

    def _roles(self, values: Sequence[Value]) -> tuple[Any, ...]:
        """Which of the Values that were given are parameters, and which are the same."""
        if not values:
            return ()
        first: dict[Value, int] = {}
        return tuple(v if v in self._layout.known else first.setdefault(v, i) for i, v in enumerate(values))

    def _shape(self, key: Any) -> Calls:
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = Calls(self._layout)
            if len(self._shapes) > SHAPES:
                self._shapes.popitem(last=False)
        else:
            self._shapes.move_to_end(key)
        return shape

    def _goes_on(self, result: object, reason: str) -> Any:
        """Run as it is from now on."""
        self.is_plain = reason
        self._shapes.clear()
        self._last = self._at_once = None
        name = getattr(self.function, "__name__", "function")
        warnings.warn(f"vectorize({name}): it goes on as it is: {reason}", RuntimeWarning, stacklevel=4)
        return result

    def _notice_changes(self) -> str | None:
        """Forget all programs if a variable of the function is another number; the reason to give up if too often."""
        changed = self._layout.changed()
        if changed is None:
            return None
        self._layout.forget()
        self._shapes.clear()
        self._at_once = None
        self._changes += 1
        if self._changes > MOST:
            return f"its variable {changed} changes from call to call; make it an argument"
        return None

    def _recorded(self, shape: Calls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function, and make a program of this and earlier calls if they suffice."""
        self._at_once = None
        if not modes.is_recording():
            return self._as_it_is(*args, **kwargs)
        recording = None
        try:
            with without_collector():
                self._layout.numbers.show()
                recording = record(self.function, args, kwargs)
                self._look_for_leaves(recording)
                shape.add(recording)
        except NotRecordable as refusal:
            result = recording.loss if recording is not None else refusal.result
            return self._goes_on(result, refusal.reason)
        return recording.loss

    def _look_for_leaves(self, recording: Recording) -> None:
        """Find the parameters in a recording; new ones make all programs anew."""
        if self._layout.take(recording):
            for calls in self._shapes.values():
                calls.programs.clear()

    def _audited(self, shape: Calls, program: CallProgram, found: Value, args: Any, kwargs: Any) -> Any:
        """The result of the function itself, and whether the program gives the same."""
        self._at_once = None
        if not modes.is_recording():
            return found
        try:
            self._layout.numbers.show()
            recording = record(self.function, args, kwargs)
            self._look_for_leaves(recording)
        except NotRecordable as refusal:
            return self._goes_on(refusal.result, refusal.reason)
        if not program.agrees(recording):
            return self._goes_on(
                recording.loss, "its results depend on more than its arguments and parameters: a later call differs"
            )
        return recording.loss

    # ------------------------------------------------------------ for the curious

    @property
    def parameters(self) -> Parameters:
        """The leaves that the function uses, as far as it or its calls have shown them: `nn.Adam(f.parameters)`."""
        return Parameters(self.numbers)

    @property
    def numbers(self) -> Numbers:
        """The numbers of `parameters` as the vector in which programs look at them; another once there are more."""
        self._layout.begin()
        return self._layout.numbers

    @contextmanager
    def training(self) -> Iterator[None]:
        """Inside, steps of an optimizer of `parameters` go from array to array; see `Program.training`.

        with loss_of.training():
            for tokens in names:
                optimizer.zero_grad()
                loss_of(tokens).backward()
                optimizer.step()
        """
        with self.numbers.apart():
            yield

    def tensors(self) -> Tensor:
        """The computation of the latest call of a program as a graph of Tensors, see `Program.tensors`.

        RuntimeError if no program has run yet.
        """
        if self._last is None:
            raise RuntimeError(
                f"vectorize: no program has run yet; call the function {ENOUGH + 1} times"
                + ("" if self.is_plain is None else f". It runs as it is: {self.is_plain}")
            )
        return with_names(self._last.tensors())

    def text(self, *, form: Form = "rows") -> str:
        """The equations of the latest call of a program, see `Program.text`."""
        return equations(self.tensors(), form)

    def __repr__(self) -> str:
        return f"<vectorized {getattr(self.function, '__name__', 'function')}>"
