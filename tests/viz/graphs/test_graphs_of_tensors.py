"""draw_graph and draw_paths of Tensors: shapes and numbers on nodes, formulas on edges, layers as one node."""

import re
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from drawings import GOLDEN, MATRIX_EDGES, NASTY, dot_statements, each_renderer, graph_in, needs_both, plain, told
from named import named

from autograd import Tensor, derive, exp, sigmoid, sin
from autograd.formulas import names
from autograd.tensor import kept_gradient
from autograd.used import Used
from nn import SGD, Dense, Flatten, Sequential
from viz import draw_graph, draw_paths
from viz.style import LIGHT


def lecture(*, backward=True):
    """Lecture 20's 2-2-2 net on two samples, as matrices."""
    x = np.array([[0.05, 0.10], [0.10, 0.05]])
    w1, w2 = Tensor([[0.15, 0.20], [0.25, 0.30]], "W[1]"), Tensor([[0.40, 0.45], [0.50, 0.55]], "W[2]")
    b1, b2 = Tensor([0.35, 0.35], "b[1]"), Tensor([0.60, 0.60], "b[2]")
    a1 = named(sigmoid(named(x @ w1.T + b1, "Z[1]")), "A[1]")
    a2 = named(sigmoid(named(a1 @ w2.T + b2, "Z[2]")), "A[2]")
    y = np.array([[0.01, 0.99], [0.99, 0.01]])
    loss = named(((a2 - y) ** 2).sum() / (2 * len(x)), "L")
    if backward:
        loss.backward()
    return loss


def leaves(root):
    found, waiting = [], [root]
    while waiting:
        u = waiting.pop()
        waiting += [x for x in u.operands if isinstance(x, Tensor)]
        found += [u] if u.is_leaf else []
    return found


def model_loss(sizes=(16, 16, 10), features=784, samples=32, hidden="sigmoid"):
    """The loss of a Sequential as its training computes it."""
    layers = [Dense(n, activation=hidden) for n in sizes[:-1]]
    model = Sequential([*layers, Dense(sizes[-1], activation="softmax")], rng=0)
    model.compile("sgd", "categorical_crossentropy")
    model.build(features)
    rng = np.random.default_rng(0)
    x = rng.random((samples, features)).astype("f4")
    y = np.eye(sizes[-1], dtype="f4")[rng.integers(0, sizes[-1], samples)]
    return model.objective.forward(x, y, 1 / samples)[1]


def statements(drawing):
    """Nodes with their attributes, and (from, to, attributes) of edges by the titles of their ends."""
    nodes, edges = dot_statements(drawing)
    titles = {i: title(a["label"].split(r"\n")) for i, a in nodes.items()}
    return nodes, [(titles[u], titles[v], a) for u, v, a in edges]


def title(lines):
    """What a node is called: W[1], L, layer 1; the symbol stands above it."""
    first = next((line for line in lines if re.search(r"  \(| = |^layer", line)), lines[0])
    return re.split(r"  \(| = ", first)[0]


def lines_of(drawing):
    """The lines of every node by what it is called."""
    labels = [a["label"].split(r"\n") for a in statements(drawing)[0].values()]
    return {title(lines): lines for lines in labels}


def formulas(drawing):
    return {(u, v): a.get("label", "").replace(r"\n", " ") for u, v, a in statements(drawing)[1]}


def svg_lines(drawing, renderer, kind):
    svg = ET.fromstring(drawing.pipe("svg", renderer))
    ns = "{http://www.w3.org/2000/svg}"
    kinds = {"edge": ("edge", "label")}.get(kind, (kind,))  # the texts of edges are over all lines
    groups = [g for g in svg.iter(f"{ns}g") if g.get("class") in kinds]
    found = [[told(t) for t in g.iter(f"{ns}text")] for g in groups]
    unlabelled = sum(g.get("class") == "edge" for g in groups) - sum(g.get("class") == "label" for g in groups)
    return sorted([[]] * unlabelled + [lines for lines in found if lines] if kind == "edge" else found)


# ---------------------------------------------------------------- nodes


