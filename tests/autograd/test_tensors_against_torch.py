"""Tensors against PyTorch: results, gradients and second derivatives, over the shapes a user meets."""

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
from autograd import Tensor, gradients, op
from autograd.ops import activations, elementwise, functions

torch = pytest.importorskip("torch")
F = torch.nn.functional

TOLERANCE = {np.float64: 1e-9, np.float32: 1e-5}

# What PyTorch calls an elementwise operation; without an entry it has the same name.
IN_TORCH = {
    "elu": lambda x, alpha: torch.where(x > 0, x, alpha * torch.expm1(x)),
    **{name: getattr(F, name) for name in ("gelu", "mish", "selu", "silu", "softsign")},
    "hard_sigmoid": lambda x: torch.clamp(x / 6 + 0.5, 0, 1),
    "leaky_relu": lambda x, alpha: torch.where(x > 0, x, alpha * x),
    "linear": lambda x: x.clone(),
    "power": torch.pow,
    "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "step": lambda x: (x > 0) + 0 * x,
}
POSITIVE = ("log", "log1p", "log2", "log10", "sqrt", "power")
IN_UNIT = ("arcsin", "arccos")
ELEMENTWISE = [
    name
    for name in (*elementwise.__all__, *functions.__all__, *activations.__all__)
    if name not in ("randomized_leaky_relu", "normal_cdf", "nan_to_num")
]
UNARY = [name for name in ELEMENTWISE if len(op.find(name).rules) == 1]
BINARY = [name for name in ELEMENTWISE if len(op.find(name).rules) == 2]

SHAPES = [(), (1,), (5,), (3, 4), (1, 4), (2, 3, 4), (0,), (3, 0)]
PAIRS = [
    ((3, 4), (3, 4)),
    ((), ()),
    ((3, 4), ()),
    ((), (3, 4)),
    ((3, 4), (4,)),
    ((4,), (3, 4)),
    ((3, 1), (1, 4)),
    ((2, 3, 4), (3, 1)),
    ((1,), (2, 3, 4)),
    ((0, 4), (4,)),
    ((2, 1, 4), (3, 4)),
]


def theirs(name):
    return IN_TORCH.get(name) or getattr(torch, name)


def sample(shape, dtype=np.float64, *, seed=0, positive=False):
    """Numbers of order one, away from kinks and ties."""
    rng = np.random.default_rng([seed, *shape])
    x = rng.uniform(0.3, 2.0, shape)
    return (x if positive else x * rng.choice([-1.0, 1.0], shape)).astype(dtype)


def seed_for(z, dtype):
    return np.random.default_rng(99).uniform(0.5, 1.5, z.shape).astype(dtype)


def check(ours, theirs, *arrays, dtype=np.float64, second=True, tolerance=None):
    """Results, gradients and, with `second`, the gradients of these against PyTorch's."""
    close = functools.partial(
        np.testing.assert_allclose, rtol=tolerance or TOLERANCE[dtype], atol=tolerance or TOLERANCE[dtype]
    )
    arrays = [np.asarray(a, dtype) for a in arrays]
    xs = [Tensor(a) for a in arrays]
    ts = [torch.tensor(np.array(a), requires_grad=True) for a in arrays]
    z, t = ours(*xs), theirs(*ts)
    assert z.shape == tuple(t.shape)
    assert z.dtype == dtype
    close(z.data, t.detach().numpy())
    g = seed_for(z, dtype)
    z.backward(g)
    firsts = torch.autograd.grad(t, ts, torch.tensor(g), create_graph=True, allow_unused=True)
    firsts = [torch.zeros_like(u) if f is None else f for u, f in zip(ts, firsts, strict=True)]
    for x, f in zip(xs, firsts, strict=True):
        assert x.grad.shape == x.shape
        assert x.grad.dtype == dtype
        close(x.grad, f.numpy(force=True))
    pure = gradients(z, xs, seed=g)
    for x, d in zip(xs, pure, strict=True):
        loose = 1e-5 if dtype is np.float32 else 1e-12
        np.testing.assert_allclose(d, x.grad, rtol=loose, atol=loose)
    if not second:
        return
    # the gradient of Σ c · gradient, with other numbers c
    graph = gradients(z, xs, create_graph=True, seed=g)
    weights = [sample(x.shape, dtype, seed=7 + i) for i, x in enumerate(xs)]
    target = functools.reduce(lambda a, b: a + b, [(d * w).sum() for d, w in zip(graph, weights, strict=True)])
    seconds = gradients(target, xs)
    total = sum((f * torch.tensor(np.array(w))).sum() for f, w in zip(firsts, weights, strict=True))
    if total.requires_grad:
        expected = torch.autograd.grad(total, ts, allow_unused=True)
    else:
        expected = [None] * len(ts)
    for d, e, x in zip(seconds, expected, xs, strict=True):
        assert d.shape == x.shape
        close(d, np.zeros(x.shape) if e is None else e.numpy(force=True))


