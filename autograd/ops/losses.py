"""Losses: of one prediction, of the outputs of one sample, and of a whole batch.

A loss says its formula once, for one prediction and one target, with a derivative for each; `loss`
makes of it what sequences and batches need. Of a batch (m, n) the rows are samples, or with
samples="columns" the columns of (n, m), as in lecture notes, and the result is their mean; a weight for each
sample may replace the 1 in 1/m. Besides the formulas stand here the checks
of what comes in, and the cross-entropy of a softmax, which looks at all outputs of a sample at once.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import operator
import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Unpack, cast

import numpy as np
from numpy.typing import DTypeLike

from ..ieee import ieee, quietly
from ..modes import is_watched
from ..op import (
    Function,
    Operation,
    Writing,
    array_table,
    named_after,
    operation_of,
    reduction,
    register,
    structural,
)
from ..operands import (
    FLOAT32,
    FLOAT64,
    Axis,
    Operand,
    Vector,
    as_array,
    as_operand,
    describe,
    is_array,
    is_array_node,
    is_fixed,
    members,
    numbers_of,
    plainly,
    real,
    real_array,
)
from ..rows import Rows
from ..samples import are_in_columns
from ..signatures import Pairs
from .choosing import where
from .elementwise import ONE, abs, log, log1p_exp, lowest, relu, sigmoid
from .matrices import row_of_ones
from .softmaxes import (
    array_logsumexp,
    array_softmax,
    largest_along,
    logsumexp,
    softmax,
    softmax_component,
    summed_along,
    unit_vector,
)
from .sums import not_empty, numbers, sequence, size
from .sums import sum as total

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "loss",
    "one_hot",
    "softmax_cross_entropy",
    "squared_error",
]

Formula = Callable[[Operand, Operand], Operand]

TINY = sys.float_info.min


# ---------------------------------------------------------------- a loss from its formula


def loss(
    by_prediction: Formula | float,
    by_target: Formula | float | None = None,
    *,
    mean: bool = False,
    expands: bool = False,
    formula: Formula | None = None,
    activation: Function | None = None,
    from_logits: Pairs | None = None,
    check: Callable[[Operand, Operand], None] | None = None,
    **writing: Unpack[Writing],
) -> Callable[[Formula], Pairs]:
    """Make a loss of its formula for one prediction and one target.

    The rules are the derivatives of that formula, `by_prediction(prediction, target)` and
    `by_target(prediction, target)`; without the second the target is not differentiated::

        from autograd.ops.losses import loss

        @loss(lambda p, y: sign(p - y), lambda p, y: sign(y - p))
        def absolute_error(prediction: Operand, target: Operand) -> Operand:
            return abs(prediction - target)

    Formula and rules are read on floats, arrays, nodes and formulas, see `autograd.op`. The name it
    leaves behind takes two numbers, two sequences, or two batches, a weight for each sample, and samples="columns".

    mean: the loss of a sample is the mean over its outputs; otherwise their sum. expands: formulas of
    numbers show the arithmetic. formula: derivations in matrices show this, not what is computed.
    activation: what is applied to the predictions, if these are logits. from_logits: the loss that has such an
    activation, of a loss of probabilities; it is taken where these have rounded to 0 or 1.
    check: called with two sequences or two arrays, raises ValueError for what the loss does not take.
    """
    rules = by_prediction, by_target

    def decorate(one: Formula) -> Pairs:
        def over(n: int, x: Operand) -> Operand:
            return x / n if mean and n != 1 else x

        @functools.wraps(one)
        def of_sequence(prediction: Operand, target: Operand) -> Operand:
            return over(size(prediction), builtins.sum(map(one, members(prediction), members(target))))

        def of_batch(prediction: Operand, target: Operand, weight: Operand) -> Operand:
            found = _total(one(prediction, target), weight)
            return over(prediction.shape[1], found) if mean else found

        def rule_of_sequence(rule: Formula | float | None) -> Operand:
            if rule is None:
                return None
            each = rule if callable(rule) else lambda x, y: rule
            return lambda z, x, y: over(size(x), x.map(each, y) if isinstance(x, Vector) else each(x, y))

        def pull_of_batch(rule: Formula | float | None) -> Operand:
            if rule is None:
                return None
            each = rule if callable(rule) else lambda x, y: rule
            return lambda g, z, x, y, weight: _weighed(g, over(x.shape[1], weight)) * each(x, y)

        of_batch.__name__ = f"batch_{one.__name__}"
        of_batch.__module__ = of_sequence.__module__ = one.__module__  # whose operations they are
        of_batch.__doc__ = f"The weighted sum over samples of {one.__name__}; weight: one number, or one per sample."
        shown: Writing = {"shown": one.__name__, **writing}
        op = Operation(
            of_sequence,
            [*map(rule_of_sequence, rules)],
            reduces=True,
            formula=of_sequence if expands else None,
            writing=shown,
        )
        batch = structural(
            *map(pull_of_batch, rules), None, loss=lambda p, y: over(p.shape[-1], (formula or one)(p, y)), **shown
        )
        op.array = batch(of_batch).op
        op.activation = op.array.activation = activation.op if activation is not None else None
        return _called(register(op), one, check, None if from_logits is None else from_logits.op, needs_outputs=mean)

    return decorate


def _called(
    op: Operation,
    one: Formula,
    check: Callable[[Operand, Operand], None] | None,
    of_logits: Operation | None,
    *,
    needs_outputs: bool,
) -> Pairs:
    """The function that users call, with its checks."""
    name, batch = op.shown, op.array
    activation = None if op.activation is None else op.activation.function
    first, second = inspect.signature(one).parameters
    places = {first: 0, "prediction": 0, "y_pred": 0, second: 1, "target": 1, "y_true": 1}

    def function(
        prediction: Operand = None,
        target: Operand = None,
        weight: Operand = None,
        *,
        samples: str | None = None,
        **named: Operand,
    ) -> Operand:
        if named or prediction is None or target is None:
            prediction, target = _by_name(name, [prediction, target], named, places)
        if is_array(prediction) or is_array(target):
            assert batch is not None
            if activation is not None:
                refuse_activated(name, prediction, activation)
            is_turned = are_in_columns(name, samples, prediction)
            x, y = numbers(prediction), target
            if is_turned or not _are_rows(x, y):
                prediction, target = _as_rows(name, prediction, target, is_turned)
                x, y = numbers(prediction), numbers(target)
            if check is not None:
                check(x, y)
            shares = _shares(name, weight, x)
            if of_logits is not None and of_logits.array is not None:
                logits = unrounded(prediction, of_logits.array)
                if logits is not None:
                    return of_logits.array.function(logits, target, shares)
            if not is_array_node(prediction):
                return batch.function(prediction, target, shares)
            return prediction._record(batch, prediction, target, shares)
        if weight is not None:
            raise TypeError(f"{name}: weights belong to the rows of a batch; this is one sample")
        prediction, target = as_operand(prediction), as_operand(target)
        if activation is not None:
            refuse_activated(name, prediction, activation)
        _same_size(name, prediction, target)
        if needs_outputs:
            not_empty(name, prediction)
        if check is not None:
            check(_floats(name, prediction), _floats(name, target))
        found = op
        if of_logits is not None and (logits := unrounded(prediction, of_logits)) is not None:
            found, prediction = of_logits, logits
        for u in (*members(prediction), *members(target)):
            record = getattr(u.__class__, "_record", None)
            if record is not None:
                return record(found, prediction, target)
        return float(ieee(op.forward, numbers_of(prediction, name), numbers_of(target, name)))

    named_after(function, one, op)
    return cast(Pairs, function)


def _by_name(
    where_: str, given: list[Operand], named: Mapping[str, Operand], places: Mapping[str, int]
) -> list[Operand]:
    """Prediction and target, where they are given by name: ours, or those of Keras."""
    for name, x in named.items():
        if name not in places:
            raise TypeError(f"{where_}: unknown argument {name!r}; known: {', '.join(places)}, weight, samples")
        if given[places[name]] is not None:
            raise TypeError(f"{where_}: the {('prediction', 'target')[places[name]]} is given twice")
        given[places[name]] = x
    if any(x is None for x in given):
        raise TypeError(f"{where_}: expected a prediction and a target, in this order (or y_pred= and y_true=)")
    return given


# ---------------------------------------------------------------- the losses


@loss(lambda x, y: x - y, lambda x, y: y - x, symbol="½(ŷ−y)²", expands=True)
def squared_error(prediction: Operand, target: Operand) -> Operand:
    """½ Σ (prediction - target)², the lectures' ½(y - ŷ)².

    prediction, target: any real, two numbers or two sequences. Returns one number, never negative. For
    Tensors, or arrays (m, n), rows are samples and the result is their mean, (1/m) Σ ½ Σ (ŷ - y)²; with
    samples="columns" the columns of (n, m) are. A third argument, (m,), weighs the samples. ValueError if the
    shapes differ, or if nothing was said and the graph shows columns.
    Derivative: prediction - target, and target - prediction.
    Source: Rumelhart, Hinton and Williams, Nature 323 (1986).
    """
    d = prediction - target
    return 0.5 * d * d


def _entropy(p: Operand, y: Operand) -> Operand:
    return -(y * log(p) + (1 - y) * log(1 - p))


def above_zero(p: Operand) -> Operand:
    """A probability, but at least the smallest normal number of its precision; formulas show p."""
    return _at_least(p, "tiny")


def complement(p: Operand) -> Operand:
    """1 - p of a probability, but at least what is between 1 and the number below it; formulas show 1 - p."""
    return _at_least(1 - p, "epsneg")


def _at_least(p: Operand, bound: str) -> Operand:
    if hasattr(p, "terms") or hasattr(p, "formula"):
        return p
    least = float(getattr(np.finfo(getattr(p, "dtype", np.float64)), bound))
    return where(p < least, least, p)


@loss(
    lambda z, y: sigmoid(z) - y,
    lambda z, y: -z,
    mean=True,
    check=lambda z, y: _in_unit_interval("binary_cross_entropy_with_logits", "targets", y),
    formula=lambda z, y: _entropy(sigmoid(z), y),
    activation=sigmoid,
    symbol="BCE",
)
def binary_cross_entropy_with_logits(logit: Operand, target: Operand) -> Operand:
    """Binary cross-entropy of p = sigmoid(logit), averaged over a sequence.

    logit: any real, target: 0 to 1 (ValueError outside), two numbers or two sequences. Returns one
    number, never negative. For Tensors, or arrays (m, n), it is the mean over outputs and samples; a
    third argument, (m,), weighs the samples, samples="columns" says that (n, m) has them in columns.
    Derivative: sigmoid(logit) - target, and -logit, divided by the number of members.
    One operation, max(z, 0) - zy + log1p(e^-|z|): exact in both tails for finite logits, and at
    z = 0, y = 1 the slope is exactly -½, where the parts differentiated one by one give -1.
    Source: documentation of TensorFlow's sigmoid_cross_entropy_with_logits.
    """
    return relu(logit) - logit * target + log1p_exp(-abs(logit))


def _check_probabilities(p: Operand, y: Operand) -> None:
    name = "binary_cross_entropy"
    _in_unit_interval(name, "probabilities", p, ": pass logits to binary_cross_entropy_with_logits")
    _in_unit_interval(name, "targets", y)


@loss(
    lambda p, y: -y / above_zero(p) + (1 - y) / complement(p),
    lambda p, y: log(complement(p)) - log(above_zero(p)),
    mean=True,
    check=_check_probabilities,
    formula=lambda p, y: _entropy(p, y),
    from_logits=binary_cross_entropy_with_logits,
    symbol="BCE",
)
def binary_cross_entropy(probability: Operand, target: Operand) -> Operand:
    """-y log p - (1 - y) log(1 - p), averaged over a sequence.

    probability, target: 0 to 1, two numbers or two sequences; ValueError outside. Returns one number,
    never negative. For Tensors, or arrays (m, n), it is the mean over outputs and samples; a third
    argument, (m,), weighs the samples, samples="columns" says that (n, m) has them in columns.
    Derivative: -y/p + (1 - y)/(1 - p), and log(1 - p) - log(p), divided by the number of members.
    0 log 0 is 0. A p of 0 or 1 counts as the number next to it in its precision, so that loss and slope are
    finite. Where p = sigmoid(z) has rounded to 0 or 1, which passes no slope on, the graph still knows z, and the
    loss is recorded as that of z, binary_cross_entropy_with_logits: its slope by z is p - y, and a sure and wrong
    unit recovers. There, p itself gets no gradient.
    Source: Bishop, Pattern Recognition and Machine Learning (2006), 4.3.2.
    """
    return -(target * log(above_zero(probability)) + (1 - target) * log(complement(probability)))


# ---------------------------------------------------------------- the cross-entropy of several probabilities


@loss(
    lambda p, y: -y / above_zero(p),
    lambda p, y: -log(above_zero(p)),
    formula=lambda p, y: -(y * log(p)),
    symbol="CE",
    shown="cross_entropy",
)
def cross_entropy_of_probabilities(probability: Operand, target: Operand) -> Operand:
    """-Σ yⱼ log pⱼ for targets given as probabilities; nothing is checked.

    Derivative: -y/p, and -log p.
    """
    return -(target * log(above_zero(probability)))


def cross_entropy(
    probabilities: Operand, target: Operand, weight: Operand = None, *, samples: str | None = None
) -> Operand:
    """-Σ yⱼ log pⱼ for one sample, from probabilities, such as those of a softmax.

    probabilities: sequence of n numbers, 0 to 1, with sum 1 (to one in a thousand). target, weight, samples, the
    result and the errors are those of `softmax_cross_entropy`, which takes logits; ValueError for what is no
    probability.
    Derivative: -y/p; behind p = softmax(z) it is p - y by z. 0 log 0 is 0. A p that has underflowed to 0 counts
    as the smallest number of its precision; if it is a softmax(z), which passes no slope on there, the loss is
    recorded as that of z, softmax_cross_entropy.
    Source: Bishop, Pattern Recognition and Machine Learning (2006), 4.3.4.
    """
    name = "cross_entropy"
    if is_array(probabilities):
        is_turned = are_in_columns(name, samples, probabilities)
        _check_shares(name, numbers(probabilities), 0 if is_turned else -1)
        probabilities, target = _classified(name, probabilities, target, is_turned)
        shares = _shares(name, weight, probabilities)
        logits = unrounded(probabilities, batch_softmax_cross_entropy.op)
        if logits is not None:
            return batch_softmax_cross_entropy(logits, target, shares, Softmax())
        return array_cross_entropy(probabilities, target, shares)
    probabilities, target = _one_sample(name, probabilities, target, weight)
    _check_shares(name, _floats_of(name, probabilities), -1)
    logits = unrounded(probabilities, cross_entropy_of_softmax.op)
    if logits is not None:
        return cross_entropy_of_softmax(logits, target)
    return cross_entropy_of_probabilities(probabilities, target)


array_cross_entropy = cross_entropy_of_probabilities.op.array.function
cross_entropy.op = cross_entropy_of_probabilities.op  # type: ignore[attr-defined]


def _check_shares(name: str, p: np.ndarray, axis: int) -> None:
    """ValueError unless numbers are probabilities along an axis."""
    _in_unit_interval(name, "probabilities", p, ": pass logits to softmax_cross_entropy")
    sums = p.sum(axis) if p.ndim else p
    off = np.abs(sums - 1)
    if not (off <= 1e-3).all():
        raise ValueError(
            f"{name}: expected probabilities with sum 1, got {sums.flat[int(np.argmax(off))]:g}: apply softmax, or for "
            "several questions of yes or no use binary_cross_entropy"
        )


# ---------------------------------------------------------------- the cross-entropy of a softmax


@reduction(
    lambda z, x, y: softmax(x) * _sum_of_targets(y) - y,
    lambda z, x, y: logsumexp(x) - x,
    symbol="CE",
    shown="softmax_cross_entropy",
)
def cross_entropy_of_softmax(logits: Operand, probabilities: Operand) -> Operand:
    """-Σ yⱼ log softmax(logits)ⱼ for targets given as probabilities, which are not checked.

    logits: sequence of any real numbers; probabilities: as many, 0 to 1, with sum 1. Returns one number,
    never negative. 0 log 0 is 0.
    Derivative: softmax(logits) - probabilities, and logsumexp(logits) - logits.
    """
    shift = logsumexp.op.forward(logits)
    # 0 log 0 is 0
    return builtins.sum(
        where((y < 0) | (y > 0), y * (shift - z), 0.0) for z, y in zip(logits, probabilities, strict=True)
    )


@cross_entropy_of_softmax.on_arrays
def cross_entropy_of_softmax_along_axes(
    logits: Operand, probabilities: Operand, axis: Axis = None, keepdims: bool = False
) -> Operand:
    """The same of many sequences at once."""
    shift = array_logsumexp.op.forward(logits, axis, True)
    return np.where(probabilities == 0, 0.0, probabilities * (shift - logits)).sum(axis, keepdims=keepdims)


def _sum_of_targets(y: Operand) -> Operand:
    """The sum of target probabilities; formulas write the 1 that it is."""
    if isinstance(y, Rows):
        return total(y)
    return 1.0 if any(hasattr(u, "terms") for u in y) else builtins.sum(y)


class Softmax:
    """What the loss of a softmax computes on the way: the probabilities, which are its derivative too."""

    probabilities: np.ndarray


def _to_logits(
    g: Operand, z: Operand, logits: Operand, target: Operand, weight: Operand, on_the_way: Softmax
) -> Operand:
    if logits.__class__ is np.ndarray:  # the rule with what is known
        one = target.dot(row_of_ones(target.shape[1], target.dtype))[:, None]
        return _weighed(g, weight) * (on_the_way.probabilities * one - target)
    return _by_rule(0, g, z, logits, target, weight)


def _to_targets(
    g: Operand, z: Operand, logits: Operand, target: Operand, weight: Operand, on_the_way: Softmax
) -> Operand:
    return _by_rule(1, g, z, logits, target, weight)


def _by_rule(i: int, g: Operand, z: Operand, logits: Operand, target: Operand, weight: Operand) -> Operand:
    return _weighed(g, weight) * cross_entropy_of_softmax.op.derivative(i, z, (Rows(logits), Rows(target))).array


@structural(
    _to_logits,
    _to_targets,
    None,
    None,
    loss=lambda z, y: -(y * log(array_softmax(z))),
    symbol="CE",
    shown="softmax_cross_entropy",
)
def batch_softmax_cross_entropy(logits: Operand, target: Operand, weight: Operand, on_the_way: Operand) -> Operand:
    """The weighted sum over samples of -Σ target log softmax(logits). All (m, n); on_the_way keeps the softmax."""
    shifted = logits - largest_along(logits, 1)
    e = np.exp(shifted)
    sums = summed_along(e, 1)
    on_the_way.probabilities = e / sums
    shifted -= np.log(sums)
    shifted *= target
    z = -_total(shifted, weight)
    if z != z:  # 0 log 0 is 0
        shifted[target == 0] = 0
        z = -_total(shifted, weight)
    return z


cross_entropy_of_softmax.op.activation = softmax_component.op
batch_softmax_cross_entropy.op.activation = array_softmax.op


def softmax_cross_entropy(
    logits: Operand, target: Operand, weight: Operand = None, *, samples: str | None = None
) -> Operand:
    """-Σ yⱼ log softmax(logits)ⱼ for one sample, from logits.

    logits: sequence of n real numbers. target: the class as an integer 0 to n - 1, or n probabilities
    whose sum is 1 (one-hot among them). ValueError for a label out of range or not integral, a wrong
    number of probabilities, or a sum that is not 1. Returns one number, never negative. For a Tensor, or
    an array (m, n), rows are samples, with labels (m,) or probabilities (m, n) as target, and the result
    is their mean; with samples="columns" the columns of (n, m) are, as in lecture notes. weight: (m,), weighs
    the samples. ValueError if nothing was said and the graph shows columns.
    Derivative: softmax(logits) - target. 0 log 0 is 0.
    Source: Bishop, Pattern Recognition and Machine Learning (2006), 4.3.4.
    """
    name = "softmax_cross_entropy"
    if is_array(logits):
        refuse_activated(name, logits, softmax)
        logits, target = _classified(name, logits, target, are_in_columns(name, samples, logits))
        return batch_softmax_cross_entropy(logits, target, _shares(name, weight, logits), Softmax())
    logits, target = _one_sample(name, logits, target, weight)
    refuse_activated(name, logits, softmax)
    return cross_entropy_of_softmax(logits, target)


_OF_PROBABILITIES: dict[Callable[..., Operand], str] = {sigmoid: "binary_cross_entropy", softmax: "cross_entropy"}


def refuse_activated(name: str, logits: Operand, activation: Callable[..., Operand]) -> None:
    """ValueError if what a loss takes for logits is what its own activation gave: it would be applied twice."""
    its_own = (softmax_component.op, array_softmax.op) if activation is softmax else (operation_of(activation),)
    given = members(logits)
    for u in given:
        if _origin(u) not in its_own:
            return
    if given:
        applied, other = activation.__name__, _OF_PROBABILITIES.get(activation)
        raise ValueError(
            f"{name}: expected logits, got what a {applied} gave, which would be applied twice: pass what went into "
            f"that {applied}{'' if other is None else f', or use {other} of probabilities'}"
        )


def _origin(u: Operand) -> Operation | None:
    """The operation that gave the numbers of a node, whatever moved them since."""
    op: Operation | None
    while (op := getattr(u, "op", None)) is not None:
        if not op.moves:
            return op
        u = u.operands[0]
    return None


def unrounded(p: Operand, of_logits: Operation) -> Operand | None:
    """The logits of probabilities that have rounded to 0 or 1, where the graph knows what they were made of.

    There the activation has no slope that could be passed on. None where none has rounded, or nothing is known.
    of_logits: the loss of logits, whose activation made p.
    """
    activation = of_logits.activation
    assert activation is not None
    if is_array_node(p):
        if not _have_rounded(numbers(p), both=activation.rules != ()):
            return None
        logits = _went_into(p, activation)
        if logits is None or activation.rules:
            return logits
        return logits if np.allclose(numbers(p), array_softmax.op.forward(numbers(logits))) else None
    if not all(getattr(u, "op", None) is activation for u in members(p)) or not members(p):
        return None
    have_rounded = any(u.data < TINY or (u.data == 1 and not activation.picks) for u in members(p))
    if not have_rounded and not is_watched():  # a program is for other numbers, and logits are right for all
        return None
    groups = [u.operand_groups for u in members(p)]
    if not activation.picks:
        return Vector(g[0] for g in groups) if isinstance(p, tuple) else groups[0][0]
    logits = groups[0][0]
    is_whole = len(logits) == len(groups) and all(
        place == j and all(map(operator.is_, of, logits)) for j, (of, place) in enumerate(groups)
    )
    return logits if is_whole else None


def _have_rounded(p: np.ndarray, *, both: bool) -> bool:
    """True if a probability lies below the normal numbers, or at 1 if that counts too."""
    return p.size > 0 and (lowest(p) < np.finfo(p.dtype).tiny or (both and p.item(p.argmax()) == 1.0))


def _went_into(u: Operand, activation: Operation) -> Operand | None:
    """What the activation was applied to, moved as its result was since; None if u comes from something else."""
    op = getattr(u, "op", None)
    if op is activation:
        return u.operands[0]
    if op is None or not op.moves:
        return None
    logits = _went_into(u.operands[0], activation)
    return None if logits is None else op.function(logits, *u.operands[1:])


def _one_sample(name: str, outputs: Operand, target: Operand, weight: Operand) -> tuple[Operand, Operand]:
    """The outputs of one sample and the probabilities that it should have; target: a label, or probabilities."""
    if weight is not None:
        raise TypeError(f"{name}: weights belong to the rows of a batch; this is one sample")
    outputs, target = sequence(name, as_operand(outputs)), as_operand(target)
    if not isinstance(target, Vector):
        n = len(outputs)
        label = target if target.__class__ is int and 0 <= target < n else int(class_labels(target, n))
        return outputs, unit_vector(label, n)
    _same_size(name, outputs, target)
    _check_distributions(name, _floats_of(name, target))
    return outputs, target


def _floats_of(name: str, x: Operand) -> np.ndarray:
    return np.array([u.item() if hasattr(u, "item") else real(u, name) for u in x])


def _classified(name: str, logits: Operand, target: Operand, is_turned: bool) -> tuple[Operand, Operand]:
    """Outputs and probabilities of a batch, a row for each sample; target: labels, or probabilities.

    is_turned: the outputs, and the probabilities, have a column for each sample.
    """
    if not is_turned and _are_rows(numbers(logits), target):
        return _checked_classes(name, logits, target)
    if not logits.ndim:
        raise ValueError(f"{name}: expected an array of shape (samples, classes), got a single number")
    given = numbers(target) if isinstance(target, np.ndarray) or is_array_node(target) else np.asarray(target)
    if is_turned and given.ndim == 2:
        return _checked_classes(name, *_as_rows(name, logits, target, is_turned))
    logits = logits.T if is_turned else logits
    classes = logits.shape[-1]
    if given.ndim == logits.ndim - 1:
        if given.shape != logits.shape[:-1]:
            raise ValueError(
                f"{name}: expected {logits.shape[:-1]} labels for outputs {logits.shape}, got {given.shape}"
            )
        logits = logits if logits.ndim == 2 else logits.reshape((-1, classes))  # further axes are samples too
        return logits, one_hot(given.reshape(-1), classes, dtype=logits.dtype)
    if logits.ndim > 2 and np.shape(target) == logits.shape:
        logits, target = logits.reshape((-1, classes)), as_array(target, name).reshape((-1, classes))
    return _checked_classes(name, *_as_rows(name, logits, target))


def _checked_classes(name: str, logits: Operand, target: Operand) -> tuple[Operand, Operand]:
    _check_distributions(name, numbers(target))
    return logits, target


# ---------------------------------------------------------------- classes


def one_hot(labels: Operand, classes: int | None = None, *, dtype: DTypeLike = np.float64) -> Operand:
    """Rows of zeros with a 1 at the label.

    labels: integers 0..classes-1, any shape; integral floats count. classes: by default the largest label
    plus one. Returns shape (..., classes). ValueError for a label out of range or not integral.
    """
    if classes is None:
        found = class_labels(labels, None)
        return _one_hot(found, int(found.max(initial=-1)) + 1, dtype)
    return plainly(_one_hot, numbers(labels), classes, dtype)


def _one_hot(labels: Operand, classes: int, dtype: DTypeLike) -> np.ndarray:
    labels = class_labels(labels, classes)
    z = np.zeros((labels.size, classes), dtype)
    z[np.arange(labels.size), labels.ravel()] = 1
    return z.reshape((*labels.shape, classes))


def class_labels(labels: Operand, classes: int | None) -> np.ndarray:
    """Class labels as an array of integers; ValueError or TypeError that names the first that is none."""
    given = np.asarray(numbers(labels))
    n = classes or 2
    if given.dtype.kind not in "fiu":
        came = describe(given.flat[0] if given.size else given) if given.ndim else describe(labels)
        raise TypeError(f"expected a class label 0..{n - 1} or {n} probabilities, got {came}")
    found = quietly(given.astype, np.int64)
    n = max(int(found.max(initial=0)) + 1, 2) if classes is None else classes
    wrong = (found != given) | (found < 0) | (found >= n)
    if wrong.any():
        label = given[wrong].flat[0].item()
        if not float(label).is_integer():
            raise ValueError(f"label {label} is not integral: expected a class 0..{n - 1}")
        raise ValueError(f"label {int(label)} is out of range for {n} classes (0..{n - 1})")
    return found


# ---------------------------------------------------------------- batches


def _total(each: Operand, weight: Operand) -> Operand:
    """The sum of an array (m, n), whose rows a weight (m,) multiplies, or all of them one number."""
    if isinstance(weight, np.ndarray):
        rows = each.ravel() if each.shape[1] == 1 else each.dot(row_of_ones(each.shape[1], each.dtype))
        return rows.dot(weight)
    flat = each.ravel()
    return flat.dot(row_of_ones(len(flat), flat.dtype)) * weight


def _weighed(g: Operand, weight: Operand) -> Operand:
    """What arrives at the loss of each sample, ready to multiply rows."""
    if isinstance(weight, np.ndarray):
        return g * weight[:, None]
    return weight if g is ONE[FLOAT32] or g is ONE[FLOAT64] else g * weight  # it is the gradient of the loss itself


def _are_rows(x: Operand, y: Operand) -> bool:
    """True for two arrays (samples, outputs) of one shape and dtype, as they come in a training."""
    if x.__class__ is not np.ndarray or y.__class__ is not np.ndarray:
        return False
    return x.ndim == 2 and x.dtype is y.dtype and x.shape == y.shape


def _as_rows(name: str, prediction: Operand, target: Operand, is_turned: bool = False) -> tuple[Operand, Operand]:
    """Both as rows of samples: of one shape, a vector as one row, a number as one row of one; columns turned."""
    prediction = as_array(prediction, name)
    if (dtype := getattr(target, "dtype", None)) is not FLOAT32 and dtype is not FLOAT64:
        target = real_array(target, name).astype(prediction.dtype)  # and not the prediction to float64
    shape = prediction.shape
    if shape != target.shape:
        raise ValueError(f"{name}: prediction has shape {shape}, target has shape {target.shape}: reshape one of them")
    if len(shape) == 2:
        return (prediction.T, target.T) if is_turned else (prediction, target)
    shape = (1, -1) if len(shape) < 2 else (shape[0], -1)
    return prediction.reshape(shape), target.reshape(shape)


def _shares(name: str, weight: Operand, prediction: Operand) -> Operand:
    """What each sample's loss is multiplied by: 1/m, or its weight / m. prediction: one row per sample."""
    samples = len(prediction)
    if not samples:
        raise ValueError(f"{name}: expected at least one sample, got none")
    if weight is None:
        return 1.0 / samples
    if hasattr(weight.__class__, "_record"):
        raise TypeError(f"{name}: the weights of samples are not differentiated; pass their .data")
    weight = real_array(weight, f"{name}: weight")
    if weight.shape != (samples,):
        raise ValueError(f"{name}: expected a weight for each of {samples} samples, got shape {weight.shape}")
    return (weight / samples).astype(prediction.dtype)


