"""Pictures with our own places as a browser draws them, and what is written in them."""

import re
from xml.etree import ElementTree

import pytest
from contrast import contrast
from drawings import GOLDEN
from pages import HOSTILE, dense, hostile, lecture
from scenes import CASES, elements

from autograd import Value, derive, squared_error
from autograd.graph import topological_order
from nn import inputs
from viz import Picture, draw_network, explore
from viz.scenes.typeset import length
from viz.style import LIGHT

SCREENS = [(1024, 768), (1440, 900), (3840, 2160)]

BOXES = """() => [...document.querySelectorAll("text")].map((text) => {
    const box = text.getBoundingClientRect();
    const sizes = [text, ...text.querySelectorAll("tspan")].map((e) => parseFloat(getComputedStyle(e).fontSize));
    return {
        text: text.textContent, kind: text.getAttribute("class"), mark: text.parentNode.id,
        box: [box.left, box.top, box.right, box.bottom], font: Math.min(...sizes) * text.getCTM().a,
    };
})"""


def shown(chromium, svg, screen):
    """Every text as Chromium draws it on a screen of this size that the picture fills."""
    context = chromium.new_context(viewport={"width": screen[0], "height": screen[1]})
    page = context.new_page()
    page.set_content(f"<style>html, body {{ margin: 0 }} svg {{ display: block }}</style>{svg}")
    found = page.evaluate(BOXES)
    context.close()
    return found


def overlap(a, b, slack=1.0):
    (left, top, right, bottom), (u, v, x, y) = a["box"], b["box"]
    # A line of text is higher than its digits: an eighth at the top and a quarter at the bottom are free.
    h, k = bottom - top, y - v
    return left < x - slack and u < right - slack and top + h / 8 < y - k / 4 and v + k / 8 < bottom - h / 4


