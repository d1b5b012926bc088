"""Memory stays what it is while a net trains."""

import gc
import tracemalloc

import numpy as np
import pytest

import nn
from autograd import Tensor, linear, relu, squared_error

pytestmark = pytest.mark.slow

STEPS = 2000


def graph_steps():
    """A loop of one's own."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)), rng.normal(size=(8, 2))
    parameters = [Tensor(rng.normal(size=shape)) for shape in ((6, 4), (6,), (2, 6), (2,))]
    w, b, v, c = parameters
    optimizer = nn.Adam(parameters, 1e-4)

    def step():
        loss = squared_error(linear(relu(linear(x, w, b)), v, c), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def batch_steps(**options):
    """The steps of a model; with a regularizer it records a graph, without one it does not."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)), rng.normal(size=(8, 2))
    model = nn.Sequential([nn.Dense(6, "relu", input_shape=(4,), **options), nn.Dense(2)], rng=0)
    model.compile("adam", "mse", ["mae"])
    return lambda: model.train_on_batch(x, y)


@pytest.mark.parametrize(
    "made", [graph_steps, batch_steps, lambda: batch_steps(kernel_regularizer="l2")], ids=["graph", "chain", "penalty"]
)
def test_two_thousand_training_steps_leave_memory_constant(made):
    step = made()
    tracemalloc.start()
    try:
        for _ in range(STEPS // 10):
            step()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(STEPS):
            step()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 16 * STEPS  # less than the smallest object a step


def test_fit_keeps_no_more_than_its_history():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 4)), rng.normal(size=(40, 2))
    model = nn.Sequential([nn.Dense(6, "relu", input_shape=(4,)), nn.Dense(2)], rng=0)
    model.compile("sgd", "mse")
    model.fit(x, y, batch_size=4, epochs=2, verbose=0)
    tracemalloc.start()
    try:
        model.fit(x, y, batch_size=4, epochs=2, verbose=0)
        before, _ = tracemalloc.get_traced_memory()
        model.fit(x, y, batch_size=4, epochs=STEPS // 10, verbose=0)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 300 * STEPS // 10  # the numbers of an epoch; an array kept by each of its 10 steps is 1000
