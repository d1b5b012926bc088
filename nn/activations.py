"""The activations of the lectures by name. Any function of one Value, or of one Tensor, serves as well.

Formulas, derivatives and sources are with the operations in `autograd`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard

import numpy as np

from autograd import (
    Tensor,
    elu,
    gelu,
    hard_sigmoid,
    leaky_relu,
    linear,
    log_softmax,
    mish,
    randomized_leaky_relu,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from autograd.arguments import Rng, generator, lookup
from autograd.foreign import finder
from autograd.op import Operation, named
from autograd.operands import Operand, drawn

from .foreign import NAMES
from .module import Module

__all__ = [
    "RandomizedLeakyReLU",
    "activations",
    "find_activation",
    "is_over_layer",
    "leaky_relu",
    "linear",
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "tanh",
]

Function = Callable[..., Operand]


class RandomizedLeakyReLU(Module):
    """leaky_relu with a slope below zero that is drawn anew at each call in training, for each number of a Tensor.

    The slope is uniform in [lower, upper]; after `eval()` it is their mean, and no random number
    is drawn. rng: an int seed, a numpy Generator or None.
    Source: Xu, Wang, Chen and Li, arXiv:1505.00853 (2015).
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, *, rng: Rng = None) -> None:
        self.lower, self.upper = lower, upper
        self.rng: np.random.Generator = generator(rng)

    def __call__(self, x: Operand) -> Operand:
        if not self.training or not isinstance(x, Tensor | np.ndarray):
            return randomized_leaky_relu(x, self.lower, self.upper, training=self.training, rng=self.rng)
        slopes = drawn(x, self.rng.uniform, self.lower, self.upper, x.shape).astype(x.dtype)
        return leaky_relu(x, slopes)


activations: dict[str, Function] = {
    "linear": linear,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "randomized_leaky_relu": RandomizedLeakyReLU,
    "softplus": softplus,
    "softmax": softmax,
    "log_softmax": log_softmax,
    **{f.__name__: f for f in (elu, gelu, hard_sigmoid, mish, selu, silu, softsign)},
}
# Other names, unless an operation of one's own bears them.
ALIASES: dict[str, Function] = {"swish": silu, "hardsigmoid": hard_sigmoid}


def find_activation(activation: str | Function, *, rng: Rng = None) -> Function:
    """The function for a name; a function is returned as it is.

    activation: also the name of any operation on single numbers, such as one of your own: "softsign" after
    `@elementwise(...)` over `def softsign(x)`. rng: where an activation that draws random numbers takes them from.
    ValueError for an unknown name (suggests the nearest), TypeError for what is neither.
    """
    if callable(activation) and not isinstance(activation, type):
        return activation
    if isinstance(activation, str) and activation not in activations and is_of_one_number(op := named(activation)):
        return op.function
    if isinstance(activation, str) and activation in ALIASES:
        return ALIASES[activation]
    found = lookup("activation", activation, activations)
    return found(rng=rng) if isinstance(found, type) else found


def is_of_one_number(op: Operation | None) -> TypeGuard[Operation]:
    """True for an operation on each number by itself, such as tanh: what can be the activation of a unit."""
    return op is not None and len(op.rules) == 1 and not op.reduces


def is_over_layer(activation: Function) -> bool:
    """True for an activation that takes the weighted sums of a whole layer, not of one unit."""
    return activation is softmax or activation is log_softmax


def check_units(where: str, activation: Function, units: int) -> None:
    """ValueError for an activation over a whole layer where that is a single unit."""
    if units == 1 and is_over_layer(activation):
        raise ValueError(f"{where}: softmax over a single unit is always 1; use 'sigmoid' for a yes or no")


def activation_name(activation: Function) -> str:
    """How a repr writes it: the name in the table, or what the function calls itself."""
    for name, known in activations.items():
        if activation is known or activation.__class__ is known:
            return name
    return getattr(activation, "__name__", type(activation).__name__)


__getattr__ = finder(__name__, __all__, NAMES)
