"""What the explorer's views draw: which levels a graph has, what is left out, which edges a line stands for."""

import re

import pytest
from pages import dense, lecture

from autograd import Value, sin
from autograd.graph import topological_order
from autograd.paths.path_graph import PathGraph
from viz import explore
from viz.explorer import stage, views
from viz.explorer.views import drawn_of, net_of, page_data


def label(thing):
    return getattr(thing, "label", None)


def boxes_of(drawn):
    return [box.words or " ".join(filter(None, map(label, box.cells))) for box in drawn.boxes]


def spiral(steps, count):
    """h_i = sin(h_(i-1)) x_k, with k in turn 1 to count: the last h, and the x."""
    xs = [Value(0.5 + k, f"x_{k}") for k in range(1, count + 1)]
    h = xs[0]
    for i in range(1, steps + 1):
        h = sin(h) * xs[i % count]
        h.label = f"h_{i}"
    return h, xs


def called(data):
    return ["".join((base, above, below and "_" + below)) for base, above, below in data["nodes"]["name"]]


# ---------------------------------------------------------------- units


@pytest.fixture(scope="module")
def net():
    """A loss of a net of 8, 2 and 2 units, and the net."""
    return dense(8, 2, 2)


UNITS = ["b[1]_1 z[1]_1 a[1]_1", "b[1]_2 z[1]_2 a[1]_2", "b[2]_1 z[2]_1 a[2]_1", "b[2]_2 z[2]_2 a[2]_2"]


def test_of_a_long_layer_the_first_and_the_last_are_drawn(net):
    drawn, _ = net_of(net[0], most=6)
    inputs = ["x_1", "x_2", "x_3", "⋮ 2 more inputs", "x_6", "x_7", "x_8"]
    assert boxes_of(drawn) == [*inputs, *UNITS, "y_1", "y_2", ""]
    assert boxes_of(net_of(net[0], most=8)[0])[:8] == [f"x_{i}" for i in range(1, 9)]
    # The words take as much room as the one that they would stand for.
    assert boxes_of(net_of(net[0], most=7)[0])[:8] == [f"x_{i}" for i in range(1, 9)]


def test_lines_lead_from_and_to_what_is_drawn_and_stand_for_two_edges_between_units(net):
    drawn, _ = net_of(net[0], most=6)
    boxes = boxes_of(drawn)
    found = {}
    for line in drawn.lines:
        ends = re.search(r"\S*$", boxes[line.start])[0], boxes[line.end].partition(" ")[2][:6]
        edges = {(label(drawn.edges[k].operand), label(drawn.edges[k].result)) for k in line.edges}
        found[ends] = label(line.weight), edges
    layers = [((1, 2, 3, 6, 7, 8), "x_{}", 1, "w[1]_{},{}"), ((1, 2), "a[1]_{}", 2, "w[2]_{},{}")]
    expected = {
        (source.format(j), f"z[{k}]_{i}"): (
            weight.format(i, j),
            {(weight.format(i, j), f"z[{k}]_{i}"), (source.format(j), f"z[{k}]_{i}")},
        )
        for js, source, k, weight in layers
        for j in js
        for i in (1, 2)
    }
    expected |= {(name, ""): (None, {(name, None)}) for name in ("a[2]_1", "a[2]_2", "y_1", "y_2")}
    assert found == expected
    assert len(drawn.pulls) == len(drawn.lines) + 2  # the words pull too, by both units


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (lambda net: net.layers[0].neurons[1].w[4], "x_5"),  # the weight of what leaves it
        (lambda net: net.layers[0].neurons[1].w[3], "x_4"),
        (lambda net: net.layers[0].neurons[0].b, None),
    ],
)
def test_what_is_kept_is_drawn_though_it_lies_in_the_middle(keep, kept):
    loss, net = dense(9, 2, 2)
    drawn, _ = net_of(loss, most=6, keep=keep(net))
    inputs = [name for name in boxes_of(drawn) if "x_" in name or "⋮" in name]
    ends = ["x_1", "x_2", "x_3", "x_7", "x_8", "x_9"]
    assert sorted(name for name in inputs if "⋮" not in name) == sorted([*ends, *filter(None, [kept])])
    assert [name for name in inputs if "⋮" in name] == [f"⋮ {2 if kept else 3} more inputs"]


