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
            try:
                return autograd.softmax_cross_entropy(z if self.rows else z.T, y)
            except ValueError:  # what a softmax gave is no logit
                return autograd.cross_entropy(z if self.rows else z.T, y)
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
            z, y = (z, y) if self.rows else (z.T, y.T)
            try:
                return autograd.binary_cross_entropy_with_logits(z, y)
            except ValueError:  # what a sigmoid gave is no logit
                return autograd.binary_cross_entropy(z, y)
        if kind == 7:
            each = self.named((z * y).sum(1 if self.rows else 0), "e")
            return (each**2).mean()
        return (z[self.rng.integers(z.shape[0], size=3)] ** 2).sum() + z[0].sum()


class Mixture:
    """A computation without layers: vectors, products with them, indices, pieces, tied and oddly named arrays."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.parameters = []
        self.names = iter(
            self.rng.permutation(["C", "m", "diff2", "e+c", "x_1", "V_1", "u", "s", "Q", "w_1,2", "A", "i"])
        )
        self.naming = self.rng.choice([0.3, 1.0])
        n = int(self.rng.integers(2, 4))
        square, wide, v = self.parameter(n, n), self.parameter(n, 3), self.parameter(n)
        made = [square, wide, v, self.parameter(n, 1)]
        for _ in range(int(self.rng.integers(2, 6))):
            made.append(self.named(self.made_of(made, n)))
        cost = made[-1]
        cost = (cost * self.rng.normal(size=cost.shape)).sum() if self.rng.random() < 0.5 else (cost**2).mean()
        self.target = cost + (0.1 * (made[-2] ** 2).sum() if self.rng.random() < 0.5 else 0.0)

    def parameter(self, *shape):
        found = Tensor(self.rng.normal(size=shape), str(next(self.names)))
        self.parameters.append(found)
        return found

    def named(self, z):
        if self.rng.random() < self.naming:
            name = next(self.names, None)
            z.label = None if name is None else str(name)
        return z

    def any(self, made, *ndims):
        fitting = [z for z in made if z.ndim in ndims]
        return fitting[self.rng.integers(len(fitting))]

    def made_of(self, made, n):
        square, wide, v = made[:3]
        x = self.any(made, 1, 2)
        kind = self.rng.integers(18)
        if kind == 0:
            return square @ v
        if kind == 1:
            return v @ square
        if kind == 2:
            return autograd.outer(v, autograd.tanh(square @ v))
        if kind == 3:
            return wide.T @ v
        if kind == 4:
            return (v @ square) @ v * x
        if kind == 5:
            return autograd.norm(v @ square) * x
        if kind == 6:
            return autograd.concatenate([x, autograd.sin(x)], axis=0)
        if kind == 7:
            places = self.rng.integers(x.shape[0], size=int(self.rng.choice([2, 11])))
            return -x[places]
        if kind == 8:
            return x[1:] * 2 if x.shape[0] > 1 else x
        if kind == 9:
            return x.reshape((x.size,)) if self.rng.random() < 0.5 else x.reshape((1, x.size))
        if kind == 10:
            return autograd.softmax(x, axis=int(self.rng.integers(x.ndim)))
        if kind == 11:
            return autograd.where(self.rng.random(x.shape) < 0.5, x, -x * x)
        if kind == 12:
            scores = autograd.where(np.tri(n) > 0, square @ square.T, -np.inf)
            return autograd.softmax(scores) @ wide
        if kind == 13:
            return (square @ square) / (2 + square @ square.T * square)
        if kind == 14:
            return x.max(0) * 1.5 - x.min()
        if kind == 15:
            return 2 / (1 + x * x) / (3 + autograd.exp(x))
        if kind == 16:
            return (x * 0) ** 2 + x.prod(0)
        return ELEMENTWISE[self.rng.integers(len(ELEMENTWISE))](x)