# ---------------------------------------------------------------- checks


def _floats(name: str, x: Operand) -> Operand:
    """The members of an operand with plain numbers as floats; nodes as they are."""
    return Vector(u if hasattr(u.__class__, "_record") else real(u, name) for u in members(x))


def _same_size(name: str, x: Operand, y: Operand) -> None:
    is_mixed = isinstance(x, tuple) != isinstance(y, tuple)
    if size(x) != size(y) or is_mixed:
        came = " and ".join(f"a sequence of {len(u)}" if isinstance(u, tuple) else "a single number" for u in (x, y))
        advice = "; write both as numbers, or both as sequences" if is_mixed and size(x) == size(y) else ""
        raise ValueError(f"{name}: expected prediction and target of equal length; got {came}{advice}")


# What was found about arrays that nobody can write to, such as the targets of a training, the same in each step.
_found: dict[tuple[str, int], weakref.ref[np.ndarray]] = {}


def _is_known(what: str, x: np.ndarray) -> bool:
    known = _found.get((what, id(x)))
    return known is not None and known() is x and is_fixed(x)


def _note(what: str, x: np.ndarray) -> None:
    if type(x) is np.ndarray and is_fixed(x):
        key = what, id(x)
        _found[key] = weakref.ref(x, lambda gone: _found.pop(key, None))


