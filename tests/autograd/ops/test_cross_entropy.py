"""The cross-entropy of several probabilities, and that no softmax or sigmoid is applied twice."""

import math

import numpy as np
import pytest
from named import named
from tables import restored

import autograd
from autograd import (
    Tensor,
    Value,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    derive,
    gradients,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    softplus,
    stack,
    vectorize,
)
from autograd.op import elementwise, structural
from autograd.ops.losses import loss as made_loss
from nn import losses

LOGITS = [0.5, -0.3, 1.0]
E = [math.exp(z) for z in LOGITS]
P = [e / sum(E) for e in E]


def test_it_is_minus_the_logarithm_of_the_right_probability():
    for p in (P, [Value(u) for u in P], np.array(P)):
        z = cross_entropy(p, 1)
        assert float(getattr(z, "data", z)) == pytest.approx(-math.log(P[1]), rel=1e-15)
    assert cross_entropy(P, [0.2, 0.3, 0.5]) == pytest.approx(
        -sum(y * math.log(p) for y, p in zip((0.2, 0.3, 0.5), P, strict=True)), rel=1e-15
    )


def test_behind_a_softmax_of_values_the_slope_is_p_minus_y():
    z = [Value(u) for u in LOGITS]
    cross_entropy(softmax(z), 1).backward()
    assert [u.grad for u in z] == pytest.approx([P[0], P[1] - 1, P[2]], rel=1e-14)


def test_of_a_batch_it_is_the_mean_over_samples_and_weighs_them():
    p = Tensor([P, P[::-1]])
    each = np.array([-math.log(P[0]), -math.log(P[1])])
    for target in ([0, 1], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]):
        assert cross_entropy(p, target).item() == pytest.approx(each.mean(), rel=1e-15)
        assert cross_entropy(p, target, [3.0, 1.0]).item() == pytest.approx((each * [1.5, 0.5]).sum(), rel=1e-15)
        assert cross_entropy(p.T, np.array(target).T, samples="columns").item() == pytest.approx(each.mean(), rel=1e-15)
        assert cross_entropy(p.data, target) == pytest.approx(each.mean(), rel=1e-15)


def test_its_slope_is_minus_y_over_p_and_its_second_that_over_p_again():
    p = Tensor([P])
    g = gradients(cross_entropy(p, [1]), p, create_graph=True)
    assert g.data == pytest.approx(np.array([[0.0, -1 / P[1], 0.0]]), rel=1e-14)
    assert gradients(g.sum(), p) == pytest.approx(np.array([[0.0, 1 / P[1] ** 2, 0.0]]), rel=1e-14)


def test_zero_times_the_logarithm_of_zero_is_zero():
    assert cross_entropy([0.0, 1.0], 1) == 0.0
    p = Tensor([[0.0, 1.0]])
    loss = cross_entropy(p, [1])
    loss.backward()
    assert loss.item() == 0.0
    assert p.grad.tolist() == [[0.0, -1.0]]


def test_an_impossible_class_costs_much_and_not_infinity():
    p = Value(0.0)
    loss = cross_entropy([p, 1.0], 0)
    loss.backward()
    assert loss.data == pytest.approx(1022 * math.log(2))
    assert p.grad == -(2.0**1022)


@pytest.mark.parametrize(
    ("p", "message"),
    [
        ([0.5, 0.6], r"with sum 1, got 1.1: apply softmax"),
        ([1.5, -0.5], r"must lie in \[0, 1\], got 1.5: pass logits to softmax_cross_entropy"),
        (np.array([[0.5, 0.5], [0.9, 0.9]]), r"with sum 1, got 1.8"),
    ],
)
def test_what_is_no_probability_is_refused(p, message):
    with pytest.raises(ValueError, match=message):
        cross_entropy(p, [0] if isinstance(p, np.ndarray) and len(p) == 1 else [0, 1])


def test_labels_are_checked_as_those_of_logits():
    with pytest.raises(ValueError, match="label 3 is out of range for 3 classes"):
        cross_entropy(P, 3)
    with pytest.raises(TypeError, match="weights belong to the rows of a batch"):
        cross_entropy(P, 0, [1.0])


# ---------------------------------------------------------------- lecture 003: A2 = softmax(Z2), dZ2 = A2 − Y


@pytest.mark.parametrize("samples", ["rows", "columns"])
def test_it_prints_as_the_lectures_have_it(samples):
    x = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
    w, y = Tensor([[0.4, -0.3], [0.2, 0.7]], "W2"), np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    z = w @ x if samples == "columns" else x.T @ w
    z.label = "Z2"
    a = softmax(z, samples=samples)
    a.label = "A2"
    j = cross_entropy(a, y if samples == "columns" else y.T, samples=samples)
    j.label = "J"
    lines = [" ".join(line.split()) for line in derive(j, w).text().splitlines()]
    assert f"∂J/∂W₂, samples in {samples}, m = 3" in lines
    assert any("−(1/m) Σ(Y ⊙ log(A₂" in line for line in lines)
    assert "dA₂ = −Y /A₂" in lines
    assert "= A₂ − Y" in lines


