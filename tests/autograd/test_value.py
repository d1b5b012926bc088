"""Value: what it is made of, which operands go with it, and what it refuses."""

import copy
import decimal
import itertools
import math
import operator
import re
from fractions import Fraction

import numpy as np
import pytest

import autograd
from autograd import Value, abs, dot, exp, log, mul, relu, sin
from autograd.op import find
from autograd.value import format_value

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]

# One half of every type that is a real number.
HALVES = [
    0.5,
    Fraction(1, 2),
    np.float16(0.5),
    np.float32(0.5),
    np.float64(0.5),
    np.longdouble(0.5),
    np.array(0.5),
    np.array(0.5, np.float32),
]
ONES = [1, True, np.int8(1), np.int64(1), np.uint8(1), np.bool_(True), np.array(1), np.array(True), Fraction(1)]
REALS = [(x, 0.5) for x in HALVES] + [(x, 1.0) for x in ONES]


def kind(pair):
    return f"{type(pair[0]).__name__}" + (f"[{pair[0].dtype}]" if isinstance(pair[0], np.ndarray) else "")


# ---------------------------------------------------------------- a leaf


@pytest.mark.parametrize("pair", REALS, ids=kind)
def test_a_leaf_is_a_float_whatever_real_number_it_was_made_of(pair):
    x, expected = pair
    v = Value(x)
    assert type(v.data) is float
    assert v.data == expected


def test_a_single_precision_constant_does_not_degrade_what_follows():
    assert (Value(0.1) * np.float32(3.0)).data == 0.1 * 3.0
    assert type((np.float32(3.0) * Value(0.1)).data) is float


def test_a_new_value_has_no_gradient_no_operands_and_no_label():
    v = Value(2.0)
    assert (v.data, v.grad, v.label, v.op) == (2.0, 0.0, None, None)
    assert v.is_leaf
    assert (v.operands, v.operand_groups, v.local_derivatives) == ((), (), ())
    assert v.item() == 2.0


@pytest.mark.parametrize(
    ("x", "says"),
    [
        ("a", "Value needs a real number, got str; convert it with float"),
        (b"1", "Value needs a real number, got bytes; convert it with float"),
        (None, "Value needs a real number, got NoneType"),
        (1j, "Value needs a real number, got complex; take its .real or .imag"),
        (np.complex128(1), "Value needs a real number, got complex128"),
        (decimal.Decimal(1), "Value needs a real number, got Decimal; convert it with float"),
        (np.array([1.0, 2.0]), r"Value is a scalar, got an array of shape \(2,\); use Tensor"),
        (np.array([1.0]), r"Value is a scalar, got an array of shape \(1,\); use Tensor"),
        (np.array(None), r"Value needs a real number, got an array of shape \(\) and dtype object"),
        (np.array(1j), r"Value needs a real number, got an array of shape \(\) and dtype complex128"),
        ([1.0, 2.0], "Value is a scalar, got a list of 2; make a list of Values or a Tensor"),
        ((), "Value is a scalar, got a tuple of 0; make a list of Values or a Tensor"),
        ({1.0}, "Value needs a real number, got set"),
        (np.datetime64("2020-01-01"), "Value needs a real number, got datetime64"),
        (Value(1.0), "Value needs a real number, got a Value; it is one already, or take its .data"),
    ],
)
def test_a_leaf_refuses_what_is_not_a_real_number(x, says):
    with pytest.raises(TypeError, match=says):
        Value(x)


def test_an_integer_too_large_for_a_float_is_an_overflow():
    v = Value(1.0)
    for attempt in (lambda: Value(10**400), lambda: v + 10**400, lambda: 10**400 * v, lambda: v < 10**400):
        with pytest.raises(OverflowError, match="the integer is too large for a float"):
            attempt()


def test_a_label_is_a_string_and_can_be_taken_off():
    v = Value(1.0, label="w[1]_1,2")
    assert v.label == "w[1]_1,2"
    v.label = "w"
    assert v.label == "w"
    v.label = None
    assert v.label is None
    with pytest.raises(TypeError, match=r"a label is a string such as 'w\[1\]_1,2' or 'W\[1\]', or None; got int"):
        v.label = 3
    with pytest.raises(TypeError, match="a label is a string"):
        Value(1.0, label=3)


