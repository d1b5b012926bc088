"""Matrix products and layers: hand-worked numbers, shapes that do not fit, every product by the complex step."""

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, gradients
from autograd.ops import matrices

TALL = [4 * matrices.ROWS - 1, 4 * matrices.ROWS, 5 * matrices.ROWS + 7]


def test_a_product_worked_by_hand():
    x, y = Tensor([[1.0, 2.0]]), Tensor([[3.0], [4.0]])
    z = x @ y
    assert z.tolist() == [[11.0]]
    z.backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([[3.0, 4.0]], [[1.0], [2.0]])


def test_a_layer_worked_by_hand():
    # Z = X Wᵀ + b for two samples, three inputs and one unit
    x = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    w, b = Tensor([[0.5, -1.0, 2.0]]), Tensor([0.25])
    z = ag.linear(x, w, b)
    assert z.tolist() == [[4.75], [9.25]]
    z.backward([[1.0], [10.0]])
    assert w.grad.tolist() == [[41.0, 52.0, 63.0]]
    assert b.grad.tolist() == [11.0]
    assert x.grad.tolist() == [[0.5, -1.0, 2.0], [5.0, -10.0, 20.0]]


@pytest.mark.parametrize(
    "shapes",
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((6, 1, 2, 3), (5, 3, 4)),
        ((3,), (5, 3, 4)),
        ((5, 2, 3), (3,)),
    ],
    ids=str,
)
def test_products_are_differentiated_as_the_complex_step_does(shapes):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s) for s in shapes]
    seed = rng.normal(size=np.matmul(*arrays).shape)
    operands = [Tensor(a) for a in arrays]
    matrices.matmul(*operands).backward(seed)
    for i, a in enumerate(arrays):
        for place in np.ndindex(a.shape):
            moved = [u.astype(complex) for u in arrays]
            moved[i][place] += 1e-30j
            expected = (seed * np.matmul(*moved).imag).sum() / 1e-30
            assert operands[i].grad[place] == pytest.approx(expected, rel=1e-12)


def test_what_does_not_fit_is_named_with_its_shapes():
    x = Tensor(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"matmul: the inner sizes differ: \(2, 3\) @ \(2, 3\)"):
        x @ x
    with pytest.raises(ValueError, match=r"matmul: expected at least one axis, got shapes \(2, 3\) and \(\); use \*"):
        x @ Tensor(2.0)
    with pytest.raises(ValueError, match=r"use \*"):
        2 @ x
    expected = r"linear: expected x \(\.\.\., in\), weight \(out, in\) and bias \(out,\) or None; got \(2, 3\)"
    for weight, bias in [
        (np.ones((4, 2)), None),
        (np.ones(3), None),
        (np.ones((4, 2)), np.ones(4)),
        (np.ones((4, 3)), np.ones(3)),
        (np.ones((4, 3)), np.ones((1, 4))),
        (np.ones((4, 3)), np.array(1.0)),
        (np.ones(3), np.ones(2)),
    ]:
        with pytest.raises(ValueError, match=expected):
            ag.linear(x, weight, bias)
        with pytest.raises(ValueError, match=expected):
            ag.linear(x.data, weight, bias)
    with pytest.raises(TypeError, match="got a bias and no weight"):
        ag.linear(x, bias=np.ones(3))
    with pytest.raises(ValueError, match="broadcast"):
        Tensor(np.ones((2, 2, 3))) @ np.ones((5, 3, 4))


def test_linear_without_a_weight_is_the_identity():
    x = Tensor([1.0, 2.0])
    z = ag.linear(x)
    assert z is not x
    assert z.tolist() == [1.0, 2.0]
    assert ag.linear(2.0) == 2.0
    z.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_lists_and_arrays_are_taken_too():
    assert ag.linear([[1.0, 2.0]], [[3.0, 4.0]], [0.5]).tolist() == [[11.5]]
    assert ag.linear(Tensor([[1.0, 2.0]]), [[3.0, 4.0]]).tolist() == [[11.0]]
    assert ag.matmul([[1.0, 2.0]], [3.0, 4.0]).tolist() == [11.0]
    assert ag.outer([1.0, 2.0], [3.0]).tolist() == [[3.0], [6.0]]
    assert ag.dot(Tensor([1.0, 2.0]), [3.0, 4.0], 0.5).item() == 11.5


def test_integers_do_not_wrap_in_a_product():
    pixels = np.full((1, 4), 255, np.uint8)
    assert (Tensor(np.ones((2, 4))) @ pixels.T).tolist() == [[1020.0], [1020.0]]
    assert ag.matmul(pixels, pixels.T).tolist() == [[4 * 255**2]]


