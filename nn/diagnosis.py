"""Why a net does not learn: what is wrong with data, weights, rates and losses, with evidence and remedy.

A cause stands before its effects: the order is that of `CHECKS`. A fault is never right. A hint is one only in a
model that does not learn, or that learns little where scaled data were tried and helped; else it is a note.
"""

from __future__ import annotations

import copy
import html
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autograd import Tensor, gradients
from autograd.arguments import Rng, generator, positive_integer
from autograd.formulas.notation import format_number
from autograd.graph import topological_order
from autograd.op import Operation, operation_of
from autograd.operands import describe

from .activations import activation_name, activations, is_of_one_number
from .layers.basic import WeightedLayer
from .layers.normalizing import BatchNormalization, LayerNormalization
from .layers.sequences import Embedding
from .training.samples import TrainingData, checked_samples
from .training.trials import Trial, are_alike, constant_guess, equal_rows, renew, seconds_of

__all__ = ["Diagnosis", "Finding", "diagnose"]

SAMPLES = 512
SECONDS = 2.0  # of one core, about, that all trials together may take; by what they compute, so that it is the same
LATEST = 3.0  # and by the clock of this thread, where a machine is slower than it should be
STEP = 0.005  # and one step of them: of a net that takes longer it gets fewer samples
FEWEST = 8  # but not fewer than so many
LONG = 5  # a model that does not learn in the steps given gets so many times as many
PATIENT = 20  # and so many before its rate is blamed, unless the loss grows
SCALE = 30.0  # from which on numbers are called large, and a factor of a learning rate too
WIDE = 10.0  # from which on inputs are scaled for a trial, to see whether it helps
RATES = 7  # smaller learning rates that are tried, a half of a power of ten apart
UNRELATED = 3.0  # standard deviations


@dataclass(frozen=True)
class Finding:
    """One thing that a diagnosis found.

    kind: what it is, the same words for the same thing. level: "fault", "hint" or "note".
    where: the layer or the data it is about. evidence: what was measured; remedy: what to do.
    """

    kind: str
    level: str
    where: str
    evidence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.level}: {self.kind} ({self.where}). {self.evidence} {self.remedy}"


def _number(x: float) -> str:
    return format_number(x, 4)


class Diagnosis:
    """What `diagnose` found. True if nothing is to be mended: no fault and no hint.

    findings    all of them, causes before what may follow from them
    learns      whether the loss fell in the steps that were tried, or has fallen already
    before, after   the loss of the samples looked at, before the first and after the last of `steps` steps
    guess       the loss of the best constant outputs, which need no net; nan if it is not known
    """

    def __init__(self, findings: list[Finding], trial: Trial, guess: float, steps: int, *, learns: bool) -> None:
        self.findings, self.learns, self.steps = findings, learns, steps
        self.before, self.after, self.guess = trial.before, trial.after, guess

    @property
    def faults(self) -> list[Finding]:
        """What is never right."""
        return self._of("fault")

    @property
    def hints(self) -> list[Finding]:
        """What may be why it does not learn, or learns less than on scaled data."""
        return self._of("hint")

    @property
    def notes(self) -> list[Finding]:
        """What would be a hint if the net did not learn."""
        return self._of("note")

    def _of(self, level: str) -> list[Finding]:
        return [f for f in self.findings if f.level == level]

    def __bool__(self) -> bool:
        return not self.faults and not self.hints

    @property
    def _seen(self) -> str:
        before, after, guess = map(_number, (self.before, self.after, self.guess))
        compared = "" if self.guess != self.guess else f"; guessing the same for all samples has {guess}"
        verdict = (
            "It does not learn" if not self.learns else "It learns less than it could" if self.hints else "It learns"
        )
        return f"{verdict}: {self.steps} steps take the loss from {before} to {after}{compared}."

    @property
    def _all_right(self) -> str:
        if not self.learns:
            return "No cause was found: it may need more steps, more units, or other features."
        if self.notes:
            return "Nothing keeps it from learning; what is noted below may make it learn better."
        return "Nothing was found that has to be mended."

    def __str__(self) -> str:
        lines = [self._seen, *([self._all_right] if self else [])]
        for number, f in enumerate(self.findings, 1):
            lines += [
                "",
                f"{number}. {f.level:<5}  {f.kind}, {f.where}",
                f"          {f.evidence}",
                f"          {f.remedy}",
            ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td>{f.level}</td><td style="text-align: left"><b>{html.escape(f.kind)}</b>, {html.escape(f.where)}'
            f"<br>{html.escape(f.evidence)}<br>{html.escape(f.remedy)}</td></tr>"
            for f in self.findings
        )
        said = html.escape(self._seen) + (f" {self._all_right}" if self else "")
        return f"<p>{said}</p>" + (f"<table><tbody>{rows}</tbody></table>" if rows else "")

    def __repr__(self) -> str:
        found = ", ".join(f.kind for f in self.findings) or "nothing"
        return f"<diagnosis: {found}>"


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
    samples = _plain((x.take(chosen, axis=0) for x in data.xs), data.y.take(chosen, axis=0))
    with np.errstate(all="ignore"):  # what overflows in a trial is what is looked for
        look = _Look(model, samples, min(batch_size, samples.samples), steps)
        findings: list[Finding] = []
        for check in CHECKS:
            findings += check(look)
            look.has_fault = any(finding.level == "fault" for finding in findings)
    if look.learns:
        helped = ("inputs not scaled", "targets not scaled") if look.learns_scaled else ()
        findings = [replace(f, level="note") if f.level == "hint" and f.kind not in helped else f for f in findings]
    return Diagnosis(findings, look.trial, look.guess, look.trial.taken, learns=look.learns)


