"""Along which axis samples lie: as a loss or a softmax is told, and as a recorded computation shows it.

Samples in rows meet their weights from the left, X @ W; samples in columns, as in lecture notes, from the right,
W @ X, and a bias is one column. Numbers alone do not show which it is.
"""

from __future__ import annotations

import functools
from typing import TypeGuard

import numpy as np

from .formulas import names
from .graph import is_node
from .operands import Operand
from .ops.elementwise import add
from .ops.matrices import matmul
from .ops.shapes import transpose

__all__ = ["are_in_columns", "axis_of_data", "is_data_name", "shown_axis"]


@functools.lru_cache(maxsize=1024)
def is_data_name(label: str) -> bool:
    """True for what is called x or y, with whatever index: the data, not a parameter."""
    name = names.parse(label)
    return name is not None and name.base in ("x", "X", "y", "Y")


def axis_of_data(left: Operand, right: Operand, is_left_data: bool, is_right_data: bool) -> int | None:
    """Along which axis of left @ right the samples lie, if one of the two is the data: 0 rows, 1 columns; else None."""
    if is_left_data and left.ndim == 2 and right.ndim < 3:
        return 0
    if is_right_data and right.ndim == 2 and left.ndim < 3:
        return 1
    return None


def are_in_columns(where: str, samples: str | None, outputs: Operand) -> bool:
    """True if the columns of an array are the samples. samples: "rows", "columns", or None if nothing was said.

    ValueError for another word, and where nothing was said though the graph shows columns: a loss of
    rows would count each output as a sample, and give a plausible wrong number.
    """
    if samples is None:
        if shown_axis(outputs) == 1 and outputs.ndim == 2 and outputs.size > 1:
            n, m = outputs.shape
            raise ValueError(
                f"{where}: the graph shows samples in columns, with the weights on the left of the data, and nothing "
                f'was said: write samples="columns" if these are {m} of {n} number{"s" * (n > 1)}, '
                f'samples="rows" if they are {n} of {m}'
            )
        return False
    if samples not in ("rows", "columns"):
        raise ValueError(f"{where}: expected samples to be 'rows' or 'columns'; got {samples!r}")
    if samples == "columns" and outputs.ndim > 2:
        raise ValueError(
            f"{where}: expected (outputs, samples) for samples in columns, got shape {np.shape(outputs)}; "
            "move the samples to the first axis, and leave samples out"
        )
    return samples == "columns" and outputs.ndim == 2


def shown_axis(v: Operand) -> int | None:
    """Along which axis of a recorded matrix the samples lie, as the nearest layer below it shows; None if none does."""
    is_turned = False
    bias = None
    while (op := getattr(v, "_op", None)) is not None:
        operands = v._operands  # and not by the property: every loss asks
        if op.rules and len(operands) == 1:
            (v,) = operands
            continue
        if op.by_sample:
            return int(is_turned)
        if op is matmul.op:
            axis = _axis_of_product(operands[0], operands[1], bias)
            return axis if axis is None else axis ^ is_turned
        if op is transpose.op and v.ndim == 2 and operands[1] in (None, (1, 0)):
            is_turned = not is_turned
        elif not op.rules and not op.along_axis:
            return None
        if len(operands) == 1:
            (v,) = operands
            continue
        nodes = [u for u in operands if is_node(u)]
        computed = [u for u in nodes if u.op is not None and u.shape == v.shape]
        if op is add.op:
            others = (u for u in operands if u is not computed[0] and u.shape != v.shape) if computed else ()
            bias = next(iter(others), None)  # what has the shape of the sum itself is none: of one output, m numbers
        v = (computed or nodes)[0]
    return None


def _axis_of_product(left: Operand, right: Operand, bias: Operand) -> int | None:
    axis = axis_of_data(left, right, _is_data(left), _is_data(right))
    if axis is not None or left.ndim != 2 or right.ndim != 2:
        return axis
    if _is_parameter(left) != _is_parameter(right):
        return int(_is_parameter(left))
    (n, m), shape = (left.shape[0], right.shape[1]), getattr(bias, "shape", None)
    return 1 if shape == (n, 1) and n > 1 else 0 if shape in ((m,), (1, m)) else None


def _is_data(u: Operand) -> bool:
    if not is_node(u):
        return isinstance(u, np.ndarray)
    return u.op is None and u.label is not None and is_data_name(u.label)


def _is_parameter(u: Operand) -> TypeGuard[Operand]:
    """True for a leaf that is not the data, and for its transpose."""
    if is_node(u) and u.op is transpose.op:
        u = u.operands[0]
    return is_node(u) and u.op is None and not _is_data(u)
