"""Operations that move numbers: shapes, indices, joining, choosing, on arrays and Tensors alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd import Tensor, gradients
from autograd.ops import choosing, shapes

A = np.arange(6.0).reshape(2, 3)


def slope(f, x=A):
    """The gradient of Σ cᵢ f(x)ᵢ with c = 1, 2, 3, ..."""
    x = Tensor(x)
    z = f(x)
    z.backward(np.arange(1.0, z.size + 1).reshape(z.shape))
    return x.grad


MOVES = [
    lambda x: ag.reshape(x, (3, 2)),
    lambda x: ag.transpose(x),
    lambda x: ag.transpose(x, (1, 0)),
    lambda x: ag.swapaxes(x, 0, -1),
    lambda x: ag.squeeze(ag.expand_dims(x, 1)),
    lambda x: ag.broadcast_to(x, (4, 2, 3)),
    lambda x: shapes.sum_to(x, (1, 3)),
    lambda x: shapes.sum_to(x, ()),
    lambda x: shapes.cast(x, np.float64),
    lambda x: shapes.getitem(x, (slice(None), [0, 0])),
    lambda x: ag.take(x, [1, 1, 0], 1),
    lambda x: ag.split(x, [1], 1)[1],
    lambda x: ag.pad(x, ((1, 0), (0, 2)), 5.0),
    lambda x: ag.concatenate([x, A], 1),
    lambda x: ag.stack([x, x], 1),
    lambda x: ag.where(A > 2, x, -1.0),
    lambda x: choosing.clip(x, 1.0, A + 1.5),
]


@pytest.mark.parametrize("f", MOVES)
def test_arrays_and_tensors_give_the_same_numbers(f):
    plain, z = f(A), f(Tensor(A))
    assert isinstance(plain, np.ndarray | np.float64)
    assert np.array_equal(plain, z.data)


@pytest.mark.parametrize("f", MOVES)
def test_what_is_linear_has_the_gradient_of_its_own_matrix(f):
    # its columns are the results for the unit arrays, less that for zeros
    units = np.eye(A.size).reshape(-1, *A.shape)
    if f in MOVES[-2:]:  # which choose by x itself
        h = 1e-6
        columns = [(f(A + h * e) - f(A)) / h for e in units]
    else:
        columns = [f(e) - f(0 * A) for e in units]
    c = np.arange(1.0, f(A).size + 1).reshape(f(A).shape)
    expected = np.reshape([(c * column).sum() for column in columns], A.shape)
    found = slope(f)
    if f is MOVES[-1]:  # on the bound the slope is 1, whichever side a difference looks at
        assert np.allclose(found[A != 1], expected[A != 1], atol=1e-4)
        assert found[A == 1] == c[A == 1]
    else:
        assert np.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("f", MOVES)
def test_lists_are_arrays(f):
    if f not in (MOVES[0], MOVES[8], MOVES[16]):  # methods, and clip, which takes a list for one of numbers
        assert np.array_equal(f(A.tolist()), f(A))


# ---------------------------------------------------------------- shapes


def test_one_size_may_be_what_is_left():
    assert Tensor(A).reshape(-1).shape == (6,)
    assert Tensor(A).reshape(3, -1).shape == (3, 2)
    with pytest.raises(ValueError, match="cannot reshape"):
        Tensor(A).reshape(4)


@pytest.mark.parametrize(
    "use",
    [
        lambda x: ag.swapaxes(x, 0, 2),
        lambda x: ag.squeeze(x, 5),
        lambda x: ag.expand_dims(x, 4),
        lambda x: ag.take(x, [0], 2),
        lambda x: ag.split(x, 1, 2),
        lambda x: ag.concatenate([x, x], 2),
        lambda x: ag.stack([x, x], 4),
        lambda x: x.sum(2),
        lambda x: x.mean(-3),
        lambda x: x.prod(2),
        lambda x: x.max(2),
        lambda x: x.min((0, 2)),
        lambda x: x.var(2),
        lambda x: x.std(2),
        lambda x: ag.norm(x, 2),
        lambda x: x.argmax(2),
        lambda x: x.softmax(2),
        lambda x: ag.log_softmax(x, 2),
        lambda x: ag.logsumexp(x, 2),
    ],
)
def test_an_axis_that_is_not_there_is_an_axis_error(use):
    with pytest.raises(np.exceptions.AxisError, match="out of bounds"):
        use(Tensor(A))


def test_an_axis_longer_than_one_is_not_squeezed():
    with pytest.raises(ValueError, match="size not equal to one"):
        ag.squeeze(Tensor(A), 0)


def test_new_axes():
    assert ag.expand_dims(Tensor(A), (0, 2)).shape == (1, 2, 1, 3)
    assert ag.squeeze(Tensor(A[None, :, None]), (0, 2)).shape == (2, 3)


# ---------------------------------------------------------------- indices


def test_a_number_picked_twice_collects_both_gradients():
    assert slope(lambda x: x[[0, 0, 1]], np.zeros(3)).tolist() == [1 + 2, 3, 0]
    assert slope(lambda x: x[[0, -3, 1]], np.zeros(3)).tolist() == [1 + 2, 3, 0]
    assert slope(lambda x: x[[1, 1], [2, 2]]).tolist() == [[0, 0, 0], [0, 0, 3]]
    assert slope(lambda x: ag.take(x, np.array([[0, 0], [1, 0]])), np.zeros(2)).tolist() == [1 + 2 + 4, 3]


def test_picks_can_be_differentiated_twice():
    x = Tensor([2.0, 3.0, 5.0])
    first = gradients((x[[0, 0, 1]] ** 3).sum(), x, create_graph=True)
    assert first.tolist() == [24.0, 27.0, 0.0]
    assert gradients(first.sum(), x).tolist() == [24.0, 18.0, 0.0]


def test_a_place_that_is_not_there_is_an_index_error():
    x = Tensor([1.0, 2.0, 3.0])
    for index in (7, -4, [0, 3], (0, 0), [True, False], 1.0, "a"):
        with pytest.raises(IndexError):
            x[index]
    with pytest.raises(IndexError):
        ag.take(x, [3])


@given(st.data())
def test_any_basic_index(data):
    from hypothesis.extra.numpy import basic_indices

    shape = data.draw(st.sampled_from([(4,), (2, 3), (2, 3, 4), (), (0, 2)]))
    index = data.draw(basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    x = np.arange(float(np.prod(shape))).reshape(shape)
    expected = np.zeros(shape)
    picked = x[index]
    c = np.arange(1.0, np.size(picked) + 1).reshape(np.shape(picked))
    expected[index] = c
    u = Tensor(x)
    z = u[index]
    assert np.array_equal(z.data, picked)
    z.backward(c)
    assert np.array_equal(u.grad, expected)


@pytest.mark.slow
@given(st.data())
def test_any_integer_index(data):
    from hypothesis.extra.numpy import integer_array_indices

    shape = data.draw(st.sampled_from([(4,), (2, 3), (2, 3, 4)]))
    index = data.draw(integer_array_indices(shape))
    x = np.arange(float(np.prod(shape))).reshape(shape)
    picked = x[index]
    c = np.arange(1.0, picked.size + 1).reshape(picked.shape)
    expected = np.zeros(shape)
    numbers = expected.ravel()
    for place, g in zip(x[index].ravel().astype(int), c.ravel(), strict=True):
        numbers[place] += g
    u = Tensor(x)
    u[index].backward(c)
    assert np.array_equal(u.grad, expected)


# ---------------------------------------------------------------- joining and cutting


def test_what_is_cut_can_be_joined_again():
    for axis in (0, 1, -1):
        pieces = ag.split(Tensor(A), [1], axis)
        assert np.array_equal(ag.concatenate(pieces, axis).data, A)
        assert [p.tolist() for p in pieces] == [p.tolist() for p in np.split(A, [1], axis)]
    for pieces in (2, 0):
        with pytest.raises(ValueError, match=f"split: expected an equal division of axis 1, of size 3; got {pieces}"):
            ag.split(Tensor(A), pieces, 1)


@pytest.mark.parametrize("cuts", [3, [2, 1, 5], [-1], [-2, -1], [0, 7], np.array([1, 2]), []])
def test_it_is_cut_where_numpy_cuts(cuts):
    pieces = [p.tolist() for p in ag.split(Tensor(A), cuts, 1)]
    assert pieces == [p.tolist() for p in np.split(A, cuts, 1)]


def test_joined_along_no_axis_all_numbers_stand_in_a_row():
    assert np.concatenate([Tensor(A), [7.0]], axis=None).tolist() == [*range(6), 7]
    assert ag.concatenate([A, A], None).shape == (12,)
    assert slope(lambda x: ag.concatenate([x, x], None)).tolist() == [[8, 10, 12], [14, 16, 18]]


@pytest.mark.parametrize(
    ("pick", "expected"),
    [
        (lambda x: x[(0, 0, 1),], [[5, 7, 9], [7, 8, 9]]),
        (lambda x: x[0, (0, 0, 1)], [[3, 3, 0], [0, 0, 0]]),
        (lambda x: x[range(2)], [[1, 2, 3], [4, 5, 6]]),
        (lambda x: ag.take(x, (0, 0, 1), 1), [[3, 3, 0], [9, 6, 0]]),
        (lambda x: np.take(x, (0, 0, 5)), [[3, 0, 0], [0, 0, 3]]),
    ],
)
def test_places_in_a_tuple_are_picked_as_those_in_a_list(pick, expected):
    assert slope(pick).tolist() == expected


def test_joining_needs_a_list_of_arrays_of_fitting_shapes():
    x = Tensor(A)
    for f in (ag.concatenate, ag.stack):
        with pytest.raises(TypeError, match="expected a list of arrays or Tensors, got Tensor"):
            f(x)
        with pytest.raises(ValueError, match="expected at least one array or Tensor, got none"):
            f([])
        with pytest.raises(TypeError):
            f([ag.Value(1.0), x])
    with pytest.raises(ValueError, match=r"stack: expected arrays of one shape, got \(2, 3\), \(3, 2\)"):
        ag.stack([x, x.T])
    with pytest.raises(ValueError, match="must match exactly"):
        ag.concatenate([x, x.T])


def test_float32_is_kept_when_joining_and_float64_wins():
    x = Tensor(A.astype(np.float32))
    assert ag.concatenate([x, x]).dtype == np.float32
    assert ag.stack([x, A]).dtype == np.float64


# ---------------------------------------------------------------- choosing


def test_each_branch_gets_the_gradient_of_what_was_taken():
    x, y = Tensor([1.0, 2.0]), Tensor([[3.0], [4.0]])
    mask = np.array([[True, False], [False, False]])
    z = ag.where(mask, x, y)
    assert z.tolist() == [[1.0, 3.0], [4.0, 4.0]]
    z.sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([1.0, 0.0], [[1.0], [2.0]])


def test_a_single_condition_takes_the_operand_itself():
    x, y = Tensor([1.0]), Tensor([2.0])
    assert ag.where(True, x, y) is x
    assert ag.where(np.bool_(False), x, y) is y
    assert ag.where([True], x, 3.0).tolist() == [1.0]


def test_clip_has_slope_1_inside_and_on_its_bounds():
    x = Tensor([-2.0, -1.0, 0.0, 1.0, 2.0])
    z = ag.clip(x, -1.0, 1.0)
    assert z.tolist() == [-1.0, -1.0, 0.0, 1.0, 1.0]
    z.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]
    assert x.clip(np.array([-3.0, 0, 0, 0, 0]), 1.5).tolist() == [-2.0, 0.0, 0.0, 1.0, 1.5]
    assert np.clip(x, 0, None).tolist() == [0.0, 0.0, 0.0, 1.0, 2.0]
    assert x.clip(None, 0).tolist() == [-2.0, -1.0, 0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match=r"clip: lo=1\.0 > hi=0\.0"):
        ag.clip(x, 1.0, 0.0)


def test_casting_carries_the_gradient_back_in_its_own_precision():
    x = Tensor([1.0, 2.0])
    z = x.astype(np.float32)
    assert z.dtype == np.float32
    (z * z).sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (np.float64, [2.0, 4.0])


@pytest.mark.parametrize("condition", [True, False, np.bool_(True), np.array(False)])
def test_a_single_condition_gives_a_tensor_in_the_shape_of_both(condition):
    x, y = np.array([1.0, 2.0, 3.0]), np.array([[4.0], [5.0]])
    for u, v in ((Tensor(x), y), (x, Tensor(y)), (Tensor(x), Tensor(y)), (Tensor(x), 7.0), (7, Tensor(y))):
        z = ag.where(condition, u, v)
        expected = np.where(condition, *(w.numpy() if isinstance(w, Tensor) else w for w in (u, v)))
        assert type(z) is Tensor
        assert z.tolist() == expected.tolist()
        assert np.where(condition, u, v).tolist() == expected.tolist()
        for leaf, is_taken in ((u, condition), (v, not condition)):
            if isinstance(leaf, Tensor):
                leaf.grad = None
                z.sum().backward() if not z.is_leaf else None
                share = z.size / leaf.size if is_taken and not z.is_leaf else 0.0
                assert leaf.grad is None or leaf.grad.tolist() == np.full(leaf.shape, share).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "index",
    [[1, 1, -2, 0], np.array([[2, 2], [0, 1]]), ([0, 1, 0], [2, -1, 2]), (slice(None), [0, 0, 0, 1]), A[:, 0] > 1],
)
def test_a_number_picked_several_times_collects_all_of_its_gradients(dtype, index):
    # few picks of many numbers, and many of few
    for height in (3, 300):
        x = Tensor(np.zeros((height, 3)), dtype=dtype)
        if isinstance(index, np.ndarray) and index.dtype == bool:
            index = np.arange(height) % 2 == 1
        picked = x[index]
        g = np.random.default_rng(2).normal(size=picked.shape).astype(dtype)
        picked.backward(g)
        right = np.zeros((height, 3))
        np.add.at(right, index, g.astype(float))
        assert x.grad.dtype == dtype
        assert x.grad == pytest.approx(right, rel=1e-6, abs=1e-6)
