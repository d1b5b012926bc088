"""check_work: lecture 003's backward pass, the worked example of lecture 001, and sheets of all kinds."""

import sys

import numpy as np
import pytest
from sizes import slow

from autograd import Tensor, Value, check_work, relu, sigmoid, softmax, softmax_cross_entropy, squared_error, tanh

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
    assert (slope.kind, slope.where, slope.is_sure) == ("delta_of_cross_entropy", ("dZ2",), True)
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


@pytest.mark.slow
def test_the_lines_of_a_slip_are_written_in_the_notation_of_the_net():
    marking = check_work(lecture_003("squared error"), backward())
    (wrong,), (right,) = marking.findings[0].wrong, marking.findings[0].right
    assert str(wrong).startswith("dZ₂ = A₂ − Y")
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


@pytest.mark.slow
def test_a_forgotten_slope_in_six_digits_is_named_and_in_three_it_is_a_perhaps():
    full = 0.741365 * 0.593270
    sure = check_work(lecture_001(), {"dL/dw[2]_1,1": f"{full:.6f}"}).findings[0]
    assert (sure.kind, sure.is_sure) == ("slope_left_out", True)
    perhaps = check_work(lecture_001(), {"dL/dw[2]_1,1": f"{full:.3f}"})
    assert not perhaps.findings[0].is_sure
    assert "by chance a number fits some mistake in 1 of " in str(perhaps)


def test_where_chance_explains_a_number_as_well_no_mistake_is_named_and_digits_are_asked_for():
    marking = check_work(lecture_001(), {"dL/dw[1]_1,1": "0.002"})  # the slope of a hidden unit left out gives 0.00182
    assert not marking.findings
    assert "you have 0.002, and it is 0.0004386; too few digits to say why: more digits" in str(marking)


@pytest.mark.parametrize(
    "sheet",
    [
        "dL/da[1]_1 = 0.05540",
        "dL/dyhat_1 = 0.7414\ndL/da[1]_1 = 0.05540\ndL/dz[1]_1 = 0.01337\ndL/dw[1]_1,1 = 0.0006684",
        "dL/dw[1]_1,1 = 0.0006684",
    ],
)
def test_a_path_forgotten_comes_before_another_weight_on_three_edges_that_fits_less_well(sheet):
    # 0.7414 · 0.1868 · 0.40 = 0.05540; w[2]₂₂ for w[2]₂₁ gives 0.0552
    (found,) = check_work(lecture_001(), sheet).findings
    assert (found.kind, found.where) == ("path_forgotten", ("dL/da[1]_1",))
    assert [other.kind for other in found.alternatives] in ([], ["another_factor"])


def two_paths():
    """relu units of 4 and −2 feed ŷ = 3·4 − 2·0 − 1 = 11, with y = 1: the derivative by ŷ is 10."""
    x, w1, w2 = Value(1.0, label="x"), Value(4.0, label="w_1"), Value(-2.0, label="w_2")
    v1, v2, b = Value(3.0, label="v_1"), Value(-2.0, label="v_2"), Value(-1.0, label="b")
    z1, z2 = w1 * x, w2 * x
    z1.label, z2.label = "z_1", "z_2"
    a1, a2 = relu(z1), relu(z2)
    a1.label, a2.label = "a_1", "a_2"
    yhat = v1 * a1 + v2 * a2 + b
    yhat.label = "yhat"
    loss = squared_error([yhat], [Value(1.0, label="y")])
    loss.label = "L"
    return loss


RIGHT = {"dL/db": 10, "dL/dv_1": 40, "dL/da_1": 30, "dL/dw_1": 30}


@pytest.mark.parametrize("right", [{"dL/db": 10}, RIGHT])
def test_a_sign_turned_is_named_where_it_is_wrong_though_later_numbers_are_right(right):
    sheet = {key: f"{x:.12f}" for key, x in ({"dL/dyhat": -10} | right).items()}
    marking = check_work(two_paths(), sheet)
    (found,) = marking.findings
    assert (found.kind, found.where, found.explains) == ("sign", ("dL/dyhat",), ("dL/dyhat",))
    assert {v.kind for key, v in marking.verdicts.items() if key != "dL/dyhat"} == {"right"}


