"""
3. The perceptron learns a line
===============================

Lecture 002 ("Regression with perceptron") derives three updates by hand,
w ← w − α(−x(y − ŷ)) for each weight and b ← b − α(−(y − ŷ)). Here the
recorded graph finds the same three numbers, and then the loop runs.
"""

import numpy as np

from autograd import check_work
from nn import Perceptron
from viz import plot_history

# %%
# One sample, x = (1, 2) with y = 1.5, and a neuron that knows nothing yet.

neuron = Perceptron(2, task="regression", rng=0)
neuron.neuron.set_weights([0.0, 0.0], 0.0)
x, y = [1.0, 2.0], 1.5
L = neuron.loss(x, y)
L.backward()
error = y - neuron(x).data
by_hand = [-x[0] * error, -x[1] * error, -error]
for weight, formula in zip(neuron.parameters(), by_hand, strict=True):
    print(f"∂L/∂{weight.label:4} {weight.grad:5.2f}   by hand {formula:5.2f}")

# %%
# Now the loop of the lecture: predict, compare, update. Each update shrinks
# the error by the factor 1 − α(x₁² + x₂² + 1) = 1 − 0.05 · 6 = 0.7, and the
# loss by 0.7² = 0.49.

rate, losses = 0.05, []
for _ in range(20):
    L = neuron.loss(x, y)
    losses.append(L.data)
    for weight in neuron.parameters():
        weight.grad = 0.0
    L.backward()
    for weight in neuron.parameters():
        weight.data -= rate * weight.grad
print(f"loss of prediction 1: {losses[0]:.4g}, of 20: {losses[-1]:.4g}")
factor = losses[1] / losses[0]
print(f"from one to the next times {factor:.2f}, the error {factor**0.5:.1f}")

# %%
# Many weights give one sample its 1.5. Nine samples decide: they lie on the
# plane y = 2x₁ − x₂ + 0.5, which is what a line is with two inputs. `fit` is
# the same loop over all samples, until no weight moves any more.

grid = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)])
targets = 2 * grid[:, 0] - grid[:, 1] + 0.5
learned = neuron.fit(grid, targets, learning_rate=0.1)
print("w =", *(f"{w.data:.3f}" for w in neuron.w), f" b = {neuron.b.data:.3f}")
print("converged:", learned.converged)

# %%
plot_history(learned)

# %%
# **Your turn.** The learned neuron sees x = (2, −1) and 3 is wanted. By what
# would one step change each number? First the derivatives; mind the sign.

L = neuron.loss([2.0, -1.0], 3.0)
print(check_work(L, {"dL/dw_1": -5.0, "dL/dw_2": 2.5, "dL/db": -2.5}))
