"""
22. micrograd's moons
=====================

The last lesson goes back to where many have met backpropagation: Andrej
Karpathy's micrograd (2020), an engine of single numbers, and its demo, a net
of 337 of them that parts two moons. The loop is the demo's; the engine is
this one.
"""

import numpy as np

from autograd import Value, check_work, relu, vectorize
from nn import MLP
from nn.datasets import moons
from viz import plot_decision_boundary

x, labels = moons(100, 0.1, rng=0)
y = 2 * labels - 1  # −1 and 1, as a margin wants them
net = MLP(2, [16, 16, 1], "relu", rng=0)
print(f"{len(net.parameters())} numbers to learn")

# %%
# The loss of a point: nothing if it lies on its side of the border with a
# margin of 1, else how much is missing. It is written for one point, number
# by number. `vectorize` finds the matrices in it and runs all hundred.


@vectorize
def hinge(x, y):
    return relu(1 - y * net(x))


def right():
    return np.mean((np.array([net(p).data for p in x]) > 0) == (labels == 1))


# %%
# A hundred steps, the first large and the last small. The weights are kept
# small too: their squares count a little in the loss.

for step in range(100):
    loss = hinge.mean(x, y) + 1e-4 * sum(p * p for p in net.parameters())
    if step in (0, 10, 99):
        print(f"step {step:2}: loss {loss.data:.3f}, right {right():.2f}")
    for p in net.parameters():
        p.grad = 0.0
    loss.backward()
    for p in net.parameters():
        p.data -= (1 - 0.9 * step / 100) * p.grad

# %%
print(f"right after training: {right():.2f}")

# %%
plot_decision_boundary(net, x, labels)

# %%
# **Your turn.** A point x = 2.5 of class −1, a score w·x, and its hinge loss
# with w = 0.2. Mind the signs:

w = Value(0.2, "w")
print(check_work(relu(1 - -1 * (w * 2.5)), {"dL/dw": "-2.50000"}))
