"""How much of a test the quick run takes."""

import pytest


def slow(*values):
    """Parameters for the whole suite only: `[0, *slow(1, 2)]` runs 0 in the quick run too."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


def slow_rows(*rows):
    """The same where there are several parameters: `[(0, 1), *slow_rows((2, 3))]`."""
    return [pytest.param(*row, marks=pytest.mark.slow) for row in rows]


def mostly_slow(values, *quick):
    """All of these values as parameters, of which the quick run takes only those that are named `quick`."""
    assert {*quick} <= {*values}
    return [pytest.param(value, marks=() if value in quick else pytest.mark.slow) for value in values]
