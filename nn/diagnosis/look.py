"""All that the checks may ask of a model and its samples: trials of training, scales, what is inside the net."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import numpy as np

from autograd import Tensor, gradients
from autograd.graph import topological_order
from autograd.op import Operation, operation_of

from ..activations import activations, is_of_one_number
from ..layers.normalizing import BatchNormalization, LayerNormalization
from ..layers.sequences import Embedding
from ..training.samples import TrainingData
from ..training.trials import Trial, constant_guess, seconds_of
from .findings import number
from .scales import SCALE, columns_of, range_of, scale_of, slopes_of, standardized, width_of

__all__ = ["LONG", "Look", "every", "helps", "plain", "taking"]

SECONDS = 2.0  # of one core, about, that all trials together may take; by what they compute, so that it is the same
LATEST = 3.0  # and by the clock of this thread, where a machine is slower than it should be
STEP = 0.005  # and one step of them: of a net that takes longer it gets fewer samples
FEWEST = 8  # but not fewer than so many
LONG = 5  # a model that does not learn in the steps given gets so many times as many
PATIENT = 20  # and so many before its rate is blamed, unless the loss grows


class Look:
    """All that the checks may ask of a model and its samples, measured when it is asked for.

    has_fault   whether one was found already
    samples, few   those that are looked at, and those of them that trials take
    """

    has_fault = False

    def __init__(self, model: Any, samples: TrainingData, batch_size: int, steps: int) -> None:
        self.model, self.samples, self.steps = model, samples, steps
        step = Trial(model, samples.rows(0, batch_size).fixed(), batch_size)
        loss, size = step.recorded()[1], min(batch_size, samples.samples)
        while seconds_of(loss, size, step.samples.samples) > STEP and size > FEWEST:
            size //= 2
        self._batch_size = size
        many = samples.samples // (16 * size) if size < batch_size else 1
        self.few = every(samples, 0, many) if many > 1 else samples
        self._left = SECONDS / seconds_of(loss, size, step.samples.samples)
        self._looking = self.few.samples / size / 3  # what the loss of all costs, in steps
        self._began = time.thread_time()
        self.first = self.try_out(0)
        self.guess = constant_guess(self.first)
        self.outputs = self.first.outputs()
        self.predicted, self.loss = self.first.recorded()
        self.trial = self.try_out()
        self.learns = self.has_learned(self.trial)
        # some take their time, and some penalties theirs
        compared = self.trial.penalized or self.is_to_be_scaled
        if np.isfinite(self.trial.after) and (compared or not (self.learns or self.stands_still(self.trial))):
            self._go_on(self.trial, (LONG - 1) * steps, None if compared else self.is_clear)
            self.learns = self.has_learned(self.trial)
        if not self.learns and self.is_trained and self.trial.after < 0.95 * self.guess:
            # it has learned what there is; of noisy data a fresh training, too, has less some steps and more others
            share = 1.0 if self.learns_well(self.origin) else 2 / 3
            self.learns = self.guess - self.trial.after >= share * (self.guess - self.origin.after)

    @property
    def is_over(self) -> bool:
        """True if there is no time left for more trials."""
        return self._left <= 0 or time.thread_time() - self._began > LATEST

    def _go_on(self, trial: Trial, steps: int, enough: Callable[[Trial], bool] | None) -> Trial:
        """Train for so many steps, or a third of those that are left if these are fewer; a few always."""
        before, few = trial.taken, min(steps, self.steps)
        trial.train(few if self.is_over else max(min(steps, int(self._left / 3)), few), enough)
        self._left -= trial.taken - before + 2 * self._looking
        return trial

    def try_out(
        self,
        steps: int | None = None,
        samples: TrainingData | None = None,
        enough: Callable[[Trial], bool] | None = None,
        **options: Any,
    ) -> Trial:
        """Train a copy for a few steps, or until it has shown enough."""
        trial = Trial(self.model, samples or self.few, self._batch_size, **options)
        return self._go_on(trial, self.steps if steps is None else steps, enough)

    def has_learned(self, trial: Trial, guess: float | None = None) -> bool:
        """True if the loss fell, or is well below that of a constant guess."""
        guess = self.guess if guess is None else guess
        if not np.isfinite(trial.after):
            return False
        least = self._least(trial, guess)
        if least <= 0:
            return trial.after < trial.before or (least == 0 and trial.after == 0)
        # new weights may come near by luck
        return trial.after < 0.95 * least or trial.after < (0.7 if self.is_trained else 0.5) * guess

    def _least(self, trial: Trial, guess: float) -> float:
        """What learning has to fall below."""
        return min(trial.before, guess) if np.isfinite(guess) else trial.before

    def is_clear(self, trial: Trial) -> bool:
        """True if the loss fell so far that it does not go up and down by chance."""
        return self.has_learned(trial) and trial.after < 0.8 * self._least(trial, self.guess)

    def learns_well(self, trial: Trial) -> bool:
        """True if half of the loss of a constant guess is gone: that is no luck."""
        return self.has_learned(trial) and self._left_of(trial, self.guess) < 0.5

    def stands_still(self, trial: Trial) -> bool:
        """True if the loss would change by less than a thousandth in the steps that a net gets to learn."""
        if not trial.taken or not np.isfinite(trial.after):
            return False
        return abs(trial.after - trial.before) * LONG * self.steps < 1e-3 * trial.taken * abs(trial.before)

    def would_learn(self, trial: Trial, steps: int) -> bool:
        """True if the loss falls so fast that it would have learned after so many steps, of which it got fewer."""
        if not (0 < trial.taken < steps and np.isfinite(trial.after)):
            return False
        falls = (trial.before - trial.after) / trial.taken
        return trial.before - falls * steps < 0.95 * self._least(trial, self.guess)

    @cached_property
    def is_trained(self) -> bool:
        return self.model.optimizer.iterations > 0

    @cached_property
    def origin(self) -> Trial:
        """The training from its beginning: with new weights if the model was trained already."""
        if not self.is_trained:
            return self.trial
        return self.try_out(LONG * self.steps, enough=self.learns_well, is_new=True)

    def from_origin(self, steps: int | None = None, samples: TrainingData | None = None, **options: Any) -> Trial:
        """A trial from the beginning of the training."""
        return self.try_out(steps, samples, is_new=self.is_trained, **options)

    def _left_of(self, trial: Trial, guess: float) -> float:
        """What share of the loss of a constant guess, or of that before, a trial leaves; 0 if that is not above 0."""
        whole = guess if np.isfinite(guess) else trial.before
        return trial.after / whole if whole > 0 else 0.0

    @property
    def is_to_be_scaled(self) -> bool:
        """True if data are out of scale, or wide, and the net learns nothing or little."""
        if not (self.x_scale or self.x_width or self.y_scale):
            return False
        return not self.learns or self._left_of(self.trial, self.guess) > 0.25

    @cached_property
    def learns_scaled(self) -> Trial | None:
        """The training on inputs and targets of mean 0 and deviation 1, if they are out of scale and this helps."""
        if not self.is_to_be_scaled:
            return None
        off = [any(said) for _, *said in self.scales]
        xs = [standardized(x) if is_off else x for x, is_off in zip(self.few.xs, off, strict=True)]
        samples = plain(xs, standardized(self.few.y) if self.y_scale else self.few.y)
        trial = self.from_origin(LONG * self.steps, samples)
        guess = constant_guess(trial)
        if self.learns and not self._left_of(trial, guess) < 0.7 * self._left_of(self.trial, self.guess):
            return None
        return trial if self.has_learned(trial, guess) else None

    @cached_property
    def learns_unpenalized(self) -> Trial | None:
        """The training without what regularizers add, if this helps."""
        if self.learns or not self.first.penalized:
            return None
        trial = self.from_origin(LONG * self.steps, enough=self.is_clear, with_penalties=False)
        return trial if self.has_learned(trial) else None

    @cached_property
    def learns_in_another_order(self) -> bool:
        """True if the loss went up by bad luck only."""
        return self.learns_well(self.from_origin(LONG * self.steps, enough=self.learns_well, order=1))

    @cached_property
    def learns_slowly(self) -> tuple[bool, bool]:
        """The training with many more steps, in two orders of the samples, for one may be good or bad luck."""
        steps = PATIENT * self.steps
        trials = [self.from_origin(steps, enough=self.is_clear, order=i) for i in (0, 1)]
        one, other = (self.has_learned(trial) or self.would_learn(trial, steps) for trial in trials)
        return one, other

    @property
    def asks_for_rate(self) -> bool:
        """True where the learning rate may be the cause, and nothing was found from which it follows."""
        if self.has_fault or self.learns or len(self.model.optimizer._groups) > 1:
            return False
        if self.is_trained and self.trial.after < 0.95 * min(self.guess, self.origin.before):
            return False  # it did learn something
        return not (self.learns_scaled or self.learns_unpenalized)

    # ------------------------------------------------------------ scale

    @cached_property
    def scales(self) -> list[tuple[str, str, str]]:
        """Of each input its name, what is wrong with its scale, and whether it is wide, both "" if nothing is."""
        found = []
        for i, (name, x) in enumerate(zip(self.model.input_names, self.samples.xs, strict=True)):
            takers = taking(self.model.wiring, i)
            # what is looked up, or scaled in the net, has no scale
            is_plain = takers and not any(
                isinstance(u, Embedding | BatchNormalization | LayerNormalization) for u in takers
            )
            columns = columns_of(x)
            found.append((name, *((scale_of(name, columns), width_of(name, columns)) if is_plain else ("", ""))))
        return found

    def _first_of(self, place: int) -> str:
        return next((said[place] for said in self.scales if said[place]), "")

    @property
    def x_scale(self) -> str:
        """What is wrong with the scale of the inputs; "" if nothing is."""
        return self._first_of(1)

    @property
    def x_width(self) -> str:
        """That the inputs are wide, or narrow, which a net may live with; "" if they are not."""
        return self._first_of(2)

    @cached_property
    def y_scale(self) -> str:
        """What is wrong with the scale of the targets; "" if nothing is, or if outputs have bounds."""
        y, last = self.samples.y, self.model.last_activation
        if self.model.loss.activation is not None or range_of(last) is not None or y.dtype.kind != "f":
            return ""
        top, deviation = float(np.abs(y).max()), float(y.std())
        if top > SCALE:
            return f"Targets go up to {top:.4g}."
        return f"No target is above {top:.4g}." if 0 < top < 1e-3 and deviation else ""

    # ------------------------------------------------------------ inside the net

    @cached_property
    def weights(self) -> list[tuple[str, Any]]:
        """The matrices of the net in order, with their names; not those that are looked up in."""
        looked_up = {id(p) for layer in self.model.layers if isinstance(layer, Embedding) for p in layer.parameters()}
        return [
            (p.label or name, p)
            for name, p in self.first.model.named_parameters()
            if p.ndim > 1 and id(p) not in looked_up
        ]

    @cached_property
    def gradient_sizes(self) -> list[tuple[str, float]]:
        """The root of the mean square of each matrix' gradient."""
        found = gradients(self.loss, [p for _, p in self.weights])
        return [
            (name, float(np.sqrt(np.mean(np.square(g)))) if g is not None else 0.0)
            for (name, _), g in zip(self.weights, found, strict=True)
        ]

    @cached_property
    def slopes(self) -> list[tuple[str, Operation, np.ndarray]]:
        """What each activation inside the net is called, its operation, and its slopes: samples down, units across."""
        own = [getattr(layer, "activation", None) for layer in self.model.layers]
        known = {operation_of(f) for f in (*own, *activations.values()) if f is not None and not isinstance(f, type)}
        return [
            (v.label or v.op.shown, v.op, columns_of(slopes_of(v.op, v.numpy(), v.operands[0].numpy())))
            for v in topological_order(self.predicted)
            if v.op in known and is_of_one_number(v.op) and isinstance(v.operands[0], Tensor) and v.ndim > 1
        ]


def helps(look: Look, trial: Trial | None, how: str) -> str:
    """What a trial with something changed shows; nothing without one."""
    if trial is None:
        return ""
    steps = "the same" if trial.taken == look.trial.taken else f"{trial.taken}"
    return f" With these {how} {steps} steps take the loss from {number(trial.before)} to {number(trial.after)}."


def taking(wiring: Any, place: int) -> list[Any]:
    """The first layers with parameters behind an input."""
    found, places = [], {place}
    for i, call in enumerate(wiring.calls):
        if places & {*call.sources}:
            if call.layer.parameters():
                found.append(call.layer)
            else:
                places.add(len(wiring.inputs) + i)
    return found


def plain(xs: Iterable[np.ndarray], y: np.ndarray) -> TrainingData:
    """Samples that the checks may take rows of."""
    return TrainingData(tuple(xs), y, y, None).fixed()


def every(samples: TrainingData, first: int, step: int) -> TrainingData:
    """Samples from all over, which may be sorted by what they are."""
    return plain((x[first::step] for x in samples.xs), samples.y[first::step])
