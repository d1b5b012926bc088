"""Losses of convolutional, recurrent, attending and normalizing networks, for `derive`: small, seeded, all kinds."""

import numpy as np

import autograd
from autograd import Tensor, softmax
from nn import Input, Model, Sequential
from nn.layers import (
    GRU,
    LSTM,
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    LayerNormalization,
    MaxPooling1D,
    MaxPooling2D,
    MultiHeadAttention,
    SimpleRNN,
    UpSampling2D,
)

# What the layers are, the shape of a sample, how many samples.
LAYERS = {
    "cnn": (lambda: [Conv2D(2, 2, activation="relu"), Flatten(), Dense(3)], (4, 4, 1), 2),
    "cnn_with_pooling": (
        lambda: [
            Conv2D(3, 3, activation="relu", padding="same"),
            MaxPooling2D(2),
            Conv2D(2, 2, activation="tanh"),
            Flatten(),
            Dense(2),
        ],
        (6, 6, 1),
        4,
    ),
    "cnn_with_strides": (
        lambda: [
            Conv2D(3, (3, 2), strides=(2, 1), padding="same", use_bias=False),
            AveragePooling2D(2, strides=1),
            Conv2D(2, 2, strides=2, activation="tanh"),
            Flatten(),
            Dense(2),
        ],
        (7, 5, 2),
        4,
    ),
    "cnn_with_overlapping_pools": (
        lambda: [Conv2D(3, 2), MaxPooling2D(2, strides=1, padding="same"), GlobalAveragePooling2D(), Dense(2)],
        (4, 4, 1),
        2,
    ),
    "decoder": (lambda: [Conv2D(3, 2, activation="relu"), UpSampling2D(2), Conv2D(1, 2)], (3, 3, 1), 2),
    "sequence_cnn": (
        lambda: [Conv1D(3, 2, activation="relu"), MaxPooling1D(2), GlobalMaxPooling1D(), Dense(2)],
        (5, 2),
        4,
    ),
    "sequence_average": (lambda: [Conv1D(3, 2), GlobalAveragePooling1D(), Dense(2)], (5, 2), 2),
    "rnn": (lambda: [SimpleRNN(3), Dense(2)], (4, 2), 3),
    "rnn_on_rnn": (lambda: [SimpleRNN(2, return_sequences=True), SimpleRNN(3), Dense(2)], (3, 2), 4),
    "rnn_at_every_step": (lambda: [SimpleRNN(2, return_sequences=True), Dense(2)], (3, 4), 5),
    "lstm": (lambda: [LSTM(2), Dense(2)], (3, 2), 4),
    "gru": (lambda: [GRU(2), Dense(2)], (3, 2), 4),
    "gru_without_bias": (lambda: [GRU(2, use_bias=False), Dense(2)], (3, 2), 4),
    "dense_at_every_step": (lambda: [Dense(3, "tanh"), Dense(2)], (3, 2), 4),
    "batch_normalization": (lambda: [Dense(3), BatchNormalization(), Activation("relu"), Dense(2)], (2,), 4),
    "batch_normalization_of_images": (
        lambda: [Conv2D(3, 2), BatchNormalization(), Activation("relu"), Flatten(), Dense(2)],
        (3, 3, 1),
        4,
    ),
    "layer_normalization": (lambda: [Dense(3), LayerNormalization(), Dense(2)], (2,), 4),
    "layer_normalization_of_sequences": (
        lambda: [Dense(3), LayerNormalization(), Flatten(), Dense(2)],
        (4, 2),
        3,
    ),
}


def of_layers(name, seed=0):
    """The loss of a net of layers, and its parameters by name."""
    make, shape, m = LAYERS[name]
    rng = np.random.default_rng(seed)
    model = Sequential(make(), dtype="float64", rng=seed)
    model.build(shape)
    for p in model.parameters():  # no weight is 0, as biases are at first
        p.data = rng.normal(size=p.shape).round(2)
    z = model(Tensor(rng.normal(size=(m, *shape)).round(2), "X"))
    if z.ndim == 2:
        loss = autograd.softmax_cross_entropy(z, np.eye(z.shape[1])[rng.integers(z.shape[1], size=m)])
    else:
        loss = ((z - rng.normal(size=z.shape).round(2)) ** 2).sum() / (2 * m)
    loss.label = "L"
    return loss, {p.label: p for p in model.parameters()}


