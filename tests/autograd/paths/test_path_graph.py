"""Paths on the graph of named nodes: contraction, counting, order, flow and formulas, against brute force."""

import gc
import itertools
import math
import weakref

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import contour, run

from autograd import (
    Edge,
    Path,
    PathGraph,
    Value,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    clip,
    cos,
    dot,
    exp,
    gradients,
    leaky_relu,
    log,
    logsumexp,
    maximum,
    mean,
    minimum,
    prod,
    relu,
    sigmoid,
    sin,
    softmax,
    softmax_cross_entropy,
    softplus,
    sqrt,
    squared_error,
    sum,
    tanh,
)
from nn import MLP

# ---------------------------------------------------------------- random graphs and brute force

KINDS = {
    "add": (lambda u, v: u + v, lambda u, v: u + v),
    "mul": (lambda u, v: u * v, lambda u, v: u * v),
    "square": (lambda u, v: u * u, lambda u, v: u * u),
    "tanh": (lambda u, v: tanh(u), lambda u, v: np.tanh(u)),
    "sin": (lambda u, v: sin(u - v), lambda u, v: np.sin(u - v)),
    "sigmoid": (lambda u, v: sigmoid(u), lambda u, v: 1 / (1 + np.exp(-u))),
    "dot": (lambda u, v: dot([u, v, u], [v, u, 0.5], v), lambda u, v: 2 * u * v + u / 2 + v),
    "sum": (lambda u, v: sum([u, 2.0, u, v]), lambda u, v: 2 * u + v + 2),
    "prod": (lambda u, v: prod([u, v, u]), lambda u, v: u * v * u),
    "softmax_cross_entropy": (
        lambda u, v: softmax_cross_entropy([u, v, u, 0.3], 1),
        lambda u, v: np.log(2 * np.exp(u) + np.exp(v) + np.exp(0.3)) - v,
    ),
}
steps = st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 9), st.integers(0, 9), st.booleans())
programs = st.lists(steps, min_size=1, max_size=8)
points = st.lists(st.floats(-1, 1).map(lambda x: round(x, 3)), min_size=1, max_size=3)


def build(steps, point):
    """A graph with shared nodes, parallel edges and some named nodes: the leaves and all nodes, the target last."""
    nodes = [Value(x, f"x_{i}") for i, x in enumerate(point)]
    for n, (kind, i, j, is_named) in enumerate(steps):
        node = KINDS[kind][0](nodes[-1 - i % len(nodes)], nodes[j % len(nodes)])
        node.label = f"u_{n}" if is_named else None
        nodes.append(node)
    return nodes[: len(point)], nodes


def below(v):
    """Every node below v and v itself."""
    found = {v}
    todo = [v]
    while todo:
        for u in todo.pop().operands:
            if isinstance(u, Value) and u not in found:
                found.add(u)
                todo.append(u)
    return found


def ways(v, ends, through=lambda u: True):
    """All ways from v down to one of the ends, as lists of (result, place, operand, derivative)."""
    for place, (u, d) in enumerate(zip(v.operands, v.local_derivatives, strict=True)):
        if isinstance(u, Value):
            if u in ends:
                yield [(v, place, u, d)]
            elif through(u):
                yield from ([(v, place, u, d), *rest] for rest in ways(u, ends, through))


def brute_force(target, source, level):
    """Every path from the target to the source with its product, found by trying all ways."""
    if level == "op":
        found = [
            (tuple((v, u, place) for v, place, u, _ in way), math.prod(d for *_, d in way))
            for way in ways(target, {source})
        ]
        return found if source is not target else [((), 1.0)]
    named = {u for u in below(target) if u.label is not None} | {source}

    def onwards(v):
        if v is source:
            yield (), 1.0
            return
        edges = {}
        for way in ways(v, named, lambda u: u not in named):
            u = way[-1][2]
            edges[u] = edges.get(u, 0.0) + math.prod(d for *_, d in way)
        for u, d in edges.items():
            for path, product in onwards(u):
                yield ((v, u, -1), *path), d * product

    return list(onwards(target))


