"""Optimizers: the step by hand, how they are made and resumed, and every way to hand them the wrong thing.

Whole runs against PyTorch are in test_optimizers_against_torch.py.
"""

import copy
import math
import pickle

import numpy as np
import pytest

from autograd import Tensor, Value, squared_error
from autograd.value import NO_GRADIENT
from nn import MLP, Dense, Neuron, Sequential, load_model
from nn.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop, find_optimizer
from nn.schedules import ExponentialDecay, StepDecay

EVERY = [
    SGD,
    lambda *a, **o: SGD(*a, momentum=0.9, **o),
    lambda *a, **o: SGD(*a, momentum=0.9, nesterov=True, **o),
    RMSprop,
    lambda *a, **o: RMSprop(*a, momentum=0.5, centered=True, **o),
    Adam,
    AdamW,
    Adagrad,
]


def with_gradient(numbers, gradient, dtype="float64"):
    """A parameter that has this gradient."""
    t = Tensor(numbers, dtype=dtype)
    t.grad = gradient
    return t


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


def test_a_name_in_place_of_a_list_is_refused():
    with pytest.raises(TypeError, match="SGD: expected a list of parameters, got str"):
        SGD("weights")


def test_a_result_in_place_of_a_parameter_is_refused():
    with pytest.raises(ValueError, match="SGD: parameter 0 is a result of mul"):
        SGD([Value(1.0) * 2])


def test_a_parameter_given_twice_is_refused():
    w = Value(1.0)
    with pytest.raises(ValueError, match="SGD: a parameter is given twice"):
        SGD([w, w])


def test_the_repr_is_short_and_true():
    assert repr(SGD([Value(1.0), Value(2.0)], 0.5)) == "SGD(2 parameters, learning_rate=0.5)"


# ---------------------------------------------------------------- the formulas, by hand


def one_step(make, w=1.0, g=0.5, steps=1):
    t = Tensor([w])
    optimizer = make([t])
    for _ in range(steps):
        t.grad = [g]
        optimizer.step()
    return t.numpy()[0]


def test_momentum_by_hand():
    # v = -0.05, then 0.8 * -0.05 - 0.05 = -0.09
    assert one_step(lambda p: SGD(p, 0.1, momentum=0.8), steps=2) == pytest.approx(1 - 0.05 - 0.09)


def test_nesterov_by_hand():
    # v = -0.05: w + 0.8 v - 0.05 = 0.91; v = -0.09: w + 0.8 v - 0.05 = 0.788
    assert one_step(lambda p: SGD(p, 0.1, momentum=0.8, nesterov=True), steps=2) == pytest.approx(0.788)


def test_the_velocity_keeps_the_rate_it_was_made_with():
    t = Tensor([1.0])
    optimizer = SGD([t], 0.1, momentum=0.5)
    t.grad = [1.0]
    optimizer.step()
    optimizer.learning_rate = 0.0
    optimizer.step()
    assert t.numpy() == pytest.approx([1 - 0.1 - 0.05])


def test_rmsprop_by_hand():
    # v = 0.1 * 0.25; the step is 0.1 * 0.5 / (sqrt(0.025) + 0.01)
    step = 0.05 / (math.sqrt(0.025) + 0.01)
    assert one_step(lambda p: RMSprop(p, 0.1, rho=0.9, epsilon=0.01)) == pytest.approx(1 - step)


def test_the_first_step_of_adam_is_the_learning_rate():
    assert one_step(lambda p: Adam(p, 0.1, epsilon=0.0), g=123.0) == pytest.approx(0.9)
    assert one_step(lambda p: Adam(p, 0.1, epsilon=0.0), g=-1e-9) == pytest.approx(1.1)
    assert one_step(lambda p: Adam(p, 0.1, epsilon=0.5), g=0.5) == pytest.approx(0.95)  # 0.5 / (0.5 + 0.5)


