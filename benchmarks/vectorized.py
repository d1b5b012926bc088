"""Numbers computed one by one, and the matrices that `vectorize` finds in them.

    python benchmarks/vectorized.py

Three workloads, each against what it replaces, in turns in one process; processor time, medians, collector off:

    moons     micrograd's demo, 100 samples of an MLP 2-16-16-1 with hinge loss and L2, loss and gradients:
              micrograd (if it is installed), this package's Values, the program of their graph
    batch     one sample recorded, ½ (ŷ - y)² of an MLP 2-16-16-1 with tanh, run over 1 to 10,000 samples:
              the program, and PyTorch's (if it is installed) in float64 on one thread
    gpt       the small GPT of examples/programs/train_gpt_by_neurons.py on names of 7 letters, a whole step with
              Adam: the same lines on the plain numbers of plain_engine.py, on this package's Values, and vectorised

Compiling times are those of the first program, recordings not included.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from plain_engine import Adam as PlainAdam
from plain_engine import Number

from autograd import Value, vectorize
from nn import MLP, Adam


def medians(candidates: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds of processor time of each candidate, which take turns: as many calls a round as take about 20 ms."""
    counts = {}
    for name, run in candidates.items():
        for _ in range(3):
            start = time.process_time()
            run()
        counts[name] = max(1, int(0.02 / (time.process_time() - start)))
    times: dict[str, list[float]] = {name: [] for name in candidates}
    gc.disable()
    try:
        for _ in range(rounds):
            for name, run in candidates.items():
                start = time.process_time()
                for _ in range(counts[name]):
                    run()
                times[name].append((time.process_time() - start) / counts[name])
    finally:
        gc.enable()
    return {name: statistics.median(found) for name, found in times.items()}


def show(title: str, found: dict[str, float], against: str) -> None:
    print(f"\n{title}")
    for name, seconds in found.items():
        ratio = found[against] / seconds
        print(f"  {name:34}{1e6 * seconds:12.1f} µs{'' if name == against else f'{ratio:12.1f} times as fast'}")


