"""The programs of lectures 000, 002 and 003 as they stand there: Z = W A + b, samples in columns.

Each is written down once, with Tensors for the weights. The graph then gives the gradients that the lectures
derive by hand, and `derive` prints the derivation: dZ2 = A2 - Y, dW2 = (1/m) dZ2 A1ᵀ, db2 = (1/m) Σ dZ2.

    python examples/programs/lectures_in_columns.py
    python examples/programs/lectures_in_columns.py --steps 300
"""

import argparse

import numpy as np

from autograd import Tensor, binary_cross_entropy, cross_entropy, derive, relu, sigmoid, softmax


def parameters(rng, *sizes):
    """W1, b1, W2, b2 ...: uniform in ±0.5, as lecture 003 starts them."""
    pairs = zip(sizes[1:], sizes[:-1], strict=True)
    return [
        Tensor(rng.random(shape) - 0.5, f"{letter}{layer}")
        for layer, (units, inputs) in enumerate(pairs, 1)
        for letter, shape in (("W", (units, inputs)), ("b", (units, 1)))
    ]


def forward(weights, X, activations):
    """Z[l] = W[l] A[l-1] + b[l] and A[l] = g(Z[l]), named; the last A."""
    A = X
    layers = zip(weights[::2], weights[1::2], activations, strict=True)
    for layer, (W, b, g) in enumerate(layers, 1):
        Z = W.dot(A) + b
        Z.label = f"Z{layer}"
        A = g(Z)
        A.label = f"A{layer}"
    return A


def over_units(Z):
    """Softmax as in lecture 003: a column, the units of one sample, adds up to 1."""
    return softmax(Z, samples="columns")


def points(rng, m):
    """Two features of m samples in columns, and which quadrant they lie in: (2, m) and (4, m)."""
    X = rng.normal(size=(2, m))
    quadrant = 2 * (X[0] > 0) + (X[1] > 0)
    return X, np.eye(4)[quadrant].T


LECTURES = {
    "000": ([2, 4, 1], [sigmoid, sigmoid], binary_cross_entropy),  # two layers, yes or no
    "002": ([2, 6, 6, 1], [relu, relu, sigmoid], binary_cross_entropy),  # three layers, yes or no
    "003": ([2, 10, 4], [relu, over_units], cross_entropy),  # ten hidden units, several classes
}


def cost(lecture, weights, X, Y):
    """The lecture's J of its net: for yes or no, whether the first two classes it is; else which class."""
    _, activations, loss = LECTURES[lecture]
    target = Y if loss is cross_entropy else Y[:2].sum(axis=0, keepdims=True)
    J = loss(forward(weights, X, activations), target, samples="columns")
    J.label = "J"
    return J


def train(lecture, weights, X, Y, rate, steps):
    """Gradient descent on all samples at once, as in the lectures; the cost before and after."""
    first = cost(lecture, weights, X, Y).item()
    for _ in range(steps):
        for w in weights:
            w.grad = None
        cost(lecture, weights, X, Y).backward()
        for w in weights:
            w.data -= rate * w.grad
    return first, cost(lecture, weights, X, Y).item()


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--learning-rate", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    rng = np.random.default_rng(options.seed)
    X, Y = points(rng, 200)
    for lecture, (sizes, _, _) in LECTURES.items():
        weights = parameters(rng, *sizes)
        print(f"Lecture {lecture}, {'-'.join(map(str, sizes))}\n")
        print(derive(cost(lecture, weights, X, Y), weights[0]))
        before, after = train(lecture, weights, X, Y, options.learning_rate, options.steps)
        print(f"\nJ before {before:.4f}, after {options.steps} steps {after:.4f}\n")


if __name__ == "__main__":
    main()
