"""What is wrong with the loss before any training."""

from __future__ import annotations

import numpy as np

from autograd import Tensor
from autograd.graph import topological_order
from autograd.op import Operation
from autograd.ops.losses import batch_softmax_cross_entropy
from autograd.ops.softmaxes import array_log_softmax, array_softmax

from .findings import Finding, Found
from .look import Look
from .scales import range_of

__all__ = ["every_sample_against_every_other", "loss_is_not_finite", "softmax_twice"]


def loss_is_not_finite(look: Look) -> Found:
    """A loss that is nan or infinite before any step."""
    if not np.isfinite(look.trial.before) and not np.isfinite(look.origin.before):
        yield Finding(
            "loss not finite",
            "fault",
            "the first forward pass",
            f"The loss is {look.trial.before} before any step.",
            "Look for log, division or exp of a number that is out of range; "
            "with autograd.detect_anomaly(): model.loss_of(x, y) names the operation.",
        )


# What takes logits to the shares of classes, or to their logarithms.
SOFTMAXES = array_softmax.op, array_log_softmax.op, batch_softmax_cross_entropy.op


def _gives_shares(op: Operation) -> bool:
    """True for what gives numbers from 0 to 1."""
    return op is array_softmax.op or range_of(op.function) == (0.0, 1.0)


def softmax_twice(look: Look) -> Found:
    """A softmax of what is a probability already."""
    for v in topological_order(look.loss):
        under = v.operands[0] if v.op in SOFTMAXES else None
        if isinstance(under, Tensor) and under.op is not None and _gives_shares(under.op):
            yield Finding(
                "softmax of probabilities",
                "fault",
                under.label or "the last layer",
                f"A softmax is applied to what a {under.op.shown} gave: of numbers from 0 to 1 the largest share of k "
                "classes is e / (e + k − 1), and the gradient is small.",
                "Give the layer before the softmax no activation.",
            )


def every_sample_against_every_other(look: Look) -> Found:
    """A loss that broadcasts (m,) against (m, 1)."""
    m = look.few.samples
    for v in topological_order(look.loss):
        shapes = [np.shape(u) for u in v.operands]
        if v.op is not None and m > 1 and v.shape == (m, m) and (m,) in shapes and (m, 1) in shapes:
            yield Finding(
                "loss of all pairs of samples",
                "fault",
                v.label or v.op.shown,
                f"({m},) and ({m}, 1) are broadcast to ({m}, {m}): every prediction is compared with every target.",
                "Reshape one of them in the loss: y_pred[:, 0], or y_true.reshape((-1, 1)).",
            )
            return
