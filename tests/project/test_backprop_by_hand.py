"""The worked example: its figures against arithmetic done here, step by step, without the library."""

import contextlib
import functools
import importlib.util
import io
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sizes import slow

import viz
from viz import RendererMissing, available_renderers

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples" / "programs" / "backprop_by_hand.py"


def s(z):
    return 1 / (1 + math.exp(-z))


# The example by hand: d is ∂L/∂z of an output unit, e of a hidden unit.
h1 = s(0.15 * 0.05 + 0.20 * 0.10 + 0.35)
h2 = s(0.25 * 0.05 + 0.30 * 0.10 + 0.35)
o1 = s(0.40 * h1 + 0.45 * h2 + 0.60)
o2 = s(0.50 * h1 + 0.55 * h2 + 0.60)
LOSS = ((0.01 - o1) ** 2 + (0.99 - o2) ** 2) / 2
d1 = (o1 - 0.01) * o1 * (1 - o1)
d2 = (o2 - 0.99) * o2 * (1 - o2)
e1 = (0.40 * d1 + 0.50 * d2) * h1 * (1 - h1)
e2 = (0.45 * d1 + 0.55 * d2) * h2 * (1 - h2)
GRADIENT = {
    "w[1]₁₁": e1 * 0.05,
    "w[1]₁₂": e1 * 0.10,
    "b[1]₁": e1,
    "w[1]₂₁": e2 * 0.05,
    "w[1]₂₂": e2 * 0.10,
    "b[1]₂": e2,
    "w[2]₁₁": d1 * h1,
    "w[2]₁₂": d1 * h2,
    "b[2]₁": d1,
    "w[2]₂₁": d2 * h1,
    "w[2]₂₂": d2 * h2,
    "b[2]₂": d2,
}
START = [0.15, 0.20, 0.35, 0.25, 0.30, 0.35, 0.40, 0.45, 0.60, 0.50, 0.55, 0.60]
# Matt Mazur, "A Step by Step Backpropagation Example" (2015): the weights after one step, by hand, to nine digits.
PUBLISHED = {
    "w[1]₁₁": 0.149780716,
    "w[1]₁₂": 0.19956143,
    "w[1]₂₁": 0.24975114,
    "w[1]₂₂": 0.29950229,
    "w[2]₁₁": 0.35891648,
    "w[2]₁₂": 0.408666186,
    "w[2]₂₁": 0.511301270,
    "w[2]₂₂": 0.561370121,
}


def loss_at(parameters):
    w11, w12, b1, w21, w22, b2, v11, v12, c1, v21, v22, c2 = parameters
    g1, g2 = s(w11 * 0.05 + w12 * 0.10 + b1), s(w21 * 0.05 + w22 * 0.10 + b2)
    return ((s(v11 * g1 + v12 * g2 + c1) - 0.01) ** 2 + (s(v21 * g1 + v22 * g2 + c2) - 0.99) ** 2) / 2


def loss_after(learning_rate, gradient):
    return loss_at([w - learning_rate * g for w, g in zip(START, gradient, strict=True)])


