"""Neurons, layers and nets of Values: the lecture's numbers, names, and every wrong input."""

import copy
import math
import pickle

import numpy as np
import pytest
from drawings import lecture_net

from autograd import Value, derive, no_grad, relu, sigmoid, softmax_cross_entropy, squared_error
from nn import MLP, Layer, Neuron, inputs


def lecture_loss(net):
    return squared_error(net(inputs([0.05, 0.10])), [0.01, 0.99])


def named_nodes(root):
    """Every labelled node below `root`, by its label."""
    found, stack = {}, [root]
    while stack:
        node = stack.pop()
        found[node.label] = node
        stack.extend(u for u in node.operands if isinstance(u, Value))
    return found


# ---------------------------------------------------------------- lecture 20


@pytest.mark.parametrize("elementary", [False, True])
def test_the_forward_pass_of_lecture_20(elementary):
    nodes = named_nodes(lecture_loss(lecture_net(elementary=elementary)))
    expected = {
        "z[1]_1": 0.3775,
        "z[1]_2": 0.3925,
        "z[2]_1": 1.106,
        "z[2]_2": 1.225,
        "a[1]_1": 0.5933,
        "a[1]_2": 0.5969,
        "a[2]_1": 0.7514,
        "a[2]_2": 0.7729,
    }
    assert {name: nodes[name].data for name in expected} == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("elementary", [False, True])
def test_the_loss_and_gradients_of_lecture_20(elementary):
    net = lecture_net(elementary=elementary)
    loss = lecture_loss(net)
    loss.backward()
    assert loss.data == pytest.approx(0.2984, abs=5e-5)
    # three factors of the lecture: 0.7414 · 0.1868 · 0.5933
    assert net.layers[1].neurons[0].w[0].grad == pytest.approx(0.7414 * 0.1868 * 0.5933, rel=5e-4)
    assert net.layers[0].neurons[0].w[0].grad == pytest.approx(0.0004386, abs=5e-8)


def test_the_two_paths_of_lecture_20():
    net = lecture_net()
    loss = lecture_loss(net)
    derivation = derive(loss, net.layers[0].neurons[0].w[0])
    chains = [[u.label for u in path.nodes[1:]] for path in derivation.paths]
    assert chains == [
        ["a[2]_1", "z[2]_1", "a[1]_1", "z[1]_1", "w[1]_1,1"],
        ["a[2]_2", "z[2]_2", "a[1]_1", "z[1]_1", "w[1]_1,1"],
    ]


# ---------------------------------------------------------------- against others


def torch_gradients(torch, net, samples, labels):
    functions = {
        "relu": torch.relu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "softplus": torch.nn.functional.softplus,
    }
    weights, biases = ([torch.tensor(a, requires_grad=True) for a in group] for group in net.get_weights())
    a = torch.tensor(samples)
    for layer, w, b in zip(net.layers, weights, biases, strict=True):
        z = a @ w.T + b
        a = functions.get(getattr(layer.activation, "__name__", ""), lambda z: z)(z)
    torch.nn.functional.cross_entropy(a, torch.tensor(labels), reduction="sum").backward()
    return [w.grad.numpy() for w in weights], [b.grad.numpy() for b in biases]


@pytest.mark.parametrize("elementary", [False, True])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "softplus", ["tanh", "relu"]])
def test_gradients_agree_with_pytorch(activation, elementary):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    samples, labels = rng.standard_normal((6, 5)), rng.integers(0, 3, 6)
    net = MLP(5, [7, 4, 3], activation, elementary=elementary, rng=1)
    for x, label in zip(samples, labels.tolist(), strict=True):
        softmax_cross_entropy(net(x), label).backward()
    weights, biases = torch_gradients(torch, net, samples, labels)
    for layer, w, b in zip(net.layers, weights, biases, strict=True):
        ours = [[u.grad for u in neuron.w] for neuron in layer.neurons]
        assert np.array(ours) == pytest.approx(w, rel=1e-12, abs=1e-12)
        assert np.array([neuron.b.grad for neuron in layer.neurons]) == pytest.approx(b, rel=1e-12, abs=1e-12)


