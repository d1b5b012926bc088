"""All data sets in one place, and scikit-learn's digits."""

import sys

import numpy as np
import pytest

from nn import datasets
from nn.datasets.digits import load_digits


def test_every_data_set_is_found_in_one_place():
    assert {"load_idx", "load_mnist", "download_mnist", "load_kaggle", "load_digits", "xor"} <= set(datasets.__all__)
    assert all(hasattr(datasets, name) for name in datasets.__all__)


@pytest.mark.slow
def test_the_digits_of_scikit_learn_are_images_with_labels():
    sk = pytest.importorskip("sklearn.datasets")
    x, y = load_digits()
    assert x.shape == (1797, 8, 8)
    assert y.dtype == np.int64
    flat = load_digits(flat=True, unit=True).x
    theirs, labels = sk.load_digits(return_X_y=True)
    assert np.array_equal(flat, theirs / 16)
    assert np.array_equal(y, labels)


def test_without_scikit_learn_the_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        load_digits()
