"""Sequential: its structure, names, weights and outputs. How it is trained is in test_training."""

import copy
import pickle

import numpy as np
import pytest

from autograd import Tensor, derive, gradients, no_grad
from nn import Activation, Dense, Dropout, Flatten, Input, RandomizedLeakyReLU, Sequential

X = np.random.default_rng(0).normal(size=(5, 3))


def net(**options):
    layers = [Dense(4, activation="relu", input_shape=(3,)), Dense(2, activation="softmax")]
    return Sequential(layers, **{"dtype": "float64", "rng": 0, **options})


def test_a_model_is_its_layers_one_after_the_other():
    model = net()
    (k1, b1), (k2, b2) = (layer.get_weights() for layer in model.layers)
    e = np.exp(np.maximum(X @ k1 + b1, 0) @ k2 + b2)
    expected = e / e.sum(axis=1, keepdims=True)
    assert model(X).numpy() == pytest.approx(expected, abs=1e-14)
    assert model.predict(X) == pytest.approx(expected, abs=1e-14)


def test_an_input_is_an_array_or_a_tensor_and_the_output_a_tensor():
    model = net()
    x = Tensor(X)
    model(x).sum().backward()
    assert x.grad.shape == X.shape
    assert model(X.tolist()).tolist() == model(x).tolist()


def test_nodes_are_named_as_in_the_lectures():
    model = Sequential(
        [Flatten(input_shape=(3,)), Dense(4), Activation("relu"), Dropout(0.5), Dense(2, "sigmoid")], rng=0
    )
    assert [p.label for p in model.parameters()] == ["W[1]", "b[1]", "W[2]", "b[2]"]
    a2 = model(X)
    z2 = a2.operands[0]
    assert (a2.label, z2.label) == ("A[2]", "Z[2]")
    a1 = z2.operands[0].operands[0]
    assert (a1.label, a1.operands[0].label) == ("A[1]", "Z[1]")


LABELS = np.array([0, 1, 1, 0, 1])


@pytest.mark.parametrize(
    ("output", "loss", "y"),
    [
        (Dense(2, activation="softmax"), "sparse_categorical_crossentropy", LABELS),
        (Dense(1, activation="sigmoid"), "binary_crossentropy", LABELS),
    ],
)
def test_the_chain_of_the_lectures_can_be_derived_from_the_loss_of_samples(output, loss, y):
    model = Sequential([Dense(4, activation="relu", input_shape=(3,)), copy.deepcopy(output)], dtype="float64", rng=0)
    model.compile("sgd", loss)
    found = derive(model.loss_of(X, y), model.layers[0].weight)
    text = " ".join(str(found).split())
    for line in ("dZ[2] = A[2] − Y", "dW[2] = (1/m) dZ[2]ᵀ A[1]", "dA[1] = dZ[2] W[2]", "dW[1] = (1/m) dZ[1]ᵀ X"):
        assert line in text
    target = np.eye(2)[y] if model.output_shape == (2,) else y[:, None]
    dz = (model.predict(X) - target) / 5 @ np.array(model.layers[1].weight.data)
    dz[model.layers[0].before_activation(Tensor(X)).data <= 0] = 0
    assert found.value == pytest.approx(dz.T @ X, rel=1e-12)


def test_the_loss_of_samples_is_what_evaluate_gives_with_weights_and_regularizers_too():
    model = Sequential([Dense(4, input_shape=(3,), kernel_regularizer="l2"), Dense(1)], dtype="float64", rng=0)
    model.compile("sgd", "mse")
    y, weight = X.sum(axis=1), np.arange(5.0)
    assert model.loss_of(X, y).item() == pytest.approx(model.evaluate(X, y), rel=1e-13)  # summed in another order
    k1, b1, k2, b2 = model.get_weights()
    errors = ((X @ k1 + b1) @ k2 + b2)[:, 0] - y
    expected = (weight * errors**2).sum() / 5 + 0.01 * (k1**2).sum()
    assert model.loss_of(X, y, weight).item() == pytest.approx(expected, rel=1e-13)


def test_a_loop_of_ones_own_trains_bit_for_bit_as_train_on_batch():
    own, kept = net(), net()
    for model in (own, kept):
        model.compile("adam", "sparse_categorical_crossentropy")
    for _ in range(3):
        own.zero_grad()
        own.loss_of(X, LABELS).backward()
        own.optimizer.step()
        kept.train_on_batch(X, LABELS)
    assert all(np.array_equal(a, b) for a, b in zip(own.get_weights(), kept.get_weights(), strict=True))


def test_a_tensor_of_inputs_gets_its_gradient_in_its_own_dtype_and_shape():
    model = net(dtype="float32")
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = Tensor(X, "X")
    found = gradients(model.loss_of(x, LABELS), x)
    assert found.shape == X.shape
    assert found.dtype == np.float64
    h = 1e-2
    for i, j in ((0, 0), (4, 2)):
        step = np.zeros_like(X)
        step[i, j] = h
        difference = (model.evaluate(X + step, LABELS) - model.evaluate(X - step, LABELS)) / (2 * h)
        assert found[i, j] == pytest.approx(difference, rel=1e-2)
    line = Sequential([Dense(1, input_shape=(1,))], rng=0)
    line.compile("sgd", "mse")
    assert gradients(line.loss_of(v := Tensor([1.0, 2.0]), [0, 0]), v).shape == (2,)


