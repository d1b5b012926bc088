"""Made data sets: shapes by hand and against scikit-learn, seeds, noise."""

import numpy as np
import pytest

from nn import datasets

MADE = {
    "xor": lambda **options: datasets.xor(40, **options),
    "moons": datasets.moons,
    "circles": datasets.circles,
    "spirals": datasets.spirals,
    "curve": datasets.curve,
}


@pytest.mark.parametrize("name", MADE)
def test_the_same_seed_makes_the_same_data(name):
    one, same, other = (MADE[name](noise=0.1, rng=seed) for seed in (0, 0, 1))
    assert one.x.tobytes() == same.x.tobytes()
    assert one.y.tobytes() == same.y.tobytes()
    assert one.x.tobytes() != other.x.tobytes()
    rng = np.random.default_rng(0)
    assert MADE[name](noise=0.1, rng=rng).x.tobytes() == one.x.tobytes() != MADE[name](noise=0.1, rng=rng).x.tobytes()


@pytest.mark.parametrize("name", ["xor", "moons", "circles", "spirals"])
def test_both_labels_are_in_every_part(name):
    x, y = MADE[name](rng=0)
    assert y.dtype == np.int64
    assert x.shape == (len(y), 2)
    assert np.bincount(y).tolist() == [len(y) // 2] * 2
    assert set(y[: len(y) // 4]) == set(y[-len(y) // 4 :]) == {0, 1}


@pytest.mark.parametrize("name", MADE)
def test_noise_has_its_standard_deviation(name):
    def make(noise):
        return getattr(datasets, name)(samples=20_000, noise=noise, rng=3)

    column = 1 if name == "curve" else 0
    assert (make(0.25)[column] - make(0.0)[column]).std() == pytest.approx(0.25, rel=0.02)


def test_xor_is_one_where_the_coordinates_differ():
    x, y = datasets.xor(rng=0)
    assert sorted(map(tuple, np.column_stack([x, y]).tolist())) == [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 7])
@pytest.mark.parametrize("name", ["moons", "circles"])
def test_without_noise_the_points_are_those_of_scikit_learn(name, n):
    sk = pytest.importorskip("sklearn.datasets")
    theirs = np.column_stack(getattr(sk, f"make_{name}")(n, **({"factor": 0.5} if name == "circles" else {})))
    ours = np.column_stack(getattr(datasets, name)(n, 0.0, rng=0))
    assert len(ours) == n
    distance = np.abs(ours[:, None] - theirs[None]).max(axis=2)
    assert distance.min(axis=0).max() < 1e-14
    assert distance.min(axis=1).max() < 1e-14


def test_spirals_wind_outwards():
    x, y = datasets.spirals(90, 0.0, classes=3, turns=1.5, rng=0)
    radius = np.hypot(*x.T)
    for arm in range(3):
        own = np.argsort(radius[y == arm])
        assert radius[y == arm][own] == pytest.approx(np.arange(1, 31) / 30)
        angle = np.unwrap(np.arctan2(*x[y == arm][own].T[::-1]))
        assert np.diff(angle) == pytest.approx(np.full(29, 1.5 * 2 * np.pi / 30))
        assert angle[-1] % (2 * np.pi) == pytest.approx((1.5 + arm / 3) * 2 * np.pi % (2 * np.pi))


@pytest.mark.parametrize(
    ("name", "value"),
    [("line", 5.0), ("parabola", 4.0), ("cubic", 6.0), ("abs", 2.0), ("step", 1.0), ("bump", 0.0183156)],
)
def test_a_curve_has_the_values_of_its_function(name, value):
    x, y = datasets.curve(name, 3, low=2.0, high=2.0 + 1e-12, rng=0)
    assert x.shape == y.shape == (3, 1)
    assert y == pytest.approx(np.full((3, 1), value), rel=1e-5)


def test_a_curve_may_be_a_function_of_ones_own():
    x, y = datasets.curve(lambda x: 10 * x, 50, low=1, high=2, rng=0)
    assert np.array_equal(y, 10 * x)
    assert 1 <= x.min() < 1.1 < 1.9 < x.max() <= 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: datasets.xor(0), "xor: expected samples to be a positive integer, got 0"),
        (lambda: datasets.moons(noise=-1), "moons: expected noise to be a finite number of at least 0"),
        (lambda: datasets.circles(factor=1.0), "circles: expected factor to be at least 0 and below 1, got 1.0"),
        (lambda: datasets.spirals(classes=0), "spirals: expected classes to be a positive integer, got 0"),
        (lambda: datasets.curve("sinus"), "unknown curve 'sinus'; did you mean 'sine'"),
        (lambda: datasets.curve(low=2, high=1), "curve: expected low < high, got low=2, high=1"),
        (lambda: datasets.curve(np.sum, 3), r"expected f to return shape \(3, 1\), as it was given; got \(\)"),
    ],
)
def test_what_cannot_be_made_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