# ---------------------------------------------------------------- elementwise, from the table


@pytest.mark.parametrize("name", UNARY)
def test_operations_of_one_operand(name):
    for shape in SHAPES:
        for dtype in (np.float64, np.float32):
            x = sample(shape, dtype, positive=name in POSITIVE) * dtype(0.3 if name in IN_UNIT else 1)
            check(getattr(ag, name, None) or ag.linear, theirs(name), x, dtype=dtype, second=dtype is np.float64)


@pytest.mark.parametrize("name", BINARY)
def test_operations_of_two_operands_and_broadcasting(name):
    for shapes in PAIRS:
        for dtype in (np.float64, np.float32):
            x = sample(shapes[0], dtype, positive=name in POSITIVE)
            y = sample(shapes[1], dtype, seed=1, positive=name in ("elu", "leaky_relu"))
            check(getattr(ag, name), theirs(name), x, y, dtype=dtype, second=dtype is np.float64)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("side", [0, 1])
def test_a_constant_on_either_side(name, side):
    x, c = sample((3, 4), positive=True), sample((4,), seed=3, positive=True)
    pair = (lambda f, c: lambda x: f(x, c)) if side else (lambda f, c: lambda x: f(c, x))
    check(pair(getattr(ag, name), c), pair(theirs(name), torch.tensor(c)), x)
    check(pair(getattr(ag, name), 0.7), pair(theirs(name), torch.tensor(0.7, dtype=torch.float64)), x)


@pytest.mark.parametrize("name", UNARY)
def test_arrays_that_are_not_contiguous(name):
    big = sample((6, 8), positive=True) * (0.3 if name in IN_UNIT else 1.0)
    for view in (big.T, big[::2, 1::3], big[:, ::-1], np.broadcast_to(big[0], (3, 8)), np.asfortranarray(big)):
        check(getattr(ag, name, None) or ag.linear, theirs(name), view)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "**"])
@pytest.mark.parametrize("other", [2, 3, 4, 0.5, -1.5])
def test_operators_with_a_number_on_either_side(operator, other, dtype):
    x = sample((3, 4), dtype, positive=True)
    left = eval(f"lambda x, c=other: x {operator} c", {"other": other})
    right = eval(f"lambda x, c=abs(other): c {operator} x", {"other": other})
    check(left, left, x, dtype=dtype, second=dtype is np.float64)
    check(right, right, x, dtype=dtype, second=dtype is np.float64)


# ---------------------------------------------------------------- along axes

AXES = [
    *itertools.product([(5,)], [None, 0, -1, ()]),
    *itertools.product([(3, 4)], [None, 0, 1, -1, (0, 1), (-1,), ()]),
    *itertools.product([(2, 3, 4)], [None, 1, -2, (0, 2), (-1, 0), (0, 1, 2)]),
    ((), None),
    ((1, 3), 0),
]


def over(axis, ndim):
    """The axes as PyTorch's functions take them: all of them by name, never an empty tuple."""
    return tuple(range(ndim)) if axis is None else axis


def along(name, axis, keepdims):
    """A reduction of PyTorch over any axes: those are moved to the end and made one."""
    one = {
        "sum": lambda x: x.sum(-1),
        "mean": lambda x: x.mean(-1),
        "prod": lambda x: functools.reduce(torch.mul, x.unbind(-1)),
        "max": lambda x: x.amax(-1),
        "min": lambda x: x.amin(-1),
        "var": lambda x: x.var(-1, correction=0),
        "std": lambda x: x.std(-1, correction=0),
        "norm": lambda x: x.norm(dim=-1),
        "logsumexp": lambda x: x.logsumexp(-1),
    }[name]

    def reduce(x):
        axes = [a % x.ndim for a in ((axis,) if isinstance(axis, int) else over(axis, x.ndim))]
        rest = [a for a in range(x.ndim) if a not in axes]
        moved = x.permute(rest + axes).reshape([x.shape[a] for a in rest] + [-1])
        z = one(moved)
        return z.reshape([1 if a in axes else n for a, n in enumerate(x.shape)]) if keepdims else z

    return reduce


