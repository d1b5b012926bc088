"""What a function computes with besides its arguments, and whether it is still what it was.

A program makes the calls that a function made once. It makes the right ones only as long as everything else that
the function reads stays as it was: variables, attributes, lists, arrays. `Surroundings` finds all of that by reading
the code, and says so where it cannot, rather than guess.
"""

from __future__ import annotations

import builtins
import dis
import functools
import inspect
import numbers
import operator
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from ..op import Operation
from ..tensor import Tensor
from ..value import Value

__all__ = ["Surroundings", "Unclear"]


class Unclear(Exception):
    """It is not known all that a function computes with; why."""


# Nothing that can change, and nothing that gives another answer the next time.
_FIXED = numbers.Number, str, bytes, range, slice, type(None), type(...), np.dtype, np.ufunc, inspect.Signature
_PURE = {"_functools", "_operator", "builtins", "functools", "itertools", "math", "operator", "types", "typing"}
_OURS = "autograd", "nn"
_METHODS = types.FunctionType, property, classmethod, staticmethod, functools.partialmethod
_MISSING = object()
# What is refused, by its identity, whatever it is called: what asks for names made up on the way, input and output.
_REFUSED = {
    **{
        id(getattr(builtins, name)): f"it calls {name}"
        for name in (
            *("__import__", "breakpoint", "compile", "delattr", "dir", "eval", "exec", "getattr", "globals", "hasattr"),
            *("hash", "id", "input", "locals", "memoryview", "open", "print", "setattr", "vars"),
        )
    },
    **{id(f): f"it calls operator.{f.__name__}" for f in (operator.attrgetter, operator.methodcaller)},
    **dict.fromkeys(
        {
            *map(id, (np.load, np.loadtxt, np.genfromtxt, np.fromfile, np.fromregex, np.memmap)),
            *map(id, (np.save, np.savez, np.savez_compressed, np.savetxt, np.lib.format.open_memmap)),
        },
        "it reads or writes files; read them outside and pass in what they hold",
    ),
}
# Methods that do the same.
_ASKING = {"__dir__", "__getattribute__", "__getstate__", "__reduce__", "__reduce_ex__", "format", "format_map"}
# How instructions begin that compute with what is on the stack and in a function's own variables. Others name what they
# reach for, and are read; what is neither, as a new Python may have it, is refused.
_OWN = (
    *("ASYNC_", "BEFORE_", "BINARY_", "BUILD_", "CACHE", "CALL", "CHECK_", "CLEANUP_", "COMPARE_", "CONTAINS_"),
    *("CONVERT_", "COPY", "DELETE_DEREF", "DELETE_FAST", "DELETE_SUBSCR", "DICT_", "END_", "EXIT_INIT", "EXTENDED_ARG"),
    *("FORMAT_", "FOR_ITER", "GET_", "IS_OP", "JUMP_", "KW_NAMES", "LIST_", "LOAD_ASSERTION_ERROR", "LOAD_BUILD_CLASS"),
    *("LOAD_CLASSDEREF", "LOAD_CLOSURE", "LOAD_COMMON_CONSTANT", "LOAD_CONST", "LOAD_DEREF", "LOAD_FAST"),
    *("LOAD_FROM_DICT_OR_DEREF", "LOAD_LOCALS", "LOAD_SMALL_INT", "LOAD_SPECIAL", "MAKE_", "MAP_ADD", "MATCH_KEYS"),
    *("MATCH_MAPPING", "MATCH_SEQUENCE", "NOP", "NOT_TAKEN", "POP_", "PRECALL", "PREP_RERAISE", "PUSH_", "RAISE_"),
    *("RERAISE", "RESUME", "RETURN_", "SEND", "SETUP_", "SET_", "STORE_DEREF", "STORE_FAST", "STORE_SLICE"),
    *("STORE_SUBSCR", "SWAP", "TO_BOOL", "UNARY_", "UNPACK_", "WITH_EXCEPT_", "YIELD_"),
)
_GLOBALS = "LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"
_ATTRIBUTES = "LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"
FEW = 16  # members of a list that are looked at one by one
_RANDOM = "it draws random numbers; draw them outside and pass them in"


