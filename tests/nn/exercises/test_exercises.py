"""Sheets of exercises: pleasant numbers, keys that are right, and markings that name what went wrong."""

import functools
import re
import shutil
import subprocess

import numpy as np
import pytest
from sizes import mostly_slow, slow

import nn
from autograd import derive
from autograd.graph import topological_order
from nn.exercises.handed_in import number_of
from nn.exercises.sheets import TITLES

KINDS = list(TITLES)
EXACT = [k for k in KINDS if k != "shapes"]
LONG = "paths", "matrices", "find", "update", "factor", "convolution", "recurrent"  # a tenth of a second and more each
SHORT = [k for k in KINDS if k not in LONG]
each_kind = pytest.mark.parametrize("kind", mostly_slow(KINDS, *SHORT))


@functools.cache
def made(kind, level=1):
    """A sheet that several tests look at."""
    return nn.exercise(11, kind, level=level)


def answers(sheet):
    return {b.name: b.right for b in sheet.blanks}


def typed(sheet, numbers):
    """The text file, with these numbers in the place of its gaps."""
    lines = []
    for line in sheet.blank.splitlines():
        name = line.partition(" = ")[0]
        x = numbers.get(name)
        if x is None or line.startswith("#"):
            lines.append(line)
        else:
            lines.append(f"{name} = {x if isinstance(x, str) else np.asarray(x).tolist()}")
    return "\n".join(lines)


# ---------------------------------------------------------------- what is right is right


@each_kind
@pytest.mark.parametrize("level", [1, *slow(2, 3)])
def test_the_answers_of_the_key_get_all_points_and_an_empty_sheet_none(kind, level):
    sheet = made(kind, level)
    marked = sheet.check(typed(sheet, answers(sheet)))
    assert marked, marked.text()
    assert marked.points == marked.possible == sheet.points > 1
    assert sheet.check(answers(sheet)).points == sheet.points
    empty = sheet.check(sheet.blank)
    assert not empty
    assert empty.points == 0
    assert all(said == "left empty" for _, said in empty.verdicts.values())


def test_the_gradients_of_a_net_are_those_of_differences():
    sheet = nn.exercise(4, "paths", [2, 2, 2], level=2)
    given = {name.text: np.asarray(x, dtype=float) for name, x in sheet._problem.given}
    weights = [given[k] for k in ("W[1]", "b[1]", "W[2]", "b[2]")]

    def loss(w1, b1, w2, b2):
        a = np.maximum(w1 @ given["x"] + b1, 0)
        return 0.5 * np.sum((w2 @ a + b2 - given["y"]) ** 2)

    key = answers(sheet)
    assert key["L"] == pytest.approx(loss(*weights))
    for which, (base, layer) in enumerate([("w", 1), ("b", 1), ("w", 2), ("b", 2)]):
        for place in np.ndindex(2, 2 if base == "w" else 1):
            ends = []
            for h in (1e-6, -1e-6):
                moved = [w.copy() for w in weights]
                moved[which][place] += h
                ends.append(loss(*moved))
            index = f"{place[0] + 1},{place[1] + 1}" if base == "w" else f"{place[0] + 1}"
            assert key[f"dL/d{base}[{layer}]_{index}"] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-6)


@pytest.mark.slow
def test_the_gradient_by_a_kernel_is_the_sum_over_its_places():
    sheet = nn.exercise(5, "convolution", level=2)
    given = {name.text: np.asarray(x, dtype=float) for name, x in sheet._problem.given}
    x, k, b, y = (given[n] for n in "xkby")
    z = np.array([k[0] * x[t] + k[1] * x[t + 1] + b for t in range(3)])
    key = answers(sheet)
    assert [key[f"z_{t}"] for t in (1, 2, 3)] == pytest.approx(z)
    assert key["dL/dk_1"] == pytest.approx((z - y) @ x[:3])
    assert key["dL/dk_2"] == pytest.approx((z - y) @ x[1:])
    assert key["dL/db"] == pytest.approx((z - y).sum())


