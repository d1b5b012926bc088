"""Whole training runs: a hundred steps of every optimizer from the same start end at PyTorch's weights."""

import numpy as np
import pytest
from sizes import slow

from autograd import Tensor, Value, mean, softmax_cross_entropy, squared_error, tanh
from nn import MLP
from nn.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from nn.schedules import CosineDecay, Warmup

torch = pytest.importorskip("torch")

STEPS = 100
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 5))
Y = RNG.integers(0, 3, 64)
START = [0.5 * RNG.normal(size=shape) for shape in [(8, 5), (8,), (3, 8), (3,)]]

T = torch.optim
# Ours and theirs with the same hyperparameters, in the words of each.
PAIRS = {
    "sgd": (lambda p: SGD(p, 0.1), lambda p: T.SGD(p, lr=0.1)),
    "momentum": (lambda p: SGD(p, 0.05, momentum=0.9), lambda p: T.SGD(p, lr=0.05, momentum=0.9)),
    "nesterov": (
        lambda p: SGD(p, 0.05, momentum=0.8, nesterov=True),
        lambda p: T.SGD(p, lr=0.05, momentum=0.8, nesterov=True),
    ),
    "rmsprop": (
        lambda p: RMSprop(p, 0.01, rho=0.95, epsilon=1e-6),
        lambda p: T.RMSprop(p, lr=0.01, alpha=0.95, eps=1e-6),
    ),
    "rmsprop with all": (
        lambda p: RMSprop(p, 0.002, rho=0.9, momentum=0.7, epsilon=1e-3, centered=True),
        lambda p: T.RMSprop(p, lr=0.002, alpha=0.9, momentum=0.7, eps=1e-3, centered=True),
    ),
    "adam": (lambda p: Adam(p, 0.01), lambda p: T.Adam(p, lr=0.01, eps=1e-7)),
    "adam with all": (
        lambda p: Adam(p, 0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-2),
        lambda p: T.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-2),
    ),
    "adamw": (
        lambda p: AdamW(p, 0.01, weight_decay=0.1, epsilon=1e-4),
        lambda p: T.AdamW(p, lr=0.01, weight_decay=0.1, eps=1e-4),
    ),
    "adagrad": (
        lambda p: Adagrad(p, 0.1, epsilon=1e-3),
        lambda p: T.Adagrad(p, lr=0.1, initial_accumulator_value=0.1, eps=1e-3),
    ),
    "adagrad from zero": (
        lambda p: Adagrad(p, 0.1, initial_accumulator_value=0.0, epsilon=1e-10),
        lambda p: T.Adagrad(p, lr=0.1),
    ),
}

# The quick run tries an optimizer that keeps little and one that keeps much.
SOME = ["momentum", "adam with all"]
SOME = [*SOME, *slow(*(pair for pair in PAIRS if pair not in SOME))]


def batch(step):
    return slice(16 * (step % 4), 16 * (step % 4) + 16)


def our_run(make, dtype="float64"):
    parameters = [Tensor(a, dtype=dtype) for a in START]
    w1, b1, w2, b2 = parameters
    optimizer = make(parameters)
    for step in range(STEPS):
        x, y = Tensor(X[batch(step)], dtype=dtype), Y[batch(step)]
        optimizer.zero_grad()
        softmax_cross_entropy(tanh(x @ w1.T + b1) @ w2.T + b2, y).backward()
        optimizer.step()
    return [p.numpy() for p in parameters]


def their_run(make, dtype=torch.float64, adjust=None):
    parameters = [torch.tensor(a, dtype=dtype, requires_grad=True) for a in START]
    w1, b1, w2, b2 = parameters
    optimizer = make(parameters)
    for step in range(STEPS):
        x, y = torch.tensor(X[batch(step)], dtype=dtype), torch.tensor(Y[batch(step)])
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(torch.tanh(x @ w1.T + b1) @ w2.T + b2, y).backward()
        if adjust is not None:
            adjust(step, optimizer, parameters)
        optimizer.step()
    return [p.detach().numpy() for p in parameters]


def farthest(ours, theirs):
    return max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("pair", SOME)
def test_a_hundred_steps_end_at_the_weights_of_pytorch(pair):
    ours, theirs = PAIRS[pair]
    end = our_run(ours)
    assert farthest(end, their_run(theirs)) < 1e-10
    assert farthest(end, START) > 0.1  # it went somewhere