@pytest.mark.parametrize("part", ["w", "b", "a"])
def test_a_unit_is_kept_for_its_bias_its_results_and_the_weights_that_enter_it(part):
    loss, net = dense(2, 9, 2)
    neuron = net.layers[0].neurons[4]
    result = next(v for v in topological_order(loss) if v.label == "a[1]_5")
    drawn, _ = net_of(loss, most=6, keep={"w": neuron.w[1], "b": neuron.b, "a": result}[part])
    units = [name for name in boxes_of(drawn) if "[1]" in name or "⋮" in name]
    assert [name[-6:] for name in units] == [f"a[1]_{i}" for i in (1, 2, 3)] + [" units"] + [
        f"a[1]_{i}" for i in (5, 7, 8, 9)
    ]
    assert "⋮ 2 more units" in units


# ---------------------------------------------------------------- graphs that are too large


def test_as_many_edges_as_are_allowed_are_drawn(monkeypatch):
    loss, _ = spiral(3, 2)  # x_1 to h_1, and so on: 6 edges
    monkeypatch.setattr(views, "MAX_EDGES", 6)
    assert len(drawn_of(loss, "named")[0].edges) == 6
    monkeypatch.setattr(views, "MAX_EDGES", 5)
    with pytest.raises(ValueError, match="6 edges are too many"):
        drawn_of(loss, "named")


def test_of_a_large_graph_the_nodes_nearest_to_the_result_are_shown(monkeypatch):
    monkeypatch.setattr(views, "MAX_EDGES", 5)
    monkeypatch.setattr(views, "PART", 5)
    loss, xs = spiral(6, 4)
    data = page_data(loss, None, "auto")
    assert list(data["views"]) == ["named"]
    assert data["notes"] == [
        "18 edges between scalars are too many to draw each: named nodes are shown.",
        "6 nodes nearest to the result are shown; 4 lie before them.",
    ]
    names, shown = called(data), data["graphs"]["named"]["nodes"]
    # Each h leads to the one before; x_4 is used by h_3 alone, the others by later ones and by h_1 or h_2.
    assert sorted(names[i] for i in shown) == ["h_2", "h_3", "h_4", "h_5", "h_6", "x_4"]
    kinds = {names[i]: data["nodes"]["kinds"][data["nodes"]["kind"][i]] for i in shown}
    assert {name for name, kind in kinds.items() if "cut" in kind} == {"h_2", "h_4", "h_5", "h_6"}
    assert page_data(loss, xs[3], "auto")["notes"] == data["notes"]
    assert page_data(loss, xs[0], "auto")["notes"] == [
        *data["notes"],
        "'x_1' lies before them too; derive(root, wrt) lists its paths.",
    ]


def test_what_changed_since_the_forward_pass_is_listed():
    loss, xs = spiral(4, 4)
    for x in xs[:3]:
        x.data += 1
    words = "changed since the forward pass: the numbers here are those that it used."
    assert page_data(loss, None, "auto")["notes"] == [f"x_1 (now 2.5), x_2 (now 3.5), x_3 (now 4.5) {words}"]
    xs[3].data += 1
    assert page_data(loss, None, "auto")["notes"] == [f"x_1 (now 2.5), x_2 (now 3.5), x_3 (now 4.5) and 1 more {words}"]


# ---------------------------------------------------------------- which level comes first


@pytest.mark.parametrize(("nodes", "first"), [(12, "named"), (13, "neurons")])
def test_a_net_of_more_than_twelve_named_nodes_begins_with_units(nodes, first):
    loss, _ = lecture() if nodes > 12 else (None, None)
    if loss is None:
        x, w = [Value(0.5 + i, f"x_{i}") for i in (1, 2, 3)], [Value(0.2 * i, f"w[1]_1{i}") for i in (1, 2, 3)]
        z = sum((a * b for a, b in zip(w, x, strict=True)), Value(0.1, "b[1]_1"))
        z.label = "z[1]_1"
        a = sin(z)
        a.label = "a[1]_1"
        e = a - Value(1.0, "y")
        e.label = "e"
        loss = e * e
        loss.label = "L"
        assert len(PathGraph(loss).nodes) == 12
    assert explore(loss).level == first


def test_a_leaf_without_a_name_is_looked_at_among_every_scalar():
    hidden = Value(2.0)
    h = hidden * Value(3.0, "x")
    h.label = "h"
    loss = sin(h) * h
    assert explore(loss, hidden).level == "op"
    assert explore(loss).level == "named"


def test_a_level_that_is_not_there_is_told_or_refused():
    x = Value(2.0, "x")
    with pytest.raises(ValueError, match="'matrices' is for a graph of Tensors"):
        explore(x * 2, level="matrices")
    with pytest.raises(ValueError, match="'neurons' finds no units"):
        explore(x * 2, level="neurons")
    data = page_data(Value(1.0) * 2, None, "named")
    assert data["first"] == "op"
    assert data["notes"][0].startswith("Another level than 'named' is shown. No node has a name")
    with pytest.raises(ValueError, match="the root does not depend on 'x'"):
        explore(Value(1.0, "a") * 2, x)


