"""Two nets against each other: a generator makes digits of noise, a discriminator tells them from real ones.

Each has its own loss, and each step moves one of the two. The real digits are scikit-learn's, 8 x 8 pixels. The
distance of what is made to them is Fréchet's, of two normal distributions with their means and covariances.

    python examples/programs/gan_digits.py --pictures folder
"""

import argparse
from pathlib import Path

import numpy as np

from autograd import derive
from nn import Adam, Dense, Dropout, Input, Model, Sequential
from nn.datasets.digits import load_digits
from nn.schedules import CosineDecay
from viz import draw_network, plot_images

NOISE, BATCH = 16, 64


def make_nets(pixels, rounds, seed):
    """Generator, discriminator, and the generator followed by the discriminator that is not to move."""
    made = [Input((NOISE,)), Dense(128, "relu"), Dense(128, "relu"), Dense(pixels, "sigmoid")]
    generator = Sequential(made, name="generator", rng=seed)
    judged = [Input((pixels,)), Dense(256, "leaky_relu"), Dropout(0.4), Dense(64, "leaky_relu"), Dense(1, "sigmoid")]
    discriminator = Sequential(judged, name="discriminator", rng=seed + 1)
    rate = CosineDecay(0.002, 4 * rounds // 3)
    discriminator.compile(Adam(rate, beta_1=0.5), "binary_crossentropy")
    discriminator.trainable = False  # what is compiled already trains it; what is compiled from here on does not
    noise = Input((NOISE,))
    adversary = Model(noise, discriminator(generator(noise)), rng=seed + 2)
    adversary.compile(Adam(rate, beta_1=0.5), "binary_crossentropy")
    return generator, discriminator, adversary


def train(nets, real, rounds, rng):
    """In each round a step of the discriminator, on as many real as made digits, and one of the generator."""
    generator, discriminator, adversary = nets
    ones, zeros = np.full((BATCH, 1), 0.9), np.zeros((BATCH, 1))  # 0.9: never quite sure, so that slopes stay
    for i in range(rounds):
        made = generator.predict(rng.normal(size=(BATCH, NOISE)))
        both = np.concatenate([real[rng.integers(0, len(real), BATCH)], made])
        judged = discriminator.train_on_batch(both, np.concatenate([ones, zeros]))
        fooled = adversary.train_on_batch(rng.normal(size=(BATCH, NOISE)), np.ones((BATCH, 1)))
        if (i + 1) % (rounds // 5) == 0:
            far = distance(real, generator.predict(rng.normal(size=(2000, NOISE))))
            print(f"round {i + 1:5}   discriminator {judged:.3f}   generator {fooled:.3f}   distance {far:.2f}")


def distance(real, made):
    """|m - n|² + trace(A + B - 2 √(√A B √A)), of means m, n and covariances A, B."""
    a, b = np.cov(real.T), np.cov(made.T)
    root = square_root(a)
    mean = ((real.mean(axis=0) - made.mean(axis=0)) ** 2).sum()
    return float(mean + np.trace(a + b - 2 * square_root(root @ b @ root)))


def square_root(matrix):
    """The root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


def classes(real, digits, made):
    """The digit of the nearest real image, for each that was made."""
    squares = (made**2).sum(axis=1)[:, None] - 2 * made @ real.T + (real**2).sum(axis=1)
    return digits[squares.argmin(axis=1)]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=Path, help="a folder to draw the nets and what they made in")
    options = parser.parse_args(argv)
    real, digits = load_digits(flat=True, unit=True)
    rng = np.random.default_rng(options.seed)
    generator, discriminator, adversary = nets = make_nets(real.shape[1], options.rounds, options.seed)
    train(nets, real, options.rounds, rng)
    noise, one = rng.normal(size=(4, NOISE)), np.ones((4, 1))
    print("\nThe discriminator's loss moves its own weights:\n")
    print(derive(discriminator.loss_of(generator.predict(noise), 0 * one), discriminator["W[6]"]).text())
    print("\nThe generator's loss goes through the discriminator, which stays, into what was made:\n")
    print(derive(adversary.loss_of(noise, one), generator["W[3]"]).text())
    made = generator.predict(rng.normal(size=(2000, NOISE)))
    if options.pictures is not None:
        options.pictures.mkdir(parents=True, exist_ok=True)
        draw_network(adversary).save(options.pictures / "adversary.png")
        plot_images(made[:40].reshape(-1, 8, 8), columns=8).flat[0].figure.savefig(options.pictures / "made.png")
    shares = np.bincount(classes(real, digits, made), minlength=10) / len(made)
    print("share of each digit  " + "  ".join(f"{digit}: {share:.0%}" for digit, share in enumerate(shares)))
    half = real[rng.permutation(len(real))]
    print(f"distance {distance(real, made):.2f}; of two halves of the real ones {distance(half[::2], half[1::2]):.2f}")


if __name__ == "__main__":
    main()
