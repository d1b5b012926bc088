"""MatrixGraph: the formulas on its edges, evaluated by NumPy, add up to the gradients."""

import re

import numpy as np
import pytest
from drawings import MATRIX_EDGES
from named import named

from autograd import Tensor, exp, log_softmax, relu, sigmoid, softmax, softmax_cross_entropy, tanh, where
from autograd.matrices.graph import MatrixGraph
from autograd.matrices.notation import MatrixAscii

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(4, 3)), RNG.uniform(size=(4, 2))
START = {
    "W[1]": RNG.normal(size=(5, 3)),
    "b[1]": RNG.normal(size=5),
    "W[2]": RNG.normal(size=(2, 5)),
    "b[2]": np.ones(2),
}


def net(x=X, activation=tanh, start=START):
    w1, b1, w2, b2 = (Tensor(start[label], label) for label in ("W[1]", "b[1]", "W[2]", "b[2]"))
    z1 = named(x @ w1.T + b1, "Z[1]")
    a1 = named(activation(z1), "A[1]")
    return named(a1 @ w2.T + b2, "Z[2]")


def mean_squared(**options):
    a = named(sigmoid(net(**options)), "A[2]")
    return named(((a - Y) ** 2).mean(), "L")


def by_hand():
    """The gradients of `mean_squared` with tanh, written down in NumPy."""
    a1 = np.tanh(X @ START["W[1]"].T + START["b[1]"])
    a2 = 1 / (1 + np.exp(-(a1 @ START["W[2]"].T + START["b[2]"])))
    d_a2 = 2 * (a2 - Y) / Y.size
    d_z2 = d_a2 * a2 * (1 - a2)
    d_a1 = d_z2 @ START["W[2]"]
    d_z1 = d_a1 * (1 - a1**2)
    return {
        "A[2]": d_a2, "Z[2]": d_z2, "W[2]": d_z2.T @ a1, "b[2]": d_z2.sum(axis=0), "A[1]": d_a1, "Z[1]": d_z1,
        "W[1]": d_z1.T @ X, "b[1]": d_z1.sum(axis=0),
    }  # fmt: skip


def texts(root, level="named"):
    graph = MatrixGraph(root, level=level)
    return {
        (graph.names.text(e.label or "2"), graph.names.text(graph.labels[v])): graph.text(e)
        for v in graph.nodes
        for e in graph.edges_of(v)
    }


def added_up(root, level):
    """The gradient of every node: formulas of its edges as NumPy reads them, evaluated and added."""
    graph = MatrixGraph(root, level=level)
    write = MatrixAscii(lambda label: f"q({label!r})", digits=None)
    numbers = {label: t.numpy() for t, label in graph.labels.items()} | {"m": graph.samples}
    gradients = {graph.labels[root]: np.ones(root.shape)}
    for v in reversed(graph.nodes):
        edges = graph.edges_of(v)
        numbers |= {e.label: e.operand for e in edges if e.is_constant}
        for e in edges:
            if e.is_constant:
                continue
            text = re.sub(r"\bdq\(", "d(", write.sum(e.formula))
            known = {"q": numbers.__getitem__, "d": gradients.__getitem__, "ones": np.ones}
            known |= {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "exp": np.exp, "softmax": _softmax}
            share = eval(text, {"__builtins__": {}}, known)
            gradients[e.label] = gradients.get(e.label, 0.0) + np.broadcast_to(share, e.operand.shape)
    return gradients


def _softmax(z, axis=-1):
    e = np.exp(z)
    return e / e.sum(axis=axis, keepdims=True)


@pytest.mark.parametrize("level", ["named", "op"])
def test_the_formulas_add_up_to_gradients_worked_by_hand(level):
    found = added_up(mean_squared(), level)
    for label, expected in by_hand().items():
        np.testing.assert_allclose(found[label], expected, rtol=1e-12, err_msg=label)


