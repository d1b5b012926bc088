"""What is changed after a training is seen on every road, or the change is refused with the right way."""

import copy
import functools
import pickle

import numpy as np
import pytest

from autograd import Tensor, Value, relu, tanh
from nn import MLP, Layer, Neuron, Perceptron, load_model
from nn.callbacks import LambdaCallback
from nn.layers import Activation, BatchLayer, Dense, Dropout, Flatten, Input
from nn.losses import Huber
from nn.models.sequential import Sequential
from nn.optimizers import SGD, Adagrad, Adam, Optimizer, RMSprop
from nn.regularizers import L2

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(24, 4)), RNG.normal(size=(24, 2))


def trained(optimizer="sgd", loss="mse", **options):
    """A net that has written programs of its steps."""
    model = Sequential([Input((4,)), Dense(5, "tanh"), Dense(3, "relu"), Dense(2)], dtype="float64", rng=0, **options)
    model.compile(optimizer, loss)
    model.fit(X, Y, batch_size=8, epochs=4, verbose=0)
    return model


def by_hand(model, x=X):
    """What the layers of a Sequential give, in NumPy."""
    known = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "linear": lambda z: z}
    known["sigmoid"] = lambda z: 1 / (1 + np.exp(-z))
    for layer in model.layers:
        if isinstance(layer, Dense):
            x = x @ layer.weight.data.T + layer.bias.data
        x = known[layer.activation.__name__](x)
    return x


def mean_squared(outputs):
    return ((outputs - Y) ** 2).mean()


def assert_every_road_sees(model, loss):
    assert mean_squared(model(X).numpy()) == pytest.approx(loss, rel=1e-12)
    assert mean_squared(model.predict(X)) == pytest.approx(loss, rel=1e-12)
    assert model.evaluate(X, Y) == pytest.approx(loss, rel=1e-12)
    assert model.loss_of(X, Y).item() == pytest.approx(loss, rel=1e-12)
    assert copy.deepcopy(model).train_on_batch(X, Y) == pytest.approx(loss, rel=1e-12)
    assert model.fit(X, Y, batch_size=24, verbose=0).history["loss"][0] == pytest.approx(loss, rel=1e-12)


# ---------------------------------------------------------------- layers


def put_a_layer_in_place_of_the_last(model):
    model.layers[-1] = Dense(2, "sigmoid")


def take_the_last_away_and_put_another(model):
    model.layers.pop()
    model.layers.append(Dense(2))


def assign_a_list(model):
    model.layers = [*model.layers[:1], Dense(2, "relu")]


def insert_one(model):
    model.layers.insert(1, Dense(5, "sigmoid"))


@pytest.mark.parametrize(
    "change", [put_a_layer_in_place_of_the_last, take_the_last_away_and_put_another, assign_a_list, insert_one]
)
def test_a_changed_list_of_layers_is_seen_at_once_and_trained_after_compile(change):
    model = trained()
    change(model)
    expected = mean_squared(by_hand(model))
    assert mean_squared(model(X).numpy()) == pytest.approx(expected, rel=1e-12)
    assert mean_squared(model.predict(X)) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(RuntimeError, match=r"trains 6 parameters already.*compile the model with it again"):
        model.fit(X, Y, verbose=0)
    model.compile("sgd", "mse")
    assert_every_road_sees(model, expected)
    assert len({layer.name for layer in model.layers}) == len(model.layers)
    assert len(model.parameters()) == 2 * len(model.layers)
    assert model.summary().total == model.count_params() == sum(p.size for p in model.parameters())


def test_layers_are_named_and_labelled_by_their_places_after_a_change():
    model = trained()
    model.layers.insert(1, Dense(5, "sigmoid"))
    model.predict(X)
    labels = [layer.weight.label for layer in model.layers]
    assert labels == [f"W[{i}]" for i in (1, 2, 3, 4)]


def test_a_label_that_a_user_gave_stays_when_a_layer_is_added_behind():
    model = Sequential([Input((4,)), Dense(3)])
    model.layers[0].weight.label = "V"
    model.add(Dense(2))
    assert [layer.weight.label for layer in model.layers] == ["V", "W[2]"]


def test_a_layer_without_parameters_that_is_inserted_is_on_every_road():
    model = trained()
    model.layers.insert(2, Activation("tanh"))
    assert_every_road_sees(model, mean_squared(by_hand(model)))


