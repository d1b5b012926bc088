"""Where five lectures slip: each row computes what the printed formula gives and what was meant.

The tables of docs/slips.md are made from these rows; run this file as a program to write them anew. Numbers in braces
are those that the function below returns, in this order.
"""

import math
import re
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from autograd import (
    PathGraph,
    Tensor,
    Value,
    binary_cross_entropy,
    cross_entropy,
    derive,
    grad,
    jacobian,
    leaky_relu,
    relu,
    sigmoid,
    softmax,
    squared_error,
    tanh,
    unroll,
)
from nn import LSTM, MLP, Dense, Sequential, inputs
from nn.losses import MeanSquaredError

PAGE = Path(__file__).parents[2] / "docs" / "slips.md"


class Row(NamedTuple):
    """A line of a table, and the function that computes its numbers."""

    table: str
    where: str
    printed: str
    meant: str
    computed: str
    numbers: object


ROWS = []
TABLES = {
    "A": ("where", "what stands there", "what was meant", "computed"),
    "B": ("where", "what stands there", "what was meant", "how one sees it"),
    "C": ("where", "what stands there", "what holds", "computed"),
    "D": ("letter", "here", "there", "computed"),
}


def row(table, where, printed, meant, computed):
    def keep(numbers):
        ROWS.append(Row(table, where, printed, meant, computed, numbers))
        return numbers

    return keep


# ------------------------------------------------------------ what the rows compute with


