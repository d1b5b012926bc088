"""Convolution and pooling: what looks at an image, or a sequence, through a window.

Arrays have samples first and channels last, (n, *space, channels), with any number of axes of space: one for
sequences, two for images. A window of sizes `kernel` stands at every stride-th place; `padding` is "valid" for
the places where it lies inside, "same" for as many places as space has (divided by the stride, rounded up, the
odd one padded behind, as Keras and TensorFlow do), or a pair (before, after) for each axis of space.

A convolution is one form, Σ g[n, p, o] x[n, p·stride + k, c] w[o, k, c] over samples n, places p, offsets k in
the window, channels c and units o. Two of g, x and w given, it is linear in the third: that is `correlate`,
`conv_to_kernel` and `conv_to_input`, and the gradients of each are the two others, to any order.
(Goodfellow, Bengio and Courville, Deep Learning, section 9.5; Dumoulin and Visin, arXiv:1603.07285.)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Unpack

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import DTypeLike

from ..op import Pull, Writing, structural
from ..operands import Operand, as_array, describe, plainly, zeros
from .choosing import where
from .matrices import rows_summed

__all__ = ["average_pool", "conv", "fold", "max_pool", "windows"]

Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]

# How many bytes of windows are copied out at a time: what stays in a processor's cache.
PIECE = 1 << 20


# ---------------------------------------------------------------- where windows stand


def sizes(where: str, what: str, given: int | Sequence[int], axes: int) -> Sizes:
    """One whole number of at least 1 for each axis of space; one number stands for all."""
    several = (given,) * axes if isinstance(given, int | np.integer) else given
    if not isinstance(several, tuple | list) or not all(
        isinstance(n, int | np.integer) and not isinstance(n, bool) for n in several
    ):
        raise TypeError(f"{where}: expected {what} as an int or {axes} of them, got {describe(given)}")
    if len(several) != axes or min(several, default=1) < 1:
        raise ValueError(f"{where}: expected {what} of at least 1, one or {axes} of them, got {given}")
    return tuple(map(int, several))


def pads_of(where: str, padding: str | Sequence[Sequence[int]], space: Sizes, kernel: Sizes, strides: Sizes) -> Pads:
    """How many zeros stand before and behind each axis. ValueError if no window fits in."""
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ValueError(
                f"{where}: expected padding 'valid', 'same' or (before, after) for each axis, got {padding!r}"
            )
        needed = (
            max(0, (-(-n // s) - 1) * s + k - n) if padding == "same" else 0
            for n, k, s in zip(space, kernel, strides, strict=True)
        )
        pads = tuple((n // 2, n - n // 2) for n in needed)
    else:
        try:
            pads = tuple((int(before), int(after)) for before, after in padding)
        except (TypeError, ValueError):
            pads = ()
        if len(pads) != len(space) or any(n < 0 for pair in pads for n in pair):
            raise ValueError(
                f"{where}: expected padding 'valid', 'same' or (before, after) of at least 0 for each of {len(space)} "
                f"axes, got {padding!r}"
            )
    for n, k, pair in zip(space, kernel, pads, strict=True):
        if n + sum(pair) < k:
            raise ValueError(
                f"{where}: a window of {_times(kernel)} does not fit into {_times(space)}"
                + (f" with padding {pads}" if any(map(any, pads)) else "; padding='same' surrounds it with zeros")
            )
    return pads


def _times(shape: Sizes) -> str:
    return "×".join(map(str, shape))


def places(space: Sizes, kernel: Sizes, strides: Sizes, pads: Pads) -> Sizes:
    """At how many places the window stands, along each axis."""
    return tuple((n + sum(pair) - k) // s + 1 for n, k, s, pair in zip(space, kernel, strides, pads, strict=True))


def _padded(x: np.ndarray, pads: Pads, value: float = 0.0) -> np.ndarray:
    if not any(map(any, pads)):
        return x
    wide = np.full(_wide(x.shape, pads), value, x.dtype)  # a third of the time of np.pad
    _cropped(wide, pads)[...] = x
    return wide


def _cropped(x: np.ndarray, pads: Pads) -> np.ndarray:
    if not any(map(any, pads)):
        return x
    return x[(slice(None), *(slice(before, n - after) for n, (before, after) in zip(x.shape[1:-1], pads, strict=True)))]


def _wide(shape: Sizes, pads: Pads) -> Sizes:
    """The shape (n, *space, channels) with padding."""
    return (shape[0], *(n + sum(pair) for n, pair in zip(shape[1:-1], pads, strict=True)), shape[-1])


def _offsets(kernel: Sizes, strides: Sizes, where_to: Sizes) -> Iterator[tuple[Sizes, tuple[slice, ...]]]:
    """Each offset in the window, with the part of the padded array that lies under it at all places."""
    for k in itertools.product(*map(range, kernel)):
        yield (
            k,
            (slice(None), *(slice(i, i + (p - 1) * s + 1, s) for i, p, s in zip(k, where_to, strides, strict=True))),
        )


def _pieces(n: int, bytes_each: int) -> Iterator[slice]:
    """Samples a few at a time, about as many in each piece, so that what is copied for them stays in the cache."""
    step = max(1, -(-n // max(1, -(-n * bytes_each // PIECE))))
    for i in range(0, n, step):
        yield slice(i, min(n, i + step))


# ---------------------------------------------------------------- how it is written


def _per_axis(several: Sequence[object]) -> str:
    """One word for each axis, or one that holds for all: 2, 2×1."""
    words = list(map(str, several))
    return words[0] if len(set(words)) == 1 else "×".join(words)


def _strides_and_pads(shape: Sizes, strides: Sizes, pads: Pads, *rest: Sizes) -> list[str]:
    """s=2 for how far the window moves and p=1 for the zeros around; 0+1 for none before and one behind."""
    found = [f"s={_per_axis(strides)}"] if any(n != 1 for n in strides) else []
    if any(map(any, pads)):
        found.append(f"p={_per_axis([a if a == b else f'{a}+{b}' for a, b in pads])}")
    return found


def _window(shape: Sizes, size: Sizes, strides: Sizes, pads: Pads, *rest: Sizes) -> list[str]:
    """2×2, and s and p where windows do not lie side by side."""
    moved = _strides_and_pads(shape, strides, pads)
    if strides == size:
        moved = [word for word in moved if not word.startswith("s=")]
    elif all(n == 1 for n in strides):
        moved = ["s=1", *moved]
    return [_times(size), *moved]


_CORRELATION = (
    "(X ⋆ W)[i, q, o] = Σ X[i, s q + k, c] W[o, k, c] over k, c: the window W at every place q; stride s, else 1; "
    "X with p zeros around, else none",
    r"(X \star W)_{i,q,o} = \sum_{k,c} X_{i,\,sq+k,\,c}\, W_{o,k,c}",
)
_OF_KERNEL = (
    "(X ⋆ dZ)[o, k, c] = Σ X[i, s q + k, c] dZ[i, q, o] over i, q: a share from every sample and place",
    r"(X \star dZ)_{o,k,c} = \sum_{i,q} X_{i,\,sq+k,\,c}\, dZ_{i,q,o}",
)
_CONVOLUTION = (
    "(dZ ∗ W)[i, r, c] = Σ dZ[i, q, o] W[o, k, c] over o and all q, k with s q + k = r: the window turned round",
    r"(dZ * W)_{i,r,c} = \sum_{o,\,sq+k=r} dZ_{i,q,o}\, W_{o,k,c}",
)
_UNPOOLED = (
    "unpool(dP at A = P): dP where A is the largest number of its window, 0 elsewhere",
    r"\operatorname{unpool}(dP\text{ at }A = P):\ dP \text{ where } A \text{ is the largest of its window, else } 0",
)

_SHARED = (
    "share(dP): each number of dP in equal parts to what its window held; zeros around count as nothing",
    r"\operatorname{share}(dP):\ dP \text{ in equal parts to what its window held, zeros around as nothing}",
)

# ---------------------------------------------------------------- the form


def _between(sign: str, latex: str, note: tuple[str, str]) -> Writing:
    """An operation that stands between its two operands."""
    text, how = f"# {sign}{{how}} #", _strides_and_pads
    return {"symbol": sign, "text": text, "latex": f"# {latex}{{how}} #", "how": how, "note": note}


def _of_windows(name: str, **rest: Unpack[Writing]) -> Writing:
    """An operation on the windows of its operand."""
    return {**rest, "text": f"{name}(#{{how}})", "latex": rf"\operatorname{{{name}}}{{how}}(#)", "how": _window}


def _under(x: np.ndarray, kernel: Sizes, strides: Sizes, where_to: Sizes) -> np.ndarray:
    """What lies under the window at each place, a view: (n, *places, *kernel but its last axis, the rest in a row).

    Along the last axis of the window numbers lie one after another, with all their channels.
    """
    x = np.ascontiguousarray(x)
    along = x.strides[1:-1]
    steps = (x.strides[0], *(n * s for n, s in zip(along, strides, strict=True)), *along[:-1], x.itemsize)
    return as_strided(x, (len(x), *where_to, *kernel[:-1], kernel[-1] * x.shape[-1]), steps)


def _columns(x: np.ndarray, kernel: Sizes, strides: Sizes, where_to: Sizes) -> np.ndarray:
    """What lies under the window at each place, as a matrix: (samples × places, offsets × channels)."""
    if x.shape[-1] == 1:  # offset by offset, since each would copy single numbers
        found = np.empty((math.prod(kernel), len(x), *where_to), x.dtype)
        for row, (_, part) in zip(found, _offsets(kernel, strides, where_to), strict=True):
            row[...] = x[part][..., 0]
        return found.reshape(len(found), -1).T
    return _under(x, kernel, strides, where_to).reshape(len(x) * math.prod(where_to), -1)


def _bytes_of_columns(x: np.ndarray, kernel: Sizes, where_to: Sizes) -> int:
    return math.prod(where_to) * math.prod(kernel) * x.shape[-1] * x.itemsize


@structural(
    lambda g, z, x, w, strides, pads: conv_to_input(g, w, strides, pads, x.shape[1:-1]),
    lambda g, z, x, w, strides, pads: conv_to_kernel(x, g, strides, pads, w.shape[1:-1]),
    None,
    None,
    **_between("⋆", r"\star", _CORRELATION),
    linear=(0, 1),
    by_sample=True,
)
def correlate(x: Operand, w: Operand, strides: Sizes, pads: Pads) -> Operand:
    """The sums of x under the window, weighted with w, at each place, for each unit.

    x: (n, *space, in); w: (out, *kernel, in). Returns (n, *places, out). Gradients: the two other readings of the form.
    """
    return plainly(_correlated, x, w, strides, pads)


def _correlated(x: np.ndarray, w: np.ndarray, strides: Sizes, pads: Pads) -> np.ndarray:
    units, kernel = len(w), w.shape[1:-1]
    where_to = places(x.shape[1:-1], kernel, strides, pads)
    by_rows = w.reshape(units, -1).T
    z = np.empty((len(x), *where_to, units), np.result_type(x, w))
    for piece in _pieces(len(x), _bytes_of_columns(x, kernel, where_to)):
        _columns(_padded(x[piece], pads), kernel, strides, where_to).dot(by_rows, z[piece].reshape(-1, units))
    return z


@structural(
    lambda h, r, g, w, strides, pads, space: correlate(h, w, strides, pads),
    lambda h, r, g, w, strides, pads, space: conv_to_kernel(h, g, strides, pads, w.shape[1:-1]),
    None,
    None,
    None,
    **_between("∗", "*", _CONVOLUTION),
    linear=(0, 1),
)
def conv_to_input(g: Operand, w: Operand, strides: Sizes, pads: Pads, space: Sizes) -> Operand:
    """What arrives at each number of the input if g is the gradient of a correlation with w.

    g: (n, *places, out); w: (out, *kernel, in); space: the sizes of the input. Returns (n, *space, in). It is the
    convolution of g with w in which the window is turned round. As such it is computed where no more places are
    looked at than g has; zeros around g would cost more than to go offset by offset.
    """
    units, kernel, channels = len(w), w.shape[1:-1], w.shape[-1]
    where_to = g.shape[1:-1]
    around = tuple((k - 1 - a, k - 1 - b) for k, (a, b) in zip(kernel, pads, strict=True))
    if channels > 1 and set(strides) == {1} and math.prod(space) <= math.prod(where_to) and min(map(min, around)) >= 0:
        turned = np.flip(w, tuple(range(1, w.ndim - 1))).swapaxes(0, -1)
        return correlate.op.forward(g, turned, strides, around)
    x = np.zeros(_wide((len(g), *space, channels), pads), np.result_type(g, w))
    by_offsets = w.reshape(units, -1, channels)
    for piece in _pieces(len(g), g[0].nbytes if len(g) else 0):
        rows, into = g[piece].reshape(-1, units), x[piece]
        if channels == 1:  # all offsets in one product
            terms = by_offsets[:, :, 0].T.dot(rows.T)
            for term, (_, part) in zip(terms, _offsets(kernel, strides, where_to), strict=True):
                into[part][..., 0] += term.reshape(-1, *where_to)
            continue
        term = np.empty((len(rows), channels), x.dtype)
        for i, (_, part) in enumerate(_offsets(kernel, strides, where_to)):
            into[part] += rows.dot(by_offsets[:, i], term).reshape(-1, *where_to, channels)
    return _cropped(x, pads)


@structural(
    lambda h, r, x, g, strides, pads, kernel: conv_to_input(g, h, strides, pads, x.shape[1:-1]),
    lambda h, r, x, g, strides, pads, kernel: correlate(x, h, strides, pads),
    None,
    None,
    None,
    **_between("⋆", r"\star", _OF_KERNEL),
    linear=(0, 1),
)
def conv_to_kernel(x: Operand, g: Operand, strides: Sizes, pads: Pads, kernel: Sizes) -> Operand:
    """What arrives at each weight of the window if g is the gradient of a correlation of x with it.

    x: (n, *space, in); g: (n, *places, out); kernel: the sizes of the window. Returns (out, *kernel, in). It is the
    correlation of x with g: a weight has a share from every place at which the window stands.
    """
    units, where_to = g.shape[-1], g.shape[1:-1]
    w = np.zeros((units, math.prod(kernel) * x.shape[-1]), np.result_type(g, x))
    for piece in _pieces(len(x), _bytes_of_columns(x, kernel, where_to)):
        w += g[piece].reshape(-1, units).T.dot(_columns(_padded(x[piece], pads), kernel, strides, where_to))
    return w.reshape(units, *kernel, x.shape[-1])


def _door(
    x: Operand, w: Operand, b: Operand = None, strides: Operand = 1, padding: Operand = "valid"
) -> tuple[Operand, ...]:
    x, w = as_array(x, "conv"), as_array(w, "conv")
    b = b if b is None else as_array(b, "conv")
    if x.ndim < 3 or w.ndim != x.ndim or x.shape[-1] != w.shape[-1] or (b is not None and b.shape != w.shape[:1]):
        raise ValueError(
            f"conv: expected x (samples, *space, channels), w (units, *kernel, channels) and b (units,) or None; got "
            f"{x.shape}, {w.shape} and {None if b is None else b.shape}"
        )
    if 0 in w.shape[1:]:
        raise ValueError(f"conv: a window of {_times(w.shape[1:])} has no weights")
    kernel = w.shape[1:-1]
    steps = sizes("conv", "strides", strides, len(kernel))
    return x, w, b, steps, pads_of("conv", padding, x.shape[1:-1], kernel, steps)


@structural(
    lambda g, z, x, w, b, strides, pads: conv_to_input(g, w, strides, pads, x.shape[1:-1]),
    lambda g, z, x, w, b, strides, pads: conv_to_kernel(x, g, strides, pads, w.shape[1:-1]),
    lambda g, z, x, w, b, strides, pads: rows_summed(g),
    None,
    None,
    symbol="X⋆W+b",
    shown="conv",
    formula=lambda x, w, b, strides, pads: correlate(x, w, strides, pads) + b,
    by_sample=True,
)
def correlate_and_add(x: Operand, w: Operand, b: Operand, strides: Sizes, pads: Pads) -> Operand:
    """x ⋆ w + b as one operation: the weighted sums of a convolutional layer. See `conv`."""
    z = correlate.op.forward(x, w, strides, pads)
    rows = z.reshape(len(z), math.prod(z.shape[1:]))
    np.add(rows, np.broadcast_to(b, z.shape[1:]).ravel(), rows)  # in long rows, a fraction of the time
    return z


def conv(
    x: Operand,
    w: Operand,
    b: Operand = None,
    strides: int | Sequence[int] = 1,
    padding: str | Sequence[Sequence[int]] = "valid",
) -> Operand:
    """x ⋆ w + b: the weighted sums of a convolutional layer, the same weights at every place.

    x: array or Tensor (n, *space, in), samples first, channels last; w: (out, *kernel, in), units first; b: (out,)
    or None for 0. strides: how far the window moves, one number or one for each axis; padding: "valid", "same"
    or (before, after) for each axis, see above. Returns (n, *places, out) with
    z[n, p, o] = Σ x[n, p·stride + k, c] w[o, k, c] + b[o]: the window is not turned round, as in all networks.
    Gradients: x ⋆ dz for the weights, dz ∗ w for x (the window turned round), Σ dz for the bias.
    ValueError with the shapes if they do not fit, and if the window is larger than what it looks at.
    """
    x, w, b, steps, pads = _door(x, w, b, strides, padding)
    return correlate(x, w, steps, pads) if b is None else correlate_and_add(x, w, b, steps, pads)


# ---------------------------------------------------------------- pooling


def _pooled(
    name: str, x: Operand, size: Operand, strides: Operand, padding: Operand
) -> tuple[Operand, Sizes, Sizes, Pads]:
    x = as_array(x, name)
    if x.ndim < 3:
        raise ValueError(f"{name}: expected x (samples, *space, channels), got shape {x.shape}")
    kernel = sizes(name, "size", size, x.ndim - 2)
    steps = kernel if strides is None else sizes(name, "strides", strides, x.ndim - 2)
    return x, kernel, steps, pads_of(name, padding, x.shape[1:-1], kernel, steps)


def _max_door(x: Operand, size: Operand, strides: Operand = None, padding: Operand = "valid") -> tuple[Operand, ...]:
    return _pooled("max_pool", x, size, strides, padding)


@structural(
    lambda g, z, x, size, strides, padding: unpool(g, x, z, size, strides, padding),
    None,
    None,
    None,
    door=_max_door,
    **_of_windows("maxpool"),
    by_sample=True,
)
def max_pool(x: Operand, size: Sizes, strides: Sizes, padding: Pads) -> Operand:
    """The largest number of each channel in each window.

    x: array or Tensor (n, *space, channels); size: of the window, one number or one for each axis; strides: None
    for windows side by side; padding as of `conv`, with what never is the largest. Returns (n, *places, channels).
    Derivative: 1 for the number that was taken, 0 for the others; equal ones share it evenly, as of `max`
    (behind a relu these are zeros, which pass nothing on).
    ValueError if the window is larger than what it looks at.
    """
    where_to = places(x.shape[1:-1], size, strides, padding)
    wide = _padded(x, padding, -math.inf)
    z = None
    for _, part in _offsets(size, strides, where_to):
        z = wide[part].copy() if z is None else np.maximum(z, wide[part], out=z)
    assert z is not None
    return z


def _taken(
    x: np.ndarray, z: np.ndarray, size: Sizes, strides: Sizes, pads: Pads
) -> tuple[list[np.ndarray], np.ndarray]:
    """For each offset where it holds a largest number, and how many of these each window has."""
    wide = _padded(x, pads, -math.inf)
    taken = [wide[part] == z for _, part in _offsets(size, strides, z.shape[1:-1])]
    several = taken[0].astype(x.dtype)
    for each in taken[1:]:
        several += each
    return taken, np.maximum(several, 1, out=several)  # a window with a nan has none


def _nothing(i: int) -> Pull:
    """The pull of operand i, on which the result depends only by where its numbers are the largest."""
    return lambda h, r, *operands: where(np.zeros(operands[i].shape, bool), operands[i], 0.0)


@structural(
    lambda h, r, g, x, z, size, strides, pads: picked(h, x, z, size, strides, pads),
    _nothing(1),
    _nothing(2),
    None,
    None,
    None,
    text="unpool(# at # = #{how})",
    latex=r"\operatorname{unpool}{how}(#\text{ at }# = #)",
    how=_window,
    note=_UNPOOLED,
    linear=(0,),
)
def unpool(g: Operand, x: Operand, z: Operand, size: Sizes, strides: Sizes, pads: Pads) -> Operand:
    """g at the places where z, the largest numbers of the windows of x, were found: the gradient of `max_pool`.

    g, z: (n, *places, channels); x: (n, *space, channels). Returns x's shape.
    """
    taken, several = _taken(x, z, size, strides, pads)
    share = g / several
    wide = zeros(_wide(x.shape, pads), share)
    for each, (_, part) in zip(taken, _offsets(size, strides, z.shape[1:-1]), strict=True):
        wide[part] += each * share
    return _cropped(wide, pads)


@structural(
    lambda h, r, g, x, z, size, strides, pads: unpool(h, x, z, size, strides, pads),
    _nothing(1),
    _nothing(2),
    None,
    None,
    None,
)
def picked(g: Operand, x: Operand, z: Operand, size: Sizes, strides: Sizes, pads: Pads) -> Operand:
    """g, of x's shape, where the largest numbers of the windows of x were found: the reverse of `unpool`."""
    taken, several = _taken(x, z, size, strides, pads)
    wide = _padded(g, pads)
    parts = (each * wide[part] for each, (_, part) in zip(taken, _offsets(size, strides, z.shape[1:-1]), strict=True))
    return sum(parts) / several