def test_adamw_shrinks_the_weight_besides():
    assert one_step(lambda p: AdamW(p, 0.1, weight_decay=0.2, epsilon=0.0), w=2.0) == pytest.approx(2 * 0.98 - 0.1)


def test_adagrad_by_hand():
    # s = 0.11 + 0.25 = 0.36, then 0.61
    expected = 1 - 0.05 / 0.6 - 0.05 / math.sqrt(0.61)
    make = lambda p: Adagrad(p, 0.1, initial_accumulator_value=0.11, epsilon=0.0)  # noqa: E731
    assert one_step(make, steps=2) == pytest.approx(expected)


def test_the_defaults_are_those_of_keras():
    assert [make().learning_rate for make in (SGD, RMSprop, Adam, AdamW, Adagrad)] == [0.01] + 4 * [0.001]
    assert (SGD().momentum, SGD().nesterov) == (0.0, False)
    assert (RMSprop().rho, RMSprop().momentum, RMSprop().epsilon, RMSprop().centered) == (0.9, 0.0, 1e-7, False)
    assert (Adam().beta_1, Adam().beta_2, Adam().epsilon) == (0.9, 0.999, 1e-7)
    assert AdamW().weight_decay == 0.004
    assert (Adagrad().initial_accumulator_value, Adagrad().epsilon) == (0.1, 1e-7)


@pytest.mark.parametrize("make", EVERY)
def test_tensors_and_values_take_the_same_steps(make):
    t, values = Tensor([3.0, -2.0]), [Value(3.0), Value(-2.0)]
    one, other = make([t], 0.05), make(values, 0.05)
    for _ in range(20):
        one.zero_grad()
        other.zero_grad()
        (t * t * t).sum().backward()
        for v in values:
            (v * v * v).backward()
        one.step()
        other.step()
    assert [v.data for v in values] == t.tolist() != [3.0, -2.0]


@pytest.mark.parametrize("make", EVERY)
def test_float32_stays_float32_also_beside_float64(make):
    narrow, wide = with_gradient([1.0, 2.0], [0.5, 0.5], "float32"), with_gradient([1.0], [0.5])
    optimizer = make([narrow, wide], 0.1)
    optimizer.step()
    assert (narrow.dtype, wide.dtype) == (np.float32, np.float64)
    assert narrow.numpy()[0] == pytest.approx(wide.numpy()[0], rel=1e-6)
    assert wide.numpy()[0] != 1.0


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_centered_rmsprop_over_many_steps_is_the_formula(momentum):
    rng = np.random.default_rng(1)
    gradients = rng.normal(1.0, 0.3, size=(40, 2))
    w = Tensor([1.0, -2.0])
    optimizer = RMSprop([w], 0.01, rho=0.8, centered=True, momentum=momentum, epsilon=1e-4)
    by_hand, square, mean, m = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2), np.zeros(2)
    for g in gradients:
        w.grad = g
        optimizer.step()
        square, mean = 0.8 * square + 0.2 * g**2, 0.8 * mean + 0.2 * g
        m = momentum * m + 0.01 * g / (np.sqrt(square - mean**2) + 1e-4)
        by_hand = by_hand - m
        assert w.data == pytest.approx(by_hand, rel=1e-11)


def test_a_variance_that_rounding_makes_negative_is_none():
    w = Tensor([1.0], dtype="float32")
    optimizer = RMSprop([w], 1e-9, centered=True, epsilon=1e-3)
    for i in range(300):
        w.grad = [0.1 + 1e-9 * i]
        optimizer.step()
    assert np.isfinite(w.numpy()).all()


def test_an_optimizer_of_ones_own_is_a_rule():
    class SignDescent(Optimizer):
        def constants(self, rate, step):
            return (rate,)

        def rule(self, w, g, free, c, state):
            w -= c[0] * np.sign(g)

    t = with_gradient([1.0, 2.0], [5.0, -0.1])
    SignDescent([t], 0.5).step()
    assert t.tolist() == [0.5, 2.5]


