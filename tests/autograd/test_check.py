"""The checks themselves: they agree where they should, and catch a wrong rule, a kink and a lost gradient."""

import cmath
import math

import numpy as np
import pytest

from autograd import (
    Value,
    abs,
    binary_cross_entropy,
    central_difference,
    check_gradients,
    complex_step,
    cos,
    dot,
    exp,
    find_nan,
    grad,
    log,
    power,
    relu,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    tanh,
)
from autograd.op import elementwise, table

# ---------------------------------------------------------------- complex step


@pytest.mark.parametrize("f", [exp, log, sqrt, sin, cos, tanh, sigmoid, softplus])
@pytest.mark.parametrize("x", [0.1, 0.7, 3.0])
def test_the_complex_step_of_an_analytic_operation_is_exact_to_rounding(f, x):
    assert grad(f)(x) == pytest.approx(complex_step(f, x), rel=1e-14)


def test_the_complex_step_takes_any_analytic_function():
    assert complex_step(lambda x: x * x * x - 2 * x, 2.0) == 10.0
    assert complex_step(np.exp, 1.0) == pytest.approx(math.e, rel=1e-14)
    assert complex_step(cmath.sin, 0.0) == 1.0
    assert complex_step(lambda x: x * x, 3) == 6.0


def test_the_complex_step_needs_no_small_differences():
    # here f and its neighbours agree in all digits, and a difference would be 0
    assert complex_step(lambda x: 1e20 + x, 1.0) == 1.0


@pytest.mark.parametrize("f", [abs, lambda x: x.real, lambda x: float(x.imag > 0)])
def test_a_function_that_loses_the_imaginary_part_is_refused(f):
    with pytest.raises(ValueError, match=r"complex_step: expected a complex result .* use central_difference"):
        complex_step(f, 1.0)


def test_the_complex_step_starts_from_a_real_number():
    with pytest.raises(TypeError, match="complex_step needs a real number, got complex"):
        complex_step(np.exp, 1j)


# ---------------------------------------------------------------- central differences


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (math.sin, 1.0, math.cos(1.0)),
        (math.exp, 0.0, 1.0),
        (math.exp, 20.0, math.exp(20.0)),
        (lambda x: x**5, -3.0, 405.0),
        (lambda x: x**5, 300.0, 5 * 300.0**4),
        (lambda x: math.sin(100 * x), 1.0, 100 * math.cos(100)),
        (lambda x: 1 / x, 0.01, -1e4),
        (math.log, 1e-3, 1e3),
        (np.log, 1e-3, 1e3),
        (math.sqrt, 1e-6, 500.0),
        (lambda x: 3.0, 2.0, 0.0),
        (np.tanh, np.float64(0.5), 1 - math.tanh(0.5) ** 2),
    ],
)
def test_central_differences_find_their_step(f, x, slope):
    assert central_difference(f, x) == pytest.approx(slope, rel=1e-10, abs=1e-10)


def test_the_mean_of_the_slopes_at_a_kink():
    assert central_difference(lambda x: max(x, 0.0), 0.0) == pytest.approx(0.5)


def test_nowhere_defined_is_nan_and_a_wrong_function_is_an_error():
    assert math.isnan(central_difference(lambda x: math.nan, 1.0))
    assert math.isnan(central_difference(lambda x: math.log(-1.0), 1.0))
    with pytest.raises(TypeError):
        central_difference(lambda x: x + "a", 1.0)


# ---------------------------------------------------------------- check_gradients


def test_a_right_gradient_passes_and_is_told_number_by_number():
    check = check_gradients(lambda x, w: x * w[0] ** 2 + w[1], (3.0, [2.0, 1.0]))
    assert check.names == ("args[0]", "args[1][0]", "args[1][1]")
    assert check.gradient == (4.0, 12.0, 1.0)
    assert check.numeric == pytest.approx(check.gradient, rel=1e-9)
    assert repr(check).startswith("<GradientCheck: 3 derivatives agree, largest difference ")
    assert check.largest_difference < 1e-9


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x: tanh(x) * x, 0.5),
        (lambda x: x.tanh() * x.exp(), [0.5]),
        (lambda x: dot(x, [1.0, 2.0]), [[3.0, 4.0]]),
        (lambda x: dot(x, x), [np.array([3.0, 4.0])]),
        (lambda w: w[0][0] * w[1][0], [[[2.0], [3.0]]]),
        (lambda x: x * grad(lambda y: x * y * y)(x), [1.5]),
        (lambda x: log(x), [1e-3]),
        (lambda x: binary_cross_entropy(x, 1.0), [0.999]),
        (lambda x: exp(x), [100.0]),
        (lambda x: x + 5.0, [1e-10]),
        (lambda x: x * 0.0 + 5.0, [2.0]),
        (lambda x: 5.0, [2.0]),
        (lambda x: x * x, [0.0]),
        (lambda x: abs(x - 1e-5), [0.0]),
        (lambda x: power(x, 3), (2,)),
        (lambda: Value(1.0), ()),
    ],
)
def test_right_gradients_pass(f, args):
    check_gradients(f, args)


