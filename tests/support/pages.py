"""Computations that tests of the page explore."""

import base64
import json
import re
import zlib

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


_PACKED = re.compile(r'(id="packed">)(.*?)(</script>)', re.S)


def contents_of(page):
    """The data of a page, or of its HTML, as text, and its script."""
    packed = _PACKED.search(getattr(page, "html", page))[2]
    data, script = zlib.decompress(base64.b64decode(packed)).decode().split("\n", 1)
    return data, script


def data_of(page):
    """What the page knows."""
    return json.loads(contents_of(page)[0])


def with_data(page, data):
    """The page's HTML with other data."""
    text = f"{json.dumps(data)}\n{contents_of(page)[1]}"
    packed = base64.b64encode(zlib.compress(text.encode())).decode()
    return _PACKED.sub(lambda m: m[1] + packed + m[3], page.html)


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
