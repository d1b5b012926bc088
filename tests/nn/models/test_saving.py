"""A saved model comes back as it was: what it says, and every number of the training that goes on."""

import json
import math
import os
import tracemalloc
import zipfile
from functools import partial

import numpy as np
import pytest
from oracles import ROOT, run
from sizes import slow

import autograd
import nn
from autograd import Tensor
from autograd.op import elementwise, table
from nn import (
    MLP,
    SGD,
    Activation,
    Adagrad,
    Adam,
    AdamW,
    BatchLayer,
    Dense,
    Dropout,
    Flatten,
    Input,
    Module,
    RandomizedLeakyReLU,
    RMSprop,
    Sequential,
    inputs,
    load_model,
)
from nn.callbacks import ModelCheckpoint
from nn.files.arrays import load_arrays, save_arrays
from nn.initializers import uniform
from nn.losses import BinaryCrossentropy, Huber, Loss, MeanSquaredError
from nn.metrics import Metric, accuracy, find_metric, precision
from nn.models import saving
from nn.optimizers import Optimizer
from nn.regularizers import L1, L1L2, L2
from nn.schedules import CosineDecay, ExponentialDecay, StepDecay, Warmup

RNG = np.random.default_rng(7)
X = RNG.normal(size=(50, 4))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
NUMBERS = X[:, :2] + 1

OPTIMIZERS = {
    "sgd": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.05, momentum=0.9, clipvalue=0.5),
    "nesterov": lambda: SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda: RMSprop(0.01, rho=0.8, momentum=0.5, centered=True, global_clipnorm=1.0),
    "adam": lambda: Adam(0.02, beta_1=0.8, beta_2=0.99, epsilon=1e-5, clipnorm=0.1),
    "adamw": lambda: AdamW(0.02, weight_decay=0.1),
    "adagrad": lambda: Adagrad(0.1, initial_accumulator_value=0.5),
    "step": lambda: SGD(StepDecay(0.2, 5, 0.5)),
    "exponential": lambda: Adam(ExponentialDecay(0.1, 3, 0.9, staircase=True)),
    "warm-up": lambda: Adam(Warmup(CosineDecay(0.1, 20, alpha=0.1), 4, start=0.01)),
    "constant": lambda: SGD(Warmup(0.1, 3)),
}


def classifier(optimizer="adam", rng=0, **options):
    model = Sequential(
        [Dense(6, "relu", input_shape=(4,)), Dropout(0.2), Dense(2, activation="softmax")], rng=rng, **options
    )
    model.compile(optimizer, "categorical_crossentropy", ["accuracy"])
    return model


def same_from_here(model, loaded, x=X, y=LABELS):
    """Both give the same outputs, and learn on to the same numbers."""
    assert model.predict(x).tobytes() == loaded.predict(x).tobytes()
    histories = [net.fit(x, y, batch_size=8, epochs=5, initial_epoch=3).history for net in (model, loaded)]
    assert histories[0] == histories[1]
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()


@pytest.fixture(params=[".npz", ".safetensors"])
def path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"m{request.param}"


# ---------------------------------------------------------------- whole models


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(tmp_path, name):
    whole, first = classifier(OPTIMIZERS[name]()), classifier(OPTIMIZERS[name]())
    expected = whole.fit(X, LABELS, batch_size=8, epochs=6).history
    first.fit(X, LABELS, batch_size=8, epochs=2)
    first.save(tmp_path / "m.npz")
    resumed = load_model(tmp_path / "m.npz")
    history = resumed.fit(X, LABELS, batch_size=8, epochs=6, initial_epoch=2).history
    assert history == {key: values[2:] for key, values in expected.items()}
    assert [w.tobytes() for w in resumed.get_weights()] == [w.tobytes() for w in whole.get_weights()]
    assert repr(resumed.optimizer) == repr(whole.optimizer)
    assert resumed.optimizer.iterations == 6 * 7