def test_a_result_can_be_labelled():
    z = Value(1.0) + 2.0
    assert z.label is None
    z.label = "z"
    assert z.label == "z"


def test_a_typo_in_an_attribute_raises():
    v = Value(1.0)
    with pytest.raises(AttributeError, match="gard"):
        v.gard = 1.0
    with pytest.raises(AttributeError, match="gard"):
        v.gard  # noqa: B018


# ---------------------------------------------------------------- operators


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.__name__)
@pytest.mark.parametrize("pair", REALS, ids=kind)
def test_every_real_number_goes_on_either_side_of_every_operator(op, pair):
    x, number = pair
    for result, expected in ((op(Value(2.0), x), op(2.0, number)), (op(x, Value(2.0)), op(number, 2.0))):
        assert type(result) is Value
        assert type(result.data) is float
        assert result.data == expected
        assert all(type(u) is Value or type(u) is float for u in result.operands)


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.__name__)
def test_an_operator_with_a_number_has_the_slopes_of_the_operator_with_two_values(op):
    x, y = Value(2.0), Value(3.0)
    dx, dy = op(x, y).local_derivatives
    assert op(x, 3.0).local_derivatives == (dx, None)
    assert op(2.0, y).local_derivatives == (None, dy)


def test_operands_are_an_ordered_tuple_with_multiplicity():
    x, y = Value(2.0), Value(3.0)
    assert (x * x).operands == (x, x)
    assert (x * x).local_derivatives == (2.0, 2.0)
    assert (y - x).operands == (y, x)
    assert (y - x).local_derivatives == (1.0, -1.0)
    assert (1 - x).operands == (1.0, x)
    assert (x - 1).operands == (x, 1.0)
    assert (1 - x).local_derivatives == (None, -1.0)
    assert (-x).operands == (x,)
    assert dot([x, 2.0], [y, x]).operands == (x, 2.0, y, x, 0.0)
    assert dot([x, 2.0], [y, x]).local_derivatives == (3.0, None, 2.0, 2.0, None)


def test_a_node_tells_its_operation():
    x = Value(2.0)
    assert [z.op.name for z in (x + 1, x - 1, x * 2, x / 2, x**2, -x, abs(x), x.exp(), 2 - x)] == (
        ["add", "sub", "mul", "div", "power", "neg", "abs", "exp", "sub"]
    )
    assert not (x + 1).is_leaf


def test_unary_operators():
    v = Value(-2.0)
    assert (-v).data == 2.0
    assert (+v) is v
    assert operator.abs(v).data == 2.0
    assert operator.abs(v).op is abs.op


def test_the_builtin_sum_adds_values():
    total = sum([Value(1.0), Value(2.0)])
    assert total.data == 3.0


def test_powers_with_a_base_on_the_left():
    for base in (2, 2.0, np.float64(2), np.int64(2), Fraction(2), np.array(2.0)):
        assert (base ** Value(3.0)).data == 8.0
    assert pow(2, Value(3.0)).data == 8.0


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.__name__)
@pytest.mark.parametrize(
    "wrong",
    ["a", None, [1.0], (1.0,), {}, 1j, decimal.Decimal(1), np.array([1.0, 2.0]), np.array([[1.0]]), object(), exp],
    ids=lambda x: type(x).__name__,
)
def test_operators_refuse_what_is_not_a_real_number_on_either_side(op, wrong):
    v = Value(2.0)
    for attempt in (lambda: op(v, wrong), lambda: op(wrong, v)):
        with pytest.raises(TypeError, match=r"needs a real number, got|is one number and does not go with an array"):
            attempt()


def test_the_refusal_of_an_array_says_what_to_write():
    says = r"a Value is one number and does not go with an array of shape \(2,\); write \[x \* v for x in array\]"
    for attempt in (
        lambda: Value(1.0) * np.ones(2),
        lambda: np.ones(2) * Value(1.0),
        lambda: np.ones(2) == Value(1.0),
        lambda: np.ones(2) < Value(1.0),
        lambda: np.ones(2) @ Value(1.0),
        lambda: exp(np.ones(2)) + Value(1.0),
    ):
        with pytest.raises(TypeError, match=says):
            attempt()


