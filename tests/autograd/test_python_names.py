"""`from autograd import *` takes nothing away: sum, max, min and abs do what Python's do on what Python knows."""

import builtins
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, Value, gradients

CASES = [
    ("sum", lambda f: f([1, 2, 3])),
    ("sum", lambda f: f(range(5))),
    ("sum", lambda f: f(i * i for i in range(4))),
    ("sum", lambda f: f([])),
    ("sum", lambda f: f(())),
    ("sum", lambda f: f([0.5, 2], 10)),
    ("sum", lambda f: f((0.5 for _ in range(3)), start=1)),
    ("sum", lambda f: f([True, False, True])),
    ("sum", lambda f: f([[1], [2, 3]], [])),
    ("sum", lambda f: f({1: "a", 2: "b"})),
    ("sum", lambda f: f({3, 4})),
    ("sum", lambda f: f([Fraction(1, 3), Fraction(1, 6)])),
    ("sum", lambda f: f([Decimal("0.1")] * 3)),
    ("sum", lambda f: f([1j, 2])),
    ("sum", lambda f: f(np.float64(x) for x in (1, 2))),
    ("max", lambda f: f(3, 7)),
    ("max", lambda f: f(3, 7.5, 2)),
    ("max", lambda f: f([3, 7, 2])),
    ("max", lambda f: f(x % 4 for x in range(9))),
    ("max", lambda f: f("epoch", "loss")),
    ("max", lambda f: f(["a", "bbb"], key=len)),
    ("max", lambda f: f([], default=-1)),
    ("max", lambda f: f([[1, 9], [2, 0]])),
    ("max", lambda f: f({"a": 2, "b": 1})),
    ("max", lambda f: f((1, "x"), (1, "y"))),
    ("max", lambda f: f(np.float64(1.0), 2)),
    ("min", lambda f: f(3, 7)),
    ("min", lambda f: f(0.0, -0.5)),
    ("min", lambda f: f([3, 7, 2])),
    ("min", lambda f: f(range(2, 9), key=lambda x: -x)),
    ("min", lambda f: f((), default=None)),
    ("abs", lambda f: f(-3)),
    ("abs", lambda f: f(-3.5)),
    ("abs", lambda f: f(3 + 4j)),
    ("abs", lambda f: f(Fraction(-1, 3))),
    ("abs", lambda f: f(True)),
    ("abs", lambda f: f(Decimal("-0.1"))),
]


@pytest.mark.parametrize(("name", "call"), CASES)
def test_on_what_python_knows_it_is_python(name, call):
    found, expected = call(getattr(ag, name)), call(getattr(builtins, name))
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("name", ["sum", "max", "min", "abs"])
@pytest.mark.parametrize("wrong", [None, 3.0, "3", object()])
def test_what_python_refuses_is_refused(name, wrong):
    if name == "abs" and wrong == 3.0:
        return
    arguments = ([wrong, 1],) if name == "sum" and wrong != 3.0 else (wrong,)
    try:
        getattr(builtins, name)(*arguments)
    except TypeError:
        with pytest.raises(TypeError):
            getattr(ag, name)(*arguments)


def test_a_sum_of_values_is_one_node_and_starts_where_it_is_told():
    w, b = Value(2.0), Value(0.5)
    for total in (ag.sum((w * x for x in (1.0, 3.0)), b), ag.sum([w, 3 * w], start=b)):
        assert total.data == 8.5
        assert gradients(total, [w, b]) == [4.0, 1.0]
    assert ag.sum([w, b, 1]).op.symbol == "Σ"
    assert ag.sum({w: "w", b: "b"}).data == 2.5
    assert ag.sum([1.0, 2.0], b).data == 3.5
    assert ag.sum([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])]).tolist() == [4.0, 6.0]
    assert ag.sum([Tensor([1.0]), 2.0], np.array([5.0])).tolist() == [8.0]


def test_the_largest_of_values_is_the_one_itself():
    v, w = Value(1.0), Value(3.0)
    assert ag.max(v, w) is w
    assert ag.max([v, w]) is w
    assert ag.min(x for x in (v, w, 7.0)) is v
    assert ag.max(v, 2) == 2
    assert ag.max([v, w], key=lambda x: -x.data) is v
    assert gradients(ag.max(v * w, w * w), w) == 6.0
    assert ag.abs(Value(-2.0)).data == 2.0


def test_on_arrays_they_are_numpys():
    a = np.array([[1.0, -4.0], [3.0, 2.0]])
    for x in (a, Tensor(a)):
        assert ag.sum(x).item() == 2.0
        assert np.asarray(ag.sum(x, 0).tolist()).tolist() == [4.0, -2.0]
        assert ag.max(x, axis=1).tolist() == [1.0, 3.0]
        assert ag.min(x, 0, keepdims=True).tolist() == [[1.0, -4.0]]
        assert ag.abs(x).tolist() == [[1.0, 4.0], [3.0, 2.0]]
    assert ag.max([[1.0, 2.0], [3.0, 0.0]], axis=0).tolist() == [3.0, 2.0]


@pytest.mark.parametrize(("name", "other"), [("max", "maximum"), ("min", "minimum")])
def test_several_tensors_are_told_what_to_write(name, other):
    x, y = Tensor([1.0, 2.0]), Tensor([2.0, 1.0])
    with pytest.raises(TypeError, match=rf"{name}: .*Tensor of shape \(2,\).* {other}\(x, y\) and stack"):
        getattr(ag, name)([x, y])
    with pytest.raises(TypeError, match=rf"{other}\(x, y\)"):
        getattr(ag, name)(x, y)


@pytest.mark.slow
def test_a_program_that_imports_everything_runs_as_before():
    program = """
from autograd import *
sizes = [2, 3]
assert [0] * sum(sizes) == [0] * 5 and range(max(sizes))[-1] == 2 and abs(-1) == 1
names = sorted(["w", "b"], key=lambda n: -len(n)); assert max(names) == "w" and min(3, 2) == 2
w, b = Value(2.0), Value(1.0)
z = sum((w * x for x in [1, 2]), b)
z.backward()
assert (z.data, w.grad, b.grad) == (7.0, 3.0, 1.0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
