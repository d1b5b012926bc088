"""replayed: whole training steps, gradients and weights moved too, give the bits of the plain function."""

import copy
import warnings
from contextlib import nullcontext

import numpy as np
import pytest
from random_programs import ROWS, WIDTH, random_function
from sizes import slow

import autograd as ag
import nn
from autograd import Tensor, linear, no_grad, replayed, softmax_cross_entropy, squared_error, tanh

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)), RNG.normal(size=(60, 3))


def batch(k, size=5):
    i = 7 * k % (len(X) - size)
    return X[i : i + size], Y[i : i + size]


class Net:
    """Parameters, a loss, and optimizers of its own; the same each time."""

    def __init__(self, make=lambda p: [nn.SGD(p, 0.1)], dtype="float64"):
        rng = np.random.default_rng(1)
        self.parameters = [
            Tensor(rng.normal(size=shape) * 0.5, label, dtype=dtype)
            for shape, label in (((6, 4), "W"), ((6,), "b"), ((3, 6), "V"))
        ]
        self.optimizers = make(self.parameters)

    def state(self):
        found = [p.numpy().tobytes() for p in self.parameters]
        found += [None if p._grad is None else p._grad.tobytes() for p in self.parameters]
        for optimizer in self.optimizers:
            found += [(k, np.asarray(v).tobytes()) for k, v in optimizer.state_dict().items()]
        return found


def usual(net):
    w, b, v = net.parameters
    optimizers = net.optimizers

    def step(x, y):
        loss = squared_error(tanh(linear(x, w, b)) @ v.T, y)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        return loss

    return step


def result(z):
    if isinstance(z, tuple):
        return [result(x) for x in z]
    return z.tolist() if isinstance(z, Tensor) else z if z is None or isinstance(z, str) else np.asarray(z).tolist()


def compared(write, make=lambda p: [nn.SGD(p, 0.1)], between=lambda net, k: None, count=12, dtype="float64"):
    """The replayed step that was run beside the plain one, with the same things done in between."""
    one, other = Net(make, dtype), Net(make, dtype)
    plain, fast = write(one), replayed(write(other))
    for k in range(count):
        x, y = (a.astype(dtype) for a in batch(k))
        assert result(plain(x, y)) == result(fast(x, y))
        assert one.state() == other.state(), k
        between(one, k)
        between(other, k)
    return fast


def has_program(fast):
    return fast.is_plain is None and any(shape.written is not None for shape in fast._shapes.values())


