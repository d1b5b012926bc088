"""
21. An operation of your own
============================

The lectures' tables of activations end somewhere. Yours need not. An
operation is a function with its local derivative written on it; everything
else, gradient, formula, picture and matrices, comes from these two lines.
"""

import numpy as np

from autograd import Value, check_gradients, check_work, derive
from autograd.op import elementwise
from nn import MLP, SGD
from viz import plot_activation, plot_decision_boundary

# %%
# A bell, e^(−x²). Its derivative is −2x e^(−x²), that is −2x times the
# result, which the rule gets as z.


@elementwise(lambda z, x: -2 * x * z)
def bell(x):
    return np.exp(-x * x)


plot_activation(bell)

# %%
# The rule is ordinary arithmetic. On a number it gives a number, on symbols
# a formula:

x = Value(0.5, "x")
a = bell(x)
a.label = "a"
a.backward()
print(derive(a, x))

# %%
# Is it right? `check_gradients` nudges the numbers and compares. A wrong rule
# is found at once. Here somebody forgot the 2:


@elementwise(lambda z, x: -x * z)
def wrong(x):
    return np.exp(-x * x)


check_gradients(bell, [0.5])
try:
    check_gradients(wrong, [0.5])
except AssertionError as found:
    print(found)

# %%
# What is it good for? No single neuron with a sigmoid can tell xor: its
# border is one straight line. A bell is high on a strip, so one neuron can.

corners, xor = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
neuron = MLP.from_weights([[[0.5, 1.0]]], [[-0.5]], output_activation=bell)
neuron.compile(SGD(0.5), loss="mse")
neuron.fit(corners, xor, epochs=1000, batch_size=4, verbose=0)
for corner, wanted in zip(corners, xor, strict=True):
    print(corner, f"wanted {wanted}, {neuron(corner).data:.2f}")

# %%
plot_decision_boundary(neuron, np.array(corners), np.array(xor))

# %%
# **Your turn.** A neuron with a bell, z = w·3 with w = 0.25. What are the
# derivatives by z and by w?

w = Value(0.25, "w")
z = 3 * w
z.label = "z"
print(check_work(bell(z), {"dL/dz": 0.8547, "dL/dw": 2.564}))
