"""Random arithmetic on a few quantities, for the tests that read back what is printed.

An expression is a tree of tuples; `computed` reads it with any numbers, formulas or nodes.
"""

import math
import random

from autograd import (
    abs,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cos,
    dot,
    exp,
    log,
    log_softmax,
    logsumexp,
    maximum,
    mean,
    relu,
    sigmoid,
    sin,
    softmax,
    softmax_cross_entropy,
    softplus,
    sqrt,
    squared_error,
    tanh,
)

POINT = {"x": 0.8, "y": 1.7, "w": 0.35, "a": 0.6, "b": 1.3}

OPERATIONS = {
    "+": lambda u, v: u + v,
    "-": lambda u, v: u - v,
    "*": lambda u, v: u * v,
    "/": lambda u, v: u / v,
    "neg": lambda u: -u,
    "**": lambda u, n: u**n,
    "sqrt": sqrt,
    "sin": sin,
    "cos": cos,
    "exp": exp,
    "log": log,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "relu": relu,
    "softplus": softplus,
    "abs": abs,
    "max": maximum,
    "softmax": lambda u, v: softmax([u, v])[0],
    "pow": lambda u, v: u**v,
}
# Losses and sums of sequences, for trees that ask for them.
OF_SEQUENCES = {
    "CE": lambda u, v: softmax_cross_entropy([u, v, u * v], 1),
    "CE of a distribution": lambda u, v: softmax_cross_entropy([u, v], [0.25, 0.75]),
    "BCE": lambda u, v: binary_cross_entropy(sigmoid(u), sigmoid(v)),
    "BCE of logits": lambda u, v: binary_cross_entropy_with_logits(u, sigmoid(v)),
    "squared error": lambda u, v: squared_error([u, v], [v, 2.0]),
    "dot": lambda u, v: dot([u, v], [v, u + 1.0]),
    "mean": lambda u, v: mean([u, v, u]),
    "logsumexp": lambda u, v: logsumexp([u, v]),
    "log softmax": lambda u, v: log_softmax([u, v])[1],
}
OPERATIONS |= OF_SEQUENCES
FUNCTIONS = ["sqrt", "sin", "cos", "exp", "log", "tanh", "sigmoid", "relu", "softplus", "abs"]
EXPONENTS = [-2.0, -1.0, -0.5, 0.5, 1.5, 2.0, 3.0]
NUMBERS = [-3.0, -1.0, -0.5, 0.1, 0.5, 1.0, 2.0, 4.0, 1 / 3, math.pi, 12.5]


def tree(rng, leaves, shared=(), binary=(*"+-*/" * 3, "max", "softmax", "pow")):
    """A random tree with so many leaves; some of its parts occur several times, so that things cancel.

    binary: the operations on two parts, the more often the more times.
    """
    shared = list(shared)
    if leaves <= 1:
        return rng.choice([*POINT, *POINT, rng.choice(NUMBERS)])
    if shared and rng.random() < 0.3:
        return rng.choice(shared)
    kind = rng.random()
    if kind < 0.15:
        part = (rng.choice([*FUNCTIONS, "neg"]), tree(rng, leaves - 1, shared, binary))
    elif kind < 0.35:
        part = ("**", tree(rng, leaves - 1, shared, binary), rng.choice(EXPONENTS))
    else:
        left = rng.randint(1, leaves - 1)
        first = tree(rng, left, shared, binary)
        shared.append(first)
        part = (rng.choice(binary), first, tree(rng, leaves - left, shared, binary))
    return part


def computed(part, values):
    """The tree read with these values for its names."""
    if isinstance(part, str):
        return values[part]
    if not isinstance(part, tuple):
        return part
    name, *parts = part
    return OPERATIONS[name](*(computed(u, values) for u in parts))


def numbers_within(part, low=0.05, high=50.0):
    """Whether all intermediate results are numbers of order one, so that rounding plays no part."""
    sizes = []

    def visit(u):
        if not isinstance(u, tuple):
            return POINT.get(u, u)
        numbers = [visit(v) for v in u[1:]]
        if u[0] in ("sqrt", "log", "**", "pow") and numbers[0] < low:
            raise ArithmeticError
        if u[0] == "/" and math.fabs(numbers[1]) < low:
            raise ArithmeticError
        if u[0] in ("abs", "relu", "max") and math.fabs(numbers[0] - sum(numbers[1:])) < low:  # a kink
            raise ArithmeticError
        result = OPERATIONS[u[0]](*numbers)
        sizes.append(math.fabs(result))
        return result

    try:
        visit(part)
    except (ArithmeticError, ValueError, TypeError):
        return False
    return all(s == s and s < high for s in sizes)


def trees(seed, count, leaves=9, binary=None):
    """So many random trees, all with numbers of order one. binary: see `tree`."""
    rng = random.Random(seed)
    found = 0
    while found < count:
        part = tree(rng, rng.randint(2, leaves), *([(), binary] if binary else []))
        if numbers_within(part) and isinstance(part, tuple):
            found += 1
            yield part
