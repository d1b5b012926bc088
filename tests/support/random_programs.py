"""Random functions of arrays that give Tensors, over all operations, the same for the same seed."""

import numpy as np

import autograd as ag
from autograd import Tensor, no_grad
from autograd.ops.losses import batch_losses

ROWS, WIDTH = 5, 4

# Of a Tensor (5, 4); each gives one of the same shape.
OF_ONE = [
    *(ag.tanh, ag.sigmoid, ag.relu, ag.softplus, ag.sin, ag.cos, ag.abs, ag.leaky_relu, ag.sign, ag.step, ag.linear),
    lambda x: ag.exp(ag.clip(x, -2.0, 2.0)),
    lambda x: ag.log(x * x + 1),
    lambda x: ag.sqrt(x * x + 0.5),
    lambda x: -x + 1.5,
    lambda x: 2 / (x * x + 1),
    lambda x: x**2,
    lambda x: (x * x + 1) ** 0.3,
    lambda x: x - x.mean(0),
    lambda x: x / (x.std(1, keepdims=True) + 0.5),
    lambda x: x * ag.norm(x, 1, True),
    lambda x: x - ag.logsumexp(x, 1, True),
    lambda x: ag.softmax(x) + ag.log_softmax(x, axis=0) * 0.1,
    lambda x: x - x.max(1, keepdims=True) + x.min(),
    lambda x: x + x.sum() * 0.01 + ag.prod(x * 0.1 + 1, axis=1, keepdims=True),
    lambda x: x.T.reshape(ROWS, WIDTH),
    lambda x: x[::-1][[0, 2, 2, 1, 4]],
    lambda x: ag.concatenate([x[:2], x[2:] * 0.5]),
    lambda x: ag.stack([x, x * 2], axis=0)[1],
    lambda x: ag.pad(x[1:-1, 1:], ((1, 1), (1, 0))),
    lambda x: ag.broadcast_to(x[0], (ROWS, WIDTH)) + x,
    lambda x: ag.where(x > 0, x, x * 0.3),
    lambda x: x * (x.numpy() > 0.1),
    lambda x: x + np.tanh(x.numpy()) * 0.2,
    lambda x: x.var(0, keepdims=True) + x,
    lambda x: (x @ x.T) @ x * 0.1,
    lambda x: ag.outer(x[:, 0], x[0]) + x,
]
OF_TWO = [
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, y: x - y,
    lambda x, y: x / (y * y + 1.5),
    ag.maximum,
    ag.minimum,
    lambda x, y: ag.where((x > y) & (y > -1), x, y),
    lambda x, y: x @ y.T @ y * 0.1,
]
LOSSES = [
    lambda x, y: (x * y).mean(),
    lambda x, y: ag.squared_error(x, y),
    lambda x, y: ag.binary_cross_entropy_with_logits(1.5 * x, 1 / (1 + np.exp(-y))),
    lambda x, y: ag.softmax_cross_entropy(1.5 * x, ag.softmax(y)),
    lambda x, y: abs(x - y).sum() * 0.1,
    lambda x, y: batch_losses["squared_error"](x, y, 0.25),
]


def choosing(x):
    """Another way where the numbers are such."""
    return x * 2 if x.numpy().sum() > 0.5 else x + 1


def detached(x):
    with no_grad():
        scale = ag.tanh(x).mean()
    return x * scale.numpy()


def random_function(seed, dtype):
    """A function of an array (5, 4) and a target, and its parameters."""
    rng = np.random.default_rng(seed)
    weights = [Tensor(rng.normal(size=(WIDTH, WIDTH)) * 0.5, dtype=dtype) for _ in range(2)]
    bias, scale = Tensor(rng.normal(size=WIDTH), dtype=dtype), Tensor(0.7, dtype=dtype)
    constant = rng.normal(size=(ROWS, WIDTH)).astype(dtype)
    plan = [(int(rng.integers(5)), *rng.integers(0, 1 << 30, 3).tolist()) for _ in range(int(rng.integers(3, 9)))]
    looks = rng.random() < 0.3

    def function(x, target):
        pool = [ag.linear(x, weights[0], bias), x * scale, weights[1][[0, 1, 2, 3, 0]] + constant]
        for kind, i, j, k in plan:
            a, b = pool[i % len(pool)], pool[j % len(pool)]
            if kind < 2:
                pool.append(OF_ONE[k % len(OF_ONE)](a))
            elif kind < 4:
                pool.append(OF_TWO[k % len(OF_TWO)](a, b))
            else:
                pool.append((choosing if looks else detached)(a))
        loss = LOSSES[plan[0][1] % len(LOSSES)](pool[-1], target)
        return loss + 0.01 * (weights[0] ** 2).sum(), pool[-1]

    return function, [*weights, bias, scale]
