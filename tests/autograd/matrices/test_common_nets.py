"""The commonest nets as a lecturer writes them, in rows and in columns: golden texts, one file each, text and LaTeX.

Run this file as a program to write the golden texts anew; then read what changed.
"""

from pathlib import Path

import numpy as np
import pytest
from named import named

from autograd import (
    Tensor,
    binary_cross_entropy_with_logits,
    derive,
    exp,
    linear,
    log,
    relu,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    sqrt,
    squared_error,
    tanh,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "nets"
X = np.array([[0.5, -1.0], [1.5, 2.0], [-0.5, 0.25]])
ONE_COLUMN = np.array([[1.0], [0.0], [1.0]])
TWO_COLUMNS = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
NUMBERS = (0.4, -0.3, 0.1, 0.2, 0.5, -0.6, 0.7, -0.1, 0.3, 0.8, -0.2, 0.6)


def parameter(label, *shape):
    """Numbers that are easily written, others for each label."""
    start = sum(map(ord, label)) % len(NUMBERS)
    return Tensor(np.resize(np.roll(NUMBERS, start), shape), label)


def layer(a, i, inputs, units, activation=None):
    z = named(linear(a, parameter(f"W[{i}]", units, inputs), parameter(f"b[{i}]", units)), f"Z[{i}]")
    return z if activation is None else named(activation(z), f"A[{i}]")


def column_layer(a, i, inputs, units, activation=None):
    z = named(parameter(f"W[{i}]", units, inputs) @ a + parameter(f"b[{i}]", units, 1), f"Z[{i}]")
    return z if activation is None else named(activation(z), f"A[{i}]")


def entropy(a, y):
    """The binary cross-entropy as the lectures write it."""
    return -(y * log(a) + (1 - y) * log(1 - a)).sum() / 3


def softmax_by_hand():
    e = exp(layer(X, 1, 2, 2))
    a = named(e / e.sum(axis=1, keepdims=True), "A[1]")
    return -(TWO_COLUMNS * log(a)).sum() / 3


def linear_regression():
    yhat = named(Tensor(X, "X") @ parameter("w", 2, 1) + parameter("b", 1), "Yhat")
    return squared_error(yhat, Tensor(ONE_COLUMN, "Y"))


def batch_norm():
    z = named(linear(X, parameter("W[1]", 2, 2)), "Z[1]")
    n = named((z - named(z.mean(0), "mu")) / sqrt(named(z.var(0), "v") + 0.01), "N")
    return squared_error(n * parameter("gamma", 2) + parameter("beta", 2), TWO_COLUMNS)


def attention():
    x = Tensor(X, "X")
    q, k, v = (named(x @ parameter(f"W_{letter}", 2, 2), letter.upper()) for letter in "qkv")
    a = named(softmax(named(q @ k.T / np.sqrt(2), "S")), "A")
    return squared_error(named(a @ v, "O"), TWO_COLUMNS)


def dropout():
    a = named(relu(layer(X, 1, 2, 3)), "A[1]")
    mask = np.array([[2.0, 0.0, 2.0], [0.0, 2.0, 2.0], [2.0, 2.0, 0.0]])
    return squared_error(layer(named(a * mask, "D[1]"), 2, 3, 1), ONE_COLUMN)


def residual():
    a1 = layer(X, 1, 2, 2, tanh)
    a2 = named(tanh(layer(a1, 2, 2, 2)) + a1, "A[2]")
    return squared_error(a2, TWO_COLUMNS)


def weight_decay():
    w = parameter("W[1]", 1, 2)
    z = named(linear(X, w, parameter("b[1]", 1)), "Z[1]")
    return binary_cross_entropy_with_logits(z, ONE_COLUMN) + 0.05 * (w * w).sum()


def recurrent():
    w, u = parameter("W", 2, 2), parameter("U", 2, 2)
    h = named(tanh(Tensor(X, "X_1") @ w.T), "H_1")
    h = named(tanh(Tensor(X[::-1].copy(), "X_2") @ w.T + h @ u.T), "H_2")
    return squared_error(h, TWO_COLUMNS)


NETS = {
    "linear_regression": linear_regression,
    "logistic_regression": lambda: entropy(layer(X, 1, 2, 1, sigmoid), ONE_COLUMN),
    "two_layers_sigmoid": lambda: entropy(layer(layer(X, 1, 2, 3, tanh), 2, 3, 1, sigmoid), ONE_COLUMN),
    "relu_and_softmax": lambda: softmax_cross_entropy(layer(layer(X, 1, 2, 3, relu), 2, 3, 2), [0, 1, 0]),
    "softmax_by_hand": softmax_by_hand,
    "dropout": dropout,
    "batch_norm": batch_norm,
    "residual": residual,
    "weight_decay": weight_decay,
    "recurrent": recurrent,
    "attention": attention,
    "written_in_columns": lambda: entropy(
        column_layer(column_layer(X.T, 1, 2, 3, tanh), 2, 3, 1, sigmoid), ONE_COLUMN.T
    ),
}


def written(name):
    """Text and LaTeX of the derivative by the first parameter, in both forms."""
    target = named(NETS[name](), "L")
    source = next(u for u in topological_parameters(target))
    derivations = [derive(target, source, form=form) for form in ("rows", "columns")]
    return "\n\n".join(part for d in derivations for part in (d.text(), d.latex(shapes=False))) + "\n"


def topological_parameters(target):
    from autograd.graph import topological_order

    return [u for u in topological_order(target) if u.op is None and u.label and u.label[0] not in "XY"]


@pytest.mark.parametrize("name", NETS)
def test_the_net_is_derived_as_a_lecturer_writes_it(name):
    assert written(name) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_every_golden_text_is_that_of_a_net():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(NETS)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name in NETS:
        (GOLDEN / f"{name}.txt").write_text(written(name), encoding="utf-8")
