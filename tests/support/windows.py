"""Convolution and pooling as their definitions say them, place by place: what readers of formulas compute with.

how: what a formula says, {"s": "2", "p": "1"}: the stride, and the zeros before and behind each axis.
"""

import itertools

import numpy as np


def _sides(how, axes, usual=None):
    strides = tuple(map(int, how.get("s", "").split("×"))) if "s" in how else usual or (1,)
    pads = [tuple(map(int, word.split("+"))) for word in how.get("p", "0").split("×")]
    pads = [pair * 2 if len(pair) == 1 else pair for pair in pads]
    return strides * (axes // len(strides)), pads * (axes // len(pads))


def _padded(x, pads, value=0.0):
    return np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=value)


def _places(space, kernel, strides, pads):
    return [(n + sum(pair) - k) // s + 1 for n, k, s, pair in zip(space, kernel, strides, pads, strict=True)]


def _windows(places, kernel, strides):
    """Each place with the part of an array, behind its samples, that a window shows there."""
    for q in itertools.product(*map(range, places)):
        yield q, tuple(slice(i * s, i * s + k) for i, s, k in zip(q, strides, kernel, strict=True))


def correlated(x, w, how):
    axes = x.ndim - 2
    strides, pads = _sides(how, axes)
    kernel = w.shape[1:-1]
    places = _places(x.shape[1:-1], kernel, strides, pads)
    wide = _padded(x, pads)
    z = np.zeros((len(x), *places, len(w)))
    for n, o in itertools.product(range(len(x)), range(len(w))):
        for q, part in _windows(places, kernel, strides):
            z[(n, *q, o)] = (wide[(n, *part)] * w[o]).sum()
    return z


def to_kernel(x, g, how, shape):
    strides, pads = _sides(how, x.ndim - 2)
    kernel = shape[1:-1]
    wide, w = _padded(x, pads), np.zeros(shape)
    for n, o in itertools.product(range(len(x)), range(g.shape[-1])):
        for q, part in _windows(g.shape[1:-1], kernel, strides):
            w[o] += g[(n, *q, o)] * wide[(n, *part)]
    return w


def to_input(g, w, how, shape):
    axes = g.ndim - 2
    strides, pads = _sides(how, axes)
    kernel = w.shape[1:-1]
    if shape is None or len(shape) != g.ndim:  # as far as the windows reach
        space = [(n - 1) * s + k - sum(p) for n, s, k, p in zip(g.shape[1:-1], strides, kernel, pads, strict=True)]
        shape = (len(g), *space, w.shape[-1])
    wide = _padded(np.zeros(shape), pads)
    for n, o in itertools.product(range(len(g)), range(g.shape[-1])):
        for q, part in _windows(g.shape[1:-1], kernel, strides):
            wide[(n, *part)] += g[(n, *q, o)] * w[o]
    inside = tuple(slice(before, before + n) for n, (before, _) in zip(shape[1:-1], pads, strict=True))
    return wide[(slice(None), *inside)]


def _pooled(x, size, how, value, of):
    strides, pads = _sides(how, x.ndim - 2, size)
    places = _places(x.shape[1:-1], size, strides, pads)
    wide = _padded(x, pads, value)
    z = np.zeros((len(x), *places, x.shape[-1]))
    for q, part in _windows(places, size, strides):
        seen = wide[(slice(None), *part)]
        z[(slice(None), *q)] = of(seen, tuple(range(1, seen.ndim - 1)))
    return z


def maxpool(x, size, how, shape):
    return _pooled(x, size, how, -np.inf, np.max)


def avgpool(x, size, how, shape):
    return _pooled(x, size, how, np.nan, np.nanmean)


def upsample(g, size, how, shape):
    strides, pads = _sides(how, g.ndim - 2, size)
    if shape is None or len(shape) != g.ndim:
        shape = (len(g), *((n - 1) * s + k for n, s, k in zip(g.shape[1:-1], strides, size, strict=True)), g.shape[-1])
    wide = _padded(np.zeros(shape), pads)
    for q, part in _windows(g.shape[1:-1], size, strides):
        wide[(slice(None), *part)] += g[(slice(None), *(slice(i, i + 1) for i in q))]
    inside = tuple(slice(before, before + n) for n, (before, _) in zip(shape[1:-1], pads, strict=True))
    return wide[(slice(None), *inside)]


def unpool(g, x, z, size, how, shape):
    strides, pads = _sides(how, x.ndim - 2, size)
    wide = _padded(x, pads, -np.inf)
    found = np.zeros(wide.shape)
    for n, c in itertools.product(range(len(x)), range(x.shape[-1])):
        for q, part in _windows(z.shape[1:-1], size, strides):
            largest = wide[(n, *part, c)] == z[(n, *q, c)]
            found[(n, *part, c)] += g[(n, *q, c)] * largest / largest.sum()
    inside = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape[1:-1], pads, strict=True))
    return found[(slice(None), *inside)]
