"""A convolutional net reads handwritten digits, and shows what is special about it: one weight, many places.

It learns from scikit-learn's 1,797 digits of 8 x 8 pixels, or from the MNIST files of a folder; a fifth is held out.
In each epoch every digit is moved a little, so that the net does not learn where it stands.

    python examples/programs/cnn_digits.py
    python examples/programs/cnn_digits.py --data folder --pictures folder
"""

import argparse
from pathlib import Path

import numpy as np

from autograd import derive, unroll
from nn import Adam, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D, Sequential
from nn.data import batches, train_test_split
from nn.datasets.digits import load_digits
from nn.datasets.mnist import load_mnist
from nn.schedules import CosineDecay
from viz import draw_network, plot_images, plot_weights


def load_data(folder, seed):
    """Images (n, side, side, 1) in [0, 1] with their digits; a fifth is held out."""
    parts = None if folder is None else load_mnist(folder, unit=True)
    images, digits = load_digits(unit=True) if parts is None else parts.train or parts.test
    return train_test_split(images[..., None].astype(np.float32), digits, 0.2, rng=seed, stratify=digits)


class Shifted:
    """The images in batches, each moved by up to `most` pixels; each `for` over it is one epoch."""

    def __init__(self, x, y, most, batch_size, rng):
        self.most, self.rng, self.batches = most, rng, batches(x, y, batch_size, rng=rng)

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        frame = [(0, 0), (self.most, self.most), (self.most, self.most), (0, 0)]
        for x, y in self.batches:
            n, height, width, _ = x.shape
            down, right = self.rng.integers(0, 2 * self.most + 1, (2, n, 1, 1))
            rows, columns = down + np.arange(height)[:, None], right + np.arange(width)
            yield np.pad(x, frame)[np.arange(n)[:, None, None], rows, columns], y


def make_net(side, steps, seed):
    """Two layers of windows, the largest number of each 2 x 2, and a dense layer; large images are halved twice."""
    options = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    window, halved = (3, []) if side < 20 else (5, [MaxPooling2D()])
    seen = [Conv2D(16, window, **options), *halved, Conv2D(32, window, **options), MaxPooling2D(), Dropout(0.2)]
    read = Flatten(), Dense(64, "relu", kernel_initializer="he_normal"), Dense(10, "softmax")
    model = Sequential([Input((side, side, 1)), *seen, *read], rng=seed)
    model.compile(Adam(CosineDecay(0.003, steps)), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def show_sharing():
    """An image of 4 x 4 under a window of 2 x 2: a path from each of its nine places leads to one weight."""
    net = Sequential([Input((4, 4, 1)), Conv2D(1, 2, activation="tanh"), Flatten(), Dense(1)], dtype="float64", rng=1)
    net.compile("sgd", "mse")
    loss, window = unroll(net.loss_of(np.arange(16.0).reshape(1, 4, 4, 1) / 16, [[1.0]]), net["W[1]"])
    loss.backward()
    paths = derive(loss, window[0][0][0][0], top=2)
    print(f"\nOne weight on an image of 4 x 4: {paths.count} paths, one for each place where it lies.\n\n{paths}")


def draw(folder, model, image):
    """The net, its first windows, and what each of them sees in an image."""
    folder.mkdir(parents=True, exist_ok=True)
    draw_network(model).save(folder / "net.png")
    plot_weights(model, columns=8).flat[0].figure.savefig(folder / "windows.png")
    plot_images(model.layers[0](image[None]).numpy(), columns=8).flat[0].figure.savefig(folder / "maps.png")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder with MNIST's files")
    parser.add_argument("--epochs", type=int, help="otherwise 20 for small images, 8 for large ones")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=Path, help="a folder to draw the net, its windows and what they see in")
    options = parser.parse_args(argv)
    x_train, x_test, y_train, y_test = load_data(options.data, options.seed)
    side = x_train.shape[1]
    epochs, most, size = (options.epochs or 20, 1, 16) if side < 20 else (options.epochs or 8, 2, 32)
    data = Shifted(x_train, y_train, most, size, np.random.default_rng(options.seed))
    model = make_net(side, epochs * len(data), options.seed)
    model.summary()
    model.fit(data, epochs=epochs, validation_data=(x_test, y_test), verbose=2)
    show_sharing()
    if options.pictures is not None:
        draw(options.pictures, model, x_test[0])
    print(f"\nHeld out: {model.evaluate(x_test, y_test)[1]:.2%} of {len(x_test):,} read correctly.")


if __name__ == "__main__":
    main()