def test_visible_operations_give_what_the_fused_sum_gives():
    fused, elementary = (MLP(3, [4, 2], "tanh", elementary=e, rng=5) for e in (False, True))
    x = [0.5, -1.5, 2.0]
    losses = [squared_error(net(x), [1.0, 0.0]) for net in (fused, elementary)]
    for loss in losses:
        loss.backward()
    assert losses[0].data == pytest.approx(losses[1].data, rel=1e-14)
    gradients = [[p.grad for p in net.parameters()] for net in (fused, elementary)]
    assert gradients[0] == pytest.approx(gradients[1], rel=1e-12)


def test_visible_operations_are_visible():
    def operations(z):
        return {u.op.name for u in [z, *z.operands] if isinstance(u, Value) and u.op}

    assert operations(Neuron(2, "linear", elementary=True, rng=0)([1.0, 2.0])) == {"add"}
    assert operations(Neuron(2, "linear", rng=0)([1.0, 2.0])) == {"dot"}


def test_the_same_seed_gives_the_same_net():
    one, other = MLP(3, [4, 2], rng=7), MLP(3, [4, 2], rng=7)
    assert [p.data for p in one.parameters()] == [p.data for p in other.parameters()]


# ---------------------------------------------------------------- names


def test_a_neuron_names_its_nodes():
    neuron = Neuron(2, "tanh", rng=0)
    a = neuron([1.0, 2.0])
    assert [p.label for p in neuron.parameters()] == ["w_1", "w_2", "b"]
    assert (a.label, a.operands[0].label) == ("a", "z")


def test_a_layer_names_its_nodes_by_unit():
    layer = Layer(2, 2, "tanh", rng=0)
    first, second = layer([1.0, 2.0])
    assert [p.label for p in layer.parameters()] == ["w_1,1", "w_1,2", "b_1", "w_2,1", "w_2,2", "b_2"]
    assert (second.label, second.operands[0].label) == ("a_2", "z_2")
    assert first.label == "a_1"


def test_a_net_names_its_nodes_by_layer_and_unit():
    net = MLP(1, [2, 1], "tanh", rng=0)
    assert [p.label for p in net.parameters()] == [
        "w[1]_1,1", "b[1]_1", "w[1]_2,1", "b[1]_2", "w[2]_1,1", "w[2]_1,2", "b[2]_1",
    ]  # fmt: skip
    output = net([1.0])
    assert output.label == "z[2]_1"
    assert [u.label for u in output.operands[2:4]] == ["a[1]_1", "a[1]_2"]


def test_a_linear_unit_is_its_weighted_sum():
    z = Neuron(2, "linear", rng=0)([1.0, 2.0])
    assert z.label == "z"
    assert z.op.name == "dot"


def test_a_layer_in_a_model_of_ones_own_can_be_numbered():
    layer = Layer(1, 2, "relu", rng=0)
    layer.name_nodes(3)
    assert [p.label for p in layer.parameters()] == ["w[3]_1,1", "b[3]_1", "w[3]_2,1", "b[3]_2"]
    assert layer([1.0])[1].label == "a[3]_2"


def test_inputs_are_numbers_with_names():
    x = inputs([0.05, 0.1])
    assert [(u.data, u.label) for u in x] == [(0.05, "x_1"), (0.1, "x_2")]
    assert [u.label for u in inputs(np.array([1, 2]), "y")] == ["y_1", "y_2"]


def test_inputs_leave_values_as_they_are():
    a = Value(1.0, "a")
    assert inputs([a, 2.0])[0] is a


def test_plain_numbers_stay_constants():
    z = Neuron(2, "linear", rng=0)([1, 2])
    assert [u for u in z.operands if not isinstance(u, Value)] == [1.0, 2.0]


# ---------------------------------------------------------------- calls


@pytest.mark.parametrize("x", [[1, 2], (1.0, 2.0), np.array([1, 2]), np.array([1, 2], np.float32), [Value(1.0), 2]])
def test_inputs_may_come_as_list_tuple_or_array(x):
    neuron = Neuron(2, "linear", rng=0)
    neuron.set_weights([3.0, 4.0], 5.0)
    assert neuron(x).data == 16.0


def test_a_layer_of_one_unit_gives_a_value_and_others_a_list():
    assert isinstance(Layer(2, 1, rng=0)([1.0, 2.0]), Value)
    assert [type(a) for a in Layer(2, 3, rng=0)([1.0, 2.0])] == [Value] * 3


