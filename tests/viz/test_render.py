"""Each renderer draws all of a picture or says why not; a PNG has its text even without fonts."""

import functools
import html
import importlib.metadata
import json
import os
import re
import struct
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import pytest
from drawings import HERE, NASTY, each_renderer, needs_dot, needs_pure
from sizes import slow

from autograd.formulas import names
from viz import render as render_module
from viz.render import FORMATS, RendererMissing, available_renderers, render

ROOT = Path(__file__).parents[2]
needs_sh = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")

SMALL = "digraph { a -> b; b -> c; a -> c; }"
DENSE = [f"n{i} -> n{(7 * i + 13 * j) % 80};" for i in range(80) for j in range(6)]
DENSE = f"digraph {{ {' '.join(DENSE)} }}"  # some ten seconds of layout


def chain(links):
    return "digraph {" + "".join(f"n{i} -> n{i + 1};" for i in range(links)) + "}"


SIGNATURE = {
    "svg": b"<?xml",
    "png": b"\x89PNG",
    "pdf": b"%PDF",
    "dot": b"digraph",
    "json": b"{",
    "plain": b"graph 1",
    "xdot": b"digraph",
}


def edges(svg):
    return svg.count(b'class="edge"')


def texts(svg):
    found = re.findall(r"<text[^>]*>(.*?)</text>", svg.decode(), re.DOTALL)
    return [html.unescape(t).replace("\xa0", " ") for t in found]


@each_renderer
@pytest.mark.parametrize("format", FORMATS)
def test_a_picture_has_the_format_that_was_asked_for(renderer, format):
    if (renderer, format) == ("pure", "pdf"):
        pytest.skip("this renderer makes no PDF, see below")
    picture = render(SMALL, format, renderer=renderer)
    assert picture.startswith(SIGNATURE[format])


@each_renderer
def test_every_node_and_edge_is_in_the_picture(renderer):
    svg = render(SMALL, renderer=renderer)
    assert (svg.count(b'class="node"'), edges(svg)) == (3, 3)
    layout = json.loads(render(SMALL, "json", renderer=renderer))
    assert (len(layout["objects"]), len(layout["edges"])) == (3, 3)


@each_renderer
def test_any_text_is_shown_as_it_is(renderer):
    labels = [
        "w[1]_1,1",
        "yhat_1",
        "a[1](3)_2",
        'say "hi"',
        r"\N \G \l \n \\",
        "ends with \\",
        "&lt;b&gt; &amp; &alpha;",
        "<b>not bold</b>",
        "</script>",
        "{a|b} <f0>",
        "😀",
        "two\nlines",
        "x" * 4000,
    ]
    plain = [f'p{i} [label="{names.dot_text(names.text(label))}"]' for i, label in enumerate(labels)]
    source = "digraph {\n" + "\n".join(plain) + "\n}"
    assert texts(render(source, renderer=renderer)) == [names.text(x) for x in labels]


@each_renderer
@pytest.mark.parametrize(
    "source",
    ["", " \n", "digraph { a -> ; }", "digraph { a -> b;", "nonsense", 'digraph { a [label="x] }'],
)
def test_invalid_text_is_refused_not_drawn_empty(renderer, source):
    with pytest.raises(ValueError, match=r"Graphviz refused the DOT text: ."):
        render(source, renderer=renderer)


@each_renderer
@pytest.mark.parametrize("rest", ["junk", "}", "digraph { b }", '"b"', ";"])
def test_what_follows_the_graph_is_refused(renderer, rest):
    with pytest.raises(ValueError, match=f"in line 2 something follows the graph, '{rest}'; write one graph"):
        render(f"digraph {{ a [label=<}}>] }} // }}\n {rest}", renderer=renderer)


@each_renderer
def test_a_chain_too_long_for_the_parser_is_never_a_shorter_picture(renderer):
    long = " -> ".join(f"n{i % 10}" for i in range(3000))
    with pytest.raises(ValueError, match=r"one edge per statement|memory exhausted"):
        render(f"digraph {{ {long} }}", "plain", renderer=renderer)
    short = " -> ".join(f"n{i % 10}" for i in range(1000))
    assert render(f"digraph {{ {short} }}", "plain", renderer=renderer).count(b"\nedge") == 999


