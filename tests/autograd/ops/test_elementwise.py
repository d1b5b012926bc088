"""Elementwise operations: the numbers worth pinning, kinks, singular points, both tails."""

import math
from fractions import Fraction

import numpy as np
import pytest

from autograd import (
    Value,
    clip,
    exp,
    grad,
    gradients,
    hessian,
    leaky_relu,
    linear,
    log,
    maximum,
    minimum,
    power,
    randomized_leaky_relu,
    relu,
    sigmoid,
    sign,
    softplus,
    sqrt,
    step,
    tanh,
    where,
)
from autograd.ops import choosing, elementwise

inf, nan = math.inf, math.nan


def value_and_slopes(f, *xs):
    """f(xs) and its slopes, as the engine records them for Values."""
    values = [Value(x) for x in xs]
    z = f(*values)
    z.backward()
    return z.data, *(x.grad for x in values)


def same(result, expected):
    return np.array_equal(np.array(result), np.array(expected), equal_nan=True)


# ---------------------------------------------------------------- singular points

AT_SINGULAR_POINTS = [
    (log, (0.0,), (-inf, inf)),
    (log, (-1.0,), (nan, nan)),
    (log, (inf,), (inf, 0.0)),
    (sqrt, (0.0,), (0.0, inf)),
    (sqrt, (-1.0,), (nan, nan)),
    (exp, (1000.0,), (inf, inf)),
    (exp, (-1000.0,), (0.0, 0.0)),
    (lambda x: 1 / x, (0.0,), (inf, -inf)),
    (lambda x: -1 / x, (0.0,), (-inf, inf)),
    (lambda x, y: x / y, (0.0, 0.0), (nan, inf, nan)),
    (lambda x, y: x / y, (1.0, 0.0), (inf, inf, -inf)),
    (lambda x, y: x * y, (inf, 0.0), (nan, 0.0, inf)),
    (lambda x, y: x - y, (inf, inf), (nan, 1.0, -1.0)),
    (lambda x: x * x, (1e200,), (inf, 2e200)),
]


@pytest.mark.parametrize(("f", "xs", "expected"), AT_SINGULAR_POINTS)
def test_singular_points_follow_ieee_without_exception_or_warning(f, xs, expected):
    assert same(value_and_slopes(f, *xs), expected)


@pytest.mark.parametrize(("f", "xs", "expected"), AT_SINGULAR_POINTS)
def test_numbers_and_arrays_meet_the_same_singular_points(f, xs, expected):
    if f in (log, sqrt, exp):
        assert same(f(*xs), expected[0])
        assert same(f(np.array(xs)), [expected[0]])


@pytest.mark.parametrize("name", [*elementwise.__all__, "where", "clip"])
def test_no_function_raises_or_turns_complex_anywhere(name):
    f = getattr(elementwise if name in elementwise.__all__ else choosing, name)
    more = {"clip": (-1.0, 1.0), "where": None, "randomized_leaky_relu": ()}.get(name)
    if more is None and name != "where":
        more = (0.7,) * (len(f.op.rules) - 1)
    for x in (nan, inf, -inf, 0.0, -0.0, 1e308, -1e308, 5e-324):
        z = f(x > 0, Value(x), Value(1.0)) if name == "where" else f(Value(x), *more)
        z.backward()
        assert type(z.data) is float
        assert all(type(d) is float for d in z.local_derivatives if d is not None)


@pytest.mark.parametrize("x", [log, sqrt])
def test_the_slope_of_a_nan_stays_nan_at_every_order(x):
    assert math.isnan(x(-1.0))
    assert math.isnan(grad(x)(-1.0))
    assert math.isnan(grad(grad(x))(-1.0))


# ---------------------------------------------------------------- powers


