"""What is wrong with inputs and targets, or has nothing to do with each other in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..activations import activation_name
from ..layers.sequences import Embedding
from ..training.trials import constant_guess
from .findings import Finding, Found
from .look import LONG, Look, every, helps, taking
from .scales import range_of, standardized

__all__ = ["constant_outputs", "inputs", "labels_unrelated", "targets", "targets_all_equal", "targets_out_of_reach"]

UNRELATED = 3.0  # standard deviations


def targets_out_of_reach(look: Look) -> Found:
    """Targets that the last activation cannot give."""
    reach, y = range_of(look.model.last_activation), look.samples.y
    if reach is None or y.dtype.kind != "f" or look.model.loss.activation is not None:
        return
    low, high = float(y.min()), float(y.max())
    room = 1e-6 * max(abs(low), abs(high))
    if low < reach[0] - room or high > reach[1] + room:
        share = float(np.mean((y < reach[0] - room) | (y > reach[1] + room)))
        name = activation_name(look.model.last_activation)
        span = f"from {reach[0]:.4g} to {reach[1]:.4g}" if np.isfinite(reach[1]) else f"from {reach[0]:.4g} on"
        yield Finding(
            "targets out of reach",
            "fault",
            f"the last layer, {name}",
            f"{name} gives numbers {span}, and {share:.0%} of the targets, from {low:.4g} to {high:.4g}, lie outside.",
            "Give the last layer no activation, or scale the targets into its range.",
        )


def targets_all_equal(look: Look) -> Found:
    """Targets of one value."""
    y = look.samples.y
    if len(y) > 1 and (y == y[:1]).all():
        yield Finding(
            "targets all equal",
            "fault",
            "y",
            f"All {len(y)} targets looked at are the same, {np.array2string(y[0], threshold=4, precision=4)}.",
            "Look at how y is made: there is nothing to learn from one value.",
        )


def inputs(look: Look) -> Found:
    """Inputs that are all the same, or out of scale."""
    equal = [(x == x[:1]).all() for x in look.samples.xs]
    if look.samples.samples > 1 and all(equal):
        yield Finding(
            "inputs all equal",
            "fault",
            "x",
            "All samples looked at are the same.",
            "Look at how x is made; a division of whole numbers, or a cast to integers, may have made it 0.",
        )
    elif look.x_scale or (look.x_width and look.learns_scaled):
        yield Finding(
            "inputs not scaled",
            "hint",
            ", ".join(name for name, *said in look.scales if any(said)),
            f"{look.x_scale or look.x_width}{helps(look, look.learns_scaled, 'scaled')}",
            "Scale each feature: (x − mean) / deviation, both of the training data; pixels by 1/255.",
        )


def targets(look: Look) -> Found:
    """Targets that are out of scale."""
    if look.y_scale:
        yield Finding(
            "targets not scaled",
            "hint",
            "y",
            f"{look.y_scale}{helps(look, look.learns_scaled, 'scaled')}",
            "Scale them: (y − mean) / deviation, and take it back from what the net predicts.",
        )


def labels_unrelated(look: Look) -> Found:
    """Neither neighbours nor a line through the samples nor the net itself know more of targets than chance does."""
    y, m = look.samples.y, look.samples.samples
    takers = [layer for i in range(len(look.samples.xs)) for layer in taking(look.model.wiring, i)]
    if m < 60 or y.dtype.kind != "f" or any(isinstance(u, Embedding) for u in takers) or not (y != y[:1]).any():
        return
    x = _some_columns(np.concatenate([x.reshape(m, -1) for x in look.samples.xs], axis=1))
    if not x.size:
        return
    x, targets = standardized(x), _some_columns(y.reshape(m, -1), 64)
    rng = np.random.default_rng(0)
    # few neighbours tell of what is fine, many of what is under noise
    few, many, line = (
        _against_chance(f, targets, rng) for f in (_of_neighbours(x, 3), _of_neighbours(x, 10), _of_a_line(x))
    )
    if max(abs(few), abs(many), line) >= UNRELATED:
        return
    unseen = ""
    if look.learns:  # what a net learned of one half may hold for the other half
        unseen = "; what the net learns of one half does not hold for the other"
        steps = 2 * LONG * look.steps
        trial = look.from_origin(steps, every(look.samples, 0, 2))
        seen = trial.after
        trial.samples = every(look.samples, 1, 2)
        guess = constant_guess(trial)
        if trial.loss() < 0.95 * guess or (trial.taken < steps and not seen < 0.8 * guess):
            return
    yield Finding(
        "labels unrelated to inputs",
        "fault",
        "x and y",
        "The three nearest neighbours of a sample tell of its target what they tell after shuffling "
        f"({few:+.1f} standard deviations), the nearest ten too ({many:+.1f}), and a linear fit no more{unseen}.",
        "Look whether x and y are in the same order: both shuffled alike, sorted alike, cut alike.",
    )


def _some_columns(x: np.ndarray, most: int = 2048) -> np.ndarray:
    """Those that are not the same for all samples; of very many every second, every third, ..."""
    x = x[:, :: 1 + x.shape[1] // most].astype(np.float64)
    return x[:, x.std(axis=0) > 0]


def _of_neighbours(x: np.ndarray, count: int) -> Callable[[np.ndarray], float]:
    """How far the mean of the nearest neighbours' targets is from a sample's own."""
    squares = (x * x).sum(axis=1)
    distance = squares[:, None] + squares - 2 * x @ x.T
    np.fill_diagonal(distance, np.inf)
    near = np.argpartition(distance, count, axis=1)[:, :count]
    return lambda y: float(((y - y[near].mean(axis=1)) ** 2).mean())


def _of_a_line(x: np.ndarray) -> Callable[[np.ndarray], float]:
    """How far linear fits to one half of the samples and to the other are from the targets of those not fitted."""
    kernel = x @ x.T / x.shape[1] + 1.0

    def fit(to: slice, of: slice) -> Any:
        return kernel[of, to] @ np.linalg.inv(kernel[to, to] + 0.3 * np.eye(len(x[to])))

    even, odd = slice(0, None, 2), slice(1, None, 2)
    one, other = fit(even, odd), fit(odd, even)
    return lambda y: float(((y[odd] - one @ y[even]) ** 2).sum() + ((y[even] - other @ y[odd]) ** 2).sum())


def _against_chance(statistic: Callable[[np.ndarray], float], y: np.ndarray, rng: np.random.Generator) -> float:
    """By how many standard deviations of 30 shufflings the statistic is below their mean."""
    shuffled = np.array([statistic(y[rng.permutation(len(y))]) for _ in range(30)])
    spread = float(shuffled.std())
    return float(shuffled.mean() - statistic(y)) / spread if spread else 0.0


def constant_outputs(look: Look) -> Found:
    """Outputs that hardly differ from sample to sample."""
    y = look.samples.y
    if y.dtype.kind != "f" or look.outputs.shape[-1] != y.shape[-1] or not (y != y[:1]).any():
        return
    spread = float(look.outputs.std(axis=0).max() / max(y.reshape(-1, y.shape[-1]).std(axis=0).max(), 1e-30))
    if spread < (0.02 if look.model.optimizer.iterations >= 100 else 0.001):
        yield Finding(
            "constant outputs",
            "hint",
            "the last layer",
            f"What the net predicts varies {spread:.2g} times as much as the targets do.",
            "It is an effect: look at what stands above, at the sizes of weights, and whether the inputs differ.",
        )
