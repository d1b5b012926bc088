"""A computation on arrays, run once and written down as the NumPy calls it made, to be run again as these.

What its Python costs beside the NumPy calls, and the arrays it makes, are paid once: the program
writes into arrays that it keeps. The calls and their numbers are the same, so the results
are too, to the last bit. Where the computation looked at a number to decide something, the program
looks again, and gives up if the answer is another.

While it is written down a computation sees stand-ins for its arrays, and what a stand-in has no method for
ends the writing. What does not come from the arrays, such as a variable that changes, would be frozen: that
there is none is for the caller to know, see `surroundings`.
"""

from __future__ import annotations

import functools
import operator
import re
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import get_ident
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..ieee import quietly
from ..passes.tensors import backward
from .flat_parameters import aligned

__all__ = ["LARGEST", "UNFIT", "NotRecorded", "Recorded", "Recorder", "TooLarge", "called", "kept", "whole"]

# How many bytes of arrays a program may keep. Above that NumPy's own work is nearly all of the time.
LARGEST = 1 << 26
# How many times that the first run may take, which keeps what a program writes over.
MUCH = 8


class TooLarge(Exception):
    """The arrays of a program, or those that it takes to write it down, are too many bytes."""


def kept(x: Any) -> Any:
    """What a plain argument has in common with others of which a function cannot tell it: the class and the bits.

    Also of tuples. A leaf is like no other. TypeError for what may change, or may be more than can be seen of it.
    """
    cls = x.__class__
    if cls is tuple:
        return tuple(map(kept, x))
    if isinstance(x, np.generic) and not x.dtype.hasobject:
        return cls, x.dtype, x.tobytes()
    if isinstance(x, float):
        return cls, x.hex()  # which tells -0.0 from 0.0, and takes nan for nan
    if x is None or isinstance(x, int | str | bytes):
        return cls, x
    if getattr(cls, "_is_array", False) and x.op is None:
        return cls, id(x)
    raise TypeError(f"expected a number, a string, a leaf or a tuple of these, got {cls.__name__}")


def _is_like(x: Any, key: Any) -> bool:
    try:
        return bool(kept(x) == key)
    except TypeError:
        return False


def called(function: Callable[..., Any], *operands: Any) -> Any:
    """The result of a function, which is written down as a call if what it does cannot be."""
    symbols = [u for u in operands if type(u) is Recorded]
    if not symbols:
        return function(*operands)
    recorder = symbols[0].recorder
    lines = len(recorder.lines)
    if not any(id(u) in recorder.told for u in operands):
        try:
            return function(*operands)
        except TooLarge:
            raise
        except Exception:  # if it is the fault of the function, it comes again below
            del recorder.lines[lines:]
    return recorder.as_a_call(function, operands)


