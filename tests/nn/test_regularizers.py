"""Regularizers: by hand, against PyTorch, and every way to hand them the wrong thing."""

import numpy as np
import pytest

from autograd import Tensor, Value, check_gradients
from nn.regularizers import L1, L1L2, L2, find_regularizer

W = [[1.0, -2.0], [0.5, 0.0]]


@pytest.mark.parametrize(("make", "expected"), [(L1(0.1), 0.35), (L2(0.1), 0.525), (L1L2(0.1, 0.2), 1.4)])
def test_the_penalty_by_hand_for_tensors_and_for_values(make, expected):
    assert make(Tensor(W)).item() == pytest.approx(expected, rel=1e-14)
    assert make([[Value(w) for w in row] for row in W]).data == pytest.approx(expected, rel=1e-14)
    assert make(Tensor(W)).shape == ()


@pytest.mark.parametrize(
    ("make", "slope"),
    [
        (L1(0.1), lambda w: 0.1 * np.sign(w)),
        (L2(0.1), lambda w: 0.2 * w),
        (L1L2(0.1, 0.2), lambda w: 0.1 * np.sign(w) + 0.4 * w),
    ],
)
def test_the_gradient_by_hand_for_tensors_and_for_values(make, slope):
    t = Tensor(W)
    make(t).backward()
    assert t.grad == pytest.approx(slope(np.array(W)))
    values = [Value(w) for row in W for w in row]
    make(values).backward()
    assert [w.grad for w in values] == pytest.approx(list(slope(np.array(W)).ravel()))


def test_the_gradients_pass_the_check():
    check_gradients(L1L2(0.3, 0.7), (np.array([[1.0, -2.0], [0.5, 3.0]]),))


def test_float32_stays_float32():
    assert {make(Tensor(W, dtype="float32")).dtype.name for make in (L1(), L2(), L1L2(0.1, 0.1))} == {"float32"}


def test_l2_in_the_loss_is_the_weight_decay_of_pytorch():
    torch = pytest.importorskip("torch")
    from nn.optimizers import SGD

    w, v = Tensor(W), torch.tensor(W, dtype=torch.float64, requires_grad=True)
    ours, theirs = SGD([w], 0.1), torch.optim.SGD([v], lr=0.1, weight_decay=0.2)
    for _ in range(20):
        ours.zero_grad()
        theirs.zero_grad()
        ((w - 1.0).exp().sum() + L2(0.1)(w)).backward()
        (v - 1.0).exp().sum().backward()
        ours.step()
        theirs.step()
    assert np.abs(w.numpy() - v.detach().numpy()).max() < 1e-12


def test_a_single_value_is_a_weight():
    assert L2(0.5)(Value(3.0)).data == 4.5


def test_names_stand_for_the_defaults_of_keras():
    assert find_regularizer("l1") == L1(0.01) == L1()
    assert find_regularizer("L2") == L2(0.01) == L2()
    assert find_regularizer("l1_l2") == L1L2(0.01, 0.01)
    assert L1L2() == L1L2(0.0, 0.0)


def test_a_function_is_a_regularizer_and_so_is_none():
    assert find_regularizer(abs) is abs
    assert find_regularizer(None) is None
    assert find_regularizer(L2(0.1)) == L2(0.1)


def test_nothing_is_added_where_both_are_zero():
    assert L1L2()(Tensor(W)).item() == 0.0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: find_regularizer("l1l2"),
            ValueError,
            "unknown regularizer 'l1l2'; did you mean 'l1_l2'\\? known: l1, l2, l1_l2",
        ),
        (lambda: find_regularizer(0.01), TypeError, "regularizer: expected a name or a function, got float"),
        (lambda: find_regularizer(L2), TypeError, r"got a class; write L2\(\)"),
        (lambda: L1(-0.1), ValueError, "L1: expected l1 to be a finite number of at least 0, got -0.1"),
        (lambda: L2(float("inf")), ValueError, "L2: expected l2 to be a finite number"),
        (lambda: L1L2(0.1, float("nan")), ValueError, "L1L2: expected l2 to be a finite number"),
        (lambda: L2()([1.0, 2.0]), TypeError, "L2: expected a Tensor or Values as weights, got float"),
        (lambda: L1()([]), ValueError, "L1: expected at least one weight, got none"),
    ],
)
def test_what_makes_no_sense_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_regularizer_shows_itself():
    assert repr(L1L2(0.1, 0.2)) == "L1L2(l1=0.1, l2=0.2)"
