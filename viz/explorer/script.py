"""Operations as script: forward functions and rules, read on symbols that write themselves as JavaScript.

Nothing here knows an operation. A `Script` answers operators, NumPy's functions and other operations
by noting what was asked, so whatever is written as `autograd.op` says can be read. Where a function
asks whether a condition is true, it is run for both answers and the two are joined by `? :`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from autograd.op import Operation, Vector, describe
from autograd.operands import Operand, members

__all__ = ["HELPERS", "Pieces", "Unreadable", "as_script"]

WAYS = 400  # so often a function that asks about conditions is run at most

# What JavaScript lacks or has otherwise: in IEEE arithmetic 1 ** nan and (-1) ** inf are 1.
HELPERS = """\
const power=(x,y)=>x===1||(x===-1&&(y===Infinity||y===-Infinity))?1:x**y;
const heaviside=(x,h)=>x>0?1:x<0?0:x===0?h:NaN;
const logaddexp=(x,y)=>x===y?x+Math.LN2:Math.max(x,y)+Math.log1p(Math.exp(-Math.abs(x-y)));
"""
_CALLS: dict[Callable[..., Operand], str] = {
    **{getattr(np, name): f"Math.{name}" for name in ("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt")},
    **{getattr(np, name): f"Math.{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot", "sign")},
    **{getattr(np, f"arc{name}"): f"Math.a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")},
    **{getattr(np, name): f"Math.{name}" for name in ("floor", "ceil", "trunc")},
    np.maximum: "Math.max",
    np.minimum: "Math.min",
    np.absolute: "Math.abs",
    np.fabs: "Math.abs",
    np.heaviside: "heaviside",
    np.logaddexp: "logaddexp",
    np.power: "power",
    np.float_power: "power",
}
_OPERATORS: dict[Callable[..., Operand], str] = {
    **{np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.negative: "neg"},
    **{np.less: "<", np.less_equal: "<=", np.greater: ">", np.greater_equal: ">="},
    **{np.equal: "===", np.not_equal: "!==", np.logical_and: "&&", np.logical_or: "||", np.logical_not: "!"},
}
_WRITTEN: dict[Callable[..., Operand], Callable[..., Operand]] = {
    np.positive: lambda x: x,
    np.square: lambda x: x * x,
    np.reciprocal: lambda x: 1.0 / x,
    np.exp2: lambda x: 2.0**x,
    np.isnan: lambda x: x != x,
    np.isfinite: lambda x: (x > -math.inf) & (x < math.inf),
    np.isinf: lambda x: (x >= math.inf) | (x <= -math.inf),
}
# How tightly an operator binds; what binds less stands in parentheses. On the right of an operator also what
# binds as much does: x + (y - z) is rounded otherwise than x + y - z.
_BINDING = {"?": 0, "||": 1, "&&": 2, "===": 3, "!==": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5}
_BINDING |= {"*": 6, "/": 6, "neg": 7, "!": 7}
_ATOM = 9
_MOST_PIECES = 30  # conditions that a whole number of script has bits for
_MEANING = {sign: function for function, sign in (*_CALLS.items(), *_OPERATORS.items())}
_TRUTHS = frozenset(("||", "&&", "===", "!==", "<", "<=", ">", ">=", "!"))


class Unreadable(TypeError):
    """A forward function or a rule that cannot be written as script; says why, and what to write instead."""


class _Undecided(Exception):
    """A function asks whether this condition is true."""

    def __init__(self, condition: Script) -> None:
        self.condition = condition


class _Reading:
    """What was noted while a function is read: equal parts once, in the order in which they are computed."""

    def __init__(self) -> None:
        self.parts: dict[tuple[Hashable, ...], Script] = {}
        self.decided: dict[int, bool] = {}
        self.pieces: dict[int, Script] = {}  # conditions that choose, but for those inside of other operations
        self.depth = 0
        self.ways = 0

    def note(self, what: str, *parts: Script, text: str = "") -> Script:
        key = (what, text, *(u.serial for u in parts))
        if key not in self.parts:
            self.parts[key] = Script(self, len(self.parts), what, parts, text)
        return self.parts[key]

    def symbol(self, text: str) -> Script:
        return self.note("symbol", text=text)

    def number(self, x: Operand) -> Script:
        """A number, or a truth, as script; a Script is itself."""
        if isinstance(x, Script):
            return x
        if isinstance(x, bool | np.bool_):
            return self.note("symbol", text="true" if x else "false")
        if isinstance(x, int | float | np.number) or (isinstance(x, np.ndarray) and not x.ndim):
            return self.note("number", text=repr(float(x)))
        raise TypeError(f"{describe(x)} is no number of script")

    def both(self, read: Callable[[], object]) -> Operand:
        """What a function gives, whatever the conditions are that it asks for."""
        self.ways += 1
        if self.ways > WAYS:
            raise Unreadable(f"it asks too many questions: more than {WAYS} ways lead through it")
        try:
            return read()
        except _Undecided as asked:
            condition = asked.condition
        except (ArithmeticError, ValueError):
            if not self.decided:
                raise
            return math.nan
        found = []
        for answer in (True, False):
            self.decided[condition.serial] = answer
            found.append(self.both(read))
            del self.decided[condition.serial]
        return condition._choose(*found)


def _binary(what: str) -> tuple[Callable[..., Operand], Callable[..., Operand]]:
    """An operator of Scripts, and the same from the right. A Vector goes on member by member."""

    def forwards(self: Script, other: Operand) -> Operand:
        return NotImplemented if isinstance(other, Vector) else self._with(what, self, other)

    def backwards(self: Script, other: Operand) -> Operand:
        return NotImplemented if isinstance(other, Vector) else self._with(what, other, self)

    return forwards, backwards


class Script:
    """A number, or a condition, of the script that is being written: a symbol, or what is computed from others."""

    __slots__ = ("parts", "reading", "serial", "text", "what")
    _is_number = True  # stands for a single plain number: softmax computes all its members at once

    def __init__(self, reading: _Reading, serial: int, what: str, parts: tuple[Script, ...], text: str) -> None:
        self.reading, self.serial, self.what, self.parts, self.text = reading, serial, what, parts, text

    def _with(self, what: str, *parts: Operand) -> Script:
        return self.reading.note(what, *map(self.reading.number, parts))

    def _call(self, name: str, *parts: Operand) -> Script:
        return self.reading.note("call", *map(self.reading.number, parts), text=name)

    __add__, __radd__ = _binary("+")
    __sub__, __rsub__ = _binary("-")
    __mul__, __rmul__ = _binary("*")
    __truediv__, __rtruediv__ = _binary("/")
    __lt__, __gt__ = _binary("<")
    __le__, __ge__ = _binary("<=")
    __gt__ = _binary(">")[0]
    __ge__ = _binary(">=")[0]
    __and__, __rand__ = _binary("&&")
    __or__, __ror__ = _binary("||")
    __eq__ = _binary("===")[0]
    __ne__ = _binary("!==")[0]
    __hash__ = None  # type: ignore[assignment]  # equality is a condition

    def __pow__(self, other: Operand) -> Operand:
        return NotImplemented if isinstance(other, Vector) else self._call("power", self, other)

    def __rpow__(self, other: Operand) -> Operand:
        return NotImplemented if isinstance(other, Vector) else self._call("power", other, self)

    def __neg__(self) -> Script:
        return self._with("neg", self)

    def __pos__(self) -> Script:
        return self

    def __abs__(self) -> Script:
        return self._call("Math.abs", self)

    def __invert__(self) -> Script:
        return self._with("!", self)

    def __bool__(self) -> bool:
        if self.what not in _TRUTHS:
            return bool(self != 0.0)
        self._note_piece()
        if self.serial not in self.reading.decided:
            raise _Undecided(self)
        return self.reading.decided[self.serial]

    def __float__(self) -> float:
        raise TypeError("it leaves its operands: write exp(x) or np.exp(x) and not math.exp(x) or float(x)")

    __int__ = __index__ = __float__

    @property
    def real(self) -> Script:
        """Itself, as of a number."""
        return self

    def _choose(self, x: Operand, y: Operand) -> Operand:
        """x where this condition holds, else y: what `where` gives; of sequences member by member."""
        if isinstance(x, Vector) or isinstance(y, Vector):
            n = len(x if isinstance(x, Vector) else y)
            xs, ys = (u if isinstance(u, Vector) else [u] * n for u in (x, y))
            return Vector(map(self._choose, xs, ys))
        x, y = map(self.reading.number, (x, y))
        if x is y:
            return x
        self._note_piece()
        return self.reading.note("?", self, x, y)

    def _note_piece(self) -> None:
        if not self.reading.depth:
            self.reading.pieces[self.serial] = self

    @staticmethod
    def _record(op: Operation, *operands: Operand) -> Operand:
        """An operation inside of another is read in its place."""
        reading = next(u.reading for x in operands for u in members(x) if isinstance(u, Script))
        reading.depth += 1
        try:
            return op.forward(*operands)
        finally:
            reading.depth -= 1

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Operand, **options: Operand) -> Operand:
        if any(isinstance(u, Vector) for u in operands):
            return NotImplemented
        if method == "__call__" and not options:
            if ufunc in _WRITTEN:
                return _WRITTEN[ufunc](*operands)
            if ufunc in _OPERATORS:
                return self._with(_OPERATORS[ufunc], *operands)
            if ufunc in _CALLS:
                return self._call(_CALLS[ufunc], *operands)
        raise TypeError(f"np.{ufunc.__name__} has no counterpart in script")

    def __array_function__(
        self,
        function: Callable[..., Operand],
        types: object,
        operands: Sequence[Operand],
        options: Mapping[str, Operand],
    ) -> Operand:
        if function is np.where and len(operands) == 3 and not options:
            condition, x, y = operands
            return condition._choose(x, y) if isinstance(condition, Script) else x if condition else y
        if function is np.clip and len(operands) == 3 and not options:
            x, lo, hi = operands
            return self._call("Math.min", self._call("Math.max", x, lo), hi)
        if function is np.real:
            return operands[0]
        raise TypeError(f"np.{function.__name__} has no counterpart in script")


# ---------------------------------------------------------------- an operation


def as_script(op: Operation, groups: Sequence[Operand]) -> str:
    """An operation at operands of this shape: `{n, forward(v,o,p), slopes(v,o,p,z,d)}` in JavaScript.

    Where its rules choose by conditions, there is `pieces(v,o,p,z)` too, which tells how they are answered.

    groups: the operands as a node has them; what is in them matters only where an operand is not
    differentiated, whose numbers are taken as they are. The n others stand at v[o[p]], v[o[p+1]] and so
    on, the result is z, and the local derivatives go to d[p], d[p+1] and so on.

    Unreadable, if the operation cannot be written so.
    """
    n = sum(len(members(g)) for g, rule in zip(groups, op.rules, strict=True) if rule is not None)
    try:
        return f"{{n:{n},forward:{_forward(op, groups)},slopes:{_slopes(op, groups)}}}"
    except (TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        raise Unreadable(
            f"{op.shown} cannot be written as script ({error}); "
            "write it with operators, where(condition, x, y), NumPy's functions and other operations, see autograd.op"
        ) from error


class Pieces:
    """What an operation gives at operands of this shape, and the conditions by which its rules choose.

    Read once; `__call__` computes both for many numbers at once, as the page does for one. Unreadable as `as_script`.
    """

    def __init__(self, op: Operation, groups: Sequence[Operand]) -> None:
        try:
            self._forward = _result(_Reading(), op, groups)
            self._conditions = _rules(_Reading(), op, groups)[1]
        except (TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
            raise Unreadable(str(error)) from error

    def __call__(self, numbers: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The results, and for each a number that tells how the conditions are answered.

        numbers: an array for each operand that is differentiated.
        """
        known = {f"v[o[p+{i}]]" if i else "v[o[p]]": x for i, x in enumerate(numbers)}
        with np.errstate(all="ignore"):
            (known["z"],) = _evaluated([self._forward], known)
            found = _evaluated(self._conditions[:_MOST_PIECES], known)
        codes = np.zeros(np.shape(numbers[0]), int)
        for i, condition in enumerate(found):
            codes = codes + np.asarray(condition, bool) * (1 << i)
        return np.broadcast_to(known["z"], codes.shape), codes

    @property
    def is_piecewise(self) -> bool:
        """Whether there is a condition."""
        return bool(self._conditions)


