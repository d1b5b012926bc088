"""Which numbers a computation used, after an optimizer has moved on."""

import math

import pytest
from named import a_product

from autograd import Tensor, Value, dot, exp, leaky_relu, log, relu, squared_error, tanh
from autograd.op import elementwise, table
from autograd.used import Used
from nn import MLP, inputs


def test_a_graph_that_nobody_touched_has_no_changes():
    *_, z = a_product()
    assert Used(z).changed == {}
    assert Used(z).notes == ()


def test_a_factor_is_on_record_as_the_derivative_by_the_other():
    w, _, _, z = a_product()
    w.data = 0.6
    assert Used(z).changed == {w: 3.0}


def test_a_number_that_is_set_to_what_it_was_has_not_changed():
    w, _, _, z = a_product()
    w.data = 0.6
    w.data = 3.0
    assert Used(z).changed == {}


def test_both_factors_and_what_is_added_are_found_together():
    w, x, b, z = a_product()
    w.data, x.data, b.data = 0.6, -1.0, 4.0
    assert Used(z).changed == {w: 3.0, x: 2.0, b: pytest.approx(0.5, abs=1e-12)}


@pytest.mark.parametrize("f", [exp, tanh, log, lambda v: v**3, lambda v: 1 / v, lambda v: v * v, lambda v: 5 - 2 * v])
def test_the_operand_of_a_function_is_solved_for(f):
    v = Value(1.25, "v")
    result = f(v)
    v.data = 1.75
    assert Used(result).changed == {v: pytest.approx(1.25, rel=1e-12)}


def test_what_no_record_tells_is_said_to_be_changed_without_a_number():
    v = Value(-2.0, "v")
    result = relu(v)
    v.data = 0.5
    assert Used(result).changed == {v: None}
    assert Used(result).number(v) == 0.5


def test_weights_of_constant_inputs_are_on_no_record():
    w = [Value(0.5, "w_1"), Value(-1.0, "w_2")]
    z = dot(w, [2.0, 3.0])
    w[0].data = 4.0
    assert Used(z).changed == {w[0]: None, w[1]: None}


def test_a_forward_function_that_refuses_the_new_number_is_a_change():
    @elementwise(lambda z, x: 2 * x)
    def positive_square(x):
        if x < 0:
            raise ValueError("x is positive")
        return x * x

    try:
        v = Value(3.0, "v")
        result = positive_square(v)
        v.data = -1.0
        assert v in Used(result).changed
    finally:
        del table[positive_square.op.name]


@pytest.mark.parametrize("seed", range(5))
def test_a_net_after_a_step_gives_back_every_weight(seed):
    net = MLP(2, [3, 1], rng=seed)
    loss = squared_error(net(inputs([0.3, -0.7])), Value(1.0, "y"))
    loss.backward()
    before = [p.data for p in net.parameters()]
    for p in net.parameters():
        p.data -= 0.1 * p.grad + 0.01
    used = Used(loss)
    assert [used.number(p) for p in net.parameters()] == pytest.approx(before, rel=1e-12)
    assert set(used.changed) == set(net.parameters())


def test_rounding_of_a_long_sum_is_no_change():
    w = [Value(math.sin(i) * 10 ** (i % 7), f"w_{i}") for i in range(1, 200)]
    x = [Value(math.cos(i), f"x_{i}") for i in range(1, 200)]
    total = dot(w, x)
    assert Used(total - total.data).changed == {}


def test_a_tensor_that_was_written_to_is_changed():
    w = Tensor([[1.0, 2.0]], "W")
    loss = (w * w).sum()
    w.data[0, 0] = 7.0
    used = Used(loss)
    assert used.changed[w].tolist() == used.array(w).tolist() == [[1.0, 2.0]]
    w.data = w.data + 1
    assert Used(loss).changed == {w: None}


# ---------------------------------------------------------------- in pictures


def test_a_piecewise_operation_whose_numbers_all_moved_tells_none():
    x, alpha = Value(2.0, "x"), Value(0.1, "alpha")
    y = leaky_relu(x, alpha)
    x.data, alpha.data = -1.0, 0.2
    assert Used(y).changed == {x: None, alpha: None}
