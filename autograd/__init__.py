"""Automatic differentiation of numbers and of arrays that can list every gradient path."""

from . import foreign as _foreign
from . import ops
from .bridges.replaying import replayed
from .bridges.unroll import unroll
from .bridges.vectorize import vectorize
from .check import central_difference, check_gradients, complex_step, find_nan
from .derivations import derive
from .functional import grad, hessian, hessian_vector_product, jacobian, value_and_grad
from .marking.marking import Marking, check_work
from .matrices.derivation import MatrixDerivation
from .modes import detect_anomaly, no_grad
from .ops import *  # noqa: F403
from .passes.gradients import gradients
from .paths import Edge, Path, PathGraph
from .paths.backward_steps import backward_steps
from .paths.derivation import Derivation
from .python_names import abs, max, min, sum
from .tensor import Tensor
from .value import Value

__all__ = [
    "Derivation",
    "Edge",
    "Marking",
    "MatrixDerivation",
    "Path",
    "PathGraph",
    "Tensor",
    "Value",
    "abs",
    "backward_steps",
    "central_difference",
    "check_gradients",
    "check_work",
    "complex_step",
    "derive",
    "detect_anomaly",
    "find_nan",
    "grad",
    "gradients",
    "hessian",
    "hessian_vector_product",
    "jacobian",
    "max",
    "min",
    "no_grad",
    "replayed",
    "sum",
    "unroll",
    "value_and_grad",
    "vectorize",
]
__all__ += ops.__all__

__getattr__ = _foreign.finder(__name__, __all__, _foreign.NAMES)
