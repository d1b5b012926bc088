"""
5. Every path of the worked example
===================================

Lecture 001 ("Learning weights") works a net of two inputs, two hidden units
and two outputs. A weight of the output layer reaches the loss on one path.
A hidden weight has two, since its unit feeds both outputs, and the products
along the two add up. The lecture leaves that number to the reader.
"""

from autograd import check_work, derive, squared_error
from nn import MLP, inputs
from viz import draw_graph, draw_paths, explore

net = MLP.from_weights(
    [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]],
    [[0.35, 0.35], [0.60, 0.60]],
    "sigmoid",
    "sigmoid",
)
prediction = net(inputs([0.05, 0.10]))
L = squared_error(prediction, inputs([0.01, 0.99], "y"))
L.label = "L"
L.backward()
draw_graph(L)

# %%
# Data comes from the left: what is predicted, and the loss.

print(f"predicted {prediction[0].data:.4f}, {prediction[1].data:.4f}")
print(f"L = {L.data:.4f}")

# %%
# Names are the lecture's: w[2]₁₂ is the weight into unit 1 of layer 2 from
# unit 2 of the layer before. The first output weight has one path. (The
# lecture prints "0.0821": cut off after the last digit, not rounded.)

output_weight = net.layers[1].neurons[0].w[0]
print(derive(L, output_weight))

# %%
# The hidden weight. On the first path the output is too large, 0.7514 for
# 0.01, so more weight means more loss. On the second it is too small, so
# more weight means less. What is left of the two is 0.0004386.

hidden_weight = net.layers[0].neurons[0].w[0]
paths = derive(L, hidden_weight)
print(paths)

# %%
# As the lecture writes it:

paths

# %%
# As a picture. The paths part behind z[1]₁ and a[1]₁, and meet in L:

draw_paths(paths, level="neurons")

# %%
# And as a page: click a weight, see its paths, change a number, step through
# the backward pass.

explore(L, hidden_weight)

# %%
# **Your turn.** The weight beside it, w[1]₁₂, comes from x₂. Work out its two
# paths and their sum. Somebody's sum is too large:

print(check_work(L, {"dL/da[1]_1": 0.0744485, "dL/dw[1]_1,2": 0.00179645}))