@pytest.mark.parametrize("right", [{"dL/db": 10}, RIGHT, RIGHT | {"dL/da_2": -20}])
def test_another_slip_beside_a_sign_turned_is_named_too(right):
    sheet = {key: f"{x:.12f}" for key, x in ({"dL/dyhat": -10, "dL/dz_2": -20} | right).items()}
    assert [(f.kind, f.explains) for f in check_work(two_paths(), sheet).findings] == [
        ("sign", ("dL/dyhat",)),
        ("slope_left_out", ("dL/dz_2",)),
    ]


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


# ---------------------------------------------------------------- the forward pass


@pytest.mark.parametrize(
    ("sheet", "kind", "wrong"),
    [
        ({"z[1]_1": "0.0275"}, "bias_left_out", "z[1]₁ = w[1]₁₁·x₁ + w[1]₁₂·x₂"),
        ({"z[1]_1": "0.3575"}, "term_left_out", "z[1]₁ = b[1]₁ + w[1]₁₁·x₁"),
        ({"a[1]_1": "0.3775"}, "activation_left_out", "a[1]₁ = z[1]₁"),
        ({"a[1]_1": "0.4067"}, "sigmoid_of_minus", "a[1]₁ = σ(−z[1]₁)"),
        ({"L": "0.596741"}, "factor_of_the_loss", "L = (ŷ₁ − y₁)² + (ŷ₂ − y₂)²"),
    ],
)
def test_a_mistake_of_the_forward_pass_is_named_with_its_line(sheet, kind, wrong):
    # 0.15·0.05 + 0.2·0.1 = 0.0275, with 0.35 it is 0.3775; e^-z for e^z: 1/(1 + e^0.3775) = 0.4067
    (found,) = check_work(lecture_001(), sheet).findings
    assert (found.kind, str(found.wrong[0])) == (kind, wrong)
    assert found.explains == found.where == tuple(sheet)


def test_what_follows_from_a_forgotten_bias_is_right_given_it():
    marking = check_work(lecture_001(), {"z[1]_1": "0.0275", "a[1]_1": "0.5069"})
    assert kinds(marking) == {"z[1]_1": "wrong", "a[1]_1": "right given"}
    assert [f.kind for f in marking.findings] == ["bias_left_out"]


def test_gradients_alone_tell_that_a_bias_was_forgotten_on_the_way_forward():
    W1, b1, W2, _ = WEIGHTS
    A1 = np.maximum(W1 @ X + b1, 0)
    e = np.exp(W2 @ A1)
    dZ2 = e / e.sum(axis=0) - Y
    marking = check_work(lecture_003("cross-entropy"), {"dW2": dZ2 @ A1.T / M, "db2": dZ2.sum(1, keepdims=True) / M})
    (found,) = marking.findings
    assert (found.kind, found.where, found.is_sure) == ("bias_left_out", ("Z2",), True)
    assert (str(found.wrong[0]), str(found.right[0])) == ("Z₂ = W₂ A₁", "Z₂ = W₂ A₁ + b₂")


def test_softmax_over_the_samples_and_a_loss_without_its_mean_are_named():
    J = lecture_003("squared error")
    Z2 = np.linalg.multi_dot([WEIGHTS[2], np.maximum(WEIGHTS[0] @ X + WEIGHTS[1], 0)]) + WEIGHTS[3]
    e = np.exp(Z2)
    right = e / e.sum(axis=0)
    marking = check_work(J, {"A2": e / e.sum(axis=1, keepdims=True)})
    assert [f.kind for f in marking.findings] == ["softmax_over_samples"]
    J.label = "J"
    summed = check_work(J, {"J": ((right - Y) ** 2).sum() / 2})
    assert [f.kind for f in summed.findings] == ["loss_summed"]


# ---------------------------------------------------------------- samples


