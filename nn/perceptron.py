"""The perceptron: one neuron with a loss and the learning rule, as a first lecture derives it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from autograd import Value, binary_cross_entropy, no_grad, squared_error
from autograd.arguments import Rng, lookup, not_negative, positive_integer, shaped_array
from autograd.graph import is_node
from autograd.operands import Operand

from .module import Module, clear_gradients
from .neurons import Neuron, inputs
from .samples import check_finite

__all__ = ["Fit", "Perceptron"]

# task: the activation and the loss that belong to it
TASKS = {
    "regression": ("linear", squared_error),
    "classification": ("sigmoid", binary_cross_entropy),
}


class Fit(NamedTuple):
    """How the learning went.

    losses: the mean loss over the samples in each iteration, each sample's taken just before its
    update. converged: True if the weights stabilised, False if the iterations ran out.
    """

    losses: list[float]
    iterations: int
    converged: bool


class Perceptron(Module):
    """One neuron that learns: ŷ = g(w₁x₁ + ... + wₙxₙ + b).

    nin: the number of inputs. task: "regression" (g linear, L = ½(y - ŷ)²) or "classification"
    (g = σ, L = -y log ŷ - (1 - y) log(1 - ŷ), y is 0 or 1). rng: an int seed, a numpy Generator or
    None; the weights start uniform in ±0.5, the bias at 0.

    Its nodes are called x_1, ..., w_1, ..., b, z (classification only; in regression it is ŷ),
    yhat, y and L. For both tasks ∂L/∂wₖ = -xₖ(y - ŷ) and ∂L/∂b = -(y - ŷ).

    Call it with one sample for the Value ŷ.
    """

    settled: tuple[str, ...] = ("nin", "task", "rng")
    neuron: Neuron

    def is_settled(self) -> bool:
        """True once there is a neuron."""
        return "neuron" in vars(self)

    def __init__(self, nin: int, task: str = "regression", *, rng: Rng = None) -> None:
        activation, self._loss = lookup("task", task, TASKS)
        self.task = task
        self.neuron = Neuron(positive_integer("Perceptron", "nin", nin), activation, initializer="uniform", rng=rng)

    @property
    def w(self) -> tuple[Value, ...]:
        """The weights w_1, w_2, ..."""
        return self.neuron.w

    @property
    def b(self) -> Value:
        """The bias."""
        return self.neuron.b

    def __call__(self, x: Operand) -> Value:
        yhat = self.neuron(inputs(x))
        yhat.label = "yhat"
        return yhat

    def loss(self, x: Operand, y: Operand) -> Value:
        """L for one sample. x: nin numbers or Values; y: the target, a number or Value."""
        loss = self._loss(self(x), y if is_node(y) else Value(y, "y"))
        loss.label = "L"
        return loss

    def predict(self, x: ArrayLike) -> np.ndarray:
        """ŷ for every row of x, shape (samples, nin); in classification the probability of y = 1."""
        rows = self._rows("predict", x)
        with no_grad():
            return np.array([self.neuron(row).data for row in rows])

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        learning_rate: float = 0.1,
        max_iterations: int = 1000,
        tolerance: float = 1e-6,
    ) -> Fit:
        """Learn: for each sample in turn w = w - α ∂L/∂w, until the weights stabilise.

        x: (samples, nin); y: (samples,). An iteration is one pass over the samples, in their order.
        It stops when no weight has changed by more than `tolerance` over an iteration, or after
        max_iterations.

        ValueError for shapes that do not fit, nan or infinity, and labels other than 0 and 1;
        RuntimeError if the weights grow beyond all numbers (the learning rate is too large).
        """
        rows = self._rows("fit", x)
        targets = shaped_array("Perceptron.fit: y", y, (len(rows),))
        check_finite("y", targets)
        if self.task == "classification" and not np.isin(targets, (0.0, 1.0)).all():
            wrong = targets[~np.isin(targets, (0.0, 1.0))][0]
            raise ValueError(f"Perceptron.fit: expected labels 0 and 1 in y, got {wrong:g}")
        learning_rate = not_negative("Perceptron.fit", "learning_rate", learning_rate)
        max_iterations = positive_integer("Perceptron.fit", "max_iterations", max_iterations)
        tolerance = not_negative("Perceptron.fit", "tolerance", tolerance)

        samples = [(inputs(row), Value(t, "y")) for row, t in zip(rows, targets.tolist(), strict=True)]
        parameters = self.parameters()
        losses: list[float] = []
        for iteration in range(1, max_iterations + 1):
            before = [p.data for p in parameters]
            total = sum(self._learn(row, target, parameters, learning_rate) for row, target in samples)
            losses.append(total / len(samples))
            if not all(math.isfinite(p.data) for p in parameters):
                raise RuntimeError(
                    f"Perceptron.fit: the weights grew beyond all numbers in iteration {iteration}; "
                    f"use a learning_rate below {learning_rate:g}, or scale x"
                )
            if all(abs(p.data - data) <= tolerance for p, data in zip(parameters, before, strict=True)):
                return Fit(losses, iteration, converged=True)
        return Fit(losses, max_iterations, converged=False)

    def _learn(self, x: list[Value], y: Value, parameters: list[Value], learning_rate: float) -> float:
        loss = self.loss(x, y)
        clear_gradients(parameters)
        loss.backward()
        for p in parameters:
            p.data -= learning_rate * p.grad
        return loss.data

    def _rows(self, where: str, x: ArrayLike) -> list[list[float]]:
        rows = shaped_array(f"Perceptron.{where}: x", x, (None, self.neuron.nin))
        if where == "fit" and not len(rows):
            raise ValueError("Perceptron.fit: expected at least one sample, got none")
        check_finite("x", rows)
        return rows.tolist()

    def __repr__(self) -> str:
        return f"Perceptron({self.neuron.nin}, {self.task!r})"