@pytest.mark.parametrize("screen", SCREENS, ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("case", CASES)
def test_no_text_is_small_and_none_lies_on_another(chromium, case, screen):
    page = explore(CASES[case]())
    for level in ("neurons", "named") if case != "shared" else ("named", "op"):
        svg = page.svg(level=level, size=screen).svg
        texts = shown(chromium, svg, screen)
        assert len(texts) > 10
        if level == "neurons" or case == "shared":
            assert min(t["font"] for t in texts) >= 9
        pairs = [
            (a["text"], b["text"])
            for i, a in enumerate(texts)
            for b in texts[:i]
            if (a["mark"] != b["mark"] or "name" not in (a["kind"], b["kind"])) and overlap(a, b)
        ]
        assert pairs == []


@pytest.mark.parametrize("case", CASES)
def test_texts_stay_in_their_marks_and_on_the_picture(chromium, case):
    page = explore(CASES[case]())
    svg = page.svg(size=(1024, 768)).svg
    width, height = map(float, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())
    for text in shown(chromium, svg, (1024, 768)):
        left, top, right, bottom = text["box"]
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height


@pytest.mark.slow
def test_a_picture_of_a_net_has_all_its_numbers_on_it():
    loss = CASES["3-4-3-1"]()
    svg = explore(loss).svg(level="neurons").svg
    numbers = {"".join(e.itertext()) for e in elements(svg, "text")}
    weights = {v.data for v in topological_order(loss) if (v.label or "").startswith("w")}
    assert len(weights) == 3 * 4 + 4 * 3 + 3
    assert {f"{w:.4g}".replace("-", "−") for w in weights} <= numbers
    assert len(elements(svg, "circle", "ground")) == 4 + 3 + 1 + 1
    assert len(elements(svg, "rect", "ground")) == 3 + 1


@pytest.mark.slow
def test_ids_are_those_of_nodes_and_lines_and_each_is_there_once():
    svg = explore(CASES["2-2-2"]()).svg(level="neurons").svg
    ids = [e.get("id") for e in ElementTree.fromstring(svg).iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    marks, kinds = zip(*(re.fullmatch(r"(p[0-9a-f]{8})-([a-z])\d+", i).groups() for i in ids), strict=True)
    assert set(kinds) == {"m", "n", "g", "e", "l"}
    other = re.search(r' id="(p\w+)-', explore(CASES["3-4-3-1"]()).svg().svg)[1]
    assert {other} != set(marks)
    assert len(set(marks)) == 1


def test_a_weight_on_the_lines_of_two_samples_has_one_id():
    _, net = lecture()
    losses = [squared_error(net(inputs(x)), inputs([0.01, 0.99], "y")) for x in ([0.05, 0.1], [0.3, -0.2])]
    svg = draw_network(losses[0] + losses[1]).svg
    ids = [e.get("id") for e in ElementTree.fromstring(svg).iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert len([e for e in elements(svg, "g", "label") if "".join(e.itertext()) == "0.15"]) == 2


def test_the_paths_of_a_node_are_lit_and_the_rest_is_dim():
    loss = CASES["2-2-2"]()
    svg = explore(loss).svg("w[1]_1,1", level="neurons").svg
    lit, dim = (elements(svg, "path", state) for state in ("lit", "dim"))
    assert (len(lit), len(dim)) == (5, 7)
    assert not elements(svg, "path", "idle")
    assert len(elements(svg, "path", "negative")) == 2  # w21 and the second output: their path lowers the gradient


@pytest.mark.slow
def test_one_path_can_be_lit_alone():
    loss = CASES["shared"]()
    x = next(v for v in topological_order(loss) if v.label == "x")
    paths = derive(loss, x)
    for rank, path in enumerate(paths.paths, 1):
        svg = explore(loss).svg(x, rank).svg
        assert len(elements(svg, "path", "lit")) == len(path.edges)
        assert bool(elements(svg, "path", "negative")) == (path.value < 0)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"node": "u"}, ValueError, "svg: 'u' is not in the graph of 'named'"),
        ({"node": Value(1.0)}, ValueError, "is not in the graph"),
        ({"node": 3}, TypeError, "svg: expected a Value or its name, got int"),
        ({"node": "x", "path": 99}, ValueError, "has 10 paths, there is no path 99"),
        ({"path": 1}, ValueError, "give the node too"),
        ({"level": "neurons"}, ValueError, "level 'neurons' is not in this page. There are no units"),
        ({"level": "nuerons"}, ValueError, "did you mean 'neurons'"),
        ({"size": (10, 10)}, ValueError, "from 100 to 20,000 pixels"),
        ({"size": 3}, TypeError, r"\(width, height\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(asked, error, message):
    with pytest.raises(error, match=message):
        explore(CASES["shared"]()).svg(**asked)


@pytest.mark.slow
def test_hostile_names_stay_text():
    result, w = hostile()
    for picture in (explore(result).svg(), explore(result).svg(w)):
        tags = {e.tag.rpartition("}")[2] for e in ElementTree.fromstring(picture.svg).iter()}
        assert tags <= {"svg", "title", "rect", "g", "path", "circle", "text", "tspan"}
        assert HOSTILE[0] in picture.svg.replace("&lt;", "<").replace("&gt;", ">")


def test_a_picture_can_be_told_by_a_name_as_it_is_written():
    page = explore(CASES["2-2-2"]())
    assert page.svg("w^[1]_{11}").svg == page.svg("w[1]_1,1").svg == page.svg("w[1]_11").svg


@pytest.mark.slow
def test_every_text_can_be_read_on_its_ground():
    page = explore(CASES["3-4-3-1"]())
    for picture in (page.svg(level="neurons"), page.svg("w[1]_1,1", level="neurons")):
        for group in elements(picture.svg, "g", "mark"):
            ground = next(e for e in group.iter() if "ground" in e.get("class", ""))
            for text in group.iter("{http://www.w3.org/2000/svg}text"):
                on = LIGHT.paper if text.get("class") == "caption" else ground.get("fill")
                assert contrast(text.get("fill"), on) >= 4.5


def test_where_a_notebook_drops_the_page_it_shows_the_picture():
    page = explore(CASES["2-2-2"]())
    bundle = page._repr_mimebundle_()
    assert bundle["image/svg+xml"] == page.svg()._repr_svg_()
    assert bundle["text/html"].startswith("<iframe")


@pytest.mark.parametrize("case", CASES)
def test_a_picture_is_that_of_the_golden_file(case):
    # Places are ours: no renderer and no font is asked. A picture that is meant to change is saved to its file anew.
    golden = (GOLDEN / f"scene_{case}.svg").read_text(encoding="utf-8")
    assert rounded(explore(CASES[case]()).svg(level="named" if case == "shared" else "neurons").svg) == rounded(golden)


def rounded(svg):
    """A picture without the mark of its ids, its numbers to a tenth."""
    svg = re.sub(r' id="p\w+-', ' id="', svg)
    return re.sub(r"-?\d+\.\d+", lambda x: f"{float(x[0]):.1f}", svg)


def test_a_picture_is_the_same_each_time():
    assert explore(CASES["3-4-3-1"]()).svg().svg == explore(CASES["3-4-3-1"]()).svg().svg


# ---------------------------------------------------------------- draw_network of a recorded net


def test_a_recorded_net_is_drawn_with_its_numbers():
    picture = draw_network(CASES["2-2-2"]())
    assert isinstance(picture, Picture)
    numbers = {"".join(e.itertext()) for e in elements(picture.svg, "text")}
    assert {"0.15", "0.4", "b 0.35", "z 0.3775", "0.7514", "0.2984"} <= numbers


def test_lines_can_tell_the_gradient_or_the_name_of_the_weight():
    loss = CASES["2-2-2"]()
    said = [
        {"".join(e.itertext()) for e in elements(draw_network(loss, **options).svg, "text", "number")}
        for options in ({"color": "grad"}, {"edges": "formula"}, {"edges": None})
    ]
    assert "0.08217" in said[0]
    assert "w[1]11" in said[1]
    svg = draw_network(loss, edges="formula").svg
    (label,) = [e for e in elements(svg, "text", "number") if "".join(e.itertext()) == "w[1]11"]
    above, below = list(label)  # set as mathematics: [1] above, 11 below
    assert (above.text, below.text) == ("[1]", "11")
    assert float(above.get("dy")) < 0 < float(above.get("dy")) + float(below.get("dy"))
    assert "0.15" not in said[2]


def test_large_layers_are_shortened():
    loss, _ = dense(30, 20, 2)
    svg = draw_network(loss, max_units=6).svg
    assert len(elements(svg, "g", "mark")) - len(elements(svg, "g", "words")) == 6 + 6 + 2 + 2 + 1
    said = ["".join(e.itertext()) for e in elements(svg, "g", "words")]
    assert said == ["⋮ 24 moreinputs", "⋮ 14 moreunits"]
    places = [e.get("transform") for e in elements(svg, "g", "mark")]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Value(1.0), {}, "this Value is a leaf"),
        (Value(2.0) * 3, {}, "no units of a network"),
        (CASES["2-2-2"](), {"x": [1.0, 2.0]}, "x is for a model"),
        (CASES["2-2-2"](), {"highlight": "w[9]"}, r"'w\[9\]' is not in this picture"),
    ],
)
def test_what_is_no_recorded_net_is_refused(model, options, message):
    with pytest.raises(ValueError, match=message):
        draw_network(model, **options)