@pytest.mark.parametrize("level", ["named", "op"])
@given(program=programs, point=points)
def test_the_paths_are_those_that_brute_force_finds(level, program, point):
    leaves, nodes = build(program, point)
    target = nodes[-1]
    graph = PathGraph(target, level=level)
    assume(all(graph.count(x) <= 1000 for x in leaves))
    for source in {*leaves, *(u for u in graph.nodes if u.label is not None)}:
        expected = dict(brute_force(target, source, level))
        paths = list(graph.paths(source))
        # rounding is relative to what may have cancelled between two named nodes
        scale = PathGraph(target, level="op").strength(source)

        found = {tuple((e.result, e.operand, e.position) for e in p.edges): p.value for p in paths}
        assert found.keys() == expected.keys()
        assert len(found) == len(paths) == graph.count(source)
        assert all(abs(found[p] - expected[p]) <= 1e-12 * scale for p in expected)

        sizes = [abs(p.value) for p in paths]
        assert sizes == sorted(sizes, reverse=True)
        assert all(p.value == math.prod(p.factors) for p in paths)
        assert abs(graph.strength(source) - math.fsum(map(abs, expected.values()))) <= 1e-12 * scale

        gradient = gradients(target, source)
        assert abs(math.fsum(p.value for p in paths) - gradient) <= 1e-12 * scale
        assert abs(graph.gradient(source)[target] - gradient) <= 1e-12 * scale


@pytest.mark.parametrize("level", ["named", "op"])
@given(program=programs, point=points)
def test_the_flow_is_the_sum_over_paths_and_conserved_at_every_cut(level, program, point):
    leaves, nodes = build(program, point)
    graph = PathGraph(nodes[-1], level=level)
    source = leaves[0]
    assume(0 < graph.count(source) <= 1000)
    paths = list(graph.paths(source))
    scale = PathGraph(nodes[-1], level="op").strength(source)
    flow = graph.flow(source)
    assert set(flow) == {e for edges in graph.edges.values() for e in edges}
    for edge, f in flow.items():
        assert abs(f - math.fsum(p.value for p in paths if edge in p.edges)) <= 1e-12 * scale
    place = {u: i for i, u in enumerate(graph.nodes)}
    gradient = gradients(nodes[-1], source)
    for cut in range(place[source], place[nodes[-1]]):
        across = [f for e, f in flow.items() if place[e.operand] <= cut < place[e.result]]
        assert abs(math.fsum(across) - gradient) <= 1e-12 * scale


@pytest.mark.slow
@given(programs, points)
def test_an_edge_is_the_derivative_with_all_other_named_nodes_held_fixed(program, point):
    leaves, nodes = build(program, point)
    graph = PathGraph(nodes[-1])
    # PathGraph numbers and computes; here the program is run again on complex numbers
    for v in graph.nodes:
        for e in graph.edges[v]:
            fixed = {u: u.data for u in graph.nodes if u is not v}

            def contracted(x, v=v, e=e, fixed=fixed):
                return rerun(program, nodes, len(leaves), v, fixed | {e.operand: x})

            expected = contour(contracted, e.operand.data, 1)
            if expected is not None:
                assert e.derivative == pytest.approx(expected, rel=1e-6, abs=1e-6)


def rerun(program, nodes, leaves, v, fixed):
    """v as a function of the nodes in `fixed`, without the engine."""
    values = [fixed.get(u, u.data) for u in nodes[:leaves]]
    for node, (kind, i, j, _) in zip(nodes[leaves:], program, strict=True):
        x, y = values[-1 - i % len(values)], values[j % len(values)]
        values.append(fixed[node] if node in fixed else KINDS[kind][1](x, y))
    return values[nodes.index(v)]


# ---------------------------------------------------------------- edges


def test_parallel_edges_stay_apart_at_level_op_and_merge_into_one_factor_at_level_named():
    x = Value(3.0, "x")
    y = x * x
    first, second = PathGraph(y, level="op").edges[y]
    assert first == Edge(y, x, 3.0, 0)
    assert second == Edge(y, x, 3.0, 1)
    assert PathGraph(y, level="op").count(x) == 2
    assert PathGraph(y).edges == {x: [], y: [Edge(y, x, 6.0)]}
    assert PathGraph(y).count(x) == 1


def test_constants_have_no_edges():
    x = Value(3.0, "x")
    y = dot([x, 2.0], [5.0, 7.0], 1.0)
    for level in ("named", "op"):
        (edge,) = PathGraph(y, level=level).edges[y]
        assert (edge.operand, edge.derivative) == (x, 5.0)


