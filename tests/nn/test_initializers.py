"""Initializers: ranges and variances from their sources, seeds, and the default."""

import functools

import numpy as np
import pytest

from nn import MLP, Layer, Neuron
from nn.initializers import (
    constant,
    find_initializer,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    initializers,
    lecun_uniform,
    normal,
    truncated_normal,
    uniform,
    zeros,
)

# For a weight of shape (30, 600): fan_in 600, fan_out 30.
LIMITS = {
    "lecun_uniform": 0.07071067811865475,  # sqrt(3 / 600)
    "he_uniform": 0.1,  # sqrt(6 / 600)
    "glorot_uniform": 0.09759000729485333,  # sqrt(6 / 630)
    "uniform": 0.5,
    "random_uniform": 0.05,
    "zeros": 0.0,
    "constant": 0.0,
}

# The standard deviation, and where the tails are cut off (None: nowhere), of the same weight.
CUT = 2 / 0.87962566103423978  # the factor is Keras' own
DEVIATIONS = {
    "lecun_normal": (0.040824829046386304, CUT),  # sqrt(1 / 600)
    "he_normal": (0.057735026918962574, CUT),  # sqrt(2 / 600)
    "glorot_normal": (0.056343616981901084, CUT),  # sqrt(2 / 630)
    "truncated_normal": (0.05, CUT),
    "scaled_normal": (0.040824829046386304, None),
    "normal": (1.0, None),
    "random_normal": (0.05, None),
}


def test_the_table_is_complete():
    assert set(initializers) == {*LIMITS, *DEVIATIONS, "ones", "orthogonal"}


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (8, 2), (6, 2, 2, 1), (5,)])
def test_orthogonal_rows_or_columns_have_length_1_and_are_at_right_angles(shape):
    w = initializers["orthogonal"](shape, rng=0).reshape(shape[0], -1)
    products = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    assert products == pytest.approx(np.eye(len(products)), abs=1e-12)
    # the signs are drawn too: over many seeds no entry leans to a side
    means = np.mean([initializers["orthogonal"](shape, rng=seed) for seed in range(400)], axis=0)
    assert np.abs(means).max() < 0.25


@pytest.mark.parametrize("name", DEVIATIONS)
def test_normal_numbers_have_the_moments_of_the_source(name):
    std, cut = DEVIATIONS[name]
    w = initializers[name]((30, 600), rng=0)
    assert w.mean() == pytest.approx(0, abs=4 * std / np.sqrt(w.size))
    assert w.std() == pytest.approx(std, rel=4 / np.sqrt(2 * w.size))
    # The fourth moment tells a normal (3), a cut normal (2.3655) and a uniform (1.8) from each other.
    fourth = np.mean((w / std) ** 4)
    assert fourth == pytest.approx(3.0 if cut is None else 2.3655, rel=0.05)
    if cut is None:
        assert np.abs(w).max() > 3 * std
    else:
        assert 0.99 * cut * std < np.abs(w).max() <= cut * std * (1 + 1e-15)


def test_a_cut_normal_agrees_with_pytorch_in_distribution():
    torch = pytest.importorskip("torch")
    ours = truncated_normal((400, 500), 0.87962566103423978, rng=1)
    theirs = torch.nn.init.trunc_normal_(
        torch.empty(400, 500, dtype=torch.float64), generator=torch.Generator().manual_seed(1)
    ).numpy()
    places = np.linspace(-1.9, 1.9, 39)
    shares = [np.searchsorted(np.sort(w.ravel()), places) / w.size for w in (ours, theirs)]
    assert np.abs(shares[0] - shares[1]).max() < 1.63 * np.sqrt(2 / ours.size)  # Kolmogorov and Smirnov, 1 %


def test_the_habit_of_the_lectures_is_uniform_in_half():
    assert np.array_equal(uniform((3, 4), rng=7), np.random.default_rng(7).random((3, 4)) - 0.5)


def test_the_habit_of_nielsen_is_normal_of_one():
    assert np.array_equal(normal((3, 4), rng=7), np.random.default_rng(7).standard_normal((3, 4)))


@pytest.mark.parametrize("name", [*LIMITS, *DEVIATIONS, "ones"])
def test_float32_numbers_are_the_float64_ones_rounded(name):
    narrow, wide = (initializers[name]((3, 4), rng=5, dtype=dtype) for dtype in ("float32", np.float64))
    assert narrow.dtype == np.float32
    assert wide.dtype == np.float64
    assert np.array_equal(narrow, wide.astype(np.float32))


@pytest.mark.parametrize("dtype", [int, "float16", None, "number", complex])
def test_other_types_of_numbers_are_refused(dtype):
    with pytest.raises(TypeError, match="uniform: expected dtype to be float32 or float64, got"):
        he_uniform((2, 2), dtype=dtype)


@pytest.mark.parametrize("name", [*LIMITS, *DEVIATIONS, "ones"])
def test_a_vector_and_an_empty_weight_can_be_drawn(name):
    assert initializers[name]((7,), rng=0).shape == (7,)
    assert initializers[name]((0, 3), rng=0).shape == (0, 3)


def test_a_vector_has_its_length_as_both_fans():
    assert np.abs(he_uniform((600,), rng=0)).max() == pytest.approx(0.1, rel=0.01)
    assert np.abs(glorot_uniform((600,), rng=0)).max() == pytest.approx(0.1 / np.sqrt(2), rel=0.01)


