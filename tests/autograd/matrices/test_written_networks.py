"""Networks as lecture notes write them: convolution, time, attention, normalization; lines letter for letter.

That every line is the number beside it, is test_contract.py's.
"""

import numpy as np
import pytest
from nets import NETS, given, made, samples
from network_derivations import NETWORKS
from sizes import mostly_slow

import autograd as ag
from autograd import Tensor, derive, softmax
from nn import Sequential
from nn.layers import Conv2D, Dense, SimpleRNN
from nn.losses import SparseCategoricalCrossentropy


def lines(name, parameter=None, form="rows"):
    """What is printed of a network, by the name of each quantity and each derivative."""
    loss, parameters = NETWORKS[name]()
    found = derive(loss, parameters[parameter] if parameter else next(iter(parameters.values())), form=form)
    definitions = {d.label: str(d.formula) for d in found.definitions}
    return definitions | {s.name: s.text().partition(" = ")[2] for s in found}


def test_a_convolution_is_written_as_in_the_notes():
    found = lines("cnn")
    assert found["Z[1]"] == "X ⋆ W[1] + b[1]"
    assert found["F[1]"] == "flatten(A[1])"
    assert found["dA[1]"] == "reshape(dF[1], 2×3×3×2)"
    assert found["dZ[1]"] == "dA[1] ⊙ [Z[1] > 0]"
    assert found["db[1]"] == "(1/m) Σ(dZ[1] over samples and places)"
    assert found["dW[1]"] == "(1/m) X ⋆ dZ[1]"


@pytest.mark.slow
def test_strides_and_zeros_around_are_said_and_pooling_goes_back_to_where_it_came_from():
    found = lines("cnn_with_pooling")
    assert found["Z[1]"] == "X ⋆(p=1) W[1] + b[1]"
    assert (found["P[1]"], found["dA[1]"]) == ("maxpool(A[1], 2×2)", "unpool(dP[1] at A[1] = P[1], 2×2)")
    assert found["dP[1]"] == "dZ[2] ∗ W[2]"
    assert found["dW[1]"] == "(1/m) X ⋆(p=1) dZ[1]"

    found = lines("cnn_with_strides")
    assert found["Z[1]"] == "X ⋆(s=2×1, p=1×0+1) W[1]"
    assert found["P[1]"] == "avgpool(Z[1], 2×2, s=1)"
    assert (found["dP[1]"], found["dZ[1]"]) == ("dZ[2] ∗(s=2) W[2]", "0.25 upsample(dP[1], 2×2, s=1)")

    found = lines("decoder")
    assert (found["P[1]"], found["dA[1]"]) == ("upsample(A[1], 2×2)", "4 avgpool(dP[1], 2×2)")


@pytest.mark.slow
def test_what_the_signs_mean_stands_once_below_a_derivation_that_uses_them():
    loss, parameters = NETWORKS["cnn_with_pooling"]()
    written = derive(loss, parameters["W[1]"])
    for sign in ("(X ⋆ W)[i, q, o] = Σ", "(X ⋆ dZ)[o, k, c] = Σ", "(dZ ∗ W)[i, r, c] = Σ", "unpool(dP at A = P): "):
        assert written.text().count(sign) == 1
    assert r"(dZ * W)_{i,r,c} = \sum_{o,\,sq+k=r}" in written.latex()
    dense, weights = NETWORKS["layer_normalization"]()
    assert "⋆" not in derive(dense, weights["W[1]"]).text()


