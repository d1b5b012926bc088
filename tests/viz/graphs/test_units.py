"""Which nodes make up a unit, which weight stands on which edge, and what remains outside."""

import pytest

from autograd import Value, binary_cross_entropy_with_logits, sigmoid, squared_error
from autograd.paths.path_graph import PathGraph
from nn import MLP, Layer, Neuron, inputs
from viz.graphs.units import Constant, find_units


def units_of(target):
    """The units as their names tell them: (unit, bias, ((source, weight), ...)), and the names outside."""
    graph = PathGraph(target)
    found = find_units(graph)
    label = {None: None, **graph.labels}

    def source_of(c):
        return (c.source.index, c.source.data) if isinstance(c.source, Constant) else label[c.source]

    units = [
        (
            " ".join(label[v] for v in unit.nodes),
            label[unit.bias],
            tuple((source_of(c), label[c.weight]) for c in unit.connections),
        )
        for unit in found.units
    ]
    return units, [label[v] for v in found.outside]


def test_a_net_of_two_layers_is_told_unit_by_unit():
    net = MLP(2, [2, 1], "tanh", "sigmoid", rng=0)
    units, outside = units_of(squared_error([net(inputs([1.0, 2.0]))], inputs([0.5], "y")))
    assert units == [
        ("z[1]_1 a[1]_1", "b[1]_1", (("x_1", "w[1]_1,1"), ("x_2", "w[1]_1,2"))),
        ("z[1]_2 a[1]_2", "b[1]_2", (("x_1", "w[1]_2,1"), ("x_2", "w[1]_2,2"))),
        ("z[2]_1 a[2]_1", "b[2]_1", (("a[1]_1", "w[2]_1,1"), ("a[1]_2", "w[2]_1,2"))),
    ]
    assert outside == ["x_1", "x_2", "y_1", "L"]


@pytest.mark.parametrize("elementary", [False, True])
def test_a_unit_knows_its_place_and_its_nodes(elementary):
    net = MLP(2, [2], output_activation="tanh", elementary=elementary, rng=0)
    a = net(inputs([1.0, 2.0]))
    loss = squared_error(a, [0.0, 1.0])
    found = find_units(PathGraph(loss))
    unit = found.of[a[1]]
    assert (unit.layer, unit.sample, unit.index) == ("1", None, ("2",))
    assert unit.a is unit.output is a[1]
    assert found.of[unit.z] is unit
    assert unit.entry is unit.z
    assert unit.bias is net.layers[0].neurons[1].b
    assert [c.weight for c in unit.connections] == list(net.layers[0].neurons[1].w)
    assert [c.edge.derivative for c in unit.connections] == [w.data for w in net.layers[0].neurons[1].w]


def test_a_linear_unit_is_its_z():
    units, _ = units_of(MLP(1, [1], rng=0)(inputs([3.0])))
    assert units == [("z[1]_1", "b[1]_1", (("x_1", "w[1]_1,1"),))]


def test_softmax_gives_every_unit_its_own_activation():
    net = MLP(2, [3], output_activation="softmax", rng=0)
    units, outside = units_of(squared_error(net(inputs([1.0, 2.0])), [0.0, 1.0, 0.0]))
    assert [name for name, *_ in units] == ["z[1]_1 a[1]_1", "z[1]_2 a[1]_2", "z[1]_3 a[1]_3"]
    assert outside == ["x_1", "x_2", "L"]


def test_plain_numbers_that_enter_are_read_from_the_derivative():
    units, outside = units_of(MLP(2, [1], rng=0)([0.25, -4.0]))
    assert units == [("z[1]_1", "b[1]_1", ((("1", 0.25), "w[1]_1,1"), (("2", -4.0), "w[1]_1,2")))]
    assert outside == []


def test_units_that_see_the_same_plain_numbers_see_the_same_constants():
    net = MLP(1, [2], rng=0)
    loss = squared_error(net([2.0]), [0.0, 0.0])
    one, two = (unit.connections[0].source for unit in find_units(PathGraph(loss)).units)
    assert one == two


def test_every_sample_has_its_units_and_all_share_the_weights():
    net = MLP(1, [1], rng=0)
    found = find_units(PathGraph(squared_error([net([2.0]), net([3.0])], [0.0, 1.0])))
    one, two = found.units
    assert (one.sample, two.sample) == ("1", "2")
    assert one.connections[0].weight is two.connections[0].weight
    assert one.connections[0].source != two.connections[0].source