def test_a_list_of_layers_that_do_not_fit_is_refused_by_every_road():
    model = trained()
    del model.layers[1]
    for road in (model, model.predict, model.get_weights, model.summary, model.parameters):
        with pytest.raises(ValueError, match=r"Dense\(2\) .*expected inputs of shape \(batch, 3\), as built"):
            road(*([X] if road in (model, model.predict) else []))


def test_what_is_no_layer_or_stands_twice_in_the_list_is_refused():
    for change, message in [
        (lambda model: model.layers.append(3), "expected a layer such as"),
        (lambda model: model.layers.append(Dense), r"write Dense\(...\)"),
        (lambda model: model.layers.append(model.layers[-1]), "is in this model already"),
        (lambda model: model.layers.append(Dense(2, name=model.layers[0].name)), "another name"),
    ]:
        model = trained()
        change(model)
        with pytest.raises((TypeError, ValueError), match=message):
            model.predict(X)


def test_an_assigned_list_that_does_not_fit_changes_nothing():
    model = trained()
    before = model.predict(X)
    with pytest.raises(ValueError, match="as built"):
        model.layers = [model.layers[2]]
    assert np.array_equal(model.predict(X), before)


# ---------------------------------------------------------------- what a layer consists of


def test_another_parameter_is_used_and_training_says_that_it_has_the_old_one():
    model = trained()
    model.layers[0].weight = Tensor(np.full((5, 4), 0.3))
    expected = mean_squared(by_hand(model))
    assert mean_squared(model.predict(X)) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(RuntimeError, match="compile the model"):
        model.fit(X, Y, verbose=0)
    model.compile("sgd", "mse")
    assert_every_road_sees(model, expected)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (np.ones((5, 4)), r"leaf Tensor of shape \(5, 4\).*write layer.weight.data = array"),
        (Tensor(np.ones((5, 3))), r"got one of shape \(5, 3\)"),
        (Tensor(np.ones((5, 4), np.float32)), "got one of shape .* float32"),
        (Tensor(np.ones((5, 4))) * 2.0, "a result of"),
        (None, "got None"),
    ],
)
def test_what_cannot_be_a_weight_is_refused(other, message):
    model = trained()
    before = model.predict(X)
    with pytest.raises(ValueError, match=message):
        model.layers[0].weight = other
    assert np.array_equal(model.predict(X), before)


def test_a_bias_is_not_given_to_a_layer_that_has_none():
    layer = Dense(2, use_bias=False, input_dim=3)
    layer.build(3)
    with pytest.raises(ValueError, match="it has no bias"):
        layer.bias = Tensor(np.zeros(2, np.float32))


def test_numbers_put_into_a_parameter_are_on_every_road():
    model = trained()
    model.layers[0].weight.data = np.full((5, 4), 0.2)
    assert_every_road_sees(model, mean_squared(by_hand(model)))


@pytest.mark.parametrize("regularizer", [L2(0.5), "l2", None])
def test_a_regularizer_set_later_is_on_every_road(regularizer):
    model = trained()
    model.layers[1].kernel_regularizer = L2(3.0)
    model.fit(X, Y, batch_size=8, verbose=0)
    model.layers[1].kernel_regularizer = regularizer
    factor = {"l2": 0.01, None: 0.0}.get(regularizer if not isinstance(regularizer, L2) else 0, 0.5)
    penalty = factor * (model.layers[1].weight.data ** 2).sum()
    expected = mean_squared(by_hand(model)) + penalty
    assert model.evaluate(X, Y) == pytest.approx(expected, rel=1e-12)
    assert model.loss_of(X, Y).item() == pytest.approx(expected, rel=1e-12)
    assert model.fit(X, Y, batch_size=24, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-12)


def test_an_activation_set_later_is_on_every_road():
    model = trained()
    model.layers[0].activation = "sigmoid"
    assert_every_road_sees(model, mean_squared(by_hand(model)))


def test_another_last_activation_is_checked_against_the_loss():
    model = Sequential([Input((4,)), Dense(2, "sigmoid")], rng=0)
    model.compile("sgd", "binary_crossentropy")
    y = (Y > 0).astype(float)
    model.fit(X, y, verbose=0)
    model.layers[0].activation = "tanh"
    with pytest.raises(ValueError, match="expects probabilities"):
        model.fit(X, y, verbose=0)


def doubled(x):
    return 2.0 * relu(x)


WRAPPED = [functools.wraps(relu)(doubled), functools.update_wrapper(functools.partial(doubled), relu)]


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_a_function_around_an_activation_is_what_every_road_uses(wrapped):
    model = trained()
    model.layers[1].activation = wrapped
    inner = np.tanh(X @ model.layers[0].weight.data.T + model.layers[0].bias.data)
    inner = 2 * np.maximum(inner @ model.layers[1].weight.data.T + model.layers[1].bias.data, 0)
    expected = mean_squared(inner @ model.layers[2].weight.data.T + model.layers[2].bias.data)
    assert_every_road_sees(model, expected)


