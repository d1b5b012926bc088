"""What a rule may use, on everything that reads rules: floats, arrays, Values, Tensors, formulas, formulas of arrays.

`CASES` is the list in the docstring of `autograd.op`; whoever adds a reader adds it to `READERS`. (Script, which
another language reads, is held to it in tests/viz/explorer/test_script.py.)
"""

import inspect
import math

import numpy as np
import pytest
from rule_cases import CASES, POINTS
from tables import restored

import autograd
import autograd.op
from autograd import Tensor, Value, derive, gradients, mean, where
from autograd.formulas.expression import symbol
from autograd.matrices.expression import named
from autograd.op import elementwise
from autograd.operands import Vector
from autograd.rows import Rows


def on_floats(f, points):
    return [float(f(*p)) for p in points]


def on_arrays(f, points):
    return np.broadcast_to(f(*np.array(points).T), len(points))


def on_values(f, points):
    return [_number(f(*map(Value, p)), "data") for p in points]


def on_tensors(f, points):
    return np.broadcast_to(_number(f(*map(Tensor, np.array(points).T)), "data"), len(points))


def on_formulas(f, points):
    return [_number(f(symbol("x", x), symbol("y", y)), "value") for x, y in points]


def on_formulas_of_arrays(f, points):
    x, y = np.array(points).T
    return np.broadcast_to(_number(f(named("X", x), named("Y", y)), "value"), len(points))


def on_vectors(f, points):
    x, y = (Vector(map(Value, u)) for u in zip(*points, strict=True))
    found = f(x, y)
    return [_number(u, "data") for u in (found if isinstance(found, tuple) else [found] * len(points))]


def on_rows(f, points):
    x, y = np.array(points).T
    found = f(Rows(Tensor([x])), Rows(Tensor([y])))
    return np.broadcast_to(_number(_number(found, "array"), "data"), (1, len(points)))[0]


def _number(x, where_it_is):
    return x if isinstance(x, np.ndarray | np.generic) else getattr(x, where_it_is, x)


READERS = [on_arrays, on_values, on_tensors, on_formulas, on_formulas_of_arrays, on_vectors, on_rows]


@pytest.mark.parametrize("case", CASES)
def test_it_is_read_everywhere_with_the_same_result(case):
    for reader in READERS:
        found, expected = reader(CASES[case], POINTS), on_floats(CASES[case], POINTS)
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15, err_msg=reader.__name__)


def test_the_docstring_lists_the_operators():
    listed = inspect.getdoc(autograd.op)
    for written in ("x + y", "x - y", "x * y", "x / y", "x ** y", "-x", "+x", "abs(x)", "x < y", "x >= y", "& and |"):
        assert written in listed


@pytest.fixture
def own():
    """Decorates operations that leave the tables as they were."""
    with restored():
        yield elementwise


# ---------------------------------------------------------------- an operation of one's own


@pytest.fixture
def softsign(own):
    @own(lambda z, x: 1 / (1 + abs(x)) ** 2)
    def softsign(x):
        """x / (1 + |x|). Derivative: 1 / (1 + |x|)²."""
        return x / (1 + abs(x))

    return softsign


def test_a_rule_with_pythons_abs_trains_and_is_written(softsign):
    w = Value(-0.5, "w")
    assert gradients(softsign(w), w) == pytest.approx(1 / 1.5**2, rel=1e-15)
    assert "1/(1 + |w|)²" in str(derive(softsign(w), w))
    assert r"\left|w\right|" in derive(softsign(w), w).latex()


def test_a_rule_with_pythons_abs_is_written_in_matrices(softsign):
    w = Tensor([[-0.5, 2.0]], "W")
    derivation = derive(softsign(w).sum(), w)
    assert "|W|" in derivation.steps[-1].text()
    assert "pull" not in str(derivation)
    assert derivation.value == pytest.approx(1 / (1 + np.abs(w.data)) ** 2)


