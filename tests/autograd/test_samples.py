"""Samples in rows and in columns: what is said, what the graph shows, and that the two never disagree in silence."""

import numpy as np
import pytest

from autograd import (
    Tensor,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    derive,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    squared_error,
)

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])  # two features of three samples
W = np.array([[0.4, -0.3], [0.2, 0.7]])
B = np.array([[0.1], [-0.2]])
Y = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])

LOSSES = [
    (squared_error, lambda p: 0.5 * ((p - Y) ** 2).sum(0).mean()),
    (binary_cross_entropy, lambda p: -(Y * np.log(p) + (1 - Y) * np.log(1 - p)).mean()),
    (binary_cross_entropy_with_logits, lambda z: (np.log1p(np.exp(z)) - Y * z).mean()),
    (softmax_cross_entropy, lambda z: (np.log(np.exp(z).sum(0)) - (Y * z).sum(0)).mean()),
]
IDS = [loss.__name__ for loss, _ in LOSSES]


def net():
    """Outputs of W X + b, between 0 and 1, with samples in columns as lecture notes have them."""
    return 0.9 * sigmoid(Tensor(W, "W") @ X + Tensor(B, "b"))


# ---------------------------------------------------------------- losses


@pytest.mark.parametrize(("loss", "by_hand"), LOSSES, ids=IDS)
def test_a_loss_of_columns_is_the_mean_over_the_columns(loss, by_hand):
    p = net()
    assert loss(p, Y, samples="columns").item() == pytest.approx(by_hand(p.data), rel=1e-12)
    assert loss(p.data, Y, samples="columns") == pytest.approx(by_hand(p.data), rel=1e-12)


@pytest.mark.parametrize(("loss", "_"), LOSSES, ids=IDS)
def test_columns_have_the_gradients_of_the_same_samples_in_rows(loss, _):
    one, other = Tensor(W), Tensor(W)
    loss(0.9 * sigmoid(one @ X + B), Y, samples="columns").backward()
    loss(0.9 * sigmoid(X.T @ other.T + B.T), Y.T).backward()
    assert one.grad == pytest.approx(other.grad, rel=1e-12)


@pytest.mark.parametrize(("loss", "_"), LOSSES, ids=IDS)
def test_columns_may_have_weights(loss, _):
    weight = [1.0, 0.0, 3.0]
    rows = loss(Tensor(net().data.T), Y.T, weight).item()
    assert loss(net(), Y, weight, samples="columns").item() == pytest.approx(rows, rel=1e-12)


def test_labels_go_with_columns_of_logits():
    z = Tensor(W) @ X + B
    labels = [0, 1, 0]
    assert softmax_cross_entropy(z, labels, samples="columns").item() == pytest.approx(
        softmax_cross_entropy(z.data.T, labels), rel=1e-12
    )


@pytest.mark.parametrize(("loss", "_"), LOSSES, ids=IDS)
def test_a_loss_refuses_columns_of_which_nothing_was_said(loss, _):
    with pytest.raises(ValueError, match=r'(?s)columns.*samples="columns" if these are 3 of 2.*samples="rows"'):
        loss(net(), Y)


def test_rows_that_were_said_are_taken():
    p = net()
    assert squared_error(p, Y, samples="rows").item() == pytest.approx(0.5 * ((p.data - Y) ** 2).sum() / 2, rel=1e-12)


@pytest.mark.parametrize("samples", ["column", "cols", 1, True])
def test_another_word_is_refused(samples):
    with pytest.raises(ValueError, match="expected samples to be 'rows' or 'columns'"):
        squared_error(net(), Y, samples=samples)


def test_columns_of_more_than_two_axes_are_refused():
    with pytest.raises(ValueError, match=r"expected \(outputs, samples\)"):
        squared_error(Tensor(np.ones((2, 3, 4))), np.ones((2, 3, 4)), samples="columns")


# ---------------------------------------------------------------- softmax


@pytest.mark.parametrize("of", [softmax, lambda z, **o: np.exp(log_softmax(z, **o)), Tensor.softmax])
def test_a_softmax_of_columns_runs_over_the_units(of):
    z = Tensor(W) @ X + B
    e = np.exp(z.data)
    assert of(z, samples="columns").data == pytest.approx(e / e.sum(0), rel=1e-12)


@pytest.mark.parametrize("of", [softmax, log_softmax, Tensor.softmax, Tensor.log_softmax])
def test_a_softmax_refuses_columns_of_which_nothing_was_said(of):
    with pytest.raises(ValueError, match='samples="columns"'):
        of(Tensor(W) @ X + B)


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_an_axis_that_was_said_is_taken(axis):
    z = Tensor(W) @ X + B
    assert softmax(z, axis).data.sum(axis) == pytest.approx(1.0)


