"""Pictures side by side, and the ids by which a page or a script finds what is in them."""

import re
import shutil
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from drawings import each_renderer, lecture_net, needs_renderer

import viz
from autograd import Value, squared_error
from nn import inputs
from viz import beside, draw_graph, draw_network

SVG = "{http://www.w3.org/2000/svg}"


def a_graph(w=3.0):
    w, x = Value(w, "w"), Value(2.0, "x")
    z = w * x
    z.label = "z"
    return z, w


def size(svg):
    """Width and height of an SVG in points."""
    root = ET.fromstring(svg)
    return tuple(float(root.get(side).removesuffix("pt")) for side in ("width", "height"))


def ids(*svgs):
    return [i for svg in svgs for i in re.findall(r' id="([^"]*)"', svg)]


def test_two_nets_stand_side_by_side_in_their_own_sizes_without_a_renderer():
    nets = [draw_network(lecture_net()), draw_network(lecture_net(), width=2)]
    both = beside(*nets)
    (w1, h1), (w2, h2) = (size(net.svg) for net in nets)
    w, h = size(both.svg)
    assert w == pytest.approx(w1 + w2 + 24, abs=0.1)
    assert h == pytest.approx(max(h1, h2), abs=0.1)
    parts = ET.fromstring(both.svg).findall(f"{SVG}svg")
    assert [(float(p.get("width")), float(p.get("height"))) for p in parts] == [(w1, h1), (w2, h2)]
    assert float(parts[1].get("x")) == pytest.approx(w1 + 24, abs=0.1)


def test_titles_stand_above_and_stay_text():
    titles = ["before", "<b>after</b> & more"]
    both = beside(*[draw_network(lecture_net())] * 2, titles=titles)
    found = [t.text for t in ET.fromstring(both.svg).findall(f"{SVG}text")]
    assert found == titles


def test_the_whole_has_the_width_that_is_asked_for():
    net = draw_network(lecture_net())
    assert size(beside(net, net, net, width="25.4cm").svg)[0] == pytest.approx(720, abs=0.1)


@needs_renderer
def test_drawings_and_pictures_go_together_and_save(tmp_path):
    z, _ = a_graph()
    both = beside(beside(draw_graph(z), draw_graph(z)), draw_network(lecture_net()), titles=["graphs", "net"])
    ET.fromstring(both.svg)
    assert len(set(ids(both.svg))) == len(ids(both.svg))
    path = both.save(tmp_path / "both.svg")
    assert Path(path).read_text(encoding="utf-8") == both.svg


MADE = {
    "draw_graph": lambda: draw_graph(Value(2.0, "x") * 3),
    "draw_network": lambda: draw_network(lecture_net()),
    "explore": lambda: viz.explore(Value(2.0, "x") * 3),
    "explore.svg": lambda: viz.explore(Value(2.0, "x") * 3).svg(),
    "steps": lambda: viz.steps(Value(2.0, "x") * 3)[0].picture(),
}


@needs_renderer
@pytest.mark.parametrize("made", MADE)
def test_every_result_is_saved_piped_and_shown_by_the_same_verbs(made, tmp_path, monkeypatch):
    result, seen = MADE[made](), []
    monkeypatch.setattr("webbrowser.open", seen.append)
    content = result.pipe()
    assert isinstance(content, bytes)
    assert result.pipe(encoding="utf-8") == content.decode()
    ending = "html" if made == "explore" else "svg"
    written = Path(result.save(tmp_path / f"it.{ending}"))
    assert written.read_bytes() == content
    shown = Path(result.show())
    assert seen == [shown.as_uri()]
    assert shown.read_bytes() == content
    shutil.rmtree(shown.parent)
    assert result._repr_mimebundle_().get("text/plain", repr(result)) == repr(result)


