"""An operation of the user's own is drawn, explored, plotted and written in the shell as ours are."""

import math

import numpy as np
import pytest

from autograd import Tensor, Value, derive
from autograd.op import elementwise, table
from nn import MLP
from viz import draw_graph, draw_network, draw_paths, explore
from viz.cli.commands import main
from viz.explorer.views import page_data


@pytest.fixture
def atan():
    """The arc tangent as an operation, for one test."""

    @elementwise(lambda z, x: 1 / (1 + x * x), symbol="arctan")
    def atan(x):
        return math.atan(x) if type(x) is float else np.arctan(x)

    yield atan
    del table[atan.op.name]


def computed(atan):
    w = Value(2.0, "w")
    a = atan(w * 0.5)
    a.label = "a"
    loss = a * a
    loss.label = "L"
    loss.backward()
    return loss, w


def test_it_is_drawn_with_its_symbol_and_its_derivative(atan):
    loss, w = computed(atan)
    assert r"arctan\na = 0.7854" in draw_graph(loss, level="op").source  # π/4
    drawn = draw_paths(derive(loss, w)).source
    assert "2a = 1.571" in drawn
    assert "1/(2(1 + 0.25w²)) = 0.25" in drawn


def test_it_is_explored_as_a_formula(atan):
    loss, w = computed(atan)
    data = page_data(loss, w, "named")
    assert "arctan" in data["nodes"]["symbol"]
    graphs = [graph for graph in data["graphs"].values() if isinstance(graph, dict)]
    assert any("arctan" in definition for graph in graphs for definition in graph["definition"])
    assert explore(loss, w).level == "named"


def test_on_tensors_its_way_back_is_a_formula(atan):
    x = Tensor([[1.0, -2.0]], label="X")
    loss = atan(x).sum()
    loss.label = "L"
    loss.backward()
    assert "arctan" in draw_graph(loss, level="op").source
    assert "1/(1 + X ⊙ X)" in draw_graph(loss, level="named").source


def test_it_is_plotted_by_name(atan):
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot

    from viz import plot_activation

    function, slope = plot_activation("atan").lines[:2]
    x = function.get_xdata()
    assert function.get_ydata() == pytest.approx(np.arctan(x))
    assert slope.get_ydata() == pytest.approx(1 / (1 + x * x))
    pyplot.close("all")


def test_a_net_of_it_is_drawn_under_its_name(atan):
    assert ">atan</text>" in draw_network(MLP(2, [3, 1], atan, rng=0), [0.5, -1.0]).svg


def test_it_is_a_function_of_the_shell(atan, capsys):
    assert main(["paths", "a = atan(w); L = a**2", "w=1", "--wrt", "w"]) == 0
    out = capsys.readouterr().out
    assert "1/(1 + w²)" in out
    assert "(equal)" in out
