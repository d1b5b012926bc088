"""Tensor: what it takes, what it tells, what it refuses; copies; changed data; NumPy from either side."""

import copy
import math
import pickle
import threading
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import run

import autograd as ag
from autograd import Tensor, Value, detect_anomaly, gradients, no_grad
from autograd.fast.flat_parameters import FlatParameters

inf, nan = math.inf, math.nan


def t(*numbers, dtype=None):
    return Tensor(list(numbers), dtype=dtype)


# ---------------------------------------------------------------- what it takes


@pytest.mark.parametrize(
    "data",
    [
        [[1, 2], [3, 4]],
        ((1.0, 2.0), (3.0, 4.0)),
        np.array([[1, 2], [3, 4]]),
        np.array([[1, 2], [3, 4]], np.uint8),
        np.array([[1, 2], [3, 4]], np.longdouble),
        np.array([[1, 2], [3, 4]], ">f8"),
        [[True, 2], [np.float32(3), Fraction(8, 2)]],
        [np.array([1, 2]), np.array([3.0, 4.0])],
        memoryview(np.array([[1.0, 2.0], [3.0, 4.0]])),
    ],
)
def test_numbers_of_every_kind_become_float64(data):
    x = Tensor(data)
    assert x.dtype is np.dtype(np.float64)
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize("number", [2, 2.0, True + True, Fraction(2), np.float32(2), np.int8(2), np.array(2), 2**70])
def test_one_number_has_no_axes(number):
    x = Tensor(number)
    assert (x.shape, x.ndim, x.size, x.item()) == ((), 0, 1, float(number))


def test_float32_is_kept_and_half_precision_joins_it():
    assert Tensor(np.ones(2, np.float32)).dtype is np.dtype(np.float32)
    assert Tensor(np.ones(2, np.float16)).dtype is np.dtype(np.float32)
    assert Tensor(np.ones(2, ">f4")).dtype is np.dtype(np.float32)
    assert Tensor([1.0], dtype=np.float32).dtype is np.dtype(np.float32)
    assert Tensor(np.ones(2, np.float32), dtype="float64").dtype is np.dtype(np.float64)


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        ("abc", TypeError, "Tensor needs a real number, got str; convert it with float()"),
        (b"ab", TypeError, "got bytes"),
        (None, TypeError, "got NoneType"),
        (1 + 2j, TypeError, "got complex; take its .real or .imag"),
        (Decimal(1), TypeError, "got Decimal; convert it with float()"),
        ([1.0, None], TypeError, "Tensor needs a real number, got NoneType"),
        ([1.0, Decimal(1)], TypeError, "got Decimal; convert it with float()"),
        ([1.0, "a"], TypeError, "expected real numbers, got an array of shape (2,) and dtype <U32"),
        (np.array([1.0, None]), TypeError, "got an array of shape (2,) and dtype object"),
        (np.array([1j]), TypeError, "got an array of shape (1,) and dtype complex128"),
        ([[1.0, 2.0], [3.0]], ValueError, "rows of different lengths"),
        ({1.0}, TypeError, "got set"),
        ((u for u in [1.0]), TypeError, "got generator"),
        (Value(1.0), TypeError, "got a Value; it is one node already, take its .data"),
        (Tensor(1.0), TypeError, "got a Tensor; it is one node already, take its .data"),
        ([Value(1.0), 2.0], TypeError, "got a list of nodes; join Tensors with stack()"),
        ([[Tensor(1.0)]], TypeError, "got a list of nodes; join Tensors with stack()"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), TypeError, "fill them first"),
        (10**400, OverflowError, "too large for a float"),
    ],
)
def test_what_is_not_numbers_is_refused(data, error, says):
    with pytest.raises(error) as refused:
        Tensor(data)
    assert says in str(refused.value)


def test_other_dtypes_are_refused():
    for dtype in (int, np.float16, complex, object):
        with pytest.raises(ValueError, match="dtype: expected float32 or float64"):
            Tensor([1.0], dtype=dtype)
    with pytest.raises(ValueError, match="expected float32 or float64"):
        t(1.0).astype(int)


def test_data_is_copied():
    data = np.array([1.0, 2.0])
    x = Tensor(data)
    data[0] = 99
    assert x.tolist() == [1.0, 2.0]


def test_a_float32_tensor_takes_numbers_that_are_too_large_as_infinite_and_says_nothing():
    assert Tensor([1e300], dtype=np.float32).tolist() == [inf]
    assert (Tensor(np.ones(2, np.float32)) * 1e300).tolist() == [inf, inf]
    x = Tensor([1.0], dtype=np.float32)
    x.data = [1e300]
    assert x.tolist() == [inf]


# ---------------------------------------------------------------- what it tells


def test_repr_is_short_and_true():
    assert repr(t(1.0, 2.0)) == "Tensor([1., 2.])"
    assert repr(Tensor(np.float32(1.5), label="w")) == "Tensor(1.5, dtype=float32, label='w')"
    assert repr(Tensor(np.zeros((20, 10)))).endswith("shape=(20, 10))")
    assert f"{Tensor(1.23456):.2f}" == "1.23"
    assert f"{t(1.0)}" == "Tensor([1.])"


def test_a_label_is_a_string():
    x = Tensor([1.0], label="w")
    assert x.label == "w"
    x.label = None
    assert x.label is None
    with pytest.raises(TypeError, match="a label is a string"):
        x.label = 3


def test_a_typo_in_an_attribute_is_an_error():
    with pytest.raises(AttributeError):
        t(1.0).gard = 1
    with pytest.raises(TypeError, match="Tensor is final"):
        type("Parameter", (Tensor,), {})


def test_item_numpy_and_tolist():
    x = t(1.0, 2.0)
    with pytest.raises(ValueError, match=r"item\(\) needs one element, shape is \(2,\)"):
        x.item()
    assert type(Tensor(np.float32(1)).item()) is float
    with pytest.raises(ValueError, match="read-only"):
        x.numpy()[0] = 3
    assert x.tolist() == [1.0, 2.0]
    assert Tensor(2.0).tolist() == 2.0