# ---------------------------------------------------------------- what is looked at


class _Look:
    """All that the checks may ask of a model and its samples, measured when it is asked for.

    has_fault   whether one was found already
    samples, few   those that are looked at, and those of them that trials take
    """

    has_fault = False

    def __init__(self, model: Any, samples: TrainingData, batch_size: int, steps: int) -> None:
        self.model, self.samples, self._steps = model, samples, steps
        step = Trial(model, samples.rows(0, batch_size).fixed(), batch_size)
        loss, size = step.recorded()[1], min(batch_size, samples.samples)
        while seconds_of(loss, size, step.samples.samples) > STEP and size > FEWEST:
            size //= 2
        self._batch_size = size
        many = samples.samples // (16 * size) if size < batch_size else 1
        self.few = _every(samples, 0, many) if many > 1 else samples
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
        before, few = trial.taken, min(steps, self._steps)
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
        return self._go_on(trial, self._steps if steps is None else steps, enough)

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
        return abs(trial.after - trial.before) * LONG * self._steps < 1e-3 * trial.taken * abs(trial.before)

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
        return self.try_out(LONG * self._steps, enough=self.learns_well, is_new=True)

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
        xs = [_standardized(x) if is_off else x for x, is_off in zip(self.few.xs, off, strict=True)]
        samples = _plain(xs, _standardized(self.few.y) if self.y_scale else self.few.y)
        trial = self.from_origin(LONG * self._steps, samples)
        guess = constant_guess(trial)
        if self.learns and not self._left_of(trial, guess) < 0.7 * self._left_of(self.trial, self.guess):
            return None
        return trial if self.has_learned(trial, guess) else None

    @cached_property
    def learns_unpenalized(self) -> Trial | None:
        """The training without what regularizers add, if this helps."""
        if self.learns or not self.first.penalized:
            return None
        trial = self.from_origin(LONG * self._steps, enough=self.is_clear, with_penalties=False)
        return trial if self.has_learned(trial) else None

    @cached_property
    def learns_in_another_order(self) -> bool:
        """True if the loss went up by bad luck only."""
        return self.learns_well(self.from_origin(LONG * self._steps, enough=self.learns_well, order=1))

    @cached_property
    def learns_slowly(self) -> tuple[bool, bool]:
        """The training with many more steps, in two orders of the samples, for one may be good or bad luck."""
        steps = PATIENT * self._steps
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
            takers = _taking(self.model.wiring, i)
            # what is looked up, or scaled in the net, has no scale
            is_plain = takers and not any(
                isinstance(u, Embedding | BatchNormalization | LayerNormalization) for u in takers
            )
            found.append((name, *((_scale(name, _columns(x)), _width(name, _columns(x))) if is_plain else ("", ""))))
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
        if self.model.loss.activation is not None or _range_of(last) is not None or y.dtype.kind != "f":
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
            (v.label or v.op.shown, v.op, _columns(_slopes(v.op, v.numpy(), v.operands[0].numpy())))
            for v in topological_order(self.predicted)
            if v.op in known and is_of_one_number(v.op) and isinstance(v.operands[0], Tensor) and v.ndim > 1
        ]


def _slopes(op: Operation, z: np.ndarray, x: np.ndarray) -> np.ndarray:
    rule = op.rules[0]
    return np.broadcast_to(np.asarray(rule(z, x) if callable(rule) else rule or 0.0, dtype=np.float64), x.shape)


