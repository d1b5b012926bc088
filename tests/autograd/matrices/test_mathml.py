"""Formulas of arrays as MathML: well-formed, with every sign in a token, and the same formulas as in text."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from named import named
from network_derivations import NETWORKS
from sizes import mostly_slow, slow

from autograd import Tensor, derive, exp, log, logsumexp, norm, relu, softmax, sqrt

rng = np.random.default_rng(3)
TOKENS = {"mi", "mn", "mo", "mtext"}


def tensor(label, *shape):
    return Tensor(rng.normal(size=shape), label=label)


def network():
    x, w, b = tensor("X", 4, 2), tensor("W[1]", 3, 2), tensor("b[1]", 3)
    a = named(relu(named(x @ w.T + b, "Z[1]")), "A[1]")
    return named(((a - tensor("Y", 4, 3)) ** 2).mean(), "L"), w


def classifier():
    x, w = tensor("X", 4, 2), tensor("W[1]", 3, 2)
    p = named(softmax(x @ w.T), "Y_hat")
    return named(-(log(p) * np.eye(3)[[0, 1, 2, 0]]).sum(), "L"), w


def functions():
    x = tensor("x", 4, 3)
    q = named((exp(x) ** 2 / sqrt(1 + x * x)).sum(axis=1), "q")
    return named(norm(q) + logsumexp(q), "L"), x


def written(make, with_shapes=False):
    """The right side of every line of a derivation, as MathML and as text."""
    found = derive(*make())
    to, plain = found.notations.mathml(with_shapes=with_shapes), found.notations.text()
    formulas = [d.formula for d in found.definitions] + [x for s in found.steps for x in s.formulas]
    return [(to.sum(x), plain.sum(x)) for x in formulas]


@pytest.mark.parametrize("with_shapes", [False, True])
@pytest.mark.parametrize("make", [network, classifier, functions])
def test_it_is_well_formed_and_every_sign_stands_in_a_token(make, with_shapes):
    for markup, _ in written(make, with_shapes):
        root = ElementTree.fromstring(f"<math>{markup}</math>")
        for one in root.iter():
            assert (one.tag in TOKENS) or not (one.text or "").strip(), markup
            assert not (one.tail or "").strip(), markup


@pytest.mark.parametrize(
    ("make", "text", "tokens"),
    [
        (network, "X W[1]ᵀ + b[1]", "X W [1] T + b [1]"),
        (network, "relu(Z[1])", "relu ( Z [1] )"),
        (network, "dA[1] ⊙ [Z[1] > 0]", "dA [1] ⊙ [ Z [1] > 0 ]"),
        (network, "(1/m) dZ[1]ᵀ X", "1 m dZ [1] T X"),
        (network, "(1/m) Σᵢ dZ[1](i)", "1 m ∑ i=1 m dZ [1](i)"),
        (classifier, "(Ŷ − Y)ᵀ X", "( Y ^ − Y ) T X"),
        (classifier, "softmax(X W[1]ᵀ)", "softmax ( X W [1] T )"),
        (functions, "(Σ(exp(x)^∘2/√(1 + x ⊙ x) over axis 1))ᵀ", "( ∑ axis 1 exp ( x ) ∘2 1 + x ⊙ x ) T"),
        (functions, "‖q‖ + logsumexp(q)", "‖ q ‖ + logsumexp ( q )"),
    ],
)
def test_its_tokens_are_those_of_the_text(make, text, tokens):
    found = {plain: markup for markup, plain in written(make)}
    assert text in found, list(found)
    shown = "".join(ElementTree.fromstring(f"<math>{found[text]}</math>").itertext())
    assert shown.replace("\u2061", "").replace(" ", "") == tokens.replace(" ", "")


def test_a_transpose_stands_beside_the_layer_as_lectures_write_it():
    (z, *_) = (markup for markup, text in written(network) if text == "X W[1]ᵀ + b[1]")
    assert '<mo stretchy="false">]</mo><mi>T</mi></mrow></msup>' in z


def test_shapes_stand_under_the_names():
    z = next(markup for markup, _ in written(network, with_shapes=True))
    assert re.findall(r"<mtext>([\d×]+)</mtext></munder>", z) == ["4×2", "2×3", "3"]


@pytest.mark.parametrize("form", ["rows", *slow("columns")])
@pytest.mark.parametrize(
    "name",
    mostly_slow(NETWORKS, *(name for name in NETWORKS if not re.search("rnn|lstm|gru|step|embedding", name)), "lstm"),
)
def test_networks_are_well_formed_and_every_sign_stands_in_a_token(name, form):
    loss, parameters = NETWORKS[name]()
    found = derive(loss, next(iter(parameters.values())), form=form)
    to = found.notations.mathml(with_shapes=True)
    for formula in [d.formula for d in found.definitions] + [x for s in found.steps for x in s.formulas]:
        markup = to.sum(formula)
        root = ElementTree.fromstring(f"<math>{markup}</math>")
        for one in root.iter():
            assert (one.tag in TOKENS) or not (one.text or "").strip(), markup
            assert not (one.tail or "").strip(), markup


def tokens_of(found):
    """The last line without its marks."""
    markup = found.notations.mathml().sum(found.steps[-1].formula)
    return "".join(ElementTree.fromstring(f"<math>{markup}</math>").itertext())


def test_a_sum_over_time_and_a_convolution_in_tokens():
    loss, parameters = NETWORKS["rnn"]()
    across = derive(loss, parameters["W[1]_h"])
    shown = "".join(
        ElementTree.fromstring(f"<math>{across.notations.mathml().sum(across.steps[-1].formula)}</math>").itertext()
    )
    assert shown == "1m∑t=24dZ[1]⟨t⟩TH[1]⟨t−1⟩"
    loss, parameters = NETWORKS["cnn_with_strides"]()
    kernel = derive(loss, parameters["W[1]"])
    shown = "".join(
        ElementTree.fromstring(f"<math>{kernel.notations.mathml().sum(kernel.steps[-1].formula)}</math>").itertext()
    )
    assert shown == "1mX⋆(s=2×1, p=1×0+1)dZ[1]"


def cells(markup):
    """The two sides of every line of a whole derivation."""
    root = ElementTree.fromstring(re.sub(' xmlns="[^"]*"', "", markup))
    assert all(one.tag in TOKENS or not (one.text or "").strip() for one in root.iter())
    assert not any((one.tail or "").strip() for one in root.iter())
    return [tuple(row) for row in root.find("mtable")]


def signs(cell):
    return "".join(cell.itertext()).replace("\u2061", "").replace(" ", "")


def numbers_in(table):
    return [[float(signs(cell).replace("−", "-")) for cell in row] for row in table.findall("mtr")]


def test_a_whole_derivation_has_a_line_for_every_quantity_and_step_with_its_numbers():
    found = derive(*network())
    lines = {signs(left): right for left, right in cells(found.mathml(shapes=False))}
    assert signs(lines.pop("m")) == "=4"
    for label, x in found.given.items():
        assert numbers_in(lines.pop(label).find("mtable")) == [pytest.approx(row, rel=1e-3) for row in x]
    assert list(lines) == [d.label for d in found.definitions] + [f"d{s.label}" for s in found.steps]
    for step in found.steps:
        assert numbers_in(lines[f"d{step.label}"].findall("mtable")[-1]) == [
            pytest.approx(row, rel=1e-3) for row in np.atleast_2d(step.value)
        ]


def test_a_whole_derivation_has_shapes_and_digits_as_asked_and_says_what_it_leaves_out():
    found = derive(*network())
    assert "<mtext>4×2</mtext>" in found.mathml()
    assert "<mtext>4×2</mtext>" not in found.mathml(shapes=False)
    assert max(len(d) for d in re.findall(r"<mn>-?0\.0*(\d+)", found.mathml(digits=2))) == 2
    assert [signs(right) for _, right in cells(found.mathml(most=1))].count("⋮") == 2
    with pytest.raises(ValueError, match=r"MatrixDerivation\.mathml: expected digits"):
        found.mathml(digits=0)
    far = derive(found.target, Tensor([1.0], "c"))
    assert [signs(right) for _, right in cells(far.mathml())] == ["=0"]


def test_a_whole_derivation_says_what_its_signs_mean():
    loss, parameters = NETWORKS["rnn"]()
    _, note = cells(derive(loss, parameters["W[1]_h"]).mathml())[-1]
    assert signs(note) == "X⟨t⟩=X[:,t−1]issteptofX,samplesinrows"


def test_numbers_of_many_columns_begin_a_line_of_their_own():
    x, w = tensor("x", 5), tensor("w", 5)
    lines = [(signs(left), signs(right)) for left, right in cells(derive(named((w * x).sum(), "L"), w).mathml())]
    (at,) = (i for i, (left, _) in enumerate(lines) if left.startswith("dw"))
    assert "0." not in lines[at][1]
    assert lines[at + 1][0] == ""
    assert lines[at + 1][1].count(".") == 5


def test_an_index_stays_small_beside_what_is_tall():
    x = tensor("X", 3, 2)
    found = derive(named((x[-1:] ** 2).sum(), "L"), x).mathml()
    assert '<mo stretchy="false">[</mo><mtext>-1:</mtext><mo stretchy="false">]</mo>' in found
