"""Formulas: arithmetic that collects and cancels, simplification that never changes the value."""

import math

import formula_generator
import numpy as np
import pytest
from hypothesis import assume, given
from oracles import run
from random_formulas import BINARY, FUNCTIONS, POINT, UNARY, _sigmoid, formula_of, trees

import autograd
from autograd import Value, derive, dot, exp, log, relu, sigmoid, sin, softmax, sqrt, tanh
from autograd.formulas.expression import MAX_DEPTH, MAX_SIZE, Expression, constant, expression, omitted, symbol
from autograd.op import table
from autograd.operands import Vector
from autograd.ops import elementwise

x, y, w, a, b = (symbol(name, value) for name, value in POINT.items())


def _softmax(zs):
    return [math.exp(z) / sum(map(math.exp, zs)) for z in zs]


def _normal_cdf(z):
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


MEANING = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "sigmoid": _sigmoid,
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z, alpha: z if z > 0 else alpha * z,
    **{name: getattr(math, name) for name in ("expm1", "exp2", "log1p", "log2", "log10", "tan", "sinh", "cosh")},
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "logaddexp": lambda a, b: math.log(math.exp(a) + math.exp(b)),
    "elu": lambda z, alpha: z if z > 0 else alpha * math.expm1(z),
    "selu": lambda z: 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * math.expm1(z)),
    "silu": lambda z: z / (1 + math.exp(-z)),
    "softsign": lambda z: z / (1 + abs(z)),
    "mish": lambda z: z * math.tanh(math.log(1 + math.exp(z))),
    "hard_sigmoid": lambda z: min(max(z / 6 + 0.5, 0.0), 1.0),
    "normal_cdf": _normal_cdf,
    "gelu": lambda z: z * _normal_cdf(z),
    "softplus": lambda z: math.log(1 + math.exp(z)),
    "abs": abs,
    "sign": lambda z: math.copysign(1.0, z) if z else 0.0,
    "maximum": max,
    "minimum": min,
    "clip": lambda z, lo, hi: min(max(z, lo), hi),
    "softmax": _softmax,
    "logsumexp": lambda zs: math.log(sum(map(math.exp, zs))),
    "binary_cross_entropy": lambda p, t: -t * math.log(p) - (1 - t) * math.log(1 - p),
    "binary_cross_entropy_with_logits": lambda z, t: math.log(1 + math.exp(z)) - t * z,
    "cross_entropy": lambda ps, ts: -sum(t * math.log(p) for p, t in zip(ps, ts, strict=True)),
    "softmax_cross_entropy": lambda zs, ts: -sum(t * math.log(p) for p, t in zip(_softmax(zs), ts, strict=True)),
}


def evaluated(formula, point=POINT):
    """The number that the ASCII form of a formula stands for, by Python."""
    return eval(formula.ascii(), MEANING | dict(point))


# ---------------------------------------------------------------- arithmetic


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (x + y, "x + y"),
        (x + x, "2x"),
        (x - x, "0"),
        (x + y - x, "y"),
        (-y + x, "x − y"),
        (x * x, "x²"),
        (x * x * x / x, "x²"),
        (x / x, "1"),
        (x * 1, "x"),
        (x * 0, "0"),
        (x + 0, "x"),
        (x * -1, "−x"),
        (-(x * -1), "x"),
        (2 * x * 3, "6x"),
        (x - (-y), "x + y"),
        (1 - (1 - x), "x"),
        (-(x - y), "y − x"),
        (2 * (x - y), "2(x − y)"),
        ((x - y) / (y - x), "−1"),
        ((x - y) / (y - x) ** 2, "1/(x − y)"),
        ((x - y) ** 2 / (y - x) ** 2, "1"),
        ((x - y) * w + (y - x) * w, "0"),
        (1 / x, "1/x"),
        (1 / (1 / x), "x"),
        (x**-2, "1/x²"),
        ((x * y) ** 2, "x²·y²"),
        ((2 * x) ** 3, "8x³"),
        ((x + y) ** 2 / (x + y), "x + y"),
        (x**0.5 * x**0.5, "x"),
        ((x * y) ** 0.5, "√(x·y)"),
        ((x**2) ** 0.5, "√(x²)"),
        (sqrt(x) * sqrt(x), "x"),
        (x**0, "1"),
        (2**x, "2^x"),
        ((1 / 3) ** x, "(1/3)^x"),
        (x**y, "x^y"),
        (x**y * x**y, "(x^y)²"),
        (sin(x) / sin(x), "1"),
        (sin(x) - sin(x), "0"),
        ((-x - y) * w, "−w(x + y)"),
        (constant(0.0) * x, "0"),
    ],
)
def test_arithmetic_collects_like_terms_and_cancels_factors(formula, text):
    assert str(formula) == text
    assert formula.value == pytest.approx(evaluated(formula), rel=1e-12, abs=1e-12)


