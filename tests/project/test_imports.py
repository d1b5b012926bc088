"""Who imports whom: autograd < nn < viz, no cycles, nothing optional before it is used. Read with `ast`."""

import ast
import functools
import importlib
import re
import sys

import pytest
from oracles import ROOT, run

PACKAGES = ["autograd", "nn", "viz"]  # each may import those before it
REQUIRED = {"autograd": {"numpy"}, "nn": {"numpy"}, "viz": {"numpy", "graphviz"}}
MODULES = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
)


@functools.cache
def source(module):
    return (ROOT / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")


@functools.cache
def statements(module):
    """All statements of a module, outer ones first, each with whether it is run only when it is called for."""
    found = [(ast.parse(source(module)), False)]
    for node, deferred in found:
        deferred |= isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_type_checking(node)
        parts = [getattr(node, name, ()) for name in ("body", "orelse", "handlers", "finalbody", "cases")]
        found += [(child, deferred) for part in parts for child in part]
    return found


def is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def base(module, node):
    """The full name of what `node`, a `from ... import`, takes names from."""
    parts = module.split(".")[: -node.level] if node.level else []
    return ".".join([*parts, *([node.module] if node.module else [])])


@functools.cache
def imports(module, *, everywhere):
    """Full names of what a module imports: with `everywhere` also in functions and for type checking only."""
    found = []
    for node, deferred in statements(module):
        if isinstance(node, ast.Import) and (everywhere or not deferred):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (everywhere or not deferred):
            found += [f"{base(module, node)}.{alias.name}" for alias in node.names]
    return found


def faults(of):
    """What `of` finds wrong with each module, for those with which something is wrong."""
    return {module: wrong for module in MODULES if (wrong := of(module))}


def package(name):
    return name.split(".")[0]


def module_of(name):
    """The module of ours that an imported name stands for or comes from; None for others."""
    above = name.rpartition(".")[0]
    for candidate in (name, above, f"{name}.__init__", f"{above}.__init__"):
        if candidate in MODULES:
            return candidate
    return f"{package(name)}.__init__" if package(name) in PACKAGES else None


def test_there_is_something_to_read():
    assert {package(module) for module in MODULES} == set(PACKAGES)
    assert "autograd.op" in imports("autograd.formulas.expression", everywhere=False) or any(
        name.startswith("autograd.op.") for name in imports("autograd.formulas.expression", everywhere=False)
    )


@pytest.mark.slow
def test_nothing_is_imported_upwards():
    def upwards(module):
        above = PACKAGES[PACKAGES.index(package(module)) + 1 :]
        return [name for name in imports(module, everywhere=True) if package(name) in above]

    assert faults(upwards) == {}


def test_only_what_is_required_is_imported_before_it_is_used():
    def optional(module):
        known = sys.stdlib_module_names | set(PACKAGES) | REQUIRED[package(module)]
        return [name for name in imports(module, everywhere=False) if package(name) not in known]

    assert faults(optional) == {}


def test_imports_within_a_package_are_relative():
    def absolute(module):
        return [
            ast.unparse(node)
            for node, _ in statements(module)
            if (isinstance(node, ast.Import) and any(package(alias.name) == package(module) for alias in node.names))
            or (isinstance(node, ast.ImportFrom) and not node.level and package(node.module) == package(module))
        ]

    assert faults(absolute) == {}


def test_names_with_an_underscore_are_used_in_their_own_module_only():
    def private(module):
        imported, used = [], []
        modules = {}  # what this module calls another one of ours
        for node, _ in statements(module):
            if isinstance(node, ast.ImportFrom) and (node.level or package(node.module) in PACKAGES):
                imported += [alias.name for alias in node.names if alias.name.startswith("_")]
                modules |= {
                    a.asname or a.name: a.name for a in node.names if f"{base(module, node)}.{a.name}" in MODULES
                }
        if not modules or not re.search(rf"\b(?:{'|'.join(modules)})\s*\._", source(module)):
            return imported
        for node in ast.walk(statements(module)[0][0]):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                is_private = node.attr.startswith("_") and node.attr != "__all__"  # which an __init__ hands on
                used += [f"{node.value.id}.{node.attr}"] if is_private else []
        return [*imported, *used]

    assert faults(private) == {}


def test_modules_do_not_import_each_other_in_a_circle():
    """Not even inside a function or for type checking only."""
    needs = {module: set() for module in MODULES}
    for module in MODULES:
        for name in imports(module, everywhere=True):
            needed = module_of(name)
            if needed is None or needed == module or package(needed) != package(module):
                continue
            needs[module].add(needed)
    while free := [module for module, needed in needs.items() if not needed]:
        for module in free:
            del needs[module]
        for needed in needs.values():
            needed.difference_update(free)
    assert needs == {}


def test_nothing_needs_what_only_makes_things_faster():
    for module in MODULES:
        if package(module) == "nn" or module.startswith(("autograd.fast.", "autograd.bridges.")):
            continue
        assert [name for name in imports(module, everywhere=True) if name.startswith("autograd.fast")] == [], module


@pytest.mark.parametrize("face", [module for module in MODULES if module.endswith(".__init__")])
def test_an_init_file_imports_lists_the_public_names_and_does_nothing_else(face):
    docstring, *lines = statements(face)[0][0].body
    assert isinstance(docstring, ast.Expr)
    if lines and ast.unparse(lines[-1]).startswith("__getattr__ = "):  # who answers for names of others
        lines.pop()
        if face == "nn.models.__init__":
            lines.append(ast.parse("__all__ = []").body[0])
    while lines and isinstance(lines[-1], ast.AugAssign):  # the list of a module of its own, with all that is in it
        inner = ast.unparse(lines.pop().value).removesuffix(".__all__")
        imported = [ast.unparse(node) for node in lines]
        assert f"from .{inner} import *" in imported
        assert any(re.match(rf"from \. import .*\b{inner}\b", line) for line in imported)
    *rest, names = lines or [None]
    assert all(isinstance(node, ast.ImportFrom) for node in rest)
    if names is not None:
        assert isinstance(names, ast.Assign)
        assert [target.id for target in names.targets] == ["__all__"]
        listed = ast.literal_eval(names.value)
        assert len(set(listed)) == len(listed)
        assert set(listed) <= {alias.asname or alias.name for node in rest for alias in node.names}


def test_public_names_exist_and_say_what_they_are():
    def silent(module):
        loaded = importlib.import_module(module.removesuffix(".__init__"))
        public = [loaded, *(getattr(loaded, name) for name in getattr(loaded, "__all__", ()))]
        return [thing for thing in public if (thing is loaded or callable(thing)) and not (thing.__doc__ or "").strip()]

    assert faults(silent) == {}


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_does_not_load_those_above_it(package):
    above = PACKAGES[PACKAGES.index(package) + 1 :]
    code = f"import sys, {package}; print([name for name in {above} if name in sys.modules])"
    assert run(code) == "[]"
