"""Losses of whole batches: means over samples, weights, labels, what does not fit, both tails."""

import math
import re

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, Value, gradients
from autograd.ops import losses

LOSSES = [ag.squared_error, ag.binary_cross_entropy, ag.binary_cross_entropy_with_logits]
RNG = np.random.default_rng(5)
X = RNG.normal(size=(4, 3))
P = RNG.uniform(0.1, 0.9, (4, 3))
ROWS = RNG.dirichlet(np.ones(3), 4)


def loss_and_slope(loss, x, *rest):
    x = Tensor(x)
    z = loss(x, *rest)
    z.backward()
    return z.item(), x.grad


# ---------------------------------------------------------------- the mean over samples


@pytest.mark.parametrize(
    ("loss", "x", "y"),
    [
        (ag.squared_error, X, P),
        (ag.binary_cross_entropy, P, ROWS),
        (ag.binary_cross_entropy_with_logits, X, P),
        (ag.softmax_cross_entropy, X, ROWS),
        (ag.softmax_cross_entropy, X, np.array([2, 0, 1, 1])),
    ],
)
def test_a_batch_is_the_mean_of_its_samples_and_a_sample_is_what_it_is_for_values(loss, x, y):
    total, slope = loss_and_slope(loss, x, y)
    singles = []
    for row, target, g in zip(x, y, slope, strict=True):
        values = [Value(u) for u in row]
        single = loss(values, target.tolist())
        single.backward()
        singles.append(single.data)
        assert np.allclose([4 * u for u in g], [v.grad for v in values], rtol=1e-12)
        alone = loss(Tensor(row), target if target.ndim else int(target))
        assert alone.item() == pytest.approx(single.data, rel=1e-13)
    assert total == pytest.approx(np.mean(singles), rel=1e-13)


@pytest.mark.parametrize("loss", [*LOSSES, ag.softmax_cross_entropy])
def test_weights_multiply_the_samples(loss):
    x, y = (P, ROWS) if loss is ag.binary_cross_entropy else (X, ROWS)
    weight = np.array([1.0, 0.0, 2.0, 0.5])
    each = [loss(Tensor(row[None]), target[None]).item() for row, target in zip(x, y, strict=True)]
    total, slope = loss_and_slope(loss, x, y, weight)
    assert total == pytest.approx((weight * each).sum() / 4, rel=1e-13)
    assert not slope[1].any()
    assert loss(Tensor(x), y, np.ones(4)).item() == pytest.approx(loss(Tensor(x), y).item(), rel=1e-14)
    single = loss(Tensor(x.astype(np.float32)), y.astype(np.float32), weight)
    assert single.dtype == np.float32
    with pytest.raises(ValueError, match=r"expected a weight for each of 4 samples, got shape \(3,\)"):
        loss(Tensor(x), y, np.ones(3))
    with pytest.raises(TypeError, match="weights of samples are not differentiated"):
        loss(Tensor(x), y, Tensor(weight))


def test_a_sample_alone_has_no_weight():
    with pytest.raises(TypeError, match="weights belong to the rows of a batch"):
        ag.softmax_cross_entropy([Value(1.0), Value(2.0)], 1, [1.0])


def test_losses_of_plain_arrays_are_numbers():
    assert ag.squared_error(X, P) == pytest.approx(0.5 * ((X - P) ** 2).sum() / 4)
    labels = np.array([2, 0, 1, 1])
    log_p = X - np.log(np.exp(X).sum(1, keepdims=True))
    assert ag.softmax_cross_entropy(X, labels) == pytest.approx(-log_p[range(4), labels].mean())


@pytest.mark.parametrize("loss", [*LOSSES, ag.softmax_cross_entropy])
def test_both_operands_are_differentiated(loss):
    x, y = (P, ROWS) if loss is ag.binary_cross_entropy else (X, ROWS)
    target = Tensor(y)
    loss(Tensor(x), target).backward()
    h = 1e-6
    for place in np.ndindex(y.shape):
        step = np.zeros(y.shape)
        step[place] = h
        if loss is ag.softmax_cross_entropy:  # whose rows must add up to 1
            logs = X - np.log(np.exp(X).sum(1, keepdims=True))
            expected = -logs[place] / 4
        else:
            expected = (loss(x, y + step) - loss(x, y - step)) / (2 * h)
        assert target.grad[place] == pytest.approx(expected, rel=1e-7, abs=1e-9)


