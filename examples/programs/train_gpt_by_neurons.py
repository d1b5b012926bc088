"""A small GPT on names, written number by number, and trained with matrices that are found in it.

One layer, four heads, 16 numbers for each letter: every weight is a Value, and every line below computes with
single numbers. A few steps are taken that way. Then `vectorize` records three of them for each length of
name, finds the matrix products, and runs those.

    python examples/programs/train_gpt_by_neurons.py names.txt --steps 500
"""

import argparse
import random
import time
from itertools import pairwise
from pathlib import Path

from autograd import Value, vectorize
from nn import Adam

WIDTH, HEADS = 16, 4
SOME_NAMES = (
    "emma olivia ava isabella sophia charlotte mia amelia harper evelyn abigail emily elizabeth mila ella "
    "avery sofia camila aria scarlett victoria madison luna grace chloe penelope layla riley zoey nora "
    "lily eleanor hannah lillian addison aubrey ellie stella natalie zoe leah hazel violet aurora "
    "savannah audrey brooklyn bella claire skylar "
)


def new_weights(letters, positions, rng):
    """All parameters, as matrices of Values by name."""

    def matrix(rows, columns):
        return [[Value(rng.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]

    shapes = {"E": (letters, WIDTH), "P": (positions, WIDTH), "W_Q": (WIDTH, WIDTH), "W_K": (WIDTH, WIDTH)}
    shapes |= {"W_V": (WIDTH, WIDTH), "W_O": (WIDTH, WIDTH), "W_1": (4 * WIDTH, WIDTH), "W_2": (WIDTH, 4 * WIDTH)}
    shapes["U"] = letters, WIDTH
    return {name: matrix(*shape) for name, shape in shapes.items()}


def linear(x, w):
    """The weighted sums of x, one for each row of w."""
    return [sum(wi * xi for wi, xi in zip(row, x, strict=True)) for row in w]


def softmax(scores):
    """Scores as shares; the largest is taken out, as a plain number, so that nothing overflows."""
    largest = max(s.data for s in scores)
    e = [(s - largest).exp() for s in scores]
    total = sum(e)
    return [u / total for u in e]


def normalised(x):
    """x divided by the root of its mean square (RMSNorm)."""
    scale = (sum(u * u for u in x) / len(x) + 1e-5) ** -0.5
    return [u * scale for u in x]


def loss_of(weights, tokens):
    """How surprised the net is by each letter, given those before it: the mean of -log of its share."""
    keys, values, losses = [], [], []
    size = WIDTH // HEADS
    for place, (token, following) in enumerate(pairwise(tokens)):
        x = normalised([e + p for e, p in zip(weights["E"][token], weights["P"][place], strict=True)])
        y = normalised(x)
        q, k, v = (linear(y, weights[name]) for name in ("W_Q", "W_K", "W_V"))
        keys.append(k)
        values.append(v)
        found = []
        for head in range(0, WIDTH, size):
            scores = [sum(q[head + j] * k[head + j] for j in range(size)) / size**0.5 for k in keys]
            shares = softmax(scores)
            found += [sum(a * v[head + j] for a, v in zip(shares, values, strict=True)) for j in range(size)]
        x = [a + b for a, b in zip(linear(found, weights["W_O"]), x, strict=True)]
        hidden = [u.relu() for u in linear(normalised(x), weights["W_1"])]
        x = [a + b for a, b in zip(linear(hidden, weights["W_2"]), x, strict=True)]
        losses.append(-softmax(linear(x, weights["U"]))[following].log())
    return sum(losses) / len(losses)


def train(function, names, tokens_of, optimizer, steps, rng):
    """So many steps, each on one name; the mean loss of the last ones, and seconds for a step."""
    losses = []
    start = time.perf_counter()
    for _ in range(steps):
        loss = function(tokens_of(rng.choice(names)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    seconds = (time.perf_counter() - start) / steps
    return sum(losses[-50:]) / len(losses[-50:]), seconds


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="?", help="a text file with a name in each line; a few are built in")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    if options.steps < 1:
        parser.error(f"--steps: expected at least 1, got {options.steps}")

    names = (SOME_NAMES if options.names is None else Path(options.names).read_text(encoding="utf-8")).split()
    letters = sorted(set("".join(names)))
    longest = max(map(len, names))
    number = {letter: i for i, letter in enumerate(letters)}

    def tokens_of(name):
        return [len(letters), *(number[letter] for letter in name), len(letters)]

    rng = random.Random(options.seed)
    weights = new_weights(len(letters) + 1, longest + 1, rng)
    parameters = [w for matrix in weights.values() for row in matrix for w in row]
    print(f"{len(names)} names, {len(letters)} letters, {len(parameters)} parameters")
    optimizer = Adam(parameters, 0.01)

    def on_one_name(tokens):
        return loss_of(weights, tokens)

    loss, slow = train(on_one_name, names, tokens_of, optimizer, 3, rng)
    print(f"number by number: loss {loss:.3f}, {1000 * slow:.0f} ms a step")
    fast = vectorize(on_one_name, parameters=weights)
    loss, seconds = train(fast, names, tokens_of, optimizer, options.steps, rng)
    print(f"vectorised, recordings included: loss {loss:.3f}, {1000 * seconds:.1f} ms a step")
    name = rng.choice(names)
    for _ in range(8):
        fast(tokens_of(name))
    start = time.perf_counter()
    for _ in range(20):
        fast(tokens_of(name)).backward()
    once = (time.perf_counter() - start) / 20
    print(f"a program alone: {1000 * once:.2f} ms for {name!r}, loss and gradients, {slow / once:.0f} times as fast")
    print(f"\nWhat was found in the numbers, for {len(name) + 1} letters:\n")
    print(fast.text())


if __name__ == "__main__":
    main()
