"""Neural networks whose every gradient path can be listed."""

from autograd.foreign import finder as _finder

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
from . import foreign as _foreign
from .activations import RandomizedLeakyReLU
from .code.onnx_graph import to_onnx
from .code.program import to_code
from .diagnosis import diagnose
from .exercises import exercise, worksheets
from .layers import *  # noqa: F403
from .models.bridges import to_mlp, to_sequential
from .models.model import Model
from .models.per_sample import per_sample_gradients
from .models.saving import register
from .models.sequential import Sequential, load_model
from .module import Module
from .neurons import MLP, Layer, Neuron, inputs
from .optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from .perceptron import Fit, Perceptron

__all__ = [
    "MLP",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Fit",
    "Layer",
    "Model",
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
    "diagnose",
    "exercise",
    "initializers",
    "inputs",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "optimizers",
    "per_sample_gradients",
    "register",
    "regularizers",
    "schedules",
    "to_code",
    "to_mlp",
    "to_onnx",
    "to_sequential",
    "worksheets",
]
__all__ += layers.__all__

__getattr__ = _finder(__name__, __all__, _foreign.NAMES)