# ---------------------------------------------------------------- shapes


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("prediction", "target"), [((4, 1), (4,)), ((4,), (4, 1)), ((4,), (1, 4)), ((4, 3), (4,)), ((3,), ()), ((), (1,))]
)
def test_shapes_that_differ_are_an_error_with_both(loss, prediction, target):
    p, y = np.full(prediction, 0.5), np.full(target, 0.5)
    for given in (Tensor(p), p):
        if given is p and (p.ndim < 2 and y.ndim < 2):
            continue
        both = f"prediction has shape {prediction}, target has shape {target}: reshape one of them"
        with pytest.raises(ValueError, match=re.escape(both)):
            loss(given, y)


def test_the_shapes_of_labels():
    logits = Tensor(X)
    with pytest.raises(ValueError, match=r"expected \(4,\) labels for outputs \(4, 3\), got \(3,\)"):
        ag.softmax_cross_entropy(logits, [0, 1, 2])
    with pytest.raises(ValueError, match=r"prediction has shape \(4, 3\), target has shape \(4, 1\)"):
        ag.softmax_cross_entropy(logits, np.zeros((4, 1), int))
    with pytest.raises(ValueError, match=r"prediction has shape \(4, 3\), target has shape \(\)"):
        ag.softmax_cross_entropy(logits, 1)
    with pytest.raises(ValueError, match=r"expected an array of shape \(samples, classes\), got a single number"):
        ag.softmax_cross_entropy(Tensor(1.0), 0)


@pytest.mark.parametrize("loss", [*LOSSES, ag.softmax_cross_entropy])
def test_no_samples_have_no_mean(loss):
    with pytest.raises(ValueError, match="expected at least one sample, got none"):
        loss(Tensor(np.zeros((0, 3))), np.zeros((0, 3)))


# ---------------------------------------------------------------- what is not in range


@pytest.mark.parametrize(
    ("labels", "error", "says"),
    [
        ([0, 1, 2, 3], ValueError, "label 3 is out of range for 3 classes (0..2)"),
        ([0, -1, 2, 0], ValueError, "label -1 is out of range for 3 classes (0..2)"),
        ([0, 1.5, 2, 0], ValueError, "label 1.5 is not integral: expected a class 0..2"),
        ([0, math.nan, 2, 0], ValueError, "label nan is not integral: expected a class 0..2"),
        ([0, 1e300, 2, 0], ValueError, "out of range for 3 classes (0..2)"),
        ([True, False, True, True], TypeError, "expected a class label 0..2 or 3 probabilities, got bool"),
        (["a", "b", "c", "a"], TypeError, "expected a class label 0..2"),
    ],
)
def test_labels_that_are_none(labels, error, says):
    with pytest.raises(error) as refused:
        ag.softmax_cross_entropy(Tensor(X), np.array(labels))
    assert says in str(refused.value)


def test_integral_floats_are_labels():
    expected = ag.softmax_cross_entropy(Tensor(X), [0, 1, 2, 1]).item()
    assert ag.softmax_cross_entropy(Tensor(X), [0.0, 1.0, 2.0, 1.0]).item() == expected
    assert ag.softmax_cross_entropy(Tensor(X), np.array([0, 1, 2, 1], np.uint8)).item() == expected
    assert ag.softmax_cross_entropy(Tensor(X), Tensor([0.0, 1.0, 2.0, 1.0])).item() == expected


