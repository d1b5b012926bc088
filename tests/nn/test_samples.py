"""Samples and targets as users give them: what is kept, what is converted, what is refused."""

import numpy as np
import pytest

from autograd import Value
from nn.samples import check_finite, checked_features, checked_pair, whole_labels


class Sparse:
    """A matrix of scipy.sparse, as far as NumPy knows it: not at all."""

    def toarray(self):
        return np.eye(2)


@pytest.mark.parametrize(("given", "kept"), [("f4", "f4"), ("f8", "f8"), (">f4", "f4"), (">f8", "f8"), ("f2", "f8")])
def test_features_keep_float32_and_float64(given, kept):
    x = checked_features("fit", np.array([[1.5, 2.5]], given))
    assert x.dtype == np.dtype(kept)
    assert x.dtype.isnative
    assert x.tolist() == [[1.5, 2.5]]


@pytest.mark.parametrize("given", [[[1, 2]], [[True, False]], np.array([[200, 100]], np.uint8), np.float16([[1, 2]])])
def test_other_features_become_float64(given):
    x = checked_features("fit", given)
    assert x.dtype == np.float64
    assert x.tolist() == np.asarray(given).astype(float).tolist()


def test_features_of_the_right_type_are_not_copied():
    x = np.ones((1000, 10), np.float32)
    assert checked_features("fit", x) is x


def test_features_may_be_absent_in_a_prediction_only():
    assert checked_features("predict", np.empty((0, 3)), empty=True).shape == (0, 3)
    with pytest.raises(ValueError, match=r"fit: expected at least one sample, got none: x has shape \(0, 3\)"):
        checked_features("fit", np.empty((0, 3)))
    with pytest.raises(ValueError, match="fit: expected at least one sample, got none"):
        checked_features("fit", [])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.empty((3, 0)), r"expected at least one feature, got none: x has shape \(3, 0\)"),
        (3.0, r"expected x of shape \(samples, features\), got the number 3\.0"),
        ([[1, 2], [3]], "expected x to be an array, got rows of different lengths"),
        ([[np.nan, 1.0]], r"x contains nan or infinity \(first at row 0, column 0\)"),
        ([[1.0, 2.0], [3.0, -np.inf]], r"x contains nan or infinity \(first at row 1, column 1\)"),
        (np.array([[np.inf, -np.inf]], np.float32), r"first at row 0, column 0"),
        (np.full((2, 2, 2), np.nan), r"first at sample 0, axis 1 0, axis 2 0"),
    ],
)
def test_features_that_make_no_sense_are_refused(x, message):
    with pytest.raises(ValueError, match=f"fit: {message}" if message.startswith(("expected", "x ")) else message):
        checked_features("fit", x)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([[1, None]]), r"in x, got an array of shape \(1, 2\) and dtype object; convert it with np\.asarray"),
        ([["1", "2"]], r"in x, got an array of shape \(1, 2\) and dtype <U1; convert it with np\.asarray"),
        (np.array([[1, "red"]], object), "in x, got an array .* dtype object; write text as numbers, such as a column"),
        ([["1", "red"]], "in x, got an array .* dtype <U3; write text as numbers, such as a column of 0 and 1"),
        ([[1j]], r"in x, got an array of shape \(1, 1\) and dtype complex128"),
        (None, "in x, got NoneType$"),
        ({"a": [1.0]}, "in x, got dict$"),
        ((row for row in [[1.0]]), "in x, got generator$"),
        (Sparse(), r"in x, got Sparse; write x\.toarray\(\)$"),
        (np.array(["2020-01-01"], "M8[D]"), r"in x, got an array of shape \(1,\) and dtype datetime64"),
        ([Value(1.0)], r"in x, got Values; take the \.data of each"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "in x, got masked ones; fill or drop them first"),
    ],
)
def test_features_that_are_no_numbers_are_refused(x, message):
    with pytest.raises(TypeError, match=f"fit: expected plain numbers {message}"):
        checked_features("fit", x)


def test_a_sum_that_overflows_is_not_taken_for_infinity():
    check_finite("x", np.full((2, 2), 1e308))
    check_finite("x", np.full(1000, 3e38, np.float32))


def test_targets_keep_integers_apart_from_numbers():
    assert checked_pair("fit", [[1.0]], [3])[1].dtype.kind == "i"
    assert checked_pair("fit", [[1.0]], np.array([3], np.uint8))[1].dtype == np.uint8
    assert checked_pair("fit", [[1.0]], [[0.5]])[1].tolist() == [[0.5]]
    assert checked_pair("fit", [[1.0], [2.0]], [True, False])[1].tolist() == [1, 0]
    assert checked_pair("fit", [[1.0]], np.array([3.0], ">f4"))[1].dtype.isnative


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0], "fit: x has 2 samples, y has 1: give one for each sample"),
        (1.0, r"fit: expected y to have a row for each sample, got the number 1\.0"),
        ([], "fit: x has 2 samples, y has 0"),
        ([1.0, np.nan], r"fit: y contains nan or infinity \(first at row 1\)"),
    ],
)
def test_targets_that_do_not_fit_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        checked_pair("fit", [[1.0], [2.0]], y)


@pytest.mark.parametrize("y", [["cat", "dog"], np.array(["cat", "dog"], object), np.array(["0", "1"], object)])
def test_labels_that_are_words_come_with_the_remedy(y):
    with pytest.raises(TypeError, match=r"number the classes: np\.unique\(y, return_inverse=True\)\[1\]"):
        checked_pair("fit", [[1.0], [2.0]], y)
    numbered = np.unique(y, return_inverse=True)[1]
    assert checked_pair("fit", [[1.0], [2.0]], numbered)[1].tolist() == [0, 1]


def test_labels_are_whole_numbers_of_any_type():
    labels = whole_labels("fit", np.array([2.0, 0.0], np.float32), 3)
    assert labels.dtype == np.int64
    assert labels.tolist() == [2, 0]
    assert whole_labels("fit", [True, False]).tolist() == [1, 0]
