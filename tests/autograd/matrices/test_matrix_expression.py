"""Formulas of arrays: what pulls give when they are read on names, in shape, notation and numbers."""

import numpy as np
import pytest

import autograd
from autograd.matrices.atoms import transposed
from autograd.matrices.expression import MatrixExpression, matrix, named
from autograd.matrices.notation import MatrixAscii, MatrixLatex, MatrixText
from autograd.op import array_table, find, table
from autograd.ops import choosing, elementwise, extremes, matrices, norms, shapes, softmaxes, sums

RNG = np.random.default_rng(0)


def array(label, *shape, **options):
    return named(label, RNG.normal(size=shape), **options)


def text(x):
    return MatrixText().sum(x.formula)


def ascii_text(x):
    return MatrixAscii().sum(x.formula)


def latex(x):
    return MatrixLatex().sum(x.formula)


def evaluated(formula, **arrays):
    """The ASCII form computed by NumPy."""
    space = {name.removeprefix("array_"): op.forward for name, op in array_table.items()}
    space |= {name: getattr(autograd, name) for name in autograd.__all__}
    space |= {"ones": np.ones, "s_": np.s_, "clip": np.clip, "m": 4} | arrays
    return np.asarray(eval(MatrixAscii(digits=None).sum(formula), space))


# ---------------------------------------------------------------- notation

g, z = array("Z", 4, 3, samples=-2, is_gradient=True), array("Z", 4, 3, samples=-2)
x, w, b = array("X", 4, 2), array("W", 3, 2), array("b", 3)