def example(activation="sigmoid", output="sigmoid"):
    """The worked example of lecture 001: the net, its outputs, the targets."""
    net = MLP.from_weights(
        [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]],
        [[0.35, 0.35], [0.60, 0.60]],
        activation,
        output,
    )
    return net, net(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y")


def worked_loss():
    net, prediction, y = example()
    L = squared_error(prediction, y)
    L.label = "L"
    L.backward()
    return net, prediction, L


def below(v):
    """v and all nodes that lead to it."""
    return PathGraph(v, level="op").nodes


def log_loss(a, y):
    return -y * math.log(a) - (1 - y) * math.log(1 - a)


def neuron(w=0.4, x=1.5, b=0.1, y=1.0, loss=squared_error):
    """One neuron: w, z, ŷ and L, after the backward pass."""
    w, z = Value(w, "w"), None
    z = w * x + b
    yhat = sigmoid(z)
    L = loss(yhat, y)
    L.backward()
    return w, z, yhat, L


def program(seed=0, m=20):
    """Lecture 003's net on m random columns: X, Y, W1, b1, W2, b2, Z1, A1, A2."""
    rng = np.random.default_rng(seed)
    X, Y = rng.random((6, m)), np.eye(10)[rng.integers(0, 10, m)].T
    W1, b1, W2, b2 = (rng.random(shape) - 0.5 for shape in ((10, 6), (10, 1), (10, 10), (10, 1)))
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    e = np.exp(W2 @ A1 + b2)
    return X, Y, W1, b1, W2, b2, Z1, A1, e / e.sum(axis=0)


# ------------------------------------------------------------ A. Changes a number


@row(
    "A",
    "000, Loss Function",
    "J = −(1/m) Σ L, with L = −y log a − (1 − y) log(1 − a): two minus signs",
    "J = (1/m) Σ L",
    "a = (0.9, 0.2, 0.7), y = (1, 0, 1): {−0.2284} for {0.2284}. Downhill on that J is uphill: "
    "20 steps take the loss of a neuron from {0.25} to {11.7}",
)
def _():
    a, y = np.array([0.9, 0.2, 0.7]), np.array([1.0, 0.0, 1.0])
    mean = binary_cross_entropy(Tensor(a[:, None]), y[:, None]).item()
    x, y, w = np.array([-1.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0]), 1.0

    def loss(w):
        return np.mean([log_loss(1 / (1 + math.exp(-w * u)), v) for u, v in zip(x, y, strict=True)])

    first = loss(w)
    for _ in range(20):
        w -= 0.5 * -np.mean((1 / (1 + np.exp(-w * x)) - y) * x)
    return -mean, mean, first, loss(w)


@row(
    "A",
    "000, Backward Propagation, da[2]",
    "∂/∂a (−y log(a) − 1(1 − y log(1 − a)))",
    "∂/∂a (−y log(a) − (1 − y) log(1 − a)); the boxed result is that of this one",
    "slope at a = 0.7: {0} for {3.333} if y = 0, {−4.762} for {−1.429} if y = 1",
)
def _():
    def printed(a, y):
        return -y * a.log() - 1 * (1 - y * (1 - a).log())

    def meant(a, y):
        return -y * a.log() - (1 - y) * (1 - a).log()

    return [grad(f)(0.7, y) for y in (0.0, 1.0) for f in (printed, meant)]


@row(
    "A",
    "000, Forward Propagation, Z[2]",
    "W[2] = [w₃₁ w₄₁ w₅₁ …], one row, beside m biases and m outputs",
    "m rows, one for each output",
    "NumPy repeats the one row: {1} weighted sum for {4} outputs, which differ by their biases only",
)
def _():
    rng = np.random.default_rng(0)
    A, b = rng.random((3, 1)), rng.random((4, 1))
    Z = rng.random((1, 3)) @ A + b
    assert Z.shape == (4, 1)
    return len(np.unique((Z - b).round(12))), len(Z)


@row(
    "A",
    "000 and 002, dZ[1]",
    '"·" in W[2]ᵀdZ[2] · σ′(Z[1]), though it is a matrix product elsewhere on the page',
    "⊙, entry by entry",
    "with as many samples as units both can be computed, and nobody notices: the first entry is {0.0875} for {0.1250}",
)
def _():
    dA, slope = np.array([[0.5, -0.25], [1.0, 0.75]]), np.array([[0.25, 0.2], [0.15, 0.1]])
    return (dA @ slope)[0, 0], (dA * slope)[0, 0]


@row(
    "A",
    "001, Learning Weights, twice",
    "L = ½‖(ỹ₁ − y₁)² − (ỹ₂ − y₂)²‖²",
    "½‖ỹ − y‖² = ½((ỹ₁ − y₁)² + (ỹ₂ − y₂)²), with which the lecture goes on",
    "{0.1263} for {0.2984}",
)
def _():
    _, (a, b), L = worked_loss()
    return 0.5 * ((a.data - 0.01) ** 2 - (b.data - 0.99) ** 2) ** 2, L.data


@row(
    "A",
    "001, Learning Weights, ∂L/∂w[2]₁₁",
    "0.0821",
    "0.0822",
    "{0.082167}, and {0.0822} with four decimals: the rest was cut off",
)
def _():
    net, _, _ = worked_loss()
    gradient = net.layers[1].neurons[0].w[0].grad
    return gradient, gradient


@row(
    "A",
    "001, Leaky ReLU",
    '"It is differentiable"',
    "everywhere but at 0; g′(0) = 1 is a choice",
    "slopes {0.01} and {1} just left and right of 0",
)
def _():
    return grad(leaky_relu)(-1e-9), grad(leaky_relu)(1e-9)


@row(
    "A",
    "001, tanh, Issues",
    '"the sigmoid function approaches 1 or 0", under tanh',
    "tanh approaches 1 or −1",
    "tanh(20) = {1}, tanh(−20) = {−1}; σ(20) = {1}, σ(−20) = {0}",
)
def _():
    return [f(z) for f in (tanh, sigmoid) for z in (20.0, -20.0)]


@row(
    "A",
    "002, 3 layers, Z[1]",
    "the 2 × 2 matrix of the products w₁₁x₁, w₁₂x₁, w₂₁x₂, w₂₂x₂, plus b",
    "the sums of its columns, plus b",
    "{4} numbers for {2}",
)
def _():
    W, x, b = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([[1.0], [2.0]]), np.array([[0.5], [0.6]])
    products = W * x  # w_ij times x_i
    assert np.allclose(products.sum(axis=0, keepdims=True).T + b, W.T @ x + b)
    return (products + b).size, (W.T @ x + b).size


@row(
    "A",
    "002, 3 layers, W[1]X + b[1]",
    'WX + b, where wᵢⱼ leads from input i; "we take transpose of W" stands below it',
    "WᵀX + b",
    "W = (0.1 0.2; 0.3 0.4), x = (1, 2), b = (0.5, 0.6): ({1.0}, {1.7}) for ({1.2}, {1.6})",
)
def _():
    W, x, b = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([1.0, 2.0]), np.array([0.5, 0.6])
    sums = [sum(W[i, j] * x[i] for i in range(2)) + b[j] for j in range(2)]  # as a₁ and a₂ stand there
    assert np.allclose(sums, W.T @ x + b)
    return [*(W @ x + b), *sums]


@row(
    "A",
    "003, backward pass, db2",
    "`np.sum(dZ2)`",
    "the same with `axis=1` and `keepdims=True`",
    "{1} number for {10}, and it is {0} to rounding: the columns of A2 and of Y add up to 1 "
    "([lesson 10](../examples/10_a_slip.py))",
)
def _():
    X, Y, W1, b1, W2, b2, _, _, A2 = program()
    weights = [Tensor(w) for w in (W1, b1, W2, b2)]
    output = softmax(weights[2] @ relu(weights[0] @ X + weights[1]) + weights[3], samples="columns")
    cross_entropy(output, Y, samples="columns").backward()
    right = np.sum(A2 - Y, axis=1, keepdims=True) / 20
    assert np.allclose(weights[3].grad, right)
    assert np.abs(right).max() > 0.01
    return np.sum(A2 - Y).size, right.size, round(np.sum(A2 - Y), 12)


@row(
    "A",
    "003, backward pass, db1",
    "`np.sum(dZ1)`",
    "the same with `axis=1` and `keepdims=True`",
    "{1} number, the sum of all, in place of {10} different ones",
)
def _():
    X, Y, W1, b1, W2, b2, Z1, _, A2 = program()
    weights = [Tensor(w) for w in (W1, b1, W2, b2)]
    output = softmax(weights[2] @ relu(weights[0] @ X + weights[1]) + weights[3], samples="columns")
    cross_entropy(output, Y, samples="columns").backward()
    dZ1 = W2.T @ (A2 - Y) * (Z1 > 0)
    right = np.sum(dZ1, axis=1) / 20
    assert np.allclose(weights[1].grad.ravel(), right)
    assert math.isclose(np.sum(dZ1) / 20, right.sum())
    return np.sum(dZ1).size, len(np.unique(right.round(9)))


@row(
    "A",
    "003, cost and dZ2",
    "MSE = 1/(2m) Σ(ŷ − y)² beside dZ2 = A2 − Y",
    "the cross-entropy, whose gradient this is",
    "A = (0.7, 0.2, 0.1), y = (0, 1, 0): A − Y is {0} from the gradient of the cross-entropy, but {3.1} times as "
    "long as that of the MSE, and {12}° off ([lesson 11](../examples/11_which_cost.py))",
)
def _():
    Z, Y = Tensor(np.log([[0.7], [0.2], [0.1]])), np.array([[0.0], [1.0], [0.0]])
    A = softmax(Z, samples="columns")
    delta = A.data - Y
    ((A - Y) ** 2).sum().backward()
    of_mse, Z.grad = Z.grad / 2, None
    cross_entropy(softmax(Z, samples="columns"), Y, samples="columns").backward()
    lengths = np.linalg.norm(delta), np.linalg.norm(of_mse)
    angle = math.degrees(math.acos(np.sum(delta * of_mse) / (lengths[0] * lengths[1])))
    return round(np.abs(Z.grad - delta).max(), 12), lengths[0] / lengths[1], angle


@row(
    "A",
    "003, gradient_descent",
    "the loop keeps the new W1, b1, W2, b2 in local names and reads `self.W1` again",
    "names of `self`, unless the update, which is not shown, stores them",
    "after 50 rounds the cost is {1.00} times what it was, for {0.53}",
)
def _():
    def costs(stores):
        X, Y, *own, _, _, _ = program()
        first = None
        for _ in range(51):
            W1, b1, W2, b2 = own
            Z1 = W1 @ X + b1
            A1 = np.maximum(Z1, 0)
            e = np.exp(W2 @ A1 + b2)
            A2 = e / e.sum(axis=0)
            cost = -np.mean(np.sum(Y * np.log(A2), axis=0))
            first = first or cost
            dZ2 = A2 - Y
            dZ1 = W2.T @ dZ2 * (Z1 > 0)
            steps = [g / 20 for g in (dZ1 @ X.T, dZ1.sum(1, keepdims=True), dZ2 @ A1.T, dZ2.sum(1, keepdims=True))]
            new = [w - 0.5 * g for w, g in zip(own, steps, strict=True)]
            if stores:
                own = new
        return cost / first

    return costs(False), costs(True)


@row(
    "A",
    "004, bias",
    '"subtract weighted sum from 10"',
    "subtract 10 from the weighted sum",
    "for a weighted sum of 17: σ(10 − 17) = {0.0009}, dark, for σ(17 − 10) = {0.9991}, bright",
)
def _():
    return sigmoid(10.0 - 17.0), sigmoid(17.0 - 10.0)


@row(
    "A",
    "004, parameters",
    '"each one of those 784 connections has its own weight … and each has its own bias"',
    "each neuron has its own bias, as the next sentence says",
    "{25,920} numbers for {13,002}",
)
def _():
    model = Sequential([Dense(16, input_shape=(784,)), Dense(16), Dense(10)], rng=0)
    weights = sum(w.data.size for w in model.parameters() if w.data.ndim == 2)
    return 2 * weights, model.count_params()


@row(
    "A",
    "004, step size",
    '"Make your step size proportional to the slope so there is no overshooting"',
    "it helps, if the factor is small enough",
    "x² from x = 1, steps of 1.1 times the slope: after ten of them x = {6.19}, of 0.1: {0.107} "
    "([lesson 6](../examples/06_downhill.py))",
)
def _():
    def after_ten(rate):
        x = 1.0
        for _ in range(10):
            x -= rate * grad(lambda x: x * x)(x)
        return x

    return after_ten(1.1), after_ten(0.1)


# ------------------------------------------------------------ B. Misprints


@row("B", "000, dZ[2]", "∂L/∂y[2]", "∂L/∂z[2]", "at a = 0.7, y = 1: ∂L/∂y = {−0.8473}, ∂L/∂z = a − y = {−0.3}")
def _():
    y, z = Value(1.0, "y"), Value(math.log(0.7 / 0.3), "z")
    a = sigmoid(z)
    (-y * a.log() - (1 - y) * (1 - a).log()).backward()
    return y.grad, z.grad


@row(
    "B",
    "001, notation, twice",
    "a[ℓ] = x input layer",
    "a[0] = x, as the shapes on the next slides have it",
    "in the worked example a[0] begins with {0.05}, a[1] with {0.5933}, a[2] with {0.7514}",
)
def _():
    _, (first, _), _ = worked_loss()
    numbers = {u.label: u.data for u in below(first)}
    return numbers["x_1"], numbers["a[1]_1"], first.data


@row(
    "B",
    "001, notation, twice",
    '"vector of outputs of ℓ-th node"',
    "of the ℓ-th layer",
    "a node has {1} output; a[1] of the worked example has {2}",
)
def _():
    net, _, _ = worked_loss()
    return np.size(net.layers[0].neurons[0](inputs([0.05, 0.1])).data), len(net.layers[0](inputs([0.05, 0.1])))


@row(
    "B",
    "001, Forward Pass",
    '"wᵢⱼ denote the weight and bias associated with the j-th input"',
    "the weight; a bias belongs to no input",
    "a layer of the worked example has {4} weights and {2} biases",
)
def _():
    weights, biases = example()[0].layers[0].get_weights()
    return weights.size, biases.size


@row(
    "B",
    "001, Forward Pass of the example, twice",
    "z[2]₁ = w[2]₁ᵀ x + b[2]₁, and z[2]₂ likewise",
    "w[2]₁ᵀ a[1] + b[2]₁, with which the lecture calculates",
    "{0.6650} and {0.6800} from x, {1.106} and {1.225} from a[1]",
)
def _():
    net, prediction, _ = worked_loss()
    W, b = net.layers[1].get_weights()
    return [*(W @ [0.05, 0.10] + b), *(math.log(u.data / (1 - u.data)) for u in prediction)]


@row("B", "001, path to w[2]₁₁", "ỹ(2) = σ(z[2]₁)", "ỹ(1) = σ(z[2]₁)", "σ(z[2]₁) = {0.7514} is ỹ(1); ỹ(2) = {0.7729}")
def _():
    _, (first, second), _ = worked_loss()
    return first.data, second.data


@row(
    "B",
    "001, Vectorization, six times",
    "∂L/W[3], ∂L/b[3], …",
    "∂L/∂W[3], …, as the next slide has it",
    "a ratio is no slope: for w[2]₁₁ L/w = {0.746}, ∂L/∂w = {0.0822}",
)
def _():
    net, _, L = worked_loss()
    w = net.layers[1].neurons[0].w[0]
    return L.data / w.data, w.grad


@row(
    "B",
    "001, Layer 1 output",
    "b₁ᵀ, …, z₁ᵀ, … in the columns b[1], z[1]",
    "b₁, …, z₁, …: single numbers",
    "transposed, a number keeps its {0} axes; only the rows w₁ᵀ have something to transpose",
)
def _():
    return (np.array(0.35).T.ndim,)


@row(
    "B",
    "001, shapes of the forward pass",
    "(4 × 1) = (4 × 3)(3 × 1) + (4 × 1), with a₂[0] behind it",
    "the same line without it",
    "{4} × {1} already without it",
)
def _():
    return (np.ones((4, 3)) @ np.ones((3, 1)) + np.ones((4, 1))).shape


@row(
    "B",
    "002, derivatives, twice",
    "dL/ŷ = …",
    "dL/dŷ = …",
    "for the neuron of lesson 1 L/ŷ = {0.0824}, dL/dŷ = {−0.332}",
)
def _():
    _, _, yhat, L = neuron()
    return L.data / yhat.data, yhat.grad


@row(
    "B",
    "002, Regression With Perceptron",
    "dŷ/dw₁ = x₁, dŷ/dw₁ = x₂",
    "the second is dŷ/dw₂",
    "x = (3, 7): dŷ/dw₁ = {3}, dŷ/dw₂ = {7}",
)
def _():
    w1, w2 = Value(0.1, "w_1"), Value(0.2, "w_2")
    (w1 * 3 + w2 * 7 + 0.5).backward()
    return w1.grad, w2.grad


@row(
    "B",
    "002, Neural Network",
    '"wᵢⱼ: weight for ith node and jth training example"',
    "for input i and node j: a₁ = g(w₁₁x₁ + w₂₁x₂ + b₁)",
    "∂z₁/∂w₂₁ = x₂: {7} for x = (3, 7), of one training example",
)
def _():
    w11, w21 = Value(0.1, "w_11"), Value(0.2, "w_21")
    (w11 * 3 + w21 * 7 + 0.5).backward()
    return (w21.grad,)


@row(
    "B",
    "002, 3 layers",
    "a₁¹, a₂¹",
    "a₁[1], a₂[1], as everywhere else",
    "{1} name for both here: the one is read as the other",
)
def _():
    leaves = [Value(0.5, name) for name in ("a_1^1", "a_1^{[1]}")]
    return (len({derive(tanh(a), a).text() for a in leaves}),)


@row(
    "B",
    "002, Backward Propagation, first formula",
    "dZ[l] = dL/dA[l] ⊙ g′(Z[l]), of the output layer",
    "dZ[L] = …",
    "dL/dA comes straight from the loss in {1} of the {2} layers of the worked example",
)
def _():
    net, _, L = worked_loss()
    touched = {edge.operand.label.split("_")[0] for edge in PathGraph(L).edges[L]} - {"y"}
    assert touched == {"a[2]"}
    return len(touched), len(net.layers)


@row(
    "B",
    "003, whole network",
    "Z[n] = W[n+1] A[n] + b[n+1]",
    "Z[n+1] = …",
    "3 inputs, 4 and 2 units: W[2] A[1] has {2} rows, as Z[2]; Z[1] has {4}",
)
def _():
    W1, W2, x = np.ones((4, 3)), np.ones((2, 4)), np.ones((3, 1))
    return len(W2 @ (W1 @ x)), len(W1 @ x)


@row(
    "B",
    "003, input layer",
    '"matrix of nxm size where n is number of column and m in number of rows"',
    "n rows, m columns",
    "a 784 × 5 matrix has {784} rows and {5} columns",
)
def _():
    return len(np.ones((784, 5))), len(np.ones((784, 5))[0])


@row("B", "003, error at a node", "rE/rW", "∂E/∂W", "for w[2]₁₁ of the worked example ∂E/∂w = {0.0822}")
def _():
    return (worked_loss()[0].layers[1].neurons[0].w[0].grad,)


@row(
    "B",
    "003, cost function",
    "1/(2m) Σ(ȳ − y)²",
    "ŷ, the prediction; ȳ is a mean",
    "y = (0, 1, 1), ŷ = (0.2, 0.7, 0.9): {0.1111} with the mean of y, {0.0233} with ŷ",
)
def _():
    y, yhat = np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.7, 0.9])
    return np.mean((y.mean() - y) ** 2) / 2, np.mean((yhat - y) ** 2) / 2