def test_a_rule_that_gives_its_result_instead_of_writing_it_is_refused():
    class Descent(Optimizer):
        def constants(self, rate, step):
            return (rate,)

        def rule(self, w, g, free, c, state):
            return w - c[0] * g

    for parameter in (with_gradient([1.0, 2.0], [5.0, -0.1]), Value(1.0)):
        if isinstance(parameter, Value):
            (parameter * parameter).backward()
        with pytest.raises(TypeError, match=r"Descent.rule: expected nothing in return, got an array .* w -= \.\.\."):
            Descent([parameter], 0.5).step()


def test_a_rule_that_moves_nothing_is_told_of_once():
    class Rebinding(Optimizer):
        def constants(self, rate, step):
            return (rate,)

        def rule(self, w, g, free, c, state):
            w = w - c[0] * g

    t = with_gradient([1.0, 2.0], [5.0, -0.1])
    optimizer = Rebinding([t], 0.5)
    with pytest.warns(UserWarning, match=r"Rebinding.rule changed no number in its first step; .* w -= \.\.\."):
        optimizer.step()
    optimizer.step()  # once is enough

    class Waiting(Rebinding):
        """Moves nothing in its first step, and remembers."""

        def state(self):
            return {"sum": 0.0}

        def rule(self, w, g, free, c, state):
            state[0] += g

    Waiting([t], 0.5).step()
    Rebinding([t], 0.0).step()
    t.grad = np.zeros(2)
    Rebinding([t], 0.5).step()


def test_constants_are_a_tuple():
    class Descent(Optimizer):
        def constants(self, rate, step):
            return rate

    with pytest.raises(TypeError, match=r"Descent\.constants: expected a tuple of numbers, got float"):
        Descent([Value(1.0)], 0.5)


# ---------------------------------------------------------------- parameters given later


def test_parameters_may_come_later():
    w = Value(3.0)
    optimizer = Adam(0.1)
    optimizer.bind([w])
    (w * w).backward()
    optimizer.step()
    assert w.data == pytest.approx(2.9)


def test_the_rate_may_be_given_as_in_keras():
    assert SGD(learning_rate=0.3, momentum=0.9, nesterov=True).learning_rate == 0.3
    assert [make(0.3).learning_rate for make in EVERY] == [0.3] * len(EVERY)
    assert SGD(np.float32(0.5)).learning_rate == 0.5
    assert Adam(1).learning_rate == 1.0


def test_two_rates_are_one_too_many():
    with pytest.raises(TypeError, match=r"SGD: got two learning rates, 0.1 and 0.9; .* by name, as in SGD\(0.1, "):
        SGD(0.1, 0.9)


def test_binding_again_to_the_same_parameters_changes_nothing():
    w = with_gradient([1.0], [1.0])
    optimizer = SGD([w], 0.1, momentum=0.5)
    optimizer.step()
    optimizer.bind([w])
    optimizer.step()
    assert w.tolist() == pytest.approx([1 - 0.1 - 0.15])


def test_binding_to_others_is_refused():
    optimizer = Adam([Value(1.0), Value(2.0)])
    with pytest.raises(RuntimeError, match=r"Adam: it trains 2 parameters already, .* make a new Adam\(\.\.\.\)"):
        optimizer.bind([Value(1.0), Value(2.0)])


@pytest.mark.parametrize("method", ["step", "zero_grad", "state_dict"])
def test_nothing_goes_without_parameters(method):
    with pytest.raises(RuntimeError, match=rf"Adam\.{method}\(\): it has no parameters yet; call bind"):
        getattr(Adam(0.1), method)()


# ---------------------------------------------------------------- rates and steps


def test_steps_are_counted():
    w = with_gradient([1.0], [1.0])
    optimizer = SGD([w])
    assert optimizer.iterations == 0
    optimizer.step()
    optimizer.step()
    assert optimizer.iterations == 2


