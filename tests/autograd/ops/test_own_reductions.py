"""A reduction of one's own, written for sequences, works on arrays and Tensors, along axes and in formulas."""

import numpy as np
import pytest
from tables import restored

from autograd import Tensor, Value, derive, exp, gradients, log, sqrt, sum, where
from autograd.op import array_table, reduction, table

RNG = np.random.default_rng(4)
X = RNG.uniform(0.3, 2.0, size=(3, 4, 2))


@pytest.fixture
def own():
    """The reductions of these tests, which leave the tables as they were."""
    with restored():
        yield defined()


def defined():
    @reduction(lambda z, x: 2 * x)
    def energy(x):
        """x₁² + ... + xₙ². Derivative: 2x."""
        return sum_of(u * u for u in x)

    @reduction(lambda z, x: x / z)
    def length(x):
        """√(x₁² + ... + xₙ²). Derivative: x/z."""
        return sum_of(u * u for u in x) ** 0.5

    @reduction(lambda z, x: x.map(lambda u: z / (len(x) * u)))
    def geometric_mean(x):
        """The n-th root of the product. Derivative: z/(n x)."""
        return np.exp(sum_of(np.log(u) for u in x) / len(x))

    @reduction(lambda z, x: where(x > 1, 1, 0))
    def above_one(x):
        """The sum of what is above 1. Derivative: 1 there, else 0."""
        return sum_of(u for u in x if u > 1)

    @reduction(lambda z, x, y: y / sum(y), lambda z, x, y: (x - z) / sum(y))
    def weighted_mean(x, y):
        """Σ xy / Σ y."""
        return sum_of(u * v for u, v in zip(x, y, strict=True)) / sum_of(y)

    @reduction(lambda z, x, p: p * (sum(x**p) ** (1 / p - 1)) * x ** (p - 1) / p, None)
    def p_norm(x, p):
        """(Σ x^p)^(1/p)."""
        return sum_of(u**p for u in x) ** (1 / p)

    return locals()


def sum_of(numbers):
    total = 0.0
    for u in numbers:
        total = total + u
    return total


BY_NUMPY = {
    "energy": lambda x, axis: (x**2).sum(axis),
    "length": lambda x, axis: np.sqrt((x**2).sum(axis)),
    "geometric_mean": lambda x, axis: np.exp(np.log(x).mean(axis)),
    "above_one": lambda x, axis: np.where(x > 1, x, 0).sum(axis),
}
WITH_TENSORS = {
    "energy": lambda x, axis: (x**2).sum(axis),
    "length": lambda x, axis: sqrt((x**2).sum(axis)),
    "geometric_mean": lambda x, axis: exp(log(x).mean(axis)),
    "above_one": lambda x, axis: where(x > 1, x, 0.0).sum(axis),
}


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (2, 1), ()])
@pytest.mark.parametrize("name", BY_NUMPY)
def test_results_and_gradients_along_axes_are_those_of_numpy_and_of_operations_on_tensors(own, name, axis):
    f = own[name]
    np.testing.assert_allclose(f(X, axis=axis), BY_NUMPY[name](X, axis), rtol=1e-13)
    x, same = Tensor(X), Tensor(X)
    z, expected = f(x, axis=axis), WITH_TENSORS[name](same, axis)
    seed = RNG.normal(size=z.shape)
    z.backward(seed)
    expected.backward(seed)
    np.testing.assert_allclose(z.data, expected.data, rtol=1e-13)
    np.testing.assert_allclose(x.grad, same.grad, rtol=1e-12)


@pytest.mark.parametrize("name", BY_NUMPY)
def test_rows_of_a_tensor_are_lists_of_values(own, name):
    x = Tensor(X[:, :, 0])
    z = own[name](x, axis=1)
    z.sum().backward()
    for row, number, g in zip(X[:, :, 0], z.data, x.grad, strict=True):
        values = [Value(u) for u in row]
        one = own[name](values)
        one.backward()
        assert one.data == pytest.approx(number, rel=1e-13)
        assert [v.grad for v in values] == pytest.approx(list(g), rel=1e-13)