def test_edges_are_in_the_order_of_the_operands():
    x, y, w = (Value(u, name) for u, name in ((1.0, "x"), (2.0, "y"), (3.0, "w")))
    z = dot([w, x], [y, y], x)
    assert [e.operand.label for e in PathGraph(z).edges[z]] == ["w", "x", "y"]
    assert [e.operand.label for e in PathGraph(z, level="op").edges[z]] == ["w", "x", "y", "y", "x"]


def test_a_named_node_hides_what_lies_below_it():
    x = Value(0.5, "x")
    a = tanh(x)
    y = a * x
    assert len(PathGraph(y).edges[y]) == 1
    a.label = "a"
    direct, through = sorted(PathGraph(y).edges[y], key=lambda e: e.operand.label, reverse=True)
    assert (direct.operand, direct.derivative) == (x, a.data)
    assert (through.operand, through.derivative) == (a, 0.5)


def test_unnamed_nodes_can_be_kept():
    x = Value(0.5, "x")
    a = tanh(x)
    y = a * a
    graph = PathGraph(y, keep=[a])
    assert graph.nodes == [x, a, y]
    assert graph.count(a) == 1
    assert a not in PathGraph(y).labels


def test_a_path_lists_its_nodes_and_factors():
    x = Value(2.0, "x")
    a = x * x
    a.label = "a"
    y = 3 * a
    (path,) = PathGraph(y).paths(x)
    assert path.nodes == (y, a, x)
    assert path.factors == (3.0, 4.0)
    assert path.value == 12.0


def test_from_a_node_to_itself_there_is_one_path_without_edges():
    x = Value(2.0, "x")
    for level in ("named", "op"):
        graph = PathGraph(x * 1.0, level=level)
        assert list(graph.paths(graph.target)) == [Path((), 1.0)]
        assert graph.count(graph.target) == 1
        assert graph.strength(graph.target) == 1.0
        assert next(graph.paths(graph.target)).nodes == ()


def test_to_a_node_outside_the_graph_there_is_no_path():
    x, other = Value(2.0, "x"), Value(3.0, "other")
    graph = PathGraph(x * x)
    assert graph.count(other) == 0
    assert list(graph.paths(other)) == []
    assert graph.strength(other) == 0.0
    assert set(graph.gradient(other).values()) == {0.0}
    assert set(graph.flow(other).values()) == {0.0}


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="level: expected 'named' or 'op'; got 'layer'"):
        PathGraph(Value(1.0), level="layer")


def test_a_source_that_was_contracted_is_refused():
    x = Value(1.0, "x")
    a = x * x
    graph = PathGraph(a * a)
    for ask in (graph.count, graph.flow, graph.gradient, graph.strength, lambda u: list(graph.paths(u))):
        with pytest.raises(ValueError, match=r"the source has no name: name it, pass keep=\(source,\)"):
            ask(a)


def test_a_graph_is_freed_by_reference_counting():
    x = Value(1.0, "x")
    graph = PathGraph(tanh(x) * x)
    graph.formula(graph.edges[graph.target][0])
    gone = weakref.ref(graph)
    gc.disable()
    try:
        del graph
        assert gone() is None
    finally:
        gc.enable()


def test_infinite_slopes_off_the_paths_do_not_disturb_gradient_and_flow():
    x, zero = Value(2.0, "x"), Value(0.0, "o")
    root = sqrt(zero)  # slope inf
    y = x * 3.0 + root
    graph = PathGraph(y)
    assert graph.gradient(x)[y] == 3.0
    assert sorted(graph.flow(x).values()) == [0.0, 3.0]
    assert [p.value for p in graph.paths(x)] == [3.0]


# ---------------------------------------------------------------- counting


def ladder(depth, u=0.5, v=0.5):
    """x, and a graph in which every step offers two ways."""
    x = z = Value(1.0, "x")
    for i in range(depth):
        a, b = u * z, v * z
        a.label, b.label = f"a_{i}", f"b_{i}"
        z = a + b
        z.label = f"z_{i}"
    return x, z


def test_a_count_is_an_exact_integer_however_large():
    x, z = ladder(60)
    assert PathGraph(z).count(x) == 2**60
    x, z = ladder(200)
    assert PathGraph(z).count(x) == 2**200
    assert PathGraph(z, level="op").count(x) == 2**200


