"""
1. One neuron, one path
=======================

If a weight grows a little, what happens to the loss? Lecture 002
("Classification with perceptron") and the calculus of lecture 004 ask it
of one neuron. It weighs its input, adds a bias, squashes the sum with a
sigmoid, and the loss compares what comes out with what was wanted.
"""

from autograd import Value, check_work, derive, sigmoid, squared_error
from viz import draw_graph

# %%
# Every `Value` is a number that remembers what it was computed from.

x, y = Value(1.5, "x"), Value(1.0, "y")  # an input, and what is wanted
w, b = Value(0.4, "w"), Value(0.1, "b")  # what can be learned


def loss_of(w):
    z = w * x + b
    z.label = "z"
    yhat = sigmoid(z)
    yhat.label = "yhat"
    L = squared_error(yhat, y)  # ½(ŷ − y)²
    L.label = "L"
    return L


L = loss_of(w)
draw_graph(L)

# %%
# On the edges stand local derivatives: how much the end of the arrow moves
# when its beginning moves by one. z moves by 1.5 for each unit of w, ŷ by
# 0.2217 for each unit of z, L by −0.3318 for each unit of ŷ. Small moves
# multiply along the way. That is the whole chain rule.
#
# `backward()` walks from L back to the leaves and leaves each product in
# `.grad`. `derive` shows the walk.

L.backward()
print(derive(L, w))

# %%
# The same as a lecture would write it on the board:

derive(L, w)

# %%
# Is it true? Nudge the weight by a thousandth and look at the loss: it should
# change by a thousandth of the gradient. Nearly; the rest is curvature.

nudge = 0.001
change = loss_of(w + nudge).data - L.data
print(f"L was {L.data:.4g}")
print(f"it changed by {change:.4g}, w.grad times nudge = {w.grad * nudge:.4g}")

# %%
# **Your turn.** Now 0 is wanted in place of 1. Work out both derivatives with
# a pencil and write them into the last line. Somebody has tried already, and
# `check_work` says what went wrong.

y.data = 0.0
print(check_work(loss_of(w), {"dL/dw": 1.002, "dL/db": 0.6682}))
