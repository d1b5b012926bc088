"""Every page of the repository: its programs run and print what stands there, its links lead somewhere."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
from markdown import PAGES, ROOT, anchors, blocks, commands, followed, links, name_of, prose

from viz.cli import main

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
by_page = pytest.mark.parametrize("page", PAGES, ids=name_of)
# Pages of worked examples, whose programs are files to be put somewhere: a test of their own puts and runs them.
TESTS = [
    path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py") if path.parent.name != "project"
]
HAS_ITS_OWN_TEST = {page for page in (ROOT / "docs").glob("adding-*.md") if any(page.name in test for test in TESTS)}
READ_HERE = [page for page in PAGES if page not in HAS_ITS_OWN_TEST]
WITH_PROGRAMS = [page for page in READ_HERE if any(block.language == "python" for block in blocks(page))]
SHELL = [
    (page, command, output)
    for page in PAGES
    for block, output in followed(page)
    if block.language == "sh"
    for command in commands(block)
]

# Runs the blocks of a page one after another in one scope. After each: what was printed, and what has the names and
# expressions that stand beside it.
RUNNER = """
import contextlib, io, json, sys
page, blocks = json.load(sys.stdin)
scope, found = {"__name__": "page"}, []
for code, line, beside in blocks:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("\\n" * line + code, page, "exec"), scope)
    found.append((printed.getvalue(), [float(eval(name, scope)) for name in beside]))
print(json.dumps(found))
"""
BESIDE = r"#.*?\b([A-Za-z_][\w.]*) (=|>) (-?\d[\d.]*)"


def test_there_are_pages_to_read():
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/README.md"} <= set(map(name_of, PAGES))
    assert len(WITH_PROGRAMS) > 4
    assert any(command.startswith("gradpath ") for _, command, _ in SHELL)


def test_the_languages_of_blocks_are_known():
    known = {"python", "sh", "text", ""}
    assert [
        (name_of(p), b.line) for p in PAGES for b in blocks(p) if b.language not in known and b.language[:1] != "{"
    ] == []


@pytest.mark.slow  # a fresh interpreter for each page; those of the README run in test_readme.py too
@pytest.mark.parametrize("page", WITH_PROGRAMS, ids=name_of)
def test_the_programs_run_in_order_and_give_what_stands_below_and_beside_them(page, tmp_path):
    programs = [(block, output) for block, output in followed(page) if block.language == "python"]
    if any("load_digits" in block.text for block, _ in programs):
        pytest.importorskip("sklearn")
    if any("plot_" in block.text for block, _ in programs):
        pytest.importorskip("matplotlib")
    beside = [re.findall(BESIDE, block.text) for block, _ in programs]
    todo = [
        (block.text, block.line, [name for name, _, _ in found])
        for (block, _), found in zip(programs, beside, strict=True)
    ]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUNNER],
        input=json.dumps([name_of(page), todo]),
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "MPLBACKEND": "agg"},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    for (block, output), found, (printed, numbers) in zip(programs, beside, shown, strict=True):
        place = f"{name_of(page)}, line {block.line}"
        if output is not None:
            assert printed == output, place
        for (name, relation, number), value in zip(found, numbers, strict=True):
            right = f"{value:.4g}" == f"{float(number):.4g}" if relation == "=" else value > float(number)
            assert right, f"{place}: {name} is {value}, beside it stands {relation} {number}"


def test_every_page_of_docs_is_in_their_list():
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link.target.partition("#")[0]).resolve() for link in links(index)}
    of_the_site = {index.parent / f"{name}.md" for name in ("index", "live", "changelog", "contributing")}
    assert {page for page in PAGES if page.parent == index.parent} - {index} - of_the_site <= listed


@by_page
def test_links_lead_to_files_that_exist_and_to_headings_in_them(page):
    for link in links(page):
        place = f"{name_of(page)}, line {link.line}: {link.target}"
        if re.match(r"https?://", link.target):
            continue
        path, _, anchor = link.target.partition("#")
        assert not path.startswith("/"), place
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), place
        assert target == ROOT or ROOT in target.parents, place
        if anchor:
            assert anchor in anchors(target), place


@by_page
def test_a_name_that_links_to_a_file_is_defined_there(page):
    for link in links(page):
        name = re.fullmatch(r"`([\w.]+)`", link.text)
        if name and link.target.endswith(".py") and not name[1].endswith(".py"):
            tree = ast.parse((page.parent / link.target).read_text(encoding="utf-8"))
            defined = {getattr(node, "name", None) for node in ast.walk(tree)}
            defined |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            assert name[1] in defined, f"{name_of(page)}, line {link.line}: {name[1]} is not in {link.target}"


def test_what_is_quoted_from_a_file_stands_there():
    quoted = 0
    for page in PAGES:
        for block in blocks(page):
            source = re.search(r"\]\(([\w./]+\.py)\)\)?:$", block.before)
            if block.language == "text" and source:
                assert block.text in (page.parent / source[1]).read_text(encoding="utf-8"), f"line {block.line}"
                quoted += 1
    assert quoted


@pytest.mark.parametrize("page", READ_HERE, ids=name_of)
def test_a_file_or_folder_named_in_the_text_exists(page):
    if page.name == "CHANGELOG.md":  # what was there once may be gone
        return
    text = "\n".join(prose(page))
    for name in re.findall(r"`((?:autograd|nn|viz|docs|examples|benchmarks|tests|\.ci|\.github)/[\w./-]*)`", text):
        assert (ROOT / name).exists(), f"{name_of(page)}: {name}"


@by_page
def test_no_line_names_a_place_on_somebodys_machine(page):
    absolute = r"(?:^|[\s\"'`(=])(?:/\w[\w.-]*/|~/|[A-Za-z]:[\\/])"
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.search(absolute, line)] == []


@pytest.mark.parametrize(
    ("page", "command", "output"), [s for s in SHELL if s[1].startswith("gradpath ")], ids=lambda x: None
)
def test_a_command_of_gradpath_prints_what_stands_below_it(page, command, output, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)[1:]) == 0
    shown = capsys.readouterr().out
    assert output is None or without_blank_lines(shown) == without_blank_lines(output)


def without_blank_lines(text):
    return [line for line in text.splitlines() if line]


def test_the_files_that_commands_name_exist():
    for page, command, _ in SHELL:
        for name in re.findall(r"\S+\.py\b", command):
            assert (ROOT / name).is_file(), f"{name_of(page)}: {command}"


def test_the_options_that_pages_give_to_examples_are_theirs():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"python (examples/programs/\w+\.py)[^`\n&]* --", text):
            source = (ROOT / name).read_text(encoding="utf-8")
            for option in re.findall(rf"{name}[^`\n&]*?(--[\w-]+)", text):
                assert f'"{option}"' in source, f"{name_of(page)}: {name} {option}"


def test_the_extras_that_anybody_is_told_to_install_exist():
    folders = ("autograd", "nn", "viz", "examples", "benchmarks")
    told = [*PAGES, *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    for path in told:
        for names in re.findall(r'(?:gradpath|"\.)\[([a-z,]+)\]', path.read_text(encoding="utf-8")):
            assert set(names.split(",")) <= set(PROJECT["optional-dependencies"]), f"{name_of(path)}: {names}"


def test_every_mechanism_of_the_architecture_is_measured_and_every_one_measured_is_there():
    architecture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = architecture.partition("## What carries gradients")[2]
    told = set(re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)) - {"mechanism", "---"}
    measured = set(re.findall(r'Row\("([^"]+)"', (ROOT / "benchmarks" / "mechanisms.py").read_text(encoding="utf-8")))
    assert told == measured
