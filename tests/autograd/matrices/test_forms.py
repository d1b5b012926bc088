"""What derivations in matrices know of an operation: how it stands in columns, and what a form of one's own says."""

import numpy as np
import pytest
from tables import restored

from autograd import Tensor, concatenate, derive, flip, linear, roll, tanh
from autograd.matrices.atoms import Form
from autograd.matrices.notation import Piece
from autograd.op import structural

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [1.0, 2.0, 3.0], [0.0, 1.0, 0.0]])
IN_COLUMNS = {
    "flip(Z, axis=0)": lambda z: flip(z, 1),
    "roll(Z, shift=1, axis=0)": lambda z: roll(z, 1, -1),
    "[Z ; Z]": lambda z: concatenate([z, z], 1),
    "Z[:1]": lambda z: z[:, :1],
}


@pytest.mark.parametrize("written", IN_COLUMNS)
def test_what_moves_numbers_works_along_the_other_axis_in_columns(written):
    W, b = Tensor([[0.5, -1.0, 1.0], [2.0, 0.25, 3.0]], "W"), Tensor([0.1, 0.2], "b")
    Z = linear(Tensor(X, "X"), W, b)
    Z.label = "Z"
    A = tanh(IN_COLUMNS[written](Z))
    A.label = "A"
    L = (A * A).mean()
    rows, columns = (derive(L, W, form=way) for way in ("rows", "columns"))
    assert str(next(d for d in columns.definitions if d.label == "A").formula) == f"tanh({written})"
    assert "ᵀ" not in str(next(s for s in columns.steps if s.name == "dZ"))
    assert np.array_equal(rows.value, columns.value)


@restored()
def test_a_form_of_ones_own_says_how_an_operation_is_built_and_written():
    @structural(lambda g, z, x: doubled(g))
    def doubled(x):
        """x twice. Gradient: twice too."""
        return x + x

    def step():
        W = Tensor(X, "W")
        return str(derive((doubled(W) * X[::-1]).sum(), W).steps[-1])

    assert step() == "dW = doubled(C)"

    class Written(Form, of=doubled):
        def piece(self, to, a):
            return Piece(f"{to.operator('twice')} {to.sum(a.parts[0])}")

    assert step() == "dW = twice C"

    class Built(Form, of=doubled):
        def built(self, operands, shape):
            return (2.0 * operands[0]).formula

    assert step() == "dW = 2 C"


@restored()
def test_a_layer_of_ones_own_tells_which_operand_is_the_data_and_how_many_samples_there_are():
    @structural(lambda g, z, x, w: g @ w, lambda g, z, x, w: g.T @ x, text="# ⊛ #", linear=(0, 1), by_sample=True)
    def layer(x, w):
        """x wᵀ. Gradients: g w and gᵀ x."""
        return x @ w.T

    W = Tensor([[0.5, -1.0, 1.0], [2.0, 0.25, 3.0]], "W")
    Z = layer(X, W)
    Z.label = "Z"
    L = (Z * Z).mean()
    rows, columns = (derive(L, W, form=way) for way in ("rows", "columns"))
    assert str(rows.steps[-1]) == "dW = (1/m) dZᵀ X = (1/m) Zᵀ X"
    assert str(columns.steps[-1]) == "dW = (1/m) dZ Xᵀ = (1/m) Z Xᵀ"
    assert str(rows.definitions[0].formula) == "X ⊛ W"
    assert rows.value == pytest.approx(2 * (X @ W.numpy().T).T @ X / 8)