def test_results_know_their_operation_and_operands():
    x = t(1.0, 2.0)
    y = x * 3
    assert (x.op, x.is_leaf, x.operands) == (None, True, ())
    assert (y.op.name, y.is_leaf) == ("mul", False)
    assert y.operands[0] is x
    assert y.operands[1].tolist() == 3.0


def test_equality_is_identity_and_hashable():
    x, y = t(1.0), t(1.0)
    assert x == x
    assert x != y
    assert {x: 1, y: 2}[x] == 1
    assert x in [y, x]
    assert x != "a"
    assert x is not None
    for other in (1.0, [1.0], np.ones(1), np.float64(1.0), True):
        for ask in (lambda: x == other, lambda: other == x, lambda: x != other, lambda: other != x):
            with pytest.raises(TypeError, match=r"== between nodes is identity; to compare numbers write x\.data == "):
                ask()


def test_comparisons_give_masks():
    x = t(1.0, 2.0, nan)
    for mask, expected in [
        (x > 1, [False, True, False]),
        (x >= t(1.0, 3.0, 0.0), [True, False, False]),
        (2 > x, [True, False, False]),  # noqa: SIM300
        (np.array([1.0, 1.0, 1.0]) <= x, [True, True, False]),
        (np.less(x, 2), [True, False, False]),
        (np.isnan(x), [False, False, True]),
    ]:
        assert type(mask) is np.ndarray
        assert mask.tolist() == expected
    with pytest.raises(TypeError):
        x < "a"  # noqa: B015


