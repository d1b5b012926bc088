"""
19. Through one number and back
===============================

Autoencoders, says lecture 002, "aim to learn a compressed representation". The
target of such a net is its own input, and in between there is too little
room for it. Here two numbers go through one.
"""

import matplotlib.pyplot as plt
import numpy as np

from autograd import Value, check_work, squared_error
from nn import SGD, Dense, Sequential
from viz import draw_graph

rng = np.random.default_rng(0)
along, across = rng.normal(size=(60, 1)), rng.normal(size=(60, 1))
x = along * [1.2, 0.8] + across * [-0.16, 0.24]
x -= x.mean(axis=0)

# %%
# A layer of one unit, the encoder, and a layer of two, the decoder. Nobody
# says what the one number should mean.

model = Sequential(
    [Dense(1, use_bias=False, input_shape=(2,)), Dense(2, use_bias=False)],
    rng=0,
)
model.compile(SGD(0.1), loss="mse")
model.fit(x, x, epochs=200, batch_size=60, verbose=0)

# %%
# What comes back lies on a line. It is the line along which the points are
# spread, and what is lost is their spread across it: the smaller eigenvalue
# of their covariance. Statistics calls it the principal component.

back = model.predict(x)
lost = np.mean(np.sum((back - x) ** 2, axis=1))
spread = np.linalg.eigvalsh(x.T @ x / len(x))
print(f"spread {spread.sum():.4f}, lost {lost:.4f}")
print(f"eigenvalues {spread[1]:.4f} and {spread[0]:.4f}")

# %%
plt.figure(figsize=(5.5, 4))
for point, again in zip(x, back, strict=True):
    plt.plot(*zip(point, again, strict=True), color="0.8", zorder=0)
plt.scatter(*x.T, s=14, label="in")
plt.scatter(*back.T, s=14, label="out")
plt.axis("equal")
plt.legend()

# %%
# The graph for one point. A weight of the encoder has a path through each
# output, as in lesson 5: what makes the code good is that *both* numbers come
# back.

x1, x2 = Value(1.0, "x_1"), Value(0.5, "x_2")
w1, w2 = Value(0.6, "w_1"), Value(0.4, "w_2")
v1, v2 = Value(0.87, "v_1"), Value(0.2, "v_2")
c = w1 * x1 + w2 * x2
c.label = "c"
L = squared_error([v1 * c, v2 * c], [1.0, 0.5])
L.label = "L"
L.backward()
draw_graph(L, highlight=["w_1"])

# %%
# **Your turn.** ∂L/∂c and ∂L/∂w₁. Somebody took one of two paths:

print(check_work(L, {"dL/dc": -0.26448, "dL/dw_1": -0.26448}))
