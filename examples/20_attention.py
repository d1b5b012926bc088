"""
20. The same in attention
=========================

Lecture 002 calls transformers "the new type" of net. At their heart three
tokens ask each other how much they matter. The last asks with a query q, each
answers with a key k, the softmax makes shares of the scores, and out comes a
mean of values v. It looks tangled, but paths can be counted.
"""

import numpy as np

from autograd import (
    Tensor,
    Value,
    check_work,
    derive,
    softmax,
    squared_error,
)
from viz import draw_graph

# %%
# Tokens of one number each, and one weight each for queries, keys and values.

tokens, wanted = [0.5, -1.0, 1.5], 0.4
x = [Value(number, f"x_{i}") for i, number in enumerate(tokens, 1)]
w_q, w_k, w_v = Value(0.8, "w_q"), Value(0.6, "w_k"), Value(1.2, "w_v")


def named(nodes, letter):
    for i, node in enumerate(nodes, 1):
        node.label = f"{letter}_{i}"
    return nodes


q = w_q * x[-1]
q.label = "q"
k = named([w_k * token for token in x], "k")
v = named([w_v * token for token in x], "v")
s = named([q * key for key in k], "s")
a = named(softmax(s), "a")
o = sum(share * value for share, value in zip(a, v, strict=True))
o.label = "o"
L = squared_error(o, Value(wanted, "y"))
L.label = "L"
L.backward()
draw_graph(L, highlight=["w_q"])

# %%
# The query weight touches each of three scores, and each score all three
# shares, since shares have to add up to 1. Three times three paths:

print("shares", *(f"{share.data:.4f}" for share in a))
paths = derive(L, w_q)
through = {
    (path.nodes[3].label, path.nodes[2].label): path.value for path in paths
}
print("       " + "".join(f"{share.label:>10}" for share in a))
for score in s:
    row = [through[score.label, share.label] for share in a]
    print(f"{score.label:7}" + "".join(f"{value:10.5f}" for value in row))
print(f"sum of {paths.count} {paths.sum:.5f}, w_q.grad {w_q.grad:.5f}")

# %%
# The same in matrices, as it is written for whole texts:

X, W = Tensor(np.array(tokens)[:, None], "X"), Tensor([[0.8]], "W_q")
A = softmax((X[-1:] @ W) @ (X * 0.6).T)
A.label = "A"
J = squared_error(A @ (X * 1.2), np.array([[wanted]]))
J.label = "J"
J.backward()
derive(J, W)

# %%
# **Your turn.** The derivatives by o and by the value of token 3. Somebody
# took another token's share:

print(check_work(L, {"dL/do": 0.7463, "dL/dv_3": 0.219877}))
