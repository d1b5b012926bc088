"""Derivations on Tensors: what the lectures write, read from the graph, and true in numbers."""

import itertools
import math
import re
import sys

import numpy as np
import pytest
from latex import check_latex
from named import named
from sizes import mostly_slow, slow_rows
from tables import restored

import autograd
from autograd import (
    MatrixDerivation,
    Tensor,
    Value,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    derive,
    einsum,
    exp,
    gradients,
    leaky_relu,
    linear,
    log_softmax,
    logsumexp,
    norm,
    outer,
    relu,
    sigmoid,
    sin,
    softmax,
    softmax_cross_entropy,
    softplus,
    sqrt,
    squared_error,
    tanh,
)
from autograd.formulas.names import ascii_name
from autograd.matrices.notation import MatrixAscii
from autograd.op import array_table, reduction, structural
from nn import Dense, Sequential

FORMS = "rows", "columns"


def lecture_example():
    """The net of lecture 20: two inputs, two hidden units, two outputs, one sample."""
    weights = Tensor([[0.15, 0.20], [0.25, 0.30]], "W[1]"), Tensor([[0.40, 0.45], [0.50, 0.55]], "W[2]")
    biases = Tensor([0.35, 0.35], "b[1]"), Tensor([0.60, 0.60], "b[2]")
    a = np.array([[0.05, 0.10]])
    for i, (weight, bias) in enumerate(zip(weights, biases, strict=True), 1):
        z = named(linear(a, weight, bias), f"Z[{i}]")
        a = named(sigmoid(z), f"A[{i}]")
    return named(squared_error(a, [[0.01, 0.99]]), "L"), weights


def digits_net(m=4):
    """Lecture 003's net, small: relu, then softmax inside the loss."""
    rng = np.random.default_rng(3)
    w1, b1, w2, b2 = (
        Tensor(rng.normal(size=s), k) for s, k in (((3, 2), "W[1]"), (3, "b[1]"), ((2, 3), "W[2]"), (2, "b[2]"))
    )
    z1 = named(linear(rng.normal(size=(m, 2)), w1, b1), "Z[1]")
    z2 = named(linear(named(relu(z1), "A[1]"), w2, b2), "Z[2]")
    return named(softmax_cross_entropy(z2, rng.integers(0, 2, m)), "L"), w1


def lines(derivation, *, ascii=False):
    return [s.text(ascii=ascii) for s in derivation]


# ---------------------------------------------------------------- what the lectures write


def test_the_lecture_example_in_columns_with_its_numbers():
    loss, (w1, _) = lecture_example()
    loss.backward()
    assert (
        derive(loss, w1, form="columns").text()
        == """\
∂L/∂W[1], samples in columns, m = 1

  X
  2×1
    = [ 0.05 ]
      [  0.1 ]

  Y
  2×1
    = [ 0.01 ]
      [ 0.99 ]

  Z[1] = W[1] X   + b[1]
  2×1    2×2  2×1   2×1
    = [ 0.3775 ]
      [ 0.3925 ]

  A[1] = σ(Z[1])
  2×1      2×1
    = [ 0.5933 ]
      [ 0.5969 ]

  Z[2] = W[2] A[1] + b[2]
  2×1    2×2  2×1    2×1
    = [ 1.106 ]
      [ 1.225 ]

  A[2] = σ(Z[2])
  2×1      2×1
    = [ 0.7514 ]
      [ 0.7729 ]

  L = ½ Σ((A[2] − Y  )^∘2)
           2×1    2×1
    = 0.2984

  dA[2] = A[2] − Y
  2×1     2×1    2×1
    = [  0.7414 ]
      [ −0.2171 ]

  dZ[2] = dA[2] ⊙ A[2] ⊙ (1 − A[2])
  2×1     2×1     2×1         2×1
    = [  0.1385 ]
      [ −0.0381 ]

  dW[2] = dZ[2] A[1]ᵀ
  2×2     2×1   1×2
    = [ 0.08217   0.08267 ]
      [ −0.0226  −0.02274 ]

  db[2] = Σᵢ dZ[2](i)
  2×1        2×1
    = [  0.1385 ]
      [ −0.0381 ]

  dA[1] = W[2]ᵀ dZ[2]
  2×1     2×2   2×1
    = [ 0.03635 ]
      [ 0.04137 ]

  dZ[1] = dA[1] ⊙ A[1] ⊙ (1 − A[1])
  2×1     2×1     2×1         2×1
    = [ 0.008771 ]
      [ 0.009954 ]

  db[1] = Σᵢ dZ[1](i)
  2×1        2×1
    = [ 0.008771 ]
      [ 0.009954 ]

  dW[1] = dZ[1] Xᵀ
  2×2     2×1   1×2
    = [ 0.0004386  0.0008771 ]
      [ 0.0004977  0.0009954 ]

W[1].grad   (equal)"""
    )


def test_the_lecture_example_in_rows():
    loss, (w1, _) = lecture_example()
    assert lines(derive(loss, w1)) == [
        "dA[2] = A[2] − Y",
        "dZ[2] = dA[2] ⊙ A[2] ⊙ (1 − A[2])",
        "dW[2] = dZ[2]ᵀ A[1]",
        "db[2] = Σᵢ dZ[2](i)",
        "dA[1] = dZ[2] W[2]",
        "dZ[1] = dA[1] ⊙ A[1] ⊙ (1 − A[1])",
        "db[1] = Σᵢ dZ[1](i)",
        "dW[1] = dZ[1]ᵀ X",
    ]


def test_relu_and_softmax_read_like_the_lectures():
    """dZ[L] = A[L] − Y without the 1/m of the mean, which stands in dW and db."""
    loss, w1 = digits_net()
    derivation = derive(loss, w1, form="columns")
    assert lines(derivation) == [
        "dZ[2] = A[2] − Y",
        "dW[2] = (1/m) dZ[2] A[1]ᵀ",
        "db[2] = (1/m) Σᵢ dZ[2](i)",
        "dA[1] = W[2]ᵀ dZ[2]",
        "dZ[1] = dA[1] ⊙ [Z[1] > 0]",
        "db[1] = (1/m) Σᵢ dZ[1](i)",
        "dW[1] = (1/m) dZ[1] Xᵀ",
    ]
    head = derivation.text().split("\n")[:2]
    assert head[0] == "∂L/∂W[1], samples in columns, m = 4"
    assert (
        head[1] == "dZ[2], dA[1], dZ[1] without the 1/m of the mean, which stands in the derivatives by the parameters"
    )
    assert "  A[2] = softmax(Z[2])\n  2×4            2×4" in derivation.text()
    assert "  L = −(1/m) Σ(Y   ⊙ log(A[2]))" in derivation.text()


def test_in_rows_the_same_with_the_transposes_where_they_ran():
    loss, w1 = digits_net()
    derivation = derive(loss, w1)
    assert lines(derivation) == [
        "dZ[2] = A[2] − Y",
        "dW[2] = (1/m) dZ[2]ᵀ A[1]",
        "db[2] = (1/m) Σᵢ dZ[2](i)",
        "dA[1] = dZ[2] W[2]",
        "dZ[1] = dA[1] ⊙ [Z[1] > 0]",
        "db[1] = (1/m) Σᵢ dZ[1](i)",
        "dW[1] = (1/m) dZ[1]ᵀ X",
    ]
    assert "  dW[1] = (1/m) dZ[1]ᵀ X\n  3×2           3×4    4×2" in derivation.text()


