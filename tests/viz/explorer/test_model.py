"""What the explorer's page knows of nodes and edges: numbers for JSON, names, links, formulas, operations between."""

import json
import math
import re

import pytest

from autograd import Value, relu, sin, tanh
from autograd.paths.path_graph import PathGraph
from viz.explorer.model import Nodes, edges_among, encoded, graph_data, is_given
from viz.graphs.units import Constant


def read(target, level="named", **options):
    """The data of the graph below a target, and its nodes."""
    graph, nodes = PathGraph(target, level=level), Nodes(target)
    nodes.graphs.append(graph)
    options = {"with_via": True} | options
    return graph_data(graph, options.pop("shown", graph.nodes), nodes, **options), nodes, graph


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0.0"),  # 1/x tells them apart
        (3.0, "3"),
        (-2.0, "-2"),
        (0.5, "0.5"),
        (1e15, "1000000000000000.0"),
        (999999999999999.0, "999999999999999"),
        (math.inf, '"inf"'),
        (-math.inf, '"-inf"'),
        (math.nan, '"nan"'),
        (None, "null"),
    ],
)
def test_a_number_is_short_and_the_same_number_in_json(number, text):
    assert json.dumps(encoded(number), allow_nan=False) == text


@pytest.mark.parametrize(("name", "given"), [("x_1", True), ("y", True), ("t", True), ("w", False), (None, False)])
def test_data_are_given_and_weights_and_results_are_not(name, given):
    leaf = Value(1.0, name)
    assert is_given(leaf) is given
    result = leaf * 2
    result.label = "y"
    assert not is_given(result)


def test_each_node_says_what_it_is():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    h = x * w
    h.label = "h"
    loss = sin(h + 1.0) * h
    _, nodes, graph = read(loss, "op")
    nodes.cut.add(h)
    found = {graph.names.text(graph.labels[v]): nodes.row(v) for v in graph.nodes}
    assert [found[name].kind for name in ("x", "w", "h")] == ["leaf given", "leaf", "result cut"]
    assert [found[name].symbol for name in ("x", "h")] == ["", "×"]
    assert found["h"].data == 6.0
    assert found["h"].grad is None
    assert nodes.row(loss).kind == "target unnamed"
    inner = next(v for v in graph.nodes if v.data == 7.0)
    assert nodes.row(inner).kind == "result unnamed"
    one = Constant(None, "0", 1.0)
    assert nodes.row(one) == (("", "", ""), "constant", 1.0, "", None, None)


def test_nodes_are_numbered_in_the_order_in_which_they_are_asked_for():
    x = Value(2.0, "x")
    nodes = Nodes(x * 1.0)
    assert not nodes.has(x)
    assert (nodes.number("a"), nodes.number(x), nodes.number("a")) == (0, 1, 0)
    assert nodes.has(x, "a")
    assert not nodes.has(x, "b")
    assert nodes.things == ["a", x]


def test_a_link_is_written_only_where_it_is_not_the_name():
    x, y = Value(2.0, "x_1"), Value(3.0, "yhat_1")
    loss = x * y
    loss.label = "L"
    _, nodes, graph = read(loss)
    rows = {graph.labels[v]: nodes.row(v) for v in graph.nodes}
    assert [rows[name].link for name in ("x_1", "yhat_1", "L")] == [None, "yhat_1", None]
    assert nodes.columns()["link"] == {nodes.number(y): "yhat_1"}


def test_names_and_links_have_at_most_200_characters():
    x = Value(2.0, "ä" * 300)
    _, nodes, _ = read(x * x)
    row = nodes.row(x)
    assert len(row.name[0]) == 200
    assert len(row.link) == 200


def test_names_that_are_sums_stand_in_parentheses():
    x, total = Value(2.0, "x"), Value(5.0, "e+c")
    _, nodes, _ = read(x * total)
    nodes.number(Constant(None, "0", 1.0))
    assert nodes.columns()["bracketed"] == [nodes.number(total)]


def test_edges_have_their_derivatives_and_formulas_and_leaves_no_definition():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    z = x * w
    z.label = "z"
    a = z * z
    a.label = "a"
    found, nodes, graph = read(a)
    n = {label: nodes.number(v) for v, label in graph.labels.items()}
    assert found["nodes"] == [nodes.number(v) for v in graph.nodes]
    edges = zip(found["result"], found["operand"], found["derivative"], strict=True)
    assert set(edges) == {(n["z"], n["x"], 3), (n["z"], n["w"], 2), (n["a"], n["z"], 12)}
    definition = dict(zip(found["nodes"], found["definition"], strict=True))
    assert definition[n["x"]] == definition[n["w"]] == ""
    assert re.findall(r"\{\d+\}", definition[n["z"]]) == [f"{{{n['x']}}}", f"{{{n['w']}}}"]
    formula = dict(zip(zip(found["result"], found["operand"], strict=True), found["formula"], strict=True))
    assert f"{{{n['w']}}}" in formula[n["z"], n["x"]]


def test_formulas_are_spelled_for_edges_between_the_nodes_that_are_drawn():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    z = x * w
    z.label = "z"
    a = tanh(z)
    a.label = "a"
    found, nodes, _ = read(a, spelled={z, w})
    spelled = {(v, u) for v, u, text in zip(found["result"], found["operand"], found["formula"], strict=True) if text}
    assert spelled == {(nodes.number(z), nodes.number(w))}
    assert set(found["via"]) == {found["formula"].index(next(filter(None, found["formula"])))}
    assert all(read(a)[0]["formula"])


def test_edges_to_nodes_that_are_not_shown_are_left_out():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    z = x * w
    z.label = "z"
    found, nodes, graph = read(z, shown=[x, z])
    assert [(e.result, e.operand) for e in edges_among(graph, [x, z])] == [(z, x)]
    assert found["operand"] == [nodes.number(x)]


def test_between_named_nodes_the_operations_on_the_way_are_said_in_their_order():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    loss = sin(x * x) + relu(w)
    loss.label = "L"
    found, nodes, _ = read(loss)
    via = {found["operand"][k]: symbols for k, symbols in found["via"].items()}
    assert via == {nodes.number(x): "× sin +", nodes.number(w): "relu +"}
    assert read(loss, with_via=False)[0]["via"] == {}
    assert read(loss, "op")[0]["via"] == {}
