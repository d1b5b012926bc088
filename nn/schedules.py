"""Learning rates that change: from the number of a step to the rate of that step.

A schedule is any function step -> rate; steps count from 0, and are epochs if it is asked once an
epoch. Names, arguments and formulas are those of Keras; `Warmup` goes around any of them.
`ReduceOnPlateau` is no function of the step: it looks at how the training goes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autograd.arguments import checked_fraction, not_negative, positive_integer, whole_number
from autograd.foreign import finder
from autograd.operands import real

from .foreign import NAMES

__all__ = ["Constant", "CosineDecay", "ExponentialDecay", "ReduceOnPlateau", "StepDecay", "Warmup"]

Schedule = Callable[[int], float]


class _Schedule:
    """The base: what is a number of steps is a positive integer, other numbers are finite and not negative."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name != "staircase" and not callable(value):
                check = positive_integer if name in ("steps", "step_size", "decay_steps") else not_negative
                check(type(self).__name__, name, value)

    def __call__(self, step: int) -> float:
        if not real(step, f"{type(self).__name__}: step") >= 0:
            raise ValueError(f"{type(self).__name__}: expected step to be at least 0, got {step}")
        return self._rate(step)

    def _rate(self, step: float) -> float:
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(_Schedule):
    """The same rate at every step."""

    learning_rate: float

    def _rate(self, step: float) -> float:
        return self.learning_rate


@dataclass(frozen=True)
class StepDecay(_Schedule):
    """initial_learning_rate · factor ^ ⌊step / step_size⌋: times `factor` after every `step_size` steps.

    Source: documentation of torch.optim.lr_scheduler.StepLR (factor is its gamma).
    """

    initial_learning_rate: float
    step_size: int
    factor: float = 0.1

    def _rate(self, step: float) -> float:
        return self.initial_learning_rate * self.factor ** (step // self.step_size)


@dataclass(frozen=True)
class ExponentialDecay(_Schedule):
    """initial_learning_rate · decay_rate ^ (step / decay_steps).

    staircase: the exponent rounded down, so that the rate falls in steps.
    Source: documentation of keras.optimizers.schedules.ExponentialDecay.
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def _rate(self, step: float) -> float:
        exponent = step // self.decay_steps if self.staircase else step / self.decay_steps
        return self.initial_learning_rate * self.decay_rate**exponent


@dataclass(frozen=True)
class CosineDecay(_Schedule):
    """Half a cosine, from initial_learning_rate at step 0 down to alpha times it at decay_steps.

    The rate is initial · ((1 - α) ½(1 + cos(π step / decay_steps)) + α), and stays where it ends.
    Source: Loshchilov and Hutter, ICLR 2017 (arXiv:1608.03983); documentation of
    keras.optimizers.schedules.CosineDecay, whose warm-up is `Warmup(CosineDecay(...), steps)`.
    """

    initial_learning_rate: float
    decay_steps: int
    alpha: float = 0.0

    def _rate(self, step: float) -> float:
        done = min(step / self.decay_steps, 1.0)
        share = (1 + math.cos(math.pi * done)) / 2
        return self.initial_learning_rate * ((1 - self.alpha) * share + self.alpha)


@dataclass(frozen=True)
class Warmup(_Schedule):
    """A straight line from `start` up to where `schedule` begins, then the schedule from its step 0.

    schedule: a schedule, or a rate that is then kept. steps: how many the line takes; at step
    `steps` the schedule has begun.
    """

    schedule: Schedule | float
    steps: int
    start: float = 0.0

    def __post_init__(self) -> None:
        if not callable(self.schedule):
            object.__setattr__(self, "schedule", Constant(not_negative("Warmup", "schedule", self.schedule)))
        super().__post_init__()

    def _rate(self, step: float) -> float:
        schedule: Any = self.schedule
        if step >= self.steps:
            return schedule(step - self.steps)
        return self.start + (schedule(0) - self.start) * step / self.steps


class ReduceOnPlateau:
    """A rate that is cut whenever a monitored value has not improved for a while.

    learning_rate: where it starts, and is now. factor: what it is multiplied by, below 1.
    patience: after how many epochs in a row without improvement. mode: "min" if smaller values are
    better, "max" if larger ones are. min_delta: a smaller gain is none. cooldown: for how many
    epochs after a cut nothing is counted, the last of them excepted. min_learning_rate: no cut goes
    below it.

    Source: documentation and behaviour of keras.callbacks.ReduceLROnPlateau. torch's scheduler of
    that name waits one epoch longer at the same patience.
    """

    def __init__(
        self,
        learning_rate: float,
        *,
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "min",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_learning_rate: float = 0.0,
    ) -> None:
        where = "ReduceOnPlateau"
        if mode not in ("min", "max"):
            raise ValueError(f"{where}: expected mode to be 'min' or 'max', got {mode!r}")
        self.learning_rate = not_negative(where, "learning_rate", learning_rate)
        self.factor = checked_fraction(where, "factor", factor)
        self.patience = positive_integer(where, "patience", patience)
        self.mode = mode
        self.min_delta = not_negative(where, "min_delta", min_delta)
        self.cooldown = whole_number(where, "cooldown", cooldown)
        self.min_learning_rate = not_negative(where, "min_learning_rate", min_learning_rate)
        self.best = math.inf if mode == "min" else -math.inf
        self.waited = 0
        self.cooling = 0

    def update(self, value: float) -> float:
        """The rate for the next epoch, after one that ended with `value`. nan is no improvement."""
        value = real(value, "ReduceOnPlateau: value")
        if self.cooling:
            self.cooling -= 1
            self.waited = 0
        if self._improves(value):
            self.best = value
            self.waited = 0
        elif not self.cooling:
            self.waited += 1
            if self.waited >= self.patience and self.learning_rate > self.min_learning_rate:
                self.learning_rate = max(self.learning_rate * self.factor, self.min_learning_rate)
                self.cooling = self.cooldown
                self.waited = 0
        return self.learning_rate

    def _improves(self, value: float) -> bool:
        return value < self.best - self.min_delta if self.mode == "min" else value > self.best + self.min_delta

    def __repr__(self) -> str:
        return f"ReduceOnPlateau(learning_rate={self.learning_rate!r}, best={self.best!r}, waited={self.waited})"


__getattr__ = finder(__name__, __all__, NAMES)