@pytest.mark.slow
def test_in_a_net_the_paths_to_a_weight_are_the_product_of_the_widths_above_it():
    net = MLP(784, [16, 16, 10], activation="sigmoid", output_activation="sigmoid", rng=0)
    loss = squared_error(net(np.linspace(0, 1, 784)), [0.0] * 9 + [1.0])
    graph = PathGraph(loss)
    total = 0
    for layer, above in zip(net.layers, (16 * 10, 10, 1), strict=True):
        for neuron in layer.neurons:
            assert graph.count(neuron.w[3]) == graph.count(neuron.b) == above
            total += above * len(neuron.parameters())
    assert total == 2_012_490


# ---------------------------------------------------------------- the strongest first


def test_the_strongest_of_many_paths_are_found_at_once():
    x, z = ladder(60, 0.9, 0.3)
    strongest = list(itertools.islice(PathGraph(z).paths(x), 62))
    values = [p.value for p in strongest]
    assert values[0] == pytest.approx(0.9**60)
    assert values[1:61] == pytest.approx([0.9**59 * 0.3] * 60)
    assert values[61] == pytest.approx(0.9**58 * 0.3**2)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1.0, 0.1, 0.0, -0.7, math.inf, math.nan])
def test_equally_strong_paths_are_found_at_once_too(factor):
    x, z = ladder(300, factor, factor)
    ranked = [p for p, _ in zip(PathGraph(z).paths(x), range(100), strict=False)]
    assert len({p.edges for p in ranked}) == 100
    assert len(ranked[0].edges) == 600


def test_ties_are_in_the_order_of_the_nodes():
    x, z = ladder(2)
    listed = [[u.label for u in p.nodes[1::2]] for p in PathGraph(z).paths(x)]
    assert listed == [["a_1", "a_0"], ["b_1", "a_0"], ["a_1", "b_0"], ["b_1", "b_0"]]
    assert listed == [[u.label for u in p.nodes[1::2]] for p in PathGraph(z).paths(x)]


def test_nan_and_infinity_come_first_and_zero_last():
    x = Value(1.0, "x")
    parts = [c * x for c in (0.0, -2.0, math.nan, 1.0, math.inf, -0.0)]
    for i, part in enumerate(parts):
        part.label = f"p_{i}"
    listed = [p.nodes[1].label for p in PathGraph(sum(parts)).paths(x)]
    assert listed == ["p_2", "p_4", "p_1", "p_3", "p_0", "p_5"]


factors = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.1, 1e200, 1e-200, math.inf, math.nan])


@given(st.lists(st.lists(factors, min_size=1, max_size=4), min_size=1, max_size=4))
def test_the_order_is_that_of_the_sizes_whatever_the_factors(layers):
    x = z = Value(1.0, "x")
    for factors in layers:
        z = sum([c * z for c in factors])
    paths = list(PathGraph(z, level="op").paths(x))
    sizes = [math.inf if math.isnan(p.value) else abs(p.value) for p in paths]
    assert len(paths) == math.prod(map(len, layers))
    assert len({p.edges for p in paths}) == len(paths)
    assert sizes == sorted(sizes, reverse=True)


# ---------------------------------------------------------------- names


def test_unnamed_nodes_get_names_that_nobody_has():
    x = Value(2.0, "v_1")
    a = x * x
    y = a * a
    graph = PathGraph(y, level="op")
    assert [graph.labels[u] for u in graph.nodes] == ["v_1", "v_2", "L"]
    y.label = "y"
    x.label = "L"
    graph = PathGraph(y * 1.0, level="op")
    assert [graph.labels[u] for u in graph.nodes] == ["L", "v_1", "y", "v_2"]


def test_nodes_of_one_name_are_numbered_as_samples():
    w = Value(2.0, "w")
    samples = [w * c for c in (1.0, 2.0, 3.0)]
    for a in samples:
        a.label = "a[1]_2"
    graph = PathGraph(sum(samples))
    assert [graph.labels[a] for a in samples] == ["a[1](1)_2", "a[1](2)_2", "a[1](3)_2"]
    assert graph.labels[w] == "w"


def test_the_numbering_skips_names_that_are_taken():
    a, b, c = Value(1.0, "a"), Value(2.0, "a(1)"), Value(3.0, "a")
    graph = PathGraph(sum([a, b, c]))
    assert [graph.labels[u] for u in (a, b, c)] == ["a(2)", "a(1)", "a(3)"]


# ---------------------------------------------------------------- formulas

ONE = {"w": 0.4, "x": 1.5, "b": 0.1, "y": 1.0, "yhat": 0.7, "z": 0.3, "u": -0.7}