def moons(rounds: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    y = np.sign(x[:, 0] + x[:, 1] ** 2 - 0.5).tolist()
    net = MLP(2, [16, 16, 1], rng=0)

    def loss() -> Value:
        losses = [(1 + -t * net(row)).relu() for t, row in zip(y, x.tolist(), strict=True)]
        return sum(losses) * (1 / len(losses)) + 1e-4 * sum(p * p for p in net.parameters())

    recorded = loss()
    start = time.process_time()
    program = vectorize(recorded)
    compiling = time.process_time() - start
    assert abs(program().data - recorded.data) < 1e-12
    candidates: dict[str, Callable[[], Any]] = {}
    if importlib.util.find_spec("micrograd"):
        candidates["micrograd"] = micrograd_step(x, y)
    candidates["Values"] = lambda: loss().backward()
    candidates["program, with .grad"] = lambda: program().backward()
    candidates["program, in arrays"] = lambda: program()
    show("moons: loss and gradients", medians(candidates, rounds), next(iter(candidates)))
    print(f"  compiled in {1000 * compiling:.1f} ms: {program!r}")


def micrograd_step(x: np.ndarray, y: list[float]) -> Callable[[], Any]:
    from micrograd.engine import Value as Scalar  # type: ignore[import-not-found, unused-ignore]
    from micrograd.nn import MLP as Net  # type: ignore[import-not-found, unused-ignore]

    random.seed(0)
    net = Net(2, [16, 16, 1])

    def step() -> None:
        scores = [net(list(map(Scalar, row))) for row in x.tolist()]
        losses = [(1 + -t * score).relu() for t, score in zip(y, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in net.parameters())
        loss.backward()

    return step


def batches(rounds: int) -> None:
    net = MLP(2, [16, 16, 1], activation="tanh", rng=0)
    each = vectorize(lambda x, y: 0.5 * (net(x) - y) ** 2)
    rng = np.random.default_rng(0)
    each.mean(rng.normal(size=(10, 2)), rng.normal(size=10))
    for m in (1, 10, 100, 1000, 10_000):
        x, y = rng.normal(size=(m, 2)), rng.normal(size=m)
        start = time.process_time()
        each.mean(x, y)
        compiling = time.process_time() - start
        candidates: dict[str, Callable[[], Any]] = {}
        if importlib.util.find_spec("torch"):
            candidates["PyTorch"] = torch_step(net, x, y)
        candidates["program"] = lambda x=x, y=y: each.mean(x, y)
        title = f"batch of {m}: loss and gradients, compiled in {1000 * compiling:.1f} ms"
        show(title, medians(candidates, rounds), next(iter(candidates)))


def torch_step(net: MLP, x: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(1)
    weights = [torch.tensor(w, requires_grad=True) for pair in zip(*net.get_weights(), strict=True) for w in pair]
    data, target = torch.tensor(x), torch.tensor(y)

    def step() -> None:
        a = data
        for i in range(0, 6, 2):
            a = a @ weights[i].T + weights[i + 1]
            a = torch.tanh(a) if i < 4 else a
        torch.autograd.grad((0.5 * (a[:, 0] - target) ** 2).mean(), weights)

    return step


def gpt(rounds: int) -> None:
    path = Path(__file__).parents[1] / "examples" / "programs" / "train_gpt_by_neurons.py"
    spec = importlib.util.spec_from_file_location("train_gpt_by_neurons", path)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    rng = random.Random(0)
    names = [[26, *(rng.randrange(26) for _ in range(7)), 26] for _ in range(50)]

    def new_weights() -> tuple[dict[str, Any], list[Any]]:
        weights = example.new_weights(27, 16, random.Random(0))
        return weights, [w for matrix in weights.values() for row in matrix for w in row]

    weights, parameters = new_weights()
    plain = {name: [[Number(w.data) for w in row] for row in matrix] for name, matrix in weights.items()}
    plain_optimizer = PlainAdam([w for matrix in plain.values() for row in matrix for w in row], 1e-3)
    fast = vectorize(lambda tokens: example.loss_of(weights, tokens), parameters=weights)
    flat = Adam(fast.parameters, 1e-3)
    slow_weights, slow_parameters = new_weights()
    slow = Adam(slow_parameters, 1e-3)
    assert abs(example.loss_of(plain, names[0]).data - fast(names[0]).data) < 1e-12

    def plain_step() -> None:
        example.loss_of(plain, rng.choice(names)).backward()
        plain_optimizer.step()

    def step(function: Callable[..., Value], optimizer: Adam) -> None:
        optimizer.zero_grad()
        function(rng.choice(names)).backward()
        optimizer.step()

    for _ in range(300):  # past the calls that are recorded, and the first that are compared again
        step(fast, flat)

    def apart() -> None:
        with fast.training():
            for _ in range(50):
                step(fast, flat)

    found = medians(
        {
            "plain Python": plain_step,
            "Values": lambda: step(lambda tokens: example.loss_of(slow_weights, tokens), slow),
            "vectorised": lambda: step(fast, flat),
            "vectorised, 50 in training()": apart,
            "vectorised, loss and gradients": lambda: fast(names[0]),
        },
        rounds,
    )
    found["vectorised, 50 in training()"] /= 50
    show(f"gpt: a whole step, {len(parameters)} parameters", found, "plain Python")
    start = time.process_time()
    weights, parameters = new_weights()
    fast = vectorize(lambda tokens: example.loss_of(weights, tokens), parameters=weights)
    optimizer = Adam(fast.parameters, 1e-3)
    names = [[26, *(rng.randrange(26) for _ in range(rng.randrange(3, 12))), 26] for _ in range(1000)]
    with fast.training():
        for tokens in names:
            optimizer.zero_grad()
            fast(tokens).backward()
            optimizer.step()
    seconds = time.process_time() - start
    print(f"  1,000 steps on names of 3 to 11 letters, recordings and compiling included: {seconds:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, one thread")
    for missing in (name for name in ("micrograd", "torch") if not importlib.util.find_spec(name)):
        print(f"{missing} is not installed and left out")
    moons(options.rounds)
    batches(options.rounds)
    gpt(options.rounds)


if __name__ == "__main__":
    main()
