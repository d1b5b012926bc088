"""An autoencoder brings handwritten digits through two numbers and back, and shows the plane of these numbers.

Nobody tells it which digit is which; yet digits of a kind come to lie together. The digits are scikit-learn's 1,797, or
those of the MNIST files of a folder; a fifth is held out.

    python examples/programs/autoencoder_digits.py
    python examples/programs/autoencoder_digits.py --pictures folder
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
from viz import draw_network, plot_images, plot_latent


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


def draw(folder, model, rows, codes, digits):
    """The net, images above what comes back of them, and every held-out digit where its two numbers put it."""
    folder.mkdir(parents=True, exist_ok=True)
    side = round(rows["held out"].shape[1] ** 0.5)
    images = [x[:8].clip(0, 1).reshape(-1, side, side) for x in rows.values()]
    draw_network(model).save(folder / "autoencoder.png")
    plot_images(images, rows=list(rows)).flat[0].figure.savefig(folder / "images.png")
    plot_latent(codes, digits).figure.savefig(folder / "plane.png")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder with MNIST's files")
    parser.add_argument("--code", type=int, default=2, help="how many numbers an image is brought through")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=Path, help="a folder to draw the net, images and the plane of codes in")
    options = parser.parse_args(argv)
    x_train, x_test, _, digits = load_data(options.data, options.seed)
    encoder, _, whole = make_nets(x_train.shape[1], options.code, options.epochs * -(-len(x_train) // 32), options.seed)
    whole.summary()
    whole.fit(x_train, x_train, epochs=options.epochs, verbose=2)

    print("\nThe error goes back through the decoder into the code, and through it into the encoder:\n")
    print(derive(whole.loss_of(x_test[:8], x_test[:8]), encoder["W[3]"]).text())
    codes, back = encoder.predict(x_test), whole.predict(x_test)
    straight = principal(x_train, x_test, options.code)
    if options.pictures is not None:
        draw(options.pictures, whole, {"held out": x_test, "back": back, "straight": straight[0]}, codes, digits)
    for name, images, plane in (("autoencoder", back, codes), ("principal axes", *straight)):
        error = np.mean((images - x_test) ** 2)
        print(f"{name:15} error {error:.4f}, {neighbours(plane, digits):.1%} lie among digits of their kind")


if __name__ == "__main__":
    main()
