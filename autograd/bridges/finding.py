"""The Values that a function uses and others hold too: its parameters, found where it finds them itself."""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

from ..value import Value
from .leaves import NAMELESS, Piece, kind_of, leaves_of, named_blocks, shape_of

__all__ = ["Held", "held", "in_pieces"]

# How many things are looked through at most.
MOST = 100_000


class Held(NamedTuple):
    """What a function reaches.

    matrices  lists and matrices of Values, with the names under which it reaches them
    values    all Values
    numbers   its own variables that are plain numbers: a name, where it stands, and the number
    """

    matrices: list[tuple[str, Any]]
    values: dict[Value, None]
    numbers: list[tuple[str, Any, Any]]

    def changed(self) -> str | None:
        """The name of a variable that is another number now; None if all are as they were."""
        for name, home, number in self.numbers:
            try:
                now = home[name] if home.__class__ is dict else home.cell_contents
            except (KeyError, ValueError):
                return name
            if now is not number and not (now == number and now.__class__ is number.__class__):
                return name
        return None


def held(function: object) -> Held:
    """What a function reaches by its variables and those of the functions that it calls."""
    matrices: list[tuple[str, Any]] = []
    values: dict[Value, None] = {}
    numbers: list[tuple[str, Any, Any]] = []
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", function)]
    while waiting and len(seen) < MOST:
        name, x = waiting.pop()
        if x.__class__ is Value:
            if x._op is None:
                values.setdefault(x)
            continue
        if x is None or x.__class__ in (int, float, str, bool, bytes, complex) or id(x) in seen:
            continue
        seen.add(id(x))
        if isinstance(x, types.FunctionType) and not _is_known(x):
            numbers += [u for u in _variables(x) if u[2].__class__ in (int, float, bool, str)]
        if x.__class__ in (list, tuple) and shape_of(x) is not None:
            matrices.append((name, x))
        waiting.extend(reversed(list(_parts(name, x))))
    return Held(matrices, values, numbers)


def _is_known(function: types.FunctionType) -> bool:
    return (function.__module__ or "").partition(".")[0] in ("autograd", "nn", "numpy")


def _variables(function: types.FunctionType) -> Iterator[tuple[str, Any, Any]]:
    """The variables from outside that a function uses: name, where it stands, and what it is.

    Of a function of this library those that are bound to it, as a net is to its loss.
    """
    code = function.__code__
    for variable, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield variable, cell, cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    for variable in () if _is_known(function) else dict.fromkeys(_names(code)):
        if variable in function.__globals__:
            yield variable, function.__globals__, function.__globals__[variable]


def _parts(name: str, x: object) -> Iterator[tuple[str, Any]]:
    if isinstance(x, types.MethodType):
        yield name, x.__self__
        yield name, x.__func__
    elif isinstance(x, types.FunctionType):
        for variable, _, thing in _variables(x):
            yield variable, thing
        if _is_known(x):
            return
        for default in (*(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values()):
            yield name, default
    elif isinstance(x, dict):
        for key, part in x.items():
            yield str(key), part
    elif isinstance(x, list | tuple | set | frozenset):
        for part in x:
            yield name, part
    elif isinstance(x, type | types.ModuleType | types.BuiltinFunctionType) or _is_ours(x):
        return
    else:
        wrapped = getattr(x, "__wrapped__", None)
        if wrapped is not None:
            yield name, wrapped
        for key, part in getattr(x, "__dict__", {}).items():
            yield key, part
        for cls in type(x).__mro__:
            for key in getattr(cls, "__slots__", ()):
                if isinstance(key, str) and hasattr(x, key):
                    yield key, getattr(x, key)
        call = vars(type(x)).get("__call__")
        if isinstance(call, types.FunctionType):
            yield name, call


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _is_ours(x: object) -> bool:
    return (type(x).__module__ or "").partition(".")[0] in ("autograd", "numpy")


def in_pieces(matrices: list[tuple[str, Any]], values: dict[Value, None]) -> dict[Hashable, list[Piece]]:
    """Values as arrays: by their labels, else as the lists and matrices in which they were found."""
    pieces: dict[Hashable, list[Piece]] = {}
    labelled: dict[Hashable, list[Value]] = {}
    rest = dict(values)
    for v in values:
        kind = kind_of(v)
        if kind != NAMELESS:
            labelled.setdefault(kind, []).append(v)
            del rest[v]
    for kind, found in labelled.items():
        pieces[kind] = [named_blocks(kind, found)]
    times = Counter(name for name, _ in matrices)
    by_size = sorted(matrices, key=lambda m: -len(shape_of(m[1]) or ()))
    for name, x in by_size:
        if len(shape_of(x) or ()) < 2 and times[name] > 1:
            continue  # those of many neurons: matrices together, which are found where they are multiplied
        found = list(leaves_of(x))
        if len(set(found)) == len(found) and all(v in rest for v in found):
            label = name if name and ("held", name) not in pieces else None
            pieces["held", label or f"V_{len(pieces) + 1}"] = [
                Piece(found, shape_of(x) or (), label or f"V_{len(pieces) + 1}")
            ]
            for v in found:
                del rest[v]
    if rest:
        pieces[NAMELESS] = [Piece(list(rest), (len(rest),), None)]
    return pieces
