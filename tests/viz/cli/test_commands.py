"""`python -m viz`: what is printed, which files appear, and what happens to input that makes no sense."""

import errno
import importlib
import importlib.metadata
import io
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from drawings import needs_renderer
from oracles import ROOT
from pages import data_of

from viz import available_renderers, draw_graph
from viz.cli.commands import DESCRIPTION, main
from viz.cli.formula_text import compute

LECTURE = "z = w*x + b; yhat = sigmoid(z); L = (yhat - y)**2"
VALUES = ["w=0.4", "x=1.5", "b=0.1", "y=1"]


def run(*arguments, **environment):
    """The command in a process of its own, in which warnings are errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "viz", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        timeout=120,
    )


def test_paths_prints_the_derivation(capsys):
    assert main(["paths", LECTURE, *VALUES, "--wrt", "w"]) == 0
    out, err = capsys.readouterr()
    assert "∂L/∂w = −0.2207   (1 path)" in out  # 2(ŷ − y) · ŷ(1 − ŷ) · x = −0.6636 · 0.2217 · 1.5
    assert "2(ŷ − y)" in out
    assert "(equal)" in out
    assert err == ""


def test_paths_derives_by_several_names_or_by_every_leaf(capsys):
    main(["paths", LECTURE, *VALUES, "--wrt", "w,b", "--wrt", "z"])
    out = capsys.readouterr().out
    assert re.findall(r"^(∂L/∂.) .*paths?\)$", out, re.MULTILINE) == [
        "∂L/∂w",
        "∂L/∂b",
        "∂L/∂z",
    ]
    main(["paths", LECTURE, *VALUES])
    out = capsys.readouterr().out
    assert re.findall(r"^(∂L/∂.) .*paths?\)$", out, re.MULTILINE) == [
        "∂L/∂w",
        "∂L/∂x",
        "∂L/∂b",
        "∂L/∂y",
    ]


def test_paths_derives_by_every_member_of_a_list(capsys):
    main(["paths", "L = dot(w, x)", "w=1,2", "x=3,4", "--wrt", "w"])
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("∂L/∂w₁ =") or line.startswith("∂L/∂w₂ =")] == [
        "∂L/∂w₁ = 3   (1 path)",
        "∂L/∂w₂ = 4   (1 path)",
    ]


def test_paths_lists_only_the_strongest_if_asked(capsys):
    text = "p = 2*x; q = 3*x; L = p + q"
    main(["paths", text, "x=1", "--wrt", "x", "--top", "1"])
    out = capsys.readouterr().out
    assert "∂L/∂x = 5   (2 paths)" in out
    assert "L → q → x" in out
    assert "L → p → x" not in out


def test_paths_writes_latex(capsys):
    main(["paths", LECTURE, *VALUES, "--wrt", "w", "--latex"])
    out = capsys.readouterr().out
    assert out.startswith(r"\begin{aligned}")
    assert r"\frac{\partial L}{\partial \hat{y}}" in out


def test_paths_at_the_level_of_operations(capsys):
    main(["paths", "L = w*x + b", *VALUES[:3], "--wrt", "w", "--level", "op"])
    assert capsys.readouterr().out.count("→") == 2


def test_values_may_stand_before_and_after_options(capsys):
    assert main(["paths", LECTURE, "w=0.4", "--wrt", "w", "x=1.5", "b=0.1", "y=1"]) == 0
    assert "−0.2207" in capsys.readouterr().out


def test_lists_of_values_and_negative_numbers(capsys):
    main(["paths", "L = dot(w, x)", "w=-1,2e-1", "x=3,-4", "--wrt", "w_2"])
    assert "∂L/∂w₂ = −4" in capsys.readouterr().out


def test_graph_prints_dot(capsys):
    assert main(["graph", LECTURE, *VALUES]) == 0
    out = capsys.readouterr().out
    assert out.startswith("digraph")
    assert "ŷ" in out


def test_graph_obeys_its_options(capsys):
    main(["graph", LECTURE, *VALUES, "--level", "op", "--show", "data", "--direction", "TB"])
    out = capsys.readouterr().out
    assert "rankdir=TB" in out
    assert "grad" not in out


def test_graph_draws_boxes_if_asked_for(capsys):
    main(["graph", "z_1 = w_1*x_1; a_1 = relu(z_1)", "w_1=0.4", "x_1=1", "--cluster", "neuron"])
    assert 'label="unit 1"' in capsys.readouterr().out


def test_graph_colours_the_paths_to_a_quantity(capsys):
    assert main(["graph", "p = 2*x; q = 3*x; L = p + q", "x=1", "--wrt", "x"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("digraph")
    assert out != draw_graph(compute("p = 2*x; q = 3*x; L = p + q", {"x": 1}).target).source
    assert main(["graph", "L = 2*x", "x=1", "--wrt", "y"]) == 2


@needs_renderer
@pytest.mark.parametrize(("name", "begin"), [("g.svg", b"<?xml"), ("g.PNG", b"\x89PNG")])
def test_graph_writes_pictures_by_their_ending(tmp_path, name, begin, capsys):
    path = tmp_path / name
    path.write_text("what was here is replaced", encoding="utf-8")
    assert main(["graph", LECTURE, *VALUES, "-o", str(path)]) == 0
    assert path.read_bytes().startswith(begin)
    assert capsys.readouterr().out == ""
    if name == "g.svg":
        assert ET.fromstring(path.read_text(encoding="utf-8")).tag.endswith("svg")


@pytest.mark.parametrize("ending", ["gv", "dot"])
def test_graph_writes_dot_files_without_a_renderer(tmp_path, ending, capsys):
    main(["graph", LECTURE, *VALUES])
    text = capsys.readouterr().out
    path = tmp_path / f"g.{ending}"
    assert main(["graph", LECTURE, *VALUES, "-o", str(path)]) == 0
    assert path.read_text(encoding="utf-8") == text


def test_explore_writes_the_page(tmp_path, capsys):
    path = tmp_path / "page.html"
    assert main(["explore", LECTURE, *VALUES, "--wrt", "w", "-o", str(path)]) == 0
    assert capsys.readouterr().out == ""
    assert "</html>" in path.read_text(encoding="utf-8")
    assert main(["explore", LECTURE, *VALUES]) == 0
    assert capsys.readouterr().out.rstrip().endswith("</html>")


def test_a_number_alone_is_derived_by_itself(capsys):
    assert main(["paths", "2*3"]) == 0
    assert capsys.readouterr().out.startswith("L = 6\n∂L/∂L = 1")


def test_paths_prints_what_the_front_page_shows(capsys):
    formula = "z = w*x + b; yhat = sigmoid(z); L = squared_error(yhat, y)"
    assert main(["paths", formula, *VALUES, "--wrt", "w"]) == 0
    assert (
        capsys.readouterr().out
        == """\
