"""Formulas as text: `L = (sigmoid(w*x + b) - y)**2` and numbers for its names become a recorded computation.

The text is read as Python writes arithmetic, by a whitelist over its syntax tree; nothing is ever
executed. Names become labels, and every error shows its place with a caret.
"""

from __future__ import annotations

import ast
import difflib
import functools
import inspect
import keyword
import math
import re
import unicodedata
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from autograd import Value, ops
from autograd.arguments import call_of
from autograd.graph import is_node
from autograd.op import table

__all__ = [
    "CONSTANTS",
    "Computation",
    "compute",
    "function_called",
    "functions",
    "label_of",
    "normal_name",
    "parsed",
    "takes_number",
    "typed",
]

_BINARY: dict[type, Callable[..., Operand]] = {
    ast.Add: ops.add,
    ast.Sub: ops.sub,
    ast.Mult: ops.mul,
    ast.Div: ops.div,
    ast.Pow: ops.power,
}
_TARGET = "L"  # what a last expression without a name is called
_ALLOWED = "a formula has names, numbers, + - * / **, parentheses, lists [a, b] and functions such as sigmoid(z)"
_FORBIDDEN = {
    ast.Attribute: "a dot after a name",
    ast.Subscript: "brackets after a name (write w_1 for the first of w)",
    ast.Compare: "a comparison",
    ast.BoolOp: "a logical operation",
    ast.IfExp: "a condition",
    ast.Lambda: "a lambda (call the quantity lam)",
    ast.Tuple: "a comma outside of brackets",
    ast.Set: "braces",
    ast.Dict: "braces",
    ast.ListComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: "a string",
    ast.NamedExpr: "an assignment inside an expression",
    ast.Starred: "a star before a name",
    ast.AugAssign: "a changing assignment",
    ast.AnnAssign: "a colon after a name",
    ast.Import: "an import",
    ast.ImportFrom: "an import",
}
_OPERATORS = {
    ast.MatMult: "@ (a dot product is dot([a, b], [c, d]))",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Not: "not",
    ast.Invert: "~",
}
# What stands before the sign that makes the node what it is.
_LEFT = {ast.BinOp: "left", ast.Compare: "left", ast.Attribute: "value", ast.Subscript: "value", ast.IfExp: "body"}
# What has a value, unless somebody gives it another, and what people call functions.
CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e}
_ALSO = {
    "ln": "log",
    "σ": "sigmoid",
    "logistic": "sigmoid",
    "max": "maximum",
    "min": "minimum",
    "pow": "power",
    "swish": "silu",
}
_INSTEAD = {
    "mse": "mean([(a - b)**2, ...]), or squared_error(yhat, y), which is ½(ŷ − y)²",
    "bce": "binary_cross_entropy(p, y)",
}
# The layer of a name, as in w[1]_1: to Python the brackets are letters while it reads, one for one.
_OPEN, _CLOSE = "ᐸ", "ᐳ"
_LAYERED = re.compile(r"(?<![^\W_])([^\W\d_]\w*)\[(\w+)\]")
_OF_LAYER = re.compile(rf"([^\W\d_]\w*){_OPEN}(\w+?){_CLOSE}_?(\w*)")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_INDEXED = re.compile(r"([^\W\d_]+)((?:_(?:[0-9]+|[A-Za-z]))+)")
_FACTOR = re.compile(r"[\w(]")  # what a product without its * goes on with
# What people, books and our own formulas write: what is read, and what is not with how it is written here.
_SIGNS = str.maketrans(dict.fromkeys("−–", "-") | dict.fromkeys("·×⋅∙", "*") | dict.fromkeys("÷∕", "/") | {"^": "**"})
_RAISED = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_HALF = re.compile(r"(?<![\w)])½(\s*(?=[\w(]))?")
_WRITTEN = {"½": "0.5", "√": "sqrt(...)", "Σ": "sum([...])", "∑": "sum([...])"}
_EXCERPT = 72  # characters of a line that an error shows


Operand: TypeAlias = "Value | float | Sequence[Operand]"


class Computation(NamedTuple):
    """A formula that has been computed.

    target: the last quantity. names: every named quantity, those that were given first. lists: the
    members of every named list.
    """

    target: Value
    names: dict[str, Value]
    lists: dict[str, list[Value]]

    @property
    def leaves(self) -> dict[str, Value]:
        """The named quantities that no operation made."""
        return {name: node for name, node in self.names.items() if node.is_leaf}


