"""Initializers: ranges and variances from their sources, seeds, and the default."""

import functools

import numpy as np
import pytest

from nn import MLP, Layer, Neuron
from nn.initializers import find_initializer, glorot_uniform, he_uniform, initializers, lecun_uniform, uniform, zeros

# For a weight of shape (30, 600): fan_in 600, fan_out 30.
LIMITS = {
    "lecun_uniform": 0.07071067811865475,  # sqrt(3 / 600)
    "he_uniform": 0.1,  # sqrt(6 / 600)
    "glorot_uniform": 0.09759000729485333,  # sqrt(6 / 630)
    "uniform": 0.5,
    "zeros": 0.0,
}


def test_the_table_is_complete():
    assert set(initializers) == set(LIMITS)


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


@pytest.mark.parametrize("name", LIMITS)
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