def test_a_node_shows_symbol_name_shape_numbers_and_gradient():
    shown = lines_of(draw_graph(lecture()))
    # The first row of A[1] is that of the lecture; the second is σ(0.375), σ(0.39).
    assert shown["A[1]"][:4] == ["σ", "A[1]  (2, 2)", "[ 0.5933   0.5969 ]", "[ 0.5927   0.5963 ]"]
    assert shown["W[1]"][:3] == ["W[1]  (2, 2)", "[ 0.15   0.2 ]", "[ 0.25   0.3 ]"]
    assert shown["W[1]"][3] == "grad"
    assert shown["b[1]"][:2] == ["b[1]  (2,)", "[ 0.35   0.35 ]"]
    assert shown["L"] == ["L = 0.3089", "grad 1"]


def test_a_large_array_shows_its_shape_and_the_norm_of_its_gradient():
    loss = model_loss()
    loss.backward()
    weight = next(u for u in leaves(loss) if u.label == "W[1]")
    shown = lines_of(draw_graph(loss))
    assert shown["W[1]"] == ["W[1]  (16, 784)", f"‖grad‖ {np.sqrt((weight.grad.astype('f8') ** 2).sum()):.4g}"]
    assert shown["X"] == ["X  (32, 784)"]
    assert shown["L"][0] == "CE"


def test_constants_are_small_grey_and_without_gradient():
    drawing = draw_graph(lecture())
    nodes, edges = statements(drawing)
    constants = [a["label"] for a in nodes.values() if a.get("fontcolor") == LIGHT.grey]
    assert [c.split(r"\n")[0] for c in constants] == ["Y  (2, 2)", "X  (2, 2)"]
    assert "grad" not in "".join(constants)
    assert all("label" not in a for u, _, a in edges if u in ("X", "Y"))


@pytest.mark.parametrize(("show", "numbers", "gradients"), [("data", True, False), ("grad", False, True)])
def test_what_is_shown_can_be_chosen(show, numbers, gradients):
    shown = lines_of(draw_graph(lecture(), show=show))
    assert ("[ 0.15   0.2 ]" in shown["W[1]"], "grad" in shown["W[1]"]) == (numbers, gradients)
    assert shown["L"] == (["L = 0.3089"] if show == "data" else ["L", "grad 1"])


def test_gradients_are_computed_where_none_are_kept_and_nothing_changes():
    loss = lecture(backward=False)
    assert draw_graph(loss).source == draw_graph(lecture()).source
    assert loss.grad is None
    assert all(kept_gradient(u) is None for u in loss.operands if isinstance(u, Tensor))


def test_a_root_of_several_numbers_is_drawn_without_gradients():
    x = Tensor([1.0, 2.0], "x")
    drawing = draw_graph(named(x * x, "y"), level="named")
    assert lines_of(drawing) == {"y": ["×", "y  (2,)", "[ 1   4 ]"], "x": ["x  (2,)", "[ 1   2 ]"]}
    assert formulas(drawing) == {("x", "y"): "2 dy ⊙ x"}


def test_weights_that_have_moved_since_have_no_gradient_to_compute():
    w = Tensor([2.0], "w")
    loss = named((w * w).sum(), "L")
    w.data = [3.0]
    assert lines_of(draw_graph(loss))["w"] == ["w  (1,)", "[ 2 ]", "now", "[ 3 ]"]


def test_after_a_step_the_numbers_that_were_used_are_drawn_beside_those_of_now():
    for change in (lambda w: SGD([w], 0.25).step(), lambda w: setattr(w, "data", w.data - 0.25 * w.grad)):
        w, c = Tensor([[2.0, -1.0]], "W"), Tensor(3.0, "c")
        loss = named((w * w).sum() * c, "L")
        loss.backward()
        change(w)
        c.data = 4.0
        lines = lines_of(draw_graph(loss))
        assert lines["W"] == ["W  (1, 2)", "[ 2   −1 ]", "now", "[ −1   0.5 ]", "grad", "[ 12   −6 ]"]
        assert lines["c"][0] == "c = 3, now 4"
        assert lines["L"][-2:] == ["L = 15", "grad 1"]
        change(w)  # what was used is not on record after a second change, and is not made up
        assert lines_of(draw_graph(loss))["W"][:2] == ["W  (1, 2)  now", "[ −4   2 ]"]


