"""Data made ready: batches, splits, one-hot rows, scales."""

import re

import numpy as np
import pytest

from nn import data
from nn.data import Standardizer, batches, one_hot, scale_to_unit, split_validation, train_test_split

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10)


def rows(pairs):
    return [y.tolist() for _, y, *_ in pairs]


def test_batches_in_order_keep_the_short_last_one():
    assert rows(batches(X, Y, 4, shuffle=False)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_batch_larger_than_the_data_is_all_of_it():
    assert rows(batches(X, Y, 100, shuffle=False)) == [Y.tolist()]
    assert len(batches(X, Y, 100)) == 1


@pytest.mark.parametrize(("n", "size", "count"), [(10, 3, 4), (10, 5, 2), (10, 10, 1), (1, 32, 1), (11, 1, 11)])
def test_the_length_is_the_number_of_batches(n, size, count):
    made = batches(np.ones((n, 2)), np.ones(n), size, rng=0)
    assert len(made) == len(list(made)) == count


def test_rows_and_targets_stay_together_through_the_shuffle():
    for x, y in batches(X, Y, 3, rng=0):
        assert np.array_equal(x, X[y])


@pytest.mark.parametrize("gathered", [1, 16, 1 << 16])
def test_an_epoch_takes_every_sample_once_in_the_order_of_the_generator(monkeypatch, gathered):
    monkeypatch.setattr(data, "NUMBERS", gathered)
    expected = np.random.default_rng(3).permutation(10)
    got = list(batches(X, Y, 3, rng=3))
    assert [len(y) for _, y in got] == [3, 3, 3, 1]
    assert np.array_equal(np.concatenate([y for _, y in got]), expected)
    assert np.array_equal(np.concatenate([x for x, _ in got]), X[expected])


def test_each_epoch_has_a_fresh_shuffle_and_the_same_seed_the_same_epochs():
    one, two = batches(X, Y, 4, rng=0), batches(X, Y, 4, rng=0)
    epochs = [rows(one), rows(one)]
    assert epochs[0] != epochs[1]
    assert epochs == [rows(two), rows(two)]


def test_a_generator_is_shared_with_the_caller():
    rng = np.random.default_rng(0)
    list(batches(X, Y, rng=rng))
    assert rng.random() != np.random.default_rng(0).random()


def test_no_random_number_is_drawn_without_a_shuffle():
    rng = np.random.default_rng(0)
    list(batches(X, Y, shuffle=False, rng=rng))
    assert rng.random() == np.random.default_rng(0).random()


def test_weights_travel_with_their_samples():
    for _, y, weight in batches(X, Y, 3, sample_weight=Y / 2, rng=1):
        assert np.array_equal(weight, y / 2)


def test_images_are_batched_along_their_first_axis():
    images = np.arange(5 * 3 * 2.0).reshape(5, 3, 2)
    for x, y in batches(images, np.arange(5), 2, rng=0):
        assert np.array_equal(x, images[y])


def test_the_data_of_the_caller_is_not_touched():
    x, y = X.copy(), Y.copy()
    for xb, yb in batches(x, y, 3, rng=0):
        xb *= 0
        yb *= 0
    assert np.array_equal(x, X)
    assert np.array_equal(y, Y)


def test_the_repr_of_batches_is_short_and_true():
    assert repr(batches(X, Y, 3, rng=0)) == "Batches(10 samples, 4 batches of 3, shuffled)"


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_size_below_one_is_refused(size):
    with pytest.raises(ValueError, match=f"batches: expected batch_size to be a positive integer, got {size}"):
        batches(X, Y, size)


@pytest.mark.parametrize("size", [True, 2.5, "32", None])
def test_a_batch_size_of_another_type_is_refused(size):
    with pytest.raises(TypeError, match="batches: expected batch_size to be a positive integer"):
        batches(X, Y, size)


def test_x_and_y_of_different_length_are_refused():
    with pytest.raises(ValueError, match="batches: x has 10 samples, y has 9"):
        batches(X, Y[:9])


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match=r"batches: expected at least one sample, got none: x has shape \(0, 2\)"):
        batches(X[:0], Y[:0])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 2.0], r"expected sample_weight of shape \(10,\), one for each sample; got \(2,\)"),
        (np.ones((10, 1)), r"got \(10, 1\)"),
        (-np.ones(10), "expected weights of at least 0"),
        (np.zeros(10), "one of them above"),
        ([np.nan] * 10, r"sample_weight contains nan or infinity \(first at row 0\)"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        batches(X, Y, sample_weight=weights)


def test_the_last_part_is_for_validation_not_shuffled():
    (x, y), (x_val, y_val) = split_validation(X, Y, 0.2)
    assert y.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert y_val.tolist() == [8, 9]
    assert np.array_equal(np.concatenate([x, x_val]), X)


@pytest.mark.parametrize(("n", "fraction", "training"), [(10, 0.25, 7), (10, 0.99, 0), (7, 0.5, 3), (100, 0.1, 90)])
def test_the_training_part_is_rounded_down(n, fraction, training):
    if training == 0:
        with pytest.raises(ValueError, match=r"validation_split=0\.99 of 10 samples leaves 0 to train and 10"):
            split_validation(np.ones((n, 1)), np.ones(n), fraction)
    else:
        assert len(split_validation(np.ones((n, 1)), np.ones(n), fraction)[0][0]) == training


def test_no_validation_is_an_empty_last_part():
    (x, _), (x_val, y_val) = split_validation(X, Y, 0)
    assert len(x) == 10
    assert x_val.shape == (0, 2)
    assert y_val.shape == (0,)


def test_weights_are_split_with_their_samples():
    (_, _, weights), (_, _, validation) = split_validation(X, Y, 0.3, Y / 2)
    assert len(weights) == 7
    assert validation.tolist() == [3.5, 4.0, 4.5]


@pytest.mark.parametrize("fraction", [1.0, 1, -0.1, 1.5, float("nan")])
def test_a_validation_split_outside_its_range_is_refused(fraction):
    message = f"expected validation_split to be at least 0 and below 1, got {float(fraction)!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        split_validation(X, Y, fraction)


def test_a_split_is_a_random_partition():
    x, x_test, y, y_test = train_test_split(X, Y, 0.2, rng=0)
    assert (len(y), len(y_test)) == (8, 2)
    assert sorted([*y, *y_test]) == Y.tolist()
    assert [*y, *y_test] != Y.tolist()
    assert np.array_equal(x, X[y])
    assert np.array_equal(x_test, X[y_test])


def test_the_same_seed_splits_alike_and_another_does_not():
    first, again, other = (train_test_split(X, Y, rng=seed)[3].tolist() for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(("size", "held_out"), [(0.25, 3), (0.01, 1), (4, 4), (np.int64(4), 4), (0.9, 9)])
def test_a_test_size_is_a_share_rounded_up_or_a_number(size, held_out):
    assert len(train_test_split(X, Y, size, rng=0)[1]) == held_out


@pytest.mark.slow
def test_the_sizes_are_those_of_scikit_learn():
    selection = pytest.importorskip("sklearn.model_selection")
    for n in range(2, 40):
        for size in (0.1, 0.2, 0.25, 0.33, 0.5):
            theirs = selection.train_test_split(np.ones((n, 1)), np.ones(n), test_size=size, random_state=0)
            ours = train_test_split(np.ones((n, 1)), np.ones(n), size, rng=0)
            assert [len(a) for a in ours] == [len(a) for a in theirs]


def test_a_stratified_split_keeps_the_shares():
    y = np.repeat([0, 1, 2], [70, 20, 10])
    _, _, y_train, y_test = train_test_split(y[:, None], y, 0.2, rng=0, stratify=y)
    assert np.bincount(y_test).tolist() == [14, 4, 2]
    assert np.bincount(y_train).tolist() == [56, 16, 8]


def test_a_stratified_split_that_does_not_divide_is_off_by_less_than_one():
    y = np.random.default_rng(0).integers(0, 7, 203)
    _, _, _, y_test = train_test_split(y[:, None], y, 50, rng=0, stratify=y)
    assert len(y_test) == 50
    assert np.abs(np.bincount(y_test, minlength=7) - np.bincount(y, minlength=7) * 50 / 203).max() < 1


def test_a_stratified_split_chooses_at_random_within_a_class():
    y = np.repeat([0, 1], 50)
    chosen = [train_test_split(np.arange(100)[:, None], y, 0.2, rng=seed, stratify=y)[1].ravel() for seed in (0, 1)]
    assert not np.array_equal(np.sort(chosen[0]), np.sort(chosen[1]))


@pytest.mark.parametrize(
    ("size", "error", "message"),
    [
        (1.0, ValueError, r"expected test_size to be at least 0 and below 1, got 1\.0"),
        (0.0, ValueError, r"test_size=0\.0 of 10 samples leaves 10 to train"),
        (10, ValueError, "test_size=10 of 10 samples leaves 0 to train"),
        (-1, ValueError, "test_size=-1 of 10 samples"),
        (True, TypeError, "expected test_size to be a share or a number, got bool"),
        ("a fifth", TypeError, "got str"),
    ],
)
def test_a_test_size_that_leaves_nothing_is_refused(size, error, message):
    with pytest.raises(error, match=message):
        train_test_split(X, Y, size)


def test_a_split_needs_two_samples_and_as_many_targets():
    with pytest.raises(ValueError, match=r"expected at least two samples, got x of shape \(1, 2\)"):
        train_test_split(X[:1], Y[:1])
    with pytest.raises(ValueError, match="x has 10 samples, y has 3"):
        train_test_split(X, Y[:3])
    with pytest.raises(ValueError, match=r"expected stratify of shape \(10,\), got \(3,\)"):
        train_test_split(X, Y, stratify=Y[:3])


def test_a_label_becomes_a_row_with_a_one():
    assert one_hot([0, 2, 1]).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert one_hot([1.0], 4).tolist() == [[0, 1, 0, 0]]
    assert one_hot(np.array([1], np.uint8), 2, dtype=np.float32).dtype == np.float32


def test_no_labels_give_no_rows():
    assert one_hot(np.array([], int), 3).shape == (0, 3)
    assert one_hot(np.array([], int)).shape == (0, 0)


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        ([0, 5], 3, r"one_hot: label 5 is out of range for 3 classes \(0\.\.2\)"),
        ([0, -1], 3, r"label -1 is out of range for 3 classes \(0\.\.2\)"),
        ([0, -1], None, "label -1 is out of range; labels count from 0"),
        ([0, 1.5], 3, r"expected whole numbers as labels, got 1\.5"),
        ([0, np.nan], 3, "expected whole numbers as labels, got nan"),
        ([[0], [1]], 3, r"expected labels of shape \(samples,\), got \(2, 1\); reshape it with y\.ravel\(\)"),
        ([0], 0, "expected classes to be a positive integer, got 0"),
    ],
)
def test_labels_out_of_range_are_refused(labels, classes, message):
    with pytest.raises(ValueError, match=message):
        one_hot(labels, classes)


