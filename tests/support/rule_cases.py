"""What a rule may use, item by item: the list in the docstring of `autograd.op`, as functions of x and y."""

import numpy as np

from autograd import where
from autograd.op import table

POINTS = [(0.7, 1.3), (-0.4, 0.6), (0.5, -1.5)]

OPERATORS = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "x / y": lambda x, y: x / y,
    "x ** 2": lambda x, y: x**2,
    "2 ** x": lambda x, y: 2.0**x,
    "1 - x": lambda x, y: 1 - x,
    "2 / y": lambda x, y: 2 / y,
    "-x": lambda x, y: -x,
    "+x": lambda x, y: +x,
    "abs(x)": lambda x, y: abs(x),
    "x < y": lambda x, y: where(x < y, x, 2 * y),
    "x <= y": lambda x, y: where(x <= y, x, y * y),
    "x > 0": lambda x, y: where(x > 0, x, 0.01 * x),
    "x >= y": lambda x, y: where(x >= y, 1, y),
    "0 < x": lambda x, y: where(x > 0, x, 0),
    "&": lambda x, y: where((x > 0) & (y > 0), x, y),
    "|": lambda x, y: where((x > 0.6) | (y > 0), x, y),
    "where of numbers": lambda x, y: where(x > 0, 1, 0),
}
# Each operation of the table, at operands at which it is defined, by its public function.
OPERATIONS = {
    name: (lambda x, y, op=op: op.function(*_inside(op, x, y))) for name, op in table.items() if not op.reduces
}
NUMPY = {
    "np.exp": lambda x, y: np.exp(x),
    "np.log": lambda x, y: np.log(x * x),
    "np.sqrt": lambda x, y: np.sqrt(x * x + 1),
    "np.sin": lambda x, y: np.sin(x),
    "np.cos": lambda x, y: np.cos(x),
    "np.tanh": lambda x, y: np.tanh(x),
    "np.abs": lambda x, y: np.abs(x),
    "np.sign": lambda x, y: np.sign(x),
    "np.square": lambda x, y: np.square(x),
    "np.negative": lambda x, y: np.negative(x),
    "np.add": lambda x, y: np.add(x, y),
    "np.subtract": lambda x, y: np.subtract(x, y),
    "np.multiply": lambda x, y: np.multiply(x, y),
    "np.divide": lambda x, y: np.divide(x, y),
    "np.power": lambda x, y: np.power(np.abs(x), y),
    "np.maximum": lambda x, y: np.maximum(x, y),
    "np.minimum": lambda x, y: np.minimum(x, 0.1),
    "np.where": lambda x, y: np.where(x > 0, x, y),
    "a NumPy number on the left": lambda x, y: np.float64(2.0) * x - np.float64(1.0) / y,
    "a NumPy number compared": lambda x, y: where(np.float64(0.1) < x, x, y),
}
CASES = OPERATORS | OPERATIONS | NUMPY


def _inside(op, x, y):
    """Operands in the domain of an operation, made of any x and y."""
    first = abs(x) + 0.5 if op.name in ("log", "sqrt", "power") else x
    return (first, y, 2.0)[: len(op.rules)] if op.name != "clip" else (x, -0.45, 0.6)