def test_windows_count_for_the_fans_of_the_normal_ones_too():
    # 80 filters of 40 channels, 3 x 3: fan_in 360, fan_out 720
    assert he_normal((80, 40, 3, 3), rng=0).std() == pytest.approx(np.sqrt(2 / 360), rel=0.02)
    assert glorot_normal((80, 40, 3, 3), rng=0).std() == pytest.approx(np.sqrt(2 / 1080), rel=0.02)


def test_constants_are_what_they_are_called():
    assert constant((2, 2), 0.25).tolist() == [[0.25, 0.25]] * 2
    assert initializers["ones"]((2,)).tolist() == [1.0, 1.0]
    assert functools.partial(constant, value=3)((1,), rng=0).tolist() == [3.0]


@pytest.mark.parametrize(("f", "option"), [(uniform, "limit"), (normal, "std"), (truncated_normal, "std")])
def test_a_negative_width_is_refused(f, option):
    with pytest.raises(
        ValueError, match=f"{f.__name__}: expected {option} to be a finite number of at least 0, got -1"
    ):
        f((2, 2), -1.0)


@pytest.mark.parametrize("name", LIMITS)
def test_numbers_fill_the_range_of_the_source(name):
    w, limit = initializers[name]((30, 600), rng=0), LIMITS[name]
    assert w.shape == (30, 600)
    assert w.dtype == np.float64
    assert np.abs(w).max() <= limit * (1 + 1e-15)
    assert np.abs(w).max() == pytest.approx(limit, rel=1e-3)
    assert w.mean() == pytest.approx(0, abs=0.02 * limit)
    assert w.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)


def test_windows_count_for_the_fans():
    # 8 filters of 4 channels, 3 x 3: fan_in 36, fan_out 72
    assert np.abs(he_uniform((8, 4, 3, 3), rng=0)).max() == pytest.approx(np.sqrt(6 / 36), rel=0.02)
    assert np.abs(glorot_uniform((8, 4, 3, 3), rng=0)).max() == pytest.approx(np.sqrt(6 / 108), rel=0.02)


def test_a_lecun_layer_keeps_the_variance_of_its_inputs():
    x = np.random.default_rng(1).standard_normal((2000, 100))
    assert (x @ lecun_uniform((50, 100), rng=0).T).var() == pytest.approx(1.0, rel=0.05)


def test_a_he_layer_of_relus_keeps_the_mean_square_of_its_inputs():
    x = np.random.default_rng(1).standard_normal((2000, 100))
    z = x @ he_uniform((50, 100), rng=0).T
    assert np.mean(np.maximum(z, 0) ** 2) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("name", [*LIMITS, *DEVIATIONS])
def test_the_same_seed_gives_the_same_bits(name):
    f = initializers[name]
    assert f((3, 4), rng=5).tobytes() == f((3, 4), rng=5).tobytes()
    assert f((3, 4), rng=np.random.default_rng(5)).tobytes() == f((3, 4), rng=5).tobytes()


def test_another_seed_gives_other_numbers():
    assert not np.array_equal(he_uniform((3, 4), rng=1), he_uniform((3, 4), rng=2))


def test_a_generator_moves_on():
    rng = np.random.default_rng(0)
    assert not np.array_equal(uniform((2, 2), rng=rng), uniform((2, 2), rng=rng))


def test_the_global_random_state_of_numpy_is_left_alone():
    before = np.random.get_state()  # noqa: NPY002
    MLP(3, [4, 2], rng=0)
    MLP(3, [4, 2])
    after = np.random.get_state()  # noqa: NPY002
    assert before[0] == after[0]
    assert np.array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_biases_start_at_zero():
    _, biases = MLP(3, [4, 2], initializer="uniform", rng=0).get_weights()
    assert not np.concatenate(biases).any()


def test_a_net_draws_its_layers_in_order():
    rng = np.random.default_rng(4)
    expected = [he_uniform((4, 3), rng=rng), he_uniform((2, 4), rng=rng)]
    weights, _ = MLP(3, [4, 2], rng=4).get_weights()
    assert all(np.array_equal(w, e) for w, e in zip(weights, expected, strict=True))


def test_a_neuron_and_a_layer_of_one_start_alike():
    assert np.array_equal(Neuron(3, rng=2).get_weights()[0], Layer(3, 1, rng=2).get_weights()[0][0])


def test_the_range_of_micrograd_is_one_option_away():
    weights, _ = Layer(50, 4, initializer=functools.partial(uniform, limit=1.0), rng=0).get_weights()
    assert 0.9 < np.abs(weights).max() <= 1.0


def test_a_function_of_ones_own_serves():
    weights, _ = Layer(2, 3, initializer=lambda shape, rng: np.full(shape, 0.25)).get_weights()
    assert np.array_equal(weights, np.full((3, 2), 0.25))


def test_an_initializer_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"weights: expected shape \(3, 2\), got \(2, 3\)"):
        Layer(2, 3, initializer=lambda shape, rng: np.zeros(shape[::-1]))


def test_a_misspelt_name_is_refused_with_a_suggestion():
    with pytest.raises(ValueError, match="unknown initializer 'he_unifrom'; did you mean 'he_uniform'"):
        Neuron(2, initializer="he_unifrom")


def test_a_known_name_finds_its_function():
    assert find_initializer("zeros") is zeros