def test_probabilities_outside_0_and_1():
    advice = "probabilities must lie in [0, 1], got 1.5: pass logits to binary_cross_entropy_with_logits"
    with pytest.raises(ValueError, match=re.escape(advice)):
        ag.binary_cross_entropy(Tensor([[0.5], [1.5]]), [[1.0], [0.0]])
    for loss in LOSSES[1:]:
        with pytest.raises(ValueError, match=r"targets must lie in \[0, 1\], got -1\.0"):
            loss(Tensor([[0.5], [0.5]]), [[1.0], [-1.0]])
    with pytest.raises(ValueError, match=r"targets must lie in \[0, 1\], got 2\.0"):
        ag.softmax_cross_entropy(Tensor(X), np.full((4, 3), 2.0))
    with pytest.raises(ValueError, match=r"target probabilities must sum to 1, got 1\.5; pass the class as an integer"):
        ag.softmax_cross_entropy(Tensor(X), np.full((4, 3), 0.5))


def test_targets_that_were_frozen_are_checked_again_once_they_can_be_changed():
    y = np.array([[1.0], [0.0]])
    y.flags.writeable = False
    for _ in range(2):
        ag.binary_cross_entropy_with_logits(Tensor([[0.5], [0.5]]), y)
    y.flags.writeable = True
    y[0] = 7
    with pytest.raises(ValueError, match=r"targets must lie in \[0, 1\], got 7\.0"):
        ag.binary_cross_entropy_with_logits(Tensor([[0.5], [0.5]]), y)


# ---------------------------------------------------------------- both tails


def test_from_logits_the_slope_at_0_is_exactly_a_half():
    z, slope = loss_and_slope(ag.binary_cross_entropy_with_logits, [[0.0]], [[1.0]])
    assert (z, slope.tolist()) == (pytest.approx(math.log(2)), [[-0.5]])


@pytest.mark.parametrize("z", [-1000.0, -740.0, -40.0, 40.0, 1000.0])
@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_from_logits_both_tails_are_exact(z, y):
    loss, slope = loss_and_slope(ag.binary_cross_entropy_with_logits, [[z]], [[y]])
    # The loss is rounded as its largest part is, z. A slope is rounded as itself, and as numbers below 1e-308 are,
    # which are 5e-324 apart.
    assert loss == pytest.approx(max(z, 0) - z * y + math.log1p(math.exp(-abs(z))), rel=1e-14, abs=1e-14)
    assert slope[0, 0] == pytest.approx(ag.sigmoid(z) - y, rel=1e-14, abs=1e-322)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_saturated_probability_counts_as_the_number_next_to_it(dtype):
    smallest, below_one = np.finfo(dtype).tiny, np.finfo(dtype).epsneg
    p = Tensor([[0.0, 1.0]], dtype=dtype)
    z = ag.binary_cross_entropy(p, np.array([[1.0, 0.0]], dtype))
    z.backward()
    assert z.item() == pytest.approx(-(math.log(smallest) + math.log(below_one)) / 2, rel=1e-6)
    assert p.grad / [[-0.5 / float(smallest), 0.5 / float(below_one)]] == pytest.approx(1.0, rel=1e-6)
    right, flat = loss_and_slope(ag.binary_cross_entropy, [[0.0, 1.0]], [[0.0, 1.0]])
    assert abs(right) < 1e-15
    assert np.allclose(flat, [[0.5, -0.5]], rtol=1e-6)


@pytest.mark.parametrize(("dtype", "logits"), [(np.float64, [17.0, 20.0, 25.0, 36.0]), (np.float32, [9.0, 12.0, 16.0])])
def test_sure_and_wrong_samples_keep_their_slope(dtype, logits):
    for z in logits:
        for y in (0.0, 1.0):
            t = Tensor([[z if y == 0 else -z]], dtype=dtype)
            ag.binary_cross_entropy(ag.sigmoid(t), np.array([[y]], dtype)).backward()
            assert t.grad.item() == pytest.approx((1 - 2 * y) / (1 + math.exp(-z)), rel=10 * float(np.finfo(dtype).eps))
    for z in (40.0, 100.0, 700.0):  # where 1 - p is lost, p is not
        t = Tensor([[-z]])
        ag.binary_cross_entropy(ag.sigmoid(t), [[1.0]]).backward()
        assert t.grad.item() == pytest.approx(-1.0, rel=1e-14)


