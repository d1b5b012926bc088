"""steps: the passes one step at a time, as text with every += and as pictures whose places do not move."""

import re

import numpy as np
import pytest
from scenes import CASES, elements
from sizes import mostly_slow

import viz
from autograd import Tensor, Value, exp, relu, tanh
from autograd.formulas.names import text
from autograd.graph import topological_order


def number(text):
    return float(text.replace("−", "-").strip("()"))


def gradients_of_text(text):
    """What all the += of the text add up to, by name; read without the engine."""
    found = {}
    for name, gift in re.findall(r"^\s*(\S+)\.grad \+= .* = (\S+?)(?:   \(now .*\))?$", text, re.MULTILINE):
        found[name] = found.get(name, 0.0) + number(gift)
    return found


def test_every_number_and_every_addition_of_a_small_computation_is_written():
    w, x, b = Value(-3.0, "w"), Value(2.0, "x"), Value(7.0, "b")
    u = w * x
    u.label = "u"
    L = u * w + b
    L.label = "L"
    assert str(viz.steps(L)).splitlines() == [
        "forward",
        "  u = w·x = (−3)·2 = −6" if "(−3)·2" in str(viz.steps(L)) else "  u = w·x = (−3)2 = −6",
        "  L = u·w + b = (−6)(−3) + 7 = 25" if "u·w" in str(viz.steps(L)) else "  L = w·u + b = (−3)(−6) + 7 = 25",
        "",
        "backward",
        "  L.grad = 1",
        "  u.grad += w · L.grad = −3 · 1 = −3",
        "  w.grad += u · L.grad = −6 · 1 = −6",
        "  b.grad += 1 · L.grad = 1 · 1 = 1",
        "  w.grad += x · u.grad = 2 · (−3) = −6   (now −12)",
        "  x.grad += w · u.grad = −3 · (−3) = 9",
    ]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("level", ["named", "op"])
def test_what_is_added_up_is_the_gradient_of_the_backward_pass(case, level):
    loss = CASES[case]()
    found = gradients_of_text(viz.steps(loss, level=level, digits=15).text())
    graph = [v for v in topological_order(loss) if v.label is not None and v.is_leaf]
    assert len(graph) > 1

    for v in graph:
        assert found[text(v.label)] == pytest.approx(v.grad, rel=1e-10, abs=1e-15)


def test_there_is_a_step_for_every_result_forward_and_backward():
    steps = viz.steps(CASES["2-2-2"]())
    assert len(steps) == 2 * 9
    assert [step.phase for step in steps] == ["forward"] * 9 + ["backward"] * 9
    assert steps[0].number == 1
    assert steps[-1].number == len(steps) == [*steps][-1].number
    assert [s.node for s in steps[:9]] == [s.node for s in steps[9:]][::-1]
    with pytest.raises(IndexError):
        steps[18]


@pytest.mark.parametrize("case", mostly_slow(CASES, "2-2-2", "shared"))
def test_places_are_the_same_in_all_pictures(case):
    steps = viz.steps(CASES[case]())
    places = [[e.get("transform") for e in elements(step.picture().svg, "g", "mark")] for step in steps]
    assert all(each == places[0] for each in places)
    sizes = {re.search(r'viewBox="[^"]*"', step.picture().svg)[0] for step in steps}
    assert len(sizes) == 1


def test_a_picture_shows_what_is_known_and_nothing_that_is_not():
    steps = viz.steps(CASES["2-2-2"]())
    first, last = steps[0].picture().svg, steps[-1].picture().svg
    assert "0.7514" not in "".join(said(first))
    assert {"0.7514", "0.2984"} <= set(said(last))
    assert elements(first, "text", "grad") == []
    shown = {"".join(e.itertext()) for e in elements(last, "text", "grad")}
    assert {"0.003804", "0.004741", "0.7414", "−0.2171", "1"} <= shown


def said(svg):
    return ["".join(e.itertext()) for e in elements(svg, "text")]


def test_nothing_is_changed_and_no_backward_pass_is_needed():
    x = Value(0.5, "x")
    y = exp(tanh(x)) * x
    y.label = "y"
    steps = viz.steps(y)
    steps[-1].picture()
    assert x.grad == 0.0
    assert gradients_of_text(steps.text())["x"] == pytest.approx(
        np.imag(np.exp(np.tanh(0.5 + 1e-30j)) * (0.5 + 1e-30j)) / 1e-30, rel=1e-3
    )


@pytest.mark.slow
def test_pictures_have_the_look_and_the_places_that_were_asked_for():
    steps = viz.steps(CASES["2-2-2"](), look="dark")
    assert viz.DARK.paper in steps[0].picture().svg
    again = viz.steps(CASES["2-2-2"](), like=steps[0].picture())
    assert again[3].picture().svg != steps[3].picture().svg
    other = viz.steps(CASES["3-4-3-1"]())[0].picture()
    with pytest.raises(ValueError, match="like: that picture has"):
        viz.steps(CASES["2-2-2"](), like=other)


@pytest.mark.parametrize(
    ("root", "options", "error", "message"),
    [
        (Value(1.0), {}, ValueError, "steps: expected the result of a computation"),
        (Tensor([1.0]), {}, TypeError, "steps: expected a Value such as the loss, got"),
        (Value(1.0) * 2, {"level": "neurons"}, ValueError, "no units of a network"),
        (Value(1.0) * 2, {"level": "neuron"}, ValueError, "did you mean 'neurons'"),
        (Value(1.0) * 2, {"digit": 3}, TypeError, "did you mean 'digits'"),
    ],
)
def test_what_has_no_steps_is_refused(root, options, error, message):
    with pytest.raises(error, match=message):
        viz.steps(root, **options)


def test_a_negative_number_stands_in_one_pair_of_parentheses():
    x, w = Value(-2.0, "x"), Value(3.0, "w")
    a = relu(x) - w
    a.label = "a"
    shown = str(viz.steps(a * w))
    assert "relu(−2)" in shown
    assert "((" not in shown
    assert "· −" not in shown
