"""Every slip of the table, read on numbers and on names, and slips of one's own."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from autograd import Tensor, check_work, sigmoid, squared_error
from autograd.marking.marking import Checker
from autograd.marking.slips import slip, slips, slopes
from autograd.marking.wording import _Matrices

PATH = Path(__file__).parents[3] / "benchmarks" / "marking.py"
SPEC = importlib.util.spec_from_file_location("marking_nets", PATH)
NETS = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(NETS)


@pytest.mark.slow
@pytest.mark.parametrize("output", ["squared", pytest.param("softmax", marks=pytest.mark.slow)])
@pytest.mark.parametrize("rows", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_line_of_a_slip_has_the_numbers_that_its_replay_predicts(output, rows):
    checker = Checker(NETS.Net(np.random.default_rng(5), output, rows).recorded())
    c, compared = checker.c, set()
    reader = _Matrices(c)
    for variant in checker.variants:
        predicted = checker.predicted(variant, c.point, {}, {})
        if len(variant.made) > 1 or predicted is None or variant.slip.fits:
            continue
        (u,) = c.places(variant.edges)
        try:
            step = reader.step(u, variant)
        except (TypeError, ValueError):
            continue  # np.heaviside of the rule of relu has no notation
        scale = c.samples if c.per_sample(u) and c.is_mean else 1
        expected = np.squeeze(predicted[u]) * scale
        assert np.allclose(np.squeeze(step.value) * (scale / step.factor), expected), (variant.words(), step.text())
        compared.add(variant.slip.read.__name__)
    assert len(compared) > 20


def test_every_slip_has_a_name_of_its_own_and_says_how_often_it_was_met():
    assert len({s.read.__name__ for s in slips}) == len(slips) > 30
    assert {s.seen for s in slips} <= {"often", "regularly", "once", "tried"}


def test_one_adds_a_slip_in_three_lines():
    before = list(slips)
    try:

        @slip("a third of the slope of {op}", on=slopes)
        def third_of_the_slope(s):
            return s.right / 3

        X, W, Y = np.array([[1.0, 2.0], [0.5, -1.0]]), Tensor([[0.3, -0.2]], label="W[1]"), np.array([[1.0], [0.0]])
        V = Tensor([[0.7]], label="W[2]")
        Z = X @ W.T
        Z.label = "Z[1]"
        A = sigmoid(Z)
        A.label = "A[1]"
        L = squared_error(A @ V.T, Y)
        L.backward()
        found = check_work(L, {"dW[1]": W.grad / 3, "dW[2]": V.grad}).findings
        assert "third_of_the_slope" in [f.kind for f in found] + [a.kind for f in found for a in f.alternatives]
    finally:
        slips[:] = before
