"""What a checker of types, and so an editor, knows: a program under `mypy --strict`, and planted mistakes."""

import os
import re
import subprocess
import sys

import pytest
from oracles import ROOT

TYPED = ROOT / "tests" / "project" / "typed"


def lines_found(program, tmp_path):
    """The lines of which mypy says something, with what it says; the installed packages or those of the repository."""
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", f"--cache-dir={tmp_path}"]
    result = subprocess.run(
        [*command, str(TYPED / program)],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode in (0, 1), result.stdout + result.stderr
    found = re.findall(rf"{program}:(\d+): error: (.*)", result.stdout)
    return {int(number): text for number, text in found}


@pytest.mark.slow
def test_a_program_that_is_right_is_called_right_and_results_have_types(tmp_path):
    assert lines_found("sample.py", tmp_path) == {}


@pytest.mark.slow
def test_the_program_runs(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, str(TYPED / "sample.py")], cwd=tmp_path, env=environment, check=True, timeout=100)


@pytest.mark.slow
def test_mistakes_are_found_before_the_program_runs(tmp_path):
    lines = (TYPED / "mistakes.py").read_text(encoding="utf-8").splitlines()
    wrong = {i for i, line in enumerate(lines, 1) if "  # wrong" in line}
    found = set(lines_found("mistakes.py", tmp_path))
    assert found <= wrong
    assert len(wrong) == 15
    # Names of activations and optimizers are strings, as one's own count too: three are left to the program.
    assert [lines[i - 1].partition("(")[0] for i in sorted(wrong - found)] == ["nn.MLP", "nn.Dense", "model.compile"]