@row(
    "B",
    "003, backward pass",
    "`1 / m * …`, without an m",
    "`m = self.X.shape[1]` before",
    "of the {3} names that the line of dW2 reads, {1} is defined nowhere, and Python stops",
)
def _():
    line = compile("dW2 = 1 / m * dZ2.dot(A1.T)", "lecture", "exec")
    needed = {name for name in line.co_names if name not in ("dW2", "dot", "T")}
    given = {"dZ2": np.ones((10, 5)), "A1": np.ones((10, 5))}
    with pytest.raises(NameError, match="'m'"):
        exec(line, given)
    return len(needed), len(needed - set(given))


@row("B", "004, last layer", '"10 digits between 0 and 10"', "from 0 to 9", "0 to 9 are {10}, 0 to 10 are {11}")
def _():
    return len(range(0, 9 + 1)), len(range(0, 10 + 1))


@row(
    "B",
    "004, calculus, the chain",
    '"determined by a single neuron and a single bias"',
    "by a weight and a bias for each layer but the first",
    "four layers with one neuron each: {3} weights, {3} biases",
)
def _():
    weights, biases = MLP(1, [1, 1, 1], rng=0).get_weights()
    return sum(w.size for w in weights), sum(b.size for b in biases)


@row(
    "B",
    "004, calculus",
    '"let\'s name this activation as z"',
    "the weighted sum is z; the activation is σ(z)",
    "for the neuron of lesson 1 z = {0.7}, σ(z) = {0.668}",
)
def _():
    _, z, yhat, _ = neuron()
    return z.data, yhat.data