def test_the_loss_of_samples_needs_a_compiled_model_and_data_that_fit():
    model = net()
    with pytest.raises(RuntimeError, match="loss_of: the model is not compiled"):
        model.loss_of(X, LABELS)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="loss_of: x has 5 samples, y has 4"):
        model.loss_of(X, LABELS[:4])


def test_parameters_are_named_by_their_path():
    names = [name for name, _ in net().named_parameters()]
    assert names == ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]


def test_a_model_is_built_by_input_or_input_shape_or_build_or_data():
    models = [
        Sequential([Input((3,)), Dense(4), Dense(2)], rng=7),
        Sequential([Dense(4, input_dim=3), Dense(2)], rng=7),
        Sequential([Dense(4), Dense(2)], rng=7),
        Sequential([Dense(4), Dense(2)], rng=7),
        Sequential(rng=7),
    ]
    models[2].build(3)
    models[3].predict(X)
    for layer in (Input(shape=(3,)), Dense(4), Dense(2)):
        models[4].add(layer)
    first = models[0].state_dict()
    for model in models:
        assert model.built
        assert model.output_shape == (2,)
        state = model.state_dict()
        assert list(state) == list(first)
        assert all(np.array_equal(state[name], first[name]) for name in first)


def test_layers_get_names_that_are_unique():
    model = Sequential([Dense(2, input_dim=2), Dense(2), Dense(2, name="last"), Dropout(0.1)])
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "last", "dropout"]
    assert model.get_layer("last") is model.layers[2] is model.get_layer(index=2)
    with pytest.raises(ValueError, match="no layer is called 'first'; known: dense, dense_1, last, dropout"):
        model.get_layer("first")
    with pytest.raises(ValueError, match="a layer called 'last' already"):
        model.add(Dense(2, name="last"))


def test_what_is_no_layer_is_refused():
    with pytest.raises(TypeError, match=r"expected a layer such as Dense\(32\), got int"):
        Sequential([3])
    with pytest.raises(TypeError, match=r"got the class Flatten; write Flatten\(\.\.\.\)"):
        Sequential([Flatten])
    with pytest.raises(TypeError, match=r"expected one list of layers; write Sequential\(\[Dense\(2\)\]\)"):
        Sequential(Dense(2))
    layer = Dense(2, input_dim=2)
    with pytest.raises(ValueError, match="is in this model already"):
        Sequential([layer, layer])
    with pytest.raises(ValueError, match=r"Input\(shape=\(2,\)\) must come first"):
        Sequential([Dense(2), Input((2,))])
    with pytest.raises(ValueError, match=r"has input_shape=\(3,\), what comes before gives \(2,\)"):
        Sequential([Dense(2, input_dim=2), Dense(1, input_dim=3)])


def test_another_number_of_features_is_refused_with_both_and_the_layer():
    model = net()
    for call in (model, model.predict, lambda x: model(Tensor(x))):
        with pytest.raises(
            ValueError, match=r"Dense\(4, 'relu'\) \('dense'\) expects inputs of shape \(batch, 3\).*got \(5, 7\)"
        ):
            call(np.zeros((5, 7)))
    with pytest.raises(ValueError, match=r"expected a batch, rows are samples; got the number 3\.0"):
        model(Tensor(3.0))
    with pytest.raises(ValueError, match="rows are samples: transpose x"):
        model.predict(X.T)
    with pytest.raises(ValueError, match=r"got \(3,\); for one sample write x\[None\], or \[x\] if it is a list"):
        model.predict(X[0])
    with pytest.raises(ValueError, match=r"expects inputs of shape \(batch, 3\), as built; got \(batch, 4\)"):
        model.build(4)


def test_what_is_said_of_one_sample_works():
    model = Sequential([Dense(2, input_shape=(3,))], rng=0)
    x = np.array([1.0, 2.0, 3.0])
    assert np.array_equal(model.predict(x[None]), model.predict([x.tolist()]))


def test_before_it_is_built_a_model_says_how_to_build_it():
    model = Sequential([Dense(2)])
    for call in (model.summary, model.count_params, model.get_weights, lambda: model.load_state_dict({})):
        with pytest.raises(RuntimeError, match="give the first layer input_shape"):
            call()
    with pytest.raises(RuntimeError, match="add layers first"):
        Sequential().summary()
    with pytest.raises(ValueError, match="it has no layers; add one first"):
        Sequential().predict(X)


def test_weights_are_those_of_keras_kernel_and_bias_of_each_layer():
    model = net()
    weights = model.get_weights()
    assert [w.shape for w in weights] == [(3, 4), (4,), (4, 2), (2,)]
    other = net(rng=1)
    other.set_weights(weights)
    assert np.array_equal(other.predict(X), model.predict(X))
    with pytest.raises(ValueError, match=r"dense_1: kernel: expected shape \(4, 2\), got \(2, 4\)"):
        other.set_weights([*weights[:2], weights[2].T, weights[3]])
    with pytest.raises(ValueError, match="expected 4 arrays, kernel and bias of each layer; got 2"):
        other.set_weights(weights[:2])


