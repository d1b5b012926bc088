"""check_work: lecture 003's backward pass, the worked example of lecture 001, and sheets of all kinds."""

import numpy as np
import pytest

from autograd import Tensor, Value, check_work, relu, sigmoid, softmax, softmax_cross_entropy, squared_error

RNG = np.random.default_rng(3)
M = 7
X = RNG.random((5, M))
Y = np.eye(3)[RNG.integers(0, 3, M)].T
WEIGHTS = [RNG.random(shape) - 0.5 for shape in ((4, 5), (4, 1), (3, 4), (3, 1))]


def lecture_003(loss):
    """J of the lecture's net, samples in columns, with names."""
    W1, b1, W2, b2 = (Tensor(w, label=x) for w, x in zip(WEIGHTS, ("W1", "b1", "W2", "b2"), strict=True))
    Z1 = W1 @ X + b1
    Z1.label = "Z1"
    A1 = relu(Z1)
    A1.label = "A1"
    Z2 = W2 @ A1 + b2
    Z2.label = "Z2"
    if loss == "cross-entropy":
        return softmax_cross_entropy(Z2, Y, samples="columns")
    A2 = softmax(Z2, samples="columns")
    A2.label = "A2"
    return squared_error(A2, Y, samples="columns")


def backward(over=None):
    """The lecture's backward pass in NumPy. over: how the bias gradients are summed, by default over everything."""
    W1, b1, W2, b2 = WEIGHTS
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    e = np.exp(W2 @ A1 + b2)
    A2 = e / e.sum(axis=0)
    dZ2 = A2 - Y
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    over = over or {}
    return {
        "dZ2": dZ2,
        "dW2": dZ2 @ A1.T / M,
        "db2": np.sum(dZ2, **over) / M,
        "dZ1": dZ1,
        "dW1": dZ1 @ X.T / M,
        "db1": np.sum(dZ1, **over) / M,
    }


def kinds(marking):
    return {key: v.kind for key, v in marking.verdicts.items()}


def test_lecture_003_with_its_squared_error_has_the_delta_of_another_loss_and_one_number_for_all_biases():
    marking = check_work(lecture_003("squared error"), backward())
    assert kinds(marking) == {
        "dZ2": "wrong",
        "dW2": "right given",
        "db2": "wrong",
        "dZ1": "right given",
        "dW1": "right given",
        "db1": "wrong",
    }
    assert marking.verdicts["dW1"].given == ("dZ2",)
    slope, sums = marking.findings
    assert (slope.slip, slope.where, slope.is_sure) == ("the slope left out", ("dZ2",), True)
    assert "over all axes" in sums.slip
    assert (sums.where, sums.is_sure) == (("db2", "db1"), True)
    assert (bool(marking), marking.points, marking.possible) == (False, 3, 6)


def test_lecture_003_with_cross_entropy_is_right_but_for_the_biases():
    marking = check_work(lecture_003("cross-entropy"), backward())
    assert [key for key, v in marking.verdicts.items() if v.kind == "wrong"] == ["db2", "db1"]
    assert [f.where for f in marking.findings] == [("db2", "db1")]


@pytest.mark.parametrize("home", [1, M], ids=["in dW and db", "in dZ"])
def test_both_homes_of_the_mean_are_right(home):
    work = backward({"axis": 1, "keepdims": True})
    work["dZ2"], work["dZ1"] = work["dZ2"] / home, work["dZ1"] / home
    marking = check_work(lecture_003("cross-entropy"), work)
    assert marking
    assert (marking.points, marking.findings) == (6, ())


def test_the_lines_of_a_slip_are_written_in_the_notation_of_the_net():
    marking = check_work(lecture_003("squared error"), backward())
    (wrong,), (right,) = marking.findings[0].wrong, marking.findings[0].right
    assert str(wrong).startswith("dZ₂ = dA₂")
    assert str(right).startswith("dZ₂ = A₂ ⊙ (dA₂")


