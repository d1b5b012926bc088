"""One training step of six nets: forward, loss, backward, and the weights moved, in float32.

    pip install . --group benchmark && python benchmarks/training_step.py

The nets are those of the lectures and of their tutorials. The candidates:

    textbook    NumPy as the lectures write it, a formula a line
    best        the same by hand as fast as NumPy goes: everything written into arrays that exist,
                all weights in one vector, sums as products with ones
    tensors     gradpath's Tensors: linear, the activation, the loss, backward(), optimizer.step()
    sequential  the step of gradpath's Sequential, as `fit` takes it
    fit         Sequential.fit on shuffled batches, the whole of it, divided by the number of batches
    pytorch     eager PyTorch, the same net, if it is installed (pip install torch)

and, forward only, functions and a model of layers of gradpath under no_grad, and of PyTorch under
torch.no_grad. First all candidates must come to the same loss and the same weights after a few
steps. Then they take turns, round after round, always from the same weights, and with so small a
learning rate that no unit saturates. The table gives the medians of the times and of the ratios
within a round, for one thread and for two, each in a process of its own: the libraries read the
number of threads when they are loaded.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import autograd
import nn
from nn import losses as nn_losses

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
RATE = 1e-6  # the learning rate while time is taken


class Net(NamedTuple):
    """A net: the units of each layer, how many samples a step sees, its activations and its loss."""

    sizes: tuple[int, ...]
    batch: int
    hidden: str
    output: str
    loss: str

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.sizes))} {self.hidden}, {self.batch:,}"


NETS = [
    Net((784, 16, 16, 10), 10, "sigmoid", "sigmoid", "squares"),
    Net((784, 16, 16, 10), 100, "sigmoid", "sigmoid", "squares"),
    Net((784, 10, 10), 41_000, "relu", "softmax", "categorical"),
    Net((784, 128, 10), 128, "relu", "softmax", "categorical"),
    Net((10, 32, 32, 1), 32, "relu", "sigmoid", "binary"),
    Net((784, 512, 512, 10), 128, "relu", "softmax", "categorical"),
]

# What is asked: (the candidate, the one it is measured by, the largest ratio on this net).
ASKED: list[tuple[str, str, Callable[[Net], float]]] = [
    ("tensors", "textbook", lambda net: 1.0),
    ("tensors", "best", lambda net: 1.3),
    ("tensors", "pytorch", lambda net: 0.25 if net in (NETS[0], NETS[4]) else 1.0),
    ("sequential", "textbook", lambda net: 1.0),
    ("sequential", "best", lambda net: 1.3),
    ("sequential", "pytorch", lambda net: 0.25 if net in (NETS[0], NETS[4]) else 1.0),
    ("fit", "steps of fit", lambda net: 1.1),
    ("no_grad", "torch no_grad", lambda net: 1.0),
    ("layers", "torch layers", lambda net: 1.0),
]

Weights = list[np.ndarray]


class Data(NamedTuple):
    """Samples for a net, a row each, and the weights to start from: W (out, in) and b (out,) of each layer."""

    x: np.ndarray
    y: np.ndarray
    weights: Weights


def made(net: Net, batches: int = 1) -> Data:
    """Standard normal inputs, targets as the loss takes them, and weights with which nothing saturates."""
    rng = np.random.default_rng(0)
    rows, outputs = net.batch * batches, net.sizes[-1]
    x = rng.standard_normal((rows, net.sizes[0]), np.float32)
    if net.loss == "binary":
        y = rng.integers(0, 2, (rows, outputs)).astype(np.float32)
    else:
        y = np.eye(outputs, dtype=np.float32)[rng.integers(0, outputs, rows)]
    weights = []
    for m, n in zip(net.sizes, net.sizes[1:], strict=False):
        weights += [rng.standard_normal((n, m), np.float32) / np.float32(m**0.5), np.zeros(n, np.float32)]
    return Data(x, y, weights)


class Candidate(NamedTuple):
    """step: does the work once, and gives the loss if there is one; weights: the arrays, to be looked at and set."""

    step: Callable[[], Any]
    weights: Callable[[], Weights]
    steps: int = 1  # how many training steps that was

    def start_from(self, weights: Weights) -> None:
        for mine, given in zip(self.weights(), weights, strict=True):
            mine[...] = given


# ---------------------------------------------------------------- by hand


def textbook(net: Net, data: Data, rate: float) -> Candidate:
    """As the lectures write it: samples are columns, Z = W X + b, dW = 1/m dZ Aᵀ, W = W - α dW."""
    x, y, m = np.ascontiguousarray(data.x.T), np.ascontiguousarray(data.y.T), net.batch
    weights = [w.copy() if w.ndim == 2 else w[:, None].copy() for w in data.weights]
    layers = len(weights) // 2

    def sigmoid(z: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-z))

    def relu(z: np.ndarray) -> np.ndarray:
        return np.maximum(0, z)

    def softmax(z: np.ndarray) -> np.ndarray:
        e = np.exp(z - np.max(z, axis=0))
        return e / np.sum(e, axis=0)

    g = {"sigmoid": sigmoid, "relu": relu, "softmax": softmax}
    slope = {"sigmoid": lambda z, a: a * (1 - a), "relu": lambda z, a: z > 0}
    hidden, output = g[net.hidden], g[net.output]

    def step() -> float:
        zs, activations = [], [x]
        for i in range(layers):
            z = weights[2 * i].dot(activations[-1]) + weights[2 * i + 1]
            zs.append(z)
            activations.append(output(z) if i == layers - 1 else hidden(z))
        a = activations[-1]
        dz = a - y
        if net.loss == "squares":
            loss = 1 / (2 * m) * np.sum(dz**2)
            dz = dz * slope["sigmoid"](zs[-1], a)
        elif net.loss == "binary":
            loss = -1 / m * np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
        else:
            loss = -1 / m * np.sum(y * np.log(a))
        gradients: Weights = []
        for i in reversed(range(layers)):
            dw = 1 / m * dz.dot(activations[i].T)
            db = 1 / m * np.sum(dz, axis=1, keepdims=True)
            gradients[:0] = [dw, db]
            if i:
                dz = weights[2 * i].T.dot(dz) * slope[net.hidden](zs[i - 1], activations[i])
        for i, gradient in enumerate(gradients):
            weights[i] = weights[i] - rate * gradient
        return float(loss)

    return Candidate(step, lambda: [w if i % 2 == 0 else w[:, 0] for i, w in enumerate(weights)])


def best(net: Net, data: Data, rate: float) -> Candidate:
    """Rows are samples; no array is made in a step, and no Python number meets an array."""
    x, y = data.x, data.y
    number = lambda c: np.array(c, np.float32)  # noqa: E731
    flat, gradient = (np.zeros(sum(w.size for w in data.weights), np.float32) for _ in range(2))
    cuts = np.cumsum([0, *(w.size for w in data.weights)])
    parts = [slice(a, b) for a, b in itertools.pairwise(cuts)]
    weights, gradients = (
        [v[p].reshape(w.shape) for p, w in zip(parts, data.weights, strict=True)] for v in (flat, gradient)
    )
    for mine, given in zip(weights, data.weights, strict=True):
        mine[...] = given
    layers = len(weights) // 2
    widths, m = net.sizes[1:], net.batch
    zs, ds, free = ([np.empty((m, n), np.float32) for n in widths] for _ in range(3))
    zero = [np.zeros((m, n), np.float32) for n in widths]
    w, b, dw, db = weights[::2], weights[1::2], gradients[::2], gradients[1::2]
    turned, turned_d = [u.T for u in w], [d.T for d in ds]
    one, share, step_size = number(1), number(1 / m), number(rate)
    ones, ones_out = np.ones(m, np.float32), np.ones(widths[-1], np.float32)
    total, column = np.empty(m, np.float32), np.empty((m, 1), np.float32)
    flat_y, other_y = y.ravel(), (1 - y).ravel()
    negative, exp, log, add, subtract, multiply, reciprocal, maximum, greater, divide = (
        *(np.negative, np.exp, np.log, np.add, np.subtract),
        *(np.multiply, np.reciprocal, np.maximum, np.greater, np.divide),
    )
    is_sigmoid = net.hidden == "sigmoid"

    def step() -> float:
        a = x
        for i in range(layers - 1):
            z = zs[i]
            a.dot(turned[i], z)
            add(z, b[i], z)
            if is_sigmoid:
                negative(z, z)
                exp(z, z)
                add(z, one, z)
                reciprocal(z, z)
            else:
                maximum(z, zero[i], out=z)
            a = z
        z, d, t = zs[-1], ds[-1], free[-1]
        a.dot(turned[-1], z)
        add(z, b[-1], z)
        if net.loss == "categorical":
            z.max(1, out=column, keepdims=True)
            subtract(z, column, z)
            chosen = flat_y.dot(z.ravel())
            exp(z, z)
            z.dot(ones_out, total)
            divide(z, total[:, None], z)
            loss = (ones.dot(log(total, total)) - chosen) * share
            subtract(z, y, d)
        else:
            if net.loss == "binary":
                loss = other_y.dot(z.ravel())
            negative(z, z)
            exp(z, z)
            add(z, one, z)
            if net.loss == "binary":
                loss = (loss + ones.dot(log(z[:, 0], total))) * share
            reciprocal(z, z)
            subtract(z, y, d)
            if net.loss == "squares":
                e = d.ravel()
                loss = 0.5 * e.dot(e) * share
                subtract(one, z, t)
                multiply(t, z, t)
                multiply(d, t, d)
        multiply(d, share, d)
        for i in range(layers - 1, -1, -1):
            d = ds[i]
            if i < layers - 1:
                z, t = zs[i], free[i]
                if is_sigmoid:
                    subtract(one, z, t)
                    multiply(t, z, t)
                else:
                    greater(z, zero[i], t)
                multiply(d, t, d)
            turned_d[i].dot(zs[i - 1] if i else x, dw[i])
            ones.dot(d, db[i])
            if i:
                d.dot(w[i], ds[i - 1])
        multiply(gradient, step_size, gradient)
        subtract(flat, gradient, flat)
        return float(loss)

    return Candidate(step, lambda: weights)


# ---------------------------------------------------------------- gradpath


def fixed(array: np.ndarray) -> np.ndarray:
    """A copy that nobody can write to, so that no operation needs one of its own."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _forward(net: Net, parameters: list[Any]) -> Callable[[Any], Any]:
    """The weighted sums of the last layer, and what the loss takes: without an activation of classes."""
    g = {"sigmoid": autograd.sigmoid, "relu": autograd.relu}[net.hidden]
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))

    def forward(a: Any) -> Any:
        for w, b in pairs[:-1]:
            a = g(autograd.linear(a, w, b))
        return autograd.linear(a, *pairs[-1])

    return forward


