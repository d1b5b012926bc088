"""Derivatives of functions of arrays: jacobian, hessian, products with it, and their checks."""

import numpy as np
import pytest
from tables import restored

from autograd import (
    Tensor,
    Value,
    check_gradients,
    exp,
    find_nan,
    grad,
    gradients,
    hessian,
    hessian_vector_product,
    jacobian,
    log,
    matmul,
    no_grad,
    relu,
    sin,
    softmax_cross_entropy,
    sum,
    tanh,
    value_and_grad,
)
from autograd.op import structural

A = np.array([[1.0, 2.0], [3.0, 5.0]])


def differences(f, x, h=1e-6):
    """The derivative of an array-valued f of plain arrays by central differences, shape f(x) + x."""
    columns = []
    for index in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[index] = h
        columns.append((f(x + e) - f(x - e)) / (2 * h))
    return np.stack(columns, -1).reshape(np.shape(f(x)) + x.shape)


def test_the_gradient_of_a_function_of_an_array_is_an_array():
    g = grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
    assert isinstance(g, np.ndarray)
    assert g.tolist() == [2.0, 4.0]


def test_several_arrays_can_be_differentiated_at_once():
    value, (ga, gb) = value_and_grad(lambda a, b: (a @ b).sum(), (0, 1))(np.ones((2, 3)), np.full((3, 2), 2.0))
    assert value == 24.0
    assert ga.tolist() == [[4.0] * 3] * 2
    assert gb.tolist() == [[2.0] * 2] * 3


def test_numbers_arrays_and_lists_can_be_mixed():
    def f(scale, x, shifts):
        return scale * (x + shifts[0]).sum() + shifts[1]

    assert grad(f, (0, 1, 2))(2.0, np.array([1.0, 3.0]), [0.5, 7.0])[1].tolist() == [2.0, 2.0]


def test_the_jacobian_of_a_linear_map_is_its_matrix():
    assert jacobian(lambda x: matmul(A, x))(np.array([0.3, -0.7])).tolist() == A.tolist()


def test_the_jacobian_has_the_axes_of_the_result_and_then_of_the_argument():
    x = np.arange(6.0).reshape(2, 3) / 7
    assert jacobian(lambda x: sin(x).sum(axis=1))(x).shape == (2, 2, 3)
    expected = differences(lambda u: np.exp(u).sum(axis=0), x)
    assert jacobian(lambda u: exp(u).sum(axis=0))(x) == pytest.approx(expected, rel=1e-8)


def test_of_many_results_and_few_arguments_the_jacobian_has_the_same_columns():
    t = np.linspace(0.0, 3.0, 120).reshape(2, 60)
    p, rate = np.array([1.5, 0.4]), np.array([[0.7]])
    by_p, by_rate = jacobian(lambda p, rate: p[0] * exp(-rate * t) + sin(p[1] * t), (0, 1))(p, rate)
    assert by_p == pytest.approx(np.stack([np.exp(-0.7 * t), t * np.cos(0.4 * t)], -1), rel=1e-12)
    assert by_rate.shape == (2, 60, 1, 1)
    assert by_rate[..., 0, 0] == pytest.approx(-1.5 * t * np.exp(-0.7 * t), rel=1e-12)


def test_a_jacobian_of_many_results_is_a_graph_where_others_are():
    t, w = np.linspace(0.0, 3.0, 50), Tensor(2.0)
    matrix = jacobian(lambda p: w * p[0] * sin(p[1] * t))(np.array([3.0, 0.5]))
    matrix.sum().backward()  # Σ w sin(p₁t) + w p₀ t cos(p₁t)
    assert w.grad == pytest.approx(np.sum(np.sin(0.5 * t) + 3.0 * t * np.cos(0.5 * t)), rel=1e-12)
    second = grad(lambda p: jacobian(lambda q: q[0] * q[1] ** 2 * t)(p).sum())(np.array([3.0, 0.5]))
    assert second == pytest.approx([2 * 0.5 * t.sum(), (2 * 0.5 + 2 * 3.0) * t.sum()], rel=1e-12)


