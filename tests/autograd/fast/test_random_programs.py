"""Random functions over all operations: their programs give the bits of the graph, or the graph is recorded."""

import numpy as np
import pytest
from random_programs import ROWS, WIDTH, random_function
from sizes import slow

from autograd.fast.effects import give_gradients
from autograd.fast.programs import Programs
from autograd.ieee import quietly


def bits(arrays):
    return [None if a is None else np.asarray(a).tobytes() for a in arrays]


def stepping(function, parameters):
    def step(x, y):
        found = function(x, y)
        give_gradients(found[0], parameters)
        return found

    return step


def compared(seed, dtype):
    """Runs a random function by programs and by graphs; True if there was a program at the end."""
    (one, parameters), (other, others) = random_function(seed, dtype), random_function(seed, dtype)
    programs, graphs = (Programs([f, None, *leaves], trains=True) for f, leaves in ((one, parameters), (other, others)))
    graphs._are_open = False
    steps = [stepping(one, parameters), stepping(other, others)]
    rng = np.random.default_rng(seed + 1)
    for k in range(7):
        x = rng.normal(size=(ROWS, WIDTH)).astype(dtype) * (1 if k % 3 else 40)
        y = rng.normal(size=(ROWS, WIDTH)).astype(dtype)
        for array in (x, y):
            array.flags.writeable = False
        found = quietly(programs.run, steps[0], x, y)
        expected = quietly(graphs.run, steps[1], x, y)
        assert bits(found) == bits(expected), (seed, k)
        assert bits(p.grad for p in parameters) == bits(p.grad for p in others), (seed, k)
        for p in (*parameters, *others):
            if p.grad is not None:
                p.data = p.data - 0.01 * np.nan_to_num(np.clip(p.grad, -1, 1))
    return any(shape.written is not None for shape in programs._shapes.values())


@pytest.mark.parametrize("start", [0, *slow(15, 30, 45)])
@pytest.mark.parametrize("dtype", ["float32", *slow("float64")])
def test_random_functions_have_programs_with_the_bits_of_their_graphs(dtype, start):
    written = [compared(seed, dtype) for seed in range(start, start + 15)]
    assert sum(written) > 7


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many_random_functions_have_programs_with_the_bits_of_their_graphs(block):
    written = [compared(1000 * (block + 1) + seed, "float64") for seed in range(100)]
    assert sum(written) > 70
