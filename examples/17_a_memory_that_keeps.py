"""
17. A memory that keeps
=======================

The recurrent net of lecture 002 forgets: a path through many steps is a
product of many small slopes (lesson 16). The cell of an LSTM (Hochreiter and
Schmidhuber, 1997) has a path on which nothing is squashed, c ← f c + i g.
Going back a step costs one factor f, and the net may learn an f near 1.
"""

import matplotlib.pyplot as plt

from autograd import Value, check_work, derive, sigmoid, tanh
from viz import draw_graph

# %%
# Three steps of a cell. The forget gate f = σ(b_f) says how much is kept; what
# comes in is g = tanh(u x), as much of it as is given up, 1 − f.

b, u = Value(1.0, "b_f"), Value(0.8, "u")
f = sigmoid(b)
f.label = "f"


def read(c, numbers, f):
    for t, x in enumerate(numbers, 1):
        g = tanh(u * x)
        g.label = f"g_{t}"
        c = f * c + (1 - f) * g
        c.label = f"c_{t}"
    return c


c = read(Value(1.0, "c_0"), (0.5, -1.0, 0.3), f)
c.backward()
draw_graph(c, highlight=["c_0"], level="named")

# %%
# From c₀ to c₃ there is one path, and every factor on it is f.

print(derive(c, "c_0"))

# %%
# What is left of the first step after twelve, for gates of three biases.
# The net of lesson 16 kept a ten-thousandth.


def kept(bias, steps):
    start = Value(1.0, "c_0")
    gate = sigmoid(Value(bias, "b_f"))
    return derive(read(start, [0.1] * steps, gate), start).value


biases, steps = (0.0, 1.0, 3.0), range(1, 13)
for bias in biases:
    print(f"b_f = {bias:.0f}: after 12 steps {kept(bias, 12):.3g} is left")

# %%
# With b_f = 0 the gate is half closed and the cell forgets almost as fast. So
# a forget gate begins with a bias of 1, as in ``nn.LSTM``.

for bias in biases:
    left = [kept(bias, n) for n in steps]
    plt.semilogy(steps, left, label=f"b_f = {bias:.0f}")
plt.xlabel("steps back")
plt.ylabel("∂c/∂c₀")
plt.legend()

# %%
# **Your turn.** How c₃ changes with u, which is used at every step. Somebody
# left a step out:

print(check_work(c, {"dc_3/du": 0.1377005}))