@restored()
def test_a_jacobian_of_many_results_needs_no_second_derivatives_of_ones_own_operations():
    @structural(lambda g, z, x: np.asarray(g).sum(keepdims=True))
    def spread(x):
        """x, a hundred times. Gradient: the sum of g; it knows plain arrays only."""
        return np.repeat(x, 100)

    assert jacobian(lambda x: 3.0 * spread(x))(np.array([2.0])).tolist() == [[3.0]] * 100


def test_the_jacobian_of_a_list_of_results_has_a_row_for_each():
    assert jacobian(lambda v: [v[0] * v[1], v[0]])([2.0, 3.0]) == [[3.0, 2.0], [1.0, 0.0]]


def test_a_result_that_depends_on_nothing_has_a_jacobian_of_zeros():
    with pytest.warns(UserWarning, match="jacobian: the result does not depend on argument 0"):
        assert jacobian(lambda x: np.ones(2))(np.ones(3)).tolist() == [[0.0] * 3] * 2
    with pytest.warns(UserWarning, match="grad: the result does not depend on argument 0"):
        assert grad(lambda x: 3.0)(np.ones(2)).tolist() == [0.0, 0.0]


def test_the_hessian_of_a_quadratic_form_is_its_symmetric_part_twice():
    assert hessian(lambda x: x @ (A @ x))(np.array([0.2, 0.9])) == pytest.approx(A + A.T)


def test_the_hessian_agrees_with_differences_of_the_gradient():
    x = np.array([0.3, -0.8, 0.5])
    f = lambda u: softmax_cross_entropy(tanh(u) * 2.0, 1)  # noqa: E731
    assert hessian(f)(x) == pytest.approx(differences(lambda u: grad(f)(u), x), rel=1e-6, abs=1e-8)


def test_a_hessian_vector_product_is_the_product():
    x, v = np.array([0.3, -0.8, 0.5]), np.array([1.0, -2.0, 0.25])
    f = lambda u: u[0] * u[1] ** 2 + sin(u[2]) * u[0]  # noqa: E731
    assert hessian_vector_product(f, x, v) == pytest.approx(hessian(f)(x) @ v)
    assert hessian_vector_product(f, x.tolist(), v.tolist()) == pytest.approx((hessian(f)(x) @ v).tolist())
    with pytest.raises(ValueError, match=r"x has shape \(3,\), v has shape \(2,\)"):
        hessian_vector_product(f, x, v[:2])


def test_derivatives_of_derivatives_nest_through_arrays():
    third = grad(lambda u: grad(lambda t: grad(lambda s: (s**4).sum())(t).sum())(u).sum())
    assert third(np.array([0.5, 2.0])) == pytest.approx([24 * 0.5, 24 * 2.0])


def test_a_function_of_arrays_has_to_return_one_number():
    with pytest.raises(ValueError, match=r"grad: .*returned a Tensor of shape \(2,\); .*jacobian"):
        grad(lambda x: x * 2)(np.ones(2))


def test_the_gradient_of_several_elements_needs_a_seed():
    x = Tensor([1.0, 2.0])
    y = x * x
    with pytest.raises(ValueError, match=r"gradients\(\) needs one element, shape is \(2,\)"):
        gradients(y, x)
    assert gradients(y, x, seed=[1.0, 10.0]).tolist() == [2.0, 40.0]


def test_gradients_of_tensors_touch_no_grad_and_are_the_callers_own():
    x, w = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    gx, gw = gradients((x + w).sum(), [x, w])
    assert x.grad is None
    gx += 1
    assert gw.tolist() == [1.0, 1.0]


def test_a_tensor_the_target_does_not_depend_on_has_gradient_zero_whatever_it_holds():
    x, other = Tensor([1.0]), Tensor([np.inf, -1.0])
    assert str(gradients(x.sum(), other)) == "[0. 0.]"


def test_gradients_through_changed_data_are_refused():
    x = Tensor([1.0, 2.0], "x")
    y = (x * x).sum()
    x.data[0] = 5.0
    with pytest.raises(RuntimeError, match="'x' was changed"):
        gradients(y, x)


def test_derivatives_are_recorded_inside_no_grad():
    with no_grad():
        assert grad(lambda x: (x * x).sum())(np.array([3.0])).tolist() == [6.0]


def test_check_gradients_takes_arrays():
    check = check_gradients(lambda a, b: tanh(a @ b).sum(), [A / 9, A[:, :1]])
    assert check.names[1] == "args[0][0, 1]"
    assert len(check.gradient) == 6