@pytest.mark.parametrize("n", [1, 2, 3, 33])
def test_from_logits_the_loss_of_a_sure_and_right_sample_is_not_lost(n):
    # log(1 + e^-40), from Python's own log1p
    for z, y in ((40.0, 1.0), (-40.0, 0.0)):
        loss, slope = loss_and_slope(ag.binary_cross_entropy_with_logits, np.full((n, 1), z), np.full((n, 1), y))
        assert loss == pytest.approx(math.log1p(math.exp(-40.0)), rel=1e-14, abs=0)
        assert slope == pytest.approx(np.full((n, 1), (1 / (1 + math.exp(-z)) - y) / n), rel=1e-14, abs=0)


def test_cross_entropy_of_logits_far_out():
    z, slope = loss_and_slope(ag.softmax_cross_entropy, [[1e4, 0.0], [0.0, 1e4]], [0, 0])
    assert z == 5000.0
    assert slope.tolist() == [[0.0, 0.0], [-0.5, 0.5]]
    z, slope = loss_and_slope(ag.softmax_cross_entropy, [[0.0, -np.inf]], [0])
    assert (z, slope.tolist()) == (0.0, [[0.0, 0.0]])
    z, _ = loss_and_slope(ag.softmax_cross_entropy, [[0.0, -np.inf]], [1])
    assert z == np.inf
    assert math.isnan(loss_and_slope(ag.squared_error, [[np.inf]], [[np.inf]])[0])


# ---------------------------------------------------------------- dtypes, second derivatives, labels as rows


@pytest.mark.parametrize("loss", [*LOSSES, ag.softmax_cross_entropy])
def test_float32_is_kept_and_integer_targets_do_not_widen_it(loss):
    x = Tensor(np.full((2, 2), 0.25, np.float32))
    y = np.array([[1, 0], [0, 1]])
    for target in (y, y.astype(np.uint8), y.astype(np.float32), y.tolist()):
        z = loss(x, target)
        assert z.dtype == np.float32
        x.grad = None
        z.backward()
        assert x.grad.dtype == np.float32


def test_the_hessian_of_a_cross_entropy_is_that_of_softmax():
    x = Tensor([[0.2, -0.4, 1.1]])
    first = gradients(ag.softmax_cross_entropy(x, [2]), x, create_graph=True)
    rows = [gradients(first[0, j], x)[0] for j in range(3)]
    p = ag.softmax(x).data[0]
    assert np.allclose(rows, np.diag(p) - np.outer(p, p), rtol=1e-12)


def test_one_hot():
    assert ag.one_hot([2, 0]).tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    assert ag.one_hot(np.array([[1], [0]]), 2).tolist() == [[[0.0, 1.0]], [[1.0, 0.0]]]
    assert ag.one_hot(1, 3).tolist() == [0.0, 1.0, 0.0]
    assert ag.one_hot([1.0, 0.0], dtype=np.float32).dtype == np.float32
    assert ag.one_hot([], 3).shape == (0, 3)
    assert ag.one_hot(Tensor([1.0]), 2).tolist() == [[0.0, 1.0]]
    for labels, classes, says in [
        ([3], 3, "label 3 is out of range for 3 classes"),
        ([-1], None, "label -1 is out of range"),
        ([0.5], None, "label 0.5 is not integral"),
        ([np.inf], None, "label inf is not integral"),
    ]:
        with pytest.raises(ValueError, match=says):
            ag.one_hot(labels, classes)
    for labels in (["a"], [None], [True], [1j]):
        with pytest.raises(TypeError, match="expected a class label"):
            ag.one_hot(np.array(labels))


def test_the_operations_that_check_nothing_are_those_that_are_checked():
    for name, loss in losses.batch_losses.items():
        x, y = Tensor(P if name != "cross_entropy" else P / P.sum(1, keepdims=True)), ROWS
        more = (losses.Softmax(),) if name == "softmax_cross_entropy" else ()
        assert loss(x, y, 0.25, *more).item() == getattr(ag, name)(x, y).item()
