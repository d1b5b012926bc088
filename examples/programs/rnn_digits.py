"""A recurrent net reads handwritten digits row by row, and remembers: a simple one, or one with a memory (LSTM).

It learns from scikit-learn's 1,797 digits, 8 rows of 8 pixels, or from the MNIST files of a folder, 28 rows of 28; a
fifth is held out.

    python examples/programs/rnn_digits.py
    python examples/programs/rnn_digits.py --net lstm --data folder --pictures folder
"""

import argparse
from pathlib import Path

from autograd import derive, unroll
from nn import LSTM, Adam, Dense, Input, Sequential, SimpleRNN
from nn.data import train_test_split
from nn.datasets.digits import load_digits
from nn.datasets.mnist import load_mnist
from nn.schedules import CosineDecay
from viz import draw_network, plot_images

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
    """The state after each row, and what the net would answer then: of a net that shares its weights and gives all."""
    recurrent, last = model.layers
    everything = type(recurrent)(recurrent.units, return_sequences=True)
    steps = Sequential([Input(image.shape), everything], dtype=model.dtype)
    steps.set_weights(recurrent.get_weights())
    states = steps.predict(image[None])[0]
    return states, last(states).numpy()


def draw(folder, model, images):
    """The net, and digits beside what the 64 units hold after each of their rows."""
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    draw_network(model).save(folder / "net.png")
    figure = plt.figure(figsize=(8, 1.6 * len(images)), layout="constrained")
    for image, (left, right) in zip(images, figure.subplots(len(images), 2, width_ratios=[1, 5]), strict=True):
        plot_images(image[None], ax=left)
        plot_images(reading(model, image)[0][None], ax=right)
    figure.savefig(folder / "states.png")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", choices=NETS, default="simple")
    parser.add_argument("--data", type=Path, help="a folder with MNIST's files")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=Path, help="a folder to draw the net and its states in")
    options = parser.parse_args(argv)
    x_train, x_test, y_train, y_test = load_data(options.data, options.seed)
    steps = options.epochs * -(-len(x_train) // 32)
    model = make_net(options.net, x_train.shape[1:], steps, options.seed)
    model.summary()
    model.fit(x_train, y_train, batch_size=32, epochs=options.epochs, validation_data=(x_test, y_test), verbose=2)
    show_time()
    print(f"\nA {y_test[0]}, and what the net takes it for after each row:")
    for row, p in zip(x_test[0], reading(model, x_test[0])[1], strict=True):
        line = "".join(" .:*#"[min(4, int(5 * pixel))] * 2 for pixel in row)
        print(f"{line}   {p.argmax()} ({p.max():.0%})")
    if options.pictures is not None:
        draw(options.pictures, model, [x_test[y_test == digit][0] for digit in range(4)])
    print(f"\nHeld out: {model.evaluate(x_test, y_test)[1]:.2%} of {len(x_test):,} read correctly.")


if __name__ == "__main__":
    main()
