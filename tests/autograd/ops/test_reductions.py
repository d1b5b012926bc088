"""Sums, products, softmax and the losses: one node over a sequence, a local derivative per member."""

import math

import numpy as np
import pytest
from sizes import slow

from autograd import (
    Tensor,
    Value,
    argmax,
    argmin,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    central_difference,
    derive,
    detect_anomaly,
    dot,
    gradients,
    log_softmax,
    logsumexp,
    mean,
    norm,
    one_hot,
    prod,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    squared_error,
    std,
    sum,
    var,
)
from autograd.ieee import ieee
from autograd.op import table
from autograd.operands import Vector, members

inf, nan = math.inf, math.nan

REDUCTIONS = [op for op in table.values() if not op.is_flat]

# Operands for reductions that need more than sequences of three numbers in (0, 1).
OPERANDS = {
    "clip": (0.3, -1.0, 1.0),
    "cross_entropy_of_softmax": ([0.4, -1.2, 0.9], [0.2, 0.5, 0.3]),
    "dot": ([0.4, -1.2, 0.9], [1.5, 0.3, -0.7], 0.25),
    "softmax_component": ([0.4, -1.2, 0.9], 1.0),
}


def operands_of(op):
    plain = tuple([0.35 + 0.1 * i, 0.8 - 0.1 * i, 0.45] for i in range(len(op.rules)))
    return tuple(Vector(x) if isinstance(x, list) else x for x in OPERANDS.get(op.name, plain))


def flat(operands):
    return [u for x in operands for u in members(x)]


def unflat(operands, numbers):
    rest = iter(numbers)
    return tuple(Vector(next(rest) for _ in x) if isinstance(x, tuple) else next(rest) for x in operands)


def record(op, operands):
    """The node of op, and all operands with those that are differentiated as Values."""
    mixed = tuple(
        x if rule is None else x.map(Value) if isinstance(x, Vector) else Value(x)
        for x, rule in zip(operands, op.rules, strict=True)
    )
    return Value._record(op, *mixed), flat(mixed)


def along(op, i):
    """The forward function of the i-th number alone, the others as in the example."""
    operands = operands_of(op)
    numbers = flat(operands)
    return lambda t: ieee(op.forward, *unflat(operands, [*numbers[:i], t, *numbers[i + 1 :]])), numbers[i]


# ---------------------------------------------------------------- every rule is right


@pytest.mark.parametrize("op", REDUCTIONS, ids=lambda op: op.name)
def test_local_derivatives_agree_with_central_differences(op):
    z, values = record(op, operands_of(op))
    assert any(isinstance(u, Value) for u in values)
    for i, (u, d) in enumerate(zip(values, z.local_derivatives, strict=True)):
        if isinstance(u, Value):
            # targets that must sum to 1 allow steps below 1e-6 only
            loose = op.name == "cross_entropy_of_softmax" and i >= 3
            assert d == pytest.approx(central_difference(*along(op, i)), rel=1e-6 if loose else 1e-9, abs=1e-10)
        else:
            assert d is None


