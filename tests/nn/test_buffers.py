"""Numbers that are kept and not trained: every class of modules counts, saves and restores them, and moves none."""

import copy
import pickle

import numpy as np
import pytest

import nn
from autograd import Tensor, Value, no_grad
from nn.callbacks import EarlyStopping

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 3))


def model_between_places():
    x = nn.Input((3,))
    return nn.Model(x, x + nn.Dense(3)(x), rng=0)


MODULES = {
    "Activation": lambda: nn.Activation("tanh", input_shape=(3,)),
    "BatchLayer": lambda: nn.BatchLayer(input_shape=(3,)),
    "Dense": lambda: nn.Dense(3, input_shape=(3,)),
    "Dropout": lambda: nn.Dropout(0.5, input_shape=(3,)),
    "Flatten": lambda: nn.Flatten(input_shape=(3,)),
    "Layer": lambda: nn.Layer(3, 2, "tanh", rng=0),
    "MLP": lambda: nn.MLP(3, [2, 1], "tanh", rng=0),
    "Model": model_between_places,
    "Module": nn.Module,
    "Neuron": lambda: nn.Neuron(3, "tanh", rng=0),
    "Perceptron": lambda: nn.Perceptron(3, rng=0),
    "RandomizedLeakyReLU": nn.RandomizedLeakyReLU,
    "Sequential": lambda: nn.Sequential([nn.Dense(3, input_shape=(3,))], rng=0),
}
WINDOWS = {  # layers of images and sequences, with the shape of a sample
    f"{kind}{axes}D": ((4, 3), (4, 4, 3))[axes - 1]
    for kind in ("Conv", "MaxPooling", "AveragePooling", "GlobalAveragePooling", "GlobalMaxPooling", "UpSampling")
    for axes in (1, 2)
}
SIZES = dict.fromkeys(("Conv1D", "Conv2D", "Embedding"), (2, 2)) | dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), (2,))
WINDOWS |= dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), (4, 3)) | dict.fromkeys(
    ("Embedding", "BatchNormalization", "LayerNormalization"), (3,)
)
MODULES |= {
    "Permute": lambda: nn.Permute((1,), input_shape=(3,)),
    "Reshape": lambda: nn.Reshape((3,), input_shape=(3,)),
    **{name: lambda name=name: getattr(nn, name)(*SIZES.get(name, ()), input_shape=WINDOWS[name]) for name in WINDOWS},
}
MODULES |= {"Add": nn.Add, "Concatenate": nn.Concatenate}
MODULES |= {"MultiHeadAttention": lambda: nn.MultiHeadAttention(2, 3)}
NOT_ALONE = {**WINDOWS, "Add": 0, "Concatenate": 0, "MultiHeadAttention": 0, "Model": 0, "Sequential": 0}
LAYERS = [name for name in MODULES if issubclass(getattr(nn, name), nn.BatchLayer) and name not in NOT_ALONE]


def build(module, name, **options):
    """Make the parameters, of samples that the layer takes."""
    if name in ("Add", "Concatenate"):
        module.build((3,), (3,), **options)
    else:
        module.build((4, 3) if name == "MultiHeadAttention" else WINDOWS.get(name, (3,)), **options)


def test_every_public_class_that_keeps_parameters_is_tried_here():
    public = [name for name in nn.__all__ if isinstance(x := getattr(nn, name), type) and issubclass(x, nn.Module)]
    assert sorted(public) == sorted([*MODULES, "WeightedLayer"])  # which makes none itself


def with_buffers(name, start=1.0):
    """A module of this class that keeps numbers of each kind, and the numbers."""
    module = MODULES[name]()
    if isinstance(module, nn.BatchLayer):
        build(module, name, dtype="float64", rng=0)
    with no_grad():
        scale = Value(start) * 2.0
    held = {"steps": [np.array(int(start))], "labels": Tensor([start, 2.0]).detach()}
    # As a class of one's own sets them; those of the library take no attributes that they do not know.
    vars(module).update(means=start * np.arange(3.0), held=held, scale=scale)
    return module


def kept(module):
    return [module.means.tolist(), module.held["steps"][0].tolist(), module.held["labels"].tolist(), module.scale.data]


@pytest.mark.parametrize("name", MODULES)
def test_buffers_are_in_the_state_and_no_parameters(name):
    module = with_buffers(name)
    parameters = MODULES[name]()
    if isinstance(parameters, nn.BatchLayer):
        build(parameters, name)
    names = [*dict(parameters.named_buffers()), "means", "held.steps.0", "held.labels", "scale"]
    assert [n for n, _ in module.named_buffers()] == names
    assert [n for n, _ in module.named_parameters()] == [n for n, _ in parameters.named_parameters()]
    assert len(module.parameters()) == len(parameters.parameters())
    assert sorted(module.state_dict()) == sorted([*dict(parameters.named_parameters()), *names])
    assert module.buffers()[-4] is module.means