class Recorder:
    """The lines of a program, and what the names in it stand for.

    size   how many bytes its arrays take, once it is a program
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.scope: dict[str, Any] = {}
        self.inputs: list[str] = []
        self.fitting: list[str] = []
        self.effects: Any = None  # see there
        self.outside: set[int] = set()  # arrays that others look at, by what they lie in
        self.has_moved = False
        self._arrays: list[weakref.ref[Recorded]] = []  # that it is given
        self.size = 0
        self.told: set[int] = set()  # objects that calls were given, which may keep arrays of each run in them
        self.thread = get_ident()
        self._names: dict[int, str] = {}
        self._numbers: dict[int, Recorded] = {}
        self._held = 0  # bytes of arrays of the first run, all of which are kept until it is written down
        self._made: dict[int, np.ndarray] = {}  # what is written to in each run, by what it lies in
        self._inner: set[str] = set()  # names of arrays that nothing outside of the program looks at

    def lasting(self, array: np.ndarray) -> Recorded:
        """What stands for an array that stays where it is, though its numbers may change."""
        return Recorded(self, self.constant(array), array, True)

    def as_a_call(self, function: Callable[..., Any], operands: Sequence[Any]) -> Recorded:
        """The result of a function of arrays, which each run of the program calls."""
        result = function(*(_plain(u)[()] if type(u) is Recorded and u.is_number else _plain(u) for u in operands))
        self.told.update(id(u) for u in operands if hasattr(u, "__dict__") and type(u) is not Recorded)
        return self.value(f"{self.constant(function)}({', '.join(map(self._given, operands))})", result)

    def _given(self, u: Any) -> str:
        """An operand as a call is given it."""
        if type(u) is tuple and any(type(v) is Recorded for v in u):  # an index with places that change
            return f"({''.join(f'{self._given(v)}, ' for v in u)})"
        return u.written() if type(u) is Recorded else self.constant(u)

    def give(self, results: Sequence[Any], how: str = "yield", known: Mapping[int, str] = {}) -> None:
        """Let a run give these results, and wait until it is told to go on, or `return` for good.

        known: how results that belong to others are written, by their ids. What lies in the array of a leaf is given as
        it is, everything else as a copy of what this or the next run may write to.
        """
        given = []
        for r in results:
            name = r.written() if type(r) is Recorded else self.constant(r)
            is_kept = r.fixed and not r.is_number if type(r) is Recorded else isinstance(r, np.ndarray)
            if is_kept and not (type(r) is Recorded and whole(r.value) in self.outside):
                name += ".copy('K')"
            given.append(known.get(id(r), name))
        self.lines.append(f"{how} ({''.join(f'{name}, ' for name in given)})")

    def moved(self) -> None:
        """From here on a run does what cannot be taken back, and has to go on."""
        if not self.has_moved:
            self.has_moved = True
            self.lines.append(MOVED)

    def names(self) -> set[str]:
        """What stands in the lines."""
        return set(_NAME.findall("\n".join(self.lines)))

    def writes_to(self, array: np.ndarray) -> None:
        """An array is written to."""
        if whole(array) in self.outside:
            self.moved()

    def program(self, tests: Sequence[str] = ()) -> Callable[..., Any]:
        """The lines as a function, which gives results where it was told to, and ends where it gives up.

        It gives UNFIT, and does nothing, where arguments do not fit, where a test (see `conditions`) is not true, or
        while it runs already, for its arrays are those of one run at a time. Where a call refuses what it is given
        it gives up too, unless it has moved something: then that is an error. TooLarge if its arrays are.
        """
        lines = self.written_lines()
        self.size += _packed(lines, self.scope, self._made)
        if self.size > LARGEST:
            raise TooLarge
        end = lines.index(MOVED) if MOVED in lines else len(lines)
        lock, unfit = self.constant(threading.Lock()), self.constant(UNFIT)
        waits = any(line.startswith("yield") for line in lines)
        tests = [*self.fitting, "not more", *tests, f"{lock}.acquire(False)"]
        body = [
            f"if not ({' and '.join(tests)}):",
            *([f"    yield {unfit}", "    return"] if waits else [f"    return {unfit}"]),
            "try:",
            "    try:",
            *(f"        {line}" for line in lines[:end] or ["pass"]),
            "    except (IndexError, ValueError): return None",
            *(f"    {line}" for line in lines[end:]),
            f"finally: {lock}.release()",
        ]
        return self._function("program", [*(f"{x}={self.constant(_MISSING)}" for x in self.inputs), "*more"], body)

    def conditions(self, conditions: Iterable[tuple[Any, str, Any]]) -> list[str]:
        """Tests that things have these attributes."""
        return [f"{self.constant(thing)}.{name} is {self.constant(x)}" for thing, name, x in conditions]

    def written_lines(self) -> list[str]:
        """The lines that are left, without those that compute what is there already."""
        lines = _without_copies(self.lines, self.scope, self._made)
        inner = {name for name in self._inner if whole(self.scope[name]) in self._made}
        return _without_repetitions(lines, self.scope, inner)

    def condition(self, tests: Sequence[str]) -> Callable[[], bool]:
        """A function without arguments: True while all tests are."""
        return self._function("condition", [], [f"return {' and '.join([*tests, 'True'])}"])

    def _function(self, name: str, inputs: Sequence[str], lines: Sequence[str]) -> Callable[..., Any]:
        body = "\n    ".join(lines)
        scope = self.scope
        exec(compile(f"def {name}({', '.join(inputs)}):\n    {body}\n", "<recorded>", "exec"), scope)
        return scope.pop(name)  # else it would hold itself, and its arrays until the next garbage collection

    def input(self, x: Any, *, lasts: bool = False) -> Any:
        """What stands for an array that the program is given, which has to look the same each time.

        What is no array is itself, and has to stay it. lasts: the program is always given this very array.
        """
        name = f"x{len(self.inputs)}"
        self.inputs.append(name)
        if x.__class__ is not np.ndarray:
            fits, constant = f"{name} is {{}}", x
            if x.__class__ in (int, str, bytes) or (x.__class__ is float and x and x - x == 0.0):
                fits = f"{name}.__class__ is {x.__class__.__name__} and {name} == {{}}"
            elif x is not None and x.__class__ is not bool:
                fits, constant = f"{self.constant(_is_like)}({name}, {{}})", kept(x)
                self.constant(x)  # a leaf, which is like itself as long as it lives
            self.fitting.append(fits.format(self.constant(constant)))
            return x
        if lasts:
            return self.lasting(x)
        for other in [known() for known in self._arrays]:
            if other is None:
                continue
            # A function may ask whether it is given one array twice.
            self.fitting.append(f"{name} is {'' if other.value is x else 'not '}{other.name}")
            if other.value is x:
                return other
        kind, shape, strides, dtype = map(self.constant, (np.ndarray, x.shape, x.strides, x.dtype))
        self.fitting.append(
            f"{name}.__class__ is {kind} and {name}.shape == {shape} and {name}.strides == {strides} "
            f"and {name}.dtype is {dtype}"
        )
        symbol = Recorded(self, name, x, False)
        self._arrays.append(weakref.ref(symbol))
        return symbol

    def constant(self, thing: Any) -> str:
        """The name in the program of a thing that stays as it is, or of an array that stays where it is."""
        if type(thing) is Recorded:  # which is another in each run
            raise NotRecorded()
        name = self._names.get(id(thing))
        if name is None:
            name = self._names[id(thing)] = f"c{len(self.scope)}"
            self.scope[name] = thing  # keeps it alive, so that no other thing gets its id
        return name

    def once(self, u: Any) -> Any:
        """One number that is repeated along all axes as this number, with which arithmetic takes half the time."""
        array = u.value if type(u) is Recorded and u.fixed else u
        if type(array) is not np.ndarray or array.size < 2 or any(array.strides):
            return u
        first: Any = (*(0,) * array.ndim, ...)
        number = array[first]
        place = number.ctypes.data
        if place not in self._numbers:
            self._numbers[place] = Recorded(self, self.constant(number), number, True)
        return self._numbers[place]

    def call(self, function: str, arguments: Sequence[str], result: Any, out: Recorded | None = None) -> Recorded:
        """Write a call down that gave this result. It is to write into `out`, or else into the array it made."""
        if out is None:
            out = self.made(result)
        if out is not None:
            self.writes_to(out.value)
            named = "out=" if function in ("maximum", "minimum") else ""  # NumPy wants to be told for these two
            self.lines.append(f"{function}({', '.join([*arguments, named + out.name])})")
            return out
        return self.value(f"{function}({', '.join(arguments)})", result)

    def made(self, result: Any) -> Recorded | None:
        """Where a result is to be written: into the array that it is, or into one without axes for a single number."""
        if result.__class__ is np.ndarray:
            return self.buffer(result)
        return self.buffer(np.array(result), is_number=True) if isinstance(result, np.floating) else None

    def buffer(self, array: np.ndarray, *, is_number: bool = False) -> Recorded:
        """An array of the first run, to be written to in the others."""
        if array.base is None:
            self._made[id(array)] = array
            self._held += array.nbytes
            if self._held > MUCH * LARGEST:
                raise TooLarge
        name = self.constant(array)
        self._inner.add(name)
        return Recorded(self, name, array, True, is_number)

    def value(self, expression: str, result: Any) -> Recorded:
        """A number, or an array that is made anew in each run."""
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {expression}")
        return Recorded(self, name, result, False)

    def single(self, name: str, number: Any) -> Recorded:
        """A number that to the computation is an array without axes."""
        found = Recorded(self, name, np.asarray(number), False)
        found.is_single = True
        return found

    def view(self, array: Recorded, tail: str, result: np.ndarray) -> Recorded:
        """Another sight of an array: looked up once if the array stays where it is."""
        if array.fixed and np.may_share_memory(result, array.value):
            return Recorded(self, self.constant(result), result, True)
        return self.value(array.name + tail, result)

    def operand(self, u: Any, dtype: Any = None) -> str:
        """The name of what an operation takes; dtype: that of the arrays with which a plain number goes."""
        if type(u) is Recorded:
            return u.name
        if dtype is not None and dtype.kind == "f" and (u.__class__ in (int, float) or u.__class__ is dtype.type):
            u = np.array(u, dtype)  # as NumPy would at each call, in twice the time
        if not isinstance(u, int | float | np.generic | np.ndarray):
            raise NotRecorded()
        if isinstance(u, np.ndarray) and u.flags.writeable:
            u = u.copy()  # as it is now, whatever becomes of it
            self.size += u.nbytes
        return self.constant(u)

    def function(self, function: Any) -> str:
        """The name of a NumPy function."""
        if self.scope.setdefault(function.__name__, function) is not function:
            raise NotRecorded()
        return function.__name__


class NotRecorded(AttributeError, TypeError):
    """The computation did what a program cannot."""

    def __init__(self) -> None:
        super().__init__("this cannot be written down as NumPy calls")


def _plain(u: Any) -> Any:
    """The array or number of the first run; also in lists and the like."""
    if type(u) is Recorded:
        return u.value
    if isinstance(u, list | tuple):
        return type(u)(map(_plain, u))
    return {name: _plain(v) for name, v in u.items()} if isinstance(u, dict) else u


# NumPy's functions of arrays that depend on nothing else, and the shape of whose result depends on shapes only.
_OF_SHAPES = {
    *(np.where, np.concatenate, np.stack, np.vstack, np.hstack, np.broadcast_to, np.reshape, np.ravel, np.transpose),
    *(np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.flip, np.roll, np.pad, np.tile, np.take, np.diagonal),
    *(np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std, np.any, np.all, np.argmax, np.argmin, np.cumsum),
    *(np.dot, np.outer, np.tensordot, np.einsum, np.trace, np.tril, np.triu, np.linalg.norm, np.clip, np.sort),
    *(np.argsort, np.diff, np.take_along_axis, np.zeros_like, np.ones_like, np.full_like, np.nan_to_num, np.isclose),
    np.bincount,  # whose places, of plain integers, stay as they are
}

_MISSING, UNFIT = object(), object()
MOVED = "# what comes cannot be taken back"
_MAY_END = re.compile(rf"if |{MOVED}|t\d+ = c\d+\(")  # a decision, or a call of something that may refuse
_SPECIAL = {-1.0, 0.0, 0.5, 1.0, 2.0}  # powers for which NumPy's operator takes something else
_ARITHMETIC = {np.add, np.subtract, np.multiply, np.divide}


# What methods of arrays are.
_UFUNCS = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}


class Recorded:
    """An array or a number of the first run, and its name in the program.

    It has those methods and operators of an array that a program can write down. Code that asks for its
    class is told ndarray, so that it takes the way it takes with arrays.

    fixed: it is the same array in each run. is_number: to the computation it is a number, that of an array without
    axes. For other threads, which may come across one in a Tensor while it is
    written down, it is its array: what they compute is theirs.
    """

    __slots__ = ("__weakref__", "fixed", "is_number", "is_single", "name", "recorder", "value")

    def __init__(self, recorder: Recorder, name: str, value: Any, fixed: bool, is_number: bool = False) -> None:
        self.recorder, self.name, self.value, self.fixed, self.is_number = recorder, name, value, fixed, is_number
        self.is_single = False

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self.value.dtype.type if self.is_number else self.value.__class__

    def written(self) -> str:
        """What it is in a program, where it matters whether that is a number or an array."""
        if self.is_single:
            return f"{self.recorder.constant(np.asarray)}({self.name})"
        return f"{self.name}[()]" if self.is_number else self.name

    __hash__ = None  # type: ignore[assignment]
    __iter__ = None  # what is written down is not taken apart

    # ------------------------------------------------------------ what is the same in each run

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)
    itemsize = property(lambda self: self.value.itemsize)
    base = None

    @property
    def flags(self) -> Any:
        """Those of an array that nobody can write to: whoever does is written down."""
        flags = self.value.flags
        return SimpleNamespace(writeable=False, c_contiguous=flags.c_contiguous, f_contiguous=flags.f_contiguous)

    def __len__(self) -> int:
        return len(self.value)

    def __getattr__(self, name: str) -> Any:
        if get_ident() != self.recorder.thread:
            return getattr(self.value, name)
        raise NotRecorded()

    # ------------------------------------------------------------ what is another in each run

    def __bool__(self) -> bool:
        if self.recorder.has_moved:
            raise NotRecorded()
        answer = bool(self.value)
        self.recorder.lines.append(f"if {'not ' if answer else ''}{self.name}: return None")
        return answer

    def drawn(self, draw: Any, *arguments: Any) -> Recorded:
        """Random numbers, drawn anew in each run: see `autograd.operands.drawn`."""
        if self.recorder.effects is not None:
            self.recorder.effects.draw(draw.__self__)
        return self.recorder.as_a_call(draw, arguments)

    def item(self, *places: Any) -> Recorded:
        names = ", ".join(map(self.recorder.operand, places))
        return self.recorder.value(f"{self.name}.item({names})", self.value.item(*map(_plain, places)))

    # ------------------------------------------------------------ what is done to leaves, see `effects`

    def tobytes(self) -> None:
        """Nothing: the numbers of a leaf are lent to somebody, and only a run can know them."""
        self.recorder.effects.lend(self)

    def assign(self, given: Any) -> None:
        """Other numbers for a leaf."""
        self.recorder.effects.assign(self, given)

    def pull_back(self, root: Any, g: Any) -> None:
        """The reverse pass from a Tensor with these numbers."""
        self.recorder.effects.pull_back(root, g)

    def step(self, mover: object, step: Callable[[], object], parameters: Sequence[Any]) -> None:
        """An optimizer moves leaves, this among them."""
        self.recorder.effects.step(mover, step, parameters)

    # ------------------------------------------------------------ the same numbers

    @property
    def T(self) -> Any:
        if get_ident() != self.recorder.thread:
            return self.value.T
        return self.recorder.view(self, ".T", self.value.T)

    def written_as_array(self) -> Recorded:
        """A single number as an array."""
        if self.is_number:
            return Recorded(self.recorder, self.name, self.value, True)
        return self.recorder.single(self.name, self.value)

    def in_a_call(self, function: Callable[..., Any], operands: Sequence[Any]) -> Recorded:
        """What a function gives of this and others, see `autograd.operands.plainly`."""
        return self.recorder.as_a_call(function, operands)

    def zeros(self, shape: tuple[int, ...]) -> Recorded:
        """Zeros of this shape, to be written to, see `autograd.operands.zeros`."""
        found = self.recorder.buffer(np.zeros(shape, self.dtype))
        self.recorder.lines.append(f"{found.name}.fill(0)")
        return found

    def view(self) -> Recorded:
        return self.recorder.view(self, ".view()", self.value.view())

    def ravel(self) -> Recorded:
        return self.recorder.view(self, ".ravel()", self.value.ravel())

    def reshape(self, *sizes: Any) -> Recorded:
        shape = sizes[0] if len(sizes) == 1 else sizes
        if shape == self.shape and not self.is_number:
            return self
        return self.recorder.view(self, f".reshape({self.recorder.constant(shape)})", self.value.reshape(shape))

    def transpose(self, axes: Any = None) -> Recorded:
        return self.recorder.view(self, f".transpose({self.recorder.constant(axes)})", self.value.transpose(axes))

    def swapaxes(self, i: int, j: int) -> Recorded:
        return self.recorder.view(self, f".swapaxes({i}, {j})", self.value.swapaxes(i, j))

    def __getitem__(self, index: Any) -> Recorded:
        parts = index if isinstance(index, tuple) else (index,)
        if all(i is None or i is Ellipsis or i.__class__ in (slice, int) for i in parts):
            return self.recorder.view(self, f"[{self.recorder.constant(index)}]", self.value[index])
        return self.recorder.value(f"{self.name}[{self._places(parts)}]", self.value[tuple(map(_plain, parts))])

    def __setitem__(self, index: Any, u: Any) -> None:
        if not self.fixed:
            raise NotRecorded()
        parts = index if isinstance(index, tuple) else (index,)
        if all(i is Ellipsis or i.__class__ is slice for i in parts):
            part = self if index is Ellipsis else self[index]
            if not _are_one(part.value, _plain(u)):  # as after x[index] += y, which computes there
                part.receive(u)
            return
        self.recorder.writes_to(self.value)
        self.recorder.lines.append(f"{self.name}[{self._places(parts)}] = {self.recorder.operand(u)}")
        self.value[tuple(map(_plain, parts))] = _plain(u)

    def _places(self, parts: Sequence[Any]) -> str:
        """An index of several parts as it is written. A mask picks as many numbers as are true, which may change."""
        names = []
        for i in parts:
            if isinstance(i, np.ndarray | np.generic) and i.dtype.kind not in "iu":
                raise NotRecorded()
            names.append(self.recorder.operand(i) if isinstance(i, np.ndarray) else self.recorder.constant(i))
        return ", ".join(names) + ","

    def copy(self) -> Recorded:
        return self.recorder.buffer(np.empty(self.shape, self.dtype)).receive(self)

    def astype(self, dtype: Any, *, copy: bool = True) -> Recorded:
        if not copy and self.dtype == dtype:
            return self
        return self.recorder.buffer(np.empty_like(self.value, dtype)).receive(self)

    def receive(self, u: Any) -> Recorded:
        """Numbers written into this array."""
        given = np.asarray(_plain(u)).dtype
        how = () if np.can_cast(given, self.dtype, "same_kind") else ("unsafe",)  # floats made integers
        np.copyto(self.value, _plain(u), *how)
        self.recorder.writes_to(self.value)
        arguments = [self.name, self.recorder.operand(u), *map(repr, how)]
        self.recorder.lines.append(f"{self.recorder.function(np.copyto)}({', '.join(arguments)})")
        return self

    # ------------------------------------------------------------ arithmetic

    def dot(self, other: Any, out: Any = None) -> Recorded:
        if out is None:
            result = self.value.dot(_plain(other))
            if isinstance(result, np.floating):  # arithmetic on numbers takes a quarter of that in arrays without axes
                return self.recorder.value(f"{self.name}.dot({self.recorder.operand(other)})", result)
        else:
            result = self.value.dot(_plain(other), out.value)
        return self.recorder.call(f"{self.name}.dot", [self.recorder.operand(other)], result, out)

    def _reduced(self, method: str, axis: object = None, **options: Any) -> Recorded:
        result = getattr(self.value, method)(axis, **options)
        given = options if method not in _UFUNCS and axis is None else {"axis": axis, **options}
        arguments = [f"{name}={u!r}" for name, u in given.items()]
        out = self.recorder.made(result)
        if out is None:
            return self.recorder.value(f"{self.name}.{method}({', '.join(arguments)})", result)
        call = f"{self.name}.{method}("
        if method in _UFUNCS:  # which the method calls, by way of Python
            call = f"{self.recorder.function(_UFUNCS[method])}.reduce({self.name}, "
        self.recorder.lines.append(f"{call}{', '.join([*arguments, f'out={out.name}'])})")
        return out

    def __pow__(self, other: Any) -> Recorded:
        if self.value.ndim and other.__class__ is float and other not in _SPECIAL:
            return self.__array_ufunc__(np.power, "__call__", self, other)
        value = self.value[()] if self.is_number else self.value
        return self.recorder.value(f"{self.written()} ** {self.recorder.operand(other)}", value ** _plain(other))

    def __matmul__(self, other: object) -> Recorded:
        return self.__array_ufunc__(np.matmul, "__call__", self, other)

    def __neg__(self) -> Recorded:
        if not isinstance(self.value, np.ndarray):
            return self.recorder.value(f"-{self.name}", -self.value)
        return self.__array_ufunc__(np.negative, "__call__", self)

    def __abs__(self) -> Recorded:
        return self.__array_ufunc__(np.absolute, "__call__", self)

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, out: Any = None, **options: Any) -> Any:
        if any(hasattr(u.__class__, "_record") for u in operands):
            return NotImplemented
        out = out[0] if out is not None else None
        if method == "at":
            return self._added_at(ufunc, *operands)
        if method != "__call__" or options or ufunc.nout != 1 or not (out is None or type(out) is Recorded):
            raise NotRecorded()
        values = [_plain(u) for u in operands]
        types = {v.dtype for v in values if isinstance(v, np.ndarray)}
        dtype = types.pop() if len(types) == 1 else None
        result = ufunc(*values) if out is None else ufunc(*values, out=out.value)
        if ufunc in _ARITHMETIC and len({v.shape for v in values if isinstance(v, np.ndarray) and any(v.strides)}) == 1:
            operands = tuple([self.recorder.once(u) for u in operands])
        names = [self.recorder.operand(u, dtype) for u in operands]
        return self.recorder.call(self.recorder.function(ufunc), names, result, out)

    def _added_at(self, ufunc: Any, target: Any, index: Any, *operands: Any) -> None:
        """`np.add.at` and the like, into an array that stays where it is."""
        if not (type(target) is Recorded and target.fixed):
            raise NotRecorded()
        parts = index if isinstance(index, tuple) else (index,)
        self.recorder.writes_to(target.value)
        ufunc.at(target.value, tuple(map(_plain, parts)), *map(_plain, operands))
        names = [f"({self._places(parts)})", *map(self.recorder.operand, operands)]
        self.recorder.lines.append(f"{self.recorder.function(ufunc)}.at({target.name}, {', '.join(names)})")

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function is np.real and self.value.dtype.kind == "f":
            return self
        if function in (np.ndim, np.shape, np.size, np.result_type, np.may_share_memory):
            return function(*_plain(arguments), **options)
        if function not in _OF_SHAPES or "out" in options or (function is np.where and len(arguments) != 3):
            raise NotRecorded()
        result = function(*_plain(arguments), **_plain(options))
        written = [self._written(u) for u in arguments]
        written += [f"{name}={self._written(u)}" for name, u in options.items()]
        call = f"{self.recorder.function(function)}({', '.join(written)})"
        if function is np.broadcast_to and self.fixed:
            return Recorded(self.recorder, self.recorder.constant(result), result, True)
        return self.recorder.value(call, result)

    def _written(self, u: Any) -> str:
        """What a function is given, as it is written."""
        if type(u) is Recorded and not isinstance(u.value, np.ndarray | np.floating | float):
            raise NotRecorded()  # a size, or a place, that is another in each run
        if isinstance(u, list | tuple):
            return f"({''.join(f'{self._written(v)}, ' for v in u)})"
        if type(u) is Recorded:
            return u.written()
        return self.recorder.operand(u) if isinstance(u, np.ndarray) else self.recorder.constant(u)

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise NotRecorded()


def _without_repetitions(lines: Sequence[str], scope: dict[str, Any], made: set[str]) -> list[str]:
    """The lines without calls whose result is there already, such as the second of the two slopes of x * x.

    made: arrays that nothing but these lines looks at.
    """
    wholes = {name: whole(x) for name, x in scope.items() if x.__class__ is np.ndarray}
    sights = Counter(wholes.values())
    calls = [_call(line, scope) for line in lines]
    reads: dict[str, list[int]] = {}
    writes: dict[int, list[int]] = {}
    for i, (line, call) in enumerate(zip(lines, calls, strict=True)):
        found = _NAME.findall(line)
        out = None if call is None else call[1]
        for name in found[:-1] if out else found:
            reads.setdefault(name, []).append(i)
        for name in (out,) if out else found:  # what is no plain call may write to any of its arrays
            if name in wholes:
                writes.setdefault(wholes[name], []).append(i)
    changes: Counter[int] = Counter()
    known: dict[Any, tuple[str, int]] = {}
    kept: list[str] = []
    instead: dict[str, str] = {}
    for i, (line, call) in enumerate(zip(lines, calls, strict=True)):
        if instead:
            line = _NAME.sub(lambda m: instead.get(m[0], m[0]), line)
            call = _call(line, scope)
        if call is not None:
            text, out = call
            operands = _NAME.findall(text)
            key = text, *(changes[wholes[name]] for name in operands if name in wholes)
            other, since = known.get(key, ("", 0))
            is_free = out in made and sights[wholes[out]] == 1 and len(writes[wholes[out]]) == 1
            if other and is_free and scope[other].strides == scope[out].strides:
                last = reads.get(out, [i])[-1]
                later = [j for j in writes[wholes[other]] if since < j <= last]
                if not later or (later == [last] and _is_elementwise(lines[last], other, scope)):
                    instead[out] = other
                    continue
            changes[wholes[out]] += 1
            if out not in operands:
                known[key] = out, i
        else:
            changes.update({wholes[name] for name in _NAME.findall(line) if name in wholes})
        kept.append(line)
    return kept


def _call(line: str, scope: dict[str, Any]) -> tuple[str, str] | None:
    """What is called and with what, and the array it is written to; None for another line."""
    found = _OUT.match(line)
    if found is None or any(name[0] == "t" for name in _NAME.findall(line)):
        return None
    return found[1], found[2]


def _is_elementwise(line: str, out: str, scope: dict[str, Any]) -> bool:
    """True for a call that writes to this very array, number by number."""
    call = _call(line, scope)
    function = scope.get(line.partition("(")[0])
    return call is not None and call[1] == out and function.__class__ is np.ufunc and function is not np.matmul


def _without_copies(lines: Sequence[str], scope: dict[str, Any], made: dict[int, np.ndarray]) -> list[str]:
    """The lines with what is computed, copied and not looked at again computed where it is copied to.

    made: what is written to in each run, by what it lies in; without what lies elsewhere then.
    """
    names = [_NAME.findall(line) for line in lines]
    sights: dict[int, list[str]] = {}
    for name, x in scope.items():
        if x.__class__ is np.ndarray and (key := whole(x)) in made:
            sights.setdefault(key, []).append(name)
    where: dict[str, list[int]] = {}
    for i, found in enumerate(names):
        for name in found:
            where.setdefault(name, []).append(i)
    kept = list(lines)
    for i, (line, found) in enumerate(zip(lines, names, strict=True)):
        if not line.startswith("copyto(") or len(found) != 2:
            continue
        target, source = map(scope.get, found)
        if source.__class__ is not np.ndarray or whole(source) not in made or not _goes_into(source, target):
            continue
        block = made[whole(source)]
        own = sights[whole(source)]
        places = [j for name in own for j in where.get(name, ())]
        if source.nbytes != block.nbytes or max(places) > i or any(_MAKES.match(lines[j]) for j in places):
            continue  # a part of it, or looked at later
        between = range(min(places), i)
        if whole(target) not in made and any(_MAY_END.match(lines[j]) for j in between):
            continue  # others look at it, and see it change only if it does
        others = {name for j in between for name in names[j]}.difference(own)
        if any(np.may_share_memory(scope[name], target) for name in others if scope.get(name).__class__ is np.ndarray):
            continue
        start = block.ctypes.data
        for name in own:
            x = scope[name]
            scope[name] = np.ndarray(x.shape, x.dtype, target, x.ctypes.data - start, x.strides)
        del made[id(block)]
        kept[i] = ""
    return [line for line in kept if line]


def _packed(lines: Sequence[str], scope: dict[str, Any], made: dict[int, np.ndarray]) -> int:
    """Let what is made in a run lie where something lay that is not needed any more; how many bytes that takes.

    A step of many layers takes what its graph holds when it is largest, and finds more of it in the cache.
    """
    inside = {name: {whole(x)} & made.keys() for name, x in scope.items() if x.__class__ is np.ndarray}
    lives: dict[int, list[int]] = {}  # the first and the last line with an array, or with a part of it
    for i, line in enumerate(lines):
        names = _NAME.findall(line)
        found = set().union(*(inside.get(name, ()) for name in names))
        if names and line.startswith(f"{names[0]} = "):  # a part of what it is computed from, as far as we know
            inside[names[0]] = found
        for key in found:
            lives.setdefault(key, [i, i])[1] = len(lines) if line.startswith("yield") else i
    leaving = sorted(lives, key=lambda key: -lives[key][1])
    blocks: dict[int, np.ndarray] = {}
    free: dict[int, list[np.ndarray]] = {}
    total = 0
    for key, (first, _) in lives.items():  # in the order in which they are made
        while lives[leaving[-1]][1] < first:
            block = blocks[leaving.pop()]
            free.setdefault(block.nbytes, []).append(block)
        n = made[key].nbytes
        size = min((size for size, left in free.items() if left and n <= size <= 2 * n), default=None)
        blocks[key] = aligned(n, np.uint8) if size is None else free[size].pop()
        total += n if size is None else 0
    for name, x in scope.items():
        for key in inside.get(name, ()):
            if key in blocks and x.size:
                start = x.ctypes.data - made[key].ctypes.data
                scope[name] = np.ndarray(x.shape, x.dtype, blocks[key], start, x.strides)
    return total


_NAME, _MAKES = re.compile(r"\b[ctx]\d+\b"), re.compile(r"t\d+ = ")
# A call of a function, or of a product, that writes to its last argument.
_OUT = re.compile(r"((?!copyto|[\w.]*\.(?:at|fill|copy)\b)[\w.]+\(.*, (?:out=)?)(c\d+)\)$")


def whole(array: Any) -> int:
    """What two arrays have in common that may lie in one another."""
    while array.base.__class__ is np.ndarray:
        array = array.base
    return id(array)


def _are_one(x: np.ndarray, y: Any) -> bool:
    """True for the same numbers at the same place."""
    return y.__class__ is np.ndarray and x.__array_interface__ == y.__array_interface__


def _goes_into(source: Any, target: Any) -> bool:
    is_alike = source.shape == target.shape and source.dtype == target.dtype
    return is_alike and source.flags.c_contiguous and target.flags.c_contiguous


def _is_single(u: Any) -> bool:
    """True for a number that is an array without axes to the computation, and for such an array that stays as it is."""
    if type(u) is Recorded:
        return u.is_single
    return u.__class__ is np.ndarray and not u.ndim and not u.flags.writeable


def _operator(sign: str, ufunc: np.ufunc, on_numbers: Callable[..., object]) -> Any:
    """Two methods, one for a stand-in on the right: the ufunc where there is an array, Python's own on numbers."""

    def calculated(self: Recorded, *operands: Any) -> Any:
        if any(hasattr(u.__class__, "_record") for u in operands):
            return NotImplemented  # a node, which computes itself
        values = [_plain(u) for u in operands]
        if all(map(_is_single, operands)):
            each = [u.name if type(u) is Recorded else self.recorder.constant(u[()]) for u in operands]
            found = self.recorder.value(f" {sign} ".join(each), on_numbers(*(v[()] for v in values)))
            return self.recorder.single(found.name, found.value)
        if any(isinstance(v, np.ndarray) for v in values):
            return self.__array_ufunc__(ufunc, "__call__", *operands)
        names = [self.recorder.operand(u) for u in operands]
        return self.recorder.value(f" {sign} ".join(names), on_numbers(*values))

    return lambda self, other: calculated(self, self, other), lambda self, other: calculated(self, other, self)


