"""Convolution, pooling and windows: against their definitions, PyTorch to second order, and the complex step."""

import itertools
import math

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, gradients
from autograd.ops import convolutions

# samples, space, channels, units, window, strides, padding
CASES = [
    (2, (7,), 3, 4, (3,), 1, "valid"),
    (3, (8,), 1, 2, (4,), 3, "same"),
    (2, (7, 6), 3, 4, (3, 2), 1, "valid"),
    (3, (9, 8), 1, 2, (3, 3), (2, 2), "valid"),
    (2, (10, 7), 2, 3, (2, 3), (3, 1), "valid"),
    (2, (5, 6), 2, 2, (3, 3), 1, "same"),
    (2, (6, 5), 1, 2, (4, 2), (2, 3), "same"),
    (1, (5, 5), 1, 1, (5, 5), 1, "valid"),
    (2, (4, 4), 2, 3, (2, 2), 2, ((1, 0), (2, 1))),
    (1, (4, 3, 5), 2, 2, (2, 3, 2), (1, 1, 2), "valid"),
]


def numbers(case, seed=0):
    n, space, channels, units, window, strides, padding = case
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, *space, channels))
    return x, rng.normal(size=(units, *window, channels)), rng.normal(size=units), strides, padding


def by_definition(x, w, b, strides, padding):
    """z[n, p, o] = Σ x[n, p·stride + k, c] w[o, k, c] + b[o], number by number."""
    axes = x.ndim - 2
    strides = (strides,) * axes if isinstance(strides, int) else strides
    pads = padded(x.shape[1:-1], w.shape[1:-1], strides, padding)
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    places = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], w.shape[1:-1], strides, strict=True)]
    z = np.zeros((len(x), *places, len(w)), np.result_type(x, w, b))
    for p in itertools.product(*map(range, places)):
        seen = x[(slice(None), *(slice(i * s, i * s + k) for i, s, k in zip(p, strides, w.shape[1:-1], strict=True)))]
        for o in range(len(w)):
            z[(slice(None), *p, o)] = (seen * w[o]).sum(tuple(range(1, x.ndim))) + b[o]
    return z


