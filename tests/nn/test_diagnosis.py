"""What nn.diagnose finds in nets that do not learn; it is silent about those that do, and changes nothing."""

import contextlib
import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sizes import mostly_slow, slow

import nn
from autograd import Tensor
from nn import MLP, SGD, Activation, Adam, Dense, Dropout, Input, Model, Sequential
from nn.datasets import curve, load_digits, moons
from nn.regularizers import L2
from nn.training.samples import checked_samples
from nn.training.trials import Trial, constant_guess, equal_rows, seconds_of

X, SIDES = moons(200, noise=0.1, rng=3)
NUMBERS = X.sum(axis=1, keepdims=True)
CLASSES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def net(*layers, optimizer="adam", loss="binary_crossentropy", last=None, seed=0):
    last = [Dense(1, activation="sigmoid")] if last is None else last
    model = Sequential([*layers, *last], rng=seed)
    model.compile(optimizer, loss)
    return model


def far_below(shape, *, rng):
    return np.full(shape, -30.0)


def huge(shape, *, rng):
    return rng.normal(size=shape) * 100


def all_pairs(true, predicted):
    return ((true[:, 0] - predicted) ** 2).mean()


def below_zero(true, predicted):
    return (predicted - 1000.0).log().mean()


SOFTMAX = [Dense(3, activation="softmax")]
ILL = {
    "loss not finite": lambda: (net(Dense(8, "relu"), last=[Dense(1)], loss=below_zero), X, NUMBERS),
    "softmax of probabilities": lambda: (
        net(
            Dense(8, "relu"),
            last=[Dense(3, "softmax"), Activation("softmax")],
            loss="sparse_categorical_crossentropy",
        ),
        X,
        CLASSES,
    ),
    "loss of all pairs of samples": lambda: (net(Dense(8, "relu"), last=[Dense(1)], loss=all_pairs), X, NUMBERS),
    "targets all equal": lambda: (net(Dense(8, "relu")), X, 0 * SIDES),
    "targets out of reach": lambda: (net(Dense(8, "relu"), loss="mse"), X, 5 * NUMBERS),
    "equal units": lambda: (net(Dense(8, "tanh", kernel_initializer="ones"), optimizer=SGD(0.1)), X, SIDES),
    "inputs all equal": lambda: (net(Dense(8, "relu")), 0 * X + 1, SIDES),
    "inputs not scaled": lambda: (net(Dense(8, "relu"), optimizer=SGD(0.1)), 500 * X + 3000, SIDES),
    "targets not scaled": lambda: (net(Dense(8, "relu"), last=[Dense(1)], loss="mse"), X, 3e4 * NUMBERS + 1e5),
    "labels unrelated to inputs": lambda: (net(Dense(16, "relu")), X, np.random.default_rng(5).permutation(SIDES)),
    "regularization too strong": lambda: (
        net(Dense(16, "relu", kernel_regularizer=L2(100.0)), optimizer=Adam(0.01)),
        X,
        SIDES,
    ),
    "learning rate too large": lambda: (net(Dense(16, "relu"), Dense(16, "relu"), optimizer=SGD(100.0)), X, SIDES),
    "dead units": lambda: (net(Dense(16, "relu", bias_initializer=far_below), optimizer=SGD(0.1)), X, SIDES),
    "saturated units": lambda: (
        net(*(Dense(16, "tanh", kernel_initializer=huge) for _ in range(3)), optimizer=SGD(1e-4)),
        X,
        SIDES,
    ),
    "vanishing gradient": lambda: (net(*(Dense(16, "sigmoid") for _ in range(7)), optimizer=SGD(0.05)), X, SIDES),
    "learning rate too small": lambda: (net(Dense(16, "tanh"), optimizer=SGD(1e-6)), X, SIDES),
}
WELL = {
    "sides": lambda: (net(Dense(16, "relu"), optimizer=Adam(0.01)), X, SIDES),
    "classes, dropout": lambda: (
        net(
            Dense(32, "relu"), Dropout(0.2), optimizer=Adam(0.01), last=SOFTMAX, loss="sparse_categorical_crossentropy"
        ),
        X,
        CLASSES,
    ),
    "numbers": lambda: (net(Dense(16, "tanh"), last=[Dense(1)], loss="mse", optimizer=SGD(0.1)), X, NUMBERS),
    "a curve": lambda: (
        net(Dense(16, "elu"), last=[Dense(1)], loss="mae", optimizer=Adam(0.01)),
        *curve("sine", 200, rng=0),
    ),
}


