"""Losses of a batch: Keras' definitions worked by hand, and what they refuse."""

import math

import numpy as np
import pytest

import autograd
from autograd import Tensor, Value
from nn import Dense, Sequential, losses
from nn.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    find_loss,
)

Y = [[0.0, 1.0], [0.0, 0.0]]
P = [[0.6, 0.4], [0.4, 0.6]]
ROWS = [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]


def test_mse_is_the_mean_over_outputs_and_samples():
    assert losses.mse(Y, [[1.0, 1.0], [1.0, 0.0]]) == 0.5
    assert losses.mse([1.0, 2.0, 3.0], [1.0, 4.0, 0.0]) == pytest.approx((4 + 9) / 3)


def test_half_is_the_cost_of_the_lectures():
    # (1/m) Σ over samples of ½ Σ over outputs
    assert MeanSquaredError(half=True)(Y, [[1.0, 1.0], [1.0, 0.0]]) == (0.5 + 0.5) / 2
    z = Tensor([[1.0, 5.0], [2.0, -1.0]])
    MeanSquaredError(half=True)(Y, z).backward()
    assert z.grad.tolist() == [[0.5, 2.0], [1.0, -0.5]]  # (ŷ - y) / m


def test_mae_is_the_mean_of_the_sizes():
    assert losses.mae(Y, [[1.0, 1.0], [1.0, 0.0]]) == 0.5
    p = Tensor([[1.0, 1.0], [-1.0, 0.0]])
    losses.mae(Y, p).backward()
    assert p.grad.tolist() == [[0.25, 0.0], [-0.25, 0.0]]


def test_huber_is_a_parabola_with_straight_arms():
    assert losses.huber(Y, P) == pytest.approx((0.18 + 0.18 + 0.08 + 0.18) / 4)  # ½d² of 0.6, -0.6, 0.4, 0.6
    assert Huber(2.0)([[0.0]], [[5.0]]) == 2 * 5 - 0.5 * 4
    assert Huber(2.0)([[0.0]], [[2.0]]) == 2.0
    p = Tensor([[5.0, 1.0, -3.0, 0.0]])
    Huber(2.0)([[0.0] * 4], p).backward()
    assert p.grad.tolist() == [[0.5, 0.25, -0.5, 0.0]]


def test_binary_crossentropy_is_keras_documented_number():
    # Keras' documentation gives 0.815 for these
    byhand = -(math.log(0.4) + math.log(0.4) + math.log(0.6) + math.log(0.4)) / 4
    assert losses.binary_crossentropy(Y, P) == pytest.approx(byhand)
    assert round(losses.binary_crossentropy(Y, P), 3) == 0.815


def test_binary_crossentropy_from_logits_is_that_of_their_sigmoid():
    z = np.array([[0.4, -2.0], [3.0, 0.1]])
    assert BinaryCrossentropy(from_logits=True)(Y, z) == pytest.approx(
        losses.binary_crossentropy(Y, 1 / (1 + np.exp(-z)))
    )


def test_categorical_crossentropy_is_keras_documented_number():
    # Keras' documentation gives 1.177
    byhand = -(math.log(0.95) + math.log(0.1)) / 2
    for loss in (losses.categorical_crossentropy, losses.sparse_categorical_crossentropy):
        assert loss([[0, 1, 0], [0, 0, 1]], ROWS) == pytest.approx(byhand, rel=1e-6)
        assert loss([1, 2], ROWS) == pytest.approx(byhand, rel=1e-6)
        assert loss([[1], [2]], ROWS) == pytest.approx(byhand, rel=1e-6)
    assert round(losses.categorical_crossentropy([1, 2], ROWS), 3) == 1.177


def test_probabilities_that_do_not_sum_to_one_are_divided_by_their_sum():
    assert losses.categorical_crossentropy([0], [[0.4, 0.4]]) == pytest.approx(math.log(2))


def test_a_probability_of_zero_costs_the_log_of_the_smallest_number_and_its_slope_lives():
    p = Tensor([[0.0, 1.0]])
    loss = losses.categorical_crossentropy([0], p)
    assert loss.item() == pytest.approx(1022 * math.log(2))
    loss.backward()
    assert p.grad[0, 0] < -1e6