_GRID = np.linspace(-4.0, 4.0, 801)


def _slopes_on_grid(op: Operation) -> np.ndarray:
    return np.abs(_slopes(op, np.asarray(op.function(_GRID), dtype=np.float64), _GRID))


def _range_of(activation: Any) -> tuple[float, float] | None:
    """The least and the largest number that the activation of outputs gives; None if it gives any, or is not known."""
    op = None if activation is None else operation_of(activation)
    if not is_of_one_number(op):
        return None
    far = np.array([-1e6, -1e3, *_GRID, 1e3, 1e6])
    z = np.asarray(op.function(far), dtype=np.float64)
    low, high = float(z.min()), float(z.max())
    bounds = (low if low > -1e3 else -np.inf, high if high < 1e3 else np.inf)
    return None if bounds == (-np.inf, np.inf) else bounds


def _columns(x: np.ndarray) -> np.ndarray:
    """(rows, features): a feature is the last axis, all other axes count as rows."""
    return x.reshape((-1, x.shape[-1])) if x.ndim > 1 else x[:, None]


def _taking(wiring: Any, place: int) -> list[Any]:
    """The first layers with parameters behind an input."""
    found, places = [], {place}
    for i, call in enumerate(wiring.calls):
        if places & {*call.sources}:
            if call.layer.parameters():
                found.append(call.layer)
            else:
                places.add(len(wiring.inputs) + i)
    return found


def _width(name: str, columns: np.ndarray) -> str:
    top, deviation = float(np.abs(columns).max()), columns.std(axis=0)
    # outliers of features that are scaled already are no reason
    if not deviation.any() or 0.5 < np.median(deviation[deviation > 0]) < 2:
        return ""
    if top > WIDE:
        return f"Numbers in {name} go up to {top:.4g}."
    return f"No number in {name} is above {top:.4g}." if top < 1 / WIDE else ""


def _scale(name: str, columns: np.ndarray) -> str:
    top = float(np.abs(columns).max())
    mean, deviation = columns.mean(axis=0), columns.std(axis=0)
    if not deviation.any():
        return ""
    if top > SCALE:
        return f"Numbers in {name} go up to {top:.4g}."
    if top < 1 / SCALE:
        return f"No number in {name} is above {top:.4g}."
    off = np.abs(mean[deviation > 0]) / deviation[deviation > 0]
    if off.min() > 8:
        return f"All features lie far from 0: their means are at least {off.min():.4g} times their deviations."
    # a pixel that is nearly always 0 has a small deviation and is right, so only features that differ are compared
    dense = np.array([np.unique(c, return_counts=True)[1].max() < len(c) / 2 for c in columns.T])
    if dense.sum() > 1 and deviation[dense].max() > SCALE * deviation[dense].min():
        low, high = deviation[dense].min(), deviation[dense].max()
        return f"Features have deviations from {low:.4g} to {high:.4g}."
    return ""


def _plain(xs: Iterable[np.ndarray], y: np.ndarray) -> TrainingData:
    return TrainingData(tuple(xs), y, y, None).fixed()


def _every(samples: TrainingData, first: int, step: int) -> TrainingData:
    """Samples from all over, which may be sorted by what they are."""
    return _plain((x[first::step] for x in samples.xs), samples.y[first::step])