def test_a_recurrent_net_is_backpropagation_through_time():
    found = lines("rnn", "W[1]_x")
    assert found["Z[1]<1>"] == "X⟨1⟩ W[1]ₓᵀ + b[1]"
    assert found["Z[1]<3>"] == "X⟨3⟩ W[1]ₓᵀ + b[1] + H[1]⟨2⟩ W[1]ₕᵀ"
    assert found["dH[1]<3>"] == "dZ[1]⟨4⟩ W[1]ₕ"
    assert found["dW[1]_h"] == "(1/m) Σₜ₌₂⁴ dZ[1]⟨t⟩ᵀ H[1]⟨t−1⟩"
    assert found["dW[1]_x"] == "(1/m) Σₜ₌₁⁴ dZ[1]⟨t⟩ᵀ X⟨t⟩"
    assert found["db[1]"] == "(1/m) Σₜ₌₁⁴ Σᵢ dZ[1]⟨t⟩(i)"

    found = lines("rnn", "W[1]_x", "columns")
    assert found["Z[1]<3>"] == "W[1]ₓ X⟨3⟩ + b[1] + W[1]ₕ H[1]⟨2⟩"
    assert found["dW[1]_h"] == "(1/m) Σₜ₌₂⁴ dZ[1]⟨t⟩ H[1]⟨t−1⟩ᵀ"


@pytest.mark.slow
def test_a_recurrent_net_on_another_and_a_layer_at_every_step_speak_of_steps():
    found = lines("rnn_on_rnn", "W[1]_h")
    assert found["Z[2]<2>"] == "H[1]⟨2⟩ W[2]ₓᵀ + b[2] + H[2]⟨1⟩ W[2]ₕᵀ"
    assert found["dH[1]<2>"] == "dZ[2]⟨2⟩ W[2]ₓ + dZ[1]⟨3⟩ W[1]ₕ"
    found = lines("rnn_at_every_step", "W[1]_h")
    assert found["Z[2]"] == "steps(H[1]⟨t⟩ for t = 1…3) W[2]ᵀ + b[2]"
    assert found["dW[2]"] == "(1/m) Σₜ₌₁³ dZ[2]⟨t⟩ᵀ H[1]⟨t⟩"
    assert lines("dense_at_every_step")["dW[2]"] == "(1/m) Σᵢ dZ[2](i)ᵀ A[1](i)"


@pytest.mark.slow
def test_a_loss_over_all_steps_is_the_mean_over_samples_and_steps():
    found = lines("mean_square_at_every_step", "W[1]_x")
    assert (found["L"], found["dZ[2]"]) == ("(1/(3 m)) Σ((Z[2] − Y)^∘2)", "(2/3) (Z[2] − Y)")
    assert found["dW[1]_x"] == "(1/m) Σₜ₌₁³ dZ[1]⟨t⟩ᵀ X⟨t⟩"
    found = lines("classes_at_every_step", "W[1]_x")
    assert (found["A[2]"], found["dZ[2]"]) == ("softmax(Z[2])", "(1/3) (A[2] − Y)")


def test_an_lstm_has_its_gates_and_its_memory():
    found = lines("lstm", "W[1]_h")
    assert found["F[1]<2>"] == "σ(Z[1]⟨2⟩[:, 2:4])"
    assert found["Ctilde[1]<2>"] == "tanh(Z[1]⟨2⟩[:, 4:6])"
    assert found["C[1]<2>"] == "F[1]⟨2⟩ ⊙ C[1]⟨1⟩ + I[1]⟨2⟩ ⊙ C̃[1]⟨2⟩"
    assert found["H[1]<2>"] == "O[1]⟨2⟩ ⊙ tanh(C[1]⟨2⟩)"
    assert found["dC[1]<2>"] == "dC[1]⟨3⟩ ⊙ F[1]⟨3⟩ + dH[1]⟨2⟩ ⊙ O[1]⟨2⟩ ⊙ (1 − tanh(C[1]⟨2⟩)^∘2)"
    assert found["dZ[1]<2>"] == (
        "[dI[1]⟨2⟩ ⊙ I[1]⟨2⟩ ⊙ (1 − I[1]⟨2⟩) | dF[1]⟨2⟩ ⊙ F[1]⟨2⟩ ⊙ (1 − F[1]⟨2⟩) | "
        "dC̃[1]⟨2⟩ ⊙ (1 − C̃[1]⟨2⟩ ⊙ C̃[1]⟨2⟩) | dO[1]⟨2⟩ ⊙ O[1]⟨2⟩ ⊙ (1 − O[1]⟨2⟩)]"
    )
    found = lines("lstm", "W[1]_h", "columns")
    assert found["F[1]<2>"] == "σ(Z[1]⟨2⟩[2:4])"
    assert found["dZ[1]<2>"].startswith("[dI[1]⟨2⟩ ⊙ I[1]⟨2⟩ ⊙ (1 − I[1]⟨2⟩) ; ")


