"""What each mechanism that carries gradients buys: the same work with it and without it, in one process.

    pip install . --group benchmark && python benchmarks/mechanisms.py

Both sides of a row must come to the same numbers first. Then they take turns, round after round; the
table gives the median of their ratios within a round, and the half of the rounds in the middle.
docs/architecture.md and autograd/fast/README.md say what the rows are.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nn
from autograd import PathGraph, Tensor, Value, derive, gradients, squared_error
from autograd.fast import neuron
from autograd.fast.flat_parameters import FlatParameters
from autograd.ieee import quietly
from nn import optimizers

sys.path.insert(0, str(Path(__file__).parent))
import networks

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Work = Callable[[], Any]


class Row(NamedTuple):
    """A mechanism: what is measured, and the same work with it and without it. Each gives its result."""

    name: str
    what: str
    having: Work
    lacking: Work


@contextmanager
def put(home: Any, name: str, thing: Any) -> Iterator[None]:
    """Another thing under a name of a module or an object."""
    before = getattr(home, name)
    setattr(home, name, thing)
    try:
        yield
    finally:
        setattr(home, name, before)


# ---------------------------------------------------------------- Values


def moons_loss(net: Any) -> Work:
    """The loss of micrograd's demo: an MLP 2-16-16-1 on 100 points."""
    x, y = nn.datasets.moons(100, noise=0.1, rng=0)
    rows, signs = x.tolist(), [2.0 * label - 1.0 for label in y.tolist()]

    def loss() -> Any:
        margins = [(1 - sign * net(row)).relu() for row, sign in zip(rows, signs, strict=True)]
        return sum(margins) * (1.0 / len(margins))

    return loss


def step_of_values(net: Any) -> Work:
    """Forward and back; the gradients."""
    loss, parameters = moons_loss(net), net.parameters()

    def step() -> Any:
        for p in parameters:
            p.grad = 0.0
        loss().backward()
        return [p.grad for p in parameters]

    return step


def one_node_a_neuron(small: bool) -> list[Row]:
    sizes = [3, 1] if small else [16, 16, 1]
    net = nn.MLP(2, sizes, rng=0)
    step = step_of_values(net)

    def unfused() -> Any:
        with put(neuron, "active", ["watched"]):
            return step()

    each = nn.MLP(2, sizes, rng=0, elementary=True)
    return [
        Row("a neuron is one node", "step of the moons net; without: activation and sum apart", step, unfused),
        Row("a neuron is one node", "the same; without: every × and + a node", step, step_of_values(each)),
    ]


def values_in_place(small: bool) -> list[Row]:
    net = nn.MLP(2, [3, 1] if small else [16, 16, 1], rng=0)
    parameters, loss = net.parameters(), moons_loss(net)()
    gradients(loss, parameters)  # neurons in the form of other nodes, on both sides

    def in_place() -> Any:
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        return [p.grad for p in parameters]

    def pure() -> Any:
        return gradients(loss, parameters)

    return [Row("Values' pass in place", "backward() against gradients()", in_place, pure)]


# ---------------------------------------------------------------- Tensors


def made(sizes: tuple[int, ...], batch: int, hidden: str, small: bool) -> tuple[Any, np.ndarray, np.ndarray]:
    """A Sequential with softmax and cross-entropy, and a batch for it."""
    if small:
        sizes, batch = tuple(min(n, 8) for n in sizes), min(batch, 2100 if batch > 1000 else 8)
    rng = np.random.default_rng(0)
    layers = [nn.Dense(n, activation=hidden) for n in sizes[1:-1]]
    model = nn.Sequential([nn.Input((sizes[0],)), *layers, nn.Dense(sizes[-1], activation="softmax")], rng=0)
    model.compile(nn.SGD(1e-6), "categorical_crossentropy")
    x = rng.standard_normal((batch, sizes[0]), np.float32)
    y = np.eye(sizes[-1], dtype=np.float32)[rng.integers(0, sizes[-1], batch)]
    for array in (x, y):
        array.flags.writeable = False  # as `fit` hands them on, so that a graph need not copy them
    return model, x, y