@pytest.mark.parametrize(("shape", "axis"), AXES, ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "var", "std", "norm", "logsumexp"])
def test_reductions_over_axes(name, shape, axis):
    alone = np.prod([shape[a] for a in ((axis,) if isinstance(axis, int) else over(axis, len(shape)))]) == 1
    if alone and name in ("std", "norm"):
        return  # PyTorch's own second derivative is nan where the spread is 0; our 0 is pinned elsewhere
    x = sample(shape)
    f = getattr(ag, name)
    for keepdims in (False, True):
        check(lambda t: f(t, axis=axis, keepdims=keepdims), along(name, axis, keepdims), x)
        method = getattr(Tensor, name, None)
        if method is not None:
            check(lambda t: method(t, axis, keepdims), along(name, axis, keepdims), x, second=False)
        if name != "logsumexp":
            numpy = np.linalg.norm if name == "norm" else getattr(np, name)
            if name != "norm" or axis is None or isinstance(axis, int):
                check(lambda t: numpy(t, axis=axis, keepdims=keepdims), along(name, axis, keepdims), x, second=False)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "var", "std", "norm", "logsumexp"])
def test_reductions_in_single_precision(name):
    x = sample((3, 4), np.float32)
    for axis in (None, 0, -1):
        f = getattr(ag, name)
        check(lambda t, f=f, a=axis: f(t, axis=a), along(name, axis, False), x, dtype=np.float32, second=False)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("name", ["var", "std"])
def test_the_unbiased_variance(name, ddof):
    x = sample((3, 4))
    check(lambda t: getattr(t, name)(1, ddof=ddof), lambda t: getattr(t, name)(1, correction=ddof), x)
    check(lambda t: getattr(np, name)(t, 1, ddof=ddof), lambda t: getattr(t, name)(1, correction=ddof), x)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize(("shape", "axis"), [((5,), -1), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4), 1), ((2, 3, 4), -1)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_along_an_axis(name, shape, axis, dtype):
    x = sample(shape, dtype)
    ours, others = (lambda t: getattr(ag, name)(t, axis=axis)), (lambda t: getattr(torch, name)(t, axis))
    check(ours, others, x, dtype=dtype, second=dtype is np.float64)
    check(ours, others, x * 300, dtype=dtype, second=False)


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_sums_of_nothing(shape):
    empty = np.zeros((0, *shape))
    check(lambda t: t.sum(), lambda t: t.sum(), empty)
    check(lambda t: t.sum(0), lambda t: t.sum(0), empty)
    check(lambda t: t.prod(0), lambda t: t.prod(0), empty, second=False)
    check(lambda t: t.mean(-1), lambda t: t.mean(-1), empty)


# ---------------------------------------------------------------- products

PRODUCTS = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (3,)),
    ((0, 3), (3, 4)),
    ((2, 0), (0, 4)),
    ((1, 1), (1, 1)),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("shapes", PRODUCTS, ids=str)
def test_matrix_products(shapes, dtype):
    x, y = sample(shapes[0], dtype), sample(shapes[1], dtype, seed=2)
    check(ag.matmul, torch.matmul, x, y, dtype=dtype, second=dtype is np.float64)
    check(lambda x: x @ y, lambda x: x @ torch.tensor(y), x, dtype=dtype, second=False)
    check(lambda y: x @ y, lambda y: torch.tensor(x) @ y, y, dtype=dtype, second=False)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (0, 3)], ids=str)
def test_a_layer(shape, dtype):
    x, w, b = sample(shape, dtype), sample((4, 3), dtype, seed=1), sample((4,), dtype, seed=2)
    check(ag.linear, F.linear, x, w, b, dtype=dtype, second=dtype is np.float64)
    check(ag.linear, F.linear, x, w, dtype=dtype, second=dtype is np.float64)
    check(lambda w, b: ag.linear(x, w, b), lambda w, b: F.linear(torch.tensor(x), w, b), w, b, dtype=dtype)


def test_dot_and_outer():
    x, y = sample((3,)), sample((3,), seed=1)
    check(ag.dot, torch.dot, x, y)
    check(lambda x, y, b: ag.dot(x, y, b), lambda x, y, b: x @ y + b, x, y, np.array(0.3))
    check(ag.outer, torch.outer, x, sample((4,)))
    check(np.dot, torch.mv, sample((2, 3)), x)
    check(np.outer, torch.outer, x, y, second=False)


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("bij,bkj->bik", (2, 3, 4), (2, 5, 4)),
    ("i,j->ji", (3,), (4,)),
    ("ij,kl->i", (2, 3), (4, 2)),
    ("...i,i->...", (2, 3, 4), (4,)),
    ("ii,ij->j", (3, 3), (3, 2)),
    ("ij,j->", (2, 3), (3,)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 5, 2, 4)),
]


@pytest.mark.parametrize(("subscripts", "a", "b"), EINSUMS, ids=[e[0] for e in EINSUMS])
def test_einsum(subscripts, a, b):
    x, y = sample(a), sample(b, seed=1)
    check(lambda x, y: ag.einsum(subscripts, x, y), lambda x, y: torch.einsum(subscripts, x, y), x, y)
    check(lambda x, y: np.einsum(subscripts, x * x, y), lambda x, y: torch.einsum(subscripts, x * x, y), x, y)


