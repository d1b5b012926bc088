"""The table of activations, and the one that draws random slopes."""

import math
import pickle

import numpy as np
import pytest

from autograd import Tensor, Value, sigmoid
from nn import MLP, Dense, Layer, Neuron, RandomizedLeakyReLU, Sequential
from nn.activations import activations, find_activation

# name: g(0.5) and g(-0.5), worked by hand
ELEMENTWISE = {
    "linear": (0.5, -0.5),
    "sigmoid": (1 / (1 + math.exp(-0.5)), 1 / (1 + math.exp(0.5))),
    "tanh": (math.tanh(0.5), -math.tanh(0.5)),
    "relu": (0.5, 0.0),
    "leaky_relu": (0.5, -0.005),
    "elu": (0.5, math.expm1(-0.5)),
    "gelu": (0.25 * (1 + math.erf(0.5**1.5)), -0.25 * (1 + math.erf(-(0.5**1.5)))),
    "hard_sigmoid": (7 / 12, 5 / 12),
    "mish": (0.5 * math.tanh(math.log1p(math.exp(0.5))), -0.5 * math.tanh(math.log1p(math.exp(-0.5)))),
    "selu": (1.0507009873554805 * 0.5, 1.0507009873554805 * 1.6732632423543772 * math.expm1(-0.5)),
    "silu": (0.5 / (1 + math.exp(-0.5)), -0.5 / (1 + math.exp(0.5))),
    "softsign": (1 / 3, -1 / 3),
    "softplus": (math.log(1 + math.exp(0.5)), math.log(1 + math.exp(-0.5))),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_each_name_stands_for_its_function(name):
    g = find_activation(name)
    assert (g(Value(0.5)).data, g(Value(-0.5)).data) == pytest.approx(ELEMENTWISE[name], rel=1e-14)


def test_no_activation_is_left_untested():
    assert set(activations) == {*ELEMENTWISE, "randomized_leaky_relu", "softmax", "log_softmax"}


def test_swish_is_another_name_for_silu():
    assert find_activation("swish") is find_activation("silu")


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_net_of_values_and_one_of_arrays_take_each_by_its_name(name):
    net = MLP(2, [3, 1], name, rng=0)
    model = Sequential([Dense(3, activation=name, input_shape=(2,)), Dense(1)], rng=0, dtype="float64")
    x = [[0.3, -0.8], [1.1, 0.4]]
    hidden, last = model.layers
    z = np.array(x) @ hidden.weight.data.T + hidden.bias.data
    a = np.vectorize(lambda u: find_activation(name)(float(u)))(z)
    assert model.predict(x, verbose=0) == pytest.approx(a @ last.weight.data.T + last.bias.data, rel=1e-12)
    assert isinstance(net(x[0]), Value)


def test_a_function_is_taken_as_it_is():
    assert find_activation(sigmoid) is sigmoid


def test_a_misspelt_name_is_refused_with_a_suggestion():
    with pytest.raises(ValueError, match="unknown activation 'rleu'; did you mean 'relu'"):
        Neuron(2, "rleu")


def test_a_class_is_refused():
    with pytest.raises(TypeError, match=r"got a class; write RandomizedLeakyReLU\(\)"):
        Neuron(2, RandomizedLeakyReLU)


def test_a_random_slope_lies_between_its_bounds():
    g = RandomizedLeakyReLU(0.1, 0.2, rng=0)
    slopes = {-g(Value(-1.0)).data for _ in range(100)}
    assert len(slopes) == 100
    assert 0.1 <= min(slopes) < max(slopes) <= 0.2
    assert g(Value(2.0)).data == 2.0


def test_after_training_the_slope_is_the_mean_and_draws_nothing():
    g = RandomizedLeakyReLU(0.1, 0.3, rng=0)
    before = g.rng.bit_generator.state
    assert g.eval()(Value(-1.0)).data == pytest.approx(-0.2)
    assert g.rng.bit_generator.state == before


def test_each_number_of_a_tensor_gets_a_slope_of_its_own_and_keeps_its_dtype():
    g = RandomizedLeakyReLU(0.1, 0.2, rng=0)
    z = Tensor(np.full((3, 4), -1.0), dtype="float32")
    a = g(z)
    slopes = -a.numpy()
    assert len(np.unique(slopes)) == 12
    assert slopes.min() >= np.float32(0.1)
    assert slopes.max() <= np.float32(0.2)
    a.sum().backward()
    assert np.array_equal(z.grad, slopes)
    assert z.grad.dtype == a.dtype == g(z.numpy()).dtype == np.float32
    assert g.eval()(z).numpy() == pytest.approx(np.full((3, 4), -0.15))


def test_a_seeded_layer_draws_the_same_slopes_each_time():
    def outputs():
        layer = Layer(2, 3, "randomized_leaky_relu", rng=3)
        layer.set_weights(-np.ones((3, 2)), np.zeros(3))
        return [a.data for a in layer([1.0, 1.0])]

    first = outputs()
    assert first == outputs()
    assert len(set(first)) == 3


def test_eval_reaches_the_activations_inside_a_layer():
    layer = Layer(1, 2, "randomized_leaky_relu", rng=3)
    layer.set_weights([[-1.0], [-1.0]], [0.0, 0.0])
    layer.eval()
    assert [a.data for a in layer([1.0])] == pytest.approx([-(1 / 8 + 1 / 3) / 2] * 2)


def test_a_module_with_a_parameter_serves_as_activation():
    class Swish(RandomizedLeakyReLU):
        def __init__(self):
            self.beta = Value(1.0, "beta")

        def __call__(self, z):
            return z * sigmoid(self.beta * z)

    layer = Layer(2, 3, Swish(), rng=0)
    assert [name for name, p in layer.named_parameters() if p.label == "beta"] == ["activation.beta"]


@pytest.mark.parametrize("name", sorted(activations))
def test_layers_with_any_named_activation_can_be_pickled(name):
    layer = Layer(2, 3, name, rng=0)
    copy = pickle.loads(pickle.dumps(layer))
    assert [a.data for a in copy([0.5, -1.0])] == [a.data for a in layer([0.5, -1.0])]