# ---------------------------------------------------------------- windows


@structural(
    lambda g, z, x, size, strides, pads: folded(g, x.shape[1:-1], strides, pads), None, None, None, shown="windows"
)
def unfolded(x: Operand, size: Sizes, strides: Sizes, pads: Pads) -> Operand:
    """What lies under the window at each place: (n, *places, *size, channels). See `windows`."""
    where_to = places(x.shape[1:-1], size, strides, pads)
    seen = _under(_padded(x, pads), size, strides, where_to)
    return np.ascontiguousarray(seen.reshape(len(x), *where_to, *size, x.shape[-1]))


@structural(
    lambda h, r, v, space, strides, pads: unfolded(h, _size_of(v.shape, len(space)), strides, pads),
    None,
    None,
    None,
    shown="fold",
)
def folded(v: Operand, space: Sizes, strides: Sizes, pads: Pads) -> Operand:
    """The sum of all windows, each added where it stood: (n, *space, channels). See `fold`."""
    size = _size_of(v.shape, len(space))
    where_to = v.shape[1 : len(space) + 1]
    wide = np.zeros(_wide((len(v), *space, v.shape[-1]), pads), v.dtype)
    every = (slice(None),) * (len(space) + 1)
    for k, part in _offsets(size, strides, where_to):
        wide[part] += v[(*every, *k)]
    return np.ascontiguousarray(_cropped(wide, pads))


