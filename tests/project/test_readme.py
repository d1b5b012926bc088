"""The README: what `test_docs` asks of every page, and what this one promises besides."""

import re

import pytest
from markdown import ROOT, blocks, commands, links

PAGE = ROOT / "README.md"
README = PAGE.read_text(encoding="utf-8")
BLOCKS = blocks(PAGE)
PROGRAMS = [block.text for block in BLOCKS if block.language == "python"]
COMMANDS = [command for block in BLOCKS if block.language == "sh" for command in commands(block)]
SET_UP = "python3 -m venv .venv && .venv/bin/pip install -q "


def test_it_is_read_in_five_minutes():
    assert len(README.splitlines()) <= 98


def test_the_first_screen_is_a_command_to_install_one_to_run_and_what_it_prints():
    shell, output, program = BLOCKS[:3]
    assert commands(shell)[0] == "pip install gradpath"
    assert commands(shell)[1].startswith("gradpath paths ")
    assert output.text.startswith("L = 0.05505\n∂L/∂w = −0.1104   (1 path)\n")
    assert program.language == "python"
    assert program.line < 30


def test_the_first_program_prints_what_the_first_command_does(capsys):
    exec(PROGRAMS[0], {})
    loss, *derivation = BLOCKS[1].text.splitlines()
    assert [line for line in capsys.readouterr().out.splitlines() if line] == derivation
    assert f"# {loss.replace('L', 'L.data')}" in PROGRAMS[0]


def test_the_derivation_in_matrices_has_the_line_beside_it(capsys):
    (code,) = [code for code in PROGRAMS if "derive(L, W))" in code]
    exec(code, {})
    shown = "".join(capsys.readouterr().out.split())
    line = re.search(r"# (dW = .*)", code)[1]
    assert "".join(line.split()) in shown


def test_the_two_commands_for_developers_stand_on_lines_of_their_own_as_ci_finds_them():
    tests, job = (
        [line for line in README.splitlines() if line.startswith(SET_UP) and part in line]
        for part in ("-m pytest", "examples/programs/backprop_by_hand.py")
    )
    assert len(tests) == len(job) == 1
    assert tests[0] in COMMANDS
    assert job[0] in COMMANDS
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert r"readme_command() { grep -E '^python3 -m venv \.venv && ' README.md" in ci


def test_it_leads_to_the_pages_for_those_who_learn_teach_and_carry_on():
    targets = {link.target.partition("#")[0] for link in links(PAGE)}
    assert targets >= {
        "docs/networks.md",
        "docs/teaching.md",
        "docs/coming-from.md",
        "docs/speed.md",
        "docs/README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "CITATION.cff",
    }


MAP = re.search(r"## Map\n\n```\n(.*?)```", README, re.DOTALL)[1]


def test_the_map_fits_on_a_hand():
    assert len(MAP.splitlines()) <= 10


@pytest.mark.parametrize("package", ["autograd", "nn", "viz"])
def test_every_wing_is_on_the_map(package):
    wings = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
    part = re.search(rf"^{package}/(.*?)(?=^\w|\Z)", MAP, re.MULTILINE | re.DOTALL)[1]
    assert set(re.findall(r"(\w+)/", part)) == wings


def test_what_the_map_names_exists():
    folder = None
    for line in MAP.splitlines():
        folder = re.match(r"(\w+)/", line)[1] if re.match(r"\w+/", line) else folder
        for name in re.findall(r"\b([\w-]+\.(?:py|md))\b", line):
            assert (ROOT / folder / name).is_file(), f"{folder}/{name}"
        for name in re.findall(r"(?<= )(\w+)/", line):
            assert (ROOT / folder / name).is_dir() or (ROOT / name).is_dir(), f"{folder}/{name}"