def formula(make, by, *others, **named):
    """∂make(...)/∂by as text; make takes Values by their names."""
    values = {name: Value(x, name) for name, x in (ONE | named).items()}
    target = make(*(values[name] for name in make.__code__.co_varnames[: make.__code__.co_argcount]))
    graph = PathGraph(target)
    (edge,) = (e for e in graph.edges[target] if e.operand is values[by])
    found = graph.formula(edge)
    assert found.value == pytest.approx(edge.derivative, rel=1e-9, abs=1e-12)
    return str(found)


@pytest.mark.parametrize(
    ("make", "by", "text"),
    [
        # squared errors
        (lambda y, yhat: 0.5 * (y - yhat) ** 2, "yhat", "ŷ − y"),
        (lambda y, yhat: (y - yhat) ** 2 / 2, "yhat", "ŷ − y"),
        (lambda y, yhat: (yhat - y) ** 2, "yhat", "2(ŷ − y)"),
        (lambda y, yhat, w, x: squared_error([yhat, w], [y, x]), "yhat", "ŷ − y"),
        (lambda y, yhat: -(y - yhat), "yhat", "1"),
        (lambda y, yhat: -((y - yhat) ** 2) / 2, "yhat", "y − ŷ"),
        (lambda y, yhat, w, x, u, b: mean([(yhat - y) ** 2, (w - x) ** 2, (u - b) ** 2]), "yhat", "2(ŷ − y)/3"),
        # cross-entropies
        (lambda y, yhat: -(y * log(yhat) + (1 - y) * log(1 - yhat)), "yhat", "−y/ŷ + (1 − y)/(1 − ŷ)"),
        (lambda y, yhat: -y * log(yhat) - (1 - y) * log(1 - yhat), "yhat", "−y/ŷ + (1 − y)/(1 − ŷ)"),
        (lambda y, yhat: binary_cross_entropy(yhat, y), "yhat", "−y/ŷ + (1 − y)/(1 − ŷ)"),
        (lambda yhat: binary_cross_entropy(yhat, 1.0), "yhat", "−1/ŷ"),
        (lambda yhat: binary_cross_entropy(yhat, 0.0), "yhat", "1/(1 − ŷ)"),
        (lambda y, z: binary_cross_entropy_with_logits(z, y), "z", "σ(z) − y"),
        (lambda y, z: -(y * log(sigmoid(z)) + (1 - y) * log(1 - sigmoid(z))), "z", "σ(z) − y"),
        # neurons
        (lambda z: sigmoid(z), "z", "L(1 − L)"),
        (lambda z: tanh(z), "z", "1 − L²"),
        (lambda z: relu(z), "z", "[z > 0]"),
        (lambda z: softplus(z), "z", "σ(z)"),
        (lambda w, x, b, y: 0.5 * (w * x + b - y) ** 2, "w", "x(w·x + b − y)"),
        (lambda w, x, b, y: 0.5 * (tanh(w * x + b) - y) ** 2, "w", "x(tanh(w·x + b) − y)(1 − tanh(w·x + b)²)"),
        (
            lambda w, x, b, y: -(y * log(sigmoid(w * x + b)) + (1 - y) * log(1 - sigmoid(w * x + b))),
            "w",
            "x(σ(w·x + b) − y)",
        ),
        (
            lambda w, x, b, u, yhat, y: 0.5 * (u * tanh(w * x) + yhat * tanh(w * b) - y) ** 2,
            "w",
            "(u·tanh(w·x) + ŷ·tanh(w·b) − y)(u·x(1 − tanh(w·x)²) + ŷ·b(1 − tanh(w·b)²))",
        ),
        (lambda w, x, b, u, y: dot([w, u], [x, y], b), "w", "x"),
        (lambda w, x, b, u, y: dot([w, u], [x, y], b), "b", "1"),
        (lambda w, x, y: 0.5 * (w * x - y) ** 2 + 0.01 * w**2, "w", "x(w·x − y) + 0.02w"),
        # functions
        (lambda x: x * x, "x", "2x"),
        (lambda x: x**3, "x", "3x²"),
        (lambda x: x * x * x, "x", "3x²"),
        (lambda x: 3 * x**2 - 2 * x + 1, "x", "6x − 2"),
        (lambda x: sin(x), "x", "cos(x)"),
        (lambda x: cos(x), "x", "−sin(x)"),
        (lambda w, x: sin(w * x), "w", "x·cos(w·x)"),
        (lambda x, w: w**x, "w", "x·w^(x − 1)"),
        (lambda x, w: w**x, "x", "w^x·log(w)"),
        (lambda x: 2**x, "x", "2^x·ln 2"),
        (lambda x: log(x), "x", "1/x"),
        (lambda x: exp(x), "x", "L"),
        (lambda x: sqrt(x), "x", "1/(2L)"),
        (lambda x, y: 3 * sqrt(x * x + y), "x", "3x/√(x² + y)"),
        (lambda x, y, w: w * sqrt(x * y), "x", "w·y/(2√(x·y))"),
        (lambda x: abs(x), "x", "sign(x)"),
        (lambda x, y: x / y, "x", "1/y"),
        (lambda x, y: x / y, "y", "−x/y²"),
        (lambda x, y, b: x / (y + b), "y", "−x/(y + b)²"),
        (lambda x, y: exp(-((x - y) ** 2) / 2), "x", "L(y − x)"),
        (lambda x, w, b: mean([w * x, w * b, w]), "w", "(x + b + 1)/3"),
        (lambda x, w, b: prod([w, x, b]), "x", "w·b"),
        (lambda z: z * sigmoid(z), "z", "σ(z)(1 + z(1 − σ(z)))"),
        (lambda x, y, w: logsumexp([x, y, w]), "y", "softmax(x, y, w)₂"),
        (lambda x, y: softmax([x, y])[0], "x", "L(1 − L)"),
        (lambda x, y: softmax([x, y])[0], "y", "−L·softmax(x, y)₂"),
        # pieces
        (lambda x: leaky_relu(x), "x", "1"),
        (lambda u: leaky_relu(u), "u", "0.01"),
        (lambda x, w: maximum(x, w), "x", "1"),
        (lambda x, w: minimum(x, w) * w, "w", "w + min(x, w)"),
        (lambda x: clip(x, 0, 1) * x, "x", "clip(x, 0, 1)"),
        (lambda x, w: maximum(w * x - 1, 0.0) ** 2, "w", "0"),
    ],
)
def test_derivatives_read_as_lecture_notes_write_them(make, by, text):
    assert formula(make, by) == text