def test_a_graph_recorded_after_a_change_used_the_new_numbers():
    w = Tensor([2.0], "w")
    w.data = [3.0]
    loss = named((w * w).sum(), "L")
    assert lines_of(draw_graph(loss))["w"][:2] == ["w  (1,)", "[ 3 ]"]
    assert Used(loss).changed == {}


def test_a_tensor_without_a_graph_is_refused():
    with pytest.raises(ValueError, match="expected the result of a computation; 'x' is a leaf"):
        draw_graph(Tensor(2.0, "x"))


def test_nan_and_infinity_are_shown_as_such():
    x = Tensor([np.nan, np.inf, -np.inf], "x")
    assert lines_of(draw_graph(x * 1.0))["x"][1] == "[ nan   inf   −inf ]"


# ---------------------------------------------------------------- edges


def test_an_edge_says_how_the_gradient_goes_back():
    assert formulas(draw_graph(lecture())) == MATRIX_EDGES


def test_at_level_op_every_operation_has_a_name_and_constants_are_nodes():
    drawing = draw_graph(lecture(), level="op")
    shown = formulas(drawing)
    assert shown["W[1]", "V₁"] == "dV₁ᵀ"
    assert shown["V₁", "V₂"] == "Xᵀ dV₂"
    assert shown["V₂", "Z[1]"] == "dZ[1]"
    assert lines_of(drawing)["V₂"][:2] == ["@", "V₂  (2, 2)"]
    assert {"2", "4"} <= set(lines_of(drawing))


def test_a_long_formula_takes_several_lines_and_a_longer_one_is_left_to_the_tooltip():
    x = Tensor([0.5], "x")
    y = named(x * x * x + exp(-x) * sin(x) + x / 3 + sin(x * x), "y")
    (label, tooltip), *_ = ((a["label"], a["tooltip"]) for *_, a in statements(draw_graph(y, level="named"))[1])
    assert len(label.split(r"\n")) in (2, 3)
    assert tooltip.endswith(label.replace(r"\n", " "))
    longer = named((y * sin(y)) * exp(y * y) + y / (1 + y * y) + sin(y * y * y), "z")
    longer = named(longer + sin(longer) * exp(x) * x + x / (1 + x * x) ** 3 + sin(x) / (2 + x) * exp(x * x), "z")
    labels = formulas(draw_graph(longer, level="named"))
    assert "…" in labels.values()


# ---------------------------------------------------------------- levels


def test_auto_shows_names_if_results_have_some_and_operations_otherwise():
    x = Tensor([1.0], "x")
    assert draw_graph(lecture()).level == "named"
    assert draw_graph((x * x).sum()).level == "op"
    assert draw_graph(model_loss()).level == "named"


def test_auto_shows_layers_if_names_are_too_many():
    assert draw_graph(model_loss(sizes=[4] * 12, features=3)).level == "layers"


def test_a_layer_is_one_node_and_its_weights_are_counted():
    loss = model_loss()
    loss.backward()
    drawing = draw_graph(loss, level="layers")
    shown = lines_of(drawing)
    assert shown["layer 1"] == ["layer 1", "16 units, σ", "16 biases", "32 samples"]
    assert shown["layer 3"] == ["layer 3", "10 units, linear", "10 biases", "32 samples"]
    on_edges = {(u, v): a.get("label", "").split(r"\n") for u, v, a in statements(drawing)[1]}
    assert on_edges["X", "layer 1"][0] == "16 × 784 weights"
    assert [line.split(" ")[0] for line in on_edges["layer 1", "layer 2"]] == ["16", "‖W[2]‖", "‖grad‖"]
    assert on_edges["layer 3", "L"] == ["(1/m) (softmax(Z[3]) − Y)"]


def test_layers_that_need_each_other_are_refused():
    x = Tensor([1.0], "x")
    a = named(x * 2.0, "A[1]")
    back = named(named(a * 3.0, "A[2]") * 4.0 + a, "Z[1]")
    with pytest.raises(ValueError, match="layers that depend on each other cannot be drawn as one node each"):
        draw_graph(back.sum(), level="layers")


