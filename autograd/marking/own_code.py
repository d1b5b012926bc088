"""A student's own backward pass in NumPy, called unchanged: its local arrays are read as it returns."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Mapping
from types import CodeType, FrameType

import numpy as np

from ..formulas import names
from ..graph import Node
from ..operands import Operand
from .computation import Computation, loose
from .sheet import which

__all__ = ["handed_in"]


def handed_in(
    c: Computation, function: Callable[..., object], arguments: Mapping[str, object]
) -> list[tuple[Node | str, Operand]]:
    """What a function computes of the gradients of a computation, by their names.

    It is called with copies of the recorded arrays by its parameters' names, Z1 for Z[1]; arguments: others. What it
    calls dZ2, dW1, grads["dW1"] ... is read when it returns, from its local names and from a dictionary that it gives.
    TypeError for a parameter that nothing is known of, ValueError if it computes none of the gradients.
    """
    code = _code_of(function)
    found, result = _watched(function, code, _filled_in(c, function, arguments))
    if isinstance(result, Mapping):
        found |= {k: v for k, v in result.items() if isinstance(k, str)}
    for name, x in list(found.items()):
        if isinstance(x, Mapping) and name not in arguments:
            found |= {k: v for k, v in x.items() if isinstance(k, str) and k not in found}
    pairs: dict[Node, tuple[str, Operand]] = {}
    for name, x in found.items():
        if not _is_number(x):
            continue
        try:
            node, is_value = which(c, name)
        except ValueError:
            continue
        if not is_value and node.op is None and c.called_so.get(loose(name)):
            continue  # W1 itself, and not the gradient by it
        if not is_value:
            pairs[node] = name, x
    if not pairs:
        called = getattr(function, "__name__", "the function")
        known = ", ".join(f"d{c.labels[u]}" for u in c.named if u in c.right and u is not c.target and not c.is_data(u))
        raise ValueError(f"check_work: {called} computes none of {known}; its names are {', '.join(found) or 'none'}")
    return list(pairs.values())


def _code_of(function: Callable[..., object]) -> CodeType | None:
    plain = inspect.unwrap(function)
    return getattr(getattr(plain, "__func__", plain), "__code__", None)


def _filled_in(c: Computation, function: Callable[..., object], arguments: Mapping[str, object]) -> dict[str, Operand]:
    """The arguments of the function: those that were given, and the recorded arrays by name."""
    given = dict(arguments)
    known: dict[str, Operand] = {"m": c.samples}
    for label, x in [*c.constants.items(), *((c.labels[u], c.point.of(u)) for u in c.named)]:
        known[label] = x
    for edge in c.edges:  # a loss of logits has the activation inside, and no node for it
        error, label = edge.error, c.labels.get(edge.operand, "")
        parts = names.parse(label)
        if edge.is_loss and error is not None and error.activation is not None and parts is not None:
            logits = c.point.of(error.prediction)
            activated = error.activation.function(logits, *error.axis)
            known.setdefault(names.sibling(label, "A" if parts.base.isupper() else "a") or "", activated)
    for parameter in inspect.signature(function).parameters.values():
        name = parameter.name
        if name in given or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        found = next((x for label, x in known.items() if x is not None and name in (label, *_spellings(label))), None)
        if found is not None:
            given[name] = np.array(found) if isinstance(found, np.ndarray) else found
        elif parameter.default is parameter.empty:
            called = getattr(function, "__name__", "the function")
            raise TypeError(
                f"check_work: nothing is called {name!r}, which {called} asks for; pass it: "
                f"check_work(L, {called}, {name}=...)"
            )
    return given


def _spellings(label: str) -> list[str]:
    """How a name of the computation may be written as one of Python: Z[1] as Z1, Z_1, z1."""
    parts = loose(label)
    if parts is None:
        return []
    base, layer, _, index = parts
    tail = "".join((layer or "", *index))
    return [f"{b}{joint}{tail}" for b in (base, base.lower(), base.upper()) for joint in ("", "_")]


def _watched(
    function: Callable[..., object], code: CodeType | None, arguments: Mapping[str, object]
) -> tuple[dict[str, Operand], Operand]:
    """The function's local names as it returns, and what it returns."""
    found: dict[str, Operand] = {}
    before, thread = sys.getprofile(), threading.get_ident()

    def hook(frame: FrameType, event: str, argument: object) -> None:
        if before is not None:
            before(frame, event, argument)  # type: ignore[arg-type]
        if event == "return" and frame.f_code is code and threading.get_ident() == thread:
            found.clear()  # of a function that calls itself the last to return is the first that was called
            found.update({k: np.array(v) if isinstance(v, np.ndarray) else v for k, v in frame.f_locals.items()})

    sys.setprofile(hook)
    try:
        result = function(**arguments)
    finally:
        sys.setprofile(before)
    return found, result


def _is_number(x: object) -> bool:
    if isinstance(x, bool):
        return False
    return isinstance(x, int | float | np.floating | np.integer) or (
        isinstance(x, np.ndarray) and x.dtype.kind in "fiu"
    )