@pytest.mark.parametrize("activation", [relu, exp, softmax], ids=lambda f: f.__name__)
@pytest.mark.parametrize("level", ["named", "op"])
def test_the_formulas_add_up_to_differences(activation, level):
    """A step aside in every weight changes the loss as the evaluated formulas say."""
    found = added_up(mean_squared(activation=activation), level)
    for label in START:
        aside = RNG.normal(size=START[label].shape)
        up, down = (
            mean_squared(activation=activation, start={**START, label: START[label] + h * aside}).item()
            for h in (1e-6, -1e-6)
        )
        assert (up - down) / 2e-6 == pytest.approx((found[label] * aside).sum(), rel=1e-6, abs=1e-9)


def test_the_formulas_are_those_of_the_lectures():
    assert texts(mean_squared(activation=sigmoid)) == MATRIX_EDGES


def test_operands_stand_in_the_order_of_the_computation():
    graph = MatrixGraph(mean_squared())
    z = next(v for v in graph.nodes if v.label == "Z[1]")
    assert [e.label for e in graph.edges_of(z)] == ["X", "W[1]", "b[1]"]


def test_a_loss_from_logits_names_nothing_that_is_no_node():
    loss = named(softmax_cross_entropy(net(), [0, 1, 1, 0]), "L")
    assert texts(loss)["Z[2]", "L"] == "(1/m) (softmax(Z[2]) − Y)"


def test_only_the_mean_over_samples_is_written_with_m():
    x = Tensor(np.ones((2, 3)), "X")
    y = named(x * 0.5, "V")
    assert texts(named(y.sum(), "L")) == {("X", "V"): "½ dV", ("V", "L"): "𝟏₂ₓ₃"}


def test_a_target_of_several_numbers_has_a_gradient_of_its_own():
    x = Tensor(np.arange(3.0), "x")
    y = named(x * x, "y")
    assert texts(y) == {("x", "y"): "2 dy ⊙ x"}
    assert texts(named(y.sum(), "L"))["y", "L"] == "𝟏₃"


def test_at_level_op_every_node_has_a_name_and_parallel_edges_stay_apart():
    x = Tensor(np.arange(3.0), "x")
    graph = MatrixGraph((x * x + 2.0).sum(), level="op")
    assert [graph.labels[v] for v in graph.nodes] == ["x", "V_1", "V_2", "L"]
    shown = [[(e.label, graph.text(e)) for e in graph.edges_of(v)] for v in graph.nodes]
    assert shown == [[], [("x", "⊙ x")] * 2, [("V_1", "dV₂"), (None, "")], [("V_2", "𝟏₃")]]


def test_at_level_named_parallel_edges_merge():
    x = Tensor(np.arange(3.0), "x")
    y = named(x * x * x, "y")
    assert [e.operand for e in MatrixGraph(y).edges_of(y)] == [x]


def test_both_branches_of_a_choice_have_their_piece():
    x, y = Tensor([1.0, 2.0], "x"), Tensor([3.0, 4.0], "y")
    assert texts(named(where(np.array([True, False]), x, y), "V")) == {("x", "V"): "⊙ C", ("y", "V"): "⊙ (1 − C)"}


def test_an_axis_along_which_nothing_is_known_is_spelled_out():
    z = Tensor(RNG.normal(size=(2, 3)), "Z")
    assert texts(named(log_softmax(z), "V"))["Z", "V"].startswith("dV − exp(V) ⊙ Σ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "step", [lambda y: y.reshape(3, 1).reshape(3), lambda y: y * y + exp(-y)], ids=["moved", "grown"]
)
def test_a_long_way_without_names_is_an_ellipsis(step):
    x = Tensor([0.1, 0.2, 0.3], "x")
    y = x
    for _ in range(2000):
        y = step(y)
    assert texts(named(y, "y")) == {("x", "y"): "…"}


def test_a_leaf_has_no_edges():
    x = Tensor(2.0, "x")
    graph = MatrixGraph(x)
    assert graph.nodes == [x]
    assert graph.edges_of(x) == []


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="level: expected 'named' or 'op'; got 'neurons'"):
        MatrixGraph(Tensor(1.0), level="neurons")
