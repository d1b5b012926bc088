"""Numbers of the forward pass stay in pictures after an optimizer has moved on."""

import math

import pytest
from drawings import dot_statements, lecture_net

from autograd import Tensor, Value, derive, dot, exp, log, relu, squared_error, tanh
from autograd.op import elementwise, table
from nn import MLP, inputs
from viz import draw_graph, draw_paths, explore
from viz.used import Used


def labels(drawing):
    nodes, _ = dot_statements(drawing)
    return [a["label"] for a in nodes.values()]


def a_product(w=3.0, x=2.0, b=0.5):
    w, x, b = Value(w, "w"), Value(x, "x"), Value(b, "b")
    z = w * x + b
    z.label = "z"
    z.backward()
    return w, x, b, z


def test_a_graph_that_nobody_touched_has_no_changes():
    *_, z = a_product()
    assert Used(z).changed == {}
    assert Used(z).notes == ()


def test_a_factor_is_on_record_as_the_derivative_by_the_other():
    w, _, _, z = a_product()
    w.data = 0.6
    assert Used(z).changed == {w: 3.0}


def test_a_number_that_is_set_to_what_it_was_has_not_changed():
    w, _, _, z = a_product()
    w.data = 0.6
    w.data = 3.0
    assert Used(z).changed == {}


def test_both_factors_and_what_is_added_are_found_together():
    w, x, b, z = a_product()
    w.data, x.data, b.data = 0.6, -1.0, 4.0
    assert Used(z).changed == {w: 3.0, x: 2.0, b: pytest.approx(0.5, abs=1e-12)}


@pytest.mark.parametrize("f", [exp, tanh, log, lambda v: v**3, lambda v: 1 / v, lambda v: v * v, lambda v: 5 - 2 * v])
def test_the_operand_of_a_function_is_solved_for(f):
    v = Value(1.25, "v")
    result = f(v)
    v.data = 1.75
    assert Used(result).changed == {v: pytest.approx(1.25, rel=1e-12)}


def test_what_no_record_tells_is_said_to_be_changed_without_a_number():
    v = Value(-2.0, "v")
    result = relu(v)
    v.data = 0.5
    assert Used(result).changed == {v: None}
    assert Used(result).number(v) == 0.5


def test_weights_of_constant_inputs_are_on_no_record():
    w = [Value(0.5, "w_1"), Value(-1.0, "w_2")]
    z = dot(w, [2.0, 3.0])
    w[0].data = 4.0
    assert Used(z).changed == {w[0]: None, w[1]: None}


def test_a_forward_function_that_refuses_the_new_number_is_a_change():
    @elementwise(lambda z, x: 2 * x)
    def positive_square(x):
        if x < 0:
            raise ValueError("x is positive")
        return x * x

    try:
        v = Value(3.0, "v")
        result = positive_square(v)
        v.data = -1.0
        assert v in Used(result).changed
    finally:
        del table[positive_square.op.name]


@pytest.mark.parametrize("seed", range(5))
def test_a_net_after_a_step_gives_back_every_weight(seed):
    net = MLP(2, [3, 1], rng=seed)
    loss = squared_error(net(inputs([0.3, -0.7])), Value(1.0, "y"))
    loss.backward()
    before = [p.data for p in net.parameters()]
    for p in net.parameters():
        p.data -= 0.1 * p.grad + 0.01
    used = Used(loss)
    assert [used.number(p) for p in net.parameters()] == pytest.approx(before, rel=1e-12)
    assert set(used.changed) == set(net.parameters())


def test_rounding_of_a_long_sum_is_no_change():
    w = [Value(math.sin(i) * 10 ** (i % 7), f"w_{i}") for i in range(1, 200)]
    x = [Value(math.cos(i), f"x_{i}") for i in range(1, 200)]
    total = dot(w, x)
    assert Used(total - total.data).changed == {}


def test_a_tensor_that_was_written_to_is_changed():
    w = Tensor([[1.0, 2.0]], "W")
    loss = (w * w).sum()
    w.data[0, 0] = 7.0
    assert Used(loss).changed == {w: None}


# ---------------------------------------------------------------- in pictures


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
    assert any(label.startswith(r"W  (2,)  now\n[ 3   4 ]") for label in labels(draw_graph(loss)))


def test_the_page_has_the_numbers_that_were_used_and_says_what_they_are_now():
    w, _, _, z = a_product()
    w.data = 0.6
    html = explore(z).html
    assert "w (now 0.6) changed since the forward pass" in html
    assert "0.6," not in html.split('"data":[')[1].split("]")[0]


def test_the_page_says_which_numbers_are_on_no_record():
    v = Value(-2.0, "v")
    result = relu(v)
    v.data = 0.5
    assert (
        "v (now 0.5) changed since the forward pass, and the numbers that it used are not on record"
        in explore(result).html
    )