def test_an_operation_of_three_operands_is_right_on_values_tensors_and_formulas(own):
    @own(lambda z, x, y, t: 1 - t, lambda z, x, y, t: t, lambda z, x, y, t: y - x)
    def between(x, y, t):
        """x (1 - t) + y t. Derivative: 1 - t, t and y - x."""
        return x * (1 - t) + y * t

    x, y, t = Value(2.0, "x"), Value(5.0, "y"), Value(0.25, "t")
    z = between(x, y, t)
    assert (z.data, gradients(z, [x, y, t])) == (2.75, [0.75, 0.25, 3.0])
    assert gradients(gradients(z * z, t, create_graph=True), t) == 18.0
    assert "1 − t" in str(derive(z, x))
    a, b = Tensor([2.0, 1.0], "A"), Tensor([5.0, 3.0], "B")
    assert [g.tolist() for g in gradients(between(a, b, 0.25).sum(), [a, b])] == [[0.75, 0.75], [0.25, 0.25]]
    assert derive(between(a, b, 0.25).sum(), a).steps[-1].value.tolist() == [0.75, 0.75]


def test_an_operand_without_a_rule_is_a_plain_number(own):
    @own(lambda z, x, n: n * x ** (n - 1), None)
    def to_the(x, n):
        """x^n. Derivative: n x^(n - 1); n is not differentiated."""
        return x**n

    assert gradients(to_the(x := Value(2.0), 3.0), x) == 12.0
    assert gradients(to_the(x := Tensor([2.0, 1.0]), 3.0).sum(), x).tolist() == [12.0, 3.0]
    with pytest.raises(TypeError, match="to_the: operand 2 is not differentiated and must be a plain number"):
        to_the(Value(2.0), Value(3.0))
    with pytest.raises(TypeError, match="to_the: operand 2 is not differentiated and must be plain, got a Tensor"):
        to_the(Tensor([2.0]), Tensor([3.0]))


def test_the_name_that_numpy_has_for_it_works_too(own):
    @own(lambda z, x: z / (3 * x))
    def cbrt(x):
        """The cube root of x. Derivative: z / 3x."""
        return math.cbrt(x) if type(x) is float else np.cbrt(x)

    assert np.cbrt(Value(8.0)).data == 2.0
    assert np.cbrt(Tensor([1.0])).op is cbrt.op
    assert np.cbrt(symbol("x", 1.0)).text() == "cbrt(x)"


# ---------------------------------------------------------------- what cannot be read


def test_a_rule_with_maths_functions_says_what_to_write(own):
    @own(lambda z, x: math.exp(x))
    def exponential(x):
        """e^x. Derivative: e^x."""
        return np.exp(x)

    w, t = Value(1.0, "w"), Tensor([1.0, 2.0], "W")
    message = r"exponential: its rule cannot be read on .*where\(condition, x, y\)"
    assert gradients(exponential(w), w) == math.exp(1.0)
    for read in (
        lambda: gradients(exponential(w), w, create_graph=True),
        lambda: str(derive(exponential(w), w)),
        lambda: exponential(t).sum().backward(),
        lambda: derive(exponential(t).sum(), t),
    ):
        with pytest.raises(TypeError, match=message):
            read()


def test_a_forward_function_for_floats_alone_says_so_on_arrays(own):
    @own(lambda z, x: where(x > 0, 1, 0))
    def hard(x):
        """max(0, x). Derivative: 1 above 0."""
        return max(x, 0.0)

    assert hard(-1.0) == 0.0
    for x in (np.array([1.0, 2.0]), Tensor([1.0, 2.0])):
        with pytest.raises(TypeError, match=r"hard: its forward function cannot be read on an array of shape \(2,\)"):
            hard(x)


def test_a_forward_function_with_numpys_numbers_gives_floats(own):
    @own(lambda z, x: np.cos(x))
    def sine(x):
        """sin x. Derivative: cos x."""
        return np.sin(x)

    z = sine(Value(1.0))
    assert type(z.data) is float
    assert all(type(d) is float for d in z.local_derivatives)


def test_conditions_of_sequences_choose_member_by_member():
    x = [Value(1.0), Value(-2.0)]
    chosen = where(Vector(x) > 0, Vector(x), 0.0)
    assert chosen[0] is x[0]
    assert isinstance(chosen[1], Value)
    assert chosen[1].data == 0.0
    assert mean(chosen).data == 0.5
