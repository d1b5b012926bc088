"""draw_paths: each listed path in its colour with its number, the factors on its edges, the rest pale."""

import re
import shlex
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from drawings import GOLDEN, each_renderer, lecture_and_net, needs_renderer
from named import named
from scenes import elements

from autograd import Value, derive, sin, squared_error
from autograd.formulas.names import text
from nn import MLP, inputs
from viz import Drawing, Picture, draw_paths
from viz.style import LIGHT


def lecture():
    """Lecture 20's net: the derivation of ∂L/∂w[1]₁₁, which has two paths."""
    loss, net = lecture_and_net()
    return derive(loss, net.layers[0].neurons[0].w[0])


def name(v):
    """The name of a node as it is drawn."""
    return text(v.label or "L")


def deep(units=3, **options):
    """∂L/∂w[1]₁₁ of a net with two hidden layers between: units² paths."""
    net = MLP(2, [units, units, units, 1], "tanh", rng=0)
    loss = squared_error([net(inputs([0.4, -1.0]))], [1.0])
    return derive(loss, net.layers[0].neurons[0].w[0], **options)


def read(drawing):
    """The DOT text read without Graphviz: name of every node, and (from, to): attributes of every edge."""
    names, looks, edges = {}, {}, {}
    for line in drawing.source.splitlines():
        attributes = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', line))
        if match := re.match(r"\t(n\d+|legend\d+) \[", line):
            lines = attributes["label"].split(r"\n")
            names[match[1]] = next((x for x in lines if " = " in x), lines[0]).split(" = ")[0]
            looks[names[match[1]]] = attributes
        elif (match := re.match(r"\t+(n\d+) -> (n\d+) \[", line)) and attributes.get("style") != "invis":
            edges.setdefault((names[match[1]], names[match[2]]), []).append(attributes)
    return looks, edges


def legend(drawing):
    looks, _ = read(drawing)
    lines = [a["label"].removesuffix(r"\l") for a in looks.values() if a["label"].endswith(r"\l")]
    return lines


def test_the_lectures_two_paths_carry_their_factors():
    _, edges = read(draw_paths(lecture()))
    on_path = {ends: es[0] for ends, es in edges.items() if "label" in es[0]}
    assert {ends: a["label"].removesuffix(r"\n ").split(r"\n") for ends, a in on_path.items()} == {
        ("w[1]₁₁", "z[1]₁"): ["x₁ = 0.05", "paths 1, 2"],
        ("z[1]₁", "a[1]₁"): ["a[1]₁(1 − a[1]₁) = 0.2413", "paths 1, 2"],
        ("a[1]₁", "z[2]₁"): ["w[2]₁₁ = 0.4", "path 1"],
        ("a[1]₁", "z[2]₂"): ["w[2]₂₁ = 0.5", "path 2"],
        ("z[2]₁", "a[2]₁"): ["a[2]₁(1 − a[2]₁) = 0.1868", "path 1"],
        ("z[2]₂", "a[2]₂"): ["a[2]₂(1 − a[2]₂) = 0.1755", "path 2"],
        ("a[2]₁", "L"): ["a[2]₁ − y₁ = 0.7414", "path 1"],
        ("a[2]₂", "L"): ["a[2]₂ − y₂ = −0.2171", "path 2"],
    }
    assert on_path["a[2]₁", "L"]["color"] == LIGHT.paths[0]
    assert on_path["a[2]₂", "L"]["color"] == LIGHT.paths[1]
    assert on_path["w[1]₁₁", "z[1]₁"]["color"] == f"{LIGHT.paths[0]}:{LIGHT.paths[1]}"
    assert [ends for ends, a in on_path.items() if a.get("style") == "dashed"] == [("a[2]₂", "L")]


def test_the_legend_writes_each_path_with_product_and_share_and_then_the_sum():
    assert legend(draw_paths(lecture())) == [
        "1.  L → a[2]₁ → z[2]₁ → a[1]₁ → z[1]₁ → w[1]₁₁   0.0006684   (74.4%)",
        "2.  L → a[2]₂ → z[2]₂ → a[1]₁ → z[1]₁ → w[1]₁₁   −0.0002298   (25.6%)",
        "∂L/∂w[1]₁₁ = 0.0004386",
    ]


def test_what_is_on_no_path_is_pale_and_can_be_left_out():
    looks, edges = read(draw_paths(lecture()))
    assert looks["w[1]₂₂"]["color"] == LIGHT.pale
    assert {a["color"] for a in edges["w[1]₂₂", "z[1]₂"]} == {LIGHT.pale}
    assert looks["z[1]₁"]["color"] == LIGHT.ink
    looks, edges = read(draw_paths(lecture(), others=False))
    assert {"w[1]₁₁", "z[1]₁", "a[1]₁", "z[2]₁", "z[2]₂", "a[2]₁", "a[2]₂", "L"} < set(looks)
    assert "w[1]₂₂" not in looks
    assert len(edges) == 8