def _for_others(name: str, method: Any) -> Any:
    """The method in the thread that writes down; in others that of the array."""

    @functools.wraps(method)
    def either(self: Recorded, *operands: Any, **options: Any) -> Any:
        if get_ident() == self.recorder.thread:
            return method(self, *operands, **options)
        array = object.__getattribute__(self, "value")
        if name == "__array_ufunc__":
            return getattr(operands[0], operands[1])(*_plain(operands[2:]), **_plain(options))
        if name == "__array_function__":
            return operands[0](*_plain(operands[2]), **_plain(operands[3]))
        if name in _APART:
            return _APART[name](array, *_plain(operands))
        return getattr(array, name)(*_plain(operands), **_plain(options))

    return either


# What an array has no method for, as other threads are given it.
_APART: dict[str, Callable[..., Any]] = {
    "assign": lambda array, given: np.copyto(array, given, "same_kind"),
    "pull_back": lambda array, root, g: backward(root, g),
    "step": lambda array, mover, step, parameters: quietly(step),
    "drawn": lambda array, draw, *arguments: draw(*arguments),
    "in_a_call": lambda array, function, operands: function(*operands),
    "written_as_array": np.asarray,
    "zeros": lambda array, shape: np.zeros(shape, array.dtype),
}


def _in_place(ufunc: np.ufunc) -> Callable[[Recorded, Any], Recorded]:
    def method(self: Recorded, other: object) -> Recorded:
        if not self.fixed:
            raise NotRecorded()
        return self.__array_ufunc__(ufunc, "__call__", self, other, out=(self,))

    return method


