"""Small nets of every layer and of every way to wire them, for tests that hold for all of them, with their samples."""

import copy

import numpy as np

from nn import (
    GRU,
    LSTM,
    Activation,
    Add,
    AveragePooling1D,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    Input,
    LayerNormalization,
    MaxPooling1D,
    MaxPooling2D,
    Model,
    MultiHeadAttention,
    Permute,
    Reshape,
    Sequential,
    SimpleRNN,
    UpSampling1D,
    UpSampling2D,
)
from nn.losses import Huber, MeanSquaredError, SparseCategoricalCrossentropy

CLASSES = "sparse_categorical_crossentropy"
TRIANGLE = np.tri(4) > 0  # a mask
UPPER = ~np.tri(4, k=-2, dtype=bool)


def row(*layers):
    return lambda dtype: Sequential(copy.deepcopy(list(layers)), dtype=dtype, rng=0)  # each with weights of its own


def residual(dtype):
    x = Input((6,))
    a = Dense(5, "tanh")(x)
    return Model(x, Dense(3, "softmax")(a + Dense(5, "relu")(a)), dtype=dtype, rng=0)


def two_inputs(dtype):
    a, b = Input((3,), name="left"), Input((2,), name="right")
    return Model([a, b], Dense(1, "sigmoid")(Concatenate()([Dense(4, "tanh")(a), b])), dtype=dtype, rng=0)


def places_joined(dtype):
    a, b = Input((3, 2)), Input((2, 2))
    return Model([a, b], Dense(1)(Flatten()(Concatenate(axis=1)([Add()([a, a]), b]))), dtype=dtype, rng=0)


def transformer(dtype):
    x = Input((4,))
    h = Embedding(5, 6)(x)
    n = LayerNormalization()(h)
    h = h + MultiHeadAttention(2, 3)(n, n, use_causal_mask=True)
    h = h + Dense(6)(Dense(8, "gelu")(LayerNormalization()(h)))
    return Model(x, Dense(5, "softmax")(h), dtype=dtype, rng=0)


def one_looks_at_another(dtype):
    asks, shows = Input((3, 6)), Input((5, 4))
    a = MultiHeadAttention(2, 3, value_dim=2)(asks, shows)
    return Model([asks, shows], Dense(1)(Flatten()(a)), dtype=dtype, rng=0)


def three_inputs(dtype):
    query, value, key = Input((3, 4)), Input((2, 3)), Input((2, 5))
    a = MultiHeadAttention(3, 2, use_bias=False)(query, value, key)
    return Model([query, value, key], Dense(1)(Flatten()(a)), dtype=dtype, rng=0)


def masked(dtype):
    x, seen = Input((4, 4)), Input((4, 4), name="seen")
    h = MultiHeadAttention(2, 2)(x, x, attention_mask=seen, use_causal_mask=True)
    return Model([x, seen], Dense(1)(Flatten()(h + x)), dtype=dtype, rng=0)


def masked_in_a_row(dtype):
    x, word = Input((4, 3)), Input((4,), name="word")
    h = MultiHeadAttention(2, 2)(x, attention_mask=Reshape((1, 4))(word))
    return Model([x, word], Dense(1)(Flatten()(h)), dtype=dtype, rng=0)


def masked_by_an_array(dtype):
    x = Input((4, 3))
    h = MultiHeadAttention(1, 3)(x, x, attention_mask=UPPER)
    h = MultiHeadAttention(1, 2)(h, h, attention_mask=TRIANGLE)
    return Model(x, Dense(1)(Flatten()(h)), dtype=dtype, rng=0)


def nested(dtype):
    x = Input((4,))
    encoder = Sequential([Dense(3, "tanh", input_shape=(4,)), Dense(2)], name="encoder", dtype=dtype)
    decoder = Sequential([Dense(3, "tanh", input_shape=(2,)), Dense(4)], name="decoder", dtype=dtype)
    return Model(x, decoder(encoder(x)), dtype=dtype, rng=0)


def nested_of_two_inputs(dtype):
    a, b = Input((3,)), Input((2,))
    inner = Model([a, b], Dense(2, "tanh")(Concatenate()([a, b])), name="inner", dtype=dtype)
    x, z = Input((3,)), Input((2,))
    return Model([x, z], Dense(1)(inner([x, inner([x, z])])), dtype=dtype, rng=0)


def shared(dtype):
    twin, a, b = Dense(3, "tanh", name="class"), Input((3,)), Input((3,))  # no name for a variable
    return Model([a, b], Dense(1, name="forward")(twin(twin(a)) + twin(b)), dtype=dtype, rng=0)


