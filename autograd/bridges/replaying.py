"""replayed: a function of arrays that computes a Tensor, written down as NumPy calls and run again as these."""

from __future__ import annotations

import functools
import threading
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import modes
from ..fast import roads
from ..fast.programs import REPEATED, SHAPES, Written, written_down
from ..fast.recorder import kept
from ..fast.surroundings import Surroundings, Unclear
from ..ieee import quietly
from ..op import Operation
from ..operands import describe, is_fixed
from ..passes.gradients import gradients
from ..passes.tensors import backward, check_unchanged
from ..tensor import Tensor, new, next_serial

__all__ = ["Replayed", "replayed"]

# How often what a function reads may change before it is left as it is.
MOST = 12


def replayed(function: Callable[..., Tensor]) -> Replayed:
    """A function of arrays that gives a Tensor, such as the loss of a training step written by hand, made fast.

    function: takes arrays, numbers and strings by position; computes with them, with Tensors that it finds
    around it, and with operators and the functions of `autograd`; also as a decorator::

        w = Tensor([[0.5, -0.3]])

        @replayed
        def loss_of(x, y):
            return squared_error(tanh(x @ w.T), y)

        x, y = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([[1.0], [0.0]])
        for step in range(100):
            w.grad = None
            loss_of(x, y).backward()
            w.data -= 0.1 * w.grad

    Its first calls with arrays of one shape record a graph as ever. Then the NumPy calls of the function and of the
    reverse pass are written down, compared with the graph bit by bit, and run again: the same numbers, without the
    price of recording. One result of a program is kept at a time: while it waits for its `backward()`, calls record.

    All that the function reads beside its arguments is found in its code and looked at before each run; where that
    changes, or numbers decide otherwise, it is recorded again. Where its code cannot be followed (random numbers,
    printing, attributes whose names are made up), it goes on as it is, and one warning says why. For derivations and
    pictures call `loss_of.function`, which records.
    """
    if not callable(function):
        raise TypeError(f"replayed: expected a function of arrays; got {describe(function)}")
    return Replayed(function)


class Replayed:
    """A function that runs as a program where it can; made by `replayed`.

    is_plain  the reason why it runs as it is from now on; None if it need not
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.is_plain: str | None = None if roads.are_open() else "programs are turned off"
        self._shapes: OrderedDict[Any, _Shape | int] = OrderedDict()  # or how often it was met
        self._latest: _Shape | None = None  # that came last, if it has a program
        self._changes = 0
        self._lock = threading.Lock()

    def __call__(self, *args: object, **kwargs: object) -> Tensor:
        """The function's result for these arguments."""
        if self.is_plain is not None or kwargs or modes.active or modes.traces:
            return self.function(*args, **kwargs)
        if not self._lock.acquire(blocking=False):  # in another thread
            return self.function(*args)
        try:
            # What somebody may write to before the gradients are asked for is copied, as a graph would.
            arrays = {id(a): a if is_fixed(a) else a.copy() for a in args if a.__class__ is np.ndarray}
            given = [arrays.get(id(a), a) for a in args]
            shape = self._latest
            if shape is None or not shape.written.fits(*given):
                shape = self._latest = self._found(args, given)
            z = None if shape is None else self._run(shape, args, given)
        finally:
            self._lock.release()
        return self.function(*args) if z is None else z

    def _run(self, shape: _Shape, args: Sequence[object], given: Sequence[object]) -> Tensor | None:
        """What the program gives; None if the function is to be asked."""
        written, latest = shape.written, shape.run()
        if latest is not None:
            if not latest.is_done:
                return None
            latest.is_over = True
        if not written.is_current():
            self._changes += 1
            self._latest, self._shapes[shape.key] = None, 0
            if self._changes == MOST:
                self._go_on("what it reads beside its arguments changes from call to call; pass it in")
            return None
        if not shape.is_trusted:  # compared once more, for numbers of the first run that stayed in it
            shape.seed[...] = 1.0
            with _gradients_kept(written.reached):
                answer = written.gives(self._by_graph(shape, args), written.reached, given, ())
            shape.is_trusted = bool(answer)
            if answer is False:
                self._go_on("its program gives other numbers than the function itself")
            if not answer:
                return None
        run = _Run(self, shape, given)
        found = run.start()
        if found is None:
            return None
        shape.run = weakref.ref(run)
        z = new(Tensor)
        z._data, z._label, z._grad, z._seen, z._buffer = found, None, None, None, None
        for t in written.reached:
            if t._seen is not None:
                t._stamp()
        z._serial = next_serial()
        z._op, z._operands = shape.operation, (*written.reached, run)
        return z

    def _found(self, args: Sequence[object], given: Sequence[object]) -> _Shape | None:
        """What there is for arguments of this shape, if there is a program for them."""
        try:
            ids = list(map(id, given))  # a function may ask whether it is given an array twice
            key = tuple(
                [
                    (a.shape, a.dtype, a.strides, ids.index(id(a))) if a.__class__ is np.ndarray else kept(a)
                    for a in given
                ]
            )
        except TypeError:
            return None
        found = self._shapes.get(key, 0)
        if isinstance(found, _Shape):
            return found
        self._shapes[key] = found + 1
        if len(self._shapes) > SHAPES:
            self._shapes.popitem(last=False)
        shape = self._written_down(key, args, given) if found + 1 == REPEATED else None
        if shape is not None:
            self._shapes[key] = shape
        return shape

    def _written_down(self, key: object, args: Sequence[object], given: Sequence[object]) -> _Shape | None:
        """A program of the function for arguments of this shape, if there is one."""
        try:
            surroundings = Surroundings([self.function, *(a for a in args if a.__class__ in (Tensor, tuple))])
        except Unclear as error:
            self._go_on(str(error))
            return None
        if surroundings.generators:
            self._go_on("it draws random numbers; draw them outside and pass them in")
            return None
        z = self.function(*args)
        if z.__class__ is not Tensor or z.op is None:
            self._go_on(f"expected a Tensor that it computes, got {describe(z)}")
            return None
        shape = _Shape(key, np.ones(z.shape, z.dtype), list(surroundings.tensors))
        by_graph = functools.partial(self._by_graph, shape)
        with _gradients_kept(shape.leaves):
            _, written = written_down(self._results, given, shape.leaves, surroundings, by_graph, shape.seed)
        if written is None:
            self._go_on(
                "what it does cannot be written down as NumPy calls that give the same numbers, changes what it reads, "
                "or takes arrays of many megabytes, beside which recording costs next to nothing"
            )
            return None
        shape.written, shape.operation = written, _operation(len(written.reached))
        return shape

    def _results(self, *args: object) -> tuple[Tensor]:
        return (self.function(*args),)

    def _by_graph(self, shape: _Shape, args: Sequence[object]) -> list[np.ndarray]:
        z = self.function(*args)
        for t in shape.leaves:
            t._grad = None
        quietly(backward, z, shape.seed)
        return [z._data]

    def _go_on(self, reason: str) -> None:
        """Run as it is from now on."""
        self.is_plain = reason
        self._shapes.clear()
        self._latest = None
        name = getattr(self.function, "__name__", "function")
        warnings.warn(f"replayed({name}): it goes on as it is: {reason}", RuntimeWarning, stacklevel=5)

    def __repr__(self) -> str:
        return f"<replayed {getattr(self.function, '__name__', 'function')}>"


