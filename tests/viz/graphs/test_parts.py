"""Part of a graph: what lies between the target and some nodes, or around one."""

import re

import numpy as np
import pytest
from drawings import dot_statements, lecture_and_net, needs_renderer

from autograd import Value, derive, squared_error
from autograd.graph import topological_order
from nn import inputs
from viz import draw_graph, draw_network, draw_paths


def lecture():
    return lecture_and_net()[0]


def drawn(drawing):
    """The nodes that are drawn, by label."""
    return {v.label for v in drawing.ids}


def test_nothing_is_drawn_behind_what_the_graph_goes_back_to():
    drawing = draw_graph(lecture(), until=["a[1]_1", "a[1]_2"])
    assert drawn(drawing) == {
        *("a[1]_1", "a[1]_2", "w[2]_1,1", "w[2]_1,2", "w[2]_2,1", "w[2]_2,2", "b[2]_1", "b[2]_2"),
        *("z[2]_1", "z[2]_2", "a[2]_1", "a[2]_2", "y_1", "y_2", None),
    }
    nodes, _ = dot_statements(drawing)
    assert sum("dashed" in a.get("style", "") for a in nodes.values()) == 2


def test_what_is_around_a_node_is_at_most_so_many_edges_away():
    loss = lecture()
    assert drawn(draw_graph(loss, around=("a[1]_1", 0))) == {"a[1]_1"}
    assert drawn(draw_graph(loss, around="a[1]_1")) == {"a[1]_1", "z[1]_1", "z[2]_1", "z[2]_2"}
    assert drawn(draw_graph(loss, around=("w[1]_1,2", 2))) == {
        *("w[1]_1,2", "z[1]_1", "w[1]_1,1", "b[1]_1", "x_1", "x_2", "a[1]_1"),
    }


def test_nodes_may_be_given_themselves():
    loss = lecture()
    a = next(v for v in topological_order(loss) if v.label == "a[1]_1")
    assert draw_graph(loss, around=(a, 1)).source == draw_graph(loss, around=("a^[1]_1", 1)).source


@pytest.mark.parametrize("level", ["op", "named", "neurons", "layers"])
def test_a_part_is_drawn_at_every_level(level):
    loss = lecture()
    a = next(v for v in topological_order(loss) if v.label == "a[1]_1")
    part, whole = draw_graph(loss, level=level, until=["a[1]_1", "a[1]_2"]), draw_graph(loss, level=level)
    assert a in part.ids
    assert 0 < len(part.ids) < len(whole.ids)


@pytest.mark.parametrize("seed", range(8))
def test_the_part_around_a_node_is_found_by_counting_edges(seed):
    rng = np.random.default_rng(seed)
    a, b = Value(0.3, "a"), Value(-0.4, "b")
    pool = [a, b]
    for i in range(12):
        u, v = (pool[j] for j in rng.integers(0, len(pool), 2))
        pool.append(u * v + 0.1 * u)
        pool[-1].label = f"v{i}"
    root = sum(pool)
    root.label = "L"
    middle = pool[int(rng.integers(2, len(pool)))]
    found = draw_graph(root, level="named", around=(middle, 2), max_nodes=10_000).ids.keys()
    whole = draw_graph(root, level="named", max_nodes=10_000)
    nodes, edges = dot_statements(whole)
    beside = {n: {v for u, v, _ in edges if u == n} | {u for u, v, _ in edges if v == n} for n in nodes}
    one = {whole.ids[middle], *beside[whole.ids[middle]]}
    assert {whole.ids[v] for v in found} == one.union(*(beside[n] for n in one))


@pytest.mark.slow
def test_part_of_a_graph_too_large_to_be_drawn_is_drawn():
    v = x = Value(0.5, "x")
    for i in range(2000):
        v = 0.999 * v + 0.01 * x
        v.label = f"v{i}"
    with pytest.raises(ValueError, match="drawing is limited to 500"):
        draw_graph(v, level="named")
    assert drawn(draw_graph(v, level="named", until="v1990")) == {"x", *(f"v{i}" for i in range(1990, 2000))}
    with pytest.raises(ValueError, match="drawing is limited to 5 at this level: draw a smaller part"):
        draw_graph(v, level="named", until="v1990", max_nodes=5)


