"""Models between places: nets that branch, have several inputs, contain each other, and are trained in part."""

import copy
import pickle

import numpy as np
import pytest

import nn
from autograd import Tensor, concatenate, derive, gradients, no_grad, relu, softmax
from nn import Add, BatchNormalization, Concatenate, Dense, Dropout, Input, Model, Sequential, load_model

RNG = np.random.default_rng(3)
X, Z = RNG.normal(size=(40, 5)), RNG.normal(size=(40, 3))
LABELS = RNG.integers(0, 4, 40)
FOUR = [f"{base}[{number}]" for number in (1, 2, 3, 4) for base in "Wb"]


def residual(**options):
    x = Input((5,))
    a = Dense(6, "relu")(x)
    return Model(x, Dense(4, "softmax")(a + Dense(6, "relu")(a)), dtype="float64", rng=0, **options)


def two_inputs(**options):
    left, right = Input((5,), name="left"), Input((3,), name="right")
    joined = Concatenate()([Dense(4, "tanh")(left), right])
    return Model([left, right], Dense(4, "softmax")(joined), dtype="float64", rng=0, **options)


def compiled(model):
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def by_hand(x, weights):
    (w1, b1), (w2, b2), (w3, b3) = (weights[i : i + 2] for i in (0, 2, 4))
    a = relu(Tensor(x) @ w1 + b1)
    return softmax((a + relu(a @ w2 + b2)) @ w3 + b3, -1)


# ---------------------------------------------------------------- what it computes


def test_a_residual_net_computes_what_is_written():
    model = residual()
    expected = by_hand(X, model.get_weights()).numpy()
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-13)
    np.testing.assert_allclose(model(X).numpy(), expected, rtol=1e-13)
    with no_grad():
        np.testing.assert_allclose(model(Tensor(X)).numpy(), expected, rtol=1e-13)
    assert (model.input_shape, model.output_shape) == ((5,), (4,))


def test_its_gradients_are_those_of_the_same_net_written_by_hand():
    model = compiled(residual())
    weights = [Tensor(w) for w in model.get_weights()]
    loss = -(by_hand(X, weights)[np.arange(40), LABELS].log().mean())
    ours = gradients(model.loss_of(X, LABELS), model.parameters())
    for mine, other in zip(ours, gradients(loss, weights), strict=True):
        np.testing.assert_allclose(mine, other.T, rtol=1e-10, atol=1e-15)


def test_several_inputs_are_given_as_a_list_or_by_name():
    model = two_inputs()
    w1, b1, w2, b2 = model.get_weights()
    expected = softmax(concatenate([np.tanh(X @ w1 + b1), Z], 1) @ w2 + b2, -1)
    for x in ([X, Z], (X, Z), {"right": Z, "left": X}):
        np.testing.assert_allclose(model.predict(x), expected, rtol=1e-13)
    np.testing.assert_allclose(model([X, Z]).numpy(), expected, rtol=1e-13)
    np.testing.assert_allclose(model(X, Z).numpy(), expected, rtol=1e-13)


@pytest.mark.parametrize("make", [residual, two_inputs], ids=["residual", "two inputs"])
@pytest.mark.parametrize("rows", [0, 1, 7])
def test_any_number_of_samples_is_predicted(make, rows):
    model = make()
    x = [X, Z] if model.takes_several else X
    few = [X[:rows], Z[:rows]] if model.takes_several else X[:rows]
    assert model.predict(few).shape == (rows, 4)
    np.testing.assert_allclose(model.predict(few), model.predict(x)[:rows], rtol=1e-12)


def test_a_sequential_is_a_model_and_a_model_of_places_in_a_row_is_a_sequential():
    row = Sequential([Dense(6, "relu", input_shape=(5,)), Dense(4, "softmax")], dtype="float64", rng=0)
    x = Input((5,))
    same = Model(x, Dense(4, "softmax")(Dense(6, "relu")(x)), dtype="float64", rng=0)
    assert isinstance(row, Model)
    assert np.array_equal(row.predict(X), same.predict(X))
    histories = [compiled(model).fit(X, LABELS, epochs=5, verbose=0).history for model in (row, same)]
    assert histories[0] == histories[1]
    assert (
        [p.label for p in row.parameters()] == [p.label for p in same.parameters()] == ["W[1]", "b[1]", "W[2]", "b[2]"]
    )


