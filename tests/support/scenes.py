"""Computations whose pictures are ours to place, and the elements of such a picture."""

from xml.etree import ElementTree

from pages import lecture

from autograd import Value, exp, squared_error, tanh
from nn import MLP, inputs

SVG = "{http://www.w3.org/2000/svg}"


def net_of(*sizes, x, rng=3):
    """The loss of a sigmoid net on one sample, after the backward pass."""
    net = MLP(sizes[0], sizes[1:], activation="sigmoid", output_activation="sigmoid", rng=rng)
    for j, b in enumerate(b for layer in net.layers for b in (neuron.b for neuron in layer.neurons)):
        b.data = 0.1 * j - 0.35
    loss = squared_error(net(inputs(x)), Value(1.0, "y"))
    loss.label = "L"
    loss.backward()
    return loss


def shared():
    """A free expression in which results are used more than once, near and far."""
    x, y = Value(2.0, "x"), Value(-3.0, "y")
    a = x * y
    a.label = "a"
    b = a + x
    b.label = "b"
    c = a * b
    c.label = "c"
    d = a + tanh(0.1 * c) * exp(0.5 * x)
    d.label = "d"
    result = c * d + 2 * b
    result.label = "L"
    result.backward()
    return result


CASES = {
    "2-2-2": lambda: lecture()[0],
    "3-4-3-1": lambda: net_of(3, 4, 3, 1, x=[0.5, -1.0, 2.0]),
    "2-4-1": lambda: net_of(2, 4, 1, x=[0.5, -1.0]),
    "shared": shared,
}


def elements(svg, tag, name=None):
    """The elements of a kind in a picture, or those of a class."""
    found = ElementTree.fromstring(svg).iter(SVG + tag)
    return [e for e in found if name is None or name in e.get("class", "").split()]