def test_values_of_several_samples_may_have_their_mean_in_either_place_and_miss_it():
    w, points = Value(0.8, "w"), [(1.5, 1.0), (-0.5, 0.25), (2.0, 1.2)]
    losses = []
    for i, (x, y) in enumerate(points, 1):
        yhat = w * x
        yhat.label = f"yhat({i})"
        losses.append((yhat - y) ** 2 / 2)
    L = sum(losses) / 3
    L.label = "L"
    errors = [0.8 * x - y for x, y in points]
    total = sum(e * x for e, (x, _) in zip(errors, points, strict=True))
    for home in (1, 3):
        assert check_work(L, {f"dL/dyhat({i})": e / home for i, e in enumerate(errors, 1)} | {"dL/dw": total / 3})
    (found,) = check_work(L, {"dL/dw": f"{total:.6f}"}).findings
    assert found.slip == "1/m left out"


def test_predictions_without_a_column_beside_targets_with_one_are_named():
    rng = np.random.default_rng(5)
    X, Y, W = rng.normal(size=(5, 3)), rng.normal(size=(5, 1)), Tensor(rng.normal(size=(1, 3)), label="W")
    yhat = X @ W.T
    yhat.label = "Yhat"
    J = squared_error(yhat, Y, samples="rows")
    (found,) = check_work(J, {"dYhat": yhat.data - Y.ravel()}).findings
    assert found.kind == "each_against_all"
    assert str(found.wrong[0]) == "dŶ = Ŷ − Yᵀ"


def test_the_error_of_a_softmax_of_values_and_the_weight_in_place_of_its_input():
    x, weights = Value(0.3, "x"), [0.5, 0.1, -0.4]
    z = [Value(w, f"w_{k}") * x for k, w in enumerate(weights, 1)]
    for k, u in enumerate(z, 1):
        u.label = f"z_{k}"
    L = softmax_cross_entropy(z, 1)
    L.label = "L"
    e = np.exp(0.3 * np.array(weights))
    p = e / e.sum()
    assert [f.kind for f in check_work(L, {"dL/dz_2": f"{p[1]:.6f}"}).findings] == ["prediction_for_error"]
    (found,) = check_work(L, {"dL/dw_2": f"{(p[1] - 1) * 0.1:.7f}"}).findings
    assert (found.kind, found.slip) == ("another_factor", "w₂ for x")


def test_a_net_of_very_many_values_is_marked_and_says_that_mistakes_are_not_looked_for():
    w = [Value(0.001 * k, f"w_{k}") for k in range(1, 600)]
    z = sum(u * 0.5 for u in w)
    z.label = "z"
    L = z * z
    L.label = "L"
    marking = check_work(L, {"dL/dz": 2 * z.data, "dL/dw_3": 5.12345678901234})
    assert kinds(marking) == {"dL/dz": "right", "dL/dw_3": "wrong"}
    assert "steps are too many to say why" in str(marking)


def test_two_mistakes_between_the_same_numbers_are_found_together():
    W1, b1 = WEIGHTS[:2]
    right = backward({"axis": 1, "keepdims": True})
    Z1 = W1 @ X + b1
    dZ1 = right["dW2"].T @ right["dZ2"] * Z1
    sheet = {"dW2": right["dW2"], "db2": right["db2"], "dW1": dZ1 @ X.T / M, "db1": dZ1.sum(1, keepdims=True) / M}
    marking = check_work(lecture_003("cross-entropy"), sheet)
    assert {(f.kind, f.where, f.explains) for f in marking.findings} == {
        ("gradient_for_weight", ("dA1",), ("dW1", "db1")),
        ("z_for_slope", ("dZ1",), ("dW1", "db1")),
    }


def test_a_mistake_is_looked_for_again_once_an_earlier_one_is_known():
    right = backward({"axis": 1, "keepdims": True})
    dZ1 = right["dW2"].T @ right["dZ2"] * (WEIGHTS[0] @ X + WEIGHTS[1] > 0)
    sheet = {"dW2": right["dW2"], "db2": right["db2"], "dW1": dZ1 @ X.T, "db1": dZ1.sum(1, keepdims=True) / M}
    marking = check_work(lecture_003("cross-entropy"), sheet)
    assert [(f.kind, f.explains) for f in marking.findings] == [
        ("gradient_for_weight", ("db1",)),
        ("mean_left_out", ("dW1",)),
    ]


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


# ---------------------------------------------------------------- a function of one's own


