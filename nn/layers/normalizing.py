"""Layers that bring numbers to mean 0 and variance 1, and learn from there what they should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from autograd import Tensor
from autograd.arguments import checked_fraction, not_negative
from autograd.formulas.names import Name
from autograd.operands import Operand
from autograd.ops.sums import standardize

from ..attributes import Check
from .base import BatchLayer, Shape, ShapeLike, Step

__all__ = ["BatchNormalization", "LayerNormalization"]


class _Normalization(BatchLayer):
    checks: ClassVar[Mapping[str, Check]] = {"epsilon": not_negative}
    gamma: Operand
    beta: Operand

    def __init__(self, epsilon: float = 1e-3, *, input_shape: ShapeLike | None = None, name: str | None = None) -> None:
        super().__init__(input_shape=input_shape, name=name)
        self.epsilon = epsilon
        self.gamma = self.beta = None
        self._standard: str | None = None
        self._z: str | None = None

    def make_parameters(self, input_shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> None:
        self.gamma = Tensor(np.ones(input_shape[-1:]), dtype=dtype)
        self.beta = Tensor(np.zeros(input_shape[-1:]), dtype=dtype)

    def steps(self) -> list[Step]:
        return [(self._normalized, (), self._standard), (self._stretched, (), self._z)]

    def _normalized(self, x: Operand) -> Operand:
        raise NotImplementedError

    def _stretched(self, x: Operand) -> Operand:
        return x * self.gamma + self.beta

    def name_nodes(self, layer: int) -> None:
        called = (Name(base, str(layer)).label() for base in ("gamma", "beta", "Zhat", "Ztilde"))
        self.gamma.label, self.beta.label, self._standard, self._z = called


class LayerNormalization(_Normalization):
    """Each sample (each step of a sequence, each place of an image) to mean 0 and variance 1 over its features.

    Then γ times that plus β, one of each for every feature. epsilon: is added to the variance.

    gamma  γ, (features,), 1 at first
    beta   β, (features,), 0 at first

    Source: Ba, Kiros and Hinton, arXiv:1607.06450.
    """

    def _normalized(self, x: Operand) -> Operand:
        return standardize(x, -1, self.epsilon)


class BatchNormalization(_Normalization):
    """Each feature to mean 0 and variance 1 over the samples of a batch (and the steps or places in them).

    Then γ times that plus β. In training mean and variance are those of the batch, and moving averages follow them,
    m ← momentum · m + (1 - momentum) · mean of the batch; after `eval()`, and in `predict` and `evaluate`, the moving
    ones are taken, so that no sample looks at another. Both are kept in files and are no parameters. Labelled are
    Ẑ[l], Z̃[l], and in a derivation μ[l] and s[l], the root of variance and epsilon.

    momentum: below 1. epsilon: is added to the variance.

    gamma, beta                    (features,), 1 and 0 at first
    moving_mean, moving_variance   (features,), arrays, 0 and 1 at first

    A batch whose numbers are not finite leaves the moving ones alone. Source: Ioffe and Szegedy, arXiv:1502.03167.
    """

    checks: ClassVar[Mapping[str, Check]] = {"momentum": checked_fraction}
    moving_mean: Operand
    moving_variance: Operand

    def __init__(
        self,
        *,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        input_shape: ShapeLike | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(epsilon=epsilon, input_shape=input_shape, name=name)
        self.momentum = momentum
        self.moving_mean = self.moving_variance = None
        self._number: int | None = None

    def make_parameters(self, input_shape: Shape, dtype: np.dtype, rng: np.random.Generator) -> None:
        super().make_parameters(input_shape, dtype, rng)
        self.moving_mean = np.zeros(input_shape[-1:], dtype)
        self.moving_variance = np.ones(input_shape[-1:], dtype)

    def _known(self, base: str, numbers: np.ndarray, x: Operand) -> Operand:
        """What training left, by name where a graph is recorded: a derivation shows it as it shows that of a batch."""
        if self._number is None or x.__class__ is not Tensor:
            return numbers
        found = Tensor(numbers).detach()
        found._label = Name(base, str(self._number)).label()
        return found

    def name_nodes(self, layer: int) -> None:
        super().name_nodes(layer)
        self._number = layer

    def _normalized(self, x: Operand) -> Operand:
        if not self.training:
            spread = np.sqrt(self.moving_variance + self.epsilon)
            return (x - self._known("mu", self.moving_mean, x)) / self._known("s", spread, x)
        others = tuple(range(x.ndim - 1))
        numbers = x.numpy() if isinstance(x, Tensor) else x
        if numbers.size:
            mean, variance = numbers.mean(others), numbers.var(others)
            if np.isfinite(variance).all():
                m = self.moving_mean.dtype.type(self.momentum)
                self.moving_mean = m * self.moving_mean + (1 - m) * mean
                self.moving_variance = m * self.moving_variance + (1 - m) * variance
        return standardize(x, others, self.epsilon)