@row(
    "B",
    "004, calculus",
    '"the derivative with respect to w(l) only"',
    "w(L), of the last layer",
    "in a chain of two neurons ∂C/∂w(L) = {−0.103} and ∂C/∂w(L−1) = {−0.019}",
)
def _():
    net = MLP.from_weights([[[0.8]], [[0.9]]], [[0.0], [0.0]], "sigmoid", "sigmoid")
    ((net(inputs([0.5])) - 1) ** 2).backward()
    return net.layers[1].neurons[0].w[0].grad, net.layers[0].neurons[0].w[0].grad


@row(
    "B",
    "004, the desires of other neurons",
    '"all of the neurons in the last layer to be less active"',
    "all of the other neurons",
    "for an image of 2: {1} output is to rise, {9} are to fall",
)
def _():
    outputs = inputs(np.random.default_rng(0).random(10), "a")
    squared_error(outputs, np.eye(10)[2]).backward()
    return sum(a.grad < 0 for a in outputs), sum(a.grad > 0 for a in outputs)


# ------------------------------------------------------------ C. Said too strongly


@row(
    "C",
    "000, after the activations",
    '"compute the loss per layer"',
    "one loss, of the last layer's outputs",
    "{1} loss in {2} layers; every layer has its gradient from it",
)
def _():
    net, _, L = worked_loss()
    assert all(w.grad for layer in net.layers for w in layer.parameters())
    return np.size(L.data), len(net.layers)