def test_images_of_bytes_come_to_unit_scale_without_wrapping():
    images = np.array([[0, 51, 255]], np.uint8)
    assert scale_to_unit(images).tolist() == [[0.0, 0.2, 1.0]]
    assert scale_to_unit(images, 255, 0, dtype=np.float32).dtype == np.float32
    assert scale_to_unit(np.array([3, 5, 9], np.uint8), high=9, low=3).tolist() == [0.0, 1 / 3, 1.0]
    assert images.dtype == np.uint8


def test_a_scale_is_the_same_for_training_and_test_data():
    assert scale_to_unit([[0, 16]], high=16).tolist() == [[0.0, 1.0]]
    assert scale_to_unit([[8]], high=16).tolist() == [[0.5]]


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        ([[0, 200]], {}, "expected images of uint8, got int64; give high="),
        ([[0.0, 300.0]], {"high": 255}, r"x must lie in \[0, 255\], got 300"),
        ([[-1.0]], {"high": 255}, r"x must lie in \[0, 255\], got -1"),
        ([[1.0]], {"high": 0}, r"expected low < high, got low=0\.0, high=0"),
        ([[1.0, np.inf]], {"high": 2}, r"x contains nan or infinity \(first at row 0, column 1\)"),
    ],
)
def test_what_does_not_fit_a_scale_is_refused(x, options, message):
    with pytest.raises(ValueError, match=message):
        scale_to_unit(x, **options)


