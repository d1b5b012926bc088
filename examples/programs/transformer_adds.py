"""A transformer learns to add: it reads "47+85=" and writes the sum, last digit first, "231".

It is shown some of all sums of two numbers below 100, and is asked for others. Its attention says what it looks at.

    python examples/programs/transformer_adds.py --pictures folder
"""

import argparse
from pathlib import Path

import numpy as np

from autograd import derive
from nn import Adam, Dense, Embedding, Flatten, Input, LayerNormalization, Model, MultiHeadAttention, losses, schedules
from viz import draw_network, plot_attention

SIGNS, STEPS, WIDTH = "0123456789+=", 8, 32  # "47+85=" and the first two digits of the answer are read


def write(a, b):
    """The signs of a + b = answer as numbers, the answer backwards."""
    return [SIGNS.index(c) for c in f"{a:02}+{b:02}={f'{a + b:03}'[::-1]}"]


def make_data(rng):
    """All sums in random order: what is read, and what comes next at each step (-1 for what is given)."""
    lines = np.array([write(a, b) for a in range(100) for b in range(100)])[rng.permutation(10_000)]
    return lines[:, :-1], np.where(np.arange(STEPS) < STEPS - 3, -1, lines[:, 1:])


def make_net(steps, seed):
    """Signs and places as vectors, two blocks of attention and a dense layer, each added to what came in."""
    inputs = signs, places = Input((STEPS,), name="signs"), Input((STEPS,), name="places")
    h = Embedding(len(SIGNS), WIDTH)(signs) + Embedding(STEPS, WIDTH)(places)
    for _ in range(2):
        n = LayerNormalization()(h)
        h = h + MultiHeadAttention(4, WIDTH // 4)(n, n, use_causal_mask=True)
        h = h + Dense(WIDTH)(Dense(4 * WIDTH, "relu")(LayerNormalization()(h)))
    model = Model(inputs, Dense(len(SIGNS), "softmax")(LayerNormalization()(h)), rng=seed)
    adam = Adam(schedules.CosineDecay(0.004, steps), clipnorm=1.0)
    model.compile(adam, losses.SparseCategoricalCrossentropy(ignore_class=-1), ["accuracy"])
    return model, Model(inputs, n)  # and what the last attention is given, of the same layers


def with_places(signs):
    return [signs, np.broadcast_to(np.arange(STEPS), signs.shape)]


def answers(model, questions):
    """The sums that the net writes, one sign after another, each the most probable."""
    signs = np.pad(questions, ((0, 0), (0, 3)))
    for i in range(STEPS - 3, STEPS):
        signs[:, i + 1] = model.predict(with_places(signs[:, :-1]))[:, i].argmax(axis=-1)
    return signs[:, -3:]


def show_attention(model, given, line, folder):
    """What each head of the last attention looks at most, behind each of the last three signs; or all, as a picture."""
    attention = model.get_layer("multi_head_attention_1")
    looks = attention.attention_scores(given.predict(with_places(line)), use_causal_mask=True)[0]
    signs = [SIGNS[i] for i in line[0]]
    for step in range(STEPS - 3, STEPS):
        seen = [f"{signs[p.argmax()]!r} at {p.argmax()} ({p.max():.0%})" for p in looks[:, step]]
        print(f"in {''.join(signs[: step + 1]):8} the heads look at {', '.join(seen)}")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        draw_network(model).save(folder / "net.png")
        plot_attention(looks, signs).flat[0].figure.savefig(folder / "attention.png")


def show_derivation():
    x = Input((3, 2))
    net = Model(x, Dense(1)(Flatten()(MultiHeadAttention(1, 2, use_bias=False)(x, x))), dtype="float64", rng=0)
    net.compile("sgd", "mse")
    loss = net.loss_of([[[1.0, 0.5], [-0.5, 1.0], [0.25, -1.0]]], [[1.0]])
    print(f"\nThe gradient of a head, from its output back to its questions:\n\n{derive(loss, net['W[1]_Q']).text()}")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=Path, help="a folder to draw the net and its attention in")
    options = parser.parse_args(argv)
    x, y = make_data(np.random.default_rng(options.seed))
    model, given = make_net(options.epochs * 141, options.seed)
    model.summary()
    model.fit(with_places(x[:9000]), y[:9000], batch_size=64, epochs=options.epochs, verbose=2)
    show_derivation()
    written = answers(model, x[9000:, : STEPS - 2])
    right = (written == y[9000:, -3:]).all(axis=1)
    for line, answer in zip(x[9000:9003], written[:3], strict=True):
        print("".join(SIGNS[i] for i in (*line[: STEPS - 2], *answer[::-1])))
    show_attention(model, given, x[9000:9001], options.pictures)
    print(f"\nHeld out: {right.mean():.2%} of {len(right):,} sums are right.")


if __name__ == "__main__":
    main()
