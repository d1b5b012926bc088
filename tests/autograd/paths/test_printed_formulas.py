"""A contract: every formula that is printed, read back by its own rules, evaluates to the number beside it."""

import math
import random

import formula_generator
import formula_readers
import pytest
import sympy
from formula_readers import read_latex, read_mathml, read_text

import autograd
from autograd import Value, derive
from autograd.formulas.notation import Ascii, Latex, Mathml, Text

LABELS = {"x": "x", "y": "yhat", "w": "w[1]_1,2", "a": "a_1", "b": "sigma"}
# Labels that are expressions, functions, or look like parts of the notation.
ODD_LABELS = {"x": "e+c", "y": "f", "w": "w^{(L)}_{jk}", "a": "2", "b": "e"}


def derivation(tree, rng, labels):
    """The tree recorded on labelled Values, some of its intermediate results labelled too, derived by one of them."""
    leaves = {name: Value(number, labels[name]) for name, number in formula_generator.POINT.items()}
    made = []

    def node(part):
        if isinstance(part, str):
            return leaves[part]
        if not isinstance(part, tuple):
            return part
        result = formula_generator.OPERATIONS[part[0]](*map(node, part[1:]))
        if isinstance(result, Value) and result.label is None and rng.random() < 0.25:
            result.label = f"v_{len(made) + 5}"
            made.append(result)
        return result

    try:
        target = node(tree)
    except ValueError:  # a sigmoid where logits are expected
        return None
    if not isinstance(target, Value):
        return None
    return derive(target, leaves[rng.choice(sorted(leaves))], limit=10**6, top=20)


def formulas(found):
    """Each formula that the derivation prints, with its number: those of the edges, and the last line."""
    for e in dict.fromkeys(e for p in found for e in p.edges):
        yield found.graph.formula(e), e.derivative
    if found.count and found.count <= len(found):
        yield found.formula(), found.value


def number(expression, point):
    return complex(sympy.sympify(expression).evalf(15, subs=point)).real


def check(seed, count, labels, binary=None):
    """Every notation of every formula of so many derivations; returns how many formulas were read."""
    rng = random.Random(seed)
    read = 0
    for tree in formula_generator.trees(seed, count, binary=binary):
        found = derivation(tree, rng, labels)
        if found is None:
            continue
        graph = found.graph
        symbols = {label: sympy.Symbol(f"s{i}") for i, label in enumerate(graph.labels.values())}
        point = {symbols[label]: node.data for node, label in graph.labels.items()}
        plain = {label: f"n{i}" for i, label in enumerate(symbols)}
        names = {plain[label]: node.data for node, label in graph.labels.items()}
        for formula, value in formulas(found):
            if "…" in formula.text() or not math.isfinite(value):
                continue
            close = pytest.approx(value, rel=2e-3, abs=1e-6)
            text, tex = Text(graph.names.text).sum(formula), Latex(graph.names.latex).sum(formula)
            markup = Mathml(lambda label: f'<mi id="{list(plain).index(label)}">?</mi>').sum(formula)
            by_text = {Text(graph.names.text).symbol(label): s for label, s in symbols.items()}
            by_tex = {Latex(graph.names.latex).symbol(label): s for label, s in symbols.items()}
            by_place = {str(i): s for i, s in enumerate(symbols.values())}
            assert number(read_text(text, by_text), point) == close, (text, tree)
            assert number(read_latex(tex, by_tex), point) == close, (tex, tree)
            assert number(read_mathml(markup, by_place), point) == close, (markup, tree)
            exact = Ascii(plain.__getitem__, digits=None).sum(formula)
            evaluated = eval(exact, vars(autograd) | names)
            assert evaluated == pytest.approx(value, rel=1e-7, abs=1e-9), (exact, tree)
            read += 1
    return read


@pytest.mark.parametrize("labels", [LABELS, ODD_LABELS], ids=["lectures", "odd"])
def test_printed_formulas_evaluate_to_the_number_beside_them(labels):
    assert check(seed=11, count=25, labels=labels) > 25


@pytest.mark.slow
@pytest.mark.parametrize("labels", [LABELS, ODD_LABELS], ids=["lectures", "odd"])
def test_thousands_of_printed_formulas_evaluate_to_the_number_beside_them(labels):
    assert check(seed=12, count=1500, labels=labels) > 1200


SEQUENCES = [*formula_generator.OF_SEQUENCES, *"+*"]


@pytest.mark.slow
def test_printed_formulas_of_losses_and_sequences_evaluate_to_the_number_beside_them():
    assert check(seed=13, count=40, labels=LABELS, binary=SEQUENCES) > 25


@pytest.mark.slow
def test_thousands_of_formulas_of_losses_and_sequences_evaluate_to_the_number_beside_them():
    assert check(seed=14, count=500, labels=LABELS, binary=SEQUENCES) > 400


# ---------------------------------------------------------------- the readers themselves


@pytest.mark.parametrize("text", ["x + −y", "x/y·w", "y^x(x − 1)", "x/2y", "x 2", "softmax(x, y)", "x + ", "(x", "z"])
def test_a_reader_refuses_what_has_no_reading_or_two(text):
    with pytest.raises(formula_readers.Unreadable):
        read_text(text, {name: sympy.Symbol(name) for name in "xyw"})


def test_readers_read_as_people_do():
    x, y = sympy.symbols("x y")
    both = {"x": x, "y": y}
    point = {x: 1.3, y: 2.1}
    text = read_text("−x² + 2x(y − 1)/√(x + y)", both)
    assert number(text, point) == pytest.approx(-1.69 + 2.6 * 1.1 / math.sqrt(3.4))
    assert number(read_latex(r"\frac{1}{2}x^{2} - e^{x\,y}", both), point) == pytest.approx(0.845 - math.exp(2.73))
    markup = '<msup><mrow><mi id="x">x</mi></mrow><mrow><mn>2</mn></mrow></msup><mo>\u2062</mo><mi id="y">y</mi>'
    assert number(read_mathml(markup, both), point) == pytest.approx(1.69 * 2.1)