@pytest.mark.slow
@pytest.mark.parametrize("form", ["rows", "columns"])
def test_gradients_in_matrices_are_those_of_numpy(form):
    sheet = nn.exercise(6, "matrices", form=form, level=2)
    given = {name.text: np.asarray(x, dtype=float) for name, x in sheet._problem.given}
    turn = (lambda a: a) if form == "rows" else np.transpose
    x, y = turn(given["X"]), turn(given["Y"])
    z1 = x @ given["W[1]"].T + given["b[1]"].ravel()
    a1 = np.maximum(z1, 0)
    d2 = a1 @ given["W[2]"].T + given["b[2]"].ravel() - y
    d1 = d2 @ given["W[2]"] * (z1 > 0)
    key = answers(sheet)
    np.testing.assert_allclose(turn(key["dZ[1]"]), d1)  # without the 1/m
    np.testing.assert_allclose(key["dW[1]"], d1.T @ x / 2)
    np.testing.assert_allclose(key["db[1]"].ravel(), d1.mean(axis=0))
    np.testing.assert_allclose(key["dW[2]"], d2.T @ a1 / 2)
    by_mean = {**key, **{n: key[n] / 2 for n in ("dA", "dA[1]", "dZ[1]")}}
    assert sheet.check(by_mean).points == sheet.points  # the 1/m may be there from the loss on


@pytest.mark.parametrize("kind", mostly_slow(EXACT, *(k for k in SHORT if k in EXACT)))
@pytest.mark.parametrize("level", [1, *slow(2, 3)])
def test_all_numbers_are_short(kind, level):
    sheet = made(kind, level)
    most = {1: 2, 2: 3, 3: 3}[level]
    for blank in sheet.blanks:
        if blank.name.startswith("new ") or isinstance(blank.right, str):
            continue
        for x in np.ravel(blank.right):
            digits = f"{abs(x):.9f}".rstrip("0").replace(".", "").lstrip("0")
            assert len(digits) <= most + 2 * (blank.name in ("L", "J")), (blank.name, x)


# ---------------------------------------------------------------- what is wrong is named


def test_a_slope_left_out_by_hand_is_named_and_what_follows_from_it_has_its_points():
    sheet = nn.exercise(7, "paths", [2, 2, 1], level=1)
    given = {name.text: np.asarray(x, dtype=float) for name, x in sheet._problem.given}
    key, w2 = answers(sheet), given["W[2]"].ravel()
    d = key["dL/dyhat"]
    mine = dict(key)
    for j in (1, 2):  # somebody who forgets the slope of relu
        mine[f"dL/dz[1]_{j}"] = d * w2[j - 1]
        mine[f"dL/db[1]_{j}"] = d * w2[j - 1]
        for k in (1, 2):
            mine[f"dL/dw[1]_{j},{k}"] = d * w2[j - 1] * given["x"].ravel()[k - 1]
    assert mine != key
    marked = sheet.check(mine)
    assert [f.kind for f in marked.findings] == ["slope_left_out"]
    assert not marked
    closed = next(j for j in (1, 2) if key[f"dL/dz[1]_{j}"] == 0)
    assert marked.verdicts[f"dL/dz[1]_{closed}"][0] is False
    assert marked.verdicts[f"dL/dw[1]_{closed},1"] == (True, f"right given your ∂L/∂z[1]{'₀₁₂'[closed]}")
    assert marked.points == marked.possible - 1


@pytest.mark.slow
def test_whole_numbers_are_told_apart_by_one():
    sheet = nn.exercise(7, "paths", level=1)
    for name, right in answers(sheet).items():
        assert not sheet.check({name: str(int(right) + 1)}).points, name


def test_a_new_weight_is_taken_as_the_sheet_writes_it_and_as_the_file_does():
    sheet = nn.exercise(5, "update")
    assert "w[2]₁₁ new = ____" in sheet.text()
    for name in ("w[2]₁₁ new", "w[2]_1,1 new", "w[2]11 new", "new w[2]_1,1", "new w[2]₁₁"):
        assert sheet.check({name: answers(sheet)["new w[2]_1,1"]}).points == 1, name


@pytest.mark.slow
def test_a_step_in_the_wrong_direction_and_one_by_a_wrong_gradient_are_told_apart():
    sheet = nn.exercise(3, "update", level=1)
    key = answers(sheet)
    name = next(n for n in key if n.startswith("new w") and key[f"dL/d{n[4:]}"])
    g, rate = key[f"dL/d{name[4:]}"], sheet._options["rate"]
    assert "added" in sheet.check({**key, name: key[name] + 2 * rate * g}).verdicts[name][1]
    assert "learning rate left out" in sheet.check({**key, name: key[name] + rate * g - g}).verdicts[name][1]
    carried = {**key, f"dL/d{name[4:]}": g + 1, name: key[name] - rate}
    assert sheet.check(carried).verdicts[name] == (True, "right given your gradient")