def test_a_schedule_is_asked_for_every_step():
    w = with_gradient([10.0], [1.0])
    optimizer = SGD([w], StepDecay(1.0, 2, 0.5))
    rates = []
    for _ in range(5):
        rates.append(optimizer.learning_rate)
        optimizer.step()
    assert rates == [1, 1, 0.5, 0.5, 0.25]
    assert w.tolist() == [10 - 3.25]


def test_a_schedule_may_come_first_too_and_a_number_replaces_it():
    optimizer = Adam(ExponentialDecay(0.1, 10, 0.5))
    assert optimizer.learning_rate == 0.1
    optimizer.learning_rate = 0.2
    assert (optimizer.learning_rate, optimizer.schedule) == (0.2, None)
    optimizer.learning_rate = lambda step: 1 / (1 + step)
    assert optimizer.learning_rate == 1.0


def test_what_a_schedule_gives_is_checked():
    with pytest.raises(ValueError, match="SGD: expected learning_rate to be a finite number of at least 0, got -1"):
        SGD([Value(1.0)], lambda step: -1.0)
    w = with_gradient([1.0], [1.0])
    optimizer = SGD([w], lambda step: 1.0 if step < 1 else math.nan)
    optimizer.step()
    with pytest.raises(ValueError, match="got nan"):
        optimizer.step()
    assert w.tolist() == [0.0]


def test_a_refused_rate_leaves_the_old_one():
    optimizer = SGD(StepDecay(0.5, 1))
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = -0.1
    assert optimizer.learning_rate == 0.5


def test_a_training_that_diverges_comes_to_infinity_without_a_warning():
    w = with_gradient([1e300], [1e300])
    optimizer = SGD([w], 1e10)
    optimizer.step()
    assert w.tolist() == [-math.inf]


# ---------------------------------------------------------------- clipping


def test_clipvalue_bounds_every_component():
    w = with_gradient([0.0, 0.0, 0.0], [3.0, -0.5, -7.0])
    SGD([w], 1.0, clipvalue=1.0).step()
    assert w.tolist() == [-1.0, 0.5, 1.0]


def test_clipnorm_bounds_the_gradient_of_each_parameter():
    w, v = with_gradient([0.0, 0.0], [3.0, 4.0]), with_gradient([0.0, 0.0], [0.3, 0.4])
    SGD([w, v], 1.0, clipnorm=1.0).step()
    assert w.numpy() == pytest.approx([-0.6, -0.8])
    assert v.tolist() == [-0.3, -0.4]


def test_global_clipnorm_bounds_all_gradients_together_also_over_two_dtypes():
    w, v = with_gradient([0.0], [3.0]), with_gradient([0.0], [4.0], "float32")
    SGD([w, v], 1.0, global_clipnorm=1.0).step()
    assert [w.item(), v.item()] == pytest.approx([-0.6, -0.8])
    assert v.dtype == np.float32


def test_gradients_within_the_bound_are_left_alone():
    for option in ("clipnorm", "clipvalue", "global_clipnorm"):
        w = with_gradient([0.0, 0.0], [0.1, 0.7])
        SGD([w], 1.0, **{option: 5.0}).step()
        assert w.tolist() == [-0.1, -0.7]


def test_clipping_values_takes_each_as_a_parameter():
    ws = [Value(0.0), Value(0.0)]
    (3 * ws[0] + 4 * ws[1]).backward()
    SGD(ws, 1.0, clipnorm=1.0).step()
    assert [w.data for w in ws] == [-1.0, -1.0]
    SGD(ws, 1.0, global_clipnorm=1.0).step()
    assert [w.data for w in ws] == pytest.approx([-1.6, -1.8])


def test_clipping_leaves_the_gradient_as_it_was():
    w = with_gradient([0.0], [3.0])
    SGD([w], 1.0, clipvalue=1.0).step()
    assert w.grad.tolist() == [3.0]


