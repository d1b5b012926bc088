"""`to_code`: a model as a program in NumPy, PyTorch or Keras."""

from __future__ import annotations

from autograd.arguments import lookup

from ..models.model import find_model
from .in_keras import keras_code
from .in_numpy import numpy_code
from .in_torch import torch_code

__all__ = ["to_code"]

LANGUAGES = {"numpy": numpy_code, "torch": torch_code, "keras": keras_code}


def to_code(model: object, language: str = "numpy") -> str:
    """The program of a net, as text: print it, save it, run it.

    model: a Sequential or another Model that is built. language:

    "numpy"  the lectures' program, written by the net itself: forward, backward and downhill, line by line as
             `derive` has them, and no library but NumPy. The model is compiled, with SGD or Adam; from the same
             weights and batches it comes to the same numbers. It is run once and compared before it is given
    "torch"  the same net as a torch.nn.Module, with its optimizer and a step
    "keras"  the same net for Keras, compiled if the model is

    Samples are rows everywhere, channels last. ValueError for what the language has not, with what to do; for "numpy"
    that is Dropout, clipping and schedules, RuntimeError for a model that is not compiled.
    """
    model = find_model("to_code", model)
    return lookup("language", language, LANGUAGES)(model)