def test_axes_are_kept_if_asked_for(own):
    assert own["energy"](Tensor(X), axis=1, keepdims=True).shape == (3, 1, 2)
    assert own["energy"](Tensor(X), 1).shape == (3, 2)
    assert own["energy"](Tensor(X)).shape == ()
    assert own["energy"](Tensor(X.astype(np.float32)), axis=1).dtype == np.float32


def test_second_derivatives_go_through_the_rule_too(own):
    x = Tensor(X[0])
    g = gradients(own["geometric_mean"](x, axis=0).sum(), x, create_graph=True)
    same = Tensor(X[0])
    expected = gradients(exp(log(same).mean(0)).sum(), same, create_graph=True)
    np.testing.assert_allclose(gradients((g * g).sum(), x), gradients((expected * expected).sum(), same), rtol=1e-11)


def test_several_sequences_are_reduced_side_by_side(own):
    x, y = Tensor(X[0]), Tensor(X[1])
    z = own["weighted_mean"](x, y, axis=0)
    z.sum().backward()
    for j in range(2):
        xs, ys = [Value(u) for u in X[0][:, j]], [Value(u) for u in X[1][:, j]]
        one = own["weighted_mean"](xs, ys)
        one.backward()
        assert one.data == pytest.approx(z.data[j], rel=1e-13)
        assert [v.grad for v in xs] == pytest.approx(list(x.grad[:, j]), rel=1e-12)
        assert [v.grad for v in ys] == pytest.approx(list(y.grad[:, j]), rel=1e-12)
    with pytest.raises(ValueError, match=r"weighted_mean: expected arrays of one shape, got \(3,\) and \(4, 2\)"):
        own["weighted_mean"](x, np.ones(3))


def test_a_single_number_goes_with_every_row_and_is_not_differentiated_without_a_rule(own):
    x = Tensor(X[0])
    z = own["p_norm"](x, 3.0, axis=1)
    np.testing.assert_allclose(z.data, (X[0] ** 3).sum(1) ** (1 / 3), rtol=1e-13)
    z.sum().backward()
    np.testing.assert_allclose(x.grad, X[0] ** 2 * z.data[:, None] ** -2, rtol=1e-12)


def test_a_derivation_in_matrices_reads_the_rule(own):
    w = Tensor(X[0], "W")
    loss = own["energy"](w * 3.0)
    assert derive(loss, w).steps[-1].text() == "dW = 18 W"
    by_rows = own["energy"](w, axis=1).sum()
    assert derive(by_rows, w).steps[-1].text() == "dW = 2 W"
    np.testing.assert_allclose(
        derive(own["geometric_mean"](w), w).steps[-1].value,
        gradients(by_rows * 0 + 1, w) * 0 + (np.exp(np.log(X[0]).mean()) / 8 / X[0]),
    )


def test_the_forward_function_for_arrays_takes_the_gradient_from_the_same_rule(own):
    energy = own["energy"]

    @energy.on_arrays
    def array_energy(x, axis=None, keepdims=False):
        return (x * x).sum(axis, keepdims=keepdims)

    x = Tensor(X)
    z = energy(x, axis=(0, 1))
    z.sum().backward()
    assert z.op is array_energy.op
    np.testing.assert_allclose(x.grad, 2 * X)


def test_a_rule_that_cannot_be_read_on_rows_says_so():
    @reduction(lambda z, x: x.map(lambda u: 1.0 if u > 1 else 0.0))
    def above_one_by_if(x):
        return sum_of(u for u in x if u > 1)

    try:
        x = Tensor(X[0])
        z = above_one_by_if(x, axis=0)
        with pytest.raises(TypeError, match=r"above_one_by_if: its rule cannot be read on .*where\(condition"):
            z.backward(np.ones(2))
    finally:
        table.pop(above_one_by_if.op.name)
        array_table.pop(above_one_by_if.op.array.name)