L = 0.05505
∂L/∂w = −0.1104   (1 path)
1.  L → ŷ → z → w
    ∂L/∂ŷ     · ∂ŷ/∂z    · ∂z/∂w
  = (ŷ − y)   · ŷ(1 − ŷ) · x
  = (−0.3318) · 0.2217   · 1.5
  = −0.1104
w.grad   −0.1104   (equal)
"""
    )


def test_derivations_are_apart_by_a_blank_line(capsys):
    main(["paths", LECTURE, *VALUES, "--wrt", "w,b"])
    blocks = capsys.readouterr().out.split("\n\n")
    assert [block.splitlines()[-1].split()[0] for block in blocks] == ["w.grad", "b.grad"]


# ---------------------------------------------------------------- the program itself


@pytest.mark.parametrize(("called", "name"), [("/usr/bin/gradpath", "gradpath"), ("viz/__main__.py", "python -m viz")])
def test_a_bare_call_shows_three_examples_under_the_name_it_was_called_by(called, name, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [called])
    assert main() == 0
    out, err = capsys.readouterr()
    assert out.count(f"\n  {name} ") == 3
    assert err == ""


def test_the_console_script_is_the_same_program(capsys, monkeypatch):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"]["gradpath"].partition(":")
    assert getattr(importlib.import_module(module), function) is main
    monkeypatch.setattr(sys, "argv", ["gradpath", "paths", "L = w*q", "w=1"])
    assert main() == 2
    assert capsys.readouterr().err.startswith("gradpath: no value for 'q'")
    monkeypatch.setattr(sys, "argv", ["gradpath", "paint"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err.startswith("usage: gradpath")


def test_the_version_is_known_with_and_without_an_installation(capsys, monkeypatch):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"gradpath": "12.3"}[name])
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "gradpath 12.3\n"

    def is_missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", is_missing)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gradpath {project['version']}\n"


def test_help_of_a_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["help", "paths"])
    assert stopped.value.code == 0
    assert "--latex" in capsys.readouterr().out


def test_an_option_is_written_out(capsys):
    with pytest.raises(SystemExit):
        main(["paths", "L = 2*w", "w=1", "--w=0.4"])  # no short form of --wrt
    assert "unknown option --w; a value is given without dashes: w=0.4" in capsys.readouterr().err


# ---------------------------------------------------------------- pages on a terminal


def on_a_terminal(monkeypatch, folder):
    """From now on standard output says it is a terminal, and new files go to a folder of their own."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.chdir(folder)


