"""The page on programs built on the library: what it defines on arrays is differentiated, written and solved right.

That its programs run, and print what stands below them, is tested in `test_docs`.
"""

import contextlib
import io

import numpy as np
import pytest
from markdown import blocks
from oracles import ROOT
from tables import restored

from autograd import Tensor, Value, check_gradients, derive, gradients, hessian
from nn.models import saving

PAGE = ROOT / "docs" / "building-on-gradpath.md"
RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
B = RNG.normal(size=(3, 2))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What the programs of the page define."""
    scope = {"__name__": "building"}
    classes = dict(saving.registered)
    with restored(), contextlib.chdir(tmp_path_factory.mktemp("page")), contextlib.redirect_stdout(io.StringIO()):
        for block in blocks(PAGE):
            if block.language == "python":
                exec(block.text, scope)
        yield scope
    saving.registered.clear()
    saving.registered.update(classes)


@pytest.mark.slow
def test_solve_and_logdet_are_numpys(page):
    np.testing.assert_allclose(A @ page["solve"](A, B), B, atol=1e-12)
    assert page["logdet"](A) == pytest.approx(np.log(abs(np.linalg.det(A))))
    assert type(page["solve"](Tensor(A), B)) is Tensor


def test_their_first_and_second_derivatives_are_those_of_differences(page):
    solve, logdet = page["solve"], page["logdet"]
    check_gradients(lambda a, b: (solve(a, b) ** 2).sum() + logdet(a), (A, B))

    def f(a):
        return (solve(a, B) ** 2).sum() + logdet(a)

    def slope(a):
        leaf = Tensor(a)
        return gradients(f(leaf), leaf)

    second = hessian(f)(A)
    for i, j in ((0, 0), (1, 2), (2, 0)):
        h = np.zeros((3, 3))
        h[i, j] = 1e-5
        np.testing.assert_allclose(second[i, j], (slope(A + h) - slope(A - h)) / 2e-5, rtol=1e-6, atol=1e-6)


def test_the_gradient_of_logdet_is_the_transposed_inverse(page):
    a = Tensor(A, "A")
    np.testing.assert_allclose(gradients(page["logdet"](a), a), np.linalg.inv(A).T, rtol=1e-10)


def test_they_are_written_in_derivations(page):
    a, b = Tensor(A, "A"), Tensor(B, "B")
    derivation = derive(page["solve"](a, b).sum() + page["logdet"](a), a)
    assert "solve" in derivation.text()
    np.testing.assert_allclose(derivation.value, gradients(page["solve"](a, b).sum() + page["logdet"](a), a))


def test_a_value_is_no_array(page):
    with pytest.raises(TypeError, match="logdet: expected an array or a Tensor, got a Value; keep the numbers in one"):
        page["logdet"](Value(2.0))
