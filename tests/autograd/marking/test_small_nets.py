"""check_work of a few Values: what is told of numbers with few digits, and the mistakes that are met first."""

import numpy as np
import pytest

import nn
from autograd import Tensor, Value, check_work, dot, relu, sigmoid, squared_error, tanh


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


def one_unit(activation=tanh, loss=squared_error):
    """z = 0.43·1.7 + 0.77·(−0.6) + 0.19 = 0.459, a = activation(z)."""
    w1, w2, x1, x2, b, y = (
        Value(x, name) for name, x in {"w1": 0.43, "w2": 0.77, "x1": 1.7, "x2": -0.6, "b": 0.19, "y": 0.5}.items()
    )
    z = w1 * x1 + w2 * x2 + b
    z.label = "z"
    a = activation(z)
    a.label = "a"
    L = loss(a, y)
    L.label = "L"
    return L


def squared(d, label=None, square=lambda d: d * d):
    """The square of a difference, which may have a name."""
    d.label = label
    return square(d)


# tanh 0.459 = 0.42927
@pytest.mark.parametrize(
    ("target", "name", "written", "kind"),
    [
        (one_unit(), "z", "1.383", "term_subtracted"),
        (one_unit(), "a", "0.81573", "slope_for_activation"),
        (one_unit(lambda z: relu(-z)), "L", "0.12500", None),  # that is right
        (one_unit(), "L", "-0.035365", "square_left_out"),
        (one_unit(), "L", "0.035365", "square_left_out"),
        (one_unit(loss=lambda a, y: (a - y) ** 2), "L", "0.07073", "square_left_out"),
        (one_unit(loss=lambda a, y: squared(a - y)), "L", "-0.07073", "square_left_out"),
        (one_unit(loss=lambda a, y: squared(a - y, "d") / 2), "L", "-0.035365", "square_left_out"),
        (one_unit(loss=lambda a, y: squared(a - y, "d", lambda d: d**2)), "L", "-0.07073", "square_left_out"),
        (one_unit(loss=lambda a, y: ((a - y) ** 2 + (a + y + 1) ** 2) / 2), "L", "0.92927", "square_left_out"),
    ],
)
def test_the_first_mistakes_on_the_way_forward_are_named(target, name, written, kind):
    assert [f.kind for f in check_work(target, {name: written}).findings] == ([kind] if kind else [])


def test_the_size_in_place_of_relu_is_named():
    w, x = Value(-0.7, "w"), Value(1.9, "x")
    z = w * x
    z.label = "z"
    a = relu(z)
    a.label = "a"
    (found,) = check_work(a + 0.5, {"a": "1.330"}).findings
    assert found.kind == "size_for_relu"
    assert [line.text for line in found.wrong] == ["a = |z|"]


@pytest.mark.parametrize("is_one_operation", [False, True])
def test_transposed_weights_of_values_are_named(is_one_operation):
    W = np.array([[0.31, -0.72, 0.53], [0.94, 0.17, -0.48], [-0.65, 0.86, 0.29]])
    x = np.array([1.3, -0.4, 2.1])
    w = [[Value(W[i, j], f"w_{i + 1},{j + 1}") for j in range(3)] for i in range(3)]
    xs = [Value(u, f"x_{j + 1}") for j, u in enumerate(x)]
    z = [dot(row, xs) if is_one_operation else sum(u * v for u, v in zip(row, xs, strict=True)) for row in w]
    for i, u in enumerate(z):
        u.label = f"z_{i + 1}"
    L = squared_error(z, [0.5, 0.2, 0.1])
    L.label = "L"
    (found,) = check_work(L, {f"z_{i + 1}": f"{u:.4f}" for i, u in enumerate(W.T @ x)}).findings
    assert found.kind == "weights_of_values_transposed"
    assert found.explains == ("z_1", "z_2", "z_3")


def test_a_term_of_the_loss_that_is_forgotten_is_no_penalty():
    y1, y2, h1, h2 = (Value(x, name) for name, x in {"y1": 1.0, "y2": 2.0, "h1": 0.3, "h2": 0.9}.items())
    (found,) = check_work(((h1 - y1) ** 2 + (h2 - y2) ** 2) / 2, {"L": "0.24500"}).findings
    assert found.slip == "one term of the sum forgotten"


def test_the_delta_of_another_loss_is_written_with_its_factor():
    rng = np.random.default_rng(0)
    X, W, b = (Tensor(rng.normal(size=shape), label=x) for x, shape in {"X": (4, 3), "W": (3, 3), "b": (3,)}.items())
    Y = rng.normal(size=(4, 3))
    Z = X @ W.T + b
    Z.label = "Z"
    A = sigmoid(Z)
    A.label = "A"
    (found,) = check_work(((A - Y) ** 2).mean() / 2, {"dZ": (A.numpy() - Y) / 3}).findings
    assert [line.text for line in found.wrong] == ["dZ = (1/3) (A − Y)"]


def test_a_factor_stands_before_weights_that_were_updated_by_a_negative_rate():
    exercise = nn.exercise(3003, "paths", level=2)
    sheet = {"dL/dyhat_2": "6", "dL/dyhat_1": "1.5"}
    sheet |= {"dL/dw[1]_1,1": "-54", "dL/dw[1]_1,2": "-54", "dL/db[1]_1": "27"}
    assert [f.slip for f in exercise.check(sheet).findings] == ["the sign turned", "times −2"]


def test_an_unknown_name_is_told_gradients_and_values():
    with pytest.raises(ValueError, match=r"has dL/dv, dL/dw, dL/da, dL/dc, dL/dyhat and a, yhat, L\b"):
        check_work(one_unit_after_another(), {"dL/dq": 1.0})


@pytest.mark.parametrize(("weight", "point"), [(9.0, 1), (0.4, 0)])
def test_zeros_alone_are_taken_as_rounded_to_four_decimals(weight, point):
    w, y = Value(weight, "w"), Value(1.0, "y")
    yhat = sigmoid(w * 2.0)  # 1 − ŷ is 1.5e-8 at w = 9, and 0.31 at 0.4
    yhat.label = "yhat"
    L = squared_error(yhat, y)
    L.label = "L"
    assert check_work(L, {"dL/dw": 0.0}).points == point