def _reduction(name: str) -> Callable[..., Recorded]:
    return lambda self, *operands, **options: self._reduced(name, *operands, **options)


for _name in ("sum", "max", "min", "mean", "prod", "argmax", "argmin", "any", "all"):
    setattr(Recorded, _name, _reduction(_name))

for _name, _sign, _ufunc in (
    ("add", "+", np.add),
    ("sub", "-", np.subtract),
    ("mul", "*", np.multiply),
    ("truediv", "/", np.divide),
    ("lt", "<", np.less),
    ("le", "<=", np.less_equal),
    ("gt", ">", np.greater),
    ("ge", ">=", np.greater_equal),
    ("eq", "==", np.equal),
    ("ne", "!=", np.not_equal),
    ("and", "&", np.bitwise_and),
    ("or", "|", np.bitwise_or),
):
    _left, _right = _operator(_sign, _ufunc, getattr(operator, f"__{_name}__"))
    setattr(Recorded, f"__{_name}__", _left)
    if _sign in "+-*/":
        setattr(Recorded, f"__r{_name}__", _right)
        setattr(Recorded, f"__i{_name}__", _in_place(_ufunc))

for _name, _method in list(vars(Recorded).items()):
    if callable(_method) and _name not in ("__init__", "__getattribute__", "__getattr__"):
        setattr(Recorded, _name, _for_others(_name, _method))
