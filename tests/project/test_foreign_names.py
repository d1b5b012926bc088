"""What people from elsewhere guess: the answer says what it is called here."""

import re

import numpy as np
import pytest

import autograd
import nn
import viz
from autograd import Tensor, Value, check_gradients, derive
from autograd.foreign import NAMES as OF_AUTOGRAD
from autograd.foreign import OF_NODES
from nn.foreign import NAMES as OF_NN
from nn.foreign import OF_PARTS, OF_TRAINING, OPTIONS
from viz.foreign import NAMES as OF_VIZ


def model():
    net = nn.Sequential([nn.Input((2,)), nn.Dense(3), nn.Dense(1)], rng=0)
    net.compile("sgd", "mse")
    return net


x, w = Value(2.0, "x"), Value(3.0, "w")
L = (x * w).tanh()
L.label = "L"
t = Tensor([1.0, 2.0])

GUESSES = {
    "nn.Linear(2, 3)": "it is called Dense",
    "nn.metrics.SparseCategoricalAccuracy()": r"metrics=\['categorical_accuracy'\].*Running\('categorical_accuracy'\)",
    "nn.metrics.AUC()": r"a function \(y_true, y_pred\) -> number",
    "nn.layers.Normalization()": "nn.data.Standardizer",
    "nn.Module().forward(t)": r"a Module of one's own has forward\(self, x\)",
    "nn.BatchLayer().add_weight": "self.w = Tensor",
    "from nn import Linear": "it is called Dense",
    "from nn.layers import Linear": "it is called Dense",
    "nn.Conv2d": "it is called Conv2D",
    "nn.to_categorical([0, 1])": "from nn.data import one_hot",
    "from nn.data import to_categorical": "it is called one_hot",
    "nn.plot_model(model())": r"viz.draw_network\(model\)",
    "from viz import plot_model": r"draw_network\(model\)",
    "viz.draw_dot(L)": r"draw_graph\(loss\)",
    "autograd.draw_graph": "from viz import draw_graph",
    "Tensor([1.0], requires_grad=True)": "every leaf gets a gradient",
    "t.requires_grad": "every leaf gets a gradient",
    "Value(1.0, requires_grad=True)": "every leaf gets a gradient",
    "Value(2.0).backward(retain_graph=True)": "the graph stays as long as its result",
    "t.sum().backward(create_graph=True)": r"gradients\(loss, w, create_graph=True\)",
    "(t * t).backward(gradient=t)": r"seed: backward\(seed=",
    "t.mm": "write x @ y",
    "autograd.make_vjp": r"gradients\(result, operands, seed\)",
    "autograd.GradientTape": "everything that is computed from leaves is recorded",
    "viz.visualize": r"draw_network\(model\) for a net",
    "nn.SGD(lr=0.1)": "it is called learning_rate",
    "nn.Adam(model().parameters(), betas=(0.9, 0.999))": "beta_1=0.9, beta_2=0.999",
    "setattr(model().optimizer, 'lr', 0.1)": "it is called learning_rate",
    "nn.Sequential(nn.Dense(3), nn.Dense(1))": r"write Sequential\(\[Dense\(3\), Dense\(1\)\]\)",
    "nn.Dense(4)(nn.Dense(3))": r"Sequential\(\[Input\(...\), Dense\(4\)\]\)",
    "check_gradients(L, w, 0.0004)": r"write check_gradients\(lambda w: ..., \[w.data\]\)",
    "model().weights": r"parameters\(\) gives the nodes",
    "model().layers[0].kernel": "it is weight",
    "model().trainable_variables": r"it is trainable_parameters\(\)",
    "from nn.datasets import make_moons": "nn.datasets.moons",
    "nn.make_moons(100)": "nn.datasets.moons",
    "from autograd import jit": "vectorize",
    "autograd.vmap": "it is called vectorize",
    "autograd.Variable": r"Value\(2.0\) for a number",
    "nn.relu": "from autograd import relu",
    "nn.functional.relu(t)": "functions are in autograd",
    "nn.optim.SGD": "from nn import SGD, Adam",
    "nn.ReLU()": "activation='relu'",
    "nn.CrossEntropyLoss()": "SparseCategoricalCrossentropy",
    "nn.losses.CrossEntropy": "CategoricalCrossentropy",
    "from nn.models import Sequential": "from nn import Sequential",
    "nn.Dense(in_features=3, out_features=4)": "input_shape",
    "nn.Dropout(p=0.5)": "it is called rate",
    "nn.MLP(2, [3, 1], nonlin=True)": "it is called activation",
    "model().fit([[1.0, 2.0]], [3.0], lr=0.1)": r"compile\(SGD\(0.1\), ...\)",
    "model().compile('sgd', 'mse', weighted_metrics=[])": "metrics count every sample once",
    "nn.MLP(2, [1]).fit(1, 2, nb_epoch=3)": "it is called epochs",
    "t.view(2)": "x.reshape",
    "x.value": "the number is x.data",
    "x.children": "x.operands",
    "x._backward()": "x.op.rules",
    "Value(2.0, (x, w), '*')": "one decorated function",
    "Value(2.0, (x,))": "one decorated function",
}