def _evaluated(results: Sequence[Script], known: Mapping[str, object]) -> list[Operand]:
    """The numbers that these are."""
    values: dict[int, Operand] = {}
    for u in _below(results):
        parts = [values[part.serial] for part in u.parts]
        if u.what == "symbol":
            values[u.serial] = known.get(u.text, u.text == "true")
        elif u.what == "number":
            values[u.serial] = float(u.text)
        elif u.what == "?":
            values[u.serial] = np.where(*parts)
        else:
            values[u.serial] = _MEANING[u.text if u.what == "call" else u.what](*parts)
    return [values[u.serial] for u in results]


def _symbols(reading: _Reading, op: Operation, groups: Sequence[Operand]) -> list[Operand]:
    found: list[object] = []
    place = 0
    for group, rule in zip(groups, op.rules, strict=True):
        if rule is None:
            found.append(group)
            continue
        symbols = [
            reading.symbol(f"v[o[p+{place + i}]]" if place + i else "v[o[p]]") for i in range(len(members(group)))
        ]
        place += len(symbols)
        found.append(Vector(symbols) if isinstance(group, Vector) else symbols[0])
    return found


def _result(reading: _Reading, op: Operation, groups: Sequence[Operand]) -> Script:
    operands = _symbols(reading, op, groups)
    return reading.number(reading.both(lambda: op.forward(*operands)))


