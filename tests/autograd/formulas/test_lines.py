"""LaTeX in lines that fit A4: how wide it is taken to be, and where it is broken."""

import re

import numpy as np
import pytest
from latex import check_latex
from sizes import slow

from autograd import Tensor, Value, derive, exp, log, sin, softmax, sqrt, squared_error, tanh
from autograd.formulas.lines import LINE, fitted, matrix, width

# What pdflatex measures of these in an article at 11 points, in points; a digit has 5.4745, a line 360.
MEASURED = {
    r"L = -\frac{1}{m}\, \sum (Y \odot \log(A^{[1]}) + (1 - Y) \odot \log(1 - A^{[1]})) + 0.05\, \sum (W^{[1]} \odot W^{[1]})": 372.1,  # noqa: E501
    r"dZ^{[1]} = dA^{[1]} \odot A^{[1]} \odot (1 - A^{[1]}) = \boxed{A^{[1]} - Y} = \begin{bmatrix} -0.4378 & 0.2592 & -0.7311 \end{bmatrix}": 363.6,  # noqa: E501
    r"\begin{bmatrix} -5.6365919 \times 10^{-8} & 0.12345678 \\ -0.1 & \infty \end{bmatrix}": 164.9,
    r"\left[\begin{smallmatrix} -5.6365919 \times 10^{-8} & 0.12345678 & 0.1 \\ -0.1 & \infty & -12.345678 \end{smallmatrix}\right. \quad \text{columns 1 to 3}": 251.1,  # noqa: E501
    r"\frac{\partial L}{\partial w^{[1]}_{11}} = \boxed{((\hat{y}_{1} - 0.01)w^{[2]}_{11}\hat{y}_{1}(1 - \hat{y}_{1}) + (\hat{y}_{2} - 0.99)w^{[2]}_{21}\hat{y}_{2}(1 - \hat{y}_{2}))a^{[1]}_{1}(1 - a^{[1]}_{1})\,x_{1}} = 0.0004386": 435.3,  # noqa: E501
}


@pytest.mark.parametrize("latex", MEASURED)
def test_the_width_is_about_what_latex_measures(latex):
    assert width(latex) == pytest.approx(MEASURED[latex] / 5.4745, rel=0.08)


def joined(lines):
    return "".join(lines).replace("&", "").replace(r"\quad {}", "").replace(" ", "")


@pytest.mark.parametrize(
    ("row", "beginnings"),
    [
        ("a &= b + c", ["a &= b + c"]),
        ("a &= " + " + ".join(f"f_{{{i}}}(x + y)" for i in range(9)), ["a &= f_{0}", r"&\quad {}+ f_"]),
        (
            r"dZ &= " + r" \odot ".join(["W"] * 15) + r" = \begin{bmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{bmatrix}",
            ["dZ", "&= "],
        ),
        ("a &= k(" + " + ".join(f"x_{{{i}}}(1 - x_{{{i}}})" for i in range(9)) + ")", ["a &= k(x", r"&\quad {}+ x"]),
    ],
)
def test_a_row_is_broken_before_outer_signs_into_lines_that_fit(row, beginnings):
    lines = list(fitted([row]))
    assert joined(lines) == joined([row])
    assert len(lines) == len(beginnings)
    for line, beginning in zip(lines, beginnings, strict=True):
        assert line.startswith(beginning)
        assert width(line) <= LINE
        check_latex(line.replace(r"\\", " "))


def test_what_is_between_left_and_right_stays_together():
    row = r"a &= " + r" + ".join([r"\left(\frac{x - 1}{y} + z + w + \alpha + \beta\right)"] * 6)
    for line in fitted([row]):
        assert line.count(r"\left") == line.count(r"\right")


def test_a_box_that_is_too_wide_has_several_lines():
    (row, number) = fitted([r"a &= \boxed{" + " + ".join(f"x_{i} y_{i}" for i in range(22)) + "} = 3"])
    assert row.startswith(r"a &= \boxed{\begin{aligned} &x_0 y_0 + ")
    assert r" \\ &\quad {}+ x_" in row
    assert number == "&= 3"


