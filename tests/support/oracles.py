"""Derivatives from sources that share no code with the engine, and a way to run a fresh interpreter."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]

# Where unary and binary operations are sampled: derivatives of order one, no kink within 0.3.
POINTS = (-1.7, -0.6, 0.35, 0.8, 2.3)
PAIRS = ((0.8, 0.35), (0.35, -1.7), (2.3, 0.35), (1.7, -0.6), (-0.6, 0.8), (-0.6, -1.7))


def normal_cdf(x):
    """Φ(x) by its power series, for complex numbers too; 60 terms are enough up to |x| = 3."""
    terms = ((-1) ** n * x ** (2 * n + 1) / (2**n * math.factorial(n) * (2 * n + 1)) for n in range(60))
    return 0.5 + sum(terms) / math.sqrt(2 * math.pi)


# Forward functions that know real numbers only, and are analytic all the same.
ANALYTIC = {
    "normal_cdf": normal_cdf,
    "gelu": lambda x: x * normal_cdf(x),
    "logaddexp": lambda x, y: np.log(np.exp(x) + np.exp(y)),
}


def contour(f, x, order, radius=0.1, n=48):
    """f⁽ⁿ⁾(x) by Cauchy's integral on a circle around x; None where f is not analytic there."""

    def on(r):
        turn = np.exp(2j * np.pi * (np.arange(n) + 0.5) / n)
        mean = np.mean([complex(f(complex(x + r * w))) / w**order for w in turn])
        return mean.real * math.factorial(order) / r**order

    try:
        with np.errstate(all="ignore"):
            wide, narrow = on(radius), on(radius * 0.6)
    except TypeError:  # a comparison or a function of real numbers only
        return None
    return wide if abs(wide - narrow) <= 1e-6 * max(1.0, abs(wide)) else None


def stencil(f, x, order, h=0.02):
    """f⁽ⁿ⁾(x) by the central difference of that order, exact for piecewise linear f."""
    terms = ((-1) ** k * math.comb(order, k) * f(x + (order / 2 - k) * h) for k in range(order + 1))
    return math.fsum(terms) / h**order


def nth_derivative(forward, operands, i, order):
    """∂ⁿ forward / ∂operandᵢⁿ at the operands, by contour where that holds and by stencil elsewhere."""

    def along(t):
        return forward(*operands[:i], t, *operands[i + 1 :])

    found = contour(along, operands[i], order)
    return stencil(along, operands[i], order) if found is None else found


def run(code: str, **environment: str) -> str:
    """What `code` prints in a fresh interpreter in which warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
