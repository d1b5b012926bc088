"""Module: finding parameters, wherever they are kept."""

import numpy as np

from autograd import Value
from autograd.value import NO_GRADIENT
from nn import MLP, Module, Neuron


class Line(Module):
    def __init__(self):
        self.slope = Value(2.0, "w")
        self.intercept = Value(1.0, "b")

    def __call__(self, x):
        return self.slope * x + self.intercept


class Everything(Module):
    def __init__(self):
        self.line = Line()
        self.several = [Value(1.0), (Value(2.0), Line())]
        self.by_name = {"scale": Value(3.0), 7: Value(4.0)}
        self.rate, self.names, self.data, self.nothing = 0.1, ["a", "b"], np.zeros(3), None


def test_parameters_come_in_order_of_definition():
    model = Everything()
    assert [name for name, _ in model.named_parameters()] == [
        "line.slope",
        "line.intercept",
        "several.0",
        "several.1.0",
        "several.1.1.slope",
        "several.1.1.intercept",
        "by_name.scale",
        "by_name.7",
    ]
    assert [p.data for p in model.parameters()] == [2.0, 1.0, 1.0, 2.0, 2.0, 1.0, 3.0, 4.0]


def test_names_of_a_net_are_paths_to_its_parameters():
    net = MLP(2, [2, 1], rng=0)
    names = dict(net.named_parameters())
    assert list(names)[:4] == [
        "layers.0.neurons.0.w.0",
        "layers.0.neurons.0.w.1",
        "layers.0.neurons.0.b",
        "layers.0.neurons.1.w.0",
    ]
    assert names["layers.1.neurons.0.w.1"] is net.layers[1].neurons[0].w[1]
    assert len(names) == len(net.parameters()) == 9


def test_a_shared_parameter_is_listed_once_under_its_first_name():
    model = Everything()
    model.again = model.line
    model.too = [model.line.slope]
    assert len(model.parameters()) == 8
    assert "line.slope" in dict(model.named_parameters())


def test_what_follows_something_nested_comes_after_it():
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    model = Module()
    model.all = [[a, a], {"b": b, "a": a}, c]
    model.pair = (c, b)
    assert model.named_parameters() == [("all.0.0", a), ("all.1.b", b), ("all.2", c)]
    assert model.parameters() == [a, b, c]


def test_results_are_not_parameters():
    model = Line()
    model.last = model(3.0)
    assert model.parameters() == [model.slope, model.intercept]


def test_a_module_that_holds_itself_is_no_trap():
    model = Line()
    model.me = model
    assert len(model.parameters()) == 2


def test_modules_nest_deeper_than_the_recursion_limit():
    model = inner = Module()
    for _ in range(3000):
        inner.next = Module()
        inner = inner.next
    inner.w = Value(1.0)
    assert model.parameters() == [inner.w]
    assert len(model.modules()) == 3001


def test_a_module_without_parameters_has_none():
    assert Module().parameters() == [] == Module().named_parameters()


def test_zero_grad_forgets_the_gradients_of_parameters_only():
    model, x = Line(), Value(3.0)
    (model(x) * 1.0).backward()
    assert (model.slope.grad, model.intercept.grad, x.grad) == (3.0, 1.0, 2.0)
    model.zero_grad()
    assert (model.slope.grad, model.intercept.grad, x.grad) == (0.0, 0.0, 2.0)
    assert model.slope.grad is NO_GRADIENT


def test_without_zero_grad_gradients_add_up():
    model = Line()
    for _ in range(2):
        model(3.0).backward()
    assert model.slope.grad == 6.0


def test_train_and_eval_reach_every_module_inside():
    model = Everything()
    assert model.training
    assert model.several[1][1].training
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    assert model.train().several[1][1].training
    assert Line().training


def test_switching_modes_adds_no_parameter():
    neuron = Neuron(2, rng=0)
    names = neuron.named_parameters()
    assert neuron.eval().named_parameters() == names