@pytest.mark.parametrize(
    ("x", "n", "expected"),
    [
        (0.0, 0, (1.0, 0.0)),
        (0.0, 2.0, (0.0, 0.0)),
        (0.0, 1, (0.0, 1.0)),
        (0.0, -1, (inf, -inf)),
        (0.0, 0.5, (0.0, inf)),
        (-2.0, 3, (-8.0, 12.0)),
        (-2.0, 3.0, (-8.0, 12.0)),
        (-2.0, -2, (0.25, 0.25)),
        (-2.0, 0.5, (nan, nan)),
        (1e200, 2, (inf, 2e200)),
    ],
)
def test_powers_with_a_constant_exponent(x, n, expected):
    assert same(value_and_slopes(lambda v: v**n, x), expected)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.0, 2.0, (0.0, 0.0, 0.0)),
        (0.0, 0.0, (1.0, 0.0, 0.0)),
        (0.0, -1.0, (inf, -inf, -inf)),
        (-2.0, 3.0, (-8.0, 12.0, nan)),
        (2.0, 0.0, (1.0, 0.0, math.log(2))),
        (2.0, 3.0, (8.0, 12.0, 8 * math.log(2))),
    ],
)
def test_powers_of_two_values(x, y, expected):
    assert same(value_and_slopes(lambda v, w: v**w, x, y), expected)


def test_zero_to_a_value_has_no_slope():
    assert value_and_slopes(lambda y: 0**y, 2.0) == (0.0, 0.0)


def test_a_number_to_a_value():
    assert value_and_slopes(lambda y: 2**y, 3.0) == (8.0, 8 * math.log(2))


def test_a_power_is_never_complex():
    for result in (power(-2.0, 0.5), (Value(-2.0) ** 0.5).data, (Value(-2.0) ** Value(0.5)).data):
        assert isinstance(result, float)
        assert math.isnan(result)
    assert np.isnan(power(np.array([-2.0]), 0.5)).all()


def test_the_second_derivative_of_a_power_is_symmetric_where_the_exponent_is_zero():
    # ∂²(x^y)/∂x∂y = x^(y-1) (1 + y log x), which is 1/2 at (2, 0)
    assert hessian(lambda v: v[0] ** v[1])([2.0, 0.0]) == [[0.0, 0.5], [0.5, pytest.approx(math.log(2) ** 2)]]


@pytest.mark.parametrize(("order", "expected"), [(1, 0.0), (2, 2.0), (3, 0.0), (4, 0.0)])
def test_all_derivatives_of_a_square_exist_at_zero(order, expected):
    f = lambda x: x**2  # noqa: E731
    for _ in range(order):
        f = grad(f)
    assert f(0.0) == expected


# ---------------------------------------------------------------- kinks


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (relu, 0.0),
        (abs, 0.0),
        (elementwise.abs, 0.0),
        (sign, 0.0),
        (step, 0.0),
        (leaky_relu, 0.01),
        (lambda x: leaky_relu(x, 0.2), 0.2),
        (lambda x: clip(x, 0.0, 1.0), 1.0),
        (lambda x: clip(x, -1.0, 0.0), 1.0),
        (lambda x: maximum(x, 0.0), 0.5),
        (lambda x: minimum(0.0, x), 0.5),
    ],
)
def test_the_slope_at_the_kink_is_the_one_of_pytorch(f, slope):
    assert value_and_slopes(f, 0.0) == (0.0, slope)
    assert value_and_slopes(f, -0.0) == (0.0, slope)


def test_a_tie_shares_the_gradient_evenly():
    assert value_and_slopes(maximum, 2.0, 2.0) == (2.0, 0.5, 0.5)
    assert value_and_slopes(minimum, 2.0, 2.0) == (2.0, 0.5, 0.5)
    assert value_and_slopes(maximum, 2.0, 3.0) == (3.0, 0.0, 1.0)
    assert value_and_slopes(minimum, 2.0, 3.0) == (2.0, 1.0, 0.0)


def test_the_maximum_of_a_value_with_itself_has_slope_one():
    assert value_and_slopes(lambda x: maximum(x, x), 2.0) == (2.0, 1.0)
    assert value_and_slopes(lambda x: minimum(x, x), 2.0) == (2.0, 1.0)