@pytest.mark.parametrize(
    ("use", "says"),
    [
        (lambda x: bool(x), "ambiguous"),
        (lambda x: 1 if x else 2, "ambiguous"),
        (lambda x: float(x), "cut a Tensor off from its graph"),
        (lambda x: math.exp(x), "cut a Tensor off from its graph"),
        (lambda x: int(x), "int(t.item())"),
        (lambda x: complex(x), "a Tensor is real"),
        (lambda x: round(x), "t.data.round()"),
        (lambda x: x // 2, "// and % are not defined for Tensors"),
        (lambda x: 2 % x, "// and % are not defined for Tensors"),
        (lambda x: divmod(x, 2), "// and % are not defined for Tensors"),
        (lambda x: ~x, "join masks instead"),
        (lambda x: x & True, "join masks instead"),
        (lambda x: x << 1, "t * 2**n"),
        (lambda x: np.floor(x), "np.floor is not defined for Tensors; use .data"),
        (lambda x: np.array([3.0]) // x, "np.floor_divide is not defined for Tensors"),
        (lambda x: np.add.reduce(x), "np.add.reduce is not defined for Tensors"),
        (lambda x: np.add(x, 1, out=np.zeros(1)), "np.add with out= is not defined for Tensors"),
        (lambda x: np.fft.fft(x), "np.fft.fft is not defined for Tensors"),
        (lambda x: x + None, "add needs a real number, got NoneType"),
        (lambda x: x * "2", "mul needs a real number, got str"),
        (lambda x: x - 1j, "sub needs a real number, got complex"),
        (lambda x: x / Decimal(2), "div needs a real number, got Decimal"),
        (lambda x: x @ np.array([None]), "matmul: expected real numbers"),
        (lambda x: x + Value(1.0), "a Tensor does not go with a Value; make the number a Tensor too"),
        (lambda x: Value(1.0) * x, "a Tensor does not go with a Value; make the number a Tensor too"),
        (lambda x: ag.maximum(Value(1.0), x), "a Value does not go with a Tensor: make the number a Tensor too"),
        (lambda x: ag.maximum(x, Value(1.0)), "a Tensor does not go with a Value"),
        (lambda x: ag.add(x, [Value(1.0)]), "got a list of nodes"),
        (lambda x: ag.softmax([x, x]), "join Tensors with stack()"),
        (lambda x: ag.mean([x, 1.0]), "join Tensors with stack()"),
        (lambda x: ag.matmul([x], np.ones(1)), "join Tensors with stack()"),
        (lambda x: ag.concatenate([Value(1.0), x]), "got a Value"),
        (lambda x: ag.clip(x, x, 2.0), "the bounds are not differentiated"),
        (lambda x: ag.where(x, x, x), "expected a boolean condition such as t > 0, got a Tensor"),
        (lambda x: ag.where(np.array([1]), x, x), "write condition != 0"),
        (lambda x: ag.pad(x, 1, Tensor(2.0)), "are not differentiated and must be plain"),
        (lambda x: x[x], "an index must be integers, slices or a mask"),
    ],
)
def test_what_a_tensor_is_not(use, says):
    with pytest.raises(TypeError) as refused:
        use(t(1.0))
    assert says in str(refused.value)


def test_shapes_that_do_not_go_together():
    with pytest.raises(ValueError, match=r"add: shapes \(2,\) and \(3,\) do not go together"):
        t(1.0, 2.0) + t(1.0, 2.0, 3.0)


def test_items_cannot_be_assigned():
    x = t(1.0, 2.0)
    with pytest.raises(TypeError, match=r"cannot be written to in place.*use where\(mask, value, t\)"):
        x[0] = 3.0
    with pytest.raises(TypeError, match="cannot be written to in place"):
        x[0] += 3.0


def test_length_and_iteration():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2
    first, second = x
    (first * second).sum().backward()
    assert x.grad.tolist() == [[3.0, 4.0], [1.0, 2.0]]
    with pytest.raises(TypeError, match="has no length"):
        len(Tensor(1.0))
    with pytest.raises(TypeError, match="has no length"):
        iter(Tensor(1.0))
    assert sum(t(1.0, 2.0)).item() == 3.0


def test_plus_equals_rebinds_and_minus_equals_on_a_parameter_says_what_to_write():
    x = y = t(1.0)
    y += 1
    assert y is not x
    y -= 1
    (x * x).sum().backward()
    with pytest.raises(TypeError, match=r"leaves the parameter w unchanged.*w.data|p\.data -= lr \* p\.grad"):
        x -= 0.1 * x.grad


# ---------------------------------------------------------------- NumPy, from either side

ARRAY = np.array([[1.0, 2.0], [3.0, 4.0]])
SLOPE_OF_LOG_SOFTMAX = np.array([[-1.0, -1.0], [1.0, 1.0]]) / (1 + math.exp(2))


@pytest.mark.parametrize(
    ("f", "expected", "slope"),
    [
        (lambda x: np.float64(2) * x, 2 * ARRAY, np.full((2, 2), 2.0)),
        (lambda x: ARRAY * x, ARRAY * ARRAY, ARRAY),
        (lambda x: ARRAY @ x, ARRAY @ ARRAY, ARRAY.T @ np.ones((2, 2))),
        (lambda x: x @ ARRAY, ARRAY @ ARRAY, np.ones((2, 2)) @ ARRAY.T),
        (lambda x: ARRAY - x, 0 * ARRAY, np.full((2, 2), -1.0)),
        (lambda x: np.int8(1) / x, 1 / ARRAY, -1 / ARRAY**2),
        (lambda x: np.array(2) ** x, 2**ARRAY, 2**ARRAY * math.log(2)),
        (lambda x: [1.0, 2.0] * x, ARRAY * [1.0, 2.0], [[1.0, 2.0], [1.0, 2.0]]),
        (lambda x: x * Fraction(1, 2), ARRAY / 2, np.full((2, 2), 0.5)),
        (lambda x: True + x, ARRAY + 1, np.ones((2, 2))),
        (np.exp, np.exp(ARRAY), np.exp(ARRAY)),
        (np.square, ARRAY**2, 2 * ARRAY),
        (np.negative, -ARRAY, -np.ones((2, 2))),
        (np.positive, ARRAY, np.ones((2, 2))),
        (np.abs, ARRAY, np.ones((2, 2))),
        (lambda x: np.maximum(2.5, x), np.maximum(2.5, ARRAY), (ARRAY > 2.5) * 1.0),
        (lambda x: np.clip(x, 1.5, 3.5), np.clip(ARRAY, 1.5, 3.5), [[0.0, 1.0], [1.0, 0.0]]),
        (lambda x: np.where(ARRAY > 2, x, 0.0), ARRAY * (ARRAY > 2), (ARRAY > 2) * 1.0),
        (lambda x: np.reshape(x, (4,)), ARRAY.ravel(), np.ones((2, 2))),
        (np.ravel, ARRAY.ravel(), np.ones((2, 2))),
        (np.transpose, ARRAY.T, np.ones((2, 2))),
        (lambda x: np.stack([x, ARRAY]), np.stack([ARRAY, ARRAY]), np.ones((2, 2))),
        (lambda x: np.concatenate([ARRAY, x]), np.concatenate([ARRAY, ARRAY]), np.ones((2, 2))),
        (lambda x: np.hstack([x, ARRAY]), np.hstack([ARRAY, ARRAY]), np.ones((2, 2))),
        (lambda x: np.hstack([x[0], [5.0]]), [1.0, 2.0, 5.0], [[1.0, 1.0], [0.0, 0.0]]),
        (lambda x: np.vstack([x[0], ARRAY, x]), [[1.0, 2.0], *ARRAY, *ARRAY], [[2.0, 2.0], [1.0, 1.0]]),
        (lambda x: x.ravel(), ARRAY.ravel(), np.ones((2, 2))),
        (lambda x: x.log_softmax(0)[1], np.log(1 / (1 + np.exp([-2.0, -2.0]))), SLOPE_OF_LOG_SOFTMAX),
        (lambda x: x.logsumexp(), np.log(np.exp(ARRAY).sum()), np.exp(ARRAY) / np.exp(ARRAY).sum()),
        (lambda x: np.take(x, [0, 0], 1), ARRAY[:, [0, 0]], [[2.0, 0.0], [2.0, 0.0]]),
        (lambda x: np.pad(x, 1), np.pad(ARRAY, 1), np.ones((2, 2))),
        (lambda x: np.broadcast_to(x, (3, 2, 2)), np.broadcast_to(ARRAY, (3, 2, 2)), np.full((2, 2), 3.0)),
    ],
)
def test_numpy_functions_and_operators_give_tensors(f, expected, slope):
    x = Tensor(ARRAY)
    z = f(x)
    assert type(z) is Tensor
    assert np.allclose(z.data, expected)
    z.sum().backward()
    assert np.allclose(x.grad, slope)


def test_numpy_asks_about_a_tensor():
    x = Tensor(ARRAY)
    assert np.shape(x) == (2, 2)
    assert np.ndim(x) == 2
    assert np.size(x) == 4
    assert np.argmax(x) == x.argmax() == 3
    assert np.argmin(x, axis=0).tolist() == x.argmin(0).tolist() == [0, 0]
    assert np.allclose(x, ARRAY)
    assert np.array_equal(x, ARRAY)
    assert np.zeros_like(x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert np.ones_like(t(1.0, dtype="float32")).dtype == np.float32


def test_an_array_of_a_tensor_cannot_be_written_to():
    x = t(1.0, 2.0)
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(x)[0] = 5
    mine = np.array(x)
    mine[0] = 5
    assert x.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="copy"), ag.no_grad():
        np.asarray(x, np.float32, copy=False)


def test_dlpack_both_ways():
    torch = pytest.importorskip("torch")
    x = Tensor(np.arange(6, dtype=np.float32).reshape(2, 3).T)
    for other in (torch.from_dlpack(x), np.from_dlpack(x)):
        assert other.tolist() == x.tolist()
        assert "float32" in str(other.dtype)
    theirs = torch.from_dlpack(x)
    theirs[0] = 99
    assert x.tolist()[0] == [0.0, 3.0]
    assert Tensor(torch.arange(3.0)).tolist() == [0.0, 1.0, 2.0]
    assert (t(1.0, 2.0) * np.from_dlpack(torch.ones(2))).tolist() == [1.0, 2.0]


# ---------------------------------------------------------------- dtypes


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (2, np.float32),
        (2.5, np.float32),
        (True, np.float32),
        ([1.0, 2.0], np.float32),
        (np.float32(2), np.float32),
        (np.ones(2, np.float16), np.float32),
        (np.ones(2, np.uint8), np.float32),
        (np.ones(2, bool), np.float32),
        (np.float64(2), np.float64),
        (np.array(2.0), np.float64),
        (np.ones(2), np.float64),
        (np.ones(2, np.int64), np.float64),
        (Tensor([1.0, 2.0]), np.float64),
    ],
)
@pytest.mark.parametrize("f", [ag.add, lambda x, y: ag.div(y, x), lambda x, y: ag.where(np.ones(2, bool), x, y)])
def test_a_python_number_does_not_promote_and_a_float64_of_numpy_does(f, other, expected):
    x = Tensor(np.array([1.0, 2.0], np.float32))
    z = f(x, other)
    assert z.dtype == expected
    z.sum().backward()
    assert x.grad.dtype == np.float32