def test_ascii_is_what_numpy_evaluates():
    loss, w1 = digits_net()
    assert lines(derive(loss, w1, form="columns"), ascii=True) == [
        "dZ[2] = A[2] - Y",
        "dW[2] = (1/m) * dZ[2] @ A[1].T",
        "db[2] = (1/m) * dZ[2].sum(1, keepdims=True)",
        "dA[1] = W[2].T @ dZ[2]",
        "dZ[1] = dA[1] * (Z[1] > 0)",
        "db[1] = (1/m) * dZ[1].sum(1, keepdims=True)",
        "dW[1] = (1/m) * dZ[1] @ X.T",
    ]
    assert derive(loss, w1).text(ascii=True).isascii()


def test_latex_of_the_lectures():
    loss, w1 = digits_net()
    assert [s.latex() for s in derive(loss, w1, form="columns")] == [
        r"dZ^{[2]} = A^{[2]} - Y",
        r"dW^{[2]} = \frac{1}{m}\, dZ^{[2]}\, A^{[1]T}",
        r"db^{[2]} = \frac{1}{m}\, \sum_{i=1}^{m} dZ^{[2](i)}",
        r"dA^{[1]} = W^{[2]T}\, dZ^{[2]}",
        r"dZ^{[1]} = dA^{[1]} \odot [Z^{[1]} > 0]",
        r"db^{[1]} = \frac{1}{m}\, \sum_{i=1}^{m} dZ^{[1](i)}",
        r"dW^{[1]} = \frac{1}{m}\, dZ^{[1]}\, X^{T}",
    ]
    latex = derive(loss, w1, form="columns").latex()
    assert r"\underset{3 \times 2}{dW^{[1]}} &= \frac{1}{m}\, \underset{3 \times 4}{dZ^{[1]}}" in latex
    assert r"\underset" not in derive(loss, w1).latex(shapes=False)
    assert derive(loss, w1)._repr_latex_().startswith("$$\n\\begin{aligned}\nm &= 4")


def test_a_residual_connection_adds_what_comes_back_on_both_ways():
    rng = np.random.default_rng(0)
    w1, w2 = Tensor(rng.normal(size=(3, 3)), "W[1]"), Tensor(rng.normal(size=(3, 3)), "W[2]")
    a1 = named(relu(named(linear(rng.normal(size=(2, 3)), w1), "Z[1]")), "A[1]")
    a2 = named(tanh(named(linear(a1, w2), "Z[2]")) + a1, "A[2]")
    loss = named(squared_error(a2, np.zeros((2, 3))), "L")
    assert lines(derive(loss, w1, form="columns")) == [
        "dA[2] = A[2] − Y",
        "dZ[2] = dA[2] ⊙ (1 − tanh(Z[2])^∘2)",
        "dW[2] = (1/m) dZ[2] A[1]ᵀ",
        "dA[1] = dA[2] + W[2]ᵀ dZ[2]",
        "dZ[1] = dA[1] ⊙ [Z[1] > 0]",
        "dW[1] = (1/m) dZ[1] Xᵀ",
    ]


def test_a_weight_used_twice_is_a_sum():
    rng = np.random.default_rng(0)
    w = Tensor(rng.normal(size=(3, 3)), "W")
    z1 = named(linear(rng.normal(size=(4, 3)), w), "Z[1]")
    z2 = named(linear(named(sigmoid(z1), "A[1]"), w), "Z[2]")
    loss = named(squared_error(z2, np.zeros((4, 3))), "L")
    assert derive(loss, w, form="columns").steps[-1].text() == "dW = (1/m) (dZ[2] A[1]ᵀ + dZ[1] Xᵀ)"


def test_an_elementwise_formula_by_hand():
    """(2w₁ + ½w₂ + w₃)² at (1, 2, 3): the derivative is 2 · 6 · (2, ½, 1)."""
    w = Tensor([1.0, 2.0, 3.0], "w")
    loss = named((w * np.array([2.0, 0.5, 1.0])).sum() ** 2, "L")
    for form in FORMS:
        (step,) = derive(loss, w, form=form)
        assert step.text() == "dw = 2 Σ(w ⊙ C) ⊙ C"
        assert step.value.ravel().tolist() == [24.0, 6.0, 12.0]
        assert step.shape == (3,)
    assert (
        derive(loss, w).text()
        == """\
∂L/∂w

  C
  3
    = [ 2  0.5  1 ]

  L = (Σ(w ⊙ C))²
         3   3
    = 36

  dw = 2 Σ(w ⊙ C) ⊙ C
  3        3   3    3
    = [ 24  6  12 ]

w.grad   (no backward pass yet)"""
    )


def test_a_net_written_in_columns_stays_as_it_is():
    rng = np.random.default_rng(1)
    w1, b1 = Tensor(rng.normal(size=(3, 2)), "W[1]"), Tensor(rng.normal(size=(3, 1)), "b[1]")
    a = named(tanh(named(w1 @ rng.normal(size=(2, 5)) + b1, "Z[1]")), "A[1]")
    loss = named(((a - np.ones((3, 5))) ** 2).sum() / (2 * 5), "L")
    for form in FORMS:
        derivation = derive(loss, w1, form=form)
        assert lines(derivation) == [
            "dA[1] = A[1] − Y",
            "dZ[1] = dA[1] ⊙ (1 − A[1] ⊙ A[1])",
            "db[1] = (1/m) Σᵢ dZ[1](i)",
            "dW[1] = (1/m) dZ[1] Xᵀ",
        ]
        assert derivation.text().startswith("∂L/∂W[1], samples in columns, m = 5\n")


def test_regularization_stands_beside_the_mean():
    rng = np.random.default_rng(1)
    w = Tensor(rng.normal(size=(2, 3)), "W")
    z = named(linear(rng.normal(size=(5, 3)), w), "Z")
    loss = squared_error(z, np.zeros((5, 2))) + 0.1 * (w * w).sum()
    assert derive(loss, w).steps[-1].text() == "dW = 0.2 W + (1/m) dZᵀ X"


def test_a_piecewise_slope_tells_where_which_piece_holds():
    w = Tensor([[1.0, -2.0]], "w")
    z = named(w * np.array([[1.0], [3.0]]), "Z")
    assert lines(derive(leaky_relu(z, 0.1).sum(), w))[0] == "dZ = [Z > 0] + 0.1 [Z ≤ 0]"
    assert lines(derive(autograd.clip(z, -2.0, 2.0).sum(), w))[0] == "dZ = [Z ≥ −2] ⊙ [Z ≤ 2]"


# ---------------------------------------------------------------- every step in numbers


def evaluated(derivation, formula):
    """A formula's ASCII form, computed by NumPy from the quantities it names."""
    code = MatrixAscii(digits=None).sum(formula)
    known = {ascii_name(label): x for label, x in derivation.quantities.items()}
    known |= {"d" + ascii_name(s.label): s.value for s in derivation.steps}
    space = {name.removeprefix("array_"): op.forward for name, op in array_table.items()}
    space |= {name: getattr(autograd, name) for name in autograd.__all__}
    space |= {"m": derivation.samples, "ones": np.ones, "s_": np.s_, "clip": np.clip}
    for i, name in enumerate(sorted(known, key=len, reverse=True)):
        code = re.sub(rf"(?<![\w\]]){re.escape(name)}(?![\w(])", f"q{i}_", code)
        space[f"q{i}_"] = known[name]
    return np.asarray(eval(code, space))


