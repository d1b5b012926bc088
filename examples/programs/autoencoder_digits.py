"""An autoencoder brings handwritten digits through two numbers and back, and draws the plane of these numbers.

Nobody tells it which digit is which; yet digits of a kind come to lie together. The digits are scikit-learn's 1,797, or
those of the MNIST files of a folder; a fifth is held out.

    python examples/programs/autoencoder_digits.py
    python examples/programs/autoencoder_digits.py --data folder --code 8
"""

import argparse
from pathlib import Path

import numpy as np

from autograd import derive
from nn import Adam, Dense, Input, Model, Sequential
from nn.data import train_test_split
from nn.datasets.digits import load_digits
from nn.datasets.mnist import load_mnist
from nn.schedules import CosineDecay


def load_data(folder, seed):
    """Rows of pixels in [0, 1] with their digits; a fifth is held out."""
    parts = None if folder is None else load_mnist(folder, flat=True, unit=True)
    samples = load_digits(flat=True, unit=True) if parts is None else parts.train or parts.test
    return train_test_split(samples.x, samples.y, 0.2, rng=seed, stratify=samples.y)


def make_nets(pixels, code, steps, seed):
    """Encoder, decoder, and both in a row: the three share their weights."""
    encoder = Sequential([Input((pixels,)), Dense(64, "elu"), Dense(32, "elu"), Dense(code)], name="encoder", rng=seed)
    back = [Input((code,)), Dense(32, "elu"), Dense(64, "elu"), Dense(pixels, "sigmoid")]
    decoder = Sequential(back, name="decoder", rng=seed + 1)
    image = Input((pixels,))
    whole = Model(image, decoder(encoder(image)), rng=seed)
    whole.compile(Adam(CosineDecay(0.005, steps)), "mse")
    return encoder, decoder, whole


def principal(x_train, x_test, code):
    """What the best straight map gives back, and its numbers."""
    mean = x_train.mean(axis=0)
    axes = np.linalg.svd(x_train - mean, full_matrices=False)[2][:code]
    codes = (x_test - mean) @ axes.T
    return mean + codes @ axes, codes


def neighbours(codes, digits, k=5):
    """The share of samples whose digit is that of most of the k nearest others."""
    distance = ((codes[:, None] - codes) ** 2).sum(axis=-1)
    np.fill_diagonal(distance, np.inf)
    near = digits[np.argsort(distance, axis=1)[:, :k]]
    votes = np.apply_along_axis(np.bincount, 1, near, minlength=10)
    return np.mean(votes.argmax(axis=1) == digits)


def show_plane(codes, digits, width=76, height=30):
    """Every held-out digit where its (first) two numbers put it."""
    low, high = codes[:, :2].min(axis=0), codes[:, :2].max(axis=0)
    places = np.rint((codes[:, :2] - low) / (high - low) * (width - 1, height - 1)).astype(int)
    plane = np.full((height, width), " ")
    for (column, row), digit in zip(places, digits, strict=True):
        plane[height - 1 - row, column] = str(digit)
    print("\n".join("".join(line).rstrip() for line in plane))


def show_images(images):
    side = round(images.shape[1] ** 0.5)
    for line in images.reshape(len(images), side, side).transpose(1, 0, 2):
        print("  ".join("".join(" .:*#"[min(4, int(5 * p))] * 2 for p in image) for image in line).rstrip())


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder with MNIST's files")
    parser.add_argument("--code", type=int, default=2, help="how many numbers an image is brought through")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    x_train, x_test, _, digits = load_data(options.data, options.seed)
    encoder, _, whole = make_nets(x_train.shape[1], options.code, options.epochs * -(-len(x_train) // 32), options.seed)
    whole.summary()
    whole.fit(x_train, x_train, epochs=options.epochs, verbose=2)

    print("\nThe error goes back through the decoder into the code, and through it into the encoder:\n")
    print(derive(whole.loss_of(x_test[:8], x_test[:8]), encoder["W[3]"]).text())
    codes, back = encoder.predict(x_test), whole.predict(x_test)
    straight = principal(x_train, x_test, options.code)
    print("Two held-out digits, what comes back, and what the best straight map gives back:\n")
    show_images(np.concatenate([x_test[:2], back[:2], straight[0][:2]]))
    show_plane(codes, digits)
    for name, images, plane in (("autoencoder", back, codes), ("principal axes", *straight)):
        error = np.mean((images - x_test) ** 2)
        print(f"{name:15} error {error:.4f}, {neighbours(plane, digits):.1%} lie among digits of their kind")


if __name__ == "__main__":
    main()