def test_constants_take_the_dtype_of_the_result_before_they_enter_a_derivative():
    c = np.float32(0.1)  # its logarithm in single precision is off by 3e-8
    x = t(2.0)
    (c**x).sum().backward()
    assert x.grad[0] == pytest.approx(float(c) ** 2 * math.log(float(c)), rel=1e-14)
    base, y = Tensor(np.array([0.1], np.float32)), t(2.0)
    (base**y).sum().backward()
    assert y.grad[0] == pytest.approx(float(c) ** 2 * math.log(float(c)), rel=1e-14)


def test_unsigned_bytes_never_wrap():
    pixels = np.array([0, 200, 255], np.uint8)
    x = t(1.0, 1.0, 1.0)
    assert (pixels + x * 100).tolist() == [100.0, 300.0, 355.0]
    assert (x - pixels).tolist() == [1.0, -199.0, -254.0]
    assert (Tensor(pixels) * 2).tolist() == [0.0, 400.0, 510.0]
    assert ag.maximum(x, pixels).tolist() == [1.0, 200.0, 255.0]
    assert ag.exp(np.array([200], np.uint8))[0] == pytest.approx(math.exp(200))
    assert ag.var(pixels) == pytest.approx(np.var(pixels.astype(float)))
    assert ag.squared_error(np.float32([[0, 0]]), np.array([[200, 200]], np.uint8)) == 40000.0


def test_an_array_read_from_a_pickle_keeps_its_dtype():
    array = pickle.loads(pickle.dumps(np.ones(2, np.float32)))
    assert (Tensor(array) * array).dtype is np.dtype(np.float32)


# ---------------------------------------------------------------- gradients are the caller's


def test_the_gradient_starts_at_none_and_adds_up():
    x = t(3.0)
    assert x.grad is None
    for expected in (12.0, 24.0):
        (2 * x * x).sum().backward()
        assert x.grad.tolist() == [expected]
    y = t(3.0)
    assert y.grad is None
    z = 2 * x * x
    x.grad = None
    z.sum().backward()
    z.sum().backward()
    assert x.grad.tolist() == [24.0]


def test_two_losses_on_one_result():
    x = t(3.0)
    y = (x * x).sum()
    (2 * y).backward()
    (5 * y).backward()
    assert x.grad.tolist() == [42.0]


def test_a_named_result_shows_its_latest_gradient():
    x = t(3.0)
    y = x * x
    y.label = "y"
    z = (y * 2).sum()
    assert y.grad is None
    for _ in range(2):
        z.backward()
        assert y.grad.tolist() == [2.0]
    y.grad[0] = 99
    assert y.grad.tolist() == [2.0]


def test_the_gradients_of_two_operands_share_no_memory():
    for f in (
        lambda x, y: x + y,
        lambda x, y: (x + y) * 1.0,
        lambda x, y: (x + y).reshape(1, 2),
        lambda x, y: ag.stack([x, y]),
        lambda x, y: ag.linear(x) + ag.linear(y),
    ):
        for backward in (lambda z: z.sum().backward(), lambda z: z.backward(np.ones(z.shape))):
            x, y = t(1.0, 2.0), t(3.0, 4.0)
            backward(f(x, y))
            assert not np.shares_memory(x.grad, y.grad)
            x.grad[:] = 99
            assert y.grad.tolist() == [1.0, 1.0]
        dx, dy = gradients((x + y).sum(), [x, y])
        assert not np.shares_memory(dx, dy)
        dx[:] = 99


def test_a_seed_is_copied():
    x, seed = t(1.0, 2.0), np.array([3.0, 4.0])
    x.backward(seed)
    (x + 0).backward(seed)
    seed[:] = 0
    assert x.grad.tolist() == [6.0, 8.0]


@pytest.mark.parametrize("flat", [False, True])
def test_a_gradient_that_was_handed_out_is_never_written_to(flat):
    w = t(1.0, 2.0)
    _ = FlatParameters([w]) if flat else None  # whose gradients are written to one block
    (w * w).sum().backward()
    g = w.grad
    before = g.copy()
    (w * w).sum().backward()
    w.grad = None
    (w * 5).sum().backward()
    assert np.array_equal(g, before)
    w.grad += 1
    assert w.grad.tolist() == [6.0, 6.0]


def test_a_gradient_can_be_assigned_and_must_fit():
    w = t(1.0, 2.0)
    w.grad = [1, 2]
    assert w.grad.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"grad: expected shape \(2,\), got \(3,\)"):
        w.grad = np.zeros(3)
    with pytest.raises(TypeError, match="grad"):
        w.grad = "a"


# ---------------------------------------------------------------- changed data


def test_the_data_of_a_leaf_can_be_changed():
    x = t(1.0, 2.0)
    x.data -= 0.5
    x.data[0] = 7
    assert x.tolist() == [7.0, 1.5]
    x.data = [3, 4]
    assert x.tolist() == [3.0, 4.0]
    with pytest.raises(ValueError, match=r"data: expected shape \(2,\), got \(3,\)"):
        x.data = np.zeros(3)
    with pytest.raises(TypeError, match="data needs a real number, got NoneType"):
        x.data = None


def test_the_data_of_a_result_cannot():
    y = t(1.0, 2.0) * 2
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 7
    with pytest.raises(ValueError, match="read-only"):
        y.data += 1
    with pytest.raises(TypeError, match="this is the result of mul; assign to the leaves"):
        y.data = [1.0, 2.0]