def test_explore_on_a_terminal_writes_a_page_named_after_the_target_and_says_so(tmp_path, capsys, monkeypatch):
    on_a_terminal(monkeypatch, tmp_path)
    assert main(["explore", "cost_1 = 2*w", "w=1"]) == 0
    assert capsys.readouterr().out == "cost_1.html: open it in a browser, or add --open\n"
    assert [path.name for path in tmp_path.iterdir()] == ["cost_1.html"]
    assert (tmp_path / "cost_1.html").read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_a_page_of_ours_is_replaced_and_another_file_is_not(tmp_path, capsys, monkeypatch):
    on_a_terminal(monkeypatch, tmp_path)
    assert main(["explore", "L = 2*w", "w=1"]) == 0
    first = (tmp_path / "L.html").read_bytes()
    assert main(["explore", "L = 3*w", "w=1"]) == 0
    assert (tmp_path / "L.html").read_bytes() != first
    (tmp_path / "L.html").write_text("<h1>a letter</h1>", encoding="utf-8")
    assert main(["explore", "L = 2*w", "w=1"]) == 2
    assert "'L.html' that is no page of gradpath; name one, as in -o page.html" in capsys.readouterr().err
    assert (tmp_path / "L.html").read_text(encoding="utf-8") == "<h1>a letter</h1>"
    assert main(["explore", "L = 2*w", "w=1", "-o", "L.html"]) == 0
    assert (tmp_path / "L.html").read_bytes() == first


