"""
4. Activations and their slopes
===============================

Lecture 001 ("Activation functions") lists sigmoid, tanh, relu and leaky
relu, and says which of them let a gradient vanish. What a gradient meets on
its way back is not the curve but its slope: the dashed lines.
"""

from autograd import (
    Value,
    check_work,
    derive,
    grad,
    leaky_relu,
    relu,
    sigmoid,
    squared_error,
    tanh,
)
from viz import plot_activation

plot_activation([sigmoid, tanh, relu, leaky_relu])

# %%
# The sigmoid's slope is σ(z)(1 − σ(z)): at most a quarter, and next to
# nothing a few units away. The slopes of five such layers leave 0.25⁵ of a
# gradient at most, about a thousandth. This is how gradients vanish.

slope = grad(sigmoid)
print(f"σ′(0) = {slope(0.0):.4g}, σ′(5) = {slope(5.0):.2g}")
print(f"0.25⁵ = {slope(0.0) ** 5:.2g}")

# %%
# tanh is a stretched sigmoid, tanh z = 2σ(2z) − 1, four times as steep. For
# large z it goes to 1 or −1 (lecture 001 prints "1 or 0", which is true of
# the sigmoid).

print(f"tanh′(0) = {grad(tanh)(0.0):.4g}, tanh(5) = {tanh(5.0):.4f}")
print(f"tanh(−5) = {tanh(-5.0):.4f}")

# %%
# relu lets a gradient pass whole or not at all. A unit whose z is negative
# for every sample gets no gradient and never moves again: it is dead. Leaky
# relu keeps a hundredth.

for z in (-2.0, 2.0):
    print(f"z = {z:2.0f}: relu′ = {grad(relu)(z):.4g},", end=" ")
    print(f"leaky relu′ = {grad(leaky_relu)(z):.4g}")

# %%
# At 0 both have a corner, with one slope on the left and another on the
# right. A derivative there is a choice, not a fact. Here it is 0 for relu
# and 0.01 for leaky relu, as in PyTorch; lecture 001 chooses 1.

print(f"at 0: relu′ = {grad(relu)(0.0):.4g},", end=" ")
print(f"leaky relu′ = {grad(leaky_relu)(0.0):.4g}")

# %%
# A slope is written once, on its function, in ordinary arithmetic. So it can
# be read as a formula too. That of tanh uses the result a, not z:

z = Value(0.5, "z")
a = tanh(z)
a.label = "a"
a.backward()
derive(a, z)

# %%
# **Your turn.** A unit with tanh and z = 0.5 is to say 1. How does the loss
# change with a, and how with z? Somebody has used the wrong letter:

L = squared_error(a, 1.0)
print(check_work(L, {"dL/da": -0.5379, "dL/dz": -0.4034}))