def test_einsum_of_one_and_of_three():
    x, y, w = sample((2, 3)), sample((3, 4), seed=1), sample((4, 2), seed=2)
    for subscripts in ("ij->ji", "ij->i", "ij->", "ij"):
        check(lambda x, s=subscripts: ag.einsum(s, x) ** 2, lambda x, s=subscripts: torch.einsum(s, x) ** 2, x)
    check(lambda *xs: ag.einsum("ij,jk,kl->il", *xs), lambda *xs: torch.einsum("ij,jk,kl->il", *xs), x, y, w)


@pytest.mark.parametrize("axes", [0, 1, 2, ([0], [1]), ([1, 0], [0, 1])], ids=str)
def test_tensordot(axes):
    shape = (3, 3, 2) if axes == 2 else (3, 3)
    x, y = sample((2, 3, 3)[-2:] if axes != 2 else (2, 3, 3)), sample(shape, seed=1)
    check(lambda x, y: ag.tensordot(x, y, axes), lambda x, y: torch.tensordot(x, y, axes), x, y)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_running_products_with_zeros_too(axis):
    x = sample((3, 4))
    check(lambda t: ag.cumprod(t, axis), lambda t: t.cumprod(axis), x)
    x[1, 2] = x[0, 0] = 0.0
    check(lambda t: t.cumprod(axis), lambda t: t.cumprod(axis), x, second=False)


@pytest.mark.parametrize("ord", [1, 2, 3, math.inf, -math.inf, 0.5])
def test_norms_of_vectors(ord):
    x = sample((3, 4))
    check(lambda t: ag.norm(t, 1, ord=ord), lambda t: torch.linalg.vector_norm(t, ord, 1), x)
    check(lambda t: np.linalg.norm(t[0], ord), lambda t: torch.linalg.vector_norm(t[0], ord), x)


@pytest.mark.parametrize("ord", [1, -1, math.inf, -math.inf, "fro"])
def test_norms_of_matrices(ord):
    check(lambda t: np.linalg.norm(t, ord), lambda t: torch.linalg.matrix_norm(t, ord), sample((3, 4)))


@pytest.mark.parametrize("ord", [0, "nuc", math.nan, 2])
def test_a_norm_that_is_not_known_is_refused(ord):
    with pytest.raises(ValueError, match="norm: expected for one axis ord 1"):
        ag.norm(Tensor(sample((3, 4))), ord=ord)


def test_averages():
    x, w = sample((3, 4)), np.abs(sample((4,), seed=1)) + 0.5
    check(lambda x, w: ag.average(x, 1, w), lambda x, w: (x * w).sum(1) / w.sum(), x, w)
    check(lambda x: np.average(x, 0), lambda x: x.mean(0), x)
    check(lambda x, w: ag.average(x, weights=w), lambda x, w: (x * w).sum() / w.sum(), x, np.abs(x) + 1)


# ---------------------------------------------------------------- shapes and indices