def test_open_shows_the_page_and_says_where_it_is(tmp_path, capsys, monkeypatch):
    on_a_terminal(monkeypatch, tmp_path)
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert main(["explore", "L = 2*w", "w=1", "--open"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert opened == [path.as_uri()]
    assert list(tmp_path.iterdir()) == []
    shutil.rmtree(path.parent)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_on_a_real_terminal_the_page_is_a_file_and_few_words_are_shown(tmp_path):
    import pty

    reader, writer = pty.openpty()
    command = [sys.executable, "-W", "error", "-m", "viz", "explore", "L = 2*w", "w=1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, stdout=writer, stderr=writer, timeout=120, check=False
    )
    os.close(writer)
    said = os.read(reader, 10_000).decode()
    os.close(reader)
    assert done.returncode == 0
    assert said.strip() == "L.html: open it in a browser, or add --open"
    assert [path.name for path in tmp_path.iterdir()] == ["L.html"]


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["paths", "L = w*q", "w=1"], "no value for 'q'"),
        (["paths", "L = w*x", "w=1", "x=2", "b=3"], "given but not used in the formula: b"),
        (["paths", "L = w.real", "w=1"], "a dot after a name"),
        (["paths", "L = sigmod(w)", "w=1"], "did you mean 'sigmoid'?"),
        (["paths", "L = w", "w"], "expected name=value, as in w=0.4"),
        (["paths", "L = w", "w=one"], "expected a number such as 0.4 or 1/3, or several as in x=1,2; got 'one'"),
        (["paths", "L = w", "w="], "expected a number"),
        (["paths", "L = w", "w=1", "w=2"], "'w' is given twice"),
        (["paths", "L = w", "1w=1"], "'1w' is no name"),
        (["paths", "L = 2*w", "w=1", "--wrt", "v"], "--wrt: 'v' is no quantity of the formula; there are w, L"),
        (["paths", "L = 2*w", "w=1", "--top", "0"], "expected top to be a positive integer"),
        (["paths", "L = 2*w", "w=1", "--level", "naemd"], "naemd"),
        (["graph", "L = 2*w", "w=1", "--level", "nmaed"], "unknown level 'nmaed'; did you mean 'named'?"),
        (["graph", "L = 2*w", "w=1", "--show", "x"], "unknown show 'x'"),
        (["graph", "L = 2*w", "w=1", "--max-nodes", "1"], "drawing is limited to 1"),
        (["graph", "L = 2*w", "w=1", "-o", "picture.jpg"], "expected a file that ends in .svg, .png, .pdf, .gv, .dot"),
        (["graph", "L = 2*w", "w=1", "-o", "nowhere/g.gv"], "no folder 'nowhere'"),
        (["graph", "L = 2*w", "w=1", "--cluster", "layers"], "unknown cluster 'layers'; did you mean 'layer'?"),
        (["graph", "L = 2*w", "w=1", "--wrt", "w", "--cluster", "layer"], "leave out --wrt or --cluster"),
        (["graph", "L = 2*w", "w=1", "--top", "2"], "say to which with --wrt NAME"),
        (["graph", "3", "-o", "g.gv"], "expected the result of a computation; 'L' is a leaf"),
        (["graph", "L = sum(w)", "w=1,2", "--wrt", "w"], "'w' is a list of 2; name one of them, such as w_1"),
        (["explore", "L = sum(w)", "w=1,2", "--wrt", "w"], "'w' is a list of 2; name one of them, such as w_1"),
    ],
)
def test_bad_input_is_refused_with_code_2_and_nothing_on_standard_output(arguments, message, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("viz: ")
    assert message in err


@pytest.mark.parametrize(
    "arguments",
    [["paint", "L = w"], ["graph"], ["graph", "L = w", "w=1", "--colour"], ["paths", "L=w", "--top", "x"]],
)
def test_a_wrong_command_line_shows_how_it_is_used(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: python -m viz")


def test_a_formula_that_begins_with_a_minus_is_told_to_take_a_name(capsys):
    with pytest.raises(SystemExit):
        main(["paths", "-x", "x=1"])
    assert 'a formula that begins with - needs its name: "L = -x"' in capsys.readouterr().err


@pytest.mark.slow
def test_the_error_shows_the_place_and_no_traceback():
    done = run("explore", "L = (sigmod(w*x + b) - y)**2", *VALUES)
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode().splitlines() == [
        "viz: unknown function 'sigmod'; did you mean 'sigmoid'?",
        "  L = (sigmod(w*x + b) - y)**2",
        "       ^",
    ]


@pytest.mark.slow
def test_a_terminal_without_unicode_gets_ascii_derivations_and_utf8_dot():
    done = run("paths", LECTURE, *VALUES, "--wrt", "w", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert b"L -> yhat -> z -> w" in done.stdout
    done = run("graph", LECTURE, *VALUES, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "ŷ" in done.stdout.decode("utf-8")


@pytest.mark.slow
def test_a_reader_that_has_gone_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "viz", "graph", LECTURE, *VALUES],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 0


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EINVAL])  # the second is Windows' word for it
def test_a_reader_that_has_gone_is_known_by_either_word(monkeypatch, capfd, number):
    def write(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("viz.cli.commands._print", write)
    kept = os.dup(1)
    try:
        assert main(["graph", "L = 2*w", "w=1"]) == 0
    finally:
        os.dup2(kept, 1)
        os.close(kept)
    assert capfd.readouterr() == ("", "")


def test_the_examples_in_the_help_work(capsys, tmp_path, monkeypatch):
    examples = [shlex.split(line)[1:] for line in DESCRIPTION.splitlines() if line.startswith("  %(prog)s")]
    assert [arguments[0] for arguments in examples] == ["graph", "paths", "explore"]
    monkeypatch.chdir(tmp_path)
    for command, *arguments in examples:
        if command != "graph" or available_renderers():
            assert main([command, *arguments]) == 0
    assert "∂L/∂w" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["help"]])