@pytest.mark.slow
def test_another_process_resumes_to_the_same_numbers(path):
    model = classifier()
    model.fit(X, LABELS, batch_size=8, epochs=2)
    model.save(path)
    np.savez(path.parent / "data.npz", x=X, y=LABELS)
    code = f"""
import numpy as np, nn
data = np.load({str(path.parent / "data.npz")!r})
model = nn.load_model({str(path)!r})
print(model.fit(data["x"], data["y"], batch_size=8, epochs=4, initial_epoch=2).history)
"""
    assert run(code) == str(model.fit(X, LABELS, batch_size=8, epochs=4, initial_epoch=2).history)


def test_saving_changes_nothing(path):
    saved, other = classifier(), classifier()
    for model in (saved, other):
        model.fit(X, LABELS, epochs=1)
    saved.save(path)
    same_from_here(saved, other)


def test_the_same_model_gives_the_same_bytes(path):
    model = classifier()
    model.save(path)
    first = path.read_bytes()
    load_model(path).save(path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_part_of_a_model_comes_back(path, dtype):
    model = Sequential(
        [
            Flatten(input_shape=(2, 2)),
            Dense(5, autograd.softplus, kernel_initializer="he_normal", kernel_regularizer=L1L2(0.01, 0.02), name="a"),
            Dense(4, use_bias=False, kernel_initializer=partial(uniform, limit=0.3)),
            Activation(autograd.sin),
            Dense(3, bias_initializer="ones", kernel_regularizer="l2", bias_regularizer=L1(0.1)),
            Activation("tanh", name="squash"),
            Dense(2),
        ],
        name="all of it",
        dtype=dtype,
        rng=3,
    )
    model.compile(SGD(0.01), Huber(0.5), ["mae", accuracy.named("right")])
    x = X.reshape(-1, 2, 2)
    model.fit(x, NUMBERS, epochs=1)
    model.save(path)
    loaded = load_model(path)
    assert repr(loaded) == repr(model)
    assert loaded.summary().text == model.summary().text
    assert (loaded.name, loaded.dtype, loaded.input_shape) == ("all of it", np.dtype(dtype), (2, 2))
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert loaded.layers[1].kernel_regularizer == L1L2(0.01, 0.02)
    assert loaded.layers[4].kernel_regularizer == L2()
    assert loaded.layers[2].kernel_initializer.keywords == {"limit": 0.3}
    assert loaded.layers[2].bias is None
    assert loaded.loss.delta == 0.5
    assert loaded.metrics_names == ["loss", "mae", "right"]
    assert [p.label for p in loaded.parameters()] == [p.label for p in model.parameters()]
    same_from_here(model, loaded, x, NUMBERS)


def test_thresholds_and_logits_come_back(path):
    model = Sequential([Dense(1, input_shape=(4,))], rng=0)
    model.compile("sgd", BinaryCrossentropy(from_logits=True), ["accuracy", precision.using(threshold=0.3)])
    model.fit(X, LABELS, epochs=1)
    model.save(path)
    loaded = load_model(path)
    assert loaded.evaluate(X, LABELS) == model.evaluate(X, LABELS)
    same_from_here(model, loaded)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_every_generator_of_numpy_continues(path, kind):
    model = classifier(rng=np.random.Generator(getattr(np.random, kind)(5)))
    model.fit(X, LABELS, epochs=1)
    model.save(path)
    same_from_here(model, load_model(path))


def test_generators_that_were_shared_still_are_and_others_are_not(path):
    shared = np.random.default_rng(1)
    model = Sequential(
        [
            Dense(6, RandomizedLeakyReLU(0.1, 0.4, rng=shared), input_shape=(4,)),
            Dropout(0.2, rng=shared),
            Dropout(0.1, rng=9),
            Dense(5, "randomized_leaky_relu"),
            Dense(2),
        ],
        rng=0,
    )
    model.compile("sgd", "mse")
    model.fit(X, NUMBERS, epochs=1)
    model.save(path)
    loaded = load_model(path)
    first, second, third, fourth, _ = loaded.layers
    assert first.activation.rng is second.rng
    assert third.rng is not second.rng
    assert fourth.activation.rng is loaded.rng
    same_from_here(model, loaded, y=NUMBERS)


def test_a_rate_that_was_changed_by_hand_comes_back(path):
    model = classifier(SGD(0.5))
    model.optimizer.learning_rate = 0.125
    model.save(path)
    assert load_model(path).optimizer.learning_rate == 0.125


def test_a_model_that_is_not_compiled_comes_back_so(path):
    model = Sequential([Dense(2, input_shape=(4,))], rng=0)
    model.save(path)
    loaded = Sequential.load(path)
    assert loaded.predict(X).tobytes() == model.predict(X).tobytes()
    with pytest.raises(RuntimeError, match="not compiled"):
        loaded.fit(X, NUMBERS)


def test_a_subclass_loads_as_itself(path):
    class Mine(Sequential):
        pass

    classifier().save(path)
    assert type(Mine.load(path)) is Mine


def test_a_checkpoint_is_a_model(tmp_path):
    model = classifier()
    model.fit(X, LABELS, epochs=2, callbacks=[ModelCheckpoint(tmp_path / "m-{epoch}.npz")])
    assert sorted(os.listdir(tmp_path)) == ["m-1.npz", "m-2.npz"]
    same_from_here(model, load_model(tmp_path / "m-2.npz"))


def test_a_model_without_parameters_yet_is_refused(path):
    with pytest.raises(RuntimeError, match=r"Sequential\.save: the parameters are not made yet; give the first layer"):
        Sequential([Dense(2)]).save(path)
    assert not path.exists()


# ---------------------------------------------------------------- code of one's own


def double(x):
    return x + x


class Scale(BatchLayer):
    def make_parameters(self, input_shape, dtype, rng):
        self.scale = Tensor(np.ones(input_shape), dtype=dtype)

    def forward(self, x):
        return x * self.scale


class Gain(BatchLayer):
    """A layer whose initializer is a name of its own."""

    def __init__(self, gain_initializer, **options):
        super().__init__(**options)
        self.gain_initializer = gain_initializer

    def make_parameters(self, input_shape, dtype, rng):
        self.gain = Tensor({"half": 0.5, "one": 1.0}[self.gain_initializer] * np.ones(input_shape), dtype=dtype)

    def forward(self, x):
        return x * self.gain


class Step(Optimizer):
    def constants(self, rate, step):
        return (rate,)

    def rule(self, w, g, free, c, state):
        np.subtract(w, np.multiply(g, c[0], free), w)


def off(y_true, y_pred):
    return abs(y_pred - y_true)


class Drop:
    """A schedule."""

    def __init__(self, start):
        self.start = start

    def __call__(self, step):
        return self.start / (1 + step)


class Distance(Loss):
    name = "distance"

    def __init__(self, scale):
        self.scale = scale

    def of_batch(self, y_pred, target, weight, from_logits):
        return (abs(y_pred - target) * weight).sum() * self.scale


class Bent(Module):
    def __init__(self, slope):
        self.slope = slope

    def __call__(self, x):
        return x * self.slope


def ones(shape, *, rng, scale=1.0):
    return np.full(shape, scale)


def shrink(weights):
    return 0.1 * (weights * weights).sum()


def dense(**options):
    return [Dense(2, input_shape=(4,), **options)]


def weighted_off(factor, y_true, y_pred):
    return off(y_true, y_pred) * factor


OWN = {
    "activation": lambda: (dense(activation=double), "sgd", "mse", None),
    "activation of a layer": lambda: ([*dense(), Activation(double)], "sgd", "mse", None),
    "activation with numbers": lambda: (dense(activation=Bent(0.5)), "sgd", "mse", None),
    "initializer": lambda: (dense(kernel_initializer=ones), "sgd", "mse", None),
    "initializer with options": lambda: (dense(kernel_initializer=partial(ones, scale=2.0)), "sgd", "mse", None),
    "regularizer": lambda: (dense(kernel_regularizer=shrink), "sgd", "mse", None),
    "layer": lambda: ([Scale(input_shape=(4,)), Dense(2)], "sgd", "mse", None),
    "layer with an initializer": lambda: ([Gain("half", input_shape=(4,)), Dense(2)], "sgd", "mse", None),
    "optimizer": lambda: (dense(), Step(0.1, clipnorm=1.0), "mse", None),
    "schedule": lambda: (dense(), SGD(Drop(0.5)), "mse", None),
    "loss": lambda: (dense(), "sgd", Distance(0.5), None),
    "loss function": lambda: (dense(), "sgd", off, None),
    "metric function": lambda: (dense(), "sgd", "mse", [find_metric(off).named("distance")]),
}


@pytest.mark.parametrize("what", OWN)
def test_code_of_ones_own_is_saved_by_its_name_and_looked_up_again(tmp_path, what):
    layers, *training = OWN[what]()
    model, path = Sequential(layers, dtype="float64", rng=0), tmp_path / "m.npz"
    model.compile(*training)
    y = np.eye(2)[LABELS % 2]
    model.fit(X, y, epochs=1)
    model.save(path)
    names = ("double", "Bent", "ones", "shrink", "Scale", "Gain", "Step", "Drop", "Distance", "off")
    known = {name: globals()[name] for name in names}
    other = load_model(path, custom_objects=known)
    assert other.metrics_names == model.metrics_names
    assert other.evaluate(X, y) == model.evaluate(X, y)
    for m in (model, other):
        m.fit(X, y, epochs=3, initial_epoch=1)
    assert model.predict(X).tobytes() == other.predict(X).tobytes()
    message = r"the model uses (\w+), which is .* load_model\(path, custom_objects={'\1': \1}\)"
    with pytest.raises(ValueError, match=message):
        load_model(path)


def test_an_operation_of_ones_own_is_known_by_its_name(tmp_path):
    @elementwise(lambda z, x: z * (1 - z) * 2.0)
    def saved_bend(x):
        return 1 / (1 + np.exp(-2.0 * x)) if isinstance(x, np.ndarray) else 1 / (1 + math.exp(-2.0 * x))

    path = tmp_path / "m.npz"
    model = Sequential(dense(activation="saved_bend"), rng=0)
    model.save(path)
    other = load_model(path)
    assert other.layers[0].activation is saved_bend
    assert model.predict(X).tobytes() == other.predict(X).tobytes()
    del table[saved_bend.op.name]
    with pytest.raises(ValueError, match="the model uses the operation 'saved_bend': define it, or import what does"):
        load_model(path)


def test_a_metric_of_ones_own_is_looked_up_too(tmp_path):
    model, path = Sequential(dense(), rng=0), tmp_path / "m.npz"
    mine = Metric("most", largest_sums, float)
    model.compile("sgd", "mse", [mine.named("m")])
    model.save(path)
    assert load_model(path, {"largest_sums": mine}).metrics_names == ["loss", "m"]


def largest_sums(y_true, y_pred):
    return np.abs(y_pred).max()


NAMELESS = {
    "layer 'dense' uses <lambda>": lambda: (dense(kernel_initializer=lambda s, *, rng: np.ones(s)), "sgd", "mse"),
    "the optimizer uses <lambda>": lambda: (dense(), SGD(lambda step: 0.1), "mse"),
    "the loss uses <lambda>": lambda: (dense(), "sgd", lambda y_true, y_pred: (y_pred - y_true).sum()),
    "a metric uses <lambda>": lambda: (dense(), "sgd", "mse", [lambda y_true, y_pred: 0.0]),
    "the loss uses partial": lambda: (dense(), "sgd", partial(weighted_off, 2.0)),
}


@pytest.mark.parametrize("what", NAMELESS)
def test_code_without_a_name_is_refused_and_its_weights_are_saved(tmp_path, what):
    make = NAMELESS[what]
    model, other = (Sequential(make()[0], rng=seed) for seed in (0, 1))
    model.compile(*make()[1:])
    message = rf"{what}, which is code of your own without a name .* call save_weights\(path\)"
    with pytest.raises(TypeError, match=message):
        model.save(tmp_path / "m.npz")
    assert os.listdir(tmp_path) == []
    model.save_weights(tmp_path / "m.npz")
    other.load_weights(tmp_path / "m.npz")
    assert model.predict(X).tobytes() == other.predict(X).tobytes()


def test_an_argument_that_is_not_kept_is_refused(tmp_path):
    class Grows(Scale):
        def __init__(self, factor=2.0):
            super().__init__()
            self.f = factor

    message = r"layer 'grows' is a Grows, whose argument 'factor' is not kept: write self.factor = factor"
    with pytest.raises(TypeError, match=message):
        Sequential([Input((4,)), Grows()]).save(tmp_path / "m.npz")


def test_a_class_of_the_same_name_is_not_taken_for_ours(tmp_path):
    mine, path = type("Dense", (Dense,), {}), tmp_path / "m.npz"
    Sequential([mine(2, input_shape=(4,))]).save(path)
    with pytest.raises(ValueError, match="the model uses Dense, which is no part of this library"):
        load_model(path)
    assert type(load_model(path, {"Dense": mine}).layers[0]) is mine


# ---------------------------------------------------------------- weights


def test_weights_come_back(path):
    model, other = classifier(rng=0), classifier(rng=1)
    assert model.predict(X).tobytes() != other.predict(X).tobytes()
    model.save_weights(path)
    other.load_weights(path)
    assert model.predict(X).tobytes() == other.predict(X).tobytes()
    assert list(load_arrays(path)[0]) == [name for name, _ in model.named_parameters()] or path.suffix != ".npz"


def test_the_file_of_a_whole_model_gives_its_weights(path):
    model, other = classifier("adam", rng=0), classifier("sgd", rng=1)
    model.fit(X, LABELS, epochs=1)
    model.save(path)
    other.load_weights(path)
    assert model.predict(X).tobytes() == other.predict(X).tobytes()


def test_weights_of_values_come_back(path):
    net, other = MLP(3, [4, 2], rng=0), MLP(3, [4, 2], rng=1)
    net.save_weights(path)
    other.load_weights(path)
    x = inputs([0.1, -0.2, 0.3])
    assert [a.data for a in net(x)] == [a.data for a in other(x)]
    assert all(type(p.data) is float for p in other.parameters())


def test_weights_of_a_module_of_ones_own_come_back(path):
    class Line(Module):
        def __init__(self, slope):
            self.slope, self.rest = Tensor([slope]), {"intercept": Tensor(0.5)}

    line = Line(1.0)
    Line(2.0).save_weights(path)
    line.load_weights(path)
    assert line.slope.numpy().tolist() == [2.0]
    assert sorted(load_arrays(path)[0]) == ["rest.intercept", "slope"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            lambda: Sequential([Dense(6, input_shape=(5,)), Dense(2)]),
            r"m\.npz: load_state_dict: layers\.0\.weight: expected shape \(6, 5\), got \(6, 4\)",
        ),
        (
            lambda: Sequential([Dense(6, input_shape=(4,)), Dense(3)]),
            r"layers\.1\.weight: expected shape \(3, 6\), got \(2, 6\)",
        ),
        (
            lambda: Sequential([Dense(6, input_shape=(4,)), Dense(2, use_bias=False)]),
            r"has 3 parameters and buffers, the state has 4: layers\.1\.bias is unknown",
        ),
        (lambda: MLP(4, [6, 2]), r"layers\.0\.neurons\.0\.w\.0 is missing"),
    ],
)
def test_weights_of_another_net_change_nothing(tmp_path, other, message):
    Sequential([Dense(6, input_shape=(4,)), Dense(2)], rng=0).save_weights(tmp_path / "m.npz")
    net = other()
    before = net.state_dict()
    with pytest.raises(ValueError, match=message):
        net.load_weights(tmp_path / "m.npz")
    assert all(np.array_equal(before[name], array) for name, array in net.state_dict().items())