def test_names_written_by_hand_tell_a_unit():
    x, y, w, b = Value(1.5, "x"), Value(1.0, "y"), Value(0.4, "w"), Value(0.1, "b")
    z = w * x + b
    z.label = "z"
    yhat = sigmoid(z)
    yhat.label = "yhat"
    assert units_of(squared_error(yhat, y)) == ([("z yhat", "b", (("x", "w"),))], ["x", "y", "L"])


def test_a_short_index_and_a_bias_for_the_whole_layer_are_understood():
    x, w, b = inputs([1.0, 2.0]), [Value(0.3, "w[1]_11"), Value(0.4, "w[1]_12")], Value(0.5, "b[1]")
    z = w[0] * x[0] + w[1] * x[1] + b
    z.label = "z[1]_1"
    assert units_of(z)[0] == [("z[1]_1", "b[1]", (("x_1", "w[1]_11"), ("x_2", "w[1]_12")))]


def test_a_unit_of_which_only_the_activation_has_a_name_is_told():
    w1, x1, w2, x2 = (Value(u, name) for u, name in ((0.5, "w1"), (3.0, "x1"), (-1.2, "w2"), (2.0, "x2")))
    a = (w1 * x1 + w2 * x2).tanh()
    a.label = "a"
    assert units_of(a) == ([("a", None, (("x1", "w1"), ("x2", "w2")))], ["x1", "x2"])


def test_a_hidden_layer_without_names_is_not_invented():
    x, v, w = Value(2.0, "x_1"), Value(0.7, "v"), Value(0.3, "w[2]_1,1")
    z = w * (v * x).tanh()  # what w is multiplied with is not x_1
    z.label = "z[2]_1"
    units, outside = units_of(z)
    assert units == [("z[2]_1", None, (("w[2]_1,1", None), ("v", None), ("x_1", None)))]
    assert outside == ["w[2]_1,1", "v", "x_1"]


def test_a_weight_of_another_layer_belongs_to_no_unit_of_this_one():
    x, v, w = Value(2.0, "x_1"), Value(0.7, "w[1]_1,1"), Value(0.3, "w[2]_1,1")
    a = (w * (v * x).tanh()).tanh()
    a.label = "a[2]_1"
    assert units_of(a)[0] == [("a[2]_1", None, (("w[2]_1,1", None), ("w[1]_1,1", None), ("x_1", None)))]
    assert units_of((v * x).tanh() + a)[0] == units_of(a)[0]


def test_a_recurrent_unit_enters_again_through_its_own_weight():
    unit = Layer(2, 1, "tanh", rng=0)
    h = unit([3.0, unit([1.0, 0.5])])
    first, second = find_units(PathGraph(h)).units
    assert [c.weight for c in second.connections] == list(unit.neurons[0].w)
    assert second.connections[0].source.data == 3.0
    assert second.connections[1].source is first.a


def test_a_hidden_unit_may_be_known_by_its_z_alone():
    v, w, x = Value(0.7, "w[1]_1,1"), Value(0.3, "w[2]_1,1"), Value(2.0, "x_1")
    z = v * x
    z.label = "z[1]_1"
    y = w * z.tanh()
    y.label = "z[2]_1"
    assert units_of(y)[0][1] == ("z[2]_1", None, (("z[1]_1", "w[2]_1,1"),))


def test_weights_that_were_changed_since_are_still_matched():
    net = MLP(2, [2, 1], "tanh", rng=0)
    loss = squared_error([net(inputs([1.0, 2.0]))], [0.5])
    before = units_of(loss)
    for p in net.parameters():
        p.data += 0.5
    assert units_of(loss) == before


def test_the_loss_is_no_activation():
    net = MLP(1, [1], rng=0)
    z = net(inputs([1.0]))
    loss = binary_cross_entropy_with_logits([z], inputs([1.0], "y"))
    loss.label = "a_loss"
    assert units_of(loss)[0][0][0] == "z[1]_1"
    loss.label = "a[1]_1"  # even if it is called like one: a target leads to it too
    assert units_of(loss)[0][0][0] == "z[1]_1"


def test_a_single_neuron_and_a_single_layer_have_units_without_a_layer():
    assert units_of(Neuron(2, "tanh", rng=0)(inputs([1.0, 2.0])))[0] == [("z a", "b", (("x_1", "w_1"), ("x_2", "w_2")))]
    a = Layer(1, 2, "tanh", rng=0)(inputs([1.0]))
    assert [name for name, *_ in units_of(squared_error(a, [0.0, 0.0]))[0]] == ["z_1 a_1", "z_2 a_2"]