@pytest.mark.parametrize("name", MODULES)
def test_state_files_and_copies_bring_them_back(name, tmp_path):
    module, expected = with_buffers(name, 5.0), [[0.0, 5.0, 10.0], 5, [5.0, 2.0], 10.0]
    assert kept(module) == expected
    module.save_weights(tmp_path / "w.npz")
    for bring_back in (
        lambda other: other.load_state_dict(module.state_dict()),
        lambda other: other.load_weights(tmp_path / "w.npz"),
    ):
        other = with_buffers(name)
        assert kept(other) != expected
        bring_back(other)
        assert kept(other) == expected
        assert other.held["steps"][0].dtype == int
        assert [n for n, _ in other.named_buffers()] == [n for n, _ in module.named_buffers()]
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert kept(other) == expected
        assert len(other.buffers()) == len(module.buffers())


@pytest.mark.parametrize("name", [name for name in MODULES if name in ("Layer", "MLP", "Neuron", "Perceptron")])
def test_an_optimizer_moves_parameters_and_no_buffer(name):
    module = with_buffers(name)
    before, weights = kept(module), [p.data for p in module.parameters()]
    outputs = module([1.0, 2.0, 3.0])
    loss = sum(z * z * module.scale for z in (outputs if isinstance(outputs, list) else [outputs])) + module.scale
    optimizer = nn.SGD(module.parameters(), 0.1)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    assert kept(module) == before
    assert all(p.data != w for p, w in zip(module.parameters(), weights, strict=True))


def running(name):
    """A layer of this class that keeps the running mean of what it is given, and how often it was."""
    base = getattr(nn, name)

    class Running(base):
        def make_parameters(self, input_shape, dtype, rng):
            super().make_parameters(input_shape, dtype, rng)
            self.mean = np.zeros(input_shape)
            self.batches = Tensor(0.0, dtype=dtype).detach()

        def forward(self, x):
            if self.training:
                self.mean = 0.9 * self.mean + 0.1 * (x.numpy() if isinstance(x, Tensor) else x).mean(axis=0)
                self.batches.data = self.batches.data + 1
            return Tensor(x) * 1.0 if base is nn.BatchLayer else super().forward(x)

    arguments = {"Activation": ("tanh",), "Dense": (3,), "Dropout": (0.5,), "Permute": ((1,),), "Reshape": ((3,),)}.get(
        name, ()
    )
    layer = Running(*arguments, input_shape=(3,))
    model = nn.Sequential([layer, nn.Dense(3)], dtype="float64", rng=0)
    model.compile("sgd", "mse")
    return model, Running


def by_hand(epochs):
    mean = np.zeros(3)
    for i in [0, 8, 16] * epochs:
        mean = 0.9 * mean + 0.1 * X[i : i + 8].mean(axis=0)
    return mean


@pytest.mark.parametrize("name", LAYERS)
def test_what_a_layer_keeps_is_trained_with_saved_and_counted(name, tmp_path):
    model, own = running(name)
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    layer = model.layers[0]
    np.testing.assert_allclose(layer.mean, by_hand(2), rtol=1e-13)
    assert layer.batches.item() == 6

    model.save(tmp_path / "m.npz")
    again = nn.load_model(tmp_path / "m.npz", {"Running": own})
    assert again.layers[0].mean.tolist() == layer.mean.tolist()
    for one in (model, again):
        one.fit(X, Y, batch_size=8, epochs=1, shuffle=False, verbose=0)
    np.testing.assert_allclose(again.layers[0].mean, by_hand(3), rtol=1e-13)
    assert again.state_dict().keys() == model.state_dict().keys()
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()

    summary = model.summary()
    trained = sum(p.size for p in model.parameters())
    assert (summary.total, summary.trainable) == (trained + 4, trained) == (model.count_params(), trained)
    assert summary.text.endswith(f"Trainable params: {trained}\nNon-trainable params: 4")
    assert sum(n for *_, n in summary.rows) == summary.total


@pytest.mark.parametrize("name", LAYERS)
def test_weights_in_the_layout_of_keras_are_trained_ones_before_the_others(name):
    model, _ = running(name)
    layer = model.layers[0]
    weights = layer.get_weights()
    assert [w.shape for w in weights[-2:]] == [(3,), ()]
    assert [w.shape for w in weights[:-2]] == ([(3, 3), (3,)] if name == "Dense" else [])
    model.set_weights([w + 1 for w in model.get_weights()])
    assert layer.mean.tolist() == [1.0, 1.0, 1.0]
    assert layer.batches.item() == 1.0
    layer.set_weights(weights)
    assert layer.mean.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("name", LAYERS)
