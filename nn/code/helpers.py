"""What a program in NumPy needs beside NumPy: functions that formulas of derivations name, as they stand in it."""

from __future__ import annotations

import re

import numpy as np

__all__ = ["functions_for"]

_HELPERS = '''
def relu(Z):
    return np.maximum(Z, 0)


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def softmax(Z):
    E = np.exp(Z - Z.max(-1, keepdims=True))
    return E / E.sum(-1, keepdims=True)


def softplus(Z):
    return np.logaddexp(0, Z)


def leaky_relu(Z, slope=0.01):
    return np.where(Z > 0, Z, slope * Z)


def elu(Z, alpha=1):
    return np.where(Z > 0, Z, alpha * (np.exp(np.minimum(Z, 0)) - 1))


def selu(Z):
    return 1.0507009873554805 * elu(Z, 1.6732632423543772)


def softsign(Z):
    return Z / (1 + abs(Z))


def hard_sigmoid(Z):
    return np.clip(Z / 6 + 0.5, 0, 1)


def mish(Z):
    return Z * np.tanh(softplus(Z))


def log_softmax(Z):
    Z = Z - Z.max(-1, keepdims=True)
    return Z - np.log(np.exp(Z).sum(-1, keepdims=True))


def silu(Z):
    return Z * sigmoid(Z)


def normal_cdf(Z):
    return (1 + np.vectorize(math.erf, otypes=[float])(Z / math.sqrt(2))) / 2


def gelu(Z):
    return Z * normal_cdf(Z)


def max(X, axis):
    return X.max(axis)


def min(X, axis):
    return X.min(axis)


def reshape(X, shape):
    return X.reshape(shape)


def scatter(G, index, shape):
    """The opposite of looking up: what came back from each place, added up where it was looked up."""
    total = np.zeros(shape)
    np.add.at(total, index, G)
    return total


def windows(X, size, strides, pads, fill=0.0):
    """All windows of images (m, height, width, c): (m, rows, columns, c, *size)."""
    X = np.pad(X, ((0, 0), *pads, (0, 0)), constant_values=fill)
    axes = tuple(range(1, len(size) + 1))
    found = np.lib.stride_tricks.sliding_window_view(X, size, axis=axes)
    return found[(slice(None), *(slice(None, None, step) for step in strides))]


def correlate(X, W, strides, pads):
    """Each window of X times the weights W (units, height, width, c), summed."""
    V = np.moveaxis(windows(X, W.shape[1:-1], strides, pads), W.ndim - 1, -1)
    return np.tensordot(V, W, axes=(range(W.ndim - 1, V.ndim), range(1, W.ndim)))


def conv_to_kernel(X, G, strides, pads, kernel):
    """dW: what came back to each unit, times the windows that it had looked at."""
    V = np.moveaxis(windows(X, kernel, strides, pads), G.ndim - 1, -1)
    axes = range(G.ndim - 1)
    return np.tensordot(G, V, axes=(axes, axes))


def conv_to_input(G, W, strides, pads, space):
    """dX: what came back to each window, laid where the window was."""
    framed = np.zeros((len(G), *(n + a + b for n, (a, b) in zip(space, pads)), W.shape[-1]))
    places = G.shape[1:-1]
    for at in np.ndindex(W.shape[1:-1]):
        where = tuple(slice(i, i + n * step, step) for i, n, step in zip(at, places, strides))
        framed[(slice(None), *where)] += G @ W[(slice(None), *at)]
    return framed[(slice(None), *(slice(a, a + n) for n, (a, b) in zip(space, pads)))]


def max_pool(X, size, strides, padding):
    axes = tuple(range(-len(size), 0))
    return windows(X, size, strides, padding, -np.inf).max(axes)


def unpool(G, X, P, size, strides, pads):
    """What came back to each window goes to its largest number; equal ones share it."""
    V = windows(X, size, strides, pads, -np.inf)
    axes = tuple(range(-len(size), 0))
    largest = V == np.expand_dims(P, axes)
    shares = largest / largest.sum(axes, keepdims=True) * np.expand_dims(G, axes)
    return laid_back(shares, X.shape, size, strides, pads)


def numbers_in(space, size, strides, pads):
    """How many numbers each window has; zeros around count as nothing."""
    return windows(np.ones((1, *space, 1)), size, strides, pads).sum(tuple(range(-len(size), 0)))


def average_pool(X, size, strides, pads):
    sums = windows(X, size, strides, pads).sum(tuple(range(-len(size), 0)))
    return sums / numbers_in(X.shape[1:-1], size, strides, pads)


def share(G, size, strides, pads, space):
    """What came back to each window, in equal parts to each number of it."""
    return upsample(G / numbers_in(space, size, strides, pads), size, strides, pads, space)


def upsample(G, size, strides, pads, space):
    """What came back to each window, given to each place of it."""
    axes = tuple(range(-len(size), 0))
    shares = np.broadcast_to(np.expand_dims(G, axes), (*G.shape, *size))
    return laid_back(shares, (len(G), *space, G.shape[-1]), size, strides, pads)


def laid_back(V, shape, size, strides, pads):
    """The opposite of windows: what stands in each, added up where the window was."""
    space = shape[1:-1]
    framed = np.zeros((shape[0], *(n + a + b for n, (a, b) in zip(space, pads)), shape[-1]))
    places = V.shape[1 : 1 + len(space)]
    for at in np.ndindex(size):
        where = tuple(slice(i, i + n * step, step) for i, n, step in zip(at, places, strides))
        framed[(slice(None), *where)] += V[(..., *at)]
    return framed[(slice(None), *(slice(a, a + n) for n, (a, b) in zip(space, pads)))]
'''

HELPERS = {
    re.match(r"def (\w+)", code)[1]: code.strip()  # type: ignore[index]
    for code in re.split(r"\n(?=def )", _HELPERS)
    if code.strip()
}
OF_NUMPY = {
    "abs",
    "broadcast_to",
    "clip",
    "concatenate",
    "cos",
    "cosh",
    "exp",
    "expm1",
    "flip",
    "log",
    "log1p",
    "logaddexp",
}
OF_NUMPY |= {"maximum", "minimum", "ones", "s_", "sign", "sin", "sinh", "sqrt", "stack", "tanh", "transpose", "tri"}
OF_NUMPY |= {"where", "zeros"}
_CALLED = re.compile(r"(?<![\w.])([A-Za-z_]\w*)(?=[(\[])")


def functions_for(lines: list[str]) -> tuple[list[str], list[str], list[str]]:
    """For the functions that lines call: those to be imported from NumPy, the code of the others, unknown names."""
    names = set(_CALLED.findall("\n".join(lines)))
    waiting, used = sorted(names), set()
    while waiting:
        name = waiting.pop()
        if name in HELPERS and name not in used:
            used.add(name)
            waiting += _CALLED.findall(HELPERS[name].partition("\n")[2])
    imported = sorted(name for name in names if name in OF_NUMPY and hasattr(np, name))
    called = {name for name in names if f"{name}(" in "\n".join(lines)}
    unknown = sorted(called - OF_NUMPY - used - {"len", "sum", "array"})
    return imported, [code for name, code in HELPERS.items() if name in used], unknown