def test_a_function_around_an_activation_is_what_a_neuron_uses():
    neuron = Neuron(2, functools.wraps(tanh)(lambda x: 3.0 * tanh(x)), rng=0)
    z = sum(w.data * x for w, x in zip(neuron.w, (0.5, -0.25), strict=True)) + neuron.b.data
    assert neuron([0.5, -0.25]).data == pytest.approx(3 * np.tanh(z), rel=1e-15)


def test_a_forward_of_ones_own_given_to_a_layer_later_is_on_every_road():
    model = trained()
    first = model.layers[0]
    first.forward = lambda x: first.activation(x @ first.weight.T + first.bias) * 3.0
    inner = 3 * np.tanh(X @ first.weight.data.T + first.bias.data)
    inner = np.maximum(inner @ model.layers[1].weight.data.T + model.layers[1].bias.data, 0)
    expected = mean_squared(inner @ model.layers[2].weight.data.T + model.layers[2].bias.data)
    assert mean_squared(model.predict(X)) == pytest.approx(expected, rel=1e-12)
    assert model.fit(X, Y, batch_size=24, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "value"),
    [("units", 7), ("use_bias", False), ("dtype", "float32"), ("input_shape", (3,)), ("kernel_initializer", "zeros")],
)
def test_what_a_built_layer_cannot_become_is_refused(name, value):
    with pytest.raises(AttributeError, match=f"{name} cannot be set any more; make a new Dense"):
        setattr(trained().layers[0], name, value)


def test_options_that_are_set_later_are_checked_as_in_the_constructor():
    with pytest.raises(ValueError, match=r"below 1, got 1\.5"):
        Dropout(0.5).rate = 1.5
    with pytest.raises(ValueError, match="did you mean 'relu'"):
        Activation("tanh").activation = "rleu"
    with pytest.raises(ValueError, match="did you mean 'l2'"):
        Dense(3).kernel_regularizer = "l22"
    with pytest.raises(ValueError, match="positive integer"):
        Dense(3).units = 0
    with pytest.raises(ValueError, match="above 0"):
        Huber().delta = 0


def test_a_dropout_rate_set_later_holds():
    model = trained()
    model.layers.insert(2, Dropout(0.5))
    model.fit(X, Y, verbose=0)
    model.layers[2].rate = 0.0
    assert_every_road_sees(model, mean_squared(model.predict(X)))


# ---------------------------------------------------------------- the model


@pytest.mark.parametrize(("name", "value"), [("optimizer", SGD(0.5)), ("loss", "mae"), ("metrics", ["mae"])])
def test_optimizer_loss_and_metrics_are_set_by_compile(name, value):
    with pytest.raises(AttributeError, match=r"set .* by compile\(optimizer=..., loss=..., metrics=...\)"):
        setattr(trained(), name, value)


def test_compile_in_a_callback_is_refused():
    model = trained()
    again = LambdaCallback(on_epoch_end=lambda epoch, logs: model.compile("adam", "mae"))
    with pytest.raises(RuntimeError, match=r"the model is being trained.*call fit again after compile"):
        model.fit(X, Y, verbose=0, callbacks=[again])
    model.compile("adam", "mae")
    assert model.fit(X, Y, verbose=0).epoch == [0]


def test_compiling_a_net_of_values_in_a_callback_is_refused():
    net = MLP(4, [2], rng=0)
    net.compile("sgd", "mse")
    again = LambdaCallback(on_train_batch_end=lambda batch, logs: net.compile("adam", "mae"))
    with pytest.raises(RuntimeError, match="the model is being trained"):
        net.fit(X, Y, verbose=0, callbacks=[again])


def test_a_callback_that_changes_a_layer_changes_the_next_step():
    model, other = trained(), trained()

    def change(batch, logs):
        if batch == 0:
            model.layers[0].activation = "sigmoid"

    model.fit(X, Y, batch_size=12, shuffle=False, verbose=0, callbacks=LambdaCallback(on_train_batch_end=change))
    other.train_on_batch(X[:12], Y[:12])
    other.layers[0].activation = "sigmoid"
    other.train_on_batch(X[12:], Y[12:])
    for v, w in zip(model.get_weights(), other.get_weights(), strict=True):
        assert v == pytest.approx(w, rel=1e-12, abs=1e-15)


