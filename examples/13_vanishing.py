"""
13. Gradients that vanish
=========================

Lectures 001 and 002 warn of the sigmoid in hidden layers: the gradients of
the first layers become so small that their weights hardly move. Lecture 004
has the net in which one sees why, a chain with one neuron in each layer.
"""

import matplotlib.pyplot as plt

from autograd import check_work, derive, squared_error
from nn import MLP, inputs

# %%
# Nine neurons in a row, all weights 1 and all biases 0, from x = 0.5 to the
# target 1. What does the loss ask of the first weight, what of the last?

LAYERS = 9


def chain(activation):
    weights, biases = [[[1.0]]] * LAYERS, [[0.0]] * LAYERS
    net = MLP.from_weights(weights, biases, activation, activation)
    L = squared_error([net(inputs([0.5]))], inputs([1.0], "y"))
    L.label = "L"
    L.backward()
    return net, L


gradients = {}
for name in ("sigmoid", "tanh", "relu"):
    net, L = chain(name)
    sizes = [abs(layer.neurons[0].w[0].grad) for layer in net.layers]
    gradients[name] = sizes
    print(f"{name:8} first layer {sizes[0]:.3g}, last layer {sizes[-1]:.3g}")

# %%
# Each layer puts one slope into the product. relu's is 1 here and changes
# nothing; tanh's is somewhat below 1; the sigmoid's is a quarter at most, so
# eight layers divide a gradient by 4⁸ at least, that is by 65,536.

for name, sizes in gradients.items():
    plt.semilogy(range(1, LAYERS + 1), sizes, "o-", label=name)
plt.xlabel("layer")
plt.ylabel("size of the gradient of its weight")
plt.legend()

# %%
# All the slopes of one chain, taken from the factors of its only path:

net, L = chain("sigmoid")
(path,) = derive(L, net.layers[0].neurons[0].w[0])
slopes = [
    edge.derivative for edge in path.edges if edge.result.label.startswith("a")
]
print("slopes", *(f"{slope:.3f}" for slope in slopes))
print(f"eight quarters are one part in {4**8:,}")

# %%
# Other weights would help, 4 in place of 1, until a unit saturates and its
# slope falls to nothing. That is why deep nets take relu and its relatives,
# and first weights whose size depends on the width of the layer.

# %%
# **Your turn.** A chain of two. How does the loss change with the activation
# of the first neuron, how with its sum? Somebody took z for a in the slope.

net = MLP.from_weights([[[1]], [[1]]], [[0], [0]], "sigmoid", "sigmoid")
L = squared_error([net(inputs([0.5]))], inputs([1.0], "y"))
print(check_work(L, {"dL/da[1]_1": -0.07936, "dL/dz[1]_1": -0.01984}))