@pytest.mark.slow
def test_pictures_are_the_same_in_threads_and_in_looks_of_their_own():
    loss = squared_error(lecture_net()(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    alone = [draw_network(loss, look=name).svg for name in ("light", "dark", "print")]
    with ThreadPoolExecutor(3) as pool:
        several = list(pool.map(lambda name: draw_network(loss, look=name).svg, ["light", "dark", "print"] * 5))
    assert several == alone * 5


@pytest.mark.parametrize(
    ("pictures", "options", "error", "message"),
    [
        ([], {}, ValueError, "expected pictures"),
        ([3], {}, TypeError, "what draw_graph or draw_network returns, got int"),
        ([draw_network(lecture_net())], {"titles": ["a", "b"]}, ValueError, "a list of 1 titles"),
        ([draw_network(lecture_net())], {"titles": "a"}, ValueError, "a list of 1 titles"),
        ([draw_network(lecture_net())], {"tiles": ["a"]}, TypeError, "did you mean 'titles'"),
    ],
)
def test_what_cannot_stand_side_by_side_is_refused(pictures, options, error, message):
    with pytest.raises(error, match=message):
        beside(*pictures, **options)


# ---------------------------------------------------------------- ids


@each_renderer
def test_ids_of_two_drawings_in_one_page_are_all_different(renderer):
    svgs = [draw_graph(a_graph(w)[0]).pipe("svg", renderer, encoding="utf-8") for w in (3.0, 4.0)]
    assert len(ids(svgs[0])) > 5
    assert len(set(ids(*svgs))) == len(ids(*svgs))


@each_renderer
def test_the_element_of_a_node_has_the_id_that_id_of_says(renderer):
    z, w = a_graph()
    drawing = draw_graph(z)
    root = ET.fromstring(drawing.pipe("svg", renderer))
    (element,) = [g for g in root.iter(f"{SVG}g") if g.get("id") == drawing.id_of(w, "svg")]
    assert [t.text.split(" ")[0] for t in element.iter(f"{SVG}text")] == ["w"]
    assert element.find(f"{SVG}title").text == drawing.id_of(w)


@each_renderer
def test_the_same_drawing_has_the_same_bytes(renderer):
    one, two = (draw_graph(a_graph()[0]).pipe("svg", renderer) for _ in range(2))
    assert one == two


def test_a_node_may_be_added_to_by_its_id():
    z, w = a_graph()
    drawing = draw_graph(z).copy()
    drawing.edge("note", drawing.id_of(w))
    assert f"note -> {drawing.id_of(w)}" in drawing.source


def test_what_is_not_drawn_has_no_id():
    z, _ = a_graph()
    with pytest.raises(KeyError, match="no node for"):
        draw_graph(z).id_of(Value(1.0, "q"))


def test_a_drawing_is_not_merged_with_another_whose_nodes_have_the_same_ids():
    one, two = draw_graph(a_graph()[0]), draw_graph(a_graph(4.0)[0])
    with pytest.raises(ValueError, match=r"viz.beside\(a, b, titles"):
        one.subgraph(two)


# ---------------------------------------------------------------- PDF


@pytest.mark.slow
def test_a_picture_is_a_pdf_of_its_size_and_the_same_from_run_to_run(tmp_path):
    loss = squared_error(lecture_net()(inputs([0.05, 0.10])), inputs([0.01, 0.99], "y"))
    picture = draw_network(loss, width=3.4, legend=True, title="A net")
    pdf = picture.pipe("pdf")
    assert pdf == picture.pipe("pdf")
    assert pdf.startswith(b"%PDF")
    width, height = size(picture.svg)
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf)
    assert [float(x) for x in box.groups()] == pytest.approx([width, height], abs=0.1)
    assert picture.save(tmp_path / "net.pdf").endswith("net.pdf")
    assert (tmp_path / "net.pdf").read_bytes() == pdf
    assert beside(picture, picture).pipe("pdf").startswith(b"%PDF")


@pytest.mark.parametrize(
    ("element", "corners"),
    [
        ('<rect x="10" y="20" width="30" height="40"/>', (10, 20, 40, 60)),
        ('<rect x="10" y="20" width="30" height="40" rx="5"/>', (10, 20, 40, 60)),
        ('<circle cx="50" cy="60" r="10"/>', (40, 50, 60, 70)),
        ('<ellipse cx="50" cy="60" rx="10" ry="5"/>', (40, 55, 60, 65)),
        ('<polygon points="1,2 31,2 31,42"/>', (1, 2, 31, 42)),
        ('<path d="M10 10h20v30H10Z"/>', (10, 10, 30, 40)),
        ('<path d="M10 10C10 20 40 20 40 30"/>', (10, 10, 40, 30)),
        ('<g transform="translate(5 7)"><rect x="10" y="20" width="30" height="40"/></g>', (15, 27, 45, 67)),
        ('<g transform="scale(2 2) rotate(0) translate(4 6)"><rect width="3" height="5"/></g>', (8, 12, 14, 22)),
    ],
)
def test_what_an_svg_consists_of_is_where_it_is_in_a_pdf(element, corners):
    from matplotlib.figure import Figure
    from matplotlib.transforms import Affine2D

    from viz.pdf import _Page

    figure = Figure()
    root = ET.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg">{element}</svg>')
    _Page(figure).draw(root, {}, Affine2D())
    (patch,) = figure.artists
    box = patch.get_path().get_extents(patch.get_transform())
    assert [box.x0, box.y0, box.x1, box.y1] == pytest.approx(corners)


def test_letters_of_a_pdf_are_as_wide_as_those_of_arial():
    pytest.importorskip("fontpkg_arimo")
    from viz.pdf import _outlines

    *_, end = _outlines("Hamburg 123", {"font-family": "Arial", "font-size": "10"}, 0.0, 0.0)
    assert end == pytest.approx(
        10 * (0.722 + 0.556 + 0.833 + 0.556 + 0.556 + 0.333 + 0.556 + 0.278 + 3 * 0.556), abs=0.05
    )