def test_a_gradient_that_was_cleared_does_not_count_for_the_norm():
    w, idle = Tensor([0.0]), Tensor([0.0])
    optimizer = SGD([w, idle], 1.0, global_clipnorm=1.0)
    (1000 * idle).sum().backward()
    optimizer.zero_grad()
    (0.5 * w).sum().backward()
    optimizer.step()
    assert (w.tolist(), idle.tolist()) == ([-0.5], [0.0])


def test_a_norm_whose_square_overflows_is_a_norm():
    for size in (1e200, 1.2e154 / 4):  # squares that overflow, and squares whose sum does
        w, v = with_gradient([0.0], [3 * size]), with_gradient([0.0], [4 * size])
        SGD([w, v], 1.0, global_clipnorm=1.0).step()
        assert [w.item(), v.item()] == pytest.approx([-0.6, -0.8])


def test_a_gradient_of_nan_is_not_hidden_by_clipping():
    w = with_gradient([0.0, 0.0], [math.nan, 1.0])
    SGD([w], 1.0, clipvalue=1.0).step()
    assert math.isnan(w.tolist()[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "Adam: expected one of clipnorm, .* at most, got clipnorm and clipvalue"),
        ({"clipnorm": 0.0}, "Adam: expected clipnorm to be above 0, got 0.0"),
        ({"clipvalue": -1.0}, "Adam: expected clipvalue to be a finite number of at least 0, got -1.0"),
        ({"global_clipnorm": math.inf}, "Adam: expected global_clipnorm to be a finite number"),
        ({"beta_1": 1.0}, "Adam: expected beta_1 to be at least 0 and below 1, got 1.0"),
        ({"beta_2": -0.1}, "Adam: expected beta_2 to be at least 0 and below 1"),
        ({"epsilon": math.nan}, "Adam: expected epsilon to be a finite number"),
    ],
)
def test_hyperparameters_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Adam(0.1, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(momentum=1.0), "SGD: expected momentum to be at least 0 and below 1, got 1.0"),
        (lambda: RMSprop(rho=1.5), "RMSprop: expected rho to be at least 0 and below 1, got 1.5"),
        (lambda: RMSprop(momentum=-1), "RMSprop: expected momentum to be at least 0 and below 1"),
        (lambda: RMSprop(epsilon=-1e-7), "RMSprop: expected epsilon to be a finite number of at least 0"),
        (lambda: AdamW(weight_decay=-0.1), "AdamW: expected weight_decay to be a finite number of at least 0"),
        (lambda: AdamW(beta_1=1.0), "AdamW: expected beta_1 to be at least 0 and below 1"),
        (lambda: Adagrad(initial_accumulator_value=-1), "Adagrad: expected initial_accumulator_value to be a finite"),
    ],
)
def test_every_optimizer_checks_what_it_is_given(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_unknown_option_is_refused_with_those_there_are():
    known = "parameters, learning_rate, momentum, nesterov, clipnorm, clipvalue, global_clipnorm"
    with pytest.raises(TypeError, match=f"SGD: unknown option 'lr'; it is called learning_rate; known: {known}$"):
        SGD(lr=0.1)
    with pytest.raises(
        TypeError, match="AdamW: unknown option 'rho'; known: parameters, learning_rate, weight_decay, b"
    ):
        AdamW(rho=0.1)


# ---------------------------------------------------------------- state


def train(make, steps, resume_at=None, copied=lambda state: state):
    rng = np.random.default_rng(3)
    wide, narrow = Tensor(rng.normal(size=(4, 3))), Tensor(rng.normal(size=5), dtype="float32")
    optimizer = make([wide, narrow])
    for step in range(steps):
        if step == resume_at:
            state = copied(optimizer.state_dict())
            wide, narrow = Tensor(wide.numpy()), Tensor(narrow.numpy())
            optimizer = make([wide, narrow])
            optimizer.load_state_dict(state)
        optimizer.zero_grad()
        ((wide * wide).sum() * (step % 3 + 0.5)).backward()
        (narrow * narrow * narrow).sum().backward()
        optimizer.step()
    return wide.tolist(), narrow.tolist(), optimizer.iterations


def as_arrays(state):
    """As a file of arrays gives it back."""
    return {name: np.array(content) for name, content in state.items()}


@pytest.mark.parametrize("make", EVERY)
def test_resumed_equals_uninterrupted_bit_for_bit(make):
    whole = train(make, 20)
    assert train(make, 20, resume_at=7) == train(make, 20, resume_at=13, copied=as_arrays) == whole


def test_a_schedule_goes_on_where_it_was():
    make = lambda p: Adam(p, StepDecay(0.1, 5, 0.5))  # noqa: E731
    assert train(make, 20, resume_at=7) == train(make, 20)


def test_a_rate_that_was_changed_is_part_of_the_state():
    optimizer = SGD([Tensor([1.0])], 0.5)
    optimizer.learning_rate = 0.25
    other = SGD([Tensor([1.0])], 0.5)
    other.load_state_dict(optimizer.state_dict())
    assert other.learning_rate == 0.25


def test_the_state_is_a_copy_in_both_directions():
    w = with_gradient([1.0], [1.0])
    optimizer = SGD([w], 0.1, momentum=0.5)
    state = optimizer.state_dict()
    optimizer.step()
    assert state["velocity.float64"].tolist() == [0.0]
    optimizer.load_state_dict(state)
    optimizer.step()
    assert state["velocity.float64"].tolist() == [0.0]


def test_the_state_of_another_optimizer_is_refused_and_changes_nothing():
    w = with_gradient([1.0, 2.0], [1.0, 1.0])
    optimizer = Adam([w])
    optimizer.step()
    before = optimizer.state_dict()
    with pytest.raises(
        ValueError, match=r"load_state_dict\(\): expected iterations, m.float64, v.float64; got .*velocity"
    ):
        optimizer.load_state_dict(SGD([Tensor([1.0])], momentum=0.9).state_dict())
    with pytest.raises(ValueError, match=r"expected 'm.float64' of shape \(2,\), got \(1,\): it belongs to other"):
        optimizer.load_state_dict(Adam([Tensor([1.0])]).state_dict())
    after = optimizer.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_values_have_a_state_too():
    w = Value(1.0)
    (w * w).backward()
    optimizer = SGD([w], 0.1, momentum=0.5)
    optimizer.step()
    state = optimizer.state_dict()
    other = SGD([w], 0.3, momentum=0.5)
    other.load_state_dict(state)
    other.step()
    assert w.data == pytest.approx(1 - 0.2 - 0.1 - 0.2)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_net_of_values_is_copied_with_its_optimizer(duplicate):
    net = MLP(2, [3, 1], rng=0)
    optimizer = Adam(net.parameters(), 0.1)
    nets = []
    for model, trainer in [(net, optimizer), duplicate((net, optimizer))]:
        for _ in range(3):
            trainer.zero_grad()
            squared_error(model([1.0, 2.0]), 3.0).backward()
            trainer.step()
        nets.append([p.data for p in model.parameters()])
    assert nets[0] == nets[1]


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "cls"),
    [("sgd", SGD), ("SGD", SGD), ("RMSprop", RMSprop), ("adam", Adam), ("AdamW", AdamW), ("Adagrad", Adagrad)],
)
def test_an_optimizer_is_found_by_its_name(name, cls):
    assert type(find_optimizer(name)) is cls
    assert find_optimizer(name) is not find_optimizer(name)


