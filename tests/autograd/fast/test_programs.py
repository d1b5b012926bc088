"""Programs of training steps: the numbers are those of the graph, to the last bit, whatever happens in between."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest
from trained import compiled, data, programs, recorded, same_bits

import nn
from autograd import Tensor, no_grad, squared_error, tanh
from autograd.fast import roads
from autograd.fast.effects import Effects, give_gradients
from autograd.fast.programs import SHAPES, Programs
from autograd.op import elementwise
from autograd.operands import plainly
from nn.layers import Dense
from nn.losses import MeanSquaredError, squared_errors


class Every(nn.callbacks.Callback):
    """Does something to the model before some of the batches."""

    def __init__(self, batch, change):
        self.batch, self.change = batch, change

    def on_train_batch_begin(self, batch, logs):
        if batch == self.batch:
            self.change(self.model)


def set_weights(model):
    model.set_weights([w * 0.5 for w in model.get_weights()])


def assign(model):
    model.layers[0].weight.data = model.layers[0].weight.data * 2.0


def write(model):
    model.layers[0].bias.data += 0.25


def another_activation(model):
    model.layers[0].activation = "tanh" if model.layers[0].activation is not tanh else "sigmoid"


def another_loss(model):
    model.loss.half = not model.loss.half


def slower(model):
    model.optimizer.learning_rate *= 0.5


def another_optimizer(model):
    nn.SGD(model.parameters(), 0.0)


def look(model):
    for p in model.parameters():
        if p.grad is not None:
            p.grad[...] = 7.0


@pytest.mark.parametrize(
    "change", [set_weights, assign, write, another_activation, another_loss, slower, another_optimizer, look]
)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_what_is_changed_between_steps_counts_in_a_program_too(change, optimizer):
    x, y = data(30)
    models = [compiled([Dense(6, "relu"), Dense(3)], MeanSquaredError(), optimizer=optimizer) for _ in "12"]
    histories = [
        m.fit(x, y, 5, 4, callbacks=[Every(1, change)], verbose=0).history for m in (models[0], recorded(models[1]))
    ]
    assert programs(models[0]) >= 1
    assert histories[0] == histories[1]
    same_bits(*models)


def careful_tanh(x):
    return -tanh(-x) if (x < -80).any() else tanh(x)


@pytest.mark.parametrize(("activation", "has_program"), [("sigmoid", True), (careful_tanh, False)])
def test_numbers_in_the_tails_are_computed_as_ever(activation, has_program):
    x, y = data(30)
    x[7] *= 1e4  # for this sample e^-z overflows, and the other looks at its smallest number
    models = [compiled([Dense(6, activation), Dense(3)]) for _ in "12"]
    histories = [m.fit(x, y, 5, 20, verbose=0).history for m in (models[0], recorded(models[1]))]
    assert programs(models[0]) == has_program  # else it gave up too often
    assert histories[0] == histories[1]
    same_bits(*models)


def test_a_loss_that_is_not_finite_changes_no_weight_in_a_program_either():
    x, y = data(5)
    model = compiled([Dense(6, "relu"), Dense(3)])
    for _ in range(4):
        model.train_on_batch(x, y)
    assert programs(model) == 1
    before = model.get_weights()
    with pytest.raises(ArithmeticError, match="no weight was changed"):
        model.train_on_batch(x * 1e30, y)
    assert all(np.array_equal(v, w) for v, w in zip(before, model.get_weights(), strict=True))
    assert all(p.grad is None for p in model.parameters())
    model.train_on_batch(x, y)
    assert all(np.isfinite(p.grad).all() for p in model.parameters())


def test_a_step_that_is_interrupted_leaves_no_half_of_a_gradient():
    times = [0]

    def interrupting(g):
        times[0] += 1
        if times[0] == 8:
            raise KeyboardInterrupt
        return g

    # whose way back is a call in a program, for it is more than stand-ins know
    same = elementwise(lambda z, x: plainly(interrupting, np.ones_like(x)))(lambda x: x + 0.0)
    parameters = [Tensor(np.ones((3, 3))) for _ in "12"]

    def step(x):
        loss = (same(x @ parameters[0]) @ parameters[1]).sum()
        give_gradients(loss, parameters)
        return (loss,)

    programs = Programs(parameters, trains=True)
    for _ in range(4):
        programs.run(step, np.ones((2, 3)))
    assert times == [7]  # four times itself, once on stand-ins, and two times its program
    with pytest.raises(KeyboardInterrupt):
        programs.run(step, np.ones((2, 3)))
    assert [p.grad for p in parameters] == [None, None]


def test_gradients_after_a_program_are_those_of_the_batch():
    x, y = data(5)
    model = compiled([Dense(6, "tanh"), Dense(3, "sigmoid")], optimizer=nn.SGD(0.0), dtype="float64")
    for _ in range(4):
        model.train_on_batch(x, y)
    assert programs(model) == 1
    found = [p.grad for p in model.parameters()]
    for p in model.parameters():
        p.grad = None
    model.loss_of(x, y).backward()
    for p, g in zip(model.parameters(), found, strict=True):
        assert g == pytest.approx(p.grad, rel=1e-12)


def test_a_list_that_an_operation_of_ones_own_reads_counts_when_it_changes():
    rate = [1.0]

    @elementwise(lambda z, x: rate[0])
    def scaled_for_this_test(x):
        return x * rate[0]

    def change(model):
        rate[0] = 0.5

    x, y = data(30)
    models = [compiled([Dense(6, scaled_for_this_test), Dense(3)]) for _ in "12"]
    histories = []
    for m in (models[0], recorded(models[1])):
        rate[0] = 1.0
        histories.append(m.fit(x, y, 5, 4, callbacks=[Every(1, change)], verbose=0).history)
    assert programs(models[0]) == 1
    assert histories[0] == histories[1]


class Shrink(MeanSquaredError):
    """Pulls all outputs to a target of its own."""

    def __init__(self, target):
        super().__init__()
        self.target = target

    def of_batch(self, y_pred, target, weight, from_logits):
        return squared_errors(y_pred, self.target, weight)


@pytest.mark.parametrize("target", [0.0, np.float32(0), Tensor(np.zeros((1, 3)), dtype="float32")])
def test_a_loss_of_ones_own_may_have_a_target_of_its_own(target):
    x, y = data(5)
    models = [compiled([Dense(3)], Shrink(target)) for _ in "12"]
    losses = [[m.train_on_batch(x, y) for _ in range(7)] for m in (models[0], recorded(models[1]))]
    assert programs(models[0]) == 1
    assert losses[0] == losses[1]
    if isinstance(target, Tensor):  # which nobody clears
        assert abs(target.grad).sum() > 0


def test_an_operation_may_have_no_module():
    class Same:
        __name__ = "same_for_this_test"
        __module__ = None

        def __call__(self, x):
            return x * 1.0

    x, y = data(5)
    model = compiled([Dense(3, elementwise(1.0)(Same()))])
    losses = [model.train_on_batch(x, y)[0] for _ in range(5)]
    assert losses[4] < losses[0]
    assert programs(model) == 1


def test_weights_that_two_layers_share_get_both_gradients():
    models = []
    for _ in "12":
        model = nn.Sequential([nn.Input((4,)), Dense(4, "tanh"), Dense(4, "tanh"), Dense(3)], rng=1)
        model.layers[1].weight = model.layers[0].weight
        model.compile("adam", "mse", ["mae"])
        models.append(model)
    x, y = data(30)
    histories = [m.fit(x, y, 5, 4, verbose=0).history for m in (models[0], recorded(models[1]))]
    assert programs(models[0]) == 1
    assert histories[0] == histories[1]
    same_bits(*models)


def test_a_model_is_copied_without_its_programs():
    x, y = data(30)
    model = compiled([Dense(6, "relu"), Dense(3)])
    model.fit(x, y, 5, 2, verbose=0)
    assert programs(model) == 1
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        histories = [m.fit(x, y, 5, 2, shuffle=False, verbose=0).history for m in (copy.deepcopy(model), other)]
        assert histories[0] == histories[1]


def test_a_model_with_many_weights_is_unpickled_and_goes_on():
    x, y = data(5)
    model = compiled([Dense(100, "relu"), Dense(3)])
    for _ in range(4):
        model.train_on_batch(x, y)
    for protocol in (2, pickle.HIGHEST_PROTOCOL):
        one, other = copy.deepcopy(model), pickle.loads(pickle.dumps(model, protocol))
        losses = [[m.train_on_batch(x, y) for _ in range(4)] for m in (one, other)]
        assert losses[0] == losses[1]
        assert programs(other) == 1


def test_a_dropped_model_is_freed_with_its_programs():
    x, y = data(5)
    model = compiled([Dense(6, "relu"), Dense(3)])
    for _ in range(4):
        model.train_on_batch(x, y)
    assert programs(model) == 1
    block = weakref.ref(model.layers[0].weight._data.base)
    gc.collect()
    gc.disable()
    try:
        del model
        assert block() is None
    finally:
        gc.enable()


@pytest.mark.slow
def test_batches_of_many_sizes_do_not_fill_the_memory():
    model = compiled([Dense(6, "relu"), Dense(3)])
    for rows in range(1, 40):
        for _ in range(4):
            model.train_on_batch(*data(rows))
    assert 0 < programs(model) <= SHAPES


def test_what_another_thread_trains_stays_trained_while_a_prediction_is_written_down(monkeypatch):
    x, y = np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([[1.0], [0.0]])

    def trained():
        w = Tensor([[0.5, -0.3]])
        optimizer = nn.Adam([w], 0.1)

        def train():
            optimizer.zero_grad()
            squared_error(tanh(x @ w.T), y).backward()
            optimizer.step()

        return w, train

    w, train = trained()
    finish, steps = Effects.finish, []

    def meanwhile(effects, *arguments, **options):
        thread = threading.Thread(target=train)
        thread.start()
        thread.join()
        steps.append(train)
        return finish(effects, *arguments, **options)

    monkeypatch.setattr(Effects, "finish", meanwhile)
    predictions = Programs([w])
    for _ in range(6):
        with no_grad():
            predictions.run(lambda x: (tanh(x @ w.T),), x)
    alone, train_alone = trained()
    for _ in steps:
        train_alone()
    assert steps
    np.testing.assert_allclose(w.numpy(), alone.numpy(), rtol=1e-12)
    np.testing.assert_allclose(w.grad, alone.grad, rtol=1e-12)


def test_predictions_that_draw_go_on_drawing_as_they_would_without_programs(monkeypatch):
    x = np.arange(6.0).reshape(2, 3)

    def predicted():
        model = nn.Sequential([nn.Dense(4, input_shape=(3,)), nn.Dropout(0.5), nn.Dense(1)], rng=0)
        found = []
        for _ in range(8):
            with no_grad():
                found += [model(x, training=True).numpy(), model.predict(x)]
        return found

    with_programs = predicted()
    monkeypatch.setattr(roads, "are_open", lambda: False)
    assert all(map(np.array_equal, with_programs, predicted()))