def test_an_option_of_a_loss_set_later_is_on_every_road():
    model = trained(loss=Huber(1.0))
    model.loss.delta = 0.25
    d = by_hand(model) - Y
    expected = np.where(abs(d) <= 0.25, d * d / 2, 0.25 * (abs(d) - 0.125)).mean()
    assert model.evaluate(X, Y) == pytest.approx(expected, rel=1e-12)
    assert model.fit(X, Y, batch_size=24, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-12)


def test_a_generator_set_later_is_drawn_from_by_all_who_drew_from_the_old_one():
    def model():
        net = Sequential([Input((4,)), Dense(8, "tanh"), Dropout(0.5), Dense(2)], rng=0)
        net.compile("sgd", "mse")
        return net

    one, other = model(), model()
    one.fit(X, Y, batch_size=8, verbose=0)
    one.set_weights(other.get_weights())
    one.rng, other.rng = np.random.default_rng(3), 3
    one.fit(X, Y, batch_size=8, verbose=0)
    other.fit(X, Y, batch_size=8, verbose=0)
    for v, w in zip(one.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(v, w)


@pytest.mark.parametrize("name", ["dtype", "input_shape"])
def test_what_a_built_model_cannot_become_is_refused(name):
    with pytest.raises(AttributeError, match=f"{name} cannot be set any more"):
        setattr(trained(), name, "float32")


# ---------------------------------------------------------------- names that nobody knows


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (Sequential(), "learningrate"),
        (Dense(3), "wieght"),
        (Dropout(0.5), "ratee"),
        (Flatten(), "shape"),
        (SGD(), "momentun"),
        (Huber(), "deltas"),
        (MLP(2, [1]), "layer"),
        (Neuron(2), "weights"),
        (Layer(2, 1), "neuron"),
        (Perceptron(2), "loss_function"),
    ],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_an_unknown_attribute_is_refused(thing, name):
    with pytest.raises(AttributeError, match=f"{type(thing).__name__} has no attribute '{name}' to be set"):
        setattr(thing, name, 0.5)


