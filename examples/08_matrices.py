"""
8. The same in matrices
=======================

Lectures 000 and 002 ("Backward propagation for layer l") write a whole layer
at once, a column for each sample. What is multiplied with what in dZ, dW and
db? The recorded computation tells, with the shape of every factor.
"""

import numpy as np

from autograd import (
    Tensor,
    binary_cross_entropy,
    check_work,
    derive,
    sigmoid,
)
from viz import draw_graph

# %%
# Five samples of two numbers, three hidden units, one output. A Tensor is an
# array that remembers what it was computed from.

rng = np.random.default_rng(0)
X = Tensor(rng.random((2, 5)), label="X")
Y = Tensor([[0.0, 1, 1, 0, 1]], label="Y")
W1, b1 = (
    Tensor(rng.random((3, 2)) - 0.5, "W[1]"),
    Tensor(np.zeros((3, 1)), "b[1]"),
)
W2, b2 = (
    Tensor(rng.random((1, 3)) - 0.5, "W[2]"),
    Tensor(np.zeros((1, 1)), "b[2]"),
)

Z1 = W1 @ X + b1
A1 = sigmoid(Z1)
Z2 = W2 @ A1 + b2
A2 = sigmoid(Z2)
J = binary_cross_entropy(A2, Y, samples="columns")
names = {"Z[1]": Z1, "A[1]": A1, "Z[2]": Z2, "A[2]": A2, "J": J}
for name, node in names.items():
    node.label = name
J.backward()
print(f"J = {J.item():.4f}")

# %%
# The lecture's equations, derived from what was computed. Read from the
# bottom line to the top to see why each factor is there.

derive(J, W1)

# %%
# Shapes decide the order. dW[1] has the shape of W[1], 3 × 2; dZ[1] is 3 × 5
# and X is 2 × 5, so only dZ[1] Xᵀ fits. The product runs over the samples,
# that is, it adds up what each sample says.
#
# By hand, in NumPy. "·" is the matrix product in W[2]ᵀ dZ[2], but in front of
# σ′ it multiplies entry by entry, ⊙.

m = 5
dZ2 = A2.data - Y.data
dZ1 = W2.data.T @ dZ2 * (A1.data * (1 - A1.data))
by_hand = [dZ1 @ X.data.T / m, dZ1.sum(axis=1, keepdims=True) / m]
for weight, gradient in zip((W1, b1), by_hand, strict=True):
    same = np.allclose(weight.grad, gradient, rtol=0, atol=1e-15)
    print(f"d{weight.label} as the graph has it: {same}")

# %%
# The same as a picture. On each edge stands what the gradient is multiplied
# by on its way back.

draw_graph(J, show="names", direction="TB")

# %%
# **Your turn.** The last layer's dW[2]. Somebody has this:

print(check_work(J, {"dZ[2]": dZ2, "dW[2]": dZ2 @ A1.data.T}))