def test_a_picture_like_another_has_its_places_and_the_same_scales():
    loss, net = lecture()
    before = draw_network(loss)
    for p in net.parameters():
        p.data -= 50 * p.grad
    after_loss = squared_error(net(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    after_loss.backward()
    after = draw_network(after_loss, like=before)
    for tag, name in (("g", "mark"), ("g", "label")):
        places = [[e.get("transform") for e in elements(picture.svg, tag, name)] for picture in (before, after)]
        assert places[0] == places[1]
    assert before.svg != after.svg
    unchanged = [
        [e.get("stroke-width") for e in elements(picture.svg, "path", "line")]
        for picture in (before, draw_network(lecture()[0], like=after))
    ]
    assert unchanged[0] == unchanged[1]
    with pytest.raises(ValueError, match="the same places are for the same graph"):
        draw_network(CASES["3-4-3-1"](), like=before)
    with pytest.raises(TypeError, match="draw_network: like: expected a Picture of the same recorded net"):
        draw_network(loss, like=3)


def test_what_is_highlighted_is_marked():
    loss = CASES["2-2-2"]()
    svg = draw_network(loss, highlight=["w[1]_1,2", "a[2]_1"]).svg
    assert len(elements(svg, "path", "pen")) == 1
    assert len(elements(svg, "circle", "pen")) == 1


def test_the_width_of_a_picture_is_what_was_asked_for():
    assert 'width="244.8pt"' in draw_network(CASES["2-2-2"](), width=3.4).svg


def test_lengths_of_texts_are_about_those_of_arial():
    assert length("0.1234") == pytest.approx(5 * 0.556 + 0.278, rel=0.02)
    assert length("−1.5e−05") == pytest.approx(2 * 0.584 + 0.278 + 5 * 0.556, rel=0.02)