# name: (how it is made in a dtype, its loss)
NETS = {
    "lectures": (row(Dense(5, "sigmoid", input_shape=(6,)), Dense(4, "relu"), Dense(3, "softmax")), CLASSES),
    "squares": (row(Dense(5, "sigmoid", input_shape=(6,)), Dense(3, "sigmoid")), MeanSquaredError(half=True)),
    "regression": (row(Dense(5, "silu", input_shape=(6,)), Dense(3)), "mse"),
    "penalized": (row(Dense(5, "elu", kernel_regularizer="l2", input_shape=(6,)), Dense(1)), "mae"),
    "leaky": (row(Dense(5, "leaky_relu", input_shape=(6,)), Dense(1, "sigmoid")), "binary_crossentropy"),
    "smooth": (row(Dense(5, "softplus", input_shape=(6,)), Dense(4, "selu"), Dense(1)), Huber(0.5)),
    "bounded": (row(Dense(5, "softsign", input_shape=(6,)), Dense(4, "mish"), Dense(3, "hard_sigmoid")), "mse"),
    "log": (row(Dense(5, "log_softmax", use_bias=False, input_shape=(6,)), Dense(4, "gelu"), Dense(1)), "mse"),
    "convolution": (
        row(
            Conv2D(2, 3, padding="same", activation="relu", input_shape=(6, 6, 1)),
            MaxPooling2D(),
            Conv2D(3, 2, strides=1),
            GlobalAveragePooling2D(),
            Dense(3, "softmax"),
        ),
        CLASSES,
    ),
    "strides": (row(Conv2D(2, 2, strides=2, input_shape=(6, 6, 2)), AveragePooling2D(), Flatten(), Dense(1)), "mse"),
    "strides, same": (
        row(
            Conv2D(2, 3, strides=(2, 3), padding="same", use_bias=False, input_shape=(6, 7, 2)),
            MaxPooling2D(2, strides=1, padding="same"),
            GlobalMaxPooling2D(),
            Dense(1),
        ),
        "mse",
    ),
    "even kernel, same": (
        row(
            Conv2D(2, (2, 4), padding="same", input_shape=(5, 6, 1)),
            AveragePooling2D(3, 2, "same"),
            Flatten(),
            Dense(1),
        ),
        "mse",
    ),
    "decoder": (
        row(Dense(4, input_shape=(3,)), Reshape((2, 2, 1)), UpSampling2D((2, 3)), Conv2D(1, 3, padding="same")),
        "mse",
    ),
    "sequence": (
        row(Conv1D(4, 2, input_shape=(7, 3)), MaxPooling1D(), Permute((2, 1)), GlobalMaxPooling1D(), Dense(1)),
        "mse",
    ),
    "sequence, same": (
        row(
            Conv1D(3, 3, strides=2, padding="same", activation="tanh", input_shape=(7, 2)),
            AveragePooling1D(2, padding="same"),
            MaxPooling1D(3, 1, "same"),
            UpSampling1D(2),
            GlobalAveragePooling1D(),
            Dense(1),
        ),
        "mse",
    ),
    "rnn": (row(SimpleRNN(3, input_shape=(3, 2)), Dense(3, "softmax")), CLASSES),
    "rnn, relu": (
        row(SimpleRNN(3, "relu", use_bias=False, return_sequences=True, input_shape=(3, 2)), Dense(2)),
        "mse",
    ),
    "lstm": (row(LSTM(3, return_sequences=True, input_shape=(3, 2)), Dense(3, "softmax")), CLASSES),
    "lstm of lstm": (row(LSTM(3, return_sequences=True, input_shape=(3, 2)), LSTM(2, use_bias=False), Dense(1)), "mse"),
    "gru": (row(GRU(3, input_shape=(3, 2)), Dense(3, "softmax")), CLASSES),
    "gru of gru": (row(GRU(3, return_sequences=True, use_bias=False, input_shape=(3, 2)), GRU(2), Dense(1)), "mse"),
    "norms": (row(Dense(4, input_shape=(3,)), LayerNormalization(), Activation("tanh"), Dense(1)), "mse"),
    "batch norm": (row(Dense(4, input_shape=(3,)), BatchNormalization(), Dense(1)), "mse"),
    "batch norm of images": (
        row(Conv2D(2, 2, input_shape=(3, 3, 1)), BatchNormalization(epsilon=1e-2), Flatten(), Dense(1)),
        "mse",
    ),
    "dropout": (row(Dense(4, "tanh", input_shape=(3,)), Dropout(0.5), Dense(1)), "mse"),
    "residual": (residual, CLASSES),
    "two inputs": (two_inputs, "binary_crossentropy"),
    "places joined": (places_joined, "mse"),
    "transformer": (transformer, CLASSES),
    "ignored classes": (transformer, SparseCategoricalCrossentropy(ignore_class=2)),
    "one looks at another": (one_looks_at_another, "mse"),
    "three inputs": (three_inputs, "mse"),
    "masked": (masked, "mse"),
    "masked in a row": (masked_in_a_row, "mse"),
    "masked by an array": (masked_by_an_array, "mse"),
    "nested": (nested, "mse"),
    "nested of two inputs": (nested_of_two_inputs, "mse"),
    "shared": (shared, "mse"),
}


def made(name, dtype="float64"):
    """The net of this name, with biases and running numbers that are not what they start with; and its loss."""
    make, loss = NETS[name]
    model, rng = make(dtype), np.random.default_rng(1)
    for p in model.parameters():
        if p.ndim == 1 or (p.ndim == 2 and not p.numpy().any()):
            p.data = p.numpy() + rng.normal(size=p.shape).astype(dtype) / 4
    for layer in model.modules():
        if isinstance(layer, BatchNormalization):
            layer.moving_mean, layer.moving_variance = rng.random((2, layer.gamma.size)).astype(dtype) + 0.5
    return model, loss


def samples(model, m, rng):
    """Inputs, a list of arrays, and what the loss of a compiled model takes."""
    has_symbols = any(isinstance(layer, Embedding) for layer in model.layers)
    xs = []
    for name, shape in zip(model.input_names, model.input_shapes, strict=True):
        if name in ("seen", "word"):
            seen = rng.random((m, *shape)) > 0.5
            seen[..., 0] = True  # nobody looks at nothing
            xs.append(seen.astype(float))
        else:
            xs.append(rng.integers(0, 5, (m, *shape)) if has_symbols else rng.normal(size=(m, *shape)))
    outputs = model.output_shape
    if model.loss.name == CLASSES:
        return xs, rng.integers(0, outputs[-1], (m, *outputs[:-1]))
    return xs, rng.integers(0, 2, (m, *outputs)) if "binary" in model.loss.name else rng.normal(size=(m, *outputs))


def given(model, xs):
    """Inputs as a model takes them."""
    return xs if model.takes_several else xs[0]