def test_standardized_training_data_has_mean_zero_and_variance_one():
    x = np.random.default_rng(0).normal([5.0, -300.0], [0.1, 40.0], (200, 2))
    z = Standardizer(x)(x)
    assert z.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert z.var(axis=0) == pytest.approx([1, 1])


def test_test_data_is_standardized_by_the_training_data():
    scaled = Standardizer([[0.0, 1.0], [2.0, 5.0]])  # means 1 and 3, deviations 1 and 2
    assert scaled([[3.0, 7.0]]).tolist() == [[2.0, 2.0]]
    assert scaled.inverse([[2.0, 2.0]]).tolist() == [[3.0, 7.0]]
    assert scaled(np.empty((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e17, -3.3])
def test_a_constant_feature_becomes_zero(value):
    x = np.column_stack([np.full(1000, value), np.arange(1000.0)])
    z = Standardizer(x)(x)
    assert not z[:, 0].any()
    assert z[:, 1].std() == pytest.approx(1.0)


@pytest.mark.slow
def test_standardizing_agrees_with_scikit_learn():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    x = np.random.default_rng(0).gamma(2.0, 3.0, (50, 4))
    x[:, 2] = 0.1
    theirs = preprocessing.StandardScaler().fit(x[:40])
    assert Standardizer(x[:40])(x[40:]) == pytest.approx(theirs.transform(x[40:]), rel=1e-12, abs=1e-12)


def test_images_are_standardized_pixel_by_pixel_and_keep_float32():
    images = np.random.default_rng(0).random((20, 3, 4)).astype(np.float32)
    z = Standardizer(images)(images)
    assert z.dtype == np.float32
    assert z.mean(axis=0) == pytest.approx(np.zeros((3, 4)), abs=1e-6)


def test_another_number_of_features_is_refused():
    with pytest.raises(ValueError, match=r"expected x of shape \(samples, 2\), as it was made with; got \(1, 3\)"):
        Standardizer(X)([[1.0, 2.0, 3.0]])
