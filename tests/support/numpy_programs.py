"""Random programs as NumPy's users write them: its functions, lists, buffers and other libraries, mixed at random.

A program is Python text that runs on plain arrays as on nodes. Its derivative by the argument x comes from
differences of its numbers on plain arrays, which share no code with the engine.
"""

from __future__ import annotations

import math
import re
import types
import warnings
from typing import Any

import numpy as np

# a and b stand for what was computed before, or for the argument x or the constant c; the others are written out.
ANSWERED = """
a + b | a - b | a * b | 0.5 * a + b * c | a / (2.0 + b * b) | -a | a ** 2 | (2.5 + a * a) ** 0.5 | abs(a + 0.1)
a @ b | np.exp(-a * a) | np.sin(a) | np.cos(b) * a | np.tanh(a) | np.sqrt(1.5 + a * a) | np.log(2.5 + a * a)
np.square(a) | np.add(a, b) | np.multiply(a, 0.5) | np.maximum(a, b) | np.minimum(a, 0.2) | np.negative(a)
np.divide(a, 2.0) | np.dot(a, b) | np.matmul(a, b) | np.outer(a, b) | a.dot(b) | c.dot(c) @ a | np.dot(c, a) | c @ a
a @ c.T | np.sum(a) | np.sum(a, 0) | np.sum(a, axis=-1, keepdims=True) | a.sum(0) | np.mean(a, 0) | a.mean()
np.prod(a, axis=-1) | np.max(a, 0) | np.min(a) | np.var(a) | np.std(a, axis=0) | np.linalg.norm(a)
np.linalg.norm(a, axis=-1) | np.reshape(a, (-1,)) | a.reshape(-1, 1) | np.ravel(a) | np.transpose(a) | a.T
np.swapaxes(a, 0, -1) | np.squeeze(a) | np.expand_dims(a, 0) | np.broadcast_to(a, (2, *np.shape(a))) | a[0]
a[..., :1] | a[::-1] | a[[0, 0, -1]] | a[None] | np.concatenate([a, b]) | np.concatenate([a, c], axis=0)
np.stack([a, a * b]) | np.stack([a, 2 * a], axis=-1) | np.hstack([a, b]) | np.vstack([a, b]) | np.split(a, 2)[1]
np.take(a, [0, 1], axis=0) | np.pad(a, 1) | np.pad(a, (1, 0)) | np.where(c > 0, a, b) | np.where(c > 0, a, 0.0)
np.where(np.sum(c) > 0, a, 1.0) | np.clip(a, -0.8, 0.9) | a.clip(-0.5, 2) | np.ma.array(c) @ a | a * np.ma.array(c)
sum([a, b]) | sum(u for u in a) | a * len(a) | a * np.ndim(a) | a * np.size(a) | a * (a > 0)
np.where(a > 0, a, 0.1 * a) | a * np.argmax(a) | a * np.zeros_like(a) + b | np.array_equal(a, b) * a
[u * 2 for u in a][-1] | max(3, 2) * a | [a, b][1] * 2 | {0: a}[0] + 1 | np.stack([u * v for u, v in zip(a, b)])
np.tile(a, 2) | np.column_stack([a, b]) | np.einsum('i,i->', a, a) | np.tensordot(a, b, 1) | np.cumsum(a) | np.sort(a)
np.flip(a) | np.roll(a, 1) | np.repeat(a, 2) | np.trace(a) | np.diag(a) | np.arctan(a) | np.nan_to_num(a)
np.moveaxis(a, 0, -1) | np.logaddexp(a, b) | np.average(a) | np.einsum('ij,jk->ik', a, b) | np.cumprod(a, -1)
np.linalg.norm(a, 1, 0) | np.sinh(0.3 * a) | np.log1p(a * a)
"""
# What cuts a graph, or would if it were answered.
CUTTING = """
np.array([a, b]) | np.array([a, 2 * a]) | np.asarray(a * 1) | np.asanyarray(a + b) | np.array(a * a) * c
np.array([[a, b]]) | np.sum([a, b]) | np.mean([a, b * 2]) | np.max([a, b], axis=0) | np.r_[a, b] | np.c_[a, b]
np.full(3, np.sum(a)) | np.full(np.shape(a), a) | np.append(a, b) | np.block([a, b])
np.exp([a, b * 1]) | c.dot(a) | c.T.dot(a) | np.ones(3).dot(a)
np.inner(a, b) | np.vdot(a, b) | np.diff(a)
np.median(a) | np.add.reduce(a) | np.add.accumulate(a)
np.multiply.outer(a, b) | np.add.reduceat(a, [0]) | np.multiply.reduce(a, 0) | np.vectorize(lambda u: u * u)(a)
np.fromiter((u * u for u in np.ravel(a)), float) | np.apply_along_axis(np.sum, 0, a)
np.piecewise(a, [c > 0], [lambda u: u, 0.0]) | np.select([c > 0], [a], b) | np.choose((c > 0) * 1, [a, b])
np.interp(a, [-9, 9], [-9, 9]) | into(np.zeros((3, 3)), a) | into(np.zeros(3), a * a) | added(np.ones((3, 3)), a)
scaled(np.ones(3), a) | flat(np.zeros((3, 3)), a) | rows(np.zeros((4, 3)), a) | masked(np.ones((3, 3)), a)
picked(np.zeros(4), a) | np.add(a, b, out=np.zeros((3, 3))) | np.copyto(c * 0, a) | np.add.at(c * 1, 0, a)
np.put(c * 1, [0], a) | np.place(c * 1, c > 0, a) | filled(np.ones(2), np.sum(a)) | buffered(a, b)
np.ma.array(c) * a | np.ma.array(a * 1) * 2 | np.ma.exp(a) | np.ma.sum(a) | np.ma.where(c > 0, a, 0)
np.matrix(c) * a | np.matrix(a) @ c | float(np.sum(a)) * b | math.exp(np.sum(a) * 0.1) * b
math.fsum(np.ravel(a)) * b | np.float64(np.sum(a)) * b | complex(np.sum(a)).real * b
float(np.sum(a)) ** 2 + np.sum(b) | np.linalg.inv(a + 3 * np.eye(3)) | np.linalg.det(a) | np.poly1d([1.0, 2.0])(a)
np.polynomial.Polynomial([0, 1.0])(a) | np.rec.fromarrays([a, b]) | sparse(c) @ a | sparse(c).dot(a) | sparse(c) * a
special.expit(a) | special.softmax(a) | np.linspace(0, np.sum(a), 3) | np.real(a)
np.copy(a) | np.atleast_1d(a) | np.atleast_2d(a) | np.array_split(a, 2)[0] | np.cross(a, b)
np.kron(a, b) | np.heaviside(a, 0.5) * b | np.hypot(a, b) | np.ptp(a)
np.frombuffer(a) | np.lib.stride_tricks.sliding_window_view(a, 2, 0) | np.nansum(a) | np.trapezoid(a)
np.gradient(a) | np.convolve(a, b) | np.round(a, 1) * b
"""


