"""Random programs of NumPy's functions on nodes: the gradient is right, or the program is refused."""

import collections
import warnings

import numpy as np
import pytest
from numpy_programs import Program
from sizes import mostly_slow, slow

from autograd import Tensor, grad, gradients

REFUSALS = (TypeError, ValueError, IndexError, AttributeError)  # a Value is no array and has no .sum


def by_backward(program):
    x = Tensor(program.x)
    program(x).backward()
    return x.grad


def by_backward_of_a_result(program):
    x = Tensor(program.x)
    program(x * 1.0).backward()
    return x.grad


def by_grad(program):
    return grad(program)(program.x)


def by_a_derivative_that_closes_over_it(program):
    x = Tensor(program.x)
    (slope,) = grad(lambda u: (u * program(x)).sum())(np.ones(1))
    return gradients(slope, x)


WAYS = [by_backward, by_backward_of_a_result, by_grad, by_a_derivative_that_closes_over_it]


@pytest.mark.parametrize("start", [0, *slow(*range(25, 150, 25))])
@pytest.mark.parametrize("cuts", [0.15, 0.0], ids=["with what cuts", "without"])
@pytest.mark.parametrize("way", mostly_slow(WAYS, by_backward, by_grad))
def test_a_gradient_is_right_or_the_program_is_refused(way, cuts, start):
    count = collections.Counter()
    for seed in range(start, start + 25):
        program = Program(seed if cuts else 1000 + seed, cuts)
        expected, is_smooth = program.slopes()
        if not program.lines or not is_smooth:
            continue
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            warnings.filterwarnings("error", "(grad|jacobian)")
            try:
                found = way(program)
            except REFUSALS:
                count["refused"] += 1
                continue
        assert np.allclose(found, expected, 1e-5, 1e-5), (seed, program.text)
        count["right"] += 1
    assert count["right"] > 2
    assert count["refused"] > 1 or not cuts


@pytest.mark.slow
def test_every_line_that_is_answered_was_tried_and_most_that_cut_run_on_arrays():
    programs = [Program(seed, 0.5) for seed in range(300)]
    lines = {line.partition(" = ")[2] for program in programs for line in program.lines}
    for word in (
        "np.array(",
        "np.r_",
        ".dot(",
        "np.vectorize",
        "into(",
        "np.ma.",
        "float(",
        "sparse(",
        "np.where",
        "@",
    ):
        assert any(word in line for line in lines), word