def check(target, source):
    for form in FORMS:
        derivation = derive(target, source, form=form)
        assert isinstance(derivation, MatrixDerivation)
        assert derivation.steps[-1].node is source
        for d in derivation.definitions:
            np.testing.assert_allclose(evaluated(derivation, d.formula), d.value, rtol=1e-6, atol=1e-12)
        for step in derivation:
            found = evaluated(derivation, step.formula)
            assert found.shape == step.shape, step
            np.testing.assert_allclose(found, step.value, rtol=1e-9, atol=1e-12, err_msg=str(step))
            expected = gradients(target, step.node) * step.factor
            stands = derivation.quantities[step.label]
            is_turned = form == "columns" and stands.ndim == 2 and np.array_equal(stands.T, step.node.numpy())
            shown = step.value.T if is_turned else step.value.reshape(expected.shape)
            np.testing.assert_allclose(shown, expected, rtol=1e-9, atol=1e-12, err_msg=str(step))
        np.testing.assert_array_equal(derivation.value, gradients(target, source))
        check_latex(re.sub(r"\\\\|\\[{}]", " ", derivation.latex()))
        assert derivation.text(ascii=True).isascii()


M, RNG = 5, np.random.default_rng(7)
X, Y = RNG.normal(size=(M, 3)), RNG.normal(size=(M, 2))


def parameter(label, *shape):
    return Tensor(np.random.default_rng(len(label) + 10 * sum(shape)).normal(size=shape), label)


def sums(weight, x=X, label="Z[1]"):
    return named(linear(x, weight, parameter("b[1]", len(weight))), label)


def two_layers(w, activation=tanh, *, m=M):
    z1 = sums(w, np.random.default_rng(2).normal(size=(m, 3)))
    return named(linear(named(activation(z1), "A[1]"), parameter("W[2]", 2, 4), parameter("b[2]", 2)), "Z[2]")


def batch_norm(w):
    z = sums(w)
    n = named((z - named(z.mean(0), "mu")) / sqrt(named(z.var(0), "v") + 1e-5), "N")
    return squared_error(linear(n * parameter("gamma", 4), parameter("W[2]", 2, 4)), Y)


def layer_norm(w):
    z = sums(w)
    n = named((z - z.mean(1, keepdims=True)) / z.std(1, keepdims=True), "N")
    return squared_error(linear(n, parameter("W[2]", 2, 4)), Y)


def attention(w):
    scores = named((X @ w) @ (X @ parameter("K", 3, 4)).T / 2, "S")
    return squared_error(named(named(softmax(scores), "A") @ (X @ parameter("V", 3, 2)), "O"), Y)


def pieces(w):
    z = sums(w)
    c = named(autograd.concatenate([z[:, :2], relu(z[:, 2:])], axis=1), "C")
    r = named(c.reshape((2, M * 2)), "R")
    return (r.T @ r).sum() + (z[[0, 0, 3]] ** 2).sum()


def deep_without_names(w):
    z = w
    for _ in range(8):
        z = tanh(z * 1.1) + z
    return z.sum()


def tied(w):
    x = w.T @ w
    return (tanh(x) @ x).sum() + norm(w)


def kinks(w):
    z = sums(w)
    y = autograd.maximum(z, 0.1) + autograd.clip(z, -0.5, 0.5) + autograd.abs(z)
    return (y + autograd.where(z.data > 0, z * z, 3.0)).sum() + z.max(1).sum()


LABELS = np.array([1, 0, 1, 1, 0])
GRAPHS = {
    "softmax": lambda w: softmax_cross_entropy(two_layers(w), LABELS),
    "one sample": lambda w: softmax_cross_entropy(two_layers(w, m=1), LABELS[:1]),
    "49 samples": lambda w: squared_error(two_layers(w, m=49), np.ones((49, 2))),
    "sigmoid from logits": lambda w: binary_cross_entropy_with_logits(two_layers(w, sigmoid), np.eye(5)[:, :2]),
    "sigmoid": lambda w: binary_cross_entropy(named(sigmoid(two_layers(w, relu)), "A[2]"), np.eye(5)[:, :2]),
    "softplus": lambda w: squared_error(two_layers(w, softplus), Y),
    "leaky relu": lambda w: squared_error(two_layers(w, leaky_relu), Y),
    "mean by hand": lambda w: ((two_layers(w) - Y) ** 2).mean(),
    "no names": lambda w: squared_error(linear(relu(linear(Tensor(X), w)), Tensor(np.ones((2, 4)))), Y),
    "by matmul": lambda w: (((X @ w.T + np.ones(4)) - 1.0) ** 2).mean(),
    "vector": lambda w: squared_error(named(tanh(linear(X[0], w, parameter("b", 4))), "a"), np.ones(4)),
    "matrix times vector": lambda w: squared_error(named(sums(w) @ parameter("v", 4), "yhat"), np.ones(M)),
    "vector times matrix": lambda w: (parameter("v", 4) @ w).sum() ** 2,
    "outer": lambda w: (outer(w[0], w[1]) * np.arange(9.0).reshape(3, 3)).sum(),
    "stack of matrices": lambda w: (named(tanh(np.arange(30.0).reshape(2, 5, 3) / 9 @ w.T), "H") ** 2).sum(),
    "stack through linear": lambda w: (named(tanh(linear(np.arange(30.0).reshape(2, 5, 3) / 9, w)), "H") ** 2).sum(),
    "weighted": lambda w: squared_error(sums(w), np.ones((M, 4)), np.arange(1.0, 6.0)),
    "logsumexp": lambda w: (logsumexp(sums(w), axis=1) - 1).sum(),
    "log softmax": lambda w: (log_softmax(sums(w)) * np.ones((M, 4))).sum(),
    "product": lambda w: w.prod(1).sum() + (w[0] ** 2).prod(),
    "powers": lambda w: (exp(w) ** 2.5 / (1 + w**2) - sin(w) * 2 ** (w * 0.1)).mean(),
    "batch norm": batch_norm,
    "layer norm": layer_norm,
    "attention": lambda w: attention(w.T),
    "pieces": pieces,
    "deep": deep_without_names,
    "tied": tied,
    "kinks": kinks,
}


@pytest.mark.parametrize(
    "graph",
    mostly_slow(GRAPHS, "sigmoid", "softmax", "vector", "no names", "outer", "by matmul", "logsumexp"),
)
def test_every_formula_is_the_gradient_in_numbers(graph):
    w = parameter("W[1]", 4, 3)
    check(GRAPHS[graph](w), w)


