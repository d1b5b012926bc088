"""A model as a program in NumPy: its own derivation, written down as the lectures write theirs.

The formulas are those that `derive` prints. What is a number of samples in them is found by deriving for two batches;
the program is run once and its gradients are compared with the model's before anybody gets it.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Tensor, derive, gradients
from autograd.formulas.notation import Ascii
from autograd.operands import Operand, describe

from ..losses import BinaryCrossentropy, CategoricalCrossentropy
from ..models.model import Model
from ..optimizers import SGD, Adam
from ..training.loop import training_mode
from .flat import draws, flat
from .helpers import functions_for

__all__ = ["numpy_code"]

WHERE = "to_code"
SCALES = 2, 4, 8, 9, 10, 11, 12, 13  # of weights to derive at, and to compare at, until the program holds for all
BATCHES = 7, 11  # the program is derived for both, and what differs follows the number of samples
MOST_NUMBERS = 400  # of a constant in the program
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.])")


def numpy_code(model: Model) -> str:
    """The program, as text."""
    model._check_compiled(WHERE)
    update = _update(model.optimizer)
    for step in flat(model).steps:
        if step.training is not False and draws(step.layer):
            raise ValueError(
                f"{WHERE}: {step.layer} draws random numbers, which no derivation shows: leave it out, or try 'torch'"
            )
    tried = copy.deepcopy(model)  # in which running means and weights may move
    with training_mode(tried, True):
        for scale in (*SCALES, None):
            try:
                code = _written(tried, model, update)
                _check(tried, code, is_far=False)
                for other in SCALES[:4]:
                    _draw(tried, other)
                    _check(tried, code, is_far=True)
                return code
            except ValueError:
                if scale is None:
                    raise
            _draw(tried, scale)
    raise AssertionError


def _written(tried: Model, model: Model, update: tuple[list[str], list[str]]) -> str:
    """The program of a model, derived at the weights of another one of the same layers."""
    one, other = (_Derived(tried, m) for m in BATCHES)
    lines = [_with_m(a, b, one, other) for a, b in zip(one.lines, other.lines, strict=True)]
    imported, helpers, unknown = functions_for(lines)
    if unknown:
        raise ValueError(f"{WHERE}: no program in NumPy is known for {', '.join(unknown)}(...); try 'torch' or 'keras'")
    return _program(model, one, lines, imported, helpers, update)


def _draw(model: Model, scale: float) -> None:
    """Give a model weights that bring its weighted sums to both sides of kinks, to about `scale` away from 0.

    A derivation says what holds for its numbers: where all sums of a leaky_relu are positive, its slope is 1. What a
    program says has to hold for all numbers, so that it is derived where all pieces are met.
    """
    rng = np.random.default_rng(int(scale))
    for p in model.parameters():
        p.data = scale * rng.normal(size=p.shape) / math.sqrt(max(p.size // max(len(p), 1), 1))


class _Derived:
    """The derivation of a batch of m samples, line by line: definitions, then steps."""

    def __init__(self, model: Model, m: int) -> None:
        self.m = m
        self.xs, self.y = _samples(model, m)
        inputs = [Tensor(x).detach() for x in self.xs]  # constants by name, which the formulas then say
        for i, x in enumerate(inputs, 1):
            x.label = "X" if len(inputs) == 1 else f"X_{i}"
        given: Any = inputs if model.takes_several else inputs[0]
        loss = model.loss_of(given, self.y)
        found: dict[str, str] = {}
        steps: dict[str, str] = {}
        constants: dict[str, np.ndarray] = {}
        self.count = m
        for p in model.parameters():
            d = derive(loss, p)
            self.count = d.samples or m
            for each in d.definitions:
                found.setdefault(_name(each.label), each.formula.ascii(_name))
            for s in d.steps:
                steps.setdefault(f"d{_name(s.label)}", s.formula.ascii(_name))
            for name in (name for name, formula in {**found, **steps}.items() if formula == Ascii.ellipsis):
                raise ValueError(f"{WHERE}: the formula of {name} is too long for a line; try 'torch' or 'keras'")
            constants |= d.given
        self.forward = [f"{name} = {formula}" for name, formula in found.items()]
        self.backward = [f"{name} = {formula}" for name, formula in steps.items()]
        self.given = {_name(label): x for label, x in constants.items()}
        self.inputs, self.before = self._inputs(model)

    @property
    def lines(self) -> list[str]:
        return [*self.before, *self.forward, *self.backward]

    def _inputs(self, model: Model) -> tuple[list[str], list[str]]:
        """What the inputs and the targets are called in the formulas, and what is done to them before."""
        names, before = [], []
        target = model.loss.targets(WHERE, self.y, model.output_shape, model.dtype)
        left = dict(self.given)
        usual_names = ["X"] if len(self.xs) == 1 else [f"X_{i}" for i in range(1, len(self.xs) + 1)]
        for i, (x, usual) in enumerate(zip((*self.xs, target), (*usual_names, "Y"), strict=True)):
            for name, array in left.items():
                seen = _of_mask(name, x, array)
                if seen is not None:
                    before.append(seen)
                    break
                if array.shape == x.shape and np.array_equal(array, x):
                    break
                if x.ndim > 2 and array.shape == x.swapaxes(0, 1).shape and np.array_equal(array, x.swapaxes(0, 1)):
                    before.append(f"{name} = {name}.swapaxes(0, 1)  # steps first")
                    break
                if array.size == x.size and np.array_equal(array, x.reshape(array.shape)):
                    before.append(f"{name} = {name}.reshape(-1, {array.shape[-1]})  # each place is a row")
                    break
            else:
                name = usual if usual not in self.given else f"{usual}{i}"
            left.pop(name, None)
            names.append(name)
        for name, array in left.items():
            if array.size > MOST_NUMBERS:
                raise ValueError(f"{WHERE}: the net uses a constant of {array.size} numbers, which no program shows")
            before.append(f"{name} = np.array({np.array2string(array, separator=', ', threshold=10**6)})")
        return names, before


def _of_mask(name: str, x: np.ndarray, array: np.ndarray) -> str | None:
    """How what is added to scores is made of an input of truth values; None if it is not."""
    if array.ndim < 3 or array.size % x.size or not np.isin(x, (0, 1)).all():
        return None
    shape = (len(x), *(1,) * (array.ndim - x.ndim), *x.shape[1:])
    steps = array.shape[-2:]
    for causal in ("", f" * np.tri{steps}"):
        seen = x.reshape(shape) * (np.tri(*steps) if causal else 1)
        made = np.where(seen != 0, 0, array.min())
        if made.ndim == array.ndim and np.array_equal(np.broadcast_arrays(made, array)[0], array):
            code = f"{name}.reshape(-1, {', '.join(map(str, shape[1:]))}){causal}"
            return f"{name} = np.where({code} != 0, 0, {array.min():g})  # 0 where a step may look"
    return None


def _name(label: str) -> str:
    """A label as a name of a variable: W1 for W[1], H1_2 for H[1]<2>, Zp1 for Z'[1]."""
    label = label.replace("'", "p")
    return re.sub(r"\W+", "_", label.replace("[", "").replace("]", "")).strip("_")