def _lines(text: str) -> list[str]:
    return [line.strip() for row in text.strip().splitlines() for line in row.split(" | ")]


def _sparse(c: Any) -> Any:
    from scipy.sparse import csr_array

    return csr_array(c)


def _set(key: Any) -> Any:
    def assigned(buffer: Any, a: Any) -> Any:
        buffer[key] = a
        return buffer

    return assigned


def _flat(buffer: Any, a: Any) -> Any:
    buffer.flat = a
    return buffer


def _added(buffer: Any, a: Any) -> Any:
    buffer += a
    return buffer


def _scaled(buffer: Any, a: Any) -> Any:
    buffer[:] *= a
    return buffer


def _masked(buffer: Any, a: Any) -> Any:
    buffer[buffer > 0] = np.ravel(a)
    return buffer


def _filled(buffer: Any, a: Any) -> Any:
    buffer.fill(a)
    return buffer


def _buffered(a: Any, b: Any) -> Any:
    """A partial graph: one row by a buffer, one by the graph."""
    buffer = np.zeros(np.shape(b))
    buffer[0] = a[0]
    return b * buffer + b


def scope() -> dict[str, Any]:
    """What a program may use besides its variables."""
    try:
        import scipy.special as special
    except ImportError:
        special = None
    own = types.SimpleNamespace(into=_set(slice(None)), rows=_set(slice(0, 2)), picked=_set([0, 1]))
    return {
        **{"np": np, "math": math, "special": special, "sparse": _sparse, "into": own.into, "rows": own.rows},
        **{"picked": own.picked, "flat": _flat, "added": _added, "scaled": _scaled, "masked": _masked},
        **{"filled": _filled, "buffered": _buffered},
    }