@pytest.mark.parametrize("order", [2, *slow(3, 4)])
@pytest.mark.parametrize("op", REDUCTIONS, ids=lambda op: op.name)
def test_higher_derivatives_are_the_derivatives_of_the_lower_ones(op, order):
    operands = operands_of(op)
    numbers = flat(operands)

    def derivative(i, order, t):
        z, values = record(op, unflat(operands, [*numbers[:i], t, *numbers[i + 1 :]]))
        for _ in range(order):
            z = gradients(z, values[i], create_graph=True)
        return z.data

    for i in range(len(members(operands[0]))):
        numeric = central_difference(lambda t, i=i: derivative(i, order - 1, t), numbers[i])
        assert derivative(i, order, numbers[i]) == pytest.approx(numeric, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("op", [op for op in REDUCTIONS if op.name != "clip"], ids=lambda op: op.name)
def test_numbers_among_the_values_are_constants(op):
    operands = operands_of(op)
    z, _ = record(op, operands)
    first = operands[0]
    mixed = Value._record(op, Vector([Value(first[0]), *first[1:]]), *operands[1:])
    assert mixed.data == z.data
    assert mixed.local_derivatives == (z.local_derivatives[0],) + (None,) * (len(z.operands) - 1)


# ---------------------------------------------------------------- sums and products


def test_a_sum_is_one_node_with_slope_one_for_every_member():
    xs = [Value(1.0), Value(2.0), Value(3.0)]
    z = sum(xs)
    z.backward()
    assert (z.data, z.operands, [x.grad for x in xs]) == (6.0, tuple(xs), [1.0, 1.0, 1.0])


def test_the_sum_and_the_product_of_nothing():
    assert sum([]) == 0.0
    assert prod([]) == 1.0


def test_sequences_are_lists_tuples_iterators_or_arrays():
    for xs in ([1, 2, 3], (1, 2, 3), iter([1, 2, 3]), (u for u in (1, 2, 3)), np.array([1, 2, 3])):
        assert sum(xs) == 6.0
    assert sum(Value(u) for u in (1, 2)).data == 3.0


def test_a_member_used_twice_collects_both_gradients():
    x = Value(3.0)
    sum([x, x, 1.0]).backward()
    assert x.grad == 2.0


def test_a_mean_divides_by_the_number_of_members():
    xs = [Value(1.0), Value(2.0), 6.0, Value(7.0)]
    z = mean(xs)
    z.backward()
    assert (z.data, xs[0].grad) == (4.0, 0.25)


def test_the_mean_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="mean: expected at least one member, got an empty sequence"):
        mean([])


@pytest.mark.parametrize(
    ("xs", "slopes"),
    [
        ([2.0, 3.0, 4.0], [12.0, 8.0, 6.0]),
        ([2.0, 0.0, 4.0], [0.0, 8.0, 0.0]),
        ([0.0, 0.0, 4.0], [0.0, 0.0, 0.0]),
        ([5.0], [1.0]),
    ],
)
def test_a_product_has_exact_slopes_with_zeros_too(xs, slopes):
    values = [Value(x) for x in xs]
    z = prod(values)
    z.backward()
    assert (z.data, [x.grad for x in values]) == (math.prod(xs), slopes)


def test_a_weighted_sum_is_one_node_with_the_other_factor_as_slope():
    w, x, b = [Value(2.0), Value(-1.0)], [Value(3.0), Value(4.0)], Value(0.5)
    z = dot(w, x, b)
    z.backward()
    assert z.data == 2.5
    assert z.operands == (*w, *x, b)
    assert [u.grad for u in (*w, *x, b)] == [3.0, 4.0, 2.0, -1.0, 1.0]


def test_a_weighted_sum_of_a_value_with_itself():
    x = Value(3.0)
    dot([x], [x]).backward()
    assert x.grad == 6.0


def test_a_weighted_sum_needs_sequences_of_equal_length():
    with pytest.raises(ValueError, match="dot: expected sequences of equal length; got 1 and 2 members"):
        dot([Value(1.0)], [1.0, 2.0])


@pytest.mark.parametrize("f", [prod, logsumexp, softmax, log_softmax])
def test_a_single_number_is_no_sequence(f):
    with pytest.raises(TypeError, match="expected a sequence of numbers, got a single"):
        f(Value(1.0))


@pytest.mark.parametrize("wrong", ["a", None, 1j])
def test_a_member_that_is_no_number_is_refused(wrong):
    with pytest.raises(TypeError, match="sum needs a real number, got"):
        sum([Value(1.0), wrong])
    with pytest.raises(TypeError, match="mean needs a real number, got"):
        mean([wrong])


# ---------------------------------------------------------------- softmax


def test_logsumexp_never_overflows():
    assert logsumexp([1e4, 1e4]) == pytest.approx(1e4 + math.log(2), rel=1e-15)
    assert logsumexp([-inf, -inf]) == -inf
    assert logsumexp([0.0, -inf]) == 0.0
    assert logsumexp([inf, 0.0]) == inf
    assert math.isnan(logsumexp([nan, 0.0]))
    assert math.isnan(logsumexp([0.0, nan]))


def test_the_slopes_of_logsumexp_are_softmax():
    xs = [Value(0.0), Value(math.log(3.0))]
    logsumexp(xs).backward()
    assert [x.grad for x in xs] == pytest.approx([0.25, 0.75])