@pytest.mark.parametrize(
    ("last", "loss", "y"),
    [
        ("sigmoid", "binary_crossentropy", np.eye(5)[:, :2]),
        ("softmax", "sparse_categorical_crossentropy", LABELS),
        *slow_rows(("linear", "mse", Y), ("linear", "mae", Y), ("linear", "huber", Y)),
    ],
)
def test_a_sequential_is_derived_from_its_labels(last, loss, y):
    model = Sequential([Dense(4, "leaky_relu", input_shape=(3,)), Dense(2, last)], dtype="float64", rng=0)
    model.compile("sgd", loss)
    check(model.loss(y, model(X)), model.layers[0].weight)
    trained = model.loss_of(X, y)
    names = [s.name for s in derive(trained, model.layers[0].weight)]
    assert names[-6:] == ["dW[2]", "db[2]", "dA[1]", "dZ[1]", "db[1]", "dW[1]"]
    if last != "linear":
        assert (
            derive(trained, model.layers[0].weight, form="columns")
            .steps[0]
            .text()
            .endswith("A[2] − Y" if last == "softmax" else "½ (A[2] − Y)")
        )


def test_float32_is_derived_as_well():
    model = Sequential([Dense(3, "relu", input_shape=(3,)), Dense(2)], rng=0)
    model.compile("sgd", "mse")
    derivation = derive(model.loss(Y, model(X)), model.layers[0].weight)
    assert derivation.value.dtype == np.float32
    np.testing.assert_allclose(derivation.steps[-1].value, derivation.value, rtol=1e-5)


@restored()
def test_a_pull_that_cannot_be_read_on_names_is_written_as_its_name():
    @structural(lambda g, z, x, times: np.rot90(g, -2 * times), None)
    def rolled(x, times):
        return np.rot90(x, 2 * times)

    w = Tensor([[1.0, 2.0], [3.0, 4.0]], "W")
    loss = (rolled(w * 2, 1) * np.array([[1.0, 2.0], [3.0, 4.0]])).sum()
    (step,) = derive(loss, w)
    assert step.text() == "dW = 2 rolled_pull_0(C, rolled(2 W, times=1), 2 W, 1)"
    assert step.value.tolist() == [[8.0, 6.0], [4.0, 2.0]]
    check_latex(re.sub(r"\\\\|\\[{}]", " ", derive(loss, w).latex()))


@restored()
def test_an_operation_of_ones_own_on_arrays_is_written_as_it_says():
    @structural(lambda g, z, x: 2 * g * x, formula=lambda x: (x * x).sum())
    def squares(x):
        """Σ x². Gradient: 2gx."""
        return x.ravel().dot(x.ravel())

    @structural(lambda g, z, a: g * np.ones((2, 2)), text="all(#)", latex=r"\mathcal{A}")
    def everything(a):
        """Σ a. Gradient: g everywhere."""
        return a.sum()

    w = Tensor([[1.0, 2.0], [3.0, 5.0]], "W")
    derivation = derive(named(squares(w) + everything(w) ** 2, "L"), w)
    assert "L=Σ(W⊙W)+all(W)²" in derivation.text().replace(" ", "")
    assert r"\mathcal{A}(" in derivation.latex()
    assert np.array_equal(derivation.value, [[24.0, 26.0], [28.0, 32.0]])


@restored()
def test_a_reduction_of_ones_own_is_turned_for_columns_as_ours_are():
    @reduction(lambda z, x: 2 * x)
    def energy(x):
        return sum(u * u for u in x)

    x, w = Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "X"), Tensor([[0.1, 0.2], [0.3, 0.4]], "W")
    e = named(energy(named(x @ w.T, "Z"), axis=1), "e")
    text = derive((e * e).mean(), w, form="columns").text()
    assert re.search(r"e += energy\(Zᵀ *, axis=1, keepdims=True\)\n +3×1 ", text)


# ---------------------------------------------------------------- asking


def test_a_derivation_tells_its_parts():
    loss, w1 = digits_net()
    derivation = derive(loss, w1)
    assert repr(derivation) == "<derivation of dL/dW[1]: 7 steps, an array of shape (3, 2)>"
    assert len(derivation) == 7
    assert [s.name for s in derivation][:2] == ["dZ[2]", "dW[2]"]
    assert [s.factor for s in derivation] == [4, 1, 1, 4, 4, 1, 1]
    assert [s.shape for s in derivation] == [(4, 2), (2, 3), (2,), (4, 3), (4, 3), (3,), (3, 2)]
    assert derivation.samples == 4
    assert list(derivation.given) == ["X", "Y"]
    assert [d.label for d in derivation.definitions] == ["Z[1]", "A[1]", "Z[2]", "A[2]", "L"]
    assert str(derivation.steps[0]) == "dZ[2] = A[2] − Y"


def test_the_derivative_by_an_interior_node_ends_there():
    loss, w1 = digits_net()
    a1 = next(s.node for s in derive(loss, w1) if s.name == "dA[1]")
    assert lines(derive(loss, a1))[-1] == "dA[1] = dZ[2] W[2]"


def test_the_gradient_beside_it_is_compared():
    loss, w1 = digits_net()
    verdicts = [derive(loss, w1).text().rsplit("\n", 1)[-1]]
    for _ in range(2):
        loss.backward()
        verdicts.append(derive(loss, w1).text().rsplit("\n", 1)[-1])
    assert verdicts[:2] == ["W[1].grad   (no backward pass yet)", "W[1].grad   (equal)"]
    assert verdicts[2].startswith("W[1].grad   (not equal: it adds up over backward passes")
    again = derive(named((w1 * w1).sum(), "R"), w1).text()
    assert again.endswith("W[1].grad   (not equal: of an earlier backward pass, which did not start from R)")


def test_a_source_without_influence_and_the_target_itself():
    w, v = Tensor([1.0, 2.0], "w"), Tensor([3.0], "v")
    derivation = derive(w.sum(), v)
    assert str(derivation) == "∂L/∂v = 0: L does not depend on v"
    assert r"\frac{\partial L}{\partial v} &= 0" in derivation.latex()
    assert derivation.value.tolist() == [0.0]
    y = named(Tensor(2.0), "y")
    assert str(derive(y, y)) == "∂y/∂y = 1"
    assert r"\frac{\partial y}{\partial y} &= 1" in derive(y, y).latex()


def test_constants_are_named_by_their_place():
    w = Tensor(np.ones((2, 2)), "X")
    loss = squared_error(np.ones((3, 2)) @ w + np.ones((3, 4)) @ Tensor(np.ones((4, 2))), np.zeros((3, 2)))
    assert list(derive(loss, w).given) == ["X_1", "X_2", "V", "Y"]


def test_the_text_does_not_depend_on_the_terminal(monkeypatch):
    loss, w1 = digits_net()
    derivation = derive(loss, w1)

    class Old:
        encoding = "cp437"

    monkeypatch.setattr(sys, "stdout", Old())
    text = str(derivation)
    monkeypatch.undo()
    assert text == derivation.text()


def test_what_is_refused():
    loss, w1 = digits_net()
    with pytest.raises(ValueError, match="expected form to be 'rows' or 'columns'; got 'cols'"):
        derive(loss, w1, form="cols")
    with pytest.raises(
        TypeError, match="expected target and source to be both Values or both Tensors, got Tensor and Value"
    ):
        derive(loss, Value(1.0, "w"))
    with pytest.raises(
        TypeError, match="expected the source to be a Value or a Tensor, got list; derive by each source"
    ):
        derive(loss, [w1])
    with pytest.raises(
        ValueError, match=r"the source has no name to write formulas with. Give it one \(w.label = 'W\[1\]'\)"
    ):
        derive(loss, Tensor([1.0]))
    with pytest.raises(ValueError, match="level, top and limit are for Values"):
        derive(loss, w1, level="op")
    with pytest.raises(ValueError, match="form is for Tensors"):
        derive(Value(1.0), Value(1.0, "w"), form="columns")
    for whole in (w1 * 2, w1):
        with pytest.raises(ValueError, match=r"expected a target of one number.* \(3, 2\).* derive\(target.sum\(\), "):
            derive(whole, w1)
    w1.data[0, 0] += 1
    with pytest.raises(RuntimeError, match="changed after the forward pass"):
        derive(loss, w1)


