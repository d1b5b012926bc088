"""
11. Which cost is it?
=====================

Lecture 003 prints a cost, 1/(2m) Σ(ŷ − y)², and goes down by dZ2 = A2 − Y.
Lesson 2 knows that delta: it belongs to the cross-entropy. The five lectures
have five losses. Whose gradient is A − Y?
"""

import matplotlib.pyplot as plt
import numpy as np

from autograd import Tensor, cross_entropy, relu, softmax
from nn.data import one_hot
from nn.datasets import load_digits

images, digits = load_digits(flat=True, unit=True)
X, Y = images.T, one_hot(digits, 10).T
m = X.shape[1]

costs = {
    "000, 002 cross-entropy": lambda A: cross_entropy(A, Y, samples="columns"),
    "001 ½ Σ": lambda A: ((A - Y) ** 2).sum() / 2,
    "003 1/(2m) Σ": lambda A: ((A - Y) ** 2).sum() / (2 * m),
    "004 mean of Σ": lambda A: ((A - Y) ** 2).sum() / m,
    "Keras' mse": lambda A: ((A - Y) ** 2).mean(),
}


# %%
# The program's net with its first weights, recorded for each of the costs.
# Its own dW2 beside it: how many times as long is it as the gradient, and at
# what angle does it point?


def program_and_graph(seed, cost):
    rng = np.random.default_rng(seed)
    W1, b1 = rng.random((10, 64)) - 0.5, rng.random((10, 1)) - 0.5
    W2, b2 = rng.random((10, 10)) - 0.5, rng.random((10, 1)) - 0.5
    A1, W2 = relu(W1 @ X + b1), Tensor(W2)
    A2 = softmax(W2 @ A1 + b2, samples="columns")
    cost(A2).backward()
    return (A2.data - Y) @ A1.T / m, W2.grad


def compare(program, true):
    lengths = np.linalg.norm(program), np.linalg.norm(true)
    cosine = np.sum(program * true) / (lengths[0] * lengths[1])
    return lengths[0] / lengths[1], np.degrees(np.arccos(min(cosine, 1.0)))


found = {
    name: compare(*program_and_graph(0, cost)) for name, cost in costs.items()
}
for name, (times, angle) in found.items():
    print(f"{name:22} {times:8.3g} times as long, {angle:4.1f}° off")

# %%
# One of the five fits. A factor alone, such as m or 2, only asks for another
# learning rate; an angle asks for another way down.

figure, panel = plt.subplots(figsize=(7, 2.5), layout="constrained")
panel.barh(list(found), [angle for _, angle in found.values()])
panel.invert_yaxis()
panel.set_xlabel("degrees between dW2 of the program and the gradient")

# %%
# Other first weights, the printed cost: never near.

pairs = [
    compare(*program_and_graph(s, costs["003 1/(2m) Σ"])) for s in range(5)
]
for each, unit in zip(
    np.array(pairs).T, ("times too long", "degrees off"), strict=True
):
    print(f"five seeds: {each.min():.0f} to {each.max():.0f} {unit}")
