"""Operations run one after another without a graph: bit for bit what the graph gives."""

import numpy as np
import pytest

from autograd import Tensor, leaky_relu, linear, relu, reshape, sigmoid, tanh
from autograd.fast.flat_parameters import FlatParameters
from autograd.fast.links import pull_back, run
from autograd.ieee import quietly
from autograd.ops.matrices import affine


def parameters(dtype, rng):
    shapes = [(5, 4), (5,), (3, 5), (3,)]
    return [Tensor(rng.normal(size=shape), dtype=dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("flat", [False, True])
def test_a_chain_gives_the_bits_of_the_graph(dtype, flat):
    rng = np.random.default_rng(1)
    ours, theirs = parameters(dtype, np.random.default_rng(0)), parameters(dtype, np.random.default_rng(0))
    if flat:
        FlatParameters(ours)
    x, g = rng.normal(size=(7, 2, 2)).astype(dtype), rng.normal(size=(7, 3)).astype(dtype)
    w, b, v, c = ours
    alpha = np.array(0.1, dtype)
    links = [
        (reshape.op, ((-1, 4),)),
        (affine.op, (w, b)),
        (tanh.op, ()),
        (leaky_relu.op, (alpha,)),
        (affine.op, (v, c)),
        (sigmoid.op, ()),
    ]
    z, tape = quietly(run, links, x)
    quietly(pull_back, tape, g)
    w, b, v, c = theirs
    y = sigmoid(linear(leaky_relu(tanh(linear(reshape(x, (-1, 4)), w, b)), alpha), v, c))
    y.backward(g)
    assert z.tobytes() == y.data.tobytes()
    for p, q in zip(ours, theirs, strict=True):
        assert p.grad.tobytes() == q.grad.tobytes()


def test_gradients_add_up_over_passes():
    (w, b, *_) = parameters("float64", np.random.default_rng(0))
    x = np.ones((2, 4))
    for _ in range(2):
        _, tape = quietly(run, [(affine.op, (w, b)), (relu.op, ())], x)
        quietly(pull_back, tape, np.ones((2, 5)))
    once = Tensor(w.data), Tensor(b.data)
    relu(linear(x, *once)).sum().backward()
    assert w.grad == pytest.approx(2 * once[0].grad)
    assert b.grad == pytest.approx(2 * once[1].grad)