def test_the_state_of_a_model_is_a_copy_and_can_be_loaded():
    model, other = net(), net(rng=1)
    state = model.state_dict()
    assert {name: array.shape for name, array in state.items()} == {
        "layers.0.weight": (4, 3),
        "layers.0.bias": (4,),
        "layers.1.weight": (2, 4),
        "layers.1.bias": (2,),
    }
    other.load_state_dict(state)
    assert np.array_equal(other.predict(X), model.predict(X))
    state["layers.0.weight"][:] = 0
    assert model.layers[0].weight.numpy().any()
    assert other.layers[0].weight.numpy().any()


def test_the_number_of_parameters():
    assert net().count_params() == 3 * 4 + 4 + 4 * 2 + 2


def test_float32_is_the_default_and_float64_can_be_had():
    for model, dtype in ((net(dtype="float32"), np.float32), (net(), np.float64), (Sequential([Dense(1)]), np.float32)):
        assert model.predict(X).dtype == dtype
        assert model(X.astype(np.float64)).dtype == dtype
        assert all(p.dtype == dtype for p in model.parameters())
    with pytest.raises(TypeError, match="expected dtype to be float32 or float64, got 'int8'"):
        Sequential(dtype="int8")


def test_both_dtypes_start_from_the_same_numbers():
    wide, narrow = net().get_weights(), net(dtype="float32").get_weights()
    assert all(np.array_equal(a.astype(np.float32), b) for a, b in zip(wide, narrow, strict=True))


def test_no_samples_give_no_predictions():
    assert net().predict(np.zeros((0, 3))).shape == (0, 2)
    assert net().predict_classes(np.zeros((0, 3))).shape == (0,)


def test_predictions_do_not_depend_on_the_size_of_a_batch():
    model = net()
    for size in (1, 2, 5, 100):
        assert model.predict(X, batch_size=size) == pytest.approx(model.predict(X), abs=1e-14)


def test_predicting_draws_no_random_number_and_records_nothing():
    model = Sequential([Dense(8, input_dim=3), Dropout(0.5), Dense(1)], rng=0)
    before = model.rng.bit_generator.state
    first = model.predict(X)
    assert np.array_equal(model.predict(X), first)
    assert model.rng.bit_generator.state == before
    assert model.training
    assert all(layer.training for layer in model.layers)


def test_a_call_is_in_training_if_it_says_so():
    model = Sequential([Dropout(0.5, input_shape=(3,))], rng=0)
    ones = np.ones((4, 3))
    assert model(ones, training=False).tolist() == ones.tolist()
    assert model.training
    assert 0.0 in np.asarray(model(ones, training=True))
    model.eval()
    assert np.array_equal(np.asarray(model(ones)), ones)
    assert 0.0 in np.asarray(model(ones, training=True))
    assert not model.training


def test_classes_are_the_largest_output_or_the_side_of_a_half():
    model = net()
    assert np.array_equal(model.predict_classes(X), model.predict(X).argmax(axis=1))
    one = Sequential([Dense(1, "sigmoid", input_dim=3)], rng=0)
    classes = one.predict_classes(X)
    assert classes.tolist() == (one.predict(X)[:, 0] > 0.5).astype(int).tolist()
    assert classes.dtype == np.int64
    assert set(classes) == {0, 1}


def test_under_no_grad_a_result_is_a_leaf():
    with no_grad():
        assert net()(X).is_leaf


def test_a_random_slope_is_drawn_for_each_number_from_the_generator_of_the_model():
    def outputs():
        model = Sequential([Activation("randomized_leaky_relu", input_shape=(3,))], dtype="float64", rng=5)
        return model(-np.ones((4, 3))).numpy(), model.predict(-np.ones((4, 3)))

    (drawn, mean), (again, _) = outputs(), outputs()
    assert np.array_equal(drawn, again)
    assert len(np.unique(drawn)) == 12
    assert np.all((drawn >= -1 / 3) & (drawn <= -1 / 8))
    assert mean == pytest.approx(np.full((4, 3), -(1 / 8 + 1 / 3) / 2))


def test_a_random_slope_with_a_generator_of_its_own_keeps_it():
    slope = RandomizedLeakyReLU(rng=3)
    own = slope.rng
    Sequential([Dense(2, slope, input_dim=3)], rng=0)
    assert slope.rng is own


def test_models_can_be_copied_and_pickled_also_when_compiled_and_trained():
    model = net()
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(X, [0, 1, 1, 0, 1], epochs=2, verbose=0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.predict(X), model.predict(X))
        twin = copy.deepcopy(model)
        for m in (other, twin):
            m.fit(X, [0, 1, 1, 0, 1], epochs=2, verbose=0)
        assert np.array_equal(other.predict(X), twin.predict(X))
        assert not np.array_equal(other.predict(X), model.predict(X))


def test_the_repr_is_short_and_true():
    assert repr(net()) == "Sequential([Dense(4, 'relu'), Dense(2, 'softmax')])"