def test_a_layer_of_one_unit_feeds_the_next():
    assert isinstance(MLP(2, [1, 1, 1], "tanh", rng=0)([1.0, 2.0]), Value)


def test_a_single_input_may_come_alone():
    neuron = Neuron(1, "linear", rng=0)
    assert neuron(0.5).data == neuron([0.5]).data == neuron(Value(0.5)).data


def test_softmax_goes_over_the_layer():
    layer = Layer(2, 3, "softmax", rng=0)
    a = layer([1.0, -2.0])
    weights, biases = layer.get_weights()
    e = np.exp(weights @ [1.0, -2.0] + biases)
    assert [u.data for u in a] == pytest.approx(e / e.sum(), rel=1e-14)
    assert [u.label for u in a] == ["a_1", "a_2", "a_3"]
    assert [u.label for u in a[0].operands[:3]] == ["z_1", "z_2", "z_3"]


def test_any_function_of_a_value_is_an_activation():
    neuron = Neuron(1, lambda z: z * z, rng=0)
    neuron.set_weights([3.0], 1.0)
    assert neuron([1.0]).data == 16.0
    assert neuron([1.0]).label == "a"


def test_numpy_functions_are_activations_too():
    assert Neuron(1, np.tanh, rng=0)([1.0]).op.name == "tanh"


def test_each_hidden_layer_may_have_its_own_activation():
    net = MLP(2, [3, 3, 1], ["relu", sigmoid], "tanh", rng=0)
    assert [layer.activation.__name__ for layer in net.layers] == ["relu", "sigmoid", "tanh"]


def test_hidden_layers_are_relu_and_the_output_is_linear_unless_told():
    net = MLP(2, [3, 3, 1], rng=0)
    assert [layer.activation.__name__ for layer in net.layers] == ["relu", "relu", "linear"]


def test_no_graph_is_kept_inside_no_grad():
    with no_grad():
        output = MLP(2, [3, 1], rng=0)([1.0, 2.0])
    assert output.is_leaf


def test_the_loop_of_micrograd_trains():
    net = MLP(2, [4, 1], rng=0)
    data = [([0.0, 0.0], -1), ([0.0, 1.0], 1), ([1.0, 0.0], 1), ([1.0, 1.0], -1)]

    def total():
        return sum((net(x) - y) ** 2 for x, y in data)

    before = total().data
    for _ in range(50):
        loss = total()
        net.zero_grad()
        loss.backward()
        for p in net.parameters():
            p.data += -0.05 * p.grad
    assert total().data < 0.5 * before


def test_copies_and_pickles_compute_the_same_and_are_independent():
    net = lecture_net()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert lecture_loss(twin).data == lecture_loss(net).data
        assert twin.layers[0].neurons[0].w[1].label == "w[1]_1,2"
        twin.layers[0].neurons[0].w[0].data = 9.0
        assert net.layers[0].neurons[0].w[0].data == 0.15


def test_reprs_are_short_and_true():
    assert repr(Neuron(3, rng=0)) == "Neuron(3, 'relu')"
    assert repr(Layer(3, 2, "randomized_leaky_relu", rng=0)) == "Layer(3, 2, 'randomized_leaky_relu')"
    assert repr(MLP(3, [4, 4, 1], "tanh", "sigmoid", rng=0)) == "MLP(3, [4, 4, 1], 'tanh', 'sigmoid')"
    assert repr(MLP(3, [4, 4, 1], ["tanh", relu], rng=0)) == "MLP(3, [4, 4, 1], ['tanh', 'relu'], 'linear')"


# ---------------------------------------------------------------- setting weights


def test_weights_come_back_as_they_were_set():
    net = lecture_net()
    weights, biases = net.get_weights()
    assert [w.tolist() for w in weights] == [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]]
    assert [b.tolist() for b in biases] == [[0.35, 0.35], [0.60, 0.60]]


def test_weights_go_from_one_net_into_another():
    one, other = MLP(3, [4, 2], rng=0), MLP(3, [4, 2], rng=1)
    other.set_weights(*one.get_weights())
    assert [p.data for p in one.parameters()] == [p.data for p in other.parameters()]