class _Shape:
    """Arguments of one shape, and the program for them.

    seed: where the program looks for the gradient of its result. leaves: all Tensors that the function reads.
    run: gives the latest run whose result somebody holds, or None.
    """

    written: Written
    operation: Operation

    def __init__(self, key: object, seed: np.ndarray, leaves: list[Tensor]) -> None:
        self.key, self.seed, self.leaves = key, seed, leaves
        self.is_trusted = False
        self.run: Callable[[], _Run | None] = lambda: None


class _Run:
    """One run of a program: forward, and when the gradients are asked for back.

    is_done: they have been asked for. is_over: the program has run again since.
    """

    __slots__ = ("__weakref__", "_given", "_passes", "_replayed", "_shape", "is_done", "is_over")

    def __init__(self, replayed: Replayed, shape: _Shape, given: Sequence[object]) -> None:
        self._replayed, self._shape, self._given = replayed, shape, given
        self.is_done = self.is_over = False
        self._passes: Iterator[Any] | None = None

    def start(self) -> np.ndarray | None:
        """The result; None if the program gives up."""
        self._passes = self._shape.written.passes(*self._given)
        try:
            found = quietly(next, self._passes, None)
        except (IndexError, ValueError):  # which the function will raise itself
            return None
        return None if found is None else found[0]

    def deliver(self, z: Tensor, g: np.ndarray) -> None:
        """Add the gradients of all leaves, if g is that of the result z."""
        serial, leaves = z._serial, self._shape.written.reached
        for t in leaves:
            if t._serial > serial or t._seen is not None:
                check_unchanged(t, z)
        self._into_buffers(g, leaves)
        for t in leaves:
            t._grad = t._buffer if t._grad is None else t._grad + t._buffer

    def gradient(self, i: int, g: Any) -> Any:
        """That of the i-th leaf, if g is that of the result."""
        leaves = self._shape.written.reached
        if not isinstance(g, np.ndarray | np.generic):
            return self._of_nodes(g, leaves[i])
        self._into_buffers(g, leaves)
        return leaves[i]._buffer.copy()  # type: ignore[union-attr]

    def _into_buffers(self, g: Any, leaves: Sequence[Tensor]) -> None:
        """Compute all gradients into the buffers of the leaves."""
        if self.is_over:
            raise RuntimeError(
                f"backward() of a result of {self._replayed!r} after it has run again; call backward() before the next "
                "call, or keep results of .function, which records"
            )
        for t in leaves:
            if t._grad is not None and t._grad is t._buffer:
                t._grad = t._grad.copy()
        self._shape.seed[...] = g
        if self._passes is None and self.start() is None:
            self._by_graph(g, leaves)
        else:
            passes, self._passes = self._passes, None
            if quietly(next, passes, None) is None:
                self._by_graph(g, leaves)
        self.is_done = True

    def _by_graph(self, g: np.ndarray, leaves: Sequence[Tensor]) -> None:
        with _gradients_kept(leaves):
            for t in leaves:
                t._grad = None
            quietly(backward, self._replayed.function(*self._given), g)
            for t in leaves:
                if t._grad is not t._buffer:
                    np.copyto(t._buffer, 0.0 if t._grad is None else t._grad)  # type: ignore[arg-type]

    def _of_nodes(self, g: object, leaf: Tensor) -> Any:
        """The same as a node, for second derivatives: of the function, recorded again."""
        if g.__class__ is not Tensor or self.is_over:
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


class _gradients_kept:
    """Afterwards leaves have the gradients that they had before."""

    def __init__(self, leaves: Sequence[Tensor]) -> None:
        self.leaves = leaves

    def __enter__(self) -> None:
        self._kept = [t._grad if t._grad is not t._buffer or t._grad is None else t._grad.copy() for t in self.leaves]

    def __exit__(self, *raised: object) -> None:
        for t, g in zip(self.leaves, self._kept, strict=True):
            t._grad = g
