"""The README: its code runs, and prints what stands there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCED = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
PROGRAMS = [i for i, (language, code) in enumerate(FENCED) if language == "python" and "import" in code]


@pytest.mark.parametrize("i", PROGRAMS)
def test_a_program_runs_and_the_numbers_beside_it_are_right(i, tmp_path, monkeypatch):
    code = FENCED[i][1]
    if "load_digits" in code:
        pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    scope = {}
    exec(code, scope)
    beside = re.findall(r"# (\w+)\.(data|grad) = (-?[\d.]+)", code)
    bounds = re.findall(r"# (\w+) > ([\d.]+)", code)
    assert beside or bounds
    for name, attribute, number in beside:
        assert f"{float(getattr(scope[name], attribute)):.4g}" == number
    for name, number in bounds:
        assert scope[name] > float(number)


def test_the_derivation_in_matrices_has_the_line_beside_it(capsys):
    (code,) = [code for _, code in FENCED if "derive(L, W))" in code]
    exec(code, {})
    shown = " ".join(capsys.readouterr().out.split())
    line = re.search(r"# (dW = .*)", code)[1]
    assert re.sub(r"\s", "", line) in re.sub(r"\s", "", shown)


def test_the_model_that_is_loaded_gives_what_the_saved_one_did(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    (code,) = [code for _, code in FENCED if "load_model" in code]
    monkeypatch.chdir(tmp_path)
    scope = {}
    exec(code, scope)
    assert scope["model"].evaluate(scope["x_test"], scope["y_test"]) == [scope["loss"], scope["accuracy"]]


def test_the_derivation_shown_is_the_one_printed(capsys):
    exec(FENCED[PROGRAMS[0]][1], {})
    assert capsys.readouterr().out == FENCED[PROGRAMS[0] + 1][1]


def test_the_second_program_finds_what_the_comment_says(capsys):
    exec(FENCED[PROGRAMS[1]][1], {})
    printed = capsys.readouterr().out
    assert "= 0.0004386   (2 paths)" in printed


MAP = re.search(r"## Map\n\n```\n(.*?)```", README, re.DOTALL)[1]


@pytest.mark.parametrize("package", ["autograd", "nn", "viz"])
def test_every_wing_is_on_the_map(package):
    wings = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
    part = re.search(rf"^{package}/(.*?)(?=^\w|\Z)", MAP, re.MULTILINE | re.DOTALL)[1]
    assert set(re.findall(r"(\w+)/", part)) == wings


def test_what_the_map_names_exists_and_the_pictures_too():
    folder = None
    for line in MAP.splitlines():
        folder = re.match(r"(\w+)/", line)[1] if re.match(r"\w+/", line) else folder
        for name in re.findall(r"\b(\w+\.py)\b", line):
            assert (ROOT / folder / name).is_file(), f"{folder}/{name}"
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).is_file()
