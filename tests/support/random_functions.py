"""Random functions of numbers and a token, over shared Values, the same for the same seed."""

import random

from random_graphs import random_steps

from autograd import Value


def random_function(seed):
    """A function f(x, token) of three numbers and a row of a table, and its parameters."""
    rng = random.Random(seed)
    weights = [Value(rng.uniform(-1, 1)) for _ in range(rng.randint(2, 8))]
    table = [[Value(rng.uniform(-1, 1)) for _ in range(3)] for _ in range(6)]
    steps = random_steps(rng, rng.randint(4, 18))
    looks_up, has_layer, ends_linear, makes_values = (rng.random() < share for share in (0.5, 0.5, 0.3, 0.3))

    def f(x, token):
        xs = [Value(u) for u in x] if makes_values else list(x)
        if len(weights) >= 3:
            xs = [w * u for w, u in zip(weights, xs, strict=False)]
        else:
            xs = [weights[0] * u for u in xs]
        if looks_up:
            xs = [a + e for a, e in zip(xs, table[token], strict=True)]
        if has_layer:
            xs = [
                sum((w * u for w, u in zip(weights, xs, strict=False)), weights[0]) + h * 0.1 * x[0] for h in range(3)
            ]
        pool = weights + xs
        for step in steps:
            z = step(pool, 0)
            pool.append(z if isinstance(z, Value) else Value(z))
        return pool[-1] + pool[-2] * 0.5 * (x[1] if ends_linear else 1 - x[1])

    return f, [*weights, *(v for row in table for v in row)]
