"""What draw_graph shows: every node, edge and number, in its place, and nothing a label could break."""

import json
import math
import random
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from drawings import (
    GOLDEN,
    NASTY,
    dot_statements,
    each_renderer,
    graph_in,
    lecture_net,
    needs_both,
    needs_renderer,
    plain,
    told,
)

from autograd import Value, leaky_relu, log, no_grad, relu, sin, softmax, squared_error
from autograd.formulas import names
from nn import MLP, inputs
from viz import Drawing, draw_graph, style
from viz.graphs import draw_graph as graphs
from viz.style import LIGHT

ROOT = Path(__file__).parents[3]


def small():
    x = Value(3.0, "x")
    y = x * x + sin(x)
    y.backward()
    return y


def perceptron():
    w1, x1, w2, x2, b = (
        Value(u, name) for u, name in ((0.5, "w_1"), (1, "x_1"), (-1.2, "w_2"), (2, "x_2"), (0.3, "b"))
    )
    z = w1 * x1 + w2 * x2 + b
    z.label = "z"
    a = z.sigmoid()
    a.label = "a"
    a.backward()
    return a


def chain(length, name="x"):
    y = Value(1.0, name)
    for _ in range(length):
        y = sin(y)
    return y


def lecture(**options):
    """Lecture 20's 2-2-2 net on its one sample."""
    loss = squared_error(lecture_net(**options)(inputs([0.05, 0.10])), [0.01, 0.99])
    loss.label = "L"
    loss.backward()
    return loss


def title(attributes):
    """A node without its grad: 'z = −1.6' or '× 9'."""
    return attributes["label"].split(r"\ngrad")[0].replace(r"\n", " ")


def arrows(drawing):
    """(from, to, label) of every visible edge, nodes by their first words: ('x', 'sin', '−0.99')."""
    nodes, edges = dot_statements(drawing)
    word = {i: title(a).split(" ")[0] for i, a in nodes.items()}
    return [(word[u], word[v], a.get("label")) for u, v, a in edges]


def quantities(drawing):
    """Every label line with an equals sign as name: number; grads under their name."""
    found = {}
    for attributes in dot_statements(drawing)[0].values():
        lines = attributes["label"].split(r"\n")
        for line in lines:
            if " = " in line:
                name, data = line.split(" = ")
                grad = next((g[5:] for g in lines if g.startswith("grad ")), None)
                found[name] = (data, grad)
    return found


def svg_of(drawing, renderer="auto"):
    return ET.fromstring(drawing.pipe("svg", renderer))


def svg_groups(svg, kind):
    """The texts of every node or edge of an SVG, in its order."""
    ns = "{http://www.w3.org/2000/svg}"
    groups = [g for g in svg.iter(f"{ns}g") if g.get("class") == kind]
    lifted = [g for g in svg.iter(f"{ns}g") if g.get("class") == "label"]  # of edges, over all lines
    texts = [[told(t) for t in g.iter(f"{ns}text")] for g in groups]
    if kind == "edge":
        waiting = [(g.find(f"{ns}title").text, [told(t) for t in g.iter(f"{ns}text")]) for g in lifted]
        for i, g in enumerate(groups):
            k = next((k for k, (title, _) in enumerate(waiting) if title == g.find(f"{ns}title").text), None)
            texts[i] += [] if k is None else waiting.pop(k)[1]
    return texts


def places(drawing, renderer):
    """The name shown by each node: its (x, y), y downwards, as the renderer laid it out."""
    layout = json.loads(drawing.pipe("json", renderer))
    found = {}
    for node in layout["objects"]:
        if "pos" in node:
            x, y = map(float, node["pos"].split(","))
            found[node["name"]] = (x, -y)
    return found


def columns_drawn(drawing, renderer, direction="LR"):
    """The columns (rows for TB and BT) as they are drawn, from the target back; ids in their order."""
    along, across = (0, 1) if direction in ("LR", "RL") else (1, 0)
    sign = 1 if direction in ("RL", "TB") else -1
    columns = {}
    for name, place in places(drawing, renderer).items():
        columns.setdefault(round(place[along]), []).append((place[across], name))
    if direction == "TB":
        sign = -1
    elif direction == "BT":
        sign = 1
    return [[name for _, name in sorted(columns[c])] for c in sorted(columns, key=lambda c: sign * c)]


# ---------------------------------------------------------------- every operation


def test_every_operation_is_a_node_with_its_symbol_data_and_grad():
    nodes, _ = dot_statements(draw_graph(small(), level="op"))
    assert sorted(a["label"] for a in nodes.values()) == [
        r"+\n9.141\ngrad 1",
        r"sin\n0.1411\ngrad 1",
        r"x = 3\ngrad 5.01",
        r"×\n9\ngrad 1",
    ]


def test_parallel_edges_stay_apart_at_level_op_and_merge_at_level_named():
    assert arrows(draw_graph(small(), level="op")).count(("x", "×", "3")) == 2
    x = Value(3.0, "x")
    y = x * x
    y.label = "y"
    assert arrows(draw_graph(y, level="named")) == [("x", "×", "6")]


def test_constants_are_drawn_small_and_without_grad_or_derivative():
    x = Value(2.0, "x")
    nodes, edges = dot_statements(draw_graph(3 * x - 1, level="op"))
    constants = {a["label"]: i for i, a in nodes.items() if a.get("shape") == "plaintext"}
    assert set(constants) == {"3", "1"}
    assert all("label" not in a for u, _, a in edges if u in constants.values())
    assert len(edges) == 4