def test_weights_that_lead_to_the_loss_as_well_stay_weights_and_stand_outside_too():
    net = MLP(1, [1], rng=0)
    loss = net(inputs([1.0])) + 0.01 * net.layers[0].neurons[0].w[0] ** 2
    units, outside = units_of(loss)
    assert units == [("z[1]_1", "b[1]_1", (("x_1", "w[1]_1,1"),))]
    assert outside == ["w[1]_1,1", "x_1", "L"]


def test_a_graph_without_units_has_none():
    x = Value(3.0, "x")
    y = x * x
    y.label = "y"
    found = find_units(PathGraph(y))
    assert (found.units, found.of, found.outside) == ([], {}, [x, y])


@pytest.mark.parametrize("activation", ["sigmoid", "leaky_relu", "softmax"])
def test_an_activation_belongs_to_its_unit_whatever_it_is_called(activation):
    net = MLP(1, [2], output_activation=activation, rng=0)
    outputs = net(inputs([1.0]))
    for j, output in enumerate(outputs, 1):
        output.label = f"ytilde_{j}"
    units, outside = units_of(squared_error(outputs, [0.0, 1.0]))
    assert [nodes for nodes, *_ in units] == ["z[1]_1 ytilde_1", "z[1]_2 ytilde_2"]
    assert outside == ["x_1", "L"]


def test_arithmetic_on_a_weighted_sum_is_no_activation():
    z = MLP(1, [1], rng=0)(inputs([1.0]))
    loss = 2 * z
    loss.label = "loss"
    assert units_of(loss)[1] == ["x_1", "loss"]


def called(label, node):
    node.label = label
    return node


def test_an_output_without_a_layer_is_a_unit_of_the_layer_of_its_weights():
    w = [Value(v, f"w[2]_{k}") for k, v in zip(("1,1", "1,2", "2,1", "2,2"), (0.5, -1.0, 2.0, 3.0), strict=True)]
    a1, a2, b1, b2 = Value(1.0, "a[1]_1"), Value(-2.0, "a[1]_2"), Value(0.1, "b[2]_1"), Value(0.2, "b[2]_2")
    outputs = [called("yhat_1", w[0] * a1 + w[1] * a2 + b1), called("yhat_2", w[2] * a1 + w[3] * a2 + b2)]
    units, outside = units_of(squared_error(outputs, [0.0, 1.0]))
    assert units == [
        ("yhat_1", "b[2]_1", (("a[1]_1", "w[2]_1,1"), ("a[1]_2", "w[2]_1,2"))),
        ("yhat_2", "b[2]_2", (("a[1]_1", "w[2]_2,1"), ("a[1]_2", "w[2]_2,2"))),
    ]
    assert outside == ["a[1]_1", "a[1]_2", "L"]
    only = called("yhat", w[0] * a1 + w[1] * a2 + b1)
    assert find_units(PathGraph(squared_error([only], [0.0]))).of[only].index == ("1",)
    assert units_of(squared_error([only], [0.0]))[0] == [("yhat", *units[0][1:])]


def test_weights_whose_second_index_is_the_unit_are_found_too():
    """Lecture 002: a_1 = g(w_11 x_1 + w_21 x_2 + b_1) and a_2 = g(w_12 x_1 + w_22 x_2 + b_2)."""
    x1, x2 = Value(1.0, "x_1"), Value(0.5, "x_2")
    numbers = {"11": 0.3, "21": -0.4, "12": 0.8, "22": 0.1, "1": 0.7, "2": -0.9}
    w = {k: Value(v, f"w_{k}") for k, v in numbers.items()}
    b = {k: Value(0.1, f"b_{k}") for k in "12"}
    z1 = called("z_1", w["11"] * x1 + w["21"] * x2 + b["1"])
    z2 = called("z_2", w["12"] * x1 + w["22"] * x2 + b["2"])
    a1, a2 = called("a_1", sigmoid(z1)), called("a_2", sigmoid(z2))
    yhat = called("yhat", sigmoid(called("z", w["1"] * a1 + w["2"] * a2)))
    units, outside = units_of(squared_error([yhat], [1.0]))
    assert units == [
        ("z_1 a_1", "b_1", (("x_1", "w_11"), ("x_2", "w_21"))),
        ("z_2 a_2", "b_2", (("x_1", "w_12"), ("x_2", "w_22"))),
        ("z yhat", None, (("a_1", "w_1"), ("a_2", "w_2"))),
    ]
    assert outside == ["x_1", "x_2", "L"]
