"""Metrics: definitions against scikit-learn and by hand, exact values over batches, wrong arguments."""

import re

import numpy as np
import pytest

from autograd import Tensor
from nn import losses, metrics
from nn.metrics import (
    Running,
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    confusion_matrix,
    find_metric,
    mae,
    mse,
    precision,
    precision_of_classes,
    recall,
    recall_of_classes,
    top_k_accuracy,
)

# Three classes, five samples; read as 0, 2, 1, 1, 2.
LABELS = np.array([0, 1, 1, 2, 2])
OUTPUTS = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3], [0.0, 0.6, 0.4], [0.1, 0.1, 0.8]])
CONFUSION = [[1, 0, 0], [0, 1, 1], [0, 1, 1]]

# One output, five samples; read as 1, 0, 0, 1, 0 at threshold ½.
SIDES = np.array([[1], [1], [0], [0], [0]])
SIGMOIDS = np.array([[0.9], [0.4], [0.5], [0.6], [0.1]])


def test_what_is_compared_may_be_given_by_either_name():
    y, p = np.array([[1], [0], [1]]), np.array([[0.2], [0.4], [0.9]])
    given = metrics.accuracy(y, p)
    assert given == metrics.accuracy(y_true=y, y_pred=p) == metrics.accuracy(prediction=p, target=y)
    assert given == metrics.accuracy(y, prediction=p) == pytest.approx(2 / 3)
    for wrong in ({"y_true": y}, {"target": y, "y_true": y, "prediction": p}, {"y_true": y, "y_pred": p, "target": y}):
        for compare in (metrics.accuracy, losses.binary_crossentropy):
            with pytest.raises(
                TypeError, match=r"expected y_true and y_pred, in this order \(or target= and prediction="
            ):
                compare(**wrong)


def test_accuracy_is_the_share_of_largest_outputs_in_their_places():
    assert accuracy(LABELS, OUTPUTS) == 3 / 5
    assert accuracy(np.eye(3)[LABELS], OUTPUTS) == 3 / 5
    assert accuracy(LABELS[:, None], OUTPUTS) == 3 / 5
    assert categorical_accuracy(LABELS.astype(float), np.log(OUTPUTS + 1e-9)) == 3 / 5


def test_accuracy_of_one_output_is_the_share_on_the_right_side():
    assert accuracy(SIDES, SIGMOIDS) == 3 / 5
    assert accuracy(SIDES.ravel(), SIGMOIDS.ravel()) == 3 / 5
    assert binary_accuracy(SIDES.astype(bool), SIGMOIDS) == 3 / 5


def test_an_output_on_the_threshold_counts_as_zero():
    assert binary_accuracy([0], [0.5]) == 1.0
    assert binary_accuracy([1], [0.5]) == 0.0


def test_the_threshold_of_logits_is_zero():
    logits = np.log(SIGMOIDS / (1 - SIGMOIDS))
    assert accuracy(SIDES, logits, threshold=0.0) == accuracy(SIDES, SIGMOIDS)
    assert accuracy.using(threshold=0.0)(SIDES, logits) == 3 / 5


def test_several_yes_or_no_outputs_count_one_by_one():
    assert binary_accuracy([[1, 0], [1, 1]], [[0.9, 0.8], [0.2, 0.7]]) == 0.5


def test_labels_are_compared_with_labels():
    assert accuracy([3, 7, 2], [3, 1, 2]) == 2 / 3
    assert accuracy(np.array([9, 9]), np.array([9, 0], np.uint8)) == 0.5


def test_two_outputs_are_two_classes():
    assert accuracy([0, 1], [[0.9, 0.1], [0.9, 0.1]]) == 0.5


@pytest.mark.parametrize(("k", "share"), [(1, 3 / 5), (2, 1.0), (3, 1.0), (9, 1.0)])
def test_top_k_counts_the_classes_among_the_k_largest(k, share):
    assert top_k_accuracy(LABELS, OUTPUTS, k=k) == share


def test_top_k_agrees_with_scikit_learn():
    sk = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    labels, outputs = rng.integers(0, 8, 300), rng.random((300, 8))
    for k in range(1, 8):
        theirs = sk.top_k_accuracy_score(labels, outputs, k=k, labels=range(8))
        assert top_k_accuracy(labels, outputs, k=k) == pytest.approx(theirs, rel=1e-14)