def test_check_gradients_finds_the_element_whose_dependence_is_lost():
    with pytest.raises(AssertionError, match=r"args\[0\]\[1\]"):
        check_gradients(lambda x: x[0] + float(x.data[1]) ** 2, [np.array([1.0, 2.0])])


def test_check_gradients_tells_a_kink_of_an_array():
    with pytest.raises(AssertionError, match="kink"):
        check_gradients(lambda x: relu(x).sum(), [np.array([1.0, 0.0])])


def test_find_nan_finds_the_array_in_which_the_first_nan_was_born():
    x = Tensor([1.0, 0.0])
    assert find_nan(sum(log(x) * 0.0)).op.name == "log"
    assert find_nan(sum(x)) is None


def test_a_list_of_an_array_and_a_number_is_one_point():
    """f = Σ x³ b has the Hessian [[6xb, 3x²], [3x², 0]]."""

    def f(p):
        return (p[0] ** 3).sum() * p[1]

    x, point = np.array([1.0, 2.0]), [np.array([1.0, 2.0]), 3.0]
    (xx, xb), (bx, bb) = hessian(f)(point)
    assert xx.tolist() == np.diag(18 * x).tolist()
    assert xb.tolist() == bx.tolist() == (3 * x * x).tolist()
    assert bb == 0.0
    along_x, along_b = hessian_vector_product(f, point, [np.ones(2), 1.0])
    assert along_x.tolist() == (18 * x + 3 * x * x).tolist()
    assert along_b == (3 * x * x).sum()
    by_x, by_b = jacobian(lambda p: p[0] * p[1])(point)
    assert by_x.tolist() == [[3, 0], [0, 3]]
    assert by_b.tolist() == [1, 2]
    assert check_gradients(f, [point]).gradient == (9.0, 36.0, 9.0)
    with pytest.raises(ValueError, match=r"x has shape \[\(2,\), \(\)\], v has shape \[\(3,\), \(\)\]"):
        hessian_vector_product(f, point, [np.ones(3), 1.0])


def test_derivatives_of_nothing_are_empty():
    assert jacobian(lambda x: x * 2)(np.zeros(0)).shape == (0, 0)
    assert jacobian(lambda x: x[:0])(np.zeros((2, 3))).shape == (0, 3, 2, 3)
    assert hessian(lambda x: (x**2).sum())(np.zeros((0, 3))).shape == (0, 3, 0, 3)


def test_positions_may_be_a_list():
    found = grad(lambda a, b: (a * b).sum(), argnums=[0, 1])(A, 2 * A)
    assert [g.tolist() for g in found] == [(2 * A).tolist(), A.tolist()]


def test_gradients_are_checked_at_the_numbers_of_a_tensor():
    x = Tensor(A)
    for args in (x, [x]):
        assert check_gradients(lambda x: (x * x).sum(), args).gradient == (2.0, 4.0, 6.0, 10.0)
    assert x.grad is None


# ---------------------------------------------------------------- what a function closes over


def test_a_gradient_depends_on_the_values_that_its_function_closes_over():
    """L = x d/dy (x y²) at y = 3 is 6 x², so dL/dx = 12 x."""
    x = Value(0.5)
    L = x * grad(lambda y: x * y * y)(3.0)
    L.backward()
    assert (L.item(), x.grad) == (1.5, 6.0)


def test_a_gradient_penalty_trains_what_it_is_a_penalty_of():
    """|∂/∂x Σ tanh(x W)|² of the weights, against differences."""
    x = np.array([[0.3, -0.8], [0.1, 0.7]])

    def penalty(w):
        g = grad(lambda u: tanh(u @ w).sum())(x)
        return (g * g).sum()

    w = Tensor([[0.4, 1.2, -0.3], [0.9, -0.5, 0.2]])
    penalty(w).backward()
    numeric = differences(lambda v: penalty(Tensor(v)).item(), w.data.copy())
    assert w.grad == pytest.approx(numeric, rel=1e-7)