# ---------------------------------------------------------------- pictures


def test_a_picture_lights_the_paths_of_a_node_or_one_of_them():
    x, u = Value(2.0, "x"), Value(3.0, "u")
    a, b = x * u, sin(x)
    a.label, b.label = "a", "b"
    loss = a * b
    loss.label = "L"
    page = explore(loss, level="named")
    plain, lit, strongest, second = (page.svg(*of).svg for of in ((), ("x",), (x, 1), (x, 2)))
    assert len({plain, lit, strongest, second}) == 4
    assert page.svg("x").svg == page.svg(x).svg
    assert page.svg("u").svg != lit
    with pytest.raises(ValueError, match="'x' has 2 paths, there is no path 3"):
        page.svg(x, 3)
    with pytest.raises(ValueError, match="give the node too"):
        page.svg(path=1)
    with pytest.raises(ValueError, match="'q' is not in the graph of 'named'"):
        page.svg("q")
    with pytest.raises(TypeError, match="expected a Value or its name"):
        page.svg(7)
    with pytest.raises(ValueError, match="'neurons' is not in this page"):
        page.svg(level="neurons")


def test_lines_of_a_view_have_their_edges_ends_weights_and_curves():
    loss, _ = lecture()
    data = page_data(loss, None, "neurons")
    assert data["notes"] == []
    view, names = data["views"]["neurons"], called(data)
    marks = [names[mark[2]] if isinstance(mark[2], int) and mark[2] >= 0 else mark[2] for mark in view["marks"]]
    found = {(marks[start], marks[end]): weight for _, start, end, weight, *_ in view["lines"]}
    assert names[found["x_1", "a[1]_2"]] == "w[1]_21"
    assert names[found["a[1]_2", "a[2]_1"]] == "w[2]_12"
    assert {weight for (start, _), weight in found.items() if start.startswith(("y", "a[2]"))} == {-1}
    graph = data["graphs"]["op" if data["graphs"]["named"] == "op" else "named"]
    for edges, start, _, weight, label_at, *curve in view["lines"]:
        ends = {names[graph["operand"][k]] for k in edges}
        assert marks[start] in ends
        assert weight < 0 or names[weight] in ends
        assert label_at == 0 or len(label_at) == 2
        assert len(curve) % 2 == 0
    cells = [mark[2:] for mark in view["marks"] if mark[2] == names.index("a[1]_1")]
    assert cells == [[names.index("a[1]_1"), names.index("z[1]_1"), names.index("b[1]_1")]]


def test_only_lines_that_bend_have_points_and_of_many_lines_none_has_a_number(monkeypatch):
    loss, _ = spiral(4, 2)
    monkeypatch.setattr(stage, "LABELLED", len(PathGraph(loss).nodes))
    lines = page_data(loss, None, "named")["views"]["named"]["lines"]
    assert {place for _, _, _, _, place, *_ in lines} == {0}
    points = [len(curve) for _, _, _, _, _, *curve in lines]
    assert any(points)
    assert all(n == 0 or n >= 6 for n in points)  # x and y of a start, what lies between, and an end


def test_of_a_net_too_large_for_every_line_the_page_has_the_nodes_that_are_drawn(monkeypatch):
    loss, _ = dense(18, 2, 2)
    monkeypatch.setattr(views, "MAX_EDGES", 50)
    data = page_data(loss, None, "auto")
    assert list(data["views"]) == ["neurons"]
    assert (
        "Layers of more than 16 units are shortened; paths through units that are not drawn count too." in data["notes"]
    )
    drawn = [j for j in range(1, 19) if j not in (13, 14)]
    leaves = {f"x_{j}" for j in drawn} | {f"w[1]_{i},{j}" for i in (1, 2) for j in drawn}
    leaves |= {f"w[2]_{i},{j}" for i in (1, 2) for j in (1, 2)} | {f"b[{k}]_{i}" for k in (1, 2) for i in (1, 2)}
    leaves |= {"y_1", "y_2"}
    results = {f"{name}[{k}]_{i}" for name in "za" for k in (1, 2) for i in (1, 2)}
    names = called(data)
    shown = {names[i] for i in data["graphs"]["named"]["nodes"]} - {names[data["target"]]}
    assert {name.replace(",", "") for name in shown} == {name.replace(",", "") for name in leaves | results}