class Lecture:
    """A net as an object, whose backward pass takes the arrays of the forward pass, as lecture 003 has it."""

    def __init__(self):
        self.W1, self.b1, self.W2, self.b2 = WEIGHTS
        self.X = X

    def slope(self, Z):
        return Z > 0

    def back(self, Z1, A1, Z2, A2):
        dZ2 = A2 - Y
        dW2 = 1 / M * dZ2.dot(A1.T)
        db2 = 1 / M * np.sum(dZ2)
        dZ1 = self.W2.T.dot(dZ2) * self.slope(Z1)
        dW1 = 1 / M * dZ1.dot(self.X.T)
        db1 = 1 / M * np.sum(dZ1)
        return dW1, db1, dW2, db2


@pytest.mark.parametrize("loss", ["cross-entropy", *slow("squared error")])
def test_a_method_is_called_unchanged_and_marked_like_its_numbers(loss):
    by_function = check_work(lecture_003(loss), Lecture().back)
    by_numbers = check_work(lecture_003(loss), backward())
    assert kinds(by_function) == kinds(by_numbers)
    assert [(f.kind, f.where) for f in by_function.findings] == [(f.kind, f.where) for f in by_numbers.findings]


def test_gradients_in_a_dictionary_that_is_returned_are_read():
    def back(Z1, A1, W2, Y, X, error):
        grads = {"dW2": error @ A1.T / M, "db2": error.sum(1, keepdims=True) / M}
        step = W2.T @ error * (Z1 > 0)
        return grads | {"dW1": step @ X.T / M, "db1": step.sum(1, keepdims=True) / M}

    work = backward()
    marking = check_work(lecture_003("cross-entropy"), back, error=work["dZ2"])
    assert marking
    assert list(marking.verdicts) == ["dW2", "db2", "dW1", "db1"]


def test_a_parameter_that_nothing_is_known_of_is_asked_for():
    def back(cache):
        return cache

    with pytest.raises(TypeError, match=r"nothing is called 'cache', which back asks for; pass it: .*cache=\.\.\."):
        check_work(lecture_003("cross-entropy"), back)


def test_a_function_that_computes_no_gradient_is_refused():
    with pytest.raises(ValueError, match="computes none of dW"):
        check_work(lecture_003("cross-entropy"), lambda Z1: Z1 + 1)


def test_an_error_in_the_function_is_its_own_and_leaves_no_hook():
    def back(Z1):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        check_work(lecture_003("cross-entropy"), back)
    assert sys.getprofile() is None


# ---------------------------------------------------------------- factors, digits, shapes


PATHS = ["0.7414*0.1868*0.4*0.2413*0.05 = 0.000668", "-0.2171*0.1755*0.5*0.2413*0.05 = -0.00023"]


def test_the_factors_along_both_paths_are_right_and_so_is_their_sum():
    marking = check_work(lecture_001(), {"dL/dw[1]_1,1": {"paths": PATHS, "sum": "0.000439"}})
    assert marking, str(marking)
    assert len(marking.verdicts) == 13


def test_the_place_of_a_wrong_factor_is_known_and_the_mistake_named():
    wrong = PATHS[0].replace("0.2413", "0.5933").replace("= 0.000668", "= 0.001643")
    marking = check_work(lecture_001(), {"dL/dw[1]_1,1": [wrong, PATHS[1]]})
    (finding,) = marking.findings
    assert (finding.kind, finding.where) == ("a_for_slope", ("path 1, da[1]_1/dz[1]_1",))
    assert "∂a[1]₁/∂z[1]₁ = a[1]₁(1 − a[1]₁)" in str(marking)
    assert marking.points == marking.possible - 1


def test_a_missing_path_is_missed():
    assert "there are 2 paths, and you have 1" in str(check_work(lecture_001(), {"dL/dw[1]_1,1": PATHS[:1]}))


def test_numbers_rounded_on_the_way_are_right_to_fewer_digits():
    verdict = check_work(lecture_001(), {"dL/dw[2]_1,1": "0.0821493"})["w[2]_1,1"]
    assert (verdict.kind, verdict.digits) == ("right to digits", 3)


