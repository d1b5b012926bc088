"""Optimizers: what turns gradients into new weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd.graph import is_node
from autograd.op import describe
from autograd.value import NO_GRADIENT

from .arguments import not_negative
from .module import Module, clear_gradients

__all__ = ["SGD"]


class SGD:
    """Gradient descent, w = w - α ∂L/∂w; stochastic if L is the loss of a sample or a small batch.

    parameters: what to train, usually `model.parameters()`. learning_rate: α, a finite number of at
    least 0; it may be changed between steps. A training step is::

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    """

    def __init__(self, parameters: Iterable[Any], learning_rate: float = 0.01) -> None:
        self.parameters = checked_parameters("SGD", parameters)
        self.learning_rate = learning_rate

    @property
    def learning_rate(self) -> float:
        """The step size α."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: float) -> None:
        self._learning_rate = not_negative("SGD", "learning_rate", learning_rate)

    def step(self) -> None:
        """Move every parameter against its gradient. RuntimeError if no backward pass gave one."""
        if all(p.grad is NO_GRADIENT for p in self.parameters):
            raise RuntimeError(
                "SGD.step(): no parameter has a gradient since the last zero_grad(); "
                "call loss.backward() first, with a loss computed from these parameters"
            )
        for p in self.parameters:
            p.data -= self._learning_rate * p.grad

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, before a new backward pass."""
        clear_gradients(self.parameters)

    def __repr__(self) -> str:
        return f"SGD({len(self.parameters)} parameters, learning_rate={self.learning_rate!r})"


def checked_parameters(where: str, parameters: Any) -> list[Any]:
    """The parameters as a list: at least one, leaf nodes only, each once."""
    if isinstance(parameters, Module) or is_node(parameters):
        remedy = "pass model.parameters()" if isinstance(parameters, Module) else "pass [w]"
        raise TypeError(f"{where}: expected a list of parameters, got one {describe(parameters)}; {remedy}")
    if not isinstance(parameters, Iterable):
        raise TypeError(f"{where}: expected a list of parameters, got {describe(parameters)}")
    found = list(parameters)
    if not found:
        raise ValueError(f"{where}: expected at least one parameter, got none")
    for i, p in enumerate(found):
        if not is_node(p):
            raise TypeError(f"{where}: expected parameters, got {describe(p)} at place {i}")
        if not p.is_leaf:
            raise ValueError(f"{where}: parameter {i} is a result of {p.op.name}; train what it is computed from")
    if len({id(p) for p in found}) < len(found):
        raise ValueError(f"{where}: a parameter is given twice and would move twice as far; give each once")
    return found