def _forward(op: Operation, groups: Sequence[Operand]) -> str:
    names, lines = _written([_result(_Reading(), op, groups)])
    return f"(v,o,p)=>{names[0]}" if not lines else f"(v,o,p)=>{{{lines}return {names[0]}}}"


def _rules(reading: _Reading, op: Operation, groups: Sequence[Operand]) -> tuple[list[Script], list[Script]]:
    """The local derivatives, and the conditions by which they choose."""
    operands = _symbols(reading, op, groups)
    z = reading.symbol("z")
    found: list[Script] = []
    for i, (group, rule) in enumerate(zip(groups, op.rules, strict=True)):
        if rule is None:
            continue
        slope = reading.both(lambda i=i: op.derivative(i, z, operands))  # type: ignore[misc]
        found += map(reading.number, slope if isinstance(slope, Vector) else [slope] * len(members(group)))
    return found, list(reading.pieces.values())


def _slopes(op: Operation, groups: Sequence[Operand]) -> str:
    found, pieces = _rules(_Reading(), op, groups)
    names, lines = _written(found)
    asked, before = _written(pieces)
    told = "+".join(f"({condition}?{1 << i}:0)" for i, condition in enumerate(asked[:_MOST_PIECES]))
    stores = "".join(f"d[p+{i}]={name};" if i else f"d[p]={name};" for i, name in enumerate(names))
    return f"(v,o,p,z,d)=>{{{lines}{stores}}}" + (f",pieces:(v,o,p,z)=>{{{before}return {told}}}" if pieces else "")