def test_the_paths_of_values_add_up_to_a_minus_y():
    z = [Value(u, f"z_{i}") for i, u in enumerate(LOGITS, 1)]
    a = softmax(z)
    for i, u in enumerate(a, 1):
        u.label = f"a_{i}"
    loss = cross_entropy(a, 1)
    loss.label = "L"
    d = derive(loss, z[1])
    assert len(d.paths) == 3
    assert "∂L/∂z₂ = a₂ − 1 = " in str(d)


# ---------------------------------------------------------------- nothing twice

TWICE = {
    "values": lambda: softmax_cross_entropy(softmax([Value(u) for u in LOGITS]), 0),
    "a batch": lambda: softmax_cross_entropy(softmax(Tensor([LOGITS])), [0]),
    "columns": lambda: softmax_cross_entropy(softmax(Tensor(LOGITS).reshape(3, 1), 0), [0], samples="columns"),
    "moved": lambda: softmax_cross_entropy(softmax(Tensor([LOGITS, LOGITS]))[1:].T.T.astype(np.float32), [0]),
    "a sigmoid": lambda: binary_cross_entropy_with_logits(sigmoid(Value(0.3)), 1.0),
    "sigmoids": lambda: binary_cross_entropy_with_logits([sigmoid(Value(u)) for u in LOGITS], [0, 1, 0]),
    "a sigmoid of a batch": lambda: binary_cross_entropy_with_logits(sigmoid(Tensor([LOGITS])), [[0, 1, 0]]),
    "Keras' names": lambda: losses.CategoricalCrossentropy(from_logits=True)([0], softmax(Tensor([LOGITS]))),
    "Keras' name": lambda: losses.BinaryCrossentropy(from_logits=True)([[1.0]], sigmoid(Tensor([[0.3]]))),
}


@pytest.mark.parametrize("name", TWICE)
def test_what_an_activation_gave_is_no_logit(name):
    with pytest.raises(ValueError, match=r"expected logits, got what a (softmax|sigmoid) gave.*cross_entropy"):
        TWICE[name]()


@restored()
def test_an_activation_and_a_way_to_move_numbers_of_ones_own_are_known_to_a_loss_of_ones_own():
    @elementwise(lambda z, x: 2 * z * (1 - z))
    def steep(x):
        """1/(1 + e^(-2x))."""
        return sigmoid(2 * x)

    @made_loss(lambda z, y: steep(z) - y, None, activation=steep)
    def steep_error(z, y):
        """½ softplus(2z) − zy."""
        return 0.5 * softplus(2 * z) - z * y

    @structural(lambda g, z, x: g[::-1], moves=True)
    def upside_down(x):
        """The rows from the last to the first."""
        return x[::-1]

    z, y = Tensor([[0.3], [0.4]]), np.array([[1.0], [0.0]])
    assert steep_error(upside_down(z), y).item() == pytest.approx(steep_error(np.array([[0.4], [0.3]]), y))
    for given in (steep(z), upside_down(steep(z)), upside_down(steep(z)[:]).T.T):
        with pytest.raises(
            ValueError, match=r"what a steep gave, which would be applied twice: .*went into that steep$"
        ):
            steep_error(given, y)


def test_what_only_looks_like_it_is_taken():
    z = [Value(u) for u in LOGITS]
    a = softmax(z)
    assert softmax_cross_entropy([*a[:2], z[2]], 0).data > 0  # not one softmax
    assert softmax_cross_entropy([2 * u for u in a], 0).data > 0
    assert softmax_cross_entropy(log_softmax(z), 0).data == pytest.approx(-math.log(P[0]))  # the same once more
    assert softmax_cross_entropy(relu(Tensor([LOGITS])), [0]).item() > 0
    assert softmax_cross_entropy(P, 0) > 0  # of plain numbers nothing is known
    assert binary_cross_entropy(sigmoid(Value(0.3)), 1.0).data > 0
    assert stack([softmax(Tensor(LOGITS))]).sum().item() == pytest.approx(1.0)


def test_a_keras_loss_refuses_columns():
    with pytest.raises(ValueError, match=r"pass y_true\.T and y_pred\.T"):
        losses.mse(np.zeros((2, 3)), Tensor([[0.4, -0.3], [0.2, 0.7]]) @ np.ones((2, 3)))