def test_setting_weights_keeps_the_parameters_themselves():
    layer = Layer(2, 1, rng=0)
    before = layer.parameters()
    layer.set_weights([[1, 2]], [3])
    assert layer.parameters() == before
    assert [p.data for p in before] == [1.0, 2.0, 3.0]
    assert type(before[0].data) is float


def test_a_row_per_unit_a_column_per_input():
    layer = Layer(3, 2, "linear", rng=0)
    layer.set_weights(np.arange(6.0).reshape(2, 3), [10.0, 20.0])
    assert [a.data for a in layer([1.0, 1.0, 1.0])] == [13.0, 32.0]


def test_weights_of_a_neuron_are_a_row():
    neuron = Neuron(2, rng=0)
    neuron.set_weights([1, 2], 3)
    weights, bias = neuron.get_weights()
    assert weights.tolist() == [1.0, 2.0]
    assert bias == 3.0


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([[[1, 2]], [[1, 2]]], [[0, 0], [0]], r"weights of layer 1: expected shape \(2, 2\), got \(1, 2\)"),
        ([np.eye(2), [1, 2]], [[0, 0], [0]], r"weights of layer 2: expected shape \(1, 2\), got \(2,\)"),
        ([np.eye(2), [[1, 2]]], [[0, 0], [0, 0]], r"biases of layer 2: expected shape \(1,\), got \(2,\)"),
        ([np.eye(2)], [[0, 0], [0]], "expected weights for 2 layers, got 1"),
        ([np.eye(2), [[1, 2]]], [[0, 0]], "expected biases for 2 layers, got 1"),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_change_nothing(weights, biases, message):
    net = MLP(2, [2, 1], rng=0)
    before = [p.data for p in net.parameters()]
    with pytest.raises(ValueError, match=message):
        net.set_weights(weights, biases)
    assert [p.data for p in net.parameters()] == before


def test_weights_of_a_layer_must_fit():
    with pytest.raises(ValueError, match=r"Layer\(3, 2, 'relu'\): weights: expected shape \(2, 3\), got \(3, 2\)"):
        Layer(3, 2, rng=0).set_weights(np.zeros((3, 2)), [0, 0])


def test_weights_of_a_neuron_must_fit():
    with pytest.raises(ValueError, match=r"Neuron\(2, 'relu'\): weights: expected shape \(2,\), got \(3,\)"):
        Neuron(2, rng=0).set_weights([1, 2, 3], 0)


def test_the_bias_of_a_neuron_is_one_number():
    with pytest.raises(TypeError, match=r"Neuron\(2, 'relu'\): bias needs a real number, got list"):
        Neuron(2, rng=0).set_weights([1, 2], [3])


def test_values_are_no_weights():
    with pytest.raises(TypeError, match="expected plain numbers, got Values"):
        Neuron(2, rng=0).set_weights([Value(1.0), Value(2.0)], 0)


def test_matrices_that_do_not_follow_each_other_are_refused():
    with pytest.raises(ValueError, match=r"weights of layer 2: expected shape \(1, 2\), got \(1, 3\)"):
        MLP.from_weights([np.eye(2), [[1, 2, 3]]], [[0, 0], [0]])


def test_a_net_of_no_matrices_is_refused():
    with pytest.raises(ValueError, match="expected the weights of at least one layer, got none"):
        MLP.from_weights([], [])


# ---------------------------------------------------------------- wrong inputs


def test_a_wrong_number_of_inputs_names_both():
    with pytest.raises(ValueError, match=r"Neuron\(3, 'relu'\): expected 3 inputs, got 2"):
        Neuron(3, rng=0)([1.0, 2.0])


def test_a_wrong_number_of_inputs_names_the_layer():
    with pytest.raises(ValueError, match=r"Layer\(3, 4, 'relu'\): expected 3 inputs, got 1"):
        MLP(3, [4, 1], rng=0)((1.0,))


def test_one_number_for_several_inputs_is_refused():
    with pytest.raises(ValueError, match="expected 2 inputs, got 1"):
        Neuron(2, rng=0)(0.5)


@pytest.mark.parametrize("x", [[[1, 2], [3, 4]], np.zeros((2, 2)), np.zeros((2, 7)), [(1, 2), (3, 4)]])
def test_a_whole_batch_is_refused(x):
    with pytest.raises(ValueError, match="expected 2 inputs, got 2 rows; call it for each row"):
        Neuron(2, rng=0)(x)


