"""The samples of a training: in a file, and in batches that somebody else makes."""

import itertools
import tracemalloc

import numpy as np
import pytest
from sizes import slow

import nn

# ---------------------------------------------------------------- batches that somebody else makes


def net_of(dtype="float64"):
    model = nn.Sequential([nn.Dense(4, "tanh", input_shape=(3,)), nn.Dense(2, "softmax")], dtype=dtype, rng=0)
    model.compile(nn.SGD(0.1), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def samples_of(n=50):
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 3)), rng.integers(0, 2, n)


class Epochs:
    """Goes through the samples in order, again and again, in arrays that it uses again."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __iter__(self):
        x, y = np.empty((10, 3)), np.empty(10, int)
        for i in range(0, len(self.x), 10):
            x[:], y[:] = self.x[i : i + 10], self.y[i : i + 10]
            yield x, y
        x[:] = np.nan


def forever(x, y):
    while True:
        yield from ((x[i : i + 10], y[i : i + 10]) for i in range(0, len(x), 10))


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (lambda x, y: Epochs(x, y), {}),
        (
            lambda x, y: (
                list(Epochs(x.copy(), y.copy())) and [(x[i : i + 10], y[i : i + 10]) for i in range(0, 50, 10)]
            ),
            {},
        ),
        (lambda x, y: nn.data.batches(x, y, 10, shuffle=False), {}),
        (lambda x, y: forever(x, y), {"steps_per_epoch": 5}),
    ],
    ids=["object", "list", "batches", "iterator"],
)
def test_a_training_on_batches_is_that_on_the_arrays(source, options):
    x, y = samples_of()
    one, other = net_of(), net_of()
    expected = one.fit(x, y, batch_size=10, epochs=3, shuffle=False, verbose=0, validation_data=(x, y))
    heard = []
    listener = nn.callbacks.LambdaCallback(on_train_begin=lambda logs: heard.append(listener.params["steps"]))
    found = other.fit(source(x, y), epochs=3, verbose=0, validation_data=(x, y), callbacks=listener, **options)
    assert found.history == expected.history
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    assert heard[0] in (5, None)


def test_shuffled_batches_draw_as_often_as_they_are_gone_through():
    x, y = samples_of()
    model = net_of()
    model.fit(nn.data.batches(x, y, 10, rng=3), epochs=2, verbose=0)
    other, again = net_of(), nn.data.batches(x, y, 10, rng=3)
    for _ in range(2):
        for batch in again:
            other.train_on_batch(*batch)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_batches_with_weights_are_weighted():
    x, y = samples_of(20)
    w = np.linspace(0.5, 2.0, 20)
    one, other = net_of(), net_of()
    one.fit(x, y, batch_size=10, shuffle=False, verbose=0, sample_weight=w)
    other.fit([(x[:10], y[:10], w[:10]), (x[10:], y[10:], w[10:])], verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_net_of_values_takes_batches_too():
    x, y = samples_of(20)
    y = np.tanh(y)
    nets = [nn.MLP(3, [4, 1], "tanh", rng=0) for _ in range(3)]
    for net in nets:
        net.compile(nn.SGD(0.1), "mse", ["mae"])
    given = nets[0].fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    listed = nets[1].fit(nn.data.batches(x, y, 8, shuffle=False), epochs=2, verbose=0)
    endless = itertools.cycle([(x[:8], y[:8]), (x[8:16], y[8:16]), (x[16:], y[16:])])
    drawn = nets[2].fit(endless, epochs=2, steps_per_epoch=3, verbose=0)
    assert given.history == listed.history == drawn.history
    with pytest.raises(TypeError, match="fit: batch_size is for arrays x and y"):
        nets[0].fit([(x, y)], batch_size=3, verbose=0)


def test_what_are_no_batches_is_refused():
    x, y = samples_of(20)
    model = net_of()
    with pytest.raises(ValueError, match=r"fit: no batch is left, for an iterator .* steps_per_epoch="):
        model.fit(iter([(x, y)]), epochs=2, verbose=0)
    with pytest.raises(ValueError, match=r"fit: expected batches \(x, y\), got none"):
        model.fit(iter([]), verbose=0)
    with pytest.raises(
        TypeError, match=r"fit: expected batches \(x, y\) or \(x, y, sample_weight\), got ndarray|an array"
    ):
        model.fit(iter([x]), verbose=0)
    with pytest.raises(ValueError, match="fit: batch 2 has other parts than the first"):
        model.fit([(x, y), (x, y, np.ones(20))], verbose=0)
    with pytest.raises(TypeError, match="fit: batch_size is for arrays x and y; make the batches with it"):
        model.fit([(x, y)], batch_size=3, verbose=0)
    with pytest.raises(TypeError, match="fit: steps_per_epoch is for batches"):
        model.fit(x, y, steps_per_epoch=3, verbose=0)
    with pytest.raises(TypeError, match="fit: expected targets y, got None"):
        model.fit(x, verbose=0)
    with pytest.raises(TypeError, match="fit: expected targets y, got None"):
        model.fit(x.tolist(), verbose=0)


# ---------------------------------------------------------------- samples in a file


@pytest.fixture
def mapped(tmp_path):
    """Bytes in a file, and the same in memory."""
    x = np.random.default_rng(0).integers(0, 256, size=(6000, 50), dtype=np.uint8)
    x.tofile(tmp_path / "x.bin")
    return np.memmap(tmp_path / "x.bin", np.uint8, "r", shape=x.shape), x


@pytest.mark.parametrize("shuffle", [True, *slow(False)])
def test_samples_in_a_file_stay_there_and_give_the_same_numbers(mapped, shuffle):
    y = np.random.default_rng(1).integers(0, 3, 6000)
    found = []
    for x in mapped:
        model = nn.Sequential([nn.Dense(3, "softmax", input_shape=(50,))], rng=0)
        model.compile(nn.SGD(1e-4), "sparse_categorical_crossentropy", ["accuracy"])
        tracemalloc.start()
        options = {"verbose": 0, "shuffle": shuffle, "validation_split": 0.1}
        history = model.fit(x, y, batch_size=50, epochs=2, **options).history
        outputs, measured = model.predict(x, 500), model.evaluate(x, y, 500)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        found.append((history, outputs.tobytes(), measured))
        if x is mapped[0]:
            assert peak < 6000 * 50 * 4  # less than all as float32
    assert found[0] == found[1]


def test_a_file_of_numbers_too_large_or_not_finite_is_refused_as_arrays_are(tmp_path):
    x = np.zeros((20, 3))
    x[3, 1] = 1e300
    path = tmp_path / "x.npy"
    np.save(path, x)
    model = net_of("float32")
    with pytest.raises(ValueError, match="predict: x has numbers up to 1e\\+300, too large for float32"):
        model.predict(np.load(path, mmap_mode="r"))
    x[3, 1] = np.nan
    np.save(path, x)
    with pytest.raises(ValueError, match=r"predict: x contains nan or infinity \(first at row 3, column 1\)"):
        model.predict(np.load(path, mmap_mode="r"))
    x[3, 1] = 1.0
    np.save(path, x)
    assert model.train_on_batch(np.load(path, mmap_mode="r"), np.zeros(20, int))
    assert model.loss_of(np.load(path, mmap_mode="r"), np.zeros(20, int)).item() > 0