def test_help_explains_every_command(arguments):
    done = run(*arguments)
    assert done.returncode == 0
    text = done.stdout.decode()
    assert all(word in text for word in ("graph", "paths", "explore", "name = expression", "w_1_2"))


@pytest.mark.slow
def test_help_does_not_wait_for_what_it_does_not_need():
    """It answers in a third of a second; the slow ones would be renderers, plots and data sets."""
    code = "import sys\nsys.argv = ['viz', '--help']\nfrom viz.cli import main\ntry: main()\nfinally: "
    code += "print([m for m in ('matplotlib', 'resvg_py', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.stdout.decode().splitlines()[-1] == "[]"


def test_the_paths_of_a_formula_without_names_between_go_through_every_operation(capsys):
    formula = "L = (sigmoid(w*x + b) - y)**2"
    assert main(["graph", formula, "w=0.4", "x=1.5", "b=0.1", "y=1", "--wrt", "w"]) == 0
    drawn = capsys.readouterr().out
    assert [symbol in drawn for symbol in ('"×', '"+', '"σ', '"−', '"^')] == [True] * 5
    assert main(["graph", "z = w*x + b; L = sigmoid(z)", "w=0.4", "x=1.5", "b=0.1", "--wrt", "w"]) == 0
    assert '"×' not in capsys.readouterr().out


# ---------------------------------------------------------------- what people type


def shown(capsys, *arguments):
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_a_formula_is_read_from_standard_input_and_from_a_file(capsys, monkeypatch, tmp_path):
    text = "z = w*x\nL = z**2\n"
    direct = shown(capsys, "paths", "z = w*x; L = z**2", "w=3", "x=2")
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert shown(capsys, "paths", "-", "w=3", "x=2") == direct
    for encoding in ("utf-8", "utf-8-sig"):  # some editors begin a file with a mark
        (tmp_path / "loss.txt").write_text(text, encoding=encoding)
        assert shown(capsys, "paths", f"@{tmp_path / 'loss.txt'}", "w=3", "x=2") == direct


def test_a_file_that_is_not_there_is_named(capsys):
    assert main(["paths", "@nowhere.txt", "w=3"]) == 2
    assert "nowhere.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1/3", 1 / 3),
        ("-1/4", -0.25),
        ("2*pi", 2 * math.pi),
        ("sqrt(2)", math.sqrt(2)),
        ("max(1, 2)", 2.0),
        ("e", math.e),
    ],
)
def test_a_value_may_be_arithmetic(capsys, written, number):
    out = shown(capsys, "graph", "L = w*1", f"w={written}", "--digits", "12")
    assert f"{number:.12g}".replace("-", "−") in out