MOVES = [
    ("reshape", (3, 4), lambda t: t.reshape(2, 6), lambda t: t.reshape(2, 6)),
    ("reshape -1", (2, 3, 4), lambda t: t.reshape((-1, 4)), lambda t: t.reshape(-1, 4)),
    ("reshape to a number", (1, 1), lambda t: t.reshape(()), lambda t: t.reshape(())),
    ("flatten", (2, 3, 4), lambda t: t.flatten(), lambda t: t.flatten()),
    ("transpose", (2, 3, 4), lambda t: t.transpose(2, 0, 1), lambda t: t.permute(2, 0, 1)),
    ("transpose a tuple", (2, 3, 4), lambda t: t.transpose((-1, 0, 1)), lambda t: t.permute(-1, 0, 1)),
    ("T", (2, 3), lambda t: t.T, lambda t: t.T),
    ("T of a vector", (3,), lambda t: t.T, lambda t: t.clone()),
    ("swapaxes", (2, 3, 4), lambda t: t.swapaxes(0, -1), lambda t: t.swapaxes(0, -1)),
    ("squeeze", (1, 3, 1), lambda t: t.squeeze(), lambda t: t.squeeze()),
    ("squeeze one", (1, 3, 1), lambda t: t.squeeze(-1), lambda t: t.squeeze(-1)),
    ("expand_dims", (3, 4), lambda t: ag.expand_dims(t, 1), lambda t: t.unsqueeze(1)),
    ("expand_dims twice", (3,), lambda t: ag.expand_dims(t, (0, -1)), lambda t: t[None, :, None]),
    ("broadcast_to", (3, 1), lambda t: ag.broadcast_to(t, (2, 3, 4)), lambda t: t.expand(2, 3, 4)),
    ("pad", (3, 4), lambda t: ag.pad(t, ((1, 2), (0, 3)), 7.0), lambda t: F.pad(t, (0, 3, 1, 2), value=7.0)),
    ("pad all", (2, 2), lambda t: ag.pad(t, 1), lambda t: F.pad(t, (1, 1, 1, 1))),
    ("clip", (3, 4), lambda t: ag.clip(t, -1.0, 0.9), lambda t: t.clamp(-1.0, 0.9)),
    ("take", (4, 3), lambda t: ag.take(t, [2, 0, 2], 0), lambda t: t[[2, 0, 2]]),
    ("take a column", (4, 3), lambda t: t.take([1, 1], axis=-1), lambda t: t[:, [1, 1]]),
    ("take of all", (4, 3), lambda t: t.take([11, 0, 0]), lambda t: t.flatten()[[11, 0, 0]]),
    ("take one", (4, 3), lambda t: ag.take(t, 1, 0), lambda t: t[1]),
    ("split", (6, 2), lambda t: ag.split(t, 3)[1], lambda t: t.split(2)[1]),
    ("split at", (6, 2), lambda t: ag.split(t, [1, 4])[2] * 2, lambda t: t[4:] * 2),
    ("split columns", (2, 6), lambda t: ag.split(t, 2, -1)[1], lambda t: t[:, 3:]),
    ("where", (3, 4), lambda t: ag.where(MASK, t, t * t), lambda t: torch.where(torch.tensor(MASK), t, t * t)),
    ("where row", (4,), lambda t: ag.where(MASK, t, 2.0), lambda t: torch.where(torch.tensor(MASK), t, 2.0)),
    ("item", (3, 4), lambda t: t[1, 2], lambda t: t[1, 2]),
    ("row", (3, 4), lambda t: t[-1], lambda t: t[-1]),
    ("slice", (5, 4), lambda t: t[1:4:2, ::3], lambda t: t[1:4:2, ::3]),
    ("ellipsis", (2, 3, 4), lambda t: t[..., 1], lambda t: t[..., 1]),
    ("new axis", (3,), lambda t: t[:, None], lambda t: t[:, None]),
    ("integers", (3, 4), lambda t: t[[0, 0, 2]], lambda t: t[[0, 0, 2]]),
    ("pairs", (3, 4), lambda t: t[[0, 0, 2], [1, 1, 3]], lambda t: t[[0, 0, 2], [1, 1, 3]]),
    ("integers and slices", (3, 4), lambda t: t[1:, [0, 0, 3]], lambda t: t[1:, [0, 0, 3]]),
    ("mask", (3, 4), lambda t: t[MASK], lambda t: t[torch.tensor(MASK)]),
    ("mask of rows", (3, 4), lambda t: t[[True, False, True]], lambda t: t[[True, False, True]]),
    ("no rows", (3, 4), lambda t: t[[]], lambda t: t[0:0]),
    ("no slice", (3, 4), lambda t: t[2:2], lambda t: t[2:2]),
    ("flip", (3, 4), lambda t: ag.flip(t), lambda t: t.flip(0, 1)),
    ("flip rows", (3, 4), lambda t: np.flip(t, 0), lambda t: t.flip(0)),
    ("roll", (3, 4), lambda t: ag.roll(t, 5), lambda t: t.roll(5)),
    ("roll axes", (3, 4), lambda t: np.roll(t, (1, -1), (0, 1)), lambda t: t.roll((1, -1), (0, 1))),
    ("moveaxis", (2, 3, 4), lambda t: ag.moveaxis(t, (0, 1), (-1, 0)), lambda t: t.moveaxis((0, 1), (-1, 0))),
    ("sort", (3, 4), lambda t: ag.sort(t), lambda t: t.sort(-1)[0]),
    ("sort all", (3, 4), lambda t: np.sort(t, None), lambda t: t.flatten().sort()[0]),
    ("repeat", (3, 4), lambda t: ag.repeat(t, 2), lambda t: t.flatten().repeat_interleave(2)),
    (
        "repeat each",
        (3, 4),
        lambda t: t.repeat([2, 0, 1], 0),
        lambda t: t.repeat_interleave(torch.tensor([2, 0, 1]), 0),
    ),
    ("tile", (3, 4), lambda t: ag.tile(t, (2, 1, 3)), lambda t: t.tile(2, 1, 3)),
    ("tile last", (3, 4), lambda t: np.tile(t, 2), lambda t: t.tile(2)),
    ("column_stack", (3, 4), lambda t: ag.column_stack([t[:, 0], t]), lambda t: torch.column_stack([t[:, 0], t])),
    ("diag", (3, 4), lambda t: ag.diag(t, 1), lambda t: t.diag(1)),
    ("diag of a vector", (3,), lambda t: np.diag(t, -1), lambda t: t.diag(-1)),
    ("diagonal", (2, 3, 4), lambda t: ag.diagonal(t, -1, 0, 2), lambda t: t.diagonal(-1, 0, 2)),
    ("trace", (3, 4), lambda t: ag.trace(t), lambda t: t.trace()),
    ("cumsum", (3, 4), lambda t: t.cumsum(1), lambda t: t.cumsum(1)),
    ("cumsum of all", (3, 4), lambda t: np.cumsum(t), lambda t: t.flatten().cumsum(0)),
    ("nan_to_num", (3, 4), lambda t: ag.nan_to_num(t), lambda t: t.nan_to_num()),
    ("unpacked", (2, 3), lambda t: [row * 2 for row in t][1], lambda t: [row * 2 for row in t][1]),
]
MASK = np.arange(12).reshape(3, 4) % 5 < 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize(("shape", "ours", "theirs"), [m[1:] for m in MOVES], ids=[m[0] for m in MOVES])
def test_shapes_and_indices(shape, ours, theirs, dtype):
    x = sample(shape, dtype)
    check(ours, theirs, x, dtype=dtype, second=False, tolerance=1e-6 if dtype is np.float32 else None)
    check(lambda t: ours(t) ** 2, lambda t: theirs(t) ** 2, x, dtype=dtype, tolerance=1e-5)