@pytest.mark.parametrize(("activation", "is_told"), [("hard_sigmoid", True), ("tanh", False)])
def test_a_softmax_of_what_gives_numbers_from_0_to_1_is_told_whatever_that_is_called(activation, is_told):
    model = net(Dense(3, activation), last=[Activation("softmax")], loss="sparse_categorical_crossentropy")
    found = nn.diagnose(model, X[:20], CLASSES[:20], steps=1)
    assert ("softmax of probabilities" in [f.kind for f in found.faults]) == is_told
    assert not is_told or "what a hard_sigmoid gave" in str(found)


@pytest.mark.parametrize(
    "illness", mostly_slow(ILL, *(name for name in ILL if name not in ("vanishing gradient", "dead units")))
)
def test_what_is_wrong_is_found_first(illness):
    model, x, y = ILL[illness]()
    found = nn.diagnose(model, x, y)
    assert not found
    assert found.findings[0].kind == illness
    assert found.findings[0].level in ("fault", "hint")
    assert str(found).count(found.findings[0].remedy) == 1


@pytest.mark.parametrize("name", WELL)
@pytest.mark.parametrize("epochs", [0, 15])
def test_nothing_is_said_of_a_net_that_learns(name, epochs):
    model, x, y = WELL[name]()
    if epochs:
        model.fit(x, y, epochs=epochs, verbose=0)
    found = nn.diagnose(model, x, y)
    assert found
    assert found.learns
    assert found.findings == []


def test_causes_stand_before_what_follows_from_them():
    zeros = {"kernel_initializer": "zeros"}
    model = net(Dense(8, "relu", **zeros), last=[Dense(1, "sigmoid", **zeros)])
    kinds = [f.kind for f in model.diagnose(X, SIDES).findings]
    assert kinds == ["equal units", "dead units", "constant outputs"]


@pytest.mark.slow
def test_after_a_failed_training_the_rate_that_killed_the_units_is_named_before_them():
    model = net(Dense(16, "relu"), Dense(16, "relu"), optimizer=SGD(100.0))
    model.fit(X, SIDES, epochs=5, verbose=0)
    kinds = [f.kind for f in model.diagnose(X, SIDES).findings]
    assert kinds[0] == "learning rate too large"
    assert "dead units" in kinds


def test_a_hint_is_a_note_in_a_net_that_learns_all_the_same():
    model = net(Dense(32, "tanh"), optimizer=Adam(0.01))
    found = model.diagnose(20 * X, SIDES)
    assert [(f.kind, f.level) for f in found.findings][:1] == [("inputs not scaled", "note")]
    assert found
    assert found.notes == found.findings
    assert found.hints == found.faults == []


def test_scaling_is_tried_out_before_it_is_advised():
    model, x, y = ILL["inputs not scaled"]()
    evidence = model.diagnose(x, y).findings[0].evidence
    assert "With these scaled the same steps take the loss" in evidence


def digits_net(optimizer, seed=0):
    return net(
        Dense(32, "relu"),
        optimizer=optimizer,
        last=[Dense(10, "softmax")],
        loss="sparse_categorical_crossentropy",
        seed=seed,
    )


@pytest.mark.parametrize("seed", [0, *slow(1)])
@pytest.mark.parametrize("optimizer", [lambda rate: Adam(rate), *slow(lambda rate: SGD(rate))], ids=["Adam", "SGD"])
@pytest.mark.parametrize("epochs", [0, 2])
def test_the_rate_that_is_advised_is_one_at_which_the_net_learns(optimizer, epochs, seed):
    x, y = load_digits(flat=True, unit=True)
    model = digits_net(optimizer(100.0), seed)
    if epochs:
        model.fit(x, y, epochs=epochs, verbose=0)
    fault = model.diagnose(x, y).findings[0]
    assert fault.kind == "learning rate too large"
    named = float(re.search(r"such as (\d[\d.e-]*\d|\d)", fault.remedy)[1])
    assert f"at {named:.4g} from" in fault.evidence
    other = digits_net(optimizer(named), seed + 7)
    other.fit(x, y, epochs=5, verbose=0)
    assert other.evaluate(x, y) < 1.0  # guessing has 2.3


