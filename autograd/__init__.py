"""Scalar automatic differentiation that can list every gradient path."""

from .backward import grad, gradients, hessian, value_and_grad
from .modes import detect_anomaly, no_grad
from .ops import *  # noqa: F403
from .ops import __all__ as _ops
from .paths import Derivation, Edge, Path, PathGraph, derive
from .reductions import *  # noqa: F403
from .reductions import __all__ as _reductions
from .value import Value