def test_a_vector_for_a_column_is_right_and_its_shape_is_told():
    work = backward({"axis": 1})
    verdict = check_work(lecture_003("cross-entropy"), work)["db2"]
    assert verdict.kind == "right"
    assert "expected shape (3, 1), got (3,)" in verdict.note


def test_a_transposed_gradient_is_named():
    work = backward({"axis": 1, "keepdims": True})
    work["dW1"] = work["dW1"].T
    (finding,) = check_work(lecture_003("cross-entropy"), work).findings
    assert (finding.kind, finding.where) == ("transposed", ("dW1",))


def test_a_sheet_may_be_lines_of_text_and_blanks_are_left_out():
    marking = check_work(lecture_001(), "z[1]_1 = 0.3775   # first\ndL/dw[2]_1,1 = 0.0821\na[1]_1 = ____\n")
    assert list(marking.verdicts) == ["z[1]_1", "dL/dw[2]_1,1"]
    assert marking


@pytest.mark.parametrize(
    ("sheet", "error", "said"),
    [
        ({}, ValueError, "nothing was handed in"),
        ({"dL/dw[2]_1,1": None}, TypeError, "expected numbers"),
        ({"w[2]_1,1": 1.0, "dL/dw[2]_1,1": 1.0}, ValueError, "handed in twice"),
        (3.0, TypeError, "expected names and numbers"),
        ({3: 1.0}, TypeError, "expected a name"),
    ],
)
def test_what_is_no_sheet_is_refused_with_what_was_expected(sheet, error, said):
    with pytest.raises(error, match=said):
        check_work(lecture_001(), sheet)


def test_an_array_with_rows_of_different_lengths_is_refused():
    with pytest.raises(ValueError, match="dW1: expected an array of numbers, got rows of different lengths"):
        check_work(lecture_003("cross-entropy"), {"dW1": [[1.0, 2.0], [3.0]]})


def test_numbers_that_changed_since_the_forward_pass_are_refused():
    L = lecture_003("cross-entropy")
    w = next(u for u in _leaves(L) if u.label == "W1")
    w.data -= 1.0
    with pytest.raises(RuntimeError, match="run the forward pass again"):
        check_work(L, backward())


def _leaves(L):
    waiting = [L]
    while waiting:
        u = waiting.pop()
        if hasattr(u, "operands"):
            waiting += u.operands
            if u.is_leaf:
                yield u


@pytest.mark.slow
def test_latex_and_html_say_what_the_text_says():
    marking = check_work(lecture_003("squared error"), backward())
    assert r"dZ_{2} = A_{2} \odot" in marking.latex()
    assert marking.latex().count(r"\begin{aligned}") == 1
    assert "right given your" in marking._repr_html_()
    assert "<script" not in marking.html()
    assert repr(marking) == "<marking: 3 of 6 points, 2 slips>"


@pytest.mark.parametrize(
    "sheet",
    [
        "z[1]_1 = 0,3775\na[1]_1 = zero\ndL/dw[2]_1,1 = 0,0822",
        {"z[1]_1": "0,3775", "a[1]_1": "zero", "dL/dw[2]_1,1": "0,0822"},
    ],
)
def test_a_decimal_comma_is_read_and_what_is_no_number_does_not_stop_the_rest(sheet):
    marking = check_work(lecture_001(), sheet)
    assert kinds(marking) == {"z[1]_1": "right", "dL/dw[2]_1,1": "right", "a[1]_1": "not a number"}
    assert marking.points == 2
    assert "a[1]₁        not a number: 'zero'" in str(marking)


@pytest.mark.parametrize("written", ["1,234.5", "1.234,5", "0,1,2", "0..3", "0.3x"])
def test_what_is_no_number_is_said_to_be_none(written):
    assert check_work(lecture_001(), {"z[1]_1": written})["z[1]_1"].kind == "not a number"


def test_a_path_in_a_text_may_have_decimal_commas_and_a_factor_that_is_no_number():
    marking = check_work(lecture_001(), "dL/dw[2]_1,1 = 0,7414 * 0,1868 * 0,5933 = 0,0822")
    assert len(marking.verdicts) == 4
    assert marking
    unread = check_work(lecture_001(), "dL/dw[2]_1,1 = 0.7414 * x * 0.5933")
    assert kinds(unread) == {"dL/dw[2]_1,1": "not a number"}


