"""Schedules: by hand, by the documented formulas, and against PyTorch's schedulers."""

import itertools
import math
import warnings

import pytest

from nn.schedules import Constant, CosineDecay, ExponentialDecay, ReduceOnPlateau, StepDecay, Warmup


def torch_rates(make, rate, steps):
    """The rates of a scheduler of PyTorch at the steps 0, 1, ..."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=rate)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no step of the optimizer was taken
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
    return rates


def ours(schedule, steps):
    return [schedule(step) for step in range(steps)]


def test_a_constant_rate_stays():
    assert ours(Constant(0.3), 3) == [0.3, 0.3, 0.3]


def test_step_decay_by_hand():
    assert ours(StepDecay(8.0, 2, 0.5), 7) == [8, 8, 4, 4, 2, 2, 1]


def test_step_decay_agrees_with_pytorch():
    theirs = torch_rates(lambda s, o: s.StepLR(o, 7, gamma=0.3), 0.1, 50)
    assert ours(StepDecay(0.1, 7, 0.3), 50) == pytest.approx(theirs, rel=1e-13)


def test_exponential_decay_by_hand():
    smooth, stairs = ExponentialDecay(8.0, 2, 0.25), ExponentialDecay(8.0, 2, 0.25, staircase=True)
    assert ours(smooth, 5) == [8, 4, 2, 1, 0.5]
    assert ours(stairs, 5) == [8, 8, 2, 2, 0.5]


def test_exponential_decay_agrees_with_pytorch():
    theirs = torch_rates(lambda s, o: s.ExponentialLR(o, gamma=0.9 ** (1 / 10)), 0.1, 50)
    assert ours(ExponentialDecay(0.1, 10, 0.9), 50) == pytest.approx(theirs, rel=1e-13)


def test_cosine_decay_by_hand():
    assert ours(CosineDecay(2.0, 4), 7) == pytest.approx([2, 1 + math.sqrt(0.5), 1, 1 - math.sqrt(0.5), 0, 0, 0])
    assert CosineDecay(2.0, 4, 0.1)(4) == CosineDecay(2.0, 4, 0.1)(99) == pytest.approx(0.2)
    assert CosineDecay(2.0, 4, 0.1)(2) == pytest.approx(1.1)


def test_cosine_decay_agrees_with_pytorch():
    theirs = torch_rates(lambda s, o: s.CosineAnnealingLR(o, 40, eta_min=0.02), 0.1, 41)
    assert ours(CosineDecay(0.1, 40, 0.2), 41) == pytest.approx(theirs, rel=1e-10)


def test_a_warmup_is_a_straight_line_to_where_the_schedule_begins():
    assert ours(Warmup(0.4, 4), 7) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4])
    assert ours(Warmup(StepDecay(0.4, 2, 0.5), 2, start=0.2), 7) == pytest.approx([0.2, 0.3, 0.4, 0.4, 0.2, 0.2, 0.1])


def test_a_warmup_agrees_with_pytorch():
    theirs = torch_rates(
        lambda s, o: s.SequentialLR(
            o, [s.LinearLR(o, 0.25, 1.0, total_iters=8), s.CosineAnnealingLR(o, 20)], milestones=[8]
        ),
        0.1,
        28,
    )
    assert ours(Warmup(CosineDecay(0.1, 20), 8, start=0.025), 28) == pytest.approx(theirs, rel=1e-10, abs=1e-15)


def test_a_warmup_agrees_with_the_formula_of_keras():
    initial, target, warmup_steps, decay_steps, alpha = 0.01, 0.5, 5, 30, 0.05

    def keras(step):  # the documentation of CosineDecay with warmup_target
        if step < warmup_steps:
            return (target - initial) * step / warmup_steps + initial
        done = min(step - warmup_steps, decay_steps) / decay_steps
        return ((1 - alpha) * 0.5 * (1 + math.cos(math.pi * done)) + alpha) * target

    ours_ = Warmup(CosineDecay(target, decay_steps, alpha), warmup_steps, initial)
    assert ours(ours_, 50) == pytest.approx([keras(step) for step in range(50)], rel=1e-13)


def test_a_warmup_goes_around_a_function_of_ones_own():
    assert ours(Warmup(lambda step: 1 / (1 + step), 2), 5) == pytest.approx([0, 0.5, 1, 1 / 2, 1 / 3])


@pytest.mark.parametrize(
    "schedule", [Constant(0.1), StepDecay(0.1, 3), ExponentialDecay(0.1, 3, 0.9), CosineDecay(0.1, 3), Warmup(0.1, 3)]
)
def test_every_schedule_refuses_a_step_before_the_first_and_shows_itself(schedule):
    with pytest.raises(ValueError, match=f"{type(schedule).__name__}: expected step to be at least 0, got -1"):
        schedule(-1)
    with pytest.raises(TypeError, match=f"{type(schedule).__name__}: step needs a real number, got str"):
        schedule("1")
    assert repr(schedule).startswith(f"{type(schedule).__name__}(")
    assert schedule == eval(repr(schedule))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-0.1), "Constant: expected learning_rate to be a finite number of at least 0, got -0.1"),
        (lambda: StepDecay(0.1, 0), "StepDecay: expected step_size to be a positive integer, got 0"),
        (lambda: StepDecay(-1, 1), "expected initial_learning_rate to be a finite number of at least 0"),
        (lambda: ExponentialDecay(0.1, 10, math.nan), "ExponentialDecay: expected decay_rate to be a finite number"),
        (lambda: ExponentialDecay(0.1, -10, 0.9), "expected decay_steps to be a positive integer, got -10"),
        (lambda: CosineDecay(math.inf, 10), "CosineDecay: expected initial_learning_rate to be a finite number"),
        (lambda: CosineDecay(0.1, 10, -1), "CosineDecay: expected alpha"),
        (lambda: Warmup(0.1, 0), "Warmup: expected steps to be a positive integer, got 0"),
        (lambda: Warmup(-0.1, 1), "Warmup: expected schedule to be a finite number of at least 0"),
        (lambda: ReduceOnPlateau(-0.1), "ReduceOnPlateau: expected learning_rate to be a finite number"),
        (lambda: ReduceOnPlateau(0.1, factor=1.0), "expected factor to be at least 0 and below 1, got 1.0"),
        (lambda: ReduceOnPlateau(0.1, patience=0), "expected patience to be a positive integer, got 0"),
        (lambda: ReduceOnPlateau(0.1, cooldown=-1), "expected cooldown to be an integer of at least 0, got -1"),
        (lambda: ReduceOnPlateau(0.1, mode="auto"), "expected mode to be 'min' or 'max', got 'auto'"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def plateau(values, **options):
    reduce = ReduceOnPlateau(1.0, **options)
    return [reduce.update(value) for value in values]


def test_a_plateau_cuts_the_rate_after_its_patience():
    assert plateau([3.0, 2.0, 2.0, 2.0, 2.0, 2.0], factor=0.5, patience=2) == [1, 1, 1, 0.5, 0.5, 0.25]


def test_an_improvement_starts_the_count_anew():
    assert plateau([3.0, 3.0, 2.0, 2.0, 2.0], factor=0.5, patience=2) == [1, 1, 1, 1, 0.5]


def test_larger_may_be_better():
    assert plateau([0.5, 0.6, 0.7, 0.6], factor=0.5, patience=1, mode="max") == [1, 1, 1, 0.5]


def test_a_gain_below_min_delta_is_none():
    assert plateau([1.0, 0.95, 0.89], factor=0.5, patience=1, min_delta=0.1) == [1, 0.5, 0.5]


def test_nothing_is_counted_while_the_rate_cools_down():
    # cut at epoch 2; epochs 3 and 4 cool (2, then 1 left), epoch 5 ends the cooldown and counts
    assert plateau([1.0] * 7, factor=0.5, patience=1, cooldown=3) == [1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_no_cut_goes_below_the_least_rate():
    assert plateau([1.0] * 5, factor=0.1, patience=1, min_learning_rate=0.05) == [1, 0.1, 0.05, 0.05, 0.05]


def test_nan_is_no_improvement():
    assert plateau([math.nan, math.nan], factor=0.5, patience=2) == [1, 0.5]


def test_a_plateau_agrees_with_pytorch_which_waits_an_epoch_longer():
    torch = pytest.importorskip("torch")
    values = [math.sin(i) + 5 / (1 + i) for i in range(60)]
    for patience, mode in itertools.product((1, 2, 4), ("min", "max")):
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode, 0.5, patience - 1, threshold=1e-4, threshold_mode="abs", eps=0.0
        )
        theirs = []
        for value in values:
            scheduler.step(value)
            theirs.append(optimizer.param_groups[0]["lr"])
        assert plateau(values, factor=0.5, patience=patience, mode=mode) == theirs


def test_the_monitored_value_must_be_a_number():
    with pytest.raises(TypeError, match="ReduceOnPlateau: value needs a real number, got NoneType"):
        ReduceOnPlateau(0.1).update(None)


def test_a_plateau_shows_where_it_is():
    reduce = ReduceOnPlateau(0.1)
    reduce.update(2.0)
    assert repr(reduce) == "ReduceOnPlateau(learning_rate=0.1, best=2.0, waited=0)"
