"""Random formulas for hypothesis, as graphs and as formulas."""

import math

from hypothesis import strategies as st

from autograd import exp, sigmoid, sin, tanh
from autograd.formulas.expression import constant, symbol

POINT = {"x": 0.8, "y": 1.7, "w": 0.35, "a": 0.6, "b": 1.3}


# What a formula means, in functions of Python alone.
def _sigmoid(z):
    return 1 / (1 + math.exp(-z))


UNARY = {"neg": lambda u: -u, "square": lambda u: u**2, "inverse": lambda u: 1 / u, "cube": lambda u: u**3}


FUNCTIONS = {"sin": (sin, math.sin), "exp": (exp, math.exp), "sigmoid": (sigmoid, _sigmoid), "tanh": (tanh, math.tanh)}


BINARY = {
    "+": lambda u, v: u + v,
    "-": lambda u, v: u - v,
    "*": lambda u, v: u * v,
    "/": lambda u, v: u / v,
}


trees = st.recursive(
    st.sampled_from([*POINT, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 4.0]),
    lambda part: st.one_of(
        st.tuples(st.sampled_from([*UNARY, *FUNCTIONS]), part), st.tuples(st.sampled_from(sorted(BINARY)), part, part)
    ),
    max_leaves=9,
)


def formula_of(tree):
    if isinstance(tree, tuple):
        name, *parts = tree
        return (UNARY | BINARY | {k: f for k, (f, _) in FUNCTIONS.items()})[name](*map(formula_of, parts))
    return symbol(tree, POINT[tree]) if isinstance(tree, str) else constant(tree)
