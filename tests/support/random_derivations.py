"""Random computations of Tensors with one number at the end, named and partly named, for `derive`."""

import numpy as np

import autograd
from autograd import Tensor

ELEMENTWISE = (
    autograd.tanh, autograd.sigmoid, autograd.relu, autograd.exp, autograd.softplus, autograd.leaky_relu, autograd.sin,
    lambda z: z * z, lambda z: z**3, lambda z: 1 / (2 + z * z), lambda z: autograd.sqrt(1 + z * z), lambda z: -z,
    lambda z: z / (1 + autograd.exp(-z)), lambda z: autograd.clip(z, -1.0, 1.0), lambda z: abs(z), lambda z: 2 * z - 1,
    lambda z: autograd.log(1 + z * z), lambda z: (1 + z * z) ** 1.5, lambda z: 2**z,
    lambda z: autograd.where(z.data > 0, z, 0.5 * z * z),
)  # fmt: skip


def _normalized(z, axis):
    return (z - z.mean(axis, keepdims=True)) / autograd.sqrt(z.var(axis, keepdims=True) + 0.1)


def _softmax_by_hand(z, axis):
    e = autograd.exp(z)
    return e / e.sum(axis, keepdims=True)


WHOLE = (
    lambda z, axis: autograd.softmax(z, axis=axis), _softmax_by_hand, _normalized,
    lambda z, axis: z - z.mean(axis, keepdims=True), lambda z, axis: autograd.log_softmax(z, axis=axis),
    lambda z, axis: z / autograd.norm(z, axis=axis, keepdims=True), lambda z, axis: z - z.max(axis, keepdims=True),
    lambda z, axis: z / z.std(axis, keepdims=True), lambda z, axis: z - autograd.logsumexp(z, axis=axis, keepdims=True),
    lambda z, axis: z * z.sum(), lambda z, axis: z + z.sum(axis, keepdims=True),
)  # fmt: skip


class Computation:
    """target and sources of one random computation; rows: samples are rows."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.m, self.rows = int(self.rng.integers(2, 6)), bool(self.rng.integers(2))
        self.naming = self.rng.choice([0.0, 0.4, 1.0])
        self.parameters = []
        self.layer = 0
        n = int(self.rng.integers(1, 4))
        z = self.data(n)
        for _ in range(int(self.rng.integers(1, 4))):
            z = self.step(z)
        self.target = self.cost(z)
        if self.chance(0.2):
            self.target = self.target + 0.1 * (self.parameters[0] ** 2).sum()
        if self.chance(0.7):
            self.target.label = str(self.rng.choice(["L", "J", "loss"]))

    def chance(self, p):
        return self.rng.random() < p

    def shape(self, n):
        return (self.m, n) if self.rows else (n, self.m)

    def data(self, n):
        x = self.rng.normal(size=self.shape(n))
        return x if self.chance(0.4) else Tensor(x, "X" if self.chance(0.7) else None)

    def parameter(self, label, *shape):
        name = f"{label}[{self.layer}]" if self.chance(0.8) else f"{label}_{self.layer}"
        found = Tensor(self.rng.normal(size=shape), name)
        self.parameters.append(found)
        return found

    def named(self, z, label):
        if self.chance(self.naming):
            z.label = f"{label}[{self.layer}]"
        return z

    def width(self, z):
        return z.shape[1] if self.rows else z.shape[0]

    def step(self, z):
        self.layer += 1
        kind = self.rng.integers(8) if self.parameters else 0
        if kind <= 3:
            return self.dense(z)
        if kind == 4:
            f = WHOLE[self.rng.integers(len(WHOLE))]
            return self.named(f(z, int(self.rng.integers(2))), "N")
        if kind == 5:
            n = self.width(z)
            shape = (n,) if self.rows and self.chance(0.5) else (1, n) if self.rows else (n, 1)
            return self.named(z * self.parameter("gamma", *shape), "G")
        if kind == 6:
            mask = (self.rng.random(z.shape) < 0.7) / 0.7
            return self.named(z * mask, "D")
        return self.named(z + ELEMENTWISE[self.rng.integers(len(ELEMENTWISE))](z), "R")

    def dense(self, z):
        n, k = self.width(z), int(self.rng.integers(1, 4))
        w = self.parameter("W", k, n)
        if self.rows:
            z = z @ w.T
            if self.chance(0.7):
                z = z + self.parameter("b", *((k,) if self.chance(0.6) else (1, k)))
        else:
            z = w @ z
            if self.chance(0.7):
                z = z + self.parameter("b", k, 1)
        z = self.named(z, "Z")
        return self.named(ELEMENTWISE[self.rng.integers(len(ELEMENTWISE))](z), "A")

    def cost(self, z):
        self.layer += 1
        kind = self.rng.integers(9)
        y = self.rng.normal(size=z.shape)
        if kind == 0:
            return ((z - y) ** 2).mean()
        if kind == 1:
            return ((z - y) ** 2).sum() / (2 * self.m)
        if kind == 2:
            return autograd.squared_error(z if self.rows else z.T, y if self.rows else y.T)
        if kind == 3 and self.width(z) > 1:
            y = np.eye(self.width(z))[self.rng.integers(self.width(z), size=self.m)]
            return autograd.softmax_cross_entropy(z if self.rows else z.T, y)
        if kind == 4 and self.width(z) > 1:
            y = np.eye(self.width(z))[self.rng.integers(self.width(z), size=self.m)]
            a = self.named(autograd.softmax(z, axis=1 if self.rows else 0), "A")
            return -((y if self.rows else y.T) * autograd.log(a)).sum() / self.m
        if kind == 5:
            y = (self.rng.random(z.shape) < 0.5).astype(float)
            a = self.named(autograd.sigmoid(z), "A")
            return -(y * autograd.log(a) + (1 - y) * autograd.log(1 - a)).sum() / self.m
        if kind == 6:
            y = (self.rng.random(z.shape) < 0.5).astype(float)
            return autograd.binary_cross_entropy_with_logits(z if self.rows else z.T, y if self.rows else y.T)
        if kind == 7:
            each = self.named((z * y).sum(1 if self.rows else 0), "e")
            return (each**2).mean()
        return (z[self.rng.integers(z.shape[0], size=3)] ** 2).sum() + z[0].sum()
