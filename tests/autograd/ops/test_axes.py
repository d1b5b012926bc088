"""Sums, means, extremes and softmax along axes: empty ones, ties, zeros, extremes, the complex step."""

import math

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, gradients, op

inf, nan = math.inf, math.nan
REDUCTIONS = ["sum", "mean", "prod", "max", "min", "var", "std", "norm", "logsumexp"]


def slope(f, x, seed=None):
    x = Tensor(x)
    z = f(x)
    z.backward(np.ones(z.shape) if seed is None else seed)
    return x.grad.tolist()


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "norm", "logsumexp", "softmax", "log_softmax", "std"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gradients_are_the_complex_step(name, axis):
    rng = np.random.default_rng(3)
    x = rng.uniform(0.3, 2.0, (3, 4))
    f = {
        "sum": lambda x: x.sum(axis),
        "mean": lambda x: x.mean(axis),
        "prod": lambda x: x.prod(axis),
        "norm": lambda x: np.sqrt((x * x).sum(axis)),
        "std": lambda x: np.sqrt(((x - x.mean(axis, keepdims=True)) ** 2).mean(axis)),
        "logsumexp": lambda x: np.log(np.exp(x).sum(axis)),
        "softmax": lambda x: np.exp(x) / np.exp(x).sum(axis, keepdims=True),
        "log_softmax": lambda x: x - np.log(np.exp(x).sum(axis, keepdims=True)),
    }[name]
    seed = rng.normal(size=f(x).shape)
    expected = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[place] += 1e-30j
        expected[place] = (seed * f(moved).imag).sum() / 1e-30
    assert np.allclose(slope(lambda u: getattr(ag, name)(u, axis=axis), x, seed), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_arrays_and_tensors_give_the_same_numbers(name):
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    for axis in (None, 0, -1, (0, 2)):
        for keepdims in (False, True):
            plain = getattr(ag, name)(x, axis=axis, keepdims=keepdims)
            z = getattr(ag, name)(Tensor(x), axis=axis, keepdims=keepdims)
            assert np.array_equal(plain, z.data)
            assert np.shape(plain) == z.shape


@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_vector_may_name_its_axis(name):
    x = np.array([1.0, 2.0, 4.0])
    assert getattr(ag, name)(x, axis=0) == getattr(ag, name)(Tensor(x)).item()
    assert getattr(ag, name)(x, axis=0, keepdims=True).shape == (1,)


# ---------------------------------------------------------------- nothing to reduce


@pytest.mark.parametrize("name", ["mean", "max", "min", "var", "std", "logsumexp"])
def test_of_no_numbers_there_is_none(name):
    f = getattr(ag, name)
    with pytest.raises(ValueError, match=rf"{name}|mean: expected at least one number, got an array of shape \(0,\)"):
        f(Tensor([]))
    with pytest.raises(ValueError, match=r"shape \(0, 3\), axis=0"):
        f(Tensor(np.zeros((0, 3))), axis=0)
    assert f(Tensor(np.zeros((0, 3))), axis=1).shape == (0,)
    assert f(Tensor(np.zeros((0, 3))), axis=-1).shape == (0,)


def test_sums_and_products_of_no_numbers():
    assert ag.sum(Tensor([])).item() == 0.0
    assert ag.prod(Tensor([])).item() == 1.0
    assert slope(ag.prod, []) == []
    assert slope(lambda x: x.prod(0), np.zeros((0, 3))) == []
    assert slope(lambda x: x.prod(1), np.zeros((0, 3))) == []
    with pytest.raises(ValueError, match="softmax: expected at least one number"):
        ag.softmax(Tensor([]))


def test_an_empty_tuple_of_axes_sums_nothing():
    x = np.array([[1.0, 2.0]])
    assert ag.sum(Tensor(x), axis=()).tolist() == x.tolist()
    assert slope(lambda u: u.sum(()) * 3, x) == [[3.0, 3.0]]
    assert slope(lambda u: u.prod(()) * 3, x) == [[3.0, 3.0]]
    assert slope(lambda u: u.max(()), x) == [[1.0, 1.0]]
    assert ag.var(Tensor(x), axis=()).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_single_number_reduces_to_itself(name):
    z = getattr(ag, name)(Tensor(3.0))
    assert z.item() == (0.0 if name in ("var", "std") else 3.0)
    assert slope(getattr(ag, name), 3.0) == (0.0 if name in ("var", "std") else 1.0)


# ---------------------------------------------------------------- ties, zeros, extremes


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "logsumexp", "softmax", "log_softmax"])
def test_a_single_number_has_an_axis_of_its_own_as_in_numpy(name):
    x = Tensor(3.0)
    z = getattr(ag, name)(x, axis=-1)
    z.backward()
    assert (z.shape, x.grad.shape) == ((), ())
    assert x.grad == (0.0 if name in ("softmax", "log_softmax") else 1.0)