def test_joining():
    x, y = sample((2, 3)), sample((4, 3), seed=1)
    check(lambda x, y: ag.concatenate([x, y, x]), lambda x, y: torch.cat([x, y, x]), x, y)
    check(lambda x, y: np.concatenate([x.T, y.T], 1), lambda x, y: torch.cat([x.T, y.T], 1), x, y)
    check(lambda x: ag.concatenate([y, x], axis=-2), lambda x: torch.cat([torch.tensor(y), x]), x)
    for axis in (0, 1, 2, -1):
        check(
            lambda x: ag.stack([x, x * x, y[:2]], axis), lambda x: torch.stack([x, x * x, torch.tensor(y[:2])], axis), x
        )
    check(lambda x: ag.concatenate([x * x, np.zeros((0, 3))]), lambda x: x * x, x)


# ---------------------------------------------------------------- losses

ROWS = [(5, 3), (1, 3), (5, 1), (4,), ()]


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("shape", ROWS, ids=str)
def test_losses_of_two_arrays(shape, dtype):
    samples = shape[0] if len(shape) == 2 else 1
    x, y = sample(shape, dtype), np.abs(sample(shape, dtype, seed=1)) / 2.1
    close = {"dtype": dtype, "second": dtype is np.float64}
    check(ag.squared_error, lambda x, y: 0.5 * ((x - y) ** 2).sum() / samples, x, y, **close)
    check(ag.binary_cross_entropy_with_logits, F.binary_cross_entropy_with_logits, x, y, **close)
    p = np.abs(x) / 2.1
    check(lambda p: ag.binary_cross_entropy(p, y), lambda p: F.binary_cross_entropy(p, torch.tensor(y)), p, **close)
    y_slope = torch.tensor(y, requires_grad=True)
    t = Tensor(y)
    ag.binary_cross_entropy(p, t).backward()
    (-(y_slope * torch.log(torch.tensor(p)) + (1 - y_slope) * torch.log(1 - torch.tensor(p)))).mean().backward()
    np.testing.assert_allclose(t.grad, y_slope.grad.numpy(), rtol=1e-4 if dtype is np.float32 else 1e-9, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_cross_entropy_of_softmax(dtype):
    x, labels = sample((5, 3), dtype), np.array([2, 0, 1, 1, 2])
    close = {"dtype": dtype, "second": dtype is np.float64}
    check(lambda x: ag.softmax_cross_entropy(x, labels), lambda x: F.cross_entropy(x, torch.tensor(labels)), x, **close)
    p = torch.softmax(torch.tensor(sample((5, 3), seed=4)), 1).numpy().astype(dtype)
    check(lambda x: ag.softmax_cross_entropy(x, p), lambda x: F.cross_entropy(x, torch.tensor(p)), x, **close)
    check(
        lambda x, y: ag.softmax_cross_entropy(x, ag.softmax(y)),
        lambda x, y: F.cross_entropy(x, torch.softmax(y, 1)),
        x,
        sample((5, 3), dtype, seed=2),
        **close,
    )
    words, letters = sample((2, 5, 3), dtype), np.stack([labels, labels[::-1]])
    check(
        lambda x: ag.softmax_cross_entropy(x, letters),
        lambda x: F.cross_entropy(x.swapaxes(1, 2), torch.tensor(letters)),
        words,
        **close,
    )
    check(lambda x: ag.softmax_cross_entropy(x, 2), lambda x: F.cross_entropy(x, torch.tensor(2)), x[0], **close)


def test_weights_of_samples():
    x, y, w = sample((5, 3)), np.abs(sample((5, 3), seed=1)) / 2.1, np.array([0.5, 0.0, 2.0, 1.0, 3.0])
    v = torch.tensor(w)
    check(lambda x: ag.squared_error(x, y, w), lambda x: (0.5 * ((x - torch.tensor(y)) ** 2).sum(1) * v).mean(), x)
    check(
        lambda x: ag.binary_cross_entropy_with_logits(x, y, w),
        lambda x: (F.binary_cross_entropy_with_logits(x, torch.tensor(y), reduction="none").mean(1) * v).mean(),
        x,
    )
    check(
        lambda x: ag.binary_cross_entropy(ag.sigmoid(x), y, w),
        lambda x: (F.binary_cross_entropy(torch.sigmoid(x), torch.tensor(y), reduction="none").mean(1) * v).mean(),
        x,
    )
    labels = np.array([2, 0, 1, 1, 2])
    check(
        lambda x: ag.softmax_cross_entropy(x, labels, w),
        lambda x: (F.cross_entropy(x, torch.tensor(labels), reduction="none") * v).mean(),
        x,
    )


# ---------------------------------------------------------------- kinks and singular points

inf, nan = np.inf, np.nan
CORNERS = np.array([0.0, -0.0, inf, -inf, nan, 1.0, -1.0, 1e308, -1e308, 5e-324, 745.0, -745.0, 1000.0, -1000.0])
# Here the two differ on purpose: outside its domain log has no slope, and nan in is nan out.
OWN_WAY = {
    **dict.fromkeys(("log", "log2", "log10"), CORNERS < 0),
    "log1p": CORNERS < -1,
    **dict.fromkeys(("arcsin", "arccos"), ~(np.abs(CORNERS) < 1)),
    **dict.fromkeys(("hard_sigmoid", "selu"), np.isnan(CORNERS)),
    **dict.fromkeys(("silu", "mish", "gelu", "softsign"), ~(np.abs(CORNERS) < 700)),
    "sign": np.isnan(CORNERS),
    "relu": np.isnan(CORNERS),
    "abs": np.isnan(CORNERS),
}


@pytest.mark.parametrize("name", [n for n in UNARY if n not in ("step",)])
def test_corners_of_arrays(name):
    here = CORNERS[~OWN_WAY.get(name, np.zeros(CORNERS.shape, bool))]
    if name in ("tanh", "tan"):
        here = here[np.isfinite(here)]
    x, t = Tensor(here), torch.tensor(here, requires_grad=True)
    z, u = (getattr(ag, name, None) or ag.linear)(x), theirs(name)(t)
    np.testing.assert_allclose(z.data, u.detach().numpy(), rtol=1e-12, atol=5e-324)
    z.backward(np.ones(z.shape))
    u.sum().backward()
    expected = np.zeros(here.shape) if t.grad is None else t.grad.numpy()
    np.testing.assert_allclose(x.grad, expected, rtol=1e-9, atol=1e-300)


# ---------------------------------------------------------------- functions and their derivatives

FUNCTIONS = [
    (lambda x: ag.sum(ag.tanh(x @ x.T)), lambda x: torch.tanh(x @ x.T).sum()),
    (lambda x: ag.logsumexp(x[[0, 1, 0]] * x[1]), lambda x: (x[[0, 1, 0]] * x[1]).logsumexp((0, 1))),
    (lambda x: ag.prod(ag.sin(x)), lambda x: torch.sin(x).prod()),
    (lambda x: ag.norm(ag.softmax(x, axis=0)), lambda x: torch.softmax(x, 0).norm()),
    (lambda x: ag.mean(ag.where(x > 0, x**3, ag.exp(x))), lambda x: torch.where(x > 0, x**3, torch.exp(x)).mean()),
    (lambda x: ag.softmax_cross_entropy(x, [2, 0]), lambda x: F.cross_entropy(x, torch.tensor([2, 0]))),
    (lambda x: ag.std(x.reshape(3, 2), 0).sum(), lambda x: x.reshape(3, 2).std(0, correction=0).sum()),
]


@pytest.mark.parametrize(("ours", "theirs"), FUNCTIONS)
def test_gradients_jacobians_and_hessians_of_functions(ours, theirs):
    x, v = sample((2, 3)), sample((2, 3), seed=1)
    t = torch.tensor(x)
    wanted = torch.autograd.functional
    close = functools.partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-12)
    close(ag.grad(ours)(x), wanted.jacobian(theirs, t).numpy())
    close(ag.hessian(ours)(x), wanted.hessian(theirs, t).numpy())
    close(ag.hessian_vector_product(ours, x, v), wanted.hvp(theirs, t, torch.tensor(v))[1].numpy())
    close(ag.jacobian(lambda x: ag.tanh(x) @ x.T)(x), wanted.jacobian(lambda t: torch.tanh(t) @ t.T, t).numpy())