def test_a_list_of_values_may_hold_arithmetic(capsys):
    out = shown(capsys, "graph", "L = sum(x)", "x=1/2,max(2, 3),4")
    assert [f"= {n}" in out for n in ("0.5", "3", "4", "7.5")] == [True] * 4


def test_options_of_pictures_are_options_of_the_shell(capsys):
    out = shown(
        capsys, "graph", "z = w*x; L = z**2", "w=0.123456", "x=1", "--title", "A title", "--digits", "2",
        "--edges", "none", "--show", "names", "--highlight", "w,z", "--width", "8.6cm",
    )  # fmt: skip
    assert 'label="A title"' in out
    assert "0.123" not in out
    assert out.count("#ffe27a") == 2
    assert 'size="3.3858,1000"' in out
    assert r'label="×\nz"' in out


def test_the_page_takes_title_digits_and_level(capsys):
    out = shown(capsys, "explore", "z = w*x; L = z**2", "w=3", "x=1", "--title", "A title", "--digits", "6", "-o", "-",
                "--level", "op")  # fmt: skip
    assert "<title>A title</title>" in out
    data = data_of(out)
    assert (data["digits"], data["first"]) == (6, "op")


def test_a_dash_is_standard_output_in_the_format_that_is_named(capsysbinary):
    assert main(["graph", "L = w*2", "w=1", "-o", "-"]) == 0
    assert capsysbinary.readouterr().out.startswith(b"digraph")
    assert main(["graph", "L = w*2", "w=1", "-o", "-", "--format", "gv"]) == 0
    assert capsysbinary.readouterr().out.startswith(b"digraph")


@needs_renderer
def test_a_dash_takes_a_picture_too(capsysbinary):
    assert main(["graph", "L = w*2", "w=1", "-o", "-", "--format", "png"]) == 0
    assert capsysbinary.readouterr().out.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("argument", "advice"),
    [
        ("--titel", "unknown option --titel; did you mean --title?"),
        ("--foo", "unknown option --foo; --help lists"),
        ("--x=2", "unknown option --x; a value is given without dashes: x=2"),
    ],
)
def test_an_unknown_option_is_named_and_leads_on(capsys, argument, advice):
    with pytest.raises(SystemExit):
        main(["graph", "L = w*x", "w=1", argument])
    assert advice in capsys.readouterr().err


@pytest.mark.parametrize("several", [("--wrt", "w", "--wrt", "x"), ("--wrt", "w,x")])
def test_paths_to_several_quantities_are_drawn_in_one_graph(capsys, several):
    out = shown(capsys, "graph", "L = w*x", "w=1", "x=2", *several)
    assert "1.  ∂L/∂w = 2" in out
    assert "2.  ∂L/∂x = 1" in out


def test_paths_begin_with_the_number_of_the_target(capsys):
    assert shown(capsys, "paths", "L = tanh(w)", "w=0.5").startswith("L = 0.4621\n")


def test_derivations_as_json_have_all_digits(capsys):
    found = json.loads(shown(capsys, "paths", "a = w*x; L = tanh(a) + w", "w=0.5", "x=3", "--wrt", "w", "--json"))
    (derivation,) = found
    slope = 1 - math.tanh(1.5) ** 2
    assert derivation["value"] == math.tanh(1.5) + 0.5
    assert derivation["gradient"] == pytest.approx(3 * slope + 1, rel=1e-15)
    assert [path["nodes"] for path in derivation["paths"]] == [["L", "w"], ["L", "a", "w"]]
    assert [path["product"] for path in derivation["paths"]] == pytest.approx([1.0, 3 * slope])
    assert derivation["count"] == 2