def _standardized(x: np.ndarray) -> np.ndarray:
    columns = _columns(x).astype(np.float64)
    deviation = columns.std(axis=0)
    scaled = (columns - columns.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return scaled.reshape(x.shape).astype(x.dtype)


# ---------------------------------------------------------------- the checks


Found = Iterator[Finding]


def _loss_is_not_finite(look: _Look) -> Found:
    if not np.isfinite(look.trial.before) and not np.isfinite(look.origin.before):
        yield Finding(
            "loss not finite",
            "fault",
            "the first forward pass",
            f"The loss is {look.trial.before} before any step.",
            "Look for log, division or exp of a number that is out of range; "
            "with autograd.detect_anomaly(): model.loss_of(x, y) names the operation.",
        )


def _softmax_twice(look: _Look) -> Found:
    nodes = topological_order(look.loss)
    soft = {v for v in nodes if v.op is not None and v.op.shown in ("softmax", "log_softmax", "softmax_cross_entropy")}
    for v in soft:
        under = v.operands[0]
        if isinstance(under, Tensor) and under.op is not None and under.op.shown in ("softmax", "sigmoid"):
            yield Finding(
                "softmax of probabilities",
                "fault",
                under.label or "the last layer",
                f"A softmax is applied to what a {under.op.shown} gave: of numbers from 0 to 1 the largest share of k "
                "classes is e / (e + k − 1), and the gradient is small.",
                "Give the layer before the softmax no activation.",
            )


def _every_sample_against_every_other(look: _Look) -> Found:
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


def _targets_out_of_reach(look: _Look) -> Found:
    reach, y = _range_of(look.model.last_activation), look.samples.y
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


def _targets_all_equal(look: _Look) -> Found:
    y = look.samples.y
    if len(y) > 1 and (y == y[:1]).all():
        yield Finding(
            "targets all equal",
            "fault",
            "y",
            f"All {len(y)} targets looked at are the same, {np.array2string(y[0], threshold=4, precision=4)}.",
            "Look at how y is made: there is nothing to learn from one value.",
        )


def _equal_units(look: _Look) -> Found:
    new = copy.deepcopy(look.model) if look.is_trained else None
    if new is not None:
        renew(new)
    for i, layer in enumerate(look.model.layers):
        if not isinstance(layer, WeightedLayer) or layer.units < 2 or i == len(look.model.layers) - 1:
            continue  # of outputs each has its own target, so that equal ones part
        rows = _with_bias(layer)
        count, said = equal_rows(rows), "have the weights of another one"
        if 2 * count < layer.units and new is not None and are_alike(rows):
            count, said = equal_rows(_with_bias(new.layers[i])), "begin with the weights of another one"
        if 2 * count >= layer.units:
            yield Finding(
                "equal units",
                "fault",
                layer.weight.label or str(layer),
                f"{count} of {layer.units} units {said}: such units get the same gradient and stay equal.",
                "Draw the weights at random, as kernel_initializer='glorot_uniform' does; biases may be 0.",
            )
            return


def _with_bias(layer: Any) -> np.ndarray:
    rows = layer.weight.numpy().reshape(layer.units, -1)
    return rows if layer.bias is None else np.column_stack([rows, layer.bias.numpy()])


def _inputs(look: _Look) -> Found:
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
            f"{look.x_scale or look.x_width}{_helps(look, look.learns_scaled, 'scaled')}",
            "Scale each feature: (x − mean) / deviation, both of the training data; pixels by 1/255.",
        )


def _targets(look: _Look) -> Found:
    if look.y_scale:
        yield Finding(
            "targets not scaled",
            "hint",
            "y",
            f"{look.y_scale}{_helps(look, look.learns_scaled, 'scaled')}",
            "Scale them: (y − mean) / deviation, and take it back from what the net predicts.",
        )


def _helps(look: _Look, trial: Trial | None, how: str) -> str:
    if trial is None:
        return ""
    steps = "the same" if trial.taken == look.trial.taken else f"{trial.taken}"
    return f" With these {how} {steps} steps take the loss from {_number(trial.before)} to {_number(trial.after)}."


def _labels_unrelated(look: _Look) -> Found:
    """Neither neighbours nor a line through the samples nor the net itself know more of targets than chance does."""
    y, m = look.samples.y, look.samples.samples
    takers = [layer for i in range(len(look.samples.xs)) for layer in _taking(look.model.wiring, i)]
    if m < 60 or y.dtype.kind != "f" or any(isinstance(u, Embedding) for u in takers) or not (y != y[:1]).any():
        return
    x = _some_columns(np.concatenate([x.reshape(m, -1) for x in look.samples.xs], axis=1))
    if not x.size:
        return
    x, targets = _standardized(x), _some_columns(y.reshape(m, -1), 64)
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
        steps = 2 * LONG * look._steps
        trial = look.from_origin(steps, _every(look.samples, 0, 2))
        seen = trial.after
        trial.samples = _every(look.samples, 1, 2)
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


def _regularization(look: _Look) -> Found:
    if look.learns_unpenalized:
        yield Finding(
            "regularization too strong",
            "hint",
            "the loss",
            f"{_helps(look, look.learns_unpenalized, 'left out').strip().replace('these', 'what regularizers add')}",
            "Make the factors of the regularizers smaller, by 10 at a time.",
        )


