"""Module: what has parameters. Nets, layers and neurons are Modules, and so is a model of your own.

A Module knows nothing of how its output is computed; it finds the parameters that it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from autograd.fused import Weights
from autograd.value import NO_GRADIENT

__all__ = ["Module"]


class Module:
    """The base of everything that has parameters.

    A parameter is a leaf node (a Value) kept as an attribute, or inside lists, tuples, dicts and
    Modules that are. Results of operations are not parameters; plain numbers and arrays are not::

        class Line(Module):
            def __init__(self):
                self.slope, self.intercept = Value(1.0), Value(0.0)

            def __call__(self, x):
                return self.slope * x + self.intercept

    training: True until `eval()` is called; modules that behave differently in training look at it.
    """

    training: bool = True

    def parameters(self) -> list[Any]:
        """All parameters in order of definition, each once."""
        nodes: dict[Any, None] = {}
        for _, _, x, kind in _walk(self):
            if kind == "nodes":
                nodes.update(dict.fromkeys(x))
            elif kind == "node":
                nodes[x] = None
        return [x for x in nodes if x.is_leaf]

    def named_parameters(self) -> list[tuple[str, Any]]:
        """All parameters with their names, in order of definition, each once.

        A name is the path of attributes, indices and keys that leads to the parameter, as in
        PyTorch: `layers.0.neurons.1.w.0`. It is unique and does not depend on labels. A parameter
        held twice has the name of its first place.
        """
        names: dict[Any, str] = {}
        for found in _walk(self):
            if found[3] == "nodes":
                for i, x in enumerate(found[2]):
                    names.setdefault(x, _path((found, i, x, "node")))
            elif found[3] == "node":
                names.setdefault(found[2], _path(found))
        return [(name, x) for x, name in names.items() if x.is_leaf]

    def modules(self) -> list[Module]:
        """This module and all modules inside it, each once."""
        return [x for _, _, x, kind in _walk(self) if kind == "module"]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, before a new backward pass."""
        clear_gradients(self.parameters())

    def train(self, mode: bool = True) -> Any:
        """Set `training` here and in every module inside; returns the module itself."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Any:
        """The opposite of `train()`: behave as in prediction; returns the module itself."""
        return self.train(False)


def clear_gradients(parameters: Iterable[Any]) -> None:
    """Give every parameter the gradient of a node that no backward pass has reached."""
    for p in parameters:
        p.grad = NO_GRADIENT


# What the search comes across: (where it was held, under which name or index, the object, its kind).
_Found = tuple[Any, Any, Any, str]


def _walk(root: Any) -> Iterator[_Found]:
    """What `root` holds and `root` itself, in order of definition, all but nodes once.

    A sequence of nodes alone is given as a whole: nets consist of these.
    """
    found: _Found = (None, "", root, _kinds[root.__class__])
    yield found
    seen = {id(root)}
    stack = [(found, _items(root, found[3]))]
    while stack:
        holder, unread = stack[-1]
        for name, x in unread:
            kind = _kinds[x.__class__]
            if not kind:
                continue
            if kind == "node":
                yield holder, name, x, kind
            elif id(x) not in seen:
                seen.add(id(x))
                if kind == "sequence" and len(classes := set(map(type, x))) == 1 and _kinds[classes.pop()] == "node":
                    yield holder, name, x, "nodes"
                    continue
                found = holder, name, x, kind
                yield found
                stack.append((found, _items(x, kind)))
                break
        else:
            stack.pop()


def _items(x: Any, kind: str) -> Iterator[tuple[Any, Any]]:
    """What x holds, with the names or indices under which it does."""
    return iter(enumerate(x) if kind == "sequence" else (x if kind == "dict" else vars(x)).items())


class _Kinds(dict[type, str]):
    """What each class is to the search for parameters, worked out once; empty if it cannot hold any."""

    def __missing__(self, cls: type) -> str:
        if hasattr(cls, "_record"):
            kind = "node"
        elif cls is Weights:  # a second view of parameters that a neuron holds as w and b
            kind = ""
        else:
            kinds = {Module: "module", dict: "dict", list: "sequence", tuple: "sequence"}
            kind = next((kind for known, kind in kinds.items() if issubclass(cls, known)), "")
        return self.setdefault(cls, kind)


_kinds = _Kinds()


def _path(found: _Found) -> str:
    names = []
    while found[0] is not None:
        names.append(str(found[1]))
        found = found[0]
    return ".".join(reversed(names))
