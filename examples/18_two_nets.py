"""
18. Two nets, and no way down
=============================

Lecture 002: "The main focus is to generate data from scratch". A generative
adversarial net is two nets: one makes data, the other tells them from real
ones. Both look at the same loss, and one wants it small, the other large. The
smallest such pair has a number each (Mescheder and others, 2018).
"""

import matplotlib.pyplot as plt
import numpy as np

from autograd import Value, check_work, derive, gradients, log, sigmoid
from viz import draw_graph

# %%
# The real data are all 0. The generator makes one number g. The other net, the
# discriminator, calls x real with probability σ(w x). For what is made,
# log(1 − D) is large if it was called made: the discriminator steps up, the
# generator down.

w, g = Value(-0.6, "w"), Value(0.8, "g")


def judged(w, g):
    D = sigmoid(w * g)
    D.label = "D"
    return D


L = log(1 - judged(w, g))
L.label = "L"
L.backward()
draw_graph(L, highlight=["g"])

# %%
# The only path to g goes through the other net: its weight w says which way
# the generator is to go.

print(derive(L, g))

# %%
# Now both learn, a step each, again and again. (For what is real, log D is
# log ½ whatever w is.) Both could rest at w = g = 0. But that is a saddle,
# and they circle it, further and further out: there is no way down.


def play(rounds, penalty=0.0, rate=0.2):
    w, g = Value(-0.6, "w"), Value(0.8, "g")
    places = [(w.data, g.data)]
    for _ in range(rounds):
        loss = log(1 - judged(w, g))
        up, down = gradients(loss - penalty * w * w, w), gradients(loss, g)
        w, g = Value(w.data + rate * up), Value(g.data - rate * down)
        places.append((w.data, g.data))
    return np.array(places)


circling, held = play(200), play(200, penalty=0.2)
for n in (0, 100, 200):
    print(f"after {n:3} rounds {np.hypot(*circling[n]):.3f} from (0, 0)")
print(f"with a penalty on w {np.hypot(*held[200]):.1g}")

# %%
# With a small penalty on w the circle becomes a spiral to the middle.

plt.plot(*circling.T, label="one up, one down")
plt.plot(*held.T, label="the same, w kept small")
plt.axis("equal")
plt.xlabel("w")
plt.ylabel("g")
plt.legend()

# %%
# **Your turn.** ∂L/∂D and ∂L/∂g. Somebody lost a sign in the first:

print(check_work(L, {"dL/dD": 1.619, "dL/dg": 0.2294}))