@pytest.mark.slow
def test_decimal_commas_in_the_rows_of_an_array_are_told_from_commas_between_numbers():
    loss = lecture_003("cross-entropy")
    right = check_work(loss, backward())["db2"].right.ravel()
    with_points = ", ".join(f"{x:.6f}" for x in right)
    with_commas = " ".join(f"{x:.6f}".replace(".", ",") for x in right)
    for written in (with_points, with_points.replace(" ", ""), with_commas):
        assert check_work(loss, f"db2 = [{written}]")["db2"].numbers.shape == (3,)


@pytest.mark.slow
def test_what_is_right_is_kept_back_on_demand():
    sheet = {"dL/dw[2]_1,1": "0.439831"}
    hidden, shown = check_work(lecture_001(), sheet, reveal=False), check_work(lecture_001(), sheet)
    for write in (str, lambda m: m.html(), lambda m: m.latex()):
        assert "0.08217" in write(shown)
        assert "0.08217" not in write(hidden)
        assert "the slope of sigmoid left out" in write(hidden)
    assert "∂L/∂w[2]₁₁   wrong: you have 0.4398\n" in str(hidden)
    assert "ŷ₁(1 − ŷ₁)" in str(shown)
    assert "ŷ₁(1 − ŷ₁)" not in str(hidden)
    assert hidden.points == shown.points == 0


def test_gradients_may_be_called_by_the_name_of_the_target_and_by_no_other_with_an_index():
    c = Value(3.0, "c_0")
    f = Value(0.5, "f")
    z = f * c
    z.label = "z_1"
    h = z + f
    h.label = "h_1"
    assert check_work(h, {"dh_1/dc_0": 0.5}).points == 1
    assert check_work(h, {"∂h₁/∂f": 4.0}).points == 1
    with pytest.raises(ValueError, match="there is no 'dz_1/df'; the computation has dh_1/d"):
        check_work(h, {"dz_1/df": 3.0})


def test_wrong_work_beside_one_minus_a_gate_is_marked():
    f, u, c = Value(0.7, "f"), Value(0.8, "u"), Value(1.0, "c_0")
    for t, x in enumerate((0.5, -1.0), 1):
        c = f * c + (1 - f) * tanh(u * x)
        c.label = f"c_{t}"
    assert check_work(c, {"dc_2/df": 1.3111}).points == 0


def test_what_a_recurrent_cell_uses_in_its_last_step_is_no_penalty():
    u, w, c = Value(0.5, "u"), Value(0.8, "w"), Value(0.2, "c_0")
    for t, x in enumerate((1.0, -0.5), 1):
        c = tanh(Value(x, f"x_{t}") * u + w * c)
        c.label = f"c_{t}"
    c_1 = np.tanh(0.5 + 0.8 * 0.2)
    slope = 1 - np.tanh(-0.25 + 0.8 * c_1) ** 2
    first_step_alone = slope * 0.8 * (1 - c_1**2) * 1.0
    (finding,) = check_work(c, {"dc_2/du": f"{first_step_alone:.8f}"}).findings
    assert finding.kind == "path_forgotten"
    assert "penalty" not in str([finding.kind, finding.alternatives])


def test_a_mistake_in_all_units_of_a_layer_is_in_the_layer():
    x, w = (1.0, -2.0), [Value(0.3, "w[1]_1"), Value(-0.4, "w[1]_2")]
    a = []
    for j, (u, v) in enumerate(zip(w, x, strict=True), 1):
        z = u * v
        z.label = f"z[1]_{j}"
        a.append(sigmoid(z))
        a[-1].label = f"a[1]_{j}"
    L = a[0] * 3 + a[1] * 5
    L.label = "L"
    marking = check_work(L, {"dL/dw[1]_1": "3.00000", "dL/dw[1]_2": "-10.0000"})
    assert "\n∂L/∂z[1]: the slope of sigmoid left out" in str(marking)
    assert r"\frac{\partial L}{\partial z^{[1]}} &" in marking.latex()
