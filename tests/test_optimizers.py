"""SGD: the step, and every way to hand it the wrong thing."""

import pytest

from autograd import Value, mean, squared_error
from autograd.value import NO_GRADIENT
from nn import MLP, SGD, Neuron


def test_a_step_goes_against_the_gradient():
    w = Value(3.0)
    optimizer = SGD([w], learning_rate=0.1)
    (w * w).backward()
    optimizer.step()
    assert w.data == 3.0 - 0.1 * 6.0
    assert type(w.data) is float


def test_the_learning_rate_is_a_hundredth_unless_given():
    assert SGD([Value(1.0)]).learning_rate == 0.01


def test_the_learning_rate_may_change_between_steps():
    w = Value(3.0)
    optimizer = SGD([w])
    (w * w).backward()
    optimizer.learning_rate = 0.5
    optimizer.step()
    assert w.data == 0.0


def test_descent_finds_the_minimum_of_a_parabola():
    w = Value(10.0)
    optimizer = SGD([w], 0.1)
    for _ in range(100):
        optimizer.zero_grad()
        ((w - 2) ** 2).backward()
        optimizer.step()
    assert w.data == pytest.approx(2.0, abs=1e-8)


def test_steps_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    net = MLP(3, [4, 2], activation="tanh", rng=0)
    weights, biases = ([torch.tensor(a, requires_grad=True) for a in group] for group in net.get_weights())
    samples = [([0.5, -1.0, 2.0], [1.0, 0.0]), ([1.5, 0.3, -0.7], [0.0, -1.0])]
    ours = SGD(net.parameters(), 0.3)
    theirs = torch.optim.SGD([*weights, *biases], lr=0.3)
    for _ in range(10):
        ours.zero_grad()
        mean([squared_error(net(x), y) for x, y in samples]).backward()
        ours.step()
        theirs.zero_grad()
        x, y = (torch.tensor(part, dtype=torch.float64) for part in zip(*samples, strict=True))
        a = torch.tanh(x @ weights[0].T + biases[0])
        (0.5 * ((a @ weights[1].T + biases[1] - y) ** 2).sum() / 2).backward()
        theirs.step()
    for mine, other in zip([a for group in net.get_weights() for a in group], [*weights, *biases], strict=True):
        assert mine == pytest.approx(other.detach().numpy(), rel=1e-12, abs=1e-14)


def test_zero_grad_forgets_the_gradients():
    w = Value(3.0)
    optimizer = SGD([w])
    (w * w).backward()
    optimizer.zero_grad()
    assert w.grad is NO_GRADIENT


def test_a_parameter_that_no_path_reaches_stays_where_it_is():
    w, idle = Value(3.0), Value(5.0)
    optimizer = SGD([w, idle], 0.1)
    (w * w).backward()
    optimizer.step()
    assert idle.data == 5.0


def test_a_step_without_a_backward_pass_is_refused():
    with pytest.raises(
        RuntimeError, match=r"SGD\.step\(\): no parameter has a gradient .* call loss\.backward\(\) first"
    ):
        SGD([Value(3.0)]).step()


def test_a_step_right_after_zero_grad_is_refused():
    w = Value(3.0)
    optimizer = SGD([w])
    (w * w).backward()
    optimizer.zero_grad()
    with pytest.raises(RuntimeError, match="no parameter has a gradient"):
        optimizer.step()


def test_a_gradient_of_exactly_zero_is_a_gradient():
    w = Value(2.0)
    ((w - 2) ** 2).backward()
    SGD([w]).step()
    assert w.data == 2.0


def test_a_net_that_fits_perfectly_may_take_a_step():
    neuron = Neuron(2, "linear", initializer="zeros")
    squared_error(neuron([1.0, 2.0]), 0.0).backward()
    SGD(neuron.parameters()).step()
    assert [w.data for w in neuron.w] == [0.0, 0.0]


@pytest.mark.parametrize("rate", [-0.1, float("nan"), float("inf")])
def test_a_learning_rate_that_makes_no_sense_is_refused(rate):
    with pytest.raises(ValueError, match="SGD: expected learning_rate to be a finite number of at least 0, got"):
        SGD([Value(1.0)], rate)


def test_a_learning_rate_is_checked_when_it_is_changed_too():
    optimizer = SGD([Value(1.0)])
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = -1


def test_a_learning_rate_must_be_a_number():
    with pytest.raises(TypeError, match="SGD: learning_rate needs a real number, got str"):
        SGD([Value(1.0)], "fast")


def test_no_parameters_are_refused():
    with pytest.raises(ValueError, match="SGD: expected at least one parameter, got none"):
        SGD([])


def test_a_generator_of_parameters_is_fine():
    assert len(SGD(p for p in Neuron(2, rng=0).parameters()).parameters) == 3


def test_a_number_among_the_parameters_is_refused():
    with pytest.raises(TypeError, match="SGD: expected parameters, got float at place 1"):
        SGD([Value(1.0), 2.0])


def test_a_module_in_place_of_its_parameters_is_refused():
    with pytest.raises(TypeError, match=r"got one Neuron; pass model\.parameters\(\)"):
        SGD(Neuron(2, rng=0))


def test_a_single_value_in_place_of_a_list_is_refused():
    with pytest.raises(TypeError, match=r"got one Value; pass \[w\]"):
        SGD(Value(1.0))


def test_a_number_in_place_of_a_list_is_refused():
    with pytest.raises(TypeError, match="SGD: expected a list of parameters, got float"):
        SGD(0.1)


def test_a_result_in_place_of_a_parameter_is_refused():
    with pytest.raises(ValueError, match="SGD: parameter 0 is a result of mul"):
        SGD([Value(1.0) * 2])


def test_a_parameter_given_twice_is_refused():
    w = Value(1.0)
    with pytest.raises(ValueError, match="SGD: a parameter is given twice"):
        SGD([w, w])


def test_the_repr_is_short_and_true():
    assert repr(SGD([Value(1.0), Value(2.0)], 0.5)) == "SGD(2 parameters, learning_rate=0.5)"