def test_equal_outputs_are_all_among_the_largest():
    assert top_k_accuracy([2], [[1.0, 1.0, 1.0, 0.0]], k=1) == 1.0


def test_errors_are_means_over_outputs_and_samples():
    true, predicted = [[1.0, 2.0], [0.0, 4.0]], [[2.0, 2.0], [3.0, 2.0]]
    assert mae(true, predicted) == (1 + 0 + 3 + 2) / 4
    assert mse(true, predicted) == (1 + 0 + 9 + 4) / 4


def test_errors_of_unsigned_numbers_do_not_wrap():
    assert mae(np.array([5], np.uint8), np.array([3], np.uint8)) == 2.0


def test_errors_of_float32_are_summed_in_float64():
    predicted = np.full(1 << 20, 0.1, np.float32)
    assert mae(np.zeros(1 << 20), predicted) == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_the_confusion_matrix_has_the_true_classes_as_rows():
    assert confusion_matrix(LABELS, OUTPUTS).tolist() == CONFUSION
    assert confusion_matrix(np.eye(3)[LABELS], OUTPUTS).tolist() == CONFUSION
    assert confusion_matrix(LABELS, OUTPUTS.argmax(axis=1)).tolist() == CONFUSION
    assert confusion_matrix([0, 0, 0], [0, 0, 2]).tolist() == [[2, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_the_confusion_matrix_of_one_output_has_two_classes():
    assert confusion_matrix(SIDES, SIGMOIDS).tolist() == [[2, 1], [1, 1]]
    assert confusion_matrix([0], [0]).tolist() == [[1, 0], [0, 0]]


def test_classes_that_do_not_occur_have_their_place_if_asked_for():
    assert confusion_matrix([0, 1], [1, 1], 4).shape == (4, 4)
    assert confusion_matrix([0, 1], [1, 1], 4).sum() == 2


def test_precision_and_recall_of_one_output_by_hand():
    # 1 true positive, 1 false positive, 1 false negative
    assert precision(SIDES, SIGMOIDS) == 1 / 2
    assert recall(SIDES, SIGMOIDS) == 1 / 2
    # at ⅓ the outputs 0.9, 0.4, 0.5 and 0.6 count: two of them rightly
    assert precision(SIDES, SIGMOIDS, threshold=1 / 3) == 2 / 4
    assert recall(SIDES, SIGMOIDS, threshold=1 / 3) == 1.0


def test_precision_and_recall_of_nothing_are_zero():
    assert precision([1, 1], [0.1, 0.2]) == 0.0
    assert recall([0, 0], [0.9, 0.2]) == 0.0
    assert precision_of_classes([[1, 0], [1, 0]]).tolist() == [0.5, 0.0]
    assert recall_of_classes([[0, 0], [1, 3]]).tolist() == [0.0, 0.75]


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_precision_recall_and_confusion_agree_with_scikit_learn(classes):
    sk = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(classes)
    labels, outputs = rng.integers(0, classes, 200), rng.random((200, classes))
    read = outputs.argmax(axis=1)
    average = "binary" if classes == 2 else "macro"
    assert precision(labels, outputs) == pytest.approx(sk.precision_score(labels, read, average=average), rel=1e-14)
    assert recall(labels, outputs) == pytest.approx(sk.recall_score(labels, read, average=average), rel=1e-14)
    matrix = confusion_matrix(labels, outputs)
    assert np.array_equal(matrix, sk.confusion_matrix(labels, read))
    assert precision_of_classes(matrix) == pytest.approx(sk.precision_score(labels, read, average=None), rel=1e-14)
    assert recall_of_classes(matrix) == pytest.approx(sk.recall_score(labels, read, average=None), rel=1e-14)
    assert accuracy(labels, outputs) == sk.accuracy_score(labels, read)


def test_the_mean_is_over_the_classes_that_occur_as_in_scikit_learn():
    sk = pytest.importorskip("sklearn.metrics")
    labels, read = [0, 0, 5, 5, 3], [0, 5, 5, 5, 3]
    assert precision(labels, read, classes=9) == pytest.approx(sk.precision_score(labels, read, average="macro"))
    assert recall(labels, read) == pytest.approx(sk.recall_score(labels, read, average="macro"))


def some(name):
    """300 samples as the metric takes them, and that no two batches agree on."""
    rng = np.random.default_rng(1)
    if name in ("mae", "mse", "mean_absolute_error", "mean_squared_error"):
        return rng.normal(size=(300, 2)), rng.normal(size=(300, 2))
    if name == "binary_accuracy":
        return rng.integers(0, 2, (300, 1)), rng.random((300, 1))
    return rng.integers(0, 7, 300), rng.random((300, 7))


@pytest.mark.parametrize("size", [1, 32, 300])
@pytest.mark.parametrize("name", metrics.metrics)
def test_the_value_of_an_epoch_does_not_depend_on_its_batches(name, size):
    true, predicted = some(name)
    measured = Running(name)
    for start in range(0, 300, size):  # the last batch of 32 has 12 samples
        measured.update(true[start : start + size], predicted[start : start + size])
    assert measured.result() == pytest.approx(find_metric(name)(true, predicted), rel=1e-14)
    assert type(measured.result()) is float
    assert measured.name == name


def test_the_mean_of_the_batches_would_be_something_else():
    true, predicted = some("precision")
    halves = [precision(true[:200], predicted[:200]), precision(true[200:], predicted[200:])]
    assert precision(true, predicted) != pytest.approx((200 * halves[0] + 100 * halves[1]) / 300, rel=1e-6)


def test_batches_of_labels_need_not_all_reach_the_last_class():
    true, predicted = np.array([0, 1, 0, 4, 2, 1]), np.array([0, 1, 1, 4, 4, 1])
    measured = Running("recall")
    for start in (0, 3):
        measured.update(true[start : start + 3], predicted[start : start + 3])
    assert measured.result() == pytest.approx(find_metric("recall")(true, predicted))


def test_a_running_metric_can_be_read_between_batches_and_started_anew():
    measured = Running(accuracy)
    measured.update([0, 1], [[0.9, 0.1], [0.9, 0.1]])
    assert measured.result() == measured.result() == 0.5
    measured.update([0], [[0.9, 0.1]])
    assert measured.result() == 2 / 3
    measured.reset()
    measured.update([1], [[0.9, 0.1]])
    assert measured.result() == 0.0


def test_a_running_metric_keeps_no_hold_of_the_arrays_it_is_given():
    measured, true, predicted = Running("mae"), np.zeros(3), np.ones(3)
    measured.update(true, predicted)
    predicted[:] = 100
    assert measured.result() == 1.0


def test_reading_before_the_first_batch_is_refused():
    with pytest.raises(RuntimeError, match=r"accuracy: no batch has been counted since reset\(\)"):
        Running("accuracy").result()


def test_a_function_of_ones_own_gives_a_number_for_each_sample():
    def tenfold(y_true, y_pred):
        return 10 * np.abs(y_true - y_pred)

    measured = Running(tenfold)
    measured.update(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0]))
    measured.update(np.array([5.0]), np.array([4.0]))
    assert measured.name == "tenfold"
    assert measured.result() == 5.0


