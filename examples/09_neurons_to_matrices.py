"""
9. From neurons to matrices
===========================

Lecture 001 ("Vectorization") puts the weights of a layer into the rows of a
matrix, and one product does what was a loop over neurons. Nothing else
changes: number by number and in matrices a net has the same gradients.
"""

import numpy as np

from autograd import Tensor, check_work, derive, squared_error
from nn import MLP, inputs, to_sequential
from viz import beside, draw_graph, draw_network

# %%
# A net of neurons, each weight a number of its own, and the same net as
# layers, each a matrix.

neurons = MLP(3, [4, 2], "tanh", "sigmoid", rng=0)
matrices = to_sequential(neurons)
x, y = [0.5, -1.0, 2.0], [0.0, 1.0]
L = squared_error(neurons(inputs(x)), inputs(y, "y"))
L.label = "L"
L.backward()

J = squared_error(matrices(Tensor([x], "X")), Tensor([y], "Y"))
J.label = "J"
J.backward()
print(f"number by number {L.data:.6f}, in matrices {J.item():.6f}")

# %%
# Left a circle for each unit, right a box for each matrix:

beside(draw_network(L), draw_graph(J, show="names", direction="TB"))

# %%
# All 26 gradients, in the order in which a matrix has them:

apart = 0.0
for layer, dense in zip(neurons.layers, matrices.layers, strict=True):
    dW = [[w.grad for w in unit.w] for unit in layer.neurons]
    db = [unit.b.grad for unit in layer.neurons]
    for one, all_at_once in zip((dW, db), dense.parameters(), strict=True):
        apart = max(apart, np.abs(np.array(one) - all_at_once.grad).max())
print("numbers:", len(neurons.parameters()))
print("largest difference below 1e-12:", apart < 1e-12)

# %%
# One number of the matrix dW[1] is the sum over the paths of one weight:

weight = neurons.layers[0].neurons[0].w[0]
paths = derive(L, weight)
print(" + ".join(f"({path.value:.6f})" for path in paths), end=" ")
print(f"= {paths.sum:.6f}")
print(f"dW[1] has there {matrices.layers[0].weight.grad[0, 0]:.6f}")

# %%
# **Your turn.** From the numbers of the picture: the derivatives by z[2]₁ and
# by the weight from hidden unit 1. Somebody forgot what the circle does.

print(check_work(L, {"dL/dz[2]_1": 0.2875, "dL/dw[2]_1,1": -0.2707}))
