"""The least that an engine in Python costs: a step by hand with Tensors beside one that checks nothing.

    python benchmarks/bare_engine.py

Bare: nodes with the slots of a Tensor, operations of NumPy calls that are those of `autograd`, a loop back along the
chain. It takes no number, no array that could change, no mixed types, no broadcasting, no branch, and warns of nothing.
What it takes above `best`, which makes no array and no node, no engine of this kind can save; what a Tensor takes above
it is what is asked of every operation.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from training_step import NETS, Candidate, Data, Net, best, inference, made, tensors

from autograd.ieee import restore, silence

ROUNDS, SLOT = 101, 0.004
next_serial = itertools.count(1).__next__


class Node:
    """A leaf (`op` is None) or a result; its operands are nodes, or arrays that have no gradient."""

    __slots__ = ("buffer", "data", "grad", "label", "op", "operands", "seen", "serial")


class Op:
    """A forward function, and a pull for each operand that has a gradient."""

    def __init__(self, forward: Callable[..., Any], *pulls: Callable[..., Any]) -> None:
        self.forward, self.pulls = forward, pulls


def leaf(data: np.ndarray, buffer: np.ndarray) -> Node:
    v = Node()
    v.data, v.buffer, v.operands, v.serial = data, buffer, (), next_serial()
    v.op = v.grad = v.label = v.seen = None
    return v


def record(op: Op, *operands: Any) -> Node:
    data = [u.data if u.__class__ is Node else u for u in operands]
    before = silence()
    try:
        z = op.forward(*data)
    finally:
        restore(before)
    v = Node()
    v.label = v.grad = v.seen = None
    v.data, v.op, v.operands, v.serial = z, op, operands, next_serial()
    return v


def backward(v: Any, g: Any) -> None:
    while v is not None:
        z, pulls, below = v.data, v.op.pulls, None
        data = [u.data if u.__class__ is Node else u for u in v.operands]
        for i, u in enumerate(v.operands):
            if u.__class__ is not Node:
                continue
            if u.op is None:
                u.grad = pulls[i](g, z, *data, u.buffer)
            else:
                below, arriving = u, pulls[i](g, z, *data)
        if below is not None:
            g = arriving
        v = below


def bare(net: Net, data: Data, rate: float, *, only_forward: bool = False) -> Candidate:
    """The step of `tensors`, or the outputs of `inference`, of these nodes."""
    number = lambda x: np.array(x, np.float32)  # noqa: E731
    flat, gradient, kept, free = (np.concatenate([w.ravel() for w in data.weights]) for _ in range(4))
    cuts = np.cumsum([0, *(w.size for w in data.weights)])
    parts = [(slice(a, b), w.shape) for (a, b), w in zip(itertools.pairwise(cuts), data.weights, strict=True)]
    parameters = [leaf(flat[p].reshape(shape), gradient[p].reshape(shape)) for p, shape in parts]
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
    m, one, step_size, share = net.batch, number(1), number(rate), 1 / net.batch
    beside = {(c, n): np.full((m, n), c, np.float32) for c, n in itertools.product((0, 1, 80), {*net.sizes[1:]})}
    ones, all_ones = np.ones(m, np.float32), np.ones(m * net.sizes[-1], np.float32)

    def affine(x: Any, w: Any, b: Any) -> Any:
        z = x.dot(w.T)
        return np.add(z, b, z)

    def sigmoid(x: Any) -> Any:
        e = np.minimum(x, beside[80, x.shape[1]])
        np.exp(e, e)
        return np.divide(e, np.add(e, one), e)

    def relu_slope(x: Any) -> Any:
        z = np.minimum(np.maximum(x, beside[0, x.shape[1]]), beside[1, x.shape[1]])
        return np.ceil(z, z)

    def squares(p: Any, y: Any) -> Any:
        d = p - y
        return (0.5 * d * d).ravel().dot(all_ones) * share

    def entropy(z: Any, y: Any) -> Any:
        each = np.maximum(z, beside[0, z.shape[1]]) - z * y + np.log1p(np.exp(-np.abs(z)))
        return each.ravel().dot(all_ones) * share

    layer = Op(
        affine,
        lambda g, z, x, w, b: g.dot(w),
        lambda g, z, x, w, b, out: g.T.dot(x, out),
        lambda g, z, x, w, b, out: g.T.dot(ones, out),
    )
    curve = Op(sigmoid, lambda g, z, x: g * (z * (1 - z)))
    bend = Op(lambda x: np.maximum(x, beside[0, x.shape[1]]), lambda g, z, x: g * relu_slope(x))
    hidden = {"sigmoid": curve, "relu": bend}[net.hidden]
    of_outputs = Op(squares, lambda g, z, p, y: share * (p - y))
    of_logits = Op(entropy, lambda g, z, x, y: share * (sigmoid(x) - y))

    def forward() -> Node:
        a: Any = data.x
        for w, b in pairs[:-1]:
            a = record(hidden, record(layer, a, w, b))
        return record(layer, a, *pairs[-1])

    def step() -> float:
        z = forward()
        loss = record(of_logits, z, data.y) if net.loss == "binary" else record(of_outputs, record(curve, z), data.y)
        for p in parameters:
            p.grad = None
        before = silence()
        backward(loss, one)
        np.copyto(kept, flat)
        np.multiply(gradient, step_size, free)
        np.subtract(flat, free, flat)
        restore(before)
        return float(loss.data)

    return Candidate((lambda: record(curve, forward())) if only_forward else step, lambda: [p.data for p in parameters])


def main() -> None:
    for net in (NETS[0], NETS[4]):
        data = made(net)
        candidates = {
            "best": best(net, data, 1e-6),
            "bare": bare(net, data, 1e-6),
            "tensors": tensors(net, data, 1e-6),
            "bare, forward": bare(net, data, 1e-6, only_forward=True),
            "no_grad": inference(net, data, 1e-6),
        }
        times: dict[str, list[float]] = {name: [] for name in candidates}
        for _ in range(ROUNDS):
            for name, candidate in candidates.items():
                n, start = 0, time.process_time()
                while (taken := time.process_time() - start) < SLOT:
                    candidate.step()
                    n += 1
                times[name].append(taken / n * 1e6)
        print(net, ", ".join(f"{name} {statistics.median(found):.1f} µs" for name, found in times.items()))
        for a, b in (("bare", "best"), ("tensors", "best"), ("tensors", "bare"), ("no_grad", "bare, forward")):
            print(f"  {a} / {b}: {statistics.median(map(float.__truediv__, times[a], times[b])):.2f}")


if __name__ == "__main__":
    main()