def test_equal_numbers_share_the_gradient_evenly():
    assert slope(ag.max, [2.0, 5.0, 5.0]) == [0.0, 0.5, 0.5]
    assert slope(ag.min, [2.0, 2.0, 5.0, 2.0]) == [1 / 3, 1 / 3, 0.0, 1 / 3]
    assert slope(lambda x: x.max(1), [[1.0, 1.0], [0.0, 3.0]]) == [[0.5, 0.5], [0.0, 1.0]]
    assert slope(lambda x: x.max((0, 1)), [[1.0, 3.0], [0.0, 3.0]]) == [[0.0, 0.5], [0.0, 0.5]]


def test_nan_is_the_largest_and_the_smallest():
    assert math.isnan(ag.max(Tensor([1.0, nan])).item())
    assert math.isnan(ag.min(Tensor([nan, 1.0])).item())


def test_the_norm_has_slope_0_at_0_and_never_overflows():
    assert slope(ag.norm, [0.0, 0.0]) == [0.0, 0.0]
    assert slope(lambda x: ag.norm(x, axis=1), [[0.0, 0.0], [3.0, 4.0]]) == [[0.0, 0.0], [0.6, 0.8]]
    assert ag.norm(Tensor([3e200, 4e200])).item() == pytest.approx(5e200)
    assert ag.norm(Tensor([3e-200, 4e-200])).item() == pytest.approx(5e-200, rel=1e-14, abs=0)
    assert ag.norm(Tensor([])).item() == 0.0
    assert ag.norm(Tensor([inf, 1.0])).item() == inf
    assert math.isnan(ag.norm(Tensor([nan, 1.0])).item())
    assert slope(ag.norm, [3e200, 4e200]) == pytest.approx([0.6, 0.8])


def test_the_spread_of_equal_numbers_has_slope_0():
    assert slope(ag.std, [2.0, 2.0, 2.0]) == [0.0, 0.0, 0.0]
    assert slope(lambda x: x.std(1), [[2.0, 2.0], [1.0, 3.0]]) == [[0.0, 0.0], [-0.5, 0.5]]
    assert slope(ag.var, [2.0, 2.0]) == [0.0, 0.0]
    x = Tensor([2.0, 2.0])
    for f in (ag.std, lambda u: ag.norm(u - 2)):
        first = gradients(f(x), x, create_graph=True)
        assert gradients(first.sum(), x).tolist() == [0.0, 0.0]


def test_products_with_zeros_are_exact():
    assert slope(ag.prod, [0.0, 2.0, 3.0]) == [6.0, 0.0, 0.0]
    assert slope(ag.prod, [0.0, 2.0, 0.0]) == [0.0, 0.0, 0.0]
    assert slope(ag.prod, [inf]) == [1.0]
    assert slope(ag.prod, [nan]) == [1.0]
    x = Tensor([0.0, 2.0, 0.0])
    second = gradients(gradients(ag.prod(x), x, create_graph=True)[0], x)
    assert second.tolist() == [0.0, 0.0, 2.0]


def test_the_logarithm_of_a_sum_of_exponentials_far_out():
    # NumPy's log of an array may differ from that of `math` in the last bit.
    assert ag.logsumexp(Tensor([1e4, 1e4])).item() == pytest.approx(1e4 + math.log(2), rel=1e-15)
    assert ag.logsumexp(Tensor([-1e4, -1e4])).item() == pytest.approx(-1e4 + math.log(2), rel=1e-15)
    assert ag.logsumexp(Tensor([-inf, -inf])).item() == -inf
    assert ag.logsumexp(Tensor([inf, 1.0])).item() == inf
    assert ag.logsumexp(Tensor([-inf, 3.0])).item() == 3.0
    assert math.isnan(ag.logsumexp(Tensor([nan, 1.0])).item())
    assert ag.logsumexp(Tensor([[-inf, -inf], [0.0, 0.0]]), axis=1).tolist() == pytest.approx([-inf, math.log(2)])
    assert slope(ag.logsumexp, [-inf, 3.0]) == [0.0, 1.0]
    assert slope(ag.logsumexp, [1e4, 1e4]) == slope(ag.logsumexp, [1e15, 1e15]) == [0.5, 0.5]
    assert ag.logsumexp(Tensor(np.float32([1e4, 1e4]))).dtype == np.float32