def test_a_neuron_shows_all_its_operands_in_their_order():
    z = MLP(2, [1], rng=0)([1.0, -2.0])
    drawn = arrows(draw_graph(z, level="op"))
    assert [u for u, _, _ in drawn] == ["w[1]₁₁", "w[1]₁₂", "1", "−2", "b[1]₁"]


# ---------------------------------------------------------------- named nodes


def test_named_edges_carry_the_contracted_derivative():
    drawing = draw_graph(perceptron(), level="named")
    # z = w₁x₁ + w₂x₂ + b by hand; a' = a(1 − a) at z = −1.6
    assert arrows(drawing) == [
        ("z", "σ", "0.1398"),
        ("w₁", "z", "1"),
        ("x₁", "z", "0.5"),
        ("w₂", "z", "2"),
        ("x₂", "z", "−1.2"),
        ("b", "z", "1"),
    ]
    tooltips = [a["tooltip"] for _, _, a in dot_statements(drawing)[1]]
    assert tooltips[4] == "∂z/∂x₂ = −1.2"


def test_the_lectures_numbers_stand_in_the_picture():
    drawing = draw_graph(lecture())
    shown = quantities(drawing)
    assert drawing.level == "named"
    assert shown["L"] == ("0.2984", "1")
    assert shown["z[1]₁"] == ("0.3775", "0.008771")
    assert shown["a[2]₂"] == ("0.7729", "−0.2171")
    assert shown["w[2]₁₁"] == ("0.4", "0.08217")
    assert shown["w[1]₁₁"] == ("0.15", "0.0004386")
    nodes, edges = dot_statements(drawing)
    assert (len(nodes), len(edges)) == (23, 26)
    labels = {(title(nodes[u]), title(nodes[v])): a["label"] for u, v, a in edges}
    assert labels["σ a[1]₁ = 0.5933", "Σ z[2]₂ = 1.225"] == "0.5"
    assert labels["σ a[2]₂ = 0.7729", "½(ŷ−y)² L = 0.2984"] == "−0.2171"


def test_a_symbol_stands_where_one_operation_joins_named_nodes():
    fused, elementary = (
        {title(a).split(" ")[0] for a in dot_statements(draw_graph(lecture(elementary=e), level="named"))[0].values()}
        for e in (False, True)
    )
    assert {"Σ", "σ", "½(ŷ−y)²"} <= fused
    assert "z[1]₁" in elementary
    assert "Σ" not in elementary


def test_an_unnamed_target_is_called_l_as_in_derivations():
    w = Value(2.0, "w")
    assert "L" in quantities(draw_graph(w * w * w, level="named"))


def test_several_nodes_of_one_name_get_sample_numbers():
    neuron = MLP(1, [1], activation="tanh")
    loss = neuron([1.0]) + neuron([2.0])
    shown = quantities(draw_graph(loss, level="named"))
    assert {"z[1](1)₁", "z[1](2)₁", "w[1]₁₁"} <= set(shown)


# ---------------------------------------------------------------- which level


def test_auto_shows_named_nodes_if_a_result_between_has_a_name():
    assert draw_graph(small()).level == "op"
    assert draw_graph(perceptron()).level == "named"


def test_auto_shows_named_nodes_if_every_operation_is_too_much():
    y = chain(100)
    assert draw_graph(y).level == "named"
    assert draw_graph(y, level="op").level == "op"


def test_auto_without_any_name_shows_every_operation():
    assert draw_graph(chain(100, name=None)).level == "op"


def test_a_value_without_a_graph_is_refused():
    with pytest.raises(ValueError, match="expected the result of a computation; 'x' is a leaf"):
        draw_graph(Value(3.0, "x"))
    with no_grad():
        result = Value(3.0) * 2.0
    with pytest.raises(ValueError, match="it is a leaf, or was computed under no_grad, and has no graph"):
        draw_graph(result)


# ---------------------------------------------------------------- neurons and layers


def trained(nouts=(2, 1), samples=1, nin=2, activation="tanh"):
    """The loss of a small net on some samples, after its backward pass."""
    net = MLP(nin, list(nouts), activation=activation, rng=0)
    outputs = [net(inputs([0.5 * s + k for k in range(nin)], f"x({s})")) for s in range(1, samples + 1)]
    flat = [a for out in outputs for a in (out if isinstance(out, list) else [out])]
    loss = squared_error(flat, [0.5] * len(flat))
    loss.backward()
    return loss


def test_a_unit_is_one_node_with_its_z_a_and_b():
    drawing = draw_graph(lecture(), level="neurons")
    nodes, edges = dot_statements(drawing)
    assert drawing.level == "neurons"
    shown = [[line.split("   ") for line in re.split(r"\\[nl]", a["label"]) if line] for a in nodes.values()]
    assert shown == [
        [["½(ŷ−y)²"], ["L = 0.2984"], ["grad 1"]],
        [["Σ  z[2]₁ = 1.106", "grad 0.1385"], ["σ  a[2]₁ = 0.7514", "grad 0.7414"], ["+  b[2]₁ = 0.6", "grad 0.1385"]],
        [
            ["Σ  z[2]₂ = 1.225", "grad −0.0381"],
            ["σ  a[2]₂ = 0.7729", "grad −0.2171"],
            ["+  b[2]₂ = 0.6", "grad −0.0381"],
        ],
        [
            ["Σ  z[1]₁ = 0.3775", "grad 0.008771"],
            ["σ  a[1]₁ = 0.5933", "grad 0.03635"],
            ["+  b[1]₁ = 0.35", "grad 0.008771"],
        ],
        [
            ["Σ  z[1]₂ = 0.3925", "grad 0.009954"],
            ["σ  a[1]₂ = 0.5969", "grad 0.04137"],
            ["+  b[1]₂ = 0.35", "grad 0.009954"],
        ],
        [["x₁ = 0.05"], ["grad 0.003804"]],
        [["x₂ = 0.1"], ["grad 0.004741"]],
    ]
    assert len(edges) == 10