def test_a_box_holds_the_results_of_its_layer():
    source = draw_graph(lecture(), cluster="layer").source
    boxes = re.findall(r"subgraph cluster_\d \{\n(.*?)\n\t\}", source, re.DOTALL)
    assert [re.search(r'label="(layer \d)"', box)[1] for box in boxes] == ["layer 2", "layer 1"]
    assert [len(re.findall(r"^\t\tn\d+$", box, re.MULTILINE)) for box in boxes] == [2, 2]


def test_the_direction_is_that_of_the_whole():
    assert "rankdir=TB" in draw_graph(lecture(), direction="TB").source


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "neurons"}, r"level 'neurons' is for graphs of Values.*nn\.to_mlp\(model\)"),
        ({"cluster": "neuron"}, "cluster 'neuron' is for graphs of Values; use cluster='layer'"),
        ({"level": "layer"}, "unknown level 'layer'; did you mean 'layers'"),
        ({"show": "all"}, "unknown show 'all'"),
        ({"cluster": "layer", "level": "layers"}, "at level 'layers' each is one node already"),
        (
            {"max_nodes": 5, "level": "named"},
            "graph has 11 nodes; drawing is limited to 5 at this level: use level=.layers",
        ),
        ({"max_nodes": 12, "level": "op"}, r"graph has \d\d nodes.*use level=.named. or raise max_nodes"),
    ],
)
def test_a_wrong_option_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        draw_graph(lecture(), **options)


def test_layers_without_names_are_refused():
    with pytest.raises(ValueError, match=r"level 'layers' finds no layers: name their results Z\[1\]"):
        draw_graph(Tensor([1.0], "x") * 2.0, level="layers")


@pytest.mark.slow
@pytest.mark.parametrize("level", ["auto", "op"])
def test_a_hundred_thousand_nodes_are_refused(level):
    y = Tensor([1.0])
    for _ in range(100_000):
        y = sin(y)
    with pytest.raises(ValueError, match=r"graph has 10000\d nodes; .*name the nodes that matter"):
        draw_graph(y, level=level)


@pytest.mark.slow
def test_a_hundred_thousand_nodes_between_two_names_are_one_edge():
    x = Tensor([1.0], "x")
    y = x
    for _ in range(100_000):
        y = sin(y)
    assert formulas(draw_graph(named(y, "y"))) == {("x", "y"): "…"}


# ---------------------------------------------------------------- paths


def test_the_way_of_the_gradient_is_highlighted():
    loss = lecture()
    w1 = next(u for u in leaves(loss) if u.label == "W[1]")
    drawing = draw_paths(derive(loss, w1))
    edges = statements(drawing)[1]
    on_way = {(u, v): a["label"] for u, v, a in edges if a["color"] == LIGHT.paths[0]}
    assert on_way == {
        ("W[1]", "Z[1]"): "dZ[1]ᵀ X",
        ("Z[1]", "A[1]"): "⊙ A[1] ⊙ (1 − A[1])",
        ("A[1]", "Z[2]"): "dZ[2] W[2]",
        ("Z[2]", "A[2]"): "⊙ A[2] ⊙ (1 − A[2])",
        ("A[2]", "L"): "(1/m) (A[2] − Y)",
    }
    assert {u for u, _, a in edges if a["color"] == LIGHT.pale} == {"b[1]", "W[2]", "b[2]"}
    assert "L → A[2] → Z[2] → A[1] → Z[1] → W[1]" in drawing.source
    assert f"dW[1]: shape (2, 2), norm {np.linalg.norm(w1.grad):.4g}" in drawing.source


@pytest.mark.slow
def test_what_is_off_the_way_can_be_left_out():
    loss = lecture()
    w2 = next(u for u in leaves(loss) if u.label == "W[2]")
    assert set(lines_of(draw_paths(derive(loss, w2), others=False))) == {"W[2]", "Z[2]", "A[2]", "L"}
    with pytest.raises(
        ValueError, match=r"limited to 5 .*: use others=False to draw the paths alone, or raise max_nodes"
    ):
        draw_paths(derive(loss, w2), max_nodes=5, others=True)
    assert len(lines_of(draw_paths(derive(loss, w2), max_nodes=5))) == 4


def test_without_a_way_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="draw_paths: there is no path to draw"):
        draw_paths(derive(lecture(), Tensor([1.0], "v")))


# ---------------------------------------------------------------- text and renderers


