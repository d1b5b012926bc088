"""A graph as plain data is all there is of it, in full precision, for programs that are not ours."""

import json
import math

import numpy as np
import pytest
from drawings import NASTY, lecture_net

from autograd import Tensor, Value, derive, relu, softmax, squared_error
from nn import inputs
from viz import graph_data


def lecture_loss():
    loss = squared_error(lecture_net()(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    loss.backward()
    return loss


def product():
    w, x = Value(1 / 3, "w"), Value(3.0, "x")
    z = w * x + 0.1
    z.label = "z"
    loss = z**2
    loss.label = "L"
    return loss, w


def node(data, name):
    (found,) = [n for n in data["nodes"] if n["id"] == name]
    return found


def gradient(data, name):
    """∂target/∂name, added up over all paths by hand."""
    if name == data["graph"]["target"]:
        return 1.0
    return sum(e["derivative"] * gradient(data, e["target"]) for e in data["edges"] if e["source"] == name)


@pytest.mark.parametrize("level", ["op", "named"])
@pytest.mark.parametrize("root", [lecture_loss, lambda: product()[0]], ids=["net", "product"])
def test_json_takes_it_and_gives_back_the_same(root, level):
    data = graph_data(root(), level=level)
    assert json.loads(json.dumps(data, allow_nan=False)) == data


@pytest.mark.parametrize("level", ["op", "named"])
def test_networkx_reads_it(level):
    networkx = pytest.importorskip("networkx")
    data = graph_data(lecture_loss(), level=level)
    graph = networkx.node_link_graph(data, edges="edges")
    assert networkx.is_directed_acyclic_graph(graph)
    assert graph.graph["target"] in graph
    assert graph.number_of_nodes() == len(data["nodes"])
    assert graph.number_of_edges() == len(data["edges"])


@pytest.mark.parametrize("level", ["op", "named"])
def test_the_paths_in_the_data_add_up_to_the_gradients(level):
    data = graph_data(lecture_loss(), level=level)
    weights = [n for n in data["nodes"] if n["kind"] == "leaf"]
    assert len(weights) == 16
    for n in weights:
        assert gradient(data, n["id"]) == pytest.approx(n["grad"], rel=1e-12)


def test_numbers_have_full_precision():
    loss, _ = product()
    data = graph_data(loss)
    assert node(data, "w")["data"] == 1 / 3
    (edge,) = [e for e in data["edges"] if e["source"] == "x"]
    assert edge == {
        "source": "x", "target": "z", "derivative": 1 / 3, "formula": "w", "latex": "w", "key": 0,
    }  # fmt: skip


def test_formulas_hold_constants_in_full():
    x = Value(2.0, "x")
    z = x * 0.12345678901
    z.label = "z"
    (edge,) = graph_data(z, level="named")["edges"]
    assert edge["formula"] == "0.12345678901"


def test_operands_come_before_results_and_the_target_is_last():
    data = graph_data(lecture_loss(), level="op")
    place = {n["id"]: i for i, n in enumerate(data["nodes"])}
    assert len(place) == len(data["nodes"])
    assert all(place[e["source"]] < place[e["target"]] for e in data["edges"])
    assert data["nodes"][-1]["id"] == data["graph"]["target"]
    assert data["nodes"][-1]["kind"] == "target"


def test_a_square_of_one_node_has_two_edges_with_keys_of_their_own():
    x = Value(3.0, "x")
    edges = graph_data(x * x, level="op")["edges"]
    assert [(e["source"], e["key"], e["derivative"]) for e in edges] == [("x", 0, 3.0), ("x", 1, 3.0)]


def test_constants_are_nodes_at_level_op_that_take_nobody_s_name():
    c1 = Value(3.0, "c1")
    data = graph_data(c1 * 2 + 5, level="op")
    constants = [(n["id"], n["data"]) for n in data["nodes"] if n["kind"] == "constant"]
    assert constants == [("c2", 2.0), ("c3", 5.0)]


def test_a_gradient_is_none_before_a_backward_pass():
    loss, w = product()
    assert {n["grad"] for n in graph_data(loss)["nodes"]} == {None}
    loss.backward()
    assert node(graph_data(loss), "w")["grad"] == w.grad


def test_nan_and_infinities_are_strings_that_float_reads():
    x = Value(math.inf, "x")
    data = graph_data(x - x, level="op")
    json.dumps(data, allow_nan=False)
    assert node(data, "x")["data"] == "inf"
    assert math.isnan(float(data["nodes"][-1]["data"]))


def test_after_a_step_the_data_are_those_that_were_used():
    loss, w = product()
    w.data = 7.0
    assert (node(graph_data(loss), "w")["data"], node(graph_data(loss), "w")["now"]) == (1 / 3, 7.0)
    v = Value(-1.0, "v")
    result = relu(v)
    v.data = 4.0
    assert (node(graph_data(result), "v")["data"], node(graph_data(result), "v")["now"]) == (None, 4.0)


def test_names_of_any_kind_stay_apart():
    names = [*NASTY, "ŷ", "yhat", "y_hat", "w₁", "w_1", "w1", "x", "x"]
    total = sum((Value(float(i), name) for i, name in enumerate(names)), Value(0.0, "zero"))
    data = graph_data(total, level="op")
    assert len({n["id"] for n in data["nodes"]}) == len(data["nodes"])
    assert {n["label"] for n in data["nodes"]} >= set(names)


def test_formulas_are_those_of_the_derivation():
    z = [Value(0.5, "z_1"), Value(-1.0, "z_2")]
    a = softmax(z)
    for i, u in enumerate(a, 1):
        u.label = f"a_{i}"
    loss = a[0] * a[1]
    data = graph_data(loss, level="named")
    text = str(derive(loss, z[0]))
    assert all(e["formula"].replace(" ", "") in text.replace(" ", "") for e in data["edges"] if e["source"] == "z_1")


def test_a_graph_of_tensors_has_shapes_arrays_and_formulas_in_matrices():
    networkx = pytest.importorskip("networkx")
    w, x = Tensor([[1.0, 2.0], [3.0, 4.0]], "W"), np.array([[1.0, 0.5]])
    z = x @ w
    z.label = "Z"
    loss = (z * z).sum()
    loss.label = "L"
    loss.backward()
    data = graph_data(loss)
    json.dumps(data, allow_nan=False)
    assert node(data, "W")["shape"] == [2, 2]
    assert node(data, "W")["data"] == [[1.0, 2.0], [3.0, 4.0]]
    assert node(data, "W")["grad"] == w.grad.tolist()
    assert [e["formula"] for e in data["edges"] if e["source"] == "W"] == ["Xᵀ dZ"]
    assert networkx.node_link_graph(data, edges="edges").number_of_nodes() == 4
    w.data = w.data * 2
    assert node(graph_data(loss), "W")["data"] == [[1.0, 2.0], [3.0, 4.0]]
    assert node(graph_data(loss), "W")["now"] == [[2.0, 4.0], [6.0, 8.0]]
    w.data = w.data * 2  # of two changes the first is not on record any more
    assert node(graph_data(loss), "W")["data"] is None
    assert node(graph_data(loss), "W")["now"] == [[4.0, 8.0], [12.0, 16.0]]


@pytest.mark.parametrize("root", [3.0, "L", None])
def test_what_is_no_node_is_refused(root):
    with pytest.raises(TypeError, match="graph_data: expected a Value or a Tensor"):
        graph_data(root)


def test_a_leaf_and_an_unknown_level_are_refused():
    with pytest.raises(ValueError, match="which has no graph"):
        graph_data(Value(1.0))
    with pytest.raises(ValueError, match="unknown level 'neurons'"):
        graph_data(product()[0], level="neurons")