def indexed(x):
    return x[0]


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (ag.sum, "sum"),
        (ag.mean, "mean"),
        (ag.prod, "prod"),
        (ag.softmax, "softmax"),
        (ag.log_softmax, "log_softmax"),
        (ag.logsumexp, "logsumexp"),
        (indexed, "indexing"),
        (lambda x: ag.clip(x, 0.0, 1.0), "clip"),
        (lambda x: ag.where(np.array([[True, False]]), x, 0.0), "where"),
        (lambda x: x.astype("float32"), "astype"),
        (lambda x: ag.linear(x, np.eye(2), np.zeros(2)), "linear"),
        (lambda x: ag.squared_error(x, np.zeros((1, 2))), "squared_error"),
        (lambda x: ag.binary_cross_entropy(x, np.zeros((1, 2))), "binary_cross_entropy"),
        (
            lambda x: ag.binary_cross_entropy_with_logits(x, np.zeros((1, 2))),
            "binary_cross_entropy_with_logits",
        ),
        (lambda x: ag.softmax_cross_entropy(x, [0]), "softmax_cross_entropy"),
    ],
)
def test_messages_name_an_operation_as_its_users_do(f, name):
    x = Tensor([[0.25, 0.5]], "x")
    z = f(x)
    with pytest.raises(TypeError, match=f"this is the result of {name}; assign"):
        z.data = 0.0
    assert repr(z.op) == f"<operation {name}>"
    x.data = x.data + 1
    with pytest.raises(RuntimeError, match=f"^{name}: the data of 'x' was changed"):
        z.backward(np.ones(z.shape))


def assign(x, held):
    x.data = [5.0, 6.0, 7.0, 8.0]


def subtract(x, held):
    x.data -= 0.5


def write(x, held):
    x.data[0] = 9.0


def write_held(x, held):
    held[0] = 9.0


def write_view(x, held):
    held.reshape(2, 2)[1, 1] = 9.0


def write_and_use_again(x, held):
    held[0] = 9.0
    _ = x + 1  # looks at the data
    held[0] = 9.5


