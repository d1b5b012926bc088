"""Layers of Tensors, one at a time."""

import numpy as np
import pytest

from autograd import Tensor, no_grad, sigmoid
from nn import Activation, Adam, BatchLayer, Dense, Dropout, Flatten, Input, Sequential
from nn.initializers import constant
from nn.regularizers import L1, L2

X = np.array([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]])


def dense(**options):
    layer = Dense(2, **options)
    layer.build(2, dtype="float64")
    layer.set_weights([[[1.0, 2.0], [3.0, 4.0]], [0.5, -20.0]])
    return layer


def test_a_dense_layer_is_x_times_the_kernel_plus_the_bias():
    # row 0: 1·1 + 2·3 + 0.5 and 1·2 + 2·4 - 20
    assert dense()(X).tolist() == [[7.5, -10.0], [15.5, 2.0], [1.0, -20.0]]


def test_a_dense_layer_ends_with_its_activation():
    assert dense(activation="relu")(X).tolist() == [[7.5, 0.0], [15.5, 2.0], [1.0, 0.0]]


def test_a_weight_is_units_times_inputs_and_a_kernel_its_transpose():
    layer = dense()
    assert layer.weight.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    kernel, bias = layer.get_weights()
    assert kernel.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert bias.tolist() == [0.5, -20.0]


def test_the_gradients_of_a_dense_layer_are_those_of_the_lectures():
    layer = dense()
    z = layer(X)
    dz = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, -1.0]])
    z.backward(dz)
    assert np.array_equal(layer.weight.grad, dz.T @ X)
    assert np.array_equal(layer.bias.grad, dz.sum(axis=0))


def test_without_bias_there_is_none():
    layer = Dense(3, use_bias=False)
    layer.build((2,))
    assert layer.bias is None
    assert [p.shape for p in layer.parameters()] == [(3, 2)]
    assert layer(np.zeros((1, 2), np.float32)).tolist() == [[0.0, 0.0, 0.0]]


def test_initializers_see_the_weight_as_units_times_inputs():
    seen = []

    def initializer(shape, *, rng):
        seen.append(shape)
        return constant(shape, 0.25)

    layer = Dense(3, kernel_initializer=initializer, bias_initializer="ones")
    layer.build(2)
    assert seen == [(3, 2)]
    assert layer.weight.tolist() == [[0.25, 0.25]] * 3
    assert layer.bias.tolist() == [1.0, 1.0, 1.0]


def test_weights_start_as_glorot_uniform_and_biases_at_zero():
    layer = Dense(300, input_dim=100)
    layer.build(100, rng=0)
    limit = np.sqrt(6 / 400)
    assert np.abs(layer.weight.numpy()).max() <= limit
    assert np.abs(layer.weight.numpy()).max() > 0.99 * limit
    assert not layer.bias.numpy().any()


def test_a_layer_has_the_dtype_it_is_built_with_or_its_own():
    for layer, dtype in ((Dense(1), np.float32), (Dense(1, dtype="float64"), np.float64)):
        layer.build(2)
        assert layer.weight.dtype == dtype


def test_a_layer_called_before_it_is_built_is_built_for_what_it_sees():
    layer = Dense(4)
    assert layer(X).shape == (3, 4)
    assert layer.built_for == (2,)


def test_another_number_of_features_is_refused_with_both_and_the_layer():
    layer = dense()
    with pytest.raises(
        ValueError, match=r"Dense\(2\): expected inputs of shape \(batch, 2\), as built; got \(batch, 3\)"
    ):
        layer(np.zeros((5, 3)))