def test_a_layer_called_twice_shares_its_weights_and_collects_both_gradients():
    twin = Dense(4, "tanh")
    a, b = Input((3,)), Input((3,))
    model = Model([a, b], Dense(1)(Concatenate()([twin(a), twin(b)])), dtype="float64", rng=1)
    model.compile("sgd", "mse")
    assert len(model.layers) == 3
    assert model.count_params() == 3 * 4 + 4 + 8 + 1
    y = RNG.normal(size=(40, 1))
    g = gradients(model.loss_of([Z, Z[::-1].copy()], y), twin.weight)
    w, e = twin.weight.numpy().copy(), 1e-6
    for i, j in ((0, 0), (2, 1)):
        moved = []
        for sign in (1, -1):
            shifted = w.copy()
            shifted[i, j] += sign * e
            twin.weight.data = shifted
            moved.append(model.loss_of([Z, Z[::-1].copy()], y).item())
        twin.weight.data = w
        assert g[i, j] == pytest.approx((moved[0] - moved[1]) / (2 * e), rel=1e-6)


# ---------------------------------------------------------------- training


@pytest.mark.parametrize("make", [residual, two_inputs], ids=["residual", "two inputs"])
def test_training_by_program_and_by_graph_is_the_same(make, monkeypatch):
    def history(model):
        x = [X, Z] if model.takes_several else X
        found = compiled(model).fit(x, LABELS, batch_size=8, epochs=6, verbose=0, validation_split=0.2)
        return found.history, model.predict(x), model.evaluate(x, LABELS, return_dict=True)

    fast = history(make())
    monkeypatch.setattr("autograd.fast.programs.REPEATED", 10**9)
    slow = history(make())
    assert fast[0] == slow[0]
    assert np.array_equal(fast[1], slow[1])
    assert fast[2] == slow[2]


def test_a_net_of_two_inputs_learns_what_needs_both():
    a, b = RNG.normal(size=(300, 1)), RNG.normal(size=(300, 1))
    left, right = Input((1,)), Input((1,))
    model = Model([left, right], Dense(1, "sigmoid")(Dense(8, "tanh")(Concatenate()([left, right]))), rng=0)
    model.compile(nn.Adam(0.05), "binary_crossentropy", ["accuracy"])
    y = (a > b).astype(float)
    weights = np.ones(300)
    model.fit([a, b], y, epochs=30, verbose=0, sample_weight=weights, validation_data=([a, b], y))
    assert model.evaluate([a, b], y)[1] > 0.95
    assert model.train_on_batch([a, b], y)[1] > 0.95
    assert model.test_on_batch([a, b], y)[1] > 0.95
    history = model.fit([([a, b], y), ([a, b], y)], epochs=2, verbose=0)  # batches that somebody else makes
    assert len(history.history["loss"]) == 2


def test_what_is_derived_has_names_and_the_branches_add_up():
    model = compiled(residual())
    text = derive(model.loss_of(X[:4], LABELS[:4]), model["W[1]"]).text()
    assert "Z[3] = (A[1] + A[2]) W[3]ᵀ + b[3]" in text
    assert "dA[1] = dZ[3] W[3] + dZ[2] W[2]" in " ".join(text.split())


# ---------------------------------------------------------------- models in models