def test_the_graph_as_json_is_graph_data(capsys):
    found = json.loads(shown(capsys, "graph", "L = tanh(w*x)", "w=0.5", "x=3", "--json"))
    assert {node["label"] for node in found["nodes"]} >= {"w", "x", "L"}


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("v.json", '{"w": [0.4, -0.2], "x": [1, 2], "b": 0.1}'),
        ("v.csv", "w,x,b\n0.4,1,0.1\n-0.2,2,0.1\n"),
    ],
)
def test_values_come_from_a_file(capsys, tmp_path, name, written):
    (tmp_path / name).write_text(written, encoding="utf-8")
    formula = "L = dot(w, x) + b" if name.endswith("json") else "L = dot(w, x) + b_1"
    out = shown(capsys, "paths", formula, "--values", str(tmp_path / name), "--wrt", "w_1")
    assert out.startswith("L = 0.1\n∂L/∂w₁ = 1")


def test_a_value_that_is_given_goes_before_that_of_the_file(capsys, tmp_path):
    (tmp_path / "v.json").write_text('{"w": 2, "x": 3}', encoding="utf-8")
    assert shown(capsys, "paths", "L = w*x", "x=5", "--values", str(tmp_path / "v.json")).startswith("L = 10\n")


@pytest.mark.parametrize(
    ("name", "written", "message"),
    [
        ("v.json", "[1]", "expected an object"),
        ("v.json", "{", "is no JSON"),
        ("v.json", '{"w": "a"}', "w: expected a number or a list of numbers, got 'a'"),
        ("v.json", '{"w": true}', "expected a number"),
        ("v.csv", "w\n", "names in the first line and numbers below"),
        ("v.csv", "w,x\n1\n", "line 2 has 1 columns, expected 2"),
        ("v.csv", "w\n1\na\n", "line 3, w: expected a number, got 'a'"),
        ("v.txt", "w=1", "ends in .json or .csv"),
    ],
)
def test_a_file_of_no_values_is_refused(capsys, tmp_path, name, written, message):
    (tmp_path / name).write_text(written, encoding="utf-8")
    assert main(["paths", "L = w", "--values", str(tmp_path / name)]) == 2
    assert message in capsys.readouterr().err


NET = "z[1]_1 = dot(w, x, b); L = (relu(z[1]_1) - y)**2"
OF_NET = ["w=0.4,-0.2", "x=1,2", "b=0.1", "y=1"]


def test_the_net_of_a_formula_is_drawn(capsys, tmp_path):
    formula = "z[1]_1 = w[1]_1*x_1 + w[1]_2*x_2 + b[1]_1; a[1]_1 = tanh(z[1]_1); L = (a[1]_1 - y)**2"
    values = ["w[1]_1=0.5", "w[1]_2=-0.25", "x_1=1", "x_2=2", "b[1]_1=0.1", "y=1"]
    out = shown(capsys, "network", formula, *values, "--title", "One unit", "--look", "print")
    assert out.startswith("<svg")
    assert {">0.5<", ">−0.25<", ">One unit<"} <= set(re.findall(r">[^<>]+<", out))
    assert shown(capsys, "network", formula, *values, "-o", str(tmp_path / "net.svg")) == ""
    assert (tmp_path / "net.svg").read_text(encoding="utf-8").startswith("<svg")
    assert main(["network", "L = w*2", "w=1"]) == 2
    assert "no units of a network" in capsys.readouterr().err


@pytest.mark.parametrize(("format", "begin"), [("txt", "name "), ("md", "| name |"), ("csv", "name,"), ("json", "[")])
def test_the_table_of_leaves_is_written_in_several_forms(capsys, tmp_path, format, begin):
    out = shown(capsys, "table", NET, *OF_NET, "--format", format)
    assert out.startswith(begin)
    shown(capsys, "table", NET, *OF_NET, "-o", str(tmp_path / f"t.{format}"))
    assert (tmp_path / f"t.{format}").read_text(encoding="utf-8") == out


def test_steps_are_printed_one_by_one(capsys):
    out = shown(capsys, "steps", "L = w*x", "w=1", "x=2")
    assert "  w.grad += x · L.grad = 2 · 1 = 2\n" in out