def test_functions_of_opposite_differences_are_different():
    """(y − x)·w and (x − y)·w have the same factors up to sign."""
    difference = sin((y - x) * w) - sin((x - y) * w)
    assert str(difference) == "sin(w(y − x)) − sin(w(x − y))"
    assert evaluated(difference) == pytest.approx(2 * math.sin(0.9 * 0.35))
    assert str(sin((y - x) ** 2) - sin((x - y) ** 2)) == "0"


def test_roots_of_opposite_differences_are_different():
    product = sqrt(y - x) * (x - y) ** 0.5
    assert math.isnan(product.value)
    assert "√(y − x)" in str(product)
    assert "√(x − y)" in str(product)


def test_labels_that_look_like_formulas_are_not_taken_for_them():
    ((_, ((function, _),)),) = sin(x).terms
    for label in ("sin(x)", function.key):
        assert str(symbol(label) - sin(x)) != "0"


@pytest.mark.parametrize("number", [2, 2.0, np.float64(2), np.int64(2), True + 1])
def test_numbers_go_on_either_side(number):
    for formula, text in (
        (x + number, "x + 2"),
        (number + x, "2 + x"),
        (x - number, "x − 2"),
        (number - x, "2 − x"),
        (x * number, "2x"),
        (number * x, "2x"),
        (x / number, "½x"),
        (number / x, "2/x"),
        (x**number, "x²"),
        (number**x, "2^x"),
    ):
        assert isinstance(formula, Expression)
        assert str(formula) == text


@pytest.mark.parametrize("other", ["x", None, 1j, [1.0], Value(1.0)])
def test_what_is_no_number_is_refused(other):
    with pytest.raises(TypeError):
        x + other
    with pytest.raises(TypeError, match="Expression needs a real number"):
        expression(other)


def test_sequences_apply_an_operator_to_each_member():
    assert [str(u) for u in x - Vector([y, 1.0])] == ["x − y", "x − 1"]
    assert [str(u) for u in Vector([y, 1.0]) * x] == ["y·x", "x"]


def test_comparisons_compare_the_values_at_the_point():
    assert x < y
    assert x <= 0.8
    assert y > 1
    assert not y >= 1.8
    assert str(relu(x - y)) == "relu(x − y)"
    assert str(elementwise.leaky_relu.op.derivative(0, None, (x - y, a))) == "a"


def test_operations_are_spelled_out_if_they_are_arithmetic_and_called_if_not():
    assert str(dot([x, y], [w, 2.0], b)) == "x·w + 2y + b"
    assert str(tanh(dot([x, y], [w, 2.0]))) == "tanh(x·w + 2y)"
    assert sigmoid(x).value == autograd.sigmoid(0.8)
    assert softmax([x, y])[1].value == pytest.approx(_softmax([0.8, 1.7])[1])


def test_values_follow_ieee_arithmetic_without_warnings():
    zero, infinity = constant(0.0), constant(math.inf)
    assert (x / symbol("o", 0.0)).value == math.inf
    assert math.isnan((infinity * zero).value)
    assert math.isnan(log(symbol("n", -1.0)).value)
    assert (exp(symbol("big", 1000.0))).value == math.inf
    assert type((x / 0.0).value) is float
    assert str(x * math.inf) == "∞·x"
    assert str(x + math.nan) == "x + nan"
    assert str(x**math.inf) == "x^∞"