@pytest.mark.slow
@each_renderer
def test_a_layout_that_takes_too_long_is_given_up(renderer):
    with pytest.raises(RuntimeError, match=r"no layout within 0.2 s: draw fewer nodes"):
        render(DENSE, renderer=renderer, timeout=0.2)
    assert edges(render(SMALL, renderer=renderer)) == 3


@each_renderer
def test_dpi_scales_a_png_and_nothing_else(renderer):
    width = [struct.unpack(">I", render(SMALL, "png", renderer=renderer, dpi=d)[16:20])[0] for d in (72, 144)]
    assert width[1] == pytest.approx(2 * width[0], abs=2)
    assert render(SMALL, renderer=renderer, dpi=72) == render(SMALL, renderer=renderer, dpi=144)


@each_renderer
def test_nothing_is_printed_and_no_file_is_written(renderer, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    render("digraph { a [shape=unheard_of fixedsize=true width=0.1 label=long] }", renderer=renderer)
    render(SMALL, "png", renderer=renderer)
    with pytest.raises(ValueError, match="refused"):
        render("digraph {", renderer=renderer)
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@each_renderer
def test_four_threads_may_draw_at_once(renderer):
    run_python(
        f"""
        import threading
        from viz.render import render
        done = []
        def draw(k):
            source = "digraph {{" + "".join(f"a{{i}} -> b{{i * k}};" for i in range(20)) + "}}"
            for i in range(10):
                assert render(source, renderer={renderer!r}).count(b'class="edge"') == 20
                try:
                    render("digraph {{ a -> ; }}", renderer={renderer!r})
                except ValueError:
                    done.append(k)
        threads = [threading.Thread(target=draw, args=(k,)) for k in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert len(done) == 40
        """
    )


@pytest.mark.slow
@needs_pure
def test_a_chain_of_ten_thousand_is_drawn():
    assert render(chain(10_000), "plain", renderer="pure").count(b"\nedge") == 10_000


@each_renderer
def test_an_html_like_label_is_drawn(renderer):
    label = '<table><tr><td port="p" bgcolor="gold"><b>}</b> &lt;</td><td>w<sub>1</sub>"</td></tr></table>'
    svg = render(f"digraph {{ a [label=<{label}>]; a:p -> b }}", renderer=renderer)
    assert sorted(texts(svg)) == sorted(["}", " <", "w", "1", '"', "b"])
    with pytest.raises(ValueError, match="Unknown HTML element <foo>"):
        render("digraph { a [label=<<foo>ŷ</foo>>] }", renderer=renderer)


@each_renderer
@pytest.mark.parametrize(
    "source",
    [
        'digraph { a [label="<b>"] }',
        'digraph { a [label="\\"<b>"] }',
        'digraph { a [label="}\\\\"] }',
        'digraph { a [label=<}"<i>}</i>{>] }',
        "digraph { a -> b } /* <b> } */",
        "digraph { // <b>\n}  // }",
        "# <b> }\ndigraph { a }\n# }\n",
        'strict graph "}" { subgraph { a } -- b }',
    ],
)
def test_brackets_in_strings_labels_and_comments_mislead_nobody(renderer, source):
    assert render(source, renderer=renderer).startswith(b"<?xml")


@pytest.mark.slow
@each_renderer
@needs_sh
def test_ctrl_c_stops_a_long_layout(renderer):
    run_python(
        f"""
        import os, signal, threading, warnings
        from viz.render import render
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets its background jobs ignore it
        warnings.simplefilter("ignore", ResourceWarning)  # the program is killed, and nobody waits for it
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            render({DENSE!r}, renderer={renderer!r})
        except KeyboardInterrupt:
            pass
        else:
            raise SystemExit("not interrupted")
        assert render("digraph {{ a }}", renderer={renderer!r})
        """
    )


# A PNG that dot does not make, on a machine without a single font.


@pytest.fixture
def no_system_fonts(monkeypatch):
    resvg_py = pytest.importorskip("resvg_py", reason="needs resvg_py")
    pytest.importorskip("fontpkg_arimo", reason="needs fontpkg-arimo")
    bare = functools.partial(resvg_py.svg_to_bytes, skip_system_fonts=True)
    monkeypatch.setattr(resvg_py, "svg_to_bytes", bare)


def pixels(png):
    """The rows of an 8-bit RGBA PNG, each a list of (r, g, b, a)."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind) == (8, 6)
    data, at = b"", 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        data += png[at + 8 : at + 8 + size] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + size
    raw, stride = zlib.decompress(data), 4 * width
    rows, above = [], bytearray(stride)
    for y in range(height):
        method, *line = raw[y * (stride + 1) : (y + 1) * (stride + 1)]
        for i in range(stride):
            left, up = (line[i - 4] if i > 3 else 0), above[i]
            corner = above[i - 4] if i > 3 else 0
            nearest = min((left, up, corner), key=lambda p: abs(left + up - corner - p))
            line[i] = (line[i] + (0, left, up, (left + up) // 2, nearest)[method]) % 256
        rows.append(list(zip(*[iter(line)] * 4, strict=True)))
        above = line
    return rows


def glyph(shown, font="Arial"):
    """A PNG of the text alone, all of one size."""
    node = f'x [shape=plaintext fixedsize=true width=0.7 height=0.4 fontname="{font}" label="{shown}"]'
    return render(f"digraph {{ {node} }}", "png", renderer="pure", dpi=72)


@pytest.mark.slow
@needs_pure
@pytest.mark.usefixtures("no_system_fonts")
def test_every_character_of_a_name_is_drawn_without_system_fonts():
    bases = [*names._GREEK, "yhat", "xhat", "zhat", "ytilde", "xbar", "xdot", "thetahat"]
    shown = [names.text(base) for base in bases] + list(names._SUBSCRIPT.values())
    shown += list("Lw019.,[]()+-−·×∂=√Σ…→↑↓²ᵀ‖⟨⟩⊙∘⋆∗⋅⋯⋮𝟎𝟏")
    nothing, missing = glyph(" "), glyph("\ue000")
    assert nothing != missing  # an empty box
    assert [s for s in shown if glyph(s) in (nothing, missing)] == []


@needs_pure
@pytest.mark.usefixtures("no_system_fonts")
def test_a_sign_that_the_font_lacks_is_drawn_beside_a_name_with_a_raised_layer_too():
    missing = glyph("A[1] \ue000 B")
    assert missing not in [glyph(f"A[1] {sign} B") for sign in "⊙∘⟨"]


@needs_pure
@pytest.mark.usefixtures("no_system_fonts")
@pytest.mark.parametrize("label", NASTY)
def test_any_text_is_drawn_as_the_svg_has_it(label):
    escaped = names.dot_text(names.text(label))
    (shown,) = texts(render(f'digraph {{ x [label="{escaped}"] }}', renderer="pure"))
    assert shown == names.text(label)
    assert glyph(escaped) not in (glyph(" "), glyph("?"))


@needs_pure
@pytest.mark.usefixtures("no_system_fonts")
@pytest.mark.parametrize("font", ["Arial", "Times,serif", "No Such Font"])
def test_text_in_any_font_is_drawn_without_system_fonts(font):
    assert glyph("w[1]", font) != glyph(" ", font)


@needs_pure
@pytest.mark.usefixtures("no_system_fonts")
@pytest.mark.parametrize(
    "shown",
    ["grad −0.0004386", "w[12]₁₀,₁₁", "∂L/∂ŷ · ∂ŷ/∂z", "WWWWWWWW", "ŷ₁ = 0.7513650695523157"],
)
def test_text_in_arial_fits_its_box(shown):
    node = f'x [shape=box color=red penwidth=2 fontname="Arial" label="{shown}"]'
    rows = pixels(render(f"digraph {{ {node} }}", "png", renderer="pure"))
    columns = list(zip(*rows, strict=True))
    red = [x for x, column in enumerate(columns) if any(r > 200 > g for r, g, _, _ in column)]
    ink = [x for x, column in enumerate(columns) if any(r < 100 for r, _, _, _ in column)]
    assert red[0] + 5 < ink[0] < ink[-1] < red[-1] - 5
    middle = (red[0] + red[-1]) / 2
    assert (ink[0] + ink[-1]) / 2 == pytest.approx(middle, abs=4)


@needs_dot
def test_a_pdf_has_no_date_so_that_it_is_the_same_at_any_time():
    pdf = render("digraph { a -> b }", "pdf", renderer="dot")
    assert pdf.startswith(b"%PDF")
    assert b"D:19700101000000" in pdf
    assert not re.search(rb"D:20\d{12}", pdf)


# Choosing a renderer.


def test_the_renderers_that_are_here_are_named_best_first():
    assert HERE in ((), ("dot",), ("pure",), ("dot", "pure"))


def test_auto_prefers_dot_and_does_without(monkeypatch):
    used = []
    monkeypatch.setattr(render_module, "_run", lambda program, *_: used.append(program) or b"")
    monkeypatch.setattr(render_module, "_find_pure", lambda: "/bin/graphviz-pure")
    monkeypatch.setattr(render_module.shutil, "which", lambda name: f"/bin/{name}")
    render(SMALL)
    monkeypatch.setattr(render_module.shutil, "which", lambda name: None)
    render(SMALL)
    assert used == ["/bin/dot", "/bin/graphviz-pure"]


def test_without_any_renderer_the_error_names_the_pip_command(monkeypatch):
    def missing(name):
        raise render_module.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(render_module.importlib.metadata, "files", missing)
    monkeypatch.setenv("PATH", "")
    assert available_renderers() == ()
    with pytest.raises(RendererMissing, match=re.escape("pip install graphviz-pure resvg_py fontpkg-arimo")) as raised:
        render(SMALL)
    assert isinstance(raised.value, RuntimeError)


@needs_sh
@pytest.mark.parametrize("noted", [None, [], ["gone/graphviz-pure"]])
def test_a_program_that_pip_did_not_note_is_found_on_path(monkeypatch, tmp_path, noted):
    files = noted and [importlib.metadata.PackagePath(name) for name in noted]
    for file in files or []:
        file.dist = importlib.metadata.PathDistribution(tmp_path / "x.dist-info")
    monkeypatch.setattr(render_module.importlib.metadata, "files", lambda _: files)
    program = tmp_path / "graphviz-pure"
    program.write_text("#!/bin/sh\necho drawn\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert available_renderers() == ("pure",)
    assert render(SMALL) == b"drawn\n"


@pytest.mark.slow
@needs_pure
@pytest.mark.parametrize("package", ["resvg_py", "fontpkg_arimo"])
def test_a_png_without_its_packages_names_the_pip_command(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RendererMissing, match=rf"{package}.*pip install graphviz-pure resvg_py fontpkg-arimo"):
        render(SMALL, "png", renderer="pure")


@needs_pure
@pytest.mark.parametrize("dpi", slow(1e5, 1e9))
def test_a_png_too_large_says_what_to_do(dpi):
    """Where memory ends, resvg would end the process."""
    pytest.importorskip("resvg_py", reason="needs resvg_py")
    run_python(
        f"""
        import re
        from viz.render import render
        try:
            render({SMALL!r}, "png", renderer="pure", dpi={dpi})
        except RuntimeError as error:
            assert re.match(r"no PNG of [\\d,]+ × [\\d,]+ pixels: lower dpi", str(error)), error
        else:
            raise SystemExit("drawn")
        """
    )


@needs_pure
def test_a_text_that_no_svg_may_hold_makes_no_png():
    pytest.importorskip("resvg_py", reason="needs resvg_py")
    with pytest.raises(RuntimeError, match="no PNG of this picture: a non-XML character"):
        render('digraph { a [label="\x01"] }', "png", renderer="pure")


@needs_pure
@pytest.mark.usefixtures("no_system_fonts")
@pytest.mark.parametrize(("tag", "moves"), [("sub", 1), ("sup", -1)])
def test_what_an_html_like_label_shifts_is_shifted_in_a_png(tag, moves):
    def middle(label):
        node = f'a [shape=plaintext fontname="Arial" label=<{label}>]'
        rows = pixels(render(f"digraph {{ {node} }}", "png", renderer="pure"))
        ink = [y for y, row in enumerate(rows) if any(r < 100 for r, *_ in row)]
        return (ink[0] + ink[-1]) / 2

    assert 1 < moves * (middle(f"<{tag}>1</{tag}>") - middle("1")) < 12


def test_a_missing_dot_is_named(monkeypatch):
    with pytest.raises(RendererMissing, match="'no-such-dot' is not on PATH: install Graphviz"):
        render(SMALL, renderer="dot", dot="no-such-dot")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RendererMissing, match="a PDF needs Graphviz itself"):
        render(SMALL, "pdf")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "sgv"}, r"unknown format 'sgv'; did you mean 'svg'\? known: svg, png, pdf"),
        ({"format": "PDF"}, r"unknown format 'PDF'; did you mean 'pdf'\?"),
        ({"format": "SVG:cairo"}, "unknown format 'SVG:cairo'; known: svg"),
        ({"renderer": "pur"}, r"unknown renderer 'pur'; did you mean 'pure'\? known: auto, dot"),
        ({"dpi": 0}, "dpi and timeout are positive, got dpi=0"),
        ({"timeout": float("nan")}, "dpi and timeout are positive, got .*timeout=nan"),
        ({"source": "digraph { \0 }"}, "NUL character .at position 10"),
        ({"source": "digraph { \ud800 }"}, "half a character .at position 10"),
    ],
)
def test_a_wrong_argument_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        render(**{"source": SMALL} | arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": 3}, "format: expected one of svg, png, pdf, .* got int"),
        ({"dpi": "fine"}, "render: dpi needs a real number, got str"),
    ],
)
def test_an_argument_of_another_type_is_named(arguments, message):
    with pytest.raises(TypeError, match=message):
        render(SMALL, **arguments)


@pytest.mark.parametrize("wrong", [b"digraph {}", None, 3])
def test_what_is_no_text_is_named(wrong):
    with pytest.raises(TypeError, match=f"render needs DOT text, got {type(wrong).__name__}"):
        render(wrong)


# The system's dot, played by a shell script.


@pytest.fixture
def fake_dot(tmp_path):
    def write(script):
        program = tmp_path / "dot"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        return str(program)

    return write


@needs_sh
def test_dot_gets_the_text_and_the_format(fake_dot):
    program = fake_dot('echo "$@"; cat')
    assert render("digraph { ŷ }", dot=program) == "-Tsvg\ndigraph { ŷ }".encode()
    assert render("graph {}", "png", dot=program, dpi=150) == b"-Tpng -Gdpi=150\ngraph {}"


@needs_sh
@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("echo 'syntax error in line 7' >&2; exit 1", ValueError, "refused .* in line 7"),
        (
            "echo half a picture; echo 'memory exhausted' >&2; exit 1",
            ValueError,
            "memory exhausted",
        ),
        ("exit 0", ValueError, "no complete graph"),
        ("echo 'Warning: odd' >&2; echo 'no record' >&2; exit 1", ValueError, "text: no record"),
        ("kill -SEGV $$", RuntimeError, "too deep or too large for this renderer: draw fewer nodes"),
        ("echo panicked >&2; exit 101", RuntimeError, "too deep or too large"),
        ("sleep 10", RuntimeError, "no layout within 0.5 s"),
    ],
)
def test_what_goes_wrong_in_dot_is_told(fake_dot, script, error, message):
    with pytest.raises(error, match=message):
        render(SMALL, dot=fake_dot(f"cat > /dev/null; {script}"), timeout=0.5)


@needs_sh
def test_a_dot_that_does_not_run_is_named(tmp_path):
    program = tmp_path / "dot"
    program.write_bytes(b"\x7fELF no program")
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match="dot does not run"):
        render(SMALL, dot=str(program))


def run_python(script):
    """A crash of the process must fail one test, not all."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
