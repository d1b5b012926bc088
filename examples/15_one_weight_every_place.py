"""
15. One weight, every place
===========================

Lecture 002 names convolutional nets, "for processing grid-like data such as
images". Such a net has few weights: a small window of them is laid on every
place of the image. So one weight reaches the loss on as many paths as there
are places, and its gradient is their sum.
"""

import numpy as np

from autograd import Tensor, check_work, conv, derive, unroll
from viz import draw_graph

# %%
# An image of 3 by 3 numbers, a window of 2 by 2, so four places. What the
# window sees at a place is one number z. (The other two axes of the arrays
# are samples and channels; here there is one of each.)

image = np.array([[0.5, 1.0, 0.0], [1.0, -0.5, 0.5], [0.0, 2.0, 1.0]])
K = Tensor(np.array([[0.4, -0.3], [0.2, 0.1]]).reshape(1, 2, 2, 1), "K")
Z = conv(image.reshape(1, 3, 3, 1), K)
Z.label = "Z"
loss = (Z**2).sum()
loss.label = "L"
loss.backward()
print(Z.data.reshape(2, 2))

# %%
# In arrays the gradient is a line: the image again, with dZ as the window.

derive(loss, K)

# %%
# ``unroll`` reads the same computation number by number. Now the four uses
# of the first weight can be seen.

L, k = unroll(loss, K)
L.backward()
first = k[0][0][0][0]
draw_graph(L, highlight=[first], level="named")

# %%
# A path for each place: 2z, and the pixel that lies below the weight there.
# The strongest comes first.

print(derive(L, first))

# %%
# The sum over places is what the convolution has for that weight:

print(f"in arrays {K.grad[0, 0, 0, 0]:.4f}")

# %%
# **Your turn.** The weight beside it, k₁₂, where the window sees other pixels.
# Somebody was not everywhere:

print(check_work(L, {"dL/dk_12": "-0.6500"}))
