"""The programs of the lectures, samples in columns: their gradients are those of the lectures' own formulas."""

import importlib.util

import numpy as np
import pytest

from autograd import derive
from tests.support.oracles import ROOT

spec = importlib.util.spec_from_file_location("lectures", ROOT / "examples" / "programs" / "lectures_in_columns.py")
lectures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lectures)


def by_hand(lecture, weights, X, Y):
    """dW1, db1, dW2 ... in NumPy, by the formulas of the lectures: dZ = A - Y at the end, then from layer to layer."""
    m = X.shape[1]
    W, b = [w.data for w in weights[::2]], [w.data for w in weights[1::2]]
    A, slopes = [X], []
    for layer, (w, c) in enumerate(zip(W, b, strict=True)):
        z = w.dot(A[-1]) + c
        if layer == len(W) - 1:
            e = np.exp(z)
            A.append(e / e.sum(axis=0) if lecture == "003" else 1 / (1 + np.exp(-z)))
        elif lecture == "000":
            A.append(1 / (1 + np.exp(-z)))
            slopes.append(A[-1] * (1 - A[-1]))
        else:
            A.append(np.maximum(z, 0))
            slopes.append(z > 0)
    dZ = A[-1] - (Y if lecture == "003" else Y[:1] + Y[1:2])
    gradients = []
    for layer in reversed(range(len(W))):
        gradients = [dZ.dot(A[layer].T) / m, dZ.sum(axis=1, keepdims=True) / m, *gradients]
        if layer:
            dZ = W[layer].T.dot(dZ) * slopes[layer - 1]
    return gradients


@pytest.fixture(params=lectures.LECTURES)
def program(request):
    rng = np.random.default_rng(1)
    X, Y = lectures.points(rng, 30)
    return request.param, lectures.parameters(rng, *lectures.LECTURES[request.param][0]), X, Y


def test_the_gradients_are_those_that_the_lecture_derives(program):
    lectures.cost(*program).backward()
    for w, expected in zip(program[1], by_hand(*program), strict=True):
        assert w.grad == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_the_derivation_is_that_of_the_lecture(program):
    lecture, weights, _, _ = program
    last = len(weights) // 2
    sub = "₀₁₂₃"[last]
    text = derive(lectures.cost(*program), weights[0]).text()
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "∂J/∂W₁, samples in columns, m = 30"
    assert any(line.endswith(f"= A{sub} − Y") for line in lines)
    assert f"dW{sub} = (1/m) dZ{sub} A{'₀₁₂₃'[last - 1]}ᵀ" in lines
    assert f"db{sub} = (1/m) Σᵢ dZ{sub}(i)" in lines
    assert "dW₁ = (1/m) dZ₁ Xᵀ" in lines or lecture == "000"


def test_they_learn(program):
    before, after = lectures.train(*program, rate=1.0, steps=300)
    assert after < 0.6 * before


def test_it_prints_every_lecture(capsys):
    lectures.main(["--steps", "3"])
    printed = capsys.readouterr().out
    for lecture in lectures.LECTURES:
        assert f"Lecture {lecture}" in printed