def test_logsumexp_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="logsumexp: expected at least one member"):
        logsumexp([])


def test_softmax_is_a_list_of_positive_numbers_that_sum_to_one():
    assert softmax([1e308, 1e308]) == [0.5, 0.5]
    assert softmax([0.0, math.log(3.0)]) == pytest.approx([0.25, 0.75])
    assert softmax([1000.0, -1000.0]) == [1.0, 0.0]
    assert math.fsum(softmax([0.1, 2.0, -3.0])) == pytest.approx(1.0)


def test_the_jacobian_of_softmax():
    xs = [Value(0.4), Value(-1.2), Value(0.9)]
    a = softmax(xs)
    for j, component in enumerate(a):
        expected = [component.data * ((j == k) - a[k].data) for k in range(3)]
        assert gradients(component, xs) == pytest.approx(expected, rel=1e-14)


def test_log_softmax_does_not_underflow():
    assert log_softmax([0.0, -1000.0]) == [0.0, -1000.0]
    xs = [Value(0.0), Value(-1000.0)]
    z = log_softmax(xs)[1]
    z.backward()
    assert (z.data, [x.grad for x in xs]) == (-1000.0, [-1.0, 1.0])


# ---------------------------------------------------------------- losses


def test_squared_error_is_half_the_square():
    p = Value(3.0)
    z = squared_error(p, 1.0)
    z.backward()
    assert (z.data, p.grad) == (2.0, 2.0)
    assert squared_error([1.0, 2.0], [0.0, 4.0]) == 2.5


def test_a_prediction_and_its_target_have_equal_length():
    for loss in (squared_error, binary_cross_entropy, binary_cross_entropy_with_logits):
        with pytest.raises(ValueError, match=f"{loss.__name__}: expected .* got a sequence of 2 and a sequence of 1"):
            loss([0.5, 0.5], [1.0])
        with pytest.raises(
            ValueError, match=f"{loss.__name__}: .* got a sequence of 1 and a single number; write both"
        ):
            loss([Value(0.5)], 1.0)


def test_cross_entropy_from_logits_has_the_slope_of_sigmoid_minus_target():
    z = Value(0.0)
    binary_cross_entropy_with_logits(z, 1.0).backward()
    assert z.grad == -0.5
    z = Value(2.0)
    binary_cross_entropy_with_logits(z, 0.0).backward()
    assert z.grad == sigmoid(2.0)


def test_cross_entropy_from_logits_is_exact_in_both_tails():
    assert binary_cross_entropy_with_logits(1000.0, 1.0) == 0.0
    assert binary_cross_entropy_with_logits(1000.0, 0.0) == 1000.0
    assert binary_cross_entropy_with_logits(-1000.0, 1.0) == 1000.0
    assert binary_cross_entropy_with_logits(-40.0, 0.0) == pytest.approx(4.248354255291589e-18, rel=1e-14, abs=0)
    assert binary_cross_entropy_with_logits(0.0, 1.0) == pytest.approx(math.log(2))


def test_cross_entropy_averages_over_a_sequence():
    p = [Value(0.5), Value(0.25)]
    z = binary_cross_entropy(p, [1.0, 0.0])
    z.backward()
    assert z.data == pytest.approx((math.log(2) - math.log(0.75)) / 2)
    assert [u.grad for u in p] == pytest.approx([-1.0, 2 / 3])


def test_zero_times_the_logarithm_of_zero_is_zero():
    assert 0 <= binary_cross_entropy(1.0, 1.0) < 1e-15
    assert 0 <= binary_cross_entropy(0.0, 0.0) < 1e-15


def test_a_saturated_probability_keeps_a_live_slope():
    for p, y, next_to_it in ((0.0, 1.0, 2.0**-1022), (1.0, 0.0, 2.0**-53)):
        u = Value(p, "a")
        z = binary_cross_entropy(u, y)
        z.backward()
        assert z.data == pytest.approx(-math.log(next_to_it), rel=1e-14)
        assert u.grad == (1 - 2 * y) / next_to_it


