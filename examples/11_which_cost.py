"""
11. Which cost is it?
=====================

Lecture 003 prints a cost, 1/(2m) Σ(ŷ − y)², and goes down by dZ2 = A2 − Y.
Lesson 2 knows that delta: it belongs to the cross-entropy. The five lectures
have five losses. Whose gradient is A − Y?
"""

import matplotlib.pyplot as plt
import numpy as np

from autograd import Tensor, check_work, cross_entropy, relu, softmax
from nn.data import one_hot
from nn.datasets import load_digits

images, digits = load_digits(flat=True, unit=True)
X, Y, m = images.T, one_hot(digits, 10).T, len(digits)

costs = {
    "000, 002 cross-entropy": lambda A: cross_entropy(A, Y, samples="columns"),
    "001 ½ Σ": lambda A: ((A - Y) ** 2).sum() / 2,
    "003 1/(2m) Σ": lambda A: ((A - Y) ** 2).sum() / (2 * m),
    "004 mean of Σ": lambda A: ((A - Y) ** 2).sum() / m,
    "Keras' mse": lambda A: ((A - Y) ** 2).mean(),
}


# %%
# The program's net with its first weights. Its own dW2 beside the gradient of
# each cost: how many times as long is it, and at what angle does it point?


def compare(seed, cost):
    rng = np.random.default_rng(seed)
    W1, b1 = rng.random((10, 64)) - 0.5, rng.random((10, 1)) - 0.5
    W2, b2 = rng.random((10, 10)) - 0.5, rng.random((10, 1)) - 0.5
    A1, W2 = relu(W1 @ X + b1), Tensor(W2)
    A2 = softmax(W2 @ A1 + b2, samples="columns")
    cost(A2).backward()
    dW2 = (A2.data - Y) @ A1.T / m
    own, length = np.linalg.norm(dW2), np.linalg.norm(W2.grad)
    cosine = min(np.sum(dW2 * W2.grad) / (own * length), 1.0)
    return own / length, np.degrees(np.arccos(cosine))


found = {name: compare(0, cost) for name, cost in costs.items()}
for name, (times, angle) in found.items():
    print(f"{name:22} {times:8.3g} times as long, {angle:4.1f}° off")

# %%
# One fits. A factor alone only asks for another learning rate; an angle asks
# for another way down.

plt.figure(figsize=(7, 2.5), layout="constrained")
plt.barh(list(found), [angle for _, angle in found.values()])
plt.gca().invert_yaxis()
plt.xlabel("degrees between dW2 of the program and the gradient")

# %%
# Other first weights, the printed cost: never near.

pairs = [compare(seed, costs["003 1/(2m) Σ"]) for seed in range(5)]
for values, unit in zip(np.transpose(pairs), ("times", "degrees"), strict=True):
    print(f"five seeds: {min(values):.0f} to {max(values):.0f} {unit}")

# %%
# **Your turn.** Find dZ for the printed cost, with two samples. (Each z moves
# all outputs of its column, which add up to 1.) The program's try:

Z, T = Tensor([[1.0, 0.5], [0.0, 2.0], [0.5, 1.0]], "Z"), np.eye(3)[:, :2]
A = softmax(Z, samples="columns")
A.label = "A"
print(check_work(((A - T) ** 2).sum() / 4, {"dZ": (A.data - T) / 2}))