def test_every_derivative_depends_on_what_its_function_closes_over():
    a, t = Value(2.0), Tensor([2.0, 3.0])
    value, slope = value_and_grad(lambda y: a**3 * y)(5.0)
    assert (gradients(value, a), gradients(slope, a)) == (60.0, 12.0)
    assert gradients(hessian(lambda y: a**3 * y * y)(5.0), a) == 24.0
    (row,) = jacobian(lambda p: [a * p[0] * p[1]])([3.0, 4.0])
    assert [gradients(u, a) for u in row] == [4.0, 3.0]
    matrix = jacobian(lambda u: t * t * u)(np.ones(2))
    assert gradients(matrix.sum(), t).tolist() == [4.0, 6.0]
    assert gradients(hessian(lambda u: (t * u * u).sum())(np.ones(2)).sum(), t).tolist() == [2.0, 2.0]
    assert gradients(hessian_vector_product(lambda u: (t * u * u).sum(), np.ones(2), np.ones(2)).sum(), t).tolist() == [
        2.0,
        2.0,
    ]


def test_a_recorded_result_that_is_closed_over_counts_too():
    w = Value(3.0)
    square = w * w
    assert gradients(grad(lambda y: square * y)(1.0), w) == 6.0


def test_a_derivative_inside_another_depends_on_both():
    """d/dx [x · ∂/∂y (x² y³)] at y = 2 is d/dx 12 x³ = 36 x²; with w outside, w more."""
    w = Value(5.0)
    outer = grad(lambda x: x * grad(lambda y: w * x * x * y**3)(2.0))(0.5)
    assert outer.item() == 45.0
    assert gradients(outer, w) == 9.0


def test_under_no_grad_what_is_closed_over_is_a_constant():
    x, t = Value(2.0), Tensor([2.0])
    with no_grad():
        assert grad(lambda y: x * y)(3.0) == 2.0
        assert type(grad(lambda u: (t * u).sum())(np.ones(1))) is np.ndarray


def test_what_a_function_makes_itself_is_no_variable():
    def f(x):
        total = Value(0.0)
        for _ in range(3):
            total = total + x * Value(2.0)
        with no_grad():
            scale = x * 1
        return total * scale

    assert type(grad(f)(3.0)) is float
    assert type(grad(lambda u: (u * Tensor([1.0, 2.0])).sum())(np.ones(2))) is np.ndarray
    assert type(grad(lambda x: grad(lambda y: y * y * Value(1.0))(2.0) * x)(1.0)) is float


# ---------------------------------------------------------------- numbers with arrays, several arguments


def test_a_number_goes_with_arrays_that_a_function_closes_over():
    x, y = np.array([1.0, 2.0, 4.0]), np.array([1.0, 0.0, 2.0])
    loss = lambda w: ((w * x - y) ** 2).mean()  # noqa: E731
    assert grad(loss)(0.5) == pytest.approx((2 * (0.5 * x - y) * x).mean())
    assert type(grad(loss)(0.5)) is float
    assert value_and_grad(loss)(0.5)[0] == pytest.approx(((0.5 * x - y) ** 2).mean())
    assert hessian(loss)(0.5) == pytest.approx(2 * (x * x).mean())
    assert jacobian(lambda w: x * w)(0.5).tolist() == x.tolist()
    assert grad(grad(loss))(0.5) == pytest.approx(2 * (x * x).mean())
    line = lambda p: ((x * p[0] + p[1] - y) ** 2).mean()  # noqa: E731
    e = 0.5 * x + 0.25 - y
    assert grad(line)([0.5, 0.25]) == pytest.approx([(2 * e * x).mean(), (2 * e).mean()])
    assert grad(lambda w, X: (np.exp(w * X)).sum())(0.0, X=x) == x.sum()
    assert grad(lambda w: np.dot(x, w * x).sum())(1.0) == (x * x).sum()


def test_a_value_from_outside_still_does_not_go_with_arrays():
    x = np.ones(2)
    with pytest.raises(TypeError, match="a Value is one number and does not go with an array"):
        grad(lambda w: (w * x).sum())(Value(0.5))