def test_categorical_crossentropy_from_logits_is_that_of_their_softmax():
    z = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    expected = -(math.log(p[0, 2]) + math.log(p[1, 0])) / 2
    assert CategoricalCrossentropy(from_logits=True)([2, 0], z) == pytest.approx(expected)
    assert SparseCategoricalCrossentropy(from_logits=True)([2, 0], z) == pytest.approx(expected)


def test_the_slope_of_a_cross_entropy_from_logits_is_a_minus_y():
    z = Tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
    CategoricalCrossentropy(from_logits=True)([2, 0], z).backward()
    a = np.exp(z.numpy()) / np.exp(z.numpy()).sum(axis=1, keepdims=True)
    assert z.grad == pytest.approx((a - np.eye(3)[[2, 0]]) / 2, abs=1e-14)
    z = Tensor([[0.0]])
    BinaryCrossentropy(from_logits=True)([[1.0]], z).backward()
    assert z.grad.tolist() == [[-0.5]]


@pytest.mark.parametrize("loss", [losses.mse, losses.mae, losses.huber, losses.binary_crossentropy])
def test_a_weight_multiplies_its_sample_and_the_sum_is_divided_by_their_number(loss):
    one, two = (loss([y], [p]) for y, p in zip(Y, P, strict=True))
    assert loss(Y, P, sample_weight=[3.0, 0.5]) == pytest.approx((3 * one + 0.5 * two) / 2)


def test_weights_of_a_cross_entropy_of_classes():
    for loss, p in ((losses.categorical_crossentropy, ROWS), (CategoricalCrossentropy(from_logits=True), ROWS)):
        one, two = loss([1], p[:1]), loss([2], p[1:])
        assert loss([1, 2], p, sample_weight=[3.0, 0.5]) == pytest.approx((3 * one + 0.5 * two) / 2)


def test_every_loss_equals_pytorch_with_its_gradient():
    torch = pytest.importorskip("torch")
    f = torch.nn.functional
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 4))
    labels, soft = rng.integers(4, size=6), rng.dirichlet(np.ones(4), size=6)
    yes = rng.integers(2, size=(6, 4)).astype(float)
    p = rng.uniform(0.1, 0.9, (6, 4))
    as_torch = torch.tensor
    for ours, theirs, true, predicted in (
        (losses.mse, f.mse_loss, y, z),
        (losses.mae, f.l1_loss, y, z),
        (Huber(0.7), lambda a, b: f.huber_loss(a, b, delta=0.7), y, z),
        (losses.binary_crossentropy, f.binary_cross_entropy, yes, p),
        (BinaryCrossentropy(from_logits=True), f.binary_cross_entropy_with_logits, yes, z),
        (CategoricalCrossentropy(from_logits=True), f.cross_entropy, soft, z),
        (CategoricalCrossentropy(from_logits=True), f.cross_entropy, labels, z),
        (
            losses.categorical_crossentropy,
            lambda a, b: f.nll_loss(torch.log(a / a.sum(1, keepdim=True)), b),
            labels,
            p,
        ),
    ):
        mine, other = Tensor(predicted), as_torch(predicted, requires_grad=True)
        loss, expected = ours(true, mine), theirs(other, as_torch(true))
        loss.backward()
        expected.backward()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
        assert mine.grad == pytest.approx(other.grad.numpy(), rel=1e-9, abs=1e-14)


def test_a_float32_loss_is_float32_with_and_without_weights():
    for loss, y in ((losses.mse, Y), (losses.mae, Y), (losses.huber, Y), (losses.binary_crossentropy, Y)):
        for weight in (None, [1.0, 2.0]):
            p = Tensor(P, dtype="float32")
            found = loss(y, p, sample_weight=weight)
            found.backward()
            assert (found.dtype, p.grad.dtype) == (np.float32, np.float32)


