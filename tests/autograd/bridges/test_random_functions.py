"""Random functions, call by call and over samples, give by programs what they give as they are."""

import random

import numpy as np
import pytest
from random_functions import random_function
from sizes import slow

import autograd as ag
from autograd import vectorize

SAMPLES = 14


def gradients_of(loss, parameters):
    for p in parameters:
        p.grad = 0.0
    loss.backward()
    return np.array([p.grad for p in parameters])


def is_equal(found, expected, parameters):
    a, b = gradients_of(found, parameters), gradients_of(expected, parameters)
    if not (np.isfinite(b).all() and np.isfinite(expected.data)):
        return True
    close = abs(found.data - expected.data) <= 1e-11 * max(abs(expected.data), 1.0)
    return close and np.abs(a - b).max() <= 1e-11 * max(np.abs(b).max(), 1e-3)


def is_program(loss):
    return loss.op is not None and loss.op.name == "vectorized"


def run(seed):
    """How many of ten results programs gave."""
    f, parameters = random_function(seed)
    rng = random.Random(seed + 1_000_000)
    fast, each = vectorize(f), vectorize(f)
    by_program = 0
    for _ in range(9):
        x, token = [rng.uniform(-1, 1) for _ in range(3)], rng.randrange(6)
        found = fast(x, token)
        assert is_equal(found, f(x, token), parameters), seed
        by_program += is_program(found)
        for p in parameters:
            p.data -= 0.05 * max(-1.0, min(1.0, p.grad))
    xs = np.array([[rng.uniform(-1, 1) for _ in range(3)] for _ in range(SAMPLES)])
    tokens = np.array([rng.randrange(6) for _ in range(SAMPLES)])
    found = each.mean(xs, tokens)
    expected = ag.mean([f(*sample) for sample in zip(xs.tolist(), tokens.tolist(), strict=True)])
    assert is_equal(found, expected, parameters), seed
    return by_program + is_program(found)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:vectorize:RuntimeWarning")
@pytest.mark.parametrize("start", [0, *slow(10, 20, 30)])
def test_random_functions_keep_their_numbers_and_gradients(start):
    assert sum(run(seed) for seed in range(start, start + 10)) > 6 * 10


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:vectorize:RuntimeWarning")
@pytest.mark.parametrize("start", range(40, 1040, 250))
def test_thousands_of_random_functions_do(start):
    assert sum(run(seed) for seed in range(start, start + 250)) > 6 * 250
