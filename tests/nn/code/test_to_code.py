"""`to_code`: the programs run, and come to the numbers of the model."""

import numpy as np
import pytest
from scripts import load_from
from sizes import mostly_slow, slow

from nn import (
    GRU,
    LSTM,
    SGD,
    Activation,
    Adam,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    Input,
    LayerNormalization,
    MaxPooling1D,
    MaxPooling2D,
    Model,
    MultiHeadAttention,
    Permute,
    Reshape,
    RMSprop,
    Sequential,
    SimpleRNN,
    UpSampling2D,
    to_code,
)
from nn.losses import MeanSquaredError

give_weights = load_from("benchmarks", "torch_weights").give_weights
RNG = np.random.default_rng(0)
CLASSES = "sparse_categorical_crossentropy"


def row(*layers):
    return Sequential(list(layers), dtype="float64", rng=0)


def residual():
    x = Input((6,))
    a = Dense(5, "tanh")(x)
    return Model(x, Dense(3, "softmax")(a + Dense(5, "relu")(a)), dtype="float64", rng=0)


def two_inputs():
    a, b = Input((3,)), Input((2,))
    return Model([a, b], Dense(1, "sigmoid")(Concatenate()([Dense(4, "tanh")(a), b])), dtype="float64", rng=0)


def transformer():
    x = Input((4,))
    h = Embedding(5, 6)(x)
    n = LayerNormalization()(h)
    h = h + MultiHeadAttention(2, 3)(n, n, use_causal_mask=True)
    h = h + Dense(6)(Dense(8, "gelu")(LayerNormalization()(h)))
    return Model(x, Dense(5, "softmax")(h), dtype="float64", rng=0)


def nested():
    x = Input((4,))
    encoder = Sequential([Dense(3, "tanh", input_shape=(4,)), Dense(2)], name="encoder", dtype="float64")
    decoder = Sequential([Dense(3, "tanh", input_shape=(2,)), Dense(4)], name="decoder", dtype="float64")
    return Model(x, decoder(encoder(x)), dtype="float64", rng=0)


NETS = {
    "lectures": (lambda: row(Dense(5, "sigmoid", input_shape=(6,)), Dense(4, "relu"), Dense(3, "softmax")), CLASSES),
    "squares": (
        lambda: row(Dense(5, "sigmoid", input_shape=(6,)), Dense(3, "sigmoid")),
        MeanSquaredError(half=True),
    ),
    "regression": (lambda: row(Dense(5, "silu", input_shape=(6,)), Dense(3)), "mse"),
    "penalized": (lambda: row(Dense(5, "elu", kernel_regularizer="l2", input_shape=(6,)), Dense(1)), "mae"),
    "leaky": (lambda: row(Dense(5, "leaky_relu", input_shape=(6,)), Dense(1, "sigmoid")), "binary_crossentropy"),
    "convolution": (
        lambda: row(
            Conv2D(2, 3, padding="same", activation="relu", input_shape=(6, 6, 1)),
            MaxPooling2D(),
            Conv2D(3, 2, strides=1),
            GlobalAveragePooling2D(),
            Dense(3, "softmax"),
        ),
        CLASSES,
    ),
    "strides": (
        lambda: row(Conv2D(2, 2, strides=2, input_shape=(6, 6, 2)), AveragePooling2D(), Flatten(), Dense(1)),
        "mse",
    ),
    "decoder": (
        lambda: row(Dense(4, input_shape=(3,)), Reshape((2, 2, 1)), UpSampling2D(), Conv2D(1, 3, padding="same")),
        "mse",
    ),
    "sequence": (
        lambda: row(Conv1D(4, 2, input_shape=(7, 3)), MaxPooling1D(), Permute((2, 1)), GlobalMaxPooling1D(), Dense(1)),
        "mse",
    ),
    "rnn": (lambda: row(SimpleRNN(3, input_shape=(3, 2)), Dense(3, "softmax")), CLASSES),
    "lstm": (lambda: row(LSTM(3, return_sequences=True, input_shape=(3, 2)), Dense(3, "softmax")), CLASSES),
    "gru": (lambda: row(GRU(3, input_shape=(3, 2)), Dense(3, "softmax")), CLASSES),
    "norms": (lambda: row(Dense(4, input_shape=(3,)), LayerNormalization(), Activation("tanh"), Dense(1)), "mse"),
    "batch norm": (lambda: row(Dense(4, input_shape=(3,)), BatchNormalization(), Dense(1)), "mse"),
    "residual": (residual, CLASSES),
    "two inputs": (two_inputs, "binary_crossentropy"),
    "transformer": (transformer, CLASSES),
    "nested": (nested, "mse"),
}


def data(model, m=12):
    shapes = model.input_shapes
    has_symbols = any(isinstance(layer, Embedding) for layer in model.layers)
    xs = [RNG.integers(0, 5, (m, *s)) if has_symbols else RNG.normal(size=(m, *s)) for s in shapes]
    outputs = model.output_shape
    name = model.loss.name
    if name == CLASSES:
        y = RNG.integers(0, outputs[-1], (m, *outputs[:-1]))
    else:
        y = RNG.integers(0, 2, (m, *outputs)) if "binary" in name else RNG.normal(size=(m, *outputs))
    return xs, y


