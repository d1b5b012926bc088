"""What may be set on a part of a net: an option is checked whenever it is set, and nothing unknown is.

Options are looked at when they are needed, or what was made of them is made again when `changed` says so.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

from autograd.foreign import advice, answer, own_names, unknown_option
from autograd.operands import describe

from .foreign import OF_PARTS, OF_TRAINING, OPTIONS

__all__ = ["Attributes", "advised", "changed", "flag", "options_of"]

P = ParamSpec("P")
R = TypeVar("R")

# Takes whose option it is, what it is called and what it shall be; gives what is kept.
Check = Callable[[str, str, Any], Any]

# Replaced by a new object when an attribute of some part of some net is set: until then all are what they were.
changed = [object()]


class Attributes:
    """The base of what keeps its options as attributes: layers, nets, losses, optimizers.

    checks   what is done with an option, by its name, in the constructor and whenever it is set later
    settled  what cannot be set any more as soon as `is_settled()`

    AttributeError for a name that a class of this library does not know; a class of one's own may set any.
    """

    def __new__(cls, *args: object, **options: object) -> Self:
        for name in options:
            is_told = name in OPTIONS and name not in options_of(cls)  # known as an attribute, perhaps
            if (name not in _known[cls] or is_told) and _is_ours(cls):
                raise unknown_option(cls.__name__, name, OPTIONS, options_of(cls))
        return super().__new__(cls)

    checks: ClassVar[Mapping[str, Check]] = {}
    settled: tuple[str, ...] = ()
    _changes = changed  # for `autograd.fast.surroundings`, which need not look at each attribute

    def __dir__(self) -> list[str]:
        return sorted({*own_names(type(self)), *vars(self)})

    def is_settled(self) -> bool:
        """True once something was made of the options in `settled`."""
        return False

    def __setattr__(self, name: str, value: object) -> None:
        cls = type(self)
        if name in cls.settled and self.is_settled():
            raise AttributeError(f"{self}: {name} cannot be set any more; make a new {cls.__name__}")
        known = _known[cls]
        if name in known:
            check = known[name]
            if check is not None:
                value = check(cls.__name__, name, value)
        elif (
            name[:1] != "_"
            and name not in vars(self)
            and _is_ours(cls)
            and options_of(cls)  # a bare Module has none, and holds anything
        ):
            raise AttributeError(_unknown(self, name, known))
        super().__setattr__(name, value)
        changed[0] = object()


answer(Attributes, OF_PARTS)


def flag(where: str, what: str, x: object) -> bool:
    """`x` as True or False."""
    if isinstance(x, str):
        raise TypeError(f"{where}: expected {what} to be True or False, got {describe(x)} {x!r}")
    return bool(x)


def advised(method: Callable[P, R]) -> Callable[P, R]:
    """Let a method answer an argument that it has not with what it is called here."""
    known = inspect.signature(method).parameters

    @functools.wraps(method)
    def checked(*args: P.args, **named: P.kwargs) -> R:
        for name in named:
            if name not in known:
                raise unknown_option(method.__name__, name, OF_TRAINING, [k for k in known if k != "self"])
        return method(*args, **named)

    return checked


class _Known(dict[type, dict[str, Check | None]]):
    """All that may be set: what a class has or declares, and the arguments of its constructors; with their checks."""

    def __missing__(self, cls: type) -> dict[str, Check | None]:
        names = {*own_names(cls), *options_of(cls)}
        for c in cls.__mro__:
            names.update(vars(c).get("__annotations__", ()))
        found: dict[str, Check | None] = dict.fromkeys(names)
        for c in reversed(cls.__mro__):
            found.update(vars(c).get("checks", {}))
        return self.setdefault(cls, found)


_known = _Known()


def options_of(cls: type) -> dict[str, None]:
    """The names of all arguments that the class and those it is derived from take, in order."""
    found = [p for c in cls.__mro__[:-1] for p in inspect.signature(c).parameters.values()]
    return dict.fromkeys(p.name for p in found if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))


def _is_ours(cls: type) -> bool:
    home = sys.modules.get(cls.__module__)
    return (
        home is not None
        and home.__name__.partition(".")[0] == __name__.partition(".")[0]
        and (getattr(home, cls.__name__, None) is cls)
    )


def _unknown(x: object, name: str, known: Mapping[str, object]) -> str:
    options = [option for option in options_of(type(x)) if not option.startswith("_")]
    found = advice(name, OF_PARTS, known)
    return (
        f"{type(x).__name__} has no attribute {name!r} to be set; {found and found + '; '}options: {', '.join(options)}"
    )