def lecture_001():
    """The 2-2-2 net of lecture 20, sigmoid throughout."""
    x = [Value(0.05, "x_1"), Value(0.1, "x_2")]
    numbers = {1: ([[0.15, 0.2], [0.25, 0.3]], 0.35), 2: ([[0.4, 0.45], [0.5, 0.55]], 0.6)}
    for layer, (rows, bias) in numbers.items():
        units = []
        for j, row in enumerate(rows, 1):
            z = Value(bias, f"b[{layer}]_{j}")
            for k, w in enumerate(row, 1):
                z = z + Value(w, f"w[{layer}]_{j},{k}") * x[k - 1]
            z.label = f"z[{layer}]_{j}"
            a = sigmoid(z)
            a.label = f"a[1]_{j}" if layer == 1 else f"yhat_{j}"
            units.append(a)
        x = units
    L = ((x[0] - Value(0.01, "y_1")) ** 2 + (x[1] - Value(0.99, "y_2")) ** 2) / 2
    L.label = "L"
    return L


def test_the_worked_example_of_lecture_001_is_right_to_the_digits_it_prints():
    printed = {"z[1]_1": "0.3775", "a[1]_1": "0.5933", "yhat_1": "0.7514", "yhat_2": "0.7729", "dL/dw[2]_1,1": "0.0821"}
    marking = check_work(lecture_001(), printed)
    assert marking
    assert marking["dL/dw[2]_1,1"].digits == 3
    assert "∂L/∂w[2]₁₁   right to 3 digits" in str(marking)


def test_a_forgotten_slope_in_six_digits_is_named_and_in_three_it_is_a_perhaps():
    full = 0.741365 * 0.593270
    sure = check_work(lecture_001(), {"dL/dw[2]_1,1": f"{full:.6f}"}).findings[0]
    assert (sure.slip, sure.is_sure) == ("the slope left out", True)
    perhaps = check_work(lecture_001(), {"dL/dw[2]_1,1": f"{full:.2f}"}).findings[0]
    assert not perhaps.is_sure


@pytest.mark.parametrize("samples", ["columns", "rows"])
def test_a_net_with_one_output_and_so_one_bias_is_marked(samples):
    W, b = Tensor(WEIGHTS[0][:1], label="W"), Tensor([[0.5]], label="b")
    z = W @ X + b if samples == "columns" else Tensor(X.T) @ W.T + b
    A = sigmoid(z)
    A.label = "A"
    J = squared_error(A, Y[:1] if samples == "columns" else Y[:1].T, samples=samples)
    d = (A.data - Y[:1].reshape(A.shape)) * A.data * (1 - A.data)
    assert check_work(J, {"db": d.mean()}).points == 1
    assert check_work(J, {"db": d.sum()}).points == 0


def test_steps_without_a_name_between_a_bias_and_the_loss_are_no_hindrance():
    W1, b1, W2, b2 = (Tensor(w, label=x) for w, x in zip(WEIGHTS, ("W1", "b1", "W2", "b2"), strict=True))
    Z2 = W2 @ relu(W1 @ X + b1) + b2
    Z2.label = "Z2"
    J = softmax_cross_entropy(Z2, Y, samples="columns")
    over_everything = backward()
    marking = check_work(J, {name: over_everything[name] for name in ("dZ2", "db2", "db1")})
    assert [finding.slip for finding in marking.findings] == ["summed over all axes: one number for all biases"]


def test_what_follows_from_a_wrong_activation_is_right_given_it():
    marking = check_work(lecture_001(), {"a[1]_1": "0.5", "dL/dw[2]_1,1": "0.0688"})
    assert kinds(marking) == {"a[1]_1": "wrong", "dL/dw[2]_1,1": "right given"}
    assert "given your a[1]₁" in str(marking)


@pytest.mark.parametrize("name", ["dW[2]", "dW2", "dJ/dW2", "∂J/∂W[2]", r"\frac{\partial J}{\partial W_2}", "W2.grad"])
def test_names_are_read_as_people_write_them(name):
    assert check_work(lecture_003("cross-entropy"), {name: backward()["dW2"]})


def test_a_name_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(ValueError, match=r"no 'dW4'; the computation has dW2"):
        check_work(lecture_003("cross-entropy"), {"dW4": 1.0})


def test_a_computation_that_gives_nan_has_no_right_numbers():
    x = Value(-1.0, "x")
    with pytest.raises(ValueError, match="nan or infinity"):
        check_work(x.log(), {"x": 1.0})