class InOrder:
    """In the place of a generator: samples in the order that they have, as `shuffle=False`."""

    def permutation(self, n):
        return np.arange(n)


@pytest.mark.parametrize("optimizer", [SGD(0.1), *slow(Adam(0.01))], ids=["sgd", "adam"])
@pytest.mark.parametrize("name", mostly_slow(NETS, "two inputs", "strides"))
def test_the_program_in_numpy_trains_to_the_same_numbers(name, optimizer):
    make, loss = NETS[name]
    model = make()
    model.compile(type(optimizer)(optimizer.learning_rate), loss)
    xs, y = data(model)
    scope = {}
    exec(to_code(model, "numpy"), scope)
    weights = [p.numpy().copy() for p in model.parameters()]
    target = model.loss.targets("test", np.asarray(y), model.output_shape, model.dtype)
    losses = scope["train"](*xs, target, weights, 3, 5, InOrder())
    history = model.fit(xs if model.takes_several else xs[0], y, batch_size=5, epochs=3, shuffle=False, verbose=0)
    np.testing.assert_allclose(losses, history.history["loss"], rtol=1e-11)
    for mine, p in zip(weights, model.parameters(), strict=True):
        # Adam divides by what is 0 but for rounding: gradients of biases before a batch norm, of those of keys
        is_exact = isinstance(optimizer, SGD) or name not in ("transformer", "batch norm")
        atol = 1e-12 if is_exact else 1e-3
        np.testing.assert_allclose(mine, p.numpy(), rtol=1e-11, atol=atol)


@pytest.mark.slow
def test_the_program_reads_as_the_lectures_write_it():
    model = NETS["lectures"][0]()
    model.compile(SGD(0.5), CLASSES)
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
    model = NETS["batch norm"][0]()
    model.compile("adam", "mse")
    before = model.state_dict()
    to_code(model, "numpy")
    assert all(np.array_equal(x, before[name]) for name, x in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


# ---------------------------------------------------------------- PyTorch


@pytest.mark.parametrize("name", NETS)
def test_the_program_in_pytorch_is_the_same_net(name):
    torch = pytest.importorskip("torch")
    make, loss = NETS[name]
    model = make()
    model.compile(SGD(0.1), loss)
    if name == "squares":
        with pytest.raises(ValueError, match="not known elsewhere"):
            to_code(model, "torch")
        return
    xs, y = data(model)
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
    x = xs if model.takes_several else xs[0]
    np.testing.assert_allclose(outputs.detach().numpy(), model.predict(x), rtol=1e-9, atol=1e-12)
    theirs.train()
    target = torch.tensor(y) if loss == CLASSES else torch.tensor(y, dtype=torch.float64)
    penalty = sum(float(p.item()) for layer in model.layers for p in layer.penalties())
    first = scope["step"](*tensors, target)
    assert first + penalty == pytest.approx(model.train_on_batch(x, y), rel=1e-9)
    second = scope["step"](*tensors, target)
    if not penalty and name not in ("rnn", "lstm", "gru"):  # whose two biases there move as one here
        assert second == pytest.approx(model.train_on_batch(x, y), rel=1e-8)


# ---------------------------------------------------------------- Keras


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what Keras does with NumPy is its own affair
@pytest.mark.parametrize("name", NETS)
def test_the_program_in_keras_is_the_same_net(name, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras runs on another backend here")
    make, loss = NETS[name]
    model = make()
    model.compile(SGD(0.1), loss if name != "squares" else "mse", ["mse"] if name == "regression" else None)
    xs, _ = data(model)
    scope = {}
    exec(to_code(model, "keras"), scope)
    theirs = scope["model"]
    flat = [layer for part in model.layers for layer in (part.layers if isinstance(part, Model) else [part])]
    with_weights = [layer for layer in theirs.layers if layer.weights]
    for mine, its in zip([layer for layer in flat if layer.parameters()], with_weights, strict=True):
        its.set_weights(mine.get_weights())
    x = xs if model.takes_several else xs[0]
    np.testing.assert_allclose(theirs.predict(x, verbose=0), model.predict(x), rtol=1e-5, atol=1e-6)


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
        (lambda: plain(activation=mine), "torch", ValueError, "an activation that both libraries have"),
        (
            lambda: row(Conv2D(2, 2, strides=2, padding="same", input_shape=(5, 5, 1))),
            "torch",
            ValueError,
            "no padding",
        ),
        (lambda: row(MultiHeadAttention(2, 2, input_shape=(3, 3))), "torch", ValueError, "key_dim = features / heads"),
        (lambda: "net", "torch", TypeError, "expected a Sequential or another Model"),
    ):
        with pytest.raises(error, match=message):
            to_code(make(), language)
