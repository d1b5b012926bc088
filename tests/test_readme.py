"""The README: its code runs, and prints what stands there."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
FENCED = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
PROGRAMS = [i for i, (language, code) in enumerate(FENCED) if language == "python" and "import" in code]


@pytest.mark.parametrize("i", PROGRAMS)
def test_a_program_runs_and_the_numbers_beside_it_are_right(i):
    code = FENCED[i][1]
    scope = {}
    exec(code, scope)
    beside = re.findall(r"# (\w+)\.(data|grad) = (-?[\d.]+)", code)
    assert beside
    for name, attribute, number in beside:
        assert f"{getattr(scope[name], attribute):.4g}" == number


def test_the_derivation_shown_is_the_one_printed(capsys):
    exec(FENCED[PROGRAMS[0]][1], {})
    assert capsys.readouterr().out == FENCED[PROGRAMS[0] + 1][1]


def test_the_second_program_finds_what_the_comment_says(capsys):
    exec(FENCED[PROGRAMS[1]][1], {})
    printed = capsys.readouterr().out
    assert "= 0.0004386   (2 paths)" in printed


def test_every_file_on_the_map_exists_and_the_picture_too():
    root = Path(__file__).parent.parent
    packages = re.search(r"## Map\n\n```\n(.*?)```", README, re.DOTALL)[1]
    folder = None
    for line in packages.splitlines():
        folder = re.match(r"(\w+)/", line)[1] if re.match(r"\w+/", line) else folder
        for name in re.findall(r"\b(\w+\.py)\b", line):
            assert (root / folder / name).is_file(), f"{folder}/{name}"
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (root / picture).is_file()
