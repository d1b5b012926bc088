"""Rules written out as NumPy calls: the same numbers, and left alone where they are more than arithmetic."""

import numpy as np
import pytest

from autograd import Tensor, cos, gradients, sigmoid, tanh
from autograd.op import table
from autograd.ops import where
from autograd.straight import straightened

RULES = [
    lambda z, x: z,
    lambda z, x: z * (1 - z),
    lambda z, x: (1 - z) * (1 + z),
    lambda z, x: 1 / (2 * z),
    lambda z, x: -z / x + 2.5 * (x - 3) * (x - 3),
    lambda z, x: (lambda s: s * s - 1 / s)(z + x),
]


def plainly(rule):
    return lambda g, z, x: g * rule(z, x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES, ids=range(len(RULES)))
def test_a_straight_rule_gives_the_same_bits(rule, dtype):
    g, z, x = np.random.default_rng(0).uniform(0.5, 2, (3, 4, 5)).astype(dtype)
    before = [a.copy() for a in (g, z, x)]
    pull = straightened(rule, plainly(rule))
    assert pull.__name__ == "pull"
    result = pull(g, z, x)
    assert result.dtype == dtype
    assert result.tobytes() == (g * rule(z, x)).tobytes()
    assert all(np.array_equal(a, b) for a, b in zip((g, z, x), before, strict=True))  # nothing given is written to


@pytest.mark.parametrize(
    "rule",
    [
        lambda z, x: where(x > 0, 1, 0),
        lambda z, x: cos(x),
        lambda z, x: x if x > 0 else -x,
        lambda z, x: 1.0 if z else 0.0,
        lambda z, x: 3.0,
        lambda z, x: not_defined_yet(x),  # noqa: F821
        lambda z, x: z**2,
    ],
)
def test_what_is_more_than_arithmetic_is_left_as_it_is(rule):
    plain = plainly(rule)
    assert straightened(rule, plain) is plain


def test_single_numbers_and_graphs_go_the_plain_way():
    for shape in ((), (3,)):
        z = Tensor(np.full(shape, 0.5))
        y = sigmoid(z)
        first = gradients(y, z, create_graph=True, seed=np.ones(shape))
        second = gradients(first, z, seed=np.ones(shape))
        a = 1 / (1 + np.exp(-0.5))
        assert second == pytest.approx(np.full(shape, a * (1 - a) * (1 - 2 * a)))


def test_the_activations_whose_slope_is_arithmetic_are_straight():
    assert {"exp", "sqrt", "tanh", "sigmoid"} <= {n for n, op in table.items() if op.pulls[0].__name__ == "pull"}
    assert tanh.op.pulls[0](np.ones(2), np.zeros(2), np.zeros(2)).tolist() == [1.0, 1.0]