def _samples(model: Model, m: int) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Any samples that the model takes: numbers, or small whole ones where it looks them up."""
    rng = np.random.default_rng(m)
    y: np.ndarray
    assert model.input_shapes is not None
    outputs = model.output_shape
    if isinstance(model.loss, CategoricalCrossentropy):
        y = rng.integers(0, outputs[-1], (m, *outputs[:-1]))
    elif isinstance(model.loss, BinaryCrossentropy):
        y = rng.integers(0, 2, (m, *outputs))
    else:
        y = rng.normal(size=(m, *outputs))
    numbers = tuple(rng.normal(size=(m, *shape)).astype(model.dtype) for shape in model.input_shapes)
    whole = tuple(rng.integers(0, 2, (m, *shape)).astype(model.dtype) for shape in model.input_shapes)
    masked = any(call.named for part in model.modules() if isinstance(part, Model) for call in part.wiring.calls)
    if masked:
        for x in whole:
            x[..., 0] = 1  # each step is to look somewhere: else its softmax is that of roundings beside 1e9
    for xs in (whole,) if masked else (numbers, whole):
        try:
            model.loss_of(list(xs) if model.takes_several else xs[0], y)
        except ValueError as error:
            refused = error
        else:
            return xs, y
    raise refused


def _with_m(a: str, b: str, one: _Derived, other: _Derived) -> str:
    """A line whose numbers that follow the number of samples are written with m."""
    numbers, others = _NUMBER.findall(a), _NUMBER.findall(b)
    if _NUMBER.split(a) != _NUMBER.split(b) or len(numbers) != len(others):
        raise ValueError(f"{WHERE}: the formulas of {one.m} and of {other.m} samples differ: {a:.60} and {b:.60}")
    m, n = one.count, other.count
    written = iter([_of_m(x, y, m, n) for x, y in zip(numbers, others, strict=True)])
    return _NUMBER.sub(lambda match: next(written), a)


def _of_m(x: str, y: str, m: int, n: int) -> str:
    """A number as it stands, or as a multiple or a part of m."""
    if x == y:
        return x
    if math.isclose(float(x) / m, float(y) / n, rel_tol=1e-9):
        times = float(x) / m
        return "m" if times == 1 else f"({times:g}*m)"
    if math.isclose(float(x) * m, float(y) * n, rel_tol=1e-9):
        return f"({float(x) * m:.17g}/m)"
    raise ValueError(f"{WHERE}: {x} for {m} samples is {y} for {n}, which is no multiple of their number")


def _update(optimizer: Any) -> tuple[list[str], list[str]]:
    """What is kept between steps, and how a step moves the weights."""
    grouped = any(options for options, _ in optimizer._groups)
    if optimizer.schedule is not None or optimizer._clipping is not None or grouped:
        raise ValueError(
            f"{WHERE}: the program has one learning rate and no clipping: compile with SGD(rate) or Adam(rate)"
        )
    rate = f"{optimizer.learning_rate:g}"
    if type(optimizer) is SGD and not optimizer.momentum:
        return [], ["for w, dw in zip(weights, steps):", f"    w -= {rate} * dw"]
    if type(optimizer) is Adam:
        first, second, epsilon = optimizer.beta_1, optimizer.beta_2, optimizer.epsilon
        return (
            ["means = [(np.zeros_like(w), np.zeros_like(w)) for w in weights]", "t = 0"],
            [
                "t += 1",
                "for w, dw, (mean, square) in zip(weights, steps, means):",
                f"    mean += {1 - first:.17g} * (dw - mean)",
                f"    square += {1 - second:.17g} * (dw**2 - square)",
                f"    unbiased = mean / (1 - {first:g}**t), square / (1 - {second:g}**t)",
                f"    w -= {rate} * unbiased[0] / (np.sqrt(unbiased[1]) + {epsilon:g})",
            ],
        )
    raise ValueError(
        f"{WHERE}: expected SGD without momentum, or Adam; got {describe(optimizer)}: compile with one of them"
    )


def _program(
    model: Model,
    derived: _Derived,
    lines: Sequence[str],
    imported: Sequence[str],
    helpers: Sequence[str],
    update: tuple[list[str], list[str]],
) -> str:
    parameters = [(_name(p.label), p) for p in model.parameters()]
    names = [name for name, _ in parameters]
    *inputs, target = derived.inputs
    before, first = len(derived.before), len(derived.before) + len(derived.forward)
    kept, moved = update
    shapes = [f"{name}: (m, {', '.join(map(str, x.shape[1:]))})" for name, x in zip(inputs, derived.xs, strict=True)]
    wanted = model.loss.targets(WHERE, derived.y, model.output_shape, model.dtype).shape[1:]
    shapes.append(f"{target}: (m, {', '.join(map(str, wanted))})")
    m = f"m = len({inputs[0]})" if derived.count == derived.m else f"m = len({target})"
    body = lines[:before] if derived.count != derived.m else []
    rest = lines[:before] if derived.count == derived.m else []
    every = ", ".join((*inputs, target))
    rows = ", ".join(f"{name}[rows]" for name in (*inputs, target))
    uses_math = any("math." in code for code in helpers)
    blocks = [
        f'"""A net of {model.count_params():,} numbers and its training, written by gradpath. Samples are rows."""',
        "\n".join([*(["import math", ""] if uses_math else []), "import numpy as np"])
        + (f"\nfrom numpy import {', '.join(imported)}" if imported else ""),
        *(f"\n{code}" for code in helpers),
        "\ndef start(rng):\n"
        '    """Weights to begin with: small ones of either sign, biases of 0."""\n'
        "    return [\n" + "".join(f"        {_first(p)},  # {name}\n" for name, p in parameters) + "    ]",
        f"\ndef gradients({every}, weights):\n"
        f'    """The loss of a batch and its derivatives. {"; ".join(shapes)}."""\n'
        + _indented([f"{', '.join(names)}{',' * (len(names) == 1)} = weights", *body, m, *rest], 4)
        + "\n\n    # forward\n"
        + _indented(lines[before:first], 4)
        + "\n\n    # backward\n"
        + _indented(lines[first:], 4)
        + f"\n    return L, [{', '.join(f'd{name}' for name in names)}]",
        f"\ndef train({every}, weights, epochs, batch_size, rng):\n"
        '    """Move the weights, in place, batch by batch; the loss of each epoch."""\n'
        + _indented([*kept, "losses = []"], 4)
        + "\n    for _ in range(epochs):\n"
        f"        order, total = rng.permutation(len({inputs[0]})), 0.0\n"
        f"        for begin in range(0, len(order), batch_size):\n"
        f"            rows = order[begin : begin + batch_size]\n"
        f"            L, steps = gradients({rows}, weights)\n"
        + _indented([*moved, "total += L * len(rows)"], 12)
        + "\n        losses.append(total / len(order))\n"
        "    return losses",
    ]
    return "\n\n".join(blocks) + "\n"


def _first(p: Operand) -> str:
    """How a parameter begins: as glorot_uniform draws a matrix, biases with 0, what is multiplied alone with 1."""
    if p.ndim < 2:
        return f"np.{'ones' if (p.numpy() == 1).all() else 'zeros'}({p.shape})"
    around = math.prod(p.shape[1:-1])
    limit = math.sqrt(6 / (around * (p.shape[0] + p.shape[-1])))
    return f"rng.uniform(-{limit:.4f}, {limit:.4f}, {p.shape})"


def _indented(lines: Sequence[str], by: int) -> str:
    return "\n".join(" " * by + line.replace("\n", "\n" + " " * by) for line in lines)


def _check(model: Model, code: str, is_far: bool) -> None:
    """Run the program on other samples: its loss and its gradients have to be the model's, or it is a ValueError.

    is_far: the weights are far from where the program was derived; where they lead to infinity nothing is compared.
    """
    xs, y = _samples(model, 23)
    loss = model.loss_of(list(xs) if model.takes_several else xs[0], y)
    target = model.loss.targets(WHERE, y, model.output_shape, model.dtype)
    scope: dict[str, Operand] = {}
    exec(compile(code, "<written by to_code>", "exec"), scope)
    given = [x.astype(np.intp) if (x == np.floor(x)).all() else x for x in xs]
    weights = [p.numpy().astype(np.float64) for p in model.parameters()]
    try:
        with np.errstate(all="ignore"):
            found, steps = scope["gradients"](*given, target.astype(np.float64), weights)
    except (AttributeError, TypeError) as error:  # such as a gradient that is 0 for the samples of the derivation
        raise ValueError(f"{WHERE}: the program would not run: {error}") from None
    expected = gradients(loss, model.parameters())
    if is_far and not all(np.isfinite(g).all() for g in (*expected, *steps)):
        return
    accuracy = (1e-3 if any(p.dtype == np.float32 for p in model.parameters()) else 1e-8) * (10 if is_far else 1)
    near = accuracy * max(float(np.abs(g).max(initial=0)) for g in expected)  # some are 0 but for rounding
    for p, mine, its in zip(model.parameters(), steps, expected, strict=True):
        if mine.shape != its.shape or not np.allclose(mine, its, accuracy, near):
            raise ValueError(f"{WHERE}: the program would give another gradient of {p.label} than the model")
    if not is_far and not math.isclose(found, loss.item(), rel_tol=accuracy, abs_tol=accuracy):
        raise ValueError(f"{WHERE}: the program would give the loss {found}, the model {loss.item()}")
