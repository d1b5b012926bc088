"""A small GPT of Values, written number by number in the manner of teaching code."""

import itertools
import random

from autograd import Value

WIDTH, HEADS, POSITIONS, TOKENS = 8, 2, 8, 11


def new_weights(seed=0):
    rng = random.Random(seed)

    def matrix(rows, columns):
        return [[Value(rng.gauss(0, 0.3)) for _ in range(columns)] for _ in range(rows)]

    weights = {"E": matrix(TOKENS, WIDTH), "P": matrix(POSITIONS, WIDTH), "U": matrix(TOKENS, WIDTH)}
    weights |= {name: matrix(WIDTH, WIDTH) for name in ("Q", "K", "V", "O")}
    return weights | {"F": matrix(2 * WIDTH, WIDTH), "G": matrix(WIDTH, 2 * WIDTH)}


def linear(x, w):
    return [sum(wi * xi for wi, xi in zip(row, x, strict=True)) for row in w]


def softmax(logits):
    largest = max(v.data for v in logits)
    e = [(v - largest).exp() for v in logits]
    total = sum(e)
    return [u / total for u in e]


def normalised(x):
    scale = (sum(u * u for u in x) / len(x) + 1e-5) ** -0.5
    return [u * scale for u in x]


def loss_of(weights, tokens):
    """The mean of -log of what is predicted for each next token; attention looks at what came before."""
    keys, values, losses = [], [], []
    size = WIDTH // HEADS
    for place, (token, following) in enumerate(itertools.pairwise(tokens)):
        x = normalised([a + b for a, b in zip(weights["E"][token], weights["P"][place], strict=True)])
        before, x = x, normalised(x)
        q = linear(x, weights["Q"])
        keys.append(linear(x, weights["K"]))
        values.append(linear(x, weights["V"]))
        heads = []
        for h in range(0, WIDTH, size):
            scores = [sum(q[h + j] * k[h + j] for j in range(size)) / size**0.5 for k in keys]
            shares = softmax(scores)
            heads += [sum(a * v[h + j] for a, v in zip(shares, values, strict=True)) for j in range(size)]
        x = [a + b for a, b in zip(linear(heads, weights["O"]), before, strict=True)]
        hidden = [u.relu() for u in linear(normalised(x), weights["F"])]
        x = [a + b for a, b in zip(linear(hidden, weights["G"]), x, strict=True)]
        losses.append(-softmax(linear(x, weights["U"]))[following].log())
    return sum(losses) / len(losses)


def all_of(weights):
    """Every parameter."""
    return [p for matrix in weights.values() for row in matrix for p in row]
