"""Activations are drawn with their slopes, as mathematics knows them, and with their kinks."""

import math

import numpy as np
import pytest
from figures import no_figure_stays_open, plt, texts  # noqa: F401

import autograd
from autograd import sigmoid
from autograd.op import table
from nn import RandomizedLeakyReLU
from nn.activations import activations
from viz import plot_activation
from viz.style import LIGHT


def curves(ax):
    """The curve of the function and that of its derivative."""
    function, derivative = [line for line in ax.lines if len(line.get_xdata()) > 100]
    return function, derivative


def circles(ax):
    """Open and full circles as sorted (x, y)."""
    found = {"open": [], "full": []}
    for line in ax.lines:
        if line.get_marker() == "o":
            kind = "open" if line.get_markerfacecolor() == LIGHT.paper else "full"
            found[kind] += [(round(float(x), 6), round(float(y), 6)) for x, y in zip(*line.get_data(), strict=True)]
    return {kind: sorted(points) for kind, points in found.items()}


KNOWN = {
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "softplus": (lambda x: np.log(1 + np.exp(x)), lambda x: 1 / (1 + np.exp(-x))),
    "linear": (lambda x: x, np.ones_like),
    "sin": (np.sin, np.cos),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1, 0.01)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_function_and_derivative_are_drawn(name):
    ax = plot_activation(name, low=-3, high=3)
    for line, known in zip(curves(ax), KNOWN[name], strict=True):
        x, y = (np.asarray(data) for data in line.get_data())
        has_value = np.isfinite(y)
        assert has_value.sum() > 390
        assert y[has_value] == pytest.approx(known(x[has_value]), abs=1e-9)
    function, derivative = curves(ax)
    assert (function.get_color(), function.get_linestyle()) == (LIGHT.ink, "-")
    assert (derivative.get_color(), derivative.get_linestyle()) == (LIGHT.positive, "--")


def test_curves_are_named_at_their_ends():
    assert {"σ(z)", "σ′(z)", "max 0.25"} == set(texts(plot_activation("sigmoid")))
    assert {"tanh(z)", "tanh′(z)", "max 1"} == set(texts(plot_activation("tanh")))


@pytest.mark.parametrize(
    ("activation", "open_", "full"),
    [
        ("relu", [(0, 0), (0, 1)], [(0, 0)]),
        ("leaky_relu", [(0, 0.01), (0, 1)], [(0, 0.01)]),
        (autograd.abs, [(0, -1), (0, 1)], [(0, 0)]),
        (autograd.step, [(0, 0), (0, 1)], [(0, 0)]),  # the function itself jumps, its slope is 0 everywhere
        ("tanh", [], []),
        ("softplus", [], []),
        (
            lambda x: autograd.relu(x - 1.3) + autograd.relu(x + 2),
            [(-2, 0), (-2, 1), (1.3, 1), (1.3, 2)],
            [(-2, 0), (1.3, 1)],
        ),
    ],
)
def test_kinks_are_open_and_the_value_taken_there_is_full(activation, open_, full):
    assert circles(plot_activation(activation)) == {"open": sorted(open_), "full": sorted(full)}


@pytest.mark.slow
def test_a_steep_curve_is_no_jump():
    assert circles(plot_activation(lambda x: sigmoid(200 * x))) == {"open": [], "full": []}


@pytest.mark.slow
def test_a_function_of_values_is_differentiated():
    ax = plot_activation(lambda x: x * sigmoid(x))
    function, derivative = curves(ax)
    x = np.asarray(function.get_xdata())
    s = 1 / (1 + np.exp(-x))
    assert function.get_ydata() == pytest.approx(x * s, abs=1e-12)
    assert derivative.get_ydata() == pytest.approx(s + x * s * (1 - s), abs=1e-12)
    assert ax.get_title("left") == "f"


@pytest.mark.slow
def test_a_random_slope_is_drawn_as_its_mean():
    for activation in ("randomized_leaky_relu", RandomizedLeakyReLU(0.2, 0.4, rng=0)):
        function, _ = curves(plot_activation(activation))
        slope = (1 / 8 + 1 / 3) / 2 if activation == "randomized_leaky_relu" else 0.3
        x, y = function.get_data()
        assert y[x < -1] == pytest.approx(slope * x[x < -1])


def test_a_list_gives_a_panel_each():
    found = plot_activation(["sigmoid", autograd.tanh, table["exp"]])
    assert [ax.get_title("left") for ax in found] == ["sigmoid", "tanh", "exp"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*activations, *(name for name, op in table.items() if len(op.rules) == 1)])
def test_every_activation_and_every_operation_of_one_number_can_be_drawn(name):
    if name in ("softmax", "log_softmax") or (name in table and table[name].reduces):
        with pytest.raises(TypeError, match=r"whole layer|on one number"):
            plot_activation(name)
    else:
        ax = plot_activation(name)
        ax.figure.canvas.draw()
        assert all(map(math.isfinite, ax.get_ylim()))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"activation": "rleu"}, ValueError, "unknown activation 'rleu'; did you mean 'relu'"),
        ({"activation": 3}, TypeError, "expected a name or a function, got int"),
        ({"activation": "maximum"}, TypeError, r"expected an operation on one number; maximum takes \(x, y\)"),
        ({"activation": []}, ValueError, "at least one activation"),
        ({"activation": "relu", "low": 2.0, "high": 1.0}, ValueError, "expected low < high, both finite; got low=2"),
        ({"activation": "relu", "high": math.inf}, ValueError, "both finite"),
    ],
)
def test_what_is_no_activation_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        plot_activation(**arguments)
    assert plt.get_fignums() == []