def test_images_with_one_target_each_need_a_flatten():
    model = Sequential([Dense(4, activation="softmax", input_shape=(8, 8))])
    model.compile(loss="sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"got y of shape \(3,\)\. If a sample has one target, add a Flatten\(\)"):
        model.fit(np.zeros((3, 8, 8)), np.zeros(3, int), verbose=0)
    assert Flatten()(np.arange(8.0).reshape(2, 2, 2)).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize("units", [0, -1, True, 2.0, "4"])
def test_units_are_positive_integers(units):
    with pytest.raises((TypeError, ValueError), match="Dense: expected units to be a positive integer"):
        Dense(units)


def test_a_misspelt_activation_or_initializer_or_regularizer_is_refused_with_a_suggestion():
    with pytest.raises(ValueError, match="unknown activation 'rleu'; did you mean 'relu'"):
        Dense(2, activation="rleu")
    with pytest.raises(ValueError, match="unknown activation 'rleu'; did you mean 'relu'"):
        Activation("rleu")
    with pytest.raises(ValueError, match="unknown initializer 'he_norml'; did you mean 'he_normal'"):
        Dense(2, kernel_initializer="he_norml")
    with pytest.raises(ValueError, match="unknown regularizer 'l3'"):
        Dense(2, kernel_regularizer="l3")


def test_an_initializer_that_gives_another_shape_is_refused():
    layer = Dense(3, kernel_initializer=lambda shape, *, rng: np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"expected an array of shape \(3, 2\) from the initializer, got \(2, 3\)"):
        layer.build(2)


def test_softmax_over_one_unit_is_refused():
    with pytest.raises(ValueError, match="softmax over a single unit is always 1; use 'sigmoid'"):
        Dense(1, activation="softmax")
    with pytest.raises(ValueError, match="softmax over a single unit is always 1; use 'sigmoid'"):
        Sequential([Dense(1, input_dim=2), Activation("softmax")])


def test_an_activation_that_gives_no_tensor_is_refused():
    with pytest.raises(TypeError, match="expected a Tensor from the activation, got an array"):
        dense(activation=lambda z: np.maximum(z.numpy(), 0))(X)


def test_an_activation_layer_is_its_function():
    assert Activation("sigmoid")(X).tolist() == sigmoid(Tensor(X)).tolist()
    assert Activation(lambda z: z * z)(X).tolist() == (X * X).tolist()
    layer = Activation("relu")
    layer.activation = "sigmoid"
    assert layer(X).tolist() == sigmoid(Tensor(X)).tolist()
    with pytest.raises(ValueError, match="did you mean 'tanh'"):
        layer.activation = "tahn"


def test_regularizers_look_at_kernel_and_bias():
    layer = dense(kernel_regularizer="l2", bias_regularizer=L1(0.1))
    kernel, bias = (penalty.item() for penalty in layer.penalties())
    assert kernel == pytest.approx(0.01 * (1 + 4 + 9 + 16))
    assert bias == pytest.approx(0.1 * 20.5)
    assert len(dense(kernel_regularizer=L2(0.5)).penalties()) == 1


def test_dropout_keeps_the_mean_and_drops_its_share():
    layer = Dropout(0.25, rng=0)
    a = layer(np.ones((200, 500))).numpy()
    assert set(np.unique(a)) == {0.0, 1 / 0.75}
    assert (a == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert a.mean() == pytest.approx(1.0, abs=0.01)


def test_the_gradient_of_dropout_passes_where_the_number_did():
    layer, x = Dropout(0.5, rng=0), Tensor(np.ones((4, 5)))
    a = layer(x)
    a.sum().backward()
    assert np.array_equal(x.grad, a.numpy())


def test_dropout_drops_others_each_time_and_nothing_after_eval():
    layer = Dropout(0.5, rng=0)
    ones = np.ones((10, 10))
    assert layer(ones).tolist() != layer(ones).tolist()
    before = layer.rng.bit_generator.state
    assert layer.eval()(ones).tolist() == ones.tolist()
    assert layer.rng.bit_generator.state == before


def test_dropout_drops_the_same_numbers_in_both_dtypes():
    ones = np.ones((10, 10))
    wide, narrow = (Dropout(0.5, rng=3)(ones.astype(dtype)).numpy() for dtype in (np.float64, np.float32))
    assert np.array_equal(wide, narrow)
    assert (wide.dtype, narrow.dtype) == (np.float64, np.float32)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
def test_a_dropout_rate_is_a_fraction(rate):
    with pytest.raises(ValueError, match="Dropout: expected rate to be at least 0 and below 1"):
        Dropout(rate)


@pytest.mark.parametrize("shape", [(), (None,), (0,), (2, -1)])
def test_an_input_shape_is_that_of_one_sample(shape):
    with pytest.raises(ValueError, match=r"expected .*shape.* to be"):
        Input(shape)


def test_a_shape_that_is_none_is_refused():
    with pytest.raises(TypeError, match="expected shape to be a tuple such as"):
        Input("10")
    with pytest.raises(TypeError, match="expected input_shape or input_dim, got both"):
        Dense(1, input_shape=(2,), input_dim=2)


def test_a_layer_of_ones_own_with_parameters():
    class Scale(BatchLayer):
        def make_parameters(self, input_shape, dtype, rng):
            self.scale = Tensor(np.full(input_shape, 2.0), dtype=dtype)

        def forward(self, x):
            return x * self.scale

    model = Sequential([Scale(input_shape=(2,)), Dense(1)], dtype="float64", rng=0)
    assert [name for name, _ in model.named_parameters()] == ["layers.0.scale", "layers.1.weight", "layers.1.bias"]
    assert model.layers[0](X).tolist() == (2 * X).tolist()
    model.compile("sgd", "mse")
    model.fit(X, [1.0, 2.0, 3.0])
    assert model.layers[0].scale.numpy().tolist() != [2.0, 2.0]


def test_a_layer_without_forward_says_what_it_needs():
    class Nothing(BatchLayer):
        pass

    with pytest.raises(NotImplementedError, match=r"Nothing needs a method forward\(self, x\)"):
        Nothing()(X)


def test_weights_of_another_number_or_shape_are_refused_and_none_is_changed():
    layer = dense()
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"Dense\(2\): kernel: expected shape \(2, 2\), got \(3, 2\)"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(2)])
    with pytest.raises(ValueError, match=r"Dense\(2\): bias: expected shape \(2,\), got \(3,\)"):
        layer.set_weights([np.zeros((2, 2)), np.zeros(3)])
    with pytest.raises(ValueError, match="expected 2 arrays, kernel and bias of each layer; got 1"):
        layer.set_weights([np.zeros((2, 2))])
    assert all(np.array_equal(a, b) for a, b in zip(layer.get_weights(), before, strict=True))


