"""What stands on the edges of pictures and pages, read back by an independent reader: the number beside it."""

import math
import random
import re

import formula_generator
import numpy as np
import pytest
import sympy
from browser import opened
from drawings import dot_statements
from formula_readers import read_mathml, read_text
from matrix_readers import Reader
from random_derivations import Computation
from sizes import slow

import autograd
from autograd import Value, derive, softmax_cross_entropy
from autograd.formulas.notation import Text
from autograd.graph import topological_order
from autograd.matrices.graph import MatrixGraph
from autograd.paths.path_graph import PathGraph
from viz import draw_graph, draw_paths, explore, graph_data

LABELS = {"x": "z_1", "y": "z_2", "w": "e+c", "a": "w[1]_1,2", "b": "sigma"}


def computations(seed, count):
    """Random results of labelled Values, some intermediate results labelled too, and a leaf below each."""
    rng = random.Random(seed)
    for tree in formula_generator.trees(seed, count, leaves=7):
        leaves = {name: Value(number, LABELS[name]) for name, number in formula_generator.POINT.items()}
        made = []

        def node(part, leaves=leaves, made=made):
            if not isinstance(part, tuple):
                return leaves.get(part, part)
            result = formula_generator.OPERATIONS[part[0]](*map(node, part[1:]))
            if isinstance(result, Value) and result.label is None and rng.random() < 0.3:
                result.label = f"v_{len(made) + 5}"
                made.append(result)
            return result

        target = node(tree)
        used = [u for u in topological_order(target) if u in leaves.values()] if isinstance(target, Value) else []
        if used:
            yield target, rng.choice(used)
    z = [Value(number, f"z_{i}") for i, number in enumerate((0.3, -0.8, 1.1), 1)]
    yield softmax_cross_entropy(z, 1) * Value(2.0, "e+c"), z[0]


def value(text, graph):
    """What a formula in Unicode says of the numbers that the graph has."""
    write = Text(graph.names.text).symbol
    known = {write(label): sympy.Float(v.data, 17) for v, label in graph.labels.items()}
    return float(sympy.re(sympy.N(read_text(text, known), 15)))


@pytest.mark.slow
def test_edges_of_paths_carry_formulas_that_are_the_number_beside_them():
    read = 0
    for target, source in computations(3, 60):
        derivation = derive(target, source, top=5)
        _, edges = dot_statements(draw_paths(derivation, digits=12))
        for tooltip in (attributes.get("tooltip", "") for *_, attributes in edges):
            _, *formula, number = tooltip.split(" = ")
            if formula and "…" not in tooltip:
                assert value(formula[0], derivation.graph) == pytest.approx(float(number.replace("−", "-")), rel=2e-3)
                read += 1
    assert read > 60


@pytest.mark.slow
def test_a_graph_with_formulas_shows_every_name_that_they_mention():
    read = 0
    for target, _ in computations(4, 40):
        drawing = draw_graph(target, level="op", edges="formula", max_nodes=500)
        graph = PathGraph(target, level="op")
        nodes, edges = dot_statements(drawing)
        shown = " ".join(attributes["label"] for attributes in nodes.values())
        for _, _, attributes in edges:
            formula = attributes.get("label", "").strip()
            if formula and "…" not in formula:
                value(formula, graph)  # of known names only
                assert all(name in shown for name in re.findall("v[₀-₉]+", formula)), (formula, shown)
                read += 1
    assert read > 100


@pytest.mark.slow
def test_formulas_as_data_are_the_derivative_beside_them():
    for target, _ in computations(5, 40):
        graph = PathGraph(target, level="op")
        for edge in graph_data(target, level="op")["edges"]:
            if edge["formula"] is not None and "…" not in edge["formula"]:
                assert value(edge["formula"], graph) == pytest.approx(float(edge["derivative"]), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", [*range(8), *slow(*range(8, 40))])
def test_what_goes_back_on_the_edges_of_tensors_adds_up_to_the_gradients(seed):
    computation = Computation(seed)
    target = computation.target
    graph = MatrixGraph(target)
    if any(not np.isfinite(u.numpy()).all() for u in graph.nodes):
        return
    gradients = {graph.labels[u]: autograd.gradients(target, u) for u in graph.nodes}
    edges = [edge for v in graph.nodes for edge in graph.edges_of(v)]
    known = {graph.labels[u]: u.numpy() for u in graph.nodes} | graph._naming.constants()
    arrived = {}
    notation = graph.notations.text()
    notation.digits = None
    setting = {"columns": notation.columns, "samples": graph.samples, "count": notation.count}
    for edge in edges:
        if edge.is_constant:
            continue
        text = notation.sum(edge.formula)
        part = math.nan if "…" in text else Reader(notation.name, known, gradients, **setting).read(text)
        shape = gradients[edge.label].shape
        part = np.reshape(part, shape) if np.size(part) == math.prod(shape) else np.broadcast_to(part, shape)
        arrived[edge.label] = arrived.get(edge.label, 0.0) + part
    assert arrived
    for label, total in arrived.items():
        if not np.isnan(total).all():  # nothing left out
            np.testing.assert_allclose(total, gradients[label], rtol=1e-7, atol=1e-9, err_msg=label)


def test_a_page_writes_every_formula_with_the_numbers_that_give_what_stands_beside_it(chromium, tmp_path):
    read = 0
    for i, (target, source) in enumerate(computations(6, 6)):
        path = tmp_path / f"{i}.html"
        explore(target, source, digits=12, level="named").save(path)
        with opened(chromium, path) as page:
            rows = page.evaluate(
                """() => {
                    const all = (kind) => [...document.querySelectorAll(`.factors .${kind}`)];
                    const texts = all("factor").map((x) => x.textContent.replace(/[()×\\s]/g, ""));
                    const markup = (x) => x.querySelector("math")?.innerHTML ?? "";
                    return [all("symbols").map(markup), all("figures").map(markup), texts.filter((x) => x)];
                }"""
            )
        symbols, figures, numbers = rows
        assert len(symbols) == len(numbers) > 0
        if len(figures) == len(numbers):
            for figure, number in zip(figures, numbers, strict=True):
                if figure and "…" not in figure:
                    markup = re.sub(r' (?!id=)[a-z-]+="[^"]*"', "", figure)
                    found = float(sympy.re(sympy.N(read_mathml(_with_signs(markup), {}), 15)))
                    assert found == pytest.approx(float(number.replace("−", "-")), rel=1e-6), (figure, number)
                    read += 1
    assert read


def _with_signs(markup):
    """Numbers with a minus as a sign before them, as the reader has them."""
    return re.sub("<mn>−([^<]*)</mn>", r'<mo form="prefix">−</mo><mn>\1</mn>', markup)