def test_a_shape_is_taken_however_it_is_written_and_a_transposed_one_is_told():
    sheet = nn.exercise(3, "shapes")
    key = answers(sheet)
    n, m = re.findall(r"\d+", key["dW[1]"])
    for written in (f"({n}, {m})", f"{n}x{m}", f"{n} × {m}", f"[{n}, {m}]"):
        assert sheet.check({"dW[1]": written}).points == 1, written
    assert sheet.check({"dW[1]": (int(n), int(m))}).points == 1
    assert "transposed" in sheet.check({"dW[1]": f"({m}, {n})"}).verdicts["dW[1]"][1]


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "level"), [*((seed, 2) for seed in range(1, 12)), (6, 3)])
def test_the_planted_mistake_is_the_first_number_that_differs_from_the_right_ones(seed, level):
    sheet = nn.exercise(seed, "find", level=level)
    shown = dict(sheet._notes[-1].each)
    right = sheet._problem.derivatives
    target = sheet.loss.label
    differing = [n for n, (name, x) in zip(right, shown.items(), strict=True) if not np.allclose(x, right[n])]
    key = answers(sheet)
    assert sheet.check({"wrong": f"d{target}/d{differing[0]}"}).points == 1  # typed as it is asked for in files
    assert key["right value"] == pytest.approx(right[differing[0]])
    assert "The mistake" in sheet.key.text()
    # one slip in one place: whatever else is wrong is computed from the first that is
    assert sheet.key.text().count("There ∂") == 1
    nodes = sheet._problem.nodes
    assert {nodes[n] for n in differing} <= set(topological_order(nodes[differing[0]]))


@pytest.mark.slow
def test_the_missing_factor_makes_the_product():
    sheet = nn.exercise(9, "factor", level=1)
    for part in sheet._parts:
        line = next(p for p in part.words if not isinstance(p, str) and "=" in p.text).text.replace("−", "-")
        factors, product = line.split(" = ")[1:]
        numbers = [part.blanks[0].right if f == "____" else float(f.strip("()")) for f in factors.split(" · ")]
        assert np.prod(numbers) == pytest.approx(float(product))


@each_kind
def test_a_marking_says_what_is_right_only_if_it_is_told_to(kind):
    sheet = nn.exercise(11, kind)
    wrong = {b.name: "(77, 55)" if isinstance(b.right, str) else np.asarray(b.right) + 7.7 for b in sheet.blanks}
    kept, told = sheet.check(wrong), sheet.check(wrong, reveal=True)
    assert kept.points == told.points < sheet.points
    assert "it is" not in kept.text()
    assert "  right   " not in kept.text()
    assert kept._repr_html_() != told._repr_html_()
    assert "it is" in told.text()


# ---------------------------------------------------------------- how people write


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        *[
            (written, -4.5)
            for written in ("-4.5", "−4,5", "- 4.5", "–4.50", " -9/2", "−4½", "-4 1/2", "≈ -4,5", "-450 %")
        ],
        *[
            (written, 1200.0)
            for written in ("1200", "1 200", "1.2e3", "+1200", "1200.", "2400/2", "2400 / 2", "2400⁄2")
        ],
    ],
)
def test_a_number_is_read_however_it_is_written(typed, means):
    assert number_of(typed) == means
    sheet = nn.exercise(7, "neuron")
    assert sheet.check(f"dL/da = {typed}").verdicts["dL/da"][1] == f"wrong: you have {means:g}".replace("-", "−")


@pytest.mark.parametrize("typed", ["zero", "3 * 1", "1/0", "3 3", "--3", "?", "3,1,2", "1.2.3"])
def test_what_is_no_number_is_told_so_and_the_rest_is_marked(typed):
    sheet = nn.exercise(7, "neuron")
    marked = sheet.check(f"dL/da = {typed}\ndL/db = 3")
    assert re.match("not a number|one number is asked for", marked.verdicts["dL/da"][1])
    assert marked.points == 1


