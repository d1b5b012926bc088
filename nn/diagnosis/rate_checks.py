"""What is wrong with the training: its rate, and what regularizers add. Told by trying others."""

from __future__ import annotations

import numpy as np

from ..training.trials import Trial
from .findings import Finding, Found, number
from .look import LONG, Look, helps
from .scales import SCALE

__all__ = ["rate_too_large", "rate_too_small", "regularization"]

RATES = 7  # smaller learning rates that are tried, a half of a power of ten apart


def regularization(look: Look) -> Found:
    """Regularizers that keep the net from learning."""
    if look.learns_unpenalized:
        yield Finding(
            "regularization too strong",
            "hint",
            "the loss",
            f"{helps(look, look.learns_unpenalized, 'left out').strip().replace('these', 'what regularizers add')}",
            "Make the factors of the regularizers smaller, by 10 at a time.",
        )


def rate_too_large(look: Look) -> Found:
    """A learning rate at which the loss grows."""
    origin, rate = look.origin, look.model.optimizer.learning_rate
    if not rate or not look.asks_for_rate or look.has_learned(origin) or not np.isfinite(origin.before):
        return
    blows_up = not origin.after <= 1.2 * origin.before
    if blows_up and look.learns_in_another_order:
        return
    trials: list[tuple[float, Trial]] = []
    for part in SCALE * 10 ** (0.5 * np.arange(RATES)):
        if trials and look.is_over:
            break
        tried = float(f"{rate / part:.1g}")  # what is named is what was tried
        trial = look.from_origin(LONG * look.steps, enough=look.learns_well, factor=tried / rate)
        trials.append((tried, trial))
        if len(trials) > 1 and all(look.learns_well(trial) for _, trial in trials[-2:]):
            break
        if not blows_up and look.stands_still(trial):
            break  # at smaller ones it stands still all the more
    learned = [i for i, (_, trial) in enumerate(trials) if look.has_learned(trial)]
    if not learned and not (blows_up and any(trial.after <= 1.2 * trial.before for _, trial in trials)):
        return
    well = [i for i in learned if look.learns_well(trials[i][1])]
    # one of two may be good luck; where no rate does well, as under noise, the other one may be bad luck
    if not blows_up and (all if well else any)(look.learns_slowly):
        return
    best = well[0] if well else min(learned, key=lambda i: trials[i][1].after, default=None)
    if best is not None and best + 1 in well:
        best += 1  # the largest rate may be the last before it goes wrong: other weights may not bear it
    new = " with new weights" if look.is_trained else ""
    seen = f"At this rate the loss goes{new} from {number(origin.before)} to {number(origin.after)}"
    if best is not None:
        advised, trial = trials[best]
        seen += f", at {advised:.4g} from {number(trial.before)} to {number(trial.after)}."
        remedy = f"Take a smaller one, such as {advised:.4g}"
        remedy += ", and new weights: these are lost." if look.is_trained else "."
    else:
        seen += f"; smaller ones, down to {trials[-1][0]:.4g}, do less harm, but at none of them it learns."
        remedy = "The rate is not all that is wrong: look at the data, the loss and the layers too."
    yield Finding("learning rate too large", "fault", f"learning_rate={rate:.4g}", seen, remedy)


def rate_too_small(look: Look) -> Found:
    """A learning rate at which hardly anything moves."""
    if not look.asks_for_rate or look.has_learned(look.origin):
        return
    rate = look.model.optimizer.learning_rate
    stands_still = look.stands_still(look.origin)
    if not stands_still and any(look.learns_slowly):
        return
    still: set[int] = set()
    # how much the loss changes in a step, or would if rounding did not hide it; it goes with so small a rate
    changes = max(abs(look.origin.after / look.origin.before - 1), 1e-6) / max(look.origin.taken, 1)
    for steps in (look.steps, LONG * look.steps):
        for power in range(1, 7):
            if power in still or changes * 10.0**power * steps < 0.01:
                continue
            if look.is_over:
                return
            trial = look.from_origin(steps, enough=look.is_clear, factor=10.0**power)
            if look.stands_still(trial):
                still.add(power)
            # of what stood still it is enough that it moves, if only to a constant guess
            if look.has_learned(trial) or (stands_still and _has_moved(trial, look.guess)):
                yield Finding(
                    "learning rate too small",
                    "hint",
                    f"learning_rate={rate:.4g}",
                    f"At {10**power:,} times the rate {trial.taken} steps take the loss from "
                    f"{number(trial.before)} to {number(trial.after)}.",
                    f"Take a larger one, such as {rate * 10**power:.4g}.",
                )
                return


def _has_moved(trial: Trial, guess: float) -> bool:
    """True if a fifth of the loss is gone, or most of what a constant guess, which is not near, would take off."""
    near = guess < 0.98 * trial.before and trial.after < guess + 0.2 * (trial.before - guess)
    return trial.after < 0.8 * trial.before or near