@pytest.mark.parametrize("x", ["ab", None, {1.0, 2.0}, {"x": 1.0}])
def test_inputs_of_another_kind_are_refused(x):
    with pytest.raises(TypeError, match="expected a list, tuple or 1-d array of numbers or Values, got"):
        Neuron(2, rng=0)(x)


@pytest.mark.parametrize("bad", ["1", None, 1j])
def test_something_else_among_the_inputs_is_refused(bad):
    with pytest.raises(TypeError, match="needs a real number"):
        Neuron(2, rng=0)([1.0, bad])


@pytest.mark.parametrize("elementary", [False, True])
def test_an_infinite_input_gives_what_arithmetic_gives(elementary):
    neuron = Neuron(2, "linear", elementary=elementary, rng=0)
    neuron.set_weights([1.0, 0.0], 0.0)
    assert neuron([float("inf"), 1.0]).data == float("inf")


def test_a_neuron_needs_at_least_one_input():
    with pytest.raises(ValueError, match="Neuron: expected nin to be a positive integer, got 0"):
        Neuron(0)


@pytest.mark.parametrize("n", [True, 2.0, "2"])
def test_a_number_of_units_must_be_an_integer(n):
    with pytest.raises(TypeError, match="Layer: expected nout to be a positive integer"):
        Layer(2, n)


def test_a_net_needs_a_list_of_sizes():
    with pytest.raises(TypeError, match=r"expected nouts to be a list such as \[16, 16, 1\], got int 3"):
        MLP(2, 3)


def test_a_net_needs_a_layer():
    with pytest.raises(ValueError, match="expected at least one layer in nouts"):
        MLP(2, [])


def test_a_wrong_number_of_activations_is_refused():
    with pytest.raises(ValueError, match="expected one activation for each of 1 hidden layers, got 2"):
        MLP(2, [3, 1], ["relu", "sigmoid"])


@pytest.mark.parametrize("arguments", [(2, [3, 1], "rleu"), (2, [3], "rleu"), (2, [3], "relu", "rleu")])
def test_a_misspelt_activation_is_found_wherever_it_stands(arguments):
    with pytest.raises(ValueError, match="unknown activation 'rleu'; did you mean 'relu'"):
        MLP(*arguments)


def test_softmax_of_one_neuron_is_refused():
    with pytest.raises(ValueError, match=r"use Layer\(\.\.\., activation='softmax'\)"):
        Neuron(2, "softmax")


def test_softmax_over_one_unit_is_refused():
    with pytest.raises(ValueError, match="softmax over a single unit is always 1; use 'sigmoid'"):
        Layer(2, 1, "softmax")


def test_an_activation_that_gives_a_number_is_refused():
    with pytest.raises(TypeError, match="expected a Value from the activation, got float"):
        Neuron(1, lambda z: z.data, rng=0)([1.0])


# ---------------------------------------------------------------- changing a net that is there


def test_other_weights_of_the_right_number_take_the_place_of_the_first():
    neuron = Neuron(2, "linear", rng=0)
    neuron([1.0, 1.0])
    neuron.w, neuron.b = [Value(1.0), Value(2.0)], Value(10.0)
    assert neuron([1.0, 1.0]).data == 13.0


def test_another_number_of_weights_is_refused():
    with pytest.raises(ValueError, match=r"expected w to be 3 Values; got 2 members"):
        Neuron(3, rng=0).w = [Value(1.0), Value(2.0)]
    with pytest.raises(ValueError, match=r"expected w to be 2 Values"):
        Neuron(2, rng=0).w = [1.0, 2.0]
    with pytest.raises(TypeError, match=r"expected b to be a Value; got float"):
        Neuron(2, rng=0).b = 0.0


def test_the_activation_of_a_layer_can_be_changed():
    layer = Layer(2, 2, "linear", rng=0)
    z = [u.data for u in layer([1.0, 2.0])]
    layer.activation = "tanh"
    assert [u.data for u in layer([1.0, 2.0])] == [math.tanh(u) for u in z]
    layer.activation = "softmax"
    assert sum(u.data for u in layer([1.0, 2.0])) == pytest.approx(1.0)