def test_no_rate_is_advised_where_none_learns():
    def of_no_use(true, predicted):  # the larger the steps the larger the loss, whatever the targets are
        return (predicted * predicted).mean() + 1000.0

    model = net(Dense(8, "relu"), last=[Dense(1)], loss=of_no_use, optimizer=SGD(1000.0))
    found = model.diagnose(X, NUMBERS)
    fault = next(f for f in found.findings if f.kind == "learning rate too large")
    assert "at none of them it learns" in fault.evidence
    assert "such as" not in fault.remedy


@pytest.mark.slow
def test_a_rate_of_0_is_told_to_be_too_small_or_nothing_is_said_of_it():
    kinds = [f.kind for f in net(Dense(8, "relu"), optimizer=SGD(lambda step: 0.0 * step)).diagnose(X, SIDES).findings]
    assert "learning rate too large" not in kinds


@pytest.mark.parametrize("epochs", [0, 5])
@pytest.mark.parametrize(("factor", "rate"), [(16, 0.1), (255, 0.01)])
def test_wide_inputs_are_named_in_a_net_that_learns_little_of_them(factor, rate, epochs):
    x, y = load_digits(flat=True, unit=True)
    model = digits_net(SGD(rate))
    if epochs:
        model.fit(factor * x, y, epochs=epochs, verbose=0)
    found = model.diagnose(factor * x, y)
    assert not found
    assert found.hints[0].kind == "inputs not scaled"
    assert f"go up to {factor}." in found.hints[0].evidence
    assert "With these scaled the same steps take the loss" in found.hints[0].evidence
    assert "Nothing" not in str(found)


def test_nothing_is_said_of_wide_inputs_of_which_a_net_learns_well():
    x, y = load_digits(flat=True, unit=True)
    assert digits_net(Adam(0.003)).diagnose(16 * x, y).findings == []


def test_the_first_line_does_not_contradict_the_notes_below_it():
    found = net(Dense(32, "tanh"), optimizer=Adam(0.01)).diagnose(20 * X, SIDES)
    assert found.notes
    for said in (str(found), found._repr_html_()):
        assert "Nothing was found" not in said
        assert "what is noted below" in said


@pytest.mark.slow
@pytest.mark.parametrize("illness", ["learning rate too large", "labels unrelated to inputs", "dead units"])
def test_neither_weights_nor_optimizer_nor_random_numbers_change(illness):
    model, x, y = ILL[illness]()
    same, _, _ = ILL[illness]()
    for m in (model, same):
        m.fit(x, y, epochs=1, verbose=0)
    model.diagnose(x, y)
    assert model.training == same.training
    assert model.rng.bit_generator.state == same.rng.bit_generator.state
    assert_same(model.optimizer.state_dict(), same.optimizer.state_dict())
    assert_same(model.state_dict(), same.state_dict())
    assert all((p.grad is None) == (q.grad is None) for p, q in zip(model.parameters(), same.parameters(), strict=True))
    for m in (model, same):  # and the training goes on as it would have
        m.fit(x, y, epochs=2, verbose=0)
    assert_same(model.state_dict(), same.state_dict())


def assert_same(a, b):
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def test_a_model_that_is_not_built_stays_so_and_global_random_numbers_stay():
    model = net(Dense(8, "relu"))
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    model.diagnose(X, SIDES)
    assert not model.built
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_a_net_of_values_is_diagnosed_and_stays_as_it_is():
    def made():
        net = MLP(2, [8, 1], activation="tanh", output_activation="sigmoid", rng=0)
        net.compile(SGD(learning_rate=1e-6), "binary_crossentropy")
        return net

    one, same = made(), made()
    assert [f.kind for f in one.diagnose(X, SIDES).findings] == ["learning rate too small"]
    assert_same(one.state_dict(), same.state_dict())
    assert one.rng.bit_generator.state == same.rng.bit_generator.state
    one.compile(Adam(learning_rate=0.01), "binary_crossentropy")
    assert nn.diagnose(one, X, SIDES)


