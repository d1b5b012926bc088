"""What tests of plots share: matplotlib without a window, no figure left over, and the words in a picture."""

import pytest

matplotlib = pytest.importorskip("matplotlib", reason="plots need matplotlib")
matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

__all__ = ["matplotlib", "no_figure_stays_open", "plt", "texts"]


@pytest.fixture(autouse=True)  # in every file that imports it
def no_figure_stays_open():
    plt.close("all")
    yield
    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]