def padded(space, window, strides, padding):
    if padding == "valid":
        return [(0, 0)] * len(space)
    if padding == "same":
        missing = [max(0, (math.ceil(n / s) - 1) * s + k - n) for n, k, s in zip(space, window, strides, strict=True)]
        return [(m // 2, m - m // 2) for m in missing]
    return padding


def test_a_convolution_worked_by_hand():
    x = Tensor([[[1.0], [2.0], [3.0], [4.0]]])
    w, b = Tensor([[[10.0], [1.0]]]), Tensor([0.5])
    z = ag.conv(x, w, b)
    assert z.tolist() == [[[12.5], [23.5], [34.5]]]
    z.backward([[[1.0], [0.0], [2.0]]])
    assert w.grad.tolist() == [[[7.0], [10.0]]]
    assert b.grad.tolist() == [3.0]
    assert x.grad.tolist() == [[[10.0], [1.0], [20.0], [2.0]]]


@pytest.mark.parametrize("case", CASES)
def test_a_convolution_is_its_definition(case):
    x, w, b, strides, padding = numbers(case)
    right = by_definition(x, w, b, strides, padding)
    assert ag.conv(x, w, b, strides, padding) == pytest.approx(right, rel=1e-12, abs=1e-13)
    assert ag.conv(x, w, None, strides, padding) == pytest.approx(right - b, rel=1e-12, abs=1e-13)
    assert ag.conv(Tensor(x), w, Tensor(b), strides=strides, padding=padding).data == pytest.approx(right, rel=1e-12)
    if padding == "same":
        steps = (strides,) * (x.ndim - 2) if isinstance(strides, int) else strides
        assert right.shape[1:-1] == tuple(math.ceil(n / s) for n, s in zip(x.shape[1:-1], steps, strict=True))


@pytest.mark.parametrize("case", CASES)
def test_its_gradients_are_those_of_the_complex_step(case):
    x, w, b, strides, padding = numbers(case)
    leaves = [Tensor(v) for v in (x, w, b)]
    z = ag.conv(*leaves, strides, padding)
    g = np.random.default_rng(1).normal(size=z.shape)
    found = gradients((z * g).sum(), leaves)
    for i, v in enumerate((x, w, b)):
        for at in np.random.default_rng(2).permutation(v.size)[:6]:
            moved = [u.astype(complex) for u in (x, w, b)]
            moved[i].flat[at] += 1e-20j
            slope = (by_definition(*moved, strides, padding) * g).sum().imag / 1e-20
            assert found[i].flat[at] == pytest.approx(slope, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_values_and_both_derivatives_are_pytorchs(case):
    torch = pytest.importorskip("torch")
    x, w, b, strides, padding = numbers(case)
    axes = x.ndim - 2
    steps = (strides,) * axes if isinstance(strides, int) else strides
    pads = padded(x.shape[1:-1], w.shape[1:-1], steps, padding)
    theirs = [torch.tensor(v, requires_grad=True) for v in (x, w, b)]
    last_first = (0, axes + 1, *range(1, axes + 1))
    wide = torch.nn.functional.pad(theirs[0].permute(last_first), [n for pair in reversed(pads) for n in pair])
    conv = (torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)[axes - 1]
    tz = conv(wide, theirs[1].permute(last_first), theirs[2], stride=steps).movedim(1, -1)
    leaves = [Tensor(v) for v in (x, w, b)]
    z = ag.conv(*leaves, strides, padding)
    assert z.data == pytest.approx(tz.detach().numpy(), rel=1e-9, abs=1e-12)

    first = gradients((z**3).sum(), leaves, create_graph=True)
    right = torch.autograd.grad((tz**3).sum(), theirs, create_graph=True)
    second = gradients(sum((g * g).sum() for g in first), leaves)
    also = torch.autograd.grad(sum((g * g).sum() for g in right), theirs)
    for ours, their in (*zip(first, right, strict=True), *zip(second, also, strict=True)):
        ours = ours.data if isinstance(ours, Tensor) else ours
        assert ours == pytest.approx(their.detach().numpy(), rel=1e-9, abs=1e-9 * np.abs(ours).max())


def test_batches_in_pieces_give_the_same_numbers(monkeypatch):
    for case in CASES[2:5]:
        x, w, b, strides, padding = numbers(case)
        x = np.concatenate([x] * 5)
        results = []
        for piece in (1, 2000, 1 << 20):
            monkeypatch.setattr(convolutions, "PIECE", piece)
            leaves = [Tensor(v) for v in (x, w, b)]
            z = ag.conv(*leaves, strides, padding)
            results.append([z.data, *gradients((z * z).sum(), leaves)])
        for of_a_piece in results[1:]:
            for a, c in zip(results[0], of_a_piece, strict=True):
                assert a == pytest.approx(c, rel=1e-12, abs=1e-12)


def test_no_sample_has_no_result_and_zero_gradients():
    x, w, b = Tensor(np.zeros((0, 5, 5, 2))), Tensor(np.ones((3, 2, 2, 2))), Tensor(np.ones(3))
    z = ag.max_pool(ag.conv(x, w, b), 2)
    assert z.shape == (0, 2, 2, 3)
    z.sum().backward()
    assert (w.grad == 0).all()
    assert (b.grad == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept(dtype):
    x, w, b = (Tensor(v, dtype=dtype) for v in numbers(CASES[2])[:3])
    z = ag.average_pool(ag.max_pool(ag.conv(x, w, b), 2, 1), 2)
    assert z.dtype == dtype
    z.sum().backward()
    assert x.grad.dtype == w.grad.dtype == b.grad.dtype == dtype


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (
            lambda x, w: ag.conv(x, w[..., :1]),
            r"\(samples, \*space, channels\).*got \(2, 5, 6, 3\), \(4, 3, 2, 1\) and None",
        ),
        (lambda x, w: ag.conv(x, w, np.ones(3)), r"b \(units,\) or None; got .* and \(3,\)"),
        (lambda x, w: ag.conv(x[:, :2], w), "a window of 3×2 does not fit into 2×6; padding='same'"),
        (lambda x, w: ag.conv(x, w, strides=0), "strides of at least 1, one or 2 of them, got 0"),
        (lambda x, w: ag.conv(x, w, strides=(1, 2, 3)), "strides of at least 1, one or 2 of them"),
        (lambda x, w: ag.conv(x, w, padding="full"), "padding 'valid', 'same' or .*, got 'full'"),
        (lambda x, w: ag.conv(x, w, padding=((1, 1),)), r"\(before, after\) of at least 0 for each of 2 axes"),
        (lambda x, w: ag.max_pool(x, 6), "a window of 6×6 does not fit into 5×6"),
        (lambda x, w: ag.max_pool(x, 0), "size of at least 1"),
        (lambda x, w: ag.fold(ag.windows(x, 2), (7, 7)), "6×6 windows of 2×2 stand in 7×7, got 4×5"),
        (lambda x, w: ag.fold(x[0], 5), r"expected v \(samples, \*places, \*size, channels\)"),
    ],
)
def test_what_does_not_fit_is_said(wrong, match):
    with pytest.raises(ValueError, match=match):
        wrong(np.ones((2, 5, 6, 3)), np.ones((4, 3, 2, 3)))


def test_sizes_are_whole_numbers():
    with pytest.raises(TypeError, match="strides as an int or 2 of them, got"):
        ag.conv(np.ones((1, 4, 4, 1)), np.ones((1, 2, 2, 1)), strides=1.5)
    with pytest.raises(TypeError, match="size as an int or 2 of them"):
        ag.max_pool(np.ones((1, 4, 4, 1)), "2")


POOLS = [(2, None, "valid"), ((2, 3), (1, 2), "valid"), (3, 2, "same"), (2, 1, "same")]


@pytest.mark.parametrize(("size", "strides", "padding"), POOLS)
def test_pooling_is_the_largest_and_the_mean_of_each_window(size, strides, padding):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2, 6, 7, 3))
    sizes = (size, size) if isinstance(size, int) else size
    steps = sizes if strides is None else (strides, strides) if isinstance(strides, int) else strides
    pads = padded((6, 7), sizes, steps, padding)
    wide = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=np.nan)
    places = [(n - k) // s + 1 for n, k, s in zip(wide.shape[1:-1], sizes, steps, strict=True)]
    largest, average = np.empty((2, 2, *places, 3))
    for i, j in itertools.product(*map(range, places)):
        seen = wide[:, i * steps[0] : i * steps[0] + sizes[0], j * steps[1] : j * steps[1] + sizes[1]]
        largest[:, i, j] = np.nanmax(seen, (1, 2))
        average[:, i, j] = np.nanmean(seen, (1, 2))
    assert np.array_equal(ag.max_pool(x, size, strides, padding), largest)
    assert ag.average_pool(x, size, strides, padding) == pytest.approx(average, rel=1e-12)

    leaf = Tensor(x)
    for pool in (ag.max_pool, ag.average_pool):
        g = rng.normal(size=(2, *places, 3))
        found = gradients((pool(leaf, size, strides, padding) * g).sum(), leaf)
        for at in rng.permutation(x.size)[:20]:
            up, down = x.copy(), x.copy()
            up.flat[at] += 1e-6
            down.flat[at] -= 1e-6
            slope = ((pool(up, size, strides, padding) - pool(down, size, strides, padding)) * g).sum() / 2e-6
            assert found.flat[at] == pytest.approx(slope, abs=1e-7)


def test_equal_numbers_of_a_window_share_its_gradient():
    x = Tensor(np.array([[[1.0], [1.0], [0.0], [2.0]]]))
    ag.max_pool(x, 2).backward([[[6.0], [5.0]]])
    assert x.grad.ravel().tolist() == [3.0, 3.0, 0.0, 5.0]


def test_pooling_has_pytorchs_derivatives_of_second_order():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(4).normal(size=(2, 6, 4, 3))
    leaf, their = Tensor(x), torch.tensor(x, requires_grad=True)
    for ours, theirs in (
        (lambda t: ag.max_pool(t, 2), torch.nn.functional.max_pool2d),
        (lambda t: ag.average_pool(t, 2), torch.nn.functional.avg_pool2d),
    ):
        z, tz = ours(leaf), theirs(their.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        g = gradients((z**3).sum(), leaf, create_graph=True)
        (tg,) = torch.autograd.grad((tz**3).sum(), their, create_graph=True)
        assert g.data == pytest.approx(tg.detach().numpy(), rel=1e-9)
        right = torch.autograd.grad((tg**2).sum(), their)[0].numpy()
        assert gradients((g * g).sum(), leaf) == pytest.approx(right, rel=1e-9)


def test_a_convolution_is_its_windows_weighted_and_summed_up():
    for case in CASES:
        x, w, b, strides, padding = numbers(case)
        seen = ag.windows(Tensor(x), w.shape[1:-1], strides, padding)
        axes = x.ndim - 2
        rows = seen.reshape((*seen.shape[: axes + 1], -1))
        z = ag.linear(rows, w.reshape(len(w), -1), b)
        assert z.data == pytest.approx(ag.conv(x, w, b, strides, padding), rel=1e-12, abs=1e-13)


def test_fold_is_the_reverse_of_windows_and_each_the_gradient_of_the_other():
    rng = np.random.default_rng(5)
    for size, strides, padding in [((2, 3), 1, "valid"), (2, 2, "valid"), (3, (2, 1), "same")]:
        x = Tensor(rng.normal(size=(2, 6, 5, 2)))
        v = ag.windows(x, size, strides, padding)
        g = rng.normal(size=v.shape)
        back = ag.fold(Tensor(g), (6, 5), strides, padding)
        assert gradients((v * g).sum(), x) == pytest.approx(back.data, rel=1e-12)
        # <windows(x), g> = <x, fold(g)>, what makes them each other's gradient
        assert (v.data * g).sum() == pytest.approx((x.data * back.data).sum(), rel=1e-12)
        u = Tensor(g)
        h = rng.normal(size=(2, 6, 5, 2))
        right = ag.windows(h, size, strides, padding)
        assert gradients((ag.fold(u, (6, 5), strides, padding) * h).sum(), u) == pytest.approx(right, rel=1e-12)


def test_upsampling_repeats_each_number_and_is_the_reverse_of_pooling():
    x = Tensor([[[1.0], [2.0]]])
    assert convolutions.upsample(x, (3,)).tolist() == [[[1.0], [1.0], [1.0], [2.0], [2.0], [2.0]]]
    found = gradients((convolutions.upsample(x, (3,)) * np.arange(6.0).reshape(1, 6, 1)).sum(), x)
    assert found.tolist() == [[[0.0 + 1.0 + 2.0], [3.0 + 4.0 + 5.0]]]
    y = np.random.default_rng(0).normal(size=(2, 3, 2, 4))
    assert np.array_equal(convolutions.upsample(y, (2, 3)), y.repeat(2, 1).repeat(3, 2))
    pooled = ag.average_pool(convolutions.upsample(Tensor(y), (2, 3)), (2, 3))
    assert pooled.data == pytest.approx(y, rel=1e-12)