@row(
    "C",
    "000, A[1]",
    'A[1] is "transformed with new weights and biases (via Backward Propagation)"',
    "via forward propagation; going backward changes no activation",
    "an activation moves by {0} in a backward pass",
)
def _():
    _, (first, _), L = worked_loss()
    before = [u.data for u in below(first)]
    L.backward()
    return (max(abs(u.data - data) for u, data in zip(below(first), before, strict=True)),)


@row(
    "C",
    "001, Learning Weights",
    '"a composite function … Therefore, it is continuous and differentiable"',
    "almost everywhere, if its activations are; relu has a corner",
    "slopes of relu just left and right of 0: {0} and {1}",
)
def _():
    return grad(relu)(-1e-9), grad(relu)(1e-9)


@row(
    "C",
    "002, Operation and Regression",
    '"the gradient of the loss function with respect to the input", twice',
    "to the weights and biases; on the way also to what is between",
    "a step of the worked example moves {12} weights and biases and {0} inputs",
)
def _():
    net, _, _ = worked_loss()
    return len(net.parameters()), sum(p.label.startswith("x") for p in net.parameters())


@row(
    "C",
    "002, Neural Network",
    '"we do not use sigmoid … the gradient descent never converges"',
    "deep nets learn slowly with it; shallow ones do learn",
    "the worked example, sigmoid throughout, from {0.298} to {0.00027} in 1,000 steps; "
    "digits are read well too ([lesson 12](../examples/12_digits.py))",
)
def _():
    net, _, L = worked_loss()
    first = L.data
    for _ in range(1000):
        L = squared_error(net(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
        for p in net.parameters():
            p.grad = 0.0
        L.backward()
        for p in net.parameters():
            p.data -= 0.5 * p.grad
    return first, squared_error(net(inputs([0.05, 0.10])), [0.01, 0.99]).data


@row(
    "C",
    "002, Classification With Perceptron",
    '"we have many local minima due to having a non-convex function", of one neuron',
    "its squared error is not convex, which is reason enough; its cross-entropy is",
    "curvature along w at −3, 0, 3: {−0.0369}, {0.0625}, {0.0040} for the squared error, "
    "{0.0452}, {0.2500}, {0.0452} for the cross-entropy ([lesson 2](../examples/02_two_losses.py))",
)
def _():
    def bends(loss):
        return [grad(grad(lambda w: loss(sigmoid(w), 1.0)))(w) for w in (-3.0, 0.0, 3.0)]

    return bends(squared_error) + bends(binary_cross_entropy)


@row(
    "C",
    "003, after the cost",
    '"By doing partial differentiation … you get new weight and biases"',
    "one gets their slopes; a step against them gives the new ones",
    "the neuron of lesson 1: w = 0.4, ∂L/∂w = {−0.1104}; a step of 0.5 leads to w = {0.4552}",
)
def _():
    w, _, _, _ = neuron()
    return w.grad, w.data - 0.5 * w.grad


@row(
    "C",
    "003, iterations",
    '"2 values get tuned, i.e., W and b"',
    "two arrays in each layer",
    "the program's net has {4} arrays of {7,960} numbers",
)
def _():
    shapes = [(10, 784), (10, 1), (10, 10), (10, 1)]
    return len(shapes), sum(math.prod(shape) for shape in shapes)


@row(
    "C",
    "004, average nudges",
    '"the average nudges of the weights and bias is the negative gradient of the cost function"',
    "if the cost is a mean and a nudge the whole negative gradient; else they are in proportion",
    "with the sum of four losses as the cost its gradient is {4} times the average",
)
def _():
    x, y, w = np.array([0.5, 1.0, -1.0, 2.0]), np.array([1.0, 0.0, 0.0, 1.0]), 0.3

    def loss(w, x, y):
        return binary_cross_entropy(sigmoid(w * x), y)

    each = [grad(loss)(w, u, v) for u, v in zip(x.tolist(), y.tolist(), strict=True)]
    whole = grad(lambda w: sum(loss(w, u, v) for u, v in zip(x.tolist(), y.tolist(), strict=True)))(w)
    return (whole / np.mean(each),)


@row(
    "C",
    "004, ReLU",
    '"New neural networks don\'t use sigmoid anymore"',
    "in hidden layers seldom; for yes or no at the output, and in the gates of recurrent nets, they do",
    "each step of an LSTM applies {3} sigmoids to a unit, and {2} tanhs",
)
def _():
    def applied(steps):
        model = Sequential([LSTM(1, input_shape=(steps, 1))], rng=0)
        L, _ = unroll(model(np.ones((1, steps, 1))).sum(), model.parameters()[0])
        return [u.op.name for u in below(L) if u.op]

    return [applied(4).count(name) - applied(3).count(name) for name in ("sigmoid", "tanh")]


# ------------------------------------------------------------ D. Same letter, other thing


@row(
    "D",
    "L, J, C, cost",
    "½ Σ over outputs (001)",
    "Σ over outputs (004); mean over outputs (mse of Keras)",
    "the worked example: {0.2984}, {0.5967}, {0.2984}. The first and the last agree by accident, having two outputs",
)
def _():
    _, prediction, L = worked_loss()
    squares = [(p.data - t) ** 2 for p, t in zip(prediction, (0.01, 0.99), strict=True)]
    keras = MeanSquaredError()(Tensor([[p.data for p in prediction]]), np.array([[0.01, 0.99]]))
    return L.data, sum(squares), float(keras)


@row(
    "D",
    "J, cost",
    "1/(2m) Σ(ŷ − y)² over m samples (003)",
    "−(1/m) Σ(y log ŷ + (1 − y) log(1 − ŷ)) (000, 002)",
    "y = (1, 0), ŷ = (0.8, 0.4): {0.0500} and {0.3670}",
)
def _():
    y, a = np.array([1.0, 0.0]), np.array([0.8, 0.4])
    return np.mean((a - y) ** 2) / 2, binary_cross_entropy(Tensor(a[:, None]), y[:, None]).item()


@row(
    "D",
    "(i) in x(i)",
    "a component of one sample (001: x(1), x(2))",
    "a sample (000, 002)",
    "X of 3 samples with 2 components each: {2} of the one, {3} of the other",
)
def _():
    X = np.ones((2, 3))  # samples in columns
    return X.shape


@row(
    "D",
    "m",
    "nodes of a layer (001: m[ℓ])",
    "samples (000, 002, 003)",
    "lecture 001's first net has m[1] = {4}, m[2] = {3}, m[3] = {1}, whatever the samples",
)
def _():
    return [len(layer.neurons) for layer in MLP(3, [4, 3, 1], rng=0).layers]


@row(
    "D",
    "wᵢⱼ",
    "into unit i from input j (001, 004)",
    "from input i into unit j (002)",
    "W = (0.1 0.2; 0.3 0.4), x = (1, 2): ({0.5}, {1.1}) or ({0.7}, {1.0})",
)
def _():
    W, x = np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([1.0, 2.0])
    return [*(W @ x), *(W.T @ x)]


@row(
    "D",
    "d",
    "dZ, of each sample's own loss, without 1/m (000, 002)",
    "dW and db, of the mean, with 1/m (000, 002)",
    "5 samples: the first number of dZ is {5} times the derivative of J by it; of dW it is {1} times",
)
def _():
    rng = np.random.default_rng(0)
    X, Y, W = rng.random((2, 5)), np.array([[0.0, 1, 1, 0, 1]]), rng.random((1, 2)) - 0.5

    def J(W, Z):
        return binary_cross_entropy(sigmoid(Z + W @ X), Y, samples="columns")

    dZ = 1 / (1 + np.exp(-W @ X)) - Y
    by_W, by_Z = jacobian(J)(W, np.zeros((1, 5))), jacobian(lambda Z: J(W, Z))(np.zeros((1, 5)))
    return dZ[0, 0] / by_Z[0, 0], (dZ @ X.T / 5)[0, 0] / by_W[0, 0]


# ------------------------------------------------------------ the page


def plain(text):
    return re.sub(r"\{([^{}]*)\}", r"\1", text)


def table(name):
    """A table of the page, as Markdown."""
    rows = [TABLES[name], ["---"] * 4] + [[r.where, r.printed, r.meant, r.computed] for r in ROWS if r.table == name]
    return "".join(f"| {' | '.join(map(plain, cells))} |\n" for cells in rows)


def with_tables(page):
    """The page with its tables made anew."""
    for name in TABLES:
        pattern = rf"(<!-- {name} -->\n\n)(?:\|.*\n)*\n?"
        assert re.search(pattern, page), name
        page = re.sub(pattern, lambda match, name=name: match[1] + table(name) + "\n", page)
    return page


def agrees(x, text):
    """Is the number that is printed x, to its last digit?"""
    digits = text.replace(",", "").replace("−", "-")
    unit = 10.0 ** -len(digits.partition(".")[2])
    return abs(x - float(digits)) <= 0.5 * unit * (1 + 1e-9)


@pytest.mark.parametrize("slip", ROWS, ids=lambda r: f"{r.table} {r.where}".replace(" ", "_"))
def test_a_row_says_what_is_computed(slip):
    said, found = re.findall(r"\{([^{}]*)\}", slip.computed), list(slip.numbers())
    assert len(said) == len(found)
    for text, x in zip(said, found, strict=True):
        assert agrees(x, text), f"{text}: computed {x:.6g}"


def test_the_page_has_these_rows():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_tables(page)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit()
