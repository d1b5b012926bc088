"""Neural networks whose every gradient path can be listed."""

from . import data, datasets, initializers, metrics, schedules
from .activations import RandomizedLeakyReLU
from .module import Module
from .neurons import MLP, Layer, Neuron, inputs
from .optimizers import SGD
from .perceptron import Fit, Perceptron

__all__ = [
    "MLP",
    "SGD",
    "Fit",
    "Layer",
    "Module",
    "Neuron",
    "Perceptron",
    "RandomizedLeakyReLU",
    "data",
    "datasets",
    "initializers",
    "inputs",
    "metrics",
    "schedules",
]
