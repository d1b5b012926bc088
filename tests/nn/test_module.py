"""Module: finding parameters, wherever they are kept."""

import numpy as np
import pytest

from autograd import Tensor, Value
from autograd.value import NO_GRADIENT
from nn import MLP, Dense, Module, Neuron


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


@pytest.mark.slow
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


class Mixed(Module):
    def __init__(self):
        self.w = Tensor([[1.0, 2.0]], dtype="float32")
        self.inside = Line()


def test_tensors_are_parameters_too_and_have_no_gradient_after_zero_grad():
    model = Mixed()
    assert [name for name, _ in model.named_parameters()] == ["w", "inside.slope", "inside.intercept"]
    (model.w * 2.0).sum().backward()
    assert model.w.grad.tolist() == [[2.0, 2.0]]
    model.zero_grad()
    assert model.w.grad is None
    assert model.inside.slope.grad is NO_GRADIENT


def test_a_state_holds_copies_of_all_numbers_by_name():
    model = Mixed()
    state = model.state_dict()
    assert {name: array.tolist() for name, array in state.items()} == {
        "w": [[1.0, 2.0]],
        "inside.slope": 2.0,
        "inside.intercept": 1.0,
    }
    assert state["w"].dtype == np.float32
    state["w"][:] = 0
    assert model.w.tolist() == [[1.0, 2.0]]


def test_a_state_can_be_loaded():
    model, other = Mixed(), Mixed()
    model.w.data = [[5.0, 6.0]]
    model.inside.slope.data = -1.0
    other.load_state_dict(model.state_dict())
    assert other.w.tolist() == [[5.0, 6.0]]
    assert other.inside.slope.data == -1.0
    assert type(other.inside.slope.data) is float


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w": np.zeros((2, 1))}, r"load_state_dict: w: expected shape \(1, 2\), got \(2, 1\)"),
        ({"inside.slope": np.zeros(1)}, r"inside.slope: expected shape \(\), got \(1,\)"),
        (
            {"v": np.zeros(1)},
            "Mixed has 3 parameters and buffers, the state has 4: v is unknown; make a model of the same layers",
        ),
        ({"w": None}, "Mixed has 3 parameters and buffers, the state has 2: w is missing"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change, message):
    model = Mixed()
    state = {**{name: array + 1 for name, array in model.state_dict().items()}, **change}
    before = model.state_dict()
    with pytest.raises(ValueError, match=message):
        model.load_state_dict({name: array for name, array in state.items() if array is not None})
    assert {name: array.tolist() for name, array in model.state_dict().items()} == {
        name: array.tolist() for name, array in before.items()
    }


def test_what_is_no_state_is_refused():
    with pytest.raises(TypeError, match=r"expected names with arrays, as state_dict\(\) gives; got list"):
        Mixed().load_state_dict([1.0])
    with pytest.raises(TypeError, match="w: expected plain numbers"):
        Mixed().load_state_dict({**Mixed().state_dict(), "w": np.array([["a", "b"]])})


def test_a_module_of_ones_own_computes_in_forward_as_in_pytorch():
    class Net(Module):
        def __init__(self):
            self.hidden, self.last = Dense(3, "tanh"), Dense(1)

        def forward(self, x, scale=1.0):
            return scale * self.last(self.hidden(x))

    net, x = Net(), np.ones((2, 4))
    assert np.array_equal(net(x, scale=2.0).numpy(), 2 * net.last(net.hidden(x)).numpy())
    assert len(net.parameters()) == 4
