"""An activation of a weighted sum: one node, and nobody can tell it from two."""

import copy
import math
import pickle

import pytest

from autograd import Value, detect_anomaly, dot, gradients, no_grad, tanh
from autograd.fast.neuron import Inputs, Weights, record
from autograd.op import table

ACTIVATIONS = [None, *(op for op in table.values() if not op.reduces and len(op.rules) == 1)]
X = [1.5, -0.25, 0.7]


def as_one_node(op, x=X, b=0.2):
    """The parameters and the node of g(w₁x₁ + w₂x₂ + w₃x₃ + b)."""
    w = Weights(Value(u) for u in (0.3, 0.9, 0.4, b))
    w.sum_label = "z"
    return w, record(op, w, Inputs(tuple(x)))


def spelled_out(op, x=X, b=0.2):
    w = [Value(u) for u in (0.3, 0.9, 0.4, b)]
    z = dot(w[:3], x, w[3])
    return w, z if op is None else Value._record(op, z)


def values_among(operands):
    return [u for u in operands if type(u) is Value]


@pytest.mark.parametrize("looked_at", ["before", "after"])
@pytest.mark.parametrize("values", [(), (0, 1, 2), (1,)], ids=["numbers", "values", "both"])
@pytest.mark.parametrize("op", ACTIVATIONS, ids=lambda op: "sum" if op is None else op.name)
def test_a_neuron_as_one_node_is_what_it_is_spelled_out(op, values, looked_at):
    x1, x2 = ([Value(u) if i in values else u for i, u in enumerate(X)] for _ in range(2))
    (w1, a1), (w2, a2) = as_one_node(op, x1), spelled_out(op, x2)
    if looked_at == "before":
        assert len(a1.operands) == len(a2.operands)
    for _ in range(2):
        (a1 * 3).backward()
        (a2 * 3).backward()
    leaves1, leaves2 = values_among((*w1, *x1)), values_among((*w2, *x2))
    assert (a1.data, a1.grad) == (a2.data, a2.grad)
    assert [u.grad for u in leaves1] == pytest.approx([u.grad for u in leaves2], rel=1e-14)
    assert gradients(a1, leaves1) == pytest.approx(gradients(a2, leaves2), rel=1e-14)
    assert a1.local_derivatives == a2.local_derivatives
    if op is not None:
        (z1,), (z2,) = a1.operands, a2.operands
        assert (z1.data, z1.label, z1.local_derivatives) == (z2.data, "z", z2.local_derivatives)
        assert z1.grad == pytest.approx(z2.grad, rel=1e-14)


def test_a_neuron_gives_the_same_bits_whether_it_is_recorded_or_not():
    _, recorded = as_one_node(tanh.op)
    with no_grad():
        _, plain = as_one_node(tanh.op)
    with detect_anomaly():
        _, watched = as_one_node(tanh.op)
    assert recorded.data == plain.data == watched.data
    assert plain.is_leaf


def test_a_neuron_keeps_the_numbers_of_the_forward_pass():
    w, a = as_one_node(None)
    for u in w:
        u.data = 100.0
    a.backward()
    assert [u.grad for u in w] == [*X, 1.0]
    assert a.operands == (*w[:3], *X, w[3])
    assert a.local_derivatives == (*X, None, None, None, 1.0)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))])
def test_a_neuron_can_be_copied_before_anybody_looked_at_it(copied):
    x = [Value(u) for u in X]
    w, a = as_one_node(tanh.op, x)
    a.backward()
    new = copied(a)
    new.backward()
    z = new.operands[0]
    assert (new.data, new.grad, z.label) == (a.data, 1.0, "z")
    assert [u.grad for u in z.operands] == pytest.approx([2 * u.grad for u in (*w[:3], *x, w[3])])


@pytest.mark.parametrize("x", [[math.inf, 0.0, 0.0], [math.nan, 1.0, 1.0], [1e308, 1e308, 1e308]])
def test_a_neuron_that_overflows_hides_no_nan(x):
    x1, x2 = [Value(u) for u in x], [Value(u) for u in x]
    (w1, a1), (w2, a2) = as_one_node(None, x1), spelled_out(None, x2)
    for a in (a1, a2):
        (a * 0.0).backward()
    assert str([u.grad for u in (*w1, *x1)]) == str([u.grad for u in (*w2, *x2)])


def test_neurons_that_share_inputs_and_weights_collect_all_gradients():
    x = tuple(Value(u) for u in X)
    w, v = (Weights(Value(u) for u in us) for us in ((0.3, 0.9, 0.4, 0.2), (0.1, -0.7, 0.5, 0.0)))
    inputs = Inputs(x)
    first, second = record(None, w, inputs), record(None, v, inputs)
    record(None, w, Inputs((first, second, first))).backward()
    # ∂/∂first is w₁ + w₃ = 0.7, ∂/∂second is w₂ = 0.9
    assert [u.grad for u in x] == pytest.approx([0.7 * 0.3 + 0.9 * 0.1, 0.7 * 0.9 - 0.9 * 0.7, 0.7 * 0.4 + 0.9 * 0.5])
    assert [u.grad for u in v] == pytest.approx([0.9 * u for u in (*X, 1.0)])
    s, t = 0.3 * 1.5 - 0.9 * 0.25 + 0.4 * 0.7 + 0.2, 0.1 * 1.5 + 0.7 * 0.25 + 0.5 * 0.7
    assert [u.grad for u in w] == pytest.approx([0.7 * 1.5 + s, 0.7 * -0.25 + t, 0.7 * 0.7 + s, 0.7 + 1.0])