@pytest.mark.slow
def test_a_gru_keeps_and_renews():
    found = lines("gru", "b[1]")
    assert found["H[1]<2>"] == "Z[1]⟨2⟩ ⊙ H[1]⟨1⟩ + (1 − Z[1]⟨2⟩) ⊙ H̃[1]⟨2⟩"
    assert found["Htilde[1]<2>"] == "tanh(U[1]⟨2⟩[:, 4:6] + R[1]⟨2⟩ ⊙ S[1]⟨2⟩[:, 4:6])"
    assert found["dZ[1]<2>"] == "dH[1]⟨2⟩ ⊙ (H[1]⟨1⟩ − H̃[1]⟨2⟩)"
    assert found["db[1]"] == "[db[1]ₓ ; db[1]ₕ]"


@pytest.mark.slow
def test_batch_normalization_is_that_of_its_paper():
    found = lines("batch_normalization")
    assert found["mu[2]"] == "(1/m) Σᵢ Z[1](i)"
    assert found["s[2]"] == "√((1/m) Σᵢ (Z[1](i) − μ[2])^∘2 + 0.001)"
    assert found["Zhat[2]"] == "(Z[1] − μ[2])/s[2]"
    assert found["Ztilde[2]"] == "Ẑ[2] ⊙ γ[2] + β[2]"
    assert found["dgamma[2]"] == "(1/m) Σᵢ(dZ̃[2](i) ⊙ Ẑ[2](i))"
    assert found["dZ[1]"] == "(dẐ[2] − (1/m) Σᵢ dẐ[2](i) − (1/m) Ẑ[2] ⊙ Σᵢ(dẐ[2](i) ⊙ Ẑ[2](i)))/s[2]"
    assert "over samples and places" in lines("batch_normalization_of_images")["dZ[1]"]


def test_layer_normalization_runs_along_the_features():
    found = lines("layer_normalization")
    assert found["mu[2]"] == "(1/3) Σⱼ Z[1]ⱼ"
    assert found["dZ[1]"] == "(1/3) (3 dẐ[2] − Σⱼ dẐ[2]ⱼ − Ẑ[2] ⊙ Σⱼ(dẐ[2]ⱼ ⊙ Ẑ[2]ⱼ))/s[2]"


@pytest.mark.slow
def test_attention_and_its_causal_mask_are_formulas():
    found = lines("attention")
    assert (found["S"], found["P"], found["O"]) == ("(1/√2) Q Kᵀ", "softmax(S)", "P V")
    assert found["dS"] == "P ⊙ (dP − Σⱼ(dPⱼ ⊙ Pⱼ))"
    assert lines("attention_of_a_batch")["dW_Q"] == "(1/m) Σᵢ X(i)ᵀ dQ(i)"
    assert lines("causal_attention")["P"] == "softmax(S − 1000000000 [row < column])"
    found = lines("causal_attention_by_where")
    assert found["P"] == "softmax(where([row ≥ column], S, −∞))"
    assert found["dS"] == "P ⊙ (dP − Σⱼ(dPⱼ ⊙ Pⱼ)) ⊙ [row ≥ column]"


def test_targets_that_look_like_a_causal_mask_are_data():
    w = Tensor(np.array([[0.5, -1.0], [1.0, 2.0]]), "W")
    p = ag.sigmoid(Tensor(np.array([[1.0, 0.5], [-1.0, 2.0]]), "X") @ w)
    y = np.array([[1.0, 0.0], [1.0, 1.0]])
    found = derive(-(y * ag.log(p) + (1 - y) * ag.log(1 - p)).sum(), w)
    assert list(found.given) == ["Y"]