def test_an_encoder_and_a_decoder_are_layers_of_an_autoencoder_and_share_its_weights():
    image, code = Input((5,)), Input((2,))
    encoder = Model(image, Dense(2)(Dense(4, "tanh")(image)), name="encoder", dtype="float64", rng=0)
    decoder = Model(code, Dense(5)(Dense(4, "tanh")(code)), name="decoder", dtype="float64", rng=1)
    whole = Model(image, decoder(encoder(image)), dtype="float64", rng=2)
    np.testing.assert_allclose(whole.predict(X), decoder.predict(encoder.predict(X)), rtol=1e-13)
    assert [p.label for p in whole.parameters()] == FOUR
    assert [layer.name for layer in whole.layers] == ["encoder", "decoder"]

    whole.compile("adam", "mse")
    before = decoder.predict(encoder.predict(X))
    whole.fit(X, X, epochs=3, verbose=0)
    after = decoder.predict(encoder.predict(X))
    assert not np.allclose(before, after)
    np.testing.assert_allclose(whole.predict(X), after, rtol=1e-13)
    shapes = [w.shape for w in whole.get_weights()]
    assert shapes == [(5, 4), (4,), (4, 2), (2,), (2, 4), (4,), (4, 5), (5,)]
    whole.set_weights(whole.get_weights())


def test_a_model_of_a_part_shares_layers_and_their_labels():
    x = Input((5,))
    code = Dense(2)(Dense(4, "tanh")(x))
    image = Dense(5)(Dense(4, "tanh")(code))
    whole = Model(x, image, rng=0)
    encoder, decoder = Model(x, code), Model(code, image)  # a place inside of a net is an input too
    np.testing.assert_allclose(decoder.predict(encoder.predict(X)), whole.predict(X), rtol=1e-5)
    assert [p.label for p in whole.parameters()] == FOUR
    assert encoder.parameters() == whole.parameters()[:4]
    assert decoder.parameters() == whole.parameters()[4:]


def test_a_model_inside_keeps_its_dtype(tmp_path):
    x = Input((5,))
    for inner, outer in (("float32", "float64"), ("float64", "float32")):
        code = Sequential([Dense(3, "tanh", input_shape=(5,)), Dense(2)], dtype=inner, rng=0)
        model = Model(x, Dense(1)(code(x)), dtype=outer, rng=0)
        model.compile("adam", "mse")
        model.fit(X, X[:, :1], verbose=0)
        model.save(tmp_path / "m.npz")
        for one in (model, load_model(tmp_path / "m.npz")):
            assert [p.dtype for p in one.parameters()] == [inner] * 4 + [outer] * 2
            assert one.predict(X).dtype == "float64"
        assert np.array_equal(model.predict(X), one.predict(X))


def test_a_sequential_inside_a_sequential_is_a_layer():
    inner = Sequential([Dense(4, "relu"), Dropout(0.5)])
    model = Sequential([inner, Dense(4, "softmax")], rng=0, dtype="float64")
    compiled(model).fit(X, LABELS, epochs=2, verbose=0)
    assert [p.label for p in model.parameters()] == ["W[1]", "b[1]", "W[2]", "b[2]"]
    assert inner.layers[1].rng is model.rng  # one that brings no generator draws from that of the whole
    np.testing.assert_allclose(model.predict(X), Sequential(model.layers, dtype="float64").predict(X), rtol=1e-12)
    a, b = (Sequential([Sequential([Dense(3)]), Dense(1, input_shape=(3,))], rng=5) for _ in range(2))
    assert np.array_equal(a.predict(X), b.predict(X))


