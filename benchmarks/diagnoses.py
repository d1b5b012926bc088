"""Does `nn.diagnose` find why a net does not learn, and is it silent about nets that do?

    python benchmarks/diagnoses.py --seed 1

Thirty healthy and thirty sick trainings, drawn by the seed: data, layers, widths, activations, optimizers with
customary rates; with --others a third of them are convolutional, recurrent, branching and attending nets, autoencoders
and nets of Values. Each is looked at before its training and after 20 epochs of it. Of the healthy ones an alarm (a
fault or a hint) is a false one; of the sick ones the first finding has to be the illness that was planted.

What was planted has to keep the net from learning, as 60 epochs show, or another one is drawn. After 20 epochs a net
may learn all the same: of that "learns" is told, which does not count as found.

The real data are scikit-learn's (pip install "gradpath[course]"); --made leaves them out.
The thresholds of nn/diagnosis were set on other nets and data: seed 0 is for who changes them.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import nn
from nn import (
    GRU,
    LSTM,
    MLP,
    SGD,
    Activation,
    Adam,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    LayerNormalization,
    MaxPooling2D,
    Model,
    MultiHeadAttention,
    RMSprop,
    Sequential,
    SimpleRNN,
)
from nn.datasets import circles, curve, load_digits, spirals, xor
from nn.regularizers import L2

Data = tuple[np.ndarray, np.ndarray]


class Task(NamedTuple):
    """Data as one should give them to a net, and what it is to learn: "classes", "sides" or "numbers"."""

    name: str
    x: np.ndarray
    y: np.ndarray
    kind: str


class Training(NamedTuple):
    """A net with its data, and what is wrong with it; "" for nothing."""

    name: str
    model: Any
    x: np.ndarray
    y: np.ndarray
    illness: str


# ---------------------------------------------------------------- data


def scaled(x: np.ndarray) -> np.ndarray:
    deviation = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)


def made_tasks(rng: np.random.Generator) -> list[Task]:
    """Data made by formulas; some are noisy, or hardly to be seen among other features."""
    seed = int(rng.integers(1 << 30))
    among = rng.normal(size=(400, 12))
    parity = rng.integers(0, 2, size=(256, 4))
    steps = rng.normal(size=(300, 6))
    return [
        Task("circles", *circles(300, 0.08, rng=seed), "sides"),
        Task("spirals", *spirals(300, 0.03, classes=3, turns=0.6, rng=seed), "classes"),
        Task("xor with noise", *xor(240, 0.2, rng=seed), "sides"),
        Task("a sine", *curve("sine", 250, noise=0.1, rng=seed), "numbers"),
        Task("a cubic", *curve("cubic", 250, noise=0.1, rng=seed), "numbers"),
        Task("one product among 12 features", among, (among[:, 0] * among[:, 1] > 0).astype(int), "sides"),
        Task("parity of 4 bits", parity * 2.0 - 1, parity.sum(axis=1) % 2, "sides"),
        Task("two outputs", steps, np.stack([steps.sum(axis=1), steps[:, 0] - steps[:, 5]], axis=1) / 2, "numbers"),
        Task("labels of which a quarter is wrong", *_with_wrong_labels(rng), "sides"),
        Task("a line under noise", steps[:, :2], steps[:, :1] + 1.5 * rng.normal(size=(300, 1)), "numbers"),
    ]


def _with_wrong_labels(rng: np.random.Generator) -> Data:
    x = rng.normal(size=(400, 5))
    y = (x @ [1.0, -1.0, 0.5, 0.0, 0.0] > 0).astype(int)
    return x, np.where(rng.random(400) < 0.25, 1 - y, y)


def real_tasks() -> tuple[list[Task], list[tuple[str, Data, Data]]]:
    """Real data, scaled; and such as they come, of another scale: (name, unscaled, scaled)."""
    from sklearn import datasets

    x, y = load_digits(flat=True, unit=True)
    wine, cancer, iris = (
        f(return_X_y=True) for f in (datasets.load_wine, datasets.load_breast_cancer, datasets.load_iris)
    )
    diabetes = datasets.load_diabetes(return_X_y=True, scaled=False)
    tasks = [
        Task("digits", x, y, "classes"),
        Task("wine", scaled(wine[0]), wine[1], "classes"),
        Task("breast cancer", scaled(cancer[0]), cancer[1], "sides"),
        Task("iris", iris[0], iris[1], "classes"),
        Task("diabetes", scaled(diabetes[0]), scaled(diabetes[1])[:, None], "numbers"),
    ]
    raw = [
        ("wine as it comes", wine, (scaled(wine[0]), wine[1])),
        ("breast cancer as it comes", cancer, (scaled(cancer[0]), cancer[1])),
    ]
    return tasks, raw


# ---------------------------------------------------------------- nets


def compiled(task: Task, layers: list[Any], optimizer: Any, seed: int) -> Any:
    """Layers with the last one and the loss that the task asks for."""
    if task.kind == "classes":
        last, loss = Dense(int(task.y.max()) + 1, activation="softmax"), "sparse_categorical_crossentropy"
    elif task.kind == "sides":
        last, loss = Dense(1, activation="sigmoid"), "binary_crossentropy"
    else:
        last, loss = Dense(task.y.shape[1]), "mse"
    model = Sequential([*layers, last], rng=seed)
    model.compile(optimizer, loss)
    return model


def hidden(rng: np.random.Generator, **options: Any) -> list[Any]:
    """One to three layers, 8 to 64 wide."""
    activation = str(rng.choice(["relu", "relu", "tanh", "elu", "leaky_relu", "gelu", "selu"]))
    widths = rng.choice([8, 16, 32, 64], size=rng.integers(1, 4))
    start = {"relu": "he_uniform", "leaky_relu": "he_uniform"}.get(activation, "glorot_uniform")
    return [Dense(int(n), activation=activation, kernel_initializer=start, **options) for n in widths]


def usual_optimizer(rng: np.random.Generator) -> Any:
    """One of six, with a rate as people write it."""
    made: list[Callable[[], Any]] = [
        lambda: Adam(0.001),
        lambda: Adam(0.01),
        lambda: Adam(0.003),
        lambda: RMSprop(0.003),
        lambda: SGD(0.1),
        lambda: SGD(0.03, momentum=0.9),
    ]
    return made[rng.integers(len(made))]()


def healthy(seed: int, tasks: list[Task], count: int) -> Iterator[Training]:
    """So many trainings in which nothing is wrong."""
    rng = np.random.default_rng([seed, 0])
    for i in range(count):
        task = tasks[i % len(tasks)]
        layers = hidden(rng)
        if i % 7 == 3:
            layers.insert(1, Dropout(0.2))
        training = Training(task.name, compiled(task, layers, usual_optimizer(rng), seed + i), task.x, task.y, "")
        while not _learns(training):
            optimizer = usual_optimizer(rng)
            training = training._replace(model=compiled(task, hidden(rng), optimizer, seed + i))
        yield training


def _learns(training: Training) -> bool:
    """True if the loss falls by a tenth in 60 epochs, below that of a constant guess too.

    A net drawn at random may be none that should be called healthy.
    """
    model = copy.deepcopy(training.model)
    if isinstance(model, Sequential) and not model.built:
        model.build(training.x.shape[1:])
    x = training.x
    before = _loss(model, x, training.y)
    with np.errstate(all="ignore"):
        try:
            model.fit(x, training.y, epochs=60, verbose=0)
        except ArithmeticError:
            return False
    if training.y.ndim == 2:
        guess = float(training.y.var(axis=0).mean())
    else:
        shares = np.bincount(training.y) / len(training.y)
        guess = -float(sum(p * np.log(p) for p in shares if p))
    return _loss(model, x, training.y) < 0.9 * min(before, guess)


def _loss(model: Any, x: Any, y: np.ndarray) -> float:
    found = model.evaluate(x, y)
    return float(found["loss"] if isinstance(found, dict) else found)


# Nets of other kinds, each with the data that it is for: what makes them, of a generator, an optimizer and options of
# their first layer with weights.
Maker = Callable[[np.random.Generator, Any, dict[str, Any]], tuple[Any, np.ndarray, np.ndarray]]


def _compiled(layers: list[Any], optimizer: Any, loss: str, rng: np.random.Generator) -> Any:
    model = Sequential(layers, rng=int(rng.integers(1000)))
    model.compile(optimizer, loss)
    return model


def _images(rng: np.random.Generator, optimizer: Any, first: dict[str, Any]) -> tuple[Any, np.ndarray, np.ndarray]:
    x, y = load_digits(unit=True)
    layers = [Input((8, 8, 1)), Conv2D(8, 3, activation="relu", **first), MaxPooling2D(2), Flatten()]
    last = Dense(10, activation="softmax")
    return _compiled([*layers, last], optimizer, "sparse_categorical_crossentropy", rng), x[..., None], y


def _bars(rng: np.random.Generator, optimizer: Any, first: dict[str, Any]) -> tuple[Any, np.ndarray, np.ndarray]:
    """Upright and lying bars in larger pictures, under noise."""
    x, y = 0.3 * rng.normal(size=(400, 16, 16, 1)), rng.integers(0, 2, size=400)
    for picture, lies in zip(x, y, strict=True):
        at = int(rng.integers(2, 14))
        (picture if lies else picture.transpose(1, 0, 2))[at] += 1
    layers = [Conv2D(8, 3, activation="relu", **first), MaxPooling2D(2), Conv2D(16, 3, activation="relu"), Flatten()]
    return _compiled([*layers, Dense(1, activation="sigmoid")], optimizer, "binary_crossentropy", rng), x, y


def _recurrent(rng: np.random.Generator, optimizer: Any, first: dict[str, Any]) -> tuple[Any, np.ndarray, np.ndarray]:
    """Whether the sum of a series is above 0."""
    x = rng.normal(size=(300, 12, 2))
    y = (x[:, :, 0].sum(axis=1) > 0).astype(int)
    layer = [SimpleRNN, LSTM, GRU][rng.integers(3)](16, **{k: u for k, u in first.items() if "regularizer" in k})
    return _compiled([layer, Dense(1, activation="sigmoid")], optimizer, "binary_crossentropy", rng), x, y


def _words(rng: np.random.Generator, optimizer: Any, first: dict[str, Any]) -> tuple[Any, np.ndarray, np.ndarray]:
    """Whether more of the first ten of twenty words stand in a sentence."""
    x = rng.integers(0, 20, size=(400, 9))
    y = ((x < 10).sum(axis=1) > 4).astype(int)
    layers = [Embedding(20, 8), GlobalAveragePooling1D(), Dense(16, activation="relu", **first)]
    return _compiled([*layers, Dense(1, activation="sigmoid")], optimizer, "binary_crossentropy", rng), x, y


def _attending(rng: np.random.Generator, optimizer: Any, first: dict[str, Any]) -> tuple[Any, np.ndarray, np.ndarray]:
    """A block of a transformer: which of four kinds of vectors stands in a row of noise."""
    kinds, x, y = rng.normal(size=(4, 8)), 0.4 * rng.normal(size=(400, 6, 8)), rng.integers(0, 4, size=400)
    x[np.arange(400), rng.integers(0, 6, size=400)] += kinds[y]
    given = Input((6, 8))
    a = Dense(16, **first)(given)
    a = LayerNormalization()(a + MultiHeadAttention(2, 8)(a, a))
    a = LayerNormalization()(a + Dense(16)(Dense(32, activation="relu")(a)))
    output = Dense(4, activation="softmax")(GlobalAveragePooling1D()(a))
    model = Model(given, output, rng=int(rng.integers(1000)))
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model, x, y


def _two_inputs(rng: np.random.Generator, optimizer: Any, first: dict[str, Any]) -> tuple[Any, Any, np.ndarray]:
    """Two inputs, of which one goes around a layer."""
    x = [rng.normal(size=(300, 4)), rng.normal(size=(300, 3))]
    y = x[0][:, :1] * 0.7 - np.tanh(x[1][:, :1]) + 0.1 * rng.normal(size=(300, 1))
    one, other = Input((4,), name="one"), Input((3,), name="other")
    a = Dense(16, activation="relu", **first)(one) + Dense(16, activation="tanh")(other)
    model = Model([one, other], Dense(1)(a + Dense(16, activation="relu")(a)), rng=int(rng.integers(1000)))
    model.compile(optimizer, "mse")
    return model, x, y


def _autoencoder(rng: np.random.Generator, optimizer: Any, first: dict[str, Any]) -> tuple[Any, np.ndarray, np.ndarray]:
    x, _ = load_digits(flat=True, unit=True)
    layers = [Dense(32, activation="relu", **first), Dense(8, activation="relu"), Dense(32, activation="relu")]
    return _compiled([*layers, Dense(64, activation="sigmoid")], optimizer, "mse", rng), x, x


def _normalized(rng: np.random.Generator, optimizer: Any, first: dict[str, Any]) -> tuple[Any, np.ndarray, np.ndarray]:
    x = rng.normal(size=(400, 6))
    y = np.digitize(x[:, 0] * x[:, 1] + x[:, 2], [-0.7, 0.7])
    layers = [Dense(32, activation="relu", **first), BatchNormalization(), Dense(16, activation="relu"), Dropout(0.1)]
    last = Dense(3, activation="softmax")
    return _compiled([*layers, last], optimizer, "sparse_categorical_crossentropy", rng), x, y


def _of_values(rng: np.random.Generator, optimizer: Any, first: dict[str, Any]) -> tuple[Any, np.ndarray, np.ndarray]:
    x, y = circles(120, 0.05, rng=int(rng.integers(1000)))
    net = MLP(2, [8, 1], activation="tanh", output_activation="sigmoid", rng=int(rng.integers(1000)))
    net.compile(optimizer, "binary_crossentropy")
    return net, x, y


OTHERS: dict[str, Maker] = {
    "digits as images": _images,
    "bars as images": _bars,
    "a series": _recurrent,
    "words": _words,
    "attention": _attending,
    "two inputs": _two_inputs,
    "autoencoder": _autoencoder,
    "normalized": _normalized,
    "a net of Values": _of_values,
}


def other_healthy(seed: int) -> Iterator[Training]:
    """One training of each of the other kinds, in which nothing is wrong."""
    rng = np.random.default_rng([seed, 3])
    for name, make in OTHERS.items():
        for _ in range(10):
            training = Training(
                name, *make(rng, [Adam(0.01), Adam(0.003), SGD(0.1, momentum=0.9)][rng.integers(3)], {}), ""
            )
            if _learns(training):
                yield training
                break


def other_sick(seed: int) -> Iterator[Training]:
    """Ten trainings of the other kinds, in each of which one thing is wrong."""
    rng = np.random.default_rng([seed, 4])
    plants: list[tuple[str, Callable[[], Any], dict[str, Any]]] = [
        ("learning rate too large", lambda: [SGD(100.0), Adam(3.0)][rng.integers(2)], {}),
        ("learning rate too small", lambda: [SGD(1e-6), Adam(1e-7)][rng.integers(2)], {}),
        ("labels unrelated to inputs", lambda: Adam(0.003), {}),
        ("inputs not scaled", lambda: SGD(0.1), {}),
        ("dead units", lambda: Adam(0.003), {"bias_initializer": lambda shape, *, rng: np.full(shape, -40.0)}),
        ("equal units", lambda: SGD(0.1), {"kernel_initializer": "zeros"}),
        ("regularization too strong", lambda: Adam(0.01), {"kernel_regularizer": L2(50.0)}),
    ]
    fits = {
        "labels unrelated to inputs": ("digits as images", "normalized", "a series", "bars as images"),
        "inputs not scaled": ("digits as images", "bars as images", "two inputs"),
        "dead units": ("digits as images", "bars as images", "autoencoder", "words"),
        "equal units": ("autoencoder", "normalized", "words"),
        "regularization too strong": ("digits as images", "autoencoder", "a series"),
    }
    for illness, optimizer, options in (*plants, *plants[:3]):
        for _ in range(20):
            name = str(rng.choice(fits.get(illness, tuple(OTHERS))))
            model, x, y = OTHERS[name](rng, optimizer(), options)
            if illness == "labels unrelated to inputs":
                y = y[rng.permutation(len(y))]
            if illness == "inputs not scaled":
                x = [300 * u + 500 for u in x] if isinstance(x, list) else 300 * x + 500
            training = Training(name, model, x, y, illness)
            if not _learns(training):
                yield training
                break


# ---------------------------------------------------------------- illnesses


def _of_size(size: float) -> Callable[..., np.ndarray]:
    return lambda shape, *, rng: rng.normal(size=shape) * size


def _out_of_scale(task: Task, rng: np.random.Generator, seed: int) -> Training:
    spread = 10.0 ** rng.uniform(2, 4)
    x = task.x * spread + rng.uniform(-2, 2) * spread
    return Training(task.name, compiled(task, hidden(rng), SGD(0.1), seed), x, task.y, "inputs not scaled")


def _equal(task: Task, rng: np.random.Generator, seed: int) -> Training:
    start: Any = ["zeros", "ones", _of_size(0)][rng.integers(3)]
    layers = [Dense(int(rng.choice([8, 16, 32])), activation="tanh", kernel_initializer=start)]
    return Training(task.name, compiled(task, layers, usual_optimizer(rng), seed), task.x, task.y, "equal units")


def _fast(task: Task, rng: np.random.Generator, seed: int) -> Training:
    optimizer = [lambda: SGD(30.0), lambda: SGD(5.0, momentum=0.9), lambda: Adam(3.0)][rng.integers(3)]()
    layers = [Dense(int(rng.choice([16, 32])), activation="relu") for _ in range(2)]
    return Training(task.name, compiled(task, layers, optimizer, seed), task.x, task.y, "learning rate too large")


def _slow(task: Task, rng: np.random.Generator, seed: int) -> Training:
    optimizer = [lambda: SGD(1e-5), lambda: SGD(1e-6), lambda: Adam(1e-7)][rng.integers(3)]()
    layers = hidden(rng)
    return Training(task.name, compiled(task, layers, optimizer, seed), task.x, task.y, "learning rate too small")


def _dead(task: Task, rng: np.random.Generator, seed: int) -> Training:
    low = -float(rng.uniform(20, 60))
    start = lambda shape, *, rng: np.full(shape, low)  # noqa: E731
    layers = [Dense(int(rng.choice([16, 32])), activation="relu", bias_initializer=start)]
    return Training(task.name, compiled(task, layers, usual_optimizer(rng), seed), task.x, task.y, "dead units")


def _saturated(task: Task, rng: np.random.Generator, seed: int) -> Training:
    activation = str(rng.choice(["sigmoid", "tanh"]))
    layers = [
        Dense(16, activation=activation, kernel_initializer=_of_size(float(rng.uniform(40, 100)))),
        Dense(16, activation=activation, kernel_initializer=_of_size(float(rng.uniform(40, 100)))),
    ]
    return Training(task.name, compiled(task, layers, SGD(0.01), seed), task.x, task.y, "saturated units")


def _vanishing(task: Task, rng: np.random.Generator, seed: int) -> Training:
    layers = [Dense(16, activation="sigmoid") for _ in range(int(rng.integers(7, 11)))]
    return Training(task.name, compiled(task, layers, SGD(0.05), seed), task.x, task.y, "vanishing gradient")


def _shuffled(task: Task, rng: np.random.Generator, seed: int) -> Training:
    y = task.y[rng.permutation(len(task.y))]
    return Training(task.name, compiled(task, hidden(rng), Adam(0.003), seed), task.x, y, "labels unrelated to inputs")


def _out_of_reach(task: Task, rng: np.random.Generator, seed: int) -> Training:
    y = np.asarray(task.y, np.float64).reshape(len(task.y), -1)
    y = y * 4 - 2 if task.kind != "numbers" else y
    last = str(rng.choice(["sigmoid", "tanh", "relu"]))
    model = Sequential([*hidden(rng), Dense(y.shape[1], activation=last)], rng=seed)
    model.compile(usual_optimizer(rng), "mse")
    return Training(f"{task.name}, {last}", model, task.x, y, "targets out of reach")


def _large_targets(task: Task, rng: np.random.Generator, seed: int) -> Training:
    y = np.asarray(task.y, np.float64).reshape(len(task.y), -1) * 10.0 ** rng.uniform(4, 6)
    numbers = task._replace(y=y, kind="numbers")
    return Training(task.name, compiled(numbers, hidden(rng), Adam(0.001), seed), task.x, y, "targets not scaled")


def _penalized(task: Task, rng: np.random.Generator, seed: int) -> Training:
    layers = hidden(rng, kernel_regularizer=L2(float(10.0 ** rng.uniform(1, 2))))
    return Training(task.name, compiled(task, layers, Adam(0.01), seed), task.x, task.y, "regularization too strong")


def _softmax_twice(task: Task, rng: np.random.Generator, seed: int) -> Training:
    classes = int(np.max(task.y)) + 1
    model = Sequential([*hidden(rng), Dense(classes, activation="softmax"), Activation("softmax")], rng=seed)
    model.compile(usual_optimizer(rng), "sparse_categorical_crossentropy")
    return Training(task.name, model, task.x, task.y, "softmax of probabilities")


def _all_pairs(task: Task, rng: np.random.Generator, seed: int) -> Training:
    model = Sequential([*hidden(rng), Dense(1)], rng=seed)
    model.compile(usual_optimizer(rng), lambda true, predicted: ((true[:, 0] - predicted) ** 2).mean())
    y = np.asarray(task.y, np.float64).reshape(len(task.y), -1)[:, :1]
    return Training(task.name, model, task.x, y, "loss of all pairs of samples")


# What a net can live with; equal units are parted by rounding, of which adaptive optimizers make much.
HINTS = (
    "equal units",
    "inputs not scaled",
    "targets not scaled",
    "learning rate too small",
    "dead units",
    "saturated units",
    "vanishing gradient",
    "regularization too strong",
)


# How often each is planted, and what it needs of a task.
ILLNESSES: list[tuple[int, Callable[..., Training], tuple[str, ...]]] = [
    (3, _out_of_scale, ("classes", "sides")),
    (3, _equal, ("classes", "sides", "numbers")),
    (4, _fast, ("classes", "sides", "numbers")),
    (4, _slow, ("classes", "sides", "numbers")),
    (2, _dead, ("classes", "sides", "numbers")),
    (2, _saturated, ("sides", "classes")),
    (2, _vanishing, ("sides", "numbers")),
    (2, _shuffled, ("classes", "sides")),
    (2, _out_of_reach, ("sides", "numbers")),
    (2, _large_targets, ("numbers",)),
    (2, _penalized, ("classes", "sides")),
    (1, _softmax_twice, ("classes",)),
    (1, _all_pairs, ("sides", "numbers")),
]


def sick(seed: int, tasks: list[Task]) -> Iterator[Training]:
    """Thirty trainings, in each of which one thing is wrong."""
    rng = np.random.default_rng([seed, 1])
    # where chance alone keeps a net from learning, the illness cannot be told
    plain = [
        t for t in tasks if t.name not in ("a line under noise", "parity of 4 bits", "one product among 12 features")
    ]
    for times, plant, kinds in ILLNESSES:
        fitting = [task for task in plain if task.kind in kinds]
        for i in (
            rng.permutation(len(fitting))[:times] if times <= len(fitting) else rng.integers(len(fitting), size=times)
        ):
            training = plant(fitting[i], rng, int(rng.integers(1000)))
            for _ in range(20):
                if training.illness not in HINTS or not _learns(training):
                    break
                training = plant(fitting[rng.integers(len(fitting))], rng, int(rng.integers(1000)))
            yield training


# ---------------------------------------------------------------- the table


class Look(NamedTuple):
    """One look at a training, and how long it took."""

    training: Training
    when: str
    found: Any
    seconds: float
    learns: bool

    @property
    def verdict(self) -> str:
        """For a healthy net "silent", "note" or "FALSE"; for a sick one "first", "learns", "later" or "MISSED"."""
        illness, found = self.training.illness, self.found
        kinds = [f.kind for f in found.findings]
        if not illness:
            return "FALSE" if not found else "note" if kinds else "silent"
        alarms = [f.kind for f in (*found.faults, *found.hints)]
        if alarms and kinds[0] == illness:
            return "first"
        if self.learns and illness in HINTS:
            return "learns"
        return "later" if illness in kinds else "MISSED"


def looks(trainings: Iterator[Training], epochs: int) -> Iterator[Look]:
    """Each training before it and after so many epochs."""
    for training in trainings:
        learns = not training.illness
        for when in ("before", "after"):
            if when == "after":
                with contextlib.suppress(ArithmeticError):  # it stops at a loss that is not finite
                    training.model.fit(training.x, training.y, epochs=epochs, verbose=0)
                learns = learns or _learns(training)
            start = time.thread_time()
            found = nn.diagnose(training.model, training.x, training.y)
            yield Look(training, when, found, time.thread_time() - start, learns)


def table(found: list[Look]) -> str:
    """What was found, a line for each kind of training that was planted, then what went wrong."""
    lines = [
        "| planted | looks | silent or first | learns all the same | later | missed or false | CPU seconds, at most |",
        "|---|---|---|---|---|---|---|",
    ]
    for illness in dict.fromkeys(look.training.illness for look in found):
        these = [look for look in found if look.training.illness == illness]
        verdicts = [look.verdict for look in these]
        counts = [
            sum(v in group for v in verdicts)
            for group in (("silent", "first"), ("note", "learns"), ("later",), ("MISSED", "FALSE"))
        ]
        slowest = max(look.seconds for look in these)
        lines.append(f"| {illness or 'nothing'} | {len(these)} | {' | '.join(map(str, counts))} | {slowest:.2f} |")
    for look in found:
        if look.verdict in ("later", "MISSED", "FALSE"):
            kinds = ", ".join(f"{f.level}: {f.kind}" for f in look.found.findings) or "nothing"
            lines.append(
                f"{look.verdict}: {look.training.illness or 'healthy'} in {look.training.name!r}, {look.when}: {kinds}"
            )
    return "\n".join(lines)


def main() -> None:
    """Draw the trainings, look at them, print."""
    parser = argparse.ArgumentParser(description="healthy and sick trainings, and what nn.diagnose says of them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--others", action="store_true", help="nets of other kinds too")
    parser.add_argument("--made", action="store_true", help="without the data of scikit-learn")
    options = parser.parse_args()
    tasks = made_tasks(np.random.default_rng([options.seed, 2]))
    others: list[Training] = []
    if not options.made:
        real, raw = real_tasks()
        tasks += real
        for name, unscaled, _ in raw:
            kind = "classes" if int(np.max(unscaled[1])) > 1 else "sides"
            task = Task(name, *unscaled, kind)
            layers = [Dense(16, activation="relu")]
            others.append(
                Training(name, compiled(task, layers, SGD(0.1), options.seed), *unscaled, "inputs not scaled")
            )
    extra = list(other_healthy(options.seed)) if options.others else []
    more = other_sick(options.seed) if options.others else others
    found = list(looks(iter([*healthy(options.seed, tasks, 30 - len(extra)), *extra]), options.epochs))
    found += looks(itertools.chain(sick(options.seed, tasks), more), options.epochs)
    print(f"seed {options.seed}, {options.epochs} epochs")
    print(table(found))


if __name__ == "__main__":
    main()