def test_a_row_that_a_vector_became_does_not_stand_for_the_vector():
    c, v = Tensor(np.arange(9.0).reshape(3, 3), "C"), Tensor([1.0, 2.0, 3.0], "v")
    row = v.reshape((1, 3))
    row.label = "r"
    e = c @ v
    e.label = "e"
    found = derive((e * e).sum() + (row * row).sum(), c)
    assert str(next(d.formula for d in found.definitions if d.label == "e")) == "C v"


def test_several_heads_are_taken_apart_and_put_together_again():
    found = lines("several_heads", "W[1]_Q")
    assert found["S[1]"] == "(1/√2) heads(Q[1], 2) heads(K[1], 2)ᵀ"
    assert found["O[1]"] == "concat(P[1] heads(V[1], 2))"
    assert found["dQ[1]"] == "(1/√2) concat(dS[1] heads(K[1], 2))"
    assert found["dW[1]_Q"] == "(1/m) Σᵢ dQ[1](i)ᵀ X(i)"


def test_what_drops_numbers_is_a_mask_and_said_to_be_one():
    w, mask = Tensor(np.ones((2, 2)), "W"), np.array([[2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
    x = Tensor(np.arange(6.0).reshape(3, 2), "X")
    a = x @ w
    a.label = "A"
    found = derive(((a * mask) ** 2).sum(), w)
    assert str(found.steps[0].formula) == "2 A ⊙ (M ⊙ M)"
    assert "M: a mask, 0 where a number is dropped" in found.text()


def test_weights_of_attention_without_a_name_get_one():
    q, k, v = (Tensor(np.random.default_rng(i).normal(size=(3, 2)), name) for i, name in enumerate("QKV"))
    found = derive(((softmax(q @ k.T / 2.0) @ v) ** 2).sum(), v)
    assert [d.label for d in found.definitions] == ["P", "L"]
    assert found.steps[-1].text().startswith("dV = 2 Pᵀ")


def test_the_largest_of_several_is_a_formula_and_no_constant():
    assert lines("maxout")["dZ"] == "repeat(dA over axis 1) ⊙ [Z ≥ repeat(A over axis 1)]"
    assert "Σ([Z ≥ repeat(A over axis 1)] over axis 1, kept)" in lines("maxout_with_ties")["dZ"]
    z = Tensor([[1.0, 3.0], [5.0, 2.0]], "Z")
    found = derive((z.max(1) ** 2).sum(), z)
    assert found.given == {}
    assert found.value.tolist() == [[0.0, 6.0], [10.0, 0.0]]


def test_a_convolution_worked_by_hand_has_its_numbers_beside_the_formulas():
    # a row of four, a window of two: z = (1·1 + 2·2, 2·1 + 3·2, 3·1 + 4·2) + ½ = (5½, 8½, 11½); L = Σ z, dz = 1
    # dw = (1 + 2 + 3, 2 + 3 + 4) = (6, 9), db = 3, dx = (1, 1 + 2, 1 + 2, 2)
    x = Tensor([[[1.0], [2.0], [3.0], [4.0]]], "X")
    w, b = Tensor([[[1.0], [2.0]]], "W"), Tensor([0.5], "b")
    z = ag.conv(x, w, b)
    z.label = "Z"
    loss = z.sum()
    found = derive(loss, w)
    assert found.definitions[0].value.ravel().tolist() == [5.5, 8.5, 11.5]
    assert {s.name: s.value.ravel().tolist() for s in found} == {"dZ": [1.0] * 3, "db": [3.0], "dW": [6.0, 9.0]}
    assert str(found.steps[-1].formula) == "X ⋆ dZ"
    back = derive(loss, x)
    assert str(back.steps[-1].formula) == "dZ ∗ W"
    assert back.value.ravel().tolist() == [1.0, 3.0, 3.0, 2.0]


def test_two_steps_of_one_unit_worked_by_hand():
    # h₁ = 2·3 + 1 = 7, h₂ = 2·4 + ½·7 + 1 = 12.5, L = h₂; dh₁ = ½; dw_x = 1·4 + ½·3, dw_h = 7, db = 1 + ½
    model = Sequential([SimpleRNN(1, "linear", input_shape=(2, 1))], dtype="float64")
    model.layers[0].set_weights([[[2.0]], [[0.5]], [1.0]])
    x = Tensor([[[3.0], [4.0]]], "X")
    loss = model(x).sum()
    found = derive(loss, model.layers[0].weight)
    values = {s.name: s.value.ravel().tolist() for s in found}
    assert (values["dH[1]<1>"], values["dW[1]_x"]) == ([0.5], [5.5])


@pytest.mark.slow
def test_many_steps_are_one_line_and_none_is_lost():
    rng = np.random.default_rng(0)
    model = Sequential([SimpleRNN(2, input_shape=(80, 1)), Dense(1)], dtype="float64", rng=0)
    loss = ((model(Tensor(rng.normal(size=(3, 80, 1)), "X")) - 1.0) ** 2).mean()
    loss.backward()
    across = model.layers[0].recurrent_weight
    found = derive(loss, across)
    assert str(found.steps[-1]) == "dW[1]ₕ = (1/m) Σₜ₌₂⁸⁰ dZ[1]⟨t⟩ᵀ H[1]⟨t−1⟩"
    assert found.value == pytest.approx(across.grad, rel=1e-10)


def test_images_without_a_name_are_x():
    model = Sequential([Conv2D(2, 2, input_shape=(3, 3, 1)), Dense(1)], dtype="float64", rng=0)
    found = derive((model(np.ones((2, 3, 3, 1))) ** 2).mean(), model.layers[0].weight)
    assert str(found.definitions[0].formula) == "X ⋆ W[1] + b[1]"
    assert list(found.given) == ["X"]


QUICK = "even kernel, same", "batch norm", "masked"


@pytest.mark.parametrize("name", mostly_slow(NETS, *QUICK))
def test_no_net_has_a_constant_that_nothing_explains(name):
    for training in (True, False):
        model, loss = made(name)
        model.compile("sgd", loss)
        model.train(training)
        xs, y = samples(model, 3, np.random.default_rng(0))
        of_loss = model.loss_of(given(model, xs), y)
        for p in model.parameters():
            found = derive(of_loss, p)
            names = {label.partition("_")[0] for label in found.given}
            assert names <= {"X", "Y", "M", "omega", "mu[2]", "s[2]"}, (p.label, names)
            text = " ".join(found.text(most=1000).split())
            assert ("omega" in found.given) == ("ω: how much each sample counts" in text)
            assert ("mu[2]" in found.given) == ("μ[2], s[2]: as training left them" in text)
            assert any(label.startswith("M") for label in found.given) == ("a mask, 0 where" in text)


def test_what_each_sample_counts_has_a_name_where_a_class_is_ignored():
    model = Sequential([Dense(3, input_shape=(2,))], dtype="float64", rng=0)
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True, ignore_class=2))
    found = derive(model.loss_of(np.ones((3, 2)), [0, 2, 1]), model.layers[0].weight)
    assert np.ravel(found.given["omega"]).tolist() == [0.5, 0.0, 0.5]
    assert "ω: how much each sample counts" in found.text()


def test_the_gradient_of_averages_with_padding_has_a_name_and_is_right():
    x = Tensor(np.arange(12.0).reshape(1, 3, 4, 1), label="X")
    loss = (ag.average_pool(x, 2, 2, "same") ** 2).sum()
    found = derive(loss, x)
    assert "share(" in found.text()
    p = np.array([[2.5, 4.5], [8.5, 10.5]])
    expected = np.array([[p[0, 0] / 4] * 2 + [p[0, 1] / 4] * 2] * 2 + [[p[1, 0] / 2] * 2 + [p[1, 1] / 2] * 2]) * 2
    np.testing.assert_allclose(found.value[0, :, :, 0], expected, rtol=1e-12)
    second = ag.hessian(lambda x: (ag.average_pool(x, 2, 2, "same") ** 2).sum())(x.numpy())
    half = (second.reshape(12, 12) @ np.arange(12.0)).reshape(3, 4)
    np.testing.assert_allclose(half, expected, rtol=1e-12)  # of a square