def test_a_loss_from_logits_looks_through_a_model_at_the_end():
    x = Input((5,))
    judge = Sequential([Dense(1, "sigmoid", input_shape=(4,))], dtype="float64", rng=0)
    model = Model(x, judge(Dense(4, "tanh")(x)), dtype="float64", rng=1)
    model.compile("sgd", "binary_crossentropy")
    y = (LABELS[:5, None] > 1).astype(float)
    assert "dZ[2] = A[2] − Y" in derive(model.loss_of(X[:5], y), model["W[1]"]).text()
    p = model.predict(X[:5])
    assert model.evaluate(X[:5], y) == pytest.approx(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


# ---------------------------------------------------------------- files and copies


def nested():
    x = Input((5,), name="x")
    encoder = Sequential([Dense(3, "tanh", input_shape=(5,)), BatchNormalization()], name="encoder")
    shared = Dense(3)
    inner = Input((3,))
    twice = Model(inner, shared(shared(inner)), name="twice")
    return Model(x, Dense(4, "softmax")(Add()([twice(encoder(x)), shared(encoder(x))])), rng=0, name="nested")


@pytest.mark.parametrize("make", [residual, two_inputs, nested], ids=lambda make: make.__name__)
@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_saved_model_goes_on_as_if_it_had_never_stopped(make, suffix, tmp_path):
    model = compiled(make())
    x = [X, Z] if model.takes_several else X
    model.fit(x, LABELS, epochs=2, batch_size=8, verbose=0)
    model.save(tmp_path / f"m{suffix}")
    again = load_model(tmp_path / f"m{suffix}")
    assert type(again) is Model
    assert np.array_equal(again.predict(x), model.predict(x))
    assert again.summary().text == model.summary().text
    histories = [one.fit(x, LABELS, epochs=2, batch_size=8, verbose=0).history for one in (model, again)]
    assert histories[0] == histories[1]
    assert np.array_equal(again.predict(x), model.predict(x))
    assert len(again.parameters()) == len(model.parameters())  # what was shared is


@pytest.mark.parametrize("make", [residual, two_inputs, nested], ids=lambda make: make.__name__)
def test_copies_compute_the_same_and_share_nothing(make):
    model = compiled(make())
    x = [X, Z] if model.takes_several else X
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.predict(x), model.predict(x))
        other.fit(x, LABELS, epochs=1, verbose=0)
        assert not np.array_equal(other.predict(x), model.predict(x))


def test_a_summary_says_what_is_connected_to_what():
    table = two_inputs().summary()
    assert table.connections == ["", "", "left", "dense, right", "concatenate"]
    assert [row[0] for row in table.rows] == [
        "left (Input)",
        "right (Input)",
        "dense (Dense)",
        "concatenate (Concatenate)",
        "dense_1 (Dense)",
    ]
    assert "Connected to" in table.text
    assert "<th>Connected to</th>" in table.html
    x = Input((5,))
    assert "Connected to" not in Model(x, Dense(1)(x)).summary().text


# ---------------------------------------------------------------- trained in part


def test_frozen_layers_stay_to_the_bit_and_the_others_move():
    model = residual()
    model.layers[0].trainable = False
    compiled(model)
    before = model.get_weights()
    model.fit(X, LABELS, batch_size=8, epochs=6, verbose=0)
    after = model.get_weights()
    assert [np.array_equal(a, b) for a, b in zip(before, after, strict=True)] == [True, True, *[False] * 4]
    assert model.trainable_parameters() == model.parameters()[2:]
    assert all(p.grad is None for p in model.layers[0].parameters())
    summary = model.summary()
    assert summary.total - summary.trainable == 36


def test_what_is_frozen_is_looked_at_by_compile_and_not_before_or_after():
    model = compiled(residual())
    model.trainable = False
    assert not any(layer.trainable for layer in model.layers)
    before = model.get_weights()
    model.train_on_batch(X, LABELS)
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    with pytest.raises(
        ValueError, match=r"nothing is left to train, for trainable is False on .* set it to True before"
    ):
        compiled(model)
    model.trainable = True
    compiled(model).train_on_batch(X, LABELS)


def gan():
    noise, image = Input((2,)), Input((5,))
    generator = Model(noise, Dense(5)(Dense(6, "tanh")(noise)), name="generator", dtype="float64", rng=0)
    judge = Dense(1, "sigmoid")(Dropout(0.2)(Dense(6, "relu")(image)))
    discriminator = Model(image, judge, name="discriminator", dtype="float64", rng=1)
    discriminator.compile(nn.SGD(0.1), "binary_crossentropy")
    discriminator.trainable = False
    whole = Model(noise, discriminator(generator(noise)), dtype="float64", rng=2)
    whole.compile(nn.SGD(0.1), "binary_crossentropy")
    return generator, discriminator, whole


