"""
14. What each example wants
===========================

Lecture 004 goes through backpropagation for one image, which "wishes to
nudge" the weights its way, then for all others, and averages the wishes.
Here are two weights, 24 examples, and an arrow for each.
"""

import matplotlib.pyplot as plt
import numpy as np

from autograd import binary_cross_entropy, check_work
from nn import Dense, Sequential, per_sample_gradients
from nn.datasets import moons

x, y = moons(24, rng=0)
model = Sequential(
    [Dense(1, "sigmoid", use_bias=False, input_shape=(2,))], rng=0
)
model.compile("sgd", loss="binary_crossentropy")

# %%
# A nudge is a step against the gradient. Each example has its own.

(gradients,) = per_sample_gradients(model, x, y)
nudges = -gradients.reshape(24, 2)
mean = nudges.mean(axis=0)

plt.figure(figsize=(5, 4.5))
for nudge, label in zip(nudges, y, strict=True):
    plt.arrow(0, 0, *nudge, color=f"C{label}", head_width=0.03)
plt.arrow(0, 0, *mean, color="black", width=0.02, label="their mean")
plt.axis("equal")
plt.xlabel("nudge of w₁")
plt.ylabel("nudge of w₂")
plt.legend()

# %%
# They want different things, and much of it cancels: the mean is short. It is
# the step that gradient descent takes, the negative gradient of the mean
# loss, in direction and in length. (With the *sum* of the losses it would be
# 24 times as long: "proportional to the gradient" is always true, "is the
# gradient" depends on how the loss is averaged.)

J = binary_cross_entropy(model(x), y.reshape(-1, 1))
J.backward()
lengths = np.linalg.norm(nudges, axis=1)
print(f"nudges are {lengths.min():.2f} to {lengths.max():.2f} long")
print(f"their mean: ({mean[0]:.4f}, {mean[1]:.4f})")
print("gradient of the mean loss:", model.layers[0].weight.grad.round(4))

# %%
# A mini-batch asks some of them only. What it answers points roughly the same
# way, and costs less. Six batches of four:

order = np.random.default_rng(0).permutation(24).reshape(6, 4)
for batch in order:
    part = nudges[batch].mean(axis=0)
    cosine = part @ mean / np.linalg.norm(part) / np.linalg.norm(mean)
    print(f"{np.degrees(np.arccos(cosine)):5.1f}° from the mean of all")

# %%
# **Your turn.** The gradient of the mean loss, from those of the examples:

print(check_work(J, {"dW[1]": gradients.sum(axis=0)}))
