"""The digits that come with scikit-learn."""

from __future__ import annotations

import numpy as np

from .images import Samples, shaped

__all__ = ["load_digits"]


def load_digits(*, flat: bool = False, unit: bool = False) -> Samples:
    """1,797 handwritten digits of 8 x 8 pixels from 0 to 16, which come with scikit-learn.

    x: (1797, 8, 8), or (1797, 64) with `flat`; float64, in [0, 1] with `unit`. y: (1797,) int64.
    ImportError, with the command that installs it, if scikit-learn is missing.
    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits (UCI, 1998), its test part.
    """
    try:
        from sklearn import datasets
    except ImportError:
        raise ImportError("the digits come with scikit-learn: pip install scikit-learn") from None
    digits = datasets.load_digits()
    return Samples(shaped("digits", digits.images, flat=flat, unit=unit, high=16), digits.target.astype(np.int64))
