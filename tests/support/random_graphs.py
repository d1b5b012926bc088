"""Random computations of Values over all operations, the same for the same seed."""

import random

import autograd as ag
from autograd import Value

UNARY = [
    lambda x: x.tanh(),
    lambda x: x.sigmoid(),
    lambda x: x.relu(),
    lambda x: -x,
    lambda x: x.sin(),
    lambda x: x.cos(),
    lambda x: x.softplus(),
    lambda x: (x * 0.1).exp(),
    lambda x: (x * x + 1).log(),
    lambda x: (x * x + 1).sqrt(),
    lambda x: x.abs(),
    lambda x: x.leaky_relu(0.1),
    lambda x: ag.clip(x, -1, 1),
    lambda x: x**2,
    lambda x: 2.0 - x,
    lambda x: 1 / (x * x + 2),
    lambda x: x.linear(),
    lambda x: ag.step(x) * x,
    lambda x: ag.sign(x),
]
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, y: x - y,
    lambda x, y: x / (y * y + 1.5),
    lambda x, y: ag.maximum(x, y),
    lambda x, y: ag.minimum(x, y),
    lambda x, y: (x * x + 1) ** (y * 0.1),
    lambda x, y: x + y + 0.5,
]
# Of k numbers, and of as many beside them.
REDUCTIONS = [
    lambda x, y: ag.sum(x),
    lambda x, y: ag.mean(x),
    lambda x, y: sum(a * b for a, b in zip(x, y, strict=True)),
    lambda x, y: ag.dot(x, y, x[0]),
    lambda x, y: ag.logsumexp(x),
    lambda x, y: ag.softmax(x)[-1],
    lambda x, y: ag.log_softmax(x)[0],
    lambda x, y: ag.softmax_cross_entropy([u * 1.5 for u in x], len(x) - 1),
    lambda x, y: ag.prod([u * 0.3 + 1 for u in x]),
    lambda x, y: ag.squared_error(x, [0.3] * len(x)),
    lambda x, y: ag.squared_error(x, y),
    lambda x, y: ag.squared_error(x[0], y[0]),
    lambda x, y: ag.cross_entropy(ag.softmax(x), len(x) - 1),
    lambda x, y: ag.binary_cross_entropy_with_logits([u * 1.5 for u in x], [1.0] * len(x)),
    lambda x, y: ag.binary_cross_entropy_with_logits(x[0] + 0.5, 1.0),
    lambda x, y: ag.binary_cross_entropy([u.sigmoid() for u in x], [0.2] * len(x)),
    lambda x, y: sum(x) / len(x),
]


def random_steps(rng, count):
    """What is computed one after the other, as functions of the numbers there are so far."""
    steps = []
    for _ in range(count):
        kind = rng.random()
        at = [rng.random() for _ in range(8)]
        if kind < 0.35:
            f = rng.choice(UNARY)
            steps.append(lambda pool, more, f=f, at=at: f(picked(pool, at[0])))
        elif kind < 0.75:
            f = rng.choice(BINARY)
            steps.append(lambda pool, more, f=f, at=at: f(picked(pool, at[0]), picked(pool, at[1])))
        else:
            f, k = rng.choice(REDUCTIONS), rng.randint(1, 3)
            steps.append(lambda pool, more, f=f, k=k, at=at: f(*rows(pool, at, min(k + more, 4))))
    return steps


def picked(pool, share):
    return pool[int(share * len(pool))]


def rows(pool, at, k):
    return [picked(pool, share) for share in at[:k]], [picked(pool, share) for share in at[k : 2 * k]]


def random_loss(seed):
    """A loss over one sample or several, which are computed alike or in two ways, with shared weights."""
    rng = random.Random(seed)
    weights = [Value(rng.uniform(-1, 1)) for _ in range(rng.randint(2, 8))]
    if rng.random() < 0.5:
        for i, w in enumerate(weights, 1):
            w.label = f"w_{i}"
    ways = [random_steps(rng, rng.randint(5, 25)) for _ in range(rng.choice([1, 1, 2]))]
    samples = rng.choice([1, 1, 2, 3, 5, 7])
    is_ragged, has_layer = rng.random() < 0.3, rng.random() < 0.4
    outputs = []
    for i in range(samples):
        x = [Value(rng.uniform(-1, 1)) for _ in range(3)]
        if rng.random() < 0.3:
            x = [u * 1.0 for u in x]
        if has_layer:
            units = rng.randint(2, 4) if is_ragged else 3
            x = [sum((w * u for w, u in zip(weights, x, strict=False)), weights[0]) + h * 0.1 for h in range(units)]
            if rng.random() < 0.5:
                x = ag.softmax(x)
        pool = weights + x
        for step in ways[i % len(ways)]:
            z = step(pool, rng.randint(0, 2) if is_ragged else 0)
            pool.append(z if isinstance(z, Value) else Value(z))
        outputs.append(pool[-1] + pool[-2] * 0.5)
    loss = sum(outputs) * (1 / samples)
    if rng.random() < 0.5:
        loss = loss + 0.01 * sum(w * w for w in weights)
    return loss
