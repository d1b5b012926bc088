"""Nets of layers: Sequential, what it says of itself, how it is kept, and the way to nets of Values."""

from autograd.foreign import finder

from ..foreign import OF_MODELS

__getattr__ = finder(__name__, (), OF_MODELS)