class Scale(BatchLayer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


class Half(Optimizer):
    def constants(self, rate, step):
        return (rate * self.share,)

    def rule(self, w, g, free, c, state):
        w -= c[0] * g


def test_a_class_of_ones_own_may_have_any_attribute():
    layer, optimizer = Scale(2.0), Half(learning_rate=1.0)
    layer.note, optimizer.share = "mine", 0.5
    w = Tensor([3.0])
    optimizer.bind([w])
    (w * w).sum().backward()
    optimizer.step()
    assert w.data == [0.0]
    assert copy.deepcopy(layer).note == pickle.loads(pickle.dumps(layer)).note == "mine"


# ---------------------------------------------------------------- optimizers


def steps(optimizer, changes, n=6):
    w = Tensor([2.0, -3.0])
    optimizer.bind([w])
    for i in range(n):
        if i in changes:
            setattr(optimizer, *changes[i])
        optimizer.zero_grad()
        (w * w * [1.0, 0.5]).sum().backward()
        optimizer.step()
    return w.data


def test_momentum_set_later_holds_from_the_next_step():
    w = np.array([2.0, -3.0])
    for _ in range(3):
        w = w - 0.1 * (w * [2.0, 1.0])
    velocity = np.zeros(2)
    for _ in range(3):
        velocity = 0.9 * velocity - 0.1 * (w * [2.0, 1.0])
        w = w + velocity
    assert steps(SGD(0.1), {3: ("momentum", 0.9)}) == pytest.approx(w, rel=1e-14)


def test_clipping_set_later_holds_and_is_saved(tmp_path):
    w = np.array([2.0, -3.0])
    for i in range(6):
        g = w * [2.0, 1.0]
        w = w - 0.1 * (np.clip(g, -0.5, 0.5) if i >= 2 else g)
    assert steps(SGD(0.1), {2: ("clipvalue", 0.5)}) == pytest.approx(w, rel=1e-14)
    model = trained(SGD(0.1))
    model.optimizer.clipnorm, model.optimizer.momentum = 0.25, 0.5
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.npz")
    other = load_model(tmp_path / "model.npz")
    assert (other.optimizer.clipnorm, other.optimizer.clipvalue, other.optimizer.momentum) == (0.25, None, 0.5)
    model.fit(X, Y, verbose=0)
    other.fit(X, Y, verbose=0)
    assert np.array_equal(model.predict(X), other.predict(X))


def test_one_way_to_clip_gives_place_to_another_only_when_it_is_taken_away():
    optimizer = SGD(clipnorm=1.0)
    with pytest.raises(ValueError, match="expected one of clipnorm, clipvalue, global_clipnorm at most"):
        optimizer.clipvalue = 0.5
    optimizer.clipnorm = None
    optimizer.clipvalue = 0.5
    assert (optimizer.clipnorm, optimizer.clipvalue) == (None, 0.5)


@pytest.mark.parametrize(
    ("optimizer", "name", "value"),
    [
        (SGD(), "momentum", 1.0),
        (SGD(), "learning_rate", -1.0),
        (Adam(), "beta_1", 1.5),
        (RMSprop(), "rho", "much"),
        (Adagrad(), "epsilon", -1e-7),
        (Adam(), "iterations", -1),
        (SGD(), "clipnorm", 0.0),
        (SGD(), "nesterov", "no"),
    ],
)
def test_options_of_optimizers_are_checked_whenever_they_are_set(optimizer, name, value):
    before = getattr(optimizer, name)
    with pytest.raises((TypeError, ValueError), match=name):
        setattr(optimizer, name, value)
    assert getattr(optimizer, name) == before


def test_a_mean_that_comes_later_starts_and_what_was_there_goes_on():
    optimizer = RMSprop(0.1)
    steps(optimizer, {4: ("centered", True)})
    state = optimizer.state_dict()
    assert set(state) == {"iterations", "learning_rate", "mean_square.float64", "mean.float64"}
    assert (state["mean_square.float64"] > 0).all()


def test_where_sums_start_is_settled_once_they_have():
    optimizer = Adagrad(0.1)
    optimizer.initial_accumulator_value = 0.2
    optimizer.bind([Tensor([1.0])])
    with pytest.raises(AttributeError, match="initial_accumulator_value cannot be set any more"):
        optimizer.initial_accumulator_value = 0.3
    with pytest.raises(AttributeError, match="parameters cannot be set any more; make a new Adagrad"):
        optimizer.parameters = []


# ---------------------------------------------------------------- nets of Values


def compiled_net():
    net = MLP(4, [3, 2], "tanh", rng=0)
    net.compile("sgd", "mse")
    net.fit(X, Y, batch_size=8, verbose=0)
    return net


def one_by_one(net):
    return ((np.array([[a.data for a in net(row)] for row in X]) - Y) ** 2).mean()


def activation_of_a_layer(net):
    net.layers[0].activation = "sigmoid"


def activation_of_a_neuron(net):
    net.layers[0].neurons[1].activation = "relu"


def a_wrapped_one(net):
    net.layers[0].activation = functools.wraps(relu)(doubled)


def visible_products(net):
    net.layers[0].neurons[2].elementary = True


def a_weight(net):
    net.layers[0].neurons[0].w[2].data = 5.0


@pytest.mark.parametrize(
    "change", [activation_of_a_layer, activation_of_a_neuron, a_wrapped_one, visible_products, a_weight]
)
def test_a_changed_net_of_values_is_what_fit_trains(change):
    net = compiled_net()
    change(net)
    expected = one_by_one(net)
    assert net.evaluate(X, Y)["loss"] == pytest.approx(expected, rel=1e-12)
    assert net.fit(X, Y, batch_size=24, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-12)


def other_weights(net):
    net.layers[0].neurons[0].w = tuple(Value(1.0) for _ in range(4))


def another_bias(net):
    net.layers[0].neurons[0].b = Value(1.0)


def another_layer(net):
    net.layers[-1] = Layer(3, 2, "linear", rng=5)


def another_neuron(net):
    net.layers[0].neurons[0] = Neuron(4, "tanh", rng=3)


def one_more_layer(net):
    net.layers.append(Layer(2, 2, "linear", rng=5))


@pytest.mark.parametrize("change", [other_weights, another_bias, another_layer, another_neuron, one_more_layer])
def test_other_parameters_of_a_net_of_values_are_trained_after_compile(change):
    net = compiled_net()
    change(net)
    expected = one_by_one(net)
    with pytest.raises(RuntimeError, match="compile the model with it again"):
        net.fit(X, Y, verbose=0)
    net.compile("sgd", "mse")
    assert net.fit(X, Y, batch_size=24, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("thing", "name"),
    [(MLP(2, [2, 1]), "nouts"), (Layer(2, 2), "nout"), (Neuron(2), "nin"), (Perceptron(2), "task")],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_what_a_net_of_values_cannot_become_is_refused(thing, name):
    with pytest.raises(AttributeError, match=f"{name} cannot be set any more"):
        setattr(thing, name, 3)