def test_the_weight_with_its_gradient_stands_on_the_edge():
    _, edges = dot_statements(draw_graph(lecture(), level="neurons"))
    assert [a["label"].split(r"\n") for _, _, a in edges] == [
        ["0.7414"],  # of the loss, the derivative
        ["−0.2171"],
        ["0.4", "grad 0.08217"],
        ["0.45", "grad 0.08267"],
        ["0.5", "grad −0.0226"],
        ["0.55", "grad −0.02274"],
        ["0.15", "grad 0.0004386"],
        ["0.2", "grad 0.0008771"],
        ["0.25", "grad 0.0004977"],
        ["0.3", "grad 0.0009954"],
    ]
    assert edges[4][2]["tooltip"] == "w[2]₂₁ = 0.5, grad −0.0226"
    assert edges[4][2]["color"] == LIGHT.positive


def test_with_grad_alone_the_edges_of_units_tell_gradients():
    _, edges = dot_statements(draw_graph(lecture(), level="neurons", show="grad"))
    assert (edges[4][2]["label"], edges[4][2]["color"]) == ("grad −0.0226", LIGHT.negative)
    nodes, edges = dot_statements(draw_graph(lecture(), level="neurons", show="data"))
    assert edges[4][2]["label"] == "0.5"
    assert not any("grad" in a["label"] for a in nodes.values())


def test_plain_numbers_that_enter_are_inputs_too():
    net = MLP(2, [2], rng=0)
    nodes, edges = dot_statements(draw_graph(squared_error(net([3.0, -4.0]), [0.0, 0.0]), level="neurons"))
    constants = [a["label"] for a in nodes.values() if a.get("shape") == "plaintext"]
    assert constants == ["3", "−4"]  # once each, not once a unit
    assert len(edges) == 2 * 2 + 2


def test_softmax_joins_the_units_of_its_layer_in_no_picture():
    net = MLP(2, [3], output_activation="softmax", rng=0)
    loss = squared_error(net(inputs([1.0, 2.0])), [1.0, 0.0, 0.0])
    assert len(dot_statements(draw_graph(loss, level="neurons"))[1]) == 2 * 3 + 3
    one = net(inputs([1.0, 2.0]))[0]  # but where only one of its outputs is asked for, the other units lead there
    nodes, edges = dot_statements(draw_graph(one, level="neurons"))
    assert (len(nodes), len(edges)) == (2 + 3, 2 * 3 + 2)


def test_in_a_dense_net_no_weight_is_written():
    _, edges = dot_statements(draw_graph(trained((16, 16, 1)), level="neurons"))
    assert len(edges) == 2 * 16 + 16 * 16 + 16 + 1
    assert not any("label" in a for *_, a in edges)
    assert edges[-1][2]["tooltip"].startswith("w[1]₁₆,₂ = ")


@pytest.mark.slow
def test_a_layer_is_one_node_and_its_weights_are_counted():
    net = MLP(64, [16, 10], "relu", "softmax", rng=0)
    loss = squared_error(net(inputs([0.5] * 64)), inputs([0.0] * 10, "y"))
    loss.backward()
    nodes, edges = dot_statements(draw_graph(loss, level="layers", show="data"))
    assert [a["label"].split(r"\n") for a in nodes.values()] == [
        ["½(ŷ−y)²", f"L = {style.number(loss.data)}"],
        ["layer 2", "10 units, softmax", "10 biases"],
        ["y₁ … y₁₀", "10 values"],
        ["layer 1", "16 units, relu", "16 biases"],
        ["x₁ … x₆₄", "64 values"],
    ]
    by_hand = math.sqrt(sum(float(w) ** 2 for w in net.get_weights()[0][0].ravel()))
    lines = [a["label"].split(r"\n") for *_, a in edges]
    assert [line[0] for line in lines] == ["10 edges", "10 edges", "10 × 16 weights", "16 × 64 weights"]
    assert lines[3][1] == f"‖w‖ {style.number(by_hand)}"


def test_the_norm_of_the_gradients_shows_where_they_vanish():
    loss = trained((4, 4, 1), activation="sigmoid")
    _, edges = dot_statements(draw_graph(loss, level="layers", show="grad"))
    norms = [float(a["label"].split("‖grad‖ ")[1]) for *_, a in edges if "grad" in a["label"]]
    assert len(norms) == 3
    assert norms == sorted(norms, reverse=True)  # from the output to the input


def test_the_samples_of_a_layer_are_one_node():
    nodes, edges = dot_statements(draw_graph(trained((2, 1), samples=3), level="layers"))
    labels = [a["label"].split(r"\n") for a in nodes.values()]
    assert ["layer 1", "2 units, tanh", "2 biases", "3 samples"] in labels
    assert ["layer 2", "1 unit, linear", "1 bias", "3 samples"] in labels
    assert "2 × 2 weights" in [a["label"].split(r"\n")[0] for *_, a in edges]  # each counted once


