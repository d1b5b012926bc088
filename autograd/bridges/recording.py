"""What is watched while a function of Values runs: what it is given, what it compares, what it takes from `.data`.

Numbers it is given are traced: constants of the graph tell from which of them they come. Comparisons are
noted with their lines, because what a program computes holds only as long as they come out the same.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..modes import is_watched, watch
from ..operands import Traced
from ..passes.gradients import gradients
from ..value import Value, assigned
from .reading import walked

__all__ = ["Comparison", "From", "NotRecordable", "Recording", "Taken", "find_fresh", "flattened", "record"]

_lock = threading.RLock()


class From(NamedTuple):
    """Where a number comes from: start + step · the input of this number."""

    place: int
    start: float
    step: float


class Taken:
    """Where a number comes from that is the `.data` of a Value, or was computed from it outside of the graph.

    line: where it was taken. value: the Value, if it is its number as it was.
    """

    __slots__ = ("line", "value")

    def __init__(self, line: tuple[str, int], value: Value | None = None) -> None:
        self.line, self.value = line, value


class Comparison(NamedTuple):
    """A comparison of two numbers while a function ran. left, right: From, Taken, a Value or a plain number."""

    line: tuple[str, int]
    sign: str
    left: Any
    right: Any
    outcome: bool


def _note(sign: str, left: object, right: object, outcome: bool) -> bool:
    noted = getattr(watch, "comparisons", None)
    if noted is not None:
        frame = sys._getframe(2)
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in ("autograd", "nn"):  # whose own checks belong to operations
            noted.append(Comparison((frame.f_code.co_filename, frame.f_lineno), sign, left, right, outcome))
    return outcome


def _line() -> tuple[str, int]:
    frame = sys._getframe(2)
    return frame.f_code.co_filename, frame.f_lineno


def _operand(x: Any) -> Any:
    if x.__class__ is Value:
        return x
    source = getattr(x, "source", None)
    if source is None:
        return float(x)
    return source.value if source.__class__ is Taken and source.value is not None else source


class _Given:
    """Arithmetic of a number that was given: what is still start + step · number knows it."""

    __slots__ = ()

    def _moved(self: Any, number: object, start: float, step: float) -> Any:
        source = self.source
        return _traced(number, From(source.place, start + step * source.start, step * source.step))


def _traced(number: Any, source: Any) -> Any:
    traced = (Given if number.__class__ is float else GivenInteger)(number)
    traced.source = source
    return traced


def _arithmetic(base: type) -> dict[str, Any]:
    """Methods of a float or an int: those that keep a number's source, and comparisons that are noted."""
    methods: dict[str, Any] = {}

    def keeping(name: str, moves: Callable[[float], tuple[float, float]] | None = None) -> None:
        plain = getattr(base, name)

        def method(self: Any, *others: Any) -> Any:
            found = plain(self, *others)
            if found is NotImplemented or found.__class__ not in (int, float):
                return found
            other = others[0] if others else 0
            sources = {self.source.__class__, getattr(other, "source", None).__class__}
            if Taken in sources:
                return _traced(float(found), Taken(_line()))
            if hasattr(other, "source") or moves is None:
                return found
            return self._moved(found, *moves(other))

        method.__name__ = name
        methods[name] = method

    keeping("__add__", lambda c: (c, 1))
    keeping("__radd__", lambda c: (c, 1))
    keeping("__sub__", lambda c: (-c, 1))
    keeping("__rsub__", lambda c: (c, -1))
    keeping("__mul__", lambda c: (0, c))
    keeping("__rmul__", lambda c: (0, c))
    keeping("__neg__", lambda c: (0, -1))
    if base is float:
        keeping("__truediv__", lambda c: (0, 1 / c))

        keeping("__rtruediv__")
    for name in ("__pow__", "__rpow__", "__abs__"):
        keeping(name)

    methods["__bool__"] = lambda self: _note("!=", _operand(self), 0.0, base(self) != 0)

    def comparing(name: str, sign: str) -> None:
        plain = getattr(base, name)

        def method(self: object, other: object) -> Any:
            outcome = plain(self, other)
            if outcome is NotImplemented:
                return outcome
            return _note(sign, _operand(self), _operand(other), outcome)

        method.__name__ = name
        methods[name] = method

    for name, sign in _SIGNS.items():
        comparing(name, sign)
    methods["__hash__"] = base.__hash__
    return methods