@pytest.mark.parametrize("z", [17.0, 20.0, 25.0, 30.0, 36.0])
def test_a_sure_and_wrong_unit_recovers(z):
    for y in (0.0, 1.0):
        x = Value(z if y == 0 else -z)
        a = sigmoid(x)
        a.label = "a"
        loss = binary_cross_entropy(a, y)
        loss.backward()
        assert str(derive(loss, a).formulas(derive(loss, a).paths[0])[0]) == ("−1/a" if y else "1/(1 − a)")
        assert x.grad == pytest.approx((1 - 2 * y) / (1 + math.exp(-z)), rel=1e-15)


@pytest.mark.parametrize("p", [1.5, -0.1, inf])
def test_probabilities_lie_between_zero_and_one(p):
    for u in (p, Value(p)):
        with pytest.raises(
            ValueError,
            match=rf"probabilities must lie in \[0, 1\], got {p}: pass logits to binary_cross_entropy_with_logits",
        ):
            binary_cross_entropy(u, 1.0)


def test_targets_lie_between_zero_and_one():
    for loss in (binary_cross_entropy, binary_cross_entropy_with_logits):
        with pytest.raises(ValueError, match=rf"{loss.__name__}: targets must lie in \[0, 1\], got 2\.0"):
            loss(Value(0.5), 2.0)


def test_softmax_cross_entropy_has_the_slope_of_softmax_minus_one_hot():
    logits = [Value(0.4), Value(-1.2), Value(0.9)]
    z = softmax_cross_entropy(logits, 2)
    z.backward()
    a = softmax([0.4, -1.2, 0.9])
    assert z.data == pytest.approx(-math.log(a[2]))
    assert [u.grad for u in logits] == pytest.approx([a[0], a[1], a[2] - 1])


def test_a_class_is_an_integer_or_a_distribution():
    logits = [0.4, -1.2, 0.9]
    expected = softmax_cross_entropy(logits, 1)
    for target in (1.0, np.int64(1), np.float32(1), [0, 1, 0], (0.0, 1.0, 0.0), np.array([0.0, 1.0, 0.0])):
        assert softmax_cross_entropy(logits, target) == pytest.approx(expected, rel=1e-14)
    mixed = softmax_cross_entropy(logits, [0.5, 0.5, 0.0])
    assert mixed == pytest.approx((softmax_cross_entropy(logits, 0) + expected) / 2)


@pytest.mark.parametrize(
    ("target", "error", "says"),
    [
        (5, ValueError, r"label 5 is out of range for 3 classes \(0\.\.2\)"),
        (-1, ValueError, r"label -1 is out of range for 3 classes \(0\.\.2\)"),
        (0.5, ValueError, r"label 0\.5 is not integral: expected a class 0\.\.2"),
        (True, TypeError, r"expected a class label 0\.\.2 or 3 probabilities, got bool"),
        ("1", TypeError, r"expected a class label 0\.\.2 or 3 probabilities, got str"),
        ([0.5, 0.5], ValueError, "equal length; got a sequence of 3 and a sequence of 2"),
        ([0.5, 0.5, 0.5], ValueError, r"target probabilities must sum to 1, got 1\.5; pass the class as an integer"),
        ([2.0, -1.0, 0.0], ValueError, r"targets must lie in \[0, 1\], got 2\.0"),
        (nan, ValueError, "label nan is not integral"),
    ],
)
def test_labels_that_do_not_fit_are_refused(target, error, says):
    for logits in ([0.4, -1.2, 0.9], [Value(0.4), Value(-1.2), Value(0.9)]):
        with pytest.raises(error, match=says):
            softmax_cross_entropy(logits, target)


def test_messages_name_an_operation_as_its_users_do():
    with pytest.raises(TypeError, match=r"^softmax needs a real number, got str"):
        softmax([Value(1.0), "a"])
    with pytest.raises(TypeError, match=r"^softmax_cross_entropy needs a real number, got str"):
        softmax_cross_entropy([Value(1.0), "a"], 0)
    with detect_anomaly(), pytest.raises(ArithmeticError, match=r"^softmax\("):
        softmax([Value(nan), 1.0])


def test_softmax_cross_entropy_of_hopeless_logits_stays_finite():
    assert softmax_cross_entropy([0.0, -1000.0], 1) == 1000.0
    assert softmax_cross_entropy([-1000.0, 0.0], [1.0, 0.0]) == 1000.0