CHANGES = [assign, subtract, write, write_held, write_view, write_and_use_again]
USES = [
    lambda x: x * x,
    lambda x: ag.exp(x * 2),
    lambda x: x.reshape(2, 2) * x.reshape(2, 2),
    lambda x: x[:2] * x[2:],
    lambda x: ag.linear(x) ** 2,
    lambda x: x.T @ x,
    lambda x: x + 1,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("early", [True, False], ids=["held before", "held after"])
def test_a_leaf_changed_after_the_forward_pass_is_noticed(change, use, early):
    x = t(1.0, 2.0, 3.0, 4.0)
    x.label = "w"
    held = x.data if early else None
    loss = use(x).sum()
    change(x, x.data if held is None else held)
    with pytest.raises(
        RuntimeError, match="the data of 'w' was changed after the forward pass used it; run the forward"
    ):
        loss.backward()
    with pytest.raises(RuntimeError, match="run the forward pass again"):
        gradients(loss, x)
    with pytest.raises(RuntimeError, match="run the forward pass again"):
        gradients(loss, x, create_graph=True)
    x.grad = None
    use(x).sum().backward()
    assert x.grad is not None


def test_a_view_of_a_changed_leaf_is_noticed_where_the_pass_ends_before_the_leaf():
    for view in (lambda x: x.reshape(2, 1), lambda x: ag.linear(x), lambda x: x[::-1].reshape(2, 1), lambda x: x.T):
        x = t(1.0, 2.0)
        y = view(x)
        z = (y * y).sum()
        x.data[0] = 9
        with pytest.raises(RuntimeError, match="run the forward pass again"):
            gradients(z, y)


def test_what_was_computed_from_other_leaves_does_not_mind():
    x, w = t(1.0, 2.0), t(3.0, 4.0)
    y = w * w
    z = (x * y).sum()
    w.data[0] = 9.0
    assert gradients(z, [x, y])[0].tolist() == [9.0, 16.0]
    with pytest.raises(RuntimeError, match="run the forward pass again"):
        gradients(z, w)


def test_reading_the_data_changes_nothing():
    x = t(1.0, nan)
    z = (x * x).sum()
    _ = x.data[0], x.data.sum(), x.numpy(), np.asarray(x), repr(x), x > 0
    z.backward()
    assert x.grad[0] == 2.0


def test_writing_the_same_numbers_again_is_harmless():
    x = t(1.0, 2.0)
    held = x.data
    z = (x * x).sum()
    held[:] = [1.0, 2.0]
    z.backward()
    assert x.grad.tolist() == [2.0, 4.0]


# Each step for Tensors, and what it is for arrays of complex numbers.
STEPS = [
    (lambda x, y: x * y,) * 2,
    (lambda x, y: x + y,) * 2,
    (lambda x, y: x.T @ y,) * 2,
    (lambda x, y: x.reshape(-1)[[0, 1, 1, 3]].reshape(2, 2) * y,) * 2,
    (lambda x, y: ag.linear(x) - y, lambda x, y: x - y),
    (lambda x, y: ag.tanh(x), lambda x, y: np.tanh(x)),
]
WRITES = [
    lambda x, new: setattr(x, "data", new),
    lambda x, new: x.data.__setitem__(..., new),
    lambda x, new: x.data.__isub__(new),
]


@given(st.lists(st.tuples(*[st.integers(0, 99)] * 3), min_size=1, max_size=6), st.integers(0, 6), st.integers(0, 99))
def test_a_gradient_is_that_of_the_numbers_of_the_forward_pass_or_it_is_refused(steps, when, how):
    rng = np.random.default_rng([when, how])
    leaves = [Tensor(rng.normal(size=(2, 2))) for _ in range(2)]
    _ = leaves[how % 2].data  # held outside, or not
    nodes, recorded = list(leaves), []
    for k, (kind, i, j) in enumerate([*steps, (-1, 0, 0)]):
        if k == when:
            WRITES[how % 3](leaves[how % 5 % 2], rng.normal(size=(2, 2)))
        if kind >= 0:
            step, a, b = STEPS[kind % len(STEPS)], i % len(nodes), j % len(nodes)
            recorded.append((step[1], a, b, [x.numpy().copy() for x in leaves]))
            nodes.append(step[0](nodes[a], nodes[b]))
    loss = (nodes[-1] * nodes[-1]).sum()

    def again(leaf, moved):
        """The same steps on the numbers that each of them met, those of one leaf moved."""
        numbers = [None, None]
        for step, a, b, then in recorded:
            numbers.append(step(*(then[u] + moved * (u == leaf) if u < 2 else numbers[u] for u in (a, b))))
        return (numbers[-1] ** 2).sum()

    try:
        found = gradients(loss, leaves)
    except RuntimeError:
        with pytest.raises(RuntimeError, match="run the forward pass again"):
            loss.backward()
        return
    loss.backward()
    # A complex step takes no difference: it is exact to rounding, as the gradient is, however curved the loss.
    rounding = 1e-9 * max(1.0, *(np.abs(g).max() for g in found))
    for leaf, (x, g) in enumerate(zip(leaves, found, strict=True)):
        assert np.allclose(0.0 if x.grad is None else x.grad, g, rtol=1e-12, atol=rounding)
        for place, unit in zip(np.ndindex(2, 2), np.eye(4).reshape(4, 2, 2), strict=True):
            assert g[place] == pytest.approx(again(leaf, 1e-200j * unit).imag / 1e-200, rel=1e-9, abs=rounding)


def test_a_training_step_needs_a_new_forward_pass():
    w = t(1.0, 2.0)
    for _ in range(3):
        (w * w).sum().backward()
        w.data -= 0.1 * w.grad
        w.grad = None
    assert np.allclose(w.data, np.array([1.0, 2.0]) * 0.8**3)


@pytest.mark.parametrize(
    "array",
    [
        lambda base: base,
        lambda base: base[::-1],
        lambda base: np.broadcast_to(base, (2, 2)),
        lambda base: read_only(base.view()),
        lambda base: base.reshape(1, 2),
    ],
)
def test_a_constant_is_as_it_was_when_it_was_recorded(array):
    base = np.array([2.0, 2.0])
    x = Tensor(np.ones((2, 2)))
    z = (x * array(base)).sum()
    base[:] = 99
    z.backward()
    assert x.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def read_only(array):
    array.flags.writeable = False
    return array


def test_numbers_taken_from_a_parameter_are_a_constant_like_any_other():
    p, x = t(2.0, 2.0), t(1.0, 1.0)
    z = (x * p.numpy()).sum()
    p.data[:] = 99
    z.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_constant_that_nobody_can_write_to_is_not_copied():
    fixed = read_only(np.array([2.0, 3.0]))
    assert (t(1.0, 2.0) * fixed).operands[1] is fixed
    part = fixed[:1]
    assert (t(1.0, 2.0) * part).operands[1] is part


@pytest.mark.parametrize(
    "use",
    [
        lambda x, i, m: x[i],
        lambda x, i, m: x[i, :],
        lambda x, i, m: x[m],
        lambda x, i, m: x[:, [0, 1]][i],
        lambda x, i, m: x.take(i, axis=0),
        lambda x, i, m: ag.take(x, i, 1),
        lambda x, i, m: ag.where(m, x, 0.0),
        lambda x, i, m: x[list(i)],
    ],
)
def test_an_index_or_a_mask_that_changes_later_changes_nothing(use):
    def slope(spoil):
        x, i, m = Tensor(np.arange(4.0).reshape(2, 2)), np.array([0, 0]), np.array([[True, False], [False, False]])
        z = (use(x, i, m) * 2).sum()
        if spoil:
            i[:], m[:] = 1, True
        z.backward()
        return x.grad.tolist()

    assert slope(spoil=True) == slope(spoil=False)


def test_lists_that_change_later_change_nothing():
    x, i, width = t(1.0, 2.0, 3.0), [0, 0], [1, 0]
    z = (x[i] * 2).sum() + ag.pad(x, width).sum() + x.take(i).sum()
    i[:], width[:] = [1, 1], [0, 1]
    z.backward()
    assert x.grad.tolist() == [7.0, 1.0, 1.0]


# ---------------------------------------------------------------- switches


def test_nothing_is_recorded_under_no_grad():
    x = t(1.0, 2.0)
    with no_grad():
        y = x * 2 + 1
        views = [x.reshape(2, 1), x[:1], x.T, ag.linear(x), ag.broadcast_to(x, (2, 2))]
    assert y.is_leaf
    for v in views:
        assert v.is_leaf
        assert not np.shares_memory(v.data, x.data)
    (y * x).sum().backward()
    assert x.grad.tolist() == [3.0, 5.0]
    with no_grad():
        assert x.grad.tolist() == [3.0, 5.0]
        x.data[:] = 0


def test_detach_gives_a_leaf_of_its_own():
    x = t(1.0, 2.0)
    y = (x * x).detach()
    assert y.is_leaf
    (y * x).sum().backward()
    assert x.grad.tolist() == [1.0, 4.0]
    z = x.detach()
    z.data[0] = 9
    assert x.tolist() == [1.0, 2.0]


def test_anomalies_are_raised_where_they_are_born():
    x = Tensor([1.0, 0.0, -1.0], label="x")
    with detect_anomaly():
        (x * 2).sum()
        with pytest.raises(ArithmeticError) as found:
            ag.log(x)
    message = str(found.value)
    assert message.startswith("log(x (3,)) gave -inf at (1,), 2 of 3 numbers not finite, recorded at ")
    assert "test_tensor.py, line" in message
    assert ag.log(x).tolist()[0] == 0.0


def test_find_nan_names_the_node():
    x = Tensor([1.0, -1.0])
    y = ag.log(x)
    assert ag.find_nan((y * 2 + x).sum()) is y
    assert ag.find_nan(x * 2) is None


def test_check_gradients_takes_tensor_functions():
    w = np.array([[0.3, -0.5], [0.8, 0.1]])
    ag.check_gradients(lambda w, x: ag.tanh(x @ w).sum(), (w, np.array([0.4, 0.9])))


@pytest.mark.slow
def test_threads_do_not_disturb_each_other():
    results, errors = {}, []

    def work(i):
        try:
            x = Tensor(np.full(50, float(i)))
            for _ in range(50):
                if i % 2:
                    with no_grad():
                        assert (x * x).is_leaf
                x.grad = None
                y = x
                for _ in range(5):
                    y = y * 1.5 + ag.log(x - x)  # -inf, without a warning
                (x * x + 0 * ag.where(np.zeros(50, bool), y, 0.0)).sum().backward()
            results[i] = x
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(results) == 8


# ---------------------------------------------------------------- corners of SEMANTICS, on arrays


def value_and_slope(f, *xs):
    xs = [Tensor(x) for x in xs]
    z = f(*xs)
    z.sum().backward()
    return [z.tolist(), *(x.grad.tolist() for x in xs)]


# What rounds otherwise: NumPy's exp, log and power, by the machine and by a number's place in its array, in the last
# bits; and those of numbers below 1e-308 are 5e-324 apart.
ROUNDING = {"rtol": 1e-14, "atol": 1e-323, "equal_nan": True}


def same(found, expected):
    return all(np.allclose(a, b, **ROUNDING) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("f", "xs", "expected"),
    [
        (ag.log, ([0.0, -1.0, inf],), ([-inf, nan, inf], [inf, nan, 0.0])),
        (ag.sqrt, ([0.0, -1.0],), ([0.0, nan], [inf, nan])),
        (ag.exp, ([1000.0, -1000.0],), ([inf, 0.0], [inf, 0.0])),
        (lambda x: 1 / x, ([0.0, -0.0],), ([inf, -inf], [-inf, -inf])),
        (ag.div, ([0.0], [0.0]), ([nan], [inf], [nan])),
        (lambda x: x**0, ([0.0, 3.0],), ([1.0, 1.0], [0.0, 0.0])),
        (lambda x: x**2.0, ([0.0, 3.0],), ([0.0, 9.0], [0.0, 6.0])),
        (lambda x: x**3, ([-2.0, 0.0],), ([-8.0, 0.0], [12.0, 0.0])),
        (lambda x: x**3.0, ([-2.0],), ([-8.0], [12.0])),
        (lambda x: x**4, ([-2.0],), ([16.0], [-32.0])),
        (lambda x: x**0.5, ([-2.0],), ([nan], [nan])),
        (lambda x: x**-1, ([0.0, 2.0],), ([inf, 0.5], [-inf, -0.25])),
        (lambda y: 0**y, ([2.0],), ([0.0], [0.0])),
        (lambda y: 2**y, ([3.0],), ([8.0], [8 * math.log(2)])),
        (ag.power, ([0.0, 0.0, 0.0], [2.0, 0.0, -1.0]), ([0.0, 1.0, inf], [0.0, 0.0, -inf], [0.0, 0.0, -inf])),
        (ag.power, ([-2.0], [3.0]), ([-8.0], [12.0], [nan])),
        (ag.relu, ([0.0, nan, -inf, inf, -1.0],), ([0.0, nan, 0.0, inf, 0.0], [0.0, nan, 0.0, 1.0, 0.0])),
        (lambda x: ag.leaky_relu(x, 0.1), ([0.0, -2.0],), ([0.0, -0.2], [0.1, 0.1])),
        (ag.abs, ([0.0, -0.0, -3.0],), ([0.0, 0.0, 3.0], [0.0, 0.0, -1.0])),
        (ag.sign, ([0.0, -3.0, nan],), ([0.0, -1.0, nan], [0.0, 0.0, 0.0])),
        (ag.step, ([0.0, 3.0, nan],), ([0.0, 1.0, nan], [0.0, 0.0, 0.0])),
        (lambda x: ag.clip(x, -1, 1), ([-1.0, 1.0, 2.0, nan],), ([-1.0, 1.0, 1.0, nan], [1.0, 1.0, 0.0, 0.0])),
        (ag.maximum, ([1.0, nan, 1.0], [1.0, 1.0, nan]), ([1.0, nan, nan], [0.5] * 3, [0.5] * 3)),
        (ag.minimum, ([1.0, 0.0], [1.0, 2.0]), ([1.0, 0.0], [0.5, 1.0], [0.5, 0.0])),
        (lambda x: ag.maximum(x, x), ([2.0],), ([2.0], [1.0])),
        (ag.sigmoid, ([1000.0, -1000.0, -740.0],), ([1.0, 0.0, 4.2e-322], [0.0, 0.0, 4.2e-322])),
        (ag.tanh, ([1000.0, -1000.0],), ([1.0, -1.0], [0.0, 0.0])),
        (ag.softplus, ([25.0, -40.0, 1000.0],), ([25 + 1.388794386496402e-11, 4.248354255291589e-18, 1000.0], None)),
        (lambda x: x - x, ([inf],), ([nan], [0.0])),
        (lambda x: x * 0, ([inf],), ([nan], [0.0])),
    ],
)
def test_singular_points_kinks_and_tails_without_a_warning(f, xs, expected):
    found = value_and_slope(f, *xs)
    if expected[1] is None:
        assert same(found[:1], expected[:1])
    else:
        assert same(found, expected)
    singly = [value_and_slope(f, *point) for point in zip(*xs, strict=True)]
    for i, values in enumerate(found):
        assert np.allclose([point[i] for point in singly], values, **ROUNDING)


@pytest.mark.parametrize("name", [*ag.ops.elementwise.__all__, "where", "clip"])
@pytest.mark.parametrize("x", [nan, inf, -inf, 0.0, -0.0, 1e308, -1e308, 5e-324])
def test_arrays_and_values_agree_at_every_corner(name, x):
    f = getattr(ag, name, None) or ag.ops.linear
    more = {"clip": (-1.0, 1.0), "where": None, "randomized_leaky_relu": ()}.get(name)
    if more is None and name != "where":
        more = (0.7,) * (len(f.op.rules) - 1)

    def call(node, one):
        return f(x > 0, node, one) if name == "where" else f(node, *more, **options)

    options = {"rng": 0} if name.startswith("random") else {}
    v, u, single = Value(x), Tensor([x, x]), Tensor(x)
    if name == "where":
        z = ag.where(np.array([x > 0, x > 0]), u, 1.0)
        w = call(v, Value(1.0))
        call_single = ag.where(np.array(x > 0), single, 1.0)
    else:
        z, w, call_single = call(u, None), call(v, None), call(single, None)
    z.sum().backward()
    w.backward()
    call_single.backward()
    for numbers, slopes in ((z.data[:1], u.grad[:1]), (call_single.data, single.grad)):
        if name != "randomized_leaky_relu":
            assert np.allclose(numbers, w.data, **ROUNDING)
            assert np.allclose(slopes, v.grad, **ROUNDING)


def test_where_gives_nan_for_nan_in_the_branch_not_taken_and_the_double_where_does_not():
    x = t(0.0, 2.0)
    ag.where(x.data > 0, ag.log(x) * x, 0.0).sum().backward()
    assert np.isnan(x.grad[0])
    x.grad = None
    inside = ag.where(x.data > 0, x, 1.0)
    ag.where(x.data > 0, ag.log(inside) * x, 0.0).sum().backward()
    assert x.grad.tolist() == [0.0, pytest.approx(math.log(2) + 1)]


def test_randomized_leaky_relu_draws_one_slope_per_element():
    z = ag.randomized_leaky_relu(Tensor(-np.ones((3, 4))), rng=0)
    assert len(np.unique(z.data)) == 12
    assert ag.randomized_leaky_relu(t(-1.0, -1.0), training=False).tolist() == [-(1 / 8 + 1 / 3) / 2] * 2


# ---------------------------------------------------------------- copies


COPIES = [
    pytest.param(copy.deepcopy, id="deepcopy"),
    *(pytest.param(lambda x, p=p: pickle.loads(pickle.dumps(x, protocol=p)), id=f"protocol {p}") for p in range(6)),
]


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_keeps_the_whole_graph_and_shares_nothing_with_it(copied):
    x, w = Tensor([[1.0, 2.0]], label="x"), Tensor(np.array([[3.0, 4.0], [5.0, 6.0]]), label="w")
    h = ag.tanh(ag.linear(x, w, np.zeros(2)) * 0.1)[:, [0, 1, 0]]
    loss = ag.softmax_cross_entropy(h, [2]) + (w * w)[0].mean()
    loss.backward()
    before = w.grad.copy()
    loss2, w2 = copied((loss, w))
    assert loss2.item() == loss.item()
    assert w2.label == "w"
    assert np.array_equal(w2.grad, before)
    w2.grad = None
    loss2.backward()
    assert np.array_equal(w2.grad, before)
    assert np.array_equal(w.grad, before)
    w2.data[:] = 0
    w2.grad[:] = 0
    loss.backward()
    assert np.allclose(w.grad, 2 * before, rtol=1e-14)
    again = (w2 * 2).sum()
    again.backward()
    assert w2.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]