@pytest.mark.parametrize("f", [maximum, minimum])
def test_nan_wins_in_either_order(f):
    for x, y in ((nan, 1.0), (1.0, nan), (nan, nan)):
        assert math.isnan(f(x, y))
        assert math.isnan(f(Value(x), Value(y)).data)
        assert np.isnan(f(np.array([x]), np.array([y]))).all()


@pytest.mark.parametrize("f", [relu, leaky_relu, elementwise.abs, sign, step, tanh, sigmoid, softplus, exp, linear])
def test_nan_stays_nan(f):
    assert math.isnan(f(nan))
    assert math.isnan(f(Value(nan)).data)
    assert np.isnan(f(np.array([nan]))).all()


def test_relu_of_minus_infinity_is_flat():
    assert value_and_slopes(relu, -inf) == (0.0, 0.0)
    assert value_and_slopes(relu, inf) == (inf, 1.0)
    assert relu(np.array([-inf])).tolist() == [0.0]


def test_clip_is_flat_outside_and_steep_on_its_bounds():
    slopes = [value_and_slopes(lambda v: clip(v, -1, 1), x) for x in (-2.0, -1.0, 0.3, 1.0, 2.0)]
    assert slopes == [(-1.0, 0.0), (-1.0, 1.0), (0.3, 1.0), (1.0, 1.0), (1.0, 0.0)]
    assert math.isnan(clip(nan, 0.0, 1.0))


def test_clip_refuses_bounds_in_the_wrong_order_and_bounds_that_are_values():
    for x in (0.5, Value(0.5)):
        with pytest.raises(ValueError, match=r"clip: lo=1\.0 > hi=0\.0"):
            clip(x, 1.0, 0.0)
    with pytest.raises(TypeError, match="clip: the bounds are not differentiated and must be plain numbers"):
        clip(Value(0.5), Value(0.0), 1.0)
    with pytest.raises(TypeError, match=r"clip: expected a single number, got 2 of them; write \[clip"):
        clip([Value(0.5), 1.0], 0.0, 1.0)


# ---------------------------------------------------------------- tails


def test_saturated_functions_are_exact():
    assert (sigmoid(1000.0), sigmoid(-1000.0), tanh(1000.0), tanh(-1000.0)) == (1.0, 0.0, 1.0, -1.0)
    assert sigmoid(np.array([1000.0, -1000.0])).tolist() == [1.0, 0.0]
    assert value_and_slopes(sigmoid, 1000.0) == (1.0, 0.0)
    assert value_and_slopes(sigmoid, -1000.0) == (0.0, 0.0)
    assert value_and_slopes(tanh, -1000.0) == (-1.0, 0.0)


def test_sigmoid_keeps_its_lower_tail():
    # exp(-740) is 4.2e-322; down there numbers are 5e-324 apart.
    assert sigmoid(-740.0) == pytest.approx(math.exp(-740.0), abs=1e-323)
    assert sigmoid(np.array([-740.0])) == pytest.approx([math.exp(-740.0)], abs=1e-323)
    assert sigmoid(-40.0) == pytest.approx(math.exp(-40.0), rel=1e-14, abs=0)
    assert value_and_slopes(sigmoid, -40.0)[1] == pytest.approx(math.exp(-40.0), rel=1e-14, abs=0)


def test_softplus_has_no_threshold_and_keeps_its_lower_tail():
    assert softplus(25.0) - 25.0 == pytest.approx(math.exp(-25.0), rel=1e-3)
    assert softplus(-40.0) == pytest.approx(4.248354255291589e-18, rel=1e-14, abs=0)
    assert softplus(np.array([25.0, -40.0])) == pytest.approx([softplus(25.0), softplus(-40.0)], rel=1e-14, abs=0)
    assert (softplus(1000.0), softplus(-1000.0)) == (1000.0, 0.0)


