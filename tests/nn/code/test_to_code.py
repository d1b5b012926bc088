"""`to_code`: the programs run, and come to the numbers of the model."""

import copy

import numpy as np
import pytest
from nets import CLASSES, NETS, given, made, samples
from scripts import load_from
from sizes import mostly_slow, slow

from nn import (
    LSTM,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    Model,
    MultiHeadAttention,
    RMSprop,
    Sequential,
    SimpleRNN,
    UpSampling1D,
    to_code,
    to_onnx,
)
from nn.code.flat import flat
from nn.regularizers import L1, L1L2, L2

give_weights = load_from("benchmarks", "torch_weights").give_weights
RNG = np.random.default_rng(0)
NOT_IN_NUMPY = ("dropout", "ignored classes")


def row(*layers):
    return Sequential(list(layers), dtype="float64", rng=0)


class InOrder:
    """In the place of a generator: samples in the order that they have, as `shuffle=False`."""

    def permutation(self, n):
        return np.arange(n)


@pytest.mark.parametrize("optimizer", [SGD(0.02), *slow(Adam(0.01))], ids=["sgd", "adam"])
@pytest.mark.parametrize(
    "name", mostly_slow([name for name in NETS if name not in NOT_IN_NUMPY], "two inputs", "masked")
)
def test_the_program_in_numpy_trains_to_the_same_numbers(name, optimizer):
    model, loss = made(name)
    model.compile(type(optimizer)(optimizer.learning_rate), loss)
    xs, y = samples(model, 12, RNG)
    scope = {}
    exec(to_code(model, "numpy"), scope)
    weights = [p.numpy().copy() for p in model.parameters()]
    target = model.loss.targets("test", np.asarray(y), model.output_shape, model.dtype)
    losses = scope["train"](*xs, target, weights, 3, 5, InOrder())
    history = model.fit(given(model, xs), y, batch_size=5, epochs=3, shuffle=False, verbose=0)
    is_exact = isinstance(optimizer, SGD)
    np.testing.assert_allclose(losses, history.history["loss"], rtol=1e-10 if is_exact else 1e-6)
    for mine, p in zip(weights, model.parameters(), strict=True):
        # Adam divides by what is 0 but for rounding: gradients of biases before a batch norm, of those of keys
        divides = not is_exact and ("batch norm" in name or "K" in str(p.label))
        atol = 1e-11 if is_exact else 0.1 if divides else 1e-6
        np.testing.assert_allclose(mine, p.numpy(), rtol=1e-10, atol=atol)


