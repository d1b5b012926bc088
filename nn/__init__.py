"""Neural networks whose every gradient path can be listed."""

from . import (
    activations,
    callbacks,
    data,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from .activations import RandomizedLeakyReLU
from .layers import Activation, BatchLayer, Dense, Dropout, Flatten, Input
from .models.bridges import to_mlp, to_sequential
from .models.per_sample import per_sample_gradients
from .models.sequential import Sequential, load_model
from .module import Module
from .neurons import MLP, Layer, Neuron, inputs
from .optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from .perceptron import Fit, Perceptron

__all__ = [
    "MLP",
    "SGD",
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "BatchLayer",
    "Dense",
    "Dropout",
    "Fit",
    "Flatten",
    "Input",
    "Layer",
    "Module",
    "Neuron",
    "Perceptron",
    "RMSprop",
    "RandomizedLeakyReLU",
    "Sequential",
    "activations",
    "callbacks",
    "data",
    "datasets",
    "initializers",
    "inputs",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "optimizers",
    "per_sample_gradients",
    "regularizers",
    "schedules",
    "to_mlp",
    "to_sequential",
]