def test_a_product_with_no_rows_or_no_columns():
    x, w, b = Tensor(np.ones((0, 3))), Tensor(np.ones((4, 3))), Tensor(np.ones(4))
    z = ag.linear(x, w, b)
    assert z.shape == (0, 4)
    z.sum().backward()
    assert not w.grad.any()
    assert not b.grad.any()
    assert x.grad.shape == (0, 3)
    nothing = Tensor(np.ones((2, 0))) @ np.ones((0, 3))
    assert nothing.tolist() == [[0.0] * 3] * 2


def test_nan_and_infinity_pass_through_a_product():
    z = Tensor([[np.inf, 1.0]]) @ np.array([[0.0], [1.0]])
    assert np.isnan(z.item())


def test_the_matrix_product_of_a_gradient_can_be_differentiated():
    # f = ½ |X Wᵀ|²: the gradient is Xᵀ X by column, its product with v again
    rng = np.random.default_rng(0)
    x, w, v = rng.normal(size=(5, 3)), Tensor(rng.normal(size=(2, 3))), rng.normal(size=(2, 3))
    for layer in (lambda w: ag.linear(x, w), lambda w: ag.linear(x, w, np.zeros(2))):
        z = layer(w)
        first = gradients((z * z).sum() * 0.5, w, create_graph=True)
        assert np.allclose(first.data, w.data @ x.T @ x)
        assert np.allclose(gradients((first * v).sum(), w), v @ x.T @ x)


def test_the_sum_over_samples_is_the_sum():
    g = np.random.default_rng(0).normal(size=(7, 3))
    assert np.allclose(matrices.rows_summed(g), g.sum(0))
    assert np.allclose(matrices.rows_summed(g.reshape(7, 1, 3)), g.sum(0))
    assert np.allclose(matrices.rows_summed(g[0]), g[0])
    out = np.empty(3)
    matrices.rows_summed(g, out)
    assert np.allclose(out, g.sum(0))


@pytest.mark.parametrize("rows", TALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_tall_matrix_is_multiplied_as_a_low_one(rows, dtype):
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape).astype(dtype) for shape in ((rows, 7), (3, 7), (3,)))
    tolerance = {"rtol": 1e-5 if dtype is np.float32 else 1e-13, "atol": 1e-5 if dtype is np.float32 else 1e-13}
    for x in (x, np.asfortranarray(x), x[::-1]):  # noqa: B020
        expected = np.einsum("ij,kj->ik", x, w)
        for z, sums in ((ag.linear(x, w, b), expected + b), (ag.matmul(x, w.T), expected), (Tensor(x) @ w.T, expected)):
            found = z.numpy() if isinstance(z, Tensor) else z
            assert found.dtype == dtype
            np.testing.assert_allclose(found, sums, **tolerance)
    with pytest.raises(ValueError, match=rf"linear: .*\({rows}, 7\), \(3, 6\) and \(3,\)"):
        ag.linear(x, w[:, 1:], b)


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 1, 4, 3), (0, 5, 3), (4, 0, 3)])
def test_products_of_rows_along_several_axes_are_those_of_each_matrix(shape):
    rng = np.random.default_rng(1)
    x, w, b = Tensor(rng.normal(size=shape)), Tensor(rng.normal(size=(6, 3))), Tensor(rng.normal(size=6))
    g = rng.normal(size=(*shape[:-1], 6))
    for product, bias in ((lambda: ag.linear(x, w, b), b.data), (lambda: x @ w.T, 0.0)):
        for leaf in (x, w, b):
            leaf.grad = None
        z = product()
        assert z.data == pytest.approx(np.einsum("...i,oi->...o", x.data, w.data) + bias, rel=1e-12, abs=1e-14)
        z.backward(g)
        assert x.grad == pytest.approx(np.einsum("...o,oi->...i", g, w.data), rel=1e-12, abs=1e-14)
        assert w.grad == pytest.approx(np.einsum("no,ni->oi", g.reshape(-1, 6), x.data.reshape(-1, 3)), abs=1e-13)
    assert b.grad is None


@pytest.mark.parametrize(
    ("subscripts", "shapes", "message"),
    [
        ("ij,jk->ik", [(2, 3), (4, 5)], r"axis 'j' .* size 3 in operand 1, .*\(2, 3\), and 4 in operand 2, .*\(4, 5\)"),
        ("...i,i,ij", [(2, 1), (3,), (4, 2)], r"axis 'i' .* size 3 in operand 2, .* and 4 in operand 3"),
    ],
)
def test_einsum_names_the_axis_whose_sizes_differ(subscripts, shapes, message):
    with pytest.raises(ValueError, match=message):
        ag.einsum(subscripts, *(Tensor(np.ones(shape)) for shape in shapes))
