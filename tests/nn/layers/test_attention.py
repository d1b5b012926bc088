"""MultiHeadAttention: PyTorch's numbers with the same weights, Keras' layouts and definition, masks, derivations."""

import numpy as np
import pytest

from autograd import Tensor, derive, gradients
from nn import (
    Adam,
    Dense,
    Embedding,
    Flatten,
    Input,
    LayerNormalization,
    Model,
    MultiHeadAttention,
    Reshape,
    Sequential,
    load_model,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 6))


def layer(heads=2, d=3, shapes=((5, 6),), **options):
    found = MultiHeadAttention(heads, d, **options)
    found.build(*shapes, dtype="float64", rng=1)
    for part in ("query", "key", "value", "output"):
        if found.use_bias:
            getattr(found, f"{part}_bias").data = RNG.normal(size=getattr(found, f"{part}_bias").shape)
    return found


def keras(weights, query, value, seen=None):
    """What Keras' documentation says the layer computes, from weights in its layout."""
    wq, bq, wk, bk, wv, bv, wo, bo = weights
    q, k, v = (np.einsum("btd,dhk->bhtk", x, w) + b[:, None] for x, w, b in
               ((query, wq, bq), (value, wk, bk), (value, wv, bv)))  # fmt: skip
    s = np.einsum("bhtk,bhsk->bhts", q, k) / np.sqrt(wq.shape[-1])
    e = np.exp(s) * (1 if seen is None else seen)
    return np.einsum("bhts,bhsv,hvo->bto", e / e.sum(-1, keepdims=True), v, wo) + bo