@pytest.mark.parametrize("repeated", [3, 10**9], ids=["by program", "by graph"])
def test_an_adversarial_pair_is_trained_in_turns_as_in_keras(repeated, monkeypatch):
    monkeypatch.setattr("autograd.fast.programs.REPEATED", repeated)
    generator, discriminator, whole = gan()
    real, noise, ones = RNG.normal(size=(16, 5)), RNG.normal(size=(16, 2)), np.ones((16, 1))
    for _ in range(8):
        g, d = generator.get_weights(), discriminator.get_weights()
        discriminator.train_on_batch(np.concatenate([real, generator.predict(noise)]), np.concatenate([ones, 0 * ones]))
        assert all(np.array_equal(a, b) for a, b in zip(g, generator.get_weights(), strict=True))
        assert not any(np.array_equal(a, b) for a, b in zip(d, discriminator.get_weights(), strict=True))
        d = discriminator.get_weights()
        whole.train_on_batch(noise, ones)
        assert all(np.array_equal(a, b) for a, b in zip(d, discriminator.get_weights(), strict=True))
        assert not any(np.array_equal(a, b) for a, b in zip(g, generator.get_weights(), strict=True))


def test_the_step_of_the_generator_is_its_gradient_through_the_frozen_discriminator():
    generator, discriminator, whole = gan()
    noise, ones = RNG.normal(size=(16, 2)), np.ones((16, 1))
    discriminator.layers[1].rate = 0.0
    before = [p.numpy().copy() for p in generator.parameters()]
    expected = gradients(-discriminator(generator(Tensor(noise))).log().mean(), generator.parameters())
    whole.train_on_batch(noise, ones)
    for w, g, p in zip(before, expected, generator.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), w - 0.1 * g, rtol=1e-12, atol=1e-15)


def test_frozen_running_means_stay_where_they_are():
    model = Sequential([BatchNormalization(input_shape=(5,)), Dense(4, "softmax")], rng=0)
    model.layers[0].trainable = False
    compiled(model).fit(X, LABELS, epochs=5, verbose=0)
    assert not model.layers[0].moving_mean.any()
    model.layers[0].trainable = True
    compiled(model).fit(X, LABELS, epochs=1, verbose=0)
    assert model.layers[0].moving_mean.all()


def moving(training):
    """A net whose part with running means, Dropout behind it, is called with `training`, and that part."""
    x = Input((5,))
    part = Sequential([BatchNormalization(), Dropout(0.5)], dtype="float64", rng=1)
    return compiled(Model(x, Dense(4, "softmax")(part(x, training=training)), dtype="float64", rng=0)), part


def test_a_part_that_is_called_with_training_false_predicts_while_the_net_is_trained():
    model, part = moving(False)
    model.fit(X, LABELS, epochs=3, batch_size=10, verbose=0)
    assert np.array_equal(part.layers[0].moving_mean, np.zeros(5))
    assert not np.array_equal(part.layers[0].gamma.numpy(), np.ones(5))  # which is trained nevertheless
    standing = X / np.sqrt(1.001)  # (x - 0) / √(1 + ε), and no Dropout
    gamma, beta = (p.numpy() for p in part.parameters())
    weight, bias = (p.numpy() for p in model.layers[-1].parameters())
    expected = np.log(np.exp((standing * gamma + beta) @ weight.T + bias).sum(axis=1))
    scores = ((standing * gamma + beta) @ weight.T + bias)[np.arange(40), LABELS]
    assert model.loss_of(X, LABELS).item() == pytest.approx((expected - scores).mean(), rel=1e-9)
    assert model.train_on_batch(X, LABELS)[0] == pytest.approx((expected - scores).mean(), rel=1e-9)


def test_a_part_that_is_called_with_training_true_draws_in_prediction_too_and_is_frozen_if_it_is():
    model, part = moving(True)
    assert not np.array_equal(model.predict(X), model.predict(X))
    before = part.layers[0].moving_mean
    assert not np.array_equal(before, np.zeros(5))
    part.trainable = False
    model.predict(X)
    assert np.array_equal(part.layers[0].moving_mean, before)


