"""Rules of plain arithmetic written out as NumPy calls that make one array and no more.

`g * (z * (1 - z))` makes three arrays on its way, and the plain number in it costs as much as another.
Read once on symbols the rule becomes `t = subtract(one, z); multiply(z, t, t); multiply(g, t, t)`.
A rule that does anything but arithmetic cannot be read so, and is called as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["straightened"]


class _Formula:
    """Arithmetic that is remembered: the name of a NumPy function and its operands."""

    def __init__(self, function: str, *operands: Any) -> None:
        if not all(isinstance(u, _Formula | int | float) for u in operands):
            raise TypeError("not arithmetic")
        self.function, self.operands = function, operands

    def __add__(self, other: Any) -> _Formula:
        return _Formula("add", self, other)

    def __radd__(self, other: Any) -> _Formula:
        return _Formula("add", other, self)

    def __sub__(self, other: Any) -> _Formula:
        return _Formula("subtract", self, other)

    def __rsub__(self, other: Any) -> _Formula:
        return _Formula("subtract", other, self)

    def __mul__(self, other: Any) -> _Formula:
        return _Formula("multiply", self, other)

    def __rmul__(self, other: Any) -> _Formula:
        return _Formula("multiply", other, self)

    def __truediv__(self, other: Any) -> _Formula:
        return _Formula("divide", self, other)

    def __rtruediv__(self, other: Any) -> _Formula:
        return _Formula("divide", other, self)

    def __neg__(self) -> _Formula:
        return _Formula("negative", self)

    def __bool__(self) -> bool:
        raise TypeError("not arithmetic")


def straightened(rule: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """`plain(g, z, x)`, which is g * rule(z, x), made faster for arrays if the rule is arithmetic."""
    try:
        formula = rule(_Formula("z"), _Formula("x"))
    except (TypeError, NameError):  # a comparison, a function, or one that is defined further down
        return plain
    if not isinstance(formula, _Formula):
        return plain
    lines: list[str] = []
    constants: list[float] = []
    result = _written(_Formula("multiply", _Formula("g"), formula), lines, constants)
    body = "\n    ".join([*lines, f"return {result}"])
    code = "def pull(g, z, x):\n    if z.__class__ is not ndarray or not z.ndim:\n        return plain(g, z, x)\n"
    if constants:
        code += f"    {', '.join(f'c{i}' for i in range(len(constants)))}, = constants[z.dtype]\n"
    scope: dict[str, Any] = {name: getattr(np, name) for name in ("add", "subtract", "multiply", "divide", "negative")}
    scope |= {"ndarray": np.ndarray, "plain": plain}
    scope["constants"] = {np.dtype(t): tuple(np.array(c, t) for c in constants) for t in (np.float32, np.float64)}
    exec(compile(f"{code}    {body}\n", f"<{formula.function} written straight>", "exec"), scope)
    return scope["pull"]


def _written(part: Any, lines: list[str], constants: list[float]) -> str:
    """The name under which the lines leave the value of a part; temporaries are used again."""
    if not isinstance(part, _Formula):
        constants.append(float(part))
        return f"c{len(constants) - 1}"
    if not part.operands:
        return part.function
    names = [_written(u, lines, constants) for u in part.operands]
    call = f"{part.function}({', '.join(names)}"
    temporaries = [name for name in names if name.startswith("t")]
    if temporaries:
        lines.append(f"{call}, {temporaries[0]})")
        return temporaries[0]
    lines.append(f"t{len(lines)} = {call})")
    return f"t{len(lines) - 1}"
