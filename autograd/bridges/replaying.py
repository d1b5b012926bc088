"""replayed: a training step written by hand, or its loss, written down as NumPy calls and run again as these."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

import numpy as np

from .. import modes
from ..fast.programs import Programs, Shape, Written, arrays_of
from ..fast.recorder import UNFIT
from ..fast.surroundings import Unclear
from ..ieee import quietly
from ..op import Operation
from ..operands import describe, is_fixed
from ..passes.gradients import gradients
from ..passes.tensors import backward, check_unchanged
from ..tensor import Tensor, leaf, new, next_serial

__all__ = ["Replayed", "replayed"]

# How often what a function reads may change before it is left as it is.
MOST = 12


def replayed(function: Callable[..., Any]) -> Replayed:
    """A training step written by hand, or a function that computes its loss, made fast.

    function: takes arrays, numbers and strings by position; computes with them, with Tensors and optimizers that it
    finds around it, and with operators and the functions of `autograd`; also as a decorator::

        w = Tensor([[0.5, -0.3]])
        optimizer = Adam([w], 0.1)

        @replayed
        def step(x, y):
            loss = squared_error(tanh(x @ w.T), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        x, y = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([[1.0], [0.0]])
        for epoch in range(100):
            loss = step(x, y)

    Its first calls with arrays of one shape run as ever. Then the NumPy calls that it makes are written down, with
    those of the reverse pass; what they do to gradients, weights and optimizers is compared with the function bit by
    bit, and they are run again: the same numbers, without the price of recording. Without an optimizer write
    `w.grad = None` and `w.data -= 0.1 * w.grad`. Gradients add up where nothing clears them, as ever.

    A step gives Tensors, arrays, numbers, or a tuple of these; its `backward()` is over. A function without
    `backward()` gives one Tensor, such as the loss, whose `backward()` may follow. While a result waits for it, calls
    record.

    All that the function reads beside its arguments is found in its code and looked at before each run; where that
    changes, or numbers decide otherwise, it is run as it is. Where its code cannot be followed (printing, assignments
    to variables outside, attributes whose names are made up), it goes on as it is, and one warning says why. For
    derivations and pictures call `step.function`, which records.
    """
    if not callable(function):
        raise TypeError(f"replayed: expected a function of arrays; got {describe(function)}")
    return Replayed(function)


class Replayed(Programs):
    """A function that runs as a program where it can; made by `replayed`.

    is_plain  the reason why it runs as it is from now on; None if it need not
    """

    waits = True
    _reads = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__([function], trains=True)
        functools.update_wrapper(self, function)
        self.function = function
        self.is_plain: str | None = None if self._are_open else "programs are turned off"
        self._changes = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result for these arguments."""
        if self.is_plain is not None or kwargs or modes.active or modes.traces:
            return self.function(*args, **kwargs)
        for a in args:
            if a.__class__ is np.ndarray and not a.flags.c_contiguous:
                args = _copied(args, lambda a: a.flags.c_contiguous or is_fixed(a))
                break
        return self.run(self.function, *args)[0]

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result in a tuple, for it may be None."""
        written = self._trusted
        found = UNFIT if written is None else self._started(written, arguments)
        if found is not UNFIT and found is not None:
            return found
        return self._slowly(function, arguments, gave_up=found is None)

    @staticmethod
    def arrays(results: Any) -> list[Any]:
        return [*arrays_of(results), *(r._grad for r in _with_gradients(results))]

    def shown(self, results: Any) -> tuple[Any]:
        return (results,)

    def _started(self, written: Written, arguments: Sequence[Any]) -> Any:
        if written.seed is None:
            found = quietly(written.program, *arguments)
            return found if found is None or found is UNFIT else (written.how(found),)
        # What somebody may write to before the gradients are asked for is copied, as a graph would.
        run = _Run(self, written, _copied(arguments, is_fixed))
        found = run.start()
        if found is None or found is UNFIT:
            return found
        for t in written.reached:
            if t._seen is not None:
                t._stamp()
        return (run.result(found[0], next_serial(), written.how),)

    def roots(self, arguments: Sequence[Any]) -> list[Any]:
        return [self.function, *(a for a in arguments if a.__class__ in (Tensor, tuple))]

    def accept(self, results: Any, written: Written) -> None:
        if written.seed is not None:
            written.how = results._label
            return
        over = _Run(self, written, ())
        is_tuple = results.__class__ is tuple
        several = results if is_tuple else (results,)
        makers, graded = [_maker(r, over) for r in several], _with_gradients(results)
        places = [next(i for i, r in enumerate(several) if r is z) for z in graded]

        def made(found: Sequence[Any]) -> Any:
            given = [make(x) for make, x in zip(makers, found, strict=False)]
            for i, g in zip(places, found[len(makers) :], strict=True):
                given[i]._grad = g
            return tuple(given) if is_tuple else given[0]

        written.how = made
        if not (is_tuple or graded):  # the commonest, and half a microsecond less
            (make,) = makers
            written.how = lambda found: make(found[0])

    def refuse(self, reason: str) -> None:
        """Run as it is from now on."""
        self.is_plain = reason
        self._shapes.clear()
        self._trusted = None
        name = getattr(self.function, "__name__", "function")
        warnings.warn(f"replayed({name}): it goes on as it is: {reason}", RuntimeWarning, stacklevel=6)

    def forget(self, shape: Shape) -> None:
        super().forget(shape)
        self._changes += 1
        if self._changes == MOST:
            self.refuse("what it reads beside its arguments changes from call to call; pass it in")

    def __reduce__(self) -> tuple[Any, ...]:
        return Replayed, (self.function,)

    def __repr__(self) -> str:
        return f"<replayed {getattr(self.function, '__name__', 'function')}>"


def _copied(arguments: Sequence[Any], is_right: Callable[[np.ndarray], bool]) -> tuple[Any, ...]:
    """The arguments with arrays copied that are not right; what is given twice stays one."""
    arrays = {id(a): a if is_right(a) else a.copy() for a in arguments if a.__class__ is np.ndarray}
    return tuple([arrays.get(id(a), a) for a in arguments])


def _with_gradients(results: Any) -> list[Tensor]:
    """Results on the way of a reverse pass that have a name, of which it keeps the gradients."""
    several = results if results.__class__ in (tuple, list) else (results,)
    return [r for r in several if r.__class__ is Tensor and r._op is not None and r._grad is not None]


def _maker(r: Any, over: _Run) -> Callable[[Any], Any]:
    """What makes of a number or an array of a program what the function gives in its place, such as r."""
    if r.__class__ is Tensor:
        if r._op is not None:
            label = r._label
            return lambda x: over.result(x, 0, label)  # older than what it was computed from: there is no way back
        known = [t for t in over.read if t is r]
        if not known and r._grad is not None:
            raise Unclear("it gives a Tensor that it makes, with its gradient; return the gradient")
        return (lambda x: known[0]) if known else leaf
    if r is None or isinstance(r, bool | int | float | str | np.generic | np.ndarray):
        return lambda x: x
    raise Unclear(f"expected Tensors, arrays or numbers as its results, or a tuple of them, got {describe(r)}")


class _Run:
    """One run of a program: forward, and when the gradients are asked for back. Until then no other begins."""

    __slots__ = ("_given", "_passes", "_replayed", "_written")

    def __init__(self, replayed: Replayed, written: Written, given: Sequence[object]) -> None:
        self._replayed, self._written, self._given = replayed, written, given
        self._passes: Generator[Any] | None = None

    @property
    def read(self) -> Iterable[Tensor]:
        """The leaves that the function reads."""
        return self._written.leaves

    def start(self) -> Any:
        """The results; None if the program gives up, UNFIT if another run is on its way."""
        passes = self._written.program(*self._given)
        found = quietly(next, passes, None)
        self._passes = None if found is None or found is UNFIT else passes
        return found

    def result(self, array: np.ndarray, serial: int, label: str | None) -> Tensor:
        """A Tensor of these numbers, from which a way leads back through the program."""
        z = new(Tensor)
        z._label = label
        z._data, z._grad, z._seen, z._buffer = array, None, None, None
        z._serial, leaves = serial, self._written.reached
        z._op, z._operands = _operation(len(leaves)), (*leaves, self)
        return z

    def deliver(self, z: Tensor, g: np.ndarray) -> None:
        """Add the gradients of all leaves, if g is that of the result z."""
        serial, leaves = z._serial, self._written.reached
        self._check()
        for t in leaves:
            if t._serial > serial or t._seen is not None:
                check_unchanged(t, z)
        self._into_buffers(g, leaves)
        for t in leaves:
            t._grad = t._buffer if t._grad is None else t._grad + t._buffer

    def gradient(self, i: int, g: Any) -> Any:
        """That of the i-th leaf, if g is that of the result."""
        self._check()
        leaves = self._written.reached
        if not isinstance(g, np.ndarray | np.generic):
            return self._of_nodes(g, leaves[i])
        self._into_buffers(g, leaves)
        return leaves[i]._buffer.copy()  # type: ignore[union-attr]

    def _check(self) -> None:
        if self._written.seed is None:
            raise RuntimeError(
                f"backward() of a result of {self._replayed!r}, which goes back itself: that is over; results of "
                ".function, which records, know the way back"
            )

    def _into_buffers(self, g: Any, leaves: Sequence[Tensor]) -> None:
        """Compute all gradients into the buffers of the leaves."""
        for t in leaves:
            if t._grad is not None and t._grad is t._buffer:
                t._grad = t._grad.copy()
        if self._passes is None:
            self.start()
        passes, self._passes = self._passes, None
        if passes is not None:
            self._written.seed[...] = g  # type: ignore[index]
            is_done = quietly(next, passes, None) is not None
            passes.close()
            if is_done:
                return
        self._by_graph(g, leaves)

    def _by_graph(self, g: np.ndarray, leaves: Sequence[Tensor]) -> None:
        kept = [(t, t._grad) for t in leaves]
        for t in leaves:
            t._grad = None
        quietly(backward, self._replayed.function(*self._given), g)
        for t, before in kept:
            if t._grad is not t._buffer:
                np.copyto(t._buffer, 0.0 if t._grad is None else t._grad)  # type: ignore[arg-type]
            t._grad = before

    def _of_nodes(self, g: object, leaf: Tensor) -> Any:
        """The same as a node, for second derivatives: of the function, recorded again."""
        if g.__class__ is not Tensor:
            raise TypeError(
                f"{self._replayed!r}: its results are numbers of a program; derive and draw those of .function"
            )
        return gradients(self._replayed.function(*self._given), leaf, create_graph=True, seed=None) * g


class _Operation(Operation):
    """The operation of a result of a program."""

    def __reduce__(self) -> Any:
        raise TypeError("a result of a replayed function belongs to its program; copy one of .function")


@functools.cache
def _operation(leaves: int) -> Operation:
    def pull(i: int) -> Callable[..., Any]:
        def pulled(g: Any, z: object, *data: Any) -> Any:
            return data[leaves].gradient(i, g)

        return pulled

    def replay(*operands: object) -> Any:
        raise TypeError("a result of a replayed function is computed by its program")

    op = _Operation(replay, pulls=(*map(pull, range(leaves)), None))
    op.delivers = _deliver
    return op


def _deliver(z: Tensor, g: np.ndarray) -> None:
    z._operands[-1].deliver(z, g)