# ---------------------------------------------------------------- writing


def _written(results: Sequence[Script]) -> tuple[list[str], str]:
    """Results as expressions, and the lines before them that compute what is used more than once."""
    needed = _below(results)
    uses = dict.fromkeys((u.serial for u in needed), 0)
    for u in (part for v in needed for part in v.parts):
        uses[u.serial] += 1
    for u in results:
        uses[u.serial] += 1
    texts: dict[int, tuple[str, int]] = {}
    lines: list[str] = []
    for u in needed:
        text, binding = _expression(u, texts)
        if uses[u.serial] > 1 and len(text) > 3 and u.what != "number":
            name = f"t{len(lines)}"
            lines.append(f"const {name}={text};")
            text, binding = name, _ATOM
        texts[u.serial] = text, binding
    return [texts[u.serial][0] for u in results], "".join(lines)


def _below(results: Iterable[Script]) -> list[Script]:
    """The results and all that they are computed from, what is computed first before what needs it."""
    found: dict[int, Script] = {}
    waiting = list(results)
    while waiting:
        u = waiting.pop()
        if u.serial not in found:
            found[u.serial] = u
            waiting += u.parts
    return [found[serial] for serial in sorted(found)]


def _expression(u: Script, texts: dict[int, tuple[str, int]]) -> tuple[str, int]:
    """A part as text, and how tightly it binds."""

    def wrapped(parts: Iterable[Script], least: int) -> Iterator[str]:
        for part in parts:
            text, binding = texts[part.serial]
            yield text if binding >= least else f"({text})"

    if u.what == "symbol":
        return u.text, _ATOM
    if u.what == "number":
        text = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(u.text, u.text)
        text = text.removesuffix(".0")
        return (text, _ATOM) if text[0] != "-" else (text, _BINDING["neg"])
    if u.what == "call":
        return f"{u.text}({','.join(texts[part.serial][0] for part in u.parts)})", _ATOM
    binding = _BINDING[u.what]
    if u.what == "?":
        condition, x, y = wrapped(u.parts, binding + 1)
        return f"{condition}?{x}:{y}", binding
    if len(u.parts) == 1:
        (x,) = wrapped(u.parts, _ATOM)
        return f"{'-' if u.what == 'neg' else '!'}{x}", binding
    (x,) = wrapped(u.parts[:1], binding)
    # A negative number or expression on the right has parentheses too: no "--", which ends a comment of HTML.
    (y,) = wrapped(u.parts[1:], _ATOM if u.what in "+-" and texts[u.parts[1].serial][1] == 7 else binding + 1)
    return f"{x}{u.what}{y}", binding
