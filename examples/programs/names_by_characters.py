"""A recurrent net learns names from a file, one name a line, character by character, and makes up others.

What it has learned is measured in nats a character on names that it has not seen, beside what counting pairs of
characters gives.

    python examples/programs/names_by_characters.py names.txt
"""

import argparse
import time
from pathlib import Path

import numpy as np

from nn import Adam, Dense, Embedding, Input, Sequential, SimpleRNN
from nn.data import train_test_split
from nn.losses import SparseCategoricalCrossentropy
from nn.schedules import CosineDecay

END = 0  # stands before a name and behind it


def read_names(path):
    """The names in small letters, each once, and their characters in order."""
    names = sorted({line.strip().lower() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()})
    if len(names) < 20:
        raise ValueError(f"{path}: expected at least 20 names, one a line; got {len(names)}")
    return names, sorted(set("".join(names)))


def as_arrays(names, characters):
    """What is read at each step, and what comes next; -1 behind the end of a name."""
    longest = max(map(len, names)) + 1
    read, following = np.zeros((len(names), longest), int), np.full((len(names), longest), -1)
    for row, name in enumerate(names):
        numbers = [characters.index(c) + 1 for c in name]
        read[row, 1 : len(name) + 1] = numbers
        following[row, : len(name) + 1] = [*numbers, END]
    return read, following


def pairs(train, test, characters):
    """Nats a character of a model that counts which character follows which, with one of each to begin with."""
    counts = np.ones((characters + 1, characters + 1))
    for read, following in zip(*train, strict=True):
        np.add.at(counts, (read[following >= 0], following[following >= 0]), 1)
    p = counts / counts.sum(axis=1, keepdims=True)
    read, following = test
    return -np.log(p[read[following >= 0], following[following >= 0]]).mean()


def make_net(longest, characters, steps, seed):
    """Characters as vectors, 64 recurrent units, and the probabilities of the next character at each step."""
    layers = [Embedding(characters + 1, 16), SimpleRNN(64, return_sequences=True), Dense(characters + 1, "softmax")]
    model = Sequential([Input((longest,)), *layers], rng=seed)
    model.compile(Adam(CosineDecay(0.005, steps), clipnorm=1.0), SparseCategoricalCrossentropy(ignore_class=-1))
    return model


def make_up(model, characters, longest, count, rng):
    """New names, each character drawn with the probability that the net gives it."""
    read = np.zeros((count, longest), int)
    for step in range(longest - 1):
        p = model.predict(read)[:, step].astype(float).cumsum(axis=1)
        drawn = (rng.random((count, 1)) * p[:, -1:] > p).sum(axis=1)
        read[:, step + 1] = np.where((step > 0) & (read[:, step] == END), END, drawn)
    return ["".join(characters[i - 1] for i in row if i != END) for row in read]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="a text file with one name a line")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    names, characters = read_names(options.file)
    read, following = as_arrays(names, characters)
    x_train, x_test, y_train, y_test = train_test_split(read, following, 0.1, rng=options.seed)
    longest = read.shape[1]
    model = make_net(longest, len(characters), options.epochs * -(-len(x_train) // 32), options.seed)
    model.summary()
    start = time.perf_counter()
    model.fit(x_train, y_train, epochs=options.epochs, validation_data=(x_test, y_test), verbose=2)
    seconds = time.perf_counter() - start
    made = make_up(model, characters, longest, 15, np.random.default_rng(options.seed))
    print(f"\nMade up: {', '.join(name for name in made if name)}")
    counted = pairs((x_train, y_train), (x_test, y_test), len(characters))
    p = model.predict(x_test)[np.arange(len(x_test))[:, None], np.arange(longest), y_test][y_test >= 0]
    print(f"\nHeld out: {-np.log(p).mean():.3f} nats a character, counted pairs {counted:.3f}, after {seconds:.0f} s.")


if __name__ == "__main__":
    main()