@pytest.mark.slow
def test_long_chains_need_no_deep_stack_and_no_time():
    x = z = Tensor(np.ones((2, 2)), "x")
    for i in range(3000):
        z = z * 1.0001
        z.label = f"a_{i}" if i % 3 == 0 else None
    derivation = derive(z.sum(), x)
    assert len(derivation) == 1001
    assert derivation.latex(most=1001).count(r"\\") >= 1000
    assert "…  971 more: text(most=1001)" in derivation.text()
    assert len(derivation.text().splitlines()) < 400


def test_what_only_the_target_mentions_is_defined_too():
    """Beside a penalty stands the cost, through which no gradient comes to what is penalized."""
    w, v = parameter("W", 2, 3), parameter("V", 2, 2)
    loss = squared_error(named(sigmoid(named(linear(X, w), "Z")), "A"), Y) + 0.1 * (v * v).sum()
    derivation = derive(named(loss, "L"), v)
    assert [d.label for d in derivation.definitions] == ["Z", "A", "L"]
    assert lines(derivation) == ["dV = 0.2 V"]
    check(loss, v)


@pytest.mark.parametrize(
    ("loss", "target", "activation"),
    [
        (binary_cross_entropy_with_logits, np.eye(4)[:, :2], "σ(Z[1])"),
        (softmax_cross_entropy, [0, 1, 1, 0], "softmax(Z[1])"),
    ],
)
def test_a_net_in_columns_may_hand_its_transpose_to_a_loss_of_rows(loss, target, activation):
    w = parameter("W[1]", 2, 3)
    z = named(w @ np.random.default_rng(4).normal(size=(3, 4)), "Z[1]")
    total = loss(z.T, target)
    derivation = derive(total, w, form="columns")
    assert [d.label for d in derivation.definitions] == ["Z[1]", "A[1]", "L"]
    assert f"A[1] = {activation}" in re.sub(" +", " ", derivation.text()).replace("Z[1] )", "Z[1])")
    check(total, w)


@pytest.mark.slow
def test_an_activation_that_only_a_definition_mentions_is_defined_too():
    w1, w2, w3 = parameter("W[1]", 4, 3), parameter("W[2]", 4, 4), parameter("W[3]", 2, 4)
    a = softmax(named(linear(X, w1), "Z[1]"))
    z = named(linear(named(tanh(named(linear(a, w2), "Z[2]")), "A[2]"), w3), "Z[3]")
    loss = squared_error(z, Y)
    known = [d.label for d in derive(loss, w2).definitions]
    assert known == ["Z[1]", "A[1]", "Z[2]", "A[2]", "Z[3]", "L"]
    check(loss, w2)


def test_parts_of_a_derivation_are_shown_by_their_equations():
    loss, (w1, _) = lecture_example()
    derivation = derive(loss, w1, form="columns")
    assert repr(derivation.steps[-1]) == "<dW[1] = dZ[1] @ X.T, an array of shape (2, 2)>"
    assert repr(derivation.definitions[1]) == "<A[1] = sigmoid(Z[1]), an array of shape (2, 1)>"


@pytest.mark.parametrize(
    ("loss", "definition"),
    [
        (lambda z: softmax_cross_entropy(z, [0, 1]), r"A +\S* *= softmax\(Z"),
        (lambda z: binary_cross_entropy_with_logits(z, np.eye(2, 3)), r"A +\S* *= σ\(Z"),
    ],
)
def test_the_activation_of_a_leaf_is_defined_before_it_is_mentioned(loss, definition):
    z = Tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]], "Z")
    text = str(derive(loss(z), z))
    assert len(re.findall(definition, text)) == 1
    assert re.search(definition, text).start() < text.index("dZ")


# ---------------------------------------------------------------- kinds of lines that were wrong once


def formulas(target, source, **form):
    """The lines of a derivation by name, in text."""
    derivation = derive(target, source, **form)
    return {d.label: d.formula.text() for d in derivation.definitions} | {s.name: s.text() for s in derivation}


def test_what_stands_below_a_fraction_holds_together():
    p, q, k = parameter("P", 3, 2), parameter("Q", 3, 2), parameter("K", 2, 2)
    assert formulas((q * p / (p * p + 1)).sum(), q)["dQ"] == "dQ = P/(P ⊙ P + 1)"
    assert formulas((q / p**3).sum(), p)["dP"] == "dP = −3 Q/P^∘4"
    ratio = derive((1 / (q @ k)).sum(), k)
    assert ratio.steps[-1].text() == "dK = −Qᵀ (1/(Q K)^∘2)"
    assert ratio.steps[-1].text(ascii=True) == "dK = -Q.T @ (1/(Q @ K)**2)"
    assert ratio.steps[-1].latex() == r"dK = -Q^{T}\, \frac{1}{{(Q\, K)}^{\circ 2}}"


def test_one_sample_stands_below_its_name_and_the_index_on_every_name():
    a = named(sigmoid(linear(X, parameter("W", 2, 3), parameter("b", 2))), "A")
    text = derive(squared_error(a, Y), a.operands[0].operands[1]).text()
    assert "  db = (1/m) Σᵢ(dA(i) ⊙ A(i) ⊙ (1 − A(i)))\n  2             1×2     1×2         1×2\n" in text
    loss, w1 = digits_net()
    assert "  db[2] = (1/m) Σᵢ dZ[2](i)\n  2×1              2×1\n" in derive(loss, w1, form="columns").text()


def test_a_label_with_a_digit_is_no_component_under_a_sum():
    z = named(X @ parameter("W", 3, 2), "part3")
    assert "Σᵢ part₃(i)" in formulas((z.sum(0) ** 2).sum(), z)["L"]


@pytest.mark.parametrize("by_hand", [False, True])
def test_softmax_as_a_step_of_its_own_ends_in_the_difference(by_hand):
    z = named(linear(X, parameter("W", 3, 3)), "Z")
    e = exp(z)
    a = named(e / e.sum(1, keepdims=True) if by_hand else softmax(z), "P")
    target = np.eye(3)[[0, 1, 2, 0, 1]]
    loss = -(target * autograd.log(a)).sum() / M
    assert formulas(loss, z)["dZ"] == "dZ = P ⊙ (dP − Σⱼ(dPⱼ ⊙ Pⱼ)) = P − Y"
    assert derive(loss, z).steps[-1].latex().endswith(" = P - Y")
    check(loss, z)


def test_sigmoid_as_a_step_of_its_own_ends_in_the_difference():
    z = named(linear(X, parameter("W", 1, 3)), "Z")
    a = named(sigmoid(z), "G")
    assert formulas(binary_cross_entropy(a, np.ones((M, 1)) * [[0.25]]), z)["dZ"] == "dZ = dG ⊙ G ⊙ (1 − G) = G − Y"


