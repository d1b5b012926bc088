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
from .layers import (
    GRU,
    LSTM,
    Activation,
    Add,
    AveragePooling1D,
    AveragePooling2D,
    BatchLayer,
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
    MultiHeadAttention,
    Permute,
    Reshape,
    SimpleRNN,
    UpSampling1D,
    UpSampling2D,
)
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
    "GRU",
    "LSTM",
    "MLP",
    "SGD",
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "Add",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchLayer",
    "BatchNormalization",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Dense",
    "Dropout",
    "Embedding",
    "Fit",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "Input",
    "Layer",
    "LayerNormalization",
    "MaxPooling1D",
    "MaxPooling2D",
    "Model",
    "Module",
    "MultiHeadAttention",
    "Neuron",
    "Perceptron",
    "Permute",
    "RMSprop",
    "RandomizedLeakyReLU",
    "Reshape",
    "Sequential",
    "SimpleRNN",
    "UpSampling1D",
    "UpSampling2D",
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

__getattr__ = _finder(__name__, __all__, _foreign.NAMES)