def test_an_optimizer_is_itself():
    optimizer = Adam(0.1)
    assert find_optimizer(optimizer) is optimizer


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            "Adaam",
            ValueError,
            "unknown optimizer 'Adaam'; did you mean 'adam'\\? known: sgd, rmsprop, adam, adamw, adagrad",
        ),
        (Adam, TypeError, r"optimizer: expected a name or an optimizer, got a class; write Adam\(\)"),
        (None, TypeError, "optimizer: expected a name or an optimizer, got NoneType"),
        (abs, TypeError, "optimizer: expected a name or an optimizer, got builtin_function_or_method"),
    ],
)
def test_what_is_no_optimizer_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        find_optimizer(given)


def test_values_and_tensors_do_not_go_together():
    with pytest.raises(TypeError, match="SGD: expected Values or Tensors, got both; use an optimizer for each kind"):
        SGD([Value(1.0), Tensor([1.0])])


def test_the_repr_tells_whether_there_are_parameters():
    assert repr(Adam(0.5)) == "Adam(learning_rate=0.5)"
    assert repr(SGD(StepDecay(0.5, 3))) == f"SGD(learning_rate={StepDecay(0.5, 3)!r})"


# ---------------------------------------------------------------- groups of parameters


def pairs_of_parameters():
    rng = np.random.default_rng(0)
    return [Tensor(rng.normal(size=shape)) for shape in ((3, 2), (2,), (2, 2), (2,))]