def test_y_plus_x_in_place_makes_a_new_value():
    x, y = Value(2.0), Value(3.0)
    before = y
    y += x
    assert y is not before
    assert (y.data, before.data) == (5.0, 3.0)
    y -= x
    y *= x
    y /= 2
    y **= 2
    assert y.data == 9.0
    total = Value(0.0)
    for i in range(3):
        total += i
    assert total.data == 3.0


def test_an_update_of_the_value_instead_of_its_data_is_refused():
    p = Value(2.0, label="w")
    (p * 3).backward()
    before = p
    says = re.escape("leaves the parameter w unchanged; to update it in place write p.data -= lr * p.grad")
    with pytest.raises(TypeError, match=says):
        p -= 0.1 * p.grad
    assert before.data == 2.0


def test_other_operators_in_place_rebind_after_a_backward_pass_too():
    total = Value(2.0)
    (total * 3).backward()
    total += 5
    total *= 2
    assert total.data == 14.0


def test_an_empty_label_is_none():
    assert Value(1.0, label="").label is None


def test_the_right_form_of_an_update_works():
    p = Value(2.0)
    (p * 3).backward()
    p.data -= 0.1 * p.grad
    assert p.data == pytest.approx(1.7)


def test_a_leaf_after_backward_still_takes_part_in_a_sum_of_values():
    p = Value(2.0)
    (p * 3).backward()
    q = p
    q += Value(1.0)
    assert q.data == 3.0


# ---------------------------------------------------------------- comparing


def test_equality_is_identity_so_that_a_value_can_be_a_key():
    x, y = Value(2.0), Value(2.0)
    assert x == x
    assert x != y
    assert x is not None
    assert x != "x"
    assert {x: "x", y: "y"}[y] == "y"
    assert y in [x, y]
    assert [x, y].index(y) == 1


@pytest.mark.parametrize("number", [2.0, 2, True, Fraction(2), np.float64(2), np.array(2.0), [2.0], np.ones(3)])
def test_a_value_is_not_equal_to_a_number_in_silence(number):
    x = Value(2.0)
    for ask in (lambda: x == number, lambda: number == x, lambda: x != number, lambda: number != x):
        with pytest.raises(TypeError, match=r"write x\.data == |a Value is one number"):
            ask()


@pytest.mark.parametrize("other", [3.0, 3, Fraction(3), np.float64(3), np.int64(3), np.array(3.0), Value(3.0)])
def test_comparisons_compare_data_and_give_a_bool(other):
    v = Value(2.0)
    assert (v < other) is True
    assert (v <= other) is True
    assert (v > other) is False
    assert (v >= other) is False
    assert (other > v) is True
    assert (other <= v) is False


def test_values_can_be_sorted():
    xs = [Value(2.0), Value(1.0), Value(3.0)]
    assert [x.data for x in sorted(xs)] == [1.0, 2.0, 3.0]
    assert max(xs).data == 3.0


@pytest.mark.parametrize("wrong", ["a", None, 1j, [1.0], range(3), np.ones(2)])
def test_comparisons_refuse_what_is_not_a_real_number(wrong):
    for attempt in (lambda: Value(1.0) < wrong, lambda: wrong >= Value(1.0)):
        with pytest.raises(TypeError, match=r"comparing a Value needs a real number|does not go with an array"):
            attempt()


