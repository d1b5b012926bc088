"""What rounding alone keeps from 0 is shown as 0, and nothing else is."""

import math

import pytest
from named import named

from autograd import Value, exp, sin, squared_error, tanh
from nn import MLP, inputs
from viz import draw_graph, draw_network
from viz.graphs.rounding import Rounding


def difference():
    """0.1 + 0.2 - 0.3, which is 5.6e-17 in floats."""
    a, b, c = Value(0.1, "a"), Value(0.2, "b"), Value(0.3, "c")
    return named(a + b - c, "d")


@pytest.mark.parametrize(
    "make",
    [
        difference,
        lambda: named(tanh(difference()) * 3.0, "L"),
        lambda: named(sin(Value(math.pi, "x")), "L"),
        lambda: named((Value(1e10, "x") + 0.3) - 1e10 - 0.3, "L"),
        lambda: named(sum((Value(0.1, f"x_{i}") for i in range(10)), Value(-1.0, "y")), "L"),
    ],
)
def test_what_terms_leave_that_cancel_is_zero(make):
    loss = make()
    assert loss.data != 0.0
    assert Rounding(loss).data(loss) == 0.0
    assert f"{loss.label} = 0" in draw_graph(loss, level="named", show="data").source


@pytest.mark.parametrize(
    "make",
    [
        lambda: exp(Value(-40.0, "x")),
        lambda: exp(Value(-700.0, "x")) * 1e-5,
        lambda: Value(1e-300, "x") * Value(1e-5, "y"),
        lambda: (Value(1.0, "x") - 0.9999999) ** 2,
        lambda: tanh(Value(1e-20, "x")),
        lambda: Value(3.0, "x") - 2.999999999999,
        lambda: Value(0.0, "x") * 2.0,
        lambda: exp(Value(1000.0, "x")),
        lambda: Value(math.nan, "x") * 1.0,
    ],
)
def test_what_is_small_by_itself_stays_as_it_is(make):
    loss = make()
    assert repr(Rounding(loss).data(loss)) == repr(loss.data)


def test_gradients_that_cancel_are_zero_and_others_stay():
    x, y = Value(0.3, "x"), Value(0.7, "y")
    a, b, c = x * 0.1, x * 0.2, x * 0.3
    loss = named(a + b - c + y * 1e-18, "L")
    loss.backward()
    assert x.grad != 0.0
    rounding = Rounding(loss)
    assert rounding.grad(x) == 0.0
    assert rounding.grad(y) == y.grad == 1e-18
    assert "grad 0" in draw_graph(loss, level="named").source


def test_no_number_of_a_trained_net_is_taken_for_noise():
    net = MLP(3, [4, 3, 1], "tanh", "sigmoid", rng=0)
    for _ in range(50):
        loss = squared_error(net(inputs([0.5, -1.0, 0.8])), 1.0)
        for p in net.parameters():
            p.grad = 0.0
        loss.backward()
        for p in net.parameters():
            p.data -= 1.0 * p.grad
    rounding = Rounding(loss)
    for p in net.parameters():
        assert rounding.grad(p) == p.grad != 0.0
    assert "e−1" not in draw_network(loss).svg