def embedding(seed=0):
    """The loss of a recurrent net of symbols, and its parameters by name."""
    model = Sequential([Embedding(5, 2), SimpleRNN(3), Dense(2)], dtype="float64", rng=seed)
    model.build((3,))
    symbols = np.random.default_rng(seed).integers(5, size=(4, 3)).astype(float)
    loss = autograd.softmax_cross_entropy(model(symbols), np.eye(2)[[0, 1, 1, 0]])
    loss.label = "L"
    return loss, {p.label: p for p in model.parameters()}


def at_every_step(loss, outputs, seed=0):
    """A loss of `compile` over all steps of a sequence, and the parameters by name."""
    last = Dense(outputs, "softmax" if "cross" in loss else None)
    model = Sequential([SimpleRNN(2, return_sequences=True, input_shape=(3, 4)), last], dtype="float64", rng=seed)
    model.compile(loss=loss)
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=(5, 3, outputs)) if loss == "mse" else rng.integers(outputs, size=(5, 3))
    found = model.loss_of(Tensor(rng.normal(size=(5, 3, 4)).round(2), "X"), targets)
    found.label = "L"
    return found, {p.label: p for p in model.parameters()}


def several_heads(causal=True, seed=0):
    """The loss of a block of a transformer with several heads, and its parameters by name."""
    x = Input((3, 4))
    attended = MultiHeadAttention(2, 2)(x, x, use_causal_mask=causal)
    features = GlobalAveragePooling1D()(LayerNormalization()(x + attended))
    model = Model(x, Dense(2)(features), dtype="float64", rng=seed)
    rng = np.random.default_rng(seed)
    for p in model.parameters():
        p.data = rng.normal(size=p.shape).round(2)
    z = model(Tensor(rng.normal(size=(5, 3, 4)).round(2), "X"))
    loss = autograd.softmax_cross_entropy(z, np.eye(2)[[0, 1, 1, 0, 1]])
    loss.label = "L"
    return loss, {p.label: p for p in model.parameters()}


def attention(shape=(3, 2), mask=None, seed=0):
    """The loss of one head of attention, and its parameters by name. mask: None, "added" or "where"."""
    rng = np.random.default_rng(seed)
    d, n = shape[-1], shape[-2]
    x = Tensor(rng.normal(size=shape).round(1), "X")
    weights = {f"W_{letter}": Tensor(rng.normal(size=(d, 2)).round(1), f"W_{letter}") for letter in "QKV"}
    q, k, v = (x @ w for w in weights.values())
    q.label, k.label, v.label = "Q", "K", "V"
    s = q @ k.swapaxes(-1, -2) / np.sqrt(2)
    s.label = "S"
    if mask == "added":
        masked = s + np.where(np.tri(n) > 0, 0, -1e9)
    else:
        masked = s if mask is None else autograd.where(np.tri(n) > 0, s, -np.inf)
    p = softmax(masked)
    o = p @ v
    p.label, o.label = "P", "O"
    loss = ((o - rng.normal(size=o.shape).round(1)) ** 2).sum() / (2 * shape[0])
    loss.label = "L"
    return loss, weights


def maxout(axis=1, ties=False, seed=0):
    """The loss of the largest of several units, or of several steps, and its parameter."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(4, 3, 2)).round(1)
    if ties:
        x[:, 1] = x[:, 0]
    w = Tensor(rng.normal(size=(2, 3)).round(1), "W")
    z = Tensor(x, "X") @ w
    a = z.max(axis)
    z.label, a.label = "Z", "A"
    loss = (a * a).sum()
    loss.label = "L"
    return loss, {"W": w}


OTHERS = {
    "embedding": embedding,
    "mean_square_at_every_step": lambda: at_every_step("mse", 1),
    "classes_at_every_step": lambda: at_every_step("sparse_categorical_crossentropy", 3),
    "attention": attention,
    "attention_of_a_batch": lambda: attention((4, 3, 2)),
    "causal_attention": lambda: attention(mask="added"),
    "causal_attention_by_where": lambda: attention(mask="where"),
    "several_heads": several_heads,
    "maxout": maxout,
    "maxout_with_ties": lambda: maxout(ties=True),
    "maxout_of_units": lambda: maxout(axis=-1),
}
NETWORKS = {**{name: (lambda name=name: of_layers(name)) for name in LAYERS}, **OTHERS}