@pytest.mark.parametrize("x", [0.3, 2.0, 5.0, 8.0, -8.0])
def test_the_slope_of_tanh_loses_no_digits_to_a_square(x):
    z, slope = value_and_slopes(tanh, x)
    exact = 1 - Fraction(z) ** 2
    assert abs(Fraction(slope) - exact) <= exact * Fraction(2, 2**52)


# ---------------------------------------------------------------- hand-worked numbers


def test_derivatives_worked_by_hand():
    assert value_and_slopes(lambda x, y: x * y, 3.0, 4.0) == (12.0, 4.0, 3.0)
    assert value_and_slopes(lambda x, y: x / y, 3.0, 4.0) == (0.75, 0.25, -3 / 16)
    assert value_and_slopes(lambda x, y: x - y, 3.0, 4.0) == (-1.0, 1.0, -1.0)
    assert value_and_slopes(lambda x: -x, 3.0) == (-3.0, -1.0)
    assert value_and_slopes(sigmoid, 0.0) == (0.5, 0.25)
    assert value_and_slopes(sqrt, 4.0) == (2.0, 0.25)
    assert value_and_slopes(leaky_relu, -2.0, 0.1) == (-0.2, 0.1, -2.0)
    assert value_and_slopes(linear, 5.0) == (5.0, 1.0)
    assert value_and_slopes(softplus, 0.0) == (pytest.approx(math.log(2)), 0.5)


# ---------------------------------------------------------------- where


def test_where_takes_one_branch_and_leaves_the_other_out_of_the_graph():
    x, y = Value(2.0), Value(5.0)
    assert where(x > 0, x, y) is x
    assert where(x < 0, x, y) is y
    z = where(x > 0, x * 3, log(y - 5)) + 0.0
    z.backward()
    assert (x.grad, y.grad) == (3.0, 0.0)


def test_where_on_arrays_chooses_member_by_member():
    assert where(np.array([True, False]), 1.0, np.array([2.0, 3.0])).tolist() == [1.0, 3.0]


def test_where_refuses_a_value_as_condition():
    with pytest.raises(TypeError, match="the truth of a Value is ambiguous"):
        where(Value(1.0), 1.0, 2.0)


# ---------------------------------------------------------------- a slope drawn at random


def test_the_randomized_slope_lies_in_its_interval_and_repeats_with_its_seed():
    rng = np.random.default_rng(0)
    slopes = [-randomized_leaky_relu(-1.0, 0.1, 0.3, rng=rng) for _ in range(100)]
    assert 0.1 <= min(slopes) < 0.12
    assert 0.28 < max(slopes) <= 0.3
    assert randomized_leaky_relu(-1.0, rng=1) == randomized_leaky_relu(-1.0, rng=1)


def test_the_randomized_slope_is_the_recorded_derivative():
    x = Value(-2.0)
    z = randomized_leaky_relu(x, rng=1)
    assert gradients(z, x) == z.data / -2.0


def test_the_randomized_slope_is_its_mean_outside_training():
    assert randomized_leaky_relu(-1.0, 0.1, 0.3, training=False) == pytest.approx(-0.2)


def test_the_randomized_slope_is_drawn_for_each_element():
    assert len(set(randomized_leaky_relu(-np.ones(5), rng=0).tolist())) == 5


def test_the_randomized_slope_needs_an_interval():
    with pytest.raises(ValueError, match=r"expected lower <= upper; got lower=0\.5, upper=0\.1"):
        randomized_leaky_relu(1.0, 0.5, 0.1)


def test_a_number_that_is_taken_instead_of_a_value_comes_as_a_value():
    """relu as a student writes it: no data makes it a plain number."""
    for x, z, slope in ((-2.0, 0.5, 0.0), (3.0, 3.0, 1.0)):
        v = Value(x)
        result = where(v > 0, v, 0.5)
        assert type(result) is Value
        assert result.data == z
        (result * 4).backward()
        assert v.grad == 4 * slope
    with pytest.warns(UserWarning, match="does not depend on argument 0"):
        assert grad(lambda v: where(v > 0, v, 0.0))(-1.0) == 0.0
    assert type(where(True, 1.0, 2.0)) is float
