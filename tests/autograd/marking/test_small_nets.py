"""check_work of a few Values: what is told of numbers with few digits, and the mistakes that are met first."""

import pytest

from autograd import Value, check_work, sigmoid, squared_error, tanh


def one_unit_after_another():
    """L = ½(ŷ − y)², ŷ = sigmoid(v a + c), a = tanh(w x). By hand: ∂L/∂w = −0.03287."""
    x, y = Value(1.5, "x"), Value(0.3, "y")
    w, v, c = Value(0.4, "w"), Value(-0.8, "v"), Value(0.25, "c")
    a = tanh(w * x)
    a.label = "a"
    h = sigmoid(v * a + c)
    h.label = "yhat"
    L = squared_error(h, y)
    L.label = "L"
    return L


@pytest.mark.parametrize("written", ["0.2", "0.3", "0.4", "-0.2", "-0.4"])
def test_one_digit_of_the_wrong_sign_or_size_is_wrong_and_explained_by_nothing(written):
    marking = check_work(one_unit_after_another(), {"dL/dw": written})
    assert (marking["dL/dw"].kind, marking.points, marking.findings) == ("wrong", 0, ())


@pytest.mark.parametrize("written", ["-0.03", "-0.033", "-0.0329", "-0.03287"])
def test_as_many_digits_as_were_written_are_right(written):
    assert check_work(one_unit_after_another(), {"dL/dw": written})["dL/dw"].kind == "right"


def test_a_mistake_is_named_on_the_way_to_what_was_handed_in():
    # −0.03286742 / (ŷ (1 − ŷ)), with ŷ = 0.4545
    (found,) = check_work(one_unit_after_another(), {"dL/dw": "-0.132533"}).findings
    assert (found.kind, found.where) == ("slope_left_out", ("dL/da",))
    assert [line.text for line in found.right] == ["∂ŷ/∂a = ŷ(1 − ŷ)·v"]