class Program:
    """Lines such as `v2 = np.dot(v0, x)`, and the sum of all that they gave, each with weights of its own."""

    def __init__(self, seed: int, share_of_cutting: float = 0.2) -> None:
        rng = np.random.default_rng(seed)
        self.x = np.asarray(rng.uniform(-1.2, 1.2, [(3,), (3, 3), (2, 3), ()][rng.integers(4)]))
        self.c = rng.uniform(-1.0, 1.0, (3, 3))
        self.lines: list[str] = []
        self.weights: list[Any] = []
        values: dict[str, Any] = scope() | {"x": self.x.copy(), "c": self.c.copy()}
        names = ["x"]
        answered, cutting = _lines(ANSWERED), _lines(CUTTING)
        for _ in range(40):
            text = str(rng.choice(cutting if rng.random() < share_of_cutting else answered))
            a, b = rng.choice(names), rng.choice([*names, "x"])
            line = _with_names(text, a, b)
            try:
                found = _evaluated(line, values)
            except Exception:
                continue
            if not isinstance(found, np.ndarray | np.floating) or found.dtype != np.float64:
                continue
            found = np.asarray(found)
            if not np.isfinite(found).all() or np.abs(found).max(initial=0) > 50 or found.size > 60 or found.ndim > 3:
                continue
            name = f"v{len(self.lines)}"
            values[name] = found  # as it lies in memory: what is not contiguous is so again when the program runs
            names.append(name)
            self.lines.append(f"{name} = {line}")
            self.weights.append(rng.normal(size=np.shape(found)) if found.ndim else rng.normal())
            if len(self.lines) == 5:
                break
        self.text = "\n".join(self.lines)

    def __call__(self, x: Any) -> Any:
        """What the program gives for x, an array or a node."""
        values = scope() | {"x": x, "c": self.c.copy()}
        total: Any = 0.0
        for line, weight in zip(self.lines, self.weights, strict=True):
            name, _, text = line.partition(" = ")
            values[name] = _evaluated(text, values)
            weighted = values[name] * weight
            total = (weighted.sum() if hasattr(weighted, "sum") else weighted) + total  # a Value is one number
        return total

    def slopes(self) -> tuple[np.ndarray, bool]:
        """The derivative by differences of two steps, and whether they agree: not at a kink."""
        found = []
        for h in (1e-4, 0.5e-4):
            g = np.zeros(self.x.shape)
            for index in np.ndindex(self.x.shape):
                e = np.zeros(self.x.shape)
                e[index] = h
                g[index] = (self(np.asarray(self.x + e)) - self(np.asarray(self.x - e))) / (2 * h)
            found.append(g)
        g = (4 * found[1] - found[0]) / 3
        return g, bool(np.allclose(found[0], found[1], 1e-4, 1e-4))


def _evaluated(text: str, values: dict[str, Any]) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        found = eval(text, values)
    return np.asarray(found) if isinstance(found, np.ndarray | np.floating) else found


def _with_names(text: str, a: str, b: str) -> str:
    return re.sub(r"\b[ab]\b", lambda found: a if found[0] == "a" else b, text)