def test_pickled_weights_are_refused(tmp_path):
    np.savez(tmp_path / "m.npz", p0=np.array([{}], dtype=object))
    for load in (classifier().load_weights, load_model):
        with pytest.raises(ValueError, match=r"m\.npz: member 'p0' holds Python objects; refusing to unpickle"):
            load(tmp_path / "m.npz")


# ---------------------------------------------------------------- files that are not what they should be


def test_a_file_of_weights_is_no_model(path):
    classifier().save_weights(path)
    with pytest.raises(ValueError, match=r"expected a model, found 4 arrays .* call load_weights\(path\)"):
        load_model(path)


def test_an_interrupted_save_leaves_the_old_model(path, monkeypatch):
    model = classifier()
    model.save(path)
    before = model.predict(X)
    model.fit(X, LABELS, epochs=1)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.save(path)
    assert load_model(path).predict(X).tobytes() == before.tobytes()
    assert os.listdir(path.parent) == [path.name]


CHANGES = {
    "a class that is not ours": lambda s: s["layers"][0].update({"class": "Popen"}),
    "a class with other arguments": lambda s: s["layers"][0].update(arguments=["ls"]),
    "a function that is not ours": lambda s: s["layers"][0]["activation"].update(function="eval"),
    "units that the weights do not have": lambda s: s["layers"][0].update(units=7),
    "units that are none": lambda s: s["layers"][0].update(units=-1),
    "no layers": lambda s: s.pop("layers"),
    "no weights": lambda s: s.update(weights=[]),
    "another optimizer": lambda s: s["training"]["optimizer"].update({"class": "SGD"}),
    "no generator": lambda s: s.update(generators=[]),
    "a generator that is none": lambda s: s["generators"][0].update(state=5),
    "a list in place of it all": lambda s: s.update(layers=5),
    "an int that no float holds": lambda s: s["training"]["optimizer"].update(learning_rate=10**400),
    "what is too deep": lambda s: s["layers"].append(json.loads("[" * 900 + "]" * 900)),
    "an optimizer that keeps nothing": lambda s: s["training"].update(state={}),
    "no training": lambda s: s.update(training=None),
    "a state of no such type": lambda s: s["generators"][0].update(state={"array": ["x"], "type": "U1000000000"}),
    "a place beyond the buffer": lambda s: s["generators"][0].update(buffer_pos=-9),
    "weights that are no names": lambda s: s.update(weights=7),
    "weights without shape": lambda s: s.update(weights=["layers.0.weight"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_description_that_makes_no_model_is_refused(tmp_path, change):
    path = tmp_path / "m.npz"
    classifier().save(path)
    arrays, settings = load_arrays(path)
    CHANGES[change](settings)
    save_arrays(path, arrays, settings)
    message = r"m\.npz: the (description of the model does not make one|model uses the operation 'eval')"
    with pytest.raises(ValueError, match=message):
        load_model(path)


HUGE = {
    "units": lambda s: s["layers"][0].update(units=3 * 10**8),
    "inputs": lambda s: (s.update(input_shape=[10**12]), s["layers"][0].update(input_shape=None)),
    "units of an inner layer": lambda s: s["layers"][2].update(units=10**8),
}


@pytest.mark.parametrize("change", HUGE)
def test_a_description_of_more_numbers_than_the_file_has_takes_no_memory(path, change):
    classifier().save(path)
    arrays, settings = load_arrays(path)
    HUGE[change](settings)
    save_arrays(path, arrays, settings)
    tracemalloc.start()
    try:
        with pytest.raises(
            ValueError, match=r"does not make one \(a parameter of shape .* than the file has numbers for"
        ):
            load_model(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("load", [load_model, *slow(classifier().load_weights)])
def test_arrays_of_more_numbers_than_the_net_has_are_not_read(tmp_path, load):
    path = tmp_path / "m.npz"
    classifier().save(path)
    arrays, settings = load_arrays(path)
    for name in ("layers.0.weight", "layers.2.bias"):
        np.savez_compressed(path, **{**arrays, name: np.zeros((1 << 10, 1 << 11))})
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("settings.json", json.dumps(settings))
        assert path.stat().st_size < 1 << 20
        tracemalloc.start()
        try:
            with pytest.raises(ValueError, match=rf"m\.npz: .*{name}: expected .*, got \(1024, 2048\)"):
                load(path)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()


def test_arrays_that_are_neither_weights_nor_of_the_optimizer_are_refused(path):
    classifier().save(path)
    arrays, settings = load_arrays(path)
    save_arrays(path, {**arrays, "more": np.zeros(3)}, settings)
    with pytest.raises(ValueError, match=r"more: expected no such array, got \(3,\)"):
        load_model(path)


def test_a_place_beyond_the_buffer_of_a_generator_is_refused(path):
    model = classifier(rng=np.random.Generator(np.random.MT19937(5)))
    model.save(path)
    arrays, settings = load_arrays(path)
    for place in (625, 10**6, -1, 0.5):
        settings["generators"][0]["state"]["pos"] = place
        save_arrays(path, arrays, settings)
        with pytest.raises(ValueError, match="expected 'pos' of a random generator to be from 0 to 624"):
            load_model(path)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_model_without_checksums_of_a_version_before_them_still_loads(suffix):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    path = ROOT / "tests" / "golden" / f"model-without-checksums{suffix}"
    rng = np.random.default_rng(11)
    x = rng.normal(size=(24, 3))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    model = load_model(path)
    # What the version that wrote it said of it, and where its training went.
    assert model.predict(x[:3]).ravel() == pytest.approx([0.119003825, 0.7158505, 0.30929846], rel=1e-5)
    history = model.fit(x, y, epochs=4, initial_epoch=2, batch_size=8).history
    assert history["loss"] == pytest.approx([0.950880765914917, 0.9713364442189535], rel=1e-5)
    other = Sequential([Dense(4, input_shape=(3,)), Dense(1)])
    with pytest.raises(ValueError, match="layers"):  # of which the second has another name there
        other.load_weights(path)


def test_the_layers_of_a_loaded_model_start_as_those_that_were_saved(path):
    layers = [Dense(3, kernel_initializer="ones", bias_initializer=partial(uniform, limit=0.3), input_shape=(4,))]
    Sequential(layers).save(path)
    (layer,) = load_model(path).layers
    assert layer.kernel_initializer is layers[0].kernel_initializer
    assert layer.bias_initializer.keywords == {"limit": 0.3}


def test_a_file_says_in_plain_text_what_is_in_it(tmp_path):
    classifier().save(tmp_path / "m.npz")
    with zipfile.ZipFile(tmp_path / "m.npz") as archive:
        settings = json.loads(archive.read("settings.json"))
    assert [layer["class"] for layer in settings["layers"]] == ["Dense", "Dropout", "Dense"]
    assert settings["layers"][0]["activation"] == {"function": "relu"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_comes_back_with_all_its_settings(tmp_path, name):
    model = classifier(OPTIMIZERS[name]())
    model.save(tmp_path / "m.npz")
    kept, made = vars(model.optimizer), vars(load_model(tmp_path / "m.npz").optimizer)
    settings = [name for name in kept if name not in ("parameters", "_blocks", "_groups")]
    assert {name: made[name] for name in settings} == {name: kept[name] for name in settings}


@pytest.mark.parametrize("loss", [MeanSquaredError(half=True), Huber(2.0), BinaryCrossentropy()])
def test_a_loss_comes_back_with_its_settings(tmp_path, loss):
    model = Sequential([Dense(2, "sigmoid", input_shape=(4,))])
    model.compile("sgd", loss)
    model.save(tmp_path / "m.npz")
    made = load_model(tmp_path / "m.npz").loss
    assert type(made) is type(loss)
    assert vars(made) == vars(loss)


# ---------------------------------------------------------------- what is one's own


@pytest.fixture
def registry():
    """What a test registers is forgotten."""
    before = dict(saving.registered)
    yield
    saving.registered.clear()
    saving.registered.update(before)


@pytest.mark.usefixtures("registry")
def test_what_is_registered_is_found_by_its_name(tmp_path):
    @nn.register
    class Projection(nn.BatchLayer):
        """A fixed matrix, which is one of its arguments."""

        def __init__(self, matrix, **options):
            super().__init__(**options)
            self.matrix = matrix

        def compute_output_shape(self, input_shape):
            return (self.matrix.shape[1],)

        def forward(self, x):
            return x @ self.matrix

    @nn.register
    def closeness(y_true, y_pred):
        return -abs(y_true - y_pred).mean(axis=1)

    matrix = np.arange(12.0).reshape(3, 4)
    model = Sequential([Projection(matrix, input_shape=(3,)), Dense(1)], dtype="float64", rng=0)
    model.compile("sgd", "mse", [closeness])
    model.save(tmp_path / "m.npz")
    again = load_model(tmp_path / "m.npz")
    x = np.random.default_rng(0).normal(size=(5, 3))
    assert again.predict(x).tobytes() == model.predict(x).tobytes()
    assert again.layers[0].matrix.dtype == np.float64
    assert again.evaluate(x, x[:, :1]) == model.evaluate(x, x[:, :1])

    class Other(Projection):
        pass

    assert isinstance(load_model(tmp_path / "m.npz", {"Projection": Other}).layers[0], Other)  # what is given counts
    saving.registered.clear()
    with pytest.raises(ValueError, match=r"uses Projection, .* or write @nn\.register above it"):
        load_model(tmp_path / "m.npz")


@pytest.mark.usefixtures("registry")
def test_what_cannot_be_registered_is_refused():
    with pytest.raises(TypeError, match="register: expected a class or a function with a name, got function"):
        nn.register(lambda x: x)
    with pytest.raises(TypeError, match="register: expected a class or a function with a name, got str"):
        nn.register("Scale")
    with pytest.raises(ValueError, match="register: Dense is a part of this library; choose another name"):
        nn.register(type("Dense", (), {}))


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_metadata_is_in_the_file_and_stays_with_the_model(tmp_path, suffix):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    model = Sequential([Dense(1, input_shape=(2,))], rng=0)
    assert model.metadata == {}
    given = {"classes": ("cat", "dog"), "accuracy": 0.9, "data": {"rows": 3, "from": "zoo.csv"}}
    model.save(tmp_path / f"a{suffix}", metadata=given)
    again = load_model(tmp_path / f"a{suffix}")
    assert again.metadata == model.metadata == {**given, "classes": ["cat", "dog"]}
    again.save(tmp_path / f"b{suffix}")
    assert load_model(tmp_path / f"b{suffix}").metadata == again.metadata
    for wrong in ({"a": np.zeros(3)}, {"a": float("nan")}, ["a"]):
        with pytest.raises(TypeError, match=r"save: (metadata is to be text|expected metadata by names)"):
            model.save(tmp_path / f"c{suffix}", metadata=wrong)
    assert not (tmp_path / f"c{suffix}").exists()