def test_the_1_over_m_needs_no_name_on_the_way():
    w = parameter("w", 3, 1)
    assert formulas(squared_error(X @ w, Y[:, :1]), w)["dw"] == "dw = (1/m) Xᵀ (X w − Y)"
    assert formulas(((X @ w - Y[:, :1]) ** 2).sum() / M, w)["dw"] == "dw = (2/m) Xᵀ (X w − Y)"
    assert formulas(0.5 * ((X @ w - Y[:, :1]) ** 2).sum(), w)["dw"] == "dw = Xᵀ (X w − Y)"


def test_an_unlabelled_tensor_as_input_has_samples_too():
    w = parameter("W", 2, 3)
    assert derive(squared_error(tanh(Tensor(X) @ w.T), Y), w).samples == M
    assert derive(squared_error((w @ Tensor(X.T)).T, Y), w).text().startswith("∂L/∂W, samples in columns, m = 5")


def test_a_parameter_called_m_is_not_the_number_of_samples():
    m = parameter("m", 2)
    lines = formulas(squared_error(named(linear(X, parameter("W", 2, 3), m), "Z"), Y), m)
    assert lines["dm"] == "dm = (1/m₂) Σᵢ dZ(i)"


def test_an_index_is_no_quantity_of_that_name():
    i = parameter("i", 2)
    lines = formulas(squared_error(named(linear(X, parameter("W", 2, 3), i), "Z"), Y), i)
    assert lines["di"] == "di = (1/m) Σ(dZ over axis 0)"


def test_a_softmax_over_the_other_axis_says_so_and_has_its_own_numbers():
    z = named(parameter("W", 2, 3) @ Tensor(X.T, "X"), "Z")
    columns = derive((softmax(z, axis=0) ** 2).sum(), z)
    assert columns.definitions[1].formula.text() == "softmax(Z)"
    np.testing.assert_allclose(columns.definitions[1].value.sum(0), 1.0)
    rows = derive((softmax(z, axis=1) ** 2).sum(), z)
    assert rows.definitions[1].formula.text() == "softmax(Z over axis 1)"
    np.testing.assert_allclose(rows.definitions[1].value.sum(1), 1.0)


def test_a_softmax_that_has_a_name_gets_no_other():
    z = named(linear(X, parameter("W", 2, 3)), "Z")
    lines = formulas(squared_error(named(softmax(z), "S"), Y), z)
    assert lines["S"] == "softmax(Z)"
    assert "A" not in lines


def test_a_row_of_biases_is_a_column_where_samples_are():
    b = parameter("b", 1, 2)
    derivation = derive(squared_error(named(Tensor(X, "X") @ parameter("W", 3, 2) + b, "Z"), Y), b, form="columns")
    assert derivation.steps[-1].shape == (2, 1)
    assert derivation.definitions[0].formula.text() == "Wᵀ X + b"


def test_products_with_vectors_are_kept_apart():
    v, a = parameter("v", 3), parameter("A", 3, 3)
    assert formulas((v @ a) @ (v @ a), v) == {"L": "(v A) · (v A)", "dA": "dA = 2 vᵀ (v A)", "dv": "dv = 2 (v A) Aᵀ"}


def test_what_stands_in_a_matrix_product_or_under_a_sum_is_simplified_too():
    w, b, y = parameter("w", 3), parameter("b"), Y[:, 0].round()
    p = named(sigmoid(Tensor(X, "X") @ w + b), "p")
    lines = formulas(-(y * autograd.log(p) + (1 - y) * autograd.log(1 - p)).mean(), w)
    assert lines["dw"] == "dw = (1/m) Xᵀ (dp ⊙ p ⊙ (1 − p)) = (1/m) Xᵀ (p − Y)"
    assert lines["db"] == "db = (1/m) Σ(dp ⊙ p ⊙ (1 − p)) = (1/m) Σ(p − Y)"


def test_ones_beside_what_has_their_shape_are_not_written():
    w = parameter("W", 2, 3)
    a = named(relu(named(linear(X, w), "Z")), "A")
    assert formulas(a.sum(), w)["dZ"] == "dZ = dA ⊙ [Z > 0] = [Z > 0]"


def test_targets_whose_columns_sum_to_1_are_known_as_such_also_where_their_rows_do():
    z = named(parameter("W", 3, 3) @ Tensor(X[:3].T, "X"), "Z")
    a = named(softmax(z, axis=0), "A")
    assert formulas(-(np.eye(3) * autograd.log(a)).sum() / 3, z)["dZ"].endswith(" = A − Y")


@pytest.mark.parametrize(
    ("scale", "written"), [(5, "(1/m)"), (10, "(1/(2 m))"), (100, "0.01"), (20, "0.05"), (2.5, "0.4")]
)
def test_only_m_and_2m_are_taken_for_the_number_of_samples(scale, written):
    loss = named(((Tensor(X, "X") @ parameter("w", 3, 1) - Y[:, :1]) ** 2).sum() / scale, "L")
    assert (
        derive(loss, loss.operands[0].operands[0].operands[0].operands[0].operands[1]).definitions[-1].formula.text()
        == f"{written} Σ((X w − Y)^∘2)"
    )


def test_a_state_before_the_first_step_has_a_row_per_sample_too():
    x, w, u = Tensor(X[:, :2], "X_1"), parameter("W", 2, 2), parameter("U", 2, 2)
    h, c = parameter("H_0", M, 2), parameter("C_0", M, 2)
    cell = named(sigmoid(x @ w + h @ u) * c, "C_1")
    derivation = derive(squared_error(cell, Y), u, form="columns")
    assert derivation.definitions[0].formula.text() == "σ(Wᵀ X₁ + Uᵀ H₀) ⊙ C₀"
    assert derivation.quantities["H_0"].shape == (2, M)


def test_a_sum_that_has_a_name_is_known_by_it():
    z = named(Tensor(X, "X") @ parameter("W", 3, 2), "Z")
    n = named((z - z.mean(0)) / sqrt(z.var(0) + 0.01), "N")
    lines = formulas((n**3).sum(), z)
    assert lines["V_1"] == "Z − (1/m) Σᵢ Z(i)"
    assert lines["N"] == "V₁/√((1/m) Σᵢ(V₁(i) ⊙ V₁(i)) + 0.01)"


def test_a_number_in_which_everything_cancels_is_known_by_nothing():
    s, w = parameter("s"), parameter("W", 2, 2)
    one = named((s * 2.0) / (s * 2.0), "q")
    assert formulas((one * w * exp(w)).sum(), w)["dW"] == "dW = q exp(W) ⊙ (1 + W)"


def test_numbers_with_a_name_stand_before_matrices_by_it():
    w = parameter("W", 2, 2)
    assert formulas((w @ w.T / np.sqrt(2)).sum(), w)["L"] == "(1/√2) Σ(W Wᵀ)"
    assert formulas((np.pi * w).sum(), w)["L"] == "π Σ(W)"
    assert formulas((np.log(2) * 2.0**w).sum(), w)["L"] == "(ln 2) Σ(2^∘W)"
    assert formulas((w / 0.07).sum(), w)["L"] == "(1/0.07) Σ(W)"


