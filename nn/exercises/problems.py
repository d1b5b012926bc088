"""The computations that exercises are about, each a recorded loss with numbers that a hand can work with."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from autograd import Tensor, Value, gradients, squared_error
from autograd.arguments import positive_integer
from autograd.formulas import names
from autograd.graph import Node, topological_order
from autograd.marking.marking import Checker
from autograd.operands import Operand

from ..activations import activation_name, find_activation
from ..neurons import MLP, Neuron, inputs
from .writing import Math, symbol

__all__ = ["NUMBERS", "Problem", "best"]

# What is drawn, by level: whole numbers, halves, tenths; and how many digits a number may have.
NUMBERS: dict[int, tuple[float, ...]] = {
    1: (-3, -2, -1, 1, 2, 3),
    2: (-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2),
    3: (-1.2, -0.8, -0.6, -0.5, -0.4, -0.2, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.2),
}
DIGITS = {1: 2, 2: 3, 3: 3}
DRAWS = 4000  # of pleasant numbers
TELLING = {1: 10, 2: 10, 3: 5}  # pleasant ones, of which the best is taken

Draw = Callable[[tuple[int, ...]], Operand]


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """A recorded computation.

    loss        its target
    equations   what is computed, for the sheet
    given       names and numbers of the leaves, as the sheet shows them
    forward     the names of what is computed on the way, in order
    gradients   the names of what is derived by, from the loss down
    is_array    whether these are Tensors
    samples     m, whose 1/m is left to the gradients by weights
    """

    loss: Node
    equations: tuple[Math, ...]
    given: tuple[tuple[Math, Operand], ...]
    forward: tuple[str, ...]
    gradients: tuple[str, ...]
    is_array: bool = False
    samples: int = 1

    @property
    def derivatives(self) -> dict[str, Node]:
        """The gradients asked for, by name; of a batch as lectures write them, per sample without the 1/m."""
        nodes = self.of(self.gradients)
        found = gradients(self.loss, nodes)
        found = [g if u.op is None else g * self.samples for u, g in zip(nodes, found, strict=True)]
        return dict(zip(self.gradients, found, strict=True))

    @functools.cached_property
    def nodes(self) -> dict[str, Node]:
        """All that has a name, operands before results."""
        return {u.label: u for u in topological_order(self.loss) if u.label is not None}

    def of(self, each: Sequence[str]) -> list[Node]:
        """The nodes that are called so."""
        return [self.nodes[name] for name in each]


# ---------------------------------------------------------------- numbers


def best(
    make: Callable[[Draw], Problem],
    rng: np.random.Generator,
    level: int,
    digits: int,
    asked: Callable[[Problem], Sequence[str]],
) -> Problem:
    """Of some draws with pleasant numbers the one in which most slips give numbers of their own.

    make: a problem from what it draws. asked: the names of the gradients that are asked for, of a problem.
    RuntimeError if no pleasant numbers are found.
    """
    draw = _draw(NUMBERS[level], rng)
    found: list[tuple[tuple[int, int], int, Problem]] = []
    for _ in range(DRAWS):
        problem = make(draw)
        if _is_pleasant(problem, digits):
            found.append((_confusions(problem, asked(problem)), len(found), problem))
            if len(found) == TELLING[level]:
                break
    if not found:
        raise RuntimeError(
            f"exercise: no numbers of at most {digits} digits were found; allow more with digits={digits + 1}, or take "
            "fewer or smaller layers"
        )
    return min(found)[2]


def any_numbers(
    make: Callable[[Draw], Problem], rng: np.random.Generator, level: int, asked: Callable[[Problem], Sequence[str]]
) -> Problem:
    """For activations that give no pleasant numbers: the most telling of some draws."""
    draw = _draw(np.array(NUMBERS[level]) / (1 if level > 1 else 2), rng)
    found = [(_confusions(p, asked(p)), i, p) for i in range(TELLING[level]) for p in [make(draw)]]
    return min(found)[2]


def _draw(numbers: ArrayLike, rng: np.random.Generator) -> Draw:
    """What draws of these numbers: an array of a shape, or a single one."""
    return lambda shape: rng.choice(numbers, size=shape) if shape else float(rng.choice(numbers))


def _is_pleasant(problem: Problem, digits: int) -> bool:
    """True if every number that a hand writes is short, no unit is at a kink, and something comes back."""
    numbers = [np.ravel(u.data) for u in problem.nodes.values() if u is not problem.loss]
    if not (_are_short(np.concatenate(numbers), digits) and _are_short(np.asarray(problem.loss.data), digits + 2)):
        return False
    if not all(np.all(u.data) for name, u in problem.nodes.items() if u.op is not None and name[:1] in "zZ"):
        return False
    grads = [np.ravel(g) for g in problem.derivatives.values()]
    if not _are_short(np.concatenate(grads), digits):
        return False
    alive = [bool(np.any(g)) for g in grads]
    return all(alive) if problem.is_array else sum(alive) > 0.6 * len(alive)


def _are_short(x: np.ndarray, digits: int) -> bool:
    """True if each number is written with so many digits, as 12, 1.2 or 0.12."""
    short = np.zeros(x.shape, dtype=bool)
    for decimals in range(digits + 1):
        shifted = x * 10.0**decimals
        short |= (np.abs(shifted - np.round(shifted)) < 1e-7) & (np.abs(shifted) < 10.0**digits - 0.5)
    return bool(short.all())


def _confusions(problem: Problem, asked: Sequence[str]) -> tuple[int, int]:
    """How many kinds of slips give the right numbers, and how many pairs of kinds, or inputs, the same ones."""
    checker = Checker(problem.loss)
    nodes = problem.of(asked)
    right = _numbers(checker.c.right, nodes)
    seen: dict[tuple[float, ...], set[str]] = {}
    for variant, predicted in checker.slipped():
        if predicted is not None:
            seen.setdefault(_numbers(predicted, nodes), set()).add(variant.slip.name)
    hidden = seen.pop(right, set()) - set().union(*seen.values())
    twins = sum(len(slips) * (len(slips) - 1) // 2 for slips in seen.values())
    # with x₁ = x₂ nobody sees which one was taken
    sizes = [
        abs(x) for u in problem.nodes.values() if u.op is None and str(u.label)[0] in "xX" for x in np.ravel(u.data)
    ]
    return len(hidden), twins + len(sizes) - len(set(sizes))


def _numbers(found: Mapping[Node, Operand], nodes: Sequence[Node]) -> tuple[float, ...]:
    each = [found.get(u, 0.0) for u in nodes]
    flat = each if all(isinstance(x, float) for x in each) else np.concatenate([np.ravel(x) for x in each])
    return tuple(np.round(np.asarray(flat, dtype=np.float64), 9).tolist())


# ---------------------------------------------------------------- computations


def called(label: str, u: Node) -> Node:
    """The node, with this name."""
    u.label = label
    return u


def neuron(draw: Draw, inputs_: int, activation: str) -> Problem:
    """One unit, a squared error of its activation."""
    unit = Neuron(inputs_, activation, initializer="zeros")
    unit.set_weights(draw((inputs_,)), draw(()))
    x, y = inputs(list(draw((inputs_,)))), Value(draw(()), "y")
    if inputs_ == 1:
        x[0].label, unit.w[0].label = "x", "w"
    a = unit(x)
    loss = called("L", squared_error(a, y))
    f = _function(activation)
    terms = ["w x"] if inputs_ == 1 else [f"w_{k} x_{k}" for k in range(1, inputs_ + 1)]
    z = Math(" + ".join(" ".join(map(names.text, t.split())) for t in [*terms, "b"]), " + ".join([*terms, "b"]))
    equations = (
        Math(f"z = {z.text}", f"z = {z.latex}"),
        Math(f"a = {f.text}(z)", f"a = {f.latex}(z)"),
        Math("L = ½ (a − y)²", r"L = \tfrac{1}{2} (a - y)^2"),
    )
    each = [*x, y, *unit.w, unit.b]
    given = tuple((symbol(u.label or ""), u.data) for u in each)
    by = ("a", "z", *(u.label or "" for u in (*unit.w, unit.b)))
    return Problem(loss, equations, given, ("z", "a", "L"), by)


def net(draw: Draw, layers: Sequence[int], activation: str) -> Problem:
    """Layers of neurons, the last one linear, and a squared error of the outputs."""
    sizes = list(itertools.pairwise(layers))
    model = MLP.from_weights([draw((n, m)) for m, n in sizes], [draw((n,)) for _, n in sizes], activation)
    x = inputs(list(draw((layers[0],))))
    y = [Value(u, "y" if layers[-1] == 1 else f"y_{j}") for j, u in enumerate(draw((layers[-1],)), 1)]
    outputs = model(x)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    for j, u in enumerate(outputs, 1):
        u.label = "yhat" if len(outputs) == 1 else f"yhat_{j}"
    if len(x) == 1:
        x[0].label = "x"
    loss = called("L", squared_error(outputs, y) if len(y) > 1 else squared_error(outputs[0], y[0]))
    given = _as_vectors([("x", x), ("y", y)])
    for number, layer in enumerate(model.layers, 1):
        w, b = layer.get_weights()
        given += [(symbol(f"W[{number}]"), w if w.size > 1 else w.item())]
        given += [(symbol(f"b[{number}]"), b[:, None] if b.size > 1 else b.item())]
    found = Problem(loss, _net_equations(layers, activation), tuple(given), (), ())
    computed = [name for name, u in found.nodes.items() if u.op is not None]
    inner = [name for name in reversed(computed) if name != "L"]
    units = [unit for layer in reversed(model.layers) for unit in layer.neurons]
    by = [*inner, *(p.label or "" for unit in units for p in (*unit.w, unit.b))]
    return dataclasses.replace(found, forward=tuple(computed), gradients=tuple(by))


def _as_vectors(each: Sequence[tuple[str, Sequence[Value]]]) -> list[tuple[Math, Operand]]:
    """Leaves as the sheet shows them: one as a number, several as a column."""
    return [
        (symbol(name), values[0].data if len(values) == 1 else np.array([[v.data] for v in values]))
        for name, values in each
    ]


def _net_equations(layers: Sequence[int], activation: str) -> tuple[Math, ...]:
    g, last = _function(activation), len(layers) - 1
    found = []
    for number in range(1, last + 1):
        before = symbol("x" if number == 1 else f"a[{number - 1}]")
        w, b, left = symbol(f"W[{number}]"), symbol(f"b[{number}]"), symbol(f"z[{number}]" if number < last else "yhat")
        found.append(
            Math(
                f"{left.text} = {w.text} {before.text} + {b.text}",
                f"{left.latex} = {w.latex} {before.latex} + {b.latex}",
            )
        )
        if number < last:
            a = symbol(f"a[{number}]")
            found.append(Math(f"{a.text} = {g.text}({left.text})", f"{a.latex} = {g.latex}({left.latex})"))
    if layers[-1] == 1:
        found.append(Math("L = ½ (ŷ − y)²", r"L = \tfrac{1}{2} (\hat{y} - y)^2"))
    else:
        found.append(Math("L = ½ Σⱼ (ŷⱼ − yⱼ)²", r"L = \tfrac{1}{2} \sum_j (\hat{y}_j - y_j)^2"))
    return tuple(found)


def _function(activation: str) -> Math:
    name = activation_name(find_activation(activation))
    return {"sigmoid": Math("σ", r"\sigma")}.get(name, Math(name, rf"\operatorname{{{name.replace('_', ' ')}}}"))


def shared(draw: Draw, activation: str) -> Problem:
    """A weight that is used twice, before and behind the activation."""
    g = find_activation(activation)
    w, x, b, y = (Value(draw(()), name) for name in "wxby")
    z = called("z", w * x + b)
    a = called("a", g(z))
    yhat = called("yhat", w * a)
    loss = called("L", squared_error(yhat, y))
    f = _function(activation)
    equations = (
        Math("z = w x + b", "z = w x + b"),
        Math(f"a = {f.text}(z)", f"a = {f.latex}(z)"),
        Math("ŷ = w a", r"\hat{y} = w a"),
        Math("L = ½ (ŷ − y)²", r"L = \tfrac{1}{2} (\hat{y} - y)^2"),
    )
    given = tuple((symbol(u.label or ""), u.data) for u in (x, y, w, b))
    return Problem(loss, equations, given, ("z", "a", "yhat", "L"), ("yhat", "a", "z", "w", "b"))


def convolution(draw: Draw) -> Problem:
    """A kernel of two numbers that goes over four: each of its weights is used three times."""
    x, y = inputs(list(draw((4,)))), inputs(list(draw((3,))), "y")
    k, b = inputs(list(draw((2,))), "k"), Value(draw(()), "b")
    z = [called(f"z_{t + 1}", k[0] * x[t] + k[1] * x[t + 1] + b) for t in range(3)]
    loss = called("L", squared_error(z, y))
    equations = (
        Math("zₜ = k₁ xₜ + k₂ xₜ₊₁ + b,  t = 1, 2, 3", r"z_t = k_1 x_t + k_2 x_{t+1} + b,\quad t = 1, 2, 3"),
        Math("L = ½ Σₜ (zₜ − yₜ)²", r"L = \tfrac{1}{2} \sum_t (z_t - y_t)^2"),
    )
    given = (
        *((symbol(n), np.array([u.data for u in v])) for n, v in (("x", x), ("y", y), ("k", k))),
        (symbol("b"), b.data),
    )
    places = [f"z_{t}" for t in (1, 2, 3)]
    return Problem(loss, equations, given, (*places, "L"), (*places, "k_1", "k_2", "b"))


def recurrent(draw: Draw, activation: str) -> Problem:
    """Two steps of a recurrent unit: its weights are used in both."""
    g = find_activation(activation)
    x = inputs(list(draw((2,))))
    w, u, b, h0, y = (Value(draw(()), name) for name in ("w", "u", "b", "h_0", "y"))
    h = h0
    for t in (1, 2):
        z = called(f"z_{t}", w * x[t - 1] + u * h + b)
        h = called(f"h_{t}", g(z))
    loss = called("L", squared_error(h, y))
    f = _function(activation)
    equations = (
        Math("zₜ = w xₜ + u hₜ₋₁ + b,  t = 1, 2", r"z_t = w x_t + u h_{t-1} + b,\quad t = 1, 2"),
        Math(f"hₜ = {f.text}(zₜ)", f"h_t = {f.latex}(z_t)"),
        Math("L = ½ (h₂ − y)²", r"L = \tfrac{1}{2} (h_2 - y)^2"),
    )
    given = ((symbol("x"), np.array([v.data for v in x])), *((symbol(v.label or ""), v.data) for v in (h0, y, w, u, b)))
    return Problem(
        loss, equations, given, ("z_1", "h_1", "z_2", "h_2", "L"), ("h_2", "z_2", "h_1", "z_1", "w", "u", "b")
    )


def matrices(draw: Draw, layers: Sequence[int], activation: str, form: str, samples: int) -> Problem:
    """A batch through layers in matrices, samples in rows or in columns; the cost is 1/(2m) Σ (A − Y)²."""
    g, is_rows, last = find_activation(activation), form == "rows", len(layers) - 1
    a: Operand = Tensor(draw((samples, layers[0]) if is_rows else (layers[0], samples)), label="X")
    y = Tensor(draw((samples, layers[-1]) if is_rows else (layers[-1], samples)), label="Y")
    given = [(symbol("X"), a.data), (symbol("Y"), y.data)]
    forward: list[str] = []
    equations: list[Math] = []
    f = _function(activation)
    for number, (m, n) in enumerate(itertools.pairwise(layers), 1):
        w = Tensor(draw((n, m)), label=f"W[{number}]")
        b = Tensor(draw((n,) if is_rows else (n, 1)), label=f"b[{number}]")
        given += [(symbol(w.label or ""), w.data), (symbol(b.label or ""), b.data)]
        before = symbol("X" if number == 1 else f"A[{number - 1}]")
        name = f"Z[{number}]" if number < last else "A"
        z = called(name, a @ w.T + b if is_rows else w @ a + b)
        zs, ws, bs = symbol(name), symbol(w.label or ""), symbol(b.label or "")
        equations.append(
            Math(
                f"{zs.text} = {before.text} {ws.text}ᵀ + {bs.text}",
                rf"{zs.latex} = {before.latex} {{{ws.latex}}}^{{\top}} + {bs.latex}",
            )
            if is_rows
            else Math(
                f"{zs.text} = {ws.text} {before.text} + {bs.text}",
                f"{zs.latex} = {ws.latex} {before.latex} + {bs.latex}",
            )
        )
        forward.append(name)
        a = z
        if number < last:
            a = called(f"A[{number}]", g(z))
            forward.append(a.label)
            activated = symbol(a.label)
            equations.append(
                Math(f"{activated.text} = {f.text}({zs.text})", f"{activated.latex} = {f.latex}({zs.latex})")
            )
    order = ["A"]
    for number in range(last, 0, -1):
        order += [f"W[{number}]", f"b[{number}]"] + ([f"A[{number - 1}]", f"Z[{number - 1}]"] if number > 1 else [])
    loss = called("J", ((a - y) ** 2).sum() / (2 * samples))
    equations.append(Math("J = 1/(2m) Σ (A − Y)²", r"J = \tfrac{1}{2m} \sum (A - Y)^2"))
    return Problem(loss, tuple(equations), tuple(given), (*forward, "J"), tuple(order), True, samples)


def checked_layers(kind: str, layers: Operand, default: Sequence[int]) -> tuple[int, ...]:
    """The sizes of the layers, inputs first."""
    found = tuple(positive_integer("exercise", "a layer", n) for n in (default if layers is None else layers))
    if len(found) < 2:
        raise ValueError(f"exercise: expected layers as inputs, units, ..., outputs, such as [2, 2, 1]; got {layers!r}")
    if len(found) > 4 or (max(found) > 4 and kind != "shapes"):
        raise ValueError(f"exercise: expected at most 4 layers of at most 4 units, for a hand; got {list(found)}")
    return found