def functions() -> dict[str, Callable[..., Operand]]:
    """The functions that a formula may use: every operation on numbers that is registered now, under its shown name."""
    known = {
        op.shown: found if callable(found := getattr(ops, op.shown, None)) else op.function for op in table.values()
    }
    known["log_softmax"] = ops.log_softmax  # made of other operations
    return dict(sorted(known.items()))


def compute(text: str, values: Mapping[str, float | Sequence[float]]) -> Computation:
    """The computation that a text describes, recorded with these values.

    text    statements `name = expression`, separated by newlines or semicolons. The target is the
            last one; if that is an expression without a name, it is called L. Functions are those
            of the table of operations, with their arguments in order or by name.
    values  a number for each name that the text does not assign, or several: x=(1, 2) gives the
            list x of x_1 and x_2. A list that is assigned names its members in the same way.

    Names are Python's identifiers; `label_of` says how they are shown.

    ValueError, with the place in the text, for anything else: syntax that is no arithmetic, unknown
    names and functions (suggests the nearest), values that are missing or not used, a name that is
    assigned twice, and what an operation refuses.
    """
    try:
        return _Reader(text, values).computation()
    except ValueError as refused:
        raise ValueError(typed(str(refused))) from None
    except (RecursionError, MemoryError):
        raise ValueError("the formula is too long or nested too deeply; write it as several statements") from None


def label_of(name: str) -> str:
    """The label for an identifier: w1 and w_1 are shown w₁, and w_1_2 becomes `w_1,2`, shown w₁₂.

    Underscores separate the parts of an index where each is a number or a letter. A name with a layer,
    w[1]_1_2, becomes w[1]_1,2. Any other identifier is a label as it stands.
    """
    if match := _OF_LAYER.fullmatch(name):
        index = match[3].replace("_", ",")
        return f"{match[1]}[{match[2]}]" + (index and f"_{index}")
    match = _INDEXED.fullmatch(name)
    return f"{match[1]}_{match[2][1:].replace('_', ',')}" if match else name


def normal_name(name: str) -> str:
    """The form in which names are compared; ValueError for what is none. A layer may be in brackets: w[1]_1,2."""
    name = _LAYERED.sub(rf"\1{_OPEN}\2{_CLOSE}", name)
    if _OPEN in name:
        name = re.sub(r"(?<!_)([₀-₉]+)", r"_\1", name).translate(_SUBSCRIPTS).replace(",", "_")
    name = unicodedata.normalize("NFKC", name)
    if keyword.iskeyword(name):
        raise ValueError(f"{name!r} is a word of Python's grammar; choose another name, such as {name[:3]}_0")
    if not name.isidentifier():
        raise ValueError(f"{name!r} is no name; names are letters, digits and _, such as w_1")
    if name in functions():
        raise ValueError(f"{name!r} is a function; choose another name")
    return name


def function_called(
    name: str, known: Mapping[str, Callable[..., Operand]], quantities: Container[str] = ()
) -> Callable[..., Operand] | None:
    """What a formula means by a function of this name, as people call them too: ln, σ, max; or None."""
    return known.get(name if name in known or name in quantities else _ALSO.get(name, name))


def parsed(text: str) -> list[ast.stmt]:
    """The statements of a formula that `compute` takes; a name with a layer is one identifier, see `typed`."""
    return ast.parse(_as_python(text)).body