@pytest.mark.parametrize("copied", [*COPIES, pytest.param(copy.copy, id="copy")])
def test_a_copied_leaf_has_numbers_of_its_own(copied):
    x = Tensor([1.0, 2.0], dtype=np.float32, label="x")
    z = (x * x).sum()
    new = copied(x)
    new.data[0] = 9
    assert (new.dtype, new.label, new.tolist()) == (np.float32, "x", [9.0, 2.0])
    z.backward()
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_of_what_cannot_be_differentiated_any_more_cannot_either(copied):
    x = t(1.0, 2.0)
    y = x * x
    z = (y * y).sum()
    x.data[0] = 9
    z2, x2 = copied((z, x))
    with pytest.raises(RuntimeError, match="changed after the forward pass"):
        z2.backward()
    x2.grad = None
    (x2 * x2).sum().backward()
    assert x2.grad.tolist() == [18.0, 4.0]


@pytest.mark.slow
def test_deep_copies_need_no_recursion():
    out = run(
        """
import copy, pickle, sys
from autograd import Tensor
sys.setrecursionlimit(150)
x = Tensor([1.0, 2.0])
z = x
for i in range(10_000):
    z = z * 1.0001
for new in (copy.deepcopy(z), pickle.loads(pickle.dumps(z)), pickle.loads(pickle.dumps([x, z]))[1], copy.copy(z)):
    new.sum().backward()
    print((new.data == z.data).all(), end=" ")
"""
    )
    assert out == "True True True True"