def logits(labels):
    return [Value(x, label) for x, label in zip((0.1, 0.5, 0.3), labels, strict=True)]


def softmax_formula(z, target, k):
    loss = softmax_cross_entropy(z, target)
    graph = PathGraph(loss)
    return str(graph.formula(next(e for e in graph.edges[loss] if e.operand is z[k])))


def test_softmax_cross_entropy_has_the_slope_a_minus_y():
    z = logits(["z[2]_1", "z[2]_2", "z[2]_3"])
    y = [Value(t, f"y_{i}") for i, t in enumerate((0.0, 1.0, 0.0), 1)]
    assert [softmax_formula(z, y, k) for k in range(3)] == ["a[2]₁ − y₁", "a[2]₂ − y₂", "a[2]₃ − y₃"]
    assert [softmax_formula(z, 0, k) for k in range(3)] == ["a[2]₁ − 1", "a[2]₂", "a[2]₃"]
    u = logits(["u", "v", "w"])
    assert softmax_formula(u, 1, 1) == "softmax(u, v, w)₂ − 1"


def test_softmax_cross_entropy_of_unnamed_logits_shows_what_they_are():
    w, x, v = Value(0.4, "w"), Value(1.5, "x"), Value(-0.3, "v")
    loss = softmax_cross_entropy([w * x, v * x], 0)
    graph = PathGraph(loss)
    by_label = {e.operand.label: str(graph.formula(e)) for e in graph.edges[loss]}
    assert by_label["w"] == "x(softmax(w·x, v·x)₁ − 1)"
    assert by_label["x"] == "w(softmax(w·x, v·x)₁ − 1) + v·softmax(w·x, v·x)₂"


def test_named_nodes_between_take_the_place_of_what_they_stand_for():
    w, x, y = Value(0.4, "w"), Value(1.5, "x"), Value(1.0, "y")
    t = tanh(w * x)
    t.label = "t"
    loss = 0.5 * (t - y) ** 2
    graph = PathGraph(loss)
    (path,) = graph.paths(w)
    assert [str(graph.formula(e)) for e in path.edges] == ["t − y", "x(1 − t²)"]


