"""The benchmark page: everything that this project says about time, measured here and now.

    python benchmarks/page.py > benchmarks/RESULTS.md
    python benchmarks/page.py --threads 2        # the six nets with two threads, by the clock on the wall
    python benchmarks/page.py --compiled         # the six nets against compiled PyTorch, which takes minutes to compile

Candidates take turns in one process, from the same numbers; the page gives medians over rounds and, in brackets, the
quartiles. What is counted is processor time of the process, so that other work on the machine counts little, with one
thread in NumPy, PyTorch and JAX. Peers are PyTorch, JAX, MyGrad, scikit-learn and micrograd; those that are not
installed are named and left out (pip install torch jax mygrad scikit-learn micrograd). It takes about ten minutes.
"""

from __future__ import annotations

import os
import sys

# Read when NumPy and the others are imported.
os.environ.setdefault("OMP_NUM_THREADS", sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
os.environ.setdefault("MKL_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
os.environ.setdefault(
    "XLA_FLAGS", f"--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads={os.environ['OMP_NUM_THREADS']}"
)

import argparse
import contextlib
import datetime
import gc
import importlib
import importlib.metadata
import importlib.util
import math
import platform
import random
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import training_step as nets
import vectorized
from plain_engine import Adam as PlainAdam
from plain_engine import Number

import autograd as ag
import nn
from autograd import Tensor, Value, derive, replayed, vectorize

THREADS = os.environ["OMP_NUM_THREADS"]
PEERS = ("torch", "jax", "mygrad", "sklearn", "micrograd")
HERE = {peer: importlib.util.find_spec(peer) is not None for peer in PEERS}
Work = Callable[[], Any]
Times = dict[str, list[float]]
clock = time.process_time if THREADS == "1" else time.perf_counter


# ---------------------------------------------------------------- measuring


def turns(candidates: dict[str, Work], rounds: int, *, collector: bool = False, slot: float = 0.02) -> Times:
    """Seconds of each candidate in each round; a candidate runs at least `slot` seconds at a time."""
    counts = {}
    for name, work in candidates.items():
        for _ in range(8):  # a program is written down in the third, and compared in the fourth
            start = clock()
            work()
            taken = clock() - start
        counts[name] = max(1, round(slot / max(taken, 1e-7)))
    times: Times = {name: [] for name in candidates}
    with collecting(on=collector):
        for _ in range(rounds):
            for name, work in candidates.items():
                start = clock()
                for _ in range(counts[name]):
                    work()
                times[name].append((clock() - start) / counts[name])
    return times


@contextlib.contextmanager
def collecting(*, on: bool) -> Iterator[None]:
    """With Python's garbage collector, or without it."""
    gc.collect()
    (gc.enable if on else gc.disable)()
    try:
        yield
    finally:
        gc.enable()


def ratio(times: Times, a: str, b: str) -> str:
    """a / b: the median over rounds, and the quartiles."""
    if a not in times or b not in times:
        return "–"
    found = [x / y for x, y in zip(times[a], times[b], strict=True)]
    if len(found) < 4:
        return number(statistics.median(found))
    low, middle, high = statistics.quantiles(found, n=4)
    return f"{number(middle)} ({number(low)} to {number(high)})"


def number(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def micro(times: Times, name: str) -> str:
    return number(1e6 * statistics.median(times[name])) if name in times else "–"


def table(head: list[str], rows: list[list[str]]) -> None:
    print("\n| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")


# ---------------------------------------------------------------- numbers


def moons(rounds: int, reached: dict[str, str]) -> None:
    """micrograd's demo: a loss over 100 samples and L2, forward and backward."""
    print("\n## A loss of single numbers\n")
    print("micrograd's demo: 100 samples of an MLP 2-16-16-1, hinge loss and L2, loss and gradients; µs")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    y = np.sign(x[:, 0] + x[:, 1] ** 2 - 0.5).tolist()
    net = nn.MLP(2, [16, 16, 1], rng=0)

    def loss() -> Value:
        losses = [(1 + -t * net(row)).relu() for t, row in zip(y, x.tolist(), strict=True)]
        return sum(losses) * (1 / len(losses)) + 1e-4 * sum(p * p for p in net.parameters())

    program = vectorize(loss())
    candidates: dict[str, Work] = {
        "neurons": lambda: loss().backward(),
        "program, with .grad": lambda: program().backward(),
    }
    candidates["program, gradients as a vector"] = lambda: program()
    if HERE["micrograd"]:
        candidates = {"micrograd": vectorized.micrograd_step(x, y)} | candidates
    off = turns(candidates, rounds)
    on = turns(candidates, 3, collector=True)
    rows = [
        [name, micro(off, name), ratio(off, "micrograd", name), micro(on, name), ratio(on, "micrograd", name)]
        for name in candidates
    ]
    table(["", "collector off", "micrograd / it", "collector on", "micrograd / it"], rows)
    reached["moons"] = (
        f"{ratio(off, 'micrograd', 'program, with .grad')} / {ratio(on, 'micrograd', 'program, with .grad')}"
    )

    data = Value(0.1)

    def chain() -> None:
        v = data
        for _ in range(100_000):
            v = v * 0.999
        v.backward()

    seconds = statistics.median(turns({"chain": chain}, 3)["chain"])
    print(f"\nA chain of 100,000 products, forward and backward: {1e3 * seconds:.0f} ms.")


def gpt(rounds: int, reached: dict[str, str]) -> None:
    """The GPT of the example: a whole step with Adam."""
    print("\n## A small GPT, number by number\n")
    print("The GPT of examples/programs/train_gpt_by_neurons.py, names of 7 letters, a whole step with Adam; the plain")
    print("engine is benchmarks/plain_engine.py, which runs the same lines; µs")
    sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "programs"))
    example = importlib.import_module("train_gpt_by_neurons")
    rng = random.Random(0)
    names = [[26, *(rng.randrange(26) for _ in range(7)), 26] for _ in range(50)]
    weights = example.new_weights(27, 16, random.Random(0))
    plain = {name: [[Number(w.data) for w in row] for row in matrix] for name, matrix in weights.items()}
    plain_adam = PlainAdam([w for matrix in plain.values() for row in matrix for w in row], 1e-3)
    fast = vectorize(lambda tokens: example.loss_of(weights, tokens), parameters=weights)
    adam = nn.Adam(fast.parameters, 1e-3)

    def plain_step() -> None:
        example.loss_of(plain, rng.choice(names)).backward()
        plain_adam.step()

    def step() -> None:
        adam.zero_grad()
        fast(rng.choice(names)).backward()
        adam.step()

    for _ in range(300):
        step()
    times: dict[bool, Times] = {}
    for on in (False, True):
        outside = turns({"plain": plain_step, "step": step}, rounds, collector=on, slot=0.05)
        with fast.training():
            inside = turns(
                {"step in training()": step, "loss and gradients": lambda: fast(names[0])}, rounds, collector=on
            )
        times[on] = outside | inside
    rows = [
        [name, *(cell for on in (False, True) for cell in (micro(times[on], name), ratio(times[on], "plain", name)))]
        for name in times[False]
    ]
    table(["", "collector off", "plain / it", "collector on", "plain / it"], rows)
    start = clock()
    weights = example.new_weights(27, 16, random.Random(0))
    again = vectorize(lambda tokens: example.loss_of(weights, tokens), parameters=weights)
    adam = nn.Adam(again.parameters, 1e-3)
    with again.training():
        for _ in range(1000):
            adam.zero_grad()
            again([26, *(rng.randrange(26) for _ in range(rng.randrange(3, 12))), 26]).backward()
            adam.step()
    seconds = clock() - start
    print(f"\n1,000 steps on names of 3 to 11 letters, all recordings and compiling included: {seconds:.1f} s.")
    a, b = (ratio(times[on], "plain", "step in training()") for on in (False, True))
    reached["gpt"] = f"{a}; collector on {b}; 1,000 steps {seconds:.1f} s"


def batches(rounds: int, reached: dict[str, str]) -> None:
    """One sample recorded, run over many."""
    print("\n## One sample recorded, run over batches\n")
    print("½ (ŷ - y)² of an MLP 2-16-16-1 with tanh, float64, the mean and its gradients; µs")
    net = nn.MLP(2, [16, 16, 1], activation="tanh", rng=0)
    each = vectorize(lambda x, y: 0.5 * (net(x) - y) ** 2)
    rng = np.random.default_rng(0)
    each.mean(rng.normal(size=(10, 2)), rng.normal(size=10))
    rows, sizes, ours = [], (1, 10, 100, 1000, 10_000), []
    for m in sizes:
        x, y = rng.normal(size=(m, 2)), rng.normal(size=m)
        start = clock()
        each.mean(x, y)
        compiling = clock() - start
        candidates: dict[str, Work] = {"vectorised": lambda x=x, y=y: each.mean(x, y)}
        if HERE["jax"]:
            candidates["JAX"] = jax_mean(net, x, y)
        if HERE["torch"]:
            candidates["PyTorch"] = vectorized.torch_step(net, x, y)
        times = turns(candidates, rounds)
        ours.append(statistics.median(times["vectorised"]))
        cells = [ratio(times, "vectorised", peer) for peer in ("JAX", "PyTorch")]
        rows.append([f"{m:,}", micro(times, "vectorised"), *cells, f"{1e3 * compiling:.1f}"])
        if m == 100:
            reached["batch"] = f"{cells[0]}, compiled in {1e3 * compiling:.1f} ms"
    table(["batch", "vectorised", "it / jitted JAX", "it / eager PyTorch", "compiled, ms"], rows)
    print(f"\nTime grows as batch^{exponent(sizes[2:], ours[2:]):.2f} from 100 on.")


def jax_mean(net: Any, x: np.ndarray, y: np.ndarray) -> Work:
    """The same in JAX, jitted."""
    import jax

    jax.config.update("jax_enable_x64", True)
    weights = [w for pair in zip(*net.get_weights(), strict=True) for w in pair]

    def loss(weights: Any) -> Any:
        a = x
        for i in range(0, 6, 2):
            a = a @ weights[i].T + weights[i + 1]
            a = jax.numpy.tanh(a) if i < 4 else a
        return (0.5 * (a[:, 0] - y) ** 2).mean()

    step = jax.jit(jax.value_and_grad(loss))
    return lambda: jax.block_until_ready(step(weights))


def exponent(sizes: Any, seconds: Any) -> float:
    """b of time = a size^b, fitted."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


# ---------------------------------------------------------------- nets


def by_replay(net: nets.Net, data: nets.Data, rate: float) -> nets.Candidate:
    """The step by hand, replayed."""
    parameters = [Tensor(w) for w in data.weights]
    optimizer = nn.SGD(parameters, rate)
    x, y = nets.fixed(data.x), nets.fixed(data.y)
    forward, kind = nets._forward(net, parameters), net.loss

    @replayed
    def step(x: Any, y: Any) -> Any:
        z = forward(x)
        if kind == "binary":
            loss = ag.binary_cross_entropy_with_logits(z, y)
        else:
            loss = ag.softmax_cross_entropy(z, y) if kind == "categorical" else ag.squared_error(ag.sigmoid(z), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return nets.Candidate(lambda: step(x, y).item(), lambda: [p._data for p in parameters])


def in_jax(net: nets.Net, data: nets.Data, rate: float) -> nets.Candidate:
    """The whole step jitted, weights moved too."""
    import jax
    import jax.numpy as jnp

    g = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu}[net.hidden]
    x, y, m = jnp.asarray(data.x), jnp.asarray(data.y), net.batch
    held = [[jnp.asarray(w) for w in data.weights]]

    def loss_of(weights: Any) -> Any:
        a = x
        for i in range(0, len(weights) - 2, 2):
            a = g(a @ weights[i].T + weights[i + 1])
        z = a @ weights[-2].T + weights[-1]
        if net.loss == "squares":
            return ((jax.nn.sigmoid(z) - y) ** 2).sum() / (2 * m)
        if net.loss == "binary":
            return (jax.nn.relu(z) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z)))).mean()
        return -(y * jax.nn.log_softmax(z)).sum() / m

    def moved(weights: Any) -> Any:
        value, gradient = jax.value_and_grad(loss_of)(weights)
        return value, [w - rate * d for w, d in zip(weights, gradient, strict=True)]

    jitted = jax.jit(moved)

    def step() -> float:
        value, held[0] = jitted(held[0])
        return float(value)

    return nets.Candidate(step, lambda: [np.asarray(w) for w in held[0]])


def in_mygrad(net: nets.Net, data: nets.Data, rate: float) -> nets.Candidate:
    """MyGrad's tensors, written as its users write them."""
    import mygrad as mg

    weights = [mg.tensor(w) for w in data.weights]
    x, y, m = data.x, data.y, net.batch
    labels = y.argmax(1)

    def step() -> float:
        a: Any = x
        for i in range(0, len(weights), 2):
            z = mg.matmul(a, weights[i].T) + weights[i + 1]
            last = i == len(weights) - 2
            a = z if last else (mg.nnet.sigmoid(z) if net.hidden == "sigmoid" else mg.nnet.relu(z))
        if net.loss == "squares":
            loss = mg.sum((mg.nnet.sigmoid(a) - y) ** 2) / (2 * m)
        elif net.loss == "binary":
            loss = mg.mean(mg.nnet.relu(a) - a * y + mg.log1p(mg.exp(-mg.abs(a))))
        else:
            loss = mg.nnet.losses.softmax_crossentropy(a, labels)
        loss.backward()
        for w in weights:
            w.data -= np.float32(rate) * w.grad
            w.null_grad()
        return float(loss.data)

    return nets.Candidate(step, lambda: [w.data for w in weights])


def in_sklearn(net: nets.Net, data: nets.Data, rate: float) -> Work:
    """partial_fit of scikit-learn's MLP with these layers, its own loss and checks; the nearest that it has."""
    from sklearn.neural_network import MLPClassifier

    activation = {"sigmoid": "logistic", "relu": "relu"}[net.hidden]
    model = MLPClassifier(net.sizes[1:-1], activation=activation, solver="sgd", learning_rate_init=rate, momentum=0.0)
    labels = data.y[:, 0] if net.sizes[-1] == 1 else data.y.argmax(1)
    classes = np.unique(labels) if net.sizes[-1] == 1 else np.arange(net.sizes[-1])
    model.partial_fit(data.x, labels, classes=classes)
    return lambda: model.partial_fit(data.x, labels)


def products(net: nets.Net, data: nets.Data) -> Work:
    """The matrix products of a step and nothing else."""
    calls = []
    a = np.ascontiguousarray(data.x)
    for i, w in enumerate(data.weights[::2]):
        z, dw, back = np.empty((net.batch, len(w)), np.float32), np.empty_like(w), np.empty_like(a)
        calls += [(a, w.T, z), (z.T, a, dw), *([(z, w, back)] if i else [])]
        a = z

    def multiply() -> None:
        for x, y, out in calls:
            x.dot(y, out)

    return multiply


def in_compiled_torch(net: nets.Net, data: nets.Data, rate: float) -> nets.Candidate:
    """PyTorch with its loss compiled, forward and back."""
    import torch

    return nets.pytorch(net, data, rate, torch.compile)


def six_nets(rounds: int, reached: dict[str, str], *, compiled: bool = False) -> None:
    """Training steps and forward passes of the nets of training_step.py."""
    print("\n## Training steps of six nets\n")
    threads = "one thread" if THREADS == "1" else f"{THREADS} threads"
    print(f"float32, {threads}: time of the step in µs, and its ratio to that of the same step in each of the others")
    steps: dict[str, Callable[..., nets.Candidate]] = {
        "textbook NumPy": nets.textbook,
        "best NumPy": nets.best,
        "by hand": nets.tensors,
        "replayed": by_replay,
        "Sequential": nets.sequential,
    }
    steps |= {"PyTorch": nets.pytorch} if HERE["torch"] else {}
    steps |= {"PyTorch compiled": in_compiled_torch} if HERE["torch"] and compiled else {}
    steps |= {"JAX": in_jax} if HERE["jax"] else {}
    steps |= {"MyGrad": in_mygrad} if HERE["mygrad"] else {}
    found: list[Times] = []
    forward: list[Times] = []
    for net in nets.NETS:
        data = nets.made(net)
        nets.check(net, {"textbook": nets.textbook} | steps, data)
        candidates: dict[str, Work] = {name: make(net, data, nets.RATE).step for name, make in steps.items()}
        candidates["products"] = products(net, data)
        if HERE["sklearn"]:
            candidates["scikit-learn"] = in_sklearn(net, data, nets.RATE)
        found.append(turns(candidates, rounds if net.batch < 1000 else 5))
        makers = {"functions": nets.inference, "model": nets.layers}
        makers |= {"torch functions": nets.torch_inference, "torch model": nets.torch_layers} if HERE["torch"] else {}
        forward.append(
            turns({n: make(net, data, 0.0).step for n, make in makers.items()}, rounds if net.batch < 1000 else 5)
        )
    names = [str(net) for net in nets.NETS]
    table(["µs", *names], [[name, *(micro(t, name) for t in found)] for name in found[0]])
    pairs = [
        (a, b)
        for a in ("by hand", "replayed", "Sequential")
        for b in (*found[0],)
        if b not in ("by hand", "replayed", "Sequential", a)
    ]
    table(["ratio", *names], [[f"{a} / {b}", *(ratio(t, a, b) for t in found)] for a, b in pairs])
    print("\nForward only, under no_grad:")
    rows = [
        [f"{a} / {b}", *(ratio(t, a, b) for t in forward)]
        for a, b in (("functions", "torch functions"), ("model", "torch model"))
    ]
    table(["ratio", *names], rows)

    def medians(a: str, b: str, which: Any, times: list[Times]) -> str:
        return ", ".join(ratio(times[i], a, b).partition(" ")[0] for i in which)

    small, large = (0, 4), (2, 3, 5)
    eager, fast = (medians(name, "best NumPy", small, found) for name in ("by hand", "replayed"))
    reached["by hand"] = f"eager {eager}; replayed {fast}"
    best, jax = medians("Sequential", "best NumPy", range(6), found), medians("Sequential", "JAX", large, found)
    reached["Sequential"] = f"{best}; JAX, the large three: {jax}"
    reached["no_grad"] = (
        f"functions {medians('functions', 'torch functions', range(6), forward)}; "
        f"models {medians('model', 'torch model', range(6), forward)}"
    )


def values_against_tensors(rounds: int, reached: dict[str, str]) -> None:
    """The same net as an MLP of Values, vectorised, and as a Sequential."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(320, 10)), rng.normal(size=(320, 1))
    net = nn.MLP(10, [32, 32, 1], activation="tanh", rng=0)
    twin = nn.to_sequential(net)
    for model in (net, twin):
        model.compile(nn.SGD(1e-4), "mse")
    work: dict[str, Work] = {
        f"{name}, {10 * epochs}": lambda model=model, epochs=epochs: model.fit(x, y, 32, epochs, 0)
        for epochs in (5, 50)
        for name, model in (("MLP", net), ("Sequential", twin))
    }
    times = turns(work, rounds)
    of_50, of_500 = (ratio(times, f"MLP, {steps}", f"Sequential, {steps}") for steps in (50, 500))
    reached["MLP"] = f"{of_500} in 500 steps, {of_50} in 50"
    print(f"\nfit of a 10-32-32-1 net, batch 32: the MLP of Values, vectorised, / Sequential: {reached['MLP']}.")


# ---------------------------------------------------------------- the rest


def growth() -> None:
    """How the costs of a net of Values grow."""
    print("\n## How costs grow\n")

    def step(width: int, depth: int) -> float:
        net = nn.MLP(8, [width] * depth + [1], rng=0)
        work = {"step": lambda: net([0.1] * 8).backward()}
        return statistics.median(turns(work, 3)["step"])

    widths, depths = (8, 16, 32, 64), (2, 4, 8, 16)
    rows = [
        ["a net of Values, depth 2 to 16", f"depth^{exponent(depths, [step(16, d) for d in depths]):.2f}"],
        ["width 8 to 64, weights as width²", f"width^{exponent(widths, [step(w, 3) for w in widths]):.2f}"],
    ]
    counts, seconds = [], []
    for layers in (3, 4, 5, 6):
        net = nn.MLP(2, [10] * layers + [1], rng=0)
        loss = net([0.3, -0.2])
        w = net.layers[0].neurons[0].w[0]

        def top(loss: Any = loss, w: Any = w) -> int:
            d = derive(loss, w, top=10)
            list(d.paths)
            return d.count

        counts.append(top())
        seconds.append(statistics.median(turns({"top": top}, 3)["top"]))
    rows.append(
        [
            f"the ten strongest of {counts[0]:,} to {counts[-1]:,} paths",
            f"paths^{exponent(counts, seconds):.2f}, {1e3 * seconds[-1]:.0f} ms",
        ]
    )
    table(["what", "grows as"], rows)


def others() -> None:
    """Paths, pictures, imports."""
    print("\n## Paths, pictures, import\n")
    net = nn.MLP(2, [4, 40, 40, 40, 41, 1], rng=0)
    loss = net(nn.inputs([0.3, -0.2]))
    w = net.layers[0].neurons[0].w[0]
    rows = []

    def top() -> Any:
        d = derive(loss, w, top=10)
        return d.count, list(d.paths)

    count = top()[0]
    rows.append(
        [
            f"the ten strongest of {count:,} paths, 2-4-40-40-40-41-1",
            f"{1e3 * statistics.median(turns({'t': top}, 3)['t']):.0f} ms",
        ]
    )
    import viz

    small = nn.MLP(2, [4, 3, 1], "sigmoid", "sigmoid", rng=0)
    target = ag.squared_error(small(nn.inputs([0.5, 1.0])), 0.2)
    for name, draw in (
        ("draw_graph of a 2-4-3-1 net, DOT text", lambda: str(viz.draw_graph(target))),
        (
            "explore of it, the whole page",
            lambda: viz.explore(target).html if hasattr(viz.explore(target), "html") else str(viz.explore(target)),
        ),
    ):
        rows.append([name, f"{1e3 * statistics.median(turns({'t': draw}, 3)['t']):.0f} ms"])
    for package in ("autograd", "nn", "viz"):
        command = f"import time, numpy; s = time.process_time(); import {package}; print(time.process_time() - s)"
        seconds = min(
            float(subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout)
            for _ in range(3)
        )
        rows.append([f"import {package}, NumPy not counted", f"{1e3 * seconds:.0f} ms"])
    table(["what", "time"], rows)


def compiling(reached: dict[str, str]) -> None:
    """How fast graphs of Values become programs."""
    print("\n## Compiling\n")
    rows = []
    for samples in (100, 1500):
        rng = np.random.default_rng(0)
        net = nn.MLP(2, [16, 16, 1], rng=0)
        with collecting(on=False):
            weights = [[list(n.w) for n in layer.neurons] for layer in net.layers]
            losses = []
            for a, b in rng.normal(size=(samples, 2)).tolist():
                row: Any = [a, b]
                for i, layer in enumerate(net.layers):
                    row = [
                        sum(wj * xj for wj, xj in zip(ws, row, strict=True)) + n.b
                        for ws, n in zip(weights[i], layer.neurons, strict=True)
                    ]
                    row = [u.relu() for u in row] if i < 2 else row
                losses.append((1 - row[0]).relu())
            loss = ag.sum(losses) * (1 / samples)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            start = clock()
            program = vectorize(loss)
            seconds = clock() - start
            more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        size = program._size
        rows.append([f"{size:,}", f"{seconds:.2f} s", f"{size / seconds / 1e6:.2f}", f"{more:.0f} MB"])
    table(
        ["nodes of micrograd's loss, written with operators", "compiled in", "million nodes a second", "memory more"],
        rows,
    )
    reached["compile"] = f"{rows[0][2]} million nodes/s; {rows[1][0]} nodes: {rows[1][1]}, {rows[1][3]}"


GOALS = [
    ("moons", "micrograd / ours, moons, collector off / on", "≥ 1,500 / 18,000"),
    ("batch", "one sample recorded, batch 100, / jitted JAX", "≤ 1.0, compile ≤ 10 ms"),
    ("gpt", "small GPT, whole step with Adam: plain Python engine / ours", "≥ 500; 1,000 steps ≤ 10 s"),
    ("compile", "compiling", "≥ 0.6 million nodes/s; 1e6 nodes ≤ 2 s, ≤ 150 MB"),
    ("MLP", "vectorised MLP of Values / Sequential", "≤ 1.2"),
    (
        "by hand",
        "step by hand / best NumPy (784-16-16-10 b 10; 10-32-32-1 b 32)",
        "eager ≤ 1.9; 2.2. Replayed ≤ 1.25; 1.5",
    ),
    ("Sequential", "Sequential / best NumPy, the six nets; / jitted JAX", "≤ 1.2; ≤ 1.05"),
    ("no_grad", "under no_grad / PyTorch's", "≤ 1.0 on small nets, ≤ 1.1 on all"),
]


def processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def main(argv: list[str] | None = None) -> None:
    """Measure and print the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default 9)")
    parser.add_argument("--threads", type=int, default=1, help="of more than one: only the nets, by the wall clock")
    parser.add_argument("--compiled", action="store_true", help="only the nets, with compiled PyTorch")
    given = parser.parse_args(argv)
    if HERE["torch"]:
        importlib.import_module("torch").set_num_threads(given.threads)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan
    versions = [f"Python {platform.python_version()}", f"NumPy {np.__version__}"]
    versions += [
        f"{peer} {importlib.metadata.version({'sklearn': 'scikit-learn'}.get(peer, peer))}"
        for peer in PEERS
        if HERE[peer]
    ]
    print("# Benchmarks\n")
    print(f"{datetime.date.today()}. {processor()}, {os.cpu_count()} processors, load {load:.0f} when it began.")
    print(f"{', '.join(versions)}.")
    missing = [peer for peer in PEERS if not HERE[peer]]
    print(f"Not installed, and left out: {', '.join(missing) or 'none'}.")
    how = "processor time of one thread" if given.threads == 1 else f"time with {given.threads} threads"
    print(f"\nPrinted by `python benchmarks/{' '.join(['page.py', *sys.argv[1:]])}`: {how}, candidates taking turns,")
    print(f"medians over {given.rounds} rounds (quartiles). Ratios below 1 are in favour of what stands first.")
    reached: dict[str, str] = {}
    if given.threads > 1 or given.compiled:
        return six_nets(given.rounds, reached, compiled=given.compiled)
    compiling(reached)  # first, while the most memory that was ever taken is small
    for part in (moons, gpt, batches, six_nets, values_against_tensors):
        print(f"{part.__name__} ...", file=sys.stderr)
        part(given.rounds, reached)
        sys.stdout.flush()
    growth()
    others()
    print("\n## What it must reach")
    table(["workload", "asked", "reached"], [[what, asked, reached.get(key, "–")] for key, what, asked in GOALS])


if __name__ == "__main__":
    main()