def test_plain_numbers_are_one_input():
    net = MLP(3, [2], rng=0)
    loss = squared_error([a for x in ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]) for a in net(x)], [0.0] * 4)
    labels = [a["label"] for a in dot_statements(draw_graph(loss, level="layers"))[0].values()]
    assert r"input\n3 numbers\n2 samples" in labels


@pytest.mark.slow
def test_auto_goes_from_named_to_neurons_to_layers_as_nets_grow():
    assert [draw_graph(trained(n)).level for n in ((2, 1), (8, 8, 1), (40, 40, 1))] == ["named", "neurons", "layers"]
    assert draw_graph(trained((2, 1), samples=30)).level == "layers"
    assert draw_graph(trained((30, 20, 1))).level == "layers"  # few units, but 680 edges
    assert draw_graph(trained((8, 8, 1)), cluster="neuron").level == "named"
    assert draw_graph(trained((40, 1)), cluster="layer").level == "neurons"


def penalized():
    """The lectures' net with a penalty on its weights, which lead to the loss by this way too."""
    net = lecture_net()
    error = squared_error(net(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    error.label = "E"
    loss = error + 0.1 * sum(w**2 for layer in net.layers for neuron in layer.neurons for w in neuron.w)
    loss.label = "L"
    loss.backward()
    return loss


def test_weights_with_a_penalty_stand_on_edges_and_lead_to_the_loss():
    drawing = draw_graph(penalized(), level="neurons")
    assert ("w[1]₁₁", "L", "0.03") in arrows(drawing)  # 2 · 0.1 · 0.15
    assert ("w[2]₂₂", "L", "0.11") in arrows(drawing)
    assert sum(end == "L" for _, end, _ in arrows(drawing)) == 1 + 8
    _, edges = dot_statements(drawing)
    assert sum(a.get("label", "").startswith(r"0.15\ngrad") for *_, a in edges) == 1


def test_weights_with_a_penalty_are_counted_twice_where_layers_are_nodes():
    nodes, edges = dot_statements(draw_graph(penalized(), level="layers"))
    labels = [a["label"] for a in nodes.values()]
    assert r"w[1]₁₁ … w[1]₂₂\n4 values" in labels
    assert r"w[2]₁₁ … w[2]₂₂\n4 values" in labels
    assert [a["label"] for *_, a in edges].count("4 edges") == 2


def test_a_weight_that_something_else_uses_too_has_a_node():
    w, x = Value(0.4, "w"), Value(1.5, "x")
    z = w * x
    z.label = "z"
    q = z - w
    q.label = "q"
    for level in ("neurons", "layers"):
        assert ("w", "−", "−1") in arrows(draw_graph(q, level=level))


@pytest.mark.parametrize("level", ["neurons", "layers"])
def test_a_graph_without_units_says_which_names_tell_them(level):
    message = rf"level '{level}' finds no units of a network: name their weighted sums z\[1\]_1, weights"
    for y in (small(), chain(10)):
        with pytest.raises(ValueError, match=message):
            draw_graph(y, level=level)


def test_units_that_depend_on_each_other_are_no_nodes(monkeypatch):
    x, w, v = Value(2.0, "x_1"), Value(0.5, "w_1,1"), Value(0.3, "w_2")
    z1 = w * x
    z1.label = "z_1"
    h = z1 * 2.0
    h.label = "h"
    z2 = v * h
    z2.label = "z_2"
    a = softmax([z1, z2])[0]  # unit 1 has z_1 and a_1, and unit 2 lies between them
    a.label = "a_1"
    for level in ("neurons", "layers"):
        with pytest.raises(ValueError, match=r'units that depend on each other .* use level="named"'):
            draw_graph(a, level=level)
    monkeypatch.setattr(graphs, "COMFORTABLE", 3)
    assert draw_graph(a).level == "named"


def test_too_many_units_are_refused_with_advice():
    with pytest.raises(ValueError, match=r'graph has 35 nodes; .* limited to 20 .* use level="layers"'):
        draw_graph(trained((16, 15, 1)), level="neurons", max_nodes=20)
    with pytest.raises(ValueError, match=r"graph has 4 nodes; .* limited to 3 .* draw an earlier result"):
        draw_graph(trained((2, 1)), level="layers", max_nodes=3)
    with pytest.raises(ValueError, match=r'limited to 20 .* use level="neurons" or "layers"'):
        draw_graph(trained((2, 2)), level="named", max_nodes=20, cluster="layer")


@each_renderer
def test_a_box_holds_the_results_of_its_unit(renderer):
    for elementary in (False, True):
        for level in ("op", "named"):
            drawing = draw_graph(lecture(elementary=elementary), level=level, cluster="neuron")
            layout = json.loads(drawing.pipe("json", renderer))
            boxes = {o["label"]: o for o in layout["objects"] if o["name"].startswith("cluster")}
            assert set(boxes) == {f"unit {j} of layer {i}" for i in (1, 2) for j in (1, 2)}
            for caption, box in boxes.items():
                left, bottom, right, top = map(float, box["bb"].split(","))
                j, i = re.findall(r"\d", caption)
                inside = set()
                for node in layout["objects"]:
                    if "pos" in node:
                        x, y = map(float, node["pos"].split(","))
                        if left < x < right and bottom < y < top:
                            inside.add(title(node).split(" = ")[0].split(" ")[-1])
                named = {name for name in inside if "[" in name}
                assert {f"z[{i}]{'₁₂'[int(j) - 1]}", f"a[{i}]{'₁₂'[int(j) - 1]}"} <= named
                assert not any(name.startswith("w") or f"[{i}]{'₁₂'[2 - int(j)]}" in name for name in named)


def test_a_box_for_what_is_one_node_already_is_refused():
    for level, cluster in (("neurons", "neuron"), ("layers", "layer"), ("layers", "neuron")):
        with pytest.raises(ValueError, match=f"cluster '{cluster}': at level '{level}' each is one node already"):
            draw_graph(lecture(), level=level, cluster=cluster)
    with pytest.raises(ValueError, match="cluster 'neuron' finds no units"):
        draw_graph(small(), cluster="neuron")
    assert draw_graph(lecture(), level="neurons", cluster="layer").source.count("subgraph cluster") == 2


@pytest.mark.slow
@each_renderer
@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
def test_units_stand_in_the_order_of_their_index(renderer, direction):
    for nouts in ((4, 3, 1), (16, 16, 1)):
        drawing = draw_graph(trained(nouts), level="neurons", direction=direction)
        drawn = [i for column in columns_drawn(drawing, renderer, direction) for i in column]
        assert drawn == list(dot_statements(drawing)[0])


# ---------------------------------------------------------------- too large


@pytest.mark.slow
def test_a_large_graph_is_refused_with_advice():
    message = 'graph has 20001 nodes; drawing is limited to 500 at this level: use level="named" or raise max_nodes'
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        draw_graph(chain(20_000), level="op")


def test_the_advice_fits_the_graph():
    with pytest.raises(ValueError, match=r'name the nodes that matter .* and use level="named"'):
        draw_graph(chain(600, name=None))
    y = Value(1.0)
    for i in range(600):
        y = y + 1
        y.label = f"y_{i}"
    with pytest.raises(ValueError, match=r"graph has 600 nodes; .* name fewer nodes"):
        draw_graph(y)
    with pytest.raises(ValueError, match=r"graph has 1201 nodes \(600 of them constants\)"):
        draw_graph(y, level="op")


def test_units_are_not_advised_where_there_are_too_many_to_look_for(monkeypatch):
    monkeypatch.setattr(graphs, "MOST_RESULTS", 3)
    with pytest.raises(ValueError, match="name fewer nodes, draw an earlier result, or raise max_nodes"):
        draw_graph(trained((2, 1)), level="named", max_nodes=5)


@pytest.mark.slow
def test_a_graph_of_a_hundred_thousand_nodes_is_refused():
    y = x = Value(0.5, "x")
    for i in range(50_000):
        y = y * x + 1.0
        y.label = f"z[{i}]_1"

    for level in ("auto", "op", "named", "neurons", "layers"):
        with pytest.raises(ValueError, match=r"graph has \d{5,6} nodes.*; drawing is limited to .* at this level: "):
            draw_graph(y, level=level)


def test_max_nodes_is_a_limit_that_can_be_raised():
    y = chain(20)
    with pytest.raises(ValueError, match="graph has 21 nodes; drawing is limited to 20"):
        draw_graph(y, level="op", max_nodes=20)
    assert len(dot_statements(draw_graph(y, level="op", max_nodes=21))[0]) == 21


@pytest.mark.slow
@pytest.mark.parametrize("level", ["auto", "op", "neurons", "layers"])
@pytest.mark.parametrize("name", [None, "q", "z"])
def test_a_graph_of_100_000_nodes_is_refused(level, name):
    y = Value(1.0)
    for i in range(100_000):
        y = sin(y)
        if name is not None:
            y.label = f"{name}_{i}"
    with pytest.raises(ValueError, match=r"graph has 10000\d nodes|finds no units"):
        draw_graph(y, level=level)


@pytest.mark.slow
def test_a_graph_of_100_000_nodes_is_refused_without_recursion():
    y = chain(100_000, name=None)
    answers = []

    def ask():
        try:
            draw_graph(y)
        except ValueError as refused:
            answers.append(str(refused))

    usual = threading.stack_size(256 << 10)
    try:
        thread = threading.Thread(target=ask)
        thread.start()
    finally:
        threading.stack_size(usual)
    thread.join()
    assert "graph has 100001 nodes" in answers[0]


@pytest.mark.slow
@each_renderer
def test_a_long_chain_within_the_limit_is_drawn_whole(renderer):
    svg = svg_of(draw_graph(chain(450), level="op"), renderer)
    assert len(svg_groups(svg, "node")) == 451
    assert len(svg_groups(svg, "edge")) == 450


# ---------------------------------------------------------------- look


def test_show_chooses_data_grad_or_both():
    y = small()

    def labels(show):
        return {a["label"] for a in dot_statements(draw_graph(y, show=show))[0].values()}

    assert r"x = 3" in labels("data")
    assert r"x\ngrad 5.01" in labels("grad")
    assert r"x = 3\ngrad 5.01" in labels("both")
    assert r"×\ngrad 1" in labels("grad")


def test_a_sign_is_told_by_colour_and_line_and_number():
    x = Value(-2.0, "x")
    look = {}
    for y in (relu(x), x * 3.0, x * -3.0):
        attributes = next(a for _, _, a in dot_statements(draw_graph(y))[1] if "label" in a)
        look[attributes["label"]] = attributes["color"], attributes.get("style", "solid")
    assert look == {"0": (LIGHT.grey, "dotted"), "3": (LIGHT.positive, "solid"), "−3": (LIGHT.negative, "dashed")}


def test_the_width_of_an_edge_grows_with_its_derivative():
    x = Value(1.0, "x")
    widths = []
    for k in (0.0, 0.01, -0.1, 1.0, -10.0, 100.0, float("inf")):
        attributes = next(a for _, _, a in dot_statements(draw_graph(x * k, level="op"))[1] if "label" in a)
        widths.append(float(attributes["penwidth"]))
    assert widths == sorted(set(widths))
    assert widths[0] > 0.5
    assert widths[-1] <= 3


def test_leaves_have_corners_and_the_target_a_thick_outline():
    nodes, _ = dot_statements(draw_graph(small()))
    look = {title(a): a for a in nodes.values()}
    assert look["x = 3"]["style"] == "filled"
    assert "style" not in look["× 9"]  # round, as the default of the picture says
    assert 'style="rounded,filled"' in draw_graph(small()).source
    assert look["+ 9.141"]["penwidth"] == "2"
    assert look["x = 3"]["fillcolor"] != look["+ 9.141"]["fillcolor"]


@each_renderer
def test_infinities_and_nan_are_shown_as_they_are(renderer):
    x = Value(0.0, "x")
    y = log(x) * 0.0
    y.backward()
    nodes = svg_groups(svg_of(draw_graph(y), renderer), "node")
    assert ["log", "−inf", "grad 0"] in nodes
    assert ["x = 0", "grad nan"] in nodes


def test_drawing_changes_nothing_in_the_graph():
    loss = lecture()
    before = [(u.data, u.grad, u.label) for u in (loss, *loss.operands[:2])]
    draw_graph(loss)
    draw_graph(loss, level="op", cluster="layer")
    assert [(u.data, u.grad, u.label) for u in (loss, *loss.operands[:2])] == before
    assert loss.operands[0].label == "a[2]_1"


# ---------------------------------------------------------------- in its place


@each_renderer
def test_weights_and_inputs_stand_in_order_beside_their_unit(renderer):
    drawing = draw_graph(lecture())
    shown = {i: a["label"].split(" = ")[0].split(r"\n")[-1] for i, a in dot_statements(drawing)[0].items()}
    drawn = [[shown[i] for i in column] for column in reversed(columns_drawn(drawing, renderer))]
    assert drawn == [
        ["w[1]₁₁", "w[1]₁₂", "b[1]₁", "x₁", "x₂", "w[1]₂₁", "w[1]₂₂", "b[1]₂"],
        ["z[1]₁", "z[1]₂"],
        ["w[2]₁₁", "w[2]₁₂", "b[2]₁", "a[1]₁", "a[1]₂", "w[2]₂₁", "w[2]₂₂", "b[2]₂"],
        ["z[2]₁", "z[2]₂"],
        ["a[2]₁", "a[2]₂"],
        ["L"],
    ]


@each_renderer
def test_units_of_a_layer_are_drawn_symmetrically(renderer):
    drawing = draw_graph(lecture())
    nodes, _ = dot_statements(drawing)
    at = {title(nodes[i]).split(" = ")[0].split(" ")[-1]: place for i, place in places(drawing, renderer).items()}
    middle = (at["z[1]₁"][1] + at["z[1]₂"][1]) / 2
    for one, two in (("w[1]₁₁", "b[1]₂"), ("w[1]₁₂", "w[1]₂₂"), ("x₁", "x₂"), ("a[1]₁", "a[1]₂")):
        assert (at[one][1] + at[two][1]) / 2 == pytest.approx(middle, abs=20)
    assert at["z[1]₁"][1] == pytest.approx(at["a[1]₁"][1], abs=1)  # what follows alone stands in a line


def random_net(seed):
    rng = random.Random(seed)
    nin, nouts = rng.randint(1, 3), [rng.randint(1, 4) for _ in range(rng.randint(1, 3))]
    net = MLP(nin, nouts, activation="tanh", elementary=rng.random() < 0.5, rng=seed)
    losses = []
    for _ in range(rng.choice((1, 1, 2))):
        y = net(inputs([rng.uniform(-2, 2) for _ in range(nin)]))
        losses.append(squared_error(y if isinstance(y, list) else [y], [0.5] * nouts[-1]))
    loss = losses[0] if len(losses) == 1 else (losses[0] + losses[1]) / 2
    if rng.random() < 0.5:  # edges that pass many columns
        for p in net.parameters():
            loss = loss + 0.01 * p * p
    return loss


@pytest.mark.slow
@each_renderer
@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
def test_graphviz_keeps_the_order_of_any_net(renderer, direction):
    for seed in range(6):
        for level in ("op", "named"):
            drawing = draw_graph(random_net(seed), level=level, direction=direction, max_nodes=1000)
            drawn = [i for column in columns_drawn(drawing, renderer, direction) for i in column]
            assert drawn == list(dot_statements(drawing)[0]), (seed, level)


@each_renderer
def test_the_direction_says_where_the_target_is(renderer):
    for direction, towards in (("LR", (1, 0)), ("RL", (-1, 0)), ("TB", (0, 1)), ("BT", (0, -1))):
        drawing = draw_graph(small(), direction=direction)
        at = {title(dot_statements(drawing)[0][i]): place for i, place in places(drawing, renderer).items()}
        (x0, y0), (x1, y1) = at["x = 3"], at["+ 9.141"]
        assert (x1 - x0) * towards[0] + (y1 - y0) * towards[1] > 50


@each_renderer
@pytest.mark.parametrize("elementary", [False, True])
@pytest.mark.parametrize("level", ["op", "named"])
def test_a_box_holds_the_results_of_its_layer(renderer, level, elementary):
    drawing = draw_graph(lecture(elementary=elementary), level=level, cluster="layer")
    layout = json.loads(drawing.pipe("json", renderer))
    boxes = {o["label"]: o for o in layout["objects"] if o["name"].startswith("cluster")}
    assert set(boxes) == {"layer 1", "layer 2"}
    for layer in (1, 2):
        left, bottom, right, top = map(float, boxes[f"layer {layer}"]["bb"].split(","))
        for node in layout["objects"]:
            if "pos" in node:
                x, y = map(float, node["pos"].split(","))
                name = title(node).split(" = ")[0].split(" ")[-1]
                if re.match(rf"[za]\[{layer}\]", name):
                    assert left < x < right
                    assert bottom < y < top
                elif re.match(r"x|L|[zaw]\[\d\]", name):
                    assert not (left < x < right and bottom < y < top)


@each_renderer
def test_the_order_is_kept_in_boxes_too(renderer):
    net = MLP(2, [3, 2], activation="tanh", rng=1)
    for loss in (lecture(), squared_error(net(inputs([1.0, 2.0])), [0.0, 1.0])):
        for direction in ("LR", "TB"):
            drawing = draw_graph(loss, cluster="layer", direction=direction)
            drawn = [i for column in columns_drawn(drawing, renderer, direction) for i in column]
            assert drawn == list(dot_statements(drawing)[0])


def test_boxes_are_drawn_only_where_names_tell_a_layer():
    assert "cluster" not in draw_graph(small(), cluster="layer").source
    assert "cluster" not in draw_graph(lecture()).source


# ---------------------------------------------------------------- text


@each_renderer
def test_any_label_is_shown_as_it_is_beside_units(renderer):
    z = Value(0.5, "w_1") * Value(2.0, "x_1")
    z.label = "z"
    y = z
    for label in NASTY:
        y = y + Value(1.0, label)
    for level in ("neurons", "layers"):
        drawing = draw_graph(y, level=level)
        shown = {line for node in svg_groups(svg_of(drawing, renderer), "node") for line in node}
        assert {f"{names.text(label)} = 1" for label in NASTY} <= shown


@each_renderer
@pytest.mark.parametrize("level", ["op", "named"])
def test_any_label_is_shown_as_it_is(renderer, level):
    y = Value(0.0)
    for label in NASTY:
        y = y + Value(1.0, label)
    shown = {line for node in svg_groups(svg_of(draw_graph(y, level=level), renderer), "node") for line in node}
    assert {f"{names.text(label)} = 1" for label in NASTY} <= shown


@each_renderer
def test_a_label_of_10_000_characters_is_shortened(renderer):
    x = Value(1.0, "long " * 2000)
    drawing = draw_graph(x * 2.0, level="named")
    (line,) = (line for node in svg_groups(svg_of(drawing, renderer), "node") for line in node if "long" in line)
    assert re.fullmatch(r"(long )+.*….+ = 1", line)
    assert len(line) < 60


def test_ids_are_counted_and_never_taken_from_labels():
    nodes, edges = dot_statements(draw_graph(lecture()))
    assert list(nodes) == [f"n{i}" for i in range(len(nodes))]
    assert {i for u, v, _ in edges for i in (u, v)} == set(nodes)


@pytest.mark.parametrize(
    ("draw", "options", "file"),
    [
        (small, {}, "graph_small"),
        (lecture, {}, "graph_lecture"),
        (lecture, {"level": "neurons"}, "graph_lecture_neurons"),
        (lecture, {"level": "layers"}, "graph_lecture_layers"),
        (lecture, {"cluster": "neuron"}, "graph_lecture_in_boxes"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_the_dot_text_is_the_golden_one(draw, options, file):
    assert draw_graph(draw(), **options).source == (GOLDEN / f"{file}.dot").read_text(encoding="utf-8")


@pytest.mark.slow
@needs_both
def test_both_renderers_draw_the_same_nodes_edges_and_labels():
    drawings = [draw_graph(lecture(), level=level) for level in ("op", "named", "neurons", "layers")]
    drawings += [draw_graph(lecture(), cluster=c) for c in ("neuron", "layer")]
    drawings += [draw_graph(trained((16, 16, 1)), level="neurons"), draw_graph(small(), direction="BT")]
    for drawing in drawings:
        one, two = (graph_in(drawing.pipe("json", renderer)) for renderer in ("dot", "pure"))
        assert one == two
        one, two = (svg_of(drawing, renderer) for renderer in ("dot", "pure"))
        for kind in ("node", "edge", "cluster"):
            assert sorted(svg_groups(one, kind)) == sorted(svg_groups(two, kind))


@pytest.mark.slow
@each_renderer
def test_four_threads_may_draw_at_once(renderer):
    drawings = [draw_graph(lecture(), level=level) for level in ("op", "named", "neurons", "layers")]
    alone = [d.pipe("svg", renderer) for d in drawings]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda d: d.pipe("svg", renderer), drawings * 4))
    assert together == alone * 4


@pytest.mark.parametrize(("direction", "margin"), [("LR", ""), ("RL", ""), ("TB", " "), ("BT", " ")])
def test_text_keeps_clear_of_edges_that_go_up_or_down(direction, margin):
    _, edges = dot_statements(draw_graph(small(), direction=direction, show="data"))
    assert [a["label"] for *_, a in edges][-1] == f"{margin}−0.99{margin}"


def test_the_same_graph_gives_the_same_text():
    assert draw_graph(lecture(), level="op").source == draw_graph(lecture(), level="op").source


@each_renderer
def test_the_svg_shows_each_node_and_edge_once(renderer):
    for drawing in (draw_graph(small()), draw_graph(lecture()), draw_graph(lecture(), level="op", cluster="layer")):
        nodes, edges = dot_statements(drawing)
        svg = svg_of(drawing, renderer)
        assert sorted(svg_groups(svg, "node")) == sorted(plain(a["label"]).split(r"\n") for a in nodes.values())
        assert sorted(t for e in svg_groups(svg, "edge") for t in e) == sorted(
            a["label"] for *_, a in edges if "label" in a
        )
        assert len(svg_groups(svg, "edge")) == len(edges)


# ---------------------------------------------------------------- wrong inputs


@pytest.mark.parametrize("root", [3.0, None, [Value(1.0)], "L"])
def test_what_is_no_value_is_refused(root):
    with pytest.raises(TypeError, match="draw_graph: expected a Value or a Tensor such as the loss, got"):
        draw_graph(root)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "ops"}, "unknown level 'ops'; did you mean 'op'"),
        ({"show": "grads"}, "unknown show 'grads'; did you mean 'grad'"),
        ({"direction": "RT"}, "unknown direction 'RT'; .*known: LR, TB, RL, BT"),
        ({"level": "neuron"}, "unknown level 'neuron'; did you mean 'neurons'"),
        ({"cluster": "layers"}, "unknown cluster 'layers'; did you mean 'layer'"),
        ({"max_nodes": 0}, "expected max_nodes to be a positive integer"),
    ],
)
def test_an_unknown_option_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        draw_graph(small(), **options)