class Surroundings:
    """What functions and objects read besides arguments, as it is now.

    roots: functions, modules and layers of one's own or of this library, and what else they may be. Code of this
    library is known to compute from what it holds and is given; other code is read, with all that it calls.
    Unclear, with the reason, where that cannot be followed: random numbers, input and output, attributes found by
    names made up on the way, objects of other libraries.
    only_computes: the functions change nothing, and others may change meanwhile what they read.

    tensors       all Tensors among it
    generators    of random numbers that objects of this library draw from, see `autograd.operands.drawn`
    movers        optimizers
    looks         the name of a function that reads a gradient, None if none does
    are_the_same  a function: True if everything is what it was
    """

    def __init__(self, roots: Iterable[Any], *, only_computes: bool = False) -> None:
        self.only_computes = only_computes
        self.tensors: dict[Tensor, None] = {}
        self.generators: dict[np.random.Generator, None] = {}
        self.movers: list[Any] = []
        self.looks: str | None = None
        # What is to stay as it is, by what it is about: an expression, and the things that stand in it.
        self._tests: dict[Any, tuple[str, tuple[Any, ...]]] = {}
        # Of objects that replace a token when one of them changes: where it lies, what it was, and they themselves with
        # their classes and attributes.
        self._told: dict[int, tuple[list[object], list[object], dict[int, tuple[Any, ...]]]] = {}
        self._attributes: set[str] = set()  # all names behind a dot in the code that was read
        self._assigned: dict[str, str] = {}  # those that are assigned to, and the name of a function that does
        roots = list(roots)
        known = -1
        while known != len(self._attributes):  # a name found late may be an attribute of what was looked at before
            known = len(self._attributes)
            self.movers = []
            self._seen: dict[int, Any] = {}
            waiting = list(roots)
            while waiting:
                x = waiting.pop()
                if not isinstance(x, _FIXED) and id(x) not in self._seen:
                    self._seen[id(x)] = x  # kept alive, so that no other thing gets its id
                    waiting.extend(self._inside(x))

        if only_computes:  # it is not for them to draw, nor to move
            self.generators, self.movers = {}, []
        self.are_the_same: Callable[[], bool] = self._compiled()

    @contextmanager
    def tried(self) -> Iterator[None]:
        """Inside, what the functions do is taken back and done again; see `nn.optimizers.Optimizer.tried`."""
        with ExitStack() as stack:
            for mover in self.movers:
                stack.enter_context(mover.tried())
            yield

    def _compiled(self) -> Callable[[], bool]:
        """All tests as one function, which is called before each run of a program."""
        scope: dict[str, Any] = {}

        def name(x: object) -> str:
            found = f"c{len(scope)}"
            scope[found] = x
            return found

        written = [test.format(*map(name, things)) for test, things in self._tests.values()]
        written += [
            f"({name(told[0])}[0] is {name(told[1])}[0] or {name(_are_unchanged)}(*{name(told)}))"
            for told in self._told.values()
        ]
        return eval(f"lambda: {' and '.join(written) or True}", scope)

    # ------------------------------------------------------------ what there is

    def _inside(self, x: object) -> Iterator[Any]:
        """What is to be looked at next, x being looked at."""
        if id(x) in _REFUSED:
            raise Unclear(_REFUSED[id(x)])
        if isinstance(x, Tensor):
            if x.op is not None:
                raise Unclear(f"it uses the result of {x.op.shown}, computed outside of it")
            self.tensors[x] = None
            if not self._attributes.isdisjoint(("label", "name")):
                self._test(x, "{0}._label is {1}", x, x._label)
        elif isinstance(x, Value):
            raise Unclear("it uses a Value; make the number a Tensor")
        elif isinstance(x, tuple | frozenset):
            yield from x
        elif isinstance(x, list | set | dict):
            if x.__class__ is list and len(x) <= FEW:
                each = "".join(f" and {{0}}[{i}] is {{{i + 1}}}" for i in range(len(x)))
                self._test(x, f"len({{0}}) == {len(x)}{each}", x, *x)
            else:
                self._watch(x, _members(x))
            yield from (x.values() if isinstance(x, dict) else x)
        elif isinstance(x, np.ndarray):
            if x.dtype.hasobject or type(x) is not np.ndarray:
                raise Unclear("it uses an array of objects, or of a class of its own")
            self._watch(x, x.tobytes)
        elif isinstance(x, Operation):
            yield from (x.forward, *x.rules, *(pull for pull in x.pulls if pull is not None))
        elif isinstance(x, types.FunctionType):
            yield from self._function(x)
        elif isinstance(x, types.MethodType):
            yield from (x.__func__, x.__self__)
        elif isinstance(x, functools.partial):
            yield from (x.func, x.args, x.keywords)
        elif isinstance(x, types.ModuleType):
            yield from self._module(x)
        elif isinstance(x, type):
            yield from self._class(x)
        elif isinstance(x, property):
            yield x.fget
        elif isinstance(x, classmethod | staticmethod):
            yield x.__func__
        elif isinstance(x, types.BuiltinFunctionType | types.MethodWrapperType | types.WrapperDescriptorType):
            yield from self._builtin(x)
        else:
            yield from self._object(x)

    def _function(self, f: types.FunctionType) -> Iterator[Any]:
        is_known = _is_known(f.__globals__.get("__name__"))
        for cell in f.__closure__ or ():
            try:
                found = cell.cell_contents
            except ValueError:  # not assigned yet
                raise Unclear(f"{f.__name__} uses a variable that has no value yet") from None
            if not is_known:
                self._test(cell, "{0}.cell_contents is {1}", cell, found)
            yield found  # also what a wrapper of ours wraps
        if is_known:
            return
        yield from (self._held(vars(f), name) for name in self._attributes if name in vars(f))
        yield from (f.__defaults__ or ())
        if f.__kwdefaults__:
            yield f.__kwdefaults__
        stays = f.__code__, f.__defaults__, f.__kwdefaults__
        self._test(f, "{0}.__code__ is {1} and {0}.__defaults__ is {2} and {0}.__kwdefaults__ is {3}", f, *stays)
        for code in _codes(f.__code__):
            before = None
            for step in dis.get_instructions(code):
                kind, name = step.opname, step.argval
                if kind in _GLOBALS:
                    before = self._global(f.__globals__, name)
                    yield before
                    continue
                elif kind in _ATTRIBUTES:
                    self._attributes.add(name)
                    if isinstance(before, types.ModuleType):
                        before = vars(before).get(name)
                        continue
                    if name == "grad":
                        self.looks = f.__name__
                    if name in _ASKING:
                        raise Unclear(f"{f.__name__} calls {name}")
                elif kind in ("STORE_ATTR", "DELETE_ATTR"):  # looked at, so that a change counts: a program makes none
                    # Not of an object that is being made; what becomes of leaves is seen by `effects`.
                    if code.co_name != "__init__" and name not in ("data", "grad"):
                        self._attributes.add(name)
                        self._assigned[name] = f.__name__
                elif kind in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                    yield self._held(f.__globals__, name)
                elif kind.startswith("IMPORT_"):
                    raise Unclear(f"{f.__name__} imports inside")
                elif not (kind.startswith(_OWN) or kind in ("STORE_NAME", "DELETE_NAME")):  # those of a class body
                    raise Unclear(f"{f.__name__} has an instruction {kind}, which is not followed")
                before = None

    def _global(self, scope: dict[str, Any], name: str) -> Any:
        if name not in scope and name in vars(builtins):
            self._held(scope, name)  # where it may be given another meaning
            return vars(builtins)[name]
        return self._held(scope, name)

    def _held(self, holder: Any, name: str) -> Any:
        """What stands in a dict under a name, which is looked at again each time."""
        found = holder.get(name, _MISSING)
        self._tests[id(holder), name] = "{0}.get({1}, {2}) is {3}", (holder, name, _MISSING, found)
        return None if found is _MISSING else found

    def _test(self, x: object, test: str, *things: object) -> None:
        self._tests.setdefault(id(x), (test, things))

    def _watch(self, x: object, look: Callable[[], Any]) -> None:
        self._test(x, "{0}({1}(), {2})", _alike, look, look())

    def _module(self, module: types.ModuleType) -> Iterator[Any]:
        name = module.__name__
        if name.startswith("numpy.random"):
            raise Unclear(_RANDOM)
        scope = vars(module)
        if _is_known(name) and name not in ("numpy", "numpy.lib", "numpy.lib.format"):
            yield from (scope[a] for a in self._attributes if id(scope.get(a)) in _REFUSED)
            return
        yield from (self._held(scope, a) for a in self._attributes if a in scope)

    def _class(self, cls: type) -> Iterator[Any]:
        is_called = any(str(c.__module__).partition(".")[0] in _OURS for c in cls.__mro__)  # by our code, any method
        for c in cls.__mro__:
            if _is_known(c.__module__):
                continue
            names = vars(c)  # one that is new may hide what another class has under it
            self._tests.setdefault((c, "names"), ("{0}.keys() == {1}", (names, frozenset(names))))
            if "__getattr__" in vars(c) or "__getattribute__" in vars(c):
                raise Unclear(f"{c.__name__} makes up its attributes")
            for name, found in list(vars(c).items()):
                is_in_c = isinstance(found, types.MethodDescriptorType | types.GetSetDescriptorType)
                if name in self._attributes and is_in_c:
                    raise Unclear(f"it uses {c.__module__}.{c.__name__}.{name}")
                is_method = isinstance(found, _METHODS) and (is_called or name[:2] == "__")
                if name in self._attributes or is_method or (is_called and name[:1] != "_"):
                    self._tests[c, name] = "{0}.get({1}) is {2}", (names, name, found)
                    yield found

    def _builtin(self, f: Any) -> Iterator[Any]:
        owner = getattr(f, "__self__", None)
        if isinstance(owner, (*_FIXED, tuple, list, dict, set, np.ndarray)):
            yield owner
        elif not (owner is None or isinstance(owner, types.ModuleType)) or not _is_known(f.__module__ or "builtins"):
            raise Unclear(_RANDOM if "andom" in f"{owner} {f.__module__}" else f"it calls {f.__module__}.{f.__name__}")

    def _object(self, x: object) -> Iterator[Any]:
        cls = type(x)
        home = str(cls.__module__)
        is_ours = home.partition(".")[0] in _OURS
        if home.startswith("numpy.random"):
            raise Unclear(_RANDOM)
        if not is_ours and not hasattr(x, "__dict__"):
            if _is_known(home) and home not in _PURE:  # a number, or a function of NumPy's
                return
            raise Unclear(f"it uses an object of {home}.{cls.__qualname__}")
        yield cls
        if getattr(cls, "_moves", ()):
            yield from self._mover(x, cls)
        attributes = getattr(x, "__dict__", {})
        declared, changes = getattr(cls, "_reads", None), getattr(cls, "_changes", None)
        reads: Iterable[str] = attributes
        if declared is not None or not (is_ours or changes):
            names = self._attributes & attributes.keys() if is_ours else self._attributes
            names = {name for name in names if not is_ours or hasattr(attributes[name], "_moves")}
            changes, reads = None, {*(declared or ()), *names}
        elif changes is not None:  # objects that tell when they change: cheaper than to look at each
            told = self._told.setdefault(id(changes), (changes, [changes[0]], {}))
            told[2].setdefault(id(x), (x, cls, attributes, dict(attributes)))
        else:
            self._watch(attributes, lambda: list(attributes))
        if changes is None:
            self._tests[id(x), "class"] = "{0}.__class__ is {1}", (x, cls)
        for name in ("__wrapped__", *reads):
            found = attributes.get(name) if changes is not None else self._held(attributes, name)
            if is_ours and isinstance(found, np.random.Generator):
                self.generators[found] = None
            else:
                yield found

    def _mover(self, x: Any, cls: type) -> Iterator[Any]:
        """An optimizer: what it does in the methods that it names is done in each run, what it is is looked up then."""
        self.movers.append(x)
        for name in (*cls._moves, *self._attributes):  # type: ignore[attr-defined]
            found = getattr(cls, name, None)
            is_there = name in vars(x) or inspect.isdatadescriptor(found)
            if name in self._assigned and is_there and getattr(found, "fset", self) is not None:
                raise Unclear(f"{self._assigned[name]} assigns to {name} of an optimizer; do that outside")
            if name in cls._moves or not callable(found):  # type: ignore[attr-defined]
                if name in vars(x):
                    yield self._held(vars(x), name)
                elif name in cls._moves:  # type: ignore[attr-defined]
                    self._held(vars(x), name)  # which may hide the method later
                elif found is not None:
                    self._tests[id(x), name] = f"{{0}}.{name} is {{1}}", (x, getattr(x, name))
            elif name[:2] != "__" and _is_known(getattr(found, "__module__", None)):
                raise Unclear(f"it calls {name} of {cls.__name__}, an optimizer")


def _are_unchanged(changes: list[object], token: list[object], objects: dict[int, tuple[Any, ...]]) -> bool:
    """True if the objects that said that one of them has changed are what they were nevertheless."""
    for x, cls, attributes, found in objects.values():
        if not (
            x.__class__ is cls and _alike([*attributes], [*found]) and _alike([*attributes.values()], [*found.values()])
        ):
            return False
    token[0] = changes[0]
    return True


def _members(x: Any) -> Callable[[], list[Any]]:
    return (lambda: [*x, *x.values()]) if isinstance(x, dict) else (lambda: list(x))


def _alike(now: Sequence[object], found: Sequence[object]) -> bool:
    """True for the same bytes, or the same objects in the same order."""
    if now.__class__ is bytes:
        return now == found
    return len(now) == len(found) and all(map(operator.is_, now, found))


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _is_known(module: str | None) -> bool:
    """True for a module whose functions compute from what they hold and are given, and from nothing else."""
    if module is None or module.startswith("numpy.random"):
        return False
    return module in _PURE or module.partition(".")[0] in (*_OURS, "numpy")
