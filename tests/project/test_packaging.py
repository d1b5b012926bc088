"""What is published: versions and authors agree, packages are whole, and the workflows test what is promised."""

import ast
import itertools
import re
import sys
import tomllib

import pytest
from markdown import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def text_of(*names):
    return ROOT.joinpath(*names).read_text(encoding="utf-8")


def field(text, name):
    """The plain text of a field at the top of a YAML file."""
    return re.search(rf"^{name}: *(.+)$", text, re.MULTILINE)[1].strip("\"'")


def test_the_citation_has_title_version_and_licence_of_the_project_and_the_authors_of_the_licence():
    citation, project = text_of("CITATION.cff"), PROJECT["project"]
    assert field(citation, "title") == project["name"]
    assert field(citation, "version") == project["version"]
    assert field(citation, "license") == project["license"]
    assert project["description"] in citation
    holder = re.search(r"^Copyright \(c\) \d+ (.+)$", text_of("LICENSE"), re.MULTILINE)[1]
    assert re.findall(r"^  - name: (.+)$", citation, re.MULTILINE) == [holder]
    assert re.findall(r"^  - (?!name)(.+)$", citation, re.MULTILINE) == project["keywords"]


def test_the_changelog_has_what_is_unreleased_first_and_a_dated_section_for_this_version():
    first, *releases = re.findall(r"^## (.+)$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert first == "Unreleased"
    matches = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+) \(\d{4}-\d\d-\d\d\)", release) for release in releases]
    assert all(matches), releases
    versions = [tuple(map(int, match.groups())) for match in matches]
    assert ".".join(map(str, versions[0])) == PROJECT["project"]["version"]
    assert all(newer > older for newer, older in itertools.pairwise(versions))


def pythons_promised():
    names = PROJECT["project"]["classifiers"]
    return [match[1] for name in names if (match := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", name))]


def test_the_first_python_promised_is_the_one_required_and_none_between_is_left_out():
    promised = pythons_promised()
    first = int(promised[0].partition(".")[2])
    assert PROJECT["project"]["requires-python"] == f">={promised[0]}"
    assert promised == [f"3.{first + i}" for i in range(len(promised))]
    assert PROJECT["tool"]["mypy"]["python_version"] == promised[0]
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py3{first}"


def test_every_folder_of_code_is_a_package_and_every_other_file_in_it_is_published():
    find, data = PROJECT["tool"]["setuptools"]["packages"]["find"], PROJECT["tool"]["setuptools"]["package-data"]
    manifest = text_of("MANIFEST.in")
    for package in ("autograd", "nn", "viz"):
        assert f"{package}*" in find["include"]
        for path in (ROOT / package).rglob("*"):
            if path.suffix in (".pyc", ".pyo") or path.is_dir():
                continue
            assert (path.parent / "__init__.py").is_file(), path
            home = ".".join(path.parent.relative_to(ROOT).parts)
            published = path.suffix == ".py" or any(path.match(pattern) for pattern in data.get(home, ()))
            assert published or f"recursive-include {package} *{path.suffix}" in manifest, path


def test_all_that_users_may_need_is_in_the_extra_of_that_name():
    extras = PROJECT["project"]["optional-dependencies"]

    def named(extra):
        inside = [name for line in extras[extra] for name in re.findall(r"[\w-]+", line.partition("gradpath[")[2])]
        return {extra}.union(*map(named, inside))

    assert named("all") | {"test"} == set(extras)
    assert {"render", "plot"} < named("course")


def test_what_the_tests_import_comes_with_the_command_of_the_readme():
    project = PROJECT["project"]
    lines = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    there = (
        {re.match(r"[\w-]+", line)[0] for line in lines} | {"autograd", "nn", "viz", "tests"} | sys.stdlib_module_names
    )
    imported = set()
    for path in (ROOT / "tests").rglob("*.py"):
        if path.parent.name == "support":
            there.add(path.stem)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:  # what stands in a function may be skipped
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", None)]
            imported |= {(name.partition(".")[0], path.name) for name in names if name}
    assert {(name, file) for name, file in imported if name not in there} == set()


def test_what_is_for_those_who_carry_on_is_a_group_and_each_is_named_where_it_is_used():
    groups = set(PROJECT["dependency-groups"])
    told = text_of("CONTRIBUTING.md")
    assert [name for name in groups if f"--group {name}" not in told and f"`{name}`" not in told] == []
    homes = ".ci/run", ".github/workflows/release.yml", "docs/speed.md"
    used = [text_of(home) for home in homes]
    assert groups == {name for text in used for name in re.findall(r"--group (\w+)", text)}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_yaml_with_steps_that_do_something(path):
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow[True]  # YAML 1.1 takes `on` for a truth value
    for name, job in workflow["jobs"].items():
        assert "uses" in job or all("uses" in step or "run" in step for step in job["steps"]), name
        for needed in [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", []):
            assert needed in workflow["jobs"], f"{name} needs {needed}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_written_with_spaces_and_names_only_files_that_exist(path):
    text = path.read_text(encoding="utf-8")
    assert "\t" not in text
    for name in re.findall(r"(?<![\w/])\.(?:ci|github)/[\w./-]+", text):
        assert (ROOT / name).is_file(), name


def test_the_systems_and_pythons_that_are_promised_are_tested():
    text = text_of(".github", "workflows", "tests.yml")
    (systems,), (pythons,) = (re.findall(rf"^ +{name}: \[(.*)\]$", text, re.MULTILINE) for name in ("os", "python"))
    assert re.findall(r"(\w+)-latest", systems) == ["ubuntu", "macos", "windows"]
    assert re.findall(r'"(3\.\d+)"', pythons) == pythons_promised()


def test_the_workflow_takes_its_commands_from_the_readme_as_ci_does():
    text, ci = text_of(".github", "workflows", "tests.yml"), text_of(".ci", "run")
    command = r"grep -E '^python3 -m venv \.venv && ' README.md | grep -F --"
    assert command in text
    assert command in ci
    for name in ("-m pytest", "examples/programs/backprop_by_hand.py"):
        assert f'"{name}"' in text
        assert f'"{name}"' in ci
    for script in (".ci/check_dist.py", ".ci/bare_install.py"):
        assert script in text
        assert script in ci