NETS: list[tuple[tuple[int, ...], int, str]] = [
    ((10, 32, 32, 2), 32, "relu"),
    ((784, 16, 16, 10), 100, "sigmoid"),
    ((784, 128, 10), 128, "relu"),
]


def step_of(model: Any, x: np.ndarray, y: np.ndarray) -> Work:
    """The bare step of a Sequential; the loss before it."""
    take, weight = model.objective.step, 1.0 / len(x)
    return lambda: quietly(take, x, y, weight)[0]


def steps_as_numpy_calls(small: bool) -> list[Row]:
    rows = []
    for sizes, batch, hidden in NETS:
        programs, graph = (made(sizes, batch, hidden, small) for _ in range(2))
        graph[0].objective._programs._are_open = False
        what = f"step of {'-'.join(map(str, sizes))}, batch {batch}; without: a graph"
        rows.append(Row("a step as NumPy calls", what, step_of(*programs), step_of(*graph)))
    for name in [] if small else networks.NETS:
        (model, *data), (other, *same_data) = (networks.compiled(name) for _ in range(2))
        other.objective._programs._are_open = False
        steps = networks.our_step(model, *data), networks.our_step(other, *same_data)
        rows.append(Row("a step as NumPy calls", f"step of {name}; without: a graph", *steps))
    return rows


def tensors_in_place(small: bool) -> list[Row]:
    rows = []
    for sizes, batch, hidden in NETS:
        model, x, y = made(sizes, batch, hidden, small)
        parameters = model.parameters()
        _, loss = quietly(model.objective.forward, x, y, 1.0 / len(x))

        def in_place(parameters: Any = parameters, loss: Any = loss) -> Any:
            for p in parameters:
                p.grad = None
            loss.backward()
            return np.concatenate([p.grad.ravel() for p in parameters])

        def pure(parameters: Any = parameters, loss: Any = loss) -> Any:
            return np.concatenate([g.ravel() for g in gradients(loss, parameters)])

        what = f"backward() of {'-'.join(map(str, sizes))}, batch {batch}, against gradients()"
        rows.append(Row("Tensors' pass in place", what, in_place, pure))
    return rows


def parameters_as_one_vector(small: bool) -> list[Row]:
    rows = []
    shapes = [(5, 4), (5,)] if small else [(32, 10), (32,), (32, 32), (32,), (1, 32), (1,)]

    def stepper(make: Any, one_each: bool) -> Work:
        rng = np.random.default_rng(0)
        parameters = [Tensor(rng.standard_normal(shape), dtype="float32") for shape in shapes]
        blocks = (lambda ps: [FlatParameters([p]) for p in ps]) if one_each else optimizers.blocks
        with put(optimizers, "blocks", blocks):
            optimizer = make(parameters)
        for p in parameters:
            p.grad = np.ones(p.shape)

        def step() -> Any:
            optimizer.step()
            return parameters[0].numpy().copy()

        return step

    for make in (nn.SGD, nn.Adam):
        what = f"{make.__name__}.step() of 10-32-32-1; without: a vector for each parameter"
        rows.append(Row("parameters as one vector", what, stepper(make, False), stepper(make, True)))

    def of_values(flat: bool) -> Work:
        parameters = nn.MLP(2, [3, 1] if small else [16, 16, 1], rng=0).parameters()
        for p in parameters:
            p.grad = 1.0
        optimizer = nn.SGD(parameters, 2.0**-10)

        def by_hand() -> Any:
            for p in parameters:
                p.data -= 2.0**-10 * p.grad
            return [p.data for p in parameters]

        def step() -> Any:
            optimizer.step()
            return [p.data for p in parameters]

        return step if flat else by_hand

    what = "SGD.step() of 337 Values; without: p.data -= rate * p.grad"
    return [*rows, Row("parameters as one vector", what, of_values(True), of_values(False))]