def give_gradients(parameters, seed):
    rng = np.random.default_rng(seed)
    for p in parameters:
        p.grad = rng.normal(size=p.shape)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (AdamW, {"weight_decay": 0.0}),
        (SGD, {"momentum": 0.9, "nesterov": True}),
        (RMSprop, {"learning_rate": 0.5, "centered": True}),
        (Adam, {"learning_rate": lambda step: 0.1 / (1 + step)}),
    ],
)
def test_each_group_goes_as_an_optimizer_of_its_own_would(make, options):
    together, apart = pairs_of_parameters(), pairs_of_parameters()
    one = make([{"parameters": together[::2]}, {"params": together[1::2], **options}], 0.01)
    first = make(apart[::2], 0.01)
    second = make(apart[1::2], **{"learning_rate": 0.01, **options})
    for seed in range(5):
        give_gradients(together, seed)
        give_gradients(apart, seed)
        one.step()
        first.step()
        second.step()
    for p, q in zip(together, apart, strict=True):
        assert p.tolist() == q.tolist()
    assert one.iterations == 5


def test_one_norm_is_clipped_over_all_groups():
    parameters, by_hand = pairs_of_parameters(), pairs_of_parameters()
    kernels, biases = parameters[::2], parameters[1::2]
    give_gradients(parameters, 1)
    norm = np.sqrt(sum((p.grad**2).sum() for p in parameters))
    assert norm > 1.0
    SGD([{"parameters": kernels}, {"parameters": biases, "learning_rate": 0.2}], 0.1, global_clipnorm=1.0).step()
    for i, (p, q) in enumerate(zip(parameters, by_hand, strict=True)):
        expected = q.numpy() - (0.2 if i % 2 else 0.1) * p.grad / norm
        np.testing.assert_allclose(p.numpy(), expected, rtol=1e-14)