@pytest.mark.parametrize(
    ("formula", "unicode", "plain", "tex"),
    [
        (g.T @ x, "dZᵀ X", "dZ.T @ X", r"dZ^{T}\, X"),
        (x @ w.T + b, "X Wᵀ + b", "X @ W.T + b", r"X\, W^{T} + b"),
        ((x @ w.T).T, "W Xᵀ", "W @ X.T", r"W\, X^{T}"),
        (x.T.T, "X", "X", "X"),
        (2 * (g @ w), "2 dZ W", "2 * dZ @ W", r"2\, dZ\, W"),
        ((0.5 * g) @ (4 * w), "2 dZ W", "2 * dZ @ W", r"2\, dZ\, W"),
        (g * z * (1 - z), "dZ ⊙ Z ⊙ (1 − Z)", "dZ * Z * (1 - Z)", r"dZ \odot Z \odot (1 - Z)"),
        ((g @ w) * x, "(dZ W) ⊙ X", "(dZ @ W) * X", r"(dZ\, W) \odot X"),
        ((g + z) @ w, "(dZ + Z) W", "(dZ + Z) @ W", r"(dZ + Z)\, W"),
        (g.sum((0,)), "Σᵢ dZ(i)", "dZ.sum(0)", r"\sum_{i=1}^{m} dZ^{(i)}"),
        (g.sum(1, True), "Σⱼ dZⱼ", "dZ.sum(1, keepdims=True)", r"\sum_{j=1}^{3} dZ_{j}"),
        ((g * z).sum(), "Σ(dZ ⊙ Z)", "(dZ * Z).sum()", r"\sum (dZ \odot Z)"),
        (z / w.sum(), "Z/Σ(W)", "Z/W.sum()", r"\frac{Z}{\sum W}"),
        (z * z, "Z ⊙ Z", "Z**2", r"Z \odot Z"),
        ((z + 1) ** 3, "(Z + 1)^∘3", "(Z + 1)**3", r"{(Z + 1)}^{\circ 3}"),
        (1 / z - z, "1/Z − Z", "1/Z - Z", r"\frac{1}{Z} - Z"),
        (elementwise.relu(z), "relu(Z)", "relu(Z)", r"\operatorname{relu}(Z)"),
        (elementwise.sigmoid(z), "σ(Z)", "sigmoid(Z)", r"\sigma(Z)"),
        (autograd.softmax(z), "softmax(Z)", "softmax(Z)", r"\operatorname{softmax}(Z)"),
        (z[1:, 0], "Z[1:, 0]", "Z[1:, 0]", r"Z[\mathtt{1:, 0}]"),
        (sums.array_mean(z, 0), "(1/m) Σᵢ Z(i)", "(1/m) * Z.sum(0)", r"\frac{1}{m}\, \sum_{i=1}^{m} Z^{(i)}"),
        (
            sums.array_mean(w, 1),
            "½ (Σ(W over axis 1))ᵀ",
            "0.5 * W.sum(1)",
            r"\frac{1}{2}\, (\sum_{\text{axis 1}} W)^{T}",
        ),
        (b[:, None], "bᵀ", "b[:, None]", "b^{T}"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_notation(formula, unicode, plain, tex):
    assert text(formula) == unicode
    assert ascii_text(formula) == plain
    assert latex(formula) == tex
    found = evaluated(formula.formula, dZ=g.value, Z=z.value, X=x.value, W=w.value, b=b.value)
    np.testing.assert_allclose(found, formula.value, rtol=1e-12)


def test_shapes_stand_below_names():
    written = MatrixText(with_shapes=True).sum((g.T @ x).formula)
    assert "3×4" in written
    assert "4×2" in written
    assert r"\underset{3 \times 4}{dZ^{T}}" in MatrixLatex(with_shapes=True).sum((g.T @ x).formula)


def test_the_transpose_is_pushed_inwards():
    formula = (elementwise.sigmoid(x @ w.T) * z).formula
    assert MatrixText().sum(transposed(formula)) == "σ(W Xᵀ) ⊙ Zᵀ"
    found = evaluated(transposed(formula), Z=z.value, X=x.value, W=w.value)
    np.testing.assert_allclose(found, (1 / (1 + np.exp(-x.value @ w.value.T)) * z.value).T, rtol=1e-12)


def test_what_broadcasting_made_is_spelled_out_where_it_matters():
    ones = shapes.broadcast_to(matrix(2.0), (4, 3))
    assert text(ones) == "2"
    assert ascii_text(x.T @ ones) == "2 * X.T @ ones((4, 3))"
    assert text(ones.sum(0)) == "8"
    np.testing.assert_allclose(evaluated((x.T @ ones).formula, X=x.value), (x.T @ ones).value)


def test_comparisons_remember_what_was_compared():
    condition = z > 0
    assert isinstance(condition, np.ndarray)
    np.testing.assert_array_equal(np.asarray(condition), z.value > 0)
    assert text(matrix(condition)) == "[Z > 0]"
    assert text(matrix(~condition)) == "[Z ≤ 0]"
    assert text(matrix((z >= -1) & (z <= 1))) == "[Z ≥ −1] ⊙ [Z ≤ 1]"
    assert (matrix(2.0) > 1.0) is True
    assert text(choosing.where(condition, z, 0.5)) == "Z ⊙ [Z > 0] + ½ [Z ≤ 0]"
    assert text(choosing.where(z * z >= 0, z, 1 / z)) == "Z"


def test_constants_that_are_probabilities_sum_to_1():
    assert text(matrix(np.eye(3)).sum(1, True)) == "1"
    assert text(matrix(2 * np.eye(3)).sum(1, True)) != "1"


def test_equal_constants_are_one():
    a, b = np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3)
    assert text(matrix(a) - matrix(b)) == "0"
    assert text(matrix(a) - matrix(b + 1)) != "0"


def test_it_tells_what_an_array_tells():
    assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((4, 2), 2, 8, 4, np.float64)
    assert repr(2 * x) == "<formula 2 * X of shape (4, 2)>"
    assert isinstance(np.ones((4, 2)) * x, MatrixExpression)
    assert isinstance(np.ones((3, 4)) @ x, MatrixExpression)


# ---------------------------------------------------------------- every operation of the table

UNARY = [name for name, op in table.items() if len(op.pulls) == 1 and not op.reduces]
BINARY = [name for name, op in table.items() if len(op.pulls) == 2 and not op.reduces]


@pytest.mark.parametrize("name", UNARY)
def test_pulls_of_one_operand_read_on_names_are_those_on_arrays(name):
    op = find(name)
    is_positive = name in ("log", "log1p", "log2", "log10", "sqrt")
    values = RNG.uniform(0.2, 1.7, size=(4, 3)) * (1 if is_positive else np.array([1.0, -1.0, 1.0]))
    values *= 0.5 if name in ("arcsin", "arccos") else 1.0
    arriving = RNG.normal(size=(4, 3))
    operand, upstream = named("X", values), named("Z", arriving, is_gradient=True)
    result = named("Z", op.forward(values))
    formula = op.pulls[0](upstream, result, operand)
    expected = op.pulls[0](arriving, op.forward(values), values)
    found = evaluated(matrix(formula).formula, dZ=arriving, Z=op.forward(values), X=values)
    np.testing.assert_allclose(np.broadcast_to(found, (4, 3)), expected, rtol=1e-12)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", BINARY)
def test_pulls_of_two_operands_read_on_names_are_those_on_arrays(name, place):
    op = find(name)
    values = [RNG.uniform(0.2, 1.7, size=(4, 3)) for _ in range(2)]
    arriving, result = RNG.normal(size=(4, 3)), op.forward(*values)
    names = [named(label, value) for label, value in zip("XY", values, strict=True)]
    formula = op.pulls[place](named("Z", arriving, is_gradient=True), named("Z", result), *names)
    expected = op.pulls[place](arriving, result, *values)
    found = evaluated(matrix(formula).formula, dZ=arriving, Z=result, X=values[0], Y=values[1])
    np.testing.assert_allclose(np.broadcast_to(found, (4, 3)), expected, rtol=1e-12)


SHAPED = {
    "matmul": (matrices.matmul.op, [(4, 3), (3, 2)], []),
    "affine": (matrices.affine.op, [(4, 3), (2, 3), (2,)], []),
    "sum of all": (sums.array_sum.op, [(4, 3)], [None, False]),
    "sum of rows": (sums.array_sum.op, [(4, 3)], [1, False]),
    "mean": (sums.array_mean.op, [(4, 3)], [0, True]),
    "prod": (sums.array_prod.op, [(4, 3)], [1, False]),
    "std": (sums.std.op, [(4, 3)], [0, True, 0]),
    "norm": (norms.norm.op, [(4, 3)], [1, False]),
    "max": (extremes.max.op, [(4, 3)], [1, False]),
    "softmax": (softmaxes.array_softmax.op, [(4, 3)], [-1]),
    "log softmax": (softmaxes.array_log_softmax.op, [(4, 3)], [-1]),
    "logsumexp": (softmaxes.array_logsumexp.op, [(4, 3)], [1, False]),
    "reshape": (shapes.reshape.op, [(4, 3)], [(2, 6)]),
    "transpose": (shapes.transpose.op, [(4, 3, 2)], [(1, 2, 0)]),
    "transpose, turned once more": (shapes.transpose.op, [(4, 3, 2, 5)], [(3, 0, 2, 1)]),
    "transpose, exchanging": (shapes.transpose.op, [(4, 3, 2)], [(0, 2, 1)]),
    "getitem": (shapes.getitem.op, [(4, 3)], [(slice(1, 3), [0, 0])]),
    "broadcast": (shapes.broadcast_to.op, [(4, 1)], [(4, 3)]),
}


@pytest.mark.parametrize("case", SHAPED)
def test_pulls_that_move_arrays_read_on_names_are_those_on_arrays(case):
    op, shapes, rest = SHAPED[case]
    values = [RNG.uniform(0.2, 1.7, size=shape) for shape in shapes]
    result = np.asarray(op.forward(*values, *rest))
    arriving = RNG.normal(size=result.shape)
    names = [named(label, value) for label, value in zip("XWb", values, strict=False)]
    for i, value in enumerate(values):
        formula = op.pulls[i](named("Z", arriving, is_gradient=True), named("Z", result), *names, *rest)
        expected = op.pulls[i](arriving, result, *values, *rest)
        np.testing.assert_allclose(formula.value, expected, rtol=1e-12)
        assert formula.shape == value.shape
        written = formula.spelled_out()
        if case != "max":  # whose shares are a constant, which has no name here
            found = evaluated(written, dZ=arriving, Z=result, **dict(zip("XWb", values, strict=False)))
            np.testing.assert_allclose(found, expected, rtol=1e-9)
