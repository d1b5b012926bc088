"""Numbers of the forward pass stay in pictures after an optimizer has moved on."""

import pytest
from drawings import dot_statements, lecture_net
from named import a_product
from pages import data_of

from autograd import Tensor, Value, derive, relu, squared_error
from nn import inputs
from viz import draw_graph, draw_paths, explore


def labels(drawing):
    nodes, _ = dot_statements(drawing)
    return [a["label"] for a in nodes.values()]


@pytest.mark.parametrize("level", ["named", "op"])
def test_a_graph_drawn_after_a_step_shows_both_numbers_and_says_so(level):
    w, _, _, z = a_product()
    w.data = 0.6
    drawn = labels(draw_graph(z, level=level))
    assert r"w = 3, now 0.6\ngrad 2" in drawn
    assert "now: changed since the forward pass" in draw_graph(z, level=level).source


def test_nothing_is_said_before_a_step():
    *_, z = a_product()
    assert "now" not in draw_graph(z).source


def test_paths_drawn_after_a_step_show_both_numbers_and_say_so():
    w, _, _, z = a_product()
    w.data = 0.6
    drawing = draw_paths(derive(z, w), legend=False)
    assert "w = 3, now 0.6" in labels(drawing)
    assert "now: changed since the forward pass" in drawing.source


def test_weights_on_the_edges_of_units_are_those_that_were_used():
    net = lecture_net()
    loss = squared_error(net(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    loss.backward()
    net.layers[1].neurons[0].w[0].data = -0.3
    drawing = draw_graph(loss, level="neurons")
    _, edges = dot_statements(drawing)
    (moved,) = [a for *_, a in edges if "now" in a.get("label", "")]
    assert moved["label"] == r"0.4, now −0.3\ngrad 0.08217"
    assert "style" not in moved  # solid, as the positive number that was used
    assert "now: changed since" in drawing.source
    assert "‖w‖ 0.9566, now 0.9192" in draw_graph(loss, level="layers").source


def test_a_tensor_in_a_picture_says_that_its_numbers_are_new():
    w = Tensor([1.0, 2.0], "W")
    loss = (w * w).sum()
    loss.backward()
    w.data = [3.0, 4.0]
    assert any(label.startswith(r"W  (2,)\n[ 1   2 ]\nnow\n[ 3   4 ]") for label in labels(draw_graph(loss)))


def test_the_page_has_the_numbers_that_were_used_and_says_what_they_are_now():
    w, _, _, z = a_product()
    w.data = 0.6
    data = data_of(explore(z))
    assert any("w (now 0.6) changed since the forward pass" in note for note in data["notes"])
    assert 0.6 not in data["nodes"]["data"]


def test_the_page_says_which_numbers_are_on_no_record():
    v = Value(-2.0, "v")
    result = relu(v)
    v.data = 0.5
    (note,) = data_of(explore(result))["notes"]
    assert "v (now 0.5) changed since the forward pass, and the numbers that it used are not on record" in note