# ---------------------------------------------------------------- simplification


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ((1 - a) * (1 + a), "1 − a²"),
        ((x - 1) * (x + 1) * w, "w(x² − 1)"),
        (a * (1 - a), "a(1 − a)"),
        (2 * (x - y) * 0.5, "x − y"),
        (a * (1 - a) * (-y / a + (1 - y) / (1 - a)), "a − y"),
        (x * y + x * w, "x(y + w)"),
        (x / 3 + y / 3, "(x + y)/3"),
        (2 * x / 9 - y / 9, "(2x − y)/9"),
        (0.02 * x + y * w, "0.02x + y·w"),
        (0.5 * x + y, "½x + y"),
        (x / (x + y) + y / (x + y), "1"),
        (x / (x + y) - w / (x + y), "(x − w)/(x + y)"),
        (x * w * (1 - x) - y * w * (1 - x), "w(1 − x)(x − y)"),
        (b * (x * (1 - y) - (1 - x) * y), "b(x − y)"),
        (b * ((1 - a) * (1 + a) + y), "b(1 − a² + y)"),
        (x * y - x * y + w, "w"),
    ],
)
def test_simplification_finds_the_form_that_a_person_would_write(formula, text):
    simple = formula.simplified()
    assert str(simple) == text
    assert evaluated(simple) == pytest.approx(formula.value, rel=1e-12)
    assert simple.value == formula.value


class TooFar(Exception):
    pass


def number_of(tree):
    """The same on floats; TooFar where rounding could matter."""
    if not isinstance(tree, tuple):
        return POINT.get(tree, tree)
    name, *parts = tree
    numbers = [number_of(part) for part in parts]
    if name in ("inverse", "/") and abs(numbers[-1]) < 0.1:
        raise TooFar
    result = (UNARY | BINARY | {k: f for k, (_, f) in FUNCTIONS.items()})[name](*numbers)
    if abs(result) > 30:
        raise TooFar
    return result


def checked_number(tree):
    try:
        return number_of(tree)
    except TooFar:
        assume(False)


@given(trees)
def test_a_formula_and_its_simplification_have_the_value_of_what_was_computed(tree):
    number, formula = checked_number(tree), formula_of(tree)
    simple = formula.simplified()
    close = pytest.approx(number, rel=1e-9, abs=1e-9)
    assert formula.value == close
    assert simple.value == formula.value
    for form in (formula, simple):
        if "..." not in form.ascii():
            assert evaluated(form) == close


@given(trees)
def test_simplification_does_not_lengthen_and_is_soon_done(tree):
    checked_number(tree)
    formula = formula_of(tree)
    simple = formula.simplified()
    assert simple.size <= formula.size
    assert simple.size <= MAX_SIZE or "..." in simple.ascii()
    assert not simple.is_omitted() or formula.is_omitted()


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (sqrt(x + 1) * (x + 1), "(x + 1)^(3/2)"),
        (w * sqrt(x + 1) + y * (x + 1), "w·√(x + 1) + y(x + 1)"),
        (sqrt(y - x) * (x - y), "−(y − x)^(3/2)"),
        (sqrt(y - x) * (x - y) ** 2 * w, "w(y − x)^(5/2)"),
        ((x - y) / sqrt(y - x), "−√(y − x)"),
        ((y - x) ** 0.5 * (y - x) ** 0.5 * (x - y), "−(y − x)²"),
        (((x - w) / (x - w + x - w)) ** -0.5, "√2"),
    ],
)
def test_powers_of_a_sum_and_of_its_opposite_merge_and_roots_keep_their_orientation(formula, text):
    simple = formula.simplified()
    assert str(simple) == text
    assert evaluated(simple) == pytest.approx(formula.value, rel=1e-12)


@pytest.mark.slow
def test_simplification_ends_on_thousands_of_random_formulas_and_keeps_the_value():
    quantities = {name: symbol(name, number) for name, number in POINT.items()}
    for tree in formula_generator.trees(seed=3, count=3000, leaves=12):
        formula = expression(formula_generator.computed(tree, quantities))
        simple = formula.simplified()
        if "..." not in simple.ascii():
            assert evaluated(simple) == pytest.approx(formula.value, rel=1e-7, abs=1e-7), tree


# ---------------------------------------------------------------- every operation of the table


def operands(op):
    """Operands for an operation, each a label and a number or a plain number, as the function takes them."""
    if op.name == "softmax_component":
        return [("x", 0.8), ("y", -0.4), ("w", 0.3)], 1
    if op.name in ("cross_entropy_of_softmax", "cross_entropy_of_probabilities"):
        return [("x", 0.8), ("y", 0.4), ("w", 0.3)], [("a", 0.2), ("b", 0.5), 0.3]
    if op.name in ("binary_cross_entropy", "binary_cross_entropy_with_logits"):
        return ("x", 0.8), ("y", 0.3)
    if op.name == "clip":
        return ("x", 0.8), 0.5, 2.0
    if op.name == "dot":
        return [("x", 0.8), ("y", -0.4), 2.0], [("w", 0.3), ("x", 0.8), ("a", 0.6)], ("b", 1.1)
    if op.name == "squared_error":
        return [("x", 0.8), ("y", 1.7)], [("a", 0.6), 2.0]
    if op.reduces:
        return ([("x", 0.8), ("y", 1.7), 2.5, ("w", 0.3)],)
    return (("x", 0.8), ("y", 1.7))[: len(op.rules)]