def test_softmax_far_out():
    assert ag.softmax(Tensor([1e308, 1e308])).tolist() == [0.5, 0.5]
    assert ag.softmax(Tensor([-inf, 0.0])).tolist() == [0.0, 1.0]
    assert ag.softmax(Tensor([1000.0, 0.0])).tolist() == [1.0, 0.0]
    assert ag.log_softmax(Tensor([1000.0, 0.0])).tolist() == [0.0, -1000.0]
    assert slope(lambda x: ag.log_softmax(x)[1], [1000.0, 0.0]) == [-1.0, 1.0]
    assert np.isnan(ag.softmax(Tensor([inf, 0.0])).data).all()
    assert ag.softmax(np.array([[1e308, 1e308]])).tolist() == [[0.5, 0.5]]


def test_softmax_goes_along_the_last_axis_and_its_rows_sum_to_1():
    z = ag.softmax(Tensor(np.random.default_rng(0).normal(size=(2, 3, 4)) * 50))
    assert z.data.sum(-1) == pytest.approx(np.ones((2, 3)), abs=1e-14)  # each of 4 numbers is rounded
    assert z.data.min() >= 0


def test_the_variance_says_by_what_it_divides():
    x = np.array([1.0, 2.0, 4.0])
    assert ag.var(Tensor(x)).item() == pytest.approx(np.var(x))
    assert ag.var(Tensor(x), ddof=1).item() == pytest.approx(np.var(x, ddof=1))
    assert ag.std(Tensor(x), ddof=1).item() == pytest.approx(np.std(x, ddof=1))
    assert np.isnan(ag.var(np.array([inf, 1.0])))
    assert ag.var([1.0, 2.0, 4.0]) == pytest.approx(np.var(x))


@pytest.mark.parametrize("ddof", [2, 3])
@pytest.mark.parametrize("f", [ag.var, ag.std])
def test_a_variance_of_which_ddof_leaves_nothing_is_not_finite_and_warns_of_nothing(f, ddof):
    equal, different = [1.0, 1.0], [1.0, 3.0]
    for take in (Tensor, np.array):
        found = f(take([equal, different]), axis=1, ddof=ddof).tolist()
        assert np.isnan(found[0])
        assert found[1] == inf


def test_where_the_extremes_are_has_no_gradient():
    x = Tensor([[1.0, 3.0], [5.0, 2.0]])
    assert x.argmax() == 2
    assert x.argmax(1).tolist() == [1, 0]
    assert ag.argmin(x, 0).tolist() == [0, 1]
    assert ag.argmax(np.array([1.0, 2.0])) == 1


@pytest.mark.parametrize("name", ["array_sum", "array_mean", "array_prod", "std", "norm", "max", "min"])
def test_every_pull_has_the_shape_of_its_operand(name):
    x = np.random.default_rng(0).normal(size=(2, 3))
    for axis in (None, 0, 1, -1, (0, 1)):
        for keepdims in (False, True):
            f = op.find(name)
            more = (0,) if name == "std" else ()
            z = f.forward(x, axis, keepdims, *more)
            assert f.pulls[0](np.ones_like(z), z, x, axis, keepdims, *more).shape == x.shape


@pytest.mark.parametrize(("extreme", "other"), [(ag.max, "maximum"), (ag.min, "minimum")])
def test_an_extreme_of_two_arrays_is_told_from_one_along_an_axis(extreme, other):
    with pytest.raises(TypeError, match=rf"got an array of shape \(2,\); of two arrays {other}\(x, y\) takes"):
        extreme(Tensor([1.0, 2.0]), Tensor([3.0, 0.0]))


def test_standardized_rows_have_mean_zero_and_variance_one():
    x = np.array([[1.0, 3.0], [2.0, 8.0], [-1.0, 0.0]])
    half = np.array([1.0, 3.0, 0.5])  # half of what lies between the two numbers of a row
    expected = np.stack([-half, half], 1) / np.sqrt(half**2 + 0.1)[:, None]
    for axis, data in ((1, x), (0, x.T)):
        t = Tensor(data)
        z = ag.standardize(t, axis, 0.1)
        np.testing.assert_allclose(z.numpy(), expected if axis else expected.T, rtol=1e-15)
        (found,) = gradients(z[(slice(None), 1) if axis else 1].sum(), [t])
        steep = 0.5 * 0.1 / (half**2 + 0.1) ** 1.5
        np.testing.assert_allclose(found if axis else found.T, np.stack([-steep, steep], 1), rtol=1e-12)


def test_an_average_weighs_the_places_of_its_axis():
    x, w = np.array([[1.0, 2.0, 6.0], [3.0, 5.0, 0.0]]), [1.0, 2.0, 1.0]
    assert ag.average(Tensor(x), 1, w).tolist() == [11 / 4, 13 / 4]
    assert slope(lambda t: ag.average(t, 1, w), x) == [[0.25, 0.5, 0.25]] * 2
    assert ag.average(Tensor(x), 0, [1.0, 3.0]).tolist() == [2.5, 4.25, 1.5]