def _size_of(shape: Sizes, axes: int) -> Sizes:
    return shape[axes + 1 : 2 * axes + 1]


def windows(x: Operand, size: Operand, strides: Operand = 1, padding: Operand = "valid") -> Operand:
    """What lies under the window at each place, so that any function of it can be written.

    x: array or Tensor (n, *space, channels); size, strides, padding as of `max_pool`, strides 1 by default. Returns
    (n, *places, *size, channels). A convolution is windows(x, size) weighted and summed up; `conv` is faster.
    Gradient: each window's is added where it stood, see `fold`.
    """
    return unfolded(*_pooled("windows", x, size, strides, padding))


def fold(v: Operand, space: Operand, strides: Operand = 1, padding: Operand = "valid") -> Operand:
    """All windows added up, each where it stood: the gradient of `windows`, whose gradient it has.

    v: (n, *places, *size, channels); space: the sizes of the result's axes between samples and channels. Returns
    (n, *space, channels). ValueError if so many windows do not stand in it.
    """
    v = as_array(v, "fold")
    axes = (v.ndim - 2) // 2
    if v.ndim < 4 or v.ndim % 2:
        raise ValueError(f"fold: expected v (samples, *places, *size, channels), got shape {v.shape}")
    within = sizes("fold", "space", space, axes)
    steps = sizes("fold", "strides", strides, axes)
    size = _size_of(v.shape, axes)
    pads = pads_of("fold", padding, within, size, steps)
    if v.shape[1 : axes + 1] != places(within, size, steps, pads):
        raise ValueError(
            f"fold: {_times(places(within, size, steps, pads))} windows of {_times(size)} stand in {_times(within)}, "
            f"got {_times(v.shape[1 : axes + 1])}"
        )
    return folded(v, within, steps, pads)