def test_too_many_answers_and_those_that_nobody_asked_for_are_told():
    sheet = nn.exercise(7, "neuron")
    text = "dL/da = 3\ndL/da = 4\ndL/dz = 3, 4\ndL/db = 3\n∂L/∂b = 3,0\ndL/dv = 1\nthis was hard\n"
    marked = sheet.check(text)
    assert marked.verdicts["dL/da"] == (False, "two answers, 3 and 4: one is asked for")
    assert marked.verdicts["dL/dz"] == (False, "one number is asked for, here are 2")
    assert marked.points == 1
    assert marked.ignored == ("dL/dv = 1", "this was hard")
    assert "not asked for, and not marked: this was hard" in marked.text()


@pytest.mark.parametrize("name", ["dL/dw_1", "dL/dw1", "∂L/∂w₁", "dl / dw_1", "dL/dw[1]"])
def test_a_name_is_known_however_it_is_written(name):
    sheet = nn.exercise(7, "neuron")
    assert sheet.check({name: 9}).verdicts["dL/dw_1"] == (True, "right")


@pytest.mark.slow
def test_an_array_is_read_with_spaces_commas_and_fractions_and_a_ragged_one_is_told():
    sheet = nn.exercise(6, "matrices", level=1)
    (n, m), right = next((b.shape, b.right) for b in sheet.blanks if b.name == "dW[1]")
    rows = [[f"{u:g}".replace("-", "− ").replace(".", ",") for u in row] for row in right]
    for text in (
        "; ".join("  ".join(row) for row in rows),
        str(right.tolist()),
        f"[{', '.join('[' + ', '.join(f'{2 * u:g}/2' for u in row) + ']' for row in right)}]",
    ):
        assert sheet.check(f"dW[1] = {text}").verdicts["dW[1]"][0], text
    assert (n, m) == (2, 2)
    said = sheet.check("dW[1] = [[1, 2], [3]]\ndb[1] = [1, x]").verdicts
    assert said["dW[1]"] == (False, "not an array of numbers: rows of different lengths")
    assert not said["db[1]"][0]


# ---------------------------------------------------------------- sheets


@pytest.mark.slow
def test_the_same_seed_makes_the_same_sheet_and_another_one_another():
    one, same, other = (nn.exercise(seed, "neuron") for seed in (21, 21, 22))
    assert one.text() == same.text()
    assert one.key.latex() == same.key.latex()
    assert str(one._problem.given) != str(other._problem.given)
    assert "--seed 21" in one.text()


@pytest.mark.slow
def test_a_class_gets_different_sheets_by_one_seed():
    sheets = nn.worksheets(6, 3, "neuron")
    assert len({str(s._problem.given) for s in sheets}) == 6
    assert [s.text() for s in sheets[:2]] == [s.text() for s in nn.worksheets(2, 3, "neuron")]
    assert nn.exercise(sheets[4].seed, "neuron").text() == sheets[4].text()


@pytest.mark.slow
def test_the_sheet_is_the_most_telling_of_several_draws():
    from nn.exercises import problems

    rng, seen = np.random.default_rng(0), []

    def make(draw):
        found = problems.neuron(draw, 2, "relu")
        if problems._is_pleasant(found, 2):
            seen.append(problems._confusions(found, found.gradients))
        return found

    taken = problems.best(make, rng, 1, 2, lambda p: p.gradients)
    assert len(seen) == problems.TELLING[1]
    assert problems._confusions(taken, taken.gradients) == min(seen) < max(seen)


@each_kind
def test_the_four_forms_say_the_same_and_only_the_key_has_the_answers(kind):
    sheet = made(kind)
    for form in ("text", "markdown", "latex", "html"):
        asked, told = getattr(sheet, form)(), getattr(sheet.key, form)()
        assert TITLES[kind] in asked
        assert TITLES[kind] in told
        assert asked != told
    assert sheet.text().count("____") >= len(sheet.blanks)
    assert "____" not in sheet.key.text().partition("\n\n1.")[2] or kind == "factor"
    for document in (sheet.latex(), sheet.key.latex()):
        assert document.isascii() or all(ord(c) < 256 for c in document)
        begun, ended = (re.findall(rf"\\{end}\{{(\w+\*?)\}}", document) for end in ("begin", "end"))
        assert begun
        assert sorted(begun) == sorted(ended)
        assert document.count("{") == document.count("}")
    assert ("table::after {" in sheet.html()) == (
        "</style>" in sheet.html()
    )  # brackets have corners; bars are determinants
    assert sheet.html().count("<div") == sheet.html().count("</div>")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("kind", KINDS)
