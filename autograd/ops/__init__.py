"""The operations: a file for each kind, in it each operation with its derivatives.

`autograd` hands on what the lists of these files name. It has abs, max, min and sum, which are Python's too, from
`python_names`.
"""

from . import (
    activations,
    choosing,
    convolutions,
    einsums,
    elementwise,
    extremes,
    functions,
    losses,
    matrices,
    moves,
    norms,
    shapes,
    softmaxes,
    sums,
)
from .activations import *  # noqa: F403
from .choosing import *  # noqa: F403
from .convolutions import *  # noqa: F403
from .einsums import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .extremes import *  # noqa: F403
from .functions import *  # noqa: F403
from .losses import *  # noqa: F403
from .matrices import *  # noqa: F403
from .moves import *  # noqa: F403
from .norms import *  # noqa: F403
from .shapes import *  # noqa: F403
from .softmaxes import *  # noqa: F403
from .sums import *  # noqa: F403

__all__ = []
__all__ += activations.__all__
__all__ += choosing.__all__
__all__ += convolutions.__all__
__all__ += einsums.__all__
__all__ += elementwise.__all__
__all__ += extremes.__all__
__all__ += functions.__all__
__all__ += losses.__all__
__all__ += matrices.__all__
__all__ += moves.__all__
__all__ += norms.__all__
__all__ += shapes.__all__
__all__ += softmaxes.__all__
__all__ += sums.__all__