@pytest.mark.parametrize("guess", GUESSES)
def test_a_wrong_guess_is_told_what_it_is_called_here(guess):
    with pytest.raises((AttributeError, ImportError, TypeError), match=GUESSES[guess]):
        exec(guess, globals().copy())


def test_the_first_line_of_a_program_for_hips_autograd_works():
    import autograd.numpy as anp

    assert autograd.grad(lambda x: anp.sum(anp.sin(x)))(anp.zeros(2)).tolist() == [1.0, 1.0]
    assert anp.random.default_rng is np.random.default_rng


def test_aliases_that_do_no_harm_work():
    assert autograd.tensor([1.0, 2.0]).tolist() == [1.0, 2.0]
    assert viz.draw_paths(L, w).source == viz.draw_paths(derive(L, w)).source
    assert check_gradients(lambda a: a * a, [3.0], 1e-4).gradient == (6.0,)


def test_an_unknown_name_is_an_attribute_error_as_everywhere():
    for thing in (autograd, nn, nn.layers, viz, x, t, model(), nn.SGD()):
        assert not hasattr(thing, "nonsense_that_nobody_guesses")
        assert getattr(thing, "nonsense_that_nobody_guesses", 3) == 3
    with pytest.raises(ImportError):
        exec("from autograd import nonsense_that_nobody_guesses")


def test_names_of_others_are_not_listed_among_ones_own():
    for thing, name in ((x, "children"), (t, "view"), (model(), "weights"), (nn.SGD(), "param_groups")):
        assert not hasattr(thing, name)
        assert name not in dir(thing)
    assert {"data", "backward"} <= set(dir(x))
    assert {"layers", "fit", "name"} <= set(dir(model()))


def test_a_class_of_ones_own_may_use_any_of_these_names():
    class Scale(nn.BatchLayer):
        weights = "mine"

        def make_parameters(self, input_shape, dtype, rng):
            self.kernel = Tensor([2.0], dtype=dtype)

        def forward(self, x):
            return x * self.kernel

    layer = Scale()
    assert layer([[3.0]]).tolist() == [[6.0]]
    assert layer.weights == "mine"


def test_no_table_speaks_of_a_name_that_is_here():
    for module, table in ((autograd, OF_AUTOGRAD), (nn, OF_NN), (viz, OF_VIZ)):
        assert [name for name in table if name in module.__all__] == []
    assert [name for name in OF_NODES if hasattr(Tensor, name) and hasattr(Value, name)] == []
    for cls in (nn.Sequential, nn.Dense, nn.SGD, nn.Adam):
        there = cls.__init__.__annotations__
        assert [name for name in OPTIONS if name in there and name not in ("weight_decay", "rng")] == []


def named_in(text):
    """The places that a sentence of advice names, in full."""
    return re.findall(r"\b((?:nn|viz|autograd)(?:\.\w+)+)", text) + [
        f"{module}.{name}"
        for module, names in re.findall(r"from ([\w.]+) import ((?:\w+(?:, )?)+)", text)
        for name in names.split(", ")
    ]


def test_what_the_advice_names_exists():
    texts = [
        text
        for table in (OF_AUTOGRAD, OF_NODES, OF_NN, OF_PARTS, OF_TRAINING, OPTIONS, OF_VIZ)
        for text in table.values()
    ]
    places = {place for text in texts for place in named_in(text)}
    assert len(places) > 30
    for place in places:
        module, *rest = place.split(".")
        thing = {"nn": nn, "viz": viz, "autograd": autograd}[module]
        for name in rest:
            thing = getattr(thing, name)


# ---------------------------------------------------------------- micrograd


def test_a_walk_as_micrograd_draws_it_works():
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    e = a * b
    out = (e + a).tanh()
    seen, edges = set(), set()

    def build(v):
        if v not in seen:
            seen.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(out)
    assert len(seen) == 5
    assert (a, e) in edges
    lines = []
    for n in seen:
        uid = str(id(n))
        lines.append(f'{uid} [label="{n.label} | data {n.data:.4f} | grad {n.grad:.4f}"]')
        if n._op:
            lines.append(uid + n._op + " -> " + uid)
    for u, v in edges:
        lines.append(str(id(u)) + " -> " + str(id(v)) + v._op)
    assert sorted(str(v._op) for v in seen if v._op) == sorted(["+", "tanh", autograd.mul.op.symbol])
    assert isinstance(out._op, str)
    assert len(lines) == 5 + 3 + 5
    assert (a + a)._prev == (a,)
    assert Tensor([1.0])._prev == ()


def test_operations_are_equal_to_themselves_only():
    assert autograd.tanh.op != "tanh"
    assert autograd.tanh.op == autograd.tanh.op
    assert autograd.tanh.op in {autograd.tanh.op: 1}
    assert "tanh" not in {autograd.tanh.op: 1}
