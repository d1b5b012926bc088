"""Every data set in one place: digits from files, from scikit-learn or from the network, and made ones.

Those with images return x as (n, height, width), or (n, pixels) with `flat=True`, in the numbers of
the file, or in [0, 1] with `unit=True`; y as labels, (n,) int64. `nn.data` makes them ready.
"""

from autograd.foreign import finder

from ..foreign import NAMES
from .digits import load_digits
from .idx import load_idx
from .images import Samples
from .kaggle import load_kaggle, save_submission
from .mnist import MNIST, download_mnist, load_mnist
from .synthetic import circles, curve, moons, spirals, xor

__all__ = [
    "MNIST",
    "Samples",
    "circles",
    "curve",
    "download_mnist",
    "load_digits",
    "load_idx",
    "load_kaggle",
    "load_mnist",
    "moons",
    "save_submission",
    "spirals",
    "xor",
]


__getattr__ = finder(__name__, __all__, NAMES)