def test_arguments_one_by_one_are_told_to_go_into_a_list():
    says = r"all arguments of f go into one list: check_gradients\(f, \[x, y\]\)"
    with pytest.raises(TypeError, match=r"f is called with 1 argument, .* missing .* 'b'; " + says):
        check_gradients(lambda a, b: a * b, 1.0, 2.0)
    with pytest.raises(TypeError, match=r"expected tolerance .* got an array of shape \(3,\); " + says):
        check_gradients(lambda a, b: (a * b).sum(), np.ones(3), np.ones(3))


@pytest.mark.parametrize("wrong_by", [1e-3, 1e-5])
def test_a_rule_that_is_slightly_wrong_is_caught(wrong_by):
    try:

        @elementwise(lambda z, x: (1 + wrong_by) * 2 * x)
        def wrong_square(x):
            return x * x

        says = r"derivative by args\[1\]\[0\] at 3\.0 is 6\.0.*, central differences give (6\.0|5\.9).*"
        with pytest.raises(AssertionError, match=says + r"a local derivative is wrong \(the ratio is 1\.0"):
            check_gradients(lambda a, x: a + wrong_square(x[0]), (1.0, [3.0]))
        check_gradients(lambda a, x: a + wrong_square(x[0]), (1.0, [3.0]), tolerance=2 * wrong_by)
    finally:
        table.pop(wrong_square.op.name)


@pytest.mark.parametrize(
    ("f", "x", "cause"),
    [
        (lambda x: relu(x), 0.0, "f has a kink there: its slope is 0 on the left and 1 on the right"),
        (lambda x: relu(x - 1) * 2 + x, 1.0, "f has a kink there: its slope is 1 on the left and 3 on the right"),
        (lambda x: sign(x), 0.0, "f jumps there, from -1 to 1"),
        (lambda x: Value(x.data**2), 3.0, r"is 0\.0, .* give 6\..*the dependence is not in the graph: look for \.data"),
        (lambda x: x + x.data**2, 3.0, r"is 1\.0, .* give 7\..*or part of the dependence is not in the graph"),
        (lambda x: log(x), 0.0, r"is inf, .* f is -inf here, at or near a singular point"),
        (lambda x: sqrt(x), 0.0, r"is inf, .* at or near a singular point: .* see find_nan"),
        (lambda x: log(x), -1.0, r"is nan, .* f is nan here"),
    ],
)
def test_a_gradient_that_disagrees_names_both_numbers_and_the_likely_cause(f, x, cause):
    with pytest.raises(AssertionError, match=r"check_gradients: the derivative by args\[0\] at .*" + cause):
        check_gradients(f, [x])


def test_a_function_with_chance_in_it_is_caught():
    rng = np.random.default_rng(0)
    with pytest.raises(AssertionError, match="f gives different results for the same arguments"):
        check_gradients(lambda x: x * rng.normal(), [1.0])


def test_what_is_checked_is_a_function_of_numbers_with_one_result():
    with pytest.raises(TypeError, match="it returned list"):
        check_gradients(lambda x: [x], [1.0])
    with pytest.raises(TypeError, match="check_gradients needs a real number, got str"):
        check_gradients(lambda x: x, ["a"])


# ---------------------------------------------------------------- find_nan


def test_a_nan_is_found_where_it_was_born():
    x = Value(0.0, label="x")
    y = log(x)
    z = y * x + exp(y) - y
    assert math.isnan(z.data)
    assert find_nan(z) is y


def test_the_first_of_several_in_the_order_of_computation():
    x, y = Value(0.0), Value(-1.0)
    first, second = 1 / x, log(y)
    assert find_nan(first + second) is first
    assert find_nan(second + first) is second


def test_infinity_minus_infinity_is_not_where_it_began():
    x = Value(1e200)
    y = x * x
    assert find_nan(y - y) is y


def test_a_leaf_or_a_constant_that_is_not_finite_counts():
    x = Value(math.inf)
    assert find_nan(x * 2) is x
    z = Value(1.0) * math.nan
    assert find_nan(z + 1) is z


def test_nothing_is_found_in_a_finite_graph():
    x = Value(2.0)
    assert find_nan(log(x) * dot([x, 1.0], [x, x])) is None
    assert find_nan(x) is None


def test_only_a_graph_can_be_searched():
    with pytest.raises(TypeError, match="find_nan: expected a Value or a Tensor, got float"):
        find_nan(1.0)


def test_a_deep_graph_can_be_searched():
    z = Value(0.0)
    z = born = log(z)
    for _ in range(5000):
        z = z * 1.5
    assert find_nan(z) is born
