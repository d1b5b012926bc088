"""micrograd's own demo, one training step after the other, in micrograd and in gradpath.

    pip install . --group benchmark && python benchmarks/scalar_engine.py

The demo is an MLP 2-16-16-1 on 100 moons with hinge loss and L2 (the notebook of
github.com/karpathy/micrograd). Three candidates take turns in one process:

    micrograd             the PyPI package as it is
    gradpath, operators   micrograd's nn.py, word for word, on gradpath's Value
    gradpath, neurons     gradpath's nn.MLP

The demo trains for 100 steps. Round after round takes its weights from another stage of that, the
same for each candidate, which warms up with one step and is timed over the next three; the table
gives medians and how many times faster than micrograd. The garbage collector is
most of micrograd's cost, so everything is measured with the collector on and off. With the
collector on, what else is alive counts: here the last graph of every candidate is.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import random
import statistics
import sys
import time
import tracemalloc
import types
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd
import nn


def moons() -> tuple[np.ndarray, np.ndarray]:
    """The demo's data: 100 points of two half circles, labels -1 and 1."""
    from sklearn.datasets import make_moons

    x, y = make_moons(n_samples=100, noise=0.1, random_state=1337)
    return x, y * 2 - 1


def training_step(value: type, model: Any, x: np.ndarray, y: np.ndarray) -> Callable[[int], float]:
    """The demo's loop body, statement by statement."""
    kept: dict[str, Any] = {}

    def loss() -> tuple[Any, float]:
        inputs = [list(map(value, row)) for row in x]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = 1e-4 * sum(p * p for p in model.parameters())
        accuracy = [(yi > 0) == (score.data > 0) for yi, score in zip(y, scores, strict=True)]
        return data_loss + reg_loss, sum(accuracy) / len(accuracy)

    def step(k: int) -> float:
        total, _ = kept["loss"] = loss()  # the graph of the last step lives until here, as in the notebook
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
        return total.data

    step.model = model  # type: ignore[attr-defined]
    return step


def candidates() -> dict[str, Callable[[], Callable[[int], float]]]:
    """A fresh training step for each, all from the same weights."""
    import micrograd.engine
    import micrograd.nn

    x, y = moons()
    source = inspect.getsource(micrograd.nn).replace("from micrograd.engine import Value", "")

    def with_value(value: type) -> Any:
        module = types.ModuleType("nn_of_micrograd")
        module.__dict__["Value"] = value
        exec(source, module.__dict__)
        random.seed(1337)
        return module.MLP(2, [16, 16, 1])

    def neurons() -> Any:
        model = nn.MLP(2, [16, 16, 1], rng=0)
        for p, q in zip(model.parameters(), with_value(autograd.Value).parameters(), strict=True):
            p.data = q.data
        return model

    value = micrograd.engine.Value
    return {
        "micrograd": lambda: training_step(value, with_value(value), x, y),
        "gradpath, operators": lambda: training_step(autograd.Value, with_value(autograd.Value), x, y),
        "gradpath, neurons": lambda: training_step(autograd.Value, neurons(), x, y),
    }


def stages(step: Any, count: int = 5) -> list[list[float]]:
    """The weights at evenly spaced stages of the demo's 100 steps, the start among them."""
    found = []
    for k in range(100):
        if k % (100 // count) == 0:
            found.append([p.data for p in step.model.parameters()])
        step(k)
    return found


def measure(steps: dict[str, Any], weights: list[list[float]], rounds: int, *, collector: bool) -> dict[str, float]:
    """The median seconds of one step of each candidate, in interleaved rounds from the same weights."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for i in range(rounds):
        for name, step in steps.items():
            for p, data in zip(step.model.parameters(), weights[i % len(weights)], strict=True):
                p.data = data
            gc.collect()
            (gc.enable if collector else gc.disable)()
            step(0)
            for k in (1, 2, 3):
                start = time.perf_counter()
                step(k)
                times[name].append(time.perf_counter() - start)
            gc.enable()
    return {name: statistics.median(ts) for name, ts in times.items()}


def bytes_per_node(n: int = 100_000) -> tuple[float, float]:
    """Bytes and objects seen by the garbage collector that one binary operation leaves behind."""
    x, y = autograd.Value(1.5), autograd.Value(2.5)
    kept: list[Any] = [None] * n
    gc.collect()
    tracked = len(gc.get_objects())
    tracemalloc.start()
    for i in range(n):
        kept[i] = x * y
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / n, (len(gc.get_objects()) - tracked) / n


def main(argv: list[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="interleaved rounds (default 10)")
    rounds = parser.parse_args(argv).rounds
    try:
        made = candidates()
    except ImportError as missing:
        sys.exit(f"{missing.name} is missing: pip install . --group benchmark")
    steps = {name: make() for name, make in made.items()}
    first = {name: step(0) for name, step in steps.items()}
    weights = stages(made["gradpath, neurons"]())
    if max(first.values()) - min(first.values()) > 1e-12:
        sys.exit(f"the candidates do not compute the same loss: {first}")
    print(f"one training step of micrograd's moons demo; Python {sys.version.split()[0]}, {rounds} rounds, medians\n")
    print(f"{'':22}{'collector on':>22}{'collector off':>24}")
    on, off = (measure(steps, weights, rounds, collector=c) for c in (True, False))
    for name in steps:
        columns = [f"{t[name] * 1e3:9.2f} ms {t['micrograd'] / t[name]:8.1f} x" for t in (on, off)]
        print(f"{name:22}{columns[0]:>22}  {columns[1]:>22}")
    size, objects = bytes_per_node()
    print(f"\nx * y leaves {size:.0f} bytes (its float included) and {objects:.2f} objects for the collector")


if __name__ == "__main__":
    main()