def tensors(net: Net, data: Data, rate: float) -> Candidate:
    """Tensors and the functions of autograd, written down step by step."""
    parameters = [autograd.Tensor(w) for w in data.weights]
    optimizer = nn.SGD(parameters, rate)
    x, y = fixed(data.x), fixed(data.y)
    forward = _forward(net, parameters)
    sigmoid, squared_error = autograd.sigmoid, autograd.squared_error
    from_logits = {
        "binary": autograd.binary_cross_entropy_with_logits,
        "categorical": autograd.softmax_cross_entropy,
    }.get(net.loss, lambda z, y: squared_error(sigmoid(z), y))

    def step() -> float:
        loss = from_logits(forward(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return Candidate(step, lambda: [p._data for p in parameters])


def model_of(net: Net, data: Data, rate: float) -> nn.Sequential:
    """The same net as layers, compiled."""
    hidden = [nn.Dense(n, activation=net.hidden) for n in net.sizes[1:-1]]
    model = nn.Sequential([nn.Input((net.sizes[0],)), *hidden, nn.Dense(net.sizes[-1], activation=net.output)])
    loss = {"squares": nn_losses.MeanSquaredError(half=True), "binary": "binary_crossentropy"}.get(
        net.loss, "categorical_crossentropy"
    )
    model.compile(nn.SGD(rate), loss)
    model.set_weights([w.T for w in data.weights])
    return model


def arrays_of(model: nn.Sequential) -> Callable[[], Weights]:
    return lambda: [p._data for p in model.parameters()]


def sequential(net: Net, data: Data, rate: float) -> Candidate:
    """The bare step of a Sequential, over the batches of the data one after another."""
    from autograd.ieee import quietly

    model = model_of(net, data, rate)
    x, y = fixed(data.x), fixed(data.y)
    batches = [(x[i : i + net.batch], y[i : i + net.batch]) for i in range(0, len(x), net.batch)]
    objective, weight = model.objective, 1.0 / net.batch
    take = objective.step

    def step() -> float:
        for u, v in batches:
            value, _ = quietly(take, u, v, weight)
        return value

    return Candidate(step, arrays_of(model), len(batches))


def fit(net: Net, data: Data, rate: float, epochs: int = 1) -> Candidate:
    """All of `fit`: checks, shuffling, History."""
    model = model_of(net, data, rate)

    def step() -> float:
        history = model.fit(data.x, data.y, batch_size=net.batch, epochs=epochs, verbose=0)
        return history.history["loss"][-1]

    return Candidate(step, arrays_of(model), epochs * -(-len(data.x) // net.batch))


def inference(net: Net, data: Data, rate: float) -> Candidate:
    """The outputs of the net, without recording."""
    parameters = [autograd.Tensor(w) for w in data.weights]
    forward, x = _forward(net, parameters), fixed(data.x)
    output = {"sigmoid": autograd.sigmoid, "softmax": autograd.softmax}[net.output]

    def step() -> Any:
        with autograd.no_grad():
            return output(forward(x))

    return Candidate(step, lambda: [p._data for p in parameters])


def layers(net: Net, data: Data, rate: float) -> Candidate:
    """The same by a Sequential."""
    model, x = model_of(net, data, rate), autograd.Tensor(data.x)

    def step() -> Any:
        with autograd.no_grad():
            return model(x)

    return Candidate(step, arrays_of(model))


# ---------------------------------------------------------------- PyTorch


def _torch_forward(net: Net, parameters: list[Any]) -> Callable[[Any], Any]:
    import torch
    from torch.nn.functional import linear

    g = {"sigmoid": torch.sigmoid, "relu": torch.relu}[net.hidden]
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))

    def forward(a: Any) -> Any:
        for w, b in pairs[:-1]:
            a = g(linear(a, w, b))
        return linear(a, *pairs[-1])

    return forward


def pytorch(net: Net, data: Data, rate: float, prepared: Callable[[Any], Any] = lambda f: f) -> Candidate:
    """Eager PyTorch: its functions, its backward, its SGD. prepared: what is made of the loss, `torch.compile`."""
    import torch
    from torch.nn import functional

    parameters = [torch.tensor(w, requires_grad=True) for w in data.weights]
    optimizer = torch.optim.SGD(parameters, lr=rate)
    x, y, m = torch.tensor(data.x), torch.tensor(data.y), net.batch
    forward = _torch_forward(net, parameters)
    losses: dict[str, Callable[[Any], Any]] = {
        "squares": lambda z: functional.mse_loss(torch.sigmoid(z), y, reduction="sum") / (2 * m),
        "binary": lambda z: functional.binary_cross_entropy_with_logits(z, y),
        "categorical": lambda z: functional.cross_entropy(z, y),
    }
    loss_of = prepared(lambda x: losses[net.loss](forward(x)))

    def step() -> float:
        loss = loss_of(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return Candidate(step, lambda: [p.detach().numpy() for p in parameters])


def torch_inference(net: Net, data: Data, rate: float) -> Candidate:
    """The outputs of the net, without recording."""
    import torch

    parameters = [torch.tensor(w, requires_grad=True) for w in data.weights]
    forward, x = _torch_forward(net, parameters), torch.tensor(data.x)
    output = torch.sigmoid if net.output == "sigmoid" else lambda z: torch.softmax(z, 1)

    def step() -> Any:
        with torch.no_grad():
            return output(forward(x))

    return Candidate(step, lambda: [p.detach().numpy() for p in parameters])


def torch_layers(net: Net, data: Data, rate: float) -> Candidate:
    """The same by an nn.Sequential."""
    import torch

    made_of: list[Any] = []
    for i, (m, n) in enumerate(zip(net.sizes, net.sizes[1:], strict=False)):
        made_of.append(torch.nn.Linear(m, n))
        is_last = i == len(net.sizes) - 2
        name = net.output if is_last else net.hidden
        made_of.append({"sigmoid": torch.nn.Sigmoid(), "relu": torch.nn.ReLU(), "softmax": torch.nn.Softmax(1)}[name])
    model, x = torch.nn.Sequential(*made_of), torch.tensor(data.x)

    def step() -> Any:
        with torch.no_grad():
            return model(x)

    return Candidate(step, lambda: [p.detach().numpy() for p in model.parameters()])


# ---------------------------------------------------------------- measuring


def check(net: Net, makers: dict[str, Callable[..., Candidate]], data: Data) -> None:
    """Exit unless all candidates come to the same loss and weights in three steps that change something."""
    found = {}
    for name, make in makers.items():
        candidate = make(net, data, 0.1)
        losses = [candidate.step() for _ in range(3)]
        found[name] = losses[-1], candidate.weights()
    loss, weights = found.pop("textbook")
    moved = max(float(np.abs(w - v).max()) for w, v in zip(weights, data.weights, strict=True))
    for name, (other, others) in found.items():
        apart = max(float(np.abs(w - v).max()) for w, v in zip(weights, others, strict=True))
        if not (abs(other - loss) <= 1e-4 * abs(loss) and apart <= 1e-3 * moved):
            sys.exit(
                f"{net}: {name} does not compute what textbook does: loss {other} and {loss}, weights {apart} apart"
            )


def measured(net: Net, rounds: int, slot: float, *, torch: bool) -> dict[str, list[float]]:
    """The seconds of a step of each candidate, in interleaved rounds from the same weights.

    slot: how long, in seconds, a candidate runs at a time, at least.
    """
    single = made(net)
    training = {"textbook": textbook, "best": best, "tensors": tensors, "sequential": sequential}
    others: dict[str, Callable[..., Candidate]] = {"no_grad": inference, "layers": layers}
    if torch:
        training["pytorch"] = pytorch
        others |= {"torch no_grad": torch_inference, "torch layers": torch_layers}
    check(net, training, single)
    candidates = {name: make(net, single, RATE) for name, make in (training | others).items()}
    # fit sees each sample once in an epoch, so it is compared with steps that do.
    is_small = net.sizes[1] * net.batch < 5000
    many = made(net, 1 if net.batch > 128 else 100 if is_small else 20)
    candidates["steps of fit"] = sequential(net, many, RATE)
    candidates["fit"] = fit(net, many, RATE, epochs=10 if is_small else 3)
    times: dict[str, list[float]] = {name: [] for name in candidates}
    order = list(candidates)
    counts = dict.fromkeys(order, 1)
    for i in range(-1, rounds):
        for name in order[i % len(order) :] + order[: i % len(order)]:
            candidate = candidates[name]
            candidate.start_from(single.weights)
            candidate.step()
            start = time.perf_counter()
            for _ in range(counts[name]):
                candidate.step()
            taken = time.perf_counter() - start
            if i < 0:  # warm by now, and its speed is known
                counts[name] = max(1, round(slot / taken))
            else:
                times[name].append(taken / counts[name] / candidate.steps)
    return times


def with_threads(threads: int, arguments: list[str]) -> list[dict[str, list[float]]]:
    """The times of all nets, measured in a process that uses so many threads."""
    environment = os.environ | dict.fromkeys(THREADS, str(threads))
    done = subprocess.run(
        [sys.executable, os.path.abspath(__file__), "--times", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.returncode)
    return json.loads(done.stdout)


COLUMNS = (
    *("textbook", "best", "tensors", "sequential", "pytorch", "steps of fit", "fit"),
    *("no_grad", "torch no_grad", "layers", "torch layers"),
)


def table(nets: list[Net], times: list[dict[str, list[float]]]) -> str:
    """The times in microseconds, and the ratios with what is asked for; those that are too large are marked."""
    names = [name for name in COLUMNS if name in times[0]]
    lines = [f"{'microseconds':26}" + "".join(f"{name:>14}" for name in names)]
    for net, row in zip(nets, times, strict=True):
        lines.append(f"{net!s:26}" + "".join(f"{statistics.median(row[name]) * 1e6:14,.1f}" for name in names))
    lines.append(
        f"\n{'ratio':28}{'asked':>8}" + "".join(f"{net.sizes[0]}-{net.sizes[1]}, {net.batch}".rjust(15) for net in nets)
    )
    for a, b, limit in ASKED:
        if a in names and b in names:
            limits = {limit(net) for net in nets}
            line = f"{a + ' / ' + b:28}{' ' + '/'.join(f'{v:g}' for v in sorted(limits)):>8}"
            for net, row in zip(nets, times, strict=True):
                ratio = statistics.median(u / v for u, v in zip(row[a], row[b], strict=True))
                line += f"{ratio:.2f}{' ' if ratio <= limit(net) else '!'}".rjust(15)
            lines.append(line)
    lines.append("! is more than what is asked")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds (default 15)")
    parser.add_argument("--slot", type=float, default=0.02, help="seconds that a candidate runs at a time (0.02)")
    parser.add_argument("--nets", type=int, nargs="+", default=list(range(len(NETS))), help="which nets (0 to 5)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads (1 2)")
    parser.add_argument("--no-torch", action="store_true", help="leave PyTorch out")
    parser.add_argument("--times", action="store_true", help="print the times as JSON, with the threads as they are")
    given = parser.parse_args(argv)
    nets = [NETS[i] for i in given.nets]
    if given.times:
        torch = not given.no_torch
        if torch:
            import torch as library

            library.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 0)) or library.get_num_threads())
        print(json.dumps([measured(net, given.rounds, given.slot, torch=torch) for net in nets]))
        return
    arguments = ["--rounds", str(given.rounds), "--slot", str(given.slot), "--nets", *map(str, given.nets)]
    missing = given.no_torch
    if not missing:
        try:
            import torch
        except ImportError:
            missing = True
            print("PyTorch is not installed (pip install torch); its columns are left out\n")
    arguments += ["--no-torch"] if missing else []
    for threads in given.threads:
        print(f"{threads} thread{'s' if threads > 1 else ''}, {given.rounds} rounds\n")
        print(table(nets, with_threads(threads, arguments)), end="\n\n")


if __name__ == "__main__":
    main()
