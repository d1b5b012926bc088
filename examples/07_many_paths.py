"""
7. When paths become many
=========================

Lecture 004 counts 13,002 weights and biases in a net that reads digits. Of
two gradients, "3.2" and "0.1", it says that the cost is 32 times as sensitive
to the first weight as to the second. How many paths lie behind such a number,
and who adds them up?
"""

import numpy as np

from autograd import Value, check_work, derive, squared_error
from nn import MLP, inputs
from viz import draw_network, plot_sensitivity

# %%
# The lecture's net: 784 pixels, two hidden layers of 16 and ten outputs. An
# image of noise will do for counting.

rng = np.random.default_rng(0)
net = MLP(784, [16, 16, 10], "sigmoid", "sigmoid", rng=rng)
image, wanted = rng.random(784), np.eye(10)[2]
L = squared_error(net(inputs(image)), inputs(wanted, "y"))
L.label = "L"
L.backward()
draw_network(net, image, max_units=6)

# %%
# A weight of the first layer reaches the loss through its own unit, then any
# of 16 units, then any of ten outputs: 160 paths. In the second layer it is
# ten, in the last layer one.

total = 0
for number, layer in enumerate(net.layers, 1):
    weights = layer.parameters()
    each = derive(L, weights[0]).count
    total += each * len(weights)
    print(f"layer {number}: {len(weights):6,} numbers, {each:3} paths each")
print(f"together {len(net.parameters()):,} numbers, {total:,} paths")

# %%
# Two million products, and yet `backward()` makes 13,002 sums without
# listing one path. What all paths share it computes once: how much the loss
# changes with a unit is added up over the units above, and handed on. So
# every edge is used once. The three strongest of the 160 paths carry this
# much of the whole:

weight = net.layers[0].neurons[0].w[0]
strongest = derive(L, weight, top=3)
print(f"gradient {weight.grad:.3g}, the sum of all")
for path in strongest.paths:
    output, hidden = path.nodes[1].label, path.nodes[3].label
    print(f"{path.value:10.3g}  through {output} and {hidden}")

# %%
# How much of the gradient passes through each output? These are sums over 16
# paths each, and add up to it.

flow = strongest.flow()
through = {e.operand.label: f for e, f in flow.items() if e.result is L and f}
print(f"over all outputs: {sum(through.values()):.3g}")

largest = max(abs(p.grad) for p in net.parameters())
print(f"to another it reacts {largest / abs(weight.grad):.0f} times as much")

# %%
# Some outputs want this weight larger, others smaller:

plot_sensitivity(through)

# %%
# **Your turn.** a and b need u, and L needs all three. Somebody added up two
# paths.

u = Value(0.7, "u")
a, b = 2 * u, u * u
a.label, b.label = "a", "b"
print(check_work(a * b + 3 * u, {"dL/du": 2.94}))
