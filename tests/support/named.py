"""Nodes with names, for tests of what reads them."""

from autograd import Value


def named(node, label):
    node.label = label
    return node


def a_product(w=3.0, x=2.0, b=0.5):
    """w x + b after its backward pass: its leaves and itself."""
    w, x, b = Value(w, "w"), Value(x, "x"), Value(b, "b")
    z = named(w * x + b, "z")
    z.backward()
    return w, x, b, z