@pytest.mark.slow
def test_the_engine_and_the_nets_know_no_pictures():
    code = "import sys, autograd, nn; sys.exit(any(m in sys.modules for m in ('viz', 'graphviz')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_operations_with_constants_among_their_operands_are_drawn():
    x = Value(-1.0, "x")
    drawing = draw_graph(leaky_relu(x, 0.1))
    assert isinstance(drawing, Drawing)
    assert ("x", "leaky_relu", "0.1") in arrows(drawing)
    assert ("0.1", "leaky_relu", None) in arrows(drawing)


def named_chain(length):
    v = Value(0.5, "x")
    for i in range(1, length + 1):
        v = sin(v)
        v.label = f"v{i}"
    return v


@each_renderer
def test_a_long_chain_is_folded_into_rows_that_turn_back_and_forth(renderer):
    drawing = draw_graph(named_chain(60))
    found = places(drawing, renderer)
    rows = {}
    for name, (x, y) in found.items():
        rows.setdefault(round(y / 20), []).append((x, name))
    assert 4 <= len(rows) <= 8
    width = max(x for x, _ in found.values())
    assert width < 2000
    ids = {n: label for label, n in ((v.label, drawing.ids[v]) for v in drawing.ids)}
    edges = {(ids[u], ids[v]) for u, v, _ in dot_statements(drawing)[1]}
    assert edges == {("x", "v1"), *((f"v{i}", f"v{i + 1}") for i in range(1, 60))}
    assert "v60" in drawing.mermaid().replace("₀", "0").replace("₆", "6") or "v₆₀" in drawing.mermaid()