def _rate_too_large(look: _Look) -> Found:
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
        trial = look.from_origin(LONG * look._steps, enough=look.learns_well, factor=tried / rate)
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
    seen = f"At this rate the loss goes{new} from {_number(origin.before)} to {_number(origin.after)}"
    if best is not None:
        advised, trial = trials[best]
        seen += f", at {advised:.4g} from {_number(trial.before)} to {_number(trial.after)}."
        remedy = f"Take a smaller one, such as {advised:.4g}"
        remedy += ", and new weights: these are lost." if look.is_trained else "."
    else:
        seen += f"; smaller ones, down to {trials[-1][0]:.4g}, do less harm, but at none of them it learns."
        remedy = "The rate is not all that is wrong: look at the data, the loss and the layers too."
    yield Finding("learning rate too large", "fault", f"learning_rate={rate:.4g}", seen, remedy)


def _dead(look: _Look) -> Found:
    for name, op, slopes in look.slopes:
        if _slopes_on_grid(op).min() > 0:  # a sigmoid that is far out is called saturated
            continue
        dead = int((slopes == 0).all(axis=0).sum())
        if 2 * dead >= slopes.shape[1]:
            again = ""
            if look.is_trained and not look.learns:
                again = _helps(look, look.origin, "drawn anew") if look.has_learned(look.origin) else ""
            yield Finding(
                "dead units",
                "hint",
                name,
                f"{dead} of {slopes.shape[1]} units have slope 0 for all {len(slopes)} rows: no gradient comes "
                f"through, and their weights stay.{again.replace('these', 'all weights')}",
                "Draw new weights (kernel_initializer='he_uniform', biases 0), with a smaller learning rate; or use "
                "leaky_relu.",
            )
            return


def _saturated(look: _Look) -> Found:
    for name, op, slopes in look.slopes:
        grid = _slopes_on_grid(op)
        if grid.min() == 0:
            continue
        share = float((np.abs(slopes) < 0.05 * grid.max()).mean())
        if share >= 0.6:
            yield Finding(
                "saturated units",
                "hint",
                name,
                f"{share:.0%} of the slopes of {op.shown} are below 5 % of the largest one: hardly any gradient comes "
                "through.",
                "Make the weighted sums smaller: scale the inputs, draw smaller weights "
                "(kernel_initializer='glorot_uniform').",
            )
            return


def _gradient_sizes(look: _Look) -> Found:
    sizes = look.gradient_sizes
    if len(sizes) < 2 or not all(np.isfinite(size) for _, size in sizes):
        return
    (first, size), largest = sizes[0], max(sizes[1:], key=lambda s: s[1])
    if largest[1] == 0:
        return
    ratio = size / largest[1]
    said = f"The gradient of {first} has the size {size:.2g}, that of {largest[0]} {largest[1]:.2g}."
    if ratio < 1e-3:
        yield Finding(
            "vanishing gradient",
            "hint",
            first,
            said,
            "Use relu with kernel_initializer='he_normal', fewer layers, or BatchNormalization between them.",
        )
    elif ratio > 1e3:
        yield Finding(
            "exploding gradient",
            "hint",
            first,
            said,
            "Draw smaller weights (kernel_initializer='glorot_uniform'), or clip: an optimizer with clipnorm=1.0.",
        )


def _rate_too_small(look: _Look) -> Found:
    if not look.asks_for_rate or look.has_learned(look.origin):
        return
    rate = look.model.optimizer.learning_rate
    stands_still = look.stands_still(look.origin)
    if not stands_still and any(look.learns_slowly):
        return
    still: set[int] = set()
    # how much the loss changes in a step, or would if rounding did not hide it; it goes with so small a rate
    changes = max(abs(look.origin.after / look.origin.before - 1), 1e-6) / max(look.origin.taken, 1)
    for steps in (look._steps, LONG * look._steps):
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
                    f"{_number(trial.before)} to {_number(trial.after)}.",
                    f"Take a larger one, such as {rate * 10**power:.4g}.",
                )
                return


def _has_moved(trial: Trial, guess: float) -> bool:
    """True if a fifth of the loss is gone, or most of what a constant guess, which is not near, would take off."""
    near = guess < 0.98 * trial.before and trial.after < guess + 0.2 * (trial.before - guess)
    return trial.after < 0.8 * trial.before or near


def _constant_outputs(look: _Look) -> Found:
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


# Causes before effects: what is wrong with the task, then with the data, the training, and last what comes of it.
CHECKS: tuple[Callable[[_Look], Found], ...] = (
    _loss_is_not_finite,
    _softmax_twice,
    _every_sample_against_every_other,
    _targets_all_equal,
    _targets_out_of_reach,
    _equal_units,
    _inputs,
    _targets,
    _labels_unrelated,
    _regularization,
    _rate_too_large,
    _dead,
    _saturated,
    _gradient_sizes,
    _rate_too_small,
    _constant_outputs,
)
