"""How often check_work names the mistake: planted in separate NumPy code, in nets of three layers.

    python benchmarks/marking.py                 the tables, a few minutes
    python benchmarks/marking.py --nets 20       the same on fewer nets

Nothing here shares code with the library but the recorded loss and check_work itself: the backward pass is written out
by hand, with a switch for every mistake. `named` is where only the planted mistake is named; `among` where others are
that give the same numbers there; `false` where it is another; `none` where the numbers are called wrong and no mistake
is found; `right` where they are called right, because the mistake moves less than the digits tell.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import time

import numpy as np

from autograd import (
    Tensor,
    Value,
    binary_cross_entropy,
    relu,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    squared_error,
    tanh,
)
from autograd.marking.marking import Checker

G = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
    "tanh": (np.tanh, lambda z, a: 1 - a * a),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0) * 1.0),
}
READ_WITH = {  # the slope as it is written with a, and what it is with something else in its place
    "sigmoid": lambda u: u * (1 - u),
    "tanh": lambda u: 1 - u * u,
}
RECORDED = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu}


class Net:
    """Three layers, samples in columns, by hand; recorded in columns or in rows.

    output: "softmax" with the cross-entropy, "squared" a softmax with the squared error, "sigmoid" with the squared
    error, "one" a single sigmoid with its cross-entropy, "linear" no activation and the squared error.
    """

    def __init__(self, rng, output="softmax", rows=False, most=6):
        self.output, self.rows = output, rows
        self.g = [str(rng.choice(list(G))) for _ in range(2)]
        self.n = [int(k) for k in rng.integers(2, 5, 4)]
        if output == "one":
            self.n[3] = 1
        self.m = int(rng.integers(min(3, most), most + 1))
        self.lam = float(rng.choice([0.0, 0.3]))
        self.X = rng.normal(size=(self.n[0], self.m))
        if output in ("softmax", "squared"):
            self.Y = np.eye(self.n[3])[rng.integers(0, self.n[3], self.m)].T
        elif output == "linear":
            self.Y = np.round(rng.normal(size=(self.n[3], self.m)), 2)
        else:
            self.Y = rng.integers(0, 2, (self.n[3], self.m)) * 1.0
        while True:
            self.W = [None, *(rng.normal(size=(self.n[i], self.n[i - 1])) for i in (1, 2, 3))]
            self.b = [None, *(rng.normal(size=(self.n[i], 1)) * 0.5 for i in (1, 2, 3))]
            self.forward()
            dead = any(g == "relu" and (z <= 0).all() for g, z in zip(self.g, self.Z[1:], strict=False))
            if not dead:
                break
        self.rate = float(rng.choice([0.1, 0.03, 0.01]))

    def forward(self, r=lambda x: x, kind="", at=0):
        """Z and A; r: how every number is rounded. kind, at: a mistake of the forward pass, made in layer `at`."""
        self.Z, self.A = [None], [self.X]
        for i in (1, 2, 3):
            here = kind if i == at else ""
            W = self.W[i].T if here == "W transposed" else self.W[i]
            b = {"bias forgotten": 0, "bias subtracted": -1}.get(here, 1) * self.b[i]
            z = r(W @ (self.Z if here == "Z for A" else self.A)[i - 1] + b)
            self.Z.append(z)
            if here == "activation left out":
                self.A.append(z)
            elif here.startswith("for another activation "):
                self.A.append(r(G[here.split()[-1]][0](z)))
            elif here == "sign in the exponent":
                self.A.append(r(1 / (1 + np.exp(z))))
            elif here == "softmax over the samples":
                self.A.append(r(np.exp(z) / np.exp(z).sum(1, keepdims=True)))
            elif here == "softmax without its sum":
                self.A.append(r(np.exp(z)))
            elif i < 3:
                self.A.append(r(G[self.g[i - 1]][0](z)))
            elif self.output in ("softmax", "squared"):
                e = np.exp(z - z.max(0))
                self.A.append(r(e / e.sum(0)))
            elif self.output == "linear":
                self.A.append(z)
            else:
                self.A.append(r(1 / (1 + np.exp(-z))))

    def recorded(self):
        """The loss as the library records it."""
        lay = (lambda x: x.T.copy()) if self.rows else (lambda x: x)
        A = lay(self.X)
        penalty = 0.0
        for i in (1, 2, 3):
            W = Tensor(self.W[i], label=f"W[{i}]")
            b = Tensor(self.b[i][:, 0] if self.rows else self.b[i], label=f"b[{i}]")
            Z = A @ W.T + b if self.rows else W @ A + b
            Z.label = f"Z[{i}]"
            if self.lam:
                penalty = penalty + (W * W).sum()
            if i < 3:
                A = RECORDED[self.g[i - 1]](Z)
                A.label = f"A[{i}]"
        samples = "rows" if self.rows else "columns"
        Y = lay(self.Y)
        if self.output == "softmax":
            L = softmax_cross_entropy(Z, Y, samples=samples)
        elif self.output == "linear":
            L = squared_error(Z, Y, samples=samples)
        else:
            A = softmax(Z, samples=samples) if self.output == "squared" else sigmoid(Z)
            A.label = "A[3]"
            loss = binary_cross_entropy if self.output == "one" else squared_error
            L = loss(A, Y, samples=samples)
        if self.lam:
            L = L + self.lam / (2 * self.m) * penalty
        L.label = "J"
        return L

    def recorded_in_values(self):
        """The loss number by number; dL/dw[1]_1,1 is entry (1, 1) of dW[1], z[1](2)_1 entry (1, 2) of Z[1]."""
        sizes = range(1, 4)
        W = [
            [[Value(w, f"w[{i}]_{j},{k}") for k, w in enumerate(row, 1)] for j, row in enumerate(self.W[i], 1)]
            for i in sizes
        ]
        b = [[Value(float(u), f"b[{i}]_{j}") for j, u in enumerate(np.ravel(self.b[i]), 1)] for i in sizes]
        losses = []
        for s in range(self.m):
            a = [float(x) for x in self.X[:, s]]
            for i in sizes:
                sums = [
                    sum(w * x for w, x in zip(row, a, strict=True)) + c
                    for row, c in zip(W[i - 1], b[i - 1], strict=True)
                ]
                for j, z in enumerate(sums, 1):
                    z.label = f"z[{i}]({s + 1})_{j}"
                a = sums
                if i < 3 or self.output in ("squared", "sigmoid", "one"):
                    function = RECORDED[self.g[i - 1]] if i < 3 else sigmoid
                    a = softmax(sums) if i == 3 and self.output == "squared" else [function(z) for z in sums]
                    for j, u in enumerate(a, 1):
                        u.label = f"a[{i}]({s + 1})_{j}"
            y = [float(u) for u in self.Y[:, s]]
            loss = {"softmax": softmax_cross_entropy, "one": binary_cross_entropy}.get(self.output, squared_error)
            losses.append(loss(a, y))
        L = sum(losses) / self.m if self.m > 1 else losses[0]
        if self.lam:
            L = L + self.lam / (2 * self.m) * sum(w * w for layer in W for row in layer for w in row)
        L.label = "L"
        return L

    def slope(self, i):
        return G[self.g[i - 1]][1](self.Z[i], self.A[i])

    def twice(self, first, second):
        """Two mistakes at once; None where the shapes do not fit any more."""
        try:
            return self.backward(first[0], first[1], second)
        except ValueError:
            return None

    def backward(self, kind="", at=0, other=None):
        """dZ, dA, dW and db, with the mistake `kind` in layer `at`, 0 for all layers or where there is one place.

        other: a second mistake, as `mistakes` has them.
        """
        W, b, Z, A, m, n = self.W, self.b, self.Z, self.A, self.m, self.n

        def here(name, i):
            return (kind == name and at in (0, i)) or (other is not None and other[0] == name and other[1] == i)

        out = {}
        # the output
        E = A[3] - self.Y
        if kind == "target of another unit":
            E = A[3] - np.roll(self.Y, 1, axis=0)
        if kind == "prediction for error":
            E = A[3]
        if self.output in ("softmax", "one", "linear"):
            dZ = E
            if kind == "slope with cross-entropy":
                dZ = E * A[3] * (1 - A[3])
            if kind == "softmax diagonal":
                dZ = -self.Y / A[3] * A[3] * (1 - A[3])
        elif self.output == "squared":
            dZ = A[3] * (E - (E * A[3]).sum(0, keepdims=True))
            if kind == "softmax diagonal":
                dZ = E * A[3] * (1 - A[3])
        else:
            dZ = E * A[3] * (1 - A[3])
        if kind == "slope left out at the output":
            dZ = E
        if kind == "sign":
            dZ = -dZ
        if kind == "factor 2":
            dZ = 2 * dZ
        if kind == "factor 1/2":
            dZ = dZ / 2
        if kind == "1/(m n)":
            dZ = dZ / n[3]
        if kind == "1/m twice":
            dZ = dZ / m
        if kind == "learning rate in the delta":
            dZ = self.rate * dZ
        for i in (3, 2, 1):
            out[f"dZ[{i}]"] = dZ
            k = m
            if kind == "1/m left out" or here("1/m left out in dW", i):
                k = 1
            if kind == "m off the wrong axis of X":
                k = n[0]
            if kind == "m off the wrong axis of dZ":
                k = n[i]
            if kind == "m off the wrong axis of A":
                k = n[i - 1]
            left = A[i - 1]
            if here("A[l] for A[l-1]", i):
                left = A[i]
            if here("Z[l-1] for A[l-1]", i):
                left = Z[i - 1]
            dW = dZ @ left.T / k
            if here("1/m twice in dW", i):
                dW = dW / m
            if here("dW elementwise", i):
                dW = dZ * left.T / k
            if here("dW transposed", i):
                dW = dW.T
            plain = dW
            if self.lam and kind != "penalty left out":
                factor = 2 if here("factor 2 of the penalty", i) else 0.5 if here("factor 1/2 of the penalty", i) else 1
                if here("1/m of the penalty left out", i):
                    factor = m
                extra = self.lam / m * factor * W[i]
                if kind == "sum of the weights in the penalty":
                    extra = self.lam / m * W[i].sum()
                dW = dW + extra
            k = m if here("1/m left out in dW", i) else k
            if here("1/m left out in db", i):
                k = 1
            db = dZ.sum(1, keepdims=True) / k
            if here("1/m twice in db", i):
                db = db / m
            if here("db over all axes", i):
                db = dZ.sum() / k
            if here("db along the other axis", i):
                db = dZ.sum(0) / k
            if here("db not summed", i):
                db = dZ / k
            if here("db from dW", i):
                db = plain.sum(1, keepdims=True)
            if here("db forgotten", i):
                db = np.zeros_like(b[i])
            if kind == "penalty on the bias" and self.lam:
                db = db + self.lam / m * b[i]
            if kind == "learning rate in dW and db":
                dW, db = self.rate * dW, self.rate * db
            out[f"dW[{i}]"], out[f"db[{i}]"] = dW, db
            if i == 1:
                break
            back = W[i]
            if kind == "updated weights":
                back = W[i] - self.rate * dW
            if here("dW for W", i):
                back = dW
            if here("W of another layer", i):
                back = W[{3: 2, 2: 3}[i]]
            dA = (back if here("W not transposed", i) else back.T) @ dZ
            out[f"dA[{i - 1}]"] = dA
            s = self.slope(i - 1)
            j = i - 1
            if here("slope left out", j):
                dZ = dA
            elif here("slope twice", j):
                dZ = dA * s * s
            elif here("slope at a", j):
                a = G[self.g[j - 1]][0](A[j])
                dZ = dA * G[self.g[j - 1]][1](A[j], a)
            elif here("slope with z", j):
                dZ = dA * READ_WITH[self.g[j - 1]](Z[j])
            elif here("z for the slope", j):
                dZ = dA * Z[j]
            elif here("a for the slope", j):
                dZ = dA * A[j]
            elif here("slope of another layer", j):
                dZ = dA * self.slope({1: 2, 2: 1}[j])
            elif here("sigmoid' for another slope", j):
                a = 1 / (1 + np.exp(-Z[j]))
                dZ = dA * a * (1 - a)
            elif here("slope transposed", j):
                dZ = dA * s.T
            elif here("@ for the slope", j):
                dZ = s @ dA if self.rows else dA @ s
            else:
                dZ = dA * s
        return out

    def carefully(self, digits, decimals=None):
        """Right work in which every number is rounded to so many digits, or decimals, as soon as it is there."""

        def r(x):
            return rounded(x, digits) if decimals is None else np.round(x, decimals)

        self.forward(r)
        out = {}
        dZ = r(self.A[3] - self.Y)
        if self.output == "squared":
            dZ = r(self.A[3] * (dZ - (dZ * self.A[3]).sum(0, keepdims=True)))
        elif self.output == "sigmoid":
            dZ = r(dZ * self.A[3] * (1 - self.A[3]))
        for i in (3, 2, 1):
            out[f"dZ[{i}]"] = dZ
            out[f"dW[{i}]"] = r(dZ @ self.A[i - 1].T / self.m + self.lam / self.m * self.W[i])
            out[f"db[{i}]"] = r(dZ.sum(1, keepdims=True) / self.m)
            if i > 1:
                out[f"dA[{i - 1}]"] = dA = r(self.W[i].T @ dZ)
                dZ = r(dA * self.slope(i - 1))
        self.forward()
        return out

    def mistakes(self):
        """What can be planted in this net: kind, layer, what it is called when it is found, and where."""
        n, m = self.n, self.m
        yield "1/m left out", 0, {"mean_left_out"}, None
        for name, slip in (("1/m left out in dW", "mean_left_out"), ("1/m left out in db", "mean_left_out")):
            yield name, 0, {slip}, None
        yield "1/m twice", 0, {"mean_twice"}, None
        yield "1/m twice in dW", 0, {"mean_twice"}, None
        yield "1/m twice in db", 0, {"mean_twice"}, None
        for name in ("m off the wrong axis of X", "m off the wrong axis of dZ", "m off the wrong axis of A"):
            yield name, 0, {"divided_by_another_size"}, None
        if n[3] > 1:
            yield "1/(m n)", 0, {"divided_by_both"}, None
        yield "sign", 0, {"sign"}, None
        yield "factor 2", 0, {"factor"}, None
        yield "factor 1/2", 0, {"factor"}, None
        yield "learning rate in the delta", 0, {"learning_rate"}, None
        yield "learning rate in dW and db", 0, {"learning_rate"}, None
        yield "updated weights", 0, {"updated_weights"}, None
        yield "prediction for error", 0, {"prediction_for_error"}, None
        if self.output == "linear":
            pass
        elif self.output in ("softmax", "one"):
            yield "slope with cross-entropy", 0, {"slope_with_cross_entropy", "delta_of_squared_error"}, None
        else:
            yield "slope left out at the output", 0, {"delta_of_cross_entropy"}, {"dZ[3]"}
        if self.output in ("softmax", "squared"):
            yield "softmax diagonal", 0, {"softmax_diagonal", "diagonal_with_cross_entropy"}, None
        for i in (1, 2, 3):
            if n[i] > 1:
                yield "db over all axes", i, {"bias_over_all_axes"}, {f"db[{i}]"}
                yield "db along the other axis", i, {"bias_along_the_other_axis"}, {f"db[{i}]"}
            yield "db forgotten", i, {"gradient_forgotten"}, {f"db[{i}]"}
            yield "1/m left out in dW", i, {"mean_left_out"}, {f"dW[{i}]"}
            yield "1/m left out in db", i, {"mean_left_out"}, {f"db[{i}]"}
        yield "db over all axes", 0, {"bias_over_all_axes"}, None
        yield "db not summed", 0, {"bias_not_summed"}, None
        yield "db from dW", 0, {"bias_from_weights"}, None
        for i in (1, 2):
            yield "slope left out", i, {"slope_left_out"}, {f"dZ[{i}]"}
            g = self.g[i - 1]
            if g != "relu":
                yield "slope twice", i, {"slope_twice"}, {f"dZ[{i}]"}
                yield "slope at a", i, {"slope_at_a"}, {f"dZ[{i}]"}
                yield "slope with z", i, {"slope_with_z"}, {f"dZ[{i}]"}
            yield "z for the slope", i, {"z_for_slope"}, {f"dZ[{i}]"}
            yield "a for the slope", i, {"a_for_slope"}, {f"dZ[{i}]"}
            if n[1] == n[2]:
                yield "slope of another layer", i, {"slope_of_another_layer"}, {f"dZ[{i}]"}
            if g == "relu":
                yield "sigmoid' for another slope", i, {"slope_of_another_function"}, {f"dZ[{i}]"}
            if n[i] == m:
                yield "slope transposed", i, {"slope_transposed"}, {f"dZ[{i}]"}
                yield "@ for the slope", i, {"matrix_product_for_slope"}, {f"dZ[{i}]"}
        for i in (2, 3):
            if n[i] == n[i - 1]:
                yield "W not transposed", i, {"not_transposed"}, None
                if n[1] == n[2] == n[3]:
                    yield "W of another layer", i, {"another_factor"}, None
            yield "Z[l-1] for A[l-1]", i, {"another_factor"}, {f"dW[{i}]"}
            yield "dW for W", i, {"gradient_for_weight"}, None
        for i in (1, 2, 3):
            if n[i] == n[i - 1] and not (i == 3 and self.output == "softmax"):
                yield "A[l] for A[l-1]", i, {"another_factor"}, {f"dW[{i}]"}
            if n[i] == n[i - 1]:
                yield "dW transposed", i, {"transposed"}, {f"dW[{i}]"}
            if n[i] == m == n[i - 1]:
                yield "dW elementwise", i, {"elementwise_for_matrix_product"}, {f"dW[{i}]"}
        if self.lam:
            yield "factor 2 of the penalty", 0, {"factor"}, None
            yield "1/m of the penalty left out", 0, {"mean_left_out"}, None
            yield "penalty left out", 0, {"penalty_forgotten"}, None
            yield "penalty on the bias", 0, {"penalty_on_bias"}, None
            yield "sum of the weights in the penalty", 0, {"sum_for_weight"}, None
        if self.output in ("softmax", "squared", "sigmoid") and n[3] > 1:
            yield "target of another unit", 0, {"target_of_another_unit"}, None

    def forward_mistakes(self):
        """What can be planted in the forward pass: kind, layer, what it is called when it is found, and where."""
        for i in (1, 2, 3):
            yield "bias forgotten", i, {"bias_left_out"}, {f"Z[{i}]"}
            yield "bias subtracted", i, {"bias_subtracted"}, {f"Z[{i}]"}
            if self.n[i] == self.n[i - 1]:
                yield "W transposed", i, {"weights_transposed"}, {f"Z[{i}]"}
            g = (
                self.g[i - 1]
                if i < 3
                else {"squared": "softmax", "sigmoid": "sigmoid", "one": "sigmoid"}.get(self.output)
            )
            if g is not None:
                yield "activation left out", i, {"activation_left_out"}, {f"A[{i}]"}
            if g in G:
                for other in sorted(G.keys() - {g}):
                    yield f"for another activation {other}", i, {"another_activation"}, {f"A[{i}]"}
            if g == "sigmoid":
                yield "sign in the exponent", i, {"sigmoid_of_minus"}, {f"A[{i}]"}
            if g == "softmax":
                yield "softmax over the samples", i, {"softmax_over_samples"}, {f"A[{i}]"}
                yield "softmax without its sum", i, {"softmax_without_sum"}, {f"A[{i}]"}
            if i > 1:
                yield "Z for A", i, {"another_input"}, {f"Z[{i}]"}

    def passed_forward(self):
        """Z and A as they are; A of the output where the recorded loss has it."""
        found = {f"Z[{i}]": self.Z[i] for i in (1, 2, 3)}
        last = 2 if self.output in ("softmax", "linear") else 3
        return found | {f"A[{i}]": self.A[i] for i in range(1, last + 1)}

    def sheet(self, work, keys, digits=None, places=None):
        """What is handed in: dZ and dA in rows if the net has them so, with so many digits."""
        found = {}
        for key, x in work.items():
            if key[:2] not in keys and key[0] not in keys:
                continue
            x = np.asarray(x, float)
            if self.rows and x.ndim == 2:
                x = (
                    x.T
                    if key[:2] in ("dZ", "dA") or key[0] in "ZA"
                    else x[:, 0]
                    if key[:2] == "db" and x.shape[1] == 1
                    else x
                )
                x = x.T if key[:2] == "db" and x.ndim == 2 else x
            found[key] = rounded(x, digits)
        return found

    def sheet_of_values(self, work, keys, digits=None):
        """The same, number by number."""
        found = {}
        for key, x in work.items():
            if key[:2] in keys:
                layer, letter = key[3], key[1].lower()
                for (j, k), u in np.ndenumerate(rounded(np.atleast_2d(x), digits)):
                    place = {"w": f"w[{layer}]_{j + 1},{k + 1}", "b": f"b[{layer}]_{j + 1}"}
                    name = place.get(letter, f"{letter}[{layer}]({k + 1})_{j + 1}")
                    found[f"dL/d{name}"] = float(u) / (1 if letter in "wb" else self.m)
        return found


def rounded(x, digits):
    """With so many significant digits."""
    if digits is None:
        return x
    return np.array([float(f"{u:.{digits - 1}e}") for u in np.ravel(x)]).reshape(np.shape(x))


def judged(marking, right, expected, where):
    """named, among, false, none or right."""
    if not any(v.kind == "wrong" for v in marking.verdicts.values()):
        return "right"
    if not marking.findings:
        return "none"
    ok = [f for f in marking.findings if f.kind in expected and (where is None or set(f.where) == where)]
    twins = [
        a
        for f in marking.findings
        for a in f.alternatives
        if a.kind in expected and (where is None or set(a.where) == where)
    ]
    if ok and len(marking.findings) == 1:
        return "among" if any(a.kind not in expected for a in ok[0].alternatives) else "named"
    return "among" if ok or twins else "false"


def experiment(title, count, digits, keys=("dW", "db"), seed=0, verbose=False, **how):
    """Every mistake in `count` nets; a line of the table, and what was not named."""
    rng = np.random.default_rng(seed)
    found = collections.Counter()
    by_kind = collections.defaultdict(collections.Counter)
    start = time.process_time()
    for i in range(count):
        net = Net(rng, **how)
        checker = Checker(net.recorded())
        for kind, at, expected, where in net.mistakes():
            work = net.backward(kind, at)
            marking = checker.check(net.sheet(work, keys, digits))
            said = judged(marking, None, expected, where)
            found[said] += 1
            by_kind[kind][said] += 1
            if verbose and said not in ("named", "right"):
                print(f"net {i}", net.n, net.m, net.g, kind, at, said)
                for f in marking.findings:
                    print("      ", f.kind, f.slip, f.where, [(a.kind, a.where) for a in f.alternatives])
    total = sum(found.values()) or 1
    shares = "  ".join(f"{found[k] / total:6.1%}" for k in ("named", "among", "false", "none", "right"))
    print(f"{title:58} {count:5} {total:6}  {shares}   {time.process_time() - start:5.0f} s", flush=True)
    return found, by_kind


def forward_slips(count, digits=4, seed=0):
    """Mistakes of the forward pass, Z and A handed in: how they are called, in nets of all outputs."""
    rng = np.random.default_rng(seed)
    found = collections.Counter()
    for i in range(count):
        net = Net(rng, OUTPUTS[i % len(OUTPUTS)], rows=bool(i // len(OUTPUTS) % 2))
        checker = Checker(net.recorded())
        for kind, at, expected, where in net.forward_mistakes():
            net.forward(kind=kind, at=at)
            sheet = net.sheet(net.passed_forward(), ("Z", "A"), digits)
            said = judged(checker.check(sheet), None, expected, where)
            found[said] += 1
            if said == "false":
                print(kind, at, net.n, net.m, net.g, net.output, [f.slip for f in checker.check(sheet).findings])
    return found


OUTPUTS = ("softmax", "squared", "sigmoid", "one", "linear")


def right_work(count, seed=0):
    """Correct sheets: how many are called wrong, by digits.

    Numbers are rounded to so many digits or decimals all the way, or to so many digits at the end. Tensors in columns
    and in rows, and Values, whose sheets have dW and db.
    """
    rng = np.random.default_rng(seed)
    checked, wrong = collections.Counter(), collections.Counter()
    kinds = itertools.cycle(itertools.product(OUTPUTS, ("columns", "rows", "values")))
    while sum(checked.values()) < count:
        output, how = next(kinds)
        net = Net(rng, output, how == "rows", most=2 if how == "values" else 6)
        checker = Checker(net.recorded_in_values() if how == "values" else net.recorded())
        for digits in (3, 4, 5, 6):
            for work in (net.carefully(digits), net.carefully(None, digits), net.backward()):
                keys = ("dW", "db") if rng.random() < 0.5 or how == "values" else ("dZ", "dA", "dW", "db")
                sheet = (net.sheet_of_values if how == "values" else net.sheet)(work, keys, digits)
                checked[digits] += 1
                wrong[digits] += any(v.kind == "wrong" for v in checker.check(sheet).verdicts.values())
    return checked, wrong


def two_slips(count, digits=4, keys=("dW", "db"), seed=0):
    """Two mistakes at once, in different layers: how often both are named, one, or none."""
    rng = np.random.default_rng(seed)
    found = collections.Counter()
    while sum(found.values()) < count:
        net = Net(rng, rows=bool(rng.random() < 0.5))
        checker = Checker(net.recorded())
        single = [x for x in net.mistakes() if x[1] > 0]
        for _ in range(8):
            first, second = (single[k] for k in rng.choice(len(single), 2, replace=False))
            if first[0] == second[0] or first[1] == second[1]:
                continue
            both = net.twice(first, second)
            if both is None:
                continue
            marking = checker.check(net.sheet(both, keys, digits))
            moved = [net.sheet(net.backward(*x[:2]), keys, digits) for x in (first, second)]
            right = net.sheet(net.backward(), keys, digits)
            if any(all(np.array_equal(m[k], right[k]) for k in right) for m in moved):
                continue
            hits = sum(any(f.kind in x[2] for f in marking.findings) for x in (first, second))
            found[("none", "one", "both")[hits]] += 1
    return found


def lecture_net(rng):
    """The 2-2-2 net of lecture 20 in Values: its loss, and what a hand needs."""
    w = rng.normal(size=(2, 2, 2)) + 0.1
    b, x, y = rng.normal(size=(2, 2)) * 0.5, rng.uniform(0.05, 1, 2), rng.uniform(0.01, 0.99, 2)
    inputs = [Value(u, f"x_{k}") for k, u in enumerate(x, 1)]
    layer = inputs
    for level in (1, 2):
        units = []
        for j in (1, 2):
            z = Value(b[level - 1, j - 1], f"b[{level}]_{j}")
            for k in (1, 2):
                z = z + Value(w[level - 1, j - 1, k - 1], f"w[{level}]_{j},{k}") * layer[k - 1]
            z.label = f"z[{level}]_{j}"
            a = sigmoid(z)
            a.label = f"a[1]_{j}" if level == 1 else f"yhat_{j}"
            units.append(a)
        layer = units
    L = ((layer[0] - Value(y[0], "y_1")) ** 2 + (layer[1] - Value(y[1], "y_2")) ** 2) / 2
    L.label = "L"
    return L, w, b, x, y


def by_hand(w, b, x, y, kind=""):
    """∂L/∂w[1]₁₁ as the lecture computes it, with a mistake."""
    z1 = w[0] @ x + b[0]
    a1 = 1 / (1 + np.exp(-z1))
    z2 = w[1] @ a1 + b[1]
    yhat = 1 / (1 + np.exp(-z2))

    def slope(z, a, where):
        if kind == f"slope left out {where}":
            return 1.0
        if kind == f"slope twice {where}":
            return (a * (1 - a)) ** 2
        if kind == f"slope at a {where}":
            s = 1 / (1 + np.exp(-a))
            return s * (1 - s)
        if kind == f"slope with z {where}":
            return z * (1 - z)
        if kind == f"a for the slope {where}":
            return a
        return a * (1 - a)

    errors = yhat - y
    if kind == "sign":
        errors = -errors
    if kind == "factor 2":
        errors = 2 * errors
    if kind == "prediction for error":
        errors = np.array([yhat[0], errors[1]])
    if kind == "target of another unit":
        errors = np.array([yhat[0] - y[1], errors[1]])
    back = w[1, :, 0].copy()
    if kind == "another weight":
        back[0] = w[1, 0, 1]
    if kind == "weight of the other layer":
        back[0] = w[0, 0, 0]
    paths = [errors[j] * slope(z2[j], yhat[j], f"out {j + 1}") * back[j] for j in (0, 1)]
    if kind == "first path only":
        paths = paths[:1]
    if kind == "second path only":
        paths = paths[1:]
    last = x[1] if kind == "another input" else x[0]
    return sum(paths) * slope(z1[0], a1[0], "hidden") * last


ONE_NUMBER = {
    **{f"slope left out {u}": "slope_left_out" for u in ("hidden", "out 1", "out 2")},
    **{f"slope twice {u}": "slope_twice" for u in ("hidden", "out 1")},
    **{f"slope at a {u}": "slope_at_a" for u in ("hidden", "out 1")},
    **{f"slope with z {u}": "slope_with_z" for u in ("hidden", "out 1")},
    **{f"a for the slope {u}": "a_for_slope" for u in ("hidden", "out 1")},
    "sign": "sign",
    "factor 2": "factor",
    "prediction for error": "prediction_for_error",
    "target of another unit": "target_of_another_unit",
    "another weight": "another_factor",
    "weight of the other layer": "another_factor",
    "first path only": "path_forgotten",
    "second path only": "path_forgotten",
    "another input": "another_factor",
}


def one_number(count, digits, seed=0):
    """One number of the 2-2-2 net: how often one is sure, how often it is then the mistake; and of random numbers."""
    rng = np.random.default_rng(seed)
    found = collections.Counter()
    for _ in range(count):
        L, *net = lecture_net(rng)
        checker = Checker(L)
        right = by_hand(*net)
        for kind, slip in ONE_NUMBER.items():
            x = by_hand(*net, kind)
            marking = checker.check({"dL/dw[1]_1,1": f"{x:.{digits - 1}e}"})
            if marking or not marking.findings:
                found["right" if marking else "none"] += 1
                continue
            f = marking.findings[0]
            kinds = [f.kind, *(a.kind for a in f.alternatives)]
            how = "sure" if f.is_sure else "perhaps"
            found[
                f"{how}, it" if f.kind == slip and f.is_sure else f"{how}, among" if slip in kinds else f"{how}, other"
            ] += 1
        for _ in range(20):
            x = right * np.exp(rng.uniform(-3.5, 3.5)) * rng.choice([-1, 1])
            marking = checker.check({"dL/dw[1]_1,1": f"{x:.{digits - 1}e}"})
            found["random numbers"] += 1
            found["random, sure"] += any(f.is_sure for f in marking.findings)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", type=int, default=200)
    parser.add_argument("--sheets", type=int, default=3200, help="of correct work")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", action="store_true", help="a line for each kind of mistake, too")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    n = options.nets
    print(f"{'':58} {'nets':>5} {'sheets':>6}  {'named':>6}  {'among':>6}  {'false':>6}  {'none':>6}  {'right':>6}")
    rows = [
        ("softmax in columns, dW and db, 4 digits", n, 4, ("dW", "db"), {}),
        ("the same, full precision", n // 5, None, ("dW", "db"), {}),
        ("the same, 3 digits", n // 5, 3, ("dW", "db"), {}),
        ("softmax in rows, dW and db, 4 digits", n, 4, ("dW", "db"), {"rows": True}),
        ("all of dZ, dA, dW, db, 4 digits", n // 5, 4, ("dZ", "dA", "dW", "db"), {}),
        (
            "squared error and sigmoid in rows, dW and db, 4 digits",
            n // 5,
            4,
            ("dW", "db"),
            {"rows": True, "output": "sigmoid"},
        ),
        ("softmax with squared error, dW and db, 4 digits", n // 5, 4, ("dW", "db"), {"output": "squared"}),
        ("one sigmoid and its cross-entropy, dW and db, 4 digits", n // 5, 4, ("dW", "db"), {"output": "one"}),
    ]
    for title, count, digits, keys, how in rows:
        _, by_kind = experiment(title, count, digits, keys, options.seed, options.verbose, **how)
        if options.kinds:
            for kind, c in by_kind.items():
                print(f"    {kind:40} {dict(c)}")
    print()
    checked, wrong = right_work(options.sheets, options.seed)
    print("correct work, rounded all the way or at the end, called wrong: ", end="")
    print(", ".join(f"{digits} digits {wrong[digits]} of {checked[digits]}" for digits in sorted(checked)))
    ahead = forward_slips(max(n // 2, 10), seed=options.seed)
    total = sum(ahead.values())
    print(f"mistakes of the forward pass, Z and A, 4 digits, {total} sheets: ", end="")
    print(", ".join(f"{k} {ahead[k] / total:.1%}" for k in ("named", "among", "false", "none", "right")))
    for keys in (("dW", "db"), ("dZ", "dA", "dW", "db")):
        both = two_slips(4 * n, keys=keys, seed=options.seed)
        total = sum(both.values())
        print(f"two slips at once, {', '.join(keys)}, 4 digits, {total} sheets: ", end="")
        print(", ".join(f"{k} {both[k] / total:.1%}" for k in ("both", "one", "none")))
    for digits in (6, 4, 3):
        one = one_number(n, digits, options.seed)
        print(f"2-2-2, one number, {digits} digits: {dict(sorted(one.items()))}")


if __name__ == "__main__":
    main()
