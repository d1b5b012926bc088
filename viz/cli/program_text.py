"""A formula as the Python program that computes it, so that what began in the shell goes on in a file of one's own."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable, Mapping, Sequence

import autograd
from autograd import Value

from .formula_text import CONSTANTS, compute, function_called, functions, label_of, normal_name, parsed, takes_number

__all__ = ["as_program"]


def as_program(text: str, values: Mapping[str, float | Sequence[float]], wrt: Iterable[str] = ()) -> str:
    """The Python program that computes a formula, goes back through it and prints its derivations.

    text, values  as for `compute`, whose errors it has
    wrt           what it derives by, names of the formula; by default every leaf
    """
    return _Program(text, values).written([normal_name(name) for name in wrt])


class _Program(ast.NodeTransformer):
    """A formula whose names, functions and constants become Python's."""

    def __init__(self, text: str, values: Mapping[str, float | Sequence[float]]) -> None:
        self._result = compute(text, values)
        self._values = {normal_name(name): value for name, value in values.items()}
        self._statements = parsed(text)
        self._mentioned = {n.id for s in self._statements for n in ast.walk(s) if isinstance(n, ast.Name)}
        self._functions = functions()
        self._imports = {"autograd": {"Value", "derive"}}
        self._constants = False

    def written(self, wrt: Sequence[str]) -> str:
        lines = [line for name, value in self._values.items() for line in self._given(name, value)]
        for s in self._statements:
            lines += self._statement(s)
        target = next(name for name, node in self._result.names.items() if node is self._result.target)
        lines += [f"{_identifier(target)}.backward()"]
        asked = [member for name in wrt or self._result.leaves for member in self._members(name) or [name]]
        lines += [f"print(derive({_identifier(target)}, {self._place(name)}))" for name in asked]
        head = ["import math", ""] if self._constants else []
        imports = [f"from {home} import {', '.join(sorted(names))}" for home, names in self._imports.items()]
        return "\n".join([*head, *imports, "", *lines, ""])

    def _given(self, name: str, value: float | Sequence[float]) -> list[str]:
        if not isinstance(value, Sequence):
            return [f"{_identifier(name)} = {_leaf(value, name)}"]
        members = ", ".join(_leaf(x, member) for x, member in zip(value, self._members(name), strict=True))
        return [f"{_identifier(name)} = [{members}]", *self._unpacked(name)]

    def _members(self, name: str) -> list[str]:
        """What the members of a list are called."""
        return [f"{name}_{k}" for k in range(1, len(self._result.lists.get(name, ())) + 1)]

    def _unpacked(self, name: str) -> list[str]:
        """A line that gives the members of a list their names, if the formula mentions one."""
        members = self._members(name)
        if self._mentioned.isdisjoint(members):
            return []
        names = ", ".join(map(_identifier, members))
        return [f"{names}{',' * (len(members) == 1)} = {_identifier(name)}"]

    def _place(self, name: str) -> str:
        """A quantity in the program: by its own name, or as a member of its list."""
        for whole, nodes in self._result.lists.items():
            if name in (members := self._members(whole)) and self._mentioned.isdisjoint(members):
                return f"{_identifier(whole)}[{members.index(name)}]" if nodes else _identifier(name)
        return _identifier(name)

    # ------------------------------------------------------------ statements

    def _statement(self, s: ast.stmt) -> list[str]:
        if isinstance(s, ast.Assign):
            return self._assigned(s.targets[0], s.value)
        assert isinstance(s, ast.Expr)
        if isinstance(s.value, ast.Name) and s.value.id in self._result.names:
            return []  # a name alone says what the target is
        return self._assigned(ast.Name("L"), s.value)

    def _assigned(self, target: ast.expr, value: ast.expr) -> list[str]:
        if not isinstance(target, ast.Name):
            names = [u.id for u in ast.walk(target) if isinstance(u, ast.Name)]
            line = f"{ast.unparse(self.visit(target))} = {self._written(value)}"
            return [line, *(f"{_identifier(u)}.label = {_quoted(label_of(u))}" for u in names)]
        name = target.id
        written = self._written(value)
        if name in self._result.lists:
            if isinstance(value, ast.List):
                nodes = zip(value.elts, self._result.lists[name], strict=True)
                written = f"[{', '.join(self._member(u, v) for u, v in nodes)}]"
            return [f"{_identifier(name)} = {written}", *self._labels(name), *self._unpacked(name)]
        node = self._result.names[name]
        if node.is_leaf:
            return [f"{_identifier(name)} = Value({written}, {_quoted(label_of(name))})"]
        if isinstance(value, ast.Name):  # another name for the same quantity is a quantity of its own
            self._imports["autograd"].add("linear")
            written = f"linear({written})"
        return [f"{_identifier(name)} = {written}", f"{_identifier(name)}.label = {_quoted(label_of(name))}"]

    def _member(self, written: ast.expr, node: Value) -> str:
        """A member of a list in a formula: a number becomes a leaf, and what has a name keeps it."""
        is_number = node.is_leaf and not isinstance(written, ast.Name)
        return f"Value({self._written(written)}, {_quoted(node.label)})" if is_number else self._written(written)

    def _labels(self, name: str) -> list[str]:
        """Lines that label the members of a list that was assigned, if they had no name before."""
        nodes = self._result.lists[name]
        own = [i for i, v in enumerate(nodes) if v.label == label_of(f"{name}_{i + 1}")]
        return [f"{_identifier(name)}[{i}].label = {_quoted(nodes[i].label)}" for i in own if not nodes[i].is_leaf]

    # ------------------------------------------------------------ expressions

    def _written(self, value: ast.expr) -> str:
        return ast.unparse(ast.fix_missing_locations(self.visit(value)))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        known = node.id in self._result.names or node.id in self._result.lists
        if not known and node.id in CONSTANTS:
            self._constants = True
            return ast.Attribute(ast.Name("math"), {"π": "pi"}.get(node.id, node.id))
        return ast.Name(_identifier(node.id))

    def visit_Call(self, node: ast.Call) -> ast.Call:
        assert isinstance(node.func, ast.Name)
        function = function_called(node.func.id, self._functions, self._result.names)
        assert function is not None
        own = (function.__module__, function.__name__)  # an operation of somebody's own
        offered = (("autograd", name) for name in autograd.__all__ if getattr(autograd, name) is function)
        home, name = next(offered, own)
        self._imports.setdefault(home, set()).add(name)
        args = [self.visit(u) for u in node.args]
        for i, (u, before) in enumerate(zip(args, node.args, strict=True)):
            if isinstance(before, ast.Name) and before.id in self._result.leaves and takes_number(function, i):
                args[i] = ast.Attribute(u, "data")
        named = [ast.keyword(k.arg, self.visit(k.value)) for k in node.keywords]
        return ast.Call(ast.Name(name), args, named)


def _leaf(x: float, name: str) -> str:
    return f"Value({float(x)!r}, {_quoted(label_of(name))})"


def _quoted(label: str | None) -> str:
    return f'"{label}"'


def _identifier(name: str) -> str:
    """A name of a formula as one of Python: w[1]_1 is w1_1."""
    found = re.sub("[ᐸᐳ]", "", name)
    return f"{found}_" if keyword.iskeyword(found) or found in ("Value", "derive", "math") else found
