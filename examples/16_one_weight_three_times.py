"""
16. One weight, three times
===========================

Lecture 002 names recurrent nets, for series and text. They read one number
after the other and carry a state along, h ← tanh(w h + u x). The same weight
w is used at every step. So it reaches the loss on as many paths as there are
steps, and its gradient is their sum.
"""

from autograd import Value, check_work, derive, squared_error, tanh
from viz import draw_graph

w, u, y = Value(0.5, "w"), Value(1.0, "u"), Value(0.3, "y")
series = [Value(x, f"x_{t}") for t, x in enumerate((1.0, -0.5, 0.8), 1)]
h = Value(0.0, "h_0")
for t, x in enumerate(series, 1):
    h = tanh(w * h + u * x)
    h.label = f"h_{t}"
L = squared_error(h, y)
L.label = "L"
L.backward()
draw_graph(L, highlight=["w"])

# %%
# Three edges leave w. Each is the beginning of a path: w as it was used in
# the last step, in the one before, in the first.

paths = derive(L, w)
print(paths)

# %%
# The last of them is 0, since there was nothing to remember at the first
# step. The others pull in different directions.

paths

# %%
# A path that goes back one step more has two more factors, a slope of tanh
# and w. Both are below 1 here, so what lies far back counts little: a net
# like this forgets. The same path over longer and longer series:

for steps in (3, 6, 12):
    h = start = Value(1.0, "h_0")
    for t in range(1, steps + 1):
        h = tanh(w * h + u * 0.1)
        h.label = f"h_{t}"
    slope = derive(h, start).value
    print(f"over {steps:2} steps ∂h/∂h₀ = {slope:.3g}")

# %%
# **Your turn.** Somebody lists the paths of w and misses one. Which?

print(check_work(L, {"dL/dw": 0.0746892}))