@pytest.mark.parametrize("bias", [50.0, *slow(0.0, -50.0)])
@pytest.mark.parametrize("activation", mostly_slow(["relu", "leaky_relu", "elu", "selu", "hard_sigmoid"], "elu"))
def test_a_program_holds_on_both_sides_of_kinks_wherever_the_weights_of_the_model_are(activation, bias):
    model = row(Dense(1, activation, input_shape=(2,)), Dense(1))
    model.compile(SGD(0.1), "mse")
    model.layers[0].bias.data = np.array([bias])  # a derivation there meets one piece of the activation alone
    scope = {}
    exec(to_code(model), scope)
    x, y = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 1))
    model.set_weights([np.array([[3.0], [-4.0]]), [0.5], [[1.0]], [0.0]])
    model.loss_of(x, y).backward()
    _, found = scope["gradients"](x, y, [p.numpy() for p in model.parameters()])
    for g, p in zip(found, model.parameters(), strict=True):
        np.testing.assert_allclose(g, p.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_a_call_that_is_told_its_mode_is_so_in_a_program(training):
    x = Input((6,))
    part = Sequential([BatchNormalization(input_shape=(6,)), Dropout(0.5)], rng=0)
    model = Model(x, Dense(1)(part(x, training=training)), dtype="float64", rng=0)
    model.compile(SGD(0.1), "mse")
    assert f"x1 = batch_normalization(x, training={training})" in to_code(model, "keras")
    assert f"x2 = dropout(x1, training={training})" in to_code(model, "keras")
    if training:
        with pytest.raises(ValueError, match="draws random"):
            to_code(model)
        with pytest.raises(ValueError, match="called with training=True"):
            to_onnx(model)
    torch = pytest.importorskip("torch")
    scope = {}
    exec(to_code(model, "torch"), scope)
    theirs = scope["model"].double().train(not training)
    batch = torch.tensor(RNG.normal(size=(400, 6)))
    outputs = [theirs(batch).detach().numpy() for _ in range(2)]
    assert np.array_equal(*outputs) is not training
    assert (theirs.batch_normalization.running_mean.abs().max() > 0) == training


def test_a_mask_of_the_check_hides_no_step_from_all():
    x, seen = Input((6, 4)), Input((6, 6))
    attended = MultiHeadAttention(2, 4)(x, x, attention_mask=seen)
    model = Model([x, seen], Dense(1)(Flatten()(attended)), dtype="float32", rng=0)
    model.compile(SGD(0.1), "mse")
    assert "W1_V" in to_code(model)


@pytest.mark.slow
def test_the_program_reads_as_the_lectures_write_it():
    model, loss = made("lectures")
    model.compile(SGD(0.5), loss)
    text = to_code(model)
    for line in (
        "    Z1 = X @ W1.T + b1",
        "    A1 = sigmoid(Z1)",
        "    dZ3 = A3 - Y",
        "    dW3 = (1/m) * dZ3.T @ A2",
        "    dZ2 = dA2 * (Z2 > 0)",
        "    dZ1 = dA1 * A1 * (1 - A1)",
        "                w -= 0.5 * dw",
    ):
        assert line in text.splitlines()
    scope = {}
    exec(text, scope)
    weights = scope["start"](np.random.default_rng(0))
    assert [w.shape for w in weights] == [p.shape for p in model.parameters()]
    x = RNG.normal(size=(60, 6))
    y = np.eye(3)[x[:, :3].argmax(axis=1)]
    losses = scope["train"](x, y, weights, 200, 20, np.random.default_rng(0))
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.slow
def test_writing_the_program_changes_nothing():
    model, _ = made("batch norm")
    model.compile("adam", "mse")
    before = model.state_dict()
    to_code(model, "numpy")
    assert all(np.array_equal(x, before[name]) for name, x in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


# ---------------------------------------------------------------- PyTorch


@pytest.mark.parametrize("name", mostly_slow(NETS, "lectures", "strides, same", "masked in a row"))
def test_the_program_in_pytorch_is_the_same_net(name):
    torch = pytest.importorskip("torch")
    model, loss = made(name)
    model.compile(SGD(0.1), loss)
    if name == "squares":
        with pytest.raises(ValueError, match="not known elsewhere"):
            to_code(model, "torch")
        return
    xs, y = samples(model, 12, RNG)
    scope = {}
    exec(to_code(model, "torch"), scope)
    theirs = scope["model"].double()
    give_weights(torch, theirs, model)
    tensors = [torch.tensor(x) for x in xs]
    theirs.eval()
    outputs = theirs(*tensors)
    if "softmax" in str(model.last_activation):
        outputs = torch.softmax(outputs, -1)
    elif loss == "binary_crossentropy":
        outputs = torch.sigmoid(outputs)
    x = given(model, xs)
    np.testing.assert_allclose(outputs.detach().numpy(), model.predict(x), rtol=1e-9, atol=1e-12)
    if name == "dropout":
        return
    theirs.train()
    target = torch.tensor(y) if model.loss.name == CLASSES else torch.tensor(y, dtype=torch.float64)
    for _ in range(2):
        assert scope["step"](*tensors, target) == pytest.approx(model.train_on_batch(x, y), rel=1e-8)
        if {SimpleRNN, LSTM} & {type(layer) for layer in model.layers}:
            break  # their two biases move as one here


# ---------------------------------------------------------------- Keras


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what Keras does with NumPy is its own affair
@pytest.mark.parametrize("name", NETS)
def test_the_program_in_keras_is_the_same_net(name, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras runs on another backend here")
    model, loss = made(name, "float32")
    model.compile(SGD(0.1), "mse" if name == "squares" else loss, ["mse"] if name == "regression" else None)
    xs, y = samples(model, 12, RNG)
    scope = {}
    exec(to_code(model, "keras"), scope)
    theirs, net = scope["model"], flat(model)
    for called, layer in net.layers.items():
        if layer.parameters():
            scope[called].set_weights(layer.get_weights())
    x = given(model, xs)
    if name == "even kernel, same":
        return  # Keras on PyTorch has other averages there than Keras on JAX, which has ours
    np.testing.assert_allclose(theirs.predict(x, verbose=0), model.predict(x), rtol=1e-4, atol=1e-5)
    if name not in ("dropout", "ignored classes"):  # of which Keras' mean counts the ignored ones too
        x = [a.astype(np.float32) for a in xs]
        found = theirs.train_on_batch(x if model.takes_several else x[0], y.astype(np.float32))
        expected = model.train_on_batch(given(model, xs), y)
        assert np.ravel(found)[0] == pytest.approx(np.ravel(expected)[0], rel=1e-4)
        for called, layer in net.layers.items():
            for its, mine in zip(scope[called].get_weights(), layer.get_weights(), strict=bool(layer.parameters())):
                np.testing.assert_allclose(its, mine, rtol=1e-3, atol=1e-4)


OPTIMIZERS = [
    SGD(0.1, momentum=0.9, nesterov=True, clipvalue=0.1),
    SGD(0.1, global_clipnorm=0.3),
    Adam(0.01, beta_1=0.5, clipnorm=0.1),
    AdamW(0.01, weight_decay=0.1),
    RMSprop(0.01, rho=0.8, momentum=0.5, centered=True),
    Adagrad(0.1),
]


def penalized():
    x = Input((4,))
    h = Embedding(5, 4, embeddings_regularizer=L2(0.1))(x)
    h = MultiHeadAttention(2, 2, kernel_regularizer=L2(0.02), bias_regularizer=L1(0.1))(h)
    h = MultiHeadAttention(1, 2, kernel_regularizer=L1(0.02))(h)
    h = LSTM(3, kernel_regularizer=L1L2(0.01, 0.02), recurrent_regularizer="l2", return_sequences=True)(h)
    return Model(x, Dense(2, bias_regularizer="l2")(Dense(3, "tanh")(Flatten()(h))), dtype="float64", rng=0)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_optimizers_penalties_and_what_is_frozen_are_written_too(optimizer):
    torch = pytest.importorskip("torch")
    model = penalized()
    model.layers[-2].trainable = False
    model.compile(copy.deepcopy(optimizer), "mse")
    xs, y = RNG.integers(0, 5, (8, 4)), RNG.normal(size=(8, 2))
    scope = {}
    exec(to_code(model, "torch"), scope)
    theirs = scope["model"].double()
    give_weights(torch, theirs, model)
    before = theirs.dense.weight.clone()
    for k in range(3):
        found = scope["step"](torch.tensor(xs), torch.tensor(y))
        # a LSTM of PyTorch has two biases, which move alike, and twice as far as ours
        assert found == pytest.approx(model.train_on_batch(xs, y), rel=1e-9 if not k else 0.05)
    assert torch.equal(theirs.dense.weight, before)
    assert not torch.equal(theirs.dense_1.weight, before[:2])
    keras = to_code(model, "keras")
    assert "dense.trainable = False" in keras
    assert "kernel_regularizer=keras.regularizers.L1L2(l1=0.01, l2=0.02)" in keras


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_keras_has_the_same_penalties_and_optimizers(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras runs on another backend here")
    xs, y = RNG.integers(0, 5, (8, 4)), RNG.normal(size=(8, 2))
    for optimizer in OPTIMIZERS:
        model = penalized()
        model.layers[-2].trainable = False
        model.compile(copy.deepcopy(optimizer), "mse")
        scope = {}
        exec(to_code(model, "keras"), scope)
        for called, layer in flat(model).layers.items():
            if layer.parameters():
                scope[called].set_weights(layer.get_weights())
        for k in range(3):  # RMSprop and Adam have their epsilon elsewhere, see `nn.optimizers`
            found = np.ravel(scope["model"].train_on_batch(xs.astype(np.float32), y.astype(np.float32)))[0]
            assert found == pytest.approx(model.train_on_batch(xs, y), rel=1e-4 if not k else 0.02)


def test_programs_elsewhere_have_the_options_of_the_layers():
    model = row(Dense(5, use_bias=False, input_shape=(6,)), Dropout(0.25), Dense(1, "sigmoid"))
    model.compile(SGD(0.1, momentum=0.9), "binary_crossentropy", ["accuracy"])
    torch, keras = to_code(model, "torch"), to_code(model, "keras")
    assert "nn.Linear(6, 5, bias=False)" in torch
    assert "nn.Dropout(0.25)" in torch
    assert "momentum=0.9" in torch
    assert "F.binary_cross_entropy_with_logits(model(x), y)" in torch
    assert "layers.Dense(units=5, use_bias=False)" in keras
    assert "layers.Dropout(rate=0.25)" in keras
    assert "keras.losses.BinaryCrossentropy()" in keras


def test_a_convolution_with_strides_and_nothing_around_runs_in_pytorch():
    torch = pytest.importorskip("torch")
    model = row(Conv2D(2, 1, strides=2, padding="same", input_shape=(5, 5, 3)), Flatten())
    scope = {}
    exec(to_code(model, "torch"), scope)
    theirs = scope["model"].double()
    give_weights(torch, theirs, model)
    x = RNG.normal(size=(4, 5, 5, 3))
    np.testing.assert_allclose(theirs(torch.tensor(x)).detach().numpy(), model.predict(x), rtol=1e-10)


def test_a_shared_layer_is_made_once():
    twin = Dense(3, "tanh")
    x = Input((3,))
    text = to_code(Model(x, Dense(1)(twin(twin(x))), rng=0), "keras")
    assert text.count("layers.Dense(units=3") == 1
    assert "x2 = dense(x1)" in text


# ---------------------------------------------------------------- what is refused


def test_what_no_program_can_say_is_refused_with_what_to_do():
    def compiled(model, optimizer="sgd", loss="mse"):
        model.compile(optimizer, loss)
        return model

    def plain(**options):
        return row(Dense(2, input_shape=(3,), **options), Dense(1))

    def mine(x):
        return x * 2

    for make, language, error, message in (
        (plain, "numpy", RuntimeError, "not compiled"),
        (lambda: compiled(plain()), "java", ValueError, "unknown language 'java'"),
        (lambda: compiled(plain(), RMSprop(0.1)), "numpy", ValueError, "expected SGD without momentum, or Adam"),
        (
            lambda: compiled(plain(), SGD(0.1, clipnorm=1.0)),
            "numpy",
            ValueError,
            "no clipping",
        ),
        (lambda: compiled(row(Dropout(0.5, input_shape=(3,)), Dense(1))), "numpy", ValueError, "draws random"),
        (lambda: compiled(plain(activation="randomized_leaky_relu")), "numpy", ValueError, "draws random"),
        (
            lambda: compiled(row(UpSampling1D(2, input_shape=(7, 3)), SimpleRNN(3), Dense(1))),
            "numpy",
            ValueError,
            "the formula of dW1_x is too long",
        ),
        (lambda: plain(activation=mine), "torch", ValueError, "an activation that is known there"),
        (
            lambda: compiled(row(LSTM(2, bias_regularizer="l2", input_shape=(3, 2)), Dense(1))),
            "torch",
            ValueError,
            "bias_regularizer is not written",
        ),
        (lambda: compiled(plain(), SGD(lambda step: 0.1)), "keras", ValueError, "a schedule"),
        (lambda: row(LSTM(2, "relu", input_shape=(3, 2))), "torch", ValueError, "PyTorch's has tanh and sigmoid"),
        (lambda: plain(kernel_regularizer=lambda w: w.sum()), "keras", ValueError, "expected L1, L2 or L1L2"),
        (lambda: plain(activation="randomized_leaky_relu"), "keras", ValueError, "that is known there"),
        (lambda: "net", "torch", TypeError, "expected a Sequential or another Model"),
    ):
        with pytest.raises(error, match=message):
            to_code(make(), language)
