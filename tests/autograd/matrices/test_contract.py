"""Every line of every notation, read in order by an independent reader, is the number beside it."""

import re

import numpy as np
import pytest
from matrix_readers import LatexReader, Reader, numpy_reads
from network_derivations import NETWORKS
from random_derivations import Computation, Mixture
from sizes import mostly_slow, slow

from autograd import Tensor, derive, einsum
from autograd.graph import topological_order

FORMS = "rows", "columns"
USUAL, ALL = 5, 1055


def read_back(derivation):
    """Reads a derivation from the first line to the last, each by what was given or read before it."""
    notations = derivation.notations
    parameters = {u.label for u in (derivation.source, *(s.node for s in derivation)) if u.op is None}
    known = {k: x for k, x in derivation.quantities.items() if k in derivation.given or k in parameters}
    known |= {k: x for k, x in derivation.quantities.items() if k in _leaves(derivation)}
    derivatives = {}
    setting = {"columns": derivation.columns, "samples": derivation.samples, "count": notations.count}
    lines = [("", d.label, (d.formula,), d.value) for d in derivation.definitions]
    lines += [("d", s.label, s.formulas, s.value) for s in derivation]
    names = [d + notations.names.text(label) for d, label, *_ in lines]
    assert len(set(names)) == len(names)
    for d, label, formulas, value in lines:
        for formula in formulas:
            check(notations, known, derivatives, formula, value, setting)
        (derivatives if d else known)[label] = value


def _leaves(derivation):
    return {u.label for u in topological_order(derivation.target) if u.op is None}


def check(notations, known, derivatives, formula, value, setting):
    samples, count = setting["samples"], setting["count"]
    text = notations.ascii(digits=None).sum(formula)
    if "..." in re.sub(r"\[.*?\]", "", text):
        return  # a part is left out because it is too long
    assert text.isascii()
    found = numpy_reads(text, notations.names.ascii, known, derivatives, samples=samples, count=count)
    if formula.terms:
        assert found.shape == value.shape, text
    close(found, value, text)
    for kind, write, notation in (
        (Reader, notations.names.text, notations.text()),
        (LatexReader, notations.names.latex, notations.latex()),
    ):
        notation.digits = None
        reader = kind(write, known, derivatives, **setting)
        text = notation.sum(formula)
        found = reader.read(text, value.shape)
        if "repeat" in text:  # along as many places as the shape below says
            found = np.broadcast_to(found, value.shape)
        assert not formula.terms or flat(found.shape) == flat(value.shape), text
        close(found.reshape(value.shape) if found.size == value.size else found, value, text)


def flat(shape):
    return tuple(n for n in shape if n != 1)


def close(found, value, text):
    scale = max(1.0, float(np.abs(value).max(initial=0.0)))
    np.testing.assert_allclose(found + np.zeros(value.shape), value, rtol=1e-7, atol=1e-9 * scale, err_msg=text)


def run(seed):
    computation = Mixture(seed) if seed % 3 == 2 else Computation(seed)
    source = computation.parameters[computation.rng.integers(len(computation.parameters))]
    if not all((np.abs(u.numpy()) < 30).all() for u in topological_order(computation.target)):
        return  # where log(1 − σ(z)) is beyond rounding
    for form in FORMS:
        read_back(derive(computation.target, source, form=form))


def test_every_line_is_the_number_beside_it():
    for seed in range(USUAL):
        run(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(USUAL, ALL, 50))
def test_every_line_of_many_more_is_the_number_beside_it(start):
    for seed in range(start, start + 50):
        run(seed)


@pytest.mark.parametrize("form", ["rows", *slow("columns")])
@pytest.mark.parametrize("name", mostly_slow(NETWORKS, "cnn", "attention", "maxout"))
def test_every_line_of_a_network_is_the_number_beside_it(name, form):
    loss, parameters = NETWORKS[name]()
    first, *_, last = [*parameters.values()] * 2
    for parameter in (first, last):
        read_back(derive(loss, parameter, form=form))


PLAIN = "ij,jk->ik ij,kj->ik ji,jk->ik ij,jk->ki ij->ji ij->i i,j->ij i,i-> ij,ij-> ii-> ij,j->i i,ij->j ij,i->ij"


@pytest.mark.parametrize("subscripts", PLAIN.split())
def test_sums_over_named_axes_are_read_back_where_matrix_products_say_them(subscripts):
    rng, sizes = np.random.default_rng(0), {"i": 2, "j": 3, "k": 4, "l": 2}
    terms = subscripts.partition("->")[0].split(",")
    xs = [Tensor(rng.normal(size=[sizes[c] for c in t]), name) for t, name in zip(terms, "ABC", strict=False)]
    z = einsum(subscripts, *xs)
    z.label = "Z"
    target = (z * z).sum() if z.ndim else z * z
    target.label = "L"
    for x in xs:
        derivation = derive(target, x)
        assert "einsum" not in derivation.text(ascii=True)
        read_back(derivation)