def loaded():
    spec = importlib.util.spec_from_file_location("backprop_by_hand", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def example():
    return loaded()


def printed(*arguments):
    """What the example prints, with ordinary minus signs."""
    with contextlib.redirect_stdout(io.StringIO()) as page:
        assert loaded().main(list(arguments)) == 0
    return page.getvalue().replace("−", "-")


once = functools.cache(printed)


@pytest.fixture
def page():
    return once


def part(page, number):
    return re.search(rf"(?ms)^{number}\. [^\n]*\n=+\n(.*?)(?=^\d\. [^\n]*\n=+\n|\Z)", page)[1]


def cells(text, first):
    """The other cells of the row of a table that begins so."""
    rows = [re.split(r"\s{2,}|\s(?=-)", line.strip()) for line in text.splitlines()]
    (row,) = [row for row in rows if row[0] == first and len(row) > 2]
    return row[1:]


def test_the_forward_pass_shows_every_sum_with_its_numbers(page):
    shown = part(page(), 1)
    assert "z[1]₁ = w[1]₁₁·x₁ + w[1]₁₂·x₂ + b[1]₁\n        = 0.15·0.05 + 0.2·0.1 + 0.35 = 0.3775\n" in shown
    assert "= 0.25·0.05 + 0.3·0.1 + 0.35 = 0.3925\n" in shown
    assert f"= 0.4·{h1:.10g} + 0.45·{h2:.10g} + 0.6 = {0.4 * h1 + 0.45 * h2 + 0.6:.10g}\n" in shown
    assert f"= 0.5·{h1:.10g} + 0.55·{h2:.10g} + 0.6 = {0.5 * h1 + 0.55 * h2 + 0.6:.10g}\n" in shown
    for z, a in (("0.3775", h1), ("0.3925", h2)):
        assert f"= σ({z}) = {a:.10g}\n" in shown
    assert f"½(({o1:.10g} - 0.01)² + ({o2:.10g} - 0.99)²) = {LOSS:.10g}\n" in shown


def test_all_twelve_derivatives_are_derived_with_all_their_paths(page):
    shown = part(page(), 2)
    for w, gradient in GRADIENT.items():
        (value, count) = re.search(rf"^∂L/∂{re.escape(w)} = (\S+)   \((\d) paths?\)$", shown, re.MULTILINE).groups()
        assert float(value) == pytest.approx(gradient, rel=1e-3)  # four digits
        assert count == ("2" if "[1]" in w else "1")
    assert shown.index("∂L/∂w[2]₁₁ =") < shown.index("∂L/∂w[1]₁₁ =")
    assert "L → ỹ₂ → z[2]₂ → a[1]₁ → z[1]₁ → w[1]₁₁" in shown
    assert "(ỹ₂ - y₂) · ỹ₂(1 - ỹ₂) · w[2]₂₁        · a[1]₁(1 - a[1]₁) · x₁" in shown
    assert shown.count(" → ") == 6 * 3 + 12 * 5
    assert shown.count("   (equal") == 12


def test_the_matrices_are_the_hand_worked_gradients(example, page):
    d = example.by_symbol(example.matrices())
    g = list(GRADIENT.values())
    np.testing.assert_allclose(d["dW[1]"], [g[0:2], g[3:5]], rtol=1e-13)
    np.testing.assert_allclose(d["db[1]"], [[g[2]], [g[5]]], rtol=1e-13)
    np.testing.assert_allclose(d["dW[2]"], [g[6:8], g[9:11]], rtol=1e-13)
    np.testing.assert_allclose(d["db[2]"], [[g[8]], [g[11]]], rtol=1e-13)
    shown = part(page(), 3)
    assert f"dW[2] = dZ[2] A[1]ᵀ                 [ {g[6]:.10f}   {g[7]:.10f} ]" in shown
    assert f"0.4·{d1:.10g} + 0.5·({d2:.10g}) = {0.4 * d1 + 0.5 * d2:.10g}" in shown
    found = re.search(r"(\d+) in all, these matrices differ by (\S+)\s+and L.backward\(\) by (\S+),", shown)
    assert found[1] == "18"
    assert float(found[2]) < 1e-14
    assert float(found[3]) < 1e-14


def test_a_step_of_gradient_descent(page):
    shown = part(page(), 4)
    for (w, gradient), start in zip(GRADIENT.items(), START, strict=True):
        before, g, after = map(float, cells(shown, w))
        assert before == start
        assert g == pytest.approx(gradient, abs=1e-10)
        assert after == pytest.approx(start - 0.5 * gradient, abs=1e-9)
        assert after == pytest.approx(PUBLISHED.get(w, after), abs=6e-9)
    first, second = cells(shown, "0"), cells(shown, "1")
    assert [float(u) for u in first] == pytest.approx([LOSS, o1, o2], rel=1e-9)
    assert float(second[0]) == pytest.approx(loss_after(0.5, GRADIENT.values()), rel=1e-9)
    assert float(cells(shown, "1000")[0]) < 3e-4


def test_what_the_loss_is_if_the_biases_stay_or_a_weight_moves_too_early(page):
    shown = part(page(), 4)
    kept = [0.0 if w[0] == "b" else g for w, g in GRADIENT.items()]
    assert f"one step leads to L = {loss_after(0.5, kept):.10g};" in shown
    # the moved weights of layer 2 in the gradient of layer 1
    v11, v12, v21, v22 = 0.40 - 0.5 * d1 * h1, 0.45 - 0.5 * d1 * h2, 0.50 - 0.5 * d2 * h1, 0.55 - 0.5 * d2 * h2
    f1, f2 = (v11 * d1 + v21 * d2) * h1 * (1 - h1), (v12 * d1 + v22 * d2) * h2 * (1 - h2)
    early = loss_after(0.5, [f1 * 0.05, f1 * 0.10, 0, f2 * 0.05, f2 * 0.10, 0, *kept[6:]])
    assert f"{early:.9f}" == "0.291027924"
    assert f"to {early:.10g}. That is a slip" in shown


@pytest.mark.slow
def test_other_learning_rates_and_numbers_of_steps(page):
    shown = part(page("--learning-rate", "0.1", "--steps", "37"), 4)
    assert float(cells(shown, "1")[0]) == pytest.approx(loss_after(0.1, GRADIENT.values()), rel=1e-9)
    parameters = np.array(START)
    for _ in range(37):  # by differences of the loss, not by any derivative
        h = np.eye(12) * 1e-6
        parameters -= 0.1 * np.array([(loss_at(parameters + e) - loss_at(parameters - e)) / 2e-6 for e in h])
    assert float(cells(shown, "37")[0]) == pytest.approx(loss_at(parameters), rel=1e-7)
    shown = part(page("--learning-rate", "0", "--steps", "1"), 4)
    assert cells(shown, "0") == cells(shown, "1")


def test_every_figure_of_the_lecture_has_its_remark(page):
    shown = part(page(), 5)
    expected = {
        "z[1]₁": ("0.3775", 0.3775, "agrees"),
        "a[1]₁": ("0.5933", h1, "rounded"),
        "z[1]₂": ("0.3925", 0.3925, "agrees"),
        "a[1]₂": ("0.5969", h2, "rounded"),
        "z[2]₁": ("1.106", 0.4 * h1 + 0.45 * h2 + 0.6, "rounded; its formula: slip 3"),
        "ỹ₁": ("0.7514", o1, "rounded"),
        "z[2]₂": ("1.225", 0.5 * h1 + 0.55 * h2 + 0.6, "rounded; its formula: slip 3"),
        "ỹ₂": ("0.7729", o2, "rounded; its formula: slip 4"),
        "L": ("0.2984", LOSS, "rounded; its formula: slip 2"),
        "∂L/∂ỹ₁": ("0.7414", o1 - 0.01, "rounded"),
        "∂ỹ₁/∂z[2]₁": ("0.1868", o1 * (1 - o1), "rounded"),
        "∂z[2]₁/∂w[2]₁₁": ("0.5933", h1, "rounded"),
        "∂L/∂w[2]₁₁": ("0.0821", d1 * h1, "rounds to 0.0822; slip 5"),
        "∂L/∂w[1]₁₁": ("...", e1 * 0.05, "no number; left to the reader"),
    }
    for quantity, (printed, exact, remark) in expected.items():
        lecture, ours, said = cells(shown, quantity)
        assert (lecture, said) == (printed, remark)
        assert float(ours) == pytest.approx(exact, rel=1e-9)
        if said.startswith("rounded"):
            assert abs(float(printed) - exact) <= 0.5 * 10.0 ** -len(printed.partition(".")[2])
    assert len(re.findall(r"^  \S+   +(?:\d\.\d+|\.\.\.) ", shown, re.MULTILINE)) == len(expected)


@pytest.mark.parametrize(
    ("printed", "ours", "verdict"),
    [
        ("0.3925", 0.3925 - 1e-16, "agrees"),
        ("0.5", 0.54, "rounded"),
        ("0.5", 0.56, "rounds to 0.6"),
        ("-0.0226", -0.022603, "rounded"),
    ],
)
def test_remarks(example, printed, ours, verdict):
    assert example.remark(printed, ours) == verdict


def test_each_slip_is_proved_with_numbers(page):
    slips = part(page(), 5).partition("Slips")[2]
    one, two, three, four, five = re.split(r"\n  \d\. ", slips.partition("Elsewhere")[0])[1:]
    assert f"ỹ = ({o1:.4f}, {o2:.4f})" in one
    squares = (o1 - 0.01) ** 2 - (o2 - 0.99) ** 2
    h = 1e-6
    slope = [((o1 + e - 0.01) ** 2 - (o2 - 0.99) ** 2) ** 2 / 2 for e in (h, -h)]
    assert f"Literally this is {squares**2 / 2:.4f}, and ∂L/∂ỹ₁ is {(slope[0] - slope[1]) / (2 * h):.4f}." in two
    assert f"= {LOSS:.4f} with ∂L/∂ỹ₁ = ỹ₁ - y₁ = {o1 - 0.01:.4f}" in two
    assert "0.665 and 0.68." in three  # 0.4·0.05 + 0.45·0.1 + 0.6 and 0.5·0.05 + 0.55·0.1 + 0.6
    assert f"σ(z[2]₁) = {s(0.4 * h1 + 0.45 * h2 + 0.6):.4f} is ỹ₁; ỹ₂ = σ(z[2]₂) = {o2:.4f}" in four
    assert "0.082167, which rounds to 0.0822" in five
    assert "0.7414·0.1868·0.5933 = 0.082168" in five


@pytest.mark.slow
def test_latex_instead_of_text(page):
    shown = part(page("--latex"), 2)
    assert shown.count(r"\begin{aligned}") == shown.count(r"\end{aligned}")  # long formulas have one inside
    assert len(re.findall(r"^\s*\\begin\{aligned\}$", shown, re.MULTILINE)) == 12
    assert r"\frac{\partial L}{\partial w^{[2]}_{11}} &= \frac{\partial L}{\partial \tilde{y}_{1}}" in shown
    assert "→" not in shown


@pytest.mark.slow
def test_a_check_that_fails_is_said_and_returned(example, capsys, monkeypatch):
    right = example.matrices
    monkeypatch.setattr(example, "matrices", lambda *W2: right(*W2) | {"dW[1] = dZ[1] Xᵀ": np.zeros((2, 2))})
    assert example.main([]) == 1
    shown = capsys.readouterr().out
    assert "these matrices differ by 1e-03" in shown
    assert "CHECK FAILED" in shown.splitlines()[-1]


@pytest.mark.parametrize("wrong", [math.nan, *slow(0.1)])
def test_a_wrong_backward_pass_is_noticed(example, capsys, monkeypatch, wrong):
    right = example.derive

    def derive(loss, p):
        p.grad += wrong if p.label == "b[2]_2" else 0.0
        return right(loss, p)

    monkeypatch.setattr(example, "derive", derive)
    assert example.main([]) == 1
    assert "CHECK FAILED" in capsys.readouterr().out


@pytest.mark.parametrize("bad", ["-0.1", "nan", "inf", "1e7", "fast"])
def test_learning_rates_that_make_no_sense_are_refused(example, capsys, bad):
    with pytest.raises(SystemExit) as stop:
        example.main([f"--learning-rate={bad}"])
    assert stop.value.code == 2
    assert "--learning-rate" in capsys.readouterr().err


def test_no_steps_are_refused(example, capsys):
    with pytest.raises(SystemExit):
        example.main(["--steps", "0"])
    assert "--steps: expected at least 1, got 0" in capsys.readouterr().err


# ---------------------------------------------------------------- pictures


@pytest.fixture
def drawn(monkeypatch):
    """Pictures by pencil: the file says what is to be drawn, and no renderer is needed."""

    class Sketch(viz.Drawing):
        def pipe(self, *_, **__):
            return self.source.encode()

    def draw_graph(loss, level, **_):
        return Sketch(f"{loss.label} at level {level}, {loss.grad}")

    monkeypatch.setattr(viz, "draw_graph", draw_graph)


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_pictures_are_written_where_the_reader_says(tmp_path):
    shown = part(printed("--svg", str(tmp_path)), 6)
    named, op = tmp_path / "backprop_named.svg", tmp_path / "backprop_op.svg"
    assert sorted(tmp_path.iterdir()) == [named, op]
    assert named.read_bytes().startswith(b'digraph "L at level named, 1.0"')
    assert op.read_bytes().startswith(b'digraph "L at level op, 1.0"')
    assert shown.endswith(f"\nwritten: {named}\nwritten: {op}\n")
    op.write_bytes(b"old")
    assert f"replaced: {op}\n" in printed("--svg", str(tmp_path))
    assert op.read_bytes().startswith(b'digraph "L at level op, 1.0"')


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_nothing_is_written_unasked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "6. Pictures" not in printed()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(not available_renderers(), reason="needs a renderer for SVG")
def test_the_real_pictures(tmp_path):
    printed("--svg", str(tmp_path))
    named, op = ((tmp_path / f"backprop_{level}.svg").read_text(encoding="utf-8") for level in ("named", "op"))
    assert "<svg" in named
    assert "<svg" in op
    assert named.count('class="node"') == 2 + 2 + 12 + 8 + 1  # x, y, parameters, z and a, L
    assert op.count('class="node"') > named.count('class="node"')


@pytest.mark.parametrize("folder", ["missing/pictures", "file"])
def test_what_cannot_be_a_folder_is_refused_before_the_page(example, capsys, tmp_path, folder):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as stop:
        example.main(["--svg", str(tmp_path / folder)])
    shown = capsys.readouterr()
    assert stop.value.code == 2
    assert f"--svg: expected a folder, or a name for one; got {tmp_path / folder}" in shown.err
    assert not shown.out


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_a_folder_that_is_missing_is_made(example, tmp_path):
    example.main(["--svg", str(tmp_path / "pictures")])
    assert (tmp_path / "pictures" / "backprop_named.svg").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_a_folder_that_refuses_the_file(example, tmp_path):
    (tmp_path / "backprop_op.svg").mkdir()
    with pytest.raises(SystemExit, match=r"^--svg: .*backprop_op\.svg"):
        example.main(["--svg", str(tmp_path)])
    assert {path.name for path in tmp_path.iterdir()} == {"backprop_named.svg", "backprop_op.svg"}


@pytest.mark.slow
def test_without_a_renderer_the_page_ends_with_what_to_install(example, capsys, tmp_path, monkeypatch):
    def pipe(*_, **__):
        raise RendererMissing("no Graphviz here. Run: pip install graphviz-pure resvg_py fontpkg-arimo")

    monkeypatch.setattr(viz.Drawing, "pipe", pipe)
    with pytest.raises(SystemExit, match=r"^--svg: .*pip install graphviz-pure resvg_py fontpkg-arimo$"):
        example.main(["--svg", str(tmp_path)])
    assert "5. The lecture's figures and ours" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- as a program


def run_program(encoding, *arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [sys.executable, FILE, *arguments], capture_output=True, env=environment, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode(encoding).replace("\r\n", "\n")


@pytest.mark.slow
def test_terminals_that_know_ascii_only():
    shown = run_program("ascii")
    assert "L -> ytilde_2 -> z[2]_2 -> a[1]_1 -> z[1]_1 -> w[1]_11" in shown
    assert "dW[1] = dZ[1] X^T                   [ 0.0004385677   0.0008771355 ]\n" in shown
    assert "L = 1/2 ((ytilde_1 - y_1)^2 + (ytilde_2 - y_2)^2)\n" in shown
    assert "dL/dw[2]_11         0.0821    0.08216704056     rounds to 0.0822; slip 5\n" in shown
    assert "\\u" not in shown
    assert run_program("cp1252") == shown


@pytest.mark.slow
def test_all_terminals_get_the_same_lines():
    assert len(run_program("ascii").splitlines()) == len(run_program("utf-8").splitlines())
    assert run_program("ascii", "--help").startswith("usage: ")
