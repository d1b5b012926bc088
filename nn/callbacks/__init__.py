"""Callbacks: what can be done while a model trains, from stopping early to saving the best weights.

Names, arguments and defaults are those of Keras. Callbacks are called in the order in which `fit`
is given them, and the History after them.
"""

from autograd.foreign import finder

from ..foreign import NAMES
from .base import Callback
from .monitors import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from .shown import progress
from .standard import CSVLogger, History, LambdaCallback, LearningRateScheduler, TerminateOnNaN

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
    "progress",
]


__getattr__ = finder(__name__, __all__, NAMES)