# ---------------------------------------------------------------- random graphs

STEPS = [
    (lambda a, b: a + b, lambda a, b: a + b),
    (lambda a, b: a - b, lambda a, b: a - b),
    (lambda a, b: a * b, lambda a, b: a * b),
    (lambda a, b: a / (b * b + 1.5), lambda a, b: a / (b * b + 1.5)),
    (lambda a, b: ag.tanh(a) * b, lambda a, b: torch.tanh(a) * b),
    (lambda a, b: ag.sigmoid(a - b), lambda a, b: torch.sigmoid(a - b)),
    (lambda a, b: ag.exp(ag.minimum(a, b) * 0.1), lambda a, b: torch.exp(torch.minimum(a, b) * 0.1)),
    (lambda a, b: ag.relu(a) - b, lambda a, b: torch.relu(a) - b),
    (lambda a, b: a @ b.T @ a, lambda a, b: a @ b.T @ a),
    (lambda a, b: ag.softmax(a, axis=0) * b, lambda a, b: torch.softmax(a, 0) * b),
    (lambda a, b: a - b.mean(1, keepdims=True), lambda a, b: a - b.mean(1, keepdim=True)),
    (lambda a, b: a.sum(0) + b[:, :1], lambda a, b: a.sum(0) + b[:, :1]),
    (lambda a, b: a[[1, 1, 0]] * b, lambda a, b: a[[1, 1, 0]] * b),
    (lambda a, b: ag.concatenate([a, b])[2:5], lambda a, b: torch.cat([a, b])[2:5]),
    (lambda a, b: ag.where(a > b, a, 2 * b), lambda a, b: torch.where(a > b, a, 2 * b)),
    (lambda a, b: a.reshape(2, 6).T.reshape(3, 4) + b, lambda a, b: a.reshape(2, 6).T.reshape(3, 4) + b),
    (lambda a, b: ag.linear(a, b, b[:, 0]) @ a, lambda a, b: F.linear(a, b, b[:, 0]) @ a),
    (lambda a, b: ag.logsumexp(a, axis=1, keepdims=True) * b, lambda a, b: a.logsumexp(1, keepdim=True) * b),
    (lambda a, b: ag.var(a, 0) - b, lambda a, b: a.var(0, correction=0) - b),
]
programs = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=20
)