@pytest.mark.parametrize(
    ("draw", "file"),
    [
        (lambda: draw_graph(lecture()), "graph_tensors"),
        (lambda: draw_graph(lecture(), level="op", show="data"), "graph_tensors_op"),
        (lambda: draw_graph(lecture(), level="layers"), "graph_tensors_layers"),
        (lambda: draw_paths(derive(*_loss_and("W[1]"))), "paths_tensors"),
    ],
)
def test_the_dot_text_is_the_golden_one(draw, file):
    assert draw().source == (GOLDEN / f"{file}.dot").read_text(encoding="utf-8")


def _loss_and(label):
    loss = lecture()
    return loss, next(u for u in leaves(loss) if u.label == label)


def drawings():
    loss = lecture()
    several = [draw_graph(loss, level=level) for level in ("op", "named", "layers")]
    several += [draw_graph(loss, cluster="layer", direction="TB"), draw_graph(model_loss())]
    return [*several, draw_paths(derive(*_loss_and("b[1]")))]


@each_renderer
@pytest.mark.parametrize("level", ["op", "named"])
def test_any_label_is_shown_as_it_is(renderer, level):
    y = Tensor([0.0, 0.0])
    for label in NASTY:
        y = y + sin(Tensor([1.0, 1.0], label))
    drawing = draw_graph(named(y, "y"), level=level)
    shown = {line for node in svg_lines(drawing, renderer, "node") for line in node}
    assert {f"{names.text(label)}  (2,)" for label in NASTY} <= shown
    assert len(statements(drawing)[1]) == len(svg_lines(drawing, renderer, "edge"))
    if level == "named":
        on_edges = {line for edge in svg_lines(drawing, renderer, "edge") for line in edge}
        assert "⊙ cos((<script>alert(1)</script>))" in on_edges


@each_renderer
def test_a_label_of_10_000_characters_is_shortened(renderer):
    x = Tensor([1.0], "long " * 2000)
    drawing = draw_graph(sin(x).sum(), level="named")
    (line,) = (line for node in svg_lines(drawing, renderer, "node") for line in node if "long" in line)
    assert len(line) < 60
    assert len(drawing.source) < 5000


@pytest.mark.slow
@needs_both
def test_both_renderers_draw_the_same_nodes_edges_and_labels():
    for drawing in drawings():
        one, two = (graph_in(drawing.pipe("json", renderer)) for renderer in ("dot", "pure"))
        assert one == two
        for kind in ("node", "edge", "cluster"):
            assert svg_lines(drawing, "dot", kind) == svg_lines(drawing, "pure", kind)


@pytest.mark.slow
@each_renderer
def test_four_threads_may_draw_at_once(renderer):
    several = drawings()
    alone = [d.pipe("svg", renderer) for d in several]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda d: d.pipe("svg", renderer), several * 3)) == alone * 3
        sources = pool.map(lambda _: [d.source for d in drawings()], range(4))
        assert all(source == [d.source for d in several] for source in sources)


@each_renderer
def test_every_formula_is_in_the_svg(renderer):
    for drawing in drawings():
        expected = sorted(plain(a["label"]).split(r"\n") for *_, a in statements(drawing)[1] if "label" in a)
        assert [lines for lines in svg_lines(drawing, renderer, "edge") if lines] == expected


def test_a_png_has_signs_that_the_font_lacks():
    """⊙ would be left out where no font of the system has it, or change the typeface of its line."""
    pytest.importorskip("resvg_py")
    from viz.render import to_png

    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><text y="30" font-size="30">{}</text></svg>'
    pictures = {to_png(svg.format(sign).encode(), 96) for sign in ("⊙", "○", "", "·")}
    assert len(pictures) == 4


def test_mermaid_has_the_same_nodes_and_formulas():
    text = draw_graph(lecture()).mermaid()
    assert text.count("(2, 2)") == 8
    assert "dZ[1]ᵀ X" in text


def test_a_sequential_with_other_layers_is_drawn():
    model = Sequential([Flatten(input_shape=(2, 2)), Dense(3, activation="relu"), Dense(1)], rng=0)
    shown = formulas(draw_graph(model(np.ones((5, 2, 2)))))
    assert shown["W[2]", "Z[2]"] == "dZ[2]ᵀ A[1]"
    assert ("W[1]", "Z[1]") in shown
