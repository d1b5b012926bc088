"""Module: what has parameters. Nets, layers and neurons are Modules, and so is a model of your own.

A Module knows nothing of how its output is computed; it finds the parameters that it holds.
"""

from __future__ import annotations

import functools
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
        return [x for _, _, x, kind in _walk(self) if kind == "node" and x.is_leaf]

    def named_parameters(self) -> list[tuple[str, Any]]:
        """All parameters with their names, in order of definition, each once.

        A name is the path of attributes, indices and keys that leads to the parameter, as in
        PyTorch: `layers.0.neurons.1.w.0`. It is unique and does not depend on labels. A parameter
        held twice has the name of its first place.
        """
        return [(_path(found), found[2]) for found in _walk(self) if found[3] == "node" and found[2].is_leaf]

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
    """Everything that `root` holds and `root` itself, in order of definition, each object once."""
    seen: set[int] = set()
    stack: list[_Found] = [(None, "", root, _kind(root.__class__))]
    while stack:
        found = stack.pop()
        _, _, x, kind = found
        if id(x) in seen:
            continue
        seen.add(id(x))
        yield found
        if kind != "node":
            items = enumerate(x) if kind == "sequence" else x.items() if kind == "dict" else vars(x).items()
            stack.extend([(found, name, u, k) for name, u in items if (k := _kind(u.__class__))][::-1])


@functools.cache
def _kind(cls: type) -> str:
    """What a class is to the search for parameters; empty if it cannot hold any."""
    if hasattr(cls, "_record"):
        return "node"
    if cls is Weights:  # a second view of parameters that a neuron holds as w and b
        return ""
    kinds = {Module: "module", dict: "dict", list: "sequence", tuple: "sequence"}
    return next((kind for known, kind in kinds.items() if issubclass(cls, known)), "")


def _path(found: _Found) -> str:
    names = []
    while found[0] is not None:
        names.append(str(found[1]))
        found = found[0]
    return ".".join(reversed(names))
