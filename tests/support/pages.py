"""Computations that tests of the page explore."""

import numpy as np

from autograd import Value, exp, log, squared_error, tanh
from nn import MLP, inputs

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "]]><!-- --><b>'\"`&amp;",
    "\u2028\u2029\u202e\x00",
    "{12}{{data}}${1}",
    "y" * 10_000,
    "\ud800 half",
]


def lecture():
    """The net of the README: its loss and itself."""
    weights = [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]]
    net = MLP.from_weights(weights, [[0.35, 0.35], [0.60, 0.60]], "sigmoid", "sigmoid")
    loss = squared_error(net(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    loss.backward()
    return loss, net


def dense(*sizes):
    """The loss of a sigmoid net on one sample, after the backward pass, and the net."""
    net = MLP(sizes[0], sizes[1:], activation="sigmoid", output_activation="sigmoid", rng=0)
    x = np.random.default_rng(0).random(sizes[0])
    loss = squared_error(net(inputs(list(x))), inputs([0.0] * (sizes[-1] - 1) + [1.0], "y"))
    loss.backward()
    return loss, net


def unnamed():
    a, b = Value(2.0), Value(-3.0)
    result = tanh(a * b + (a - 1) ** 2) * a + exp(b) / (1 + a * a)
    result.backward()
    return result


def hostile():
    """A computation with the worst of names, nan and infinities; and the node of the first name."""
    w, x, u, v, zero, y = (Value(d, name) for d, name in zip((0.5, 2.0, 1.0, -1.0, 0.0, 3.0), HOSTILE, strict=True))
    h = w * x + u * v
    h.label = "<h>"
    result = h * h + log(zero) * x + y * float("nan")
    result.backward()
    return result, w