def test_part_of_a_graph_is_drawn(capsys):
    formula = "a = w*x; b = a + w; L = tanh(b)"
    until, around = (
        shown(capsys, "graph", formula, "w=1", "x=2", *part) for part in (("--until", "b"), ("--around", "a:1"))
    )
    assert "x = 2" not in until
    assert "tanh" not in around
    assert "x = 2" in around
    assert main(["graph", formula, "w=1", "x=2", "--around", "a:b"]) == 2
    assert "--around: expected NAME or NAME:N" in capsys.readouterr().err


def test_words_of_an_option_stand_in_the_usage_and_the_nearest_is_told(capsys):
    with pytest.raises(SystemExit):
        main(["graph", "--help"])
    assert "--level {auto,op,named,neurons,layers}" in capsys.readouterr().out
    assert main(["graph", "L = w*2", "w=1", "--look", "drak"]) == 2
    assert "did you mean 'dark'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["w[1]_1", "w[1]₁"])
def test_names_are_typed_as_they_are_printed(capsys, name):
    formula = "z[1]_1 = w[1]_1*x_1 + b[1]; L = sigmoid(z[1]_1)"
    out = shown(capsys, "paths", formula, "w[1]_1=0.5", "x_1=2", "b[1]=1/3", "--wrt", name)
    assert "L → z[1]₁ → w[1]₁" in out


def test_a_weight_with_two_indices_is_typed_with_its_comma(capsys):
    formula = "z[2]_1 = w[2]_1_2*a; L = z[2]_1**2"
    assert "w[2]₁₂" in shown(capsys, "paths", formula, "w[2]_1,2=0.5", "a=2", "--wrt", "w[2]_1,2")
    both = shown(capsys, "paths", formula, "w[2]_1,2=0.5", "a=2", "--wrt", "w[2]_1,2,a")
    assert "∂L/∂w[2]₁₂" in both
    assert "∂L/∂a" in both


def test_an_error_writes_a_name_with_its_layer_as_it_was_typed(capsys):
    assert main(["paths", "L = w[1]_1*v[1]", "w[1]_1=0.5"]) == 2
    err = capsys.readouterr().err
    assert "no value for 'v[1]'" in err
    assert "L = w[1]_1*v[1]" in err
    assert main(["paths", "L = w[1]_1*2", "w[1]_1=0.5", "--wrt", "q"]) == 2
    assert "there are w[1]_1, L" in capsys.readouterr().err


def test_a_command_that_there_is_not_is_answered_with_the_nearest(capsys):
    for word, said in (("path", "did you mean 'paths'? known: graph, "), ("zzz", "'zzz'; known: graph, ")):
        with pytest.raises(SystemExit) as refused:
            main([word, "L = w", "w=1"])
        assert refused.value.code == 2
        assert said in capsys.readouterr().err


def test_a_decimal_comma_is_explained_where_a_list_makes_no_sense(capsys):
    assert main(["paths", "L = w*x", "w=0,4", "x=1.5"]) == 2
    assert "w=0,4 is a list of two numbers; a decimal has a point, as w=0.4" in capsys.readouterr().err
    assert main(["paths", "L = w*x", "w=0,4", "x=1,5"]) == 2
    assert capsys.readouterr().err.count("a decimal has a point") == 2
    assert main(["paths", "L = dot(w, x)", "w=0,4", "x=1,5"]) == 0
    capsys.readouterr()
    assert main(["paths", "L = w*y", "w=0,4"]) == 2  # another point would not help
    assert "decimal" not in capsys.readouterr().err


def test_an_infinite_target_is_written_as_its_gradient_is(capsys):
    assert main(["paths", "L = exp(w)", "w=800"]) == 0
    assert capsys.readouterr().out.startswith("L = ∞\n∂L/∂w = ∞ ")