def test_a_loop_of_ones_own_moves_some_of_the_layers():
    model = Sequential([Dense(2, input_shape=(2,)), Dense(1)], rng=0)
    model.compile("sgd", "mse")
    first, last = model.layers[0].get_weights(), model.layers[-1].get_weights()
    optimizer = Adam(model.layers[-1].parameters())
    model.zero_grad()
    model.loss_of(X, X[:, :1]).backward()
    optimizer.step()
    assert all(np.array_equal(a, b) for a, b in zip(model.layers[0].get_weights(), first, strict=True))
    assert not np.array_equal(model.layers[-1].get_weights()[0], last[0])


def test_a_layer_draws_no_graph_under_no_grad():
    with no_grad():
        assert dense(activation="relu")(X).is_leaf


def test_reprs_are_short():
    assert repr([Dense(3, "relu"), Dense(1), Dropout(0.5), Flatten(), Activation("tanh"), Input((2,))]) == (
        "[Dense(3, 'relu'), Dense(1), Dropout(0.5), Flatten(), Activation('tanh'), Input(shape=(2,))]"
    )


def test_a_layer_of_ones_own_that_gives_no_tensor_is_refused():
    class Loses(BatchLayer):
        def forward(self, x):
            return x.numpy()

    with pytest.raises(TypeError, match=r"Loses\(\): expected a Tensor from its forward pass, got an array"):
        Loses()(X)


def test_a_layer_of_ones_own_may_tell_its_steps():
    class Bounded(BatchLayer):
        def steps(self):
            return [(sigmoid, (), "S")]

    model = Sequential([Dense(3, input_shape=(2,)), Bounded()], dtype="float64", rng=0)
    with no_grad():
        without = model(X)
    assert without.label == model(X).label == "S"
    assert without.tolist() == sigmoid(model.layers[0](X)).tolist()
