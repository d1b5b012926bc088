"""Layers of a Sequential, by what they look at."""

from autograd.foreign import finder

from ..foreign import NAMES
from . import attention, basic, images, normalizing, sequences
from .attention import *  # noqa: F403
from .base import Add, BatchLayer, Input
from .basic import *  # noqa: F403
from .images import *  # noqa: F403
from .normalizing import *  # noqa: F403
from .sequences import *  # noqa: F403

__all__ = ["Add", "BatchLayer", "Input"]
__all__ += attention.__all__
__all__ += basic.__all__
__all__ += images.__all__
__all__ += normalizing.__all__
__all__ += sequences.__all__

__getattr__ = finder(__name__, __all__, NAMES)