def test_a_row_of_numbers_against_a_column_is_refused():
    with pytest.raises(
        ValueError, match=r"^mse expects targets of shape \(samples, 1\).*got y of shape \(4,\).*y\[:, None"
    ):
        losses.mse(np.zeros(4), np.zeros((4, 1)))
    with pytest.raises(ValueError, match=r"prediction has shape \(4,\), target has shape \(4, 1\): reshape one"):
        losses.mse(np.zeros((4, 1)), np.zeros(4))
    with pytest.raises(ValueError, match=r"prediction has shape \(4, 2\), target has shape \(3, 2\)"):
        losses.mse(np.zeros((3, 2)), np.zeros((4, 2)))


def test_labels_for_mse_are_refused_with_both_remedies():
    with pytest.raises(ValueError, match=r"one-hot with nn.data.one_hot\(y, 3\), or use loss='sparse_categorical"):
        losses.mse([0, 1, 2], np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], r"label 3 is out of range for 3 classes \(0..2\)"),
        ([0, -1], r"label -1 is out of range for 3 classes"),
        ([0, 0.5], "expected whole numbers as labels, got 0.5"),
        ([[0.5, 0.4, 0.0], [0, 0, 1]], "row 0 of y is .*expected probabilities with sum 1"),
        ([[0, 1, 0], [1, 1, 0]], "row 1 of y is .*for several classes at once use loss='binary_crossentropy'"),
        ([[0, 1], [1, 0]], r"the net gives 3 classes, y has shape \(2, 2\)"),
    ],
)
def test_labels_that_do_not_fit_the_classes_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        losses.categorical_crossentropy(labels, ROWS)


def test_wrong_labels_come_with_both_remedies():
    with pytest.raises(ValueError, match=r"takes labels 0..2 or one-hot rows \(samples, 3\); .* use loss='mse'"):
        losses.sparse_categorical_crossentropy([0, 7], ROWS)
    with pytest.raises(ValueError, match="a unit for each class, or activation='sigmoid' with loss='binary_cross"):
        losses.categorical_crossentropy([0, 1], [[0.5], [0.5]])


def test_classes_for_a_binary_loss_are_refused_with_both_remedies():
    with pytest.raises(
        ValueError, match=r"label 2 is out of range for binary_crossentropy \(0..1\): scale y, or .*sparse"
    ):
        losses.binary_crossentropy([[0], [2]], [[0.5], [0.5]])
    with pytest.raises(ValueError, match=r"label -1 .*\(y \+ 1\) / 2 maps -1 and 1 there"):
        losses.binary_crossentropy([[-1], [1]], [[0.5], [0.5]])


def test_probabilities_outside_their_range_are_refused():
    for loss, y in ((losses.binary_crossentropy, [[1.0, 0.0]]), (losses.categorical_crossentropy, [0])):
        with pytest.raises(ValueError, match=r"probabilities must lie in \[0, 1\], got 1.5: give it from_logits=True"):
            loss(y, [[1.5, 0.5]])


def test_names_find_their_losses_and_misspelt_ones_are_refused_with_a_suggestion():
    assert isinstance(find_loss("mean_squared_error"), MeanSquaredError)
    assert isinstance(find_loss("mae"), MeanAbsoluteError)
    assert isinstance(find_loss("binary_cross_entropy"), BinaryCrossentropy)
    with pytest.raises(ValueError, match="unknown loss 'categorical_crosentropy'; did you mean 'categorical_cross"):
        find_loss("categorical_crosentropy")
    with pytest.raises(TypeError, match=r"got a class; write Huber\(\)"):
        find_loss(Huber)
    with pytest.raises(TypeError, match="loss: expected a name or a function, got int"):
        find_loss(3)


def test_a_loss_without_samples_is_refused():
    with pytest.raises(ValueError, match="mse: expected at least one sample"):
        losses.mse(np.zeros((0, 2)), np.zeros((0, 2)))


def test_a_delta_of_zero_is_refused():
    with pytest.raises(ValueError, match="Huber: expected delta to be above 0"):
        Huber(0.0)