def _counts(space: Sizes, size: Sizes, strides: Sizes, pads: Pads, dtype: DTypeLike) -> Operand:
    """How many numbers each window has in a space of these sizes; zeros that padding adds do not count."""
    if not any(map(any, pads)):
        return math.prod(size)
    ones, kernel = np.ones((1, *space, 1), dtype), np.ones((1, *size, 1), dtype)
    return correlate.op.forward(ones, kernel, strides, pads)


def _back(g: Operand, z: Operand, x: Operand, size: Sizes, strides: Sizes, pads: Pads) -> Operand:
    space = x.shape[1:-1]
    if any(map(any, pads)):
        return shared(g, size, strides, pads, space)
    return spread(g / math.prod(size), size, strides, pads, space)


@structural(
    _back,
    None,
    None,
    None,
    **_of_windows("avgpool", shown="average_pool"),
    linear=(0,),
    by_sample=True,
)
def averaged(x: Operand, size: Sizes, strides: Sizes, pads: Pads) -> Operand:
    """The mean of each channel in each window. See `average_pool`."""
    wide = _padded(x, pads)
    z = np.zeros((len(x), *places(x.shape[1:-1], size, strides, pads), x.shape[-1]), x.dtype)
    for _, part in _offsets(size, strides, z.shape[1:-1]):
        z += wide[part]
    return z / np.asarray(_counts(x.shape[1:-1], size, strides, pads, x.dtype), x.dtype)