def test_lengths_have_bars_and_a_column_by_a_row_is_their_product():
    a, b = parameter("a", 3), parameter("b", 3)
    assert formulas((a @ b) / (norm(a) * norm(b)), a)["L"] == "(1/(‖a‖ ‖b‖)) a · b"
    assert formulas(b @ parameter("A", 3, 3) @ a, a)["dA"] == "dA = bᵀ a"
    assert derive(norm(a), a).definitions[0].formula.latex() == r"\lVert a \rVert"


def test_a_vector_put_together_from_numbers_is_a_list_of_them():
    x, k = parameter("x", 3), parameter("k", 2)
    o = named(autograd.stack([(x[i : i + 2] * k).sum() for i in range(2)]), "o")
    assert formulas((o**2).sum(), k)["o"] == "[Σ(x[0:2] ⊙ k), Σ(x[1:3] ⊙ k)]"


@pytest.mark.slow
def test_an_ellipsis_says_what_is_left_out():
    w = parameter("w", 2)
    steps = [named(w * float(i) + np.array([i, 1.0]), f"z_{i}") for i in range(1, 70)]
    loss = sum((tanh(z) * z).sum() for z in steps)
    derivation = derive(loss, w)
    assert derivation.steps[-1].formula.text() == "…"
    assert "\n  …  in a formula: more than 120 symbols; label what lies between\n" in derivation.text().replace(
        "…  in", "  …  in"
    )
    assert r"\text{\ldots{} in a formula: more than 120 symbols; label what lies between}" in derivation.latex()


def test_zeros_give_zeros():
    w = parameter("W", 2, 2)
    lines = formulas(((w * 0) ** 2).sum() + w.sum(), w)
    assert lines == {"L": "Σ(W)", "dW": "dW = 𝟏₂ₓ₂"}


def test_a_minus_before_an_index_is_no_part_of_it():
    w = parameter("w", 6)
    assert formulas((-w[1:3] * w[2:4]).sum(), w)["L"] == "−Σ(w[1:3] ⊙ w[2:4])"
    assert formulas(((1 - w)[1:3]).sum(), w)["L"] == "Σ((1 − w)[1:3])"


def test_a_long_index_has_a_name_and_its_numbers_stand_above():
    w = parameter("w", 4)
    derivation = derive((w[[0, 1, 2, 3, 0, 1, 2, 3, 1, 1]] ** 2).sum(), w)
    assert derivation.definitions[-1].formula.text() == "Σ((w)[C]^∘2)"
    assert derivation.given["C"].tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 1, 1]
    assert "  C\n  10\n    in .given['C']\n" in derivation.text()


def test_a_constant_never_takes_a_letter_of_the_users():
    c = parameter("C[1]", 2, 3)
    derivation = derive((c * np.arange(6.0).reshape(2, 3)).sum(), c)
    assert list(derivation.given) == ["K"]


def test_one_minus_an_unnamed_array_is_written_with_its_name():
    a = named(sigmoid(linear(X, parameter("W", 1, 3))), "A")
    y = np.array([[1.0], [0.0], [1.0], [1.0], [0.0]])
    loss = -(y * autograd.log(a) + (1 - y) * autograd.log(1 - a)).mean()
    assert formulas(loss, a)["L"] == "−(1/m) Σ(Y ⊙ log(A) + (1 − Y) ⊙ log(1 − A))"


def test_what_is_masked_by_minus_infinity_is_a_choice():
    q = parameter("Q", 3, 3)
    scores = named(autograd.where(np.tri(3) > 0, q @ q.T, -np.inf), "S")
    derivation = derive((softmax(scores) ** 2).sum(), q)
    assert derivation.definitions[0].formula.text() == "where([row ≥ column], Q Qᵀ, −∞)"
    assert not derivation.given


def test_formulas_of_steps_are_shown_by_themselves():
    loss, w1 = digits_net()
    formula = derive(loss, w1).steps[-1].formula
    assert repr(formula) == "<formula (1/m) * dZ[1].T @ X>"
    assert str(formula) == "(1/m) dZ[1]ᵀ X"
    assert formula.latex() == r"\frac{1}{m}\, dZ^{[1]T}\, X"


def test_a_late_parameter_finds_everything_defined():
    z1 = sums(parameter("W[1]", 4, 3))
    w = parameter("W[2]", 2, 4)
    late = derive(squared_error(named(linear(named(tanh(z1), "A[1]"), w), "Z[2]"), Y), w)
    assert [d.label for d in late.definitions] == ["Z[1]", "A[1]", "Z[2]", "L"]


@pytest.mark.slow
def test_long_derivations_take_time_in_proportion():
    """The formulas read for 40 layers are twice those for 20."""
    counts = []
    for layers in (20, 40):
        a, first = X, None
        for i in range(1, layers + 1):
            w = parameter(f"W[{i}]", 3, 3)
            first = w if first is None else first
            a = named(tanh(named(linear(a, w), f"Z[{i}]")), f"A[{i}]")
        counts.append(_calls(derive, squared_error(a, np.ones((M, 3))), first))
    assert counts[1] < 2.2 * counts[0]


