"""The perceptron of the lecture: its closed forms, its names, its learning rule."""

import math

import numpy as np
import pytest

from autograd import Value, derive
from nn import Perceptron

TASKS = ["regression", "classification"]
X = np.array([[0.5, -1.0], [1.5, 0.3], [-0.7, 2.0], [0.1, 0.4]])


def perceptron(task, w=(0.3, -0.2), b=0.1):
    p = Perceptron(2, task)
    p.neuron.set_weights(w, b)
    return p


def test_regression_predicts_the_weighted_sum():
    assert perceptron("regression")([1.0, 2.0]).data == pytest.approx(0.3 - 0.4 + 0.1, abs=1e-14)


def test_classification_predicts_a_probability():
    assert perceptron("classification")([1.0, 2.0]).data == pytest.approx(1 / (1 + math.exp(0.0)))


def test_the_losses_of_the_lecture():
    yhat = 1 / (1 + math.exp(-(0.3 * 2 - 0.2 + 0.1)))
    assert perceptron("regression").loss([2.0, 1.0], 1.0).data == pytest.approx(0.5 * (1.0 - 0.5) ** 2)
    assert perceptron("classification").loss([2.0, 1.0], 1).data == pytest.approx(-math.log(yhat))
    assert perceptron("classification").loss([2.0, 1.0], 0).data == pytest.approx(-math.log(1 - yhat))


@pytest.mark.parametrize("y", [0.0, 1.0])
@pytest.mark.parametrize("task", TASKS)
def test_gradients_are_the_closed_forms_of_the_lecture(task, y):
    p = perceptron(task)
    for x1, x2 in X.tolist():
        p.zero_grad()
        p.loss([x1, x2], y).backward()
        error = y - p([x1, x2]).data
        assert [w.grad for w in p.w] == pytest.approx([-x1 * error, -x2 * error], rel=1e-12)
        assert p.b.grad == pytest.approx(-error, rel=1e-12)


@pytest.mark.parametrize(
    ("task", "chain"),
    [("regression", ["L", "yhat", "w_2"]), ("classification", ["L", "yhat", "z", "w_2"])],
)
def test_the_chain_is_that_of_the_lecture(task, chain):
    p = perceptron(task)
    derivation = derive(p.loss([1.0, 2.0], 1.0), p.w[1])
    assert [[u.label for u in path.nodes] for path in derivation.paths] == [chain]
    assert str(p.w[1].label) == "w_2"
    assert p.b.label == "b"


def test_inputs_and_target_are_named():
    p = perceptron("regression")
    loss = p.loss([1.0, 2.0], 1.0)
    labels = {u.label for u in (*loss.operands, *loss.operands[0].operands)}
    assert labels == {"yhat", "y", "x_1", "x_2", "w_1", "w_2", "b"}


def test_values_given_as_inputs_and_target_are_kept():
    p, x, y = perceptron("regression"), [Value(1.0, "rooms"), Value(2.0, "area")], Value(3.0, "price")
    loss = p.loss(x, y)
    loss.backward()
    assert y.grad == pytest.approx(3.0 - p(x).data)
    assert x[0].label == "rooms"


@pytest.mark.parametrize("task", TASKS)
def test_one_iteration_is_the_update_rule_sample_by_sample(task):
    p = perceptron(task)
    y = [1.0, 0.0, 0.0, 1.0]
    w1, w2, b, alpha = 0.3, -0.2, 0.1, 0.1
    for (x1, x2), target in zip(X.tolist(), y, strict=True):
        z = w1 * x1 + w2 * x2 + b
        yhat = z if task == "regression" else 1 / (1 + math.exp(-z))
        w1 = w1 - alpha * (-x1 * (target - yhat))
        w2 = w2 - alpha * (-x2 * (target - yhat))
        b = b - alpha * (-(target - yhat))
    result = p.fit(X, y, learning_rate=alpha, max_iterations=1)
    assert [w.data for w in p.parameters()] == pytest.approx([w1, w2, b], rel=1e-12)
    assert (result.iterations, result.converged, len(result.losses)) == (1, False, 1)