def test_a_function_of_ones_own_gives_one_number_or_one_for_each_sample():
    def per_batch(y_true, y_pred):
        return ((y_pred - y_true) ** 2).mean()

    def per_sample(y_true, y_pred):
        return ((y_pred - y_true) ** 2).mean(axis=1)

    expected = losses.mse(Y, P)
    assert find_loss(per_batch)(Y, P) == pytest.approx(expected)
    assert find_loss(per_sample)(Y, P) == pytest.approx(expected)
    weights = [3.0, 0.5]
    assert find_loss(per_sample)(Y, P, weights) == pytest.approx(losses.mse(Y, P, weights))
    with pytest.raises(ValueError, match="per_batch: weights need a loss for each sample"):
        find_loss(per_batch)(Y, P, weights)
    with pytest.raises(TypeError, match="expected the loss as a Tensor, got float"):
        find_loss(lambda y_true, y_pred: 1.0)(Y, P)


def test_softmax_and_a_loss_from_logits_do_not_go_together():
    for last, loss in (("softmax", CategoricalCrossentropy(from_logits=True)), ("sigmoid", BinaryCrossentropy(True))):
        with pytest.raises(ValueError, match=rf"Dense\(3, '{last}'\) ends with '{last}' and .*from_logits=False"):
            Sequential([Dense(3, activation=last, input_dim=2)]).compile("sgd", loss)


def test_a_cross_entropy_of_numbers_that_are_no_probabilities_is_refused():
    with pytest.raises(ValueError, match=r"expects probabilities, Dense\(1\) ends with 'linear'.*activation='sigmoid'"):
        Sequential([Dense(1, input_dim=2)]).compile("sgd", "binary_crossentropy")


def test_a_loss_is_one_node_on_the_outputs():
    for loss, y, p in (
        (losses.mse, Y, P),
        (losses.binary_crossentropy, Y, P),
        (CategoricalCrossentropy(from_logits=True), [0, 1], P),
    ):
        t = Tensor(p)
        assert loss(y, t).operands[0] is t


def test_a_loss_can_be_differentiated_twice():
    z = Tensor([[0.3, -1.0]])
    (g,) = autograd.gradients(BinaryCrossentropy(True)([[1.0, 0.0]], z), [z], create_graph=True)
    (h,) = autograd.gradients(g.sum(), [z])
    s = 1 / (1 + np.exp(-z.numpy()))
    assert np.asarray(h) == pytest.approx(s * (1 - s) / 2)


def test_the_names_of_either_convention_are_taken():
    y, p = np.array([[1.0], [0.0]]), np.array([[0.8], [0.3]])
    loss = losses.binary_crossentropy
    assert loss(y, p) == loss(y_true=y, y_pred=p) == loss(prediction=p, target=y) == loss(y, prediction=p)
    with pytest.raises(TypeError, match="expected y_true and y_pred, in this order"):
        loss(y)


@pytest.mark.parametrize(
    ("loss", "target", "from_logits", "by_hand"),
    [
        (MeanSquaredError(), [0.0, 1.0, 1.0], False, (0.04 + 0.25 + 0.09) / 3),
        (MeanSquaredError(half=True), [0.0, 1.0, 1.0], False, (0.04 + 0.25 + 0.09) / 2),
        (MeanAbsoluteError(), [0.0, 1.0, 1.0], False, (0.2 + 0.5 + 0.3) / 3),
        (Huber(0.4), [0.0, 1.0, 1.0], False, (0.02 + 0.4 * 0.5 - 0.08 + 0.045) / 3),
        (BinaryCrossentropy(), [0.0, 1.0, 1.0], False, -(math.log(0.8) + math.log(0.5) + math.log(0.7)) / 3),
        (CategoricalCrossentropy(), [0.0, 1.0, 0.0], False, -math.log(0.5)),
        (
            CategoricalCrossentropy(from_logits=True),
            [0.0, 1.0, 0.0],
            True,
            math.log(sum(math.exp(z) for z in (0.2, 0.5, 0.7))) - 0.5,
        ),
    ],
)
def test_the_loss_of_one_sample_of_values_is_that_of_a_batch_of_one(loss, target, from_logits, by_hand):
    outputs = [0.2, 0.5, 0.3 if isinstance(loss, CategoricalCrossentropy) and not from_logits else 0.7]
    assert loss.of_sample([Value(p) for p in outputs], target, from_logits).data == pytest.approx(by_hand, rel=1e-12)
    assert loss([target], [outputs]) == pytest.approx(by_hand, rel=1e-6)
