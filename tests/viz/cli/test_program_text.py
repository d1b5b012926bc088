"""The program of a formula, run by Python, prints what the shell prints of the formula."""

import contextlib
import io
import sys

import pytest

from autograd.op import elementwise
from viz.cli.commands import main
from viz.cli.program_text import as_program

FORMULAS = [
    ("z = w*x + b; yhat = sigmoid(z); L = squared_error(yhat, y)", "w=0.4 x=1.5 b=0.1 y=1"),
    ("z = dot(w, x, bias=b); L = (relu(z) - y)**2", "w=0.4,-0.2 x=1,2 b=0.1 y=1"),
    ("u = x_1*x_2; u*w", "x=1,2 w=3"),
    ("p = softmax([a, 2*a, 1]); L = -ln(p_2)", "a=0.3"),
    ("p = softmax([a, 2*a, 1]); L = cross_entropy(p, k)", "a=0.3 k=1"),
    ("[p, q] = softmax([a, 2*a]); L = p*q", "a=0.3"),
    ("s = [a, b*a, 2]; L = sum(s)*s_3", "a=0.3 b=2"),
    ("c = 2*pi; q = x; max(c*x, q)**e", "x=1.25"),
    ("z[1]_1 = w[1]_1*x; a[1]_1 = σ(z[1]_1); (a[1]_1 - y)**2", "w[1]_1=0.4 x=2 y=1"),
    ("lam = -k; L = leaky_relu(lam, alpha=0.2)", "k=2"),
    ("v = Value_1*2; L = v", "Value_1=3"),
    ("L = x", "x=4"),
]


def printed(action):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        action()
    return [line for line in out.getvalue().splitlines() if line and not line.startswith("L = ")]


@pytest.mark.parametrize(("formula", "values"), FORMULAS, ids=[f for f, _ in FORMULAS])
def test_a_program_prints_the_derivations_that_the_shell_prints(formula, values):
    programs = io.StringIO()
    with contextlib.redirect_stdout(programs):
        assert main(["program", formula, *values.split()]) == 0
    shell = printed(lambda: main(["paths", formula, *values.split()]))
    assert printed(lambda: exec(programs.getvalue(), {})) == shell
    assert len(shell) > 0


def test_a_program_derives_by_what_was_asked_and_by_members_of_a_list():
    formula = "z = dot(w, x); L = z**2"
    written = as_program(formula, {"w": (1.0, 2.0), "x": (3.0, 4.0)}, ["w", "x_2"])
    assert written.splitlines()[-3:] == ["print(derive(L, w[0]))", "print(derive(L, w[1]))", "print(derive(L, x[1]))"]


def test_a_name_that_a_program_needs_itself_is_changed():
    assert as_program("L = math*derive", {"math": 2.0, "derive": 3.0}).splitlines()[2:4] == [
        'math_ = Value(2.0, "math")',
        'derive_ = Value(3.0, "derive")',
    ]


def test_an_operation_of_ones_own_is_imported_from_its_module():
    @elementwise(lambda z, x: 3 * x * x)
    def cubed(x):
        return x * x * x

    try:
        written = as_program("L = cubed(x)", {"x": 2.0})
        assert f"from {cubed.__module__} import cubed" in written
    finally:
        from autograd.op import table

        table.pop(next(name for name, op in table.items() if op.shown == "cubed"))


def test_a_formula_that_is_none_is_refused_as_by_the_other_commands(capsys):
    assert main(["program", "L = w*", "w=1"]) == 2
    assert "cannot read the formula" in capsys.readouterr().err
    assert main(["program", "L = w*x", "w=1", "x=2", "--wrt", "v"]) == 2
    assert "'v'" in capsys.readouterr().err
    assert "main" not in sys.modules