def test_a_function_of_ones_own_that_gives_one_number_counts_by_the_size_of_its_batch():
    measured = Running(lambda y_true, y_pred: np.abs(y_true - y_pred).max())
    measured.update(np.zeros(3), np.array([1.0, 2.0, 3.0]))
    measured.update(np.zeros(1), np.array([7.0]))
    assert measured.result() == (3 * 3.0 + 7.0) / 4


def test_a_function_of_ones_own_of_another_length_is_refused():
    def odd(y_true, y_pred):
        return np.zeros(2)

    with pytest.raises(ValueError, match=r"odd: expected one number, or one for each of 3 samples; got \(2,\)"):
        find_metric(odd)(np.zeros(3), np.zeros(3))


def test_a_name_finds_its_metric_and_is_the_key_in_a_history():
    assert find_metric("acc").name == "acc"
    assert find_metric("mean_squared_error")([1.0], [3.0]) == 4.0
    assert find_metric(accuracy) is accuracy
    assert accuracy.name == "accuracy"
    assert precision.named("p")(SIDES, SIGMOIDS) == 0.5


def test_a_misspelt_name_is_refused_with_a_suggestion():
    with pytest.raises(ValueError, match="unknown metric 'acuracy'; did you mean 'accuracy'"):
        find_metric("acuracy")