def test_a_chain_that_fits_or_goes_down_is_not_folded():
    assert 'dir="back"' not in draw_graph(named_chain(20)).source
    assert 'dir="back"' not in draw_graph(named_chain(60), direction="TB").source
    assert 'dir="back"' in draw_graph(named_chain(60)).source


@needs_renderer
def test_a_picture_as_png():
    assert draw_graph(small()).pipe("png").startswith(b"\x89PNG")


# ---------------------------------------------------------------- what is said instead of a puzzle


def test_no_gradient_is_shown_before_a_backward_pass():
    w, x = Value(3.0, "w"), Value(2.0, "x")
    z = w * x
    z.label = "z"
    assert "grad" not in draw_graph(z).source
    assert "grad" not in draw_graph(z, level="op", show="grad").source
    z.backward()
    assert draw_graph(z).source.count("grad") == 3


def test_a_gradient_of_zero_after_a_backward_pass_is_shown():
    w = Value(-3.0, "w")
    L = relu(w)
    L.backward()
    assert r"w = −3\ngrad 0" in draw_graph(L, level="op").source


@pytest.mark.parametrize("label", [None, "L"])
def test_named_nodes_without_any_name_are_not_a_lone_box(label):
    L = (Value(2.0) * Value(3.0)) ** 2
    L.label = label
    with pytest.raises(ValueError, match=r"level 'named' finds no names; set v.label = .w. .* or use level=.op."):
        draw_graph(L, level="named")


def test_what_a_unit_s_edge_says_of_weight_and_gradient_has_no_sign_s_colour():
    _, edges = dot_statements(draw_graph(lecture(), level="neurons"))
    weights = [a for *_, a in edges if "grad" in a.get("label", "")]
    assert weights
    assert {a["fontcolor"] for a in weights} == {LIGHT.ink}
    assert any("grad −" in a["label"] and a["color"] == LIGHT.positive for a in weights)
    _, edges = dot_statements(draw_graph(lecture(), level="neurons", show="grad"))
    negative = [a for *_, a in edges if a.get("label", "").startswith("grad −")]
    assert negative
    assert {a["fontcolor"] for a in negative} == {LIGHT.negative}


def test_one_who_says_rankdir_is_led_to_direction():
    with pytest.raises(TypeError, match=r"unknown option 'rankdir'; here it is direction=.TB.; known: level, show"):
        draw_graph(lecture(), rankdir="TB")