def test_regression_finds_the_line_the_data_lie_on():
    p = Perceptron(2, "regression", rng=0)
    result = p.fit(X, X @ [2.0, -3.0] + 0.5, learning_rate=0.1, max_iterations=2000, tolerance=1e-12)
    assert result.converged
    assert result.iterations == len(result.losses) < 2000
    assert [w.data for w in p.parameters()] == pytest.approx([2.0, -3.0, 0.5], abs=1e-9)
    assert result.losses[-1] < 1e-18 < result.losses[0]


def test_classification_separates_two_classes():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(-1, 0.4, (20, 2)), rng.normal(1, 0.4, (20, 2))])
    y = np.repeat([0, 1], 20)
    p = Perceptron(2, "classification", rng=0)
    result = p.fit(x, y, learning_rate=0.5, max_iterations=30)
    assert ((p.predict(x) >= 0.5) == y).all()
    assert result.losses[-1] < 0.1 * result.losses[0]


def test_data_that_fit_already_need_one_iteration():
    p = perceptron("regression", w=(0.0, 0.0), b=0.0)
    assert p.fit(X, np.zeros(4)).iterations == 1


def test_the_loss_of_an_iteration_is_the_mean_over_samples():
    p = perceptron("regression")
    expected = np.mean([p.loss(x, 1.0).data for x in X])
    assert p.fit(X, np.ones(4), learning_rate=0, max_iterations=1).losses == pytest.approx([expected])


def test_the_same_seed_gives_the_same_perceptron():
    one, other = Perceptron(3, rng=1), Perceptron(3, rng=1)
    assert [p.data for p in one.parameters()] == [p.data for p in other.parameters()]


def test_predictions_are_a_number_per_row():
    p = perceptron("regression")
    assert p.predict(X) == pytest.approx(X @ [0.3, -0.2] + 0.1)
    assert p.predict(np.zeros((0, 2))).shape == (0,)


def test_the_repr_names_the_task():
    assert repr(Perceptron(2, "classification")) == "Perceptron(2, 'classification')"


# ---------------------------------------------------------------- wrong inputs


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="unknown task 'regresion'; did you mean 'regression'"):
        Perceptron(2, "regresion")


def test_no_inputs_are_refused():
    with pytest.raises(ValueError, match="Perceptron: expected nin to be a positive integer, got 0"):
        Perceptron(0)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, :1], np.zeros(4), r"Perceptron\.fit: x: expected shape \(any, 2\), got \(4, 1\)"),
        (X[0], [0.0], r"x: expected shape \(any, 2\), got \(2,\)"),
        (X, np.zeros(3), r"Perceptron\.fit: y: expected shape \(4,\), got \(3,\)"),
        (X, np.zeros((4, 1)), r"y: expected shape \(4,\), got \(4, 1\)"),
        (np.zeros((0, 2)), [], "expected at least one sample, got none"),
        ([[1.0, math.nan]], [0.0], r"x contains nan or infinity \(first at row 0, column 1\)"),
        ([[1.0, 2.0]], [math.inf], r"y contains nan or infinity \(first at row 0\)"),
    ],
)
def test_data_that_do_not_fit_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        perceptron("regression").fit(x, y)


def test_labels_other_than_0_and_1_are_refused():
    with pytest.raises(ValueError, match="expected labels 0 and 1 in y, got -1"):
        perceptron("classification").fit(X, [1, -1, 1, -1])


@pytest.mark.parametrize("option", [{"learning_rate": -1}, {"tolerance": math.nan}, {"max_iterations": 0}])
def test_settings_that_make_no_sense_are_refused(option):
    with pytest.raises(ValueError, match=f"expected {next(iter(option))} to be"):
        perceptron("regression").fit(X, np.zeros(4), **option)


def test_a_learning_rate_that_is_too_large_is_reported():
    with pytest.raises(RuntimeError, match=r"grew beyond all numbers in iteration .* use a learning_rate below 100"):
        perceptron("regression").fit(X, np.ones(4), learning_rate=100, max_iterations=1000)


def test_a_sample_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="expected 2 inputs, got 3"):
        perceptron("regression")([1.0, 2.0, 3.0])
