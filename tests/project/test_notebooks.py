"""The notebooks, kept as text: their cells run and print what they promise, and the blanks can be filled in.

Run this file as a program to write the golden texts anew; bounds such as >0.9 are kept. Then read what changed.
"""

import re

import numpy as np
import pytest
from lessons import difference, promised, run_cells, with_bounds
from markdown import NOTEBOOK_CELL, ROOT, blocks
from sizes import mostly_slow

FOLDER = ROOT / "docs" / "notebooks"
GOLDEN = ROOT / "tests" / "golden" / "notebooks"
NOTEBOOKS = sorted(set(FOLDER.glob("*.md")) - {FOLDER / "index.md"})
PENCIL = FOLDER / "worked_example.md"
each = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def cells(notebook):
    return [block.text for block in blocks(notebook) if block.language == NOTEBOOK_CELL]


def test_there_are_three_notebooks_each_with_its_text():
    assert [p.stem for p in NOTEBOOKS] == ["build_it_yourself", "from_lecture_003", "worked_example"]
    assert [p.stem for p in sorted(GOLDEN.glob("*.txt"))] == [p.stem for p in NOTEBOOKS]


@pytest.mark.parametrize("notebook", mostly_slow(NOTEBOOKS, NOTEBOOKS[-1]), ids=lambda path: path.stem)
def test_the_cells_of_a_notebook_print_what_they_promise(notebook):
    code = cells(notebook)
    if any("load_digits" in cell for cell in code):
        pytest.importorskip("sklearn")
    printed = promised(run_cells(code, notebook.name))
    assert difference(printed, (GOLDEN / f"{notebook.stem}.txt").read_text(encoding="utf-8")) is None


@each
def test_a_notebook_has_a_kernel_and_lines_that_fit_on_the_page(notebook):
    text = notebook.read_text(encoding="utf-8")
    assert text.startswith("---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n\n# ")
    assert [line for cell in cells(notebook) for line in cell.splitlines() if len(line) > 88] == []


def worked_by_hand():
    """Every number that is asked for, by the formulas of the page."""
    x, y = np.array([0.05, 0.10]), np.array([0.01, 0.99])
    W1, W2 = np.array([[0.15, 0.20], [0.25, 0.30]]), np.array([[0.40, 0.45], [0.50, 0.55]])
    z1 = W1 @ x + 0.35
    a1 = 1 / (1 + np.exp(-z1))
    z2 = W2 @ a1 + 0.60
    a2 = 1 / (1 + np.exp(-z2))
    dz2 = (a2 - y) * a2 * (1 - a2)
    da1 = W2.T @ dz2
    dz1 = da1 * a1 * (1 - a1)
    numbers = {"L": 0.5 * sum((a2 - y) ** 2), "dL/da[2]_1": a2[0] - y[0], "dL/da[1]_1": da1[0], "dL/dz[1]_1": dz1[0]}
    for i in (0, 1):
        numbers |= {f"z[1]_{i + 1}": z1[i], f"a[1]_{i + 1}": a1[i], f"z[2]_{i + 1}": z2[i], f"a[2]_{i + 1}": a2[i]}
        numbers |= {f"dL/dz[2]_{i + 1}": dz2[i], f"dL/db[2]_{i + 1}": dz2[i]}
        numbers |= {f"dL/dw[2]_{i + 1},{j + 1}": dz2[i] * a1[j] for j in (0, 1)}
    return numbers | {"dL/dw[1]_1,1": dz1[0] * x[0]}


def filled_in(numbers):
    """The cells of the first notebook with its blanks filled in, and how many there were."""
    blank = re.compile(r"^(\S+) = ____$", re.MULTILINE)
    code = cells(PENCIL)
    return [blank.sub(lambda m: f"{m[1]} = {numbers[m[1]]:.4g}", cell) for cell in code], sum(
        len(blank.findall(cell)) for cell in code
    )


def test_the_blanks_of_the_worked_example_filled_in_by_hand_are_right():
    code, blanks = filled_in(worked_by_hand())
    assert blanks == 16
    printed = "".join(shown.printed for shown in run_cells(code, PENCIL.name))
    points = re.findall(r"(\d+) of (\d+) points", printed)
    assert len(points) == 5
    assert all(mine == possible for mine, possible in points)
    assert sum(int(possible) for _, possible in points) == blanks + 5  # one number of each sheet is given


@pytest.mark.slow
def test_a_slip_in_the_worked_example_is_told():
    numbers = worked_by_hand()
    numbers["dL/dz[2]_1"] = 0.7414  # the slope of the sigmoid forgotten
    numbers["dL/db[2]_1"] = numbers["dL/dz[2]_1"]
    numbers["dL/dw[2]_1,1"] = numbers["dL/dz[2]_1"] * numbers["a[1]_1"]
    code, _ = filled_in(numbers)
    printed = "".join(shown.printed for shown in run_cells(code, PENCIL.name))
    assert re.search(r"∂L/∂z\[2\]₁: .*the slope.* left out", printed)
    assert "right given your ∂L/∂z[2]₁" in printed


if __name__ == "__main__":
    for path in NOTEBOOKS:
        text, golden = promised(run_cells(cells(path), path.name)), GOLDEN / f"{path.stem}.txt"
        golden.write_text(with_bounds(text, golden.read_text(encoding="utf-8")), encoding="utf-8")