def test_beyond_six_paths_the_rest_is_dark_and_counted():
    derivation = deep(3)
    assert derivation.count == 9
    drawing = draw_paths(derivation, level="named")
    lines = legend(drawing)
    assert [line[:2] for line in lines[:6]] == ["1.", "2.", "3.", "4.", "5.", "6."]
    rest = sum(p.value for p in derivation.paths[6:])
    assert re.fullmatch(r"the other 3 paths   (.*)", lines[6])[1] == f"{rest:.4g}".replace("-", "−")
    colors = {c for _, es in read(drawing)[1].items() for a in es if "label" in a for c in a["color"].split(":")}
    assert colors == {*LIGHT.paths, LIGHT.ink}


def test_only_the_paths_that_are_listed_are_drawn():
    drawing = draw_paths(deep(3, top=1), level="named", others=False)
    labelled = [a for es in read(drawing)[1].values() for a in es]
    assert len(labelled) == 8  # L, and z and a of three layers, and z[1]₁ to w
    assert {a["color"] for a in labelled} == {LIGHT.paths[0]}
    assert legend(drawing)[1].startswith("the other 8 paths")


def test_parallel_edges_are_different_paths_at_level_op():
    x = Value(3.0, "x")
    drawing = draw_paths(derive(x * x + sin(x), x, level="op"))
    assert drawing.level == "op"
    assert [a["color"] for a in read(drawing)[1]["x", "v₁"]] == [LIGHT.paths[0], LIGHT.paths[1]]


def test_a_single_path_needs_no_number_on_its_edges():
    w = Value(2.0, "w")
    y = w * 3.0
    y.label = "y"
    ((edge,),) = read(draw_paths(derive(y, w)))[1].values()
    assert edge["label"].split(r"\n") == ["3", " "]  # a gap between text and line


@pytest.mark.slow
@each_renderer
@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
def test_the_picture_holds_every_factor_and_the_legend(renderer, direction):
    drawing = draw_paths(lecture(), direction=direction)
    svg = ET.fromstring(drawing.pipe("svg", renderer))
    drawn = ["".join(t.itertext()) for t in svg.iter("{http://www.w3.org/2000/svg}text")]
    lowered = str.maketrans("₁₂\xa0", "12 ", "\u200b")  # indices are set below the line
    shown = {text.translate(lowered).strip() for text in drawn}
    assert {"a[1]1(1 − a[1]1) = 0.2413", "a[2]2 − y2 = −0.2171", "∂L/∂w[1]11 = 0.0004386"} <= shown
    assert isinstance(drawing, Drawing)


def test_the_dot_text_is_the_golden_one():
    assert draw_paths(lecture()).source == (GOLDEN / "paths_lecture.dot").read_text(encoding="utf-8")


@pytest.mark.parametrize("wrong", [None, Value(1.0), "L"])
def test_what_is_no_derivation_is_refused(wrong):
    with pytest.raises(TypeError, match=r"draw_paths: expected a Derivation such as derive\(L, w\), got"):
        draw_paths(wrong)


def test_a_derivation_without_paths_is_refused():
    with pytest.raises(ValueError, match="there is no path to draw: ∂y/∂x = 0: y does not depend on x"):
        draw_paths(derive(Value(1.0, "y"), Value(2.0, "x")))


def test_a_large_graph_is_refused_with_advice_that_helps():
    derivation = deep(6, top=2)
    with pytest.raises(ValueError, match=r"graph has \d+ nodes; .* limited to 40 at this level: use others=False"):
        draw_paths(derivation, level="named", max_nodes=40, others=True)
    assert draw_paths(derivation, level="named", max_nodes=40, others=False).level == "named"
    with pytest.raises(ValueError, match=r"list fewer paths with derive\(\.\.\., top=\)"):
        draw_paths(derivation, level="named", max_nodes=4, others=False)


def test_of_a_large_graph_only_what_is_next_to_a_path_is_drawn():
    derivation = deep(6, top=2)
    size = len(derivation.graph.nodes)
    assert size > 60
    drawn = draw_paths(derivation, level="named")
    near = {v for path in derivation.paths for v in path.nodes}
    near |= {u for v in near for e in derivation.graph.edges_of(v) for u in (e.operand,)}
    assert len(read(drawn)[0]) - 4 < size  # but for the lines of the legend
    assert all(drawn.id_of(v) for v in near)
    assert len(read(draw_paths(derivation, level="named", others=True))[0]) - 4 == size