def test_an_axis_and_samples_both_is_one_too_many():
    with pytest.raises(TypeError, match="leave one of them out"):
        softmax(Tensor(W), axis=0, samples="columns")


# ---------------------------------------------------------------- what the graph shows

SHAPES_OF_COLUMNS = {
    "data named x": lambda: Tensor(W) @ Tensor(X, "X"),
    "a bias of one column": lambda: Tensor(W) @ Tensor(X) + Tensor(B),
    "deeper": lambda: Tensor(W) @ relu(Tensor(W) @ X + B) + B,
    "data turned": lambda: Tensor(W) @ Tensor(X.T, "X").T,
    "a turned weight": lambda: Tensor(W).T @ X,
    "NumPy's dot": lambda: np.dot(Tensor(W), X),
    "rows turned": lambda: (Tensor(X.T, "X") @ Tensor(W)).T,
    "a bias before": lambda: B + Tensor(W) @ X,
    "an activation of two operands": lambda: np.maximum(Tensor(W) @ X, 0.1),
    "one sample": lambda: Tensor(W) @ X[:, :1],
}
SHAPES_OF_ROWS = {
    "weights on the right": lambda: Tensor(X.T) @ Tensor(W, "W") + Tensor(B.T),
    "named data": lambda: Tensor(X.T, "X") @ Tensor(W).T,
    "deeper": lambda: relu(X.T @ Tensor(W)) @ Tensor(W),
    "columns turned": lambda: (Tensor(W) @ X).T,
    "a constant that mixes samples": lambda: np.eye(3) @ (X.T @ Tensor(W)),
    "no product at all": lambda: Tensor(X) * 2.0,
    "two leaves and nothing else": lambda: Tensor(W) @ Tensor(X),
    "attention": lambda: softmax(Tensor(W) @ Tensor(W).T) @ (Tensor(W) * 2.0),
}


@pytest.mark.parametrize("shape", SHAPES_OF_COLUMNS)
def test_the_graph_shows_columns(shape):
    z = SHAPES_OF_COLUMNS[shape]()
    with pytest.raises(ValueError, match='samples="columns"'):
        squared_error(z, np.zeros(z.shape))


@pytest.mark.parametrize("shape", SHAPES_OF_ROWS)
def test_the_graph_shows_rows_or_nothing(shape):
    z = SHAPES_OF_ROWS[shape]()
    assert squared_error(z, np.zeros(z.shape)).item() == pytest.approx(0.5 * (z.data**2).sum() / len(z), rel=1e-12)


def test_one_number_is_one_either_way():
    z = Tensor([[0.5, 0.25]]) @ X[:, :1]
    assert squared_error(z, [[0.0]]).item() == pytest.approx(0.5 * z.item() ** 2)


# ---------------------------------------------------------------- what derive prints


def lines(text):
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_derivation_of_columns_is_that_of_the_lectures():
    w = Tensor(W, "W")
    a = sigmoid(w @ X + Tensor(B, "b"))
    a.label = "A"
    j = squared_error(a, Y, samples="columns")
    j.label = "J"
    for form in ("rows", "columns"):
        d = derive(j, w, form=form)
        text = lines(d.text())
        assert text[0] == "∂J/∂W, samples in columns, m = 3"
        assert "J = (1/(2 m)) Σ((A − Y )^∘2)" in text
        assert "dA = A − Y" in text
        assert "dW = (1/m) (dA ⊙ A ⊙ (1 − A )) Xᵀ" in text
        assert np.array_equal(d.given["Y"], Y)


def test_a_softmax_of_columns_gives_a_minus_y():
    w = Tensor(W, "W")
    z = w @ X + Tensor(B, "b")
    z.label = "Z"
    for target in (Y, [0, 1, 0]):
        text = lines(derive(softmax_cross_entropy(z, target, samples="columns"), w).text())
        assert "dZ = A − Y" in text
        assert "dW = (1/m) dZ Xᵀ" in text


def test_rows_that_were_said_are_counted_as_such():
    w = Tensor(W, "W")
    d = derive(squared_error(sigmoid(w @ X + Tensor(B, "b")), Y, samples="rows"), w)
    assert (d.samples, d.columns) == (2, False)
    assert lines(d.text())[0].endswith("samples in rows, m = 2")


def test_what_is_added_to_one_output_of_every_sample_is_no_bias():
    z = Tensor(np.ones((1, 1)), "W") @ Tensor(np.arange(4.0)[None])
    z = (z * z + z).T
    assert binary_cross_entropy_with_logits(z, np.ones((4, 1))).ndim == 0
