"""The explorer's page as a document: whole, closed to the network, of a decent size, and true to the graph."""

import base64
import hashlib
import html.parser
import re
from pathlib import Path

import numpy as np
import pytest
from contrast import contrast
from named_pipes import Pipe, posix
from pages import HOSTILE, contents_of, data_of, dense, hostile, lecture, unnamed
from sizes import slow

import viz
from autograd import Tensor, Value, derive, dot, relu, sigmoid, sin
from autograd.paths.path_graph import PathGraph
from nn import MLP, inputs
from viz import Exploration, explore
from viz.explorer.views import ELIDED, MAX_EDGES, page_data

SOURCES = Path(__file__).resolve().parents[3] / "viz" / "explorer"


def moons():
    """The loss of micrograd's net 2-16-16-1 on one sample."""
    net = MLP(2, [16, 16, 1], activation="relu", rng=0)
    loss = relu(1 + -1.0 * net(inputs([0.5, -0.3])))
    loss.backward()
    return loss


def graph_of(data, level):
    """The graph of a level, which may be that of another."""
    found = data["graphs"][level]
    return data["graphs"][found] if isinstance(found, str) else found


class Outline(html.parser.HTMLParser):
    """The tags of a page, its texts in script and style, and its policy."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.policy, self.addresses = [], {}, "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        found = dict(attributes)
        self.addresses += [found[name] for name in ("src", "href", "action", "data") if name in found]
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]

    def handle_data(self, data):
        if self.tags:
            self.texts[self.tags[-1]] = self.texts.get(self.tags[-1], "") + data


# ---------------------------------------------------------------- the document


def test_the_page_allows_nothing_but_its_own_script_and_style():
    page = explore(lecture()[0])
    outline = Outline(page.html)
    style = re.search(r"<style>(.*?)</style>", page.html, re.S)[1]
    begin = re.search(r"<script>(.*?)</script>", page.html, re.S)[1]
    _, script = contents_of(page)
    rules = dict(rule.strip().split(" ", 1) for rule in outline.policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for rule, texts in (("style-src", [style]), ("script-src", [begin, script])):
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert rules[rule] == " ".join(f"'sha256-{digest}'" for digest in digests)


def test_the_page_refers_to_nothing_outside():
    page = explore(lecture()[0])
    outline = Outline(page.html)
    text = page.html + "".join(contents_of(page))
    assert outline.addresses == []
    assert not {"link", "img", "iframe", "base", "object", "embed"} & set(outline.tags)
    assert set(re.findall(r"https?://[^\"'`\s]+", text)) == {
        "http://www.w3.org/1998/Math/MathML",
        "http://www.w3.org/2000/svg",
    }
    assert "url(" not in text


@pytest.mark.slow
def test_the_page_is_small():
    page = explore(lecture()[0])
    assert len(page.html.encode()) <= 85_000
    assert len(explore(moons()).html.encode()) <= 140_000


@pytest.mark.slow
def test_names_and_titles_are_text_and_never_markup():
    loss, w = hostile()
    page = explore(loss, w, title="</title><script>alert(1)</script>\ud800")
    plain = explore(lecture()[0])
    assert sorted(Outline(page.html).tags) == sorted(Outline(plain.html).tags)
    assert page.html.isprintable() or set(filter(lambda c: not c.isprintable(), page.html)) == {"\n"}
    assert page.html.encode()
    assert contents_of(page)[0].isascii()
    data = data_of(page)
    first = data["nodes"]["name"][data["selected"]]
    assert first == [HOSTILE[0], "", ""]
    assert all(len(base) <= 200 for base, _, _ in data["nodes"]["name"])


@pytest.mark.slow
def test_nan_and_infinities_are_shown_as_such():
    loss, _ = hostile()
    nodes = data_of(explore(loss))["nodes"]
    assert "nan" in nodes["data"]
    assert "-inf" in nodes["grad"]
    assert "inf" in nodes["grad"]
    assert "NaN" not in contents_of(explore(loss))[0]


@pytest.mark.slow
def test_a_page_has_the_look_that_it_is_asked_for():
    loss, _ = lecture()
    plain, dark, own, hostile_font = (
        explore(loss, look=look).html for look in ("light", "dark", "print", viz.LIGHT.but(font="</style><b>"))
    )
    assert '<html lang="en">' in plain
    assert '<html lang="en" data-theme="dark">' in dark
    assert "--positive: #000000; " in own
    assert "</style><b>" not in hostile_font
    with viz.look("dark"):
        assert explore(loss).html == dark
    with pytest.raises(ValueError, match="unknown look 'drak'"):
        explore(loss, look="drak")


@pytest.mark.slow
def test_a_page_is_the_same_in_every_run():
    assert explore(lecture()[0]).html == explore(lecture()[0]).html


# ---------------------------------------------------------------- what it says


def names_in(data):
    return ["".join((base, above, below and "_" + below)) for base, above, below in data["nodes"]["name"]]


@pytest.mark.parametrize("make", [lambda: lecture()[0], unnamed, lambda: dense(2, 3, 3, 2)[0]])
@pytest.mark.parametrize("level", ["named", "op"])
def test_the_model_has_the_nodes_and_edges_on_which_paths_are_counted(make, level):
    loss = make()
    data = page_data(loss, None, "auto")
    if level not in data["graphs"]:
        assert level in data["missing"]
        return
    graph, found = PathGraph(loss, level=level), graph_of(data, level)
    called = names_in(data)
    expected = [
        (graph.names.ascii(graph.labels[e.result]), graph.names.ascii(graph.labels[e.operand]), e.derivative)
        for v in graph.nodes
        for e in graph.edges[v]
    ]
    columns = zip(found["result"], found["operand"], found["derivative"], strict=True)
    assert [(called[v], called[u], d) for v, u, d in columns] == expected
    assert [data["nodes"]["data"][i] for i in found["nodes"]] == [v.data for v in graph.nodes]


def test_formulas_refer_to_nodes_by_number():
    loss, net = lecture()
    data = page_data(loss, None, "named")
    graph, called = graph_of(data, "named"), names_in(data)
    z, w, x = (called.index(name) for name in ("z[1]_1", "w[1]_11", "x_1"))
    k = next(k for k in range(len(graph["result"])) if (graph["result"][k], graph["operand"][k]) == (z, w))
    assert graph["formula"][k] == f"{{{x}}}"
    a = called.index("a[1]_1")
    k = graph["result"].index(a)
    assert re.sub(r"<[^>]*>", "", graph["formula"][k]) == f"{{{a}}}\u2062(1 − {{{a}}})"
    assert net.layers[0].neurons[0].w[0].grad == data["nodes"]["grad"][w]


def test_links_are_ascii_where_names_are_not():
    y = Value(0.5, "yhat_1")
    z = y * 2 + Value(1.0, "w[1]_11")
    data = page_data(z, None, "auto")
    called = names_in(data)
    assert data["nodes"]["link"] == {called.index("ŷ_1"): "yhat_1"}


def test_without_a_backward_pass_the_page_has_no_gradients():
    x = Value(2.0, "x")
    y = sin(x) * x
    data = page_data(y, None, "auto")
    assert data["backward"] is False
    assert set(data["nodes"]["grad"]) == {None}
    y.backward()
    assert page_data(y, None, "auto")["backward"] is True


# ---------------------------------------------------------------- which view


def named_chain():
    x = Value(2.0, "x")
    h = sin(x)
    h.label = "h"
    return h * h


@pytest.mark.parametrize(
    ("make", "first"),
    [
        (named_chain, "named"),
        (unnamed, "op"),
        (lambda: sin(Value(2.0, "x")) * 3, "op"),
        (lambda: lecture()[0], "neurons"),
        (lambda: dense(4, 6, 6, 2)[0], "neurons"),
    ],
)
def test_the_first_view_suits_the_graph(make, first):
    assert explore(make()).level == first


def test_a_view_can_be_asked_for():
    loss, _ = lecture()
    assert [explore(loss, level=level).level for level in ("named", "op", "neurons")] == ["named", "op", "neurons"]


@pytest.mark.slow
def test_what_is_left_out_of_a_row_is_called_what_it_is():
    loss, net = dense(20, 8, 20)
    penalized = loss + 0.01 * dot(*[[w for neuron in net.layers[0].neurons for w in neuron.w]] * 2)
    data = page_data(penalized, None, "neurons")
    rests = [mark[2] for mark in data["views"]["neurons"]["marks"] if isinstance(mark[2], str)]
    assert sorted(rests) == ["⋮ 144 more weights", "⋮ 4 more inputs", "⋮ 4 more targets", "⋮ 4 more units"]


@pytest.mark.slow
def test_a_large_net_is_shown_as_neurons_with_long_layers_shortened_and_says_so():
    loss, net = dense(784, 16, 16, 10)
    data = page_data(loss, None, "auto")
    assert data["first"] == "neurons"
    assert set(data["views"]) == {"neurons"}
    assert set(data["missing"]) == {"named", "op", "matrices"}
    assert 26_024 == 16 * (2 * 784 + 1) + 26 * (2 * 16 + 1) + 42 + 20  # weighted sums, sigmoids, the loss
    assert data["notes"] == [
        "26,024 edges between scalars are too many to draw each: neurons are shown.",
        "Layers of more than 16 units are shortened; paths through units that are not drawn count too.",
        "The numbers of this page cannot be changed: 26,024 edges between scalars are too many to be computed again "
        "at once.",
    ]
    marks = data["views"]["neurons"]["marks"]
    assert [mark[2] for mark in marks if isinstance(mark[2], str)] == [f"⋮ {784 - ELIDED} more inputs"]
    assert len(data["views"]["neurons"]["lines"]) <= MAX_EDGES
    called = names_in(data)
    assert "w[1]_1,1" in called
    assert "w[1]_1,400" not in called
    wrt = net.layers[0].neurons[2].w[399]
    asked = page_data(loss, wrt, "auto")
    assert names_in(asked)[asked["selected"]] == "w[1]_3,400"


@pytest.mark.slow
def test_a_large_graph_without_units_is_shown_in_part_and_every_path_to_it_is_there():
    x = Value(1.5)
    v = x
    for _ in range(3000):
        v = sin(v) * 0.9 + x * 0.1
    data = page_data(v, None, "auto")
    assert list(data["views"]) == ["op"]
    assert "lie before them" in data["notes"][0]
    graph = graph_of(data, "op")
    assert 300 <= len(graph["result"]) <= MAX_EDGES
    shown, users = set(graph["nodes"]), {}
    for result, operand in zip(graph["result"], graph["operand"], strict=True):
        users.setdefault(operand, []).append(result)
    assert all(u in users for u in shown - {data["target"]})
    assert any("cut" in data["nodes"]["kinds"][data["nodes"]["kind"][i]] for i in shown)


@pytest.mark.slow
def test_a_sum_of_more_numbers_than_fit_is_shown_in_part():
    xs = [Value(float(i), f"x_{i}") for i in range(5000)]
    total = xs[0] * 1
    for x in xs[1:]:
        total = total + x
    data = page_data(total, None, "auto")
    assert data["notes"]
    assert sum(len(g["result"]) for g in data["graphs"].values() if g != "op") <= MAX_EDGES


# ---------------------------------------------------------------- where things stand


@pytest.mark.parametrize(
    "make", [lambda: lecture()[0], unnamed, lambda: hostile()[0], *slow(lambda: dense(5, 12, 12, 3)[0])]
)
def test_marks_do_not_overlap(make):
    for view in page_data(make(), None, "auto")["views"].values():
        centres, side = np.array([mark[:2] for mark in view["marks"]]), 2 * view["radius"]
        apart = np.abs(centres[:, None] - centres).max(axis=2) >= side - 1  # places are whole pixels
        assert (apart | np.eye(len(centres), dtype=bool)).all()


def test_weights_stand_from_top_to_bottom_as_indexed():
    data = page_data(lecture()[0], None, "named")
    called = names_in(data)
    top = {called[mark[2]]: mark[:2] for mark in data["views"]["named"]["marks"]}
    column = ["w[1]_11", "w[1]_12", "b[1]_1", "x_1", "x_2", "w[1]_21", "w[1]_22", "b[1]_2"]
    assert sorted(column, key=lambda name: top[name][1]) == column
    assert top["z[1]_1"][1] < top["z[1]_2"][1]
    assert top["a[2]_1"][1] < top["a[2]_2"][1]


# ---------------------------------------------------------------- colours


def theme(i):
    """The colours of the page, light (0) or dark (1)."""
    style = (SOURCES / "page.css").read_text(encoding="utf-8")
    return {name: pair[i] for name, *pair in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style)}


@pytest.mark.parametrize("i", [0, 1])
@pytest.mark.parametrize("ground", ["paper", "stage", "raised", "sunken", "leaf"])
@pytest.mark.parametrize("text", ["ink", "grey", "positive", "negative"])
def test_text_can_be_read_on_every_ground_of_both_themes(i, ground, text):
    colours = theme(i)
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("i", [0, 1])
@pytest.mark.parametrize("text", ["target-ink", "target-positive", "target-negative"])
def test_text_can_be_read_on_the_target(i, text):
    colours = theme(i)
    assert contrast(colours[text], colours["target"]) >= 4.5


def test_negative_is_told_by_dashes_too():
    style = (SOURCES / "page.css").read_text(encoding="utf-8")
    assert re.search(r"\.line\.negative \.stroke \{[^}]*stroke-dasharray", style)


# ---------------------------------------------------------------- files and notebooks


def test_saving_replaces_the_file_whole(tmp_path):
    page = explore(lecture()[0])
    path = tmp_path / "page.html"
    path.write_text("x" * 1_000_000, encoding="utf-8")
    assert page.save(path) == str(path)
    assert path.read_text(encoding="utf-8") == page.html
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_a_page_is_written_under_a_name_of_a_page(tmp_path):
    page = explore(lecture()[0])
    assert page.save(tmp_path / "page") == str(tmp_path / "page.html")
    assert page.save(tmp_path / "page.HTM") == str(tmp_path / "page.HTM")
    for name in ("page.png", "page.svg", "page.pdf", "page.gv"):
        with pytest.raises(ValueError, match=f"unknown format '{name[5:]}'.*known: html, htm"):
            page.save(tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["page.HTM", "page.html"]


@posix
def test_a_page_goes_through_a_pipe(tmp_path):
    pipe = Pipe(tmp_path / "pipe")
    page = explore(lecture()[0])
    assert page.save(pipe.path) == str(pipe.path)
    assert pipe.read().decode() == page.html
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder '.*nowhere' to write 'page.html' into"):
        explore(lecture()[0]).save(tmp_path / "nowhere" / "page.html")


def test_showing_opens_a_file_with_the_page(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    page = explore(lecture()[0])
    path = Path(page.show())
    assert opened == [path.as_uri()]
    assert path.read_text(encoding="utf-8") == page.html


def test_a_notebook_gets_the_page_in_a_frame_of_its_own():
    page = explore(lecture()[0])
    frame = page._repr_html_()

    class Frame(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            self.found = tag, dict(attributes)

    parser = Frame()
    parser.feed(frame)
    tag, attributes = parser.found
    assert tag == "iframe"
    assert attributes["srcdoc"] == page.html
    assert attributes["sandbox"] == "allow-scripts allow-downloads"


def test_a_page_says_what_it_is():
    assert re.fullmatch(r"<Exploration at level 'neurons', [\d,]+ characters of HTML>", repr(explore(lecture()[0])))
    assert isinstance(explore(unnamed()), Exploration)


# ---------------------------------------------------------------- the scripts


@pytest.mark.parametrize("source", sorted(p.name for p in SOURCES.glob("*.js")))
def test_every_script_says_at_its_head_what_it_is_for(source):
    text = (SOURCES / source).read_text(encoding="utf-8")
    assert text.startswith("// ")
    assert "innerHTML" not in text or source == "write.js"
    assert not re.search(r"\beval\b|new Function|document\.write|fetch\(|XMLHttpRequest|import\(", text)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3.0,), TypeError, "explore: expected a Value or a Tensor such as the loss, got float"),
        (([Value(1.0) * 2],), TypeError, "explore: expected a Value or a Tensor such as the loss, got list"),
        ((Tensor([1.0]),), ValueError, "expected the result of a computation; it is a leaf"),
        ((Value(1.0, "w"),), ValueError, "expected the result of a computation; 'w' is a leaf, which has no paths"),
        ((Value(1.0),), ValueError, "expected the result of a computation; it is a leaf"),
        ((Value(1.0) * 2, "w"), TypeError, "explore: expected wrt to be a Value, got str"),
        ((Value(1.0) * 2, Tensor(1.0)), TypeError, "explore: expected wrt to be a Value, got Tensor"),
        ((Tensor([1.0]).sum(), Value(1.0)), TypeError, "explore: expected wrt to be a Tensor, got Value"),
        ((Tensor([1.0]).sum(), Tensor([2.0], "u")), ValueError, "the root does not depend on 'u'"),
        ((Value(1.0) * 2, Value(2.0, "u")), ValueError, "the root does not depend on 'u'"),
    ],
)
def test_what_cannot_be_explored_is_refused(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        explore(*arguments)


def test_unknown_levels_and_titles_are_refused():
    loss, _ = lecture()
    with pytest.raises(ValueError, match="unknown level 'neuron'; did you mean 'neurons'"):
        explore(loss, level="neuron")
    with pytest.raises(TypeError, match="expected the title to be a string, got int"):
        explore(loss, title=3)
    with pytest.raises(ValueError, match="level 'neurons' finds no units of a network"):
        explore(unnamed(), level="neurons")


def test_paths_of_the_page_are_those_of_derive():
    """The page lists paths itself, in a browser; here the graph it does so on is checked by brute force."""
    loss, net = lecture()
    data = page_data(loss, None, "named")
    graph, called = graph_of(data, "named"), names_in(data)
    into = {}
    for v, u, d in zip(graph["result"], graph["operand"], graph["derivative"], strict=True):
        into.setdefault(v, []).append((u, d))

    def products(v, source):
        if v == source:
            return [1.0]
        return [d * p for u, d in into.get(v, ()) for p in products(u, source)]

    for p in net.parameters():
        source = called.index(p.label.replace(",", ""))
        found = sorted(products(data["target"], source), key=abs, reverse=True)
        assert found == pytest.approx([path.value for path in derive(loss, p)])
        assert sum(found) == pytest.approx(p.grad, rel=1e-12)


def test_a_named_graph_of_one_operation_has_a_page():
    w = Value(0.3, "w")
    s = sigmoid(w)
    assert explore(s, w).level in ("named", "op")


def test_each_node_of_the_page_has_its_class_and_its_own_zero():
    x, w, off = Value(2.0, "x"), Value(-3.0, "w"), Value(0.0, "off")
    z = w * x + off
    z.label = "z"
    L = relu(z)
    L.label = "L"
    before = data_of(explore(L))["nodes"]
    L.backward()
    after = data_of(explore(L))["nodes"]
    for nodes, gradient in ((before, None), (after, 0.0)):
        kinds = {nodes["name"][i][0]: nodes["kinds"][k] for i, k in enumerate(nodes["kind"])}
        gradients = {nodes["name"][i][0]: g for i, g in enumerate(nodes["grad"])}
        numbers = {nodes["name"][i][0]: number for i, number in enumerate(nodes["data"])}
        assert kinds["L"].split()[0] == "target"
        assert kinds["z"].split()[0] == "result"
        assert {kinds[name].split()[0] for name in ("x", "w", "off")} == {"leaf"}
        assert (numbers["z"], numbers["off"], numbers["L"]) == (-6.0, 0.0, 0.0)
        # A gradient of 0, of a unit that is off, is a number; where no pass has been there is none.
        assert [gradients[name] for name in ("w", "x", "off", "z")] == [gradient] * 4