@pytest.mark.parametrize("pair", SOME)
def test_in_float32_too_to_its_precision(pair):
    ours, theirs = PAIRS[pair]
    end = our_run(ours, "float32")
    assert {a.dtype.name for a in end} == {"float32"}
    assert farthest(end, their_run(theirs, torch.float32)) < 1e-4


def test_a_schedule_gives_the_rate_of_every_step():
    schedule = Warmup(CosineDecay(0.02, 60, 0.1), 10)

    def adjust(step, optimizer, _):
        optimizer.param_groups[0]["lr"] = schedule(step)

    ours = our_run(lambda p: Adam(p, schedule))
    assert farthest(ours, their_run(lambda p: T.Adam(p, lr=0.1, eps=1e-7), adjust=adjust)) < 1e-10


def test_clipvalue_is_that_of_pytorch():
    def adjust(_step, _optimizer, parameters):
        torch.nn.utils.clip_grad_value_(parameters, 0.02)

    ours = our_run(lambda p: SGD(p, 0.5, clipvalue=0.02))
    assert farthest(ours, their_run(lambda p: T.SGD(p, lr=0.5), adjust=adjust)) < 1e-10


# PyTorch adds 1e-6 to the norm before it divides by it, so this is as near as it gets.
def test_global_clipnorm_is_that_of_pytorch_but_for_its_safety_term():
    def adjust(_step, _optimizer, parameters):
        torch.nn.utils.clip_grad_norm_(parameters, 0.1)

    ours = our_run(lambda p: SGD(p, 0.5, global_clipnorm=0.1))
    assert farthest(ours, their_run(lambda p: T.SGD(p, lr=0.5), adjust=adjust)) < 1e-4


def test_clipnorm_is_that_of_pytorch_on_each_parameter():
    def adjust(_step, _optimizer, parameters):
        for p in parameters:
            p.grad *= 0.05 / max(p.grad.norm(), 0.05)

    ours = our_run(lambda p: SGD(p, 0.5, clipnorm=0.05))
    assert farthest(ours, their_run(lambda p: T.SGD(p, lr=0.5), adjust=adjust)) < 1e-10


@pytest.mark.parametrize("pair", SOME)
def test_nets_of_values_end_there_as_well(pair):
    make_ours, make_theirs = PAIRS[pair]
    inputs, targets = X[:, :3], X[:, 3:]
    net = MLP(3, [4, 2], activation="tanh", rng=0)
    weights, biases = ([torch.tensor(a, requires_grad=True) for a in group] for group in net.get_weights())
    ours, theirs = make_ours(net.parameters()), make_theirs([*weights, *biases])
    for step in range(STEPS):
        now = slice(2 * step % 64, 2 * step % 64 + 2)
        ours.zero_grad()
        mean([squared_error(net(list(x)), list(y)) for x, y in zip(inputs[now], targets[now], strict=True)]).backward()
        ours.step()
        theirs.zero_grad()
        x, y = torch.tensor(inputs[now]), torch.tensor(targets[now])
        a = torch.tanh(x @ weights[0].T + biases[0])
        (0.5 * ((a @ weights[1].T + biases[1] - y) ** 2).sum() / 2).backward()
        theirs.step()
    ends = [a for group in net.get_weights() for a in group]
    assert farthest(ends, [p.detach().numpy() for p in [*weights, *biases]]) < 1e-10


@pytest.mark.parametrize("pair", PAIRS)
def test_a_parameter_that_has_no_gradient_rests_as_it_does_in_pytorch(pair):
    make_ours, make_theirs = PAIRS[pair]
    ours = [Tensor(a) for a in START]
    theirs = [torch.tensor(a, requires_grad=True) for a in START]
    optimizer, other = make_ours(ours), make_theirs(theirs)
    for step in range(10):
        optimizer.zero_grad()
        other.zero_grad()
        for i in range(4) if step in (0, 1) else (0, 2, 3):
            (ours[i] * ours[i]).sum().backward()
            (theirs[i] * theirs[i]).sum().backward()
        optimizer.step()
        other.step()
    assert farthest([p.numpy() for p in ours], [p.detach().numpy() for p in theirs]) < 1e-10


def test_a_single_value_descends_as_in_pytorch():
    w, v = Value(2.0), torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    ours, theirs = Adam([w], 0.1), T.Adam([v], lr=0.1, eps=1e-7)
    for _ in range(STEPS):
        ours.zero_grad()
        ((w - 1) ** 2).backward()
        ours.step()
        theirs.zero_grad()
        ((v - 1) ** 2).backward()
        theirs.step()
    assert w.data == pytest.approx(v.item(), abs=1e-12)
