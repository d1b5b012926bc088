"""
2. Two losses, and where σ′ goes
================================

Lecture 000 writes dZ = A − Y for the last layer, and the final equations
of lecture 002 have no slope of the sigmoid either. Lecture 001 keeps it:
ỹ − y times σ(1 − σ). All are right: they have different losses.
"""

import matplotlib.pyplot as plt
import numpy as np

from autograd import (
    Value,
    binary_cross_entropy,
    check_work,
    derive,
    grad,
    sigmoid,
    squared_error,
)

# %%
# A neuron that is sure and wrong: it says 0.05 where 1 is wanted. The loss
# is the cross-entropy −y log ŷ − (1 − y) log(1 − ŷ) of lecture 002.

w, x, b = Value(-3.0, "w"), Value(1.0, "x"), Value(0.1, "b")
y = Value(1.0, "y")
z = w * x + b
z.label = "z"
yhat = sigmoid(z)
yhat.label = "yhat"
L = binary_cross_entropy(yhat, y)
L.label = "L"
L.backward()
print(derive(L, w))

# %%
# The first factor has ŷ(1 − ŷ) below the line, the second has it above. They
# cancel, and what is left is the error times the input.

print(f"{w.grad:.6g} = {(yhat.data - y.data) * x.data:.6g}")

# %%
# With the squared error nothing cancels. The slope of the sigmoid is 0.05
# here, and this neuron hardly learns although it is badly wrong.

derive(squared_error(yhat, y), w)

# %%
# A loss is convex if its second derivative is nowhere negative: then there
# is one valley, and every way down leads there. The cross-entropy of one
# neuron is convex, its squared error is not.


def along_w(loss):
    return lambda w: loss(sigmoid(w), 1.0)


for loss in (squared_error, binary_cross_entropy):
    bend = grad(grad(along_w(loss)))
    print(f"{loss.__name__:20}", *(f"{bend(w):8.4f}" for w in (-3.0, 0.0, 3.0)))

# %%
# Left of −3 the squared error lies flat, so a step against its slope goes
# nowhere; the cross-entropy still falls there at nearly its full slope of 1.

at = np.linspace(-8, 4, 121)
for loss in (squared_error, binary_cross_entropy):
    plt.plot(at, [along_w(loss)(w) for w in at], label=loss.__name__)
plt.xlabel("w")
plt.ylabel("L")
plt.legend()

# %%
# **Your turn.** Let 0 be wanted, which the neuron nearly says. What are the
# derivatives of the cross-entropy now? This is somebody's try:

L = binary_cross_entropy(yhat, 0.0)
print(check_work(L, {"dL/dw": 0.002578, "dL/db": 0.002578}))
