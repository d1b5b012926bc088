"""The kinds of exercises, each made with numbers for a hand."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import derive
from autograd.arguments import lookup, positive_integer, whole_number
from autograd.formulas import names
from autograd.graph import topological_order
from autograd.marking.marking import Checker
from autograd.operands import Operand
from autograd.signatures import Json

from ..activations import activation_name, find_activation
from . import writing
from .problems import (
    DIGITS,
    NUMBERS,
    Problem,
    any_numbers,
    best,
    checked_layers,
    convolution,
    matrices,
    net,
    neuron,
    recurrent,
    shared,
)
from .sheets import FIXED, TITLES, Exercise, Part
from .writing import Blank, Block, Math, Numbers, Paragraph, gradient, symbol, written

__all__ = ["exercise", "worksheets"]


def _blanks_forward(problem: Problem, wanted: Sequence[str]) -> tuple[Blank, ...]:
    return tuple(Blank(n, symbol(n), _shape(problem.nodes[n]), _number(problem.nodes[n].data)) for n in wanted)


def _blanks_backward(problem: Problem, wanted: Sequence[str]) -> tuple[Blank, ...]:
    target, right = problem.loss.label, problem.derivatives
    found = []
    for name in wanted:
        u = problem.nodes[name]
        if problem.is_array:
            s = symbol(name)
            shown, key = Math(f"d{s.text}", f"d{s.latex}"), f"d{name}"
        else:
            shown, key = gradient(target, name), f"d{target}/d{name}"
        found.append(Blank(key, shown, _shape(u), _number(right[name])))
    return tuple(found)


def _shape(u: Operand) -> tuple[int, ...]:
    return tuple(np.shape(u.data))


def _number(x: Operand) -> Operand:
    return np.array(x, dtype=np.float64) if np.ndim(x) else float(x)


def _plain_parts(problem: Problem, level: int) -> tuple[list[Part], list[Block]]:
    """Forward, back to the last layer, back to the first: how much of it depends on the level."""
    nodes = problem.nodes
    inner = [name for name in problem.gradients if nodes[name].op is not None]
    leaves = [name for name in problem.gradients if nodes[name].op is None]
    forward = Part(("Compute forward, in this order:",), _blanks_forward(problem, problem.forward))
    says = " (without the 1/m of the mean; with it they are right too)" if problem.is_array else ""
    back = Part((f"Go back from the loss{says}:",), _blanks_backward(problem, inner))
    last = Part(("The gradients by weights and biases:",), _blanks_backward(problem, leaves))
    if level == 1:
        known = Numbers(tuple((symbol(n), nodes[n].data) for n in problem.forward))
        return [back, last], [Paragraph(("Forward this gives",)), known]
    return ([forward, back, last], []) if level == 2 else ([forward, last], [])


def _made_plain(problem: Problem, options: Json, rng: np.random.Generator) -> Exercise:
    parts, notes = _plain_parts(problem, options["level"])
    return Exercise(options, problem, parts, notes)


def _made_factor(problem: Problem, options: Json, rng: np.random.Generator) -> Exercise:
    """Derivations with a factor left out of each; at level 1 all else stands there."""
    nodes = problem.nodes
    leaves = [name for name in problem.gradients if nodes[name].op is None and nodes[name].grad and name[0] != "b"]
    derivations = [derive(problem.loss, nodes[name]) for name in leaves]
    chains = [(d, path) for d in derivations for path in d.paths if path.value]
    order = rng.permutation(len(chains))[: 2 + options["level"]]
    parts: list[Part] = []
    factors: dict[str, tuple[str, float, float]] = {}
    for place, i in enumerate(order):
        d, path = chains[i]
        missing = _missing(path, place, set(factors))
        labels = [d.graph.labels[v] for v in path.nodes]
        ratios = [gradient(a, b) for a, b in itertools.pairwise(labels)]
        name = f"d{labels[missing]}/d{labels[missing + 1]}"
        right = float(path.factors[missing])
        shown = [writing.GAP if k == missing else written(f) for k, f in enumerate(path.factors)]
        others = float(np.prod([f for k, f in enumerate(path.factors) if k != missing]))
        factors[name] = (labels[-1], others, float(nodes[labels[-1]].grad) - float(path.value))
        end = f" = {written(path.value)}" if options["level"] == 1 else ""
        line = Math(
            f"{' · '.join(r.text for r in ratios)} = {' · '.join(_in_brackets(s) for s in shown)}{end}",
            rf"{' '.join(r.latex for r in ratios)} = {_latex_product(shown)}{end}".replace("−", "-"),
        )
        chain = Math(" → ".join(map(names.text, labels)), r" \to ".join(map(names.latex, labels)))
        words: tuple[str | Math, ...] = ("The path ", chain, ": ", line, ". Which number is missing?")
        parts.append(Part(words, (Blank(name, ratios[missing], (), right),)))
    known = Numbers(tuple((symbol(n), nodes[n].data) for n in problem.forward))
    return Exercise({**options, "factors": factors}, problem, parts, [Paragraph(("Forward this gives",)), known])


def _missing(path: Any, place: int, taken: set[str]) -> int:
    """Which factor of a path is left out: another one each time, none that was left out already."""
    for k in [*range(1, len(path.factors)), 0]:
        i = 1 + (k + place) % (len(path.factors) - 1) if len(path.factors) > 1 else 0
        name = f"d{path.nodes[i].label}/d{path.nodes[i + 1].label}"
        if name not in taken:
            return i
    return 0


def _in_brackets(s: str) -> str:
    return f"({s})" if s.startswith("−") else s


def _latex_product(shown: Sequence[str]) -> str:
    return r" \cdot ".join(r"\underline{\hspace{3em}}" if s == writing.GAP else _in_brackets(s) for s in shown)


def _made_find(problem: Problem, options: Json, rng: np.random.Generator) -> Exercise:
    """A worked solution with one slip in it, planted by the table that finds it."""
    checker = Checker(problem.loss)
    nodes, right, wanted = problem.nodes, checker.c.right, list(problem.gradients)
    steps = dict(zip(wanted, _blanks_backward(problem, wanted), strict=True))
    predicted = [found for _, found in checker.slipped()]
    kinds = ("often", "regularly", "once")
    # one mistake is one slip in one place: what else is wrong follows from it
    alone = [i for i, v in enumerate(checker.variants) if len(v.edges) == 1]
    fixed = [i for i in alone if not checker.variants[i].slip.fits and checker.variants[i].slip.seen in kinds]
    planted: Any = None
    for i in sorted(rng.permutation(fixed), key=lambda i: kinds.index(checker.variants[i].slip.seen)):
        found = predicted[i]
        if found is None:
            continue
        numbers = {n: np.asarray(found.get(nodes[n], 0.0)) for n in wanted}
        wrong = [n for n in wanted if not np.allclose(found.get(nodes[n], 0.0), right.get(nodes[n], 0.0))]
        if not wrong or any(x.shape != _shape(nodes[n]) or np.abs(x).max() > 999 for n, x in numbers.items()):
            continue
        if not {nodes[n] for n in wrong} <= set(topological_order(nodes[wrong[0]])):
            continue
        marking = checker.check({steps[n].name: numbers[n] for n in wanted})
        is_one = len(marking.findings) == 1 and len(marking.findings[0].wrong) == 1
        if is_one and marking[steps[wrong[0]].name].kind == "wrong":
            planted = planted or (numbers, wrong, marking.findings[0])
            if not marking.findings[0].alternatives:
                planted = numbers, wrong, marking.findings[0]
                break
    if planted is None:
        raise RuntimeError("exercise: no mistake can be planted in this computation; take another seed")
    numbers, wrong, finding = planted
    first = steps[wrong[0]]
    blanks = (
        Blank("wrong", Math("the first wrong one", r"\text{the first wrong one}"), (), first.shown.text),
        Blank("right value", Math("its right value", r"\text{its right value}"), first.shape, first.right),
    )
    notes: list[Block] = [
        Paragraph(("Forward this gives, rightly,",)),
        Numbers(tuple((symbol(n), nodes[n].data) for n in problem.forward)),
        Paragraph(("Somebody went on, in this order, and made one mistake, with which the rest was computed:",)),
        Numbers(tuple((steps[n].shown, _number(numbers[n])) for n in wanted)),
    ]
    explained: list[Block] = [Paragraph(("The mistake: ", first.shown, f", {finding.slip}."))]
    for there, line in zip(finding.wrong, finding.right, strict=True):
        explained.append(Paragraph(("There ", Math(*there), ", right is ", Math(*line), ".")))
    words = ("Which is the first one that is wrong, and what should it be?",)
    worked = [steps[n].shown for n in wanted]
    return Exercise({**options, "explained": explained, "worked": worked}, problem, [Part(words, blanks)], notes)


def _made_update(problem: Problem, options: Json, rng: np.random.Generator) -> Exercise:
    """The gradients, and where a step of gradient descent leads."""
    rate = float(rng.choice([0.1, 0.5] if options["level"] > 1 else [0.5, 1.0, 2.0]))
    if rate == 1.0:
        rate = 0.5
    options = {**options, "rate": rate}
    nodes = problem.nodes
    leaves = [name for name in problem.gradients if nodes[name].op is None]
    parts, notes = _plain_parts(problem, options["level"])
    step = tuple(
        Blank(
            f"new {n}",
            Math(f"{symbol(n).text} new", rf"{symbol(n).latex}\,\text{{new}}"),
            (),
            float(nodes[n].data - rate * nodes[n].grad),
        )
        for n in leaves
    )
    words = ("One step of gradient descent with learning rate ", Math(f"η = {rate:g}", rf"\eta = {rate:g}"), ":")
    return Exercise(options, problem, [*parts, Part(words, step)], notes)


def _made_shapes(options: Json, rng: np.random.Generator) -> Exercise:
    """No numbers: the shapes of all arrays of a net, forward and back."""
    layers, form = options["layers"], options["form"]
    sizes = rng.permutation(np.arange(2, 10))[: len(layers) + 1]
    samples, units = int(sizes[0]), tuple(int(n) for n in sizes[1:])
    problem = matrices(lambda shape: np.ones(shape), units, options["activation"], form, samples)
    problem.loss.backward()
    nodes = problem.nodes
    setting = f"{samples} samples in {form}, layers of {', '.join(map(str, units))} (inputs first)."

    def each(wanted: Sequence[str], d: str) -> tuple[Blank, ...]:
        return tuple(
            Blank(f"{d}{n}", Math(f"{d}{symbol(n).text}", f"{d}{symbol(n).latex}"), (), _written_shape(nodes[n].shape))
            for n in wanted
        )

    leaves = [n for n in nodes if nodes[n].op is None]
    forward = [n for n in problem.forward if n != "J"]
    parts = [
        Part(("The shapes of what is given and computed, rows first, as (3, 2):",), each([*leaves, *forward], "")),
        Part(("The shapes of the gradients:",), each(problem.gradients, "d")),
    ]
    return Exercise(options, dataclasses.replace(problem, given=()), parts, [Paragraph((setting,))])


def _written_shape(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


LAYERS: dict[str, tuple[int, ...]] = {
    "paths": (2, 2, 2),  # with two outputs paths add up
    "neuron": (2, 1),
    "chain": (1, 1, 1),
    "shared": (1, 1),
    "convolution": (4, 3),
    "recurrent": (2, 1),
    "shapes": (3, 4, 2),
}
MAKERS: dict[str, Callable[..., Exercise]] = {"factor": _made_factor, "find": _made_find, "update": _made_update}


def exercise(
    seed: int = 0,
    kind: str = "paths",
    layers: Sequence[int] | None = None,
    *,
    level: int = 1,
    digits: int | None = None,
    activation: str = "relu",
    form: str = "rows",
) -> Exercise:
    """A sheet of exercises with pleasant numbers, its key, and a marking that names mistakes::

        sheet = exercise(7, "paths", [2, 2, 1])
        print(sheet)                                      # .markdown(), .latex(), .html(), .save("sheet.tex")
        print(sheet.key)
        print(sheet.check({"dL/dyhat": "9", "dL/dw[2]_1,1": "-18"}))

    seed: the same makes the same sheet. kind: "neuron", "chain", "paths", "shared" (a weight used twice), "factor" (the
    missing one), "find" (the mistake in a worked solution), "update" (a training step), "convolution", "recurrent",
    "matrices", "shapes". layers: inputs, units, outputs; by default [2, 2, 1], in "paths" [2, 2, 2]. level: 1 with
    whole numbers and the forward pass given; 2 with halves, all of it asked; 3 with tenths (in matrices halves), and
    only the last gradients asked.
    digits: how many significant ones a number may have; None for 2 at level 1, else 3. activation: with one such as
    sigmoid, which gives no short numbers, these are rounded to digits + 2. form: "rows" or "columns", of samples in
    matrices.

    Of several draws the one is taken in which most of the mistakes that `check_work` knows give numbers of their own.
    ValueError for a kind, level or layers that there are not; RuntimeError if no pleasant numbers are found.
    """
    seed, level = whole_number("exercise", "seed", seed), positive_integer("exercise", "level", level)
    lookup("kind of exercise", kind, TITLES)
    if level not in NUMBERS:
        raise ValueError(f"exercise: expected level 1, 2 or 3; got {level}")
    if form not in ("rows", "columns"):
        raise ValueError(f"exercise: expected form 'rows' or 'columns', got {form!r}")
    digits = DIGITS[level] if digits is None else positive_integer("exercise", "digits", digits)
    activation = activation_name(find_activation(activation))
    sizes = checked_layers(kind, layers, LAYERS.get(kind, (2, 2, 1)))
    _check_shape(kind, layers, sizes)
    options = {
        "seed": seed,
        "kind": kind,
        "level": level,
        "layers": sizes,
        "activation": activation,
        "form": form,
        "digits": digits,
        "is_exact": activation in ("relu", "linear", "leaky_relu"),
    }
    rng = np.random.default_rng([seed, sorted(TITLES).index(kind), level, *sizes])
    if kind == "shapes":
        return _made_shapes(options, rng)
    makes: dict[str, Callable[..., Problem]] = {
        "neuron": lambda draw: neuron(draw, sizes[0], activation),
        "shared": lambda draw: shared(draw, activation),
        "convolution": convolution,
        "recurrent": lambda draw: recurrent(draw, activation),
        "matrices": lambda draw: matrices(draw, sizes, activation, form, 2),
    }
    make = makes.get(kind, lambda draw: net(draw, sizes, activation))
    if options["is_exact"]:
        # tenths of a whole batch are hardly ever short
        problem = best(make, rng, min(level, 2) if kind == "matrices" else level, digits, lambda p: p.gradients)
    else:
        problem = any_numbers(make, rng, level, lambda p: p.gradients)
    problem.loss.backward()
    return MAKERS.get(kind, _made_plain)(problem, options, rng)


def _check_shape(kind: str, given: object, sizes: tuple[int, ...]) -> None:
    if given is None:
        return
    if kind in FIXED:
        raise ValueError(f"exercise: {kind!r} has no layers to choose; leave layers out")
    if kind == "neuron" and (len(sizes) != 2 or sizes[1] != 1):
        raise ValueError(f"exercise: 'neuron' has layers [inputs, 1]; got {list(sizes)}")
    if kind == "chain" and set(sizes) != {1}:
        raise ValueError(f"exercise: 'chain' has one unit in each layer, as [1, 1, 1]; got {list(sizes)}")


def worksheets(count: int, seed: int = 0, kind: str = "paths", *args: Operand, **options: Operand) -> list[Exercise]:
    """So many different sheets for a class, by one seed; see `exercise`. Each has a seed of its own, printed on it."""
    count, seed = positive_integer("worksheets", "count", count), whole_number("worksheets", "seed", seed)
    found: list[Exercise] = []
    seen: set[str] = set()
    number = 1000 * seed
    while len(found) < count:
        number += 1
        sheet = exercise(number, kind, *args, **options)
        given = writing.as_text(sheet._setting() + list(sheet._notes), 6)
        if given not in seen:
            seen.add(given)
            found.append(sheet)
        elif number > 1000 * seed + 50 * count:
            raise RuntimeError(f"worksheets: there are only {len(found)} different ones of this kind; ask for fewer")
    return found
