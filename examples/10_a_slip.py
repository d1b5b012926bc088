"""
10. A slip found by its gradient
================================

The program of lecture 003 reads digits, and it learns. Still, two of its
lines sum over everything where they should sum over the samples. Nothing
complains: NumPy stretches one number to ten biases. What does the gradient
say?
"""

import matplotlib.pyplot as plt
import numpy as np

from autograd import Tensor, check_work, cross_entropy, relu, softmax
from nn.data import one_hot
from nn.datasets import load_digits

images, digits = load_digits(flat=True, unit=True)
m = 200
X, Y = images[:m].T, one_hot(digits[:m], 10).T  # a column for each image
rng = np.random.default_rng(0)
W1, b1 = rng.random((10, 64)) - 0.5, rng.random((10, 1)) - 0.5
W2, b2 = rng.random((10, 10)) - 0.5, rng.random((10, 1)) - 0.5

# %%
# The lecture's forward and backward pass, line by line:

Z1 = W1.dot(X) + b1
A1 = np.maximum(Z1, 0)
Z2 = W2.dot(A1) + b2
A2 = np.exp(Z2) / np.exp(Z2).sum(axis=0)
dZ2 = A2 - Y
dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
db2 = 1 / m * np.sum(dZ2)
db1 = 1 / m * np.sum(dZ1)
print("shape of db2:", db2.shape, " of b2:", b2.shape)

# %%
# The same forward pass, recorded. Its backward pass is not written by hand.

names = ("W[1]", "b[1]", "W[2]", "b[2]")
weights = [Tensor(*pair) for pair in zip((W1, b1, W2, b2), names, strict=True)]
logits = weights[2] @ relu(weights[0] @ X + weights[1]) + weights[3]
logits.label = "Z[2]"
J = cross_entropy(softmax(logits, samples="columns"), Y, samples="columns")
J.backward()
true1, true2 = weights[1].grad.ravel(), weights[3].grad.ravel()

figure, panels = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for panel, true, slip, name in (
    (panels[0], true2, db2, "db[2]"),
    (panels[1], true1, db1, "db[1]"),
):
    panel.bar(range(10), true, label="sum over the samples")
    panel.axhline(slip, color="C1", label="sum over everything")
    panel.set_title(name)
    panel.legend()

# %%
# db[2] is 0 in place of ten numbers, and always will be: outputs and targets
# of a sample both add up to 1, so A − Y adds up to 0. b[2] never moves. That
# the net learns all the same is why nobody notices.

print("db[2]", *(f"{g:.3f}" for g in true2))
print("summed over everything: below 1e-12:", abs(db2) < 1e-12)
print(f"db[1] reaches from {true1.min():.3f} to {true1.max():.3f}")
print(f"summed over everything: {db1:.4f}, ten times")

# %%
# **Your turn.** Repair the two lines and hand them in again. (`np.sum` takes
# an axis, and keeps it with `keepdims=True`.)

print(check_work(J, {"dZ[2]": dZ2, "db[2]": db2, "db[1]": db1}))