def test_a_trained_net_of_values_that_was_given_equal_weights_is_told_so():
    net = MLP.from_weights(
        [np.ones((6, 2)), np.ones((1, 6))], [np.zeros(6), np.zeros(1)], "tanh", output_activation="sigmoid"
    )
    net.compile(SGD(learning_rate=0.1), "binary_crossentropy")
    net.fit(X, SIDES, epochs=3, verbose=0)
    assert net.diagnose(X, SIDES).findings[0].kind == "equal units"


def two_inputs(optimizer):
    one, other = Input((2,), name="one"), Input((1,), name="other")
    a = Dense(8, activation="relu")(one) + Dense(8, activation="tanh")(other)
    model = Model([one, other], Dense(1)(a + Dense(8, activation="relu")(a)), rng=0)
    model.compile(optimizer, "mse")
    return model


@pytest.mark.slow
def test_a_net_that_branches_is_diagnosed_by_all_its_inputs():
    x = [X, NUMBERS]
    y = X[:, :1] - NUMBERS
    assert two_inputs(Adam(0.01)).diagnose(x, y).findings == []
    assert [f.kind for f in two_inputs(SGD(1e-7)).diagnose(x, y).findings] == ["learning rate too small"]
    off = two_inputs(SGD(0.1)).diagnose([X, 1e4 * NUMBERS], y).findings[0]
    assert (off.kind, off.where) == ("inputs not scaled", "other")
    assert "Numbers in other go up to" in off.evidence
    trained = two_inputs(SGD(100.0))
    with contextlib.suppress(ArithmeticError):
        trained.fit(x, y, epochs=1, verbose=0)
    assert trained.diagnose(x, y).findings[0].kind == "learning rate too large"


def test_trials_leave_frozen_layers_alone_and_draw_the_others_anew():
    model = net(Dense(8, "relu"), Dense(8, "relu"))
    model.build((2,))
    model.layers[0].trainable = False
    model.compile(Adam(0.01), "binary_crossentropy")
    trial = Trial(model, checked_samples("test", model, X, SIDES), 32, is_new=True).train(5)
    same = [
        np.array_equal(p.numpy(), q.numpy()) for p, q in zip(model.parameters(), trial.model.parameters(), strict=True)
    ]
    assert same == [True, True, False, False, False, False]


def test_a_trial_with_new_weights_takes_a_mask_of_its_own_shape():
    x, seen = Input((6, 4)), Input((6, 6))
    attended = nn.MultiHeadAttention(2, 4)(x, x, attention_mask=seen)
    model = Model([x, seen], Dense(1)(nn.Flatten()(attended)), rng=0)
    model.compile("adam", "mse")
    given = [np.ones((8, 6, 4)), np.ones((8, 6, 6))]
    trial = Trial(model, checked_samples("test", model, given, np.ones((8, 1))), 8, is_new=True)
    assert [p.shape for p in trial.model.parameters()] == [p.shape for p in model.parameters()]
    assert not np.array_equal(trial.model.parameters()[0].numpy(), model.parameters()[0].numpy())


def test_what_a_step_costs_grows_with_products_of_matrices_and_with_calls():
    def loss(width, deep=1):
        a = Tensor(np.ones((32, width)))
        for _ in range(deep):
            a = a @ Tensor(np.ones((width, width)), label="W")
        return (a * a).sum()

    assert seconds_of(loss(512), 32, 32) / seconds_of(loss(256), 32, 32) == pytest.approx(4, rel=0.3)
    assert seconds_of(loss(2, 100), 32, 32) / seconds_of(loss(2, 10), 32, 32) > 5
    assert seconds_of(loss(512), 8, 32) < 0.5 * seconds_of(loss(512), 32, 32)


@pytest.mark.slow
def test_a_large_net_gets_fewer_steps_and_samples_and_is_told_the_same():
    def wide(optimizer):
        return net(*(Dense(256, "relu") for _ in range(5)), optimizer=optimizer)

    assert wide(Adam(0.001)).diagnose(X, SIDES).findings == []
    found = wide(SGD(1e-7)).diagnose(X, SIDES)
    assert [f.kind for f in found.findings] == ["learning rate too small"]
    assert wide(SGD(100.0)).diagnose(X, SIDES).findings[0].kind == "learning rate too large"


