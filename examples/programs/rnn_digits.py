"""A recurrent net reads handwritten digits row by row, and remembers: a simple one, or one with a memory (LSTM).

It learns from scikit-learn's 1,797 digits, 8 rows of 8 pixels, or from the MNIST files of a folder, 28 rows of 28; a
fifth is held out.

    python examples/programs/rnn_digits.py
    python examples/programs/rnn_digits.py --net lstm --data folder
"""

import argparse
import time
from pathlib import Path

from autograd import derive, unroll
from nn import LSTM, Adam, Dense, Input, Sequential, SimpleRNN
from nn.data import train_test_split
from nn.datasets.digits import load_digits
from nn.datasets.mnist import load_mnist
from nn.schedules import CosineDecay

NETS = {"simple": SimpleRNN, "lstm": LSTM}


def load_data(folder, seed):
    """Images (n, rows, pixels) in [0, 1] with their digits; a fifth is held out."""
    parts = None if folder is None else load_mnist(folder, unit=True)
    samples = load_digits(unit=True) if parts is None else parts.train or parts.test
    return train_test_split(samples.x, samples.y, 0.2, rng=seed, stratify=samples.y)


def make_net(kind, shape, steps, seed):
    """The rows one after another into 64 units, whose last state is read by a softmax."""
    model = Sequential([Input(shape), NETS[kind](64), Dense(10, "softmax")], rng=seed)
    rate = CosineDecay(0.01 if kind == "lstm" else 0.004, steps)
    model.compile(Adam(rate, clipnorm=1.0), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def show_time():
    """Three steps of a small net: the gradient of the recurrent weights has a share from each of them."""
    net = Sequential([Input((3, 2)), SimpleRNN(1), Dense(1)], dtype="float64", rng=0)
    net.compile("sgd", "mse")
    loss = net.loss_of([[[1.0, 0.5], [-0.5, 1.0], [0.25, -1.0]]], [[1.0]])
    print("\nBackpropagation through time, in matrices:\n")
    print(derive(loss, net["W[1]_h"]).text())
    loss, weights = unroll(loss, net["W[1]_h"])
    loss.backward()
    print("\nThe same number by number: a path for each step back in time.\n")
    print(derive(loss, weights[0][0]))


def reading(model, image):
    """What the net would answer after each row, from a net that shares its weights and gives all steps."""
    recurrent, last = model.layers
    everything = type(recurrent)(recurrent.units, return_sequences=True)
    steps = Sequential([Input(image.shape), everything], dtype=model.dtype)
    steps.set_weights(recurrent.get_weights())
    return last(steps.predict(image[None])[0]).numpy()


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", choices=NETS, default="simple")
    parser.add_argument("--data", type=Path, help="a folder with MNIST's files")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    x_train, x_test, y_train, y_test = load_data(options.data, options.seed)
    steps = options.epochs * -(-len(x_train) // 32)
    model = make_net(options.net, x_train.shape[1:], steps, options.seed)
    model.summary()
    start = time.perf_counter()
    model.fit(x_train, y_train, batch_size=32, epochs=options.epochs, validation_data=(x_test, y_test), verbose=2)
    seconds = time.perf_counter() - start
    show_time()
    print(f"\nA {y_test[0]}, and what the net takes it for after each row:")
    for row, p in zip(x_test[0], reading(model, x_test[0]), strict=True):
        line = "".join(" .:*#"[min(4, int(5 * pixel))] * 2 for pixel in row)
        print(f"{line}   {p.argmax()} ({p.max():.0%})")
    right = model.evaluate(x_test, y_test)[1]
    print(f"\nHeld out: {right:.2%} of {len(x_test):,} read correctly, after {seconds:.0f} s of training.")


if __name__ == "__main__":
    main()