OPTIMIZERS = {
    "SGD": lambda p: [nn.SGD(p, 0.1)],
    "momentum": lambda p: [nn.SGD(p, 0.1, momentum=0.9)],
    "Nesterov": lambda p: [nn.SGD(p, 0.1, momentum=0.9, nesterov=True)],
    "Adam": lambda p: [nn.Adam(p, 0.05)],
    "AdamW": lambda p: [nn.AdamW(p, 0.05, weight_decay=0.1)],
    "RMSprop": lambda p: [nn.RMSprop(p, 0.01, centered=True, momentum=0.5)],
    "Adagrad": lambda p: [nn.Adagrad(p, 0.1)],
    "a schedule": lambda p: [nn.Adam(p, nn.schedules.ExponentialDecay(0.1, 3, 0.5))],
    "clipnorm": lambda p: [nn.SGD(p, 0.1, clipnorm=0.01)],
    "clipvalue": lambda p: [nn.SGD(p, 0.1, clipvalue=0.01)],
    "global_clipnorm": lambda p: [nn.Adam(p, 0.1, global_clipnorm=0.01)],
    "groups": lambda p: [nn.SGD([{"parameters": p[:1], "momentum": 0.5}, {"parameters": p[1:]}], 0.1)],
    "two optimizers": lambda p: [nn.SGD(p[:2], 0.1), nn.Adam(p[2:], 0.1)],
    "not all": lambda p: [nn.SGD(p[1:], 0.1)],
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float64", *slow("float32")])
def test_a_whole_step_comes_to_the_same_bits(make, dtype):
    assert has_program(compared(usual, make, dtype=dtype))


# ---------------------------------------------------------------- other ways to write it


def adding_up(net):
    w, b, v = net.parameters

    def step(x, y):
        loss = squared_error(tanh(linear(x, w, b)) @ v.T, y) + (w * w).sum() * 0.1
        loss.backward()
        return loss

    return step


def by_hand(net):
    parameters = net.parameters

    def step(x, y):
        w, b, v = parameters
        loss = squared_error(tanh(linear(x, w, b)) @ v.T, y)
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        return loss

    return step


def assigned(net):
    w, b, v = net.parameters

    def step(x, y):
        w.grad = b.grad = v.grad = None
        squared_error(tanh(linear(x, w, b)) @ v.T, y).backward()
        with no_grad():
            w.data = w.data - 0.1 * w.grad
            b.data[...] = b.data - 0.1 * b.grad
            v.data[1] -= 0.1 * v.grad[1]

    return step


def clipped_by_hand(net):
    w, b, v = net.parameters
    (optimizer,) = net.optimizers

    def step(x, y):
        loss = squared_error(tanh(linear(x, w, b)) @ v.T, y)
        optimizer.zero_grad()
        loss.backward()
        w.grad = np.clip(w.grad, -0.01, 0.01)
        norm = np.sqrt((b.grad * b.grad).sum())
        optimizer.step()
        return loss, norm, "norm", None

    return step


constant = Tensor([1.0, 2.0])  # of which nobody takes a gradient


def two_passes(net):
    w, b, v = net.parameters
    (optimizer,) = net.optimizers

    def step(x, y):
        optimizer.zero_grad()
        hidden = tanh(linear(x, w, b))
        loss = squared_error(hidden @ v.T, y)
        loss.backward()
        penalty = (v * v).sum() * 0.01
        penalty.backward()
        optimizer.step()
        after = squared_error(tanh(linear(x, w, b)) @ v.T, y)  # with the weights moved
        return loss, penalty, after.data, w, constant

    return step


def two_steps(net):
    w, b, v = net.parameters
    (optimizer,) = net.optimizers

    def step(x, y):
        for _ in range(2):
            optimizer.zero_grad()
            loss = squared_error(tanh(linear(x, w, b)) @ v.T, y)
            loss.backward()
            optimizer.step()
        return loss

    return step


def against_its_inputs(net):
    w, b, v = net.parameters
    (optimizer,) = net.optimizers

    def step(x, y):
        inputs = Tensor(x)
        squared_error(tanh(linear(inputs, w, b)) @ v.T, y).backward()
        harder = x + 0.1 * np.sign(inputs.grad)
        optimizer.zero_grad()
        loss = squared_error(tanh(linear(harder, w, b)) @ v.T, y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def two_classifications(net):
    w, b, v = net.parameters
    (optimizer,) = net.optimizers
    weight = np.linspace(0.5, 1.5, 5)

    def step(x, y):
        for _ in range(2):  # the second is written down when nothing can be taken back any more
            loss = softmax_cross_entropy(tanh(linear(x, w, b)) @ v.T, np.argmax(y, 1), weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss

    return step


def told_of_the_rate(net):
    step = usual(net)
    (optimizer,) = net.optimizers
    return lambda x, y: (step(x, y), optimizer.learning_rate, optimizer.momentum, optimizer.clipnorm)


def test_a_leaf_that_is_given_is_itself():
    net = Net()
    fast = replayed(two_passes(net))
    for k in range(8):
        found = fast(*batch(k))
    assert has_program(fast)
    assert found[3] is net.parameters[0]
    assert found[4] is constant


WAYS = [by_hand, assigned, clipped_by_hand, two_passes, two_steps, two_classifications, against_its_inputs]


@pytest.mark.parametrize("write", WAYS)
def test_a_step_may_be_written_in_many_ways(write):
    assert has_program(compared(write))


@pytest.mark.parametrize("every", [1, 3, 100])
def test_gradients_that_nothing_clears_add_up(every):
    def between(net, k):
        if k % every == every - 1:
            net.optimizers[0].step()
            net.optimizers[0].zero_grad()
        if k == 7:
            net.parameters[0].grad = np.ones((6, 4))

    assert has_program(compared(adding_up, between=between, count=25))


def test_gradients_may_be_cleared_outside_of_a_step():
    def write(net):
        w, b, v = net.parameters
        (optimizer,) = net.optimizers

        def step(x, y):
            loss = squared_error(tanh(linear(x, w, b)) @ v.T, y)
            loss.backward()
            optimizer.step()
            return loss, squared_error(tanh(linear(x, w, b)) @ v.T, y)

        return step

    def between(net, k):
        if k < 8 or k % 3 == 0:
            net.optimizers[0].zero_grad()

    assert has_program(compared(write, between=between, count=25))


def test_a_gradient_that_somebody_holds_is_not_written_to():
    net = Net()
    step = replayed(adding_up(net))
    for k in range(12):
        before = [] if k < 6 else [p.grad for p in net.parameters]
        copies = [g.copy() for g in before]
        step(*batch(k))
        for g, copied in zip(before, copies, strict=True):
            np.testing.assert_array_equal(g, copied)


def test_arrays_that_a_step_gives_are_those_of_the_parameters_where_the_functions_are():
    def write(net):
        step = usual(net)
        w, b, v = net.parameters

        def shown(x, y):
            step(x, y)
            before = v.grad
            v.grad = None
            return w.grad, b.data, before

        return shown

    one, other = Net(), Net()
    plain, fast = write(one), replayed(write(other))
    for k in range(8):
        for net, step in ((one, plain), (other, fast)):
            for array in step(*batch(k)):
                array *= 2
            net.optimizers[0].step()
        assert one.state() == other.state()
    assert has_program(fast)


@pytest.mark.parametrize("write", [usual, by_hand, told_of_the_rate])
@pytest.mark.parametrize(
    "change",
    [
        lambda net: setattr(net.optimizers[0], "learning_rate", 0.01),
        lambda net: setattr(net.optimizers[0], "momentum", 0.5),
        lambda net: setattr(net.optimizers[0], "clipnorm", 0.001),
        lambda net: setattr(net.optimizers[0], "iterations", 100),
        lambda net: setattr(net.parameters[0], "data", np.ones((6, 4))),
        lambda net: net.parameters[1].data.fill(0.5),
        lambda net: [setattr(p, "grad", None) for p in net.parameters],
        lambda net: net.parameters[1].grad.fill(3.0),
        lambda net: net.optimizers[0].load_state_dict(net.optimizers[0].state_dict()),
        lambda net: nn.Adam(net.parameters[1:], 0.1),
        lambda net: copy.deepcopy(net.optimizers[0]).step(),
    ],
)
def test_what_is_changed_between_steps_counts(change, write):
    def between(net, k):
        if k in (7, 9):
            change(net)

    compared(write, between=between, count=14)


def test_graphs_recorded_before_a_step_are_refused_after_it():
    for write in (usual, by_hand, assigned):
        net = Net()
        step = replayed(write(net))
        for k in range(8):
            loss = (net.parameters[0] * 2).sum()
            step(*batch(k))
            with pytest.raises(RuntimeError, match="changed after the forward pass"):
                loss.backward()
            assert "dW" in ag.derive((net.parameters[0] * 2).sum(), net.parameters[0]).text()


def test_numbers_that_decide_otherwise_are_computed_as_ever():
    def write(net):
        w, b, v = net.parameters
        (optimizer,) = net.optimizers

        def step(x, y):
            loss = squared_error(tanh(linear(x, w, b)) @ v.T, y)
            if loss.data < 1.2:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return step

    assert has_program(compared(write, lambda p: [nn.SGD(p, 0.01)], count=40))


def test_a_program_that_gives_up_has_moved_nothing():
    one, other = Tensor(np.ones(4)), Tensor(np.ones(4))

    def write(w):
        def step(x):
            before = (w * x).sum()
            new = x * 2.0
            sign = 1.0 if x[0] > 0 else -1.0
            w.data = new
            return before * sign

        return step

    plain, fast = write(one), replayed(write(other))
    for k in range(12):
        x = np.arange(4.0) + k if k in (7, 9) else -np.arange(4.0) - k - 1
        x = -x if k < 3 else x
        assert plain(x).item() == fast(x).item()
        assert one.tolist() == other.tolist()
    assert has_program(fast)


def test_a_loss_that_is_not_finite_is_that_of_the_function():
    one, other = Net(), Net()
    plain, fast = usual(one), replayed(usual(other))
    for k in range(8):
        x, y = batch(k)
        plain(x, y), fast(x, y)
    x = X[:5] * np.inf
    assert np.isnan(fast(x, Y[:5]).item())
    plain(x, Y[:5])
    assert one.state() == other.state()


def test_an_index_that_is_out_of_range_is_an_error_and_moves_nothing():
    def write(net):
        w, *_ = net.parameters
        (optimizer,) = net.optimizers

        def step(rows):
            loss = (w[rows] ** 2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return step

    net = Net()
    fast = replayed(write(net))
    for _ in range(8):
        fast(np.array([0, 1, 3]))
    assert has_program(fast)
    before = net.state()
    with pytest.raises(IndexError):
        fast(np.array([0, 1, 77]))
    assert net.state() == before


def test_dropout_draws_what_it_would_have_drawn():
    models = [
        nn.Sequential([nn.Input((4,)), nn.Dense(6, "tanh"), nn.Dropout(0.5), nn.Dense(3)], dtype="float64", rng=3)
        for _ in "12"
    ]
    steps = []
    for model in models:
        model.train()
        optimizer = nn.Adam(model.parameters(), 0.01)

        def step(x, y, model=model, optimizer=optimizer):
            loss = squared_error(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        steps.append(step)
    fast = replayed(steps[1])
    for k in range(10):
        assert steps[0](*batch(k)).item() == fast(*batch(k)).item()
    assert has_program(fast)
    assert models[0].rng.bit_generator.state == models[1].rng.bit_generator.state


def test_an_optimizer_found_by_an_attribute_is_looked_up_again():
    class Trainer:
        def __init__(self, net):
            self.optimizer, self.parameters = net.optimizers[0], net.parameters

        def step(self, x, y):
            w, b, v = self.parameters
            loss = squared_error(tanh(linear(x, w, b)) @ v.T, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            return loss

    one, other = Net(), Net()
    trainers = Trainer(one), Trainer(other)
    fast = replayed(trainers[1].step)
    for k in range(20):
        assert trainers[0].step(*batch(k)).item() == fast(*batch(k)).item()
        if k == 9:
            assert has_program(fast)
            for net, trainer in zip((one, other), trainers, strict=True):
                trainer.optimizer = nn.SGD(net.parameters, 0.3)
    assert has_program(fast)
    assert one.state()[:6] == other.state()[:6]


def test_its_result_has_no_way_back():
    for write in (usual, adding_up):
        net = Net()
        w = net.parameters[0]
        fast = replayed(write(net))
        for k in range(6):
            loss = fast(*batch(k))
        assert has_program(fast)
        before = net.state()
        for ask in (loss.backward, (2 * loss).backward, lambda loss=loss, w=w: ag.gradients(loss, w)):
            with pytest.raises(RuntimeError, match=r"goes back itself|changed after the forward pass"):
                ask()
        assert net.state() == before


# ---------------------------------------------------------------- what is refused


def printing(net):
    step = usual(net)

    def told(x, y):
        loss = step(x, y)
        print(end="")
        return loss

    return told


def counting(net):
    step, count = usual(net), 0

    def counted(x, y):
        nonlocal count
        count += 1
        return step(x, y) if count < 6 else step(2 * x, y)

    return counted


def noting(net):
    step, losses = usual(net), []

    def noted(x, y):
        losses.append(step(x, y).item())
        return losses[-1]

    return noted


def stopping(net):
    w, b, v = net.parameters
    (optimizer,) = net.optimizers

    def step(x, y):
        loss = squared_error(tanh(linear(x, w, b)) @ v.T, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (w.data > 0.7).any():  # after the weights have moved nothing can be taken back
            optimizer.step()
        return loss

    return step


class Noisy(nn.SGD):
    """Draws random numbers in its rule."""

    rng = np.random.default_rng(5)

    def rule(self, w, g, free, c, state):
        super().rule(w, g + 0 * self.rng.normal(), free, c, state)


def setting(net):
    step = usual(net)
    (optimizer,) = net.optimizers

    def slower(x, y):
        loss = step(x, y)
        optimizer.learning_rate *= 0.9
        return loss

    return slower


def setting_the_same(net):
    step = usual(net)
    (moving,) = net.optimizers

    def set_rate(optimizer, rate):
        optimizer.learning_rate = rate

    def at_its_rate(x, y):
        set_rate(moving, 0.05)
        return step(x, y)

    return at_its_rate


def listing(net):
    step = usual(net)
    return lambda x, y: [step(x, y)]


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (printing, "print"),
        (counting, "changes what it reads"),
        (noting, "changes what it reads"),
        (setting, "assigns to learning_rate"),
        (setting_the_same, "assigns to learning_rate"),
        (stopping, "cannot be written down"),
        (listing, "got list"),
    ],
)
def test_what_is_not_understood_goes_on_with_one_warning(write, reason):
    one, other = Net(), Net()
    plain, fast = write(one), replayed(write(other))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for k in range(10):
            found, expected = fast(*batch(k)), plain(*batch(k))
            if write is not listing:
                assert result(found) == result(expected)
            assert one.state() == other.state()
    assert [reason in str(w.message) for w in told] == [True]
    assert told[0].filename == __file__


def test_an_optimizer_that_draws_random_numbers_is_refused():
    one, other = (Net(lambda p: [Noisy(p, 0.1)]) for _ in "12")
    plain, fast = usual(one), replayed(usual(other))
    for k in range(6):
        with pytest.warns(RuntimeWarning, match="random") if k == 2 else nullcontext():
            found = fast(*batch(k))
        assert plain(*batch(k)).item() == found.item()
    assert one.state() == other.state()


@pytest.mark.parametrize("grouped", [False, True])
def test_a_schedule_is_asked_once_for_each_step(grouped):
    asked = {}

    def make(p):
        steps = asked[len(asked)] = []

        def rate(step):
            steps.append(step)
            return 0.1 + 0.01 * len(steps)

        return [nn.SGD([{"parameters": p, "learning_rate": rate}] if grouped else p, 0.1 if grouped else rate)]

    assert has_program(compared(usual, make))
    assert asked[0] == asked[1]


class Decaying(nn.optimizers.Optimizer):
    """A rule of somebody's own, in which each step is shorter."""

    def constants(self, rate, step):
        return (rate / step,)

    def rule(self, w, g, free, c, state):
        np.subtract(w, np.multiply(g, c[0], free), w)


def test_an_optimizer_of_ones_own_is_called_in_each_run():
    assert has_program(compared(usual, lambda p: [Decaying(p, 0.5)]))


# ---------------------------------------------------------------- what else an optimizer may be asked


def reading_the_rate(net):
    w, b, v = net.parameters
    (optimizer,) = net.optimizers

    def step(x, y):
        optimizer.zero_grad()
        squared_error(tanh(linear(x, w, b)) @ v.T, y).backward()
        for p in (w, b, v):
            p.data -= optimizer.learning_rate * p.grad

    return step


def test_a_rate_that_is_read_counts_when_it_changes():
    def between(net, k):
        if k == 7:
            net.optimizers[0].learning_rate = 0.01

    assert has_program(compared(reading_the_rate, between=between, count=15))


def setting_the_rate(net):
    w, b, v = net.parameters
    (optimizer,) = net.optimizers

    def step(x, y):
        optimizer.learning_rate = 0.1 / (1 + optimizer.iterations)
        loss = squared_error(tanh(linear(x, w, b)) @ v.T, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def loading(net):
    step, (optimizer,) = usual(net), net.optimizers
    state = optimizer.state_dict()

    def loaded(x, y):
        optimizer.load_state_dict(state)
        return step(x, y)

    return loaded


@pytest.mark.parametrize(
    ("write", "reason"), [(setting_the_rate, "assigns to learning_rate"), (loading, "it calls load_state_dict of SGD")]
)
def test_what_is_done_to_an_optimizer_besides_its_step_is_refused(write, reason):
    one, other = (Net(lambda p: [nn.SGD(p, 0.1, momentum=0.5)]) for _ in "12")
    plain, fast = write(one), replayed(write(other))
    for k in range(8):
        with pytest.warns(RuntimeWarning, match=reason) if k == 2 else nullcontext():
            found = fast(*batch(k))
        assert plain(*batch(k)).item() == found.item()
        assert one.state() == other.state()


def test_a_step_that_somebody_puts_in_its_place_is_taken():
    net = Net()
    fast = replayed(usual(net))
    for k in range(8):
        fast(*batch(k))
    before = net.state()[:3]
    net.optimizers[0].step = lambda: None
    fast(*batch(8))
    assert net.state()[:3] == before


def with_gradients(net):
    w, b, v = net.parameters

    def step(x, y):
        loss = squared_error(tanh(linear(x, w, b)) @ v.T, y)
        loss.label = "L"
        for p, g in zip((w, b, v), ag.gradients(loss, [w, b, v]), strict=True):
            p.data -= 0.1 * g
        return loss

    return step


def test_gradients_asked_for_by_the_function_move_weights_too():
    fast = compared(with_gradients)
    assert has_program(fast)
    assert fast(*batch(0)).label == "L"


def test_gradients_of_results_with_a_name_are_given_too():
    def write(net):
        w, b, v = net.parameters
        (optimizer,) = net.optimizers

        def step(x, y):
            hidden = tanh(linear(x, w, b))
            hidden.label = "A[1]"
            loss = squared_error(hidden @ v.T, y)
            loss.label = "L"
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss, hidden, w

        return step

    one, other = Net(), Net()
    plain, fast = write(one), replayed(write(other))
    for k in range(8):
        for found, expected in zip(fast(*batch(k)), plain(*batch(k)), strict=True):
            np.testing.assert_array_equal(found.grad, expected.grad)
            assert found.label == expected.label
    assert has_program(fast)


def test_a_tensor_made_inside_is_not_given_without_its_gradient():
    w = Tensor(np.ones((3, 4)))

    def step(x):
        inputs = Tensor(x)
        (inputs @ w.T).sum().backward()
        return inputs

    fast = replayed(step)
    for k in range(6):
        with pytest.warns(RuntimeWarning, match="return the gradient") if k == 2 else nullcontext():
            assert fast(X[:5]).grad.tolist() == [[3.0] * 4] * 5


def test_a_parameter_that_the_loss_does_not_reach_stays():
    def write(net):
        w, b, _ = net.parameters
        (optimizer,) = net.optimizers

        def step(x, y):
            loss = squared_error(linear(x, w[:3], b[:3]), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return step

    assert has_program(compared(write, lambda p: [nn.Adam(p, 0.1)]))


def test_a_replayed_loss_may_be_part_of_a_replayed_step():
    def write(net):
        w, b, v = net.parameters
        (optimizer,) = net.optimizers
        loss_of = replayed(lambda x, y: squared_error(tanh(linear(x, w, b)) @ v.T, y))

        def step(x, y):
            loss = loss_of(x, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        step.inner = loss_of
        return step

    fast = compared(write, count=16)
    assert has_program(fast)
    assert fast.function.inner.is_plain is None


# ---------------------------------------------------------------- random functions


def random_step(seed, way):
    function, parameters = random_function(seed, "float64")
    make = list(OPTIMIZERS.values())[seed % 11]
    (optimizer,) = make(parameters)
    net = Net(lambda _: [optimizer])
    net.parameters = parameters
    if way == "by hand":

        def step(x, y):
            loss, outputs = function(x, y)
            for p in parameters:
                p.grad = None
            loss.backward()
            for p in parameters:
                if p.grad is not None:
                    p.data -= 0.01 * np.clip(p.grad, -1, 1)
            return loss, outputs

    elif way == "adds up":

        def step(x, y):
            loss, outputs = function(x, y)
            loss.backward()
            return loss, outputs

    else:

        def step(x, y):
            loss, outputs = function(x, y)
            if way == "usual" or loss.data > 0.3:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss, outputs

    return step, net


@pytest.mark.parametrize("way", ["usual", *slow("adds up", "decides", "by hand")])
@pytest.mark.parametrize("start", [0, *slow(100)])
def test_random_steps_come_to_the_same_bits(way, start):
    has = []
    for seed in range(start, start + (1 if not start else 25)):
        (plain, one), (other_step, other) = random_step(seed, way), random_step(seed, way)
        fast, rng = replayed(other_step), np.random.default_rng(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for k in range(9):
                x, y = rng.normal(size=(2, ROWS, WIDTH)) * (1 if k % 4 else 20)
                assert bits(plain(x, y)) == bits(fast(x, y)), (seed, k)
                assert one.state() == other.state(), (seed, k)
                if rng.integers(5) == 0:
                    for net in (one, other):
                        net.optimizers[0].zero_grad()
        has.append(has_program(fast))
    assert sum(has) >= len(has) / 2


def bits(results):
    return [z.numpy().tobytes() for z in results]


def test_single_numbers_in_functions_of_numpy_are_those_of_the_run():
    def write(net):
        w, b, _ = net.parameters

        def step(x, y):
            loss = ag.minimum((w * w).sum(), (b * x[0, 0]).sum()) + ag.maximum(w.mean(), b.mean())
            w.grad = b.grad = None
            loss.backward()
            for p in (w, b):
                p.data -= 0.01 * p.grad
            return loss

        return step

    compared(write, count=20)
