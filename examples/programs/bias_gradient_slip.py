"""A slip in much-copied NumPy code: the gradient of the biases summed over everything.

The code of lecture 003 (inputs - 10 relu - 10 softmax, all images at once, columns are samples) has

    dZ2 = A2 - Y                      # (10, m)
    db2 = 1 / m * np.sum(dZ2)         # one number for all ten biases

where the derivation gives a number for each unit, the sum over the samples: np.sum(dZ2, axis=1).
A column of A2 adds up to 1, and so does one of Y. So this db2 is 0 whatever the net does, but for
rounding: the output biases never move. And b1 moves by the same amount in all hidden units. dW1 and
dW2 are right, and the weights make up for much of it, so that the slip does not show in the accuracy.

    python examples/programs/bias_gradient_slip.py
"""

import argparse

import numpy as np

from autograd import Tensor, relu, softmax_cross_entropy
from nn.data import one_hot, train_test_split
from nn.datasets.digits import load_digits


def start(rng, inputs):
    """W1, b1, W2, b2 as the lecture starts them: uniform in ±0.5."""
    return [rng.random(shape) - 0.5 for shape in ((10, inputs), (10, 1), (10, 10), (10, 1))]


def forward(W1, b1, W2, b2, X):
    """Z1, A1, A2 of a net whose input has a column for each sample."""
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2 @ A1 + b2
    e = np.exp(Z2 - Z2.max(axis=0))  # the lecture has exp(Z2), which overflows from 710 on
    return Z1, A1, e / e.sum(axis=0)


def backward(weights, X, Y, *, slip):
    """dW1, db1, dW2, db2 as in the lecture; `slip` says which of the two sums."""
    _, _, W2, _ = weights
    Z1, A1, A2 = forward(*weights, X)
    m = X.shape[1]
    over_samples = {} if slip else {"axis": 1, "keepdims": True}
    dZ2 = A2 - Y
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    return [g / m for g in (dZ1 @ X.T, np.sum(dZ1, **over_samples), dZ2 @ A1.T, np.sum(dZ2, **over_samples))]


def recorded(weights, X, digits):
    """The same four gradients from a recorded graph, which knows no derivation."""
    W1, b1, W2, b2 = (Tensor(w) for w in weights)
    logits = W2 @ relu(W1 @ X + b1) + b2
    softmax_cross_entropy(logits, digits, samples="columns").backward()
    return [w.grad for w in (W1, b1, W2, b2)]


def train(weights, X, Y, rate, steps, *, slip):
    """The weights after so many steps on all samples at once."""
    for _ in range(steps):
        weights = [w - rate * g for w, g in zip(weights, backward(weights, X, Y, slip=slip), strict=True)]
    return weights


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--learning-rate", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    try:
        images, digits = load_digits(flat=True, unit=True)
    except ImportError as error:
        raise SystemExit(str(error)) from None
    x_train, x_test, y_train, y_test = train_test_split(images, digits, 0.2, rng=options.seed, stratify=digits)
    X, Y = x_train.T, one_hot(y_train, 10).T
    weights = start(np.random.default_rng(options.seed), len(X))

    graph = recorded(weights, X, y_train)
    right, slip = (backward(weights, X, Y, slip=slip) for slip in (False, True))
    print("              recorded graph    sum over samples    sum over everything")
    for name, place in (("db[2]", 3), ("db[1]", 1)):
        for unit in range(10):
            shown = (float(graph[place][unit, 0]), float(right[place][unit, 0]), float(slip[place]))
            print(f"{name} unit {unit + 1:<2} {shown[0]:15.6f} {shown[1]:19.6f} {shown[2]:22.6f}")
    print(f"\nThe last column of db[2] with all its digits: {slip[3]:.1e}. dW[1] and dW[2] are equal in both.\n")

    for slip in (False, True):
        trained = train(weights, X, Y, options.learning_rate, options.steps, slip=slip)
        accuracy = np.mean(forward(*trained, x_test.T)[2].argmax(axis=0) == y_test)
        moved = np.abs(trained[3] - weights[3]).max()
        name = "everything" if slip else "samples"
        print(f"{options.steps} steps, sum over {name:10}  held out {accuracy:.1%}, b[2] moved by at most {moved:.1e}")


if __name__ == "__main__":
    main()