def test_an_edge_can_be_as_wide_as_what_flows_back_through_it():
    a, b = Value(3.0, "a"), Value(0.25, "b")
    L = a * b + 2 * a
    L.label = "L"
    _, edges = dot_statements(draw_graph(L, level="op", widths="gradient"))
    widths = sorted({float(e["penwidth"]) for *_, e in edges})
    flows = (0.25, 1.0, 2.0, 3.0)  # ∂/∂a through the product, 1 into each term, 2 through 2a, ∂/∂b
    assert widths == pytest.approx(sorted({0.7, *(0.6 + 4 * x / 3 for x in flows)}), abs=0.01)


@pytest.mark.parametrize("level", ["neurons", "layers"])
def test_such_widths_are_refused_where_edges_stand_for_weights(level):
    with pytest.raises(ValueError, match="widths='gradient' is for levels 'op' and 'named'"):
        draw_graph(lecture(), level=level, widths="gradient")


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"until": "u"}, ValueError, "draw_graph: until: 'u' is not in this picture; there are"),
        ({"until": 3}, TypeError, "draw_graph: until: expected nodes or their names, got int"),
        ({"around": ("w[1]_1,1", -1)}, ValueError, r"draw_graph: around: expected \(node, steps\)"),
        ({"around": ("u", 1)}, ValueError, "draw_graph: around: 'u' is not in this picture"),
    ],
)
def test_what_is_no_part_is_refused(asked, error, message):
    with pytest.raises(error, match=message):
        draw_graph(lecture(), **asked)


# ---------------------------------------------------------------- draw_paths, and pictures like others


def test_draw_paths_draws_a_part_too():
    loss, net = lecture_and_net()
    found = derive(loss, net.layers[0].neurons[0].w[0])
    whole, until, near = (draw_paths(found, level="named", **part) for part in (
        {}, {"until": ["a[1]_1", "a[1]_2"]}, {"around": ("z[2]_1", 1)}))  # fmt: skip
    assert len(names_of(until)) < len(names_of(whole))
    assert "w[1]₁₁" not in names_of(until)
    assert {"z[2]₁", "a[2]₁"} <= names_of(near)
    assert "w[1]₁₁" not in names_of(near)
    with pytest.raises(ValueError, match="until and around are for the nodes of a graph"):
        draw_paths(found, level="neurons", until="z[2]_1")


def names_of(drawing):
    return {
        line.split(" = ")[0] for label in re.findall('label="([^"]*)"', drawing.source) for line in label.split("\\n")
    }


@pytest.mark.slow
@needs_renderer
def test_a_drawing_like_another_has_its_places_and_its_own_numbers():
    loss, net = lecture_and_net()
    before = draw_graph(loss, title="before")
    for p in net.parameters():
        p.data -= 100 * p.grad
    again = squared_error(net(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    again.backward()
    plain, like = draw_graph(again, title="after"), draw_graph(again, title="after", like=before)
    first, second, free = (d.pipe(encoding="utf-8") for d in (before, like, plain))

    def outlines(svg):
        return re.findall(' (?:d|points|viewBox)="[^"]*"', svg)

    def texts(svg):
        return sorted(re.sub("<[^>]*>", "", text) for text in re.findall("<text.*?</text>", svg))

    assert outlines(first) == outlines(second)
    assert texts(second) == texts(free) != texts(first)
    assert draw_graph(again, like=like).like.like is before  # a chain of frames
    with pytest.raises(ValueError, match="the same places are for the same graph"):
        draw_graph(squared_error(net(inputs([0.05, 0.10]))[0], 1.0), like=before).pipe()
    with pytest.raises(TypeError, match="draw_graph: like: expected a Drawing of the same graph"):
        draw_graph(again, like=3)
    with pytest.raises(TypeError, match="draw_graph: like: expected a Drawing of the same graph"):
        draw_graph(again, like=draw_network(again))
