"""How much of a test the quick run takes."""

import pytest


def slow(*values):
    """Parameters for the whole suite only: `[0, *slow(1, 2)]` runs 0 in the quick run too."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]