# ---------------------------------------------------------------- what a Value is not


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (lambda v: v // 2, "// and % are not defined for Values: they jump; use v.data for the plain number"),
        (lambda v: 2 // v, "// and % are not defined"),
        (lambda v: v % 2, "// and % are not defined"),
        (lambda v: 2 % v, "// and % are not defined"),
        (lambda v: divmod(v, 2), "// and % are not defined"),
        (lambda v: divmod(2, v), "// and % are not defined"),
        (lambda v: v @ v, r"@ is not defined for Values: .*use \* or dot\(x, y\)"),
        (lambda v: [v] @ v, "@ is not defined"),
        (lambda v: v @ np.ones(2), "@ is not defined"),
        (lambda v: ~v, "~ are not defined for Values: join comparisons with `and`, `or`, `not`"),
        (lambda v: v & True, "& *.* are not defined"),
        (lambda v: True | v, r"\| *.* are not defined"),
        (lambda v: v ^ v, r"\^ .* are not defined"),
        (lambda v: v << 1, "<< and >> are not defined"),
        (lambda v: v[0], "a Value is a single number and cannot be indexed; keep several in a list"),
        (lambda v: len(v), "a Value is a single number and has no length; keep several in a list"),
        (lambda v: iter(v), "a Value is a single number and cannot be iterated over; keep several in a list"),
        (lambda v: list(v), "cannot be iterated over"),
        (lambda v: 1.0 in v, "is not iterable"),
        (lambda v: float(v), r"would cut a Value off from its graph; use .*exp\(v\).* or v\.data"),
        (lambda v: math.exp(v), r"use the function of the same name from autograd \(exp\(v\)\), or v\.data"),
        (lambda v: math.floor(v), r"or v\.data for the plain number"),
        (lambda v: operator.mod("%f", v), r"or v\.data for the plain number"),
        (lambda v: int(v), r"int\(\) would cut a Value off from its graph; use int\(v\.data\)"),
        (lambda v: complex(v), r"a Value is real; complex\(\) is not defined for it"),
        (lambda v: round(v), r"round\(\) has no useful derivative; use round\(v\.data\) or format"),
        (lambda v: round(v, 2), r"round\(\) has no useful derivative"),
        (lambda v: bool(v), r"the truth of a Value is ambiguous; compare it \(v > 0\) or test v\.data"),
        (lambda v: v and 1, "the truth of a Value is ambiguous"),
        (lambda v: not v, "the truth of a Value is ambiguous"),
        (lambda v: [1, 2][v], "list indices must be integers or slices, not Value"),
        (lambda v: range(v), "'Value' object cannot be interpreted as an integer"),
        (lambda v: type("Number", (Value,), {}), "Value is final and Number cannot be derived from it"),
    ],
)
def test_what_a_value_is_not_is_a_type_error_that_says_what_to_do(attempt, says):
    with pytest.raises(TypeError, match=says):
        attempt(Value(2.0))


# ---------------------------------------------------------------- NumPy


@pytest.mark.parametrize(
    "name",
    ["exp", "log", "sqrt", "sin", "cos", "tanh", "absolute", "fabs", "negative", "positive", "sign"],
)
def test_functions_of_numpy_give_values(name):
    f = getattr(np, name)
    x = Value(0.7)
    z = f(x)
    assert type(z) is Value
    assert z.data == pytest.approx(float(f(0.7)), rel=1e-14)


@pytest.mark.parametrize(
    "name", ["add", "subtract", "multiply", "divide", "power", "float_power", "maximum", "minimum"]
)
def test_functions_of_two_numbers_of_numpy_give_values(name):
    f = getattr(np, name)
    for operands in itertools.product((Value(0.7), 0.7), (Value(0.3), np.float64(0.3))):
        if any(type(u) is Value for u in operands):
            z = f(*operands)
            assert type(z) is Value
            assert z.data == pytest.approx(float(f(0.7, 0.3)), rel=1e-14)


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (lambda v: np.cbrt(v), r"np\.cbrt is not defined for Values; use \.data for the plain number"),
        (lambda v: np.isnan(v), r"np\.isnan is not defined for Values"),
        (lambda v: np.float64(2) // v, r"np\.floor_divide is not defined for Values"),
        (lambda v: np.add(v, 1.0, out=np.zeros(())), r"np\.add is not defined for Values"),
        (lambda v: np.add.outer(v, v), r"np\.add is not defined for Values"),
    ],
)
def test_what_numpy_cannot_do_with_a_value_is_a_type_error(attempt, says):
    with pytest.raises(TypeError, match=says):
        attempt(Value(2.0))