def test_sheets_and_keys_go_through_pdflatex(kind, tmp_path):
    sheet = nn.exercise(2, kind, level=2)
    for name, what in (("sheet.tex", sheet), ("key.tex", sheet.key)):
        what.save(tmp_path / name)
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stdout.decode(errors="replace")[-800:]


def test_activations_without_short_numbers_are_rounded_and_marked_by_their_digits():
    sheet = nn.exercise(1, "chain", activation="sigmoid", level=2)
    rounded = {name: f"{x:.4g}" for name, x in answers(sheet).items()}
    assert sheet.check(rounded).points == sheet.points


# ---------------------------------------------------------------- what is refused


def test_what_there_is_not_is_refused_with_what_there_is():
    with pytest.raises(ValueError, match=r"unknown kind of exercise 'path'; did you mean 'paths'"):
        nn.exercise(1, "path")
    with pytest.raises(ValueError, match="expected level 1, 2 or 3; got 4"):
        nn.exercise(1, level=4)
    with pytest.raises(ValueError, match=r"'neuron' has layers \[inputs, 1\]"):
        nn.exercise(1, "neuron", [2, 2])
    with pytest.raises(ValueError, match="at most 4 units, for a hand"):
        nn.exercise(1, "paths", [9, 2, 1])
    sheet = nn.exercise(1, "neuron")
    with pytest.raises(ValueError, match=r"'dL/dv' is not asked for; this sheet asks for dL/da, dL/dz"):
        sheet.check({"dL/dv": 1})
    with pytest.raises(TypeError, match="expected names and numbers, or a file"):
        sheet.check(3)
    with pytest.raises(ValueError, match=r"ends in \.txt, \.md, \.tex, \.html"):
        sheet.save("sheet.pdf")


def test_a_file_is_marked_and_written(tmp_path):
    sheet = nn.exercise(1, "neuron")
    (tmp_path / "mine.txt").write_text(typed(sheet, answers(sheet)), encoding="utf-8")
    assert sheet.check(tmp_path / "mine.txt")
    assert sheet.check(str(tmp_path / "mine.txt"))
    assert sheet.save(tmp_path / "sheet.md").read_text(encoding="utf-8") == sheet.markdown()


@pytest.mark.slow
@pytest.mark.parametrize("level", [1, *slow(2, 3)])
def test_in_a_sheet_about_paths_there_are_paths_to_be_added(level):
    for seed in (0, 1):
        sheet = nn.exercise(seed, "paths", level=level)
        assert derive(sheet.loss, sheet.nodes["w[1]_1,1"]).count == 2
        assert "(2 paths)" in sheet.key.text()


@pytest.mark.parametrize("kind", ["neuron", *slow("paths", "find", "matrices", "shapes", "convolution")])
def test_the_file_to_be_filled_in_says_formulas_and_numbers_and_how_to_get_the_sheet(kind):
    sheet = nn.exercise(3, kind)
    lines = sheet.blank.splitlines()
    assert lines[0] == f"# {sheet.command}"
    comments = "\n".join(line.removeprefix("# ") for line in lines if line.startswith("#"))
    for equation in sheet.equations:
        assert equation.text in comments
    for name, x in sheet._problem.given:
        assert f"{name.text} = " in comments
        assert all(f"{abs(u):g}" in comments for u in np.ravel(np.asarray(x, dtype=float)))
    assert "prints the sheet" in comments


def test_every_form_has_a_line_for_a_name_and_no_key_has_one():
    sheet = nn.exercise(3, "neuron")
    for form in (sheet.text(), sheet.markdown(), sheet.latex(), sheet.html(), sheet.blank):
        assert "Name: " in form
    assert "Name: " not in sheet.key.text()


def test_fractions_in_the_lines_of_a_printed_sheet_do_not_touch():
    body = made("chain").latex().partition(r"\begin{document}")[2]
    assert r"\lineskip}{1em}" in body  # behind it, so that it goes along into another document


def test_a_text_of_which_nothing_is_left_is_no_path():
    assert nn.exercise(3, "neuron").check("# my sheet\n# empty\n").points == 0