# ---------------------------------------------------------------- options of NumPy's functions


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: np.sum(x, dtype=np.float32), "np.sum with dtype= is not defined for Tensors, which know a, axis, k"),
        (lambda x: np.max(x, initial=0.0, where=True), "np.max with initial, where= is not defined for Tensors"),
        (lambda x: np.reshape(x, (2, 1), order="F"), "np.reshape with order= is not defined for Tensors"),
        (lambda x: np.sum(x, 0, np.float32, None, False, 0.0), "np.sum with 6 arguments is not defined for Tensors"),
        (lambda x: np.linalg.inv(x), "np.linalg.inv is not defined for Tensors; use .data"),
        (lambda x: np.pad(x, 1, mode="edge"), "np.pad: expected mode='constant' for Tensors, got 'edge'"),
    ],
)
def test_an_option_that_is_not_known_is_refused_by_name(f, message):
    with pytest.raises(TypeError, match=message.replace("(", r"\(")):
        f(t(1.0, 2.0))


@pytest.mark.parametrize("bounds", [{"a_min": 1.5, "a_max": 2.5}, {"min": 1.5, "max": 2.5}, {"min": 1.5}, {"max": 2.5}])
def test_clip_knows_both_names_of_its_bounds(bounds):
    x = np.array([1.0, 2.0, 3.0])
    full = {"a_min": None, "a_max": None} | bounds if "a_min" in bounds else bounds
    assert np.clip(Tensor(x), **bounds).tolist() == np.clip(x, **full).tolist()


def test_the_gradient_of_a_result_without_a_label_is_none_with_a_word():
    x = Tensor([1.0, 2.0])
    z = x * x
    z.sum().backward()
    with pytest.warns(UserWarning, match=r"the result of mul and has no label.*t\.label = 't'"):
        assert z.grad is None
    z.label = "z"
    assert z.grad is None  # no pass since
    z.sum().backward()
    assert z.grad.tolist() == [1.0, 1.0]
    assert Tensor([1.0]).grad is None  # a leaf says nothing
