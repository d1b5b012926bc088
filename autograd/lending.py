"""Who is given the numbers of a node as a plain array: the rule behind `Tensor.__array__`.

NumPy turns whatever it meets into an array, by the way of `__array__`, and what is computed from that array
has no gradient. So it is given away only where nothing can be lost by it, or where it was asked for.
"""

from __future__ import annotations

import dis
import sys
from types import FrameType

import numpy as np
from numpy.typing import DTypeLike

from . import modes
from .graph import Node, is_node
from .operands import Operand, is_array_node

__all__ = ["is_free", "mask_asked_for", "numbers_in", "plain", "refuse_to_lend"]

# Libraries that take over an operation from arrays and compute with what `__array__` gave them.
_COMPUTING = ("numpy", "pandas", "scipy")
# Those that only draw or compare: what they are given does not come back as a number.
_SHOWING = ("bokeh", "matplotlib", "mpl_toolkits", "plotly", "seaborn", "_pytest", "numpy.testing", "unittest")
# Functions of NumPy's that only compare, and some of which take a refusal for "not equal".
_EQUAL = ("allclose", "array_equal", "array_equiv", "isclose")

_KEEP = (
    "Write X @ t for X.dot(t), with X.toarray() or X.to_numpy() first if X is none, stack or concatenate to join, "
    "where(mask, t, x) for an assignment, and the functions of autograd for those of other libraries"
)


def refuse_to_lend(node: Node, dtype: DTypeLike | None = None, *, computes: bool = False) -> None:
    """TypeError if the numbers of this node are not to become an array where they are asked for.

    dtype: what `__array__` was called with. computes: True if what asks is known to be an operation.

    What draws or compares is given those of every node, and so is everybody under `no_grad`. Otherwise

    - a recorded result, and every node while a function is being differentiated, stays in its graph;
    - a leaf is an array for whoever asks: `np.asarray(w)`, `np.array(w)`, a library of
      models. An operation does not ask: NumPy's C code wants a dtype then (`array.dot(w)`, `array[:] = w`), and
      NumPy, SciPy and pandas what they compute with themselves (`np.ma`, `np.r_`, a sparse matrix on the left).
    """
    helper, asking = _who_asks()
    if asking in _SHOWING or not modes.is_recording():
        return
    name = f" {node.label!r}" if node.label else ""
    if node.op is not None:
        what, harm = f"{type(node).__name__}{name}, the result of {node.op.shown}", "cut off from its graph"
    elif modes.own_traces():
        what, harm = f"{type(node).__name__}{name}", "cut off from the function that is being differentiated"
    elif not (helper or computes or dtype is not None or _is_given_more(node)):
        return
    else:
        what, harm = f"{type(node).__name__}{name}", "taken for a constant without a gradient"
    raise TypeError(
        f"{helper or 'NumPy'} asked for an array of a {what}, which would be {harm}. "
        + (_KEEP if is_array_node(node) else "Keep Values in a list")
        + ". If a constant is meant, take .data"
        + (f", here np.asarray(t.data, {np.dtype(dtype).name!r}), " if dtype is not None else " ")
        + "or compute under no_grad()"
    )


def is_free() -> bool:
    """True where the numbers of every node are given away: under `no_grad`, to what draws or compares."""
    return not modes.is_recording() or _who_asks()[1] in _SHOWING


def mask_asked_for(node: object) -> None:
    """What stands behind `_mask`: the same refusal for masked arrays, which ask for `_data` and `_mask` instead."""
    if sys._getframe(1).f_globals.get("__name__", "").startswith("numpy.ma"):
        refuse_to_lend(node)
    raise AttributeError("_mask")


def plain(x: Operand) -> Operand:
    """The numbers of a node, anything else as it is: for what gives no gradient, such as a measure."""
    if not is_node(x):
        return x
    return x.numpy() if is_array_node(x) else x.data


def numbers_in(arguments: object, *, gradless: bool = False) -> Operand:
    """Arguments of a NumPy function with the numbers of nodes in their place.

    gradless: True if it gives nothing that could have a gradient. TypeError otherwise, unless everything is free.
    """
    if is_node(arguments):
        if not gradless:
            refuse_to_lend(arguments, computes=True)
        return plain(arguments)
    if isinstance(arguments, list | tuple):
        return type(arguments)(numbers_in(x, gradless=gradless) for x in arguments)
    if isinstance(arguments, dict):
        return {name: numbers_in(x, gradless=gradless) for name, x in arguments.items()}
    return arguments


def _who_asks() -> tuple[str, str]:
    """The library that computes and asks for an array, "" if none does; and the package that called it."""
    helper, frame = "", _asking_frame()
    while frame is not None:
        module: str = frame.f_globals.get("__name__") or ""
        package = module.partition(".")[0]
        if module.startswith("numpy.testing") or (package == "numpy" and frame.f_code.co_name in _EQUAL):
            return helper, "numpy.testing"
        if package not in _COMPUTING:
            return helper, package
        helper = helper or package
        frame = frame.f_back
    return helper, ""


def _asking_frame() -> FrameType | None:
    """The innermost frame that is not one of this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__package__") == __package__:
        frame = frame.f_back
    return frame


def _is_given_more(node: object) -> bool:
    """True if what asks is an operator, or a call that was given something else than the node: a list with it.

    To a member of `np.array([v, w])` the call looks like `np.asarray(v)`. What it was given is read from the
    line that is being run, where that is a name or a list; of anything else it is taken to be the node.
    """
    frame = _asking_frame()
    if frame is None:
        return False
    before = [i for i in dis.get_instructions(frame.f_code) if i.offset <= frame.f_lasti]
    asking, by = before[-1].opname, before.pop().argrepr
    if asking not in ("CALL", "CALL_KW", "PRECALL"):
        return asking == "COMPARE_OP" or (asking == "BINARY_OP" and by != "[]")  # since 3.14 an index is one, too
    while before and before[-1].opname in ("PRECALL", "KW_NAMES", "LOAD_CONST", "NOP", "PUSH_NULL"):
        before.pop()
    given = before[-1]
    if given.opname.startswith(("LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF")):
        name = given.argval[-1] if isinstance(given.argval, tuple) else given.argval
        return isinstance(frame.f_locals.get(name, frame.f_globals.get(name)), list | tuple)
    return given.opname in ("BUILD_LIST", "BUILD_TUPLE", "LIST_APPEND", "LIST_EXTEND")
