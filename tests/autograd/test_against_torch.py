"""The engine against PyTorch in double precision, where it is installed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sizes import slow

import autograd
from autograd import Value, gradients
from autograd.fast import neuron

torch = pytest.importorskip("torch")
F = torch.nn.functional

TIGHT = {"rel": 1e-9, "abs": 1e-12}

ELEMENTWISE = {
    "abs": torch.abs,
    "arccos": torch.arccos,
    "arcsin": torch.arcsin,
    "arctan": torch.arctan,
    "cosh": torch.cosh,
    "elu": lambda x, alpha: torch.where(x > 0, x, alpha * torch.expm1(x)),
    "exp2": torch.exp2,
    "expm1": torch.expm1,
    "gelu": F.gelu,
    "hard_sigmoid": lambda x: torch.clamp(x / 6 + 0.5, 0, 1),
    "log10": torch.log10,
    "log1p": torch.log1p,
    "log2": torch.log2,
    "logaddexp": torch.logaddexp,
    "mish": F.mish,
    "reciprocal": torch.reciprocal,
    "selu": F.selu,
    "silu": F.silu,
    "sinh": torch.sinh,
    "softsign": F.softsign,
    "square": torch.square,
    "tan": torch.tan,
    "add": torch.add,
    "cos": torch.cos,
    "div": torch.div,
    "exp": torch.exp,
    "leaky_relu": lambda x, alpha: torch.where(x > 0, x, alpha * x),
    "log": torch.log,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "mul": torch.mul,
    "neg": torch.neg,
    "power": torch.pow,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "sin": torch.sin,
    "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "sqrt": torch.sqrt,
    "sub": torch.sub,
    "tanh": torch.tanh,
}


def tensor(x):
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def by_torch(f, xs, order=1):
    """f and, for each operand, its derivative of the given order by that operand alone."""
    leaves = [tensor(x) for x in xs]
    z = f(*leaves)
    slopes = []
    for x in leaves:
        d = z
        for _ in range(order):
            d = torch.autograd.grad(d, x, create_graph=True, allow_unused=True)[0] if d.requires_grad else None
            d = torch.zeros((), dtype=torch.float64) if d is None else d
        slopes.append(d.item())
    return [z.item(), *slopes]


def by_engine(f, xs, order=1):
    leaves = [Value(x) for x in xs]
    z = f(*leaves)
    slopes = []
    for x in leaves:
        d = z
        for _ in range(order):
            d = gradients(d, x, create_graph=True)
        slopes.append(d.data)
    return [z.data, *slopes]


def points(name):
    binary = len(getattr(autograd, name).op.rules) == 2
    xs = (-2.5, -0.3, 0.2, 1.0, 3.7)
    pairs = [(x, y) for x in xs for y in xs if x != y] if binary else [(x,) for x in xs]
    if name in ("log", "log2", "log10", "sqrt", "power"):
        pairs = [p for p in pairs if p[0] > 0]
    if name == "log1p":
        pairs = [p for p in pairs if p[0] > -1]
    if name in ("arcsin", "arccos"):
        pairs = [p for p in pairs if abs(p[0]) < 1]
    return pairs


@pytest.mark.parametrize("order", [1, 2, *slow(3, 4)])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_operations_and_their_derivatives(name, order):
    for xs in points(name):
        expected = by_torch(ELEMENTWISE[name], xs, order)
        assert by_engine(getattr(autograd, name), xs, order) == pytest.approx(expected, **TIGHT), xs


@pytest.mark.parametrize(
    ("name", "xs"),
    [
        *[(name, (x,)) for name in ("relu", "abs", "sign") for x in (0.0, -0.0, math.inf, -math.inf)],
        *[(name, (x,)) for name in ("sigmoid", "tanh", "softplus") for x in (-1000.0, -745.0, -40.0, 25.0, 1000.0)],
        *[(name, (2.0, 2.0)) for name in ("maximum", "minimum")],
        *[("power", p) for p in ((0.0, 2.0), (0.0, 0.0), (0.0, -1.0), (-2.0, 3.0), (2.0, 0.0))],
        *[("log", (x,)) for x in (0.0, math.inf)],
        *[("sqrt", (x,)) for x in (0.0, -1.0)],
        *[(name, (x,)) for name in ("exp", "expm1", "exp2", "sinh", "cosh") for x in (1000.0, -1000.0, 0.0)],
        *[(name, (x,)) for name in ("selu", "silu", "mish", "gelu", "softsign") for x in (-200.0, 30.0)],
        *[("hard_sigmoid", (x,)) for x in (-5.0, 5.0)],
        *[(name, (x,)) for name in ("log1p",) for x in (-1.0, 1e-17, math.inf)],
        *[(name, (x,)) for name in ("log2", "log10") for x in (0.0, math.inf)],
        *[(name, (x,)) for name in ("arcsin", "arccos") for x in (-1.0, 1.0, 2.0)],
        *[("arctan", (x,)) for x in (1e200, -math.inf)],
        *[("logaddexp", p) for p in ((1000.0, 0.0), (-1000.0, 1000.0), (-5.0, -5.0))],
        ("reciprocal", (0.0,)),
        ("div", (1.0, 0.0)),
        ("leaky_relu", (0.0, 0.1)),
    ],
)
def test_kinks_singular_points_and_tails(name, xs):
    ours, theirs = by_engine(getattr(autograd, name), xs), by_torch(ELEMENTWISE[name], xs)
    # nan is nan, infinities agree, and the rest agrees to rounding, at the smallest numbers too
    assert ours == pytest.approx(theirs, rel=1e-12, abs=5e-324, nan_ok=True)


@pytest.mark.parametrize("x", [-3.0, 3.0])
def test_the_kinks_of_the_hard_sigmoid(x):
    assert by_engine(autograd.hard_sigmoid, [x]) == by_torch(F.hardsigmoid, [x])


@pytest.mark.parametrize("x", [-2.0, -1.0, 0.0, 1.0, 2.0, math.nan])
def test_clip(x):
    ours = by_engine(lambda x: autograd.clip(x, -1, 1), [x])
    assert ours == pytest.approx(by_torch(lambda x: torch.clamp(x, -1, 1), [x]), nan_ok=True)


SEQUENCES = {
    "sum": (autograd.sum, torch.sum),
    "mean": (autograd.mean, torch.mean),
    "prod": (autograd.prod, torch.prod),
    "logsumexp": (autograd.logsumexp, lambda x: torch.logsumexp(x, 0)),
    "softmax": (lambda x: autograd.softmax(x)[1], lambda x: torch.softmax(x, 0)[1]),
    "log_softmax": (lambda x: autograd.log_softmax(x)[1], lambda x: torch.log_softmax(x, 0)[1]),
    "cross entropy of a class": (
        lambda x: autograd.softmax_cross_entropy(x, 2),
        lambda x: F.cross_entropy(x, torch.tensor(2)),
    ),
    "cross entropy of a distribution": (
        lambda x: autograd.softmax_cross_entropy(x, [0.2, 0.5, 0.3]),
        lambda x: F.cross_entropy(x, torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)),
    ),
    "binary cross-entropy from logits": (
        lambda x: autograd.binary_cross_entropy_with_logits(x, [0.0, 1.0, 0.3]),
        lambda x: F.binary_cross_entropy_with_logits(x, torch.tensor([0.0, 1.0, 0.3], dtype=torch.float64)),
    ),
    "binary cross-entropy": (
        lambda x: autograd.binary_cross_entropy([autograd.sigmoid(u) for u in x], [0.0, 1.0, 0.3]),
        lambda x: F.binary_cross_entropy(torch.sigmoid(x), torch.tensor([0.0, 1.0, 0.3], dtype=torch.float64)),
    ),
    "squared error": (
        lambda x: autograd.squared_error(x, [1.0, 2.0, 3.0]),
        lambda x: 0.5 * F.mse_loss(x, torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64), reduction="sum"),
    ),
    "dot": (lambda x: autograd.dot(x, x[::-1], x[0]), lambda x: x @ x.flip(0) + x[0]),
}


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("xs", [[0.4, -1.2, 0.9], [0.0, 0.0, 3.0], [-7.0, 2.0, 2.0]])
def test_reductions_their_gradients_and_their_hessians(name, xs):
    ours, theirs = SEQUENCES[name]
    x = tensor(xs)
    z = theirs(x)
    (dx,) = torch.autograd.grad(z, x)
    value, slopes = autograd.value_and_grad(ours)(xs)
    assert value == pytest.approx(z.item(), **TIGHT)
    assert slopes == pytest.approx(dx.tolist(), **TIGHT)
    hessian = torch.autograd.functional.hessian(theirs, x)
    assert np.array(autograd.hessian(ours)(xs)) == pytest.approx(hessian.numpy(), **TIGHT)


@pytest.mark.parametrize("name", ["sum", "logsumexp", "softmax", "cross entropy of a class", "squared error"])
def test_reductions_far_out(name):
    ours, theirs = SEQUENCES[name]
    xs = [1e4, -1e4, 1e4]
    x = tensor(xs)
    z = theirs(x)
    value, slopes = autograd.value_and_grad(ours)(xs)
    assert value == pytest.approx(z.item(), **TIGHT)
    assert slopes == pytest.approx(torch.autograd.grad(z, x)[0].tolist(), **TIGHT)


# Each step makes a node of two nodes made before (one node twice among them), in both libraries.
STEPS = [
    (lambda a, b: a + b, lambda a, b: a + b),
    (lambda a, b: a - b, lambda a, b: a - b),
    (lambda a, b: a * b / 2, lambda a, b: a * b / 2),
    (lambda a, b: a / (2 + b * b), lambda a, b: a / (2 + b * b)),
    (lambda a, b: autograd.tanh(a * b), lambda a, b: torch.tanh(a * b)),
    (lambda a, b: autograd.sin(a) * b, lambda a, b: torch.sin(a) * b),
    (lambda a, b: autograd.sigmoid(a - b), lambda a, b: torch.sigmoid(a - b)),
    (lambda a, b: autograd.softplus(a), lambda a, b: torch.logaddexp(a, torch.zeros_like(a))),
    (lambda a, b: autograd.relu(a) - b, lambda a, b: torch.relu(a) - b),
    (lambda a, b: autograd.maximum(a, b), lambda a, b: torch.maximum(a, b)),
    (lambda a, b: abs(a) ** 1.5, lambda a, b: abs(a) ** 1.5),
    (lambda a, b: autograd.mean([a, b, a]), lambda a, b: torch.stack([a, b, a]).mean()),
    (lambda a, b: autograd.dot([a, b], [b, 0.5], a), lambda a, b: a * b + b * 0.5 + a),
    (
        lambda a, b: neuron.record(autograd.tanh.op, neuron.Weights((a, b, a)), neuron.Inputs((b, b))),
        lambda a, b: torch.tanh(a * b + b * b + a),
    ),
    (lambda a, b: autograd.logsumexp([a, b]), lambda a, b: torch.logsumexp(torch.stack([a, b]), 0)),
    (lambda a, b: autograd.softmax([a, b, b])[1], lambda a, b: torch.softmax(torch.stack([a, b, b]), 0)[1]),
]

programs = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=25
)


@pytest.mark.slow
@given(programs, st.lists(st.floats(-3, 3), min_size=1, max_size=4))
def test_random_graphs_with_shared_nodes_and_parallel_edges(steps, point):
    ours, theirs = [Value(x) for x in point], [tensor(x) for x in point]
    for kind, i, j in steps:
        a, b = i % len(ours), -1 - j % len(ours)
        z, t = STEPS[kind][0](ours[a], ours[b]), STEPS[kind][1](theirs[a], theirs[b])
        if abs(z.data) > 5:
            z, t = autograd.sin(z), torch.sin(t)
        if t.requires_grad:
            t.retain_grad()
        ours.append(z)
        theirs.append(t)
    ours[-1].backward()
    theirs[-1].backward()
    for u, v in zip(ours, theirs, strict=True):
        expected = 0.0 if v.grad is None else v.grad.item()
        assert u.data == pytest.approx(v.item(), rel=1e-9, abs=1e-9)
        assert u.grad == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_small_network_learns_the_same_numbers():
    rng = np.random.default_rng(0)
    w1, w2 = rng.normal(size=(3, 2)), rng.normal(size=3)
    data = [(rng.normal(size=2), float(i % 2)) for i in range(4)]
    ours = [[Value(u) for u in row] for row in w1], [Value(u) for u in w2]
    theirs = torch.tensor(w1, requires_grad=True), torch.tensor(w2, requires_grad=True)
    for _ in range(5):
        loss = autograd.mean(
            autograd.binary_cross_entropy_with_logits(
                autograd.dot(ours[1], [autograd.dot(row, x).tanh() for row in ours[0]]), y
            )
            for x, y in data
        )
        loss.backward()
        logits = torch.stack([theirs[1] @ torch.tanh(theirs[0] @ torch.tensor(x)) for x, _ in data])
        expected = F.binary_cross_entropy_with_logits(logits, torch.tensor([y for _, y in data], dtype=torch.float64))
        expected.backward()
        assert loss.data == pytest.approx(expected.item(), **TIGHT)
        for p in [*ours[0][0], *ours[0][1], *ours[0][2], *ours[1]]:
            p.data -= 0.5 * p.grad
            p.grad = 0.0
        for p in theirs:
            p.data -= 0.5 * p.grad
            p.grad = None
    assert [u.data for u in ours[1]] == pytest.approx(theirs[1].tolist(), **TIGHT)