@pytest.mark.parametrize(
    "attempt",
    [
        lambda v: np.array(v),
        lambda v: np.array([v, v]),
        lambda v: np.array([[1.0, v]]),
        lambda v: np.asarray([v], dtype=object),
        lambda v: np.sum([v, v]),
        lambda v: np.exp([v, v]),
        lambda v: np.ones(2) * [v, v],
    ],
)
def test_numpy_never_makes_an_array_of_objects(attempt):
    with pytest.raises(TypeError, match=r"Keep Values in a list. If a constant is meant, take \.data"):
        attempt(Value(2.0))


# ---------------------------------------------------------------- methods, text


@pytest.mark.parametrize(
    "name", ["exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu", "softplus", "linear", "abs", "leaky_relu"]
)
def test_methods_are_the_functions_of_the_same_name(name):
    method, function = getattr(Value(0.7), name)(), getattr(autograd, name)(Value(0.7))
    assert (method.data, method.local_derivatives, method.op) == (
        function.data,
        function.local_derivatives,
        function.op,
    )


def test_a_trainable_slope_goes_through_the_method_too():
    alpha = Value(0.1)
    Value(-2.0).leaky_relu(alpha).backward()
    assert alpha.grad == -2.0


def test_repr_is_short_and_true_however_deep_the_graph_is():
    x = Value(3.0, label="x")
    y = x * x
    y.backward()
    assert repr(x) == "Value(data=3.0, grad=6.0, label='x')"
    assert repr(y) == str(y) == "Value(data=9.0, grad=1.0)"
    for _ in range(50_000):
        y = y + 1.0
    assert repr(y) == "Value(data=50009.0, grad=0.0)"


def test_a_value_can_be_formatted():
    v = Value(3.14159)
    assert (f"{v:.2f}", f"{v:8.3f}", f"{v}") == ("3.14", "   3.142", str(v))


def test_a_value_in_a_message_has_its_name():
    assert [format_value(u) for u in (Value(0.5, label="w"), Value(0.5), 0.5)] == ["w=0.5", "0.5", "0.5"]


def test_a_shallow_copy_shares_its_operands():
    x = Value(2.0, label="x")
    y = x * 3
    z = copy.copy(y)
    assert z is not y
    assert (z.data, z.operands, z.op) == (6.0, (x, 3.0), mul.op)
    assert copy.copy(x).label == "x"


# ---------------------------------------------------------------- the compiled operators


@pytest.mark.parametrize("op", BINARY[:4], ids=lambda op: op.__name__)
@pytest.mark.parametrize(("x", "y"), [(2.0, 3.0), (-0.7, 0.3), (0.0, 2.0), (2.0, 0.0), (0.0, 0.0), (1e300, 1e-300)])
def test_compiled_operators_record_what_the_table_says(op, x, y):
    entry = find({"truediv": "div"}.get(op.__name__, op.__name__))
    for a, b in (
        (op(Value(x), Value(y)), Value._record(entry, Value(x), Value(y))),
        (op(Value(x), y), Value._record(entry, Value(x), y)),
        (op(x, Value(y)), Value._record(entry, x, Value(y))),
    ):
        assert a.op is b.op
        assert np.array_equal([a.data], [b.data], equal_nan=True)
        assert str(a.local_derivatives) == str(b.local_derivatives)


def test_functions_and_methods_of_values_compose():
    x = Value(0.5)
    z = (sin(x) * exp(x) + log(x) - relu(x) / 2).tanh()
    expected = math.tanh(math.sin(0.5) * math.exp(0.5) + math.log(0.5) - 0.25)
    assert z.data == pytest.approx(expected, rel=1e-14)


def test_a_value_has_the_numbers_and_the_shape_of_an_array_without_axes():
    v = Value(2.5)
    array = v.numpy()
    assert (array.shape, v.shape, float(array)) == ((), (), 2.5)
    assert not array.flags.writeable


def test_an_option_that_a_value_does_not_have_is_answered_with_the_nearest():
    with pytest.raises(TypeError, match=r"Value: unknown option 'lable'; did you mean 'label'\? known: data, label"):
        Value(1.0, lable="x")