@pytest.mark.parametrize(("digits", "columns", "lines"), [(3, 3, 1), (4, 6, 1), (12, 6, 2), (17, 6, 3)])
@pytest.mark.parametrize("name", ["dW", r"\underset{6 \times 6}{dW^{[1]}_{hidden}}"])
def test_a_matrix_is_set_small_or_some_columns_a_line_until_it_fits(name, digits, columns, lines):
    numbers = -np.random.default_rng(0).uniform(1, 9, size=(6, columns))
    cells = [[f"{x:.{digits}g}" for x in row] for row in numbers]
    found = list(fitted([f"{name} &= W", f"&= {matrix(cells)}"]))[1:]
    assert len(found) == lines
    assert all(width(name) + width(line) <= LINE for line in found)
    parts = [re.search(r"matrix\} (.*) \\end", line)[1].split(r" \\ ") for line in found]
    assert [" & ".join(row).split(" & ") for row in zip(*parts, strict=True)] == cells  # each once, at its place
    if lines > 1:
        notes = re.findall(r"\\right(.) \\quad \\text\{columns (\d) to (\d)\}", "".join(found))
        assert (
            notes
            == {2: [(".", "1", "3"), ("]", "4", "6")], 3: [(".", "1", "2"), (".", "3", "4"), ("]", "5", "6")]}[lines]
        )
        check_latex("".join(found).replace(r"\\", " "))


def test_the_widest_name_leaves_all_lines_as_much_room():
    wide = r"\underset{100 \times 100}{dW^{[1]}_{hidden}}"
    row = "&= " + " + ".join("x" * 5 for _ in range(7))
    assert list(fitted([row])) == [row]
    assert len(list(fitted([f"{wide} &= 1", row]))) == 3
    assert len(list(fitted([f"{'a' * 200} &= 1", row]))) == 4  # where there is no room, half a line is


def long_derivations():
    rng = np.random.default_rng(0)
    w = Value(0.3, "w")
    v = w
    for i in range(12):
        v = tanh(v * 1.1 + 0.1)
        v.label = f"h_{i + 1}"
    yield derive(v * v, w)
    x = Value(0.3, "x")
    yield derive(log(x) / sqrt(x) + exp(-x * x / 2) * sin(x) / (1 + x**2) + sin(x * x) * log(x + 1), x)
    weights, scale = Tensor(rng.normal(size=(3, 4)), "W"), Tensor(np.ones(4), "gamma")
    z = rng.normal(size=(5, 3)) @ weights
    z.label = "Z"
    h = (z - z.mean(axis=0)) / sqrt(z.var(axis=0) + 1e-5)
    h.label = "H"
    yield derive(squared_error(tanh(h * scale + 0.5), rng.normal(size=(5, 4))), weights)
    queries, keys = (Tensor(rng.normal(size=(6, 6)), name) for name in ("W_q", "W_k"))
    data = rng.normal(size=(6, 6))
    yield derive((softmax((data @ queries) @ (data @ keys).T / 6**0.5) ** 2).sum(), queries)


@pytest.mark.parametrize("number", [1, *slow(0, 2, 3)])
def test_long_derivations_have_no_line_that_is_too_wide(number):
    derivation = list(long_derivations())[number]
    lines = derivation.latex().split("\n")[1:-1]
    assert max(width(line) for line in lines if "boxed" not in line) <= LINE
    assert max(width(line) for line in derivation.latex(digits=8).split("\n")[1:-1] if "boxed" not in line) <= LINE
    assert derivation.latex(environment="align*").startswith("{\\allowdisplaybreaks\n\\begin{align*}\n")
    with pytest.raises(ValueError, match="expected environment to be 'aligned' or 'align\\*'; got 'gather'"):
        derivation.latex(environment="gather")


def test_matrices_have_as_many_digits_as_asked_for():
    w = Tensor([[1 / 3, 2 / 3]], "W")
    derivation = derive(squared_error(np.eye(2) @ w.T, [[1.0], [0.5]]), w)
    assert "0.33333333" in derivation.text(digits=8)
    assert "0.33333333" in derivation.latex(digits=8)
    assert "0.3333 " in derivation.text()
    with pytest.raises(ValueError, match=r"MatrixDerivation\.text: expected digits to be a positive integer or None"):
        derivation.text(digits=0)
