"""Regularizers: what is added to the loss so that weights stay small.

A regularizer is a function of weights that gives one node. Names and formulas are those of Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import autograd
from autograd import Tensor, Value
from autograd.arguments import lookup, not_negative
from autograd.foreign import finder
from autograd.operands import Operand, describe
from autograd.ops.sums import squares

from .foreign import NAMES

__all__ = ["L1", "L1L2", "L2", "find_regularizer", "l1", "l1_l2", "l2"]

Weights = Tensor | Sequence[Operand]  # of Values, in lists of any depth
Regularizer = Callable[[Operand], Operand]


class _Penalty:
    """The base: factors that are not negative."""

    def __post_init__(self) -> None:
        for name, factor in vars(self).items():
            not_negative(type(self).__name__, name, factor)


@dataclass(frozen=True)
class L1(_Penalty):
    """l1 · Σ |w|: many weights become 0.

    Called with a Tensor, a Value, or Values in lists of any depth; gives one node.
    l1: at least 0. The derivative where w = 0 is 0.
    Source: Tibshirani, J. R. Stat. Soc. B 58 (1996).
    """

    l1: float = 0.01

    def __call__(self, weights: Weights) -> Value | Tensor:
        return self.l1 * _sum_of_sizes(_checked("L1", weights))


@dataclass(frozen=True)
class L2(_Penalty):
    """l2 · Σ w²: large weights become smaller. There is no ½, as in Keras: the derivative is 2 l2 w.

    Called with a Tensor, a Value, or Values in lists of any depth; gives one node.
    l2: at least 0.
    Source: Hoerl and Kennard, Technometrics 12 (1970); as weight decay: Krogh and Hertz, NIPS 1991.
    """

    l2: float = 0.01

    def __call__(self, weights: Weights) -> Value | Tensor:
        return self.l2 * _sum_of_squares(_checked("L2", weights))


@dataclass(frozen=True)
class L1L2(_Penalty):
    """l1 · Σ |w| + l2 · Σ w², see L1 and L2. The name "l1_l2" stands for L1L2(0.01, 0.01), as in Keras.

    Source: Zou and Hastie, J. R. Stat. Soc. B 67 (2005).
    """

    l1: float = 0.0
    l2: float = 0.0

    def __call__(self, weights: Weights) -> Value | Tensor:
        found = _checked("L1L2", weights)
        return self.l1 * _sum_of_sizes(found) + self.l2 * _sum_of_squares(found)


# As Keras code calls them: kernel_regularizer=l2(0.01).
l1, l2, l1_l2 = L1, L2, L1L2

_regularizers: dict[str, Regularizer] = {"l1": L1(), "l2": L2(), "l1_l2": L1L2(0.01, 0.01)}


def find_regularizer(regularizer: str | Regularizer | None) -> Regularizer | None:
    """The regularizer for a name; a function is returned as it is, and so is None.

    ValueError for an unknown name (suggests the nearest), TypeError for what is neither.
    """
    if regularizer is None or (callable(regularizer) and not isinstance(regularizer, type)):
        return regularizer
    known = regularizer.lower() if isinstance(regularizer, str) else regularizer
    return lookup("regularizer", known, _regularizers)


def _checked(where: str, weights: Weights) -> Tensor | list[Value]:
    """The weights as one Tensor, or as a list of Values."""
    if isinstance(weights, Tensor):
        return weights
    found: list[Value] = []
    unread: list[object] = [weights]
    while unread:
        x = unread.pop()
        if isinstance(x, Value):
            found.append(x)
        elif isinstance(x, list | tuple):
            unread.extend(reversed(x))
        else:
            raise TypeError(f"{where}: expected a Tensor or Values as weights, got {describe(x)}")
    if not found:
        raise ValueError(f"{where}: expected at least one weight, got none")
    return found


def _sum_of_sizes(weights: Tensor | list[Value]) -> Operand:
    if isinstance(weights, list):
        return autograd.sum([autograd.abs(w) for w in weights])
    return autograd.abs(weights).sum()


def _sum_of_squares(weights: Tensor | list[Value]) -> Operand:
    return autograd.dot(weights, weights) if isinstance(weights, list) else squares(weights)


__getattr__ = finder(__name__, __all__, NAMES)