def recorded(op):
    """The operation applied to fresh Values, and these by name."""
    leaves = {}

    def leaf(given):
        if isinstance(given, list):
            return Vector(map(leaf, given))
        if isinstance(given, tuple):
            return leaves.setdefault(given[0], Value(given[1], given[0]))
        return float(given)

    return Value._record(op, *map(leaf, operands(op))), leaves


@pytest.mark.parametrize("op", table.values(), ids=lambda op: op.name)
def test_the_formula_of_every_operation_and_of_its_derivatives_is_valid_python(op):
    result, leaves = recorded(op)
    target = result * result  # its derivative contains the operation itself
    point = {name: leaf.data for name, leaf in leaves.items()}
    for leaf in leaves.values():
        derivation = derive(target, leaf)
        for path in derivation:
            (formula,) = derivation.formulas(path)
            assert evaluated(formula, point) == pytest.approx(derivation.value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("op", table.values(), ids=lambda op: op.name)
def test_the_formulas_of_single_operations_are_valid_python(op):
    result, leaves = recorded(op)
    result.label = "z"
    point = {name: leaf.data for name, leaf in leaves.items()} | {"z": result.data}
    for leaf in leaves.values():
        derivation = derive(result, leaf, level="op")
        for path in derivation:
            (formula,) = derivation.formulas(path)
            assert evaluated(formula, point) == pytest.approx(path.value, rel=1e-9, abs=1e-12)


# ---------------------------------------------------------------- limits


def test_a_formula_that_grows_too_long_becomes_an_ellipsis_with_the_value():
    total = sum((symbol(f"x_{i}", 1.0) * symbol(f"w_{i}", 2.0) for i in range(MAX_SIZE)), constant(0.0))
    assert str(total) == "…"
    assert total.value == 2.0 * MAX_SIZE
    assert str(total * x) == "x·…"
    assert str(total * 2 + x) == "…"
    assert total.is_omitted()


def test_a_formula_nested_too_deeply_becomes_an_ellipsis():
    nested = x
    for _ in range(MAX_DEPTH - 1):
        nested = sin(nested)
    assert str(nested).count("sin") == MAX_DEPTH - 1
    assert str(sin(nested)) == "…"


def test_two_omitted_parts_are_not_taken_for_equal():
    assert str(sin(omitted(1.0)) - sin(omitted(1.0))) == "sin(…) − sin(…)"
    assert str(omitted(1.0) / omitted(1.0)) == "…/…"


def test_an_omitted_part_makes_no_form_shorter():
    """Multiplied out, 41 terms and more would not fit."""
    long = math.prod((symbol(f"x_{i}", 1.0) + symbol(f"y_{i}", 2.0) for i in range(8)), start=constant(1.0))
    assert "…" not in str(long.simplified())


@pytest.mark.slow
def test_formulas_need_no_deep_stack():
    print(
        run(
            """
import sys
from autograd.formulas.expression import MAX_DEPTH, symbol
from autograd import tanh
sys.setrecursionlimit(150)
x = y = symbol("x", 0.5)
for _ in range(40):
    y = tanh(y * x) - y
    for write in (y.text, y.ascii, y.latex, y.simplified().text):
        assert write()
"""
        )
    )


def test_the_repr_shows_the_formula():
    assert repr(x * (1 - y)) == "<formula x*(1 - y)>"


def test_ascii_numbers_have_all_digits_and_the_others_four():
    formula = x * 0.123456789012
    assert formula.ascii() == "0.123456789012*x"
    assert formula.text() == "0.1235x"
    assert evaluated(formula) == formula.value


def test_names_are_written_as_asked():
    formula = symbol("w[1]_1,2") * symbol("yhat")
    assert formula.text() == "w[1]₁₂·ŷ"
    assert formula.ascii() == "w[1]_12*yhat"
    assert formula.latex() == r"w^{[1]}_{12}\,\hat{y}"
    assert formula.ascii(lambda label: label[0]) == "w*y"
