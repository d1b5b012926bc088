"""The page on operations of one's own: its programs run, and what they define is a full citizen, from one place.

What the programs print is compared with what stands below them in `test_docs`.
"""

import ast
import contextlib
import io
import re

import numpy as np
import pytest
from markdown import blocks
from oracles import ROOT
from tables import restored

from autograd import Tensor, Value, check_gradients, derive, find_nan, gradients
from autograd.formulas.expression import symbol
from autograd.formulas.names import mathml
from autograd.formulas.notation import Mathml
from nn import MLP, Dense, Sequential
from viz import draw_graph, plot_activation
from viz.cli.formula_text import compute

PAGE = ROOT / "docs" / "adding-an-operation.md"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What the programs of the page define, run one after another; the tables are as before in the end."""
    scope = {"__name__": "page"}
    with restored():
        with contextlib.chdir(tmp_path_factory.mktemp("page")), contextlib.redirect_stdout(io.StringIO()):
            for block in blocks(PAGE):
                if block.language == "python":
                    exec(block.text, scope)
        yield scope


def test_every_kind_of_operation_has_a_section_with_a_program():
    text = PAGE.read_text(encoding="utf-8")
    for section in ("Elementwise", "Reduction", "Structural", "Loss"):
        assert "```python" in text.partition(f"## {section}\n")[2].partition("\n## ")[0]


def test_the_operations_of_the_page_have_the_derivatives_they_say(page):
    check_gradients(page["swish"], -0.7)
    check_gradients(page["log_distance"], -0.7)
    check_gradients(lambda x: page["energy"](x), [[0.3, -1.2, 2.0]])
    check_gradients(lambda x: (page["energy"](x, axis=0) ** 2).sum(), np.array([[0.3, -1.2], [2.0, 0.5]]))
    check_gradients(lambda x: (page["reversed_rows"](x) * x).sum(), np.array([[0.3, -1.2], [2.0, 0.5]]))
    check_gradients(lambda p, y: page["smooth_error"](p, y), ([0.3, 2.0, -1.7], [0.1, 0.2, 0.3]))
    check_gradients(lambda p, y: page["smooth_error"](p, y), (np.array([[0.3, 2.0]]), np.array([[0.1, 0.2]])))


# ---------------------------------------------------------------- one place is enough


def test_it_goes_with_everything_that_an_operation_of_the_library_goes_with(page):
    swish = page["swish"]
    w = Value(0.5, "w")
    assert gradients(gradients(swish(w), w, create_graph=True), w) == pytest.approx(
        (gradients(swish(v := Value(0.5 + 1e-5)), v) - gradients(swish(u := Value(0.5 - 1e-5)), u)) / 2e-5, rel=1e-8
    )
    assert r"\sigma(w)" in derive(swish(w), w).latex()
    assert "swish" in draw_graph(swish(w * 2.0)).source
    W = Tensor([[0.5]], "W")
    assert "swish(2 W)" in derive(swish(W * 2.0).sum(), W).steps[-1].text()
    assert find_nan(swish(w * float("inf") * 0.0)).op.name == "mul"
    assert compute("L = swish(w * x)", {"w": 0.5, "x": 2.0}).target.data == swish(1.0)


def test_its_name_is_an_activation_of_single_units_and_of_whole_layers(page):
    net = MLP(2, [3, 1], "swish", rng=0)
    model = Sequential([Dense(3, activation="swish", input_shape=(2,)), Dense(1)], rng=0, dtype="float64")
    model.set_weights([array for layer in net.layers for array in _arrays(layer)])
    x = [0.4, -1.1]
    assert model.predict([x], verbose=0)[0, 0] == pytest.approx(net(x).data, rel=1e-14)
    model.compile(optimizer="sgd", loss="mse")
    assert model.train_on_batch(np.array([x]), np.array([[1.0]])) is not None
    pytest.importorskip("matplotlib").use("agg")
    assert "swish" in plot_activation("swish").get_title("left")


def _arrays(layer):
    return np.array([[w.data for w in n.w] for n in layer.neurons]).T, np.array([n.b.data for n in layer.neurons])


def test_a_template_stands_in_the_place_of_the_name_in_every_notation(page):
    z = Value(2.0, "z")
    derivation = derive(3.0 / page["log_distance"](z), z)
    assert "log(1 + |z|)" in str(derivation)
    assert r"\log(1 + |z|)" in derivation.latex()
    assert "log(1 + abs(z))" in derivation.text(ascii=True)
    assert "<mo>log(1 + |</mo><mi>z</mi>" in Mathml(mathml).sum(page["log_distance"](symbol("z", 2.0)))


LIBRARY = {"softplus": "elementwise", "logsumexp": "softmaxes", "outer": "matrices", "squared_error": "losses"}


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARY)
def test_one_of_the_library_is_handed_on_in_two_places(name):
    found = set()
    for path in (ROOT / "autograd").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and re.search(rf"'{name}'", ast.unparse(node)):
                found.add(f"{path.parent.name}/{path.name}: {ast.unparse(node.targets[0])}")
    handed_on = {f"ops/{LIBRARY[name]}.py: __all__", "ops/__init__.py: __all__"}
    assert handed_on == found
