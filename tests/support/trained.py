"""Small nets in training, with programs of their steps and without."""

import copy

import numpy as np

import nn


def compiled(layers, loss="mse", dtype="float32", optimizer="adam"):
    model = nn.Sequential([nn.Input((4,)), *layers], dtype=dtype, rng=1)
    model.compile(optimizer, loss, ["mae"])
    return model


def data(rows=23):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)), np.eye(3)[rng.integers(0, 3, rows)]


def recorded(model):
    """The same model, made to record a graph in each step."""
    loss = copy.copy(model.loss)
    vars(model)["loss"] = loss
    loss.of_batch = lambda *given: getattr(type(loss), "of_batch")(loss, *given)  # noqa: B009 (so nobody knows what it does)
    return model


def programs(model):
    """How many programs the training wrote."""
    return sum(shape.written is not None for shape in model.objective._programs._shapes.values())


def same_bits(one, other):
    for v, w in zip(one.get_weights(), other.get_weights(), strict=True):
        assert v.tobytes() == w.tobytes()
