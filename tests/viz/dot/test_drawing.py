"""A Drawing behaves as a graphviz.Digraph, needs no dot, and writes whole files or none."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import graphviz
import pytest
from drawings import each_renderer, needs_pure, needs_renderer
from named_pipes import Pipe, posix
from oracles import ROOT

from autograd import Value, squared_error, tanh
from nn import MLP, inputs
from nn.files.whole import is_special
from viz import Drawing, RendererMissing, draw_graph
from viz.dot import drawing as drawing_module

each_format = pytest.mark.parametrize(
    ("format", "start"),
    [
        ("svg", b"<?xml"),
        ("png", b"\x89PNG"),
        ("dot", b"digraph"),
        ("json", b"{"),
        ("plain", b"graph"),
        ("xdot", b"dig"),
    ],
)


@pytest.fixture
def drawing():
    d = Drawing("small")
    d.edge("a", "b", label="1")
    return d


@pytest.fixture
def fake(monkeypatch):
    """A renderer for tests of what surrounds it: returns the format, or raises what `fails` holds."""
    fails = []

    def render(source, format="svg", **_):
        if fails:
            raise fails[0]
        return f"a picture as {format}".encode()

    monkeypatch.setattr(drawing_module, "render", render)
    monkeypatch.setattr(drawing_module, "to_png", lambda svg, *_: b"a picture as png")
    monkeypatch.setattr(drawing_module, "to_pdf", lambda svg: b"a picture as pdf")
    return fails


def names(folder):
    return sorted(p.name for p in folder.iterdir())


# ---------------------------------------------------------------- as people know it


def test_it_is_a_digraph_with_its_source(drawing):
    assert isinstance(drawing, graphviz.Digraph)
    assert drawing.source == str(drawing) == "digraph small {\n\ta -> b [label=1]\n}\n"
    assert drawing.format == "svg"


def test_a_copy_and_a_subgraph_are_drawings_of_the_same_level():
    d = Drawing("net", level="named", format="png")
    d.node("a")
    twin = d.copy()
    assert (twin.source, twin.level, twin.format, type(twin)) == (d.source, "named", "png", Drawing)
    with d.subgraph(name="cluster_1") as inside:
        inside.node("b")
    assert "subgraph cluster_1" in d.source
    assert twin.source != d.source
    assert repr(d) == "<Drawing at level 'named'>"
    assert repr(Drawing()) == "<Drawing>"


@pytest.mark.parametrize("name", ["small.gv", "small.dot", "SMALL.GV", "small.v2.dot"])
def test_save_writes_the_dot_text_under_a_name_of_dot_text(drawing, tmp_path, name):
    assert drawing.save(tmp_path / name) == str(tmp_path / name)
    assert (tmp_path / name).read_text(encoding="utf-8") == drawing.source
    assert names(tmp_path) == [name]


@pytest.mark.parametrize(
    ("arguments", "file", "format"),
    [
        ({"filename": "net.svg"}, "net.svg", "svg"),
        ({"filename": "net.png", "dpi": 200}, "net.png", "png"),
        ({"filename": "net.v2.PDF"}, "net.v2.PDF", "pdf"),
        ({"filename": "net.json"}, "net.json", "json"),
        ({"filename": "net"}, "net.svg", "svg"),
        ({"filename": "net", "format": "png"}, "net.png", "png"),
        ({"filename": "net.v2", "format": "png"}, "net.v2.png", "png"),
    ],
)
def test_save_writes_the_picture_that_the_name_says(drawing, fake, tmp_path, monkeypatch, arguments, file, format):
    monkeypatch.chdir(tmp_path)
    assert drawing.save(**arguments) == file
    assert (tmp_path / file).read_text(encoding="utf-8") == f"a picture as {format}"
    assert names(tmp_path) == [file]
    drawing.save()  # a picture does not change where the text goes
    assert names(tmp_path) == sorted([file, "small.gv"])


@needs_renderer
def test_what_save_writes_is_what_its_name_says(drawing, tmp_path):
    for name, start in {"a.svg": b"<?xml", "a.png": b"\x89PNG", "a.plain": b"graph ", "a.gv": b"digraph"}.items():
        drawing.save(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["net.gif", "net.txt", "net.html", "net.tex", "net.2"])
def test_save_refuses_what_it_cannot_draw(drawing, tmp_path, name):
    with pytest.raises(ValueError, match=f"unknown format '{name[4:]}'.*known: svg, png, pdf"):
        drawing.save(tmp_path / name)
    assert names(tmp_path) == []


@pytest.mark.parametrize(("name", "format"), [("net.gv", "svg"), ("net.png", "dot"), ("net.dot", "gv")])
def test_save_refuses_a_format_that_contradicts_the_ending(drawing, tmp_path, name, format):
    with pytest.raises(ValueError, match=f"save: '{name}' ends in .*, but the format is '{format}'; give one of them"):
        drawing.save(tmp_path / name, format=format)
    assert names(tmp_path) == []


def test_save_leaves_what_was_there_if_the_picture_fails_or_is_protected(drawing, fake, tmp_path):
    (tmp_path / "net.png").write_text("old", encoding="utf-8")
    fake.append(RendererMissing("none"))
    assert drawing.save(tmp_path / "net.png", skip_existing=True) == str(tmp_path / "net.png")
    with pytest.raises(RendererMissing):
        drawing.save(tmp_path / "net.png")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        drawing.save(tmp_path / "missing" / "net.png")
    assert names(tmp_path) == ["net.png"]
    assert (tmp_path / "net.png").read_text(encoding="utf-8") == "old"


@posix
@pytest.mark.parametrize(("name", "came"), [("pipe", "svg"), ("pipe.png", "png"), ("pipe.gv", None)])
def test_a_picture_goes_through_a_pipe(drawing, fake, tmp_path, name, came):
    pipe = Pipe(tmp_path / name)
    assert drawing.save(pipe.path) == str(pipe.path)
    assert pipe.read().decode() == (f"a picture as {came}" if came else drawing.source)
    assert is_special(pipe.path)
    assert names(tmp_path) == [name]


def test_save_makes_no_folder_and_may_leave_a_file_as_it_is(drawing, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing' to write 'small\.gv' into"):
        drawing.save(tmp_path / "missing" / "small.gv")
    assert names(tmp_path) == []
    (tmp_path / "small.gv").write_text("old", encoding="utf-8")
    assert drawing.save("small.gv", tmp_path, skip_existing=True) == str(tmp_path / "small.gv")
    assert (tmp_path / "small.gv").read_text(encoding="utf-8") == "old"
    assert drawing.save() == str(tmp_path / "small.gv")  # where it was saved before, as in graphviz
    assert (tmp_path / "small.gv").read_text(encoding="utf-8") == drawing.source


@pytest.mark.slow
@each_renderer
@each_format
def test_pipe_gives_the_picture(drawing, renderer, format, start):
    assert drawing.pipe(format, renderer).startswith(start)
    assert drawing.pipe(format=format, renderer=renderer, quiet=True, engine="dot").startswith(start)


@each_renderer
def test_pipe_with_an_encoding_gives_text(drawing, renderer):
    assert ET.fromstring(drawing.pipe(renderer=renderer, encoding="utf-8").partition("\n")[2]).tag.endswith("svg")


@each_renderer
def test_a_pdf_is_made_of_the_svg_and_the_same_from_run_to_run(drawing, renderer):
    pdf = drawing.pipe("pdf", renderer)
    assert pdf.startswith(b"%PDF")
    assert pdf == drawing.pipe("pdf", renderer)
    assert b"CreationDate" not in pdf


def test_without_matplotlib_dot_makes_the_pdf_and_without_both_it_is_said_what_to_install(drawing, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RendererMissing, match="a PDF needs Graphviz itself"):
        drawing.pipe("pdf")


def test_no_line_strikes_through_a_number(drawing):
    drawing.edge("b", "c", label="2")
    drawing.graph_attr["bgcolor"] = "#10141a"
    svg = drawing.pipe(encoding="utf-8")
    texts = [svg.index(f">{number}</text>") for number in (1, 2)]
    assert min(texts) > max(m.start() for m in re.finditer("<path", svg))  # over all lines
    halo = re.findall(
        r'<text stroke="([^"]*)" stroke-width="([^"]*)" stroke-linejoin="round" paint-order="stroke"', svg
    )
    assert [color for color, _ in halo] == ["#10141a"] * 2


@needs_pure
def test_where_dot_is_missing_and_nothing_is_on_path_what_pip_installed_draws(drawing, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert drawing.pipe().startswith(b"<?xml")
    assert drawing.render(tmp_path / "a.png").endswith("a.png")
    assert "image/svg+xml" in drawing._repr_mimebundle_()


# ---------------------------------------------------------------- files


@needs_renderer
def test_render_writes_the_file_that_was_named_and_nothing_else(drawing, tmp_path):
    path = drawing.render(tmp_path / "net.svg")
    assert path == str(tmp_path / "net.svg")
    assert names(tmp_path) == ["net.svg"]
    assert ET.parse(path).getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("arguments", "file", "format"),
    [
        ({"filename": "net.png"}, "net.png", "png"),
        ({"filename": "NET.SVG"}, "NET.SVG", "svg"),
        ({"filename": "net"}, "net.svg", "svg"),
        ({"filename": "net", "format": "png"}, "net.png", "png"),
        ({"filename": "net.png", "format": "png"}, "net.png", "png"),
        ({"filename": "net.gv"}, "net.gv.svg", "svg"),
        ({"filename": "net.v2"}, "net.v2.svg", "svg"),
        ({"filename": "net.gv", "format": "png"}, "net.gv.png", "png"),
        ({"filename": "net.v2", "format": "pdf"}, "net.v2.pdf", "pdf"),
        ({"outfile": "net.json"}, "net.json", "json"),
        ({}, "small.gv.svg", "svg"),
    ],
)
def test_the_ending_is_the_format(drawing, fake, tmp_path, monkeypatch, arguments, file, format):
    monkeypatch.chdir(tmp_path)
    assert drawing.render(**arguments) == file
    assert (tmp_path / file).read_text(encoding="utf-8") == f"a picture as {format}"
    assert names(tmp_path) == [file]


def test_a_directory_can_be_given_apart(drawing, fake, tmp_path):
    assert drawing.render("net.svg", directory=tmp_path) == str(tmp_path / "net.svg")
    (tmp_path / "sub").mkdir()
    d = Drawing(directory=tmp_path / "sub")
    assert d.render("net.svg") == str(tmp_path / "sub" / "net.svg")


def test_the_dot_text_is_written_beside_the_picture_if_asked_for(drawing, fake, tmp_path):
    drawing.render(tmp_path / "net.svg", cleanup=False)
    assert names(tmp_path) == ["net.gv", "net.svg"]
    assert (tmp_path / "net.gv").read_text(encoding="utf-8") == drawing.source
    drawing.render(tmp_path / "other", cleanup=False)
    assert names(tmp_path) == ["net.gv", "net.svg", "other", "other.svg"]
    drawing.render(tmp_path / "third.gv", cleanup=False)
    assert names(tmp_path) == ["net.gv", "net.svg", "other", "other.svg", "third.gv", "third.gv.svg"]


def test_an_existing_picture_is_replaced(drawing, fake, tmp_path):
    (tmp_path / "net.svg").write_text("old and longer than the new one", encoding="utf-8")
    drawing.render(tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text(encoding="utf-8") == "a picture as svg"


def test_an_existing_picture_can_be_protected(drawing, fake, tmp_path):
    (tmp_path / "net.svg").write_text("old", encoding="utf-8")
    with pytest.raises(graphviz.FileExistsError, match=r"there is a file .*net\.svg' already"):
        drawing.render(tmp_path / "net.svg", raise_if_result_exists=True)
    assert (tmp_path / "net.svg").read_text(encoding="utf-8") == "old"


def test_a_missing_folder_is_named_before_anything_is_rendered(drawing, fake, tmp_path):
    fake.append(AssertionError("rendered"))
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing' to write 'net\.svg' into"):
        drawing.render(tmp_path / "missing" / "net.svg")
    assert names(tmp_path) == []


@pytest.mark.parametrize("failure", [ValueError("refused"), RendererMissing("none"), KeyboardInterrupt()])
def test_a_failed_rendering_leaves_what_was_there(drawing, fake, tmp_path, failure):
    (tmp_path / "net.svg").write_text("old", encoding="utf-8")
    fake.append(failure)
    with pytest.raises(type(failure)):
        drawing.render(tmp_path / "net.svg", cleanup=False)
    assert names(tmp_path) == ["net.svg"]
    assert (tmp_path / "net.svg").read_text(encoding="utf-8") == "old"


def test_an_interrupted_writing_leaves_what_was_there(drawing, fake, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    (tmp_path / "net.svg").write_text("old", encoding="utf-8")
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        drawing.render(tmp_path / "net.svg")
    assert names(tmp_path) == ["net.svg"]
    assert (tmp_path / "net.svg").read_text(encoding="utf-8") == "old"


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX links and permissions")
def test_a_link_is_followed_and_permissions_are_the_usual(drawing, fake, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "net.svg").symlink_to(tmp_path / "real" / "net.svg")
    drawing.render(tmp_path / "net.svg")
    assert (tmp_path / "net.svg").is_symlink()
    assert (tmp_path / "real" / "net.svg").read_text(encoding="utf-8") == "a picture as svg"
    (tmp_path / "plain").write_text("", encoding="utf-8")
    assert (tmp_path / "real" / "net.svg").stat().st_mode == (tmp_path / "plain").stat().st_mode


# ---------------------------------------------------------------- shown


def test_view_renders_and_opens(drawing, fake, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(Drawing, "_view", lambda self, path, **options: opened.append((path, options)))
    path = drawing.view(tmp_path / "net.svg")
    assert opened == [(path, {"format": "svg", "quiet": False})]
    assert names(tmp_path) == ["net.svg"]


@needs_renderer
def test_a_notebook_shows_svg_or_png(drawing):
    bundle = drawing._repr_mimebundle_()
    assert list(bundle) == ["image/svg+xml"]
    assert "<svg" in bundle["image/svg+xml"]
    assert drawing._repr_mimebundle_(include=["image/png"])["image/png"].startswith(b"\x89PNG")


def test_a_notebook_without_a_renderer_shows_what_to_install_and_mermaid(drawing, fake):
    fake.append(RendererMissing("Run: pip install graphviz-pure resvg_py fontpkg-arimo"))
    bundle = drawing._repr_mimebundle_()
    assert (
        bundle["text/vnd.mermaid"]
        == drawing.mermaid()
        == ('flowchart TB\n    v0["a"]\n    v1["b"]\n    v0 -->|"1"| v1\n')
    )
    assert bundle["text/plain"].startswith("<Drawing>: Run: pip install graphviz-pure resvg_py fontpkg-arimo. Or paste")
    assert bundle["text/plain"].endswith(drawing.mermaid())


# ---------------------------------------------------------------- wrong inputs


def test_an_unknown_format_is_refused(drawing, tmp_path):
    with pytest.raises(ValueError, match="unknown format 'gif'"):
        drawing.pipe("gif")
    with pytest.raises(ValueError, match="unknown format 'gif'"):
        drawing.render(tmp_path / "net.gif")
    assert names(tmp_path) == []


def test_an_ending_that_contradicts_the_format_is_refused(drawing, tmp_path):
    with pytest.raises(ValueError, match=r"'net\.svg' ends in \.svg, but the format is 'png'"):
        drawing.render(tmp_path / "net.svg", format="png")


def test_a_file_needs_a_name(drawing):
    with pytest.raises(ValueError, match=r"render: expected the name of a file, such as net\.svg; got '\.'"):
        drawing.render(".")


def test_a_folder_is_no_file(drawing, fake, tmp_path):
    (tmp_path / "net.svg").mkdir()
    with pytest.raises(OSError, match=r"cannot write 'net\.svg' into the folder"):
        drawing.render(tmp_path / "net.svg")
    assert names(tmp_path) == ["net.svg"]


def test_filename_and_outfile_are_not_given_together(drawing):
    with pytest.raises(ValueError, match="give filename or outfile, got both"):
        drawing.render("a.svg", outfile="b.svg")


def test_an_unknown_renderer_is_refused(drawing):
    with pytest.raises(ValueError, match="unknown renderer 'cairo'; known: auto, dot, pure"):
        drawing.pipe(renderer="cairo")


def test_another_layout_engine_is_refused(drawing):
    with pytest.raises(ValueError, match=r"by 'dot' only, got engine 'neato'; .*graphviz\.Source"):
        drawing.pipe(engine="neato")


@pytest.mark.slow
def test_importing_viz_loads_no_renderer():
    code = "import sys, viz; sys.exit('resvg_py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


# ---------------------------------------------------------------- at the width of a column


def shown_at(drawing, renderer):
    """The width of a drawing in points, and the scale of its texts."""
    root = ET.fromstring(drawing.pipe("svg", renderer, encoding="utf-8").partition("\n")[2])
    width = float(root.get("width").removesuffix("pt"))
    across = float(root.get("viewBox").split()[2])
    return width, width / across


@each_renderer
def test_a_narrow_drawing_has_paper_beside_it_and_letters_of_the_usual_size(renderer):
    x = Value(0.5, "x")
    z = tanh(tanh(x))
    plain = draw_graph(z, direction="TB")
    _, usual = shown_at(plain, renderer)
    width, scale = shown_at(draw_graph(z, direction="TB", width=5), renderer)
    assert width == pytest.approx(360, abs=1)
    assert scale == pytest.approx(usual, rel=0.02)


@each_renderer
def test_at_the_width_of_a_column_lines_are_short_and_letters_can_be_read(renderer):
    net = MLP(2, [2, 2], "sigmoid", rng=1)
    loss = squared_error(net(inputs([0.5, -1.0])), [1.0, 0.0])
    loss.backward()
    width, scale = shown_at(draw_graph(loss, level="named", width="8.6cm"), renderer)
    assert width == pytest.approx(8.6 / 2.54 * 72, abs=1)
    assert 12 * scale >= 5  # points; without shorter lines 3.8
    assert "w[1]₁₁\\n= " in draw_graph(loss, level="named", width="8.6cm").source
    assert "w[1]₁₁ = " in draw_graph(loss, level="named", width="30cm").source
