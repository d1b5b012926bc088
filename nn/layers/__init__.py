"""Layers of a Sequential, by what they look at."""

from autograd.foreign import finder

from ..foreign import NAMES
from .attention import MultiHeadAttention
from .base import Add, BatchLayer, Input
from .basic import Activation, Concatenate, Dense, Dropout, Flatten, WeightedLayer
from .images import (
    AveragePooling1D,
    AveragePooling2D,
    Conv1D,
    Conv2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
    Permute,
    Reshape,
    UpSampling1D,
    UpSampling2D,
)
from .normalizing import BatchNormalization, LayerNormalization
from .sequences import GRU, LSTM, Embedding, SimpleRNN

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
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
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "Input",
    "LayerNormalization",
    "MaxPooling1D",
    "MaxPooling2D",
    "MultiHeadAttention",
    "Permute",
    "Reshape",
    "SimpleRNN",
    "UpSampling1D",
    "UpSampling2D",
    "WeightedLayer",
]


__getattr__ = finder(__name__, __all__, NAMES)