def test_at_level_op_each_operation_has_its_own_formula():
    w, x = Value(0.4, "w"), Value(1.5, "x")
    y = tanh(w * x)
    y.label = "y"
    graph = PathGraph(y, level="op")
    (path,) = graph.paths(w)
    assert [str(graph.formula(e)) for e in path.edges] == ["1 − y²", "x"]
    square = x * x
    graph = PathGraph(square, level="op")
    assert [str(graph.formula(e)) for e in graph.edges[square]] == ["x", "x"]


@pytest.mark.slow
@given(programs, points)
def test_formulas_of_random_graphs_have_the_value_of_the_edge(program, point):
    _, nodes = build(program, point)
    for level in ("named", "op"):
        graph = PathGraph(nodes[-1], level=level)
        for edges in graph.edges.values():
            for e in edges:
                size = max(1.0, abs(e.derivative), *(abs(u.data) for u in nodes)) ** 2
                assert graph.formula(e).value == pytest.approx(e.derivative, rel=1e-9, abs=1e-9 * size)


def test_a_formula_is_read_through_a_long_sum_that_it_does_not_need():
    w = [Value(0.1 * i, f"w_{i}") for i in range(1000)]
    yhat, y = Value(0.7, "yhat"), Value(0.2, "y")
    loss = 0.5 * (yhat - y) ** 2 + 0.01 * sum([u * u for u in w])
    graph = PathGraph(loss)
    by_label = {e.operand.label: e for e in graph.edges[loss]}
    assert str(graph.formula(by_label["yhat"])) == "ŷ − y"
    assert str(graph.formula(by_label["w_7"])) == "0.02w₇"


def test_a_formula_that_would_be_too_long_is_an_ellipsis():
    w = [Value(0.1, f"w_{i}") for i in range(50)]
    z = tanh(sum([u * u for u in w])) ** 2
    graph = PathGraph(z)
    assert str(graph.formula(graph.edges[z][0])) == "4w₀·tanh(…)(1 − tanh(…)²)"
    total = sum([sigmoid(u * w[0]) for u in w])
    graph = PathGraph(total)
    formula = graph.formula(graph.edges[total][0])
    assert str(formula) == "…"
    assert formula.value == pytest.approx(graph.edges[total][0].derivative)


def test_numbers_paths_and_pieces_are_those_of_the_forward_pass():
    w, x = Value(2.0, "w"), Value(3.0, "x")
    y = leaky_relu(w * x) + maximum(w, x)
    before = PathGraph(y).edges[y]
    w.data, x.data = -5.0, -7.0
    graph = PathGraph(y)
    assert graph.edges[y] == before
    assert [e.derivative for e in before] == [3.0, 3.0]
    assert [str(graph.formula(e)) for e in before] == ["x", "w + 1"]
    assert [p.value for p in graph.paths(w)] == [3.0]


# ---------------------------------------------------------------- size


@pytest.mark.slow
def test_long_chains_need_no_deep_stack():
    printed = run(
        """
import sys
from autograd import PathGraph, Value, derive, sin
sys.setrecursionlimit(150)
named = x = Value(1.0, "x")
for i in range(20_000):
    named = named * 1.00001
    named.label = f"a_{i}"
graph = PathGraph(named)
(path,) = graph.paths(x)
print(len(path.edges), graph.count(x), len(graph.flow(x)), path.value == graph.gradient(x)[named])
unnamed = y = Value(1.0, "y")
for i in range(20_000):
    unnamed = sin(unnamed)
graph = PathGraph(unnamed)
(edge,) = graph.edges[unnamed]
print(edge.derivative > 0, graph.formula(edge).ascii())
print(PathGraph(unnamed, level="op").count(y))
"""
    )
    assert printed.split("\n") == ["20000 1 20000 True", "True ...", "1"]


def test_paths_and_edges_print_as_one_reads_them():
    w, x = Value(3.0, "w"), Value(2.0)
    z = w * x
    z.label = "z"
    y = z * z
    (path,) = PathGraph(y, level="named").paths(w)
    assert repr(path) == "<(×) → z → w: 24>"
    assert [repr(e) for e in path.edges] == ["<∂(×)/∂z = 12>", "<∂z/∂w = 2>"]
    assert repr(Path((), 1.0)) == "<the node itself: 1>"
    assert repr(PathGraph(z, level="op").edges_of(z)[1]) == "<∂z/∂2 = 3>"
