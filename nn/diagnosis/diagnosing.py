"""The door: a model and samples are looked at, check by check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd.arguments import Rng, generator, positive_integer
from autograd.operands import describe

from ..training.samples import checked_samples
from . import data_checks, loss_checks, rate_checks, unit_checks
from .findings import Diagnosis, Finding, Found
from .look import Look, plain

__all__ = ["diagnose"]

SAMPLES = 512

# Causes before effects: what is wrong with the task, then with the data, the training, and last what comes of it.
CHECKS: tuple[Callable[[Look], Found], ...] = (
    loss_checks.loss_is_not_finite,
    loss_checks.softmax_twice,
    loss_checks.every_sample_against_every_other,
    data_checks.targets_all_equal,
    data_checks.targets_out_of_reach,
    unit_checks.equal_units,
    data_checks.inputs,
    data_checks.targets,
    data_checks.labels_unrelated,
    rate_checks.regularization,
    rate_checks.rate_too_large,
    unit_checks.dead,
    unit_checks.saturated,
    unit_checks.gradient_sizes,
    rate_checks.rate_too_small,
    data_checks.constant_outputs,
)


def diagnose(
    model: Any, x: ArrayLike, y: ArrayLike, *, batch_size: int = 32, steps: int = 30, rng: Rng = 0
) -> Diagnosis:
    """Say why a net does not learn::

        print(diagnose(model, x, y))

    model: a Sequential, a Model or an MLP that is compiled, before a training or after one; it is not changed, nor are
    its optimizer and its random numbers. x, y: the samples as `fit` takes them; 512 of them, drawn by `rng`, are
    looked at. batch_size: that of the training. steps: how many each trial takes; copies of the net are
    trained at this rate and, if it does not learn, five times as long, at other rates, on scaled data and with
    new weights; on scaled data too if it learns little and the data are wide.

    A second for a small net, a few for a large one, whose trials have smaller batches and fewer steps.

    Looked for are, causes before effects: a loss that is not finite, a softmax of a softmax, a loss of every sample
    against every other, targets that the outputs cannot reach or that are all the same, equal units, inputs and
    targets out of scale, labels unrelated to inputs, too much regularization, a learning rate too large, dead units,
    saturated units, gradients that vanish or explode, a learning rate too small, outputs that are constant.

    RuntimeError before `compile`; TypeError and ValueError for another model and for data that do not fit.
    """
    batch_size, steps = (positive_integer("diagnose", *p) for p in (("batch_size", batch_size), ("steps", steps)))
    copied = getattr(model, "_copy_to_diagnose", None)
    if copied is None:
        raise TypeError(f"diagnose: expected a Sequential, a Model or an MLP, got {describe(model)}")
    model = copied()
    data = checked_samples("diagnose", model, x, y)
    chosen = np.sort(generator(rng).permutation(data.samples)[:SAMPLES])
    samples = plain((x.take(chosen, axis=0) for x in data.xs), data.y.take(chosen, axis=0))
    with np.errstate(all="ignore"):  # what overflows in a trial is what is looked for
        look = Look(model, samples, min(batch_size, samples.samples), steps)
        findings: list[Finding] = []
        for check in CHECKS:
            findings += check(look)
            look.has_fault = any(finding.level == "fault" for finding in findings)
    if look.learns:
        helped = ("inputs not scaled", "targets not scaled") if look.learns_scaled else ()
        findings = [replace(f, level="note") if f.level == "hint" and f.kind not in helped else f for f in findings]
    return Diagnosis(findings, look.trial, look.guess, look.trial.taken, learns=look.learns)