@structural(
    lambda h, r, g, size, strides, pads, space: averaged(h, size, strides, pads),
    None,
    None,
    None,
    None,
    **_of_windows("share", shown="share", note=_SHARED),
    linear=(0,),
)
def shared(g: Operand, size: Sizes, strides: Sizes, pads: Pads, space: Sizes) -> Operand:
    """Each number in equal parts at the places of its window that are inside: the gradient of `averaged`.

    g: (n, *places, channels); space: the sizes of the result's axes between samples and channels.
    """
    parts = g / _counts(space, size, strides, pads, g.dtype)
    found: np.ndarray = spread.op.forward(parts, size, strides, pads, space)
    return found


@structural(
    lambda h, r, g, size, strides, pads, space: (
        averaged(h, size, strides, pads) * _counts(space, size, strides, pads, h.dtype)
    ),
    None,
    None,
    None,
    None,
    **_of_windows("upsample", shown="upsample"),
    linear=(0,),
)
def spread(g: Operand, size: Sizes, strides: Sizes, pads: Pads, space: Sizes) -> Operand:
    """Each number at all places of its window, added up where windows overlap.

    g: (n, *places, channels); space: the sizes of the result's axes between samples and channels.
    """
    wide = np.zeros(_wide((len(g), *space, g.shape[-1]), pads), g.dtype)
    for _, part in _offsets(size, strides, g.shape[1:-1]):
        wide[part] += g
    return _cropped(wide, pads)


def upsample(x: Operand, size: Sizes) -> Operand:
    """Each number repeated so many times along each axis of space: (n, *space, channels), the reverse of pooling."""
    space = tuple(n * k for n, k in zip(x.shape[1:-1], size, strict=True))
    return spread(x, size, size, ((0, 0),) * len(size), space)


def average_pool(x: Operand, size: Operand, strides: Operand = None, padding: Operand = "valid") -> Operand:
    """The mean of each channel in each window.

    x: array or Tensor (n, *space, channels); size, strides, padding as of `max_pool`; numbers that padding adds do
    not count, as in Keras and TensorFlow. Returns (n, *places, channels). Derivative: 1 / numbers in the window.
    """
    return averaged(*_pooled("average_pool", x, size, strides, padding))