_SIGNS = {"__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">=", "__eq__": "==", "__ne__": "!="}


class Given(_Given, Traced):
    """A float that a function was given, or that it took from a Value."""

    __slots__ = ()


class GivenInteger(_Given, int):
    """The same for an integer."""

    source: Any


for _class, _base in ((Given, float), (GivenInteger, int)):
    for _name, _method in _arithmetic(_base).items():
        setattr(_class, _name, _method)


def _data_of(v: Value) -> Any:
    """`.data` while a function is watched."""
    if not is_watched():
        return v._data
    return _traced(float(v._data), Taken(_line(), v))


def _comparison_of(name: str, sign: str) -> Any:
    plain = getattr(Value, name)

    def method(self: Value, other: object) -> Any:
        outcome = plain(self, other)
        return outcome if outcome is NotImplemented else _note(sign, self, _operand(other), outcome)

    return method


@contextmanager
def _watched() -> Iterator[list[Comparison]]:
    """Note what is compared and taken from `.data` in this thread."""
    patches = {name: _comparison_of(name, _SIGNS[name]) for name in ("__lt__", "__le__", "__gt__", "__ge__")}
    with _lock:
        before = {name: vars(Value)[name] for name in (*patches, "data")}
        noted: list[Comparison] = []
        watch.comparisons = noted
        try:
            for name, method in patches.items():
                setattr(Value, name, method)
            setattr(Value, "data", property(_data_of, Value._assign, doc=before["data"].__doc__))  # noqa: B010
            yield noted
        finally:
            for name, method in before.items():
                setattr(Value, name, method)
            watch.comparisons = None


# ---------------------------------------------------------------- arguments


def flattened(x: Any, numbers: list[Any], values: list[Value]) -> Any:
    """The structure of an argument, as a key; the numbers and the Values in it are appended to the lists.

    TypeError for what cannot be told apart from call to call.
    """
    kind = x.__class__
    if kind is float or kind is int:
        numbers.append(x)
        return "f" if kind is float else "i"
    if kind is Value:
        values.append(x)
        return "v"
    if isinstance(x, bool | np.bool_ | str | bytes | None.__class__):
        return x.__class__, x
    if isinstance(x, float | int | np.floating | np.integer):
        numbers.append(x)
        return "i" if isinstance(x, int | np.integer) else "f"
    if isinstance(x, list | tuple):
        kinds = set(map(type, x))
        if kinds == {int} or kinds == {float}:
            numbers.extend(x)
            return kind.__name__, "i" if int in kinds else "f", len(x)
        return kind.__name__, *[flattened(u, numbers, values) for u in x]
    if isinstance(x, dict):
        return "dict", *[(k, flattened(u, numbers, values)) for k, u in x.items()]
    if isinstance(x, np.ndarray) and x.dtype.kind in "fiu":
        numbers.extend(x.ravel().tolist())
        return "array", x.shape, x.dtype.str
    if x.__class__.__hash__ is object.__hash__ or callable(x):
        return "object", x  # kept alive by the key, and the same only if it is this one
    hash(x)
    return x.__class__, x


def traced(x: object, numbers: Iterator[int]) -> Any:
    """An argument whose plain numbers know their places among those that `flattened` lists."""
    if isinstance(x, bool | np.bool_ | str | bytes | None.__class__) or x.__class__ is Value:
        return x
    if isinstance(x, float | np.floating):
        return _traced(float(x), From(next(numbers), 0.0, 1.0))
    if isinstance(x, int | np.integer):
        return _traced(int(x), From(next(numbers), 0, 1))
    if x.__class__ in (list, tuple):
        return x.__class__([traced(u, numbers) for u in x])
    if x.__class__ is dict:
        return {k: traced(u, numbers) for k, u in x.items()}
    if isinstance(x, np.ndarray) and x.dtype.kind in "fiu":
        for _ in range(x.size):
            next(numbers)
    return x


# ---------------------------------------------------------------- recordings


class Recording:
    """One call of a function: the graph, what it was given, and what it compared.

    loss         the result
    numbers      the plain numbers it was given
    values       the Values it was given
    fresh        leaves that the call made and nobody else holds: constants
    leaves       all other leaves
    comparisons  what was compared
    data         the numbers of the leaves then
    walk         its nodes in order and those that are terms, see `walked`; None where they are to be found again
    """

    def __init__(self, loss: Any, numbers: list[float], values: list[Value], comparisons: list[Comparison]) -> None:
        self.loss, self.numbers, self.values, self.comparisons = loss, numbers, values, comparisons
        self.fresh: set[Value] = set()
        self.leaves: list[Value] = []
        self.data: dict[Value, float] = {}
        self.walk: tuple[list[Value], set[Value]] | None = None

    def gradients(self) -> dict[Value, float]:
        """The gradients of all leaves and of what was given; `.grad` is as it was before."""
        sources = [*self.leaves, *self.values]
        before = [v.grad for v in sources]
        for v in sources:
            v.grad = 0.0
        stops = [v for v in self.values if v._op is not None]
        if stops:  # what lies below is not of interest
            found = dict(zip(sources, gradients(self.loss, sources), strict=True))
        else:
            self.loss.backward()
            found = {v: v.grad for v in sources}
        for v, g in zip(sources, before, strict=True):
            v.grad = g
        return found


def record(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Recording:
    """Call the function, watched. NotRecordable, with what it gave, if that cannot be made a program."""
    numbers: list[Any] = []
    values: list[Value] = []
    for x in (*args, *kwargs.values()):
        flattened(x, numbers, values)
    count = iter(range(len(numbers) + 1))
    given = [traced(x, count) for x in args]
    named = {name: traced(x, count) for name, x in kwargs.items()}
    when = assigned[0]
    with _watched() as comparisons:
        loss = function(*given, **named)
    if when is not assigned[0]:
        raise NotRecordable(loss, "it assigns .data while it runs")
    if loss.__class__ is not Value or loss._op is None:
        raise NotRecordable(loss, f"it returns {type(loss).__name__} and not a Value that was computed")
    return Recording(loss, [float(x) for x in numbers], values, comparisons)


class NotRecordable(Exception):
    """A function that goes on as it is. result: what its call gave."""

    def __init__(self, result: Any, reason: str) -> None:
        super().__init__(reason)
        self.result, self.reason = result, reason


def find_fresh(recording: Recording, known: Container[Value]) -> None:
    """Tell leaves that only this graph holds from those that others hold too. known: leaves that stay."""
    given = set(recording.values)
    order, terms = walked(recording.loss, given)
    unknown = [v for v in order if v._op is None and v not in known and v not in given]
    recording.leaves = [v for v in order if v._op is None and v in known and v not in given]
    if unknown:
        _sort_out(recording, order, unknown)
        while order[-1] is not recording.loss:
            order.pop()
    recording.walk = order, terms
    recording.data = {v: v._data for v in (*recording.leaves, *recording.values)}


def _sort_out(recording: Recording, order: list[Value], unknown: list[Value]) -> None:
    """Of leaves that nobody knows: a constant is what only this graph refers to."""
    probe = Value(0.0)  # to which nothing refers but what refers to all of them here
    order.append(probe)
    unknown.append(probe)
    held = _references(order, unknown)
    # Asked as below, for a reference by a name may count or not; less the one that it has by its name here.
    free = sys.getrefcount(unknown[-1]) - 1
    for i in range(len(unknown) - 1):
        if sys.getrefcount(unknown[i]) <= free + held[unknown[i]]:
            recording.fresh.add(unknown[i])
        else:
            recording.leaves.append(unknown[i])


def _references(order: list[Value], nodes: list[Value]) -> dict[Value, int]:
    """How often these nodes are referred to by the graph itself."""
    held = dict.fromkeys(nodes, 0)
    seen: dict[int, object] = {}
    for v in order:
        if v._op is None:
            continue
        x = v._x
        for us in (x.values, v._y) if x.__class__ not in (tuple, Value, None.__class__) else (x, v._y):
            if us.__class__ is Value:
                if us in held:
                    held[us] += 1
            elif isinstance(us, tuple):
                for part in us:
                    for u in part if part.__class__ is tuple and id(part) not in seen else ():
                        if u in held:
                            held[u] += 1
                    if part.__class__ is tuple:
                        seen[id(part)] = part
                    elif id(us) not in seen and part in held:
                        held[part] += 1
                seen[id(us)] = us
    return held
