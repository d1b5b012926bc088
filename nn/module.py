"""Module: what has parameters. Nets, layers and neurons are Modules, and so is a model of your own.

A Module knows nothing of how its output is computed; it finds the parameters that it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from autograd.graph import is_node
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
        return [p for _, p in self.named_parameters()]

    def named_parameters(self) -> list[tuple[str, Any]]:
        """All parameters with their names, in order of definition, each once.

        A name is the path of attributes, indices and keys that leads to the parameter, as in
        PyTorch: `layers.0.neurons.1.w.0`. It is unique and does not depend on labels. A parameter
        held twice has the name of its first place.
        """
        return [(path, x) for path, x in _walk(self) if is_node(x) and x.is_leaf]

    def modules(self) -> list[Module]:
        """This module and all modules inside it, each once."""
        return [x for _, x in _walk(self) if isinstance(x, Module)]

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


def _walk(root: Any) -> Iterator[tuple[str, Any]]:
    """Everything that `root` holds, with its path, in order of definition, each object once."""
    seen: set[int] = set()
    stack = [("", root)]
    while stack:
        path, x = stack.pop()
        if id(x) in seen:
            continue
        seen.add(id(x))
        yield path, x
        start = f"{path}." if path else ""
        stack.extend([(f"{start}{name}", u) for name, u in _held(x) if _may_hold_parameters(u)][::-1])


def _held(x: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(x, Module):
        return vars(x).items()
    if isinstance(x, dict):
        return x.items()
    return enumerate(x) if isinstance(x, list | tuple) else ()


def _may_hold_parameters(x: Any) -> bool:
    return isinstance(x, Module | dict | list | tuple) or is_node(x)
