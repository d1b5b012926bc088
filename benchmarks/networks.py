"""One training step of the nets of the lectures with Adam, in float32, beside eager PyTorch in the same process.

    pip install . --group benchmark && OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/networks.py

The step is that of `fit`: forward, loss, backward and the weights moved, after the first steps, which are recorded and
written down.
Both libraries have the same weights and the same batch, and come to the same loss before time is taken; the net of
PyTorch is what `to_code(model, "torch")` prints. They take turns, round after round, in processor time; the table has
the medians of both, and the median and the quartiles of the ratios within a round, which hardly depend on what else the
machine does.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nn
from autograd.ieee import quietly
from nn import (
    LSTM,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    Input,
    LayerNormalization,
    MaxPooling2D,
    Model,
    MultiHeadAttention,
    Sequential,
    SimpleRNN,
)

sys.path.insert(0, str(Path(__file__).parent))


def small_cnn() -> Model:
    layers = [Conv2D(16, 3, padding="same", activation="relu", input_shape=(8, 8, 1))]
    layers += [Conv2D(32, 3, padding="same", activation="relu"), MaxPooling2D()]
    return Sequential([*layers, Flatten(), Dense(10, "softmax")], rng=0)


def lenet() -> Model:
    layers = [Conv2D(6, 5, activation="relu", input_shape=(28, 28, 1)), MaxPooling2D()]
    layers += [Conv2D(16, 5, activation="relu"), MaxPooling2D(), Flatten()]
    return Sequential([*layers, Dense(120, "relu"), Dense(84, "relu"), Dense(10, "softmax")], rng=0)


def recurrent(kind: Callable[..., Any]) -> Model:
    return Sequential([kind(64, input_shape=(28, 28)), Dense(10, "softmax")], rng=0)


def transformer(width: int, steps: int) -> Model:
    signs, places = Input((steps,)), Input((steps,))
    h = Embedding(27, width)(signs) + Embedding(steps, width)(places)
    for _ in range(2):
        n = LayerNormalization()(h)
        h = h + MultiHeadAttention(4, width // 4)(n, n, use_causal_mask=True)
        h = h + Dense(width)(Dense(4 * width, "relu")(LayerNormalization()(h)))
    return Model([signs, places], Dense(27, "softmax")(LayerNormalization()(h)), rng=0)


# The net, how many samples a step sees, and what is asked of the ratio.
NETS: dict[str, tuple[Callable[[], Model], int, float]] = {
    "8x8 CNN 16-32, batch 32": (small_cnn, 32, 1.2),
    "LeNet 28x28, batch 32": (lenet, 32, 1.8),
    "LeNet 28x28, batch 128": (lenet, 128, 2.2),
    "SimpleRNN 28 steps, H 64, batch 128": (lambda: recurrent(SimpleRNN), 128, 0.9),
    "LSTM 28 steps, H 64, batch 128": (lambda: recurrent(LSTM), 128, 2.0),
    "transformer d 32, T 16, batch 32": (lambda: transformer(32, 16), 32, 1.0),
    "transformer d 64, T 64, batch 32": (lambda: transformer(64, 64), 32, 1.7),
}


def batch(model: Model, m: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Inputs and labels that the net takes."""
    rng = np.random.default_rng(0)
    assert model.input_shapes is not None
    if model.takes_several:
        (steps,) = model.input_shapes[0]
        signs = rng.integers(0, 27, (m, steps))
        xs = [signs, np.broadcast_to(np.arange(steps), (m, steps))]
    else:
        xs = [rng.random((m, *model.input_shapes[0]))]
    y = rng.integers(0, model.output_shape[-1], (m, *model.output_shape[:-1]))
    return [np.ascontiguousarray(x, np.float32) for x in xs], y


def compiled(name: str) -> tuple[Model, list[np.ndarray], np.ndarray]:
    """One of the nets with Adam, and a batch for it."""
    make, m, _ = NETS[name]
    model = make()
    model.compile(nn.Adam(1e-4), "sparse_categorical_crossentropy")
    return model, *batch(model, m)


def our_step(model: Model, xs: list[np.ndarray], y: np.ndarray) -> Callable[[], float]:
    """A step of `fit` on this batch."""
    target = model.loss.targets("benchmark", y, model.output_shape, model.dtype)
    for array in (*xs, target):
        array.flags.writeable = False  # as the batches of fit are
    objective = model.objective
    share = 1.0 / len(y)

    def step() -> float:
        with objective.training:
            return float(quietly(objective.step, *xs, target, share)[0])

    return step


def their_step(model: Model, xs: list[np.ndarray], y: np.ndarray) -> Callable[[], float]:
    """The same step of PyTorch, from the same weights."""
    import torch
    from torch_weights import give_weights

    scope: dict[str, Any] = {}
    exec(nn.to_code(model, "torch"), scope)
    give_weights(torch, scope["model"], model)
    tensors, labels = [torch.tensor(x) for x in xs], torch.tensor(y)
    return lambda: float(scope["step"](*tensors, labels))


def measure(name: str, rounds: int) -> tuple[float, float, list[float]]:
    """Milliseconds of ours and of theirs, and the quartiles of the ratio."""
    model, xs, y = compiled(name)
    ours, theirs = our_step(model, xs, y), their_step(model, xs, y)
    for i in range(6):
        a, b = ours(), theirs()
        if not np.isclose(a, b, rtol=1e-3):
            raise SystemExit(f"{name}: step {i} has the loss {a}, PyTorch's {b}")
    times: list[tuple[float, float]] = []
    for _ in range(rounds):
        pair = []
        for step in (ours, theirs):
            start = time.process_time()
            step()
            pair.append(1e3 * (time.process_time() - start))
        times.append((pair[0], pair[1]))
    mine, its = (statistics.median(side) for side in zip(*times, strict=True))
    return mine, its, statistics.quantiles([a / b for a, b in times], method="inclusive")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        raise SystemExit("benchmarks/networks.py compares with PyTorch: pip install torch") from None
    torch.set_num_threads(1)
    print(f"{'':36}  ours ms  PyTorch ms  ratio  quartiles     asked")
    for name, (_, _, asked) in NETS.items():
        ours, theirs, (low, ratio, high) = measure(name, options.rounds)
        print(f"{name:36} {ours:8.2f} {theirs:11.2f} {ratio:6.2f}  {low:.2f} to {high:.2f} {asked:6.1f}")


if __name__ == "__main__":
    main()