def _calls(f, *operands):
    """How many functions f calls."""
    count = 0

    def counted(frame, event, argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        f(*operands)
    finally:
        sys.setprofile(None)
    return count


def einsum_lines(subscripts, *names):
    """What is printed of an einsum of arrays with these names, and of its derivatives by them: the formulas."""
    rng, sizes = np.random.default_rng(0), dict(zip("abcdhijklnot", [2, 2, 2, 4, 2, 3, 4, 5, 2, 2, 3, 3], strict=True))
    terms = subscripts.partition("->")[0].split(",")
    xs = [Tensor(rng.normal(size=[sizes[c] for c in t]), name) for t, name in zip(terms, names, strict=True)]
    z = named(einsum(subscripts, *xs), "Z")
    found = [derive(named((z * z).sum() if z.ndim else z * z, "L"), x) for x in xs]
    return [found[0].definitions[0].formula, *(d.steps[-1].formula for d in found)]


@pytest.mark.parametrize(
    ("subscripts", "written"),
    [
        ("ij,jk->ik", "A B; dZ Bᵀ; Aᵀ dZ"),
        ("ij,kj->ik", "A Bᵀ; dZ B; dZᵀ A"),
        ("bij,bjk->bik", "A B; dZ Bᵀ; Aᵀ dZ"),
        ("bti,oi->bto", "A Bᵀ; dZ B; Σ(dZᵀ A over axis 0)"),
        ("ij->ji", "Aᵀ; dZᵀ"),
        ("ij->j", "Σ(A over axis 0); dZ ⊙ 𝟏₃ₓ₄"),
        ("i,j->ij", "Aᵀ B; dZ B; A dZ"),
        ("i,i->", "A · B; dZ B; dZ A"),
        ("ij,ij->", "Σ(A ⊙ B); dZ B; dZ A"),
        ("ij,i->ij", "A ⊙ Bᵀ; dZ ⊙ Bᵀ; (Σ(dZ ⊙ A over axis 1))ᵀ"),
        ("ij,kl,jk->il", "A C B; dZ Bᵀ Cᵀ; Cᵀ Aᵀ dZ; Aᵀ dZ Bᵀ"),
        ("btd,dhk->bhtk", "(Σ_d A_btd B_dhk)_bhtk; (Σₕₖ dZ_bhtk B_dhk)_btd; (Σ_bt dZ_bhtk A_btd)_dhk"),
        ("ijk->kij", "(Aᵢⱼₖ)ₖᵢⱼ; (dZₖᵢⱼ)ᵢⱼₖ"),
    ],
)
def test_an_einsum_is_written_as_products_and_otherwise_as_sums_over_indices(subscripts, written):
    names = "ABC"[: 1 + subscripts.count(",")]
    assert [x.text() for x in einsum_lines(subscripts, *names)] == written.replace("|", ";").split("; ")


def test_a_trace_has_its_name():
    a = Tensor(np.arange(9.0).reshape(3, 3), "A")
    derivation = derive(named(einsum("ii->", a) ** 2, "L"), a)
    assert derivation.definitions[0].formula.text() == "tr(A)²"
    assert derivation.steps[-1].formula.text() == "2 tr(A) diag(𝟏₃)"


def test_sums_over_indices_in_latex_mathml_and_for_numpy():
    forward, _, by_w = einsum_lines("btd,dhk->bhtk", "X", "W[1]_Q")
    assert forward.text() == "(Σ_d X_btd (W[1]_Q)_dhk)_bhtk"
    assert forward.latex() == r"{(\sum_{d}\, X_{btd}\, {W^{[1]}_{Q}}_{dhk})}_{bhtk}"
    assert MatrixAscii().sum(by_w) == "einsum('bhtk,btd->dhk', dZ, X)"
    a = Tensor(np.arange(24.0).reshape(2, 3, 4), "A")
    line = derive(named((einsum("ijk->kij", a * a) ** 3).sum(), "L"), a).mathml()
    assert "<mrow><mi>k</mi><mi>i</mi><mi>j</mi></mrow></msub>" in line
    assert "einsum" not in line


@pytest.mark.parametrize("subscripts", ["ij,kl->ijkl", "abc,cd,de->bae", "i,ijk->jk"])
def test_sums_over_indices_are_the_numbers_beside_them(subscripts):
    rng, inputs = np.random.default_rng(1), subscripts.partition("->")[0].split(",")
    sizes = {c: 2 + i for i, c in enumerate(sorted(set("".join(inputs))))}
    known = {n: rng.normal(size=[sizes[c] for c in t]) for t, n in zip(inputs, "ABC", strict=False)}
    xs = [Tensor(x, n) for n, x in known.items()]
    z = named(einsum(subscripts, *xs), "Z")
    for x in xs:
        step = derive(named((z * z).sum(), "L"), x).steps[-1]
        numbers = known | {"dZ": 2 * z.data}
        assert read_index_sum(step.formula.text(), numbers) == pytest.approx(step.value)
        assert read_index_sum(step.formula.latex(), numbers) == pytest.approx(step.value)


def read_index_sum(text, numbers):
    """The value of "(Σⱼ Aᵢⱼ Bⱼₖ)ᵢₖ", in Unicode or LaTeX, by loops over all indices, or of a product of names."""
    below = dict(zip("ₐₑₕᵢⱼₖₗₘₙₒₚₜ", "aehijklmnopt", strict=True))
    text = re.sub(f"[{''.join(below)}]+", lambda m: "_" + "".join(below[c] for c in m[0]), text)
    text = text.replace(r"\sum", "Σ").replace(r"\,", "").replace("{", "").replace("}", "")
    if not (found := re.fullmatch(r"\((?:Σ_(\w+) +)?(.*)\)_(\w+)", text)):
        return np.linalg.multi_dot([numbers[n.rstrip("ᵀT^")].T if n[-1] in "ᵀT" else numbers[n] for n in text.split()])
    summed, factors, result = found[1] or "", [f.split("_") for f in found[2].split()], found[3]
    sizes = {c: n for name, index in factors for c, n in zip(index, numbers[name].shape, strict=True)}
    assert set(sizes) == set(summed + result)
    z = np.zeros([sizes[c] for c in result])
    for places in itertools.product(*(range(sizes[c]) for c in result + summed)):
        at = dict(zip(result + summed, places, strict=True))
        z[places[: len(result)]] += math.prod(numbers[name][tuple(at[c] for c in index)] for name, index in factors)
    return z


def test_a_mean_that_is_divided_by_its_number_of_samples_again_is_no_mean_twice():
    w = Tensor([[1.0], [2.0]], "W")
    loss = named(squared_error(np.arange(6.0).reshape(3, 2) @ w, np.ones((3, 1))) / 3, "L")
    (step,) = derive(loss, w).steps
    assert step.text() == "dW = (1/(3 m)) Xᵀ (X W − Y)"


def gated():
    """A gate by hand over two features: four terms side by side, and names with marks above them."""
    x = Tensor([[0.5, -1.0]], label="X")
    w = Tensor([[0.2, -0.3], [0.4, 0.1]], label="W_gate")
    hidden = tanh(x @ w)
    hidden.label = "Hhat"
    gate = sigmoid(x @ w) * hidden + (1 - sigmoid(x @ w)) * x + hidden * x * x - hidden * hidden * x
    gate.label = "G"
    target = (gate**2).sum()
    target.label = "L"
    return derive(target, w)


def test_long_formulas_go_on_before_a_sign_with_their_shapes_below_them():
    derivation = gated()
    narrow, wide = derivation.text(width=60), derivation.text()
    assert max(map(len, narrow.splitlines())) <= 60 < max(map(len, wide.splitlines()))
    assert sorted(re.sub(r"\s", "", narrow)) == sorted(re.sub(r"\s", "", wide))  # nothing is lost
    pairs = itertools.pairwise(narrow.splitlines())
    starts = {line.strip()[0] for line, below in pairs if re.match(r" {6,}\S", line) and "×" in below}
    assert {"+", "−"} & starts
    assert str(derivation) == derivation.text(width=120)
    with pytest.raises(ValueError, match="expected width to be a positive integer or None; got 0"):
        derivation.text(width=0)


def test_signs_of_equality_stand_below_each_other_also_where_the_shape_is_wider_than_the_name():
    x, w, y = Tensor([[1.0, 2.0]], "x"), Tensor([[0.5], [-0.5]], "w"), Tensor([[1.0]], "y")
    z = x @ w
    z.label = "z"
    a = sigmoid(z)
    a.label = "a"
    lines = derive(binary_cross_entropy(a, y), w).text().splitlines()
    first, second = (line for line in lines if line in ("  dz  = da  ⊙ a   ⊙ (1 − a  )", "      = a   − y"))
    assert first.index("=") == second.index("=")


def test_a_mark_above_a_letter_takes_no_column():
    lines = gated().text().splitlines()
    at = next(i for i, line in enumerate(lines) if "Ĥ  = " in line or "Ĥ   = " in line)
    shown = re.sub("[\u0300-\u036f]", "", lines[at])
    assert shown.index("X") == lines[at + 1].index("1×2", 4)


def test_a_number_is_squared_as_numbers_are():
    w, x = Tensor([0.1, 0.2], "w"), Tensor([1.0, 2.0], "x")
    s = w @ x
    s.label = "s"
    assert formulas((s - 1) ** 2 / 2, w)["ds"] == "ds = s − 1"
    assert "L = ½ (s − 1)²" in derive((s - 1) ** 2 / 2, w).text()