def test_a_large_net_is_drawn_by_its_units_with_the_paths_on_its_lines():
    derivation = deep(6, top=2)
    picture = draw_paths(derivation)
    assert isinstance(picture, Picture)
    lit = elements(picture.svg, "path", "lit")
    assert {e.get("stroke") for e in lit} == set(LIGHT.paths[:2])
    shared = {e for path in derivation.paths for e in path.edges}
    assert len(lit) >= len(shared) / 2  # a unit's z and a are one circle
    assert "∂L/∂w[1]₁₁" in picture.svg


def test_several_derivations_are_drawn_in_one_picture_each_in_its_colour():
    loss, net = lecture_and_net()
    both = [derive(loss, net.layers[0].neurons[j].w[0]) for j in (0, 1)]
    looks, edges = read(draw_paths(both))
    colors = {u: a["color"] for (u, v), (a, *_) in edges.items() if v.startswith("z[1]") and u.startswith("w[1]")}
    assert colors["w[1]₁₁"] == LIGHT.paths[0]
    assert colors["w[1]₂₁"] == LIGHT.paths[1]
    assert edges["z[1]₁", "a[1]₁"][0]["color"] == LIGHT.paths[0]
    assert [drawn for drawn in looks if "∂L/∂" in drawn] == ["1.  ∂L/∂w[1]₁₁", "2.  ∂L/∂w[1]₂₁"]


def test_one_path_can_be_drawn_in_the_colour_that_it_has_among_all():
    loss, net = lecture_and_net()
    derivation = derive(loss, net.layers[0].neurons[0].w[0])
    _, edges = read(draw_paths(derivation, path=2))
    lit = {ends for ends, (a, *_) in edges.items() if a["color"] == LIGHT.paths[1]}
    assert lit == {(name(e.operand), name(e.result)) for e in derivation.paths[1].edges}
    assert LIGHT.paths[0] not in {a["color"] for a, *_ in edges.values()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": 3}, "path 3: the derivation lists 2 paths"),
        ({"path": 0}, "path"),
        ({"level": "op"}, "the derivation is at level 'named', not 'op'"),
    ],
)
def test_paths_that_there_are_not_are_refused(options, message):
    loss, net = lecture_and_net()
    with pytest.raises(ValueError, match=message):
        draw_paths(derive(loss, net.layers[0].neurons[0].w[0]), **options)


def test_derivations_of_different_targets_are_refused():
    with pytest.raises(ValueError, match="one target and one level"):
        draw_paths([lecture(), lecture()])


def test_an_unknown_option_is_refused():
    with pytest.raises(ValueError, match="unknown direction 'up'"):
        draw_paths(lecture(), direction="up")
    with pytest.raises(ValueError, match="unknown show 'grads'; did you mean 'grad'"):
        draw_paths(lecture(), show="grads")


@pytest.mark.slow
@needs_renderer
def test_no_edge_of_a_path_strikes_its_own_text_through():
    x, y = Value(2.0, "x"), Value(-3.0, "y")
    a = named(x * y, "a")
    b = named(a + x, "b")
    c = named(a * b, "c")
    d = named(sin(0.1 * c) + a, "d")
    several = derive(named(d * c + b * b, "L"), x)
    for derivation in (lecture(), several, derive(named(sin(a) * a, "L"), x)):
        plain = draw_paths(derivation).pipe("plain", encoding="utf-8").replace("\\\n", "")
        labelled = list(map(struck, filter(lambda line: line.startswith("edge"), plain.splitlines())))
        assert labelled.count(False) >= 2
        assert True not in labelled


def struck(edge):
    """Whether an edge of Graphviz's plain output goes through the text on it; None if there is none. In inches."""
    _, _, _, n, *rest = shlex.split(edge)
    points = np.array(rest[: 2 * int(n)], float).reshape(-1, 2)
    if len(rest) < 2 * int(n) + 5:
        return None
    label, x, y = rest[2 * int(n) : 2 * int(n) + 3]
    lines = label.split(r"\n")
    text = [line for line in lines if line.strip()]
    height = 10 * 1.2 / 72  # of a line
    top = float(y) + height * len(lines) / 2
    t = np.linspace(0, 1, 50)[:, None]
    curves = [(points[i : i + 4]) for i in range(0, len(points) - 1, 3)]
    curve = [(1 - t) ** 3 * p + 3 * (1 - t) ** 2 * t * q + 3 * (1 - t) * t**2 * r + t**3 * s for p, q, r, s in curves]
    across, up = np.concatenate(curve).T
    beside = abs(across - float(x)) < 0.027 * max(map(len, text))
    return bool((beside & (up < top - 0.01) & (up > top - height * len(text) + 0.01)).any())