@given(programs, st.integers(0, 10**6))
def test_random_graphs_with_shared_nodes(steps, seed):
    rng = np.random.default_rng(seed)
    leaves = [rng.normal(size=(3, 4)) for _ in range(2)]
    ours, others = [Tensor(a) for a in leaves], [torch.tensor(a, requires_grad=True) for a in leaves]
    for kind, i, j in steps:
        a, b = i % len(ours), -1 - j % len(ours)
        z, t = STEPS[kind][0](ours[a], ours[b]), STEPS[kind][1](others[a], others[b])
        if np.abs(z.data).max() > 10:
            z, t = ag.sin(z / 10), torch.sin(t / 10)
        ours.append(z)
        others.append(t)
    loss = (ours[-1] * ours[-1]).mean()
    loss.backward()
    (others[-1] * others[-1]).mean().backward()
    pure = gradients(loss, ours[:2])
    graph = gradients(loss, ours[:2], create_graph=True)
    for x, t, *same in zip(ours[:2], others[:2], pure, graph, strict=True):
        if t.grad is None:
            assert x.grad is None
            assert not any(np.any(g) for g in (same[0], same[1].data))
        else:
            for g in (x.grad, same[0], same[1].data):
                np.testing.assert_allclose(g, t.grad.numpy(), rtol=1e-8, atol=1e-8)


def test_a_network_of_two_layers_learns_the_same_numbers():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(20, 5)), rng.integers(0, 3, 20)
    start = [rng.normal(size=s) for s in ((8, 5), (8,), (3, 8), (3,))]
    ours, others = [Tensor(a) for a in start], [torch.tensor(a, requires_grad=True) for a in start]
    for _ in range(20):
        w1, b1, w2, b2 = ours
        ag.softmax_cross_entropy(ag.linear(ag.tanh(ag.linear(x, w1, b1)), w2, b2), labels).backward()
        w1, b1, w2, b2 = others
        F.cross_entropy(
            F.linear(torch.tanh(F.linear(torch.tensor(x), w1, b1)), w2, b2), torch.tensor(labels)
        ).backward()
        for p in ours:
            p.data -= 0.5 * p.grad
            p.grad = None
        with torch.no_grad():
            for p in others:
                p -= 0.5 * p.grad
                p.grad = None
    for p, q in zip(ours, others, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-10, atol=1e-12)