def by_hand(logits, labels):
    """The mean of log Σ e^z - z_y over the rows, and its gradient (a - y) / m, in long double."""
    z = logits.astype(np.longdouble)
    e = np.exp(z - z.max(-1, keepdims=True))
    a = e / e.sum(-1, keepdims=True)
    y = np.eye(z.shape[-1])[labels]
    return -(np.log(a) * y).sum(-1).mean(), (a - y) / (y.size // y.shape[-1])


@pytest.mark.parametrize("classes", [2, 63, 64, 65, 200])
def test_few_and_many_classes_give_what_the_formula_gives(classes):
    rng = np.random.default_rng(classes)
    z, labels = Tensor(rng.normal(size=(9, classes)) * 30), rng.integers(0, classes, 9)
    loss = autograd.softmax_cross_entropy(z, labels)
    loss.backward()
    expected, slopes = by_hand(z.data, labels)
    assert loss.item() == pytest.approx(float(expected), rel=1e-12)
    np.testing.assert_allclose(z.grad, slopes.astype(float), rtol=1e-11, atol=1e-15)
    a = autograd.softmax(Tensor(z.data))
    np.testing.assert_allclose(a.data, slopes.astype(float) * 9 + np.eye(classes)[labels], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("classes", [3, 70])
def test_logits_of_three_axes_are_rows_of_rows(classes):
    rng = np.random.default_rng(0)
    z, labels = Tensor(rng.normal(size=(2, 4, classes))), rng.integers(0, classes, (2, 4))
    loss = autograd.softmax_cross_entropy(z, labels)
    loss.backward()
    expected, slopes = by_hand(z.data, labels)
    assert loss.item() == pytest.approx(float(expected), rel=1e-12)
    np.testing.assert_allclose(z.grad, slopes.astype(float), rtol=1e-11)


# ---------------------------------------------------------------- probabilities that have rounded to 0 or 1


@pytest.mark.parametrize(("z", "y"), [(40.0, 0.0), (1000.0, 0.0), (-730.0, 1.0), (-800.0, 1.0), (800.0, 0.25)])
def test_the_slope_behind_a_sigmoid_is_p_minus_y_where_p_has_rounded(z, y):
    expected = (1.0 if z > 0 else 0.0) - y
    loss = max(z, 0.0) - z * y  # and log(1 + e^-|z|), which is below 5e-18
    one = Value(z, "z")
    several = [Value(z), Value(0.5)]
    rows, columns, single = Tensor([[z], [0.5]]), Tensor([[z, 0.5]]), Tensor([[z], [0.5]], dtype=np.float32)
    targets = [[y], [0.5]]
    for u, found in (
        (one, binary_cross_entropy(sigmoid(one), y)),
        (several[0], 2 * binary_cross_entropy([sigmoid(u) for u in several], [y, 0.5])),
        (rows, 2 * binary_cross_entropy(sigmoid(rows), targets)),
        (columns, 2 * binary_cross_entropy(sigmoid(columns).T, targets)),
        (single, 2 * binary_cross_entropy(sigmoid(single), np.float32(targets))),
        (rows, 2 * losses.binary_crossentropy(targets, sigmoid(rows))),
    ):
        rest = 0.0 if u is one else binary_cross_entropy(sigmoid(0.5), 0.5)
        assert found.item() == pytest.approx(loss + rest, rel=1e-6)
        assert np.ravel(gradients(found, u))[0] == pytest.approx(expected, abs=1e-7)
    assert "A   − Y" in derive(binary_cross_entropy(named(sigmoid(named(rows, "Z")), "A"), targets), rows).text()


def test_a_mixture_of_rounded_probabilities_and_others_is_left_as_it_is():
    z = Value(40.0)
    loss = binary_cross_entropy([sigmoid(z), 0.5], [0.0, 1.0])
    assert loss.data == pytest.approx((53 * math.log(2) + math.log(2)) / 2)
    assert gradients(binary_cross_entropy(sigmoid(z) * 1.0, 0.0), z) == 0.0


def test_the_slope_behind_a_softmax_is_p_minus_y_where_a_p_has_underflowed():
    z = [Value(0.0), Value(900.0), Value(899.0)]
    share = 1 / (1 + math.exp(-1))
    expected = [-1.0, share, 1 - share]
    for target in (0, [1.0, 0.0, 0.0]):
        assert gradients(cross_entropy(softmax(z), target), z) == pytest.approx(expected, rel=1e-12)
    values = [[u.data for u in z], [0.0, 0.0, 0.0]]
    for rows in (Tensor(values), Tensor(values, dtype=np.float32)):
        for loss in (cross_entropy(softmax(rows), [0, 1]), losses.categorical_crossentropy([0, 1], softmax(rows))):
            assert gradients(2 * loss, rows)[0] == pytest.approx(expected, rel=1e-6)
    columns = Tensor(np.transpose(values))
    loss = cross_entropy(softmax(columns, axis=0), [0, 1], samples="columns")
    assert gradients(2 * loss, columns)[:, 0] == pytest.approx(expected, rel=1e-12)
    turned = [softmax(z)[i] for i in (1, 0, 2)]  # another order is another question
    assert gradients(cross_entropy(turned, 1), z[0]) == 0.0


def test_a_program_of_a_loss_recovers_as_the_loss_does():
    w = Value(1.0)
    each = vectorize(lambda x, y: binary_cross_entropy(sigmoid(w * x), y))
    y = np.array([0.0, 1.0, 0.0])
    for x in ([0.5, 1.0, -2.0], [0.5, 1.0, 100.0]):
        loss = each.mean(np.array(x), y)
        p = [1 / (1 + math.exp(-u)) for u in x]
        assert gradients(loss, w) == pytest.approx(np.mean([(a - b) * u for a, b, u in zip(p, y, x, strict=True)]))