@pytest.mark.parametrize("training", [True, False])
def test_a_call_that_is_told_its_mode_is_so_after_loading(training, tmp_path):
    model, _ = moving(training)
    model.fit(X, LABELS, verbose=0)
    model.save(tmp_path / "m.npz")
    again = load_model(tmp_path / "m.npz")
    history = [m.fit(X, LABELS, epochs=2, batch_size=10, verbose=0).history for m in (model, again)]
    assert history[0] == history[1]


def test_what_compile_found_frozen_and_what_is_now_are_in_the_file(tmp_path):
    _, discriminator, whole = gan()
    discriminator.save(tmp_path / "d.npz")
    whole.save(tmp_path / "g.npz")
    again = load_model(tmp_path / "d.npz")
    assert not again.trainable
    before = again.get_weights()
    again.train_on_batch(X, np.ones((40, 1)))  # it was compiled before it was frozen
    assert not np.array_equal(before[0], again.get_weights()[0])
    again = load_model(tmp_path / "g.npz")
    before = again.get_weights()
    again.train_on_batch(X[:, :2], np.ones((40, 1)))
    moved = [not np.array_equal(a, b) for a, b in zip(before, again.get_weights(), strict=True)]
    assert moved == [True] * 4 + [False] * 4


# ---------------------------------------------------------------- what is refused


def test_what_is_no_net_is_refused_with_what_to_do():
    x, y = Input((5,), name="x"), Input((5,), name="y")
    a = Dense(3)(x)
    for make, error, message in (
        (lambda: Model(x, Dense(1)(a + Dense(3)(y))), ValueError, "depends on .* 'y', which is not among the inputs"),
        (lambda: Model([x, y], a), ValueError, "does not depend on the input .* 'y': leave it out"),
        (lambda: Model(x, [a, Dense(2)(a)]), ValueError, "expected one output, got 2: make a model for each"),
        (lambda: Model([x, x], a), ValueError, "given twice"),
        (lambda: Model(x, x), ValueError, "expected layers between input and output"),
        (lambda: Model(x), TypeError, "expected inputs and outputs"),
        (lambda: Model(x, Dense(3)), TypeError, r"got the layer Dense\(3\); call it: Dense\(3\)\(x\)"),
        (lambda: Model(np.ones(3), a), TypeError, r"expected inputs as Input\(...\), or what layers of this library"),
        (lambda: Dense(3)(x, y), TypeError, "expected one input, got 2; see Add and Concatenate"),
        (
            lambda: Dense(3, input_shape=(4,))(x),
            ValueError,
            r"expected inputs of shape \(batch, 4\).* got \(batch, 5\)",
        ),
        (
            lambda: Add()([x, a]),
            ValueError,
            r"Add\(\): expected inputs of one shape, got \(batch, 5\) and \(batch, 3\)",
        ),
        (lambda: Add()([x]), ValueError, "at least two inputs"),
        (lambda: Concatenate(axis=1)([x, Input((2, 2))]), ValueError, r"got \(batch, 5\) and \(batch, 2, 2\)"),
        (lambda: Concatenate(axis=0), ValueError, "axis 0 is the batch"),
        (lambda: Dense(3)(x, mask=None), TypeError, "unknown option 'mask'"),
        (lambda: Dense(3)(x, training="no"), TypeError, "expected training to be True or False"),
        (lambda: x + 1.0, TypeError, "expected another place to add, got float"),
        (lambda: np.ones(5) + x, TypeError, "expected another place to add, got an array"),
        (lambda: np.asarray(x), TypeError, "it holds no numbers yet"),
        (lambda: setattr(x, "sources", (a,)), AttributeError, "it cannot be changed"),
        (lambda: Dense(3)([x, X]), TypeError, "expected places in a net only, got an array"),
    ):
        with pytest.raises(error, match=message):
            make()


def test_a_layer_is_built_for_one_shape():
    shared = Dense(3)
    x = Input((5,))
    with pytest.raises(
        ValueError, match=r"Dense\(3\).*: expected inputs of shape \(batch, 5\), as built; got \(batch, 3\)"
    ):
        Model(x, shared(shared(x)))