def test_the_same_call_finds_the_same():
    model, x, y = ILL["labels unrelated to inputs"]()
    assert str(model.diagnose(x, y)) == str(model.diagnose(x, y))


def test_the_best_constant_guess_is_the_entropy_of_the_classes_and_the_variance_of_numbers():
    model = net(Dense(4, "relu"), last=[Dense(3, "softmax")], loss="sparse_categorical_crossentropy")
    p = np.bincount(CLASSES) / len(CLASSES)
    trial = Trial(model, checked_samples("test", model, X, CLASSES), 32)
    assert constant_guess(trial) == pytest.approx(-(p * np.log(p)).sum(), rel=1e-5)
    model = net(Dense(4, "relu"), last=[Dense(1)], loss="mse")
    trial = Trial(model, checked_samples("test", model, X, NUMBERS), 32)
    assert constant_guess(trial) == pytest.approx(NUMBERS.var(), rel=1e-5)


def test_rows_are_equal_whatever_their_size_and_others_are_not():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5, 4)) * 10.0 ** np.array([[6], [0], [0], [-1], [2]])
    assert equal_rows(rows) == 0
    assert equal_rows(np.vstack([rows, rows[:2]])) == 4
    assert equal_rows(np.zeros((3, 4))) == 3


def test_only_a_model_or_a_net_of_values_that_is_compiled_is_diagnosed():
    with pytest.raises(TypeError, match="expected a Sequential, a Model or an MLP, got list"):
        nn.diagnose([1], X, SIDES)
    with pytest.raises(RuntimeError, match="diagnose: the model is not compiled"):
        nn.diagnose(Sequential([Dense(1)]), X, SIDES)
    with pytest.raises(ValueError, match="diagnose: x has 200 samples, y has 199"):
        net().diagnose(X, SIDES[1:])
    with pytest.raises(ValueError, match="steps"):
        net().diagnose(X, SIDES, steps=0)


def test_in_a_notebook_it_is_a_table_whose_text_is_no_markup():
    def less_than_a_number(true, predicted):
        return (predicted - 1000.0).log().mean()

    less_than_a_number.__name__ = "<b>"
    model = net(Dense(8, "relu", name="<i>"), last=[Dense(1)], loss=less_than_a_number)
    shown = model.diagnose(X, NUMBERS)._repr_html_()
    assert "<td>fault</td>" in shown
    assert "<i>" not in shown


# ---------------------------------------------------------------- trainings that the thresholds were not set by


@pytest.fixture(scope="module")
def experiment():
    script = Path(__file__).parents[2] / "benchmarks" / "diagnoses.py"
    spec = importlib.util.spec_from_file_location("diagnoses", script)
    module = importlib.util.module_from_spec(spec)
    sys.modules["diagnoses"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["diagnoses"]


@pytest.mark.slow
def test_of_a_few_drawn_trainings_the_healthy_are_left_alone_and_the_sick_are_found(experiment):
    tasks = experiment.made_tasks(np.random.default_rng([6, 2]))
    well = experiment.looks(experiment.healthy(6, tasks[:5], 5), epochs=5)
    assert all(look.verdict in ("silent", "note") for look in well)
    drawn = [t for t in experiment.sick(6, tasks) if t.illness in ("equal units", "targets out of reach")]
    assert all(look.verdict in ("first", "learns") for look in experiment.looks(iter(drawn), epochs=5))


@pytest.mark.slow
def test_of_thirty_healthy_trainings_none_is_alarmed_at_and_of_thirty_sick_ones_nine_in_ten_are_told(experiment):
    tasks = experiment.made_tasks(np.random.default_rng([6, 2]))
    well = [look.verdict for look in experiment.looks(experiment.healthy(6, tasks, 30), epochs=20)]
    assert well.count("FALSE") <= 1  # of 60 looks; a net drawn at random may live from luck
    ill = [look.verdict for look in experiment.looks(experiment.sick(6, tasks), epochs=20)]
    assert len(ill) > 55
    assert sum(v in ("first", "learns") for v in ill) >= 0.9 * len(ill)