# ---------------------------------------------------------------- paths


def paths_without_listing(small: bool) -> list[Row]:
    net = nn.MLP(3, [3, 3, 1] if small else [8, 8, 8, 8, 8, 1], "tanh", rng=0)
    loss = squared_error([net(nn.inputs([0.1, -0.2, 0.3]))], [Value(1.0, "y")])
    loss.backward()
    w = net.layers[0].neurons[0].w[0]
    derive(loss, w, top=1)  # neurons in the form of other nodes

    def listed() -> int:
        return sum(1 for _ in PathGraph(loss, keep=(w,)).paths(w))

    many = listed()
    what = f"counting {many:,} paths; without: listing them"
    rows = [Row("sums over paths", what, lambda: PathGraph(loss, keep=(w,)).count(w), listed)]

    def strongest() -> Any:
        return [p.value for p in derive(loss, w, top=5)]

    def sorted_out() -> Any:
        found = sorted(PathGraph(loss, keep=(w,)).paths(w), key=lambda p: -abs(p.value))
        return [p.value for p in found[:5]]

    what = f"the 5 strongest of {many:,} paths, formulas not written; without: all, sorted"
    return [*rows, Row("the strongest first", what, strongest, sorted_out)]


MECHANISMS = [
    one_node_a_neuron,
    values_in_place,
    tensors_in_place,
    steps_as_numpy_calls,
    parameters_as_one_vector,
    paths_without_listing,
]


# ---------------------------------------------------------------- measuring


def check(row: Row) -> None:
    """Exit unless both sides come to the same numbers, time after time."""
    for _ in range(5):
        one, other = np.asarray(row.having()), np.asarray(row.lacking())
        if one.shape != other.shape or not np.allclose(one, other, rtol=1e-5, atol=1e-12):
            raise SystemExit(f"{row.name}, {row.what}: {one} with it, {other} without")


def ratios(row: Row, rounds: int, slot: float) -> list[float]:
    """How many times as long it takes without the mechanism, round by round. slot: seconds a side runs at a time."""
    sides = [row.having, row.lacking]
    counts = []
    for side in sides:
        start = time.perf_counter()
        side()
        counts.append(max(1, round(slot / (time.perf_counter() - start))))
    found = []
    for i in range(rounds):
        taken = [0.0, 0.0]
        for k in (0, 1) if i % 2 else (1, 0):
            gc.collect()
            side = sides[k]
            start = time.perf_counter()
            for _ in range(counts[k]):
                side()
            taken[k] = (time.perf_counter() - start) / counts[k]
        found.append(taken[1] / taken[0])
    return found


def main(argv: list[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="rounds for each row (default 15)")
    parser.add_argument("--slot", type=float, default=0.05, help="seconds that a side runs at a time (0.05)")
    parser.add_argument("--small", action="store_true", help="tiny nets: to see that everything runs")
    parser.add_argument("--here", action="store_true", help="in this process, with the threads as they are")
    given = parser.parse_args(argv)
    if not given.here:  # one thread, which the libraries read when they are loaded
        arguments = sys.argv[1:] if argv is None else argv
        one = os.environ | dict.fromkeys(THREADS, "1")
        sys.exit(subprocess.run([sys.executable, os.path.abspath(__file__), *arguments, "--here"], env=one).returncode)
    print("how many times as long the work takes without the mechanism: median (and the middle half of the rounds)\n")
    for mechanism in MECHANISMS:
        for row in mechanism(given.small):
            check(row)
            found = ratios(row, given.rounds, given.slot)
            low, middle, high = statistics.quantiles(found, method="inclusive") if len(found) > 1 else found * 3
            print(f"{row.name:26} {middle:6.2f} ({low:.2f} to {high:.2f})  {row.what}", flush=True)


if __name__ == "__main__":
    main()
