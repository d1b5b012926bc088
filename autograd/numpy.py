"""NumPy itself, under the name by which programs of HIPS autograd import it: its functions take Tensors here."""

from typing import Any

import numpy


def __getattr__(name: str) -> Any:
    return getattr(numpy, name)