def test_the_best_weights_come_back_with_what_belongs_to_them(name):
    model, _ = running(name)
    stopping = EarlyStopping("loss", patience=3, min_delta=1e9, restore_best_weights=True)  # only the first is a gain
    model.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0, callbacks=stopping)
    assert model.layers[0].batches.item() == 3
    np.testing.assert_allclose(model.layers[0].mean, by_hand(1), rtol=1e-13)


def test_the_best_weights_of_a_net_of_neurons_come_back_with_what_belongs_to_them():
    class Counting(nn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            net.steps = net.steps + np.array([1.0])

    class WithSteps(nn.MLP):
        steps = np.zeros(1)

    net = WithSteps(3, [3], "linear", rng=0)
    net.compile("sgd", "mse")
    net.steps = np.zeros(1)
    stopping = EarlyStopping("loss", patience=3, min_delta=1e9, restore_best_weights=True)
    net.fit(X, Y, epochs=3, verbose=0, callbacks=[Counting(), stopping])
    assert net.steps.tolist() == [1.0]


def test_constants_are_leaves_that_say_so():
    x = Tensor([1.0, 2.0])
    w = Value(3.0)
    with no_grad():
        results = [x * 2.0, w * 2.0]
    for node in (x.detach(), w.detach(), *results):
        assert node.is_leaf
        assert node.is_constant
        assert copy.deepcopy(node).is_constant
        assert pickle.loads(pickle.dumps(node)).is_constant
    assert not any(node.is_constant for node in (x, w, x * 2.0, w * 2.0))


def test_shared_weights_are_counted_listed_and_set_once():
    class Tied(nn.Dense):
        """A second layer with the weights of the first, transposed."""

        def __init__(self, other, **options):
            super().__init__(3, use_bias=False, **options)
            self.other = other

        def make_parameters(self, input_shape, dtype, rng):
            self.weight = self.other.weight

        def steps(self):
            return [(lambda x, w: x @ w, (self.weight,), None)]

    first = nn.Dense(3, use_bias=False, input_shape=(3,))
    model = nn.Sequential([first, Tied(first)], dtype="float64", rng=0)
    summary = model.summary()
    assert (model.count_params(), summary.total, summary.trainable) == (9, 9, 9)
    assert [n for *_, n in summary.rows] == [9, 0]
    assert [w.shape for w in model.get_weights()] == [(3, 3)]
    assert list(model.state_dict()) == ["layers.0.weight"]
    kernel = np.arange(9.0).reshape(3, 3)
    model.set_weights([kernel])
    np.testing.assert_allclose(model.predict(X), X @ kernel @ kernel.T)


def test_an_array_that_is_kept_twice_is_one_and_a_new_one_takes_its_place_in_both():
    module, given = nn.Module(), np.zeros(2)
    module.a, module.b = given, {"again": given}
    assert list(module.state_dict()) == ["a"]
    module.load_state_dict({"a": np.ones(2)})
    assert module.a is module.b["again"]
    assert module.a.tolist() == [1.0, 1.0]
    assert given.tolist() == [0.0, 0.0]  # the caller's own array is left alone


def test_what_would_lose_digits_or_cannot_be_replaced_is_refused_and_nothing_is_changed():
    module = nn.Module()
    module.w, module.steps, module.pair = Value(1.0), np.array(3), (np.zeros(2),)
    state = module.state_dict()
    with pytest.raises(TypeError, match="load_state_dict: steps: expected int64, got float64"):
        module.load_state_dict({**state, "w": 2.0, "steps": 0.5})
    module.load_state_dict({**state, "pair.0": [1.0, 2.0]})
    assert module.pair[0].tolist() == [1.0, 2.0]
    module.pair[0].flags.writeable = False
    with pytest.raises(TypeError, match=r"pair\.0 is a read-only array in a tuple; keep it as an attribute"):
        module.load_state_dict({**state, "w": 2.0})
    assert module.w.data == 1.0


def test_words_and_objects_are_no_buffers():
    module = nn.Module()
    module.words, module.objects, module.rate = np.array(["a", "b"]), np.array([None]), 0.1
    assert module.state_dict() == {}


def test_labels_kept_in_a_module_are_not_moved_by_training():
    class Ranking(nn.Module):
        def __init__(self):
            self.scores = Tensor(np.zeros(3))
            self.labels = Tensor([1.0, 2.0, 3.0]).detach()

        def loss(self):
            return ((self.scores - self.labels) ** 2).sum()

    model = Ranking()
    optimizer = nn.SGD(model.parameters(), 0.25)
    for _ in range(50):
        optimizer.zero_grad()
        model.loss().backward()
        optimizer.step()
    assert model.labels.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(model.scores.numpy(), [1.0, 2.0, 3.0], atol=1e-12)