@pytest.mark.parametrize("x", [[math.inf, math.nan], [math.nan, math.inf], [math.nan, 0.0]])
def test_logsumexp_hides_no_nan(x):
    assert math.isnan(logsumexp(x))


@pytest.mark.parametrize(
    "mean_of_members", [mean, lambda x: binary_cross_entropy(x, []), lambda x: binary_cross_entropy_with_logits(x, [])]
)
def test_the_mean_of_nothing_is_refused(mean_of_members):
    with pytest.raises(ValueError, match="expected at least one member, got an empty sequence"):
        mean_of_members([])


# ---------------------------------------------------------------- what arrays have, of lists of Values


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (norm, np.linalg.norm),
        (var, np.var),
        (std, np.std),
        (lambda x: var(x, ddof=1), lambda x: np.var(x, ddof=1)),
        (lambda x: std(x, ddof=1), lambda x: np.std(x, ddof=1)),
    ],
)
def test_lengths_and_spreads_take_lists_of_values(f, expected):
    numbers = [0.3, -1.2, 2.5, 0.0]
    xs = [Value(x) for x in numbers]
    z = f(xs)
    assert z.data == pytest.approx(expected(numbers), rel=1e-14)
    assert f(iter(xs)).data == z.data
    assert f(numbers) == pytest.approx(z.data, rel=1e-14)
    for i, g in enumerate(gradients(z, xs)):
        moved = [expected([x + h * (k == i) for k, x in enumerate(numbers)]) for h in (1e-5, -1e-5)]
        assert g == pytest.approx((moved[0] - moved[1]) / 2e-5, abs=1e-8)
    tensor = Tensor(numbers)
    assert gradients(f(tensor), tensor) == pytest.approx(gradients(z, xs), abs=1e-14)


def test_a_length_of_zero_and_a_spread_of_zero_have_slope_zero():
    for f in (norm, std):
        xs = [Value(0.0), Value(0.0)]
        assert gradients(f(xs), xs) == [0.0, 0.0]
    assert norm([Value(1e300), Value(1e300)]).data == math.hypot(1e300, 1e300)


def test_where_the_largest_of_values_is():
    xs = [Value(3.0), 7, Value(-1.0)]
    assert (argmax(xs), argmin(xs)) == (1, 2)


def test_lists_of_values_have_no_axes_and_one_value_is_no_list():
    with pytest.raises(TypeError, match="std: a list of Values has no axes; leave out axis and keepdims"):
        std([Value(1.0)], keepdims=True)
    with pytest.raises(TypeError, match="norm: expected an array or a sequence of Values, got a single one"):
        norm(Value(1.0))


@pytest.mark.parametrize("f", [squared_error, binary_cross_entropy, binary_cross_entropy_with_logits])
def test_predictions_and_targets_can_be_named_as_anywhere(f):
    first = {squared_error: "prediction", binary_cross_entropy: "probability"}.get(f, "logit")
    expected = f(0.3, 1.0)
    assert expected != f(0.9, 0.0)
    for names in (("prediction", "target"), ("y_pred", "y_true"), (first, "target")):
        assert f(**dict(zip(names, (0.3, 1.0), strict=True))) == expected
        assert f(**dict(zip(names[::-1], (1.0, 0.3), strict=True))) == expected
    assert f(0.3, y_true=1.0) == expected
    with pytest.raises(TypeError, match="expected a prediction and a target, in this order"):
        f(0.3)
    with pytest.raises(TypeError, match="the prediction is given twice"):
        f(0.3, y_pred=0.3, y_true=1.0)
    with pytest.raises(TypeError, match="unknown argument 'y'; known: "):
        f(0.3, y=1.0)


def test_the_length_of_a_tiny_sequence_does_not_underflow():
    x = [Value(3e-200), Value(4e-200)]
    z = norm(x)
    assert z.data == pytest.approx(5e-200, rel=1e-14, abs=0)
    assert gradients(z, x) == pytest.approx([0.6, 0.8], rel=1e-14)


def test_no_labels_have_no_classes():
    assert one_hot([]).shape == (0, 0)
    assert one_hot([], 3).shape == (0, 3)
