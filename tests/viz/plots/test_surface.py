"""Loss surfaces are those of the loss; descents go down on them, and the weights come back."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from figures import no_figure_stays_open, plt, texts  # noqa: F401

import autograd
import viz
from autograd import Tensor, Value, mean, sin, squared_error
from nn import MLP
from viz import plot_loss_surface


def two_valleys(w):
    return lambda: (w * w - 1) ** 2 + 0.2 * w + 1


def test_the_loss_over_two_weights_can_be_a_surface():
    u, v = Value(1.0, "u"), Value(-1.5, "v")
    ax = plt.figure().add_subplot(projection="3d")
    assert plot_loss_surface(lambda: u * u + 2 * v * v, [u, v], ax=ax, resolution=11, steps=5) is ax
    x, y, z = (np.asarray(line) for line in ax.get_lines()[0].get_data_3d())
    assert z == pytest.approx(x**2 + 2 * y**2)
    assert len(x) == 6
    with pytest.raises(ValueError, match="'3d' are for two weights, got one"):
        plot_loss_surface(lambda: u * u, u, ax=plt.figure().add_subplot(projection="3d"))


def test_a_curve_with_several_starts_ends_in_different_minima():
    w = Value(0.25, "w")
    ax = plot_loss_surface(two_valleys(w), w, starts=[-1.8, 0.4, 1.6], learning_rate=0.05, steps=200)
    minima = sorted(np.roots([4, 0, -4, 0.2]).real)  # where 4w³ − 4w + 0.2 = 0; the one between is a hill
    stars = sorted(float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "*")
    assert stars == pytest.approx([minima[0], minima[2]], abs=1e-6)
    said = " ".join(texts(ax))
    assert "from start 1" in said
    assert "from starts 2, 3" in said
    assert w.data == 0.25


def test_the_curve_is_the_loss():
    w = Value(0.0, "w")
    ax = plot_loss_surface(lambda: sin(w) + 2, w, span=(-3, 3), steps=1)
    x, y = ax.lines[0].get_data()
    assert (x[0], x[-1]) == (-3, 3)
    assert y == pytest.approx(np.sin(x) + 2, abs=1e-12)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$w$", "loss")


def paths_of(ax):
    return [
        np.stack(line.get_data(), axis=1) for line in ax.lines if len(line.get_xdata()) > 2 and line.get_marker() == "o"
    ]


def test_the_descent_follows_the_gradient_of_the_two_chosen_weights():
    u, v, other = Value(1.0, "u"), Value(-2.0, "v"), Value(0.5, "other")
    u.grad = 7.0
    ax = plot_loss_surface(lambda: u * u + 3 * v * v + other * u + 5, [u, v], learning_rate=0.1, steps=20)
    point = np.array([1.0, -2.0])
    for found in paths_of(ax)[0]:
        assert found == pytest.approx(point, abs=1e-12)
        point = point - 0.1 * np.array([2 * point[0] + 0.5, 6 * point[1]])
    assert (u.data, v.data, other.data, u.grad) == (1.0, -2.0, 0.5, 7.0)


@pytest.mark.slow
def test_several_descents_on_a_surface_are_numbered():
    u, v = Value(0.0, "u"), Value(0.0, "v")
    ax = plot_loss_surface(lambda: u * u + v * v + 1, [u, v], starts=[[1, 2], [-1, 2]], resolution=7, steps=30)
    assert texts(ax) == ["start 1", "start 2"]
    assert [path[0].tolist() for path in paths_of(ax) if len(path) > 2] == [[1, 2], [-1, 2]]
    assert texts(plot_loss_surface(lambda: u * u + v * v + 1, [u, v], resolution=7)) == ["start", "end"]


def test_weights_are_found_by_their_labels_in_the_users_own_model():
    net = MLP(2, [2, 1], "tanh", rng=0)
    before = [p.data for p in net.parameters()]

    def loss(model):
        return mean([squared_error(model([0.3, -0.8]), 1.0), squared_error(model([1.0, 0.2]), -1.0)])

    ax = plot_loss_surface(loss, ["w[1]_1,1", "w[2]_1,2"], model=net, resolution=9)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$w^{[1]}_{11}$", "$w^{[2]}_{12}$")
    start = paths_of(ax)[0][0]
    assert start.tolist() == [net.layers[0].neurons[0].w[0].data, net.layers[1].neurons[0].w[1].data]
    assert [p.data for p in net.parameters()] == before
    assert "loss" in [other.get_ylabel() for other in ax.figure.axes]


@pytest.mark.slow
def test_elements_of_a_tensor_are_weights_too():
    weight = Tensor([[1.0, -2.0], [0.5, 3.0]], "W[1]")
    model = SimpleNamespace(parameters=lambda: [weight])

    def loss():
        return (weight * weight * Tensor([[1.0, 3.0], [0.0, 0.0]])).sum()

    for chosen in ([(weight, (0, 0)), (weight, (0, 1))], ["W[1]_1,1", "W[1]_1,2"]):
        ax = plot_loss_surface(loss, chosen, model=model, learning_rate=0.1, steps=4, resolution=5)
        (path,) = paths_of(ax)
        assert path[:, 0] == pytest.approx(0.8 ** np.arange(5), abs=1e-12)
        assert path[:, 1] == pytest.approx(-2 * 0.4 ** np.arange(5), abs=1e-12)
        assert ax.get_xlabel() == "$W^{[1]}_{11}$"
        assert weight.data.tolist() == [[1.0, -2.0], [0.5, 3.0]]
    ax = plot_loss_surface(lambda: weight.sum() ** 2, (weight, (1, 1)), steps=3, learning_rate=0.01)
    assert ax.get_xlabel() == "$W^{[1]}_{22}$"


def test_a_path_of_ones_own_is_drawn_as_it_is():
    u, v = Value(0.0, "u"), Value(0.0, "v")
    path = [[0.0, 0.0], [1.0, 2.0], [1.5, 2.5]]
    ax = plot_loss_surface(lambda: u * u + v * v, [u, v], path=path, resolution=7)
    assert paths_of(ax)[0].tolist() == path


@pytest.mark.slow
def test_a_loss_that_is_not_positive_has_a_linear_scale():
    u, v = Value(0.3, "u"), Value(0.2, "v")
    ax = plot_loss_surface(lambda: u + v - 3, [u, v], span=(-1, 1), resolution=5, steps=1)
    filled = next(c for c in ax.collections if getattr(c, "filled", False))
    assert np.diff(filled.levels) == pytest.approx(np.full(16, 0.25), abs=1e-9)
    flat = plot_loss_surface(lambda: 0 * u + 0 * v + 3, [u, v], resolution=5, steps=1)
    flat.figure.canvas.draw()


@pytest.mark.slow
def test_a_descent_that_runs_away_ends_where_it_leaves_the_numbers():
    w = Value(1.0, "w")
    ax = plot_loss_surface(lambda: w**4, w, learning_rate=10.0, span=(-2, 2))
    ax.figure.canvas.draw()
    assert w.data == 1.0


@pytest.mark.slow
def test_parts_without_a_loss_are_left_out():
    w = Value(1.0, "w")
    plot_loss_surface(lambda: autograd.log(w), w, span=(-1, 2), learning_rate=0.01).figure.canvas.draw()
    u = Value(1.0, "u")
    plot_loss_surface(lambda: autograd.log(w) * u, [w, u], span=(-1, 2), resolution=9).figure.canvas.draw()


@pytest.mark.parametrize("when", [1, 5, 60, 100])
def test_weights_come_back_even_if_the_loss_fails(when):
    net = MLP(1, [1], rng=0)
    before = [p.data for p in net.parameters()]
    calls = iter(range(10_000))

    def loss():
        if next(calls) == when:
            raise ZeroDivisionError("a loss of the user's own")
        return net([1.0]) ** 2

    with pytest.raises(ZeroDivisionError):
        plot_loss_surface(loss, net.parameters(), steps=50, resolution=9)
    assert [p.data for p in net.parameters()] == before
    assert plt.get_fignums() == []


w, v = Value(1.0, "w"), Value(2.0, "v")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"loss": w * w, "weights": w}, TypeError, "loss to be a function, got Value; write lambda: ..."),
        ({"loss": 3, "weights": w}, TypeError, "loss to be a function, got int"),
        ({"loss": lambda: [w, v], "weights": w}, TypeError, "loss to be a single number, got list"),
        ({"loss": lambda: 3.0, "weights": w}, TypeError, "loss to be a node, to follow its gradient; give path="),
        (
            {"weights": (Tensor([1.0, 2.0]), 2)},
            ValueError,
            r"index into shape \(2,\), such as \(W, \(0,\)\); got \(2,\)",
        ),
        ({"weights": Tensor([1.0, 2.0])}, ValueError, r"index into shape \(2,\)"),
        ({"weights": []}, ValueError, "one or two weights, got 0"),
        ({"weights": [w, v, w]}, ValueError, "one or two weights, got 3"),
        ({"weights": [w, w]}, ValueError, "two different weights"),
        ({"weights": 3.0}, TypeError, "weights to be Values, .* or labels, got float"),
        ({"weights": w * v}, ValueError, "is the result of an operation; choose a weight"),
        ({"weights": "w"}, ValueError, "give model=, or give the nodes themselves"),
        ({"weights": "w[1]_1,3", "model": MLP(2, [1])}, ValueError, "unknown weight .*; did you mean"),
        ({"weights": [w, v], "starts": [1.0, 2.0]}, ValueError, "starts to be a list of pairs"),
        ({"weights": w, "starts": []}, ValueError, "starts to be a list of numbers"),
        ({"weights": w, "starts": [math.nan]}, ValueError, "got nan or infinity"),
        ({"weights": w, "path": [[1.0, 2.0]]}, ValueError, "path to be a list of numbers"),
        ({"weights": w, "span": (2, 1)}, ValueError, r"span to be \(low, high\) with low < high; got \(2, 1\)"),
        ({"weights": [w, v], "span": (1, 2, 3)}, ValueError, "or such a pair for each weight"),
        ({"weights": w, "learning_rate": -1.0}, ValueError, "learning_rate to be a finite number of at least 0"),
        ({"weights": w, "steps": 0}, ValueError, "steps to be a positive integer"),
        ({"weights": w, "starts": ["far left"]}, TypeError, r"starts to be a list of numbers; got \['far left'\]"),
        ({"weights": w, "span": "wide"}, TypeError, r"span to be \(low, high\) with low < high; got 'wide'"),
        ({"weights": w, "resolution": 1}, ValueError, "resolution to be at least 2, got 1"),
        ({"weights": w, "resolution": 0}, ValueError, "resolution to be a positive integer"),
        (
            {"loss": lambda: w * math.nan, "weights": w, "path": [1.0]},
            ValueError,
            "nan or infinite on all of the range",
        ),
    ],
)
def test_what_is_no_landscape_is_refused_and_nothing_moves(arguments, error, message):
    with pytest.raises(error, match=message):
        plot_loss_surface(**{"loss": lambda: w * w + v * v, **arguments})
    assert plt.get_fignums() == []
    assert (w.data, v.data) == (1.0, 2.0)


def test_in_the_dark_nothing_of_a_descent_is_white_on_white():
    w = Value(-1.4, "w")
    with viz.look("dark"):
        ax = viz.plot_loss_surface(lambda: (w * w - 1) ** 2 + 0.3 * w, w)
    outlines = [effect for text in ax.texts for effect in text.get_path_effects()]
    assert outlines
    assert {effect._gc["foreground"] for effect in outlines} == {viz.DARK.paper}
    assert "white" not in {line.get_markerfacecolor() for line in ax.lines}