def test_a_model_cannot_contain_itself():
    model = Sequential([Dense(3, input_shape=(3,))])
    outer = Sequential([model])
    for inner, itself in ((model, model), (model, outer)):
        with pytest.raises(ValueError, match="cannot be a layer of itself"):
            inner.add(itself)


def test_a_layer_of_another_library_is_named_with_what_it_is_called_here():
    class Linear:
        """As torch has it."""

    Linear.__module__ = "torch.nn.modules.linear"
    with pytest.raises(TypeError, match=r"got Linear of torch; it is called Dense"):
        Sequential([Linear()])


def test_wrong_data_of_several_inputs_name_the_input():
    model = compiled(two_inputs())
    for x, message in (
        ([X], "expected a list of 2 arrays, left, right; got 1 of them"),
        (X, "expected a list of 2 arrays, left, right; got an array"),
        ([X, X], r"input 'right' expects inputs of shape \(batch, 3\), as built; got \(40, 5\)"),
        ([X, Z[:5]], "left has 40 samples, right has 5"),
        ({"left": X}, "expected an array for each input, left, right; got left"),
        ([X, np.full((40, 3), np.nan)], "right contains nan"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(x, LABELS, verbose=0)
        with pytest.raises(ValueError, match=message):
            model.predict(x)


def test_what_cannot_be_set_is_refused():
    model = residual()
    for name, value in (("activation", "relu"), ("dtype", "float32"), ("input_shape", (3,)), ("layers", [])):
        with pytest.raises(AttributeError):
            setattr(model, name, value)
    with pytest.raises(AttributeError):
        model.layers.append(Dense(3))


def test_a_layer_of_ones_own_with_several_inputs():
    class Product(nn.BatchLayer):
        takes_several = True

        def compute_output_shape(self, input_shape):
            return input_shape[0]

        def forward(self, *xs):
            return xs[0] * xs[1]

    x = Input((5,))
    model = Model(x, Product()([Dense(3)(x), Dense(3, "sigmoid")(x)]), dtype="float64", rng=0)
    w, b, v, c = model.get_weights()
    np.testing.assert_allclose(model.predict(X), (X @ w + b) / (1 + np.exp(-(X @ v + c))), rtol=1e-12)
    assert Product()([np.ones((2, 3)), 2 * np.ones((2, 3))]).tolist() == [[2.0] * 3] * 2


def test_what_other_libraries_do_with_an_input_is_answered():
    x = Input((5, 6))
    for make, error, message in (
        (lambda: x * 2, TypeError, "holds no numbers yet; between places there is"),
        (lambda: 1 - x, TypeError, "a layer of your own"),
        (lambda: x[:, 0], TypeError, "a layer of your own"),
        (lambda: np.tanh(x), TypeError, "a layer of your own"),
        (lambda: np.ones(3) + x, TypeError, "a layer of your own|another place"),
        (lambda: Input((3,), dtype="int64"), TypeError, "unknown option 'dtype'; leave it out"),
        (lambda: Input(batch_shape=(None, 3)), TypeError, "it is shape, without the batch"),
        (lambda: Input(), TypeError, "expected the shape of one sample"),
        (lambda: Input((None,)), ValueError, "All sequences have one length: fill up the shorter ones"),
        (lambda: Input((0, 3)), ValueError, "a sequence of no steps"),
        (lambda: nn.LSTM(2)(np.ones((2, 0, 3))), ValueError, r"LSTM\(2\): .* a sequence of no steps; got \(0, 3\)"),
        (lambda: nn.LSTM(2)(x, mask=np.ones((2, 5))), TypeError, "there are no implicit masks"),
        (lambda: nn.BatchNormalization(axis=1), TypeError, "features are last"),
    ):
        with pytest.raises(error, match=message):
            make()
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="got one of torch: Dense for Linear"):
        torch.nn.Linear(6, 3)(x)