def _in_unit_interval(name: str, what: str, x: Operand, advice: str = "") -> None:
    if isinstance(x, np.ndarray):
        if _is_known("interval", x):
            return
        if x.size and x.item(x.argmin()) >= 0 and x.item(x.argmax()) <= 1:  # a third of the time, and False for nan
            _note("interval", x)
            return
        is_outside = (x < 0) | (x > 1)
        x = Vector(x[is_outside].flat) if is_outside.any() else Vector()
    for u in members(x):
        if u < 0 or u > 1:
            came = u.item() if hasattr(u, "item") else u
            raise ValueError(f"{name}: {what} must lie in [0, 1], got {came!r}{advice}")


def _check_distributions(name: str, target: np.ndarray) -> None:
    """ValueError unless every row of the target is a distribution over the classes."""
    if _is_known("distributions", target):
        return
    _in_unit_interval(name, "targets", target)
    sums = target.sum(-1)
    off = np.abs(sums - 1)
    if not (off <= 1e-6 * max(1, target.shape[-1])).all():
        raise ValueError(
            f"{name}: target probabilities must sum to 1, got {sums.flat[int(np.argmax(off))]:g}; "
            "pass the class as an integer or a one-hot sequence"
        )
    _note("distributions", target)


# The operations themselves, which check nothing: for callers that have checked their data once.
batch_losses: dict[str, Function] = {op.shown: op.function for name, op in array_table.items() if op.loss is not None}