def test_a_model_may_be_trained_with_groups_and_its_state_goes_on(tmp_path):
    def made():
        model = Sequential([Dense(4, "tanh", input_shape=(3,)), Dense(1)], dtype="float64", rng=0)
        groups = [
            {"parameters": [layer.weight for layer in model.layers]},
            {"parameters": [layer.bias for layer in model.layers], "learning_rate": 0.0},
        ]
        model.compile(AdamW(groups, 0.01, weight_decay=0.1), "mse")
        return model

    x = np.random.default_rng(0).normal(size=(20, 3))
    y = x[:, :1] ** 2
    model, other = made(), made()
    model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
    assert all(not layer.bias.numpy().any() for layer in model.layers)
    assert model.get_weights()[0].tolist() != other.get_weights()[0].tolist()
    other.load_state_dict(model.state_dict())
    state = model.optimizer.state_dict()
    assert sum(name.endswith(".1") for name in state) == 2
    other.optimizer.load_state_dict(state)
    for one in (model, other):
        one.fit(x, y, batch_size=5, epochs=1, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    model.save(tmp_path / "m.npz")
    again = load_model(tmp_path / "m.npz")
    assert [len(group["parameters"]) for group in again.optimizer.groups] == [2, 2]
    for one in (model, again):
        one.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


def test_options_of_a_single_group_and_schedules_of_groups_are_in_the_file_of_a_model(tmp_path):
    model = Sequential([Dense(2, input_shape=(3,)), Dense(1)], rng=0)
    rates = ExponentialDecay(0.5, 10, 0.5)
    model.compile(SGD([{"parameters": model.parameters(), "momentum": 0.9, "learning_rate": rates}], 0.1), "mse")
    model.save(tmp_path / "m.npz")
    (group,) = load_model(tmp_path / "m.npz").optimizer.groups
    assert (group["momentum"], group["learning_rate"](10)) == (0.9, 0.25)
    model.compile(SGD([{"parameters": model.parameters(), "learning_rate": lambda step: 0.1}], 0.1), "mse")
    with pytest.raises(TypeError, match="learning_rate of a group of the optimizer uses <lambda>, which is code of"):
        model.save(tmp_path / "m.npz")


def test_options_of_groups_are_checked():
    w, b = Value(1.0), Value(2.0)
    for groups, message in (
        ([{"parameters": [w], "lr": 0.1}], "SGD: a group has no option 'lr'; known: learning_rate, momentum, nesterov"),
        ([{"parameters": [w], "clipnorm": 1.0}], "SGD: clipnorm holds for all groups together; give it to SGD itself"),
        ([{"parameters": [w]}, [b]], "SGD: expected each group as"),
        ([{"weights": [w]}], "SGD: expected each group as"),
    ):
        with pytest.raises(TypeError, match=message):
            SGD(groups)
    with pytest.raises(ValueError, match="SGD: expected momentum"):
        SGD([{"parameters": [w], "momentum": 2.0}])
    with pytest.raises(ValueError, match="a parameter is given twice"):
        SGD([{"parameters": [w]}, {"parameters": [w, b]}])


def test_what_is_set_later_holds_for_groups_that_leave_it_out():
    w, b = Value(1.0), Value(1.0)
    optimizer = SGD([{"parameters": [w]}, {"parameters": [b], "learning_rate": 0.5}], 0.1)
    optimizer.learning_rate = 0.2
    w.grad = b.grad = 1.0
    optimizer.step()
    assert (w.data, b.data) == (pytest.approx(0.8), 0.5)
    optimizer.momentum = 0.9
    optimizer.step()
    optimizer.step()
    assert len(optimizer.state_dict()) == 4


def test_a_learning_rate_in_quotes_is_said_to_be_a_number():
    with pytest.raises(TypeError, match=r"got str .0\.1.; a learning rate is a number, as 0\.1"):
        SGD("0.1")


def test_parameters_that_were_given_as_one_list_are_no_groups():
    w, b = Tensor([1.0], label="w"), Tensor([2.0], label="b")
    assert Adam([w, b]).groups == []
    assert [len(group["parameters"]) for group in Adam([{"parameters": [w]}, {"parameters": [b]}]).groups] == [1, 1]


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("missing", [False, True])
def test_a_long_vector_is_moved_in_pieces_with_the_same_bits(make, missing, monkeypatch):
    rng = np.random.default_rng(3)
    numbers, gradients = rng.normal(size=(2, 3, 50))
    found = []
    for piece in (1 << 17, 64):
        monkeypatch.setattr("nn.optimizers.PIECE", piece)
        parameters = [Tensor(x) for x in numbers]
        optimizer = make(parameters, 0.1)
        for k in range(3):
            for i, p in enumerate(parameters):
                p.grad = None if missing and i == 1 else gradients[i] * (k + 1)
            optimizer.step()
        state = optimizer.state_dict()
        found.append([p.numpy().tobytes() for p in parameters] + [np.asarray(state[k]).tobytes() for k in state])
        assert optimizer._blocks[0].is_cut == (piece == 64)
    assert found[0] == found[1]