@pytest.mark.parametrize("metric", [3, None, float])
def test_what_is_no_metric_is_refused(metric):
    with pytest.raises(TypeError, match="metric: expected a name or a function, got"):
        find_metric(metric)


@pytest.mark.parametrize("name", metrics.metrics)
def test_every_metric_says_what_it_is(name):
    assert metrics.metrics[name].__doc__
    assert repr(find_metric(name)) == f"Metric({name!r})"


def test_a_running_metric_shows_its_name():
    assert repr(Running("mae")) == "Running('mae')"


@pytest.mark.parametrize(
    ("metric", "true", "predicted", "message"),
    [
        (mae, [1.0, 2.0], [[1.0], [2.0]], "prediction has shape (2, 1), target has shape (2,): reshape one of them"),
        (accuracy, [1, 0], [[0.5], [0.6]], "accuracy: prediction has shape (2, 1), target has shape (2,)"),
        (accuracy, [0, 1, 2], [[0.1, 0.9]], "accuracy: y_pred has 1 samples, y_true has 3: give one for each"),
        (accuracy, 2, [[0.1, 0.9]], "expected y_true to have a row for each sample, got the number 2"),
        (accuracy, [0, 3], np.ones((2, 3)), "accuracy: label 3 is out of range for 3 classes (0..2)"),
        (accuracy, [0, -1], np.ones((2, 3)), "label -1 is out of range"),
        (accuracy, [0, 0.5], np.ones((2, 3)), "expected whole numbers as labels, got 0.5"),
        (accuracy, np.eye(4), np.ones((4, 3)), "accuracy: y_true has 4 classes, y_pred has 3"),
        (accuracy, [[2.0]], [[0.3]], "accuracy: label 2 is out of range for 2 classes (0..1)"),
        (accuracy, [[0.3]], [[0.3]], "accuracy: 0.3 is not a class, 0 or 1; for regression measure 'mae' or 'mse'"),
        (accuracy, [0], [[0.1, np.nan]], "accuracy: y_pred contains nan (first at row 0)"),
        (accuracy, [], np.empty((0, 3)), "accuracy: expected at least one sample, got none"),
        (accuracy, [1], 3.0, "accuracy: expected y_pred to have a row for each sample, got the number 3.0"),
        (categorical_accuracy, [1], [[0.3]], "expected y_pred of shape (samples, classes), got (1, 1)"),
        (
            precision,
            [[0, 1, 0], [1, 1, 0]],
            np.ones((2, 3)),
            "row 1 of y_true is of 2 classes, expected one: for several",
        ),
        (recall, [[0, 0, 0], [0, 1, 0]], np.ones((2, 3)), "row 0 of y_true is of 0 classes, expected one"),
        (confusion_matrix, [0, 1], [0, 1, 1], "prediction has shape (3,), target has shape (2,)"),
    ],
)
def test_what_does_not_fit_is_refused(metric, true, predicted, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        metric(true, predicted)


@pytest.mark.parametrize("true", [["a", "b"], [None, 1]])
def test_labels_that_are_no_numbers_are_refused(true):
    with pytest.raises(TypeError, match="accuracy: expected plain numbers in y_true"):
        accuracy(true, np.ones((2, 3)))


def test_rows_that_are_not_quite_one_hot_have_the_class_of_their_largest_number():
    soft = [[0.9, 0.05, 0.05], [0.01, 0.01, 0.99], [-1.0, 1.0, -1.0]]
    assert confusion_matrix(soft, np.eye(3)).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_a_batch_of_unequal_length_is_refused_at_once():
    with pytest.raises(ValueError, match=r"mae: prediction has shape \(3,\), target has shape \(2,\)"):
        Running("mae").update(np.zeros(2), np.zeros(3))


@pytest.mark.parametrize("k", [0, True])
def test_k_must_be_a_positive_integer(k):
    with pytest.raises((TypeError, ValueError), match="top_k_accuracy: expected k to be a positive integer"):
        top_k_accuracy(LABELS, OUTPUTS, k=k)


def test_a_measure_takes_the_numbers_of_results_for_it_has_no_gradient():
    outputs = Tensor(OUTPUTS) * 1.0
    assert accuracy(LABELS, outputs) == 3 / 5
    assert confusion_matrix(LABELS, outputs).tolist() == CONFUSION
    assert mae(OUTPUTS, outputs) == 0.0