def _as_python(text: str) -> str:
    text = inspect.cleandoc(text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _HALF.sub(lambda half: "0.5" if half[1] is None else "0.5*", text)
    text = _RAISED.sub(lambda power: f"**{unicodedata.normalize('NFKC', power[0])}", text).translate(_SIGNS)
    return _LAYERED.sub(rf"\1{_OPEN}\2{_CLOSE}", text)


def typed(text: str) -> str:
    """Names with a layer as they are typed: w[1]_1."""
    return text.replace(_OPEN, "[").replace(_CLOSE, "]")


class _Reader:
    """One text with what its names stand for so far."""

    def __init__(self, text: str, values: Mapping[str, float | Sequence[float]]) -> None:
        self._functions = functions()
        self._text = _as_python(text)
        self._names: dict[str, Value] = {}
        self._lists: dict[str, list[Value]] = {}
        self._given: dict[str, tuple[str, ...]] = {}  # a name with those of its members, if it is a list
        self._used: set[str] = set()
        for name, value in values.items():
            self._give(normal_name(name), value)
        self._statements = self._parse()
        self._assigned = {
            target.id
            for s in self._statements
            if isinstance(s, ast.Assign)
            for target in ast.walk(s.targets[0])
            if isinstance(target, ast.Name)
        }

    def computation(self) -> Computation:
        if not self._statements:
            raise ValueError('the formula is empty; write one such as "L = (w*x - y)**2"')
        result: Operand = 0.0
        for s in self._statements:
            result = self._statement(s, is_last=s is self._statements[-1])
        self._check_used()
        if not isinstance(result, Value):
            count = len(result) if isinstance(result, Sequence) else 0
            raise self._error(self._statements[-1], f"the target is a list of {count}; it must be one number")
        return Computation(result, self._names, self._lists)

    # ------------------------------------------------------------ statements

    def _parse(self) -> list[ast.stmt]:
        try:
            return ast.parse(self._text).body
        except SyntaxError as error:
            raise self._unreadable(error) from None
        except ValueError as error:  # a null byte, half of a surrogate pair
            raise ValueError(f"cannot read the formula: {error}") from None

    def _statement(self, s: ast.stmt, *, is_last: bool) -> Operand:
        if isinstance(s, ast.Assign):
            if len(s.targets) > 1:
                raise self._error(s.targets[1], "expected one name before '='; write each assignment by itself")
            return self._assign(s.targets[0], self._evaluate(s.value))
        if not isinstance(s, ast.Expr):
            raise self._forbidden(s)
        if not is_last:
            raise self._error(s, "this result has no name and is not the last; write name = ... before it")
        result = self._evaluate(s.value)
        if isinstance(s.value, ast.Name) and not isinstance(result, float):  # pi alone has no name
            return result
        if _TARGET in self._names or _TARGET in self._lists:
            raise self._error(s, f"the result would be called {_TARGET!r}, which is taken; write name = ... before it")
        return self._named(_TARGET, result, s)

    def _assign(self, target: ast.expr, value: Operand) -> Operand:
        if isinstance(target, ast.Name):
            return self._named(target.id, value, target)
        if not isinstance(target, ast.Tuple | ast.List):
            raise self._error(target, "expected a name before '='")
        if not isinstance(value, list) or len(value) != len(target.elts):
            came = f"{len(value)} of them" if isinstance(value, list) else "a single number"
            raise self._error(target, f"expected a list of {len(target.elts)} for as many names, got {came}")
        return [self._assign(t, u) for t, u in zip(target.elts, value, strict=True)]

    def _named(self, name: str, value: Operand, place: ast.AST) -> Operand:
        """Bind a name. A list names those of its members that have no name yet: a_1, a_2, ..."""
        if name in self._functions:
            raise self._error(place, f"{name!r} is a function; choose another name")
        if name in self._names or name in self._lists:
            how = "given as a value" if name in self._given else "assigned already"
            raise self._error(place, f"{name!r} is {how}; choose another name")
        if isinstance(value, Sequence):
            members = [
                u if isinstance(u, Value) and u.label else self._named(f"{name}_{k}", u, place)
                for k, u in enumerate(value, 1)
            ]
            self._lists[name] = [u for u in members if isinstance(u, Value)]
            return members
        if not isinstance(value, Value) or value.label is None:
            named = value if isinstance(value, Value) else Value(value)
        else:  # another name for the same quantity is a quantity of its own
            named = ops.linear(value)
        named.label = label_of(name)
        self._names[name] = named
        return named

    def _give(self, name: str, value: float | Sequence[float]) -> None:
        members: tuple[str, ...] = (name,)
        if isinstance(value, Sequence):
            members = tuple(f"{name}_{k}" for k in range(1, len(value) + 1))
        numbers = value if isinstance(value, Sequence) else (value,)
        for member, x in zip(members, numbers, strict=True):
            if member in self._names:
                raise ValueError(f"{member!r} is given twice")
            self._names[member] = Value(x, label_of(member))
        if isinstance(value, Sequence):
            self._lists[name] = [self._names[member] for member in members]
        self._given[name] = members

    def _check_used(self) -> None:
        unused = [name for name, members in self._given.items() if self._used.isdisjoint((name, *members))]
        if unused:
            formula = self._excerpt((1, 0), caret=False)
            raise ValueError(f"given but not used in the formula: {', '.join(unused)}{formula}")

    # ------------------------------------------------------------ expressions

    def _evaluate(self, node: ast.expr) -> Operand:
        """A number, a Value, or a list of them."""
        rest: list[ast.BinOp] = []
        while isinstance(node, ast.BinOp):  # a long sum leans to the left; walk it, do not recurse
            rest.append(node)
            node = node.left
        result = self._operand(node)
        for operation in reversed(rest):
            function = _BINARY.get(type(operation.op))
            if function is None:
                raise self._forbidden(operation)
            result = self._call(operation, function, result, self._evaluate(operation.right))
        return result

    def _operand(self, node: ast.expr) -> Operand:
        if isinstance(node, ast.Name):
            return self._look_up(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and type(node.value) is not bool:
            return _number(node.value)
        if isinstance(node, ast.List):
            return [self._evaluate(u) for u in node.elts]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
            return self._evaluate(node.operand)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._call(node, ops.neg, self._evaluate(node.operand))
        if isinstance(node, ast.Call):
            return self._apply(node)
        raise self._forbidden(node)

    def _apply(self, node: ast.Call) -> Operand:
        if not isinstance(node.func, ast.Name):
            raise self._error(node.func, "expected the name of a function before '('; write * for a product")
        name = node.func.id
        function = function_called(name, self._functions, self._names)
        if function is None:
            raise self._unknown_function(node.func)
        for keyword_ in node.keywords:
            if keyword_.arg is None:
                raise self._error(keyword_.value, f"two stars before a name are no part of a formula: {_ALLOWED}")
        operands = [self._evaluate(u) for u in node.args]
        named = {str(k.arg): self._evaluate(k.value) for k in node.keywords}
        try:
            bound = inspect.signature(function).bind(*operands, **named)
        except TypeError as error:
            raise self._error(node, f"{name}{call_of(function)}: {error}") from None
        arguments = [
            u.data if is_node(u) and u.is_leaf and takes_number(function, i) else u for i, u in enumerate(bound.args)
        ]
        return self._call(node, function, *arguments)

    def _call(self, node: ast.expr, function: Callable[..., Operand], *operands: Operand) -> Operand:
        try:
            return function(*operands)
        except (TypeError, ValueError, OverflowError) as refused:
            raise self._error(node, str(refused)) from None

    def _look_up(self, node: ast.Name) -> Operand:
        name = node.id
        if name in self._names or name in self._lists:
            self._used.add(name)
            return self._names[name] if name in self._names else self._lists[name]
        if name in self._functions:
            raise self._error(node, f"{name!r} is a function: write {name}{call_of(self._functions[name])}")
        if name in self._assigned:
            raise self._error(node, f"{name!r} is used before it is assigned")
        if name in CONSTANTS:
            return CONSTANTS[name]
        raise self._missing(node)

    # ------------------------------------------------------------ errors

    def _missing(self, node: ast.Name) -> ValueError:
        """No value for a name: all of them at once, so that they can be given at once."""
        base = node.id.split(_OPEN)[0]
        if base != node.id and (base in self._names or base in self._lists):
            what = f"brackets after a name say its layer; for the first of {base} write {base}_1"
            return self._error(node, f"no value for {node.id!r}; {what}")
        missing = dict.fromkeys([node.id, *self._names_without_value()])
        near = _nearest(node.id, [*self._names, *self._lists])
        suggestion = f"; did you mean {near!r}?" if near else ""
        factors = self._factors(node.id)
        if len(factors) > 1:
            suggestion = f"; did you mean {'*'.join(factors)}?"
        each = " ".join(f"{name}=..." for name in missing)
        return self._error(node, f"no value for {', '.join(map(repr, missing))}{suggestion or f': add {each}'}")

    def _factors(self, word: str) -> list[str]:
        """The names that a word is if they stand side by side, as on paper: wx is w and x; none if it is not."""
        if not word:
            return []
        known = {*self._names, *self._lists, *self._assigned, *CONSTANTS}
        for k in range(len(word), 0, -1):
            if word[:k] in known:
                rest = self._factors(word[k:])
                if rest or k == len(word):
                    return [word[:k], *rest]
        return []

    def _names_without_value(self) -> Iterator[str]:
        known = {*self._names, *self._lists, *self._assigned, *self._functions, *CONSTANTS}
        found = (n for s in self._statements for n in ast.walk(s) if isinstance(n, ast.Name))
        for n in sorted(found, key=lambda n: (n.lineno, n.col_offset)):
            if n.id not in known and n.id.rstrip("0123456789").rstrip("_") not in self._assigned:
                yield n.id

    def _unknown_function(self, node: ast.Name) -> ValueError:
        if node.id in self._names or node.id in self._lists:
            return self._error(node, f"{node.id!r} is not a function; for a product write {node.id}*(...)")
        near = _nearest(node.id, self._functions, cutoff=0.65)
        advice = f"did you mean {near!r}?" if near else f"known: {', '.join(self._functions)}"
        if node.id.casefold() in _INSTEAD:
            advice = f"write {_INSTEAD[node.id.casefold()]}"
        return self._error(node, f"unknown function {node.id!r}; {advice}")

    def _unreadable(self, error: SyntaxError) -> ValueError:
        for line, text in enumerate(self._lines, 1):
            for word in re.finditer(r"[^\W\d]\w*", text):
                if keyword.iskeyword(word[0]):
                    what = f"{word[0]!r} is a word of Python's grammar; choose another name"
                    return self._error((line, word.start()), f"cannot read the formula: {what}")
        what = (error.msg or "invalid syntax").split(". ")[0]
        place = (error.lineno or 1, max(0, (error.offset or 1) - 1))
        here = self._lines[min(place[0], len(self._lines)) - 1][place[1] :]
        advice = ""
        if here[:1] in _WRITTEN:
            advice = f"; write {_WRITTEN[here[0]]}"
        elif what in ("invalid syntax", "invalid decimal literal") and _FACTOR.match(here):
            advice = "; a product needs its *"
        return self._error(place, f"cannot read the formula: {what}{advice}")

    def _forbidden(self, node: ast.AST) -> ValueError:
        what: str | None = None
        if isinstance(node, ast.BinOp | ast.UnaryOp):
            what = _OPERATORS.get(type(node.op))
        elif isinstance(node, ast.Constant):
            kind = {str: "a string", bytes: "a string", complex: "an imaginary number"}
            what = kind.get(type(node.value), repr(node.value))
        what = what or _FORBIDDEN.get(type(node)) or "what stands here"
        return self._error(node, f"{what} is no part of a formula: {_ALLOWED}")

    def _error(self, place: ast.AST | tuple[int, int], message: str) -> ValueError:
        return ValueError(message + self._excerpt(place if isinstance(place, tuple) else self._place(place)))

    def _place(self, node: ast.AST) -> tuple[int, int]:
        """The line of a node, from 1, and its column, from 0: where it begins, or its operator."""
        left: Any = getattr(node, _LEFT.get(type(node), ""), None)
        begin: Any = node
        line, byte = (begin.lineno, begin.col_offset) if left is None else (left.end_lineno, left.end_col_offset)
        text = self._lines[line - 1].encode()
        column = len(text[:byte].decode())
        if left is not None:
            rest = text[byte:].decode()
            column += len(rest) - len(rest.lstrip(" )"))
        return line, column

    @functools.cached_property
    def _lines(self) -> list[str]:
        return self._text.split("\n")

    def _excerpt(self, place: tuple[int, int], *, caret: bool = True) -> str:
        """The line of a place, with a caret under it."""
        line, column = place
        shown = self._lines[min(line, len(self._lines)) - 1]
        first = max(0, min(column - _EXCERPT // 2, len(shown) - _EXCERPT))
        before, after = "…" * (first > 0), "…" * (len(shown) > first + _EXCERPT)
        shown = "".join(c if c.isprintable() else " " for c in shown[first : first + _EXCERPT])
        under = before.replace("…", " ") + "".join(
            "" if unicodedata.combining(c) else " " for c in shown[: column - first].ljust(column - first)
        )
        return f"\n  {before}{shown}{after}" + f"\n  {under}^" * caret


def takes_number(function: Callable[..., Operand], i: int) -> bool:
    """Whether a named value stands for its number as operand i: one that is not differentiated, or a class."""
    if function in (ops.cross_entropy, ops.softmax_cross_entropy):
        return i == 1
    op = getattr(function, "op", None)
    return op is not None and op.rules[i : i + 1] == (None,)


def _number(x: int | float) -> float:
    """A literal as a float; an integer beyond all floats is infinite, as such a decimal is."""
    try:
        return float(x)
    except OverflowError:
        return math.inf


def _nearest(name: str, known: Iterable[str], cutoff: float = 0.75) -> str | None:
    same = [other for other in known if other.casefold() == name.casefold()]
    return next(iter(same or difflib.get_close_matches(name, known, n=1, cutoff=cutoff)), None)
