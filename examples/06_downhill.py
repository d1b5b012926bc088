"""
6. Downhill
===========

A gradient tells which way is up. Lectures 001 and 004 take a step the other
way, w ← w − α ∂L/∂w, and repeat. How far should a step go?
"""

from autograd import Value, check_work, grad, squared_error
from nn import MLP, SGD, inputs
from viz import plot_loss_surface

net = MLP.from_weights(
    [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]],
    [[0.35, 0.35], [0.60, 0.60]],
    "sigmoid",
    "sigmoid",
)
x, y = inputs([0.05, 0.10]), inputs([0.01, 0.99], "y")


def loss():
    return squared_error(net(x), y)


# %%
# The worked example of lesson 5 over two of its weights. Contours are lines
# of equal loss, the way down crosses them.

weights = [net.layers[1].neurons[0].w[0], net.layers[1].neurons[1].w[0]]
plot_loss_surface(loss, weights, learning_rate=0.5, steps=200)

# %%
# All twelve weights and biases at once. One step lowers the loss a little,
# ten thousand nearly to nothing. (`step` is w ← w − α ∂L/∂w for each of
# them, `zero_grad` forgets the last gradients.)

optimizer = SGD(net.parameters(), 0.5)
for step in range(10_001):
    L = loss()
    if step in (0, 1, 100, 10_000):
        print(f"after {step:5} steps: L = {L.data:.4g}")
    optimizer.zero_grad()
    L.backward()
    optimizer.step()

# %%
# Lecture 004 makes the step proportional to the slope "so there is no
# overshooting". It helps near the bottom, where slopes are small. But the
# factor matters: on x², whose slope is 2x, a step takes x to (1 − 2α)x. For
# α below a half that glides down, up to 1 it jumps over the bottom and comes
# nearer, beyond 1 every jump lands higher than the last. (0.1 and 0.9 come
# equally near: the factor is 0.8, and −0.8.)


def square(x):
    return x * x


for rate in (0.1, 0.9, 1.1):
    at = 1.0
    for _ in range(10):
        at = at - rate * grad(square)(at)
    print(f"rate {rate}, factor {1 - 2 * rate:.1f}: ten steps lead to {at:.3g}")

# %%
# **Your turn.** A valley, L = u² + 10uv. Which way is up at (3, 0.5)? Both
# letters stand in the second term.

u, v = Value(3.0, "u"), Value(0.5, "v")
print(check_work(u * u + 10 * u * v, {"dL/du": "6.0000", "dL/dv": 30}))