def test_jacobian_and_hessian_take_several_arguments():
    x, y = np.array([0.5, 2.0]), np.array([[1.0, 3.0], [2.0, -1.0]])
    f = lambda a, m, scale=1.0: scale * (m @ (a * a))  # noqa: E731
    assert jacobian(f)(x, y).tolist() == (y * 2 * x).tolist()
    assert jacobian(f, 1)(x, y, scale=2.0)[0, 0].tolist() == (2 * x * x).tolist()
    by_x, by_y = jacobian(f, (0, 1))(x, y)
    assert (by_x.shape, by_y.shape) == ((2, 2), (2, 2, 2))
    loss = lambda w, X, y: ((X @ w - y) ** 2).sum()  # noqa: E731
    assert hessian(loss, argnums=0)(x, y, np.ones(2)) == pytest.approx(2 * y.T @ y)
    (ww, wb), (bw, bb) = hessian(lambda w, b: ((y @ w + b) ** 2).sum(), (0, 1))(x, 0.5)
    assert ww == pytest.approx(2 * y.T @ y)
    assert wb == pytest.approx(2 * y.sum(0))
    assert bw == pytest.approx(2 * y.sum(0))
    assert bb == 4.0
    with pytest.raises(ValueError, match="hessian: expected a positional argument number 3, got 2 of them"):
        hessian(loss, 3)(x, y)


def test_the_hessian_of_several_arguments_agrees_with_differences_of_the_gradient():
    f = lambda a, p: (sin(a * p[0]) * a).sum() * p[1]  # noqa: E731
    a, p = np.array([0.3, -0.7]), [1.5, 0.4]
    (aa, ap), (pa, pp) = hessian(f, (0, 1))(a, p)
    by_a = lambda a, p: grad(f)(a, p)  # noqa: E731
    h = 1e-6
    assert aa == pytest.approx(differences(lambda u: by_a(u, p), a), rel=1e-8)
    assert ap[0] == pytest.approx((by_a(a, [1.5 + h, 0.4]) - by_a(a, [1.5 - h, 0.4])) / (2 * h), rel=1e-8)
    assert ap[1] == pytest.approx((by_a(a, [1.5, 0.4 + h]) - by_a(a, [1.5, 0.4 - h])) / (2 * h), rel=1e-8)
    assert pa[0] == pytest.approx(ap[0])
    assert pa[1] == pytest.approx(ap[1])
    assert pp[0][1] == pytest.approx(pp[1][0])
    assert pp[1][1] == 0.0


def test_a_list_of_results_has_a_row_for_each_with_several_arguments():
    (da, db), (ea, eb) = jacobian(lambda a, b: [a * b, a + b], (0, 1))(2.0, 5.0)
    assert (da, db, ea, eb) == (5.0, 2.0, 1.0, 1.0)


@pytest.mark.parametrize("name", ["f", "x", "args", "kwargs", "argnums", "self", "where", "op", "function", "fresh"])
def test_an_argument_may_be_called_anything(name):
    scope = {}
    exec(f"def product(a, {name}): return a * {name}", scope)
    for differentiate in (grad, jacobian):
        assert differentiate(scope["product"])(1.0, **{name: 2.0}) == 2.0
    assert hessian(scope["product"])(1.0, **{name: 2.0}) == 0.0


def test_an_argument_on_which_nothing_depends_is_said_once():
    f = lambda a, b: a.item() * b  # noqa: E731
    with pytest.warns(UserWarning, match="grad: the result does not depend on argument 0") as caught:
        assert grad(f, (0, 1))(2.0, 3.0) == (0.0, 2.0)
    assert [warning.filename for warning in caught] == [__file__]


def test_the_derivative_of_a_linear_function_is_a_constant_and_nothing_to_tell():
    assert grad(grad(lambda x: 3.0 * x))(2.0) == 0.0
    assert hessian(lambda u: u.sum())(np.ones(2)).tolist() == [[0.0, 0.0]] * 2
    assert hessian_vector_product(lambda u: u.sum(), np.ones(2), np.ones(2)).tolist() == [0.0, 0.0]


def test_a_hessian_vector_product_is_also_a_function_as_the_others_are():
    def f(x):
        return (x**3).sum()

    product = hessian_vector_product(f)
    x, v = np.array([1.0, 2.0]), np.array([1.0, -1.0])
    assert product(x, v).tolist() == hessian_vector_product(f, x, v).tolist() == [6.0, -12.0]


def test_a_number_that_became_nan_since_is_refused_as_any_other_change():
    x = Value(2.0)
    y = x * x
    x.data = float("nan")
    with pytest.raises(RuntimeError, match=r"\.data of an operand was changed .* was 4\.0 and would now be nan"):
        gradients(y, x, create_graph=True)