@pytest.mark.parametrize("heads", [1, 2])
def test_it_computes_what_keras_says_from_weights_in_its_layout(heads):
    ours = layer(heads, 4, value_dim=5)
    weights = ours.get_weights()
    assert [w.shape for w in weights] == [
        *[(6, heads, 4), (heads, 4)] * 2,
        *((6, heads, 5), (heads, 5), (heads, 5, 6), (6,)),
    ]
    np.testing.assert_allclose(ours(X, X).numpy(), keras(weights, X, X), rtol=1e-11, atol=1e-13)
    causal = np.tri(5)
    np.testing.assert_allclose(
        ours(X, X, use_causal_mask=True).numpy(), keras(weights, X, X, causal), rtol=1e-11, atol=1e-13
    )
    new = [RNG.normal(size=w.shape) for w in weights]
    ours.set_weights(new)
    np.testing.assert_allclose(ours(X).numpy(), keras(new, X, X), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("heads", [1, 2, 3])
def test_it_is_pytorchs_with_the_same_weights(heads, causal):
    torch = pytest.importorskip("torch")
    ours = layer(heads, 6 // heads)
    other = torch.nn.MultiheadAttention(6, heads, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        packed = [np.concatenate([getattr(ours, f"{part}_{what}").numpy() for part in ("query", "key", "value")])
                  for what in ("weight", "bias")]  # fmt: skip
        other.in_proj_weight.copy_(torch.tensor(packed[0]))
        other.in_proj_bias.copy_(torch.tensor(packed[1]))
        other.out_proj.weight.copy_(torch.tensor(ours.output_weight.numpy()))
        other.out_proj.bias.copy_(torch.tensor(ours.output_bias.numpy()))
    x, t = Tensor(X), torch.tensor(X, requires_grad=True)
    mask = torch.triu(torch.full((5, 5), -torch.inf, dtype=torch.float64), 1) if causal else None
    theirs, p = other(t, t, t, attn_mask=mask, average_attn_weights=False)
    z = ours(x, use_causal_mask=causal)
    np.testing.assert_allclose(z.numpy(), theirs.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        ours.attention_scores(X, use_causal_mask=causal), p.detach().numpy(), rtol=1e-9, atol=1e-12
    )
    g = RNG.normal(size=z.shape)
    dx, dq, dv, do, db = gradients(
        (z * g).sum(), [x, ours.query_weight, ours.value_weight, ours.output_weight, ours.value_bias]
    )
    right = torch.autograd.grad(
        (theirs * torch.tensor(g)).sum(), [t, other.in_proj_weight, other.out_proj.weight, other.in_proj_bias]
    )
    for mine, its in (
        (dx, right[0]),
        (dq, right[1][:6]),
        (dv, right[1][12:]),
        (do, right[2]),
        (db, right[3][12:]),
    ):
        np.testing.assert_allclose(mine, its.numpy(), rtol=1e-9, atol=1e-12)


def test_it_looks_from_one_sequence_at_another():
    other = RNG.normal(size=(3, 4, 2))
    ours = layer(2, 3, shapes=((5, 6), (4, 2)))
    z = ours([X, other])
    assert z.shape == (3, 5, 6)
    np.testing.assert_allclose(z.numpy(), keras(ours.get_weights(), X, other), rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(ours(X, other, other).numpy(), z.numpy())


def test_a_mask_says_who_sees_whom_in_all_samples_or_in_each():
    ours = layer()
    seen = RNG.random((3, 5, 5)) > 0.5
    seen[:, :, 0] = True
    np.testing.assert_allclose(
        ours(X, attention_mask=seen).numpy(), keras(ours.get_weights(), X, X, seen[:, None]), rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(
        ours(X, attention_mask=seen[1]).numpy(), keras(ours.get_weights(), X, X, seen[1]), rtol=1e-10, atol=1e-12
    )
    both = ours.attention_scores(X, attention_mask=seen, use_causal_mask=True)
    assert not both[:, :, ~np.tri(5, dtype=bool)].any()
    np.testing.assert_allclose(both.sum(-1), 1)


def masked(dtype="float64"):
    x, seen = Input((5, 6)), Input((5, 5), name="seen")
    attended = MultiHeadAttention(2, 3)(x, x, attention_mask=seen)
    return Model([x, seen], Dense(1)(Flatten()(x + attended)), dtype=dtype, rng=0)


def masks(m):
    seen = RNG.random((m, 5, 5)) > 0.5
    seen[:, :, 0] = True
    seen[: m // 2] = seen[0]  # a program that was written for these is to see that the next ones differ
    return seen


def test_a_mask_is_an_input_of_a_model_and_each_batch_has_its_own(tmp_path, monkeypatch):
    x, seen, y = RNG.normal(size=(40, 5, 6)), masks(40), RNG.normal(size=(40, 1))
    model = masked()
    layer = model.layers[0]
    expected = layer(x, attention_mask=seen).numpy() + x
    expected = expected.reshape(40, 30) @ model.get_weights()[-2] + model.get_weights()[-1]
    np.testing.assert_allclose(model.predict([x, seen]), expected, rtol=1e-11)
    np.testing.assert_allclose(model.predict({"x[0]": x, "seen": seen}, batch_size=7), expected, rtol=1e-11)
    np.testing.assert_allclose(model(Tensor(x), Tensor(seen * 1.0)).numpy(), expected, rtol=1e-11)
    assert model.predict([x[:0], seen[:0]]).shape == (0, 1)
    model.compile("adam", "mse")
    assert model.evaluate([x, seen], y) == pytest.approx(((expected - y) ** 2).mean())
    model.save(tmp_path / "m.npz")
    again = load_model(tmp_path / "m.npz")
    fast = model.fit([x, seen], y, batch_size=4, epochs=4, shuffle=False, verbose=0).history
    monkeypatch.setattr("autograd.fast.programs.REPEATED", 10**9)
    assert again.fit([x, seen], y, batch_size=4, epochs=4, shuffle=False, verbose=0).history == fast
    assert np.array_equal(model.predict([x, seen]), again.predict([x, seen]))


def test_the_gradient_through_a_mask_of_each_sample_is_pytorchs():
    torch = pytest.importorskip("torch")
    model, x, seen, y = masked(), RNG.normal(size=(6, 5, 6)), masks(6), RNG.normal(size=(6, 1))
    model.compile("sgd", "mse")
    w = [torch.tensor(p.numpy(), requires_grad=True) for p in model.parameters()]
    t = torch.tensor(x)
    heads = [(t @ w[i].T + w[i + 1]).reshape(6, 5, 2, 3).transpose(1, 2) for i in (0, 2, 4)]
    o = torch.nn.functional.scaled_dot_product_attention(*heads, attn_mask=torch.tensor(seen)[:, None])
    a = t + o.transpose(1, 2).reshape(6, 5, 6) @ w[6].T + w[7]
    loss = ((a.flatten(1) @ w[8].T + w[9] - torch.tensor(y)) ** 2).mean()
    loss.backward()
    ours = gradients(model.loss_of([x, seen], y), model.parameters())
    for p, mine, its in zip(model.parameters(), ours, w, strict=True):
        np.testing.assert_allclose(mine, its.grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=p.label)


@pytest.mark.parametrize("causal", [False, True])
def test_a_step_with_a_mask_for_each_sample_is_written_down(causal):
    x, word = Input((5, 6)), Input((5,))
    attended = MultiHeadAttention(2, 3)(x, x, attention_mask=Reshape((1, 5))(word), use_causal_mask=causal)
    by_words = Model([x, word], Dense(1)(Flatten()(attended)), rng=0)
    for model, seen in ((masked(), masks(4)), (by_words, masks(4)[:, 0])):
        model.compile("adam", "mse")
        model.fit([RNG.normal(size=(4, 5, 6)), seen], RNG.normal(size=(4, 1)), epochs=5, verbose=0)
        (shape,) = model._objective._programs._shapes.values()
        assert shape.written is not None


def test_a_mask_of_one_row_is_for_all_steps_and_layers_may_make_it():
    x, word = Input((5, 6)), Input((5,))
    attended = MultiHeadAttention(2, 3)
    model = Model([x, word], attended(x, attention_mask=Reshape((1, 5))(word)), dtype="float64", rng=0)
    words = np.arange(5) < np.array([[2], [5], [3]])
    expected = attended(X, attention_mask=np.repeat(words[:, None], 5, 1)).numpy()
    np.testing.assert_array_equal(model.predict([X, words]), expected)


def test_a_step_of_a_causal_layer_does_not_depend_on_what_comes_later():
    ours = layer()
    later = X.copy()
    later[:, 3:] = RNG.normal(size=(3, 2, 6))
    before, after = (ours(x, use_causal_mask=True).numpy() for x in (X, later))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert not np.allclose(before[:, 3:], after[:, 3:])


def test_one_head_is_derived_as_in_textbooks():
    x = Input((4, 3))
    a = MultiHeadAttention(1, 2, use_bias=False)(x)
    model = Model(x, Dense(1)(Flatten()(a)), dtype="float64", rng=0)
    model.compile("sgd", "mse")
    text = derive(model.loss_of(X[:2, :4, :3], np.ones((2, 1))), model["W[1]_Q"]).text()
    text = " ".join(text.split()).replace(" )", ")")
    for line in (
        "S[1] = (1/√2) Q[1] K[1]ᵀ",
        "P[1] = softmax(S[1])",
        "dP[1] = dO[1] V[1]ᵀ",
        "dS[1] = P[1] ⊙ (dP[1] − Σ(dP[1] ⊙ P[1] over axis 2, kept))",
        "dQ[1] = (1/√2) dS[1] K[1]",
    ):
        assert line in text


def test_dropout_takes_shares_away_in_training_only():
    ours = layer(dropout=0.5)
    still = ours(X, training=False).numpy()
    assert np.array_equal(still, ours(X, training=False).numpy())
    assert not np.allclose(still, ours(X, training=True).numpy())


def transformer(steps=4, rng=0):
    x = Input((steps,))
    h = Embedding(5, 8)(x)
    n = LayerNormalization()(h)
    h = h + MultiHeadAttention(2, 4)(n, n, use_causal_mask=True)
    h = h + Dense(8)(Dense(16, "gelu")(LayerNormalization()(h)))
    return Model(x, Dense(5, "softmax")(h), rng=rng)


@pytest.mark.slow
def test_a_small_transformer_trains_is_saved_and_goes_on(tmp_path):
    data = np.random.default_rng(0).integers(0, 5, (60, 4))
    target = np.maximum.accumulate(data, axis=1)  # needs what came before
    model = transformer()
    model.compile(Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(data, target, epochs=60, batch_size=30, verbose=0)
    assert model.evaluate(data, target)[1] > 0.9
    model.save(tmp_path / "t.npz")
    again = load_model(tmp_path / "t.npz")
    for one in (model, again):
        one.fit(data, target, epochs=2, batch_size=30, verbose=0)
    assert np.array_equal(model.predict(data), again.predict(data))
    assert model.predict(data[:0]).shape == (0, 4, 5)
    np.testing.assert_allclose(model.predict(data[:1]), model.predict(data)[:1], rtol=1e-5)


def test_in_a_row_it_looks_at_itself():
    ours = layer()
    model = Sequential([ours, Flatten()], dtype="float64")
    np.testing.assert_allclose(model.predict(X), ours(X).numpy().reshape(3, -1), rtol=1e-12)


def test_what_does_not_fit_is_refused():
    x = Input((5, 6))
    for make, error, message in (
        (lambda: MultiHeadAttention(0, 2), ValueError, "num_heads"),
        (lambda: MultiHeadAttention(2, 2)(Input((6,))), ValueError, r"expected samples \(steps, features\)"),
        (lambda: MultiHeadAttention(2, 2)(x, Input((4, 6)), Input((3, 6))), ValueError, "a key for each value"),
        (lambda: MultiHeadAttention(2, 2)(x, x, x, x), TypeError, "expected query, value and key, got 4 inputs"),
        (
            lambda: layer()(X, attention_mask=np.ones((4, 5))),
            ValueError,
            r"shape \(5, 5\), or \(3, 5, 5\).* got \(4, 5\)",
        ),
        (
            lambda: MultiHeadAttention(2, 2)(x, attention_mask=Input((4, 5))),
            ValueError,
            r"shape \(5, 5\), or an Input\(\(5, 5\)\) for one of each sample.* got Input\(shape=\(4, 5\)\)",
        ),
        (lambda: MultiHeadAttention(2, 2)(x, attention_mask=np.ones((2, 5, 5))), ValueError, "an Input"),
        (lambda: MultiHeadAttention(2, 2)(x, use_causal_mask=Input((5, 5))), TypeError, "True or False"),
        (lambda: MultiHeadAttention(2, 2)(X, attention_mask=Input((5, 5))), TypeError, "places in a net only"),
        (lambda: masked().predict([X, np.ones((3, 5, 4))]), ValueError, "input 'seen' expects"),
        (lambda: layer()(X, return_attention_scores=True), TypeError, "attention_scores"),
        (
            lambda: layer()(X[:, :3]),
            ValueError,
            r"expected inputs of shape \(batch, 5, 6\), as built; got \(batch, 3, 6\)",
        ),
        (lambda: MultiHeadAttention(2, 2).attention_scores(X), RuntimeError, "no weights yet"),
        (lambda: layer()(X, X[:2]), ValueError, "as many samples in each input, got 3, 2"),
    ):
        with pytest.raises(error, match=message):
            make()
